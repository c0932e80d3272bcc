//! printf-style formatting (`str % values`, `bytes % values`).
//!
//! What this is for: taking a format apart and laying out the converted values.
//! What it is not: fetching or converting the values, which is the runtime's: it
//! walks the [`Items`], looks up keys, takes `*` arguments and calls the helpers.
//! As in CPython an unknown conversion is an error only after its argument was
//! fetched, so that it is not reported by the parser but by [`Conversion::check`].

use std::fmt;
use std::ops::Range;

use crate::float_format::{self, FloatFormat, Kind};
use crate::format_spec::{IntValue, MAX_WIDTH, Sink};

/// The flags of a conversion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags {
    /// `-`
    pub left: bool,
    /// `+`
    pub plus: bool,
    /// a space
    pub space: bool,
    /// `#`
    pub alternate: bool,
    /// `0`
    pub zero: bool,
}

/// A width or precision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// Not given.
    None,
    /// A number.
    Value(usize),
    /// `*`: the next argument.
    Star,
}

/// A conversion such as `%-5.2f`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversion {
    /// The mapping key, as a range of the format.
    pub key: Option<Range<usize>>,
    /// The flags.
    pub flags: Flags,
    /// The width.
    pub width: Amount,
    /// The precision.
    pub precision: Amount,
    /// The conversion character.
    pub kind: u32,
    /// The position of the conversion character, for messages.
    pub index: usize,
}

/// A piece of a format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// Text, as a range of the format (`%%` yields a range of one `%`).
    Literal(Range<usize>),
    /// A conversion.
    Conversion(Conversion),
}

/// What is wrong with a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PercentError {
    /// The format ends within a conversion.
    Incomplete,
    /// The format ends within a mapping key.
    IncompleteKey,
    /// A width beyond all bounds.
    WidthTooBig,
    /// A precision beyond all bounds (`bytes` says "prec too big").
    PrecisionTooBig,
    /// No such conversion (character, index).
    Unsupported(u32, usize),
    /// An integer with more digits of precision than can be (`OverflowError`).
    PrecisionTooLarge,
    /// The field is too wide (`MemoryError`).
    Memory,
}

impl fmt::Display for PercentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            PercentError::Incomplete => f.write_str("incomplete format"),
            PercentError::IncompleteKey => f.write_str("incomplete format key"),
            PercentError::WidthTooBig => f.write_str("width too big"),
            PercentError::PrecisionTooBig => f.write_str("precision too big"),
            PercentError::Unsupported(c, i) => {
                let shown = if (32..127).contains(&c) { c as u8 as char } else { '?' };
                write!(f, "unsupported format character '{shown}' (0x{c:x}) at index {i}")
            }
            PercentError::PrecisionTooLarge => f.write_str("precision too large"),
            PercentError::Memory => Ok(()),
        }
    }
}

impl std::error::Error for PercentError {}

/// Iterator over the pieces of a format, given as code points or bytes.
#[derive(Debug, Clone)]
pub struct Items<'a, T> {
    format: &'a [T],
    at: usize,
}

impl<'a, T: Copy + Into<u32>> Items<'a, T> {
    /// The pieces of `format`.
    pub fn new(format: &'a [T]) -> Items<'a, T> {
        Items { format, at: 0 }
    }

    fn peek(&self) -> Result<u32, PercentError> {
        self.format.get(self.at).map(|&c| c.into()).ok_or(PercentError::Incomplete)
    }

    fn key(&mut self) -> Result<Option<Range<usize>>, PercentError> {
        if self.peek()? != '(' as u32 {
            return Ok(None);
        }
        let start = self.at + 1;
        let mut depth = 0u32;
        for (i, &c) in self.format.iter().enumerate().skip(self.at) {
            match char::from_u32(c.into()) {
                Some('(') => depth += 1,
                Some(')') => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                self.at = i + 1;
                return Ok(Some(start..i));
            }
        }
        Err(PercentError::IncompleteKey)
    }

    fn amount(&mut self, limit: usize, error: PercentError) -> Result<Amount, PercentError> {
        if self.peek()? == '*' as u32 {
            self.at += 1;
            return Ok(Amount::Star);
        }
        let mut value: Option<usize> = None;
        while let Some(d) = char::from_u32(self.peek()?).and_then(|c| c.to_digit(10)) {
            let v = value.unwrap_or(0).checked_mul(10).and_then(|v| v.checked_add(d as usize));
            value = Some(v.filter(|&v| v <= limit).ok_or(error)?);
            self.at += 1;
        }
        Ok(value.map_or(Amount::None, Amount::Value))
    }

    fn conversion(&mut self) -> Result<Conversion, PercentError> {
        let key = self.key()?;
        let mut flags = Flags::default();
        loop {
            match char::from_u32(self.peek()?) {
                Some('-') => flags.left = true,
                Some('+') => flags.plus = true,
                Some(' ') => flags.space = true,
                Some('#') => flags.alternate = true,
                Some('0') => flags.zero = true,
                _ => break,
            }
            self.at += 1;
        }
        let width = self.amount(isize::MAX as usize, PercentError::WidthTooBig)?;
        let mut precision = Amount::None;
        if self.peek()? == '.' as u32 {
            self.at += 1;
            precision = match self.amount(i32::MAX as usize, PercentError::PrecisionTooBig)? {
                Amount::None => Amount::Value(0),
                p => p,
            };
        }
        if matches!(char::from_u32(self.peek()?), Some('h' | 'l' | 'L')) {
            self.at += 1;
        }
        let kind = self.peek()?;
        self.at += 1;
        Ok(Conversion { key, flags, width, precision, kind, index: self.at - 1 })
    }
}

impl<T: Copy + Into<u32>> Iterator for Items<'_, T> {
    type Item = Result<Item, PercentError>;

    fn next(&mut self) -> Option<Self::Item> {
        let percent = '%' as u32;
        let start = self.at;
        if start >= self.format.len() {
            return None;
        }
        let end = self.format[start..].iter().position(|&c| c.into() == percent);
        match end {
            None => {
                self.at = self.format.len();
                return Some(Ok(Item::Literal(start..self.at)));
            }
            Some(n) if n > 0 => {
                self.at = start + n;
                return Some(Ok(Item::Literal(start..self.at)));
            }
            _ => {}
        }
        self.at += 1;
        if self.peek() == Ok(percent) {
            self.at += 1;
            return Some(Ok(Item::Literal(self.at - 1..self.at)));
        }
        let c = self.conversion();
        if c.is_err() {
            self.at = self.format.len();
        }
        Some(c.map(Item::Conversion))
    }
}

/// A conversion with its width and precision settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// The flags.
    pub flags: Flags,
    /// The least width.
    pub width: usize,
    /// The precision.
    pub precision: Option<usize>,
    /// The conversion character.
    pub kind: char,
}

impl Conversion {
    /// Whether the conversion exists for `str` (or for `bytes`).
    ///
    /// # Errors
    /// [`PercentError::Unsupported`].
    pub fn check(&self, bytes: bool) -> Result<(), PercentError> {
        match char::from_u32(self.kind) {
            Some(
                'd' | 'i' | 'u' | 'o' | 'x' | 'X' | 'e' | 'E' | 'f' | 'F' | 'g' | 'G' | 'c' | 's' | 'r' | 'a',
            ) => Ok(()),
            Some('b') if bytes => Ok(()),
            _ => Err(PercentError::Unsupported(self.kind, self.index)),
        }
    }

    /// The field, given the `*` arguments (ignored where there is no `*`): a negative
    /// width aligns left, a negative precision counts as zero.
    pub fn field(&self, star_width: isize, star_precision: isize) -> Field {
        let mut flags = self.flags;
        let width = match self.width {
            Amount::None => 0,
            Amount::Value(v) => v,
            Amount::Star => {
                flags.left |= star_width < 0;
                star_width.unsigned_abs()
            }
        };
        let precision = match self.precision {
            Amount::None => None,
            Amount::Value(v) => Some(v),
            Amount::Star => Some(star_precision.max(0) as usize),
        };
        Field { flags, width, precision, kind: char::from_u32(self.kind).unwrap_or('\u{fffd}') }
    }
}

/// Writes `[spaces] sign prefix [zeros] body [spaces]`.
fn write_signed(
    out: &mut impl Sink,
    field: &Field,
    negative: bool,
    prefix: &str,
    zeros: usize,
    body: &str,
) -> Result<(), PercentError> {
    let sign = if negative {
        "-"
    } else if field.flags.plus {
        "+"
    } else if field.flags.space {
        " "
    } else {
        ""
    };
    let length = sign.len() + prefix.len() + zeros + body.len();
    let pad = field.width.saturating_sub(length);
    if pad > MAX_WIDTH || zeros > MAX_WIDTH {
        return Err(PercentError::Memory);
    }
    let (left, fill) = (field.flags.left, field.flags.zero);
    if !left && !fill {
        out.repeat(' ' as u32, pad);
    }
    out.text(sign);
    out.text(prefix);
    if !left && fill {
        out.repeat('0' as u32, pad);
    }
    out.repeat('0' as u32, zeros);
    out.text(body);
    if left {
        out.repeat(' ' as u32, pad);
    }
    Ok(())
}

/// `%d %i %u %o %x %X` of an integer.
///
/// # Errors
/// [`PercentError::PrecisionTooLarge`], [`PercentError::Memory`].
pub fn write_int(out: &mut impl Sink, field: &Field, value: &impl IntValue) -> Result<(), PercentError> {
    let (radix, prefix) = match field.kind {
        'o' => (8, "0o"),
        'x' => (16, "0x"),
        'X' => (16, "0X"),
        _ => (10, ""),
    };
    if field.precision.is_some_and(|p| p > i32::MAX as usize - 3) {
        return Err(PercentError::PrecisionTooLarge);
    }
    let mut digits = value.digits(radix);
    if field.kind == 'X' {
        digits.make_ascii_uppercase();
    }
    let zeros = field.precision.unwrap_or(0).saturating_sub(digits.len());
    let prefix = if field.flags.alternate { prefix } else { "" };
    write_signed(out, field, value.negative(), prefix, zeros, &digits)
}

/// `%e %E %f %F %g %G` of a float.
///
/// # Errors
/// [`PercentError::Memory`].
pub fn write_float(out: &mut impl Sink, field: &Field, value: f64) -> Result<(), PercentError> {
    if field.precision.is_some_and(|p| p > MAX_WIDTH) {
        return Err(PercentError::Memory);
    }
    let layout = FloatFormat {
        kind: match field.kind {
            'e' | 'E' => Kind::Exponent,
            'f' | 'F' => Kind::Fixed,
            _ => Kind::General,
        },
        precision: field.precision.unwrap_or(6),
        upper: field.kind.is_ascii_uppercase(),
        alternate: field.flags.alternate,
        dot_zero: false,
        no_negative_zero: false,
    };
    let mut text = String::new();
    float_format::write(&mut text, value, &layout);
    match text.strip_prefix('-') {
        Some(body) => write_signed(out, field, true, "", 0, body),
        None => write_signed(out, field, false, "", 0, &text),
    }
}

/// How text of `length` is laid out by `%s %r %a %b %c`: how much of it to keep, and
/// the spaces on the left and right.
///
/// # Errors
/// [`PercentError::Memory`].
pub fn layout_text(field: &Field, length: usize) -> Result<(usize, usize, usize), PercentError> {
    let kept = if field.kind == 'c' { length } else { length.min(field.precision.unwrap_or(length)) };
    let pad = field.width.saturating_sub(kept);
    if pad > MAX_WIDTH {
        return Err(PercentError::Memory);
    }
    Ok(if field.flags.left { (kept, 0, pad) } else { (kept, pad, 0) })
}

/// `%s %r %a %c` of text.
///
/// # Errors
/// [`PercentError::Memory`].
pub fn write_str(out: &mut impl Sink, field: &Field, value: &str) -> Result<(), PercentError> {
    let (kept, left, right) = layout_text(field, value.chars().count())?;
    let end = value.char_indices().nth(kept).map_or(value.len(), |(i, _)| i);
    out.repeat(' ' as u32, left);
    out.text(&value[..end]);
    out.repeat(' ' as u32, right);
    Ok(())
}
