//! Taipan: native modules for programs about programs: contexts, exit
//! functions, opcodes, syntax trees, symbol tables, tokens.

#![forbid(unsafe_code)]

mod atexit;
mod contextvars;

use taipan_runtime::prelude::ModuleDef;

/// The modules of this crate.
pub fn modules() -> Vec<&'static ModuleDef> {
    vec![&atexit::ATEXIT, &contextvars::CONTEXTVARS]
}
