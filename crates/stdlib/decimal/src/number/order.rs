//! Comparing numbers: by value, and by representation (`compare_total`).

use super::{Env, Kind, Number, Status, flags};
use std::cmp::Ordering;

fn reversed_if(order: Ordering, reverse: bool) -> Ordering {
    if reverse { order.reverse() } else { order }
}

/// The order of the magnitudes of two numbers that are not NaN.
pub fn magnitudes(a: &Number, b: &Number) -> Ordering {
    match (a.is_infinite(), b.is_infinite()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        _ => {}
    }
    match (a.coefficient.is_zero(), b.coefficient.is_zero()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Less,
        (false, true) => return Ordering::Greater,
        _ => {}
    }
    if a.exponent == b.exponent {
        return a.coefficient.order(&b.coefficient);
    }
    match a.adjusted().cmp(&b.adjusted()) {
        Ordering::Equal => {}
        order => return order,
    }
    // The first digits stand at the same place: the exponents are not far apart.
    let exponent = a.exponent.min(b.exponent);
    let x = a.coefficient.scaled_up(a.exponent - exponent);
    let y = b.coefficient.scaled_up(b.exponent - exponent);
    match (x, y) {
        (Some(x), Some(y)) => x.order(&y),
        _ => Ordering::Equal,
    }
}

/// The order of two numbers that are not NaN.
pub fn values(a: &Number, b: &Number) -> Ordering {
    let zero = |n: &Number| n.is_zero();
    if zero(a) && zero(b) {
        return Ordering::Equal;
    }
    let negative = |n: &Number| n.negative && !zero(n);
    match (negative(a), negative(b)) {
        (false, true) => Ordering::Greater,
        (true, false) => Ordering::Less,
        (minus, _) => reversed_if(magnitudes(a, b), minus),
    }
}

pub fn of(order: Ordering) -> Number {
    Number::small(order as i64)
}

/// -1, 0, 1, or NaN; with `signal`, every NaN is an error.
pub fn compare(a: &Number, b: &Number, signal: bool, env: &Env, status: &mut Status) -> Number {
    if let Some(nan) = Number::nan_of(&[a, b], env, status) {
        if signal {
            *status |= flags::INVALID_OPERATION;
        }
        return nan;
    }
    of(values(a, b))
}

fn rank(kind: Kind) -> u8 {
    match kind {
        Kind::Finite | Kind::Infinite => 0,
        Kind::SignalingNan => 1,
        Kind::QuietNan => 2,
    }
}

/// The order of representations, the signs being the same and positive.
fn total_magnitudes(a: &Number, b: &Number) -> Ordering {
    match rank(a.kind).cmp(&rank(b.kind)) {
        Ordering::Equal => {}
        order => return order,
    }
    if a.is_nan() {
        return a.coefficient.order(&b.coefficient);
    }
    match magnitudes(a, b) {
        Ordering::Equal if a.is_finite() && b.is_finite() => a.exponent.cmp(&b.exponent),
        order => order,
    }
}

/// The order of representations.
pub fn total(a: &Number, b: &Number) -> Ordering {
    match (a.negative, b.negative) {
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (negative, _) => reversed_if(total_magnitudes(a, b), negative),
    }
}

/// The order of representations without their signs.
pub fn total_without_sign(a: &Number, b: &Number) -> Ordering {
    total_magnitudes(a, b)
}

/// `max`, `min`, `max_mag`, `min_mag`: a number is preferred to a quiet NaN.
pub fn extreme(
    a: &Number,
    b: &Number,
    greatest: bool,
    by_magnitude: bool,
    env: &Env,
    status: &mut Status,
) -> Number {
    if a.is_nan() || b.is_nan() {
        let quiet = |n: &Number| n.kind == Kind::QuietNan;
        return match (quiet(a) && !b.is_nan(), quiet(b) && !a.is_nan()) {
            (true, _) => b.clone().finalized(env, status),
            (_, true) => a.clone().finalized(env, status),
            _ => Number::nan_of(&[a, b], env, status).unwrap_or_else(Number::nan),
        };
    }
    let mut order = if by_magnitude { magnitudes(a, b) } else { values(a, b) };
    if order == Ordering::Equal && by_magnitude {
        order = values(a, b);
    }
    if order == Ordering::Equal {
        order = total(a, b);
    }
    let first = if greatest { order != Ordering::Less } else { order != Ordering::Greater };
    if first { a } else { b }.clone().finalized(env, status)
}
