//! `Structure` and `Union`: named parts. Where they lie, `ctypes._layout` computes.

use crate::cdata::{self, CDATA};
use crate::field::{self, CField};
use crate::info::{self, Info, Kind, Member, flag};
use crate::memory::CData;
use crate::meta::{self, class_of};
use taipan_runtime::prelude::*;
use taipan_runtime::types::typ::TYPE;

macro_rules! aggregate {
    ($static:ident, $name:literal, $meta:ident, $doc:literal) => {
        pub static $static: Type = Type::new::<CData>(
            $name,
            &CDATA,
            type_flags::BASE,
            Slots { new: Some(cdata::new_slot), init: Some(init), ..Slots::EMPTY },
            &[],
            &[],
        )
        .with_metatype(&meta::$meta)
        .with_doc($doc);
    };
}

aggregate!(STRUCTURE, "_ctypes.Structure", STRUCT_TYPE, "Structure base class");
aggregate!(UNION, "_ctypes.Union", UNION_TYPE, "Union base class");

// ---- instances ------------------------------------------------------------------------

/// Sets the fields of a class and its bases from positional arguments; how many fields
/// there are.
fn set_positional(
    vm: &Vm,
    object: &Object,
    class: &Type,
    values: &[Object],
    kwnames: &[Object],
    first: usize,
) -> Result<usize> {
    let mut index = first;
    if let Some(base) = class.base()
        && info::of_type(base).is_some()
    {
        index = set_positional(vm, object, base, values, kwnames, index)?;
    }
    let Some(info) = info::of_type(class) else { return Ok(index) };
    let Some(fields) = class.dict().get_text(vm, "_fields_") else { return Ok(index) };
    let length = info.length.get();
    let start = index;
    while index < length && index < values.len() {
        let pair = vm.get_item(&fields, &vm.usize(index - start))?;
        let name = vm.get_item(&pair, &vm.int(0))?;
        for given in kwnames {
            if vm.equal(given, &name)? {
                let shown = vm.repr_text(&name)?;
                return Err(vm.type_error(format!("duplicate values for field {shown}")));
            }
        }
        vm.set_attr(object, &name, &values[index])?;
        index += 1;
    }
    Ok(length)
}

fn init(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    let (values, named) = args.split_at(args.len() - kwnames.len());
    if !values.is_empty() {
        let taken = set_positional(vm, object, object.ty(), values, kwnames, 0)?;
        if taken < values.len() {
            return Err(vm.type_error("too many initializers"));
        }
    }
    for (name, value) in kwnames.iter().zip(named) {
        vm.set_attr(object, name, value)?;
    }
    Ok(())
}

// ---- classes --------------------------------------------------------------------------

/// Initialises a class: by its `_fields_`, or by what its base has.
pub fn init_class(vm: &Vm, class: &Object, kind: Kind) -> Result<()> {
    let ty = class_of(class);
    if ty.dict().get_text(vm, "_abstract_").is_some() {
        return Ok(());
    }
    let info = Info::new(kind);
    *info.format.borrow_mut() = "B".to_owned();
    info::install(vm, class, info)?;
    if let Some(fields) = ty.dict().get_text(vm, "_fields_") {
        return vm.set_attr_str(class, "_fields_", &fields);
    }
    let (Some(info), Some(base)) = (info::of_type(ty), ty.base().and_then(info::of_type)) else {
        return Ok(());
    };
    info.size.set(base.size.get());
    info.align.set(base.align.get());
    info.length.set(base.length.get());
    info.flags.set(base.flags.get() & !flag::FINAL);
    *info.format.borrow_mut() = base.format.borrow().clone();
    info.members.replace(base.members.borrow().clone());
    base.add(flag::FINAL);
    Ok(())
}

/// Setting an attribute of a class; that of `_fields_` lays it out.
pub fn set_class_attr(vm: &Vm, class: &Object, name: &Object, value: Option<&Object>) -> Result<()> {
    if let Some(fields) = value
        && name.downcast::<Str>().is_some_and(|s| s.equals_text("_fields_"))
    {
        lay_out(vm, class, fields)?;
    }
    match TYPE.slots().setattr {
        Some(set) => set(vm, class, name, value),
        None => Ok(()),
    }
}

/// Lays a class out, by `ctypes._layout`.
fn lay_out(vm: &Vm, class: &Object, fields: &Object) -> Result<()> {
    let ty = class_of(class);
    let is_struct = !class.ty().is_subtype(&meta::UNION_TYPE);
    let base = ty.base().filter(|base| info::of_type(base).is_some());
    let Some(info) = info::of_class(class) else {
        return Err(vm.type_error("ctypes state is not initialized"));
    };
    if info.has(flag::FINAL) {
        return Err(vm.error(&exc::ATTRIBUTE_ERROR, "_fields_ is final"));
    }
    let module = vm.import_module("ctypes._layout")?;
    let function = vm.get_attr_str(&module, "get_layout")?;
    let layout = vm.call_kw(
        &function,
        &[
            class.clone(),
            fields.clone(),
            Object::bool(is_struct),
            base.map_or(Object::NONE, |base| base.to_object()),
        ],
        &[vm.intern("is_struct"), vm.intern("base")],
    )?;
    let number = |name: &str| -> Result<usize> {
        let value = vm.get_attr_str(&layout, name)?;
        if !taipan_runtime::types::int::is_any_int(&value) {
            return Err(vm.type_error(format!("{name} must be an integer")));
        }
        let value = vm.index_isize(&value)?;
        usize::try_from(value).map_err(|_| vm.value_error(format!("{name} must be non-negative")))
    };
    let (align, size) = (number("align")?, number("size")?);
    let parts = vm.collect(&vm.get_attr_str(&layout, "fields")?)?;
    let format = vm.get_attr_str(&layout, "format_spec")?;
    if format.downcast::<Str>().is_some_and(|text| !text.is_ascii()) {
        // CPython keeps it as UTF-8.
        vm.call_method(&format, "encode", &[])?;
    }
    let format = vm.str_text(&format)?;
    // Layout is Python code that might have come back here.
    if info.has(flag::FINAL) {
        return Err(vm.error(&exc::ATTRIBUTE_ERROR, "_fields_ is final"));
    }
    let mut length = parts.len();
    *info.members.borrow_mut() = Vec::new();
    if let Some(base) = base.and_then(info::of_type) {
        base.add(flag::FINAL);
        info.add(base.flags.get() & flag::HAS_POINTER);
        length += base.length.get();
        info.members.replace(base.members.borrow().clone());
    }
    for (i, part) in parts.iter().enumerate() {
        let Some(field) = part.downcast::<CField>() else {
            let shown = vm.repr_text(part)?;
            return Err(vm.type_error(format!("fields must be of type CField, got {shown}")));
        };
        let Some(of_field) = info::of_class(&field.class) else {
            return Err(vm.type_error(format!("second item in _fields_ tuple (index {i}) must be a C type")));
        };
        let end = field.byte_offset.checked_add(field.byte_size);
        if end.is_none_or(|end| end > size) {
            return Err(vm.value_error("field does not lie within the structure"));
        }
        if of_field.has(flag::IS_POINTER | flag::HAS_POINTER) {
            info.add(flag::HAS_POINTER);
        }
        of_field.add(flag::FINAL);
        if info.has(flag::FINAL) {
            return Err(vm.error(&exc::ATTRIBUTE_ERROR, "Structure or union cannot contain itself"));
        }
        info.members.borrow_mut().push(Member { offset: field.byte_offset, class: field.class.clone() });
        vm.set_attr(class, &field.name, part)?;
    }
    info.size.set(size);
    info.align.set(align.max(1));
    info.length.set(length);
    info.add(flag::FINAL);
    *info.format.borrow_mut() = format;
    anonymous_fields(vm, class)
}

/// Makes the fields of the fields that `_anonymous_` names fields of the class.
fn anonymous_fields(vm: &Vm, class: &Object) -> Result<()> {
    let Some(names) = vm.lookup_attr_str(class, "_anonymous_")? else { return Ok(()) };
    if !vm.is_sequence(&names) {
        return Err(vm.type_error("_anonymous_ must be a sequence"));
    }
    for name in vm.collect(&names)? {
        let descriptor = vm.get_attr(class, &name)?;
        let Some(field) = descriptor.downcast_exact::<CField>() else {
            return Err(vm.error(
                &exc::ATTRIBUTE_ERROR,
                format!("'{}' is specified in _anonymous_ but not in _fields_", vm.str_text(&name)?),
            ));
        };
        field.anonymous.set(true);
        lift(vm, class, field, field.index, field.byte_offset)?;
    }
    Ok(())
}

/// Gives the class what the fields of `field`'s type are, seen from the class.
fn lift(vm: &Vm, class: &Object, field: &CField, index: usize, offset: usize) -> Result<()> {
    vm.check_native_stack("")?;
    let fields = vm.get_attr_str(&field.class, "_fields_")?;
    if !vm.is_sequence(&fields) {
        return Err(vm.type_error("_fields_ must be a sequence"));
    }
    for pair in vm.collect(&fields)? {
        let parts = vm.collect(&pair)?;
        let Some(name) = parts.first() else {
            return Err(vm.type_error("_fields_ must be a sequence of pairs"));
        };
        let descriptor = vm.get_attr(&field.class, name)?;
        let Some(inner) = descriptor.downcast_exact::<CField>() else {
            return Err(vm.type_error("unexpected type"));
        };
        if inner.anonymous.get() {
            lift(vm, class, inner, index + inner.index, offset + inner.byte_offset)?;
            continue;
        }
        let lifted = field::moved(vm, inner, index + inner.index, offset + inner.byte_offset)?;
        vm.set_attr(class, name, &lifted)?;
    }
    Ok(())
}
