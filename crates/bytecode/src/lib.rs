//! Taipan's register bytecode: the instruction table, code objects as plain
//! data, and their serialised form.
//!
//! Nothing here knows the runtime: the compiler writes this, `pylib`'s build
//! script serialises it, and the runtime turns it into live code. The meaning
//! of every instruction stands beside its row in [`opcode`]; [`operands`] says
//! the same as data, [`mod@verify`] checks code against it.

#![forbid(unsafe_code)]

pub mod code;
mod disassemble;
pub mod instruction;
pub mod opcode;
pub mod operands;
mod serialize;
pub mod temporaries;
mod verify;

pub use code::{
    CacheSpec, CodeUnit, Constant, Cursor, ExceptionEntry, LineNote, LocalKind, LocalName, Location,
    Locations, MAX_NOTES, code_flags,
};
pub use disassemble::{disassemble, instruction as disassemble_instruction, literal};
pub use instruction::{Instruction, flags};
pub use opcode::Opcode;
pub use serialize::{
    Apart, Body, Build, Group, Head, Leaf, Place, ReadError, Shape, VERSION, body, head, read, write,
    write_apart,
};
pub use verify::{Finding, verify};
