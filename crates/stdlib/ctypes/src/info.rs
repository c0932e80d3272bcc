//! [`Info`]: what a ctypes class knows about its data, kept with the class by its
//! metaclass. Classes without one are abstract.

use crate::abi::Abi;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use taipan_runtime::prelude::*;
use taipan_runtime::types::cell::ObjectCell;

/// What a class is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Simple,
    Struct,
    Union,
    Array,
    Pointer,
    Function,
}

/// Bits of [`Info::flags`]; those of functions are numbered as Python sees them.
pub mod flag {
    pub const PYTHON_API: u32 = 4;
    pub const USE_ERRNO: u32 = 8;
    pub const CDECL: u32 = 1;
    pub const IS_POINTER: u32 = 0x100;
    pub const HAS_POINTER: u32 = 0x200;
    /// `_fields_` cannot be given any more.
    pub const FINAL: u32 = 0x1000;
}

/// A part of a structure or union, for calls by value.
#[derive(Clone)]
pub struct Member {
    pub offset: usize,
    pub class: Object,
}

/// The storage information of a class.
pub struct Info {
    pub kind: Kind,
    /// Of simple types: their letter.
    pub code: u8,
    /// Of simple types: the bytes are in the other order.
    pub swapped: bool,
    pub size: Cell<usize>,
    pub align: Cell<usize>,
    pub length: Cell<usize>,
    pub flags: Cell<u32>,
    /// Arrays: the type of items; pointers: what they point to; simple types: their letter.
    pub proto: ObjectCell,
    pub format: RefCell<String>,
    pub shape: RefCell<Vec<isize>>,
    pub pointer_type: ObjectCell,
    /// Array types of this one, by their length: weak references.
    pub arrays: RefCell<HashMap<usize, Object>>,
    pub members: RefCell<Vec<Member>>,
    pub abi: OnceCell<Abi>,
    /// Of functions.
    pub argtypes: ObjectCell,
    pub converters: ObjectCell,
    pub restype: ObjectCell,
    pub checker: ObjectCell,
}

impl NativeClass for Info {
    fn class() -> &'static Type {
        &INFO
    }
    fn traverse(&self, visitor: &mut Visitor) {
        for cell in self.cells() {
            cell.traverse(visitor);
        }
        for reference in self.arrays.borrow().values() {
            visitor.visit_object(reference);
        }
        for member in self.members.borrow().iter() {
            visitor.visit_object(&member.class);
        }
    }
    fn clear(&self) {
        for cell in self.cells() {
            cell.clear();
        }
        drop(std::mem::take(&mut *self.arrays.borrow_mut()));
    }
}

pub static INFO: Type = Type::new::<Info>(
    "_ctypes.StgInfo",
    &taipan_runtime::types::object::OBJECT,
    type_flags::HAVE_GC | type_flags::DISALLOW_INSTANTIATION,
    Slots::EMPTY,
    &[],
    &[],
);

impl Info {
    pub fn new(kind: Kind) -> Info {
        Info {
            kind,
            code: 0,
            swapped: false,
            size: Cell::new(0),
            align: Cell::new(1),
            length: Cell::new(0),
            flags: Cell::new(0),
            proto: ObjectCell::EMPTY,
            format: RefCell::default(),
            shape: RefCell::default(),
            pointer_type: ObjectCell::EMPTY,
            arrays: RefCell::default(),
            members: RefCell::default(),
            abi: OnceCell::new(),
            argtypes: ObjectCell::EMPTY,
            converters: ObjectCell::EMPTY,
            restype: ObjectCell::EMPTY,
            checker: ObjectCell::EMPTY,
        }
    }
    fn cells(&self) -> [&ObjectCell; 6] {
        [&self.proto, &self.pointer_type, &self.argtypes, &self.converters, &self.restype, &self.checker]
    }
    pub fn has(&self, flag: u32) -> bool {
        self.flags.get() & flag != 0
    }
    pub fn add(&self, flags: u32) {
        self.flags.set(self.flags.get() | flags)
    }
    /// The class that `proto` is.
    pub fn item(&self) -> Option<Object> {
        self.proto.bound()
    }
}

/// The storage information of a class; None: it is none of ours, or abstract.
pub fn of_type(class: &Type) -> Option<&Info> {
    class.extra().native_data.as_ref()?.downcast_exact::<Info>()
}

/// The storage information of an object that is a class.
pub fn of_class(object: &Object) -> Option<&Info> {
    of_type(Type::of(object)?)
}

/// The storage information of an instance's class.
pub fn of_instance(object: &Object) -> Option<&Info> {
    object.downcast::<crate::memory::CData>()?;
    of_type(object.ty())
}

/// The name of a class as C's `tp_name`.
pub fn class_name(class: &Object) -> String {
    Type::of(class).map_or(String::new(), |ty| ty.full_name().to_owned())
}

/// Gives a class its information; SystemError if it has it already.
pub fn install(vm: &Vm, class: &Object, info: Info) -> Result<()> {
    let Some(ty) = Type::of(class) else { return Err(vm.system_error("not a class")) };
    if ty.extra().native_data.is_some() {
        return Err(vm.system_error(format!("StgInfo of '{}' is already initialized.", ty.full_name())));
    }
    let object = vm.try_alloc(&INFO, info).ok_or_else(|| vm.memory_error())?;
    ty.update_extra(|extra| extra.native_data = Some(object));
    Ok(())
}
