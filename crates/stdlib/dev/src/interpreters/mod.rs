//! `_interpreters` and `_interpqueues`, on which `concurrent.interpreters` and the pools of
//! `concurrent.futures` stand (PEP 734).

mod code;
mod config;
mod data;
mod failure;
mod queues;

use data::{Data, Fallback, export, import, main_module};
use failure::Failure;
pub use queues::QUEUES;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use taipan_runtime::interpreters::{self, BUFFER_VIEW, Isolation, Second};
use taipan_runtime::prelude::*;
use taipan_runtime::support::exception_class;
use taipan_runtime::types::function::Function;
use taipan_runtime::types::str_methods::shown_type;
use taipan_runtime::types::{code::Code, int, module};

/// The module `_interpreters`.
pub static INTERPRETERS: ModuleDef = ModuleDef {
    name: "_interpreters",
    doc: "This module provides primitive operations to manage Python interpreters.\nThe 'interpreters' module provides a more convenient interface.",
    functions: &[
        MethodDef::new(
            "create(config='isolated', *, reqrefs=False)",
            create,
            "Creates an interpreter; its ID.",
        ),
        MethodDef::new(
            "destroy(id, *, restrict=False)",
            destroy,
            "Ends an interpreter; not the current one.",
        ),
        MethodDef::new("list_all(*, require_ready=False)", list_all, "All interpreters, as (ID, whence)."),
        MethodDef::new(
            "get_current()",
            |vm, _| Ok(pair(vm, vm.interp().id)),
            "The current one: (ID, whence).",
        ),
        MethodDef::new("get_main()", |vm, _| Ok(pair(vm, 0)), "The main interpreter: (ID, whence)."),
        MethodDef::new(
            "whence(id)",
            |vm, args| Ok(vm.int(whence(resolve(vm, &args[0], None, "")?.id()))),
            "Where the interpreter was created.",
        ),
        MethodDef::new(
            "is_running(id, *, restrict=False)",
            |vm, args| {
                Ok(Object::bool(match resolve(vm, &args[0], Some(&args[1]), "check if running for")? {
                    Which::Main => true,
                    Which::Second(second) => second.is_running(),
                }))
            },
            "Does the interpreter run something?",
        ),
        MethodDef::new("incref(id, *, implieslink=False, restrict=False)", incref, ""),
        MethodDef::new("decref(id, *, restrict=False)", decref, ""),
        MethodDef::new(
            "exec(id, code, shared=<absent>, *, restrict=False)",
            |vm, args| {
                let which = resolve(vm, &args[0], Some(&args[3]), "exec code for")?;
                let shared = dict_argument(vm, "exec", 3, &args[2])?;
                run_script(vm, which, code::script(vm, &args[1])?, shared)
            },
            "Executes source, or the code of a function, in an interpreter's __main__.",
        ),
        MethodDef::new(
            "run_string(id, script, shared=<absent>, *, restrict=False)",
            |vm, args| {
                let which = resolve(vm, &args[0], Some(&args[3]), "run a string in")?;
                if args[1].downcast::<Str>().is_none() {
                    let got = args[1].ty().name();
                    return Err(vm.type_error(format!(
                        "_interpreters.run_string() argument 2 must be str, not {got}"
                    )));
                }
                let shared = dict_argument(vm, "run_string", 3, &args[2])?;
                run_script(vm, which, code::script(vm, &args[1])?, shared)
            },
            "Executes source in an interpreter's __main__.",
        ),
        MethodDef::new(
            "run_func(id, func, shared=<absent>, *, restrict=False)",
            |vm, args| {
                let which = resolve(vm, &args[0], Some(&args[3]), "run a function in")?;
                let func = &args[1];
                if func.downcast_exact::<Function>().is_none() && func.downcast_exact::<Code>().is_none() {
                    let got = func.ty().name();
                    return Err(vm.type_error(format!(
                        "_interpreters.run_func() argument 2 must be a function, not {got}"
                    )));
                }
                let shared = dict_argument(vm, "run_func", 3, &args[2])?;
                run_script(vm, which, code::script(vm, func)?, shared)
            },
            "Executes a function's code in an interpreter's __main__.",
        ),
        MethodDef::new(
            "call(id, callable, args=None, kwargs=None, *, preserve_exc=False, restrict=False)",
            call,
            "Calls something in an interpreter: (result, what was raised).",
        ),
        MethodDef::new(
            "set___main___attrs(id, ns, *, restrict=False)",
            set_main_attributes,
            "Sets globals of an interpreter's __main__.",
        ),
        MethodDef::new(
            "is_shareable(obj)",
            |vm, args| Ok(Object::bool(data::is_plain(vm, &args[0]))),
            "Could the object's data go to another interpreter without being pickled?",
        ),
        MethodDef::new("capture_exception(exc=None)", capture_exception, "A snapshot of an exception."),
        MethodDef::raw(
            "new_config(name='isolated', /, **overrides)",
            new_config,
            "Settings for an interpreter.",
        ),
        MethodDef::new(
            "get_config(id, *, restrict=False)",
            |vm, args| {
                let which = resolve(vm, &args[0], Some(&args[1]), "get the config of")?;
                Ok(config::object(
                    vm,
                    match which {
                        Which::Main => Isolation { gil: interpreters::GilKind::Own, ..Isolation::LEGACY },
                        Which::Second(second) => second.isolation,
                    },
                ))
            },
            "The settings that an interpreter was created with.",
        ),
    ],
    types: &[&BUFFER_VIEW],
    init: Some(|vm, module| {
        let names = ["UNKNOWN", "RUNTIME", "LEGACY_CAPI", "CAPI", "XI", "STDLIB"];
        for (value, which) in names.iter().enumerate() {
            vm.set_attr_str(module, &format!("WHENCE_{which}"), &vm.usize(value))?;
        }
        for (key, name) in ERRORS {
            vm.set_attr_str(module, name, &error_class(vm, key)?)?;
        }
        Ok(())
    }),
};

const ERROR: &str = "interpreters.InterpreterError";
const NOT_FOUND: &str = "interpreters.InterpreterNotFoundError";
const NOT_SHAREABLE: &str = "interpreters.NotShareableError";
const ERRORS: [(&str, &str); 3] = [
    (ERROR, "InterpreterError"),
    (NOT_FOUND, "InterpreterNotFoundError"),
    (NOT_SHAREABLE, "NotShareableError"),
];
/// Created with the process; created by this module.
const WHENCE_RUNTIME: i64 = 1;
const WHENCE_STDLIB: i64 = 5;

/// An exception class of the module, made if it is not there yet.
fn error_class(vm: &Vm, key: &'static str) -> Result {
    const MODULE: &str = "concurrent.interpreters";
    match key {
        NOT_FOUND => {
            let base = error_class(vm, ERROR)?;
            let base = Type::of(&base).unwrap_or(&exc::EXCEPTION);
            exception_class(vm, key, MODULE, "InterpreterNotFoundError", base, None)
        }
        NOT_SHAREABLE => exception_class(vm, key, MODULE, "NotShareableError", &exc::TYPE_ERROR, None),
        _ => exception_class(vm, ERROR, MODULE, "InterpreterError", &exc::EXCEPTION, None),
    }
}

/// Raises one of them. Data may go where nobody imported the module.
#[cold]
fn error(vm: &Vm, key: &'static str, words: impl AsRef<str>) -> Raised {
    match error_class(vm, key) {
        Ok(class) => vm.error(Type::of(&class).unwrap_or(&exc::EXCEPTION), words),
        Err(raised) => raised,
    }
}

// ---- which interpreter ------------------------------------------------------------------------

enum Which {
    Main,
    Second(Arc<Second>),
}

impl Which {
    fn id(&self) -> i64 {
        match self {
            Which::Main => 0,
            Which::Second(second) => second.id,
        }
    }
}

fn whence(id: i64) -> i64 {
    if id == 0 { WHENCE_RUNTIME } else { WHENCE_STDLIB }
}

fn pair(vm: &Vm, id: i64) -> Object {
    vm.tuple(vec![vm.int(id), vm.int(whence(id))])
}

/// The interpreter with the ID. `restrict`, if it is true: only one that this module made will do
/// to `purpose`.
fn resolve(vm: &Vm, id: &Object, restrict: Option<&Object>, purpose: &str) -> Result<Which> {
    if !vm.is_index(id) {
        return Err(vm.type_error(format!("interpreter ID must be an int, got {}", id.ty().name())));
    }
    let index = vm.index(id)?;
    if int::is_negative(&index) {
        let shown = vm.repr_text(id)?;
        return Err(vm.value_error(format!("interpreter ID must be a non-negative int, got {shown}")));
    }
    let Some(number) = int::to_i64(&index) else { return Err(vm.overflow_error("int too big to convert")) };
    if number == 0 {
        if let Some(restrict) = restrict
            && vm.is_true(restrict)?
        {
            return Err(error(vm, ERROR, format!("cannot {purpose} unrecognized interpreter 0")));
        }
        return Ok(Which::Main);
    }
    interpreters::find(number)
        .map(Which::Second)
        .ok_or_else(|| error(vm, NOT_FOUND, format!("unrecognized interpreter ID {number}")))
}

/// Marks `__main__` as running until it is dropped.
struct Running(Arc<Second>);

impl Running {
    fn begin(vm: &Vm, which: Which) -> Result<Running> {
        match which {
            Which::Second(second) if second.begin_running() => Ok(Running(second)),
            _ => Err(error(vm, ERROR, "interpreter already running")),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.end_running()
    }
}

// ---- their lives ------------------------------------------------------------------------------

fn create(vm: &Vm, args: &[Object]) -> Result {
    let settings = config::given(vm, &args[0])?;
    let linked = vm.is_true(&args[1])?;
    if !config::is_possible(&settings) {
        interpreters::next_id();
        return Err(error(vm, ERROR, "interpreter creation failed"));
    }
    match interpreters::create(vm, settings) {
        Ok(second) => {
            second.linked.store(linked, Ordering::Relaxed);
            Ok(vm.int(second.id))
        }
        Err(why) => {
            let raised = vm.runtime_error(why);
            let cause = vm.caught(raised);
            Err(vm.chain_cause(error(vm, ERROR, "interpreter creation failed"), cause))
        }
    }
}

fn destroy(vm: &Vm, args: &[Object]) -> Result {
    let which = resolve(vm, &args[0], Some(&args[1]), "destroy")?;
    if which.id() == vm.interp().id {
        return Err(error(vm, ERROR, "cannot destroy the current interpreter"));
    }
    match which {
        Which::Second(second) if second.begin_running() => {
            end(vm, &second);
            Ok(Object::NONE)
        }
        _ => Err(error(vm, ERROR, "interpreter running")),
    }
}

/// Nothing runs in it, and nothing will.
fn end(vm: &Vm, second: &Second) {
    interpreters::destroy(vm, second);
    queues::forget_interpreter(second.id);
}

fn list_all(vm: &Vm, _args: &[Object]) -> Result {
    let ids = std::iter::once(0).chain(interpreters::list().into_iter().map(|second| second.id));
    Ok(vm.list(ids.map(|id| pair(vm, id)).collect()))
}

fn incref(vm: &Vm, args: &[Object]) -> Result {
    if let Which::Second(second) = resolve(vm, &args[0], Some(&args[2]), "incref")? {
        if vm.is_true(&args[1])? {
            second.linked.store(true, Ordering::Relaxed);
        }
        second.references.fetch_add(1, Ordering::Relaxed);
    }
    Ok(Object::NONE)
}

fn decref(vm: &Vm, args: &[Object]) -> Result {
    if let Which::Second(second) = resolve(vm, &args[0], Some(&args[1]), "decref")? {
        let last = second.references.fetch_sub(1, Ordering::Relaxed) <= 1;
        let current = second.id == vm.interp().id;
        if last && second.linked.load(Ordering::Relaxed) && !current && second.begin_running() {
            end(vm, &second);
        }
    }
    Ok(Object::NONE)
}

// ---- running something in them ----------------------------------------------------------------

/// Argument `n` of a function: a dict, if there is one.
fn dict_argument<'a>(vm: &Vm, function: &str, n: usize, given: &'a Object) -> Result<Option<&'a Object>> {
    let Some(given) = given.bound() else { return Ok(None) };
    match given.downcast::<Dict>() {
        Some(_) => Ok(Some(given)),
        None => Err(vm.type_error(format!(
            "_interpreters.{function}() argument {n} must be dict, not {}",
            shown_type(given)
        ))),
    }
}

type Names = Vec<(String, Data)>;

/// The items of a dict of names.
fn export_names(vm: &Vm, dict: Option<&Object>) -> Result<Names> {
    let items = dict.and_then(|dict| dict.downcast::<Dict>()).map(Dict::items).unwrap_or_default();
    let one = |(key, value): (Object, Object)| {
        if key.downcast::<Str>().is_none() {
            return Err(vm.type_error("bad argument type for built-in operation"));
        }
        taipan_runtime::codecs::utf8::encode(vm, &key, "strict")?;
        Ok((vm.str_lossy(&key), export(vm, &value, Fallback::Refuse)?))
    };
    items.into_iter().map(one).collect()
}

fn bind_names(vm: &Vm, globals: &Object, names: Names) -> Result<()> {
    for (name, value) in names {
        let value = import(vm, value)?;
        vm.set_item(globals, &vm.intern(&name), &value)?;
    }
    Ok(())
}

/// The exception on its way, without objects.
fn caught(vm: &Vm, raised: Raised) -> Failure {
    let exception = vm.caught(raised);
    Failure::of(vm, &exception)
}

/// Enters the interpreter; `work` comes back with plain data.
fn within<R: Send>(vm: &Vm, second: &Second, work: impl FnOnce(&Vm) -> R) -> Result<R> {
    second.enter(vm, work).ok_or_else(|| vm.memory_error())
}

/// Runs `script` in `__main__`: None, or what was raised.
fn run_script(vm: &Vm, which: Which, script: Vec<u8>, shared: Option<&Object>) -> Result {
    let names = export_names(vm, shared)?;
    let running = Running::begin(vm, which)?;
    let outcome = within(vm, &running.0, |vm| {
        let run = || -> Result<()> {
            let globals = module::dict_of(&main_module(vm)?);
            bind_names(vm, &globals, names)?;
            let code = code::load(vm, &script)?;
            taipan_runtime::interp::run_code(vm, &code, &globals, &globals).map(drop)
        };
        run().map_err(|raised| caught(vm, raised))
    })?;
    drop(running);
    Ok(outcome.map_or_else(|failure| failure.object(vm), |()| Object::NONE))
}

fn set_main_attributes(vm: &Vm, args: &[Object]) -> Result {
    let which = resolve(vm, &args[0], Some(&args[2]), "update __main__ for")?;
    let Some(names) = args[1].downcast::<Dict>() else {
        return Err(vm.type_error(format!(
            "_interpreters.set___main___attrs() argument 2 must be dict, not {}",
            shown_type(&args[1])
        )));
    };
    if names.is_empty() {
        return Err(vm.value_error("arg 2 must be a non-empty dict"));
    }
    let names = export_names(vm, Some(&args[1]))?;
    let running = Running::begin(vm, which)?;
    let outcome = within(vm, &running.0, |vm| {
        let bind = || bind_names(vm, &module::dict_of(&main_module(vm)?), names);
        bind().map_err(|raised| caught(vm, raised))
    })?;
    match outcome {
        Ok(()) => Ok(Object::NONE),
        Err(failure) => Err(not_shared(vm, "namespace not shareable", &failure)),
    }
}

/// How a call in another interpreter ended.
enum Outcome {
    Result(Data),
    Raised(Failure),
    /// Something could not be brought over; what, and why.
    NotShared(&'static str, Failure),
}

fn not_shared(vm: &Vm, words: &str, failure: &Failure) -> Raised {
    let raised = vm.error(&exc::EXCEPTION, failure.summary());
    let cause = vm.caught(raised);
    data::not_shareable(vm, words, Some(cause))
}

fn call(vm: &Vm, args: &[Object]) -> Result {
    let which = resolve(vm, &args[0], Some(&args[5]), "make a call in")?;
    if !vm.is_callable(&args[1]) {
        return Err(vm.type_error(format!("expected a callable, got {}", vm.repr_text(&args[1])?)));
    }
    if !args[2].is_none() && args[2].downcast::<Tuple>().is_none() {
        let got = args[2].ty().name();
        return Err(vm.type_error(format!("_interpreters.call() argument 3 must be tuple, not {got}")));
    }
    let kwargs = if args[3].is_none() { None } else { dict_argument(vm, "call", 4, &args[3])? };
    let given = |object: &Object| export(vm, object, Fallback::Pickle);
    let function = data::export_callable(vm, &args[1])?;
    let positional: Vec<Object> = args[2].downcast::<Tuple>().map(|t| t.items().to_vec()).unwrap_or_default();
    let positional: Vec<Data> = positional.iter().map(given).collect::<Result<_>>()?;
    let keywords = kwargs.and_then(|dict| dict.downcast::<Dict>()).map(Dict::items).unwrap_or_default();
    let mut keyword = Vec::with_capacity(keywords.len());
    for (key, value) in &keywords {
        if key.downcast::<Str>().is_none() {
            return Err(vm.type_error("keywords must be strings"));
        }
        keyword.push((vm.str_lossy(key), given(value)?));
    }
    let running = Running::begin(vm, which)?;
    let outcome = within(vm, &running.0, |vm| call_here(vm, function, positional, keyword))?;
    drop(running);
    match outcome {
        Outcome::Result(data) => Ok(vm.tuple(vec![import(vm, data)?, Object::NONE])),
        Outcome::Raised(failure) => Ok(vm.tuple(vec![Object::NONE, failure.object(vm)])),
        Outcome::NotShared(words, failure) => Err(not_shared(vm, words, &failure)),
    }
}

fn call_here(vm: &Vm, function: Data, positional: Vec<Data>, keyword: Names) -> Outcome {
    let function = match import(vm, function) {
        Ok(function) => function,
        Err(raised) => return Outcome::NotShared("func not shareable", caught(vm, raised)),
    };
    let names: Vec<Object> = keyword.iter().map(|(name, _)| vm.intern(name)).collect();
    let values = positional.into_iter().chain(keyword.into_iter().map(|(_, value)| value));
    let arguments: Vec<Object> = match values.map(|value| import(vm, value)).collect() {
        Ok(arguments) => arguments,
        Err(raised) => return Outcome::NotShared("args not shareable", caught(vm, raised)),
    };
    match vm.call_kw(&function, &arguments, &names) {
        Ok(result) => match export(vm, &result, Fallback::Pickle) {
            Ok(data) => Outcome::Result(data),
            Err(raised) => {
                Outcome::NotShared("object does not support cross-interpreter data", caught(vm, raised))
            }
        },
        Err(raised) => Outcome::Raised(caught(vm, raised)),
    }
}

// ---- exceptions and settings ------------------------------------------------------------------

fn capture_exception(vm: &Vm, args: &[Object]) -> Result {
    let exception = args[0].clone();
    if exception.is_none() {
        // That on its way, of which there is none while this runs.
        return Ok(Object::NONE);
    }
    if !exception.is_instance_of(&exc::BASE_EXCEPTION) {
        return Err(vm.type_error(format!("expected exception, got {}", vm.repr_text(&exception)?)));
    }
    Ok(Failure::of(vm, &exception).object(vm))
}

fn new_config(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let positional = args.len() - kwnames.len();
    let settings = match &args[..positional] {
        [] => Isolation::ISOLATED,
        [name] if name.downcast::<Str>().is_some() => config::named(vm, name)?,
        [other] => {
            let got = other.ty().name();
            return Err(
                vm.type_error(format!("_interpreters.new_config() argument 1 must be str, not {got}"))
            );
        }
        more => {
            return Err(
                vm.type_error(format!("new_config() takes at most 1 argument ({} given)", more.len()))
            );
        }
    };
    let mut settings = settings;
    let overrides = vm.new_dict();
    for (name, value) in kwnames.iter().zip(&args[positional..]) {
        vm.set_item(&overrides, name, value)?;
    }
    config::update(vm, &mut settings, &overrides)?;
    Ok(config::object(vm, settings))
}
