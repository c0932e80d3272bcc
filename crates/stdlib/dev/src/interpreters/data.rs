//! What goes from one interpreter to another: plain data, and the way there and back. Objects of other
//! types are pickled, functions without state go as their code.

use super::{NOT_SHAREABLE, code};
use taipan_runtime::interpreters::{Lent, SCRIPTS};
use taipan_runtime::prelude::*;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::float::FLOAT;
use taipan_runtime::types::function::{self, Function};
use taipan_runtime::types::memoryview::MemoryView;
use taipan_runtime::types::{int, module, str};

/// An object on its way.
pub enum Data {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Latin1(Vec<u8>),
    Text(Vec<u32>),
    Bytes(Vec<u8>),
    Tuple(Vec<Data>),
    /// The memory behind a memoryview, which both sides use.
    Memory(Lent),
    /// A queue, by its number.
    Queue(i64),
    Pickle {
        bytes: Vec<u8>,
        /// The script whose functions and classes it may name.
        script: Option<String>,
    },
    /// The marshalled code of a function.
    Function(Vec<u8>),
}

/// What happens to objects that are not plain data.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fallback {
    Refuse,
    Pickle,
}

/// Tuples in tuples beyond this are an error; taking them apart recurses.
const MAX_DEPTH: usize = 400;

/// Could the object go without being pickled? Items of tuples are not looked at.
pub fn is_plain(vm: &Vm, object: &Object) -> bool {
    object.is_none()
        || object.is_bool()
        || int::is_exact(object)
        || object.ty().is(&FLOAT)
        || object.downcast_exact::<Str>().is_some()
        || object.downcast_exact::<Bytes>().is_some()
        || object.downcast_exact::<Tuple>().is_some()
        || object.downcast_exact::<MemoryView>().is_some()
        || super::queues::number_of(vm, object).is_some()
}

/// NotShareableError, with the error that came before as its cause.
#[cold]
pub fn not_shareable(vm: &Vm, words: &str, cause: Option<Object>) -> Raised {
    let raised = super::error(vm, NOT_SHAREABLE, words);
    match cause {
        Some(cause) => vm.chain_cause(raised, cause),
        None => raised,
    }
}

/// Takes the object apart.
pub fn export(vm: &Vm, object: &Object, fallback: Fallback) -> Result<Data> {
    export_at(vm, object, fallback, 0)
}

fn export_at(vm: &Vm, object: &Object, fallback: Fallback, depth: usize) -> Result<Data> {
    let refused = |vm: &Vm, cause| {
        let shown = vm.repr_text(object)?;
        Err(not_shareable(vm, &format!("{shown} does not support cross-interpreter data"), cause))
    };
    if object.is_none() {
        return Ok(Data::None);
    }
    if object.is_bool() {
        return Ok(Data::Bool(object.is(Object::TRUE.value())));
    }
    if int::is_exact(object) {
        if let Some(n) = int::to_i64(object) {
            return Ok(Data::Int(n));
        }
        if fallback == Fallback::Pickle {
            return pickle(vm, object);
        }
        let raised = vm.overflow_error("try sending as bytes");
        let cause = vm.caught(raised);
        return refused(vm, Some(cause));
    }
    if object.ty().is(&FLOAT) {
        return Ok(Data::Float(vm.to_f64(object)?));
    }
    if let Some(s) = object.downcast_exact::<Str>() {
        return Ok(match s.kind() {
            str::Kind::Latin1(bytes) => Data::Latin1(bytes.to_vec()),
            _ => Data::Text(s.to_code_points()),
        });
    }
    if let Some(bytes) = object.downcast_exact::<Bytes>() {
        return Ok(Data::Bytes(bytes.as_slice().to_vec()));
    }
    if let Some(tuple) = object.downcast_exact::<Tuple>() {
        if depth == MAX_DEPTH {
            return Err(vm.recursion_error("maximum recursion depth exceeded while sharing a tuple"));
        }
        let items: Vec<Object> = tuple.items().to_vec();
        let mut out = Vec::with_capacity(items.len());
        for item in &items {
            match export_at(vm, item, fallback, depth + 1) {
                Ok(data) => out.push(data),
                Err(raised) if vm.raised_is(&exc::TYPE_ERROR) => {
                    let cause = vm.caught(raised);
                    return refused(vm, Some(cause));
                }
                Err(raised) => return Err(raised),
            }
        }
        return Ok(Data::Tuple(out));
    }
    if object.downcast_exact::<MemoryView>().is_some() {
        return Ok(Data::Memory(Lent::of(vm, object)?));
    }
    if let Some(number) = super::queues::number_of(vm, object) {
        return Ok(Data::Queue(number));
    }
    if fallback == Fallback::Pickle {
        let tried = match object.downcast_exact::<Function>() {
            Some(f) => export_function(vm, object, f).map_err(|why| drop(vm.caught(why))),
            None => pickle(vm, object).map_err(|raised| drop(vm.caught(raised))),
        };
        if let Ok(data) = tried {
            return Ok(data);
        }
    }
    refused(vm, None)
}

/// What is to be called elsewhere.
pub fn export_callable(vm: &Vm, object: &Object) -> Result<Data> {
    let Some(f) = object.downcast_exact::<Function>() else { return export(vm, object, Fallback::Pickle) };
    export_function(vm, object, f).map_err(|why| {
        let why = vm.caught(why);
        not_shareable(vm, "only stateless functions are shareable", Some(why))
    })
}

/// A function's code, if that is all there is to it; else its name. The error is that about the code.
fn export_function(vm: &Vm, object: &Object, f: &Function) -> Result<Data> {
    let Err(raised) = code::check_stateless(vm, f) else {
        return code::dump(vm, &f.code_object()).map(Data::Function);
    };
    let why = vm.caught(raised);
    pickle(vm, object).map_err(|raised| {
        drop(vm.caught(raised));
        vm.raise(why)
    })
}

fn pickle(vm: &Vm, object: &Object) -> Result<Data> {
    let module = vm.import_module("pickle")?;
    let bytes = vm.call_method(&module, "dumps", &[object.clone()])?;
    let bytes = taipan_runtime::buffer::to_vec(vm, &bytes)?;
    let main = main_module(vm)?;
    let script = vm.lookup_attr_str(&main, "__file__")?;
    let script = script.filter(|file| file.downcast::<Str>().is_some()).map(|file| vm.str_lossy(&file));
    Ok(Data::Pickle { bytes, script })
}

/// The module `__main__`.
pub fn main_module(vm: &Vm) -> Result {
    vm.get_item(&vm.interp().modules.clone(), &vm.intern("__main__"))
}

/// Puts the object together, in whatever interpreter this is.
pub fn import(vm: &Vm, data: Data) -> Result {
    Ok(match data {
        Data::None => Object::NONE,
        Data::Bool(b) => Object::bool(b),
        Data::Int(n) => vm.int(n),
        Data::Float(x) => vm.float(x),
        Data::Latin1(bytes) => str::from_latin1(vm, &bytes),
        Data::Text(chars) => str::from_code_points(vm, &chars),
        Data::Bytes(bytes) => vm.bytes(&bytes),
        Data::Tuple(items) => {
            let items: Result<Vec<Object>> = items.into_iter().map(|item| import(vm, item)).collect();
            vm.tuple(items?)
        }
        Data::Memory(lent) => lent.view(vm)?,
        Data::Queue(number) => super::queues::object_of(vm, number)?,
        Data::Pickle { bytes, script } => unpickle(vm, &bytes, script.as_deref())?,
        Data::Function(bytes) => {
            let code = code::load(vm, &bytes)?;
            function::new(vm, code, module::dict_of(&main_module(vm)?))
        }
    })
}

/// Functions and classes of the script are looked for in `__main__`, and if they are not there, in
/// what the script makes when it runs under another name.
fn unpickle(vm: &Vm, bytes: &[u8], script: Option<&str>) -> Result {
    let module = vm.import_module("pickle")?;
    let bytes = vm.bytes(bytes);
    let load = || vm.call_method(&module, "loads", std::slice::from_ref(&bytes));
    let failed = |raised| {
        let cause = vm.caught(raised);
        Err(not_shareable(vm, "object could not be unpickled", Some(cause)))
    };
    let raised = match (load(), script) {
        (Ok(object), _) => return Ok(object),
        (Err(raised), Some(script)) if vm.raised_is(&exc::ATTRIBUTE_ERROR) => {
            drop(vm.caught(raised));
            script_module(vm, script).and_then(|stand_in| {
                let modules = vm.interp().modules.clone();
                let key = vm.intern("__main__");
                let main = main_module(vm)?;
                vm.set_item(&modules, &key, &stand_in)?;
                let result = load();
                let raised = vm.take_raised();
                vm.set_item(&modules, &key, &main)?;
                vm.restore_raised(raised);
                result
            })
        }
        (result, _) => result,
    };
    raised.or_else(failed)
}

/// The script, run once in this interpreter under a name that is not `__main__`.
fn script_module(vm: &Vm, script: &str) -> Result {
    const NAME: &str = "<fake __main__>";
    let known = vm.shared(SCRIPTS).unwrap_or_else(|| {
        let made = vm.new_dict();
        vm.share(SCRIPTS, made.clone());
        made
    });
    let path = vm.str(script);
    if let Some(found) = known.downcast::<Dict>().and_then(|d| d.get_str(&path)) {
        return Ok(Object::borrow_value(&found).clone());
    }
    let runpy = vm.import_module("runpy")?;
    let run = vm.get_attr_str(&runpy, "run_path")?;
    let globals = vm.call_kw(&run, &[path.clone(), vm.str(NAME)], &[vm.intern("run_name")])?;
    let made = module::new(vm, NAME);
    vm.call_method(&module::dict_of(&made), "update", &[globals])?;
    vm.set_item(&known, &path, &made)?;
    Ok(made)
}
