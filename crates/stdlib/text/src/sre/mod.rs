//! `_sre`: the compiled patterns of `re`. The engine is the crate
//! `taipan-sre`; here it meets Python's objects.
//!
//! * `subject`: str and bytes-like subjects;
//! * `pattern`: Pattern and its searches;
//! * `matched`: Match;
//! * `scanner`: the scanner and the iterator of finditer;
//! * `substitute`: sub, subn, templates.

mod matched;
mod pattern;
mod scanner;
mod subject;
mod substitute;

use taipan_runtime::prelude::*;
use taipan_runtime::types::typ;

/// The module.
pub static SRE: ModuleDef = ModuleDef {
    name: "_sre",
    doc: "",
    functions: &[
        MethodDef::new("compile(pattern, flags, code, groups, groupindex, indexgroup)", pattern::compile, ""),
        MethodDef::new(
            "template(pattern, template, /)",
            substitute::template,
            "\n\n  template\n    A list containing interleaved literal strings (str or bytes) and group\n    indices (int), as returned by re._parser.parse_template():\n        [literal1, group1, ..., literalN, groupN]",
        ),
        MethodDef::new("getcodesize()", |vm, _| Ok(vm.int(4)), ""),
        MethodDef::new(
            "ascii_iscased(character, /)",
            |vm, args| Ok(Object::bool(taipan_sre::ascii_iscased(vm.to_c_int(&args[0])? as u32))),
            "",
        ),
        MethodDef::new(
            "unicode_iscased(character, /)",
            |vm, args| Ok(Object::bool(taipan_sre::unicode_iscased(vm.to_c_int(&args[0])? as u32))),
            "",
        ),
        MethodDef::new(
            "ascii_tolower(character, /)",
            |vm, args| Ok(vm.int(taipan_sre::ascii_tolower(vm.to_c_int(&args[0])? as u32) as i64)),
            "",
        ),
        MethodDef::new(
            "unicode_tolower(character, /)",
            |vm, args| Ok(vm.int(taipan_sre::unicode_tolower(vm.to_c_int(&args[0])? as u32) as i64)),
            "",
        ),
    ],
    types: &[],
    init: Some(|vm, module| {
        for ty in [
            &pattern::PATTERN,
            &matched::MATCH,
            &scanner::SCANNER,
            &scanner::FIND_ITERATOR,
            &substitute::TEMPLATE,
        ] {
            typ::ready(vm, ty);
        }
        for (key, value) in [
            ("MAGIC", taipan_sre::MAGIC as i64),
            ("CODESIZE", 4),
            ("MAXREPEAT", taipan_sre::MAXREPEAT as i64),
            ("MAXGROUPS", taipan_sre::MAXGROUPS as i64),
        ] {
            vm.set_attr_str(module, key, &vm.int(value))?;
        }
        vm.set_attr_str(module, "copyright", &vm.str(" SRE 2.2.2 Copyright (c) 1997-2002 by Secret Labs AB "))
    }),
};
