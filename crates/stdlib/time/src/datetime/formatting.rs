//! `strftime`, `strptime`, `ctime` and time tuples: what goes through the
//! modules `time` and `_strptime`.

use super::arguments::{exactly, text};
use super::calendar::{DAY_NAMES, MONTH_NAMES};
use super::date::Day;
use super::stamp::DateTime;
use super::time::Time;
use super::zone;
use taipan_runtime::prelude::*;
use taipan_runtime::types::str::Builder;

/// `Mon Jan  2 15:04:05 2006`.
pub fn ctime(vm: &Vm, day: Day, (hour, minute, second): (u8, u8, u8)) -> Object {
    let weekday = DAY_NAMES[day.weekday() as usize % 7];
    let month = MONTH_NAMES[(day.month as usize + 11) % 12];
    vm.str(&format!("{weekday} {month} {:2} {hour:02}:{minute:02}:{second:02} {:04}", day.day, day.year))
}

/// A `time.struct_time`.
pub fn struct_time(vm: &Vm, day: Day, (hour, minute, second): (u8, u8, u8), dst: i32) -> Result {
    let time = vm.import_module("time")?;
    let class = vm.get_attr_str(&time, "struct_time")?;
    let fields = time_tuple(vm, day, (hour, minute, second), dst);
    vm.call(&class, &[fields])
}

/// The nine fields of a `struct_time` as a plain tuple.
fn time_tuple(vm: &Vm, day: Day, (hour, minute, second): (u8, u8, u8), dst: i32) -> Object {
    let fields = [
        day.year as i32,
        day.month as i32,
        day.day as i32,
        hour as i32,
        minute as i32,
        second as i32,
        day.weekday(),
        day.of_year(),
        dst,
    ];
    vm.tuple(fields.iter().map(|&n| vm.int(n as i64)).collect())
}

/// `strptime`, done by a function of `_strptime`.
pub fn strptime(vm: &Vm, function: &str, args: &[Object], kwnames: &[Object]) -> Result {
    let given = exactly(vm, "strptime", 2, args, kwnames)?;
    for (i, argument) in given.iter().enumerate() {
        text(vm, "strptime", i + 1, argument)?;
    }
    let module = vm.import_module("_strptime")?;
    let function = vm.get_attr_str(&module, function)?;
    vm.call(&function, args)
}

/// `__format__` of date, time and datetime.
pub fn dunder_format(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let given = exactly(vm, "__format__", 1, args, kwnames)?;
    if text(vm, "__format__", 1, &given[0])?.is_empty() {
        return vm.str_of(&args[0]);
    }
    vm.call_method(&args[0], "strftime", given)
}

/// `strftime` of date, time and datetime: fills in what the C library knows
/// nothing of, and leaves the rest to `time.strftime`.
pub fn strftime(vm: &Vm, args: &[Object]) -> Result {
    let object = &args[0];
    let format = text(vm, "strftime", 1, &args[1])?;
    let (tuple, zone, argument, micros) = if let Some(time) = object.downcast::<Time>() {
        let clock = time.clock;
        let tuple = time_tuple(
            vm,
            Day { year: 1900, month: 1, day: 1 },
            (clock.hour, clock.minute, clock.second),
            -1,
        );
        (tuple, time.tzinfo.clone(), Object::NONE, clock.micros)
    } else {
        let tuple = vm.call_method(object, "timetuple", &[])?;
        match object.downcast::<DateTime>() {
            Some(stamp) => (tuple, stamp.tzinfo.clone(), object.clone(), stamp.clock.micros),
            None => (tuple, Object::NONE, Object::NONE, 0),
        }
    };
    let time = vm.import_module("time")?;
    let function = vm.get_attr_str(&time, "strftime")?;
    let chars = format.to_code_points();
    let mut out = Builder::with_capacity(chars.len() + 8);
    let mut i = 0;
    while i < chars.len() {
        let next = |n: usize| chars.get(i + n).and_then(|&c| char::from_u32(c));
        let (used, replacement) = match (next(0), next(1), next(2)) {
            (Some('%'), Some('z'), _) => (2, Some(offset(vm, &zone, &argument, "")?)),
            (Some('%'), Some(':'), Some('z')) => (3, Some(offset(vm, &zone, &argument, ":")?)),
            (Some('%'), Some('f'), _) => (2, Some(format!("{micros:06}"))),
            (Some('%'), Some('Z'), _) => {
                let shown = zone::name(vm, &zone, &argument)?;
                if !shown.is_none() {
                    let escaped = vm.call_method(&shown, "replace", &[vm.str("%"), vm.str("%%")])?;
                    if escaped.downcast::<Str>().is_none() {
                        return Err(vm.type_error("tzname.replace() did not return a string"));
                    }
                    out.push_object(&escaped);
                }
                (2, Some(String::new()))
            }
            (Some('%'), Some(directive @ ('Y' | 'G' | 'C' | 'F')), _) => {
                (2, early_year(vm, &tuple, &function, directive)?)
            }
            (Some('%'), Some(_), _) => (2, None),
            _ => (1, None),
        };
        match replacement {
            Some(text) => out.push_str(&text),
            None => chars[i..i + used].iter().for_each(|&c| out.push_char(c)),
        }
        i += used;
    }
    vm.call(&function, &[out.finish(vm), tuple])
}

/// Years before 1000 with all their digits, which the C library does not write.
fn early_year(vm: &Vm, tuple: &Object, function: &Object, directive: char) -> Result<Option<String>> {
    let mut year = vm.to_i64(&vm.get_item(tuple, &vm.int(0))?)?;
    if year >= 1000 {
        return Ok(None);
    }
    if directive == 'G' {
        let shown = vm.call(function, &[vm.str("%G"), tuple.clone()])?;
        year = vm.str_lossy(&shown).trim().parse().unwrap_or(year);
    }
    Ok(Some(match directive {
        'C' => format!("{:02}", year / 100),
        'F' => format!("{year:04}-%m-%d"),
        _ => format!("{year:04}"),
    }))
}

fn offset(vm: &Vm, zone: &Object, argument: &Object, separator: &str) -> Result<String> {
    Ok(zone::utc_offset(vm, zone, argument)?
        .map_or_else(String::new, |delta| zone::offset_text(delta, separator)))
}
