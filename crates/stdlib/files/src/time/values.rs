//! Numbers of seconds as the system wants them: floats and ints, rounded the
//! way the caller asks, in nanoseconds or as (seconds, nanoseconds).

use taipan_runtime::prelude::*;
use taipan_runtime::types::{float, int};

pub const NS: i64 = 1_000_000_000;

/// How to round what is between two units.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    Floor,
    Ceiling,
    HalfEven,
    /// Away from zero: timeouts never end early.
    Up,
}

fn round(x: f64, rounding: Rounding) -> f64 {
    match rounding {
        Rounding::Floor => x.floor(),
        Rounding::Ceiling => x.ceil(),
        Rounding::HalfEven => x.round_ties_even(),
        Rounding::Up => {
            if x < 0.0 {
                x.floor()
            } else {
                x.ceil()
            }
        }
    }
}

fn too_large_for_time_t(vm: &Vm) -> Raised {
    vm.overflow_error("timestamp out of range for platform time_t")
}

fn no_nan(vm: &Vm, x: f64) -> Result<()> {
    if x.is_nan() { Err(vm.value_error("Invalid value NaN (not a number)")) } else { Ok(()) }
}

/// A time as (seconds, nanoseconds), nanoseconds in 0..NS, rounded down.
pub fn timespec(vm: &Vm, object: &Object) -> Result<(i64, i64)> {
    split(vm, object, 1e9, Rounding::Floor)
}

/// Seconds and a fraction in units of 1/`units`.
pub fn split(vm: &Vm, object: &Object, units: f64, rounding: Rounding) -> Result<(i64, i64)> {
    if let Some(x) = float::as_f64(object) {
        no_nan(vm, x)?;
        let mut whole = x.trunc();
        let mut part = round((x - whole) * units, rounding);
        if part >= units {
            part -= units;
            whole += 1.0;
        } else if part < 0.0 {
            part += units;
            whole -= 1.0;
        }
        if !in_time_t(whole) {
            return Err(too_large_for_time_t(vm));
        }
        return Ok((whole as i64, part as i64));
    }
    Ok((seconds_int(vm, object, "argument must be int or float")?, 0))
}

fn in_time_t(x: f64) -> bool {
    (-9223372036854775808.0..9223372036854775808.0).contains(&x)
}

/// An int of seconds.
fn seconds_int(vm: &Vm, object: &Object, wrong: &str) -> Result<i64> {
    if !vm.is_index(object) {
        if wrong.is_empty() {
            return Err(vm.type_error_of(object, "cannot be interpreted as an integer"));
        }
        return Err(vm.type_error(format!("{wrong}, not {}", object.ty().name())));
    }
    let index = vm.index(object)?;
    int::to_i64(&index).ok_or_else(|| too_large_for_time_t(vm))
}

/// Whole seconds, rounded down.
pub fn time_t(vm: &Vm, object: &Object) -> Result<i64> {
    if let Some(x) = float::as_f64(object) {
        no_nan(vm, x)?;
        let x = x.floor();
        if !in_time_t(x) {
            return Err(too_large_for_time_t(vm));
        }
        return Ok(x as i64);
    }
    seconds_int(vm, object, "")
}

/// A duration in nanoseconds.
pub fn nanoseconds(vm: &Vm, object: &Object, rounding: Rounding) -> Result<i64> {
    let too_large = || vm.overflow_error("timestamp out of range for C PyTime_t");
    if let Some(x) = float::as_f64(object) {
        no_nan(vm, x)?;
        let x = round(x * 1e9, rounding);
        if !in_time_t(x) {
            return Err(too_large());
        }
        return Ok(x as i64);
    }
    if !vm.is_index(object) {
        return Err(vm.type_error_of(object, "cannot be interpreted as an integer or float"));
    }
    let index = vm.index(object)?;
    int::to_i64(&index).and_then(|s| s.checked_mul(NS)).ok_or_else(too_large)
}

/// Nanoseconds as seconds, rounded once.
pub fn to_seconds(ns: i64) -> f64 {
    if ns % NS == 0 { (ns / NS) as f64 } else { ns as f64 / 1e9 }
}
