//! Decimal numbers and the arithmetic of the General Decimal Arithmetic
//! Specification, without Python objects.
//!
//! * this file: numbers, environments (what a context says), rounding;
//! * `coefficient`: coefficients;
//! * `arithmetic`: the four operations and their kin; `order`: comparing;
//! * `adjust`: quantising, neighbours, shifting, logical operations;
//! * `functions`: exponential, logarithms, roots; `power`: powers;
//! * `text`: from and to text; `format`: format specifications.

pub mod adjust;
pub mod arithmetic;
pub mod coefficient;
pub mod format;
pub mod functions;
pub mod order;
pub mod power;
pub mod text;

pub use coefficient::{Coefficient, Rest};

/// Conditions, as bits of a [`Status`].
pub mod flags {
    pub const CLAMPED: u32 = 0x1;
    pub const CONVERSION_SYNTAX: u32 = 0x2;
    pub const DIVISION_BY_ZERO: u32 = 0x4;
    pub const DIVISION_IMPOSSIBLE: u32 = 0x8;
    pub const DIVISION_UNDEFINED: u32 = 0x10;
    pub const INEXACT: u32 = 0x40;
    pub const INVALID_CONTEXT: u32 = 0x80;
    pub const INVALID_OPERATION: u32 = 0x100;
    pub const NO_MEMORY: u32 = 0x200;
    pub const FLOAT_OPERATION: u32 = 0x400;
    pub const OVERFLOW: u32 = 0x800;
    pub const ROUNDED: u32 = 0x1000;
    pub const SUBNORMAL: u32 = 0x2000;
    pub const UNDERFLOW: u32 = 0x4000;
    /// Everything that the signal InvalidOperation stands for.
    pub const ANY_INVALID: u32 =
        CONVERSION_SYNTAX | DIVISION_IMPOSSIBLE | DIVISION_UNDEFINED | INVALID_CONTEXT | INVALID_OPERATION;
    pub const ERRORS: u32 = ANY_INVALID | DIVISION_BY_ZERO | NO_MEMORY;
}

/// The conditions that have been met.
pub type Status = u32;

pub const MAX_PREC: i64 = 999_999_999_999_999_999;
pub const MAX_EMAX: i64 = 999_999_999_999_999_999;
pub const MIN_EMIN: i64 = -999_999_999_999_999_999;
/// Beyond all exponents: rounding makes an overflow, or an underflow, of it.
pub const HUGE_EXPONENT: i64 = 2_000_000_000_000_000_001;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Rounding {
    Up,
    Down,
    Ceiling,
    Floor,
    HalfUp,
    HalfDown,
    HalfEven,
    ZeroFiveUp,
}

impl Rounding {
    pub const ALL: [(&'static str, Rounding); 8] = [
        ("ROUND_UP", Rounding::Up),
        ("ROUND_DOWN", Rounding::Down),
        ("ROUND_CEILING", Rounding::Ceiling),
        ("ROUND_FLOOR", Rounding::Floor),
        ("ROUND_HALF_UP", Rounding::HalfUp),
        ("ROUND_HALF_DOWN", Rounding::HalfDown),
        ("ROUND_HALF_EVEN", Rounding::HalfEven),
        ("ROUND_05UP", Rounding::ZeroFiveUp),
    ];
    pub fn name(self) -> &'static str {
        Rounding::ALL[self as usize].0
    }
    /// Whether a coefficient that lost digits goes up by one.
    fn rounds_up(self, negative: bool, coefficient: &Coefficient, rest: Rest) -> bool {
        match self {
            _ if rest == Rest::Zero => false,
            Rounding::Up => true,
            Rounding::Down => false,
            Rounding::Ceiling => !negative,
            Rounding::Floor => negative,
            Rounding::HalfUp => rest >= Rest::Half,
            Rounding::HalfDown => rest > Rest::Half,
            Rounding::HalfEven => rest > Rest::Half || rest == Rest::Half && !coefficient.is_even(),
            Rounding::ZeroFiveUp => coefficient.last_digit() % 5 == 0,
        }
    }
}

/// Precision, range and rounding of results.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Env {
    pub prec: i64,
    pub emax: i64,
    pub emin: i64,
    pub round: Rounding,
    pub clamp: bool,
}

impl Env {
    /// The largest there is, for exact results.
    pub const MAX: Env =
        Env { prec: MAX_PREC, emax: MAX_EMAX, emin: MIN_EMIN, round: Rounding::HalfEven, clamp: false };

    pub fn etiny(&self) -> i64 {
        self.emin - (self.prec - 1)
    }
    pub fn etop(&self) -> i64 {
        self.emax - (self.prec - 1)
    }
    pub fn rounding(mut self, round: Rounding) -> Env {
        self.round = round;
        self
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Finite,
    Infinite,
    QuietNan,
    SignalingNan,
}

/// A number: a sign, a coefficient, a power of ten; or an infinity; or no number,
/// with the coefficient as its diagnostic information.
#[derive(Clone, Debug)]
pub struct Number {
    pub coefficient: Coefficient,
    pub exponent: i64,
    pub negative: bool,
    pub kind: Kind,
}

impl Number {
    pub fn finite(negative: bool, coefficient: Coefficient, exponent: i64) -> Number {
        Number { coefficient, exponent, negative, kind: Kind::Finite }
    }
    pub fn infinite(negative: bool) -> Number {
        Number { coefficient: Coefficient::ZERO, exponent: 0, negative, kind: Kind::Infinite }
    }
    pub fn nan() -> Number {
        Number { coefficient: Coefficient::ZERO, exponent: 0, negative: false, kind: Kind::QuietNan }
    }
    pub fn one() -> Number {
        Number::finite(false, Coefficient::ONE, 0)
    }
    pub fn small(n: i64) -> Number {
        Number::finite(n < 0, Coefficient::Small(n.unsigned_abs() as u128), 0)
    }
    /// No number, with a reason.
    pub fn invalid(status: &mut Status, condition: u32) -> Number {
        *status |= condition;
        Number::nan()
    }
    /// No number, as there is no memory for it.
    pub fn no_memory(status: &mut Status) -> Number {
        Number::invalid(status, flags::NO_MEMORY)
    }
    pub fn is_finite(&self) -> bool {
        self.kind == Kind::Finite
    }
    pub fn is_special(&self) -> bool {
        self.kind != Kind::Finite
    }
    pub fn is_infinite(&self) -> bool {
        self.kind == Kind::Infinite
    }
    pub fn is_nan(&self) -> bool {
        matches!(self.kind, Kind::QuietNan | Kind::SignalingNan)
    }
    pub fn is_signaling(&self) -> bool {
        self.kind == Kind::SignalingNan
    }
    pub fn is_zero(&self) -> bool {
        self.is_finite() && self.coefficient.is_zero()
    }
    pub fn digits(&self) -> i64 {
        self.coefficient.digits()
    }
    /// The exponent of the first digit.
    pub fn adjusted(&self) -> i64 {
        self.exponent + self.digits() - 1
    }
    pub fn is_normal(&self, env: &Env) -> bool {
        self.is_finite() && !self.coefficient.is_zero() && self.adjusted() >= env.emin
    }
    pub fn is_subnormal(&self, env: &Env) -> bool {
        self.is_finite() && !self.coefficient.is_zero() && self.adjusted() < env.emin
    }
    pub fn with_sign(mut self, negative: bool) -> Number {
        self.negative = negative;
        self
    }
    /// Whether it has no fraction.
    pub fn is_integer(&self) -> bool {
        if self.is_special() {
            return false;
        }
        if self.exponent >= 0 || self.coefficient.is_zero() {
            return true;
        }
        self.exponent > -self.digits() - 1 && self.coefficient.scaled_down(-self.exponent).1 == Rest::Zero
    }
    /// Whether it is an odd integer.
    pub fn is_odd(&self) -> bool {
        self.is_integer() && self.exponent <= 0 && !self.coefficient.scaled_down(-self.exponent).0.is_even()
    }

    /// Brings a result into the range and the precision of the environment.
    pub fn finalized(mut self, env: &Env, status: &mut Status) -> Number {
        match self.kind {
            Kind::Infinite => self,
            Kind::QuietNan | Kind::SignalingNan => {
                let room = env.prec - env.clamp as i64;
                if self.digits() > room {
                    self.coefficient = self.coefficient.low_digits(room);
                }
                self
            }
            Kind::Finite => {
                let digits = self.digits();
                // Most results need nothing.
                if digits <= env.prec
                    && self.exponent >= env.emin
                    && self.exponent + digits <= env.emax
                    && !env.clamp
                {
                    return self;
                }
                self.checked_exponent(digits, env, status).checked_digits(env, status)
            }
        }
    }

    fn checked_digits(mut self, env: &Env, status: &mut Status) -> Number {
        if self.is_special() {
            return self;
        }
        let excess = self.digits() - env.prec;
        if excess <= 0 {
            return self;
        }
        let (coefficient, rest) = self.coefficient.scaled_down(excess);
        self.coefficient = coefficient;
        self.exponent += excess;
        self.after_cut(rest, env, status)
    }

    /// Rounds a number that has lost digits.
    pub(super) fn after_cut(mut self, rest: Rest, env: &Env, status: &mut Status) -> Number {
        *status |= flags::ROUNDED;
        if rest == Rest::Zero {
            return self;
        }
        *status |= flags::INEXACT;
        if !env.round.rounds_up(self.negative, &self.coefficient, rest) {
            return self;
        }
        self.coefficient = self.coefficient.add_small(1);
        if self.digits() > env.prec {
            self.coefficient = self.coefficient.scaled_down(1).0;
            self.exponent += 1;
            let digits = self.digits();
            return self.checked_exponent(digits, env, status);
        }
        self
    }

    fn checked_exponent(mut self, digits: i64, env: &Env, status: &mut Status) -> Number {
        let adjusted = self.exponent + digits - 1;
        let zero = self.coefficient.is_zero();
        if adjusted > env.emax {
            if zero {
                self.exponent = if env.clamp { env.etop() } else { env.emax };
                *status |= flags::CLAMPED;
                return self;
            }
            *status |= flags::OVERFLOW | flags::INEXACT | flags::ROUNDED;
            let to_infinity = match env.round {
                Rounding::Down | Rounding::ZeroFiveUp => false,
                Rounding::Ceiling => !self.negative,
                Rounding::Floor => self.negative,
                _ => true,
            };
            if to_infinity {
                return Number::infinite(self.negative);
            }
            return Number::largest(self.negative, env, status);
        }
        if env.clamp && self.exponent > env.etop() {
            // Zeros go to the end of the coefficient.
            let shift = self.exponent - env.etop();
            let Some(coefficient) = self.coefficient.scaled_up(shift) else {
                return Number::no_memory(status);
            };
            self.coefficient = coefficient;
            self.exponent -= shift;
            *status |= flags::CLAMPED;
            if !zero && adjusted < env.emin {
                *status |= flags::SUBNORMAL;
            }
            return self;
        }
        if adjusted >= env.emin {
            return self;
        }
        let etiny = env.etiny();
        if zero {
            if self.exponent < etiny {
                self.exponent = etiny;
                *status |= flags::CLAMPED;
            }
            return self;
        }
        *status |= flags::SUBNORMAL;
        if self.exponent < etiny {
            let (coefficient, rest) = self.coefficient.scaled_down(etiny - self.exponent);
            self.exponent = etiny;
            *status |= flags::ROUNDED;
            let up = env.round.rounds_up(self.negative, &coefficient, rest);
            self.coefficient = coefficient.add_small(up as u8);
            if rest != Rest::Zero {
                *status |= flags::INEXACT | flags::UNDERFLOW;
                if self.coefficient.is_zero() {
                    *status |= flags::CLAMPED;
                }
            }
        }
        self
    }

    /// The largest finite number.
    pub fn largest(negative: bool, env: &Env, status: &mut Status) -> Number {
        match coefficient::power_of_ten(env.prec) {
            Some(power) => Number::finite(negative, power.distance(&Coefficient::ONE), env.etop()),
            None => Number::no_memory(status),
        }
    }

    /// The result for operands of which one is no number: that one, made quiet.
    pub fn nan_of(operands: &[&Number], env: &Env, status: &mut Status) -> Option<Number> {
        let signaling = operands.iter().find(|n| n.is_signaling());
        let found = signaling.or_else(|| operands.iter().find(|n| n.is_nan()))?;
        if signaling.is_some() {
            *status |= flags::INVALID_OPERATION;
        }
        let mut result = (*found).clone();
        result.kind = Kind::QuietNan;
        Some(result.finalized(env, status))
    }
}
