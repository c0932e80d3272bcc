//! The methods of `collections.deque`, and what its slots are made of.

use super::deque::{DEQUE, DEQUE_ITERATOR, Deque, ITERATING, deque_iterator};
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, this};
use taipan_runtime::types::{slice, tuple};

pub fn append(vm: &Vm, args: &[Object]) -> Result {
    this::<Deque>(&args[0]).push_back(vm, args[1].clone())?;
    Ok(Object::NONE)
}

pub fn append_left(vm: &Vm, args: &[Object]) -> Result {
    this::<Deque>(&args[0]).push_front(vm, args[1].clone())?;
    Ok(Object::NONE)
}

pub fn clear(_vm: &Vm, args: &[Object]) -> Result {
    drop(this::<Deque>(&args[0]).take());
    Ok(Object::NONE)
}

pub fn pop(vm: &Vm, args: &[Object]) -> Result {
    let this = this::<Deque>(&args[0]);
    if this.is_empty() {
        return Err(vm.index_error("pop from an empty deque"));
    }
    this.change(|items| items.pop_back()).ok_or_else(|| vm.index_error("pop from an empty deque"))
}

pub fn pop_left(vm: &Vm, args: &[Object]) -> Result {
    let this = this::<Deque>(&args[0]);
    if this.is_empty() {
        return Err(vm.index_error("pop from an empty deque"));
    }
    this.change(|items| items.pop_front()).ok_or_else(|| vm.index_error("pop from an empty deque"))
}

/// Appends the items of an iterable (which may be the deque itself).
pub fn extend(vm: &Vm, deque: &Object, iterable: &Object) -> Result<()> {
    let this = this::<Deque>(deque);
    if iterable.is(deque.value()) {
        for item in this.to_vec() {
            this.push_back(vm, item)?;
        }
        return Ok(());
    }
    vm.for_each(iterable, |item| this.push_back(vm, item))
}

pub fn extend_left(vm: &Vm, args: &[Object]) -> Result {
    let this = this::<Deque>(&args[0]);
    if args[1].is(args[0].value()) {
        for item in this.to_vec() {
            this.push_front(vm, item)?;
        }
        return Ok(Object::NONE);
    }
    vm.for_each(&args[1], |item| this.push_front(vm, item))?;
    Ok(Object::NONE)
}

/// The first position from `start` to `stop` whose item equals `wanted`.
pub fn find(
    vm: &Vm,
    deque: &Deque,
    wanted: &Object,
    start: usize,
    stop: usize,
    changed: &str,
) -> Result<Option<usize>> {
    let state = deque.state();
    let mut i = start;
    while i < stop
        && let Some(item) = deque.get(i)
    {
        if vm.equal(&item, wanted)? {
            return Ok(Some(i));
        }
        if deque.state() != state {
            return Err(vm.runtime_error(changed));
        }
        i += 1;
    }
    Ok(None)
}

pub fn count(vm: &Vm, args: &[Object]) -> Result {
    let this = this::<Deque>(&args[0]);
    let state = this.state();
    let (mut n, mut i) = (0, 0);
    while let Some(item) = this.get(i) {
        n += vm.equal(&item, &args[1])? as i64;
        if this.state() != state {
            return Err(vm.runtime_error(ITERATING));
        }
        i += 1;
    }
    Ok(vm.int(n))
}

pub fn index(vm: &Vm, args: &[Object]) -> Result {
    let this = this::<Deque>(&args[0]);
    let (start, stop) = slice::clip_range(vm, &args[2], &args[3], this.len())?;
    match find(vm, this, &args[1], start, stop, ITERATING)? {
        Some(i) => Ok(vm.usize(i)),
        None => Err(vm.value_error("deque.index(x): x not in deque")),
    }
}

pub fn insert(vm: &Vm, args: &[Object]) -> Result {
    let this = this::<Deque>(&args[0]);
    let index = vm.index_isize(&args[1])?;
    let len = this.len();
    if this.max_len() == Some(len) {
        return Err(vm.index_error("deque already at its maximum size"));
    }
    let at = if index < 0 { (index + len as isize).max(0) } else { index.min(len as isize) } as usize;
    this.change(|items| {
        if items.try_reserve(1).is_err() {
            return Err(vm.memory_error());
        }
        items.insert(at.min(items.len()), args[2].clone());
        Ok(())
    })?;
    Ok(Object::NONE)
}

pub fn remove(vm: &Vm, args: &[Object]) -> Result {
    let this = this::<Deque>(&args[0]);
    let state = this.state();
    let mut i = 0;
    while let Some(item) = this.get(i) {
        let same = vm.equal(&item, &args[1])?;
        if this.state() != state {
            return Err(vm.index_error("deque mutated during remove()."));
        }
        if same {
            let old = this.change(|items| items.remove(i));
            drop(old);
            return Ok(Object::NONE);
        }
        i += 1;
    }
    Err(vm.value_error("deque.remove(x): x not in deque"))
}

pub fn reverse(_vm: &Vm, args: &[Object]) -> Result {
    this::<Deque>(&args[0]).change(|items| items.make_contiguous().reverse());
    Ok(Object::NONE)
}

pub fn rotate(vm: &Vm, args: &[Object]) -> Result {
    let n = vm.index_isize(&args[1])?;
    let this = this::<Deque>(&args[0]);
    let len = this.len() as isize;
    if len > 1 {
        this.change(|items| items.rotate_right(n.rem_euclid(len) as usize));
    }
    Ok(Object::NONE)
}

/// A copy of the deque's own type.
pub fn copy(vm: &Vm, deque: &Object) -> Result {
    let this = this::<Deque>(deque);
    if deque.ty().is(&DEQUE) {
        let new = allocate(vm, &DEQUE, Deque::new_payload(this.max_len()))?;
        let items = this.to_vec();
        taipan_runtime::support::this::<Deque>(&new).change(|own| *own = items.into());
        return Ok(new);
    }
    let class = deque.ty().to_object();
    let new = match this.max_len() {
        None => vm.call(&class, std::slice::from_ref(deque))?,
        Some(n) => vm.call(&class, &[deque.clone(), vm.usize(n)])?,
    };
    if new.downcast::<Deque>().is_none() {
        return Err(vm.type_error(format!(
            "{}() must return a deque, not {}",
            deque.ty().name(),
            new.ty().name()
        )));
    }
    Ok(new)
}

pub fn concat(vm: &Vm, deque: &Object, other: &Object) -> Result {
    if other.downcast::<Deque>().is_none() {
        return Err(
            vm.type_error(format!("can only concatenate deque (not \"{}\") to deque", other.ty().name()))
        );
    }
    let new = copy(vm, deque)?;
    extend(vm, &new, other)?;
    Ok(new)
}

/// `deque *= count`.
pub fn repeat_in_place(vm: &Vm, deque: &Object, count: &Object) -> Result {
    let count = vm.index_for_item_overflow(count)?;
    let this = this::<Deque>(deque);
    let len = this.len();
    if len == 0 || count == 1 {
        return Ok(deque.clone());
    }
    if count <= 0 {
        drop(this.take());
        return Ok(deque.clone());
    }
    let mut count = count as usize;
    if let Some(max_len) = this.max_len() {
        count = count.min(max_len.div_ceil(len));
    }
    let items = this.to_vec();
    let room = len.checked_mul(count).filter(|&n| n <= isize::MAX as usize / 8);
    let Some(room) = room else { return Err(vm.memory_error()) };
    if this.change(|own| own.try_reserve(room - len)).is_err() {
        return Err(vm.memory_error());
    }
    for _ in 1..count {
        for item in &items {
            this.push_back(vm, item.clone())?;
        }
    }
    Ok(deque.clone())
}

/// Lexicographic comparison.
pub fn compare(vm: &Vm, a: &Object, b: &Object, op: CompareOp) -> Result {
    let (Some(x), Some(y)) = (a.downcast::<Deque>(), b.downcast::<Deque>()) else {
        return Ok(Object::NOT_IMPLEMENTED);
    };
    if x.len() != y.len() {
        if op == CompareOp::Eq {
            return Ok(Object::FALSE);
        }
        if op == CompareOp::Ne {
            return Ok(Object::TRUE);
        }
    }
    let (x_state, y_state) = (x.state(), y.state());
    let (x_len, y_len) = (x.len(), y.len());
    let mut i = 0;
    while let (Some(p), Some(q)) = (x.get(i), y.get(i)) {
        if !vm.equal(&p, &q)? {
            return match op {
                CompareOp::Eq => Ok(Object::FALSE),
                CompareOp::Ne => Ok(Object::TRUE),
                _ => vm.compare(&p, &q, op),
            };
        }
        if x.state() != x_state || y.state() != y_state {
            return Err(vm.runtime_error(ITERATING));
        }
        i += 1;
    }
    Ok(Object::bool(op.holds(Some(x_len.cmp(&y_len)))))
}

pub fn reduce(vm: &Vm, args: &[Object]) -> Result {
    let deque = &args[0];
    let state = vm.call_method(deque, "__getstate__", &[])?;
    let iterator =
        if deque.ty().is(&DEQUE) { deque_iterator(vm, &DEQUE_ITERATOR, deque)? } else { vm.iter(deque)? };
    let new_args = match this::<Deque>(deque).max_len() {
        None => vm.tuple(Vec::new()),
        Some(n) => tuple::from_array(vm, [vm.tuple(Vec::new()), vm.usize(n)]),
    };
    Ok(tuple::from_array(vm, [deque.ty().to_object(), new_args, state, iterator]))
}

pub fn size_of(vm: &Vm, args: &[Object]) -> Result {
    let this = this::<Deque>(&args[0]);
    let room = this.change(|items| items.capacity());
    Ok(vm.usize(args[0].ty().instance_size.get() + room * std::mem::size_of::<Object>()))
}
