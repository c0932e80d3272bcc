//! `_suggestions`: the closest of some names, for "Did you mean".

use taipan_runtime::prelude::*;

/// The module.
pub static SUGGESTIONS: ModuleDef = ModuleDef {
    name: "_suggestions",
    doc: "",
    functions: &[MethodDef::new(
        "_generate_suggestions(candidates, item, /)",
        generate,
        "Returns the candidate in candidates that's closest to item",
    )],
    types: &[],
    init: None,
};

fn generate(vm: &Vm, args: &[Object]) -> Result {
    let Some(list) = args[0].downcast::<List>() else {
        return Err(vm.type_error("candidates must be a list"));
    };
    if args[1].downcast::<Str>().is_none() {
        let name = args[1].ty().name();
        return Err(vm.type_error(format!("_generate_suggestions() argument 2 must be str, not {name}")));
    }
    let mut candidates = Vec::new();
    for item in list.to_vec() {
        if item.downcast::<Str>().is_none() {
            return Err(vm.type_error("all elements in 'candidates' must be strings"));
        }
        candidates.push(vm.str_lossy(&item));
    }
    let wrong = vm.str_lossy(&args[1]);
    Ok(taipan_runtime::suggest::closest(&wrong, &candidates).map_or(Object::NONE, |found| vm.str(found)))
}
