//! Arguments of the hash modules, in their words; and states that threads share:
//! long input is hashed with the GIL released, so every state has a lock.

use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use taipan_runtime::buffer::Buffer;
use taipan_runtime::prelude::*;
use taipan_runtime::types::int;

/// Input of at least so many bytes is hashed with the GIL released
/// (`_GIL_MINSIZE` of the modules).
pub const GIL_MINSIZE: usize = 2048;

/// The bytes to be hashed.
pub fn input(vm: &Vm, object: &Object) -> Result<Buffer> {
    if object.downcast::<Str>().is_some() {
        return Err(vm.type_error("Strings must be encoded before hashing"));
    }
    if !vm.is_bytes_like(object) {
        return Err(vm.type_error("object supporting the buffer API required"));
    }
    vm.bytes_like(object, "data")
}

/// What a constructor is to begin with: `data`, or `string`, its old name
/// (UNBOUND if not given).
pub fn initial(vm: &Vm, data: &Object, string: &Object) -> Result<Option<Buffer>> {
    match (data.bound(), string.bound()) {
        (Some(_), Some(_)) => Err(vm.type_error(
            "'data' and 'string' are mutually exclusive and support for 'string' keyword parameter is slated for removal in a future version.",
        )),
        (Some(object), None) | (None, Some(object)) => input(vm, object).map(Some),
        (None, None) => Ok(None),
    }
}

/// A C `unsigned long` (or `what` else of 64 bits).
pub fn unsigned(vm: &Vm, object: &Object, what: &str) -> Result<u64> {
    let index = vm.index(object)?;
    if int::is_negative(&index) {
        return Err(vm.value_error("Cannot convert negative int"));
    }
    int::to_u64(&index).ok_or_else(|| vm.overflow_error(format!("Python int too large for C {what}")))
}

/// Something at work that several threads may use.
pub struct Shared<T>(Mutex<T>);

impl<T: Clone> Shared<T> {
    pub fn new(state: T) -> Shared<T> {
        Shared(Mutex::new(state))
    }
    fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Changes the state by `bytes` of input, without the GIL if they are many
    /// or another thread is at it.
    pub fn feed(&self, vm: &Vm, bytes: &[u8], feed: impl Fn(&mut T, &[u8])) {
        if bytes.len() < GIL_MINSIZE {
            match self.0.try_lock() {
                Ok(mut state) => return feed(&mut state, bytes),
                Err(TryLockError::Poisoned(state)) => return feed(&mut state.into_inner(), bytes),
                Err(TryLockError::WouldBlock) => {}
            }
        }
        vm.without_gil(|| feed(&mut self.lock(), bytes));
    }
    /// A copy of the state as it is.
    pub fn snapshot(&self, vm: &Vm) -> T {
        match self.0.try_lock() {
            Ok(state) => state.clone(),
            Err(_) => vm.without_gil(|| self.lock().clone()),
        }
    }
}
