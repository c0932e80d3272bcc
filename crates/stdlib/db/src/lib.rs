//! Taipan: native modules of databases. SQLite itself is behind the `sqlite`
//! crate; here is its Python face.

#![forbid(unsafe_code)]

mod sqlite;

use taipan_runtime::prelude::ModuleDef;

/// The modules of this crate.
pub fn modules() -> Vec<&'static ModuleDef> {
    vec![&sqlite::SQLITE]
}
