//! Arguments as `PyArg_ParseTuple` takes them, in its words: their number, C
//! ints, texts without null characters.

use std::ffi::CString;
use taipan_runtime::codecs::utf8;
use taipan_runtime::prelude::*;
use taipan_runtime::types::int;
use taipan_runtime::types::str_methods::shown_type;

/// The positional arguments if their number is right. `args` are those of a raw
/// function, `skip` of them (self) not counted.
pub fn positional<'a>(
    vm: &Vm,
    function: &str,
    args: &'a [Object],
    kwnames: &[Object],
    skip: usize,
    least: usize,
    most: usize,
) -> Result<&'a [Object]> {
    if !kwnames.is_empty() {
        return Err(vm.type_error(format!("{function}() takes no keyword arguments")));
    }
    let args = args.get(skip..).unwrap_or(&[]);
    if args.len() >= least && args.len() <= most {
        return Ok(args);
    }
    let bound = if args.len() < least { least } else { most };
    let word = match (least == most, args.len() < least) {
        (true, _) => "exactly",
        (_, true) => "at least",
        _ => "at most",
    };
    let plural = taipan_runtime::native::plural(bound);
    Err(vm.type_error(format!("{function}() takes {word} {bound} argument{plural} ({} given)", args.len())))
}

/// A C int as the format `i` takes it.
pub fn c_int(vm: &Vm, object: &Object) -> Result<i32> {
    let n = vm.to_i64(object)?;
    i32::try_from(n).map_err(|_| {
        let (kind, limit) = if n > 0 { ("greater", "maximum") } else { ("less", "minimum") };
        vm.overflow_error(format!("signed integer is {kind} than {limit}"))
    })
}

/// A C int with a default.
pub fn c_int_or(vm: &Vm, object: Option<&Object>, default: i32) -> Result<i32> {
    object.map_or(Ok(default), |object| c_int(vm, object))
}

/// A str as a C string, as the format `s` takes it; `None` is allowed on demand.
pub fn c_string(vm: &Vm, function: &str, number: usize, object: &Object) -> Result<CString> {
    if object.downcast::<Str>().is_none() {
        let shown = shown_type(object);
        return Err(vm.type_error(format!("{function}() argument {number} must be str, not {shown}")));
    }
    let bytes = utf8::encode(vm, object, "strict")?;
    CString::new(bytes).map_err(|_| vm.value_error("embedded null character"))
}

/// A non-negative int that fits into `limit`, for the C type `name`.
pub fn unsigned(vm: &Vm, object: &Object, limit: u64, name: &str) -> Result<u64> {
    let index = vm.index(object)?;
    if int::is_negative(&index) {
        return Err(vm.value_error("Cannot convert negative int"));
    }
    match int::to_u64(&index) {
        Some(n) if n <= limit => Ok(n),
        _ => Err(vm.overflow_error(format!("Python int too large for C {name}"))),
    }
}
