//! Taipan: TLS by OpenSSL as safe types. This crate knows nothing of Python.
//!
//! Why OpenSSL and not rustls: Python's `ssl` is OpenSSL's interface. Its cipher
//! strings, options, verification flags, session objects, renegotiation and the
//! texts of its errors are what programs see and compare, and TLS 1.0 to 1.1 and
//! CBC suites exist in it. The library is the system's, so that it is mended with
//! the system; it is linked statically if possible.
//!
//! A [`Connection`] never blocks: its transport answers at once, and who uses
//! it waits for the descriptor. One thread at a time works on a connection.

#![deny(unsafe_op_in_unsafe_fn)]

mod certificate;
mod connection;
mod context;
mod error;
mod raw;
mod transport;

pub use certificate::{AlternativeName, Certificate, Name};
pub use connection::{Callbacks, CipherInfo, Connection, Session, Sni, kind};
pub use context::{CipherDetails, Context, Role};
pub use error::{Failure, LibraryError, verify_text};
pub use transport::{MemoryBuffer, Transport};

use std::ffi::{CStr, c_char};

/// Is the library there?
pub const AVAILABLE: bool = cfg!(openssl);

/// # Safety
/// `text` is null or a terminated string.
unsafe fn owned(text: *const c_char) -> Option<String> {
    // SAFETY: says the caller.
    if text.is_null() { None } else { Some(unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()) }
}

/// Initialises the library; done once by every way in.
fn start() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    // SAFETY: the library's own default; allowed at any time.
    ONCE.call_once(|| unsafe {
        raw::OPENSSL_init_ssl(0, std::ptr::null());
    });
}

/// The library's version as text and number.
pub fn version() -> (String, u64) {
    // SAFETY: a string constant of the library.
    unsafe { (owned(raw::OpenSSL_version(0)).unwrap_or_default(), raw::OpenSSL_version_num()) }
}

/// Fills with random bytes.
pub fn random(out: &mut [u8]) -> Result<(), LibraryError> {
    start();
    for part in out.chunks_mut(1 << 20) {
        // SAFETY: room for so many bytes.
        if unsafe { raw::RAND_bytes(part.as_mut_ptr(), part.len() as i32) } != 1 {
            return Err(LibraryError::take());
        }
    }
    Ok(())
}

/// Is the generator of random bytes seeded?
pub fn random_ready() -> bool {
    start();
    // SAFETY: a call without arguments.
    unsafe { raw::RAND_status() == 1 }
}

/// Adds to the seed.
pub fn random_add(data: &[u8], entropy: f64) {
    start();
    for part in data.chunks(1 << 20) {
        // SAFETY: so many bytes.
        unsafe { raw::RAND_add(part.as_ptr().cast(), part.len() as i32, entropy) }
    }
}

/// Where the system's certificates are: variable and place of the file, of the folder.
pub fn default_paths() -> [String; 4] {
    // SAFETY: string constants of the library.
    unsafe {
        [
            raw::X509_get_default_cert_file_env(),
            raw::X509_get_default_cert_file(),
            raw::X509_get_default_cert_dir_env(),
            raw::X509_get_default_cert_dir(),
        ]
        .map(|text| owned(text).unwrap_or_default())
    }
}

/// An object that the library has a number for.
pub struct ObjectNames {
    pub number: i32,
    pub short: String,
    pub long: String,
    pub oid: Option<String>,
}

/// The names of a numbered object.
pub fn object_by_number(number: i32) -> Option<ObjectNames> {
    start();
    // SAFETY: null or an object of the library's tables.
    unsafe {
        let object = raw::OBJ_nid2obj(number);
        if object.is_null() { None } else { names(object) }
    }
}

/// The names of an object by its OID or (if `name`) its name.
pub fn object_by_text(text: &CStr, name: bool) -> Option<ObjectNames> {
    start();
    // SAFETY: a terminated text; the object is freed if it is not of the tables.
    unsafe {
        let object = raw::OBJ_txt2obj(text.as_ptr(), !name as i32);
        raw::ERR_clear_error();
        if object.is_null() {
            return None;
        }
        let names = names(object);
        raw::ASN1_OBJECT_free(object);
        names
    }
}

/// # Safety
/// An object.
unsafe fn names(object: *const raw::ASN1_OBJECT) -> Option<ObjectNames> {
    // SAFETY: says the caller.
    unsafe {
        let number = raw::OBJ_obj2nid(object);
        if number == 0 {
            return None;
        }
        Some(ObjectNames {
            number,
            short: owned(raw::OBJ_nid2sn(number))?,
            long: owned(raw::OBJ_nid2ln(number))?,
            oid: Some(object_text(object, false)).filter(|oid| !oid.is_empty()),
        })
    }
}

/// The name of an object, or its OID.
///
/// # Safety
/// An object.
unsafe fn object_text(object: *const raw::ASN1_OBJECT, name: bool) -> String {
    let mut room = [0u8; 256];
    // SAFETY: room for so many bytes, which are terminated.
    let len = unsafe { raw::OBJ_obj2txt(room.as_mut_ptr().cast(), room.len() as i32, object, !name as i32) };
    let len = usize::try_from(len).unwrap_or(0).min(room.len() - 1);
    String::from_utf8_lossy(&room[..len]).into_owned()
}
