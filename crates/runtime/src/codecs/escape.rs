//! The escapes of Python's literals as codecs: `unicode_escape`,
//! `raw_unicode_escape`, and bytes with escapes.

use super::errors;
use crate::prelude::*;
use crate::types::bytes_methods::reserve;
use crate::types::str::Builder;
use std::borrow::Cow;

// ---- unicode_escape -----------------------------------------------------------------

/// Encodes `text` (a str): never fails but for memory.
pub fn encode(vm: &Vm, text: &Object) -> Result<Vec<u8>> {
    let Some(s) = text.downcast::<Str>() else { return Ok(Vec::new()) };
    let mut out = reserve(vm, s.len())?;
    for c in s.chars() {
        match c {
            9 => out.extend(b"\\t"),
            10 => out.extend(b"\\n"),
            13 => out.extend(b"\\r"),
            0x5c => out.extend(b"\\\\"),
            0x20..0x7f => out.push(c as u8),
            _ => out.extend(errors::backslash(c).into_bytes()),
        }
    }
    Ok(out)
}

/// What an escape stands for.
enum Escape {
    Char(u32),
    /// No escape: the backslash and the character themselves.
    Invalid,
    /// Left out (a backslash before a line's end).
    Nothing,
    Error(&'static str),
}

/// Reads `digits` hexadecimal digits at `i`: the value and how many there were.
fn hex(input: &[u8], i: usize, digits: usize) -> (u32, usize) {
    let (mut value, mut n) = (0u32, 0);
    while n < digits
        && let Some(d) = input.get(i + n).and_then(|&b| (b as char).to_digit(16))
    {
        value = value << 4 | d;
        n += 1;
    }
    (value, n)
}

/// The escape whose backslash is at `i`: what it is, and where it ends.
fn escape(input: &[u8], i: usize) -> (Escape, usize) {
    let Some(&c) = input.get(i + 1) else { return (Escape::Error("\\ at end of string"), i + 1) };
    let at = i + 2;
    let simple = |c: u8| (Escape::Char(c as u32), at);
    let coded = |digits: usize, message: &'static str| {
        let (value, n) = hex(input, at, digits);
        match () {
            () if n < digits => (Escape::Error(message), at + n),
            () if value > 0x10ffff => (Escape::Error("illegal Unicode character"), at + n),
            () => (Escape::Char(value), at + n),
        }
    };
    match c {
        b'\n' => (Escape::Nothing, at),
        b'\\' | b'\'' | b'"' => simple(c),
        b'b' => simple(8),
        b'f' => simple(12),
        b't' => simple(9),
        b'n' => simple(10),
        b'r' => simple(13),
        b'v' => simple(11),
        b'a' => simple(7),
        b'0'..=b'7' => {
            let digits = input[i + 1..].iter().take(3).take_while(|b| (b'0'..=b'7').contains(b)).count();
            let value = input[i + 1..i + 1 + digits].iter().fold(0, |v, &b| v * 8 + (b - b'0') as u32);
            (Escape::Char(value), i + 1 + digits)
        }
        b'x' => coded(2, "truncated \\xXX escape"),
        b'u' => coded(4, "truncated \\uXXXX escape"),
        b'U' => coded(8, "truncated \\UXXXXXXXX escape"),
        b'N' => named(input, at),
        _ => (Escape::Invalid, at),
    }
}

/// Names of characters are `unicodedata`'s business, which is imported when
/// the first is met, as `sys.modules` shows. False: it could not be.
pub fn load_names(vm: &Vm) -> bool {
    if names_loaded(vm) {
        return true;
    }
    let loaded = vm.import_module("unicodedata").is_ok();
    match loaded {
        true => vm.share(LOADED, Object::TRUE),
        false => drop(vm.take_raised()),
    }
    loaded
}

const LOADED: &str = "unicodedata._ucnhash_CAPI";

/// Did [`load_names`] say yes already?
pub fn names_loaded(vm: &Vm) -> bool {
    vm.shared(LOADED).is_some()
}

/// `\N{...}`; `i` is behind the N.
fn named(input: &[u8], i: usize) -> (Escape, usize) {
    let malformed = "malformed \\N character escape";
    if input.get(i) != Some(&b'{') {
        return (Escape::Error(malformed), i);
    }
    let Some(n) = memchr::memchr(b'}', &input[i..]) else { return (Escape::Error(malformed), input.len()) };
    let name = &input[i + 1..i + n];
    if name.is_empty() {
        return (Escape::Error(malformed), i + n);
    }
    let found = std::str::from_utf8(name).ok().and_then(taipan_unicode::names::lookup);
    match found.as_deref() {
        Some([c]) => (Escape::Char(*c), i + n + 1),
        _ => (Escape::Error("unknown Unicode character name"), i + n + 1),
    }
}

/// The warning about an escape that is none.
fn warn_invalid(vm: &Vm, prefix: &str, input: &[u8], (start, end): (usize, usize)) -> Result<()> {
    let shown: String = input[start..end].iter().map(|&b| b as char).collect();
    let octal = if end - start == 4 { "octal " } else { "" };
    vm.warn(
        &exc::DEPRECATION_WARNING,
        &format!("{prefix}\"{shown}\" is an invalid {octal}escape sequence. Such sequences will not work in the future. "),
        1,
    )
}

/// Decodes; the number of bytes used comes back as well. Unless it is `last`,
/// an incomplete escape at the end is left over.
pub fn decode(vm: &Vm, bytes: &[u8], errors: &str, last: bool) -> Result<(Object, usize)> {
    let mut input = Cow::Borrowed(bytes);
    let mut failures = errors::Failures::new(errors);
    let mut out = Builder::with_capacity(bytes.len());
    let mut invalid = None;
    let mut i = 0;
    while i < input.len() {
        let n = memchr::memchr(b'\\', &input[i..]).unwrap_or(input.len() - i);
        out.push_latin1(&input[i..i + n]);
        i += n;
        if i == input.len() {
            break;
        }
        let (escape, end) = escape(&input, i);
        if input.get(i + 1) == Some(&b'N') && !load_names(vm) {
            let message = "\\N escapes not supported (can't load unicodedata module)";
            return Err(vm.error(&exc::UNICODE_ERROR, message));
        }
        match escape {
            Escape::Char(c) => {
                if c > 0xff && input[i + 1].is_ascii_digit() {
                    invalid.get_or_insert((i, end));
                }
                out.push_char(c);
                i = end;
            }
            Escape::Nothing => i = end,
            Escape::Invalid => {
                invalid.get_or_insert((i, end));
                out.push_latin1(&input[i..end]);
                i = end;
            }
            Escape::Error(reason) => {
                if !last
                    && end >= input.len()
                    && reason != "illegal Unicode character"
                    && !reason.starts_with("unknown")
                {
                    break;
                }
                i = errors::decode_error(
                    vm,
                    "unicodeescape",
                    &mut failures,
                    &mut input,
                    (i, end),
                    reason,
                    &mut out,
                )?;
            }
        }
    }
    if let Some(range) = invalid
        && range.1 <= input.len()
    {
        warn_invalid(vm, "", &input, range)?;
    }
    Ok((out.finish(vm), if last { bytes.len() } else { i }))
}

// ---- raw_unicode_escape ------------------------------------------------------------------

/// Encodes `text` (a str): only what is not Latin-1 is escaped.
pub fn encode_raw(vm: &Vm, text: &Object) -> Result<Vec<u8>> {
    let Some(s) = text.downcast::<Str>() else { return Ok(Vec::new()) };
    let mut out = reserve(vm, s.len())?;
    for c in s.chars() {
        match u8::try_from(c) {
            Ok(b) => out.push(b),
            Err(_) => out.extend(errors::backslash(c).into_bytes()),
        }
    }
    Ok(out)
}

/// Decodes, as [`decode`].
pub fn decode_raw(vm: &Vm, bytes: &[u8], errors: &str, last: bool) -> Result<(Object, usize)> {
    let mut input = Cow::Borrowed(bytes);
    let mut failures = errors::Failures::new(errors);
    let mut out = Builder::with_capacity(bytes.len());
    let mut i = 0;
    while i < input.len() {
        let c = input[i];
        if c != b'\\' {
            out.push_char(c as u32);
            i += 1;
            continue;
        }
        let digits = match input.get(i + 1) {
            Some(b'u') => 4,
            Some(b'U') => 8,
            Some(&other) => {
                out.push_char('\\' as u32);
                out.push_char(other as u32);
                i += 2;
                continue;
            }
            None if !last => break,
            None => {
                out.push_char('\\' as u32);
                i += 1;
                continue;
            }
        };
        let (value, n) = hex(&input, i + 2, digits);
        let end = i + 2 + n;
        let reason = if n < digits {
            if !last && end >= input.len() {
                break;
            }
            if digits == 4 { "truncated \\uXXXX escape" } else { "truncated \\UXXXXXXXX escape" }
        } else if value > 0x10ffff {
            "\\Uxxxxxxxx out of range"
        } else {
            out.push_char(value);
            i = end;
            continue;
        };
        i = errors::decode_error(
            vm,
            "rawunicodeescape",
            &mut failures,
            &mut input,
            (i, end),
            reason,
            &mut out,
        )?;
    }
    Ok((out.finish(vm), if last { bytes.len() } else { i }))
}

// ---- bytes --------------------------------------------------------------------------------

/// `_codecs.escape_encode`.
pub fn escape_bytes(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for &b in bytes {
        match b {
            b'\'' | b'\\' => out.extend([b'\\', b]),
            b'\t' => out.extend(b"\\t"),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            0x20..0x7f => out.push(b),
            _ => out.extend(format!("\\x{b:02x}").into_bytes()),
        }
    }
    out
}

/// `_codecs.escape_decode`.
pub fn unescape_bytes(vm: &Vm, input: &[u8], errors: &str) -> Result<Vec<u8>> {
    let mut out = reserve(vm, input.len())?;
    let mut invalid = None;
    let mut i = 0;
    while i < input.len() {
        if input[i] != b'\\' {
            out.push(input[i]);
            i += 1;
            continue;
        }
        match input.get(i + 1) {
            None => return Err(vm.value_error("Trailing \\ in string")),
            Some(b'u' | b'U' | b'N') => {
                invalid.get_or_insert((i, i + 2));
                out.extend_from_slice(&input[i..i + 2]);
                i += 2;
                continue;
            }
            _ => {}
        }
        let (escape, end) = escape(input, i);
        match escape {
            Escape::Char(c) => {
                if c > 0xff {
                    invalid.get_or_insert((i, end));
                }
                out.push(c as u8);
            }
            Escape::Nothing => {}
            Escape::Invalid => {
                invalid.get_or_insert((i, end));
                out.extend_from_slice(&input[i..end]);
            }
            Escape::Error(_) => match errors {
                "strict" => return Err(vm.value_error(format!("invalid \\x escape at position {i}"))),
                "replace" => out.push(b'?'),
                "ignore" => {}
                _ => {
                    return Err(
                        vm.value_error(format!("decoding error; unknown error handling code: {errors}"))
                    );
                }
            },
        }
        i = end;
    }
    if let Some(range) = invalid {
        warn_invalid(vm, "b", input, range)?;
    }
    Ok(out)
}
