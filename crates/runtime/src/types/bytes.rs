//! bytes: immutable bytes, data inline behind the payload, hash cached.
//! What bytes and bytearray have in common is in `bytes_methods`.

use crate::buffer::BufferInfo;
use crate::codecs;
use crate::native::Payload;
use crate::prelude::*;
use crate::types::bytes_methods as shared;
use crate::types::cell::ObjectCell;
use crate::types::str_methods::shown_type;
use crate::types::{int, iterators, slice, str};
use std::cell::Cell;
use std::mem::MaybeUninit;

/// Payload of bytes; the bytes follow in memory, and behind them a zero for C.
#[repr(C)]
pub struct Bytes {
    /// 0: not computed yet.
    hash: Cell<i64>,
    len: usize,
}

impl NativeClass for Bytes {
    fn class() -> &'static Type {
        &BYTES
    }
}

const _: () = assert!(size_of::<Payload<Bytes>>() == 32);

impl Bytes {
    #[inline(always)]
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: `len` bytes were written right behind the payload at creation.
        unsafe { std::slice::from_raw_parts((self as *const Bytes).add(1) as *const u8, self.len) }
    }
    /// Where the bytes begin, which a zero follows (for C). They must not be changed.
    pub fn address(&self) -> *const u8 {
        (self as *const Bytes).wrapping_add(1) as *const u8
    }
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.len
    }
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
    /// Python's hash, equal to that of an ASCII str of the same bytes.
    pub fn hash(&self, vm: &Vm) -> i64 {
        if self.hash.get() == 0 {
            self.hash.set(str::hash_bytes(vm, self.as_slice()));
        }
        self.hash.get()
    }
}

pub static BYTES: Type = Type::new::<Bytes>(
    "bytes",
    &crate::types::object::OBJECT,
    type_flags::BASE | type_flags::BYTES_SUBCLASS | type_flags::MATCH_SELF | type_flags::VAR_SIZED,
    Slots {
        new: Some(bytes_new),
        hash: Some(|vm, b| Ok(this(b).hash(vm))),
        compare: Some(bytes_compare),
        len: Some(|_, b| Ok(this(b).len())),
        getitem: Some(bytes_getitem),
        contains: Some(shared::contains),
        concat: Some(bytes_concat),
        repeat: Some(bytes_repeat),
        buffer: Some(bytes_buffer),
        ..Slots::EMPTY
            .repr(|vm, b| Ok(vm.str(&shared::quoted(this(b).as_slice()))))
            .str(bytes_str)
            .iter(|vm, b| {
                Ok(vm.alloc(
                    &BYTES_ITERATOR,
                    BytesIterator { bytes: ObjectCell::new(b.clone()), index: Cell::new(0) },
                ))
            })
            .binary(BinaryOp::Mod, bytes_mod)
    },
    shared::with_shared_methods![
        MethodDef::new("__getnewargs__($self, /)", |vm, args| {
            Ok(vm.tuple(vec![from_slice(vm, this(&args[0]).as_slice())]))
        }, ""),
        MethodDef::new("__bytes__($self, /)", |vm, args| Ok(exact(vm, &args[0])), "The same bytes, of type bytes."),
        MethodDef::new("__sizeof__($self, /)", |vm, args| Ok(vm.usize(crate::alloc::own_size(&args[0]))), "The size in memory, in bytes."),
    ],
    &[],
)
.with_doc("bytes(iterable_of_ints) -> bytes\nbytes(string, encoding[, errors]) -> bytes\nbytes(bytes_or_buffer) -> bytes\nbytes(int) -> that many zero bytes\nbytes() -> no bytes\n\nAn immutable array of bytes.");

fn this(object: &Object) -> &Bytes {
    // SAFETY: slots and methods of bytes are only called on bytes.
    unsafe { object.payload_unchecked() }
}

// ---- making -----------------------------------------------------------------------------

/// A bytes object; the process ends if there is no memory.
pub fn from_slice(vm: &Vm, bytes: &[u8]) -> Object {
    match try_from_slice(vm, &BYTES, bytes) {
        Some(object) => object,
        None => crate::alloc::memory_exhausted(),
    }
}

/// A bytes object or an instance of a subtype; None if there is no memory.
/// There is one object of no bytes, and one of each single byte.
pub fn try_from_slice(vm: &Vm, class: &Type, bytes: &[u8]) -> Option<Object> {
    let copy = |out: &mut [MaybeUninit<u8>]| {
        out.write_copy_of_slice(bytes);
    };
    let place = match bytes {
        _ if !class.is(&BYTES) => return try_build(vm, class, bytes.len(), copy),
        [] => EMPTY_PLACE,
        [byte] => *byte as usize,
        _ => return try_build(vm, class, bytes.len(), copy),
    };
    if let Some(known) = vm.interp().short_bytes.borrow().get(place).and_then(Object::bound) {
        return Some(known.clone());
    }
    let object = allocate(vm, class, bytes.len(), copy)?;
    let mut known = vm.interp().short_bytes.borrow_mut();
    if known.is_empty() {
        known.resize(EMPTY_PLACE + 1, Object::UNBOUND);
    }
    known[place] = object.clone();
    Some(object)
}

/// Where the empty bytes object is, behind those of one byte.
const EMPTY_PLACE: usize = 256;

/// As [`try_from_slice`] with an exception.
pub fn new(vm: &Vm, bytes: &[u8]) -> Result {
    try_from_slice(vm, &BYTES, bytes).ok_or_else(|| vm.memory_error())
}

/// `len` bytes, written by `fill`, which must write all of them.
pub(crate) fn try_build(
    vm: &Vm,
    class: &Type,
    len: usize,
    fill: impl FnOnce(&mut [MaybeUninit<u8>]),
) -> Option<Object> {
    if len == 0 && class.is(&BYTES) { try_from_slice(vm, class, &[]) } else { allocate(vm, class, len, fill) }
}

#[inline]
fn allocate(vm: &Vm, class: &Type, len: usize, fill: impl FnOnce(&mut [MaybeUninit<u8>])) -> Option<Object> {
    if len > isize::MAX as usize / 2 {
        return None;
    }
    let payload = Bytes { hash: Cell::new(0), len };
    let fill = |memory: *mut u8| {
        // SAFETY: room for `len` bytes and a zero behind them.
        unsafe {
            memory.add(len).write(0);
            fill(std::slice::from_raw_parts_mut(memory as *mut MaybeUninit<u8>, len))
        }
    };
    if class.is(&BYTES) {
        vm.try_alloc_var_exact(&BYTES, 0, payload, len + 1, fill)
    } else {
        vm.try_alloc_var(class, payload, len + 1, fill)
    }
}

/// `len` zero bytes, then changed by `fill` (which runs no Python code).
pub fn build(vm: &Vm, len: usize, fill: impl FnOnce(&mut [u8])) -> Result {
    try_build(vm, &BYTES, len, |out| {
        out.fill(MaybeUninit::new(0));
        // SAFETY: all bytes have just been written.
        fill(unsafe { &mut *(out as *mut [MaybeUninit<u8>] as *mut [u8]) })
    })
    .ok_or_else(|| vm.memory_error())
}

/// One bytes object of several slices.
pub fn concat(vm: &Vm, parts: &[&[u8]]) -> Result {
    let total = parts.iter().fold(0usize, |total, part| total.saturating_add(part.len()));
    try_build(vm, &BYTES, total, |mut out| {
        for part in parts {
            let (head, tail) = out.split_at_mut(part.len());
            head.write_copy_of_slice(part);
            out = tail;
        }
    })
    .ok_or_else(|| vm.memory_error())
}

/// The object itself if its type is exactly bytes, else a copy that is.
pub fn exact(vm: &Vm, object: &Object) -> Object {
    if object.ty().is(&BYTES) { object.clone() } else { from_slice(vm, this(object).as_slice()) }
}

static SIG: Sig = Sig::new("bytes(source=<missing>, encoding=<missing>, errors=<missing>)");

fn bytes_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let bound = SIG.bind(vm, args, kwnames)?;
    let object = match convert(vm, &bound)? {
        Converted::Object(object) => object,
        Converted::Bytes(bytes) => {
            return try_from_slice(vm, class, &bytes).ok_or_else(|| vm.memory_error());
        }
        Converted::Zeros(n) => {
            return try_build(vm, class, n, |out| out.fill(MaybeUninit::new(0)))
                .ok_or_else(|| vm.memory_error());
        }
    };
    if class.is(&BYTES) {
        return Ok(object);
    }
    try_from_slice(vm, class, this(&object).as_slice()).ok_or_else(|| vm.memory_error())
}

enum Converted {
    /// A bytes object.
    Object(Object),
    Bytes(Vec<u8>),
    Zeros(usize),
}

fn convert(vm: &Vm, args: &[Object]) -> Result<Converted> {
    if let Some(encoded) = shared::encode_arguments(vm, "bytes", args)? {
        return Ok(Converted::Object(encoded));
    }
    let Some(source) = args[0].bound() else { return Ok(Converted::Bytes(Vec::new())) };
    if source.ty().is(&BYTES) {
        return Ok(Converted::Object(source.clone()));
    }
    if let Some(result) = vm.call_special(source, crate::names::name::bytes.object(), &[])? {
        if result.downcast::<Bytes>().is_none() {
            return Err(
                vm.type_error(format!("__bytes__ returned non-bytes (type {})", result.ty().full_name()))
            );
        }
        return Ok(Converted::Object(result));
    }
    if source.downcast::<Str>().is_some() {
        return Err(vm.type_error("string argument without an encoding"));
    }
    if let Some(n) = shared::size_argument(vm, source)? {
        return Ok(Converted::Zeros(n));
    }
    from_object(vm, source).map(Converted::Object)
}

/// The bytes of any object that `bytes()` takes (`PyBytes_FromObject`).
pub fn from_object(vm: &Vm, source: &Object) -> Result {
    if source.ty().is(&BYTES) {
        return Ok(source.clone());
    }
    if vm.is_bytes_like(source) {
        let buffer = vm.buffer(source, crate::buffer::flags::FULL_RO)?;
        if buffer.info().is_c_contiguous() {
            return new(vm, buffer.bytes());
        }
    }
    new(vm, &shared::collect_bytes(vm, source, "bytes")?)
}

// ---- slots ------------------------------------------------------------------------------------

fn bytes_str(vm: &Vm, object: &Object) -> Result {
    if vm.interp().config.bytes_warning > 0 {
        vm.warn(&exc::BYTES_WARNING, "str() on a bytes instance", 1)?;
    }
    vm.repr(object)
}

fn bytes_compare(vm: &Vm, a: &Object, b: &Object, op: CompareOp) -> Result {
    let (Some(x), Some(y)) = (a.downcast::<Bytes>(), b.downcast::<Bytes>()) else {
        if vm.interp().config.bytes_warning > 0 && matches!(op, CompareOp::Eq | CompareOp::Ne) {
            warn_comparison(vm, a, b)?;
        }
        return Ok(Object::NOT_IMPLEMENTED);
    };
    let (x, y) = (x.as_slice(), y.as_slice());
    Ok(Object::bool(match op {
        CompareOp::Eq => x == y,
        CompareOp::Ne => x != y,
        _ => op.holds(Some(x.cmp(y))),
    }))
}

/// `python -b`: comparing bytes with str or int.
pub fn warn_comparison(vm: &Vm, a: &Object, b: &Object) -> Result<()> {
    let is = |ty: &Type| a.is_instance_of(ty) || b.is_instance_of(ty);
    if is(&str::STR) {
        vm.warn(&exc::BYTES_WARNING, "Comparison between bytes and string", 1)?;
    } else if is(&int::INT) {
        vm.warn(&exc::BYTES_WARNING, "Comparison between bytes and int", 1)?;
    }
    Ok(())
}

fn bytes_getitem(vm: &Vm, object: &Object, key: &Object) -> Result {
    let bytes = this(object).as_slice();
    if vm.is_index(key) {
        let i = vm.index_for_item(key)?;
        let i = if i < 0 { i + bytes.len() as isize } else { i };
        return match usize::try_from(i).ok().and_then(|i| bytes.get(i)) {
            Some(&b) => Ok(vm.int(b as i64)),
            None => Err(vm.index_error("index out of range")),
        };
    }
    let Some(slice) = slice::Slice::of(key) else {
        return Err(
            vm.type_error(format!("byte indices must be integers or slices, not {}", key.ty().full_name()))
        );
    };
    let range = slice.indices(vm, bytes.len())?;
    if range.step == 1 {
        if range.count == bytes.len() {
            return Ok(exact(vm, object));
        }
        let start = (range.start as usize).min(bytes.len());
        return new(vm, &bytes[start..(start + range.count).min(bytes.len())]);
    }
    build(vm, range.count, |out| {
        for (slot, i) in out.iter_mut().zip(range.iter()) {
            *slot = bytes[i];
        }
    })
}

fn bytes_concat(vm: &Vm, a: &Object, b: &Object) -> Result {
    if let (Some(x), Some(y)) = (a.downcast::<Bytes>(), b.downcast_exact::<Bytes>()) {
        if y.is_empty() && a.ty().is(&BYTES) {
            return Ok(a.clone());
        }
        if x.is_empty() {
            return Ok(b.clone());
        }
        if a.ty().is(&BYTES) {
            return concat(vm, &[x.as_slice(), y.as_slice()]);
        }
    }
    let (Some(_), Some(_)) = (a.ty().slots().buffer, b.ty().slots().buffer) else {
        return Err(vm.type_error(format!("can't concat {} to {}", b.ty().full_name(), a.ty().full_name())));
    };
    let (x, y) = (vm.bytes_like(a, "concat")?, vm.bytes_like(b, "concat")?);
    concat(vm, &[x.bytes(), y.bytes()])
}

fn bytes_repeat(vm: &Vm, object: &Object, count: &Object) -> Result {
    let n = vm.index_for_item_overflow(count)?.max(0) as usize;
    let bytes = this(object).as_slice();
    if n == 1 && object.ty().is(&BYTES) {
        return Ok(object.clone());
    }
    let Some(len) = bytes.len().checked_mul(n).filter(|&len| len <= isize::MAX as usize) else {
        return Err(vm.overflow_error("repeated bytes are too long"));
    };
    if bytes.is_empty() && object.ty().is(&BYTES) {
        return Ok(object.clone());
    }
    // No bytes of some are, here, not the object that is otherwise the empty one.
    allocate(vm, &BYTES, len, |out| match bytes {
        [b] => out.fill(MaybeUninit::new(*b)),
        [] => {}
        _ => {
            for chunk in out.chunks_exact_mut(bytes.len()) {
                chunk.write_copy_of_slice(bytes);
            }
        }
    })
    .ok_or_else(|| vm.memory_error())
}

fn bytes_buffer(vm: &Vm, object: &Object, flags: u32) -> Result<BufferInfo> {
    let bytes = this(object).as_slice();
    BufferInfo::simple(vm, object, bytes.as_ptr() as *mut u8, bytes.len(), true, flags)
}

fn bytes_mod(vm: &Vm, a: &Object, b: &Object) -> Result {
    match a.downcast::<Bytes>() {
        Some(format) => new(vm, &crate::types::bytes_format::percent_format(vm, format.as_slice(), b)?),
        None => Ok(Object::NOT_IMPLEMENTED),
    }
}

// ---- iteration ----------------------------------------------------------------------------------

/// Payload of bytes_iterator.
pub struct BytesIterator {
    /// UNBOUND when exhausted.
    bytes: ObjectCell,
    index: Cell<usize>,
}

impl NativeClass for BytesIterator {
    fn class() -> &'static Type {
        &BYTES_ITERATOR
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.bytes.traverse(visitor)
    }
    fn clear(&self) {
        self.bytes.clear()
    }
}

pub static BYTES_ITERATOR: Type = Type::new::<BytesIterator>(
    "bytes_iterator",
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

fn it(object: &Object) -> &BytesIterator {
    // SAFETY: slots and methods of bytes_iterator are only called on them.
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

/// An `encoding` or `errors` argument of bytes() and bytearray().
pub fn name_argument(vm: &Vm, function: &str, name: &str, object: &Object) -> Result<Option<String>> {
    let Some(object) = object.bound() else { return Ok(None) };
    if object.downcast::<Str>().is_none() {
        return Err(
            vm.type_error(format!("{function}() argument '{name}' must be str, not {}", shown_type(object)))
        );
    }
    codecs::codec_name(vm, object).map(|name| Some(name.into_owned()))
}
