//! Items of lists, tuples and dicts.

use super::*;

/// The item is found: stores it, and what dies dies.
#[inline(always)]
unsafe fn found(m: &mut Core, ins: At, container: Value, item: Value) -> Done {
    incref(item);
    let a = ins.a();
    if ins.flags() & (f::B_TEMP | f::C_TEMP) == 0 {
        return m.finish(a, item);
    }
    if ins.has(f::B_TEMP) {
        m.put(ins.b(), Value::UNBOUND);
        m.set(a, item);
        m.drop(container);
    } else {
        m.set(a, item);
    }
    // If the key's register was the result's, `set` dropped it.
    if ins.has(f::C_TEMP) && ins.c() != a {
        m.free_c(ins);
    }
    Ok(())
}

#[inline(always)]
unsafe fn item_at(items: &[Object], key: Value) -> Option<Value> {
    let mut i = key.as_int();
    if i < 0 {
        i += items.len() as i64;
    }
    if (i as u64) < items.len() as u64 { Some(items.get_unchecked(i as usize).value()) } else { None }
}

#[inline(always)]
pub unsafe fn get_list(m: &mut Core, ins: At) -> Done {
    let (b, c) = (m.b(ins), m.c(ins));
    if is_exact(b, &LIST)
        && c.is_int()
        && let Some(item) = item_at(List::from_raw(b).items_unchecked(), c)
    {
        return found(m, ins, b, item);
    }
    MISS
}

#[inline(always)]
pub unsafe fn get_tuple(m: &mut Core, ins: At) -> Done {
    let (b, c) = (m.b(ins), m.c(ins));
    if is_exact(b, &TUPLE)
        && c.is_int()
        && let Some(item) = item_at(payload::<Tuple>(b).items(), c)
    {
        return found(m, ins, b, item);
    }
    MISS
}

#[inline(always)]
pub unsafe fn get_dict(m: &mut Core, ins: At) -> Done {
    let (b, c) = (m.b(ins), m.c(ins));
    if is_exact(b, &DICT) {
        let item = slow::dict_value(m.vm, b, c);
        if !item.is_unbound() {
            return found(m, ins, b, item);
        }
    }
    MISS
}

/// The general form, which finds the form for what it sees.
#[inline(always)]
pub unsafe fn get_item(m: &mut Core, ins: At) -> Done {
    let b = m.b(ins);
    m.save();
    if b.is_ptr() {
        let ty = type_ptr(b);
        if ty == &raw const DICT {
            ins.quicken(Opcode::GetItemDict);
        } else if ty == &raw const LIST || ty == &raw const TUPLE {
            if m.c(ins).is_int() {
                let list = ty == &raw const LIST;
                ins.quicken(if list { Opcode::GetItemList } else { Opcode::GetItemTuple });
            }
        } else if (*ty).has(type_flags::HEAP)
            && let Some(new) = slow::push_getitem(m.vm, m.frame(), ins.word())?
        {
            m.enter(new);
            return Ok(());
        }
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

/// Into a list with room: comprehensions.
#[inline(always)]
pub unsafe fn list_append(m: &mut Core, ins: At) -> Done {
    let item = m.b(ins);
    if item.is_unbound() {
        return MISS;
    }
    let list = List::from_raw(m.reg(ins.a()));
    let room = list.with_items(|items| {
        let room = items.len() < items.capacity();
        if room {
            // The word moves, or is counted up below.
            (items.as_mut_ptr().add(items.len()) as *mut Value).write(item);
            items.set_len(items.len() + 1);
        }
        room
    });
    if room {
        m.own_b(ins, item);
        return Ok(());
    }
    MISS
}

#[inline(always)]
pub unsafe fn list_append_slowly(m: &mut Core, ins: At) -> Done {
    slowly!(m, slow::list_append(m.vm, m.frame(), ins.word()))
}
