//! AST to register bytecode.
//!
//! [`compile`] takes a tree of `taipan-syntax` and gives a `CodeUnit` of
//! `taipan-bytecode`: symbol table ([`symtable`], [`analysis`]), then code
//! generation ([`codegen`]). Errors and warnings have CPython 3.14's words and
//! positions. Nothing of the runtime is known here, so that build scripts can use it.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod analysis;
mod codegen;
mod constants;
mod error;
mod future;
mod names;
pub mod scope;
mod symtable;
mod unparse;

pub use error::{CompileError, ErrorKind, Warning, WarningKind};
pub use names::{NameId, Names, mangle};
pub use scope::Symtable;
pub use unparse::unparse;

use taipan_bytecode::{CodeUnit, Location};
use taipan_syntax::ast::{Mod, Range};
use taipan_syntax::{Bump, LineIndex, Mode};

/// How to compile.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// `co_filename`.
    pub filename: &'a str,
    /// 0; 1 drops `assert` and sets `__debug__` to False; 2 drops docstrings too.
    pub optimize: u8,
    /// `CO_FUTURE_*` flags inherited from the code that calls `compile`.
    pub flags: u32,
    /// `PyCF_ALLOW_TOP_LEVEL_AWAIT`.
    pub top_level_await: bool,
    /// Resolves `\\N{...}` in literals (only for [`compile_source`]).
    pub name_lookup: Option<taipan_syntax::NameLookup>,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Options { filename: "<string>", optimize: 0, flags: 0, top_level_await: false, name_lookup: None }
    }
}

/// Turns the ranges of a tree into lines and columns.
pub trait Locator {
    /// Lines 1-based, columns 0-based UTF-8 byte offsets.
    fn location(&self, range: Range) -> Location;
}

impl Locator for LineIndex {
    fn location(&self, range: Range) -> Location {
        let (line, column) = self.line_col(range.start);
        let (end_line, end_column) = self.line_col(range.end);
        Location { line, end_line, column, end_column }
    }
}

fn located(failure: error::Failure, locator: &dyn Locator) -> CompileError {
    let location = failure.range.map(|range| {
        let mut l = locator.location(range);
        l.column += 1;
        l.end_column += 1;
        l
    });
    CompileError { kind: failure.kind, message: failure.message, location }
}

/// Build the symbol table alone, for `_symtable`.
pub fn symbol_table(
    module: &Mod<'_>,
    locator: &dyn Locator,
    options: &Options<'_>,
) -> Result<Symtable, CompileError> {
    let build = || {
        let flags = options.flags | future::future_flags(module)?;
        symtable::build(module, flags, options.top_level_await)
    };
    build().map_err(|f| located(*f, locator))
}

/// Compile a tree. Needs a native stack of 32 MB for the most deeply nested ones.
pub fn compile(
    module: &Mod<'_>,
    locator: &dyn Locator,
    options: &Options<'_>,
) -> Result<(CodeUnit, Vec<Warning>), CompileError> {
    let table = symbol_table(module, locator, options)?;
    codegen::generate(module, table, locator, options).map_err(|f| located(*f, locator))
}

/// Parse and compile.
pub fn compile_source(
    source: &str,
    mode: Mode,
    options: &Options<'_>,
) -> Result<(CodeUnit, Vec<Warning>), CompileError> {
    let arena = Bump::new();
    let barry_as_flufl = options.flags & taipan_bytecode::code_flags::FUTURE_BARRY_AS_BDFL != 0;
    let name_lookup = options.name_lookup;
    let syntax = taipan_syntax::Options { mode, barry_as_flufl, name_lookup, ..Default::default() };
    let module = taipan_syntax::parse(&arena, source, &syntax).map_err(from_syntax)?;
    compile(&module, &LineIndex::new(source), options)
}

/// The parser's error as ours.
pub fn from_syntax(e: taipan_syntax::SyntaxError) -> CompileError {
    use taipan_syntax::ErrorKind as K;
    let kind = match e.kind {
        K::Indentation => ErrorKind::Indentation,
        K::Tab => ErrorKind::Tab,
        K::IncompleteInput => ErrorKind::Incomplete,
        K::Value | K::ConstantName => ErrorKind::Value,
        K::TooComplex => ErrorKind::Memory,
        K::Syntax => ErrorKind::Syntax,
    };
    let location = Location {
        line: e.lineno,
        end_line: e.end_lineno as u32,
        column: e.offset as u32,
        end_column: e.end_offset as u32,
    };
    CompileError { kind, message: e.message, location: Some(location) }
}
