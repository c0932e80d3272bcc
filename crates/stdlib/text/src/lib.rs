//! Taipan: native modules about text: regular expressions, string formatting,
//! encodings of data as text.
//!
//! One file (or folder) per module, each with a `ModuleDef`; [`modules`] is
//! the registry.

#![forbid(unsafe_code)]

mod binascii;
mod csv;
mod elementtree;
mod expat;
mod json;
mod multibyte;
mod sre;
mod unicodedata;

use taipan_runtime::prelude::ModuleDef;

/// The modules of this crate.
pub fn modules() -> Vec<&'static ModuleDef> {
    let mut modules = vec![
        &binascii::BINASCII,
        &csv::CSV,
        &json::JSON,
        &multibyte::MULTIBYTECODEC,
        &multibyte::CODECS_CN,
        &multibyte::CODECS_HK,
        &multibyte::CODECS_ISO2022,
        &multibyte::CODECS_JP,
        &multibyte::CODECS_KR,
        &multibyte::CODECS_TW,
        &sre::SRE,
        &unicodedata::UNICODEDATA,
    ];
    if taipan_expat::AVAILABLE {
        modules.push(&expat::PYEXPAT);
        modules.push(&elementtree::ELEMENTTREE);
    }
    modules
}
