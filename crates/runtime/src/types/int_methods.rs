//! int, continued: the constructor with its text forms, and the methods.
//!
//! Text is folded to ASCII first (any Unicode decimal digit and space counts),
//! then scanned by `taipan_numeric`. [`format_number`] serves `__format__` of
//! float and complex, too.

use crate::prelude::*;
use crate::types::int::{self, INT, IntView};
use crate::types::str::Builder;
use std::borrow::Cow;
use taipan_numeric::BigInt;
use taipan_numeric::bigint_text::{ParseIntError, scan_int};
use taipan_numeric::format_spec::{self, ErrorClass, FormatError, FormatSpec, LocaleInfo, ValueKind};

pub(super) const DOC: &str = "int([x]) -> integer\nint(x, base=10) -> integer\n\nConvert a number or string to an integer, or return 0 if no arguments\nare given.  If x is a number, return x.__int__().  For floating-point\nnumbers, this truncates towards zero.\n\nIf x is not a number or if base is given, then x must be a string,\nbytes, or bytearray instance representing an integer literal in the\ngiven base.  The literal can be preceded by '+' or '-' and be surrounded\nby whitespace.  The base defaults to 10.  Valid bases are 0 and 2-36.\nBase 0 means to interpret the base from the string as an integer\niteral.\n>>> int('0b100', base=0)\n4";

pub(super) const METHODS: &[MethodDef] = &[
    MethodDef::new("conjugate($self, /)", same, "Returns self, the complex conjugate of any int."),
    MethodDef::new(
        "bit_length($self, /)",
        |vm, args| Ok(vm.u64(view(&args[0]).bit_length())),
        "Number of bits necessary to represent self in binary.\n\n>>> bin(37)\n'0b100101'\n>>> (37).bit_length()\n6",
    ),
    MethodDef::new(
        "bit_count($self, /)",
        |vm, args| {
            Ok(vm.u64(match view(&args[0]) {
                IntView::Small(n) => u64::from(n.unsigned_abs().count_ones()),
                IntView::Big(n) => n.bit_count(),
            }))
        },
        "Number of ones in the binary representation of the absolute value of self.\n\nAlso known as the population count.\n\n>>> bin(13)\n'0b1101'\n>>> (13).bit_count()\n3",
    ),
    MethodDef::new(
        "to_bytes($self, /, length=1, byteorder='big', *, signed=False)",
        to_bytes,
        "Return an array of bytes representing an integer.\n\n  length\n    Length of bytes object to use.  An OverflowError is raised if\n    the integer is not representable with the given number of bytes.\n    Default is length 1.\n  byteorder\n    The byte order used to represent the integer.  If byteorder is\n    'big', the most significant byte is at the beginning of the byte\n    array.  If byteorder is 'little', the most significant byte is at\n    the end of the byte array.  To request the native byte order of\n    the host system, use sys.byteorder as the byte order value.\n    Default is to use 'big'.\n  signed\n    Determines whether two's complement is used to represent the\n    integer.  If signed is False and a negative integer is given,\n    an OverflowError is raised.",
    ),
    MethodDef::new(
        "from_bytes($type, /, bytes, byteorder='big', *, signed=False)",
        from_bytes,
        "Return the integer represented by the given array of bytes.\n\n  bytes\n    Holds the array of bytes to convert.  The argument must either\n    support the buffer protocol or be an iterable object producing\n    bytes.  Bytes and bytearray are examples of built-in objects that\n    support the buffer protocol.\n  byteorder\n    The byte order used to represent the integer.  If byteorder is\n    'big', the most significant byte is at the beginning of the byte\n    array.  If byteorder is 'little', the most significant byte is at\n    the end of the byte array.  To request the native byte order of\n    the host system, use sys.byteorder as the byte order value.\n    Default is to use 'big'.\n  signed\n    Indicates whether two's complement is used to represent the\n    integer.",
    )
    .class_method(),
    MethodDef::new(
        "as_integer_ratio($self, /)",
        |vm, args| Ok(vm.tuple(vec![int::exact(vm, &args[0]), vm.int(1)])),
        "Return a pair of integers, whose ratio is equal to the original int.\n\nThe ratio is in lowest terms and has a positive denominator.\n\n>>> (10).as_integer_ratio()\n(10, 1)\n>>> (-10).as_integer_ratio()\n(-10, 1)\n>>> (0).as_integer_ratio()\n(0, 1)",
    ),
    MethodDef::new("__trunc__($self, /)", same, "Truncating an Integral returns itself."),
    MethodDef::new("__floor__($self, /)", same, "Flooring an Integral returns itself."),
    MethodDef::new("__ceil__($self, /)", same, "Ceiling of an Integral returns itself."),
    MethodDef::new(
        "__round__($self, ndigits=None, /)",
        round,
        "Rounding an Integral returns itself.\n\nRounding with an ndigits argument also returns an integer.",
    ),
    MethodDef::new(
        "is_integer($self, /)",
        |_, _| Ok(Object::TRUE),
        "Returns True. Exists for duck type compatibility with float.is_integer.",
    ),
    MethodDef::new(
        "__getnewargs__($self, /)",
        |vm, args| Ok(vm.tuple(vec![int::exact(vm, &args[0])])),
        "",
    ),
    MethodDef::new(
        "__format__($self, format_spec, /)",
        |vm, args| format(vm, &args[0], &args[1]),
        "Convert to a string according to format_spec.",
    ),
    MethodDef::new(
        "__sizeof__($self, /)",
        |vm, args| Ok(vm.usize(size_of_int(&args[0]))),
        "Returns size in memory, in bytes.",
    ),
];

/// Bytes that an int takes: small ones lie in the word itself, and have the size of an object.
fn size_of_int(n: &Object) -> usize {
    // Two words are in the object.
    let words = view(n).bit_length().div_ceil(64) as usize;
    crate::alloc::own_size(n) + if words > 2 { words * 8 } else { 0 }
}

pub(super) const GETSET: &[GetSetDef] = &[
    GetSetDef::new("real", |vm, n| Ok(int::exact(vm, n))).with_doc("the real part of a complex number"),
    GetSetDef::new("imag", |vm, _| Ok(vm.int(0))).with_doc("the imaginary part of a complex number"),
    GetSetDef::new("numerator", |vm, n| Ok(int::exact(vm, n)))
        .with_doc("the numerator of a rational number in lowest terms"),
    GetSetDef::new("denominator", |vm, _| Ok(vm.int(1)))
        .with_doc("the denominator of a rational number in lowest terms"),
];

/// The int of `self`, whatever its representation.
fn view(object: &Object) -> IntView<'_> {
    int::view(object).unwrap_or(IntView::Small(0))
}

fn same(vm: &Vm, args: &[Object]) -> Result {
    Ok(int::exact(vm, &args[0]))
}

// ---- construction ---------------------------------------------------------------

static SIG: Sig = Sig::new("int(x=<absent>, /, base=<absent>)");

pub(super) fn int_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let n = match args {
        [] => vm.int(0),
        [x] if kwnames.is_empty() => from_object(vm, x)?,
        _ => new_with_base(vm, args, kwnames)?,
    };
    if class.is(&INT) {
        return Ok(n);
    }
    Ok(int::of_class(vm, class, view(&n).to_big().into_owned()))
}

fn new_with_base(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    if kwnames.is_empty() && args.len() > 2 {
        return Err(vm.type_error(format!("int expected at most 2 arguments, got {}", args.len())));
    }
    let bound = SIG.bind(vm, args, kwnames)?;
    let (Some(x), base) = (bound[0].bound(), bound[1].bound()) else {
        return Err(vm.type_error("int() missing string argument"));
    };
    let Some(base) = base else { return from_object(vm, x) };
    let base = vm.index_clipped(base)?;
    let base = match u32::try_from(base) {
        Ok(base) if base == 0 || (2..=36).contains(&base) => base,
        _ => return Err(vm.value_error(ParseIntError::Base.to_string())),
    };
    if let Some(s) = x.downcast::<Str>() {
        return parse_str(vm, x, s, base);
    }
    if is_bytes_or_bytearray(x)
        && let Some(bytes) = buffer_bytes(vm, x)?
    {
        return parse_bytes(vm, &bytes, base);
    }
    Err(vm.type_error("int() can't convert non-string with explicit base"))
}

/// `int(object)`: an exact int.
pub fn from_object(vm: &Vm, x: &Object) -> Result {
    if int::is_exact(x) {
        return Ok(x.clone());
    }
    if let Some(f) = x.ty().slots().unary[UnaryOp::Int as usize] {
        let result = f(vm, x)?;
        if int::is_exact(&result) {
            return Ok(result);
        }
        let name = result.ty().name();
        if !int::is_any_int(&result) {
            return Err(vm.type_error(format!("__int__ returned non-int (type {name})")));
        }
        vm.warn(
            &exc::DEPRECATION_WARNING,
            &format!("__int__ returned non-int (type {name}).  The ability to return an instance of a strict subclass of int is deprecated, and may be removed in a future version of Python."),
            1,
        )?;
        return Ok(int::exact(vm, &result));
    }
    if vm.is_index(x) {
        let n = vm.index(x)?;
        return Ok(int::exact(vm, &n));
    }
    match from_str_object(vm, x, 10)? {
        Some(n) => Ok(n),
        None => Err(vm.type_error(format!(
            "int() argument must be a string, a bytes-like object or a real number, not '{}'",
            x.ty().name()
        ))),
    }
}

/// The int that a str, bytes, bytearray or other buffer spells; None if the object is no text.
pub fn from_str_object(vm: &Vm, x: &Object, base: u32) -> Result<Option<Object>> {
    if let Some(s) = x.downcast::<Str>() {
        return parse_str(vm, x, s, base).map(Some);
    }
    match buffer_bytes(vm, x)? {
        Some(bytes) => parse_bytes(vm, &bytes, base).map(Some),
        None => Ok(None),
    }
}

fn parse_str(vm: &Vm, object: &Object, s: &Str, base: u32) -> Result {
    match parse(vm, &folded_text(s), base)? {
        Some(n) => Ok(n),
        None => Err(invalid_literal(vm, object, base)),
    }
}

fn parse_bytes(vm: &Vm, bytes: &[u8], base: u32) -> Result {
    let parsed = match std::str::from_utf8(bytes) {
        Ok(text) => parse(vm, text, base)?,
        Err(_) => None,
    };
    match parsed {
        Some(n) => Ok(n),
        None => Err(invalid_literal(vm, &vm.bytes(bytes), base)),
    }
}

fn invalid_literal(vm: &Vm, object: &Object, base: u32) -> Raised {
    match vm.repr_text(object) {
        Ok(shown) => {
            let shown: String = shown.chars().take(200).collect();
            vm.value_error(format!("invalid literal for int() with base {base}: {shown}"))
        }
        Err(raised) => raised,
    }
}

/// The int that ASCII text spells; None if it spells none.
fn parse(vm: &Vm, text: &str, base: u32) -> Result<Option<Object>> {
    let bytes = text.as_bytes();
    if base == 10 && (1..=17).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_digit) {
        return Ok(Some(vm.int(bytes.iter().fold(0, |n, b| n * 10 + i64::from(b - b'0')))));
    }
    let Ok(scanned) = scan_int(text, base) else { return Ok(None) };
    let limit = vm.interp().int_max_str_digits.get();
    let digits = scanned.limited_digits();
    if limit > 0 && digits as u64 > limit as u64 {
        return Err(vm.value_error(format!(
            "Exceeds the limit ({limit} digits) for integer string conversion: value has {digits} digits; use sys.set_int_max_str_digits() to increase the limit"
        )));
    }
    Ok(Some(int::from_big(vm, scanned.value())))
}

/// The text of a number with Unicode digits and spaces folded to ASCII ones,
/// and a question mark for everything else outside ASCII.
pub fn folded_text(s: &Str) -> Cow<'_, str> {
    if let Some(text) = s.as_ascii() {
        return Cow::Borrowed(text);
    }
    let fold = |c: u32| match c {
        0..128 => char::from(c as u8),
        c if taipan_unicode::ctype::is_space(c) => ' ',
        c => taipan_unicode::ctype::decimal_value(c).and_then(|d| char::from_digit(d, 10)).unwrap_or('?'),
    };
    Cow::Owned(s.chars().map(fold).collect())
}

fn is_bytes_or_bytearray(x: &Object) -> bool {
    x.is_instance_of(&crate::types::bytes::BYTES) || x.is_instance_of(&crate::types::bytearray::BYTEARRAY)
}

/// A copy of the bytes an object exports through the buffer protocol; None if it does not.
pub(crate) fn buffer_bytes(vm: &Vm, x: &Object) -> Result<Option<Vec<u8>>> {
    if let Some(bytes) = x.downcast::<crate::types::bytes::Bytes>() {
        return Ok(Some(bytes.as_slice().to_vec()));
    }
    if x.ty().slots().buffer.is_none() {
        return Ok(None);
    }
    Ok(Some(vm.bytes_like(x, "")?.bytes().to_vec()))
}

// ---- methods --------------------------------------------------------------------------

fn byte_order(vm: &Vm, function: &str, order: &Object) -> Result<bool> {
    let Some(s) = order.downcast::<Str>() else {
        return Err(vm.type_error(format!(
            "{function}() argument 'byteorder' must be str, not {}",
            type_name_or_none(order)
        )));
    };
    if s.equals_text("little") {
        Ok(true)
    } else if s.equals_text("big") {
        Ok(false)
    } else {
        Err(vm.value_error("byteorder must be either 'little' or 'big'"))
    }
}

/// A type's name as argument errors show it: `None` for None.
pub(crate) fn type_name_or_none(object: &Object) -> &str {
    if object.is_none() { "None" } else { object.ty().name() }
}

fn to_bytes(vm: &Vm, args: &[Object]) -> Result {
    let length = vm.index_isize(&args[1])?;
    let little = byte_order(vm, "to_bytes", &args[2])?;
    let signed = vm.is_true(&args[3])?;
    let Ok(length) = usize::try_from(length) else {
        return Err(vm.value_error("length argument must be non-negative"));
    };
    int::check_room(vm, (length as u64).saturating_mul(8))?;
    match view(&args[0]).to_big().to_bytes(length, little, signed) {
        Ok(bytes) => Ok(vm.bytes(&bytes)),
        Err(e) => Err(int::error(vm, e)),
    }
}

fn from_bytes(vm: &Vm, args: &[Object]) -> Result {
    let little = byte_order(vm, "from_bytes", &args[2])?;
    let signed = vm.is_true(&args[3])?;
    let bytes = bytes_of(vm, &args[1])?;
    let n = int::from_big(vm, BigInt::from_bytes(&bytes, little, signed));
    if args[0].value() == INT.value() { Ok(n) } else { vm.call(&args[0], &[n]) }
}

/// `bytes(object)` for arguments: no counts, no str.
fn bytes_of(vm: &Vm, object: &Object) -> Result<Vec<u8>> {
    let not_bytes = || vm.type_error(format!("cannot convert '{}' object to bytes", object.ty().name()));
    if object.downcast_exact::<crate::types::bytes::Bytes>().is_none()
        && let Some(result) = vm.call_special(object, crate::names::name::bytes.object(), &[])?
    {
        return match result.downcast::<crate::types::bytes::Bytes>() {
            Some(bytes) => Ok(bytes.as_slice().to_vec()),
            None => Err(vm.type_error(format!("__bytes__ returned non-bytes (type {})", result.ty().name()))),
        };
    }
    if let Some(bytes) = buffer_bytes(vm, object)? {
        return Ok(bytes);
    }
    let iterable = object.ty().slots().unary[UnaryOp::Iter as usize].is_some() || vm.is_sequence(object);
    if object.downcast::<Str>().is_some() || !iterable {
        return Err(not_bytes());
    }
    let mut out = Vec::new();
    vm.for_each(object, |item| {
        let n = vm.index_isize(&item)?;
        match u8::try_from(n) {
            Ok(byte) => out.push(byte),
            Err(_) => return Err(vm.value_error("bytes must be in range(0, 256)")),
        }
        Ok(())
    })?;
    Ok(out)
}

fn round(vm: &Vm, args: &[Object]) -> Result {
    let Some(digits) = args[1].some() else { return Ok(int::exact(vm, &args[0])) };
    let digits = vm.index(digits)?;
    if !int::is_negative(&digits) {
        return Ok(int::exact(vm, &args[0]));
    }
    let places = int::to_i64(&digits).map_or(u64::MAX, i64::unsigned_abs);
    match view(&args[0]).to_big().round_to_power_of_ten(places) {
        Ok(n) => Ok(int::from_big(vm, n)),
        Err(e) => Err(int::error(vm, e)),
    }
}

/// `int.__format__`.
pub fn format(vm: &Vm, n: &Object, spec: &Object) -> Result {
    if Str::is_empty_object(spec) {
        return vm.str_of(n);
    }
    format_number(vm, n, spec, ValueKind::Int, |out, spec, locale| {
        match view(n) {
            IntView::Small(n) => format_spec::format_int(out, &n, spec, locale),
            IntView::Big(n) => {
                if spec.kind == 'd' as u32 || spec.kind == 'n' as u32 {
                    int::check_digits(vm, n).map_err(Failure::Raised)?;
                }
                format_spec::format_int(out, n, spec, locale)
            }
        }
        .map_err(Failure::Format)
    })
}

/// Why formatting failed: by the rules of the mini-language, or with an exception.
pub enum Failure {
    Format(FormatError),
    Raised(Raised),
}

/// `object.__format__(spec)` of a number: parses the spec, lets `write` write,
/// raises what went wrong in CPython's words.
pub fn format_number(
    vm: &Vm,
    object: &Object,
    spec: &Object,
    kind: ValueKind,
    write: impl FnOnce(&mut Builder, &FormatSpec, &LocaleInfo) -> std::result::Result<(), Failure>,
) -> Result {
    let Some(text) = spec.downcast::<Str>() else {
        return Err(
            vm.type_error(format!("__format__() argument must be str, not {}", type_name_or_none(spec)))
        );
    };
    let parsed = match text.as_ascii() {
        Some(ascii) => format_spec::parse(ascii.as_bytes(), kind),
        None => format_spec::parse_with(&text.to_code_points(), kind, taipan_unicode::ctype::decimal_value),
    };
    let result = parsed.map_err(Failure::Format).and_then(|parsed| {
        let mut out = Builder::new();
        let room = parsed.width.unwrap_or(0).max(parsed.precision.unwrap_or(0));
        if room > 1 << 20 && room < 1 << 33 && out.try_reserve(room).is_none() {
            return Err(Failure::Raised(vm.memory_error()));
        }
        let locale = if parsed.kind == 'n' as u32 { current_locale() } else { LocaleInfo::default() };
        write(&mut out, &parsed, &locale).map(|()| out)
    });
    match result {
        Ok(out) => Ok(out.finish(vm)),
        Err(Failure::Raised(raised)) => Err(raised),
        Err(Failure::Format(e)) => {
            let message = e.message(object.ty().name(), &vm.str_lossy(spec));
            Err(match e.class() {
                ErrorClass::Value => vm.value_error(message),
                ErrorClass::Overflow => vm.overflow_error(message),
                ErrorClass::Memory => vm.memory_error(),
            })
        }
    }
}

/// The conventions of the process's locale for presentation type `n`.
pub fn current_locale() -> LocaleInfo {
    // SAFETY: localeconv's strings stay valid until the next call of it or of
    // setlocale; both happen under the GIL only.
    unsafe {
        let conv = libc::localeconv();
        if conv.is_null() {
            return LocaleInfo::default();
        }
        let text = |p: *const libc::c_char| match p.is_null() {
            true => String::new(),
            false => std::ffi::CStr::from_ptr(p).to_string_lossy().into_owned(),
        };
        let grouping = match (*conv).grouping.is_null() {
            true => Vec::new(),
            false => std::ffi::CStr::from_ptr((*conv).grouping).to_bytes().to_vec(),
        };
        let decimal_point = text((*conv).decimal_point);
        LocaleInfo {
            decimal_point: if decimal_point.is_empty() { ".".into() } else { decimal_point },
            thousands_sep: text((*conv).thousands_sep),
            grouping,
        }
    }
}
