//! What the interpreters of a process share: static types with all that their dicts hold, well-known
//! names, the parsed signatures of natives (PEP 684 calls such objects immortal; so do we).
//!
//! While there is one interpreter, nothing of this is special. [`begin`], called before the second one
//! is made, makes all of it immortal and hides it from the collector; what becomes ready later is
//! treated so at once. From then on nobody writes to shared objects but under [`LOCK`].

use crate::native::Signature;
use crate::prelude::*;
use crate::types::native_function;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use taipan_object::header_flags::TRACKED;

static SHARED: AtomicBool = AtomicBool::new(false);
static LOCK: Mutex<Known> = Mutex::new(Known(Vec::new()));
static SIGNATURES: Mutex<Vec<&'static Signature>> = Mutex::new(Vec::new());
static TYPE_VERSION: AtomicU32 = AtomicU32::new(0);

/// The static types that are ready, for [`begin`].
pub(crate) struct Known(Vec<&'static Type>);

/// Are there, or were there, several interpreters?
#[inline(always)]
pub(crate) fn is_on() -> bool {
    SHARED.load(Ordering::Relaxed)
}

/// A version that no type of any interpreter has, or 0: they ran out.
pub(crate) fn next_type_version() -> u32 {
    let next = |version: u32| version.checked_add(1);
    TYPE_VERSION.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).map_or(0, |version| version + 1)
}

/// Held while a static type is made ready. Nothing that waits for the GIL happens meanwhile.
pub(crate) fn lock() -> MutexGuard<'static, Known> {
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

fn signatures() -> MutexGuard<'static, Vec<&'static Signature>> {
    SIGNATURES.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Known {
    /// A static type has become ready, or its dict was added to.
    pub(crate) fn add_type(&mut self, vm: &Vm, ty: &'static Type) {
        if is_on() {
            share_type(vm, ty);
        } else if !self.0.iter().any(|known| known.is(ty)) {
            self.0.push(ty);
        }
    }
}

/// A signature has been parsed.
pub(crate) fn add_signature(vm: &Vm, signature: &'static Signature) {
    let mut signatures = signatures();
    if is_on() {
        share_signature(vm, signature);
    } else {
        signatures.push(signature);
    }
}

/// Adds to the dict of a static type what its module has for it: once in a process. `add` runs no
/// Python code and makes no type ready.
pub fn complete(vm: &Vm, ty: &'static Type, add: impl FnOnce()) {
    let mut known = lock();
    if !ty.has(type_flags::COMPLETE) {
        add();
        ty.flags.set(ty.flags.get() | type_flags::COMPLETE);
        ty.modified();
        ty.version_tag(vm);
        known.add_type(vm, ty);
    }
}

/// There will be a second interpreter: what is to be shared must not change any more.
pub(crate) fn begin(vm: &Vm) {
    let mut known = lock();
    if SHARED.swap(true, Ordering::Relaxed) {
        return;
    }
    for ty in std::mem::take(&mut known.0) {
        share_type(vm, ty);
    }
    for signature in std::mem::take(&mut *signatures()) {
        share_signature(vm, signature);
    }
    for c in 0..=255 {
        if let Some(char) = vm.latin1_char(c) {
            share_object(vm, &char);
        }
    }
}

fn share_type(vm: &Vm, ty: &'static Type) {
    ty.flags.set(ty.flags.get() | type_flags::IMMUTABLE);
    ty.version_tag(vm);
    let extra = ty.extra();
    for (key, value) in ty.dict().items() {
        share_object(vm, &key);
        share_object(vm, &value);
    }
    make_shared(&extra.dict);
    for part in [&extra.bases, &extra.mro].into_iter().chain(&extra.qualname).chain(&extra.name_object) {
        share_object(vm, part);
    }
}

fn share_signature(vm: &Vm, signature: &Signature) {
    for param in &signature.params {
        share_object(vm, &param.name_object);
        if let Some(default) = &param.default {
            share_object(vm, default);
        }
    }
}

/// False: it was done before, or there is nothing to do.
fn make_shared(object: &Object) -> bool {
    let Some(header) = object.header() else { return false };
    if header.is_immortal() && !header.has(TRACKED) {
        return false;
    }
    header.make_immortal();
    header.unset(TRACKED);
    true
}

/// The object, and what it refers to. Classes of Python's making stay as they are.
fn share_object(vm: &Vm, object: &Object) {
    let mut rest = vec![object.clone()];
    while let Some(object) = rest.pop() {
        if Type::of(&object).is_some() || !make_shared(&object) {
            continue;
        }
        if let Some(s) = object.downcast_exact::<Str>() {
            s.hash(vm);
        } else if let Some(signature) = native_function::settled_signature(vm, &object) {
            share_signature(vm, signature);
        }
        rest.extend(taipan_object::collector::referents(&object));
    }
}
