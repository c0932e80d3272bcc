//! Error handlers: the built-in ones worked out natively, those registered
//! from Python called with an exception, as CPython's codecs do.

use crate::prelude::*;
use crate::types::bytes::Bytes;
use crate::types::exceptions_fields::{UnicodeFields, unicode_fields};
use crate::types::str::{self, Builder};
use crate::types::str_methods::qualified_type;
use std::borrow::Cow;
use taipan_unicode as unicode;

/// The built-in handlers, and one for all others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Handler {
    Strict,
    Ignore,
    Replace,
    XmlCharRef,
    Backslash,
    Name,
    SurrogatePass,
    SurrogateEscape,
    Other,
}

/// Names of the built-in handlers.
pub const BUILTIN: [(&str, Handler); 8] = [
    ("strict", Handler::Strict),
    ("ignore", Handler::Ignore),
    ("replace", Handler::Replace),
    ("xmlcharrefreplace", Handler::XmlCharRef),
    ("backslashreplace", Handler::Backslash),
    ("namereplace", Handler::Name),
    ("surrogatepass", Handler::SurrogatePass),
    ("surrogateescape", Handler::SurrogateEscape),
];

impl Handler {
    pub fn of(name: &str) -> Handler {
        BUILTIN.iter().find(|(n, _)| *n == name).map_or(Handler::Other, |(_, h)| *h)
    }
}

/// What is to stand in the place of characters that could not be encoded.
#[derive(Debug)]
pub enum Replacement {
    Bytes(Vec<u8>),
    Text(Vec<u32>),
}

/// The way surrogates are written, by the name of an encoding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Wide {
    Utf8,
    Utf16 { big: bool },
    Utf32 { big: bool },
}

fn wide(encoding: &str) -> Option<Wide> {
    let lower = encoding.to_ascii_lowercase();
    let rest = lower.strip_prefix("utf")?;
    let rest = rest.strip_prefix(['-', '_']).unwrap_or(rest);
    if rest == "8" {
        return Some(Wide::Utf8);
    }
    let (width, order) = rest.split_at_checked(2)?;
    let big = match order {
        "" => false,
        _ => match order.strip_prefix(['-', '_']).unwrap_or(order) {
            "le" => false,
            "be" => true,
            _ => return None,
        },
    };
    match width {
        "16" => Some(Wide::Utf16 { big }),
        "32" => Some(Wide::Utf32 { big }),
        _ => None,
    }
}

fn is_surrogate(c: u32) -> bool {
    (0xd800..0xe000).contains(&c)
}

// ---- raising ------------------------------------------------------------------------

/// UnicodeEncodeError.
pub fn raise_encode(
    vm: &Vm,
    encoding: &str,
    text: &Object,
    start: usize,
    end: usize,
    reason: &str,
) -> Raised {
    vm.error_with(
        &exc::UNICODE_ENCODE_ERROR,
        vec![vm.str(encoding), text.clone(), vm.usize(start), vm.usize(end), vm.str(reason)],
    )
}

/// UnicodeDecodeError.
fn raise_decode(vm: &Vm, encoding: &str, input: &Object, start: usize, end: usize, reason: &str) -> Raised {
    vm.error_with(
        &exc::UNICODE_DECODE_ERROR,
        vec![vm.str(encoding), input.clone(), vm.usize(start), vm.usize(end), vm.str(reason)],
    )
}

// ---- the handlers on ranges -------------------------------------------------------------

fn text(chars: impl IntoIterator<Item = char>) -> Vec<u32> {
    chars.into_iter().map(u32::from).collect()
}

/// `\xNN`, `\uNNNN` or `\UNNNNNNNN`.
pub fn backslash(c: u32) -> String {
    match c {
        0..0x100 => format!("\\x{c:02x}"),
        0x100..0x10000 => format!("\\u{c:04x}"),
        _ => format!("\\U{c:08x}"),
    }
}

/// One of the handlers asks for names of characters.
fn needs_names(vm: &Vm, handler: Handler) -> Result<()> {
    if handler == Handler::Name && !super::escape::load_names(vm) {
        return Err(vm.error(&exc::IMPORT_ERROR, "PyCapsule_Import could not import module \"unicodedata\""));
    }
    Ok(())
}

/// What a built-in handler makes of characters; None: it is an error after all.
fn encoded(
    handler: Handler,
    encoding: &str,
    s: &Str,
    start: usize,
    end: usize,
) -> Option<(Replacement, usize)> {
    let chars = || (start..end).map(|i| s.char_at(i));
    let made = |each: fn(u32) -> String| {
        Some((Replacement::Text(text(chars().map(each).collect::<String>().chars())), end))
    };
    match handler {
        Handler::Ignore => Some((Replacement::Text(Vec::new()), end)),
        Handler::Replace => Some((Replacement::Text(vec!['?' as u32; end - start]), end)),
        Handler::XmlCharRef => made(|c| format!("&#{c};")),
        Handler::Backslash => made(backslash),
        Handler::Name => made(|c| match unicode::names::name(c) {
            Some(name) => format!("\\N{{{name}}}"),
            None => backslash(c),
        }),
        Handler::SurrogateEscape => {
            // Those that can be escaped, up to the first that cannot.
            let bytes: Vec<u8> =
                chars().take_while(|c| (0xdc80..0xdd00).contains(c)).map(|c| (c - 0xdc00) as u8).collect();
            let n = bytes.len();
            if n == 0 { None } else { Some((Replacement::Bytes(bytes), start + n)) }
        }
        Handler::SurrogatePass => {
            let wide = wide(encoding)?;
            let mut out = Vec::new();
            for c in chars() {
                if !is_surrogate(c) {
                    return None;
                }
                match wide {
                    Wide::Utf8 => str::push_wtf8(&mut out, c),
                    Wide::Utf16 { big: false } => out.extend((c as u16).to_le_bytes()),
                    Wide::Utf16 { big: true } => out.extend((c as u16).to_be_bytes()),
                    Wide::Utf32 { big: false } => out.extend(c.to_le_bytes()),
                    Wide::Utf32 { big: true } => out.extend(c.to_be_bytes()),
                }
            }
            Some((Replacement::Bytes(out), end))
        }
        Handler::Strict | Handler::Other => None,
    }
}

/// What a built-in handler makes of bytes; None: it is an error after all.
fn decoded(
    handler: Handler,
    encoding: &str,
    input: &[u8],
    start: usize,
    end: usize,
) -> Option<(Vec<u32>, usize)> {
    match handler {
        Handler::Ignore => Some((Vec::new(), end)),
        Handler::Replace => Some((vec![0xfffd], end)),
        Handler::Backslash => {
            let shown: String = input[start..end].iter().map(|b| format!("\\x{b:02x}")).collect();
            Some((text(shown.chars()), end))
        }
        Handler::SurrogateEscape => {
            // At most four bytes at a time, and none that is ASCII.
            let escaped: Vec<u32> = input[start..end]
                .iter()
                .take(4)
                .take_while(|&&b| b >= 0x80)
                .map(|&b| 0xdc00 + b as u32)
                .collect();
            let n = escaped.len();
            if n == 0 { None } else { Some((escaped, start + n)) }
        }
        Handler::SurrogatePass => {
            let rest = &input[start..];
            let (c, n) = match (wide(encoding)?, rest) {
                (Wide::Utf8, &[a, b, c, ..]) if a & 0xf0 == 0xe0 && b & 0xc0 == 0x80 && c & 0xc0 == 0x80 => {
                    ((a as u32 & 15) << 12 | (b as u32 & 63) << 6 | c as u32 & 63, 3)
                }
                (Wide::Utf16 { big }, &[a, b, ..]) => {
                    (if big { u16::from_be_bytes([a, b]) } else { u16::from_le_bytes([a, b]) } as u32, 2)
                }
                (Wide::Utf32 { big }, &[a, b, c, d, ..]) => {
                    let raw = [a, b, c, d];
                    (if big { u32::from_be_bytes(raw) } else { u32::from_le_bytes(raw) }, 4)
                }
                _ => return None,
            };
            if is_surrogate(c) { Some((vec![c], start + n)) } else { None }
        }
        _ => None,
    }
}

// ---- what codecs call ---------------------------------------------------------------------

/// Characters `start..end` of `text` cannot be encoded: what to write instead,
/// and where to go on.
pub fn encode_error(
    vm: &Vm,
    encoding: &str,
    errors: &str,
    text: &Object,
    (start, end): (usize, usize),
    reason: &str,
) -> Result<(Replacement, usize)> {
    let handler = Handler::of(errors);
    let Some(s) = text.downcast::<Str>() else { return Err(vm.type_error("expected str")) };
    if handler != Handler::Other {
        needs_names(vm, handler)?;
        return encoded(handler, encoding, s, start, end)
            .ok_or_else(|| raise_encode(vm, encoding, text, start, end, reason));
    }
    let function = lookup_error(vm, errors)?;
    let raised = raise_encode(vm, encoding, text, start, end, reason);
    let exception = vm.caught(raised);
    let result = vm.call(&function, &[exception])?;
    let complaint = "encoding error handler must return (str/bytes, int) tuple";
    let Some([value, position]) = result.downcast::<Tuple>().map(|t| t.items()) else {
        return Err(vm.type_error(complaint));
    };
    let replacement = if let Some(s) = value.downcast::<Str>() {
        Replacement::Text(s.to_code_points())
    } else if let Some(bytes) = value.downcast::<Bytes>() {
        Replacement::Bytes(bytes.as_slice().to_vec())
    } else {
        return Err(vm.type_error(complaint));
    };
    Ok((replacement, new_position(vm, position, s.len())?))
}

/// The `errors` argument of a decoder, and the input as an object once a
/// handler had to be shown it.
pub struct Failures<'a> {
    errors: &'a str,
    object: Option<Object>,
}

impl<'a> Failures<'a> {
    pub fn new(errors: &'a str) -> Failures<'a> {
        Failures { errors, object: None }
    }
}

/// Bytes `start..end` of `input` cannot be decoded: appends what stands for
/// them and returns where to go on. A handler may exchange the input.
pub fn decode_error(
    vm: &Vm,
    encoding: &str,
    failures: &mut Failures<'_>,
    input: &mut Cow<'_, [u8]>,
    (start, end): (usize, usize),
    reason: &str,
    out: &mut Builder,
) -> Result<usize> {
    let handler = Handler::of(failures.errors);
    if handler != Handler::Other {
        let Some((chars, next)) = decoded(handler, encoding, input, start, end) else {
            return Err(raise_decode(vm, encoding, &vm.bytes(input), start, end, reason));
        };
        chars.into_iter().for_each(|c| out.push_char(c));
        return Ok(next);
    }
    let function = lookup_error(vm, failures.errors)?;
    let shown = failures.object.get_or_insert_with(|| vm.bytes(input)).clone();
    let raised = raise_decode(vm, encoding, &shown, start, end, reason);
    let exception = vm.caught(raised);
    let result = vm.call(&function, std::slice::from_ref(&exception))?;
    let complaint = "decoding error handler must return (str, int) tuple";
    let Some([value, position]) = result.downcast::<Tuple>().map(|t| t.items()) else {
        return Err(vm.type_error(complaint));
    };
    let Some(text) = value.downcast::<Str>() else { return Err(vm.type_error(complaint)) };
    let object = vm.get_attr_str(&exception, "object")?;
    let Some(bytes) = object.downcast::<Bytes>() else {
        return Err(vm.type_error("exception attribute object must be bytes"));
    };
    if object.value() != shown.value() {
        *input = Cow::Owned(bytes.as_slice().to_vec());
        failures.object = Some(object.clone());
    }
    out.push(text);
    new_position(vm, position, input.len())
}

fn new_position(vm: &Vm, position: &Object, len: usize) -> Result<usize> {
    let mut position = vm.index_isize(position)?;
    if position < 0 {
        position += len as isize;
    }
    if position < 0 || position as usize > len {
        return Err(vm.index_error(format!("position {position} from error handler out of bounds")));
    }
    Ok(position as usize)
}

// ---- registered handlers ---------------------------------------------------------------------

const HANDLERS: &str = "codec error handlers";

fn handlers(vm: &Vm) -> Result {
    if let Some(dict) = vm.shared(HANDLERS) {
        return Ok(dict);
    }
    let dict = vm.new_dict();
    for (name, def) in BUILTIN.iter().map(|(name, _)| *name).zip(&FUNCTIONS) {
        vm.set_item(
            &dict,
            &vm.str(name),
            &crate::types::native_function::new_function(vm, def, Object::UNBOUND),
        )?;
    }
    vm.share(HANDLERS, dict.clone());
    Ok(dict)
}

/// `codecs.lookup_error`.
pub fn lookup_error(vm: &Vm, name: &str) -> Result {
    let dict = handlers(vm)?;
    let found = match dict.downcast::<Dict>() {
        Some(dict) => dict.get(vm, &vm.str(name))?,
        None => None,
    };
    found.ok_or_else(|| vm.lookup_error(format!("unknown error handler name '{name}'")))
}

/// `codecs.register_error`.
pub fn register_error(vm: &Vm, name: &str, handler: &Object) -> Result<()> {
    if !vm.is_callable(handler) {
        return Err(vm.type_error("handler must be callable"));
    }
    vm.set_item(&handlers(vm)?, &vm.str(name), handler)
}

/// `_codecs._unregister_error`: was there one?
pub fn unregister_error(vm: &Vm, name: &str) -> Result<bool> {
    if Handler::of(name) != Handler::Other {
        return Err(vm.value_error(format!("cannot un-register built-in error handler '{name}'")));
    }
    let dict = handlers(vm)?;
    match dict.downcast::<Dict>() {
        Some(dict) => Ok(dict.remove(vm, &vm.str(name))?.is_some()),
        None => Ok(false),
    }
}

/// The built-in handlers as functions of an exception, in the order of [`BUILTIN`].
static FUNCTIONS: [MethodDef; 8] = [
    MethodDef::new("strict_errors(exc, /)", strict_errors, "Raise the error."),
    MethodDef::new(
        "ignore_errors(exc, /)",
        |vm, args| handle(vm, args, Handler::Ignore),
        "Leave out what cannot be converted.",
    ),
    MethodDef::new(
        "replace_errors(exc, /)",
        |vm, args| handle(vm, args, Handler::Replace),
        "Put a question mark or U+FFFD in the place of what cannot be converted.",
    ),
    MethodDef::new(
        "xmlcharrefreplace_errors(exc, /)",
        |vm, args| handle(vm, args, Handler::XmlCharRef),
        "Write character references of XML.",
    ),
    MethodDef::new(
        "backslashreplace_errors(exc, /)",
        |vm, args| handle(vm, args, Handler::Backslash),
        "Write backslash escapes.",
    ),
    MethodDef::new(
        "namereplace_errors(exc, /)",
        |vm, args| handle(vm, args, Handler::Name),
        "Write \\N{...} escapes.",
    ),
    MethodDef::new("surrogatepass(exc, /)", |vm, args| handle(vm, args, Handler::SurrogatePass), ""),
    MethodDef::new("surrogateescape(exc, /)", |vm, args| handle(vm, args, Handler::SurrogateEscape), ""),
];

fn strict_errors(vm: &Vm, args: &[Object]) -> Result {
    if args[0].is_instance_of(&exc::BASE_EXCEPTION) {
        return Err(vm.raise(args[0].clone()));
    }
    Err(vm.type_error("codec must pass exception instance"))
}

fn handle(vm: &Vm, args: &[Object], handler: Handler) -> Result {
    let exception = &args[0];
    let unknown = || {
        let shown = qualified_type(vm, exception);
        vm.type_error(format!("don't know how to handle {shown} in error callback"))
    };
    let Some(fields) = unicode_fields(vm, exception)? else { return Err(unknown()) };
    let UnicodeFields { object, encoding, start, end } = &fields;
    let len = vm.len(object)?;
    let start = (*start).min(len);
    let end = (*end).clamp(start, len);
    let encoding = vm.str_lossy(encoding);
    let again = || vm.raise(exception.clone());
    let (value, next) = if exception.is_instance_of(&exc::UNICODE_DECODE_ERROR) {
        if matches!(handler, Handler::XmlCharRef | Handler::Name) {
            return Err(unknown());
        }
        let Some(bytes) = object.downcast::<Bytes>() else { return Err(unknown()) };
        let (chars, next) = decoded(handler, &encoding, bytes.as_slice(), start, end).ok_or_else(again)?;
        (str::from_code_points(vm, &chars), next)
    } else {
        let translate = exception.is_instance_of(&exc::UNICODE_TRANSLATE_ERROR);
        let Some(s) = object.downcast::<Str>() else { return Err(unknown()) };
        match handler {
            Handler::XmlCharRef | Handler::Name | Handler::SurrogatePass | Handler::SurrogateEscape
                if translate =>
            {
                return Err(unknown());
            }
            Handler::Replace if translate => (str::from_code_points(vm, &vec![0xfffd; end - start]), end),
            _ => match needs_names(vm, handler).map(|()| encoded(handler, &encoding, s, start, end))? {
                Some((Replacement::Text(chars), next)) => (str::from_code_points(vm, &chars), next),
                // As a function the handler takes all or nothing.
                Some((Replacement::Bytes(bytes), next)) if next == end => (vm.bytes(&bytes), next),
                _ => return Err(again()),
            },
        }
    };
    Ok(vm.tuple(vec![value, vm.usize(next)]))
}
