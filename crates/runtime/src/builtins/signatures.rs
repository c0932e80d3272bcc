//! `__text_signature__` of native types: a table for the types whose
//! documentation does not begin with it (`"name(params)\n--\n\n..."`).

use crate::prelude::*;

/// Full name of the type, parameters.
const TABLE: [(&str, &str); 29] = [
    ("bool", "(object=False, /)"),
    ("cell", "([contents])"),
    ("classmethod", "(function, /)"),
    (
        "code",
        "(argcount, posonlyargcount, kwonlyargcount, nlocals, stacksize,\n     flags, codestring, constants, names, varnames, filename, name,\n     qualname, firstlineno, linetable, exceptiontable, freevars=(),\n     cellvars=(), /)",
    ),
    ("complex", "(real=0, imag=0)"),
    ("ellipsis", "()"),
    ("enumerate", "(iterable, start=0)"),
    ("filter", "(function, iterable, /)"),
    ("float", "(x=0, /)"),
    ("frozenset", "(iterable=(), /)"),
    ("function", "(code, globals, name=None, argdefs=None, closure=None,\n         kwdefaults=None)"),
    ("types.GenericAlias", "(origin, args, /)"),
    ("list", "(iterable=(), /)"),
    ("map", "(function, iterable, /, *iterables, strict=False)"),
    ("mappingproxy", "(mapping)"),
    ("memoryview", "(object)"),
    ("method", "(function, instance, /)"),
    ("module", "(name, doc=None)"),
    ("NoneType", "()"),
    ("NotImplementedType", "()"),
    ("object", "()"),
    ("property", "(fget=None, fset=None, fdel=None, doc=None)"),
    ("reversed", "(sequence, /)"),
    ("set", "(iterable=(), /)"),
    ("types.SimpleNamespace", "(mapping_or_iterable=(), /, **kwargs)"),
    ("staticmethod", "(function, /)"),
    ("traceback", "(tb_next, tb_frame, tb_lasti, tb_lineno)"),
    ("tuple", "(iterable=(), /)"),
    ("zip", "(*iterables, strict=False)"),
];

/// The signature of the type's constructor, or None.
pub fn of_type(vm: &Vm, ty: &Type) -> Object {
    if let Some(doc) = ty.doc()
        && let Some((first, _)) = doc.split_once("\n--\n\n")
        && let Some(params) = first.strip_prefix(ty.name())
        && params.starts_with('(')
    {
        return vm.str(params);
    }
    match TABLE.iter().find(|(name, _)| *name == ty.full_name()) {
        Some((_, params)) => vm.str(params),
        None => Object::NONE,
    }
}
