//! The format mini-language of `format()` and f-strings.
//!
//! What this is for: parsing `[[fill]align][sign][z][#][0][width][grouping]
//! [.precision[grouping]][type]` and formatting int, float, complex and str by it,
//! with CPython's errors. What it is not: `str.format`'s field syntax, or calling
//! `__format__`. The digit limit of decimal ints is up to the caller.
//!
//! Text is written into a [`Sink`], because a fill may be any code point.

use std::fmt;

use crate::bigint::{BigInt, IntError};
use crate::float_format::{self, FloatFormat, Kind};

/// No output field is wider and no float more precise than this (the error is a `MemoryError`).
pub const MAX_WIDTH: usize = 1 << 30;

/// What formatted text is written to.
pub trait Sink {
    /// Appends text.
    fn text(&mut self, s: &str);
    /// Appends a code point (possibly a lone surrogate) a number of times.
    fn repeat(&mut self, code_point: u32, count: usize);
}

impl Sink for String {
    fn text(&mut self, s: &str) {
        self.push_str(s);
    }
    fn repeat(&mut self, code_point: u32, count: usize) {
        let c = char::from_u32(code_point).unwrap_or(char::REPLACEMENT_CHARACTER);
        self.reserve(count * c.len_utf8());
        for _ in 0..count {
            self.push(c);
        }
    }
}

impl Sink for Vec<u32> {
    fn text(&mut self, s: &str) {
        self.extend(s.chars().map(u32::from));
    }
    fn repeat(&mut self, code_point: u32, count: usize) {
        self.resize(self.len() + count, code_point);
    }
}

impl Sink for Vec<u8> {
    fn text(&mut self, s: &str) {
        self.extend_from_slice(s.as_bytes());
    }
    fn repeat(&mut self, code_point: u32, count: usize) {
        self.resize(self.len() + count, code_point as u8);
    }
}

/// The type that interprets a spec; it sets the defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// `int` (and `bool`).
    Int,
    /// `float`.
    Float,
    /// `complex`.
    Complex,
    /// `str`.
    Str,
}

/// Where the padding goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// `<`
    Left,
    /// `>`
    Right,
    /// `^`
    Center,
    /// `=`: between sign and digits.
    AfterSign,
}

/// How a nonnegative number is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignOption {
    /// `-`: not at all (but written in the spec).
    Minus,
    /// `+`
    Plus,
    /// A space.
    Space,
}

/// The separator of digit groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grouping {
    /// None.
    None,
    /// `,` every three digits.
    Comma,
    /// `_` every three digits.
    Underscore,
    /// `_` every four digits (b, o, x, X).
    UnderscoreFour,
}

/// A parsed format spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormatSpec {
    /// The fill code point.
    pub fill: u32,
    /// The alignment.
    pub align: Align,
    /// The sign option, if given.
    pub sign: Option<SignOption>,
    /// `z`.
    pub no_negative_zero: bool,
    /// `#`.
    pub alternate: bool,
    /// The least width.
    pub width: Option<usize>,
    /// Grouping of the whole part.
    pub grouping: Grouping,
    /// Grouping of the fraction.
    pub fraction_grouping: Grouping,
    /// The precision.
    pub precision: Option<usize>,
    /// The presentation type; 0 if none was given and the type has no default.
    pub kind: u32,
}

/// Why a spec is malformed or does not fit its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormatError {
    /// A width or precision beyond any integer.
    TooManyDigits,
    /// A point without precision.
    MissingPrecision,
    /// Trailing characters.
    Invalid,
    /// `,` and `_` together.
    BothGroupings,
    /// A grouping the presentation type does not allow.
    GroupingNotAllowed(char, u32),
    /// The presentation type is not one of the value's type.
    UnknownCode(u32),
    /// A precision for an integer.
    PrecisionForInt,
    /// `z` for an integer.
    NegativeZeroForInt,
    /// A sign for `c`.
    SignForChar,
    /// `#` for `c`.
    AlternateForChar,
    /// An integer that is no code point (`OverflowError`).
    CharRange,
    /// An integer that does not even fit a machine word, for `c` (`OverflowError`).
    CharTooLarge,
    /// A precision beyond 2^31 - 1.
    PrecisionTooBig,
    /// A sign for a string.
    SignForStr,
    /// A space sign for a string.
    SpaceForStr,
    /// `z` for a string.
    NegativeZeroForStr,
    /// `#` for a string.
    AlternateForStr,
    /// `=` for a string.
    AlignForStr,
    /// `=` for a complex.
    AlignForComplex,
    /// Zero padding for a complex.
    ZeroPaddingForComplex,
    /// An integer too large for a float presentation (`OverflowError`).
    IntTooLarge,
    /// A field beyond [`MAX_WIDTH`] (`MemoryError`).
    Memory,
}

/// The exception class of a [`FormatError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// `ValueError`
    Value,
    /// `OverflowError`
    Overflow,
    /// `MemoryError`
    Memory,
}

impl FormatError {
    /// The exception to raise.
    pub fn class(&self) -> ErrorClass {
        match self {
            FormatError::CharRange | FormatError::CharTooLarge | FormatError::IntTooLarge => {
                ErrorClass::Overflow
            }
            FormatError::Memory => ErrorClass::Memory,
            _ => ErrorClass::Value,
        }
    }

    /// The message, for a value of the named type and the text of the spec.
    pub fn message(&self, type_name: &str, spec: &str) -> String {
        let code = |c: u32| match char::from_u32(c) {
            Some(ch) if (33..128).contains(&c) => format!("'{ch}'"),
            _ => format!("'\\x{c:x}'"),
        };
        let type_name: String = type_name.chars().take(200).collect();
        match *self {
            FormatError::Invalid => {
                format!("Invalid format specifier '{spec}' for object of type '{type_name}'")
            }
            FormatError::GroupingNotAllowed(sep, c) => format!("Cannot specify '{sep}' with {}.", code(c)),
            FormatError::UnknownCode(c) => {
                format!("Unknown format code {} for object of type '{type_name}'", code(c))
            }
            FormatError::TooManyDigits => "Too many decimal digits in format string".into(),
            FormatError::MissingPrecision => "Format specifier missing precision".into(),
            FormatError::BothGroupings => "Cannot specify both ',' and '_'.".into(),
            FormatError::PrecisionForInt => "Precision not allowed in integer format specifier".into(),
            FormatError::NegativeZeroForInt => {
                "Negative zero coercion (z) not allowed in integer format specifier".into()
            }
            FormatError::SignForChar => "Sign not allowed with integer format specifier 'c'".into(),
            FormatError::AlternateForChar => {
                "Alternate form (#) not allowed with integer format specifier 'c'".into()
            }
            FormatError::CharRange => "%c arg not in range(0x110000)".into(),
            FormatError::CharTooLarge => "Python int too large to convert to C long".into(),
            FormatError::PrecisionTooBig => "precision too big".into(),
            FormatError::SignForStr => "Sign not allowed in string format specifier".into(),
            FormatError::SpaceForStr => "Space not allowed in string format specifier".into(),
            FormatError::NegativeZeroForStr => {
                "Negative zero coercion (z) not allowed in string format specifier".into()
            }
            FormatError::AlternateForStr => {
                "Alternate form (#) not allowed in string format specifier".into()
            }
            FormatError::AlignForStr => "'=' alignment not allowed in string format specifier".into(),
            FormatError::AlignForComplex => {
                "'=' alignment flag is not allowed in complex format specifier".into()
            }
            FormatError::ZeroPaddingForComplex => {
                "Zero padding is not allowed in complex format specifier".into()
            }
            FormatError::IntTooLarge => IntError::FloatOverflow.to_string(),
            FormatError::Memory => String::new(),
        }
    }
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message("object", ""))
    }
}

impl std::error::Error for FormatError {}

/// The locale's conventions for numbers (presentation type `n`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocaleInfo {
    /// The decimal point.
    pub decimal_point: String,
    /// The separator of groups.
    pub thousands_sep: String,
    /// Group lengths from the right as in C's `lconv`: the last repeats, 127 ends grouping.
    pub grouping: Vec<u8>,
}

impl Default for LocaleInfo {
    /// The C locale.
    fn default() -> LocaleInfo {
        LocaleInfo { decimal_point: ".".into(), thousands_sep: String::new(), grouping: Vec::new() }
    }
}

fn align_of(c: u32) -> Option<Align> {
    match char::from_u32(c)? {
        '<' => Some(Align::Left),
        '>' => Some(Align::Right),
        '^' => Some(Align::Center),
        '=' => Some(Align::AfterSign),
        _ => None,
    }
}

/// A run of decimal digits at `at`: `(value, digits)`.
fn number<T: Copy + Into<u32>>(
    spec: &[T],
    at: usize,
    decimal: &impl Fn(u32) -> Option<u32>,
) -> Result<(usize, usize), FormatError> {
    let (mut value, mut count) = (0isize, 0);
    while let Some(d) = spec.get(at + count).and_then(|&c| decimal(c.into())) {
        value = value
            .checked_mul(10)
            .and_then(|v| v.checked_add(d as isize))
            .ok_or(FormatError::TooManyDigits)?;
        count += 1;
    }
    Ok((value as usize, count))
}

/// Parses a spec given as code points (of any width); ASCII digits only.
///
/// # Errors
/// [`FormatError`].
pub fn parse<T: Copy + Into<u32>>(spec: &[T], value: ValueKind) -> Result<FormatSpec, FormatError> {
    parse_with(spec, value, |c| char::from_u32(c).and_then(|c| c.to_digit(10)))
}

/// Parses a spec; `decimal` gives the value of a (Unicode) decimal digit.
///
/// # Errors
/// [`FormatError`].
pub fn parse_with<T: Copy + Into<u32>>(
    spec: &[T],
    value: ValueKind,
    decimal: impl Fn(u32) -> Option<u32>,
) -> Result<FormatSpec, FormatError> {
    let peek = |i: usize| spec.get(i).map(|&c| c.into());
    let is = |i: usize, c: char| peek(i) == Some(c as u32);
    let default_align = if value == ValueKind::Str { Align::Left } else { Align::Right };
    let mut out = FormatSpec {
        fill: ' ' as u32,
        align: default_align,
        sign: None,
        no_negative_zero: false,
        alternate: false,
        width: None,
        grouping: Grouping::None,
        fraction_grouping: Grouping::None,
        precision: None,
        kind: match value {
            ValueKind::Int => 'd' as u32,
            ValueKind::Str => 's' as u32,
            _ => 0,
        },
    };
    if spec.is_empty() {
        return Ok(out);
    }
    let mut at = 0;
    let (mut fill_given, mut align_given) = (false, false);
    if let Some(a) = peek(1).and_then(align_of) {
        out.fill = peek(0).unwrap_or(out.fill);
        out.align = a;
        (fill_given, align_given) = (true, true);
        at = 2;
    } else if let Some(a) = peek(0).and_then(align_of) {
        out.align = a;
        align_given = true;
        at = 1;
    }
    out.sign = match peek(at).and_then(char::from_u32) {
        Some('+') => Some(SignOption::Plus),
        Some('-') => Some(SignOption::Minus),
        Some(' ') => Some(SignOption::Space),
        _ => None,
    };
    at += usize::from(out.sign.is_some());
    if is(at, 'z') {
        out.no_negative_zero = true;
        at += 1;
    }
    if is(at, '#') {
        out.alternate = true;
        at += 1;
    }
    if !fill_given && is(at, '0') {
        out.fill = '0' as u32;
        if !align_given && default_align == Align::Right {
            out.align = Align::AfterSign;
        }
        at += 1;
    }
    let (width, digits) = number(spec, at, &decimal)?;
    if digits > 0 {
        out.width = Some(width);
        at += digits;
    }
    (out.grouping, at) = grouping(at, &is)?;
    if is(at, '.') {
        at += 1;
        let (precision, digits) = number(spec, at, &decimal)?;
        if digits > 0 {
            out.precision = Some(precision);
            at += digits;
        }
        let before = at;
        (out.fraction_grouping, at) = grouping(at, &is)?;
        if digits == 0 && at == before {
            return Err(FormatError::MissingPrecision);
        }
    }
    match spec.len() - at {
        0 => {}
        1 => out.kind = peek(at).unwrap_or(0),
        _ => return Err(FormatError::Invalid),
    }
    check_grouping(&mut out)?;
    Ok(out)
}

/// An optional `,` or `_` at `at`, not both.
fn grouping(mut at: usize, is: &impl Fn(usize, char) -> bool) -> Result<(Grouping, usize), FormatError> {
    let mut g = Grouping::None;
    if is(at, ',') {
        g = Grouping::Comma;
        at += 1;
    }
    if is(at, '_') {
        if g != Grouping::None {
            return Err(FormatError::BothGroupings);
        }
        g = Grouping::Underscore;
        at += 1;
    }
    if g == Grouping::Underscore && is(at, ',') {
        return Err(FormatError::BothGroupings);
    }
    Ok((g, at))
}

fn check_grouping(spec: &mut FormatSpec) -> Result<(), FormatError> {
    let kind = char::from_u32(spec.kind).unwrap_or('\u{fffd}');
    match spec.grouping {
        Grouping::None => {}
        _ if matches!(kind, 'd' | 'e' | 'f' | 'g' | 'E' | 'F' | 'G' | '%' | '\0') => {}
        Grouping::Underscore if matches!(kind, 'b' | 'o' | 'x' | 'X') => {
            spec.grouping = Grouping::UnderscoreFour;
        }
        Grouping::Comma => return Err(FormatError::GroupingNotAllowed(',', spec.kind)),
        _ => return Err(FormatError::GroupingNotAllowed('_', spec.kind)),
    }
    match spec.fraction_grouping {
        Grouping::Comma if kind == 'n' => Err(FormatError::GroupingNotAllowed(',', spec.kind)),
        Grouping::Underscore if kind == 'n' => Err(FormatError::GroupingNotAllowed('_', spec.kind)),
        _ => Ok(()),
    }
}

/// Separator and group lengths in force for a spec.
fn conventions(g: Grouping, kind: char, locale: &LocaleInfo) -> (&str, &[u8]) {
    match g {
        _ if kind == 'n' => (&locale.thousands_sep, &locale.grouping),
        Grouping::None => ("", &[]),
        Grouping::Comma => (",", &[3]),
        Grouping::Underscore => ("_", &[3]),
        Grouping::UnderscoreFour => ("_", &[4]),
    }
}

/// `digits` in groups, filled with zeros on the left up to `min_width` characters
/// (a separator never leads).
fn group_digits(digits: &str, min_width: usize, separator: &str, lengths: &[u8]) -> String {
    if lengths.is_empty() {
        let zeros = min_width.saturating_sub(digits.len());
        let mut out = String::with_capacity(zeros + digits.len());
        out.extend(std::iter::repeat_n('0', zeros));
        out.push_str(digits);
        return out;
    }
    let separator_len = separator.chars().count();
    // From the right: how many zeros, and which digits, each group has.
    let mut groups: Vec<(usize, &str)> = Vec::new();
    let (mut rest, mut missing) = (digits, min_width);
    let (mut i, mut length) = (0, 0usize);
    loop {
        match lengths.get(i) {
            Some(127) => length = usize::MAX,
            Some(&l) if l > 0 => {
                length = l as usize;
                i += 1;
            }
            _ => {}
        }
        if length == 0 {
            length = usize::MAX;
        }
        let size = length.min(rest.len().max(missing).max(1));
        let taken = rest.len().min(size);
        let (head, tail) = rest.split_at(rest.len() - taken);
        groups.push((size - taken, tail));
        rest = head;
        missing = missing.saturating_sub(size);
        if rest.is_empty() && missing == 0 {
            break;
        }
        missing = missing.saturating_sub(separator_len);
    }
    let mut out = String::with_capacity(min_width.max(digits.len()) * 4 / 3 + 8);
    for (n, (zeros, tail)) in groups.iter().rev().enumerate() {
        if n > 0 {
            out.push_str(separator);
        }
        out.extend(std::iter::repeat_n('0', *zeros));
        out.push_str(tail);
    }
    out
}

/// The digits of a fraction in groups from the left.
fn group_fraction(digits: &str, separator: &str, lengths: &[u8]) -> String {
    let Some(&length) = lengths.first().filter(|&&l| l > 0) else {
        return digits.to_owned();
    };
    let mut out = String::with_capacity(digits.len() * 4 / 3 + 1);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && i % length as usize == 0 {
            out.push_str(separator);
        }
        out.push(c);
    }
    out
}

/// A number in pieces.
struct Parts<'a> {
    negative: bool,
    prefix: &'a str,
    digits: &'a str,
    point: bool,
    fraction: &'a str,
    rest: &'a str,
}

/// Splits the text of a float (without sign).
fn split_float(text: &str) -> (&str, bool, &str, &str) {
    let run = |s: &str| s.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at(run(text));
    match rest.strip_prefix('.') {
        Some(rest) => {
            let (fraction, rest) = rest.split_at(run(rest));
            (digits, true, fraction, rest)
        }
        None => (digits, false, "", rest),
    }
}

fn sign_char(negative: bool, sign: Option<SignOption>) -> Option<char> {
    match sign {
        _ if negative => Some('-'),
        Some(SignOption::Plus) => Some('+'),
        Some(SignOption::Space) => Some(' '),
        _ => None,
    }
}

/// The padding on either side and after the sign.
fn padding(spec: &FormatSpec, length: usize) -> Result<(usize, usize, usize), FormatError> {
    let n = spec.width.unwrap_or(0).saturating_sub(length);
    if n > MAX_WIDTH {
        return Err(FormatError::Memory);
    }
    Ok(match spec.align {
        Align::Left => (0, 0, n),
        Align::Right => (n, 0, 0),
        Align::Center => (n / 2, 0, n - n / 2),
        Align::AfterSign => (0, n, 0),
    })
}

fn write_number(
    out: &mut impl Sink,
    parts: &Parts<'_>,
    spec: &FormatSpec,
    locale: &LocaleInfo,
) -> Result<(), FormatError> {
    let kind = char::from_u32(spec.kind).unwrap_or('\0');
    let sign = sign_char(parts.negative, spec.sign);
    let (separator, lengths) = conventions(spec.grouping, kind, locale);
    let point = if !parts.point {
        ""
    } else if kind == 'n' {
        &locale.decimal_point
    } else {
        "."
    };
    let fraction = match spec.fraction_grouping {
        Grouping::Comma => group_fraction(parts.fraction, ",", &[3]),
        Grouping::None => String::new(),
        _ => group_fraction(parts.fraction, "_", &[3]),
    };
    let fraction = if spec.fraction_grouping == Grouping::None { parts.fraction } else { &fraction };
    let fixed = usize::from(sign.is_some())
        + parts.prefix.len()
        + point.chars().count()
        + fraction.len()
        + parts.rest.len();
    let grouped;
    let digits = if parts.digits.is_empty() {
        ""
    } else {
        let zero_padded = spec.fill == '0' as u32 && spec.align == Align::AfterSign;
        let min_width = if zero_padded { spec.width.unwrap_or(0).saturating_sub(fixed) } else { 0 };
        if min_width > MAX_WIDTH {
            return Err(FormatError::Memory);
        }
        if lengths.is_empty() && min_width == 0 {
            parts.digits
        } else {
            grouped = group_digits(parts.digits, min_width, separator, lengths);
            &grouped
        }
    };
    let (left, middle, right) = padding(spec, fixed + digits.chars().count())?;
    out.repeat(spec.fill, left);
    if let Some(c) = sign {
        out.repeat(c as u32, 1);
    }
    out.text(parts.prefix);
    out.repeat(spec.fill, middle);
    out.text(digits);
    out.text(point);
    out.text(fraction);
    out.text(parts.rest);
    out.repeat(spec.fill, right);
    Ok(())
}

/// An integer that can be formatted: `i64` or [`BigInt`].
pub trait IntValue {
    /// Whether it is below zero.
    fn negative(&self) -> bool;
    /// The digits of the magnitude in radix 2, 8, 10 or 16, lower case.
    fn digits(&self, radix: u32) -> String;
    /// The nearest float.
    ///
    /// # Errors
    /// [`IntError::FloatOverflow`].
    fn float(&self) -> Result<f64, IntError>;
    /// The value as a small integer.
    fn small(&self) -> Option<i64>;
}

impl IntValue for i64 {
    fn negative(&self) -> bool {
        *self < 0
    }
    fn digits(&self, radix: u32) -> String {
        let m = self.unsigned_abs();
        match radix {
            2 => format!("{m:b}"),
            8 => format!("{m:o}"),
            16 => format!("{m:x}"),
            _ => m.to_string(),
        }
    }
    fn float(&self) -> Result<f64, IntError> {
        Ok(*self as f64)
    }
    fn small(&self) -> Option<i64> {
        Some(*self)
    }
}

impl IntValue for BigInt {
    fn negative(&self) -> bool {
        self.is_negative()
    }
    fn digits(&self, radix: u32) -> String {
        let mut s = self.to_str_radix(radix);
        if s.starts_with('-') {
            s.remove(0);
        }
        s
    }
    fn float(&self) -> Result<f64, IntError> {
        self.to_f64()
    }
    fn small(&self) -> Option<i64> {
        self.to_i64()
    }
}

/// `int.__format__`.
///
/// # Errors
/// [`FormatError`].
pub fn format_int(
    out: &mut impl Sink,
    value: &impl IntValue,
    spec: &FormatSpec,
    locale: &LocaleInfo,
) -> Result<(), FormatError> {
    let kind = char::from_u32(spec.kind).unwrap_or('\u{fffd}');
    match kind {
        'b' | 'c' | 'd' | 'o' | 'x' | 'X' | 'n' => {}
        'e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%' => {
            let v = value.float().map_err(|_| FormatError::IntTooLarge)?;
            return format_float(out, v, spec, locale);
        }
        _ => return Err(FormatError::UnknownCode(spec.kind)),
    }
    if spec.precision.is_some() {
        return Err(FormatError::PrecisionForInt);
    }
    if spec.no_negative_zero {
        return Err(FormatError::NegativeZeroForInt);
    }
    if kind == 'c' {
        if spec.sign.is_some() {
            return Err(FormatError::SignForChar);
        }
        if spec.alternate {
            return Err(FormatError::AlternateForChar);
        }
        let c = value.small().ok_or(FormatError::CharTooLarge)?;
        if !(0..=0x10ffff).contains(&c) {
            return Err(FormatError::CharRange);
        }
        let (left, middle, right) = padding(spec, 1)?;
        out.repeat(spec.fill, left + middle);
        out.repeat(c as u32, 1);
        out.repeat(spec.fill, right);
        return Ok(());
    }
    let (radix, prefix) = match kind {
        'b' => (2, "0b"),
        'o' => (8, "0o"),
        'x' => (16, "0x"),
        'X' => (16, "0X"),
        _ => (10, ""),
    };
    let mut digits = value.digits(radix);
    if kind == 'X' {
        digits.make_ascii_uppercase();
    }
    let parts = Parts {
        negative: value.negative(),
        prefix: if spec.alternate { prefix } else { "" },
        digits: &digits,
        point: false,
        fraction: "",
        rest: "",
    };
    write_number(out, &parts, spec, locale)
}

/// The layout for a presentation type, and whether it is a percentage.
fn float_layout(kind: char, precision: Option<usize>, spec: &FormatSpec) -> Result<FloatFormat, FormatError> {
    if precision.is_some_and(|p| p > i32::MAX as usize) {
        return Err(FormatError::PrecisionTooBig);
    }
    if precision.is_some_and(|p| p > MAX_WIDTH) {
        return Err(FormatError::Memory);
    }
    let (layout, default) = match kind {
        'e' | 'E' => (Kind::Exponent, 6),
        'f' | 'F' | '%' => (Kind::Fixed, 6),
        'g' | 'G' | 'n' => (Kind::General, 6),
        _ if precision.is_some() => (Kind::General, 0),
        _ => (Kind::Shortest, 0),
    };
    Ok(FloatFormat {
        kind: layout,
        precision: precision.unwrap_or(default),
        upper: matches!(kind, 'E' | 'F' | 'G'),
        alternate: spec.alternate,
        dot_zero: false,
        no_negative_zero: spec.no_negative_zero,
    })
}

/// `float.__format__`.
///
/// # Errors
/// [`FormatError`].
pub fn format_float(
    out: &mut impl Sink,
    value: f64,
    spec: &FormatSpec,
    locale: &LocaleInfo,
) -> Result<(), FormatError> {
    let kind = char::from_u32(spec.kind).unwrap_or('\u{fffd}');
    if !matches!(kind, '\0' | 'e' | 'E' | 'f' | 'F' | 'g' | 'G' | 'n' | '%') {
        return Err(FormatError::UnknownCode(spec.kind));
    }
    let mut layout = float_layout(kind, spec.precision, spec)?;
    layout.dot_zero = kind == '\0';
    let mut text = String::new();
    float_format::write(&mut text, if kind == '%' { value * 100.0 } else { value }, &layout);
    if kind == '%' {
        text.push('%');
    }
    let (negative, body) = match text.strip_prefix('-') {
        Some(body) => (true, body),
        None => (false, &text[..]),
    };
    let (digits, point, fraction, rest) = split_float(body);
    write_number(out, &Parts { negative, prefix: "", digits, point, fraction, rest }, spec, locale)
}

/// `complex.__format__`.
///
/// # Errors
/// [`FormatError`].
pub fn format_complex(
    out: &mut impl Sink,
    re: f64,
    im: f64,
    spec: &FormatSpec,
    locale: &LocaleInfo,
) -> Result<(), FormatError> {
    let kind = char::from_u32(spec.kind).unwrap_or('\u{fffd}');
    if !matches!(kind, '\0' | 'e' | 'E' | 'f' | 'F' | 'g' | 'G' | 'n') {
        return Err(FormatError::UnknownCode(spec.kind));
    }
    if spec.precision.is_some_and(|p| p > i32::MAX as usize) {
        return Err(FormatError::PrecisionTooBig);
    }
    if spec.fill == '0' as u32 {
        return Err(FormatError::ZeroPaddingForComplex);
    }
    if spec.align == Align::AfterSign {
        return Err(FormatError::AlignForComplex);
    }
    let layout = float_layout(kind, spec.precision, spec)?;
    let bare = kind == '\0';
    let skip_real = bare && re == 0.0 && re.is_sign_positive();
    let mut body = String::new();
    let mut part = |v: f64, sign: Option<SignOption>| -> Result<(), FormatError> {
        let mut text = String::new();
        float_format::write(&mut text, v, &layout);
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, &text[..]),
        };
        let (digits, point, fraction, rest) = split_float(rest);
        let plain = FormatSpec { width: None, sign, ..spec.clone() };
        write_number(
            &mut body,
            &Parts { negative, prefix: "", digits, point, fraction, rest },
            &plain,
            locale,
        )
    };
    if skip_real {
        part(im, spec.sign)?;
    } else {
        part(re, spec.sign)?;
        part(im, Some(SignOption::Plus))?;
    }
    let parens = bare && !skip_real;
    let (left, _, right) = padding(spec, body.chars().count() + 1 + 2 * usize::from(parens))?;
    out.repeat(spec.fill, left);
    if parens {
        out.text("(");
    }
    out.text(&body);
    out.text(if parens { "j)" } else { "j" });
    out.repeat(spec.fill, right);
    Ok(())
}

/// How a string of `length` code points is laid out: how many of them to keep, and
/// the padding on the left and right (of `spec.fill`). For runtimes with strings of
/// their own.
///
/// # Errors
/// [`FormatError`].
pub fn layout_str(length: usize, spec: &FormatSpec) -> Result<(usize, usize, usize), FormatError> {
    if spec.kind != 's' as u32 {
        return Err(FormatError::UnknownCode(spec.kind));
    }
    match spec.sign {
        Some(SignOption::Space) => return Err(FormatError::SpaceForStr),
        Some(_) => return Err(FormatError::SignForStr),
        None => {}
    }
    if spec.no_negative_zero {
        return Err(FormatError::NegativeZeroForStr);
    }
    if spec.alternate {
        return Err(FormatError::AlternateForStr);
    }
    if spec.align == Align::AfterSign {
        return Err(FormatError::AlignForStr);
    }
    let kept = length.min(spec.precision.unwrap_or(length));
    let (left, _, right) = padding(spec, kept)?;
    Ok((kept, left, right))
}

/// `str.__format__`.
///
/// # Errors
/// [`FormatError`].
pub fn format_str(out: &mut impl Sink, value: &str, spec: &FormatSpec) -> Result<(), FormatError> {
    let length = if value.is_ascii() { value.len() } else { value.chars().count() };
    let (kept, left, right) = layout_str(length, spec)?;
    out.repeat(spec.fill, left);
    if kept == length {
        out.text(value);
    } else {
        let end = value.char_indices().nth(kept).map_or(value.len(), |(i, _)| i);
        out.text(&value[..end]);
    }
    out.repeat(spec.fill, right);
    Ok(())
}
