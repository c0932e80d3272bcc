//! Sum, difference, product, quotient, rest; `fma`, signs, reduction.

use super::coefficient::{Coefficient, power_of_ten};
use super::{Env, Kind, Number, Rest, Rounding, Status, flags};
use std::cmp::Ordering;

/// `a + b`, or `a - b`.
pub fn add_or_subtract(a: &Number, b: &Number, subtract: bool, env: &Env, status: &mut Status) -> Number {
    if a.is_special() || b.is_special() {
        if let Some(nan) = Number::nan_of(&[a, b], env, status) {
            return nan;
        }
        let sign_b = b.negative != subtract;
        return match (a.is_infinite(), b.is_infinite()) {
            (true, true) if a.negative != sign_b => Number::invalid(status, flags::INVALID_OPERATION),
            (true, _) => a.clone(),
            _ => Number::infinite(sign_b),
        };
    }
    sum(a, b, b.negative != subtract, env, status).finalized(env, status)
}

pub fn add(a: &Number, b: &Number, env: &Env, status: &mut Status) -> Number {
    add_or_subtract(a, b, false, env, status)
}

pub fn subtract(a: &Number, b: &Number, env: &Env, status: &mut Status) -> Number {
    add_or_subtract(a, b, true, env, status)
}

/// The sum of finite numbers, the second one with this sign, before rounding;
/// what is far below the last place may have been replaced by a trace of it.
fn sum(a: &Number, b: &Number, sign_b: bool, env: &Env, status: &mut Status) -> Number {
    let (mut x, mut y) = (&a.coefficient, &b.coefficient);
    let mut exponent = a.exponent;
    let (scaled, trace);
    if a.exponent != b.exponent {
        let swapped = a.exponent < b.exponent;
        let (big, small) = if swapped { (b, a) } else { (a, b) };
        exponent = small.exponent;
        let mut small_coefficient = &small.coefficient;
        if !big.coefficient.is_zero() {
            let digits = big.digits();
            let far = big.exponent - 1 + if digits > env.prec { 0 } else { digits - env.prec - 1 };
            if small.adjusted() < far {
                trace = if small.coefficient.is_zero() { Coefficient::ZERO } else { Coefficient::ONE };
                small_coefficient = &trace;
                exponent = far;
            }
        }
        scaled = match big.coefficient.scaled_up(big.exponent - exponent) {
            Some(scaled) => scaled,
            None => return Number::no_memory(status),
        };
        (x, y) = if swapped { (small_coefficient, &scaled) } else { (&scaled, small_coefficient) };
    }
    if a.negative == sign_b {
        return Number::finite(a.negative, x.add(y), exponent);
    }
    let negative = match x.order(y) {
        Ordering::Greater => a.negative,
        Ordering::Less => sign_b,
        // An exact zero is positive, unless everything is rounded down.
        Ordering::Equal => env.round == Rounding::Floor,
    };
    Number::finite(negative, x.distance(y), exponent)
}

fn product(a: &Number, b: &Number, env: &Env, status: &mut Status) -> Number {
    let negative = a.negative != b.negative;
    if a.is_special() || b.is_special() {
        if let Some(nan) = Number::nan_of(&[a, b], env, status) {
            return nan;
        }
        if a.is_zero() || b.is_zero() {
            return Number::invalid(status, flags::INVALID_OPERATION);
        }
        return Number::infinite(negative);
    }
    match a.coefficient.mul(&b.coefficient) {
        Some(coefficient) => Number::finite(negative, coefficient, a.exponent + b.exponent),
        None => Number::no_memory(status),
    }
}

/// The product of full coefficients, if it is an ordinary number; None: see `multiply`.
fn wide_product(a: &Number, b: &Number, env: &Env, status: &mut Status) -> Option<Number> {
    if a.is_special() || b.is_special() || env.clamp {
        return None;
    }
    let (mut coefficient, gone, mut rest) = a.coefficient.wide_mul(&b.coefficient, env.prec)?;
    let mut exponent = a.exponent + b.exponent + gone;
    if coefficient.digits() > env.prec {
        // One digit more than expected.
        let last = coefficient.last_digit();
        coefficient = coefficient.scaled_down(1).0;
        exponent += 1;
        rest = match last {
            0 if rest == Rest::Zero => Rest::Zero,
            5 if rest == Rest::Zero => Rest::Half,
            0..=4 => Rest::BelowHalf,
            _ => Rest::AboveHalf,
        };
    }
    let adjusted = exponent + env.prec - 1;
    if coefficient.digits() != env.prec || adjusted < env.emin || adjusted > env.emax {
        return None;
    }
    Some(Number::finite(a.negative != b.negative, coefficient, exponent).after_cut(rest, env, status))
}

pub fn multiply(a: &Number, b: &Number, env: &Env, status: &mut Status) -> Number {
    if let Some(product) = wide_product(a, b, env, status) {
        return product;
    }
    product(a, b, env, status).finalized(env, status)
}

/// `a * b + c`, rounded once.
pub fn fma(a: &Number, b: &Number, c: &Number, env: &Env, status: &mut Status) -> Number {
    if (a.is_nan() || b.is_nan())
        && let Some(nan) = Number::nan_of(&[a, b, c], env, status)
    {
        return nan;
    }
    let product = product(a, b, env, status);
    if product.is_nan() { product } else { add(&product, c, env, status) }
}

pub fn divide(a: &Number, b: &Number, env: &Env, status: &mut Status) -> Number {
    let negative = a.negative != b.negative;
    if a.is_special() || b.is_special() {
        if let Some(nan) = Number::nan_of(&[a, b], env, status) {
            return nan;
        }
        return match (a.is_infinite(), b.is_infinite()) {
            (true, true) => Number::invalid(status, flags::INVALID_OPERATION),
            (true, false) => Number::infinite(negative),
            _ => {
                *status |= flags::CLAMPED;
                Number::finite(negative, Coefficient::ZERO, env.etiny())
            }
        };
    }
    if b.coefficient.is_zero() {
        if a.coefficient.is_zero() {
            return Number::invalid(status, flags::DIVISION_UNDEFINED);
        }
        *status |= flags::DIVISION_BY_ZERO;
        return Number::infinite(negative);
    }
    let ideal = a.exponent - b.exponent;
    if a.coefficient.is_zero() {
        return Number::finite(negative, Coefficient::ZERO, ideal).finalized(env, status);
    }
    let shift = b.digits() - a.digits() + env.prec + 1;
    let mut exponent = ideal - shift;
    let (x, y) = if shift > 0 {
        match a.coefficient.scaled_up(shift) {
            Some(x) => (x, b.coefficient.clone()),
            None => return Number::no_memory(status),
        }
    } else {
        match b.coefficient.scaled_up(-shift) {
            Some(y) => (a.coefficient.clone(), y),
            None => return Number::no_memory(status),
        }
    };
    let (mut quotient, rest) = x.div_rem(&y);
    if !rest.is_zero() {
        // A trace of the rest, where a zero or a half could be taken for exact.
        if quotient.last_digit() % 5 == 0 {
            quotient = quotient.add_small(1);
        }
    } else if exponent < ideal {
        let zeros;
        (quotient, zeros) = quotient.stripped(ideal - exponent);
        exponent += zeros;
    }
    Number::finite(negative, quotient, exponent).finalized(env, status)
}

/// Whole quotient and rest of finite numbers; None if the quotient is too long.
fn whole_division(a: &Number, b: &Number, env: &Env, status: &mut Status) -> Option<(Number, Number)> {
    let negative = a.negative != b.negative;
    let exponent = a.exponent.min(b.exponent);
    if a.coefficient.is_zero() || a.adjusted() < b.adjusted() {
        let quotient = Number::finite(negative, Coefficient::ZERO, 0);
        let rest = match a.coefficient.scaled_up(a.exponent - exponent) {
            Some(coefficient) => Number::finite(a.negative, coefficient, exponent),
            None => Number::no_memory(status),
        };
        return Some((quotient, rest));
    }
    if a.adjusted() - b.adjusted() > env.prec {
        *status |= flags::DIVISION_IMPOSSIBLE;
        return None;
    }
    let scaled =
        (a.coefficient.scaled_up(a.exponent - exponent), b.coefficient.scaled_up(b.exponent - exponent));
    let (Some(x), Some(y)) = scaled else {
        *status |= flags::NO_MEMORY;
        return None;
    };
    let (quotient, rest) = x.div_rem(&y);
    if quotient.digits() > env.prec {
        *status |= flags::DIVISION_IMPOSSIBLE;
        return None;
    }
    Some((Number::finite(negative, quotient, 0), Number::finite(a.negative, rest, exponent)))
}

/// `divmod`; both are NaN if one is.
pub fn divmod(a: &Number, b: &Number, env: &Env, status: &mut Status) -> (Number, Number) {
    let negative = a.negative != b.negative;
    if a.is_special() || b.is_special() {
        if let Some(nan) = Number::nan_of(&[a, b], env, status) {
            return (nan.clone(), nan);
        }
        if a.is_infinite() {
            *status |= flags::INVALID_OPERATION;
            let quotient = if b.is_infinite() { Number::nan() } else { Number::infinite(negative) };
            return (quotient, Number::nan());
        }
        let rest = a.clone().finalized(env, status);
        return (Number::finite(negative, Coefficient::ZERO, 0), rest);
    }
    if b.coefficient.is_zero() {
        if a.coefficient.is_zero() {
            *status |= flags::DIVISION_UNDEFINED;
            return (Number::nan(), Number::nan());
        }
        *status |= flags::DIVISION_BY_ZERO | flags::INVALID_OPERATION;
        return (Number::infinite(negative), Number::nan());
    }
    match whole_division(a, b, env, status) {
        Some((quotient, rest)) => (quotient.finalized(env, status), rest.finalized(env, status)),
        None => (Number::nan(), Number::nan()),
    }
}

/// `a // b`.
pub fn divide_int(a: &Number, b: &Number, env: &Env, status: &mut Status) -> Number {
    let negative = a.negative != b.negative;
    if a.is_special() || b.is_special() {
        if let Some(nan) = Number::nan_of(&[a, b], env, status) {
            return nan;
        }
        return match (a.is_infinite(), b.is_infinite()) {
            (true, true) => Number::invalid(status, flags::INVALID_OPERATION),
            (true, false) => Number::infinite(negative),
            _ => Number::finite(negative, Coefficient::ZERO, 0),
        };
    }
    if b.coefficient.is_zero() {
        if a.coefficient.is_zero() {
            return Number::invalid(status, flags::DIVISION_UNDEFINED);
        }
        *status |= flags::DIVISION_BY_ZERO;
        return Number::infinite(negative);
    }
    match whole_division(a, b, env, status) {
        Some((quotient, _)) => quotient.finalized(env, status),
        None => Number::nan(),
    }
}

/// What is special about a rest: None if the division can be done.
fn special_rest(a: &Number, b: &Number, env: &Env, status: &mut Status) -> Option<Number> {
    if a.is_special() || b.is_special() {
        if let Some(nan) = Number::nan_of(&[a, b], env, status) {
            return Some(nan);
        }
        if a.is_infinite() {
            return Some(Number::invalid(status, flags::INVALID_OPERATION));
        }
        return Some(a.clone().finalized(env, status));
    }
    if b.coefficient.is_zero() {
        let condition =
            if a.coefficient.is_zero() { flags::DIVISION_UNDEFINED } else { flags::INVALID_OPERATION };
        return Some(Number::invalid(status, condition));
    }
    None
}

/// `a % b`, with the sign of `a`.
pub fn remainder(a: &Number, b: &Number, env: &Env, status: &mut Status) -> Number {
    if let Some(result) = special_rest(a, b, env, status) {
        return result;
    }
    match whole_division(a, b, env, status) {
        Some((_, rest)) => rest.finalized(env, status),
        None => Number::nan(),
    }
}

/// `a - b * n`, where `n` is the integer nearest to the quotient, the even one of two.
pub fn remainder_near(a: &Number, b: &Number, env: &Env, status: &mut Status) -> Number {
    if let Some(result) = special_rest(a, b, env, status) {
        return result;
    }
    let exponent = a.exponent.min(b.exponent);
    if a.coefficient.is_zero() {
        return Number::finite(a.negative, Coefficient::ZERO, exponent).finalized(env, status);
    }
    if a.adjusted() - b.adjusted() > env.prec {
        return Number::invalid(status, flags::DIVISION_IMPOSSIBLE);
    }
    if a.adjusted() < b.adjusted() - 1 {
        let Some(coefficient) = a.coefficient.scaled_up(a.exponent - exponent) else {
            return Number::no_memory(status);
        };
        return Number::finite(a.negative, coefficient, exponent).finalized(env, status);
    }
    let scaled =
        (a.coefficient.scaled_up(a.exponent - exponent), b.coefficient.scaled_up(b.exponent - exponent));
    let (Some(x), Some(y)) = scaled else { return Number::no_memory(status) };
    let (mut quotient, mut rest) = x.div_rem(&y);
    let mut negative = a.negative;
    let up = match rest.add(&rest).order(&y) {
        Ordering::Less => false,
        Ordering::Equal => !quotient.is_even(),
        Ordering::Greater => true,
    };
    if up {
        quotient = quotient.add_small(1);
        rest = y.distance(&rest);
        negative = !negative;
    }
    if quotient.digits() > env.prec {
        return Number::invalid(status, flags::DIVISION_IMPOSSIBLE);
    }
    Number::finite(negative, rest, exponent).finalized(env, status)
}

/// Unary plus and minus: rounded, and no negative zero unless everything is rounded
/// down.
pub fn signed(a: &Number, negate: bool, env: &Env, status: &mut Status) -> Number {
    if let Some(nan) = Number::nan_of(&[a], env, status) {
        return nan;
    }
    let mut result = a.clone();
    result.negative = a.negative != negate && (!a.is_zero() || env.round == Rounding::Floor);
    result.finalized(env, status)
}

pub fn absolute(a: &Number, env: &Env, status: &mut Status) -> Number {
    signed(a, a.negative, env, status)
}

/// The simplest form: no zeros at the end of the coefficient.
pub fn reduce(a: &Number, env: &Env, status: &mut Status) -> Number {
    if let Some(nan) = Number::nan_of(&[a], env, status) {
        return nan;
    }
    let mut result = a.clone().finalized(env, status);
    if result.kind != Kind::Finite {
        return result;
    }
    if result.coefficient.is_zero() {
        result.exponent = 0;
        return result;
    }
    let most = if env.clamp { env.etop() } else { env.emax };
    let (coefficient, zeros) = result.coefficient.stripped(most - result.exponent);
    result.coefficient = coefficient;
    result.exponent += zeros;
    result
}

/// The number as an integer, for those that are: magnitude and sign.
pub fn to_integer(a: &Number) -> Option<Coefficient> {
    if a.exponent >= 0 {
        a.coefficient.scaled_up(a.exponent)
    } else {
        Some(a.coefficient.scaled_down(-a.exponent).0)
    }
}

/// Ten to a power as a number.
pub fn ten_to(n: i64) -> Option<Coefficient> {
    power_of_ten(n)
}
