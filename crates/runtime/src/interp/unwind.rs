//! Unwinding: from a raised exception to the handler that catches it.

use super::frame::{Frame, frame_flags as ff};
use super::run::abandon_frame;
use super::traced;
use crate::prelude::*;
use crate::types::exceptions::BaseException;
use crate::types::generator::{self, Generator};
use taipan_bytecode::Opcode;

/// Adds the running instruction of `frame` to the traceback of the exception on
/// its way.
///
/// # Safety
/// `frame` is alive and its `ip` saved.
#[inline(always)]
pub(crate) unsafe fn add_traceback(vm: &Vm, frame: *mut Frame) {
    // SAFETY: says the caller.
    unsafe {
        let raised = vm.raised.get();
        if raised.is_unbound() {
            return;
        }
        let exception = Object::from_borrowed(raised);
        if let Some(base) = exception.downcast::<BaseException>() {
            let next = base.traceback();
            let traceback = crate::types::traceback::new_for_frame(vm, frame, next);
            base.set_traceback(traceback);
        }
    }
}

/// As [`unwind`], and tracers are told.
///
/// # Safety
/// As [`unwind`].
#[cold]
#[inline(never)]
pub(crate) unsafe fn unwind_traced(vm: &Vm, frame: *mut Frame) -> Option<*mut Frame> {
    // SAFETY: as the caller's.
    unsafe { unwind::<true>(vm, frame) }
}

/// Finds the handler, popping frames on the way. The frame that handles the
/// exception is ready to go on; None: the entry frame is popped and the
/// exception still on its way. `TRACED`: tracers are told.
///
/// # Safety
/// `frame` is the current frame, its `ip` saved, an exception raised.
#[inline(always)]
pub(crate) unsafe fn unwind<const TRACED: bool>(vm: &Vm, mut frame: *mut Frame) -> Option<*mut Frame> {
    // SAFETY: frames and registers are alive; see the instruction table for what
    // dead registers hold.
    unsafe {
        loop {
            let code = &*(*frame).code;
            let start = code.instructions_ptr() as *const _;
            if TRACED {
                traced::thrown(vm, frame);
            }
            let mut again = false;
            if (*frame).ip > start {
                let ins = *(*frame).ip.sub(1);
                let bare = ins.op_byte() == Opcode::Raise as u8 && !ins.has(taipan_bytecode::flags::X);
                again = ins.op_byte() == Opcode::Reraise as u8 || bare;
                if !again {
                    add_traceback(vm, frame);
                }
            }
            if TRACED {
                traced::raised(vm, frame, again);
            }
            let index = (*frame).instruction_index();
            if let Some(entry) = code.handler(index) {
                let base = (*frame).base;
                for i in entry.depth as usize..code.registers {
                    let value = std::mem::replace(&mut *base.add(i), Value::UNBOUND);
                    if value.is_ptr() {
                        // The exception on its way is kept safe from what destructors do.
                        let raised = vm.take_raised();
                        drop(Object::from_owned(value));
                        vm.restore_raised(raised);
                    }
                }
                if let Some(exception) = vm.take_raised() {
                    *base.add(entry.depth as usize) = exception.into_value();
                }
                (*frame).ip = start.add(entry.target as usize);
                if TRACED && traced::handled(vm, frame, index, entry.depth as usize).is_err() {
                    continue;
                }
                return Some(frame);
            }
            if TRACED {
                traced::unwinds(vm, frame);
            }
            let flags = (*frame).flags;
            let raised = vm.take_raised();
            if flags & ff::GENERATOR != 0 {
                let generator = (*frame).extra;
                generator::finish(vm, Object::borrow_value(&generator).payload_unchecked::<Generator>());
                vm.restore_raised(raised);
                if flags & ff::ENTRY != 0 {
                    if TRACED {
                        super::events::left_loop(vm);
                    }
                    return None;
                }
            } else {
                abandon_frame(vm, frame);
                if flags & ff::INIT != 0 {
                    drop(Object::from_owned((*frame).function));
                }
                if flags & (ff::INIT | ff::OWNS_EXTRA) != 0 {
                    drop(Object::from_owned((*frame).extra));
                }
                if flags & ff::ENTRY != 0 {
                    vm.restore_raised(raised);
                    if TRACED {
                        super::events::left_loop(vm);
                    }
                    return None;
                }
                let caller = vm.frame.get();
                if flags & ff::DROP_CALLABLE != 0 {
                    let pending = *(*caller).ip.sub(1);
                    let slot = (*caller).base.add(pending.b());
                    drop(Object::from_owned(std::mem::replace(&mut *slot, Value::UNBOUND)));
                }
                vm.restore_raised(raised);
            }
            frame = vm.frame.get();
        }
    }
}
