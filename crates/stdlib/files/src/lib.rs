//! The native half of Python's modules about files, the operating system and
//! time: `_io`, `posix`, `time`, `errno`, `_stat`, `_signal` and their like.
//!
//! Everything here sees the safe surface of the runtime and the host only.
//! One file (or folder) per module; [`modules`] is the registry.

#![forbid(unsafe_code)]

pub mod errno;
pub mod io;
pub mod posix;
pub mod resource;
pub mod stat;
mod support;
pub mod time;

use taipan_runtime::prelude::*;

/// Every module of this crate.
pub fn modules() -> Vec<&'static ModuleDef> {
    vec![&errno::MODULE, &io::MODULE, &posix::MODULE, &resource::MODULE, &stat::MODULE, &time::MODULE]
}

/// Every static type of this crate, bases before subtypes.
pub fn types() -> Vec<&'static Type> {
    let mut all = io::types();
    all.extend(posix::types());
    all
}

pub use io::streams::make_std_streams;
