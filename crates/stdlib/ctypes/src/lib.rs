//! Taipan: the native module `_ctypes`, the half of `ctypes` that knows memory and calls C.
//!
//! What is unsafe by its nature is in `memory` (addresses), `values` (objects in memory),
//! `abi` and `call` (libffi) and `callback` (code that C calls); the rest is safe code on
//! top of that.

mod abi;
mod array;
mod call;
mod callback;
mod cdata;
mod field;
mod function;
mod info;
mod library;
mod memory;
mod meta;
mod module;
mod param;
mod pointer;
mod simple;
mod structs;
mod values;

/// The modules of this crate.
pub fn modules() -> Vec<&'static taipan_runtime::prelude::ModuleDef> {
    vec![&module::MODULE]
}
