//! The module `time`: clocks, sleeping, and broken-down time. Conversions of
//! numbers are in [`values`].

pub mod values;

use crate::support::*;
use std::ffi::CString;
use taipan_host::clock::{self, BrokenDown};
use taipan_host::libc;
use taipan_runtime::names::name;
use taipan_runtime::prelude::*;
use taipan_runtime::structseq::{self, StructDef};
use taipan_runtime::types::namespace;
use taipan_runtime::types::str::Builder;
use values::{NS, Rounding};

/// A function without `__text_signature__`, as CPython has it.
const fn hidden(sig: &'static str, code: taipan_runtime::native::NativeFn, doc: &'static str) -> MethodDef {
    MethodDef { hide_signature: true, ..MethodDef::new(sig, code, doc) }
}

macro_rules! clock_functions {
    ($name:literal, $clock:expr, $doc:literal) => {
        MethodDef::new(
            concat!($name, "()"),
            |vm, _| Ok(vm.float(values::to_seconds(os(vm, clock::now_ns($clock))?))),
            concat!($doc, ", in seconds."),
        )
    };
    (ns $name:literal, $clock:expr, $doc:literal) => {
        MethodDef::new(
            concat!($name, "_ns()"),
            |vm, _| Ok(vm.int(os(vm, clock::now_ns($clock))?)),
            concat!($doc, ", in nanoseconds."),
        )
    };
}

pub static MODULE: ModuleDef = ModuleDef {
    name: "time",
    doc: "Clocks, pauses and conversions of times.\n\nA time is a number of seconds since the epoch (1970-01-01 00:00:00 UTC), or a\nstruct_time: year, month, day, hour, minute, second, day of the week (Monday is\n0), day of the year, and a flag for daylight saving time.",
    functions: &[
        clock_functions!("time", libc::CLOCK_REALTIME, "The time since the epoch"),
        clock_functions!(ns "time", libc::CLOCK_REALTIME, "The time since the epoch"),
        clock_functions!("monotonic", libc::CLOCK_MONOTONIC, "A clock that never goes back"),
        clock_functions!(ns "monotonic", libc::CLOCK_MONOTONIC, "A clock that never goes back"),
        clock_functions!("perf_counter", libc::CLOCK_MONOTONIC, "The clock for measuring"),
        clock_functions!(ns "perf_counter", libc::CLOCK_MONOTONIC, "The clock for measuring"),
        clock_functions!("process_time", libc::CLOCK_PROCESS_CPUTIME_ID, "Processor time of the process"),
        clock_functions!(ns "process_time", libc::CLOCK_PROCESS_CPUTIME_ID, "Processor time of the process"),
        clock_functions!("thread_time", libc::CLOCK_THREAD_CPUTIME_ID, "Processor time of the thread"),
        clock_functions!(ns "thread_time", libc::CLOCK_THREAD_CPUTIME_ID, "Processor time of the thread"),
        MethodDef::new(
            "clock_gettime(clk_id, /)",
            |vm, args| {
                let id = clock_id(vm, &args[0])?;
                let (s, ns) = os(vm, clock::now(id))?;
                Ok(vm.float(values::to_seconds(s.saturating_mul(NS).saturating_add(ns))))
            },
            "The time of a clock, in seconds.",
        ),
        MethodDef::new(
            "clock_gettime_ns(clk_id, /)",
            |vm, args| {
                let id = clock_id(vm, &args[0])?;
                Ok(vm.int(os(vm, clock::now_ns(id))?))
            },
            "The time of a clock, in nanoseconds.",
        ),
        hidden(
            "clock_getres(clk_id, /)",
            |vm, args| {
                let id = clock_id(vm, &args[0])?;
                let (s, ns) = os(vm, clock::resolution(id))?;
                Ok(vm.float(s as f64 + ns as f64 * 1e-9))
            },
            "The resolution of a clock, in seconds.",
        ),
        hidden(
            "clock_settime(clk_id, time, /)",
            |vm, args| {
                let id = clock_id(vm, &args[0])?;
                let ns = values::nanoseconds(vm, &args[1], Rounding::Floor)?;
                os(vm, clock::set(id, ns.div_euclid(NS), ns.rem_euclid(NS))).map(|_| Object::NONE)
            },
            "Sets a clock.",
        ),
        hidden(
            "clock_settime_ns(clk_id, time, /)",
            |vm, args| {
                let id = clock_id(vm, &args[0])?;
                let ns = vm.to_i64(&args[1])?;
                os(vm, clock::set(id, ns.div_euclid(NS), ns.rem_euclid(NS))).map(|_| Object::NONE)
            },
            "Sets a clock, in nanoseconds.",
        ),
        hidden(
            "pthread_getcpuclockid(thread_id, /)",
            |vm, args| {
                let thread = vm.to_u64(&args[0])?;
                Ok(vm.int(os(vm, clock::thread_clock(thread))? as i64))
            },
            "The clock of a thread's processor time.",
        ),
        MethodDef::new("sleep(object, /)", sleep, "Waits for a number of seconds, fractions included."),
        hidden(
            "gmtime(seconds=None, /)",
            |vm, args| {
                let seconds = optional_seconds(vm, &args[0])?;
                struct_time(vm, &os(vm, clock::utc(seconds))?)
            },
            "A time as a struct_time in UTC; without an argument, now.",
        ),
        hidden(
            "localtime(seconds=None, /)",
            |vm, args| {
                let seconds = optional_seconds(vm, &args[0])?;
                struct_time(vm, &os(vm, clock::local(seconds))?)
            },
            "A time as a struct_time in local time; without an argument, now.",
        ),
        MethodDef::new(
            "mktime(object, /)",
            mktime,
            "The time of a local struct_time, in seconds since the epoch.",
        ),
        hidden(
            "asctime(tuple=<unrepresentable>, /)",
            asctime,
            "A struct_time as 'Sat Jun 06 16:26:11 1998'; without an argument, now.",
        ),
        hidden(
            "ctime(seconds=None, /)",
            |vm, args| {
                let seconds = optional_seconds(vm, &args[0])?;
                Ok(vm.str(&asctime_text(&os(vm, clock::local(seconds))?)))
            },
            "A time as 'Sat Jun 06 16:26:11 1998' in local time; without an argument, now.",
        ),
        MethodDef::raw(
            "strftime(format, tuple=None, /)",
            strftime,
            "Formats a struct_time; without one, the local time.",
        ),
        MethodDef::raw(
            "strptime(string, format='%a %b %d %H:%M:%S %Y', /)",
            strptime,
            "Parses a time; the inverse of strftime.",
        ),
        hidden("get_clock_info(name, /)", get_clock_info, "What is known about a clock."),
        MethodDef::new("tzset()", tzset, "Reads the environment variable TZ again."),
    ],
    types: &[],
    init: Some(init),
};

pub static STRUCT_TIME: StructDef = StructDef::new(
    "time.struct_time",
    "A broken-down time, as gmtime(), localtime() and strptime() give it and\nasctime(), mktime() and strftime() take it: a sequence of nine integers.",
    &[
        ("tm_year", "year, for example, 1993"),
        ("tm_mon", "month of year, range [1, 12]"),
        ("tm_mday", "day of month, range [1, 31]"),
        ("tm_hour", "hours, range [0, 23]"),
        ("tm_min", "minutes, range [0, 59]"),
        ("tm_sec", "seconds, range [0, 61])"),
        ("tm_wday", "day of week, range [0, 6], Monday is 0"),
        ("tm_yday", "day of year, range [1, 366]"),
        ("tm_isdst", "1 if summer time is in effect, 0 if not, and -1 if unknown"),
        ("tm_zone", "abbreviation of timezone name"),
        ("tm_gmtoff", "offset from UTC in seconds"),
    ],
)
.with_sequence(9);

fn init(vm: &Vm, module: &Object) -> Result<()> {
    vm.set_attr_str(module, "struct_time", &structseq::class(vm, &STRUCT_TIME)?)?;
    add_ints(
        vm,
        module,
        &[
            ("CLOCK_REALTIME", libc::CLOCK_REALTIME as i64),
            ("CLOCK_MONOTONIC", libc::CLOCK_MONOTONIC as i64),
            ("CLOCK_MONOTONIC_RAW", libc::CLOCK_MONOTONIC_RAW as i64),
            ("CLOCK_PROCESS_CPUTIME_ID", libc::CLOCK_PROCESS_CPUTIME_ID as i64),
            ("CLOCK_THREAD_CPUTIME_ID", libc::CLOCK_THREAD_CPUTIME_ID as i64),
            ("CLOCK_BOOTTIME", libc::CLOCK_BOOTTIME as i64),
            ("CLOCK_TAI", libc::CLOCK_TAI as i64),
            ("_STRUCT_TM_ITEMS", 11),
        ],
    )?;
    clock::tzset();
    add_zone(vm, module)
}

/// `timezone`, `altzone`, `daylight`, `tzname`: from the offsets of this
/// year's January and July, as no C variable tells them reliably.
fn add_zone(vm: &Vm, module: &Object) -> Result<()> {
    const YEAR: i64 = (365 * 24 + 6) * 3600;
    let now = clock::now(libc::CLOCK_REALTIME).map_or(0, |t| t.0);
    let start = now / YEAR * YEAR;
    let zone = |t: i64| match clock::local(t) {
        Ok(b) => {
            let zone = if b.zone.is_empty() { b"   ".to_vec() } else { b.zone };
            (-b.gmtoff, zone)
        }
        Err(_) => (0, b"UTC".to_vec()),
    };
    let (january, january_name) = zone(start);
    let (july, july_name) = zone(start + YEAR / 2);
    // Standard time is the one with the larger (western) number.
    let ((standard, standard_name), (summer, summer_name)) = if january < july {
        ((july, july_name), (january, january_name))
    } else {
        ((january, january_name), (july, july_name))
    };
    vm.set_attr_str(module, "timezone", &vm.int(standard))?;
    vm.set_attr_str(module, "altzone", &vm.int(summer))?;
    vm.set_attr_str(module, "daylight", &vm.int((january != july) as i64))?;
    let names = vm.tuple(vec![decode(vm, &standard_name)?, decode(vm, &summer_name)?]);
    vm.set_attr_str(module, "tzname", &names)
}

fn tzset(vm: &Vm, _args: &[Object]) -> Result {
    let modules = vm.interp().modules.clone();
    let module = vm.get_item_str(&modules, "time")?;
    clock::tzset();
    add_zone(vm, &module)?;
    Ok(Object::NONE)
}

fn clock_id(vm: &Vm, object: &Object) -> Result<i32> {
    vm.to_plain_c_int(object)
}

fn sleep(vm: &Vm, args: &[Object]) -> Result {
    let ns = values::nanoseconds(vm, &args[0], Rounding::Up)?;
    if ns < 0 {
        return Err(vm.value_error("sleep length must be non-negative"));
    }
    vm.audit("time.sleep", &[args[0].clone()])?;
    let deadline = os(vm, clock::now_ns(libc::CLOCK_MONOTONIC))?.saturating_add(ns);
    retry_os(vm, || clock::sleep_until(deadline))?;
    // A signal may have come at the very end.
    vm.check_signals()?;
    Ok(Object::NONE)
}

fn get_clock_info(vm: &Vm, args: &[Object]) -> Result {
    if args[0].downcast::<Str>().is_none() {
        return Err(
            vm.type_error(format!("get_clock_info() argument 1 must be str, not {}", args[0].ty().name()))
        );
    }
    let (id, shown, monotonic, adjustable) = match vm.str_lossy(&args[0]).as_str() {
        "time" => (libc::CLOCK_REALTIME, "CLOCK_REALTIME", false, true),
        "monotonic" | "perf_counter" => (libc::CLOCK_MONOTONIC, "CLOCK_MONOTONIC", true, false),
        "process_time" => (libc::CLOCK_PROCESS_CPUTIME_ID, "CLOCK_PROCESS_CPUTIME_ID", true, false),
        "thread_time" => (libc::CLOCK_THREAD_CPUTIME_ID, "CLOCK_THREAD_CPUTIME_ID", true, false),
        _ => return Err(vm.value_error("unknown clock")),
    };
    let (s, ns) = clock::resolution(id).unwrap_or((0, 1));
    let info = vm.call(&namespace::NAMESPACE.to_object(), &[])?;
    vm.set_attr_str(&info, "implementation", &vm.str(&format!("clock_gettime({shown})")))?;
    vm.set_attr_str(&info, "monotonic", &Object::bool(monotonic))?;
    vm.set_attr_str(&info, "adjustable", &Object::bool(adjustable))?;
    vm.set_attr_str(&info, "resolution", &vm.float(s as f64 + ns as f64 * 1e-9))?;
    Ok(info)
}

// ---- broken-down time -----------------------------------------------------------------

fn optional_seconds(vm: &Vm, object: &Object) -> Result<i64> {
    match object.some() {
        Some(object) => values::time_t(vm, object),
        None => Ok(os(vm, clock::now(libc::CLOCK_REALTIME))?.0),
    }
}

fn struct_time(vm: &Vm, t: &BrokenDown) -> Result {
    let zone = decode(vm, &t.zone)?;
    let mut fields: Vec<Object> = [
        t.year as i64 + 1900,
        t.mon as i64 + 1,
        t.mday as i64,
        t.hour as i64,
        t.min as i64,
        t.sec as i64,
        (t.wday as i64 + 6) % 7,
        t.yday as i64 + 1,
        t.isdst as i64,
    ]
    .iter()
    .map(|&n| vm.int(n))
    .collect();
    fields.push(zone);
    fields.push(vm.int(t.gmtoff));
    structseq::new(vm, &STRUCT_TIME, fields)
}

/// Reads a time tuple; `function` for the message about a wrong one.
fn from_tuple(vm: &Vm, object: &Object, function: &str) -> Result<BrokenDown> {
    let Some(tuple) = object.downcast::<Tuple>() else {
        return Err(vm.type_error("Tuple or struct_time argument required"));
    };
    let items = tuple.items();
    if items.len() != 9 {
        return Err(vm.type_error(format!("{function}(): illegal time tuple argument")));
    }
    let mut n = [0i32; 9];
    for (value, item) in n.iter_mut().zip(items) {
        *value = vm.to_c_int(item)?;
    }
    let Some(year) = n[0].checked_sub(1900) else {
        return Err(vm.overflow_error("year out of range"));
    };
    let mut t = BrokenDown {
        year,
        mon: n[1].wrapping_sub(1),
        mday: n[2],
        hour: n[3],
        min: n[4],
        sec: n[5],
        wday: n[6].wrapping_add(1) % 7,
        yday: n[7].wrapping_sub(1),
        isdst: n[8],
        gmtoff: 0,
        zone: Vec::new(),
    };
    let struct_time = structseq::class(vm, &STRUCT_TIME)?;
    if object.ty().value() == struct_time.value() {
        let zone = vm.get_attr_str(object, "tm_zone")?;
        if zone.downcast::<Str>().is_some() {
            t.zone = vm.fs_encode(&zone)?;
        }
        let offset = vm.get_attr_str(object, "tm_gmtoff")?;
        if !offset.is_none() {
            t.gmtoff = vm.to_i64(&offset)?;
        }
    }
    Ok(t)
}

/// The ranges that strftime and asctime insist on; zeros are let through.
fn check_ranges(vm: &Vm, t: &mut BrokenDown) -> Result<()> {
    let wrong = |what: &str| Err(vm.value_error(format!("{what} out of range")));
    if t.mon == -1 {
        t.mon = 0;
    } else if !(0..12).contains(&t.mon) {
        return wrong("month");
    }
    if t.mday == 0 {
        t.mday = 1;
    } else if !(0..32).contains(&t.mday) {
        return wrong("day of month");
    }
    if !(0..24).contains(&t.hour) {
        return wrong("hour");
    }
    if !(0..60).contains(&t.min) {
        return wrong("minute");
    }
    if !(0..62).contains(&t.sec) {
        return wrong("seconds");
    }
    if t.wday < 0 {
        return wrong("day of week");
    }
    if t.yday == -1 {
        t.yday = 0;
    } else if !(0..366).contains(&t.yday) {
        return wrong("day of year");
    }
    Ok(())
}

fn asctime_text(t: &BrokenDown) -> String {
    const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    format!(
        "{} {}{:3} {:02}:{:02}:{:02} {}",
        DAYS.get(t.wday as usize).unwrap_or(&"???"),
        MONTHS.get(t.mon as usize).unwrap_or(&"???"),
        t.mday,
        t.hour,
        t.min,
        t.sec,
        t.year as i64 + 1900
    )
}

fn asctime(vm: &Vm, args: &[Object]) -> Result {
    let t = match args[0].bound() {
        Some(tuple) => {
            let mut t = from_tuple(vm, tuple, "asctime")?;
            check_ranges(vm, &mut t)?;
            t
        }
        None => os(vm, clock::local(optional_seconds(vm, &Object::NONE)?))?,
    };
    Ok(vm.str(&asctime_text(&t)))
}

fn mktime(vm: &Vm, args: &[Object]) -> Result {
    let t = from_tuple(vm, &args[0], "mktime")?;
    match clock::make(&t) {
        Some(seconds) => Ok(vm.float(seconds as f64)),
        None => Err(vm.overflow_error("mktime argument out of range")),
    }
}

fn strftime(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    if !kwnames.is_empty() {
        return Err(vm.type_error("time.strftime() takes no keyword arguments"));
    }
    if args.is_empty() || args.len() > 2 {
        let word = if args.is_empty() { "at least 1 argument" } else { "at most 2 arguments" };
        return Err(vm.type_error(format!("strftime() takes {word} ({} given)", args.len())));
    }
    let Some(format) = args[0].downcast::<Str>() else {
        return Err(vm.type_error(format!("strftime() argument 1 must be str, not {}", args[0].ty().name())));
    };
    let mut t = match args.get(1) {
        Some(tuple) => from_tuple(vm, tuple, "strftime")?,
        None => os(vm, clock::local(optional_seconds(vm, &Object::NONE)?))?,
    };
    check_ranges(vm, &mut t)?;
    // Flags beyond 1 differ from system to system.
    t.isdst = t.isdst.clamp(-1, 1);
    format_text(vm, format, &t)
}

/// Formats piece by piece: what is no ASCII goes around the C library, which
/// knows nothing of lone surrogates and null characters.
pub fn format_text(vm: &Vm, format: &Str, t: &BrokenDown) -> Result {
    let mut out = Builder::with_capacity(format.len() * 2);
    let chars = format.to_code_points();
    let mut i = 0;
    while i < chars.len() {
        let plain = |c: u32| c == 0 || c >= 0x80;
        if plain(chars[i]) {
            out.push_char(chars[i]);
            i += 1;
            continue;
        }
        let start = i;
        while i < chars.len() && !plain(chars[i]) {
            i += 1;
        }
        let piece: Vec<u8> = chars[start..i].iter().map(|&c| c as u8).collect();
        let limit = 256 * piece.len().max(4);
        let Ok(piece) = CString::new(piece) else { continue };
        let Some(bytes) = clock::format(&piece, t, limit) else { return Err(vm.memory_error()) };
        out.push_object(&decode(vm, &bytes)?);
    }
    Ok(out.finish(vm))
}

fn strptime(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let module = import(vm, "_strptime")?;
    let function = vm.get_attr_str(&module, "_strptime_time")?;
    vm.call_kw(&function, args, kwnames)
}

/// `import name` for native code.
pub fn import(vm: &Vm, module: &str) -> Result {
    let builtins = vm.interp().builtins.clone();
    let import = vm.get_attr(&builtins, name::import.object())?;
    vm.call(&import, &[vm.intern(module)])?;
    vm.get_item_str(&vm.interp().modules.clone(), module)
}
