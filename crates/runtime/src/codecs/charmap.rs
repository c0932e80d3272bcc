//! Codecs given by a table: a string or a mapping for decoding, a mapping or
//! an [`EncodingMap`] for encoding.

use super::errors::{self, Replacement};
use super::narrow;
use crate::prelude::*;
use crate::types::bytes::Bytes;
use crate::types::int;
use crate::types::str::{self, Builder};
use std::borrow::Cow;
use std::collections::HashMap;

const NAME: &str = "charmap";
const UNDEFINED: &str = "character maps to <undefined>";

/// The inverse of a decoding table of 256 characters, made by `charmap_build`.
pub struct EncodingMap {
    bytes: HashMap<u32, u8>,
}

impl NativeClass for EncodingMap {
    fn class() -> &'static Type {
        &ENCODING_MAP
    }
}

pub static ENCODING_MAP: Type = Type::new::<EncodingMap>(
    "EncodingMap",
    &crate::types::object::OBJECT,
    type_flags::DISALLOW_INSTANTIATION,
    Slots::EMPTY,
    &[MethodDef::new(
        "size($self, /)",
        |vm, args| Ok(vm.usize(args[0].downcast::<EncodingMap>().map_or(0, |m| 32 + 8 * m.bytes.capacity()))),
        "Return the size (in bytes) of this object",
    )],
    &[],
);

/// `codecs.charmap_build`: from a decoding table (a str) to what encodes.
pub fn build(vm: &Vm, table: &Str) -> Result {
    if table.len() == 256 && table.char_at(0) == 0 && (1..256).all(|i| table.char_at(i) != 0) {
        let mut bytes = HashMap::with_capacity(256);
        for (i, c) in table.chars().enumerate() {
            if c != 0xfffe {
                bytes.insert(c, i as u8);
            }
        }
        return Ok(vm.alloc(&ENCODING_MAP, EncodingMap { bytes }));
    }
    let dict = vm.new_dict();
    for (i, c) in table.chars().enumerate() {
        vm.set_item(&dict, &vm.int(c as i64), &vm.usize(i))?;
    }
    Ok(dict)
}

/// Decodes bytes through a table (None: as Latin-1).
pub fn decode(vm: &Vm, bytes: &[u8], errors: &str, mapping: &Object) -> Result {
    if mapping.is_none() {
        return Ok(str::from_latin1(vm, bytes));
    }
    let table = mapping.downcast_exact::<Str>();
    let mut input = Cow::Borrowed(bytes);
    let mut failures = errors::Failures::new(errors);
    let mut out = Builder::with_capacity(bytes.len());
    let mut i = 0;
    while i < input.len() {
        let b = input[i];
        let found = match table {
            Some(table) if (b as usize) < table.len() && table.char_at(b as usize) != 0xfffe => {
                out.push_char(table.char_at(b as usize));
                true
            }
            Some(_) => false,
            None => decode_one(vm, b, mapping, &mut out)?,
        };
        if found {
            i += 1;
        } else {
            i = errors::decode_error(vm, NAME, &mut failures, &mut input, (i, i + 1), UNDEFINED, &mut out)?;
        }
    }
    Ok(out.finish(vm))
}

/// Appends what the mapping has for a byte; false: nothing.
fn decode_one(vm: &Vm, b: u8, mapping: &Object, out: &mut Builder) -> Result<bool> {
    let result = vm.get_item(mapping, &vm.int(b as i64));
    let Some(value) = vm.swallow(result, &exc::LOOKUP_ERROR)? else { return Ok(false) };
    if value.is_none() {
        return Ok(false);
    }
    if let Some(text) = value.downcast::<Str>() {
        if text.len() == 1 && text.char_at(0) == 0xfffe {
            return Ok(false);
        }
        out.push(text);
        return Ok(true);
    }
    if !int::is_any_int(&value) {
        return Err(vm.type_error("character mapping must return integer, None or str"));
    }
    match int::to_i64(&value) {
        Some(0xfffe) => Ok(false),
        Some(c @ 0..=0x10ffff) => {
            out.push_char(c as u32);
            Ok(true)
        }
        _ => Err(vm.type_error("character mapping must be in range(0x110000)")),
    }
}

/// Encodes `text` (a str) through a mapping (None: as Latin-1).
pub fn encode(vm: &Vm, text: &Object, errors: &str, mapping: &Object) -> Result<Vec<u8>> {
    if mapping.is_none() {
        return narrow::encode(vm, text, errors, narrow::LATIN1);
    }
    let Some(s) = text.downcast::<Str>() else { return Ok(Vec::new()) };
    let mut out = Vec::with_capacity(s.len());
    let mut i = 0;
    while i < s.len() {
        if encode_one(vm, s.char_at(i), mapping, &mut out)? {
            i += 1;
            continue;
        }
        let mut end = i + 1;
        let mut scratch = Vec::new();
        while end < s.len() && !encode_one(vm, s.char_at(end), mapping, &mut scratch)? {
            end += 1;
        }
        let (replacement, next) = errors::encode_error(vm, NAME, errors, text, (i, end), UNDEFINED)?;
        match replacement {
            Replacement::Bytes(bytes) => out.extend_from_slice(&bytes),
            Replacement::Text(chars) => {
                for c in chars {
                    if !encode_one(vm, c, mapping, &mut out)? {
                        return Err(errors::raise_encode(vm, NAME, text, i, end, UNDEFINED));
                    }
                }
            }
        }
        i = next;
    }
    Ok(out)
}

/// Appends what the mapping has for a character; false: nothing.
fn encode_one(vm: &Vm, c: u32, mapping: &Object, out: &mut Vec<u8>) -> Result<bool> {
    if let Some(map) = mapping.downcast::<EncodingMap>() {
        let found = map.bytes.get(&c);
        out.extend(found);
        return Ok(found.is_some());
    }
    let result = vm.get_item(mapping, &vm.int(c as i64));
    let Some(value) = vm.swallow(result, &exc::LOOKUP_ERROR)? else { return Ok(false) };
    if value.is_none() {
        return Ok(false);
    }
    if let Some(bytes) = value.downcast::<Bytes>() {
        out.extend_from_slice(bytes.as_slice());
        return Ok(true);
    }
    if !int::is_any_int(&value) {
        return Err(vm.type_error(format!(
            "character mapping must return integer, bytes or None, not {}",
            value.ty().full_name()
        )));
    }
    match int::to_i64(&value).and_then(|n| u8::try_from(n).ok()) {
        Some(b) => {
            out.push(b);
            Ok(true)
        }
        None => Err(vm.type_error("character mapping must be in range(256)")),
    }
}
