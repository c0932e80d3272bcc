//! The lock of a buffered stream: one thread at a time inside, though system
//! calls release the GIL. Taking it when free costs two stores.

use std::cell::Cell;
use std::sync::{Condvar, Mutex};
use taipan_runtime::prelude::*;

#[derive(Default)]
pub struct Lock {
    /// The thread inside; 0: none. Changed under the GIL only.
    owner: Cell<u64>,
    waiters: Cell<usize>,
    /// Orders going to sleep and being woken.
    sleep: Mutex<()>,
    changed: Condvar,
}

/// Leaves the lock when dropped.
pub struct Guard<'a>(&'a Lock);

impl Lock {
    /// Waits until no other thread is inside. RuntimeError if this one is.
    pub fn enter(&self, vm: &Vm, object: &Object) -> Result<Guard<'_>> {
        if self.owner.get() != 0 {
            self.wait(vm, object)?;
        }
        self.owner.set(vm.thread_ident);
        Ok(Guard(self))
    }

    #[cold]
    fn wait(&self, vm: &Vm, object: &Object) -> Result<()> {
        if self.owner.get() == vm.thread_ident {
            let shown = vm.repr_text(object)?;
            return Err(vm.runtime_error(format!("reentrant call inside {shown}")));
        }
        while self.owner.get() != 0 {
            self.waiters.set(self.waiters.get() + 1);
            // Taken with the GIL held: who leaves cannot pass us by.
            let sleep = self.sleep.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            vm.without_gil(|| drop(self.changed.wait(sleep)));
            self.waiters.set(self.waiters.get() - 1);
        }
        Ok(())
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.0.owner.set(0);
        if self.0.waiters.get() > 0 {
            drop(self.0.sleep.lock());
            self.0.changed.notify_one();
        }
    }
}
