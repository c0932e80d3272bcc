//! Attribute lookup: types through a global method cache, instances through
//! inline values or dicts; the generic `getattr`/`setattr`.

use crate::alloc::{DICT_AT_END, INLINE_SHIFT, LAST_SHIFT, dict_word, inline_values};
use crate::names::name;
use crate::prelude::*;
use crate::types::typ;

const CACHE_SIZE: usize = 4096;

/// An entry of the method cache: valid while the type's version is `version`.
pub struct CacheEntry {
    version: u32,
    /// Held: another string in its place would be taken for it.
    name: Object,
    value: Option<Value>,
}

pub fn new_cache() -> Vec<CacheEntry> {
    let empty = || CacheEntry { version: 0, name: Object::UNBOUND, value: None };
    std::iter::repeat_with(empty).take(CACHE_SIZE).collect()
}

impl Type {
    /// The version of the type, assigned if it has none. 0: versions ran out.
    #[inline]
    pub fn version_tag(&self, vm: &Vm) -> u32 {
        let version = self.version.get();
        if version != 0 { version } else { self.assign_version(vm) }
    }
    #[cold]
    fn assign_version(&self, _vm: &Vm) -> u32 {
        // A change of a base invalidates subtypes by walking `subclasses`.
        self.version.set(crate::sharing::next_type_version());
        self.version.get()
    }
    /// Attribute lookup on the type or its bases may give something else now.
    pub fn modified(&self) {
        self.version.set(0);
        self.each_subclass(Type::modified);
    }
    /// What `name` (interned) is in the MRO, without binding. The borrow holds
    /// while the type is not changed.
    #[inline]
    pub fn lookup(&self, vm: &Vm, name: &Object) -> Option<Value> {
        let version = self.version.get();
        // SAFETY: the cache is only touched here, under the GIL, and no Python code runs meanwhile.
        let cache = unsafe { &mut *vm.interp().method_cache.get() };
        let key = name.bits();
        let index = ((key >> 4) as usize ^ (version as usize).wrapping_mul(7)) & (CACHE_SIZE - 1);
        let entry = &cache[index];
        if entry.version == version && entry.name.bits() == key && version != 0 {
            return entry.value;
        }
        self.lookup_slow(vm, name)
    }
    #[inline(never)]
    fn lookup_slow(&self, vm: &Vm, name: &Object) -> Option<Value> {
        let mut found = None;
        for class in self.mro() {
            if let Some(value) = class.dict().get_str(name) {
                found = Some(value);
                break;
            }
        }
        let interned = name.downcast_exact::<Str>().is_some_and(|s| Str::is_interned(name) || s.is_empty());
        let version = if interned { self.version_tag(vm) } else { 0 };
        if version != 0 {
            let key = name.bits();
            let index = ((key >> 4) as usize ^ (version as usize).wrapping_mul(7)) & (CACHE_SIZE - 1);
            // SAFETY: as in lookup.
            let cache = unsafe { &mut *vm.interp().method_cache.get() };
            let entry = CacheEntry { version, name: name.clone(), value: found };
            let old = std::mem::replace(&mut cache[index], entry);
            drop(old);
        }
        found
    }
    /// As [`Type::lookup`], a new reference.
    #[inline]
    pub fn lookup_owned(&self, vm: &Vm, name: &Object) -> Option<Object> {
        // SAFETY: found in a live dict.
        self.lookup(vm, name).map(|value| unsafe { Object::from_borrowed(value) })
    }
}

/// The index of `name` among the inline value names of `ty`, if it is one.
pub fn inline_index(ty: &Type, name: &Object) -> Option<usize> {
    let keys = &ty.extra().shared_keys;
    let value = name.value();
    // Four at a time: most names that are looked for are not there.
    let (fours, rest) = keys.as_chunks::<4>();
    for (i, four) in fours.iter().enumerate() {
        if (four[0] == value) | (four[1] == value) | (four[2] == value) | (four[3] == value) {
            return four.iter().position(|&key| key == value).map(|at| i * 4 + at);
        }
    }
    if let Some(i) = rest.iter().position(|&key| key == value) {
        return Some(fours.len() * 4 + i);
    }
    if Str::is_unique(name) {
        return None;
    }
    let wanted = name.downcast::<Str>()?;
    keys.iter().position(|key| Object::borrow_value(key).downcast::<Str>().is_some_and(|k| k.equals(wanted)))
}

/// As [`inline_index`], adding the name if there is room.
fn inline_index_or_add(vm: &Vm, ty: &Type, name: &Object) -> Option<usize> {
    if let Some(i) = inline_index(ty, name) {
        return Some(i);
    }
    let capacity = ty.inline_capacity.get() as usize;
    if ty.extra().shared_keys.len() >= capacity || !name.ty().is(&crate::types::str::STR) {
        return None;
    }
    let interned = vm.intern_object(name);
    ty.update_extra(|extra| {
        extra.shared_keys.push(interned.into_value());
        Some(extra.shared_keys.len() - 1)
    })
    .inspect(|_| ty.modified())
}

/// Does the instance keep its attributes in inline values right now?
#[inline]
pub fn has_inline_values(object: &Object) -> bool {
    let ty = object.ty();
    let offset = ty.dict_offset.get();
    if offset == 0 || offset == DICT_AT_END || !ty.is_heap() {
        return false;
    }
    let room = object.header().map_or(0, |h| h.flags() >> INLINE_SHIFT);
    // SAFETY: the type has a fixed dict word.
    room != 0 && dict_word(object).is_some_and(|word| unsafe { (*word).is_unbound() })
}

/// An instance attribute, without looking at the type. Borrowed: valid until
/// something is stored.
#[inline]
pub fn instance_get(vm: &Vm, object: &Object, name: &Object) -> Result<Option<Object>> {
    let Some(word) = dict_word(object) else { return Ok(None) };
    // SAFETY: the word is the object's dict word.
    let dict = unsafe { *word };
    if dict.is_unbound() {
        if has_inline_values(object)
            && let Some(i) = inline_index(object.ty(), name)
        {
            let values = inline_values(object);
            // SAFETY: within the object's room; a bound word is alive.
            unsafe {
                if i < values.len() {
                    let value = (&(*values))[i];
                    if !value.is_unbound() {
                        return Ok(Some(Object::from_borrowed(value)));
                    }
                }
            }
        }
        return Ok(None);
    }
    // SAFETY: the dict is alive through the object; keep it over a lookup that may run code.
    let dict = unsafe { Object::from_borrowed(dict) };
    match dict.downcast::<Dict>() {
        Some(d) => d.get(vm, name),
        None => Ok(None),
    }
}

/// Stores (or deletes: None) an instance attribute. Ok(false): deleting what is not there.
pub fn instance_set(vm: &Vm, object: &Object, name: &Object, value: Option<&Object>) -> Result<bool> {
    let ty = object.ty();
    if has_inline_values(object) {
        let index = match value {
            Some(_) => inline_index_or_add(vm, ty, name),
            None => inline_index(ty, name),
        };
        let values = inline_values(object);
        if let Some(i) = index
            && i < values.len()
        {
            // SAFETY: within the object's room.
            let slot = unsafe { &mut (&mut (*values))[i] };
            let Some(header) = object.header() else { return Ok(false) };
            let last = header.flags() >> LAST_SHIFT & 0xff;
            match value {
                Some(value) => {
                    if !slot.is_unbound() || (i as u32) >= last {
                        if slot.is_unbound() {
                            set_last(header, i as u32 + 1);
                        }
                        let old = std::mem::replace(slot, value.clone().into_value());
                        // SAFETY: the object owned it.
                        drop(unsafe { Object::from_owned(old) });
                        return Ok(true);
                    }
                }
                None => {
                    if slot.is_unbound() {
                        return Ok(false);
                    }
                    let old = std::mem::replace(slot, Value::UNBOUND);
                    // SAFETY: the object owned it.
                    drop(unsafe { Object::from_owned(old) });
                    return Ok(true);
                }
            }
        } else if value.is_none() {
            return Ok(false);
        }
    }
    let Some(dict) = instance_dict(vm, object) else { return Ok(false) };
    let Some(d) = dict.downcast::<Dict>() else { return Ok(false) };
    match value {
        Some(value) => d.set(vm, name, value.clone()).map(|_| true),
        None => d.remove(vm, name).map(|old| old.is_some()),
    }
}

fn set_last(header: &Header, last: u32) {
    header.unset(0xff << LAST_SHIFT);
    header.set(last << LAST_SHIFT);
}

/// The instance's `__dict__`, made of the inline values if need be; None if
/// instances of the type have none.
pub fn instance_dict(vm: &Vm, object: &Object) -> Option<Object> {
    let word = dict_word(object)?;
    // SAFETY: the object's own words.
    unsafe {
        if !(*word).is_unbound() {
            return Some(Object::from_borrowed(*word));
        }
        let dict = vm.new_dict();
        if let Some(d) = dict.downcast::<Dict>() {
            let values = inline_values(object);
            let keys = &object.ty().extra().shared_keys;
            d.fill(vm, Object::borrow_slice(keys), &mut *values);
        }
        *word = dict.clone().into_value();
        Some(dict)
    }
}

/// Replaces the instance's `__dict__`.
pub fn set_instance_dict(vm: &Vm, object: &Object, dict: Object) {
    drop(instance_dict(vm, object));
    if let Some(word) = dict_word(object) {
        // SAFETY: the object's own word; what it held was owned.
        unsafe { drop(Object::from_owned(std::mem::replace(&mut *word, dict.into_value()))) }
    }
}

/// `object.__getattribute__`: data descriptors, the instance, other
/// descriptors, the class. None: no such attribute.
pub fn generic_lookup(vm: &Vm, object: &Object, name: &Object) -> Result<Option<Object>> {
    let ty = object.ty();
    let found = ty.lookup_owned(vm, name);
    let mut getter = None;
    if let Some(descr) = &found {
        let slots = descr.ty().slots();
        getter = slots.descr_get;
        if let Some(get) = getter
            && slots.descr_set.is_some()
        {
            let owner = ty.to_object();
            return absent_if_attribute_error(get(vm, descr, Some(object), Some(&owner)));
        }
    }
    if let Some(value) = instance_get(vm, object, name)? {
        return Ok(Some(value));
    }
    match (found, getter) {
        (Some(descr), Some(get)) => {
            let owner = ty.to_object();
            absent_if_attribute_error(get(vm, &descr, Some(object), Some(&owner)))
        }
        (found, _) => Ok(found),
    }
}

fn absent_if_attribute_error(result: Result) -> Result<Option<Object>> {
    result.map(Some)
}

/// The `getattr` slot of most types.
pub fn generic_getattr(vm: &Vm, object: &Object, name: &Object) -> Result {
    match generic_lookup(vm, object, name)? {
        Some(value) => Ok(value),
        None => Err(vm.no_attribute(object, name)),
    }
}

/// The `setattr` slot of most types.
pub fn generic_setattr(vm: &Vm, object: &Object, name: &Object, value: Option<&Object>) -> Result<()> {
    let ty = object.ty();
    let found = ty.lookup_owned(vm, name);
    if let Some(descr) = &found
        && let Some(set) = descr.ty().slots().descr_set
    {
        return set(vm, descr, object, value);
    }
    if ty.dict_offset.get() != 0 && instance_set(vm, object, name, value)? {
        return Ok(());
    }
    let shown = vm.str_lossy(name);
    if ty.dict_offset.get() == 0 {
        let text = match (found.is_some(), value.is_some() || ty.slots().setattr.is_some()) {
            (true, _) => format!("'{}' object attribute '{}' is read-only", ty.full_name(), shown),
            _ if !ty.has(type_flags::GENERIC_SETATTR) => {
                format!("'{}' object has no attribute '{}'", ty.full_name(), shown)
            }
            (false, _) => format!(
                "'{}' object has no attribute '{}' and no __dict__ for setting new attributes",
                ty.full_name(),
                shown
            ),
        };
        return Err(vm.attribute_error(text, object, name));
    }
    Err(vm.no_attribute(object, name))
}

impl Vm {
    /// `getattr(object, name)`.
    #[inline]
    pub fn get_attr(&self, object: &Object, name: &Object) -> Result {
        let result = match object.ty().slots().getattr {
            Some(get) => get(self, object, name),
            None => generic_getattr(self, object, name),
        };
        if result.is_err() {
            crate::types::exceptions::fill_attribute_error(self, object, name);
        }
        result
    }
    /// `getattr(object, name, None)` in Rust's sense.
    pub fn lookup_attr(&self, object: &Object, name: &Object) -> Result<Option<Object>> {
        let ty = object.ty();
        if ty.has(type_flags::GENERIC_GETATTR) {
            let result = generic_lookup(self, object, name);
            return match self.swallow(result, &exc::ATTRIBUTE_ERROR)? {
                Some(found) => Ok(found),
                None => Ok(None),
            };
        }
        if typ::looks_up_plainly(ty) {
            let result = typ::type_lookup(self, object, name);
            return Ok(self.swallow(result, &exc::ATTRIBUTE_ERROR)?.flatten());
        }
        let result = self.get_attr(object, name);
        self.swallow(result, &exc::ATTRIBUTE_ERROR)
    }
    /// `getattr` with a name given as text.
    pub fn get_attr_str(&self, object: &Object, name: &str) -> Result {
        self.get_attr(object, &self.intern(name))
    }
    pub fn lookup_attr_str(&self, object: &Object, name: &str) -> Result<Option<Object>> {
        self.lookup_attr(object, &self.intern(name))
    }
    /// `setattr(object, name, value)`.
    pub fn set_attr(&self, object: &Object, name: &Object, value: &Object) -> Result<()> {
        self.set_or_delete_attr(object, name, Some(value))
    }
    pub fn set_attr_str(&self, object: &Object, name: &str, value: &Object) -> Result<()> {
        self.set_attr(object, &self.intern(name), value)
    }
    /// `delattr(object, name)`.
    pub fn delete_attr(&self, object: &Object, name: &Object) -> Result<()> {
        self.set_or_delete_attr(object, name, None)
    }
    #[inline]
    pub fn set_or_delete_attr(&self, object: &Object, name: &Object, value: Option<&Object>) -> Result<()> {
        match object.ty().slots().setattr {
            Some(set) => set(self, object, name, value),
            None => generic_setattr(self, object, name, value),
        }
    }
    /// A special method: looked up on the type, bound to the object.
    pub fn special_method(&self, object: &Object, name: &Object) -> Result<Option<Object>> {
        let ty = object.ty();
        let Some(found) = ty.lookup_owned(self, name) else { return Ok(None) };
        match found.ty().slots().descr_get {
            Some(get) => get(self, &found, Some(object), Some(&ty.to_object())).map(Some),
            None => Ok(Some(found)),
        }
    }
    /// Calls the special method `name` of the object's type; None if it has none.
    pub fn call_special(&self, object: &Object, name: &Object, args: &[Object]) -> Result<Option<Object>> {
        let ty = object.ty();
        let Some(found) = ty.lookup_owned(self, name) else { return Ok(None) };
        if found.ty().has(type_flags::METHOD_DESCRIPTOR) {
            return self.call_with_self(&found, object, args, &[]).map(Some);
        }
        let bound = match found.ty().slots().descr_get {
            Some(get) => get(self, &found, Some(object), Some(&ty.to_object()))?,
            None => found,
        };
        self.call(&bound, args).map(Some)
    }
    /// Does the object's type have `__getattr__` (the fallback hook)?
    pub fn has_getattr_hook(&self, ty: &Type) -> bool {
        ty.lookup(self, name::getattr.object()).is_some()
    }
}
