//! Beginning and ending of transactions: the older way, where isolation levels
//! say when one begins by itself, and `autocommit`.

use super::connection::Connection;
use super::{LEGACY, errors};
use std::ffi::CString;
use std::rc::Rc;
use taipan_runtime::prelude::*;
use taipan_runtime::support::this;
use taipan_sqlite::{Database, Statement, constants as c};

/// The levels that `isolation_level` can have.
const LEVELS: [&str; 4] = ["", "DEFERRED", "IMMEDIATE", "EXCLUSIVE"];

/// Runs a statement without parameters or rows.
pub fn run(vm: &Vm, database: &Rc<Database>, sql: &str) -> Result<()> {
    let Ok(sql) = CString::new(sql) else { return Err(vm.value_error("embedded null character")) };
    let code = vm.without_gil(|| match Statement::prepare(database, &sql) {
        Ok((statement, _)) => {
            statement.step();
            statement.reset()
        }
        Err(code) => code,
    });
    if code == c::SQLITE_OK { Ok(()) } else { Err(errors::failed(vm, database, code)) }
}

/// The level that a str names.
pub fn level_of(vm: &Vm, object: &Object) -> Result<&'static str> {
    let Some(text) = object.downcast::<Str>() else {
        return Err(vm.type_error("isolation_level must be str or None"));
    };
    let text = text.to_utf8().unwrap_or_default();
    let level = LEVELS.into_iter().find(|level| level.eq_ignore_ascii_case(&text));
    level.ok_or_else(|| {
        vm.value_error("isolation_level string must be '', 'DEFERRED', 'IMMEDIATE', or 'EXCLUSIVE'")
    })
}

/// The value of `autocommit` that an object stands for.
pub fn autocommit_of(vm: &Vm, object: &Object) -> Result<i32> {
    if object.is_bool() {
        return Ok(object.is(Value::from_bool(true)) as i32);
    }
    if taipan_runtime::types::int::to_i64(object) == Some(LEGACY as i64) {
        return Ok(LEGACY);
    }
    Err(vm.value_error("autocommit must be True, False, or sqlite3.LEGACY_TRANSACTION_CONTROL"))
}

pub fn commit(vm: &Vm, connection: &Connection) -> Result<()> {
    let database = connection.database(vm)?;
    match connection.autocommit.get() {
        LEGACY if !super::quick(vm, &database, Database::autocommit) => run(vm, &database, "COMMIT"),
        0 => {
            run(vm, &database, "COMMIT")?;
            run(vm, &database, "BEGIN")
        }
        _ => Ok(()),
    }
}

pub fn rollback(vm: &Vm, connection: &Connection) -> Result<()> {
    let database = connection.database(vm)?;
    match connection.autocommit.get() {
        LEGACY if !super::quick(vm, &database, Database::autocommit) => run(vm, &database, "ROLLBACK"),
        0 => {
            run(vm, &database, "ROLLBACK")?;
            run(vm, &database, "BEGIN")
        }
        _ => Ok(()),
    }
}

pub fn get_isolation_level(vm: &Vm, object: &Object) -> Result {
    let connection = this::<Connection>(object);
    connection.open_database(vm)?;
    Ok(connection.isolation_level.get().map_or(Object::NONE, |level| vm.str(level)))
}

pub fn set_isolation_level(vm: &Vm, object: &Object, value: Option<&Object>) -> Result<()> {
    let connection = this::<Connection>(object);
    let Some(value) = value else {
        return Err(vm.error(&exc::ATTRIBUTE_ERROR, "cannot delete attribute"));
    };
    if value.is_none() {
        connection.isolation_level.set(None);
        // Nothing would end an open transaction any more.
        return commit(vm, connection);
    }
    connection.isolation_level.set(Some(level_of(vm, value)?));
    Ok(())
}

pub fn get_autocommit(vm: &Vm, object: &Object) -> Result {
    let connection = this::<Connection>(object);
    connection.database(vm)?;
    Ok(match connection.autocommit.get() {
        0 => Object::FALSE,
        1 => Object::TRUE,
        other => vm.int(other as i64),
    })
}

pub fn set_autocommit(vm: &Vm, object: &Object, value: Option<&Object>) -> Result<()> {
    let connection = this::<Connection>(object);
    let Some(value) = value else {
        return Err(vm.error(&exc::ATTRIBUTE_ERROR, "cannot delete autocommit attribute"));
    };
    let database = connection.database(vm)?;
    let autocommit = autocommit_of(vm, value)?;
    match autocommit {
        1 if !super::quick(vm, &database, Database::autocommit) => run(vm, &database, "COMMIT")?,
        0 if super::quick(vm, &database, Database::autocommit) => run(vm, &database, "BEGIN")?,
        _ => {}
    }
    connection.autocommit.set(autocommit);
    Ok(())
}

/// `Connection.__exit__`.
pub fn exit(vm: &Vm, args: &[Object]) -> Result {
    let connection = this::<Connection>(&args[0]);
    if connection.autocommit.get() == 1 {
        return Ok(Object::FALSE);
    }
    if args[1..4].iter().all(|part| part.is_none()) {
        if let Err(raised) = commit(vm, connection) {
            // A failed commit leaves the transaction open.
            let exception = vm.caught(raised);
            return match rollback(vm, connection) {
                Ok(()) => Err(vm.raise(exception)),
                Err(raised) => {
                    let second = vm.caught(raised);
                    taipan_runtime::types::exceptions::set_context(&second, exception);
                    Err(vm.raise(second))
                }
            };
        }
    } else {
        rollback(vm, connection)?;
    }
    Ok(Object::FALSE)
}
