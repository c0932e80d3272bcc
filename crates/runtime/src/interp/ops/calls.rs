//! Calls, returns, generators.

use super::*;
use crate::interp::{copy_closure, push_fast, push_frame, run};
use crate::types::code::Code;
use crate::types::function::{FUNCTION, Function, METHOD, Method};
use crate::types::generator::{self, COROUTINE, GENERATOR, Generator};
use crate::types::native_function::{BUILTIN_FUNCTION, METHOD_DESCRIPTOR};
use crate::types::typ::TYPE;

/// Calls a Python function whose arguments fill its parameters; the callable in
/// register `b` dies when it returns.
#[inline(always)]
unsafe fn enter_function(
    m: &mut Core,
    code: &Code,
    function: &Function,
    window: *mut Value,
    argc: usize,
    callee: Value,
    b: usize,
) -> Done {
    let mut pushed = push_fast(m.vm, code, window, argc, callee, ff::DROP_CALLABLE);
    if pushed.is_none() {
        pushed = slow::push(m.vm, m.frame(), b, code, window, argc, callee);
    }
    let Some(new) = pushed else { return Err(Leave::Raise) };
    if code.free_base < code.first_temp {
        copy_closure(code, window, function.closure());
    }
    m.base = (*new).base;
    m.ip = (*new).ip;
    Ok(())
}

/// The result of a call that ran in native code.
#[inline(always)]
unsafe fn returned(m: &mut Core, ins: At, value: Value) -> Done {
    m.set(ins.a(), value);
    m.poll()
}

/// The general call.
#[inline(always)]
unsafe fn general(m: &mut Core, ins: At, method: bool, keywords: bool) -> Done {
    m.save();
    match slow::call(m.vm, m.frame(), ins.word(), method, keywords)? {
        slow::Called::Done => m.poll(),
        slow::Called::Pushed(new) => {
            m.enter(new);
            Ok(())
        }
    }
}

/// A Python function whose parameters the positional arguments fill: `first` is
/// the register of the first of them.
#[inline(always)]
unsafe fn call_function(
    m: &mut Core,
    ins: At,
    callee: Value,
    first: usize,
    count: usize,
) -> Done {
    let function = payload::<Function>(callee);
    let code = function.code();
    if code.fast_argc != count {
        return MISS;
    }
    m.save();
    let window = slow::call_window(m.frame(), first, count);
    enter_function(m, code, function, window, count, callee, ins.b())
}

/// As [`call_function`] where defaults fill the rest.
#[inline(always)]
unsafe fn call_with_defaults(
    m: &mut Core,
    ins: At,
    callee: Value,
    first: usize,
    count: usize,
) -> Done {
    let function = payload::<Function>(callee);
    let code = function.code();
    if code.fast_argc != usize::MAX && !(*m.frame()).has(ff::GENERATOR) {
        let window = m.base.add(first);
        if slow::fill_defaults(function, window, count) {
            m.save();
            return enter_function(m, code, function, window, code.argcount, callee, ins.b());
        }
    }
    MISS
}

/// A Python class whose `__init__` is a simple Python function.
#[inline(always)]
unsafe fn call_class(m: &mut Core, ins: At, callee: Value, argc: usize) -> Done {
    let class = &*(callee.as_ptr() as *const Type);
    let site = m.cache(ins);
    if class.version.get() != site.version2 || site.version2 == 0 || (*m.frame()).has(ff::GENERATOR) {
        return MISS;
    }
    let init = site.value;
    let function = payload::<Function>(init);
    let code = function.code();
    if code.fast_argc != argc + 1 {
        return MISS;
    }
    let Some(instance) = m.vm.try_alloc(class, crate::types::object::Plain) else { return MISS };
    let instance = instance.into_value();
    m.save();
    incref(instance);
    let window = m.base.add(ins.b());
    *window = instance;
    m.drop(callee);
    match push_frame(m.vm, code, window, argc + 1, init, ff::INIT) {
        Ok(new) => {
            (*new).extra = instance;
            incref(init);
            if code.free_base < code.first_temp {
                copy_closure(code, window, function.closure());
            }
            m.enter(new);
            Ok(())
        }
        Err(_) => {
            crate::interp::call::drop_window(window, argc + 1);
            m.drop(instance);
            Err(Leave::Raise)
        }
    }
}

/// A bound method: its object takes the callable's place; the frame owns the method.
#[inline(always)]
unsafe fn call_bound(m: &mut Core, ins: At, callee: Value, argc: usize) -> Done {
    let method = payload::<Method>(callee);
    let func = method.function.value();
    if !is_exact(func, &FUNCTION) {
        return MISS;
    }
    let function = payload::<Function>(func);
    let code = function.code();
    if code.fast_argc != argc + 1 || (*m.frame()).has(ff::GENERATOR) {
        return MISS;
    }
    let window = m.base.add(ins.b());
    let Some(new) = push_fast(m.vm, code, window, argc + 1, func, ff::OWNS_EXTRA) else { return MISS };
    (*(*new).previous).ip = m.ip;
    let object = method.object.value();
    incref(object);
    *window = object;
    (*new).extra = callee;
    if code.free_base < code.first_temp {
        copy_closure(code, window, function.closure());
    }
    m.base = window;
    m.ip = (*new).ip;
    Ok(())
}

/// Arguments of a call instruction; 255 stands for "see the cache".
const MANY: usize = 255;

/// `Call` of a Python function.
#[inline(always)]
pub unsafe fn call(m: &mut Core, ins: At) -> Done {
    let callee = m.reg(ins.b());
    let argc = ins.flags() as usize;
    if is_exact(callee, &FUNCTION) && argc < MANY {
        return call_function(m, ins, callee, ins.b() + 1, argc);
    }
    MISS
}

/// `Call` of anything else.
#[inline(always)]
pub unsafe fn call_other(m: &mut Core, ins: At) -> Done {
    let b = ins.b();
    let argc = ins.flags() as usize;
    let callee = m.reg(b);
    if callee.is_ptr() && argc < MANY {
        let ty = type_ptr(callee);
        let done = if ty == &raw const BUILTIN_FUNCTION {
            m.save();
            let value = slow::call_builtin_fast(m.vm, m.base.add(b), argc)?;
            return returned(m, ins, value);
        } else if ty == &raw const TYPE {
            call_class(m, ins, callee, argc)
        } else if ty == &raw const METHOD {
            call_bound(m, ins, callee, argc)
        } else if ty == &raw const FUNCTION {
            call_with_defaults(m, ins, callee, b + 1, argc)
        } else {
            MISS
        };
        if !matches!(done, Err(Leave::Miss)) {
            return done;
        }
    }
    general(m, ins, false, false)
}

/// `CallMethod` of a Python function.
#[inline(always)]
pub unsafe fn call_method(m: &mut Core, ins: At) -> Done {
    let b = ins.b();
    let argc = ins.flags() as usize;
    let callee = m.reg(b);
    if is_exact(callee, &FUNCTION) && argc < MANY {
        let has_self = !m.reg(b + 1).is_unbound() as usize;
        return call_function(m, ins, callee, b + 2 - has_self, argc + has_self);
    }
    MISS
}

/// `CallMethod` of anything else.
#[inline(always)]
pub unsafe fn call_method_other(m: &mut Core, ins: At) -> Done {
    let b = ins.b();
    let argc = ins.flags() as usize;
    let callee = m.reg(b);
    if callee.is_ptr() && argc < MANY {
        let ty = type_ptr(callee);
        let has_self = !m.reg(b + 1).is_unbound();
        if ty == &raw const METHOD_DESCRIPTOR && has_self {
            m.save();
            let value = slow::call_method_descriptor_fast(m.vm, m.base.add(b), argc + 1)?;
            return returned(m, ins, value);
        }
        if ty == &raw const FUNCTION {
            let first = b + 2 - has_self as usize;
            let done = call_with_defaults(m, ins, callee, first, argc + has_self as usize);
            if !matches!(done, Err(Leave::Miss)) {
                return done;
            }
        }
    }
    general(m, ins, true, false)
}

#[inline(always)]
pub unsafe fn call_kw<const METHOD: bool>(m: &mut Core, ins: At) -> Done {
    general(m, ins, METHOD, true)
}

#[inline(always)]
pub unsafe fn call_ex(m: &mut Core, ins: At) -> Done {
    m.save();
    match slow::call_ex(m.vm, m.frame(), ins.word())? {
        slow::Called::Done => m.poll(),
        slow::Called::Pushed(new) => {
            m.enter(new);
            Ok(())
        }
    }
}

/// Leaves a frame; at once in the commonest case.
#[inline(always)]
unsafe fn leave(m: &mut Core, value: Value) -> Done {
    m.save();
    // A return is a safe point: recursion without loops has no other.
    if (*m.frame()).flags != ff::DROP_CALLABLE || m.breaker_set() {
        return Err(Leave::Return(value));
    }
    run::leave_frame(m.vm, m.frame());
    m.enter(m.frame());
    let pending = At::before(m.ip);
    let callable = m.reg(pending.b());
    m.put(pending.b(), Value::UNBOUND);
    m.set(pending.a(), value);
    m.finally_drop(callable)
}

#[inline(always)]
pub unsafe fn return_register(m: &mut Core, ins: At) -> Done {
    let value = m.reg(ins.a());
    if value.is_unbound() {
        return m.unbound(ins.a());
    }
    m.put(ins.a(), Value::UNBOUND);
    leave(m, value)
}

#[inline(always)]
pub unsafe fn return_const(m: &mut Core, ins: At) -> Done {
    let value = m.constant(ins);
    incref(value);
    leave(m, value)
}

#[inline(always)]
pub unsafe fn return_generator(m: &mut Core, _: At) -> Done {
    m.save();
    // The registers move into the generator; the frame is left bare.
    let object = generator::from_frame(m.vm, m.frame())?;
    Err(Leave::Return(object.into_value()))
}

#[inline(always)]
pub unsafe fn yield_value(m: &mut Core, ins: At) -> Done {
    let value = m.b(ins);
    if value.is_unbound() {
        return m.unbound(ins.b());
    }
    m.own_b(ins, value);
    m.save();
    Err(Leave::Yield(value))
}

#[inline(always)]
pub unsafe fn yield_from(m: &mut Core, ins: At) -> Done {
    let inner = m.reg(ins.b());
    m.save();
    if inner.is_ptr() {
        let ty = type_ptr(inner);
        if (ty == &raw const GENERATOR || ty == &raw const COROUTINE)
            && payload::<Generator>(inner).can_resume()
            && payload::<Generator>(inner).accepts(m.reg(ins.a()))
        {
            let sent = m.reg(ins.a());
            m.put(ins.a(), Value::UNBOUND);
            match generator::push(m.vm, payload::<Generator>(inner), sent, 0) {
                Ok(new) => {
                    m.enter(new);
                    return Ok(());
                }
                Err(_) => {
                    m.drop(sent);
                    return Err(Leave::Raise);
                }
            }
        }
    }
    match slow::yield_from(m.vm, m.frame(), ins.word())? {
        Some(value) => Err(Leave::Yield(value)),
        None => Ok(()),
    }
}
