//! Builtin functions about text: `ascii`, `format`, `repr`.

use crate::prelude::*;

pub const FUNCTIONS: &[MethodDef] = &[
    MethodDef::new(
        "ascii(obj, /)",
        |vm, args| vm.ascii(&args[0]),
        "As repr(), with backslash escapes for what is not ASCII.",
    ),
    MethodDef::new("repr(obj, /)", |vm, args| vm.repr(&args[0]), "The canonical text of an object."),
    MethodDef::new(
        "format(value, format_spec='', /)",
        format,
        "The text of a value, laid out as the format spec says: value.__format__(format_spec).",
    ),
];

fn format(vm: &Vm, args: &[Object]) -> Result {
    if args[1].downcast::<Str>().is_none() {
        let shown = crate::types::str_methods::shown_type(&args[1]);
        return Err(vm.type_error(format!("format() argument 2 must be str, not {shown}")));
    }
    vm.format(&args[0], &args[1])
}
