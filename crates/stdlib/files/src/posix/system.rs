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
        "Translate an error code to a message string.",
    ),
    MethodDef::new("putenv(name, value, /)", putenv, "Change or add an environment variable."),
    MethodDef::new(
        "unsetenv(name, /)",
        |vm, args| {
            let variable = fs_bytes(vm, &args[0])?;
            vm.audit("os.unsetenv", &[args[0].clone()])?;
            os(vm, environment::unset(&variable)).map(|_| Object::NONE)
        },
        "Delete an environment variable.",
    ),
    MethodDef::new(
        "urandom(size, /)",
        urandom,
        "Return a bytes object containing random bytes suitable for cryptographic use.",
    ),
    MethodDef::new("getrandom(size, flags=0)", getrandom, "Obtain a series of random bytes."),
    MethodDef::new(
        "cpu_count()",
        |vm, _| {
            Ok(match process::sysconf(libc::_SC_NPROCESSORS_ONLN) {
                Ok(n) if n > 0 => vm.int(n),
                _ => Object::NONE,
            })
        },
        "Return the number of logical CPUs in the system.\n\nReturn None if indeterminable.",
    ),
    MethodDef::new(
        "getloadavg()",
        |vm, _| match process::load_average() {
            Some(load) => Ok(vm.tuple(load.iter().map(|&x| vm.float(x)).collect())),
            None => Err(vm.error(&exc::OS_ERROR, "Load averages are unobtainable")),
        },
        "Return average recent system load information.\n\nReturn the number of processes in the system run queue averaged over\nthe last 1, 5, and 15 minutes as a tuple of three floats.\nRaises OSError if the load average was unobtainable.",
    ),
    MethodDef::new(
        "uname()",
        |vm, _| {
            let names = os(vm, process::system_names())?;
            let names: Result<Vec<Object>> = names.iter().map(|n| decode(vm, n)).collect();
            structseq::new(vm, &super::results::UNAME, names?)
        },
        "Return an object identifying the current operating system.\n\nThe object behaves like a named tuple with the following fields:\n  (sysname, nodename, release, version, machine)",
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
        "Return a collection containing process timing information.\n\nThe object returned behaves like a named tuple with these fields:\n  (utime, stime, cutime, cstime, elapsed_time)\nAll fields are floating-point numbers.",
    ),
    MethodDef::new(
        "sysconf(name, /)",
        |vm, args| {
            let which = configuration_name(vm, &args[0], super::names::SYSCONF)?;
            Ok(vm.int(os(vm, process::sysconf(which))?))
        },
        "Return an integer-valued system configuration variable.",
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
        "Return a string-valued system configuration variable.",
    ),
    MethodDef::new(
        "nice(increment, /)",
        |vm, args| {
            let increment = vm.to_plain_c_int(&args[0])?;
            Ok(vm.int(os(vm, process::nice(increment))? as i64))
        },
        "Add increment to the priority of process and return the new priority.",
    ),
    MethodDef::new(
        "getpriority(which, who)",
        |vm, args| {
            let (which, who) = (vm.to_plain_c_int(&args[0])?, vm.to_plain_c_int(&args[1])?);
            Ok(vm.int(os(vm, process::priority(which, who as u32))? as i64))
        },
        "Return program scheduling priority.",
    ),
    MethodDef::new(
        "setpriority(which, who, priority)",
        |vm, args| {
            let (which, who) = (vm.to_plain_c_int(&args[0])?, vm.to_plain_c_int(&args[1])?);
            let priority = vm.to_plain_c_int(&args[2])?;
            os(vm, process::set_priority(which, who as u32, priority)).map(|_| Object::NONE)
        },
        "Set program scheduling priority.",
    ),
    MethodDef::new(
        "sched_get_priority_max(policy)",
        |vm, args| {
            let policy = vm.to_plain_c_int(&args[0])?;
            Ok(vm.int(os(vm, process::scheduler_priorities(policy).1)? as i64))
        },
        "Get the maximum scheduling priority for policy.",
    ),
    MethodDef::new(
        "sched_get_priority_min(policy)",
        |vm, args| {
            let policy = vm.to_plain_c_int(&args[0])?;
            Ok(vm.int(os(vm, process::scheduler_priorities(policy).0)? as i64))
        },
        "Get the minimum scheduling priority for policy.",
    ),
    MethodDef::new(
        "sched_getscheduler(pid, /)",
        |vm, args| {
            let pid = vm.to_plain_c_int(&args[0])?;
            Ok(vm.int(os(vm, process::scheduler(pid))? as i64))
        },
        "Get the scheduling policy for the process identified by pid.\n\nPassing 0 for pid returns the scheduling policy for the calling process.",
    ),
    MethodDef::new(
        "sched_setscheduler(pid, policy, param, /)",
        |vm, args| {
            let (pid, policy) = (vm.to_plain_c_int(&args[0])?, vm.to_plain_c_int(&args[1])?);
            let priority = sched_priority(vm, &args[2])?;
            os(vm, process::set_scheduler(pid, policy, priority)).map(|_| Object::NONE)
        },
        "Set the scheduling policy for the process identified by pid.\n\nIf pid is 0, the calling process is changed.\nparam is an instance of sched_param.",
    ),
    MethodDef::new(
        "sched_getparam(pid, /)",
        |vm, args| {
            let pid = vm.to_plain_c_int(&args[0])?;
            let priority = os(vm, process::scheduler_param(pid))?;
            structseq::new(vm, &super::results::SCHED_PARAM, vec![vm.int(priority as i64)])
        },
        "Returns scheduling parameters for the process identified by pid.\n\nIf pid is 0, returns parameters for the calling process.\nReturn value is an instance of sched_param.",
    ),
    MethodDef::new(
        "sched_setparam(pid, param, /)",
        |vm, args| {
            let pid = vm.to_plain_c_int(&args[0])?;
            let priority = sched_priority(vm, &args[1])?;
            os(vm, process::set_scheduler_param(pid, priority)).map(|_| Object::NONE)
        },
        "Set scheduling parameters for the process identified by pid.\n\nIf pid is 0, sets parameters for the calling process.\nparam should be an instance of sched_param.",
    ),
    MethodDef::new(
        "sched_rr_get_interval(pid, /)",
        |vm, args| {
            let pid = vm.to_plain_c_int(&args[0])?;
            let (s, ns) = os(vm, process::round_robin_interval(pid))?;
            Ok(vm.float(s as f64 + 1e-9 * ns as f64))
        },
        "Return the round-robin quantum for the process identified by pid, in seconds.\n\nValue returned is a float.",
    ),
    MethodDef::new(
        "sched_yield()",
        |vm, _| blocking(vm, process::yield_processor).map(|_| Object::NONE),
        "Voluntarily relinquish the CPU.",
    ),
    MethodDef::new(
        "sched_getaffinity(pid, /)",
        |vm, args| {
            let pid = vm.to_plain_c_int(&args[0])?;
            let processors = os(vm, process::affinity(pid))?;
            let items = vm.list(processors.iter().map(|&n| vm.usize(n)).collect());
            vm.call(&taipan_runtime::types::set::SET.to_object(), &[items])
        },
        "Return the affinity of the process identified by pid (or the current process if zero).\n\nThe affinity is returned as a set of CPU identifiers.",
    ),
    MethodDef::new(
        "sched_setaffinity(pid, mask, /)",
        sched_setaffinity,
        "Set the CPU affinity of the process identified by pid to mask.\n\n  pid\n    The process ID or 0 for the calling process.\n  mask\n    An iterable of integers identifying CPUs.",
    ),
    MethodDef::new(
        "unshare(flags)",
        |vm, args| {
            let flags = vm.to_plain_c_int(&args[0])?;
            blocking(vm, || process::unshare(flags)).map(|_| Object::NONE)
        },
        "Disassociate parts of a process (or thread) execution context.\n\n  flags\n    Namespaces to be unshared.",
    ),
    MethodDef::new(
        "setns(fd, nstype=0)",
        |vm, args| {
            let fd = fileno_of(vm, &args[0])?;
            let kind = vm.to_plain_c_int(&args[1])?;
            blocking(vm, || process::set_namespace(fd, kind)).map(|_| Object::NONE)
        },
        "Move the calling thread into different namespaces.\n\n  fd\n    A file descriptor to a namespace.\n  nstype\n    Type of namespace.",
    ),
    MethodDef::new(
        "major(device, /)",
        |vm, args| {
            let device = device_argument(vm, &args[0])?;
            Ok(device_number(vm, process::device_parts(device).0, device))
        },
        "Extracts a device major number from a raw device number.",
    ),
    MethodDef::new(
        "minor(device, /)",
        |vm, args| {
            let device = device_argument(vm, &args[0])?;
            Ok(device_number(vm, process::device_parts(device).1, device))
        },
        "Extracts a device minor number from a raw device number.",
    ),
    MethodDef::new(
        "makedev(major, minor, /)",
        |vm, args| {
            let (major, minor) = (device_argument(vm, &args[0])?, device_argument(vm, &args[1])?);
            Ok(vm.u64(process::make_device(major as u32, minor as u32)))
        },
        "Composes a raw device number from the major and minor device numbers.",
    ),
];

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
