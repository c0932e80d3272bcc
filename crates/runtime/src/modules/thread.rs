//! `_thread`: one OS thread per Python thread, under the GIL; locks, re-entrant
//! locks, thread-local data, joinable handles.

use crate::names::name;
use crate::prelude::*;
use crate::types::exceptions::BaseException;
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// Register stack of a thread (reserved address space).
const REGISTER_STACK: usize = 64 << 20;
const DEFAULT_STACK: usize = 16 << 20;
/// How often a blocked main thread looks for signals.
const SIGNAL_POLL: Duration = Duration::from_millis(50);

static COUNT: AtomicUsize = AtomicUsize::new(0);
static STACK_SIZE: AtomicUsize = AtomicUsize::new(0);
static MAIN_IDENT: AtomicU64 = AtomicU64::new(0);

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn timeout_of(vm: &Vm, blocking: bool, timeout: &Object) -> Result<Option<Duration>> {
    let seconds = vm.to_f64(timeout)?;
    if !blocking {
        if seconds != -1.0 {
            return Err(vm.value_error("can't specify a timeout for a non-blocking call"));
        }
        return Ok(Some(Duration::ZERO));
    }
    if seconds == -1.0 {
        return Ok(None);
    }
    if seconds < 0.0 {
        return Err(vm.value_error("timeout value must be a non-negative number"));
    }
    if seconds.is_nan() {
        return Err(vm.value_error("Invalid value NaN (not a number)"));
    }
    if seconds > 9_223_372_036.0 {
        return Err(vm.overflow_error("timeout value is too large"));
    }
    Ok(Some(Duration::from_secs_f64(seconds)))
}

/// Waits (without the GIL) until `ready` says true; false: timed out.
pub fn wait_until<T: Send>(
    vm: &Vm,
    state: &Mutex<T>,
    changed: &Condvar,
    timeout: Option<Duration>,
    ready: impl Fn(&mut T) -> bool + Sync + Send,
) -> Result<bool> {
    if ready(&mut locked(state)) {
        return Ok(true);
    }
    if timeout == Some(Duration::ZERO) {
        return Ok(false);
    }
    // What is too far away never comes.
    let deadline = timeout.and_then(|t| Instant::now().checked_add(t));
    loop {
        let done = vm.without_gil(|| {
            let mut guard = locked(state);
            loop {
                if ready(&mut guard) {
                    return Some(true);
                }
                let now = Instant::now();
                let slice = match deadline {
                    Some(deadline) if deadline <= now => return Some(false),
                    Some(deadline) => SIGNAL_POLL.min(deadline - now),
                    None => SIGNAL_POLL,
                };
                let (next, waited) =
                    changed.wait_timeout(guard, slice).unwrap_or_else(|poisoned| poisoned.into_inner());
                guard = next;
                if waited.timed_out() && !ready(&mut guard) {
                    return None;
                }
                if waited.timed_out() {
                    return Some(true);
                }
            }
        });
        match done {
            Some(done) => return Ok(done),
            None => vm.check_signals()?,
        }
    }
}

// ---- lock ---------------------------------------------------------------------------

/// Payload of `_thread.lock`.
pub struct Lock {
    state: Mutex<bool>,
    changed: Condvar,
}

impl NativeClass for Lock {
    fn class() -> &'static Type {
        &LOCK
    }
}

fn lock_of(object: &Object) -> &Lock {
    // SAFETY: used on locks only.
    unsafe { object.payload_unchecked() }
}

static ACQUIRE: Sig = Sig::new("acquire(blocking=True, timeout=-1)");

fn lock_acquire(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let bound = ACQUIRE.bind(vm, &args[1..], kwnames)?;
    let timeout = timeout_of(vm, vm.is_true(&bound[0])?, &bound[1])?;
    let lock = lock_of(&args[0]);
    let taken = wait_until(vm, &lock.state, &lock.changed, timeout, |held| {
        if *held {
            return false;
        }
        *held = true;
        true
    })?;
    Ok(Object::bool(taken))
}

fn lock_release(vm: &Vm, object: &Object) -> Result {
    let lock = lock_of(object);
    {
        let mut held = locked(&lock.state);
        if !*held {
            drop(held);
            return Err(vm.runtime_error("release unlocked lock"));
        }
        *held = false;
    }
    lock.changed.notify_one();
    Ok(Object::NONE)
}

pub static LOCK: Type = Type::new::<Lock>(
    "_thread.lock",
    &crate::types::object::OBJECT,
    type_flags::WEAKREFABLE,
    Slots {
        new: Some(|vm, class, args, _| {
            if !args.is_empty() {
                return Err(vm.type_error("lock() takes no arguments"));
            }
            Ok(vm.alloc(class, Lock { state: Mutex::new(false), changed: Condvar::new() }))
        }),
        ..Slots::EMPTY.repr(|vm, l| {
            let state = if *locked(&lock_of(l).state) { "locked" } else { "unlocked" };
            Ok(vm.str(&format!("<{state} {} object at {:#x}>", l.ty().full_name(), l.bits())))
        })
    },
    &[
        MethodDef::raw("acquire($self, /, blocking=True, timeout=-1)", lock_acquire, "Lock the lock."),
        MethodDef::raw("acquire_lock($self, /, blocking=True, timeout=-1)", lock_acquire, "An obsolete synonym of acquire()."),
        MethodDef::raw("__enter__($self, /)", lock_acquire, "Lock the lock."),
        MethodDef::new("release($self, /)", |vm, args| lock_release(vm, &args[0]), "Release the lock."),
        MethodDef::new("release_lock($self, /)", |vm, args| lock_release(vm, &args[0]), "An obsolete synonym of release()."),
        MethodDef::new("__exit__($self, /, *exc_info)", |vm, args| lock_release(vm, &args[0]), "Release the lock."),
        MethodDef::new("locked($self, /)", |_, args| Ok(Object::bool(*locked(&lock_of(&args[0]).state))), "Return whether the lock is in the locked state."),
        MethodDef::new("locked_lock($self, /)", |_, args| Ok(Object::bool(*locked(&lock_of(&args[0]).state))), "An obsolete synonym of locked()."),
        MethodDef::new("_at_fork_reinit($self, /)", |_, args| {
            *locked(&lock_of(&args[0]).state) = false;
            Ok(Object::NONE)
        }, ""),
    ],
    &[],
)
.with_doc("A lock object is a synchronization primitive.");

// ---- RLock ------------------------------------------------------------------------------

/// Payload of `_thread.RLock`: owner (0: none) and depth.
pub struct RLock {
    state: Mutex<(u64, usize)>,
    changed: Condvar,
}

impl NativeClass for RLock {
    fn class() -> &'static Type {
        &RLOCK
    }
}

fn rlock_of(object: &Object) -> &RLock {
    // SAFETY: used on RLocks only.
    unsafe { object.payload_unchecked() }
}

fn rlock_take(vm: &Vm, lock: &RLock, timeout: Option<Duration>, depth: usize) -> Result<bool> {
    let me = vm.thread_ident;
    wait_until(vm, &lock.state, &lock.changed, timeout, move |(owner, count)| {
        if *count > 0 && *owner != me {
            return false;
        }
        *owner = me;
        *count += depth;
        true
    })
}

fn rlock_acquire(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let bound = ACQUIRE.bind(vm, &args[1..], kwnames)?;
    let timeout = timeout_of(vm, vm.is_true(&bound[0])?, &bound[1])?;
    rlock_take(vm, rlock_of(&args[0]), timeout, 1).map(Object::bool)
}

fn rlock_release(vm: &Vm, object: &Object) -> Result {
    let lock = rlock_of(object);
    {
        let mut state = locked(&lock.state);
        if state.1 == 0 || state.0 != vm.thread_ident {
            drop(state);
            return Err(vm.runtime_error("cannot release un-acquired lock"));
        }
        state.1 -= 1;
        if state.1 > 0 {
            return Ok(Object::NONE);
        }
        state.0 = 0;
    }
    lock.changed.notify_one();
    Ok(Object::NONE)
}

pub static RLOCK: Type = Type::new::<RLock>(
    "_thread.RLock",
    &crate::types::object::OBJECT,
    type_flags::BASE | type_flags::WEAKREFABLE,
    Slots {
        new: Some(|vm, class, args, _| {
            if !args.is_empty() && class.is(&RLOCK) {
                return Err(vm.type_error("RLock() takes no arguments"));
            }
            Ok(vm.alloc(class, RLock { state: Mutex::new((0, 0)), changed: Condvar::new() }))
        }),
        ..Slots::EMPTY.repr(|vm, l| {
            let (owner, count) = *locked(&rlock_of(l).state);
            let state = if count > 0 { "locked" } else { "unlocked" };
            Ok(vm.str(&format!(
                "<{state} {} object owner={owner} count={count} at {:#x}>",
                l.ty().full_name(),
                l.bits()
            )))
        })
    },
    &[
        MethodDef::raw("acquire($self, /, blocking=True, timeout=-1)", rlock_acquire, "Lock the lock."),
        MethodDef::raw("__enter__($self, /)", rlock_acquire, "Lock the lock."),
        MethodDef::new("release($self, /)", |vm, args| rlock_release(vm, &args[0]), "Release the lock."),
        MethodDef::new("__exit__($self, /, *exc_info)", |vm, args| rlock_release(vm, &args[0]), "Release the lock."),
        MethodDef::new("locked($self, /)", |_, args| Ok(Object::bool(locked(&rlock_of(&args[0]).state).1 > 0)), "Return a boolean indicating whether this object is locked right now."),
        MethodDef::new("_is_owned($self, /)", |vm, args| {
            let state = *locked(&rlock_of(&args[0]).state);
            Ok(Object::bool(state.1 > 0 && state.0 == vm.thread_ident))
        }, ""),
        MethodDef::new("_recursion_count($self, /)", |vm, args| {
            let state = *locked(&rlock_of(&args[0]).state);
            Ok(vm.usize(if state.0 == vm.thread_ident { state.1 } else { 0 }))
        }, ""),
        MethodDef::new("_acquire_restore($self, state, /)", |vm, args| {
            let parts = vm.collect(&args[1])?;
            let depth = parts.first().map_or(Ok(1), |n| vm.to_i64(n))?.max(0) as usize;
            rlock_take(vm, rlock_of(&args[0]), None, depth)?;
            Ok(Object::NONE)
        }, ""),
        MethodDef::new("_release_save($self, /)", |vm, args| {
            let lock = rlock_of(&args[0]);
            let (owner, count) = {
                let mut state = locked(&lock.state);
                if state.1 == 0 {
                    drop(state);
                    return Err(vm.runtime_error("cannot release un-acquired lock"));
                }
                std::mem::replace(&mut *state, (0, 0))
            };
            lock.changed.notify_one();
            Ok(vm.tuple(vec![vm.usize(count), vm.u64(owner)]))
        }, ""),
        MethodDef::new("_at_fork_reinit($self, /)", |_, args| {
            *locked(&rlock_of(&args[0]).state) = (0, 0);
            Ok(Object::NONE)
        }, ""),
    ],
    &[],
);

// ---- threads -------------------------------------------------------------------------------

#[derive(Default)]
struct HandleState {
    done: Mutex<bool>,
    changed: Condvar,
    ident: AtomicU64,
    started: AtomicBool,
}

/// Payload of `_thread._ThreadHandle`.
pub struct Handle {
    state: Arc<HandleState>,
}

impl NativeClass for Handle {
    fn class() -> &'static Type {
        &HANDLE
    }
}

fn handle_of(object: &Object) -> &Handle {
    // SAFETY: used on handles only.
    unsafe { object.payload_unchecked() }
}

pub static HANDLE: Type = Type::new::<Handle>(
    "_thread._ThreadHandle",
    &crate::types::object::OBJECT,
    type_flags::WEAKREFABLE,
    Slots {
        new: Some(|vm, class, _, _| Ok(vm.alloc(class, Handle { state: Arc::default() }))),
        ..Slots::EMPTY.repr(|vm, h| {
            Ok(vm.str(&format!(
                "<_ThreadHandle object: ident={}>",
                handle_of(h).state.ident.load(Ordering::Relaxed)
            )))
        })
    },
    &[
        MethodDef::new("join($self, timeout=None, /)", |vm, args| {
            let state = handle_of(&args[0]).state.clone();
            if !state.started.load(Ordering::Acquire) {
                return Err(vm.runtime_error("thread not started"));
            }
            if state.ident.load(Ordering::Relaxed) == vm.thread_ident && !*locked(&state.done) {
                return Err(vm.runtime_error("Cannot join current thread"));
            }
            let timeout = match args[1].some() {
                Some(timeout) => {
                    let seconds = vm.to_f64(timeout)?;
                    if seconds < 0.0 { None } else { Some(Duration::from_secs_f64(seconds.min(9e9))) }
                }
                None => None,
            };
            wait_until(vm, &state.done, &state.changed, timeout, |done| *done)?;
            Ok(Object::NONE)
        }, ""),
        MethodDef::new("is_done($self, /)", |_, args| Ok(Object::bool(*locked(&handle_of(&args[0]).state.done))), ""),
        MethodDef::new("_set_done($self, /)", |_, args| {
            let state = &handle_of(&args[0]).state;
            *locked(&state.done) = true;
            state.changed.notify_all();
            Ok(Object::NONE)
        }, ""),
    ],
    &[GetSetDef::new("ident", |vm, h| {
        let ident = handle_of(h).state.ident.load(Ordering::Relaxed);
        Ok(if ident == 0 { Object::NONE } else { vm.u64(ident) })
    })],
);

/// What a new thread needs, sent over as raw words that it takes ownership of.
struct Start {
    interp: usize,
    function: u64,
    args: u64,
    kwargs: u64,
    handle: Arc<HandleState>,
}

fn spawn(vm: &Vm, function: &Object, args: Object, kwargs: Object, handle: Arc<HandleState>) -> Result<()> {
    let size = match STACK_SIZE.load(Ordering::Relaxed) {
        0 => DEFAULT_STACK,
        size => size,
    };
    let start = Start {
        interp: vm.interp as usize,
        function: function.clone().into_value().bits(),
        args: args.into_value().bits(),
        kwargs: kwargs.into_value().bits(),
        handle,
    };
    let (function, args, kwargs) = (start.function, start.args, start.kwargs);
    COUNT.fetch_add(1, Ordering::Relaxed);
    start.handle.started.store(true, Ordering::Release);
    let ready = Arc::new((Mutex::new(false), Condvar::new()));
    let signal = ready.clone();
    let spawned = std::thread::Builder::new().stack_size(size).spawn(move || thread_main(start, size, signal));
    match spawned {
        Ok(_) => {
            vm.without_gil(|| {
                let mut set = locked(&ready.0);
                while !*set {
                    set = ready.1.wait(set).unwrap_or_else(|poisoned| poisoned.into_inner());
                }
            });
            Ok(())
        }
        Err(_) => {
            COUNT.fetch_sub(1, Ordering::Relaxed);
            for word in [function, args, kwargs] {
                // SAFETY: the words were ours; the thread never took them.
                drop(unsafe { Object::from_owned(Value::from_bits(word)) });
            }
            Err(vm.runtime_error("can't start new thread"))
        }
    }
}

fn thread_main(start: Start, stack: usize, ready: Arc<(Mutex<bool>, Condvar)>) {
    let marker = 0u8;
    let limit = (&raw const marker as usize).saturating_sub(stack - stack / 8);
    let interp = start.interp as *const Interpreter;
    let vm = Vm::new(interp, REGISTER_STACK, limit);
    // SAFETY: the identifier of this very thread.
    let ident = unsafe { libc::pthread_self() } as u64;
    start.handle.ident.store(ident, Ordering::Relaxed);
    *locked(&ready.0) = true;
    ready.1.notify_all();
    drop(ready);
    if let Some(vm) = &vm {
        vm.interp().gil.acquire(vm);
        vm.set_listed(true);
        // SAFETY: the starter gave these counts to us.
        let (function, args, kwargs) = unsafe {
            (
                Object::from_owned(Value::from_bits(start.function)),
                Object::from_owned(Value::from_bits(start.args)),
                Object::from_owned(Value::from_bits(start.kwargs)),
            )
        };
        if let Err(raised) = call_with(vm, &function, &args, &kwargs) {
            let exception = vm.caught(raised);
            if !exception.is_instance_of(&exc::SYSTEM_EXIT) {
                vm.raise(exception);
                vm.write_unraisable(&function, "Exception ignored in thread started by");
            }
        }
        drop((function, args, kwargs));
        drop(vm.thread_dict.take());
        drop(vm.context.replace(Object::NONE));
        drop(vm.asyncgen_hooks.replace((Object::NONE, Object::NONE)));
        vm.asyncio.running_loop.clear();
        vm.asyncio.running_task.clear();
        drop(vm.take_raised());
        vm.set_listed(false);
        COUNT.fetch_sub(1, Ordering::Relaxed);
        *locked(&start.handle.done) = true;
        start.handle.changed.notify_all();
        vm.interp().gil.release(vm);
        Vm::detach_thread();
    } else {
        COUNT.fetch_sub(1, Ordering::Relaxed);
        *locked(&start.handle.done) = true;
        start.handle.changed.notify_all();
    }
}

fn call_with(vm: &Vm, function: &Object, args: &Object, kwargs: &Object) -> Result {
    let mut all = args.downcast::<Tuple>().map_or(Vec::new(), |t| t.items().to_vec());
    let mut names = Vec::new();
    if let Some(d) = kwargs.downcast::<Dict>() {
        for (key, value) in d.items() {
            names.push(key);
            all.push(value);
        }
    }
    vm.call_kw(function, &all, &names)
}

fn start_new_thread(vm: &Vm, args: &[Object]) -> Result {
    if !vm.is_callable(&args[0]) {
        return Err(vm.type_error("first arg must be callable"));
    }
    if args[1].downcast::<Tuple>().is_none() {
        return Err(vm.type_error("2nd arg must be a tuple"));
    }
    let kwargs = args[2].bound().cloned().unwrap_or(Object::NONE);
    if !kwargs.is_none() && kwargs.downcast::<Dict>().is_none() {
        return Err(vm.type_error("optional 3rd arg must be a dictionary"));
    }
    let state: Arc<HandleState> = Arc::default();
    spawn(vm, &args[0], args[1].clone(), kwargs, state.clone())?;
    Ok(vm.u64(state.ident.load(Ordering::Relaxed)))
}

fn start_joinable_thread(vm: &Vm, args: &[Object]) -> Result {
    if !vm.is_callable(&args[0]) {
        return Err(vm.type_error("thread function must be callable"));
    }
    let handle = match args[1].some() {
        Some(handle) if handle.ty().is(&HANDLE) => handle.clone(),
        Some(_) => return Err(vm.type_error("'handle' must be a _ThreadHandle")),
        None => vm.alloc(&HANDLE, Handle { state: Arc::default() }),
    };
    let state = handle_of(&handle).state.clone();
    if state.started.load(Ordering::Acquire) {
        return Err(vm.runtime_error("thread already started"));
    }
    spawn(vm, &args[0], vm.tuple(Vec::new()), Object::NONE, state)?;
    Ok(handle)
}

// ---- thread-local data ------------------------------------------------------------------------

/// Payload of `_thread._local`: constructor arguments for each thread's `__init__`.
pub struct Local {
    key: Object,
    args: Vec<Object>,
    kwnames: Vec<Object>,
    initialising: Cell<bool>,
}

impl NativeClass for Local {
    fn class() -> &'static Type {
        &LOCAL
    }
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit_object(&self.key);
        self.args.iter().for_each(|a| visitor.visit_object(a));
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        // This thread's data dies with the object; other threads' with the threads.
        if Vm::is_attached() {
            let vm = Vm::current();
            let all = vm.thread_dict.borrow().clone();
            if let Some(all) = all
                && let Some(d) = all.downcast::<Dict>()
            {
                let raised = vm.take_raised();
                let _ = d.remove(vm, &self.key);
                vm.restore_raised(raised);
            }
        }
    }
}

fn local_of(object: &Object) -> &Local {
    // SAFETY: used on _local objects only.
    unsafe { object.payload_unchecked() }
}

/// This thread's attribute dict of the object, made (and `__init__` run) if new.
fn local_dict(vm: &Vm, object: &Object) -> Result {
    let this = local_of(object);
    let existing = vm.thread_dict.borrow().clone();
    let all = match existing {
        Some(all) => all,
        None => {
            let all = vm.new_dict();
            drop(vm.thread_dict.replace(Some(all.clone())));
            all
        }
    };
    let Some(d) = all.downcast::<Dict>() else { return Ok(all) };
    if let Some(found) = d.get(vm, &this.key)? {
        return Ok(found);
    }
    let made = vm.new_dict();
    d.set(vm, &this.key, made.clone())?;
    if let Some(init) = object.ty().slots().init
        && object.ty().slots().init.map(|f| f as usize)
            != crate::types::object::OBJECT.slots().init.map(|f| f as usize)
        && !this.initialising.get()
        && let Err(raised) = init(vm, object, &this.args, &this.kwnames)
    {
        let exception = vm.caught(raised);
        d.remove(vm, &this.key)?;
        return Err(vm.raise(exception));
    }
    Ok(made)
}

pub static LOCAL: Type = Type::new::<Local>(
    "_thread._local",
    &crate::types::object::OBJECT,
    type_flags::BASE | type_flags::HAVE_GC | type_flags::WEAKREFABLE,
    Slots {
        new: Some(|vm, class, args, kwnames| {
            let plain = class.slots().init.map(|f| f as usize)
                == crate::types::object::OBJECT.slots().init.map(|f| f as usize);
            if !args.is_empty() && plain {
                return Err(vm.type_error("Initialization arguments are not supported"));
            }
            let key = vm.call(&crate::types::object::OBJECT.to_object(), &[])?;
            let local = Local {
                key,
                args: args.to_vec(),
                kwnames: kwnames.to_vec(),
                initialising: Cell::new(true),
            };
            let made = vm.alloc(class, local);
            local_dict(vm, &made)?;
            local_of(&made).initialising.set(false);
            Ok(made)
        }),
        getattr: Some(|vm, object, attr| {
            let dict = local_dict(vm, object)?;
            if attr.value() == name::dict.value() {
                return Ok(dict);
            }
            let ty = object.ty();
            let found = ty.lookup_owned(vm, attr);
            if let Some(descr) = &found
                && descr.ty().slots().descr_set.is_some()
                && let Some(get) = descr.ty().slots().descr_get
            {
                return get(vm, descr, Some(object), Some(&ty.to_object()));
            }
            if let Some(value) = dict.downcast::<Dict>().map_or(Ok(None), |d| d.get(vm, attr))? {
                return Ok(value);
            }
            match found {
                Some(descr) => match descr.ty().slots().descr_get {
                    Some(get) => get(vm, &descr, Some(object), Some(&ty.to_object())),
                    None => Ok(descr),
                },
                None => Err(vm.no_attribute(object, attr)),
            }
        }),
        setattr: Some(|vm, object, attr, value| {
            let dict = local_dict(vm, object)?;
            if attr.value() == name::dict.value() {
                return Err(vm.attribute_error(
                    format!("'{}' object attribute '__dict__' is read-only", object.ty().name()),
                    object,
                    attr,
                ));
            }
            if let Some(descr) = object.ty().lookup_owned(vm, attr)
                && let Some(set) = descr.ty().slots().descr_set
            {
                return set(vm, &descr, object, value);
            }
            let Some(d) = dict.downcast::<Dict>() else { return Ok(()) };
            match value {
                Some(value) => d.set(vm, attr, value.clone()),
                None => match d.remove(vm, attr)? {
                    Some(_) => Ok(()),
                    None => Err(vm.no_attribute(object, attr)),
                },
            }
        }),
        ..Slots::EMPTY
    },
    &[],
    &[],
)
.with_doc("Thread-local data");

// ---- the module ---------------------------------------------------------------------------------

fn excepthook(vm: &Vm, args: &[Object]) -> Result {
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
        let kw = [vm.intern("file"), vm.intern("colorize")];
        let _ = &kw;
        vm.call_kw(&print, &[class, value, tb, Object::NONE, file.clone()], &[vm.intern("limit"), vm.intern("file")])?;
    }
    vm.call_method(&file, "flush", &[])?;
    Ok(Object::NONE)
}

pub static MODULE: ModuleDef = ModuleDef {
    name: "_thread",
    doc: "This module provides primitive operations to write multi-threaded programs.\nThe 'threading' module provides a more convenient interface.",
    functions: &[
        MethodDef::new("start_new_thread(function, args, kwargs=<unset>, /)", start_new_thread, "Start a new thread and return its identifier."),
        MethodDef::new("start_new(function, args, kwargs=<unset>, /)", start_new_thread, "An obsolete synonym of start_new_thread()."),
        MethodDef::new("start_joinable_thread(function, handle=None, daemon=True)", start_joinable_thread, "Start a new thread and return a handle for it."),
        MethodDef::new("daemon_threads_allowed()", |_, _| Ok(Object::TRUE), ""),
        MethodDef::new("allocate_lock()", |vm, _| vm.call(&LOCK.to_object(), &[]), "Create a new lock object."),
        MethodDef::new("allocate()", |vm, _| vm.call(&LOCK.to_object(), &[]), "An obsolete synonym of allocate_lock()."),
        MethodDef::new("exit()", |vm, _| Err(vm.error_with(&exc::SYSTEM_EXIT, Vec::new())), "This is synonymous to ``raise SystemExit''."),
        MethodDef::new("exit_thread()", |vm, _| Err(vm.error_with(&exc::SYSTEM_EXIT, Vec::new())), "An obsolete synonym of exit()."),
        MethodDef::new("interrupt_main(signum=2, /)", |vm, args| {
            let signal = vm.to_c_int(&args[0])?;
            if !(1..=64).contains(&signal) {
                return Err(vm.value_error("signal number out of range"));
            }
            let module = vm.import_module("_signal")?;
            vm.call_method(&module, "raise_signal", &[vm.int(signal as i64)])
        }, "Simulate the arrival of the given signal in the main thread."),
        MethodDef::new("get_ident()", |vm, _| Ok(vm.u64(vm.thread_ident)), "Return a non-zero integer that uniquely identifies the current thread."),
        MethodDef::new("get_native_id()", |vm, _| {
            // SAFETY: a system call without arguments.
            Ok(vm.int(unsafe { libc::syscall(libc::SYS_gettid) }))
        }, "Return a non-negative integer identifying the thread as reported by the OS."),
        MethodDef::new("_count()", |vm, _| Ok(vm.usize(COUNT.load(Ordering::Relaxed))), "Return the number of currently running Python threads."),
        MethodDef::new("stack_size(size=0, /)", |vm, args| {
            let size = vm.index_isize(&args[0])?;
            if size < 0 {
                return Err(vm.value_error("size must be 0 or a positive value"));
            }
            let old = STACK_SIZE.load(Ordering::Relaxed);
            if size != 0 && size < 32 * 1024 {
                return Err(vm.value_error(format!("size not valid: {size} bytes")));
            }
            STACK_SIZE.store(size as usize, Ordering::Relaxed);
            Ok(vm.usize(old))
        }, "Return the thread stack size used when creating new threads."),
        MethodDef::new("_excepthook(exc_info, /)", excepthook, "Handle uncaught Thread.run() exception."),
        MethodDef::new("_is_main_interpreter()", |_, _| Ok(Object::TRUE), "Return True if the current interpreter is the main Python interpreter."),
        MethodDef::new("_shutdown()", |_, _| Ok(Object::NONE), "Wait for all non-daemon threads (other than the calling thread) to stop."),
        MethodDef::new("_make_thread_handle(ident, /)", |vm, args| {
            let state: Arc<HandleState> = Arc::default();
            let ident = crate::types::int::to_i64(&vm.index(&args[0])?).unwrap_or(0) as u64;
            state.ident.store(ident, Ordering::Relaxed);
            state.started.store(true, Ordering::Release);
            Ok(vm.alloc(&HANDLE, Handle { state }))
        }, ""),
        MethodDef::new("_get_main_thread_ident()", |vm, _| Ok(vm.u64(MAIN_IDENT.load(Ordering::Relaxed))), ""),
        MethodDef::new("set_name(name)", |vm, args| {
            let text = vm.str_lossy(&args[0]);
            let mut bytes: Vec<u8> = text.bytes().take(15).collect();
            bytes.push(0);
            // SAFETY: a terminated name for the calling thread.
            unsafe { libc::prctl(libc::PR_SET_NAME, bytes.as_ptr()) };
            Ok(Object::NONE)
        }, "Set the name of the current thread."),
    ],
    types: &[&LOCK, &RLOCK, &HANDLE, &LOCAL],
    init: Some(|vm, module| {
        MAIN_IDENT.store(vm.thread_ident, Ordering::Relaxed);
        let dict = crate::types::module::dict_of(module);
        if let Some(d) = dict.downcast::<Dict>() {
            d.set_text(vm, "LockType", LOCK.to_object());
            d.set_text(vm, "error", exc::RUNTIME_ERROR.to_object());
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

