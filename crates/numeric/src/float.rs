//! Python's `float`: text, rounding, hashing, comparison, division and power.
//!
//! What this is for: everything `float` does that a machine float does not do by
//! itself. What it is not: formatting with precision (see `float_format`) or the
//! functions of `math` (see `mathfn`).

use std::cmp::Ordering;
use std::fmt;

use crate::bigint::{BigInt, HASH_MODULUS, IntError, compose, decompose};
use crate::bigint_text::strip;
use crate::float_format::shortest;

/// The shortest text that reads back as `v`, as `repr(float)` writes it.
pub fn repr(v: f64) -> String {
    shortest(v, true)
}

/// A string that is no float literal ("could not convert string to float: ...").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseFloatError;

impl fmt::Display for ParseFloatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("could not convert string to float")
    }
}

impl std::error::Error for ParseFloatError {}

/// Removes the underscores of a literal, each of which must stand between digits.
pub(crate) fn without_underscores(s: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(s.len());
    for (i, &b) in s.iter().enumerate() {
        if b != b'_' {
            out.push(b);
            continue;
        }
        let digit = |j: Option<usize>| j.and_then(|j| s.get(j)).is_some_and(u8::is_ascii_digit);
        if !digit(i.checked_sub(1)) || !digit(Some(i + 1)) {
            return None;
        }
    }
    Some(out)
}

/// The longest prefix of `s` that is a float literal (sign, decimal or `inf`/`nan`),
/// and its value. `None` if there is none.
pub(crate) fn parse_prefix(s: &[u8]) -> Option<(f64, usize)> {
    let signed = usize::from(matches!(s.first(), Some(b'+' | b'-')));
    let negative = s.first() == Some(&b'-');
    let rest = &s[signed..];
    let word = |w: &[u8]| rest.len() >= w.len() && rest[..w.len()].eq_ignore_ascii_case(w);
    let apply = |v: f64| if negative { -v } else { v };
    for (name, value) in
        [(&b"infinity"[..], f64::INFINITY), (b"inf", f64::INFINITY), (b"nan", f64::NAN.abs())]
    {
        if word(name) {
            return Some((apply(value), signed + name.len()));
        }
    }
    let digits = |from: usize| rest[from.min(rest.len())..].iter().take_while(|b| b.is_ascii_digit()).count();
    let whole = digits(0);
    let mut end = whole;
    let mut fraction = 0;
    if rest.get(end) == Some(&b'.') {
        fraction = digits(end + 1);
        if whole + fraction > 0 {
            end += 1 + fraction;
        }
    }
    if whole + fraction == 0 {
        return None;
    }
    if matches!(rest.get(end), Some(b'e' | b'E')) {
        let mut p = end + 1;
        if matches!(rest.get(p), Some(b'+' | b'-')) {
            p += 1;
        }
        let n = digits(p);
        if n > 0 {
            end = p + n;
        }
    }
    let text = std::str::from_utf8(&rest[..end]).ok()?;
    Some((apply(text.parse::<f64>().ok()?), signed + end))
}

/// The value of `float(text)`; the caller has folded Unicode digits and spaces to ASCII.
///
/// # Errors
/// [`ParseFloatError`].
pub fn parse(text: &str) -> Result<f64, ParseFloatError> {
    let s = strip(text.as_bytes());
    let clean;
    let s = if s.contains(&b'_') {
        clean = without_underscores(s).ok_or(ParseFloatError)?;
        &clean[..]
    } else {
        s
    };
    match parse_prefix(s) {
        Some((v, n)) if n == s.len() => Ok(v),
        _ => Err(ParseFloatError),
    }
}

/// `float.hex`.
pub fn hex(v: f64) -> String {
    if !v.is_finite() {
        return repr(v);
    }
    let sign = if v.is_sign_negative() { "-" } else { "" };
    if v == 0.0 {
        return format!("{sign}0x0.0p+0");
    }
    let bits = v.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    let (lead, e) = match (bits >> 52 & 0x7ff) as i64 {
        0 => (0, -1022),
        e => (1, e - 1023),
    };
    format!("{sign}0x{lead}.{fraction:013x}p{e:+}")
}

/// Why `float.fromhex` fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FromHexError {
    /// No hexadecimal literal (`ValueError`).
    Invalid,
    /// The value exceeds the range of floats (`OverflowError`).
    Overflow,
}

impl fmt::Display for FromHexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FromHexError::Invalid => "invalid hexadecimal floating-point string",
            FromHexError::Overflow => "hexadecimal value too large to represent as a float",
        })
    }
}

impl std::error::Error for FromHexError {}

/// `float.fromhex`.
///
/// # Errors
/// [`FromHexError`].
pub fn from_hex(text: &str) -> Result<f64, FromHexError> {
    let mut s = strip(text.as_bytes());
    let mut negative = false;
    if let [sign @ (b'+' | b'-'), rest @ ..] = s {
        negative = *sign == b'-';
        s = rest;
    }
    let apply = |v: f64| if negative { -v } else { v };
    if s.eq_ignore_ascii_case(b"inf") || s.eq_ignore_ascii_case(b"infinity") {
        return Ok(apply(f64::INFINITY));
    }
    if s.eq_ignore_ascii_case(b"nan") {
        return Ok(apply(f64::NAN.abs()));
    }
    if let [b'0', b'x' | b'X', rest @ ..] = s {
        s = rest;
    }
    let (mut m, mut e) = (0u128, 0i64);
    let (mut seen, mut dot) = (false, false);
    while let [b, rest @ ..] = s {
        if *b == b'.' && !dot {
            dot = true;
        } else if let Some(d) = (*b as char).to_digit(16) {
            seen = true;
            if m >> 120 == 0 {
                m = m << 4 | u128::from(d);
            } else {
                m |= u128::from(d != 0);
                e += 4;
            }
            e -= 4 * i64::from(dot);
        } else {
            break;
        }
        s = rest;
    }
    if !seen {
        return Err(FromHexError::Invalid);
    }
    if let [b'p' | b'P', rest @ ..] = s {
        let (minus, digits) = match rest {
            [b'-', d @ ..] => (true, d),
            [b'+', d @ ..] => (false, d),
            d => (false, d),
        };
        let count = digits.iter().take_while(|b| b.is_ascii_digit()).count();
        if count == 0 {
            return Err(FromHexError::Invalid);
        }
        s = &digits[count..];
        let n = digits[..count]
            .iter()
            .fold(0i64, |n, d| n.saturating_mul(10).saturating_add(i64::from(d - b'0')));
        let n = n.min(1 << 60);
        e += if minus { -n } else { n };
    }
    // As in CPython an overflow is reported before trailing characters are.
    let v = compose(m, e);
    match (v.is_infinite(), s.is_empty()) {
        (true, _) => Err(FromHexError::Overflow),
        (false, false) => Err(FromHexError::Invalid),
        (false, true) => Ok(apply(v)),
    }
}

/// `float.as_integer_ratio`.
///
/// # Errors
/// [`IntError::FromInfinity`], [`IntError::FromNan`] (with messages of their own:
/// "cannot convert Infinity to integer ratio", "cannot convert NaN to integer ratio").
pub fn as_integer_ratio(v: f64) -> Result<(BigInt, BigInt), IntError> {
    if v.is_nan() {
        return Err(IntError::FromNan);
    }
    if v.is_infinite() {
        return Err(IntError::FromInfinity);
    }
    let (mut m, mut e) = decompose(v.abs());
    if m == 0 {
        return Ok((BigInt::ZERO, BigInt::ONE));
    }
    let zeros = m.trailing_zeros();
    m >>= zeros;
    e += i64::from(zeros);
    let m = BigInt::from(if v < 0.0 { -(m as i64) } else { m as i64 });
    if e >= 0 { Ok((m.shl(e as u64)?, BigInt::ONE)) } else { Ok((m, BigInt::ONE.shl(-e as u64)?)) }
}

/// The result of rounding exceeds the range of floats
/// ("rounded value too large to represent").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoundOverflow;

/// `round(v, ndigits)`, correctly rounded, ties (of the exact value) to even.
///
/// # Errors
/// [`RoundOverflow`].
pub fn round_digits(v: f64, ndigits: i64) -> Result<f64, RoundOverflow> {
    if !v.is_finite() || v == 0.0 || ndigits > 323 {
        return Ok(v);
    }
    if ndigits < -308 {
        return Ok(0.0 * v);
    }
    let r = if ndigits >= 0 {
        format!("{:.*}", ndigits as usize, v).parse().unwrap_or(v)
    } else {
        let k = -ndigits as u64;
        let exact = || -> Result<f64, IntError> {
            let (n, d) = as_integer_ratio(v.abs())?;
            let unit = BigInt::from(10i64).pow(k)?;
            let whole = unit.mul(&d)?;
            let (q, r) = n.divmod(&whole)?;
            let up = match r.shl(1)?.cmp(&whole) {
                Ordering::Less => false,
                Ordering::Greater => true,
                Ordering::Equal => !q.is_even(),
            };
            let q = if up { q.add(&BigInt::ONE) } else { q };
            q.mul(&unit)?.to_f64()
        };
        exact().unwrap_or(f64::INFINITY).copysign(v)
    };
    if r.is_infinite() { Err(RoundOverflow) } else { Ok(r) }
}

/// `round(v)`: the nearest integer, ties to even.
///
/// # Errors
/// [`IntError::FromInfinity`], [`IntError::FromNan`].
pub fn round_to_int(v: f64) -> Result<BigInt, IntError> {
    BigInt::from_f64(v.round_ties_even())
}

/// `float.is_integer`.
pub fn is_integer(v: f64) -> bool {
    v.is_finite() && v.trunc() == v
}

/// Python's hash of a float; `None` for a nan, whose hash is that of its object.
pub fn hash(v: f64) -> Option<i64> {
    if v.is_nan() {
        return None;
    }
    if v.is_infinite() {
        return Some(if v > 0.0 { 314_159 } else { -314_159 });
    }
    let (m, e) = decompose(v.abs());
    // Multiplying by a power of two is a rotation modulo 2^61 - 1.
    let r = e.rem_euclid(61) as u32;
    let h = if r == 0 { m } else { (m << r & HASH_MODULUS) | m >> (61 - r) };
    let h = if v < 0.0 { -(h as i64) } else { h as i64 };
    Some(if h == -1 { -2 } else { h })
}

/// `divmod(a, b)`; `None` for a zero divisor ("division by zero").
pub fn divmod(a: f64, b: f64) -> Option<(f64, f64)> {
    if b == 0.0 {
        return None;
    }
    let mut rest = a % b;
    let mut quotient = (a - rest) / b;
    if rest == 0.0 {
        rest = 0.0f64.copysign(b);
    } else if (b < 0.0) != (rest < 0.0) {
        rest += b;
        quotient -= 1.0;
    }
    let floor = if quotient == 0.0 {
        0.0f64.copysign(a / b)
    } else {
        let f = quotient.floor();
        if quotient - f > 0.5 { f + 1.0 } else { f }
    };
    Some((floor, rest))
}

/// `a // b`; `None` for a zero divisor.
pub fn floor_div(a: f64, b: f64) -> Option<f64> {
    divmod(a, b).map(|r| r.0)
}

/// `a % b`; `None` for a zero divisor.
pub fn modulo(a: f64, b: f64) -> Option<f64> {
    if b == 0.0 {
        return None;
    }
    let r = a % b;
    Some(if r == 0.0 {
        0.0f64.copysign(b)
    } else if (b < 0.0) != (r < 0.0) {
        r + b
    } else {
        r
    })
}

/// Why a power of floats has no float result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PowError {
    /// Zero to a negative power (`ZeroDivisionError`).
    ZeroToNegative,
    /// The result exceeds the range of floats (`OverflowError`, errno 34).
    Overflow,
    /// A negative base to a fractional power: the result is complex.
    NeedsComplex,
}

impl fmt::Display for PowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PowError::ZeroToNegative => "zero to a negative power",
            PowError::Overflow => "(34, 'Numerical result out of range')",
            PowError::NeedsComplex => "negative number to a fractional power",
        })
    }
}

impl std::error::Error for PowError {}

/// `a ** b` (or `pow(a, b)`) of floats.
///
/// # Errors
/// [`PowError`].
pub fn pow(a: f64, b: f64) -> Result<f64, PowError> {
    if a == 0.0 && b < 0.0 && b.is_finite() {
        return Err(PowError::ZeroToNegative);
    }
    if a < 0.0 && a.is_finite() && b.is_finite() && b.floor() != b {
        return Err(PowError::NeedsComplex);
    }
    // IEEE 754's pow, which the C library implements, gives all other special values.
    let r = a.powf(b);
    if r.is_infinite() && a.is_finite() && b.is_finite() { Err(PowError::Overflow) } else { Ok(r) }
}

/// Compares a float exactly with an integer; `None` for a nan.
pub fn cmp_int(v: f64, n: &BigInt) -> Option<Ordering> {
    n.cmp_f64(v).map(Ordering::reverse)
}

/// Compares a float exactly with a small integer; `None` for a nan.
pub fn cmp_i64(v: f64, n: i64) -> Option<Ordering> {
    if n.unsigned_abs() <= 1 << 53 {
        return v.partial_cmp(&(n as f64));
    }
    cmp_int(v, &BigInt::from(n))
}
