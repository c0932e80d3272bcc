//! The module `_signal`. Handlers run at the interpreter's safe points, in the
//! main thread: [`run_handlers`] is what the eval breaker calls.

use crate::support::*;
use crate::time::values::{self, Rounding};
use taipan_host::signal::{self, COUNT, Disposition};
use taipan_host::{Errno, fd, libc, process};
use taipan_runtime::prelude::*;
use taipan_runtime::structseq::{self, StructDef};
use taipan_runtime::support::exception_class;
use taipan_runtime::types::{int, set, traceback};
use taipan_runtime::vm::breaker;

pub static MODULE: ModuleDef = ModuleDef {
    name: "_signal",
    doc: "Signals: handlers, timers, masks.\n\nSIG_DFL is the system's handling, SIG_IGN ignores a signal; a Python function\ngets the number of the signal and the interrupted frame.",
    functions: &[
        MethodDef::new(
            "default_int_handler(signalnum, frame, /)",
            |vm, args| {
                vm.to_plain_c_int(&args[0])?;
                Err(vm.error_with(&exc::KEYBOARD_INTERRUPT, Vec::new()))
            },
            "The handler of SIGINT unless the program has another: raises KeyboardInterrupt.",
        ),
        MethodDef::new(
            "signal(signalnum, handler, /)",
            set_handler,
            "Sets the handler of a signal and returns the one before.",
        ),
        MethodDef::new(
            "getsignal(signalnum, /)",
            |vm, args| {
                let n = number(vm, &args[0])?;
                Ok(handler(vm, n))
            },
            "The handler of a signal; None if it was not set by Python.",
        ),
        MethodDef::new(
            "set_wakeup_fd(fd, /, *, warn_on_full_buffer=True)",
            set_wakeup_fd,
            "Sets the descriptor to which the number of each signal is written, as a byte.\n\nReturns the one before; -1 for none.",
        ),
        MethodDef::new(
            "siginterrupt(signalnum, flag, /)",
            |vm, args| {
                let n = number(vm, &args[0])?;
                let on = vm.to_plain_c_int(&args[1])?;
                os(vm, signal::set_interrupts(n, on != 0)).map(|()| Object::NONE)
            },
            "Whether system calls are interrupted by the signal, or restarted.",
        ),
        MethodDef::new(
            "strsignal(signalnum, /)",
            |vm, args| {
                let n = number(vm, &args[0])?;
                Ok(signal::text(n).map_or(Object::NONE, |text| vm.str(&text)))
            },
            "The system's description of a signal.",
        ),
        MethodDef::new(
            "raise_signal(signalnum, /)",
            |vm, args| {
                let n = vm.to_plain_c_int(&args[0])?;
                blocking(vm, || signal::raise(n))?;
                vm.check_signals()?;
                Ok(Object::NONE)
            },
            "Sends a signal to this process.",
        ),
        MethodDef::new(
            "alarm(seconds, /)",
            |vm, args| {
                let seconds = vm.to_plain_c_int(&args[0])?;
                Ok(vm.int(signal::alarm(seconds as u32) as i64))
            },
            "Asks for a SIGALRM after some seconds; returns what was left of the last one.",
        ),
        MethodDef::new(
            "pause()",
            |vm, _| {
                vm.without_gil(signal::pause);
                vm.check_signals()?;
                Ok(Object::NONE)
            },
            "Waits for a signal.",
        ),
        MethodDef::new(
            "setitimer(which, seconds, interval=0.0, /)",
            setitimer,
            "Sets a timer and returns its setting before: (seconds, interval).",
        ),
        MethodDef::new(
            "getitimer(which, /)",
            |vm, args| {
                let which = vm.to_plain_c_int(&args[0])?;
                match signal::timer(which) {
                    Ok(timer) => Ok(timer_result(vm, timer)),
                    Err(e) => Err(itimer_error(vm, e)),
                }
            },
            "The setting of a timer: (seconds, interval).",
        ),
        MethodDef::new(
            "pthread_sigmask(how, mask, /)",
            |vm, args| {
                let how = vm.to_plain_c_int(&args[0])?;
                let mask = signals(vm, &args[1])?;
                let old = os(vm, signal::set_mask(how, &mask))?;
                // What was unblocked is delivered by now.
                vm.check_signals()?;
                signal_set(vm, &old)
            },
            "Changes the signals blocked in this thread; returns those blocked before.",
        ),
        MethodDef::new(
            "pthread_kill(thread_id, signalnum, /)",
            |vm, args| {
                let thread = vm.to_u64(&args[0])?;
                let n = vm.to_plain_c_int(&args[1])?;
                vm.audit("signal.pthread_kill", &[args[0].clone(), args[1].clone()])?;
                os(vm, signal::thread_kill(thread, n))?;
                vm.check_signals()?;
                Ok(Object::NONE)
            },
            "Sends a signal to a thread.",
        ),
        MethodDef::new(
            "pidfd_send_signal(pidfd, signalnum, siginfo=None, flags=0, /)",
            |vm, args| {
                let (pidfd, n) = (vm.to_plain_c_int(&args[0])?, vm.to_plain_c_int(&args[1])?);
                if !args[2].is_none() {
                    return Err(vm.type_error("siginfo must be None"));
                }
                let flags = vm.to_plain_c_int(&args[3])?;
                os(vm, process::pidfd_send_signal(pidfd, n, flags as u32))?;
                vm.check_signals()?;
                Ok(Object::NONE)
            },
            "Sends a signal to the process of a descriptor.",
        ),
        MethodDef::new(
            "sigpending()",
            |vm, _| signal_set(vm, &os(vm, signal::blocked_pending())?),
            "Signals that wait because they are blocked.",
        ),
        MethodDef::new(
            "sigwait(sigset, /)",
            |vm, args| {
                let wanted = signals(vm, &args[0])?;
                Ok(vm.int(retry_os(vm, || signal::wait(&wanted))? as i64))
            },
            "Waits for one of the signals and returns its number.",
        ),
        MethodDef::new(
            "sigwaitinfo(sigset, /)",
            |vm, args| {
                let wanted = signals(vm, &args[0])?;
                let info = retry_os(vm, || signal::wait_info(&wanted, None))?;
                info_result(vm, info)
            },
            "Waits for one of the signals and returns what is known about it.",
        ),
        MethodDef::new(
            "sigtimedwait(sigset, timeout, /)",
            sigtimedwait,
            "As sigwaitinfo(), for at most a number of seconds; None if nothing came.",
        ),
        MethodDef::new(
            "valid_signals()",
            |vm, _| signal_set(vm, &signal::all()),
            "The signals of this system.",
        ),
    ],
    types: &[],
    init: Some(init),
};

static INFO: StructDef = StructDef::new(
    "signal.struct_siginfo",
    "What sigwaitinfo() and sigtimedwait() know about a signal: a tuple of\n(si_signo, si_code, si_errno, si_pid, si_uid, si_status, si_band), which are\nattributes, too.",
    &[
        ("si_signo", "signal number"),
        ("si_code", "signal code"),
        ("si_errno", "errno associated with this signal"),
        ("si_pid", "sending process ID"),
        ("si_uid", "real user ID of sending process"),
        ("si_status", "exit value or signal"),
        ("si_band", "band event for SIGPOLL"),
    ],
);

/// Shared objects: the list of handlers, and the main thread's number.
const HANDLERS: &str = "signal handlers";
const MAIN_THREAD: &str = "signal main thread";
const ITIMER_ERROR: &str = "signal.ItimerError";

const NAMES: &[(&str, i64)] = &[
    ("NSIG", COUNT as i64),
    ("SIG_DFL", 0),
    ("SIG_IGN", 1),
    ("SIG_BLOCK", libc::SIG_BLOCK as i64),
    ("SIG_UNBLOCK", libc::SIG_UNBLOCK as i64),
    ("SIG_SETMASK", libc::SIG_SETMASK as i64),
    ("SIGHUP", libc::SIGHUP as i64),
    ("SIGINT", libc::SIGINT as i64),
    ("SIGQUIT", libc::SIGQUIT as i64),
    ("SIGILL", libc::SIGILL as i64),
    ("SIGTRAP", libc::SIGTRAP as i64),
    ("SIGIOT", libc::SIGIOT as i64),
    ("SIGABRT", libc::SIGABRT as i64),
    ("SIGFPE", libc::SIGFPE as i64),
    ("SIGKILL", libc::SIGKILL as i64),
    ("SIGBUS", libc::SIGBUS as i64),
    ("SIGSEGV", libc::SIGSEGV as i64),
    ("SIGSYS", libc::SIGSYS as i64),
    ("SIGPIPE", libc::SIGPIPE as i64),
    ("SIGALRM", libc::SIGALRM as i64),
    ("SIGTERM", libc::SIGTERM as i64),
    ("SIGUSR1", libc::SIGUSR1 as i64),
    ("SIGUSR2", libc::SIGUSR2 as i64),
    ("SIGCLD", libc::SIGCHLD as i64),
    ("SIGCHLD", libc::SIGCHLD as i64),
    ("SIGPWR", libc::SIGPWR as i64),
    ("SIGIO", libc::SIGIO as i64),
    ("SIGURG", libc::SIGURG as i64),
    ("SIGWINCH", libc::SIGWINCH as i64),
    ("SIGPOLL", libc::SIGPOLL as i64),
    ("SIGSTOP", libc::SIGSTOP as i64),
    ("SIGTSTP", libc::SIGTSTP as i64),
    ("SIGCONT", libc::SIGCONT as i64),
    ("SIGTTIN", libc::SIGTTIN as i64),
    ("SIGTTOU", libc::SIGTTOU as i64),
    ("SIGVTALRM", libc::SIGVTALRM as i64),
    ("SIGPROF", libc::SIGPROF as i64),
    ("SIGXCPU", libc::SIGXCPU as i64),
    ("SIGXFSZ", libc::SIGXFSZ as i64),
    ("SIGSTKFLT", 16),
    ("ITIMER_REAL", 0),
    ("ITIMER_VIRTUAL", 1),
    ("ITIMER_PROF", 2),
];

fn init(vm: &Vm, module: &Object) -> Result<()> {
    add_ints(vm, module, NAMES)?;
    add_ints(vm, module, &[("SIGRTMIN", libc::SIGRTMIN() as i64), ("SIGRTMAX", libc::SIGRTMAX() as i64)])?;
    vm.set_attr_str(module, "struct_siginfo", &structseq::class(vm, &INFO)?)?;
    let class = itimer_error_class(vm)?;
    vm.set_attr_str(module, "ItimerError", &class)?;
    if vm.shared(HANDLERS).is_none() {
        let handlers = (0..COUNT as i32)
            .map(|n| match signal::disposition(n) {
                Ok(Disposition::Default) => vm.int(0),
                Ok(Disposition::Ignore) => vm.int(1),
                _ => Object::NONE,
            })
            .collect();
        vm.share(HANDLERS, vm.list(handlers));
    }
    Ok(())
}

/// At the start of a program: writes to closed pipes and too large files give
/// errors instead of ending the process, SIGINT raises KeyboardInterrupt.
pub fn install(vm: &Vm) -> Result<()> {
    signal::set_breaker(vm.breaker_word(), breaker::SIGNALS);
    vm.interp().signal_handler.set(Some(run_handlers));
    vm.interp().simulate_signal.set(Some(|vm, n| {
        if !handler(vm, n).is_int() {
            signal::simulate(n as usize);
        }
    }));
    vm.share(MAIN_THREAD, vm.u64(vm.thread_ident));
    // Rust's library has handlers of its own, which ignore signals that somebody sent.
    for n in [libc::SIGSEGV, libc::SIGBUS] {
        if signal::disposition(n) == Ok(Disposition::Foreign) {
            let _ = signal::set_disposition(n, Disposition::Default);
        }
    }
    for n in [libc::SIGPIPE, libc::SIGXFSZ] {
        let _ = signal::set_disposition(n, Disposition::Ignore);
    }
    let module = vm.import_native("_signal")?;
    if signal::disposition(libc::SIGINT) == Ok(Disposition::Default) {
        let default = vm.get_attr_str(&module, "default_int_handler")?;
        let _ = signal::set_disposition(libc::SIGINT, Disposition::Note);
        drop(replace_handler(vm, libc::SIGINT, default));
    }
    Ok(())
}

/// Ends the process by SIGINT, as an uncaught KeyboardInterrupt does, so that
/// whoever started it knows.
pub fn end_by_interrupt() {
    let _ = signal::set_disposition(libc::SIGINT, Disposition::Default);
    let _ = signal::raise(libc::SIGINT);
}

/// In a new child process this thread is the main thread.
pub fn after_fork(vm: &Vm) {
    signal::forget_pending();
    if vm.shared(MAIN_THREAD).is_some() {
        vm.share(MAIN_THREAD, vm.u64(vm.thread_ident));
    }
}

fn is_main_thread(vm: &Vm) -> bool {
    if vm.interp().id != 0 {
        return false;
    }
    match vm.shared(MAIN_THREAD) {
        Some(main) => int::to_u64(&main) == Some(vm.thread_ident),
        None => true,
    }
}

fn handler(vm: &Vm, n: i32) -> Object {
    vm.shared(HANDLERS)
        .and_then(|list| list.downcast::<List>().and_then(|l| l.get(n as usize)))
        .unwrap_or(Object::NONE)
}

fn replace_handler(vm: &Vm, n: i32, new: Object) -> Object {
    let old = handler(vm, n);
    if let Some(list) = vm.shared(HANDLERS)
        && let Some(l) = list.downcast::<List>()
    {
        let _ = l.set(n as usize, new);
    }
    old
}

/// Runs the handlers of the signals that came, in the main thread.
pub fn run_handlers(vm: &Vm) -> Result<()> {
    if !is_main_thread(vm) {
        return Ok(());
    }
    vm.breaker_word().fetch_and(!breaker::SIGNALS, std::sync::atomic::Ordering::SeqCst);
    if let Some(e) = signal::take_wakeup_error() {
        // The error is the one on its way that the next call shows.
        let _ = os_error(vm, e);
        vm.write_unraisable(&Object::NONE, "Exception ignored when trying to write to the signal wakeup fd");
    }
    let pending = signal::take_pending();
    for (i, &n) in pending.iter().enumerate() {
        // Nobody's handlers run while the interpreter shuts down.
        let found = if vm.interp().finalizing.get() { Object::NONE } else { handler(vm, n) };
        if found.is_none() || found.is_int() {
            // Set back to the system's handling in the meantime: nothing to call.
            let _ = vm.error(&exc::OS_ERROR, format!("Signal {n} ignored due to race condition"));
            vm.write_unraisable(&Object::NONE, "Exception ignored while calling signal handler");
            continue;
        }
        let frame = traceback::getframe(vm, 0).unwrap_or(Object::NONE);
        if let Err(raised) = vm.call(&found, &[vm.int(n as i64), frame]) {
            signal::put_back(&pending[i + 1..]);
            return Err(raised);
        }
    }
    Ok(())
}

fn number(vm: &Vm, object: &Object) -> Result<i32> {
    let n = vm.to_plain_c_int(object)?;
    if n < 1 || n as usize >= COUNT {
        return Err(vm.value_error("signal number out of range"));
    }
    Ok(n)
}

fn set_handler(vm: &Vm, args: &[Object]) -> Result {
    let n = vm.to_plain_c_int(&args[0])?;
    if !is_main_thread(vm) {
        return Err(vm.value_error("signal only works in main thread of the main interpreter"));
    }
    if n < 1 || n as usize >= COUNT {
        return Err(vm.value_error("signal number out of range"));
    }
    let new = &args[1];
    let disposition = if vm.is_callable(new) {
        Disposition::Note
    } else if int::is_any_int(new) || vm.is_index(new) {
        match int::to_i64(new) {
            Some(0) => Disposition::Default,
            Some(1) => Disposition::Ignore,
            _ => return Err(wrong_handler(vm)),
        }
    } else {
        return Err(wrong_handler(vm));
    };
    // What came before is for the old handler.
    vm.check_signals()?;
    os(vm, signal::set_disposition(n, disposition))?;
    let kept = match disposition {
        Disposition::Default => vm.int(0),
        Disposition::Ignore => vm.int(1),
        _ => new.clone(),
    };
    Ok(replace_handler(vm, n, kept))
}

fn wrong_handler(vm: &Vm) -> Raised {
    vm.type_error("signal handler must be signal.SIG_IGN, signal.SIG_DFL, or a callable object")
}

fn set_wakeup_fd(vm: &Vm, args: &[Object]) -> Result {
    let wakeup = vm.to_plain_c_int(&args[0])?;
    let warn = vm.is_true(&args[1])?;
    if !is_main_thread(vm) {
        return Err(vm.value_error("set_wakeup_fd only works in main thread of the main interpreter"));
    }
    if wakeup != -1 {
        os(vm, taipan_host::fs::fstat(wakeup))?;
        if os(vm, fd::is_blocking(wakeup))? {
            return Err(vm.value_error(format!("the fd {wakeup} must be in non-blocking mode")));
        }
    }
    Ok(vm.int(signal::set_wakeup(wakeup, warn) as i64))
}

// ---- timers ---------------------------------------------------------------------------------

fn itimer_error_class(vm: &Vm) -> Result {
    if let Some(class) = vm.shared(ITIMER_ERROR) {
        return Ok(class);
    }
    exception_class(vm, ITIMER_ERROR, "signal", "ItimerError", &exc::OS_ERROR, None)
}

fn itimer_error(vm: &Vm, e: Errno) -> Raised {
    raise_class(vm, itimer_error_class(vm), &[vm.int(e.0 as i64), vm.str(&e.text())])
}

fn timer_result(vm: &Vm, timer: signal::Timer) -> Object {
    let seconds = |(s, us): (i64, i64)| vm.float(s as f64 + us as f64 / 1e6);
    vm.tuple(vec![seconds(timer[0]), seconds(timer[1])])
}

fn setitimer(vm: &Vm, args: &[Object]) -> Result {
    let which = vm.to_plain_c_int(&args[0])?;
    let time = |object: &Object| -> Result<(i64, i64)> {
        let ns = values::nanoseconds(vm, object, Rounding::Ceiling)?;
        let us = ns.div_euclid(1000) + (ns.rem_euclid(1000) != 0) as i64;
        Ok((us.div_euclid(1_000_000), us.rem_euclid(1_000_000)))
    };
    let (first, interval) = (time(&args[1])?, time(&args[2])?);
    match signal::set_timer(which, [first, interval]) {
        Ok(old) => Ok(timer_result(vm, old)),
        Err(e) => Err(itimer_error(vm, e)),
    }
}

// ---- sets ------------------------------------------------------------------------------------

/// Signal numbers of an iterable.
pub fn signals(vm: &Vm, object: &Object) -> Result<Vec<i32>> {
    let mut out = Vec::new();
    let iterator = vm.iter(object)?;
    while let Some(item) = vm.next(&iterator)? {
        let index = vm.index(&item)?;
        match int::to_i64(&index) {
            Some(n) if (1..COUNT as i64).contains(&n) => out.push(n as i32),
            _ => {
                let shown = vm.repr_text(&index)?;
                return Err(vm.value_error(format!("signal number {shown} out of range [1; {}]", COUNT - 1)));
            }
        }
    }
    Ok(out)
}

fn signal_set(vm: &Vm, signals: &[i32]) -> Result {
    let items = vm.list(signals.iter().map(|&n| vm.int(n as i64)).collect());
    vm.call(&set::SET.to_object(), &[items])
}

fn info_result(vm: &Vm, info: signal::Info) -> Result {
    structseq::new(vm, &INFO, info.iter().map(|&n| vm.int(n)).collect())
}

fn sigtimedwait(vm: &Vm, args: &[Object]) -> Result {
    let ns = values::nanoseconds(vm, &args[1], Rounding::Ceiling)?;
    if ns < 0 {
        return Err(vm.value_error("timeout must be non-negative"));
    }
    let wanted = signals(vm, &args[0])?;
    let now = || taipan_host::clock::now_ns(libc::CLOCK_MONOTONIC).unwrap_or(0);
    let deadline = now().saturating_add(ns);
    loop {
        let left = (deadline - now()).max(0);
        let timeout = Some((left / values::NS, left % values::NS));
        match vm.without_gil(|| signal::wait_info(&wanted, timeout)) {
            Ok(info) => return info_result(vm, info),
            Err(Errno(libc::EAGAIN)) => return Ok(Object::NONE),
            Err(Errno(libc::EINTR)) => vm.check_signals()?,
            Err(e) => return Err(os_error(vm, e)),
        }
    }
}

/// Notes SIGINT or another signal as if it had come: `_thread.interrupt_main`.
pub fn simulate(n: i32) {
    signal::simulate(n as usize)
}

/// Is the handler of the signal one of Python's?
pub fn has_python_handler(vm: &Vm, n: i32) -> bool {
    let found = handler(vm, n);
    !found.is_none() && !found.is_int()
}
