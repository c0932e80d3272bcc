//! What the modules have in common: streams that threads share.

use std::sync::{Mutex, PoisonError};
use taipan_runtime::prelude::*;

/// A stream at work. All work on it is done without the GIL and under its lock.
pub struct Shared<T>(Mutex<T>);

impl<T> Shared<T> {
    pub fn new(state: T) -> Shared<T> {
        Shared(Mutex::new(state))
    }
    /// Works on the state. `work` must not touch objects.
    pub fn work<R>(&self, vm: &Vm, work: impl FnOnce(&mut T) -> R) -> R {
        vm.without_gil(|| work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner)))
    }
    /// A quick look at the state; waits without the GIL if somebody works on it,
    /// so that `look` must not touch objects, either.
    pub fn look<R>(&self, vm: &Vm, look: impl FnOnce(&mut T) -> R) -> R {
        match self.0.try_lock() {
            Ok(mut state) => look(&mut state),
            Err(_) => self.work(vm, look),
        }
    }
}
