//! Exceptions and matching.

use super::*;

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
