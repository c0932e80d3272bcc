//! Taipan: native modules about data: iterators, functions, collections,
//! numbers, serialised values.
//!
//! One file (or folder) per module, each with a `ModuleDef`; [`modules`] is
//! the registry.

#![forbid(unsafe_code)]

mod abc;
mod cmath;
mod collections;
mod functools;
mod itertools;
mod lru_cache;
mod math;
mod math_ints;
mod operator;
mod structs;

use taipan_runtime::prelude::ModuleDef;

/// The modules of this crate.
pub fn modules() -> Vec<&'static ModuleDef> {
    vec![
        &abc::ABC,
        &cmath::CMATH,
        &collections::COLLECTIONS,
        &functools::FUNCTOOLS,
        &itertools::ITERTOOLS,
        &math::MATH,
        &operator::OPERATOR,
        &structs::STRUCT,
    ]
}
