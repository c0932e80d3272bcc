//! set and frozenset: an open-addressing table with stored hashes, eight slots
//! of it inside the object. This file is the table and what is built on it
//! from native code; the Python-visible types are in `set_methods.rs`.
//!
//! Slots are probed in short linear runs, so that iteration order for small
//! ints is what people are used to. A comparison of keys may run any Python
//! code: afterwards the table is looked at anew.

use crate::prelude::*;
use crate::protocol::equal_plain;
use std::alloc::Layout;
use std::cell::{Cell, UnsafeCell};
use taipan_object::object as raw;

pub use crate::types::set_methods::{FROZENSET, SET, SET_ITERATOR};

/// A place for a key. Empty: None and 0, all bits zero; deleted: None and -1.
#[derive(Clone, Copy)]
#[repr(C)]
struct Slot {
    hash: i64,
    key: Option<Value>,
}

const EMPTY: Slot = Slot { hash: 0, key: None };
const DELETED: Slot = Slot { hash: -1, key: None };
const SMALL: usize = 8;
const LINEAR_PROBES: usize = 9;
const PERTURB_SHIFT: u32 = 5;

/// Payload of set and frozenset.
#[repr(C)]
pub struct SetObject {
    /// Null: the slots are `small`.
    table: Cell<*mut Slot>,
    mask: Cell<usize>,
    /// Slots in use, deleted ones included.
    fill: Cell<usize>,
    used: Cell<usize>,
    /// Where `pop` looks first.
    finger: Cell<usize>,
    /// Hash of a frozenset; -1: not computed.
    pub(crate) hash: Cell<i64>,
    small: UnsafeCell<[Slot; SMALL]>,
}

impl NativeClass for SetObject {
    fn class() -> &'static Type {
        &SET
    }
    fn traverse(&self, visitor: &mut Visitor) {
        for i in 0..=self.mask.get() {
            if let Some(key) = self.slot(i).key {
                visitor.visit(key);
            }
        }
    }
    fn clear(&self) {
        self.clear_all();
    }
}

impl Drop for SetObject {
    fn drop(&mut self) {
        let (table, mask) = (self.table.get(), self.mask.get());
        let slots = self.slots();
        let mut left = self.used.get();
        let mut i = 0;
        while left > 0 {
            // SAFETY: `used` slots have keys, whose counts the table owns; nobody
            // can reach the set any more.
            unsafe {
                if let Some(key) = (*slots.add(i)).key {
                    raw::decref(key);
                    left -= 1;
                }
            }
            i += 1;
        }
        if !table.is_null() {
            // SAFETY: the table is the set's own.
            unsafe { free_table(table, mask) }
        }
    }
}

/// What a lookup that may run Python code found.
enum Probe {
    Found(usize),
    Free(usize),
}

impl SetObject {
    pub(crate) const fn empty() -> SetObject {
        SetObject {
            table: Cell::new(std::ptr::null_mut()),
            mask: Cell::new(SMALL - 1),
            fill: Cell::new(0),
            used: Cell::new(0),
            finger: Cell::new(0),
            hash: Cell::new(-1),
            small: UnsafeCell::new([EMPTY; SMALL]),
        }
    }

    /// The payload of a set or frozenset (or a subtype's instance).
    #[inline(always)]
    pub fn of(object: &Object) -> Option<&SetObject> {
        if object.ty().has(type_flags::SET_SUBCLASS | type_flags::FROZENSET_SUBCLASS) {
            // SAFETY: the flags are set for types with this payload only.
            Some(unsafe { object.payload_unchecked() })
        } else {
            None
        }
    }

    #[inline(always)]
    pub fn len(&self) -> usize {
        self.used.get()
    }
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.used.get() == 0
    }
    /// Bytes of the table outside of the object.
    pub(crate) fn table_bytes(&self) -> usize {
        if self.table.get().is_null() { 0 } else { (self.mask.get() + 1) * size_of::<Slot>() }
    }
    #[inline(always)]
    fn slots(&self) -> *mut Slot {
        let table = self.table.get();
        if table.is_null() { self.small.get() as *mut Slot } else { table }
    }
    #[inline(always)]
    fn slot(&self, i: usize) -> Slot {
        debug_assert!(i <= self.mask.get());
        // SAFETY: callers stay within the mask.
        unsafe { *self.slots().add(i) }
    }
    #[inline(always)]
    fn set_slot(&self, i: usize, slot: Slot) {
        debug_assert!(i <= self.mask.get());
        // SAFETY: callers stay within the mask.
        unsafe { *self.slots().add(i) = slot }
    }

    /// The next key from slot `*position` on, with its hash; not counted.
    #[inline(always)]
    fn next_raw(&self, position: &mut usize) -> Option<(Value, i64)> {
        let mask = self.mask.get();
        let slots = self.slots();
        let mut i = *position;
        while i <= mask {
            // SAFETY: within the mask.
            let slot = unsafe { *slots.add(i) };
            i += 1;
            if let Some(key) = slot.key {
                *position = i;
                return Some((key, slot.hash));
            }
        }
        *position = i;
        None
    }
    /// The next key from slot `*position` on, with its hash.
    #[inline(always)]
    pub fn next_entry(&self, position: &mut usize) -> Option<(Object, i64)> {
        // SAFETY: keys in the table are alive.
        self.next_raw(position).map(|(key, hash)| unsafe { (Object::from_borrowed(key), hash) })
    }
    /// All keys, in table order.
    pub fn to_vec(&self) -> Vec<Object> {
        let mut out = Vec::with_capacity(self.len());
        let mut position = 0;
        while let Some((key, _)) = self.next_entry(&mut position) {
            out.push(key);
        }
        out
    }

    // ---- looking -------------------------------------------------------------------

    /// Where `key` is, or where it can go.
    #[inline]
    fn probe(&self, vm: &Vm, key: &Object, hash: i64) -> Result<Probe> {
        'restart: loop {
            let mask = self.mask.get();
            let slots = self.slots();
            let mut at = hash as usize & mask;
            let mut perturb = hash as u64;
            let mut deleted = None;
            loop {
                let run = if at + LINEAR_PROBES <= mask { LINEAR_PROBES } else { 0 };
                for i in at..=at + run {
                    // SAFETY: `i` is within the mask, and `slots` is the table still.
                    let slot = unsafe { *slots.add(i) };
                    let Some(known) = slot.key else {
                        if slot.hash == 0 {
                            // A comparison may have filled the deleted slot seen before.
                            let free = deleted.filter(|&d| self.slot(d).key.is_none());
                            return Ok(Probe::Free(free.unwrap_or(i)));
                        }
                        deleted = Some(i);
                        continue;
                    };
                    if slot.hash != hash {
                        continue;
                    }
                    if known == key.value() {
                        return Ok(Probe::Found(i));
                    }
                    match equal_plain(Object::borrow_value(&known), key) {
                        Some(true) => return Ok(Probe::Found(i)),
                        Some(false) => continue,
                        None => {}
                    }
                    // SAFETY: the key is alive: it is in the table.
                    let candidate = unsafe { Object::from_borrowed(known) };
                    let equal = vm.equal(&candidate, key)?;
                    if self.mask.get() != mask || self.slots() != slots || self.slot(i).key != Some(known) {
                        continue 'restart;
                    }
                    if equal {
                        return Ok(Probe::Found(i));
                    }
                }
                perturb >>= PERTURB_SHIFT;
                at = at.wrapping_mul(5).wrapping_add(1).wrapping_add(perturb as usize) & mask;
            }
        }
    }

    /// Is a key with this hash in the set? None if only a comparison can tell that may
    /// run Python code.
    #[inline]
    fn contains_plain(&self, key: Value, hash: i64) -> Option<bool> {
        let mask = self.mask.get();
        let slots = self.slots();
        let mut at = hash as usize & mask;
        // Mostly the first slot tells.
        // SAFETY: `at` is within the mask.
        let first = unsafe { *slots.add(at) };
        if first.key == Some(key) {
            return Some(true);
        }
        if first.key.is_none() && first.hash == 0 {
            return Some(false);
        }
        let mut perturb = hash as u64;
        loop {
            let run = if at + LINEAR_PROBES <= mask { LINEAR_PROBES } else { 0 };
            for i in at..=at + run {
                // SAFETY: `i` is within the mask, and nothing changes the table.
                let slot = unsafe { *slots.add(i) };
                match slot.key {
                    None if slot.hash == 0 => return Some(false),
                    Some(known) if slot.hash == hash => {
                        if known == key
                            || equal_plain(Object::borrow_value(&known), Object::borrow_value(&key))?
                        {
                            return Some(true);
                        }
                    }
                    _ => {}
                }
            }
            perturb >>= PERTURB_SHIFT;
            at = at.wrapping_mul(5).wrapping_add(1).wrapping_add(perturb as usize) & mask;
        }
    }
    /// The keys, for work that runs no Python code.
    pub fn keys(&self) -> impl Iterator<Item = Value> {
        (0..=self.mask.get()).filter_map(|i| self.slot(i).key)
    }
    /// Are all keys in `other`? None if only comparisons can tell that may run Python code.
    pub fn is_subset_plain(&self, other: &SetObject) -> Option<bool> {
        let mut left = self.used.get();
        let mut i = 0;
        while left > 0 {
            let slot = self.slot(i);
            i += 1;
            if let Some(key) = slot.key {
                if !other.contains_plain(key, slot.hash)? {
                    return Some(false);
                }
                left -= 1;
            }
        }
        Some(true)
    }

    /// Is a key with this hash in the set?
    #[inline]
    pub fn contains_hashed(&self, vm: &Vm, key: &Object, hash: i64) -> Result<bool> {
        // Mostly the first slot tells.
        let first = self.slot(hash as usize & self.mask.get());
        if first.key == Some(key.value()) {
            return Ok(true);
        }
        if first.key.is_none() && first.hash == 0 {
            return Ok(false);
        }
        Ok(matches!(self.probe(vm, key, hash)?, Probe::Found(_)))
    }
    /// `key in set`.
    #[inline]
    pub fn contains(&self, vm: &Vm, key: &Object) -> Result<bool> {
        let hash = hash_of_element(vm, key)?;
        self.contains_hashed(vm, key, hash)
    }

    // ---- changing ----------------------------------------------------------------------

    /// Adds a key with its hash; true if it was not there.
    #[inline]
    pub fn add_hashed(&self, vm: &Vm, key: &Object, hash: i64) -> Result<bool> {
        // Mostly the first slot tells.
        let first = hash as usize & self.mask.get();
        let slot = self.slot(first);
        if slot.key == Some(key.value()) {
            return Ok(false);
        }
        let i = if slot.key.is_none() && slot.hash == 0 {
            first
        } else {
            match self.probe(vm, key, hash)? {
                Probe::Found(_) => return Ok(false),
                Probe::Free(i) => i,
            }
        };
        let reused = self.slot(i).hash == DELETED.hash;
        self.set_slot(i, Slot { hash, key: Some(key.clone().into_value()) });
        self.used.set(self.used.get() + 1);
        if !reused {
            self.count_filled(vm)?;
        }
        Ok(true)
    }
    /// One more slot is in use.
    #[inline(always)]
    fn count_filled(&self, vm: &Vm) -> Result<()> {
        self.fill.set(self.fill.get() + 1);
        if self.fill.get() * 5 >= self.mask.get() * 3 {
            let used = self.used.get();
            self.resize(vm, if used > 50000 { used * 2 } else { used * 4 })?;
        }
        Ok(())
    }
    /// Adds a key that is certainly not there to a set without deleted slots.
    #[inline]
    fn add_unique(&self, vm: &Vm, key: &Object, hash: i64) -> Result<()> {
        self.insert_clean(Slot { hash, key: Some(key.clone().into_value()) });
        self.used.set(self.used.get() + 1);
        self.count_filled(vm)
    }
    /// Adds to this new set, which nobody else knows yet, the keys of `source`
    /// that are (`wanted`) or are not in `other`.
    pub(crate) fn select(&self, vm: &Vm, source: &SetObject, other: &SetObject, wanted: bool) -> Result<()> {
        let shape = || (source.slots(), source.fill.get(), source.used.get());
        let before = shape();
        let mut changed = false;
        let mut position = 0;
        while let Some((key, hash)) = source.next_entry(&mut position) {
            let there = match other.contains_plain(key.value(), hash) {
                Some(there) => there,
                None => other.contains_hashed(vm, &key, hash)?,
            };
            if there == wanted {
                // If a comparison changes `source`, a key may come twice.
                changed |= shape() != before;
                if changed {
                    self.add_hashed(vm, &key, hash)?;
                } else {
                    self.add_unique(vm, &key, hash)?;
                }
            }
        }
        Ok(())
    }
    /// `set.add(key)`.
    #[inline]
    pub fn add(&self, vm: &Vm, key: &Object) -> Result<bool> {
        let hash = hash_of_element(vm, key)?;
        self.add_hashed(vm, key, hash)
    }
    /// Removes a key with its hash; true if it was there.
    pub fn discard_hashed(&self, vm: &Vm, key: &Object, hash: i64) -> Result<bool> {
        if self.used.get() == 0 {
            return Ok(false);
        }
        let Probe::Found(i) = self.probe(vm, key, hash)? else { return Ok(false) };
        drop(self.delete_at(i));
        Ok(true)
    }
    /// Takes the key out of slot `i`.
    fn delete_at(&self, i: usize) -> Object {
        let slot = self.slot(i);
        self.set_slot(i, DELETED);
        self.used.set(self.used.get() - 1);
        match slot.key {
            // SAFETY: the table owned a count.
            Some(key) => unsafe { Object::from_owned(key) },
            None => Object::UNBOUND,
        }
    }
    /// Takes some key out.
    pub fn pop(&self) -> Option<Object> {
        if self.used.get() == 0 {
            return None;
        }
        let mask = self.mask.get();
        let mut i = self.finger.get() & mask;
        while self.slot(i).key.is_none() {
            i = (i + 1) & mask;
        }
        self.finger.set(i + 1);
        Some(self.delete_at(i))
    }

    /// Empties the set; the keys die after it is empty.
    pub fn clear_all(&self) {
        if self.fill.get() == 0 && self.table.get().is_null() {
            return;
        }
        let (table, mask) = (self.table.replace(std::ptr::null_mut()), self.mask.replace(SMALL - 1));
        // SAFETY: nothing refers to the inline slots; the old table is ours alone now.
        unsafe {
            let small = std::mem::replace(&mut *self.small.get(), [EMPTY; SMALL]);
            self.fill.set(0);
            self.used.set(0);
            self.hash.set(-1);
            if table.is_null() {
                for key in small.iter().filter_map(|slot| slot.key) {
                    raw::decref(key);
                }
                return;
            }
            for i in 0..=mask {
                if let Some(key) = (*table.add(i)).key {
                    raw::decref(key);
                }
            }
            free_table(table, mask);
        }
    }

    /// Makes room for `wanted` keys; deleted slots go.
    #[cold]
    #[inline(never)]
    pub(crate) fn resize(&self, vm: &Vm, wanted: usize) -> Result<()> {
        let mut size = SMALL;
        while size <= wanted {
            size = match size.checked_mul(2) {
                Some(size) => size,
                None => return Err(vm.memory_error()),
            };
        }
        let (old, old_mask) = (self.slots(), self.mask.get());
        // SAFETY: the old slots are read before they are given up; no Python code runs.
        unsafe {
            let old_small = *self.small.get();
            let old_table = self.table.get();
            let old = if old_table.is_null() { old_small.as_ptr() } else { old as *const Slot };
            if size == SMALL {
                *self.small.get() = [EMPTY; SMALL];
                self.table.set(std::ptr::null_mut());
            } else {
                let Some(table) = new_table(size) else { return Err(vm.memory_error()) };
                self.table.set(table);
                if old_table.is_null() {
                    *self.small.get() = [EMPTY; SMALL];
                }
            }
            self.mask.set(size - 1);
            for i in 0..=old_mask {
                let slot = *old.add(i);
                if slot.key.is_some() {
                    self.insert_clean(slot);
                }
            }
            self.fill.set(self.used.get());
            if !old_table.is_null() {
                free_table(old_table, old_mask);
            }
        }
        Ok(())
    }

    /// Puts a key that is not there into a table without deleted slots. Counts nothing.
    #[inline]
    fn insert_clean(&self, slot: Slot) {
        let mask = self.mask.get();
        let slots = self.slots();
        let mut at = slot.hash as usize & mask;
        let mut perturb = slot.hash as u64;
        loop {
            let run = if at + LINEAR_PROBES <= mask { LINEAR_PROBES } else { 0 };
            for i in at..=at + run {
                // SAFETY: `i` is within the mask.
                unsafe {
                    if (*slots.add(i)).key.is_none() {
                        *slots.add(i) = slot;
                        return;
                    }
                }
            }
            perturb >>= PERTURB_SHIFT;
            at = at.wrapping_mul(5).wrapping_add(1).wrapping_add(perturb as usize) & mask;
        }
    }

    /// Room for `more` keys to come.
    pub(crate) fn reserve(&self, vm: &Vm, more: usize) -> Result<()> {
        if (self.fill.get() + more) * 5 >= self.mask.get() * 3 {
            self.resize(vm, (self.used.get() + more) * 2)?;
        }
        Ok(())
    }

    /// Adds the keys of another set.
    pub(crate) fn merge(&self, vm: &Vm, other: &SetObject) -> Result<()> {
        if std::ptr::eq(self, other) || other.used.get() == 0 {
            return Ok(());
        }
        self.reserve(vm, other.used.get())?;
        let mut position = 0;
        if self.fill.get() == 0 {
            let same = self.mask.get() == other.mask.get() && other.fill.get() == other.used.get();
            while let Some((key, hash)) = other.next_raw(&mut position) {
                // SAFETY: the other table keeps the key alive.
                unsafe { raw::incref(key) };
                let slot = Slot { hash, key: Some(key) };
                if same { self.set_slot(position - 1, slot) } else { self.insert_clean(slot) }
            }
            self.fill.set(other.used.get());
            self.used.set(other.used.get());
            return Ok(());
        }
        while let Some((key, hash)) = other.next_entry(&mut position) {
            self.add_hashed(vm, &key, hash)?;
        }
        Ok(())
    }

    /// Adds every item of an iterable: `set.update`.
    pub fn update(&self, vm: &Vm, iterable: &Object) -> Result<()> {
        if let Some(other) = SetObject::of(iterable) {
            return self.merge(vm, other);
        }
        if let Some(dict) = iterable.downcast_exact::<Dict>() {
            self.reserve(vm, dict.len())?;
            let mut position = 0;
            while let Some((key, _, hash)) = dict.next_live(&mut position) {
                self.add_hashed(vm, &key, hash)?;
            }
            return Ok(());
        }
        if iterable.downcast_exact::<List>().is_some() || iterable.downcast_exact::<Tuple>().is_some() {
            return vm.for_each(iterable, |item| self.add(vm, &item).map(drop));
        }
        let iterator = vm.iter(iterable)?;
        while let Some(item) = vm.next_untaken(&iterator, &mut |item| self.take_int(vm, item))? {
            self.add(vm, &item)?;
        }
        Ok(())
    }

    /// Adds a small int if that needs no comparison and no more memory; gives back
    /// anything else.
    fn take_int(&self, vm: &Vm, item: Object) -> Option<Object> {
        if !item.is_int() || (self.fill.get() + 1) * 5 >= self.mask.get() * 3 {
            return Some(item);
        }
        let hash = crate::types::int::hash_i64(item.as_int());
        let slot = self.slot(hash as usize & self.mask.get());
        let free = slot.key.is_none() && slot.hash == 0;
        if (free || slot.key == Some(item.value())) && self.add_hashed(vm, &item, hash).is_ok() {
            None
        } else {
            Some(item)
        }
    }

    /// Removes deleted slots if they are many.
    pub(crate) fn tidy(&self, vm: &Vm) -> Result<()> {
        if self.fill.get() - self.used.get() <= self.mask.get() / 4 {
            return Ok(());
        }
        let used = self.used.get();
        self.resize(vm, if used > 50000 { used * 2 } else { used * 4 })
    }

    /// Exchanges the contents of two sets.
    pub(crate) fn swap(&self, other: &SetObject) {
        self.table.swap(&other.table);
        self.mask.swap(&other.mask);
        self.fill.swap(&other.fill);
        self.used.swap(&other.used);
        self.finger.swap(&other.finger);
        self.hash.set(-1);
        other.hash.set(-1);
        if !std::ptr::eq(self, other) {
            // SAFETY: two different objects; no Python code runs.
            unsafe { std::mem::swap(&mut *self.small.get(), &mut *other.small.get()) }
        }
    }

    /// The hash of the keys together, as CPython computes it.
    pub(crate) fn content_hash(&self) -> i64 {
        const fn shuffle(hash: u64) -> u64 {
            ((hash ^ 89869747) ^ (hash << 16)).wrapping_mul(3644798167)
        }
        let mut total = 0u64;
        let mut position = 0;
        while let Some((_, hash)) = self.next_raw(&mut position) {
            total ^= shuffle(hash as u64);
        }
        total ^= (self.used.get() as u64).wrapping_add(1).wrapping_mul(1927868237);
        total ^= (total >> 11) ^ (total >> 25);
        total = total.wrapping_mul(69069).wrapping_add(907133923);
        if total == u64::MAX { 590923713 } else { total as i64 }
    }
}

fn new_table(size: usize) -> Option<*mut Slot> {
    let layout = Layout::array::<Slot>(size).ok()?;
    // SAFETY: the size is not zero; empty slots are zero bits.
    let table = unsafe { std::alloc::alloc_zeroed(layout) } as *mut Slot;
    if table.is_null() { None } else { Some(table) }
}

/// # Safety
/// `table` came from `new_table` with size `mask + 1`; its keys are not counted any more.
unsafe fn free_table(table: *mut Slot, mask: usize) {
    if let Ok(layout) = Layout::array::<Slot>(mask + 1) {
        // SAFETY: says the caller.
        unsafe { std::alloc::dealloc(table as *mut u8, layout) }
    }
}

/// The hash of an element to be, with the words of sets if it has none.
#[inline]
pub(crate) fn hash_of_element(vm: &Vm, key: &Object) -> Result<i64> {
    match vm.hash(key) {
        Ok(hash) => Ok(hash),
        Err(raised) => Err(unhashable(vm, key, raised)),
    }
}

#[cold]
fn unhashable(vm: &Vm, key: &Object, raised: Raised) -> Raised {
    let exception = vm.caught(raised);
    if !exception.ty().is(&exc::TYPE_ERROR) {
        return vm.raise(exception);
    }
    match vm.str_text(&exception) {
        Ok(text) => vm.type_error(format!(
            "cannot use '{}' as a set element ({text})",
            crate::types::set_methods::qualified_type_name(vm, key)
        )),
        Err(raised) => raised,
    }
}

// ---- making sets from native code -----------------------------------------------------------

/// An empty set.
pub fn new(vm: &Vm) -> Object {
    vm.alloc_exact(&SET, true, SetObject::empty())
}

/// A set of these items.
pub fn set_from(vm: &Vm, items: Vec<Object>) -> Result {
    filled(vm, &SET, items)
}

/// A frozenset of these items.
pub fn frozenset_from(vm: &Vm, items: Vec<Object>) -> Result {
    filled(vm, &FROZENSET, items)
}

fn filled(vm: &Vm, class: &Type, items: Vec<Object>) -> Result {
    let object = vm.try_alloc(class, SetObject::empty()).ok_or_else(|| vm.memory_error())?;
    if let Some(set) = SetObject::of(&object) {
        set.reserve(vm, items.len())?;
        for item in &items {
            set.add(vm, item)?;
        }
    }
    Ok(object)
}

/// `set.add(item)`.
pub fn add_to(vm: &Vm, set: &Object, item: Object) -> Result<()> {
    match SetObject::of(set) {
        Some(set) => set.add(vm, &item).map(drop),
        None => Err(vm.system_error("a set was expected")),
    }
}

/// `set.update(iterable)`.
pub fn update(vm: &Vm, set: &Object, iterable: &Object) -> Result<()> {
    match SetObject::of(set) {
        Some(set) => set.update(vm, iterable),
        None => Err(vm.system_error("a set was expected")),
    }
}
