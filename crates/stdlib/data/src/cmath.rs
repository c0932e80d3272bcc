//! `cmath`: the functions of complex numbers, around `taipan-numeric`.

use crate::math::error;
use taipan_numeric::cmathfn;
use taipan_numeric::complex::Complex;
use taipan_numeric::mathfn::MathError;
use taipan_runtime::prelude::*;
use taipan_runtime::types::complex::{self, number_to_complex};
use taipan_runtime::types::tuple;

fn value(vm: &Vm, result: std::result::Result<Complex, MathError>) -> Result {
    match result {
        Ok(z) => Ok(complex::from_complex(vm, z)),
        Err(MathError::ZeroDivision) => Err(vm.value_error("math domain error")),
        Err(e) => Err(error(vm, e)),
    }
}

macro_rules! function {
    ($sig:literal, $f:path, $doc:literal) => {
        MethodDef::new($sig, |vm, args| value(vm, $f(number_to_complex(vm, &args[0])?)), $doc)
    };
}

macro_rules! test {
    ($sig:literal, $f:expr, $doc:literal) => {
        MethodDef::new(
            $sig,
            |vm, args| {
                let f: fn(Complex) -> bool = $f;
                Ok(Object::bool(f(number_to_complex(vm, &args[0])?)))
            },
            $doc,
        )
    };
}

/// The module.
pub static CMATH: ModuleDef = ModuleDef {
    name: "cmath",
    doc: "This module provides access to mathematical functions for complex\nnumbers.",
    functions: &[
        function!("acos(z, /)", cmathfn::acos, "Return the arc cosine of z."),
        function!("acosh(z, /)", cmathfn::acosh, "Return the inverse hyperbolic cosine of z."),
        function!("asin(z, /)", cmathfn::asin, "Return the arc sine of z."),
        function!("asinh(z, /)", cmathfn::asinh, "Return the inverse hyperbolic sine of z."),
        function!("atan(z, /)", cmathfn::atan, "Return the arc tangent of z."),
        function!("atanh(z, /)", cmathfn::atanh, "Return the inverse hyperbolic tangent of z."),
        function!("cos(z, /)", cmathfn::cos, "Return the cosine of z."),
        function!("cosh(z, /)", cmathfn::cosh, "Return the hyperbolic cosine of z."),
        function!("exp(z, /)", cmathfn::exp, "Return the exponential value e**z."),
        function!("log10(z, /)", cmathfn::log10, "Return the base-10 logarithm of z."),
        function!("sin(z, /)", cmathfn::sin, "Return the sine of z."),
        function!("sinh(z, /)", cmathfn::sinh, "Return the hyperbolic sine of z."),
        function!("sqrt(z, /)", cmathfn::sqrt, "Return the square root of z."),
        function!("tan(z, /)", cmathfn::tan, "Return the tangent of z."),
        function!("tanh(z, /)", cmathfn::tanh, "Return the hyperbolic tangent of z."),
        test!(
            "isfinite(z, /)",
            |z| z.re.is_finite() && z.im.is_finite(),
            "Return True if both the real and imaginary parts of z are finite, else False."
        ),
        test!(
            "isinf(z, /)",
            |z| z.re.is_infinite() || z.im.is_infinite(),
            "Checks if the real or imaginary part of z is infinite."
        ),
        test!(
            "isnan(z, /)",
            |z| z.re.is_nan() || z.im.is_nan(),
            "Checks if the real or imaginary part of z not a number (NaN)."
        ),
        MethodDef::new(
            "log(z, base=<unrepresentable>, /)",
            log,
            "log(z[, base]) -> the logarithm of z to the given base.\n\nIf the base is not specified, returns the natural logarithm (base e) of z.",
        ),
        MethodDef::new(
            "phase(z, /)",
            |vm, args| Ok(vm.float(cmathfn::phase(number_to_complex(vm, &args[0])?))),
            "Return argument, also known as the phase angle, of a complex.",
        ),
        MethodDef::new(
            "polar(z, /)",
            |vm, args| {
                let (r, phi) = cmathfn::polar(number_to_complex(vm, &args[0])?).map_err(|e| error(vm, e))?;
                Ok(tuple::from_array(vm, [vm.float(r), vm.float(phi)]))
            },
            "Convert a complex from rectangular coordinates to polar coordinates.\n\nr is the distance from 0 and phi the phase angle.",
        ),
        MethodDef::new(
            "rect(r, phi, /)",
            |vm, args| {
                let (r, phi) = (vm.to_f64(&args[0])?, vm.to_f64(&args[1])?);
                value(vm, cmathfn::rect(r, phi))
            },
            "Convert from polar coordinates to rectangular coordinates.",
        ),
        MethodDef::new(
            "isclose(a, b, *, rel_tol=1e-09, abs_tol=0.0)",
            isclose,
            "Determine whether two complex numbers are close in value.\n\n  rel_tol\n    maximum difference for being considered \"close\", relative to the\n    magnitude of the input values\n  abs_tol\n    maximum difference for being considered \"close\", regardless of the\n    magnitude of the input values\n\nReturn True if a is close in value to b, and False otherwise.",
        ),
    ],
    types: &[],
    init: Some(|vm, module| {
        for (key, x) in [
            ("pi", std::f64::consts::PI),
            ("e", std::f64::consts::E),
            ("tau", std::f64::consts::TAU),
            ("inf", f64::INFINITY),
            ("nan", f64::NAN),
        ] {
            vm.set_attr_str(module, key, &vm.float(x))?;
        }
        vm.set_attr_str(module, "infj", &complex::new(vm, 0.0, f64::INFINITY))?;
        vm.set_attr_str(module, "nanj", &complex::new(vm, 0.0, f64::NAN))
    }),
};

fn log(vm: &Vm, args: &[Object]) -> Result {
    let z = number_to_complex(vm, &args[0])?;
    match args[1].bound() {
        None => value(vm, cmathfn::log(z)),
        Some(base) => value(vm, cmathfn::log_base(z, number_to_complex(vm, base)?)),
    }
}

fn isclose(vm: &Vm, args: &[Object]) -> Result {
    let (a, b) = (number_to_complex(vm, &args[0])?, number_to_complex(vm, &args[1])?);
    let relative = match args[2].bound() {
        Some(x) => vm.to_f64(x)?,
        None => 1e-9,
    };
    let close = cmathfn::isclose(a, b, relative, vm.to_f64(&args[3])?);
    close.map(Object::bool).map_err(|e| error(vm, e))
}
