//! Looking into objects: attributes, classes, identity, namespaces.

use crate::names::name;
use crate::prelude::*;

/// The functions of this file.
pub static FUNCTIONS: &[MethodDef] = &[
    MethodDef {
        hide_signature: true,
        ..MethodDef::new(
            "getattr(object, name, default=<unrepresentable>, /)",
            getattr,
            "getattr(object, name[, default]) -> value\n\nGet a named attribute from an object: getattr(x, 'y') is x.y.\nWith a default, a missing attribute is no error.",
        )
    },
    MethodDef::new(
        "setattr(obj, name, value, /)",
        setattr,
        "Sets the named attribute on the given object to the specified value.\n\nsetattr(x, 'y', v) is equivalent to ``x.y = v``",
    ),
    MethodDef::new(
        "delattr(obj, name, /)",
        delattr,
        "Deletes the named attribute from the given object.\n\ndelattr(x, 'y') is equivalent to ``del x.y``",
    ),
    MethodDef::new(
        "hasattr(obj, name, /)",
        hasattr,
        "Return whether the object has an attribute with the given name.",
    ),
    MethodDef::new(
        "isinstance(obj, class_or_tuple, /)",
        |vm, args| vm.is_instance(&args[0], &args[1]).map(Object::bool),
        "Return whether an object is an instance of a class or of a subclass thereof.\n\nA tuple of classes (or a union) means any of them.",
    ),
    MethodDef::new(
        "issubclass(cls, class_or_tuple, /)",
        |vm, args| vm.is_subclass(&args[0], &args[1]).map(Object::bool),
        "Return whether 'cls' is derived from another class or is the same class.\n\nA tuple of classes (or a union) means any of them.",
    ),
    MethodDef::new(
        "callable(obj, /)",
        |vm, args| Ok(Object::bool(vm.is_callable(&args[0]))),
        "Return whether the object is callable (i.e., some kind of function).",
    ),
    MethodDef::new(
        "id(obj, /)",
        id,
        "Return the identity of an object.\n\nNo two objects that exist at the same time have the same one.",
    ),
    MethodDef::new(
        "hash(obj, /)",
        |vm, args| vm.hash(&args[0]).map(|h| vm.int(h)),
        "Return the integer hash value for the given object.\n\nObjects that compare equal have the same hash value.",
    ),
    MethodDef::new(
        "globals()",
        |vm, _| vm.current_globals().ok_or_else(|| vm.system_error("frame does not exist")),
        "Return the dictionary containing the current scope's global variables.",
    ),
    MethodDef::new(
        "locals()",
        |vm, _| vm.current_locals(),
        "Return a dictionary containing the current scope's local variables.",
    ),
    MethodDef {
        hide_signature: true,
        ..MethodDef::new(
            "vars(object=<unrepresentable>, /)",
            vars,
            "vars([object]) -> dictionary\n\nWithout arguments, equivalent to locals().\nWith an argument, equivalent to object.__dict__.",
        )
    },
    MethodDef {
        hide_signature: true,
        ..MethodDef::new(
            "dir(object=<unrepresentable>, /)",
            dir,
            "dir([object]) -> list of strings\n\nThe sorted names in the current scope or, given an object, those of its\nattributes, by the object's __dir__ method.",
        )
    },
];

fn check_name(vm: &Vm, attr: &Object) -> Result<()> {
    if attr.downcast::<Str>().is_none() {
        return Err(vm.type_error(format!("attribute name must be string, not '{}'", attr.ty().name())));
    }
    Ok(())
}

fn getattr(vm: &Vm, args: &[Object]) -> Result {
    check_name(vm, &args[1])?;
    match args[2].bound() {
        Some(default) => Ok(vm.lookup_attr(&args[0], &args[1])?.unwrap_or_else(|| default.clone())),
        None => vm.get_attr(&args[0], &args[1]),
    }
}

fn setattr(vm: &Vm, args: &[Object]) -> Result {
    check_name(vm, &args[1])?;
    let attr = vm.intern_object(&args[1]);
    vm.set_attr(&args[0], &attr, &args[2])?;
    Ok(Object::NONE)
}

fn delattr(vm: &Vm, args: &[Object]) -> Result {
    check_name(vm, &args[1])?;
    vm.delete_attr(&args[0], &args[1])?;
    Ok(Object::NONE)
}

fn hasattr(vm: &Vm, args: &[Object]) -> Result {
    check_name(vm, &args[1])?;
    vm.lookup_attr(&args[0], &args[1]).map(|found| Object::bool(found.is_some()))
}

/// `id(object)`: the address, or the word itself for values without one.
fn id(vm: &Vm, args: &[Object]) -> Result {
    vm.audit("builtins.id", std::slice::from_ref(&args[0]))?;
    Ok(vm.u64(args[0].bits()))
}

fn vars(vm: &Vm, args: &[Object]) -> Result {
    let Some(object) = args[0].bound() else { return vm.current_locals() };
    match vm.lookup_attr(object, name::dict.object())? {
        Some(dict) => Ok(dict),
        None => Err(vm.type_error("vars() argument must have __dict__ attribute")),
    }
}

fn dir(vm: &Vm, args: &[Object]) -> Result {
    let mut names = match args[0].bound() {
        Some(object) => names_of(vm, object)?,
        None => {
            let locals = vm.current_locals()?;
            crate::types::dict_methods::mapping_keys(vm, &locals)?
        }
    };
    crate::types::sort::sort_items(vm, &mut names, None, false)?;
    Ok(vm.list(names))
}

fn names_of(vm: &Vm, object: &Object) -> Result<Vec<Object>> {
    match vm.call_special(object, name::dir.object(), &[])? {
        Some(names) => vm.collect(&names),
        None => Err(vm.type_error("object does not provide __dir__")),
    }
}
