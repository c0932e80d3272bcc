//! Functions, aggregates, window functions and collations in Rust.
//!
//! The library owns what it calls, and drops it when it is replaced or the
//! connection closes.

use crate::{Code, Database, ffi};
use std::ffi::{CStr, c_int, c_void};
use std::ptr::null_mut;

/// An argument of a function. Text need not be UTF-8.
pub enum ValueRef<'a> {
    Null,
    Integer(i64),
    Float(f64),
    Text(&'a [u8]),
    Blob(&'a [u8]),
}

/// Where a function puts its result.
pub struct Context(*mut ffi::sqlite3_context);

impl Context {
    // SAFETY of all: a Context lives as long as the library's call of a function.
    pub fn null(&self) {
        unsafe { ffi::sqlite3_result_null(self.0) }
    }
    pub fn integer(&self, value: i64) {
        unsafe { ffi::sqlite3_result_int64(self.0, value) }
    }
    pub fn float(&self, value: f64) {
        unsafe { ffi::sqlite3_result_double(self.0, value) }
    }
    /// The bytes are copied; more than the library takes are an error of its own.
    pub fn text(&self, text: &[u8]) {
        match c_int::try_from(text.len()) {
            Ok(len) => unsafe {
                ffi::sqlite3_result_text(self.0, text.as_ptr().cast(), len, ffi::SQLITE_TRANSIENT())
            },
            Err(_) => self.too_big(),
        }
    }
    pub fn blob(&self, data: &[u8]) {
        match c_int::try_from(data.len()) {
            Ok(0) => unsafe { ffi::sqlite3_result_zeroblob(self.0, 0) },
            Ok(len) => unsafe {
                ffi::sqlite3_result_blob(self.0, data.as_ptr().cast(), len, ffi::SQLITE_TRANSIENT())
            },
            Err(_) => self.too_big(),
        }
    }
    pub fn error(&self, message: &str) {
        let len = c_int::try_from(message.len()).unwrap_or(0);
        unsafe { ffi::sqlite3_result_error(self.0, message.as_ptr().cast(), len) }
    }
    pub fn too_big(&self) {
        unsafe { ffi::sqlite3_result_error_toobig(self.0) }
    }
    pub fn no_memory(&self) {
        unsafe { ffi::sqlite3_result_error_nomem(self.0) }
    }
}

/// An aggregate, or a window function.
pub trait Aggregate: 'static {
    /// What is kept from row to row of a group.
    type State: 'static;
    /// A row comes.
    fn step(&self, context: &Context, state: &mut Option<Self::State>, args: &[ValueRef]);
    /// A row goes.
    fn inverse(&self, context: &Context, state: &mut Option<Self::State>, args: &[ValueRef]);
    /// The result so far.
    fn value(&self, context: &Context, state: &mut Option<Self::State>);
    /// The result. `state` is None if there was no row.
    fn finish(&self, context: &Context, state: Option<Self::State>);
}

/// # Safety
/// `data` has `len` bytes, which outlive `'a`, or is null.
pub(crate) unsafe fn bytes<'a>(data: *const u8, len: c_int) -> &'a [u8] {
    let len = usize::try_from(len).unwrap_or(0);
    // SAFETY: says the caller.
    if data.is_null() || len == 0 { &[] } else { unsafe { std::slice::from_raw_parts(data, len) } }
}

/// # Safety
/// `count` values of the library, which outlive `'a`.
unsafe fn values<'a>(count: c_int, values: *mut *mut ffi::sqlite3_value) -> Vec<ValueRef<'a>> {
    let count = usize::try_from(count).unwrap_or(0);
    // SAFETY: says the caller. Text first, then its length.
    (0..count)
        .map(|i| unsafe {
            let value = *values.add(i);
            match ffi::sqlite3_value_type(value) {
                ffi::SQLITE_INTEGER => ValueRef::Integer(ffi::sqlite3_value_int64(value)),
                ffi::SQLITE_FLOAT => ValueRef::Float(ffi::sqlite3_value_double(value)),
                ffi::SQLITE_TEXT => {
                    let text = ffi::sqlite3_value_text(value);
                    ValueRef::Text(bytes(text, ffi::sqlite3_value_bytes(value)))
                }
                ffi::SQLITE_BLOB => {
                    let data = ffi::sqlite3_value_blob(value).cast();
                    ValueRef::Blob(bytes(data, ffi::sqlite3_value_bytes(value)))
                }
                _ => ValueRef::Null,
            }
        })
        .collect()
}

unsafe extern "C" fn drop_boxed<T>(data: *mut c_void) {
    // SAFETY: made by Box::into_raw of a T when the callback was registered.
    drop(unsafe { Box::from_raw(data.cast::<T>()) });
}

unsafe extern "C" fn call_scalar<F: Fn(&Context, &[ValueRef]) + 'static>(
    context: *mut ffi::sqlite3_context,
    count: c_int,
    args: *mut *mut ffi::sqlite3_value,
) {
    // SAFETY: the user data of this function is an F, alive while a statement uses it.
    unsafe {
        let function = &*ffi::sqlite3_user_data(context).cast::<F>();
        function(&Context(context), &values(count, args));
    }
}

unsafe extern "C" fn call_collation<F: Fn(&[u8], &[u8]) -> i32 + 'static>(
    data: *mut c_void,
    len1: c_int,
    text1: *const c_void,
    len2: c_int,
    text2: *const c_void,
) -> c_int {
    // SAFETY: as above.
    unsafe { (*data.cast::<F>())(bytes(text1.cast(), len1), bytes(text2.cast(), len2)) }
}

/// The place of a group's state; null: no memory, or (with size 0) no row yet.
unsafe fn state<A: Aggregate>(context: *mut ffi::sqlite3_context, make: bool) -> *mut *mut Option<A::State> {
    let size = if make { size_of::<*mut Option<A::State>>() as c_int } else { 0 };
    // SAFETY: the library's memory is zeroed and lives until the group is finished.
    unsafe { ffi::sqlite3_aggregate_context(context, size).cast() }
}

/// # Safety
/// Called by the library as step or inverse.
unsafe fn row<A: Aggregate>(
    context: *mut ffi::sqlite3_context,
    count: c_int,
    args: *mut *mut ffi::sqlite3_value,
    call: fn(&A, &Context, &mut Option<A::State>, &[ValueRef]),
) {
    // SAFETY: the user data of this function is an A. No two calls for one group
    // overlap, so that the state is ours alone.
    unsafe {
        let place = state::<A>(context, true);
        if place.is_null() {
            return ffi::sqlite3_result_error_nomem(context);
        }
        if (*place).is_null() {
            *place = Box::into_raw(Box::new(None));
        }
        let aggregate = &*ffi::sqlite3_user_data(context).cast::<A>();
        call(aggregate, &Context(context), &mut **place, &values(count, args));
    }
}

unsafe extern "C" fn call_step<A: Aggregate>(
    context: *mut ffi::sqlite3_context,
    count: c_int,
    args: *mut *mut ffi::sqlite3_value,
) {
    unsafe { row::<A>(context, count, args, A::step) }
}

unsafe extern "C" fn call_inverse<A: Aggregate>(
    context: *mut ffi::sqlite3_context,
    count: c_int,
    args: *mut *mut ffi::sqlite3_value,
) {
    unsafe { row::<A>(context, count, args, A::inverse) }
}

unsafe extern "C" fn call_value<A: Aggregate>(context: *mut ffi::sqlite3_context) {
    // SAFETY: as in `row`.
    unsafe {
        let aggregate = &*ffi::sqlite3_user_data(context).cast::<A>();
        let place = state::<A>(context, false);
        let mut none = None;
        let state = if place.is_null() || (*place).is_null() { &mut none } else { &mut **place };
        aggregate.value(&Context(context), state);
    }
}

unsafe extern "C" fn call_final<A: Aggregate>(context: *mut ffi::sqlite3_context) {
    // SAFETY: as in `row`; the state was made there, and is taken here once.
    unsafe {
        let aggregate = &*ffi::sqlite3_user_data(context).cast::<A>();
        let place = state::<A>(context, false);
        let state = if place.is_null() || (*place).is_null() {
            None
        } else {
            *Box::from_raw(std::mem::replace(&mut *place, null_mut()))
        };
        aggregate.finish(&Context(context), state);
    }
}

impl Database {
    /// Registers a function.
    pub fn create_function<F: Fn(&Context, &[ValueRef]) + 'static>(
        &self,
        name: &CStr,
        args: i32,
        deterministic: bool,
        function: F,
    ) -> Code {
        let flags = ffi::SQLITE_UTF8 | if deterministic { ffi::SQLITE_DETERMINISTIC } else { 0 };
        let data = Box::into_raw(Box::new(function)).cast();
        // SAFETY: the library drops `data`, even if this fails.
        unsafe {
            ffi::sqlite3_create_function_v2(
                self.raw,
                name.as_ptr(),
                args,
                flags,
                data,
                Some(call_scalar::<F>),
                None,
                None,
                Some(drop_boxed::<F>),
            )
        }
    }
    /// Registers an aggregate.
    pub fn create_aggregate<A: Aggregate>(&self, name: &CStr, args: i32, aggregate: A) -> Code {
        let data = Box::into_raw(Box::new(aggregate)).cast();
        // SAFETY: as above.
        unsafe {
            ffi::sqlite3_create_function_v2(
                self.raw,
                name.as_ptr(),
                args,
                ffi::SQLITE_UTF8,
                data,
                None,
                Some(call_step::<A>),
                Some(call_final::<A>),
                Some(drop_boxed::<A>),
            )
        }
    }
    /// Registers a window function.
    pub fn create_window_function<A: Aggregate>(&self, name: &CStr, args: i32, aggregate: A) -> Code {
        let data = Box::into_raw(Box::new(aggregate)).cast();
        // SAFETY: as above.
        unsafe {
            ffi::sqlite3_create_window_function(
                self.raw,
                name.as_ptr(),
                args,
                ffi::SQLITE_UTF8,
                data,
                Some(call_step::<A>),
                Some(call_final::<A>),
                Some(call_value::<A>),
                Some(call_inverse::<A>),
                Some(drop_boxed::<A>),
            )
        }
    }
    /// Removes a function, an aggregate or a window function.
    pub fn remove_function(&self, name: &CStr, args: i32) -> Code {
        // SAFETY: a terminated name.
        unsafe {
            ffi::sqlite3_create_function_v2(
                self.raw,
                name.as_ptr(),
                args,
                ffi::SQLITE_UTF8,
                null_mut(),
                None,
                None,
                None,
                None,
            )
        }
    }
    /// Registers a collation.
    pub fn create_collation<F: Fn(&[u8], &[u8]) -> i32 + 'static>(&self, name: &CStr, order: F) -> Code {
        let data: *mut c_void = Box::into_raw(Box::new(order)).cast();
        // SAFETY: the library drops `data` unless this fails.
        unsafe {
            let code = ffi::sqlite3_create_collation_v2(
                self.raw,
                name.as_ptr(),
                ffi::SQLITE_UTF8,
                data,
                Some(call_collation::<F>),
                Some(drop_boxed::<F>),
            );
            if code != ffi::SQLITE_OK {
                drop_boxed::<F>(data);
            }
            code
        }
    }
    /// Removes a collation.
    pub fn remove_collation(&self, name: &CStr) -> Code {
        // SAFETY: a terminated name.
        unsafe {
            ffi::sqlite3_create_collation_v2(
                self.raw,
                name.as_ptr(),
                ffi::SQLITE_UTF8,
                null_mut(),
                None,
                None,
            )
        }
    }
}
