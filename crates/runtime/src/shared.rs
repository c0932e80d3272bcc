//! Two small services of the interpreter state: objects that native code
//! keeps for the interpreter's life under a name, and the guard against
//! endless recursion of `repr()` on containers that contain themselves.

use crate::prelude::*;
use std::collections::HashSet;
use std::sync::atomic::{AtomicU32, Ordering};

/// The objects that a thread's `repr()` is at work on, by their words.
#[derive(Default)]
pub struct ReprStack {
    stack: Vec<u64>,
    /// The same as a set, once the stack is too deep to be searched.
    deep: HashSet<u64>,
}

/// Up to this depth the stack is searched.
const SHALLOW: usize = 32;

impl ReprStack {
    /// False: it is there already.
    fn push(&mut self, bits: u64) -> bool {
        if self.stack.len() < SHALLOW {
            if self.stack.contains(&bits) {
                return false;
            }
        } else {
            if self.deep.is_empty() {
                self.deep.extend(&self.stack);
            }
            if !self.deep.insert(bits) {
                return false;
            }
        }
        self.stack.push(bits);
        true
    }
    fn pop(&mut self, bits: u64) {
        if let Some(i) = self.stack.iter().rposition(|&b| b == bits) {
            self.stack.remove(i);
        }
        if self.stack.len() < SHALLOW {
            self.deep.clear();
        } else {
            self.deep.remove(&bits);
        }
    }
}

/// Marks an object as being shown; dropping it ends that.
pub struct ReprGuard<'a> {
    vm: &'a Vm,
    bits: u64,
}

impl Drop for ReprGuard<'_> {
    fn drop(&mut self) {
        self.vm.repr_stack.borrow_mut().pop(self.bits);
    }
}

impl Vm {
    /// None if `repr(object)` is already running in this thread.
    pub fn enter_repr(&self, object: &Object) -> Option<ReprGuard<'_>> {
        let bits = object.bits();
        if self.repr_stack.borrow_mut().push(bits) { Some(ReprGuard { vm: self, bits }) } else { None }
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
    /// Takes what is kept under `key`.
    pub fn unshare(&self, key: &'static str) -> Option<Object> {
        self.interp().registry.borrow_mut().remove(key)
    }
}

/// A place for an object of the interpreter that is asked for all the time: what a key
/// is for [`Vm::share`], without a search.
#[derive(Default)]
pub struct Place(AtomicU32);

impl Place {
    pub const fn new() -> Place {
        Place(AtomicU32::new(0))
    }
    /// Its number, given out when first used; 0 is nobody's.
    fn number(&self) -> usize {
        static LAST: AtomicU32 = AtomicU32::new(0);
        let number = self.0.load(Ordering::Relaxed);
        if number != 0 {
            return number as usize;
        }
        let fresh = LAST.fetch_add(1, Ordering::Relaxed) + 1;
        match self.0.compare_exchange(0, fresh, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => fresh as usize,
            Err(other) => other as usize,
        }
    }
}

impl Vm {
    /// The object at a place.
    #[inline]
    pub fn at_place(&self, place: &'static Place) -> Option<Object> {
        let number = place.0.load(Ordering::Relaxed) as usize;
        self.interp().places.borrow().get(number).and_then(Object::bound).cloned()
    }
    /// Puts an object into a place; what was there before goes.
    pub fn put_in_place(&self, place: &'static Place, object: Object) {
        let number = place.number();
        let old = {
            let mut places = self.interp().places.borrow_mut();
            if places.len() <= number {
                places.resize(number + 1, Object::UNBOUND);
            }
            std::mem::replace(&mut places[number], object)
        };
        drop(old);
    }
}

/// A hasher for addresses, and for short texts of our own: they are spread well
/// enough by one multiplication for every eight bytes.
#[derive(Clone, Copy, Default)]
pub struct AddressHasher(u64);

impl std::hash::BuildHasher for AddressHasher {
    type Hasher = AddressHasher;
    fn build_hasher(&self) -> AddressHasher {
        *self
    }
}

impl std::hash::Hasher for AddressHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.write_u64(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.write_u64(u64::from_le_bytes(last));
    }
    fn write_u64(&mut self, n: u64) {
        self.0 = (self.0.rotate_left(5) ^ n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    fn write_usize(&mut self, n: usize) {
        self.write_u64(n as u64);
    }
    fn finish(&self) -> u64 {
        // The table takes the top bits for tags and the low ones for places.
        self.0 ^ self.0 >> 32
    }
}
