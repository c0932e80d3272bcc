//! `CArgObject`: an argument ready for C, as `from_param()` and `byref()` make it, and
//! the turning of any object into one.

use crate::abi::Passed;
use crate::cdata::{self, data};
use crate::info::{self, Kind};
use crate::memory::{Capsule, Place};
use crate::values;
use taipan_runtime::prelude::*;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::cell::ObjectCell;
use taipan_runtime::types::int;

/// Bytes of an argument that is no structure.
#[derive(Clone, Copy, Default)]
#[repr(C, align(16))]
pub struct Content(pub [u8; 32]);

impl Content {
    pub fn place(&mut self) -> Place {
        Place::named(self.0.as_mut_ptr() as usize)
    }
    pub fn pointer(address: usize) -> Content {
        let mut content = Content::default();
        content.0[..8].copy_from_slice(&address.to_ne_bytes());
        content
    }
}

/// An argument.
pub struct Argument {
    /// The letter of its type; 'P' for what `byref()` gives.
    pub tag: u8,
    pub content: Content,
    /// What it is made of, and has to live as long.
    pub object: ObjectCell,
}

impl NativeClass for Argument {
    fn class() -> &'static Type {
        &ARGUMENT
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.object.traverse(visitor);
    }
    fn clear(&self) {
        self.object.clear();
    }
}

pub static ARGUMENT: Type = Type::new::<Argument>(
    "_ctypes.CArgObject",
    &taipan_runtime::types::object::OBJECT,
    type_flags::HAVE_GC | type_flags::DISALLOW_INSTANTIATION,
    Slots::EMPTY.repr(repr),
    &[],
    &[GetSetDef::member("_obj", |_, o| Ok(this(o).object.or_none())).with_doc("the wrapped object")],
);

fn this(object: &Object) -> &Argument {
    taipan_runtime::support::this(object)
}

/// A new argument.
pub fn new(vm: &Vm, tag: u8, content: Content, object: Object) -> Result {
    let argument = Argument { tag, content, object: ObjectCell::new(object) };
    vm.try_alloc(&ARGUMENT, argument).ok_or_else(|| vm.memory_error())
}

fn repr(vm: &Vm, object: &Object) -> Result {
    let mut content = this(object).content;
    let (tag, word) = (this(object).tag, u64::from_ne_bytes(content.place().read()));
    let letter = tag as char;
    let text = match tag {
        b'b' | b'B' | b'h' | b'H' | b'i' | b'I' | b'l' | b'L' | b'q' | b'Q' | b'd' | b'f' => {
            let size = values::layout(tag).map_or(8, |(size, _)| size);
            let shown = values::get(vm, tag, false, content.place(), size)?;
            format!("<cparam '{letter}' ({})>", vm.repr_text(&shown)?)
        }
        b'c' => match content.0[0] {
            quote @ (b'\'' | b'\\') => format!("<cparam 'c' ('\\{}')>", quote as char),
            c @ 32..127 => format!("<cparam 'c' ('{}')>", c as char),
            c => format!("<cparam 'c' ('\\x{c:02x}')>"),
        },
        b'z' | b'Z' | b'P' => format!("<cparam '{letter}' ({word:#x})>"),
        32..127 => format!("<cparam '{letter}' at {:#x}>", object.bits()),
        _ => format!("<cparam 0x{tag:02x} at {:#x}>", object.bits()),
    };
    Ok(vm.str(&text))
}

/// `_as_parameter_` of an object, if it has one. It may have one in turn, without end.
pub fn stand_in(vm: &Vm, value: &Object) -> Result<Option<Object>> {
    let found = vm.lookup_attr_str(value, "_as_parameter_")?;
    if found.is_some() {
        vm.check_native_stack(" while processing _as_parameter_")?;
    }
    Ok(found)
}

/// `byref(object, offset)`.
pub fn by_reference(vm: &Vm, object: &Object, offset: isize) -> Result {
    let address = data(object).expose().offset(offset).address();
    new(vm, b'P', Content::pointer(address), object.clone())
}

/// An argument on its way to C.
pub struct Ready {
    pub passed: Passed,
    /// Lives until the call is over.
    pub _keeper: Object,
}

impl Ready {
    fn scalar(code: u8, content: Content, keeper: Object) -> Ready {
        Ready { passed: Passed::Scalar(code, content), _keeper: keeper }
    }
    fn pointer(address: usize, keeper: Object) -> Ready {
        Ready::scalar(b'P', Content::pointer(address), keeper)
    }
}

/// Makes an argument of an object; `number` is for the message.
pub fn ready(vm: &Vm, object: &Object, number: usize) -> Result<Ready> {
    if let Some(info) = info::of_instance(object) {
        let payload = data(object);
        return Ok(match info.kind {
            Kind::Simple => {
                let mut content = Content::default();
                let size = info.size.get().min(32);
                content.place().copy_from(cdata::enough(vm, object, size)?, size);
                Ready::scalar(info.code, content, object.clone())
            }
            Kind::Pointer | Kind::Function => {
                let target = cdata::enough(vm, object, 8)?.read_pointer();
                Ready::pointer(target.address(), object.clone())
            }
            Kind::Array => Ready::pointer(payload.expose().address(), object.clone()),
            Kind::Struct | Kind::Union => {
                // A copy, for the callee may change it.
                let size = payload.size.get().min(info.size.get());
                let (keeper, place) = Capsule::copy(vm, payload.place(), size, info.align.get())?;
                Ready { passed: Passed::Aggregate(place, object.ty().to_object()), _keeper: keeper }
            }
        });
    }
    if let Some(argument) = object.downcast_exact::<Argument>() {
        return Ok(Ready::scalar(argument.tag, argument.content, object.clone()));
    }
    if object.is_none() {
        return Ok(Ready::pointer(0, Object::NONE));
    }
    if int::is_any_int(object) {
        let low = int::to_u64(object).map(|n| n as i32);
        let Some(value) = low.or_else(|| int::to_i64(object).map(|n| n as i32)) else {
            return Err(vm.overflow_error("int too long to convert"));
        };
        let mut content = Content::default();
        content.place().write(value.to_ne_bytes());
        return Ok(Ready::scalar(b'i', content, Object::NONE));
    }
    if let Some(bytes) = object.downcast::<Bytes>() {
        return Ok(Ready::pointer(bytes.address() as usize, object.clone()));
    }
    if let Some(text) = object.downcast::<Str>() {
        let (keeper, place) = Capsule::wide(vm, &text.to_code_points())?;
        return Ok(Ready::pointer(place.address(), keeper));
    }
    if let Some(stand_in) = stand_in(vm, object)? {
        return ready(vm, &stand_in, number);
    }
    Err(vm.type_error(format!("Don't know how to convert parameter {number}")))
}
