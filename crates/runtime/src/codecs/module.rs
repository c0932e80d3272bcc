//! The `_codecs` module.

use super::utf16_32::{self, Order};
use super::{charmap, codec_name, errors, escape, narrow, utf7, utf8};
use crate::buffer::Buffer;
use crate::prelude::*;
use crate::types::str_methods::shown_type;
use std::borrow::Cow;

pub static MODULE: ModuleDef = ModuleDef {
    name: "_codecs",
    doc: "",
    functions: &[
        MethodDef::new(
            "register(search_function, /)",
            |vm, args| {
                super::register(vm, &args[0])?;
                Ok(Object::NONE)
            },
            "Register a function that finds codecs.\n\nIt takes the name of an encoding in lower case and returns a 4-tuple\n(encoder, decoder, stream reader, stream writer), or None.",
        ),
        MethodDef::new(
            "unregister(search_function, /)",
            |vm, args| {
                super::unregister(vm, &args[0])?;
                Ok(Object::NONE)
            },
            "Unregister a search function and clear the registry's cache.",
        ),
        MethodDef::new(
            "lookup(encoding, /)",
            |vm, args| super::lookup(vm, &text(vm, &args[0], "lookup() argument")?),
            "Look the codec of an encoding up: a CodecInfo.",
        ),
        MethodDef::new(
            "encode(obj, encoding='utf-8', errors='strict')",
            |vm, args| {
                let encoding = text(vm, &args[1], "encode() argument 'encoding'")?;
                let errors = text(vm, &args[2], "encode() argument 'errors'")?;
                super::encode_any(vm, &args[0], &encoding, &errors)
            },
            "Encode an object with the codec registered for the encoding.",
        ),
        MethodDef::new(
            "decode(obj, encoding='utf-8', errors='strict')",
            |vm, args| {
                let encoding = text(vm, &args[1], "decode() argument 'encoding'")?;
                let errors = text(vm, &args[2], "decode() argument 'errors'")?;
                super::decode_any(vm, &args[0], &encoding, &errors)
            },
            "Decode an object with the codec registered for the encoding.",
        ),
        MethodDef::new(
            "register_error(errors, handler, /)",
            |vm, args| {
                errors::register_error(vm, &text(vm, &args[0], "register_error() argument 1")?, &args[1])?;
                Ok(Object::NONE)
            },
            "Register an error handler under a name.\n\nIt takes an exception and returns a replacement and the position at which\nto go on, or raises.",
        ),
        MethodDef::new(
            "_unregister_error(errors, /)",
            |vm, args| {
                errors::unregister_error(vm, &text(vm, &args[0], "_unregister_error() argument")?)
                    .map(Object::bool)
            },
            "Take an error handler out of the registry.",
        ),
        MethodDef::new(
            "lookup_error(name, /)",
            |vm, args| errors::lookup_error(vm, &text(vm, &args[0], "lookup_error() argument")?),
            "The error handler registered under the name.",
        ),
        MethodDef::new(
            "escape_encode(data, errors=None, /)",
            |vm, args| {
                let Some(bytes) = args[0].downcast::<crate::types::bytes::Bytes>() else {
                    return Err(vm.type_error(format!(
                        "escape_encode() argument 1 must be bytes, not {}",
                        shown_type(&args[0])
                    )));
                };
                errors_of(vm, "escape_encode", &args[1])?;
                Ok(vm.tuple(vec![vm.bytes(&escape::escape_bytes(bytes.as_slice())), vm.usize(bytes.len())]))
            },
            "",
        ),
        MethodDef::new(
            "escape_decode(data, errors=None, /)",
            |vm, args| {
                let data = str_or_bytes(vm, &args[0])?;
                let errors = errors_of(vm, "escape_decode", &args[1])?;
                let out = escape::unescape_bytes(vm, data.bytes(), &errors)?;
                Ok(vm.tuple(vec![vm.bytes(&out), vm.usize(data.len())]))
            },
            "",
        ),
        MethodDef::new(
            "readbuffer_encode(data, errors=None, /)",
            |vm, args| {
                let data = str_or_bytes(vm, &args[0])?;
                errors_of(vm, "readbuffer_encode", &args[1])?;
                Ok(vm.tuple(vec![vm.bytes(data.bytes()), vm.usize(data.len())]))
            },
            "",
        ),
        MethodDef::new(
            "charmap_build(map, /)",
            |vm, args| match args[0].downcast::<Str>() {
                Some(table) => charmap::build(vm, table),
                None => Err(vm.type_error(format!(
                    "charmap_build() argument must be str, not {}",
                    shown_type(&args[0])
                ))),
            },
            "",
        ),
        MethodDef::new(
            "charmap_encode(str, errors=None, mapping=None, /)",
            |vm, args| {
                encoder(vm, args, "charmap_encode", |vm, errors| {
                    charmap::encode(vm, &args[0], errors, &args[2])
                })
            },
            "",
        ),
        MethodDef::new(
            "charmap_decode(data, errors=None, mapping=None, /)",
            |vm, args| {
                decoder(vm, args, "charmap_decode", |vm, bytes, errors| {
                    Ok((charmap::decode(vm, bytes, errors, &args[2])?, bytes.len()))
                })
            },
            "",
        ),
        MethodDef::new(
            "utf_8_encode(str, errors=None, /)",
            |vm, args| encoder(vm, args, "utf_8_encode", |vm, errors| utf8::encode(vm, &args[0], errors)),
            "",
        ),
        MethodDef::new(
            "utf_8_decode(data, errors=None, final=False, /)",
            |vm, args| {
                let last = vm.is_true(&args[2])?;
                decoder(vm, args, "utf_8_decode", |vm, bytes, errors| utf8::decode(vm, bytes, errors, last))
            },
            "",
        ),
        MethodDef::new(
            "utf_7_encode(str, errors=None, /)",
            |vm, args| encoder(vm, args, "utf_7_encode", |vm, _| utf7::encode(vm, &args[0])),
            "",
        ),
        MethodDef::new(
            "utf_7_decode(data, errors=None, final=False, /)",
            |vm, args| {
                let last = vm.is_true(&args[2])?;
                decoder(vm, args, "utf_7_decode", |vm, bytes, errors| utf7::decode(vm, bytes, errors, last))
            },
            "",
        ),
        MethodDef::new(
            "ascii_encode(str, errors=None, /)",
            |vm, args| {
                encoder(vm, args, "ascii_encode", |vm, errors| {
                    narrow::encode(vm, &args[0], errors, narrow::ASCII)
                })
            },
            "",
        ),
        MethodDef::new(
            "ascii_decode(data, errors=None, /)",
            |vm, args| {
                decoder(vm, args, "ascii_decode", |vm, bytes, errors| {
                    Ok((narrow::decode_ascii(vm, bytes, errors)?, bytes.len()))
                })
            },
            "",
        ),
        MethodDef::new(
            "latin_1_encode(str, errors=None, /)",
            |vm, args| {
                encoder(vm, args, "latin_1_encode", |vm, errors| {
                    narrow::encode(vm, &args[0], errors, narrow::LATIN1)
                })
            },
            "",
        ),
        MethodDef::new(
            "latin_1_decode(data, errors=None, /)",
            |vm, args| {
                decoder(vm, args, "latin_1_decode", |vm, bytes, _| {
                    Ok((crate::types::str::from_latin1(vm, bytes), bytes.len()))
                })
            },
            "",
        ),
        MethodDef::new(
            "unicode_escape_encode(str, errors=None, /)",
            |vm, args| encoder(vm, args, "unicode_escape_encode", |vm, _| escape::encode(vm, &args[0])),
            "",
        ),
        MethodDef::new(
            "unicode_escape_decode(data, errors=None, final=True, /)",
            |vm, args| {
                let last = vm.is_true(&args[2])?;
                text_decoder(vm, args, "unicode_escape_decode", |vm, bytes, errors| {
                    escape::decode(vm, bytes, errors, last)
                })
            },
            "",
        ),
        MethodDef::new(
            "raw_unicode_escape_encode(str, errors=None, /)",
            |vm, args| {
                encoder(vm, args, "raw_unicode_escape_encode", |vm, _| escape::encode_raw(vm, &args[0]))
            },
            "",
        ),
        MethodDef::new(
            "raw_unicode_escape_decode(data, errors=None, final=True, /)",
            |vm, args| {
                let last = vm.is_true(&args[2])?;
                text_decoder(vm, args, "raw_unicode_escape_decode", |vm, bytes, errors| {
                    escape::decode_raw(vm, bytes, errors, last)
                })
            },
            "",
        ),
        MethodDef::new(
            "utf_16_encode(str, errors=None, byteorder=0, /)",
            |vm, args| {
                let order = Order::from_int(vm.to_plain_c_int(&args[2])?);
                encoder(vm, args, "utf_16_encode", |vm, errors| {
                    utf16_32::encode16(vm, &args[0], errors, order)
                })
            },
            "",
        ),
        MethodDef::new(
            "utf_16_le_encode(str, errors=None, /)",
            |vm, args| {
                encoder(vm, args, "utf_16_le_encode", |vm, errors| {
                    utf16_32::encode16(vm, &args[0], errors, Order::Little)
                })
            },
            "",
        ),
        MethodDef::new(
            "utf_16_be_encode(str, errors=None, /)",
            |vm, args| {
                encoder(vm, args, "utf_16_be_encode", |vm, errors| {
                    utf16_32::encode16(vm, &args[0], errors, Order::Big)
                })
            },
            "",
        ),
        MethodDef::new(
            "utf_16_decode(data, errors=None, final=False, /)",
            |vm, args| decode16(vm, args, "utf_16_decode", Order::Bom),
            "",
        ),
        MethodDef::new(
            "utf_16_le_decode(data, errors=None, final=False, /)",
            |vm, args| decode16(vm, args, "utf_16_le_decode", Order::Little),
            "",
        ),
        MethodDef::new(
            "utf_16_be_decode(data, errors=None, final=False, /)",
            |vm, args| decode16(vm, args, "utf_16_be_decode", Order::Big),
            "",
        ),
        MethodDef::new(
            "utf_16_ex_decode(data, errors=None, byteorder=0, final=False, /)",
            |vm, args| {
                let order = Order::from_int(vm.to_plain_c_int(&args[2])?);
                let (last, errors) = (vm.is_true(&args[3])?, errors_of(vm, "utf_16_ex_decode", &args[1])?);
                let data = vm.bytes_like(&args[0], "data")?;
                let (text, used, order) = utf16_32::decode16(vm, data.bytes(), &errors, order, last)?;
                Ok(vm.tuple(vec![text, vm.usize(used), vm.int(order.to_int())]))
            },
            "",
        ),
        MethodDef::new(
            "utf_32_encode(str, errors=None, byteorder=0, /)",
            |vm, args| {
                let order = Order::from_int(vm.to_plain_c_int(&args[2])?);
                encoder(vm, args, "utf_32_encode", |vm, errors| {
                    utf16_32::encode32(vm, &args[0], errors, order)
                })
            },
            "",
        ),
        MethodDef::new(
            "utf_32_le_encode(str, errors=None, /)",
            |vm, args| {
                encoder(vm, args, "utf_32_le_encode", |vm, errors| {
                    utf16_32::encode32(vm, &args[0], errors, Order::Little)
                })
            },
            "",
        ),
        MethodDef::new(
            "utf_32_be_encode(str, errors=None, /)",
            |vm, args| {
                encoder(vm, args, "utf_32_be_encode", |vm, errors| {
                    utf16_32::encode32(vm, &args[0], errors, Order::Big)
                })
            },
            "",
        ),
        MethodDef::new(
            "utf_32_decode(data, errors=None, final=False, /)",
            |vm, args| decode32(vm, args, "utf_32_decode", Order::Bom),
            "",
        ),
        MethodDef::new(
            "utf_32_le_decode(data, errors=None, final=False, /)",
            |vm, args| decode32(vm, args, "utf_32_le_decode", Order::Little),
            "",
        ),
        MethodDef::new(
            "utf_32_be_decode(data, errors=None, final=False, /)",
            |vm, args| decode32(vm, args, "utf_32_be_decode", Order::Big),
            "",
        ),
        MethodDef::new(
            "utf_32_ex_decode(data, errors=None, byteorder=0, final=False, /)",
            |vm, args| {
                let order = Order::from_int(vm.to_plain_c_int(&args[2])?);
                let (last, errors) = (vm.is_true(&args[3])?, errors_of(vm, "utf_32_ex_decode", &args[1])?);
                let data = vm.bytes_like(&args[0], "data")?;
                let (text, used, order) = utf16_32::decode32(vm, data.bytes(), &errors, order, last)?;
                Ok(vm.tuple(vec![text, vm.usize(used), vm.int(order.to_int())]))
            },
            "",
        ),
    ],
    types: &[],
    init: None,
};

/// A str argument; `what` begins the message.
fn text(vm: &Vm, object: &Object, what: &str) -> Result<String> {
    if object.downcast::<Str>().is_none() {
        return Err(vm.type_error(format!("{what} must be str, not {}", shown_type(object))));
    }
    codec_name(vm, object).map(Cow::into_owned)
}

/// The `errors` argument: None is 'strict'.
fn errors_of(vm: &Vm, function: &str, object: &Object) -> Result<String> {
    match object.some() {
        None => Ok("strict".to_string()),
        Some(name) if name.downcast::<Str>().is_some() => codec_name(vm, name).map(Cow::into_owned),
        Some(name) => Err(vm.type_error(format!(
            "{function}() argument 2 must be str or None, not {}",
            name.ty().full_name()
        ))),
    }
}

/// A str argument, then its encoding and length.
fn encoder(
    vm: &Vm,
    args: &[Object],
    function: &str,
    encode: impl FnOnce(&Vm, &str) -> Result<Vec<u8>>,
) -> Result {
    let Some(s) = args[0].downcast::<Str>() else {
        return Err(
            vm.type_error(format!("{function}() argument 1 must be str, not {}", shown_type(&args[0])))
        );
    };
    let errors = errors_of(vm, function, &args[1])?;
    let out = encode(vm, &errors)?;
    Ok(vm.tuple(vec![crate::types::bytes::new(vm, &out)?, vm.usize(s.len())]))
}

/// A bytes-like argument, then its text and the number of bytes used.
fn decoder(
    vm: &Vm,
    args: &[Object],
    function: &str,
    decode: impl FnOnce(&Vm, &[u8], &str) -> Result<(Object, usize)>,
) -> Result {
    let errors = errors_of(vm, function, &args[1])?;
    let data = vm.bytes_like(&args[0], "data")?;
    let (text, used) = decode(vm, data.bytes(), &errors)?;
    Ok(vm.tuple(vec![text, vm.usize(used)]))
}

/// As [`decoder`], str being taken as its UTF-8.
fn text_decoder(
    vm: &Vm,
    args: &[Object],
    function: &str,
    decode: impl FnOnce(&Vm, &[u8], &str) -> Result<(Object, usize)>,
) -> Result {
    let errors = errors_of(vm, function, &args[1])?;
    let data = str_or_bytes(vm, &args[0])?;
    let (text, used) = decode(vm, data.bytes(), &errors)?;
    Ok(vm.tuple(vec![text, vm.usize(used)]))
}

fn decode16(vm: &Vm, args: &[Object], function: &str, order: Order) -> Result {
    let last = vm.is_true(&args[2])?;
    decoder(vm, args, function, |vm, bytes, errors| {
        utf16_32::decode16(vm, bytes, errors, order, last).map(|(text, used, _)| (text, used))
    })
}

fn decode32(vm: &Vm, args: &[Object], function: &str, order: Order) -> Result {
    let last = vm.is_true(&args[2])?;
    decoder(vm, args, function, |vm, bytes, errors| {
        utf16_32::decode32(vm, bytes, errors, order, last).map(|(text, used, _)| (text, used))
    })
}

/// Bytes of a bytes-like object or the UTF-8 of a str.
enum Data {
    Text(Vec<u8>),
    Buffer(Buffer),
}

impl Data {
    fn bytes(&self) -> &[u8] {
        match self {
            Data::Text(bytes) => bytes,
            Data::Buffer(buffer) => buffer.bytes(),
        }
    }
    fn len(&self) -> usize {
        self.bytes().len()
    }
}

fn str_or_bytes(vm: &Vm, object: &Object) -> Result<Data> {
    if object.downcast::<Str>().is_some() {
        return utf8::encode(vm, object, "strict").map(Data::Text);
    }
    vm.bytes_like(object, "data").map(Data::Buffer)
}
