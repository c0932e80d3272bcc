//! `Cursor`: executes statements and fetches rows.

use super::connection::{CONNECTION, Connection, set_factory};
use super::statement::{Prepared, bind_parameters, checked_text, prepare};
use super::{LEGACY, PARSE_COLNAMES, PARSE_DECLTYPES, adapt, errors, transaction};
use std::cell::{Cell, RefCell};
use std::ffi::CString;
use std::rc::Rc;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, bad_argument, check_arity, no_keywords, this};
use taipan_runtime::types::bytearray;
use taipan_runtime::types::bytes::{self, BYTES};
use taipan_runtime::types::cell::ObjectCell;
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::str::STR;
use taipan_sqlite::{Column, Database, constants as c};

/// Payload of `Cursor`.
pub struct Cursor {
    connection: ObjectCell,
    pub description: ObjectCell,
    last_row: ObjectCell,
    row_count: Cell<i64>,
    array_size: Cell<u32>,
    pub row_factory: ObjectCell,
    /// The statement that has rows to fetch.
    statement: RefCell<Option<Rc<Prepared>>>,
    /// The converters of the columns, None where there is none.
    converters: RefCell<Rc<[Object]>>,
    initialized: Cell<bool>,
    closed: Cell<bool>,
    /// The cursor is at work.
    locked: Cell<bool>,
}

impl NativeClass for Cursor {
    fn class() -> &'static Type {
        &CURSOR
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.connection.traverse(visitor);
        self.description.traverse(visitor);
        self.last_row.traverse(visitor);
        self.row_factory.traverse(visitor);
        for converter in self.converters.borrow().iter() {
            visitor.visit(converter.value());
        }
    }
    fn clear(&self) {
        self.connection.clear();
        self.description.clear();
        self.last_row.clear();
        self.row_factory.clear();
        drop(self.converters.replace(Rc::new([])));
    }
}

impl Drop for Cursor {
    fn drop(&mut self) {
        // The cache may keep the statement, but must not keep it busy.
        if let Some(prepared) = self.statement.take() {
            Vm::with_gil(|vm| {
                let held = super::hold(vm, prepared.statement.database());
                prepared.statement.reset();
                drop(held);
            });
        }
    }
}

pub static CURSOR: Type = Type::new::<Cursor>(
    "sqlite3.Cursor",
    &OBJECT,
    type_flags::BASE | type_flags::HAVE_GC | type_flags::WEAKREFABLE,
    Slots {
        new: Some(new),
        init: Some(init),
        next: Some(next),
        ..Slots::EMPTY.iter(|_, cursor| Ok(cursor.clone()))
    },
    &[
        MethodDef::new("close($self, /)", close, "Closes the cursor."),
        MethodDef::new(
            "executemany($self, sql, seq_of_parameters, /)",
            |vm, args| execute(vm, &args[0], &args[1], Some(&args[2]), true),
            "Executes a statement once for each item of an iterable.",
        ),
        MethodDef::new(
            "executescript($self, sql_script, /)",
            execute_script,
            "Executes the statements of a text.",
        ),
        MethodDef::new(
            "execute($self, sql, parameters=<unrepresentable>, /)",
            |vm, args| execute(vm, &args[0], &args[1], args[2].bound(), false),
            "Executes a statement.",
        ),
        MethodDef::new(
            "fetchall($self, /)",
            |vm, args| fetch(vm, &args[0], usize::MAX),
            "All rows that are left.",
        ),
        MethodDef::new(
            "fetchmany($self, /, size=<unrepresentable>)",
            |vm, args| {
                let size = match args[1].bound() {
                    Some(size) => array_size(vm, size)?,
                    None => this::<Cursor>(&args[0]).array_size.get(),
                };
                fetch(vm, &args[0], size as usize)
            },
            "The next rows.\n\n  size\n    How many; the cursor's arraysize if it is not given.",
        ),
        MethodDef::new(
            "fetchone($self, /)",
            |vm, args| Ok(next(vm, &args[0])?.unwrap_or(Object::NONE)),
            "The next row; None if there is none.",
        ),
        MethodDef::new(
            "setinputsizes($self, sizes, /)",
            |_, _| Ok(Object::NONE),
            "Does nothing; the DB API wants it.",
        ),
        MethodDef::new(
            "setoutputsize($self, size, column=None, /)",
            |_, _| Ok(Object::NONE),
            "Does nothing; the DB API wants it.",
        ),
    ],
    &[
        GetSetDef::member("connection", |_, object| Ok(this::<Cursor>(object).connection.or_none())),
        GetSetDef::member("description", |_, object| Ok(this::<Cursor>(object).description.or_none())),
        GetSetDef::member("lastrowid", |_, object| Ok(this::<Cursor>(object).last_row.or_none())),
        GetSetDef::member("rowcount", |vm, object| Ok(vm.int(this::<Cursor>(object).row_count.get()))),
        GetSetDef::new("arraysize", |vm, object| Ok(vm.int(this::<Cursor>(object).array_size.get() as i64)))
            .with_set(|vm, object, value| {
                let Some(value) = value else {
                    return Err(vm.error(&exc::ATTRIBUTE_ERROR, "'arraysize' cannot be deleted"));
                };
                this::<Cursor>(object).array_size.set(array_size(vm, value)?);
                Ok(())
            }),
        GetSetDef::new("row_factory", |_, object| Ok(this::<Cursor>(object).row_factory.or_none())).with_set(
            |vm, object, value| set_factory(vm, &this::<Cursor>(object).row_factory, value, "row_factory"),
        ),
    ],
)
.with_doc("SQLite database cursor class.");

/// A number of rows.
fn array_size(vm: &Vm, object: &Object) -> Result<u32> {
    let index = vm.index(object)?;
    if taipan_runtime::types::int::is_negative(&index) {
        return Err(vm.value_error("Cannot convert negative int"));
    }
    taipan_runtime::types::int::to_u64(&index)
        .and_then(|n| u32::try_from(n).ok())
        .ok_or_else(|| vm.overflow_error("Python int too large to convert to C uint32_t"))
}

fn new(vm: &Vm, class: &Type, _: &[Object], _: &[Object]) -> Result {
    allocate(
        vm,
        class,
        Cursor {
            connection: ObjectCell::EMPTY,
            description: ObjectCell::EMPTY,
            last_row: ObjectCell::EMPTY,
            row_count: Cell::new(-1),
            array_size: Cell::new(1),
            row_factory: ObjectCell::EMPTY,
            statement: RefCell::new(None),
            converters: RefCell::new(Rc::new([])),
            initialized: Cell::new(false),
            closed: Cell::new(false),
            locked: Cell::new(false),
        },
    )
}

fn init(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    let args = no_keywords(vm, object.ty(), &CURSOR, args, kwnames)?;
    check_arity(vm, "Cursor", args.len(), 1, 1)?;
    let Some(connection) = args[0].downcast::<Connection>() else {
        return Err(bad_argument(vm, "Cursor", "argument 1", CONNECTION.full_name(), &args[0]));
    };
    let cursor = this::<Cursor>(object);
    cursor.check_lock(vm)?;
    cursor.connection.set(args[0].clone());
    cursor.drop_statement(vm);
    drop(cursor.converters.replace(Rc::new([])));
    cursor.description.set(Object::NONE);
    cursor.last_row.set(Object::NONE);
    cursor.row_factory.set(Object::NONE);
    cursor.array_size.set(1);
    cursor.row_count.set(-1);
    cursor.closed.set(false);
    connection.check_thread(vm)?;
    cursor.initialized.set(true);
    Ok(())
}

/// Unlocks the cursor at the end of its work.
struct Lock<'a>(&'a Cursor);

impl Drop for Lock<'_> {
    fn drop(&mut self) {
        self.0.locked.set(false);
    }
}

impl Cursor {
    fn check_lock(&self, vm: &Vm) -> Result<()> {
        if self.locked.get() {
            return Err(errors::programming(vm, "Recursive use of cursors not allowed."));
        }
        Ok(())
    }
    /// The connection and its database, if the cursor may be used.
    fn check(&self, vm: &Vm) -> Result<(Object, Rc<Database>)> {
        if !self.initialized.get() {
            return Err(errors::programming(vm, "Base Cursor.__init__ not called."));
        }
        if self.closed.get() {
            return Err(errors::programming(vm, "Cannot operate on a closed cursor."));
        }
        let connection = self.connection.get();
        let Some(payload) = connection.downcast::<Connection>() else {
            return Err(errors::programming(vm, "Base Cursor.__init__ not called."));
        };
        let database = payload.database(vm)?;
        self.check_lock(vm)?;
        Ok((connection, database))
    }
    fn lock(&self) -> Lock<'_> {
        self.locked.set(true);
        Lock(self)
    }
    /// Resets the statement and lets go of it.
    fn drop_statement(&self, vm: &Vm) {
        if let Some(prepared) = self.statement.take() {
            finish(vm, prepared);
        }
    }
}

/// Resets a statement that is not needed any more.
fn finish(vm: &Vm, prepared: Rc<Prepared>) {
    vm.without_gil(|| {
        prepared.statement.reset();
        drop(prepared);
    });
}

/// Resets a statement that has come to its end, or was not begun.
fn rewind(vm: &Vm, prepared: &Prepared) {
    let _held = super::hold(vm, prepared.statement.database());
    prepared.statement.reset();
}

fn close(vm: &Vm, args: &[Object]) -> Result {
    let cursor = this::<Cursor>(&args[0]);
    cursor.check_lock(vm)?;
    let connection = cursor.connection.get();
    let Some(payload) = connection.downcast::<Connection>() else {
        return Err(errors::programming(vm, "Base Cursor.__init__ not called."));
    };
    if !cursor.initialized.get() {
        return Err(errors::programming(vm, "Base Cursor.__init__ not called."));
    }
    payload.database(vm)?;
    cursor.drop_statement(vm);
    cursor.closed.set(true);
    Ok(Object::NONE)
}

// ---- executing -------------------------------------------------------------------------

fn execute(vm: &Vm, object: &Object, sql: &Object, parameters: Option<&Object>, many: bool) -> Result {
    if sql.downcast::<Str>().is_none() {
        let name = if many { "executemany" } else { "execute" };
        return Err(bad_argument(vm, name, "argument 1", "str", sql));
    }
    let cursor = this::<Cursor>(object);
    let (connection, database) = cursor.check(vm)?;
    let lock = cursor.lock();
    let outcome = run(vm, cursor, this(&connection), &database, sql, parameters, many);
    drop(lock);
    match outcome {
        Ok(()) => {
            let idle = cursor.statement.borrow().as_ref().is_some_and(|p| !p.statement.is_busy());
            if idle {
                cursor.statement.take();
            }
            Ok(object.clone())
        }
        Err(raised) => {
            let exception = vm.caught(raised);
            cursor.drop_statement(vm);
            cursor.row_count.set(-1);
            Err(vm.raise(exception))
        }
    }
}

fn run(
    vm: &Vm,
    cursor: &Cursor,
    connection: &Connection,
    database: &Rc<Database>,
    sql: &Object,
    parameters: Option<&Object>,
    many: bool,
) -> Result<()> {
    let iterator = match (many, parameters) {
        (true, Some(parameters)) => Some(vm.iter(parameters)?),
        _ => None,
    };
    cursor.drop_statement(vm);
    cursor.description.set(Object::NONE);
    let mut prepared = connection.prepared(vm, database, sql)?;
    if many && prepared.statement.is_readonly() {
        return Err(errors::programming(vm, "executemany() can only execute DML statements."));
    }
    if prepared.statement.is_busy() {
        // Another cursor is fetching its rows.
        prepared = Rc::new(prepare(vm, database, sql)?);
    }
    rewind(vm, &prepared);
    *cursor.statement.borrow_mut() = Some(prepared.clone());
    cursor.row_count.set(if prepared.changes_data { 0 } else { -1 });
    if connection.autocommit.get() == LEGACY
        && prepared.changes_data
        && super::quick(vm, &database, Database::autocommit)
        && let Some(level) = connection.isolation_level.get()
    {
        transaction::run(vm, database, &format!("BEGIN {level}"))?;
    }
    let mut single = Some(match parameters {
        Some(parameters) if !many => parameters.clone(),
        _ => vm.tuple(Vec::new()),
    });
    loop {
        let parameters = match &iterator {
            Some(iterator) => vm.next(iterator)?,
            None => single.take(),
        };
        let Some(parameters) = parameters else { break };
        bind_parameters(vm, &prepared, &parameters)?;
        let code = vm.without_gil(|| prepared.statement.step());
        if code != c::SQLITE_ROW && code != c::SQLITE_DONE {
            if prepared.statement.is_empty() {
                break;
            }
            return Err(errors::failed(vm, database, code));
        }
        find_converters(vm, cursor, connection, &prepared)?;
        describe(vm, cursor, connection, &prepared)?;
        if code == c::SQLITE_DONE {
            if prepared.changes_data {
                cursor.row_count.set(cursor.row_count.get().saturating_add(super::quick(
                    vm,
                    &database,
                    Database::changes,
                )));
            }
            rewind(vm, &prepared);
        } else if many {
            // Rows of all but the last one are lost.
            let code = run_to_end(vm, &prepared);
            if code != c::SQLITE_DONE {
                return Err(errors::failed(vm, database, code));
            }
            if prepared.changes_data {
                cursor.row_count.set(cursor.row_count.get().saturating_add(super::quick(
                    vm,
                    &database,
                    Database::changes,
                )));
            }
            rewind(vm, &prepared);
        }
    }
    if !many {
        cursor.last_row.set(vm.int(super::quick(vm, &database, Database::last_insert_rowid)));
    }
    Ok(())
}

/// Steps a statement until it has no more rows.
fn run_to_end(vm: &Vm, prepared: &Prepared) -> i32 {
    vm.without_gil(|| {
        loop {
            let code = prepared.statement.step();
            if code != c::SQLITE_ROW {
                return code;
            }
        }
    })
}

fn column_name(vm: &Vm, prepared: &Prepared, column: i32) -> Option<Vec<u8>> {
    let _held = super::hold(vm, prepared.statement.database());
    prepared.statement.column_name(column)
}

fn column_type(vm: &Vm, prepared: &Prepared, column: i32) -> Option<Vec<u8>> {
    let _held = super::hold(vm, prepared.statement.database());
    prepared.statement.column_decltype(column)
}

/// Sets `description`, if there are columns and it is not there yet.
fn describe(vm: &Vm, cursor: &Cursor, connection: &Connection, prepared: &Prepared) -> Result<()> {
    let count = prepared.statement.column_count();
    if count == 0 || !cursor.description.value().is_none() {
        return Ok(());
    }
    let mut columns = Vec::new();
    for i in 0..count {
        let Some(mut name) = column_name(vm, prepared, i) else { return Err(vm.memory_error()) };
        if connection.detect_types.get() & PARSE_COLNAMES != 0
            && let Some(mut end) = name.iter().position(|&b| b == b'[')
        {
            if end > 0 && name.get(end - 1) == Some(&b' ') {
                end -= 1;
            }
            name.truncate(end);
        }
        let mut column = vec![super::text(vm, &name)?];
        column.resize(7, Object::NONE);
        columns.push(vm.tuple(column));
    }
    cursor.description.set(vm.tuple(columns));
    Ok(())
}

/// The converter of a name.
fn converter(vm: &Vm, name: &[u8]) -> Result<Option<Object>> {
    let name = vm.call_method(&super::text(vm, name)?, "upper", &[])?;
    adapt::look_up(vm, &adapt::converters(vm), &name)
}

fn find_converters(vm: &Vm, cursor: &Cursor, connection: &Connection, prepared: &Prepared) -> Result<()> {
    let detect = connection.detect_types.get();
    if detect == 0 {
        return Ok(());
    }
    let find = || -> Result<Vec<Object>> {
        let mut converters = Vec::new();
        for i in 0..prepared.statement.column_count() {
            let mut found = None;
            if detect & PARSE_COLNAMES != 0
                && let Some(name) = column_name(vm, prepared, i)
                && let Some(start) = name.iter().position(|&b| b == b'[')
                && let Some(len) = name[start + 1..].iter().position(|&b| b == b']')
            {
                found = converter(vm, &name[start + 1..start + 1 + len])?;
            }
            if found.is_none()
                && detect & PARSE_DECLTYPES != 0
                && let Some(declared) = column_type(vm, prepared, i)
            {
                let end = declared.iter().position(|b| b" (".contains(b)).unwrap_or(declared.len());
                found = converter(vm, &declared[..end])?;
            }
            converters.push(found.unwrap_or(Object::NONE));
        }
        Ok(converters)
    };
    match find() {
        Ok(converters) => {
            drop(cursor.converters.replace(converters.into()));
            Ok(())
        }
        Err(raised) => {
            let cause = vm.caught(raised);
            let new = errors::operational(vm, "Error while building row_cast_map");
            Err(vm.chain_cause(new, cause))
        }
    }
}

fn execute_script(vm: &Vm, args: &[Object]) -> Result {
    if args[1].downcast::<Str>().is_none() {
        let shown = if args[1].is_none() { "None" } else { args[1].ty().name() };
        return Err(vm.type_error(format!("executescript() argument must be str, not {shown}")));
    }
    let cursor = this::<Cursor>(&args[0]);
    let utf8 = taipan_runtime::codecs::utf8::encode(vm, &args[1], "strict")?;
    if utf8.contains(&0) {
        return Err(vm.value_error("embedded null character"));
    }
    let (connection, database) = cursor.check(vm)?;
    let mut rest = checked_text(vm, &database, &args[1])?;
    if this::<Connection>(&connection).autocommit.get() == LEGACY
        && !super::quick(vm, &database, Database::autocommit)
    {
        transaction::run(vm, &database, "COMMIT")?;
    }
    while !rest.is_empty() {
        let Ok(text) = CString::new(rest) else {
            return Err(vm.value_error("embedded null character"));
        };
        let (code, next) = vm.without_gil(|| {
            let (statement, next) = match taipan_sqlite::Statement::prepare(&database, &text) {
                Ok((statement, rest)) => (statement, rest.to_vec()),
                Err(code) => return (code, Vec::new()),
            };
            loop {
                match statement.step() {
                    c::SQLITE_ROW => continue,
                    c::SQLITE_DONE | c::SQLITE_OK => return (c::SQLITE_OK, next),
                    code => {
                        statement.reset();
                        return (code, next);
                    }
                }
            }
        });
        if code != c::SQLITE_OK {
            return Err(errors::failed(vm, &database, code));
        }
        rest = next;
    }
    Ok(args[0].clone())
}

// ---- fetching --------------------------------------------------------------------------

/// A text that is no UTF-8.
#[cold]
fn bad_text(vm: &Vm, prepared: &Prepared, column: i32, text: &[u8]) -> Raised {
    let name = column_name(vm, prepared, column).unwrap_or_default();
    let ascii = |bytes: &[u8]| -> String {
        let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
        bytes[..end].iter().map(|&b| if b < 0x80 { b as char } else { '\u{fffd}' }).collect()
    };
    errors::operational(
        vm,
        format!("Could not decode to UTF-8 column '{}' with text '{}'", ascii(&name), ascii(text)),
    )
}

/// The present row as a tuple.
fn fetch_row(vm: &Vm, cursor: &Cursor, connection: &Connection, prepared: &Prepared) -> Result {
    let statement = &prepared.statement;
    let count = statement.data_count();
    let converters = cursor.converters.borrow().clone();
    let mut row = Vec::with_capacity(usize::try_from(count).unwrap_or(0));
    for i in 0..count {
        let converter = match usize::try_from(i).ok().and_then(|i| converters.get(i)) {
            Some(converter) if connection.detect_types.get() != 0 => converter.some(),
            _ => None,
        };
        if let Some(converter) = converter {
            let held = super::hold(vm, statement.database());
            let value = statement.with_column_bytes(i, |data| data.map(|data| bytes::new(vm, data)));
            drop(held);
            row.push(match value {
                Some(value) => vm.call(converter, &[value?])?,
                None => Object::NONE,
            });
            continue;
        }
        let factory = connection.text_factory.get();
        // Python code must not run while the value is looked at.
        let mut calls_factory = false;
        let held = super::hold(vm, statement.database());
        let value = statement.with_column(i, |column| match column {
            Column::Null => Ok(Ok(Object::NONE)),
            Column::Integer(n) => Ok(Ok(vm.int(n))),
            Column::Float(x) => Ok(Ok(vm.float(x))),
            Column::Blob(data) => Ok(bytes::new(vm, data)),
            Column::Text(text) if factory.is(STR.value()) => match std::str::from_utf8(text) {
                Ok(text) => Ok(Ok(vm.str(text))),
                Err(_) => Err(text.to_vec()),
            },
            Column::Text(text) if factory.is(bytearray::BYTEARRAY.value()) => {
                Ok(bytearray::from_slice(vm, text))
            }
            Column::Text(text) => {
                calls_factory = !factory.is(BYTES.value());
                Ok(bytes::new(vm, text))
            }
        });
        drop(held);
        let value = match value {
            Ok(value) => value?,
            Err(text) => return Err(bad_text(vm, prepared, i, &text)),
        };
        row.push(if calls_factory { vm.call(&factory, &[value])? } else { value });
    }
    Ok(vm.tuple(row))
}

fn next(vm: &Vm, object: &Object) -> Result<Option<Object>> {
    let cursor = this::<Cursor>(object);
    let (connection, database) = cursor.check(vm)?;
    let prepared = cursor.statement.borrow().clone();
    let Some(prepared) = prepared else { return Ok(None) };
    let lock = cursor.lock();
    let row = fetch_row(vm, cursor, this(&connection), &prepared)?;
    let code = vm.without_gil(|| prepared.statement.step());
    drop(lock);
    if code != c::SQLITE_ROW {
        if code == c::SQLITE_DONE {
            if prepared.changes_data {
                cursor.row_count.set(super::quick(vm, &database, Database::changes));
            }
            cursor.drop_statement(vm);
        } else {
            let raised = errors::failed(vm, &database, code);
            let exception = vm.caught(raised);
            cursor.drop_statement(vm);
            return Err(vm.raise(exception));
        }
    }
    match cursor.row_factory.get().some() {
        Some(factory) => vm.call(factory, &[object.clone(), row]).map(Some),
        None => Ok(Some(row)),
    }
}

fn fetch(vm: &Vm, object: &Object, most: usize) -> Result {
    let mut rows = Vec::new();
    while rows.len() < most {
        let Some(row) = next(vm, object)? else { break };
        rows.push(row);
    }
    Ok(vm.list(rows))
}
