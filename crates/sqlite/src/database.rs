//! A connection: what is asked of it, and the three hooks that it calls.

use crate::{Code, copied, ffi};
use std::cell::RefCell;
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::ptr::{null, null_mut};
use std::rc::Rc;

/// Asked before each step of the compilation of a statement: action, two
/// arguments, database, trigger. Its answer is OK, DENY or IGNORE.
pub type Authorizer = dyn Fn(i32, [Option<&[u8]>; 4]) -> i32;
/// Called now and then while a statement runs; true interrupts it.
pub type Progress = dyn Fn() -> bool;
/// Shown each statement: its text as written, and with its parameters, if there
/// was room for that.
pub type Trace = dyn Fn(&[u8], Option<&[u8]>);

/// A connection, closed when dropped.
pub struct Database {
    pub(crate) raw: *mut ffi::sqlite3,
    // What the library points to. Replaced only after the library has let go of
    // it; who is being called holds a reference of its own.
    authorizer: RefCell<Option<Box<Rc<Authorizer>>>>,
    progress: RefCell<Option<Box<Rc<Progress>>>>,
    trace: RefCell<Option<Box<Rc<Trace>>>>,
}

/// The connection's mutex, held: calls on the connection do not wait meanwhile.
pub struct Hold<'a>(&'a Database);

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        // SAFETY: held by this thread.
        unsafe { ffi::sqlite3_mutex_leave(ffi::sqlite3_db_mutex(self.0.raw)) }
    }
}

impl Database {
    /// The connection's mutex, which one thread may hold several times; None if
    /// another thread has it now.
    pub fn try_hold(&self) -> Option<Hold<'_>> {
        // SAFETY: an open connection; its mutex lives as long as it does.
        let code = unsafe { ffi::sqlite3_mutex_try(ffi::sqlite3_db_mutex(self.raw)) };
        (code == ffi::SQLITE_OK).then_some(Hold(self))
    }
    /// As [`Database::try_hold`], waiting.
    pub fn hold(&self) -> Hold<'_> {
        // SAFETY: as above.
        unsafe { ffi::sqlite3_mutex_enter(ffi::sqlite3_db_mutex(self.raw)) };
        Hold(self)
    }
    /// Opens a database file. On failure, the code and the message.
    pub fn open(path: &CStr, flags: i32, timeout_ms: i32) -> Result<Database, (Code, Vec<u8>)> {
        let mut raw = null_mut();
        // SAFETY: a terminated name, a place for the handle.
        let code = unsafe { ffi::sqlite3_open_v2(path.as_ptr(), &mut raw, flags, null()) };
        if raw.is_null() {
            return Err((ffi::SQLITE_NOMEM, b"out of memory".to_vec()));
        }
        let database = Database {
            raw,
            authorizer: RefCell::new(None),
            progress: RefCell::new(None),
            trace: RefCell::new(None),
        };
        if code != ffi::SQLITE_OK {
            return Err((database.extended_error(), database.message()));
        }
        // The bundled library is built with foreign keys on, against the default.
        let _ = database.set_config(ffi::SQLITE_DBCONFIG_ENABLE_FKEY, false);
        // SAFETY: an open connection.
        unsafe { ffi::sqlite3_busy_timeout(raw, timeout_ms) };
        Ok(database)
    }
    /// The message of the last failure.
    pub fn message(&self) -> Vec<u8> {
        // SAFETY: the text is copied at once.
        unsafe { copied(ffi::sqlite3_errmsg(self.raw)) }.unwrap_or_default()
    }
    pub fn error(&self) -> Code {
        // SAFETY: an open connection, here and below.
        unsafe { ffi::sqlite3_errcode(self.raw) }
    }
    pub fn extended_error(&self) -> Code {
        unsafe { ffi::sqlite3_extended_errcode(self.raw) }
    }
    /// Is no transaction open?
    pub fn autocommit(&self) -> bool {
        unsafe { ffi::sqlite3_get_autocommit(self.raw) != 0 }
    }
    pub fn changes(&self) -> i64 {
        unsafe { ffi::sqlite3_changes64(self.raw) }
    }
    pub fn total_changes(&self) -> i64 {
        unsafe { ffi::sqlite3_total_changes64(self.raw) }
    }
    pub fn last_insert_rowid(&self) -> i64 {
        unsafe { ffi::sqlite3_last_insert_rowid(self.raw) }
    }
    pub fn interrupt(&self) {
        unsafe { ffi::sqlite3_interrupt(self.raw) }
    }
    /// Sets a limit (if not negative); what it was, or -1 for an unknown one.
    pub fn limit(&self, category: i32, value: i32) -> i32 {
        unsafe { ffi::sqlite3_limit(self.raw, category, value) }
    }
    pub fn set_config(&self, option: i32, on: bool) -> Result<bool, Code> {
        let mut now: c_int = -1;
        // SAFETY: the boolean options take an int and a place for an int.
        let code = unsafe { ffi::sqlite3_db_config(self.raw, option, on as c_int, &raw mut now) };
        if code == ffi::SQLITE_OK { Ok(now != 0) } else { Err(code) }
    }
    pub fn config(&self, option: i32) -> Result<bool, Code> {
        let mut now: c_int = -1;
        // SAFETY: as above; -1 changes nothing.
        let code = unsafe { ffi::sqlite3_db_config(self.raw, option, -1 as c_int, &raw mut now) };
        if code == ffi::SQLITE_OK { Ok(now != 0) } else { Err(code) }
    }
    pub fn enable_load_extension(&self, on: bool) -> Code {
        unsafe { ffi::sqlite3_enable_load_extension(self.raw, on as c_int) }
    }
    /// Loads an extension; on failure the library's message.
    pub fn load_extension(&self, path: &CStr, entry: Option<&CStr>) -> Result<(), Vec<u8>> {
        let mut message = null_mut();
        let entry = entry.map_or(null(), CStr::as_ptr);
        // SAFETY: terminated strings, a place for a message.
        let code = unsafe { ffi::sqlite3_load_extension(self.raw, path.as_ptr(), entry, &mut message) };
        if code == ffi::SQLITE_OK {
            return Ok(());
        }
        // SAFETY: null, or a string that is ours to free.
        let text = unsafe { copied(message) };
        unsafe { ffi::sqlite3_free(message.cast()) };
        Err(text.unwrap_or_else(|| self.message()))
    }
    /// The database as bytes; None if there is none of that name, or no memory.
    pub fn serialize(&self, schema: &CStr) -> Option<Vec<u8>> {
        let mut size = 0;
        // SAFETY: a terminated name, a place for the size. First without a copy.
        let direct = unsafe {
            ffi::sqlite3_serialize(self.raw, schema.as_ptr(), &mut size, ffi::SQLITE_SERIALIZE_NOCOPY)
        };
        let (data, owned) = if direct.is_null() {
            let data = unsafe { ffi::sqlite3_serialize(self.raw, schema.as_ptr(), &mut size, 0) };
            (data, true)
        } else {
            (direct, false)
        };
        if data.is_null() {
            return None;
        }
        let mut out = Vec::new();
        let len = usize::try_from(size).unwrap_or(0);
        let room = out.try_reserve_exact(len).is_ok();
        if room {
            // SAFETY: `len` bytes, says the library.
            out.extend_from_slice(unsafe { std::slice::from_raw_parts(data, len) });
        }
        if owned {
            // SAFETY: allocated by the library for us.
            unsafe { ffi::sqlite3_free(data.cast()) };
        }
        room.then_some(out)
    }
    /// Replaces a database by serialized bytes.
    pub fn deserialize(&self, schema: &CStr, data: &[u8]) -> Result<(), Code> {
        let Ok(size) = i64::try_from(data.len()) else { return Err(ffi::SQLITE_TOOBIG) };
        // SAFETY: memory of the library's allocator, filled and then owned by the library.
        unsafe {
            let copy = ffi::sqlite3_malloc64(size.max(1) as u64).cast::<u8>();
            if copy.is_null() {
                return Err(ffi::SQLITE_NOMEM);
            }
            std::ptr::copy_nonoverlapping(data.as_ptr(), copy, data.len());
            let flags = (ffi::SQLITE_DESERIALIZE_FREEONCLOSE | ffi::SQLITE_DESERIALIZE_RESIZEABLE) as c_uint;
            match ffi::sqlite3_deserialize(self.raw, schema.as_ptr(), copy, size, size, flags) {
                ffi::SQLITE_OK => Ok(()),
                code => Err(code),
            }
        }
    }

    /// Sets or removes the authorizer.
    pub fn set_authorizer(&self, hook: Option<Rc<Authorizer>>) -> Code {
        let hook = hook.map(Box::new);
        let (call, data): (Option<unsafe extern "C" fn(_, _, _, _, _, _) -> _>, _) = match &hook {
            Some(hook) => (Some(authorize), (&raw const **hook).cast_mut().cast()),
            None => (None, null_mut()),
        };
        // SAFETY: `data` stays where it is until the next call of this function.
        let code = unsafe { ffi::sqlite3_set_authorizer(self.raw, call, data) };
        let old = self.authorizer.replace(if code == ffi::SQLITE_OK { hook } else { None });
        drop(old);
        code
    }
    /// Sets or removes the progress handler, called every `steps` instructions.
    pub fn set_progress(&self, steps: i32, hook: Option<Rc<Progress>>) {
        let hook = hook.map(Box::new);
        let (call, data): (Option<unsafe extern "C" fn(_) -> _>, _) = match &hook {
            Some(hook) => (Some(progress), (&raw const **hook).cast_mut().cast()),
            None => (None, null_mut()),
        };
        // SAFETY: as above.
        unsafe { ffi::sqlite3_progress_handler(self.raw, steps, call, data) };
        drop(self.progress.replace(hook));
    }
    /// Sets or removes the trace function.
    pub fn set_trace(&self, hook: Option<Rc<Trace>>) -> Code {
        let hook = hook.map(Box::new);
        let (mask, call, data): (_, Option<unsafe extern "C" fn(_, _, _, _) -> _>, _) = match &hook {
            Some(hook) => (ffi::SQLITE_TRACE_STMT, Some(trace), (&raw const **hook).cast_mut().cast()),
            None => (ffi::SQLITE_TRACE_STMT, None, null_mut()),
        };
        // SAFETY: as above.
        let code = unsafe { ffi::sqlite3_trace_v2(self.raw, mask as c_uint, call, data) };
        drop(self.trace.replace(hook));
        code
    }
    /// Do the two share a connection?
    pub fn is_same(&self, other: &Database) -> bool {
        std::ptr::eq(self.raw, other.raw)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // SAFETY: nothing that belongs to the connection is alive: all of it holds
        // a reference to this. The hooks are dropped afterwards.
        unsafe { ffi::sqlite3_close(self.raw) };
    }
}

/// # Safety
/// `text` is null or a terminated string that outlives `'a`.
unsafe fn argument<'a>(text: *const c_char) -> Option<&'a [u8]> {
    // SAFETY: says the caller.
    if text.is_null() { None } else { Some(unsafe { CStr::from_ptr(text) }.to_bytes()) }
}

unsafe extern "C" fn authorize(
    data: *mut c_void,
    action: c_int,
    first: *const c_char,
    second: *const c_char,
    schema: *const c_char,
    source: *const c_char,
) -> c_int {
    // SAFETY: set by `set_authorizer` together with this function. The reference
    // of our own keeps the hook while it replaces itself.
    let hook = unsafe { &*data.cast::<Rc<Authorizer>>() }.clone();
    hook(action, unsafe { [argument(first), argument(second), argument(schema), argument(source)] })
}

unsafe extern "C" fn progress(data: *mut c_void) -> c_int {
    // SAFETY: as above.
    let hook = unsafe { &*data.cast::<Rc<Progress>>() }.clone();
    hook() as c_int
}

unsafe extern "C" fn trace(
    kind: c_uint,
    data: *mut c_void,
    statement: *mut c_void,
    text: *mut c_void,
) -> c_int {
    if kind != ffi::SQLITE_TRACE_STMT as c_uint {
        return 0;
    }
    // SAFETY: as above.
    let hook = unsafe { &*data.cast::<Rc<Trace>>() }.clone();
    // SAFETY: for this kind of event, `text` is a string, `statement` a statement.
    unsafe {
        let Some(text) = argument(text.cast()) else { return 0 };
        if text.starts_with(b"--") {
            // A trigger's beginning, as a comment.
            hook(text, Some(text));
            return 0;
        }
        let expanded = ffi::sqlite3_expanded_sql(statement.cast());
        hook(text, argument(expanded));
        ffi::sqlite3_free(expanded.cast());
    }
    0
}
