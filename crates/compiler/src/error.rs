//! What compilation can answer besides code: errors and warnings, with the
//! words and positions CPython 3.14 gives them.

use taipan_bytecode::Location;
use taipan_syntax::ast::Range;

/// Which exception a [`CompileError`] becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// `SyntaxError`.
    Syntax,
    /// `IndentationError` (only from the parser).
    Indentation,
    /// `TabError` (only from the parser).
    Tab,
    /// `_IncompleteInputError` (only from the parser, when asked for).
    Incomplete,
    /// `RecursionError`: the tree is nested too deeply.
    Recursion,
    /// `OverflowError`: the code does not fit the instruction format.
    Overflow,
    /// `MemoryError`: the parser's own nesting limit.
    Memory,
    /// `ValueError`: an ill-formed tree (from the `ast` module) or a null byte.
    Value,
}

/// A failed compilation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError {
    /// The exception's class.
    pub kind: ErrorKind,
    /// Its message.
    pub message: String,
    /// Its position: lines 1-based, columns **1-based UTF-8 byte offsets**, as CPython puts
    /// into `SyntaxError.offset` for errors found after parsing.
    pub location: Option<Location>,
}

impl std::fmt::Display for CompileError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CompileError {}

/// The category of a [`Warning`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarningKind {
    /// `SyntaxWarning`.
    Syntax,
    /// `DeprecationWarning`.
    Deprecation,
}

/// A warning to be issued by the runtime. If the filter turns it into an error, that
/// error is a `SyntaxError` with this message and location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Its category.
    pub kind: WarningKind,
    /// Its message.
    pub message: String,
    /// Its position, columns 1-based as in [`CompileError`].
    pub location: Location,
}

/// An error inside the compiler, before its range was turned into lines.
#[derive(Debug)]
pub(crate) struct Failure {
    pub kind: ErrorKind,
    pub message: String,
    pub range: Option<Range>,
}

pub(crate) type Result<T> = std::result::Result<T, Box<Failure>>;

pub(crate) fn syntax_error<T>(range: Range, message: impl Into<String>) -> Result<T> {
    Err(Box::new(Failure { kind: ErrorKind::Syntax, message: message.into(), range: Some(range) }))
}

pub(crate) fn recursion_error<T>() -> Result<T> {
    Err(Box::new(Failure {
        kind: ErrorKind::Recursion,
        message: "maximum recursion depth exceeded during compilation".into(),
        range: None,
    }))
}

pub(crate) fn overflow_error<T>(what: &str) -> Result<T> {
    Err(Box::new(Failure { kind: ErrorKind::Overflow, message: what.into(), range: None }))
}
