//! The second pass: why a source does not parse, in CPython's words and places.
//!
//! Walks the grammar of `grammar.rs` over the same tokens, first without the
//! error alternatives (which finds how far CPython would have read), then with
//! them. Runs only after the fast pass has failed, from the top-level statement
//! it failed in, so its speed hardly matters. Not here: building trees.

mod actions;
mod compile;
mod engine;
mod grammar;

use std::borrow::Cow;

use crate::error::{Context, ErrorKind, SyntaxError};
use crate::lexer::{LexEnd, LexError, Lexed, Tok, Token, lex};
use crate::{LineIndex, Mode, Options};
use engine::{Engine, Stop};

/// The source as the error reports see it: `\n` line ends only.
pub(super) struct Source<'s> {
    pub text: &'s str,
    index: LineIndex,
}

/// A position range as CPython's error functions take it: columns are 1-based bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub line: u32,
    pub col: i64,
    pub end_line: u32,
    pub end_col: i64,
}

impl<'s> Source<'s> {
    fn new(text: &'s str) -> Self {
        Source { text, index: LineIndex::new(text) }
    }

    /// Line and byte column; the end of input counts to the last line with text.
    pub fn line_col(&self, pos: u32) -> (u32, u32) {
        let len = self.text.len() as u32;
        if pos >= len && self.text.ends_with('\n') {
            let (line, col) = self.index.line_col(len - 1);
            return (line, col + 1 + (pos - len));
        }
        self.index.line_col(pos)
    }

    pub fn line(&self, pos: u32) -> u32 {
        self.line_col(pos).0
    }

    /// Text of a line, with its line end if asked.
    fn line_text(&self, line: u32, newline: bool) -> &'s str {
        let start = self.index.line_start(line).unwrap_or(self.text.len() as u32) as usize;
        let rest = self.text.get(start..).unwrap_or("");
        match rest.find('\n') {
            Some(i) => &rest[..i + usize::from(newline)],
            None => rest,
        }
    }
}

/// Characters in the first `col` bytes of `text`; past the end counts one more at most.
fn char_column(text: &str, col: i64) -> i32 {
    if col <= 0 {
        return col as i32;
    }
    let bytes = text.as_bytes();
    let take = (col as usize).min(bytes.len());
    let chars = bytes[..take].iter().filter(|b| *b & 0xC0 != 0x80).count();
    (chars + usize::from(col as usize > bytes.len())) as i32
}

/// Build the error for `place`, when the lexer has read up to `cursor`.
pub(super) fn build(
    source: &Source<'_>,
    kind: ErrorKind,
    message: String,
    place: Place,
    last: Option<Token>,
) -> SyntaxError {
    let (mut read_from, mut read_to) = (1, 1);
    if let Some(t) = last {
        read_to = match t.kind {
            Tok::Newline => source.line(t.start),
            _ => source.line(t.end),
        };
        read_from = if t.kind == Tok::String { source.line(t.start) } else { read_to };
    }
    let text = if read_to <= place.line {
        let mut text = String::new();
        for line in read_from..=read_to {
            text.push_str(source.line_text(line, true));
        }
        text
    } else {
        source.line_text(place.line, false).to_string()
    };
    SyntaxError {
        kind,
        message,
        lineno: place.line,
        offset: char_column(&text, place.col),
        end_lineno: place.end_line as i32,
        end_offset: char_column(&text, place.end_col),
        text: Some(text),
        context: None,
    }
}

/// `'(' was never closed`
pub(super) fn unclosed(source: &Source<'_>, lexed: &Lexed, last: Option<Token>) -> Option<SyntaxError> {
    let open = lexed.parens.last()?;
    let (line, col) = source.line_col(open.pos);
    let place = Place { line, col: i64::from(col) + 1, end_line: line, end_col: 0 };
    let message = format!("'{}' was never closed", open.byte as char);
    Some(build(source, ErrorKind::Syntax, message, place, last))
}

/// The lexer's own error as a `SyntaxError`.
fn lexer_error_in(source: &Source<'_>, lexed: &Lexed, e: &LexError) -> SyntaxError {
    let end = source.text.len() as u32;
    let last = Token { kind: Tok::Error, start: e.at, end: e.at };
    if e.eof {
        let last = Token { kind: Tok::Error, start: end, end };
        if let Some(err) = unclosed(source, lexed, Some(last)) {
            return err;
        }
        let (line, col) = source.line_col(e.at);
        let place = Place { line, col: i64::from(col), end_line: line, end_col: -1 };
        return build(source, e.kind, e.message.clone(), place, Some(last));
    }
    let line = source.line(e.at);
    if e.kind == ErrorKind::Indentation && !e.soft {
        let text = source.line_text(line, true);
        let place = Place { line, col: text.len() as i64, end_line: line, end_col: -1 };
        return build(source, e.kind, e.message.clone(), place, Some(last));
    }
    if e.soft {
        let mut col = source.line_col(e.column).1;
        if e.message.starts_with("unexpected character after line") {
            col = continued_column(source.text, e.column, col);
        }
        let place = Place { line, col: i64::from(col), end_line: line, end_col: 0 };
        return build(source, e.kind, e.message.clone(), place, Some(last));
    }
    let text = source.line_text(line, false);
    let start = e.at - source.line_col(e.at).1;
    let column = |pos: u32| -> i32 {
        char_column(text, i64::from(pos.saturating_sub(start)).min(text.len() as i64 + 1))
    };
    let offset = column(e.column);
    let end_offset = match e.end {
        LexEnd::Same => offset,
        LexEnd::Offset(p) => column(p),
        LexEnd::Literal(n) => n,
    };
    SyntaxError {
        kind: e.kind,
        message: e.message.clone(),
        lineno: line,
        offset,
        end_lineno: line as i32,
        end_offset,
        text: Some(text.to_string()),
        context: None,
    }
}

/// Column counted from the first of the lines joined by backslashes, as CPython does here.
fn continued_column(text: &str, pos: u32, col: u32) -> u32 {
    let bytes = text.as_bytes();
    let mut start = (pos - col) as usize;
    while start >= 2 && bytes.get(start - 1) == Some(&b'\n') && bytes.get(start - 2) == Some(&b'\\') {
        start = bytes[..start - 1].iter().rposition(|&b| b == b'\n').map_or(0, |i| i + 1);
    }
    pos - start as u32
}

/// The lexer's error for a source as the caller has it.
pub(crate) fn lexer_error(text: &str, lexed: &Lexed, e: &LexError) -> SyntaxError {
    lexer_error_in(&Source::new(text), lexed, e)
}

fn too_complex() -> SyntaxError {
    SyntaxError::without_place(
        ErrorKind::TooComplex,
        "Parser stack overflowed - Python source too complex to parse".into(),
    )
}

/// Plain `\n` line ends, and one at the end of a file.
fn normalise<'s>(source: &'s str, options: &Options) -> Cow<'s, str> {
    let mut text = Cow::Borrowed(source);
    if source.contains('\r') {
        text = Cow::Owned(source.replace("\r\n", "\n").replace('\r', "\n"));
    }
    if options.mode == Mode::Exec && !text.is_empty() && !text.ends_with('\n') {
        text.to_mut().push('\n');
    }
    text
}

/// Find out what is wrong with `source`, which the fast pass rejected in the top-level statement
/// that starts at token `top`.
pub(crate) fn diagnose(original: &str, options: &Options, top: usize, overflow: bool) -> SyntaxError {
    if overflow {
        return too_complex();
    }
    let text = normalise(original, options);
    let source = Source::new(&text);
    let lexed = lex(&text, options.lex_options());
    let mut error = find_out(&source, &lexed, options, top);
    if error.kind != ErrorKind::IncompleteInput {
        let (line, column) = last_compound(&source, &lexed.tokens, error.lineno);
        error.context = Some(Box::new(Context { line, column, source: text.into_owned() }));
    }
    error
}

/// Where the last compound statement begins that is complete before line `lineno`, functions aside.
fn last_compound(source: &Source<'_>, tokens: &[Token], lineno: u32) -> (u32, u32) {
    let stop = source.index.line_start(lineno).unwrap_or(source.text.len() as u32);
    // Those that go on: depth, where they begin, whether a clause has to follow.
    let mut open: Vec<(usize, u32, bool)> = Vec::new();
    let mut found: Option<u32> = None;
    let mut depth = 0_usize;
    let mut rest = tokens;
    while let Some(first) = rest.first() {
        match first.kind {
            Tok::Indent => depth += 1,
            Tok::Dedent => depth = depth.saturating_sub(1),
            _ => {
                let clause = matches!(first.kind, Tok::Else | Tok::Elif | Tok::Except | Tok::Finally);
                while let Some((level, start, needs_clause)) = open.last_mut() {
                    if *level < depth {
                        break;
                    }
                    // What has its clause may have another one, but need not.
                    if *level == depth && *needs_clause && clause {
                        *needs_clause = false;
                        break;
                    }
                    found = if *needs_clause { found } else { found.max(Some(*start)) };
                    open.pop();
                }
                let Some(end) = rest.iter().position(|t| t.kind == Tok::Newline) else {
                    break;
                };
                if rest.get(end).is_none_or(|t| t.start >= stop) {
                    break;
                }
                let keyword = match first.kind {
                    Tok::Async => rest.get(1).map_or(Tok::Async, |t| t.kind),
                    kind => kind,
                };
                let compound = match keyword {
                    Tok::If | Tok::While | Tok::For | Tok::With | Tok::Try | Tok::Class => true,
                    Tok::Name => {
                        let word = source.text.get(first.start as usize..first.end as usize);
                        let colon = end.checked_sub(1).and_then(|i| rest.get(i));
                        word == Some("match") && colon.is_some_and(|t| t.kind == Tok::Colon)
                    }
                    _ => false,
                };
                if compound {
                    open.push((depth, first.start, keyword == Tok::Try));
                }
                rest = rest.get(end..).unwrap_or(&[]);
            }
        }
        rest = rest.get(1..).unwrap_or(&[]);
    }
    found.map_or((0, 0), |start| source.line_col(start))
}

/// What is wrong with the source.
fn find_out(source: &Source<'_>, lexed: &Lexed, options: &Options, top: usize) -> SyntaxError {
    let top = if options.mode == Mode::Exec && top <= lexed.tokens.len() { top } else { 0 };
    let levels = bracket_levels(&lexed.tokens);
    let root = match options.mode {
        Mode::Exec => "file",
        Mode::Eval => "eval",
        Mode::Single => "interactive",
        Mode::FuncType => "func_type",
    };
    let mut engine = Engine::new(source, lexed, &levels, options, top);
    let first = engine.run(root, false);
    let incomplete = options.allow_incomplete_input
        && (engine.read_all() || engine.lexer_stopped() && engine.lexer_at_end());
    match first {
        Ok(true) => {
            // Only an interactive statement followed by more gets here.
            return engine.here(
                ErrorKind::Syntax,
                if options.mode == Mode::Single {
                    "multiple statements found while compiling a single statement"
                } else {
                    "invalid syntax"
                },
            );
        }
        Err(Stop::TooComplex) => return too_complex(),
        Err(Stop::Error(e)) if !incomplete => return *e,
        Err(_) | Ok(false) if incomplete => {
            return engine.here(ErrorKind::IncompleteInput, "incomplete input");
        }
        _ => {}
    }
    let last = engine.last();
    match engine.run(root, true) {
        Err(Stop::TooComplex) => too_complex(),
        Err(Stop::Error(e)) => {
            if engine.lexer_stopped() {
                return *e;
            }
            rest_of_file(source, lexed, engine.last()).unwrap_or(*e)
        }
        Ok(_) => {
            let Some(last) = last else {
                return SyntaxError {
                    kind: ErrorKind::Syntax,
                    message: "invalid syntax".into(),
                    lineno: 0,
                    offset: 0,
                    end_lineno: 0,
                    end_offset: 0,
                    text: Some(String::new()),
                    context: None,
                };
            };
            if source.text.is_empty() {
                return SyntaxError {
                    kind: ErrorKind::Syntax,
                    message: "invalid syntax".into(),
                    lineno: 0,
                    offset: 0,
                    end_lineno: 0,
                    end_offset: 0,
                    text: Some(String::new()),
                    context: None,
                };
            }
            match last.kind {
                Tok::Indent => engine.here(ErrorKind::Indentation, "unexpected indent"),
                Tok::Dedent => engine.here(ErrorKind::Indentation, "unexpected unindent"),
                _ => {
                    let e = engine.at_token(last, "invalid syntax");
                    rest_of_file(source, lexed, engine.last()).unwrap_or(e)
                }
            }
        }
    }
}

/// What the lexer finds further on takes precedence over a parser error.
fn rest_of_file(source: &Source<'_>, lexed: &Lexed, last: Option<Token>) -> Option<SyntaxError> {
    let e = lexed.error.as_ref()?;
    if e.in_string {
        return None;
    }
    if !e.soft && e.kind != ErrorKind::Indentation {
        return Some(lexer_error_in(source, lexed, e));
    }
    let open = lexed.parens.last()?;
    let here = last.map_or(1, |t| source.line(t.start));
    if here > source.line(open.pos) {
        let end = source.text.len() as u32;
        return unclosed(source, lexed, Some(Token { kind: Tok::Error, start: end, end }));
    }
    None
}

/// Bracket depth after each token.
fn bracket_levels(tokens: &[Token]) -> Vec<u16> {
    let mut level: u16 = 0;
    tokens
        .iter()
        .map(|t| {
            match t.kind {
                Tok::LPar | Tok::LSqb | Tok::LBrace => level = level.saturating_add(1),
                Tok::RPar | Tok::RSqb | Tok::RBrace => level = level.saturating_sub(1),
                _ => {}
            }
            level
        })
        .collect()
}
