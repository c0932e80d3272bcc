//! Python 3.14 source text to abstract syntax tree.
//!
//! Lexer, parser and AST of Taipan. The tree follows CPython's `Python.asdl`
//! name for name; errors follow CPython's wording and positions. Not here: symbol
//! tables, scoping errors, code generation (those are the compiler's).
#![forbid(unsafe_code)]

pub mod ast;
mod source;

pub use bumpalo::Bump;
pub use source::LineIndex;
