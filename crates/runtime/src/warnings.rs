//! Warnings: `Vm::warn` for native code, and the module `_warnings`, the native
//! half of `warnings`.
//!
//! The filters, the registry of "once" and the default action live in this
//! module until Python code imports `warnings`; from then on that module's
//! attributes count, as they may have been replaced.

use crate::display;
use crate::interp::frame::Frame;
use crate::names::name;
use crate::prelude::*;
use crate::types::dict;

const FILTERS: &str = "_warnings.filters";
const ONCE: &str = "_warnings.onceregistry";
const DEFAULT: &str = "_warnings.defaultaction";
const VERSION: &str = "_warnings.version";

/// The module `_warnings`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_warnings",
    doc: "_warnings provides basic warning filtering support.\nIt is a helper module to speed up interpreter start-up.",
    functions: &[
        MethodDef::new(
            "warn(message, category=None, stacklevel=1, source=None, *, skip_file_prefixes=())",
            warn,
            "Issue a warning, or maybe ignore it or raise an exception.",
        ),
        MethodDef::new(
            "warn_explicit(message, category, filename, lineno, module=<NULL>, registry=None, module_globals=None, source=None)",
            warn_explicit,
            "Issue a warning, or maybe ignore it or raise an exception.",
        ),
        MethodDef::new("_filters_mutated_lock_held()", filters_mutated, ""),
        MethodDef::new("_acquire_lock()", |_, _| Ok(Object::NONE), ""),
        MethodDef::new("_release_lock()", |_, _| Ok(Object::NONE), ""),
    ],
    types: &[],
    init: Some(init),
};

fn init(vm: &Vm, module: &Object) -> Result<()> {
    vm.set_attr_str(module, "filters", &filters(vm))?;
    vm.set_attr_str(module, "_onceregistry", &once_registry(vm))?;
    vm.set_attr_str(module, "_defaultaction", &default_action(vm))?;
    // Without it `warnings` falls back on its own, slower half.
    let contextvars = vm.import_native("_contextvars");
    if let Some(contextvars) = vm.swallow(contextvars, &exc::IMPORT_ERROR)? {
        let class = vm.get_attr_str(&contextvars, "ContextVar")?;
        let variable = vm.call(&class, &[vm.intern("_warnings_context")])?;
        vm.set_attr_str(module, "_warnings_context", &variable)?;
    }
    Ok(())
}

// ---- state ----------------------------------------------------------------------------

fn own(vm: &Vm, key: &'static str, make: impl FnOnce() -> Object) -> Object {
    match vm.shared(key) {
        Some(object) => object,
        None => {
            let object = make();
            vm.share(key, object.clone());
            object
        }
    }
}

fn filters(vm: &Vm) -> Object {
    own(vm, FILTERS, || {
        let filter = |action: &str, category: &Type, module: Object| {
            vm.tuple(vec![vm.intern(action), Object::NONE, category.to_object(), module, vm.int(0)])
        };
        vm.list(vec![
            filter("default", &exc::DEPRECATION_WARNING, vm.intern("__main__")),
            filter("ignore", &exc::DEPRECATION_WARNING, Object::NONE),
            filter("ignore", &exc::PENDING_DEPRECATION_WARNING, Object::NONE),
            filter("ignore", &exc::IMPORT_WARNING, Object::NONE),
            filter("ignore", &exc::RESOURCE_WARNING, Object::NONE),
        ])
    })
}

fn once_registry(vm: &Vm) -> Object {
    own(vm, ONCE, || vm.new_dict())
}

fn default_action(vm: &Vm) -> Object {
    own(vm, DEFAULT, || vm.intern("default"))
}

fn version(vm: &Vm) -> Object {
    own(vm, VERSION, || vm.int(0))
}

fn filters_mutated(vm: &Vm, _args: &[Object]) -> Result {
    let next = version(vm).as_int() + 1;
    vm.share(VERSION, vm.int(next));
    Ok(Object::NONE)
}

/// An attribute of the `warnings` module if that has been imported.
fn warnings_attr(vm: &Vm, attr: &str, import: bool) -> Result<Option<Object>> {
    let key = vm.intern("warnings");
    let module = match vm.interp().modules.downcast::<Dict>().and_then(|d| d.get_str_owned(&key)) {
        Some(module) => module,
        None if import => {
            let result = vm.import_module("warnings");
            match vm.swallow(result, &exc::IMPORT_ERROR)? {
                Some(module) => module,
                None => return Ok(None),
            }
        }
        None => return Ok(None),
    };
    vm.lookup_attr_str(&module, attr)
}

// ---- deciding ------------------------------------------------------------------------------

fn matches(vm: &Vm, pattern: &Object, text: &Object) -> Result<bool> {
    if pattern.is_none() {
        return Ok(true);
    }
    if pattern.downcast_exact::<Str>().is_some() {
        return vm.equal(pattern, text);
    }
    let result = vm.call_method(pattern, "match", std::slice::from_ref(text))?;
    vm.is_true(&result)
}

/// The action for a warning: that of the first filter that fits.
fn action_for(
    vm: &Vm,
    category: &Object,
    text: &Object,
    lineno: i64,
    module: &Object,
) -> Result<(String, Object)> {
    let filters = match warnings_attr(vm, "filters", false)? {
        Some(filters) => {
            // Remembered in case the attribute is deleted.
            vm.share(FILTERS, filters.clone());
            filters
        }
        None => filters(vm),
    };
    let Some(list) = filters.downcast::<List>() else {
        return Err(vm.value_error("_warnings.filters must be a list"));
    };
    let mut i = 0;
    while let Some(item) = list.get(i) {
        let parts = match item.downcast_exact::<Tuple>().map(|t| t.items()) {
            Some([action, message, class, pattern, line]) => [action, message, class, pattern, line],
            _ => return Err(vm.value_error(format!("_warnings.filters item {i} isn't a 5-tuple"))),
        };
        let [action, message, class, pattern, line] = parts;
        let Some(action_text) = action.downcast::<Str>() else {
            return Err(vm.type_error(format!("action must be a string, not '{}'", action.ty().name())));
        };
        let line = vm.to_i64(line)?;
        if matches(vm, message, text)?
            && matches(vm, pattern, module)?
            && vm.is_subclass(category, class)?
            && (line == 0 || line == lineno)
        {
            return Ok((String::from_utf8_lossy(&action_text.to_wtf8()).into_owned(), item.clone()));
        }
        i += 1;
    }
    let action = match warnings_attr(vm, "defaultaction", false)? {
        Some(action) => {
            vm.share(DEFAULT, action.clone());
            action
        }
        None => default_action(vm),
    };
    if action.downcast::<Str>().is_none() {
        return Err(
            vm.type_error(format!("_warnings.defaultaction must be a string, not '{}'", action.ty().name()))
        );
    }
    Ok((vm.str_lossy(&action), Object::NONE))
}

/// Has this been shown? A registry of an older state of the filters is emptied.
fn already_warned(vm: &Vm, registry: &Object, key: &Object, remember: bool) -> Result<bool> {
    let Some(d) = registry.downcast::<Dict>() else {
        return Err(vm.type_error("'registry' must be a dict or None"));
    };
    let current = version(vm);
    match d.get_text(vm, "version") {
        Some(v) if v.is_int() && v.value() == current.value() => {
            if let Some(seen) = d.get(vm, key)?
                && vm.is_true(&seen)?
            {
                return Ok(true);
            }
        }
        _ => {
            d.clear();
            d.set_text(vm, "version", current);
        }
    }
    if remember {
        d.set(vm, key, Object::TRUE)?;
    }
    Ok(false)
}

/// A warning with everything known about it.
struct Warning<'a> {
    category: &'a Object,
    message: &'a Object,
    filename: &'a Object,
    lineno: i64,
    module: Option<Object>,
    registry: Object,
    source_line: Option<Object>,
    source: Object,
}

fn module_of_file(vm: &Vm, filename: &Object) -> Object {
    let text = vm.str_lossy(filename);
    if text.is_empty() {
        return vm.str("<unknown>");
    }
    match text.strip_suffix(".py") {
        Some(stem) => vm.str(stem),
        None => filename.clone(),
    }
}

fn issue(vm: &Vm, w: Warning<'_>) -> Result<()> {
    let module = match w.module {
        Some(module) => module,
        None => module_of_file(vm, w.filename),
    };
    let (text, category, message) = if w.message.is_instance_of(&exc::WARNING) {
        (vm.str_of(w.message)?, w.message.ty().to_object(), w.message.clone())
    } else {
        let message = vm.call(w.category, std::slice::from_ref(w.message))?;
        (w.message.clone(), w.category.clone(), message)
    };
    let key = vm.tuple(vec![text.clone(), category.clone(), vm.int(w.lineno)]);
    let registry = &w.registry;
    if !registry.is_none() && already_warned(vm, registry, &key, false)? {
        return Ok(());
    }
    let (action, item) = action_for(vm, &category, &text, w.lineno, &module)?;
    match action.as_str() {
        "error" => return Err(vm.raise_in_context(message)),
        "ignore" => return Ok(()),
        "always" | "all" => {}
        _ => {
            if let Some(d) = registry.downcast::<Dict>() {
                d.set(vm, &key, Object::TRUE)?;
            }
            let short = vm.tuple(vec![text.clone(), category.clone()]);
            match action.as_str() {
                "once" => {
                    let once = match warnings_attr(vm, "onceregistry", false)? {
                        Some(once) => {
                            vm.share(ONCE, once.clone());
                            once
                        }
                        None => once_registry(vm),
                    };
                    if already_warned(vm, &once, &short, true)? {
                        return Ok(());
                    }
                }
                "module" => {
                    if !registry.is_none() && already_warned(vm, registry, &short, true)? {
                        return Ok(());
                    }
                }
                "default" => {}
                _ => {
                    let shown = vm.repr_text(&item)?;
                    return Err(vm.runtime_error(format!(
                        "Unrecognized action ('{action}') in warnings.filters:\n {shown}"
                    )));
                }
            }
        }
    }
    show(vm, w.filename, w.lineno, &text, &category, &message, w.source_line.as_ref(), &w.source)
}

#[allow(clippy::too_many_arguments)]
fn show(
    vm: &Vm,
    filename: &Object,
    lineno: i64,
    text: &Object,
    category: &Object,
    message: &Object,
    source_line: Option<&Object>,
    source: &Object,
) -> Result<()> {
    let import = source.some().is_some();
    let Some(show) = warnings_attr(vm, "_showwarnmsg", import)? else {
        let file =
            vm.interp().sys_dict.downcast::<Dict>().and_then(|d| d.get_str_owned(name::stderr.object()));
        let Some(file) = file.filter(|f| !f.is_none()) else { return Ok(()) };
        let out = display::Output::of(vm, Some(&file));
        let name = Type::of(category).map_or("Warning", |ty| ty.name()).to_string();
        let filename = vm.str_lossy(filename);
        let mut lines = format!("{filename}:{lineno}: {name}: {}\n", vm.str_lossy(text));
        let line = match source_line {
            Some(line) => Some(vm.str_lossy(line)),
            None => display::source_line(&filename, lineno),
        };
        if let Some(line) = line {
            lines.push_str(&format!("  {}\n", line.trim()));
        }
        if let Err(raised) = out.write(vm, &lines) {
            drop(vm.caught(raised));
        }
        return Ok(());
    };
    if !vm.is_callable(&show) {
        return Err(vm.type_error("warnings._showwarnmsg() must be set to a callable"));
    }
    let Some(class) = warnings_attr(vm, "WarningMessage", false)? else {
        return Err(vm.runtime_error("unable to get warnings.WarningMessage"));
    };
    let args = [
        message.clone(),
        category.clone(),
        filename.clone(),
        vm.int(lineno),
        Object::NONE,
        source_line.cloned().unwrap_or(Object::NONE),
        source.some().cloned().unwrap_or(Object::NONE),
    ];
    let record = vm.call(&class, &args)?;
    vm.call(&show, &[record])?;
    Ok(())
}

// ---- where the warning comes from --------------------------------------------------------------

fn frame_file(frame: &Frame) -> Object {
    // SAFETY: the code outlives the frame.
    unsafe { (*frame.code).filename.get() }
}

fn is_internal(vm: &Vm, frame: &Frame) -> bool {
    let file = vm.str_lossy(&frame_file(frame));
    file.contains("importlib") && file.contains("_bootstrap") || file == "<frozen _embedded>"
}

fn next_external<'a>(vm: &Vm, mut frame: Option<&'a Frame>, skip: &[String]) -> Option<&'a Frame> {
    loop {
        // SAFETY: frames below a running frame are alive.
        frame = frame.and_then(|f| unsafe { f.previous.as_ref() });
        match frame {
            Some(f) if is_internal(vm, f) => continue,
            Some(f) if !skip.is_empty() => {
                let file = vm.str_lossy(&frame_file(f));
                if !skip.iter().any(|prefix| file.starts_with(prefix.as_str())) {
                    return frame;
                }
            }
            _ => return frame,
        }
    }
}

/// File, line, module and registry of the frame `stacklevel` says.
fn context(vm: &Vm, mut stacklevel: i64, skip: &[String]) -> Result<(Object, i64, Object, Object)> {
    // SAFETY: the running frame is alive.
    let mut frame = unsafe { vm.frame.get().as_ref() };
    if stacklevel <= 0 || frame.is_some_and(|f| is_internal(vm, f)) {
        while stacklevel > 1 && frame.is_some() {
            // SAFETY: as above.
            frame = frame.and_then(|f| unsafe { f.previous.as_ref() });
            stacklevel -= 1;
        }
    } else {
        while stacklevel > 1 && frame.is_some() {
            frame = next_external(vm, frame, skip);
            stacklevel -= 1;
        }
    }
    let (globals, filename, lineno) = match frame {
        // SAFETY: the frame keeps its globals alive.
        Some(f) => (unsafe { Object::from_borrowed(f.globals()) }, frame_file(f), f.line() as i64),
        None => (vm.interp().sys_dict.clone(), vm.intern("<sys>"), 0),
    };
    let Some(d) = globals.downcast::<Dict>() else {
        return Ok((filename, lineno, vm.intern("<string>"), vm.new_dict()));
    };
    let key = vm.intern("__warningregistry__");
    let registry = match d.get_str_owned(&key) {
        Some(registry) => registry,
        None => {
            let registry = dict::new(vm);
            d.set_str(vm, &key, registry.clone());
            registry
        }
    };
    let module = match d.get_str_owned(name::name.object()) {
        Some(name) if name.is_none() || name.downcast::<Str>().is_some() => name,
        _ => vm.intern("<string>"),
    };
    Ok((filename, lineno, module, registry))
}

impl Vm {
    /// Issues a warning as if by the Python code that runs (`stacklevel` 1).
    pub fn warn(&self, category: &Type, message: &str, stacklevel: usize) -> Result<()> {
        let category = category.to_object();
        let message = self.str(message);
        self.warn_object(&category, &message, stacklevel as i64, &Object::NONE)
    }
    /// `warnings.warn(message, category, stacklevel, source)`.
    pub fn warn_object(
        &self,
        category: &Object,
        message: &Object,
        stacklevel: i64,
        source: &Object,
    ) -> Result<()> {
        let (filename, lineno, module, registry) = context(self, stacklevel, &[])?;
        issue(
            self,
            Warning {
                category,
                message,
                filename: &filename,
                lineno,
                module: Some(module),
                registry,
                source_line: None,
                source: source.clone(),
            },
        )
    }
    /// A ResourceWarning about `source`.
    pub fn warn_resource(&self, source: &Object, message: &str) -> Result<()> {
        let message = self.str(message);
        self.warn_object(&exc::RESOURCE_WARNING.to_object(), &message, 1, source)
    }
    /// Issues a warning about a place in a file.
    pub fn warn_explicit(
        &self,
        category: &Type,
        message: &str,
        filename: &Object,
        lineno: i64,
    ) -> Result<()> {
        let (category, message) = (category.to_object(), self.str(message));
        issue(
            self,
            Warning {
                category: &category,
                message: &message,
                filename,
                lineno,
                module: None,
                registry: Object::NONE,
                source_line: None,
                source: Object::NONE,
            },
        )
    }
}

// ---- the functions of the module -------------------------------------------------------------------

fn category_of(vm: &Vm, message: &Object, category: &Object) -> Result {
    let category = if message.is_instance_of(&exc::WARNING) {
        message.ty().to_object()
    } else {
        category.some().cloned().unwrap_or_else(|| exc::USER_WARNING.to_object())
    };
    if Type::of(&category).is_some_and(|ty| ty.is_subtype(&exc::WARNING)) {
        return Ok(category);
    }
    Err(vm.type_error(format!("category must be a Warning subclass, not '{}'", category.ty().name())))
}

fn warn(vm: &Vm, args: &[Object]) -> Result {
    let [message, category, stacklevel, source, prefixes] = args else { return Ok(Object::NONE) };
    let mut stacklevel = vm.index_isize(stacklevel)? as i64;
    let category = category_of(vm, message, category)?;
    let Some(prefixes) = prefixes.downcast::<Tuple>() else {
        return Err(vm.type_error(format!(
            "warn() argument 'skip_file_prefixes' must be tuple, not {}",
            prefixes.ty().name()
        )));
    };
    let mut skip = Vec::new();
    for prefix in prefixes.items() {
        if prefix.downcast::<Str>().is_none() {
            return Err(
                vm.type_error(format!("Found non-str '{}' in skip_file_prefixes.", prefix.ty().name()))
            );
        }
        skip.push(vm.str_lossy(prefix));
    }
    if !skip.is_empty() && stacklevel < 2 {
        stacklevel = 2;
    }
    let (filename, lineno, module, registry) = context(vm, stacklevel, &skip)?;
    let warning = Warning {
        category: &category,
        message,
        filename: &filename,
        lineno,
        module: Some(module),
        registry,
        source_line: None,
        source: source.clone(),
    };
    issue(vm, warning)?;
    Ok(Object::NONE)
}

fn warn_explicit(vm: &Vm, args: &[Object]) -> Result {
    let [message, category, filename, lineno, module, registry, module_globals, source] = args else {
        return Ok(Object::NONE);
    };
    let category = category_of(vm, message, category)?;
    if filename.downcast::<Str>().is_none() {
        return Err(vm.type_error(format!(
            "warn_explicit() argument 'filename' must be str, not {}",
            filename.ty().name()
        )));
    }
    let lineno = vm.to_c_int(lineno)? as i64;
    let mut source_line = None;
    if let Some(globals) = module_globals.some() {
        let Some(globals) = globals.downcast::<Dict>() else {
            return Err(
                vm.type_error(format!("module_globals must be a dict, not '{}'", globals.ty().name()))
            );
        };
        source_line = line_from_loader(vm, module_globals, globals, lineno)?;
    }
    if registry.some().is_some_and(|r| r.downcast::<Dict>().is_none()) {
        return Err(vm.type_error("'registry' must be a dict or None"));
    }
    let module = match module.bound() {
        Some(m) if m.is_none() => return Ok(Object::NONE),
        Some(m) => Some(m.clone()),
        None => None,
    };
    let warning = Warning {
        category: &category,
        message,
        filename,
        lineno,
        module,
        registry: registry.clone(),
        source_line,
        source: source.clone(),
    };
    issue(vm, warning)?;
    Ok(Object::NONE)
}

/// Line `lineno` as the module's loader gives it.
fn line_from_loader(vm: &Vm, globals: &Object, dict: &Dict, lineno: i64) -> Result<Option<Object>> {
    let Some(bootstrap) = vm.shared("importlib") else { return Ok(None) };
    let line = ask_loader(vm, &bootstrap, globals, dict, lineno);
    // The program's own module need not have a loader, nor one that knows it by this name.
    let name = dict.get_str_owned(name::name.object());
    if line.is_err() && name.is_some_and(|name| vm.str_lossy(&name) == "__main__") {
        drop(vm.take_raised());
        return Ok(None);
    }
    line
}

fn ask_loader(
    vm: &Vm,
    bootstrap: &Object,
    globals: &Object,
    dict: &Dict,
    lineno: i64,
) -> Result<Option<Object>> {
    let external = vm.get_attr_str(bootstrap, "_bootstrap_external")?;
    let loader = vm.call_method(&external, "_bless_my_loader", std::slice::from_ref(globals))?;
    let Some(module) = dict.get_str_owned(name::name.object()) else { return Ok(None) };
    let Some(get_source) = vm.lookup_attr_str(&loader, "get_source")? else { return Ok(None) };
    let source = vm.call(&get_source, &[module])?;
    if source.is_none() {
        return Ok(None);
    }
    let lines = vm.call_method(&source, "splitlines", &[])?;
    Ok(match lines.downcast::<List>() {
        Some(lines) if lineno >= 1 => lines.get(lineno as usize - 1),
        _ => None,
    })
}
