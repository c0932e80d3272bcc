//! Taipan: native modules of compression. The streams themselves are those of
//! the `compression` crate; here are their Python faces.

#![forbid(unsafe_code)]

mod bz2;
mod lzma;
mod support;
mod zlib;
mod zstd;

use taipan_runtime::prelude::ModuleDef;

/// The modules of this crate.
pub fn modules() -> Vec<&'static ModuleDef> {
    vec![&bz2::BZ2, &lzma::LZMA, &zlib::ZLIB, &zstd::ZSTD]
}
