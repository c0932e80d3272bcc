//! `time`: a time of day, perhaps in a time zone.

use super::arguments::{Fields, c_int, class_of, exactly, given_or, int_or};
use super::date::{dunder_replace, state};
use super::delta::{DAY_MICROS, Delta, SECOND_MICROS};
use super::iso::{self, Precision};
use super::{formatting, zone};
use std::cell::Cell;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, this};
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::str::{self, Builder};

/// A time of day.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Clock {
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
    pub micros: u32,
}

impl Clock {
    pub const MAX: Clock = Clock { hour: 23, minute: 59, second: 59, micros: 999_999 };

    /// ValueError if there is no such time.
    #[inline]
    pub fn new(vm: &Vm, hour: i32, minute: i32, second: i32, micros: i32) -> Result<Clock> {
        let wrong = |what: &str, most: i32, n: i32| {
            Err(vm.value_error(format!("{what} must be in 0..{most}, not {n}")))
        };
        if !(0..24).contains(&hour) {
            return wrong("hour", 23, hour);
        }
        if !(0..60).contains(&minute) {
            return wrong("minute", 59, minute);
        }
        if !(0..60).contains(&second) {
            return wrong("second", 59, second);
        }
        if !(0..1_000_000).contains(&micros) {
            return wrong("microsecond", 999_999, micros);
        }
        Ok(Clock { hour: hour as u8, minute: minute as u8, second: second as u8, micros: micros as u32 })
    }
    /// Of microseconds since midnight, less than a day.
    pub fn from_micros(micros: i64) -> Clock {
        let (seconds, micros) = ((micros / SECOND_MICROS) as i32, micros % SECOND_MICROS);
        Clock {
            hour: (seconds / 3600) as u8,
            minute: (seconds / 60 % 60) as u8,
            second: (seconds % 60) as u8,
            micros: micros as u32,
        }
    }
    pub fn seconds(self) -> i64 {
        self.hour as i64 * 3600 + self.minute as i64 * 60 + self.second as i64
    }
    /// Microseconds since midnight.
    #[inline]
    pub fn to_micros(self) -> i64 {
        self.seconds() * SECOND_MICROS + self.micros as i64
    }
    pub fn bytes(self) -> [u8; 6] {
        let [_, a, b, c] = self.micros.to_be_bytes();
        [self.hour, self.minute, self.second, a, b, c]
    }
    /// A time from the bytes of a pickle, the flag of `fold` taken out; there need
    /// not be such a time.
    pub fn from_bytes([hour, minute, second, a, b, c]: [u8; 6]) -> Clock {
        Clock { hour, minute, second, micros: u32::from_be_bytes([0, a, b, c]) }
    }
    /// `hour, minute[, second[, microsecond]]`, as reprs show it.
    pub fn shown(self) -> String {
        let mut text = format!("{}, {}", self.hour, self.minute);
        if self.second != 0 || self.micros != 0 {
            text += &format!(", {}", self.second);
        }
        if self.micros != 0 {
            text += &format!(", {}", self.micros);
        }
        text
    }
}

/// `fold` is 0 or 1.
pub fn check_fold(vm: &Vm, fold: i32) -> Result<u8> {
    match fold {
        0 | 1 => Ok(fold as u8),
        _ => Err(vm.value_error(format!("fold must be either 0 or 1, not {fold}"))),
    }
}

/// Payload of time.
pub struct Time {
    /// -1: not computed yet.
    hash: Cell<i64>,
    pub clock: Clock,
    fold: Cell<u8>,
    /// None: naive.
    pub tzinfo: Object,
}

impl NativeClass for Time {
    fn class() -> &'static Type {
        &TIME
    }
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit_object(&self.tzinfo);
    }
}

fn clock_of(object: &Object) -> Clock {
    this::<Time>(object).clock
}

pub static TIME: Type = Type::new::<Time>(
    "datetime.time",
    &OBJECT,
    type_flags::BASE,
    Slots {
        new: Some(time_new),
        hash: Some(hash),
        compare: Some(compare),
        ..Slots::EMPTY.repr(repr).str(|vm, time| vm.call_method(time, "isoformat", &[]))
    },
    &[
        MethodDef::raw("strptime($type, string, format, /)", |vm, args, kwnames| {
            formatting::strptime(vm, "_strptime_datetime_time", args, kwnames)
        }, "string, format -> new time parsed from a string (like time.strptime()).").class_method(),
        MethodDef::raw("isoformat($self, timespec='auto')", isoformat, "Return string in ISO 8601 format, [HH[:MM[:SS[.mmm[uuu]]]]][+HH:MM].\n\nThe optional argument timespec specifies the number of additional terms\nof the time to include. Valid options are 'auto', 'hours', 'minutes',\n'seconds', 'milliseconds' and 'microseconds'.\n"),
        MethodDef { hide_signature: true, ..MethodDef::new("strftime($self, /, format)", formatting::strftime, "format -> strftime() style string.") },
        MethodDef::raw("__format__($self, format, /)", formatting::dunder_format, "Formats self with strftime."),
        MethodDef::new("utcoffset($self, /)", |vm, args| zone::utc_offset_object(vm, &this::<Time>(&args[0]).tzinfo, &Object::NONE), "Return self.tzinfo.utcoffset(self)."),
        MethodDef::new("tzname($self, /)", |vm, args| zone::name(vm, &this::<Time>(&args[0]).tzinfo, &Object::NONE), "Return self.tzinfo.tzname(self)."),
        MethodDef::new("dst($self, /)", |vm, args| zone::dst_object(vm, &this::<Time>(&args[0]).tzinfo, &Object::NONE), "Return self.tzinfo.dst(self)."),
        MethodDef::new("replace($self, /, hour=unchanged, minute=unchanged, second=unchanged,\n        microsecond=unchanged, tzinfo=unchanged, *, fold=unchanged)", replace, "Return time with new specified fields."),
        MethodDef::raw("__replace__($self, /, **changes)", dunder_replace, "The same as replace()."),
        MethodDef::new("fromisoformat($type, object, /)", |vm, args| {
            let (clock, zone) = iso::time(vm, &args[1])?;
            subclass(vm, class_of(&args[0]), clock, zone, 0)
        }, "string -> time from a string in ISO 8601 format").class_method(),
        MethodDef::raw("__reduce_ex__($self, proto, /)", |vm, args, kwnames| {
            let given = exactly(vm, "__reduce_ex__", 1, args, kwnames)?;
            let protocol = c_int(vm, &given[0])?;
            Ok(reduce(vm, &args[0], protocol))
        }, "__reduce_ex__(proto) -> (cls, state)"),
        MethodDef::new("__reduce__($self, /)", |vm, args| Ok(reduce(vm, &args[0], 2)), "__reduce__() -> (cls, state)"),
    ],
    &[
        GetSetDef::new("hour", |vm, time| Ok(vm.int(clock_of(time).hour as i64))),
        GetSetDef::new("minute", |vm, time| Ok(vm.int(clock_of(time).minute as i64))),
        GetSetDef::new("second", |vm, time| Ok(vm.int(clock_of(time).second as i64))),
        GetSetDef::new("microsecond", |vm, time| Ok(vm.int(clock_of(time).micros as i64))),
        GetSetDef::new("tzinfo", |_, time| Ok(this::<Time>(time).tzinfo.clone())),
        GetSetDef::new("fold", |vm, time| Ok(vm.int(this::<Time>(time).fold.get() as i64))),
    ],
)
.with_doc("time([hour[, minute[, second[, microsecond[, tzinfo]]]]]) --> a time object\n\nAll arguments are optional. tzinfo may be None, or an instance of\na tzinfo subclass. The remaining arguments may be ints.\n");

fn payload(clock: Clock, tzinfo: Object, fold: u8) -> Time {
    Time { hash: Cell::new(-1), clock, fold: Cell::new(fold), tzinfo }
}

/// A time object, not of a subclass.
pub fn object(vm: &Vm, clock: Clock, tzinfo: Object, fold: u8) -> Object {
    vm.alloc(&TIME, payload(clock, tzinfo, fold))
}

/// A time of a class that may be a subclass, which is called then.
fn subclass(vm: &Vm, class: &Type, clock: Clock, tzinfo: Object, fold: u8) -> Result {
    if class.is(&TIME) {
        return Ok(object(vm, clock, tzinfo, fold));
    }
    let mut args: Vec<Object> = [clock.hour as u32, clock.minute as u32, clock.second as u32, clock.micros]
        .iter()
        .map(|&n| vm.int(n as i64))
        .collect();
    args.push(tzinfo);
    let made = vm.call(&class.to_object(), &args)?;
    if let Some(time) = made.downcast::<Time>() {
        time.fold.set(fold);
    }
    Ok(made)
}

impl Time {
    pub fn fold(&self) -> u8 {
        self.fold.get()
    }
}

// ---- construction -------------------------------------------------------------------------

static FIELDS: Fields<6> = Fields {
    function: "",
    names: ["hour", "minute", "second", "microsecond", "tzinfo", "fold"],
    required: 0,
    positional: 5,
};

fn time_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    if let [argument, rest @ ..] = args
        && !argument.is_int()
        && kwnames.is_empty()
        && rest.len() <= 1
        && let Some(mut bytes) = state::<6>(vm, argument, "time", |b| b[0] & 0x7f < 24)?
    {
        let tzinfo = state_zone(vm, rest)?;
        let fold = bytes[0] >> 7;
        bytes[0] &= 0x7f;
        let clock = Clock::from_bytes(bytes);
        return allocate(vm, class, payload(clock, tzinfo, fold));
    }
    let [hour, minute, second, micros, tzinfo, fold] = FIELDS.bind(vm, args, kwnames)?;
    let (hour, minute) = (int_or(vm, hour, 0)?, int_or(vm, minute, 0)?);
    let (second, micros) = (int_or(vm, second, 0)?, int_or(vm, micros, 0)?);
    let fold = int_or(vm, fold, 0)?;
    if let Some(tzinfo) = tzinfo {
        zone::check_zone(vm, tzinfo)?;
    }
    let clock = Clock::new(vm, hour, minute, second, micros)?;
    let fold = check_fold(vm, fold)?;
    allocate(vm, class, payload(clock, tzinfo.cloned().unwrap_or(Object::NONE), fold))
}

/// The time zone of a pickle.
pub fn state_zone(vm: &Vm, rest: &[Object]) -> Result<Object> {
    match rest.first() {
        None => Ok(Object::NONE),
        Some(zone) if zone.is_none() || zone.is_instance_of(&zone::TZINFO) => Ok(zone.clone()),
        Some(_) => Err(vm.type_error("bad tzinfo state arg")),
    }
}

// ---- slots --------------------------------------------------------------------------------

fn hash(vm: &Vm, object: &Object) -> Result<i64> {
    let time = this::<Time>(object);
    if time.hash.get() == -1 {
        // Both times of a fold are equal, so that their hashes must be; the zone is
        // asked about a time only, which it may not tell from others.
        let hash = match zone::utc_offset(vm, &time.tzinfo, &Object::NONE)? {
            None => str::hash_bytes(vm, &time.clock.bytes()),
            Some(offset) => Delta::of_seconds(time.clock.seconds(), time.clock.micros as i64)
                .minus(offset)
                .checked(vm)?
                .hash(vm)?,
        };
        time.hash.set(hash);
    }
    Ok(time.hash.get())
}

fn compare(vm: &Vm, a: &Object, b: &Object, op: CompareOp) -> Result {
    let (Some(x), Some(y)) = (a.downcast::<Time>(), b.downcast::<Time>()) else {
        return Ok(Object::NOT_IMPLEMENTED);
    };
    let plain = || Ok(Object::bool(op.holds(Some(x.clock.cmp(&y.clock)))));
    if x.tzinfo.is(y.tzinfo.value()) {
        return plain();
    }
    let first = zone::utc_offset(vm, &x.tzinfo, &Object::NONE)?;
    let second = zone::utc_offset(vm, &y.tzinfo, &Object::NONE)?;
    match (first, second) {
        (p, q) if p == q => plain(),
        (Some(p), Some(q)) => {
            let at = |clock: Clock, offset: Delta| {
                (clock.seconds() - offset.whole_seconds(), clock.micros as i64 - offset.micros as i64)
            };
            let (p, q) = (at(x.clock, p), at(y.clock, q));
            let total = |t: (i64, i64)| t.0 * SECOND_MICROS + t.1;
            Ok(Object::bool(op.holds(Some(total(p).cmp(&total(q))))))
        }
        _ => match op {
            CompareOp::Eq => Ok(Object::FALSE),
            CompareOp::Ne => Ok(Object::TRUE),
            _ => Err(vm.type_error("can't compare offset-naive and offset-aware times")),
        },
    }
}

fn repr(vm: &Vm, object: &Object) -> Result {
    let time = this::<Time>(object);
    let mut out = Builder::new();
    out.push_str(&format!("{}({}", object.ty().full_name(), time.clock.shown()));
    if !time.tzinfo.is_none() {
        out.push_str(", tzinfo=");
        out.push_object(&vm.repr(&time.tzinfo)?);
    }
    out.push_str(if time.fold.get() != 0 { ", fold=1)" } else { ")" });
    Ok(out.finish(vm))
}

// ---- methods ------------------------------------------------------------------------------

static ISO_FIELDS: Fields<1> =
    Fields { function: "isoformat", names: ["timespec"], required: 0, positional: 1 };

fn isoformat(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let [timespec] = ISO_FIELDS.bind(vm, &args[1..], kwnames)?;
    let timespec = timespec.map(|name| super::arguments::text(vm, "isoformat", 1, name)).transpose()?;
    let time = this::<Time>(&args[0]);
    let precision = Precision::of(vm, timespec, time.clock)?;
    let mut text = [0; 15];
    let length = iso::write_clock(&mut text, time.clock, precision);
    match zone::utc_offset(vm, &time.tzinfo, &Object::NONE)? {
        None => Ok(str::from_ascii(vm, &text[..length])),
        Some(offset) => {
            let mut text = text[..length].to_vec();
            text.extend_from_slice(zone::offset_text(offset, ":").as_bytes());
            Ok(str::from_ascii(vm, &text))
        }
    }
}

fn replace(vm: &Vm, args: &[Object]) -> Result {
    let time = this::<Time>(&args[0]);
    let old = time.clock;
    let hour = given_or(vm, &args[1], old.hour as i32)?;
    let minute = given_or(vm, &args[2], old.minute as i32)?;
    let second = given_or(vm, &args[3], old.second as i32)?;
    let micros = given_or(vm, &args[4], old.micros as i32)?;
    let fold = given_or(vm, &args[6], time.fold.get() as i32)?;
    let tzinfo = args[5].bound().unwrap_or(&time.tzinfo);
    zone::check_zone(vm, tzinfo)?;
    let clock = Clock::new(vm, hour, minute, second, micros)?;
    let fold = check_fold(vm, fold)?;
    subclass(vm, args[0].ty(), clock, tzinfo.clone(), fold)
}

fn reduce(vm: &Vm, object: &Object, protocol: i32) -> Object {
    let time = this::<Time>(object);
    let mut bytes = time.clock.bytes();
    if protocol > 3 && time.fold.get() != 0 {
        bytes[0] |= 0x80;
    }
    zone::pair_state(vm, object.ty(), vm.bytes(&bytes), &time.tzinfo)
}

const _: () = assert!(DAY_MICROS == 86_400 * SECOND_MICROS);
