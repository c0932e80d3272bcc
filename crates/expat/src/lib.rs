//! Taipan: libexpat as safe types. This crate knows nothing of Python.
//!
//! The library is the system's, linked statically if possible, because no crate
//! that bundles a maintained one exists. A [`Parser`] is fed pieces of a
//! document and shows an [`Event`] for each part of it whose kind was asked for.

#![deny(unsafe_op_in_unsafe_fn)]

mod event;
mod parser;
mod raw;

pub use event::{Attributes, Event, Kind, ModelNode};
pub use parser::{Encoding, Parser, Position};

use std::ffi::CStr;

/// Is the library there?
pub const AVAILABLE: bool = cfg!(expat);

/// `XML_STATUS_ERROR`.
pub const STATUS_ERROR: i32 = 0;
/// Codes that the Python modules need.
pub const ERROR_UNDEFINED_ENTITY: i32 = 11;
pub const ERROR_INVALID_ARGUMENT: i32 = 41;

/// The library's words for an error code.
pub fn error_text(code: i32) -> Option<&'static str> {
    // SAFETY: null or a string constant of the library.
    unsafe {
        let text = raw::XML_ErrorString(code);
        if text.is_null() { None } else { CStr::from_ptr(text).to_str().ok() }
    }
}

/// "expat_2.5.0".
pub fn version_text() -> &'static str {
    // SAFETY: as above.
    unsafe {
        let text = raw::XML_ExpatVersion();
        if text.is_null() { "" } else { CStr::from_ptr(text).to_str().unwrap_or("") }
    }
}

/// The version's three numbers.
pub fn version() -> (i32, i32, i32) {
    // SAFETY: a call without arguments.
    let version = unsafe { raw::XML_ExpatVersionInfo() };
    (version.major, version.minor, version.micro)
}

/// What the library was built with: names and numbers.
pub fn features() -> Vec<(String, i64)> {
    let mut out = Vec::new();
    // SAFETY: an array that ends with an empty entry.
    unsafe {
        let mut feature = raw::XML_GetFeatureList();
        while !feature.is_null() && (*feature).feature != 0 {
            let name = CStr::from_ptr((*feature).name).to_string_lossy().into_owned();
            out.push((name, (*feature).value as i64));
            feature = feature.add(1);
        }
    }
    out
}
