//! Taipan: native modules about time: `_datetime` and `_zoneinfo`.
//!
//! One folder per module, each with a `ModuleDef`; [`modules`] is the registry.

#![forbid(unsafe_code)]

mod datetime;
mod zoneinfo;

use taipan_runtime::prelude::ModuleDef;

/// The modules of this crate.
pub fn modules() -> Vec<&'static ModuleDef> {
    vec![&datetime::MODULE, &zoneinfo::MODULE]
}
