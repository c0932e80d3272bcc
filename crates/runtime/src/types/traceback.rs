//! traceback and frame objects: made only when somebody looks.

use crate::interp::frame::{Frame, frame_flags as ff};
use crate::names::name;
use crate::prelude::*;
use crate::types::cell::CellObject;
use crate::types::code::{Code, offset_of};
use std::cell::{Cell, RefCell, UnsafeCell};
use taipan_bytecode::LocalKind;

/// Payload of traceback objects.
pub struct Traceback {
    next: RefCell<Object>,
    frame: Object,
    /// Index of the instruction.
    index: usize,
    /// `tb_lasti` if Python code made the traceback.
    lasti: Option<i32>,
    /// 0: ask the code.
    line: Cell<i64>,
}

impl NativeClass for Traceback {
    fn class() -> &'static Type {
        &TRACEBACK
    }
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit_object(&self.next.borrow());
        visitor.visit_object(&self.frame);
    }
    fn clear(&self) {
        drop(self.next.replace(Object::NONE));
    }
}

/// Payload of frame objects.
pub struct FrameObject {
    /// The running or suspended frame; null once it is gone.
    frame: Cell<*mut Frame>,
    code: Object,
    globals: Object,
    builtins: Object,
    /// Class or module namespace, or UNBOUND.
    namespace: Object,
    /// Registers taken over from a frame that ended.
    registers: UnsafeCell<Vec<Value>>,
    /// Where the frame stood when it ended.
    last_index: Cell<usize>,
    /// Where it stood when an exception passed through last.
    raised_index: Cell<Option<usize>>,
    back: RefCell<Object>,
    pub trace: RefCell<Object>,
    pub trace_lines: Cell<bool>,
    pub trace_opcodes: Cell<bool>,
    /// While a tracer is told of a line without an instruction: that line, and its place.
    pub note: Cell<Option<(u32, usize)>>,
    /// Extra names stored through `f_locals`.
    extra_locals: RefCell<Object>,
}

impl NativeClass for FrameObject {
    fn class() -> &'static Type {
        &FRAME
    }
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit_object(&self.code);
        visitor.visit_object(&self.globals);
        visitor.visit_object(&self.builtins);
        visitor.visit_object(&self.namespace);
        visitor.visit_object(&self.back.borrow());
        visitor.visit_object(&self.trace.borrow());
        visitor.visit_object(&self.extra_locals.borrow());
        // SAFETY: the words are owned by the frame object.
        for &value in unsafe { (*self.registers.get()).iter() } {
            visitor.visit(value);
        }
    }
    fn clear(&self) {
        self.clear_registers();
        drop(self.back.replace(Object::NONE));
    }
}

impl Drop for FrameObject {
    fn drop(&mut self) {
        self.clear_registers();
    }
}

impl FrameObject {
    fn clear_registers(&self) {
        // SAFETY: the words are taken out before they are dropped.
        let words = unsafe { std::mem::take(&mut *self.registers.get()) };
        for word in words.into_iter().rev() {
            // SAFETY: owned.
            drop(unsafe { Object::from_owned(word) });
        }
    }
    fn code(&self) -> &Code {
        // SAFETY: set to a code object at creation.
        unsafe { self.code.payload_unchecked() }
    }
    fn index(&self) -> usize {
        let frame = self.frame.get();
        // SAFETY: a non-null frame is alive.
        if frame.is_null() { self.last_index.get() } else { unsafe { (*frame).instruction_index() } }
    }
    /// The instruction where programs see the frame: the end of a handler is where it was
    /// raised.
    fn shown_index(&self) -> usize {
        let (code, index) = (self.code(), self.index());
        let reraises = || {
            let ins = code.words().get(index);
            ins.is_some_and(|ins| ins.opcode() == Some(taipan_bytecode::Opcode::Reraise))
        };
        match self.raised_index.get() {
            Some(raised) if code.line_of(index) == 0 && (self.frame.get().is_null() || reraises()) => raised,
            _ => index,
        }
    }
    /// Has it run no instruction yet?
    fn begins(&self) -> bool {
        let frame = self.frame.get();
        // SAFETY: as above.
        unsafe { !frame.is_null() && (*frame).ip == (*(*frame).code).instructions_ptr() as *const _ }
    }
    /// The word in register `i`, alive or taken over.
    fn register(&self, i: usize) -> Value {
        let frame = self.frame.get();
        // SAFETY: as above.
        unsafe {
            if frame.is_null() {
                (&*self.registers.get()).get(i).copied().unwrap_or(Value::UNBOUND)
            } else {
                *(*frame).base.add(i)
            }
        }
    }
    fn store_register(&self, i: usize, value: Object) {
        let frame = self.frame.get();
        // SAFETY: as above; the old word is dropped after the store.
        unsafe {
            let slot = if frame.is_null() {
                match (&mut *self.registers.get()).get_mut(i) {
                    Some(slot) => slot as *mut Value,
                    None => return,
                }
            } else {
                (*frame).base.add(i)
            };
            drop(Object::from_owned(std::mem::replace(&mut *slot, value.into_value())));
        }
    }
    /// What the variable in register `i` holds.
    fn variable(&self, i: usize, kind: LocalKind) -> Option<Object> {
        content(self.register(i), kind)
    }
}

/// The frame object of a frame (made the first time).
///
/// # Safety
/// The frame is alive.
pub unsafe fn frame_object(vm: &Vm, frame: *mut Frame) -> Object {
    // SAFETY: says the caller.
    unsafe {
        if (*frame).has(crate::interp::frame::frame_flags::OBJECT) {
            return Object::from_borrowed((*frame).object());
        }
        let made = vm.alloc(
            &FRAME,
            FrameObject {
                frame: Cell::new(frame),
                code: (*(*frame).code).object(),
                globals: Object::from_borrowed((*frame).globals()),
                builtins: Object::from_borrowed((*frame).builtins()),
                namespace: Object::from_borrowed((*frame).locals()),
                registers: UnsafeCell::new(Vec::new()),
                last_index: Cell::new(0),
                raised_index: Cell::new(None),
                back: RefCell::new(Object::NONE),
                trace: RefCell::new(Object::NONE),
                trace_lines: Cell::new(true),
                trace_opcodes: Cell::new(false),
                note: Cell::new(None),
                extra_locals: RefCell::new(Object::UNBOUND),
            },
        );
        (*frame).set_object(made.clone().into_value());
        made
    }
}

/// An exception was raised at instruction `index` of a frame, which handles it.
///
/// # Safety
/// The frame is alive.
pub(crate) unsafe fn raised_at(frame: *mut Frame, index: usize) {
    // SAFETY: says the caller; the object lives as long.
    unsafe {
        let object = (*frame).object();
        if !object.is_unbound() {
            fr(Object::borrow_value(&object)).raised_index.set(Some(index));
        }
    }
}

/// A frame with a frame object ends: the object takes the registers over if
/// anybody else still holds it.
///
/// # Safety
/// The frame is alive and ends now.
#[cold]
pub(crate) unsafe fn detach(vm: &Vm, frame: *mut Frame) {
    // SAFETY: says the caller.
    unsafe {
        let object = (*frame).take_object();
        let Some(this) = object.downcast::<FrameObject>() else { return };
        this.last_index.set((*frame).instruction_index());
        let shared = object.header().is_some_and(|h| h.count() > 1);
        if shared {
            let back = (*frame).previous;
            if !back.is_null() {
                let back = frame_object(vm, back);
                drop(this.back.replace(back));
            }
            let count = (*(*frame).code).first_temp;
            let mut words = Vec::with_capacity(count);
            for i in 0..count {
                words.push(std::mem::replace(&mut *(*frame).base.add(i), Value::UNBOUND));
            }
            *this.registers.get() = words;
        }
        this.frame.set(std::ptr::null_mut());
    }
}

/// A frame goes away without ending (its generator dies).
///
/// # Safety
/// The frame is alive.
pub(crate) unsafe fn forget(frame: *mut Frame) {
    // SAFETY: says the caller.
    unsafe {
        let object = (*frame).take_object();
        if let Some(this) = object.downcast::<FrameObject>() {
            this.last_index.set((*frame).instruction_index());
            this.frame.set(std::ptr::null_mut());
        }
    }
}

/// A traceback entry for the instruction that runs in `frame`.
///
/// # Safety
/// The frame is alive and its `ip` saved.
pub(crate) unsafe fn new_for_frame(vm: &Vm, frame: *mut Frame, next: Object) -> Object {
    // SAFETY: says the caller.
    unsafe {
        let index = (*frame).instruction_index();
        let frame = frame_object(vm, frame);
        fr(&frame).raised_index.set(Some(index));
        vm.alloc(
            &TRACEBACK,
            Traceback { next: RefCell::new(next), frame, index, lasti: None, line: Cell::new(0) },
        )
    }
}

fn tb(object: &Object) -> &Traceback {
    // SAFETY: used on tracebacks only.
    unsafe { object.payload_unchecked() }
}

fn fr(object: &Object) -> &FrameObject {
    // SAFETY: used on frames only.
    unsafe { object.payload_unchecked() }
}

fn tb_line(object: &Object) -> i64 {
    let t = tb(object);
    if t.line.get() != 0 { t.line.get() } else { fr(&t.frame).code().line_of(t.index) as i64 }
}

static TB_SIG: Sig = Sig::new("traceback(tb_next, tb_frame, tb_lasti, tb_lineno)");

pub static TRACEBACK: Type = Type::new::<Traceback>(
    "traceback",
    &crate::types::object::OBJECT,
    type_flags::HAVE_GC,
    Slots {
        new: Some(|vm, _, args, kwnames| {
            let args = TB_SIG.bind(vm, args, kwnames)?;
            if !args[0].is_none() && !args[0].ty().is(&TRACEBACK) {
                return Err(vm.type_error(format!(
                    "expected traceback object or None, got '{}'",
                    args[0].ty().name()
                )));
            }
            if !args[1].ty().is(&FRAME) {
                return Err(vm.type_error(format!(
                    "traceback() argument 'tb_frame' must be frame, not {}",
                    args[1].ty().name()
                )));
            }
            let lasti = vm.to_c_int(&args[2])?;
            let line = vm.to_c_int(&args[3])?;
            Ok(vm.alloc(
                &TRACEBACK,
                Traceback {
                    next: RefCell::new(args[0].clone()),
                    frame: args[1].clone(),
                    index: (lasti.max(0) as usize / 8).saturating_sub(1),
                    lasti: Some(lasti),
                    line: Cell::new(line as i64),
                },
            ))
        }),
        ..Slots::EMPTY
    },
    &[MethodDef::new(
        "__dir__($self, /)",
        |vm, _| {
            let names = ["tb_frame", "tb_next", "tb_lasti", "tb_lineno"];
            Ok(vm.list(names.iter().map(|n| vm.intern(n)).collect()))
        },
        "",
    )],
    &[
        GetSetDef::new("tb_next", |_, t| Ok(tb(t).next.borrow().clone())).with_set(|vm, t, value| {
            let Some(value) = value else { return Err(vm.type_error("can't delete tb_next attribute")) };
            if !value.is_none() && !value.ty().is(&TRACEBACK) {
                return Err(vm.type_error(format!("expected traceback object, got '{}'", value.ty().name())));
            }
            let mut at = value.clone();
            while !at.is_none() {
                if at.value() == t.value() {
                    return Err(vm.value_error("traceback loop detected"));
                }
                let next = tb(&at).next.borrow().clone();
                at = next;
            }
            drop(tb(t).next.replace(value.clone()));
            Ok(())
        }),
        GetSetDef::new("tb_frame", |_, t| Ok(tb(t).frame.clone())),
        GetSetDef::new("tb_lasti", |vm, t| {
            let t = tb(t);
            Ok(t.lasti.map_or_else(|| vm.usize(offset_of(t.index)), |lasti| vm.int(lasti as i64)))
        }),
        GetSetDef::new("tb_lineno", |vm, t| Ok(vm.int(tb_line(t)))),
    ],
)
.with_doc("Create a new traceback object.");

/// Frames on the traceback with file, line, name: for displaying an uncaught
/// exception when Python's own machinery cannot.
pub fn entries(vm: &Vm, traceback: &Object) -> Vec<(String, i64, String)> {
    let mut out = Vec::new();
    let mut at = traceback.clone();
    while at.ty().is(&TRACEBACK) {
        let code = fr(&tb(&at).frame).code();
        out.push((vm.str_lossy(&code.filename.get()), tb_line(&at), vm.str_lossy(&code.qualname)));
        let next = tb(&at).next.borrow().clone();
        at = next;
    }
    out
}

// ---- frame ------------------------------------------------------------------------

/// The variables that are bound, with their registers. The variable of a running
/// comprehension, which has a hidden register, stands before one of its name.
fn visible_variables(
    vm: &Vm,
    code: &Code,
    value: impl Fn(usize, LocalKind) -> Option<Object>,
) -> Vec<(usize, Object)> {
    let mut found: Vec<(usize, Object)> = Vec::new();
    for (i, (local, kind)) in code.locals(vm).iter().enumerate() {
        let Some(value) = value(i, *kind) else { continue };
        // Names are interned.
        let shadowed = kind
            .contains(LocalKind::HIDDEN)
            .then(|| found.iter_mut().find(|(j, _)| code.locals(vm)[*j].0.value() == local.value()));
        match shadowed.flatten() {
            Some(outer) => *outer = (i, value),
            None => found.push((i, value)),
        }
    }
    found
}

fn as_bool(vm: &Vm, value: &Object) -> Result<bool> {
    if value.is_bool() {
        Ok(value.is(Value::TRUE))
    } else {
        Err(vm.type_error("attribute value type must be bool"))
    }
}

/// Does a comprehension run that has variables of its own?
fn in_comprehension(vm: &Vm, code: &Code, word: impl Fn(usize) -> Value) -> bool {
    let mut locals = code.locals(vm).iter().enumerate();
    locals.any(|(i, (_, kind))| kind.contains(LocalKind::HIDDEN) && !word(i).is_unbound())
}

/// `locals()` of a frame: the namespace, or a snapshot of the variables.
pub(crate) fn frame_locals(vm: &Vm, frame: *mut Frame) -> Result {
    // SAFETY: called for the current frame.
    let (namespace, code) = unsafe { (Object::from_borrowed((*frame).locals()), &*(*frame).code) };
    // SAFETY: named registers are in range.
    let word = |i: usize| unsafe { *(*frame).base.add(i) };
    if !namespace.is_unbound() && !in_comprehension(vm, code, word) {
        return Ok(namespace);
    }
    let snapshot = vm.new_dict();
    for (i, value) in visible_variables(vm, code, |i, kind| content(word(i), kind)) {
        vm.set_item(&snapshot, &code.locals(vm)[i].0, &value)?;
    }
    Ok(snapshot)
}

/// What a register says of its variable.
fn content(word: Value, kind: LocalKind) -> Option<Object> {
    if word.is_unbound() {
        return None;
    }
    // SAFETY: alive in its register.
    let object = unsafe { Object::from_borrowed(word) };
    let is_cell = kind.contains(LocalKind::CELL) || kind.contains(LocalKind::FREE);
    match object.downcast_exact::<CellObject>() {
        Some(cell) if is_cell => cell.get(),
        _ => Some(object),
    }
}

/// Takes the frame of a suspended generator out of the chain it is in.
///
/// # Safety
/// The frame is alive.
unsafe fn stand_alone(frame: *mut Frame) {
    // SAFETY: generators' frames have theirs in `extra`.
    unsafe {
        if (*frame).has(ff::GENERATOR) {
            let owner = Object::borrow_value(&(*frame).extra);
            owner.payload_unchecked::<crate::types::generator::Generator>().state();
        }
    }
}

fn f_back(vm: &Vm, f: &Object) -> Result {
    let this = fr(f);
    let frame = this.frame.get();
    // SAFETY: a non-null frame is alive, and so are those below it.
    unsafe {
        if frame.is_null() {
            return Ok(this.back.borrow().clone());
        }
        stand_alone(frame);
        let previous = (*frame).previous;
        Ok(if previous.is_null() { Object::NONE } else { frame_object(vm, previous) })
    }
}

fn f_line(f: &Object) -> u32 {
    let this = fr(f);
    if let Some((line, _)) = this.note.get() {
        return line;
    }
    if this.begins() {
        return this.code().start_line();
    }
    let (code, index) = (this.code(), this.shown_index());
    match code.line_of(index) {
        // A generator that was not started yet: its prologue has no line.
        0 if index <= 1 && code.is_generator_like() => code.first_line,
        line => line,
    }
}

pub static FRAME: Type = Type::new::<FrameObject>(
    "frame",
    &crate::types::object::OBJECT,
    type_flags::HAVE_GC | type_flags::WEAKREFABLE,
    Slots {
        ..Slots::EMPTY.repr(|vm, f| {
            let code = fr(f).code();
            Ok(vm.str(&format!(
                "<frame at {:#x}, file {}, line {}, code {}>",
                f.bits(),
                vm.repr_text(&code.filename.get())?,
                f_line(f),
                vm.str_lossy(&code.name)
            )))
        })
    },
    &[
        MethodDef::new(
            "clear($self, /)",
            |vm, args| {
                let this = fr(&args[0]);
                let frame = this.frame.get();
                if frame.is_null() {
                    this.clear_registers();
                    return Ok(Object::NONE);
                }
                // SAFETY: alive.
                unsafe {
                    stand_alone(frame);
                    if !(*frame).has(ff::GENERATOR) || !(*frame).previous.is_null() {
                        return Err(vm.runtime_error("cannot clear an executing frame"));
                    }
                    let owner = Object::from_borrowed((*frame).extra);
                    let generator = owner.payload_unchecked::<crate::types::generator::Generator>();
                    match generator.state() {
                        crate::types::generator::State::Running => {
                            return Err(vm.runtime_error("cannot clear an executing frame"));
                        }
                        crate::types::generator::State::Suspended => {
                            return Err(vm.runtime_error("cannot clear a suspended frame"));
                        }
                        _ => {}
                    }
                    crate::types::generator::close(vm, &owner)?;
                }
                Ok(Object::NONE)
            },
            "Clear all references held by the frame.",
        ),
        MethodDef::new(
            "__sizeof__($self, /)",
            |vm, args| Ok(vm.usize(size_of::<FrameObject>() + 16 + fr(&args[0]).code().registers * 8)),
            "Return the size of the frame in memory, in bytes.",
        ),
    ],
    &[
        GetSetDef::new("f_back", f_back),
        GetSetDef::new("f_code", |_, f| Ok(fr(f).code.clone())),
        GetSetDef::new("f_globals", |_, f| Ok(fr(f).globals.clone())),
        GetSetDef::new("f_builtins", |_, f| Ok(fr(f).builtins.clone())),
        GetSetDef::new("f_locals", |vm, f| {
            let this = fr(f);
            if !this.namespace.is_unbound() && !in_comprehension(vm, this.code(), |i| this.register(i)) {
                return Ok(this.namespace.clone());
            }
            Ok(vm.alloc(&FRAME_LOCALS_PROXY, LocalsProxy { frame: f.clone() }))
        }),
        GetSetDef::new("f_lasti", |vm, f| {
            let this = fr(f);
            let index = this.shown_index();
            Ok(vm.usize(match this.note.get() {
                Some((_, offset)) => offset,
                None if this.begins() => 0,
                None => offset_of(index),
            }))
        }),
        GetSetDef::new("f_lineno", |vm, f| {
            let line = f_line(f);
            // A module begins on line 0.
            let known = line != 0 || fr(f).begins() || fr(f).code().is_empty_module();
            Ok(if !known { Object::NONE } else { vm.int(line as i64) })
        })
        .with_set(|vm, f, value| match value {
            // SAFETY: a non-null frame is alive.
            Some(value) => unsafe {
                crate::interp::jump::set_line(vm, fr(f).frame.get(), value)?;
                fr(f).note.set(None);
                Ok(())
            },
            None => Err(
                vm.error(&exc::ATTRIBUTE_ERROR, "attribute 'f_lineno' of 'frame' objects cannot be deleted")
            ),
        }),
        GetSetDef::new("f_trace", |_, f| Ok(fr(f).trace.borrow().clone())).with_set(|_, f, value| {
            drop(fr(f).trace.replace(value.cloned().unwrap_or(Object::NONE)));
            Ok(())
        }),
        GetSetDef::new("f_trace_lines", |_, f| Ok(Object::bool(fr(f).trace_lines.get()))).with_set(
            |vm, f, value| {
                let Some(value) = value else {
                    return Err(vm.type_error("can't delete numeric/char attribute"));
                };
                fr(f).trace_lines.set(as_bool(vm, value)?);
                Ok(())
            },
        ),
        GetSetDef::new("f_trace_opcodes", |_, f| Ok(Object::bool(fr(f).trace_opcodes.get()))).with_set(
            |vm, f, value| {
                let Some(value) = value else {
                    let text = "attribute 'f_trace_opcodes' of 'frame' objects cannot be deleted";
                    return Err(vm.error(&exc::ATTRIBUTE_ERROR, text));
                };
                fr(f).trace_opcodes.set(as_bool(vm, value)?);
                Ok(())
            },
        ),
        GetSetDef::new("f_generator", |_, f| {
            let frame = fr(f).frame.get();
            // SAFETY: alive.
            Ok(unsafe {
                if !frame.is_null() && (*frame).has(ff::GENERATOR) {
                    Object::from_borrowed((*frame).extra)
                } else {
                    Object::NONE
                }
            })
        }),
    ],
);

/// `sys._getframe(depth)`; None if the stack is not that deep.
pub fn getframe(vm: &Vm, depth: usize) -> Option<Object> {
    let mut frame = vm.frame.get();
    // SAFETY: frames of the current stack are alive.
    unsafe {
        for _ in 0..depth {
            if frame.is_null() {
                return None;
            }
            frame = (*frame).previous;
        }
        if frame.is_null() { None } else { Some(frame_object(vm, frame)) }
    }
}

/// `cr_origin`: (file, line, name) of up to `depth` callers.
pub fn origin(vm: &Vm, depth: usize) -> Object {
    let mut rows = Vec::new();
    let mut frame = vm.frame.get();
    // SAFETY: as above.
    unsafe {
        if !frame.is_null() {
            frame = (*frame).previous;
        }
        while !frame.is_null() && rows.len() < depth {
            let code = &*(*frame).code;
            let line = vm.int((*frame).line() as i64);
            rows.push(vm.tuple(vec![code.filename.get(), line, code.name.clone()]));
            frame = (*frame).previous;
        }
    }
    vm.tuple(rows)
}

// ---- f_locals (PEP 667) ----------------------------------------------------------------

/// Write-through view of a function frame's variables.
pub struct LocalsProxy {
    frame: Object,
}

impl NativeClass for LocalsProxy {
    fn class() -> &'static Type {
        &FRAME_LOCALS_PROXY
    }
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit_object(&self.frame);
    }
}

fn proxy_frame(object: &Object) -> &FrameObject {
    // SAFETY: used on FrameLocalsProxy only.
    fr(unsafe { &object.payload_unchecked::<LocalsProxy>().frame })
}

/// The register of a name: that of a running comprehension's variable first.
fn proxy_position(vm: &Vm, this: &FrameObject, key: &Object) -> Result<Option<usize>> {
    let plain = key.ty().is(&crate::types::str::STR);
    let hash = if plain { 0 } else { vm.hash(key)? };
    let mut found = None;
    for (i, (local, kind)) in this.code().locals(vm).iter().enumerate() {
        let hidden = kind.contains(LocalKind::HIDDEN);
        if (hidden && this.register(i).is_unbound()) || (found.is_some() && !hidden) {
            continue;
        }
        let same = match plain {
            true => local.value() == key.value() || vm.str_equal(local, key),
            false => vm.hash(local)? == hash && vm.equal(local, key)?,
        };
        if same {
            found = Some(i);
        }
    }
    Ok(found)
}

fn proxy_get(vm: &Vm, this: &FrameObject, key: &Object) -> Result<Option<Object>> {
    if let Some(i) = proxy_position(vm, this, key)?
        && let Some(value) = this.variable(i, this.code().locals(vm)[i].1)
    {
        return Ok(Some(value));
    }
    let extra = this.extra_locals.borrow().clone();
    match extra.downcast::<Dict>() {
        Some(d) => d.get(vm, key),
        None => {
            vm.hash(key)?;
            Ok(None)
        }
    }
}

fn proxy_set(vm: &Vm, object: &Object, key: &Object, value: Option<&Object>) -> Result<()> {
    let this = proxy_frame(object);
    if let Some(i) = proxy_position(vm, this, key)? {
        let Some(value) = value else {
            return Err(vm.value_error("cannot remove local variables from FrameLocalsProxy"));
        };
        let kind = this.code().locals(vm)[i].1;
        let word = this.register(i);
        if kind.contains(LocalKind::CELL) || kind.contains(LocalKind::FREE) {
            if word.is_ptr()
                && let Some(cell) = Object::borrow_value(&word).downcast_exact::<CellObject>()
            {
                cell.set(Some(value.clone()));
                return Ok(());
            }
        }
        this.store_register(i, value.clone());
        return Ok(());
    }
    let mut extra = this.extra_locals.borrow().clone();
    if extra.is_unbound() {
        extra = vm.new_dict();
        drop(this.extra_locals.replace(extra.clone()));
    }
    let Some(d) = extra.downcast::<Dict>() else { return Ok(()) };
    match value {
        Some(value) => d.set(vm, key, value.clone()),
        None => match d.remove(vm, key)? {
            Some(_) => Ok(()),
            None => Err(vm.key_error(key)),
        },
    }
}

/// All visible variables as a new dict.
fn proxy_dict(vm: &Vm, object: &Object) -> Result {
    let this = proxy_frame(object);
    let snapshot = vm.new_dict();
    for (i, value) in visible_variables(vm, this.code(), |i, kind| this.variable(i, kind)) {
        vm.set_item(&snapshot, &this.code().locals(vm)[i].0, &value)?;
    }
    let extra = this.extra_locals.borrow().clone();
    if let (Some(d), Some(e)) = (snapshot.downcast::<Dict>(), extra.downcast::<Dict>()) {
        d.merge(vm, e, true)?;
    }
    Ok(snapshot)
}

fn on_snapshot(vm: &Vm, object: &Object, method: &str, args: &[Object]) -> Result {
    let snapshot = proxy_dict(vm, object)?;
    vm.call_method(&snapshot, method, args)
}

static PROXY_SIG: Sig = Sig::new("FrameLocalsProxy(frame, /)");

pub static FRAME_LOCALS_PROXY: Type = Type::new::<LocalsProxy>(
    "FrameLocalsProxy",
    &crate::types::object::OBJECT,
    type_flags::HAVE_GC | type_flags::MAPPING,
    Slots {
        new: Some(|vm, _, args, kwnames| {
            let args = PROXY_SIG.bind(vm, args, kwnames)?;
            if !args[0].ty().is(&FRAME) {
                return Err(vm.type_error(format!("expect frame, not {}", args[0].ty().name())));
            }
            Ok(vm.alloc(&FRAME_LOCALS_PROXY, LocalsProxy { frame: args[0].clone() }))
        }),
        len: Some(|vm, p| vm.len(&proxy_dict(vm, p)?)),
        getitem: Some(|vm, p, key| match proxy_get(vm, proxy_frame(p), key)? {
            Some(value) => Ok(value),
            None => {
                Err(vm
                    .error(&exc::KEY_ERROR, format!("local variable '{}' is not defined", vm.str_text(key)?)))
            }
        }),
        setitem: Some(proxy_set),
        contains: Some(|vm, p, key| Ok(proxy_get(vm, proxy_frame(p), key)?.is_some())),
        compare: Some(|vm, a, b, op| {
            let left = proxy_dict(vm, a)?;
            let right = if b.ty().is(&FRAME_LOCALS_PROXY) {
                proxy_dict(vm, b)?
            } else if b.downcast::<Dict>().is_some() {
                b.clone()
            } else {
                return Ok(Object::NOT_IMPLEMENTED);
            };
            match op {
                CompareOp::Eq | CompareOp::Ne => vm.compare(&left, &right, op),
                _ => Ok(Object::NOT_IMPLEMENTED),
            }
        }),
        hash: Some(crate::slots::hash_unhashable),
        ..Slots::EMPTY
            .repr(|vm, p| {
                let Some(_guard) = vm.enter_repr(p) else { return Ok(vm.str("{...}")) };
                vm.repr(&proxy_dict(vm, p)?)
            })
            .iter(|vm, p| vm.iter(&proxy_dict(vm, p)?))
            .binary(BinaryOp::Or, |vm, a, b| {
                let plain = |o: &Object| {
                    if o.ty().is(&FRAME_LOCALS_PROXY) { proxy_dict(vm, o) } else { Ok(o.clone()) }
                };
                vm.binary(BinaryOp::Or, &plain(a)?, &plain(b)?)
            })
            .inplace(BinaryOp::Or, |vm, a, b| {
                proxy_update(vm, a, b)?;
                Ok(a.clone())
            })
    },
    &[
        MethodDef::new(
            "__reversed__($self, /)",
            |vm, a| {
                let keys = on_snapshot(vm, &a[0], "__reversed__", &[])?;
                Ok(vm.list(vm.collect(&keys)?))
            },
            "",
        ),
        MethodDef::new("copy($self, /)", |vm, a| proxy_dict(vm, &a[0]), ""),
        MethodDef::new(
            "keys($self, /)",
            |vm, a| {
                let keys = on_snapshot(vm, &a[0], "keys", &[])?;
                Ok(vm.list(vm.collect(&keys)?))
            },
            "",
        ),
        MethodDef::new(
            "values($self, /)",
            |vm, a| {
                let values = on_snapshot(vm, &a[0], "values", &[])?;
                Ok(vm.list(vm.collect(&values)?))
            },
            "",
        ),
        MethodDef::new(
            "items($self, /)",
            |vm, a| {
                let items = on_snapshot(vm, &a[0], "items", &[])?;
                Ok(vm.list(vm.collect(&items)?))
            },
            "",
        ),
        MethodDef::new(
            "update($self, other, /)",
            |vm, a| {
                proxy_update(vm, &a[0], &a[1])?;
                Ok(Object::NONE)
            },
            "",
        ),
        MethodDef::new(
            "get($self, key, default=None, /)",
            |vm, a| Ok(proxy_get(vm, proxy_frame(&a[0]), &a[1])?.unwrap_or_else(|| a[2].clone())),
            "",
        ),
        MethodDef::new(
            "pop($self, key, default=<unset>, /)",
            |vm, a| {
                let this = proxy_frame(&a[0]);
                if proxy_position(vm, this, &a[1])?.is_some() {
                    return Err(vm.value_error("cannot remove local variables from FrameLocalsProxy"));
                }
                let extra = this.extra_locals.borrow().clone();
                let found = match extra.downcast::<Dict>() {
                    Some(d) => d.remove(vm, &a[1])?,
                    None => None,
                };
                match (found, a[2].bound()) {
                    (Some(value), _) => Ok(value),
                    (None, Some(default)) => Ok(default.clone()),
                    (None, None) => Err(vm.key_error(&a[1])),
                }
            },
            "",
        ),
        MethodDef::new(
            "setdefault($self, key, default=None, /)",
            |vm, a| match proxy_get(vm, proxy_frame(&a[0]), &a[1])? {
                Some(value) => Ok(value),
                None => {
                    proxy_set(vm, &a[0], &a[1], Some(&a[2]))?;
                    Ok(a[2].clone())
                }
            },
            "",
        ),
    ],
    &[],
);

fn proxy_update(vm: &Vm, object: &Object, other: &Object) -> Result<()> {
    let pairs = vm.new_dict();
    vm.call_method(&pairs, "update", std::slice::from_ref(other))?;
    if let Some(d) = pairs.downcast::<Dict>() {
        for (key, value) in d.items() {
            proxy_set(vm, object, &key, Some(&value))?;
        }
    }
    let _ = name::update;
    Ok(())
}

/// Cuts runs of entries out of an exception's traceback. `cut(file, function)`:
/// None keeps the entry and ends a run; Some(remove) is an entry of a run, which
/// is removed once an entry of it says `true`.
pub fn trim(
    vm: &Vm,
    base: &crate::types::exceptions::BaseException,
    cut: impl Fn(&str, &str) -> Option<bool>,
) {
    let mut kept: Vec<Object> = Vec::new();
    let mut run: Vec<Object> = Vec::new();
    let mut remove = false;
    let mut at = base.traceback();
    while at.ty().is(&TRACEBACK) {
        let code = fr(&tb(&at).frame).code();
        match cut(&vm.str_lossy(&code.filename.get()), &vm.str_lossy(&code.name)) {
            Some(verdict) => {
                run.push(at.clone());
                remove |= verdict;
            }
            None => {
                if !remove {
                    kept.append(&mut run);
                }
                run.clear();
                remove = false;
                kept.push(at.clone());
            }
        }
        let next = tb(&at).next.borrow().clone();
        at = next;
    }
    if !remove {
        kept.append(&mut run);
    }
    let mut next = Object::NONE;
    for entry in kept.into_iter().rev() {
        drop(tb(&entry).next.replace(next));
        next = entry;
    }
    base.set_traceback(next);
}
