//! The native half of Python's modules about the network: `_socket`,
//! `_asyncio`, `_ssl`.
//!
//! Everything here sees the safe surface of the runtime and the host, and the
//! helpers about system calls and times of the crate of files. One file (or
//! folder) per module; [`modules`] is the registry.

#![forbid(unsafe_code)]

pub mod arguments;
pub mod asyncio;
pub mod socket;
mod ssl;

use taipan_runtime::prelude::*;

/// Every module of this crate.
pub fn modules() -> Vec<&'static ModuleDef> {
    let mut modules = vec![&asyncio::MODULE, &socket::MODULE];
    if taipan_tls::AVAILABLE {
        modules.push(&ssl::SSL);
    }
    modules
}
