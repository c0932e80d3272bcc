//! What parsing can report: errors and warnings, in CPython's terms.

/// Exception class of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// `SyntaxError`
    Syntax,
    /// `IndentationError`
    Indentation,
    /// `TabError`
    Tab,
    /// `_IncompleteInputError` (only with `allow_incomplete_input`)
    IncompleteInput,
    /// `MemoryError`: nested too deeply
    TooComplex,
    /// `ValueError`-like trouble with the source itself (null bytes); CPython says `SyntaxError`
    Value,
    /// `ValueError`: an identifier that is the name of a constant in compatibility characters
    ConstantName,
}

/// A syntax error, with the attributes of CPython's exception.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Exception class.
    pub kind: ErrorKind,
    /// `msg`
    pub message: String,
    /// `lineno`, 1-based
    pub lineno: u32,
    /// `offset`, 1-based, in characters
    pub offset: i32,
    /// `end_lineno`
    pub end_lineno: i32,
    /// `end_offset`
    pub end_offset: i32,
    /// `text`, the source line
    pub text: Option<String>,
    /// `_metadata`, of errors that the parser found
    pub context: Option<Box<Context>>,
}

/// Where the traceback module looks for misspelt keywords.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// Line of the last compound statement before the error, no function; 0 for none.
    pub line: u32,
    /// Its column, in bytes.
    pub column: u32,
    /// The source, as the parser saw it.
    pub source: String,
}

impl SyntaxError {
    /// An error that is nowhere in the source.
    pub(crate) fn without_place(kind: ErrorKind, message: String) -> SyntaxError {
        SyntaxError {
            kind,
            message,
            lineno: 0,
            offset: 0,
            end_lineno: 0,
            end_offset: 0,
            text: None,
            context: None,
        }
    }
}

/// Class of a warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarningCategory {
    /// `SyntaxWarning`
    SyntaxWarning,
    /// `DeprecationWarning`
    DeprecationWarning,
}

/// A warning found while parsing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxWarning {
    /// Its text.
    pub message: String,
    /// 1-based line.
    pub lineno: u32,
    /// Its class.
    pub category: WarningCategory,
}

impl std::fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (line {})", self.message, self.lineno)
    }
}

impl std::error::Error for SyntaxError {}
