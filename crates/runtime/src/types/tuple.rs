//! tuple: items inline behind the payload, hash cached.

use crate::native::Payload;
use crate::prelude::*;
use crate::types::{int, iterators, slice};
use std::cell::Cell;
use taipan_object::header::header_flags;
use taipan_object::heap;

/// Payload of tuples; the items follow in memory.
#[repr(C)]
pub struct Tuple {
    /// 0: not computed yet.
    hash: Cell<i64>,
    len: usize,
}

impl NativeClass for Tuple {
    fn class() -> &'static Type {
        &TUPLE
    }
    fn traverse(&self, visitor: &mut Visitor) {
        for item in self.items() {
            visitor.visit_object(item);
        }
    }
}

impl Drop for Tuple {
    fn drop(&mut self) {
        // The last one first, as CPython.
        for i in (0..self.len).rev() {
            // SAFETY: the items belong to the tuple, which dies.
            unsafe { std::ptr::drop_in_place(self.first().add(i)) }
        }
    }
}

impl Tuple {
    #[inline(always)]
    fn first(&self) -> *mut Object {
        // SAFETY: items begin right behind the payload.
        unsafe { (self as *const Tuple).add(1) as *mut Object }
    }
    #[inline(always)]
    pub fn items(&self) -> &[Object] {
        // SAFETY: `len` items were written at creation.
        unsafe { std::slice::from_raw_parts(self.first(), self.len) }
    }
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.len
    }
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

pub static TUPLE: Type = Type::new::<Tuple>(
    "tuple",
    &crate::types::object::OBJECT,
    type_flags::BASE
        | type_flags::HAVE_GC
        | type_flags::TUPLE_SUBCLASS
        | type_flags::SEQUENCE
        | type_flags::MATCH_SELF
        | type_flags::VAR_SIZED,
    Slots {
        new: Some(tuple_new),
        hash: Some(tuple_hash),
        compare: Some(tuple_compare),
        len: Some(|_, t| Ok(this(t).len())),
        getitem: Some(tuple_getitem),
        contains: Some(tuple_contains),
        concat: Some(tuple_concat),
        repeat: Some(tuple_repeat),
        ..Slots::EMPTY.repr(tuple_repr).iter(|vm, t| Ok(iterators::tuple_iterator(vm, t.clone())))
    },
    &[
        MethodDef::new("__getnewargs__($self, /)", |vm, args| {
            Ok(vm.tuple(vec![vm.tuple(this(&args[0]).items().to_vec())]))
        }, ""),
        MethodDef::new("index($self, value, start=0, stop=9223372036854775807, /)", tuple_index, "Return first index of value.\n\nRaises ValueError if the value is not present."),
        MethodDef::new("count($self, value, /)", tuple_count, "Return number of occurrences of value."),
        MethodDef::new("__class_getitem__($type, object, /)", crate::types::genericalias::class_getitem, "See PEP 585").class_method(),
    ],
    &[],
)
.with_doc("Built-in immutable sequence.\n\nIf no argument is given, the constructor returns an empty tuple.\nIf iterable is specified the tuple is initialized from iterable's items.\n\nIf the argument is a tuple, the return value is the same object.");

fn this(object: &Object) -> &Tuple {
    // SAFETY: slots and methods of tuple are only called on tuples.
    unsafe { object.payload_unchecked() }
}

/// A tuple of these items (the empty tuple is shared).
pub fn from_vec(vm: &Vm, items: Vec<Object>) -> Object {
    match try_from_vec(vm, &TUPLE, items) {
        Some(tuple) => tuple,
        None => crate::alloc::memory_exhausted(),
    }
}

/// A tuple (of a subtype, perhaps); None if there is no memory.
pub fn try_from_vec(vm: &Vm, class: &Type, items: Vec<Object>) -> Option<Object> {
    let len = items.len();
    if len == 0 && class.is(&TUPLE) {
        let empty = vm.interp().empty_tuple.get();
        if !empty.is_unbound() {
            // SAFETY: immortal.
            return Some(unsafe { Object::from_owned(empty) });
        }
    }
    let tuple = vm.try_alloc_var(class, Tuple { hash: Cell::new(0), len }, len * 8, |memory| {
        // SAFETY: room for len items; ownership moves over.
        unsafe { std::ptr::copy_nonoverlapping(items.as_ptr(), memory as *mut Object, len) }
    })?;
    let mut items = items;
    // SAFETY: the items were moved out.
    unsafe { items.set_len(0) };
    Some(tuple)
}

/// A tuple from raw words whose counts it takes over.
///
/// # Safety
/// The caller owns one count of each of the `len` words at `first`, and gives them up.
#[inline]
pub unsafe fn from_raw(vm: &Vm, first: *const Value, len: usize) -> Object {
    if len == 0 {
        return from_vec(vm, Vec::new());
    }
    let size = size_of::<crate::native::Payload<Tuple>>() + len * 8;
    if size <= heap::MAX_SMALL {
        // The short way: all of it is written here.
        // SAFETY: this thread holds the GIL; there is room for the items.
        unsafe {
            let memory = (*heap::current()).allocate(size, true) as *mut crate::native::Payload<Tuple>;
            if memory.is_null() {
                crate::alloc::memory_exhausted();
            }
            (memory as *mut Header).write(Header::with_flags(&TUPLE.head, header_flags::TRACKED));
            (&raw mut (*memory).data).write(Tuple { hash: Cell::new(0), len });
            std::ptr::copy_nonoverlapping(first, memory.add(1) as *mut Value, len);
            return Object::from_owned(Value::from_ptr(memory as *mut Header));
        }
    }
    let tuple = vm.try_alloc_var(&TUPLE, Tuple { hash: Cell::new(0), len }, len * 8, |memory| {
        // SAFETY: room for len items.
        unsafe { std::ptr::copy_nonoverlapping(first, memory as *mut Value, len) }
    });
    match tuple {
        Some(tuple) => tuple,
        None => crate::alloc::memory_exhausted(),
    }
}

/// A tuple of a known number of items, without a vector on the way.
#[inline]
pub fn from_array<const N: usize>(vm: &Vm, items: [Object; N]) -> Object {
    let items = std::mem::ManuallyDrop::new(items);
    // SAFETY: an Object is a transparent Value; the tuple takes the counts over.
    unsafe { from_raw(vm, items.as_ptr() as *const Value, N) }
}

/// A tuple of copies of these items.
#[inline]
pub fn from_slice(vm: &Vm, items: &[Object]) -> Object {
    for item in items {
        std::mem::forget(item.clone());
    }
    // SAFETY: the counts were just taken; the tuple takes them over.
    unsafe { from_raw(vm, items.as_ptr() as *const Value, items.len()) }
}

/// A tuple of two.
#[inline]
pub fn pair(vm: &Vm, first: Object, second: Object) -> Object {
    let words = [first.into_value(), second.into_value()];
    // SAFETY: the counts of both words move into the tuple.
    unsafe { from_raw(vm, words.as_ptr(), 2) }
}

/// Gives a pair new items if the handle is its only one; the old ones come
/// back. Else the new ones come back.
#[inline]
pub(crate) fn reuse_pair(
    pair: &Object,
    first: Object,
    second: Object,
) -> std::result::Result<[Object; 2], [Object; 2]> {
    match pair.downcast_exact::<Tuple>() {
        Some(tuple) if tuple.len == 2 && pair.header().is_some_and(|h| h.count() == 1) => {
            tuple.hash.set(0);
            // SAFETY: there are two items, and nobody else can look at them.
            unsafe {
                let items = tuple.first();
                Ok([items.replace(first), items.add(1).replace(second)])
            }
        }
        _ => Err([first, second]),
    }
}

const _: () = assert!(size_of::<Payload<Tuple>>() == 32);

static SIG: Sig = Sig::new("tuple(iterable=(), /)");

fn tuple_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    if class.is(&TUPLE)
        || !kwnames.is_empty()
            && class.slots().init.map(|f| f as usize) == TUPLE.slots().init.map(|f| f as usize)
    {
        if !kwnames.is_empty() {
            return Err(vm.type_error("tuple() takes no keyword arguments"));
        }
    }
    let nargs = args.len() - kwnames.len();
    let bound = SIG.bind(vm, &args[..nargs], &[])?;
    if class.is(&TUPLE) && bound[0].ty().is(&TUPLE) {
        return Ok(bound[0].clone());
    }
    let items = vm.collect(&bound[0])?;
    try_from_vec(vm, class, items).ok_or_else(|| vm.memory_error())
}

fn tuple_hash(vm: &Vm, tuple: &Object) -> Result<i64> {
    let this = this(tuple);
    if this.hash.get() != 0 {
        return Ok(this.hash.get());
    }
    // xxHash-based, as CPython since 3.8.
    const P1: u64 = 11400714785074694791;
    const P2: u64 = 14029467366897019727;
    const P5: u64 = 2870177450012600261;
    vm.check_native_stack(" while hashing a tuple")?;
    let mut acc = P5;
    for item in this.items() {
        let lane = vm.hash(item)? as u64;
        acc = acc.wrapping_add(lane.wrapping_mul(P2));
        acc = acc.rotate_left(31).wrapping_mul(P1);
    }
    acc = acc.wrapping_add(this.len as u64 ^ (P5 ^ 3527539));
    let hash = if acc == u64::MAX { 1546275796 } else { acc as i64 };
    this.hash.set(hash);
    Ok(hash)
}

fn tuple_compare(vm: &Vm, a: &Object, b: &Object, op: CompareOp) -> Result {
    let (Some(x), Some(y)) = (a.downcast::<Tuple>(), b.downcast::<Tuple>()) else {
        return Ok(Object::NOT_IMPLEMENTED);
    };
    compare_items(vm, x.items(), y.items(), op)
}

/// The object as a tuple if it is compared as one: tuples and most named tuples.
#[inline]
pub(crate) fn compared_as_tuple(object: &Object) -> Option<&Tuple> {
    let tuple = object.downcast::<Tuple>()?;
    let ty = object.ty();
    let address = |ty: &Type| ty.slots().compare.map(|f| f as usize);
    (ty.is(&TUPLE) || address(ty) == address(&TUPLE)).then_some(tuple)
}

/// Lexicographic comparison of two item slices that cannot change.
pub fn compare_items(vm: &Vm, x: &[Object], y: &[Object], op: CompareOp) -> Result {
    for (p, q) in x.iter().zip(y) {
        if !vm.equal(p, q)? {
            return match op {
                CompareOp::Eq => Ok(Object::FALSE),
                CompareOp::Ne => Ok(Object::TRUE),
                _ => vm.compare(p, q, op),
            };
        }
    }
    Ok(Object::bool(op.holds(Some(x.len().cmp(&y.len())))))
}

fn tuple_getitem(vm: &Vm, tuple: &Object, key: &Object) -> Result {
    let items = this(tuple).items();
    if vm.is_index(key) {
        let i = vm.index_for_item(key)?;
        let i = if i < 0 { i + items.len() as isize } else { i };
        return match items.get(i as usize) {
            Some(item) if i >= 0 => Ok(item.clone()),
            _ => Err(vm.index_error("tuple index out of range")),
        };
    }
    let Some(slice) = slice::Slice::of(key) else {
        return Err(
            vm.type_error(format!("tuple indices must be integers or slices, not {}", key.ty().name()))
        );
    };
    let range = slice.indices(vm, items.len())?;
    if range.count == items.len() && range.step == 1 && tuple.ty().is(&TUPLE) {
        return Ok(tuple.clone());
    }
    Ok(vm.tuple(range.iter().map(|i| items[i].clone()).collect()))
}

fn tuple_contains(vm: &Vm, tuple: &Object, item: &Object) -> Result<bool> {
    for candidate in this(tuple).items() {
        if vm.equal(candidate, item)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn tuple_concat(vm: &Vm, a: &Object, b: &Object) -> Result {
    let Some(y) = b.downcast::<Tuple>() else {
        return Err(vm.type_error(format!("can only concatenate tuple (not \"{}\") to tuple", b.ty().name())));
    };
    let x = this(a);
    if x.is_empty() && b.ty().is(&TUPLE) {
        return Ok(b.clone());
    }
    if y.is_empty() && a.ty().is(&TUPLE) {
        return Ok(a.clone());
    }
    let mut items = Vec::with_capacity(x.len() + y.len());
    items.extend_from_slice(x.items());
    items.extend_from_slice(y.items());
    Ok(vm.tuple(items))
}

fn tuple_repeat(vm: &Vm, tuple: &Object, count: &Object) -> Result {
    let n = vm.index_for_item_overflow(count)?.max(0) as usize;
    let items = this(tuple).items();
    if tuple.ty().is(&TUPLE) && (n == 1 || items.is_empty()) {
        return Ok(tuple.clone());
    }
    let mut out = repeat_items(vm, items, n)?;
    try_from_vec(vm, &TUPLE, std::mem::take(&mut out)).ok_or_else(|| vm.memory_error())
}

/// `n` times the items; MemoryError if that is too much.
pub fn repeat_items(vm: &Vm, items: &[Object], n: usize) -> Result<Vec<Object>> {
    let total = items.len().checked_mul(n).filter(|&t| t <= isize::MAX as usize / 16);
    let mut out = Vec::new();
    match total {
        Some(total) if out.try_reserve_exact(total).is_ok() => {}
        _ => return Err(vm.memory_error()),
    }
    // Nothing is nothing, however often.
    let n = if items.is_empty() { 0 } else { n };
    for _ in 0..n {
        out.extend_from_slice(items);
    }
    Ok(out)
}

fn tuple_repr(vm: &Vm, tuple: &Object) -> Result {
    let items = this(tuple).items();
    if items.is_empty() {
        return Ok(vm.intern("()"));
    }
    let Some(_guard) = vm.enter_repr(tuple) else { return Ok(vm.intern("(...)")) };
    let mut out = crate::types::str::Builder::new();
    out.push_str("(");
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        out.push_object(&vm.repr(item)?);
    }
    out.push_str(if items.len() == 1 { ",)" } else { ")" });
    Ok(out.finish(vm))
}

fn tuple_index(vm: &Vm, args: &[Object]) -> Result {
    let items = this(&args[0]).items();
    let (start, stop) = slice::clip_range(vm, &args[2], &args[3], items.len())?;
    for i in start..stop {
        if vm.equal(&items[i], &args[1])? {
            return Ok(vm.usize(i));
        }
    }
    Err(vm.value_error("tuple.index(x): x not in tuple"))
}

fn tuple_count(vm: &Vm, args: &[Object]) -> Result {
    let mut n = 0;
    for item in this(&args[0]).items() {
        if vm.equal(item, &args[1])? {
            n += 1;
        }
    }
    Ok(vm.int(n))
}

/// Keeps the int module linked for readers of this file's index handling.
const _: fn(&Object) -> Option<i64> = int::to_i64;
