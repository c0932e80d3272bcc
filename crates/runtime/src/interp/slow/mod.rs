//! The slow paths of the loop. Each takes ownership of the operands that die,
//! runs whatever has to run, and stores the result in the instruction's
//! register. Attribute and global loads also specialise the instruction here.

mod attributes;
mod blocks;
mod building;
mod calls;
mod items;
mod matching;
mod names;

pub use attributes::*;
pub use blocks::*;
pub use building::*;
pub use calls::*;
pub use items::*;
pub use matching::*;
pub use names::*;

use super::call::{bind, drop_window};
use super::frame::{Frame, frame_flags as ff};
use super::{copy_closure, push_frame};
use crate::names::name;
use crate::prelude::*;
use crate::protocol::{equal_plain, position_plain};
use crate::types::cell::CellObject;
use crate::types::code::{Cache, Code};
use crate::types::exceptions::{self, BaseException};
use crate::types::function::{FUNCTION, Function, METHOD, Method};
use crate::types::native_function::{
    BUILTIN_FUNCTION, GETSET_DESCRIPTOR, GetSet, MEMBER_DESCRIPTOR, METHOD_DESCRIPTOR, Member, NativeFunction,
};
use crate::types::object::compares_by_identity;
use crate::types::set::{self, SetObject};
use crate::types::{generator, set_methods, str as text, tuple};
use taipan_bytecode::instruction::flags as f;
use taipan_bytecode::{Instruction, LocalKind, Opcode};

type F = *mut Frame;
type I = Instruction;

// Every function of this file is called by the loop with its current frame and
// the instruction it just fetched; the SAFETY of the raw register accesses is
// the loop's: registers are in range and hold live words.

unsafe fn reg<'a>(frame: F, i: usize) -> &'a mut Value {
    // SAFETY: verified code.
    unsafe { &mut *(*frame).base.add(i) }
}

unsafe fn take(frame: F, i: usize) -> Object {
    // SAFETY: temps are owned.
    unsafe { Object::from_owned(std::mem::replace(reg(frame, i), Value::UNBOUND)) }
}

unsafe fn borrowed(frame: F, i: usize) -> Object {
    // SAFETY: alive in its register.
    unsafe { Object::from_borrowed(*reg(frame, i)) }
}

unsafe fn operand(vm: &Vm, frame: F, i: usize, temp: bool, constant: bool) -> Result {
    // SAFETY: as above.
    unsafe {
        if constant {
            return Ok(Object::from_borrowed(*(*(*frame).code).consts_ptr().add(i)));
        }
        if temp {
            return Ok(take(frame, i));
        }
        let value = *reg(frame, i);
        if value.is_unbound() {
            return Err(unbound(vm, frame, i));
        }
        Ok(Object::from_borrowed(value))
    }
}

unsafe fn get_b(vm: &Vm, frame: F, ins: I) -> Result {
    unsafe { operand(vm, frame, ins.b(), ins.has(f::B_TEMP), ins.has(f::B_CONST)) }
}
unsafe fn get_c(vm: &Vm, frame: F, ins: I) -> Result {
    unsafe { operand(vm, frame, ins.c(), ins.has(f::C_TEMP), ins.has(f::C_CONST)) }
}
unsafe fn get_a(vm: &Vm, frame: F, ins: I) -> Result {
    unsafe { operand(vm, frame, ins.a(), ins.has(f::A_TEMP), false) }
}
unsafe fn set(frame: F, i: usize, object: Object) {
    // SAFETY: the old word is taken out before it is dropped.
    unsafe { drop(Object::from_owned(std::mem::replace(reg(frame, i), object.into_value()))) }
}
unsafe fn cache<'a>(frame: F, ins: I) -> &'a mut Cache {
    unsafe { &mut *(*(*frame).code).caches_ptr().add(ins.c()) }
}
unsafe fn name_of<'a>(frame: F, ins: I) -> &'a Object {
    // SAFETY: names are constants of the code.
    unsafe { Object::borrow_value(&(*(*(*frame).code).caches_ptr().add(ins.c())).name) }
}
unsafe fn temps(frame: F, first: usize, n: usize) -> Vec<Object> {
    (first..first + n).map(|i| unsafe { take(frame, i) }).collect()
}
/// Rewrites the running instruction.
unsafe fn requicken(frame: F, op: Opcode) {
    // SAFETY: `ip` is behind the running instruction.
    unsafe {
        let at = (*frame).ip.sub(1) as *mut Instruction;
        *at = (*at).with_op(op);
    }
}
unsafe fn dict_of<'a>(value: Value) -> &'a Dict {
    // SAFETY: globals and builtins are dicts.
    unsafe { Dict::from_raw(value) }
}

/// UnboundLocalError or NameError of register `i`.
#[cold]
pub unsafe fn unbound(vm: &Vm, frame: F, i: usize) -> Raised {
    // SAFETY: the code is alive.
    let code = unsafe { &*(*frame).code };
    let Some((local, kind)) = code.locals(vm).get(i) else {
        return vm.system_error("unbound temporary register");
    };
    let shown = vm.str_lossy(local);
    if kind.contains(LocalKind::FREE) {
        return vm.name_error(
            format!("cannot access free variable '{shown}' where it is not associated with a value in enclosing scope"),
            local,
        );
    }
    let exception = crate::errors::new_exception(
        vm,
        &exc::UNBOUND_LOCAL_ERROR,
        &format!("cannot access local variable '{shown}' where it is not associated with a value"),
    );
    vm.raise_in_context(exception)
}

/// Version of the type of a raw word.
#[inline(always)]
pub unsafe fn type_version(value: Value) -> u32 {
    // SAFETY: alive.
    unsafe { crate::protocol::type_of(value).version.get() }
}

/// Signals, GIL requests, collections: whatever the breaker asks for. An error
/// without an exception: the loop has to use another table of handlers.
#[cold]
#[inline(never)]
pub fn eval_breaker(vm: &Vm) -> Result<()> {
    crate::breaker::handle(vm)?;
    if vm.tracer.pending() { Err(vm.other_table()) } else { Ok(()) }
}

/// As [`eval_breaker`] of an instruction that polls before it does anything.
#[cold]
#[inline(never)]
pub fn eval_breaker_first(vm: &Vm) -> Result<()> {
    crate::breaker::handle(vm)?;
    if vm.tracer.pending() {
        vm.tracer.again.set(true);
        return Err(vm.other_table());
    }
    Ok(())
}

/// As [`eval_breaker`] while an exception is on its way: where only exceptions
/// end calls there is no other safe point. What a signal handler raises takes
/// the exception's place. True: there is none, see [`eval_breaker`].
#[cold]
#[inline(never)]
pub fn breaker_while_raising(vm: &Vm) -> bool {
    let raised = vm.take_raised();
    if raised.is_none() && vm.tracer.take_pending() {
        super::events::mark_frames(vm);
        return true;
    }
    match crate::breaker::handle(vm) {
        Ok(()) => vm.restore_raised(raised),
        Err(error) => {
            let exception = vm.caught(error);
            if let Some(raised) = raised {
                crate::types::exceptions::set_context(&exception, raised);
            }
            vm.raise(exception);
        }
    }
    false
}

// ---- operators -----------------------------------------------------------------

#[inline(never)]
pub unsafe fn binary(vm: &Vm, frame: F, ins: I, op: BinaryOp, inplace: bool) -> Result<()> {
    unsafe {
        // `s += x` on a local that holds the only reference: append in place.
        if op == BinaryOp::Add
            && !ins.has(f::B_TEMP | f::B_CONST)
            && ins.a() == ins.b()
            && let Some(b) = Object::borrow_value(reg(frame, ins.b())).downcast_exact::<Str>()
            && b.len() > 200
        {
            let c = get_c(vm, frame, ins)?;
            if let Some(added) = c.downcast_exact::<Str>() {
                let owned = take(frame, ins.b());
                match text::append_in_place(vm, owned, added) {
                    Ok(joined) => {
                        set(frame, ins.a(), joined);
                        return Ok(());
                    }
                    Err(owned) => {
                        let result = vm.binary(op, &owned, &c);
                        set(frame, ins.b(), owned);
                        set(frame, ins.a(), result?);
                        return Ok(());
                    }
                }
            }
            let b = get_b(vm, frame, ins)?;
            let result = if inplace { vm.inplace(op, &b, &c)? } else { vm.binary(op, &b, &c)? };
            set(frame, ins.a(), result);
            return Ok(());
        }
        let b = get_b(vm, frame, ins)?;
        let c = get_c(vm, frame, ins)?;
        if op == BinaryOp::Add && b.downcast_exact::<Str>().is_some() && c.downcast_exact::<Str>().is_some() {
            let joined = crate::types::str_methods::str_concat(vm, &b, &c)?;
            drop((b, c));
            set(frame, ins.a(), joined);
            return Ok(());
        }
        // Numbers outside the words' ranges, or of two kinds.
        if b.is_float() || c.is_float() {
            let as_float = |o: &Object| {
                if o.is_int() {
                    Some(o.as_int() as f64)
                } else if o.is_float() {
                    Some(o.as_float())
                } else {
                    None
                }
            };
            if let (Some(x), Some(y)) = (as_float(&b), as_float(&c))
                && (b.is_float() || b.as_int().unsigned_abs() < 1 << 53)
                && (c.is_float() || c.as_int().unsigned_abs() < 1 << 53)
            {
                let result = match op {
                    BinaryOp::Add => Some(x + y),
                    BinaryOp::Sub => Some(x - y),
                    BinaryOp::Mul => Some(x * y),
                    BinaryOp::TrueDiv if y != 0.0 => Some(x / y),
                    _ => None,
                };
                if let Some(result) = result {
                    set(frame, ins.a(), vm.float(result));
                    return Ok(());
                }
            }
        }
        let result = if inplace { vm.inplace(op, &b, &c) } else { vm.binary(op, &b, &c) }?;
        drop(c);
        drop(b);
        set(frame, ins.a(), result);
        Ok(())
    }
}

#[inline(never)]
pub unsafe fn unary(vm: &Vm, frame: F, ins: I, op: UnaryOp) -> Result<()> {
    unsafe {
        let b = get_b(vm, frame, ins)?;
        let result = vm.unary(op, &b)?;
        drop(b);
        set(frame, ins.a(), result);
        Ok(())
    }
}

#[inline(never)]
pub unsafe fn compare(vm: &Vm, frame: F, ins: I, op: CompareOp) -> Result<()> {
    unsafe {
        let b = get_b(vm, frame, ins)?;
        let c = get_c(vm, frame, ins)?;
        let result = vm.compare(&b, &c, op)?;
        drop(c);
        drop(b);
        set(frame, ins.a(), result);
        Ok(())
    }
}

/// Are tuples equal? None if that takes Python code to tell: the common items of two of
/// different length are compared, too.
fn same_items(x: &[Object], y: &[Object]) -> Option<bool> {
    if x.len() != y.len() {
        return None;
    }
    for (a, b) in x.iter().zip(y) {
        if (!a.is(b.value()) || a.is_float()) && !equal_plain(a, b)? {
            return Some(false);
        }
    }
    Some(true)
}

/// `b OP c`, if that can be told without running Python code: of strings, of sets
/// and tuples of simple things, of objects that compare by identity.
#[inline(never)]
pub fn compare_plain(b: &Object, c: &Object, op: CompareOp) -> Option<bool> {
    if !b.is_ptr() || !c.is_ptr() {
        return None;
    }
    if let Some(x) = b.downcast_exact::<Str>() {
        let y = c.downcast_exact::<Str>()?;
        return Some(match op {
            CompareOp::Eq => x.equals(y),
            CompareOp::Ne => !x.equals(y),
            _ => op.holds(Some(x.compare(y))),
        });
    }
    if let Some(x) = SetObject::of(b) {
        let y = SetObject::of(c)?;
        let exact = |set: &Object| set.ty().is(&set::SET) || set.ty().is(&set::FROZENSET);
        if !exact(b) || !exact(c) {
            return None;
        }
        return set_methods::compare_by(x, y, op, |a, b| a.is_subset_plain(b).ok_or(())).ok();
    }
    if let Some(x) = b.downcast_exact::<Tuple>()
        && matches!(op, CompareOp::Eq | CompareOp::Ne)
    {
        let y = c.downcast_exact::<Tuple>()?;
        return Some(same_items(x.items(), y.items())? == (op == CompareOp::Eq));
    }
    let by_identity = matches!(op, CompareOp::Eq | CompareOp::Ne)
        && compares_by_identity(b.ty())
        && compares_by_identity(c.ty());
    by_identity.then(|| b.is(c.value()) == (op == CompareOp::Eq))
}

#[inline(never)]
pub unsafe fn truth_a(vm: &Vm, frame: F, ins: I) -> Result<bool> {
    unsafe {
        let a = get_a(vm, frame, ins)?;
        vm.is_true(&a)
    }
}
#[inline(never)]
pub unsafe fn truth_b(vm: &Vm, frame: F, ins: I) -> Result<bool> {
    unsafe {
        let b = get_b(vm, frame, ins)?;
        vm.is_true(&b)
    }
}
#[inline(never)]
pub unsafe fn contains(vm: &Vm, frame: F, ins: I) -> Result<bool> {
    unsafe {
        let word = |i: usize, constant: bool| match constant {
            true => *(*(*frame).code).consts_ptr().add(i),
            false => *reg(frame, i),
        };
        let key = word(ins.b(), ins.has(f::B_CONST));
        let container = word(ins.c(), ins.has(f::C_CONST));
        if !key.is_unbound()
            && container.is_ptr()
            && let Some(found) =
                contains_plain(vm, Object::borrow_value(&container), Object::borrow_value(&key))
        {
            if ins.has(f::C_TEMP) {
                drop(take(frame, ins.c()));
            }
            if ins.has(f::B_TEMP) {
                drop(take(frame, ins.b()));
            }
            return Ok(found);
        }
        let b = get_b(vm, frame, ins)?;
        let c = get_c(vm, frame, ins)?;
        vm.contains(&c, &b)
    }
}

/// `key in container`, if that can be told without running Python code.
#[inline(always)]
fn contains_plain(vm: &Vm, container: &Object, key: &Object) -> Option<bool> {
    if let Some(dict) = container.downcast_exact::<Dict>() {
        return dict.probe(vm, key).map(|found| found.is_some());
    }
    if let Some(list) = container.downcast_exact::<List>() {
        return list.with_items(|items| position_plain(items, key)).map(|found| found.is_some());
    }
    if let Some(tuple) = container.downcast_exact::<Tuple>() {
        return position_plain(tuple.items(), key).map(|found| found.is_some());
    }
    match (container.downcast_exact::<Str>(), key.downcast_exact::<Str>()) {
        (Some(text), Some(part)) => Some(crate::types::str_search::contains(text, part)),
        _ => None,
    }
}
