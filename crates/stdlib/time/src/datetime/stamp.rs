//! `datetime`: a day and a time of day, perhaps in a time zone.
//!
//! Arithmetic is in `arithmetic`; the way from and to time stamps in `epoch`.

use super::arguments::{Fields, c_int, class_of, convert_early, exactly, given_or, int_or, text};
use super::arithmetic;
use super::calendar;
use super::date::{DATE, Date, Day, dunder_replace, out_of_range, state};
use super::delta::{DAY_MICROS, Delta, TIMEDELTA};
use super::epoch;
use super::iso::{self, Precision};
use super::time::{self, Clock, TIME, Time, check_fold, state_zone};
use super::{formatting, zone};
use std::cell::Cell;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, bad_argument, this};
use taipan_runtime::types::str::{self, Builder};

/// Payload of datetime.
#[repr(C)]
pub struct DateTime {
    pub date: Date,
    pub clock: Clock,
    fold: Cell<u8>,
    /// None: naive.
    pub tzinfo: Object,
}

impl NativeClass for DateTime {
    fn class() -> &'static Type {
        &DATETIME
    }
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit_object(&self.tzinfo);
    }
}

impl DateTime {
    pub fn day(&self) -> Day {
        self.date.day
    }
    pub fn fold(&self) -> u8 {
        self.fold.get()
    }
    pub fn set_fold(&self, fold: u8) {
        self.fold.set(fold);
    }
    pub fn hms(&self) -> (u8, u8, u8) {
        (self.clock.hour, self.clock.minute, self.clock.second)
    }
    /// Seconds since the beginning of the calendar, without regard to the zone.
    pub fn local_seconds(&self) -> i64 {
        self.day().ordinal() * calendar::DAY_SECONDS + self.clock.seconds()
    }
    fn bytes(&self) -> [u8; 10] {
        let mut bytes = [0; 10];
        bytes[..4].copy_from_slice(&self.day().bytes());
        bytes[4..].copy_from_slice(&self.clock.bytes());
        bytes
    }
}

fn stamp_of(object: &Object) -> &DateTime {
    this(object)
}

pub static DATETIME: Type = Type::new::<DateTime>(
    "datetime.datetime",
    &DATE,
    type_flags::BASE,
    Slots {
        new: Some(stamp_new),
        hash: Some(hash),
        compare: Some(arithmetic::compare),
        ..Slots::EMPTY
            .repr(repr)
            .str(|vm, stamp| vm.call_method(stamp, "isoformat", &[vm.str(" ")]))
            .binary(BinaryOp::Add, arithmetic::add)
            .binary(BinaryOp::Sub, arithmetic::subtract)
    },
    &[
        MethodDef::new("now($type, /, tz=None)", |vm, args| epoch::now(vm, class_of(&args[0]), &args[1]), "Returns new datetime object representing current time local to tz.\n\n  tz\n    Timezone object.\n\nIf no tz is specified, uses local timezone.").class_method(),
        MethodDef::new("utcnow($type, /)", |vm, args| epoch::utcnow(vm, class_of(&args[0])), "Return a new datetime representing UTC day and time.").class_method(),
        MethodDef::raw("fromtimestamp($type, timestamp, tz=None)", |vm, args, kwnames| {
            static FIELDS: Fields<2> = Fields { function: "fromtimestamp", names: ["timestamp", "tz"], required: 1, positional: 2 };
            let [timestamp, tz] = FIELDS.bind(vm, &args[1..], kwnames)?;
            epoch::from_timestamp(vm, class_of(&args[0]), timestamp.unwrap_or(&Object::NONE), tz.unwrap_or(&Object::NONE))
        }, "timestamp[, tz] -> tz's local time from POSIX timestamp.").class_method(),
        MethodDef::raw("utcfromtimestamp($type, timestamp, /)", |vm, args, kwnames| {
            let given = exactly(vm, "utcfromtimestamp", 1, args, kwnames)?;
            epoch::utc_from_timestamp(vm, class_of(&args[0]), &given[0])
        }, "Construct a naive UTC datetime from a POSIX timestamp.").class_method(),
        MethodDef::raw("strptime($type, string, format, /)", |vm, args, kwnames| {
            formatting::strptime(vm, "_strptime_datetime_datetime", args, kwnames)
        }, "string, format -> new datetime parsed from a string (like time.strptime()).").class_method(),
        MethodDef::raw("combine($type, date, time, tzinfo=<unset>)", combine, "date, time -> datetime with same date and time fields").class_method(),
        MethodDef::new("fromisoformat($type, object, /)", |vm, args| {
            let (day, clock, zone) = iso::datetime(vm, &args[1])?;
            subclass(vm, class_of(&args[0]), day, clock, zone, 0)
        }, "string -> datetime from a string in most ISO 8601 formats").class_method(),
        MethodDef::new("date($self, /)", |vm, args| Ok(super::date::object(vm, stamp_of(&args[0]).day())), "Return date object with same year, month and day."),
        MethodDef::new("time($self, /)", |vm, args| {
            let stamp = stamp_of(&args[0]);
            Ok(time::object(vm, stamp.clock, Object::NONE, stamp.fold()))
        }, "Return time object with same time but with tzinfo=None."),
        MethodDef::new("timetz($self, /)", |vm, args| {
            let stamp = stamp_of(&args[0]);
            Ok(time::object(vm, stamp.clock, stamp.tzinfo.clone(), stamp.fold()))
        }, "Return time object with same time and tzinfo."),
        MethodDef::new("ctime($self, /)", |vm, args| {
            let stamp = stamp_of(&args[0]);
            Ok(formatting::ctime(vm, stamp.day(), stamp.hms()))
        }, "Return ctime() style string."),
        MethodDef::new("timetuple($self, /)", |vm, args| {
            let stamp = stamp_of(&args[0]);
            let dst = zone::dst(vm, &stamp.tzinfo, &args[0])?.map_or(-1, |dst| !dst.is_zero() as i32);
            formatting::struct_time(vm, stamp.day(), stamp.hms(), dst)
        }, "Return time tuple, compatible with time.localtime()."),
        MethodDef::new("timestamp($self, /)", epoch::timestamp, "Return POSIX timestamp as float."),
        MethodDef::new("utctimetuple($self, /)", |vm, args| {
            let stamp = stamp_of(&args[0]);
            let (day, clock) = match zone::utc_offset(vm, &stamp.tzinfo, &args[0])? {
                Some(offset) => moved(stamp, offset, -1).ok_or_else(|| out_of_range(vm))?,
                None => (stamp.day(), stamp.clock),
            };
            formatting::struct_time(vm, day, (clock.hour, clock.minute, clock.second), 0)
        }, "Return UTC time tuple, compatible with time.localtime()."),
        MethodDef::raw("isoformat($self, sep='T', timespec='auto')", isoformat, "[sep] -> string in ISO 8601 format, YYYY-MM-DDT[HH[:MM[:SS[.mmm[uuu]]]]][+HH:MM].\nsep is used to separate the year from the time, and defaults to 'T'.\nThe optional argument timespec specifies the number of additional terms\nof the time to include. Valid options are 'auto', 'hours', 'minutes',\n'seconds', 'milliseconds' and 'microseconds'.\n"),
        MethodDef::new("utcoffset($self, /)", |vm, args| zone::utc_offset_object(vm, &stamp_of(&args[0]).tzinfo, &args[0]), "Return self.tzinfo.utcoffset(self)."),
        MethodDef::new("tzname($self, /)", |vm, args| zone::name(vm, &stamp_of(&args[0]).tzinfo, &args[0]), "Return self.tzinfo.tzname(self)."),
        MethodDef::new("dst($self, /)", |vm, args| zone::dst_object(vm, &stamp_of(&args[0]).tzinfo, &args[0]), "Return self.tzinfo.dst(self)."),
        MethodDef::new("replace($self, /, year=unchanged, month=unchanged, day=unchanged,\n        hour=unchanged, minute=unchanged, second=unchanged,\n        microsecond=unchanged, tzinfo=unchanged, *, fold=unchanged)", replace, "Return datetime with new specified fields."),
        MethodDef::raw("__replace__($self, /, **changes)", dunder_replace, "The same as replace()."),
        MethodDef::raw("astimezone($self, tz=None)", |vm, args, kwnames| {
            static FIELDS: Fields<1> = Fields { function: "astimezone", names: ["tz"], required: 0, positional: 1 };
            let [tz] = FIELDS.bind(vm, &args[1..], kwnames)?;
            epoch::as_timezone(vm, &args[0], tz.unwrap_or(&Object::NONE))
        }, "tz -> convert to local time in new timezone tz\n"),
        MethodDef::raw("__reduce_ex__($self, proto, /)", |vm, args, kwnames| {
            let given = exactly(vm, "__reduce_ex__", 1, args, kwnames)?;
            let protocol = c_int(vm, &given[0])?;
            Ok(reduce(vm, &args[0], protocol))
        }, "__reduce_ex__(proto) -> (cls, state)"),
        MethodDef::new("__reduce__($self, /)", |vm, args| Ok(reduce(vm, &args[0], 2)), "__reduce__() -> (cls, state)"),
    ],
    &[
        GetSetDef::new("hour", |vm, stamp| Ok(vm.int(stamp_of(stamp).clock.hour as i64))),
        GetSetDef::new("minute", |vm, stamp| Ok(vm.int(stamp_of(stamp).clock.minute as i64))),
        GetSetDef::new("second", |vm, stamp| Ok(vm.int(stamp_of(stamp).clock.second as i64))),
        GetSetDef::new("microsecond", |vm, stamp| Ok(vm.int(stamp_of(stamp).clock.micros as i64))),
        GetSetDef::new("tzinfo", |_, stamp| Ok(stamp_of(stamp).tzinfo.clone())),
        GetSetDef::new("fold", |vm, stamp| Ok(vm.int(stamp_of(stamp).fold() as i64))),
    ],
)
.with_doc("datetime(year, month, day[, hour[, minute[, second[, microsecond[,tzinfo]]]]])\n\nThe year, month and day arguments are required. tzinfo may be None, or an\ninstance of a tzinfo subclass. The remaining arguments may be ints.\n");

#[inline]
fn payload(day: Day, clock: Clock, tzinfo: Object, fold: u8) -> DateTime {
    DateTime { date: Date::new(day), clock, fold: Cell::new(fold), tzinfo }
}

/// A datetime object, not of a subclass.
#[inline]
pub fn object(vm: &Vm, day: Day, clock: Clock, tzinfo: Object, fold: u8) -> Object {
    vm.alloc(&DATETIME, payload(day, clock, tzinfo, fold))
}

/// A datetime of a class that may be a subclass, which is called then.
pub fn subclass(vm: &Vm, class: &Type, day: Day, clock: Clock, tzinfo: Object, fold: u8) -> Result {
    if class.is(&DATETIME) {
        return Ok(object(vm, day, clock, tzinfo, fold));
    }
    let mut args = day.objects(vm).to_vec();
    args.extend(
        [clock.hour as u32, clock.minute as u32, clock.second as u32, clock.micros].map(|n| vm.int(n as i64)),
    );
    args.push(tzinfo);
    let made = vm.call(&class.to_object(), &args)?;
    if let Some(stamp) = made.downcast::<DateTime>() {
        stamp.set_fold(fold);
    }
    Ok(made)
}

/// The day and the time after a duration (before it, if the sign is -1).
pub fn moved(stamp: &DateTime, delta: Delta, sign: i64) -> Option<(Day, Clock)> {
    let micros = delta.seconds as i64 * 1_000_000 + delta.micros as i64;
    let clock = stamp.clock.to_micros() + sign * micros;
    let ordinal = stamp.day().ordinal() + sign * delta.days as i64 + clock.div_euclid(DAY_MICROS);
    let day = if ordinal == stamp.day().ordinal() { stamp.day() } else { Day::from_ordinal(ordinal)? };
    Some((day, Clock::from_micros(clock.rem_euclid(DAY_MICROS))))
}

/// `object + delta` or `object - delta`.
pub fn shifted(vm: &Vm, object: &Object, stamp: &DateTime, delta: Delta, sign: i64) -> Result {
    match moved(stamp, delta, sign) {
        Some((day, clock)) => subclass(vm, object.ty(), day, clock, stamp.tzinfo.clone(), 0),
        None => Err(out_of_range(vm)),
    }
}

// ---- construction -------------------------------------------------------------------------

static FIELDS: Fields<9> = Fields {
    function: "",
    names: ["year", "month", "day", "hour", "minute", "second", "microsecond", "tzinfo", "fold"],
    required: 3,
    positional: 8,
};

fn stamp_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    if let [argument, rest @ ..] = args
        && !argument.is_int()
        && kwnames.is_empty()
        && rest.len() <= 1
        && let Some(bytes) = state::<10>(vm, argument, "datetime", |b| (1..=12).contains(&(b[2] & 0x7f)))?
    {
        let tzinfo = state_zone(vm, rest)?;
        let [a, b, month, d, clock @ ..] = bytes;
        let day = Day::from_bytes([a, b, month & 0x7f, d]);
        let clock = Clock::from_bytes(clock);
        return allocate(vm, class, payload(day, clock, tzinfo, month >> 7));
    }
    convert_early(vm, args, kwnames, FIELDS.required)?;
    let [year, month, day, hour, minute, second, micros, tzinfo, fold] = FIELDS.bind(vm, args, kwnames)?;
    let (year, month, day) = (int_or(vm, year, 0)?, int_or(vm, month, 0)?, int_or(vm, day, 0)?);
    let (hour, minute) = (int_or(vm, hour, 0)?, int_or(vm, minute, 0)?);
    let (second, micros) = (int_or(vm, second, 0)?, int_or(vm, micros, 0)?);
    let fold = int_or(vm, fold, 0)?;
    if let Some(tzinfo) = tzinfo {
        zone::check_zone(vm, tzinfo)?;
    }
    let day = Day::new(vm, year, month, day)?;
    let clock = Clock::new(vm, hour, minute, second, micros)?;
    let fold = check_fold(vm, fold)?;
    allocate(vm, class, payload(day, clock, tzinfo.cloned().unwrap_or(Object::NONE), fold))
}

fn combine(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    static FIELDS: Fields<3> =
        Fields { function: "combine", names: ["date", "time", "tzinfo"], required: 2, positional: 3 };
    let [date, time, tzinfo] = FIELDS.bind(vm, &args[1..], kwnames)?;
    let none = Object::NONE;
    let (date, time) = (date.unwrap_or(&none), time.unwrap_or(&none));
    let Some(day) = date.downcast::<Date>().map(|date| date.day) else {
        return Err(bad_argument(vm, "combine", "argument 1", DATE.full_name(), date));
    };
    let Some(time) = time.downcast::<Time>() else {
        return Err(bad_argument(vm, "combine", "argument 2", TIME.full_name(), time));
    };
    let tzinfo = tzinfo.unwrap_or(&time.tzinfo);
    zone::check_zone(vm, tzinfo)?;
    subclass(vm, class_of(&args[0]), day, time.clock, tzinfo.clone(), time.fold())
}

// ---- slots --------------------------------------------------------------------------------

fn hash(vm: &Vm, object: &Object) -> Result<i64> {
    let stamp = stamp_of(object);
    if stamp.date.hash.get() == -1 {
        // Both times of a fold are equal, so that their hashes must be.
        let offset = if stamp.fold() == 0 {
            zone::utc_offset(vm, &stamp.tzinfo, object)?
        } else {
            let first = self::object(vm, stamp.day(), stamp.clock, stamp.tzinfo.clone(), 0);
            zone::utc_offset(vm, &stamp.tzinfo, &first)?
        };
        let hash = match offset {
            None => str::hash_bytes(vm, &stamp.bytes()),
            Some(offset) => {
                let local = Delta {
                    days: stamp.day().ordinal() as i32,
                    seconds: stamp.clock.seconds() as i32,
                    micros: stamp.clock.micros as i32,
                };
                local.minus(offset).checked(vm)?.hash(vm)?
            }
        };
        stamp.date.hash.set(hash);
    }
    Ok(stamp.date.hash.get())
}

fn repr(vm: &Vm, object: &Object) -> Result {
    let stamp = stamp_of(object);
    let (year, month, day) = stamp.day().triple();
    let mut out = Builder::new();
    out.push_str(&format!("{}({year}, {month}, {day}, {}", object.ty().full_name(), stamp.clock.shown()));
    if stamp.fold() != 0 {
        out.push_str(", fold=1");
    }
    if !stamp.tzinfo.is_none() {
        out.push_str(", tzinfo=");
        out.push_object(&vm.repr(&stamp.tzinfo)?);
    }
    out.push_str(")");
    Ok(out.finish(vm))
}

// ---- methods ------------------------------------------------------------------------------

fn isoformat(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    static FIELDS: Fields<2> =
        Fields { function: "isoformat", names: ["sep", "timespec"], required: 0, positional: 2 };
    let [separator, timespec] = FIELDS.bind(vm, &args[1..], kwnames)?;
    let separator = match separator {
        None => 'T' as u32,
        Some(object) => match object.downcast::<Str>() {
            Some(text) if text.len() == 1 => text.char_at(0),
            Some(text) => {
                return Err(vm.type_error(format!(
                    "isoformat() argument 1 must be a unicode character, not a string of length {}",
                    text.len()
                )));
            }
            None => return Err(bad_argument(vm, "isoformat", "argument 1", "a unicode character", object)),
        },
    };
    let timespec = timespec.map(|name| text(vm, "isoformat", 2, name)).transpose()?;
    let stamp = stamp_of(&args[0]);
    let precision = Precision::of(vm, timespec, stamp.clock)?;
    let (mut day, mut clock) = ([0; 10], [0; 15]);
    iso::write_day(&mut day, stamp.day());
    let length = iso::write_clock(&mut clock, stamp.clock, precision);
    let offset = zone::utc_offset(vm, &stamp.tzinfo, &args[0])?;
    let mut all = [0; 26];
    all[..10].copy_from_slice(&day);
    all[10] = separator as u8;
    all[11..11 + length].copy_from_slice(&clock[..length]);
    let all = &all[..11 + length];
    if separator < 0x80 && offset.is_none() {
        return Ok(str::from_ascii(vm, all));
    }
    let mut out = Builder::with_capacity(40);
    out.push_latin1(&all[..10]);
    out.push_char(separator);
    out.push_latin1(&all[11..]);
    if let Some(offset) = offset {
        out.push_str(&zone::offset_text(offset, ":"));
    }
    Ok(out.finish(vm))
}

fn replace(vm: &Vm, args: &[Object]) -> Result {
    let stamp = stamp_of(&args[0]);
    let (year, month, day) = stamp.day().triple();
    let old = stamp.clock;
    let year = given_or(vm, &args[1], year)?;
    let month = given_or(vm, &args[2], month)?;
    let day = given_or(vm, &args[3], day)?;
    let hour = given_or(vm, &args[4], old.hour as i32)?;
    let minute = given_or(vm, &args[5], old.minute as i32)?;
    let second = given_or(vm, &args[6], old.second as i32)?;
    let micros = given_or(vm, &args[7], old.micros as i32)?;
    let fold = given_or(vm, &args[9], stamp.fold() as i32)?;
    let tzinfo = args[8].bound().unwrap_or(&stamp.tzinfo);
    zone::check_zone(vm, tzinfo)?;
    let day = Day::new(vm, year, month, day)?;
    let clock = Clock::new(vm, hour, minute, second, micros)?;
    let fold = check_fold(vm, fold)?;
    subclass(vm, args[0].ty(), day, clock, tzinfo.clone(), fold)
}

fn reduce(vm: &Vm, object: &Object, protocol: i32) -> Object {
    let stamp = stamp_of(object);
    let mut bytes = stamp.bytes();
    if protocol > 3 && stamp.fold() != 0 {
        bytes[2] |= 0x80;
    }
    zone::pair_state(vm, object.ty(), vm.bytes(&bytes), &stamp.tzinfo)
}

/// The class attributes of datetime.
pub fn limits(vm: &Vm) -> [(&'static str, Object); 3] {
    [
        ("min", object(vm, Day::MIN, Clock::default(), Object::NONE, 0)),
        ("max", object(vm, Day::MAX, Clock::MAX, Object::NONE, 0)),
        ("resolution", vm.alloc(&TIMEDELTA, Delta::RESOLUTION)),
    ]
}
