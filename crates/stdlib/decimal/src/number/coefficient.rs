//! Coefficients: natural numbers and their decimal digits. What fits into 128
//! bits stays there; the rest is an unbounded integer.

use std::borrow::Cow;
use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::rc::Rc;
use taipan_numeric::BigInt;

/// No coefficient gets more digits than this: there would be no memory for it.
pub const MOST_DIGITS: i64 = 300_000_000;
/// Powers of ten up to this one fit into 128 bits.
const SMALL_POWER: i64 = 38;

/// A natural number.
#[derive(Clone, Debug, PartialEq)]
pub enum Coefficient {
    Small(u128),
    /// Does not fit into 128 bits.
    Big(BigInt),
}

use Coefficient::{Big, Small};

/// What was cut off, compared with half a unit of the last place that remains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rest {
    Zero,
    BelowHalf,
    Half,
    AboveHalf,
}

static POWERS: [u128; 39] = {
    let mut powers = [1u128; 39];
    let mut i = 1;
    while i < 39 {
        powers[i] = powers[i - 1] * 10;
        i += 1;
    }
    powers
};

thread_local! {
    /// The powers of ten that have been asked for, up to a length.
    static BIG_POWERS: RefCell<HashMap<i64, Rc<BigInt>>> = RefCell::new(HashMap::new());
}

/// Ten to a power.
fn big_power(n: i64) -> Rc<BigInt> {
    const KEPT: i64 = 2048;
    if n > KEPT {
        return Rc::new(new_power(n));
    }
    BIG_POWERS.with(|kept| kept.borrow_mut().entry(n).or_insert_with(|| Rc::new(new_power(n))).clone())
}

fn new_power(n: i64) -> BigInt {
    if (0..=SMALL_POWER).contains(&n) {
        return BigInt::from(POWERS[n as usize]);
    }
    // Five to the power, then shifted: half the work.
    BigInt::from(5u32).pow(n as u64).and_then(|p| p.shl(n as u64)).unwrap_or(BigInt::ONE)
}

/// Ten to a power; None if that is too long.
pub fn power_of_ten(n: i64) -> Option<Coefficient> {
    match n {
        0..=SMALL_POWER => Some(Small(POWERS[n as usize])),
        _ if n < 0 || n > MOST_DIGITS => None,
        _ => Some(Big(BigInt::clone(&big_power(n)))),
    }
}

fn divide(a: u128, b: u128) -> (u128, u128) {
    match (u64::try_from(a), u64::try_from(b)) {
        (Ok(x), Ok(y)) => ((x / y) as u128, (x % y) as u128),
        _ => (a / b, a % b),
    }
}

/// All 256 bits of a product, the low words first.
fn wide_product(a: u128, b: u128) -> [u64; 4] {
    let halves = |n: u128| (n as u64 as u128, n >> 64);
    let ((a0, a1), (b0, b1)) = (halves(a), halves(b));
    let (p00, p01, p10, p11) = (a0 * b0, a0 * b1, a1 * b0, a1 * b1);
    let low = |n: u128| n as u64 as u128;
    let second = (p00 >> 64) + low(p01) + low(p10);
    let third = (second >> 64) + (p01 >> 64) + (p10 >> 64) + low(p11);
    let fourth = (third >> 64) + (p11 >> 64);
    [p00 as u64, second as u64, third as u64, fourth as u64]
}

/// Divides by a word; the rest.
fn divide_words(words: &mut [u64; 4], divisor: u64) -> u64 {
    let mut rest = 0u64;
    for word in words.iter_mut().rev() {
        if rest == 0 && *word < divisor {
            rest = *word;
            *word = 0;
            continue;
        }
        let value = (rest as u128) << 64 | *word as u128;
        *word = (value / divisor as u128) as u64;
        rest = (value % divisor as u128) as u64;
    }
    rest
}

fn half_of(rest: Ordering, zero: bool) -> Rest {
    match rest {
        _ if zero => Rest::Zero,
        Ordering::Less => Rest::BelowHalf,
        Ordering::Equal => Rest::Half,
        Ordering::Greater => Rest::AboveHalf,
    }
}

impl Coefficient {
    pub const ZERO: Coefficient = Small(0);
    pub const ONE: Coefficient = Small(1);

    /// The magnitude of an integer.
    pub fn from_big(n: BigInt) -> Coefficient {
        match n.words() {
            [] => Small(0),
            &[low] => Small(low as u128),
            &[low, high] => Small((high as u128) << 64 | low as u128),
            _ => Big(if n.is_negative() { n.abs() } else { n }),
        }
    }
    pub fn big(&self) -> Cow<'_, BigInt> {
        match self {
            Small(n) => Cow::Owned(BigInt::from(*n)),
            Big(n) => Cow::Borrowed(n),
        }
    }
    pub fn is_zero(&self) -> bool {
        matches!(self, Small(0))
    }
    pub fn is_one(&self) -> bool {
        matches!(self, Small(1))
    }
    /// How many decimal digits there are; zero has one.
    pub fn digits(&self) -> i64 {
        match self {
            Small(n) => {
                // The logarithm of two is a little more than 1233 / 4096.
                let bits = 128 - (*n | 1).leading_zeros();
                let least = (bits * 1233) >> 12;
                least as i64 + (*n | 1 >= POWERS[least as usize]) as i64
            }
            Big(n) => {
                const LOG10_2: f64 = std::f64::consts::LOG10_2;
                let bits = n.bit_length() as f64;
                let least = ((bits - 1.0) * LOG10_2 - 1e-6).floor() as i64 + 1;
                let most = (bits * LOG10_2 + 1e-6).floor() as i64 + 1;
                if least == most || *n < *big_power(least) { least } else { most }
            }
        }
    }
    pub fn add(&self, other: &Coefficient) -> Coefficient {
        if let (Small(a), Small(b)) = (self, other)
            && let Some(sum) = a.checked_add(*b)
        {
            return Small(sum);
        }
        Coefficient::from_big(self.big().add(&other.big()))
    }
    pub fn add_small(&self, n: u8) -> Coefficient {
        self.add(&Small(n as u128))
    }
    /// The difference, whatever its sign.
    pub fn distance(&self, other: &Coefficient) -> Coefficient {
        match (self, other) {
            (Small(a), Small(b)) => Small(a.abs_diff(*b)),
            _ => Coefficient::from_big(self.big().sub(&other.big())),
        }
    }
    pub fn mul(&self, other: &Coefficient) -> Option<Coefficient> {
        if let (Small(a), Small(b)) = (self, other)
            && let Some(product) = a.checked_mul(*b)
        {
            return Some(Small(product));
        }
        self.big().mul(&other.big()).ok().map(Coefficient::from_big)
    }
    /// The product of factors of at most 128 bits that has more of them, without its
    /// last digits: about `digits` of them remain. How many are gone, and what they
    /// amounted to. None if another way must be taken.
    pub fn wide_mul(&self, other: &Coefficient, digits: i64) -> Option<(Coefficient, i64, Rest)> {
        let (Small(a), Small(b)) = (self, other) else { return None };
        let gone = self.digits() + other.digits() - 1 - digits;
        if a.checked_mul(*b).is_some() || digits > SMALL_POWER - 2 || !(1..=SMALL_POWER).contains(&gone) {
            return None;
        }
        let mut words = wide_product(*a, *b);
        let first = gone.min(19);
        let low = divide_words(&mut words, POWERS[first as usize] as u64);
        let mut rest = low as u128;
        if gone > first {
            let high = divide_words(&mut words, POWERS[(gone - first) as usize] as u64);
            rest += high as u128 * POWERS[first as usize];
        }
        let [low, high, 0, 0] = words else { return None };
        let half = POWERS[gone as usize] / 2;
        let quotient = (high as u128) << 64 | low as u128;
        Some((Small(quotient), gone, half_of(rest.cmp(&half), rest == 0)))
    }
    /// Quotient and rest; the divisor is not zero.
    pub fn div_rem(&self, other: &Coefficient) -> (Coefficient, Coefficient) {
        match (self, other) {
            (Small(a), Small(b)) if *b != 0 => {
                let (quotient, rest) = divide(*a, *b);
                (Small(quotient), Small(rest))
            }
            (Small(_), Big(_)) => (Small(0), self.clone()),
            _ => match self.big().divmod(&other.big()) {
                Ok((quotient, rest)) => (Coefficient::from_big(quotient), Coefficient::from_big(rest)),
                Err(_) => (Small(0), Small(0)),
            },
        }
    }
    /// Times ten to a power; None if that is too long.
    pub fn scaled_up(&self, n: i64) -> Option<Coefficient> {
        if self.is_zero() || n == 0 {
            return Some(self.clone());
        }
        if self.digits().saturating_add(n) > MOST_DIGITS {
            return None;
        }
        self.mul(&power_of_ten(n)?)
    }
    /// Without the last `n` digits, and what they amounted to.
    pub fn scaled_down(&self, n: i64) -> (Coefficient, Rest) {
        if n <= 0 {
            return (self.clone(), Rest::Zero);
        }
        if self.is_zero() {
            return (Small(0), Rest::Zero);
        }
        if let Small(value) = self {
            if n > SMALL_POWER {
                // 2^128 has 39 digits, the first of which is a 3.
                return (Small(0), Rest::BelowHalf);
            }
            let power = POWERS[n as usize];
            let (quotient, rest) = divide(*value, power);
            return (Small(quotient), half_of((rest).cmp(&(power / 2)), rest == 0));
        }
        let digits = self.digits();
        if n > digits {
            return (Small(0), Rest::BelowHalf);
        }
        let power = big_power(n);
        match self.big().divmod(&power) {
            Ok((quotient, rest)) => {
                let rest_kind = half_of(rest.add(&rest).cmp(&power), rest.is_zero());
                (Coefficient::from_big(quotient), rest_kind)
            }
            Err(_) => (Small(0), Rest::Zero),
        }
    }
    /// The last `n` digits.
    pub fn low_digits(&self, n: i64) -> Coefficient {
        match power_of_ten(n.max(0)) {
            Some(power) if self.digits() > n => self.div_rem(&power).1,
            _ => self.clone(),
        }
    }
    pub fn last_digit(&self) -> u8 {
        match self {
            Small(n) => (n % 10) as u8,
            Big(n) => n.modulo(&BigInt::from(10u32)).map_or(0, |d| d.low_u64() as u8),
        }
    }
    pub fn is_even(&self) -> bool {
        match self {
            Small(n) => n % 2 == 0,
            Big(n) => n.is_even(),
        }
    }
    /// Without zeros at the end, but not more of them than `most`; and how many there were.
    pub fn stripped(&self, most: i64) -> (Coefficient, i64) {
        let (mut value, mut count) = (self.clone(), 0);
        if value.is_zero() {
            return (value, 0);
        }
        // Many at a time from long ones.
        while let Big(n) = &value {
            let twos = n.trailing_zeros().unwrap_or(0) as i64;
            let step = twos.min(most - count).min(1024);
            if step <= 0 {
                return (value, count);
            }
            let mut step = step;
            while step > 0 {
                let (quotient, rest) = value.scaled_down(step);
                if rest == Rest::Zero {
                    value = quotient;
                    count += step;
                    break;
                }
                step /= 2;
            }
            if step == 0 {
                return (value, count);
            }
        }
        if let Small(mut n) = value {
            while count < most && n != 0 {
                let (quotient, rest) = divide(n, 10);
                if rest != 0 {
                    break;
                }
                n = quotient;
                count += 1;
            }
            value = Small(n);
        }
        (value, count)
    }
    /// The decimal digits as text.
    pub fn text(&self) -> String {
        match self {
            Small(n) => n.to_string(),
            Big(n) => n.to_decimal(),
        }
    }
    /// From ASCII digits.
    pub fn from_digits(text: &[u8]) -> Coefficient {
        let first = text.iter().position(|&d| d != b'0').unwrap_or(text.len());
        let text = &text[first..];
        if text.len() <= SMALL_POWER as usize {
            return Small(text.iter().fold(0, |n, d| n * 10 + (d - b'0') as u128));
        }
        match std::str::from_utf8(text).ok().and_then(|t| taipan_numeric::bigint_text::scan_int(t, 10).ok()) {
            Some(scanned) => Coefficient::from_big(scanned.value()),
            None => Small(0),
        }
    }
    pub fn order(&self, other: &Coefficient) -> Ordering {
        match (self, other) {
            (Small(a), Small(b)) => a.cmp(b),
            (Small(_), Big(_)) => Ordering::Less,
            (Big(_), Small(_)) => Ordering::Greater,
            (Big(a), Big(b)) => a.cmp(b),
        }
    }
    pub fn bit_length(&self) -> u64 {
        match self {
            Small(n) => (u128::BITS - n.leading_zeros()) as u64,
            Big(n) => n.bit_length(),
        }
    }
    pub fn bit(&self, i: u64) -> bool {
        match self {
            Small(n) => i < 128 && n >> i & 1 == 1,
            Big(n) => n.bit(i),
        }
    }
    /// The number, if it is no larger than that.
    pub fn to_u64(&self) -> Option<u64> {
        match self {
            Small(n) => u64::try_from(*n).ok(),
            Big(_) => None,
        }
    }
}
