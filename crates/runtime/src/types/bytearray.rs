//! bytearray: bytes that change and grow. While somebody holds a buffer of
//! it (`exports`), its size stays as it is.

use crate::buffer::BufferInfo;
use crate::prelude::*;
use crate::types::bytes::Bytes;
use crate::types::bytes_methods::{self as shared, byte_value, reserve};
use crate::types::cell::ObjectCell;
use crate::types::{iterators, slice, str};
use std::cell::{Cell, UnsafeCell};

/// Payload of bytearray.
pub struct ByteArray {
    data: UnsafeCell<Vec<u8>>,
    /// Buffers held by others.
    exports: Cell<usize>,
}

impl NativeClass for ByteArray {
    fn class() -> &'static Type {
        &BYTEARRAY
    }
}

impl ByteArray {
    /// The bytes. Not to be held while Python code runs.
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: changed only by `with`, under the GIL.
        unsafe { &*self.data.get() }
    }
    pub fn len(&self) -> usize {
        self.as_slice().len()
    }
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Changes the bytes; `f` must not run Python code, and must not change
    /// the size unless [`ByteArray::check_resizable`] allows it.
    fn with<R>(&self, f: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        // SAFETY: nothing else looks at the bytes while `f` runs.
        f(unsafe { &mut *self.data.get() })
    }
    fn check_resizable(&self, vm: &Vm) -> Result<()> {
        if self.exports.get() > 0 {
            return Err(vm.buffer_error("Existing exports of data: object cannot be re-sized"));
        }
        Ok(())
    }
    /// Replaces `start..stop` by `bytes`.
    fn splice(&self, vm: &Vm, start: usize, stop: usize, bytes: &[u8]) -> Result<()> {
        if bytes.len() == stop - start {
            self.with(|data| data[start..stop].copy_from_slice(bytes));
            return Ok(());
        }
        self.check_resizable(vm)?;
        self.with(|data| {
            if data.try_reserve(bytes.len()).is_err() {
                return Err(vm.memory_error());
            }
            let (room, given) = (stop - start, bytes.len());
            if start == data.len() {
                data.extend_from_slice(bytes);
            } else if given <= room {
                data[start..start + given].copy_from_slice(bytes);
                data.drain(start + given..stop);
            } else {
                data.splice(start..stop, bytes.iter().copied());
            }
            // Give memory back once most of it is unused.
            if data.capacity() / 2 > data.len() {
                data.shrink_to(data.len() + data.len() / 8 + 8);
            }
            Ok(())
        })
    }
    /// Appends bytes; BufferError while a buffer is held.
    pub fn extend_from_slice(&self, vm: &Vm, bytes: &[u8]) -> Result<()> {
        let n = self.len();
        self.splice(vm, n, n, bytes)
    }
}

pub static BYTEARRAY: Type = Type::new::<ByteArray>(
    "bytearray",
    &crate::types::object::OBJECT,
    type_flags::BASE | type_flags::MATCH_SELF,
    Slots {
        new: Some(|vm, class, _, _| Ok(from_vec_as(vm, class, Vec::new()))),
        init: Some(init),
        hash: Some(crate::slots::hash_unhashable),
        compare: Some(compare),
        len: Some(|_, b| Ok(this(b).len())),
        getitem: Some(getitem),
        setitem: Some(setitem),
        contains: Some(shared::contains),
        concat: Some(concat),
        repeat: Some(repeat),
        inplace_concat: Some(inplace_concat),
        inplace_repeat: Some(inplace_repeat),
        buffer: Some(buffer),
        release_buffer: Some(|_, b, _| this(b).exports.set(this(b).exports.get().saturating_sub(1))),
        ..Slots::EMPTY
            .repr(repr)
            .str(to_str)
            .iter(|vm, b| {
                Ok(vm.alloc(
                    &BYTEARRAY_ITERATOR,
                    ByteArrayIterator { bytes: ObjectCell::new(b.clone()), index: Cell::new(0) },
                ))
            })
            .binary(BinaryOp::Mod, modulo)
    },
    shared::with_shared_methods![
        MethodDef::new("append($self, item, /)", append, "Append a single item to the end."),
        MethodDef::new("clear($self, /)", clear, "Remove all items."),
        MethodDef::new("copy($self, /)", |vm, args| from_slice(vm, this(&args[0]).as_slice()), "A copy."),
        MethodDef::new("extend($self, iterable_of_ints, /)", extend, "Append all the items of an iterable or a buffer."),
        MethodDef::new("insert($self, index, item, /)", insert, "Insert an item before the index."),
        MethodDef::new("pop($self, index=-1, /)", pop, "Remove and return the item at the index, the last one by default."),
        MethodDef::new("remove($self, value, /)", remove, "Remove the first item of this value."),
        MethodDef::new("resize($self, size, /)", resize, "Make the size what it is told to be; new bytes are zero."),
        MethodDef::new("reverse($self, /)", |_, args| {
            this(&args[0]).with(|data| data.reverse());
            Ok(Object::NONE)
        }, "Reverse the order of the items in place."),
        MethodDef::new("__alloc__($self, /)", |vm, args| Ok(vm.usize(allocated(this(&args[0])))), "Number of bytes set aside."),
        MethodDef::new("__reduce__($self, /)", |vm, args| reduce(vm, &args[0], 2), "State for pickling."),
        MethodDef::new("__reduce_ex__($self, proto=0, /)", |vm, args| {
            let protocol = vm.to_plain_c_int(&args[1])?;
            reduce(vm, &args[0], protocol)
        }, "State for pickling."),
        MethodDef::new("__sizeof__($self, /)", |vm, args| {
            let buffer = this(&args[0]).with(|data| data.capacity());
            Ok(vm.usize(crate::alloc::own_size(&args[0]) + buffer))
        }, "The size in memory, in bytes."),
    ],
    &[],
)
.with_doc("bytearray(iterable_of_ints) -> bytearray\nbytearray(string, encoding[, errors]) -> bytearray\nbytearray(bytes_or_buffer) -> bytearray\nbytearray(int) -> that many zero bytes\nbytearray() -> an empty bytearray\n\nA mutable array of bytes.");

fn this(object: &Object) -> &ByteArray {
    // SAFETY: slots and methods of bytearray are only called on bytearrays.
    unsafe { object.payload_unchecked() }
}

fn allocated(b: &ByteArray) -> usize {
    let capacity = b.with(|data| data.capacity());
    if capacity == 0 { 0 } else { capacity.max(b.len() + 1) }
}

// ---- making -----------------------------------------------------------------------------------

fn from_vec_as(vm: &Vm, class: &Type, bytes: Vec<u8>) -> Object {
    vm.alloc(class, ByteArray { data: UnsafeCell::new(bytes), exports: Cell::new(0) })
}

/// A bytearray of these bytes.
pub fn from_vec(vm: &Vm, bytes: Vec<u8>) -> Object {
    from_vec_as(vm, &BYTEARRAY, bytes)
}

/// A bytearray of `len` zero bytes. Many of them cost no memory until they are written to.
pub fn zeroed(vm: &Vm, len: usize) -> Result {
    let layout = std::alloc::Layout::array::<u8>(len).map_err(|_| vm.memory_error())?;
    if len == 0 {
        return Ok(from_vec(vm, Vec::new()));
    }
    // SAFETY: the size is not 0; the vector owns memory of this very layout, all of it written.
    let bytes = unsafe {
        let memory = std::alloc::alloc_zeroed(layout);
        if memory.is_null() {
            return Err(vm.memory_error());
        }
        Vec::from_raw_parts(memory, len, len)
    };
    Ok(from_vec(vm, bytes))
}

/// A bytearray with a copy of these bytes.
pub fn from_slice(vm: &Vm, bytes: &[u8]) -> Result {
    let mut out = reserve(vm, bytes.len())?;
    out.extend_from_slice(bytes);
    Ok(from_vec(vm, out))
}

static SIG: Sig = Sig::new("bytearray(source=<missing>, encoding=<missing>, errors=<missing>)");

fn init(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    let bound = SIG.bind(vm, args, kwnames)?;
    let b = this(object);
    if !b.is_empty() {
        b.splice(vm, 0, b.len(), &[])?;
    }
    if let Some(encoded) = shared::encode_arguments(vm, "bytearray", &bound)? {
        let bytes = encoded.downcast::<Bytes>().map_or(&[][..], |e| e.as_slice());
        return b.extend_from_slice(vm, bytes);
    }
    let Some(source) = bound[0].bound() else { return Ok(()) };
    if source.downcast::<Str>().is_some() {
        return Err(vm.type_error("string argument without an encoding"));
    }
    if let Some(n) = shared::size_argument(vm, source)? {
        return set_size(vm, b, n);
    }
    let bytes = shared::collect_bytes(vm, source, "bytearray")?;
    b.check_resizable(vm)?;
    b.with(|data| *data = bytes);
    Ok(())
}

fn set_size(vm: &Vm, b: &ByteArray, n: usize) -> Result<()> {
    let len = b.len();
    if n == len {
        return Ok(());
    }
    b.check_resizable(vm)?;
    if n < len {
        return b.splice(vm, n, len, &[]);
    }
    b.with(|data| match if n > isize::MAX as usize { None } else { data.try_reserve(n - len).ok() } {
        Some(()) => {
            data.resize(n, 0);
            Ok(())
        }
        None => Err(vm.memory_error()),
    })
}

// ---- showing, comparing -----------------------------------------------------------------------

fn repr(vm: &Vm, object: &Object) -> Result {
    let text = shared::quoted_for_bytearray(this(object).as_slice());
    Ok(vm.str(&format!("{}({text})", object.ty().name())))
}

fn to_str(vm: &Vm, object: &Object) -> Result {
    if vm.interp().config.bytes_warning > 0 {
        vm.warn(&exc::BYTES_WARNING, "str() on a bytearray instance", 1)?;
    }
    repr(vm, object)
}

fn compare(vm: &Vm, a: &Object, b: &Object, op: CompareOp) -> Result {
    if a.is_instance_of(&str::STR) || b.is_instance_of(&str::STR) {
        if vm.interp().config.bytes_warning > 0 && matches!(op, CompareOp::Eq | CompareOp::Ne) {
            vm.warn(&exc::BYTES_WARNING, "Comparison between bytearray and string", 1)?;
        }
        return Ok(Object::NOT_IMPLEMENTED);
    }
    if !vm.is_bytes_like(a) || !vm.is_bytes_like(b) {
        return Ok(Object::NOT_IMPLEMENTED);
    }
    let (Ok(x), Ok(y)) = (vm.bytes_like(a, "self"), vm.bytes_like(b, "other")) else {
        drop(vm.take_raised());
        return Ok(Object::NOT_IMPLEMENTED);
    };
    let (x, y) = (x.bytes(), y.bytes());
    Ok(Object::bool(match op {
        CompareOp::Eq => x == y,
        CompareOp::Ne => x != y,
        _ => op.holds(Some(x.cmp(y))),
    }))
}

fn reduce(vm: &Vm, object: &Object, protocol: i32) -> Result {
    let state = vm.call_method(object, "__getstate__", &[])?;
    let bytes = this(object).as_slice();
    let args = if bytes.is_empty() {
        Vec::new()
    } else if protocol < 3 {
        vec![str::from_latin1(vm, bytes), vm.str("latin-1")]
    } else {
        vec![vm.bytes(bytes)]
    };
    Ok(vm.tuple(vec![object.ty().to_object(), vm.tuple(args), state]))
}

// ---- items --------------------------------------------------------------------------------------

fn wrong_key(vm: &Vm, key: &Object) -> Raised {
    vm.type_error(format!("bytearray indices must be integers or slices, not {}", key.ty().full_name()))
}

fn position(vm: &Vm, object: &Object, key: &Object) -> Result<usize> {
    let i = vm.index_for_item(key)?;
    let len = this(object).len();
    let i = if i < 0 { i + len as isize } else { i };
    if i < 0 || i as usize >= len {
        return Err(vm.index_error("bytearray index out of range"));
    }
    Ok(i as usize)
}

fn getitem(vm: &Vm, object: &Object, key: &Object) -> Result {
    if vm.is_index(key) {
        let i = position(vm, object, key)?;
        return Ok(vm.int(this(object).as_slice()[i] as i64));
    }
    let Some(slice) = slice::Slice::of(key) else { return Err(wrong_key(vm, key)) };
    let range = slice.indices(vm, this(object).len())?;
    let bytes = this(object).as_slice();
    let mut out = reserve(vm, range.count)?;
    if range.step == 1 {
        let start = (range.start as usize).min(bytes.len());
        out.extend_from_slice(&bytes[start..(start + range.count).min(bytes.len())]);
    } else {
        out.extend(range.iter().filter_map(|i| bytes.get(i)));
    }
    Ok(from_vec(vm, out))
}

fn setitem(vm: &Vm, object: &Object, key: &Object, value: Option<&Object>) -> Result<()> {
    let b = this(object);
    if vm.is_index(key) {
        return match value {
            Some(value) => {
                position(vm, object, key)?;
                let byte = byte_value(vm, value)?;
                // The conversion may have changed the size.
                let i = position(vm, object, key)?;
                b.with(|data| data[i] = byte);
                Ok(())
            }
            None => {
                let i = position(vm, object, key)?;
                b.splice(vm, i, i + 1, &[])
            }
        };
    }
    let Some(slice) = slice::Slice::of(key) else { return Err(wrong_key(vm, key)) };
    // The new bytes are copied first: they may be this bytearray's own, or
    // their conversion may change it.
    let bytes = match value {
        None => Vec::new(),
        Some(value) => assigned_bytes(vm, value)?,
    };
    let range = slice.indices(vm, b.len())?;
    let start = range.start.max(0) as usize;
    if range.step == 1 {
        let start = start.min(b.len());
        return b.splice(vm, start, (start + range.count).min(b.len()), &bytes);
    }
    // Nothing assigned to an extended slice deletes it.
    if bytes.is_empty() {
        if range.count == 0 {
            return Ok(());
        }
        b.check_resizable(vm)?;
        let mut gone = reserve(vm, b.len())?;
        gone.resize(b.len(), 0u8);
        range.iter().for_each(|i| gone[i] = 1);
        b.with(|data| {
            let mut i = 0;
            data.retain(|_| {
                i += 1;
                gone[i - 1] == 0
            })
        });
        return Ok(());
    }
    if bytes.len() != range.count {
        return Err(size_mismatch(vm, bytes.len(), range.count));
    }
    b.with(|data| range.iter().zip(&bytes).for_each(|(i, &byte)| data[i] = byte));
    Ok(())
}

fn size_mismatch(vm: &Vm, given: usize, wanted: usize) -> Raised {
    vm.value_error(format!("attempt to assign bytes of size {given} to extended slice of size {wanted}"))
}

/// What may be assigned to a slice.
fn assigned_bytes(vm: &Vm, value: &Object) -> Result<Vec<u8>> {
    if let Some(b) = value.downcast::<ByteArray>() {
        return Ok(b.as_slice().to_vec());
    }
    let slots = value.ty().slots();
    let is_number =
        [UnaryOp::Index, UnaryOp::Int, UnaryOp::Float].iter().any(|&op| slots.unary[op as usize].is_some());
    if is_number || value.downcast::<Str>().is_some() {
        return Err(vm.type_error("can assign only bytes, buffers, or iterables of ints in range(0, 256)"));
    }
    let made = vm.call(&BYTEARRAY.to_object(), std::slice::from_ref(value))?;
    Ok(this(&made).as_slice().to_vec())
}

// ---- operators -----------------------------------------------------------------------------------

fn concat(vm: &Vm, a: &Object, b: &Object) -> Result {
    if !vm.is_bytes_like(a) || !vm.is_bytes_like(b) {
        return Err(vm.type_error(format!("can't concat {} to {}", b.ty().full_name(), a.ty().full_name())));
    }
    let (x, y) = (vm.bytes_like(a, "self")?, vm.bytes_like(b, "other")?);
    let mut out = reserve(vm, x.len().saturating_add(y.len()))?;
    out.extend_from_slice(x.bytes());
    out.extend_from_slice(y.bytes());
    Ok(from_vec(vm, out))
}

fn inplace_concat(vm: &Vm, a: &Object, b: &Object) -> Result {
    if !vm.is_bytes_like(b) {
        return Err(vm.type_error(format!("can't concat {} to {}", b.ty().full_name(), a.ty().full_name())));
    }
    let other = vm.bytes_like(b, "other")?;
    let x = this(a);
    if !other.is_empty() {
        x.check_resizable(vm)?;
        x.extend_from_slice(vm, other.bytes())?;
    }
    drop(other);
    Ok(a.clone())
}

/// The bytes `n` times.
pub fn repeated(vm: &Vm, bytes: &[u8], n: usize) -> Result<Vec<u8>> {
    let Some(len) = bytes.len().checked_mul(n).filter(|&len| len <= isize::MAX as usize) else {
        return Err(vm.memory_error());
    };
    let mut out = reserve(vm, len)?;
    if let [b] = bytes {
        out.resize(len, *b);
    } else if !bytes.is_empty() {
        (0..n).for_each(|_| out.extend_from_slice(bytes));
    }
    Ok(out)
}

fn repeat(vm: &Vm, object: &Object, count: &Object) -> Result {
    let n = vm.index_for_item_overflow(count)?.max(0) as usize;
    Ok(from_vec(vm, repeated(vm, this(object).as_slice(), n)?))
}

fn inplace_repeat(vm: &Vm, object: &Object, count: &Object) -> Result {
    let n = vm.index_for_item_overflow(count)?.max(0) as usize;
    if n != 1 {
        let out = repeated(vm, this(object).as_slice(), n)?;
        if out.len() != this(object).len() {
            this(object).check_resizable(vm)?;
            this(object).with(|data| *data = out);
        }
    }
    Ok(object.clone())
}

fn modulo(vm: &Vm, a: &Object, b: &Object) -> Result {
    let Some(format) = a.downcast::<ByteArray>() else { return Ok(Object::NOT_IMPLEMENTED) };
    let format = format.as_slice().to_vec();
    Ok(from_vec(vm, crate::types::bytes_format::percent_format(vm, &format, b)?))
}

fn buffer(vm: &Vm, object: &Object, flags: u32) -> Result<BufferInfo> {
    let b = this(object);
    let (ptr, len) = b.with(|data| (data.as_mut_ptr(), data.len()));
    let info = BufferInfo::simple(vm, object, ptr, len, false, flags)?;
    b.exports.set(b.exports.get() + 1);
    Ok(info)
}

// ---- methods --------------------------------------------------------------------------------------

fn append(vm: &Vm, args: &[Object]) -> Result {
    let byte = byte_value(vm, &args[1])?;
    let b = this(&args[0]);
    b.check_resizable(vm)?;
    b.with(|data| data.try_reserve(1).map(|()| data.push(byte))).map_err(|_| vm.memory_error())?;
    Ok(Object::NONE)
}

fn clear(vm: &Vm, args: &[Object]) -> Result {
    let b = this(&args[0]);
    b.check_resizable(vm)?;
    drop(b.with(std::mem::take));
    Ok(Object::NONE)
}

fn extend(vm: &Vm, args: &[Object]) -> Result {
    let (object, source) = (&args[0], &args[1]);
    if let Some(bytes) = source.downcast::<Bytes>() {
        if !bytes.is_empty() {
            this(object).extend_from_slice(vm, bytes.as_slice())?;
        }
        return Ok(Object::NONE);
    }
    let bytes = if let Some(own) = source.downcast::<ByteArray>() {
        own.as_slice().to_vec()
    } else if vm.is_bytes_like(source) {
        shared::collect_bytes(vm, source, "bytearray")?
    } else if source.downcast::<Str>().is_some() {
        return Err(vm.type_error("expected iterable of integers; got: 'str'"));
    } else {
        let iterator = match vm.iter(source) {
            Ok(iterator) => iterator,
            Err(raised) if vm.raised_is(&exc::TYPE_ERROR) => {
                drop(vm.caught(raised));
                return Err(vm.type_error(format!("can't extend bytearray with {}", source.ty().full_name())));
            }
            Err(raised) => return Err(raised),
        };
        vm.length_hint(source, 32)?;
        shared::collect_bytes(vm, &iterator, "bytearray")?
    };
    if !bytes.is_empty() {
        this(object).extend_from_slice(vm, &bytes)?;
    }
    Ok(Object::NONE)
}

fn insert(vm: &Vm, args: &[Object]) -> Result {
    let index = vm.index_isize(&args[1])?;
    let byte = byte_value(vm, &args[2])?;
    let b = this(&args[0]);
    let len = b.len();
    let i = if index < 0 { (index + len as isize).max(0) as usize } else { (index as usize).min(len) };
    b.splice(vm, i, i, &[byte])?;
    Ok(Object::NONE)
}

fn pop(vm: &Vm, args: &[Object]) -> Result {
    let index = vm.index_isize(&args[1])?;
    let b = this(&args[0]);
    let len = b.len();
    if len == 0 {
        return Err(vm.index_error("pop from empty bytearray"));
    }
    let i = if index < 0 { index + len as isize } else { index };
    if i < 0 || i as usize >= len {
        return Err(vm.index_error("pop index out of range"));
    }
    let byte = b.as_slice()[i as usize];
    b.splice(vm, i as usize, i as usize + 1, &[])?;
    Ok(vm.int(byte as i64))
}

fn remove(vm: &Vm, args: &[Object]) -> Result {
    let byte = byte_value(vm, &args[1])?;
    let b = this(&args[0]);
    let Some(i) = memchr::memchr(byte, b.as_slice()) else {
        return Err(vm.value_error("value not found in bytearray"));
    };
    b.splice(vm, i, i + 1, &[])?;
    Ok(Object::NONE)
}

fn resize(vm: &Vm, args: &[Object]) -> Result {
    let n = vm.index_isize(&args[1])?;
    if n < 0 {
        return Err(vm.value_error(format!("Can only resize to positive sizes, got {n}")));
    }
    set_size(vm, this(&args[0]), n as usize)?;
    Ok(Object::NONE)
}

// ---- iteration -------------------------------------------------------------------------------------

/// Payload of bytearray_iterator.
pub struct ByteArrayIterator {
    /// UNBOUND when exhausted.
    bytes: ObjectCell,
    index: Cell<usize>,
}

impl NativeClass for ByteArrayIterator {
    fn class() -> &'static Type {
        &BYTEARRAY_ITERATOR
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.bytes.traverse(visitor)
    }
    fn clear(&self) {
        self.bytes.clear()
    }
}

pub static BYTEARRAY_ITERATOR: Type = Type::new::<ByteArrayIterator>(
    "bytearray_iterator",
    &crate::types::object::OBJECT,
    type_flags::HAVE_GC,
    Slots { next: Some(iterator_next), ..Slots::EMPTY.iter(iterators::itself) },
    &[
        MethodDef::new("__length_hint__($self, /)", iterator_hint, iterators::HINT_DOC),
        MethodDef::new("__reduce__($self, /)", iterator_reduce, iterators::REDUCE_DOC),
        MethodDef::new("__setstate__($self, object, /)", iterator_setstate, iterators::SETSTATE_DOC),
    ],
    &[],
);

fn it(object: &Object) -> &ByteArrayIterator {
    // SAFETY: slots and methods of bytearray_iterator are only called on them.
    unsafe { object.payload_unchecked() }
}

fn iterator_next(vm: &Vm, object: &Object) -> Result<Option<Object>> {
    let state = it(object);
    let bytes = state.bytes.value();
    if bytes.is_unbound() {
        return Ok(None);
    }
    let index = state.index.get();
    if let Some(&b) = this(Object::borrow_value(&bytes)).as_slice().get(index) {
        state.index.set(index + 1);
        return Ok(Some(vm.int(b as i64)));
    }
    state.bytes.clear();
    Ok(None)
}

fn iterator_hint(vm: &Vm, args: &[Object]) -> Result {
    let state = it(&args[0]);
    Ok(vm.usize(state.bytes.bound().map_or(0, |b| this(&b).len().saturating_sub(state.index.get()))))
}

fn iterator_reduce(vm: &Vm, args: &[Object]) -> Result {
    let state = it(&args[0]);
    let iter = iterators::builtin(vm, "iter")?;
    Ok(vm.tuple(match state.bytes.bound() {
        Some(bytes) => vec![iter, vm.tuple(vec![bytes]), vm.usize(state.index.get())],
        None => vec![iter, vm.tuple(vec![vm.bytes(b"")])],
    }))
}

fn iterator_setstate(vm: &Vm, args: &[Object]) -> Result {
    let index = vm.index_isize(&args[1])?;
    let state = it(&args[0]);
    if let Some(bytes) = state.bytes.bound() {
        state.index.set((index.max(0) as usize).min(this(&bytes).len()));
    }
    Ok(Object::NONE)
}
