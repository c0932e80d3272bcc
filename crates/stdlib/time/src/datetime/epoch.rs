//! Datetimes and the clock of the system: seconds since 1970, local time and
//! its changes, the way from one time zone to another.

use super::arithmetic;
use super::calendar::{DAY_SECONDS, EPOCH_ORDINAL};
use super::date::{Day, check_year};
use super::delta::{Delta, SECOND_MICROS};
use super::stamp::{self, DateTime};
use super::time::Clock;
use super::zone;
use taipan_host::{clock, libc};
use taipan_runtime::prelude::*;
use taipan_runtime::seconds::{self, Rounding};
use taipan_runtime::support::this;
use taipan_runtime::types::{float, int};

/// Seconds before 1970, counted as `DateTime::local_seconds` does.
const EPOCH: i64 = EPOCH_ORDINAL * DAY_SECONDS;
/// No change of local time is longer than a day.
const MAX_FOLD: i64 = DAY_SECONDS;

/// Seconds and microseconds since 1970 of an int or a float.
fn time_value(vm: &Vm, object: &Object) -> Result<(i64, i64)> {
    let too_large = || vm.overflow_error("timestamp out of range for platform time_t");
    if let Some(x) = float::as_f64(object) {
        seconds::no_nan(vm, x)?;
        let mut whole = x.trunc();
        let mut micros = seconds::round(x.fract() * 1e6, Rounding::HalfEven);
        if micros >= 1e6 {
            micros -= 1e6;
            whole += 1.0;
        } else if micros < 0.0 {
            micros += 1e6;
            whole -= 1.0;
        }
        if !seconds::in_time_t(whole) {
            return Err(too_large());
        }
        return Ok((whole as i64, micros as i64));
    }
    if !vm.is_index(object) {
        return Err(vm.type_error(format!("argument must be int or float, not {}", object.ty().full_name())));
    }
    let index = vm.index(object)?;
    int::to_i64(&index).map(|seconds| (seconds, 0)).ok_or_else(too_large)
}

fn clock_now(vm: &Vm) -> Result<(i64, i64)> {
    match clock::now(libc::CLOCK_REALTIME) {
        Ok((seconds, ns)) => Ok((seconds, ns / 1000)),
        Err(e) => Err(vm.os_error(e.0, None)),
    }
}

/// Seconds since 1970 as UTC.
fn utc(vm: &Vm, seconds: i64, micros: i64) -> Result<(Day, Clock)> {
    let days = seconds.div_euclid(DAY_SECONDS);
    if let Some(day) = Day::from_ordinal(days + EPOCH_ORDINAL) {
        let of_day = seconds.rem_euclid(DAY_SECONDS);
        return Ok((day, Clock::from_micros(of_day * SECOND_MICROS + micros)));
    }
    // Only to name the year.
    match clock::utc(seconds) {
        Ok(t) => check_year(vm, t.year.saturating_add(1900))?,
        Err(e) => return Err(vm.os_error(e.0, None)),
    }
    Err(vm.value_error("year is out of range"))
}

/// By how many seconds local time is ahead at a time since 1970.
fn local_offset(vm: &Vm, seconds: i64) -> Result<i64> {
    clock::local_offset(seconds).map_err(|e| vm.os_error(e.0, None))
}

/// Local time on the same scale, of a time on the scale of `local_seconds`.
fn local(vm: &Vm, seconds: i64) -> Result<i64> {
    let shown = seconds + local_offset(vm, seconds - EPOCH)?;
    if Day::from_ordinal(shown.div_euclid(DAY_SECONDS)).is_none() {
        utc(vm, shown - EPOCH, 0)?;
    }
    Ok(shown)
}

/// The datetime of a point of time in local time, second occurrence or not.
fn in_local_time(vm: &Vm, class: &Type, seconds: i64, micros: i64) -> Result {
    let offset = local_offset(vm, seconds)?;
    let (day, clock) = utc(vm, seconds.saturating_add(offset), micros)?;
    let mut fold = 0;
    if seconds - MAX_FOLD > -EPOCH {
        // Did the clock go back during the last day, beyond what it shows now?
        let gone_back = offset - local_offset(vm, seconds - MAX_FOLD)?;
        if gone_back < 0 && gone_back + local_offset(vm, seconds + gone_back)? == offset {
            fold = 1;
        }
    }
    stamp::subclass(vm, class, day, clock, Object::NONE, fold)
}

fn of_time(vm: &Vm, class: &Type, (seconds, micros): (i64, i64), tz: &Object) -> Result {
    if tz.is_none() {
        return in_local_time(vm, class, seconds, micros);
    }
    let (day, clock) = utc(vm, seconds, micros)?;
    let made = stamp::subclass(vm, class, day, clock, tz.clone(), 0)?;
    zone::convert(vm, tz, made)
}

pub fn now(vm: &Vm, class: &Type, tz: &Object) -> Result {
    zone::check_zone(vm, tz)?;
    of_time(vm, class, clock_now(vm)?, tz)
}

pub fn from_timestamp(vm: &Vm, class: &Type, timestamp: &Object, tz: &Object) -> Result {
    zone::check_zone(vm, tz)?;
    of_time(vm, class, time_value(vm, timestamp)?, tz)
}

fn deprecated(vm: &Vm, function: &str, instead: &str) -> Result<()> {
    vm.warn(
        &exc::DEPRECATION_WARNING,
        &format!(
            "datetime.datetime.{function}() is deprecated and scheduled for removal in a future version. Use timezone-aware objects to represent datetimes in UTC: {instead}."
        ),
        1,
    )
}

pub fn utcnow(vm: &Vm, class: &Type) -> Result {
    deprecated(vm, "utcnow", "datetime.datetime.now(datetime.UTC)")?;
    let (seconds, micros) = clock_now(vm)?;
    let (day, clock) = utc(vm, seconds, micros)?;
    stamp::subclass(vm, class, day, clock, Object::NONE, 0)
}

pub fn utc_from_timestamp(vm: &Vm, class: &Type, timestamp: &Object) -> Result {
    deprecated(vm, "utcfromtimestamp", "datetime.datetime.fromtimestamp(timestamp, datetime.UTC)")?;
    let (seconds, micros) = time_value(vm, timestamp)?;
    let (day, clock) = utc(vm, seconds, micros)?;
    stamp::subclass(vm, class, day, clock, Object::NONE, 0)
}

/// Seconds since 1970 of what a local clock shows.
fn from_local(vm: &Vm, shown: i64, fold: bool) -> Result<i64> {
    // Two guesses at the offset, on both sides of a change that may be near.
    let a = local(vm, shown)? - shown;
    let first = shown - a;
    let second;
    if local(vm, first)? == shown {
        // One solution; another one if the clock was put back.
        let probe = if fold { first + MAX_FOLD } else { first - MAX_FOLD };
        let b = local(vm, probe)? - probe;
        if a == b {
            return Ok(first - EPOCH);
        }
        second = shown - b;
    } else {
        second = shown - (local(vm, first)? - first);
    }
    if local(vm, second)? == shown {
        return Ok(second - EPOCH);
    }
    if local(vm, first)? == shown {
        return Ok(first - EPOCH);
    }
    // The clock never showed this: it was put forward.
    Ok(if fold { first.min(second) } else { first.max(second) } - EPOCH)
}

/// The local time zone at what a local clock shows. What it never showed, as it was
/// put forward, is taken for the time before if `fold` is 0, for the time after if 1.
fn local_zone(vm: &Vm, stamp: &DateTime) -> Result {
    let (shown, fold) = (stamp.local_seconds(), stamp.fold() != 0);
    let mut seconds = from_local(vm, shown, fold)?;
    let other = from_local(vm, shown, !fold)?;
    if other != seconds && (other > seconds) == fold {
        seconds = other;
    }
    zone::local_at(vm, seconds)
}

/// `datetime(1970, 1, 1, tzinfo=timezone.utc)`.
fn epoch(vm: &Vm) -> Object {
    stamp::object(vm, Day { year: 1970, month: 1, day: 1 }, Clock::default(), zone::utc(vm), 0)
}

pub fn timestamp(vm: &Vm, args: &[Object]) -> Result {
    let stamp = this::<DateTime>(&args[0]);
    if stamp.tzinfo.is_none() {
        let seconds = from_local(vm, stamp.local_seconds(), stamp.fold() != 0)?;
        return Ok(vm.float(seconds as f64 + stamp.clock.micros as f64 / 1e6));
    }
    let epoch = epoch(vm);
    let delta = arithmetic::difference(vm, &args[0], stamp, &epoch, this(&epoch))?;
    vm.call_method(&delta.object(vm), "total_seconds", &[])
}

pub fn as_timezone(vm: &Vm, object: &Object, tz: &Object) -> Result {
    zone::check_zone(vm, tz)?;
    let stamp = this::<DateTime>(object);
    let mut own = stamp.tzinfo.clone();
    if own.is_none() {
        own = local_zone(vm, stamp)?;
    }
    if own.is(tz.value()) {
        return Ok(object.clone());
    }
    let offset = match zone::utc_offset(vm, &own, object)? {
        Some(offset) => offset,
        None => {
            // A zone that does not know is no zone.
            own = local_zone(vm, stamp)?;
            if own.is(tz.value()) {
                return Ok(object.clone());
            }
            zone::utc_offset(vm, &own, object)?.unwrap_or(Delta::ZERO)
        }
    };
    let Some((day, clock)) = stamp::moved(stamp, offset, -1) else {
        return Err(super::date::out_of_range(vm));
    };
    let target = if tz.is_none() {
        let seconds = day.ordinal() * DAY_SECONDS + clock.seconds() - EPOCH;
        zone::local_at(vm, seconds)?
    } else {
        tz.clone()
    };
    let made = stamp::subclass(vm, object.ty(), day, clock, target.clone(), 0)?;
    zone::convert(vm, &target, made)
}
