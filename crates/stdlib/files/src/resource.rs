//! The module `resource`: limits of processes and what they have used.

use crate::support::*;
use taipan_host::process::{self, Usage};
use taipan_host::{Errno, libc};
use taipan_runtime::prelude::*;
use taipan_runtime::structseq::{self, StructDef};
use taipan_runtime::types::int;

pub static MODULE: ModuleDef = ModuleDef {
    name: "resource",
    doc: "Limits of resources, and how much of them was used.",
    functions: &[
        MethodDef::new("getrusage(who, /)", getrusage, "What a process or thread has used."),
        MethodDef::new("getrlimit(resource, /)", getrlimit, "The soft and hard limit of a resource."),
        MethodDef::new(
            "setrlimit(resource, limits, /)",
            setrlimit,
            "Sets the soft and hard limit of a resource.",
        ),
        MethodDef::raw(
            "prlimit(pid, resource, limits=None, /)",
            prlimit,
            "prlimit(pid, resource[, limits])\n--\n\nReads or sets a limit of any process.",
        ),
        MethodDef::new(
            "getpagesize()",
            |vm, _| Ok(vm.int(process::sysconf(libc::_SC_PAGESIZE).unwrap_or(4096))),
            "Bytes in a page of memory.",
        ),
    ],
    types: &[],
    init: Some(init),
};

static USAGE: StructDef = StructDef::new(
    "resource.struct_rusage",
    "struct_rusage: Result from getrusage.\n\nA tuple of the fields (ru_utime, ru_stime, ru_maxrss, ...), which are attributes, too.",
    &[
        ("ru_utime", "user time used"),
        ("ru_stime", "system time used"),
        ("ru_maxrss", "max. resident set size"),
        ("ru_ixrss", "shared memory size"),
        ("ru_idrss", "unshared data size"),
        ("ru_isrss", "unshared stack size"),
        ("ru_minflt", "page faults not requiring I/O"),
        ("ru_majflt", "page faults requiring I/O"),
        ("ru_nswap", "number of swap outs"),
        ("ru_inblock", "block input operations"),
        ("ru_oublock", "block output operations"),
        ("ru_msgsnd", "IPC messages sent"),
        ("ru_msgrcv", "IPC messages received"),
        ("ru_nsignals", "signals received"),
        ("ru_nvcsw", "voluntary context switches"),
        ("ru_nivcsw", "involuntary context switches"),
    ],
);

fn init(vm: &Vm, module: &Object) -> Result<()> {
    vm.set_attr_str(module, "struct_rusage", &structseq::class(vm, &USAGE)?)?;
    vm.set_attr_str(module, "error", &exc::OS_ERROR.to_object())?;
    add_ints(
        vm,
        module,
        &[
            ("RLIMIT_CPU", libc::RLIMIT_CPU as i64),
            ("RLIMIT_FSIZE", libc::RLIMIT_FSIZE as i64),
            ("RLIMIT_DATA", libc::RLIMIT_DATA as i64),
            ("RLIMIT_STACK", libc::RLIMIT_STACK as i64),
            ("RLIMIT_CORE", libc::RLIMIT_CORE as i64),
            ("RLIMIT_NOFILE", libc::RLIMIT_NOFILE as i64),
            ("RLIMIT_OFILE", libc::RLIMIT_NOFILE as i64),
            ("RLIMIT_AS", libc::RLIMIT_AS as i64),
            ("RLIMIT_RSS", libc::RLIMIT_RSS as i64),
            ("RLIMIT_NPROC", libc::RLIMIT_NPROC as i64),
            ("RLIMIT_MEMLOCK", libc::RLIMIT_MEMLOCK as i64),
            ("RLIMIT_MSGQUEUE", libc::RLIMIT_MSGQUEUE as i64),
            ("RLIMIT_NICE", libc::RLIMIT_NICE as i64),
            ("RLIMIT_RTPRIO", libc::RLIMIT_RTPRIO as i64),
            ("RLIMIT_RTTIME", libc::RLIMIT_RTTIME as i64),
            ("RLIMIT_SIGPENDING", libc::RLIMIT_SIGPENDING as i64),
            ("RUSAGE_SELF", libc::RUSAGE_SELF as i64),
            ("RUSAGE_CHILDREN", libc::RUSAGE_CHILDREN as i64),
            ("RUSAGE_THREAD", libc::RUSAGE_THREAD as i64),
            ("RLIM_INFINITY", -1),
        ],
    )
}

/// A `struct_rusage`.
pub fn usage_result(vm: &Vm, usage: &Usage) -> Result {
    let time = |(s, us): (i64, i64)| vm.float(s as f64 + us as f64 * 1e-6);
    let mut fields = vec![time(usage.user), time(usage.system)];
    fields.extend(usage.counts.iter().map(|&n| vm.int(n)));
    structseq::new(vm, &USAGE, fields)
}

fn getrusage(vm: &Vm, args: &[Object]) -> Result {
    let who = vm.to_plain_c_int(&args[0])?;
    match process::usage(who) {
        Ok(usage) => usage_result(vm, &usage),
        Err(Errno(libc::EINVAL)) => Err(vm.value_error("invalid who parameter")),
        Err(e) => Err(os_error(vm, e)),
    }
}

/// A limit: -1 is infinity.
fn limit(vm: &Vm, object: &Object) -> Result<u64> {
    let index = vm.index(object)?;
    if int::to_i64(&index) == Some(-1) {
        return Ok(u64::MAX);
    }
    if int::is_negative(&index) {
        return Err(vm.value_error("Cannot convert negative int"));
    }
    int::to_u64(&index).ok_or_else(|| vm.overflow_error("Python int too large to convert to C unsigned long"))
}

fn limits(vm: &Vm, object: &Object) -> Result<(u64, u64)> {
    let items = match object.downcast::<Tuple>() {
        Some(t) => t.items().to_vec(),
        None => vm.collect(object)?,
    };
    let [soft, hard] = &items[..] else {
        return Err(vm.value_error("expected a tuple of 2 integers"));
    };
    Ok((limit(vm, soft)?, limit(vm, hard)?))
}

fn limits_result(vm: &Vm, (soft, hard): (u64, u64)) -> Object {
    let shown = |n: u64| if n == u64::MAX { vm.int(-1) } else { vm.u64(n) };
    vm.tuple(vec![shown(soft), shown(hard)])
}

fn resource_number(vm: &Vm, object: &Object) -> Result<i32> {
    let n = vm.to_plain_c_int(object)?;
    // Linux has sixteen of them.
    if !(0..16).contains(&n) {
        return Err(vm.value_error("invalid resource specified"));
    }
    Ok(n)
}

fn getrlimit(vm: &Vm, args: &[Object]) -> Result {
    let which = resource_number(vm, &args[0])?;
    Ok(limits_result(vm, os(vm, process::limit(which))?))
}

fn set_result(vm: &Vm, result: taipan_host::Result<(u64, u64)>) -> Result<(u64, u64)> {
    match result {
        Err(Errno(libc::EINVAL)) => Err(vm.value_error("current limit exceeds maximum limit")),
        Err(Errno(libc::EPERM)) => Err(vm.value_error("not allowed to raise maximum limit")),
        other => os(vm, other),
    }
}

fn setrlimit(vm: &Vm, args: &[Object]) -> Result {
    let which = resource_number(vm, &args[0])?;
    let (soft, hard) = limits(vm, &args[1])?;
    vm.audit("resource.setrlimit", &[args[0].clone(), args[1].clone()])?;
    set_result(vm, process::set_limit(which, soft, hard).map(|()| (soft, hard)))?;
    Ok(Object::NONE)
}

fn prlimit(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    if !kwnames.is_empty() {
        return Err(vm.type_error("resource.prlimit() takes no keyword arguments"));
    }
    if args.len() < 2 || args.len() > 3 {
        return Err(vm.type_error(format!(
            "prlimit expected {} arguments, got {}",
            if args.len() < 2 { "at least 2" } else { "at most 3" },
            args.len()
        )));
    }
    let pid = vm.to_plain_c_int(&args[0])?;
    let which = resource_number(vm, &args[1])?;
    let new = match args.get(2).and_then(|o| o.some()) {
        Some(object) => Some(limits(vm, object)?),
        None => None,
    };
    vm.audit(
        "resource.prlimit",
        &[args[0].clone(), args[1].clone(), args.get(2).cloned().unwrap_or(Object::NONE)],
    )?;
    match process::process_limit(pid, which, new) {
        Err(Errno(libc::EINVAL)) => Err(vm.value_error("current limit exceeds maximum limit")),
        result => Ok(limits_result(vm, os(vm, result)?)),
    }
}
