//! Operations on exponents and digits: quantising, rounding to integers,
//! neighbours, scaling, shifting, rotating, logical operations, classes.

use super::arithmetic;
use super::coefficient::{Coefficient, MOST_DIGITS, Rest};
use super::{Env, Number, Rounding, Status, flags, order};
use std::cmp::Ordering;

/// The number with another exponent, rounded if need be; how much was cut off.
fn with_exponent(a: &Number, exponent: i64, round: Rounding) -> Option<(Number, Rest)> {
    let (coefficient, rest) = if a.exponent >= exponent {
        (a.coefficient.scaled_up(a.exponent - exponent)?, Rest::Zero)
    } else {
        let (coefficient, rest) = a.coefficient.scaled_down(exponent - a.exponent);
        let up = round.rounds_up(a.negative, &coefficient, rest);
        (coefficient.add_small(up as u8), rest)
    };
    Some((Number::finite(a.negative, coefficient, exponent), rest))
}

/// As `a`, with the exponent of `b`.
pub fn quantize(a: &Number, b: &Number, env: &Env, status: &mut Status) -> Number {
    if a.is_special() || b.is_special() {
        if let Some(nan) = Number::nan_of(&[a, b], env, status) {
            return nan;
        }
        if a.is_infinite() && b.is_infinite() {
            return a.clone();
        }
        return Number::invalid(status, flags::INVALID_OPERATION);
    }
    to_exponent(a, b.exponent, env, status)
}

/// `quantize` to a given exponent; `a` is finite.
pub fn to_exponent(a: &Number, exponent: i64, env: &Env, status: &mut Status) -> Number {
    if exponent > env.emax || exponent < env.etiny() {
        return Number::invalid(status, flags::INVALID_OPERATION);
    }
    if a.coefficient.is_zero() {
        return Number::finite(a.negative, Coefficient::ZERO, exponent).finalized(env, status);
    }
    if a.digits() + (a.exponent - exponent) > env.prec {
        return Number::invalid(status, flags::INVALID_OPERATION);
    }
    let Some((result, rest)) = with_exponent(a, exponent, env.round) else {
        return Number::no_memory(status);
    };
    if result.digits() > env.prec || result.adjusted() > env.emax {
        return Number::invalid(status, flags::INVALID_OPERATION);
    }
    if a.exponent < exponent {
        *status |= flags::ROUNDED;
    }
    if rest != Rest::Zero {
        *status |= flags::INEXACT;
    }
    result.finalized(env, status)
}

/// Rounded to an integer, without regard to the precision; `exact` tells of it.
pub fn to_integral(a: &Number, exact: bool, env: &Env, status: &mut Status) -> Number {
    if let Some(nan) = Number::nan_of(&[a], env, status) {
        return nan;
    }
    if a.is_infinite() || a.exponent >= 0 {
        return a.clone();
    }
    if a.coefficient.is_zero() {
        return Number::finite(a.negative, Coefficient::ZERO, 0);
    }
    let Some((result, rest)) = with_exponent(a, 0, env.round) else { return Number::no_memory(status) };
    if exact {
        *status |= flags::ROUNDED;
        if rest != Rest::Zero {
            *status |= flags::INEXACT;
        }
    }
    result
}

/// Rounded to so many places behind the point, without limits.
pub fn rounded(a: &Number, exponent: i64, round: Rounding) -> Option<Number> {
    with_exponent(a, exponent, round).map(|(number, _)| number)
}

/// The next number in the environment, above or below.
pub fn next(a: &Number, up: bool, env: &Env, status: &mut Status) -> Number {
    if let Some(nan) = Number::nan_of(&[a], env, status) {
        return nan;
    }
    if a.is_infinite() {
        return if a.negative == up { Number::largest(a.negative, env, status) } else { a.clone() };
    }
    let env = env.rounding(if up { Rounding::Ceiling } else { Rounding::Floor });
    let mut work = 0;
    let result = a.clone().finalized(&env, &mut work);
    if work & (flags::INEXACT | flags::ERRORS) != 0 {
        *status |= work & flags::ERRORS;
        return result;
    }
    let tiny = Number::finite(!up, Coefficient::ONE, env.etiny() - 1);
    let mut work = 0;
    let result = arithmetic::add(a, &tiny, &env, &mut work);
    *status |= work & flags::ERRORS;
    result
}

/// The next number in the direction of another one.
pub fn next_toward(a: &Number, b: &Number, env: &Env, status: &mut Status) -> Number {
    if let Some(nan) = Number::nan_of(&[a, b], env, status) {
        return nan;
    }
    let up = match order::values(a, b) {
        Ordering::Equal => return a.clone().with_sign(b.negative),
        order => order == Ordering::Less,
    };
    let result = next(a, up, env, status);
    if result.is_infinite() {
        *status |= flags::OVERFLOW | flags::ROUNDED | flags::INEXACT;
    } else if result.is_finite() && result.adjusted() < env.emin {
        *status |= flags::UNDERFLOW | flags::SUBNORMAL | flags::ROUNDED | flags::INEXACT;
        if result.is_zero() {
            *status |= flags::CLAMPED;
        }
    }
    result
}

/// The exponent of the first digit, as a number.
pub fn logb(a: &Number, env: &Env, status: &mut Status) -> Number {
    if let Some(nan) = Number::nan_of(&[a], env, status) {
        return nan;
    }
    if a.is_infinite() {
        return Number::infinite(false);
    }
    if a.coefficient.is_zero() {
        *status |= flags::DIVISION_BY_ZERO;
        return Number::infinite(true);
    }
    Number::small(a.adjusted()).finalized(env, status)
}

/// The second operand of `scaleb`, `shift` and `rotate`: an integer of so large a magnitude.
fn steps(b: &Number, most: i64, status: &mut Status) -> Option<i64> {
    let n = match b.coefficient.to_u64() {
        Some(n) if b.is_finite() && b.exponent == 0 => i64::try_from(n).ok().filter(|&n| n <= most),
        _ => None,
    };
    if n.is_none() {
        *status |= flags::INVALID_OPERATION;
    }
    n.map(|n| if b.negative { -n } else { n })
}

/// `a * 10**b`.
pub fn scaleb(a: &Number, b: &Number, env: &Env, status: &mut Status) -> Number {
    if let Some(nan) = Number::nan_of(&[a, b], env, status) {
        return nan;
    }
    let Some(n) = steps(b, 2 * (env.emax + env.prec), status) else { return Number::nan() };
    if a.is_infinite() {
        return a.clone();
    }
    let mut result = a.clone();
    result.exponent = a.exponent.saturating_add(n).clamp(-2 * super::HUGE_EXPONENT, super::HUGE_EXPONENT);
    result.finalized(env, status)
}

/// Digits shifted, those beyond the precision lost.
pub fn shift(a: &Number, b: &Number, env: &Env, status: &mut Status) -> Number {
    if let Some(nan) = Number::nan_of(&[a, b], env, status) {
        return nan;
    }
    let Some(n) = steps(b, env.prec, status) else { return Number::nan() };
    if a.is_infinite() {
        return a.clone();
    }
    let mut result = a.clone();
    result.coefficient = if n >= 0 {
        match a.coefficient.low_digits(env.prec - n).scaled_up(n) {
            Some(coefficient) => coefficient,
            None => return Number::no_memory(status),
        }
    } else {
        a.coefficient.low_digits(env.prec).scaled_down(-n).0
    };
    result
}

/// Digits rotated within the precision.
pub fn rotate(a: &Number, b: &Number, env: &Env, status: &mut Status) -> Number {
    if let Some(nan) = Number::nan_of(&[a, b], env, status) {
        return nan;
    }
    let Some(n) = steps(b, env.prec, status) else { return Number::nan() };
    if a.is_infinite() {
        return a.clone();
    }
    let n = if n < 0 { n + env.prec } else { n };
    let all = a.coefficient.low_digits(env.prec);
    let Some(high) = all.low_digits(env.prec - n).scaled_up(n) else { return Number::no_memory(status) };
    let mut result = a.clone();
    result.coefficient = high.add(&all.scaled_down(env.prec - n).0);
    result
}

#[derive(Clone, Copy)]
pub enum Logical {
    And,
    Or,
    Xor,
}

/// The digits of a logical operand: zeros and ones, the last one first.
fn logical_digits(a: &Number, env: &Env) -> Option<Vec<u8>> {
    if a.is_special() || a.negative || a.exponent != 0 {
        return None;
    }
    let mut digits: Vec<u8> = a.coefficient.text().bytes().rev().map(|d| d - b'0').collect();
    if !digits.iter().all(|&d| d <= 1) {
        return None;
    }
    // Digits beyond the precision are cut off, as in libmpdec.
    digits.truncate(usize::try_from(env.prec).unwrap_or(usize::MAX));
    Some(digits)
}

fn from_logical_digits(digits: impl DoubleEndedIterator<Item = u8>) -> Number {
    let text: Vec<u8> = digits.rev().map(|d| d + b'0').collect();
    Number::finite(false, Coefficient::from_digits(&text), 0)
}

pub fn logical(a: &Number, b: &Number, operation: Logical, env: &Env, status: &mut Status) -> Number {
    let (Some(x), Some(y)) = (logical_digits(a, env), logical_digits(b, env)) else {
        return Number::invalid(status, flags::INVALID_OPERATION);
    };
    let digit = |digits: &[u8], i: usize| digits.get(i).copied().unwrap_or(0);
    from_logical_digits((0..x.len().max(y.len())).map(|i| match operation {
        Logical::And => digit(&x, i) & digit(&y, i),
        Logical::Or => digit(&x, i) | digit(&y, i),
        Logical::Xor => digit(&x, i) ^ digit(&y, i),
    }))
}

pub fn logical_invert(a: &Number, env: &Env, status: &mut Status) -> Number {
    let Some(digits) = logical_digits(a, env) else {
        return Number::invalid(status, flags::INVALID_OPERATION);
    };
    if env.prec > MOST_DIGITS {
        return Number::no_memory(status);
    }
    from_logical_digits((0..env.prec as usize).map(|i| 1 - digits.get(i).copied().unwrap_or(0)))
}

/// The class of a number as text.
pub fn class(a: &Number, env: &Env) -> &'static str {
    use super::Kind::*;
    match (a.kind, a.negative) {
        (QuietNan, _) => "NaN",
        (SignalingNan, _) => "sNaN",
        (Infinite, false) => "+Infinity",
        (Infinite, true) => "-Infinity",
        (Finite, negative) if a.coefficient.is_zero() => {
            if negative {
                "-Zero"
            } else {
                "+Zero"
            }
        }
        (Finite, negative) if a.is_subnormal(env) => {
            if negative {
                "-Subnormal"
            } else {
                "+Subnormal"
            }
        }
        (Finite, false) => "+Normal",
        (Finite, true) => "-Normal",
    }
}
