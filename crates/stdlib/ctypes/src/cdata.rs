//! `_CData`, the base of all ctypes objects: making them, keeping alive what their data
//! refers to (`_objects`), reading and writing their parts, buffers, pickling.

use crate::info::{self, Info, Kind, flag};
use crate::memory::{CData, Place};
use crate::values::{self, Bits};
use std::borrow::Cow;
use taipan_runtime::buffer::{BufferInfo, Dims};
use taipan_runtime::lookup;
use taipan_runtime::prelude::*;
use taipan_runtime::support::this;

pub static CDATA: Type = Type::new::<CData>(
    "_ctypes._CData",
    &taipan_runtime::types::object::OBJECT,
    type_flags::BASE | type_flags::HAVE_GC,
    Slots {
        hash: Some(|_, o| Ok(taipan_runtime::types::object::identity_hash(o))),
        buffer: Some(buffer),
        ..Slots::EMPTY
    },
    &[
        MethodDef::new(
            "__ctypes_from_outparam__($self, /)",
            |_, args| Ok(args[0].clone()),
            "default __ctypes_from_outparam__ method returns self.",
        ),
        MethodDef {
            hide_signature: false,
            ..MethodDef::raw(
                "__setstate__($self, dict, data, /)",
                |vm, args, kwnames| {
                    let given = args.get(1..).unwrap_or(&[]);
                    let name = ("__setstate__", "__setstate__()");
                    crate::module::count(vm, (given, kwnames), name, (2, 2))?;
                    set_state(vm, args)
                },
                "",
            )
        },
        MethodDef::new("__reduce__($self, /)", reduce, ""),
    ],
    &[
        GetSetDef::member("_b_base_", |_, o| Ok(data(o).base.or_none())).with_doc("the base object"),
        GetSetDef::member("_b_needsfree_", |vm, o| Ok(vm.int(data(o).owned.get() as i64)))
            .with_doc("whether the object owns the memory or not"),
        GetSetDef::member("_objects", |_, o| Ok(data(o).objects.or_none()))
            .with_doc("internal objects tree (NEVER CHANGE THIS OBJECT!)"),
    ],
)
.with_metatype(&crate::meta::CTYPE_TYPE)
.with_doc("XXX to be provided");

/// The payload of a ctypes object.
#[inline]
pub fn data(object: &Object) -> &CData {
    this(object)
}

// ---- making ---------------------------------------------------------------------------

/// The information of a class that is not abstract.
pub fn concrete<'a>(vm: &Vm, class: &'a Type) -> Result<&'a Info> {
    info::of_type(class).ok_or_else(|| vm.type_error("abstract class"))
}

/// Puts a payload into an object of the class.
fn place(vm: &Vm, class: &Type, payload: Option<CData>) -> Result {
    let payload = payload.ok_or_else(|| vm.memory_error())?;
    let descends = |native: &Type| std::iter::successors(Some(class), |ty| ty.base()).any(|ty| ty.is(native));
    let object = if descends(&crate::function::FUNCTION) {
        crate::function::wrap(vm, class, payload)?
    } else if descends(&CDATA) {
        vm.try_alloc(class, payload).ok_or_else(|| vm.memory_error())?
    } else {
        // A metaclass was initialised with something else.
        return Err(vm.type_error("abstract class"));
    };
    data(&object).settle();
    Ok(object)
}

/// A new object with zeroed memory of its own.
pub fn new(vm: &Vm, class: &Type) -> Result {
    let info = concrete(vm, class)?;
    info.add(flag::FINAL);
    let payload = CData::owning(info.size.get(), info.align.get(), info.length.get());
    place(vm, class, payload)
}

/// Where the data of an object is, which is enough for what its class says: classes of
/// objects can be exchanged.
pub fn enough(vm: &Vm, object: &Object, size: usize) -> Result<Place> {
    let payload = data(object);
    if payload.size.get() < size {
        return Err(vm.type_error(format!(
            "'{}' object has too little data ({} bytes instead of {size})",
            object.ty().full_name(),
            payload.size.get()
        )));
    }
    Ok(payload.place())
}

/// The `new` slot of all these classes.
pub fn new_slot(vm: &Vm, class: &Type, _: &[Object], _: &[Object]) -> Result {
    new(vm, class)
}

/// An object whose data is at an address.
pub fn at_address(vm: &Vm, class: &Type, at: Place) -> Result {
    vm.audit("ctypes.cdata", &[vm.usize(at.address())])?;
    let info = concrete(vm, class)?;
    info.add(flag::FINAL);
    place(vm, class, Some(CData::borrowing(at, info.size.get(), info.length.get())))
}

/// An object that is part `index` of `base`, whose data it shares.
pub fn part_of(vm: &Vm, class: &Type, base: &Object, index: usize, at: Place) -> Result {
    let info = concrete(vm, class)?;
    info.add(flag::FINAL);
    let payload = CData::borrowing(at, info.size.get(), info.length.get());
    data(base).exposed.set(true);
    payload.base.set(base.clone());
    payload.index.set(index);
    place(vm, class, Some(payload))
}

/// A new object with a copy of what is at a place.
pub fn copy_of(vm: &Vm, class: &Type, source: Place) -> Result {
    let object = new(vm, class)?;
    data(&object).place().copy_from(source, data(&object).size.get());
    Ok(object)
}

// ---- keeping alive --------------------------------------------------------------------

/// The outermost object that this one is a part of, with a place for what it keeps.
fn container(vm: &Vm, object: &Object) -> Object {
    let mut root = object.clone();
    while let Some(base) = data(&root).base.bound() {
        root = base;
    }
    let payload = data(&root);
    if payload.objects.is_empty() {
        payload.objects.set(if payload.length.get() > 0 { vm.new_dict() } else { Object::NONE });
    }
    root
}

/// What keeps alive what the object's data refers to.
pub fn kept(vm: &Vm, object: &Object) -> Object {
    data(&container(vm, object)).objects.or_none()
}

/// The numbers of the parts from this one outwards.
fn key(vm: &Vm, object: &Object, index: usize) -> Result {
    let mut text = format!("{:x}", index as u32);
    let mut part = object.clone();
    while let Some(base) = data(&part).base.bound() {
        text.push_str(&format!(":{:x}", data(&part).index.get()));
        if text.len() > 245 {
            return Err(vm.value_error("ctypes object structure too deep"));
        }
        part = base;
    }
    Ok(vm.str(&text))
}

/// Lets `object` keep something alive for its part `index`. (None needs nobody.)
pub fn keep(vm: &Vm, object: &Object, index: usize, what: Object) -> Result<()> {
    if what.is_none() {
        return Ok(());
    }
    let root = container(vm, object);
    let objects = data(&root).objects.or_none();
    match objects.downcast_exact::<Dict>() {
        Some(dict) => dict.set(vm, &key(vm, object, index)?, what),
        None => {
            data(&root).objects.set(what);
            Ok(())
        }
    }
}

// ---- parts ----------------------------------------------------------------------------

/// Is the class one of those whose values are Python's (not a subclass of one)?
pub fn is_plain(class: &Type) -> bool {
    class.base().is_some_and(|base| base.is(&crate::simple::SIMPLE))
}

/// The value at a place if the class is simple; None: its instances stay what they are.
fn plain_value(vm: &Vm, class: &Type, at: Place) -> Option<Result> {
    let info = info::of_type(class).filter(|info| info.kind == Kind::Simple && is_plain(class))?;
    Some(values::get(vm, info.code, info.swapped, at, info.size.get()))
}

/// The value of type `class` at a place inside of `owner`.
pub fn get(vm: &Vm, owner: &Object, class: &Type, index: usize, at: Place) -> Result {
    plain_value(vm, class, at).unwrap_or_else(|| part_of(vm, class, owner, index, at))
}

/// The items at some indices: as bytes or text if they are characters, else as a list.
pub fn picked(
    vm: &Vm,
    class: &Object,
    indices: impl Iterator<Item = isize>,
    place: impl Fn(isize) -> Place,
    item: impl Fn(isize) -> Result,
) -> Result {
    match info::of_class(class).map(|info| (info.kind, info.code)) {
        Some((Kind::Simple, b'c')) => {
            let bytes: Vec<u8> = indices.map(|i| place(i).read::<1>()[0]).collect();
            taipan_runtime::types::bytes::new(vm, &bytes)
        }
        Some((Kind::Simple, b'u')) => {
            let chars: Vec<u32> = indices.map(|i| u32::from_ne_bytes(place(i).read())).collect();
            values::wide_text(vm, &chars)
        }
        _ => Ok(vm.list(indices.map(item).collect::<Result<Vec<Object>>>()?)),
    }
}

/// The value of type `class` at a place that nobody keeps: Python's own, or a copy.
pub fn value_or_copy(vm: &Vm, class: &Type, at: Place) -> Result {
    plain_value(vm, class, at).unwrap_or_else(|| copy_of(vm, class, at))
}

/// Puts a value of type `class` at a place; what comes back has to be kept.
fn put(vm: &Vm, class: &Type, value: &Object, size: usize, at: Place) -> Result {
    let info = concrete(vm, class)?;
    let Some(source) = value.downcast::<CData>() else {
        if info.kind == Kind::Simple {
            return values::set(vm, info.code, info.swapped, at, value, size);
        }
        if let Some(tuple) = value.downcast::<Tuple>() {
            let made = vm.call(&class.to_object(), tuple.items());
            let made = match made {
                Ok(made) => made,
                Err(raised) => return Err(extend(vm, raised, &format!("({}) ", class.full_name()), None)),
            };
            if made.downcast::<Tuple>().is_some() {
                return Err(vm.type_error(format!("expected {} instance, got tuple", class.full_name())));
            }
            return put(vm, class, &made, size, at);
        }
        if value.is_none() && info.kind == Kind::Pointer {
            at.write_pointer(Place::NULL);
            return Ok(Object::NONE);
        }
        return Err(vm.type_error(format!(
            "expected {} instance, got {}",
            class.full_name(),
            value.ty().full_name()
        )));
    };
    if vm.is_instance(value, &class.to_object())? {
        at.copy_from(source.place(), size.min(source.size.get()));
        return Ok(kept(vm, value));
    }
    let incompatible = || {
        vm.type_error(format!(
            "incompatible types, {} instance instead of {} instance",
            value.ty().full_name(),
            class.full_name()
        ))
    };
    // An array becomes a pointer to its first item; it has to live on itself.
    if info.kind == Kind::Pointer
        && let Some(other) = info::of_instance(value)
        && other.kind == Kind::Array
    {
        if other.proto.value() != info.proto.value() {
            return Err(incompatible());
        }
        at.write_pointer(source.expose());
        return Ok(vm.tuple(vec![kept(vm, value), value.clone()]));
    }
    Err(incompatible())
}

/// Which part of an object is written to.
pub struct Part<'a> {
    pub owner: &'a Object,
    pub class: &'a Type,
    pub index: usize,
    pub size: usize,
    pub at: Place,
}

/// Puts a value into a part of an object.
pub fn set(vm: &Vm, part: &Part, value: &Object) -> Result<()> {
    let what = put(vm, part.class, value, part.size, part.at)?;
    keep(vm, part.owner, part.index, what)
}

/// Puts a value into a bit field.
pub fn set_bit_field(vm: &Vm, part: &Part, bits: Bits, value: &Object) -> Result<()> {
    let info = concrete(vm, part.class)?;
    values::set_bits(vm, info.code, info.swapped, part.at, part.size, bits, value).map(drop)
}

/// The exception again, of class `class` (RuntimeError) and with words before its own.
pub fn extend(vm: &Vm, raised: Raised, words: &str, class: Option<&Type>) -> Raised {
    let exception = vm.caught(raised);
    let name = exception.ty().name().to_owned();
    let text = vm.str_text(&exception);
    let text = match text {
        Ok(text) => text,
        Err(raised) => {
            drop(vm.caught(raised));
            "???".to_owned()
        }
    };
    vm.error(class.unwrap_or(&exc::RUNTIME_ERROR), format!("{words}{name}: {text}"))
}

// ---- buffers and pickles ----------------------------------------------------------------

/// The size of what an array is made of in the end.
fn innermost_size(class: &Type) -> usize {
    let mut object = class.to_object();
    loop {
        let Some(info) = info::of_class(&object) else { return 1 };
        let next = if info.kind == Kind::Array { info.item() } else { None };
        let Some(next) = next else { return info.size.get() };
        object = next;
    }
}

fn buffer(vm: &Vm, object: &Object, _flags: u32) -> Result<BufferInfo> {
    let payload = data(object);
    let (ptr, len) = (payload.expose().pointer(), payload.size.get());
    let mut out = BufferInfo::simple(vm, object, ptr, len, false, 0)?;
    let Some(info) = info::of_type(object.ty()) else { return Ok(out) };
    let itemsize = innermost_size(object.ty());
    let shape = info.shape.borrow().clone();
    let items: isize = shape.iter().product();
    // What `resize()` has added has no shape.
    if items as usize * itemsize == len {
        out.itemsize = itemsize;
        out.format = Cow::Owned(info.format.borrow().clone());
        out.dims = Some(Box::new(Dims::contiguous(shape, itemsize)));
    }
    Ok(out)
}

fn reduce(vm: &Vm, args: &[Object]) -> Result {
    let object = &args[0];
    let info = concrete(vm, object.ty())?;
    if info.has(flag::IS_POINTER | flag::HAS_POINTER) {
        return Err(vm.value_error("ctypes objects containing pointers cannot be pickled"));
    }
    let dict = vm.get_attr_str(object, "__dict__")?;
    let bytes = values::new_bytes(vm, data(object).place(), data(object).size.get())?;
    let state = vm.tuple(vec![dict, bytes]);
    let parts = vm.tuple(vec![object.ty().to_object(), state]);
    let Some(unpickle) = vm.shared(UNPICKLE) else { return Err(vm.system_error("_ctypes is gone")) };
    Ok(vm.tuple(vec![unpickle, parts]))
}

/// Under which the function `_unpickle` is kept.
pub const UNPICKLE: &str = "_ctypes._unpickle";

fn set_state(vm: &Vm, args: &[Object]) -> Result {
    let object = &args[0];
    let Some(state) = args[1].downcast::<Dict>() else {
        return Err(vm.type_error(format!(
            "__setstate__() argument 1 must be dict, not {}",
            args[1].ty().full_name()
        )));
    };
    let bytes = vm.bytes_like(&args[2], "data")?;
    let size = data(object).size.get().min(bytes.len());
    data(object).place().write_bytes(&bytes.bytes()[..size]);
    let own = lookup::instance_dict(vm, object);
    if let Some(own) = own.as_ref().and_then(|d| d.downcast::<Dict>()) {
        own.merge(vm, state, true)?;
    }
    Ok(Object::NONE)
}

/// `_unpickle(class, (dict, bytes))`.
pub fn unpickle(vm: &Vm, args: &[Object]) -> Result {
    let Some(state) = args[1].downcast::<Tuple>() else {
        return Err(vm.type_error(format!("argument 2 must be tuple, not {}", args[1].ty().full_name())));
    };
    let made = vm.call_method(&args[0], "__new__", std::slice::from_ref(&args[0]))?;
    vm.call_method(&made, "__setstate__", state.items())?;
    Ok(made)
}
