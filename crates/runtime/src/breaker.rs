//! What the eval breaker asks for: signals, GIL requests, collections, pending
//! calls, asynchronous exceptions.

use crate::prelude::*;
use crate::vm::breaker as bits;
use std::sync::atomic::Ordering;

/// Handles whatever is set. Called by the loop at safe points.
pub fn handle(vm: &Vm) -> Result<()> {
    let breaker = &vm.interp().heap.breaker;
    let set = breaker.load(Ordering::Relaxed);
    if set & bits::COLLECT != 0 {
        breaker.fetch_and(!bits::COLLECT, Ordering::Relaxed);
        crate::gc::maybe_collect(vm);
    }
    if set & bits::TRACE != 0 && !vm.tracer.pending() {
        // Another thread's: it sets the bit again when it has its turn.
        breaker.fetch_and(!bits::TRACE, Ordering::Relaxed);
    }
    if set & bits::MEMORY != 0 {
        breaker.fetch_and(!bits::MEMORY, Ordering::Relaxed);
        // What many dead objects leave behind is room enough for now.
        let collected = if vm.interp().heap.collector.enabled { crate::gc::collect(vm, 2).0 } else { 0 };
        if taipan_object::limit::is_passed() && collected < 10_000 {
            return Err(vm.memory_error());
        }
    }
    if set & bits::GIL_REQUEST != 0 {
        vm.interp().gil.hand_over(vm);
    }
    if set & bits::SIGNALS != 0
        && let Some(handler) = vm.interp().signal_handler.get()
    {
        handler(vm)?;
    }
    if set & bits::PENDING_CALLS != 0 {
        breaker.fetch_and(!bits::PENDING_CALLS, Ordering::Relaxed);
        let calls = std::mem::take(&mut *vm.interp().pending_calls.lock().unwrap_or_else(|p| p.into_inner()));
        for call in calls {
            call(vm)?;
        }
    }
    if set & bits::ASYNC_EXCEPTION != 0 {
        // If it is another thread's, that sets the bit again when it has its turn.
        breaker.fetch_and(!bits::ASYNC_EXCEPTION, Ordering::Relaxed);
        let value = vm.async_exception.replace(Value::UNBOUND);
        if !value.is_unbound() {
            // SAFETY: the thread state owned it.
            let class = unsafe { Object::from_owned(value) };
            return Err(crate::interp::raise_value(vm, class, None));
        }
    }
    Ok(())
}

impl Vm {
    /// The word that the loop polls: signal handlers set bits in it.
    pub fn breaker_word(&self) -> &'static std::sync::atomic::AtomicU32 {
        // SAFETY: interpreters, and so their heaps, live until the process ends.
        unsafe { &*(&raw const self.interp().heap.breaker) }
    }
    /// Has the thread with this identifier raise `exception` at its next safe point (None:
    /// not any more). How many threads that are.
    pub fn set_async_exception(&self, ident: u64, exception: Option<Object>) -> usize {
        let replaced = self.each_thread(|thread| {
            (thread.thread_ident == ident).then(|| {
                let value = exception.clone().map_or(Value::UNBOUND, Object::into_value);
                // SAFETY: the thread state owned it.
                unsafe { Object::from_owned(thread.async_exception.replace(value)) }
            })
        });
        if exception.is_some() {
            self.interp().heap.breaker.fetch_or(bits::ASYNC_EXCEPTION, Ordering::Relaxed);
        }
        replaced.iter().flatten().count()
    }
    /// Runs the Python handlers of signals that have arrived (PEP 475: between
    /// an interrupted system call and its repetition).
    pub fn check_signals(&self) -> Result<()> {
        if self.interp().heap.breaker.load(Ordering::Relaxed) & bits::SIGNALS != 0
            && let Some(handler) = self.interp().signal_handler.get()
        {
            return handler(self);
        }
        Ok(())
    }
}
