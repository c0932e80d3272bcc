//! Arguments of the constructors, beside what `taipan_runtime::support` has.

use taipan_runtime::prelude::*;
pub use taipan_runtime::support::Fields;

/// A field that is a C int.
#[inline]
pub fn int_or(vm: &Vm, argument: Option<&Object>, default: i32) -> Result<i32> {
    match argument {
        None => Ok(default),
        Some(object) if object.is_int() => match i32::try_from(object.as_int()) {
            Ok(n) => Ok(n),
            Err(_) => vm.to_c_int(object),
        },
        Some(object) => c_int(vm, object),
    }
}

/// An int through a C long, whose word comes first when it is too large.
pub fn c_int(vm: &Vm, object: &Object) -> Result<i32> {
    vm.to_c_int(&vm.int(vm.to_i64(object)?))
}

/// As [`int_or`] for arguments that are UNBOUND when not given.
#[inline]
pub fn given_or(vm: &Vm, argument: &Object, default: i32) -> Result<i32> {
    int_or(vm, argument.bound(), default)
}

/// The arguments behind self (or the class) of a method that takes none by name.
pub fn exactly<'a>(
    vm: &Vm,
    name: &str,
    wanted: usize,
    args: &'a [Object],
    kwnames: &[Object],
) -> Result<&'a [Object]> {
    if !kwnames.is_empty() {
        return Err(vm.type_error(format!("{name}() takes no keyword arguments")));
    }
    let given = &args[1.min(args.len())..];
    if given.len() != wanted {
        let plural = if wanted == 1 { "" } else { "s" };
        return Err(vm.type_error(format!(
            "{name}() takes exactly {wanted} argument{plural} ({} given)",
            given.len()
        )));
    }
    Ok(given)
}

/// An argument that must be a string.
pub fn text<'a>(vm: &Vm, function: &str, position: usize, object: &'a Object) -> Result<&'a Str> {
    match object.downcast::<Str>() {
        Some(text) => Ok(text),
        None => Err(taipan_runtime::support::bad_argument(
            vm,
            function,
            &format!("argument {position}"),
            "str",
            object,
        )),
    }
}

/// The class that a class method was called on.
pub fn class_of(object: &Object) -> &Type {
    match Type::of(object) {
        Some(class) => class,
        None => object.ty(),
    }
}

/// CPython converts arguments as it goes: a wrong one comes before a missing one.
pub fn convert_early(vm: &Vm, args: &[Object], kwnames: &[Object], required: usize) -> Result<()> {
    if args.len() - kwnames.len() < required {
        for argument in &args[..args.len() - kwnames.len()] {
            c_int(vm, argument)?;
        }
    }
    Ok(())
}
