//! The second pass (stub).
use crate::error::*;
use crate::lexer::{LexError, Lexed};
pub(crate) fn lexer_error(_s: &str, _l: &Lexed, e: &LexError) -> SyntaxError {
    SyntaxError { kind: e.kind, message: e.message.clone(), lineno: 0, offset: 0, end_lineno: 0, end_offset: 0, text: None }
}
pub(crate) fn diagnose(source: &str, options: &crate::Options, top: usize, _too: bool) -> SyntaxError {
    let _ = (source, options);
    SyntaxError { kind: ErrorKind::Syntax, message: format!("failed at token {top}"), lineno: 0, offset: 0, end_lineno: 0, end_offset: 0, text: None }
}
