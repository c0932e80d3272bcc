//! Byte-level lexer: source text to a vector of 12-byte tokens.
//!
//! Produces the tokens CPython's tokenizer would (keywords resolved), f-string
//! and t-string parts included, and stops at the first error, which it records
//! with CPython's wording and position. Comments and `NL` are emitted only on
//! request (`extra`). Line ends may be `\n`, `\r\n` or `\r`. Not here: the values
//! of literals (see `parser/strings.rs`, `parser/numbers.rs`).

mod fstring;
mod number;
mod token;

pub use token::{Tok, Token};

use crate::error::ErrorKind;
use fstring::FString;

/// Deepest nesting of brackets.
const MAX_PARENS: usize = 200;
/// Deepest indentation.
const MAX_INDENT: usize = 100;

/// Why the lexer stopped.
#[derive(Clone, Debug)]
pub(crate) struct LexError {
    pub kind: ErrorKind,
    pub message: String,
    /// Where the lexer stood; decides the line.
    pub at: u32,
    /// Byte offset giving the reported column (characters from the line start up to here).
    pub column: u32,
    /// The same for the end column; `None` means "same as `column`".
    pub end: LexEnd,
    /// The end of input was reached within brackets or after a backslash.
    pub eof: bool,
    /// The end of input was reached within a string.
    pub at_end: bool,
    /// It happened within an f-string or t-string.
    pub in_string: bool,
    /// CPython raises this one in the parser (no exception was set by the tokenizer).
    pub soft: bool,
}

/// End column of a lexer error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LexEnd {
    Same,
    Offset(u32),
    /// A number to report as it is.
    Literal(i32),
}

/// An open bracket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paren {
    pub byte: u8,
    pub pos: u32,
}

/// What the lexer noticed but accepts.
#[derive(Clone, Debug)]
pub(crate) struct LexWarning {
    pub at: u32,
    pub message: String,
}

/// Result of lexing a whole source.
#[derive(Debug)]
pub(crate) struct Lexed {
    pub tokens: Vec<Token>,
    pub error: Option<LexError>,
    /// Brackets open at the end or at the error.
    pub parens: Vec<Paren>,
    pub warnings: Vec<LexWarning>,
    /// `# type: ignore` comments: position and range of the tag.
    pub type_ignores: Vec<(u32, u32)>,
}

/// What to do at the end of the input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LexEof {
    /// As if a line end were there (files).
    #[default]
    Newline,
    /// Nothing (expressions).
    Plain,
    /// Interactive statement: one line end more than there is; open blocks are closed if asked.
    Interactive {
        /// Whether open blocks are closed.
        dedent: bool,
    },
}

/// What to produce.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LexOptions {
    pub extra: bool,
    pub type_comments: bool,
    pub eof: LexEof,
}

type LResult<T> = Result<T, Box<LexError>>;

pub(crate) struct Lexer<'s> {
    src: &'s str,
    bytes: &'s [u8],
    pos: usize,
    tokens: Vec<Token>,
    parens: Vec<Paren>,
    indents: Vec<(u32, u32)>,
    fstrings: Vec<FString>,
    at_bol: bool,
    options: LexOptions,
    warnings: Vec<LexWarning>,
    type_ignores: Vec<(u32, u32)>,
}

/// Lex all of `src`.
pub(crate) fn lex(src: &str, options: LexOptions) -> Lexed {
    let mut lexer = Lexer {
        src,
        bytes: src.as_bytes(),
        pos: 0,
        tokens: Vec::with_capacity(src.len() / 4 + 8),
        parens: Vec::new(),
        indents: vec![(0, 0)],
        fstrings: Vec::new(),
        at_bol: true,
        options,
        warnings: Vec::new(),
        type_ignores: Vec::new(),
    };
    let mut error = lexer.run().err().map(|e| *e);
    if let Some(e) = &mut error {
        e.in_string = !lexer.fstrings.is_empty();
        e.at_end = e.eof
            || e.message.starts_with("unterminated triple")
            || (e.message.starts_with("unterminated string") && lexer.pos >= src.len());
    }
    Lexed {
        tokens: lexer.tokens,
        error,
        parens: lexer.parens,
        warnings: lexer.warnings,
        type_ignores: lexer.type_ignores,
    }
}

/// Byte classes for identifiers.
const fn ident_table() -> [bool; 256] {
    let mut t = [false; 256];
    let mut i = 0;
    while i < 256 {
        let b = i as u8;
        t[i] = b.is_ascii_alphanumeric() || b == b'_' || b >= 128;
        i += 1;
    }
    t
}
static IDENT: [bool; 256] = ident_table();

fn is_ident_start(b: u8) -> bool {
    b.is_ascii_alphabetic() || b == b'_' || b >= 128
}

impl<'s> Lexer<'s> {
    #[inline(always)]
    fn byte(&self, i: usize) -> u8 {
        match self.bytes.get(i) {
            Some(&b) => b,
            None => 0,
        }
    }

    #[inline(always)]
    fn at(&self, ahead: usize) -> u8 {
        self.byte(self.pos + ahead)
    }

    #[inline(always)]
    fn push(&mut self, kind: Tok, start: usize) {
        self.tokens.push(Token { kind, start: start as u32, end: self.pos as u32 });
    }

    #[cold]
    fn error<T>(&self, message: impl Into<String>) -> LResult<T> {
        Err(Box::new(LexError {
            kind: ErrorKind::Syntax,
            message: message.into(),
            at: self.pos as u32,
            column: self.pos as u32,
            end: LexEnd::Same,
            eof: false,
            at_end: false,
            in_string: false,
            soft: false,
        }))
    }

    #[cold]
    fn error_at<T>(&self, pos: usize, message: impl Into<String>) -> LResult<T> {
        Err(Box::new(LexError {
            kind: ErrorKind::Syntax,
            message: message.into(),
            at: pos as u32,
            column: pos as u32,
            end: LexEnd::Same,
            eof: false,
            at_end: false,
            in_string: false,
            soft: false,
        }))
    }

    #[cold]
    fn eof_error<T>(&self) -> LResult<T> {
        Err(Box::new(LexError {
            kind: ErrorKind::Syntax,
            message: "unexpected EOF while parsing".into(),
            at: self.pos as u32,
            column: self.pos as u32,
            end: LexEnd::Literal(0),
            eof: true,
            at_end: false,
            in_string: false,
            soft: true,
        }))
    }

    #[cold]
    fn warn(&mut self, at: usize, message: String) {
        self.warnings.push(LexWarning { at: at as u32, message });
    }

    /// Length of a line end at `i` (0, 1 or 2).
    #[inline]
    fn line_end(&self, i: usize) -> usize {
        match self.byte(i) {
            b'\n' => 1,
            b'\r' if self.byte(i + 1) == b'\n' => 2,
            b'\r' => 1,
            _ => 0,
        }
    }

    fn run(&mut self) -> LResult<()> {
        loop {
            if let Some(f) = self.fstrings.last()
                && f.in_text()
            {
                self.fstring_text()?;
                continue;
            }
            if self.at_bol {
                self.at_bol = false;
                if !self.line_start()? {
                    continue;
                }
            }
            if !self.token()? {
                return Ok(());
            }
        }
    }

    /// Indentation of a new logical line; false when the line was blank.
    fn line_start(&mut self) -> LResult<bool> {
        let mut col: u32 = 0;
        let mut alt: u32 = 0;
        let mut cont_col: u32 = 0;
        loop {
            match self.at(0) {
                b' ' => {
                    col += 1;
                    alt += 1;
                }
                b'\t' => {
                    col = (col / 8 + 1) * 8;
                    alt += 1;
                }
                0x0c => {
                    col = 0;
                    alt = 0;
                }
                b'\\' => {
                    if cont_col == 0 {
                        cont_col = col;
                    }
                    self.pos += 1;
                    self.continuation()?;
                    continue;
                }
                _ => break,
            }
            self.pos += 1;
        }
        let c = self.at(0);
        if c == b'#' || c == b'\n' || c == b'\r' {
            if c == b'#' {
                let before = self.tokens.len();
                self.comment();
                if self.tokens.len() > before && !self.options.extra {
                    // A type comment on a line of its own is followed by a line end token.
                    return Ok(true);
                }
            }
            let n = self.line_end(self.pos);
            if n > 0 {
                let start = self.pos;
                self.pos += n;
                if self.options.extra {
                    self.push(Tok::Nl, start);
                }
                self.at_bol = true;
                return Ok(false);
            }
            return Ok(true);
        }
        if self.pos >= self.bytes.len() && self.options.eof == LexEof::Newline {
            return Ok(true);
        }
        if cont_col != 0 {
            col = cont_col;
            alt = cont_col;
        }
        let (top, top_alt) = self.indents.last().copied().unwrap_or((0, 0));
        if col == top {
            if alt != top_alt {
                return self.tab_error();
            }
        } else if col > top {
            if self.indents.len() >= MAX_INDENT {
                return self.indent_error(ErrorKind::Indentation, "too many levels of indentation");
            }
            if alt <= top_alt {
                return self.tab_error();
            }
            self.indents.push((col, alt));
            let start = self.pos;
            self.push(Tok::Indent, start);
        } else {
            let mut popped = 0;
            while self.indents.len() > 1 && col < self.indents[self.indents.len() - 1].0 {
                self.indents.pop();
                popped += 1;
            }
            let (top, top_alt) = self.indents.last().copied().unwrap_or((0, 0));
            if col != top {
                return Err(Box::new(LexError {
                    kind: ErrorKind::Indentation,
                    message: "unindent does not match any outer indentation level".into(),
                    at: self.pos as u32,
                    column: self.pos as u32,
                    end: LexEnd::Literal(-1),
                    eof: false,
                    at_end: false,
                    in_string: false,
                    soft: false,
                }));
            }
            if alt != top_alt {
                return self.tab_error();
            }
            for _ in 0..popped {
                let start = self.pos;
                self.push(Tok::Dedent, start);
            }
        }
        Ok(true)
    }

    #[cold]
    fn tab_error<T>(&self) -> LResult<T> {
        self.indent_error(ErrorKind::Tab, "inconsistent use of tabs and spaces in indentation")
    }

    #[cold]
    fn indent_error<T>(&self, kind: ErrorKind, message: &str) -> LResult<T> {
        let line = self.bytes[..self.pos.min(self.bytes.len())]
            .iter()
            .rposition(|&b| b == b'\n' || b == b'\r')
            .map_or(0, |i| i + 1);
        Err(Box::new(LexError {
            kind,
            message: message.into(),
            at: self.pos as u32,
            column: (line + 1).min(self.bytes.len()) as u32,
            end: LexEnd::Literal(0),
            eof: false,
            at_end: false,
            in_string: false,
            soft: true,
        }))
    }

    /// After a backslash: the rest of a line continuation.
    fn continuation(&mut self) -> LResult<()> {
        let n = self.line_end(self.pos);
        if n == 0 {
            if self.pos >= self.bytes.len() && self.options.eof == LexEof::Newline {
                // A newline is implied at the very end, so only the end of input follows.
                return self.eof_error();
            }
            return Err(Box::new(LexError {
                kind: ErrorKind::Syntax,
                message: "unexpected character after line continuation character".into(),
                at: self.pos as u32,
                column: (self.pos as u32 + 1).min(self.bytes.len() as u32),
                end: LexEnd::Literal(0),
                eof: false,
                at_end: false,
                in_string: false,
                soft: true,
            }));
        }
        self.pos += n;
        if self.pos >= self.bytes.len() {
            return self.eof_error();
        }
        Ok(())
    }

    /// A comment up to, not including, the line end.
    fn comment(&mut self) {
        let start = self.pos;
        let rest = &self.bytes[start..];
        let len = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        self.pos = start + len;
        if self.options.type_comments && self.type_comment(start) {
            return;
        }
        if self.options.extra {
            self.push(Tok::Comment, start);
        }
    }

    fn type_comment(&mut self, start: usize) -> bool {
        let text = &self.bytes[start + 1..self.pos];
        let mut i = 0;
        while matches!(text.get(i), Some(b' ' | b'\t')) {
            i += 1;
        }
        if !text[i..].starts_with(b"type:") {
            return false;
        }
        i += 5;
        while matches!(text.get(i), Some(b' ' | b'\t')) {
            i += 1;
        }
        let body = &text[i..];
        let body_start = start + 1 + i;
        if body.starts_with(b"ignore") && !body.get(6).is_some_and(|&b| b >= 128 || b.is_ascii_alphanumeric())
        {
            self.type_ignores.push(((body_start + 6) as u32, self.pos as u32));
            return true;
        }
        self.push(Tok::TypeComment, body_start);
        true
    }

    /// One token in ordinary mode; false after the end marker.
    fn token(&mut self) -> LResult<bool> {
        let mut comment = None;
        loop {
            let c = self.at(0);
            match c {
                b' ' | b'\t' | 0x0c => {
                    self.pos += 1;
                }
                b'a'..=b'z' | b'A'..=b'Z' | b'_' | 128..=255 => {
                    self.name()?;
                    return Ok(true);
                }
                b'0'..=b'9' => {
                    self.number()?;
                    return Ok(true);
                }
                b'\n' | b'\r' => {
                    let start = self.pos;
                    self.pos += self.line_end(start);
                    if !self.parens.is_empty() {
                        if self.options.extra {
                            self.push(Tok::Nl, start);
                        }
                        continue;
                    }
                    // CPython starts the token at a comment before it.
                    self.push(Tok::Newline, comment.unwrap_or(start));
                    self.at_bol = true;
                    return Ok(true);
                }
                b'#' => {
                    let before = self.tokens.len();
                    if !self.options.extra && self.parens.is_empty() {
                        comment = Some(self.pos);
                    }
                    self.comment();
                    if self.tokens.len() != before {
                        return Ok(true);
                    }
                }
                b'"' | b'\'' => {
                    let start = self.pos;
                    self.string(start)?;
                    return Ok(true);
                }
                b'\\' => {
                    self.pos += 1;
                    self.continuation()?;
                }
                0 if self.pos >= self.bytes.len() => return self.end(),
                _ => {
                    self.operator(c)?;
                    return Ok(true);
                }
            }
        }
    }

    fn end(&mut self) -> LResult<bool> {
        if !self.parens.is_empty() {
            return self.eof_error();
        }
        let start = self.pos;
        let implied = self.options.eof == LexEof::Newline;
        let last = self.tokens.iter().rev().find(|t| !matches!(t.kind, Tok::Comment | Tok::Nl));
        let add = match self.options.eof {
            LexEof::Newline => {
                last.is_some_and(|t| !matches!(t.kind, Tok::Newline | Tok::Indent | Tok::Dedent))
            }
            LexEof::Plain => false,
            LexEof::Interactive { .. } => last.is_some(),
        };
        if add {
            self.push(Tok::Newline, start);
        }
        if implied || self.options.eof == (LexEof::Interactive { dedent: true }) {
            let open = self.indents.len() > 1;
            while self.indents.len() > 1 {
                self.indents.pop();
                self.push(Tok::Dedent, start);
            }
            if open && !implied {
                self.push(Tok::Newline, start);
            }
        }
        self.push(Tok::EndMarker, start);
        Ok(false)
    }

    fn name(&mut self) -> LResult<()> {
        let start = self.pos;
        let mut i = start;
        let mut ascii = true;
        while let Some(&b) = self.bytes.get(i) {
            if !IDENT[b as usize] {
                break;
            }
            ascii &= b < 128;
            i += 1;
        }
        // A string prefix?
        if i - start <= 5 && matches!(self.byte(i), b'"' | b'\'') {
            if self.prefix(&self.bytes[start..i]) {
                self.pos = i;
                return self.string(start);
            }
            self.pos = i;
            self.clashing_prefix(start)?;
        }
        self.pos = i;
        if !ascii {
            self.verify_identifier(start)?;
        }
        let kind = if ascii { Tok::keyword(&self.bytes[start..i]).unwrap_or(Tok::Name) } else { Tok::Name };
        self.push(kind, start);
        Ok(())
    }

    fn prefix(&self, p: &[u8]) -> bool {
        match p {
            [a] => matches!(a | 0x20, b'r' | b'b' | b'u' | b'f' | b't'),
            [a, b] => matches!((a | 0x20, b | 0x20), (b'r', b'b' | b'f' | b't') | (b'b' | b'f' | b't', b'r')),
            _ => false,
        }
    }

    /// Prefix letters that do not go together.
    #[cold]
    fn clashing_prefix(&self, start: usize) -> LResult<()> {
        let letters: Vec<u8> = self.bytes[start..self.pos].iter().map(|b| b | 0x20).collect();
        let has = |c: u8| letters.contains(&c);
        let distinct = letters.iter().enumerate().all(|(i, c)| !letters[..i].contains(c));
        if !distinct || !letters.iter().all(|c| matches!(c, b'r' | b'b' | b'u' | b'f' | b't')) {
            return Ok(());
        }
        for (a, b) in
            [(b'u', b'b'), (b'u', b'r'), (b'u', b'f'), (b'u', b't'), (b'b', b'f'), (b'b', b't'), (b'f', b't')]
        {
            if has(a) && has(b) {
                return Err(Box::new(LexError {
                    kind: ErrorKind::Syntax,
                    message: format!("'{}' and '{}' prefixes are incompatible", a as char, b as char),
                    at: self.pos as u32,
                    column: start as u32 + 1,
                    end: LexEnd::Offset(self.pos as u32 + 1),
                    eof: false,
                    at_end: false,
                    in_string: false,
                    soft: false,
                }));
            }
        }
        Ok(())
    }

    #[cold]
    fn verify_identifier(&mut self, start: usize) -> LResult<()> {
        let text = &self.src[start..self.pos];
        for (i, ch) in text.char_indices() {
            let ok = if i == 0 { ch == '_' || is_xid_start(ch) } else { is_xid_continue(ch) };
            if !ok {
                let end = start + i + ch.len_utf8();
                self.pos = end;
                if is_printable(ch) {
                    return self.error(format!("invalid character '{}' (U+{:04X})", ch, ch as u32));
                }
                return self.error(format!("invalid non-printable character U+{:04X}", ch as u32));
            }
        }
        Ok(())
    }

    /// A string whose prefix starts at `start` and whose quote is at the cursor.
    fn string(&mut self, start: usize) -> LResult<()> {
        let quote = self.at(0);
        let prefix = &self.bytes[start..self.pos];
        for &b in prefix {
            match b | 0x20 {
                b'f' => return self.fstring_start(start, false),
                b't' => return self.fstring_start(start, true),
                _ => {}
            }
        }
        if self.at(1) == quote && self.at(2) == quote {
            self.pos += 3;
            loop {
                let rest = self.bytes.get(self.pos..).unwrap_or(&[]);
                match memchr::memchr2(quote, b'\\', rest) {
                    Some(i) if rest[i] == b'\\' => self.pos = (self.pos + i + 2).min(self.bytes.len()),
                    Some(i) => {
                        if rest.get(i + 1) == Some(&quote) && rest.get(i + 2) == Some(&quote) {
                            self.pos += i + 3;
                            self.push(Tok::String, start);
                            return Ok(());
                        }
                        self.pos += i + 1;
                    }
                    None => {
                        if let Some(f) = self.fstrings.last()
                            && f.quote == quote
                            && f.size == 3
                        {
                            return self.fstring_unexpected_quote(start);
                        }
                        return self.unterminated(start, true, "");
                    }
                }
            }
        }
        self.pos += 1;
        let mut escaped_quote = false;
        loop {
            let c = self.at(0);
            if c == quote {
                self.pos += 1;
                self.push(Tok::String, start);
                return Ok(());
            }
            match c {
                b'\\' => {
                    let n = self.line_end(self.pos + 1);
                    if n > 0 {
                        self.pos += 1 + n;
                    } else {
                        if self.at(1) == quote {
                            escaped_quote = true;
                        }
                        self.pos = (self.pos + 2).min(self.bytes.len());
                    }
                }
                b'\n' | b'\r' => break,
                0 if self.pos >= self.bytes.len() => break,
                _ => self.pos += 1,
            }
        }
        if let Some(f) = self.fstrings.last()
            && f.quote == quote
            && f.size == 1
        {
            return self.fstring_unexpected_quote(start);
        }
        let hint = if escaped_quote { "; perhaps you escaped the end quote?" } else { "" };
        self.unterminated(start, false, hint)
    }

    #[cold]
    fn unterminated<T>(&mut self, start: usize, triple: bool, hint: &str) -> LResult<T> {
        let end = if triple { self.bytes.len() } else { self.pos.min(self.bytes.len()) };
        let line = self.line_number(end);
        let name = if triple { "triple-quoted string" } else { "string" };
        self.error_at(start + 1, format!("unterminated {name} literal (detected at line {line}){hint}"))
    }

    /// 1-based line of a byte; the end of input belongs to the last line with text.
    fn line_number(&self, pos: usize) -> u32 {
        let mut pos = pos.min(self.bytes.len());
        if pos == self.bytes.len() && pos > 0 && matches!(self.bytes[pos - 1], b'\n' | b'\r') {
            pos -= 1;
            if pos > 0 && self.bytes[pos] == b'\n' && self.bytes[pos - 1] == b'\r' {
                pos -= 1;
            }
        }
        let mut line = 1;
        let mut i = 0;
        while i < pos {
            let n = self.line_end(i);
            if n > 0 {
                line += 1;
                i += n;
            } else {
                i += 1;
            }
        }
        line
    }

    fn operator(&mut self, c: u8) -> LResult<()> {
        let start = self.pos;
        // In a replacement field, `:` and `!` at its own level end the expression.
        if c == b':'
            && let Some(f) = self.fstrings.last_mut()
            && f.at_field_level(self.parens.len())
        {
            f.enter_spec();
            self.pos += 1;
            self.push(Tok::Colon, start);
            return Ok(());
        }
        let c1 = self.at(1);
        let (kind, len) = match c {
            b'(' | b'[' | b'{' => return self.open(c),
            b')' | b']' | b'}' => return self.close(c),
            b',' => (Tok::Comma, 1),
            b';' => (Tok::Semi, 1),
            b'~' => (Tok::Tilde, 1),
            b':' => match c1 {
                b'=' => (Tok::ColonEqual, 2),
                _ => (Tok::Colon, 1),
            },
            b'.' => {
                if c1.is_ascii_digit() {
                    return self.number();
                }
                if c1 == b'.' && self.at(2) == b'.' { (Tok::Ellipsis, 3) } else { (Tok::Dot, 1) }
            }
            b'=' => match c1 {
                b'=' => (Tok::EqEqual, 2),
                _ => (Tok::Equal, 1),
            },
            b'!' => match c1 {
                b'=' => (Tok::NotEqual, 2),
                _ => (Tok::Exclamation, 1),
            },
            b'+' => match c1 {
                b'=' => (Tok::PlusEqual, 2),
                _ => (Tok::Plus, 1),
            },
            b'-' => match c1 {
                b'=' => (Tok::MinEqual, 2),
                b'>' => (Tok::Arrow, 2),
                _ => (Tok::Minus, 1),
            },
            b'*' => match (c1, self.at(2)) {
                (b'*', b'=') => (Tok::DoubleStarEqual, 3),
                (b'*', _) => (Tok::DoubleStar, 2),
                (b'=', _) => (Tok::StarEqual, 2),
                _ => (Tok::Star, 1),
            },
            b'/' => match (c1, self.at(2)) {
                (b'/', b'=') => (Tok::DoubleSlashEqual, 3),
                (b'/', _) => (Tok::DoubleSlash, 2),
                (b'=', _) => (Tok::SlashEqual, 2),
                _ => (Tok::Slash, 1),
            },
            b'<' => match (c1, self.at(2)) {
                (b'<', b'=') => (Tok::LeftShiftEqual, 3),
                (b'<', _) => (Tok::LeftShift, 2),
                (b'=', _) => (Tok::LessEqual, 2),
                (b'>', _) => (Tok::LessGreater, 2),
                _ => (Tok::Less, 1),
            },
            b'>' => match (c1, self.at(2)) {
                (b'>', b'=') => (Tok::RightShiftEqual, 3),
                (b'>', _) => (Tok::RightShift, 2),
                (b'=', _) => (Tok::GreaterEqual, 2),
                _ => (Tok::Greater, 1),
            },
            b'%' => match c1 {
                b'=' => (Tok::PercentEqual, 2),
                _ => (Tok::Percent, 1),
            },
            b'&' => match c1 {
                b'=' => (Tok::AmperEqual, 2),
                _ => (Tok::Amper, 1),
            },
            b'|' => match c1 {
                b'=' => (Tok::VBarEqual, 2),
                _ => (Tok::VBar, 1),
            },
            b'^' => match c1 {
                b'=' => (Tok::CircumflexEqual, 2),
                _ => (Tok::Circumflex, 1),
            },
            b'@' => match c1 {
                b'=' => (Tok::AtEqual, 2),
                _ => (Tok::At, 1),
            },
            b'$' | b'?' | b'`' => {
                self.pos += 1;
                self.push(Tok::Error, start);
                return Ok(());
            }
            _ => {
                self.pos += 1;
                return self.error(format!("invalid non-printable character U+{:04X}", c));
            }
        };
        self.pos += len;
        self.push(kind, start);
        Ok(())
    }

    fn open(&mut self, c: u8) -> LResult<()> {
        let start = self.pos;
        self.pos += 1;
        if self.parens.len() >= MAX_PARENS {
            return self.error("too many nested parentheses");
        }
        self.parens.push(Paren { byte: c, pos: start as u32 });
        self.push(
            match c {
                b'(' => Tok::LPar,
                b'[' => Tok::LSqb,
                _ => Tok::LBrace,
            },
            start,
        );
        Ok(())
    }

    fn close(&mut self, c: u8) -> LResult<()> {
        let start = self.pos;
        self.pos += 1;
        if let Some(f) = self.fstrings.last()
            && self.parens.len() <= f.base
        {
            let letter = f.letter();
            return self.error(if c == b'}' {
                format!("{letter}-string: single '}}' is not allowed")
            } else {
                format!("{letter}-string: unmatched '{}'", c as char)
            });
        }
        // `tokenize` shows what does not match, too.
        let lenient = self.options.extra && self.fstrings.is_empty();
        let Some(open) = self.parens.last().copied() else {
            if lenient {
                self.push_closing(c, start);
                return Ok(());
            }
            return self.error(format!("unmatched '{}'", c as char));
        };
        let want = match open.byte {
            b'(' => b')',
            b'[' => b']',
            _ => b'}',
        };
        if want != c && !lenient {
            if let Some(f) = self.fstrings.last()
                && open.byte == b'{'
                && f.at_field_level(self.parens.len())
            {
                let letter = f.letter();
                return self.error(format!("{letter}-string: unmatched '{}'", c as char));
            }
            let here = self.line_number(start);
            let there = self.line_number(open.pos as usize);
            return self.error(if here == there {
                format!(
                    "closing parenthesis '{}' does not match opening parenthesis '{}'",
                    c as char, open.byte as char
                )
            } else {
                format!(
                    "closing parenthesis '{}' does not match opening parenthesis '{}' on line {there}",
                    c as char, open.byte as char
                )
            });
        }
        self.parens.pop();
        if c == b'}'
            && let Some(f) = self.fstrings.last_mut()
            && f.at_field_level(self.parens.len() + 1)
        {
            f.leave_field();
        }
        self.push_closing(c, start);
        Ok(())
    }

    fn push_closing(&mut self, c: u8, start: usize) {
        let kind = match c {
            b')' => Tok::RPar,
            b']' => Tok::RSqb,
            _ => Tok::RBrace,
        };
        self.push(kind, start);
    }
}

/// Whether `ch` can start an identifier (Python's XID_Start plus what NFKC allows).
pub(crate) fn is_xid_start(ch: char) -> bool {
    unicode_ident::is_xid_start(ch)
}

/// Whether `ch` can continue an identifier.
pub(crate) fn is_xid_continue(ch: char) -> bool {
    unicode_ident::is_xid_continue(ch)
}

/// Approximation of `str.isprintable` for one character.
fn is_printable(ch: char) -> bool {
    let c = ch as u32;
    !(ch.is_control()
        || (ch.is_whitespace() && ch != ' ')
        || matches!(c,
            0xAD | 0x600..=0x605 | 0x61C | 0x6DD | 0x70F | 0x180E | 0x200B..=0x200F | 0x202A..=0x202E
            | 0x2060..=0x206F | 0xFEFF | 0xFFF9..=0xFFFB | 0xE000..=0xF8FF | 0xFFFE | 0xFFFF
            | 0xE0000..=0xE007F | 0xF0000..=0x10FFFF))
}
