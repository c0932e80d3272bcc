//! Numeric literals in the lexer: where they end and what is wrong with them.
//!
//! Their values are computed later, in `parser/numbers.rs`.

use super::{LResult, LexEnd, LexError, Lexer, Tok, is_ident_start};
use crate::error::ErrorKind;

impl Lexer<'_> {
    /// A number starting at the cursor with a digit or with `.` and a digit.
    pub(super) fn number(&mut self) -> LResult<()> {
        let start = self.pos;
        let c = self.at(0);
        if c == b'0' {
            let (radix, name): (u8, &str) = match self.at(1) | 0x20 {
                b'x' => (16, "hexadecimal"),
                b'o' => (8, "octal"),
                b'b' => (2, "binary"),
                _ => return self.zero(start),
            };
            self.pos += 2;
            loop {
                if self.at(0) == b'_' {
                    self.pos += 1;
                }
                let c = self.at(0);
                if !digit_of(c, radix) {
                    if c.is_ascii_digit() {
                        self.pos += 1;
                        return self.error(format!("invalid digit '{}' in {name} literal", c as char));
                    }
                    return self.error(format!("invalid {name} literal"));
                }
                while digit_of(self.at(0), radix) {
                    self.pos += 1;
                }
                if self.at(0) != b'_' {
                    break;
                }
            }
            let c = self.at(0);
            if c.is_ascii_digit() {
                self.pos += 1;
                return self.error(format!("invalid digit '{}' in {name} literal", c as char));
            }
            self.end_of_number(name)?;
            self.push(Tok::Number, start);
            return Ok(());
        }
        if c != b'.' {
            self.decimal_tail()?;
        }
        self.fraction_or_end(start)
    }

    /// Digits with single underscores between them.
    fn decimal_tail(&mut self) -> LResult<()> {
        loop {
            while self.at(0).is_ascii_digit() {
                self.pos += 1;
            }
            if self.at(0) != b'_' {
                return Ok(());
            }
            self.pos += 1;
            if !self.at(0).is_ascii_digit() {
                return self.error("invalid decimal literal");
            }
        }
    }

    fn zero(&mut self, start: usize) -> LResult<()> {
        let mut nonzero = false;
        loop {
            if self.at(0) == b'_' {
                self.pos += 1;
                if !self.at(0).is_ascii_digit() {
                    return self.error("invalid decimal literal");
                }
            }
            if self.at(0) != b'0' {
                break;
            }
            self.pos += 1;
        }
        let zeros_end = self.pos;
        if self.at(0).is_ascii_digit() {
            nonzero = true;
            self.decimal_tail()?;
        }
        match self.at(0) {
            b'.' | b'e' | b'E' | b'j' | b'J' => self.fraction_or_end(start),
            _ if nonzero && !self.options.extra => Err(Box::new(LexError {
                kind: ErrorKind::Syntax,
                message: "leading zeros in decimal integer literals are not permitted; \
                          use an 0o prefix for octal integers"
                    .into(),
                at: self.pos as u32,
                column: start as u32 + 1,
                end: LexEnd::Offset(zeros_end as u32 + 1),
                eof: false,
                at_end: false,
                in_string: false,
                soft: false,
            })),
            _ => {
                self.end_of_number("decimal")?;
                self.push(Tok::Number, start);
                Ok(())
            }
        }
    }

    /// After the integer part of a decimal number.
    fn fraction_or_end(&mut self, start: usize) -> LResult<()> {
        if self.at(0) == b'.' {
            self.pos += 1;
            if self.at(0).is_ascii_digit() {
                self.decimal_tail()?;
            }
        }
        if matches!(self.at(0), b'e' | b'E') {
            let mark = self.pos;
            self.pos += 1;
            if matches!(self.at(0), b'+' | b'-') {
                self.pos += 1;
                if !self.at(0).is_ascii_digit() {
                    return self.error("invalid decimal literal");
                }
                self.decimal_tail()?;
            } else if self.at(0).is_ascii_digit() {
                self.decimal_tail()?;
            } else {
                self.pos = mark;
                self.end_of_number("decimal")?;
                self.push(Tok::Number, start);
                return Ok(());
            }
        }
        if matches!(self.at(0), b'j' | b'J') {
            self.pos += 1;
            self.end_of_number("imaginary")?;
        } else {
            self.end_of_number("decimal")?;
        }
        self.push(Tok::Number, start);
        Ok(())
    }

    /// A number must not run into a word; keywords are tolerated with a warning.
    fn end_of_number(&mut self, name: &str) -> LResult<()> {
        if self.options.extra {
            return Ok(());
        }
        let c = self.at(0);
        if c >= 128 || (!is_ident_start(c) && !c.is_ascii_digit()) {
            return Ok(());
        }
        let rest = &self.bytes[self.pos..];
        let word =
            |w: &[u8]| rest.starts_with(w) && !rest.get(w.len()).is_some_and(|&b| super::IDENT[b as usize]);
        let tolerated = match c {
            b'a' => word(b"and"),
            b'e' => word(b"else"),
            b'f' => word(b"for"),
            b'i' => matches!(rest.get(1), Some(b'f' | b'n' | b's')),
            b'o' => word(b"or"),
            b'n' => word(b"not"),
            _ => false,
        };
        if tolerated {
            let at = self.pos;
            self.warn(at, format!("invalid {name} literal"));
            return Ok(());
        }
        self.error(format!("invalid {name} literal"))
    }
}

fn digit_of(c: u8, radix: u8) -> bool {
    match radix {
        16 => c.is_ascii_hexdigit(),
        8 => matches!(c, b'0'..=b'7'),
        _ => matches!(c, b'0' | b'1'),
    }
}
