//! Taipan's register bytecode: the instruction table, code objects as plain
//! data, and their serialised form.
//!
//! Nothing here knows the runtime: the compiler writes this, `pylib`'s build
//! script serialises it, and the runtime turns it into live code. The meaning
//! of every instruction stands beside its row in [`opcode`].

#![forbid(unsafe_code)]

pub mod code;
pub mod instruction;
pub mod opcode;

pub use code::{
    CacheSpec, CodeUnit, Constant, ExceptionEntry, Location, LocalKind, LocalName, code_flags,
};
pub use instruction::{Instruction, flags};
pub use opcode::Opcode;
