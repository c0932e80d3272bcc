//! The state of an interpreter ([`Interpreter`]) and of one of its threads
//! ([`Vm`]). A `&Vm` is the proof that the thread holds the GIL; every
//! function that can touch objects takes one.

use crate::interp::frame::{ExceptionItem, Frame};
use crate::prelude::*;
use crate::types::cell::ObjectCell;
use crate::types::generator::Sink;
use std::cell::{Cell, RefCell, UnsafeCell};
use std::collections::HashMap;
use std::ptr::NonNull;
use std::sync::atomic::Ordering;

/// An exception has been raised; the exception itself is in the thread state.
#[derive(Debug)]
pub struct Raised(());

pub type Result<T = Object> = std::result::Result<T, Raised>;

/// Reasons for the loop to leave its path, as bits of `Heap::breaker`.
pub mod breaker {
    pub const SIGNALS: u32 = 1;
    pub const GIL_REQUEST: u32 = 2;
    pub const COLLECT: u32 = 4;
    pub const PENDING_CALLS: u32 = 8;
    pub const ASYNC_EXCEPTION: u32 = 16;
    /// A thread has to use another table of handlers.
    pub const TRACE: u32 = 32;
    /// More memory is used than is allowed.
    pub const MEMORY: u32 = taipan_object::limit::BIT;
}

/// One interpreter: its heap, its modules, its settings, its GIL.
pub struct Interpreter {
    /// 0: the main interpreter.
    pub id: i64,
    pub isolation: crate::interpreters::Isolation,
    pub heap: Box<taipan_object::Heap>,
    pub modules: Object,
    pub builtins: Object,
    pub sys_dict: Object,
    pub interned: UnsafeCell<crate::types::str::InternTable>,
    pub recursion_limit: Cell<u32>,
    pub hash_key: (u64, u64),
    pub next_dict_version: Cell<u32>,
    pub weakrefs: RefCell<HashMap<usize, crate::types::weakref::WeakList, crate::shared::AddressHasher>>,
    /// The subclasses of static types, by address: each interpreter has its own.
    pub(crate) static_subclasses: RefCell<HashMap<usize, Vec<*const Type>, crate::shared::AddressHasher>>,
    pub gc: crate::gc::GcState,
    pub config: Config,
    /// Native modules that can be imported.
    pub native_modules: RefCell<HashMap<&'static str, &'static ModuleDef>>,
    pub library: Cell<&'static Library>,
    pub method_cache: UnsafeCell<Vec<crate::lookup::CacheEntry>>,
    /// Objects kept for the interpreter's life by native modules, by name.
    /// One-character strings below 256.
    pub latin1: RefCell<Vec<Object>>,
    /// The bytes objects of one byte, and behind them the one of none (UNBOUND: not made yet).
    pub short_bytes: RefCell<Vec<Object>>,
    /// The empty tuple (immortal), or UNBOUND while starting.
    pub empty_tuple: Cell<Value>,
    pub attr_table: UnsafeCell<Vec<crate::interp::AttrEntry>>,
    pub registry: RefCell<HashMap<&'static str, Object, crate::shared::AddressHasher>>,
    /// The objects at [`crate::shared::Place`]s.
    pub places: RefCell<Vec<Object>>,
    pub int_max_str_digits: Cell<i64>,
    /// There are audit hooks (`sys.addaudithook`).
    pub audited: Cell<bool>,
    pub gil: crate::gil::Gil,
    /// Runs Python's signal handlers; set by the module that installs them.
    pub signal_handler: Cell<Option<fn(&Vm) -> Result<()>>>,
    pub pending_calls: std::sync::Mutex<Vec<PendingCall>>,
    /// The threads that run Python code.
    pub(crate) threads: RefCell<Vec<*const Vm>>,
    /// Those among them that have a handle.
    pub(crate) running: crate::modules::thread::handle::Running,
    /// Held while importlib changes its tables of locks, and during a fork.
    pub import_lock: crate::modules::thread::locks::RLock,
    /// The interpreter shuts down: only the thread that does it may go on.
    pub finalizing: Cell<bool>,
    /// The tools of `sys.monitoring`.
    pub monitoring: crate::interp::events::Monitoring,
    /// Has the main thread see a signal that did not come; set with `signal_handler`.
    pub simulate_signal: Cell<Option<SimulateSignal>>,
    /// Makes a new interpreter ready for programs: the library, streams, `__main__`.
    pub opener: Cell<Option<fn(&Vm) -> Result<()>>>,
}

pub use taipan_bytecode::Apart;

/// The modules compiled into the binary.
pub struct Library {
    /// Sorted by name.
    pub modules: &'static [FrozenModule],
    /// The bodies of their functions.
    pub apart: Apart<'static>,
}

/// A module compiled into the binary.
#[derive(Clone, Copy)]
pub struct FrozenModule {
    pub name: &'static str,
    pub code: &'static [u8],
    pub is_package: bool,
    /// Path below the library's root, as `json/decoder.py`.
    pub path: &'static str,
}

/// What the command line and the environment say (`sys.flags` and more).
#[derive(Clone, Default, Debug)]
pub struct Config {
    pub debug: i64,
    pub inspect: i64,
    pub interactive: i64,
    pub optimize: i64,
    pub dont_write_bytecode: bool,
    pub no_user_site: bool,
    pub no_site: bool,
    pub ignore_environment: bool,
    pub verbose: i64,
    pub bytes_warning: i64,
    pub quiet: bool,
    pub isolated: bool,
    pub dev_mode: bool,
    pub no_debug_ranges: bool,
    pub utf8_mode: bool,
    pub warn_default_encoding: bool,
    pub safe_path: bool,
    pub unbuffered: bool,
    pub hash_randomization: bool,
    pub warn_options: Vec<String>,
    pub x_options: Vec<String>,
    /// Trace memory from the start, with so many frames (0: do not).
    pub traced_frames: usize,
    /// The most memory that the process may take, in bytes (0: as much as there is).
    pub memory: usize,
    /// Where the sampling profiler writes to, and its samples a second.
    pub profile: Option<(std::path::PathBuf, u32)>,
    pub argv: Vec<std::ffi::OsString>,
    pub orig_argv: Vec<std::ffi::OsString>,
    pub executable: String,
}

/// Has the main thread see a signal.
pub type SimulateSignal = fn(&Vm, i32);

/// Work that another thread asked the interpreter to do.
pub type PendingCall = Box<dyn FnOnce(&Vm) -> Result<()> + Send>;

/// The event loop that a thread runs, and the task that the loop executes.
#[derive(Default)]
pub struct AsyncioState {
    pub running_loop: ObjectCell,
    pub running_task: ObjectCell,
}

/// One thread of an interpreter.
pub struct Vm {
    pub interp: *const Interpreter,
    /// `Heap::breaker` of the interpreter, polled by the loop.
    pub breaker: *const std::sync::atomic::AtomicU32,
    /// The frame that runs, or null.
    pub frame: Cell<*mut Frame>,
    /// Constants and caches of the code that the loop runs: those of `frame`.
    pub consts: Cell<*const Value>,
    pub caches: Cell<*mut crate::types::code::Cache>,
    /// The handlers that loops begin with.
    pub(crate) table: Cell<*const crate::interp::Table>,
    /// Who is told of what this thread does.
    pub tracer: crate::interp::events::Tracer,
    /// The next free place for a Frame.
    pub frame_top: Cell<*mut Frame>,
    pub frame_end: *mut Frame,
    pub stack_base: *mut Value,
    pub stack_end: *mut Value,
    /// Below it, registers that are not in use hold no pointer; from it on the
    /// stack was never used.
    pub stack_high: Cell<*mut Value>,
    /// The exception on its way, or UNBOUND.
    pub raised: Cell<Value>,
    /// The innermost `except` block's exception and those around it.
    pub exc_info: Cell<*mut ExceptionItem>,
    pub base_exc_info: Box<ExceptionItem>,
    /// A word that its instruction drops when another is destroyed.
    pub(crate) dies_second: Cell<Value>,
    /// What takes the values of the generator whose frame has SINK and runs now.
    pub(crate) sink: Cell<Option<NonNull<Sink<'static>>>>,
    /// Python frames now on the stack.
    pub depth: Cell<u32>,
    /// Native stack address below which re-entry raises RecursionError.
    pub native_limit: Cell<usize>,
    /// Lowest native stack address that work of bounded depth (the parser) may
    /// use: at most `native_limit`.
    pub native_floor: Cell<usize>,
    /// Value of the StopIteration that a `next` slot stands for (None if UNBOUND).
    pub stop_value: Cell<Value>,
    /// Objects being shown by repr(), by address.
    pub repr_stack: RefCell<crate::shared::ReprStack>,
    pub thread_ident: u64,
    pub context: RefCell<Object>,
    pub async_exception: Cell<Value>,
    /// Weak references to the objects of which this thread has local data.
    pub(crate) locals: RefCell<Vec<Object>>,
    pub asyncgen_hooks: RefCell<(Object, Object)>,
    pub coroutine_origin_depth: Cell<i64>,
    /// What the thread runs of asyncio.
    pub asyncio: AsyncioState,
    /// It is this thread that shuts the interpreter down.
    pub(crate) finalizer: Cell<bool>,
    stack_memory: (*mut u8, usize),
    frame_memory: (*mut u8, usize),
}

thread_local! {
    static CURRENT: Cell<*const Vm> = const { Cell::new(std::ptr::null()) };
}

impl Vm {
    /// The thread state of the running thread.
    #[inline(always)]
    pub fn current<'a>() -> &'a Vm {
        // SAFETY: native code that can reach objects runs on attached threads only.
        unsafe { &*CURRENT.with(|cell| cell.get()) }
    }
    pub fn is_attached() -> bool {
        !CURRENT.with(|cell| cell.get()).is_null()
    }
    pub fn attach(&self) {
        CURRENT.with(|cell| cell.set(self));
        taipan_object::heap::attach(&*self.interp().heap as *const _ as *mut _);
    }
    pub fn detach_thread() {
        CURRENT.with(|cell| cell.set(std::ptr::null()));
    }
    /// What each thread of the interpreter has to say. `look` must not run
    /// Python code, nor drop objects that might.
    pub(crate) fn each_thread<T>(&self, look: impl Fn(&Vm) -> T) -> Vec<T> {
        let threads = self.interp().threads.borrow();
        // SAFETY: threads leave the list before their states go, which takes the
        // GIL, as every change of the states does.
        threads.iter().map(|&thread| look(unsafe { &*thread })).collect()
    }
    /// The event loops that threads run now, and their tasks (UNBOUND: none).
    pub fn asyncio_states(&self) -> Vec<(Object, Object)> {
        self.each_thread(|thread| (thread.asyncio.running_loop.get(), thread.asyncio.running_task.get()))
    }
    /// The thread begins to run Python code, or ends (with the GIL held).
    pub(crate) fn set_listed(&self, listed: bool) {
        let mut threads = self.interp().threads.borrow_mut();
        threads.retain(|thread| !std::ptr::eq(*thread, self));
        if listed {
            threads.push(self);
        }
        if self.interp().id == 0 {
            crate::sampler::thread_listed(self, listed);
        }
    }
    #[inline(always)]
    pub fn interp(&self) -> &Interpreter {
        // SAFETY: interpreters outlive their threads.
        unsafe { &*self.interp }
    }

    /// A thread state with register stack of `stack_bytes` (reserved, not touched).
    pub(crate) fn new(
        interp: *const Interpreter,
        stack_bytes: usize,
        native_limit: usize,
    ) -> Option<Box<Vm>> {
        let stack = reserve(stack_bytes)?;
        let frame_bytes = stack_bytes / 8;
        let frames = reserve(frame_bytes)?;
        let mut vm = Box::new(Vm {
            interp,
            // SAFETY: the interpreter outlives its threads.
            breaker: unsafe { &raw const (*interp).heap.breaker },
            frame: Cell::new(std::ptr::null_mut()),
            consts: Cell::new(std::ptr::null()),
            caches: Cell::new(std::ptr::null_mut()),
            table: Cell::new(crate::interp::plain_table()),
            tracer: Default::default(),
            frame_top: Cell::new(frames as *mut Frame),
            // SAFETY: within the reservations.
            frame_end: unsafe { (frames as *mut Frame).add(frame_bytes / size_of::<Frame>() - 1) },
            stack_base: stack as *mut Value,
            stack_high: Cell::new(stack as *mut Value),
            // SAFETY: within the reservation. Behind the end there is room for the arguments
            // of one call.
            stack_end: unsafe { (stack as *mut Value).add(stack_bytes / 8 - 512) },
            raised: Cell::new(Value::UNBOUND),
            exc_info: Cell::new(std::ptr::null_mut()),
            base_exc_info: Box::new(ExceptionItem::default()),
            dies_second: Cell::new(Value::UNBOUND),
            sink: Cell::new(None),
            depth: Cell::new(0),
            native_limit: Cell::new(native_limit),
            native_floor: Cell::new(native_limit),
            stop_value: Cell::new(Value::UNBOUND),
            repr_stack: RefCell::default(),
            thread_ident: crate::gil::this_thread(),
            context: RefCell::new(Object::NONE),
            async_exception: Cell::new(Value::UNBOUND),
            locals: RefCell::default(),
            asyncgen_hooks: RefCell::new((Object::NONE, Object::NONE)),
            coroutine_origin_depth: Cell::new(0),
            asyncio: AsyncioState::default(),
            finalizer: Cell::new(false),
            stack_memory: (stack, stack_bytes),
            frame_memory: (frames, frame_bytes),
        });
        let item: *mut ExceptionItem = &mut *vm.base_exc_info;
        vm.exc_info.set(item);
        Some(vm)
    }

    /// Addresses at which the frames of this thread lie, but for those of generators.
    pub(crate) fn frame_array(&self) -> std::ops::Range<usize> {
        self.frame_memory.0 as usize..self.frame_end as usize
    }

    // ---- the exception on its way -------------------------------------------

    /// Makes `exception` (an instance) the one on its way.
    pub fn raise(&self, exception: Object) -> Raised {
        let old = self.raised.replace(exception.into_value());
        // SAFETY: the thread state owned it.
        drop(unsafe { Object::from_owned(old) });
        Raised(())
    }
    /// Takes the exception on its way out of the thread state.
    pub fn take_raised(&self) -> Option<Object> {
        let old = self.raised.replace(Value::UNBOUND);
        // SAFETY: the thread state owned it.
        if old.is_unbound() { None } else { Some(unsafe { Object::from_owned(old) }) }
    }
    pub fn restore_raised(&self, exception: Option<Object>) {
        match exception {
            Some(exception) => {
                self.raise(exception);
            }
            None => drop(self.take_raised()),
        }
    }
    /// The exception of a `Raised`, taken. Never absent: a `Raised` promises it.
    pub fn caught(&self, _: Raised) -> Object {
        match self.take_raised() {
            Some(exception) => exception,
            None => {
                crate::errors::new_exception(self, &exc::SYSTEM_ERROR, "error return without exception set")
            }
        }
    }
    /// Is the exception on its way an instance of `class`?
    pub fn raised_is(&self, class: &Type) -> bool {
        let raised = self.raised.get();
        !raised.is_unbound() && Object::borrow_value(&raised).ty().is_subtype(class)
    }
    /// `Ok(None)` if the error is an exception of `class`; else the error again.
    pub fn swallow<T>(&self, result: Result<T>, class: &Type) -> Result<Option<T>> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(_) if self.raised_is(class) => {
                drop(self.take_raised());
                Ok(None)
            }
            Err(raised) => Err(raised),
        }
    }
    /// A `Raised` for an exception that is already in the thread state.
    pub(crate) fn already_raised(&self) -> Raised {
        debug_assert!(!self.raised.get().is_unbound());
        Raised(())
    }

    /// A `Raised` without an exception, by which a safe point tells the loop that
    /// `table` has changed.
    pub(crate) fn other_table(&self) -> Raised {
        Raised(())
    }

    /// The exception that `sys.exception()` shows.
    pub fn handled(&self) -> Object {
        let mut item = self.exc_info.get();
        // SAFETY: items live in the thread state and in generators that run.
        unsafe {
            while !item.is_null() {
                if !(*item).value.is_none() {
                    return (*item).value.clone();
                }
                item = (*item).previous;
            }
        }
        Object::NONE
    }

    // ---- limits -----------------------------------------------------------------

    /// RecursionError if the native stack runs low. Called on every way from
    /// native code back into Python code or into itself.
    #[inline]
    pub fn check_native_stack(&self, place: &str) -> Result<()> {
        let marker = 0u8;
        if (&raw const marker as usize) < self.native_limit.get() {
            return Err(self.native_overflow(place));
        }
        Ok(())
    }
    #[cold]
    fn native_overflow(&self, place: &str) -> Raised {
        self.recursion_error(format!("maximum recursion depth exceeded{place}"))
    }

    #[inline(always)]
    pub fn breaker_set(&self) -> bool {
        self.interp().heap.breaker.load(Ordering::Relaxed) != 0
    }

    /// Runs native work with the GIL released. The closure must not touch objects.
    pub fn without_gil<R>(&self, work: impl FnOnce() -> R) -> R {
        self.interp().gil.release(self);
        let result = work();
        self.interp().gil.acquire(self);
        result
    }
}

impl Drop for Vm {
    fn drop(&mut self) {
        // SAFETY: reserved in `new`.
        unsafe {
            libc::munmap(self.stack_memory.0 as *mut _, self.stack_memory.1);
            libc::munmap(self.frame_memory.0 as *mut _, self.frame_memory.1);
        }
    }
}

fn reserve(bytes: usize) -> Option<*mut u8> {
    // SAFETY: a fresh private mapping.
    let memory = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            bytes,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    if memory == libc::MAP_FAILED { None } else { Some(memory as *mut u8) }
}
