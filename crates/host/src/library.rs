//! Shared libraries: opening them, their symbols, and a list of those that are loaded.
//! What is called in them afterwards is beyond any check.

use crate::policy::{self, Access};
use std::ffi::{CStr, CString};

/// An opened library, as `dlopen` names it.
pub type Handle = usize;

/// The words of the last failure in this thread; none if the C library has none.
fn failure() -> Vec<u8> {
    // SAFETY: the text belongs to the C library and is copied at once.
    unsafe {
        let text = libc::dlerror();
        if text.is_null() { Vec::new() } else { CStr::from_ptr(text).to_bytes().to_vec() }
    }
}

/// May native code be loaded at all?
pub fn permitted() -> bool {
    policy::check(Access::Load(c"")).is_ok()
}

/// Opens a library (None: the program itself), which runs its initialisers. The error is
/// the C library's text.
pub fn open(name: Option<&CStr>, flags: i32) -> Result<Handle, Vec<u8>> {
    if policy::check(Access::Load(name.unwrap_or(c""))).is_err() {
        return Err(b"Operation not permitted".to_vec());
    }
    let name = name.map_or(std::ptr::null(), CStr::as_ptr);
    // SAFETY: a C string or null. That a library's initialisers behave is the caller's trust.
    let handle = unsafe { libc::dlopen(name, flags) };
    if handle.is_null() { Err(failure()) } else { Ok(handle as Handle) }
}

/// Is it the handle of the program itself?
pub fn is_program(library: Handle) -> bool {
    // SAFETY: without a name nothing is loaded; what is counted up is counted down.
    unsafe {
        let program = libc::dlopen(std::ptr::null(), libc::RTLD_LAZY);
        let same = program as Handle == library;
        if !program.is_null() {
            libc::dlclose(program);
        }
        same
    }
}

/// The address of a symbol in an opened library. There is no text to the error if the
/// symbol exists, but is null.
pub fn symbol(library: Handle, name: &CStr) -> Result<usize, Vec<u8>> {
    // SAFETY: `dlsym` looks the handle up among those that are open; a wrong one is the
    // caller's fault, as in C.
    unsafe {
        libc::dlerror();
        let address = libc::dlsym(library as *mut libc::c_void, name.as_ptr());
        if !address.is_null() {
            return Ok(address as usize);
        }
        Err(failure())
    }
}

/// Closes an opened library.
pub fn close(library: Handle) -> Result<(), Vec<u8>> {
    // SAFETY: as in `symbol`.
    if unsafe { libc::dlclose(library as *mut libc::c_void) } == 0 { Ok(()) } else { Err(failure()) }
}

/// The names of the loaded libraries.
pub fn loaded() -> Vec<CString> {
    unsafe extern "C" fn note(
        info: *mut libc::dl_phdr_info,
        _size: libc::size_t,
        names: *mut libc::c_void,
    ) -> libc::c_int {
        // SAFETY: the C library gives a description of an object, and our own vector back.
        unsafe {
            let names = &mut *(names as *mut Vec<CString>);
            if !(*info).dlpi_name.is_null() {
                names.push(CStr::from_ptr((*info).dlpi_name).to_owned());
            }
        }
        0
    }
    let mut names: Vec<CString> = Vec::new();
    // SAFETY: the vector outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(note), (&raw mut names).cast()) };
    names
}
