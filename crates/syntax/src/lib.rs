//! Python 3.14 source text to abstract syntax tree.
//!
//! Lexer, parser and AST of Taipan. The tree follows CPython's `Python.asdl`
//! name for name; errors follow CPython's wording and positions. Parsing is two
//! passes: a fast one that builds the tree of correct code, and, only when that
//! fails, a slow one (`diagnose`) that finds out what to say. Not here: symbol
//! tables, scoping errors, code generation (those are the compiler's).
#![forbid(unsafe_code)]

pub mod ast;
mod decode;
mod diagnose;
mod error;
mod lexer;
mod parser;
mod source;

pub use bumpalo::Bump;
pub use decode::{Decoded, decode_source};
pub use error::{Context, ErrorKind, SyntaxError, SyntaxWarning, WarningCategory};
pub use lexer::{Tok, Token};
pub use source::LineIndex;

/// What to parse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// A file.
    #[default]
    Exec,
    /// One expression.
    Eval,
    /// One interactive statement.
    Single,
    /// A signature type comment.
    FuncType,
}

/// Looks up the character of a `\N{...}` escape.
pub type NameLookup = fn(&str) -> Option<u32>;

/// How to parse.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// What to parse.
    pub mode: Mode,
    /// Understand `# type:` comments.
    pub type_comments: bool,
    /// Report input that merely stops too early as [`ErrorKind::IncompleteInput`].
    pub allow_incomplete_input: bool,
    /// Do not close open blocks at the end of interactive input.
    pub dont_imply_dedent: bool,
    /// `from __future__ import barry_as_FLUFL` is in force.
    pub barry_as_flufl: bool,
    /// Minor version of the grammar.
    pub feature_version: u8,
    /// Longest decimal integer literal; 0 for no limit.
    pub int_max_str_digits: u32,
    /// Resolves `\N{...}`; without it every name is unknown.
    pub name_lookup: Option<NameLookup>,
}

impl Options {
    fn lex_options(&self) -> lexer::LexOptions {
        let eof = match self.mode {
            Mode::Exec => lexer::LexEof::Newline,
            Mode::Eval | Mode::FuncType => lexer::LexEof::Plain,
            Mode::Single => lexer::LexEof::Interactive { dedent: !self.dont_imply_dedent },
        };
        lexer::LexOptions { extra: false, type_comments: self.type_comments, eof }
    }
}

impl Default for Options {
    fn default() -> Self {
        Options {
            mode: Mode::Exec,
            type_comments: false,
            allow_incomplete_input: false,
            dont_imply_dedent: false,
            barry_as_flufl: false,
            feature_version: 14,
            int_max_str_digits: 4300,
            name_lookup: None,
        }
    }
}

/// A tree and what was noticed on the way.
#[derive(Debug)]
pub struct Parsed<'a> {
    /// The tree.
    pub module: ast::Mod<'a>,
    /// Warnings, in source order.
    pub warnings: Vec<SyntaxWarning>,
}

/// Parse `source`, which is decoded text without a byte order mark.
///
/// Needs a native stack of 32 MB for the most deeply nested inputs it accepts.
pub fn parse<'a>(arena: &'a Bump, source: &'a str, options: &Options) -> Result<ast::Mod<'a>, SyntaxError> {
    parse_with_warnings(arena, source, options).map(|p| p.module)
}

/// Like [`parse`], with the warnings.
pub fn parse_with_warnings<'a>(
    arena: &'a Bump,
    source: &'a str,
    options: &Options,
) -> Result<Parsed<'a>, SyntaxError> {
    if memchr::memchr(0, source.as_bytes()).is_some() || source.len() >= u32::MAX as usize {
        return Err(SyntaxError::without_place(
            ErrorKind::Value,
            "source code string cannot contain null bytes".into(),
        ));
    }
    let lex_options = options.lex_options();
    let mut lexed = lexer::lex(source, lex_options);
    if lexed.error.is_some() {
        let end = source.len() as u32;
        lexed.tokens.push(Token { kind: Tok::Error, start: end, end });
    }
    let mut parser = parser::Parser::new(arena, source, &lexed.tokens, options);
    let parsed = parser.module(&lexed);
    if let Some(name) = parser.constant_name.get() {
        return Err(SyntaxError::without_place(
            ErrorKind::ConstantName,
            format!("identifier field can't represent '{name}' constant"),
        ));
    }
    match parsed {
        Ok(module) => {
            let warnings = collect_warnings(source, parser.warnings, lexed.warnings);
            Ok(Parsed { module, warnings })
        }
        Err(parser::Fail) => {
            let too_complex = parser.too_complex;
            let top = parser.top.get();
            Err(diagnose::diagnose(source, options, top, too_complex))
        }
    }
}

fn collect_warnings(
    source: &str,
    parsed: Vec<parser::RawWarning>,
    lexed: Vec<lexer::LexWarning>,
) -> Vec<SyntaxWarning> {
    if parsed.is_empty() && lexed.is_empty() {
        return Vec::new();
    }
    let index = LineIndex::new(source);
    let mut all: Vec<(u32, u32, String)> = Vec::new();
    for w in parsed {
        let line = index.line(w.base) + index.line(w.at) - index.line(w.start);
        all.push((w.at, line, w.message));
    }
    for w in lexed {
        all.push((w.at, index.line(w.at), w.message));
    }
    all.sort_by_key(|w| w.0);
    all.into_iter()
        .map(|(_, lineno, message)| SyntaxWarning {
            message,
            lineno,
            category: WarningCategory::SyntaxWarning,
        })
        .collect()
}

/// A token stream that may end in an error.
#[derive(Debug)]
pub struct TokenStream {
    /// Tokens up to the end marker or the error.
    pub tokens: Vec<Token>,
    /// Why it stopped.
    pub error: Option<SyntaxError>,
}

/// Tokens of `source`; with `extra` also comments and `NL`, as `tokenize` wants them.
pub fn tokenize(source: &str, extra: bool) -> TokenStream {
    let lexed = lexer::lex(source, lexer::LexOptions { extra, ..Default::default() });
    let error = lexed.error.as_ref().map(|e| diagnose::lexer_error(source, &lexed, e));
    let mut tokens = Vec::with_capacity(lexed.tokens.len() + 1);
    for token in lexed.tokens {
        // Nobody has imported `barry_as_FLUFL` here.
        if token.kind == Tok::LessGreater {
            let middle = token.start + 1;
            tokens.push(Token { kind: Tok::Less, end: middle, ..token });
            tokens.push(Token { kind: Tok::Greater, start: middle, ..token });
        } else {
            tokens.push(token);
        }
    }
    if extra && (error.is_none() || error.as_ref().is_some_and(|e| e.message.ends_with("was never closed"))) {
        end_last_line(source, &mut tokens);
    }
    TokenStream { tokens, error }
}

/// A last line without an end, in which there is no code or that is within brackets, has an empty `NL`.
fn end_last_line(source: &str, tokens: &mut Vec<Token>) {
    if source.is_empty() || source.ends_with(['\n', '\r']) {
        return;
    }
    let len = source.len() as u32;
    let at =
        tokens.iter().rposition(|t| !matches!(t.kind, Tok::Dedent | Tok::EndMarker)).map_or(0, |i| i + 1);
    let last = at.checked_sub(1).and_then(|i| tokens.get(i));
    let ended = last.is_some_and(|t| t.kind == Tok::Newline && t.end == len);
    let rest = source.get(last.map_or(0, |t| t.end as usize)..).unwrap_or("");
    if !ended && rest.chars().all(|c| matches!(c, ' ' | '\t' | '\x0c')) {
        tokens.insert(at, Token { kind: Tok::Nl, start: len, end: len });
    }
}
