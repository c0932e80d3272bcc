//! `_sqlite3`: connections ([`connection`]), cursors, rows, blobs, and the
//! registry of adapters and converters ([`adapt`]).
//!
//! Nobody waits for a connection's mutex with the GIL held: who has the mutex may
//! be waiting for the GIL, for a callback. Short calls are made under [`hold`].
//!
//! Whatever may wait (stepping, compiling, closing, backups) runs without the
//! GIL; callbacks take it for as long as they run.

mod adapt;
mod blob;
mod callbacks;
mod codes;
mod connection;
mod cursor;
mod errors;
mod hooks;
mod row;
mod statement;
mod transaction;

use std::ffi::CString;
use std::sync::atomic::Ordering;
use taipan_runtime::codecs::utf8;
use taipan_runtime::prelude::*;
use taipan_runtime::support::bad_argument;
use taipan_sqlite::{Database, Hold};

/// Values of `autocommit`.
const LEGACY: i32 = -1;
const PARSE_DECLTYPES: i64 = 1;
const PARSE_COLNAMES: i64 = 2;

/// The module.
pub static SQLITE: ModuleDef = ModuleDef {
    name: "_sqlite3",
    doc: "",
    functions: &[
        MethodDef::new(
            "adapt(obj, proto=PrepareProtocolType, alt=<unrepresentable>, /)",
            adapt::adapt_function,
            "The object as a protocol wants it; alt if nobody can do that.",
        ),
        MethodDef::new(
            "complete_statement(statement)",
            complete_statement,
            "Does the text hold whole statements only?",
        ),
        MethodDef::raw(
            "connect(database, timeout=5.0, detect_types=0, isolation_level='', check_same_thread=True, factory=ConnectionType, cached_statements=128, uri=False, *, autocommit=sqlite3.LEGACY_TRANSACTION_CONTROL)",
            connection::connect,
            "Opens the database in a file.\n\nThe name \":memory:\" stands for a new database in memory.",
        ),
        MethodDef::new(
            "enable_callback_tracebacks(enable, /)",
            |vm, args| {
                let on = vm.to_plain_c_int(&args[0])? != 0;
                callbacks::TRACEBACKS.store(on, Ordering::Relaxed);
                Ok(Object::NONE)
            },
            "Shows (or ignores) what callbacks raise.",
        ),
        MethodDef::new(
            "register_adapter(type, adapter, /)",
            adapt::register_adapter,
            "Registers who makes a value for SQLite of objects of a type.",
        ),
        MethodDef::new(
            "register_converter(typename, converter, /)",
            adapt::register_converter,
            "Registers who makes an object of values of a declared type.",
        ),
    ],
    types: &[
        &connection::CONNECTION,
        &cursor::CURSOR,
        &row::ROW,
        &blob::BLOB,
        &adapt::PREPARE_PROTOCOL,
        &statement::STATEMENT,
    ],
    init: Some(init),
};

fn init(vm: &Vm, module: &Object) -> Result<()> {
    vm.delete_attr(module, &vm.intern(statement::STATEMENT.name()))?;
    vm.set_attr_str(module, "__doc__", &Object::NONE)?;
    errors::init(vm, module)?;
    vm.set_attr_str(module, "adapters", &adapt::adapters(vm))?;
    vm.set_attr_str(module, "converters", &adapt::converters(vm))?;
    for (name, value) in codes::RESULTS.iter().chain(codes::OTHERS) {
        vm.set_attr_str(module, name, &vm.int(*value as i64))?;
    }
    vm.set_attr_str(module, "PARSE_DECLTYPES", &vm.int(PARSE_DECLTYPES))?;
    vm.set_attr_str(module, "PARSE_COLNAMES", &vm.int(PARSE_COLNAMES))?;
    vm.set_attr_str(module, "LEGACY_TRANSACTION_CONTROL", &vm.int(LEGACY as i64))?;
    vm.set_attr_str(module, "sqlite_version", &vm.str(taipan_sqlite::version()))?;
    // The levels of the DB API for what the library calls 0, 1 and 2.
    let safety = match taipan_sqlite::threadsafe() {
        0 => 0,
        1 => 3,
        _ => 1,
    };
    vm.set_attr_str(module, "threadsafety", &vm.int(safety))
}

/// The connection's mutex, for short calls with the GIL held.
fn hold<'a>(vm: &Vm, database: &'a Database) -> Hold<'a> {
    database.try_hold().unwrap_or_else(|| vm.without_gil(|| database.hold()))
}

/// A short call.
fn quick<R>(vm: &Vm, database: &Database, call: impl FnOnce(&Database) -> R) -> R {
    let _held = hold(vm, database);
    call(database)
}

fn complete_statement(vm: &Vm, args: &[Object]) -> Result {
    let text = c_text(vm, &args[0], "complete_statement", "argument 'statement'")?;
    Ok(Object::bool(taipan_sqlite::complete(&text)))
}

/// A str argument as a C string.
fn c_text(vm: &Vm, object: &Object, function: &str, which: &str) -> Result<CString> {
    if object.downcast::<Str>().is_none() {
        return Err(bad_argument(vm, function, which, "str", object));
    }
    CString::new(utf8::encode(vm, object, "strict")?).map_err(|_| vm.value_error("embedded null character"))
}

/// An int that fits SQLite's, or OverflowError.
fn integer(vm: &Vm, object: &Object) -> Result<i64> {
    let index = vm.index(object)?;
    taipan_runtime::types::int::to_i64(&index)
        .ok_or_else(|| vm.overflow_error("Python int too large to convert to SQLite INTEGER"))
}

/// Text of the library's, which should be UTF-8.
fn text(vm: &Vm, bytes: &[u8]) -> Result {
    utf8::decode(vm, bytes, "strict", true).map(|decoded| decoded.0)
}
