//! The exceptions of the DB API, and the library's failures as exceptions.

use super::codes;
use taipan_runtime::codecs::utf8;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{exception_class, raise_kept};
use taipan_runtime::types::exceptions;
use taipan_sqlite::{Code, Database, constants as c};

/// Keys of the exception classes.
pub const WARNING: &str = "sqlite3.Warning";
pub const ERROR: &str = "sqlite3.Error";
pub const INTERFACE: &str = "sqlite3.InterfaceError";
pub const DATABASE: &str = "sqlite3.DatabaseError";
pub const INTERNAL: &str = "sqlite3.InternalError";
pub const OPERATIONAL: &str = "sqlite3.OperationalError";
pub const PROGRAMMING: &str = "sqlite3.ProgrammingError";
pub const INTEGRITY: &str = "sqlite3.IntegrityError";
pub const DATA: &str = "sqlite3.DataError";
pub const NOT_SUPPORTED: &str = "sqlite3.NotSupportedError";

/// Every class with its base's key.
const CLASSES: &[(&str, &str)] = &[
    (WARNING, ""),
    (ERROR, ""),
    (INTERFACE, ERROR),
    (DATABASE, ERROR),
    (INTERNAL, DATABASE),
    (OPERATIONAL, DATABASE),
    (PROGRAMMING, DATABASE),
    (INTEGRITY, DATABASE),
    (DATA, DATABASE),
    (NOT_SUPPORTED, DATABASE),
];

/// Makes the classes.
pub fn init(vm: &Vm, module: &Object) -> Result<()> {
    for (key, base) in CLASSES {
        let name = key.trim_start_matches("sqlite3.");
        let base = vm.shared(base);
        let base = base.as_ref().and_then(Type::of).unwrap_or(&exc::EXCEPTION);
        let class = exception_class(vm, key, "sqlite3", name, base, None)?;
        vm.set_attr_str(module, name, &class)?;
    }
    Ok(())
}

/// The class kept under a key.
pub fn class(vm: &Vm, key: &str) -> Result {
    vm.shared(key).ok_or_else(|| vm.system_error("_sqlite3 is not initialised"))
}

/// ProgrammingError.
#[cold]
pub fn programming(vm: &Vm, message: impl AsRef<str>) -> Raised {
    raise_kept(vm, PROGRAMMING, message)
}
/// OperationalError.
#[cold]
pub fn operational(vm: &Vm, message: impl AsRef<str>) -> Raised {
    raise_kept(vm, OPERATIONAL, message)
}
/// DataError.
#[cold]
pub fn data(vm: &Vm, message: impl AsRef<str>) -> Raised {
    raise_kept(vm, DATA, message)
}

/// The class for a result code; None: MemoryError.
fn key_of(code: Code) -> Option<&'static str> {
    Some(match code & 0xff {
        c::SQLITE_NOMEM => return None,
        c::SQLITE_INTERNAL | c::SQLITE_NOTFOUND => INTERNAL,
        c::SQLITE_ERROR
        | c::SQLITE_PERM
        | c::SQLITE_ABORT
        | c::SQLITE_BUSY
        | c::SQLITE_LOCKED
        | c::SQLITE_READONLY
        | c::SQLITE_INTERRUPT
        | c::SQLITE_IOERR
        | c::SQLITE_FULL
        | c::SQLITE_CANTOPEN
        | c::SQLITE_PROTOCOL
        | c::SQLITE_EMPTY
        | c::SQLITE_SCHEMA => OPERATIONAL,
        c::SQLITE_TOOBIG => DATA,
        c::SQLITE_CONSTRAINT | c::SQLITE_MISMATCH => INTEGRITY,
        c::SQLITE_MISUSE | c::SQLITE_RANGE => INTERFACE,
        _ => DATABASE,
    })
}

/// A failure of the library with its message.
#[cold]
pub fn failure(vm: &Vm, code: Code, extended: Code, message: &[u8]) -> Raised {
    let Some(key) = key_of(code) else { return vm.memory_error() };
    let build = || -> Result {
        let message = utf8::decode(vm, message, "replace", true)?.0;
        let exception = vm.call(&class(vm, key)?, &[message])?;
        exceptions::set_attr_quietly(vm, &exception, "sqlite_errorcode", vm.int(extended as i64));
        exceptions::set_attr_quietly(vm, &exception, "sqlite_errorname", vm.str(codes::name(extended)));
        Ok(exception)
    };
    match build() {
        Ok(exception) => vm.raise_in_context(exception),
        Err(raised) => raised,
    }
}

/// The last failure of a connection, if there was one.
pub fn check(vm: &Vm, database: &Database) -> Result<()> {
    let (code, extended, message) =
        vm.without_gil(|| (database.error(), database.extended_error(), database.message()));
    if matches!(code, c::SQLITE_OK | c::SQLITE_ROW | c::SQLITE_DONE) {
        return Ok(());
    }
    Err(failure(vm, code, extended, &message))
}

/// A call has failed with this code.
#[cold]
pub fn failed(vm: &Vm, database: &Database, code: Code) -> Raised {
    match check(vm, database) {
        Err(raised) => raised,
        Ok(()) => failure(vm, code, code, taipan_sqlite::error_text(code).as_bytes()),
    }
}
