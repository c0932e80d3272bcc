//! Decimal text of floats: digits, rounding and layout, before any padding.
//!
//! What this is for: the conversions e, f, g and r with precision that `repr`,
//! `format` and `%` share. What it is not: width, grouping, percent (see
//! `format_spec` and `percent`).

/// The layout of a float.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `d.ddde+XX`.
    Exponent,
    /// `ddd.ddd`.
    Fixed,
    /// The shorter of the two for a number of significant digits.
    General,
    /// The fewest digits that read back as the value.
    Shortest,
}

/// How to write a float with [`write`].
#[derive(Debug, Clone, Copy)]
pub struct FloatFormat {
    /// The layout.
    pub kind: Kind,
    /// Digits after the point, or significant digits for [`Kind::General`].
    pub precision: usize,
    /// Upper case `E`, `INF` and `NAN`.
    pub upper: bool,
    /// Keep the point and trailing zeros (`#`).
    pub alternate: bool,
    /// Write `.0` after a whole number.
    pub dot_zero: bool,
    /// No minus sign if all digits are zero (`z`).
    pub no_negative_zero: bool,
}

/// The digits of `v` (finite, nonnegative) and the position of the point in them:
/// `0.d1d2d3... * 10^point`.
struct Decimal {
    digits: Vec<u8>,
    point: i64,
}

/// No float has more significant digits than this in exact decimal notation.
const MAX_SIGNIFICANT: usize = 800;
/// No float has more digits than this after the point.
const MAX_FRACTION: usize = 1100;

fn split_exponential(text: &str) -> Decimal {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let digits: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).collect();
    Decimal { digits, point: exponent.parse::<i64>().unwrap_or(0) + 1 }
}

/// Whether `v` may lie exactly halfway between two decimals of its shortest length:
/// its exact decimal notation is then at most 18 digits long, which bounds the power
/// of two in its denominator.
fn may_tie(v: f64) -> bool {
    let (m, e) = crate::bigint::decompose(v);
    let e = e + i64::from(m.trailing_zeros());
    (-26..0).contains(&e) || v > 9_007_199_254_740_992.0
}

/// Of two equally near shortest decimals std takes the greater, CPython the even one.
fn tie_to_even(v: f64, d: Decimal) -> Decimal {
    let text = format!("{:.*e}", d.digits.len() - 1, v);
    if text.parse() == Ok(v) { split_exponential(&text) } else { d }
}

fn decimal_of(v: f64, kind: Kind, precision: usize) -> Decimal {
    let mut d = match kind {
        Kind::Shortest => {
            let d = split_exponential(&format!("{v:e}"));
            let odd = d.digits.last().is_some_and(|b| b & 1 == 1);
            if odd && d.digits.len() >= 15 && may_tie(v) { tie_to_even(v, d) } else { d }
        }
        Kind::Exponent => split_exponential(&format!("{:.*e}", precision.min(MAX_SIGNIFICANT), v)),
        Kind::General => {
            let n = precision.clamp(1, MAX_SIGNIFICANT);
            split_exponential(&format!("{:.*e}", n - 1, v))
        }
        Kind::Fixed => Decimal { digits: Vec::new(), point: 1 },
    };
    while d.digits.last() == Some(&b'0') {
        d.digits.pop();
    }
    if d.digits.is_empty() {
        // Zero is the one digit 0 before the point.
        d.point = 1;
    }
    d
}

/// [`write`] for [`Kind::Fixed`], where std's text is already the right one.
fn write_fixed(out: &mut String, v: f64, f: &FloatFormat) {
    use std::fmt::Write;
    let start = out.len();
    if v.is_sign_negative() {
        out.push('-');
    }
    let shown = f.precision.min(MAX_FRACTION);
    if !write_scaled(out, v.abs(), shown) {
        // Writing to a string cannot fail.
        let _ = write!(out, "{:.*}", shown, v.abs());
    }
    if f.precision == 0 && f.alternate {
        out.push('.');
    }
    out.extend(std::iter::repeat_n('0', f.precision - shown));
    if f.no_negative_zero
        && v.is_sign_negative()
        && out[start..].bytes().all(|b| matches!(b, b'-' | b'.' | b'0'))
    {
        out.remove(start);
    }
}

/// Appends a number that is not negative with `places` digits behind the
/// point, by integer arithmetic that is exact; false if it is too large for that.
fn write_scaled(out: &mut String, v: f64, places: usize) -> bool {
    use std::fmt::Write as _;
    let bits = v.to_bits();
    let (exponent, fraction) = ((bits >> 52) as i32, bits & ((1 << 52) - 1));
    // v = mantissa * 2 ** -shift
    let (mantissa, shift) =
        if exponent == 0 { (fraction, 1074) } else { (fraction | 1 << 52, 1075 - exponent) };
    if places > 17 || shift < 0 {
        return false;
    }
    let unit = 10u64.pow(places as u32);
    // Below 2 ** 110: a shift of 112 leaves nothing, and less than one half.
    let scaled = mantissa as u128 * unit as u128;
    let rounded = if shift == 0 {
        scaled
    } else if shift > 111 {
        0
    } else {
        let (quotient, rest, half) = (scaled >> shift, scaled & ((1 << shift) - 1), 1u128 << (shift - 1));
        quotient + u128::from(rest > half || rest == half && quotient & 1 == 1)
    };
    // Writing to a string cannot fail.
    let _ = write!(out, "{}", rounded / unit as u128);
    if places > 0 {
        let _ = write!(out, ".{:0places$}", (rounded % unit as u128) as u64);
    }
    true
}

/// Appends the text of `v`, with a minus sign if it is negative.
pub fn write(out: &mut String, v: f64, f: &FloatFormat) {
    if !v.is_finite() {
        let (text, negative) = if v.is_nan() { ("nan", false) } else { ("inf", v < 0.0) };
        if negative {
            out.push('-');
        }
        if f.upper {
            out.push_str(&text.to_ascii_uppercase())
        } else {
            out.push_str(text)
        }
        return;
    }
    if f.kind == Kind::Fixed {
        write_fixed(out, v, f);
        return;
    }
    let precision = if f.kind == Kind::General { f.precision.max(1) } else { f.precision };
    let d = decimal_of(v.abs(), f.kind, precision);
    if v.is_sign_negative() && !(f.no_negative_zero && d.digits.is_empty()) {
        out.push('-');
    }
    let mut point = d.point;
    let places = precision as i64;
    // The position after the last digit to write; positions beyond the digits are zeros.
    let mut end = d.digits.len().max(1) as i64;
    let exponential = match f.kind {
        Kind::Exponent => {
            end = places + 1;
            true
        }
        Kind::Fixed => false,
        Kind::General => {
            if f.alternate {
                end = places;
            }
            point <= -4 || point > places - i64::from(f.dot_zero)
        }
        Kind::Shortest => point <= -4 || point > 16,
    };
    let exponent = point - 1;
    if exponential {
        point = 1;
    }
    end = end.max(if !exponential && f.dot_zero { point + 1 } else { point });
    let start = if point <= 0 { point - 1 } else { 0 };
    out.reserve((end - start) as usize + 8);
    let digit = |i: i64| {
        if i < 0 { '0' } else { d.digits.get(i as usize).map_or('0', |&b| b as char) }
    };
    for i in start..point {
        out.push(digit(i));
    }
    if end > point || f.alternate {
        out.push('.');
    }
    for i in point..end {
        out.push(digit(i));
    }
    if exponential {
        out.push(if f.upper { 'E' } else { 'e' });
        out.push(if exponent < 0 { '-' } else { '+' });
        let n = exponent.unsigned_abs();
        if n < 10 {
            out.push('0');
        }
        out.push_str(&n.to_string());
    }
}

/// The shortest text that reads back as `v`; `dot_zero` as in [`FloatFormat`].
pub fn shortest(v: f64, dot_zero: bool) -> String {
    let mut out = String::new();
    let f = FloatFormat {
        kind: Kind::Shortest,
        precision: 0,
        upper: false,
        alternate: false,
        dot_zero,
        no_negative_zero: false,
    };
    write(&mut out, v, &f);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scaled_agrees_with_std() {
        let mut state = 1u64;
        for i in 0..200_000u64 {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let v = match i % 4 {
                0 => f64::from_bits(state >> 1),
                1 => (state >> 40) as f64 / 1000.0,
                2 => (state >> 20) as f64 / 1024.0,
                _ => (state >> 11) as f64 / (1u64 << 53) as f64,
            };
            let places = (state >> 7) as usize % 19;
            let mut out = String::new();
            if v.is_finite() && write_scaled(&mut out, v, places) {
                assert_eq!(out, format!("{v:.places$}"), "{v:e}");
            }
        }
    }
}
