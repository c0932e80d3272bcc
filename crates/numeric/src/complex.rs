//! Python's `complex`: arithmetic, text, hash.
//!
//! What this is for: the operators, `repr` and the parsing of `complex(str)`, with
//! the treatment of mixed real and complex operands that CPython 3.14 took over from
//! Annex G of the C standard. What it is not: `cmath` (see `cmathfn`) or formatting
//! with a spec (see `format_spec`).

use std::fmt;

use crate::bigint_text::is_space;
use crate::float;
use crate::float_format::shortest;

/// A complex number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Complex {
    /// The real part.
    pub re: f64,
    /// The imaginary part.
    pub im: f64,
}

/// Why an operation on complex numbers has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComplexError {
    /// Division by zero (`ZeroDivisionError`).
    DivisionByZero,
    /// Zero to a negative or complex power (`ZeroDivisionError`).
    ZeroToPower,
    /// A power beyond the range of floats (`OverflowError`).
    PowOverflow,
    /// An absolute value beyond the range of floats (`OverflowError`).
    AbsOverflow,
}

impl fmt::Display for ComplexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ComplexError::DivisionByZero => "division by zero",
            ComplexError::ZeroToPower => "zero to a negative or complex power",
            ComplexError::PowOverflow => "complex exponentiation",
            ComplexError::AbsOverflow => "absolute value too large",
        })
    }
}

impl std::error::Error for ComplexError {}

/// 1 or 0 for an infinity or anything else, with the sign of `v`.
fn boxed(v: f64) -> f64 {
    (if v.is_infinite() { 1.0f64 } else { 0.0 }).copysign(v)
}

/// A signed zero for a nan, anything else as it is.
fn zero_if_nan(v: f64) -> f64 {
    if v.is_nan() { 0.0f64.copysign(v) } else { v }
}

// Named methods, since several of them can fail and mixed operands differ.
#[allow(clippy::should_implement_trait)]
impl Complex {
    /// A complex number from its parts.
    pub const fn new(re: f64, im: f64) -> Complex {
        Complex { re, im }
    }

    fn is_infinite(self) -> bool {
        self.re.is_infinite() || self.im.is_infinite()
    }

    fn is_finite(self) -> bool {
        self.re.is_finite() && self.im.is_finite()
    }

    /// `self + other`.
    pub fn add(self, other: Complex) -> Complex {
        Complex::new(self.re + other.re, self.im + other.im)
    }

    /// `self + real`.
    pub fn add_real(self, real: f64) -> Complex {
        Complex::new(self.re + real, self.im)
    }

    /// `self - other`.
    pub fn sub(self, other: Complex) -> Complex {
        Complex::new(self.re - other.re, self.im - other.im)
    }

    /// `self - real`.
    pub fn sub_real(self, real: f64) -> Complex {
        Complex::new(self.re - real, self.im)
    }

    /// `real - self`.
    pub fn real_sub(real: f64, z: Complex) -> Complex {
        Complex::new(real - z.re, -z.im)
    }

    /// `-self`.
    pub fn neg(self) -> Complex {
        Complex::new(-self.re, -self.im)
    }

    /// `self.conjugate()`.
    pub fn conjugate(self) -> Complex {
        Complex::new(self.re, -self.im)
    }

    /// `self * other`; infinities survive (C11 G.5.1).
    pub fn mul(self, other: Complex) -> Complex {
        let (mut a, mut b, mut c, mut d) = (self.re, self.im, other.re, other.im);
        let (ac, bd, ad, bc) = (a * c, b * d, a * d, b * c);
        let r = Complex::new(ac - bd, ad + bc);
        if !(r.re.is_nan() && r.im.is_nan()) {
            return r;
        }
        let mut again = false;
        if self.is_infinite() {
            (a, b) = (boxed(a), boxed(b));
            (c, d) = (zero_if_nan(c), zero_if_nan(d));
            again = true;
        }
        if other.is_infinite() {
            (c, d) = (boxed(c), boxed(d));
            (a, b) = (zero_if_nan(a), zero_if_nan(b));
            again = true;
        }
        if !again && [ac, bd, ad, bc].iter().any(|v| v.is_infinite()) {
            (a, b, c, d) = (zero_if_nan(a), zero_if_nan(b), zero_if_nan(c), zero_if_nan(d));
            again = true;
        }
        if again {
            return Complex::new(f64::INFINITY * (a * c - b * d), f64::INFINITY * (a * d + b * c));
        }
        r
    }

    /// `self * real`.
    pub fn mul_real(self, real: f64) -> Complex {
        Complex::new(self.re * real, self.im * real)
    }

    /// `self / other` (Smith's method; infinities and zeros as in C11 G.5.1).
    ///
    /// # Errors
    /// [`ComplexError::DivisionByZero`].
    pub fn div(self, other: Complex) -> Result<Complex, ComplexError> {
        let (a, b, c, d) = (self.re, self.im, other.re, other.im);
        let r = if c.abs() >= d.abs() {
            if c == 0.0 {
                return Err(ComplexError::DivisionByZero);
            }
            let ratio = d / c;
            let denominator = c + d * ratio;
            Complex::new((a + b * ratio) / denominator, (b - a * ratio) / denominator)
        } else if d.abs() >= c.abs() {
            let ratio = c / d;
            let denominator = c * ratio + d;
            Complex::new((a * ratio + b) / denominator, (b * ratio - a) / denominator)
        } else {
            Complex::new(f64::NAN, f64::NAN)
        };
        if r.re.is_nan() && r.im.is_nan() {
            if self.is_infinite() && other.is_finite() {
                let (x, y) = (boxed(a), boxed(b));
                return Ok(Complex::new(f64::INFINITY * (x * c + y * d), f64::INFINITY * (y * c - x * d)));
            }
            if other.is_infinite() && self.is_finite() {
                let (x, y) = (boxed(c), boxed(d));
                return Ok(Complex::new(0.0 * (a * x + b * y), 0.0 * (b * x - a * y)));
            }
        }
        Ok(r)
    }

    /// `self / real`.
    ///
    /// # Errors
    /// [`ComplexError::DivisionByZero`].
    pub fn div_real(self, real: f64) -> Result<Complex, ComplexError> {
        if real == 0.0 {
            return Err(ComplexError::DivisionByZero);
        }
        Ok(Complex::new(self.re / real, self.im / real))
    }

    /// `real / z`.
    ///
    /// # Errors
    /// [`ComplexError::DivisionByZero`].
    pub fn real_div(real: f64, z: Complex) -> Result<Complex, ComplexError> {
        let (c, d) = (z.re, z.im);
        let r = if c.abs() >= d.abs() {
            if c == 0.0 {
                return Err(ComplexError::DivisionByZero);
            }
            let ratio = d / c;
            let denominator = c + d * ratio;
            Complex::new(real / denominator, (-real * ratio) / denominator)
        } else if d.abs() >= c.abs() {
            let ratio = c / d;
            let denominator = c * ratio + d;
            Complex::new((real * ratio) / denominator, -real / denominator)
        } else {
            Complex::new(f64::NAN, f64::NAN)
        };
        if r.re.is_nan() && r.im.is_nan() && real.is_finite() && z.is_infinite() {
            let (x, y) = (boxed(c), boxed(d));
            return Ok(Complex::new(0.0 * (real * x), 0.0 * (-real * y)));
        }
        Ok(r)
    }

    fn pow_small(self, n: u32) -> Complex {
        let (mut r, mut p) = (Complex::new(1.0, 0.0), self);
        let mut bit = 1;
        while n >= bit {
            if n & bit != 0 {
                r = r.mul(p);
            }
            bit <<= 1;
            p = p.mul(p);
        }
        r
    }

    /// `self ** exponent`.
    ///
    /// # Errors
    /// [`ComplexError::ZeroToPower`], [`ComplexError::PowOverflow`].
    pub fn pow(self, exponent: Complex) -> Result<Complex, ComplexError> {
        let e = exponent.re;
        let r = if exponent.im == 0.0 && e == e.floor() && e.abs() <= 100.0 {
            let p = self.pow_small(e.abs() as u32);
            if e > 0.0 { p } else { Complex::new(1.0, 0.0).div(p).map_err(|_| ComplexError::ZeroToPower)? }
        } else if self.re == 0.0 && self.im == 0.0 {
            if exponent.im != 0.0 || e < 0.0 {
                return Err(ComplexError::ZeroToPower);
            }
            Complex::new(0.0, 0.0)
        } else {
            let length = self.re.hypot(self.im);
            let angle = self.im.atan2(self.re);
            let mut scale = length.powf(e);
            let mut phase = angle * e;
            if exponent.im != 0.0 {
                scale *= (-angle * exponent.im).exp();
                phase += exponent.im * length.ln();
            }
            if phase.is_infinite() {
                // The C library's sine reports a domain error, which CPython takes for this.
                return Err(ComplexError::ZeroToPower);
            }
            Complex::new(scale * phase.cos(), scale * phase.sin())
        };
        if r.is_infinite() { Err(ComplexError::PowOverflow) } else { Ok(r) }
    }

    /// `abs(self)`.
    ///
    /// # Errors
    /// [`ComplexError::AbsOverflow`].
    pub fn abs(self) -> Result<f64, ComplexError> {
        let r = self.re.hypot(self.im);
        if r.is_infinite() && self.is_finite() { Err(ComplexError::AbsOverflow) } else { Ok(r) }
    }

    /// `repr(self)`.
    pub fn repr(self) -> String {
        if self.re == 0.0 && self.re.is_sign_positive() {
            return format!("{}j", shortest(self.im, false));
        }
        let im = shortest(self.im, false);
        let plus = if im.starts_with('-') { "" } else { "+" };
        format!("({}{plus}{im}j)", shortest(self.re, false))
    }

    /// Python's hash; the caller supplies the hash of a nan part (that of its object).
    pub fn hash(self, nan: i64) -> i64 {
        let re = float::hash(self.re).unwrap_or(nan);
        let im = float::hash(self.im).unwrap_or(nan);
        let h = re.wrapping_add(im.wrapping_mul(1_000_003));
        if h == -1 { -2 } else { h }
    }
}

/// Why a string is no complex literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParseComplexError {
    /// A misplaced underscore ("could not convert string to complex: ...").
    Underscore,
    /// Anything else.
    Malformed,
}

impl fmt::Display for ParseComplexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ParseComplexError::Underscore => "could not convert string to complex",
            ParseComplexError::Malformed => "complex() arg is a malformed string",
        })
    }
}

impl std::error::Error for ParseComplexError {}

/// The value of `complex(text)`; the caller has folded Unicode digits and spaces to ASCII.
///
/// # Errors
/// [`ParseComplexError`].
pub fn parse(text: &str) -> Result<Complex, ParseComplexError> {
    let clean = float::without_underscores(text.as_bytes()).ok_or(ParseComplexError::Underscore)?;
    parse_clean(&clean).ok_or(ParseComplexError::Malformed)
}

fn parse_clean(s: &[u8]) -> Option<Complex> {
    let mut at = 0;
    let spaces = |at: &mut usize| {
        while s.get(*at).is_some_and(|&b| is_space(b)) {
            *at += 1;
        }
    };
    spaces(&mut at);
    let bracket = s.get(at) == Some(&b'(');
    if bracket {
        at += 1;
        spaces(&mut at);
    }
    let is_j = |at: usize| matches!(s.get(at), Some(b'j' | b'J'));
    let sign = |at: usize| match s.get(at) {
        Some(b'+') => Some(1.0),
        Some(b'-') => Some(-1.0),
        _ => None,
    };
    let mut z = Complex::new(0.0, 0.0);
    match float::parse_prefix(&s[at..]) {
        Some((v, n)) => {
            at += n;
            if let Some(unit) = sign(at) {
                z.re = v;
                let (im, n) = float::parse_prefix(&s[at..]).unwrap_or((unit, 1));
                z.im = im;
                at += n;
                if !is_j(at) {
                    return None;
                }
                at += 1;
            } else if is_j(at) {
                at += 1;
                z.im = v;
            } else {
                z.re = v;
            }
        }
        None => {
            z.im = match sign(at) {
                Some(unit) => {
                    at += 1;
                    unit
                }
                None => 1.0,
            };
            if !is_j(at) {
                return None;
            }
            at += 1;
        }
    }
    spaces(&mut at);
    if bracket {
        if s.get(at) != Some(&b')') {
            return None;
        }
        at += 1;
        spaces(&mut at);
    }
    (at == s.len()).then_some(z)
}
