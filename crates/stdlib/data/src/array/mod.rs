//! `array`: arrays of machine numbers or characters.
//!
//! * `kind`: the type codes and the conversion of single items;
//! * this file: the type, construction, slots, buffer, iterator;
//! * `methods`: the methods;
//! * `pickling`: reduction and reconstruction from other machines' formats.

mod kind;
mod methods;
mod pickling;

use kind::Kind;
use std::cell::{Cell, Ref, RefCell, RefMut};
use taipan_runtime::buffer::{BufferInfo, flags};
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, checks_arguments, this};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::cell::ObjectCell;
use taipan_runtime::types::genericalias::class_getitem;
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::slice::{Slice, SliceRange};
use taipan_runtime::types::{bytearray, str, tuple};

/// The module.
pub static ARRAY: ModuleDef = ModuleDef {
    name: "array",
    doc: "This module defines an object type which can efficiently represent\nan array of basic values: characters, integers, floating-point\nnumbers.  Arrays are sequence types and behave very much like lists,\nexcept that the type of objects stored in them is constrained.\n",
    functions: &[MethodDef::new(
        "_array_reconstructor(arraytype, typecode, mformat_code, items, /)",
        pickling::reconstruct,
        "Internal. Used for pickling support.",
    )],
    types: &[&ARRAY_TYPE],
    init: Some(|vm, module| {
        taipan_runtime::types::typ::ready(vm, &ARRAY_ITERATOR);
        vm.set_attr_str(module, "ArrayType", &ARRAY_TYPE.to_object())?;
        vm.set_attr_str(module, "typecodes", &vm.str(kind::CODES))?;
        // A mutable sequence, as far as abc is concerned.
        let abc = vm.import_module("collections.abc")?;
        let sequence = vm.get_attr_str(&abc, "MutableSequence")?;
        vm.call_method(&sequence, "register", &[ARRAY_TYPE.to_object()])?;
        Ok(())
    }),
};

/// Payload of array: the items as bytes, in the machine's order.
pub struct Array {
    kind: Kind,
    bytes: RefCell<Vec<u8>>,
    exports: Cell<usize>,
}

impl NativeClass for Array {
    fn class() -> &'static Type {
        &ARRAY_TYPE
    }
}

pub static ARRAY_TYPE: Type = Type::new::<Array>(
    "array.array",
    &OBJECT,
    type_flags::BASE | type_flags::WEAKREFABLE | type_flags::SEQUENCE,
    Slots {
        new: Some(array_new),
        hash: Some(taipan_runtime::slots::hash_unhashable),
        compare: Some(compare),
        len: Some(|_, array| Ok(this::<Array>(array).len())),
        getitem: Some(getitem),
        setitem: Some(setitem),
        contains: Some(|vm, array, item| Ok(methods::find(vm, this(array), item, 0, usize::MAX)?.is_some())),
        concat: Some(concat),
        repeat: Some(|vm, array, count| {
            let count = vm.index_for_item_overflow(count)?.max(0) as usize;
            let this = this::<Array>(array);
            let repeated = bytearray::repeated(vm, &this.bytes(), count)?;
            make(vm, &ARRAY_TYPE, this.kind, repeated)
        }),
        inplace_concat: Some(|vm, array, other| {
            if other.downcast::<Array>().is_none() {
                let shown = other.ty().name();
                return Err(vm.type_error(format!("can only extend array with array (not \"{shown}\")")));
            }
            methods::extend_by(vm, array, other)?;
            Ok(array.clone())
        }),
        inplace_repeat: Some(|vm, array, count| {
            let count = vm.index_for_item_overflow(count)?.max(0) as usize;
            let this = this::<Array>(array);
            if this.len() > 0 && count != 1 {
                this.check_resize(vm)?;
                let repeated = bytearray::repeated(vm, &this.bytes(), count)?;
                *this.bytes_mut() = repeated;
            }
            Ok(array.clone())
        }),
        buffer: Some(get_buffer),
        release_buffer: Some(|_, array, _| {
            if let Some(this) = array.downcast::<Array>() {
                this.exports.set(this.exports.get().saturating_sub(1));
            }
        }),
        ..Slots::EMPTY.repr(repr).iter(|vm, array| {
            allocate(vm, &ARRAY_ITERATOR, ArrayIterator { array: ObjectCell::new(array.clone()), index: Cell::new(0) })
        })
    },
    &[
        MethodDef::new("append($self, v, /)", methods::append, "Append new value v to the end of the array."),
        MethodDef::new("buffer_info($self, /)", methods::buffer_info, "Return a tuple (address, length) giving the current memory address and the length in items of the buffer used to hold array's contents.\n\nThe length should be multiplied by the itemsize attribute to calculate\nthe buffer length in bytes."),
        MethodDef::new("byteswap($self, /)", methods::byteswap, "Byteswap all items of the array.\n\nIf the items in the array are not 1, 2, 4, or 8 bytes in size, RuntimeError is\nraised."),
        MethodDef::new("clear($self, /)", methods::clear, "Remove all items from the array."),
        MethodDef::new("__copy__($self, /)", methods::copy, "Return a copy of the array."),
        MethodDef::new("count($self, v, /)", methods::count, "Return number of occurrences of v in the array."),
        MethodDef::new("__deepcopy__($self, unused, /)", methods::copy, "Return a copy of the array."),
        MethodDef::new("extend($self, bb, /)", |vm, args| methods::extend_by(vm, &args[0], &args[1]).map(|_| Object::NONE), "Append items to the end of the array."),
        MethodDef::new("fromfile($self, f, n, /)", methods::fromfile, "Read n objects from the file object f and append them to the end of the array."),
        MethodDef::new("fromlist($self, list, /)", methods::fromlist, "Append items to array from list."),
        MethodDef::new("frombytes($self, buffer, /)", methods::frombytes, "Appends items from the string, interpreting it as an array of machine values, as if it had been read from a file using the fromfile() method."),
        MethodDef::new("fromunicode($self, ustr, /)", methods::fromunicode, "Extends this array with data from the unicode string ustr.\n\nThe array must be a unicode type array; otherwise a ValueError is raised.\nUse array.frombytes(ustr.encode(...)) to append Unicode data to an array of\nsome other type."),
        MethodDef::new("index($self, v, start=0, stop=sys.maxsize, /)", methods::index, "Return index of first occurrence of v in the array.\n\nRaise ValueError if the value is not present."),
        MethodDef::new("insert($self, i, v, /)", methods::insert, "Insert a new item v into the array before position i."),
        MethodDef::new("pop($self, i=-1, /)", methods::pop, "Return the i-th element and delete it from the array.\n\ni defaults to -1."),
        MethodDef::new("__reduce_ex__($self, value, /)", pickling::reduce_ex, "Return state information for pickling."),
        MethodDef::new("remove($self, v, /)", methods::remove, "Remove the first occurrence of v in the array."),
        MethodDef::new("reverse($self, /)", methods::reverse, "Reverse the order of the items in the array."),
        MethodDef::new("tofile($self, f, /)", methods::tofile, "Write all items (as machine values) to the file object f."),
        MethodDef::new("tolist($self, /)", |vm, args| Ok(vm.list(this::<Array>(&args[0]).to_vec(vm))), "Convert array to an ordinary list with the same items."),
        MethodDef::new("tobytes($self, /)", |vm, args| Ok(vm.bytes(&this::<Array>(&args[0]).bytes())), "Convert the array to an array of machine values and return the bytes representation."),
        MethodDef::new("tounicode($self, /)", methods::tounicode, "Extends this array with data from the unicode string ustr.\n\nConvert the array to a unicode string.  The array must be a unicode type array;\notherwise a ValueError is raised.  Use array.tobytes().decode() to obtain a\nunicode string from an array of some other type."),
        MethodDef::new("__sizeof__($self, /)", |vm, args| {
            let room = this::<Array>(&args[0]).bytes().capacity();
            Ok(vm.usize(args[0].ty().instance_size.get() + room))
        }, "Size of the array in memory, in bytes."),
        MethodDef::new("__class_getitem__($type, object, /)", class_getitem, "See PEP 585").class_method(),
    ],
    &[
        GetSetDef::new("typecode", |vm, array| Ok(vm.str(&(this::<Array>(array).kind.code as char).to_string()))).with_doc("the typecode character used to create the array"),
        GetSetDef::new("itemsize", |vm, array| Ok(vm.usize(this::<Array>(array).kind.size))).with_doc("the size, in bytes, of one array item"),
    ],
)
.with_doc("array(typecode [, initializer]) -> array\n\nAn array of machine values. The type code says of which:\n\n    b B   signed, unsigned integer of 1 byte\n    u     character (deprecated)\n    w     character of 4 bytes\n    h H   signed, unsigned integer of 2 bytes\n    i I   signed, unsigned integer of 4 bytes\n    l L   signed, unsigned integer of 8 bytes\n    q Q   signed, unsigned integer of 8 bytes\n    f d   floating-point number of 4 bytes, of 8 bytes\n\nThe initializer is a list or another iterable of items, a bytes-like object with\nthe machine values, or a string for arrays of characters.");

impl Array {
    /// The items' bytes; no Python code may run while they are looked at.
    fn bytes(&self) -> Ref<'_, Vec<u8>> {
        self.bytes.borrow()
    }
    fn bytes_mut(&self) -> RefMut<'_, Vec<u8>> {
        self.bytes.borrow_mut()
    }
    fn len(&self) -> usize {
        self.bytes().len() / self.kind.size
    }
    fn get(&self, vm: &Vm, i: usize) -> Option<Object> {
        let start = i.checked_mul(self.kind.size)?;
        let bytes = self.bytes();
        let mut item = [0; 8];
        item[..self.kind.size].copy_from_slice(bytes.get(start..start + self.kind.size)?);
        drop(bytes);
        Some(self.kind.unpack(vm, &item))
    }
    fn to_vec(&self, vm: &Vm) -> Vec<Object> {
        (0..self.len()).filter_map(|i| self.get(vm, i)).collect()
    }
    fn check_resize(&self, vm: &Vm) -> Result<()> {
        if self.exports.get() > 0 {
            return Err(vm.buffer_error("cannot resize an array that is exporting buffers"));
        }
        Ok(())
    }
    /// Appends one item.
    fn push(&self, vm: &Vm, item: &Object) -> Result<()> {
        let packed = self.kind.pack(vm, item)?;
        self.check_resize(vm)?;
        self.append_bytes(vm, &packed[..self.kind.size])
    }
    fn append_bytes(&self, vm: &Vm, more: &[u8]) -> Result<()> {
        let mut bytes = self.bytes_mut();
        if bytes.try_reserve(more.len()).is_err() {
            return Err(vm.memory_error());
        }
        bytes.extend_from_slice(more);
        Ok(())
    }
}

fn make(vm: &Vm, class: &Type, kind: Kind, bytes: Vec<u8>) -> Result {
    allocate(vm, class, Array { kind, bytes: RefCell::new(bytes), exports: Cell::new(0) })
}

// ---- construction -------------------------------------------------------------------------

/// The one character of a type code argument.
fn type_code(vm: &Vm, object: &Object, what: &str) -> Result<u32> {
    match object.downcast::<Str>() {
        Some(s) if s.len() == 1 => Ok(s.char_at(0)),
        Some(s) => Err(
            vm.type_error(format!("{what} must be a unicode character, not a string of length {}", s.len()))
        ),
        None => Err(vm.type_error(format!("{what} must be a unicode character, not {}", object.ty().name()))),
    }
}

fn array_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    if !kwnames.is_empty() && checks_arguments(class, &ARRAY_TYPE) {
        return Err(vm.type_error("array.array() takes no keyword arguments"));
    }
    let args = &args[..args.len() - kwnames.len()];
    if args.is_empty() || args.len() > 2 {
        let (word, n) =
            if args.is_empty() { ("at least 1 argument", 0) } else { ("at most 2 arguments", args.len()) };
        return Err(vm.type_error(format!("array() takes {word} ({n} given)")));
    }
    let code = type_code(vm, &args[0], "array() argument 1")?;
    let initial = args.get(1);
    let found = Kind::of(code);
    if code == 'u' as u32 {
        vm.warn(
            &exc::DEPRECATION_WARNING,
            "The 'u' type code is deprecated and will be removed in Python 3.16",
            1,
        )?;
    }
    if let Some(initial) = initial
        && !found.is_some_and(|kind| kind.is_text())
    {
        let shown = || char::from_u32(code).unwrap_or('?');
        if initial.downcast::<Str>().is_some() {
            return Err(
                vm.type_error(format!("cannot use a str to initialize an array with typecode '{}'", shown()))
            );
        }
        if initial.downcast::<Array>().is_some_and(|a| a.kind.is_text()) {
            return Err(vm.type_error(format!(
                "cannot use a unicode array to initialize an array with typecode '{}'",
                shown()
            )));
        }
    }
    let Some(kind) = found else {
        return Err(vm.value_error("bad typecode (must be b, B, u, w, h, H, i, I, l, L, q, Q, f or d)"));
    };
    let array = make(vm, class, kind, Vec::new())?;
    let Some(initial) = initial else { return Ok(array) };
    let this = this::<Array>(&array);
    if let Some(s) = initial.downcast::<Str>() {
        this.append_bytes(vm, &kind::text_bytes(s))?;
    } else if initial.downcast::<Bytes>().is_some() || initial.downcast::<bytearray::ByteArray>().is_some() {
        methods::append_buffer(vm, this, initial)?;
    } else if let Some(other) = initial.downcast::<Array>()
        && other.kind.code == kind.code
    {
        let bytes = other.bytes().clone();
        this.append_bytes(vm, &bytes)?;
    } else {
        vm.for_each(initial, |item| this.push(vm, &item))?;
    }
    Ok(array)
}

// ---- slots --------------------------------------------------------------------------------

fn compare(vm: &Vm, a: &Object, b: &Object, op: CompareOp) -> Result {
    let (Some(x), Some(y)) = (a.downcast::<Array>(), b.downcast::<Array>()) else {
        return Ok(Object::NOT_IMPLEMENTED);
    };
    if x.len() != y.len() && matches!(op, CompareOp::Eq | CompareOp::Ne) {
        return Ok(Object::bool(op == CompareOp::Ne));
    }
    let mut i = 0;
    while let (Some(p), Some(q)) = (x.get(vm, i), y.get(vm, i)) {
        let equal = vm.compare(&p, &q, CompareOp::Eq)?;
        if !vm.is_true(&equal)? {
            return match op {
                CompareOp::Eq => Ok(Object::FALSE),
                CompareOp::Ne => Ok(Object::TRUE),
                _ => vm.compare(&p, &q, op),
            };
        }
        i += 1;
    }
    Ok(Object::bool(op.holds(Some(x.len().cmp(&y.len())))))
}

fn bad_index(vm: &Vm) -> Raised {
    vm.type_error("array indices must be integers")
}

/// The bytes of the items of a slice, put together.
fn slice_bytes(bytes: &[u8], size: usize, range: SliceRange) -> Vec<u8> {
    let mut out = Vec::with_capacity(range.count * size);
    for i in range.iter() {
        out.extend_from_slice(&bytes[i * size..(i + 1) * size]);
    }
    out
}

fn getitem(vm: &Vm, array: &Object, key: &Object) -> Result {
    let this = this::<Array>(array);
    if vm.is_index(key) {
        let i = vm.index_for_item(key)?;
        let i = if i < 0 { i + this.len() as isize } else { i };
        let found = usize::try_from(i).ok().and_then(|i| this.get(vm, i));
        return found.ok_or_else(|| vm.index_error("array index out of range"));
    }
    let Some(slice) = Slice::of(key) else { return Err(bad_index(vm)) };
    let range = slice.indices(vm, this.len())?;
    let bytes = slice_bytes(&this.bytes(), this.kind.size, range);
    make(vm, &ARRAY_TYPE, this.kind, bytes)
}

fn setitem(vm: &Vm, array: &Object, key: &Object, value: Option<&Object>) -> Result<()> {
    let this = this::<Array>(array);
    let size = this.kind.size;
    if vm.is_index(key) {
        let i = vm.index_for_item(key)?;
        let len = this.len() as isize;
        let i = if i < 0 { i + len } else { i };
        if i < 0 || i >= len {
            return Err(vm.index_error("array assignment index out of range"));
        }
        let start = i as usize * size;
        let Some(value) = value else {
            this.check_resize(vm)?;
            this.bytes_mut().drain(start..start + size);
            return Ok(());
        };
        let packed = this.kind.pack(vm, value)?;
        // Packing ran Python code.
        return match this.bytes_mut().get_mut(start..start + size) {
            Some(slot) => {
                slot.copy_from_slice(&packed[..size]);
                Ok(())
            }
            None => Err(vm.index_error("array assignment index out of range")),
        };
    }
    let Some(slice) = Slice::of(key) else { return Err(bad_index(vm)) };
    let range = slice.indices(vm, this.len())?;
    let mut new = Vec::new();
    if let Some(value) = value {
        let Some(other) = value.downcast::<Array>() else {
            let shown = value.ty().name();
            return Err(vm.type_error(format!("can only assign array (not \"{shown}\") to array slice")));
        };
        if other.kind.code != this.kind.code {
            return Err(vm.type_error("bad argument type for built-in operation"));
        }
        new = other.bytes().clone();
    }
    let count = new.len() / size;
    if range.step == 1 {
        if count != range.count {
            this.check_resize(vm)?;
        }
        let start = range.start as usize * size;
        let mut bytes = this.bytes_mut();
        let end = (start + range.count * size).min(bytes.len());
        bytes.splice(start.min(end)..end, new);
        return Ok(());
    }
    if value.is_none() {
        if range.count > 0 {
            this.check_resize(vm)?;
        }
        let gone: std::collections::HashSet<usize> = range.iter().collect();
        let mut bytes = this.bytes_mut();
        let kept =
            bytes.chunks(size).enumerate().filter(|(i, _)| !gone.contains(i)).flat_map(|(_, c)| c.to_vec());
        *bytes = kept.collect();
        return Ok(());
    }
    if count != range.count {
        return Err(vm.value_error(format!(
            "attempt to assign array of size {count} to extended slice of size {}",
            range.count
        )));
    }
    let mut bytes = this.bytes_mut();
    for (i, item) in range.iter().zip(new.chunks(size)) {
        bytes[i * size..(i + 1) * size].copy_from_slice(item);
    }
    Ok(())
}

fn concat(vm: &Vm, a: &Object, b: &Object) -> Result {
    let Some(other) = b.downcast::<Array>() else {
        return Err(vm.type_error(format!("can only append array (not \"{}\") to array", b.ty().name())));
    };
    let this = this::<Array>(a);
    if other.kind.code != this.kind.code {
        return Err(vm.type_error("bad argument type for built-in operation"));
    }
    let joined = [this.bytes().as_slice(), other.bytes().as_slice()].concat();
    make(vm, &ARRAY_TYPE, this.kind, joined)
}

fn repr(vm: &Vm, array: &Object) -> Result {
    let this = this::<Array>(array);
    let mut out = str::Builder::new();
    out.push_str(&format!("{}('{}'", array.ty().name(), this.kind.code as char));
    if this.len() > 0 {
        let items = if this.kind.is_text() { methods::text_of(vm, this)? } else { vm.list(this.to_vec(vm)) };
        out.push_str(", ");
        out.push_object(&vm.repr(&items)?);
    }
    out.push_str(")");
    Ok(out.finish(vm))
}

fn get_buffer(vm: &Vm, array: &Object, wanted: u32) -> Result<BufferInfo> {
    let this = this::<Array>(array);
    let (ptr, len) = {
        let mut bytes = this.bytes_mut();
        (bytes.as_mut_ptr(), bytes.len())
    };
    let mut info = BufferInfo::simple(vm, array, ptr, len, false, wanted)?;
    info.itemsize = this.kind.size;
    if wanted & flags::FORMAT != 0 {
        info.format = this.kind.format().into();
    }
    this.exports.set(this.exports.get() + 1);
    Ok(info)
}

// ---- iterator -----------------------------------------------------------------------------

/// Payload of arrayiterator.
pub struct ArrayIterator {
    array: ObjectCell,
    index: Cell<usize>,
}

impl NativeClass for ArrayIterator {
    fn class() -> &'static Type {
        &ARRAY_ITERATOR
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.array.traverse(visitor);
    }
    fn clear(&self) {
        self.array.clear();
    }
}

pub static ARRAY_ITERATOR: Type = Type::new::<ArrayIterator>(
    "array.arrayiterator",
    &OBJECT,
    type_flags::HAVE_GC | type_flags::DISALLOW_INSTANTIATION,
    Slots {
        next: Some(|vm, object| {
            let this = this::<ArrayIterator>(object);
            let array = this.array.get();
            let Some(payload) = array.downcast::<Array>() else { return Ok(None) };
            let index = this.index.get();
            match payload.get(vm, index) {
                Some(item) => {
                    this.index.set(index + 1);
                    Ok(Some(item))
                }
                None => {
                    this.array.clear();
                    Ok(None)
                }
            }
        }),
        ..Slots::EMPTY.iter(|_, object| Ok(object.clone()))
    },
    &[
        MethodDef::new(
            "__reduce__($self, /)",
            |vm, args| {
                let this = this::<ArrayIterator>(&args[0]);
                let iter = vm.get_attr_str(&vm.import_module("builtins")?, "iter")?;
                Ok(match this.array.bound() {
                    Some(array) => tuple::from_array(
                        vm,
                        [iter, tuple::from_array(vm, [array]), vm.usize(this.index.get())],
                    ),
                    None => {
                        let empty = vm.tuple(Vec::new());
                        tuple::from_array(vm, [iter, tuple::from_array(vm, [empty])])
                    }
                })
            },
            "Return state information for pickling.",
        ),
        MethodDef::new(
            "__setstate__($self, state, /)",
            |vm, args| {
                let index = vm.index_isize(&args[1])?;
                let this = this::<ArrayIterator>(&args[0]);
                if let Some(array) = this.array.bound() {
                    let len = array.downcast::<Array>().map_or(0, |a| a.len());
                    this.index.set((index.max(0) as usize).min(len));
                }
                Ok(Object::NONE)
            },
            "Set state information for unpickling.",
        ),
    ],
    &[],
);
