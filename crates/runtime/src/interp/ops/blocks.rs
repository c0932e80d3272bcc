//! Exceptions and matching.

use super::*;
use crate::types::generator::{COROUTINE, Generator};

#[inline(always)]
pub unsafe fn push_exception(m: &mut Core, ins: At) -> Done {
    let item = &mut *m.vm.exc_info.get();
    let exception = m.reg(ins.b());
    incref(exception);
    let previous = std::mem::replace(&mut item.value, Object::from_owned(exception));
    m.finish(ins.a(), previous.into_value())
}

#[inline(always)]
pub unsafe fn pop_exception(m: &mut Core, ins: At) -> Done {
    let item = &mut *m.vm.exc_info.get();
    let previous = m.reg(ins.a());
    m.put(ins.a(), Value::UNBOUND);
    let old = std::mem::replace(&mut item.value, Object::from_owned(previous));
    m.finally_drop(old.into_value())
}

#[inline(always)]
pub unsafe fn check_exception_match(m: &mut Core, ins: At) -> Done {
    m.save();
    let matches = slow::check_exception_match(m.vm, m.frame(), ins.word())?;
    m.branch(ins, matches)
}

#[inline(always)]
pub unsafe fn raise(m: &mut Core, ins: At) -> Done {
    m.save();
    slow::raise(m.vm, m.frame(), ins.word());
    Err(Leave::Raise)
}

#[inline(always)]
pub unsafe fn reraise(m: &mut Core, ins: At) -> Done {
    let exception = m.reg(ins.a());
    m.put(ins.a(), Value::UNBOUND);
    Err(Leave::from(m.vm.raise(Object::from_owned(exception))))
}

/// `MatchMapping` and `MatchSequence`.
#[inline(always)]
pub unsafe fn match_flag<const FLAG: u64>(m: &mut Core, ins: At) -> Done {
    let matches = crate::protocol::type_of(m.reg(ins.b())).has(FLAG);
    m.branch(ins, matches)
}

/// `GetAwaitable`: a coroutine that has not started is its own iterator.
#[inline(always)]
pub unsafe fn get_awaitable(m: &mut Core, ins: At) -> Done {
    let value = m.reg(ins.b());
    if ins.flags() & (f::B_CONST | f::B_TEMP) != f::B_TEMP
        || !is_exact(value, &COROUTINE)
        || !payload::<Generator>(value).is_new()
    {
        return MISS;
    }
    m.put(ins.b(), Value::UNBOUND);
    m.finish(ins.a(), value)
}

#[inline(always)]
pub unsafe fn get_awaitable_slowly(m: &mut Core, ins: At) -> Done {
    slowly!(m, slow::get_awaitable(m.vm, m.frame(), ins.word()))
}
