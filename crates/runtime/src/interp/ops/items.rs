//! Items of lists, tuples and dicts.

use super::*;

/// The item is found: stores it, and what dies dies.
#[inline(always)]
unsafe fn found(m: &mut Core, ins: At, container: Value, item: Value) -> Done {
    if !ins.has(f::C_TEMP) {
        return found_plainly(m, ins, container, item, ins.has(f::B_TEMP));
    }
    incref(item);
    let a = ins.a();
    // A temporary is the result's place too, mostly: what it held is taken out first.
    let key = m.reg(ins.c());
    m.put(ins.c(), Value::UNBOUND);
    if ins.has(f::B_TEMP) {
        m.put(ins.b(), Value::UNBOUND);
        let old = m.reg(a);
        m.put(a, item);
        // All three are rare to die together.
        m.drop(key);
        return m.finally_drop_both(container, old);
    }
    let old = m.reg(a);
    m.put(a, item);
    m.finally_drop_both(key, old)
}

/// The same for a key that is not a temporary.
#[inline(always)]
unsafe fn found_plainly(m: &mut Core, ins: At, container: Value, item: Value, temporary: bool) -> Done {
    incref(item);
    if temporary {
        m.put(ins.b(), Value::UNBOUND);
        let old = m.reg(ins.a());
        m.put(ins.a(), item);
        return m.finally_drop_both(container, old);
    }
    m.finish(ins.a(), item)
}

/// Forms of `GetItemList` and `GetItemTuple` by their operands, which are what the
/// instruction's flags say: any, two variables, a variable and a constant, an item of a
/// temporary by a variable.
pub const ANY: u8 = 0;
pub const VARIABLES: u8 = 1;
pub const CONSTANT: u8 = 2;
pub const TEMPORARY: u8 = 3;

/// Container and key.
#[inline(always)]
unsafe fn operands<const FORM: u8>(m: &Core, ins: At) -> (Value, Value) {
    match FORM {
        ANY => (m.b(ins), m.c(ins)),
        CONSTANT => (m.reg(ins.b()), *m.vm.consts.get().add(ins.c())),
        _ => (m.reg(ins.b()), m.reg(ins.c())),
    }
}

#[inline(always)]
unsafe fn found_as<const FORM: u8>(m: &mut Core, ins: At, container: Value, item: Value) -> Done {
    match FORM {
        ANY => found(m, ins, container, item),
        _ => found_plainly(m, ins, container, item, FORM == TEMPORARY),
    }
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
pub unsafe fn get_list<const FORM: u8>(m: &mut Core, ins: At) -> Done {
    let (b, c) = operands::<FORM>(m, ins);
    if is_exact(b, &LIST)
        && c.is_int()
        && let Some(item) = item_at(List::from_raw(b).items_unchecked(), c)
    {
        return found_as::<FORM>(m, ins, b, item);
    }
    MISS
}

#[inline(always)]
pub unsafe fn get_tuple<const FORM: u8>(m: &mut Core, ins: At) -> Done {
    let (b, c) = operands::<FORM>(m, ins);
    if is_exact(b, &TUPLE)
        && c.is_int()
        && let Some(item) = item_at(payload::<Tuple>(b).items(), c)
    {
        return found_as::<FORM>(m, ins, b, item);
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

/// The form of `GetItem` for a list or tuple and the operands that the flags tell of.
fn form_for(ins: At, list: bool) -> Opcode {
    let operands = f::B_CONST | f::C_CONST | f::B_TEMP | f::C_TEMP;
    match (ins.flags() & operands, list) {
        (0, true) => Opcode::GetItemListVariables,
        (0, false) => Opcode::GetItemTupleVariables,
        (f::C_CONST, true) => Opcode::GetItemListConstant,
        (f::C_CONST, false) => Opcode::GetItemTupleConstant,
        (f::B_TEMP, true) => Opcode::GetItemListTemporary,
        (f::B_TEMP, false) => Opcode::GetItemTupleTemporary,
        (_, true) => Opcode::GetItemList,
        (_, false) => Opcode::GetItemTuple,
    }
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
                ins.quicken(form_for(ins, ty == &raw const LIST));
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
            if ins.has(f::A_TEMP) {
                m.put(ins.a(), Value::UNBOUND);
                return m.finally_drop_both(old, container);
            }
            return m.finally_drop(old);
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
