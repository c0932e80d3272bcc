//! The few functions of CPython's C API that programs call through `ctypes.pythonapi`.
//! There are no symbols of theirs: `PyDLL(None)` finds them here.

use crate::memory::Place;
use crate::values;
use std::ffi::{CString, c_char, c_int, c_void};
use std::ptr::null_mut;
use taipan_runtime::buffer::{self, BufferInfo, Dims, flags};
use taipan_runtime::prelude::*;

/// The address of a function, if it is there.
pub fn address(name: &[u8]) -> Option<Place> {
    let function = match name {
        b"PyBuffer_Release" => release_buffer as *const () as usize,
        b"PyObject_GetBuffer" => get_buffer as *const () as usize,
        b"PyThreadState_SetAsyncExc" => set_async_exception as *const () as usize,
        b"Py_DecRef" => decref as *const () as usize,
        b"Py_IncRef" => incref as *const () as usize,
        b"Py_IsInitialized" => is_initialized as *const () as usize,
        _ => return None,
    };
    Some(Place::named(function))
}

/// `Py_buffer`.
#[repr(C)]
struct View {
    buf: *mut u8,
    /// The word of the exporter, counted; 0: there is nothing to release.
    obj: u64,
    len: isize,
    itemsize: isize,
    readonly: c_int,
    ndim: c_int,
    format: *const c_char,
    shape: *mut isize,
    strides: *mut isize,
    suboffsets: *mut isize,
    internal: *mut c_void,
}

/// What the pointers of a view point to.
struct Held {
    info: BufferInfo,
    format: CString,
    dims: Dims,
}

/// Runs a body with the GIL; `failed` is the result of errors, and of foreign threads.
fn entered<T: Copy>(failed: T, body: impl FnOnce(&Vm) -> Result<T>) -> T {
    if !Vm::is_attached() {
        return failed;
    }
    Vm::with_gil(|vm| body(vm).unwrap_or(failed))
}

/// # Safety
/// `view` points to a `Py_buffer` to be filled in.
unsafe extern "C" fn get_buffer(object: u64, view: *mut View, request: c_int) -> c_int {
    entered(-1, |vm| {
        if view.is_null() {
            return Err(vm.buffer_error("PyObject_GetBuffer: view==NULL argument is obsolete"));
        }
        let Some(object) = values::object_of_word(object) else {
            return Err(vm.system_error("null argument to internal routine"));
        };
        let request = request as u32;
        let wants = |flag: u32| request & flag == flag;
        let info = match vm.buffer(&object, request) {
            Ok(buffer) => buffer.into_info(),
            Err(raised) => {
                // SAFETY: says the caller.
                unsafe { (*view).obj = 0 };
                return Err(raised);
            }
        };
        let format = CString::new(info.format.as_bytes()).unwrap_or_default();
        let mut held = Box::new(Held { dims: info.dims().into_owned(), format, info });
        let or_null = |condition: bool, part: &mut Vec<isize>| {
            if condition && !part.is_empty() { part.as_mut_ptr() } else { null_mut() }
        };
        let filled = View {
            buf: held.info.ptr,
            obj: values::owned_word(held.info.owner.clone()),
            len: held.info.len as isize,
            itemsize: held.info.itemsize as isize,
            readonly: held.info.readonly as c_int,
            ndim: if wants(flags::ND) { held.info.ndim() as c_int } else { 1 },
            format: if wants(flags::FORMAT) { held.format.as_ptr() } else { null_mut() },
            shape: or_null(wants(flags::ND), &mut held.dims.shape),
            strides: or_null(wants(flags::STRIDES), &mut held.dims.strides),
            suboffsets: or_null(wants(flags::INDIRECT), &mut held.dims.suboffsets),
            internal: Box::into_raw(held).cast(),
        };
        // SAFETY: says the caller.
        unsafe { view.write(filled) };
        Ok(0)
    })
}

/// # Safety
/// `view` was filled in by `get_buffer`, or its `obj` is 0.
unsafe extern "C" fn release_buffer(view: *mut View) {
    entered((), |vm| {
        // SAFETY: says the caller.
        let view = unsafe { &mut *view };
        let Some(owner) = values::take_word(std::mem::take(&mut view.obj)) else { return Ok(()) };
        // SAFETY: made by `get_buffer`, which a word in `obj` tells.
        let held = unsafe { Box::from_raw(view.internal as *mut Held) };
        buffer::release(vm, &held.info);
        drop((held, owner));
        Ok(())
    })
}

extern "C" fn set_async_exception(ident: u64, exception: u64) -> c_int {
    entered(0, |vm| Ok(vm.set_async_exception(ident, values::object_of_word(exception)) as c_int))
}

extern "C" fn incref(object: u64) {
    entered((), |_| {
        if let Some(object) = values::object_of_word(object) {
            values::change_count(&object, true);
        }
        Ok(())
    })
}

extern "C" fn decref(object: u64) {
    entered((), |_| {
        if let Some(object) = values::object_of_word(object) {
            values::change_count(&object, false);
        }
        Ok(())
    })
}

extern "C" fn is_initialized() -> c_int {
    1
}
