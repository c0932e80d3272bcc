//! `unicodedata`: the character database, in its present version and as it
//! was in Unicode 3.2.0 (`ucd_3_2_0`). The tables are those of the unicode crate.
//!
//! Module functions and the methods of `UCD` come from one list: the former
//! ask the present version, the latter that of their object.

use taipan_runtime::codecs::utf8;
use taipan_runtime::prelude::*;
use taipan_runtime::support::allocate;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::str;
use taipan_runtime::types::str_methods::shown_type;
use taipan_unicode::normalize::{Form, QuickCheck, quick_check};
use taipan_unicode::{database as new, names, ucd_3_2_0 as old};

/// Payload of `UCD`, the type of `ucd_3_2_0`.
pub struct Ucd;

impl NativeClass for Ucd {
    fn class() -> &'static Type {
        &UCD
    }
}

/// Which version of the database is asked.
#[derive(Clone, Copy, PartialEq)]
enum Version {
    New,
    Old,
}

/// The list of functions, once for the module and once for the type.
macro_rules! functions {
    ($($name:literal $rest:literal $f:ident $doc:literal;)*) => {
        const FUNCTIONS: &[MethodDef] = &[
            $(MethodDef::new(concat!($name, "(", $rest), |vm, args| $f(vm, Version::New, args), $doc),)*
        ];
        const METHODS: &[MethodDef] = &[
            $(MethodDef::new(concat!($name, "($self, ", $rest), |vm, args| $f(vm, Version::Old, &args[1..]), $doc),)*
        ];
    };
}

functions! {
    "decimal" "chr, default=<unrepresentable>, /)" decimal "Converts a Unicode character into its equivalent decimal value.\n\nReturns the decimal value assigned to the character chr as integer.\nIf no such value is defined, default is returned, or, if not given,\nValueError is raised.";
    "digit" "chr, default=<unrepresentable>, /)" digit "Converts a Unicode character into its equivalent digit value.\n\nReturns the digit value assigned to the character chr as integer.\nIf no such value is defined, default is returned, or, if not given,\nValueError is raised.";
    "numeric" "chr, default=<unrepresentable>, /)" numeric "Converts a Unicode character into its equivalent numeric value.\n\nReturns the numeric value assigned to the character chr as float.\nIf no such value is defined, default is returned, or, if not given,\nValueError is raised.";
    "category" "chr, /)" category "Returns the general category assigned to the character chr as string.";
    "bidirectional" "chr, /)" bidirectional "Returns the bidirectional class assigned to the character chr as string.\n\nIf no such value is defined, an empty string is returned.";
    "combining" "chr, /)" combining "Returns the canonical combining class assigned to the character chr as integer.\n\nReturns 0 if no combining class is defined.";
    "mirrored" "chr, /)" mirrored "Returns the mirrored property assigned to the character chr as integer.\n\nReturns 1 if the character has been identified as a \"mirrored\"\ncharacter in bidirectional text, 0 otherwise.";
    "east_asian_width" "chr, /)" east_asian_width "Returns the east asian width assigned to the character chr as string.";
    "decomposition" "chr, /)" decomposition "Returns the character decomposition mapping assigned to the character chr as string.\n\nAn empty string is returned in case no such mapping is defined.";
    "name" "chr, default=<unrepresentable>, /)" name "Returns the name assigned to the character chr as a string.\n\nIf no name is defined, default is returned, or, if not given,\nValueError is raised.";
    "lookup" "name, /)" lookup "Look up character by name.\n\nIf a character with the given name is found, return the\ncorresponding character.  If not found, KeyError is raised.";
    "is_normalized" "form, unistr, /)" is_normalized "Return whether the Unicode string unistr is in the normal form 'form'.\n\nValid values for form are 'NFC', 'NFKC', 'NFD', and 'NFKD'.";
    "normalize" "form, unistr, /)" normalize "Return the normal form 'form' for the Unicode string unistr.\n\nValid values for form are 'NFC', 'NFKC', 'NFD', and 'NFKD'.";
}

/// The type of `ucd_3_2_0`.
pub static UCD: Type = Type::new::<Ucd>(
    "unicodedata.UCD",
    &OBJECT,
    type_flags::DISALLOW_INSTANTIATION,
    Slots::EMPTY,
    METHODS,
    &[GetSetDef::member("unidata_version", |vm, _| Ok(vm.intern(old::UNIDATA_VERSION)))],
);

/// The module.
pub static UNICODEDATA: ModuleDef = ModuleDef {
    name: "unicodedata",
    doc: "This module provides access to the Unicode Character Database which\ndefines character properties for all Unicode characters. The data in\nthis database is based on the UnicodeData.txt file version\n16.0.0 which is publicly available from ftp://ftp.unicode.org/.\n\nThe module uses the same names and symbols as defined by the\nUnicodeData File Format 16.0.0.",
    functions: FUNCTIONS,
    types: &[&UCD],
    init: Some(|vm, module| {
        vm.set_attr_str(module, "unidata_version", &vm.intern(taipan_unicode::UNIDATA_VERSION))?;
        let ucd = allocate(vm, &UCD, Ucd)?;
        vm.set_attr_str(module, "ucd_3_2_0", &ucd)
    }),
};

/// A character argument; `place` is "argument" or "argument 1".
fn character(vm: &Vm, function: &str, place: &str, object: &Object) -> Result<u32> {
    match object.downcast::<Str>() {
        Some(s) if s.len() == 1 => Ok(s.char_at(0)),
        Some(s) => Err(vm.type_error(format!(
            "{function}(): {place} must be a unicode character, not a string of length {}",
            s.len()
        ))),
        None => {
            let shown = shown_type(object);
            Err(vm.type_error(format!("{function}() {place} must be a unicode character, not {shown}")))
        }
    }
}

/// The value of a property, the default, or ValueError.
fn or_default(vm: &Vm, value: Option<Object>, args: &[Object], error: &str) -> Result {
    match value {
        Some(value) => Ok(value),
        None => args[1].bound().cloned().ok_or_else(|| vm.value_error(error)),
    }
}

fn decimal(vm: &Vm, version: Version, args: &[Object]) -> Result {
    let c = character(vm, "decimal", "argument 1", &args[0])?;
    let value = match version {
        Version::New => taipan_unicode::decimal_value(c),
        Version::Old => old::decimal_value(c),
    };
    or_default(vm, value.map(|n| vm.int(n as i64)), args, "not a decimal")
}

fn digit(vm: &Vm, version: Version, args: &[Object]) -> Result {
    let c = character(vm, "digit", "argument 1", &args[0])?;
    let value = match version {
        Version::New => taipan_unicode::digit_value(c),
        Version::Old => old::digit_value(c),
    };
    or_default(vm, value.map(|n| vm.int(n as i64)), args, "not a digit")
}

fn numeric(vm: &Vm, version: Version, args: &[Object]) -> Result {
    let c = character(vm, "numeric", "argument 1", &args[0])?;
    let value = match version {
        Version::New => taipan_unicode::numeric_value(c),
        Version::Old => old::numeric_value(c),
    };
    or_default(vm, value.map(|x| vm.float(x)), args, "not a numeric character")
}

fn category(vm: &Vm, version: Version, args: &[Object]) -> Result {
    let c = character(vm, "category", "argument", &args[0])?;
    Ok(vm.intern(if version == Version::New { new::category(c) } else { old::category(c) }))
}

fn bidirectional(vm: &Vm, version: Version, args: &[Object]) -> Result {
    let c = character(vm, "bidirectional", "argument", &args[0])?;
    Ok(vm.intern(if version == Version::New { new::bidirectional(c) } else { old::bidirectional(c) }))
}

fn combining(vm: &Vm, version: Version, args: &[Object]) -> Result {
    let c = character(vm, "combining", "argument", &args[0])?;
    Ok(vm.int(if version == Version::New { new::combining(c) } else { old::combining(c) } as i64))
}

fn mirrored(vm: &Vm, version: Version, args: &[Object]) -> Result {
    let c = character(vm, "mirrored", "argument", &args[0])?;
    Ok(vm.int(if version == Version::New { new::mirrored(c) } else { old::mirrored(c) } as i64))
}

fn east_asian_width(vm: &Vm, version: Version, args: &[Object]) -> Result {
    let c = character(vm, "east_asian_width", "argument", &args[0])?;
    Ok(vm.intern(if version == Version::New { new::east_asian_width(c) } else { old::east_asian_width(c) }))
}

fn decomposition(vm: &Vm, version: Version, args: &[Object]) -> Result {
    let c = character(vm, "decomposition", "argument", &args[0])?;
    Ok(vm.str(&if version == Version::New { new::decomposition(c) } else { old::decomposition(c) }))
}

fn name(vm: &Vm, version: Version, args: &[Object]) -> Result {
    let c = character(vm, "name", "argument 1", &args[0])?;
    let found = if version == Version::New { names::name(c) } else { old::name(c) };
    or_default(vm, found.map(|name| vm.str(&name)), args, "no such name")
}

/// More bytes than any name has.
const TOO_LONG: usize = 256;

fn lookup(vm: &Vm, version: Version, args: &[Object]) -> Result {
    let wanted = match (args[0].downcast::<Str>(), args[0].downcast::<Bytes>()) {
        (Some(_), _) => utf8::encode(vm, &args[0], "strict")?,
        (None, Some(bytes)) => bytes.as_slice().to_vec(),
        (None, None) => {
            drop(vm.bytes_like(&args[0], "lookup() argument")?);
            let shown = args[0].ty().name();
            return Err(
                vm.type_error(format!("lookup() argument must be read-only bytes-like object, not {shown}"))
            );
        }
    };
    let key_error = |message: &str| vm.key_error(&vm.str(message));
    if wanted.len() > TOO_LONG {
        return Err(key_error("name too long"));
    }
    let found = std::str::from_utf8(&wanted).ok().and_then(|wanted| match version {
        Version::New => names::lookup(wanted),
        Version::Old => old::lookup(wanted).map(|c| vec![c]),
    });
    match found {
        Some(chars) => Ok(str::from_code_points(vm, &chars)),
        None => {
            let end = wanted.iter().position(|&b| b == 0).unwrap_or(wanted.len());
            let shown = String::from_utf8_lossy(&wanted[..end]);
            Err(key_error(&format!("undefined character name '{shown}'")))
        }
    }
}

/// The arguments of the two functions of normal forms: the name of the form
/// and the text, as an exact str.
fn form_and_text<'a>(vm: &Vm, function: &str, args: &'a [Object]) -> Result<(&'a Str, &'a Str)> {
    let text = |i: usize| {
        args[i].downcast::<Str>().ok_or_else(|| {
            let shown = shown_type(&args[i]);
            vm.type_error(format!("{function}() argument {} must be str, not {shown}", i + 1))
        })
    };
    Ok((text(0)?, text(1)?))
}

fn form_of(vm: &Vm, form: &Str) -> Result<Form> {
    form.as_ascii().and_then(Form::from_name).ok_or_else(|| vm.value_error("invalid normalization form"))
}

/// An exact str equal to `object`.
fn exact(vm: &Vm, object: &Object) -> Result {
    match object.downcast::<Str>() {
        Some(s) if !object.ty().is(&str::STR) => {
            str::copy_as(vm, &str::STR, s).ok_or_else(|| vm.memory_error())
        }
        _ => Ok(object.clone()),
    }
}

fn is_normalized(vm: &Vm, version: Version, args: &[Object]) -> Result {
    let (form, text) = form_and_text(vm, "is_normalized", args)?;
    if text.is_empty() {
        return Ok(Object::TRUE);
    }
    let form = form_of(vm, form)?;
    Ok(Object::bool(match version {
        _ if text.is_ascii() => true,
        Version::New => match quick_check(form, text.chars()) {
            QuickCheck::Yes => true,
            QuickCheck::No => false,
            QuickCheck::Maybe => {
                let chars = text.to_code_points();
                taipan_unicode::normalize::normalize(form, &chars) == chars
            }
        },
        Version::Old => old::is_normalized(form, &text.to_code_points()),
    }))
}

fn normalize(vm: &Vm, version: Version, args: &[Object]) -> Result {
    let (form, text) = form_and_text(vm, "normalize", args)?;
    if text.is_empty() {
        return exact(vm, &args[1]);
    }
    let form = form_of(vm, form)?;
    if text.is_ascii() || version == Version::New && quick_check(form, text.chars()) == QuickCheck::Yes {
        return exact(vm, &args[1]);
    }
    let chars = text.to_code_points();
    let normal = match version {
        Version::New => taipan_unicode::normalize::normalize(form, &chars),
        Version::Old => old::normalize(form, &chars),
    };
    str::try_from_code_points(vm, &str::STR, &normal).ok_or_else(|| vm.memory_error())
}
