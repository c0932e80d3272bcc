//! The module `builtins`: the functions of this directory, the public types of
//! the registry, the exceptions and a few constants.
//!
//! `numbers`, `text` and `iteration` hold the functions about those; `output`
//! is print and input, `attributes` is looking into objects, `execute` is
//! compiling, running and importing code.

use crate::native::MethodDef;
use crate::prelude::*;
use crate::types::{module, native_function};

pub mod attributes;
pub mod execute;
pub mod iteration;
pub mod numbers;
pub mod output;
pub mod signatures;
pub mod text;

const DOC: &str = "Built-in functions, types, exceptions, and other objects.\n\nThis module is where every name is looked for that no enclosing scope\nand no global namespace knows.";

/// Types that have a name in `builtins` (exceptions are added by themselves).
const PUBLIC_TYPES: [&str; 26] = [
    "bool",
    "bytearray",
    "bytes",
    "classmethod",
    "complex",
    "dict",
    "enumerate",
    "filter",
    "float",
    "frozenset",
    "int",
    "list",
    "map",
    "memoryview",
    "object",
    "property",
    "range",
    "reversed",
    "set",
    "slice",
    "staticmethod",
    "str",
    "super",
    "tuple",
    "type",
    "zip",
];

/// Makes the module.
pub fn build(vm: &Vm) -> Object {
    let builtins = module::new(vm, "builtins");
    let dict = module::dict_of(&builtins);
    let Some(d) = dict.downcast::<Dict>() else { return builtins };
    d.set_text(vm, "__doc__", vm.str(DOC));
    d.set_text(vm, "__package__", vm.intern(""));
    // Not the interned name, which classes have: pickles tell the difference.
    let module_name = vm.str("builtins");
    d.set_text(vm, "__name__", module_name.clone());
    let tables: [&'static [MethodDef]; 6] = [
        attributes::FUNCTIONS,
        execute::FUNCTIONS,
        iteration::FUNCTIONS,
        numbers::FUNCTIONS,
        output::FUNCTIONS,
        text::FUNCTIONS,
    ];
    for def in tables.into_iter().flatten() {
        d.set_text(vm, def.name(), native_function::new_function(vm, def, module_name.clone()));
    }
    for ty in crate::types::registry() {
        let name = ty.full_name();
        let exception = ty.is_subtype(&exc::BASE_EXCEPTION) && !name.contains('.');
        if exception || PUBLIC_TYPES.contains(&name) {
            d.set_text(vm, name, ty.to_object());
        }
    }
    d.set_text(vm, "EnvironmentError", exc::OS_ERROR.to_object());
    d.set_text(vm, "IOError", exc::OS_ERROR.to_object());
    d.set_text(vm, "None", Object::NONE);
    d.set_text(vm, "True", Object::TRUE);
    d.set_text(vm, "False", Object::FALSE);
    d.set_text(vm, "Ellipsis", Object::ELLIPSIS);
    d.set_text(vm, "NotImplemented", Object::NOT_IMPLEMENTED);
    d.set_text(vm, "__debug__", Object::bool(vm.interp().config.optimize == 0));
    builtins
}

/// What `name` is in `builtins` right now.
pub fn get(vm: &Vm, name: &str) -> Result {
    let builtins = &vm.interp().builtins;
    let found = match builtins.downcast::<Dict>() {
        Some(d) => d.get_text(vm, name),
        None => module::dict_of(builtins).downcast::<Dict>().and_then(|d| d.get_text(vm, name)),
    };
    found.ok_or_else(|| vm.attribute_error(name, builtins, &vm.intern(name)))
}
