//! `Array`: items of one type in a row; arrays of characters are texts, too.

use crate::cdata::{self, CDATA, Part, data};
use crate::info::{self, Info, Kind, flag};
use crate::memory::{CData, Place};
use crate::meta::{self, class_of};
use crate::values;
use taipan_runtime::prelude::*;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::int;
use taipan_runtime::types::native_function::new_getset;
use taipan_runtime::types::slice::Slice;

pub static ARRAY: Type = Type::new::<CData>(
    "_ctypes.Array",
    &CDATA,
    type_flags::BASE | type_flags::SEQUENCE,
    Slots {
        new: Some(cdata::new_slot),
        init: Some(init),
        len: Some(|_, o| Ok(data(o).length.get())),
        getitem: Some(get_item),
        setitem: Some(set_item),
        ..Slots::EMPTY
    },
    &[MethodDef::new(
        "__class_getitem__($type, object, /)",
        taipan_runtime::types::genericalias::class_getitem,
        "See PEP 585",
    )
    .class_method()],
    &[],
)
.with_metatype(&meta::ARRAY_TYPE)
.with_doc("Abstract base class for arrays.\n\nThe recommended way to create concrete array types is by multiplying any\nctypes data type with a non-negative integer. Alternatively, you can subclass\nthis type and define _length_ and _type_ class variables. Array elements can\nbe read and written using standard subscript and slice accesses for slice\nreads, the resulting object is not itself an Array.");

// ---- classes --------------------------------------------------------------------------

/// Initialises a class: `_type_` and `_length_` say what it is.
pub fn init_class(vm: &Vm, class: &Object) -> Result<()> {
    let missing =
        |what: &str| vm.error(&exc::ATTRIBUTE_ERROR, format!("class must define a '{what}' attribute"));
    let Some(length) = vm.lookup_attr_str(class, "_length_")? else { return Err(missing("_length_")) };
    if !int::is_any_int(&length) {
        return Err(vm.type_error("The '_length_' attribute must be an integer"));
    }
    if int::is_negative(&length) {
        return Err(vm.value_error("The '_length_' attribute must not be negative"));
    }
    let Some(length) = int::to_i64(&length).map(|n| n as usize) else {
        return Err(vm.overflow_error("The '_length_' attribute is too large"));
    };
    let Some(item) = vm.lookup_attr_str(class, "_type_")? else { return Err(missing("_type_")) };
    let Some(of_item) = info::of_class(&item) else {
        return Err(vm.type_error("_type_ must have storage info"));
    };
    let size = of_item.size.get().checked_mul(length).filter(|&size| size <= isize::MAX as usize);
    let Some(size) = size else { return Err(vm.overflow_error("array too large")) };
    let info = Info::new(Kind::Array);
    info.size.set(size);
    info.align.set(of_item.align.get());
    info.length.set(length);
    info.proto.set(item.clone());
    *info.format.borrow_mut() = of_item.format.borrow().clone();
    let mut shape = vec![length as isize];
    shape.extend_from_slice(&of_item.shape.borrow());
    *info.shape.borrow_mut() = shape;
    if of_item.has(flag::IS_POINTER | flag::HAS_POINTER) {
        info.add(flag::HAS_POINTER);
    }
    let texts: &'static [GetSetDef] = match (of_item.kind, of_item.code) {
        (Kind::Simple, b'c') => &BYTES_ATTRIBUTES,
        (Kind::Simple, b'u') => &WIDE_ATTRIBUTES,
        _ => &[],
    };
    info::install(vm, class, info)?;
    let ty = class_of(class);
    for def in texts {
        ty.dict().set_text(vm, def.name, new_getset(vm, def, ty));
    }
    ty.modified();
    Ok(())
}

static BYTES_ATTRIBUTES: [GetSetDef; 2] = [
    GetSetDef::new("raw", |vm, o| values::new_bytes(vm, data(o).place(), data(o).size.get()))
        .with_set(set_raw)
        .with_doc("value"),
    GetSetDef::new("value", |vm, o| values::text_of(vm, data(o).place(), data(o).size.get()))
        .with_set(set_bytes_value)
        .with_doc("string value"),
];
static WIDE_ATTRIBUTES: [GetSetDef; 1] =
    [GetSetDef::new("value", |vm, o| values::wide_text_of(vm, data(o).place(), data(o).size.get()))
        .with_set(set_wide_value)
        .with_doc("string value")];

fn set_raw(vm: &Vm, object: &Object, value: Option<&Object>) -> Result<()> {
    let Some(value) = value else {
        let name = object.ty().full_name();
        return Err(
            vm.error(&exc::ATTRIBUTE_ERROR, format!("attribute 'raw' of '{name}' objects cannot be deleted"))
        );
    };
    let buffer = vm.bytes_like(value, "value")?;
    if buffer.len() > data(object).size.get() {
        return Err(vm.value_error("byte string too long"));
    }
    data(object).place().write_bytes(buffer.bytes());
    Ok(())
}

fn set_bytes_value(vm: &Vm, object: &Object, value: Option<&Object>) -> Result<()> {
    let Some(value) = value else { return Err(vm.type_error("can't delete attribute")) };
    let Some(bytes) = value.downcast::<Bytes>() else {
        return Err(vm.type_error(format!("bytes expected instead of {} instance", value.ty().full_name())));
    };
    let (bytes, room) = (bytes.as_slice(), data(object).size.get());
    if bytes.len() > room {
        return Err(vm.value_error("byte string too long"));
    }
    data(object).place().write_bytes(bytes);
    if bytes.len() < room {
        data(object).place().offset(bytes.len() as isize).write([0]);
    }
    Ok(())
}

fn set_wide_value(vm: &Vm, object: &Object, value: Option<&Object>) -> Result<()> {
    let Some(value) = value else { return Err(vm.type_error("can't delete attribute")) };
    let size = data(object).size.get();
    if value.downcast::<Str>().is_some_and(|text| text.len() > size / 4) {
        return Err(vm.value_error("string too long"));
    }
    values::set_wide_characters(vm, data(object).place(), size, value)
}

// ---- instances ------------------------------------------------------------------------

fn init(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    for (i, value) in args[..args.len() - kwnames.len()].iter().enumerate() {
        vm.set_item(object, &vm.usize(i), value)?;
    }
    Ok(())
}

/// The type of items, and how large one is.
fn item_class(vm: &Vm, object: &Object) -> Result<(Object, usize)> {
    let info = cdata::concrete(vm, object.ty())?;
    let Some(item) = info.item() else { return Err(vm.type_error("abstract class")) };
    let size = info::of_class(&item).map_or(0, |item| item.size.get());
    Ok((item, size))
}

/// Where an item of this size is.
fn item_place(vm: &Vm, object: &Object, index: usize, size: usize) -> Result<Place> {
    let end = size.saturating_mul(index.saturating_add(1));
    Ok(cdata::enough(vm, object, end)?.offset(index.wrapping_mul(size) as isize))
}

fn item_at(vm: &Vm, object: &Object, index: usize) -> Result {
    if index >= data(object).length.get() {
        return Err(vm.index_error("invalid index"));
    }
    let (item, size) = item_class(vm, object)?;
    let at = item_place(vm, object, index, size)?;
    cdata::get(vm, object, class_of(&item), index, at)
}

/// An index, counted from the end if it is negative.
fn index(vm: &Vm, object: &Object, key: &Object) -> Result<usize> {
    let i = vm.index_for_item(key)?;
    let i = if i < 0 { i + data(object).length.get() as isize } else { i };
    usize::try_from(i).map_err(|_| vm.index_error("invalid index"))
}

fn get_item(vm: &Vm, object: &Object, key: &Object) -> Result {
    if vm.is_index(key) {
        return item_at(vm, object, index(vm, object, key)?);
    }
    let Some(slice) = Slice::of(key) else { return Err(vm.type_error("indices must be integers")) };
    let range = slice.indices(vm, data(object).length.get())?;
    let (item, size) = item_class(vm, object)?;
    let place = cdata::enough(vm, object, size.saturating_mul(data(object).length.get()))?;
    let at = |i: isize| place.offset(i.wrapping_mul(size as isize));
    cdata::picked(vm, &item, range.iter().map(|i| i as isize), at, |i| item_at(vm, object, i as usize))
}

fn set_item_at(vm: &Vm, object: &Object, index: usize, value: &Object) -> Result<()> {
    if index >= data(object).length.get() {
        return Err(vm.index_error("invalid index"));
    }
    let (item, size) = item_class(vm, object)?;
    let at = item_place(vm, object, index, size)?;
    cdata::set(vm, &Part { owner: object, class: class_of(&item), index, size, at }, value)
}

fn set_item(vm: &Vm, object: &Object, key: &Object, value: Option<&Object>) -> Result<()> {
    let Some(value) = value else {
        return Err(vm.type_error("Array does not support item deletion"));
    };
    if vm.is_index(key) {
        return set_item_at(vm, object, index(vm, object, key)?, value);
    }
    let Some(slice) = Slice::of(key) else { return Err(vm.type_error("indices must be integer")) };
    let range = slice.indices(vm, data(object).length.get())?;
    if vm.len(value)? != range.count {
        return Err(vm.value_error("Can only assign sequence of same size"));
    }
    for (nth, i) in range.iter().enumerate() {
        let item = vm.get_item(value, &vm.usize(nth))?;
        set_item_at(vm, object, i, &item)?;
    }
    Ok(())
}
