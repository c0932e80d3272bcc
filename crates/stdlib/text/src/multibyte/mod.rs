//! `_multibytecodec` and the modules of the East Asian encodings: the codecs of
//! `taipan_unicode::cjk` as objects, with Python's error handlers.
//!
//! `convert` runs a codec over a whole text, `incremental` and `stream` have the
//! objects that take text in pieces.

mod convert;
mod incremental;
mod stream;

use convert::{Data, Policy};
use std::cell::Cell;
use taipan_runtime::buffer::flags;
use taipan_runtime::codecs;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, this};
use taipan_runtime::types::cell::ObjectCell;
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::{bytes, str};
use taipan_unicode::cjk::{self, Codec};

/// `_multibytecodec`.
pub static MULTIBYTECODEC: ModuleDef = ModuleDef {
    name: "_multibytecodec",
    doc: "",
    functions: &[MethodDef::new(
        "__create_codec(arg, /)",
        // It makes codecs of tables that other extension modules hand over; there are none.
        |vm, _| Err(vm.value_error("argument type invalid")),
        "",
    )],
    types: &[&CODEC, &incremental::ENCODER, &incremental::DECODER, &stream::READER, &stream::WRITER],
    init: Some(|vm, module| {
        vm.delete_attr(module, &vm.intern("MultibyteCodec"))?;
        vm.set_attr_str(module, "__doc__", &Object::NONE)
    }),
};

macro_rules! modules {
    ($($(#[$doc:meta])* $module:ident $name:literal $codecs:ident,)*) => {
        $($(#[$doc])*
        pub static $module: ModuleDef = ModuleDef {
            name: $name,
            doc: "",
            functions: &[MethodDef::new("getcodec(object, /)", |vm, args| get_codec(vm, &args[0], &cjk::$codecs), "")],
            types: &[],
            init: Some(|vm, module| vm.set_attr_str(module, "__doc__", &Object::NONE)),
        };)*
    };
}

modules! {
    /// Encodings of mainland China.
    CODECS_CN "_codecs_cn" CN,
    /// Of Hong Kong.
    CODECS_HK "_codecs_hk" HK,
    /// With escape sequences.
    CODECS_ISO2022 "_codecs_iso2022" ISO2022,
    /// Of Japan.
    CODECS_JP "_codecs_jp" JP,
    /// Of Korea.
    CODECS_KR "_codecs_kr" KR,
    /// Of Taiwan.
    CODECS_TW "_codecs_tw" TW,
}

fn get_codec(vm: &Vm, name: &Object, codecs: &'static [Codec]) -> Result {
    if name.downcast::<Str>().is_none() {
        return Err(vm.type_error("encoding name must be a string."));
    }
    let name = c_string(vm, name)?;
    match codecs.iter().find(|codec| codec.name == name) {
        Some(codec) => allocate(vm, &CODEC, MultibyteCodec(codec)),
        None => Err(vm.lookup_error("no such codec is supported.")),
    }
}

/// Payload of codecs.
pub struct MultibyteCodec(&'static Codec);

impl NativeClass for MultibyteCodec {
    fn class() -> &'static Type {
        &CODEC
    }
}

static CODEC: Type = Type::new::<MultibyteCodec>(
    "_multibytecodec.MultibyteCodec",
    &OBJECT,
    type_flags::IMMUTABLE | type_flags::DISALLOW_INSTANTIATION,
    Slots::EMPTY,
    &[
        MethodDef::new(
            "encode($self, /, input, errors=None)",
            encode,
            "Encode 'input' (a str, or str() of it).\n\nReturns the bytes and the length of the text. 'errors' names a handler of\nerrors; without one there is a UnicodeEncodeError.",
        ),
        MethodDef::new(
            "decode($self, /, input, errors=None)",
            decode,
            "Decode 'input' (bytes-like).\n\nReturns the text and the length of the bytes. 'errors' names a handler of\nerrors; without one there is a UnicodeDecodeError.",
        ),
    ],
    &[],
);

fn encode(vm: &Vm, args: &[Object]) -> Result {
    let codec = this::<MultibyteCodec>(&args[0]).0;
    let policy = errors_argument(vm, "encode", &args[2])?;
    let text = text_of(vm, &args[1], "couldn't convert the object to unicode.")?;
    let Some(s) = text.downcast::<Str>() else { return Err(vm.type_error("expected str")) };
    let encoded = match s.as_ascii() {
        Some(ascii) if codec.keeps_ascii() => bytes::new(vm, ascii.as_bytes())?,
        _ => {
            let state = Cell::new(codec.encoder_start());
            bytes::new(vm, &convert::encode(vm, codec, &state, &text, &policy, true, true)?.0)?
        }
    };
    Ok(vm.tuple(vec![encoded, vm.usize(s.len())]))
}

fn decode(vm: &Vm, args: &[Object]) -> Result {
    let codec = this::<MultibyteCodec>(&args[0]).0;
    let policy = errors_argument(vm, "decode", &args[2])?;
    let data = Data::Buffer(vm.buffer(&args[1], flags::SIMPLE)?);
    let len = data.bytes().len();
    let text = if codec.keeps_ascii() && data.bytes().is_ascii() {
        match len {
            0 => str::empty(),
            _ => str::from_known_ascii(vm, data.bytes())?,
        }
    } else {
        let state = Cell::new(codec.decoder_start());
        let mut decoding = convert::Decoding::new(vm, codec, &state, &policy, data)?;
        decoding.run(true)?;
        decoding.finish()
    };
    Ok(vm.tuple(vec![text, vm.usize(len)]))
}

/// An optional `errors`.
fn errors_argument(vm: &Vm, function: &str, errors: &Object) -> Result<Policy> {
    if errors.is_none() {
        return Ok(Policy::Strict);
    }
    if errors.downcast::<Str>().is_none() {
        let shown = errors.ty().name();
        return Err(vm.type_error(format!("{function}() argument 'errors' must be str or None, not {shown}")));
    }
    Ok(Policy::of(&codecs::codec_name(vm, errors)?))
}

/// A str as it is, anything else as `str()` shows it.
fn text_of(vm: &Vm, object: &Object, complaint: &str) -> Result {
    if object.downcast::<Str>().is_some() {
        return Ok(object.clone());
    }
    let text = vm.str_of(object)?;
    if text.downcast::<Str>().is_none() {
        return Err(vm.type_error(complaint));
    }
    Ok(text)
}

/// A str as C sees it: up to the first null.
fn c_string(vm: &Vm, text: &Object) -> Result<String> {
    let encoded = codecs::utf8::encode(vm, text, "strict")?;
    let end = encoded.iter().position(|b| *b == 0).unwrap_or(encoded.len());
    Ok(String::from_utf8_lossy(&encoded[..end]).into_owned())
}

// ---- what the objects have in common --------------------------------------------------------

/// The codec of a subclass, which has it as an attribute.
fn codec_of(vm: &Vm, class: &Type) -> Result<&'static Codec> {
    let codec = vm.get_attr_str(&class.to_object(), "codec")?;
    match codec.downcast::<MultibyteCodec>() {
        Some(codec) => Ok(codec.0),
        None => Err(vm.type_error("codec is unexpected type")),
    }
}

/// The `errors` argument of a constructor.
fn constructor_errors(
    vm: &Vm,
    function: &str,
    position: usize,
    errors: Option<&Object>,
) -> Result<ObjectCell> {
    let name = match errors {
        None => None,
        Some(errors) if errors.downcast::<Str>().is_some() => Some(codecs::codec_name(vm, errors)?),
        Some(other) => {
            let which = format!("argument {position}");
            return Err(taipan_runtime::support::bad_argument(vm, function, &which, "str", other));
        }
    };
    Ok(ObjectCell::new(vm.str(&name.unwrap_or("strict".into()))))
}

/// The attribute `errors`.
fn set_errors(vm: &Vm, errors: &ObjectCell, value: Option<&Object>) -> Result<()> {
    let Some(value) = value else {
        return Err(vm.error(&exc::ATTRIBUTE_ERROR, "cannot delete attribute"));
    };
    if value.downcast::<Str>().is_none() {
        return Err(vm.type_error("errors must be a string"));
    }
    errors.set(vm.str(&c_string(vm, value)?));
    Ok(())
}

/// The policy that the attribute names.
fn policy_of(vm: &Vm, errors: &ObjectCell) -> Policy {
    Policy::of(&vm.str_lossy(&errors.get()))
}
