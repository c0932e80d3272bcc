//! Format specifications for numbers: those that are common. The others are left
//! to the Python half of the library, as in CPython.

use super::text::{Style, to_text, write_digits};
use super::{Env, Number, Rest, adjust};
use taipan_numeric::format_spec::LocaleInfo;

/// A parsed specification.
#[derive(Clone, Debug)]
pub struct Spec {
    pub fill: char,
    /// `<`, `>`, `^`, `=`.
    pub align: char,
    /// `-`, `+`, or a space.
    pub sign: char,
    pub zero_padding: bool,
    pub width: usize,
    pub grouping: bool,
    pub precision: Option<i64>,
    /// One of `eEfFgG%`, or 0.
    pub kind: char,
    /// The conversion `n`.
    pub localized: bool,
}

fn number(chars: &[char], at: &mut usize) -> Option<i64> {
    let start = *at;
    let mut n: i64 = 0;
    while let Some(d) = chars.get(*at).and_then(|c| c.to_digit(10)) {
        n = n.saturating_mul(10).saturating_add(d as i64);
        *at += 1;
    }
    if *at == start { None } else { Some(n) }
}

/// None: a specification of another kind, or none at all.
pub fn parse(text: &str, capitals: bool) -> Option<Spec> {
    let chars: Vec<char> = text.chars().collect();
    let is_align = |c: char| matches!(c, '<' | '>' | '=' | '^');
    let mut spec = Spec {
        fill: ' ',
        align: '>',
        sign: '-',
        zero_padding: false,
        width: 0,
        grouping: false,
        precision: None,
        kind: if capitals { 'G' } else { 'g' },
        localized: false,
    };
    let mut at = 0;
    let mut aligned = false;
    if chars.len() >= 2 && is_align(chars[1]) {
        (spec.fill, spec.align, at, aligned) = (chars[0], chars[1], 2, true);
    } else if chars.first().is_some_and(|&c| is_align(c)) {
        (spec.align, at, aligned) = (chars[0], 1, true);
    }
    if let Some(&c @ ('+' | '-' | ' ')) = chars.get(at) {
        spec.sign = c;
        at += 1;
    }
    if chars.get(at) == Some(&'0') {
        if aligned {
            return None;
        }
        (spec.fill, spec.align, spec.zero_padding) = ('0', '=', true);
        at += 1;
    }
    if let Some(width) = number(&chars, &mut at) {
        spec.width = usize::try_from(width).ok().filter(|&w| w <= i32::MAX as usize)?;
    }
    if chars.get(at) == Some(&',') {
        spec.grouping = true;
        at += 1;
    }
    if chars.get(at) == Some(&'.') {
        at += 1;
        spec.precision = Some(number(&chars, &mut at).filter(|&n| n <= i32::MAX as i64)?);
    }
    match chars.get(at) {
        None => {}
        Some(&c @ ('e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%')) => {
            spec.kind = c;
            at += 1;
        }
        Some(&c @ ('n' | 'N')) if !spec.grouping => {
            spec.kind = if c == 'n' { 'g' } else { 'G' };
            spec.localized = true;
            at += 1;
        }
        Some(_) => return None,
    }
    if at == chars.len() { Some(spec) } else { None }
}

/// Rounds to so many digits, without limits of exponents.
fn to_digits(a: &Number, digits: i64, env: &Env) -> Option<Number> {
    let excess = a.digits() - digits;
    if excess <= 0 {
        return Some(a.clone());
    }
    let mut rounded = adjust::rounded(a, a.exponent + excess, env.round)?;
    if rounded.digits() > digits {
        let (coefficient, rest) = rounded.coefficient.scaled_down(1);
        debug_assert_eq!(rest, Rest::Zero);
        rounded.coefficient = coefficient;
        rounded.exponent += 1;
    }
    Some(rounded)
}

/// The digits of a whole part in groups, filled with zeros up to a width.
fn grouped(whole: &str, locale: &LocaleInfo, mut width: usize) -> String {
    let mut groups: Vec<String> = Vec::new();
    let mut rest = whole;
    let separator = &locale.thousands_sep;
    let mut sizes = locale.grouping.iter();
    let mut size = sizes.next().copied().unwrap_or(127) as usize;
    loop {
        // What is left of the width after this group's separator.
        let endless = size == 127 || size == 0;
        let take =
            if endless { rest.len().max(width).max(1) } else { size.min(rest.len().max(width).max(1)) };
        let from_rest = take.min(rest.len());
        let (left, group) = rest.split_at(rest.len() - from_rest);
        groups.push("0".repeat(take - from_rest) + group);
        rest = left;
        width = width.saturating_sub(take);
        if rest.is_empty() && width == 0 {
            break;
        }
        width = width.saturating_sub(separator.chars().count());
        if let Some(&next) = sizes.next()
            && next != 0
        {
            size = next as usize;
        }
    }
    groups.reverse();
    groups.join(separator)
}

/// The formatted number; None if there is no memory for it.
pub fn format(a: &Number, spec: &Spec, locale: &LocaleInfo, env: &Env) -> Option<String> {
    let upper = spec.kind.is_ascii_uppercase();
    let kind = spec.kind.to_ascii_lowercase();
    let mut number = a.clone();
    let mut body;
    if a.is_special() {
        body = to_text(&number, Style::Scientific, true);
        if let Some(rest) = body.strip_prefix('-') {
            body = rest.to_owned();
        }
        if kind == '%' {
            body.push('%');
        }
    } else {
        if kind == '%' {
            number.exponent += 2;
        }
        let mut point = None;
        if let Some(precision) = spec.precision {
            match kind {
                'g' => number = to_digits(&number, precision.max(1), env)?,
                'e' if number.is_zero() => point = Some(1 - precision),
                'e' => number = to_digits(&number, precision + 1, env)?,
                _ => number = adjust::rounded(&number, -precision, env.round)?,
            }
        }
        if matches!(kind, 'f' | '%') && number.is_zero() && number.exponent > 0 {
            number.exponent = 0;
        }
        let digits = number.coefficient.text();
        let left = number.exponent + digits.len() as i64;
        let point = point.unwrap_or(match kind {
            'f' | '%' => left,
            'g' if number.exponent <= 0 && left > -6 => left,
            _ => 1,
        });
        if point.unsigned_abs() > super::coefficient::MOST_DIGITS as u64 {
            return None;
        }
        body = String::new();
        // `1e+2` to three places behind the point.
        if kind == 'e'
            && !number.is_zero()
            && let Some(precision) = spec.precision
        {
            let missing = precision + 1 - digits.len() as i64;
            write_digits(&mut body, &(digits + &"0".repeat(missing.max(0) as usize)), point);
        } else {
            write_digits(&mut body, &digits, point);
        }
        let mut exponent = String::new();
        if left != point || kind == 'e' {
            exponent = format!("{}{:+}", if upper { 'E' } else { 'e' }, left - point);
        }
        if kind == '%' {
            exponent.push('%');
        }
        if spec.grouping || spec.localized {
            let (whole, fraction) = match body.split_once('.') {
                Some((whole, fraction)) => (whole, Some(fraction)),
                None => (&body[..], None),
            };
            let mut tail = String::new();
            if let Some(fraction) = fraction {
                tail.push_str(&locale.decimal_point);
                tail.push_str(fraction);
            }
            tail.push_str(&exponent);
            let signs = (number.negative || spec.sign != '-') as usize;
            let width =
                if spec.zero_padding { spec.width.saturating_sub(signs + tail.chars().count()) } else { 0 };
            body = if locale.grouping.is_empty() { whole.to_owned() } else { grouped(whole, locale, width) };
            body.push_str(&tail);
        } else {
            body.push_str(&exponent);
        }
    }
    let sign = match (number.negative, spec.sign) {
        (true, _) => "-",
        (false, '+') => "+",
        (false, ' ') => " ",
        _ => "",
    };
    let (mut fill, mut align) = (spec.fill, spec.align);
    if a.is_special() && spec.zero_padding {
        (fill, align) = (' ', '>');
    }
    let padding = spec.width.saturating_sub(sign.len() + body.chars().count());
    let pad = |n: usize| fill.to_string().repeat(n);
    Some(match align {
        '<' => format!("{sign}{body}{}", pad(padding)),
        '^' => format!("{}{sign}{body}{}", pad(padding / 2), pad(padding - padding / 2)),
        '=' => format!("{sign}{}{body}", pad(padding)),
        _ => format!("{}{sign}{body}", pad(padding)),
    })
}

/// Commas every three digits.
pub fn commas() -> LocaleInfo {
    LocaleInfo { decimal_point: ".".into(), thousands_sep: ",".into(), grouping: vec![3] }
}
