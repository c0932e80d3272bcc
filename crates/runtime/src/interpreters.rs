//! The interpreters of the process (PEP 684, PEP 734): each has a GIL, a heap and modules of its own.
//! A thread leaves its interpreter to enter another one; nothing but plain data goes along.

use crate::buffer::{Buffer, BufferInfo, flags};
use crate::modules::thread::handle::{self, REGISTER_STACK};
use crate::prelude::*;
use crate::sharing;
use crate::start::{self, Seed};
use crate::types::{memoryview, typ};
use crate::vm::{Interpreter, breaker};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What programs of an interpreter may do to the process (`PyInterpreterConfig`).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Isolation {
    pub use_main_obmalloc: bool,
    pub allow_fork: bool,
    pub allow_exec: bool,
    pub allow_threads: bool,
    pub allow_daemon_threads: bool,
    pub check_multi_interp_extensions: bool,
    pub gil: GilKind,
}

/// Whose GIL an interpreter was asked to have. It has its own in any case.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum GilKind {
    Default,
    Shared,
    Own,
}

impl Isolation {
    pub const ISOLATED: Isolation = Isolation {
        use_main_obmalloc: false,
        allow_fork: false,
        allow_exec: false,
        allow_threads: true,
        allow_daemon_threads: false,
        check_multi_interp_extensions: true,
        gil: GilKind::Own,
    };
    pub const LEGACY: Isolation = Isolation {
        use_main_obmalloc: true,
        allow_fork: true,
        allow_exec: true,
        allow_threads: true,
        allow_daemon_threads: true,
        check_multi_interp_extensions: false,
        gil: GilKind::Shared,
    };
    pub const EMPTY: Isolation = Isolation {
        allow_threads: false,
        check_multi_interp_extensions: false,
        gil: GilKind::Default,
        ..Isolation::ISOLATED
    };
}

/// An interpreter beside the main one.
pub struct Second {
    pub id: i64,
    pub isolation: Isolation,
    interp: *const Interpreter,
    /// Something runs in its `__main__`.
    running: AtomicBool,
    /// References from objects (`_interpreters.incref`).
    pub references: AtomicI64,
    /// The last reference takes the interpreter along.
    pub linked: AtomicBool,
}
// SAFETY: the interpreter is entered with its own GIL; it is never freed.
unsafe impl Send for Second {}
// SAFETY: as above.
unsafe impl Sync for Second {}

/// Under this an interpreter keeps the scripts that it ran as modules: objects of other interpreters name them.
pub const SCRIPTS: &str = "interpreters.scripts";

static ALL: Mutex<Vec<Arc<Second>>> = Mutex::new(Vec::new());
/// The heaps of interpreters that have ended.
static HEAPS: Mutex<Vec<UsedHeap>> = Mutex::new(Vec::new());
static NEXT: AtomicI64 = AtomicI64::new(1);

fn all() -> MutexGuard<'static, Vec<Arc<Second>>> {
    ALL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Those beside the main one, the oldest first.
pub fn list() -> Vec<Arc<Second>> {
    all().clone()
}

/// The interpreter with this number, if it is there and not the main one.
pub fn find(id: i64) -> Option<Arc<Second>> {
    all().iter().find(|second| second.id == id).cloned()
}

impl Second {
    pub fn is_running(&self) -> bool {
        self.running.load(Ordering::Acquire)
    }
    /// Marks `__main__` as running. False: it is already.
    pub fn begin_running(&self) -> bool {
        !self.running.swap(true, Ordering::AcqRel)
    }
    pub fn end_running(&self) {
        self.running.store(false, Ordering::Release)
    }
    /// Runs `work` in this interpreter, as a thread of it. None if there is no memory for that.
    pub fn enter<R: Send>(&self, vm: &Vm, work: impl FnOnce(&Vm) -> R) -> Option<R> {
        if std::ptr::eq(self.interp, vm.interp) {
            return Some(work(vm));
        }
        let own = Vm::new(self.interp, REGISTER_STACK, vm.native_limit.get())?;
        own.native_floor.set(vm.native_floor.get());
        Some(vm.elsewhere(|| {
            let vm = &*own;
            vm.interp().gil.acquire(vm);
            vm.set_listed(true);
            let result = work(vm);
            leave(vm);
            result
        }))
    }
}

/// The thread is none of this interpreter's any more.
fn leave(vm: &Vm) {
    handle::forget(vm);
    vm.interp().gil.release(vm);
    Vm::detach_thread();
}

/// The number of the next interpreter, which nobody else gets.
pub fn next_id() -> i64 {
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A new interpreter, ready for programs; else why there is none.
pub fn create(vm: &Vm, isolation: Isolation) -> std::result::Result<Arc<Second>, String> {
    sharing::begin(vm);
    let id = next_id();
    let seed = Seed::new(vm, id, isolation);
    let (limit, floor) = (vm.native_limit.get(), vm.native_floor.get());
    let made = vm.elsewhere(|| {
        let Some(own) = start::build(seed, REGISTER_STACK, limit) else {
            return Err("cannot reserve memory for the interpreter".to_string());
        };
        let vm = &*own;
        vm.native_floor.set(floor);
        let opened = match vm.interp().opener.get() {
            Some(open) => open(vm).map_err(|raised| {
                let exception = vm.caught(raised);
                vm.str_text(&exception).unwrap_or_default()
            }),
            None => Ok(()),
        };
        let interp = vm.interp;
        leave(vm);
        opened.map(|()| Address(interp))
    });
    let second = Arc::new(Second {
        id,
        isolation,
        interp: made?.0,
        running: AtomicBool::new(false),
        references: AtomicI64::new(0),
        linked: AtomicBool::new(false),
    });
    all().push(second.clone());
    Ok(second)
}

struct Address(*const Interpreter);
// SAFETY: as of `Second`.
unsafe impl Send for Address {}

struct UsedHeap(Box<taipan_object::Heap>);
// SAFETY: no thread is attached to it.
unsafe impl Send for UsedHeap {}

/// A heap that another interpreter had.
pub(crate) fn used_heap() -> Option<Box<taipan_object::Heap>> {
    HEAPS.lock().unwrap_or_else(PoisonError::into_inner).pop().map(|heap| heap.0)
}

/// Ends an interpreter in which nothing runs: its threads, `atexit`, its modules.
///
/// What is left of its objects is never freed, for others may share them; its heap serves the next
/// interpreter.
pub fn destroy(vm: &Vm, second: &Second) {
    all().retain(|other| other.id != second.id);
    let ended = second.enter(vm, |vm| {
        start::finalise(vm, 0);
        start::empty(vm);
    });
    if ended.is_none() {
        return;
    }
    // SAFETY: nobody enters the interpreter any more: it is on no list, and threads of its own that are
    // left wait for ever (see `Gil::acquire`). What outlives it looks at `pending_calls`, and under their
    // lock at the heap (see `Lent`).
    unsafe {
        let interp = &mut *second.interp.cast_mut();
        let calls = (*second.interp).pending_calls.lock().unwrap_or_else(PoisonError::into_inner);
        let mut heap = std::mem::replace(&mut interp.heap, taipan_object::Heap::new());
        heap.retire();
        *interp.method_cache.get() = Vec::new();
        *interp.attr_table.get() = Vec::new();
        *interp.interned.get() = Default::default();
        drop(calls);
        HEAPS.lock().unwrap_or_else(PoisonError::into_inner).push(UsedHeap(heap));
    }
}

/// The main interpreter ends: so do those that are left and do not run.
pub(crate) fn destroy_rest(vm: &Vm) {
    let rest = list();
    if !rest.is_empty() {
        let words = "remaining subinterpreters; close them with Interpreter.close()";
        let _ = vm.warn(&exc::RUNTIME_WARNING, words, 1);
        drop(vm.take_raised());
    }
    for second in rest {
        if second.begin_running() {
            destroy(vm, &second);
        }
    }
}

// ---- memory that two interpreters use ---------------------------------------------------------

/// The memory behind a memoryview of one interpreter, on its way to another, or in use there.
///
/// As in C, both may write at once: what programs do about that is theirs.
pub struct Lent {
    buffer: Option<Buffer>,
    lender: *const Interpreter,
}
// SAFETY: of the buffer only the address of its memory is used elsewhere; it is given back at home.
unsafe impl Send for Lent {}

/// A buffer on its way home.
struct Returned(Buffer);
// SAFETY: as of `Lent`.
unsafe impl Send for Returned {}

impl Lent {
    /// Lends the memory of `view`, which must be contiguous.
    pub fn of(vm: &Vm, view: &Object) -> Result<Lent> {
        let buffer = vm.buffer(view, flags::FULL_RO)?;
        if !buffer.info().is_c_contiguous() {
            return Err(vm.error(&exc::BUFFER_ERROR, "memoryview: underlying buffer is not C-contiguous"));
        }
        Ok(Lent { buffer: Some(buffer), lender: vm.interp })
    }
    /// A memoryview of this interpreter on the memory.
    pub fn view(self, vm: &Vm) -> Result {
        let Some(buffer) = &self.buffer else { return Err(vm.system_error("memory was given back")) };
        let info = buffer.info();
        let (at, len, readonly) = (info.ptr, info.len, info.readonly);
        let format = info.format.to_string();
        let shape = info.dims().shape.clone();
        typ::ready(vm, &BUFFER_VIEW);
        let owner = vm.alloc(&BUFFER_VIEW, BorrowedMemory { _lent: self, at, len, readonly });
        let view = memoryview::new(vm, &owner)?;
        if format == "B" && shape.len() == 1 {
            return Ok(view);
        }
        let shape = shape.iter().map(|&n| vm.int(n as i64)).collect();
        vm.call_method(&view, "cast", &[vm.str(&format), vm.list(shape)])
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(buffer) = self.buffer.take() else { return };
        if Vm::is_attached() && std::ptr::eq(Vm::current().interp, self.lender) {
            return;
        }
        // SAFETY: interpreters are never freed.
        let lender = unsafe { &*self.lender };
        let returned = Returned(buffer);
        let mut calls = lender.pending_calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.push(Box::new(move |_| {
            let returned = returned;
            drop(returned.0);
            Ok(())
        }));
        lender.heap.breaker.fetch_or(breaker::PENDING_CALLS, Ordering::Relaxed);
    }
}

/// Payload of `CrossInterpreterBufferView`.
struct BorrowedMemory {
    _lent: Lent,
    at: *mut u8,
    len: usize,
    readonly: bool,
}

impl NativeClass for BorrowedMemory {
    fn class() -> &'static Type {
        &BUFFER_VIEW
    }
}

/// What memoryviews on another interpreter's memory look at.
pub static BUFFER_VIEW: Type = Type::new::<BorrowedMemory>(
    "_interpreters.CrossInterpreterBufferView",
    &crate::types::object::OBJECT,
    type_flags::DISALLOW_INSTANTIATION,
    Slots {
        buffer: Some(|vm, object, request| {
            // SAFETY: the slot of this type.
            let memory = unsafe { object.payload_unchecked::<BorrowedMemory>() };
            BufferInfo::simple(vm, object, memory.at, memory.len, memory.readonly, request)
        }),
        ..Slots::EMPTY
    },
    &[],
    &[],
);
