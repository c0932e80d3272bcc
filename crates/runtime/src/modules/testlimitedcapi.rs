//! `_testlimitedcapi`: the few functions of CPython's test module that its
//! test suite calls outside of the tests of the C API itself. They reach the
//! abstract object protocol without going through the interpreter's syntax.

use crate::prelude::*;

pub static MODULE: ModuleDef = ModuleDef {
    name: "_testlimitedcapi",
    doc: "",
    functions: &[
        MethodDef::new(
            "sequence_getitem(obj, i, /)",
            |vm, args| vm.get_item(&args[0], &vm.index(&args[1])?),
            "",
        ),
        MethodDef::new(
            "sequence_setitem(obj, i, value, /)",
            |vm, args| {
                vm.set_item(&args[0], &vm.index(&args[1])?, &args[2])?;
                Ok(Object::NONE)
            },
            "",
        ),
        MethodDef::new(
            "sequence_delitem(obj, i, /)",
            |vm, args| {
                vm.delete_item(&args[0], &vm.index(&args[1])?)?;
                Ok(Object::NONE)
            },
            "",
        ),
        MethodDef::new(
            "object_hasattrstring(obj, name, /)",
            |vm, args| {
                let name = vm.bytes_like(&args[1], "name")?;
                let name = String::from_utf8_lossy(name.bytes()).into_owned();
                Ok(vm.int(vm.lookup_attr_str(&args[0], &name)?.is_some() as i64))
            },
            "",
        ),
        MethodDef::new(
            "codec_incrementalencoder(encoding, errors='strict', /)",
            |vm, args| incremental(vm, args, "incrementalencoder"),
            "",
        ),
        MethodDef::new(
            "codec_incrementaldecoder(encoding, errors='strict', /)",
            |vm, args| incremental(vm, args, "incrementaldecoder"),
            "",
        ),
        MethodDef::new("_py_getbuiltwithassert()", |vm, _| Ok(vm.int(cfg!(debug_assertions) as i64)), ""),
    ],
    types: &[],
    init: None,
};

fn incremental(vm: &Vm, args: &[Object], which: &str) -> Result {
    let codec = crate::codecs::lookup(vm, &crate::codecs::codec_name(vm, &args[0])?)?;
    vm.call_method(&codec, which, std::slice::from_ref(&args[1]))
}
