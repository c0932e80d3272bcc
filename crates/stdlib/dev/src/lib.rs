//! Taipan: native modules for programs about programs: exit functions,
//! opcodes, syntax trees, symbol tables, tokens, interpreters, the profiler.

#![forbid(unsafe_code)]

mod ast;
mod atexit;
mod faulthandler;
mod inspect;
mod interpreters;
mod lsprof;
mod opcode;
mod suggestions;
mod symtable;
mod sysconfig;
mod tokenize;
mod tracemalloc;

use taipan_runtime::prelude::ModuleDef;

/// The modules of this crate.
pub fn modules() -> Vec<&'static ModuleDef> {
    vec![
        &ast::MODULE,
        &atexit::ATEXIT,
        &faulthandler::FAULTHANDLER,
        &inspect::INSPECT,
        &interpreters::INTERPRETERS,
        &interpreters::QUEUES,
        &lsprof::MODULE,
        &opcode::OPCODE,
        &suggestions::SUGGESTIONS,
        &symtable::SYMTABLE,
        &sysconfig::SYSCONFIG,
        &tokenize::TOKENIZE,
        &tracemalloc::MODULE,
    ]
}
