//! The handler of every instruction while tracers or tools of `sys.monitoring`
//! want to know what happens: it tells them (see [`super::events`]), then goes
//! on in the ordinary handler. Calls, returns, yields and loops, which have
//! events behind them too, are carried out here, in the general way.

use super::call::drop_window;
use super::core::{At, Core, is_exact};
use super::events::{self, Detail, Event, Go};
use super::frame::{Frame, frame_flags as ff};
use super::ops::calls::enter_inner;
use super::run::{HANDLERS, NOTHING, Spare, Table, dispatch, handler, leave, raise, suspend};
use super::slow;
use crate::prelude::*;
use crate::types::function::{FUNCTION, METHOD, Method};
use crate::types::generator::{self, COROUTINE, GENERATOR};
use taipan_bytecode::{Instruction, Opcode, flags as f};

/// The handler of every instruction while memory is traced: whoever allocates can
/// say where the frame is.
pub(super) unsafe extern "rust-preserve-none" fn placed(
    vm: &Vm,
    ip: *const Instruction,
    base: *mut Value,
    table: &Table,
    _: Spare,
) -> Result<Value> {
    // SAFETY: as the ordinary handlers'.
    unsafe {
        let op = At::before(ip).op_byte() as usize;
        if !std::ptr::eq(vm.table.get(), table) {
            let table = &*vm.table.get();
            become table.handlers[op](vm, ip, base, table, NOTHING)
        }
        let frame = vm.frame.get();
        (*frame).ip = ip;
        if (*frame).has(ff::ENTRY) {
            events::left_loop_by(vm, *ip.sub(1));
        }
        become HANDLERS.handlers[op](vm, ip, base, table, NOTHING)
    }
}

/// See the module.
pub(super) unsafe extern "rust-preserve-none" fn traced(
    vm: &Vm,
    ip: *const Instruction,
    base: *mut Value,
    table: &Table,
    _: Spare,
) -> Result<Value> {
    // SAFETY: as the ordinary handlers'.
    unsafe {
        let op = At::before(ip).op_byte();
        if !std::ptr::eq(vm.table.get(), table) {
            // Nobody listens any more.
            let table = &*vm.table.get();
            become table.handlers[op as usize](vm, ip, base, table, NOTHING)
        }
        if op == Opcode::ReadBody as u8 {
            // The code is not there yet.
            become HANDLERS.handlers[op as usize](vm, ip, base, table, NOTHING)
        }
        match events::before(vm, ip) {
            Go::On => {}
            Go::Raise => become raise(vm, ip, base, table, NOTHING),
            Go::Moved => {
                let m = Core { vm, ip: (*vm.frame.get()).ip, base };
                dispatch!(m, table)
            }
        }
        let mut m = Core { vm, ip, base };
        match super::quick::generic(*ip.sub(1)).opcode() {
            Some(Opcode::Return | Opcode::ReturnConst) => match returns(&mut m) {
                Some(Ok(value)) => become leave::<true>(vm, ip, base, table, Spare::new(value)),
                Some(Err(_)) => become raise(vm, ip, base, table, NOTHING),
                None => {}
            },
            Some(Opcode::Yield) => {
                if let Some(value) = yielded(&m) {
                    become suspend::<true>(vm, ip, base, table, Spare::new(value))
                }
            }
            Some(Opcode::YieldFrom) => match delegates(&mut m) {
                Ok(Some(value)) => become suspend::<true>(vm, m.ip, m.base, table, Spare::new(value)),
                Ok(None) => dispatch!(m, table),
                Err(_) => become raise(vm, m.ip, m.base, table, NOTHING),
            },
            Some(Opcode::ForIter) => match next_item(&mut m) {
                Ok(()) => dispatch!(m, table),
                Err(_) => become raise(vm, m.ip, m.base, table, NOTHING),
            },
            Some(
                Opcode::Call | Opcode::CallMethod | Opcode::CallKw | Opcode::CallMethodKw | Opcode::CallEx,
            ) => match calls(&mut m) {
                Ok(()) => dispatch!(m, table),
                Err(_) => become raise(vm, m.ip, m.base, table, NOTHING),
            },
            Some(Opcode::LoadSuperAttr) => match super_attribute(&m) {
                Ok(()) => dispatch!(m, table),
                Err(_) => become raise(vm, m.ip, m.base, table, NOTHING),
            },
            // The usual form does moves that follow, which may be lines of their own.
            Some(Opcode::UnpackSequence) => become handler::UnpackSlowly(vm, ip, base, table, NOTHING),
            _ => {}
        }
        become HANDLERS.handlers[op as usize](vm, ip, base, table, NOTHING)
    }
}

// What follows runs with the frame's `ip` saved. SAFETY, throughout: the handler
// passes on what it promises to the ordinary handlers.

/// The value that the frame returns, owned. None: it is unbound.
unsafe fn returns(m: &mut Core) -> Option<Result<Value>> {
    unsafe {
        let ins = At::before(m.ip);
        let constant = ins.op_byte() == Opcode::ReturnConst as u8;
        let value = if constant { m.constant(ins) } else { m.reg(ins.a()) };
        if value.is_unbound() {
            return None;
        }
        let kept = Object::from_borrowed(value);
        let frame = m.frame();
        let index = (*frame).instruction_index();
        if let Err(raised) = events::fire(m.vm, frame, Event::PyReturn, index, &Detail::Object(&kept)) {
            return Some(Err(raised));
        }
        if !constant {
            // Not what the register held before: a tracer may have changed the variable.
            let held = m.reg(ins.a());
            m.put(ins.a(), Value::UNBOUND);
            m.drop(held);
        }
        Some(Ok(kept.into_value()))
    }
}

unsafe fn yielded(m: &Core) -> Option<Value> {
    unsafe {
        let ins = At::before(m.ip);
        let value = m.b(ins);
        if value.is_unbound() {
            return None;
        }
        m.own_b(ins, value);
        Some(value)
    }
}

/// The current frame, a generator's, yields.
pub(super) unsafe fn yields(vm: &Vm, value: Value) -> Result<()> {
    unsafe {
        let frame = vm.frame.get();
        let index = (*frame).instruction_index();
        events::fire(vm, frame, Event::PyYield, index, &Detail::Object(Object::borrow_value(&value)))
    }
}

/// The generator that the current frame delegated to has returned `value`, which is in
/// its register.
pub(super) unsafe fn delegation_ended(vm: &Vm, value: Value) -> Result<()> {
    unsafe {
        let value = Object::from_borrowed(value);
        events::iteration_ended(vm, vm.frame.get(), Event::StopIteration, value)
    }
}

/// `YieldFrom`: a value to yield, or on with the next instruction (perhaps in the
/// frame of the inner generator).
unsafe fn delegates(m: &mut Core) -> Result<Option<Value>> {
    unsafe {
        let ins = At::before(m.ip);
        if enter_inner(m, ins)? {
            return Ok(None);
        }
        let inner = m.reg(ins.b());
        let generator_like = is_exact(inner, &GENERATOR) || is_exact(inner, &COROUTINE);
        let ty = Object::borrow_value(&inner).ty();
        let raises = ty.is_heap() || ty.is(&generator::ASYNC_GEN_SEND) || ty.is(&generator::ASYNC_GEN_THROW);
        let yielded = slow::yield_from(m.vm, m.frame(), ins.word())?;
        if yielded.is_none() {
            let value = m.reg(ins.a());
            if generator_like {
                delegation_ended(m.vm, value)?;
            } else if raises || !value.is_none() {
                let value = Object::from_borrowed(value);
                events::iteration_ended(m.vm, m.frame(), Event::Raise, value)?;
            }
        }
        Ok(yielded)
    }
}

/// `ForIter`: the iterator runs in a loop of its own.
unsafe fn next_item(m: &mut Core) -> Result<()> {
    unsafe {
        let (vm, ins) = (m.vm, At::before(m.ip));
        if m.breaker_set() {
            crate::breaker::handle(vm)?;
        }
        let iterator = Object::from_borrowed(m.reg(ins.a()));
        if let Some(item) = vm.next(&iterator)? {
            m.set(ins.b(), item.into_value());
            m.ip = m.ip.sub(ins.c());
            return Ok(());
        }
        let value = crate::slots::take_stop_value(vm);
        let held = m.reg(ins.a());
        m.put(ins.a(), Value::UNBOUND);
        m.drop(held);
        // Iterators written in C end without an exception, generators if they return None.
        if iterator.ty().is(&GENERATOR) {
            if !value.is_none() {
                events::iteration_ended(vm, m.frame(), Event::StopIteration, value)?;
            }
        } else if iterator.ty().is_heap() {
            events::iteration_ended(vm, m.frame(), Event::Raise, value)?;
        }
        Ok(())
    }
}

/// All calls. A Python function's frame is pushed; what else there is runs in native
/// code, and that it returns is an event.
unsafe fn calls(m: &mut Core) -> Result<()> {
    unsafe {
        let (vm, frame, ins) = (m.vm, m.frame(), At::before(m.ip));
        let index = (*frame).instruction_index();
        let word = ins.word();
        let b = ins.b();
        let op = super::quick::generic(word).opcode();
        if op == Some(Opcode::CallEx) {
            return call_ex(m, index);
        }
        let method = matches!(op, Some(Opcode::CallMethod | Opcode::CallMethodKw));
        let keywords = matches!(op, Some(Opcode::CallKw | Opcode::CallMethodKw));
        let site = m.cache(ins);
        let argc = if ins.flags() == 255 || keywords { site.index as usize } else { ins.flags() as usize };
        let held = Object::from_borrowed(m.reg(b));
        let mut callable = held.clone();
        let (mut at, mut count) = (b + 1, argc);
        if method {
            let has_self = !m.reg(b + 1).is_unbound();
            (at, count) = if has_self { (b + 1, argc + 1) } else { (b + 2, argc) };
        }
        let mut first =
            if count > 0 { Object::from_borrowed(m.reg(at)) } else { vm.interp().monitoring.missing.get() };
        if callable.ty().is(&METHOD) && (!method || at == b + 2) {
            let bound = held.payload_unchecked::<Method>();
            first = bound.object.clone();
            callable = bound.function.clone();
        }
        events::fire(vm, frame, Event::Call, index, &Detail::Call(&callable, &first))?;
        if callable.ty().is(&FUNCTION) {
            drop((held, callable, first));
            if let slow::Called::Pushed(new) = slow::call(vm, frame, word, method, keywords)? {
                m.enter(new);
            }
            return Ok(());
        }
        let names = if keywords { Object::from_borrowed(site.name) } else { Object::UNBOUND };
        let kwnames: &[Object] = names.downcast::<Tuple>().map_or(&[], |t| t.items());
        let args = Object::borrow_slice(std::slice::from_raw_parts(m.base.add(at), count));
        let result = slow::call_native(vm, &held, args, kwnames);
        let result = call_ended(vm, frame, index, &callable, &first, result);
        drop_window(m.base.add(b), at + count - b);
        drop((held, callable, first));
        m.set(ins.a(), result?.into_value());
        m.poll().map_err(|_| vm.other_table())
    }
}

/// Tells how a call of native code ended.
unsafe fn call_ended(
    vm: &Vm,
    frame: *mut Frame,
    index: usize,
    callable: &Object,
    first: &Object,
    result: Result,
) -> Result {
    unsafe {
        let detail = Detail::Call(callable, first);
        match result {
            Ok(value) => events::fire(vm, frame, Event::CReturn, index, &detail).map(|()| value),
            Err(raised) => {
                let exception = vm.caught(raised);
                events::fire(vm, frame, Event::CRaise, index, &detail)?;
                Err(vm.raise(exception))
            }
        }
    }
}

unsafe fn call_ex(m: &mut Core, index: usize) -> Result<()> {
    unsafe {
        let (vm, frame, ins) = (m.vm, m.frame(), At::before(m.ip));
        let callable = Object::from_borrowed(m.reg(ins.b()));
        let positional = slow::star_arguments(vm, frame, ins.word())?;
        let first = match positional.downcast::<Tuple>().and_then(|t| t.items().first()) {
            Some(first) => first.clone(),
            None => vm.interp().monitoring.missing.get(),
        };
        events::fire(vm, frame, Event::Call, index, &Detail::Call(&callable, &first))?;
        let told = !callable.ty().is(&FUNCTION) && !callable.ty().is(&METHOD);
        match slow::call_ex(vm, frame, ins.word()) {
            Ok(slow::Called::Pushed(new)) => {
                m.enter(new);
                return Ok(());
            }
            Ok(slow::Called::Done) if told => {
                call_ended(vm, frame, index, &callable, &first, Ok(Object::NONE))?;
            }
            Err(raised) if told => {
                call_ended(vm, frame, index, &callable, &first, Err(raised))?;
            }
            Ok(_) => {}
            Err(raised) => return Err(raised),
        }
        m.poll().map_err(|_| vm.other_table())
    }
}

/// `super().name`: a call of `super`.
unsafe fn super_attribute(m: &Core) -> Result<()> {
    unsafe {
        let (vm, frame, ins) = (m.vm, m.frame(), At::before(m.ip));
        let index = (*frame).instruction_index();
        let callable = Object::from_borrowed(m.reg(ins.b()));
        let first = if ins.has(f::FUSED) {
            vm.interp().monitoring.missing.get()
        } else {
            Object::from_borrowed(m.reg(ins.b() + 1))
        };
        events::fire(vm, frame, Event::Call, index, &Detail::Call(&callable, &first))?;
        let result = slow::load_super_attr(vm, frame, ins.word());
        call_ended(vm, frame, index, &callable, &first, result.map(|()| Object::NONE)).map(drop)
    }
}

// ---- exceptions: see `unwind` ---------------------------------------------------------

/// An exception was thrown into the frame, if that just goes on.
pub(super) unsafe fn thrown(vm: &Vm, frame: *mut Frame) {
    unsafe {
        if !(*frame).has(ff::SEEN) {
            (*frame).flags |= ff::SEEN;
            if (*frame).has(ff::GENERATOR) {
                let index = (*frame).instruction_index();
                let _ = events::fire_raised(vm, frame, Event::PyThrow, index);
            }
        }
    }
}

/// An exception is raised in the frame, or came to it; `again`: by `raise` alone or at
/// the end of a handler.
pub(super) unsafe fn raised(vm: &Vm, frame: *mut Frame, again: bool) {
    unsafe {
        let event = if again { Event::Reraise } else { Event::Raise };
        let _ = events::fire_raised(vm, frame, event, (*frame).instruction_index());
    }
}

/// The frame goes on in a handler, before which it stands; `from`: the instruction that
/// raised. An error: the callback has raised.
pub(super) unsafe fn handled(vm: &Vm, frame: *mut Frame, from: usize, depth: usize) -> Result<()> {
    unsafe {
        let exception = Object::from_borrowed(*(*frame).base.add(depth));
        let start = (*(*frame).code).instructions_ptr() as *const Instruction;
        let index = (*frame).ip.offset_from(start) as usize;
        let told = events::fire(vm, frame, Event::ExceptionHandled, index, &Detail::Object(&exception));
        if told.is_err() {
            (*frame).ip = (*frame).ip.add(1);
            return told;
        }
        let line = (*(*frame).code).places().line(from);
        vm.tracer.came_from(line);
        if line != 0 {
            crate::types::traceback::raised_at(frame, from);
        }
        Ok(())
    }
}

/// The exception leaves the frame.
pub(super) unsafe fn unwinds(vm: &Vm, frame: *mut Frame) {
    unsafe {
        let _ = events::fire_raised(vm, frame, Event::PyUnwind, (*frame).instruction_index());
    }
}
