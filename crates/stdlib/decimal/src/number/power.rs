//! Powers, and powers modulo a number.

use super::arithmetic;
use super::coefficient::Coefficient;
use super::functions::{self, out_of_range};
use super::{Env, Number, Rounding, Status, flags, order};
use std::cmp::Ordering;
use taipan_numeric::BigInt;

/// Digits of the largest exponent.
const EXPONENT_DIGITS: i64 = 19;

fn one_with_zeros(negative: bool, zeros: i64, status: &mut Status) -> Number {
    match arithmetic::ten_to(zeros) {
        Some(power) => Number::finite(negative, power, -zeros),
        None => Number::no_memory(status),
    }
}

pub fn power(base: &Number, exponent: &Number, env: &Env, status: &mut Status) -> Number {
    if let Some(nan) = Number::nan_of(&[base, exponent], env, status) {
        return nan;
    }
    let whole = exponent.is_integer();
    let negative = base.negative && exponent.is_odd();
    if exponent.is_zero() {
        if base.is_zero() {
            return Number::invalid(status, flags::INVALID_OPERATION);
        }
        return Number::one();
    }
    if base.is_zero() {
        return if exponent.negative {
            if base.negative && !whole && !exponent.is_infinite() {
                Number::infinite(false)
            } else {
                Number::infinite(negative)
            }
        } else {
            Number::finite(negative, Coefficient::ZERO, 0)
        };
    }
    if base.negative && (!whole || exponent.is_infinite()) {
        return Number::invalid(status, flags::INVALID_OPERATION);
    }
    let against_one = order::magnitudes(base, &Number::one());
    if exponent.is_infinite() {
        return match against_one {
            Ordering::Equal => {
                *status |= flags::INEXACT | flags::ROUNDED;
                one_with_zeros(negative, env.prec - 1, status)
            }
            order if (order == Ordering::Less) != exponent.negative => {
                Number::finite(negative, Coefficient::ZERO, 0)
            }
            _ => Number::infinite(negative),
        };
    }
    if base.is_infinite() {
        return if exponent.negative {
            Number::finite(negative, Coefficient::ZERO, 0)
        } else {
            Number::infinite(negative)
        };
    }
    if against_one == Ordering::Equal {
        return power_of_one(base, exponent, whole, negative, env, status);
    }
    if let Some(large) = beyond_range(base, exponent, env) {
        if large {
            return out_of_range(negative, true, env, status);
        }
        return Number::finite(negative, Coefficient::ONE, env.etiny() - 1).finalized(env, status);
    }
    if whole {
        whole_power(base, exponent, negative, env, status)
    } else {
        real_power(base, exponent, env, status)
    }
}

/// 1, 1.0, ... to a power: the zeros behind the point are multiplied.
fn power_of_one(
    base: &Number,
    exponent: &Number,
    whole: bool,
    negative: bool,
    env: &Env,
    status: &mut Status,
) -> Number {
    if !whole {
        *status |= flags::INEXACT | flags::ROUNDED;
        return one_with_zeros(negative, env.prec - 1, status);
    }
    if exponent.negative {
        return Number::finite(negative, Coefficient::ONE, 0);
    }
    let zeros = arithmetic::to_integer(exponent)
        .and_then(|n| n.mul(&Coefficient::Small(base.exponent.unsigned_abs() as u128)))
        .and_then(|n| n.to_u64())
        .and_then(|n| i64::try_from(n).ok())
        .unwrap_or(i64::MAX);
    if zeros > env.prec - 1 {
        *status |= flags::ROUNDED;
    }
    one_with_zeros(negative, zeros.min(env.prec - 1), status)
}

/// How many digits an exponent has.
fn digits_of(n: i64) -> i64 {
    Coefficient::Small(n.unsigned_abs() as u128).digits()
}

/// Is the power certainly too large (Some(true)) or too small for the environment?
/// The bounds are as coarse as those of libmpdec: what becomes of numbers in between
/// depends on it, in some roundings.
fn beyond_range(base: &Number, exponent: &Number, env: &Env) -> Option<bool> {
    let adjusted = base.adjusted();
    // A bound of log10(|log10(base)|) from below, and whether the base is above 1.
    let (magnitude, above) = if adjusted > 0 {
        (digits_of(adjusted) - 1, true)
    } else if adjusted < -1 {
        (digits_of(adjusted + 1) - 1, false)
    } else {
        let mut work = 0;
        let exact = Env { prec: base.digits() + 2, ..Env::MAX };
        let mut distance =
            arithmetic::subtract(&base.clone().with_sign(false), &Number::one(), &exact, &mut work);
        let above = !distance.negative;
        distance.negative = false;
        (distance.adjusted() - if adjusted == 0 { 2 } else { 1 }, above)
    };
    let large = above != exponent.negative;
    let most = if large { env.emax } else { env.etiny() };
    if digits_of(most) < exponent.adjusted() + magnitude { Some(large) } else { None }
}

fn whole_power(base: &Number, exponent: &Number, negative: bool, env: &Env, status: &mut Status) -> Number {
    let mut work = Env {
        prec: env.prec.saturating_add(exponent.digits() + exponent.exponent + 2),
        round: Rounding::HalfEven,
        clamp: false,
        ..*env
    };
    let mut inverse = base.clone();
    if exponent.negative {
        work.prec += 1;
        inverse = arithmetic::divide(&Number::one(), base, &work, status);
    }
    let Some(n) = arithmetic::to_integer(exponent) else { return Number::no_memory(status) };
    let mut result = inverse.clone();
    let mut conditions = 0;
    for bit in (0..n.bit_length().saturating_sub(1)).rev() {
        result = arithmetic::multiply(&result, &result, &work, &mut conditions);
        if n.bit(bit) {
            result = arithmetic::multiply(&result, &inverse, &work, &mut conditions);
        }
        if result.is_special() || result.coefficient.is_zero() && conditions & flags::CLAMPED != 0 {
            break;
        }
    }
    *status |= conditions;
    result.negative = negative;
    if result.is_infinite() {
        // Directed rounding makes something else of an overflow.
        return out_of_range(negative, true, env, status);
    }
    result.finalized(env, status)
}

fn real_power(base: &Number, exponent: &Number, env: &Env, status: &mut Status) -> Number {
    let work = Env { prec: base.digits().max(env.prec).saturating_add(4 + EXPONENT_DIGITS), ..Env::MAX };
    let mut conditions = 0;
    let logarithm = functions::ln(base, &work, &mut conditions);
    let product = arithmetic::multiply(&logarithm, exponent, &work, &mut conditions);
    let mut result = functions::exp(&product, &work, status);
    *status |= conditions & flags::ERRORS | flags::INEXACT | flags::ROUNDED;
    if result.is_infinite() {
        return out_of_range(false, true, env, status);
    }
    if result.is_finite() && order::values(&result, &Number::one()) == Ordering::Equal {
        result = one_with_zeros(false, env.prec - 1, status);
    }
    result.finalized(env, status)
}

/// `base ** exponent % modulus` of integers.
pub fn power_modulo(
    base: &Number,
    exponent: &Number,
    modulus: &Number,
    env: &Env,
    status: &mut Status,
) -> Number {
    if let Some(nan) = Number::nan_of(&[base, exponent, modulus], env, status) {
        return nan;
    }
    let wrong = !base.is_integer()
        || !exponent.is_integer()
        || !modulus.is_integer()
        || modulus.is_zero()
        || modulus.digits() + modulus.exponent > env.prec
        || exponent.negative && !exponent.is_zero()
        || base.is_zero() && exponent.is_zero();
    if wrong {
        return Number::invalid(status, flags::INVALID_OPERATION);
    }
    let Some(m) = arithmetic::to_integer(modulus) else { return Number::no_memory(status) };
    match power_of_integers(base, exponent, &m.big()) {
        Some(result) => {
            let negative = base.negative && exponent.is_odd();
            Number::finite(negative, Coefficient::from_big(result), 0)
        }
        None => Number::no_memory(status),
    }
}

/// The power of magnitudes modulo a number, without writing long operands out.
fn power_of_integers(base: &Number, exponent: &Number, modulus: &BigInt) -> Option<BigInt> {
    /// That many times the tenth power is taken.
    const MOST_ZEROS: i64 = 1_000_000;
    let ten = BigInt::from(10u32);
    let mut x = if base.exponent > 0 {
        let power = ten.pow_mod(&BigInt::from(base.exponent), modulus).ok()?;
        base.coefficient.big().mul(&power).ok()?
    } else {
        arithmetic::to_integer(base)?.big().into_owned()
    };
    let mut n = exponent.clone();
    if (1..=MOST_ZEROS).contains(&exponent.exponent) {
        for _ in 0..exponent.exponent {
            x = x.pow_mod(&ten, modulus).ok()?;
        }
        n.exponent = 0;
    }
    x.pow_mod(&arithmetic::to_integer(&n)?.big(), modulus).ok()
}
