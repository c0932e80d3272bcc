//! Blobs opened for reading and writing in place, and backups.

use crate::{Code, Database, ffi};
use std::ffi::{CStr, c_int};
use std::ptr::null_mut;
use std::rc::Rc;

/// An open blob.
pub struct Blob {
    raw: *mut ffi::sqlite3_blob,
    _database: Rc<Database>,
}

impl Blob {
    pub fn open(
        database: &Rc<Database>,
        (schema, table, column): (&CStr, &CStr, &CStr),
        row: i64,
        writable: bool,
    ) -> Result<Blob, Code> {
        let mut raw = null_mut();
        // SAFETY: terminated names, a place for the handle.
        let code = unsafe {
            ffi::sqlite3_blob_open(
                database.raw,
                schema.as_ptr(),
                table.as_ptr(),
                column.as_ptr(),
                row,
                writable as c_int,
                &mut raw,
            )
        };
        if code == ffi::SQLITE_OK { Ok(Blob { raw, _database: database.clone() }) } else { Err(code) }
    }
    pub fn len(&self) -> usize {
        // SAFETY: an open blob, here and below.
        usize::try_from(unsafe { ffi::sqlite3_blob_bytes(self.raw) }).unwrap_or(0)
    }
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Fills `out` with the bytes from `offset` on.
    pub fn read(&self, out: &mut [u8], offset: usize) -> Code {
        let (Ok(len), Ok(offset)) = (c_int::try_from(out.len()), c_int::try_from(offset)) else {
            return ffi::SQLITE_ERROR;
        };
        // SAFETY: room for `len` bytes; the library checks the range.
        unsafe { ffi::sqlite3_blob_read(self.raw, out.as_mut_ptr().cast(), len, offset) }
    }
    pub fn write(&self, data: &[u8], offset: usize) -> Code {
        let (Ok(len), Ok(offset)) = (c_int::try_from(data.len()), c_int::try_from(offset)) else {
            return ffi::SQLITE_ERROR;
        };
        // SAFETY: `len` bytes; the library checks the range.
        unsafe { ffi::sqlite3_blob_write(self.raw, data.as_ptr().cast(), len, offset) }
    }
}

impl Drop for Blob {
    fn drop(&mut self) {
        // SAFETY: not used afterwards.
        unsafe { ffi::sqlite3_blob_close(self.raw) };
    }
}

/// A backup at work.
pub struct Backup {
    raw: *mut ffi::sqlite3_backup,
    _databases: [Rc<Database>; 2],
}

impl Backup {
    /// None: the target's error says why.
    pub fn start(target: &Rc<Database>, source: &Rc<Database>, name: &CStr) -> Option<Backup> {
        // SAFETY: open connections and terminated names.
        let raw =
            unsafe { ffi::sqlite3_backup_init(target.raw, c"main".as_ptr(), source.raw, name.as_ptr()) };
        if raw.is_null() { None } else { Some(Backup { raw, _databases: [target.clone(), source.clone()] }) }
    }
    /// Copies so many pages; negative: all.
    pub fn step(&self, pages: i32) -> Code {
        // SAFETY: a backup that is not finished, here and below.
        unsafe { ffi::sqlite3_backup_step(self.raw, pages) }
    }
    pub fn remaining(&self) -> i32 {
        unsafe { ffi::sqlite3_backup_remaining(self.raw) }
    }
    pub fn page_count(&self) -> i32 {
        unsafe { ffi::sqlite3_backup_pagecount(self.raw) }
    }
    /// Ends it; OK unless a step has failed for good.
    pub fn finish(self) -> Code {
        let raw = std::mem::ManuallyDrop::new(self);
        // SAFETY: taken once; the databases are dropped below.
        let code = unsafe { ffi::sqlite3_backup_finish(raw.raw) };
        drop(unsafe { std::ptr::read(&raw._databases) });
        code
    }
}

impl Drop for Backup {
    fn drop(&mut self) {
        // SAFETY: not used afterwards.
        unsafe { ffi::sqlite3_backup_finish(self.raw) };
    }
}
