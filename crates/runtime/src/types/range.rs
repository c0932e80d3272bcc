//! range and its two iterators: one of machine integers, one of big ones.
//!
//! A range holds start, stop, step and length as exact ints. Whenever all its
//! items and the one after the last fit 64 bits, [`RangeIterator`] does the
//! work; the interpreter loop may advance it directly.

use crate::prelude::*;
use crate::types::int;
use crate::types::iterators::{self, HINT_DOC, REDUCE_DOC, SETSTATE_DOC};
use crate::types::slice::{self, Slice};
use crate::types::str;
use std::cell::{Cell, RefCell};
use taipan_numeric::BigInt;

/// Payload of ranges. The parts are exact ints.
pub struct Range {
    pub start: Object,
    pub stop: Object,
    pub step: Object,
    length: Object,
}

impl NativeClass for Range {
    fn class() -> &'static Type {
        &RANGE
    }
}

pub static RANGE: Type = Type::new::<Range>(
    "range",
    &crate::types::object::OBJECT,
    type_flags::SEQUENCE,
    Slots {
        new: Some(range_new),
        hash: Some(range_hash),
        compare: Some(range_compare),
        bool: Some(|_, r| Ok(!is_zero(&this(r).length))),
        len: Some(range_len),
        getitem: Some(range_getitem),
        contains: Some(range_contains),
        ..Slots::EMPTY.repr(range_repr).iter(range_iter)
    },
    &[
        MethodDef::new("__reversed__($self, /)", range_reversed, "Return a reverse iterator."),
        MethodDef::new("__reduce__($self, /)", |vm, args| {
            let this = this(&args[0]);
            let parts = vec![this.start.clone(), this.stop.clone(), this.step.clone()];
            Ok(vm.tuple(vec![RANGE.to_object(), vm.tuple(parts)]))
        }, ""),
        MethodDef::new(
            "count($self, object, /)",
            range_count,
            "rangeobject.count(value) -> integer -- return number of occurrences of value",
        ),
        MethodDef::new(
            "index($self, object, /)",
            range_index,
            "rangeobject.index(value) -> integer -- return index of value.\nRaise ValueError if the value is not present.",
        ),
    ],
    &[
        GetSetDef::member("start", |_, r| Ok(this(r).start.clone())),
        GetSetDef::member("stop", |_, r| Ok(this(r).stop.clone())),
        GetSetDef::member("step", |_, r| Ok(this(r).step.clone())),
    ],
)
.with_doc("range(stop) -> range object\nrange(start, stop[, step]) -> range object\n\nReturn an object that produces a sequence of integers from start (inclusive)\nto stop (exclusive) by step.  range(i, j) produces i, i+1, i+2, ..., j-1.\nstart defaults to 0, and stop is omitted!  range(4) produces 0, 1, 2, 3.\nThese are exactly the valid indices for a list of 4 elements.\nWhen step is given, it specifies the increment (or decrement).");

fn this(object: &Object) -> &Range {
    // SAFETY: slots and methods of range are only called on ranges.
    unsafe { object.payload_unchecked() }
}

fn is_zero(n: &Object) -> bool {
    n.is_int() && n.as_int() == 0
}

fn big(n: &Object) -> BigInt {
    int::to_big(n).unwrap_or_default()
}

/// A range of machine integers; `step` is not 0.
pub fn new(vm: &Vm, start: i64, stop: i64, step: i64) -> Object {
    from_parts(vm, vm.int(start), vm.int(stop), vm.int(step))
}

/// A range of exact ints; `step` is not 0.
fn from_parts(vm: &Vm, start: Object, stop: Object, step: Object) -> Object {
    let length = length(vm, &start, &stop, &step);
    vm.alloc_exact(&RANGE, false, Range { start, stop, step, length })
}

/// The number of items.
fn length(vm: &Vm, start: &Object, stop: &Object, step: &Object) -> Object {
    if let (Some(start), Some(stop), Some(step)) = (int::to_i64(start), int::to_i64(stop), int::to_i64(step))
    {
        return int::from_i128(vm, small_length(start, stop, step));
    }
    let (mut low, mut high, mut step) = (big(start), big(stop), big(step));
    if step.is_negative() {
        (low, high) = (high, low);
        step = step.neg();
    }
    if low >= high {
        return vm.int(0);
    }
    match high.sub(&low).sub(&BigInt::ONE).floor_div(&step) {
        Ok(n) => int::from_big(vm, n.add(&BigInt::ONE)),
        Err(_) => vm.int(0),
    }
}

fn small_length(start: i64, stop: i64, step: i64) -> i128 {
    let (start, stop, step) = (i128::from(start), i128::from(stop), i128::from(step));
    if step > 0 && start < stop {
        (stop - start - 1) / step + 1
    } else if step < 0 && start > stop {
        (start - stop - 1) / -step + 1
    } else {
        0
    }
}

fn range_new(vm: &Vm, _class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    if !kwnames.is_empty() {
        return Err(vm.type_error("range() takes no keyword arguments"));
    }
    let index = |object: &Object| vm.index(object).map(|n| int::exact(vm, &n));
    match args {
        [] => Err(vm.type_error("range expected at least 1 argument, got 0")),
        [stop] => Ok(from_parts(vm, vm.int(0), index(stop)?, vm.int(1))),
        [start, stop] => Ok(from_parts(vm, index(start)?, index(stop)?, vm.int(1))),
        [start, stop, step] => {
            let (start, stop, step) = (index(start)?, index(stop)?, index(step)?);
            if is_zero(&step) {
                return Err(vm.value_error("range() arg 3 must not be zero"));
            }
            Ok(from_parts(vm, start, stop, step))
        }
        _ => Err(vm.type_error(format!("range expected at most 3 arguments, got {}", args.len()))),
    }
}

impl Range {
    /// Start, step and length, if all are machine integers and so is the item
    /// after the last.
    pub fn small(&self) -> Option<(i64, i64, i64)> {
        let (start, stop, step) =
            (int::to_i64(&self.start)?, int::to_i64(&self.stop)?, int::to_i64(&self.step)?);
        let length = int::to_i64(&self.length)?;
        let safe = if step > 0 { stop <= i64::MAX - (step - 1) } else { stop >= i64::MIN + (-1 - step) };
        if length == 0 || safe { Some((start, step, length)) } else { None }
    }

    /// Item `i`, in range or not.
    fn item(&self, vm: &Vm, i: &BigInt) -> Object {
        match i.mul(&big(&self.step)) {
            Ok(offset) => int::from_big(vm, big(&self.start).add(&offset)),
            Err(_) => vm.int(0),
        }
    }

    /// The position of an int among the items.
    fn position(&self, n: &Object) -> Option<BigInt> {
        let (start, stop, step, n) = (big(&self.start), big(&self.stop), big(&self.step), big(n));
        let inside = if step.is_negative() { stop < n && n <= start } else { start <= n && n < stop };
        if !inside {
            return None;
        }
        let (position, rest) = n.sub(&start).divmod(&step).ok()?;
        if rest.is_zero() { Some(position) } else { None }
    }
}

fn range_len(vm: &Vm, range: &Object) -> Result<usize> {
    match int::to_i64(&this(range).length) {
        Some(n) => Ok(n as usize),
        None => Err(vm.overflow_error("Python int too large to convert to C ssize_t")),
    }
}

fn range_repr(vm: &Vm, range: &Object) -> Result {
    let this = this(range);
    let mut out = str::Builder::new();
    out.push_str("range(");
    out.push_object(&vm.repr(&this.start)?);
    out.push_str(", ");
    out.push_object(&vm.repr(&this.stop)?);
    if int::to_i64(&this.step) != Some(1) {
        out.push_str(", ");
        out.push_object(&vm.repr(&this.step)?);
    }
    out.push_str(")");
    Ok(out.finish(vm))
}

/// What makes two ranges equal: the length, the first item if there is one, the
/// step if there is a second.
fn identity(range: &Range) -> [Object; 3] {
    let n = int::to_i64(&range.length);
    let start = if n == Some(0) { Object::NONE } else { range.start.clone() };
    let step = if matches!(n, Some(0 | 1)) { Object::NONE } else { range.step.clone() };
    [range.length.clone(), start, step]
}

fn range_hash(vm: &Vm, range: &Object) -> Result<i64> {
    vm.hash(&vm.tuple(identity(this(range)).to_vec()))
}

fn range_compare(vm: &Vm, a: &Object, b: &Object, op: CompareOp) -> Result {
    let (Some(x), Some(y)) = (a.downcast::<Range>(), b.downcast::<Range>()) else {
        return Ok(Object::NOT_IMPLEMENTED);
    };
    if !matches!(op, CompareOp::Eq | CompareOp::Ne) {
        return Ok(Object::NOT_IMPLEMENTED);
    }
    for (p, q) in identity(x).iter().zip(&identity(y)) {
        if !vm.equal(p, q)? {
            return Ok(Object::bool(op == CompareOp::Ne));
        }
    }
    Ok(Object::bool(op == CompareOp::Eq))
}

fn range_getitem(vm: &Vm, range: &Object, key: &Object) -> Result {
    let this = this(range);
    if vm.is_index(key) {
        let index = vm.index(key)?;
        if let (Some((start, step, length)), Some(i)) = (this.small(), int::to_i64(&index)) {
            let i = if i < 0 { i.saturating_add(length) } else { i };
            if i < 0 || i >= length {
                return Err(vm.index_error("range object index out of range"));
            }
            return Ok(vm.int(start + i * step));
        }
        let length = big(&this.length);
        let mut i = big(&index);
        if i.is_negative() {
            i = i.add(&length);
        }
        if i.is_negative() || i >= length {
            return Err(vm.index_error("range object index out of range"));
        }
        return Ok(this.item(vm, &i));
    }
    let Some(slice) = Slice::of(key) else {
        return Err(
            vm.type_error(format!("range indices must be integers or slices, not {}", key.ty().name()))
        );
    };
    if let Some((start, step, length)) = this.small()
        && (slice.step.is_none() || slice.step.is_int())
    {
        let bounds = slice.unpack(vm)?;
        let (first, stop) = slice::fit(bounds, length as usize);
        let at = |i: isize| (i as i64).checked_mul(step).and_then(|n| n.checked_add(start));
        if let (Some(first), Some(stop), Some(step)) =
            (at(first), at(stop), (bounds.2 as i64).checked_mul(step))
        {
            return Ok(from_parts(vm, vm.int(first), vm.int(stop), vm.int(step)));
        }
    }
    let (start, stop, step) = slice.long_indices(vm, &big(&this.length))?;
    let new_step = match step.mul(&big(&this.step)) {
        Ok(step) => int::from_big(vm, step),
        Err(e) => return Err(int::error(vm, e)),
    };
    Ok(from_parts(vm, this.item(vm, &start), this.item(vm, &stop), new_step))
}

/// Exact ints and bools are looked for by arithmetic, all else by comparison.
fn is_plain(object: &Object) -> bool {
    int::is_exact(object) || object.is_bool()
}

fn range_contains(vm: &Vm, range: &Object, item: &Object) -> Result<bool> {
    let this = this(range);
    if is_plain(item) {
        if let (Some((start, step, length)), Some(n)) = (this.small(), int::to_i64(item)) {
            let (offset, step) = (i128::from(n) - i128::from(start), i128::from(step));
            return Ok(offset % step == 0 && (0..i128::from(length)).contains(&(offset / step)));
        }
        return Ok(this.position(item).is_some());
    }
    let iterator = range_iter(vm, range)?;
    while let Some(candidate) = vm.next(&iterator)? {
        if vm.equal(&candidate, item)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn range_count(vm: &Vm, args: &[Object]) -> Result {
    if is_plain(&args[1]) {
        return Ok(vm.int(i64::from(range_contains(vm, &args[0], &args[1])?)));
    }
    let iterator = range_iter(vm, &args[0])?;
    let mut n = 0;
    while let Some(candidate) = vm.next(&iterator)? {
        n += i64::from(vm.equal(&candidate, &args[1])?);
    }
    Ok(vm.int(n))
}

fn range_index(vm: &Vm, args: &[Object]) -> Result {
    if is_plain(&args[1]) {
        return match this(&args[0]).position(&args[1]) {
            Some(n) => Ok(int::from_big(vm, n)),
            None => Err(vm.value_error("range.index(x): x not in range")),
        };
    }
    let iterator = range_iter(vm, &args[0])?;
    let mut n = 0;
    while let Some(candidate) = vm.next(&iterator)? {
        if vm.equal(&candidate, &args[1])? {
            return Ok(vm.int(n));
        }
        n += 1;
    }
    Err(vm.value_error("sequence.index(x): x not in sequence"))
}

// ---- iterators ------------------------------------------------------------------------

/// Payload of `range_iterator`.
pub struct RangeIterator {
    next: Cell<i64>,
    step: i64,
    left: Cell<i64>,
}

impl NativeClass for RangeIterator {
    fn class() -> &'static Type {
        &RANGE_ITERATOR
    }
}

impl RangeIterator {
    /// The next item; None at the end.
    #[inline(always)]
    pub fn advance(&self) -> Option<i64> {
        let left = self.left.get();
        if left <= 0 {
            return None;
        }
        let n = self.next.get();
        self.left.set(left - 1);
        self.next.set(n.wrapping_add(self.step));
        Some(n)
    }

    /// The next item as a raw word that the caller owns.
    #[inline(always)]
    pub fn next_small(&self) -> Option<Value> {
        let n = self.advance()?;
        match Value::small_int(n) {
            Some(word) => Some(word),
            None => Some(large_item(n)),
        }
    }
}

/// An item of 63 or 64 bits.
#[cold]
#[inline(never)]
fn large_item(n: i64) -> Value {
    Vm::current().int(n).into_value()
}

pub static RANGE_ITERATOR: Type = Type::new::<RangeIterator>(
    "range_iterator",
    &crate::types::object::OBJECT,
    type_flags::DISALLOW_INSTANTIATION,
    Slots {
        next: Some(|vm, iterator| Ok(small(iterator).advance().map(|n| vm.int(n)))),
        ..Slots::EMPTY.iter(iterators::itself)
    },
    &[
        MethodDef::new(
            "__length_hint__($self, /)",
            |vm, args| Ok(vm.int(small(&args[0]).left.get())),
            HINT_DOC,
        ),
        MethodDef::new(
            "__reduce__($self, /)",
            |vm, args| {
                let this = small(&args[0]);
                let stop = i128::from(this.next.get()) + i128::from(this.left.get()) * i128::from(this.step);
                reduced(vm, vm.int(this.next.get()), int::from_i128(vm, stop), vm.int(this.step))
            },
            REDUCE_DOC,
        ),
        MethodDef::new(
            "__setstate__($self, object, /)",
            |vm, args| {
                let this = small(&args[0]);
                let skip = vm.to_i64(&args[1])?.clamp(0, this.left.get());
                this.next.set(this.next.get().wrapping_add(skip.wrapping_mul(this.step)));
                this.left.set(this.left.get() - skip);
                Ok(Object::NONE)
            },
            SETSTATE_DOC,
        ),
    ],
    &[],
);

fn small(object: &Object) -> &RangeIterator {
    // SAFETY: slots and methods of range_iterator are only called on its instances.
    unsafe { object.payload_unchecked() }
}

/// Payload of `longrange_iterator`.
pub struct LongRangeIterator {
    next: RefCell<BigInt>,
    step: BigInt,
    left: RefCell<BigInt>,
}

impl NativeClass for LongRangeIterator {
    fn class() -> &'static Type {
        &LONG_RANGE_ITERATOR
    }
}

pub static LONG_RANGE_ITERATOR: Type = Type::new::<LongRangeIterator>(
    "longrange_iterator",
    &crate::types::object::OBJECT,
    type_flags::DISALLOW_INSTANTIATION,
    Slots { next: Some(long_next), ..Slots::EMPTY.iter(iterators::itself) },
    &[
        MethodDef::new(
            "__length_hint__($self, /)",
            |vm, args| Ok(int::from_big(vm, long(&args[0]).left.borrow().clone())),
            HINT_DOC,
        ),
        MethodDef::new(
            "__reduce__($self, /)",
            |vm, args| {
                let this = long(&args[0]);
                let next = this.next.borrow().clone();
                let stop = match this.left.borrow().mul(&this.step) {
                    Ok(distance) => next.add(&distance),
                    Err(e) => return Err(int::error(vm, e)),
                };
                reduced(
                    vm,
                    int::from_big(vm, next),
                    int::from_big(vm, stop),
                    int::from_big(vm, this.step.clone()),
                )
            },
            REDUCE_DOC,
        ),
        MethodDef::new("__setstate__($self, object, /)", long_setstate, SETSTATE_DOC),
    ],
    &[],
);

fn long(object: &Object) -> &LongRangeIterator {
    // SAFETY: slots and methods of longrange_iterator are only called on its instances.
    unsafe { object.payload_unchecked() }
}

fn long_next(vm: &Vm, iterator: &Object) -> Result<Option<Object>> {
    let this = long(iterator);
    if this.left.borrow().is_zero() {
        return Ok(None);
    }
    let left = this.left.borrow().sub(&BigInt::ONE);
    let next = this.next.borrow().add(&this.step);
    this.left.replace(left);
    Ok(Some(int::from_big(vm, this.next.replace(next))))
}

fn long_setstate(vm: &Vm, args: &[Object]) -> Result {
    if !int::is_exact(&args[1]) {
        return Err(vm.type_error(format!("state must be an int, not {}", args[1].ty().name())));
    }
    let this = long(&args[0]);
    let skip = big(&args[1]).max(BigInt::ZERO).min(this.left.borrow().clone());
    let distance = skip.mul(&this.step).map_err(|e| int::error(vm, e))?;
    let next = this.next.borrow().add(&distance);
    let left = this.left.borrow().sub(&skip);
    this.next.replace(next);
    this.left.replace(left);
    Ok(Object::NONE)
}

/// `(iter, (range(next, stop, step),), None)`.
fn reduced(vm: &Vm, next: Object, stop: Object, step: Object) -> Result {
    let rest = from_parts(vm, next, stop, step);
    Ok(vm.tuple(vec![iterators::builtin(vm, "iter")?, vm.tuple(vec![rest]), Object::NONE]))
}

fn range_iter(vm: &Vm, range: &Object) -> Result {
    let this = this(range);
    if let Some((start, step, length)) = this.small() {
        return Ok(small_iterator(vm, start, step, length));
    }
    Ok(long_iterator(vm, big(&this.start), big(&this.step), big(&this.length)))
}

fn small_iterator(vm: &Vm, start: i64, step: i64, length: i64) -> Object {
    vm.alloc_exact(
        &RANGE_ITERATOR,
        false,
        RangeIterator { next: Cell::new(start), step, left: Cell::new(length) },
    )
}

fn long_iterator(vm: &Vm, start: BigInt, step: BigInt, length: BigInt) -> Object {
    let payload = LongRangeIterator { next: RefCell::new(start), step, left: RefCell::new(length) };
    vm.alloc(&LONG_RANGE_ITERATOR, payload)
}

fn range_reversed(vm: &Vm, args: &[Object]) -> Result {
    let this = this(&args[0]);
    if let Some((start, step, length)) = this.small()
        && let Some(back) = step.checked_neg()
        && let Some(before) = start.checked_sub(step)
    {
        let last = before.wrapping_add(length.wrapping_mul(step));
        return Ok(small_iterator(vm, last, back, length));
    }
    let (start, step, length) = (big(&this.start), big(&this.step), big(&this.length));
    let last = match length.sub(&BigInt::ONE).mul(&step) {
        Ok(distance) => start.add(&distance),
        Err(e) => return Err(int::error(vm, e)),
    };
    Ok(long_iterator(vm, last, step.neg(), length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths() {
        assert_eq!(small_length(0, 10, 3), 4);
        assert_eq!(small_length(10, 0, -3), 4);
        assert_eq!(small_length(0, 10, -1), 0);
        assert_eq!(small_length(i64::MIN, i64::MAX, 1), u64::MAX as i128);
        assert_eq!(small_length(i64::MAX, i64::MIN, i64::MIN), 2);
    }
}
