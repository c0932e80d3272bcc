//! `_json`: reading and writing JSON for the module `json`.
//!
//! * `strings`: string literals, both ways;
//! * `scanner`: make_scanner;
//! * `encoder`: make_encoder.

mod encoder;
mod scanner;
mod strings;

use taipan_runtime::prelude::*;

/// The module.
pub static JSON: ModuleDef = ModuleDef {
    name: "_json",
    doc: "json speedups\n",
    functions: &[
        MethodDef::new(
            "encode_basestring_ascii(object, /)",
            |vm, args| strings::quoted(vm, &args[0], true),
            "encode_basestring_ascii(string) -> string\n\nReturn an ASCII-only JSON representation of a Python string",
        ),
        MethodDef::new(
            "encode_basestring(object, /)",
            |vm, args| strings::quoted(vm, &args[0], false),
            "encode_basestring(string) -> string\n\nReturn a JSON representation of a Python string",
        ),
        MethodDef::raw(
            "scanstring(string, end, strict=True)",
            strings::scanstring,
            "scanstring(string, end, strict=True) -> (string, end)\n\nScan the string s for a JSON string. End is the index of the\ncharacter in s after the quote that started the JSON string.\nUnescapes all valid JSON string escape sequences and raises ValueError\non attempt to decode an invalid string. If strict is False then literal\ncontrol characters are allowed in the string.\n\nReturns a tuple of the decoded string and the index of the character in s\nafter the end quote.",
        ),
    ],
    types: &[],
    init: Some(|vm, module| {
        for key in [encoder::ASCII, encoder::UNICODE] {
            vm.share(key, vm.get_attr_str(module, key.trim_start_matches("_json."))?);
        }
        for (key, ty) in [("make_scanner", &scanner::SCANNER), ("make_encoder", &encoder::ENCODER)] {
            taipan_runtime::types::typ::ready(vm, ty);
            vm.set_attr_str(module, key, &ty.to_object())?;
        }
        Ok(())
    }),
};

/// Raises json.decoder.JSONDecodeError.
#[cold]
fn decode_error(vm: &Vm, message: &str, document: &Object, position: usize) -> Raised {
    let make = || -> Result {
        let module = vm.import_module("json.decoder")?;
        let class = vm.get_attr_str(&module, "JSONDecodeError")?;
        vm.call(&class, &[vm.str(message), document.clone(), vm.usize(position)])
    };
    match make() {
        Ok(exception) => vm.raise_in_context(exception),
        Err(raised) => raised,
    }
}
