//! Native modules that live in the runtime itself. One file and one line in
//! the registry each.

pub mod contextvars;
pub mod marshal;
pub mod monitoring;
pub mod sys;
pub mod sys_info;
pub mod sys_places;
pub mod testlimitedcapi;
pub mod thread;
pub mod types;

use crate::prelude::*;

/// The registry.
pub fn all() -> Vec<&'static ModuleDef> {
    vec![
        &contextvars::MODULE,
        &marshal::MODULE,
        &sys::MODULE,
        &thread::MODULE,
        &crate::warnings::MODULE,
        &crate::codecs::module::MODULE,
        &crate::types::str_format::MODULE,
        &crate::gc::MODULE,
        &types::MODULE,
        &crate::types::typealias::MODULE,
        &crate::types::weakref::MODULE,
        &testlimitedcapi::MODULE,
    ]
}
