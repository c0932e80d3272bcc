//! Expressions: precedence climbing for binary operators, loops for trailers.

use super::{Fail, PResult, Parser};
use crate::ast::*;
use crate::lexer::Tok;

/// Binding strength and operator of the arithmetic and bitwise operators.
#[inline(always)]
fn binary(kind: Tok) -> Option<(u8, Operator)> {
    Some(match kind {
        Tok::VBar => (1, Operator::BitOr),
        Tok::Circumflex => (2, Operator::BitXor),
        Tok::Amper => (3, Operator::BitAnd),
        Tok::LeftShift => (4, Operator::LShift),
        Tok::RightShift => (4, Operator::RShift),
        Tok::Plus => (5, Operator::Add),
        Tok::Minus => (5, Operator::Sub),
        Tok::Star => (6, Operator::Mult),
        Tok::Slash => (6, Operator::Div),
        Tok::DoubleSlash => (6, Operator::FloorDiv),
        Tok::Percent => (6, Operator::Mod),
        Tok::At => (6, Operator::MatMult),
        _ => return None,
    })
}

impl<'a> Parser<'a, '_> {
    /// `expression`: conditional, lambda or anything tighter; no walrus, no star.
    pub(super) fn expression(&mut self) -> PResult<ExprRef<'a>> {
        if self.kind() == Tok::Lambda {
            return self.lambda();
        }
        let start = self.start();
        let body = self.disjunction()?;
        if self.kind() == Tok::If { self.conditional(start, body) } else { Ok(body) }
    }

    fn conditional(&mut self, start: u32, body: ExprRef<'a>) -> PResult<ExprRef<'a>> {
        self.enter()?;
        self.bump();
        let test = self.disjunction()?;
        self.expect(Tok::Else)?;
        let orelse = self.expression()?;
        self.leave();
        Ok(self.expr(self.range_from(start), ExprKind::IfExp { test, body, orelse }))
    }

    fn lambda(&mut self) -> PResult<ExprRef<'a>> {
        self.enter()?;
        let start = self.start();
        self.bump();
        let args = self.lambda_parameters()?;
        self.expect(Tok::Colon)?;
        let body = self.expression()?;
        self.leave();
        Ok(self.expr(self.range_from(start), ExprKind::Lambda { args, body }))
    }

    /// `named_expression`: `NAME := expression` or an expression not followed by `:=`.
    pub(super) fn named_expression(&mut self) -> PResult<ExprRef<'a>> {
        if self.kind() == Tok::Name && self.peek(1) == Tok::ColonEqual {
            return self.assignment_expression();
        }
        let e = self.expression()?;
        if self.kind() == Tok::ColonEqual { Err(Fail) } else { Ok(e) }
    }

    fn assignment_expression(&mut self) -> PResult<ExprRef<'a>> {
        self.need(8);
        let t = self.tok();
        let id = self.name()?;
        let target = self.expr(Range::new(t.start, t.end), ExprKind::Name { id, ctx: ExprContext::Store });
        self.bump();
        let value = self.expression()?;
        Ok(self.expr(self.range_from(t.start), ExprKind::NamedExpr { target, value }))
    }

    /// `star_expression` (`*` binds a `bitwise_or`).
    fn star_expression(&mut self) -> PResult<ExprRef<'a>> {
        if self.kind() == Tok::Star { self.starred() } else { self.expression() }
    }

    fn starred(&mut self) -> PResult<ExprRef<'a>> {
        let start = self.start();
        self.bump();
        let value = self.bitwise(0)?;
        Ok(self.expr(self.range_from(start), ExprKind::Starred { value, ctx: ExprContext::Load }))
    }

    /// `star_named_expression`, as in displays.
    pub(super) fn star_named_expression(&mut self) -> PResult<ExprRef<'a>> {
        if self.kind() == Tok::Star { self.starred() } else { self.named_expression() }
    }

    /// `star_expressions`: one, or a tuple without parentheses.
    pub(super) fn star_expressions(&mut self) -> PResult<ExprRef<'a>> {
        let start = self.start();
        let first = self.star_expression()?;
        if self.kind() != Tok::Comma {
            return Ok(first);
        }
        let mark = self.exprs.len();
        self.exprs.push(first);
        while self.eat(Tok::Comma) {
            if !self.at_expression_start(true) {
                break;
            }
            let e = self.star_expression()?;
            self.exprs.push(e);
        }
        let elts = self.take_exprs(mark);
        Ok(self.expr(self.range_from(start), ExprKind::Tuple { elts, ctx: ExprContext::Load }))
    }

    /// `expressions`: like `star_expressions` without stars.
    pub(super) fn expression_list(&mut self) -> PResult<ExprRef<'a>> {
        let start = self.start();
        let first = self.expression()?;
        if self.kind() != Tok::Comma {
            return Ok(first);
        }
        let mark = self.exprs.len();
        self.exprs.push(first);
        while self.eat(Tok::Comma) {
            if !self.at_expression_start(false) {
                break;
            }
            let e = self.expression()?;
            self.exprs.push(e);
        }
        let elts = self.take_exprs(mark);
        Ok(self.expr(self.range_from(start), ExprKind::Tuple { elts, ctx: ExprContext::Load }))
    }

    /// Whether the current token can begin an expression.
    #[inline]
    pub(super) fn at_expression_start(&self, star: bool) -> bool {
        match self.kind() {
            Tok::Name
            | Tok::Number
            | Tok::String
            | Tok::FStringStart
            | Tok::TStringStart
            | Tok::LPar
            | Tok::LSqb
            | Tok::LBrace
            | Tok::Minus
            | Tok::Plus
            | Tok::Tilde
            | Tok::Ellipsis
            | Tok::Not
            | Tok::Lambda
            | Tok::Await
            | Tok::None
            | Tok::True
            | Tok::False => true,
            Tok::Star => star,
            _ => false,
        }
    }

    /// `yield_expr | star_expressions`
    pub(super) fn annotated_rhs(&mut self) -> PResult<ExprRef<'a>> {
        if self.kind() == Tok::Yield { self.yield_expression() } else { self.star_expressions() }
    }

    pub(super) fn yield_expression(&mut self) -> PResult<ExprRef<'a>> {
        let start = self.start();
        self.bump();
        if self.eat(Tok::From) {
            let value = self.expression()?;
            return Ok(self.expr(self.range_from(start), ExprKind::YieldFrom { value }));
        }
        let value = if self.at_expression_start(true) { Some(self.star_expressions()?) } else { None };
        Ok(self.expr(self.range_from(start), ExprKind::Yield { value }))
    }

    /// `disjunction`
    pub(super) fn disjunction(&mut self) -> PResult<ExprRef<'a>> {
        let start = self.start();
        let first = self.conjunction()?;
        if self.kind() != Tok::Or {
            return Ok(first);
        }
        let mark = self.exprs.len();
        self.exprs.push(first);
        while self.eat(Tok::Or) {
            let e = self.conjunction()?;
            self.exprs.push(e);
        }
        let values = self.take_exprs(mark);
        Ok(self.expr(self.range_from(start), ExprKind::BoolOp { op: BoolOp::Or, values }))
    }

    #[inline]
    fn conjunction(&mut self) -> PResult<ExprRef<'a>> {
        let start = self.start();
        let first = self.inversion()?;
        if self.kind() != Tok::And {
            return Ok(first);
        }
        let mark = self.exprs.len();
        self.exprs.push(first);
        while self.eat(Tok::And) {
            let e = self.inversion()?;
            self.exprs.push(e);
        }
        let values = self.take_exprs(mark);
        Ok(self.expr(self.range_from(start), ExprKind::BoolOp { op: BoolOp::And, values }))
    }

    #[inline]
    fn inversion(&mut self) -> PResult<ExprRef<'a>> {
        if self.kind() == Tok::Not { self.negation() } else { self.comparison() }
    }

    fn negation(&mut self) -> PResult<ExprRef<'a>> {
        self.enter()?;
        let start = self.start();
        self.bump();
        let operand = self.inversion()?;
        self.leave();
        Ok(self.expr(self.range_from(start), ExprKind::UnaryOp { op: UnaryOp::Not, operand }))
    }

    #[inline]
    fn comparison_op(&self) -> Option<(CmpOp, usize)> {
        Some(match self.kind() {
            Tok::EqEqual => (CmpOp::Eq, 1),
            Tok::NotEqual if !self.flufl => (CmpOp::NotEq, 1),
            Tok::Less => (CmpOp::Lt, 1),
            Tok::LessEqual => (CmpOp::LtE, 1),
            Tok::Greater => (CmpOp::Gt, 1),
            Tok::GreaterEqual => (CmpOp::GtE, 1),
            Tok::In => (CmpOp::In, 1),
            Tok::Is if self.peek(1) == Tok::Not => (CmpOp::IsNot, 2),
            Tok::Is => (CmpOp::Is, 1),
            Tok::Not if self.peek(1) == Tok::In => (CmpOp::NotIn, 2),
            Tok::LessGreater if self.flufl => (CmpOp::NotEq, 1),
            _ => return None,
        })
    }

    #[inline]
    fn comparison(&mut self) -> PResult<ExprRef<'a>> {
        let start = self.start();
        let left = self.bitwise(0)?;
        match self.comparison_op() {
            None => Ok(left),
            Some(op) => self.comparison_tail(start, left, op),
        }
    }

    fn comparison_tail(&mut self, start: u32, left: ExprRef<'a>, op: (CmpOp, usize)) -> PResult<ExprRef<'a>> {
        let mark = self.exprs.len();
        self.pos += op.1;
        let first = self.bitwise(0)?;
        self.exprs.push(first);
        let Some(next) = self.comparison_op() else {
            let ops = self.arena.alloc_slice_copy(&[op.0]);
            let comparators = self.take_exprs(mark);
            return Ok(self.expr(self.range_from(start), ExprKind::Compare { left, ops, comparators }));
        };
        let mut ops = vec![op.0];
        let mut next = Some(next);
        while let Some((op, len)) = next {
            self.pos += len;
            let e = self.bitwise(0)?;
            self.exprs.push(e);
            ops.push(op);
            next = self.comparison_op();
        }
        let ops = self.arena.alloc_slice_copy(&ops);
        let comparators = self.take_exprs(mark);
        Ok(self.expr(self.range_from(start), ExprKind::Compare { left, ops, comparators }))
    }

    /// Operators binding tighter than `min`; 0 is `bitwise_or`.
    pub(super) fn bitwise(&mut self, min: u8) -> PResult<ExprRef<'a>> {
        let start = self.start();
        let mut left = self.factor()?;
        while let Some((prec, op)) = binary(self.kind()) {
            if prec <= min {
                break;
            }
            if op == Operator::MatMult {
                self.need(5);
            }
            self.bump();
            let right = self.bitwise(prec)?;
            left = self.expr(self.range_from(start), ExprKind::BinOp { left, op, right });
        }
        Ok(left)
    }

    #[inline]
    fn factor(&mut self) -> PResult<ExprRef<'a>> {
        match self.kind() {
            Tok::Minus => self.unary(UnaryOp::USub),
            Tok::Plus => self.unary(UnaryOp::UAdd),
            Tok::Tilde => self.unary(UnaryOp::Invert),
            _ => {
                let start = self.start();
                let base = self.await_primary()?;
                if self.kind() == Tok::DoubleStar { self.power(start, base) } else { Ok(base) }
            }
        }
    }

    fn unary(&mut self, op: UnaryOp) -> PResult<ExprRef<'a>> {
        self.enter()?;
        let start = self.start();
        self.bump();
        let operand = self.factor()?;
        self.leave();
        Ok(self.expr(self.range_from(start), ExprKind::UnaryOp { op, operand }))
    }

    fn power(&mut self, start: u32, left: ExprRef<'a>) -> PResult<ExprRef<'a>> {
        self.enter()?;
        self.bump();
        let right = self.factor()?;
        self.leave();
        Ok(self.expr(self.range_from(start), ExprKind::BinOp { left, op: Operator::Pow, right }))
    }

    #[inline]
    fn await_primary(&mut self) -> PResult<ExprRef<'a>> {
        if self.kind() != Tok::Await {
            return self.primary();
        }
        self.need(5);
        let start = self.start();
        self.bump();
        let value = self.primary()?;
        Ok(self.expr(self.range_from(start), ExprKind::Await { value }))
    }

    /// An atom with its trailers.
    pub(super) fn primary(&mut self) -> PResult<ExprRef<'a>> {
        let start = self.start();
        let mut e = self.atom()?;
        loop {
            match self.kind() {
                Tok::Dot => {
                    self.bump();
                    let t = self.tok();
                    let attr = self.name()?;
                    e = self.expr(
                        Range::new(start, t.end),
                        ExprKind::Attribute { value: e, attr, ctx: ExprContext::Load },
                    );
                }
                Tok::LPar => {
                    let (args, keywords) = self.call_arguments(true)?;
                    e = self.expr(self.range_from(start), ExprKind::Call { func: e, args, keywords });
                }
                Tok::LSqb => {
                    self.enter()?;
                    self.bump();
                    let slice = self.slices()?;
                    self.expect(Tok::RSqb)?;
                    self.leave();
                    e = self.expr(
                        self.range_from(start),
                        ExprKind::Subscript { value: e, slice, ctx: ExprContext::Load },
                    );
                }
                _ => return Ok(e),
            }
        }
    }

    fn slices(&mut self) -> PResult<ExprRef<'a>> {
        let start = self.start();
        let starred = self.kind() == Tok::Star;
        let first = self.slice_item()?;
        if self.kind() != Tok::Comma && !starred {
            return Ok(first);
        }
        let mark = self.exprs.len();
        self.exprs.push(first);
        while self.eat(Tok::Comma) {
            if self.kind() == Tok::RSqb {
                break;
            }
            let e = self.slice_item()?;
            self.exprs.push(e);
        }
        let elts = self.take_exprs(mark);
        Ok(self.expr(self.range_from(start), ExprKind::Tuple { elts, ctx: ExprContext::Load }))
    }

    fn slice_item(&mut self) -> PResult<ExprRef<'a>> {
        let start = self.start();
        if self.kind() == Tok::Star {
            return self.starred_expression();
        }
        let lower = if self.kind() == Tok::Colon {
            None
        } else {
            let named = self.kind() == Tok::Name && self.peek(1) == Tok::ColonEqual;
            let e = self.named_expression()?;
            if self.kind() != Tok::Colon || named {
                return Ok(e);
            }
            Some(e)
        };
        self.expect(Tok::Colon)?;
        let ends = |k: Tok| matches!(k, Tok::Colon | Tok::Comma | Tok::RSqb);
        let upper = if ends(self.kind()) { None } else { Some(self.expression()?) };
        let step = if self.eat(Tok::Colon) && !ends(self.kind()) { Some(self.expression()?) } else { None };
        Ok(self.expr(self.range_from(start), ExprKind::Slice { lower, upper, step }))
    }

    /// `starred_expression`: `*` with a whole expression, as in calls.
    pub(super) fn starred_expression(&mut self) -> PResult<ExprRef<'a>> {
        let start = self.start();
        self.bump();
        let value = self.expression()?;
        Ok(self.expr(self.range_from(start), ExprKind::Starred { value, ctx: ExprContext::Load }))
    }

    fn constant(&mut self, value: Constant<'a>) -> ExprRef<'a> {
        let t = self.tok();
        self.bump();
        self.expr(Range::new(t.start, t.end), ExprKind::Constant { value })
    }

    fn atom(&mut self) -> PResult<ExprRef<'a>> {
        let t = self.tok();
        Ok(match t.kind {
            Tok::Name => {
                self.bump();
                let id = self.identifier(t);
                self.expr(Range::new(t.start, t.end), ExprKind::Name { id, ctx: ExprContext::Load })
            }
            Tok::Number => {
                let value = self.number_value(t)?;
                self.constant(value)
            }
            Tok::String | Tok::FStringStart | Tok::TStringStart => return self.strings(),
            Tok::None => self.constant(Constant::None),
            Tok::True => self.constant(Constant::True),
            Tok::False => self.constant(Constant::False),
            Tok::Ellipsis => self.constant(Constant::Ellipsis),
            Tok::LPar => return self.parenthesised(),
            Tok::LSqb => return self.list_display(),
            Tok::LBrace => return self.brace_display(),
            _ => return Err(Fail),
        })
    }

    /// Group, tuple or generator expression.
    fn parenthesised(&mut self) -> PResult<ExprRef<'a>> {
        self.enter()?;
        let start = self.start();
        self.bump();
        let e = match self.kind() {
            Tok::RPar => {
                self.bump();
                self.expr(self.range_from(start), ExprKind::Tuple { elts: &[], ctx: ExprContext::Load })
            }
            Tok::Yield => {
                let e = self.yield_expression()?;
                self.expect(Tok::RPar)?;
                e
            }
            _ => {
                let star = self.kind() == Tok::Star;
                let first = self.star_named_expression()?;
                match self.kind() {
                    Tok::RPar if !star => {
                        self.bump();
                        first
                    }
                    Tok::Comma => {
                        let mark = self.exprs.len();
                        self.exprs.push(first);
                        while self.eat(Tok::Comma) {
                            if self.kind() == Tok::RPar {
                                break;
                            }
                            let e = self.star_named_expression()?;
                            self.exprs.push(e);
                        }
                        self.expect(Tok::RPar)?;
                        let elts = self.take_exprs(mark);
                        self.expr(self.range_from(start), ExprKind::Tuple { elts, ctx: ExprContext::Load })
                    }
                    Tok::For | Tok::Async if !star => {
                        let generators = self.comprehensions()?;
                        self.expect(Tok::RPar)?;
                        self.expr(self.range_from(start), ExprKind::GeneratorExp { elt: first, generators })
                    }
                    _ => return Err(Fail),
                }
            }
        };
        self.leave();
        Ok(e)
    }

    fn list_display(&mut self) -> PResult<ExprRef<'a>> {
        self.enter()?;
        let start = self.start();
        self.bump();
        let mark = self.exprs.len();
        if !self.eat(Tok::RSqb) {
            let star = self.kind() == Tok::Star;
            let first = self.star_named_expression()?;
            if matches!(self.kind(), Tok::For | Tok::Async) && !star {
                let generators = self.comprehensions()?;
                self.expect(Tok::RSqb)?;
                self.leave();
                return Ok(self.expr(self.range_from(start), ExprKind::ListComp { elt: first, generators }));
            }
            self.exprs.push(first);
            while self.eat(Tok::Comma) {
                if self.kind() == Tok::RSqb {
                    break;
                }
                let e = self.star_named_expression()?;
                self.exprs.push(e);
            }
            self.expect(Tok::RSqb)?;
        }
        self.leave();
        let elts = self.take_exprs(mark);
        Ok(self.expr(self.range_from(start), ExprKind::List { elts, ctx: ExprContext::Load }))
    }

    fn brace_display(&mut self) -> PResult<ExprRef<'a>> {
        self.enter()?;
        let start = self.start();
        self.bump();
        let e = match self.kind() {
            Tok::RBrace => {
                self.bump();
                self.expr(self.range_from(start), ExprKind::Dict { keys: &[], values: &[] })
            }
            Tok::DoubleStar => self.dict_items(start, None)?,
            Tok::Star => {
                let first = self.starred()?;
                self.set_items(start, first)?
            }
            _ => {
                let named = self.kind() == Tok::Name && self.peek(1) == Tok::ColonEqual;
                let first = self.named_expression()?;
                match self.kind() {
                    Tok::Colon if !named => {
                        self.bump();
                        let value = self.expression()?;
                        if matches!(self.kind(), Tok::For | Tok::Async) {
                            let generators = self.comprehensions()?;
                            self.expect(Tok::RBrace)?;
                            self.expr(
                                self.range_from(start),
                                ExprKind::DictComp { key: first, value, generators },
                            )
                        } else {
                            self.dict_items(start, Some((first, value)))?
                        }
                    }
                    Tok::For | Tok::Async => {
                        let generators = self.comprehensions()?;
                        self.expect(Tok::RBrace)?;
                        self.expr(self.range_from(start), ExprKind::SetComp { elt: first, generators })
                    }
                    _ => self.set_items(start, first)?,
                }
            }
        };
        self.leave();
        Ok(e)
    }

    fn set_items(&mut self, start: u32, first: ExprRef<'a>) -> PResult<ExprRef<'a>> {
        let mark = self.exprs.len();
        self.exprs.push(first);
        while self.eat(Tok::Comma) {
            if self.kind() == Tok::RBrace {
                break;
            }
            let e = self.star_named_expression()?;
            self.exprs.push(e);
        }
        self.expect(Tok::RBrace)?;
        let elts = self.take_exprs(mark);
        Ok(self.expr(self.range_from(start), ExprKind::Set { elts }))
    }

    fn dict_items(&mut self, start: u32, first: Option<(ExprRef<'a>, ExprRef<'a>)>) -> PResult<ExprRef<'a>> {
        let mark = self.exprs.len();
        let mut keys: Vec<Option<ExprRef<'a>>> = Vec::new();
        if let Some((k, v)) = first {
            keys.push(Some(k));
            self.exprs.push(v);
            if !self.eat(Tok::Comma) {
                self.expect(Tok::RBrace)?;
                let values = self.take_exprs(mark);
                let keys = self.arena.alloc_slice_copy(&keys);
                return Ok(self.expr(self.range_from(start), ExprKind::Dict { keys, values }));
            }
        }
        while self.kind() != Tok::RBrace {
            if self.eat(Tok::DoubleStar) {
                let v = self.bitwise(0)?;
                keys.push(None);
                self.exprs.push(v);
            } else {
                let k = self.expression()?;
                self.expect(Tok::Colon)?;
                let v = self.expression()?;
                keys.push(Some(k));
                self.exprs.push(v);
            }
            if !self.eat(Tok::Comma) {
                break;
            }
        }
        self.expect(Tok::RBrace)?;
        let values = self.take_exprs(mark);
        let keys = self.arena.alloc_slice_copy(&keys);
        Ok(self.expr(self.range_from(start), ExprKind::Dict { keys, values }))
    }

    /// `for_if_clauses`
    pub(super) fn comprehensions(&mut self) -> PResult<&'a [Comprehension<'a>]> {
        let mut out: Vec<Comprehension<'a>> = Vec::with_capacity(1);
        loop {
            let start = self.start();
            let is_async = match self.kind() {
                Tok::Async => {
                    self.need(6);
                    self.bump();
                    true
                }
                Tok::For => false,
                _ => break,
            };
            self.expect(Tok::For)?;
            let target = self.star_targets()?;
            self.expect(Tok::In)?;
            let iter = self.disjunction()?;
            let mark = self.exprs.len();
            while self.eat(Tok::If) {
                let e = self.disjunction()?;
                self.exprs.push(e);
            }
            let ifs = self.take_exprs(mark);
            out.push(Comprehension { range: self.range_from(start), target, iter, ifs, is_async });
        }
        Ok(self.arena.alloc_slice_copy(&out))
    }

    // ----- targets -----

    /// `star_targets`, as after `for`: stored.
    pub(super) fn star_targets(&mut self) -> PResult<ExprRef<'a>> {
        let start = self.start();
        let first = self.star_target()?;
        if self.kind() != Tok::Comma {
            return Ok(first);
        }
        let mark = self.exprs.len();
        self.exprs.push(first);
        while self.eat(Tok::Comma) {
            if !matches!(
                self.kind(),
                Tok::Name
                    | Tok::LPar
                    | Tok::LSqb
                    | Tok::Star
                    | Tok::LBrace
                    | Tok::String
                    | Tok::Number
                    | Tok::FStringStart
                    | Tok::TStringStart
                    | Tok::None
                    | Tok::True
                    | Tok::False
                    | Tok::Ellipsis
            ) {
                break;
            }
            let e = self.star_target()?;
            self.exprs.push(e);
        }
        let elts = self.take_exprs(mark);
        Ok(self.expr(self.range_from(start), ExprKind::Tuple { elts, ctx: ExprContext::Store }))
    }

    /// `star_target`: stored.
    pub(super) fn star_target(&mut self) -> PResult<ExprRef<'a>> {
        let start = self.start();
        if self.eat(Tok::Star) {
            if self.kind() == Tok::Star {
                return Err(Fail);
            }
            let e = self.primary()?;
            let value = self.stored(e, ExprContext::Store)?;
            return Ok(
                self.expr(self.range_from(start), ExprKind::Starred { value, ctx: ExprContext::Store })
            );
        }
        let e = self.primary()?;
        self.stored(e, ExprContext::Store)
    }

    /// A copy of `e` as a target; fails when it cannot be one.
    pub(super) fn stored(&mut self, e: ExprRef<'a>, ctx: ExprContext) -> PResult<ExprRef<'a>> {
        let kind = match e.kind {
            ExprKind::Name { id, .. } => ExprKind::Name { id, ctx },
            ExprKind::Attribute { value, attr, .. } => ExprKind::Attribute { value, attr, ctx },
            ExprKind::Subscript { value, slice, .. } => ExprKind::Subscript { value, slice, ctx },
            ExprKind::Starred { value, .. } if ctx == ExprContext::Store => {
                if matches!(value.kind, ExprKind::Starred { .. }) {
                    return Err(Fail);
                }
                ExprKind::Starred { value: self.stored(value, ctx)?, ctx }
            }
            ExprKind::Tuple { elts, .. } => ExprKind::Tuple { elts: self.stored_all(elts, ctx)?, ctx },
            ExprKind::List { elts, .. } => ExprKind::List { elts: self.stored_all(elts, ctx)?, ctx },
            _ => return Err(Fail),
        };
        Ok(self.expr(e.range, kind))
    }

    fn stored_all(&mut self, elts: Exprs<'a>, ctx: ExprContext) -> PResult<Exprs<'a>> {
        let mark = self.exprs.len();
        for e in elts {
            let e = self.stored(e, ctx)?;
            self.exprs.push(e);
        }
        Ok(self.take_exprs(mark))
    }
}
