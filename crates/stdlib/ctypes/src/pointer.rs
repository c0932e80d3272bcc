//! `_Pointer`: addresses of objects of a type.

use crate::cdata::{self, CDATA, Part, data};
use crate::info::{self, Info, Kind, flag};
use crate::memory::{CData, Place};
use crate::meta::{self, class_of};
use crate::param;
use taipan_runtime::prelude::*;
use taipan_runtime::support::check_arity;
use taipan_runtime::types::slice::Slice;

pub static POINTER: Type = Type::new::<CData>(
    "_ctypes._Pointer",
    &CDATA,
    type_flags::BASE,
    Slots {
        new: Some(|vm, class, _, _| {
            if info::of_type(class).is_none_or(|info| info.proto.is_empty()) {
                return Err(vm.type_error("Cannot create instance: has no _type_"));
            }
            cdata::new(vm, class)
        }),
        init: Some(init),
        bool: Some(|vm, o| Ok(!cdata::enough(vm, o, 8)?.read_pointer().is_null())),
        getitem: Some(get_item),
        setitem: Some(set_item),
        ..Slots::EMPTY
    },
    &[],
    &[GetSetDef::new("contents", contents)
        .with_set(set_contents)
        .with_doc("the object this pointer points to (read-write)")],
)
.with_metatype(&meta::POINTER_TYPE)
.with_doc("XXX to be provided");

// ---- classes --------------------------------------------------------------------------

/// Initialises a class: `_type_`, if it is there, says what pointers point to.
pub fn init_class(vm: &Vm, class: &Object) -> Result<()> {
    let info = Info::new(Kind::Pointer);
    info.size.set(8);
    info.align.set(8);
    info.length.set(1);
    info.add(flag::IS_POINTER);
    info::install(vm, class, info)?;
    let Some(target) = class_of(class).dict().get_text(vm, "_type_") else { return Ok(()) };
    set_target(vm, class, &target)?;
    let (Some(info), Some(of_target)) = (info::of_class(class), info::of_class(&target)) else {
        return Ok(());
    };
    let format = of_target.format.borrow().clone();
    let format = if format.is_empty() { "B".to_owned() } else { format };
    let shape: Vec<String> = of_target.shape.borrow().iter().map(|n| n.to_string()).collect();
    let shape = if shape.is_empty() { String::new() } else { format!("({})", shape.join(",")) };
    *info.format.borrow_mut() = format!("&{shape}{format}");
    Ok(())
}

fn set_target(vm: &Vm, class: &Object, target: &Object) -> Result<()> {
    if Type::of(target).is_none() {
        return Err(vm.type_error("_type_ must be a type"));
    }
    let Some(of_target) = info::of_class(target) else { return Err(meta::no_storage(vm, target)) };
    let Some(info) = info::of_class(class) else { return Err(vm.type_error("abstract class")) };
    info.proto.set(target.clone());
    if of_target.pointer_type.is_empty() {
        of_target.pointer_type.set(class.clone());
    }
    Ok(())
}

/// `set_type(type)`: what pointers of an incomplete class point to.
pub fn set_type(vm: &Vm, args: &[Object]) -> Result {
    set_target(vm, &args[0], &args[1])?;
    vm.set_attr_str(&args[0], "_type_", &args[1])?;
    Ok(Object::NONE)
}

/// `from_param` of pointer classes.
pub fn from_param(vm: &Vm, args: &[Object]) -> Result {
    let (class, value) = (&args[0], &args[1]);
    if value.is_none() {
        return Ok(Object::NONE);
    }
    let info = cdata::concrete(vm, class_of(class))?;
    let Some(target) = info.item() else { return Err(vm.type_error("abstract class")) };
    // An instance of what is pointed to stands for its address.
    if vm.is_instance(value, &target)? && meta::is_cdata(value) {
        return param::by_reference(vm, value, 0);
    }
    if let Some(other) = info::of_instance(value)
        && matches!(other.kind, Kind::Pointer | Kind::Array)
        && let Some(item) = other.item()
        && vm.is_subclass(&item, &target)?
    {
        return Ok(value.clone());
    }
    meta::convert(vm, class, value)
}

// ---- instances ------------------------------------------------------------------------

fn init(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    let given = args.len() - kwnames.len();
    check_arity(vm, "POINTER", given, 0, 1)?;
    match args[..given].first() {
        Some(value) => set_contents(vm, object, Some(value)),
        None => Ok(()),
    }
}

/// The class that is pointed to, the size of its objects, and the address.
fn target(vm: &Vm, object: &Object) -> Result<(Object, usize, Place)> {
    let at = cdata::enough(vm, object, 8)?.read_pointer();
    if at.is_null() {
        return Err(vm.value_error("NULL pointer access"));
    }
    let info = cdata::concrete(vm, object.ty())?;
    let Some(class) = info.item() else { return Err(vm.type_error("abstract class")) };
    let size = cdata::concrete(vm, class_of(&class))?.size.get();
    Ok((class, size, at))
}

fn contents(vm: &Vm, object: &Object) -> Result {
    let (class, _, at) = target(vm, object)?;
    cdata::part_of(vm, class_of(&class), object, 0, at)
}

fn set_contents(vm: &Vm, object: &Object, value: Option<&Object>) -> Result<()> {
    let Some(value) = value else {
        return Err(vm.type_error("Pointer does not support item deletion"));
    };
    let info = cdata::concrete(vm, object.ty())?;
    let Some(class) = info.item() else { return Err(vm.type_error("abstract class")) };
    if !vm.is_instance(value, &class)? || !meta::is_cdata(value) {
        return Err(vm.type_error(format!(
            "expected {} instead of {}",
            info::class_name(&class),
            value.ty().full_name()
        )));
    }
    cdata::enough(vm, object, 8)?.write_pointer(data(value).expose());
    // The object itself has to live, and what it keeps alive, even if it forgets it.
    cdata::keep(vm, object, 1, value.clone())?;
    cdata::keep(vm, object, 0, cdata::kept(vm, value))
}

fn get_item(vm: &Vm, object: &Object, key: &Object) -> Result {
    if vm.is_index(key) {
        let i = vm.index_for_item(key)?;
        let (class, size, at) = target(vm, object)?;
        let at = at.offset(i.wrapping_mul(size as isize));
        return cdata::get(vm, object, class_of(&class), i as usize, at);
    }
    let Some(slice) = Slice::of(key) else {
        return Err(vm.type_error("Pointer indices must be integer"));
    };
    let picked = indices(vm, slice)?;
    let (class, size, at) = target(vm, object)?;
    let place = |i: isize| at.offset(i.wrapping_mul(size as isize));
    cdata::picked(vm, &class, picked, place, |i| {
        cdata::get(vm, object, class_of(&class), i as usize, place(i))
    })
}

/// The indices of a slice of something without an end.
fn indices(vm: &Vm, slice: &Slice) -> Result<impl Iterator<Item = isize> + use<>> {
    let part = |object: &Object| -> Result<Option<isize>> {
        if object.is_none() { Ok(None) } else { vm.index_clipped(object).map(Some) }
    };
    let step = part(&slice.step)?.unwrap_or(1);
    if step == 0 {
        return Err(vm.value_error("slice step cannot be zero"));
    }
    let start = match part(&slice.start)? {
        Some(start) => start,
        None if step < 0 => return Err(vm.value_error("slice start is required for step < 0")),
        None => 0,
    };
    let Some(stop) = part(&slice.stop)? else {
        return Err(vm.value_error("slice stop is required"));
    };
    let (low, high) = if step > 0 { (start, stop) } else { (stop, start) };
    let count = if low < high { (high.abs_diff(low) - 1) / step.unsigned_abs() + 1 } else { 0 };
    if count > isize::MAX as usize / 32 {
        return Err(vm.memory_error());
    }
    Ok((0..count as isize).map(move |i| start.wrapping_add(i.wrapping_mul(step))))
}

fn set_item(vm: &Vm, object: &Object, key: &Object, value: Option<&Object>) -> Result<()> {
    let Some(value) = value else {
        return Err(vm.type_error("Pointer does not support item deletion"));
    };
    let i = vm.index_for_item(key)?;
    let (class, size, at) = target(vm, object)?;
    let at = at.offset(i.wrapping_mul(size as isize));
    cdata::set(vm, &Part { owner: object, class: class_of(&class), index: i as usize, size, at }, value)
}
