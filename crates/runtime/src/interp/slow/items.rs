//! Items, slices, iteration and unpacking.

use super::*;

// ---- items ----------------------------------------------------------------------------------

#[inline(never)]
pub unsafe fn get_item(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let b = get_b(vm, frame, ins)?;
        let c = get_c(vm, frame, ins)?;
        let value = vm.get_item(&b, &c)?;
        drop(c);
        drop(b);
        set(frame, ins.a(), value);
        Ok(())
    }
}

#[inline(never)]
pub unsafe fn set_item(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let value = get_c(vm, frame, ins)?;
        let key = get_b(vm, frame, ins)?;
        let container = get_a(vm, frame, ins)?;
        match container.downcast_exact::<Dict>() {
            Some(d) => d.set(vm, &key, value),
            None => vm.set_item(&container, &key, &value),
        }
    }
}

pub unsafe fn del_item(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let b = get_b(vm, frame, ins)?;
        let c = get_c(vm, frame, ins)?;
        vm.delete_item(&b, &c)
    }
}

pub unsafe fn build_slice(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let start = take(frame, ins.b());
        let stop = take(frame, ins.b() + 1);
        let step = if ins.c() > 2 { take(frame, ins.b() + 2) } else { Object::NONE };
        let slice = crate::types::slice::new(vm, start, stop, step);
        set(frame, ins.a(), slice);
        Ok(())
    }
}

pub(super) unsafe fn slice_of_temps(vm: &Vm, frame: F, first: usize) -> Object {
    unsafe {
        let start = take(frame, first);
        let stop = take(frame, first + 1);
        crate::types::slice::new(vm, start, stop, Object::NONE)
    }
}

/// The bounds of `[start:stop]` in a sequence of `len` items, if both are small
/// ints or None.
#[inline]
pub(super) fn plain_bounds(start: Value, stop: Value, len: usize) -> Option<(usize, usize)> {
    let fit = |bound: Value, default: usize| {
        if bound.is_none() {
            return Some(default);
        }
        if !bound.is_int() {
            return None;
        }
        let i = bound.as_int();
        let i = if i < 0 { (i + len as i64).max(0) } else { i };
        Some((i as usize).min(len))
    };
    let (start, stop) = (fit(start, 0)?, fit(stop, len)?);
    Some((start, stop.max(start)))
}

#[inline(never)]
pub unsafe fn get_slice(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        if !ins.has(taipan_bytecode::flags::B_CONST) {
            let source = *reg(frame, ins.b());
            let (start, stop) = (*reg(frame, ins.c()), *reg(frame, ins.c() + 1));
            let object = Object::borrow_value(&source);
            let ty = object.ty();
            let mut value = None;
            if ty.is(&crate::types::list::LIST) {
                let list = List::from_raw(source);
                if let Some((i, j)) = plain_bounds(start, stop, list.len()) {
                    value = Some(vm.list(list.items_unchecked()[i..j].to_vec()));
                }
            } else if ty.is(&crate::types::str::STR) {
                let s = object.payload_unchecked::<Str>();
                if let Some((i, j)) = plain_bounds(start, stop, s.len()) {
                    value = Some(if j - i == s.len() { object.clone() } else { s.slice(vm, i, j) });
                }
            } else if ty.is(&crate::types::tuple::TUPLE) {
                let items = object.payload_unchecked::<Tuple>().items();
                if let Some((i, j)) = plain_bounds(start, stop, items.len()) {
                    let whole = j - i == items.len();
                    value = Some(if whole { object.clone() } else { vm.tuple(items[i..j].to_vec()) });
                }
            }
            if let Some(value) = value {
                // The bounds are no pointers: nothing to drop.
                if ins.has(taipan_bytecode::flags::B_TEMP) {
                    drop(take(frame, ins.b()));
                }
                set(frame, ins.a(), value);
                return Ok(());
            }
        }
        let object = get_b(vm, frame, ins)?;
        let slice = slice_of_temps(vm, frame, ins.c());
        let value = vm.get_item(&object, &slice)?;
        drop(object);
        set(frame, ins.a(), value);
        Ok(())
    }
}

pub unsafe fn set_slice(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let value = get_b(vm, frame, ins)?;
        let container = get_a(vm, frame, ins)?;
        let (start, stop) = (*reg(frame, ins.c()), *reg(frame, ins.c() + 1));
        if container.ty().is(&crate::types::list::LIST)
            && value.ty().is(&crate::types::list::LIST)
            && let list = List::from_raw(container.value())
            && let Some((i, j)) = plain_bounds(start, stop, list.len())
        {
            return crate::types::list_methods::replace_items(vm, list, i, j, List::from_raw(value.value()));
        }
        let slice = slice_of_temps(vm, frame, ins.c());
        vm.set_item(&container, &slice, &value)
    }
}

// ---- iteration --------------------------------------------------------------------------------

#[inline(never)]
pub unsafe fn get_iter(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let b = get_b(vm, frame, ins)?;
        let iterator = vm.iter(&b)?;
        drop(b);
        set(frame, ins.a(), iterator);
        Ok(())
    }
}

/// True if there was an item (stored), false if the iterator is exhausted (dropped).
#[inline(never)]
pub unsafe fn for_iter(vm: &Vm, frame: F, ins: I) -> Result<bool> {
    unsafe {
        let iterator = borrowed(frame, ins.a());
        match vm.next(&iterator)? {
            Some(item) => {
                set(frame, ins.b(), item);
                Ok(true)
            }
            None => {
                drop(crate::slots::take_stop_value(vm));
                drop(iterator);
                drop(take(frame, ins.a()));
                Ok(false)
            }
        }
    }
}

pub unsafe fn get_aiter(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let b = get_b(vm, frame, ins)?;
        let Some(slot) = b.ty().slots().unary[UnaryOp::AIter as usize] else {
            return Err(vm.type_error(format!(
                "'async for' requires an object with __aiter__ method, got {}",
                b.ty().name()
            )));
        };
        let iterator = slot(vm, &b)?;
        if iterator.ty().slots().unary[UnaryOp::ANext as usize].is_none() {
            return Err(vm.type_error(format!(
                "'async for' received an object from __aiter__ that does not implement __anext__: {}",
                iterator.ty().name()
            )));
        }
        drop(b);
        set(frame, ins.a(), iterator);
        Ok(())
    }
}

pub unsafe fn get_anext(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let iterator = borrowed(frame, ins.b());
        let Some(slot) = iterator.ty().slots().unary[UnaryOp::ANext as usize] else {
            return Err(vm.type_error(format!(
                "'async for' requires an iterator with __anext__ method, got {}",
                iterator.ty().name()
            )));
        };
        let next = slot(vm, &iterator)?;
        let awaitable = if iterator.ty().is(&generator::ASYNC_GENERATOR) {
            next
        } else {
            match awaitable_iterator(vm, &next) {
                Ok(awaitable) => awaitable,
                Err(raised) => {
                    let cause = vm.caught(raised);
                    let error = vm.type_error(format!(
                        "'async for' received an invalid object from __anext__: {}",
                        next.ty().name()
                    ));
                    return Err(vm.chain_cause(error, cause));
                }
            }
        };
        set(frame, ins.a(), awaitable);
        Ok(())
    }
}

pub unsafe fn end_async_for(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let exception = take(frame, ins.b());
        if exception.is_instance_of(&exc::STOP_ASYNC_ITERATION) {
            drop(take(frame, ins.a()));
            return Ok(());
        }
        drop(take(frame, ins.a()));
        Err(vm.raise(exception))
    }
}

#[cold]
pub(super) fn cannot_unpack(vm: &Vm, object: &Object) -> Raised {
    vm.type_error(format!("cannot unpack non-iterable {} object", object.ty().name()))
}

pub(super) fn iter_for_unpack(vm: &Vm, object: &Object) -> Result {
    match vm.iter(object) {
        Ok(iterator) => Ok(iterator),
        Err(raised) => {
            if vm.raised_is(&exc::TYPE_ERROR)
                && object.ty().slots().unary[UnaryOp::Iter as usize].is_none()
                && !vm.is_sequence(object)
            {
                drop(vm.caught(raised));
                return Err(cannot_unpack(vm, object));
            }
            Err(raised)
        }
    }
}

#[inline(never)]
pub unsafe fn unpack_sequence(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let b = get_b(vm, frame, ins)?;
        let n = ins.c();
        let known = b
            .downcast_exact::<Tuple>()
            .map(|t| t.len())
            .or_else(|| b.downcast_exact::<List>().map(|l| l.len()))
            .or_else(|| b.downcast_exact::<Dict>().map(|d| d.len()));
        let iterator = iter_for_unpack(vm, &b)?;
        let mut items = Vec::with_capacity(n);
        while items.len() < n {
            match vm.next(&iterator)? {
                Some(item) => items.push(item),
                None => {
                    return Err(vm.value_error(format!(
                        "not enough values to unpack (expected {n}, got {})",
                        items.len()
                    )));
                }
            }
        }
        if vm.next(&iterator)?.is_some() {
            return Err(vm.value_error(match known {
                Some(got) => format!("too many values to unpack (expected {n}, got {got})"),
                None => format!("too many values to unpack (expected {n})"),
            }));
        }
        drop(b);
        for (i, item) in items.into_iter().enumerate() {
            set(frame, ins.a() + i, item);
        }
        Ok(())
    }
}

pub unsafe fn unpack_ex(vm: &Vm, frame: F, ins: I) -> Result<()> {
    unsafe {
        let b = get_b(vm, frame, ins)?;
        let (before, after) = (ins.c() & 255, ins.c() >> 8);
        let iterator = iter_for_unpack(vm, &b)?;
        let mut items = Vec::new();
        while items.len() < before {
            match vm.next(&iterator)? {
                Some(item) => items.push(item),
                None => {
                    return Err(vm.value_error(format!(
                        "not enough values to unpack (expected at least {}, got {})",
                        before + after,
                        items.len()
                    )));
                }
            }
        }
        let mut rest = vm.collect(&iterator)?;
        if rest.len() < after {
            return Err(vm.value_error(format!(
                "not enough values to unpack (expected at least {}, got {})",
                before + after,
                before + rest.len()
            )));
        }
        let tail = rest.split_off(rest.len() - after);
        items.push(vm.list(rest));
        items.extend(tail);
        drop(b);
        for (i, item) in items.into_iter().enumerate() {
            set(frame, ins.a() + i, item);
        }
        Ok(())
    }
}
