//! Patterns of `match` statements.

use super::{Fail, PResult, Parser};
use crate::ast::*;
use crate::lexer::Tok;

type PatternRef<'a> = &'a Pattern<'a>;

impl<'a> Parser<'a, '_> {
    fn pattern_node(&self, start: u32, kind: PatternKind<'a>) -> PatternRef<'a> {
        self.arena.alloc(Pattern { range: self.range_from(start), kind })
    }

    /// `patterns`: a pattern or an open sequence.
    pub(super) fn patterns(&mut self) -> PResult<PatternRef<'a>> {
        let start = self.start();
        let star = self.kind() == Tok::Star;
        let first = self.maybe_star_pattern()?;
        if self.kind() != Tok::Comma {
            return if star { Err(Fail) } else { Ok(first) };
        }
        let patterns = self.pattern_sequence(first, None)?;
        Ok(self.pattern_node(start, PatternKind::MatchSequence { patterns }))
    }

    /// The rest of a sequence after its first element, up to `close` (or what cannot be a pattern).
    fn pattern_sequence(
        &mut self,
        first: PatternRef<'a>,
        close: Option<Tok>,
    ) -> PResult<&'a [PatternRef<'a>]> {
        let mut out = vec![first];
        while self.eat(Tok::Comma) {
            let done = match close {
                Some(c) => self.kind() == c,
                None => matches!(self.kind(), Tok::Colon | Tok::If),
            };
            if done {
                break;
            }
            out.push(self.maybe_star_pattern()?);
        }
        Ok(self.arena.alloc_slice_copy(&out))
    }

    fn maybe_star_pattern(&mut self) -> PResult<PatternRef<'a>> {
        if self.kind() != Tok::Star {
            return self.pattern();
        }
        let start = self.start();
        self.bump();
        let name = self.capture_name()?;
        Ok(self.pattern_node(start, PatternKind::MatchStar { name }))
    }

    /// A capture target; `None` for `_`.
    fn capture_name(&mut self) -> PResult<Option<&'a str>> {
        let wildcard = self.at_soft("_");
        let name = self.name()?;
        if wildcard {
            return Ok(None);
        }
        if matches!(self.kind(), Tok::Dot | Tok::LPar | Tok::Equal) {
            return Err(Fail);
        }
        Ok(Some(name))
    }

    /// `pattern`: alternatives with an optional `as`.
    fn pattern(&mut self) -> PResult<PatternRef<'a>> {
        self.enter()?;
        let start = self.start();
        let first = self.closed_pattern()?;
        let mut result = first;
        if self.kind() == Tok::VBar {
            let mut out = vec![first];
            while self.eat(Tok::VBar) {
                out.push(self.closed_pattern()?);
            }
            let patterns = self.arena.alloc_slice_copy(&out);
            result = self.pattern_node(start, PatternKind::MatchOr { patterns });
        }
        if self.eat(Tok::As) {
            let name = self.capture_name()?;
            if name.is_none() {
                return Err(Fail);
            }
            result = self.pattern_node(start, PatternKind::MatchAs { pattern: Some(result), name });
        }
        self.leave();
        Ok(result)
    }

    fn closed_pattern(&mut self) -> PResult<PatternRef<'a>> {
        let t = self.tok();
        let start = t.start;
        let kind = match t.kind {
            Tok::Number | Tok::Minus | Tok::Plus => PatternKind::MatchValue { value: self.signed_literal()? },
            Tok::String | Tok::FStringStart | Tok::TStringStart => {
                PatternKind::MatchValue { value: self.strings()? }
            }
            Tok::None => {
                self.bump();
                PatternKind::MatchSingleton { value: Constant::None }
            }
            Tok::True => {
                self.bump();
                PatternKind::MatchSingleton { value: Constant::True }
            }
            Tok::False => {
                self.bump();
                PatternKind::MatchSingleton { value: Constant::False }
            }
            Tok::Name => {
                let next = self.peek(1);
                if !matches!(next, Tok::Dot | Tok::LPar | Tok::Equal) {
                    let name = self.capture_name()?;
                    PatternKind::MatchAs { pattern: None, name }
                } else {
                    let value = self.dotted_value()?;
                    match self.kind() {
                        Tok::LPar => return self.class_pattern(start, value),
                        Tok::Equal => return Err(Fail),
                        _ if matches!(value.kind, ExprKind::Attribute { .. }) => {
                            PatternKind::MatchValue { value }
                        }
                        _ => return Err(Fail),
                    }
                }
            }
            Tok::LPar => {
                self.bump();
                if self.eat(Tok::RPar) {
                    PatternKind::MatchSequence { patterns: &[] }
                } else {
                    let star = self.kind() == Tok::Star;
                    let first = self.maybe_star_pattern()?;
                    if self.kind() == Tok::Comma {
                        let patterns = self.pattern_sequence(first, Some(Tok::RPar))?;
                        self.expect(Tok::RPar)?;
                        PatternKind::MatchSequence { patterns }
                    } else {
                        self.expect(Tok::RPar)?;
                        return if star { Err(Fail) } else { Ok(first) };
                    }
                }
            }
            Tok::LSqb => {
                self.bump();
                if self.eat(Tok::RSqb) {
                    PatternKind::MatchSequence { patterns: &[] }
                } else {
                    let first = self.maybe_star_pattern()?;
                    let patterns = self.pattern_sequence(first, Some(Tok::RSqb))?;
                    self.expect(Tok::RSqb)?;
                    PatternKind::MatchSequence { patterns }
                }
            }
            Tok::LBrace => return self.mapping_pattern(),
            _ => return Err(Fail),
        };
        Ok(self.pattern_node(start, kind))
    }

    /// `NAME (. NAME)*`
    fn dotted_value(&mut self) -> PResult<ExprRef<'a>> {
        let t = self.tok();
        let id = self.name()?;
        let mut e = self.expr(Range::new(t.start, t.end), ExprKind::Name { id, ctx: ExprContext::Load });
        while self.eat(Tok::Dot) {
            let attr = self.name()?;
            e = self.expr(
                self.range_from(t.start),
                ExprKind::Attribute { value: e, attr, ctx: ExprContext::Load },
            );
        }
        Ok(e)
    }

    /// A number with a sign, or a complex literal.
    fn signed_literal(&mut self) -> PResult<ExprRef<'a>> {
        let start = self.start();
        let sign = match self.kind() {
            Tok::Minus => {
                self.bump();
                Some(UnaryOp::USub)
            }
            Tok::Plus => {
                return Err(Fail);
            }
            _ => None,
        };
        let mut left = self.number_constant()?;
        let real = !matches!(left.kind, ExprKind::Constant { value: Constant::Imaginary(_) });
        if let Some(op) = sign {
            left = self.expr(self.range_from(start), ExprKind::UnaryOp { op, operand: left });
        }
        let op = match self.kind() {
            Tok::Plus => Operator::Add,
            Tok::Minus => Operator::Sub,
            _ => return Ok(left),
        };
        self.bump();
        let right = self.number_constant()?;
        if !real || !matches!(right.kind, ExprKind::Constant { value: Constant::Imaginary(_) }) {
            return Err(Fail);
        }
        Ok(self.expr(self.range_from(start), ExprKind::BinOp { left, op, right }))
    }

    fn number_constant(&mut self) -> PResult<ExprRef<'a>> {
        let t = self.tok();
        if t.kind != Tok::Number {
            return Err(Fail);
        }
        let value = self.number_value(t)?;
        self.bump();
        Ok(self.expr(Range::new(t.start, t.end), ExprKind::Constant { value }))
    }

    fn mapping_pattern(&mut self) -> PResult<PatternRef<'a>> {
        let start = self.start();
        self.bump();
        let mark = self.exprs.len();
        let mut patterns: Vec<PatternRef<'a>> = Vec::new();
        let mut rest = None;
        while self.kind() != Tok::RBrace {
            if self.eat(Tok::DoubleStar) {
                rest = self.capture_name()?;
                if rest.is_none() {
                    return Err(Fail);
                }
                self.eat(Tok::Comma);
                break;
            }
            let key = match self.kind() {
                Tok::Number | Tok::Minus | Tok::Plus => self.signed_literal()?,
                Tok::String | Tok::FStringStart | Tok::TStringStart => self.strings()?,
                Tok::None | Tok::True | Tok::False => {
                    let t = self.tok();
                    self.bump();
                    let value = match t.kind {
                        Tok::None => Constant::None,
                        Tok::True => Constant::True,
                        _ => Constant::False,
                    };
                    self.expr(Range::new(t.start, t.end), ExprKind::Constant { value })
                }
                Tok::Name => {
                    let e = self.dotted_value()?;
                    if !matches!(e.kind, ExprKind::Attribute { .. }) {
                        return Err(Fail);
                    }
                    e
                }
                _ => return Err(Fail),
            };
            self.expect(Tok::Colon)?;
            self.exprs.push(key);
            let p = self.pattern()?;
            patterns.push(p);
            if !self.eat(Tok::Comma) {
                break;
            }
        }
        self.expect(Tok::RBrace)?;
        let keys = self.take_exprs(mark);
        let patterns = self.arena.alloc_slice_copy(&patterns);
        Ok(self.pattern_node(start, PatternKind::MatchMapping { keys, patterns, rest }))
    }

    fn class_pattern(&mut self, start: u32, cls: ExprRef<'a>) -> PResult<PatternRef<'a>> {
        self.bump();
        let mut patterns: Vec<PatternRef<'a>> = Vec::new();
        let mut names: Vec<&'a str> = Vec::new();
        let mut named: Vec<PatternRef<'a>> = Vec::new();
        while self.kind() != Tok::RPar {
            if self.kind() == Tok::Name && self.peek(1) == Tok::Equal {
                names.push(self.name()?);
                self.bump();
                named.push(self.pattern()?);
            } else {
                if !names.is_empty() {
                    return Err(Fail);
                }
                patterns.push(self.pattern()?);
            }
            if !self.eat(Tok::Comma) {
                break;
            }
        }
        self.expect(Tok::RPar)?;
        let kind = PatternKind::MatchClass {
            cls,
            patterns: self.arena.alloc_slice_copy(&patterns),
            kwd_attrs: self.arena.alloc_slice_copy(&names),
            kwd_patterns: self.arena.alloc_slice_copy(&named),
        };
        Ok(self.pattern_node(start, kind))
    }
}
