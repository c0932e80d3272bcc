//! Functions of `posix` on the machine: scheduling, limits, names, entropy,
//! environment variables.

use super::paths::{configuration_name, device_argument};
use crate::support::*;
use std::ffi::CString;
use taipan_host::{Errno, entropy, environment, libc, process};
use taipan_runtime::prelude::*;
use taipan_runtime::structseq;
use taipan_runtime::types::{bytes, int};

pub static FUNCTIONS: &[MethodDef] = &[
    MethodDef::new(
        "strerror(code, /)",
        |vm, args| {
            let code = vm.to_plain_c_int(&args[0])?;
            Ok(vm.str(&Errno(code).text()))
        },
        "The system's words for an error number.",
    ),
    MethodDef::new(
        "putenv(name, value, /)",
        putenv,
        "Sets an environment variable of the process; os.environ does not notice.",
    ),
    MethodDef::new(
        "unsetenv(name, /)",
        |vm, args| {
            let variable = fs_bytes(vm, &args[0])?;
            vm.audit("os.unsetenv", &[args[0].clone()])?;
            os(vm, environment::unset(&variable)).map(|_| Object::NONE)
        },
        "Removes an environment variable of the process; os.environ does not notice.",
    ),
    MethodDef::new("urandom(size, /)", urandom, "Random bytes fit for cryptography."),
    MethodDef::new("getrandom(size, flags=0)", getrandom, "Random bytes of the system."),
    MethodDef::new(
        "cpu_count()",
        |vm, _| {
            Ok(match process::sysconf(libc::_SC_NPROCESSORS_ONLN) {
                Ok(n) if n > 0 => vm.int(n),
                _ => Object::NONE,
            })
        },
        "How many processors the machine has; None if unknown.",
    ),
    MethodDef::new(
        "getloadavg()",
        |vm, _| match process::load_average() {
            Some(load) => Ok(vm.tuple(load.iter().map(|&x| vm.float(x)).collect())),
            None => Err(vm.error(&exc::OS_ERROR, "Load averages are unobtainable")),
        },
        "How many processes were ready to run in the last 1, 5 and 15 minutes.",
    ),
    MethodDef::new(
        "uname()",
        |vm, _| {
            let names = os(vm, process::system_names())?;
            let names: Result<Vec<Object>> = names.iter().map(|n| decode(vm, n)).collect();
            structseq::new(vm, &super::results::UNAME, names?)
        },
        "Names of the operating system and the machine.",
    ),
    MethodDef::new(
        "times()",
        |vm, _| {
            let times = os(vm, taipan_host::clock::process_times())?;
            let ticks = process::sysconf(libc::_SC_CLK_TCK).unwrap_or(100).max(1) as f64;
            structseq::new(
                vm,
                &super::results::TIMES,
                times.iter().map(|&t| vm.float(t as f64 / ticks)).collect(),
            )
        },
        "Processor times of this process and its children, and the elapsed time.",
    ),
    MethodDef::new(
        "sysconf(name, /)",
        |vm, args| {
            let which = configuration_name(vm, &args[0], super::names::SYSCONF)?;
            Ok(vm.int(os(vm, process::sysconf(which))?))
        },
        "A limit or setting of the system; -1 if there is none.",
    ),
    MethodDef::new(
        "confstr(name, /)",
        |vm, args| {
            let which = configuration_name(vm, &args[0], super::names::CONFSTR)?;
            match os(vm, process::confstr(which))? {
                Some(value) => decode(vm, &value),
                None => Ok(Object::NONE),
            }
        },
        "A text setting of the system.",
    ),
    MethodDef::new(
        "nice(increment, /)",
        |vm, args| {
            let increment = vm.to_plain_c_int(&args[0])?;
            Ok(vm.int(os(vm, process::nice(increment))? as i64))
        },
        "Adds to the niceness and returns it.",
    ),
    MethodDef::new(
        "getpriority(which, who)",
        |vm, args| {
            let (which, who) = (vm.to_plain_c_int(&args[0])?, vm.to_plain_c_int(&args[1])?);
            Ok(vm.int(os(vm, process::priority(which, who as u32))? as i64))
        },
        "The scheduling priority of processes.",
    ),
    MethodDef::new(
        "setpriority(which, who, priority)",
        |vm, args| {
            let (which, who) = (vm.to_plain_c_int(&args[0])?, vm.to_plain_c_int(&args[1])?);
            let priority = vm.to_plain_c_int(&args[2])?;
            os(vm, process::set_priority(which, who as u32, priority)).map(|_| Object::NONE)
        },
        "Sets the scheduling priority of processes.",
    ),
    MethodDef::new(
        "sched_get_priority_max(policy)",
        |vm, args| {
            let policy = vm.to_plain_c_int(&args[0])?;
            Ok(vm.int(os(vm, process::scheduler_priorities(policy).1)? as i64))
        },
        "The highest priority of a scheduling policy.",
    ),
    MethodDef::new(
        "sched_get_priority_min(policy)",
        |vm, args| {
            let policy = vm.to_plain_c_int(&args[0])?;
            Ok(vm.int(os(vm, process::scheduler_priorities(policy).0)? as i64))
        },
        "The lowest priority of a scheduling policy.",
    ),
    MethodDef::new(
        "sched_getscheduler(pid, /)",
        |vm, args| {
            let pid = vm.to_plain_c_int(&args[0])?;
            Ok(vm.int(os(vm, process::scheduler(pid))? as i64))
        },
        "The scheduling policy of a process; 0 is this one.",
    ),
    MethodDef::new(
        "sched_setscheduler(pid, policy, param, /)",
        |vm, args| {
            let (pid, policy) = (vm.to_plain_c_int(&args[0])?, vm.to_plain_c_int(&args[1])?);
            let priority = sched_priority(vm, &args[2])?;
            os(vm, process::set_scheduler(pid, policy, priority)).map(|_| Object::NONE)
        },
        "Sets the scheduling policy of a process; 0 is this one.",
    ),
    MethodDef::new(
        "sched_getparam(pid, /)",
        |vm, args| {
            let pid = vm.to_plain_c_int(&args[0])?;
            let priority = os(vm, process::scheduler_param(pid))?;
            structseq::new(vm, &super::results::SCHED_PARAM, vec![vm.int(priority as i64)])
        },
        "The scheduling parameters of a process; 0 is this one.",
    ),
    MethodDef::new(
        "sched_setparam(pid, param, /)",
        |vm, args| {
            let pid = vm.to_plain_c_int(&args[0])?;
            let priority = sched_priority(vm, &args[1])?;
            os(vm, process::set_scheduler_param(pid, priority)).map(|_| Object::NONE)
        },
        "Sets the scheduling parameters of a process; 0 is this one.",
    ),
    MethodDef::new(
        "sched_rr_get_interval(pid, /)",
        |vm, args| {
            let pid = vm.to_plain_c_int(&args[0])?;
            let (s, ns) = os(vm, process::round_robin_interval(pid))?;
            Ok(vm.float(s as f64 + 1e-9 * ns as f64))
        },
        "The time slice of a process, in seconds.",
    ),
    MethodDef::new(
        "sched_yield()",
        |vm, _| blocking(vm, process::yield_processor).map(|_| Object::NONE),
        "Lets other processes run.",
    ),
    MethodDef::new(
        "sched_getaffinity(pid, /)",
        |vm, args| {
            let pid = vm.to_plain_c_int(&args[0])?;
            let processors = os(vm, process::affinity(pid))?;
            let items = vm.list(processors.iter().map(|&n| vm.usize(n)).collect());
            vm.call(&taipan_runtime::types::set::SET.to_object(), &[items])
        },
        "The set of processors on which a process may run.",
    ),
    MethodDef::new(
        "sched_setaffinity(pid, mask, /)",
        sched_setaffinity,
        "Sets the processors on which a process may run.",
    ),
    MethodDef::new(
        "unshare(flags)",
        |vm, args| {
            let flags = vm.to_plain_c_int(&args[0])?;
            blocking(vm, || process::unshare(flags)).map(|_| Object::NONE)
        },
        "Gives this process its own copy of what it shares with others.",
    ),
    MethodDef::new(
        "setns(fd, nstype=0)",
        |vm, args| {
            let fd = fileno_of(vm, &args[0])?;
            let kind = vm.to_plain_c_int(&args[1])?;
            blocking(vm, || process::set_namespace(fd, kind)).map(|_| Object::NONE)
        },
        "Moves this thread into other namespaces.",
    ),
    MethodDef::new(
        "major(device, /)",
        |vm, args| {
            let device = device_argument(vm, &args[0])?;
            Ok(device_number(vm, process::device_parts(device).0, device))
        },
        "The major number of a device.",
    ),
    MethodDef::new(
        "minor(device, /)",
        |vm, args| {
            let device = device_argument(vm, &args[0])?;
            Ok(device_number(vm, process::device_parts(device).1, device))
        },
        "The minor number of a device.",
    ),
    MethodDef::new(
        "makedev(major, minor, /)",
        |vm, args| {
            let (major, minor) = (device_part(vm, &args[0])?, device_part(vm, &args[1])?);
            if (major, minor) == (u32::MAX, u32::MAX) {
                return Ok(vm.int(-1));
            }
            Ok(vm.u64(process::make_device(major, minor)))
        },
        "The device of a major and a minor number.",
    ),
];

/// A major or minor number; -1 is all bits.
fn device_part(vm: &Vm, object: &Object) -> Result<u32> {
    match device_argument(vm, object)? {
        u64::MAX => Ok(u32::MAX),
        n => u32::try_from(n)
            .map_err(|_| vm.overflow_error("Python int too large to convert to C unsigned int")),
    }
}

/// -1 stands for no device.
fn device_number(vm: &Vm, part: u32, device: u64) -> Object {
    if device == u64::MAX { vm.int(-1) } else { vm.int(part as i64) }
}

fn putenv(vm: &Vm, args: &[Object]) -> Result {
    let (variable, value) = (fs_bytes(vm, &args[0])?, fs_bytes(vm, &args[1])?);
    if variable.to_bytes().contains(&b'=') {
        return Err(vm.value_error("illegal environment variable name"));
    }
    vm.audit("os.putenv", &[args[0].clone(), args[1].clone()])?;
    os(vm, environment::set(&variable, &value)).map(|_| Object::NONE)
}

fn urandom(vm: &Vm, args: &[Object]) -> Result {
    let n = vm.index_isize(&args[0])?;
    if n < 0 {
        return Err(vm.value_error("negative argument not allowed"));
    }
    let mut out: Vec<u8> = Vec::new();
    if out.try_reserve_exact(n as usize).is_err() {
        return Err(vm.memory_error());
    }
    out.resize(n as usize, 0);
    blocking(vm, || entropy::fill(&mut out))?;
    bytes::new(vm, &out)
}

fn getrandom(vm: &Vm, args: &[Object]) -> Result {
    let n = vm.index_isize(&args[0])?;
    let flags = vm.to_plain_c_int(&args[1])?;
    if n < 0 {
        return Err(os_error(vm, Errno(libc::EINVAL)));
    }
    let mut out: Vec<u8> = Vec::new();
    if out.try_reserve_exact(n as usize).is_err() {
        return Err(vm.memory_error());
    }
    out.resize(n as usize, 0);
    let n = retry_os(vm, || entropy::getrandom(&mut out, flags as u32))?;
    bytes::new(vm, &out[..n])
}

fn sched_priority(vm: &Vm, param: &Object) -> Result<i32> {
    let class = structseq::class(vm, &super::results::SCHED_PARAM)?;
    if param.ty().value() != class.value() {
        return Err(vm.type_error("must have a sched_param object"));
    }
    let priority = vm.get_attr_str(param, "sched_priority")?;
    let n = vm.to_i64(&priority)?;
    i32::try_from(n).map_err(|_| vm.overflow_error("sched_priority out of range"))
}

fn sched_setaffinity(vm: &Vm, args: &[Object]) -> Result {
    let pid = vm.to_plain_c_int(&args[0])?;
    let mut processors = Vec::new();
    vm.for_each(&args[1], |item| {
        if !int::is_any_int(&item) {
            return Err(vm.type_error(format!(
                "expected an iterator of ints, but iterator yielded {}",
                vm.repr_text(&item.ty().to_object())?
            )));
        }
        let n = vm.to_i64(&item)?;
        if n < 0 {
            return Err(vm.value_error("negative CPU number"));
        }
        if n > (i32::MAX - 1) as i64 {
            return Err(vm.overflow_error("CPU number too large"));
        }
        processors.push(n as usize);
        Ok(())
    })?;
    os(vm, process::set_affinity(pid, &processors)).map(|_| Object::NONE)
}

/// Kept here for `spawn`: a C string of bytes that may not hold zeros.
pub fn c_string(vm: &Vm, bytes: Vec<u8>) -> Result<CString> {
    CString::new(bytes).map_err(|_| vm.value_error("embedded null byte"))
}
