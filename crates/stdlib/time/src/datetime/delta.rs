//! `timedelta`: days, seconds and microseconds. Whole microseconds are counted
//! in 128 bits where all that can be represented has room, and in unbounded
//! integers on the way there.

use super::arguments::Fields;
use super::calendar::DAY_SECONDS;
use std::cmp::Ordering;
use taipan_numeric::BigInt;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, this};
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::str::Builder;
use taipan_runtime::types::{float, int, tuple};

pub const SECOND_MICROS: i64 = 1_000_000;
pub const DAY_MICROS: i64 = DAY_SECONDS * SECOND_MICROS;
const MAX_DAYS: i64 = 999_999_999;

/// Payload of timedelta: normalised, so that only `days` may be negative.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Delta {
    pub days: i32,
    pub seconds: i32,
    pub micros: i32,
}

impl NativeClass for Delta {
    fn class() -> &'static Type {
        &TIMEDELTA
    }
}

pub static TIMEDELTA: Type = Type::new::<Delta>(
    "datetime.timedelta",
    &OBJECT,
    type_flags::BASE,
    Slots {
        new: Some(delta_new),
        hash: Some(|vm, delta| this::<Delta>(delta).hash(vm)),
        compare: Some(|_, a, b, op| {
            let (Some(x), Some(y)) = (a.downcast::<Delta>(), b.downcast::<Delta>()) else {
                return Ok(Object::NOT_IMPLEMENTED);
            };
            Ok(Object::bool(op.holds(Some(x.cmp(y)))))
        }),
        bool: Some(|_, delta| Ok(!this::<Delta>(delta).is_zero())),
        ..Slots::EMPTY
            .repr(repr)
            .str(str)
            .binary(BinaryOp::Add, add)
            .binary(BinaryOp::Sub, subtract)
            .binary(BinaryOp::Mul, multiply)
            .binary(BinaryOp::TrueDiv, true_divide)
            .binary(BinaryOp::FloorDiv, floor_divide)
            .binary(BinaryOp::Mod, modulo)
            .binary(BinaryOp::DivMod, div_mod)
            .unary(UnaryOp::Neg, |vm, delta| this::<Delta>(delta).negated().to_object(vm))
            .unary(UnaryOp::Pos, |vm, delta| Ok(this::<Delta>(delta).object(vm)))
            .unary(UnaryOp::Abs, |vm, delta| this::<Delta>(delta).absolute().to_object(vm))
    },
    &[
        MethodDef::new("total_seconds($self, /)", |vm, args| {
            let micros = this::<Delta>(&args[0]).total_micros();
            ratio(vm, micros, SECOND_MICROS as i128)
        }, "Total seconds in the duration."),
        MethodDef::new("__reduce__($self, /)", |vm, args| {
            let state = this::<Delta>(&args[0]).state(vm);
            Ok(vm.tuple(vec![args[0].ty().to_object(), state]))
        }, "__reduce__() -> (cls, state)"),
    ],
    &[
        GetSetDef::member("days", |vm, delta| Ok(vm.int(this::<Delta>(delta).days as i64))).with_doc("Number of days."),
        GetSetDef::member("seconds", |vm, delta| Ok(vm.int(this::<Delta>(delta).seconds as i64)))
            .with_doc("Number of seconds (>= 0 and less than 1 day)."),
        GetSetDef::member("microseconds", |vm, delta| Ok(vm.int(this::<Delta>(delta).micros as i64)))
            .with_doc("Number of microseconds (>= 0 and less than 1 second)."),
    ],
)
.with_doc("Difference between two datetime values.\n\ntimedelta(days=0, seconds=0, microseconds=0, milliseconds=0, minutes=0, hours=0, weeks=0)\n\nAll arguments are optional and default to 0.\nArguments may be integers or floats, and may be positive or negative.");

/// A duration before it is known whether a timedelta can hold it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Span {
    days: i64,
    seconds: i32,
    micros: i32,
}

impl Span {
    /// Days, seconds and microseconds of any sign; days are far from the limits of i64.
    pub fn new(days: i64, seconds: i64, micros: i64) -> Span {
        let seconds = seconds + micros.div_euclid(SECOND_MICROS);
        Span {
            days: days + seconds.div_euclid(DAY_SECONDS),
            seconds: seconds.rem_euclid(DAY_SECONDS) as i32,
            micros: micros.rem_euclid(SECOND_MICROS) as i32,
        }
    }
    /// None if not even the days have room.
    pub fn from_micros(micros: i128) -> Option<Span> {
        let days = i64::try_from(micros.div_euclid(DAY_MICROS as i128)).ok()?;
        let rest = micros.rem_euclid(DAY_MICROS as i128) as i64;
        Some(Span { days, seconds: (rest / SECOND_MICROS) as i32, micros: (rest % SECOND_MICROS) as i32 })
    }
    /// OverflowError if it is too long.
    pub fn checked(self, vm: &Vm) -> Result<Delta> {
        if !(-MAX_DAYS..=MAX_DAYS).contains(&self.days) {
            return Err(match i32::try_from(self.days) {
                Ok(days) => vm.overflow_error(format!("days={days}; must have magnitude <= {MAX_DAYS}")),
                Err(_) => too_long(vm),
            });
        }
        Ok(Delta { days: self.days as i32, seconds: self.seconds, micros: self.micros })
    }
    pub fn to_object(self, vm: &Vm) -> Result {
        self.checked(vm).map(|delta| delta.object(vm))
    }
}

#[cold]
fn too_long(vm: &Vm) -> Raised {
    vm.overflow_error("Python int too large to convert to C int")
}

fn span_of_micros(vm: &Vm, micros: i128) -> Result<Span> {
    Span::from_micros(micros).ok_or_else(|| too_long(vm))
}

fn span_of_big(vm: &Vm, micros: &BigInt) -> Result<Span> {
    match micros.to_i128() {
        Some(micros) => span_of_micros(vm, micros),
        None => Err(too_long(vm)),
    }
}

impl Delta {
    pub const ZERO: Delta = Delta { days: 0, seconds: 0, micros: 0 };
    pub const MIN: Delta = Delta { days: -MAX_DAYS as i32, seconds: 0, micros: 0 };
    pub const MAX: Delta = Delta { days: MAX_DAYS as i32, seconds: 86_399, micros: 999_999 };
    pub const RESOLUTION: Delta = Delta { days: 0, seconds: 0, micros: 1 };
    pub const DAY: Delta = Delta { days: 1, seconds: 0, micros: 0 };

    /// Less than a day, in seconds of any sign and microseconds.
    pub fn of_seconds(seconds: i64, micros: i64) -> Delta {
        let span = Span::new(0, seconds, micros);
        Delta { days: span.days as i32, seconds: span.seconds, micros: span.micros }
    }
    pub fn object(self, vm: &Vm) -> Object {
        vm.alloc(&TIMEDELTA, self)
    }
    pub fn is_zero(self) -> bool {
        self == Delta::ZERO
    }
    pub fn total_micros(self) -> i128 {
        (self.days as i64 * DAY_SECONDS + self.seconds as i64) as i128 * SECOND_MICROS as i128
            + self.micros as i128
    }
    /// Whole seconds, rounded down.
    pub fn whole_seconds(self) -> i64 {
        self.days as i64 * DAY_SECONDS + self.seconds as i64
    }
    pub fn negated(self) -> Span {
        Span::new(-(self.days as i64), -(self.seconds as i64), -(self.micros as i64))
    }
    fn absolute(self) -> Span {
        if self.days < 0 { self.negated() } else { self.span() }
    }
    fn span(self) -> Span {
        Span { days: self.days as i64, seconds: self.seconds, micros: self.micros }
    }
    pub fn plus(self, other: Delta) -> Span {
        Span::new(
            self.days as i64 + other.days as i64,
            self.seconds as i64 + other.seconds as i64,
            self.micros as i64 + other.micros as i64,
        )
    }
    pub fn minus(self, other: Delta) -> Span {
        Span::new(
            self.days as i64 - other.days as i64,
            self.seconds as i64 - other.seconds as i64,
            self.micros as i64 - other.micros as i64,
        )
    }
    fn state(self, vm: &Vm) -> Object {
        tuple::from_array(
            vm,
            [vm.int(self.days as i64), vm.int(self.seconds as i64), vm.int(self.micros as i64)],
        )
    }
    pub fn hash(self, vm: &Vm) -> Result<i64> {
        vm.hash(&self.state(vm))
    }
    /// Is it an offset from UTC: strictly between a day before and a day after?
    pub fn is_offset(self) -> bool {
        self.days == 0 || self.days == -1 && (self.seconds > 0 || self.micros > 0)
    }
}

// ---- construction -------------------------------------------------------------------------

/// The components, and how many microseconds one of them has.
static FIELDS: Fields<7> = Fields {
    function: "__new__",
    names: ["days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks"],
    required: 0,
    positional: 7,
};
const UNITS: [i64; 7] =
    [DAY_MICROS, SECOND_MICROS, 1, 1000, 60 * SECOND_MICROS, 3600 * SECOND_MICROS, 7 * DAY_MICROS];

fn delta_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let components = FIELDS.bind(vm, args, kwnames)?;
    let mut micros = 0i128;
    let mut plain = true;
    for (component, unit) in components.iter().zip(UNITS) {
        match component {
            Some(object) if object.is_int() => micros += object.as_int() as i128 * unit as i128,
            Some(_) => plain = false,
            None => {}
        }
    }
    let span = if plain { span_of_micros(vm, micros)? } else { mixed(vm, &components)? };
    let delta = span.checked(vm)?;
    allocate(vm, class, delta)
}

/// The sum of components among which there are floats or long ints.
fn mixed(vm: &Vm, components: &[Option<&Object>; 7]) -> Result<Span> {
    // The order in which fractions are added up, from the smallest unit on.
    const ORDER: [usize; 7] = [2, 3, 1, 4, 5, 0, 6];
    let mut sum = BigInt::ZERO;
    let mut fraction = 0.0f64;
    for i in ORDER {
        let Some(object) = components[i] else { continue };
        let unit = BigInt::from(UNITS[i]);
        if let Some(n) = int::view(object) {
            sum = sum.add(&n.to_big().mul(&unit).map_err(|e| int::error(vm, e))?);
        } else if let Some(x) = float::as_f64(object) {
            let (whole, rest) = (x.trunc(), x.fract());
            let whole = BigInt::from_f64(whole).map_err(|e| int::error(vm, e))?;
            sum = sum.add(&whole.mul(&unit).map_err(|e| int::error(vm, e))?);
            if rest != 0.0 {
                let micros = UNITS[i] as f64 * rest;
                sum = sum.add(&BigInt::from(micros.trunc() as i64));
                fraction += micros.fract();
            }
        } else {
            return Err(vm.type_error(format!(
                "unsupported type for timedelta {} component: {}",
                FIELDS.names[i],
                object.ty().full_name()
            )));
        }
    }
    if fraction != 0.0 {
        let mut whole = fraction.round();
        if (whole - fraction).abs() == 0.5 {
            // To the even sum, not to the even fraction.
            let odd = if sum.is_even() { 0.0 } else { 1.0 };
            whole = 2.0 * ((fraction + odd) * 0.5).round() - odd;
        }
        sum = sum.add(&BigInt::from(whole as i64));
    }
    span_of_big(vm, &sum)
}

// ---- text ---------------------------------------------------------------------------------

fn repr(vm: &Vm, object: &Object) -> Result {
    let delta = *this::<Delta>(object);
    let mut out = Builder::new();
    out.push_str(object.ty().full_name());
    out.push_str("(");
    let mut separator = "";
    for (name, n) in [("days=", delta.days), ("seconds=", delta.seconds), ("microseconds=", delta.micros)] {
        if n != 0 {
            out.push_str(separator);
            out.push_str(name);
            out.push_int(n as i64);
            separator = ", ";
        }
    }
    if separator.is_empty() {
        out.push_str("0");
    }
    out.push_str(")");
    Ok(out.finish(vm))
}

fn str(vm: &Vm, object: &Object) -> Result {
    let delta = *this::<Delta>(object);
    let mut text = String::new();
    if delta.days != 0 {
        let plural = if delta.days.abs() == 1 { "" } else { "s" };
        text = format!("{} day{plural}, ", delta.days);
    }
    let (minutes, seconds) = (delta.seconds / 60, delta.seconds % 60);
    text += &format!("{}:{:02}:{seconds:02}", minutes / 60, minutes % 60);
    if delta.micros != 0 {
        text += &format!(".{:06}", delta.micros);
    }
    Ok(vm.str(&text))
}

// ---- arithmetic ---------------------------------------------------------------------------

#[cold]
fn zero_division(vm: &Vm) -> Raised {
    vm.zero_division("division by zero")
}

/// The float nearest to a quotient.
fn ratio(vm: &Vm, a: i128, b: i128) -> Result {
    const EXACT: i128 = 1 << 53;
    if (-EXACT..=EXACT).contains(&a) && (1..=EXACT).contains(&b) {
        return Ok(vm.float(a as f64 / b as f64));
    }
    match BigInt::from(a).true_div(&BigInt::from(b)) {
        Ok(x) => Ok(vm.float(x)),
        Err(e) => Err(int::error(vm, e)),
    }
}

/// The integer nearest to a quotient, halves to the even one.
fn nearest(a: &BigInt, b: &BigInt) -> std::result::Result<BigInt, taipan_numeric::IntError> {
    let (quotient, rest) = a.divmod(b)?;
    // The rest has the sign of b.
    let twice = rest.add(&rest);
    let order = if b.is_negative() { b.cmp(&twice) } else { twice.cmp(b) };
    let up = match order {
        Ordering::Less => false,
        Ordering::Equal => !quotient.is_even(),
        Ordering::Greater => true,
    };
    Ok(if up { quotient.add(&BigInt::ONE) } else { quotient })
}

fn both<'a>(a: &'a Object, b: &'a Object) -> Option<(Delta, Delta)> {
    Some((*a.downcast::<Delta>()?, *b.downcast::<Delta>()?))
}

fn add(vm: &Vm, a: &Object, b: &Object) -> Result {
    match both(a, b) {
        Some((x, y)) => x.plus(y).to_object(vm),
        None => Ok(Object::NOT_IMPLEMENTED),
    }
}

fn subtract(vm: &Vm, a: &Object, b: &Object) -> Result {
    match both(a, b) {
        Some((x, y)) => x.minus(y).to_object(vm),
        None => Ok(Object::NOT_IMPLEMENTED),
    }
}

/// Numerator and denominator of a float.
fn exact_ratio(vm: &Vm, x: f64) -> Result<(BigInt, BigInt)> {
    if x.is_nan() {
        return Err(vm.value_error("cannot convert NaN to integer ratio"));
    }
    if x.is_infinite() {
        return Err(vm.overflow_error("cannot convert Infinity to integer ratio"));
    }
    let bits = x.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i64;
    let fraction = bits & ((1 << 52) - 1);
    let (mantissa, exponent) =
        if exponent == 0 { (fraction, -1074) } else { (fraction | 1 << 52, exponent - 1075) };
    let spare = (mantissa.trailing_zeros() as i64).min((-exponent).max(0));
    let mut top = BigInt::from(mantissa >> spare.min(63));
    if x.is_sign_negative() {
        top = top.neg();
    }
    let exponent = exponent + spare;
    let shift = |n: &BigInt, by: i64| n.shl(by as u64).map_err(|e| int::error(vm, e));
    if mantissa == 0 {
        Ok((BigInt::ZERO, BigInt::ONE))
    } else if exponent >= 0 {
        Ok((shift(&top, exponent)?, BigInt::ONE))
    } else {
        Ok((top, shift(&BigInt::ONE, -exponent)?))
    }
}

/// As [`exact_ratio`]; subclasses of float are asked.
fn ratio_of(vm: &Vm, object: &Object, x: f64) -> Result<(BigInt, BigInt)> {
    if float::is_exact(object) {
        return exact_ratio(vm, x);
    }
    let answer = vm.call_method(object, "as_integer_ratio", &[])?;
    let Some(pair) = answer.downcast::<Tuple>() else {
        return Err(vm.type_error(format!(
            "unexpected return type from as_integer_ratio(): expected tuple, not '{}'",
            answer.ty().full_name()
        )));
    };
    let [top, bottom] = pair.items() else {
        return Err(vm.value_error("as_integer_ratio() must return a 2-tuple"));
    };
    match (int::to_big(top), int::to_big(bottom)) {
        (Some(top), Some(bottom)) => Ok((top, bottom)),
        (None, _) => Err(vm.type_error_of(top, "cannot be interpreted as an integer")),
        (_, None) => Err(vm.type_error_of(bottom, "cannot be interpreted as an integer")),
    }
}

fn multiply(vm: &Vm, a: &Object, b: &Object) -> Result {
    let (delta, factor) = match (a.downcast::<Delta>(), b.downcast::<Delta>()) {
        (Some(delta), None) => (*delta, b),
        (None, Some(delta)) => (*delta, a),
        _ => return Ok(Object::NOT_IMPLEMENTED),
    };
    let micros = delta.total_micros();
    if let Some(n) = int::view(factor) {
        let product = match n.to_big().to_i128() {
            _ if micros == 0 => Some(0),
            Some(n) => micros.checked_mul(n),
            None => None,
        };
        let Some(product) = product else { return Err(too_long(vm)) };
        return span_of_micros(vm, product)?.to_object(vm);
    }
    if let Some(x) = float::as_f64(factor) {
        let (top, bottom) = ratio_of(vm, factor, x)?;
        let product = BigInt::from(micros).mul(&top).map_err(|e| int::error(vm, e))?;
        let micros = nearest(&product, &bottom).map_err(|e| int::error(vm, e))?;
        return span_of_big(vm, &micros)?.to_object(vm);
    }
    Ok(Object::NOT_IMPLEMENTED)
}

fn true_divide(vm: &Vm, a: &Object, b: &Object) -> Result {
    let Some(delta) = a.downcast::<Delta>() else { return Ok(Object::NOT_IMPLEMENTED) };
    let micros = delta.total_micros();
    let (product, divisor) = if let Some(other) = b.downcast::<Delta>() {
        if other.is_zero() {
            return Err(zero_division(vm));
        }
        return ratio(vm, micros, other.total_micros());
    } else if let Some(n) = int::view(b) {
        (BigInt::from(micros), n.to_big().into_owned())
    } else if let Some(x) = float::as_f64(b) {
        let (top, bottom) = ratio_of(vm, b, x)?;
        (BigInt::from(micros).mul(&bottom).map_err(|e| int::error(vm, e))?, top)
    } else {
        return Ok(Object::NOT_IMPLEMENTED);
    };
    if divisor.is_zero() {
        return Err(zero_division(vm));
    }
    let micros = nearest(&product, &divisor).map_err(|e| int::error(vm, e))?;
    span_of_big(vm, &micros)?.to_object(vm)
}

fn floor_divide(vm: &Vm, a: &Object, b: &Object) -> Result {
    let Some(delta) = a.downcast::<Delta>() else { return Ok(Object::NOT_IMPLEMENTED) };
    let micros = delta.total_micros();
    if let Some(other) = b.downcast::<Delta>() {
        let (quotient, _) = floor(vm, micros, other.total_micros())?;
        return Ok(int::from_i128(vm, quotient));
    }
    let Some(n) = int::view(b) else { return Ok(Object::NOT_IMPLEMENTED) };
    if n.is_zero() {
        return Err(zero_division(vm));
    }
    let quotient = BigInt::from(micros).floor_div(&n.to_big()).map_err(|e| int::error(vm, e))?;
    span_of_big(vm, &quotient)?.to_object(vm)
}

/// Quotient rounded down, and rest.
fn floor(vm: &Vm, a: i128, b: i128) -> Result<(i128, i128)> {
    if b == 0 {
        return Err(zero_division(vm));
    }
    let (quotient, rest) = (a / b, a % b);
    Ok(if rest != 0 && (rest < 0) != (b < 0) { (quotient - 1, rest + b) } else { (quotient, rest) })
}

fn modulo(vm: &Vm, a: &Object, b: &Object) -> Result {
    let Some((x, y)) = both(a, b) else { return Ok(Object::NOT_IMPLEMENTED) };
    let (_, rest) = floor(vm, x.total_micros(), y.total_micros())?;
    span_of_micros(vm, rest)?.to_object(vm)
}

fn div_mod(vm: &Vm, a: &Object, b: &Object) -> Result {
    let Some((x, y)) = both(a, b) else { return Ok(Object::NOT_IMPLEMENTED) };
    let (quotient, rest) = floor(vm, x.total_micros(), y.total_micros())?;
    let rest = span_of_micros(vm, rest)?.to_object(vm)?;
    Ok(tuple::pair(vm, int::from_i128(vm, quotient), rest))
}
