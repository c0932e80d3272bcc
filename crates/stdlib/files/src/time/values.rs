//! Numbers of seconds as the system wants them: floats and ints, rounded the
//! way the caller asks, in nanoseconds or as (seconds, nanoseconds).

use taipan_runtime::prelude::*;
use taipan_runtime::seconds::{in_time_t, no_nan, round};
use taipan_runtime::types::{float, int};

pub use taipan_runtime::seconds::{NS, Rounding, nanoseconds, to_seconds};

fn too_large_for_time_t(vm: &Vm) -> Raised {
    vm.overflow_error("timestamp out of range for platform time_t")
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
