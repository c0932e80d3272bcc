//! What picklers and unpicklers remember: which objects have been written
//! under which number ([`PickleMemo`]), and which number is which object
//! ([`LoadMemo`]).

use std::collections::HashMap;
use taipan_runtime::prelude::*;

/// Objects by identity. They are kept alive, so that no other object can take
/// their place in memory.
#[derive(Default)]
pub struct PickleMemo {
    /// Open addressing: the bits of the object, and its position in `entries`
    /// plus one (0: free).
    table: Vec<(u64, u32)>,
    entries: Vec<(Object, u32)>,
}

/// The slots where an object may be: first by its address, so that objects
/// made one after the other lie close together, then all over the table.
struct Probe {
    slot: u64,
    rest: u64,
}

impl Probe {
    #[inline]
    fn new(bits: u64) -> Probe {
        // Objects lie at multiples of 16.
        Probe { slot: bits >> 4, rest: bits >> 4 }
    }
    #[inline]
    fn step(&mut self) {
        self.rest >>= 5;
        self.slot = self.slot.wrapping_mul(5).wrapping_add(self.rest).wrapping_add(1);
    }
}

impl PickleMemo {
    pub fn len(&self) -> usize {
        self.entries.len()
    }
    #[inline]
    pub fn get(&self, object: &Object) -> Option<u32> {
        if self.entries.is_empty() {
            return None;
        }
        self.find(object.bits()).ok().map(|i| self.entries[i].1)
    }
    /// The position of the object's entry, or its slot of the table.
    fn find(&self, bits: u64) -> std::result::Result<usize, usize> {
        let mask = self.table.len() - 1;
        let mut probe = Probe::new(bits);
        loop {
            let slot = probe.slot as usize & mask;
            match self.table[slot] {
                (_, 0) => return Err(slot),
                (found, i) if found == bits => return Ok(i as usize - 1),
                _ => probe.step(),
            }
        }
    }
    /// Enters an object under a number; one that is there gets the new number.
    /// False: there is no memory.
    pub fn put(&mut self, object: &Object, number: u32) -> bool {
        if (self.entries.len() + 1) * 3 > self.table.len() * 2 && !self.grow() {
            return false;
        }
        match self.find(object.bits()) {
            Ok(i) => self.entries[i].1 = number,
            Err(slot) => {
                if self.entries.try_reserve(1).is_err() {
                    return false;
                }
                self.entries.push((object.clone(), number));
                self.table[slot] = (object.bits(), self.entries.len() as u32);
            }
        }
        true
    }
    fn grow(&mut self) -> bool {
        let size = (self.table.len() * 4).max(32);
        let mut table = Vec::new();
        if size > u32::MAX as usize || table.try_reserve_exact(size).is_err() {
            return false;
        }
        table.resize(size, (0, 0));
        for (i, (object, _)) in self.entries.iter().enumerate() {
            let mut probe = Probe::new(object.bits());
            while table[probe.slot as usize & (size - 1)].1 != 0 {
                probe.step();
            }
            table[probe.slot as usize & (size - 1)] = (object.bits(), i as u32 + 1);
        }
        self.table = table;
        true
    }
    pub fn entries(&self) -> &[(Object, u32)] {
        &self.entries
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
