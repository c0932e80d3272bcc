//! What the handlers of the loop share: the three words that are live between
//! instructions, and access to registers, constants and caches.
//!
//! Registers are raw words. A dead register never holds a pointer; storing a
//! result drops what the register held.

use super::frame::Frame;
use crate::prelude::*;
use crate::types::code::Cache;
use taipan_bytecode::instruction::flags as f;
use taipan_bytecode::{Instruction, Opcode};
use taipan_object::heap;

/// Why a handler does not go on with the next instruction.
pub(super) enum Leave {
    /// Nothing was done yet: the instruction's second handler has to look.
    Miss,
    /// An exception is in the thread state.
    Raise,
    /// The frame returns this word; its `ip` is saved.
    Return(Value),
    /// The generator frame yields this word; its `ip` is saved.
    Yield(Value),
}

impl From<Raised> for Leave {
    #[inline(always)]
    fn from(_: Raised) -> Leave {
        Leave::Raise
    }
}

/// What a handler ends with: on to the next instruction, or a reason not to.
pub(super) type Done = std::result::Result<(), Leave>;

/// The state of the loop. Handlers are inlined into functions that pass its
/// parts on in machine registers.
pub(super) struct Core<'a> {
    pub vm: &'a Vm,
    /// The next instruction.
    pub ip: *const Instruction,
    /// Register 0 of the running frame.
    pub base: *mut Value,
}

// Every method is for handlers only, which run verified code in a live frame:
// register numbers are in range, constants and caches are those of its code.
#[allow(clippy::missing_safety_doc)]
impl<'a> Core<'a> {
    #[inline(always)]
    pub fn frame(&self) -> *mut Frame {
        self.vm.frame.get()
    }
    /// Lets others see where the frame is: before whatever may run Python code,
    /// or may raise.
    #[inline(always)]
    pub unsafe fn save(&self) {
        unsafe { (*self.frame()).ip = self.ip }
    }
    /// Goes on in another frame, which is the thread's current one.
    #[inline(always)]
    pub unsafe fn enter(&mut self, frame: *mut Frame) {
        unsafe {
            self.base = (*frame).base;
            self.ip = (*frame).ip;
            (*frame).select(self.vm);
        }
    }
    #[inline(always)]
    pub unsafe fn reg(&self, i: usize) -> Value {
        unsafe { *self.base.add(i) }
    }
    /// Overwrites a register that holds no pointer, or one that was taken out.
    #[inline(always)]
    pub unsafe fn put(&self, i: usize, value: Value) {
        unsafe { *self.base.add(i) = value }
    }
    /// Stores a result: what the register held dies.
    #[inline(always)]
    pub unsafe fn set(&self, i: usize, value: Value) {
        unsafe {
            let slot = self.base.add(i);
            let old = *slot;
            *slot = value;
            self.drop(old);
        }
    }
    /// Drops a word that nobody refers to any more.
    #[inline(always)]
    pub unsafe fn drop(&self, value: Value) {
        unsafe {
            if value.is_ptr() && (*value.as_ptr()).decref() {
                self.save();
                heap::destroy(value.as_ptr());
            }
        }
    }
    #[inline(always)]
    pub unsafe fn free_b(&self, ins: Instruction) {
        unsafe {
            if ins.has(f::B_TEMP) {
                self.set(ins.b(), Value::UNBOUND);
            }
        }
    }
    #[inline(always)]
    pub unsafe fn free_c(&self, ins: Instruction) {
        unsafe {
            if ins.has(f::C_TEMP) {
                self.set(ins.c(), Value::UNBOUND);
            }
        }
    }
    /// The source operand `b`, borrowed; UNBOUND if it is an unbound local.
    #[inline(always)]
    pub unsafe fn b(&self, ins: Instruction) -> Value {
        unsafe {
            let from = if ins.has(f::B_CONST) { self.vm.consts.get() } else { self.base as *const Value };
            *from.add(ins.b())
        }
    }
    /// As [`Core::b`].
    #[inline(always)]
    pub unsafe fn c(&self, ins: Instruction) -> Value {
        unsafe {
            let from = if ins.has(f::C_CONST) { self.vm.consts.get() } else { self.base as *const Value };
            *from.add(ins.c())
        }
    }
    #[inline(always)]
    pub unsafe fn constant(&self, ins: Instruction) -> Value {
        unsafe { *self.vm.consts.get().add(ins.bc() as u32 as usize) }
    }
    #[inline(always)]
    pub unsafe fn cache(&self, ins: Instruction) -> &'a mut Cache {
        unsafe { &mut *self.vm.caches.get().add(ins.c()) }
    }
    #[inline(always)]
    pub unsafe fn jump(&mut self, ins: Instruction) {
        unsafe { self.ip = self.ip.offset(ins.bc() as isize) }
    }
    /// The result of a comparison: jumps at once if a jump follows, else stores it.
    #[inline(always)]
    pub unsafe fn branch(&mut self, ins: Instruction, truth: bool) -> Done {
        unsafe {
            if ins.has(f::FUSED) {
                let jump = *self.ip;
                self.ip = self.ip.add(1);
                if truth == (jump.op_byte() == Opcode::JumpIfTrue as u8) {
                    self.ip = self.ip.offset(jump.bc() as isize);
                }
            } else {
                self.set(ins.a(), Value::from_bool(truth));
            }
            Ok(())
        }
    }
    /// The error of an unbound local.
    #[cold]
    #[inline(never)]
    unsafe fn raise_unbound(vm: &Vm, ip: *const Instruction, i: usize) {
        unsafe {
            (*vm.frame.get()).ip = ip;
            let _: Raised = super::slow::unbound(vm, vm.frame.get(), i);
        }
    }
    #[inline(always)]
    pub unsafe fn unbound(&self, i: usize) -> Done {
        unsafe { Self::raise_unbound(self.vm, self.ip, i) };
        Err(Leave::Raise)
    }
    /// Takes the operand `b` for keeping: a temporary is moved, a local or
    /// constant counted up.
    #[inline(always)]
    pub unsafe fn own_b(&self, ins: Instruction, value: Value) {
        unsafe {
            if ins.has(f::B_TEMP) {
                self.put(ins.b(), Value::UNBOUND);
            } else {
                incref(value);
            }
        }
    }
    /// Drops `object`, the operand `a`, if it is a temporary.
    #[inline(always)]
    pub unsafe fn free_a(&self, ins: Instruction, object: Value) {
        unsafe {
            if ins.has(f::A_TEMP) {
                self.put(ins.a(), Value::UNBOUND);
                self.drop(object);
            }
        }
    }
    /// Signals, requests for the GIL, collections: at safe points.
    #[inline(always)]
    pub unsafe fn poll(&self) -> Done {
        unsafe {
            if self.breaker_set() {
                self.save();
                super::slow::eval_breaker(self.vm)?;
            }
            Ok(())
        }
    }
    #[inline(always)]
    pub fn breaker_set(&self) -> bool {
        // SAFETY: the interpreter outlives its threads.
        unsafe { (*self.vm.breaker).load(std::sync::atomic::Ordering::Relaxed) != 0 }
    }
}

#[inline(always)]
pub(super) unsafe fn type_ptr(value: Value) -> *const Type {
    // SAFETY: the caller checked is_ptr; the object is alive.
    unsafe { (*value.as_ptr()).ty() as *const Type }
}

/// Is it an object of exactly this type?
#[inline(always)]
pub(super) unsafe fn is_exact(value: Value, ty: &'static Type) -> bool {
    // SAFETY: words in registers are alive.
    unsafe { value.is_ptr() && type_ptr(value) == ty as *const Type }
}

#[inline(always)]
pub(super) unsafe fn payload<'a, T: NativeClass>(value: Value) -> &'a T {
    // SAFETY: the caller checked the type.
    unsafe { &(*(value.as_ptr() as *const crate::native::Payload<T>)).data }
}

#[inline(always)]
pub(super) unsafe fn incref(value: Value) {
    // SAFETY: alive, says the caller.
    unsafe { taipan_object::object::incref(value) }
}
