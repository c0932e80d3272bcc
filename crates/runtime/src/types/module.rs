//! module: an object with a name and a dict; `__getattr__` of a module, and
//! the words of its AttributeErrors.

use crate::names::name;
use crate::prelude::*;
use crate::types::object;

/// Payload of module: everything is in the instance dict.
pub struct Module;

impl NativeClass for Module {
    fn class() -> &'static Type {
        &MODULE
    }
}

pub static MODULE: Type = Type::new::<Module>(
    "module",
    &object::OBJECT,
    type_flags::BASE | type_flags::HAVE_GC | type_flags::WEAKREFABLE,
    Slots {
        new: Some(|vm, class, _, _| {
            let module = vm.try_alloc(class, Module).ok_or_else(|| vm.memory_error())?;
            crate::lookup::set_instance_dict(vm, &module, vm.new_dict());
            Ok(module)
        }),
        init: Some(module_init),
        getattr: Some(module_getattr),
        ..Slots::EMPTY.repr(module_repr)
    },
    &[MethodDef::new("__dir__($self, /)", module_dir, "__dir__() -> list\nspecialized dir() implementation")],
    &[
        GetSetDef::member("__dict__", |_, m| Ok(dict_of(m))),
        GetSetDef::new("__annotations__", get_annotations).with_set(set_annotations),
        GetSetDef::new("__annotate__", get_annotate).with_set(set_annotate),
    ],
)
.with_dict()
.with_doc("A module object; its attributes are the names in its __dict__.");

/// A new module, as the import system makes it.
pub fn new(vm: &Vm, name: &str) -> Object {
    let module = vm.alloc(&MODULE, Module);
    let dict = vm.new_dict();
    if let Some(d) = dict.downcast::<Dict>() {
        fill(vm, d, vm.intern(name), Object::NONE);
    }
    crate::lookup::set_instance_dict(vm, &module, dict);
    module
}

fn fill(vm: &Vm, dict: &Dict, module_name: Object, doc: Object) {
    dict.set_str(vm, name::name.object(), module_name);
    dict.set_str(vm, name::doc.object(), doc);
    for key in [name::package, name::loader, name::spec] {
        dict.set_str(vm, key.object(), Object::NONE);
    }
}

/// The `__dict__` of a module (of anything with one: None otherwise).
pub fn dict_of(module: &Object) -> Object {
    crate::lookup::instance_dict(Vm::current(), module).unwrap_or(Object::NONE)
}

static SIG: Sig = Sig::new("module(name, doc=None)");

fn module_init(vm: &Vm, module: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    let args = SIG.bind(vm, args, kwnames)?;
    if args[0].downcast::<Str>().is_none() {
        return Err(vm.type_error(format!(
            "module() argument 'name' must be str, not {}",
            if args[0].is_none() { "None" } else { args[0].ty().name() }
        )));
    }
    if let Some(dict) = dict_of(module).downcast::<Dict>() {
        fill(vm, dict, args[0].clone(), args[1].clone());
    }
    Ok(())
}

/// An entry of the module's dict.
fn entry(dict: &Object, key: &Object) -> Option<Object> {
    dict.downcast::<Dict>()?.get_str_owned(key)
}

fn module_getattr(vm: &Vm, module: &Object, attr: &Object) -> Result {
    match crate::lookup::generic_lookup(vm, module, attr) {
        Ok(Some(found)) => return Ok(found),
        Ok(None) => {}
        Err(_) if vm.raised_is(&exc::ATTRIBUTE_ERROR) => drop(vm.take_raised()),
        Err(raised) => return Err(raised),
    }
    let dict = dict_of(module);
    if let Some(hook) = entry(&dict, name::getattr.object()) {
        return vm.call(&hook, std::slice::from_ref(attr));
    }
    Err(missing(vm, module, &dict, attr))
}

/// The AttributeError of a module that lacks `attr`.
#[cold]
fn missing(vm: &Vm, module: &Object, dict: &Object, attr: &Object) -> Raised {
    match missing_text(vm, dict, attr) {
        Ok(text) => vm.attribute_error(text, module, attr),
        Err(raised) => raised,
    }
}

fn missing_text(vm: &Vm, dict: &Object, attr: &Object) -> Result<String> {
    let attr_text = vm.str_lossy(attr);
    let module_name = match entry(dict, name::name.object()) {
        Some(text) if text.downcast::<Str>().is_some() => text,
        _ => return Ok(format!("module has no attribute '{attr_text}'")),
    };
    let shown = vm.str_lossy(&module_name);
    let plain = format!("module '{shown}' has no attribute '{attr_text}'");
    let Some(spec) = entry(dict, name::spec.object()).filter(|s| !s.is_none()) else { return Ok(plain) };
    let origin = file_origin(vm, &spec)?;
    let shadowing = origin.as_deref().is_some_and(|origin| possibly_shadowing(vm, origin));
    if shadowing && is_stdlib_name(vm, &module_name)? {
        return Ok(format!(
            "{plain} (consider renaming '{}' since it has the same name as the standard library module named '{shown}' and prevents importing that standard library module)",
            origin.unwrap_or_default()
        ));
    }
    if is_initializing(vm, &spec)? {
        return Ok(match origin {
            Some(origin) if shadowing => format!(
                "{plain} (consider renaming '{origin}' if it has the same name as a library you intended to import)"
            ),
            Some(origin) => format!(
                "partially initialized module '{shown}' from '{origin}' has no attribute '{attr_text}' (most likely due to a circular import)"
            ),
            None => format!(
                "partially initialized module '{shown}' has no attribute '{attr_text}' (most likely due to a circular import)"
            ),
        });
    }
    if let Some(pending) = vm.lookup_attr(&spec, name::uninitialized_submodules.object())?
        && vm.contains(&pending, attr)?
    {
        return Ok(format!(
            "cannot access submodule '{attr_text}' of module '{shown}' (most likely due to a circular import)"
        ));
    }
    Ok(plain)
}

/// The file that the spec says the module comes from.
pub fn file_origin(vm: &Vm, spec: &Object) -> Result<Option<String>> {
    match vm.lookup_attr(spec, name::has_location.object())? {
        Some(answer) if vm.is_true(&answer)? => {}
        _ => return Ok(None),
    }
    let origin = vm.lookup_attr(spec, name::origin_plain.object())?;
    Ok(origin.filter(|o| o.downcast::<Str>().is_some()).map(|o| vm.str_lossy(&o)))
}

/// Is the module of this spec still being executed?
pub fn is_initializing(vm: &Vm, spec: &Object) -> Result<bool> {
    if spec.is_none() {
        return Ok(false);
    }
    match vm.lookup_attr(spec, name::initializing.object())? {
        Some(answer) => vm.is_true(&answer),
        None => Ok(false),
    }
}

/// Does the file lie in the script's directory, where it may hide another module?
pub fn possibly_shadowing(vm: &Vm, origin: &str) -> bool {
    if vm.interp().config.safe_path {
        return false;
    }
    let Some(script_dir) = vm.shared(crate::start::FIRST_PATH) else { return false };
    let mut script_dir = vm.str_lossy(&script_dir);
    if script_dir.is_empty() {
        match std::env::current_dir() {
            Ok(dir) => script_dir = dir.to_string_lossy().into_owned(),
            Err(_) => return false,
        }
    }
    let Some((mut dir, file)) = origin.rsplit_once('/') else { return false };
    if file == "__init__.py" {
        match dir.rsplit_once('/') {
            Some((parent, _)) => dir = parent,
            None => return false,
        }
    }
    dir == script_dir
}

/// Is it in `sys.stdlib_module_names`?
pub fn is_stdlib_name(vm: &Vm, module_name: &Object) -> Result<bool> {
    match entry(&vm.interp().sys_dict, &vm.intern("stdlib_module_names")) {
        Some(names) if names.is_instance_of(&crate::types::set::FROZENSET) => {
            vm.contains(&names, module_name)
        }
        _ => Ok(false),
    }
}

// ---- repr and dir ---------------------------------------------------------------------------

fn module_repr(vm: &Vm, module: &Object) -> Result {
    let attr = |key: crate::names::Name| vm.lookup_attr(module, key.object());
    let present = |found: Option<Object>| found.filter(|o| !o.is_none());
    let loader = present(attr(name::loader)?);
    if let Some(spec) = attr(name::spec)?
        && vm.is_true(&spec)?
    {
        return repr_from_spec(vm, &spec);
    }
    let shown = match attr(name::name)? {
        Some(module_name) => vm.repr_text(&module_name)?,
        None => "'?'".to_string(),
    };
    Ok(vm.str(&match (attr(name::file)?, loader) {
        (Some(file), _) => format!("<module {shown} from {}>", vm.repr_text(&file)?),
        (None, Some(loader)) => format!("<module {shown} ({})>", vm.repr_text(&loader)?),
        (None, None) => format!("<module {shown}>"),
    }))
}

fn repr_from_spec(vm: &Vm, spec: &Object) -> Result {
    let module_name = vm.get_attr(spec, name::name_plain.object())?;
    let shown = if module_name.is_none() { "'?'".to_string() } else { vm.repr_text(&module_name)? };
    let origin = vm.get_attr(spec, name::origin_plain.object())?;
    if !origin.is_none() {
        let located = vm.get_attr(spec, name::has_location.object())?;
        return Ok(vm.str(&if vm.is_true(&located)? {
            format!("<module {shown} from {}>", vm.repr_text(&origin)?)
        } else {
            format!("<module {} ({})>", vm.repr_text(&module_name)?, vm.str_text(&origin)?)
        }));
    }
    let loader = vm.get_attr_str(spec, "loader")?;
    if loader.is_none() {
        return Ok(vm.str(&format!("<module {shown}>")));
    }
    if loader.ty().name() == "NamespaceLoader"
        && let Some(path) = vm.lookup_attr_str(&loader, "_path")?
    {
        let path = vm.list(vm.collect(&path)?);
        return Ok(vm.str(&format!("<module {shown} (namespace) from {}>", vm.repr_text(&path)?)));
    }
    Ok(vm.str(&format!("<module {shown} ({})>", vm.repr_text(&loader)?)))
}

fn module_dir(vm: &Vm, args: &[Object]) -> Result {
    let dict = vm.get_attr(&args[0], name::dict.object())?;
    let Some(d) = dict.downcast::<Dict>() else {
        return Err(vm.type_error(format!("{}.__dict__ is not a dictionary", args[0].ty().name())));
    };
    match d.get_str_owned(name::dir.object()) {
        Some(hook) => vm.call(&hook, &[]),
        None => Ok(vm.list(d.items().into_iter().map(|(key, _)| key).collect())),
    }
}

// ---- annotations ------------------------------------------------------------------------------

/// The module's dict, which a subclass's `__dict__` property may have replaced.
fn checked_dict(vm: &Vm, module: &Object) -> Result {
    let dict = vm.get_attr(module, name::dict.object())?;
    if dict.downcast::<Dict>().is_none() {
        return Err(vm.type_error("<module>.__dict__ is not a dictionary"));
    }
    Ok(dict)
}

fn get_annotations(vm: &Vm, module: &Object) -> Result {
    let dict = checked_dict(vm, module)?;
    if let Some(found) = entry(&dict, name::annotations.object()) {
        return Ok(found);
    }
    let initializing = match entry(&dict, name::spec.object()) {
        Some(spec) => is_initializing(vm, &spec)?,
        None => false,
    };
    let annotate = entry(&dict, name::annotate.object()).filter(|f| vm.is_callable(f));
    let annotations = match annotate {
        Some(annotate) => {
            let made = vm.call(&annotate, &[vm.int(1)])?;
            if made.downcast::<Dict>().is_none() {
                return Err(vm.type_error(format!(
                    "__annotate__ returned non-dict of type '{}'",
                    made.ty().full_name()
                )));
            }
            made
        }
        None => vm.new_dict(),
    };
    if !initializing && let Some(d) = dict.downcast::<Dict>() {
        d.set_str(vm, name::annotations.object(), annotations.clone());
    }
    Ok(annotations)
}

fn set_annotations(vm: &Vm, module: &Object, value: Option<&Object>) -> Result<()> {
    let dict = checked_dict(vm, module)?;
    let Some(d) = dict.downcast::<Dict>() else { return Ok(()) };
    match value {
        Some(value) => d.set_str(vm, name::annotations.object(), value.clone()),
        None => {
            if d.remove_str(name::annotations.object()).is_none() {
                return Err(vm.error(&exc::ATTRIBUTE_ERROR, "__annotations__"));
            }
        }
    }
    drop(d.remove_str(name::annotate.object()));
    Ok(())
}

fn get_annotate(vm: &Vm, module: &Object) -> Result {
    let dict = checked_dict(vm, module)?;
    if let Some(found) = entry(&dict, name::annotate.object()) {
        return Ok(found);
    }
    if let Some(d) = dict.downcast::<Dict>() {
        d.set_str(vm, name::annotate.object(), Object::NONE);
    }
    Ok(Object::NONE)
}

fn set_annotate(vm: &Vm, module: &Object, value: Option<&Object>) -> Result<()> {
    let Some(value) = value else { return Err(vm.type_error("cannot delete __annotate__ attribute")) };
    let dict = checked_dict(vm, module)?;
    let Some(d) = dict.downcast::<Dict>() else { return Ok(()) };
    if !value.is_none() && !vm.is_callable(value) {
        return Err(vm.type_error("__annotate__ must be callable or None"));
    }
    d.set_str(vm, name::annotate.object(), value.clone());
    if !value.is_none() {
        drop(d.remove_str(name::annotations.object()));
    }
    Ok(())
}
