//! Every call to the operating system, behind one permission check.
//!
//! The functions here are safe, thin and free of Python: they take byte
//! strings, descriptors and numbers, and give back [`Errno`] on failure, EINTR
//! included (who calls decides about retrying). Nothing above this crate may
//! call the system around it. The check itself is in [`policy`].

pub mod clock;
pub mod embedded;
pub mod entropy;
pub mod environment;
pub mod error;
pub mod faults;
pub mod fd;
pub mod fs;
pub mod library;
pub mod memory;
pub mod net;
pub mod policy;
pub mod poll;
pub mod process;
pub mod resolve;
pub mod shared;
pub mod signal;
pub mod spawn;
pub mod syslog;
pub mod terminal;
pub mod users;

pub use error::{Errno, Result};
pub use policy::Access;

/// The constants and plain data types of the C library.
pub use libc;
