//! Arithmetic on unevaluated sums of two floats (about 106 bits).
//!
//! What this is for: evaluating a few elementary functions so accurately that the
//! result rounds correctly. What it is not: a general type; ranges are those its
//! users need. After T. J. Dekker, "A floating-point technique for extending the
//! available precision" (1971).

use std::f64::consts::LN_2;

/// The sum `hi + lo`, with `lo` at most half a unit in the last place of `hi`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Double {
    hi: f64,
    lo: f64,
}

fn quick(a: f64, b: f64) -> Double {
    let hi = a + b;
    Double { hi, lo: b - (hi - a) }
}

fn two_sum(a: f64, b: f64) -> Double {
    let hi = a + b;
    let z = hi - a;
    Double { hi, lo: (a - (hi - z)) + (b - z) }
}

impl From<f64> for Double {
    fn from(v: f64) -> Double {
        Double { hi: v, lo: 0.0 }
    }
}

impl Double {
    /// The natural logarithm of two.
    pub(crate) const LN_2: Double = Double { hi: LN_2, lo: 2.319_046_813_846_299_6e-17 };
    /// 2 / sqrt(pi).
    const TWO_BY_ROOT_PI: Double =
        Double { hi: std::f64::consts::FRAC_2_SQRT_PI, lo: 1.533_545_961_316_588e-17 };

    /// The nearest float.
    pub(crate) fn value(self) -> f64 {
        self.hi + self.lo
    }

    pub(crate) fn neg(self) -> Double {
        Double { hi: -self.hi, lo: -self.lo }
    }

    pub(crate) fn add(self, o: Double) -> Double {
        let s = two_sum(self.hi, o.hi);
        let t = two_sum(self.lo, o.lo);
        let s = quick(s.hi, s.lo + t.hi);
        quick(s.hi, s.lo + t.lo)
    }

    pub(crate) fn mul(self, o: Double) -> Double {
        let p = self.hi * o.hi;
        let e = self.hi.mul_add(o.hi, -p);
        quick(p, e + (self.hi * o.lo + self.lo * o.hi))
    }

    fn scale(self, f: f64) -> Double {
        self.mul(Double::from(f))
    }

    fn div(self, o: Double) -> Double {
        let q = self.hi / o.hi;
        let r = self.add(o.scale(q).neg());
        let q2 = r.hi / o.hi;
        let r = r.add(o.scale(q2).neg());
        quick(q, q2).add(Double::from(r.hi / o.hi))
    }

    pub(crate) fn sqrt(self) -> Double {
        let q = self.hi.sqrt();
        let r = self.add(Double::from(q).mul(Double::from(q)).neg());
        quick(q, r.value() / (2.0 * q))
    }

    /// e^self, for |self| < 700.
    fn exp(self) -> Double {
        let k = (self.hi / LN_2).round();
        let r = self.add(Double::LN_2.scale(k).neg()).scale(1.0 / 64.0);
        let mut sum = Double::from(1.0);
        for n in (1..=13).rev() {
            sum = sum.mul(r).div(Double::from(f64::from(n))).add(Double::from(1.0));
        }
        for _ in 0..6 {
            sum = sum.mul(sum);
        }
        let two = crate::bigint::pow2(k as i64);
        Double { hi: sum.hi * two, lo: sum.lo * two }
    }

    /// The logarithm of a number in [1/2, 2].
    fn ln_reduced(self) -> Double {
        // One Newton step from the float logarithm y: log x = y + log(x e^-y).
        let y = self.hi.ln();
        let z = self.mul(Double::from(-y).exp()).add(Double::from(-1.0));
        let square = z.hi * z.hi;
        Double::from(y).add(z).add(Double::from(-0.5 * square))
    }

    /// The logarithm of a positive float.
    pub(crate) fn ln(v: f64) -> Double {
        let (m, e) = libm::frexp(v);
        Double::from(m).ln_reduced().add(Double::LN_2.scale(f64::from(e)))
    }

    fn ln_of(self) -> Double {
        let (_, e) = libm::frexp(self.hi);
        let f = crate::bigint::pow2(-i64::from(e));
        Double { hi: self.hi * f, lo: self.lo * f }.ln_reduced().add(Double::LN_2.scale(f64::from(e)))
    }

    /// The inverse hyperbolic sine of a number in (0, 2^29].
    pub(crate) fn asinh(self) -> Double {
        let square = self.mul(self);
        if self.hi < 0.06 {
            let (mut term, mut sum) = (self, self);
            for k in 0..16 {
                let n = f64::from(2 * k + 1);
                term = term.mul(square).scale(-n * n).div(Double::from((n + 1.0) * (n + 2.0)));
                sum = sum.add(term);
            }
            return sum;
        }
        self.add(square.add(Double::from(1.0)).sqrt()).ln_of()
    }

    /// The inverse hyperbolic tangent of a number in (0, 1).
    pub(crate) fn atanh(self) -> Double {
        if self.hi < 0.06 {
            let square = self.mul(self);
            let (mut power, mut sum) = (self, self);
            for k in 1..16 {
                power = power.mul(square);
                sum = sum.add(power.div(Double::from(f64::from(2 * k + 1))));
            }
            return sum;
        }
        let one = Double::from(1.0);
        one.add(self).div(one.add(self.neg())).ln_of().scale(0.5)
    }

    /// The first term of the series of the error function.
    pub(crate) fn erf_linear(self) -> Double {
        self.mul(Double::TWO_BY_ROOT_PI)
    }

    /// The error function of a number in (0, 6], by its series of positive terms.
    pub(crate) fn erf(self) -> Double {
        let square = self.mul(self);
        let (mut term, mut sum) = (self, self);
        for n in 1..400 {
            term = term.mul(square).scale(2.0).div(Double::from(f64::from(2 * n + 1)));
            sum = sum.add(term);
            if term.hi < sum.hi * 1e-33 {
                break;
            }
        }
        sum.mul(square.neg().exp()).mul(Double::TWO_BY_ROOT_PI)
    }

    /// The complementary error function of a number in [2, 26), by its continued fraction.
    pub(crate) fn erfc_large(self) -> Double {
        let square = self.mul(self);
        // x + (1/2)/(x + 1/(x + (3/2)/(x + ...))), from a depth that suffices for 106 bits.
        let depth = (60 + (1600.0 / square.hi) as i32) as u32;
        let mut tail = self;
        for k in (1..=depth).rev() {
            tail = self.add(Double::from(f64::from(k) * 0.5).div(tail));
        }
        square.neg().exp().mul(Double::TWO_BY_ROOT_PI).scale(0.5).div(tail)
    }
}
