//! generator, coroutine, async_generator: objects that own a suspended frame
//! and its registers. Resuming repoints the loop to them; nothing is copied.
//!
//! Generators that wait in `yield from` or `await` for one another stay linked while
//! they are suspended: a chain, whose head is what others resume and whose leaf is what
//! goes on. Both ways take one step, however long the chain is. Whoever looks at one
//! of its members other than through the head takes it apart first
//! ([`Generator::state`]).

use crate::interp::call::drop_window;
use crate::interp::frame::{ExceptionItem, Frame, frame_flags as ff};
use crate::interp::{run, suspended_inner};
use crate::names::name;
use crate::prelude::*;
use crate::slots::{set_stop_value, take_stop_value};
use crate::types::code::Code;
use crate::types::exceptions;
use std::cell::{Cell, RefCell, UnsafeCell};
use std::ptr::NonNull;
use taipan_bytecode::{Opcode, code_flags as co};
use taipan_object::header::header_flags;
use taipan_object::heap;

pub use crate::types::async_generator::{
    ASYNC_GEN_SEND, ASYNC_GEN_THROW, ASYNC_GEN_WRAPPED, ASYNC_GENERATOR,
};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    Created,
    Suspended,
    Running,
    Closed,
    /// In a chain, and not its head: suspended or running as that is. See
    /// [`Generator::state`].
    Chained,
}

/// Payload of generators, coroutines and async generators. The registers lie
/// right behind it in the object.
pub struct Generator {
    pub frame: UnsafeCell<Frame>,
    exception: UnsafeCell<ExceptionItem>,
    /// Keeps code, globals and builtins alive.
    function: Object,
    /// The namespace that the frame runs in, or UNBOUND.
    namespace: Object,
    pub name: RefCell<Object>,
    pub qualname: RefCell<Object>,
    /// `cr_origin` of a coroutine; the finalizer hook of an async generator.
    pub attached: RefCell<Object>,
    state: Cell<State>,
    /// The other end of the chain: of a suspended head, the leaf; of a leaf, the head.
    /// Else null, or stale.
    end: Cell<*const Generator>,
    /// Of a suspended head: how many generators are in the chain.
    length: Cell<u32>,
    // Async generators.
    pub hooks_ready: Cell<bool>,
    pub running_async: Cell<bool>,
    pub closed_async: Cell<bool>,
}

impl NativeClass for Generator {
    fn class() -> &'static Type {
        &GENERATOR
    }
    fn traverse(&self, visitor: &mut Visitor) {
        // SAFETY: registers hold owned words or no pointers.
        unsafe {
            for i in 0..self.register_count() {
                visitor.visit(*self.registers().add(i));
            }
            visitor.visit((*self.frame.get()).object());
            visitor.visit_object(&(*self.exception.get()).value);
        }
        visitor.visit_object(&self.function);
        visitor.visit_object(&self.namespace);
        for field in [&self.name, &self.qualname, &self.attached] {
            visitor.visit_object(&field.borrow());
        }
    }
    fn wants_finalizer(&self) -> bool {
        self.state.get() != State::Closed
    }
    fn clear(&self) {
        if self.state() != State::Running {
            // SAFETY: not running: nobody else uses the registers.
            unsafe { self.clear_registers() }
            self.state.set(State::Closed);
        }
    }
}

impl Drop for Generator {
    fn drop(&mut self) {
        // SAFETY: the generator dies.
        unsafe {
            if self.state.get() != State::Closed {
                self.state();
                self.clear_registers();
            }
            let frame = self.frame.get();
            if (*frame).has(ff::OBJECT) {
                crate::types::traceback::forget(frame);
            }
        }
    }
}

impl Generator {
    fn registers(&self) -> *mut Value {
        // SAFETY: allocated with them.
        unsafe { (self as *const Generator).add(1) as *mut Value }
    }
    fn register_count(&self) -> usize {
        // SAFETY: the function keeps the code alive.
        unsafe { (*(*self.frame.get()).code).registers }
    }
    /// # Safety
    /// The generator does not run.
    unsafe fn clear_registers(&self) {
        // SAFETY: each word is taken out before it is dropped.
        unsafe {
            drop_window(self.registers(), self.register_count());
        }
    }
    pub fn code(&self) -> Object {
        // SAFETY: the function keeps the code alive.
        unsafe { (*(*self.frame.get()).code).object() }
    }
    /// Did it never run?
    #[inline(always)]
    pub fn is_new(&self) -> bool {
        self.state.get() == State::Created
    }
    /// May it be resumed as it is? False for members of a chain, too.
    #[inline(always)]
    pub fn can_resume(&self) -> bool {
        matches!(self.state.get(), State::Created | State::Suspended)
    }
    /// A generator that has not started takes nothing but None.
    #[inline(always)]
    pub fn accepts(&self, value: Value) -> bool {
        value.is_none() || self.state.get() == State::Suspended
    }
    /// What the generator does: never Chained. A suspended chain it is in is taken apart.
    pub fn state(&self) -> State {
        match self.state.get() {
            State::Suspended if !self.end.get().is_null() => {
                // SAFETY: the head of a suspended chain.
                unsafe { self.take_chain_apart() }
                State::Suspended
            }
            State::Chained => {
                let mut head: &Generator = self;
                while head.state.get() == State::Chained {
                    // SAFETY: members of a chain are linked up to its head.
                    head = unsafe { &*head.delegator() };
                }
                head.state();
                match self.state.get() {
                    State::Chained => head.state.get(),
                    state => state,
                }
            }
            state => state,
        }
    }
    /// The generator that waits for this one.
    ///
    /// # Safety
    /// There is one: this is a member of a chain, not its head.
    unsafe fn delegator(&self) -> *const Generator {
        // SAFETY: says the caller.
        unsafe {
            let frame = (*self.frame.get()).previous;
            this(Object::borrow_value(&(*frame).extra))
        }
    }
    /// Leaves each member of the chain suspended by itself.
    ///
    /// # Safety
    /// This is the head of a suspended chain.
    #[cold]
    unsafe fn take_chain_apart(&self) {
        // SAFETY: the delegators keep the members alive.
        unsafe {
            let mut member = self.end.replace(std::ptr::null());
            while !std::ptr::eq(member, self) {
                let next = (*member).delegator();
                (*(*member).frame.get()).previous = std::ptr::null_mut();
                (*(*member).exception.get()).previous = std::ptr::null_mut();
                (*member).end.set(std::ptr::null());
                (*member).state.set(State::Suspended);
                member = next;
            }
        }
    }
    pub fn frame_ptr(&self) -> *mut Frame {
        self.frame.get()
    }
}

/// Makes the generator-like object of the current frame, which is at its
/// `ReturnGenerator`. The registers move into it.
///
/// # Safety
/// `frame` is the current frame, no generator's.
pub(crate) unsafe fn from_frame(vm: &Vm, frame: *mut Frame) -> Result {
    // SAFETY: the registers are moved out; the frame is left with none.
    unsafe {
        let code = &*(*frame).code;
        let function = Object::from_borrowed((*frame).function);
        let namespace = Object::from_borrowed((*frame).locals());
        let attached = if vm.coroutine_origin_depth.get() > 0 && code.has_flag(co::COROUTINE) {
            crate::types::traceback::origin(vm, vm.coroutine_origin_depth.get() as usize)
        } else {
            Object::NONE
        };
        make(vm, code, (*frame).ip, function, namespace, attached, (*frame).base, code.first_temp)
    }
}

/// Does a call of this code do nothing but make a generator of its arguments?
#[inline(always)]
pub(crate) fn is_made_at_once(vm: &Vm, code: &Code) -> bool {
    // SAFETY: code has at least one instruction.
    let first = unsafe { *code.instructions_ptr() };
    first.op_byte() == Opcode::ReturnGenerator as u8 && vm.coroutine_origin_depth.get() == 0
}

/// Calls a function for which [`is_made_at_once`] holds and whose parameters the `argc`
/// words at `args` fill. On success they are the generator's.
///
/// # Safety
/// The caller owns a count of each argument.
#[inline(always)]
pub(crate) unsafe fn from_call(vm: &Vm, function: Object, args: *mut Value, argc: usize) -> Result {
    // SAFETY: says the caller; the function keeps the code alive.
    unsafe {
        let code: *const Code = function.payload_unchecked::<crate::types::function::Function>().code();
        let ip = (*code).instructions_ptr().add(1);
        make(vm, &*code, ip, function, Object::UNBOUND, Object::NONE, args, argc)
    }
}

/// The generator that a method of these words makes without running any code, if it does.
pub fn from_method(vm: &Vm, method: &Value, object: &Object) -> Option<Result> {
    let function = Object::borrow_value(method);
    let code = function.downcast_exact::<crate::types::function::Function>()?.code();
    if code.plain_argc != 1 || !is_made_at_once(vm, code) {
        return None;
    }
    let mut argument = object.clone().into_value();
    // SAFETY: the count of the object is the generator's, or still ours after an error.
    unsafe {
        let made = from_call(vm, function.clone(), &mut argument, 1);
        drop(Object::from_owned(argument));
        Some(made)
    }
}

/// A generator that has not run, its first `count` registers moved from `words`.
///
/// # Safety
/// The words are owned; `ip` is behind the `ReturnGenerator` of `code`, which is `function`'s.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
unsafe fn make(
    vm: &Vm,
    code: &Code,
    ip: *const taipan_bytecode::Instruction,
    function: Object,
    namespace: Object,
    attached: Object,
    words: *mut Value,
    count: usize,
) -> Result {
    // SAFETY: says the caller.
    unsafe {
        let class: &Type = if code.has_flag(co::COROUTINE) {
            &COROUTINE
        } else if code.has_flag(co::ASYNC_GENERATOR) {
            &ASYNC_GENERATOR
        } else {
            &GENERATOR
        };
        // Written where it stays: it is long.
        let size = size_of::<crate::native::Payload<Generator>>() + code.registers * 8;
        let memory = (*heap::current()).allocate(size, true) as *mut crate::native::Payload<Generator>;
        if memory.is_null() {
            return Err(vm.memory_error());
        }
        let f = function.payload_unchecked::<crate::types::function::Function>();
        let (func_name, qualname) = (f.name.borrow().clone(), f.qualname.borrow().clone());
        let mut inner = Frame::suspended(code, ip, function.value());
        if !namespace.is_unbound() {
            inner.set_locals(namespace.value());
        }
        let large = if size > heap::MAX_SMALL { header_flags::LARGE } else { 0 };
        (memory as *mut Header).write(Header::with_flags(&class.head, header_flags::TRACKED | large));
        (&raw mut (*memory).data).write(Generator {
            frame: UnsafeCell::new(inner),
            exception: UnsafeCell::new(ExceptionItem::default()),
            function,
            namespace,
            name: RefCell::new(func_name),
            qualname: RefCell::new(qualname),
            attached: RefCell::new(attached),
            state: Cell::new(State::Created),
            end: Cell::new(std::ptr::null()),
            length: Cell::new(1),
            hooks_ready: Cell::new(false),
            running_async: Cell::new(false),
            closed_async: Cell::new(false),
        });
        let registers = memory.add(1) as *mut Value;
        for i in 0..count {
            *registers.add(i) = std::mem::replace(&mut *words.add(i), Value::UNBOUND);
            // There are few: vectors would not pay.
            std::arch::asm!("", options(nomem, nostack, preserves_flags));
        }
        for i in count..code.registers {
            *registers.add(i) = Value::UNBOUND;
            std::arch::asm!("", options(nomem, nostack, preserves_flags));
        }
        let object = Object::from_owned(Value::from_ptr(memory as *mut Header));
        let generator = object.payload_unchecked::<Generator>();
        (*generator.frame.get()).base = generator.registers();
        (*generator.frame.get()).extra = object.value();
        Ok(object)
    }
}

/// Makes the generator's frame the current one, delivering `sent` (owned).
/// On an error `sent` is still the caller's.
///
/// # Safety
/// The generator can resume and is kept alive while it runs.
pub(crate) unsafe fn push(vm: &Vm, generator: &Generator, sent: Value, flags: u32) -> Result<*mut Frame> {
    // SAFETY: says the caller. In a chain the leaf goes on, and the members in between
    // are linked already.
    unsafe {
        let frame = generator.frame.get();
        let (leaf, more) = match generator.end.get().as_ref() {
            None => (generator, 1),
            Some(leaf) => (leaf, generator.length.get()),
        };
        let depth = vm.depth.get() + more;
        if depth > vm.interp().recursion_limit.get() {
            return Err(vm.recursion_error("maximum recursion depth exceeded"));
        }
        vm.depth.set(depth);
        let going = leaf.frame.get();
        (*going).top = vm.free_window();
        (*frame).previous = vm.frame.get();
        (*frame).flags = (*frame).flags & (ff::OBJECT | ff::LOCALS) | ff::GENERATOR | flags;
        vm.frame.set(going);
        (*generator.exception.get()).previous = vm.exc_info.get();
        vm.exc_info.set(leaf.exception.get());
        if generator.state.replace(State::Running) == State::Suspended {
            generator.end.set(std::ptr::null());
            deliver(going, sent);
        } else {
            drop(Object::from_owned(sent));
        }
        Ok(going)
    }
}

/// What a frame that yielded gets for it (owned): it goes on behind its `Yield`, or asks
/// again whom it delegates to.
///
/// # Safety
/// The frame's `ip` is behind the instruction that yielded.
pub(crate) unsafe fn deliver(frame: *mut Frame, sent: Value) {
    // SAFETY: says the caller.
    unsafe {
        let pending = *(*frame).ip.sub(1);
        let slot = (*frame).base.add(pending.a());
        let old = std::mem::replace(&mut *slot, sent);
        if pending.op_byte() == Opcode::YieldFrom as u8 {
            (*frame).ip = (*frame).ip.sub(1);
        }
        drop(Object::from_owned(old));
    }
}

unsafe fn pop(vm: &Vm, generator: &Generator) {
    // SAFETY: the generator's frame is the current one.
    unsafe {
        let frame = generator.frame.get();
        vm.frame.set((*frame).previous);
        (*frame).previous = std::ptr::null_mut();
        let item = generator.exception.get();
        vm.exc_info.set((*item).previous);
        (*item).previous = std::ptr::null_mut();
        vm.depth.set(vm.depth.get() - 1);
    }
}

/// The generator yields, and with it those that wait for it: the frame of whoever gets
/// the value is the current one then. True if that is native code.
///
/// # Safety
/// The generator's frame is the current one.
pub(crate) unsafe fn suspend(vm: &Vm, leaf: &Generator) -> bool {
    // SAFETY: frames of those that wait are alive; what waits in a YieldFrom is a
    // generator's frame.
    unsafe {
        let mut head = leaf;
        let mut length = 1;
        loop {
            // A leaf that goes on in its chain knows the head.
            if head.state.get() == State::Chained {
                head = &*head.end.get();
                length += head.length.get() - 1;
            }
            let frame = head.frame.get();
            let waiting = (*frame).previous;
            let native = (*frame).flags & ff::ENTRY != 0;
            if native || (*(*waiting).ip.sub(1)).op_byte() != Opcode::YieldFrom as u8 {
                head.state.set(State::Suspended);
                if !std::ptr::eq(head, leaf) {
                    head.end.set(leaf);
                    leaf.end.set(head);
                }
                head.length.set(length);
                vm.frame.set(waiting);
                (*frame).previous = std::ptr::null_mut();
                let item = head.exception.get();
                vm.exc_info.set((*item).previous);
                (*item).previous = std::ptr::null_mut();
                vm.depth.set(vm.depth.get() - length);
                return native;
            }
            head.state.set(State::Chained);
            head = this(Object::borrow_value(&(*waiting).extra));
            length += 1;
        }
    }
}

/// As [`suspend`], but only this generator: who waits for it is the current frame then.
///
/// # Safety
/// The generator's frame is the current one.
#[cold]
pub(crate) unsafe fn suspend_alone(vm: &Vm, generator: &Generator) {
    // SAFETY: says the caller; members of a chain are linked up to its head.
    unsafe {
        let mut member: &Generator = generator;
        while member.state.get() == State::Chained {
            let next = &*member.delegator();
            (*next.frame.get()).top = (*member.frame.get()).top;
            member.end.set(std::ptr::null());
            member.state.set(State::Running);
            member = next;
        }
        member.end.set(std::ptr::null());
        generator.state.set(State::Suspended);
        pop(vm, generator)
    }
}

/// The generator returns or raises: its registers are cleared.
///
/// # Safety
/// Its frame is the current one.
pub(crate) unsafe fn finish(vm: &Vm, generator: &Generator) {
    // SAFETY: says the caller.
    unsafe {
        let frame = generator.frame.get();
        if generator.state.replace(State::Closed) == State::Chained {
            // Whoever waits for it goes on as the leaf.
            let head = generator.end.get();
            let leaf = generator.delegator();
            (*(*leaf).frame.get()).top = (*frame).top;
            (*head).length.set((*head).length.get() - 1);
            if !std::ptr::eq(leaf, head) {
                (*leaf).end.set(head);
            }
        }
        if (*frame).has(ff::OBJECT) {
            crate::types::traceback::detach(vm, frame);
        }
        generator.clear_registers();
        pop(vm, generator);
        drop(std::mem::replace(&mut (*generator.exception.get()).value, Object::NONE));
    }
}

/// What resuming gave.
pub enum Step {
    Yielded(Object),
    Returned(Object),
}

fn this(object: &Object) -> &Generator {
    // SAFETY: used on the three generator-like types, which share the payload.
    unsafe { object.payload_unchecked() }
}

fn kind(object: &Object) -> &'static str {
    if object.ty().is(&COROUTINE) {
        "coroutine"
    } else if object.ty().is(&ASYNC_GENERATOR) {
        "async generator"
    } else {
        "generator"
    }
}

/// Resumes with a value, or with the exception on its way (`raising`).
pub fn resume(vm: &Vm, object: &Object, value: Object, raising: bool) -> Result<Step> {
    let generator = this(object);
    let state = if raising || !generator.can_resume() { generator.state() } else { State::Suspended };
    if !raising && generator.can_resume() && generator.accepts(value.value()) {
        vm.check_native_stack("")?;
        let _alive = object.clone();
        // SAFETY: the generator can resume; `_alive` keeps it.
        return unsafe {
            let sent = value.into_value();
            match push(vm, generator, sent, ff::ENTRY) {
                Ok(frame) => {
                    let result = Object::from_owned(run(vm, frame, false)?);
                    let ended = generator.state.get() == State::Closed;
                    Ok(if ended { Step::Returned(result) } else { Step::Yielded(result) })
                }
                Err(error) => {
                    drop(Object::from_owned(sent));
                    Err(error)
                }
            }
        };
    }
    match state {
        State::Running | State::Chained => {
            return Err(vm.value_error(format!("{} already executing", kind(object))));
        }
        State::Closed => {
            if object.ty().is(&COROUTINE) && !vm.async_closing() {
                if raising {
                    drop(vm.take_raised());
                }
                return Err(vm.runtime_error("cannot reuse already awaited coroutine"));
            }
            if raising {
                return Err(vm.already_raised());
            }
            return Ok(Step::Returned(Object::NONE));
        }
        // What can resume and takes the value did so above.
        State::Created | State::Suspended if !raising => {
            return Err(
                vm.type_error(format!("can't send non-None value to a just-started {}", kind(object)))
            );
        }
        // If nothing has run, the frame sees the exception at its first line.
        State::Created | State::Suspended => {}
    }
    vm.check_native_stack("")?;
    let _alive = object.clone();
    // SAFETY: the generator can resume; `_alive` keeps it.
    unsafe {
        let raised = vm.take_raised();
        let sent = value.into_value();
        let frame = match push(vm, generator, sent, ff::ENTRY) {
            Ok(frame) => frame,
            Err(error) => {
                drop(Object::from_owned(sent));
                return Err(error);
            }
        };
        // `push` stepped back to a YieldFrom; throwing goes past it.
        let start = (*(*frame).code).instructions_ptr() as *const _;
        if (*frame).ip >= start && (*(*frame).ip).op_byte() == Opcode::YieldFrom as u8 {
            (*frame).ip = (*frame).ip.add(1);
        }
        // Thrown into an `except` block: that is what it interrupts.
        let handled = (*vm.exc_info.get()).value.clone();
        if let Some(raised) = raised.as_ref().filter(|_| !handled.is_none()) {
            exceptions::set_context(raised, handled);
        }
        vm.restore_raised(raised);
        let result = Object::from_owned(run(vm, frame, true)?);
        Ok(if generator.state.get() == State::Closed {
            Step::Returned(result)
        } else {
            Step::Yielded(result)
        })
    }
}

/// `next()`: as [`send`] of None, the short way.
fn next(vm: &Vm, object: &Object) -> Result<Option<Object>> {
    resume_entry(vm, object, ff::ENTRY)
}

/// Resumes the generator from native code, with these flags for its frame.
#[inline(always)]
fn resume_entry(vm: &Vm, object: &Object, flags: u32) -> Result<Option<Object>> {
    let generator = this(object);
    if !generator.can_resume() {
        return send(vm, object, Object::NONE);
    }
    vm.check_native_stack("")?;
    let header = object.as_ptr();
    // SAFETY: the generator can resume; the count taken here keeps it while it runs.
    unsafe {
        (*header).incref();
        let result = match push(vm, generator, Value::NONE, flags) {
            Ok(frame) => run(vm, frame, false),
            Err(error) => Err(error),
        };
        let ended = generator.state.get() == State::Closed;
        taipan_object::object::decref(Value::from_ptr(header));
        let result = Object::from_owned(result?);
        if !ended {
            return Ok(Some(result));
        }
        set_stop_value(vm, result);
        Ok(None)
    }
}

/// What takes the values that a generator yields, and gives back those it does not
/// take. It runs no Python code, and so does not see the generator running.
pub type Sink<'a> = dyn FnMut(Object) -> Option<Object> + 'a;

/// As `next`, for native code that wants all values: `sink` takes what it can without
/// leaving the generator. The next value that it did not take; None at the end.
pub fn next_untaken(vm: &Vm, object: &Object, sink: &mut Sink) -> Result<Option<Object>> {
    let sink = NonNull::from(sink);
    // SAFETY: only the lifetime changes; it is taken out again before the sink goes.
    let sink = unsafe { std::mem::transmute::<NonNull<Sink<'_>>, NonNull<Sink<'static>>>(sink) };
    let outer = vm.sink.replace(Some(sink));
    let result = resume_entry(vm, object, ff::ENTRY | ff::SINK);
    vm.sink.set(outer);
    result
}

/// Gives the sink of the frame that yields `value` this value. UNBOUND: it took it.
///
/// # Safety
/// The current frame is the entry of [`next_untaken`], `value` owned.
#[inline(always)]
pub(crate) unsafe fn offer(vm: &Vm, value: Value) -> Value {
    // SAFETY: the sink lives while the frame runs. It runs no
    // Python code, and so cannot be called from itself.
    unsafe {
        let Some(mut sink) = vm.sink.get() else { return value };
        sink.as_mut()(Object::from_owned(value)).map_or(Value::UNBOUND, Object::into_value)
    }
}

/// `send`: None when the generator returned; the value waits in the thread state.
pub fn send(vm: &Vm, object: &Object, value: Object) -> Result<Option<Object>> {
    match resume(vm, object, value, false)? {
        Step::Yielded(value) => Ok(Some(value)),
        Step::Returned(value) => {
            set_stop_value(vm, value);
            Ok(None)
        }
    }
}

fn step_to_result(vm: &Vm, step: Step) -> Result {
    match step {
        Step::Yielded(value) => Ok(value),
        Step::Returned(value) => Err(vm.stop_iteration(value)),
    }
}

/// `throw`: the exception goes to the inner iterator, or into the frame.
pub fn throw(vm: &Vm, object: &Object, exception: Object) -> Result<Step> {
    let generator = this(object);
    if generator.state() == State::Running {
        return Err(vm.value_error(format!("{} already executing", kind(object))));
    }
    // SAFETY: the generator is suspended.
    let inner = if generator.state.get() == State::Suspended {
        unsafe { suspended_inner(generator.frame.get()) }
    } else {
        None
    };
    if let Some(inner) = inner {
        if exception.is_instance_of(&exc::GENERATOR_EXIT) {
            generator.state.set(State::Running);
            let closed = close_iterator(vm, &inner);
            generator.state.set(State::Suspended);
            drop_inner(generator);
            return match closed {
                Ok(()) => {
                    vm.raise(exception);
                    resume(vm, object, Object::NONE, true)
                }
                Err(_) => resume(vm, object, Object::NONE, true),
            };
        }
        generator.state.set(State::Running);
        let result = throw_into(vm, &inner, &exception);
        generator.state.set(State::Suspended);
        return match result {
            Ok(Some(value)) => Ok(Step::Yielded(value)),
            Ok(None) => {
                // The inner iterator ended: go on behind the YieldFrom with its value.
                let value = take_stop_value(vm);
                drop_inner(generator);
                resume_past_yield_from(vm, object, value)
            }
            Err(Thrown::NoMethod) => {
                drop_inner(generator);
                vm.raise(exception);
                resume(vm, object, Object::NONE, true)
            }
            Err(Thrown::Raised(_)) => {
                drop_inner(generator);
                resume(vm, object, Object::NONE, true)
            }
        };
    }
    vm.raise(exception);
    if generator.state.get() == State::Closed {
        if object.ty().is(&COROUTINE) {
            drop(vm.take_raised());
            return Err(vm.runtime_error("cannot reuse already awaited coroutine"));
        }
        return Err(vm.already_raised());
    }
    resume(vm, object, Object::NONE, true)
}

enum Thrown {
    /// The iterator has no `throw`.
    NoMethod,
    Raised(#[allow(dead_code)] Raised),
}

fn throw_into(vm: &Vm, inner: &Object, exception: &Object) -> std::result::Result<Option<Object>, Thrown> {
    if inner.ty().is(&GENERATOR) || inner.ty().is(&COROUTINE) {
        return match throw(vm, inner, exception.clone()) {
            Ok(Step::Yielded(value)) => Ok(Some(value)),
            Ok(Step::Returned(value)) => {
                set_stop_value(vm, value);
                Ok(None)
            }
            Err(raised) => Err(Thrown::Raised(raised)),
        };
    }
    let method = match vm.lookup_attr(inner, name::throw.object()) {
        Ok(Some(method)) => method,
        Ok(None) => return Err(Thrown::NoMethod),
        Err(raised) => return Err(Thrown::Raised(raised)),
    };
    match vm.call(&method, std::slice::from_ref(exception)) {
        Ok(value) => Ok(Some(value)),
        Err(raised) if vm.raised_is(&exc::STOP_ITERATION) => {
            let stop = vm.caught(raised);
            set_stop_value(vm, exceptions::stop_iteration_value(&stop));
            Ok(None)
        }
        Err(raised) => Err(Thrown::Raised(raised)),
    }
}

/// Forgets the inner iterator of a suspended YieldFrom.
fn drop_inner(generator: &Generator) {
    // SAFETY: the generator is suspended at a YieldFrom.
    unsafe {
        let frame = generator.frame.get();
        let pending = *(*frame).ip.sub(1);
        if pending.op_byte() == Opcode::YieldFrom as u8 {
            let slot = (*frame).base.add(pending.b());
            drop(Object::from_owned(std::mem::replace(&mut *slot, Value::UNBOUND)));
        }
    }
}

/// Goes on behind a YieldFrom whose inner iterator is gone, with its value.
fn resume_past_yield_from(vm: &Vm, object: &Object, value: Object) -> Result<Step> {
    let generator = this(object);
    vm.check_native_stack("")?;
    let _alive = object.clone();
    // SAFETY: suspended at a YieldFrom; `push` steps back to it, we step past it.
    unsafe {
        let sent = value.into_value();
        let frame = match push(vm, generator, sent, ff::ENTRY) {
            Ok(frame) => frame,
            Err(error) => {
                drop(Object::from_owned(sent));
                return Err(error);
            }
        };
        (*frame).ip = (*frame).ip.add(1);
        let result = Object::from_owned(run(vm, frame, false)?);
        Ok(if generator.state.get() == State::Closed {
            Step::Returned(result)
        } else {
            Step::Yielded(result)
        })
    }
}

fn close_iterator(vm: &Vm, inner: &Object) -> Result<()> {
    if inner.ty().is(&GENERATOR) || inner.ty().is(&COROUTINE) {
        return close(vm, inner).map(drop);
    }
    match vm.lookup_attr(inner, name::close.object())? {
        Some(method) => vm.call(&method, &[]).map(drop),
        None => Ok(()),
    }
}

/// `close`: GeneratorExit at the suspended place. Returns the generator's return value.
pub fn close(vm: &Vm, object: &Object) -> Result {
    let generator = this(object);
    match generator.state() {
        State::Created => {
            generator.state.set(State::Closed);
            // SAFETY: nothing has run.
            unsafe { generator.clear_registers() }
            return Ok(Object::NONE);
        }
        State::Closed => return Ok(Object::NONE),
        State::Suspended => {
            // SAFETY: suspended: nobody else uses the frame. Nothing would see the exception.
            unsafe {
                let frame = generator.frame.get();
                let yields = (*(*frame).ip.sub(1)).op_byte() == Opcode::Yield as u8;
                if yields
                    && std::ptr::eq(vm.table.get(), crate::interp::plain_table())
                    && !(*frame).has(ff::OBJECT)
                    && !(*(*frame).code).has_user_handler(vm, (*frame).instruction_index())
                {
                    generator.state.set(State::Closed);
                    generator.clear_registers();
                    return Ok(Object::NONE);
                }
            }
        }
        State::Running | State::Chained => {}
    }
    let exit = exceptions::new_with_args(vm, &exc::GENERATOR_EXIT, Vec::new());
    match throw(vm, object, exit) {
        Ok(Step::Yielded(_)) => Err(vm.runtime_error(format!("{} ignored GeneratorExit", kind(object)))),
        Ok(Step::Returned(value)) => Ok(value),
        Err(raised) => {
            if vm.raised_is(&exc::GENERATOR_EXIT) || vm.raised_is(&exc::STOP_ITERATION) {
                drop(vm.caught(raised));
                return Ok(Object::NONE);
            }
            Err(raised)
        }
    }
}

/// Finalizer: closes what is suspended; complains about coroutines never awaited.
pub fn finalize(vm: &Vm, object: &Object) -> Result<()> {
    let generator = this(object);
    match generator.state() {
        State::Closed | State::Running | State::Chained => return Ok(()),
        State::Created if object.ty().is(&COROUTINE) => {
            crate::types::async_generator::warn_never_awaited(vm, object);
            return Ok(());
        }
        State::Created => return Ok(()),
        State::Suspended => {}
    }
    if object.ty().is(&ASYNC_GENERATOR) && crate::types::async_generator::call_finalizer(vm, object)? {
        return Ok(());
    }
    close(vm, object).map(drop)
}

fn gen_throw(vm: &Vm, args: &[Object]) -> Result {
    let exception = throw_arguments(vm, &args[1], &args[2], &args[3])?;
    let step = throw(vm, &args[0], exception)?;
    step_to_result(vm, step)
}

/// The exception that `throw(type, value, traceback)` means.
pub fn throw_arguments(vm: &Vm, class: &Object, value: &Object, traceback: &Object) -> Result {
    if value.bound().is_some() {
        vm.warn(
            &exc::DEPRECATION_WARNING,
            "the (type, exc, tb) signature of throw() is deprecated, use the single-arg signature instead.",
            1,
        )?;
    }
    let tb = traceback.some();
    if let Some(tb) = tb
        && !tb.is_instance_of(&crate::types::traceback::TRACEBACK)
    {
        return Err(vm.type_error("throw() third argument must be a traceback object"));
    }
    let exception = if Type::of(class).is_some_and(|c| c.is_subtype(&exc::BASE_EXCEPTION)) {
        exceptions::normalize(vm, class, value.bound().unwrap_or(&Object::NONE))?
    } else if class.is_instance_of(&exc::BASE_EXCEPTION) {
        if value.some().is_some() {
            return Err(vm.type_error("instance exception may not have a separate value"));
        }
        class.clone()
    } else {
        return Err(vm.type_error(format!(
            "exceptions must be classes or instances deriving from BaseException, not {}",
            class.ty().name()
        )));
    };
    if let (Some(tb), Some(base)) = (tb, exception.downcast::<exceptions::BaseException>()) {
        base.set_traceback(tb.clone());
    }
    Ok(exception)
}

fn inner_of(object: &Object) -> Object {
    let generator = this(object);
    if generator.state() != State::Suspended {
        return Object::NONE;
    }
    // SAFETY: suspended.
    unsafe { suspended_inner(generator.frame.get()) }.unwrap_or(Object::NONE)
}

fn gen_repr(vm: &Vm, object: &Object) -> Result {
    let qualname = this(object).qualname.borrow().clone();
    Ok(vm.str(&format!(
        "<{} object {} at {:#x}>",
        object.ty().name(),
        vm.str_lossy(&qualname),
        object.bits()
    )))
}

fn set_name(vm: &Vm, field: &RefCell<Object>, what: &str, value: Option<&Object>) -> Result<()> {
    match value {
        Some(v) if v.downcast::<Str>().is_some() => {
            drop(field.replace(v.clone()));
            Ok(())
        }
        _ => Err(vm.type_error(format!("{what} must be set to a string object"))),
    }
}

fn frame_of(vm: &Vm, object: &Object) -> Result {
    let generator = this(object);
    if generator.state.get() == State::Closed {
        return Ok(Object::NONE);
    }
    // SAFETY: the generator's own frame.
    Ok(unsafe { crate::types::traceback::frame_object(vm, generator.frame.get()) })
}

fn is_running(object: &Object) -> Object {
    Object::bool(this(object).state() == State::Running)
}

fn is_suspended(object: &Object) -> Object {
    Object::bool(this(object).state() == State::Suspended)
}

const SEND_DOC: &str =
    "send(value) -> send 'value' into generator,\nreturn next yielded value or raise StopIteration.";
const COROUTINE_THROW_DOC: &str = "throw(value)\nthrow(type[,value[,traceback]])\n\nRaise exception in coroutine, return next iterated value or raise\nStopIteration.\nthe (type, val, tb) signature is deprecated, \nand may be removed in a future version of Python.";
const THROW_DOC: &str = "throw(value)\nthrow(type[,value[,tb]])\n\nRaise exception in generator, return next yielded value or raise\nStopIteration.\nthe (type, val, tb) signature is deprecated, \nand may be removed in a future version of Python.";
const CLOSE_DOC: &str = "close() -> raise GeneratorExit inside generator.";

fn method_send(vm: &Vm, args: &[Object]) -> Result {
    let step = resume(vm, &args[0], args[1].clone(), false)?;
    step_to_result(vm, step)
}

pub static GENERATOR: Type = Type::new::<Generator>(
    "generator",
    &crate::types::object::OBJECT,
    type_flags::HAVE_GC | type_flags::WEAKREFABLE,
    Slots { next: Some(next), del: Some(finalize), ..Slots::EMPTY.repr(gen_repr).iter(|_, g| Ok(g.clone())) },
    &[
        MethodDef::new("send($self, value, /)", method_send, SEND_DOC),
        MethodDef::new("throw($self, type, value=<unset>, traceback=<unset>, /)", gen_throw, THROW_DOC),
        MethodDef::new("close($self, /)", |vm, args| close(vm, &args[0]), CLOSE_DOC),
        MethodDef::new(
            "__sizeof__($self, /)",
            |vm, args| {
                let n = this(&args[0]).register_count();
                Ok(vm.usize(size_of::<Generator>() + 16 + n * 8))
            },
            "gen.__sizeof__() -> size of gen in memory, in bytes",
        ),
        MethodDef::new(
            "__class_getitem__($type, object, /)",
            crate::types::genericalias::class_getitem,
            "See PEP 585",
        )
        .class_method(),
    ],
    &[
        GetSetDef::new("__name__", |_, g| Ok(this(g).name.borrow().clone()))
            .with_set(|vm, g, value| set_name(vm, &this(g).name, "__name__", value)),
        GetSetDef::new("__qualname__", |_, g| Ok(this(g).qualname.borrow().clone()))
            .with_set(|vm, g, value| set_name(vm, &this(g).qualname, "__qualname__", value)),
        GetSetDef::new("gi_yieldfrom", |_, g| Ok(inner_of(g))),
        GetSetDef::new("gi_running", |_, g| Ok(is_running(g))),
        GetSetDef::new("gi_frame", frame_of),
        GetSetDef::new("gi_suspended", |_, g| Ok(is_suspended(g))),
        GetSetDef::new("gi_code", |_, g| Ok(this(g).code())),
    ],
);

pub static COROUTINE: Type = Type::new::<Generator>(
    "coroutine",
    &crate::types::object::OBJECT,
    type_flags::HAVE_GC | type_flags::WEAKREFABLE,
    Slots {
        del: Some(finalize),
        ..Slots::EMPTY
            .repr(gen_repr)
            .unary(UnaryOp::Await, |vm, c| Ok(vm.alloc(&COROUTINE_WRAPPER, Wrapper { coroutine: c.clone() })))
    },
    &[
        MethodDef::new(
            "send($self, value, /)",
            method_send,
            "send(value) -> send 'value' into coroutine,\nreturn next iterated value or raise StopIteration.",
        ),
        MethodDef::new(
            "throw($self, type, value=<unset>, traceback=<unset>, /)",
            gen_throw,
            COROUTINE_THROW_DOC,
        ),
        MethodDef::new(
            "close($self, /)",
            |vm, args| {
                close(vm, &args[0])?;
                Ok(Object::NONE)
            },
            "close() -> raise GeneratorExit inside coroutine.",
        ),
        MethodDef::new(
            "__class_getitem__($type, object, /)",
            crate::types::genericalias::class_getitem,
            "See PEP 585",
        )
        .class_method(),
    ],
    &[
        GetSetDef::new("__name__", |_, g| Ok(this(g).name.borrow().clone()))
            .with_set(|vm, g, value| set_name(vm, &this(g).name, "__name__", value))
            .with_doc("name of the coroutine"),
        GetSetDef::new("__qualname__", |_, g| Ok(this(g).qualname.borrow().clone()))
            .with_set(|vm, g, value| set_name(vm, &this(g).qualname, "__qualname__", value))
            .with_doc("qualified name of the coroutine"),
        GetSetDef::new("cr_await", |_, g| Ok(inner_of(g))),
        GetSetDef::new("cr_running", |_, g| Ok(is_running(g))),
        GetSetDef::new("cr_frame", frame_of),
        GetSetDef::new("cr_suspended", |_, g| Ok(is_suspended(g))),
        GetSetDef::new("cr_code", |_, g| Ok(this(g).code())),
        GetSetDef::new("cr_origin", |_, g| Ok(this(g).attached.borrow().clone())),
    ],
);

/// What `coroutine.__await__()` gives.
pub struct Wrapper {
    coroutine: Object,
}

impl NativeClass for Wrapper {
    fn class() -> &'static Type {
        &COROUTINE_WRAPPER
    }
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit_object(&self.coroutine);
    }
}

fn wrapped(object: &Object) -> &Object {
    // SAFETY: used on coroutine_wrapper only.
    unsafe { &object.payload_unchecked::<Wrapper>().coroutine }
}

pub static COROUTINE_WRAPPER: Type = Type::new::<Wrapper>(
    "coroutine_wrapper",
    &crate::types::object::OBJECT,
    type_flags::HAVE_GC,
    Slots {
        next: Some(|vm, w| send(vm, wrapped(w), Object::NONE)),
        ..Slots::EMPTY.iter(|_, w| Ok(w.clone()))
    },
    &[
        MethodDef::new(
            "send($self, value, /)",
            |vm, args| {
                let step = resume(vm, wrapped(&args[0]), args[1].clone(), false)?;
                step_to_result(vm, step)
            },
            "send(value) -> send 'value' into coroutine,\nreturn next iterated value or raise StopIteration.",
        ),
        MethodDef::new(
            "throw($self, type, value=<unset>, traceback=<unset>, /)",
            |vm, args| {
                let exception = throw_arguments(vm, &args[1], &args[2], &args[3])?;
                let step = throw(vm, wrapped(&args[0]), exception)?;
                step_to_result(vm, step)
            },
            COROUTINE_THROW_DOC,
        ),
        MethodDef::new(
            "close($self, /)",
            |vm, args| {
                close(vm, wrapped(&args[0]))?;
                Ok(Object::NONE)
            },
            "close() -> raise GeneratorExit inside coroutine.",
        ),
    ],
    &[],
);

/// Is it a generator that `await` accepts (`types.coroutine`)?
pub fn is_iterable_coroutine(object: &Object) -> bool {
    object.ty().is(&GENERATOR)
        && this(object)
            .code()
            .downcast::<crate::types::code::Code>()
            .is_some_and(|c| c.has_flag(co::ITERABLE_COROUTINE))
}
