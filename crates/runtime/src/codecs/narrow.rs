//! ASCII and Latin-1.

use super::errors::{self, Replacement};
use crate::prelude::*;
use crate::types::str::{self, Builder, Kind};
use crate::types::str_units::units;
use std::borrow::Cow;

/// An encoding with one byte for each code point below its limit.
#[derive(Clone, Copy)]
pub struct Narrow {
    name: &'static str,
    limit: u32,
    reason: &'static str,
}

pub const ASCII: Narrow = Narrow { name: "ascii", limit: 128, reason: "ordinal not in range(128)" };
pub const LATIN1: Narrow = Narrow { name: "latin-1", limit: 256, reason: "ordinal not in range(256)" };

/// Encodes `text` (a str).
pub fn encode(vm: &Vm, text: &Object, errors: &str, narrow: Narrow) -> Result<Vec<u8>> {
    let Some(s) = text.downcast::<Str>() else { return Ok(Vec::new()) };
    if let Kind::Latin1(bytes) = s.kind()
        && (narrow.limit == 256 || s.is_ascii())
    {
        return Ok(bytes.to_vec());
    }
    let mut out = Vec::with_capacity(s.len());
    let mut i = 0;
    while i < s.len() {
        let c = s.char_at(i);
        if c < narrow.limit {
            out.push(c as u8);
            i += 1;
            continue;
        }
        let end =
            i + units!(s, u => u[i..].iter().take_while(|&&c| Into::<u32>::into(c) >= narrow.limit).count());
        let (replacement, next) =
            errors::encode_error(vm, narrow.name, errors, text, (i, end), narrow.reason)?;
        match replacement {
            Replacement::Bytes(bytes) => out.extend_from_slice(&bytes),
            Replacement::Text(chars) => {
                if chars.iter().any(|&c| c >= narrow.limit) {
                    return Err(errors::raise_encode(vm, narrow.name, text, i, end, narrow.reason));
                }
                out.extend(chars.iter().map(|&c| c as u8));
            }
        }
        i = next;
    }
    Ok(out)
}

/// Decodes ASCII.
pub fn decode_ascii(vm: &Vm, bytes: &[u8], errors: &str) -> Result {
    if bytes.is_ascii() {
        return Ok(str::from_latin1(vm, bytes));
    }
    let mut input = Cow::Borrowed(bytes);
    let mut failures = errors::Failures::new(errors);
    let mut out = Builder::with_capacity(bytes.len());
    let mut i = 0;
    while i < input.len() {
        let n = input[i..].iter().take_while(|b| b.is_ascii()).count();
        out.push_latin1(&input[i..i + n]);
        i += n;
        if i < input.len() {
            i = errors::decode_error(
                vm,
                "ascii",
                &mut failures,
                &mut input,
                (i, i + 1),
                ASCII.reason,
                &mut out,
            )?;
        }
    }
    Ok(out.finish(vm))
}
