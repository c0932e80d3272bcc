//! Frames: the control records of running Python code. The registers they
//! point to live on the thread's register stack, or in a generator.

use crate::prelude::*;
use crate::types::code::Code;
use crate::types::function::Function;
use taipan_bytecode::Instruction;

/// What happens when the frame returns, and what it belongs to.
pub mod frame_flags {
    /// Control goes back to native code.
    pub const ENTRY: u32 = 1;
    /// The frame lives in a generator-like object (`Frame::extra`, borrowed).
    pub const GENERATOR: u32 = 2;
    /// The frame runs `__init__`; `Frame::extra` is the new instance. It owns both
    /// that and `Frame::function`.
    pub const INIT: u32 = 4;
    /// The caller's call window begins with the callable, which dies on return.
    pub const DROP_CALLABLE: u32 = 8;
    /// `Frame::extra` is owned and dies on return.
    pub const OWNS_EXTRA: u32 = 16;
    /// A property getter or the like: the result is all that matters.
    pub const PLAIN: u32 = 32;
    /// `Frame::object` holds the frame object, owned.
    pub const OBJECT: u32 = 64;
    /// `Frame::locals` holds a namespace (borrowed).
    pub const LOCALS: u32 = 128;
    /// Tracers know that the frame began or goes on (or was there before them).
    pub const SEEN: u32 = 256;
    /// With ENTRY: native code takes what the generator yields through `Vm::sink`.
    pub const SINK: u32 = 512;
}

/// A running (or suspended) activation of a code object. The words behind `flags`
/// are written only when the flags say so: a call writes one cache line.
#[repr(C)]
pub struct Frame {
    /// The next instruction; kept up to date only when others may look.
    pub ip: *const Instruction,
    pub base: *mut Value,
    pub code: *const Code,
    /// The function (borrowed from whoever called it). Never anything else.
    pub function: Value,
    pub previous: *mut Frame,
    pub flags: u32,
    object: Value,
    locals: Value,
    /// See `INIT`, `OWNS_EXTRA`, `GENERATOR`.
    pub extra: Value,
    /// Where windows of calls made by this frame go if it is a generator's.
    pub top: *mut Value,
}

impl Frame {
    /// Makes this place the frame of `code`, about to run from its start.
    #[inline(always)]
    pub fn enter(
        &mut self,
        code: &Code,
        base: *mut Value,
        function: Value,
        previous: *mut Frame,
        flags: u32,
    ) {
        self.ip = code.instructions_ptr();
        self.base = base;
        self.code = code;
        self.function = function;
        self.previous = previous;
        self.flags = flags;
    }
    /// Lets the loop use the constants and caches of this frame's code.
    #[inline(always)]
    pub fn select(&self, vm: &Vm) {
        // SAFETY: the code is alive.
        let code = unsafe { &*self.code };
        vm.consts.set(code.consts_ptr());
        vm.caches.set(code.caches_ptr());
    }
    /// The frame of a generator that has not run; its registers are not there yet.
    pub fn suspended(code: &Code, ip: *const Instruction, function: Value) -> Frame {
        Frame {
            ip,
            base: std::ptr::null_mut(),
            code,
            function,
            previous: std::ptr::null_mut(),
            flags: frame_flags::GENERATOR,
            object: Value::UNBOUND,
            locals: Value::UNBOUND,
            extra: Value::UNBOUND,
            top: std::ptr::null_mut(),
        }
    }
    #[inline(always)]
    pub fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }
    #[inline(always)]
    fn function(&self) -> &Function {
        // SAFETY: `function` is a function and alive while the frame is.
        unsafe { &(*(self.function.as_ptr() as *const crate::native::Payload<Function>)).data }
    }
    #[inline(always)]
    pub fn globals(&self) -> Value {
        self.function().globals.value()
    }
    #[inline(always)]
    pub fn builtins(&self) -> Value {
        self.function().builtins.value()
    }
    /// The namespace of class bodies, modules and exec; else UNBOUND.
    pub fn locals(&self) -> Value {
        if self.has(frame_flags::LOCALS) { self.locals } else { Value::UNBOUND }
    }
    pub fn set_locals(&mut self, locals: Value) {
        self.locals = locals;
        self.flags |= frame_flags::LOCALS;
    }
    /// The frame object if somebody asked for it, else UNBOUND.
    #[inline(always)]
    pub fn object(&self) -> Value {
        if self.has(frame_flags::OBJECT) { self.object } else { Value::UNBOUND }
    }
    /// Stores a frame object (an owned word).
    pub fn set_object(&mut self, object: Value) {
        self.object = object;
        self.flags |= frame_flags::OBJECT;
    }
    /// Takes the frame object out.
    pub fn take_object(&mut self) -> Object {
        let object = self.object();
        self.flags &= !frame_flags::OBJECT;
        // SAFETY: the frame owned it.
        unsafe { Object::from_owned(object) }
    }
    /// First register free for the windows of calls from outside the loop.
    #[inline]
    pub fn window(&self) -> *mut Value {
        if self.has(frame_flags::GENERATOR) {
            self.top
        } else {
            // SAFETY: the frame's registers end there.
            unsafe { self.base.add((*self.code).registers) }
        }
    }
    /// Index of the instruction that runs (the one before `ip`).
    pub fn instruction_index(&self) -> usize {
        // SAFETY: the code outlives its frames.
        let start = unsafe { (*self.code).instructions_ptr() };
        ((self.ip as usize).saturating_sub(start as usize) / 8).saturating_sub(1)
    }
    pub fn line(&self) -> u32 {
        // SAFETY: as above.
        unsafe { (*self.code).line_of(self.instruction_index()) }
    }
}

/// An entry of the stack of handled exceptions: one for the thread, one for
/// each generator.
pub struct ExceptionItem {
    /// None if nothing is being handled here.
    pub value: Object,
    pub previous: *mut ExceptionItem,
}

impl Default for ExceptionItem {
    fn default() -> ExceptionItem {
        ExceptionItem { value: Object::NONE, previous: std::ptr::null_mut() }
    }
}
