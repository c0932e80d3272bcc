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
    /// The slots in use, in order of entry.
    order: Vec<u32>,
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
/// Most slots that are kept for another memo.
const MOST_SPARE_SLOTS: usize = 4096;

impl PickleMemo {
    pub fn len(&self) -> usize {
        self.order.len()
    }
    /// Forgets all objects. The memory stays, if it is not much.
    pub fn clear(&mut self) {
        if self.slots.len() > MOST_SPARE_SLOTS {
            *self = PickleMemo::default();
            return;
        }
        // Destructors see a memo that is empty.
        let (mut slots, mut order) = (std::mem::take(&mut self.slots), std::mem::take(&mut self.order));
        for at in order.drain(..) {
            if let Some(slot) = slots.get_mut(at as usize) {
                slot.object = Object::UNBOUND;
            }
        }
        *self = PickleMemo { room: room_of(slots.len()), slots, order };
    }
    /// Where to look first: addresses are multiples of 16, often in arithmetic
    /// progression, which the multiplication spreads over the whole table.
    #[inline(always)]
    fn home(&self, bits: u64) -> usize {
        let shift = self.slots.len().leading_zeros() + 1;
        (bits.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (shift & 63)) as usize
    }
    /// The object's slot, or the free one where it can go (there is one).
    #[inline(always)]
    fn slot_of(&self, bits: u64) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = self.home(bits) & mask;
        loop {
            let found = &self.slots[at].object;
            if found.bits() == bits || found.is_unbound() {
                return at;
            }
            at = (at + 1) & mask;
        }
    }
    #[inline(always)]
    fn find(&self, bits: u64) -> Looked {
        let at = self.slot_of(bits);
        let slot = &self.slots[at];
        if slot.object.is_unbound() { Looked::Free(at) } else { Looked::Known(slot.number) }
    }
    #[inline]
    pub fn get(&self, object: &Object) -> Option<u32> {
        if self.order.is_empty() {
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
            self.order.push(at as u32);
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
                let at = self.slot_of(object.bits());
                self.slots[at].number = number;
            }
        }
        true
    }
    #[cold]
    fn grow(&mut self) -> bool {
        let size = (self.slots.len() * 4).max(FIRST_SLOTS);
        let mut slots = Vec::new();
        if size > u32::MAX as usize
            || slots.try_reserve_exact(size).is_err()
            || self.order.try_reserve(room_of(size) - self.order.len()).is_err()
        {
            return false;
        }
        slots.resize_with(size, || Slot { object: Object::UNBOUND, number: 0 });
        let mut old = std::mem::replace(&mut self.slots, slots);
        self.room = room_of(size) - self.order.len();
        for i in 0..self.order.len() {
            let Some(from) = old.get_mut(self.order[i] as usize) else { continue };
            if let Looked::Free(at) = self.find(from.object.bits()) {
                std::mem::swap(&mut self.slots[at], from);
                self.order[i] = at as u32;
            }
        }
        true
    }
    /// All objects with their numbers, in order of entry.
    pub fn entries(&self) -> impl Iterator<Item = (&Object, u32)> {
        self.order
            .iter()
            .filter_map(|&at| self.slots.get(at as usize))
            .map(|slot| (&slot.object, slot.number))
    }
}

/// How many objects a table of so many slots may have.
fn room_of(slots: usize) -> usize {
    slots / 3 * 2
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
/// The first array has room for so many.
const FIRST_NUMBERS: usize = 32;

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
    #[inline(always)]
    pub fn put(&mut self, number: usize, object: Object) -> Option<Object> {
        if number == self.dense.len() && self.sparse.is_empty() && number < self.dense.capacity() {
            self.dense.push(object);
            self.used += 1;
            return None;
        }
        self.put_anywhere(number, object)
    }
    #[inline(never)]
    fn put_anywhere(&mut self, number: usize, object: Object) -> Option<Object> {
        let old = if number < self.dense.len() + MAX_GAP && !self.sparse.contains_key(&number) {
            if number == self.dense.capacity() {
                self.dense.reserve(number.max(FIRST_NUMBERS));
            }
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
