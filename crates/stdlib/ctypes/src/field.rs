//! `CField`: the descriptors of the parts of structures and unions.

use crate::cdata::{self, Part, data};
use crate::info::{self, Info, Kind};
use crate::memory::{CData, Place};
use crate::meta::class_of;
use crate::values::{self, Bits};
use std::cell::Cell;
use taipan_runtime::prelude::*;
use taipan_runtime::types::{int, str};

/// A part of a structure or union.
pub struct CField {
    pub name: Object,
    pub class: Object,
    pub byte_size: usize,
    pub byte_offset: usize,
    pub bits: Option<Bits>,
    pub index: usize,
    pub anonymous: Cell<bool>,
}

impl NativeClass for CField {
    fn class() -> &'static Type {
        &CFIELD
    }
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit_object(&self.name);
        visitor.visit_object(&self.class);
    }
}

pub static CFIELD: Type = Type::new::<CField>(
    "ctypes.CField",
    &taipan_runtime::types::object::OBJECT,
    type_flags::HAVE_GC,
    Slots {
        new: Some(new),
        descr_get: Some(get),
        descr_set: Some(set),
        ..Slots::EMPTY.repr(repr)
    },
    &[],
    &[
        GetSetDef::member("name", |_, f| Ok(this(f).name.clone())).with_doc("name of this field"),
        GetSetDef::member("type", |_, f| Ok(this(f).class.clone())).with_doc("type of this field"),
        GetSetDef::member("offset", |vm, f| Ok(vm.usize(this(f).byte_offset)))
            .with_doc("offset in bytes of this field (same as byte_offset)"),
        GetSetDef::member("byte_offset", |vm, f| Ok(vm.usize(this(f).byte_offset)))
            .with_doc("offset in bytes of this field. For bitfields: excludes bit_offset."),
        GetSetDef::member("byte_size", |vm, f| Ok(vm.usize(this(f).byte_size)))
            .with_doc("size of this field in bytes"),
        GetSetDef::member("bit_offset", |vm, f| Ok(vm.int(this(f).bits.map_or(0, |b| b.offset as i64))))
            .with_doc(
                "additional offset in bits (relative to byte_offset); zero for non-bitfields",
            ),
        GetSetDef::new("size", |vm, f| {
            Ok(match this(f).bits {
                Some(bits) => vm.int((bits.size as i64) << 16 | bits.offset as i64),
                None => vm.usize(this(f).byte_size),
            })
        })
        .with_doc("size in bytes of this field. For bitfields, this is a legacy packed value; use byte_size instead"),
        GetSetDef::new("bit_size", |vm, f| {
            Ok(match this(f).bits {
                Some(bits) => vm.int(bits.size as i64),
                None => int::from_i128(vm, this(f).byte_size as i128 * 8),
            })
        })
        .with_doc("size of this field in bits"),
        GetSetDef::new("is_bitfield", |_, f| Ok(Object::bool(this(f).bits.is_some())))
            .with_doc("true if this is a bitfield"),
        GetSetDef::new("is_anonymous", |_, f| Ok(Object::bool(this(f).anonymous.get())))
            .with_doc("true if this field is anonymous"),
    ],
)
.with_doc("Structure/Union member");

fn this(object: &Object) -> &CField {
    taipan_runtime::support::this(object)
}

static SIG: Sig = Sig::new(
    "CField(*, name, type, byte_size, byte_offset, index, _internal_use, bit_size=None, bit_offset=None)",
);

fn new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    if args.len() > kwnames.len() {
        return Err(vm.type_error("CField() takes no positional arguments"));
    }
    let bound = SIG.bind(vm, args, kwnames)?;
    let Some(text) = bound[0].downcast::<Str>() else {
        return Err(
            vm.type_error(format!("CField() argument 'name' must be str, not {}", bound[0].ty().full_name()))
        );
    };
    if !vm.is_true(&bound[5])? {
        return Err(vm.type_error("cannot create type object"));
    }
    // A subclass of str may be shown as something else.
    let plain = str::copy_as(vm, &str::STR, text).ok_or_else(|| vm.memory_error())?;
    let (name, proto) = (vm.intern_object(&plain), bound[1].clone());
    let (byte_size, byte_offset) = (vm.index_isize(&bound[2])?, vm.index_isize(&bound[3])?);
    let index = vm.index_isize(&bound[4])?;
    let shown = vm.repr_text(&name)?;
    if byte_size < 0 {
        return Err(
            vm.value_error(format!("byte size of field {shown} must not be negative, got {byte_size}"))
        );
    }
    if byte_offset < 0 {
        return Err(
            vm.value_error(format!("byte offset of field {shown} must not be negative, got {byte_offset}"))
        );
    }
    let Some(info) = info::of_class(&proto) else {
        return Err(vm.type_error(format!("type of field {shown} must be a C type")));
    };
    if byte_size as usize != info.size.get() {
        return Err(vm.value_error(format!(
            "byte size of field {shown} ({byte_size}) does not match type size ({})",
            info.size.get()
        )));
    }
    let bits = match (bound[6].some(), bound[7].some()) {
        (None, None) => None,
        (None, Some(_)) => {
            return Err(vm.value_error(format!("field {shown}: bit_offset must be specified if bit_size is")));
        }
        (Some(size), offset) => {
            Some(bit_range(vm, &shown, (info, &proto), size, offset.unwrap_or(&Object::NONE))?)
        }
    };
    let field = CField {
        name,
        class: proto,
        byte_size: byte_size as usize,
        byte_offset: byte_offset as usize,
        bits,
        index: index as usize,
        anonymous: Cell::new(false),
    };
    vm.try_alloc(class, field).ok_or_else(|| vm.memory_error())
}

/// The bits of a bit field of type `class`, checked.
fn bit_range(
    vm: &Vm,
    shown: &str,
    (info, class): (&Info, &Object),
    size: &Object,
    offset: &Object,
) -> Result<Bits> {
    let number = |object: &Object| {
        if !int::is_any_int(object) {
            return Err(vm.type_error("an integer is required"));
        }
        vm.index_isize(object)
    };
    let (size, offset, room) = (number(size)?, number(offset)?, info.size.get() as isize * 8);
    if info.kind != Kind::Simple || values::integer(info.code).is_none() && info.code != b'?' {
        let class = info::class_name(class);
        return Err(vm.type_error(format!("bit fields not allowed for type {class}")));
    }
    if size <= 0 {
        return Err(vm.value_error(format!("bit size of field {shown} out of range, got {size}")));
    }
    if offset < 0 {
        return Err(vm.value_error(format!("bit offset of field {shown} out of range, got {offset}")));
    }
    if offset.saturating_add(size) > room {
        return Err(
            vm.value_error(format!("bit field {shown} overflows its type ({offset} + {size} > {room})"))
        );
    }
    Ok(Bits { offset: offset as u32, size: size as u32 })
}

/// The same field elsewhere.
pub fn moved(vm: &Vm, field: &CField, index: usize, byte_offset: usize) -> Result {
    let copy = CField {
        name: field.name.clone(),
        class: field.class.clone(),
        byte_size: field.byte_size,
        byte_offset,
        bits: field.bits,
        index,
        anonymous: Cell::new(false),
    };
    vm.try_alloc(&CFIELD, copy).ok_or_else(|| vm.memory_error())
}

fn repr(vm: &Vm, object: &Object) -> Result {
    let field = this(object);
    let (name, offset) = (vm.repr_text(&field.name)?, field.byte_offset);
    let class = class_of(&field.class).name();
    Ok(vm.str(&match field.bits {
        Some(bits) => format!(
            "<ctypes.CField {name} type={class}, ofs={offset}, bit_size={}, bit_offset={}>",
            bits.size, bits.offset
        ),
        None => format!("<ctypes.CField {name} type={class}, ofs={offset}, size={}>", field.byte_size),
    }))
}

/// Where the field is in an instance.
fn place(vm: &Vm, field: &CField, instance: &Object) -> Result<Place> {
    let Some(payload) = instance.downcast::<CData>() else {
        return Err(vm.type_error("not a ctype instance"));
    };
    let end = field.byte_offset.checked_add(field.byte_size);
    // The descriptor may be used on an instance of another class.
    if end.is_none_or(|end| end > data(instance).size.get()) {
        return Err(vm.type_error("the field does not lie within the instance"));
    }
    Ok(payload.place().offset(field.byte_offset as isize))
}

/// The letter of the items, if the field is an array of characters.
fn text_code(field: &CField) -> u8 {
    let item = info::of_class(&field.class).filter(|info| info.kind == Kind::Array).and_then(|i| i.item());
    match item.as_ref().and_then(info::of_class) {
        Some(item) if item.kind == Kind::Simple && matches!(item.code, b'c' | b'u') => item.code,
        _ => 0,
    }
}

fn get(vm: &Vm, object: &Object, instance: Option<&Object>, _: Option<&Object>) -> Result {
    let Some(instance) = instance else { return Ok(object.clone()) };
    let field = this(object);
    let at = place(vm, field, instance)?;
    let class = class_of(&field.class);
    if let Some(bits) = field.bits {
        let info = cdata::concrete(vm, class)?;
        return values::get_bits(vm, info.code, info.swapped, at, field.byte_size, bits);
    }
    match text_code(field) {
        b'c' => values::text_of(vm, at, field.byte_size),
        b'u' => values::wide_text_of(vm, at, field.byte_size),
        _ => cdata::get(vm, instance, class, field.index, at),
    }
}

fn set(vm: &Vm, object: &Object, instance: &Object, value: Option<&Object>) -> Result<()> {
    let field = this(object);
    let at = place(vm, field, instance)?;
    let Some(value) = value else { return Err(vm.type_error("can't delete attribute")) };
    let class = class_of(&field.class);
    let part = Part { owner: instance, class, index: field.index, size: field.byte_size, at };
    if let Some(bits) = field.bits {
        return cdata::set_bit_field(vm, &part, bits, value);
    }
    match text_code(field) {
        b'c' => values::set_characters(vm, at, field.byte_size, value),
        b'u' => {
            values::set_wide_characters(vm, at, field.byte_size, value)?;
            cdata::keep(vm, instance, field.index, value.clone())
        }
        _ => cdata::set(vm, &part, value),
    }
}
