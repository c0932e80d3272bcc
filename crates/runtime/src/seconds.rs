//! Numbers of seconds as the system wants them: floats and ints as nanoseconds,
//! rounded the way the caller asks.

use crate::prelude::*;
use crate::types::{float, int};

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

pub fn round(x: f64, rounding: Rounding) -> f64 {
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

/// ValueError if it is no number.
pub fn no_nan(vm: &Vm, x: f64) -> Result<()> {
    if x.is_nan() { Err(vm.value_error("Invalid value NaN (not a number)")) } else { Ok(()) }
}

/// Does the float fit into a C `time_t`?
pub fn in_time_t(x: f64) -> bool {
    (-9223372036854775808.0..9223372036854775808.0).contains(&x)
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
