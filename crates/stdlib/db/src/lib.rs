//! Taipan: native modules of databases. SQLite itself is behind the `sqlite`
//! crate; here is its Python face, and a database of the older
//! kind on it.

#![forbid(unsafe_code)]

mod ndbm;
mod sqlite;

use taipan_runtime::prelude::ModuleDef;

/// The modules of this crate.
pub fn modules() -> Vec<&'static ModuleDef> {
    vec![&ndbm::DBM, &sqlite::SQLITE]
}
