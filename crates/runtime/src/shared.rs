//! Two small services of the interpreter state: objects that native code
//! keeps for the interpreter's life under a name, and the guard against
//! endless recursion of `repr()` on containers that contain themselves.

use crate::prelude::*;

/// Marks an object as being shown; dropping it ends that.
pub struct ReprGuard<'a> {
    vm: &'a Vm,
    bits: u64,
}

impl Drop for ReprGuard<'_> {
    fn drop(&mut self) {
        let mut stack = self.vm.repr_stack.borrow_mut();
        if let Some(i) = stack.iter().rposition(|&bits| bits == self.bits) {
            stack.remove(i);
        }
    }
}

impl Vm {
    /// None if `repr(object)` is already running in this thread.
    pub fn enter_repr(&self, object: &Object) -> Option<ReprGuard<'_>> {
        let bits = object.bits();
        let mut stack = self.repr_stack.borrow_mut();
        if stack.contains(&bits) {
            return None;
        }
        stack.push(bits);
        Some(ReprGuard { vm: self, bits })
    }
    /// The object kept under `key`.
    pub fn shared(&self, key: &str) -> Option<Object> {
        self.interp().registry.borrow().get(key).cloned()
    }
    /// Keeps `object` under `key`; what was there before goes.
    pub fn share(&self, key: &'static str, object: Object) {
        let old = self.interp().registry.borrow_mut().insert(key, object);
        drop(old);
    }
}
