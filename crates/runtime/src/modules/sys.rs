//! The module `sys`: functions and hooks. Constants are in `sys_info`.
//!
//! Audit hooks and odd settings are kept as shared objects of the interpreter;
//! trace and profile functions are the business of `interp::events`.

use crate::display;
use crate::interp::events::{self, Hook};
use crate::interp::frame::Frame;
use crate::modules::{monitoring, sys_info};
use crate::names::name;
use crate::prelude::*;
use crate::structseq::{self, StructDef};
use crate::types::{exceptions, int, str};
use crate::unraisable;

/// The module `sys`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "sys",
    doc: "This module provides access to some objects used or maintained by the\ninterpreter and to functions that interact strongly with the interpreter.",
    functions: &[
        MethodDef::new("addaudithook(hook)", addaudithook, "Adds a new audit hook callback."),
        MethodDef {
            hide_signature: false,
            ..MethodDef::raw(
                "audit(event, /, *args)",
                audit,
                "Passes the event to any audit hooks that are attached.",
            )
        },
        MethodDef {
            hide_signature: false,
            ..MethodDef::raw(
                "breakpointhook(*args, **kwargs)",
                breakpointhook,
                "This hook function is called by built-in breakpoint().",
            )
        },
        MethodDef::new(
            "_clear_internal_caches()",
            |_, _| Ok(Object::NONE),
            "Clear all internal performance-related caches.",
        ),
        MethodDef::new(
            "_clear_type_cache()",
            |_, _| Ok(Object::NONE),
            "Clear the internal type lookup cache.",
        ),
        MethodDef::new(
            "_clear_type_descriptors(type, /)",
            |vm, args| {
                let Some(ty) = Type::of(&args[0]) else {
                    let got = args[0].ty().name();
                    return Err(
                        vm.type_error(format!("_clear_type_descriptors() argument must be type, not {got}"))
                    );
                };
                if !ty.is_heap() {
                    return Err(vm.type_error("argument is immutable"));
                }
                for key in ["__dict__", "__weakref__"] {
                    drop(ty.dict().remove_str(&vm.intern(key)));
                }
                ty.modified();
                Ok(Object::NONE)
            },
            "Private function for clearing certain descriptors from a type's dictionary.",
        ),
        MethodDef::new(
            "_current_frames()",
            current_frames,
            "Return a dict mapping each thread's thread id to its current stack frame.",
        ),
        MethodDef::new(
            "_current_exceptions()",
            current_exceptions,
            "Return a dict mapping each thread's identifier to its current raised exception.",
        ),
        MethodDef::new(
            "displayhook(object, /)",
            displayhook,
            "Print an object to sys.stdout and also save it in builtins._",
        ),
        MethodDef::new(
            "exception()",
            |vm, _| Ok(vm.handled()),
            "Return the current exception: the one being handled, or None.",
        ),
        MethodDef::new(
            "exc_info()",
            exc_info,
            "Return current exception information: (type, value, traceback).",
        ),
        MethodDef::new(
            "excepthook(exctype, value, traceback, /)",
            excepthook,
            "Handle an exception by displaying it with a traceback on sys.stderr.",
        ),
        MethodDef::new(
            "exit(status=None, /)",
            exit,
            "Exit the interpreter by raising SystemExit(status).\n\nWithout a status (or with None) the exit status is zero; an integer is the\nexit status, another object is printed and the exit status is one.",
        ),
        MethodDef::new(
            "getdefaultencoding()",
            |vm, _| Ok(vm.intern("utf-8")),
            "Return the current default encoding used by the Unicode implementation.",
        ),
        MethodDef::new(
            "getdlopenflags()",
            |vm, _| Ok(vm.shared(DLOPEN).unwrap_or_else(|| vm.int(2))),
            "Return the current value of the flags that are used for dlopen calls.",
        ),
        MethodDef::new(
            "setdlopenflags(flags, /)",
            setdlopenflags,
            "Set the flags used by the interpreter for dlopen calls.",
        ),
        MethodDef::new(
            "getallocatedblocks()",
            |vm, _| Ok(vm.usize(allocated_blocks(vm))),
            "Return the number of memory blocks currently allocated.",
        ),
        MethodDef::new(
            "getunicodeinternedsize(*, _only_immortal=False)",
            |vm, args| Ok(vm.usize(crate::types::str::interned(vm, vm.is_true(&args[0])?))),
            "Return the number of elements of the unicode interned dictionary",
        ),
        MethodDef::new(
            "getfilesystemencoding()",
            |vm, _| Ok(vm.intern("utf-8")),
            "Return the encoding used to convert Unicode filenames to OS filenames.",
        ),
        MethodDef::new(
            "getfilesystemencodeerrors()",
            |vm, _| Ok(vm.intern("surrogateescape")),
            "Return the error mode used Unicode to OS filename conversion.",
        ),
        MethodDef::new(
            "intern(string, /)",
            intern,
            "Return the interned string equal to the given one.\n\nInterned strings are compared by identity first, which speeds up dictionary lookups.",
        ),
        MethodDef::new(
            "_is_interned(string, /)",
            is_interned,
            "Return True if the given string is \"interned\".",
        ),
        MethodDef::new(
            "_is_immortal(op, /)",
            |_, args| Ok(Object::bool(args[0].header().is_none_or(|h| h.is_immortal()))),
            "Return True if the given object is \"immortal\" per PEP 683.",
        ),
        MethodDef::new(
            "is_finalizing()",
            |vm, _| Ok(Object::bool(vm.interp().finalizing.get())),
            "Return True if Python is exiting.",
        ),
        MethodDef::new(
            "getrefcount(object, /)",
            getrefcount,
            "Return the reference count of object.\n\nIt includes the (temporary) reference of the call itself.",
        ),
        MethodDef::new(
            "getrecursionlimit()",
            |vm, _| Ok(vm.int(vm.interp().recursion_limit.get() as i64)),
            "Return the current value of the recursion limit, the greatest depth of the Python stack.",
        ),
        MethodDef::new(
            "setrecursionlimit(limit, /)",
            setrecursionlimit,
            "Set the maximum depth of the Python interpreter stack to n.",
        ),
        MethodDef {
            hide_signature: true,
            ..MethodDef::new(
                "getsizeof(object, default=<unrepresentable>)",
                getsizeof,
                "getsizeof(object [, default]) -> int\n\nReturn the size of object in bytes.",
            )
        },
        MethodDef::new(
            "_getframe(depth=0, /)",
            getframe,
            "Return a frame object from the call stack, depth calls below the top.",
        ),
        MethodDef::new(
            "_getframemodulename(depth=0)",
            getframemodulename,
            "Return the name of the module for a calling frame.",
        ),
        MethodDef::new(
            "setswitchinterval(interval, /)",
            setswitchinterval,
            "Set the ideal thread switching delay inside the Python interpreter, in seconds.",
        ),
        MethodDef::new(
            "getswitchinterval()",
            |vm, _| {
                Ok(vm
                    .float(vm.interp().gil.interval.load(std::sync::atomic::Ordering::Relaxed) as f64 * 1e-6))
            },
            "Return the current thread switch interval; see sys.setswitchinterval().",
        ),
        MethodDef::new(
            "setprofile(function, /)",
            |vm, args| set_hook(vm, Hook::Profile, &args[0]),
            "Set the profiling function.\n\nIt will be called on each function call and return.",
        ),
        MethodDef::new(
            "getprofile()",
            |vm, _| Ok(vm.tracer.get(Hook::Profile)),
            "Return the profiling function set with sys.setprofile.",
        ),
        MethodDef::new(
            "settrace(function, /)",
            |vm, args| set_hook(vm, Hook::Trace, &args[0]),
            "Set the global debug tracing function.\n\nIt will be called on each function call.",
        ),
        MethodDef::new(
            "gettrace()",
            |vm, _| Ok(vm.tracer.get(Hook::Trace)),
            "Return the global debug tracing function set with sys.settrace.",
        ),
        MethodDef::new(
            "_setprofileallthreads(function, /)",
            |vm, args| set_hook_everywhere(vm, Hook::Profile, &args[0]),
            "Set the profiling function in all running threads of the current interpreter.",
        ),
        MethodDef::new(
            "_settraceallthreads(function, /)",
            |vm, args| set_hook_everywhere(vm, Hook::Trace, &args[0]),
            "Set the global debug tracing function in all running threads of the current interpreter.",
        ),
        MethodDef::new(
            "call_tracing(func, args, /)",
            call_tracing,
            "Call func(*args), while tracing is enabled.",
        ),
        MethodDef::new(
            "_debugmallocstats()",
            |_, _| Ok(Object::NONE),
            "Print summary info to stderr about the state of the memory allocator.",
        ),
        MethodDef::new(
            "set_coroutine_origin_tracking_depth(depth)",
            set_origin_depth,
            "Enable or disable origin tracking for coroutine objects in this thread.\n\nThey will remember 'depth' frames of where they were made; 0 turns it off.",
        ),
        MethodDef::new(
            "get_coroutine_origin_tracking_depth()",
            |vm, _| Ok(vm.int(vm.coroutine_origin_depth.get())),
            "Check status of origin tracking for coroutine objects in this thread.",
        ),
        MethodDef {
            hide_signature: true,
            ..MethodDef::new(
                "set_asyncgen_hooks(firstiter=<unrepresentable>, finalizer=<unrepresentable>)",
                set_asyncgen_hooks,
                "set_asyncgen_hooks([firstiter] [, finalizer])\n\nSet a finalizer for async generators objects.",
            )
        },
        MethodDef::new(
            "get_asyncgen_hooks()",
            get_asyncgen_hooks,
            "Return the installed asynchronous generators hooks, as a namedtuple (firstiter, finalizer).",
        ),
        MethodDef::new(
            "unraisablehook(unraisable, /)",
            unraisablehook,
            "Handle an unraisable exception.\n\nThe argument has the attributes exc_type, exc_value, exc_traceback, err_msg and object.",
        ),
        MethodDef::new(
            "get_int_max_str_digits()",
            |vm, _| Ok(vm.int(vm.interp().int_max_str_digits.get())),
            "Return the maximum string digits limit for non-binary int<->str conversions.",
        ),
        MethodDef::new(
            "set_int_max_str_digits(maxdigits)",
            set_int_max_str_digits,
            "Set the maximum string digits limit for non-binary int<->str conversions.",
        ),
        MethodDef::new(
            "activate_stack_trampoline(backend, /)",
            |vm, _| Err(vm.value_error("perf trampoline not available")),
            "Activate stack profiler trampoline *backend*.",
        ),
        MethodDef::new(
            "deactivate_stack_trampoline()",
            |_, _| Ok(Object::NONE),
            "Deactivate the current stack profiler trampoline backend.",
        ),
        MethodDef::new(
            "is_stack_trampoline_active()",
            |_, _| Ok(Object::FALSE),
            "Return *True* if a stack profiler trampoline is active.",
        ),
        MethodDef::new(
            "is_remote_debug_enabled()",
            |_, _| Ok(Object::FALSE),
            "Return True if remote debugging is enabled, False otherwise.",
        ),
        MethodDef::new(
            "remote_exec(pid, script)",
            |vm, _| Err(vm.not_implemented_error("remote execution is not supported")),
            "Executes a file containing Python code in a given remote Python process.",
        ),
        MethodDef::new(
            "_is_gil_enabled()",
            |_, _| Ok(Object::TRUE),
            "Return True if the GIL is currently enabled and False otherwise.",
        ),
        MethodDef::new(
            "_get_cpu_count_config()",
            |vm, _| Ok(vm.int(-1)),
            "Private function for getting PyConfig.cpu_count",
        ),
        MethodDef::new(
            "_baserepl()",
            |vm, _| Err(vm.not_implemented_error("sys._baserepl")),
            "Private function for getting the base REPL",
        ),
        MethodDef::new(
            "_dump_tracelets(outpath)",
            |vm, _| Err(vm.not_implemented_error("No JIT available")),
            "Dump the graph of tracelets in graphviz format",
        ),
    ],
    types: &[],
    init: Some(init),
};

const DLOPEN: &str = "sys.dlopenflags";
const AUDIT_HOOKS: &str = "sys.audit hooks";
static ASYNCGEN_HOOKS: StructDef = StructDef::new(
    "asyncgen_hooks",
    "asyncgen_hooks\n\nThe hooks of asynchronous generators.",
    &[("firstiter", "Hook to intercept first iteration"), ("finalizer", "Hook to intercept finalization")],
)
.without_constructor();

fn init(vm: &Vm, module: &Object) -> Result<()> {
    // SAFETY: `sys` is made while the interpreter starts, by its only thread,
    // and nobody holds a reference to the field meanwhile.
    unsafe {
        let interp = vm.interp as *mut Interpreter;
        (*interp).sys_dict = crate::types::module::dict_of(module);
    }
    sys_info::add_to(vm, module)?;
    vm.set_attr_str(module, "modules", &vm.interp().modules.clone())?;
    for hook in ["displayhook", "excepthook", "unraisablehook", "breakpointhook"] {
        let function = vm.get_attr_str(module, hook)?;
        vm.set_attr_str(module, &format!("__{hook}__"), &function)?;
    }
    vm.set_attr_str(module, "monitoring", &monitoring::build(vm)?)?;
    vm.set_attr_str(module, "_jit", &jit_module(vm)?)?;
    Ok(())
}

fn jit_module(vm: &Vm) -> Result {
    static FUNCTIONS: [MethodDef; 3] = [
        MethodDef::new(
            "is_available()",
            |_, _| Ok(Object::FALSE),
            "Return True if the current Python executable supports JIT compilation, and False otherwise.",
        ),
        MethodDef::new(
            "is_enabled()",
            |_, _| Ok(Object::FALSE),
            "Return True if JIT compilation is enabled for the current Python process.",
        ),
        MethodDef::new(
            "is_active()",
            |_, _| Ok(Object::FALSE),
            "Return True if the topmost Python frame is currently executing JIT code.",
        ),
    ];
    let module = crate::types::module::new(vm, "sys._jit");
    for def in &FUNCTIONS {
        let function = crate::types::native_function::new_function(vm, def, vm.intern("sys._jit"));
        vm.set_attr_str(&module, def.name(), &function)?;
    }
    Ok(module)
}

fn attr(vm: &Vm, which: &str) -> Option<Object> {
    vm.interp().sys_dict.downcast::<Dict>().and_then(|d| d.get_text(vm, which))
}

// ---- auditing --------------------------------------------------------------------------

impl Vm {
    /// Tells the audit hooks; one of them may object.
    #[inline]
    pub fn audit(&self, event: &str, args: &[Object]) -> Result<()> {
        if self.interp().audited.get() { self.call_audit_hooks(event, args) } else { Ok(()) }
    }
    #[cold]
    fn call_audit_hooks(&self, event: &str, args: &[Object]) -> Result<()> {
        let Some(hooks) = self.shared(AUDIT_HOOKS) else { return Ok(()) };
        let Some(hooks) = hooks.downcast::<List>() else { return Ok(()) };
        let event = self.intern(event);
        let args = self.tuple(args.to_vec());
        let mut i = 0;
        while let Some(hook) = hooks.get(i) {
            self.call(&hook, &[event.clone(), args.clone()])?;
            i += 1;
        }
        Ok(())
    }
}

fn addaudithook(vm: &Vm, args: &[Object]) -> Result {
    let result = vm.audit("sys.addaudithook", &[]);
    if let Err(raised) = result {
        // A hook may veto by an ordinary exception, silently.
        if vm.raised_is(&exc::EXCEPTION) {
            drop(vm.caught(raised));
            return Ok(Object::NONE);
        }
        return Err(raised);
    }
    let hooks = match vm.shared(AUDIT_HOOKS) {
        Some(hooks) => hooks,
        None => {
            let hooks = vm.list(Vec::new());
            vm.share(AUDIT_HOOKS, hooks.clone());
            hooks
        }
    };
    if let Some(list) = hooks.downcast::<List>() {
        list.push(vm, args[0].clone())?;
        vm.interp().audited.set(true);
    }
    Ok(Object::NONE)
}

fn audit(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    if !kwnames.is_empty() {
        return Err(vm.type_error("sys.audit() takes no keyword arguments"));
    }
    let Some((event, rest)) = args.split_first() else {
        return Err(vm.type_error("audit expected at least 1 argument, got 0"));
    };
    if event.downcast::<Str>().is_none() {
        return Err(vm.type_error(format!(
            "audit() argument 1 must be str, not {}",
            if event.is_none() { "None" } else { event.ty().name() }
        )));
    }
    vm.audit(&vm.str_lossy(event), rest)?;
    Ok(Object::NONE)
}

// ---- frames ----------------------------------------------------------------------------------

/// The frame `depth` calls below the running one.
fn frame_at(vm: &Vm, depth: i64) -> Option<*mut Frame> {
    let mut frame = vm.frame.get();
    for _ in 0..depth.max(0) {
        // SAFETY: frames below a running frame are alive.
        frame = unsafe { frame.as_ref() }?.previous;
    }
    if frame.is_null() { None } else { Some(frame) }
}

fn getframe(vm: &Vm, args: &[Object]) -> Result {
    let depth = vm.to_c_int(&args[0])? as i64;
    let Some(frame) = frame_at(vm, depth) else {
        return Err(vm.value_error("call stack is not deep enough"));
    };
    // SAFETY: frames of the current stack are alive.
    let object = unsafe { crate::types::traceback::frame_object(vm, frame) };
    vm.audit("sys._getframe", std::slice::from_ref(&object))?;
    Ok(object)
}

fn getframemodulename(vm: &Vm, args: &[Object]) -> Result {
    let depth = vm.to_c_int(&args[0])? as i64;
    vm.audit("sys._getframemodulename", &[args[0].clone()])?;
    let Some(frame) = frame_at(vm, depth) else { return Ok(Object::NONE) };
    // SAFETY: the frame is alive and keeps its function and globals alive.
    let (function, globals) = unsafe { ((*frame).function, Object::from_borrowed((*frame).globals())) };
    if !function.is_unbound()
        && let Some(module) = vm.lookup_attr(Object::borrow_value(&function), name::module.object())?
    {
        return Ok(module);
    }
    Ok(globals.downcast::<Dict>().and_then(|d| d.get_str_owned(name::name.object())).unwrap_or(Object::NONE))
}

fn current_frames(vm: &Vm, _args: &[Object]) -> Result {
    vm.audit("sys._current_frames", &[])?;
    let found = vm.each_thread(|thread| {
        let frame = frame_at(thread, 0)?;
        // SAFETY: frames of a stack are alive while its thread does not run.
        Some((thread.thread_ident, unsafe { crate::types::traceback::frame_object(vm, frame) }))
    });
    let frames = vm.new_dict();
    for (ident, frame) in found.into_iter().flatten() {
        vm.set_item(&frames, &vm.u64(ident), &frame)?;
    }
    Ok(frames)
}

fn current_exceptions(vm: &Vm, _args: &[Object]) -> Result {
    vm.audit("sys._current_exceptions", &[])?;
    let exceptions = vm.new_dict();
    for (ident, exception) in vm.each_thread(|thread| (thread.thread_ident, thread.handled())) {
        vm.set_item(&exceptions, &vm.u64(ident), &exception)?;
    }
    Ok(exceptions)
}

// ---- exceptions and hooks ----------------------------------------------------------------------

fn traceback_of(exception: &Object) -> Object {
    match exception.downcast::<exceptions::BaseException>() {
        Some(base) => base.traceback(),
        None => Object::NONE,
    }
}

fn exc_info(vm: &Vm, _args: &[Object]) -> Result {
    let exception = vm.handled();
    if exception.is_none() {
        return Ok(vm.tuple(vec![Object::NONE, Object::NONE, Object::NONE]));
    }
    let class = exception.ty().to_object();
    let traceback = traceback_of(&exception);
    Ok(vm.tuple(vec![class, exception, traceback]))
}

fn exit(vm: &Vm, args: &[Object]) -> Result {
    let exception = exceptions::normalize(vm, &exc::SYSTEM_EXIT.to_object(), &args[0])?;
    Err(vm.raise_in_context(exception))
}

fn excepthook(vm: &Vm, args: &[Object]) -> Result {
    show_exception(vm, &args[1], &args[2])?;
    Ok(Object::NONE)
}

/// Displays an exception as `sys.__excepthook__` does.
pub fn show_exception(vm: &Vm, value: &Object, traceback: &Object) -> Result<()> {
    let file = vm.interp().sys_dict.downcast::<Dict>().and_then(|d| d.get_str_owned(name::stderr.object()));
    if file.as_ref().is_some_and(|f| f.is_none()) {
        return Ok(());
    }
    let Some(base) = value.downcast::<exceptions::BaseException>() else {
        let out = display::Output::of(vm, file.as_ref());
        let text = format!(
            "TypeError: print_exception(): Exception expected for value, {} found\n",
            value.ty().name()
        );
        return out.write(vm, &text);
    };
    if !traceback.is_none() && base.traceback().is_none() {
        base.set_traceback(traceback.clone());
    }
    let module = vm.import_module("traceback");
    let shown = module
        .and_then(|module| vm.get_attr_str(&module, "_print_exception_bltin"))
        .and_then(|print| vm.call(&print, std::slice::from_ref(value)));
    if let Err(raised) = shown {
        drop(vm.caught(raised));
        let out = display::Output::of(vm, file.as_ref());
        display::print_exception(vm, value, &out)?;
        out.flush(vm);
    } else if let Some(file) = &file {
        display::Output::of(vm, Some(file)).flush(vm);
    }
    Ok(())
}

fn unraisablehook(vm: &Vm, args: &[Object]) -> Result {
    let class = structseq::class(vm, &unraisable::HOOK_ARGS)?;
    if args[0].ty().value() != class.value() {
        return Err(vm.type_error("sys.unraisablehook argument type must be UnraisableHookArgs"));
    }
    let parts = args[0].downcast::<Tuple>().map_or(Vec::new(), |t| t.items().to_vec());
    unraisable::default_hook(vm, &parts)?;
    Ok(Object::NONE)
}

fn displayhook(vm: &Vm, args: &[Object]) -> Result {
    let value = &args[0];
    if value.is_none() {
        return Ok(Object::NONE);
    }
    let builtins = vm.interp().builtins_dict();
    let Some(d) = builtins.downcast::<Dict>() else { return Err(vm.runtime_error("lost builtins module")) };
    d.set_text(vm, "_", Object::NONE);
    let Some(out) = attr(vm, "stdout").filter(|f| !f.is_none()) else {
        return Err(vm.runtime_error("lost sys.stdout"));
    };
    let shown = vm.repr(value)?;
    let written = vm.call_method_object(&out, name::write.object(), std::slice::from_ref(&shown)).map(drop);
    if vm.swallow(written, &exc::UNICODE_ENCODE_ERROR)?.is_none() {
        let encoding = vm.get_attr_str(&out, "encoding")?;
        let errors = vm.intern("backslashreplace");
        let encoded = vm.call_method(&shown, "encode", &[encoding.clone(), errors])?;
        match vm.lookup_attr_str(&out, "buffer")? {
            Some(buffer) => vm.call_method_object(&buffer, name::write.object(), &[encoded])?,
            None => {
                let text = vm.call_method(&encoded, "decode", &[encoding, vm.intern("strict")])?;
                vm.call_method_object(&out, name::write.object(), &[text])?
            }
        };
    }
    vm.call_method_object(&out, name::write.object(), &[vm.intern("\n")])?;
    d.set_text(vm, "_", value.clone());
    Ok(Object::NONE)
}

fn breakpointhook(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let wanted = if vm.interp().config.ignore_environment {
        String::new()
    } else {
        std::env::var("PYTHONBREAKPOINT").unwrap_or_default()
    };
    if wanted == "0" {
        return Ok(Object::NONE);
    }
    let wanted = if wanted.is_empty() { "pdb.set_trace".to_string() } else { wanted };
    let (module, function) = wanted.rsplit_once('.').unwrap_or(("builtins", &wanted));
    let found =
        if module.is_empty() { Err(vm.import_error("", &Object::NONE)) } else { vm.import_module(module) };
    let hook = match found.and_then(|module| vm.get_attr_str(&module, function)) {
        Ok(hook) => hook,
        Err(raised) if vm.raised_is(&exc::IMPORT_ERROR) || vm.raised_is(&exc::ATTRIBUTE_ERROR) => {
            drop(vm.caught(raised));
            let text = format!("Ignoring unimportable $PYTHONBREAKPOINT: \"{wanted}\"");
            vm.warn(&exc::RUNTIME_WARNING, &text, 1)?;
            return Ok(Object::NONE);
        }
        Err(raised) => return Err(raised),
    };
    vm.call_kw(&hook, args, kwnames)
}

fn set_hook(vm: &Vm, which: Hook, function: &Object) -> Result {
    vm.audit(if which == Hook::Trace { "sys.settrace" } else { "sys.setprofile" }, &[])?;
    events::set_hook(vm, vm, which, function);
    Ok(Object::NONE)
}

fn set_hook_everywhere(vm: &Vm, which: Hook, function: &Object) -> Result {
    set_hook(vm, which, function)?;
    // Destructors of what was set may run: not while the list of threads is looked at.
    let threads = vm.each_thread(|thread| thread as *const Vm);
    for thread in threads {
        // A destructor may have let a thread end.
        if vm.each_thread(|other| std::ptr::eq(other, thread)).contains(&true) {
            // SAFETY: listed, so alive while we hold the GIL.
            events::set_hook(vm, unsafe { &*thread }, which, function);
        }
    }
    Ok(Object::NONE)
}

fn call_tracing(vm: &Vm, args: &[Object]) -> Result {
    let Some(tuple) = args[1].downcast::<Tuple>() else {
        return Err(vm.type_error(format!(
            "call_tracing() argument 2 must be tuple, not {}",
            if args[1].is_none() { "None" } else { args[1].ty().name() }
        )));
    };
    events::call_tracing(vm, &args[0], &tuple.items().to_vec())
}

fn set_origin_depth(vm: &Vm, args: &[Object]) -> Result {
    let depth = vm.to_c_int(&args[0])? as i64;
    if depth < 0 {
        return Err(vm.value_error("depth must be >= 0"));
    }
    vm.coroutine_origin_depth.set(depth);
    Ok(Object::NONE)
}

fn set_asyncgen_hooks(vm: &Vm, args: &[Object]) -> Result {
    for (value, what) in [(&args[1], "finalizer"), (&args[0], "firstiter")] {
        if let Some(value) = value.some()
            && !vm.is_callable(value)
        {
            return Err(vm.type_error(format!("callable {what} expected, got {}", value.ty().name())));
        }
    }
    let old = {
        let mut hooks = vm.asyncgen_hooks.borrow_mut();
        let first = args[0].bound().map(|f| std::mem::replace(&mut hooks.0, f.clone()));
        let last = args[1].bound().map(|f| std::mem::replace(&mut hooks.1, f.clone()));
        (first, last)
    };
    drop(old);
    Ok(Object::NONE)
}

fn get_asyncgen_hooks(vm: &Vm, _args: &[Object]) -> Result {
    let (first, last) = {
        let hooks = vm.asyncgen_hooks.borrow();
        (hooks.0.clone(), hooks.1.clone())
    };
    structseq::new(vm, &ASYNCGEN_HOOKS, vec![first, last])
}

// ---- limits and settings -----------------------------------------------------------------------

fn setrecursionlimit(vm: &Vm, args: &[Object]) -> Result {
    let limit = vm.to_c_int(&args[0])?;
    if limit < 1 {
        return Err(vm.value_error("recursion limit must be greater or equal than 1"));
    }
    let depth = vm.depth.get();
    if depth >= limit as u32 {
        return Err(vm.recursion_error(format!(
            "cannot set the recursion limit to {limit} at the recursion depth {depth}: the limit is too low"
        )));
    }
    vm.interp().recursion_limit.set(limit as u32);
    Ok(Object::NONE)
}

fn setswitchinterval(vm: &Vm, args: &[Object]) -> Result {
    let seconds = vm.to_f64(&args[0])?;
    if seconds <= 0.0 || seconds.is_nan() {
        return Err(vm.value_error("switch interval must be strictly positive"));
    }
    let micros = (seconds * 1e6).floor().clamp(1.0, 1e15);
    vm.interp().gil.interval.store(micros as u64, std::sync::atomic::Ordering::Relaxed);
    Ok(Object::NONE)
}

fn setdlopenflags(vm: &Vm, args: &[Object]) -> Result {
    let flags = vm.to_c_int(&args[0])?;
    vm.share(DLOPEN, vm.int(flags as i64));
    Ok(Object::NONE)
}

fn set_int_max_str_digits(vm: &Vm, args: &[Object]) -> Result {
    let digits = vm.to_c_int(&args[0])? as i64;
    if digits != 0 && digits < 640 {
        return Err(vm.value_error("maxdigits must be >= 640 or 0 for unlimited"));
    }
    vm.interp().int_max_str_digits.set(digits);
    if let Some(d) = vm.interp().sys_dict.downcast::<Dict>() {
        d.set_text(vm, "flags", sys_info::flags(vm)?);
    }
    Ok(Object::NONE)
}

// ---- objects and memory --------------------------------------------------------------------------

fn intern(vm: &Vm, args: &[Object]) -> Result {
    if args[0].ty().is(&str::STR) {
        return Ok(vm.intern_object(&args[0]));
    }
    if args[0].downcast::<Str>().is_some() {
        return Err(vm.type_error(format!("can't intern {}", args[0].ty().name())));
    }
    Err(vm.type_error(format!(
        "intern() argument must be str, not {}",
        if args[0].is_none() { "None" } else { args[0].ty().name() }
    )))
}

fn is_interned(vm: &Vm, args: &[Object]) -> Result {
    if args[0].downcast::<Str>().is_none() {
        return Err(vm.type_error(format!(
            "_is_interned() argument must be str, not {}",
            if args[0].is_none() { "None" } else { args[0].ty().name() }
        )));
    }
    Ok(Object::bool(Str::is_interned(&args[0])))
}

fn getrefcount(vm: &Vm, args: &[Object]) -> Result {
    let count = args[0].header().map_or(taipan_object::header::IMMORTAL, |header| header.count());
    Ok(vm.int(count as i64))
}

fn getsizeof(vm: &Vm, args: &[Object]) -> Result {
    let size = sizeof(vm, &args[0]);
    match args[1].bound() {
        Some(default) => Ok(vm.swallow(size, &exc::TYPE_ERROR)?.unwrap_or_else(|| default.clone())),
        None => size,
    }
}

fn sizeof(vm: &Vm, object: &Object) -> Result {
    let Some(size) = vm.call_special(object, name::sizeof.object(), &[])? else {
        return Err(vm.type_error(format!("Type {} doesn't define __sizeof__", object.ty().name())));
    };
    if !size.is_instance_of(&int::INT) {
        return Err(vm.type_error_of(&size, "cannot be interpreted as an integer"));
    }
    if int::is_negative(&size) {
        return Err(vm.value_error("__sizeof__() should return >= 0"));
    }
    match int::to_i64(&size) {
        Some(n) => Ok(vm.int(n)),
        None => Err(vm.overflow_error("Python int too large to convert to C ssize_t")),
    }
}

fn allocated_blocks(_vm: &Vm) -> usize {
    0
}
