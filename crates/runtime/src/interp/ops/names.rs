//! Registers, constants, globals, cells.

use super::*;
use crate::types::cell::CellObject;

#[inline(always)]
pub unsafe fn nop(_: &mut Core, _: Instruction) -> Done {
    Ok(())
}

#[inline(always)]
pub unsafe fn copy(m: &mut Core, ins: Instruction) -> Done {
    let b = m.reg(ins.b());
    if ins.has(f::B_TEMP) {
        m.put(ins.b(), Value::UNBOUND);
    } else if b.is_ptr() {
        (*b.as_ptr()).incref();
    } else if b.is_unbound() {
        return m.unbound(ins.b());
    }
    m.set(ins.a(), b);
    Ok(())
}

#[inline(always)]
pub unsafe fn copy2(m: &mut Core, ins: Instruction) -> Done {
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
    m.set(ins.a() + 1, c);
    Ok(())
}

#[inline(always)]
pub unsafe fn load_const(m: &mut Core, ins: Instruction) -> Done {
    let value = m.constant(ins);
    incref(value);
    m.set(ins.a(), value);
    Ok(())
}

#[inline(always)]
pub unsafe fn clear(m: &mut Core, ins: Instruction) -> Done {
    m.set(ins.a(), Value::UNBOUND);
    Ok(())
}

#[inline(always)]
pub unsafe fn delete_local(m: &mut Core, ins: Instruction) -> Done {
    let old = m.reg(ins.a());
    if old.is_unbound() {
        return m.unbound(ins.a());
    }
    m.put(ins.a(), Value::UNBOUND);
    m.drop(old);
    Ok(())
}

#[inline(always)]
pub unsafe fn load_global_module(m: &mut Core, ins: Instruction) -> Done {
    let cache = m.cache(ins);
    let globals = Dict::from_raw((*m.frame()).globals());
    if globals.version() == cache.version {
        let value = globals.entries().get_unchecked(cache.index as usize).value;
        incref(value);
        m.set(ins.a(), value);
        return Ok(());
    }
    MISS
}

#[inline(always)]
pub unsafe fn load_global_builtin(m: &mut Core, ins: Instruction) -> Done {
    let cache = m.cache(ins);
    let globals = Dict::from_raw((*m.frame()).globals());
    let builtins = Dict::from_raw((*m.frame()).builtins());
    if globals.version() == cache.version && builtins.version() == cache.version2 {
        let value = builtins.entries().get_unchecked(cache.index as usize).value;
        incref(value);
        m.set(ins.a(), value);
        return Ok(());
    }
    MISS
}

#[inline(always)]
pub unsafe fn load_deref(m: &mut Core, ins: Instruction) -> Done {
    let content = payload::<CellObject>(m.reg(ins.b())).value();
    if content.is_unbound() {
        return m.unbound(ins.b());
    }
    incref(content);
    m.set(ins.a(), content);
    Ok(())
}

#[inline(always)]
pub unsafe fn setup_annotations(m: &mut Core, _: Instruction) -> Done {
    slowly!(m, slow::setup_annotations(m.vm, m.frame()))
}

#[inline(always)]
pub unsafe fn load_assertion_error(m: &mut Core, ins: Instruction) -> Done {
    m.set(ins.a(), exc::ASSERTION_ERROR.to_object().into_value());
    Ok(())
}

#[inline(always)]
pub unsafe fn load_common_constant(m: &mut Core, ins: Instruction) -> Done {
    m.set(ins.a(), exc::NOT_IMPLEMENTED_ERROR.to_object().into_value());
    Ok(())
}

/// A load of a global whose cache missed.
#[inline(always)]
pub unsafe fn load_global(m: &mut Core, ins: Instruction) -> Done {
    slowly!(m, slow::load_global(m.vm, m.frame(), ins))
}
