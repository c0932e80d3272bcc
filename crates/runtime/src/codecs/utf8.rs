//! UTF-8.

use super::errors::{self, Replacement};
use crate::prelude::*;
use crate::types::str::{self, Builder, Kind, push_wtf8};
use crate::types::str_units::units;
use std::borrow::Cow;

const NAME: &str = "utf-8";

/// Encodes `text` (a str).
pub fn encode(vm: &Vm, text: &Object, errors: &str) -> Result<Vec<u8>> {
    let Some(s) = text.downcast::<Str>() else { return Ok(Vec::new()) };
    if let Some(ascii) = s.as_ascii() {
        return Ok(ascii.as_bytes().to_vec());
    }
    let mut out = Vec::new();
    if out.try_reserve(s.len() + s.len() / 2).is_err() {
        return Err(vm.memory_error());
    }
    match s.kind() {
        Kind::Latin1(bytes) => {
            for &c in bytes {
                if c < 0x80 {
                    out.push(c);
                } else {
                    out.extend([0xc0 | c >> 6, 0x80 | c & 0x3f]);
                }
            }
        }
        _ => encode_wide(vm, text, s, errors, &mut out)?,
    }
    Ok(out)
}

fn encode_wide(vm: &Vm, text: &Object, s: &Str, errors: &str, out: &mut Vec<u8>) -> Result<()> {
    let surrogate = |c: u32| (0xd800..0xe000).contains(&c);
    let mut i = 0;
    loop {
        units!(s, chars => for &c in &chars[i..] {
            let c = c.into();
            if surrogate(c) {
                break;
            }
            push_wtf8(out, c);
            i += 1;
        });
        if i >= s.len() {
            return Ok(());
        }
        let end = i + (i..s.len()).take_while(|&k| surrogate(s.char_at(k))).count();
        let reason = "surrogates not allowed";
        let (replacement, next) = errors::encode_error(vm, NAME, errors, text, (i, end), reason)?;
        match replacement {
            Replacement::Bytes(bytes) => out.extend_from_slice(&bytes),
            Replacement::Text(chars) => {
                if chars.iter().any(|&c| c >= 0x80) {
                    return Err(errors::raise_encode(vm, NAME, text, i, end, reason));
                }
                out.extend(chars.iter().map(|&c| c as u8));
            }
        }
        i = next;
    }
}

/// Decodes; the number of bytes used comes back as well. Unless it is `last`,
/// an incomplete character at the end is left over.
pub fn decode(vm: &Vm, bytes: &[u8], errors: &str, last: bool) -> Result<(Object, usize)> {
    let first_error = match std::str::from_utf8(bytes) {
        Ok(text) => return Ok((str::try_from_text(vm, text).ok_or_else(|| vm.memory_error())?, bytes.len())),
        Err(e) => e,
    };
    if !last && first_error.error_len().is_none() {
        let n = first_error.valid_up_to();
        // SAFETY: valid up to there.
        let text = unsafe { std::str::from_utf8_unchecked(&bytes[..n]) };
        return Ok((str::try_from_text(vm, text).ok_or_else(|| vm.memory_error())?, n));
    }
    let mut input = Cow::Borrowed(bytes);
    let mut failures = errors::Failures::new(errors);
    let mut out = Builder::with_capacity(bytes.len());
    let mut i = 0;
    while i < input.len() {
        let error = match std::str::from_utf8(&input[i..]) {
            Ok(text) => {
                out.push_str(text);
                i = input.len();
                break;
            }
            Err(error) => error,
        };
        let start = i + error.valid_up_to();
        // SAFETY: valid up to there.
        out.push_str(unsafe { std::str::from_utf8_unchecked(&input[i..start]) });
        let (end, reason) = match error.error_len() {
            Some(n) if (0xc2..0xf5).contains(&input[start]) => (start + n, "invalid continuation byte"),
            Some(n) => (start + n, "invalid start byte"),
            None if !last => {
                i = start;
                break;
            }
            None => (input.len(), "unexpected end of data"),
        };
        i = errors::decode_error(vm, NAME, &mut failures, &mut input, (start, end), reason, &mut out)?;
    }
    Ok((out.finish(vm), i))
}
