//! Encoding and decoding of text streams: UTF-8, ASCII and Latin-1 natively,
//! all other encodings through the incremental codecs of the registry.

use super::newlines::{Newlines, split_state};
use super::*;
use std::cell::RefCell;
use taipan_runtime::codecs::{self, narrow, utf8};
use taipan_runtime::types::cell::ObjectCell;
use taipan_runtime::types::str;

/// Encodings with a way of their own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Native {
    Utf8,
    Ascii,
    Latin1,
}

/// The native encoding of this name.
pub fn native(encoding: &str) -> Option<Native> {
    match codecs::normalize(encoding).as_str() {
        "utf_8" | "utf8" | "u8" | "cp65001" => Some(Native::Utf8),
        "ascii" | "us_ascii" | "646" | "ansi_x3.4_1968" | "ansi_x3_4_1968" => Some(Native::Ascii),
        "latin1" | "latin_1" | "iso_8859_1" | "iso8859_1" | "8859" | "cp819" | "l1" | "iso8859" => {
            Some(Native::Latin1)
        }
        _ => None,
    }
}

/// The entry of the registry for a text encoding.
pub fn lookup(vm: &Vm, encoding: &str) -> Result {
    let info = codecs::lookup(vm, encoding)?;
    if !info.ty().is(&taipan_runtime::types::tuple::TUPLE)
        && let Some(flag) = vm.lookup_attr_str(&info, "_is_text_encoding")?
        && !vm.is_true(&flag)?
    {
        return Err(vm.lookup_error(format!("'{encoding}' is not a text encoding")));
    }
    Ok(info)
}

/// What a codec calls itself; a codec that there is not keeps the name given.
pub fn known_name(vm: &Vm, encoding: &str) -> String {
    match native(encoding) {
        Some(Native::Utf8) => "utf-8".to_string(),
        Some(Native::Ascii) => "ascii".to_string(),
        Some(Native::Latin1) => "iso8859-1".to_string(),
        None => match codecs::lookup(vm, encoding).and_then(|info| vm.get_attr_str(&info, "name")) {
            Ok(name) => vm.str_lossy(&name),
            Err(_) => {
                drop(vm.take_raised());
                encoding.to_string()
            }
        },
    }
}

/// The state of a decoder: bytes it holds back, and its flags.
#[derive(Clone)]
pub struct State {
    pub held: Vec<u8>,
    pub flags: Object,
}

enum Inner {
    Native {
        kind: Native,
        errors: String,
        /// The beginning of a character of which the rest is to come.
        held: RefCell<Vec<u8>>,
    },
    Python(ObjectCell),
}

/// An incremental decoder, line ends included.
pub struct Decoder {
    inner: Inner,
    pub newlines: Option<Newlines>,
}

impl Decoder {
    pub fn new(vm: &Vm, encoding: &str, errors: &str, newlines: Option<Newlines>) -> Result<Decoder> {
        let inner = match native(encoding) {
            Some(kind) => Inner::Native { kind, errors: errors.to_string(), held: RefCell::default() },
            None => {
                let info = lookup(vm, encoding)?;
                let factory = vm.get_attr_str(&info, "incrementaldecoder")?;
                Inner::Python(ObjectCell::new(vm.call(&factory, &[vm.str(errors)])?))
            }
        };
        Ok(Decoder { inner, newlines })
    }
    pub fn traverse(&self, visitor: &mut Visitor) {
        if let Inner::Python(decoder) = &self.inner {
            decoder.traverse(visitor)
        }
    }
    /// Decodes bytes to a str.
    pub fn decode(&self, vm: &Vm, bytes: &[u8], last: bool) -> Result {
        let text = match &self.inner {
            Inner::Native { kind, errors, held } => decode_native(vm, *kind, errors, held, bytes, last)?,
            Inner::Python(_) => return self.decode_object(vm, &vm.bytes(bytes), last),
        };
        Ok(self.with_newlines(vm, text, last))
    }
    /// Decodes a bytes-like object to a str.
    pub fn decode_object(&self, vm: &Vm, bytes: &Object, last: bool) -> Result {
        match &self.inner {
            Inner::Native { .. } => {
                let buffer = vm.bytes_like(bytes, "input")?;
                self.decode(vm, buffer.bytes(), last)
            }
            Inner::Python(decoder) => {
                let text =
                    vm.call_method(&decoder.or_none(), "decode", &[bytes.clone(), Object::bool(last)])?;
                if text.downcast::<Str>().is_none() {
                    return Err(vm.type_error(format!(
                        "decoder should return a string result, not '{}'",
                        text.ty().name()
                    )));
                }
                Ok(self.with_newlines(vm, text, last))
            }
        }
    }
    #[inline]
    fn with_newlines(&self, vm: &Vm, text: Object, last: bool) -> Object {
        match &self.newlines {
            Some(newlines) => newlines.process(vm, text, last),
            None => text,
        }
    }
    /// Is nothing held back, at no flags?
    pub fn state(&self, vm: &Vm) -> Result<State> {
        let (held, flags) = match &self.inner {
            Inner::Native { held, .. } => (held.borrow().clone(), vm.int(0)),
            Inner::Python(decoder) => {
                let state = vm.call_method(&decoder.or_none(), "getstate", &[])?;
                let (held, flags) = split_state(vm, &state)?;
                let Some(bytes) = bytes_of(&held) else {
                    return Err(vm.type_error(format!(
                        "illegal decoder state: the first item should be a bytes object, not '{}'",
                        held.ty().name()
                    )));
                };
                (bytes.to_vec(), flags)
            }
        };
        match &self.newlines {
            None => Ok(State { held, flags }),
            Some(newlines) => {
                let pending = newlines.pending.get() as i64;
                let flags = if flags.is_int() {
                    vm.int(flags.as_int().wrapping_shl(1) | pending)
                } else {
                    let flags = vm.binary(BinaryOp::LShift, &flags, &vm.int(1))?;
                    vm.binary(BinaryOp::Or, &flags, &vm.int(pending))?
                };
                Ok(State { held, flags })
            }
        }
    }
    pub fn set_state(&self, vm: &Vm, state: &State) -> Result<()> {
        let mut flags = state.flags.clone();
        if let Some(newlines) = &self.newlines {
            let bit = vm.binary(BinaryOp::And, &flags, &vm.int(1))?;
            newlines.pending.set(vm.is_true(&bit)?);
            flags = vm.binary(BinaryOp::RShift, &flags, &vm.int(1))?;
        }
        match &self.inner {
            Inner::Native { held, .. } => {
                *held.borrow_mut() = state.held.clone();
                Ok(())
            }
            Inner::Python(decoder) => {
                let state = vm.tuple(vec![vm.bytes(&state.held), flags]);
                vm.call_method(&decoder.or_none(), "setstate", &[state]).map(drop)
            }
        }
    }
    pub fn reset(&self, vm: &Vm) -> Result<()> {
        if let Some(newlines) = &self.newlines {
            newlines.reset();
        }
        match &self.inner {
            Inner::Native { held, .. } => {
                held.borrow_mut().clear();
                Ok(())
            }
            Inner::Python(decoder) => vm.call_method(&decoder.or_none(), "reset", &[]).map(drop),
        }
    }
}

fn decode_native(
    vm: &Vm,
    kind: Native,
    errors: &str,
    held: &RefCell<Vec<u8>>,
    bytes: &[u8],
    last: bool,
) -> Result {
    match kind {
        Native::Latin1 => str::try_from_latin1(vm, &str::STR, bytes).ok_or_else(|| vm.memory_error()),
        Native::Ascii => {
            if bytes.is_ascii() {
                return str::try_from_latin1(vm, &str::STR, bytes).ok_or_else(|| vm.memory_error());
            }
            narrow::decode_ascii(vm, bytes, errors)
        }
        Native::Utf8 => {
            let before = std::mem::take(&mut *held.borrow_mut());
            if before.is_empty() {
                let (text, used) = utf8::decode(vm, bytes, errors, last)?;
                if used < bytes.len() {
                    held.borrow_mut().extend_from_slice(&bytes[used..]);
                }
                return Ok(text);
            }
            let mut all = before;
            if all.try_reserve(bytes.len()).is_err() {
                return Err(vm.memory_error());
            }
            let n = all.len();
            all.extend_from_slice(bytes);
            match utf8::decode(vm, &all, errors, last) {
                Ok((text, used)) => {
                    held.borrow_mut().extend_from_slice(&all[used..]);
                    Ok(text)
                }
                Err(raised) => {
                    // As it was before the call.
                    all.truncate(n);
                    *held.borrow_mut() = all;
                    Err(raised)
                }
            }
        }
    }
}

/// An incremental encoder.
pub enum Encoder {
    Native(Native, String),
    Python(ObjectCell),
}

impl Encoder {
    pub fn new(vm: &Vm, encoding: &str, errors: &str) -> Result<Encoder> {
        match native(encoding) {
            Some(kind) => Ok(Encoder::Native(kind, errors.to_string())),
            None => {
                let info = lookup(vm, encoding)?;
                let factory = vm.get_attr_str(&info, "incrementalencoder")?;
                Ok(Encoder::Python(ObjectCell::new(vm.call(&factory, &[vm.str(errors)])?)))
            }
        }
    }
    pub fn traverse(&self, visitor: &mut Visitor) {
        if let Encoder::Python(encoder) = self {
            encoder.traverse(visitor)
        }
    }
    /// Encodes a str.
    pub fn encode(&self, vm: &Vm, text: &Object) -> Result<Vec<u8>> {
        match self {
            Encoder::Native(Native::Utf8, errors) => utf8::encode(vm, text, errors),
            Encoder::Native(Native::Ascii, errors) => narrow::encode(vm, text, errors, narrow::ASCII),
            Encoder::Native(Native::Latin1, errors) => narrow::encode(vm, text, errors, narrow::LATIN1),
            Encoder::Python(encoder) => {
                let bytes = vm.call_method(&encoder.or_none(), "encode", std::slice::from_ref(text))?;
                match bytes_of(&bytes) {
                    Some(bytes) => Ok(bytes.to_vec()),
                    None => Err(vm.type_error(format!(
                        "encoder should return a bytes object, not '{}'",
                        bytes.ty().name()
                    ))),
                }
            }
        }
    }
    /// Does ASCII encode as itself?
    #[inline]
    pub fn keeps_ascii(&self) -> bool {
        matches!(self, Encoder::Native(..))
    }
    /// At the start of a stream a byte order mark may be due; elsewhere not.
    pub fn reset(&self, vm: &Vm, at_start: bool) -> Result<()> {
        match self {
            Encoder::Native(..) => Ok(()),
            Encoder::Python(encoder) if at_start => {
                vm.call_method(&encoder.or_none(), "reset", &[]).map(drop)
            }
            Encoder::Python(encoder) => {
                vm.call_method(&encoder.or_none(), "setstate", &[vm.int(0)]).map(drop)
            }
        }
    }
}
