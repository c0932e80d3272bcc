//! The functions of the `cmath` module, with their errors.
//!
//! What this is for: complex elementary functions with the special values of Annex G
//! of the C standard where it determines them. What it is not: `complex` arithmetic
//! (see `complex`). The algorithms are W. Kahan's ("Branch cuts for complex elementary
//! functions", 1987).

use std::f64::consts::{FRAC_PI_2, LN_2, LN_10};

use crate::complex::Complex;
use crate::mathfn::{MathError, isclose as real_isclose};
use crate::special;

type Outcome = Result<Complex, MathError>;

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;
/// Above this a sum of two magnitudes may overflow.
const LARGE: f64 = f64::MAX / 4.0;
/// Above this `exp` is taken of an argument one less.
const LOG_LARGE: f64 = 708.396_418_532_264_1;

fn c(re: f64, im: f64) -> Complex {
    Complex::new(re, im)
}

fn finite(z: Complex) -> bool {
    z.re.is_finite() && z.im.is_finite()
}

fn in_range(z: Complex) -> Outcome {
    if z.re.is_infinite() || z.im.is_infinite() { Err(MathError::Range) } else { Ok(z) }
}

/// Multiplies by -i (the last step of functions defined by a hyperbolic one).
fn unrotate(z: Complex) -> Complex {
    c(z.im, -z.re)
}

/// Multiplies by i (the first step of the same).
fn rotate(z: Complex) -> Complex {
    c(-z.im, z.re)
}

fn sqrt_of(z: Complex) -> Complex {
    if z.im.is_infinite() {
        return c(INF, z.im);
    }
    if z.re.is_infinite() {
        return match (z.re > 0.0, z.im.is_nan()) {
            (true, true) => c(INF, NAN),
            (true, false) => c(INF, 0.0f64.copysign(z.im)),
            (false, true) => c(NAN, INF),
            (false, false) => c(0.0, INF.copysign(z.im)),
        };
    }
    if z.re.is_nan() || z.im.is_nan() {
        return c(NAN, NAN);
    }
    if z.re == 0.0 && z.im == 0.0 {
        return c(0.0, z.im);
    }
    let (mut ax, ay) = (z.re.abs(), z.im.abs());
    let s = if ax < f64::MIN_POSITIVE && ay < f64::MIN_POSITIVE {
        // Subnormal: scaled up by 2^53; the root of that and of the missing factor 1/2 is 2^27.
        ax = libm::ldexp(ax, 53);
        libm::ldexp((ax + ax.hypot(libm::ldexp(ay, 53))).sqrt(), -27)
    } else {
        ax /= 8.0;
        2.0 * (ax + ax.hypot(ay / 8.0)).sqrt()
    };
    let d = ay / (2.0 * s);
    if z.re >= 0.0 { c(s, d.copysign(z.im)) } else { c(d, s.copysign(z.im)) }
}

/// Square root.
///
/// # Errors
/// None in fact; the type is that of all functions here.
pub fn sqrt(z: Complex) -> Outcome {
    Ok(sqrt_of(z))
}

/// The angle of an argument with an infinite part, as seen from the origin.
fn far_angle(z: Complex) -> f64 {
    z.im.atan2(z.re)
}

fn log_of_large(z: Complex) -> f64 {
    (z.re / 2.0).hypot(z.im / 2.0).ln() + LN_2 * 2.0
}

fn is_large(z: Complex) -> bool {
    z.re.abs() > LARGE || z.im.abs() > LARGE
}

/// Arc cosine.
///
/// # Errors
/// None in fact.
pub fn acos(z: Complex) -> Outcome {
    if !finite(z) {
        let infinite_im = -INF.copysign(z.im);
        return Ok(if z.im.is_infinite() || (z.re.is_infinite() && !z.im.is_nan()) {
            c(if z.re.is_nan() { NAN } else { far_angle(z).abs() }, infinite_im)
        } else if z.re.is_infinite() {
            c(NAN, INF)
        } else if z.re == 0.0 {
            c(FRAC_PI_2, NAN)
        } else {
            c(NAN, NAN)
        });
    }
    if is_large(z) {
        let im = if z.re < 0.0 { -log_of_large(z).copysign(z.im) } else { log_of_large(z).copysign(-z.im) };
        return Ok(c(z.im.abs().atan2(z.re), im));
    }
    let s1 = sqrt_of(c(1.0 - z.re, -z.im));
    let s2 = sqrt_of(c(1.0 + z.re, z.im));
    Ok(c(2.0 * s1.re.atan2(s2.re), special::asinh(s2.re * s1.im - s2.im * s1.re)))
}

/// Inverse hyperbolic cosine.
///
/// # Errors
/// None in fact.
pub fn acosh(z: Complex) -> Outcome {
    if !finite(z) {
        return Ok(if z.im.is_infinite() || z.re.is_infinite() {
            c(INF, far_angle(z))
        } else if z.re == 0.0 {
            c(NAN, FRAC_PI_2)
        } else {
            c(NAN, NAN)
        });
    }
    if is_large(z) {
        return Ok(c(log_of_large(z), z.im.atan2(z.re)));
    }
    let s1 = sqrt_of(c(z.re - 1.0, z.im));
    let s2 = sqrt_of(c(z.re + 1.0, z.im));
    Ok(c(special::asinh(s1.re * s2.re + s1.im * s2.im), 2.0 * s1.im.atan2(s2.re)))
}

/// Arc sine.
///
/// # Errors
/// None in fact.
pub fn asin(z: Complex) -> Outcome {
    Ok(unrotate(asinh(rotate(z))?))
}

/// Inverse hyperbolic sine.
///
/// # Errors
/// None in fact.
pub fn asinh(z: Complex) -> Outcome {
    if !finite(z) {
        return Ok(if z.re.is_infinite() || (z.im.is_infinite() && !z.re.is_nan()) {
            c(INF.copysign(z.re), z.im.atan2(z.re.abs()))
        } else if z.im.is_infinite() {
            c(INF, NAN)
        } else if z.im == 0.0 {
            c(NAN, z.im)
        } else {
            c(NAN, NAN)
        });
    }
    if is_large(z) {
        let re = if z.im >= 0.0 { log_of_large(z).copysign(z.re) } else { -log_of_large(z).copysign(-z.re) };
        return Ok(c(re, z.im.atan2(z.re.abs())));
    }
    let s1 = sqrt_of(c(1.0 + z.im, -z.re));
    let s2 = sqrt_of(c(1.0 - z.im, z.re));
    Ok(c(special::asinh(s1.re * s2.im - s2.re * s1.im), z.im.atan2(s1.re * s2.re - s1.im * s2.im)))
}

/// Arc tangent.
///
/// # Errors
/// [`MathError::Domain`].
pub fn atan(z: Complex) -> Outcome {
    Ok(unrotate(atanh(rotate(z))?))
}

/// Inverse hyperbolic tangent.
///
/// # Errors
/// [`MathError::Domain`].
pub fn atanh(z: Complex) -> Outcome {
    if !finite(z) {
        let zero = 0.0f64.copysign(z.re);
        return Ok(if z.im.is_infinite() {
            c(if z.re.is_nan() { 0.0 } else { zero }, FRAC_PI_2.copysign(z.im))
        } else if z.re.is_infinite() {
            c(zero, if z.im.is_nan() { NAN } else { FRAC_PI_2.copysign(z.im) })
        } else if z.re == 0.0 {
            c(zero, NAN)
        } else {
            c(NAN, NAN)
        });
    }
    if z.re.is_sign_negative() {
        return Ok(atanh(z.neg())?.neg());
    }
    let ay = z.im.abs();
    let root_large = LARGE.sqrt();
    if z.re > root_large || ay > root_large {
        let h = (z.re / 2.0).hypot(z.im / 2.0);
        return Ok(c(z.re / 4.0 / h / h, -FRAC_PI_2.copysign(-z.im)));
    }
    if z.re == 1.0 && ay < f64::MIN_POSITIVE.sqrt() {
        if ay == 0.0 {
            return Err(MathError::Domain);
        }
        return Ok(c(-(ay.sqrt() / ay.hypot(2.0).sqrt()).ln(), (2.0f64.atan2(-ay) / 2.0).copysign(z.im)));
    }
    Ok(c(
        (4.0 * z.re / ((1.0 - z.re) * (1.0 - z.re) + ay * ay)).ln_1p() / 4.0,
        -(-2.0 * z.im).atan2((1.0 - z.re) * (1.0 + z.re) - ay * ay) / 2.0,
    ))
}

/// Cosine.
///
/// # Errors
/// [`MathError::Domain`], [`MathError::Range`].
pub fn cos(z: Complex) -> Outcome {
    cosh(rotate(z))
}

/// Sine.
///
/// # Errors
/// [`MathError::Domain`], [`MathError::Range`].
pub fn sin(z: Complex) -> Outcome {
    Ok(unrotate(sinh(rotate(z))?))
}

/// Tangent.
///
/// # Errors
/// [`MathError::Domain`].
pub fn tan(z: Complex) -> Outcome {
    Ok(unrotate(tanh(rotate(z))?))
}

/// Hyperbolic cosine.
///
/// # Errors
/// [`MathError::Domain`], [`MathError::Range`].
pub fn cosh(z: Complex) -> Outcome {
    let (x, y) = (z.re, z.im);
    if !finite(z) {
        if y.is_infinite() && !x.is_nan() {
            return Err(MathError::Domain);
        }
        return Ok(if x.is_infinite() && y.is_finite() {
            if y == 0.0 {
                c(INF, y.copysign(x) * 1.0f64.copysign(y))
            } else {
                let im = INF.copysign(y.sin());
                c(INF.copysign(y.cos()), if x > 0.0 { im } else { -im })
            }
        } else if x.is_infinite() {
            c(INF, NAN)
        } else if x == 0.0 || y == 0.0 {
            c(NAN, 0.0)
        } else {
            c(NAN, NAN)
        });
    }
    let e = std::f64::consts::E;
    in_range(if x.abs() > LOG_LARGE {
        let x1 = x - 1.0f64.copysign(x);
        c(y.cos() * x1.cosh() * e, y.sin() * x1.sinh() * e)
    } else {
        c(y.cos() * x.cosh(), y.sin() * x.sinh())
    })
}

/// Exponential function.
///
/// # Errors
/// [`MathError::Domain`], [`MathError::Range`].
pub fn exp(z: Complex) -> Outcome {
    let (x, y) = (z.re, z.im);
    if !finite(z) {
        if y.is_infinite() && (x.is_finite() || x == INF) {
            return Err(MathError::Domain);
        }
        return Ok(if x.is_infinite() && y.is_finite() {
            let m = if x > 0.0 { INF } else { 0.0f64 };
            if y == 0.0 { c(m, y) } else { c(m.copysign(y.cos()), m.copysign(y.sin())) }
        } else if x == f64::NEG_INFINITY {
            c(0.0, 0.0)
        } else if x == INF {
            c(INF, NAN)
        } else if y == 0.0 {
            c(NAN, y)
        } else {
            c(NAN, NAN)
        });
    }
    in_range(if x > LOG_LARGE {
        let l = (x - 1.0).exp();
        let e = std::f64::consts::E;
        c(l * y.cos() * e, l * y.sin() * e)
    } else {
        let l = x.exp();
        c(l * y.cos(), l * y.sin())
    })
}

/// Hyperbolic sine.
///
/// # Errors
/// [`MathError::Domain`], [`MathError::Range`].
pub fn sinh(z: Complex) -> Outcome {
    let (x, y) = (z.re, z.im);
    if !finite(z) {
        if y.is_infinite() && !x.is_nan() {
            return Err(MathError::Domain);
        }
        return Ok(if x.is_infinite() && y.is_finite() {
            if y == 0.0 {
                c(x, y)
            } else {
                let re = INF.copysign(y.cos());
                c(if x > 0.0 { re } else { -re }, INF.copysign(y.sin()))
            }
        } else if x.is_infinite() {
            c(INF, NAN)
        } else if x == 0.0 {
            c(0.0, NAN)
        } else if y == 0.0 {
            c(NAN, y)
        } else {
            c(NAN, NAN)
        });
    }
    let e = std::f64::consts::E;
    in_range(if x.abs() > LOG_LARGE {
        let x1 = x - 1.0f64.copysign(x);
        c(y.cos() * x1.sinh() * e, y.sin() * x1.cosh() * e)
    } else {
        c(y.cos() * x.sinh(), y.sin() * x.cosh())
    })
}

/// Hyperbolic tangent.
///
/// # Errors
/// [`MathError::Domain`].
pub fn tanh(z: Complex) -> Outcome {
    let (x, y) = (z.re, z.im);
    if !finite(z) {
        if y.is_infinite() && x.is_finite() {
            return Err(MathError::Domain);
        }
        return Ok(if x.is_infinite() {
            let one = 1.0f64.copysign(x);
            if !y.is_finite() {
                c(one, 0.0)
            } else if y == 0.0 {
                c(one, y)
            } else {
                c(one, 0.0f64.copysign(2.0 * y.sin() * y.cos()))
            }
        } else if x == 0.0 {
            c(x, NAN)
        } else if y == 0.0 {
            c(NAN, y)
        } else {
            c(NAN, NAN)
        });
    }
    if x.abs() > LOG_LARGE {
        return Ok(c(1.0f64.copysign(x), 4.0 * y.sin() * y.cos() * (-2.0 * x.abs()).exp()));
    }
    let (tx, ty) = (x.tanh(), y.tan());
    let cx = 1.0 / x.cosh();
    let product = tx * ty;
    let denominator = 1.0 + product * product;
    Ok(c(tx * (1.0 + ty * ty) / denominator, (ty / denominator) * cx * cx))
}

/// Natural logarithm.
///
/// # Errors
/// [`MathError::Domain`].
pub fn log(z: Complex) -> Outcome {
    if z.re == 0.0 && z.im == 0.0 { Err(MathError::Domain) } else { Ok(log_value(z)) }
}

/// The logarithm, minus infinity at zero.
fn log_value(z: Complex) -> Complex {
    if !finite(z) {
        let re = if z.re.is_infinite() || z.im.is_infinite() { INF } else { NAN };
        return c(re, far_angle(z));
    }
    let (ax, ay) = (z.re.abs(), z.im.abs());
    let re = if ax > LARGE || ay > LARGE {
        (ax / 2.0).hypot(ay / 2.0).ln() + LN_2
    } else if ax < f64::MIN_POSITIVE && ay < f64::MIN_POSITIVE {
        if ax == 0.0 && ay == 0.0 {
            return c(-INF, far_angle(z));
        }
        libm::ldexp(ax, 53).hypot(libm::ldexp(ay, 53)).ln() - 53.0 * LN_2
    } else {
        let h = ax.hypot(ay);
        if (0.71..=1.73).contains(&h) {
            let (big, small) = if ax > ay { (ax, ay) } else { (ay, ax) };
            ((big - 1.0) * (big + 1.0) + small * small).ln_1p() / 2.0
        } else {
            h.ln()
        }
    };
    c(re, z.im.atan2(z.re))
}

/// `log(z, base)`. As in CPython a `z` of zero is no error here.
///
/// # Errors
/// [`MathError::Domain`], also for a base of one.
pub fn log_base(z: Complex, base: Complex) -> Outcome {
    log_value(z).div(log(base)?).map_err(|_| MathError::Domain)
}

/// Logarithm to base 10.
///
/// # Errors
/// [`MathError::Domain`].
pub fn log10(z: Complex) -> Outcome {
    let l = log(z)?;
    Ok(c(l.re / LN_10, l.im / LN_10))
}

/// The angle of `z`.
pub fn phase(z: Complex) -> f64 {
    z.im.atan2(z.re)
}

/// Modulus and angle.
///
/// # Errors
/// [`MathError::Range`].
pub fn polar(z: Complex) -> Result<(f64, f64), MathError> {
    Ok((z.abs().map_err(|_| MathError::Range)?, phase(z)))
}

/// The complex number of a modulus and an angle.
///
/// # Errors
/// [`MathError::Domain`].
pub fn rect(r: f64, phi: f64) -> Outcome {
    if r.is_finite() && phi.is_finite() {
        return Ok(if phi == 0.0 { c(r, r * phi) } else { c(r * phi.cos(), r * phi.sin()) });
    }
    if phi.is_infinite() && r != 0.0 && !r.is_nan() {
        return Err(MathError::Domain);
    }
    Ok(if r.is_infinite() && phi.is_finite() {
        if phi == 0.0 {
            c(r, phi.copysign(1.0f64.copysign(r) * 1.0f64.copysign(phi)))
        } else {
            let s = 1.0f64.copysign(r);
            c(s * INF.copysign(phi.cos()), s * INF.copysign(phi.sin()))
        }
    } else if r.is_infinite() {
        c(INF, NAN)
    } else if r == 0.0 {
        c(0.0, 0.0)
    } else if phi == 0.0 {
        c(NAN, 0.0)
    } else {
        c(NAN, NAN)
    })
}

/// `cmath.isclose`.
///
/// # Errors
/// [`MathError::NegativeTolerance`].
pub fn isclose(a: Complex, b: Complex, relative: f64, absolute: f64) -> Result<bool, MathError> {
    if relative < 0.0 || absolute < 0.0 {
        return real_isclose(0.0, 0.0, relative, absolute);
    }
    if a.re == b.re && a.im == b.im {
        return Ok(true);
    }
    let infinite = |z: Complex| z.re.is_infinite() || z.im.is_infinite();
    if infinite(a) || infinite(b) {
        return Ok(false);
    }
    let modulus = |z: Complex| z.re.hypot(z.im);
    let d = modulus(a.sub(b));
    Ok(d <= relative * modulus(b) || d <= relative * modulus(a) || d <= absolute)
}
