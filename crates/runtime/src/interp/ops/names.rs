//! Registers, constants, globals, cells.

use super::*;
use crate::types::cell::CellObject;

#[inline(always)]
pub unsafe fn nop(_: &mut Core, _: At) -> Done {
    Ok(())
}

#[inline(always)]
pub unsafe fn copy(m: &mut Core, ins: At) -> Done {
    let b = m.reg(ins.b());
    if ins.has(f::B_TEMP) {
        m.put(ins.b(), Value::UNBOUND);
    } else if b.is_ptr() {
        (*b.as_ptr()).incref();
    } else if b.is_unbound() {
        return m.unbound(ins.b());
    }
    m.finish(ins.a(), b)
}

#[inline(always)]
pub unsafe fn copy2(m: &mut Core, ins: At) -> Done {
    let b = m.b(ins);
    if ins.has(f::B_TEMP) {
        m.put(ins.b(), Value::UNBOUND);
    } else if b.is_ptr() {
        (*b.as_ptr()).incref();
    } else if b.is_unbound() {
        return m.unbound(ins.b());
    }
    m.set(ins.a(), b);
    let c = m.c(ins);
    if ins.has(f::C_TEMP) {
        m.put(ins.c(), Value::UNBOUND);
    } else if c.is_ptr() {
        (*c.as_ptr()).incref();
    } else if c.is_unbound() {
        return m.unbound(ins.c());
    }
    m.finish(ins.a() + 1, c)
}

#[inline(always)]
pub unsafe fn load_const(m: &mut Core, ins: At) -> Done {
    let value = m.constant(ins);
    incref(value);
    m.finish(ins.a(), value)
}

#[inline(always)]
pub unsafe fn clear(m: &mut Core, ins: At) -> Done {
    m.finish(ins.a(), Value::UNBOUND)
}

#[inline(always)]
pub unsafe fn delete_local(m: &mut Core, ins: At) -> Done {
    let old = m.reg(ins.a());
    if old.is_unbound() {
        return m.unbound(ins.a());
    }
    m.put(ins.a(), Value::UNBOUND);
    m.finally_drop(old)
}

#[inline(always)]
pub unsafe fn load_global_module(m: &mut Core, ins: At) -> Done {
    let cache = m.cache(ins);
    let globals = Dict::from_raw((*m.frame()).globals());
    if globals.version() == cache.version {
        let value = *cache.place();
        incref(value);
        return m.finish(ins.a(), value);
    }
    MISS
}

#[inline(always)]
pub unsafe fn load_global_builtin(m: &mut Core, ins: At) -> Done {
    let cache = m.cache(ins);
    let globals = Dict::from_raw((*m.frame()).globals());
    let builtins = Dict::from_raw((*m.frame()).builtins());
    if globals.version() == cache.version && builtins.version() == cache.version2 {
        let value = *cache.place();
        incref(value);
        return m.finish(ins.a(), value);
    }
    MISS
}

#[inline(always)]
pub unsafe fn load_deref(m: &mut Core, ins: At) -> Done {
    let content = payload::<CellObject>(m.reg(ins.b())).value();
    if content.is_unbound() {
        return m.unbound(ins.b());
    }
    incref(content);
    m.finish(ins.a(), content)
}

#[inline(always)]
pub unsafe fn setup_annotations(m: &mut Core, _: At) -> Done {
    slowly!(m, slow::setup_annotations(m.vm, m.frame()))
}

#[inline(always)]
pub unsafe fn load_assertion_error(m: &mut Core, ins: At) -> Done {
    m.finish(ins.a(), exc::ASSERTION_ERROR.to_object().into_value())
}

#[inline(always)]
pub unsafe fn load_common_constant(m: &mut Core, ins: At) -> Done {
    m.finish(ins.a(), exc::NOT_IMPLEMENTED_ERROR.to_object().into_value())
}
