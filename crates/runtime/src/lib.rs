//! Taipan's runtime: interpreter loop, object protocol, built-in types, import.
//!
//! Start with [`vm`] (the state), [`ty`] (types and slots), [`native`] (how
//! native code is written), `interp` (the loop). Low-level unsafe code lives in
//! `taipan-object`, in `interp`, and in the layout code of the core types.

// The loop is made of guaranteed tail calls with a calling convention that leaves
// nothing to save: see `interp::run`, and ARCHITECTURE.md on the two features.
#![feature(explicit_tail_calls, rust_preserve_none_cc)]
#![allow(incomplete_features)]
#![allow(clippy::missing_safety_doc)]

pub mod alloc;
pub mod breaker;
pub mod buffer;
pub mod builtins;
pub mod codecs;
pub mod compile;
pub mod display;
pub mod errors;
pub mod gc;
pub mod gil;
pub mod import;
pub mod interp;
pub mod interpreters;
pub mod lookup;
pub mod modules;
pub mod names;
pub mod native;
pub mod prelude;
pub mod protocol;
pub mod sampler;
pub mod seconds;
pub mod shared;
pub mod sharing;
pub mod slots;
pub mod stacks;
pub mod start;
pub mod structseq;
pub mod suggest;
pub mod support;
pub mod traces;
pub mod ty;
pub mod types;
pub mod unraisable;
pub mod vm;
pub mod warnings;
