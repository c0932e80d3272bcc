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
    /// On to the next instruction when this object is destroyed.
    Destroy(Value),
    /// The same, and before the next instruction `Vm::dies_second` is dropped.
    DestroyFirst(Value),
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

/// The instruction that runs, read where it lies: an operand costs one load that
/// waits for nothing but `ip`.
#[derive(Clone, Copy)]
pub(super) struct At(*const Instruction);

// The pointer is one at an instruction of verified code, which is alive while its
// frame runs; only its opcode ever changes.
const _: () = assert!(cfg!(target_endian = "little"), "operands are read as parts of a word");
impl At {
    /// The instruction before `next`.
    #[inline(always)]
    pub unsafe fn before(next: *const Instruction) -> At {
        unsafe { At(next.sub(1)) }
    }
    #[inline(always)]
    pub fn op_byte(self) -> u8 {
        unsafe { *(self.0 as *const u8) }
    }
    #[inline(always)]
    pub fn flags(self) -> u8 {
        unsafe { *(self.0 as *const u8).add(1) }
    }
    #[inline(always)]
    pub fn has(self, flag: u8) -> bool {
        self.flags() & flag != 0
    }
    #[inline(always)]
    pub fn a(self) -> usize {
        unsafe { *(self.0 as *const u16).add(1) as usize }
    }
    #[inline(always)]
    pub fn b(self) -> usize {
        unsafe { *(self.0 as *const u16).add(2) as usize }
    }
    #[inline(always)]
    pub fn c(self) -> usize {
        unsafe { *(self.0 as *const u16).add(3) as usize }
    }
    #[inline(always)]
    pub fn bc(self) -> i32 {
        unsafe { *(self.0 as *const i32).add(1) }
    }
    /// Writes a quickened form over it.
    #[inline(always)]
    pub fn quicken(self, op: Opcode) {
        unsafe { *(self.0 as *mut u8) = op as u8 }
    }
    /// All of it.
    #[inline(always)]
    pub fn word(self) -> Instruction {
        unsafe { *self.0 }
    }
}

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
    /// As [`Core::set`], as the last thing that a handler does.
    #[inline(always)]
    pub unsafe fn finish(&self, i: usize, value: Value) -> Done {
        unsafe {
            let slot = self.base.add(i);
            let old = *slot;
            *slot = value;
            self.finally_drop(old)
        }
    }
    /// As [`Core::drop`], as the last thing that a handler does.
    #[inline(always)]
    pub unsafe fn finally_drop(&self, value: Value) -> Done {
        unsafe {
            if value.is_ptr() && (*value.as_ptr()).decref() {
                return Err(Leave::Destroy(value));
            }
            Ok(())
        }
    }
    /// Drops two words, one after the other, as the last thing that a handler does.
    #[inline(always)]
    pub unsafe fn finally_drop_both(&self, first: Value, second: Value) -> Done {
        unsafe {
            if first.is_ptr() && (*first.as_ptr()).decref() {
                self.vm.dies_second.set(second);
                return Err(Leave::DestroyFirst(first));
            }
            self.finally_drop(second)
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
    pub unsafe fn free_b(&self, ins: At) {
        unsafe {
            if ins.has(f::B_TEMP) {
                self.set(ins.b(), Value::UNBOUND);
            }
        }
    }
    #[inline(always)]
    pub unsafe fn free_c(&self, ins: At) {
        unsafe {
            if ins.has(f::C_TEMP) {
                self.set(ins.c(), Value::UNBOUND);
            }
        }
    }
    /// The source operand `b`, borrowed; UNBOUND if it is an unbound local.
    #[inline(always)]
    pub unsafe fn b(&self, ins: At) -> Value {
        unsafe {
            let from = if ins.has(f::B_CONST) { self.vm.consts.get() } else { self.base as *const Value };
            *from.add(ins.b())
        }
    }
    /// As [`Core::b`].
    #[inline(always)]
    pub unsafe fn c(&self, ins: At) -> Value {
        unsafe {
            let from = if ins.has(f::C_CONST) { self.vm.consts.get() } else { self.base as *const Value };
            *from.add(ins.c())
        }
    }
    #[inline(always)]
    pub unsafe fn constant(&self, ins: At) -> Value {
        unsafe { *self.vm.consts.get().add(ins.bc() as u32 as usize) }
    }
    #[inline(always)]
    pub unsafe fn cache(&self, ins: At) -> &'a mut Cache {
        unsafe { &mut *self.vm.caches.get().add(ins.c()) }
    }
    #[inline(always)]
    pub unsafe fn jump(&mut self, ins: At) {
        unsafe { self.ip = self.ip.offset(ins.bc() as isize) }
    }
    /// The result of a comparison: jumps at once if a jump follows, else stores it.
    #[inline(always)]
    pub unsafe fn branch(&mut self, ins: At, truth: bool) -> Done {
        unsafe {
            if ins.has(f::FUSED) {
                let jump = At(self.ip);
                self.ip = self.ip.add(1);
                if truth == (jump.op_byte() == Opcode::JumpIfTrue as u8) {
                    self.ip = self.ip.offset(jump.bc() as isize);
                }
            } else {
                return self.finish(ins.a(), Value::from_bool(truth));
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
    pub unsafe fn own_b(&self, ins: At, value: Value) {
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
    pub unsafe fn free_a(&self, ins: At, object: Value) {
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
    /// As [`Core::poll`], before the instruction has done anything.
    #[inline(always)]
    pub unsafe fn poll_first(&self) -> Done {
        unsafe {
            if self.breaker_set() {
                self.save();
                super::slow::eval_breaker_first(self.vm)?;
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
    unsafe { value.is_ptr() && std::ptr::eq(type_ptr(value), ty) }
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
