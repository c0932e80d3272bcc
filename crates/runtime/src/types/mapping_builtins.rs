//! What functions carry for a `__builtins__` that is no dict: an empty dict, so
//! that nothing in the loop needs to look twice, which asks the mapping behind it.

use crate::prelude::*;
use crate::types::cell::ObjectCell;
use crate::types::dict::DICT;

/// Payload: that of dict, and the mapping.
#[repr(C)]
pub struct MappingBuiltins {
    dict: Dict,
    mapping: ObjectCell,
}

impl NativeClass for MappingBuiltins {
    fn class() -> &'static Type {
        &MAPPING_BUILTINS
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.dict.traverse(visitor);
        self.mapping.traverse(visitor);
    }
    fn clear(&self) {
        self.mapping.clear();
    }
}

/// The type; programs never see an instance.
pub static MAPPING_BUILTINS: Type = Type::new::<MappingBuiltins>(
    "mapping_builtins",
    &DICT,
    type_flags::HAVE_GC | type_flags::DISALLOW_INSTANTIATION,
    Slots { getitem: Some(|vm, object, key| vm.get_item(&shown(object), key)), ..Slots::EMPTY },
    &[],
    &[],
);

/// The dict that stands for a mapping.
pub fn wrap(vm: &Vm, mapping: Object) -> Object {
    let payload = MappingBuiltins { dict: Dict::new_payload(), mapping: ObjectCell::new(mapping) };
    vm.alloc(&MAPPING_BUILTINS, payload)
}

/// The builtins of a function or frame as programs see them.
pub fn shown(builtins: &Object) -> Object {
    match builtins.downcast_exact::<MappingBuiltins>() {
        Some(wrapped) => wrapped.mapping.get(),
        None => builtins.clone(),
    }
}
