//! Taipan: native modules about data: iterators, functions, collections,
//! numbers, serialised values.
//!
//! One file (or folder) per module, each with a `ModuleDef`; [`modules`] is
//! the registry.

#![forbid(unsafe_code)]

mod abc;
mod array;
mod bisect;
mod cmath;
mod collections;
mod copy;
mod functools;
mod heapq;
mod itertools;
mod lru_cache;
mod math;
mod math_ints;
mod operator;
mod pickle;
mod random;
mod statistics;
mod structs;

use taipan_runtime::prelude::ModuleDef;

/// The modules of this crate.
pub fn modules() -> Vec<&'static ModuleDef> {
    vec![
        &abc::ABC,
        &array::ARRAY,
        &bisect::BISECT,
        &cmath::CMATH,
        &collections::COLLECTIONS,
        &copy::COPY,
        &functools::FUNCTOOLS,
        &heapq::HEAPQ,
        &itertools::ITERTOOLS,
        &math::MATH,
        &operator::OPERATOR,
        &pickle::PICKLE,
        &random::RANDOM,
        &statistics::STATISTICS,
        &structs::STRUCT,
    ]
}
