//! float: boxes for the floats that fit no word, conversion of arguments to
//! floats, the number slots and the methods.
//!
//! Most floats are immediate words; those far from 1, infinities, nans and
//! instances of subclasses are heap objects with a [`Float`] payload.
//! [`as_f64`] looks at both. The algorithms are in `taipan_numeric::float`.

use crate::prelude::*;
use crate::types::int::{self, IntView};
use crate::types::int_methods::{self, Failure};
use crate::types::{complex, int_methods::type_name_or_none};
use std::cmp::Ordering;
use taipan_numeric::IntError;
use taipan_numeric::float::{self as algorithms, FromHexError, PowError};
use taipan_numeric::format_spec::{self, ValueKind};

/// Payload of floats on the heap.
pub struct Float {
    value: f64,
}

impl NativeClass for Float {
    fn class() -> &'static Type {
        &FLOAT
    }
}

pub static FLOAT: Type = Type::new::<Float>(
    "float",
    &crate::types::object::OBJECT,
    type_flags::BASE | type_flags::FLOAT_SUBCLASS | type_flags::MATCH_SELF,
    Slots {
        new: Some(float_new),
        hash: Some(float_hash),
        compare: Some(float_compare),
        bool: Some(|_, x| Ok(value(x) != 0.0)),
        pow3: Some(float_pow3),
        ..Slots::EMPTY
            .repr(float_repr)
            .unary(UnaryOp::Neg, |vm, x| Ok(vm.float(-value(x))))
            .unary(UnaryOp::Pos, |vm, x| Ok(exact(vm, x)))
            .unary(UnaryOp::Abs, |vm, x| Ok(vm.float(value(x).abs())))
            .unary(UnaryOp::Int, |vm, x| to_int(vm, value(x)))
            .unary(UnaryOp::Float, |vm, x| Ok(exact(vm, x)))
            .binary(BinaryOp::Add, |vm, a, b| arithmetic(vm, a, b, |x, y| x + y))
            .binary(BinaryOp::Sub, |vm, a, b| arithmetic(vm, a, b, |x, y| x - y))
            .binary(BinaryOp::Mul, |vm, a, b| arithmetic(vm, a, b, |x, y| x * y))
            .binary(BinaryOp::TrueDiv, |vm, a, b| {
                division(vm, a, b, |x, y| if y == 0.0 { None } else { Some(x / y) })
            })
            .binary(BinaryOp::FloorDiv, |vm, a, b| division(vm, a, b, algorithms::floor_div))
            .binary(BinaryOp::Mod, |vm, a, b| division(vm, a, b, algorithms::modulo))
            .binary(BinaryOp::DivMod, float_divmod)
            .binary(BinaryOp::Pow, float_pow)
    },
    &[
        MethodDef::new(
            "from_number($type, number, /)",
            from_number,
            "Convert real number to a floating-point number.",
        )
        .class_method(),
        MethodDef::new(
            "conjugate($self, /)",
            |vm, args| Ok(exact(vm, &args[0])),
            "Return self, the complex conjugate of any float.",
        ),
        MethodDef::new(
            "__trunc__($self, /)",
            |vm, args| to_int(vm, value(&args[0])),
            "Return the Integral closest to x between 0 and x.",
        ),
        MethodDef::new(
            "__floor__($self, /)",
            |vm, args| to_int(vm, value(&args[0]).floor()),
            "Return the floor as an Integral.",
        ),
        MethodDef::new(
            "__ceil__($self, /)",
            |vm, args| to_int(vm, value(&args[0]).ceil()),
            "Return the ceiling as an Integral.",
        ),
        MethodDef::new(
            "__round__($self, ndigits=None, /)",
            round,
            "Return the Integral closest to x, rounding half toward even.\n\nWhen an argument is passed, work like built-in round(x, ndigits).",
        ),
        MethodDef::new(
            "as_integer_ratio($self, /)",
            as_integer_ratio,
            "Return a pair of integers, whose ratio is exactly equal to the original float.\n\nThe ratio is in lowest terms and has a positive denominator.  Raise\nOverflowError on infinities and a ValueError on NaNs.\n\n>>> (10.0).as_integer_ratio()\n(10, 1)\n>>> (0.0).as_integer_ratio()\n(0, 1)\n>>> (-.25).as_integer_ratio()\n(-1, 4)",
        ),
        MethodDef::new(
            "fromhex($type, string, /)",
            from_hex,
            "Create a floating-point number from a hexadecimal string.\n\n>>> float.fromhex('0x1.ffffp10')\n2047.984375\n>>> float.fromhex('-0x1p-1074')\n-5e-324",
        )
        .class_method(),
        MethodDef::new(
            "hex($self, /)",
            |vm, args| Ok(vm.str(&algorithms::hex(value(&args[0])))),
            "Return a hexadecimal representation of a floating-point number.\n\n>>> (-0.1).hex()\n'-0x1.999999999999ap-4'\n>>> 3.14159.hex()\n'0x1.921f9f01b866ep+1'",
        ),
        MethodDef::new(
            "is_integer($self, /)",
            |_, args| Ok(Object::bool(algorithms::is_integer(value(&args[0])))),
            "Return True if the float is an integer.",
        ),
        MethodDef::new(
            "__getnewargs__($self, /)",
            |vm, args| Ok(vm.tuple(vec![exact(vm, &args[0])])),
            "",
        ),
        MethodDef::new(
            "__getformat__($type, typestr, /)",
            get_format,
            "You probably don't want to use this function.\n\n  typestr\n    Must be 'double' or 'float'.\n\nIt exists mainly to be used in Python's test suite.\n\nThis function returns whichever of 'unknown', 'IEEE, big-endian' or\n'IEEE, little-endian' best describes the format of floating-point\nnumbers used by the C type named by typestr.",
        )
        .class_method(),
        MethodDef::new(
            "__format__($self, format_spec, /)",
            |vm, args| format(vm, &args[0], &args[1]),
            "Formats the float according to format_spec.",
        ),
    ],
    &[
        GetSetDef::new("real", |vm, x| Ok(exact(vm, x))).with_doc("the real part of a complex number"),
        GetSetDef::new("imag", |vm, _| Ok(vm.float(0.0))).with_doc("the imaginary part of a complex number"),
    ],
)
.with_doc("Convert a string or number to a floating-point number, if possible.");

/// A float on the heap: for those that fit no word.
#[cold]
pub fn boxed(vm: &Vm, x: f64) -> Object {
    vm.alloc_exact(&FLOAT, false, Float { value: x })
}

/// The float of a float (or of an instance of a subclass); None for anything else.
#[inline]
pub fn as_f64(object: &Object) -> Option<f64> {
    if object.is_float() {
        return Some(object.as_float());
    }
    object.downcast::<Float>().map(|float| float.value)
}

/// Is the object exactly a float?
#[inline]
pub fn is_exact(object: &Object) -> bool {
    object.is_float() || object.downcast_exact::<Float>().is_some()
}

/// The float of `self`.
#[inline]
fn value(object: &Object) -> f64 {
    as_f64(object).unwrap_or(0.0)
}

/// The same number as an exact float (the very object if it is one).
fn exact(vm: &Vm, object: &Object) -> Object {
    if is_exact(object) { object.clone() } else { vm.float(value(object)) }
}

/// The int of a float, truncated.
pub fn to_int(vm: &Vm, x: f64) -> Result {
    if x.abs() < 9e18 {
        return Ok(vm.int(x as i64));
    }
    match taipan_numeric::BigInt::from_f64(x) {
        Ok(n) => Ok(int::from_big(vm, n)),
        Err(e) => Err(int::error(vm, e)),
    }
}

/// The float of a number argument: floats, `__float__`, `__index__`.
pub fn number_to_f64(vm: &Vm, object: &Object) -> Result<f64> {
    if let Some(x) = as_f64(object) {
        return Ok(x);
    }
    match by_protocol(vm, object)? {
        Some(x) => Ok(x),
        None => Err(vm.type_error(format!("must be real number, not {}", object.ty().name()))),
    }
}

/// By `__float__` or `__index__`; None if the object has neither.
fn by_protocol(vm: &Vm, object: &Object) -> Result<Option<f64>> {
    let ty = object.ty();
    if let Some(f) = ty.slots().unary[UnaryOp::Float as usize] {
        let result = f(vm, object)?;
        let Some(x) = as_f64(&result) else {
            return Err(vm.type_error(format!(
                "{}.__float__ returned non-float (type {})",
                ty.name(),
                result.ty().name()
            )));
        };
        if !is_exact(&result) {
            vm.warn(
                &exc::DEPRECATION_WARNING,
                &format!("{}.__float__ returned non-float (type {}).  The ability to return an instance of a strict subclass of float is deprecated, and may be removed in a future version of Python.", ty.name(), result.ty().name()),
                1,
            )?;
        }
        return Ok(Some(x));
    }
    if vm.is_index(object) {
        let n = vm.index(object)?;
        return int::to_float(vm, &n).map(Some);
    }
    Ok(None)
}

// ---- construction ------------------------------------------------------------------

static SIG: Sig = Sig::new("float(x=0, /)");

fn float_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let mut zero = None;
    let x = match (args, kwnames) {
        ([x], []) => x,
        _ => zero.insert(no_single_argument(vm, class, args, kwnames)?),
    };
    if class.is(&FLOAT) && is_exact(x) {
        return Ok(x.clone());
    }
    let x = from_object(vm, x)?;
    Ok(if class.is(&FLOAT) { vm.float(x) } else { vm.alloc(class, Float { value: x }) })
}

/// The argument of `float()` called in any other way than with one positional argument.
fn no_single_argument(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let init = |class: &Type| class.slots().init.map(|f| f as usize);
    if !kwnames.is_empty() && (class.is(&FLOAT) || init(class) == init(&FLOAT)) {
        return Err(vm.type_error("float() takes no keyword arguments"));
    }
    let bound = SIG.bind(vm, &args[..args.len() - kwnames.len()], &[])?;
    Ok(bound[0].clone())
}

/// The value of `float(object)`.
pub fn from_object(vm: &Vm, object: &Object) -> Result<f64> {
    if is_exact(object) {
        return Ok(value(object));
    }
    if let Some(x) = by_protocol(vm, object)? {
        return Ok(x);
    }
    let parsed = if let Some(s) = object.downcast::<Str>() {
        algorithms::parse(&int_methods::folded_text(s)).ok()
    } else if let Some(bytes) = int_methods::buffer_bytes(vm, object)? {
        std::str::from_utf8(&bytes).ok().and_then(|text| algorithms::parse(text).ok())
    } else {
        return Err(vm.type_error(format!(
            "float() argument must be a string or a real number, not '{}'",
            object.ty().name()
        )));
    };
    match parsed {
        Some(x) => Ok(x),
        None => {
            let shown = vm.repr_text(object)?;
            Err(vm.value_error(format!("could not convert string to float: {shown}")))
        }
    }
}

// ---- slots ----------------------------------------------------------------------------

fn float_repr(vm: &Vm, x: &Object) -> Result {
    Ok(vm.str(&algorithms::repr(value(x))))
}

/// The hash of an object by its identity, as nans have it.
pub(crate) fn identity_hash(object: &Object) -> i64 {
    let hash = object.value().bits().rotate_right(4) as i64;
    if hash == -1 { -2 } else { hash }
}

fn float_hash(_: &Vm, x: &Object) -> Result<i64> {
    Ok(algorithms::hash(value(x)).unwrap_or_else(|| identity_hash(x)))
}

/// Compares a float with a float or an int, exactly; Err if it is neither.
fn order(x: f64, other: &Object) -> std::result::Result<Option<Ordering>, ()> {
    if let Some(y) = as_f64(other) {
        return Ok(x.partial_cmp(&y));
    }
    match int::view(other) {
        Some(IntView::Small(n)) => Ok(algorithms::cmp_i64(x, n)),
        Some(IntView::Big(n)) => Ok(algorithms::cmp_int(x, n)),
        None => Err(()),
    }
}

/// Is the float exactly equal to a float or an int? None if the object is neither.
pub(crate) fn equals(x: f64, other: &Object) -> Option<bool> {
    order(x, other).ok().map(|ordering| ordering == Some(Ordering::Equal))
}

fn float_compare(_: &Vm, a: &Object, b: &Object, op: CompareOp) -> Result {
    Ok(match order(value(a), b) {
        Ok(ordering) => Object::bool(op.holds(ordering)),
        Err(()) => Object::NOT_IMPLEMENTED,
    })
}

/// An operand of float arithmetic: a float, or an int that becomes one.
#[inline]
fn operand(vm: &Vm, object: &Object) -> Result<Option<f64>> {
    if let Some(x) = as_f64(object) {
        return Ok(Some(x));
    }
    if int::is_any_int(object) {
        return int::to_float(vm, object).map(Some);
    }
    Ok(None)
}

#[inline(always)]
fn operands(vm: &Vm, a: &Object, b: &Object) -> Result<Option<(f64, f64)>> {
    let Some(x) = operand(vm, a)? else { return Ok(None) };
    let Some(y) = operand(vm, b)? else { return Ok(None) };
    Ok(Some((x, y)))
}

#[inline(always)]
fn arithmetic(vm: &Vm, a: &Object, b: &Object, f: impl FnOnce(f64, f64) -> f64) -> Result {
    Ok(match operands(vm, a, b)? {
        Some((x, y)) => vm.float(f(x, y)),
        None => Object::NOT_IMPLEMENTED,
    })
}

#[inline(always)]
fn division(vm: &Vm, a: &Object, b: &Object, f: impl FnOnce(f64, f64) -> Option<f64>) -> Result {
    match operands(vm, a, b)? {
        Some((x, y)) => match f(x, y) {
            Some(x) => Ok(vm.float(x)),
            None => Err(vm.zero_division("division by zero")),
        },
        None => Ok(Object::NOT_IMPLEMENTED),
    }
}

fn float_divmod(vm: &Vm, a: &Object, b: &Object) -> Result {
    match operands(vm, a, b)? {
        Some((x, y)) => match algorithms::divmod(x, y) {
            Some((q, r)) => Ok(vm.tuple(vec![vm.float(q), vm.float(r)])),
            None => Err(vm.zero_division("division by zero")),
        },
        None => Ok(Object::NOT_IMPLEMENTED),
    }
}

fn float_pow(vm: &Vm, a: &Object, b: &Object) -> Result {
    match operands(vm, a, b)? {
        Some((x, y)) => power(vm, x, y),
        None => Ok(Object::NOT_IMPLEMENTED),
    }
}

fn float_pow3(vm: &Vm, a: &Object, b: &Object, modulus: &Object) -> Result {
    if modulus.is_none() {
        return float_pow(vm, a, b);
    }
    Err(vm.type_error("pow() 3rd argument not allowed unless all arguments are integers"))
}

/// `x ** y`: a float, or a complex for a negative base and a fractional exponent.
pub fn power(vm: &Vm, x: f64, y: f64) -> Result {
    match algorithms::pow(x, y) {
        Ok(z) => Ok(vm.float(z)),
        Err(PowError::ZeroToNegative) => Err(vm.zero_division("zero to a negative power")),
        Err(PowError::Overflow) => Err(range_error(vm)),
        Err(PowError::NeedsComplex) => complex::power(vm, x, y),
    }
}

/// OverflowError as the C library's ERANGE becomes one.
fn range_error(vm: &Vm) -> Raised {
    let text = vm.str("Numerical result out of range");
    vm.error_with(&exc::OVERFLOW_ERROR, vec![vm.int(34), text])
}

// ---- methods ------------------------------------------------------------------------------

fn from_number(vm: &Vm, args: &[Object]) -> Result {
    if args[0].value() == FLOAT.value() && is_exact(&args[1]) {
        return Ok(args[1].clone());
    }
    let x = vm.float(number_to_f64(vm, &args[1])?);
    if args[0].value() == FLOAT.value() { Ok(x) } else { vm.call(&args[0], &[x]) }
}

fn round(vm: &Vm, args: &[Object]) -> Result {
    let x = value(&args[0]);
    let Some(digits) = args[1].some() else {
        return to_int(vm, x.round_ties_even());
    };
    let digits = vm.index_clipped(digits)?;
    match algorithms::round_digits(x, digits as i64) {
        Ok(x) => Ok(vm.float(x)),
        Err(_) => Err(vm.overflow_error("rounded value too large to represent")),
    }
}

fn as_integer_ratio(vm: &Vm, args: &[Object]) -> Result {
    match algorithms::as_integer_ratio(value(&args[0])) {
        Ok((n, d)) => Ok(vm.tuple(vec![int::from_big(vm, n), int::from_big(vm, d)])),
        Err(IntError::FromNan) => Err(vm.value_error("cannot convert NaN to integer ratio")),
        Err(_) => Err(vm.overflow_error("cannot convert Infinity to integer ratio")),
    }
}

fn from_hex(vm: &Vm, args: &[Object]) -> Result {
    let Some(s) = args[1].downcast::<Str>() else {
        return Err(vm.type_error("bad argument type for built-in operation"));
    };
    let parsed = match s.to_utf8() {
        Some(text) => algorithms::from_hex(&text),
        None => Err(FromHexError::Invalid),
    };
    match parsed {
        Ok(x) => {
            let x = vm.float(x);
            if args[0].value() == FLOAT.value() { Ok(x) } else { vm.call(&args[0], &[x]) }
        }
        Err(e @ FromHexError::Invalid) => Err(vm.value_error(e.to_string())),
        Err(e @ FromHexError::Overflow) => Err(vm.overflow_error(e.to_string())),
    }
}

fn get_format(vm: &Vm, args: &[Object]) -> Result {
    let Some(s) = args[1].downcast::<Str>() else {
        return Err(vm.type_error(format!(
            "__getformat__() argument must be str, not {}",
            type_name_or_none(&args[1])
        )));
    };
    if !s.equals_text("double") && !s.equals_text("float") {
        return Err(vm.value_error("__getformat__() argument 1 must be 'double' or 'float'"));
    }
    Ok(vm.str(if cfg!(target_endian = "little") { "IEEE, little-endian" } else { "IEEE, big-endian" }))
}

/// `float.__format__`.
pub fn format(vm: &Vm, x: &Object, spec: &Object) -> Result {
    if Str::is_empty_object(spec) {
        return vm.str_of(x);
    }
    int_methods::format_number(vm, x, spec, ValueKind::Float, |out, spec, locale| {
        format_spec::format_float(out, value(x), spec, locale).map_err(Failure::Format)
    })
}
