//! Taipan: the native module `_ctypes`, the half of `ctypes` that knows memory and calls C.
//!
//! What is unsafe by its nature is in `memory` (addresses), `values` (objects in memory),
//! `call` (libffi), `callback` and `pythonapi` (code that C calls); the rest is safe code on
//! top of that.

#![deny(unsafe_code)]

mod abi;
mod array;
#[allow(unsafe_code)]
mod call;
#[allow(unsafe_code)]
mod callback;
mod cdata;
mod field;
mod function;
mod info;
mod library;
#[allow(unsafe_code)]
mod memory;
mod meta;
mod module;
mod param;
mod pointer;
#[allow(unsafe_code)]
mod pythonapi;
mod simple;
mod structs;
#[allow(unsafe_code)]
mod values;

/// The modules of this crate.
pub fn modules() -> Vec<&'static taipan_runtime::prelude::ModuleDef> {
    vec![&module::MODULE]
}
