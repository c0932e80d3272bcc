//! Compiling, running and importing code: `compile`, `exec`, `eval`,
//! `__import__`, `__build_class__`, `breakpoint`, `open`.

use crate::compile;
use crate::names::name;
use crate::prelude::*;
use crate::types::code::Code;
use crate::types::function::{Function, running_builtins};
use crate::types::{dict, mapping_builtins};

/// The functions of this file.
pub static FUNCTIONS: &[MethodDef] = &[
    MethodDef::new(
        "compile(source, filename, mode, flags=0, dont_inherit=False, optimize=-1, *, _feature_version=-1)",
        compile_builtin,
        "Compile source into a code object that can be executed by exec() or eval().\n\nThe mode is 'exec' for a module, 'single' for an interactive statement or\n'eval' for an expression.  Unless dont_inherit is true, the future\nstatements in effect in the calling code are in effect here, too.",
    ),
    MethodDef::new(
        "exec(source, /, globals=None, locals=None, *, closure=None)",
        exec,
        "Execute the given source in the context of globals and locals.\n\nThe source may be a string representing one or more Python statements\nor a code object as returned by compile().",
    ),
    MethodDef::new(
        "eval(source, /, globals=None, locals=None)",
        eval,
        "Evaluate the given source in the context of globals and locals.\n\nThe source may be a string representing a Python expression\nor a code object as returned by compile().",
    ),
    MethodDef::new(
        "__import__(name, globals=None, locals=None, fromlist=(), level=0)",
        import,
        "Import a module.\n\nThis is what the import statement calls; programs had better use\nimportlib.import_module().",
    ),
    MethodDef::raw(
        "__build_class__(func, name, /, *bases, [metaclass], **kwds)",
        crate::types::typ::build_class,
        "Internal helper function used by the class statement.",
    ),
    MethodDef {
        hide_signature: false,
        ..MethodDef::raw(
            "breakpoint(*args, **kws)",
            breakpoint,
            "Call sys.breakpointhook(*args, **kws).\n\nBy default, this drops you into the pdb debugger.",
        )
    },
    MethodDef {
        hide_signature: false,
        ..MethodDef::raw(
            "open(file, mode='r', buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None)",
            open,
            "Open file and return a stream.  Raise OSError upon failure.",
        )
    },
];

/// The `CO_FUTURE_*` flags of the Python code that runs.
fn inherited_flags(vm: &Vm) -> u32 {
    // SAFETY: the running frame is alive.
    let frame = unsafe { vm.frame.get().as_ref() };
    // SAFETY: frames keep their code alive.
    frame.map_or(0, |f| unsafe { (*f.code).flags.get() } & compile::FUTURE_MASK)
}

fn compile_builtin(vm: &Vm, args: &[Object]) -> Result {
    let [source, filename, mode, flags, dont_inherit, optimize, feature_version] = args else {
        return Ok(Object::NONE);
    };
    let filename = compile::path_text(vm, filename)?;
    let Some(mode_text) = mode.downcast::<Str>() else {
        return Err(vm.type_error(format!(
            "compile() argument 'mode' must be str, not {}",
            if mode.is_none() { "None" } else { mode.ty().name() }
        )));
    };
    let mode_text = String::from_utf8_lossy(&mode_text.to_wtf8()).into_owned();
    let mut flags = vm.to_c_int(flags)? as u32;
    let dont_inherit = vm.is_true(dont_inherit)?;
    let optimize = vm.to_c_int(optimize)?;
    let feature_version = vm.to_c_int(feature_version)?;
    if flags & !(compile::FUTURE_MASK | compile::OBSOLETE_MASK | compile::flags::MASK) != 0 {
        return Err(vm.value_error("compile(): unrecognised flags"));
    }
    if !(-1..=2).contains(&optimize) {
        return Err(vm.value_error("compile(): invalid optimize value"));
    }
    if !dont_inherit {
        flags |= inherited_flags(vm);
    }
    let only_ast = flags & compile::flags::ONLY_AST != 0;
    let mode = match mode_text.as_str() {
        "exec" => taipan_syntax::Mode::Exec,
        "eval" => taipan_syntax::Mode::Eval,
        "single" => taipan_syntax::Mode::Single,
        "func_type" if only_ast => taipan_syntax::Mode::FuncType,
        "func_type" => {
            return Err(vm.value_error("compile() mode 'func_type' requires flag PyCF_ONLY_AST"));
        }
        _ if only_ast => {
            return Err(vm.value_error("compile() mode must be 'exec', 'eval', 'single' or 'func_type'"));
        }
        _ => return Err(vm.value_error("compile() mode must be 'exec', 'eval' or 'single'")),
    };
    vm.audit("compile", &[source.clone(), filename.clone()])?;
    let request = compile::Request {
        filename: &filename,
        mode,
        flags,
        optimize: compile::optimization(vm, optimize),
        feature_version: if feature_version >= 0 && only_ast { feature_version.min(255) as u8 } else { 14 },
    };
    if let Some(result) = compile::from_ast(vm, source, &request)? {
        return Ok(result);
    }
    let what = "compile() arg 1 must be a string, bytes or AST object";
    let text = compile::source_text(vm, source, &filename, what)?;
    compile::compile_text(vm, &text, &request)
}

/// Globals and locals of an `exec` or `eval`, with `__builtins__` in place.
fn namespaces(vm: &Vm, globals: &Object, locals: &Object, what: &str) -> Result<(Object, Object)> {
    let exec = what == "exec";
    if locals.some().is_some_and(|l| l.ty().slots().getitem.is_none()) {
        return Err(vm.type_error(if exec {
            format!("locals must be a mapping or None, not {}", locals.ty().name())
        } else {
            "locals must be a mapping".to_string()
        }));
    }
    let (globals, locals) = match globals.some() {
        Some(globals) => {
            if globals.downcast::<Dict>().is_none() {
                return Err(vm.type_error(if exec {
                    format!("exec() globals must be a dict, not {}", globals.ty().name())
                } else if globals.ty().slots().getitem.is_some() {
                    "globals must be a real dict; try eval(code, {}, mapping)".to_string()
                } else {
                    "globals must be a dict".to_string()
                }));
            }
            (globals.clone(), locals.some().unwrap_or(globals).clone())
        }
        None => {
            let Some(current) = vm.current_globals() else {
                return Err(vm.system_error("globals and locals cannot be NULL"));
            };
            let locals = match locals.some() {
                Some(locals) => locals.clone(),
                None => vm.current_locals()?,
            };
            (current, locals)
        }
    };
    if let Some(d) = globals.downcast::<Dict>()
        && !d.contains(vm, name::builtins.object())?
    {
        d.set(vm, name::builtins.object(), current_builtins(vm))?;
    }
    Ok((globals, locals))
}

fn current_builtins(vm: &Vm) -> Object {
    mapping_builtins::shown(&running_builtins(vm))
}

fn exec(vm: &Vm, args: &[Object]) -> Result {
    let [source, globals, locals, closure] = args else { return Ok(Object::NONE) };
    let (globals, locals) = namespaces(vm, globals, locals, "exec")?;
    if let Some(code) = source.downcast_exact::<Code>() {
        let free = code.free_count();
        let cells = closure.some();
        if free == 0 {
            if cells.is_some() {
                return Err(vm.type_error("cannot use a closure with this code object"));
            }
        } else {
            let fits = cells.and_then(|c| c.downcast_exact::<Tuple>()).is_some_and(|t| {
                t.len() == free && t.items().iter().all(|c| c.is_instance_of(&crate::types::cell::CELL))
            });
            if !fits {
                return Err(vm.type_error(format!("code object requires a closure of exactly length {free}")));
            }
        }
        vm.audit("exec", std::slice::from_ref(source))?;
        run(vm, source, code, &globals, &locals, cells)?;
        return Ok(Object::NONE);
    }
    if closure.some().is_some() {
        return Err(vm.type_error("closure can only be used when source is a code object"));
    }
    let code = compile_for(vm, source, taipan_syntax::Mode::Exec, "exec")?;
    crate::interp::run_code(vm, &code, &globals, &locals)?;
    Ok(Object::NONE)
}

fn eval(vm: &Vm, args: &[Object]) -> Result {
    let [source, globals, locals] = args else { return Ok(Object::NONE) };
    let (globals, locals) = namespaces(vm, globals, locals, "eval")?;
    if let Some(code) = source.downcast_exact::<Code>() {
        vm.audit("exec", std::slice::from_ref(source))?;
        if code.free_count() > 0 {
            return Err(vm.type_error("code object passed to eval() may not contain free variables"));
        }
        return run(vm, source, code, &globals, &locals, None);
    }
    let code = compile_for(vm, source, taipan_syntax::Mode::Eval, "eval")?;
    crate::interp::run_code(vm, &code, &globals, &locals)
}

/// Runs a code object that the program has. That of a function has variables and arguments of its own, whatever the
/// namespace.
fn run(
    vm: &Vm,
    source: &Object,
    code: &Code,
    globals: &Object,
    locals: &Object,
    closure: Option<&Object>,
) -> Result {
    let closure = closure.cloned().unwrap_or(Object::UNBOUND);
    if !code.has_flag(taipan_bytecode::code_flags::OPTIMIZED) {
        return crate::interp::run_code_with(vm, source, globals, locals, &closure);
    }
    let function = crate::types::function::new(vm, source.clone(), globals.clone());
    if let Some(f) = function.downcast_exact::<Function>() {
        drop(f.set(&f.closure, closure));
    }
    vm.call(&function, &[])
}

fn compile_for(vm: &Vm, source: &Object, mode: taipan_syntax::Mode, what: &str) -> Result {
    let filename = vm.intern("<string>");
    let wrong = format!("{what}() arg 1 must be a string, bytes or code object");
    let text = compile::source_text(vm, source, &filename, &wrong)?;
    let text = if what == "eval" { text.trim_start_matches([' ', '\t']) } else { text.as_str() };
    let request = compile::Request {
        filename: &filename,
        mode,
        flags: inherited_flags(vm),
        optimize: compile::optimization(vm, -1),
        feature_version: 14,
    };
    let code = compile::compile_text(vm, text, &request)?;
    vm.audit("exec", std::slice::from_ref(&code))?;
    Ok(code)
}

fn import(vm: &Vm, args: &[Object]) -> Result {
    let [module_name, globals, _locals, fromlist, level] = args else { return Ok(Object::NONE) };
    let level = vm.to_c_int(level)?;
    crate::import::import(vm, module_name, globals.some(), fromlist, level)
}

fn breakpoint(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let hook = vm.interp().sys_dict.downcast::<Dict>().and_then(|d| d.get_text(vm, "breakpointhook"));
    let Some(hook) = hook else { return Err(vm.runtime_error("lost sys.breakpointhook")) };
    vm.audit("builtins.breakpoint", std::slice::from_ref(&hook))?;
    vm.call_kw(&hook, args, kwnames)
}

/// `open` before `_io` has put its own into `builtins`.
fn open(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let io = vm.import_module("_io")?;
    let open = vm.get_attr_str(&io, "open")?;
    vm.call_kw(&open, args, kwnames)
}

/// A namespace for code that is to run on its own.
pub fn fresh_globals(vm: &Vm, module_name: &str) -> Object {
    let globals = dict::new(vm);
    if let Some(d) = globals.downcast::<Dict>() {
        d.set_str(vm, name::name.object(), vm.intern(module_name));
        d.set_str(vm, name::builtins.object(), vm.interp().builtins_dict());
    }
    globals
}
