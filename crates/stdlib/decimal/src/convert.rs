//! From Python objects to numbers and back.

use crate::context::{Context, ssize};
use crate::decimal::{Decimal, object};
use crate::number::coefficient::Coefficient;
use crate::number::{Env, Kind, Number, Rounding, Status, adjust, arithmetic, flags, text};
use std::borrow::Cow;
use taipan_numeric::BigInt;
use taipan_runtime::prelude::*;
use taipan_runtime::types::int::{self, IntView};
use taipan_runtime::types::int_methods::folded_text;
use taipan_runtime::types::{float, tuple};

/// The number of an int.
pub fn of_int(n: &IntView) -> Number {
    let coefficient = match n {
        IntView::Small(n) => Coefficient::Small(n.unsigned_abs() as u128),
        IntView::Big(n) => Coefficient::from_big((*n).clone()),
    };
    Number::finite(n.is_negative(), coefficient, 0)
}

/// The number of a float, exactly.
pub fn of_float(x: f64) -> Number {
    let negative = x.is_sign_negative();
    if x.is_nan() {
        return Number::nan().with_sign(negative);
    }
    if x.is_infinite() {
        return Number::infinite(negative);
    }
    let bits = x.to_bits();
    let biased = (bits >> 52 & 0x7ff) as i64;
    let fraction = bits & ((1 << 52) - 1);
    let (mantissa, exponent) =
        if biased == 0 { (fraction, -1074) } else { (fraction | 1 << 52, biased - 1075) };
    if mantissa == 0 {
        return Number::finite(negative, Coefficient::ZERO, 0);
    }
    let spare = (mantissa.trailing_zeros() as i64).min((-exponent).max(0));
    let (mantissa, exponent) = (BigInt::from(mantissa >> spare), exponent + spare);
    // m / 2^n = m * 5^n / 10^n
    let product = if exponent >= 0 {
        mantissa.shl(exponent as u64)
    } else {
        BigInt::from(5u32).pow(exponent.unsigned_abs()).and_then(|power| mantissa.mul(&power))
    };
    let coefficient = Coefficient::from_big(product.unwrap_or(BigInt::ZERO));
    Number::finite(negative, coefficient, exponent.min(0))
}

/// The number of an operand: a Decimal or an int.
#[inline]
pub fn operand(object: &Object) -> Option<Cow<'_, Number>> {
    if let Some(decimal) = object.downcast::<Decimal>() {
        return Some(Cow::Borrowed(&decimal.number));
    }
    int::view(object).map(|n| Cow::Owned(of_int(&n)))
}

/// As [`operand`], or TypeError.
pub fn required<'a>(vm: &Vm, object: &'a Object) -> Result<Cow<'a, Number>> {
    operand(object).ok_or_else(|| unsupported(vm, object))
}

#[cold]
pub fn unsupported(vm: &Vm, object: &Object) -> Raised {
    vm.type_error(format!("conversion from {} to Decimal is not supported", object.ty().full_name()))
}

fn is_space(c: char) -> bool {
    c.is_ascii_whitespace() || matches!(c, '\x0b' | '\x1c'..='\x1f')
}

/// Reads a string; what is no number becomes NaN.
fn of_text(text: &Str, strictly: bool, status: &mut Status) -> Number {
    let parsed = match text.as_ascii() {
        _ if strictly => text::parse(folded_text(text).as_bytes()),
        Some(plain) if !plain.contains(|c: char| c == '_' || is_space(c)) => text::parse(plain.as_bytes()),
        // Digits of all scripts count; underscores do not.
        _ => text::parse(folded_text(text).trim_matches(is_space).replace('_', "").as_bytes()),
    };
    parsed.unwrap_or_else(|| Number::invalid(status, flags::CONVERSION_SYNTAX))
}

/// A number as it is; NaN if it is beyond all contexts.
fn exact(number: Number, status: &mut Status) -> Number {
    let mut work = 0;
    let number = number.finalized(&Env::MAX, &mut work);
    if work & (flags::INEXACT | flags::ROUNDED | flags::CLAMPED) != 0 {
        return Number::invalid(status, flags::INVALID_OPERATION);
    }
    *status |= work & flags::ERRORS;
    number
}

/// A number within a context; NaN if its diagnostic information does not fit.
fn within(number: Number, env: &Env, status: &mut Status) -> Number {
    if number.is_nan() && !number.coefficient.is_zero() && number.digits() > env.prec - env.clamp as i64 {
        return Number::invalid(status, flags::CONVERSION_SYNTAX);
    }
    number.finalized(env, status)
}

/// The number of any object that one can be made of. Exactly, or rounded by the
/// context, which notes the conditions in either case.
pub fn of_object(vm: &Vm, value: &Object, context: &Context, rounded: bool) -> Result<Number> {
    let mut status = 0;
    let number = if let Some(text) = value.downcast::<Str>() {
        of_text(text, rounded, &mut status)
    } else if let Some(n) = int::view(value) {
        of_int(&n)
    } else if let Some(decimal) = value.downcast::<Decimal>() {
        if !rounded {
            return Ok(decimal.number.clone());
        }
        decimal.number.clone()
    } else if let Some(x) = float::as_f64(value) {
        context.meet(vm, flags::FLOAT_OPERATION)?;
        of_float(x)
    } else if value.downcast::<Tuple>().is_some() || value.downcast::<List>().is_some() {
        of_parts(vm, &vm.collect(value)?)?
    } else {
        return Err(unsupported(vm, value));
    };
    let number =
        if rounded { within(number, &context.env(), &mut status) } else { exact(number, &mut status) };
    if !rounded {
        status &= flags::ERRORS;
    }
    context.meet(vm, status)?;
    Ok(number)
}

/// Of sign, digits and exponent.
fn of_parts(vm: &Vm, parts: &[Object]) -> Result<Number> {
    let [sign, digits, exponent] = parts else {
        return Err(vm.value_error("argument must be a sequence of length 3"));
    };
    let negative = match int::to_i64(sign) {
        Some(0) => false,
        Some(1) => true,
        _ => return Err(vm.value_error("sign must be an integer with the value 0 or 1")),
    };
    let (kind, exponent) = if let Some(text) = exponent.downcast::<Str>() {
        let kind = match text.as_ascii() {
            Some("F") => Kind::Infinite,
            Some("n") => Kind::QuietNan,
            Some("N") => Kind::SignalingNan,
            _ => return Err(vm.value_error("string argument in the third position must be 'F', 'n' or 'N'")),
        };
        (kind, 0)
    } else if int::is_any_int(exponent) {
        (Kind::Finite, ssize(vm, exponent)?)
    } else {
        return Err(vm.value_error("exponent must be an integer"));
    };
    let wrong = || vm.value_error("coefficient must be a tuple of digits");
    let digits = match (digits.downcast::<Tuple>(), digits.downcast::<List>()) {
        (Some(tuple), _) => tuple.items().to_vec(),
        (_, Some(list)) => list.to_vec(),
        _ => return Err(wrong()),
    };
    let mut text = Vec::with_capacity(digits.len());
    if kind != Kind::Infinite {
        for digit in &digits {
            match int::to_i64(digit) {
                Some(n @ 0..=9) => text.push(b'0' + n as u8),
                _ => return Err(wrong()),
            }
        }
    }
    let limit = 2 * crate::number::HUGE_EXPONENT;
    Ok(Number {
        coefficient: Coefficient::from_digits(&text),
        exponent: exponent.clamp(-limit, crate::number::HUGE_EXPONENT),
        negative,
        kind,
    })
}

/// Rounded to an int.
pub fn to_int(vm: &Vm, number: &Number, round: Rounding) -> Result {
    if number.is_nan() {
        return Err(vm.value_error("cannot convert NaN to integer"));
    }
    if number.is_infinite() {
        return Err(vm.overflow_error("cannot convert Infinity to integer"));
    }
    let mut status = 0;
    let whole = adjust::to_integral(number, false, &Env::MAX.rounding(round), &mut status);
    let Some(coefficient) = arithmetic::to_integer(&whole) else { return Err(vm.memory_error()) };
    Ok(match coefficient {
        Coefficient::Small(n) if n <= i64::MAX as u128 => {
            vm.int(if whole.negative { -(n as i64) } else { n as i64 })
        }
        _ => {
            let n = coefficient.big().into_owned();
            int::from_big(vm, if whole.negative { n.neg() } else { n })
        }
    })
}

pub fn to_f64(vm: &Vm, number: &Number) -> Result<f64> {
    let sign = if number.negative { -1.0 } else { 1.0 };
    match number.kind {
        Kind::SignalingNan => Err(vm.value_error("cannot convert signaling NaN to float")),
        Kind::QuietNan => Ok(f64::NAN.copysign(sign)),
        Kind::Infinite => Ok(f64::INFINITY * sign),
        Kind::Finite => {
            let text = text::to_text(number, text::Style::Scientific, true);
            Ok(text.parse().unwrap_or(f64::NAN))
        }
    }
}

/// Numerator and denominator in lowest terms.
pub fn integer_ratio(vm: &Vm, number: &Number) -> Result {
    if number.is_nan() {
        return Err(vm.value_error("cannot convert NaN to integer ratio"));
    }
    if number.is_infinite() {
        return Err(vm.overflow_error("cannot convert Infinity to integer ratio"));
    }
    let signed = |n: BigInt| int::from_big(vm, if number.negative { n.neg() } else { n });
    if number.exponent >= 0 {
        let Some(n) = arithmetic::to_integer(number) else { return Err(vm.memory_error()) };
        return Ok(tuple::pair(vm, signed(n.big().into_owned()), vm.int(1)));
    }
    if number.coefficient.is_zero() {
        return Ok(tuple::pair(vm, vm.int(0), vm.int(1)));
    }
    let Some(power) = arithmetic::ten_to(-number.exponent) else { return Err(vm.memory_error()) };
    match BigInt::reduce(&number.coefficient.big(), &power.big()) {
        Ok((n, d)) => Ok(tuple::pair(vm, signed(n), int::from_big(vm, d))),
        Err(e) => Err(int::error(vm, e)),
    }
}

/// Python's hash of a number: that of the int, float or Fraction that equals it.
pub fn hash(number: &Number) -> i64 {
    const MODULUS: u128 = (1 << 61) - 1;
    if number.is_infinite() {
        return if number.negative { -314_159 } else { 314_159 };
    }
    let power = |base: u128, mut exponent: u64| {
        let (mut base, mut result) = (base, 1);
        while exponent > 0 {
            if exponent & 1 == 1 {
                result = result * base % MODULUS;
            }
            base = base * base % MODULUS;
            exponent >>= 1;
        }
        result
    };
    // The inverse of ten.
    let inverse = power(10, MODULUS as u64 - 2);
    let base = if number.exponent >= 0 { 10 } else { inverse };
    let coefficient = match &number.coefficient {
        Coefficient::Small(n) => n % MODULUS,
        Coefficient::Big(n) => n.hash().unsigned_abs() as u128 % MODULUS,
    };
    let hash = (coefficient * power(base, number.exponent.unsigned_abs()) % MODULUS) as i64;
    match if number.negative { -hash } else { hash } {
        -1 => -2,
        hash => hash,
    }
}

/// `as_tuple()`.
pub fn parts(vm: &Vm, number: &Number) -> Result {
    let exponent = match number.kind {
        Kind::Finite => vm.int(number.exponent),
        Kind::Infinite => vm.intern("F"),
        Kind::QuietNan => vm.intern("n"),
        Kind::SignalingNan => vm.intern("N"),
    };
    let digits = if number.is_nan() && number.coefficient.is_zero() {
        Vec::new()
    } else {
        number.coefficient.text().bytes().map(|d| vm.int((d - b'0') as i64)).collect()
    };
    let class = vm.shared(crate::DECIMAL_TUPLE).unwrap_or(Object::NONE);
    vm.call(&class, &[vm.int(number.negative as i64), vm.tuple(digits), exponent])
}

/// A Decimal of an operation's result, once its conditions have been noted.
#[inline]
pub fn finished(vm: &Vm, context: &Context, number: Number, status: Status) -> Result {
    context.meet(vm, status)?;
    Ok(object(vm, number))
}
