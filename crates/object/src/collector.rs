//! The cycle collector: trial deletion over three generations, by CPython
//! 3.14.10's rules. Runs only at safe points, asked for by
//! [`Heap::breaker`].
//!
//! Order, as CPython: find unreachable containers; clear weak references to
//! them and collect their callbacks; run finalizers once; look again for what
//! they revived; clear the rest.

use crate::header::{Header, header_flags::*};
use crate::heap::{Block, Heap, LargePrefix, block_of};
use crate::object::Object;
use crate::value::Value;
use std::collections::HashMap;

/// Given to a type's `traverse`, which shows it every reference it owns.
pub struct Visitor<'a> {
    mode: Mode<'a>,
}

enum Mode<'a> {
    /// Take one off the working count of each child under collection.
    Subtract,
    /// Children under collection are reachable after all.
    Reach(&'a mut Vec<*mut Header>),
    /// Collect the children (`gc.get_referents`).
    List(&'a mut Vec<Object>),
    /// Is this value among the children? (`gc.get_referrers`)
    Find(Value, bool),
}

impl Visitor<'_> {
    #[inline]
    pub fn visit(&mut self, value: Value) {
        if !value.is_ptr() {
            return self.visit_immediate(value);
        }
        let child = value.as_ptr();
        // SAFETY: the container owns a reference, so the child is alive.
        unsafe {
            match &mut self.mode {
                Mode::Subtract => {
                    if (*child).has(COLLECTING) {
                        *working_count(child) -= 1;
                    }
                }
                Mode::Reach(stack) => {
                    if (*child).has(COLLECTING) {
                        (*child).unset(COLLECTING);
                        stack.push(child);
                    }
                }
                Mode::List(out) => out.push(Object::from_borrowed(value)),
                Mode::Find(wanted, found) => *found |= *wanted == value,
            }
        }
    }
    fn visit_immediate(&mut self, value: Value) {
        match &mut self.mode {
            Mode::List(out) if !value.is_unbound() => out.push(Object::immediate(value)),
            Mode::Find(wanted, found) => *found |= *wanted == value,
            _ => {}
        }
    }
    #[inline]
    pub fn visit_object(&mut self, object: &Object) {
        self.visit(object.value())
    }
    pub fn visit_option(&mut self, object: &Option<Object>) {
        if let Some(object) = object {
            self.visit(object.value())
        }
    }
}

unsafe fn working_count(object: *mut Header) -> *mut u32 {
    // SAFETY: called for objects under collection, whose block has scratch space.
    unsafe {
        if (*object).has(LARGE) {
            &raw mut (*(object as *mut LargePrefix).sub(1)).scratch
        } else {
            Block::working_count(block_of(object), object)
        }
    }
}

/// The unreachable objects, those first that are reached from `root`, level by level.
fn from_root(root: Value, dead: &[Object]) -> Vec<Object> {
    let mut rest: HashMap<u64, usize> = dead.iter().enumerate().map(|(i, o)| (o.bits(), i)).collect();
    let mut order = Vec::with_capacity(dead.len());
    if let Some(i) = rest.remove(&root.bits()) {
        order.push(dead[i].clone());
    }
    let mut next = 0;
    while let Some(object) = order.get(next) {
        next += 1;
        for child in &referents(object) {
            if let Some(i) = rest.remove(&child.bits()) {
                order.push(dead[i].clone());
            }
        }
    }
    order.extend(dead.iter().filter(|object| rest.contains_key(&object.bits())).cloned());
    order
}

/// Counters and settings of the collector (`gc.get_stats`, `get_threshold`).
pub struct State {
    pub enabled: bool,
    pub collecting: bool,
    pub thresholds: [i64; 3],
    /// Collections of the generation below since this one was collected.
    pub counts: [i64; 3],
    pub collections: [u64; 3],
    pub collected: [u64; 3],
    pub uncollectable: [u64; 3],
    long_lived_total: i64,
    long_lived_pending: i64,
    /// DEBUG_SAVEALL: unreachable objects are kept in `gc.garbage`.
    pub save_all: bool,
    /// For the next collection: finalizers run in the order in which their objects are
    /// reached from this one, if it is unreachable.
    pub root: Option<Value>,
}

impl Default for State {
    fn default() -> State {
        State {
            enabled: true,
            collecting: false,
            thresholds: [2000, 10, 10],
            counts: [0; 3],
            collections: [0; 3],
            collected: [0; 3],
            uncollectable: [0; 3],
            long_lived_total: 0,
            long_lived_pending: 0,
            save_all: false,
            root: None,
        }
    }
}

/// What the collector asks of the runtime.
pub trait CollectorHooks {
    /// Clear the weak references to these dead objects; run, afterwards, the
    /// callbacks of those weak references that are not dead themselves.
    fn clear_weakrefs(&self, unreachable: &[Object]);
    /// Clear the weak references to these dead objects that finalizers made. Nothing is called.
    fn forget_weakrefs(&self, unreachable: &[Object]);
    /// Does destroying this object run a finalizer that has not run yet?
    fn has_finalizer(&self, object: &Object) -> bool;
    /// Run the finalizer. It may revive anything.
    fn finalize(&self, object: &Object);
    /// DEBUG_SAVEALL keeps these.
    fn keep_garbage(&self, unreachable: &[Object]);
}

impl Heap {
    /// Which generation is due, by the counts.
    pub fn due_generation(&mut self) -> usize {
        let state = &self.collector;
        if state.thresholds[2] > 0
            && state.counts[2] > state.thresholds[2]
            && state.long_lived_pending >= state.long_lived_total / 4
        {
            return 2;
        }
        if state.thresholds[1] > 0 && state.counts[1] > state.thresholds[1] {
            return 1;
        }
        0
    }

    fn each_container(&self, generation: u32, mut f: impl FnMut(*mut Header)) {
        let mask = (1u8 << (generation + 1)) - 1;
        for &block in &self.container_blocks {
            // SAFETY: listed blocks are alive; used slots hold headers.
            unsafe {
                if generation < 2 && (*block).young & mask == 0 {
                    continue;
                }
                for object in Block::slots(block) {
                    if *(object as *const u64) != 0
                        && (*object).has(TRACKED)
                        && (*object).generation() <= generation
                    {
                        f(object);
                    }
                }
            }
        }
        for &prefix in &self.large {
            // SAFETY: listed large objects are alive.
            unsafe {
                let object = prefix.add(1) as *mut Header;
                if (*object).has(TRACKED) && (*object).generation() <= generation {
                    f(object);
                }
            }
        }
    }

    /// Every container alive (`gc.get_objects`), of one generation or all.
    pub fn containers(&self, generation: Option<u32>) -> Vec<Object> {
        let mut out = Vec::new();
        self.each_container(3, |object| {
            // SAFETY: tracked objects are alive; those with count 0 are being destroyed.
            unsafe {
                if (*object).count() != 0 && generation.is_none_or(|g| g == (*object).generation()) {
                    out.push(Object::from_borrowed(Value::from_ptr(object)));
                }
            }
        });
        out
    }

    /// Moves everything to the permanent generation or back (`gc.freeze`).
    pub fn set_frozen(&mut self, frozen: bool) {
        self.each_container(3, |object| {
            // SAFETY: alive.
            unsafe {
                if frozen {
                    (*object).set_generation(3)
                } else if (*object).generation() == 3 {
                    (*object).set_generation(2)
                }
            }
        });
    }

    /// Counts everything alive as long-lived, as if it had survived collections.
    pub fn settle(&mut self) {
        let mut count = 0;
        self.each_container(2, |object| {
            // SAFETY: alive.
            unsafe { (*object).set_generation(2) };
            count += 1;
        });
        for &block in &self.container_blocks {
            // SAFETY: listed blocks are alive.
            unsafe { (*block).young = 0 };
        }
        self.mark_current_young();
        self.allocated = 0;
        self.collector.long_lived_total = count;
    }

    /// Is what was there at [`Heap::settle`] all that is long-lived?
    pub fn is_settled(&self) -> bool {
        self.collector.long_lived_pending == 0 && self.collector.collections[2] == 0
    }

    /// Collects `generation` and the younger ones. Returns (collected, uncollectable).
    ///
    /// # Safety
    /// At a safe point, with the GIL held. `heap` may be used again by the hooks
    /// while this runs, hence the raw pointer.
    pub unsafe fn collect(heap: *mut Heap, generation: usize, hooks: &dyn CollectorHooks) -> (usize, usize) {
        // SAFETY: the whole function works on objects of the attached heap under the GIL.
        unsafe {
            if (*heap).collector.collecting {
                return (0, 0);
            }
            (*heap).collector.collecting = true;
            (*heap).breaker.fetch_and(!crate::heap::COLLECT, std::sync::atomic::Ordering::Relaxed);
            (*heap).allocated = 0;
            {
                let state = &mut (*heap).collector;
                if generation + 1 < 3 {
                    state.counts[generation + 1] += 1;
                }
                for count in &mut state.counts[..=generation] {
                    *count = 0;
                }
            }
            let (mut dead, survivors) = (*heap).find_unreachable(generation as u32);
            {
                let state = &mut (*heap).collector;
                if generation == 2 {
                    state.long_lived_pending = 0;
                    state.long_lived_total = survivors as i64;
                } else if generation == 1 {
                    state.long_lived_pending += survivors as i64;
                }
            }
            let mut found = dead.len();
            if (*heap).collector.save_all {
                hooks.keep_garbage(&dead);
                dead.clear();
            }
            if !dead.is_empty() {
                hooks.clear_weakrefs(&dead);
                let mut revived = false;
                let root = (*heap).collector.root.take();
                let ordered = root
                    .filter(|_| dead.iter().any(|object| hooks.has_finalizer(object)))
                    .map(|root| from_root(root, &dead));
                for object in ordered.as_ref().unwrap_or(&dead) {
                    if hooks.has_finalizer(object) {
                        hooks.finalize(object);
                        revived = true;
                    }
                }
                drop(ordered);
                if revived {
                    dead = (*heap).still_unreachable(dead);
                    found = dead.len();
                    hooks.forget_weakrefs(&dead);
                }
                for object in &dead {
                    if let Some(header) = object.header()
                        && let Some(clear) = (*header.ty()).clear
                    {
                        clear(object.as_ptr());
                    }
                }
                drop(dead);
            }
            let state = &mut (*heap).collector;
            state.collections[generation] += 1;
            state.collected[generation] += found as u64;
            state.collecting = false;
            (found, 0)
        }
    }

    unsafe fn find_unreachable(&mut self, generation: u32) -> (Vec<Object>, usize) {
        let mut candidates: Vec<*mut Header> = Vec::new();
        self.each_container(generation, |object| candidates.push(object));
        // SAFETY: candidates are alive containers; see the module text.
        unsafe {
            for &object in &candidates {
                if !(*object).has(LARGE) {
                    (*block_of(object)).make_working_counts();
                }
                *working_count(object) = (*object).count();
                (*object).set(COLLECTING);
            }
            for &object in &candidates {
                traverse(object, &mut Visitor { mode: Mode::Subtract });
            }
            let mut stack: Vec<*mut Header> = Vec::new();
            for &object in &candidates {
                // A count of 0 is an object in the middle of its destruction.
                if (*object).has(COLLECTING) && (*working_count(object) > 0 || (*object).count() == 0) {
                    (*object).unset(COLLECTING);
                    stack.push(object);
                    while let Some(reachable) = stack.pop() {
                        traverse(reachable, &mut Visitor { mode: Mode::Reach(&mut stack) });
                    }
                }
            }
            let next = (generation + 1).min(2);
            let mut dead = Vec::new();
            let mut survivors = 0;
            let next_mask_blocks = next == 1;
            for &object in &candidates {
                if (*object).has(COLLECTING) {
                    (*object).unset(COLLECTING);
                    dead.push(Object::from_borrowed(Value::from_ptr(object)));
                } else {
                    survivors += 1;
                    (*object).set_generation(next);
                }
            }
            for &block in &self.container_blocks {
                (*block).drop_working_counts();
                if (*block).young & 1 != 0 && next_mask_blocks {
                    (*block).young = 2;
                } else if !next_mask_blocks {
                    (*block).young = 0;
                }
            }
            self.mark_current_young();
            (dead, survivors)
        }
    }

    /// Of `dead` (each held by one handle), those that are reachable only from
    /// one another still.
    unsafe fn still_unreachable(&mut self, dead: Vec<Object>) -> Vec<Object> {
        // SAFETY: the handles keep the objects alive.
        unsafe {
            let mut blocks: Vec<*mut Block> = Vec::new();
            for object in &dead {
                let header = object.as_ptr();
                if !(*header).has(LARGE) {
                    let block = block_of(header);
                    if (*block).make_working_counts() {
                        blocks.push(block);
                    }
                }
                *working_count(header) = (*header).count() - 1;
                (*header).set(COLLECTING);
            }
            for object in &dead {
                traverse(object.as_ptr(), &mut Visitor { mode: Mode::Subtract });
            }
            let mut stack = Vec::new();
            for object in &dead {
                let header = object.as_ptr();
                if (*header).has(COLLECTING) && *working_count(header) > 0 {
                    (*header).unset(COLLECTING);
                    stack.push(header);
                    while let Some(reachable) = stack.pop() {
                        traverse(reachable, &mut Visitor { mode: Mode::Reach(&mut stack) });
                    }
                }
            }
            let mut out = Vec::new();
            for object in dead {
                if object.header().is_some_and(|h| h.has(COLLECTING)) {
                    (*object.as_ptr()).unset(COLLECTING);
                    out.push(object);
                }
            }
            for block in blocks {
                (*block).drop_working_counts();
            }
            out
        }
    }
}

unsafe fn traverse(object: *mut Header, visitor: &mut Visitor) {
    // SAFETY: the object is alive, its type fits it.
    unsafe {
        if let Some(traverse) = (*(*object).ty()).traverse {
            traverse(object, visitor)
        }
    }
}

/// The objects that `object` refers to directly (`gc.get_referents`).
pub fn referents(object: &Object) -> Vec<Object> {
    let mut out = Vec::new();
    if object.is_ptr() {
        // SAFETY: alive through the handle.
        unsafe { traverse(object.as_ptr(), &mut Visitor { mode: Mode::List(&mut out) }) }
    }
    out
}

/// Does `container` refer to `wanted` directly? (`gc.get_referrers`)
pub fn refers_to(container: &Object, wanted: &Object) -> bool {
    if !container.is_ptr() {
        return false;
    }
    let mut visitor = Visitor { mode: Mode::Find(wanted.value(), false) };
    // SAFETY: alive through the handle.
    unsafe { traverse(container.as_ptr(), &mut visitor) };
    matches!(visitor.mode, Mode::Find(_, true))
}

/// Starts tracking a fully initialised container.
#[inline]
pub fn track(object: &Object) {
    if let Some(header) = object.header() {
        header.set(TRACKED)
    }
}
