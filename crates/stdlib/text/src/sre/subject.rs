//! What a pattern is matched against: a str, or an object with a buffer.

use super::pattern::Pattern;
use taipan_runtime::buffer::Buffer;
use taipan_runtime::prelude::*;
use taipan_runtime::types::bytes::{self, Bytes};
use taipan_runtime::types::str::Kind;
use taipan_runtime::types::str_units::substring;

/// A str, or bytes held through the buffer protocol.
pub enum Text {
    Str(Object),
    Bytes { object: Object, buffer: Buffer },
}

impl Text {
    /// TypeError if the object is neither.
    pub fn of(vm: &Vm, object: &Object) -> Result<Text> {
        if object.downcast::<Str>().is_some() {
            return Ok(Text::Str(object.clone()));
        }
        match vm.buffer(object, taipan_runtime::buffer::flags::SIMPLE) {
            Ok(buffer) => Ok(Text::Bytes { object: object.clone(), buffer }),
            Err(_) => {
                drop(vm.take_raised());
                let shown = object.ty().name();
                Err(vm.type_error(format!("expected string or bytes-like object, got '{shown}'")))
            }
        }
    }
    /// As [`Text::of`]; TypeError also if the pattern is for the other kind.
    pub fn for_pattern(vm: &Vm, pattern: &Pattern, object: &Object) -> Result<Text> {
        let text = Text::of(vm, object)?;
        match (pattern.is_bytes, &text) {
            (Some(false), Text::Bytes { .. }) => {
                Err(vm.type_error("cannot use a string pattern on a bytes-like object"))
            }
            (Some(true), Text::Str(_)) => {
                Err(vm.type_error("cannot use a bytes pattern on a string-like object"))
            }
            _ => Ok(text),
        }
    }
    pub fn object(&self) -> &Object {
        match self {
            Text::Str(object) | Text::Bytes { object, .. } => object,
        }
    }
    pub fn is_bytes(&self) -> bool {
        matches!(self, Text::Bytes { .. })
    }
    /// The str, if it is one.
    pub fn as_str(&self) -> Option<&Str> {
        match self {
            Text::Str(object) => object.downcast::<Str>(),
            Text::Bytes { .. } => None,
        }
    }
    pub fn len(&self) -> usize {
        match self {
            Text::Str(object) => object.downcast::<Str>().map_or(0, |s| s.len()),
            Text::Bytes { buffer, .. } => buffer.len(),
        }
    }
    /// As the engine sees it.
    pub fn subject(&self) -> taipan_sre::Subject<'_> {
        match self {
            Text::Str(object) => match object.downcast::<Str>().map(|s| s.kind()) {
                Some(Kind::Latin1(s)) => taipan_sre::Subject::U8(s),
                Some(Kind::U16(s)) => taipan_sre::Subject::U16(s),
                Some(Kind::U32(s)) => taipan_sre::Subject::U32(s),
                None => taipan_sre::Subject::U8(&[]),
            },
            Text::Bytes { buffer, .. } => taipan_sre::Subject::U8(buffer.bytes()),
        }
    }
    /// Characters `start..end` (cut to the length) as a str or bytes object.
    pub fn slice(&self, vm: &Vm, start: usize, end: usize) -> Object {
        let end = end.min(self.len());
        let start = start.min(end);
        match self {
            Text::Str(object) => match object.downcast::<Str>() {
                Some(s) => substring(vm, object, s, start, end),
                None => object.clone(),
            },
            Text::Bytes { object, buffer } => {
                let all = buffer.bytes();
                if start == 0 && end == all.len() && object.downcast_exact::<Bytes>().is_some() {
                    return object.clone();
                }
                bytes::from_slice(vm, &all[start..end])
            }
        }
    }
    /// An empty str or bytes.
    pub fn empty(&self, vm: &Vm) -> Object {
        if self.is_bytes() { vm.bytes(b"") } else { vm.intern("") }
    }
}
