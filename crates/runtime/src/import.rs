//! `import`: the fast way through `sys.modules`, and everything else handed to
//! the embedded `importlib._bootstrap`. Also the module `_imp`.

use crate::names::name;
use crate::prelude::*;
use crate::types::module;
use crate::vm::FrozenModule;

impl Vm {
    /// `__import__(name, globals, None, fromlist, level)`.
    pub fn import(&self, module_name: &Object, globals: &Object, fromlist: &Object, level: i64) -> Result {
        let level = i32::try_from(level).unwrap_or(i32::MAX);
        import(self, module_name, Some(globals), fromlist, level)
    }
    /// `importlib.import_module(name)`: the (sub)module itself.
    pub fn import_module(&self, module_name: &str) -> Result {
        let object = self.intern(module_name);
        if let Some(found) = loaded(self, &object)? {
            return Ok(found);
        }
        let fromlist = self.tuple(vec![self.intern("*")]);
        import(self, &object, None, &fromlist, 0)
    }
}

/// A module in `sys.modules` that is done with its initialisation.
fn loaded(vm: &Vm, module_name: &Object) -> Result<Option<Object>> {
    let modules = vm.interp().modules.clone();
    let found = match modules.downcast::<Dict>() {
        Some(d) => d.get(vm, module_name)?,
        None => None,
    };
    let Some(found) = found.filter(|m| !m.is_none()) else { return Ok(None) };
    if let Some(spec) = vm.lookup_attr(&found, name::spec.object())?
        && !spec.is_none()
        && let Some(initializing) = vm.lookup_attr(&spec, name::initializing.object())?
        && vm.is_true(&initializing)?
        && let Some(bootstrap) = vm.shared("importlib")
    {
        let wait = vm.get_attr(&bootstrap, name::lock_unlock_module.object())?;
        vm.call(&wait, std::slice::from_ref(module_name))?;
        return Ok(match modules.downcast::<Dict>() {
            Some(d) => d.get(vm, module_name)?,
            None => None,
        });
    }
    Ok(Some(found))
}

/// Is this the `builtins.__import__` we made?
pub fn is_builtin_import(vm: &Vm, import: &Object) -> bool {
    vm.shared("__import__").is_some_and(|ours| ours.value() == import.value())
}

/// `__import__(name, globals, _, fromlist, level)`.
pub fn import(
    vm: &Vm,
    module_name: &Object,
    globals: Option<&Object>,
    fromlist: &Object,
    level: i32,
) -> Result {
    let Some(text) = module_name.downcast::<Str>() else {
        return Err(vm.type_error("module name must be a string"));
    };
    if level < 0 {
        return Err(vm.value_error("level must be >= 0"));
    }
    let absolute = if level > 0 {
        resolve_relative(vm, module_name, globals, level)?
    } else {
        if text.is_empty() {
            return Err(vm.value_error("Empty module name"));
        }
        module_name.clone()
    };
    let found = match loaded(vm, &absolute)? {
        Some(found) => found,
        None => find_and_load(vm, &absolute)?,
    };
    let has_from = !fromlist.is_none() && vm.is_true(fromlist)?;
    if has_from {
        if vm.lookup_attr(&found, name::path.object())?.is_some()
            && let Some(bootstrap) = vm.shared("importlib")
        {
            let handle = vm.get_attr(&bootstrap, name::handle_fromlist.object())?;
            let import_ = vm.get_attr_str(&bootstrap, "_gcd_import")?;
            return vm.call(&handle, &[found, fromlist.clone(), import_]);
        }
        return Ok(found);
    }
    let shown = vm.str_lossy(module_name);
    if level == 0 || shown.is_empty() {
        return match shown.split_once('.') {
            None => Ok(found),
            Some((top, _)) if level == 0 => vm.import_module(top),
            Some(_) => Ok(found),
        };
    }
    // Relative: the part of the absolute name up to the first component of `name`.
    let Some((first, _)) = shown.split_once('.') else { return Ok(found) };
    let full = vm.str_lossy(&absolute);
    let cut = full.len() - (shown.len() - first.len());
    let top = vm.str(&full[..cut]);
    match loaded(vm, &top)? {
        Some(found) => Ok(found),
        None => Err(vm.error(&exc::KEY_ERROR, format!("'{}' not in sys.modules as expected", &full[..cut]))),
    }
}

fn find_and_load(vm: &Vm, absolute: &Object) -> Result {
    let Some(bootstrap) = vm.shared("importlib") else {
        // Before importlib is there: native and frozen modules only.
        let text = vm.str_lossy(absolute);
        if let Some(found) = create_native(vm, &text)? {
            return Ok(found);
        }
        return Err(vm.import_error(format!("No module named '{text}'"), absolute));
    };
    let load = vm.get_attr(&bootstrap, name::find_and_load.object())?;
    let import_ = vm.get_attr_str(&bootstrap, "_gcd_import")?;
    match vm.call(&load, &[absolute.clone(), import_]) {
        Ok(found) => Ok(found),
        Err(raised) => {
            let exception = vm.caught(raised);
            crate::import::remove_importlib_frames(vm, &exception);
            Err(vm.raise(exception))
        }
    }
}

/// Cuts the frames of importlib itself out of a traceback, as CPython does.
pub fn remove_importlib_frames(vm: &Vm, exception: &Object) {
    let Some(base) = exception.downcast::<crate::types::exceptions::BaseException>() else { return };
    let always = exception.is_instance_of(&exc::IMPORT_ERROR);
    crate::types::traceback::trim(vm, base, |file, function| {
        let own = matches!(
            file,
            "<frozen importlib._bootstrap>" | "<frozen importlib._bootstrap_external>" | "<frozen _embedded>"
        );
        own.then_some(always || function == "_call_with_frames_removed")
    });
}

fn resolve_relative(vm: &Vm, module_name: &Object, globals: Option<&Object>, level: i32) -> Result {
    let no_name = || vm.error(&exc::KEY_ERROR, "'__name__' not in globals");
    let globals = match globals {
        None => return Err(no_name()),
        Some(globals) => globals.downcast::<Dict>().ok_or_else(|| vm.type_error("globals must be a dict"))?,
    };
    let package = globals.get_str_owned(name::package.object()).filter(|p| !p.is_none());
    let spec = globals.get_str_owned(name::spec.object()).filter(|s| !s.is_none());
    let package = match (package, spec) {
        (Some(package), spec) => {
            if package.downcast::<Str>().is_none() {
                return Err(vm.type_error("package must be a string"));
            }
            if let Some(spec) = spec {
                let parent = vm.get_attr(&spec, name::parent.object())?;
                if !vm.equal(&package, &parent)? {
                    vm.warn(&exc::DEPRECATION_WARNING, "__package__ != __spec__.parent", 1)?;
                }
            }
            vm.str_lossy(&package)
        }
        (None, Some(spec)) => {
            let parent = vm.get_attr(&spec, name::parent.object())?;
            if parent.downcast::<Str>().is_none() {
                return Err(vm.type_error("__spec__.parent must be a string"));
            }
            vm.str_lossy(&parent)
        }
        (None, None) => {
            let message =
                "can't resolve package from __spec__ or __package__, falling back on __name__ and __path__";
            vm.warn(&exc::IMPORT_WARNING, message, 1)?;
            let own = globals.get_str_owned(name::name.object()).ok_or_else(no_name)?;
            if own.downcast::<Str>().is_none() {
                return Err(vm.type_error("__name__ must be a string"));
            }
            let own = vm.str_lossy(&own);
            if globals.contains_str(name::path.object()) {
                own
            } else {
                own.rsplit_once('.').map_or(String::new(), |(p, _)| p.to_string())
            }
        }
    };
    if package.is_empty() {
        return Err(vm.error(&exc::IMPORT_ERROR, "attempted relative import with no known parent package"));
    }
    let mut base = package.as_str();
    for _ in 1..level {
        match base.rsplit_once('.') {
            Some((parent, _)) => base = parent,
            None => {
                return Err(
                    vm.error(&exc::IMPORT_ERROR, "attempted relative import beyond top-level package")
                );
            }
        }
    }
    let text = vm.str_lossy(module_name);
    Ok(if text.is_empty() { vm.intern(base) } else { vm.intern(&format!("{base}.{text}")) })
}

/// `from module import attr` where the attribute is not there: a submodule in
/// `sys.modules`, or ImportError in CPython's words.
#[cold]
pub fn import_from_fallback(vm: &Vm, module: &Object, attr: &Object) -> Result {
    let module_name = vm.lookup_attr(module, name::name.object())?.filter(|n| n.downcast::<Str>().is_some());
    if let Some(package) = &module_name {
        let full = vm.intern(&format!("{}.{}", vm.str_lossy(package), vm.str_lossy(attr)));
        let modules = vm.interp().modules.clone();
        if let Some(d) = modules.downcast::<Dict>()
            && let Some(found) = d.get(vm, &full)?
        {
            return Ok(found);
        }
    }
    let shown = vm.str_lossy(attr);
    let package = module_name.as_ref().map_or("<unknown module name>".to_string(), |n| vm.str_lossy(n));
    let spec = vm.lookup_attr(module, name::spec.object())?.unwrap_or(Object::NONE);
    let file = match vm.lookup_attr(module, name::file.object())? {
        Some(file) if file.downcast::<Str>().is_some() => Some(file),
        _ if spec.is_none() => None,
        _ => module::file_origin(vm, &spec)?.map(|origin| vm.str(&origin)),
    };
    let shadowing = match &file {
        Some(path) => module::possibly_shadowing(vm, &vm.str_lossy(path)),
        None => false,
    };
    let hides_library = match &module_name {
        Some(name) if shadowing => module::is_stdlib_name(vm, name)?,
        _ => false,
    };
    let text = match &file {
        None => format!("cannot import name '{shown}' from '{package}' (unknown location)"),
        Some(path) if hides_library => format!(
            "cannot import name '{shown}' from '{package}' (consider renaming '{}' since it has the same name as the standard library module named '{package}' and prevents importing that standard library module)",
            vm.str_lossy(path)
        ),
        Some(path) => {
            let path = vm.str_lossy(path);
            if module::is_initializing(vm, &spec)? {
                if shadowing {
                    format!(
                        "cannot import name '{shown}' from '{package}' (consider renaming '{path}' if it has the same name as a library you intended to import)"
                    )
                } else {
                    format!(
                        "cannot import name '{shown}' from partially initialized module '{package}' (most likely due to a circular import) ({path})"
                    )
                }
            } else {
                format!("cannot import name '{shown}' from '{package}' ({path})")
            }
        }
    };
    let error = vm.import_error(text, &module_name.unwrap_or(Object::NONE));
    let exception = vm.caught(error);
    crate::types::exceptions::set_attr_quietly(vm, &exception, "name_from", attr.clone());
    if let Some(path) = file {
        crate::types::exceptions::set_attr_quietly(vm, &exception, "path", path);
    }
    Err(vm.raise(exception))
}

/// `from module import *`.
pub fn import_star(vm: &Vm, module: &Object, locals: &Object) -> Result<()> {
    let all = vm.lookup_attr(module, name::all.object())?;
    let explicit = all.is_some();
    let names = match all {
        Some(all) => vm.collect(&all)?,
        None => match vm.lookup_attr(module, name::dict.object())? {
            Some(dict) => {
                let keys = vm.call_method(&dict, "keys", &[])?;
                vm.collect(&keys)?
            }
            None => {
                return Err(
                    vm.error(&exc::IMPORT_ERROR, "from-import-* object has no __dict__ and no __all__")
                );
            }
        },
    };
    for attr in names {
        let Some(text) = attr.downcast::<Str>() else {
            let module_name = vm.lookup_attr(module, name::name.object())?.unwrap_or(Object::NONE);
            let shown = vm.str_text(&module_name)?;
            return Err(vm.type_error(if explicit {
                format!("Item in {shown}.__all__ must be str, not {}", attr.ty().name())
            } else {
                format!("Key in {shown}.__dict__ must be str, not {}", attr.ty().name())
            }));
        };
        if !explicit && text.char_at(0) == '_' as u32 {
            continue;
        }
        let value = vm.get_attr(module, &attr)?;
        match locals.downcast_exact::<Dict>() {
            Some(d) => d.set(vm, &attr, value)?,
            None => vm.set_item(locals, &attr, &value)?,
        }
    }
    Ok(())
}

// ---- native and frozen modules ------------------------------------------------------

/// Makes a native module and enters it into `sys.modules`; None if there is none.
pub fn create_native(vm: &Vm, module_name: &str) -> Result<Option<Object>> {
    let Some(def) = vm.interp().native_modules.borrow().get(module_name).copied() else { return Ok(None) };
    let made = instantiate(vm, def)?;
    vm.set_item(&vm.interp().modules.clone(), &vm.intern(module_name), &made)?;
    Ok(Some(made))
}

/// A module object of a native definition.
pub fn instantiate(vm: &Vm, def: &'static ModuleDef) -> Result {
    let made = module::new(vm, def.name);
    let dict = module::dict_of(&made);
    let Some(d) = dict.downcast::<Dict>() else { return Ok(made) };
    if !def.doc.is_empty() {
        d.set_text(vm, "__doc__", vm.str(def.doc));
    }
    let module_name = if def.name == "sys" { vm.str(def.name) } else { vm.intern(def.name) };
    for ty in def.types {
        crate::types::typ::ready(vm, ty);
        d.set_text(vm, ty.name(), ty.to_object());
    }
    for function in def.functions {
        let object = crate::types::native_function::new_function(vm, function, module_name.clone());
        d.set_text(vm, function.name(), object);
    }
    if let Some(init) = def.init {
        init(vm, &made)?;
    }
    Ok(made)
}

/// A row of the modules `_imp` admits to be frozen.
struct Visible {
    name: &'static str,
    /// The module whose code it runs.
    original: &'static str,
    /// What `find_frozen` says about that: None, or a name that begins with `<`
    /// where the module is the `__init__` of a package.
    told: Option<&'static str>,
    is_package: bool,
}

const fn visible(
    name: &'static str,
    original: &'static str,
    told: &'static str,
    is_package: bool,
) -> Visible {
    Visible { name, original, told: Some(told), is_package }
}

/// The two halves of importlib itself, what loads before the importer of the
/// library does, and the modules that exist to be frozen; the rest of the
/// library has an importer of its own, which knows file names.
static VISIBLE: [Visible; 15] = [
    visible("_frozen_importlib", "importlib._bootstrap", "importlib._bootstrap", false),
    visible(
        "_frozen_importlib_external",
        "importlib._bootstrap_external",
        "importlib._bootstrap_external",
        false,
    ),
    visible("_embedded", "_embedded", "_embedded", false),
    visible("zipimport", "zipimport", "zipimport", false),
    visible("__hello__", "__hello__", "__hello__", false),
    visible("__hello_alias__", "__hello__", "__hello__", false),
    Visible { name: "__hello_only__", original: "__hello__", told: None, is_package: false },
    visible("__phello__", "__phello__", "__phello__", true),
    visible("__phello__.__init__", "__phello__", "<__phello__", false),
    visible("__phello__.spam", "__phello__.spam", "__phello__.spam", false),
    visible("__phello__.ham", "__phello__.ham", "__phello__.ham", true),
    visible("__phello__.ham.__init__", "__phello__.ham", "<__phello__.ham", false),
    visible("__phello__.ham.eggs", "__phello__.ham.eggs", "__phello__.ham.eggs", false),
    visible("__phello_alias__", "__hello__", "__hello__", true),
    visible("__phello_alias__.spam", "__hello__", "__hello__", false),
];

fn visibly_frozen(vm: &Vm, module_name: &str) -> Option<&'static Visible> {
    let hidden = vm.shared(HIDE_FROZEN).is_some_and(|o| o.is(Value::TRUE));
    VISIBLE.iter().take(if hidden { NEEDED } else { VISIBLE.len() }).find(|row| row.name == module_name)
}

/// Key of the flag that `_override_frozen_modules_for_tests` sets.
const HIDE_FROZEN: &str = "_imp hides frozen modules";
/// That many rows of [`VISIBLE`] are never hidden.
const NEEDED: usize = 4;

fn not_frozen(vm: &Vm, module_name: &Object) -> Result<Raised> {
    let shown = vm.repr(module_name)?;
    Ok(vm.import_error(format!("No such frozen object named {}", vm.str_lossy(&shown)), module_name))
}

fn frozen(vm: &Vm, module_name: &str) -> Option<FrozenModule> {
    let table = vm.interp().library.get().modules;
    table.binary_search_by(|m| m.name.cmp(module_name)).ok().map(|i| table[i])
}

/// Gives the pages of the library's code back now and then, after `bytes` of it were
/// read: they are part of the executable file and come again if they are looked at
/// again. The kernel maps 64 KiB around each page that is touched.
pub(crate) fn forget_pages(vm: &Vm, bytes: &[u8]) {
    const PAGE: usize = 4096;
    const READS: u32 = 8;
    static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let library = vm.interp().library.get();
    let near = library.apart.near.as_ptr_range();
    // What most programs read lies together.
    if near.contains(&bytes.as_ptr()) {
        return;
    }
    if COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % READS != READS - 1 {
        return;
    }
    let first = library.modules.iter().map(|m| m.code.as_ptr()).min().unwrap_or(near.start);
    for (start, end) in [(first, near.start), (near.end, library.apart.far.as_ptr_range().end)] {
        // No other data is on the pages inside.
        let (start, end) = ((start as usize).next_multiple_of(PAGE), end as usize & !(PAGE - 1));
        if start < end {
            // SAFETY: whole pages of read-only data in a private mapping of the executable.
            unsafe { libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_DONTNEED) };
        }
    }
}

/// Modules whose code CPython freezes: their frames show no file.
static SHOWN_AS_FROZEN: [&str; 15] = [
    "_collections_abc",
    "_sitebuiltins",
    "abc",
    "codecs",
    "genericpath",
    "importlib.machinery",
    "importlib.util",
    "io",
    "ntpath",
    "os",
    "posixpath",
    "runpy",
    "site",
    "stat",
    "zipimport",
];

/// The code of a module of the library with its file names put below `root`.
pub fn frozen_code_below(vm: &Vm, module_name: &str, root: &str) -> Result {
    let Some(module) = frozen(vm, module_name) else {
        return Err(vm.import_error(format!("No module named '{module_name}'"), &vm.intern(module_name)));
    };
    let filename = match SHOWN_AS_FROZEN.contains(&module_name) {
        true => format!("<frozen {module_name}>"),
        false => format!("{root}/{}", module.path),
    };
    let code = crate::types::code::from_bytes(vm, module.code, &vm.intern(&filename));
    code.map_err(|_| {
        vm.import_error(format!("embedded module '{module_name}' is invalid"), &vm.intern(module_name))
    })
}

/// The code object of a frozen module.
pub fn frozen_code(vm: &Vm, module_name: &str) -> Result {
    let Some(module) = frozen(vm, module_name) else {
        return Err(
            vm.import_error(format!("No such frozen object named {module_name}"), &vm.intern(module_name))
        );
    };
    let filename = vm.intern(&format!("<frozen {module_name}>"));
    crate::types::code::from_bytes(vm, module.code, &filename).map_err(|_| {
        vm.import_error(format!("Frozen object named '{module_name}' is invalid"), &vm.intern(module_name))
    })
}

fn text(vm: &Vm, object: &Object) -> Result<String> {
    match object.downcast::<Str>() {
        Some(_) => Ok(vm.str_lossy(object)),
        None => Err(vm.type_error(format!("argument must be str, not {}", object.ty().name()))),
    }
}

/// `_imp`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_imp",
    doc: "(Extremely) low-level import machinery bits as used by importlib.",
    functions: &[
        MethodDef::new(
            "lock_held()",
            |vm, _| Ok(Object::bool(vm.interp().import_lock.is_held())),
            "Is the import lock held? Only `fork` waits for it, as modules have locks of their own.",
        ),
        MethodDef::new(
            "acquire_lock()",
            |vm, _| {
                vm.interp().import_lock.acquire(vm, None)?;
                Ok(Object::NONE)
            },
            "Takes the import lock, as often as one likes.",
        ),
        MethodDef::new(
            "release_lock()",
            |vm, _| {
                if !vm.interp().import_lock.release(vm) {
                    return Err(vm.runtime_error("not holding the import lock"));
                }
                Ok(Object::NONE)
            },
            "Gives the import lock back; RuntimeError if this thread does not have it.",
        ),
        MethodDef::new("extension_suffixes()", |vm, _| Ok(vm.list(Vec::new())), ""),
        MethodDef::new(
            "is_builtin(name, /)",
            |vm, args| {
                let module_name = text(vm, &args[0])?;
                let known = vm.interp().native_modules.borrow().contains_key(module_name.as_str())
                    || module_name == "sys"
                    || module_name == "builtins";
                Ok(vm.int(if known {
                    if module_name == "sys" || module_name == "builtins" { -1 } else { 1 }
                } else {
                    0
                }))
            },
            "Returns True if the module name corresponds to a built-in module.",
        ),
        MethodDef::new(
            "create_builtin(spec, /)",
            |vm, args| {
                let module_name = vm.get_attr(&args[0], name::name_plain.object())?;
                let module_name = text(vm, &module_name)?;
                if let Some(d) = vm.interp().modules.clone().downcast::<Dict>()
                    && let Some(found) = d.get_text(vm, &module_name)
                {
                    return Ok(found);
                }
                Ok(create_native(vm, &module_name)?.unwrap_or(Object::NONE))
            },
            "Create an extension module.",
        ),
        MethodDef::new("exec_builtin(mod, /)", |vm, _| Ok(vm.int(0)), "Initialize a built-in module."),
        MethodDef::new(
            "create_dynamic(spec, file=None, /)",
            |vm, args| {
                let module_name = vm.get_attr(&args[0], name::name_plain.object())?;
                Err(vm.import_error("extension modules cannot be loaded", &module_name))
            },
            "Create an extension module.",
        ),
        MethodDef::new("exec_dynamic(mod, /)", |vm, _| Ok(vm.int(0)), "Initialize an extension module."),
        MethodDef::new(
            "is_frozen(name, /)",
            |vm, args| Ok(Object::bool(visibly_frozen(vm, &text(vm, &args[0])?).is_some())),
            "Returns True if the module name corresponds to a frozen module.",
        ),
        MethodDef::new(
            "is_frozen_package(name, /)",
            |vm, args| match visibly_frozen(vm, &text(vm, &args[0])?) {
                Some(row) => Ok(Object::bool(row.is_package)),
                None => Err(not_frozen(vm, &args[0])?),
            },
            "Returns True if the module name is of a frozen package.",
        ),
        MethodDef::new(
            "find_frozen(name, /, *, withdata=False)",
            |vm, args| match visibly_frozen(vm, &text(vm, &args[0])?) {
                Some(row) => Ok(vm.tuple(vec![
                    Object::NONE,
                    Object::bool(row.is_package),
                    row.told.map_or(Object::NONE, |told| vm.intern(told)),
                ])),
                None => Ok(Object::NONE),
            },
            "Return info about the corresponding frozen module (if there is one) or None.",
        ),
        MethodDef::new(
            "get_frozen_object(name, data=None, /)",
            |vm, args| {
                let module_name = text(vm, &args[0])?;
                if !args[1].is_none() {
                    if args[1].downcast::<crate::types::bytes::Bytes>().is_none() {
                        let got = args[1].ty().name();
                        return Err(
                            vm.type_error(format!("get_frozen_object() argument 2 must be bytes, not {got}"))
                        );
                    }
                    // Frozen code has no form as bytes here.
                    let shown = vm.repr(&args[0])?;
                    return Err(vm.import_error(
                        format!("Frozen object named {} is invalid", vm.str_lossy(&shown)),
                        &args[0],
                    ));
                }
                match visibly_frozen(vm, &module_name) {
                    Some(row) => frozen_code(vm, row.original),
                    None => Err(not_frozen(vm, &args[0])?),
                }
            },
            "Create a code object for a frozen module.",
        ),
        MethodDef::new("init_frozen(name, /)", |_, _| Ok(Object::NONE), "Initializes a frozen module."),
        MethodDef::new(
            "_frozen_module_names()",
            |vm, _| Ok(vm.list(VISIBLE.iter().map(|row| vm.intern(row.name)).collect())),
            "Returns the list of available frozen modules.",
        ),
        MethodDef::new(
            "_override_frozen_modules_for_tests(override, /)",
            |vm, args| {
                vm.share(HIDE_FROZEN, Object::bool(vm.to_c_int(&args[0])? < 0));
                Ok(Object::NONE)
            },
            "",
        ),
        MethodDef::new("_override_multi_interp_extensions_check(override, /)", |vm, _| Ok(vm.int(0)), ""),
        MethodDef::new(
            "_fix_co_filename(code, path, /)",
            |vm, args| {
                let Some(code) = args[0].downcast_exact::<crate::types::code::Code>() else {
                    let got = args[0].ty().name();
                    return Err(
                        vm.type_error(format!("_fix_co_filename() argument 1 must be code, not {got}"))
                    );
                };
                if args[1].downcast::<Str>().is_none() {
                    let got = args[1].ty().name();
                    return Err(
                        vm.type_error(format!("_fix_co_filename() argument 2 must be str, not {got}"))
                    );
                }
                code.set_filename(&args[1]);
                Ok(Object::NONE)
            },
            "Changes code.co_filename to specify the passed-in file path.",
        ),
        MethodDef::new(
            "source_hash(key, source)",
            |vm, args| {
                let key = vm.to_i64(&args[0])? as u64;
                let source = vm.bytes_like(&args[1], "source")?;
                let hash = crate::types::str::siphash13(key, 0, source.bytes());
                Ok(vm.bytes(&hash.to_le_bytes()))
            },
            "",
        ),
    ],
    types: &[],
    init: Some(|vm, module| {
        let dict = module::dict_of(module);
        if let Some(d) = dict.downcast::<Dict>() {
            d.set_text(vm, "check_hash_based_pycs", vm.intern("default"));
            d.set_text(
                vm,
                "pyc_magic_number_token",
                vm.int(168_627_187 ^ (0x7a10 + taipan_bytecode::VERSION as i64)),
            );
        }
        Ok(())
    }),
};
