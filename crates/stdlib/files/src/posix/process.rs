//! Functions of `posix` that make processes, wait for them and end them.

use crate::support::*;
use std::ffi::CString;
use taipan_host::{libc, process};
use taipan_runtime::prelude::*;
use taipan_runtime::structseq;

macro_rules! status {
    ($sig:literal, $test:expr, $doc:literal) => {
        MethodDef::new(
            $sig,
            |vm, args| {
                let test: fn(i32) -> bool = $test;
                Ok(Object::bool(test(vm.to_plain_c_int(&args[0])?)))
            },
            $doc,
        )
    };
}

pub static FUNCTIONS: &[MethodDef] = &[
    MethodDef::new(
        "fork()",
        fork,
        "Makes a copy of the process: 0 in the child, the child's id in the parent.",
    ),
    MethodDef::new(
        "forkpty()",
        forkpty,
        "As fork(), the child in a new pseudo terminal; returns (pid, master).",
    ),
    MethodDef::new(
        "register_at_fork(*, before=<unrepresentable>, after_in_child=<unrepresentable>, after_in_parent=<unrepresentable>)",
        register_at_fork,
        "Registers functions to be called around fork(): before it (last one first), and\nafter it in the child and in the parent.",
    ),
    MethodDef::new(
        "_exit(status)",
        |vm, args| {
            let status = vm.to_plain_c_int(&args[0])?;
            process::exit_now(status)
        },
        "Ends the process at once, without any clean-up.",
    ),
    MethodDef::new(
        "abort()",
        |_, _| process::abort(),
        "Ends the process by a signal that says that something went wrong.",
    ),
    MethodDef::new("system(command)", system, "Runs a command in a shell and returns its wait status."),
    MethodDef::new(
        "kill(pid, signal, /)",
        |vm, args| {
            let (pid, signal) = (vm.to_plain_c_int(&args[0])?, vm.index_isize(&args[1])?);
            vm.audit("os.kill", &[args[0].clone(), args[1].clone()])?;
            os(vm, process::kill(pid, signal as i32))?;
            // A signal to ourselves is handled before the call returns.
            vm.check_signals()?;
            Ok(Object::NONE)
        },
        "Sends a signal to a process.",
    ),
    MethodDef::new(
        "killpg(pgid, signal, /)",
        |vm, args| {
            let (group, signal) = (vm.to_plain_c_int(&args[0])?, vm.to_plain_c_int(&args[1])?);
            vm.audit("os.killpg", &[args[0].clone(), args[1].clone()])?;
            os(vm, process::kill_group(group, signal))?;
            vm.check_signals()?;
            Ok(Object::NONE)
        },
        "Sends a signal to a process group.",
    ),
    MethodDef::new(
        "pidfd_open(pid, flags=0)",
        |vm, args| {
            let pid = vm.to_plain_c_int(&args[0])?;
            let flags = vm.to_u32_wrapping(&args[1])?;
            Ok(vm.int(os(vm, process::pidfd_open(pid, flags))? as i64))
        },
        "A descriptor of a process.",
    ),
    MethodDef::new("wait()", |vm, _| wait(vm, -1, 0), "Waits for a child; returns (pid, status)."),
    MethodDef::new(
        "waitpid(pid, options, /)",
        |vm, args| {
            let (pid, options) = (vm.to_plain_c_int(&args[0])?, vm.to_plain_c_int(&args[1])?);
            wait(vm, pid, options)
        },
        "Waits for a certain child; returns (pid, status).",
    ),
    MethodDef::new(
        "wait3(options)",
        |vm, args| {
            let options = vm.to_plain_c_int(&args[0])?;
            wait_usage(vm, -1, options)
        },
        "Waits for a child; returns (pid, status, rusage).",
    ),
    MethodDef::new(
        "wait4(pid, options)",
        |vm, args| {
            let (pid, options) = (vm.to_plain_c_int(&args[0])?, vm.to_plain_c_int(&args[1])?);
            wait_usage(vm, pid, options)
        },
        "Waits for a certain child; returns (pid, status, rusage).",
    ),
    MethodDef::new(
        "waitid(idtype, id, options, /)",
        waitid,
        "Waits for a change of one or several children; None if WNOHANG is set and there is\nnone.",
    ),
    status!("WCOREDUMP(status, /)", |s| s & 0x80 != 0, "Did the process leave a core file?"),
    status!("WIFCONTINUED(status)", |s| libc::WIFCONTINUED(s), "Was the process continued?"),
    status!("WIFSTOPPED(status)", |s| libc::WIFSTOPPED(s), "Was the process stopped?"),
    status!("WIFSIGNALED(status)", |s| libc::WIFSIGNALED(s), "Was the process ended by a signal?"),
    status!("WIFEXITED(status)", |s| libc::WIFEXITED(s), "Did the process end by exit()?"),
    MethodDef::new(
        "WEXITSTATUS(status)",
        |vm, args| Ok(vm.int(libc::WEXITSTATUS(vm.to_plain_c_int(&args[0])?) as i64)),
        "The exit code in a wait status.",
    ),
    MethodDef::new(
        "WTERMSIG(status)",
        |vm, args| Ok(vm.int(libc::WTERMSIG(vm.to_plain_c_int(&args[0])?) as i64)),
        "The signal that ended the process.",
    ),
    MethodDef::new(
        "WSTOPSIG(status)",
        |vm, args| Ok(vm.int(libc::WSTOPSIG(vm.to_plain_c_int(&args[0])?) as i64)),
        "The signal that stopped the process.",
    ),
    MethodDef::new(
        "waitstatus_to_exitcode(status)",
        exit_code,
        "The exit code of a wait status; minus the signal that ended the process.",
    ),
];

fn exit_code(vm: &Vm, args: &[Object]) -> Result {
    let status = vm.to_plain_c_int(&args[0])?;
    if libc::WIFEXITED(status) {
        return Ok(vm.int(libc::WEXITSTATUS(status) as i64));
    }
    if libc::WIFSIGNALED(status) {
        return Ok(vm.int(-libc::WTERMSIG(status) as i64));
    }
    if libc::WIFSTOPPED(status) {
        let signal = libc::WSTOPSIG(status);
        return Err(vm.value_error(format!("process stopped by delivery of signal {signal}")));
    }
    Err(vm.value_error(format!("invalid wait status: {status}")))
}

fn system(vm: &Vm, args: &[Object]) -> Result {
    let command = fs_bytes(vm, &args[0])?;
    vm.audit("os.system", &[args[0].clone()])?;
    Ok(vm.int(blocking(vm, || process::system(&command))? as i64))
}

// ---- fork ---------------------------------------------------------------------------------

/// Shared objects: lists of callables.
const BEFORE: &str = "os.register_at_fork before";
const IN_CHILD: &str = "os.register_at_fork child";
const IN_PARENT: &str = "os.register_at_fork parent";

fn register_at_fork(vm: &Vm, args: &[Object]) -> Result {
    if args.iter().all(|a| a.is_unbound()) {
        return Err(vm.type_error("At least one argument is required."));
    }
    for (argument, hook) in ["before", "after_in_child", "after_in_parent"].iter().zip(args) {
        if let Some(hook) = hook.bound()
            && !vm.is_callable(hook)
        {
            return Err(vm.type_error(format!("'{argument}' must be callable, not {}", hook.ty().name())));
        }
    }
    for (key, hook) in [BEFORE, IN_CHILD, IN_PARENT].into_iter().zip(args) {
        let Some(hook) = hook.bound() else { continue };
        let list = match vm.shared(key) {
            Some(list) => list,
            None => {
                let list = vm.list(Vec::new());
                vm.share(key, list.clone());
                list
            }
        };
        if let Some(l) = list.downcast::<List>() {
            l.push(vm, hook.clone())?;
        }
    }
    Ok(Object::NONE)
}

/// Calls the hooks of one kind; their exceptions are only shown.
fn run_hooks(vm: &Vm, key: &str, reverse: bool) {
    let Some(list) = vm.shared(key) else { return };
    let mut hooks = list.downcast::<List>().map_or(Vec::new(), |l| l.to_vec());
    if reverse {
        hooks.reverse();
    }
    for hook in hooks {
        if vm.call(&hook, &[]).is_err() {
            let shown = format!("Exception ignored in {key}");
            vm.write_unraisable(&hook, &shown);
        }
    }
}

/// Calls the `before` hooks of `os.register_at_fork`, then `fork`, then the
/// hooks of the side we are on. `fork` gives 0 in the child.
pub fn run_at_fork(
    vm: &Vm,
    fork: impl FnOnce() -> taipan_host::Result<i32>,
) -> Result<taipan_host::Result<i32>> {
    run_hooks(vm, BEFORE, true);
    // No import is under way in the child.
    vm.interp().import_lock.acquire(vm, None)?;
    let result = fork();
    match result {
        Ok(0) => after_fork_child(vm),
        _ => {
            vm.interp().import_lock.release(vm);
            run_hooks(vm, IN_PARENT, false);
        }
    }
    Ok(result)
}

/// Brings the interpreter in order in a new child process.
fn after_fork_child(vm: &Vm) {
    vm.after_fork_in_child();
    vm.interp().import_lock.release(vm);
    crate::signal::after_fork(vm);
    run_hooks(vm, IN_CHILD, false);
}

/// PythonFinalizationError if the interpreter shuts down.
pub fn check_may_fork(vm: &Vm, message: &str) -> Result<()> {
    if !vm.interp().isolation.allow_fork {
        return Err(vm.runtime_error("fork not supported for isolated subinterpreters"));
    }
    match vm.interp().finalizing.get() {
        true => Err(vm.error(&exc::PYTHON_FINALIZATION_ERROR, message)),
        false => Ok(()),
    }
}

/// Warns, in the parent, about a fork of a process with several threads.
fn warn_about_threads(vm: &Vm, function: &str) -> Result<()> {
    if process::thread_count().is_none_or(|n| n <= 1) {
        return Ok(());
    }
    let pid = std::process::id();
    let text = format!(
        "This process (pid={pid}) is multi-threaded, use of {function}() may lead to deadlocks in the child."
    );
    vm.warn(&exc::DEPRECATION_WARNING, &text, 1)
}

fn fork(vm: &Vm, _args: &[Object]) -> Result {
    check_may_fork(vm, "can't fork at interpreter shutdown")?;
    vm.audit("os.fork", &[])?;
    let pid = run_at_fork(vm, process::fork)?;
    let pid = os(vm, pid)?;
    if pid != 0 {
        warn_about_threads(vm, "fork")?;
    }
    Ok(vm.int(pid as i64))
}

fn forkpty(vm: &Vm, _args: &[Object]) -> Result {
    check_may_fork(vm, "can't fork at interpreter shutdown")?;
    vm.audit("os.forkpty", &[])?;
    let mut master = -1;
    let result = run_at_fork(vm, || {
        let (pid, fd) = process::fork_terminal()?;
        master = fd;
        Ok(pid)
    })?;
    let pid = os(vm, result)?;
    if pid != 0 {
        warn_about_threads(vm, "forkpty")?;
    }
    Ok(vm.tuple(vec![vm.int(pid as i64), vm.int(master as i64)]))
}

// ---- waiting ------------------------------------------------------------------------------

fn wait(vm: &Vm, pid: i32, options: i32) -> Result {
    let (pid, status) = retry_os(vm, || process::wait(pid, options))?;
    Ok(vm.tuple(vec![vm.int(pid as i64), vm.int(status as i64)]))
}

fn wait_usage(vm: &Vm, pid: i32, options: i32) -> Result {
    let (pid, status, usage) = retry_os(vm, || process::wait_usage(pid, options))?;
    let usage = crate::resource::usage_result(vm, &usage)?;
    Ok(vm.tuple(vec![vm.int(pid as i64), vm.int(status as i64), usage]))
}

fn waitid(vm: &Vm, args: &[Object]) -> Result {
    let (kind, id, options) =
        (vm.to_plain_c_int(&args[0])?, vm.to_plain_c_int(&args[1])?, vm.to_plain_c_int(&args[2])?);
    match retry_os(vm, || process::wait_id(kind as u32, id as u32, options))? {
        None => Ok(Object::NONE),
        Some(fields) => {
            structseq::new(vm, &super::results::WAITID, fields.iter().map(|&n| vm.int(n)).collect())
        }
    }
}

/// Arguments of a program: str, bytes or paths.
pub fn arguments(vm: &Vm, items: &[Object]) -> Result<Vec<CString>> {
    items.iter().map(|item| fs_bytes(vm, item)).collect()
}
