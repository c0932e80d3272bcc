//! slice: the object, and what sequences do with one.
//!
//! `Slice::of(key)?.indices(vm, len)?` gives the positions a slice selects in a
//! sequence of that length. Working out the bounds may run Python code
//! (`__index__`): a sequence that can change meanwhile calls [`Slice::unpack`]
//! first and [`adjust`] with its length afterwards.

use crate::prelude::*;
use crate::types::int::{self, IntView};
use crate::types::tuple::compare_items;
use taipan_numeric::BigInt;

/// Payload of slices; its parts die in this order.
pub struct Slice {
    pub step: Object,
    pub start: Object,
    pub stop: Object,
}

impl NativeClass for Slice {
    fn class() -> &'static Type {
        &SLICE
    }
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit_object(&self.start);
        visitor.visit_object(&self.stop);
        visitor.visit_object(&self.step);
    }
}

pub static SLICE: Type = Type::new::<Slice>(
    "slice",
    &crate::types::object::OBJECT,
    type_flags::HAVE_GC,
    Slots { new: Some(slice_new), hash: Some(slice_hash), compare: Some(slice_compare), ..Slots::EMPTY.repr(slice_repr) },
    &[
        MethodDef::new(
            "indices($self, object, /)",
            slice_indices,
            "S.indices(len) -> (start, stop, stride)\n\nAssuming a sequence of length len, calculate the start and stop\nindices, and the stride length of the extended slice described by\nS. Out of bounds indices are clipped in a manner consistent with the\nhandling of normal slices.",
        ),
        MethodDef::new("__reduce__($self, /)", |vm, args| {
            let parts = this(&args[0]).parts().to_vec();
            Ok(vm.tuple(vec![SLICE.to_object(), vm.tuple(parts)]))
        }, "Return state information for pickling."),
    ],
    &[
        GetSetDef::member("start", |_, s| Ok(this(s).start.clone())),
        GetSetDef::member("stop", |_, s| Ok(this(s).stop.clone())),
        GetSetDef::member("step", |_, s| Ok(this(s).step.clone())),
    ],
)
.with_doc("slice(stop)\nslice(start, stop[, step])\n\nCreate a slice object.\n\nThis is used for extended slicing (e.g. a[0:10:2]).");

fn this(object: &Object) -> &Slice {
    // SAFETY: slots and methods of slice are only called on slices.
    unsafe { object.payload_unchecked() }
}

/// A slice object.
pub fn new(vm: &Vm, start: Object, stop: Object, step: Object) -> Object {
    vm.alloc_exact(&SLICE, true, Slice { start, stop, step })
}

static SIG: Sig = Sig::new("slice(start, stop=None, step=None, /)");

fn slice_new(vm: &Vm, _class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let bound = SIG.bind(vm, args, kwnames)?;
    let [start, stop, step] = [bound[0].clone(), bound[1].clone(), bound[2].clone()];
    if args.len() == 1 {
        return Ok(new(vm, Object::NONE, start, Object::NONE));
    }
    Ok(new(vm, start, stop, step))
}

/// The positions a slice selects: `start`, `start + step`, ... (`count` of them).
/// For `count == 0`, `start` is where a list would insert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SliceRange {
    pub start: isize,
    pub step: isize,
    pub count: usize,
}

impl SliceRange {
    /// The positions in order.
    #[inline]
    pub fn iter(self) -> impl ExactSizeIterator<Item = usize> + Clone {
        (0..self.count).map(move |i| self.start.wrapping_add(self.step.wrapping_mul(i as isize)) as usize)
    }
}

impl Slice {
    /// The object as a slice, if it is one.
    #[inline]
    pub fn of(object: &Object) -> Option<&Slice> {
        object.downcast_exact::<Slice>()
    }

    /// Was a step given (other than None)?
    pub fn has_explicit_step(&self) -> bool {
        !self.step.is_none()
    }

    fn parts(&self) -> [Object; 3] {
        [self.start.clone(), self.stop.clone(), self.step.clone()]
    }

    /// The positions the slice selects in a sequence of `len` items.
    pub fn indices(&self, vm: &Vm, len: usize) -> Result<SliceRange> {
        let bounds = self.unpack(vm)?;
        Ok(adjust(bounds, len))
    }

    /// Start, stop and step as machine integers, clipped to their range; None
    /// replaced by the end it stands for. May run Python code.
    pub fn unpack(&self, vm: &Vm) -> Result<(isize, isize, isize)> {
        let step = if self.step.is_none() {
            1
        } else {
            let step = bound(vm, &self.step)?;
            if step == 0 {
                return Err(vm.value_error("slice step cannot be zero"));
            }
            step.max(-isize::MAX)
        };
        let start = match self.start.is_none() {
            true if step < 0 => isize::MAX,
            true => 0,
            false => bound(vm, &self.start)?,
        };
        let stop = match self.stop.is_none() {
            true if step < 0 => isize::MIN,
            true => isize::MAX,
            false => bound(vm, &self.stop)?,
        };
        Ok((start, stop, step))
    }

    /// `slice.indices(len)` for a length of any size.
    pub fn long_indices(&self, vm: &Vm, len: &BigInt) -> Result<(BigInt, BigInt, BigInt)> {
        let step = if self.step.is_none() { BigInt::ONE } else { long_bound(vm, &self.step)? };
        if step.is_zero() {
            return Err(vm.value_error("slice step cannot be zero"));
        }
        let backwards = step.is_negative();
        let (lower, upper) = match backwards {
            true => (BigInt::from(-1i64), len.sub(&BigInt::ONE)),
            false => (BigInt::ZERO, len.clone()),
        };
        let clip = |object: &Object, default: &BigInt| -> Result<BigInt> {
            if object.is_none() {
                return Ok(default.clone());
            }
            let n = long_bound(vm, object)?;
            Ok(if n.is_negative() { n.add(len).max(lower.clone()) } else { n.min(upper.clone()) })
        };
        let start = clip(&self.start, if backwards { &upper } else { &lower })?;
        let stop = clip(&self.stop, if backwards { &lower } else { &upper })?;
        Ok((start, stop, step))
    }
}

/// Start and stop fitted to a sequence of `len` items, for a step that is not 0.
pub fn fit((start, stop, step): (isize, isize, isize), len: usize) -> (isize, isize) {
    let len = len as isize;
    let (lowest, highest) = if step < 0 { (-1, len - 1) } else { (0, len) };
    let fit = |i: isize| {
        if i < 0 { i.saturating_add(len).max(lowest) } else { i.min(highest) }
    };
    (fit(start), fit(stop))
}

/// Fits start, stop and step (not 0) to a sequence of `len` items.
pub fn adjust((start, stop, step): (isize, isize, isize), len: usize) -> SliceRange {
    let (start, stop) = fit((start, stop, step), len);
    let count = if step < 0 {
        if stop < start { ((start - stop - 1) as usize) / step.unsigned_abs() + 1 } else { 0 }
    } else if start < stop {
        ((stop - start - 1) as usize) / step as usize + 1
    } else {
        0
    };
    SliceRange { start, step, count }
}

#[inline]
fn bound(vm: &Vm, object: &Object) -> Result<isize> {
    if object.is_int() {
        return Ok(object.as_int() as isize);
    }
    if !vm.is_index(object) {
        return Err(not_an_index(vm));
    }
    vm.index_clipped(object)
}

fn long_bound(vm: &Vm, object: &Object) -> Result<BigInt> {
    if !vm.is_index(object) {
        return Err(not_an_index(vm));
    }
    let n = vm.index(object)?;
    Ok(int::to_big(&n).unwrap_or_default())
}

#[cold]
fn not_an_index(vm: &Vm) -> Raised {
    vm.type_error("slice indices must be integers or None or have an __index__ method")
}

/// The optional bounds of `list.index` and the like, within 0..=len. None is not allowed.
pub fn clip_range(vm: &Vm, start: &Object, stop: &Object, len: usize) -> Result<(usize, usize)> {
    for object in [start, stop] {
        if !vm.is_index(object) {
            return Err(vm.type_error("slice indices must be integers or have an __index__ method"));
        }
    }
    let start = vm.index_clipped(start)?;
    let stop = vm.index_clipped(stop)?;
    Ok(clip(start, stop, len))
}

/// As [`clip_range`]; None stands for the respective end (`str.find` and the like).
pub fn clip_range_or_none(vm: &Vm, start: &Object, stop: &Object, len: usize) -> Result<(usize, usize)> {
    let start = if start.is_none() { 0 } else { bound(vm, start)? };
    let stop = if stop.is_none() { isize::MAX } else { bound(vm, stop)? };
    Ok(clip(start, stop, len))
}

fn clip(start: isize, stop: isize, len: usize) -> (usize, usize) {
    let fit = |i: isize| {
        if i < 0 { i.saturating_add(len as isize).max(0) as usize } else { (i as usize).min(len) }
    };
    (fit(start), fit(stop))
}

fn slice_repr(vm: &Vm, slice: &Object) -> Result {
    let mut out = crate::types::str::Builder::new();
    for (lead, part) in ["slice(", ", ", ", "].into_iter().zip(this(slice).parts()) {
        out.push_str(lead);
        out.push_object(&vm.repr(&part)?);
    }
    out.push_str(")");
    Ok(out.finish(vm))
}

fn slice_hash(vm: &Vm, slice: &Object) -> Result<i64> {
    // As tuples, but for the length.
    const P1: u64 = 11400714785074694791;
    const P2: u64 = 14029467366897019727;
    const P5: u64 = 2870177450012600261;
    let mut acc = P5;
    for part in this(slice).parts() {
        acc = acc.wrapping_add((vm.hash(&part)? as u64).wrapping_mul(P2));
        acc = acc.rotate_left(31).wrapping_mul(P1);
    }
    Ok(if acc == u64::MAX { 1546275796 } else { acc as i64 })
}

fn slice_compare(vm: &Vm, a: &Object, b: &Object, op: CompareOp) -> Result {
    let (Some(x), Some(y)) = (Slice::of(a), Slice::of(b)) else { return Ok(Object::NOT_IMPLEMENTED) };
    if a.value() == b.value() {
        return Ok(Object::bool(matches!(op, CompareOp::Eq | CompareOp::Le | CompareOp::Ge)));
    }
    compare_items(vm, &x.parts(), &y.parts(), op)
}

fn slice_indices(vm: &Vm, args: &[Object]) -> Result {
    let length = vm.index(&args[1])?;
    let Some(length) = int::view(&length) else { return Err(not_an_index(vm)) };
    if length.is_negative() {
        return Err(vm.value_error("length should not be negative"));
    }
    let length = match length {
        IntView::Small(n) => BigInt::from(n),
        IntView::Big(n) => n.clone(),
    };
    let (start, stop, step) = this(&args[0]).long_indices(vm, &length)?;
    Ok(vm.tuple(vec![int::from_big(vm, start), int::from_big(vm, stop), int::from_big(vm, step)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions() {
        let all = |bounds, len| adjust(bounds, len).iter().collect::<Vec<_>>();
        assert_eq!(all((0, isize::MAX, 1), 3), [0, 1, 2]);
        assert_eq!(all((isize::MAX, isize::MIN, -1), 3), [2, 1, 0]);
        assert_eq!(all((-2, isize::MAX, 1), 3), [1, 2]);
        assert_eq!(all((isize::MIN, isize::MAX, isize::MAX), 3), [0]);
        assert_eq!(all((isize::MAX, isize::MIN, -isize::MAX), 3), [2]);
        assert!(all((5, 2, 1), 3).is_empty());
        assert_eq!(adjust((5, 2, 1), 10).start, 5);
    }
}
