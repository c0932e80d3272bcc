//! Jumps, iteration, unpacking.

use super::*;
use crate::types::generator::{self, GENERATOR, Generator};
use crate::types::iterators::{LIST_ITERATOR, ListIterator, TUPLE_ITERATOR, TupleIterator};
use crate::types::range::{RANGE_ITERATOR, RangeIterator};
use taipan_bytecode::Instruction;

#[inline(always)]
pub unsafe fn jump(m: &mut Core, ins: At) -> Done {
    m.jump(ins);
    Ok(())
}

/// `ReadBody`: the frame goes on with the first instruction of what was read.
#[inline(always)]
pub unsafe fn read_body(m: &mut Core, _: At) -> Done {
    let frame = m.frame();
    m.save();
    (*(*frame).code).read(m.vm)?;
    (*frame).ip = (*(*frame).code).instructions_ptr();
    m.enter(frame);
    Ok(())
}

#[inline(always)]
pub unsafe fn jump_back(m: &mut Core, ins: At) -> Done {
    m.poll_first()?;
    m.jump(ins);
    Ok(())
}

#[inline(always)]
pub unsafe fn jump_if<const TRUTH: bool>(m: &mut Core, ins: At) -> Done {
    let value = m.reg(ins.a());
    let truth = if value.is_bool() {
        value.is(Value::TRUE)
    } else if value.is_none() {
        false
    } else if value.is_int() {
        value.as_int() != 0
    } else {
        return MISS;
    };
    if truth == TRUTH {
        m.jump(ins);
    }
    Ok(())
}

#[inline(always)]
pub unsafe fn jump_if_slowly<const TRUTH: bool>(m: &mut Core, ins: At) -> Done {
    m.save();
    if slow::truth_a(m.vm, m.frame(), ins.word())? == TRUTH {
        m.jump(ins);
    }
    Ok(())
}

#[inline(always)]
pub unsafe fn jump_if_none<const NONE: bool>(m: &mut Core, ins: At) -> Done {
    let value = m.reg(ins.a());
    if value.is_unbound() {
        return m.unbound(ins.a());
    }
    m.free_a(ins, value);
    if value.is_none() == NONE {
        m.jump(ins);
    }
    Ok(())
}

/// The loop goes on with `item` (an owned word).
#[inline(always)]
unsafe fn next_item(m: &mut Core, ins: At, item: Value) -> Done {
    m.ip = m.ip.sub(ins.c());
    m.finish(ins.b(), item)
}

/// The loop ends: its iterator dies.
#[inline(always)]
unsafe fn end_loop(m: &mut Core, ins: At, iterator: Value) -> Done {
    m.put(ins.a(), Value::UNBOUND);
    m.finally_drop(iterator)
}

/// The general form, which finds the form for what it sees.
#[inline(always)]
pub unsafe fn for_iter(m: &mut Core, ins: At) -> Done {
    let iterator = m.reg(ins.a());
    // A caller can put anything into the `.0` of a generator expression.
    let ty = if iterator.is_ptr() { type_ptr(iterator) } else { std::ptr::null() };
    let (form, done) = if ty == &raw const RANGE_ITERATOR {
        (Opcode::ForIterRange, for_range(m, ins))
    } else if ty == &raw const LIST_ITERATOR {
        (Opcode::ForIterList, for_list(m, ins))
    } else if ty == &raw const TUPLE_ITERATOR {
        (Opcode::ForIterTuple, for_tuple(m, ins))
    } else if ty == &raw const GENERATOR {
        (Opcode::ForIterGenerator, for_generator(m, ins))
    } else {
        (Opcode::ForIterNative, MISS)
    };
    if !matches!(done, Err(Leave::Miss)) {
        ins.quicken(form);
        return done;
    }
    if !ty.is_null() && form == Opcode::ForIterNative && (*ty).slots().next.is_some() {
        ins.quicken(form);
    }
    m.poll_first()?;
    m.save();
    if slow::for_iter(m.vm, m.frame(), ins.word())? {
        m.ip = m.ip.sub(ins.c());
    }
    Ok(())
}

/// `ForIterNative`.
#[inline(always)]
pub unsafe fn for_native(m: &mut Core, ins: At) -> Done {
    let iterator = m.reg(ins.a());
    if !iterator.is_ptr() || is_exact(iterator, &LIST_ITERATOR) || is_exact(iterator, &GENERATOR) {
        return MISS;
    }
    m.poll_first()?;
    m.save();
    match m.vm.next(Object::borrow_value(&iterator))? {
        Some(item) => next_item(m, ins, item.into_value()),
        None => {
            drop(crate::slots::take_stop_value(m.vm));
            end_loop(m, ins, iterator)
        }
    }
}

#[inline(always)]
pub unsafe fn for_range(m: &mut Core, ins: At) -> Done {
    let iterator = m.reg(ins.a());
    if !is_exact(iterator, &RANGE_ITERATOR) || m.breaker_set() {
        return MISS;
    }
    match payload::<RangeIterator>(iterator).next_small() {
        Some(item) => next_item(m, ins, item),
        None => end_loop(m, ins, iterator),
    }
}

#[inline(always)]
pub unsafe fn for_list(m: &mut Core, ins: At) -> Done {
    let iterator = m.reg(ins.a());
    if !is_exact(iterator, &LIST_ITERATOR) || m.breaker_set() {
        return MISS;
    }
    let it = payload::<ListIterator>(iterator);
    let list = it.list.value();
    if !list.is_unbound()
        && let Some(item) = List::from_raw(list).get_raw(it.index.get())
    {
        it.index.set(it.index.get() + 1);
        incref(item);
        return next_item(m, ins, item);
    }
    // Others may hold the iterator: it stays exhausted.
    m.put(ins.a(), Value::UNBOUND);
    m.finally_drop_both(it.list.take().into_value(), iterator)
}

#[inline(always)]
pub unsafe fn for_tuple(m: &mut Core, ins: At) -> Done {
    let iterator = m.reg(ins.a());
    if !is_exact(iterator, &TUPLE_ITERATOR) || m.breaker_set() {
        return MISS;
    }
    let it = payload::<TupleIterator>(iterator);
    let tuple = it.tuple.value();
    if !tuple.is_unbound()
        && let Some(item) = payload::<Tuple>(tuple).items().get(it.index.get())
    {
        it.index.set(it.index.get() + 1);
        let item = item.value();
        incref(item);
        return next_item(m, ins, item);
    }
    end_loop(m, ins, iterator)
}

#[inline(always)]
pub unsafe fn for_generator(m: &mut Core, ins: At) -> Done {
    let iterator = m.reg(ins.a());
    if !is_exact(iterator, &GENERATOR) || !payload::<Generator>(iterator).can_resume() || m.breaker_set() {
        return MISS;
    }
    m.save();
    let new = generator::push(m.vm, payload::<Generator>(iterator), Value::NONE, 0)?;
    m.enter(new);
    Ok(())
}

#[inline(always)]
pub unsafe fn unpack_sequence(m: &mut Core, ins: At) -> Done {
    let b = m.reg(ins.b());
    let n = ins.c();
    if b.is_ptr() && !ins.has(f::B_CONST) {
        let ty = type_ptr(b);
        let items: Option<&[Object]> = if ty == &raw const TUPLE {
            Some(payload::<Tuple>(b).items())
        } else if ty == &raw const LIST {
            Some(List::from_raw(b).items_unchecked())
        } else {
            None
        };
        if let Some(items) = items
            && items.len() == n
        {
            let pair = Instruction::new(
                Opcode::Move2,
                f::B_TEMP | f::C_TEMP,
                0,
                ins.a() as u16,
                (ins.a() as u16).wrapping_add(1),
            );
            if n == 2 && (*m.ip).0 & !(0xffff << 16) == pair.0 {
                let (first, second) = (items.get_unchecked(0).value(), items.get_unchecked(1).value());
                incref(first);
                incref(second);
                let to = m.base.add((*m.ip).a());
                m.ip = m.ip.add(1);
                let (old, old2) = (*to, *to.add(1));
                *to = first;
                *to.add(1) = second;
                m.drop(old);
                if ins.has(f::B_TEMP) {
                    m.put(ins.b(), Value::UNBOUND);
                    return m.finally_drop_both(old2, b);
                }
                return m.finally_drop(old2);
            }
            // The moves to variables that mostly follow, at once: straight from the
            // items, as long as nothing dies of it.
            let mut wanted = pair;
            let mut done = 0;
            while done + 2 <= n && (*m.ip).0 & !(0xffff << 16) == wanted.0 {
                let to = m.base.add((*m.ip).a());
                let (old, old2) = (*to, *to.add(1));
                if dies(old) || dies(old2) || old == old2 && old.is_ptr() {
                    break;
                }
                m.ip = m.ip.add(1);
                let (item, item2) =
                    (items.get_unchecked(done).value(), items.get_unchecked(done + 1).value());
                incref(item);
                incref(item2);
                *to = item;
                *to.add(1) = item2;
                survive(old);
                survive(old2);
                done += 2;
                wanted.0 += 2 << 32 | 2 << 48;
            }
            // The others by way of the temporaries, of which the sequence's may be one.
            if ins.has(f::B_TEMP) {
                m.put(ins.b(), Value::UNBOUND);
            }
            let first = m.base.add(ins.a());
            for i in done..n {
                let item = items.get_unchecked(i).value();
                incref(item);
                *first.add(i) = item;
            }
            if ins.has(f::B_TEMP) {
                m.drop(b);
            }
            let mut from = ins.a() + done;
            let end = ins.a() + n;
            while from + 2 <= end && (*m.ip).0 & !(0xffff << 16) == wanted.0 {
                let to = m.base.add((*m.ip).a());
                let temps = m.base.add(from);
                m.ip = m.ip.add(1);
                let (old, old2) = (*to, *to.add(1));
                *to = *temps;
                *to.add(1) = *temps.add(1);
                *temps = Value::UNBOUND;
                *temps.add(1) = Value::UNBOUND;
                m.drop(old);
                m.drop(old2);
                from += 2;
                wanted.0 += 2 << 32 | 2 << 48;
            }
            return Ok(());
        }
    }
    MISS
}

/// Would one reference less be the end of it?
#[inline(always)]
unsafe fn dies(value: Value) -> bool {
    unsafe { value.is_ptr() && (*value.as_ptr()).count() == 1 }
}

/// Drops a reference that is not the last.
#[inline(always)]
unsafe fn survive(value: Value) {
    unsafe {
        if value.is_ptr() {
            let last = (*value.as_ptr()).decref();
            debug_assert!(!last);
        }
    }
}

#[inline(always)]
pub unsafe fn unpack_slowly(m: &mut Core, ins: At) -> Done {
    slowly!(m, slow::unpack_sequence(m.vm, m.frame(), ins.word()))
}
