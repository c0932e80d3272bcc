//! Attributes: the quickened loads and stores. The guard is the version of the
//! object's type; places that see many types go to a table for all.

use super::*;
use crate::alloc::{INLINE_SHIFT, LAST_SHIFT};
use crate::interp::{copy_closure, push_frame};
use crate::types::function::Function;
use crate::types::module::MODULE;

/// May a value cached from the type be used for this object? Not if the
/// instance has a real `__dict__` with the name.
#[inline(always)]
unsafe fn not_shadowed(object: Value, cache: &Cache) -> bool {
    if cache.index == 0 {
        return true;
    }
    let dict = *((object.as_ptr() as *const u8).add(cache.index as usize) as *const Value);
    dict.is_unbound() || not_in_dict(dict, cache)
}

/// Is there no `__dict__` that could have the name?
#[inline(always)]
unsafe fn has_no_dict(object: Value, cache: &Cache) -> bool {
    cache.index == 0 || {
        let dict = *((object.as_ptr() as *const u8).add(cache.index as usize) as *const Value);
        dict.is_unbound()
    }
}

#[cold]
#[inline(never)]
unsafe fn not_in_dict(dict: Value, cache: &Cache) -> bool {
    Dict::from_raw(dict).get_str(Object::borrow_value(&cache.name)).is_none()
}

/// The value of a module's global, if the cache still knows where it is.
#[inline(always)]
unsafe fn module_entry(object: Value, cache: &Cache) -> Option<Value> {
    if !is_exact(object, &MODULE) {
        return None;
    }
    let dict = *((object.as_ptr() as *const u8).add(MODULE.dict_offset.get()) as *const Value);
    (dict.is_ptr() && Dict::from_raw(dict).version() == cache.version).then(|| *cache.place())
}

#[inline(always)]
unsafe fn has_version(object: Value, cache: &Cache) -> bool {
    object.is_ptr() && (*type_ptr(object)).version.get() == cache.version
}

/// Is the object a class, and of the version in the cache?
#[inline(always)]
unsafe fn is_class_of_version(object: Value, cache: &Cache) -> bool {
    object.is_ptr()
        && (*type_ptr(object)).has(type_flags::TYPE_SUBCLASS)
        && (*(object.as_ptr() as *const Type)).version.get() == cache.version
}

/// Stores what was loaded from `object`, the operand `b`.
#[inline(always)]
unsafe fn loaded(m: &mut Core, ins: At, object: Value, value: Value) -> Done {
    incref(value);
    if ins.has(f::B_TEMP) {
        m.put(ins.b(), Value::UNBOUND);
        let old = m.reg(ins.a());
        m.put(ins.a(), value);
        m.finally_drop_both(object, old)
    } else {
        m.finish(ins.a(), value)
    }
}

/// A load whose cache missed.
#[inline(always)]
pub unsafe fn shared_load(m: &mut Core, ins: At) -> Done {
    let object = m.reg(ins.b());
    let value = slow::shared_attr(m.vm, object, m.cache(ins));
    if !value.is_unbound() {
        return loaded(m, ins, object, value);
    }
    slowly!(m, slow::load_attr(m.vm, m.frame(), ins.word()))
}

/// `LoadAttrPlace` and `LoadAttrOfTemporary`: into a temporary, which holds nothing.
#[inline(always)]
pub unsafe fn load_place_to_temporary<const OF_TEMPORARY: bool>(m: &mut Core, ins: At) -> Done {
    let b = m.reg(ins.b());
    let cache = m.cache(ins);
    if has_version(b, cache) {
        let value = *((b.as_ptr() as *const u8).add(cache.index as usize) as *const Value);
        if !value.is_unbound() {
            incref(value);
            if OF_TEMPORARY {
                m.put(ins.b(), Value::UNBOUND);
                m.put(ins.a(), value);
                return m.finally_drop(b);
            }
            m.put(ins.a(), value);
            return Ok(());
        }
    }
    MISS
}

/// `LoadAttrInline` and `LoadAttrSlot`.
#[inline(always)]
pub unsafe fn load_place(m: &mut Core, ins: At) -> Done {
    let b = m.reg(ins.b());
    let cache = m.cache(ins);
    if has_version(b, cache) {
        let value = *((b.as_ptr() as *const u8).add(cache.index as usize) as *const Value);
        if !value.is_unbound() {
            return loaded(m, ins, b, value);
        }
    }
    MISS
}

#[inline(always)]
pub unsafe fn load_class(m: &mut Core, ins: At) -> Done {
    let b = m.reg(ins.b());
    let cache = m.cache(ins);
    if has_version(b, cache) && not_shadowed(b, cache) {
        return loaded(m, ins, b, cache.value);
    }
    MISS
}

#[inline(always)]
pub unsafe fn load_type(m: &mut Core, ins: At) -> Done {
    let b = m.reg(ins.b());
    let cache = m.cache(ins);
    if is_class_of_version(b, cache) {
        return loaded(m, ins, b, cache.value);
    }
    MISS
}

#[inline(always)]
pub unsafe fn load_module(m: &mut Core, ins: At) -> Done {
    let b = m.reg(ins.b());
    if let Some(value) = module_entry(b, m.cache(ins)) {
        return loaded(m, ins, b, value);
    }
    MISS
}

#[inline(always)]
pub unsafe fn load_dict(m: &mut Core, ins: At) -> Done {
    let b = m.reg(ins.b());
    let cache = m.cache(ins);
    if has_version(b, cache) {
        let ty = &*type_ptr(b);
        let dict = *((b.as_ptr() as *const u8).add(ty.dict_offset.get()) as *const Value);
        if dict.is_ptr() {
            let entries = Dict::from_raw(dict).entries();
            if let Some(entry) = entries.get(cache.index as usize)
                && entry.key == cache.name
            {
                return loaded(m, ins, b, entry.value);
            }
        }
    }
    MISS
}

#[inline(always)]
pub unsafe fn load_getset(m: &mut Core, ins: At) -> Done {
    if has_version(m.reg(ins.b()), m.cache(ins)) {
        slowly!(m, slow::load_getset(m.vm, m.frame(), ins.word()));
    }
    MISS
}

#[inline(always)]
pub unsafe fn load_property(m: &mut Core, ins: At) -> Done {
    let b = m.reg(ins.b());
    let cache = m.cache(ins);
    if has_version(b, cache) {
        let func = cache.value;
        let function = payload::<Function>(func);
        let code = function.code();
        let window = (*m.frame()).window();
        if window.add(2) < m.vm.stack_end && code.fast_argc == 1 {
            m.own_b(ins, b);
            *window = b;
            m.save();
            match push_frame(m.vm, code, window, 1, func, ff::PLAIN | ff::OWNS_EXTRA) {
                Ok(new) => {
                    incref(func);
                    (*new).extra = func;
                    copy_closure(code, window, function.closure());
                    m.enter(new);
                    return Ok(());
                }
                Err(_) => {
                    crate::interp::call::drop_window(window, 1);
                    return Err(Leave::Raise);
                }
            }
        }
    }
    MISS
}

/// Stores a method and the object it is for, the operand `b`.
#[inline(always)]
unsafe fn loaded_method(m: &mut Core, ins: At, object: Value, func: Value) -> Done {
    incref(func);
    m.own_b(ins, object);
    m.put(ins.a(), func);
    m.put(ins.a() + 1, object);
    Ok(())
}

/// A load of a method that [`load_method_cached`] leaves: of a number, of an object whose
/// `__dict__` was asked for, or one for which the cache does not hold.
#[inline(always)]
pub unsafe fn shared_method(m: &mut Core, ins: At) -> Done {
    let object = m.b(ins);
    let cache = m.cache(ins);
    if slow::type_version(object) == cache.version && not_shadowed(object, cache) {
        return loaded_method(m, ins, object, cache.value);
    }
    let func = slow::shared_method(m.vm, object, m.cache(ins));
    if !func.is_unbound() {
        return loaded_method(m, ins, object, func);
    }
    slowly!(m, slow::load_method(m.vm, m.frame(), ins.word()))
}

#[inline(always)]
pub unsafe fn load_method_cached(m: &mut Core, ins: At) -> Done {
    let b = m.b(ins);
    let cache = m.cache(ins);
    if has_version(b, cache) && has_no_dict(b, cache) {
        return loaded_method(m, ins, b, cache.value);
    }
    MISS
}

/// `LoadMethodLocal` and `LoadMethodOfTemporary`: functions in classes are objects, never
/// immediate.
#[inline(always)]
pub unsafe fn load_method_of_object<const TEMPORARY: bool>(m: &mut Core, ins: At) -> Done {
    let b = m.reg(ins.b());
    let cache = m.cache(ins);
    if has_version(b, cache) {
        let dict = *((b.as_ptr() as *const u8).add(cache.index as usize) as *const Value);
        if dict.is_unbound() {
            let func = cache.value;
            (*func.as_ptr()).incref();
            if TEMPORARY {
                m.put(ins.b(), Value::UNBOUND);
            } else {
                (*b.as_ptr()).incref();
            }
            let to = m.base.add(ins.a());
            *to = func;
            *to.add(1) = b;
            return Ok(());
        }
    }
    MISS
}

/// Stores what is called without an object, loaded from the operand `b`.
#[inline(always)]
unsafe fn loaded_plain(m: &mut Core, ins: At, value: Value) -> Done {
    incref(value);
    m.free_b(ins);
    m.put(ins.a(), value);
    m.put(ins.a() + 1, Value::UNBOUND);
    Ok(())
}

#[inline(always)]
pub unsafe fn load_method_module(m: &mut Core, ins: At) -> Done {
    if let Some(value) = module_entry(m.reg(ins.b()), m.cache(ins)) {
        return loaded_plain(m, ins, value);
    }
    MISS
}

#[inline(always)]
pub unsafe fn load_method_type(m: &mut Core, ins: At) -> Done {
    let cache = m.cache(ins);
    if is_class_of_version(m.reg(ins.b()), cache) {
        return loaded_plain(m, ins, cache.value);
    }
    MISS
}

/// Stores the operand `b` at `place` in `object`, the operand `a`; `old` was there.
#[inline(always)]
unsafe fn store(m: &mut Core, ins: At, object: Value, place: *mut Value, value: Value) -> Done {
    let old = *place;
    m.own_b(ins, value);
    *place = value;
    if ins.has(f::A_TEMP) {
        m.put(ins.a(), Value::UNBOUND);
        return m.finally_drop_both(old, object);
    }
    m.finally_drop(old)
}

/// A store whose cache missed.
#[inline(always)]
pub unsafe fn shared_store(m: &mut Core, ins: At) -> Done {
    let object = m.reg(ins.a());
    let place = slow::shared_place(m.vm, object, m.cache(ins));
    if !place.is_null() {
        let value = m.b(ins);
        if !value.is_unbound() {
            return store(m, ins, object, place, value);
        }
    }
    slowly!(m, slow::store_attr(m.vm, m.frame(), ins.word()))
}

#[inline(always)]
pub unsafe fn store_inline(m: &mut Core, ins: At) -> Done {
    let object = m.reg(ins.a());
    let cache = m.cache(ins);
    if has_version(object, cache) {
        let place = (object.as_ptr() as *mut u8).add(cache.index as usize) as *mut Value;
        if !(*place).is_unbound() || may_add(object, cache) {
            let value = m.b(ins);
            if value.is_unbound() {
                return m.unbound(ins.b());
            }
            return store(m, ins, object, place, value);
        }
    }
    MISS
}

/// Inline values are added in rising order: may the one in the cache be next? Then
/// it is now the last.
#[inline(always)]
unsafe fn may_add(object: Value, cache: &Cache) -> bool {
    let header = &*object.as_ptr();
    let position = cache.version2;
    let ty = &*type_ptr(object);
    let dict = *((object.as_ptr() as *const u8).add(ty.dict_offset.get()) as *const Value);
    let last = header.flags() >> LAST_SHIFT & 0xff;
    if dict.is_unbound() && position >= last && position < header.flags() >> INLINE_SHIFT {
        header.unset(0xff << LAST_SHIFT);
        header.set((position + 1) << LAST_SHIFT);
        true
    } else {
        false
    }
}

#[inline(always)]
pub unsafe fn store_slot(m: &mut Core, ins: At) -> Done {
    let object = m.reg(ins.a());
    let cache = m.cache(ins);
    if has_version(object, cache) {
        let value = m.b(ins);
        if value.is_unbound() {
            return m.unbound(ins.b());
        }
        let place = (object.as_ptr() as *mut u8).add(cache.index as usize) as *mut Value;
        return store(m, ins, object, place, value);
    }
    MISS
}
