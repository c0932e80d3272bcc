//! The native half of Python's modules about files, the operating system and
//! time: `_io`, `posix`, `time`, `select`, `_signal` and their like.
//!
//! Everything here sees the safe surface of the runtime and the host only.
//! One file (or folder) per module; [`modules`] is the registry.

#![forbid(unsafe_code)]

pub mod errno;
pub mod fcntl;
pub mod io;
pub mod locale;
pub mod mmap;
pub mod posix;
pub mod posixsubprocess;
pub mod queue;
pub mod readline;
pub mod resource;
pub mod select;
pub mod semlock;
pub mod shm;
pub mod signal;
pub mod startup;
pub mod stat;
pub mod support;
pub mod syslog;
pub mod termios;
pub mod time;
pub mod users;
pub mod uuid;

use taipan_runtime::prelude::*;

/// Every module of this crate.
pub fn modules() -> Vec<&'static ModuleDef> {
    vec![
        &errno::MODULE,
        &fcntl::MODULE,
        &io::MODULE,
        &locale::MODULE,
        &mmap::MODULE,
        &posix::MODULE,
        &posixsubprocess::MODULE,
        &queue::MODULE,
        &readline::MODULE,
        &resource::MODULE,
        &select::MODULE,
        &semlock::MODULE,
        &shm::MODULE,
        &signal::MODULE,
        &stat::MODULE,
        &syslog::SYSLOG,
        &termios::MODULE,
        &time::MODULE,
        &users::GRP,
        &users::PWD,
        &uuid::MODULE,
    ]
}

/// Every static type of this crate, bases before subtypes.
pub fn types() -> Vec<&'static Type> {
    let mut all = io::types();
    all.extend(posix::types());
    all
}

pub use io::streams::make_std_streams;
pub use signal::{end_by_interrupt, install as install_signal_handlers};
pub use startup::prepare_process;
