//! Taipan: the algorithms of Python's numbers.
//!
//! This crate knows how Python computes, compares, prints, reads and formats
//! numbers; it knows nothing of Python objects, the interpreter or exceptions.
//! Every failure is a value of an error enum, which the runtime turns into the
//! exception it belongs to.
//!
//! * [`bigint`]: unbounded integers (over `dashu-int`);
//! * [`float`]: `float` text, rounding, hashing and arithmetic;
//! * [`format_spec`]: the format mini-language and the formatting of values;
//! * [`percent`]: printf-style (`%`) formatting;
//! * [`complex`]: `complex` arithmetic and text;
//! * [`mathfn`], [`cmathfn`]: the `math` and `cmath` modules;
//! * [`random`]: the Mersenne Twister of the `random` module.
#![forbid(unsafe_code)]

pub mod bigint;
pub mod bigint_text;
pub mod cmathfn;
pub mod combinatorics;
pub mod complex;
mod double_double;
pub mod float;
pub mod float_format;
pub mod format_spec;
pub mod mathfn;
pub mod percent;
pub mod random;
pub mod special;
pub mod sums;

pub use bigint::{BigInt, IntError};
