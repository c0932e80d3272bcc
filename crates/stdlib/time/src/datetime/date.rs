//! `date`, and what `isocalendar()` returns.

use super::arguments::{Fields, c_int, class_of, convert_early, exactly, given_or, int_or};
use super::calendar::{self, IsoError, MAX_ORDINAL, MAX_YEAR, MIN_YEAR};
use super::delta::{Delta, Span};
use super::stamp::{self, DATETIME, DateTime};
use super::{formatting, iso, zone};
use std::cell::Cell;
use taipan_host::clock;
use taipan_runtime::native::Sig;
use taipan_runtime::prelude::*;
use taipan_runtime::seconds;
use taipan_runtime::support::{allocate, this};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::{float, int, str, tuple};

/// A day of the calendar of Python's years.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day {
    pub year: u16,
    pub month: u8,
    pub day: u8,
}

impl Day {
    pub const MIN: Day = Day { year: 1, month: 1, day: 1 };
    pub const MAX: Day = Day { year: 9999, month: 12, day: 31 };

    /// ValueError if there is no such day.
    #[inline]
    pub fn new(vm: &Vm, year: i32, month: i32, day: i32) -> Result<Day> {
        let known =
            (MIN_YEAR..=MAX_YEAR).contains(&year) && day >= 1 && day <= calendar::days_in_month(year, month);
        if known {
            return Ok(Day { year: year as u16, month: month as u8, day: day as u8 });
        }
        check_year(vm, year)?;
        Err(vm.value_error(match calendar::days_in_month(year, month) {
            0 => format!("month must be in 1..12, not {month}"),
            most => format!("day {day} must be in range 1..{most} for month {month} in year {year}"),
        }))
    }
    /// None if the ordinal is beyond the calendar.
    pub fn from_ordinal(ordinal: i64) -> Option<Day> {
        if !(1..=MAX_ORDINAL as i64).contains(&ordinal) {
            return None;
        }
        let (year, month, day) = calendar::from_ordinal(ordinal as i32);
        Some(Day { year: year as u16, month: month as u8, day: day as u8 })
    }
    pub fn triple(self) -> (i32, i32, i32) {
        (self.year as i32, self.month as i32, self.day as i32)
    }
    #[inline]
    pub fn ordinal(self) -> i64 {
        let (year, month, day) = self.triple();
        calendar::to_ordinal(year, month, day) as i64
    }
    /// Monday is 0.
    pub fn weekday(self) -> i32 {
        let (year, month, day) = self.triple();
        calendar::weekday(year, month, day)
    }
    pub fn of_year(self) -> i32 {
        calendar::days_before_month(self.year as i32, self.month as i32) + self.day as i32
    }
    pub fn bytes(self) -> [u8; 4] {
        [(self.year >> 8) as u8, self.year as u8, self.month, self.day]
    }
    /// A day from the bytes of a pickle, of which only the month has been looked at:
    /// there need not be such a day.
    pub fn from_bytes([high, low, month, day]: [u8; 4]) -> Day {
        Day { year: u16::from_be_bytes([high, low]), month, day }
    }
    pub fn objects(self, vm: &Vm) -> [Object; 3] {
        [vm.int(self.year as i64), vm.int(self.month as i64), vm.int(self.day as i64)]
    }
}

pub fn check_year(vm: &Vm, year: i32) -> Result<()> {
    if (MIN_YEAR..=MAX_YEAR).contains(&year) {
        return Ok(());
    }
    Err(vm.value_error(format!("year must be in {MIN_YEAR}..{MAX_YEAR}, not {year}")))
}

#[cold]
pub fn out_of_range(vm: &Vm) -> Raised {
    vm.overflow_error("date value out of range")
}

/// Payload of date, and the first part of that of datetime.
#[repr(C)]
pub struct Date {
    /// -1: not computed yet.
    pub hash: Cell<i64>,
    pub day: Day,
}

impl Date {
    pub fn new(day: Day) -> Date {
        Date { hash: Cell::new(-1), day }
    }
}

impl NativeClass for Date {
    fn class() -> &'static Type {
        &DATE
    }
}

fn day_of(object: &Object) -> Day {
    this::<Date>(object).day
}

pub static DATE: Type = Type::new::<Date>(
    "datetime.date",
    &OBJECT,
    type_flags::BASE,
    Slots {
        new: Some(date_new),
        hash: Some(|vm, date| {
            let date = this::<Date>(date);
            if date.hash.get() == -1 {
                date.hash.set(str::hash_bytes(vm, &date.day.bytes()));
            }
            Ok(date.hash.get())
        }),
        compare: Some(|_, a, b, op| {
            let (Some(x), Some(y)) = (a.downcast::<Date>(), b.downcast::<Date>()) else {
                return Ok(Object::NOT_IMPLEMENTED);
            };
            if a.downcast::<DateTime>().is_some() || b.downcast::<DateTime>().is_some() {
                return Ok(Object::NOT_IMPLEMENTED);
            }
            Ok(Object::bool(op.holds(Some(x.day.cmp(&y.day)))))
        }),
        ..Slots::EMPTY
            .repr(|vm, date| {
                let (year, month, day) = day_of(date).triple();
                Ok(vm.str(&format!("{}({year}, {month}, {day})", date.ty().full_name())))
            })
            .str(|vm, date| vm.call_method(date, "isoformat", &[]))
            .binary(BinaryOp::Add, add)
            .binary(BinaryOp::Sub, subtract)
    },
    &[
        MethodDef::new("fromtimestamp($type, timestamp, /)", |vm, args| from_timestamp(vm, class_of(&args[0]), &args[1]), "Create a date from a POSIX timestamp.\n\nThe timestamp is a number, e.g. created via time.time(), that is\ninterpreted as local time.").class_method(),
        MethodDef::raw("fromordinal($type, ordinal, /)", |vm, args, kwnames| {
            let given = exactly(vm, "fromordinal", 1, args, kwnames)?;
            let ordinal = c_int(vm, &given[0])?;
            if ordinal < 1 {
                return Err(vm.value_error("ordinal must be >= 1"));
            }
            let (year, month, day) = calendar::from_ordinal(ordinal);
            subclass(vm, class_of(&args[0]), Day::new(vm, year, month, day)?)
        }, "int -> date corresponding to a proleptic Gregorian ordinal.").class_method(),
        MethodDef::new("fromisoformat($type, object, /)", |vm, args| {
            let day = iso::date(vm, &args[1])?;
            subclass(vm, class_of(&args[0]), day)
        }, "str -> Construct a date from a string in ISO 8601 format.").class_method(),
        MethodDef { hide_signature: true, ..MethodDef::new("fromisocalendar($type, year, week, day)", from_iso_calendar, "int, int, int -> Construct a date from the ISO year, week number and weekday.\n\nThis is the inverse of the date.isocalendar() function") }.class_method(),
        MethodDef::raw("strptime($type, string, format, /)", |vm, args, kwnames| {
            formatting::strptime(vm, "_strptime_datetime_date", args, kwnames)
        }, "string, format -> new date parsed from a string (like time.strptime()).").class_method(),
        MethodDef::new("today($type, /)", today, "Current date or datetime:  same as self.__class__.fromtimestamp(time.time()).").class_method(),
        MethodDef::new("ctime($self, /)", |vm, args| Ok(formatting::ctime(vm, day_of(&args[0]), (0, 0, 0))), "Return ctime() style string."),
        MethodDef { hide_signature: true, ..MethodDef::new("strftime($self, /, format)", formatting::strftime, "format -> strftime() style string.") },
        MethodDef::raw("__format__($self, format, /)", formatting::dunder_format, "Formats self with strftime."),
        MethodDef::new("timetuple($self, /)", |vm, args| formatting::struct_time(vm, day_of(&args[0]), (0, 0, 0), -1), "Return time tuple, compatible with time.localtime()."),
        MethodDef::new("isocalendar($self, /)", |vm, args| {
            let (year, month, day) = day_of(&args[0]).triple();
            let (year, week, weekday) = calendar::iso_calendar(year, month, day);
            let items = [year, week, weekday].map(|n| vm.int(n as i64));
            tuple::try_from_vec(vm, &ISO_CALENDAR_DATE, items.to_vec()).ok_or_else(|| vm.memory_error())
        }, "Return a named tuple containing ISO year, week number, and weekday."),
        MethodDef::new("isoformat($self, /)", |vm, args| {
            let mut text = [0; 10];
            iso::write_day(&mut text, day_of(&args[0]));
            Ok(str::from_ascii(vm, &text))
        }, "Return string in ISO 8601 format, YYYY-MM-DD."),
        MethodDef::new("isoweekday($self, /)", |vm, args| Ok(vm.int(day_of(&args[0]).weekday() as i64 + 1)), "Return the day of the week represented by the date.\nMonday == 1 ... Sunday == 7"),
        MethodDef::new("toordinal($self, /)", |vm, args| Ok(vm.int(day_of(&args[0]).ordinal())), "Return proleptic Gregorian ordinal.  January 1 of year 1 is day 1."),
        MethodDef::new("weekday($self, /)", |vm, args| Ok(vm.int(day_of(&args[0]).weekday() as i64)), "Return the day of the week represented by the date.\nMonday == 0 ... Sunday == 6"),
        MethodDef::new("replace($self, /, year=unchanged, month=unchanged, day=unchanged)", replace, "Return date with new specified fields."),
        MethodDef::raw("__replace__($self, /, **changes)", dunder_replace, "The same as replace()."),
        MethodDef::new("__reduce__($self, /)", |vm, args| {
            let data = vm.bytes(&day_of(&args[0]).bytes());
            Ok(zone::pair_state(vm, args[0].ty(), data, &Object::NONE))
        }, "__reduce__() -> (cls, state)"),
    ],
    &[
        GetSetDef::new("year", |vm, date| Ok(vm.int(day_of(date).year as i64))),
        GetSetDef::new("month", |vm, date| Ok(vm.int(day_of(date).month as i64))),
        GetSetDef::new("day", |vm, date| Ok(vm.int(day_of(date).day as i64))),
    ],
)
.with_doc("date(year, month, day) --> date object");

/// A date object, not of a subclass.
pub fn object(vm: &Vm, day: Day) -> Object {
    vm.alloc(&DATE, Date::new(day))
}

/// A date of a class that may be a subclass, which is called then.
pub fn subclass(vm: &Vm, class: &Type, day: Day) -> Result {
    if class.is(&DATE) {
        Ok(object(vm, day))
    } else if class.is(&DATETIME) {
        Ok(stamp::object(vm, day, Default::default(), Object::NONE, 0))
    } else {
        vm.call(&class.to_object(), &day.objects(vm))
    }
}

// ---- construction -------------------------------------------------------------------------

static FIELDS: Fields<3> =
    Fields { function: "", names: ["year", "month", "day"], required: 3, positional: 3 };

/// The bytes of a state that a pickle gives to a constructor: bytes of this
/// length, or a string of as many characters that were bytes in Python 2.
pub fn state<const N: usize>(
    vm: &Vm,
    argument: &Object,
    class: &str,
    check: fn(&[u8; N]) -> bool,
) -> Result<Option<[u8; N]>> {
    if let Some(bytes) = argument.downcast::<Bytes>() {
        return Ok(<[u8; N]>::try_from(bytes.as_slice()).ok().filter(check));
    }
    let Some(text) = argument.downcast::<Str>().filter(|text| text.len() == N) else { return Ok(None) };
    let mut bytes = [0; N];
    let mut fits = true;
    for (byte, c) in bytes.iter_mut().zip(text.chars()) {
        *byte = u8::try_from(c).unwrap_or(u8::MAX);
        fits &= c < 256;
    }
    if !fits && check(&bytes) {
        return Err(vm.value_error(format!("Failed to encode latin1 string when unpickling a {class} object. pickle.load(data, encoding='latin1') is assumed.")));
    }
    Ok(Some(bytes).filter(check))
}

fn date_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    if let [argument] = args
        && !argument.is_int()
        && let Some(bytes) = state::<4>(vm, argument, "date", |b| (1..=12).contains(&b[2]))?
    {
        return allocate(vm, class, Date::new(Day::from_bytes(bytes)));
    }
    convert_early(vm, args, kwnames, FIELDS.required)?;
    let [year, month, day] = FIELDS.bind(vm, args, kwnames)?;
    let year = int_or(vm, year, 0)?;
    let month = int_or(vm, month, 0)?;
    let day = int_or(vm, day, 0)?;
    let day = Day::new(vm, year, month, day)?;
    allocate(vm, class, Date::new(day))
}

/// Seconds since 1970 of an int or a float, rounded down.
fn whole_seconds(vm: &Vm, object: &Object) -> Result<i64> {
    let too_large = || vm.overflow_error("timestamp out of range for platform time_t");
    if let Some(x) = float::as_f64(object) {
        seconds::no_nan(vm, x)?;
        let x = x.floor();
        return if seconds::in_time_t(x) { Ok(x as i64) } else { Err(too_large()) };
    }
    let index = vm.index(object)?;
    int::to_i64(&index).ok_or_else(too_large)
}

/// The local time of seconds since 1970; ValueError if the year is none of Python's.
pub fn local_time(vm: &Vm, seconds: i64) -> Result<clock::BrokenDown> {
    match clock::local(seconds) {
        Ok(local) => Ok(local),
        Err(e) => Err(vm.os_error(e.0, None)),
    }
}

fn from_timestamp(vm: &Vm, class: &Type, timestamp: &Object) -> Result {
    let local = local_time(vm, whole_seconds(vm, timestamp)?)?;
    let day = Day::new(vm, local.year.saturating_add(1900), local.mon + 1, local.mday)?;
    subclass(vm, class, day)
}

fn today(vm: &Vm, args: &[Object]) -> Result {
    let class = class_of(&args[0]);
    let time = vm.import_module("time")?;
    let now = vm.call_method(&time, "time", &[])?;
    if class.is(&DATE) {
        return from_timestamp(vm, class, &now);
    }
    vm.call_method(&args[0], "fromtimestamp", &[now])
}

fn from_iso_calendar(vm: &Vm, args: &[Object]) -> Result {
    let mut numbers = [0; 3];
    for (number, object) in numbers.iter_mut().zip(&args[1..]) {
        *number = match c_int(vm, object) {
            Ok(n) => n,
            Err(raised) if vm.raised_is(&exc::OVERFLOW_ERROR) => {
                drop(vm.caught(raised));
                return Err(vm.value_error("ISO calendar component out of range"));
            }
            Err(raised) => return Err(raised),
        };
    }
    let [year, week, day] = numbers;
    let ordinal = iso_ordinal(vm, year, week, day)?;
    let (year, month, day) = calendar::from_ordinal(ordinal);
    subclass(vm, class_of(&args[0]), Day::new(vm, year, month, day)?)
}

/// The ordinal of a day of the ISO calendar.
pub fn iso_ordinal(vm: &Vm, year: i32, week: i32, day: i32) -> Result<i32> {
    calendar::iso_to_ordinal(year, week, day).map_err(|e| match e {
        IsoError::Year => vm.value_error(format!("year must be in {MIN_YEAR}..{MAX_YEAR}, not {year}")),
        IsoError::Week => vm.value_error(format!("Invalid week: {week}")),
        IsoError::Day => vm.value_error(format!("Invalid weekday: {day} (range is [1, 7])")),
    })
}

// ---- methods ------------------------------------------------------------------------------

fn replace(vm: &Vm, args: &[Object]) -> Result {
    let old = day_of(&args[0]);
    let year = given_or(vm, &args[1], old.year as i32)?;
    let month = given_or(vm, &args[2], old.month as i32)?;
    let day = given_or(vm, &args[3], old.day as i32)?;
    subclass(vm, args[0].ty(), Day::new(vm, year, month, day)?)
}

/// `__replace__`: the native method `replace`, whatever a subclass made of it.
pub fn dunder_replace(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let Some(object) = args.first() else { return Err(vm.type_error("__replace__() needs an argument")) };
    let native = if object.downcast::<DateTime>().is_some() {
        &DATETIME
    } else if object.downcast::<Date>().is_some() {
        &DATE
    } else {
        &super::time::TIME
    };
    let method = vm.get_attr_str(&native.to_object(), "replace")?;
    vm.call_kw(&method, args, kwnames)
}

fn shifted(vm: &Vm, object: &Object, days: i64) -> Result {
    match Day::from_ordinal(day_of(object).ordinal() + days) {
        Some(day) => subclass(vm, object.ty(), day),
        None => Err(out_of_range(vm)),
    }
}

fn plain(object: &Object) -> bool {
    object.downcast::<Date>().is_some() && object.downcast::<DateTime>().is_none()
}

fn add(vm: &Vm, a: &Object, b: &Object) -> Result {
    match (a.downcast::<Delta>(), b.downcast::<Delta>()) {
        (None, Some(delta)) if plain(a) => shifted(vm, a, delta.days as i64),
        (Some(delta), None) if plain(b) => shifted(vm, b, delta.days as i64),
        _ => Ok(Object::NOT_IMPLEMENTED),
    }
}

fn subtract(vm: &Vm, a: &Object, b: &Object) -> Result {
    if !plain(a) {
        return Ok(Object::NOT_IMPLEMENTED);
    }
    if plain(b) {
        return Span::new(day_of(a).ordinal() - day_of(b).ordinal(), 0, 0).to_object(vm);
    }
    match b.downcast::<Delta>() {
        Some(delta) => shifted(vm, a, -(delta.days as i64)),
        None => Ok(Object::NOT_IMPLEMENTED),
    }
}

// ---- IsoCalendarDate ----------------------------------------------------------------------

static ISO_SIG: Sig = Sig::new("IsoCalendarDate(year, week, weekday)");

fn item(object: &Object, i: usize) -> Object {
    this::<Tuple>(object).items().get(i).cloned().unwrap_or(Object::NONE)
}

pub static ISO_CALENDAR_DATE: Type = Type::new::<Tuple>(
    "datetime.IsoCalendarDate",
    &tuple::TUPLE,
    type_flags::HAVE_GC | type_flags::TUPLE_SUBCLASS | type_flags::SEQUENCE | type_flags::VAR_SIZED,
    Slots {
        new: Some(|vm, class, args, kwnames| {
            let bound = ISO_SIG.bind(vm, args, kwnames)?;
            let mut items = Vec::with_capacity(3);
            for object in bound.iter() {
                items.push(vm.int(c_int(vm, object)? as i64));
            }
            tuple::try_from_vec(vm, class, items).ok_or_else(|| vm.memory_error())
        }),
        ..Slots::EMPTY.repr(|vm, object| {
            let shown = [item(object, 0), item(object, 1), item(object, 2)];
            let [year, week, weekday] = shown;
            let (year, week, weekday) = (vm.str_text(&year)?, vm.str_text(&week)?, vm.str_text(&weekday)?);
            Ok(vm.str(&format!("{}(year={year}, week={week}, weekday={weekday})", object.ty().full_name())))
        })
    },
    &[MethodDef::new("__reduce__($self, /)", |vm, args| {
        let items = vm.tuple(this::<Tuple>(&args[0]).items().to_vec());
        Ok(tuple::pair(vm, tuple::TUPLE.to_object(), tuple::from_array(vm, [items])))
    }, "")],
    &[
        GetSetDef::new("year", |_, object| Ok(item(object, 0))),
        GetSetDef::new("week", |_, object| Ok(item(object, 1))),
        GetSetDef::new("weekday", |_, object| Ok(item(object, 2))),
    ],
)
.with_doc("The result of date.isocalendar() or datetime.isocalendar()\n\nThis object may be accessed either as a tuple of\n  ((year, week, weekday))\nor via the object attributes as named in the above tuple.");
