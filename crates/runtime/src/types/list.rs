//! list, the core. Methods are in `list_methods`.
//!
//! The items live in a `Vec`; every access borrows it only while no Python
//! code can run.

use crate::prelude::*;
use std::cell::UnsafeCell;

pub use crate::types::list_methods::LIST;

/// Payload of lists.
pub struct List {
    items: UnsafeCell<Vec<Object>>,
}

impl NativeClass for List {
    fn class() -> &'static Type {
        &LIST
    }
    fn traverse(&self, visitor: &mut Visitor) {
        for item in self.items_unchecked() {
            visitor.visit_object(item);
        }
    }
    fn clear(&self) {
        drop_from_end(self.take());
    }
}

impl Drop for List {
    #[inline(always)]
    fn drop(&mut self) {
        drop_from_end(std::mem::take(self.items.get_mut()));
    }
}

/// Drops the items as CPython does: the last one first.
#[inline(always)]
pub(crate) fn drop_from_end(mut items: Vec<Object>) {
    while let Some(item) = items.pop() {
        drop(item);
    }
}

impl List {
    pub fn payload(items: Vec<Object>) -> List {
        List { items: UnsafeCell::new(items) }
    }
    /// The items; the caller lets no Python code run while it holds them.
    #[inline(always)]
    pub(crate) fn items_unchecked(&self) -> &[Object] {
        // SAFETY: changes go through `with_items` and friends, which do not overlap.
        unsafe { &*self.items.get() }
    }
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.items_unchecked().len()
    }
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    #[inline(always)]
    pub fn get(&self, i: usize) -> Option<Object> {
        self.items_unchecked().get(i).cloned()
    }
    /// The raw word at `i`, borrowed until the list changes.
    #[inline(always)]
    pub fn get_raw(&self, i: usize) -> Option<Value> {
        self.items_unchecked().get(i).map(|item| item.value())
    }
    pub fn to_vec(&self) -> Vec<Object> {
        self.items_unchecked().to_vec()
    }
    /// Changes the items. `f` runs no Python code: it drops no objects either
    /// (return what is to be dropped).
    #[inline(always)]
    pub fn with_items<R>(&self, f: impl FnOnce(&mut Vec<Object>) -> R) -> R {
        // SAFETY: f is the only one to look while it runs.
        unsafe { f(&mut *self.items.get()) }
    }
    /// All the items, the list is left empty.
    pub fn take(&self) -> Vec<Object> {
        self.with_items(std::mem::take)
    }
    /// `list.append`; MemoryError if there is no room.
    #[inline(always)]
    pub fn push(&self, vm: &Vm, item: Object) -> Result<()> {
        if !self.reserve_one() {
            return Err(vm.memory_error());
        }
        self.with_items(|items| items.push(item));
        Ok(())
    }
    /// Makes room for one more item; false if there is none.
    #[inline(always)]
    pub fn reserve_one(&self) -> bool {
        self.with_items(|items| {
            items.len() < items.capacity() || items.try_reserve_exact(items.len() / 8 + 4).is_ok()
        })
    }
    /// Replaces item `i` (in range); the old one dies after.
    #[inline(always)]
    pub fn set(&self, i: usize, item: Object) -> std::result::Result<(), Object> {
        let old = self.with_items(|items| match items.get_mut(i) {
            Some(slot) => Ok(std::mem::replace(slot, item)),
            None => Err(item),
        });
        old.map(drop)
    }
    /// # Safety
    /// `value` is a list (or a subtype's instance), alive.
    #[inline(always)]
    pub unsafe fn from_raw<'a>(value: Value) -> &'a List {
        // SAFETY: says the caller.
        unsafe { &(*(value.as_ptr() as *const crate::native::Payload<List>)).data }
    }
}

/// A list of these items.
#[inline]
pub fn from_vec(vm: &Vm, items: Vec<Object>) -> Object {
    vm.alloc_exact(&LIST, true, List::payload(items))
}

/// A list of `len` words.
///
/// # Safety
/// The caller owns one count of each of the words at `first`, and gives them up.
#[inline]
pub(crate) unsafe fn from_words(vm: &Vm, first: *const Value, len: usize) -> Object {
    let mut items: Vec<Object> = Vec::with_capacity(len);
    // SAFETY: there is room for them; an Object is a transparent Value.
    unsafe {
        std::ptr::copy_nonoverlapping(first as *const Object, items.as_mut_ptr(), len);
        items.set_len(len);
    }
    from_vec(vm, items)
}
