//! Events of running code: what `sys.settrace`, `sys.setprofile` and
//! `sys.monitoring` (PEP 669) are told, and the state that says who wants what.
//!
//! Nothing here is looked at by the ordinary loop. While anybody wants events,
//! `Vm::table` is the second table of handlers (see [`super::traced`]), whose
//! only handler asks here before it lets an instruction run.

use super::frame::{Frame, frame_flags as ff};
use super::run;
use crate::prelude::*;
use crate::types::cell::ObjectCell;
use crate::types::code::{Code, offset_of};
use crate::types::exceptions::{self, BaseException};
use crate::types::native_function::{BUILTIN_FUNCTION, METHOD_DESCRIPTOR};
use crate::types::traceback::{FrameObject, frame_object};
use crate::vm::breaker as bits;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::atomic::Ordering;
use taipan_bytecode::{Instruction, LineNote, Opcode};

/// The events, numbered as in PEP 669.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Event {
    PyStart,
    PyResume,
    PyReturn,
    PyYield,
    Call,
    Line,
    Instruction,
    Jump,
    BranchLeft,
    BranchRight,
    StopIteration,
    Raise,
    ExceptionHandled,
    PyUnwind,
    PyThrow,
    Reraise,
    CReturn,
    CRaise,
    Branch,
}

/// Number of events, and of those that belong to a place in code.
pub const EVENTS: usize = 19;
pub const LOCAL_EVENTS: usize = 11;
/// Tools that programs can use.
pub const TOOLS: usize = 6;

/// The events' names, in their order.
pub const NAMES: [&str; EVENTS] = [
    "PY_START",
    "PY_RESUME",
    "PY_RETURN",
    "PY_YIELD",
    "CALL",
    "LINE",
    "INSTRUCTION",
    "JUMP",
    "BRANCH_LEFT",
    "BRANCH_RIGHT",
    "STOP_ITERATION",
    "RAISE",
    "EXCEPTION_HANDLED",
    "PY_UNWIND",
    "PY_THROW",
    "RERAISE",
    "C_RETURN",
    "C_RAISE",
    "BRANCH",
];

/// What an interpreter knows of its tools.
#[derive(Default)]
pub struct Monitoring {
    pub names: [ObjectCell; TOOLS],
    pub callbacks: [[ObjectCell; EVENTS]; TOOLS],
    /// Each tool's global events, as bits.
    pub global: [Cell<u32>; TOOLS],
    /// The tools (bits) that want each event everywhere.
    wanted: [Cell<u8>; EVENTS],
    /// Code objects with local events of each tool, and the tool's generation: local
    /// events of an older one are forgotten.
    local_users: [Cell<usize>; TOOLS],
    generation: [Cell<u32>; TOOLS],
    /// Counts calls of `restart_events`.
    pub restarts: Cell<u32>,
    pub disable: ObjectCell,
    pub missing: ObjectCell,
    /// Does any tool want anything?
    active: Cell<bool>,
}

impl Monitoring {
    fn any(&self) -> bool {
        self.active.get()
    }
    fn look(&self) {
        let global = self.global.iter().any(|events| events.get() != 0);
        self.active.set(global || self.local_users.iter().any(|users| users.get() != 0));
    }
    pub fn set_global(&self, tool: usize, events: u32) {
        self.global[tool].set(events);
        for (event, tools) in self.wanted.iter().enumerate() {
            let bit = 1u8 << tool;
            let on = events >> event & 1 != 0;
            tools.set(if on { tools.get() | bit } else { tools.get() & !bit });
        }
        self.look();
    }
    pub fn local(&self, tool: usize, code: &Code) -> u32 {
        let places = code.places();
        let (generation, events) = places.local[tool].get();
        if generation == self.generation[tool].get() { events } else { 0 }
    }
    pub fn set_local(&self, tool: usize, code: &Code, events: u32) {
        let old = self.local(tool, code);
        code.places().local[tool].set((self.generation[tool].get(), events));
        let users = &self.local_users[tool];
        match (old != 0, events != 0) {
            (false, true) => users.set(users.get() + 1),
            (true, false) => users.set(users.get().saturating_sub(1)),
            _ => {}
        }
        self.look();
    }
    /// The tool wants nothing any more.
    pub fn forget(&self, tool: usize) {
        self.set_global(tool, 0);
        self.generation[tool].set(self.generation[tool].get().wrapping_add(1));
        self.local_users[tool].set(0);
        self.look();
        for callback in &self.callbacks[tool] {
            callback.set(Object::UNBOUND);
        }
    }
    /// Tools that want `event` at instruction `index` of `code`.
    fn tools(&self, code: &Code, places: &Places, event: Event, index: usize, place: u8) -> u8 {
        let number = match event {
            Event::CReturn | Event::CRaise => Event::Call as usize,
            other => other as usize,
        };
        let mut tools = self.wanted[number].get();
        if number < LOCAL_EVENTS {
            for tool in 0..TOOLS {
                if self.local_users[tool].get() != 0 && self.local(tool, code) >> number & 1 != 0 {
                    tools |= 1 << tool;
                }
            }
            if tools != 0 {
                tools &= !places.disabled(self.restarts.get(), index, place);
            }
        }
        tools
    }
}

/// What tools know of the places of a code object: made when it is first traced.
pub struct Places {
    /// The line of each instruction; 0: none, or before the code proper.
    pub lines: Box<[u32]>,
    /// May a line begin here?
    starts: Box<[bool]>,
    /// Are there notes of lines that begin here without an instruction?
    noted: Box<[bool]>,
    /// (generation, events) of each tool.
    local: [Cell<(u32, u32)>; TOOLS],
    /// Tools (bits) that disabled an event at an instruction (see `place`), since restart
    /// `restarts`.
    disabled: RefCell<HashMap<(u32, u8), u8>>,
    restarts: Cell<u32>,
    /// The first instruction that is the programmer's.
    pub first: usize,
    /// There is nothing but the end of a module, which is told of as line 0.
    empty: bool,
    /// Can control come here without an exception? What only handles exceptions counts as
    /// standing behind all other code.
    usual: Box<[bool]>,
}

impl Places {
    pub fn new(code: &Code) -> Places {
        let instructions = code.words();
        let mut lines = code.lines();
        lines.resize(instructions.len(), 0);
        let prologue =
            |ins: &&Instruction| matches!(ins.opcode(), Some(Opcode::MakeCell | Opcode::ReturnGenerator));
        let first = instructions.iter().take_while(prologue).count();
        lines[..first].fill(0);
        let mut starts = vec![false; lines.len()];
        let mut noted = vec![false; lines.len()];
        let mut notes = code.notes().iter().peekable();
        let mut current = 0;
        for (i, &line) in lines.iter().enumerate() {
            while let Some(note) = notes.next_if(|note| note.at as usize <= i) {
                noted[i] = true;
                current = note.line;
            }
            starts[i] = line != 0 && line != current;
            current = line;
        }
        let mut mark = |i: usize| {
            if lines.get(i).is_some_and(|&line| line != 0) {
                starts[i] = true;
            }
        };
        for (i, ins) in instructions.iter().enumerate() {
            match crate::interp::quick::generic(*ins).opcode() {
                Some(op) if op.is_jump() => mark(target(i, *ins)),
                Some(Opcode::ForIter) => {
                    mark(i + 1 - ins.c().min(i + 1));
                    mark(i + 1);
                }
                _ => {}
            }
        }
        for entry in code.exceptions() {
            mark(entry.target as usize);
        }
        Places {
            lines: lines.into(),
            starts: starts.into(),
            noted: noted.into(),
            local: Default::default(),
            disabled: RefCell::default(),
            restarts: Cell::new(0),
            first,
            empty: code.is_empty_module(),
            usual: usual(instructions).into(),
        }
    }
    fn disabled(&self, restarts: u32, index: usize, place: u8) -> u8 {
        if self.restarts.get() != restarts {
            self.restarts.set(restarts);
            self.disabled.borrow_mut().clear();
            return 0;
        }
        self.disabled.borrow().get(&(index as u32, place)).copied().unwrap_or(0)
    }
    fn disable(&self, index: usize, place: u8, tool: usize) {
        *self.disabled.borrow_mut().entry((index as u32, place)).or_insert(0) |= 1 << tool;
    }
    pub(super) fn line(&self, index: usize) -> u32 {
        self.lines.get(index).copied().unwrap_or(0)
    }
}

/// What can be reached without exceptions.
fn usual(instructions: &[Instruction]) -> Vec<bool> {
    let mut seen = vec![false; instructions.len()];
    let mut work = vec![0];
    while let Some(mut i) = work.pop() {
        while i < seen.len() && !std::mem::replace(&mut seen[i], true) {
            let ins = instructions[i];
            match crate::interp::quick::generic(ins).opcode() {
                Some(Opcode::Jump | Opcode::JumpBack) => {
                    i = target(i, ins);
                    continue;
                }
                Some(Opcode::Return | Opcode::ReturnConst | Opcode::Raise | Opcode::Reraise) | None => break,
                Some(Opcode::ForIter) => work.push((i + 1).saturating_sub(ins.c())),
                // It ends a loop by an exception that nobody sees.
                Some(Opcode::GetANext) => {
                    let ends = |ins: &Instruction| ins.opcode() == Some(Opcode::EndAsyncFor);
                    work.extend(instructions[i..].iter().position(ends).map(|n| i + n));
                }
                Some(op) if op.is_jump() => work.push(target(i, ins)),
                Some(_) => {}
            }
            i += 1;
        }
    }
    seen
}

/// Where the jump at `index` leads.
pub(super) fn target(index: usize, ins: Instruction) -> usize {
    (index as i64 + 1 + ins.bc() as i64).max(0) as usize
}

/// Does this instruction carry out the conditional jump behind it?
pub(super) fn is_fused(ins: Instruction) -> bool {
    use Opcode::*;
    let compares = matches!(
        crate::interp::quick::generic(ins).opcode(),
        Some(
            Not | Lt
                | Le
                | Eq
                | Ne
                | Gt
                | Ge
                | Is
                | IsNot
                | In
                | NotIn
                | CheckExceptionMatch
                | MatchMapping
                | MatchSequence
        )
    );
    compares && ins.has(taipan_bytecode::flags::FUSED)
}

/// Where control came from, other than from the instruction before it in time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Arrival {
    Usual,
    /// From this line, by an exception or because a tracer said so.
    Line(u32),
}

/// A thread's tracers.
pub struct Tracer {
    trace: ObjectCell,
    profile: ObjectCell,
    /// Callbacks that run now: none is called for what they do.
    inside: Cell<u32>,
    /// Loops of this thread have to look at `Vm::table`.
    pending: Cell<bool>,
    /// The instruction that polled has to run again.
    pub(super) again: Cell<bool>,
    /// The event whose callback runs, or -1.
    what: Cell<i32>,
    arrival: Cell<Arrival>,
    /// A callback moved the frame to another line.
    moved: Cell<bool>,
}

impl Default for Tracer {
    fn default() -> Tracer {
        Tracer {
            trace: ObjectCell::EMPTY,
            profile: ObjectCell::EMPTY,
            inside: Cell::new(0),
            pending: Cell::new(false),
            again: Cell::new(false),
            what: Cell::new(-1),
            arrival: Cell::new(Arrival::Usual),
            moved: Cell::new(false),
        }
    }
}

/// The two functions that a thread may have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Hook {
    Trace,
    Profile,
}

impl Tracer {
    fn hook(&self, which: Hook) -> &ObjectCell {
        match which {
            Hook::Trace => &self.trace,
            Hook::Profile => &self.profile,
        }
    }
    /// The function that was set, or None.
    pub fn get(&self, which: Hook) -> Object {
        self.hook(which).or_none()
    }
    /// Drops what the thread had: it ends.
    pub fn clear(&self) {
        self.trace.set(Object::UNBOUND);
        self.profile.set(Object::UNBOUND);
    }
    /// The event whose callback runs.
    pub fn event(&self) -> i32 {
        self.what.get()
    }
    /// The frame was sent to `line`.
    pub fn move_to(&self, line: u32) {
        self.moved.set(true);
        self.arrival.set(Arrival::Line(line));
    }
    /// Was the frame sent elsewhere by the tracer just called?
    pub(super) fn take_moved(&self) -> bool {
        self.moved.replace(false)
    }
    /// Control comes to the next instruction from this line, not by a jump.
    pub(super) fn came_from(&self, line: u32) {
        self.arrival.set(Arrival::Line(line));
    }
    /// Is a loop of this thread to look at `Vm::table`?
    pub(super) fn take_pending(&self) -> bool {
        self.pending.replace(false)
    }
    pub(crate) fn pending(&self) -> bool {
        self.pending.get()
    }
}

/// Sets a thread's trace or profile function (None: no more). `thread` may be another.
pub fn set_hook(vm: &Vm, thread: &Vm, which: Hook, function: &Object) {
    let kept = if function.is_none() { Object::UNBOUND } else { function.clone() };
    let old = thread.tracer.hook(which).replace(kept);
    choose_table(thread);
    if std::ptr::eq(vm, thread) {
        announce(vm);
    }
    drop(old);
}

/// After tools' events changed: every thread looks at its table again.
pub fn refresh(vm: &Vm) {
    vm.each_thread(choose_table);
    choose_table(vm);
    announce(vm);
}

/// Do the thread's tracers or the interpreter's tools want to be told of what it does now?
fn is_traced(thread: &Vm) -> bool {
    let tracer = &thread.tracer;
    tracer.inside.get() == 0
        && (!tracer.trace.is_empty() || !tracer.profile.is_empty() || thread.interp().monitoring.any())
}

/// Puts the table into `thread` that its tracers and the interpreter's tools ask for.
fn choose_table(thread: &Vm) {
    let traced = is_traced(thread);
    let table = if traced { run::traced_table() } else { run::plain_table() };
    if !std::ptr::eq(thread.table.get(), table) {
        thread.table.set(table);
        if traced {
            mark_frames(thread);
        }
        thread.tracer.pending.set(traced || crate::traces::is_tracing());
    }
}

/// The frames that are there already have begun: nobody is told of that.
pub(super) fn mark_frames(thread: &Vm) {
    let mut frame = thread.frame.get();
    // SAFETY: the frames of a thread's stack are alive while the GIL is held.
    unsafe {
        while !frame.is_null() {
            (*frame).flags |= ff::SEEN;
            frame = (*frame).previous;
        }
    }
}

/// Loops of this thread that use the plain table see at their next safe point.
pub(crate) fn announce(vm: &Vm) {
    if vm.tracer.pending.get() {
        vm.interp().heap.breaker.fetch_or(bits::TRACE, Ordering::Relaxed);
    }
}

/// Control goes back to native code, and from there perhaps to a loop that uses the
/// plain table.
pub(super) fn left_loop(vm: &Vm) {
    vm.tracer.pending.set(true);
    announce(vm);
}

/// As [`left_loop`], if that is what the instruction does, the frame being the loop's first.
#[cold]
pub(super) fn left_loop_by(vm: &Vm, ins: Instruction) {
    use Opcode::*;
    if matches!(super::quick::generic(ins).opcode(), Some(Return | ReturnConst | Yield | YieldFrom)) {
        left_loop(vm);
    }
}

/// After the safe point in front of `ip`, whose loop has to use another table: where to
/// go on.
///
/// # Safety
/// `ip` belongs to the current frame.
pub(super) unsafe fn after_poll(vm: &Vm, ip: *const Instruction) -> *const Instruction {
    if !vm.tracer.again.replace(false) {
        return ip;
    }
    // SAFETY: says the caller; the instruction that polled lies before it.
    unsafe {
        let code = &*(*vm.frame.get()).code;
        let start = code.instructions_ptr() as *const Instruction;
        if !is_traced(vm) {
            return ip.sub(1);
        }
        vm.tracer.came_from(code.places().line(ip.offset_from(start) as usize - 1));
        ip.sub(1)
    }
}

/// Runs a callback for `event`: what it does is not traced.
fn guarded(vm: &Vm, event: Event, callback: impl FnOnce() -> Result) -> Result {
    vm.check_native_stack("")?;
    let tracer = &vm.tracer;
    let what = tracer.what.replace(event as i32);
    tracer.inside.set(tracer.inside.get() + 1);
    vm.table.set(run::plain_table());
    let result = callback();
    tracer.inside.set(tracer.inside.get() - 1);
    tracer.what.set(what);
    restore_table(vm);
    result
}

fn restore_table(vm: &Vm) {
    if is_traced(vm) {
        vm.table.set(run::traced_table());
    }
}

/// `sys.call_tracing`: calls a function that is traced although a tracer calls it.
pub fn call_tracing(vm: &Vm, function: &Object, args: &[Object]) -> Result {
    let inside = vm.tracer.inside.replace(0);
    let what = vm.tracer.what.replace(-1);
    restore_table(vm);
    let result = vm.call(function, args);
    vm.tracer.inside.set(inside);
    vm.tracer.what.set(what);
    if inside > 0 {
        vm.table.set(run::plain_table());
    }
    result
}

// ---- firing ---------------------------------------------------------------------------

/// What an event tells besides its place.
pub(super) enum Detail<'a> {
    Nothing,
    Object(&'a Object),
    Call(&'a Object, &'a Object),
    Line(u32),
    /// A line without an instruction: which of those before it.
    Note(u32, usize),
    Target(usize),
}

/// What can be disabled at an instruction: an event, for each of the lines there.
fn place(event: Event, detail: &Detail) -> u8 {
    match detail {
        Detail::Note(_, i) => event as u8 + 32 * (*i as u8 + 1),
        _ => event as u8,
    }
}

/// Tells everybody who wants to know of an event at instruction `index` of the
/// current frame.
///
/// # Safety
/// `frame` is the current frame, alive, its `ip` saved.
pub(super) unsafe fn fire(
    vm: &Vm,
    frame: *mut Frame,
    event: Event,
    index: usize,
    detail: &Detail,
) -> Result<()> {
    // SAFETY: says the caller.
    unsafe {
        if vm.tracer.inside.get() > 0 {
            return Ok(());
        }
        if !vm.tracer.trace.is_empty() {
            trace(vm, frame, event, detail)?;
        }
        if !vm.tracer.profile.is_empty() {
            profile(vm, frame, event, detail)?;
        }
        let monitoring = &vm.interp().monitoring;
        if !monitoring.any() {
            return Ok(());
        }
        let code = &*(*frame).code;
        let tools = monitoring.tools(code, code.places(), event, index, place(event, detail));
        if tools == 0 { Ok(()) } else { tell_tools(vm, frame, event, index, detail, tools) }
    }
}

#[inline(never)]
unsafe fn tell_tools(
    vm: &Vm,
    frame: *mut Frame,
    event: Event,
    index: usize,
    detail: &Detail,
    tools: u8,
) -> Result<()> {
    // SAFETY: says the caller.
    let code = unsafe { (*(*frame).code).object() };
    let monitoring = &vm.interp().monitoring;
    let offset = if event == Event::PyStart { 0 } else { offset_of(index) };
    let mut args = vec![code.clone(), vm.usize(offset)];
    match *detail {
        Detail::Nothing => {}
        Detail::Object(object) => args.push(object.clone()),
        Detail::Call(callable, first) => args.extend([callable.clone(), first.clone()]),
        Detail::Line(line) | Detail::Note(line, _) => args[1] = vm.int(line as i64),
        Detail::Target(to) => {
            // SAFETY: a code object.
            args.push(vm.usize(goal(unsafe { code.payload_unchecked() }, to)));
        }
    }
    for tool in (0..TOOLS).rev().filter(|tool| tools >> tool & 1 != 0) {
        let Some(callback) = monitoring.callbacks[tool][event as usize].bound() else { continue };
        if vm.tracer.inside.get() > 0 {
            return Ok(());
        }
        let answer = guarded(vm, event, || vm.call(&callback, &args))?;
        if answer.value() != monitoring.disable.value() {
            continue;
        }
        let number = event as usize;
        if number < LOCAL_EVENTS {
            // SAFETY: a code object.
            unsafe { code.payload_unchecked::<Code>() }.places().disable(index, place(event, detail), tool);
        } else {
            monitoring.callbacks[tool][number].set(Object::UNBOUND);
            return Err(vm.value_error(format!("Cannot disable {} events. Callback removed.", NAMES[number])));
        }
    }
    Ok(())
}

/// As [`fire`] for an event of the exception on its way, which stays there; what the
/// callback raises takes its place.
///
/// # Safety
/// As [`fire`].
pub(super) unsafe fn fire_raised(vm: &Vm, frame: *mut Frame, event: Event, index: usize) -> Result<()> {
    let Some(exception) = vm.take_raised() else { return Ok(()) };
    // SAFETY: says the caller.
    let told = unsafe { fire(vm, frame, event, index, &Detail::Object(&exception)) };
    if told.is_ok() {
        vm.raise(exception);
    }
    told
}

// ---- sys.settrace ---------------------------------------------------------------------

unsafe fn existing_object(frame: *mut Frame) -> Option<Object> {
    // SAFETY: alive, says the caller.
    unsafe { if (*frame).has(ff::OBJECT) { Some(Object::from_borrowed((*frame).object())) } else { None } }
}

fn fields(frame: &Object) -> &FrameObject {
    // SAFETY: used on frame objects only.
    unsafe { frame.payload_unchecked() }
}

unsafe fn trace(vm: &Vm, frame: *mut Frame, event: Event, detail: &Detail) -> Result<()> {
    // SAFETY: says the caller of `fire`.
    unsafe {
        if matches!(event, Event::PyStart | Event::PyResume | Event::PyThrow) {
            let object = frame_object(vm, frame);
            let function = vm.tracer.trace.get();
            return call_trace(vm, &object, &function, event, "call", Object::NONE);
        }
        let Some(object) = existing_object(frame) else { return Ok(()) };
        let this = fields(&object);
        let function = this.trace.borrow().clone();
        if function.is_none() {
            return Ok(());
        }
        let (name, arg) = match (event, detail) {
            (Event::PyReturn | Event::PyYield, Detail::Object(value)) => ("return", (*value).clone()),
            (Event::PyUnwind, _) => ("return", Object::NONE),
            (Event::Raise | Event::StopIteration, Detail::Object(exception)) => {
                let traceback = exception.downcast::<BaseException>().map_or(Object::NONE, |e| e.traceback());
                let class = exception.ty().to_object();
                ("exception", vm.tuple(vec![class, (*exception).clone(), traceback]))
            }
            (Event::Line, _) if this.trace_lines.get() => ("line", Object::NONE),
            (Event::Jump, Detail::Target(to)) if this.trace_lines.get() => {
                // Backwards within a line: the line begins again. The test of a `for` stands
                // below the loop's body but is its beginning.
                let code = &*(*frame).code;
                let from = (*frame).instruction_index();
                let lines = code.places();
                let forward = *to > from && !code.words().get(*to).is_some_and(|i| is_for_iter(*i));
                let line = match notes_at(code, *to) {
                    [note, ..] if note.always => note.line,
                    _ => lines.line(*to),
                };
                if forward || line == 0 || line != lines.line(from) {
                    return Ok(());
                }
                ("line", Object::NONE)
            }
            (Event::Instruction, _) if this.trace_opcodes.get() => ("opcode", Object::NONE),
            _ => return Ok(()),
        };
        call_trace(vm, &object, &function, event, name, arg)
    }
}

fn call_trace(
    vm: &Vm,
    frame: &Object,
    function: &Object,
    event: Event,
    name: &str,
    arg: Object,
) -> Result<()> {
    let args = [frame.clone(), vm.intern(name), arg];
    let event = if name == "line" { Event::Line } else { event };
    match guarded(vm, event, || vm.call(function, &args)) {
        Ok(answer) => {
            if !answer.is_none() {
                drop(fields(frame).trace.replace(answer));
            }
            Ok(())
        }
        Err(raised) => {
            let exception = vm.caught(raised);
            set_hook(vm, vm, Hook::Trace, &Object::NONE);
            drop(fields(frame).trace.replace(Object::NONE));
            Err(vm.raise(exception))
        }
    }
}

// ---- sys.setprofile -------------------------------------------------------------------

unsafe fn profile(vm: &Vm, frame: *mut Frame, event: Event, detail: &Detail) -> Result<()> {
    let (name, arg) = match (event, detail) {
        (Event::PyStart | Event::PyResume | Event::PyThrow, _) => ("call", Object::NONE),
        (Event::PyReturn | Event::PyYield, Detail::Object(value)) => ("return", (*value).clone()),
        (Event::PyUnwind, _) => ("return", Object::NONE),
        (Event::Call | Event::CReturn | Event::CRaise, Detail::Call(callable, first)) => {
            let name = match event {
                Event::Call => "c_call",
                Event::CReturn => "c_return",
                _ => "c_exception",
            };
            if callable.ty().is(&BUILTIN_FUNCTION) {
                (name, (*callable).clone())
            } else if callable.ty().is(&METHOD_DESCRIPTOR)
                && first.value() != vm.interp().monitoring.missing.value()
                && let Some(get) = callable.ty().slots().descr_get
            {
                (name, get(vm, callable, Some(first), Some(&first.ty().to_object()))?)
            } else {
                return Ok(());
            }
        }
        _ => return Ok(()),
    };
    // SAFETY: says the caller of `fire`.
    let object = unsafe { frame_object(vm, frame) };
    let function = vm.tracer.profile.get();
    let args = [object, vm.intern(name), arg];
    match guarded(vm, event, || vm.call(&function, &args)) {
        Ok(_) => Ok(()),
        Err(raised) => {
            let exception = vm.caught(raised);
            set_hook(vm, vm, Hook::Profile, &Object::NONE);
            Err(vm.raise(exception))
        }
    }
}

// ---- before an instruction --------------------------------------------------------------

/// How an instruction goes on after everybody was told.
pub(super) enum Go {
    On,
    /// A callback raised.
    Raise,
    /// A tracer moved the frame elsewhere.
    Moved,
}

/// The events before the instruction in front of `ip`: that the frame begins or goes
/// on, that control jumped here, that a line or an instruction begins.
///
/// # Safety
/// `ip` belongs to the current frame.
pub(super) unsafe fn before(vm: &Vm, ip: *const Instruction) -> Go {
    // SAFETY: says the caller.
    unsafe {
        let frame = vm.frame.get();
        let code = &*(*frame).code;
        let start = code.instructions_ptr() as *const Instruction;
        let index = ip.offset_from(start) as usize - 1;
        let places = code.places();
        let arrival = vm.tracer.arrival.replace(Arrival::Usual);
        vm.tracer.moved.set(false);
        let came_from = (*frame).ip;
        let mut previous = (came_from.offset_from(start) as usize).checked_sub(1);
        let mut jumped = arrival == Arrival::Usual;
        if !(*frame).has(ff::SEEN) {
            jumped = false;
            if index < places.first && (*ip.sub(1)).opcode() == Some(Opcode::ReturnGenerator) {
                // The frame of the call that makes a generator: its code does not begin yet.
                (*frame).ip = ip;
                return Go::On;
            }
            (*frame).flags |= ff::SEEN;
            let started = index <= places.first && came_from == ip.sub(1);
            if came_from == ip.sub(1) && (*ip.sub(1)).opcode() == Some(Opcode::YieldFrom) {
                // It runs again.
                (*frame).ip = ip;
                previous = Some(index);
            }
            let event = if started { Event::PyStart } else { Event::PyResume };
            if started {
                previous = None;
            }
            let place = if started { index } else { previous.unwrap_or(index) };
            if fire(vm, frame, event, place, &Detail::Nothing).is_err() {
                return Go::Raise;
            }
            if vm.tracer.take_moved() {
                return Go::Moved;
            }
        }
        if jumped
            && let Some(from) = previous
            && !jump_events(vm, frame, code, from, index)
        {
            return Go::Raise;
        }
        if vm.tracer.take_moved() {
            return Go::Moved;
        }
        (*frame).ip = ip;
        let line = places.line(index);
        let mut previous_line = match arrival {
            Arrival::Line(line) => line,
            Arrival::Usual => previous.map_or(0, |from| places.line(from)),
        };
        if places.noted[index] && arrival == Arrival::Usual {
            let linear = previous
                .is_none_or(|from| from + 1 == index || from + 2 == index && is_fused(code.words()[from]));
            if noted_lines(vm, frame, code, index, linear, &mut previous_line).is_err() {
                return Go::Raise;
            }
            if vm.tracer.take_moved() {
                return Go::Moved;
            }
        }
        let begins = line != 0 && places.starts[index] && previous_line != line
            || places.empty && index == places.first && previous.is_none();
        if begins && fire(vm, frame, Event::Line, index, &Detail::Line(line)).is_err() {
            return Go::Raise;
        }
        if !vm.tracer.moved.get()
            && index >= places.first
            && fire(vm, frame, Event::Instruction, index, &Detail::Nothing).is_err()
        {
            return Go::Raise;
        }
        if vm.tracer.take_moved() {
            return Go::Moved;
        }
        Go::On
    }
}

/// The lines that begin before instruction `index` without one of their own.
#[cold]
unsafe fn noted_lines(
    vm: &Vm,
    frame: *mut Frame,
    code: &Code,
    index: usize,
    linear: bool,
    previous: &mut u32,
) -> Result<()> {
    let notes = notes_at(code, index);
    for (i, note) in notes.iter().enumerate() {
        if !note.always && !linear || note.line == *previous {
            continue;
        }
        *previous = note.line;
        // SAFETY: the frame is the current one.
        let object = unsafe { frame_object(vm, frame) };
        fields(&object).note.set(Some((note.line, offset_of(index) - 2 * (notes.len() - i))));
        // SAFETY: as above.
        let told = unsafe { fire(vm, frame, Event::Line, index, &Detail::Note(note.line, i)) };
        fields(&object).note.set(None);
        told?;
        if vm.tracer.moved.get() {
            break;
        }
    }
    Ok(())
}

/// The notes of lines before instruction `index`.
pub fn notes_at(code: &Code, index: usize) -> &[LineNote] {
    let notes = code.notes();
    let from = notes.partition_point(|note| (note.at as usize) < index);
    let count = notes[from..].iter().take_while(|note| note.at as usize == index).count();
    &notes[from..from + count]
}

/// Tells of the jump or branch by which control came from `from` to `to`; false: a
/// callback raised.
unsafe fn jump_events(vm: &Vm, frame: *mut Frame, code: &Code, from: usize, to: usize) -> bool {
    // SAFETY: says the caller.
    unsafe {
        let instructions = code.words();
        let Some(ins) = instructions.get(from).map(|ins| crate::interp::quick::generic(*ins)) else {
            return true;
        };
        let Some(op) = ins.opcode() else { return true };
        let mut source = from;
        let mut event = match op {
            Opcode::ForIter if to == from + 1 => Some(Event::BranchRight),
            Opcode::ForIter => Some(Event::BranchLeft),
            Opcode::Jump | Opcode::JumpBack => Some(Event::Jump),
            Opcode::JumpIfFalse | Opcode::JumpIfTrue | Opcode::JumpIfNone | Opcode::JumpIfNotNone => {
                Some(if to == from + 1 { Event::BranchLeft } else { Event::BranchRight })
            }
            _ if is_fused(ins) => {
                source = from + 1;
                Some(if to == from + 2 { Event::BranchLeft } else { Event::BranchRight })
            }
            _ => None,
        };
        let usual = &code.places().usual;
        if op == Opcode::Jump && to > from {
            // Over handlers, or out of one.
            let over = usual[from + 1..to].iter().all(|usual| !usual);
            if over || !usual[from] && usual[to] {
                event = None;
            }
        }
        let bottom = |i: usize| instructions.get(i).is_some_and(|ins| is_for_iter(*ins));
        let mut body_ended = false;
        if bottom(to) {
            let body = (to + 1).saturating_sub(instructions[to].c());
            if op == Opcode::Jump && from + 1 == body {
                // Into the loop: there is no such jump where the test stands above the body.
                event = None;
            } else if event != Some(Event::Jump) {
                body_ended = true;
            }
        }
        // The frame still stands at the jump.
        if let Some(event) = event
            && fire(vm, frame, event, source, &Detail::Target(to)).is_err()
        {
            return false;
        }
        !body_ended || fire(vm, frame, Event::Jump, from, &Detail::Target(to)).is_ok()
    }
}

/// Where programs see control arrive that goes to instruction `index`.
fn goal(code: &Code, index: usize) -> usize {
    match notes_at(code, index) {
        notes @ [first, ..] if first.always => offset_of(index) - 2 * notes.len(),
        _ => offset_of(index),
    }
}

/// The branches of a code object: each with its left and its right goal.
pub fn branches(code: &Code) -> Vec<[usize; 3]> {
    let mut out: Vec<[usize; 3]> = Vec::new();
    for (i, ins) in code.words().iter().enumerate() {
        match crate::interp::quick::generic(*ins).opcode() {
            Some(Opcode::ForIter) => out.push([i, (i + 1).saturating_sub(ins.c()), i + 1]),
            Some(Opcode::Jump | Opcode::JumpBack) | None => {}
            Some(op) if op.is_jump() => out.push([i, i + 1, target(i, *ins)]),
            _ => {}
        }
    }
    out.into_iter().map(|[at, left, right]| [offset_of(at), goal(code, left), goal(code, right)]).collect()
}

fn is_for_iter(ins: Instruction) -> bool {
    crate::interp::quick::generic(ins).opcode() == Some(Opcode::ForIter)
}

/// Tells that an iterator that a loop or a `yield from` used has ended: the
/// StopIteration that nobody raised.
///
/// # Safety
/// As [`fire`].
pub(super) unsafe fn iteration_ended(vm: &Vm, frame: *mut Frame, event: Event, value: Object) -> Result<()> {
    if vm.tracer.inside.get() > 0 {
        return Ok(());
    }
    let args = if value.is_none() { Vec::new() } else { vec![value] };
    let exception = exceptions::new_with_args(vm, &exc::STOP_ITERATION, args);
    // SAFETY: says the caller.
    unsafe { fire(vm, frame, event, (*frame).instruction_index(), &Detail::Object(&exception)) }
}
