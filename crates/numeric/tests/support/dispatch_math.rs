//! The part of the test dispatcher for `complex`, `math` and `cmath`.

use super::dispatch::{flt, int, show, text};
use taipan_numeric::complex::{self, Complex};
use taipan_numeric::mathfn::{self, Log, MathError};
use taipan_numeric::sums::{CompensatedSum, Fsum, SumProduct, vector_norm};
use taipan_numeric::{cmathfn, float, special};

type Outcome = Result<String, String>;

fn err<E: std::fmt::Display>(e: E) -> String {
    e.to_string()
}

fn shown(z: Complex) -> String {
    format!("{} {}", show(z.re), show(z.im))
}

fn real_function(name: &str) -> Option<fn(f64) -> Result<f64, MathError>> {
    Some(match name {
        "acos" => mathfn::acos,
        "asin" => mathfn::asin,
        "atan" => mathfn::atan,
        "acosh" => mathfn::acosh,
        "asinh" => mathfn::asinh,
        "atanh" => mathfn::atanh,
        "cbrt" => mathfn::cbrt,
        "cos" => mathfn::cos,
        "cosh" => mathfn::cosh,
        "erf" => mathfn::erf,
        "erfc" => mathfn::erfc,
        "exp" => mathfn::exp,
        "exp2" => mathfn::exp2,
        "expm1" => mathfn::expm1,
        "log1p" => mathfn::log1p,
        "sin" => mathfn::sin,
        "sinh" => mathfn::sinh,
        "sqrt" => mathfn::sqrt,
        "tan" => mathfn::tan,
        "tanh" => mathfn::tanh,
        "gamma" => mathfn::gamma,
        "lgamma" => mathfn::lgamma,
        "log" => |x| mathfn::log(Log::Natural, x),
        "log2" => |x| mathfn::log(Log::Two, x),
        "log10" => |x| mathfn::log(Log::Ten, x),
        "ulp" => |x| Ok(mathfn::ulp(x)),
        "degrees" => |x| Ok(mathfn::degrees(x)),
        "radians" => |x| Ok(mathfn::radians(x)),
        _ => return None,
    })
}

fn complex_function(name: &str) -> Option<fn(Complex) -> Result<Complex, MathError>> {
    Some(match name {
        "acos" => cmathfn::acos,
        "acosh" => cmathfn::acosh,
        "asin" => cmathfn::asin,
        "asinh" => cmathfn::asinh,
        "atan" => cmathfn::atan,
        "atanh" => cmathfn::atanh,
        "cos" => cmathfn::cos,
        "cosh" => cmathfn::cosh,
        "exp" => cmathfn::exp,
        "log" => cmathfn::log,
        "log10" => cmathfn::log10,
        "sin" => cmathfn::sin,
        "sinh" => cmathfn::sinh,
        "sqrt" => cmathfn::sqrt,
        "tan" => cmathfn::tan,
        "tanh" => cmathfn::tanh,
        _ => return None,
    })
}

pub fn math_op(op: &str, a: &[&str]) -> Option<Outcome> {
    let f = |i: usize| flt(a[i]);
    let z = |i: usize| Complex::new(flt(a[i]), flt(a[i + 1]));
    if let Some(g) = op.strip_prefix("math.").and_then(real_function) {
        return Some(g(f(0)).map(show).map_err(err));
    }
    if let Some(g) = op.strip_prefix("cmath.").and_then(complex_function) {
        return Some(g(z(0)).map(shown).map_err(err));
    }
    Some(match op {
        "math.fmod" => mathfn::fmod(f(0), f(1)).map(show).map_err(err),
        "math.remainder" => mathfn::remainder(f(0), f(1)).map(show).map_err(err),
        "math.pow" => mathfn::pow(f(0), f(1)).map(show).map_err(err),
        "math.atan2" => Ok(show(mathfn::atan2(f(0), f(1)))),
        "math.hypot" => Ok(show(vector_norm(&(0..a.len()).map(f).collect::<Vec<_>>()))),
        "math.fma" => mathfn::fma(f(0), f(1), f(2)).map(show).map_err(err),
        "math.ldexp" => mathfn::ldexp(f(0), a[1].parse().unwrap()).map(show).map_err(err),
        "math.frexp" => {
            let (m, e) = mathfn::frexp(f(0));
            Ok(format!("{} {e}", show(m)))
        }
        "math.modf" => {
            let (m, e) = mathfn::modf(f(0));
            Ok(format!("{} {}", show(m), show(e)))
        }
        "math.nextafter" => Ok(show(mathfn::nextafter(f(0), f(1), a[2].parse().unwrap()))),
        "math.isclose" => mathfn::isclose(f(0), f(1), f(2), f(3)).map(|b| b.to_string()).map_err(err),
        "math.fsum" => {
            let mut s = Fsum::new();
            let fed = (0..a.len()).try_for_each(|i| s.add(f(i)));
            fed.and_then(|()| s.result()).map(show).map_err(err)
        }
        "sum" => {
            let mut s = CompensatedSum::new(0.0);
            (0..a.len()).for_each(|i| s.add(f(i)));
            Ok(show(s.result()))
        }
        "math.sumprod" => {
            let mut s = SumProduct::new();
            (0..a.len() / 2).for_each(|i| s.add(f(2 * i), f(2 * i + 1)));
            Ok(show(s.result()))
        }
        "ilog" => mathfn::log_int(Log::Natural, &int(a[0])).map(show).map_err(err),
        "ilog2" => mathfn::log_int(Log::Two, &int(a[0])).map(show).map_err(err),
        "ilog10" => mathfn::log_int(Log::Ten, &int(a[0])).map(show).map_err(err),
        "cadd" => Ok(shown(z(0).add(z(2)))),
        "csub" => Ok(shown(z(0).sub(z(2)))),
        "cmul" => Ok(shown(z(0).mul(z(2)))),
        "cdiv" => z(0).div(z(2)).map(shown).map_err(err),
        "cpow" => z(0).pow(z(2)).map(shown).map_err(err),
        "cradd" => Ok(shown(z(0).add_real(f(2)))),
        "crsub" => Ok(shown(z(0).sub_real(f(2)))),
        "crmul" => Ok(shown(z(0).mul_real(f(2)))),
        "crdiv" => z(0).div_real(f(2)).map(shown).map_err(err),
        "rcsub" => Ok(shown(Complex::real_sub(f(2), z(0)))),
        "rcdiv" => Complex::real_div(f(2), z(0)).map(shown).map_err(err),
        "cabs" => z(0).abs().map(show).map_err(err),
        "crepr" => Ok(z(0).repr()),
        "chash" => Ok(z(0).hash(0).to_string()),
        "cparse" => complex::parse(&text(a[0])).map(shown).map_err(err),
        "cmath.rect" => cmathfn::rect(f(0), f(1)).map(shown).map_err(err),
        "cmath.polar" => cmathfn::polar(z(0)).map(|(r, p)| format!("{} {}", show(r), show(p))).map_err(err),
        "cmath.logbase" => cmathfn::log_base(z(0), z(2)).map(shown).map_err(err),
        "erf_near" => {
            let want = flt(a[1]);
            let got = if a[2] == "c" { special::erfc(f(0)) } else { special::erf(f(0)) };
            Ok(((got - want).abs() <= 2.0 * mathfn::ulp(want) || float::repr(got) == float::repr(want))
                .to_string())
        }
        _ => return None,
    })
}
