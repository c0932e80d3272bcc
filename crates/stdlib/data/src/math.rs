//! `math`: arguments to numbers and back around `taipan-numeric`. The integer
//! functions and the sums are in `math_ints`.

use crate::math_ints as ints;
use taipan_numeric::mathfn::{self, Log, MathError};
use taipan_runtime::names::name;
use taipan_runtime::prelude::*;
use taipan_runtime::support::check_arity;
use taipan_runtime::types::float::{self, FLOAT};
use taipan_runtime::types::{int, tuple};

macro_rules! real {
    ($($sig:literal $f:path, $doc:literal;)*) => {
        &[$(MethodDef::new($sig, |vm, args| {
            let x = vm.to_f64(&args[0])?;
            value(vm, $f(x))
        }, $doc)),*]
    };
}

fn value(vm: &Vm, result: std::result::Result<f64, MathError>) -> Result {
    match result {
        Ok(x) => Ok(vm.float(x)),
        Err(e) => Err(error(vm, e)),
    }
}

/// The exception of a failed function.
#[cold]
pub fn error(vm: &Vm, e: MathError) -> Raised {
    if e == MathError::ZeroDivision {
        return vm.zero_division(e.to_string());
    }
    if e.is_overflow() { vm.overflow_error(e.to_string()) } else { vm.value_error(e.to_string()) }
}

fn ulp(x: f64) -> std::result::Result<f64, MathError> {
    Ok(mathfn::ulp(x))
}
fn degrees(x: f64) -> std::result::Result<f64, MathError> {
    Ok(mathfn::degrees(x))
}
fn radians(x: f64) -> std::result::Result<f64, MathError> {
    Ok(mathfn::radians(x))
}
fn fabs(x: f64) -> std::result::Result<f64, MathError> {
    Ok(x.abs())
}

const REAL: &[MethodDef] = real! {
    "acos(x, /)" mathfn::acos, "Return the arc cosine (measured in radians) of x.\n\nThe result is between 0 and pi.";
    "acosh(x, /)" mathfn::acosh, "Return the inverse hyperbolic cosine of x.";
    "asin(x, /)" mathfn::asin, "Return the arc sine (measured in radians) of x.\n\nThe result is between -pi/2 and pi/2.";
    "asinh(x, /)" mathfn::asinh, "Return the inverse hyperbolic sine of x.";
    "atan(x, /)" mathfn::atan, "Return the arc tangent (measured in radians) of x.\n\nThe result is between -pi/2 and pi/2.";
    "atanh(x, /)" mathfn::atanh, "Return the inverse hyperbolic tangent of x.";
    "cbrt(x, /)" mathfn::cbrt, "Return the cube root of x.";
    "cos(x, /)" mathfn::cos, "Return the cosine of x (measured in radians).";
    "cosh(x, /)" mathfn::cosh, "Return the hyperbolic cosine of x.";
    "degrees(x, /)" degrees, "Convert angle x from radians to degrees.";
    "erf(x, /)" mathfn::erf, "Error function at x.";
    "erfc(x, /)" mathfn::erfc, "Complementary error function at x.";
    "exp(x, /)" mathfn::exp, "Return e raised to the power of x.";
    "exp2(x, /)" mathfn::exp2, "Return 2 raised to the power of x.";
    "expm1(x, /)" mathfn::expm1, "Return exp(x)-1.\n\nThis function avoids the loss of precision involved in the direct evaluation of exp(x)-1 for small x.";
    "fabs(x, /)" fabs, "Return the absolute value of the float x.";
    "gamma(x, /)" mathfn::gamma, "Gamma function at x.";
    "lgamma(x, /)" mathfn::lgamma, "Natural logarithm of absolute value of Gamma function at x.";
    "log1p(x, /)" mathfn::log1p, "Return the natural logarithm of 1+x (base e).\n\nThe result is computed in a way which is accurate for x near zero.";
    "radians(x, /)" radians, "Convert angle x from degrees to radians.";
    "sin(x, /)" mathfn::sin, "Return the sine of x (measured in radians).";
    "sinh(x, /)" mathfn::sinh, "Return the hyperbolic sine of x.";
    "sqrt(x, /)" mathfn::sqrt, "Return the square root of x.";
    "tan(x, /)" mathfn::tan, "Return the tangent of x (measured in radians).";
    "tanh(x, /)" mathfn::tanh, "Return the hyperbolic tangent of x.";
    "ulp(x, /)" ulp, "Return the value of the least significant bit of the float x.";
};

macro_rules! two {
    ($sig:literal, $f:expr, $doc:literal) => {
        MethodDef::new(
            $sig,
            |vm, args| {
                let (x, y) = (vm.to_f64(&args[0])?, vm.to_f64(&args[1])?);
                value(vm, $f(x, y))
            },
            $doc,
        )
    };
}

macro_rules! test {
    ($sig:literal, $f:expr, $doc:literal) => {
        MethodDef::new(
            $sig,
            |vm, args| {
                let f: fn(f64) -> bool = $f;
                Ok(Object::bool(f(vm.to_f64(&args[0])?)))
            },
            $doc,
        )
    };
}

const OTHER: &[MethodDef] = &[
    two!(
        "atan2(y, x, /)",
        |y, x| Ok(mathfn::atan2(y, x)),
        "Return the arc tangent (measured in radians) of y/x.\n\nUnlike atan(y/x), the signs of both x and y are considered."
    ),
    two!(
        "copysign(x, y, /)",
        |x: f64, y: f64| Ok(x.copysign(y)),
        "Return a float with the magnitude (absolute value) of x but the sign of y.\n\nOn platforms that support signed zeros, copysign(1.0, -0.0)\nreturns -1.0.\n"
    ),
    two!("fmod(x, y, /)", mathfn::fmod, "Return fmod(x, y), according to platform C.\n\nx % y may differ."),
    two!("pow(x, y, /)", mathfn::pow, "Return x**y (x to the power of y)."),
    two!(
        "remainder(x, y, /)",
        mathfn::remainder,
        "Difference between x and the closest integer multiple of y.\n\nReturn x - n*y where n*y is the closest integer multiple of y.\nIn the case where x is exactly halfway between two multiples of\ny, the nearest even value of n is used. The result is always exact."
    ),
    test!(
        "isfinite(x, /)",
        |x| x.is_finite(),
        "Return True if x is neither an infinity nor a NaN, and False otherwise."
    ),
    test!(
        "isinf(x, /)",
        |x| x.is_infinite(),
        "Return True if x is a positive or negative infinity, and False otherwise."
    ),
    test!("isnan(x, /)", |x| x.is_nan(), "Return True if x is a NaN (not a number), and False otherwise."),
    MethodDef::new(
        "ceil(x, /)",
        |vm, args| rounded(vm, &args[0], name::ceil.object(), mathfn::ceil),
        "Return the ceiling of x as an Integral.\n\nThis is the smallest integer >= x.",
    ),
    MethodDef::new(
        "floor(x, /)",
        |vm, args| rounded(vm, &args[0], name::floor.object(), mathfn::floor),
        "Return the floor of x as an Integral.\n\nThis is the largest integer <= x.",
    ),
    MethodDef::new(
        "trunc(x, /)",
        trunc,
        "Truncates the Real x to the nearest Integral toward 0.\n\nUses the __trunc__ magic method.",
    ),
    MethodDef::new(
        "fma(x, y, z, /)",
        |vm, args| {
            let (x, y, z) = (vm.to_f64(&args[0])?, vm.to_f64(&args[1])?, vm.to_f64(&args[2])?);
            value(vm, mathfn::fma(x, y, z))
        },
        "Fused multiply-add operation.\n\nCompute (x * y) + z with a single round.",
    ),
    MethodDef::new(
        "frexp(x, /)",
        |vm, args| {
            let (m, e) = mathfn::frexp(vm.to_f64(&args[0])?);
            Ok(tuple::from_array(vm, [vm.float(m), vm.int(e as i64)]))
        },
        "Return the mantissa and exponent of x, as pair (m, e).\n\nIf x is 0, m and e are both 0.  Otherwise 0.5 <= abs(m) < 1.0 and\nx = m * 2.**e.",
    ),
    MethodDef::new(
        "modf(x, /)",
        |vm, args| {
            let (fraction, whole) = mathfn::modf(vm.to_f64(&args[0])?);
            Ok(tuple::from_array(vm, [vm.float(fraction), vm.float(whole)]))
        },
        "Return the fractional and integer parts of x.\n\nBoth results carry the sign of x and are floats.",
    ),
    MethodDef::new(
        "ldexp(x, i, /)",
        ldexp,
        "Return x * (2**i).\n\nThis is essentially the inverse of frexp().",
    ),
    MethodDef::raw(
        "log(x, [base=math.e])",
        log,
        "log(x, [base=math.e])\nReturn the logarithm of x to the given base.\n\nIf the base is not specified, returns the natural logarithm (base e) of x.",
    ),
    MethodDef::new(
        "log2(x, /)",
        |vm, args| log_of(vm, &args[0], Log::Two).map(|x| vm.float(x)),
        "Return the base 2 logarithm of x.",
    ),
    MethodDef::new(
        "log10(x, /)",
        |vm, args| log_of(vm, &args[0], Log::Ten).map(|x| vm.float(x)),
        "Return the base 10 logarithm of x.",
    ),
    MethodDef::new(
        "isclose(a, b, *, rel_tol=1e-09, abs_tol=0.0)",
        isclose,
        "Determine whether two floating-point numbers are close in value.\n\n  rel_tol\n    maximum difference for being considered \"close\", relative to the\n    magnitude of the input values\n  abs_tol\n    maximum difference for being considered \"close\", regardless of the\n    magnitude of the input values\n\nReturn True if a is close in value to b, and False otherwise.",
    ),
    MethodDef::new(
        "nextafter(x, y, /, *, steps=None)",
        nextafter,
        "Return the floating-point value the given number of steps after x towards y.\n\nIf steps is not specified or is None, it defaults to 1.",
    ),
];

/// The module.
pub static MATH: ModuleDef = ModuleDef {
    name: "math",
    doc: "This module provides access to the mathematical functions\ndefined by the C standard.",
    functions: &[],
    types: &[],
    init: Some(|vm, module| {
        for table in [REAL, OTHER, ints::FUNCTIONS] {
            taipan_runtime::support::add_functions(vm, module, table)?;
        }
        for (key, x) in [
            ("pi", std::f64::consts::PI),
            ("e", std::f64::consts::E),
            ("tau", std::f64::consts::TAU),
            ("inf", f64::INFINITY),
            ("nan", f64::NAN),
        ] {
            vm.set_attr_str(module, key, &vm.float(x))?;
        }
        Ok(())
    }),
};

/// `floor` and `ceil`: floats at once, others through their special method.
fn rounded(
    vm: &Vm,
    x: &Object,
    method: &Object,
    f: fn(f64) -> std::result::Result<taipan_numeric::BigInt, taipan_numeric::IntError>,
) -> Result {
    if int::is_exact(x) {
        return Ok(x.clone());
    }
    if !x.is_float()
        && !x.ty().is(&FLOAT)
        && let Some(result) = vm.call_special(x, method, &[])?
    {
        return Ok(result);
    }
    let x = vm.to_f64(x)?;
    if x.abs() < 1e15 {
        // Small enough for the machine.
        let whole = if std::ptr::eq(method, name::ceil.object()) { x.ceil() } else { x.floor() };
        return Ok(vm.int(whole as i64));
    }
    f(x).map(|n| int::from_big(vm, n)).map_err(|e| int::error(vm, e))
}

fn trunc(vm: &Vm, args: &[Object]) -> Result {
    let x = &args[0];
    if int::is_exact(x) {
        return Ok(x.clone());
    }
    if float::is_exact(x) {
        return float::to_int(vm, vm.to_f64(x)?);
    }
    match vm.call_special(x, name::trunc.object(), &[])? {
        Some(result) => Ok(result),
        None => Err(vm.type_error(format!("type {} doesn't define __trunc__ method", x.ty().name()))),
    }
}

fn ldexp(vm: &Vm, args: &[Object]) -> Result {
    let x = vm.to_f64(&args[0])?;
    if !int::is_any_int(&args[1]) {
        return Err(vm.type_error("Expected an int as second argument to ldexp."));
    }
    let e = match int::to_i64(&args[1]) {
        Some(e) => e,
        None if int::is_negative(&args[1]) => i64::MIN,
        None => i64::MAX,
    };
    value(vm, mathfn::ldexp(x, e))
}

/// The logarithm of an int (of any size) or a float.
fn log_of(vm: &Vm, x: &Object, kind: Log) -> Result<f64> {
    let result = if int::is_any_int(x) {
        match int::to_i64(x) {
            Some(n) if n > 0 && n < 1 << 53 => mathfn::log(kind, n as f64),
            _ => mathfn::log_int(kind, &int::to_big(x).unwrap_or_default()),
        }
    } else {
        mathfn::log(kind, vm.to_f64(x)?)
    };
    result.map_err(|e| error(vm, e))
}

fn log(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    if !kwnames.is_empty() {
        return Err(vm.type_error("math.log() takes no keyword arguments"));
    }
    check_arity(vm, "log", args.len(), 1, 2)?;
    let x = log_of(vm, &args[0], Log::Natural)?;
    match args.get(1) {
        None => Ok(vm.float(x)),
        Some(base) => value(vm, mathfn::log_base(x, log_of(vm, base, Log::Natural)?)),
    }
}

fn isclose(vm: &Vm, args: &[Object]) -> Result {
    let (a, b) = (vm.to_f64(&args[0])?, vm.to_f64(&args[1])?);
    let relative = match args[2].bound() {
        Some(x) => vm.to_f64(x)?,
        None => 1e-9,
    };
    let close = mathfn::isclose(a, b, relative, vm.to_f64(&args[3])?);
    close.map(Object::bool).map_err(|e| error(vm, e))
}

fn nextafter(vm: &Vm, args: &[Object]) -> Result {
    let (x, y) = (vm.to_f64(&args[0])?, vm.to_f64(&args[1])?);
    let Some(steps) = args[2].some() else {
        // As C's function: the smallest numbers keep their sign on the way to zero.
        let next = mathfn::nextafter(x, y, 1);
        return Ok(vm.float(if next == 0.0 && x != y { next.copysign(x) } else { next }));
    };
    let steps = vm.index(steps)?;
    if int::is_negative(&steps) {
        return Err(vm.value_error("steps must be a non-negative integer"));
    }
    Ok(vm.float(mathfn::nextafter(x, y, int::to_u64(&steps).unwrap_or(u64::MAX))))
}
