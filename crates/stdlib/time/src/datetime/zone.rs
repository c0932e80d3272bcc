//! `tzinfo`, the base class of time zones, and `timezone`, those of a fixed
//! offset; asking a time zone for its offset, its name, and daylight saving time.

use super::delta::{Delta, TIMEDELTA};
use super::stamp::{self, DateTime};
use crate::zoneinfo::{self, ZoneInfo};
use taipan_host::clock;
use taipan_runtime::native::Sig;
use taipan_runtime::prelude::*;
use taipan_runtime::shared::Place;
use taipan_runtime::support::{allocate, bad_argument, this};
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::tuple;

/// Payload of tzinfo: none.
pub struct TzInfo;

impl NativeClass for TzInfo {
    fn class() -> &'static Type {
        &TZINFO
    }
}

pub static TZINFO: Type = Type::new::<TzInfo>(
    "datetime.tzinfo",
    &OBJECT,
    type_flags::BASE,
    Slots { new: Some(|vm, class, _, _| allocate(vm, class, TzInfo)), ..Slots::EMPTY },
    &[
        MethodDef::new(
            "tzname($self, object, /)",
            |vm, _| Err(not_implemented(vm, "tzname")),
            "datetime -> string name of time zone.",
        ),
        MethodDef::new(
            "utcoffset($self, object, /)",
            |vm, _| Err(not_implemented(vm, "utcoffset")),
            "datetime -> timedelta showing offset from UTC, negative values indicating West of UTC",
        ),
        MethodDef::new(
            "dst($self, object, /)",
            |vm, _| Err(not_implemented(vm, "dst")),
            "datetime -> DST offset as timedelta positive east of UTC.",
        ),
        MethodDef::new(
            "fromutc($self, object, /)",
            |vm, args| from_utc(vm, &args[0], &args[1]),
            "datetime in UTC -> datetime in local time.",
        ),
        MethodDef::new("__reduce__($self, /)", reduce, "-> (cls, state)"),
    ],
    &[],
)
.with_doc("Abstract base class for time zone info objects.");

#[cold]
fn not_implemented(vm: &Vm, method: &str) -> Raised {
    vm.error(&exc::NOT_IMPLEMENTED_ERROR, format!("a tzinfo subclass must implement {method}()"))
}

fn reduce(vm: &Vm, args: &[Object]) -> Result {
    let arguments = match vm.lookup_attr_str(&args[0], "__getinitargs__")? {
        Some(method) => vm.call(&method, &[])?,
        None => vm.tuple(Vec::new()),
    };
    let state = vm.call_method(&args[0], "__getstate__", &[])?;
    Ok(vm.tuple(vec![args[0].ty().to_object(), arguments, state]))
}

/// A datetime argument of `fromutc`, with this time zone.
fn own_datetime<'a>(vm: &Vm, zone: &Object, argument: &'a Object) -> Result<&'a DateTime> {
    let Some(stamp) = argument.downcast::<DateTime>() else {
        return Err(vm.type_error("fromutc: argument must be a datetime"));
    };
    if !stamp.tzinfo.is(zone.value()) {
        return Err(vm.value_error("fromutc: dt.tzinfo is not self"));
    }
    Ok(stamp)
}

/// `tzinfo.fromutc` for zones whose standard offset never changes.
pub fn from_utc(vm: &Vm, zone: &Object, argument: &Object) -> Result {
    let stamp = own_datetime(vm, zone, argument)?;
    let Some(offset) = utc_offset(vm, zone, argument)? else {
        return Err(vm.value_error("fromutc: non-None utcoffset() result required"));
    };
    let Some(dst) = dst(vm, zone, argument)? else {
        return Err(vm.value_error("fromutc: non-None dst() result required"));
    };
    let standard = offset.minus(dst).checked(vm)?;
    let local = stamp::shifted(vm, argument, stamp, standard, 1)?;
    let Some(dst) = self::dst(vm, zone, &local)? else {
        return Err(vm.value_error("fromutc: tz.dst() gave inconsistent results; cannot convert"));
    };
    match local.downcast::<DateTime>() {
        Some(stamp) if !dst.is_zero() => stamp::shifted(vm, &local, stamp, dst, 1),
        _ => Ok(local),
    }
}

/// `zone.fromutc(object)`.
pub fn convert(vm: &Vm, zone: &Object, object: Object) -> Result {
    if let (Some(fixed), Some(stamp)) =
        (zone.downcast_exact::<TimeZone>(), object.downcast_exact::<DateTime>())
        && stamp.tzinfo.is(zone.value())
    {
        return if fixed.delta.is_zero() {
            Ok(object)
        } else {
            stamp::shifted(vm, &object, stamp, fixed.delta, 1)
        };
    }
    if zone.downcast_exact::<ZoneInfo>().is_some() {
        return zoneinfo::from_utc(vm, zone, &object);
    }
    vm.call_method(zone, "fromutc", &[object])
}

// ---- asking a time zone ---------------------------------------------------------------------

/// None or the instance of a subclass of tzinfo.
pub fn check_zone(vm: &Vm, object: &Object) -> Result<()> {
    if object.is_none() || object.is_instance_of(&TZINFO) {
        return Ok(());
    }
    Err(vm.type_error(format!(
        "tzinfo argument must be None or of a tzinfo subclass, not type '{}'",
        object.ty().full_name()
    )))
}

fn check_offset(vm: &Vm, object: &Object, delta: Delta) -> Result<()> {
    if delta.is_offset() {
        return Ok(());
    }
    let shown = vm.repr_text(object)?;
    Err(vm.value_error(format!(
        "offset must be a timedelta strictly between -timedelta(hours=24) and timedelta(hours=24), not {shown}"
    )))
}

/// What a time zone answers: None or a timedelta.
fn ask(vm: &Vm, zone: &Object, method: &str, argument: &Object) -> Result<(Object, Option<Delta>)> {
    let answer = vm.call_method(zone, method, std::slice::from_ref(argument))?;
    if answer.is_none() {
        return Ok((answer, None));
    }
    let Some(delta) = answer.downcast::<Delta>().copied() else {
        return Err(vm.type_error(format!(
            "tzinfo.{method}() must return None or timedelta, not '{}'",
            answer.ty().full_name()
        )));
    };
    check_offset(vm, &answer, delta)?;
    Ok((answer, Some(delta)))
}

/// The offset of a time zone at a time, as a number.
pub fn utc_offset(vm: &Vm, zone: &Object, argument: &Object) -> Result<Option<Delta>> {
    if zone.is_none() {
        return Ok(None);
    }
    if let Some(fixed) = zone.downcast_exact::<TimeZone>() {
        return Ok(Some(fixed.delta));
    }
    if let (Some(zone), Some(stamp)) =
        (zone.downcast_exact::<ZoneInfo>(), argument.downcast_exact::<DateTime>())
    {
        let delta = zone.find_exact(stamp).delta();
        if delta.is_offset() {
            return Ok(Some(delta));
        }
    }
    Ok(ask(vm, zone, "utcoffset", argument)?.1)
}

/// The offset of a time zone at a time, as the zone gives it.
pub fn utc_offset_object(vm: &Vm, zone: &Object, argument: &Object) -> Result {
    if zone.is_none() {
        return Ok(Object::NONE);
    }
    match zone.downcast_exact::<TimeZone>() {
        Some(fixed) => Ok(fixed.offset.clone()),
        None => Ok(ask(vm, zone, "utcoffset", argument)?.0),
    }
}

/// How much of the offset is daylight saving time.
pub fn dst(vm: &Vm, zone: &Object, argument: &Object) -> Result<Option<Delta>> {
    if zone.is_none() {
        return Ok(None);
    }
    Ok(ask(vm, zone, "dst", argument)?.1)
}

pub fn dst_object(vm: &Vm, zone: &Object, argument: &Object) -> Result {
    if zone.is_none() { Ok(Object::NONE) } else { Ok(ask(vm, zone, "dst", argument)?.0) }
}

/// The name of a time zone at a time: None or a string.
pub fn name(vm: &Vm, zone: &Object, argument: &Object) -> Result {
    if zone.is_none() {
        return Ok(Object::NONE);
    }
    if let Some(fixed) = zone.downcast_exact::<TimeZone>() {
        return Ok(fixed.text(vm));
    }
    let answer = vm.call_method(zone, "tzname", std::slice::from_ref(argument))?;
    if answer.is_none() || answer.downcast::<Str>().is_some() {
        return Ok(answer);
    }
    Err(vm.type_error(format!(
        "tzinfo.tzname() must return None or a string, not '{}'",
        answer.ty().full_name()
    )))
}

/// An offset as text, with a separator between its parts.
pub fn offset_text(delta: Delta, separator: &str) -> String {
    let mut micros = delta.total_micros() as i64;
    let sign = if micros < 0 { '-' } else { '+' };
    micros = micros.abs();
    let (seconds, micros) = (micros / 1_000_000, micros % 1_000_000);
    let mut text = format!("{sign}{:02}{separator}{:02}", seconds / 3600, seconds / 60 % 60);
    if seconds % 60 != 0 || micros != 0 {
        text += &format!("{separator}{:02}", seconds % 60);
    }
    if micros != 0 {
        text += &format!(".{micros:06}");
    }
    text
}

// ---- timezone ---------------------------------------------------------------------------------

/// Payload of timezone.
pub struct TimeZone {
    offset: Object,
    delta: Delta,
    /// UNBOUND: none given.
    name: Object,
}

impl NativeClass for TimeZone {
    fn class() -> &'static Type {
        &TIMEZONE
    }
}

pub static TIMEZONE: Type = Type::new::<TimeZone>(
    "datetime.timezone",
    &TZINFO,
    0,
    Slots {
        new: Some(zone_new),
        hash: Some(|vm, zone| this::<TimeZone>(zone).delta.hash(vm)),
        compare: Some(|_, a, b, op| {
            let (Some(x), Some(y)) = (a.downcast::<TimeZone>(), b.downcast::<TimeZone>()) else {
                return Ok(Object::NOT_IMPLEMENTED);
            };
            match op {
                CompareOp::Eq | CompareOp::Ne => Ok(Object::bool((x.delta == y.delta) == (op == CompareOp::Eq))),
                _ => Ok(Object::NOT_IMPLEMENTED),
            }
        }),
        ..Slots::EMPTY.repr(repr).str(|vm, zone| Ok(this::<TimeZone>(zone).text(vm)))
    },
    &[
        MethodDef::new("tzname($self, object, /)", |vm, args| {
            check_argument(vm, "tzname", &args[1])?;
            Ok(this::<TimeZone>(&args[0]).text(vm))
        }, "If name is specified when timezone is created, returns the name.  Otherwise returns offset as 'UTC(+|-)HH:MM'."),
        MethodDef::new("utcoffset($self, object, /)", |vm, args| {
            check_argument(vm, "utcoffset", &args[1])?;
            Ok(this::<TimeZone>(&args[0]).offset.clone())
        }, "Return fixed offset."),
        MethodDef::new("dst($self, object, /)", |vm, args| {
            check_argument(vm, "dst", &args[1])?;
            Ok(Object::NONE)
        }, "Return None."),
        MethodDef::new("fromutc($self, object, /)", |vm, args| {
            let stamp = own_datetime(vm, &args[0], &args[1])?;
            stamp::shifted(vm, &args[1], stamp, this::<TimeZone>(&args[0]).delta, 1)
        }, "datetime in UTC -> datetime in local time."),
        MethodDef::new("__getinitargs__($self, /)", |vm, args| {
            let zone = this::<TimeZone>(&args[0]);
            let mut arguments = vec![zone.offset.clone()];
            arguments.extend(zone.name.bound().cloned());
            Ok(vm.tuple(arguments))
        }, "pickle support"),
    ],
    &[],
)
.with_doc("Fixed offset from UTC implementation of tzinfo.");

fn check_argument(vm: &Vm, method: &str, object: &Object) -> Result<()> {
    if object.is_none() || object.downcast::<DateTime>().is_some() {
        return Ok(());
    }
    Err(vm.type_error(format!(
        "{method}(dt) argument must be a datetime instance or None, not {}",
        object.ty().full_name()
    )))
}

/// Where the one `timezone.utc` is.
static UTC: Place = Place::new();

/// `timezone.utc`; made when the module is loaded.
pub fn utc(vm: &Vm) -> Object {
    if let Some(zone) = vm.at_place(&UTC) {
        return zone;
    }
    // Interpreters share it.
    let made = TIMEZONE.dict().get_text(vm, "utc");
    let zone = made.unwrap_or_else(|| fixed(vm, Delta::ZERO.object(vm), Delta::ZERO, Object::UNBOUND));
    vm.put_in_place(&UTC, zone.clone());
    zone
}

fn fixed(vm: &Vm, offset: Object, delta: Delta, name: Object) -> Object {
    vm.alloc(&TIMEZONE, TimeZone { offset, delta, name })
}

/// A time zone without a name; UTC if the offset is zero.
pub fn of_delta(vm: &Vm, delta: Delta) -> Result {
    if delta.is_zero() {
        return Ok(utc(vm));
    }
    let offset = delta.object(vm);
    check_offset(vm, &offset, delta)?;
    Ok(fixed(vm, offset, delta, Object::UNBOUND))
}

static SIG: Sig = Sig::new("timezone(offset, name=<unset>)");

fn zone_new(vm: &Vm, _class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let bound = SIG.bind(vm, args, kwnames)?;
    let Some(delta) = bound[0].downcast::<Delta>().copied() else {
        return Err(bad_argument(vm, "timezone", "argument 1", TIMEDELTA.full_name(), &bound[0]));
    };
    match bound[1].bound() {
        Some(name) if name.downcast::<Str>().is_none() => {
            return Err(bad_argument(vm, "timezone", "argument 2", "str", name));
        }
        None if delta.is_zero() => return Ok(utc(vm)),
        _ => {}
    }
    check_offset(vm, &bound[0], delta)?;
    Ok(fixed(vm, bound[0].clone(), delta, bound[1].clone()))
}

impl TimeZone {
    fn text(&self, vm: &Vm) -> Object {
        if let Some(name) = self.name.bound() {
            return name.clone();
        }
        if self.delta.is_zero() {
            return vm.intern("UTC");
        }
        vm.str(&format!("UTC{}", offset_text(self.delta, ":")))
    }
}

fn repr(vm: &Vm, object: &Object) -> Result {
    if object.is(utc(vm).value()) {
        return Ok(vm.intern("datetime.timezone.utc"));
    }
    let zone = this::<TimeZone>(object);
    let class = object.ty().full_name();
    let offset = vm.repr_text(&zone.offset)?;
    match zone.name.bound() {
        Some(name) => {
            let mut out = taipan_runtime::types::str::Builder::new();
            out.push_str(&format!("{class}({offset}, "));
            out.push_object(&vm.repr(name)?);
            out.push_str(")");
            Ok(out.finish(vm))
        }
        None => Ok(vm.str(&format!("{class}({offset})"))),
    }
}

/// The local time zone as it is at a time, in seconds since 1970.
pub fn local_at(vm: &Vm, seconds: i64) -> Result {
    let local = match clock::local(seconds) {
        Ok(local) => local,
        Err(e) => return Err(vm.os_error(e.0, None)),
    };
    let delta = Delta::of_seconds(local.gmtoff, 0);
    let offset = delta.object(vm);
    check_offset(vm, &offset, delta)?;
    let name = vm.str(&String::from_utf8_lossy(&local.zone));
    Ok(fixed(vm, offset, delta, name))
}

/// The limits of `timezone`, as its class attributes.
pub fn limits(vm: &Vm) -> [(&'static str, Object); 3] {
    let limit = |minutes: i64| {
        let delta = Delta::of_seconds(minutes * 60, 0);
        fixed(vm, delta.object(vm), delta, Object::UNBOUND)
    };
    [("utc", utc(vm)), ("min", limit(-(24 * 60 - 1))), ("max", limit(24 * 60 - 1))]
}

/// What `__reduce__` of times returns: the class, and its arguments.
pub fn pair_state(vm: &Vm, class: &Type, data: Object, zone: &Object) -> Object {
    let state =
        if zone.is_none() { tuple::from_array(vm, [data]) } else { tuple::pair(vm, data, zone.clone()) };
    tuple::pair(vm, class.to_object(), state)
}
