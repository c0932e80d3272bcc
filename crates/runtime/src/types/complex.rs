//! complex: the payload, construction from numbers and text, the number slots
//! and the methods.
//!
//! Operands that are real stay real (C's Annex G): adding a float to a complex
//! leaves the imaginary part, signed zeros included, alone. The algorithms are
//! in `taipan_numeric::complex`.

use crate::names::Name;
use crate::prelude::*;
use crate::types::int_methods::{self, Failure};
use crate::types::{float, int};
use taipan_numeric::complex::{self as algorithms, Complex, ComplexError, ParseComplexError};
use taipan_numeric::format_spec::{self, ValueKind};

/// Payload of complex numbers.
pub struct ComplexNumber {
    value: Complex,
}

impl ComplexNumber {
    /// The number.
    pub fn value(&self) -> Complex {
        self.value
    }
}

impl NativeClass for ComplexNumber {
    fn class() -> &'static Type {
        &COMPLEX
    }
}

pub static COMPLEX: Type = Type::new::<ComplexNumber>(
    "complex",
    &crate::types::object::OBJECT,
    type_flags::BASE,
    Slots {
        new: Some(complex_new),
        hash: Some(complex_hash),
        compare: Some(complex_compare),
        bool: Some(|_, z| Ok(value(z).re != 0.0 || value(z).im != 0.0)),
        pow3: Some(complex_pow3),
        ..Slots::EMPTY
            .repr(|vm, z| Ok(vm.str(&value(z).repr())))
            .unary(UnaryOp::Neg, |vm, z| Ok(from_complex(vm, value(z).neg())))
            .unary(UnaryOp::Pos, |vm, z| Ok(exact(vm, z)))
            .unary(UnaryOp::Abs, |vm, z| match value(z).abs() {
                Ok(x) => Ok(vm.float(x)),
                Err(e) => Err(error(vm, e)),
            })
            .binary(BinaryOp::Add, complex_add)
            .binary(BinaryOp::Sub, complex_sub)
            .binary(BinaryOp::Mul, complex_mul)
            .binary(BinaryOp::TrueDiv, complex_div)
            .binary(BinaryOp::Pow, complex_pow)
    },
    &[
        MethodDef::new(
            "from_number($type, number, /)",
            from_number,
            "Convert number to a complex floating-point number.",
        )
        .class_method(),
        MethodDef::new(
            "conjugate($self, /)",
            |vm, args| Ok(from_complex(vm, value(&args[0]).conjugate())),
            "Return the complex conjugate of its argument. (3-4j).conjugate() == 3+4j.",
        ),
        MethodDef::new(
            "__complex__($self, /)",
            |vm, args| Ok(exact(vm, &args[0])),
            "Convert this value to exact type complex.",
        ),
        MethodDef::new("__getnewargs__($self, /)", |vm, args| {
            let z = value(&args[0]);
            Ok(vm.tuple(vec![vm.float(z.re), vm.float(z.im)]))
        }, ""),
        MethodDef::new(
            "__format__($self, format_spec, /)",
            |vm, args| format(vm, &args[0], &args[1]),
            "Convert to a string according to format_spec.",
        ),
    ],
    &[
        GetSetDef::member("real", |vm, z| Ok(vm.float(value(z).re))).with_doc("the real part of a complex number"),
        GetSetDef::member("imag", |vm, z| Ok(vm.float(value(z).im)))
            .with_doc("the imaginary part of a complex number"),
    ],
)
.with_doc("Create a complex number from a string or numbers.\n\nIf a string is given, parse it as a complex number.\nIf a single number is given, convert it to a complex number.\nIf the 'real' or 'imag' arguments are given, create a complex number\nwith the specified real and imaginary components.");

/// A complex number from its parts.
pub fn new(vm: &Vm, re: f64, im: f64) -> Object {
    from_complex(vm, Complex::new(re, im))
}

/// A complex number.
pub fn from_complex(vm: &Vm, value: Complex) -> Object {
    vm.alloc(&COMPLEX, ComplexNumber { value })
}

/// The value of a complex (or of an instance of a subclass); None for anything else.
pub fn as_complex(object: &Object) -> Option<Complex> {
    object.downcast::<ComplexNumber>().map(|z| z.value)
}

/// `self`'s value.
fn value(object: &Object) -> Complex {
    as_complex(object).unwrap_or(Complex::new(0.0, 0.0))
}

fn exact(vm: &Vm, object: &Object) -> Object {
    if object.downcast_exact::<ComplexNumber>().is_some() {
        return object.clone();
    }
    from_complex(vm, value(object))
}

#[cold]
fn error(vm: &Vm, e: ComplexError) -> Raised {
    match e {
        ComplexError::DivisionByZero | ComplexError::ZeroToPower => vm.zero_division(e.to_string()),
        ComplexError::PowOverflow | ComplexError::AbsOverflow => vm.overflow_error(e.to_string()),
    }
}

/// The complex value of a number argument: complex numbers, `__complex__`,
/// then as for floats.
pub fn number_to_complex(vm: &Vm, object: &Object) -> Result<Complex> {
    if let Some(z) = as_complex(object) {
        return Ok(z);
    }
    if let Some(z) = special_method(vm, object)? {
        return Ok(value(&z));
    }
    Ok(Complex::new(vm.to_f64(object)?, 0.0))
}

/// The result of `__complex__`, if the object has it.
fn special_method(vm: &Vm, object: &Object) -> Result<Option<Object>> {
    if object.downcast_exact::<ComplexNumber>().is_some() {
        return Ok(Some(object.clone()));
    }
    const COMPLEX_METHOD: Name = crate::names::name::complex;
    let Some(result) = vm.call_special(object, COMPLEX_METHOD.object(), &[])? else { return Ok(None) };
    let name = result.ty().name();
    if as_complex(&result).is_none() {
        return Err(vm.type_error(format!("__complex__ returned non-complex (type {name})")));
    }
    if result.downcast_exact::<ComplexNumber>().is_none() {
        vm.warn(
            &exc::DEPRECATION_WARNING,
            &format!("__complex__ returned non-complex (type {name}).  The ability to return an instance of a strict subclass of complex is deprecated, and may be removed in a future version of Python."),
            1,
        )?;
    }
    Ok(Some(result))
}

// ---- construction ------------------------------------------------------------------

static SIG: Sig = Sig::new("complex(real=<absent>, imag=<absent>)");

fn complex_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    if let ([arg], []) = (args, kwnames) {
        if class.is(&COMPLEX) && arg.downcast_exact::<ComplexNumber>().is_some() {
            return Ok(arg.clone());
        }
        return Ok(of_class(vm, class, from_one(vm, arg)?));
    }
    let bound = SIG.bind(vm, args, kwnames)?;
    let z = from_parts(vm, bound[0].bound(), bound[1].bound())?;
    Ok(of_class(vm, class, z))
}

fn of_class(vm: &Vm, class: &Type, value: Complex) -> Object {
    vm.alloc(class, ComplexNumber { value })
}

fn from_one(vm: &Vm, arg: &Object) -> Result<Complex> {
    if let Some(s) = arg.downcast::<Str>() {
        return match algorithms::parse(&int_methods::folded_text(s)) {
            Ok(z) => Ok(z),
            Err(ParseComplexError::Malformed) => Err(vm.value_error("complex() arg is a malformed string")),
            Err(ParseComplexError::Underscore) => {
                let shown = vm.repr_text(arg)?;
                Err(vm.value_error(format!("could not convert string to complex: {shown}")))
            }
        };
    }
    if let Some(z) = special_method(vm, arg)? {
        return Ok(value(&z));
    }
    if let Some(z) = as_complex(arg) {
        return Ok(z);
    }
    if !is_real(vm, arg) {
        return Err(vm.type_error(format!(
            "complex() argument must be a string or a number, not {}",
            arg.ty().name()
        )));
    }
    // An instance of a subclass of float counts by its value here, whatever its `__float__`.
    let re = match float::as_f64(arg) {
        Some(x) => x,
        None => float::from_object(vm, arg)?,
    };
    Ok(Complex::new(re, 0.0))
}

/// Has `__float__` or `__index__`.
fn is_real(vm: &Vm, object: &Object) -> bool {
    object.ty().slots().unary[UnaryOp::Float as usize].is_some() || vm.is_index(object)
}

/// `complex(real, imag)`; complex arguments are deprecated, but count.
fn from_parts(vm: &Vm, real: Option<&Object>, imag: Option<&Object>) -> Result<Complex> {
    let not_real = |which: &str, given: &Object| {
        format!("complex() argument '{which}' must be a real number, not {}", given.ty().name())
    };
    let zero = vm.int(0);
    let given = real.unwrap_or(&zero);
    let real = special_method(vm, given)?.unwrap_or_else(|| given.clone());
    if !is_real(vm, &real) && as_complex(&real).is_none() {
        return Err(vm.type_error(not_real("real", &real)));
    }
    if let Some(imag) = imag
        && !is_real(vm, imag)
        && as_complex(imag).is_none()
    {
        return Err(vm.type_error(not_real("imag", imag)));
    }
    let mut z = match as_complex(&real) {
        Some(z) => {
            if !is_real(vm, given) {
                vm.warn(&exc::DEPRECATION_WARNING, &not_real("real", given), 1)?;
            }
            z
        }
        None => Complex::new(float::from_object(vm, &real)?, 0.0),
    };
    let Some(imag) = imag else { return Ok(z) };
    let (im, minus) = match as_complex(imag) {
        Some(c) => {
            vm.warn(&exc::DEPRECATION_WARNING, &not_real("imag", imag), 1)?;
            (c.re, Some(c.im))
        }
        None => (float::from_object(vm, imag)?, None),
    };
    let real_was_complex = as_complex(&real).is_some();
    if let Some(minus) = minus {
        z.re -= minus;
    }
    z.im = if real_was_complex { im + z.im } else { im };
    Ok(z)
}

fn from_number(vm: &Vm, args: &[Object]) -> Result {
    let plain = args[0].value() == COMPLEX.value();
    if plain && args[1].downcast_exact::<ComplexNumber>().is_some() {
        return Ok(args[1].clone());
    }
    let z = from_complex(vm, number_to_complex(vm, &args[1])?);
    if plain { Ok(z) } else { vm.call(&args[0], &[z]) }
}

// ---- slots ----------------------------------------------------------------------------

fn complex_hash(_: &Vm, z: &Object) -> Result<i64> {
    Ok(value(z).hash(float::identity_hash(z)))
}

fn complex_compare(_: &Vm, a: &Object, b: &Object, op: CompareOp) -> Result {
    if !matches!(op, CompareOp::Eq | CompareOp::Ne) {
        return Ok(Object::NOT_IMPLEMENTED);
    }
    let x = value(a);
    let equal = if let Some(y) = as_complex(b) {
        x.re == y.re && x.im == y.im
    } else if let Some(equal) = float::equals(x.re, b) {
        equal && x.im == 0.0
    } else {
        return Ok(Object::NOT_IMPLEMENTED);
    };
    Ok(Object::bool(equal == (op == CompareOp::Eq)))
}

/// An operand: complex, or real.
#[derive(Clone, Copy)]
enum Operand {
    Complex(Complex),
    Real(f64),
}

impl Operand {
    fn complex(self) -> Complex {
        match self {
            Operand::Complex(z) => z,
            Operand::Real(x) => Complex::new(x, 0.0),
        }
    }
}

fn operand(vm: &Vm, object: &Object) -> Result<Option<Operand>> {
    if let Some(z) = as_complex(object) {
        return Ok(Some(Operand::Complex(z)));
    }
    if let Some(x) = float::as_f64(object) {
        return Ok(Some(Operand::Real(x)));
    }
    if int::is_any_int(object) {
        return Ok(Some(Operand::Real(int::to_float(vm, object)?)));
    }
    Ok(None)
}

#[inline(always)]
fn arithmetic(
    vm: &Vm,
    a: &Object,
    b: &Object,
    f: impl FnOnce(Operand, Operand) -> std::result::Result<Complex, ComplexError>,
) -> Result {
    let Some(x) = operand(vm, a)? else { return Ok(Object::NOT_IMPLEMENTED) };
    let Some(y) = operand(vm, b)? else { return Ok(Object::NOT_IMPLEMENTED) };
    match f(x, y) {
        Ok(z) => Ok(from_complex(vm, z)),
        Err(e) => Err(error(vm, e)),
    }
}

fn complex_add(vm: &Vm, a: &Object, b: &Object) -> Result {
    use Operand::*;
    arithmetic(vm, a, b, |x, y| {
        Ok(match (x, y) {
            (Complex(x), Complex(y)) => x.add(y),
            (Complex(z), Real(r)) | (Real(r), Complex(z)) => z.add_real(r),
            _ => x.complex().add(y.complex()),
        })
    })
}

fn complex_sub(vm: &Vm, a: &Object, b: &Object) -> Result {
    use Operand::*;
    arithmetic(vm, a, b, |x, y| {
        Ok(match (x, y) {
            (Complex(x), Complex(y)) => x.sub(y),
            (Complex(z), Real(r)) => z.sub_real(r),
            (Real(r), Complex(z)) => algorithms::Complex::real_sub(r, z),
            _ => x.complex().sub(y.complex()),
        })
    })
}

fn complex_mul(vm: &Vm, a: &Object, b: &Object) -> Result {
    use Operand::*;
    arithmetic(vm, a, b, |x, y| {
        Ok(match (x, y) {
            (Complex(x), Complex(y)) => x.mul(y),
            (Complex(z), Real(r)) | (Real(r), Complex(z)) => z.mul_real(r),
            _ => x.complex().mul(y.complex()),
        })
    })
}

fn complex_div(vm: &Vm, a: &Object, b: &Object) -> Result {
    use Operand::*;
    arithmetic(vm, a, b, |x, y| match (x, y) {
        (Complex(x), Complex(y)) => x.div(y),
        (Complex(z), Real(r)) => z.div_real(r),
        (Real(r), Complex(z)) => algorithms::Complex::real_div(r, z),
        _ => x.complex().div(y.complex()),
    })
}

fn complex_pow(vm: &Vm, a: &Object, b: &Object) -> Result {
    arithmetic(vm, a, b, |x, y| x.complex().pow(y.complex()))
}

fn complex_pow3(vm: &Vm, a: &Object, b: &Object, modulus: &Object) -> Result {
    let known = |object: &Object| {
        as_complex(object).is_some() || float::as_f64(object).is_some() || int::is_any_int(object)
    };
    if !known(a) || !known(b) {
        return Ok(Object::NOT_IMPLEMENTED);
    }
    if modulus.is_none() {
        return complex_pow(vm, a, b);
    }
    Err(vm.value_error("complex modulo"))
}

/// `x ** y` of floats whose power is complex.
pub fn power(vm: &Vm, x: f64, y: f64) -> Result {
    match Complex::new(x, 0.0).pow(Complex::new(y, 0.0)) {
        Ok(z) => Ok(from_complex(vm, z)),
        Err(e) => Err(error(vm, e)),
    }
}

fn format(vm: &Vm, z: &Object, spec: &Object) -> Result {
    if Str::is_empty_object(spec) {
        return vm.str_of(z);
    }
    int_methods::format_number(vm, z, spec, ValueKind::Complex, |out, spec, locale| {
        let z = value(z);
        format_spec::format_complex(out, z.re, z.im, spec, locale).map_err(Failure::Format)
    })
}
