//! `_thread`: one OS thread per Python thread, under the GIL; locks ([`locks`]),
//! joinable handles ([`handle`]), thread-local data ([`local`]).

pub mod handle;
pub mod local;
pub mod locks;
pub mod park;
pub(crate) mod system;

use crate::names::name;
use crate::prelude::*;
use crate::types::exceptions::BaseException;
use handle::{COUNT, HANDLE, STACK_SIZE};
use local::LOCAL;
use locks::{LOCK, RLOCK};
use std::sync::atomic::{AtomicU64, Ordering};

static MAIN_IDENT: AtomicU64 = AtomicU64::new(0);

/// Smallest size that `stack_size` takes.
const SMALLEST_STACK: isize = 53248;
/// Longest name that the system knows a thread by.
const NAME_MAX: usize = 15;

/// In a new child process: this is the only thread, and the main one.
pub fn after_fork(vm: &Vm) {
    MAIN_IDENT.store(vm.thread_ident, Ordering::Relaxed);
    handle::after_fork(vm);
}

// ---- the module ---------------------------------------------------------------------------------

fn excepthook(vm: &Vm, args: &[Object]) -> Result {
    if !args[0].ty().to_object().is(except_hook_args(vm)?.value()) {
        return Err(vm.type_error("_thread.excepthook argument type must be ExceptHookArgs"));
    }
    let class = vm.get_attr_str(&args[0], "exc_type")?;
    if class.value() == exc::SYSTEM_EXIT.value() {
        return Ok(Object::NONE);
    }
    let value = vm.get_attr_str(&args[0], "exc_value")?;
    let thread = vm.get_attr_str(&args[0], "thread")?;
    let shown = if thread.is_none() {
        vm.thread_ident.to_string()
    } else {
        vm.str_text(&vm.get_attr(&thread, name::name_plain.object())?)?
    };
    let sys = vm.import_native("sys")?;
    let mut file = vm.lookup_attr(&sys, name::stderr.object())?.unwrap_or(Object::NONE);
    if file.is_none() && !thread.is_none() {
        file = vm.lookup_attr_str(&thread, "_stderr")?.unwrap_or(Object::NONE);
    }
    if file.is_none() {
        return Ok(Object::NONE);
    }
    vm.call_method(&file, "write", &[vm.str(&format!("Exception in thread {shown}:\n"))])?;
    if let Ok(traceback) = vm.import_module("traceback")
        && let Ok(print) = vm.get_attr_str(&traceback, "print_exception")
    {
        let tb = value.downcast::<BaseException>().map_or(Object::NONE, |e| e.traceback());
        vm.call_kw(
            &print,
            &[class, value, tb, Object::NONE, file.clone()],
            &[vm.intern("limit"), vm.intern("file")],
        )?;
    }
    vm.call_method(&file, "flush", &[])?;
    Ok(Object::NONE)
}

pub static MODULE: ModuleDef = ModuleDef {
    name: "_thread",
    doc: "This module provides primitive operations to write multi-threaded programs.\nThe 'threading' module provides a more convenient interface.",
    functions: &[
        MethodDef::new(
            "start_new_thread(function, args, kwargs=<unset>, /)",
            handle::start_new_thread,
            "Start a new thread and return its identifier.\n\nIt calls the function with the arguments and ends when that returns; its value is\nignored, an exception other than SystemExit is shown by sys.unraisablehook.",
        ),
        MethodDef::new(
            "start_new(function, args, kwargs=<unset>, /)",
            handle::start_new_thread,
            "An obsolete synonym of start_new_thread().",
        ),
        MethodDef::new(
            "start_joinable_thread(function, handle=None, daemon=True)",
            handle::start_joinable_thread,
            "Start a new thread and return a handle for it.\n\nFor the module threading.",
        ),
        MethodDef::new(
            "daemon_threads_allowed()",
            |vm, _| Ok(Object::bool(vm.interp().isolation.allow_daemon_threads)),
            "Return True if daemon threads are allowed in the current interpreter,\nand False otherwise.",
        ),
        MethodDef::new("allocate_lock()", |vm, _| Ok(locks::new_lock(vm)), "Create a new lock object."),
        MethodDef::new(
            "allocate()",
            |vm, _| Ok(locks::new_lock(vm)),
            "An obsolete synonym of allocate_lock().",
        ),
        MethodDef::new(
            "exit()",
            |vm, _| Err(vm.error_with(&exc::SYSTEM_EXIT, Vec::new())),
            "This is synonymous to ``raise SystemExit''.",
        ),
        MethodDef::new(
            "exit_thread()",
            |vm, _| Err(vm.error_with(&exc::SYSTEM_EXIT, Vec::new())),
            "An obsolete synonym of exit().",
        ),
        MethodDef::new(
            "interrupt_main(signum=signal.SIGINT, /)",
            |vm, args| {
                let signal = match args[0].bound() {
                    Some(signal) => vm.to_plain_c_int(signal)?,
                    None => libc::SIGINT,
                };
                if !(1..=64).contains(&signal) {
                    return Err(vm.value_error("signal number out of range"));
                }
                if let Some(simulate) = vm.interp().simulate_signal.get() {
                    simulate(vm, signal);
                }
                // Noticed at once if this is the main thread.
                vm.check_signals()?;
                Ok(Object::NONE)
            },
            "Simulate the arrival of the given signal in the main thread.\n\nNothing happens if the signal is ignored or handled by the system.",
        ),
        MethodDef::new(
            "get_ident()",
            |vm, _| Ok(vm.u64(vm.thread_ident)),
            "Return a non-zero integer that uniquely identifies the current thread.",
        ),
        MethodDef::new(
            "get_native_id()",
            |vm, _| {
                // SAFETY: a system call without arguments.
                Ok(vm.int(unsafe { libc::syscall(libc::SYS_gettid) }))
            },
            "Return a non-negative integer identifying the thread as reported by the OS.",
        ),
        MethodDef::new(
            "_count()",
            |vm, _| Ok(vm.usize(COUNT.load(Ordering::Relaxed))),
            "Return the number of currently running Python threads.",
        ),
        MethodDef::new(
            "stack_size(size=0, /)",
            |vm, args| {
                let size = vm.index_isize(&args[0])?;
                if size != 0 && size < SMALLEST_STACK {
                    return Err(vm.value_error(format!("size must be at least {SMALLEST_STACK} bytes")));
                }
                let old = STACK_SIZE.load(Ordering::Relaxed);
                STACK_SIZE.store(size as usize, Ordering::Relaxed);
                Ok(vm.usize(old))
            },
            "Return the thread stack size used when creating new threads.",
        ),
        MethodDef::new("_excepthook(args, /)", excepthook, "Handle uncaught Thread.run() exception."),
        MethodDef::new(
            "_is_main_interpreter()",
            |vm, _| Ok(Object::bool(vm.interp().id == 0)),
            "Return True if the current interpreter is the main Python interpreter.",
        ),
        MethodDef::new(
            "_shutdown()",
            handle::shutdown,
            "Wait for all non-daemon threads (other than the calling thread) to stop.",
        ),
        MethodDef::new(
            "_make_thread_handle(ident, /)",
            handle::make_handle,
            "Internal only. Make a thread handle for threads not spawned\nby the _thread or threading module.",
        ),
        MethodDef::new(
            "_get_main_thread_ident()",
            |vm, _| Ok(vm.u64(MAIN_IDENT.load(Ordering::Relaxed))),
            "",
        ),
        MethodDef::new(
            "set_name(name)",
            |vm, args| {
                if args[0].downcast::<Str>().is_none() {
                    let shown = crate::types::str_methods::shown_type(&args[0]);
                    return Err(vm.type_error(format!("set_name() argument 'name' must be str, not {shown}")));
                }
                let mut bytes = crate::codecs::utf8::encode(vm, &args[0], "replace")?;
                bytes.truncate(NAME_MAX);
                bytes.push(0);
                // SAFETY: a terminated name for the calling thread.
                unsafe { libc::prctl(libc::PR_SET_NAME, bytes.as_ptr()) };
                Ok(Object::NONE)
            },
            "Set the name of the current thread.",
        ),
        MethodDef::new(
            "_get_name()",
            |vm, _| {
                let mut bytes = [0u8; NAME_MAX + 1];
                // SAFETY: room for a name and its end.
                unsafe { libc::prctl(libc::PR_GET_NAME, bytes.as_mut_ptr()) };
                let end = bytes.iter().position(|&b| b == 0).unwrap_or(NAME_MAX);
                vm.fs_decode(&bytes[..end])
            },
            "Get the name of the current thread.",
        ),
    ],
    types: &[&LOCK, &RLOCK, &HANDLE, &LOCAL],
    init: Some(|vm, module| {
        if vm.interp().id == 0 {
            MAIN_IDENT.store(vm.thread_ident, Ordering::Relaxed);
        }
        let dict = crate::types::module::dict_of(module);
        if let Some(d) = dict.downcast::<Dict>() {
            d.set_text(vm, "LockType", LOCK.to_object());
            d.set_text(vm, "error", exc::RUNTIME_ERROR.to_object());
            d.set_text(vm, "_NAME_MAXLEN", vm.usize(NAME_MAX));
            d.set_text(vm, "TIMEOUT_MAX", vm.float(9_223_372_036.0));
            d.set_text(vm, "_ExceptHookArgs", except_hook_args(vm)?);
        }
        Ok(())
    }),
};

/// `_thread._ExceptHookArgs`.
fn except_hook_args(vm: &Vm) -> Result {
    static ARGS: crate::structseq::StructDef = crate::structseq::StructDef::new(
        "_thread._ExceptHookArgs",
        "ExceptHookArgs\n\nType used to pass arguments to threading.excepthook.",
        &[
            ("exc_type", "Exception type"),
            ("exc_value", "Exception value"),
            ("exc_traceback", "Exception traceback"),
            ("thread", "Thread"),
        ],
    );
    crate::structseq::class(vm, &ARGS)
}
