//! Code that goes to another interpreter: what may go, and how.

use taipan_runtime::prelude::*;
use taipan_runtime::types::code::Code;
use taipan_runtime::types::function::Function;
use taipan_runtime::{buffer, compile};

/// The code object as bytes.
pub fn dump(vm: &Vm, code: &Object) -> Result<Vec<u8>> {
    let marshal = vm.import_native("marshal")?;
    let bytes = vm.call_method(&marshal, "dumps", std::slice::from_ref(code))?;
    buffer::to_vec(vm, &bytes)
}

/// The code object again.
pub fn load(vm: &Vm, bytes: &[u8]) -> Result {
    let marshal = vm.import_native("marshal")?;
    vm.call_method(&marshal, "loads", &[vm.bytes(bytes)])
}

/// What `exec` takes, as code: source, a function or code that can run as a module does.
pub fn script(vm: &Vm, given: &Object) -> Result<Vec<u8>> {
    if let Some(text) = given.downcast::<Str>() {
        let filename = vm.str("<script>");
        let source = compile::source_text(vm, given, &filename, "")?;
        debug_assert!(text.len() <= source.len());
        let code = compile::compile_bytes(vm, source.as_bytes(), &filename, compile::Mode::Exec, -1)?;
        return dump(vm, &code);
    }
    let code = match given.downcast_exact::<Function>() {
        Some(f) => f.code_object(),
        None => given.clone(),
    };
    let Some(c) = code.downcast_exact::<Code>() else {
        return Err(vm.type_error(format!("unsupported script {}", vm.repr_text(given)?)));
    };
    if c.parameter_count() > 0 {
        return Err(vm.value_error("code with args not supported"));
    }
    if c.free_count() > 0 {
        return Err(vm.value_error("closures not supported"));
    }
    if !c.returns_only_none(vm) {
        return Err(vm.value_error("code that returns a value is not a script"));
    }
    dump(vm, &code)
}

/// ValueError, unless the function has nothing but its code: no closure, no defaults, no globals that
/// are not builtins.
pub fn check_stateless(vm: &Vm, f: &Function) -> Result<()> {
    let is_empty = |dict: &Object| dict.downcast::<Dict>().is_none_or(Dict::is_empty);
    if f.defaults().is_some_and(|defaults| !defaults.items().is_empty()) {
        return Err(vm.value_error("defaults not supported"));
    }
    if !is_empty(f.kwdefaults()) {
        return Err(vm.value_error("keyword defaults not supported"));
    }
    if f.code().free_count() > 0 {
        return Err(vm.value_error("closures not supported"));
    }
    let has = |dict: &Object, name: &Object| dict.downcast::<Dict>().is_some_and(|d| d.contains_str(name));
    let foreign = |name: &Object| has(&f.globals, name) || !has(&f.builtins, name);
    if f.code().globals_used(vm).iter().any(foreign) {
        return Err(vm.value_error("globals not supported"));
    }
    Ok(())
}
