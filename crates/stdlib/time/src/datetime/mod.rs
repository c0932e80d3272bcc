//! The module `_datetime`: dates, times of day, time zones, durations.
//!
//! * `calendar`: the calendar in plain numbers;
//! * `delta`, `date`, `time`, `stamp`, `zone`: the types, `stamp` being datetime;
//! * `arithmetic`, `epoch`: what is long about datetime;
//! * `iso`, `formatting`: text;
//! * `arguments`: arguments of constructors.

mod arguments;
mod arithmetic;
pub mod calendar;
mod date;
pub mod delta;
mod epoch;
mod formatting;
mod iso;
pub mod stamp;
mod time;
pub mod zone;

use date::Day;
use delta::Delta;
use taipan_runtime::prelude::*;
use taipan_runtime::sharing::complete;
use time::Clock;

pub static MODULE: ModuleDef = ModuleDef {
    name: "_datetime",
    doc: "Fast implementation of the datetime module.",
    functions: &[],
    types: &[&date::DATE, &stamp::DATETIME, &time::TIME, &delta::TIMEDELTA, &zone::TZINFO, &zone::TIMEZONE],
    init: Some(init),
};

fn init(vm: &Vm, module: &Object) -> Result<()> {
    taipan_runtime::types::typ::ready(vm, &date::ISO_CALENDAR_DATE);
    let add = |class: &'static Type, attributes: [(&'static str, Object); 3]| {
        complete(vm, class, || {
            attributes.into_iter().for_each(|(name, value)| class.dict().set_text(vm, name, value))
        });
    };
    add(
        &delta::TIMEDELTA,
        [
            ("resolution", Delta::RESOLUTION.object(vm)),
            ("min", Delta::MIN.object(vm)),
            ("max", Delta::MAX.object(vm)),
        ],
    );
    add(
        &date::DATE,
        [
            ("min", date::object(vm, Day::MIN)),
            ("max", date::object(vm, Day::MAX)),
            ("resolution", Delta::DAY.object(vm)),
        ],
    );
    add(
        &time::TIME,
        [
            ("min", time::object(vm, Clock::default(), Object::NONE, 0)),
            ("max", time::object(vm, Clock::MAX, Object::NONE, 0)),
            ("resolution", Delta::RESOLUTION.object(vm)),
        ],
    );
    add(&stamp::DATETIME, stamp::limits(vm));
    add(&zone::TIMEZONE, zone::limits(vm));
    vm.set_attr_str(module, "MINYEAR", &vm.int(calendar::MIN_YEAR as i64))?;
    vm.set_attr_str(module, "MAXYEAR", &vm.int(calendar::MAX_YEAR as i64))?;
    vm.set_attr_str(module, "UTC", &zone::utc(vm))
}
