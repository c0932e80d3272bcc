//! `_sysconfig`: what `sysconfig` asks the interpreter about the way it was built.

use taipan_runtime::prelude::*;

/// The module.
pub static SYSCONFIG: ModuleDef = ModuleDef {
    name: "_sysconfig",
    doc: "A helper for the sysconfig module.",
    functions: &[MethodDef::new(
        "config_vars()",
        |vm, _| {
            let variables = vm.new_dict();
            // There is a GIL, and no debugging build in CPython's sense.
            for name in ["Py_GIL_DISABLED", "Py_DEBUG"] {
                vm.set_item(&variables, &vm.str(name), &vm.int(0))?;
            }
            Ok(variables)
        },
        "The variables of the build that sysconfig shows, as a dict.",
    )],
    types: &[],
    init: None,
};
