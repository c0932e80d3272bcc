//! Square roots, exponentials and logarithms, correctly rounded: computed in
//! binary fixed point with some digits more, and again with more of them while
//! the rounding is in doubt.

use super::coefficient::{Coefficient, MOST_DIGITS};
use super::{Env, HUGE_EXPONENT, Number, Rounding, Status, arithmetic, flags, order};
use std::cell::RefCell;
use std::cmp::Ordering;
use taipan_numeric::{BigInt, IntError};

type Big<T = BigInt> = Result<T, IntError>;

pub fn sqrt(a: &Number, env: &Env, status: &mut Status) -> Number {
    if let Some(nan) = Number::nan_of(&[a], env, status) {
        return nan;
    }
    let ideal = a.exponent.div_euclid(2);
    if a.is_zero() {
        return Number::finite(a.negative, Coefficient::ZERO, ideal).finalized(env, status);
    }
    if a.negative {
        return Number::invalid(status, flags::INVALID_OPERATION);
    }
    if a.is_infinite() {
        return a.clone();
    }
    let env = env.rounding(Rounding::HalfEven);
    // A coefficient of an even exponent, with two digits for each of the result and one more.
    let odd = a.exponent.rem_euclid(2);
    let digits = a.digits() + odd;
    let shift = env.prec + 1 - (digits + 1) / 2;
    let exact_shift;
    let scaled = if shift >= 0 {
        exact_shift = true;
        a.coefficient.scaled_up(odd + 2 * shift)
    } else {
        let (scaled, rest) = match a.coefficient.scaled_up(odd) {
            Some(c) => c.scaled_down(-2 * shift),
            None => return Number::no_memory(status),
        };
        exact_shift = rest == super::Rest::Zero;
        Some(scaled)
    };
    let Some(scaled) = scaled else { return Number::no_memory(status) };
    let Ok(root) = scaled.big().isqrt() else { return Number::no_memory(status) };
    let root = Coefficient::from_big(root);
    let exact = exact_shift && root.mul(&root).is_some_and(|square| square == scaled);
    let exponent = ideal - shift;
    if exact {
        let (coefficient, zeros) = root.stripped((ideal - exponent).max(0));
        return Number::finite(false, coefficient, exponent + zeros).finalized(&env, status);
    }
    let root = if root.last_digit() % 5 == 0 { root.add_small(1) } else { root };
    Number::finite(false, root, exponent).finalized(&env, status)
}

// ---- fixed point ----------------------------------------------------------------------------

fn shifted(n: &BigInt, by: i64) -> Big {
    if by >= 0 { n.shl(by as u64) } else { Ok(n.shr(by.unsigned_abs())) }
}

fn int(n: i64) -> BigInt {
    BigInt::from(n)
}

/// `2 * atanh(1/n)` in fixed point.
fn twice_inverse_atanh(n: i64, bits: i64) -> Big {
    let square = int(n * n);
    let mut term = shifted(&int(2), bits)?.floor_div(&int(n))?;
    let (mut sum, mut k) = (term.clone(), 1);
    while !term.is_zero() {
        term = term.floor_div(&square)?;
        k += 2;
        sum = sum.add(&term.floor_div(&int(k))?);
    }
    Ok(sum)
}

thread_local! {
    /// The logarithms of 2 and of 10, and with how many bits.
    static LOGARITHMS: RefCell<(i64, BigInt, BigInt)> = const { RefCell::new((0, BigInt::ZERO, BigInt::ZERO)) };
}

/// The natural logarithms of 2 and of 10.
fn logarithms(bits: i64) -> Big<(BigInt, BigInt)> {
    let kept = LOGARITHMS.with(|kept| {
        let kept = kept.borrow();
        if kept.0 >= bits { Some((kept.0, kept.1.clone(), kept.2.clone())) } else { None }
    });
    let (have, ln2, ln10) = match kept {
        Some(kept) => kept,
        None => {
            let more = bits + 64;
            let [a, b, c] = [31, 49, 161].map(|n| twice_inverse_atanh(n, more));
            let (a, b, c) = (a?, b?, c?);
            let combine = |x: i64, y: i64, z: i64| -> Big {
                Ok(a.mul(&int(x))?.add(&b.mul(&int(y))?).add(&c.mul(&int(z))?))
            };
            let (ln2, ln10) = (combine(7, 5, 3)?, combine(23, 17, 10)?);
            LOGARITHMS.with(|kept| *kept.borrow_mut() = (more, ln2.clone(), ln10.clone()));
            (more, ln2, ln10)
        }
    };
    Ok((ln2.shr((have - bits) as u64), ln10.shr((have - bits) as u64)))
}

/// `exp(x)` for `x` from 0 to 4, in fixed point; the last bits are not exact.
fn exp_fixed(x: &BigInt, bits: i64) -> Big {
    // exp(x) = exp(x / 2^k) ^ (2^k)
    let halvings = ((bits as f64).sqrt() as i64).max(4);
    let work = bits + 2 * halvings + 16;
    let x = shifted(x, work - bits - halvings)?;
    let mut sum = shifted(&BigInt::ONE, work)?;
    let mut term = sum.clone();
    let mut n = 1;
    loop {
        term = term.mul(&x)?.shr(work as u64).floor_div(&int(n))?;
        if term.is_zero() {
            break;
        }
        sum = sum.add(&term);
        n += 1;
    }
    for _ in 0..halvings {
        sum = sum.mul(&sum)?.shr(work as u64);
    }
    Ok(sum.shr((work - bits) as u64))
}

/// `ln(x)` for `x` from 1/2 to 2, in fixed point.
fn ln_fixed(x: &BigInt, bits: i64) -> Big {
    // ln(x) = 2^k ln(x^(1/2^k)), and ln(y) = 2 atanh((y - 1) / (y + 1)).
    let roots = ((bits as f64).sqrt() as i64 / 3).max(3);
    let work = bits + 2 * roots + 16;
    let one = shifted(&BigInt::ONE, work)?;
    let mut y = shifted(x, work - bits)?;
    for _ in 0..roots {
        y = shifted(&y, work)?.isqrt()?;
    }
    let z = shifted(&y.sub(&one), work)?.floor_div(&y.add(&one))?;
    let square = z.mul(&z)?.shr(work as u64);
    let (mut term, mut sum, mut k) = (z.clone(), z, 1);
    loop {
        term = term.mul(&square)?.shr(work as u64);
        k += 2;
        let part = term.floor_div(&int(k))?;
        // Rounding down never ends at zero for negative ones.
        if part.is_zero() || part.cmp_i64(-1) == Ordering::Equal {
            break;
        }
        sum = sum.add(&part);
    }
    shifted(&sum, roots + 1 - (work - bits))
}

/// The number in fixed point.
fn to_fixed(a: &Number, bits: i64) -> Big {
    let coefficient = a.coefficient.big();
    let magnitude = if a.exponent >= 0 {
        let power = int(10).pow(a.exponent as u64)?;
        shifted(&coefficient.mul(&power)?, bits)?
    } else {
        let power = int(10).pow(a.exponent.unsigned_abs())?;
        shifted(&coefficient, bits)?.floor_div(&power)?
    };
    Ok(if a.negative { magnitude.neg() } else { magnitude })
}

/// So many digits of a fixed-point number: an integer times ten to the power of
/// the negative count of places.
fn digits_of(fixed: &BigInt, bits: i64, places: i64) -> Big {
    if places >= 0 {
        Ok(fixed.mul(&int(10).pow(places as u64)?)?.shr(bits as u64))
    } else {
        shifted(&int(10).pow(places.unsigned_abs())?, bits).and_then(|power| fixed.floor_div(&power))
    }
}

/// Is it certain how an approximation is rounded, its last digits being wrong by
/// less than `error`?
fn is_certain(value: &Coefficient, error: u8, prec: i64) -> bool {
    let excess = value.digits() - prec;
    if excess < 3 {
        return false;
    }
    let error = Coefficient::Small(error as u128);
    let lower = value.distance(&error).scaled_down(excess);
    let upper = value.add(&error).scaled_down(excess);
    lower == upper && lower.1 != super::Rest::Zero && lower.1 != super::Rest::Half
}

fn bits_for(digits: i64) -> i64 {
    // log2(10) is 3.3219...
    digits * 3322 / 1000 + 32
}

/// Repeats a computation with more digits until it can be rounded.
fn rounded(env: &Env, status: &mut Status, compute: impl Fn(i64) -> Big<Option<(BigInt, i64)>>) -> Number {
    approximated(env, status, compute).finalized(env, status)
}

/// As many digits as it takes to round.
fn approximated(
    env: &Env,
    status: &mut Status,
    compute: impl Fn(i64) -> Big<Option<(BigInt, i64)>>,
) -> Number {
    let mut guard = 12;
    loop {
        let digits = env.prec.saturating_add(guard);
        if digits > MOST_DIGITS / 8 {
            return Number::no_memory(status);
        }
        match compute(digits) {
            Ok(Some((value, exponent))) => {
                let negative = value.is_negative();
                let coefficient = Coefficient::from_big(value);
                if is_certain(&coefficient, 64, env.prec) {
                    return Number::finite(negative, coefficient, exponent);
                }
            }
            Ok(None) => {}
            Err(_) => return Number::no_memory(status),
        }
        guard *= 2;
    }
}

/// What rounds to an overflow, or to an underflow.
pub fn out_of_range(negative: bool, large: bool, env: &Env, status: &mut Status) -> Number {
    let exponent = if large { HUGE_EXPONENT } else { -2 * HUGE_EXPONENT };
    Number::finite(negative, Coefficient::ONE, exponent).finalized(env, status)
}

pub fn exp(a: &Number, env: &Env, status: &mut Status) -> Number {
    if let Some(nan) = Number::nan_of(&[a], env, status) {
        return nan;
    }
    if a.is_infinite() {
        return if a.negative { Number::finite(false, Coefficient::ZERO, 0) } else { a.clone() };
    }
    if a.coefficient.is_zero() {
        return Number::one();
    }
    let env = env.rounding(Rounding::HalfEven);
    let adjusted = a.adjusted();
    if adjusted >= 19 {
        return out_of_range(false, !a.negative, &env, status);
    }
    let limit = Number::finite(false, Coefficient::Small(9), -env.prec - 4);
    if order::magnitudes(a, &limit) != Ordering::Greater {
        // Next to 1; on its other side only in digits that do not count.
        let Some(power) = arithmetic::ten_to(env.prec - 1) else { return Number::no_memory(status) };
        *status |= flags::INEXACT | flags::ROUNDED;
        return Number::finite(false, power, 1 - env.prec).finalized(&env, status);
    }
    rounded(&env, status, |digits| {
        // x = n ln(10) + r; the digits of x before the point are lost in r.
        let bits = bits_for(digits + adjusted.max(0) + 2);
        let (_, ln10) = logarithms(bits)?;
        let (n, rest) = to_fixed(a, bits)?.divmod(&ln10)?;
        let value = exp_fixed(&rest, bits)?;
        let value = digits_of(&value, bits, digits - 1)?;
        Ok(n.to_i64().map(|n| (value, n - digits + 1)))
    })
}

/// `ln(a)` in fixed point with that many correct digits behind the first one, for
/// positive numbers but 1; and its number of bits.
fn ln_with_digits(a: &Number, digits: i64) -> Big<(BigInt, i64)> {
    // Next to 1, digits are lost.
    let distance = {
        let mut work = 0;
        let env = Env { prec: a.digits() + a.exponent.abs().min(MOST_DIGITS) + 2, ..Env::MAX };
        if a.adjusted() == 0 || a.adjusted() == -1 {
            arithmetic::subtract(a, &Number::one(), &env, &mut work).adjusted()
        } else {
            0
        }
    };
    let exponent_digits = Coefficient::Small(a.adjusted().unsigned_abs() as u128).digits();
    let bits = bits_for(digits - distance.min(0) + exponent_digits + 2);
    // a = m 2^k 10^e with m from 1/2 to 2
    let (ln2, ln10) = logarithms(bits)?;
    let e = a.exponent;
    let (m, k) = if (-MOST_DIGITS..=0).contains(&e) && a.adjusted().abs() <= 1 {
        // Near 1 all must be exact, without a logarithm of ten to cancel.
        let fixed = to_fixed(a, bits + 8)?;
        let k = fixed.bit_length() as i64 - 1 - (bits + 8);
        (shifted(&fixed, -8 - k)?, k)
    } else {
        let big = a.coefficient.big();
        let k = big.bit_length() as i64 - 1;
        (shifted(&big, bits - k)?, k)
    };
    // From 1 to 2; the half next to 2 becomes the one below 1.
    let near_two = m.shr((bits - 2).max(0) as u64).cmp_i64(6) != Ordering::Less;
    let (m, k) = if near_two { (m.shr(1), k + 1) } else { (m, k) };
    let e = if (-MOST_DIGITS..=0).contains(&e) && a.adjusted().abs() <= 1 { 0 } else { e };
    let sum = ln_fixed(&m, bits)?.add(&ln2.mul(&int(k))?).add(&ln10.mul(&int(e))?);
    Ok((sum, bits))
}

/// A fixed-point number as an integer of about so many digits, and its exponent.
fn leading_digits(fixed: &BigInt, bits: i64, digits: i64) -> Big<Option<(BigInt, i64)>> {
    if fixed.is_zero() {
        return Ok(None);
    }
    let magnitude = ((fixed.bit_length() as i64 - bits) as f64 * std::f64::consts::LOG10_2).floor() as i64;
    let places = digits - magnitude - 1;
    Ok(Some((digits_of(fixed, bits, places)?, -places)))
}

/// What both logarithms have in common.
fn special_logarithm(a: &Number, env: &Env, status: &mut Status) -> Option<Number> {
    if let Some(nan) = Number::nan_of(&[a], env, status) {
        return Some(nan);
    }
    if a.is_zero() {
        return Some(Number::infinite(true));
    }
    if a.negative {
        return Some(Number::invalid(status, flags::INVALID_OPERATION));
    }
    if a.is_infinite() {
        return Some(Number::infinite(false));
    }
    if order::values(a, &Number::one()) == Ordering::Equal {
        return Some(Number::finite(false, Coefficient::ZERO, 0));
    }
    None
}

pub fn ln(a: &Number, env: &Env, status: &mut Status) -> Number {
    if let Some(result) = special_logarithm(a, env, status) {
        return result;
    }
    let env = env.rounding(Rounding::HalfEven);
    rounded(&env, status, |digits| {
        let (value, bits) = ln_with_digits(a, digits)?;
        leading_digits(&value, bits, digits)
    })
}

pub fn log10(a: &Number, env: &Env, status: &mut Status) -> Number {
    if let Some(result) = special_logarithm(a, env, status) {
        return result.finalized(env, status);
    }
    let env = env.rounding(Rounding::HalfEven);
    if a.coefficient.stripped(i64::MAX).0.is_one() {
        return Number::small(a.adjusted()).finalized(&env, status);
    }
    rounded(&env, status, |digits| {
        let (value, bits) = ln_with_digits(a, digits + 2)?;
        let (_, ln10) = logarithms(bits)?;
        let value = shifted(&value, bits)?.floor_div(&ln10)?;
        leading_digits(&value, bits, digits)
    })
}
