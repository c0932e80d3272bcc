//! The formats of ISO 8601: writing them, and reading all of those that
//! CPython reads.

use super::calendar;
use super::date::{Day, iso_ordinal};
use super::delta::Delta;
use super::time::Clock;
use super::zone;
use std::borrow::Cow;
use taipan_runtime::prelude::*;

// ---- writing ------------------------------------------------------------------------------

/// Writes a number in all the digits there are room for.
fn digits(out: &mut [u8], mut n: u32) {
    for place in out.iter_mut().rev() {
        *place = b'0' + (n % 10) as u8;
        n /= 10;
    }
}

/// `YYYY-MM-DD`.
pub fn write_day(out: &mut [u8; 10], day: Day) {
    digits(&mut out[..4], day.year as u32);
    out[4] = b'-';
    digits(&mut out[5..7], day.month as u32);
    out[7] = b'-';
    digits(&mut out[8..], day.day as u32);
}

/// How much of a time is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    Hours,
    Minutes,
    Seconds,
    Millis,
    Micros,
}

impl Precision {
    /// Of the name in Python; None given: seconds, and microseconds if there are any.
    pub fn of(vm: &Vm, name: Option<&Str>, clock: Clock) -> Result<Precision> {
        let auto = if clock.micros == 0 { Precision::Seconds } else { Precision::Micros };
        let Some(name) = name else { return Ok(auto) };
        Ok(match name.as_ascii() {
            Some("auto") => auto,
            Some("hours") => Precision::Hours,
            Some("minutes") => Precision::Minutes,
            Some("seconds") => Precision::Seconds,
            Some("milliseconds") => Precision::Millis,
            Some("microseconds") => Precision::Micros,
            _ => return Err(vm.value_error("Unknown timespec value")),
        })
    }
}

/// A time as text, and its length.
pub fn write_clock(out: &mut [u8; 15], clock: Clock, precision: Precision) -> usize {
    digits(&mut out[..2], clock.hour as u32);
    out[2] = b':';
    digits(&mut out[3..5], clock.minute as u32);
    out[5] = b':';
    digits(&mut out[6..8], clock.second as u32);
    out[8] = b'.';
    match precision {
        Precision::Hours => 2,
        Precision::Minutes => 5,
        Precision::Seconds => 8,
        Precision::Millis => {
            digits(&mut out[9..12], clock.micros / 1000);
            12
        }
        Precision::Micros => {
            digits(&mut out[9..], clock.micros);
            15
        }
    }
}

// ---- reading ------------------------------------------------------------------------------

/// Bytes of UTF-8 that are read from the front.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn number(&mut self, places: usize) -> Option<i32> {
        if self.0.len() < places {
            return None;
        }
        let (digits, rest) = self.0.split_at(places);
        let mut n = 0;
        for &c in digits {
            if !c.is_ascii_digit() {
                return None;
            }
            n = n * 10 + (c - b'0') as i32;
        }
        self.0 = rest;
        Some(n)
    }
    fn take(&mut self, what: u8) -> bool {
        match self.0.split_first() {
            Some((&c, rest)) if c == what => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }
}

/// A date as it was written.
enum Written {
    Day(i32, i32, i32),
    Week(i32, i32, i32),
}

fn read_date(text: &[u8]) -> Option<Written> {
    let mut reader = Reader(text);
    let year = reader.number(4)?;
    let dashes = reader.take(b'-');
    if reader.take(b'W') {
        let week = reader.number(2)?;
        let mut day = 1;
        if !reader.0.is_empty() {
            if dashes && !reader.take(b'-') {
                return None;
            }
            day = reader.number(1)?;
        }
        return Some(Written::Week(year, week, day));
    }
    let month = reader.number(2)?;
    if dashes && !reader.take(b'-') {
        return None;
    }
    let day = reader.number(2)?;
    // CPython does not look at what follows.
    Some(Written::Day(year, month, day))
}

#[cold]
fn invalid(vm: &Vm, text: &Object) -> Raised {
    match vm.repr(text) {
        Ok(shown) => {
            let mut message = taipan_runtime::types::str::Builder::new();
            message.push_str("Invalid isoformat string: ");
            message.push_object(&shown);
            vm.error_with(&exc::VALUE_ERROR, vec![message.finish(vm)])
        }
        Err(raised) => raised,
    }
}

fn argument<'a>(vm: &Vm, object: &'a Object) -> Result<&'a Str> {
    match object.downcast::<Str>() {
        Some(text) => Ok(text),
        None => Err(vm.type_error("fromisoformat: argument must be str")),
    }
}

/// UTF-8; None if there are lone surrogates.
fn utf8(text: &Str) -> Option<Cow<'_, [u8]>> {
    text.to_utf8().map(|text| match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    })
}

/// What is written, where "invalid" is the word for whatever does not exist.
fn to_day(vm: &Vm, text: &Object, written: Written) -> Result<(i32, i32, i32)> {
    match written {
        Written::Day(year, month, day) => Ok((year, month, day)),
        Written::Week(year, week, day) => match calendar::iso_to_ordinal(year, week, day) {
            Ok(_) => Ok(calendar::from_ordinal(iso_ordinal(vm, year, week, day)?)),
            Err(_) => Err(invalid(vm, text)),
        },
    }
}

/// A date alone.
pub fn date(vm: &Vm, object: &Object) -> Result<Day> {
    let text = argument(vm, object)?;
    let written = match text.len() {
        7..=10 => {
            utf8(text).filter(|text| matches!(text.len(), 7 | 8 | 10)).and_then(|text| read_date(&text))
        }
        _ => None,
    };
    let Some(written) = written else { return Err(invalid(vm, object)) };
    let (year, month, day) = to_day(vm, object, written)?;
    Day::new(vm, year, month, day)
}

/// Hour, minute, second, microsecond.
type Parts = [i32; 4];

/// `HH[:MM[:SS[.f...]]]` with or without colons. As in CPython, a time that an
/// offset follows may have one more character at its end, and anything behind six
/// digits of the fraction.
fn read_parts(text: &[u8], offset_follows: bool) -> Option<Parts> {
    let ends = |reader: &Reader| match reader.0 {
        [] => true,
        [c] => offset_follows && *c != b'.' && *c != b',',
        _ => false,
    };
    let mut reader = Reader(text);
    let mut parts = [0; 4];
    parts[0] = reader.number(2)?;
    let colons = reader.0.first().is_some_and(|&c| c == b':');
    for part in &mut parts[1..3] {
        if ends(&reader) {
            return Some(parts);
        }
        if colons && !reader.take(b':') {
            return None;
        }
        *part = reader.number(2)?;
    }
    if ends(&reader) {
        return Some(parts);
    }
    // Without colons, a fraction of some digits needs no point, either.
    if !reader.take(b'.') && !reader.take(b',') && (colons || reader.0.len() < 2) {
        return None;
    }
    let places = reader.0.len().min(6);
    if places == 0 {
        return None;
    }
    parts[3] = reader.number(places)? * 10i32.pow(6 - places as u32);
    // What is finer than a microsecond is cut off.
    if offset_follows || reader.0.iter().all(|&c| c.is_ascii_digit()) { Some(parts) } else { None }
}

/// A time and the offset behind it, if there is one.
fn read_time(text: &[u8]) -> Option<(Parts, Option<Delta>)> {
    let Some(at) = text.iter().position(|&c| c == b'+' || c == b'-' || c == b'Z') else {
        return Some((read_parts(text, false)?, None));
    };
    let parts = read_parts(&text[..at], true)?;
    let zone = &text[at + 1..];
    if text[at] == b'Z' {
        return if zone.is_empty() { Some((parts, Some(Delta::ZERO))) } else { None };
    }
    let [hours, minutes, seconds, micros] = read_parts(zone, false)?;
    let sign = if text[at] == b'-' { -1 } else { 1 };
    let seconds = hours as i64 * 3600 + minutes as i64 * 60 + seconds as i64;
    Some((parts, Some(Delta::of_seconds(sign * seconds, sign * micros as i64))))
}

/// The time of day, its zone, and whether it is the end of the day.
fn to_time(vm: &Vm, parts: Parts, offset: Option<Delta>) -> Result<(Clock, Object, bool)> {
    let [mut hour, minute, second, micros] = parts;
    let midnight = hour == 24;
    if midnight {
        if (minute, second, micros) != (0, 0, 0) {
            return Err(vm.value_error("minute, second, and microsecond must be 0 when hour is 24"));
        }
        hour = 0;
    }
    let zone = match offset {
        Some(delta) => zone::of_delta(vm, delta)?,
        None => Object::NONE,
    };
    Ok((Clock::new(vm, hour, minute, second, micros)?, zone, midnight))
}

/// A time alone.
pub fn time(vm: &Vm, object: &Object) -> Result<(Clock, Object)> {
    let text = utf8(argument(vm, object)?);
    let parts = text.as_deref().and_then(|text| read_time(text.strip_prefix(b"T").unwrap_or(text)));
    let Some((parts, offset)) = parts else { return Err(invalid(vm, object)) };
    let (clock, zone, _) = to_time(vm, parts, offset)?;
    Ok((clock, zone))
}

/// How long the date at the beginning of a text of at least seven characters is.
fn date_length(text: &[u8]) -> Option<usize> {
    let len = text.len();
    if len == 7 {
        return Some(7);
    }
    if text[4] == b'-' {
        if text[5] != b'W' {
            return Some(10);
        }
        if len == 9 && text[8] == b'-' {
            return None;
        }
        let with_day = len > 8 && text[8] == b'-' && !(len > 10 && text[10].is_ascii_digit());
        return Some(if with_day { 10 } else { 8 });
    }
    if text[4] != b'W' {
        return Some(8);
    }
    // Times have digits in pairs: an odd one belongs to the date.
    let end = text[7..].iter().position(|&c| !c.is_ascii_digit()).map_or(len, |n| n + 7);
    Some(if end < 9 {
        end
    } else if end % 2 == 0 {
        7
    } else {
        8
    })
}

/// A date, and a time behind any separator.
pub fn datetime(vm: &Vm, object: &Object) -> Result<(Day, Clock, Object)> {
    let text = argument(vm, object)?;
    if text.len() < 7 {
        return Err(invalid(vm, object));
    }
    // Any character may separate the two, even a lone surrogate.
    let text = utf8(text).or_else(|| {
        let mut chars = text.to_code_points();
        let place =
            [7, 8, 10].into_iter().find(|&i| chars.get(i).is_some_and(|c| (0xd800..0xe000).contains(c)))?;
        chars[place] = 'T' as u32;
        chars
            .into_iter()
            .map(char::from_u32)
            .collect::<Option<String>>()
            .map(|text| Cow::Owned(text.into_bytes()))
    });
    let Some(text) = text else { return Err(invalid(vm, object)) };
    let Some(at) = date_length(&text).filter(|&at| at <= text.len()) else { return Err(invalid(vm, object)) };
    let Some(written) = read_date(&text[..at]) else { return Err(invalid(vm, object)) };
    let behind = at + 1 + text.iter().skip(at + 1).take_while(|&&c| c & 0xc0 == 0x80).count();
    let time = match text.get(behind..) {
        Some([]) => None,
        Some(rest) => read_time(rest),
        None => Some(([0; 4], None)),
    };
    let ymd = match &written {
        Written::Week(..) => Some(to_day(vm, object, written)?),
        Written::Day(year, month, day) => Some((*year, *month, *day)),
    };
    let (Some(ymd), Some((parts, offset))) = (ymd, time) else { return Err(invalid(vm, object)) };
    let zone = match offset {
        Some(delta) => zone::of_delta(vm, delta)?,
        None => Object::NONE,
    };
    if parts[0] != 24 {
        let day = Day::new(vm, ymd.0, ymd.1, ymd.2)?;
        let (clock, _, _) = to_time(vm, parts, None)?;
        return Ok((day, clock, zone));
    }
    // The end of a day is the beginning of the next one, for CPython also that of day 0.
    let (clock, _, _) = to_time(vm, parts, None)?;
    if ymd.2 == 0 {
        return Ok((Day::new(vm, ymd.0, ymd.1, 1)?, clock, zone));
    }
    let day = Day::new(vm, ymd.0, ymd.1, ymd.2)?;
    match Day::from_ordinal(day.ordinal() + 1) {
        Some(next) => Ok((next, clock, zone)),
        None => Err(vm.value_error("year must be in 1..9999, not 10000")),
    }
}
