//! Comparing, adding and subtracting datetimes.

use super::delta::{Delta, Span};
use super::stamp::{self, DateTime};
use super::zone;
use taipan_runtime::prelude::*;

/// Does the offset of a datetime depend on its fold?
fn has_two_offsets(vm: &Vm, stamp: &DateTime, offset: Option<Delta>) -> Result<bool> {
    let other = stamp::object(vm, stamp.day(), stamp.clock, stamp.tzinfo.clone(), 1 - stamp.fold());
    Ok(zone::utc_offset(vm, &stamp.tzinfo, &other)? != offset)
}

/// The time between two datetimes on their own clocks.
fn between(x: &DateTime, y: &DateTime) -> Span {
    Span::new(
        x.day().ordinal() - y.day().ordinal(),
        x.clock.seconds() - y.clock.seconds(),
        x.clock.micros as i64 - y.clock.micros as i64,
    )
}

pub fn compare(vm: &Vm, a: &Object, b: &Object, op: CompareOp) -> Result {
    let (Some(x), Some(y)) = (a.downcast::<DateTime>(), b.downcast::<DateTime>()) else {
        return Ok(Object::NOT_IMPLEMENTED);
    };
    let local = || (x.day(), x.clock).cmp(&(y.day(), y.clock));
    if x.tzinfo.is(y.tzinfo.value()) {
        return Ok(Object::bool(op.holds(Some(local()))));
    }
    let first = zone::utc_offset(vm, &x.tzinfo, a)?;
    let second = zone::utc_offset(vm, &y.tzinfo, b)?;
    let equality = matches!(op, CompareOp::Eq | CompareOp::Ne);
    let order = match (first, second) {
        (p, q) if p == q => local(),
        (Some(p), Some(q)) => {
            let difference = between(x, y).checked(vm)?.minus(p.minus(q).checked(vm)?).checked(vm)?;
            difference.cmp(&Delta::ZERO)
        }
        _ if equality => return Ok(Object::bool(op == CompareOp::Ne)),
        _ => return Err(vm.type_error("can't compare offset-naive and offset-aware datetimes")),
    };
    // Times that happen twice, or never, equal none of another zone.
    if equality && order.is_eq() && (has_two_offsets(vm, x, first)? || has_two_offsets(vm, y, second)?) {
        return Ok(Object::bool(op == CompareOp::Ne));
    }
    Ok(Object::bool(op.holds(Some(order))))
}

pub fn add(vm: &Vm, a: &Object, b: &Object) -> Result {
    if let (Some(stamp), Some(delta)) = (a.downcast::<DateTime>(), b.downcast::<Delta>()) {
        return stamp::shifted(vm, a, stamp, *delta, 1);
    }
    match (b.downcast::<DateTime>(), a.downcast::<Delta>()) {
        (Some(stamp), Some(delta)) => stamp::shifted(vm, b, stamp, *delta, 1),
        _ => Ok(Object::NOT_IMPLEMENTED),
    }
}

/// The time between two datetimes.
pub fn difference(vm: &Vm, a: &Object, x: &DateTime, b: &Object, y: &DateTime) -> Result<Delta> {
    let local = between(x, y).checked(vm)?;
    if x.tzinfo.is(y.tzinfo.value()) {
        return Ok(local);
    }
    let first = zone::utc_offset(vm, &x.tzinfo, a)?;
    let second = zone::utc_offset(vm, &y.tzinfo, b)?;
    match (first, second) {
        (p, q) if p == q => Ok(local),
        (Some(p), Some(q)) => local.minus(p.minus(q).checked(vm)?).checked(vm),
        _ => Err(vm.type_error("can't subtract offset-naive and offset-aware datetimes")),
    }
}

pub fn subtract(vm: &Vm, a: &Object, b: &Object) -> Result {
    let Some(x) = a.downcast::<DateTime>() else { return Ok(Object::NOT_IMPLEMENTED) };
    if let Some(delta) = b.downcast_exact::<Delta>() {
        return stamp::shifted(vm, a, x, *delta, -1);
    }
    if let Some(y) = b.downcast::<DateTime>() {
        return difference(vm, a, x, b, y).map(|delta| delta.object(vm));
    }
    match b.downcast::<Delta>() {
        Some(delta) => stamp::shifted(vm, a, x, *delta, -1),
        None => Ok(Object::NOT_IMPLEMENTED),
    }
}
