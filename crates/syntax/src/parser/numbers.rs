//! Values of numeric literals.

use super::{Fail, PResult, Parser};
use crate::ast::{Constant, IntLiteral};
use crate::lexer::Token;

impl<'a> Parser<'a, '_> {
    /// The value of a number token.
    pub(super) fn number_value(&mut self, t: Token) -> PResult<Constant<'a>> {
        let text = self.text(t.start, t.end);
        let bytes = text.as_bytes();
        // One or a few plain digits are by far the most common.
        if bytes.len() < 18 && bytes.iter().all(u8::is_ascii_digit) {
            let mut v: i64 = 0;
            for b in bytes {
                v = v * 10 + i64::from(b - b'0');
            }
            return Ok(Constant::Int(IntLiteral::Small(v)));
        }
        let clean: &'a str = if bytes.contains(&b'_') {
            self.need(6);
            let s: String = text.chars().filter(|&c| c != '_').collect();
            self.arena.alloc_str(&s)
        } else {
            text
        };
        let radix = match clean.as_bytes() {
            [b'0', b'x' | b'X', ..] => 16,
            [b'0', b'o' | b'O', ..] => 8,
            [b'0', b'b' | b'B', ..] => 2,
            _ => 10,
        };
        if radix != 10 {
            let digits = &clean[2..];
            return Ok(Constant::Int(match i64::from_str_radix(digits, radix) {
                Ok(v) => IntLiteral::Small(v),
                Err(_) => IntLiteral::Big { digits, radix },
            }));
        }
        if clean.bytes().all(|b| b.is_ascii_digit()) {
            if let Ok(v) = clean.parse() {
                return Ok(Constant::Int(IntLiteral::Small(v)));
            }
            let limit = self.options.int_max_str_digits as usize;
            if limit != 0 && clean.len() > limit {
                return Err(Fail);
            }
            return Ok(Constant::Int(IntLiteral::Big { digits: clean, radix }));
        }
        if let Some(real) = clean.strip_suffix(['j', 'J']) {
            return real.parse().map(Constant::Imaginary).map_err(|_| Fail);
        }
        clean.parse().map(Constant::Float).map_err(|_| Fail)
    }
}
