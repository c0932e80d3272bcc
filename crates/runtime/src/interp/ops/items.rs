//! Items of lists, tuples and dicts.

use super::*;

#[inline(always)]
pub unsafe fn get_item(m: &mut Core, ins: At) -> Done {
    let b = m.b(ins);
    let c = m.c(ins);
    if b.is_ptr() {
        let ty = type_ptr(b);
        let mut found = Value::UNBOUND;
        if c.is_int() {
            let items: &[Object] = if ty == &raw const LIST {
                List::from_raw(b).items_unchecked()
            } else if ty == &raw const TUPLE {
                payload::<Tuple>(b).items()
            } else {
                &[]
            };
            let mut i = c.as_int();
            if i < 0 {
                i += items.len() as i64;
            }
            if (i as u64) < items.len() as u64 {
                found = items.get_unchecked(i as usize).value();
            }
        } else if ty == &raw const DICT {
            found = slow::dict_value(m.vm, b, c);
        }
        if !found.is_unbound() {
            incref(found);
            let a = ins.a();
            if ins.has(f::B_TEMP) {
                m.put(ins.b(), Value::UNBOUND);
                m.set(a, found);
                m.drop(b);
            } else {
                m.set(a, found);
            }
            // If the key's register was the result's, `set` dropped it.
            if ins.has(f::C_TEMP) && ins.c() != a {
                m.free_c(ins);
            }
            return Ok(());
        }
    }
    MISS
}

#[inline(always)]
pub unsafe fn get_item_slowly(m: &mut Core, ins: At) -> Done {
    let b = m.b(ins);
    m.save();
    if b.is_ptr()
        && (*type_ptr(b)).has(type_flags::HEAP)
        && let Some(new) = slow::push_getitem(m.vm, m.frame(), ins.word())?
    {
        m.enter(new);
        return Ok(());
    }
    slow::get_item(m.vm, m.frame(), ins.word())?;
    Ok(())
}

#[inline(always)]
pub unsafe fn set_item(m: &mut Core, ins: At) -> Done {
    let container = m.reg(ins.a());
    let key = m.b(ins);
    if key.is_int() && is_exact(container, &LIST) {
        let list = List::from_raw(container);
        let mut i = key.as_int();
        let len = list.len() as i64;
        if i < 0 {
            i += len;
        }
        let value = m.c(ins);
        if (i as u64) < len as u64 && !value.is_unbound() {
            if ins.has(f::C_TEMP) {
                m.put(ins.c(), Value::UNBOUND);
            } else {
                incref(value);
            }
            let slot = list.items_unchecked().as_ptr().add(i as usize) as *mut Value;
            let old = *slot;
            *slot = value;
            m.drop(old);
            m.free_a(ins, container);
            return Ok(());
        }
    }
    MISS
}

#[inline(always)]
pub unsafe fn set_item_slowly(m: &mut Core, ins: At) -> Done {
    slowly!(m, slow::set_item(m.vm, m.frame(), ins.word()))
}
