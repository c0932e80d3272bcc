//! `_thread.lock` and `_thread.RLock`.

use super::park::{Deadline, Queue, Wake, deadline};
use crate::prelude::*;
use crate::seconds::{Rounding, nanoseconds};
use std::cell::Cell;
use std::time::{Duration, Instant};

/// What both kinds of locks are made of.
pub struct Mutex {
    held: Cell<bool>,
    waiting: Queue,
}

impl Mutex {
    const fn new() -> Mutex {
        Mutex { held: Cell::new(false), waiting: Queue::new() }
    }
    /// Takes it; false if it was not free within the time.
    fn acquire(&self, vm: &Vm, timeout: Option<Duration>) -> Result<bool> {
        if !self.held.replace(true) {
            return Ok(true);
        }
        if timeout == Some(Duration::ZERO) {
            return Ok(false);
        }
        self.wait(vm, Instant::now(), deadline(timeout))
    }
    #[cold]
    fn wait(&self, vm: &Vm, since: Instant, until: Deadline) -> Result<bool> {
        loop {
            let wake = self.waiting.sleep(vm, since, until);
            match wake {
                Wake::Given => return Ok(true),
                Wake::Interrupted => vm.check_signals()?,
                Wake::Woken | Wake::TimedOut => {}
            }
            if !self.held.replace(true) {
                return Ok(true);
            }
            if wake == Wake::TimedOut {
                return Ok(false);
            }
        }
    }
    fn release(&self) {
        if !self.waiting.wake_or_give() {
            self.held.set(false);
        }
    }
    /// In a new child process: as new.
    fn reset(&self) {
        self.held.set(false);
        self.waiting.forget();
    }
}

/// The timeout that `blocking` and `timeout` mean; None is for ever.
fn timeout_of(vm: &Vm, blocking: &Object, timeout: &Object) -> Result<Option<Duration>> {
    let blocking = vm.is_true(blocking)?;
    let ns = nanoseconds(vm, timeout, Rounding::Up)?;
    // As given: exactly -1 is no timeout.
    let none = ns == -crate::seconds::NS;
    if !blocking {
        if !none {
            return Err(vm.value_error("can't specify a timeout for a non-blocking call"));
        }
        return Ok(Some(Duration::ZERO));
    }
    if none {
        return Ok(None);
    }
    match u64::try_from(ns) {
        Ok(ns) => Ok(Some(Duration::from_nanos(ns))),
        Err(_) => Err(vm.value_error("timeout value must be a non-negative number")),
    }
}

// ---- lock ---------------------------------------------------------------------------

/// Payload of `_thread.lock`.
pub struct Lock {
    mutex: Mutex,
}

impl NativeClass for Lock {
    fn class() -> &'static Type {
        &LOCK
    }
}

fn lock_of(object: &Object) -> &Mutex {
    // SAFETY: used on locks only.
    unsafe { &object.payload_unchecked::<Lock>().mutex }
}

/// A new lock.
pub fn new_lock(vm: &Vm) -> Object {
    vm.alloc(&LOCK, Lock { mutex: Mutex::new() })
}

fn lock_acquire(vm: &Vm, args: &[Object]) -> Result {
    let timeout = timeout_of(vm, &args[1], &args[2])?;
    lock_of(&args[0]).acquire(vm, timeout).map(Object::bool)
}

fn lock_release(vm: &Vm, object: &Object) -> Result {
    let lock = lock_of(object);
    if !lock.held.get() {
        return Err(vm.runtime_error("release unlocked lock"));
    }
    lock.release();
    Ok(Object::NONE)
}

fn lock_enter(vm: &Vm, args: &[Object], _kwnames: &[Object]) -> Result {
    match args.first() {
        Some(object) => lock_of(object).acquire(vm, None).map(Object::bool),
        None => Err(vm.type_error("unbound method lock.__enter__() needs an argument")),
    }
}

/// Shown as `lock(...)`, with the signature of `__enter__` as it is there.
const fn enter(code: crate::native::RawFn) -> MethodDef {
    MethodDef { hide_signature: false, ..MethodDef::raw("__enter__($self, /)", code, "Lock the lock.") }
}

const ACQUIRE_DOC: &str = "Lock the lock.\n\nWithout argument, this waits until nobody else has the lock. If blocking is false,\nit does not wait; with a timeout, it waits for at most so many seconds. Returns\nwhether the lock was taken.";

pub static LOCK: Type = Type::new::<Lock>(
    "_thread.lock",
    &crate::types::object::OBJECT,
    type_flags::WEAKREFABLE | type_flags::IMMUTABLE,
    Slots {
        new: Some(|vm, _, args, kwnames| {
            if !kwnames.is_empty() {
                return Err(vm.type_error("lock() takes no keyword arguments"));
            }
            crate::support::check_arity(vm, "lock", args.len(), 0, 0)?;
            Ok(new_lock(vm))
        }),
        ..Slots::EMPTY.repr(|vm, l| {
            let state = if lock_of(l).held.get() { "locked" } else { "unlocked" };
            Ok(vm.str(&format!("<{state} {} object at {:#x}>", l.ty().full_name(), l.bits())))
        })
    },
    &[
        MethodDef::new("acquire($self, /, blocking=True, timeout=-1)", lock_acquire, ACQUIRE_DOC),
        MethodDef::new("acquire_lock($self, /, blocking=True, timeout=-1)", lock_acquire, "An obsolete synonym of acquire()."),
        enter(lock_enter),
        MethodDef::new("release($self, /)", |vm, args| lock_release(vm, &args[0]), "Release the lock.\n\nWhoever waits for it may take it. The lock must be locked, but not by this thread."),
        MethodDef::new("release_lock($self, /)", |vm, args| lock_release(vm, &args[0]), "An obsolete synonym of release()."),
        MethodDef::new("__exit__($self, /, *exc_info)", |vm, args| lock_release(vm, &args[0]), "Release the lock."),
        MethodDef::new("locked($self, /)", |_, args| Ok(Object::bool(lock_of(&args[0]).held.get())), "Return whether the lock is in the locked state."),
        MethodDef::new("locked_lock($self, /)", |_, args| Ok(Object::bool(lock_of(&args[0]).held.get())), "An obsolete synonym of locked()."),
        MethodDef::new("_at_fork_reinit($self, /)", |_, args| {
            lock_of(&args[0]).reset();
            Ok(Object::NONE)
        }, ""),
    ],
    &[],
)
.with_doc("lock()\n--\n\nA lock object is a synchronization primitive.\n\nacquire() locks it and release() unlocks it; in between nobody else gets it. It can\nbe used in a with statement. Taking it twice in the same thread waits for ever.");

// ---- RLock ------------------------------------------------------------------------------

/// Payload of `_thread.RLock`: owner (0: none) and depth.
pub struct RLock {
    mutex: Mutex,
    owner: Cell<u64>,
    count: Cell<usize>,
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

impl RLock {
    pub const fn new() -> RLock {
        RLock { mutex: Mutex::new(), owner: Cell::new(0), count: Cell::new(0) }
    }
    /// Has any thread the lock?
    pub fn is_held(&self) -> bool {
        self.mutex.held.get()
    }
    /// Releases it once; false if this thread does not have it.
    pub fn release(&self, vm: &Vm) -> bool {
        if !self.is_mine(vm) {
            return false;
        }
        match self.count.get() {
            1 => self.free(),
            count => self.count.set(count - 1),
        }
        true
    }
    fn is_mine(&self, vm: &Vm) -> bool {
        self.count.get() > 0 && self.owner.get() == vm.thread_ident
    }
    /// Takes it; false if it was not free within the time (None: for ever).
    pub fn acquire(&self, vm: &Vm, timeout: Option<Duration>) -> Result<bool> {
        if self.is_mine(vm) {
            self.count.set(self.count.get().saturating_add(1));
            return Ok(true);
        }
        let taken = self.mutex.acquire(vm, timeout)?;
        if taken {
            self.owner.set(vm.thread_ident);
            self.count.set(1);
        }
        Ok(taken)
    }
    fn free(&self) {
        self.owner.set(0);
        self.count.set(0);
        self.mutex.release();
    }
}

fn rlock_release(vm: &Vm, object: &Object) -> Result {
    if !rlock_of(object).release(vm) {
        return Err(vm.runtime_error("cannot release un-acquired lock"));
    }
    Ok(Object::NONE)
}

fn rlock_restore(vm: &Vm, args: &[Object]) -> Result {
    let Some(state) = args[1].downcast::<Tuple>() else {
        let shown = crate::types::str_methods::shown_type(&args[1]);
        return Err(vm.type_error(format!("_acquire_restore() argument 1 must be 2-item tuple, not {shown}")));
    };
    let [count, owner] = state.items() else {
        let given = state.len();
        return Err(
            vm.type_error(format!("_acquire_restore() argument 1 must be tuple of length 2, not {given}"))
        );
    };
    let (count, owner) = (vm.to_i64(count)?, vm.to_u64(owner)?);
    let lock = rlock_of(&args[0]);
    lock.mutex.acquire(vm, None)?;
    lock.owner.set(owner);
    lock.count.set(usize::try_from(count).unwrap_or(0));
    Ok(Object::NONE)
}

fn rlock_enter(vm: &Vm, args: &[Object], _kwnames: &[Object]) -> Result {
    match args.first() {
        Some(object) => rlock_of(object).acquire(vm, None).map(Object::bool),
        None => Err(vm.type_error("unbound method RLock.__enter__() needs an argument")),
    }
}

pub static RLOCK: Type = Type::new::<RLock>(
    "_thread.RLock",
    &crate::types::object::OBJECT,
    type_flags::BASE | type_flags::WEAKREFABLE | type_flags::IMMUTABLE,
    Slots {
        new: Some(|vm, class, _, _| Ok(vm.alloc(class, RLock::new()))),
        ..Slots::EMPTY.repr(|vm, l| {
            let lock = rlock_of(l);
            let state = if lock.mutex.held.get() { "locked" } else { "unlocked" };
            let (class, owner, count) = (l.ty().full_name(), lock.owner.get(), lock.count.get());
            Ok(vm.str(&format!("<{state} {class} object owner={owner} count={count} at {:#x}>", l.bits())))
        })
    },
    &[
        MethodDef::new(
            "acquire($self, /, blocking=True, timeout=-1)",
            |vm, args| {
                let timeout = timeout_of(vm, &args[1], &args[2])?;
                rlock_of(&args[0]).acquire(vm, timeout).map(Object::bool)
            },
            "Lock the lock.\n\nAs for a plain lock, but the thread that has it may take it again: it is free after\nas many calls of release().",
        ),
        enter(rlock_enter),
        MethodDef::new(
            "release($self, /)",
            |vm, args| rlock_release(vm, &args[0]),
            "Release the lock.\n\nIt is free when it was released as often as it was acquired. RuntimeError is raised\nif this thread does not have it.",
        ),
        MethodDef::new(
            "__exit__($self, /, *exc_info)",
            |vm, args| rlock_release(vm, &args[0]),
            "Release the lock.",
        ),
        MethodDef::new(
            "locked($self, /)",
            |_, args| Ok(Object::bool(rlock_of(&args[0]).mutex.held.get())),
            "Return a boolean indicating whether this object is locked right now.",
        ),
        MethodDef::new(
            "_is_owned($self, /)",
            |vm, args| Ok(Object::bool(rlock_of(&args[0]).is_mine(vm))),
            "For internal use by `threading.Condition`.",
        ),
        MethodDef::new(
            "_recursion_count($self, /)",
            |vm, args| {
                let lock = rlock_of(&args[0]);
                Ok(vm.usize(if lock.is_mine(vm) { lock.count.get() } else { 0 }))
            },
            "For internal use by reentrancy tests.",
        ),
        MethodDef::new(
            "_acquire_restore($self, state, /)",
            rlock_restore,
            "For internal use by `threading.Condition`.",
        ),
        MethodDef::new(
            "_release_save($self, /)",
            |vm, args| {
                let lock = rlock_of(&args[0]);
                if !lock.is_mine(vm) {
                    return Err(vm.runtime_error("cannot release un-acquired lock"));
                }
                let state = vm.tuple(vec![vm.usize(lock.count.get()), vm.u64(lock.owner.get())]);
                lock.free();
                Ok(state)
            },
            "For internal use by `threading.Condition`.",
        ),
        MethodDef::new(
            "_at_fork_reinit($self, /)",
            |_, args| {
                let lock = rlock_of(&args[0]);
                lock.mutex.reset();
                lock.owner.set(0);
                lock.count.set(0);
                Ok(Object::NONE)
            },
            "",
        ),
    ],
    &[],
);
