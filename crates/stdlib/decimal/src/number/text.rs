//! Numbers from text and to text.

use super::coefficient::Coefficient;
use super::{HUGE_EXPONENT, Kind, Number};

/// An exponent and digits from text in ASCII; None if the text is no number. All
/// digits are read, whatever they mean for memory: as many as there are in the text.
pub fn parse(text: &[u8]) -> Option<Number> {
    let (negative, rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    match rest.first()? {
        b'0'..=b'9' | b'.' => parse_finite(negative, rest),
        b'i' | b'I' => {
            let word = rest.to_ascii_lowercase();
            if word == b"inf" || word == b"infinity" { Some(Number::infinite(negative)) } else { None }
        }
        b'n' | b'N' => parse_nan(negative, Kind::QuietNan, rest),
        b's' | b'S' => parse_nan(negative, Kind::SignalingNan, &rest[1..]),
        _ => None,
    }
}

fn parse_nan(negative: bool, kind: Kind, text: &[u8]) -> Option<Number> {
    let (word, payload) = text.split_at_checked(3)?;
    if !word.eq_ignore_ascii_case(b"nan") || !payload.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(Number { coefficient: Coefficient::from_digits(payload), exponent: 0, negative, kind })
}

fn parse_finite(negative: bool, text: &[u8]) -> Option<Number> {
    let end = text.iter().position(|c| matches!(c, b'e' | b'E')).unwrap_or(text.len());
    let (mantissa, exponent) = text.split_at(end);
    let exponent = match exponent {
        [] => 0,
        [_, exponent @ ..] => parse_exponent(exponent)?,
    };
    let point = mantissa.iter().position(|&c| c == b'.');
    let places = point.map_or(0, |at| mantissa.len() - at - 1) as i64;
    let joined;
    let digits = match point {
        None => mantissa,
        Some(at) => {
            joined = [&mantissa[..at], &mantissa[at + 1..]].concat();
            &joined
        }
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(Number::finite(negative, Coefficient::from_digits(digits), exponent - places))
}

fn parse_exponent(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let most = if negative { 2 * HUGE_EXPONENT } else { HUGE_EXPONENT };
    let mut n: i64 = 0;
    for d in digits {
        n = n.saturating_mul(10).saturating_add((d - b'0') as i64).min(most);
    }
    Some(if negative { -n } else { n })
}

/// What `to_text` is to write.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Scientific,
    Engineering,
}

/// The number as text.
pub fn to_text(a: &Number, style: Style, capitals: bool) -> String {
    let mut out = String::new();
    if a.negative {
        out.push('-');
    }
    match a.kind {
        Kind::Infinite => out.push_str("Infinity"),
        Kind::QuietNan | Kind::SignalingNan => {
            out.push_str(if a.kind == Kind::QuietNan { "NaN" } else { "sNaN" });
            if !a.coefficient.is_zero() {
                out.push_str(&a.coefficient.text());
            }
        }
        Kind::Finite => {
            let digits = a.coefficient.text();
            // Where the point is, counted from the first digit, without and with an exponent.
            let left = a.exponent + digits.len() as i64;
            let point = if a.exponent <= 0 && left > -6 {
                left
            } else if style == Style::Scientific {
                1
            } else if a.coefficient.is_zero() {
                (left + 1).rem_euclid(3) - 1
            } else {
                (left - 1).rem_euclid(3) + 1
            };
            write_digits(&mut out, &digits, point);
            if left != point {
                out.push(if capitals { 'E' } else { 'e' });
                out.push_str(&format!("{:+}", left - point));
            }
        }
    }
    out
}

/// Digits with a point behind so many of them, zeros filled in.
pub fn write_digits(out: &mut String, digits: &str, point: i64) {
    let len = digits.len() as i64;
    if point <= 0 {
        out.push_str("0.");
        out.extend(std::iter::repeat_n('0', point.unsigned_abs() as usize));
        out.push_str(digits);
    } else if point >= len {
        out.push_str(digits);
        out.extend(std::iter::repeat_n('0', (point - len) as usize));
    } else {
        let (whole, fraction) = digits.split_at(point as usize);
        out.push_str(whole);
        out.push('.');
        out.push_str(fraction);
    }
}
