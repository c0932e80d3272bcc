//! dict, the core: a compact, insertion-ordered hash table. Methods, views and
//! iterators are in `dict_methods`.
//!
//! One allocation holds the index table (1, 2 or 4 bytes an index) and behind
//! it the entries in order of insertion. `keys_version` changes whenever a key
//! comes or goes, so that caches may keep an entry's position.

use crate::prelude::*;
use crate::types::str::Str;
use crate::types::{int, object};
use std::cell::{Cell, UnsafeCell};

pub use crate::types::dict_methods::{DICT, VIEW_TYPES};

#[derive(Clone, Copy)]
pub struct Entry {
    pub hash: i64,
    /// UNBOUND: deleted.
    pub key: Value,
    pub value: Value,
}

/// Payload of dicts.
pub struct Dict {
    table: UnsafeCell<Table>,
    version: Cell<u32>,
    /// Counts changes of any kind that a running lookup must notice.
    changes: Cell<u32>,
}

struct Table {
    memory: *mut u8,
    log2: u8,
    used: u32,
    /// Entries written, deleted ones included.
    filled: u32,
    usable: u32,
    /// Entries taken back from the end. The index keeps a mark of each, so that
    /// they count against `usable`: there must be an empty place for lookups to end at.
    marks: u32,
    /// Deleted entries before the first live one (at least so many).
    head: u32,
}

const EMPTY: u32 = u32::MAX;
const DUMMY: u32 = u32::MAX - 1;

impl NativeClass for Dict {
    fn class() -> &'static Type {
        &DICT
    }
    fn traverse(&self, visitor: &mut Visitor) {
        for entry in self.live_entries() {
            visitor.visit(entry.key);
            visitor.visit(entry.value);
        }
    }
    fn clear(&self) {
        Dict::clear(self)
    }
}

impl Drop for Dict {
    fn drop(&mut self) {
        Dict::clear(self)
    }
}

impl Table {
    const NEW: Table =
        Table { memory: std::ptr::null_mut(), log2: 0, used: 0, filled: 0, usable: 0, marks: 0, head: 0 };

    #[inline(always)]
    fn mask(&self) -> usize {
        (1usize << self.log2) - 1
    }
    fn width(log2: u8) -> usize {
        if log2 < 8 {
            1
        } else if log2 < 16 {
            2
        } else {
            4
        }
    }
    #[inline(always)]
    fn entries(&self) -> *mut Entry {
        // SAFETY: entries follow the index table, whose size is a multiple of 8.
        unsafe { self.memory.add(Table::width(self.log2) << self.log2) as *mut Entry }
    }
    fn layout(log2: u8, usable: usize) -> Option<std::alloc::Layout> {
        let bytes = (Table::width(log2) << log2).checked_add(usable.checked_mul(size_of::<Entry>())?)?;
        std::alloc::Layout::from_size_align(bytes, 8).ok()
    }
    #[inline(always)]
    fn index(&self, i: usize) -> u32 {
        // SAFETY: i is masked.
        unsafe {
            if self.log2 < 8 {
                let v = *self.memory.add(i);
                if v >= 0xfe { v as u32 | 0xffff_ff00 } else { v as u32 }
            } else if self.log2 < 16 {
                let v = *(self.memory as *mut u16).add(i);
                if v >= 0xfffe { v as u32 | 0xffff_0000 } else { v as u32 }
            } else {
                *(self.memory as *mut u32).add(i)
            }
        }
    }
    #[inline(always)]
    fn set_index(&mut self, i: usize, index: u32) {
        // SAFETY: i is masked.
        unsafe {
            if self.log2 < 8 {
                *self.memory.add(i) = index as u8;
            } else if self.log2 < 16 {
                *(self.memory as *mut u16).add(i) = index as u16;
            } else {
                *(self.memory as *mut u32).add(i) = index;
            }
        }
    }
    fn free(&mut self) {
        if !self.memory.is_null()
            && let Some(layout) = Table::layout(self.log2, self.usable as usize)
        {
            // SAFETY: allocated with this very layout.
            unsafe { std::alloc::dealloc(self.memory, layout) }
        }
        *self = Table::NEW;
    }
    /// Puts an entry, whose key is not there, behind the others.
    ///
    /// # Safety
    /// There is room for it.
    #[inline(always)]
    unsafe fn place(&mut self, entry: Entry) {
        let mask = self.mask();
        let mut perturb = entry.hash as u64;
        let mut at = entry.hash as usize & mask;
        while self.index(at) < DUMMY {
            perturb >>= 5;
            at = at.wrapping_mul(5).wrapping_add(perturb as usize).wrapping_add(1) & mask;
        }
        self.set_index(at, self.filled);
        // SAFETY: says the caller.
        unsafe { self.entries().add(self.filled as usize).write(entry) };
        self.filled += 1;
    }
    /// Moves the entries to a table with room for `wanted`; false: no memory.
    #[must_use]
    fn resize(&mut self, wanted: usize) -> bool {
        let mut log2 = 3u8;
        while ((1usize << log2) * 2 / 3) < wanted {
            log2 += 1;
            if log2 > 31 {
                return false;
            }
        }
        let usable = (1usize << log2) * 2 / 3;
        let Some(layout) = Table::layout(log2, usable) else { return false };
        // SAFETY: the layout's size is not 0; entries are moved, not copied.
        unsafe {
            let memory = std::alloc::alloc(layout);
            if memory.is_null() {
                return false;
            }
            std::ptr::write_bytes(memory, 0xff, Table::width(log2) << log2);
            let mut new =
                Table { memory, log2, used: self.used, filled: 0, usable: usable as u32, marks: 0, head: 0 };
            for i in 0..self.filled as usize {
                let entry = *self.entries().add(i);
                if entry.key.is_unbound() {
                    continue;
                }
                new.place(entry);
            }
            self.free();
            *self = new;
        }
        true
    }
    fn find_slot(&self, hash: i64, index: u32) -> Option<usize> {
        let mask = self.mask();
        let mut perturb = hash as u64;
        let mut at = hash as usize & mask;
        loop {
            match self.index(at) {
                EMPTY => return None,
                i if i == index => return Some(at),
                _ => {}
            }
            perturb >>= 5;
            at = at.wrapping_mul(5).wrapping_add(perturb as usize).wrapping_add(1) & mask;
        }
    }
}

/// Where a key is.
enum Found {
    At(usize),
    Absent,
}

impl Dict {
    pub fn new_payload() -> Dict {
        Dict { table: UnsafeCell::new(Table::NEW), version: Cell::new(0), changes: Cell::new(0) }
    }
    #[inline(always)]
    fn table(&self) -> &Table {
        // SAFETY: &mut Tables live only inside methods that run no Python code.
        unsafe { &*self.table.get() }
    }
    #[inline(always)]
    #[allow(clippy::mut_from_ref)]
    fn table_mut(&self) -> &mut Table {
        // SAFETY: as above.
        unsafe { &mut *self.table.get() }
    }
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.table().used as usize
    }
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Entries in order, deleted ones included. Valid until the dict changes.
    #[inline(always)]
    pub fn entries(&self) -> &[Entry] {
        let table = self.table();
        if table.memory.is_null() {
            return &[];
        }
        // SAFETY: `filled` entries were written.
        unsafe { std::slice::from_raw_parts(table.entries(), table.filled as usize) }
    }
    /// Bytes of the table (`__sizeof__`).
    pub fn table_bytes(&self) -> usize {
        let table = self.table();
        if table.memory.is_null() {
            0
        } else {
            Table::layout(table.log2, table.usable as usize).map_or(0, |l| l.size())
        }
    }
    /// Number that changes with every structural change.
    #[inline(always)]
    pub fn changes(&self) -> u32 {
        self.changes.get()
    }
    /// A number that stays the same as long as no key comes or goes.
    #[inline(always)]
    pub fn version(&self) -> u32 {
        self.version.get()
    }
    /// As [`Dict::version`], assigned if there is none (0: versions ran out).
    pub fn version_tag(&self, vm: &Vm) -> u32 {
        if self.version.get() == 0 {
            let next = &vm.interp().next_dict_version;
            if next.get() != u32::MAX {
                next.set(next.get() + 1);
                self.version.set(next.get());
            }
        }
        self.version.get()
    }
    fn touch(&self) {
        self.version.set(0);
        self.changes.set(self.changes.get().wrapping_add(1));
    }
    /// The entries that are not deleted, in order.
    pub(crate) fn live_entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries().iter().filter(|entry| !entry.key.is_unbound())
    }
    /// The next entry from position `pos` on that is not deleted: key, value, hash.
    #[inline]
    pub(crate) fn next_live(&self, pos: &mut usize) -> Option<(Object, Object, i64)> {
        while let Some(entry) = self.entries().get(*pos) {
            *pos += 1;
            if !entry.key.is_unbound() {
                // SAFETY: live entries hold counted values.
                return Some(unsafe {
                    (Object::from_borrowed(entry.key), Object::from_borrowed(entry.value), entry.hash)
                });
            }
        }
        None
    }
    /// The next key and value from position `pos` on.
    #[inline]
    pub fn next_entry(&self, pos: &mut usize) -> Option<(Object, Object)> {
        self.next_live(pos).map(|(key, value, _)| (key, value))
    }
    /// All items, owned.
    pub fn items(&self) -> Vec<(Object, Object)> {
        let mut pos = 0;
        let mut out = Vec::with_capacity(self.len());
        while let Some(item) = self.next_entry(&mut pos) {
            out.push(item);
        }
        out
    }

    // ---- lookup -----------------------------------------------------------------

    /// Position of an exact str key. Runs Python code only if there are keys of
    /// other types with the same hash; those count as different here.
    #[inline]
    fn find_str(&self, key: Value, s: &Str, hash: i64) -> Option<usize> {
        self.find_str_first(key, s, hash, &mut false)
    }
    /// As `find_str`; `doubtful` becomes true if a key of another type has the same hash.
    #[inline(always)]
    fn find_str_first(&self, key: Value, s: &Str, hash: i64, doubtful: &mut bool) -> Option<usize> {
        let table = self.table();
        if table.memory.is_null() {
            return None;
        }
        let mask = table.mask();
        let mut perturb = hash as u64;
        let mut at = hash as usize & mask;
        loop {
            let index = table.index(at);
            if index < DUMMY {
                // SAFETY: indices name written entries.
                let entry = unsafe { &*table.entries().add(index as usize) };
                if entry.key == key {
                    return Some(index as usize);
                }
                if entry.hash == hash {
                    match Object::borrow_value(&entry.key).downcast_exact::<Str>() {
                        Some(other) if other.equals(s) => return Some(index as usize),
                        Some(_) => {}
                        None => *doubtful = true,
                    }
                }
            } else if index == EMPTY {
                return None;
            }
            perturb >>= 5;
            at = at.wrapping_mul(5).wrapping_add(perturb as usize).wrapping_add(1) & mask;
        }
    }

    fn find(&self, vm: &Vm, key: &Object, hash: i64) -> Result<Found> {
        'again: loop {
            let table = self.table();
            if table.memory.is_null() {
                return Ok(Found::Absent);
            }
            let mask = table.mask();
            let mut perturb = hash as u64;
            let mut at = hash as usize & mask;
            loop {
                let index = self.table().index(at);
                if index < DUMMY {
                    // SAFETY: indices name written entries.
                    let entry = unsafe { *self.table().entries().add(index as usize) };
                    if entry.key == key.value() {
                        return Ok(Found::At(index as usize));
                    }
                    if entry.hash == hash {
                        let changes = self.changes.get();
                        let (memory, known) = (self.table().memory, entry.key);
                        // SAFETY: the entry is live; own its key while Python code may run.
                        let other = unsafe { Object::from_borrowed(known) };
                        let same = vm.equal(&other, key)?;
                        // Start again only if the table or this entry is another one now.
                        if self.changes.get() != changes
                            && (self.table().memory != memory
                                || self.table().mask() != mask
                                || self.entries().get(index as usize).is_none_or(|e| e.key != known))
                        {
                            continue 'again;
                        }
                        if same {
                            return Ok(Found::At(index as usize));
                        }
                    }
                } else if index == EMPTY {
                    return Ok(Found::Absent);
                }
                perturb >>= 5;
                at = at.wrapping_mul(5).wrapping_add(perturb as usize).wrapping_add(1) & mask;
            }
        }
    }

    /// Position of a key that is an int, an exact str or equal to itself only, if that can be told without
    /// running Python code. `Some(None)`: it is not there. None: look the long way.
    #[inline]
    pub fn probe(&self, vm: &Vm, key: &Object) -> Option<Option<usize>> {
        if let Some(s) = key.downcast_exact::<Str>() {
            let mut doubtful = false;
            let found = self.find_str_first(key.value(), s, s.hash(vm), &mut doubtful);
            return if found.is_none() && doubtful { None } else { Some(found) };
        }
        if key.is_int() {
            return self.probe_same(key, int::hash_i64(key.as_int()), |other| other.is_int());
        }
        self.probe_itself(key)
    }

    /// As [`Dict::probe`], for a key that is equal to itself only.
    #[inline]
    fn probe_itself(&self, key: &Object) -> Option<Option<usize>> {
        let ty = key.ty();
        if !object::hashes_by_identity(ty) || !object::compares_by_identity(ty) {
            return None;
        }
        self.probe_same(key, object::identity_hash(key), |other| object::compares_by_identity(other.ty()))
    }

    /// As [`Dict::probe`], for a key that no other of its `kind` is equal to.
    #[inline(always)]
    fn probe_same(&self, key: &Object, hash: i64, kind: impl Fn(&Object) -> bool) -> Option<Option<usize>> {
        let table = self.table();
        if table.memory.is_null() {
            return Some(None);
        }
        let mask = table.mask();
        let mut perturb = hash as u64;
        let mut at = hash as usize & mask;
        loop {
            let index = table.index(at);
            if index < DUMMY {
                // SAFETY: indices name written entries.
                let entry = unsafe { &*table.entries().add(index as usize) };
                if entry.key == key.value() {
                    return Some(Some(index as usize));
                }
                if entry.hash == hash && !kind(Object::borrow_value(&entry.key)) {
                    return None;
                }
            } else if index == EMPTY {
                return Some(None);
            }
            perturb >>= 5;
            at = at.wrapping_mul(5).wrapping_add(perturb as usize).wrapping_add(1) & mask;
        }
    }

    #[inline]
    fn locate(&self, vm: &Vm, key: &Object) -> Result<(i64, Option<usize>)> {
        if key.is_int() {
            let hash = int::hash_i64(key.as_int());
            if let Some(found) = self.probe_same(key, hash, |other| other.is_int()) {
                return Ok((hash, found));
            }
        }
        if let Some(s) = key.downcast_exact::<Str>() {
            let hash = s.hash(vm);
            let mut doubtful = false;
            let found = self.find_str_first(key.value(), s, hash, &mut doubtful);
            if found.is_some() || !doubtful {
                return Ok((hash, found));
            }
            // Keys of other types might claim equality.
            return match self.find(vm, key, hash)? {
                Found::At(i) => Ok((hash, Some(i))),
                Found::Absent => Ok((hash, None)),
            };
        }
        if let Some(found) = self.probe_itself(key) {
            return Ok((object::identity_hash(key), found));
        }
        let hash = match vm.hash(key) {
            Ok(hash) => hash,
            Err(raised) => return Err(unhashable_key(vm, key, raised)),
        };
        match self.find(vm, key, hash)? {
            Found::At(i) => Ok((hash, Some(i))),
            Found::Absent => Ok((hash, None)),
        }
    }
    /// `dict.setdefault(key, default)`: one hash, one lookup.
    pub fn set_default(&self, vm: &Vm, key: &Object, default: &Object) -> Result<Object> {
        match self.locate(vm, key)? {
            // SAFETY: the entry is live.
            (_, Some(i)) => Ok(unsafe { Object::from_borrowed(self.entries()[i].value) }),
            (hash, None) => {
                self.store(vm, key, hash, None, default.clone())?;
                Ok(default.clone())
            }
        }
    }
    /// Position of the entry of `key`.
    pub fn position(&self, vm: &Vm, key: &Object) -> Result<Option<usize>> {
        Ok(self.locate(vm, key)?.1)
    }
    /// `dict.get(key)`.
    #[inline]
    pub fn get(&self, vm: &Vm, key: &Object) -> Result<Option<Object>> {
        match self.locate(vm, key)?.1 {
            // SAFETY: the entry is live.
            Some(i) => Ok(Some(unsafe { Object::from_borrowed(self.entries()[i].value) })),
            None => Ok(None),
        }
    }
    /// `dict.get(key)` for a hash known already.
    pub fn get_with_hash(&self, vm: &Vm, key: &Object, hash: i64) -> Result<Option<Object>> {
        match self.find(vm, key, hash)? {
            // SAFETY: the entry is live.
            Found::At(i) => Ok(Some(unsafe { Object::from_borrowed(self.entries()[i].value) })),
            Found::Absent => Ok(None),
        }
    }
    pub fn contains(&self, vm: &Vm, key: &Object) -> Result<bool> {
        Ok(self.locate(vm, key)?.1.is_some())
    }
    /// Value of a str key, borrowed until the dict changes. Never runs Python code.
    #[inline]
    pub fn get_str(&self, key: &Object) -> Option<Value> {
        let s = key.downcast::<Str>()?;
        let hash = s.hash(Vm::current());
        self.find_str(key.value(), s, hash).map(|i| self.entries()[i].value)
    }
    /// Position of a str key. Never runs Python code.
    #[inline]
    pub fn position_str(&self, key: &Object) -> Option<usize> {
        let s = key.downcast::<Str>()?;
        self.find_str(key.value(), s, s.hash(Vm::current()))
    }
    pub fn get_str_owned(&self, key: &Object) -> Option<Object> {
        // SAFETY: the entry is live.
        self.get_str(key).map(|value| unsafe { Object::from_borrowed(value) })
    }
    pub fn contains_str(&self, key: &Object) -> bool {
        self.get_str(key).is_some()
    }
    /// Value under a name given as text.
    pub fn get_text(&self, vm: &Vm, key: &str) -> Option<Object> {
        self.get_str_owned(&vm.intern(key))
    }

    // ---- changes -------------------------------------------------------------------

    /// `dict[key] = value`.
    #[inline]
    pub fn set(&self, vm: &Vm, key: &Object, value: Object) -> Result<()> {
        let (hash, found) = self.locate(vm, key)?;
        self.store(vm, key, hash, found, value)
    }
    pub fn set_with_hash(&self, vm: &Vm, key: &Object, hash: i64, value: Object) -> Result<()> {
        let found = match self.find(vm, key, hash)? {
            Found::At(i) => Some(i),
            Found::Absent => None,
        };
        self.store(vm, key, hash, found, value)
    }
    #[inline]
    fn store(&self, vm: &Vm, key: &Object, hash: i64, found: Option<usize>, value: Object) -> Result<()> {
        match found {
            Some(i) => {
                self.replace_at(i, value);
                Ok(())
            }
            None => {
                if self.insert(key.clone(), hash, value) {
                    Ok(())
                } else {
                    Err(vm.memory_error())
                }
            }
        }
    }
    /// Replaces the value of the live entry at `i`.
    #[inline]
    pub fn replace_at(&self, i: usize, value: Object) {
        // SAFETY: positions come from a lookup with no change in between.
        let old = unsafe {
            let entry = &mut *self.table_mut().entries().add(i);
            Object::from_owned(std::mem::replace(&mut entry.value, value.into_value()))
        };
        drop(old);
    }
    /// Adds a key that is not there. False: no memory.
    fn insert(&self, key: Object, hash: i64, value: Object) -> bool {
        let table = self.table_mut();
        if table.filled + table.marks >= table.usable {
            let wanted = (table.used as usize * 3).max(5).max(table.used as usize + 1);
            let wanted = if table.used < 50_000 { wanted } else { table.used as usize * 2 };
            if !table.resize(wanted) {
                return false;
            }
        }
        self.touch();
        // SAFETY: there is room.
        unsafe { table.place(Entry { hash, key: key.into_value(), value: value.into_value() }) };
        table.used += 1;
        true
    }
    /// Fills an empty dict with as many of `keys`, which are names and all different, as
    /// `values` are bound; they are taken out.
    pub(crate) fn fill(&self, vm: &Vm, keys: &[Object], values: &mut [Value]) {
        let count = values.iter().filter(|value| !value.is_unbound()).count();
        self.reserve(count);
        let table = self.table_mut();
        if (table.usable as usize) < count {
            return;
        }
        self.touch();
        for (key, value) in keys.iter().zip(values) {
            if !value.is_unbound()
                && let Some(s) = key.downcast_exact::<Str>()
            {
                let value = std::mem::replace(value, Value::UNBOUND);
                let entry = Entry { hash: s.hash(vm), key: key.clone().into_value(), value };
                // SAFETY: there is room; the words are owned.
                unsafe { table.place(entry) };
                table.used += 1;
            }
        }
    }
    /// Sets a str key. Never runs Python code but for the death of the old value.
    pub fn set_str(&self, vm: &Vm, key: &Object, value: Object) {
        let Some(s) = key.downcast::<Str>() else { return };
        let hash = s.hash(vm);
        match self.find_str(key.value(), s, hash) {
            Some(i) => self.replace_at(i, value),
            None => {
                self.insert(key.clone(), hash, value);
            }
        }
    }
    /// Sets a name given as text.
    pub fn set_text(&self, vm: &Vm, key: &str, value: Object) {
        self.set_str(vm, &vm.intern(key), value)
    }
    /// Takes `key` out; its value, or None.
    pub fn remove(&self, vm: &Vm, key: &Object) -> Result<Option<Object>> {
        match self.locate(vm, key)? {
            (_, None) => Ok(None),
            (_, Some(i)) => {
                let (key, value) = self.remove_at(i);
                drop(key);
                Ok(Some(value))
            }
        }
    }
    pub fn remove_str(&self, key: &Object) -> Option<Object> {
        self.position_str(key).map(|i| self.remove_at(i).1)
    }
    /// Takes the live entry at `i` out.
    pub fn remove_at(&self, i: usize) -> (Object, Object) {
        self.touch();
        let table = self.table_mut();
        // SAFETY: positions come from a lookup with no change in between.
        unsafe {
            let entry = &mut *table.entries().add(i);
            let hash = entry.hash;
            let key = Object::from_owned(std::mem::replace(&mut entry.key, Value::UNBOUND));
            let value = Object::from_owned(std::mem::replace(&mut entry.value, Value::UNBOUND));
            if let Some(slot) = table.find_slot(hash, i as u32) {
                table.set_index(slot, DUMMY);
            }
            table.used -= 1;
            if i as u32 == table.head {
                table.head += 1;
                while table.head < table.filled
                    && (*table.entries().add(table.head as usize)).key.is_unbound()
                {
                    table.head += 1;
                }
            }
            (key, value)
        }
    }
    /// The last entry's position.
    pub fn last_position(&self) -> Option<usize> {
        self.entries().iter().rposition(|entry| !entry.key.is_unbound())
    }
    /// The first entry's position.
    pub fn first_position(&self) -> Option<usize> {
        let head = self.table().head as usize;
        self.entries().get(head..)?.iter().position(|entry| !entry.key.is_unbound()).map(|i| head + i)
    }
    /// Moves the live entry at `i` to the end of the order. False: no memory.
    pub fn move_to_end(&self, i: usize) -> bool {
        if self.entries().len() == i + 1 {
            return true;
        }
        let hash = self.entries()[i].hash;
        let (key, value) = self.remove_at(i);
        self.insert(key, hash, value)
    }
    /// Moves the live entry at `i` to the front of the order. False: no memory.
    pub fn move_to_front(&self, i: usize) -> bool {
        if self.first_position() == Some(i) {
            return true;
        }
        if self.table().head == 0 {
            return self.rebuild_with_first(i);
        }
        self.touch();
        let table = self.table_mut();
        // SAFETY: head is the index of a deleted entry's successor; `i` is live.
        unsafe {
            let entry = *table.entries().add(i);
            let front = table.head - 1;
            if let Some(slot) = table.find_slot(entry.hash, i as u32) {
                table.set_index(slot, front);
            }
            table.entries().add(front as usize).write(entry);
            (*table.entries().add(i)).key = Value::UNBOUND;
            (*table.entries().add(i)).value = Value::UNBOUND;
            table.head = front;
        }
        true
    }
    /// As `move_to_front` with a new table that has room before the first entry.
    fn rebuild_with_first(&self, i: usize) -> bool {
        let gap = self.len() / 2 + 4;
        let mut order: Vec<Entry> = Vec::new();
        if order.try_reserve_exact(self.len()).is_err() {
            return false;
        }
        order.push(self.entries()[i]);
        order.extend(
            self.entries()
                .iter()
                .enumerate()
                .filter(|(k, e)| *k != i && !e.key.is_unbound())
                .map(|(_, e)| *e),
        );
        self.touch();
        let table = self.table_mut();
        if !table.resize(order.len() + gap + order.len() / 2) {
            return false;
        }
        // SAFETY: the table has room for the gap and all entries, which only change places.
        unsafe {
            std::ptr::write_bytes(table.memory, 0xff, Table::width(table.log2) << table.log2);
            for k in 0..gap {
                table.entries().add(k).write(Entry { hash: 0, key: Value::UNBOUND, value: Value::UNBOUND });
            }
            let mask = table.mask();
            for (k, entry) in order.iter().enumerate() {
                let mut perturb = entry.hash as u64;
                let mut at = entry.hash as usize & mask;
                while table.index(at) != EMPTY {
                    perturb >>= 5;
                    at = at.wrapping_mul(5).wrapping_add(perturb as usize).wrapping_add(1) & mask;
                }
                table.set_index(at, (gap + k) as u32);
                table.entries().add(gap + k).write(*entry);
            }
        }
        table.filled = (gap + order.len()) as u32;
        table.head = gap as u32;
        true
    }
    /// Takes the last entry out; the fill mark goes back with it.
    pub fn pop_last(&self) -> Option<(Object, Object)> {
        let i = self.last_position()?;
        let popped = self.remove_at(i);
        let table = self.table_mut();
        if table.filled as usize > i {
            table.marks += table.filled - i as u32;
            table.filled = i as u32;
            table.head = table.head.min(table.filled);
        }
        Some(popped)
    }
    pub fn clear(&self) {
        self.touch();
        let mut old = std::mem::replace(self.table_mut(), Table::NEW);
        if old.memory.is_null() {
            return;
        }
        for i in 0..old.filled as usize {
            // SAFETY: written entries; deleted ones hold no pointers.
            unsafe {
                let entry = *old.entries().add(i);
                drop(Object::from_owned(entry.key));
                drop(Object::from_owned(entry.value));
            }
        }
        old.free();
    }
    /// Room for `n` entries without growing again.
    pub fn reserve(&self, n: usize) {
        let table = self.table_mut();
        if (table.usable as usize) < n {
            self.touch();
            let _ = self.table_mut().resize(n);
        }
    }
    /// A copy of the table: same keys, same order.
    pub fn copy_payload(&self) -> Dict {
        let copy = Dict::new_payload();
        if copy.clone_from_table(self) {
            return copy;
        }
        copy.reserve(self.len());
        let mut pos = 0;
        while let Some((key, value, hash)) = self.next_live(&mut pos) {
            copy.insert(key, hash, value);
        }
        copy
    }
    /// Becomes a copy of `other` in one go. False: not possible (not empty, too
    /// many deleted entries, no memory); nothing was done.
    pub(crate) fn clone_from_table(&self, other: &Dict) -> bool {
        let source = other.table();
        if !self.is_empty()
            || source.memory.is_null()
            || source.used as usize * 3 < source.filled as usize * 2
        {
            return false;
        }
        let Some(layout) = Table::layout(source.log2, source.usable as usize) else { return false };
        // SAFETY: the new memory has the layout of the old; the entries copied
        // get a count of their own.
        unsafe {
            let memory = std::alloc::alloc(layout);
            if memory.is_null() {
                return false;
            }
            let index_bytes = Table::width(source.log2) << source.log2;
            let bytes = index_bytes + source.filled as usize * size_of::<Entry>();
            std::ptr::copy_nonoverlapping(source.memory, memory, bytes);
            for entry in other.entries() {
                taipan_object::object::incref(entry.key);
                taipan_object::object::incref(entry.value);
            }
            self.touch();
            let table = self.table_mut();
            table.free();
            *table = Table {
                memory,
                log2: source.log2,
                used: source.used,
                filled: source.filled,
                usable: source.usable,
                marks: source.marks,
                head: source.head,
            };
        }
        true
    }
    /// `self[k] = v` for all of `other` (of which a copy is iterated: `other` may change).
    pub fn merge(&self, vm: &Vm, other: &Dict, replace: bool) -> Result<()> {
        if std::ptr::eq(self, other) {
            return Ok(());
        }
        if self.clone_from_table(other) {
            return Ok(());
        }
        if self.is_empty() && self.table().usable < other.len() as u32 {
            self.reserve(other.len());
        }
        let mut pos = 0;
        // Owned, for the insertion may run Python code.
        while let Some((key, value, hash)) = other.next_live(&mut pos) {
            let changes = other.changes.get();
            if replace || matches!(self.find(vm, &key, hash)?, Found::Absent) {
                self.set_with_hash(vm, &key, hash, value)?;
            }
            if other.changes.get() != changes {
                return Err(vm.runtime_error("dict mutated during update"));
            }
        }
        Ok(())
    }
    /// Owned handle's payload, unchecked access for the loop.
    ///
    /// # Safety
    /// `value` is a dict (or a subtype's instance), alive.
    #[inline(always)]
    pub unsafe fn from_raw<'a>(value: Value) -> &'a Dict {
        // SAFETY: says the caller.
        unsafe { &(*(value.as_ptr() as *const crate::native::Payload<Dict>)).data }
    }
}

/// Says of a TypeError raised by `hash(key)` that it was about a dict key.
#[cold]
fn unhashable_key(vm: &Vm, key: &Object, raised: Raised) -> Raised {
    let exception = vm.caught(raised);
    if !exception.ty().is(&exc::TYPE_ERROR) {
        return vm.raise(exception);
    }
    match vm.str_text(&exception) {
        Ok(text) => vm.type_error(format!("cannot use '{}' as a dict key ({text})", key.ty().full_name())),
        Err(raised) => raised,
    }
}

/// A new, empty dict.
#[inline]
pub fn new(vm: &Vm) -> Object {
    vm.alloc_exact(&DICT, true, Dict::new_payload())
}

/// A new dict of these text keys.
pub fn from_pairs(vm: &Vm, pairs: &[(&str, Object)]) -> Object {
    let dict = new(vm);
    if let Some(d) = dict.downcast::<Dict>() {
        for (key, value) in pairs {
            d.set_text(vm, key, value.clone());
        }
    }
    dict
}
