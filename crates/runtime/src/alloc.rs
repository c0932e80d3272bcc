//! Making and destroying objects: the one `dealloc`, `traverse` and `clear`
//! that all types share. An instance is
//! `[header][native payload][slots][dict word][inline values]`; for VAR_SIZED
//! payloads slots and dict word lie behind the variable part.

use crate::native::Payload;
use crate::prelude::*;
use crate::types::weakref;
use taipan_object::header::header_flags;
use taipan_object::{Heap, heap, object as raw};

/// The header flags' highest byte: how many inline values the object has room for.
pub const INLINE_SHIFT: u32 = 24;
/// The byte below: 1 + the highest index of an inline value stored so far.
/// Values are only ever added in rising order, so that the order of the
/// indices is the order of insertion; anything else makes a real dict.
pub const LAST_SHIFT: u32 = 16;

/// How many inline values this very object has room for.
#[inline(always)]
fn inline_room(header: &Header) -> usize {
    (header.flags() >> INLINE_SHIFT) as usize
}

/// `Type::dict_offset` of types whose dict word lies behind the variable part.
pub const DICT_AT_END: usize = usize::MAX;

/// Offsets of slots that lie behind the variable part begin here.
pub const SLOTS_AT_END: usize = 1 << 40;

impl Vm {
    /// A new object of type `ty` (a static type with payload `T` or a subtype of it).
    pub fn alloc<T: NativeClass>(&self, ty: &Type, payload: T) -> Object {
        match self.try_alloc(ty, payload) {
            Some(object) => object,
            None => memory_exhausted(),
        }
    }

    /// As [`Vm::alloc`]; None if there is no memory.
    #[inline]
    pub fn try_alloc<T: NativeClass>(&self, ty: &Type, payload: T) -> Option<Object> {
        let size = ty.instance_size.get();
        // SAFETY: the size covers header, payload and the words behind it, all
        // of which are initialised before anybody sees the object.
        unsafe {
            let object = self.raw_alloc(ty, size)?;
            let memory = object.as_ptr() as *mut Payload<T>;
            (&raw mut (*memory).data).write(payload);
            let fixed = size_of::<Payload<T>>();
            fill_unbound(memory as *mut u8, fixed, size);
            let tracked = if ty.has(type_flags::HAVE_GC) { header_flags::TRACKED } else { 0 };
            (*object.as_ptr()).set(tracked | (ty.inline_capacity.get() as u32) << INLINE_SHIFT);
            Some(object)
        }
    }

    /// A var-sized object with `extra` bytes behind the payload `T`, filled by `init`.
    pub fn try_alloc_var<T: NativeClass>(
        &self,
        ty: &Type,
        payload: T,
        extra: usize,
        init: impl FnOnce(*mut u8),
    ) -> Option<Object> {
        let fixed = size_of::<Payload<T>>();
        let var_end = fixed.checked_add(extra)?.checked_next_multiple_of(8)?;
        // Not rounded if nothing is behind: that many bytes are what is asked for.
        let behind = behind(ty);
        let size = if behind == 0 { fixed + extra } else { var_end.checked_add(behind)? };
        // SAFETY: as in try_alloc.
        unsafe {
            let object = self.raw_alloc(ty, size)?;
            let memory = object.as_ptr() as *mut Payload<T>;
            (&raw mut (*memory).data).write(payload);
            init((memory as *mut u8).add(fixed));
            fill_unbound(memory as *mut u8, var_end, size);
            if ty.has(type_flags::HAVE_GC) {
                (*object.as_ptr()).set(header_flags::TRACKED);
            }
            Some(object)
        }
    }

    /// Memory with a header; the caller initialises the rest at once.
    ///
    /// # Safety
    /// See above.
    #[inline]
    pub unsafe fn raw_alloc(&self, ty: &Type, size: usize) -> Option<Object> {
        // SAFETY: this thread holds the GIL (it has a &Vm).
        unsafe {
            let heap = heap::current();
            let memory = (*heap).allocate(size, ty.has(type_flags::HAVE_GC)) as *mut Header;
            if memory.is_null() {
                return None;
            }
            memory.write(Header::new(&ty.head));
            if size > heap::MAX_SMALL {
                (*memory).set(header_flags::LARGE);
            }
            if ty.has(type_flags::HEAP) {
                ty.head.header.incref();
            }
            Some(Object::from_owned(Value::from_ptr(memory)))
        }
    }
}

impl Vm {
    /// A new instance of exactly the static type `ty`, which has payload `T` and no
    /// `__dict__`, and is a container or not. The short way for the commonest types.
    #[inline(always)]
    pub(crate) fn alloc_exact<T: NativeClass>(
        &self,
        ty: &'static Type,
        container: bool,
        payload: T,
    ) -> Object {
        let size = size_of::<Payload<T>>();
        debug_assert!(ty.instance_size.get() == size && ty.has(type_flags::HAVE_GC) == container);
        const { assert!(size_of::<Payload<T>>() <= heap::MAX_SMALL) };
        // SAFETY: this thread holds the GIL; the object is initialised at once.
        unsafe {
            let memory = (*heap::current()).allocate(size, container) as *mut Payload<T>;
            if memory.is_null() {
                memory_exhausted();
            }
            let flags = if container { header_flags::TRACKED } else { 0 };
            (memory as *mut Header).write(Header::with_flags(&ty.head, flags));
            (&raw mut (*memory).data).write(payload);
            Object::from_owned(Value::from_ptr(memory as *mut Header))
        }
    }
}

impl Vm {
    /// As [`Vm::try_alloc_var`] for exactly the static type `ty`, which is no container:
    /// the short way for what is small. `flags` are the header's.
    #[inline(always)]
    pub(crate) fn try_alloc_var_exact<T: NativeClass>(
        &self,
        ty: &'static Type,
        flags: u32,
        payload: T,
        extra: usize,
        init: impl FnOnce(*mut u8),
    ) -> Option<Object> {
        const SHORT: usize = 256;
        const { assert!(size_of::<Payload<T>>() + SHORT <= heap::MAX_SMALL) };
        debug_assert!(!ty.has(type_flags::HAVE_GC | type_flags::HEAP));
        if extra > SHORT {
            let object = self.try_alloc_var(ty, payload, extra, init)?;
            if let Some(header) = object.header() {
                header.set(flags);
            }
            return Some(object);
        }
        let size = size_of::<Payload<T>>() + extra;
        // SAFETY: this thread holds the GIL; the object is initialised at once.
        unsafe {
            let memory = (*heap::current()).allocate(size, false) as *mut Payload<T>;
            if memory.is_null() {
                return None;
            }
            (memory as *mut Header).write(Header::with_flags(&ty.head, flags));
            (&raw mut (*memory).data).write(payload);
            init((memory as *mut u8).add(size_of::<Payload<T>>()));
            Some(Object::from_owned(Value::from_ptr(memory as *mut Header)))
        }
    }
}

/// Last resort where no exception can be raised: small allocations failed.
#[cold]
pub fn memory_exhausted() -> ! {
    std::alloc::handle_alloc_error(std::alloc::Layout::new::<u64>())
}

#[inline(always)]
unsafe fn fill_unbound(memory: *mut u8, from: usize, to: usize) {
    let mut offset = from;
    while offset < to {
        // SAFETY: within the object.
        unsafe { (memory.add(offset) as *mut Value).write(Value::UNBOUND) };
        offset += 8;
    }
}

/// Bytes of the object up to the end of its variable part, rounded to words.
unsafe fn variable_end(object: *mut Header, ty: &Type) -> usize {
    // SAFETY: as the caller's.
    unsafe { variable_size(object, ty).next_multiple_of(8) }
}

unsafe fn variable_size(object: *mut Header, ty: &Type) -> usize {
    // SAFETY: the caller's type has a VAR_SIZED native type.
    unsafe {
        let native = &*ty.native.get();
        let object = Value::from_ptr(object);
        let object = Object::borrow_value(&object);
        if native.has(type_flags::TUPLE_SUBCLASS) {
            size_of::<Payload<Tuple>>() + object.payload_unchecked::<Tuple>().len() * 8
        } else if native.has(type_flags::STR_SUBCLASS) {
            size_of::<Payload<Str>>() + object.payload_unchecked::<Str>().byte_size()
        } else {
            // A zero follows.
            size_of::<Payload<crate::types::bytes::Bytes>>()
                + object.payload_unchecked::<crate::types::bytes::Bytes>().len()
                + 1
        }
    }
}

/// Bytes of the slots behind the variable part.
#[inline]
fn slots_at_end(ty: &Type) -> usize {
    match ty.extra().slot_offsets.last() {
        Some(&last) if last >= SLOTS_AT_END => last - SLOTS_AT_END + 8,
        _ => 0,
    }
}

/// Bytes of everything behind the variable part: slots and the dict.
fn behind(ty: &Type) -> usize {
    slots_at_end(ty) + if ty.dict_offset.get() == DICT_AT_END { 8 } else { 0 }
}

/// Bytes that the object itself was given (`sys.getsizeof`); buffers that it owns elsewhere are not in it.
pub fn own_size(object: &Object) -> usize {
    let ty = object.ty();
    let Some(header) = object.header() else { return ty.instance_size.get() };
    // SAFETY: the object is alive.
    let native = unsafe { &*ty.native.get() };
    if native.has(type_flags::TUPLE_SUBCLASS | type_flags::STR_SUBCLASS | type_flags::BYTES_SUBCLASS) {
        // SAFETY: the type is VAR_SIZED.
        let end = unsafe { variable_size(object.as_ptr(), ty) };
        let behind = behind(ty);
        return if behind == 0 { end } else { end.next_multiple_of(8) + behind };
    }
    let offset = ty.dict_offset.get();
    if ty.is_heap() && offset != 0 { offset + 8 + inline_room(header) * 8 } else { ty.instance_size.get() }
}

/// Where the slot with this offset is.
///
/// # Safety
/// Instances of the object's type have the slot.
#[inline]
pub unsafe fn slot_word(object: *mut Header, offset: usize) -> *mut Value {
    // SAFETY: says the caller.
    unsafe {
        let offset = if offset >= SLOTS_AT_END {
            variable_end(object, Type::from_head((*object).ty())) + (offset - SLOTS_AT_END)
        } else {
            offset
        };
        (object as *mut u8).add(offset) as *mut Value
    }
}

/// Where the dict word behind the variable part is.
unsafe fn dict_at_end(object: *mut Header, ty: &Type) -> usize {
    // SAFETY: the caller's type has a VAR_SIZED native type.
    unsafe { variable_end(object, ty) + slots_at_end(ty) }
}

/// The word that holds an instance's `__dict__` (UNBOUND: none yet, inline
/// values count), if instances of the type have one.
#[inline]
pub fn dict_word(object: &Object) -> Option<*mut Value> {
    let ty = object.ty();
    let offset = ty.dict_offset.get();
    if offset == 0 {
        return None;
    }
    // SAFETY: the type says where the word is.
    unsafe {
        let offset = if offset == DICT_AT_END { dict_at_end(object.as_ptr(), ty) } else { offset };
        Some((object.as_ptr() as *mut u8).add(offset) as *mut Value)
    }
}

/// Inline values of an instance (empty for types without).
#[inline]
pub fn inline_values(object: &Object) -> *mut [Value] {
    let ty = object.ty();
    let offset = ty.dict_offset.get();
    let count = match object.header() {
        Some(header) if ty.is_heap() => inline_room(header),
        _ => 0,
    };
    if count == 0 || offset == 0 || offset == DICT_AT_END {
        return std::ptr::slice_from_raw_parts_mut(std::ptr::null_mut(), 0);
    }
    // SAFETY: instances of the type have `count` words behind the dict word.
    unsafe {
        let first = (object.as_ptr() as *mut u8).add(offset + 8) as *mut Value;
        std::ptr::slice_from_raw_parts_mut(first, count)
    }
}

/// `TypeHead::dealloc` of static types with payload `T`.
///
/// # Safety
/// The object's count is 0.
pub unsafe fn dealloc_static<T: NativeClass>(object: *mut Header) {
    // SAFETY: the count is 0: nobody else looks at the object.
    unsafe {
        let ty = Type::from_head((*object).ty());
        if ty.has(type_flags::HEAP)
            || ty.has(type_flags::HAS_DEL) && (*(object as *mut Payload<T>)).data.wants_finalizer()
            || ty.dict_offset.get() != 0
            || (*object).has(header_flags::HAS_WEAKREFS)
        {
            return dealloc(object);
        }
        T::dies(object);
        let heap = heap::current();
        if const { std::mem::needs_drop::<T>() } {
            if !(*heap).begin_destroy(object) {
                return;
            }
            (*object).unset(header_flags::TRACKED);
            std::ptr::drop_in_place(&raw mut (*(object as *mut Payload<T>)).data);
            (*heap).free(object);
            Heap::end_destroy(heap);
        } else {
            (*heap).free(object);
        }
    }
}

/// `TypeHead::dealloc` of heap types, and of objects with more than a payload.
///
/// # Safety
/// The object's count is 0.
#[inline(never)]
pub unsafe fn dealloc(object: *mut Header) {
    // SAFETY: the heap is this thread's.
    unsafe {
        let heap = heap::current();
        if (*heap).begin_destroy(object) {
            destroy_all(object);
            Heap::end_destroy(heap);
        }
    }
}

#[inline(always)]
unsafe fn destroy_all(object: *mut Header) {
    // SAFETY: the count is 0: nobody else looks at the object. Finalizers and
    // weak reference callbacks see it with a count of their own.
    unsafe {
        let ty = Type::from_head((*object).ty());
        let flags = ty.flags.get();
        if flags & type_flags::HAS_DEL != 0
            && !(*object).has(header_flags::FINALIZED)
            && !finalize(object, ty)
        {
            return;
        }
        if (*object).has(header_flags::HAS_WEAKREFS) {
            (*object).set_count(1);
            weakref::object_dies(object);
            (*object).set_count(0);
        }
        (*object).unset(header_flags::TRACKED);
        if flags & type_flags::HEAP != 0 {
            clear_words(object, ty);
            (ty.drop_payload)(object);
            (*heap::current()).free(object);
            raw::decref(ty.value());
        } else {
            let offset = ty.dict_offset.get();
            if offset != 0 {
                let word = (object as *mut u8).add(offset) as *mut Value;
                let dict = std::mem::replace(&mut *word, Value::UNBOUND);
                raw::decref(dict);
            }
            (ty.drop_payload)(object);
            (*heap::current()).free(object);
        }
    }
}

/// Runs `__del__`; false if the object lives on.
#[cold]
#[inline(never)]
unsafe fn finalize(object: *mut Header, ty: &Type) -> bool {
    // SAFETY: the object is revived for the time of the call.
    unsafe {
        (*object).set_count(1);
        (*object).set(header_flags::FINALIZED);
        if let Some(del) = ty.slots().del {
            let value = Value::from_ptr(object);
            let vm = Vm::current();
            let saved = vm.take_raised();
            // Calls have bounds of their own: what dies in this one need not wait.
            let depth = (*heap::current()).enter_finalizer();
            if del(vm, Object::borrow_value(&value)).is_err() {
                vm.write_unraisable_method(&value, "Exception ignored while calling deallocator");
            }
            (*heap::current()).leave_finalizer(depth);
            vm.restore_raised(saved);
        }
        let count = (*object).count() - 1;
        (*object).set_count(count);
        count == 0
    }
}

/// Slots, dict and inline values of an instance of a heap type.
unsafe fn clear_words(object: *mut Header, ty: &Type) {
    // SAFETY: the offsets are the type's; each word is taken before it is dropped.
    unsafe {
        let take = |offset: usize| {
            let word = (object as *mut u8).add(offset) as *mut Value;
            raw::decref(std::mem::replace(&mut *word, Value::UNBOUND));
        };
        for &offset in &ty.extra().slot_offsets {
            raw::decref(std::mem::replace(&mut *slot_word(object, offset), Value::UNBOUND));
        }
        let offset = ty.dict_offset.get();
        if offset == DICT_AT_END {
            take(dict_at_end(object, ty));
        } else if offset != 0 {
            for i in 0..=inline_room(&*object) {
                take(offset + i * 8);
            }
        }
    }
}

/// `TypeHead::traverse` of every type.
///
/// # Safety
/// The object is alive.
pub unsafe fn traverse(object: *mut Header, visitor: &mut Visitor) {
    // SAFETY: alive; offsets are the type's.
    unsafe {
        let ty = Type::from_head((*object).ty());
        if let Some(native) = ty.native_traverse {
            native(object, visitor);
        }
        let word = |offset: usize| *((object as *mut u8).add(offset) as *mut Value);
        let offset = ty.dict_offset.get();
        if ty.is_heap() {
            for &offset in &ty.extra().slot_offsets {
                visitor.visit(*slot_word(object, offset));
            }
            visitor.visit(ty.value());
        }
        if offset == DICT_AT_END {
            visitor.visit(word(dict_at_end(object, ty)));
        } else if offset != 0 {
            let room = if ty.is_heap() { inline_room(&*object) } else { 0 };
            for i in 0..=room {
                visitor.visit(word(offset + i * 8));
            }
        }
    }
}

/// `TypeHead::clear` of every type.
///
/// # Safety
/// The object is alive and unreachable.
pub unsafe fn clear(object: *mut Header) {
    // SAFETY: alive: the collector holds a reference.
    unsafe {
        let ty = Type::from_head((*object).ty());
        if let Some(native) = ty.native_clear {
            native(object);
        }
        if ty.is_heap() {
            clear_words(object, ty);
        } else if ty.dict_offset.get() != 0 {
            let word = (object as *mut u8).add(ty.dict_offset.get()) as *mut Value;
            raw::decref(std::mem::replace(&mut *word, Value::UNBOUND));
        }
    }
}
