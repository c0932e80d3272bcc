//! Encoding and decoding text. `str.encode` and `bytes.decode` come here: the
//! UTFs, ASCII and Latin-1 are native and found without the registry; all
//! other codecs are those that search functions registered from Python find.
//!
//! `errors` has the error handlers, the other files one family of codecs each,
//! `module` the `_codecs` module.

pub mod charmap;
pub mod errors;
pub mod escape;
pub mod module;
pub mod narrow;
pub mod utf16_32;
pub mod utf7;
pub mod utf8;

use crate::buffer::flags;
use crate::prelude::*;
use crate::types::bytearray::ByteArray;
use crate::types::bytes::{self, Bytes};
use std::borrow::Cow;

/// Encodings known without the registry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Native {
    Utf8,
    Utf16,
    Utf32,
    Ascii,
    Latin1,
}

fn native(encoding: &str) -> Option<Native> {
    match encoding {
        "utf-8" => return Some(Native::Utf8),
        "latin-1" => return Some(Native::Latin1),
        "ascii" => return Some(Native::Ascii),
        _ if encoding.len() > 16 => return None,
        _ => {}
    }
    match normalize(encoding).as_str() {
        "utf_8" | "utf8" => Some(Native::Utf8),
        "utf_16" | "utf16" => Some(Native::Utf16),
        "utf_32" | "utf32" => Some(Native::Utf32),
        "ascii" | "us_ascii" => Some(Native::Ascii),
        "latin1" | "latin_1" | "iso_8859_1" | "iso8859_1" => Some(Native::Latin1),
        _ => None,
    }
}

/// The name as the registry knows it: lower case, runs of what is neither
/// letter, digit nor dot as one underscore, none of them at the ends.
pub fn normalize(encoding: &str) -> String {
    let mut out = String::with_capacity(encoding.len());
    let mut gap = false;
    for c in encoding.bytes() {
        if c.is_ascii_alphanumeric() || c == b'.' {
            if gap && !out.is_empty() {
                out.push('_');
            }
            gap = false;
            out.push(c.to_ascii_lowercase() as char);
        } else {
            gap = true;
        }
    }
    out
}

/// The text of an `encoding` or `errors` argument (a str).
pub fn codec_name<'a>(vm: &Vm, object: &'a Object) -> Result<Cow<'a, str>> {
    let Some(s) = object.downcast::<Str>() else {
        return Err(vm.type_error(format!("expected str, got {}", object.ty().full_name())));
    };
    let Some(text) = s.to_utf8() else {
        let encoded = utf8::encode(vm, object, "strict")?;
        return Ok(String::from_utf8_lossy(&encoded).into_owned().into());
    };
    if text.contains('\0') {
        return Err(vm.value_error("embedded null character"));
    }
    Ok(text)
}

/// `text.encode(encoding, errors)`: bytes.
pub fn encode(vm: &Vm, text: &Object, encoding: &str, errors: &str) -> Result {
    check_names(vm, encoding, errors)?;
    if let Some(native) = native(encoding) {
        if native != Native::Utf16
            && native != Native::Utf32
            && let Some(ascii) = text.downcast::<Str>().and_then(|s| s.as_ascii())
        {
            return bytes::new(vm, ascii.as_bytes());
        }
        let encoded = match native {
            Native::Utf8 => utf8::encode(vm, text, errors)?,
            Native::Utf16 => utf16_32::encode16(vm, text, errors, utf16_32::Order::Bom)?,
            Native::Utf32 => utf16_32::encode32(vm, text, errors, utf16_32::Order::Bom)?,
            Native::Ascii => narrow::encode(vm, text, errors, narrow::ASCII)?,
            Native::Latin1 => narrow::encode(vm, text, errors, narrow::LATIN1)?,
        };
        return bytes::new(vm, &encoded);
    }
    let codec = lookup_text(vm, encoding, "codecs.encode()")?;
    let result = run(vm, &codec, 0, text, encoding, errors)?;
    if result.downcast::<Bytes>().is_some() {
        return Ok(result);
    }
    if let Some(array) = result.downcast::<ByteArray>() {
        vm.warn(
            &exc::RUNTIME_WARNING,
            &format!("encoder {encoding} returned bytearray instead of bytes; use codecs.encode() to encode to arbitrary types"),
            1,
        )?;
        return bytes::new(vm, array.as_slice());
    }
    Err(vm.type_error(format!(
        "'{encoding}' encoder returned '{}' instead of 'bytes'; use codecs.encode() to encode to arbitrary types",
        result.ty().full_name()
    )))
}

/// The text of a bytes-like object: str.
pub fn decode_object(vm: &Vm, object: &Object, encoding: &str, errors: &str) -> Result {
    check_names(vm, encoding, errors)?;
    if let Some(native) = native(encoding) {
        if let Some(bytes) = object.downcast::<Bytes>() {
            return decode_native(vm, bytes.as_slice(), native, errors);
        }
        let buffer = vm.buffer(object, flags::SIMPLE)?;
        return decode_native(vm, buffer.bytes(), native, errors);
    }
    let codec = lookup_text(vm, encoding, "codecs.decode()")?;
    // What is neither bytes nor bytearray is shown to the codec as a memoryview.
    let plain = object.downcast::<Bytes>().is_some() || object.downcast::<ByteArray>().is_some();
    let shown = if plain { object.clone() } else { crate::types::memoryview::new(vm, object)? };
    let result = run(vm, &codec, 1, &shown, encoding, errors)?;
    if result.downcast::<Str>().is_some() {
        return Ok(result);
    }
    Err(vm.type_error(format!(
        "'{encoding}' decoder returned '{}' instead of 'str'; use codecs.decode() to decode to arbitrary types",
        result.ty().full_name()
    )))
}

/// In development mode both names must exist even if nothing needs them.
fn check_names(vm: &Vm, encoding: &str, errors: &str) -> Result<()> {
    if vm.interp().config.dev_mode && vm.shared("importlib").is_some() {
        if native(encoding).is_none() {
            lookup(vm, encoding)?;
        }
        if errors != "strict" {
            errors::lookup_error(vm, errors)?;
        }
    }
    Ok(())
}

/// As [`decode_object`] for bytes at hand.
pub fn decode(vm: &Vm, bytes: &[u8], encoding: &str, errors: &str) -> Result {
    match native(encoding) {
        Some(native) => decode_native(vm, bytes, native, errors),
        None => decode_object(vm, &vm.bytes(bytes), encoding, errors),
    }
}

fn decode_native(vm: &Vm, bytes: &[u8], native: Native, errors: &str) -> Result {
    match native {
        Native::Utf8 => utf8::decode(vm, bytes, errors, true).map(|r| r.0),
        Native::Utf16 => utf16_32::decode16(vm, bytes, errors, utf16_32::Order::Bom, true).map(|r| r.0),
        Native::Utf32 => utf16_32::decode32(vm, bytes, errors, utf16_32::Order::Bom, true).map(|r| r.0),
        Native::Ascii => narrow::decode_ascii(vm, bytes, errors),
        Native::Latin1 => crate::types::str::try_from_latin1(vm, &crate::types::str::STR, bytes)
            .map(|object| if bytes.len() < 2 { crate::types::str::from_latin1(vm, bytes) } else { object })
            .ok_or_else(|| vm.memory_error()),
    }
}

// ---- the registry ---------------------------------------------------------------------

const SEARCH: &str = "codec search functions";
const CACHE: &str = "codec cache";

fn search_functions(vm: &Vm) -> Object {
    match vm.shared(SEARCH) {
        Some(list) => list,
        None => {
            let list = vm.list(Vec::new());
            vm.share(SEARCH, list.clone());
            list
        }
    }
}

fn cache(vm: &Vm) -> Object {
    match vm.shared(CACHE) {
        Some(dict) => dict,
        None => {
            let dict = vm.new_dict();
            vm.share(CACHE, dict.clone());
            dict
        }
    }
}

/// `codecs.register`.
pub fn register(vm: &Vm, function: &Object) -> Result<()> {
    if !vm.is_callable(function) {
        return Err(vm.type_error("argument must be callable"));
    }
    if let Some(list) = search_functions(vm).downcast::<List>() {
        list.push(vm, function.clone())?;
    }
    Ok(())
}

/// `codecs.unregister`.
pub fn unregister(vm: &Vm, function: &Object) -> Result<()> {
    let functions = search_functions(vm);
    if let Some(list) = functions.downcast::<List>() {
        let removed = list.with_items(|items| {
            let i = items.iter().position(|f| f.value() == function.value())?;
            Some(items.remove(i))
        });
        if removed.is_some() {
            vm.share(CACHE, vm.new_dict());
        }
    }
    Ok(())
}

/// The codec's entry in the registry: a 4-tuple.
pub fn lookup(vm: &Vm, encoding: &str) -> Result {
    let key = vm.str(&normalize(encoding));
    let cache = cache(vm);
    if let Some(dict) = cache.downcast::<Dict>()
        && let Some(found) = dict.get(vm, &key)?
    {
        return Ok(found);
    }
    let mut functions = vm.collect(&search_functions(vm))?;
    if functions.is_empty() {
        // The package registers its search function when it is imported.
        let import = crate::types::iterators::builtin(vm, "__import__")?;
        vm.call(&import, &[vm.str("encodings")])?;
        functions = vm.collect(&search_functions(vm))?;
    }
    if functions.is_empty() {
        return Err(vm.lookup_error("no codec search functions registered: can't find encoding"));
    }
    for function in functions {
        let result = vm.call(&function, std::slice::from_ref(&key))?;
        if result.is_none() {
            continue;
        }
        if result.downcast::<Tuple>().is_none_or(|t| t.len() != 4) {
            return Err(vm.type_error("codec search functions must return 4-tuples"));
        }
        vm.set_item(&cache, &key, &result)?;
        return Ok(result);
    }
    Err(vm.lookup_error(format!("unknown encoding: {encoding}")))
}

/// A codec for text; others are refused with a hint at `instead`.
fn lookup_text(vm: &Vm, encoding: &str, instead: &str) -> Result {
    let codec = lookup(vm, encoding)?;
    if !codec.ty().is(&crate::types::tuple::TUPLE)
        && let Some(flag) = vm.lookup_attr_str(&codec, "_is_text_encoding")?
        && !vm.is_true(&flag)?
    {
        return Err(vm.lookup_error(format!(
            "'{encoding}' is not a text encoding; use {instead} to handle arbitrary codecs"
        )));
    }
    Ok(codec)
}

/// Calls the codec's encoder (`which` 0) or decoder (1).
fn run(vm: &Vm, codec: &Object, which: usize, object: &Object, encoding: &str, errors: &str) -> Result {
    let items = codec.downcast::<Tuple>().map_or(&[][..], |t| t.items());
    let Some(function) = items.get(which) else {
        return Err(vm.type_error("codec search functions must return 4-tuples"));
    };
    let (what, complaint) = if which == 0 {
        ("encoding", "encoder must return a tuple (object, integer)")
    } else {
        ("decoding", "decoder must return a tuple (object,integer)")
    };
    match vm.call(function, &[object.clone(), vm.str(errors)]) {
        Ok(result) => match result.downcast::<Tuple>().map(|t| t.items()) {
            Some([value, _]) => Ok(value.clone()),
            _ => Err(vm.type_error(complaint)),
        },
        Err(raised) => {
            let exception = vm.caught(raised);
            let note = vm.str(&format!("{what} with '{encoding}' codec failed"));
            if vm.call_method(&exception, "add_note", &[note]).is_err() {
                drop(vm.take_raised());
            }
            Err(vm.raise(exception))
        }
    }
}

/// `codecs.encode(object, encoding, errors)`: any codec, any object.
pub fn encode_any(vm: &Vm, object: &Object, encoding: &str, errors: &str) -> Result {
    run(vm, &lookup(vm, encoding)?, 0, object, encoding, errors)
}

/// `codecs.decode(object, encoding, errors)`.
pub fn decode_any(vm: &Vm, object: &Object, encoding: &str, errors: &str) -> Result {
    run(vm, &lookup(vm, encoding)?, 1, object, encoding, errors)
}

impl Vm {
    /// Text as the operating system takes it: UTF-8 with `surrogateescape`.
    pub fn fs_encode(&self, text: &Object) -> Result<Vec<u8>> {
        utf8::encode(self, text, "surrogateescape")
    }
    /// Text from bytes of the operating system.
    pub fn fs_decode(&self, bytes: &[u8]) -> Result {
        utf8::decode(self, bytes, "surrogateescape", true).map(|r| r.0)
    }
}
