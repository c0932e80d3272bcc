//! Taipan: native modules of compression. The streams themselves are those of
//! the `compression` crate; here are their Python faces.

#![forbid(unsafe_code)]

mod support;
mod zlib;

use taipan_runtime::prelude::ModuleDef;

/// The modules of this crate.
pub fn modules() -> Vec<&'static ModuleDef> {
    vec![&zlib::ZLIB]
}
