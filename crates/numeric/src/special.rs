//! Special functions: gamma, its logarithm, the error functions and the inverse
//! hyperbolic functions.
//!
//! What this is for: functions that Rust's std lacks or computes by other formulas
//! than the C library. What it is not: their Python-level errors (see `mathfn`).
//!
//! Gamma is computed by the Lanczos approximation with the rational coefficients of
//! Boost's `lanczos13m53` (J. Maddock; g = 6.0246800407767296), and the reflection
//! formula for negative arguments; the inverse hyperbolic functions by the formulas
//! of Sun's fdlibm.

// The published coefficients are given in full.
#![allow(clippy::excessive_precision)]

use std::f64::consts::{LN_2, PI};

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

/// The error function.
pub fn erf(x: f64) -> f64 {
    libm::erf(x)
}

/// The complementary error function.
pub fn erfc(x: f64) -> f64 {
    libm::erfc(x)
}

const TINY: f64 = 1.0 / 268_435_456.0;
const HUGE: f64 = 268_435_456.0;

/// The inverse hyperbolic sine.
pub fn asinh(x: f64) -> f64 {
    let a = x.abs();
    if a < TINY || !x.is_finite() {
        return x;
    }
    let r = if a > HUGE {
        a.ln() + LN_2
    } else if a > 2.0 {
        (2.0 * a + 1.0 / ((x * x + 1.0).sqrt() + a)).ln()
    } else {
        let t = x * x;
        (a + t / (1.0 + (1.0 + t).sqrt())).ln_1p()
    };
    r.copysign(x)
}

/// The inverse hyperbolic cosine; nan below one.
pub fn acosh(x: f64) -> f64 {
    if x.is_nan() || x == f64::INFINITY {
        x
    } else if x < 1.0 {
        f64::NAN
    } else if x > HUGE {
        x.ln() + LN_2
    } else if x > 2.0 {
        (2.0 * x - 1.0 / (x + (x * x - 1.0).sqrt())).ln()
    } else {
        let t = x - 1.0;
        (t + (2.0 * t + t * t).sqrt()).ln_1p()
    }
}

/// The inverse hyperbolic tangent; nan outside [-1, 1], infinite at its ends.
pub fn atanh(x: f64) -> f64 {
    let a = x.abs();
    if a < TINY || x.is_nan() {
        return x;
    }
    if a > 1.0 {
        return f64::NAN;
    }
    let r = if a < 0.5 {
        let t = a + a;
        0.5 * (t + t * a / (1.0 - a)).ln_1p()
    } else {
        0.5 * ((a + a) / (1.0 - a)).ln_1p()
    };
    r.copysign(x)
}
