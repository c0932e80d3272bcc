//! What picklers and unpicklers remember: which objects have been written
//! under which number ([`PickleMemo`]), and which number is which object
//! ([`LoadMemo`]).

use std::collections::HashMap;
use taipan_runtime::prelude::*;

/// Objects by identity. They are kept alive, so that no other object can take
/// their place in memory.
#[derive(Default)]
pub struct PickleMemo {
    /// Open addressing; the length is a power of two, or nothing.
    slots: Vec<Slot>,
    used: usize,
    /// How many more objects may come before the table grows.
    room: usize,
}

/// UNBOUND: free.
struct Slot {
    object: Object,
    number: u32,
}

/// What a look into the memo finds.
pub enum Looked {
    /// The object's number.
    Known(u32),
    /// Where it can be entered, as long as nothing else is.
    Free(usize),
}

/// Slots of the first table.
const FIRST_SLOTS: usize = 32;

impl PickleMemo {
    pub fn len(&self) -> usize {
        self.used
    }
    /// Where to look first: addresses are multiples of 16, often in arithmetic
    /// progression, which the multiplication spreads over the whole table.
    #[inline(always)]
    fn home(&self, bits: u64) -> usize {
        let shift = self.slots.len().leading_zeros() + 1;
        (bits.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (shift & 63)) as usize
    }
    /// The object's slot, or the one where it can go. The table has a free slot.
    #[inline(always)]
    fn find(&self, bits: u64) -> Looked {
        let mask = self.slots.len() - 1;
        let mut at = self.home(bits) & mask;
        loop {
            let slot = &self.slots[at];
            if slot.object.bits() == bits {
                return Looked::Known(slot.number);
            }
            if slot.object.is_unbound() {
                return Looked::Free(at);
            }
            at = (at + 1) & mask;
        }
    }
    #[inline]
    pub fn get(&self, object: &Object) -> Option<u32> {
        if self.used == 0 {
            return None;
        }
        match self.find(object.bits()) {
            Looked::Known(number) => Some(number),
            Looked::Free(_) => None,
        }
    }
    /// As [`PickleMemo::get`], for somebody who may want to enter the object;
    /// None: there is no memory.
    #[inline(always)]
    pub fn look(&mut self, object: &Object) -> Option<Looked> {
        if self.room == 0 && !self.grow() {
            return None;
        }
        Some(self.find(object.bits()))
    }
    /// Enters an object at the free slot that was found for it.
    #[inline(always)]
    pub fn fill(&mut self, at: usize, object: &Object, number: u32) {
        if let Some(slot) = self.slots.get_mut(at)
            && slot.object.is_unbound()
        {
            *slot = Slot { object: object.clone(), number };
            self.used += 1;
            self.room = self.room.saturating_sub(1);
        }
    }
    /// Enters an object under a number; one that is there gets the new number.
    /// False: there is no memory.
    pub fn put(&mut self, object: &Object, number: u32) -> bool {
        match self.look(object) {
            None => return false,
            Some(Looked::Free(at)) => self.fill(at, object, number),
            Some(Looked::Known(_)) => {
                let bits = object.bits();
                if let Some(slot) = self.slots.iter_mut().find(|slot| slot.object.bits() == bits) {
                    slot.number = number;
                }
            }
        }
        true
    }
    #[cold]
    fn grow(&mut self) -> bool {
        let size = (self.slots.len() * 4).max(FIRST_SLOTS);
        let mut slots = Vec::new();
        if size > u32::MAX as usize || slots.try_reserve_exact(size).is_err() {
            return false;
        }
        slots.resize_with(size, || Slot { object: Object::UNBOUND, number: 0 });
        let old = std::mem::replace(&mut self.slots, slots);
        self.room = size / 3 * 2 - self.used;
        for slot in old {
            if !slot.object.is_unbound()
                && let Looked::Free(at) = self.find(slot.object.bits())
            {
                self.slots[at] = slot;
            }
        }
        true
    }
    /// All objects with their numbers.
    pub fn entries(&self) -> impl Iterator<Item = (&Object, u32)> {
        self.slots.iter().filter(|slot| !slot.object.is_unbound()).map(|slot| (&slot.object, slot.number))
    }
    /// As [`PickleMemo::entries`], by number.
    pub fn to_vec(&self) -> Vec<(Object, u32)> {
        let mut entries: Vec<_> = self.entries().map(|(object, number)| (object.clone(), number)).collect();
        entries.sort_by_key(|(_, number)| *number);
        entries
    }
}

/// Objects by number. Numbers that follow each other are an array; whatever
/// else a pickle may claim goes into a table.
#[derive(Default)]
pub struct LoadMemo {
    dense: Vec<Object>,
    sparse: HashMap<usize, Object>,
    /// Numbers in use: what MEMOIZE takes next.
    used: usize,
}

/// The array grows by at most so many unused numbers at once.
const MAX_GAP: usize = 1024;

impl LoadMemo {
    #[inline]
    pub fn get(&self, number: usize) -> Option<&Object> {
        match self.dense.get(number) {
            Some(object) => object.bound(),
            None => self.sparse.get(&number),
        }
    }
    /// Enters an object; what was there comes back, to be dropped by somebody
    /// who holds no borrow.
    pub fn put(&mut self, number: usize, object: Object) -> Option<Object> {
        let old = if number < self.dense.len() + MAX_GAP && !self.sparse.contains_key(&number) {
            while self.dense.len() <= number {
                self.dense.push(Object::UNBOUND);
            }
            let old = std::mem::replace(&mut self.dense[number], object);
            if old.is_unbound() { None } else { Some(old) }
        } else {
            self.sparse.insert(number, object)
        };
        self.used += old.is_none() as usize;
        old
    }
    pub fn used(&self) -> usize {
        self.used
    }
    /// All numbers in use, with their objects.
    pub fn items(&self) -> Vec<(usize, Object)> {
        let dense = self.dense.iter().enumerate().filter(|(_, object)| !object.is_unbound());
        dense
            .map(|(i, object)| (i, object.clone()))
            .chain(self.sparse.iter().map(|(i, o)| (*i, o.clone())))
            .collect()
    }
    pub fn visit(&self, visitor: &mut Visitor) {
        self.dense.iter().chain(self.sparse.values()).for_each(|object| visitor.visit_object(object));
    }
}
