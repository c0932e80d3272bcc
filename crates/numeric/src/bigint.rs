//! Unbounded integers with the semantics of Python's `int`.
//!
//! What this is for: arithmetic, bit operations, comparison, hashing and
//! conversion of integers too large (or not) for a machine word. What it is
//! not: the `int` object. Small integers are the business of the runtime, which
//! finds helpers for them at the end of this file. Text is in `bigint_text`,
//! factorials and the like in `combinatorics`.
//!
//! Stated limit: no result exceeds [`MAX_BITS`] bits. An operation that could
//! ask for more returns [`IntError::TooLarge`] before it allocates.

use std::cmp::Ordering;
use std::fmt;

use dashu_int::fast_div::ConstDivisor;
use dashu_int::ops::{BitTest, DivRem, ExtendedGcd, Gcd, SquareRoot};
use dashu_int::{IBig, Sign, UBig, Word};

/// No operation makes an integer of more bits than this (one gibibyte).
pub const MAX_BITS: u64 = 1 << 33;

/// The modulus of Python's numeric hashes, the Mersenne prime 2^61 - 1.
pub const HASH_MODULUS: u64 = (1 << 61) - 1;

const _: () = assert!(Word::BITS == 64, "the algorithms here assume 64-bit words");

/// Why an integer operation has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntError {
    /// Division or modulo by zero (`ZeroDivisionError`).
    DivisionByZero,
    /// `pow()` with a modulus of zero (`ValueError`).
    ZeroModulus,
    /// `pow()` with a negative exponent and a base without inverse (`ValueError`).
    NotInvertible,
    /// Shift by a negative count (`ValueError`).
    NegativeShift,
    /// The result would exceed [`MAX_BITS`] (`MemoryError`).
    TooLarge,
    /// The integer exceeds the range of a float (`OverflowError`).
    FloatOverflow,
    /// The quotient of a true division exceeds the range of a float (`OverflowError`).
    DivisionOverflow,
    /// `int(float('inf'))` (`OverflowError`).
    FromInfinity,
    /// `int(float('nan'))` (`ValueError`).
    FromNan,
    /// `to_bytes` of too few bytes (`OverflowError`).
    BytesTooSmall,
    /// `to_bytes` unsigned of a negative integer (`OverflowError`).
    NegativeToUnsigned,
    /// A negative argument where none is allowed, e.g. `isqrt` (`ValueError`).
    Negative,
}

impl fmt::Display for IntError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            IntError::DivisionByZero => "division by zero",
            IntError::ZeroModulus => "pow() 3rd argument cannot be 0",
            IntError::NotInvertible => "base is not invertible for the given modulus",
            IntError::NegativeShift => "negative shift count",
            IntError::TooLarge => "too many digits in integer",
            IntError::FloatOverflow => "int too large to convert to float",
            IntError::DivisionOverflow => "integer division result too large for a float",
            IntError::FromInfinity => "cannot convert float infinity to integer",
            IntError::FromNan => "cannot convert float NaN to integer",
            IntError::BytesTooSmall => "int too big to convert",
            IntError::NegativeToUnsigned => "can't convert negative int to unsigned",
            IntError::Negative => "argument must be nonnegative",
        })
    }
}

impl std::error::Error for IntError {}

/// An unbounded integer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct BigInt(pub(crate) IBig);

macro_rules! from_primitive {
    ($($t:ty)*) => {$(
        impl From<$t> for BigInt {
            fn from(v: $t) -> BigInt {
                BigInt(IBig::from(v))
            }
        }
    )*};
}
from_primitive!(i32 u32 i64 u64 i128 u128 usize);

// Named methods, since most of them can fail.
#[allow(clippy::should_implement_trait)]
impl BigInt {
    /// Zero.
    pub const ZERO: BigInt = BigInt(IBig::ZERO);
    /// One.
    pub const ONE: BigInt = BigInt(IBig::ONE);

    /// An integer from its sign and its magnitude, least significant word first.
    pub fn from_words(negative: bool, words: &[u64]) -> BigInt {
        BigInt(IBig::from_parts(sign_of(negative), UBig::from_words(words)))
    }

    /// The magnitude, least significant word first; empty for zero.
    pub fn words(&self) -> &[u64] {
        self.0.as_sign_words().1
    }

    /// The value as `i64`, if it fits.
    pub fn to_i64(&self) -> Option<i64> {
        let (sign, words) = self.0.as_sign_words();
        match (sign, words) {
            (_, []) => Some(0),
            (Sign::Positive, &[w]) => i64::try_from(w).ok(),
            (Sign::Negative, &[w]) if w <= 1 << 63 => Some((w as i64).wrapping_neg()),
            _ => None,
        }
    }

    /// The value as `u64`, if it fits.
    pub fn to_u64(&self) -> Option<u64> {
        match self.0.as_sign_words() {
            (_, []) => Some(0),
            (Sign::Positive, &[w]) => Some(w),
            _ => None,
        }
    }

    /// The value as `i128`, if it fits.
    pub fn to_i128(&self) -> Option<i128> {
        let (sign, words) = self.0.as_sign_words();
        let m = match *words {
            [] => 0,
            [a] => u128::from(a),
            [a, b] => u128::from(a) | u128::from(b) << 64,
            _ => return None,
        };
        match sign {
            Sign::Positive => i128::try_from(m).ok(),
            Sign::Negative if m <= 1 << 127 => Some((m as i128).wrapping_neg()),
            Sign::Negative => None,
        }
    }

    /// The low 64 bits in two's complement (the value modulo 2^64).
    pub fn low_u64(&self) -> u64 {
        let (sign, words) = self.0.as_sign_words();
        let w = words.first().copied().unwrap_or(0);
        if sign == Sign::Negative { w.wrapping_neg() } else { w }
    }

    /// Whether the value is zero.
    pub fn is_zero(&self) -> bool {
        self.0.is_zero()
    }

    /// Whether the value is below zero.
    pub fn is_negative(&self) -> bool {
        self.0.sign() == Sign::Negative
    }

    /// Whether the value is even.
    pub fn is_even(&self) -> bool {
        self.words().first().is_none_or(|w| w & 1 == 0)
    }

    /// -1, 0 or 1.
    pub fn signum(&self) -> i32 {
        if self.is_zero() {
            0
        } else if self.is_negative() {
            -1
        } else {
            1
        }
    }

    /// The number of bits of the magnitude (`int.bit_length`).
    pub fn bit_length(&self) -> u64 {
        let w = self.words();
        match w.last() {
            None => 0,
            Some(top) => w.len() as u64 * 64 - u64::from(top.leading_zeros()),
        }
    }

    /// The number of ones in the magnitude (`int.bit_count`).
    pub fn bit_count(&self) -> u64 {
        self.words().iter().map(|w| u64::from(w.count_ones())).sum()
    }

    /// The number of zero bits below the lowest one; `None` for zero.
    pub fn trailing_zeros(&self) -> Option<u64> {
        let w = self.words();
        let i = w.iter().position(|&w| w != 0)?;
        Some(i as u64 * 64 + u64::from(w[i].trailing_zeros()))
    }

    /// The float truncated to an integer.
    ///
    /// # Errors
    /// [`IntError::FromInfinity`], [`IntError::FromNan`].
    pub fn from_f64(v: f64) -> Result<BigInt, IntError> {
        if v.is_nan() {
            return Err(IntError::FromNan);
        }
        if v.is_infinite() {
            return Err(IntError::FromInfinity);
        }
        if v.abs() < 9.2e18 {
            return Ok(BigInt::from(v as i64));
        }
        let (m, e) = decompose(v.abs());
        let big = IBig::from(m) << (e as usize);
        Ok(BigInt(if v < 0.0 { -big } else { big }))
    }

    /// The top 64 bits of the magnitude with a sticky low bit, and the exponent
    /// that scales them back: `|self| ~ m * 2^e`, inexact only below the last bit.
    fn top_bits(&self) -> (u128, i64) {
        let w = self.words();
        let n = w.len();
        match n {
            0 => (0, 0),
            1 => (u128::from(w[0]), 0),
            _ => {
                let mut m = u128::from(w[n - 1]) << 64 | u128::from(w[n - 2]);
                if w[..n - 2].iter().any(|&w| w != 0) {
                    m |= 1;
                }
                (m, (n as i64 - 2) * 64)
            }
        }
    }

    /// The nearest float, ties to even.
    ///
    /// # Errors
    /// [`IntError::FloatOverflow`].
    pub fn to_f64(&self) -> Result<f64, IntError> {
        if let Some(v) = self.to_i64() {
            return Ok(v as f64);
        }
        // With two or more words the top is at least 65 bits wide, so that the
        // sticky bit lies below the rounding position.
        let (m, e) = self.top_bits();
        let v = compose(m, e);
        if v.is_infinite() {
            return Err(IntError::FloatOverflow);
        }
        Ok(if self.is_negative() { -v } else { v })
    }

    /// `math.frexp` of the integer: a mantissa in [0.5, 1) rounded to 53 bits, and
    /// the exponent. For logarithms of integers beyond the range of floats.
    pub fn frexp(&self) -> (f64, i64) {
        let (m, e) = self.top_bits();
        if m == 0 {
            return (0.0, 0);
        }
        let bits = i64::from(128 - m.leading_zeros());
        let mut f = compose(m, -bits);
        let mut exp = e + bits;
        if f >= 1.0 {
            f *= 0.5;
            exp += 1;
        }
        (if self.is_negative() { -f } else { f }, exp)
    }

    /// `self + other`.
    pub fn add(&self, other: &BigInt) -> BigInt {
        BigInt(&self.0 + &other.0)
    }

    /// `self - other`.
    pub fn sub(&self, other: &BigInt) -> BigInt {
        BigInt(&self.0 - &other.0)
    }

    /// `-self`.
    pub fn neg(&self) -> BigInt {
        BigInt(-&self.0)
    }

    /// `abs(self)`.
    pub fn abs(&self) -> BigInt {
        if self.is_negative() { self.neg() } else { self.clone() }
    }

    /// `self * other`.
    ///
    /// # Errors
    /// [`IntError::TooLarge`].
    pub fn mul(&self, other: &BigInt) -> Result<BigInt, IntError> {
        check_bits(u128::from(self.bit_length()) + u128::from(other.bit_length()))?;
        Ok(BigInt(&self.0 * &other.0))
    }

    /// `divmod(self, other)`, rounding towards minus infinity.
    ///
    /// # Errors
    /// [`IntError::DivisionByZero`].
    pub fn divmod(&self, other: &BigInt) -> Result<(BigInt, BigInt), IntError> {
        if other.is_zero() {
            return Err(IntError::DivisionByZero);
        }
        let (mut q, mut r) = (&self.0).div_rem(&other.0);
        if !r.is_zero() && r.sign() != other.0.sign() {
            q -= IBig::ONE;
            r += &other.0;
        }
        Ok((BigInt(q), BigInt(r)))
    }

    /// `self // other`.
    ///
    /// # Errors
    /// [`IntError::DivisionByZero`].
    pub fn floor_div(&self, other: &BigInt) -> Result<BigInt, IntError> {
        if self.is_negative() == other.is_negative() && !other.is_zero() {
            return Ok(BigInt(&self.0 / &other.0));
        }
        Ok(self.divmod(other)?.0)
    }

    /// `self % other`; the result has the sign of `other`.
    ///
    /// # Errors
    /// [`IntError::DivisionByZero`].
    pub fn modulo(&self, other: &BigInt) -> Result<BigInt, IntError> {
        if other.is_zero() {
            return Err(IntError::DivisionByZero);
        }
        let mut r = &self.0 % &other.0;
        if !r.is_zero() && r.sign() != other.0.sign() {
            r += &other.0;
        }
        Ok(BigInt(r))
    }

    /// `self / other`, correctly rounded.
    ///
    /// # Errors
    /// [`IntError::DivisionByZero`], [`IntError::DivisionOverflow`].
    pub fn true_div(&self, other: &BigInt) -> Result<f64, IntError> {
        if other.is_zero() {
            return Err(IntError::DivisionByZero);
        }
        let negative = self.is_negative() != other.is_negative();
        let (la, lb) = (self.bit_length() as i64, other.bit_length() as i64);
        if la <= 53 && lb <= 53 {
            let (a, b) = (self.to_f64().unwrap_or(0.0), other.to_f64().unwrap_or(1.0));
            return Ok(a / b);
        }
        let signed = |v: f64| if negative { -v } else { v };
        let diff = la - lb;
        if self.is_zero() || diff < -1080 {
            return Ok(signed(0.0));
        }
        if diff > 1026 {
            return Err(IntError::DivisionOverflow);
        }
        // A quotient of 64 or 65 bits, with the remainder as its sticky bit.
        let shift = 64 - diff;
        let (a, b) = (self.0.clone().into_parts().1, other.0.clone().into_parts().1);
        let (q, r) = if shift >= 0 {
            (a << (shift as usize)).div_rem(b)
        } else {
            // The bits cut off `a` need not be looked at if we shift `b` instead.
            a.div_rem(b << (-shift as usize))
        };
        let m = BigInt(IBig::from(q)).to_i128().unwrap_or(0) as u128 | u128::from(!r.is_zero());
        let v = compose(m, -shift);
        if v.is_infinite() {
            return Err(IntError::DivisionOverflow);
        }
        Ok(signed(v))
    }

    /// `self ** exp` for a nonnegative exponent.
    ///
    /// # Errors
    /// [`IntError::TooLarge`].
    pub fn pow(&self, exp: u64) -> Result<BigInt, IntError> {
        if exp == 0 {
            return Ok(BigInt::ONE);
        }
        match self.words() {
            [] => return Ok(BigInt::ZERO),
            [1] => {
                return Ok(BigInt::from(if self.is_negative() && exp & 1 == 1 { -1i64 } else { 1 }));
            }
            _ => {}
        }
        check_bits(u128::from(self.bit_length() - 1) * u128::from(exp))?;
        Ok(BigInt(self.0.pow(exp as usize)))
    }

    /// `self ** exp` for a nonnegative exponent of any size.
    ///
    /// # Errors
    /// [`IntError::TooLarge`]; [`IntError::Negative`] if `exp` is negative.
    pub fn pow_big(&self, exp: &BigInt) -> Result<BigInt, IntError> {
        if exp.is_negative() {
            return Err(IntError::Negative);
        }
        match exp.to_u64() {
            Some(e) => self.pow(e),
            None if self.bit_length() > 1 => Err(IntError::TooLarge),
            None => self.pow(2 | (exp.low_u64() & 1)),
        }
    }

    /// `pow(self, exp, modulus)`. The result has the sign of `modulus`; a negative
    /// exponent asks for the power of the inverse.
    ///
    /// # Errors
    /// [`IntError::ZeroModulus`], [`IntError::NotInvertible`].
    pub fn pow_mod(&self, exp: &BigInt, modulus: &BigInt) -> Result<BigInt, IntError> {
        if modulus.is_zero() {
            return Err(IntError::ZeroModulus);
        }
        let m = modulus.abs();
        if m == BigInt::ONE {
            return Ok(BigInt::ZERO);
        }
        let base = if exp.is_negative() { self.mod_inverse(&m)? } else { self.modulo(&m)? };
        let (_, e) = exp.0.clone().into_parts();
        let (_, mu) = m.0.clone().into_parts();
        let (_, b) = base.0.into_parts();
        let r = if e.is_zero() {
            UBig::ONE
        } else {
            let ring = ConstDivisor::new(mu);
            ring.reduce(b).pow(&e).residue()
        };
        let r = BigInt(IBig::from(r));
        if modulus.is_negative() && !r.is_zero() { Ok(r.add(modulus)) } else { Ok(r) }
    }

    /// The inverse of `self` modulo `m > 1`, in `[0, m)`.
    ///
    /// # Errors
    /// [`IntError::NotInvertible`], [`IntError::DivisionByZero`].
    pub fn mod_inverse(&self, m: &BigInt) -> Result<BigInt, IntError> {
        let a = self.modulo(m)?;
        if a.is_zero() {
            return Err(IntError::NotInvertible);
        }
        let (g, x, _) = (&a.0).gcd_ext(&m.0);
        if !g.is_one() {
            return Err(IntError::NotInvertible);
        }
        BigInt(x).modulo(m)
    }

    /// `self << n`.
    ///
    /// # Errors
    /// [`IntError::TooLarge`].
    pub fn shl(&self, n: u64) -> Result<BigInt, IntError> {
        if self.is_zero() {
            return Ok(BigInt::ZERO);
        }
        check_bits(u128::from(self.bit_length()) + u128::from(n))?;
        Ok(BigInt(&self.0 << (n as usize)))
    }

    /// `self >> n`, rounding towards minus infinity.
    pub fn shr(&self, n: u64) -> BigInt {
        if n >= self.bit_length() {
            return if self.is_negative() { BigInt::from(-1i64) } else { BigInt::ZERO };
        }
        BigInt(&self.0 >> (n as usize))
    }

    /// `self << n` for a count of any size and sign.
    ///
    /// # Errors
    /// [`IntError::NegativeShift`], [`IntError::TooLarge`].
    pub fn shl_big(&self, n: &BigInt) -> Result<BigInt, IntError> {
        if n.is_negative() {
            return Err(IntError::NegativeShift);
        }
        self.shl(n.to_u64().unwrap_or(u64::MAX))
    }

    /// `self >> n` for a count of any size and sign.
    ///
    /// # Errors
    /// [`IntError::NegativeShift`].
    pub fn shr_big(&self, n: &BigInt) -> Result<BigInt, IntError> {
        if n.is_negative() {
            return Err(IntError::NegativeShift);
        }
        Ok(self.shr(n.to_u64().unwrap_or(u64::MAX)))
    }

    /// `self & other`, as if in two's complement of infinite width.
    pub fn bit_and(&self, other: &BigInt) -> BigInt {
        BigInt(&self.0 & &other.0)
    }

    /// `self | other`, as if in two's complement of infinite width.
    pub fn bit_or(&self, other: &BigInt) -> BigInt {
        BigInt(&self.0 | &other.0)
    }

    /// `self ^ other`, as if in two's complement of infinite width.
    pub fn bit_xor(&self, other: &BigInt) -> BigInt {
        BigInt(&self.0 ^ &other.0)
    }

    /// `~self`.
    pub fn bit_not(&self) -> BigInt {
        BigInt(!&self.0)
    }

    /// Whether bit `n` is set, in two's complement of infinite width.
    pub fn bit(&self, n: u64) -> bool {
        if n >= self.bit_length() {
            return self.is_negative();
        }
        self.0.bit(n as usize)
    }

    /// Compares with a machine integer.
    pub fn cmp_i64(&self, other: i64) -> Ordering {
        match self.to_i64() {
            Some(v) => v.cmp(&other),
            None if self.is_negative() => Ordering::Less,
            None => Ordering::Greater,
        }
    }

    /// Compares exactly with a float; `None` if that is not a number.
    pub fn cmp_f64(&self, other: f64) -> Option<Ordering> {
        if other.is_nan() {
            return None;
        }
        if other.is_infinite() {
            return Some(if other > 0.0 { Ordering::Less } else { Ordering::Greater });
        }
        let whole = other.trunc();
        let t = BigInt::from_f64(whole).unwrap_or_default();
        Some(self.cmp(&t).then_with(|| {
            let fraction = other - whole;
            0.0f64.partial_cmp(&fraction).unwrap_or(Ordering::Equal)
        }))
    }

    /// Python's hash: the value modulo 2^61 - 1 with its sign, never -1.
    pub fn hash(&self) -> i64 {
        let h =
            self.words().iter().rev().fold(0u64, |h, &w| reduce_hash(u128::from(h) << 64 | u128::from(w)));
        let h = if self.is_negative() { -(h as i64) } else { h as i64 };
        if h == -1 { -2 } else { h }
    }

    /// `math.isqrt`.
    ///
    /// # Errors
    /// [`IntError::Negative`].
    pub fn isqrt(&self) -> Result<BigInt, IntError> {
        if self.is_negative() {
            return Err(IntError::Negative);
        }
        let (_, m) = self.0.clone().into_parts();
        Ok(BigInt(IBig::from(m.sqrt())))
    }

    /// `math.gcd` of two integers.
    pub fn gcd(&self, other: &BigInt) -> BigInt {
        if self.is_zero() {
            return other.abs();
        }
        if other.is_zero() {
            return self.abs();
        }
        BigInt(IBig::from((&self.0).gcd(&other.0)))
    }

    /// `math.lcm` of two integers.
    ///
    /// # Errors
    /// [`IntError::TooLarge`].
    pub fn lcm(&self, other: &BigInt) -> Result<BigInt, IntError> {
        if self.is_zero() || other.is_zero() {
            return Ok(BigInt::ZERO);
        }
        let g = self.gcd(other);
        Ok(self.floor_div(&g)?.mul(other)?.abs())
    }

    /// `int.from_bytes`.
    pub fn from_bytes(bytes: &[u8], little_endian: bool, signed: bool) -> BigInt {
        BigInt(match (little_endian, signed) {
            (true, true) => IBig::from_le_bytes(bytes),
            (false, true) => IBig::from_be_bytes(bytes),
            (true, false) => IBig::from(UBig::from_le_bytes(bytes)),
            (false, false) => IBig::from(UBig::from_be_bytes(bytes)),
        })
    }

    /// `int.to_bytes`.
    ///
    /// # Errors
    /// [`IntError::NegativeToUnsigned`], [`IntError::BytesTooSmall`];
    /// [`IntError::TooLarge`] for a length beyond [`MAX_BITS`].
    pub fn to_bytes(&self, length: usize, little_endian: bool, signed: bool) -> Result<Vec<u8>, IntError> {
        if self.is_negative() && !signed {
            return Err(IntError::NegativeToUnsigned);
        }
        let bits = if !signed {
            self.bit_length()
        } else if self.is_zero() {
            0
        } else if self.is_negative() {
            // -2^k needs k + 1 bits, every other value one more than its magnitude.
            self.bit_not().bit_length() + 1
        } else {
            self.bit_length() + 1
        };
        if bits > (length as u64).saturating_mul(8) {
            return Err(IntError::BytesTooSmall);
        }
        check_bits(length as u128 * 8)?;
        let negative = self.is_negative();
        let mut out = Vec::with_capacity(length);
        let mut carry = negative;
        for &word in self.words() {
            let mut w = word;
            if negative {
                let (n, c) = (!w).overflowing_add(u64::from(carry));
                w = n;
                carry = c;
            }
            let room = length - out.len();
            out.extend_from_slice(&w.to_le_bytes()[..room.min(8)]);
        }
        out.resize(length, if negative { 0xff } else { 0 });
        if !little_endian {
            out.reverse();
        }
        Ok(out)
    }

    /// The magnitude in base 2^30, least significant digit first; nothing for zero.
    /// For `marshal` and `pickle`-like formats (CPython's digits).
    pub fn digits30(&self) -> Digits<'_> {
        Digits { words: self.words(), width: 30, position: 0, bits: self.bit_length() }
    }

    /// As [`BigInt::digits30`], in base 2^15 (the digits of `marshal`).
    pub fn digits15(&self) -> Digits<'_> {
        Digits { words: self.words(), width: 15, position: 0, bits: self.bit_length() }
    }

    /// An integer from digits of `width` (at most 32) bits, least significant first.
    pub fn from_digits(negative: bool, width: u32, digits: impl Iterator<Item = u32>) -> BigInt {
        let (mut words, mut acc, mut filled) = (Vec::new(), 0u128, 0u32);
        for d in digits {
            acc |= u128::from(d) << filled;
            filled += width;
            if filled >= 64 {
                words.push(acc as u64);
                acc >>= 64;
                filled -= 64;
            }
        }
        words.push(acc as u64);
        BigInt::from_words(negative, &words)
    }

    /// `round(self, -digits)`: the nearest multiple of 10**digits, ties to even.
    ///
    /// # Errors
    /// [`IntError::TooLarge`] is never returned: a power of ten far above the value gives zero.
    pub fn round_to_power_of_ten(&self, digits: u64) -> Result<BigInt, IntError> {
        // 10^digits > 2 |self| rounds to zero.
        if u128::from(digits) * 3 > u128::from(self.bit_length()) + 1 {
            return Ok(BigInt::ZERO);
        }
        let unit = BigInt::from(10i64).pow(digits)?;
        let (q, r) = self.divmod(&unit)?;
        let twice = r.shl(1)?;
        let up = match twice.cmp(&unit) {
            Ordering::Less => false,
            Ordering::Greater => true,
            Ordering::Equal => !q.is_even(),
        };
        let q = if up { q.add(&BigInt::ONE) } else { q };
        q.mul(&unit)
    }

    /// `int.as_integer_ratio` and the reduction of fractions: both divided by their gcd.
    pub fn reduce(a: &BigInt, b: &BigInt) -> Result<(BigInt, BigInt), IntError> {
        let g = a.gcd(b);
        if g.is_zero() {
            return Err(IntError::DivisionByZero);
        }
        Ok((a.floor_div(&g)?, b.floor_div(&g)?))
    }
}

/// Iterator over the digits of a magnitude in base 2^width, see [`BigInt::digits30`].
#[derive(Clone, Debug)]
pub struct Digits<'a> {
    words: &'a [u64],
    width: u32,
    position: u64,
    bits: u64,
}

impl Iterator for Digits<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        if self.position >= self.bits {
            return None;
        }
        let (i, s) = ((self.position / 64) as usize, (self.position % 64) as u32);
        let low = u128::from(self.words[i]);
        let high = u128::from(self.words.get(i + 1).copied().unwrap_or(0));
        self.position += u64::from(self.width);
        Some(((low | high << 64) >> s) as u32 & ((1 << self.width) - 1))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let n = self.bits.saturating_sub(self.position).div_ceil(u64::from(self.width)) as usize;
        (n, Some(n))
    }
}

impl ExactSizeIterator for Digits<'_> {}

fn sign_of(negative: bool) -> Sign {
    if negative { Sign::Negative } else { Sign::Positive }
}

/// Fails if a result of `bits` bits is beyond the stated limit.
pub(crate) fn check_bits(bits: u128) -> Result<(), IntError> {
    // One bit of grace: callers pass upper or lower bounds that are off by one.
    if bits > u128::from(MAX_BITS) + 1 { Err(IntError::TooLarge) } else { Ok(()) }
}

/// `v` modulo 2^61 - 1.
pub(crate) fn reduce_hash(v: u128) -> u64 {
    let p = u128::from(HASH_MODULUS);
    let v = (v & p) + (v >> 61);
    let v = (v & p) + (v >> 61);
    let v = (v & p) + (v >> 61);
    if v >= p { (v - p) as u64 } else { v as u64 }
}

/// The integer mantissa and exponent of a finite nonnegative float: `v == m * 2^e`.
pub(crate) fn decompose(v: f64) -> (u64, i64) {
    let bits = v.to_bits();
    let e = (bits >> 52 & 0x7ff) as i64;
    let m = bits & ((1 << 52) - 1);
    if e == 0 { (m, -1074) } else { (m | 1 << 52, e - 1075) }
}

/// The power of two 2^e for -1074 <= e <= 1023.
pub(crate) fn pow2(e: i64) -> f64 {
    if e < -1022 { f64::from_bits(1 << (e + 1074)) } else { f64::from_bits(((e + 1023) as u64) << 52) }
}

/// The float nearest to `m * 2^e`, ties to even, infinite on overflow. `m` is exact
/// or has at least 55 bits of which the lowest is sticky.
pub(crate) fn compose(m: u128, e: i64) -> f64 {
    if m == 0 {
        return 0.0;
    }
    let bits = 128 - i64::from(m.leading_zeros());
    let top = bits + e;
    if top > 1024 {
        return f64::INFINITY;
    }
    let precision = 53.min(top + 1074);
    if precision < 0 {
        return 0.0;
    }
    let drop = bits - precision;
    if drop <= 0 {
        // Exact: the mantissa fits; scale in two steps to stay within pow2's range.
        let shifted = (m << -drop) as u64;
        return shifted as f64 * pow2(e + drop);
    }
    let mut mant = m.checked_shr(drop as u32).unwrap_or(0) as u64;
    let rest = if drop >= 128 { m } else { m & ((1u128 << drop) - 1) };
    let half = 1u128 << (drop - 1);
    if rest > half || (rest == half && mant & 1 == 1) {
        mant += 1;
    }
    let e2 = e + drop;
    if e2 > 971 || (e2 == 971 && mant == 1 << 53) { f64::INFINITY } else { mant as f64 * pow2(e2) }
}

/// `a + b` of small integers.
///
/// # Errors
/// The big integer, when the sum does not fit.
#[inline]
pub fn add_i64(a: i64, b: i64) -> Result<i64, BigInt> {
    a.checked_add(b).ok_or_else(|| BigInt::from(i128::from(a) + i128::from(b)))
}

/// `a - b` of small integers.
///
/// # Errors
/// The big integer, when the difference does not fit.
#[inline]
pub fn sub_i64(a: i64, b: i64) -> Result<i64, BigInt> {
    a.checked_sub(b).ok_or_else(|| BigInt::from(i128::from(a) - i128::from(b)))
}

/// `a * b` of small integers.
///
/// # Errors
/// The big integer, when the product does not fit.
#[inline]
pub fn mul_i64(a: i64, b: i64) -> Result<i64, BigInt> {
    a.checked_mul(b).ok_or_else(|| BigInt::from(i128::from(a) * i128::from(b)))
}

/// `divmod(a, b)` of small integers; `None` for a zero divisor or `i64::MIN / -1`.
#[inline]
pub fn divmod_i64(a: i64, b: i64) -> Option<(i64, i64)> {
    let (q, r) = (a.checked_div(b)?, a.checked_rem(b)?);
    if r != 0 && (r < 0) != (b < 0) { Some((q - 1, r + b)) } else { Some((q, r)) }
}

/// `a << n` of a small integer.
///
/// # Errors
/// `Err(Ok(_))`: the big integer, when the result does not fit;
/// `Err(Err(TooLarge))`: beyond the stated limit.
#[inline]
pub fn shl_i64(a: i64, n: u64) -> Result<i64, Result<BigInt, IntError>> {
    if n < 64 {
        let v = i128::from(a) << n;
        return i64::try_from(v).map_err(|_| Ok(BigInt::from(v)));
    }
    if a == 0 { Ok(0) } else { Err(BigInt::from(a).shl(n)) }
}

/// `a ** b` of small integers.
///
/// # Errors
/// As [`shl_i64`].
pub fn pow_i64(a: i64, b: u64) -> Result<i64, Result<BigInt, IntError>> {
    if let Some(v) = u32::try_from(b).ok().and_then(|b| a.checked_pow(b)) {
        return Ok(v);
    }
    match a {
        0 | 1 => Ok(if b == 0 { 1 } else { a }),
        -1 => Ok(if b & 1 == 1 { -1 } else { 1 }),
        _ => Err(BigInt::from(a).pow(b)),
    }
}

/// Python's hash of a small integer.
#[inline]
pub fn hash_i64(v: i64) -> i64 {
    if (v as u64) < HASH_MODULUS {
        return v;
    }
    let h = (v.unsigned_abs() % HASH_MODULUS) as i64;
    let h = if v < 0 { -h } else { h };
    if h == -1 { -2 } else { h }
}
