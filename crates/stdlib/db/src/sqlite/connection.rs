//! `Connection`.

use super::cursor::{CURSOR, Cursor};
use super::statement::{Cache, Prepared, STATEMENT, Statement};
use super::{LEGACY, blob, c_text, errors, hooks, statement, transaction};
use std::cell::{Cell, RefCell};
use std::ffi::CString;
use std::rc::Rc;
use std::time::Duration;
use taipan_runtime::codecs::utf8;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, bad_argument, this};
use taipan_runtime::types::bytes::{self, Bytes};
use taipan_runtime::types::cell::ObjectCell;
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::{str, weakref};
use taipan_sqlite::{Backup, Database, constants as c};

/// Payload of `Connection`.
pub struct Connection {
    database: RefCell<Option<Rc<Database>>>,
    initialized: Cell<bool>,
    pub detect_types: Cell<i64>,
    /// None: no transaction begins by itself.
    pub isolation_level: Cell<Option<&'static str>>,
    /// 0, 1, or the older way.
    pub autocommit: Cell<i32>,
    check_thread: Cell<bool>,
    thread: Cell<u64>,
    pub row_factory: ObjectCell,
    pub text_factory: ObjectCell,
    cache: RefCell<Cache>,
    /// Weak references to the open blobs.
    blobs: RefCell<Vec<Object>>,
}

impl NativeClass for Connection {
    fn class() -> &'static Type {
        &CONNECTION
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.row_factory.traverse(visitor);
        self.text_factory.traverse(visitor);
        for blob in self.blobs.borrow().iter() {
            visitor.visit(blob.value());
        }
    }
    fn clear(&self) {
        self.row_factory.clear();
        self.text_factory.clear();
    }
}

const fn member(name: &'static str, get: fn(&Vm, &Object) -> Result) -> GetSetDef {
    GetSetDef::member(name, get)
}

pub static CONNECTION: Type = Type::new::<Connection>(
    "sqlite3.Connection",
    &OBJECT,
    type_flags::BASE | type_flags::HAVE_GC,
    Slots { new: Some(new), init: Some(init), call: Some(call), del: Some(finalize), ..Slots::EMPTY },
    &[
        MethodDef::new("backup($self, /, target, *, pages=-1, progress=None, name='main', sleep=0.25)", backup, "Copies the database into another one, page by page."),
        MethodDef::new("close($self, /)", |vm, args| {
            close(vm, this(&args[0]))?;
            Ok(Object::NONE)
        }, "Close the database connection.\n\nAn open transaction is not committed."),
        MethodDef::new("commit($self, /)", |vm, args| {
            transaction::commit(vm, this(&args[0]))?;
            Ok(Object::NONE)
        }, "Commits the open transaction, if there is one."),
        MethodDef::raw("create_aggregate($self, /, name, n_arg, aggregate_class)", hooks::create_aggregate, "Creates an aggregate of a class with step() and finalize()."),
        MethodDef::new("create_collation($self, name, callback, /)", hooks::create_collation, "Creates an order of texts."),
        MethodDef::raw("create_function($self, /, name, narg, func, *, deterministic=False)", hooks::create_function, "Creates a function."),
        MethodDef::raw("cursor($self, /, factory=<unrepresentable>)", |vm, args, kwnames| {
            static SIG: Sig = Sig::new("cursor($self, /, factory=<unrepresentable>)");
            let bound = SIG.bind(vm, args, kwnames)?;
            cursor(vm, &bound[0], bound[1].bound())
        }, "A new cursor."),
        MethodDef::new("enable_load_extension($self, enable, /)", |vm, args| {
            let database = this::<Connection>(&args[0]).database(vm)?;
            let on = vm.is_true(&args[1])?;
            vm.audit("sqlite3.enable_load_extension", &[args[0].clone(), Object::bool(on)])?;
            match vm.without_gil(|| database.enable_load_extension(on)) {
                c::SQLITE_OK => Ok(Object::NONE),
                _ => Err(errors::operational(vm, "Error enabling load extension")),
            }
        }, "Allows (or forbids) extensions to be loaded."),
        MethodDef::new("__enter__($self, /)", |vm, args| {
            this::<Connection>(&args[0]).open_database(vm)?;
            Ok(args[0].clone())
        }, "The connection itself."),
        MethodDef::new("executemany($self, sql, parameters, /)", |vm, args| delegate(vm, args, "executemany"), "Executes a statement once for each item of an iterable."),
        MethodDef::new("executescript($self, sql_script, /)", |vm, args| delegate(vm, args, "executescript"), "Executes the statements of a text."),
        MethodDef::new("execute($self, sql, parameters=<unrepresentable>, /)", |vm, args| delegate(vm, args, "execute"), "Executes a statement."),
        MethodDef::new("__exit__($self, type, value, traceback, /)", transaction::exit, "Commits; rolls back if there was an exception."),
        MethodDef::new("interrupt($self, /)", |vm, args| {
            this::<Connection>(&args[0]).open_database(vm)?.interrupt();
            Ok(Object::NONE)
        }, "Interrupts what the connection is doing."),
        MethodDef::new("iterdump($self, /, *, filter=None)", iterdump, "An iterator over the statements that make the database anew.\n\n  filter\n    A LIKE pattern of the names of what is wanted."),
        MethodDef::new("load_extension($self, name, /, *, entrypoint=None)", load_extension, "Loads an extension of SQLite."),
        MethodDef::new("rollback($self, /)", |vm, args| {
            transaction::rollback(vm, this(&args[0]))?;
            Ok(Object::NONE)
        }, "Undoes the open transaction, if there is one."),
        MethodDef::raw("set_authorizer($self, /, authorizer_callback)", hooks::set_authorizer, "Sets who is asked what statements may do."),
        MethodDef::raw("set_progress_handler($self, /, progress_handler, n)", hooks::set_progress_handler, "Sets what is called every n instructions; if it returns true, the statement is interrupted."),
        MethodDef::raw("set_trace_callback($self, /, trace_callback)", hooks::set_trace_callback, "Sets what is shown each statement."),
        MethodDef::new("setlimit($self, category, limit, /)", |vm, args| {
            limit(vm, &args[0], &args[1], vm.to_plain_c_int(&args[2])?)
        }, "Sets a limit (unless it is negative) and returns what it was."),
        MethodDef::new("getlimit($self, category, /)", |vm, args| limit(vm, &args[0], &args[1], -1), "What a limit is."),
        MethodDef::new("serialize($self, /, *, name='main')", serialize, "The database as bytes, which are those that its file would have."),
        MethodDef::new("deserialize($self, data, /, *, name='main')", deserialize, "Replaces a database by one in memory, of bytes that serialize() made."),
        MethodDef::new("create_window_function($self, name, num_params, aggregate_class, /)", hooks::create_window_function, "Creates a window function of a class with step(), inverse(), value() and finalize()."),
        MethodDef::new("blobopen($self, table, column, rowid, /, *, readonly=False, name='main')", blob::open, "Opens a value for reading and writing in place."),
        MethodDef::new("setconfig($self, op, enable=True, /)", |vm, args| {
            let database = this::<Connection>(&args[0]).database(vm)?;
            let option = option(vm, &args[1])?;
            let on = vm.is_true(&args[2])?;
            match vm.without_gil(|| database.set_config(option, on)) {
                Ok(now) if now == on => Ok(Object::NONE),
                Ok(_) => Err(errors::operational(vm, "Unable to set config")),
                Err(code) => Err(errors::failed(vm, &database, code)),
            }
        }, "Sets an option of the connection."),
        MethodDef::new("getconfig($self, op, /)", |vm, args| {
            let database = this::<Connection>(&args[0]).database(vm)?;
            let option = option(vm, &args[1])?;
            vm.without_gil(|| database.config(option)).map(Object::bool).map_err(|code| errors::failed(vm, &database, code))
        }, "Is an option of the connection on?"),
    ],
    &[
        member("Warning", |vm, _| errors::class(vm, errors::WARNING)),
        member("Error", |vm, _| errors::class(vm, errors::ERROR)),
        member("InterfaceError", |vm, _| errors::class(vm, errors::INTERFACE)),
        member("DatabaseError", |vm, _| errors::class(vm, errors::DATABASE)),
        member("DataError", |vm, _| errors::class(vm, errors::DATA)),
        member("OperationalError", |vm, _| errors::class(vm, errors::OPERATIONAL)),
        member("IntegrityError", |vm, _| errors::class(vm, errors::INTEGRITY)),
        member("InternalError", |vm, _| errors::class(vm, errors::INTERNAL)),
        member("ProgrammingError", |vm, _| errors::class(vm, errors::PROGRAMMING)),
        member("NotSupportedError", |vm, _| errors::class(vm, errors::NOT_SUPPORTED)),
        GetSetDef::new("isolation_level", transaction::get_isolation_level).with_set(transaction::set_isolation_level),
        GetSetDef::new("total_changes", |vm, object| {
            let database = this::<Connection>(object).open_database(vm)?;
            Ok(vm.int(super::quick(vm, &database, Database::total_changes)))
        }),
        GetSetDef::new("in_transaction", |vm, object| {
            let database = this::<Connection>(object).open_database(vm)?;
            Ok(Object::bool(!super::quick(vm, &database, Database::autocommit)))
        }),
        GetSetDef::new("autocommit", transaction::get_autocommit).with_set(transaction::set_autocommit),
        GetSetDef::new("__text_signature__", |vm, _| Ok(vm.str("(sql, /)"))),
        GetSetDef::new("row_factory", |_, object| Ok(this::<Connection>(object).row_factory.or_none())).with_set(
            |vm, object, value| set_factory(vm, &this::<Connection>(object).row_factory, value, "row_factory"),
        ),
        GetSetDef::new("text_factory", |_, object| Ok(this::<Connection>(object).text_factory.or_none())).with_set(
            |vm, object, value| set_factory(vm, &this::<Connection>(object).text_factory, value, "text_factory"),
        ),
    ],
)
.with_doc("SQLite database connection object.");

/// Sets a factory, which cannot be deleted.
pub fn set_factory(vm: &Vm, place: &ObjectCell, value: Option<&Object>, name: &str) -> Result<()> {
    let Some(value) = value else {
        return Err(vm.error(&exc::ATTRIBUTE_ERROR, format!("cannot delete {name} attribute")));
    };
    place.set(value.clone());
    Ok(())
}

impl Connection {
    /// The database, if the connection is open.
    pub fn open_database(&self, vm: &Vm) -> Result<Rc<Database>> {
        if !self.initialized.get() {
            return Err(errors::programming(vm, "Base Connection.__init__ not called."));
        }
        let database = self.database.borrow().clone();
        database.ok_or_else(|| errors::programming(vm, "Cannot operate on a closed database."))
    }
    /// As [`Connection::open_database`], if this thread may use it.
    pub fn database(&self, vm: &Vm) -> Result<Rc<Database>> {
        self.check_thread(vm)?;
        self.open_database(vm)
    }
    pub fn check_thread(&self, vm: &Vm) -> Result<()> {
        if self.initialized.get() && self.check_thread.get() && self.thread.get() != vm.thread_ident {
            return Err(errors::programming(
                vm,
                format!(
                    "SQLite objects created in a thread can only be used in that same thread. The object was created in thread id {} and this is thread id {}.",
                    self.thread.get(),
                    vm.thread_ident
                ),
            ));
        }
        Ok(())
    }
    /// The compiled statement of a text, from the cache if it is there.
    pub fn prepared(&self, vm: &Vm, database: &Rc<Database>, sql: &Object) -> Result<Rc<Prepared>> {
        let wtf8;
        let key = match sql.downcast::<Str>() {
            Some(s) => match s.as_ascii() {
                Some(ascii) => ascii.as_bytes(),
                None => {
                    wtf8 = s.to_wtf8();
                    &wtf8
                }
            },
            None => &[],
        };
        if let Some(found) = self.cache.borrow_mut().get(key) {
            return Ok(found);
        }
        let prepared = Rc::new(statement::prepare(vm, database, sql)?);
        let displaced = self.cache.borrow_mut().put(key, prepared.clone());
        vm.without_gil(|| drop(displaced));
        Ok(prepared)
    }
    /// Remembers a blob, to close it before the connection.
    pub fn remember_blob(&self, vm: &Vm, blob: &Object) -> Result<()> {
        let reference = weakref::new(vm, blob)?;
        let mut gone = Vec::new();
        let mut blobs = self.blobs.borrow_mut();
        let (alive, dead) = blobs.drain(..).partition(|blob| weakref::get(blob).is_some());
        *blobs = alive;
        gone.extend::<Vec<_>>(dead);
        blobs.push(reference);
        drop(blobs);
        drop(gone);
        Ok(())
    }
}

// ---- life -------------------------------------------------------------------------------

fn new(vm: &Vm, class: &Type, _: &[Object], _: &[Object]) -> Result {
    allocate(
        vm,
        class,
        Connection {
            database: RefCell::new(None),
            initialized: Cell::new(false),
            detect_types: Cell::new(0),
            isolation_level: Cell::new(Some("")),
            autocommit: Cell::new(LEGACY),
            check_thread: Cell::new(true),
            thread: Cell::new(0),
            row_factory: ObjectCell::new(Object::NONE),
            text_factory: ObjectCell::new(str::STR.to_object()),
            cache: RefCell::default(),
            blobs: RefCell::default(),
        },
    )
}

fn warn_positional(vm: &Vm, function: &str, positional: usize) -> Result<()> {
    if positional <= 1 {
        return Ok(());
    }
    vm.warn(
        &exc::DEPRECATION_WARNING,
        &format!("Passing more than 1 positional argument to {function}() is deprecated. Parameters 'timeout', 'detect_types', 'isolation_level', 'check_same_thread', 'factory', 'cached_statements' and 'uri' will become keyword-only parameters in Python 3.15."),
        1,
    )
}

/// `connect(...)`: calls the factory with all that it was given.
pub fn connect(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let positional = args.len() - kwnames.len();
    warn_positional(vm, "sqlite3.connect", positional)?;
    let named = kwnames.iter().position(|name| vm.str_lossy(name) == "factory");
    let factory = match named {
        Some(i) => args.get(positional + i),
        None => args[..positional].get(5),
    };
    let factory = factory.cloned().unwrap_or_else(|| CONNECTION.to_object());
    vm.call_kw(&factory, args, kwnames)
}

/// A path as the system has it.
fn path(vm: &Vm, object: &Object) -> Result<CString> {
    let path = if object.downcast::<Str>().is_some() || object.downcast::<Bytes>().is_some() {
        object.clone()
    } else {
        let os = vm.import_module("os")?;
        vm.call_method(&os, "fspath", std::slice::from_ref(object))?
    };
    let bytes = match path.downcast::<Bytes>() {
        Some(bytes) => bytes.as_slice().to_vec(),
        None => vm.fs_encode(&path)?,
    };
    CString::new(bytes).map_err(|_| vm.value_error("embedded null byte"))
}

/// May the library open this file? It does not ask, as the host's functions do.
fn check_path(vm: &Vm, name: &CString, uri: bool, shown: &Object) -> Result<()> {
    let whole = name.to_bytes();
    let file = match whole.strip_prefix(b"file:") {
        Some(rest) if uri => rest.split(|byte| b"?#".contains(byte)).next().unwrap_or(&[]),
        _ => whole,
    };
    if file.is_empty() || file == b":memory:" {
        return Ok(());
    }
    let file = CString::new(file).unwrap_or_default();
    let allowed = taipan_host::policy::check(taipan_host::Access::Write(&file));
    allowed.map_err(|error| vm.os_error(error.0, Some(shown)))
}

fn init(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    static SIG: Sig = Sig::new(
        "Connection(database, timeout=5.0, detect_types=0, isolation_level='', check_same_thread=True, factory=<type>, cached_statements=128, uri=False, *, autocommit=-1)",
    );
    let connection = this::<Connection>(object);
    warn_positional(vm, "_sqlite3.Connection", args.len() - kwnames.len())?;
    let bound = SIG.bind(vm, args, kwnames)?;
    let name = path(vm, &bound[0])?;
    let timeout = vm.to_f64(&bound[1])?;
    let detect_types = vm.to_plain_c_int(&bound[2])? as i64;
    let level = if bound[3].is_none() { None } else { Some(transaction::level_of(vm, &bound[3])?) };
    let check_thread = vm.is_true(&bound[4])?;
    let cached = vm.to_plain_c_int(&bound[6])?;
    let uri = vm.is_true(&bound[7])?;
    let autocommit = transaction::autocommit_of(vm, &bound[8])?;
    vm.audit("sqlite3.connect", std::slice::from_ref(&bound[0]))?;
    if connection.initialized.get() {
        // Whatever comes of it, the old connection is gone.
        connection.initialized.set(false);
        drop_database(vm, connection)?;
    }
    check_path(vm, &name, uri, &bound[0])?;
    let flags = c::SQLITE_OPEN_READWRITE | c::SQLITE_OPEN_CREATE | if uri { c::SQLITE_OPEN_URI } else { 0 };
    let timeout = (timeout * 1000.0) as i32;
    let database = match vm.without_gil(|| Database::open(&name, flags, timeout)) {
        Ok(database) => Rc::new(database),
        Err((code, message)) => return Err(errors::failure(vm, code, code, &message)),
    };
    *connection.database.borrow_mut() = Some(database.clone());
    *connection.cache.borrow_mut() = Cache::new(usize::try_from(cached).unwrap_or(0));
    connection.detect_types.set(detect_types);
    connection.isolation_level.set(level);
    connection.autocommit.set(autocommit);
    connection.check_thread.set(check_thread);
    connection.thread.set(vm.thread_ident);
    connection.row_factory.set(Object::NONE);
    connection.text_factory.set(str::STR.to_object());
    connection.initialized.set(true);
    vm.audit("sqlite3.connect/handle", std::slice::from_ref(object))?;
    if autocommit == 0 {
        transaction::run(vm, &database, "BEGIN")?;
    }
    Ok(())
}

/// Lets go of the database and all that belongs to it.
fn drop_database(vm: &Vm, connection: &Connection) -> Result<()> {
    let blobs = std::mem::take(&mut *connection.blobs.borrow_mut());
    for blob in &blobs {
        if let Some(blob) = weakref::get(blob) {
            blob::close(vm, &blob);
        }
    }
    let database = connection.database.borrow().clone();
    let mut outcome = Ok(());
    if let Some(database) = database
        && connection.autocommit.get() == 0
        && !super::quick(vm, &database, Database::autocommit)
    {
        outcome = transaction::run(vm, &database, "ROLLBACK");
    }
    let database = connection.database.take();
    let cache = connection.cache.take();
    vm.without_gil(|| {
        drop(cache);
        drop(database);
    });
    outcome
}

fn close(vm: &Vm, connection: &Connection) -> Result<()> {
    connection.check_thread(vm)?;
    if !connection.initialized.get() {
        return Err(errors::programming(vm, "Base Connection.__init__ not called."));
    }
    drop_database(vm, connection)
}

fn finalize(vm: &Vm, object: &Object) -> Result<()> {
    let connection = this::<Connection>(object);
    if connection.database.borrow().is_none() {
        return Ok(());
    }
    let shown = vm.repr_text(object)?;
    vm.warn_resource(object, &format!("unclosed database in {shown}"))?;
    drop_database(vm, connection)
}

// ---- statements ------------------------------------------------------------------------

/// `connection(sql)`: a statement, not executed.
fn call(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result {
    let connection = this::<Connection>(object);
    let database = connection.open_database(vm)?;
    if !kwnames.is_empty() {
        return Err(vm.type_error("Connection() takes no keyword arguments"));
    }
    let [sql] = args else {
        return Err(vm.type_error(format!("function takes exactly 1 argument ({} given)", args.len())));
    };
    if sql.downcast::<Str>().is_none() {
        let shown = if sql.is_none() { "None" } else { sql.ty().name() };
        return Err(vm.type_error(format!("argument 1 must be str, not {shown}")));
    }
    let prepared = Rc::new(statement::prepare(vm, &database, sql)?);
    allocate(vm, &STATEMENT, Statement { _prepared: prepared })
}

fn cursor(vm: &Vm, object: &Object, factory: Option<&Object>) -> Result {
    let connection = this::<Connection>(object);
    connection.database(vm)?;
    let class = CURSOR.to_object();
    let cursor = vm.call(factory.unwrap_or(&class), std::slice::from_ref(object))?;
    let Some(payload) = cursor.downcast::<Cursor>() else {
        let name = cursor.ty().name();
        return Err(vm.type_error(format!("factory must return a cursor, not {name}")));
    };
    let row_factory = connection.row_factory.or_none();
    if !row_factory.is_none() {
        payload.row_factory.set(row_factory);
    }
    Ok(cursor)
}

/// Has a new cursor do it.
fn delegate(vm: &Vm, args: &[Object], name: &str) -> Result {
    let cursor = vm.call_method(&args[0], "cursor", &[])?;
    let given: Vec<Object> = args[1..].iter().filter(|arg| arg.bound().is_some()).cloned().collect();
    vm.call_method(&cursor, name, &given)
}

fn iterdump(vm: &Vm, args: &[Object]) -> Result {
    this::<Connection>(&args[0]).open_database(vm)?;
    let dump = vm.import_module("sqlite3.dump")?;
    let Some(function) = vm.lookup_attr_str(&dump, "_iterdump")? else {
        return Err(errors::operational(vm, "Failed to obtain _iterdump() reference"));
    };
    vm.call_kw(&function, &[args[0].clone(), args[1].clone()], &[vm.intern("filter")])
}

// ---- the rest --------------------------------------------------------------------------

fn limit(vm: &Vm, object: &Object, category: &Object, value: i32) -> Result {
    let category = vm.to_plain_c_int(category)?;
    let database = this::<Connection>(object).database(vm)?;
    match vm.without_gil(|| database.limit(category, value)) {
        old if old >= 0 => Ok(vm.int(old as i64)),
        _ => Err(errors::programming(vm, "'category' is out of bounds")),
    }
}

/// An option that is on or off.
fn option(vm: &Vm, object: &Object) -> Result<i32> {
    let option = vm.to_plain_c_int(object)?;
    if (c::SQLITE_DBCONFIG_ENABLE_FKEY..=c::SQLITE_DBCONFIG_TRUSTED_SCHEMA).contains(&option) {
        return Ok(option);
    }
    Err(vm.value_error(format!("unknown config 'op': {option}")))
}

fn load_extension(vm: &Vm, args: &[Object]) -> Result {
    let database = this::<Connection>(&args[0]).database(vm)?;
    let name = c_text(vm, &args[1], "load_extension", "argument 1")?;
    let entry = match args[2].some() {
        Some(entry) => Some(c_text(vm, entry, "load_extension", "argument 'entrypoint'")?),
        None => None,
    };
    vm.audit("sqlite3.load_extension", &[args[0].clone(), args[1].clone()])?;
    if let Err(error) = taipan_host::policy::check(taipan_host::Access::Run(&name)) {
        return Err(vm.os_error(error.0, Some(&args[1])));
    }
    match vm.without_gil(|| database.load_extension(&name, entry.as_deref())) {
        Ok(()) => Ok(Object::NONE),
        Err(message) => Err(errors::operational(vm, String::from_utf8_lossy(&message))),
    }
}

fn serialize(vm: &Vm, args: &[Object]) -> Result {
    let database = this::<Connection>(&args[0]).database(vm)?;
    let name = c_text(vm, &args[1], "serialize", "argument 'name'")?;
    match vm.without_gil(|| database.serialize(&name)) {
        Some(data) => bytes::new(vm, &data),
        None => {
            let shown = name.to_string_lossy();
            Err(errors::operational(vm, format!("unable to serialize '{shown}'")))
        }
    }
}

fn deserialize(vm: &Vm, args: &[Object]) -> Result {
    let database = this::<Connection>(&args[0]).database(vm)?;
    let data = match args[1].downcast::<Str>() {
        Some(_) => utf8::encode(vm, &args[1], "strict")?,
        None => {
            let buffer = vm.bytes_like(&args[1], "data")?;
            let mut copy = Vec::new();
            copy.try_reserve_exact(buffer.len()).map_err(|_| vm.memory_error())?;
            copy.extend_from_slice(buffer.bytes());
            copy
        }
    };
    let name = c_text(vm, &args[2], "deserialize", "argument 'name'")?;
    match vm.without_gil(|| database.deserialize(&name, &data)) {
        Ok(()) => Ok(Object::NONE),
        Err(code) => Err(errors::failed(vm, &database, code)),
    }
}

fn backup(vm: &Vm, args: &[Object]) -> Result {
    let source = this::<Connection>(&args[0]).database(vm)?;
    let Some(target) = args[1].downcast::<Connection>() else {
        return Err(bad_argument(vm, "backup", "argument 'target'", CONNECTION.full_name(), &args[1]));
    };
    let pages = match vm.to_plain_c_int(&args[2])? {
        0 => -1,
        pages => pages,
    };
    let progress = args[3].some();
    let name = c_text(vm, &args[4], "backup", "argument 'name'")?;
    let sleep = vm.to_f64(&args[5])?;
    if sleep.is_nan() || sleep < 0.0 {
        return Err(vm.value_error("sleep must be greater-than or equal to zero"));
    }
    let sleep = Duration::from_millis((sleep * 1000.0).min(i32::MAX as f64) as u64);
    if progress.is_some_and(|progress| !vm.is_callable(progress)) {
        return Err(vm.type_error("progress argument must be a callable"));
    }
    let target = target.database(vm)?;
    if target.is_same(&source) {
        return Err(vm.value_error("target cannot be the same connection instance"));
    }
    let Some(backup) = vm.without_gil(|| Backup::start(&target, &source, &name)) else {
        return Err(errors::failed(vm, &target, c::SQLITE_ERROR));
    };
    loop {
        let code = vm.without_gil(|| backup.step(pages));
        if let Some(progress) = progress {
            let state = [code as i64, backup.remaining() as i64, backup.page_count() as i64];
            if let Err(raised) = vm.call(progress, &state.map(|n| vm.int(n))) {
                let exception = vm.caught(raised);
                vm.without_gil(|| backup.finish());
                return Err(vm.raise(exception));
            }
        }
        match code {
            c::SQLITE_OK => {}
            c::SQLITE_BUSY | c::SQLITE_LOCKED => vm.without_gil(|| std::thread::sleep(sleep)),
            _ => break,
        }
    }
    match vm.without_gil(|| backup.finish()) {
        c::SQLITE_OK => Ok(Object::NONE),
        code => Err(errors::failed(vm, &target, code)),
    }
}
