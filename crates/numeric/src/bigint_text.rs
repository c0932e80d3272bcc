//! Integers from and to text, in any radix.
//!
//! What this is for: `int(str, base)`, `str(int)`, `hex` and the like. What it is
//! not: the limit of 4300 digits, which is a setting of the interpreter; callers
//! check [`ScannedInt::limited_digits`] or [`BigInt::decimal_digits_estimate`].

use std::fmt;

use dashu_int::{IBig, UBig};

use crate::bigint::BigInt;

/// Why a string is not an integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParseIntError {
    /// The base is neither 0 nor in 2..=36.
    Base,
    /// The text is no literal of the base ("invalid literal for int() with base N: ...").
    Invalid,
}

impl fmt::Display for ParseIntError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ParseIntError::Base => "int() base must be >= 2 and <= 36, or 0",
            ParseIntError::Invalid => "invalid literal for int()",
        })
    }
}

impl std::error::Error for ParseIntError {}

/// A well-formed integer literal, not converted yet: conversion takes time that
/// grows faster than the length, hence the limit the caller may want to apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScannedInt {
    negative: bool,
    radix: u32,
    digits: String,
}

impl ScannedInt {
    /// The number of digits that counts against the digit limit of `int()`:
    /// zero for the radices that are powers of two, which convert in linear time.
    pub fn limited_digits(&self) -> usize {
        if self.radix.is_power_of_two() { 0 } else { self.digits.len() }
    }

    /// The integer.
    pub fn value(&self) -> BigInt {
        let small =
            if self.digits.len() <= 12 { i64::from_str_radix(&self.digits, self.radix).ok() } else { None };
        let v = match small {
            Some(v) => IBig::from(v),
            None => IBig::from(UBig::from_str_radix(&self.digits, self.radix).unwrap_or_default()),
        };
        BigInt(if self.negative { -v } else { v })
    }
}

/// Whether C's `isspace` holds: what Python strips around numbers once Unicode
/// spaces have been folded to ASCII.
pub(crate) fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

/// `s` without the spaces around it.
pub(crate) fn strip(s: &[u8]) -> &[u8] {
    let start = s.iter().position(|&b| !is_space(b)).unwrap_or(s.len());
    let end = s.iter().rposition(|&b| !is_space(b)).map_or(start, |i| i + 1);
    &s[start..end]
}

/// Checks the text of `int(text, base)`; the caller has folded Unicode digits and
/// spaces to ASCII.
///
/// # Errors
/// [`ParseIntError`].
pub fn scan_int(text: &str, base: u32) -> Result<ScannedInt, ParseIntError> {
    if base == 1 || base > 36 {
        return Err(ParseIntError::Base);
    }
    let mut s = strip(text.as_bytes());
    let mut negative = false;
    if let [sign @ (b'+' | b'-'), rest @ ..] = s {
        negative = *sign == b'-';
        s = rest;
    }
    let prefix = match s {
        [b'0', b'x' | b'X', ..] => 16,
        [b'0', b'o' | b'O', ..] => 8,
        [b'0', b'b' | b'B', ..] => 2,
        _ => 0,
    };
    let mut radix = base;
    let mut only_zero = false;
    if base == 0 {
        if prefix != 0 {
            radix = prefix;
        } else {
            radix = 10;
            only_zero = s.first() == Some(&b'0');
        }
    }
    if prefix != 0 && prefix == radix {
        s = &s[2..];
        if let [b'_', rest @ ..] = s {
            s = rest;
        }
    }
    let mut digits = String::with_capacity(s.len());
    let mut after_digit = false;
    for &b in s {
        if b == b'_' {
            if !after_digit {
                return Err(ParseIntError::Invalid);
            }
            after_digit = false;
        } else if (b as char).is_digit(radix) {
            digits.push(b as char);
            after_digit = true;
        } else {
            return Err(ParseIntError::Invalid);
        }
    }
    if !after_digit || (only_zero && digits.bytes().any(|b| b != b'0')) {
        return Err(ParseIntError::Invalid);
    }
    Ok(ScannedInt { negative, radix, digits })
}

/// 10^19, the largest power of ten in a word; its top bit is set.
const CHUNK: u64 = 10_000_000_000_000_000_000;
/// floor((2^128 - 1) / CHUNK) - 2^64, the reciprocal for division by multiplication.
const CHUNK_INVERSE: u64 = (u128::MAX / CHUNK as u128 - (1 << 64)) as u64;

/// Divides `high * 2^64 + low` by [`CHUNK`], for `high < CHUNK`
/// (Moeller and Granlund, "Improved division by invariant integers", algorithm 4).
#[inline]
fn divide_by_chunk(high: u64, low: u64) -> (u64, u64) {
    let q =
        (u128::from(CHUNK_INVERSE) * u128::from(high)).wrapping_add(u128::from(high) << 64 | u128::from(low));
    let (mut q1, q0) = (((q >> 64) as u64).wrapping_add(1), q as u64);
    let mut r = low.wrapping_sub(q1.wrapping_mul(CHUNK));
    if r > q0 {
        q1 = q1.wrapping_sub(1);
        r = r.wrapping_add(CHUNK);
    }
    if r >= CHUNK {
        q1 = q1.wrapping_add(1);
        r -= CHUNK;
    }
    (q1, r)
}

/// Up to this many words the quadratic loop is faster than dashu's conversion.
const QUADRATIC_WORDS: usize = 48;

impl BigInt {
    /// The text in a radix from 2 to 36 (else in decimal), lower case, no prefix.
    pub fn to_str_radix(&self, radix: u32) -> String {
        match radix {
            2..=9 | 11..=36 => self.0.in_radix(radix as u8).to_string(),
            _ => self.to_decimal(),
        }
    }

    /// The decimal text. Length limits are up to the caller.
    pub fn to_decimal(&self) -> String {
        let words = self.words();
        if let Some(v) = self.to_i64() {
            return v.to_string();
        }
        if words.len() > QUADRATIC_WORDS {
            return self.0.to_string();
        }
        let mut work = [0u64; QUADRATIC_WORDS];
        let mut n = words.len();
        work[..n].copy_from_slice(words);
        // 20 digits for 64 bits is more than enough.
        let mut out = vec![b'0'; n * 20 + 20];
        let mut at = out.len();
        while n > 0 {
            let mut r = 0;
            for w in work[..n].iter_mut().rev() {
                (*w, r) = divide_by_chunk(r, *w);
            }
            while n > 0 && work[n - 1] == 0 {
                n -= 1;
            }
            for _ in 0..9 {
                let pair = r % 100;
                r /= 100;
                out[at - 1] = b'0' + (pair % 10) as u8;
                out[at - 2] = b'0' + (pair / 10) as u8;
                at -= 2;
            }
            at -= 1;
            out[at] = b'0' + r as u8;
        }
        while out[at] == b'0' {
            at += 1;
        }
        if self.is_negative() {
            at -= 1;
            out[at] = b'-';
        }
        out.drain(..at);
        String::from_utf8(out).unwrap_or_default()
    }

    /// An upper estimate of the number of decimal digits, at most one too many for
    /// integers of fewer than a hundred thousand digits.
    pub fn decimal_digits_estimate(&self) -> u64 {
        (u128::from(self.bit_length()) * 30103 / 100_000) as u64 + 1
    }

    /// Whether the magnitude has more than `limit` decimal digits, exactly; for the
    /// limit of `sys.set_int_max_str_digits`.
    pub fn exceeds_decimal_digits(&self, limit: u64) -> bool {
        let bits = self.bit_length();
        // 2^bits bounds: digits >= (bits - 1) * 0.30102 and <= bits * 0.30103 + 1.
        if u128::from(bits) * 30103 / 100_000 < u128::from(limit) {
            return false;
        }
        if u128::from(bits.saturating_sub(1)) * 30102 / 100_000 > u128::from(limit) {
            return true;
        }
        match BigInt::from(10i64).pow(limit) {
            Ok(bound) => self.abs() >= bound,
            Err(_) => false,
        }
    }
}

impl fmt::Display for BigInt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_decimal())
    }
}
