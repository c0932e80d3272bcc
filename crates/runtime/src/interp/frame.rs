//! Frames: the control records of running Python code. The registers they
//! point to live on the thread's register stack, or in a generator.

use crate::prelude::*;
use crate::types::code::{Cache, Code};
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
}

/// A running (or suspended) activation of a code object.
#[repr(C)]
pub struct Frame {
    /// The next instruction; kept up to date only when others may look.
    pub ip: *const Instruction,
    pub base: *mut Value,
    pub code: *const Code,
    pub consts: *const Value,
    pub caches: *mut Cache,
    /// The function (borrowed from whoever called it), or UNBOUND.
    pub function: Value,
    pub globals: Value,
    pub builtins: Value,
    /// The namespace of class bodies, modules and exec; else UNBOUND.
    pub locals: Value,
    pub previous: *mut Frame,
    /// The frame object if somebody asked for it (owned), else UNBOUND.
    pub object: Value,
    pub extra: Value,
    /// Where windows of calls made by this frame go if it is a generator's.
    pub top: *mut Value,
    pub flags: u32,
}

impl Frame {
    pub fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }
    /// First register free for the windows of calls from outside the loop.
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
