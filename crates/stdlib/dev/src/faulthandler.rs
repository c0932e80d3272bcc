//! `faulthandler`: stacks written when a fatal error happens, a signal comes, or a program takes too long. What
//! writes them is in the runtime (`stacks`); here are the arguments.

use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::Duration;
use taipan_host::faults;
use taipan_runtime::prelude::*;
use taipan_runtime::seconds::{self, Rounding};
use taipan_runtime::stacks;

/// The module.
pub static FAULTHANDLER: ModuleDef = ModuleDef {
    name: "faulthandler",
    doc: "faulthandler module.",
    functions: &[
        MethodDef::new(
            "enable(file=sys.stderr, all_threads=True, c_stack=True)",
            enable,
            "Enable the fault handler.",
        ),
        MethodDef::new("disable()", disable, "Disable the fault handler."),
        MethodDef::new(
            "is_enabled()",
            |vm, _| Ok(Object::bool(vm.shared(ENABLED).is_some())),
            "Check if the handler is enabled.",
        ),
        MethodDef::new(
            "dump_traceback(file=sys.stderr, all_threads=True)",
            |vm, args| {
                let all_threads = vm.is_true(&args[1])?;
                let (fd, _file) = target(vm, &args[0])?;
                stacks::write(vm, fd, all_threads);
                Ok(Object::NONE)
            },
            "Dump the traceback of the current thread, or of all threads if all_threads is True, into file.",
        ),
        MethodDef::new(
            "dump_c_stack(file=sys.stderr)",
            |vm, args| {
                let (fd, _file) = target(vm, &args[0])?;
                stacks::say(fd, NATIVE);
                Ok(Object::NONE)
            },
            "Dump the C stack of the current thread.",
        ),
        MethodDef::new(
            "dump_traceback_later(timeout, repeat=False, file=sys.stderr, exit=False)",
            later,
            "Dump the traceback of all threads in timeout seconds,\nor each timeout seconds if repeat is True. If exit is True, call _exit(1) which is not safe.",
        ),
        MethodDef::new(
            "cancel_dump_traceback_later()",
            |vm, _| {
                stacks::call_off();
                vm.share(LATER, Object::NONE);
                Ok(Object::NONE)
            },
            "Cancel the previous call to dump_traceback_later().",
        ),
        MethodDef::new(
            "register(signum, file=sys.stderr, all_threads=True, chain=False)",
            register,
            "Register a handler for the signal 'signum': dump the traceback of the current thread, or of all threads if all_threads is True, into file.",
        ),
        MethodDef::new(
            "unregister(signum, /)",
            |vm, args| {
                let signal = signal_number(vm, &args[0])?;
                with_files(vm, |vm, files| {
                    vm.call_method(files, "pop", &[vm.int(signal as i64), Object::NONE])
                })?;
                Ok(Object::bool(faults::release(signal)))
            },
            "Unregister the handler of the signal 'signum' registered by register().",
        ),
        MethodDef::new("_sigsegv(release_gil=False, /)", |vm, _| raise(vm, 11), "Raise a SIGSEGV signal."),
        MethodDef::new("_sigfpe()", |vm, _| raise(vm, 8), "Raise a SIGFPE signal."),
        MethodDef::new("_sigabrt()", |_, _| taipan_host::process::abort(), "Raise a SIGABRT signal."),
        MethodDef::new(
            "_read_null()",
            |_, _| {
                faults::read_null();
                Ok(Object::NONE)
            },
            "Read from NULL, raise a SIGSEGV or SIGBUS signal depending on the platform.",
        ),
    ],
    types: &[],
    init: None,
};

/// Where the files that are written to are kept alive.
const ENABLED: &str = "faulthandler.enabled";
const LATER: &str = "faulthandler.later";
const REGISTERED: &str = "faulthandler.registered";

/// What is said about the stack of native code, which nobody reads here.
const NATIVE: &str =
    "Current thread's C stack trace (most recent call first):\n  <cannot get C stack on this system>\n";

/// Where the report about a signal goes.
struct Target {
    fd: AtomicI32,
    all_threads: AtomicBool,
    native: AtomicBool,
}

static TARGETS: [Target; taipan_host::signal::COUNT] = [const {
    Target { fd: AtomicI32::new(-1), all_threads: AtomicBool::new(true), native: AtomicBool::new(false) }
}; taipan_host::signal::COUNT];

/// Runs in the signal's handler.
fn signalled(signal: i32) {
    let Some(target) = TARGETS.get(signal as usize) else { return };
    let fd = target.fd.load(Ordering::SeqCst);
    let fatal = faults::FATAL.iter().find(|(number, _)| *number == signal);
    if let Some((_, name)) = fatal {
        stacks::say(fd, "Fatal Python error: ");
        stacks::say(fd, name);
        stacks::say(fd, "\n\n");
    }
    stacks::write_in_handler(fd, target.all_threads.load(Ordering::SeqCst));
    if fatal.is_some() && target.native.load(Ordering::SeqCst) {
        stacks::say(fd, "\n");
        stacks::say(fd, NATIVE);
    }
}

fn aim(vm: &Vm, signal: i32, fd: i32, all_threads: bool, native: bool) {
    stacks::prepare(vm);
    if let Some(target) = TARGETS.get(signal as usize) {
        target.all_threads.store(all_threads, Ordering::SeqCst);
        target.native.store(native, Ordering::SeqCst);
        target.fd.store(fd, Ordering::SeqCst);
    }
}

fn raise(vm: &Vm, signal: i32) -> Result {
    match taipan_host::signal::raise(signal) {
        Ok(()) => Ok(Object::NONE),
        Err(errno) => Err(vm.os_error(errno.0, None)),
    }
}

fn with_files(vm: &Vm, work: impl FnOnce(&Vm, &Object) -> Result) -> Result {
    let files = match vm.shared(REGISTERED) {
        Some(files) => files,
        None => {
            let files = vm.new_dict();
            vm.share(REGISTERED, files.clone());
            files
        }
    };
    work(vm, &files)
}

/// The descriptor to write to, and the object to keep alive.
fn target(vm: &Vm, file: &Object) -> Result<(i32, Object)> {
    let file = if file.is_none() || file.is_unbound() {
        let stderr = vm.interp().sys_dict.downcast::<Dict>().and_then(|d| d.get_text(vm, "stderr"));
        let Some(stderr) = stderr else { return Err(vm.runtime_error("unable to get sys.stderr")) };
        if stderr.is_none() {
            return Err(vm.runtime_error("sys.stderr is None"));
        }
        stderr
    } else if file.is_int() || file.is_bool() {
        if file.is_bool() {
            vm.warn(&exc::RUNTIME_WARNING, "bool is used as a file descriptor", 1)?;
        }
        let fd = vm.to_c_int(file)?;
        if fd < 0 {
            return Err(vm.value_error("file is not a valid file descriptor"));
        }
        return Ok((fd, Object::NONE));
    } else {
        file.clone()
    };
    let number = vm.call_method(&file, "fileno", &[])?;
    let fd = if number.is_int() { vm.to_c_int(&number)? } else { -1 };
    if fd < 0 {
        return Err(vm.runtime_error("file.fileno() is not a valid file descriptor"));
    }
    if vm.call_method(&file, "flush", &[]).is_err() {
        // Its fault is not ours.
        drop(vm.take_raised());
    }
    Ok((fd, file))
}

fn signal_number(vm: &Vm, object: &Object) -> Result<i32> {
    let signal = vm.to_c_int(object)?;
    if let Some((fatal, _)) = faults::FATAL.iter().find(|(number, _)| *number == signal) {
        return Err(vm.runtime_error(format!("signal {fatal} cannot be registered, use enable() instead")));
    }
    if signal < 1 || signal as usize >= taipan_host::signal::COUNT {
        return Err(vm.value_error("signal number out of range"));
    }
    Ok(signal)
}

fn enable(vm: &Vm, args: &[Object]) -> Result {
    let (all_threads, native) = (vm.is_true(&args[1])?, vm.is_true(&args[2])?);
    let (fd, file) = target(vm, &args[0])?;
    vm.share(ENABLED, file);
    faults::FATAL.iter().for_each(|(signal, _)| aim(vm, *signal, fd, all_threads, native));
    match faults::install_fatal(signalled) {
        Ok(()) => Ok(Object::NONE),
        Err(errno) => Err(vm.os_error(errno.0, None)),
    }
}

fn disable(vm: &Vm, _args: &[Object]) -> Result {
    faults::FATAL.iter().for_each(|(signal, _)| {
        faults::release(*signal);
    });
    Ok(Object::bool(vm.unshare(ENABLED).is_some()))
}

fn later(vm: &Vm, args: &[Object]) -> Result {
    let time = seconds::nanoseconds(vm, &args[0], Rounding::Ceiling)?;
    let (repeat, exit) = (vm.is_true(&args[1])?, vm.is_true(&args[3])?);
    // Whole microseconds.
    let time = time.max(0) as u64 / 1000;
    if time == 0 {
        return Err(vm.value_error("timeout must be greater than 0"));
    }
    let (fd, file) = target(vm, &args[2])?;
    let started = stacks::report_later(vm, Duration::from_micros(time), repeat, fd, exit);
    vm.share(LATER, file);
    if started { Ok(Object::NONE) } else { Err(vm.runtime_error("unable to start watchdog thread")) }
}

fn register(vm: &Vm, args: &[Object]) -> Result {
    let signal = signal_number(vm, &args[0])?;
    let (all_threads, chain) = (vm.is_true(&args[2])?, vm.is_true(&args[3])?);
    let (fd, file) = target(vm, &args[1])?;
    aim(vm, signal, fd, all_threads, false);
    if let Err(errno) = faults::install_user(signal, chain, signalled) {
        return Err(vm.os_error(errno.0, None));
    }
    with_files(vm, |vm, files| {
        vm.set_item(files, &vm.int(signal as i64), &file)?;
        Ok(Object::NONE)
    })
}
