//! The text parts of f-strings and t-strings.
//!
//! A stack of open strings says whether the cursor is in literal text or in a
//! replacement field; fields are lexed by the ordinary code, which calls back
//! here at the `:` and `}` that belong to the field itself.

use super::{LResult, Lexer, Tok};

/// Deepest nesting of strings within strings.
const MAX_STRINGS: usize = 150;
/// Deepest nesting of fields within format specs.
const MAX_FIELDS: usize = 3;

/// An open f-string or t-string.
#[derive(Debug)]
pub(super) struct FString {
    pub quote: u8,
    /// 1 or 3.
    pub size: usize,
    raw: bool,
    template: bool,
    start: usize,
    /// Brackets open when the string began.
    pub base: usize,
    /// Open replacement fields: bracket depth within, and whether in the format spec.
    fields: Vec<(usize, bool)>,
}

impl FString {
    pub fn in_text(&self) -> bool {
        self.fields.last().is_none_or(|f| f.1)
    }
    pub fn at_field_level(&self, depth: usize) -> bool {
        self.fields.last().is_some_and(|f| f.0 == depth)
    }
    pub fn enter_spec(&mut self) {
        if let Some(f) = self.fields.last_mut() {
            f.1 = true;
        }
    }
    pub fn leave_field(&mut self) {
        self.fields.pop();
    }
    pub fn letter(&self) -> char {
        if self.template { 't' } else { 'f' }
    }
}

impl Lexer<'_> {
    /// The opening quote; the cursor is on it and the prefix starts at `start`.
    pub(super) fn fstring_start(&mut self, start: usize, template: bool) -> LResult<()> {
        let quote = self.at(0);
        let raw = self.bytes[start..self.pos].iter().any(|b| b | 0x20 == b'r');
        let size = if self.at(1) == quote && self.at(2) == quote { 3 } else { 1 };
        self.pos += size;
        if self.fstrings.len() + 1 >= MAX_STRINGS {
            return self.error("too many nested f-strings or t-strings");
        }
        self.fstrings.push(FString {
            quote,
            size,
            raw,
            template,
            start,
            base: self.parens.len(),
            fields: Vec::new(),
        });
        self.push(if template { Tok::TStringStart } else { Tok::FStringStart }, start);
        Ok(())
    }

    fn at_quote(&self, quote: u8, size: usize) -> bool {
        self.at(0) == quote && (size == 1 || (self.at(1) == quote && self.at(2) == quote))
    }

    /// Literal text up to a field, a doubled brace or the closing quote.
    pub(super) fn fstring_text(&mut self) -> LResult<()> {
        let Some(f) = self.fstrings.last() else { return Ok(()) };
        let (quote, size, raw, template) = (f.quote, f.size, f.raw, f.template);
        let in_spec = f.fields.last().is_some_and(|x| x.1);
        let middle = if template { Tok::TStringMiddle } else { Tok::FStringMiddle };
        let start = self.pos;
        // Directly at a field?
        match (self.at(0), self.at(1)) {
            (b'{', next) if next != b'{' || in_spec => return self.field_open(),
            (b'}', _) if in_spec => {
                // A format spec always has some text at its end, be it empty.
                if self.tokens.last().is_some_and(|t| t.kind != middle) {
                    self.push(middle, start);
                }
                return self.field_close();
            }
            (b'}', next) if next != b'}' => return self.field_close(),
            _ => {}
        }
        if self.at_quote(quote, size) {
            self.pos += size;
            self.push(if template { Tok::TStringEnd } else { Tok::FStringEnd }, start);
            // An unfinished field keeps its brackets; the parser will complain.
            self.fstrings.pop();
            return Ok(());
        }
        let mut in_name = false;
        loop {
            if self.pos >= self.bytes.len() {
                return self.fstring_unterminated();
            }
            let c = self.at(0);
            match c {
                b'\n' | b'\r' if size == 1 => {
                    if in_spec {
                        let letter = if template { 't' } else { 'f' };
                        let mut e = self.error::<()>(format!(
                            "{letter}-string: newlines are not allowed in format specifiers \
                             for single quoted {letter}-strings"
                        ));
                        if let Err(e) = &mut e {
                            e.column += 1;
                        }
                        return e;
                    }
                    return self.fstring_unterminated();
                }
                b'{' => {
                    if self.at(1) != b'{' || in_spec {
                        self.push(middle, start);
                    } else {
                        self.pos += 1;
                        self.push(middle, start);
                        self.pos += 1;
                    }
                    return Ok(());
                }
                b'}' => {
                    if in_name {
                        self.pos += 1;
                        self.push(middle, start);
                        return Ok(());
                    }
                    if self.at(1) == b'}' && !in_spec {
                        self.pos += 1;
                        self.push(middle, start);
                        self.pos += 1;
                    } else {
                        self.push(middle, start);
                    }
                    return Ok(());
                }
                b'\\' => {
                    match self.at(1) {
                        b'{' | b'}' => {
                            // A lone backslash; decoding warns about it.
                            self.pos += 1;
                        }
                        b'N' if !raw && self.at(2) == b'{' => {
                            in_name = true;
                            self.pos += 3;
                        }
                        b'\r' if self.at(2) == b'\n' => self.pos += 3,
                        _ => self.pos = (self.pos + 2).min(self.bytes.len()),
                    }
                }
                _ if c == quote && self.at_quote(quote, size) => {
                    self.push(middle, start);
                    return Ok(());
                }
                _ => self.pos += 1,
            }
        }
    }

    fn field_open(&mut self) -> LResult<()> {
        let depth = self.parens.len() + 1;
        if let Some(f) = self.fstrings.last_mut() {
            f.fields.push((depth, false));
            if f.fields.len() > MAX_FIELDS {
                let letter = f.letter();
                return self.error(format!("{letter}-string: expressions nested too deeply"));
            }
        }
        self.open(b'{')
    }

    fn field_close(&mut self) -> LResult<()> {
        self.close(b'}')
    }

    #[cold]
    fn fstring_unterminated<T>(&mut self) -> LResult<T> {
        let Some(f) = self.fstrings.last() else { return self.eof_error() };
        let line = self.line_number(self.pos);
        let kind = if f.size == 3 { "triple-quoted " } else { "" };
        let letter = f.letter();
        let start = f.start;
        self.error_at(
            start + 1,
            format!("unterminated {kind}{letter}-string literal (detected at line {line})"),
        )
    }

    /// A string opened with the quote of the enclosing f-string and never closed: it was meant to end it.
    #[cold]
    pub(super) fn fstring_unexpected_quote<T>(&mut self, start: usize) -> LResult<T> {
        self.pos = start + 1;
        let letter = self.fstrings.last().map_or('f', FString::letter);
        self.error(format!("{letter}-string: expecting '}}'"))
    }
}
