//! `_csv`: rows of text fields and back. [`dialect`] holds the rules,
//! [`reader`] a state machine over lines, [`writer`] the quoting.
//!
//! The registry of dialects is the dict `_csv._dialects`.

mod dialect;
mod reader;
mod writer;

use dialect::DIALECT;
use reader::READER;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{exception_class, raise_kept};
use taipan_runtime::types::int;
use writer::WRITER;

/// The module.
pub static CSV: ModuleDef = ModuleDef {
    name: "_csv",
    doc: "CSV parsing and writing.\n",
    functions: &[
        MethodDef {
            hide_signature: false,
            ..MethodDef::raw(
                "reader(iterable, /, dialect='excel', **fmtparams)",
                reader::reader,
                "Return a reader object that will process lines from the given iterable.\n\nThe \"iterable\" argument can be any object that returns a line\nof input for each iteration, such as a file object or a list.  The\noptional \"dialect\" argument defines a CSV dialect.  The function\nalso accepts optional keyword arguments which override settings\nprovided by the dialect.\n\nThe returned object is an iterator.  Each iteration returns a row\nof the CSV file (which can span multiple input lines).\n",
            )
        },
        MethodDef {
            hide_signature: false,
            ..MethodDef::raw(
                "writer(fileobj, /, dialect='excel', **fmtparams)",
                writer::writer,
                "Return a writer object that will write user data on the given file object.\n\nThe \"fileobj\" argument can be any object that supports the file API.\nThe optional \"dialect\" argument defines a CSV dialect.  The function\nalso accepts optional keyword arguments which override settings\nprovided by the dialect.\n",
            )
        },
        MethodDef::new("list_dialects()", list_dialects, "Return a list of all known dialect names."),
        MethodDef {
            hide_signature: false,
            ..MethodDef::raw(
                "register_dialect(name, /, dialect='excel', **fmtparams)",
                register_dialect,
                "Create a mapping from a string name to a CVS dialect.\n\nThe optional \"dialect\" argument specifies the base dialect instance\nor the name of the registered dialect.  The function also accepts\noptional keyword arguments which override settings provided by the\ndialect.\n",
            )
        },
        MethodDef::new(
            "unregister_dialect(name)",
            unregister_dialect,
            "Delete the name/dialect mapping associated with a string name.",
        ),
        MethodDef::new(
            "get_dialect(name)",
            |vm, args| registered(vm, &args[0]),
            "Return the dialect instance associated with name.",
        ),
        MethodDef::new(
            "field_size_limit(new_limit=<unrepresentable>)",
            field_size_limit,
            "Sets an upper limit on parsed fields.\n\nReturns old limit. If limit is not given, no new limit is set and\nthe old limit is returned",
        ),
    ],
    types: &[&DIALECT, &READER, &WRITER],
    init: Some(init),
};

const ERROR: &str = "_csv.Error";
const DIALECTS: &str = "_csv._dialects";
const LIMIT: &str = "_csv.field_size_limit";

/// Characters of a field, if nothing else is said.
const DEFAULT_LIMIT: i64 = 128 * 1024;

fn init(vm: &Vm, module: &Object) -> Result<()> {
    let error = exception_class(vm, ERROR, "_csv", "Error", &exc::EXCEPTION, None)?;
    vm.set_attr_str(module, "Error", &error)?;
    vm.set_attr_str(module, "Reader", &READER.to_object())?;
    vm.set_attr_str(module, "Writer", &WRITER.to_object())?;
    let dialects = vm.new_dict();
    vm.set_attr_str(module, "_dialects", &dialects)?;
    vm.share(DIALECTS, dialects);
    vm.share(LIMIT, vm.int(DEFAULT_LIMIT));
    let styles =
        ["QUOTE_MINIMAL", "QUOTE_ALL", "QUOTE_NONNUMERIC", "QUOTE_NONE", "QUOTE_STRINGS", "QUOTE_NOTNULL"];
    for (value, name) in styles.iter().enumerate() {
        vm.set_attr_str(module, name, &vm.usize(value))?;
    }
    Ok(())
}

/// Raises `_csv.Error`.
#[cold]
fn error(vm: &Vm, message: impl AsRef<str>) -> Raised {
    raise_kept(vm, ERROR, message)
}

fn dialects(vm: &Vm) -> Result {
    vm.shared(DIALECTS).ok_or_else(|| vm.runtime_error("module _csv is not initialised"))
}

/// The dialect registered under a name.
fn registered(vm: &Vm, name: &Object) -> Result {
    let found = vm.get_item(&dialects(vm)?, name);
    vm.swallow(found, &exc::KEY_ERROR)?.ok_or_else(|| error(vm, "unknown dialect"))
}

fn list_dialects(vm: &Vm, _args: &[Object]) -> Result {
    Ok(vm.list(vm.collect(&dialects(vm)?)?))
}

fn register_dialect(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let (name, rest) = dialect::split_arguments(vm, "register_dialect", args, kwnames)?;
    if name.downcast::<Str>().is_none() {
        return Err(vm.type_error("dialect name must be a string"));
    }
    let made = dialect::make(vm, &DIALECT, rest, kwnames)?;
    vm.set_item(&dialects(vm)?, name, &made)?;
    Ok(Object::NONE)
}

fn unregister_dialect(vm: &Vm, args: &[Object]) -> Result {
    let removed = vm.delete_item(&dialects(vm)?, &args[0]);
    match vm.swallow(removed, &exc::KEY_ERROR)? {
        Some(()) => Ok(Object::NONE),
        None => Err(error(vm, "unknown dialect")),
    }
}

/// The most characters that a field may have.
fn field_limit(vm: &Vm) -> i64 {
    vm.shared(LIMIT).as_ref().and_then(int::to_i64).unwrap_or(DEFAULT_LIMIT)
}

fn field_size_limit(vm: &Vm, args: &[Object]) -> Result {
    let old = field_limit(vm);
    if let Some(limit) = args[0].bound() {
        if !int::is_exact(limit) {
            return Err(vm.type_error("limit must be an integer"));
        }
        let limit = vm.index_isize(limit)?;
        vm.share(LIMIT, vm.int(limit as i64));
    }
    Ok(vm.int(old))
}
