//! Starting threads, and the handles by which one waits for their ends.

use super::park::{self, Queue, wait_until};
use super::system::SystemThread;
use crate::prelude::*;
use crate::seconds::{Rounding, nanoseconds};
use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Register stack of a thread (reserved address space).
pub(crate) const REGISTER_STACK: usize = 64 << 20;
const DEFAULT_STACK: usize = 16 << 20;
/// What a thread needs at least; Python may ask for less.
const LEAST_STACK: usize = 256 << 10;

/// Python threads that run, the main thread not counted.
pub static COUNT: AtomicUsize = AtomicUsize::new(0);
pub static STACK_SIZE: AtomicUsize = AtomicUsize::new(0);

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    NotStarted,
    Running,
    Done,
}

/// A thread, as its handle and the interpreter see it; touched with the GIL held.
pub struct Thread {
    state: Cell<State>,
    ident: Cell<u64>,
    daemon: Cell<bool>,
    /// Those who wait for its end.
    joiners: Queue,
    /// The system's half; whoever joins first takes it.
    system: RefCell<Option<SystemThread>>,
}

impl Thread {
    fn record(state: State, ident: u64) -> Arc<Shared> {
        Arc::new(Shared(Thread {
            state: Cell::new(state),
            ident: Cell::new(ident),
            daemon: Cell::new(true),
            joiners: Queue::new(),
            system: RefCell::new(None),
        }))
    }
    /// Marks the end, and wakes those who wait for it.
    fn set_done(&self) {
        self.state.set(State::Done);
        self.joiners.wake_all();
    }
}

/// A thread's record, which the thread itself has a share in.
pub struct Shared(Thread);
// SAFETY: touched with the GIL held only.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl std::ops::Deref for Shared {
    type Target = Thread;
    fn deref(&self) -> &Thread {
        &self.0
    }
}

/// The threads of an interpreter that have a handle and run.
#[derive(Default)]
pub struct Running(RefCell<Vec<Arc<Shared>>>);

impl Running {
    fn remove(&self, thread: &Arc<Shared>) {
        self.0.borrow_mut().retain(|other| !Arc::ptr_eq(other, thread));
    }
}

/// In a new child process: all threads but this one have ended.
pub fn after_fork(vm: &Vm) {
    park::after_fork();
    let mut mine = 0;
    let running = std::mem::take(&mut *vm.interp().running.0.borrow_mut());
    for thread in running {
        // There is nothing to join over here.
        std::mem::forget(thread.system.borrow_mut().take());
        if thread.ident.get() == vm.thread_ident && thread.state.get() == State::Running {
            mine = 1;
            thread.joiners.forget();
            vm.interp().running.0.borrow_mut().push(thread);
        } else {
            thread.set_done();
        }
    }
    COUNT.store(mine, Ordering::Relaxed);
}

/// `_thread._shutdown`: waits for all threads that are no daemons.
pub fn shutdown(vm: &Vm, _args: &[Object]) -> Result {
    loop {
        let running = vm.interp().running.0.borrow().clone();
        let waits_for = |t: &Arc<Shared>| !t.daemon.get() && t.ident.get() != vm.thread_ident;
        let Some(thread) = running.into_iter().find(waits_for) else { return Ok(Object::NONE) };
        join(vm, &thread, None)?;
    }
}

fn join(vm: &Vm, thread: &Thread, timeout: Option<Duration>) -> Result<()> {
    let ended = wait_until(vm, &thread.joiners, timeout, || thread.state.get() == State::Done)?;
    let system = if ended { thread.system.borrow_mut().take() } else { None };
    if let Some(system) = system {
        // It is on its last steps.
        vm.without_gil(|| system.join());
    }
    Ok(())
}

// ---- handles ----------------------------------------------------------------------------

/// Payload of `_thread._ThreadHandle`.
pub struct Handle {
    thread: Arc<Shared>,
}

impl NativeClass for Handle {
    fn class() -> &'static Type {
        &HANDLE
    }
}

fn thread_of(object: &Object) -> &Arc<Shared> {
    // SAFETY: used on handles only.
    unsafe { &object.payload_unchecked::<Handle>().thread }
}

pub static HANDLE: Type = Type::new::<Handle>(
    "_thread._ThreadHandle",
    &crate::types::object::OBJECT,
    type_flags::WEAKREFABLE | type_flags::IMMUTABLE,
    Slots {
        new: Some(|vm, class, _, _| {
            Ok(vm.alloc(class, Handle { thread: Thread::record(State::NotStarted, 0) }))
        }),
        ..Slots::EMPTY.repr(|vm, h| {
            let ident = thread_of(h).ident.get();
            Ok(vm.str(&format!("<{} object: ident={ident}>", h.ty().full_name())))
        })
    },
    &[
        MethodDef { hide_signature: true, ..MethodDef::new("join($self, timeout=None, /)", method_join, "") },
        MethodDef::new(
            "is_done($self, /)",
            |_, args| Ok(Object::bool(thread_of(&args[0]).state.get() == State::Done)),
            "",
        ),
        MethodDef::new(
            "_set_done($self, /)",
            |vm, args| {
                let thread = thread_of(&args[0]).clone();
                if thread.state.get() == State::NotStarted {
                    return Err(vm.runtime_error("thread not started"));
                }
                thread.set_done();
                vm.interp().running.remove(&thread);
                Ok(Object::NONE)
            },
            "",
        ),
    ],
    &[GetSetDef::new("ident", |vm, h| Ok(vm.u64(thread_of(h).ident.get())))],
);

fn method_join(vm: &Vm, args: &[Object]) -> Result {
    let timeout = match args[1].some() {
        Some(timeout) => {
            u64::try_from(nanoseconds(vm, timeout, Rounding::Up)?).ok().map(Duration::from_nanos)
        }
        None => None,
    };
    let thread = thread_of(&args[0]).clone();
    match thread.state.get() {
        State::NotStarted => return Err(vm.runtime_error("thread not started")),
        State::Running if thread.ident.get() == vm.thread_ident => {
            return Err(vm.runtime_error("Cannot join current thread"));
        }
        // Nobody runs Python code any more: that would take for ever.
        State::Running if vm.interp().finalizing.get() => {
            return Err(
                vm.error(&exc::PYTHON_FINALIZATION_ERROR, "cannot join thread at interpreter shutdown")
            );
        }
        _ => {}
    }
    join(vm, &thread, timeout)?;
    Ok(Object::NONE)
}

/// `_thread._make_thread_handle`: for a thread that runs already.
pub fn make_handle(vm: &Vm, args: &[Object]) -> Result {
    if !crate::types::int::is_any_int(&args[0]) {
        return Err(vm.type_error("ident must be an integer"));
    }
    let ident = vm.to_u64(&args[0])?;
    Ok(vm.alloc(&HANDLE, Handle { thread: Thread::record(State::Running, ident) }))
}

// ---- starting ---------------------------------------------------------------------------

/// What a new thread begins with.
struct Start {
    vm: Box<Vm>,
    stack: usize,
    function: Object,
    args: Object,
    kwargs: Object,
    /// None: started without a handle.
    thread: Option<Arc<Shared>>,
}
// SAFETY: the objects are touched with the GIL held only.
unsafe impl Send for Start {}

fn spawn(
    vm: &Vm,
    function: &Object,
    args: Object,
    kwargs: Object,
    thread: Option<Arc<Shared>>,
) -> Result<u64> {
    if vm.interp().finalizing.get() {
        return Err(
            vm.error(&exc::PYTHON_FINALIZATION_ERROR, "can't create new thread at interpreter shutdown")
        );
    }
    if !vm.interp().isolation.allow_threads {
        return Err(vm.runtime_error("thread is not supported for isolated subinterpreters"));
    }
    let failed = || vm.runtime_error("can't start new thread");
    let stack = match STACK_SIZE.load(Ordering::Relaxed) {
        0 => DEFAULT_STACK,
        size => size.max(LEAST_STACK),
    };
    let own = Vm::new(vm.interp, REGISTER_STACK, 0).ok_or_else(failed)?;
    let start = Start { vm: own, stack, function: function.clone(), args, kwargs, thread: thread.clone() };
    // If the system refuses, all of it is dropped right here, with the GIL held.
    let system = SystemThread::start(stack, move || run(start)).ok_or_else(failed)?;
    let ident = system.ident();
    COUNT.fetch_add(1, Ordering::Relaxed);
    if let Some(thread) = thread {
        thread.state.set(State::Running);
        thread.ident.set(ident);
        *thread.system.borrow_mut() = Some(system);
        vm.interp().running.0.borrow_mut().push(thread);
    }
    Ok(ident)
}

/// The thread's whole life.
fn run(start: Start) {
    let marker = 0u8;
    let Start { mut vm, stack, function, args, kwargs, thread } = start;
    let limit = (&raw const marker as usize).saturating_sub(stack - stack / 8);
    vm.native_limit.set(limit);
    vm.native_floor.set(limit);
    vm.thread_ident = crate::gil::this_thread();
    let vm = &*vm;
    vm.interp().gil.acquire(vm);
    vm.set_listed(true);
    if let Err(raised) = call(vm, &function, &args, &kwargs) {
        let exception = vm.caught(raised);
        if !exception.is_instance_of(&exc::SYSTEM_EXIT) {
            vm.raise(exception);
            vm.write_unraisable(&function, "Exception ignored in thread started by");
        }
    }
    drop((function, args, kwargs));
    forget(vm);
    COUNT.fetch_sub(1, Ordering::Relaxed);
    if let Some(thread) = thread {
        vm.interp().running.remove(&thread);
        thread.set_done();
        drop(thread);
    }
    vm.interp().gil.release(vm);
    Vm::detach_thread();
}

/// The thread ends, as far as Python is concerned: forgets what belongs to it.
pub(crate) fn forget(vm: &Vm) {
    super::local::forget_thread(vm);
    vm.tracer.clear();
    drop(vm.context.replace(Object::NONE));
    drop(vm.asyncgen_hooks.replace((Object::NONE, Object::NONE)));
    vm.asyncio.running_loop.clear();
    vm.asyncio.running_task.clear();
    drop(vm.take_raised());
    vm.set_listed(false);
}

/// How far the stack of the calling thread, which is none of ours, may be used.
fn foreign_limit() -> usize {
    let marker = 0u8;
    let here = &raw const marker as usize;
    let mut attributes = std::mem::MaybeUninit::<libc::pthread_attr_t>::uninit();
    let (mut start, mut size) = (std::ptr::null_mut(), 0);
    // SAFETY: the attributes are initialised by the first call, or not used.
    unsafe {
        if libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) == 0 {
            libc::pthread_attr_getstack(attributes.as_ptr(), &mut start, &mut size);
            libc::pthread_attr_destroy(attributes.as_mut_ptr());
        }
    }
    let start = start as usize;
    if size == 0 || here < start {
        return here.saturating_sub(64 << 10);
    }
    start + (here - start) / 8
}

/// Runs Python code on whatever thread this is: with the GIL, as a thread of `interp`
/// for this time if it is none of Python's. None if there is no memory for that.
pub fn on_any_thread<R>(interp: &Interpreter, work: impl FnOnce(&Vm) -> R) -> Option<R> {
    if Vm::is_attached() {
        return Some(Vm::with_gil(work));
    }
    let own = Vm::new(interp, REGISTER_STACK, foreign_limit())?;
    let vm = &*own;
    vm.interp().gil.acquire(vm);
    vm.set_listed(true);
    let result = work(vm);
    forget(vm);
    vm.interp().gil.release(vm);
    Vm::detach_thread();
    taipan_object::small::retire();
    Some(result)
}

fn call(vm: &Vm, function: &Object, args: &Object, kwargs: &Object) -> Result {
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

/// `_thread.start_new_thread`.
pub fn start_new_thread(vm: &Vm, args: &[Object]) -> Result {
    if !vm.is_callable(&args[0]) {
        return Err(vm.type_error("first arg must be callable"));
    }
    if args[1].downcast::<Tuple>().is_none() {
        return Err(vm.type_error("2nd arg must be a tuple"));
    }
    let kwargs = args[2].bound().cloned().unwrap_or(Object::NONE);
    if args[2].bound().is_some() && kwargs.downcast::<Dict>().is_none() {
        return Err(vm.type_error("optional 3rd arg must be a dictionary"));
    }
    vm.audit("_thread.start_new_thread", &[args[0].clone(), args[1].clone(), kwargs.clone()])?;
    Ok(vm.u64(spawn(vm, &args[0], args[1].clone(), kwargs, None)?))
}

/// `_thread.start_joinable_thread`.
pub fn start_joinable_thread(vm: &Vm, args: &[Object]) -> Result {
    if !vm.is_callable(&args[0]) {
        return Err(vm.type_error("thread function must be callable"));
    }
    let handle = match args[1].some() {
        Some(handle) if handle.ty().is(&HANDLE) => handle.clone(),
        Some(_) => return Err(vm.type_error("'handle' must be a _ThreadHandle")),
        None => vm.alloc(&HANDLE, Handle { thread: Thread::record(State::NotStarted, 0) }),
    };
    let daemon = vm.is_true(&args[2])?;
    vm.audit("_thread.start_joinable_thread", &[args[0].clone(), Object::bool(daemon), handle.clone()])?;
    let thread = thread_of(&handle).clone();
    if thread.state.get() != State::NotStarted {
        return Err(vm.runtime_error("thread already started"));
    }
    thread.daemon.set(daemon);
    spawn(vm, &args[0], vm.tuple(Vec::new()), Object::NONE, Some(thread))?;
    Ok(handle)
}
