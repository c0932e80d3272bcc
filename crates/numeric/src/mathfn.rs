//! The functions of the `math` module, with their errors.
//!
//! What this is for: the values and errors of `math` for arguments already converted
//! to floats. What it is not: conversion of arguments, integer functions (see `bigint`
//! and `combinatorics`) or sums (see `sums`). std's functions call the C library, as
//! CPython does, so that the results agree to the last bit on the same system.

use std::fmt;

use crate::bigint::{BigInt, IntError};
use crate::float;
use crate::special;

/// Why a function of `math` has no result.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MathError {
    /// `ValueError: math domain error`.
    Domain,
    /// `OverflowError: math range error`.
    Range,
    /// `ValueError`: what was expected, and the argument.
    Expected(&'static str, f64),
    /// `ValueError: expected a positive input` (of an integer).
    ExpectedPositive,
    /// `ValueError: invalid operation in fma`.
    FmaInvalid,
    /// `OverflowError: overflow in fma`.
    FmaOverflow,
    /// `ZeroDivisionError: division by zero` (a logarithm to base one).
    ZeroDivision,
    /// `ValueError: tolerances must be non-negative`.
    NegativeTolerance,
}

impl MathError {
    /// Whether the exception is an `OverflowError`.
    pub fn is_overflow(&self) -> bool {
        matches!(self, MathError::Range | MathError::FmaOverflow)
    }
}

impl fmt::Display for MathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MathError::Domain => "math domain error",
            MathError::Range => "math range error",
            MathError::Expected(what, v) => return write!(f, "expected {what}, got {}", float::repr(*v)),
            MathError::ExpectedPositive => "expected a positive input",
            MathError::FmaInvalid => "invalid operation in fma",
            MathError::FmaOverflow => "overflow in fma",
            MathError::ZeroDivision => "division by zero",
            MathError::NegativeTolerance => "tolerances must be non-negative",
        })
    }
}

impl std::error::Error for MathError {}

type Outcome = Result<f64, MathError>;

/// A nan from a number is outside the domain, described by `what`; an infinity from a
/// finite number is beyond the range.
fn checked(x: f64, r: f64, what: &'static str) -> Outcome {
    if r.is_nan() && !x.is_nan() {
        return Err(if what.is_empty() { MathError::Domain } else { MathError::Expected(what, x) });
    }
    if r.is_infinite() && x.is_finite() {
        return Err(if what.is_empty() { MathError::Range } else { MathError::Expected(what, x) });
    }
    Ok(r)
}

macro_rules! unary {
    ($($(#[$doc:meta])* $name:ident($x:ident) = $value:expr, $what:expr;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// [`MathError`].
        pub fn $name($x: f64) -> Outcome {
            checked($x, $value, $what)
        }
    )*};
}

const FINITE: &str = "a finite input";
const UNIT: &str = "a number in range from -1 up to 1";

unary! {
    /// Arc cosine.
    acos(x) = x.acos(), UNIT;
    /// Arc sine.
    asin(x) = x.asin(), UNIT;
    /// Arc tangent.
    atan(x) = x.atan(), "";
    /// Inverse hyperbolic cosine.
    acosh(x) = special::acosh(x), "argument value not less than 1";
    /// Inverse hyperbolic sine.
    asinh(x) = special::asinh(x), "";
    /// Inverse hyperbolic tangent.
    atanh(x) = special::atanh(x), "a number between -1 and 1";
    /// Cube root.
    cbrt(x) = x.cbrt(), "";
    /// Cosine.
    cos(x) = x.cos(), FINITE;
    /// Hyperbolic cosine.
    cosh(x) = x.cosh(), "";
    /// Error function.
    erf(x) = special::erf(x), "";
    /// Complementary error function.
    erfc(x) = special::erfc(x), "";
    /// e^x.
    exp(x) = x.exp(), "";
    /// 2^x.
    exp2(x) = x.exp2(), "";
    /// e^x - 1.
    expm1(x) = x.exp_m1(), "";
    /// log(1 + x).
    log1p(x) = x.ln_1p(), "argument value > -1";
    /// Sine.
    sin(x) = x.sin(), FINITE;
    /// Hyperbolic sine.
    sinh(x) = x.sinh(), "";
    /// Square root.
    sqrt(x) = x.sqrt(), "a nonnegative input";
    /// Tangent.
    tan(x) = x.tan(), FINITE;
    /// Hyperbolic tangent.
    tanh(x) = x.tanh(), "";
}

/// Arc tangent of `y / x` in the right quadrant.
pub fn atan2(y: f64, x: f64) -> f64 {
    y.atan2(x)
}

const POLE: &str = "a noninteger or positive integer";

/// The gamma function.
///
/// # Errors
/// [`MathError`].
pub fn gamma(x: f64) -> Outcome {
    let r = special::gamma(x).ok_or(MathError::Expected(POLE, x))?;
    if r.is_infinite() && x.is_finite() { Err(MathError::Range) } else { Ok(r) }
}

/// The logarithm of the absolute value of gamma.
///
/// # Errors
/// [`MathError`].
pub fn lgamma(x: f64) -> Outcome {
    let r = special::lgamma(x).ok_or(MathError::Expected(POLE, x))?;
    if r.is_infinite() && x.is_finite() { Err(MathError::Range) } else { Ok(r) }
}

/// Which logarithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Log {
    /// To base e.
    Natural,
    /// To base 2.
    Two,
    /// To base 10.
    Ten,
}

impl Log {
    fn of(self, x: f64) -> f64 {
        match self {
            Log::Natural => x.ln(),
            Log::Two => x.log2(),
            Log::Ten => x.log10(),
        }
    }
}

/// A logarithm of a float.
///
/// # Errors
/// [`MathError::Expected`].
pub fn log(kind: Log, x: f64) -> Outcome {
    if x > 0.0 || x.is_nan() { Ok(kind.of(x)) } else { Err(MathError::Expected("a positive input", x)) }
}

/// A logarithm of an integer of any size.
///
/// # Errors
/// [`MathError::ExpectedPositive`].
pub fn log_int(kind: Log, x: &BigInt) -> Outcome {
    if x.signum() <= 0 {
        return Err(MathError::ExpectedPositive);
    }
    Ok(match x.to_f64() {
        Ok(v) => kind.of(v),
        Err(_) => {
            let (m, e) = x.frexp();
            kind.of(m) + kind.of(2.0) * e as f64
        }
    })
}

/// `log(x, base)` from the two natural logarithms.
///
/// # Errors
/// [`MathError::ZeroDivision`].
pub fn log_base(log_x: f64, log_base: f64) -> Outcome {
    if log_base == 0.0 { Err(MathError::ZeroDivision) } else { Ok(log_x / log_base) }
}

/// C's `fmod`.
///
/// # Errors
/// [`MathError::Domain`].
pub fn fmod(x: f64, y: f64) -> Outcome {
    let r = x % y;
    if r.is_nan() && !x.is_nan() && !y.is_nan() { Err(MathError::Domain) } else { Ok(r) }
}

/// The IEEE 754 remainder: from the nearest multiple of `y`, ties to even.
///
/// # Errors
/// [`MathError::Domain`].
pub fn remainder(x: f64, y: f64) -> Outcome {
    if x.is_nan() || y.is_nan() {
        return Ok(x + y);
    }
    if x.is_infinite() || y == 0.0 {
        return Err(MathError::Domain);
    }
    if y.is_infinite() {
        return Ok(x);
    }
    let (a, b) = (x.abs(), y.abs());
    let m = a % b;
    let c = b - m;
    // m and c are the distances to the multiples below and above.
    let r = if m < c {
        m
    } else if m > c {
        -c
    } else {
        // A tie (c == m is exact): even or odd multiple below?
        m - 2.0 * ((0.5 * (a - m)) % b)
    };
    Ok(1.0f64.copysign(x) * r)
}

/// C's `pow`, with Python's errors.
///
/// # Errors
/// [`MathError::Domain`], [`MathError::Range`].
pub fn pow(x: f64, y: f64) -> Outcome {
    let r = x.powf(y);
    if x.is_finite() && y.is_finite() && !r.is_finite() {
        return Err(if r.is_nan() || x == 0.0 { MathError::Domain } else { MathError::Range });
    }
    Ok(r)
}

/// `x * 2^e`; the caller clamps an `e` beyond `i64`.
///
/// # Errors
/// [`MathError::Range`].
pub fn ldexp(x: f64, e: i64) -> Outcome {
    if x == 0.0 || !x.is_finite() {
        return Ok(x);
    }
    let r = libm::ldexp(x, e.clamp(-10_000, 10_000) as i32);
    if r.is_infinite() { Err(MathError::Range) } else { Ok(r) }
}

/// Mantissa in [0.5, 1) and exponent.
pub fn frexp(x: f64) -> (f64, i32) {
    if x == 0.0 || !x.is_finite() { (x, 0) } else { libm::frexp(x) }
}

/// Fractional and integral part, both with the sign of `x`.
pub fn modf(x: f64) -> (f64, f64) {
    if x.is_infinite() {
        return (0.0f64.copysign(x), x);
    }
    let whole = x.trunc();
    ((x - whole).copysign(x), whole)
}

/// The float `steps` steps from `x` towards `y`.
pub fn nextafter(x: f64, y: f64, steps: u64) -> f64 {
    if steps == 0 {
        return x;
    }
    if x.is_nan() || y.is_nan() {
        return x + y;
    }
    if x == y {
        return y;
    }
    // Positions on the number line: floats in order, both zeros at 0.
    let position = |v: f64| {
        let m = (v.to_bits() & (u64::MAX >> 1)) as i128;
        if v.is_sign_negative() { -m } else { m }
    };
    let (from, to) = (position(x), position(y));
    let distance = (to - from).unsigned_abs();
    if distance <= u128::from(steps) {
        return y;
    }
    let at = if to > from { from + i128::from(steps) } else { from - i128::from(steps) };
    let magnitude = f64::from_bits(at.unsigned_abs() as u64);
    if at < 0 || (at == 0 && x < 0.0) { -magnitude } else { magnitude }
}

/// The value of the least significant bit of `x`.
pub fn ulp(x: f64) -> f64 {
    let x = x.abs();
    if !x.is_finite() {
        return x;
    }
    if x == f64::MAX { x - x.next_down() } else { x.next_up() - x }
}

/// `x * y + z`, rounded once.
///
/// # Errors
/// [`MathError::FmaInvalid`], [`MathError::FmaOverflow`].
pub fn fma(x: f64, y: f64, z: f64) -> Outcome {
    let r = x.mul_add(y, z);
    if r.is_nan() && !x.is_nan() && !y.is_nan() && !z.is_nan() {
        return Err(MathError::FmaInvalid);
    }
    if r.is_infinite() && x.is_finite() && y.is_finite() && z.is_finite() {
        return Err(MathError::FmaOverflow);
    }
    Ok(r)
}

/// `math.isclose`.
///
/// # Errors
/// [`MathError::NegativeTolerance`].
pub fn isclose(a: f64, b: f64, relative: f64, absolute: f64) -> Result<bool, MathError> {
    if relative < 0.0 || absolute < 0.0 {
        return Err(MathError::NegativeTolerance);
    }
    if a == b {
        return Ok(true);
    }
    if a.is_infinite() || b.is_infinite() {
        return Ok(false);
    }
    let d = (b - a).abs();
    Ok(d <= (relative * b).abs() || d <= (relative * a).abs() || d <= absolute)
}

/// Radians to degrees.
pub fn degrees(x: f64) -> f64 {
    x * (180.0 / std::f64::consts::PI)
}

/// Degrees to radians.
pub fn radians(x: f64) -> f64 {
    x * (std::f64::consts::PI / 180.0)
}

/// The greatest integer not above `x`.
///
/// # Errors
/// [`IntError::FromInfinity`], [`IntError::FromNan`].
pub fn floor(x: f64) -> Result<BigInt, IntError> {
    BigInt::from_f64(x.floor())
}

/// The least integer not below `x`.
///
/// # Errors
/// [`IntError::FromInfinity`], [`IntError::FromNan`].
pub fn ceil(x: f64) -> Result<BigInt, IntError> {
    BigInt::from_f64(x.ceil())
}
