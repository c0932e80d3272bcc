//! Prepared statements: parameters in, rows out.

use crate::{Code, Database, copied, ffi};
use std::cell::Cell;
use std::ffi::{CStr, c_int};
use std::ptr::{null, null_mut};
use std::rc::Rc;

/// A value of a row. Text need not be UTF-8.
pub enum Column<'a> {
    Null,
    Integer(i64),
    Float(f64),
    Text(&'a [u8]),
    Blob(&'a [u8]),
}

/// A prepared statement.
pub struct Statement {
    /// Null for a text without a statement, or when it is closed.
    raw: Cell<*mut ffi::sqlite3_stmt>,
    database: Rc<Database>,
}

impl Statement {
    /// Compiles the first statement of `sql`. With it, what follows in the text.
    pub fn prepare<'a>(database: &Rc<Database>, sql: &'a CStr) -> Result<(Statement, &'a [u8]), Code> {
        let (mut raw, mut tail) = (null_mut(), null());
        let bytes = sql.to_bytes();
        let Ok(len) = c_int::try_from(bytes.len() + 1) else { return Err(ffi::SQLITE_TOOBIG) };
        // SAFETY: a terminated text of that length; places for both results.
        let code = unsafe { ffi::sqlite3_prepare_v2(database.raw, sql.as_ptr(), len, &mut raw, &mut tail) };
        if code != ffi::SQLITE_OK {
            return Err(code);
        }
        let rest =
            if tail.is_null() { &[] } else { bytes.get(tail.addr() - sql.as_ptr().addr()..).unwrap_or(&[]) };
        Ok((Statement { raw: Cell::new(raw), database: database.clone() }, rest))
    }
    pub fn database(&self) -> &Rc<Database> {
        &self.database
    }
    /// Goes on to the next row: ROW, DONE, or an error.
    pub fn step(&self) -> Code {
        if self.raw.get().is_null() {
            return ffi::SQLITE_OK;
        }
        // SAFETY: a statement, here and below. Null is allowed everywhere else.
        unsafe { ffi::sqlite3_step(self.raw.get()) }
    }
    pub fn reset(&self) -> Code {
        unsafe { ffi::sqlite3_reset(self.raw.get()) }
    }
    pub fn clear_bindings(&self) {
        if !self.raw.get().is_null() {
            unsafe { ffi::sqlite3_clear_bindings(self.raw.get()) };
        }
    }
    pub fn is_empty(&self) -> bool {
        self.raw.get().is_null()
    }
    /// Has it been stepped, neither to its end nor reset?
    pub fn is_busy(&self) -> bool {
        unsafe { ffi::sqlite3_stmt_busy(self.raw.get()) != 0 }
    }
    pub fn is_readonly(&self) -> bool {
        unsafe { ffi::sqlite3_stmt_readonly(self.raw.get()) != 0 }
    }
    pub fn parameter_count(&self) -> i32 {
        unsafe { ffi::sqlite3_bind_parameter_count(self.raw.get()) }
    }
    /// The name of a parameter, counted from 1, with its prefix.
    pub fn parameter_name(&self, index: i32) -> Option<Vec<u8>> {
        // SAFETY: the text is copied at once.
        unsafe { copied(ffi::sqlite3_bind_parameter_name(self.raw.get(), index)) }
    }
    pub fn bind_null(&self, index: i32) -> Code {
        unsafe { ffi::sqlite3_bind_null(self.raw.get(), index) }
    }
    pub fn bind_integer(&self, index: i32, value: i64) -> Code {
        unsafe { ffi::sqlite3_bind_int64(self.raw.get(), index, value) }
    }
    pub fn bind_float(&self, index: i32, value: f64) -> Code {
        unsafe { ffi::sqlite3_bind_double(self.raw.get(), index, value) }
    }
    pub fn bind_text(&self, index: i32, text: &[u8]) -> Code {
        let Ok(len) = c_int::try_from(text.len()) else { return ffi::SQLITE_TOOBIG };
        // SAFETY: the library copies the bytes.
        unsafe {
            ffi::sqlite3_bind_text(self.raw.get(), index, text.as_ptr().cast(), len, ffi::SQLITE_TRANSIENT())
        }
    }
    pub fn bind_blob(&self, index: i32, data: &[u8]) -> Code {
        let Ok(len) = c_int::try_from(data.len()) else { return ffi::SQLITE_TOOBIG };
        if data.is_empty() {
            return unsafe { ffi::sqlite3_bind_zeroblob(self.raw.get(), index, 0) };
        }
        // SAFETY: the library copies the bytes.
        unsafe {
            ffi::sqlite3_bind_blob(self.raw.get(), index, data.as_ptr().cast(), len, ffi::SQLITE_TRANSIENT())
        }
    }
    pub fn column_count(&self) -> i32 {
        unsafe { ffi::sqlite3_column_count(self.raw.get()) }
    }
    /// Columns of the present row; 0 if there is none.
    pub fn data_count(&self) -> i32 {
        unsafe { ffi::sqlite3_data_count(self.raw.get()) }
    }
    pub fn column_name(&self, index: i32) -> Option<Vec<u8>> {
        // SAFETY: the text is copied at once.
        unsafe { copied(ffi::sqlite3_column_name(self.raw.get(), index)) }
    }
    pub fn column_decltype(&self, index: i32) -> Option<Vec<u8>> {
        // SAFETY: as above.
        unsafe { copied(ffi::sqlite3_column_decltype(self.raw.get(), index)) }
    }
    /// Shows a value of the present row to `look`, which must not use the statement.
    pub fn with_column<R>(&self, index: i32, look: impl FnOnce(Column) -> R) -> R {
        // SAFETY: the library answers with NULL if there is no such value. Its bytes
        // live until the statement is used again.
        unsafe {
            let column = match ffi::sqlite3_column_type(self.raw.get(), index) {
                ffi::SQLITE_INTEGER => Column::Integer(ffi::sqlite3_column_int64(self.raw.get(), index)),
                ffi::SQLITE_FLOAT => Column::Float(ffi::sqlite3_column_double(self.raw.get(), index)),
                ffi::SQLITE_TEXT => {
                    let text = ffi::sqlite3_column_text(self.raw.get(), index);
                    Column::Text(crate::callbacks::bytes(
                        text,
                        ffi::sqlite3_column_bytes(self.raw.get(), index),
                    ))
                }
                ffi::SQLITE_BLOB => {
                    let data = ffi::sqlite3_column_blob(self.raw.get(), index).cast();
                    Column::Blob(crate::callbacks::bytes(
                        data,
                        ffi::sqlite3_column_bytes(self.raw.get(), index),
                    ))
                }
                _ => Column::Null,
            };
            look(column)
        }
    }
    /// Shows a value as bytes, whatever it is; None for NULL and for no bytes at all.
    pub fn with_column_bytes<R>(&self, index: i32, look: impl FnOnce(Option<&[u8]>) -> R) -> R {
        // SAFETY: as above.
        unsafe {
            let data: *const u8 = ffi::sqlite3_column_blob(self.raw.get(), index).cast();
            if data.is_null() {
                return look(None);
            }
            look(Some(crate::callbacks::bytes(data, ffi::sqlite3_column_bytes(self.raw.get(), index))))
        }
    }
}

impl Statement {
    /// Ends the statement before its time: from now on it is an empty one.
    pub fn close(&self) {
        // SAFETY: taken once; null is allowed.
        unsafe { ffi::sqlite3_finalize(self.raw.replace(null_mut())) };
    }
}

impl Drop for Statement {
    fn drop(&mut self) {
        self.close();
    }
}
