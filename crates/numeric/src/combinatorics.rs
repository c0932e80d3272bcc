//! Factorials and the counting functions of `math`.
//!
//! What this is for: `factorial`, `comb`, `perm`. What it is not: argument
//! checking (types, negative values), which is left to the callers.

use crate::bigint::{BigInt, IntError, check_bits};

/// The product of the odd numbers in `[low, high)`; `low` is odd.
fn odd_product(low: u64, high: u64) -> Result<BigInt, IntError> {
    if low >= high {
        return Ok(BigInt::ONE);
    }
    let count = (high - low).div_ceil(2);
    if count <= 16 {
        let mut acc = BigInt::ONE;
        let mut small = 1u64;
        for v in (low..high).step_by(2) {
            match small.checked_mul(v) {
                Some(p) => small = p,
                None => {
                    acc = acc.mul(&BigInt::from(small))?;
                    small = v;
                }
            }
        }
        return acc.mul(&BigInt::from(small));
    }
    let middle = (low + count) | 1;
    odd_product(low, middle)?.mul(&odd_product(middle, high)?)
}

/// `n!`.
///
/// # Errors
/// [`IntError::TooLarge`].
pub fn factorial(n: u64) -> Result<BigInt, IntError> {
    if n <= 20 {
        return Ok(BigInt::from((1..=n).product::<u64>()));
    }
    // Stirling's lower bound n (log2 n - log2 e).
    let estimate = n as f64 * ((n as f64).log2() - std::f64::consts::LOG2_E);
    check_bits(estimate as u128)?;
    // n! = 2^(n - popcount(n)) times, for each i, the odd numbers in (n/2^(i+1), n/2^i],
    // each taken i + 1 times.
    let (mut inner, mut outer) = (BigInt::ONE, BigInt::ONE);
    let mut upper = 3;
    for i in (0..64 - n.leading_zeros() - 1).rev() {
        let v = n >> i;
        if v <= 2 {
            continue;
        }
        let lower = upper;
        upper = (v + 1) | 1;
        inner = inner.mul(&odd_product(lower, upper)?)?;
        outer = outer.mul(&inner)?;
    }
    outer.shl(n - u64::from(n.count_ones()))
}

/// The falling factorial `n (n-1) ... (n-k+1)`.
fn falling(n: &BigInt, k: u64) -> Result<BigInt, IntError> {
    match k {
        0 => Ok(BigInt::ONE),
        1 => Ok(n.clone()),
        2..=8 => {
            let mut acc = n.clone();
            for i in 1..k {
                acc = acc.mul(&n.sub(&BigInt::from(i)))?;
            }
            Ok(acc)
        }
        _ => {
            let half = k / 2;
            falling(n, half)?.mul(&falling(&n.sub(&BigInt::from(half)), k - half)?)
        }
    }
}

/// `math.perm(n, k)` for `n >= 0`.
///
/// # Errors
/// [`IntError::TooLarge`]; [`IntError::Negative`].
pub fn perm(n: &BigInt, k: &BigInt) -> Result<BigInt, IntError> {
    if n.is_negative() || k.is_negative() {
        return Err(IntError::Negative);
    }
    if k > n {
        return Ok(BigInt::ZERO);
    }
    let k = k.to_u64().ok_or(IntError::TooLarge)?;
    // At least k! and at least (n - k)^k.
    let rest = n.sub(&BigInt::from(k)).bit_length().saturating_sub(1);
    check_bits(u128::from(rest) * u128::from(k))?;
    let estimate = k as f64 * ((k.max(1) as f64).log2() - std::f64::consts::LOG2_E);
    check_bits(estimate.max(0.0) as u128)?;
    falling(n, k)
}

/// `math.comb(n, k)` for `n >= 0`.
///
/// # Errors
/// [`IntError::TooLarge`]; [`IntError::Negative`].
pub fn comb(n: &BigInt, k: &BigInt) -> Result<BigInt, IntError> {
    if n.is_negative() || k.is_negative() {
        return Err(IntError::Negative);
    }
    if k > n {
        return Ok(BigInt::ZERO);
    }
    let other = n.sub(k);
    let k = if other < *k { &other } else { k };
    let k = k.to_u64().ok_or(IntError::TooLarge)?;
    if let (Some(n), true) = (n.to_u64(), k <= 64) {
        // Exact at every step: the i-th partial product is comb(n, i).
        let mut acc = 1u128;
        let exact = (1..=k).all(|i| match acc.checked_mul(u128::from(n - k + i)) {
            Some(p) => {
                acc = p / u128::from(i);
                true
            }
            None => false,
        });
        if exact {
            return Ok(BigInt::from(acc));
        }
    }
    check_bits(u128::from(n.bit_length()) * u128::from(k))?;
    falling(n, k)?.floor_div(&factorial(k)?)
}
