//! Accurate sums: `math.fsum`, `math.sumprod`, `math.hypot`/`dist` and `sum` of floats.
//!
//! What this is for: accumulators the runtime feeds with floats. What it is not: the
//! iteration over Python objects, or exact integer sums.

/// Why `fsum` has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FsumError {
    /// Finite summands with an intermediate sum beyond the range (`OverflowError`).
    Overflow,
    /// Infinities of both signs (`ValueError`).
    OppositeInfinities,
}

impl std::fmt::Display for FsumError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            FsumError::Overflow => "intermediate overflow in fsum",
            FsumError::OppositeInfinities => "-inf + inf in fsum",
        })
    }
}

impl std::error::Error for FsumError {}

/// `math.fsum`: the exact sum, rounded once. The sum is held as floats that do not
/// overlap (J. R. Shewchuk, "Adaptive precision floating-point arithmetic", 1997).
#[derive(Debug, Clone, Default)]
pub struct Fsum {
    partials: Vec<f64>,
    special: f64,
    infinities: f64,
}

impl Fsum {
    /// An empty sum.
    pub fn new() -> Fsum {
        Fsum::default()
    }

    /// Adds a summand.
    ///
    /// # Errors
    /// [`FsumError::Overflow`].
    pub fn add(&mut self, value: f64) -> Result<(), FsumError> {
        let mut x = value;
        let mut kept = 0;
        for i in 0..self.partials.len() {
            let y = self.partials[i];
            let (big, small) = if x.abs() < y.abs() { (y, x) } else { (x, y) };
            let high = big + small;
            let low = small - (high - big);
            if low != 0.0 {
                self.partials[kept] = low;
                kept += 1;
            }
            x = high;
        }
        self.partials.truncate(kept);
        if x == 0.0 {
            return Ok(());
        }
        if x.is_finite() {
            self.partials.push(x);
            return Ok(());
        }
        if value.is_finite() {
            return Err(FsumError::Overflow);
        }
        if value.is_infinite() {
            self.infinities += value;
        }
        self.special += value;
        self.partials.clear();
        Ok(())
    }

    /// The sum.
    ///
    /// # Errors
    /// [`FsumError::OppositeInfinities`].
    pub fn result(&self) -> Result<f64, FsumError> {
        if self.special != 0.0 {
            return if self.infinities.is_nan() {
                Err(FsumError::OppositeInfinities)
            } else {
                Ok(self.special)
            };
        }
        let mut rest = &self.partials[..];
        let Some((&first, tail)) = rest.split_last() else {
            return Ok(0.0);
        };
        let mut high = first;
        rest = tail;
        let mut low = 0.0;
        while let Some((&y, tail)) = rest.split_last() {
            let x = high;
            rest = tail;
            high = x + y;
            low = y - (high - x);
            if low != 0.0 {
                break;
            }
        }
        // A tie was rounded to even; what lies below may break it.
        if let Some(&next) = rest.last()
            && ((low < 0.0 && next < 0.0) || (low > 0.0 && next > 0.0))
        {
            let y = low * 2.0;
            let x = high + y;
            if y == x - high {
                high = x;
            }
        }
        Ok(high)
    }
}

/// `a + b` and its rounding error (Knuth's two-sum).
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let x = a + b;
    let z = x - a;
    (x, (a - (x - z)) + (b - z))
}

/// `a * b` and its rounding error.
fn two_product(a: f64, b: f64) -> (f64, f64) {
    let z = a * b;
    (z, a.mul_add(b, -z))
}

/// `math.sumprod` of floats, in triple length (T. Ogita, S. Rump, S. Oishi,
/// "Accurate sum and dot product", algorithm 5.10 with K = 3).
#[derive(Debug, Clone, Copy, Default)]
pub struct SumProduct {
    high: f64,
    low: f64,
    tiny: f64,
}

impl SumProduct {
    /// An empty sum.
    pub fn new() -> SumProduct {
        SumProduct::default()
    }

    /// Adds `x * y`.
    pub fn add(&mut self, x: f64, y: f64) {
        let product = two_product(x, y);
        let sum = two_sum(self.high, product.0);
        let r1 = two_sum(self.low, product.1);
        let r2 = two_sum(r1.0, sum.1);
        *self = SumProduct { high: sum.0, low: r2.0, tiny: self.tiny + r1.1 + r2.1 };
    }

    /// The sum. If it is not finite the caller is to fall back on plain arithmetic.
    pub fn result(&self) -> f64 {
        self.high + two_sum(self.low, self.tiny).0
    }
}

/// The compensated sum of floats that the builtin `sum` keeps (Neumaier).
#[derive(Debug, Clone, Copy)]
pub struct CompensatedSum {
    high: f64,
    low: f64,
}

impl CompensatedSum {
    /// A sum that starts with `start`.
    pub fn new(start: f64) -> CompensatedSum {
        CompensatedSum { high: start, low: 0.0 }
    }

    /// Adds a summand.
    #[inline]
    pub fn add(&mut self, x: f64) {
        let t = self.high + x;
        self.low += if self.high.abs() >= x.abs() { (self.high - t) + x } else { (x - t) + self.high };
        self.high = t;
    }

    /// The sum.
    pub fn result(&self) -> f64 {
        if self.low != 0.0 && self.low.is_finite() { self.high + self.low } else { self.high }
    }
}

/// `math.hypot` of any number of coordinates (and `math.dist` of differences): scaled by
/// a power of two, squared and summed in double length, the root corrected once.
pub fn vector_norm(coordinates: &[f64]) -> f64 {
    let mut max = 0.0f64;
    let mut nan = false;
    for v in coordinates {
        nan |= v.is_nan();
        max = max.max(v.abs());
    }
    if max.is_infinite() {
        return max;
    }
    if nan {
        return f64::NAN;
    }
    norm(coordinates, max, 1.0)
}

fn norm(coordinates: &[f64], max: f64, divisor: f64) -> f64 {
    if max == 0.0 || coordinates.len() <= 1 {
        return max;
    }
    let (_, e) = libm::frexp(max);
    if e < -1023 {
        // Subnormal: brought into the range of normal floats first.
        let tiny = f64::MIN_POSITIVE;
        return tiny * norm(coordinates, max / tiny, tiny);
    }
    let scale = libm::ldexp(1.0, -e);
    // The sum starts at one, so that it exceeds every summand.
    let (mut sum, mut low1, mut low2) = (1.0f64, 0.0f64, 0.0f64);
    let mut accumulate = |a: f64, b: f64| {
        let (p, p_low) = two_product(a, b);
        let s = sum + p;
        low1 += p_low;
        low2 += (sum - s) + p;
        sum = s;
        sum - 1.0 + (low1 + low2)
    };
    let mut total = 0.0;
    for v in coordinates {
        let x = v.abs() / divisor * scale;
        total = accumulate(x, x);
    }
    let h = total.sqrt();
    let rest = accumulate(-h, h);
    (h + rest / (2.0 * h)) / scale
}
