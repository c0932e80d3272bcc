//! Special functions: gamma, its logarithm, the error functions and the inverse
//! hyperbolic functions.
//!
//! What this is for: functions that Rust's std lacks or computes by other formulas
//! than the C library. What it is not: their Python-level errors (see `mathfn`).
//!
//! Gamma is computed by the Lanczos approximation with the rational coefficients of
//! Boost's `lanczos13m53` (J. Maddock; g = 6.0246800407767296), and the reflection
//! formula for negative arguments; the others by series and identities in double-double
//! arithmetic, which agrees with the correctly rounded functions of recent C libraries.

// The published coefficients are given in full.
#![allow(clippy::excessive_precision)]

use std::f64::consts::PI;

use crate::double_double::Double;

const G: f64 = 6.024680040776729583740234375;
const G_MINUS_HALF: f64 = 5.524680040776729583740234375;
const LN_PI: f64 = 1.144729885849400174143427351353058711647;

/// Numerator and denominator of the approximation, constant term first.
const LANCZOS: [(f64, f64); 13] = [
    (23531376880.410759688572007674451636754734846804940, 0.0),
    (42919803642.649098768957899047001988850926355848959, 39916800.0),
    (35711959237.355668049440185451547166705960488635843, 120543840.0),
    (17921034426.037209699919755754458931112671403265390, 150917976.0),
    (6039542586.3520280050642916443072979210699388420708, 105258076.0),
    (1439720407.3117216736632230727949123939715485786372, 45995730.0),
    (248874557.86205415651146038641322942321632125127801, 13339535.0),
    (31426415.585400194380614231628318205362874684987640, 2637558.0),
    (2876370.6289353724412254090516208496135991145378768, 357423.0),
    (186056.26539522349504029498971604569928220784236328, 32670.0),
    (8071.6720023658162106380029022722506138218516325024, 1925.0),
    (210.82427775157934587250973392071336271166969580291, 66.0),
    (2.5066282746310002701649081771338373386264310793408, 1.0),
];

/// The rational function at `x > 0`, evaluated from the end that does not overflow.
fn lanczos(x: f64) -> f64 {
    let (n, d) = if x < 5.0 {
        LANCZOS.iter().rev().fold((0.0, 0.0), |(n, d), c| (n * x + c.0, d * x + c.1))
    } else {
        LANCZOS.iter().fold((0.0, 0.0), |(n, d), c| (n / x + c.0, d / x + c.1))
    };
    n / d
}

/// sin(pi x) for finite `x`, exact at the zeros.
fn sin_pi(x: f64) -> f64 {
    let y = x.abs() % 2.0;
    let r = match (2.0 * y).round() as i32 {
        0 => (PI * y).sin(),
        1 => (PI * (y - 0.5)).cos(),
        2 => (PI * (1.0 - y)).sin(),
        3 => -(PI * (y - 1.5)).cos(),
        _ => (PI * (y - 2.0)).sin(),
    };
    1.0f64.copysign(x) * r
}

/// The gamma function; `None` at its poles and at minus infinity, infinite on overflow.
pub fn gamma(x: f64) -> Option<f64> {
    if !x.is_finite() {
        return if x == f64::NEG_INFINITY { None } else { Some(x) };
    }
    if x == 0.0 {
        return None;
    }
    if x == x.floor() {
        if x < 0.0 {
            return None;
        }
        if x <= 23.0 {
            // 22! is the last factorial that is exact.
            return Some((1..x as u32).fold(1.0, |p, i| p * f64::from(i)));
        }
    }
    let a = x.abs();
    if a < 1e-20 {
        return Some(1.0 / x);
    }
    if a > 200.0 {
        return Some(if x < 0.0 { 0.0 / sin_pi(x) } else { f64::INFINITY });
    }
    let y = a + G_MINUS_HALF;
    // The rounding error of y, by which the result is corrected to first order.
    let z = if a > G_MINUS_HALF { (y - a) - G_MINUS_HALF } else { (y - G_MINUS_HALF) - a };
    let z = z * G / y;
    let mut r;
    if x < 0.0 {
        r = -PI / sin_pi(a) / a * y.exp() / lanczos(a);
        r -= z * r;
        if a < 140.0 {
            r /= y.powf(a - 0.5);
        } else {
            let root = y.powf(a / 2.0 - 0.25);
            r /= root;
            r /= root;
        }
    } else {
        r = lanczos(a) / y.exp();
        r += z * r;
        if a < 140.0 {
            r *= y.powf(a - 0.5);
        } else {
            let root = y.powf(a / 2.0 - 0.25);
            r *= root;
            r *= root;
        }
    }
    Some(r)
}

/// The logarithm of the absolute value of gamma; `None` at the poles.
pub fn lgamma(x: f64) -> Option<f64> {
    if !x.is_finite() {
        return Some(if x.is_nan() { x } else { f64::INFINITY });
    }
    if x == x.floor() && x <= 2.0 {
        return if x <= 0.0 { None } else { Some(0.0) };
    }
    let a = x.abs();
    if a < 1e-20 {
        return Some(-a.ln());
    }
    let mut r = lanczos(a).ln() - G;
    r += (a - 0.5) * ((a + G - 0.5).ln() - 1.0);
    if x < 0.0 {
        r = LN_PI - sin_pi(a).abs().ln() - a.ln() - r;
    }
    Some(r)
}

/// The error function, correctly rounded but for rare near-ties.
pub fn erf(x: f64) -> f64 {
    let a = x.abs();
    if x == 0.0 || x.is_nan() {
        return x;
    }
    if a < 1e-30 {
        // 2x / sqrt(pi), scaled so that the low parts do not underflow.
        let r = Double::from(libm::ldexp(a, 600)).erf_linear();
        return libm::ldexp(r.value(), -600).copysign(x);
    }
    if a > 6.0 {
        return 1.0f64.copysign(x);
    }
    Double::from(a).erf().value().copysign(x)
}

/// The complementary error function, correctly rounded but for rare near-ties.
pub fn erfc(x: f64) -> f64 {
    if x.is_nan() {
        x
    } else if x < -6.0 {
        2.0
    } else if x.abs() < 1e-20 {
        1.0
    } else if x < 2.0 {
        let e = Double::from(x.abs()).erf();
        Double::from(1.0).add(if x < 0.0 { e } else { e.neg() }).value()
    } else if x < 26.0 {
        Double::from(x).erfc_large().value()
    } else {
        libm::erfc(x)
    }
}

const HUGE: f64 = 268_435_456.0;

/// The inverse hyperbolic sine, correctly rounded but for rare near-ties.
pub fn asinh(x: f64) -> f64 {
    let a = x.abs();
    if a < 1e-9 || !x.is_finite() {
        // x - x^3/6 rounds to x or to its neighbour.
        return if a < 1e-150 || !x.is_finite() { x } else { (x * x * x).mul_add(-1.0 / 6.0, x) };
    }
    let r = if a > HUGE {
        Double::ln(a).add(Double::LN_2).add(Double::from(0.25 / a / a))
    } else {
        Double::from(a).asinh()
    };
    r.value().copysign(x)
}

/// The inverse hyperbolic cosine; nan below one. Correctly rounded but for rare near-ties.
pub fn acosh(x: f64) -> f64 {
    if x.is_nan() || x == f64::INFINITY {
        x
    } else if x < 1.0 {
        f64::NAN
    } else if x > HUGE {
        Double::ln(x).add(Double::LN_2).add(Double::from(-0.25 / x / x)).value()
    } else if x == 1.0 {
        0.0
    } else {
        let t = Double::from(x - 1.0);
        t.mul(t.add(Double::from(2.0))).sqrt().asinh().value()
    }
}

/// The inverse hyperbolic tangent; nan outside [-1, 1], infinite at its ends. Correctly
/// rounded but for rare near-ties.
pub fn atanh(x: f64) -> f64 {
    let a = x.abs();
    if a < 1e-9 || x.is_nan() {
        return if a < 1e-150 || x.is_nan() { x } else { (x * x * x).mul_add(1.0 / 3.0, x) };
    }
    if a >= 1.0 {
        return if a > 1.0 { f64::NAN } else { f64::INFINITY.copysign(x) };
    }
    let a = Double::from(a);
    a.atanh().value().copysign(x)
}
