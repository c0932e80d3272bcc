//! The GIL of an interpreter: handed over on request, released around blocking
//! calls.

use crate::prelude::*;
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

struct State {
    locked: bool,
    waiting: usize,
    /// Threads that gave the lock up on request and wait for somebody to take it.
    handing: usize,
    /// Counts hand-overs, so that a waiter knows when somebody else had a turn.
    turns: u64,
    /// The thread that has the lock, by its identifier.
    holder: u64,
}

/// The identifier of the calling thread.
pub(crate) fn this_thread() -> u64 {
    // SAFETY: no arguments.
    unsafe { libc::pthread_self() as u64 }
}

/// Does this thread hold the GIL?
pub(crate) fn is_held() -> bool {
    HELD.with(|held| held.get())
}

/// The lock. Fair enough: a thread that gives it up on request waits until
/// another one took it.
pub struct Gil {
    state: Mutex<State>,
    /// The lock is free.
    changed: Condvar,
    /// Somebody took it.
    taken: Condvar,
    /// Microseconds that a waiter waits before it asks (`sys.setswitchinterval`).
    pub interval: AtomicU64,
}

thread_local! {
    static HELD: Cell<bool> = const { Cell::new(false) };
}

/// The breaker bit that asks the holder to hand over.
const REQUEST: u32 = crate::vm::breaker::GIL_REQUEST;

impl Gil {
    /// A lock that the calling thread holds.
    pub fn new_held() -> Gil {
        HELD.with(|held| held.set(true));
        Gil {
            state: Mutex::new(State {
                locked: true,
                waiting: 0,
                handing: 0,
                turns: 0,
                holder: this_thread(),
            }),
            changed: Condvar::new(),
            taken: Condvar::new(),
            interval: AtomicU64::new(5000),
        }
    }
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
    /// Gives the lock up. The thread must not touch objects until `acquire`.
    pub fn release(&self, _vm: &Vm) {
        taipan_object::heap::suspend();
        let mut state = self.lock();
        state.locked = false;
        let waited_for = state.waiting > 0;
        drop(state);
        HELD.with(|held| held.set(false));
        // A call of the system, even if nobody is there.
        if waited_for {
            self.changed.notify_one();
        }
    }
    /// Waits for the lock; asks its holder after the switch interval.
    pub fn acquire(&self, vm: &Vm) {
        let mut state = self.lock();
        state.waiting += 1;
        while state.locked {
            let turns = state.turns;
            let interval = Duration::from_micros(self.interval.load(Ordering::Relaxed).max(1));
            let (next, timeout) =
                self.changed.wait_timeout(state, interval).unwrap_or_else(|poisoned| poisoned.into_inner());
            state = next;
            if timeout.timed_out() && state.locked && state.turns == turns {
                vm.interp().heap.breaker.fetch_or(REQUEST, Ordering::Relaxed);
            }
        }
        state.locked = true;
        state.holder = vm.thread_ident;
        state.waiting -= 1;
        state.turns += 1;
        if state.handing > 0 {
            self.taken.notify_all();
        }
        if vm.interp().finalizing.get() && !vm.finalizer.get() {
            // Nobody else runs Python code any more.
            state.locked = false;
            drop(state);
            self.changed.notify_one();
            loop {
                // SAFETY: a call without arguments.
                unsafe { libc::pause() };
            }
        }
        drop(state);
        HELD.with(|held| held.set(true));
        vm.attach();
        taipan_object::small::follow_watch();
        crate::interp::events::announce(vm);
        if !vm.async_exception.get().is_unbound() {
            vm.interp().heap.breaker.fetch_or(crate::vm::breaker::ASYNC_EXCEPTION, Ordering::Relaxed);
        }
        taipan_object::heap::resume();
    }
    /// The holder was asked: let a waiter have a turn.
    pub fn hand_over(&self, vm: &Vm) {
        vm.interp().heap.breaker.fetch_and(!REQUEST, Ordering::Relaxed);
        let mut state = self.lock();
        if state.waiting == 0 {
            return;
        }
        taipan_object::heap::suspend();
        let turns = state.turns;
        state.locked = false;
        state.handing += 1;
        self.changed.notify_one();
        while state.turns == turns && state.waiting > 0 {
            state = self.taken.wait(state).unwrap_or_else(|poisoned| poisoned.into_inner());
        }
        state.handing -= 1;
        drop(state);
        self.acquire(vm);
    }
    /// Runs `work` with the number of turns that threads had and the identifier of the one that has
    /// the lock; nobody gets or gives it meanwhile.
    pub(crate) fn with_state(&self, work: impl FnOnce(u64, Option<u64>)) {
        let state = self.lock();
        work(state.turns, state.locked.then_some(state.holder));
    }
    /// Runs `work` while nobody runs Python code, or, if that cannot be had within
    /// `patience`, while somebody does. For threads that are none of Python's.
    pub(crate) fn while_idle(
        &self,
        breaker: &std::sync::atomic::AtomicU32,
        patience: Duration,
        work: impl FnOnce(),
    ) {
        let mut state = self.lock();
        state.waiting += 1;
        let end = std::time::Instant::now() + patience;
        while state.locked && std::time::Instant::now() < end {
            breaker.fetch_or(REQUEST, Ordering::Relaxed);
            let interval = Duration::from_micros(self.interval.load(Ordering::Relaxed).clamp(1, 50_000));
            state =
                self.changed.wait_timeout(state, interval).unwrap_or_else(|poisoned| poisoned.into_inner()).0;
        }
        work();
        state.waiting -= 1;
        state.turns += 1;
        self.taken.notify_all();
        drop(state);
        self.changed.notify_one();
    }
    /// After `fork` in the child: the only thread holds the lock.
    pub fn after_fork(&mut self) {
        let interval = self.interval.load(Ordering::Relaxed);
        *self = Gil::new_held();
        self.interval.store(interval, Ordering::Relaxed);
    }
}

impl Vm {
    /// Runs the part of a library's callback that touches objects: takes the GIL
    /// unless the thread holds it, as it does not within [`Vm::without_gil`].
    pub fn with_gil<R>(work: impl FnOnce(&Vm) -> R) -> R {
        let vm = Vm::current();
        if HELD.with(|held| held.get()) {
            return work(vm);
        }
        vm.interp().gil.acquire(vm);
        let result = work(vm);
        vm.interp().gil.release(vm);
        result
    }
    /// Gives up the GIL and leaves the interpreter; `work` may enter others on this thread.
    pub(crate) fn elsewhere<R>(&self, work: impl FnOnce() -> R) -> R {
        self.interp().gil.release(self);
        Vm::detach_thread();
        let result = taipan_object::heap::elsewhere(work);
        self.interp().gil.acquire(self);
        result
    }
    /// From now on this is the only thread that runs Python code.
    pub(crate) fn begin_finalizing(&self) {
        crate::stacks::call_off();
        self.finalizer.set(true);
        self.interp().finalizing.set(true);
    }
    /// Brings the lock in order in a new child process, whose only thread this is.
    pub fn after_fork_in_child(&self) {
        crate::sampler::after_fork();
        // SAFETY: no other thread exists, so nobody looks at the lock.
        unsafe { (*(&raw const self.interp().gil).cast_mut()).after_fork() }
        self.interp().threads.borrow_mut().clear();
        self.set_listed(true);
        self.asyncio.running_loop.clear();
        self.asyncio.running_task.clear();
        crate::modules::thread::after_fork(self);
        crate::stacks::after_fork();
    }
}
