//! What pickling needs of other modules, looked up when `_pickle` is
//! imported; and the errors it raises.

use taipan_runtime::prelude::*;
use taipan_runtime::shared::Place;
use taipan_runtime::support::{exception_class, qualified_name, raise_kept};
use taipan_runtime::types::exceptions;

static STATE: Place = Place::new();
pub const PICKLE_ERROR: &str = "_pickle.PickleError";
pub const PICKLING_ERROR: &str = "_pickle.PicklingError";
pub const UNPICKLING_ERROR: &str = "_pickle.UnpicklingError";

/// Objects of other modules.
#[derive(Clone, Copy)]
pub enum Other {
    /// `copyreg.dispatch_table`.
    DispatchTable,
    /// `copyreg._extension_registry`.
    ExtensionRegistry,
    /// `copyreg._inverted_registry`.
    InvertedRegistry,
    /// `copyreg._extension_cache`.
    ExtensionCache,
    /// `_compat_pickle.NAME_MAPPING` and the like.
    NameMapping,
    ImportMapping,
    ReverseNameMapping,
    ReverseImportMapping,
    /// `codecs.encode`.
    Encode,
    /// `functools.partial`.
    Partial,
    /// `builtins.getattr`.
    GetAttr,
}

/// In the order of [`Other`].
const PLACES: [(&str, &str); 11] = [
    ("copyreg", "dispatch_table"),
    ("copyreg", "_extension_registry"),
    ("copyreg", "_inverted_registry"),
    ("copyreg", "_extension_cache"),
    ("_compat_pickle", "NAME_MAPPING"),
    ("_compat_pickle", "IMPORT_MAPPING"),
    ("_compat_pickle", "REVERSE_NAME_MAPPING"),
    ("_compat_pickle", "REVERSE_IMPORT_MAPPING"),
    ("codecs", "encode"),
    ("functools", "partial"),
    ("builtins", "getattr"),
];

/// How many of them must be dicts.
const DICTS: usize = 8;

/// The objects of other modules, held while something is pickled.
#[derive(Clone)]
pub struct State(Object);

impl State {
    pub fn of(vm: &Vm) -> Result<State> {
        match vm.at_place(&STATE) {
            Some(objects) => Ok(State(objects)),
            None => Err(vm.runtime_error("module _pickle is not initialised")),
        }
    }
    pub fn get(&self, which: Other) -> &Object {
        match self.0.downcast::<Tuple>().and_then(|objects| objects.items().get(which as usize)) {
            Some(object) => object,
            None => &self.0,
        }
    }
    /// A value of one of the dicts.
    pub fn look_up(&self, vm: &Vm, which: Other, key: &Object) -> Result<Option<Object>> {
        match self.get(which).downcast::<Dict>() {
            Some(dict) => dict.get(vm, key),
            None => Ok(None),
        }
    }
}

/// Finds the objects and makes the exceptions.
pub fn init(vm: &Vm, module: &Object) -> Result<()> {
    let mut objects = Vec::with_capacity(PLACES.len());
    for (i, (place, attribute)) in PLACES.iter().enumerate() {
        let object = vm.get_attr_str(&vm.import_module(place)?, attribute)?;
        if i < DICTS && object.downcast::<Dict>().is_none() {
            let shown = object.ty().name();
            return Err(vm.runtime_error(format!("{place}.{attribute} should be a dict, not {shown}")));
        }
        objects.push(object);
    }
    vm.put_in_place(&STATE, vm.tuple(objects));
    let base = exception_class(vm, PICKLE_ERROR, "_pickle", "PickleError", &exc::EXCEPTION, None)?;
    vm.set_attr_str(module, "PickleError", &base)?;
    let Some(base) = Type::of(&base) else { return Ok(()) };
    for (key, name) in [(PICKLING_ERROR, "PicklingError"), (UNPICKLING_ERROR, "UnpicklingError")] {
        let class = exception_class(vm, key, "_pickle", name, base, None)?;
        vm.set_attr_str(module, name, &class)?;
    }
    Ok(())
}

/// Raises `PicklingError`.
#[cold]
pub fn pickling_error(vm: &Vm, message: impl AsRef<str>) -> Raised {
    raise_kept(vm, PICKLING_ERROR, message)
}

/// Raises `UnpicklingError`.
#[cold]
pub fn unpickling_error(vm: &Vm, message: impl AsRef<str>) -> Raised {
    raise_kept(vm, UNPICKLING_ERROR, message)
}

/// An error that came of another one: `old` becomes the context of `new`.
#[cold]
pub fn in_context_of(vm: &Vm, new: impl FnOnce() -> Raised, old: Raised) -> Raised {
    let old = vm.caught(old);
    let raised = new();
    let exception = vm.caught(raised);
    exceptions::set_context(&exception, old);
    vm.raise(exception)
}

/// The type of an object as `%T` shows it.
pub fn shown_type(vm: &Vm, object: &Object) -> String {
    qualified_name(vm, object.ty()).unwrap_or_else(|raised| {
        drop(vm.caught(raised));
        object.ty().name().to_string()
    })
}

/// The error with the note `when serializing X what`.
#[cold]
pub fn noted(vm: &Vm, raised: Raised, object: &Object, what: &str) -> Raised {
    let exception = vm.caught(raised);
    let note = format!("when serializing {} {what}", shown_type(vm, object));
    match vm.call_method(&exception, "add_note", &[vm.str(&note)]) {
        Ok(_) => vm.raise(exception),
        Err(raised) => raised,
    }
}
