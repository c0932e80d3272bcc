//! `_dbm`: a file of keys and values as the old UNIX library has it. The file is
//! SQLite's, which `library` says; files of other libraries cannot be read.

use std::cell::RefCell;
use std::ffi::CString;
use std::rc::Rc;
use taipan_host::{self as host, Errno, libc};
use taipan_runtime::codecs::utf8;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, exception_class, this};
use taipan_runtime::types::bytes::{self, Bytes};
use taipan_runtime::types::object::OBJECT;
use taipan_sqlite::{Database, Statement, constants as c};

const ERROR: &str = "_dbm.error";

/// The module.
pub static DBM: ModuleDef = ModuleDef {
    name: "_dbm",
    doc: "",
    functions: &[MethodDef::new(
        "open(filename, flags='r', mode=438, /)",
        open,
        "Opens a database.\n\n  filename\n    Its name, to which .db is added.\n  flags\n    'r' to read, 'w' to write, 'c' to make it if need be, 'n' to make a new one.\n  mode\n    The mode of a new file.",
    )],
    types: &[&OBJECT_TYPE],
    init: Some(|vm, module| {
        vm.delete_attr(module, &vm.intern(OBJECT_TYPE.name()))?;
        vm.set_attr_str(module, "__doc__", &Object::NONE)?;
        let error = exception_class(vm, ERROR, "_dbm", "error", &exc::OS_ERROR, None)?;
        vm.set_attr_str(module, "error", &error)?;
        vm.set_attr_str(module, "library", &vm.str("SQLite"))
    }),
};

/// Payload of `dbm`: None once it is closed.
pub struct Dbm(RefCell<Option<Rc<Database>>>);

impl NativeClass for Dbm {
    fn class() -> &'static Type {
        &OBJECT_TYPE
    }
}

pub static OBJECT_TYPE: Type = Type::new::<Dbm>(
    "_dbm.dbm",
    &OBJECT,
    type_flags::DISALLOW_INSTANTIATION | type_flags::ONLY_MAPPING,
    Slots {
        bool: Some(|vm, object| Ok(count(vm, object)? > 0)),
        len: Some(count),
        getitem: Some(|vm, object, key| {
            let bytes = loose_key(vm, key)?;
            look_up(vm, object, &bytes)?.ok_or_else(|| vm.key_error(key))
        }),
        setitem: Some(|vm, object, key, value| {
            let bytes = strict(vm, key, "keys")?;
            match value {
                Some(value) => {
                    let value = strict(vm, value, "elements")?;
                    store(vm, object, &bytes, &value)
                }
                None => {
                    let database = database(vm, object)?;
                    let outcome = run(vm, &database, c"DELETE FROM dbm WHERE k = ?1", &[&bytes]);
                    outcome.map_err(|_| fail(vm, "cannot delete item from database"))?;
                    if database.changes() == 0 { Err(vm.key_error(key)) } else { Ok(()) }
                }
            }
        }),
        contains: Some(|vm, object, key| {
            if key.downcast::<Str>().is_none() && key.downcast::<Bytes>().is_none() {
                let shown = key.ty().name();
                return Err(vm.type_error(format!("dbm key must be bytes or string, not {shown}")));
            }
            Ok(look_up(vm, object, &loose_key(vm, key)?)?.is_some())
        }),
        ..Slots::EMPTY
    },
    &[
        MethodDef::new(
            "close($self, /)",
            |vm, args| {
                let open = this::<Dbm>(&args[0]).0.take();
                vm.without_gil(|| drop(open));
                Ok(Object::NONE)
            },
            "Closes the database.",
        ),
        MethodDef::new(
            "keys($self, /)",
            |vm, args| {
                let database = database(vm, &args[0])?;
                let mut keys = Vec::new();
                each(vm, &database, c"SELECT k FROM dbm", &[], |key| keys.push(key))
                    .map_err(|_| fail(vm, "cannot read the database"))?;
                let keys: Result<Vec<Object>> = keys.iter().map(|key| bytes::new(vm, key)).collect();
                Ok(vm.list(keys?))
            },
            "All keys.",
        ),
        MethodDef::new(
            "get($self, key, default=None, /)",
            |vm, args| {
                let found = look_up(vm, &args[0], &loose_key(vm, &args[1])?)?;
                Ok(found.unwrap_or_else(|| args[2].clone()))
            },
            "The value of a key, or the default.",
        ),
        MethodDef::new(
            "setdefault($self, key, default=b'', /)",
            |vm, args| {
                let key = loose_key(vm, &args[1])?;
                if let Some(found) = look_up(vm, &args[0], &key)? {
                    return Ok(found);
                }
                let value = strict(vm, &args[2], "elements")?;
                store(vm, &args[0], &key, &value)?;
                Ok(args[2].clone())
            },
            "The value of a key; the default, put in, if there is none.",
        ),
        MethodDef::new(
            "clear($self, /)",
            |vm, args| {
                let database = database(vm, &args[0])?;
                run(vm, &database, c"DELETE FROM dbm", &[])
                    .map_err(|_| fail(vm, "cannot delete item from database"))?;
                Ok(Object::NONE)
            },
            "Removes everything.",
        ),
        MethodDef::new("__enter__($self, /)", |_, args| Ok(args[0].clone()), ""),
        MethodDef::new("__exit__($self, *exc_info)", |vm, args| vm.call_method(&args[0], "close", &[]), ""),
    ],
    &[],
);

#[cold]
fn fail(vm: &Vm, message: &str) -> Raised {
    taipan_runtime::support::raise_kept(vm, ERROR, message)
}

/// The error of an errno for a file.
#[cold]
fn system_error(vm: &Vm, number: i32, filename: &Object) -> Raised {
    let text = vm.str(&taipan_runtime::errors::errno_text(number));
    let class = vm.shared(ERROR).unwrap_or_else(|| exc::OS_ERROR.to_object());
    match vm.call(&class, &[vm.int(number as i64), text, filename.clone()]) {
        Ok(exception) => vm.raise_in_context(exception),
        Err(raised) => raised,
    }
}

/// A key to look for: bytes-like, or str as UTF-8.
fn loose_key(vm: &Vm, key: &Object) -> Result<Vec<u8>> {
    if key.downcast::<Str>().is_some() {
        return utf8::encode(vm, key, "strict");
    }
    Ok(vm.bytes_like(key, "key")?.bytes().to_vec())
}

/// A key or a value to store: bytes, or str as UTF-8.
fn strict(vm: &Vm, object: &Object, what: &str) -> Result<Vec<u8>> {
    if object.downcast::<Str>().is_none() && object.downcast::<Bytes>().is_none() {
        return Err(vm.type_error(format!("dbm mappings have bytes or string {what} only")));
    }
    loose_key(vm, object)
}

fn database(vm: &Vm, object: &Object) -> Result<Rc<Database>> {
    let open = this::<Dbm>(object).0.borrow().clone();
    open.ok_or_else(|| fail(vm, "DBM object has already been closed"))
}

/// Runs a statement and shows the first column of its rows. Err: the library's code.
fn each(
    vm: &Vm,
    database: &Rc<Database>,
    sql: &std::ffi::CStr,
    parameters: &[&[u8]],
    mut show: impl FnMut(Vec<u8>),
) -> std::result::Result<(), i32> {
    vm.without_gil(|| {
        let (statement, _) = Statement::prepare(database, sql)?;
        for (index, parameter) in (1..).zip(parameters) {
            statement.bind_blob(index, parameter);
        }
        loop {
            match statement.step() {
                c::SQLITE_ROW => show(statement.with_column_bytes(0, |data| data.unwrap_or(&[]).to_vec())),
                c::SQLITE_DONE => return Ok(()),
                code => return Err(code),
            }
        }
    })
}

fn run(
    vm: &Vm,
    database: &Rc<Database>,
    sql: &std::ffi::CStr,
    parameters: &[&[u8]],
) -> std::result::Result<(), i32> {
    each(vm, database, sql, parameters, |_| {})
}

fn look_up(vm: &Vm, object: &Object, key: &[u8]) -> Result<Option<Object>> {
    let database = database(vm, object)?;
    let mut found = None;
    each(vm, &database, c"SELECT v FROM dbm WHERE k = ?1", &[key], |value| found = Some(value))
        .map_err(|_| fail(vm, "cannot read the database"))?;
    found.map(|value| bytes::new(vm, &value)).transpose()
}

fn store(vm: &Vm, object: &Object, key: &[u8], value: &[u8]) -> Result<()> {
    let database = database(vm, object)?;
    run(vm, &database, c"REPLACE INTO dbm VALUES (?1, ?2)", &[key, value])
        .map_err(|_| fail(vm, "cannot add item to database"))
}

fn count(vm: &Vm, object: &Object) -> Result<usize> {
    let database = database(vm, object)?;
    let mut count = 0;
    each(vm, &database, c"SELECT CAST(count(*) AS TEXT) FROM dbm", &[], |text| {
        count = String::from_utf8_lossy(&text).parse().unwrap_or(0);
    })
    .map_err(|_| fail(vm, "cannot read the database"))?;
    Ok(count)
}

fn open(vm: &Vm, args: &[Object]) -> Result {
    let os = vm.import_module("os")?;
    let path = vm.call_method(&os, "fsencode", std::slice::from_ref(&args[0]))?;
    let mut path = path.downcast::<Bytes>().map(|path| path.as_slice().to_vec()).unwrap_or_default();
    if args[1].downcast::<Str>().is_none() {
        return Err(taipan_runtime::support::bad_argument(vm, "open", "argument 2", "str", &args[1]));
    }
    let mode = vm.to_plain_c_int(&args[2])?;
    let (writable, creates, fresh) = match vm.str_lossy(&args[1]).as_str() {
        "r" => (false, false, false),
        "w" => (true, false, false),
        "rw" | "c" => (true, true, false),
        "n" => (true, true, true),
        _ => return Err(fail(vm, "arg 2 to open should be 'r', 'w', 'c', or 'n'")),
    };
    path.extend_from_slice(b".db");
    let Ok(path) = CString::new(path) else { return Err(vm.value_error("embedded null byte")) };
    // A file that is there must not be opened but by the library: to close it
    // again would give up the locks of other databases on it.
    let prepared = vm.without_gil(|| -> host::Result<()> {
        if writable {
            host::policy::check(host::Access::Write(&path))?;
        }
        if fresh {
            match host::fs::unlink(None, &path) {
                Ok(()) | Err(Errno(libc::ENOENT)) => {}
                Err(error) => return Err(error),
            }
        }
        if creates {
            let flags = libc::O_RDWR | libc::O_CREAT | libc::O_EXCL | libc::O_CLOEXEC;
            match host::fs::open(None, &path, flags, mode as u32) {
                Ok(number) => host::fd::close(number),
                Err(Errno(libc::EEXIST)) => Ok(()),
                Err(error) => Err(error),
            }
        } else {
            host::fs::stat(None, &path, true).map(drop)
        }
    });
    if let Err(Errno(number)) = prepared {
        return Err(system_error(vm, number, &args[0]));
    }
    let flags = if writable { c::SQLITE_OPEN_READWRITE } else { c::SQLITE_OPEN_READONLY };
    let database = match vm.without_gil(|| Database::open(&path, flags, 5000)) {
        Ok(database) => Rc::new(database),
        Err((_, message)) => return Err(fail(vm, &String::from_utf8_lossy(&message))),
    };
    let mut statements = Vec::new();
    if writable {
        statements.push(c"PRAGMA synchronous = OFF");
        statements
            .push(c"CREATE TABLE IF NOT EXISTS dbm (k BLOB PRIMARY KEY, v BLOB NOT NULL) WITHOUT ROWID");
    }
    statements.push(c"SELECT count(*) FROM dbm WHERE 0");
    for sql in statements {
        if run(vm, &database, sql, &[]).is_err() {
            let message = vm.without_gil(|| database.message());
            return Err(fail(vm, &String::from_utf8_lossy(&message)));
        }
    }
    allocate(vm, &OBJECT_TYPE, Dbm(RefCell::new(Some(database))))
}
