//! `marshal`: being written.

use crate::prelude::*;

pub static MODULE: ModuleDef =
    ModuleDef { name: "marshal", doc: "", functions: &[], types: &[], init: None };
