//! Statements, simple and compound.

use super::{Fail, PResult, Parser};
use crate::ast::*;
use crate::lexer::Tok;

fn augmented(kind: Tok) -> Option<Operator> {
    Some(match kind {
        Tok::PlusEqual => Operator::Add,
        Tok::MinEqual => Operator::Sub,
        Tok::StarEqual => Operator::Mult,
        Tok::AtEqual => Operator::MatMult,
        Tok::SlashEqual => Operator::Div,
        Tok::PercentEqual => Operator::Mod,
        Tok::AmperEqual => Operator::BitAnd,
        Tok::VBarEqual => Operator::BitOr,
        Tok::CircumflexEqual => Operator::BitXor,
        Tok::LeftShiftEqual => Operator::LShift,
        Tok::RightShiftEqual => Operator::RShift,
        Tok::DoubleStarEqual => Operator::Pow,
        Tok::DoubleSlashEqual => Operator::FloorDiv,
        _ => return None,
    })
}

impl<'a> Parser<'a, '_> {
    /// Whether a compound statement (or `match`) may begin here.
    pub(super) fn at_compound(&self) -> bool {
        matches!(
            self.kind(),
            Tok::If
                | Tok::For
                | Tok::While
                | Tok::Try
                | Tok::With
                | Tok::Def
                | Tok::Class
                | Tok::Async
                | Tok::At
        ) || self.at_match()
    }

    /// One statement line or compound statement; results go to the statement stack.
    pub(super) fn statement(&mut self) -> PResult<()> {
        let s = match self.kind() {
            Tok::If => self.if_statement()?,
            Tok::For => {
                let start = self.start();
                self.for_statement(start, false)?
            }
            Tok::While => self.while_statement()?,
            Tok::Try => self.try_statement()?,
            Tok::With => {
                let start = self.start();
                self.with_statement(start, false)?
            }
            Tok::Def => {
                let start = self.start();
                self.function(start, false, &[])?
            }
            Tok::Class => self.class(&[])?,
            Tok::Async => self.async_statement(&[])?,
            Tok::At => self.decorated()?,
            Tok::Name if self.at_match() => match self.attempt(Self::match_statement) {
                Some(s) => s,
                None => {
                    self.soft_match_seen = true;
                    return self.simple_statements();
                }
            },
            _ => return self.simple_statements(),
        };
        self.stmts.push(s);
        Ok(())
    }

    /// `match` that can begin a match statement.
    fn at_match(&self) -> bool {
        self.at_soft("match")
            && !matches!(
                self.peek(1),
                Tok::Equal
                    | Tok::Dot
                    | Tok::Comma
                    | Tok::Colon
                    | Tok::Newline
                    | Tok::RPar
                    | Tok::Semi
                    | Tok::EndMarker
            )
    }

    fn block(&mut self) -> PResult<Stmts<'a>> {
        let mark = self.stmts.len();
        if self.eat(Tok::Newline) {
            self.expect(Tok::Indent)?;
            self.enter()?;
            loop {
                self.statement()?;
                if self.eat(Tok::Dedent) {
                    break;
                }
                if self.kind() == Tok::EndMarker {
                    return Err(Fail);
                }
            }
            self.leave();
        } else {
            self.simple_statements()?;
        }
        Ok(self.take_stmts(mark))
    }

    fn colon_block(&mut self) -> PResult<Stmts<'a>> {
        self.expect(Tok::Colon)?;
        self.block()
    }

    fn optional_else(&mut self) -> PResult<Stmts<'a>> {
        if self.eat(Tok::Else) { self.colon_block() } else { Ok(&[]) }
    }

    fn simple_statements(&mut self) -> PResult<()> {
        loop {
            let s = self.simple_statement()?;
            self.stmts.push(s);
            if self.eat(Tok::Newline) {
                return Ok(());
            }
            self.expect(Tok::Semi)?;
            if self.eat(Tok::Newline) {
                return Ok(());
            }
        }
    }

    fn simple_statement(&mut self) -> PResult<StmtRef<'a>> {
        let start = self.start();
        let kind = match self.kind() {
            Tok::Pass => {
                self.bump();
                StmtKind::Pass
            }
            Tok::Break => {
                self.bump();
                StmtKind::Break
            }
            Tok::Continue => {
                self.bump();
                StmtKind::Continue
            }
            Tok::Return => {
                self.bump();
                let value =
                    if self.at_expression_start(true) { Some(self.star_expressions()?) } else { None };
                StmtKind::Return { value }
            }
            Tok::Raise => {
                self.bump();
                if self.at_expression_start(false) {
                    let exc = Some(self.expression()?);
                    let cause = if self.eat(Tok::From) { Some(self.expression()?) } else { None };
                    StmtKind::Raise { exc, cause }
                } else {
                    StmtKind::Raise { exc: None, cause: None }
                }
            }
            Tok::Global => {
                self.bump();
                StmtKind::Global { names: self.names()? }
            }
            Tok::Nonlocal => {
                self.bump();
                StmtKind::Nonlocal { names: self.names()? }
            }
            Tok::Del => self.del_statement()?,
            Tok::Assert => {
                self.bump();
                let test = self.expression()?;
                let msg = if self.eat(Tok::Comma) { Some(self.expression()?) } else { None };
                StmtKind::Assert { test, msg }
            }
            Tok::Import => self.import()?,
            Tok::From => self.import_from()?,
            Tok::Name if self.at_soft("type") && self.peek(1) == Tok::Name => self.type_alias()?,
            _ => return self.expression_statement(),
        };
        Ok(self.stmt(self.range_from(start), kind))
    }

    fn names(&mut self) -> PResult<&'a [&'a str]> {
        let mut out = vec![self.name()?];
        while self.eat(Tok::Comma) {
            out.push(self.name()?);
        }
        Ok(self.arena.alloc_slice_copy(&out))
    }

    fn del_statement(&mut self) -> PResult<StmtKind<'a>> {
        self.bump();
        let mark = self.exprs.len();
        loop {
            let e = self.primary()?;
            let e = self.stored(e, ExprContext::Del)?;
            self.exprs.push(e);
            if !self.eat(Tok::Comma) || matches!(self.kind(), Tok::Semi | Tok::Newline) {
                break;
            }
        }
        if !matches!(self.kind(), Tok::Semi | Tok::Newline) {
            return Err(Fail);
        }
        Ok(StmtKind::Delete { targets: self.take_exprs(mark) })
    }

    fn type_alias(&mut self) -> PResult<StmtKind<'a>> {
        self.need(12);
        self.bump();
        let t = self.tok();
        let id = self.name()?;
        let name = self.expr(Range::new(t.start, t.end), ExprKind::Name { id, ctx: ExprContext::Store });
        let type_params = self.type_params()?;
        self.expect(Tok::Equal)?;
        let value = self.expression()?;
        Ok(StmtKind::TypeAlias { name, type_params, value })
    }

    /// Assignment of any kind, or an expression.
    fn expression_statement(&mut self) -> PResult<StmtRef<'a>> {
        let first_tok = self.tok();
        let start = first_tok.start;
        let first = self.annotated_rhs()?;
        match self.kind() {
            Tok::Newline | Tok::Semi => {
                Ok(self.stmt(self.range_from(start), StmtKind::Expr { value: first }))
            }
            Tok::Equal => {
                let mark = self.exprs.len();
                let mut value = first;
                while self.eat(Tok::Equal) {
                    let target = self.stored(value, ExprContext::Store)?;
                    self.exprs.push(target);
                    value = self.annotated_rhs()?;
                }
                let type_comment = self.type_comment();
                let targets = self.take_exprs(mark);
                Ok(self.stmt(self.range_from(start), StmtKind::Assign { targets, value, type_comment }))
            }
            Tok::Colon => {
                self.need(6);
                let simple = matches!(first.kind, ExprKind::Name { .. }) && first_tok.kind != Tok::LPar;
                if !matches!(
                    first.kind,
                    ExprKind::Name { .. } | ExprKind::Attribute { .. } | ExprKind::Subscript { .. }
                ) {
                    return Err(Fail);
                }
                self.bump();
                let target = self.stored(first, ExprContext::Store)?;
                let annotation = self.expression()?;
                let value = if self.eat(Tok::Equal) { Some(self.annotated_rhs()?) } else { None };
                Ok(self
                    .stmt(self.range_from(start), StmtKind::AnnAssign { target, annotation, value, simple }))
            }
            kind => {
                let Some(op) = augmented(kind) else { return Err(Fail) };
                if op == Operator::MatMult {
                    self.need(5);
                }
                if !matches!(
                    first.kind,
                    ExprKind::Name { .. } | ExprKind::Attribute { .. } | ExprKind::Subscript { .. }
                ) {
                    return Err(Fail);
                }
                self.bump();
                let target = self.stored(first, ExprContext::Store)?;
                let value = self.annotated_rhs()?;
                Ok(self.stmt(self.range_from(start), StmtKind::AugAssign { target, op, value }))
            }
        }
    }

    fn type_comment(&mut self) -> Option<&'a str> {
        let t = self.tok();
        if t.kind == Tok::TypeComment {
            self.bump();
            Some(self.text(t.start, t.end))
        } else {
            None
        }
    }

    // ----- imports -----

    fn dotted_name(&mut self) -> PResult<&'a str> {
        let first = self.tok();
        let name = self.name()?;
        if self.kind() != Tok::Dot {
            return Ok(name);
        }
        let mut plain = true;
        let mut end = first.end;
        let mut joined = String::from(name);
        while self.eat(Tok::Dot) {
            let t = self.tok();
            let part = self.name()?;
            plain &= t.start == end + 1 && part.len() == (t.end - t.start) as usize;
            end = t.end;
            joined.push('.');
            joined.push_str(part);
        }
        let text = self.text(first.start, end);
        Ok(if plain && text == joined { text } else { self.arena.alloc_str(&joined) })
    }

    fn as_name(&mut self) -> PResult<Option<&'a str>> {
        if self.eat(Tok::As) { Ok(Some(self.name()?)) } else { Ok(None) }
    }

    fn import(&mut self) -> PResult<StmtKind<'a>> {
        self.bump();
        let mut names = Vec::with_capacity(1);
        loop {
            let start = self.start();
            let name = self.dotted_name()?;
            let asname = self.as_name()?;
            names.push(Alias { range: self.range_from(start), name, asname });
            if !self.eat(Tok::Comma) {
                break;
            }
        }
        Ok(StmtKind::Import { names: self.arena.alloc_slice_copy(&names) })
    }

    fn import_from(&mut self) -> PResult<StmtKind<'a>> {
        self.bump();
        let mut level = 0;
        loop {
            match self.kind() {
                Tok::Dot => level += 1,
                Tok::Ellipsis => level += 3,
                _ => break,
            }
            self.bump();
        }
        let module = if self.kind() == Tok::Import && level > 0 { None } else { Some(self.dotted_name()?) };
        self.expect(Tok::Import)?;
        let mut names = Vec::with_capacity(4);
        let t = self.tok();
        if self.eat(Tok::Star) {
            names.push(Alias { range: Range::new(t.start, t.end), name: "*", asname: None });
        } else {
            let paren = self.eat(Tok::LPar);
            loop {
                let start = self.start();
                let name = self.name()?;
                let asname = self.as_name()?;
                names.push(Alias { range: self.range_from(start), name, asname });
                if !self.eat(Tok::Comma) || (paren && self.kind() == Tok::RPar) {
                    break;
                }
            }
            if paren {
                self.expect(Tok::RPar)?;
            }
        }
        if level == 0 && module == Some("__future__") && names.iter().any(|a| a.name == "barry_as_FLUFL") {
            self.flufl = true;
        }
        Ok(StmtKind::ImportFrom { module, names: self.arena.alloc_slice_copy(&names), level })
    }

    // ----- compound -----

    fn if_statement(&mut self) -> PResult<StmtRef<'a>> {
        let start = self.start();
        self.bump();
        let test = self.named_expression()?;
        let body = self.colon_block()?;
        if self.kind() != Tok::Elif {
            let orelse = self.optional_else()?;
            return Ok(self.stmt(self.range_from(start), StmtKind::If { test, body, orelse }));
        }
        let mut ladder = vec![(start, test, body)];
        while self.kind() == Tok::Elif {
            let start = self.start();
            self.bump();
            let test = self.named_expression()?;
            let body = self.colon_block()?;
            ladder.push((start, test, body));
        }
        let mut orelse = self.optional_else()?;
        let mut result = None;
        while let Some((start, test, body)) = ladder.pop() {
            let s = self.stmt(self.range_from(start), StmtKind::If { test, body, orelse });
            orelse = self.arena.alloc_slice_copy(&[s]);
            result = Some(s);
        }
        result.ok_or(Fail)
    }

    fn while_statement(&mut self) -> PResult<StmtRef<'a>> {
        let start = self.start();
        self.bump();
        let test = self.named_expression()?;
        let body = self.colon_block()?;
        let orelse = self.optional_else()?;
        Ok(self.stmt(self.range_from(start), StmtKind::While { test, body, orelse }))
    }

    fn for_statement(&mut self, start: u32, is_async: bool) -> PResult<StmtRef<'a>> {
        self.bump();
        let target = self.star_targets()?;
        self.expect(Tok::In)?;
        let iter = self.star_expressions()?;
        self.expect(Tok::Colon)?;
        let type_comment = self.type_comment();
        let body = self.block()?;
        let orelse = self.optional_else()?;
        let node = &*self.arena.alloc(For { target, iter, body, orelse, type_comment });
        let kind = if is_async { StmtKind::AsyncFor(node) } else { StmtKind::For(node) };
        Ok(self.stmt(self.range_from(start), kind))
    }

    fn with_item(&mut self) -> PResult<WithItem<'a>> {
        let start = self.start();
        let context_expr = self.expression()?;
        let optional_vars = if self.eat(Tok::As) {
            let t = self.star_target()?;
            if !matches!(self.kind(), Tok::Comma | Tok::RPar | Tok::Colon) {
                return Err(Fail);
            }
            Some(t)
        } else {
            None
        };
        Ok(WithItem { range: self.range_from(start), context_expr, optional_vars })
    }

    fn parenthesised_with_items(&mut self) -> PResult<&'a [WithItem<'a>]> {
        self.expect(Tok::LPar)?;
        let mut items = Vec::with_capacity(2);
        loop {
            items.push(self.with_item()?);
            if !self.eat(Tok::Comma) || self.kind() == Tok::RPar {
                break;
            }
        }
        self.expect(Tok::RPar)?;
        self.expect(Tok::Colon)?;
        Ok(self.arena.alloc_slice_copy(&items))
    }

    fn with_statement(&mut self, start: u32, is_async: bool) -> PResult<StmtRef<'a>> {
        self.bump();
        let attempted =
            if self.kind() == Tok::LPar { self.attempt(Self::parenthesised_with_items) } else { None };
        let items = match attempted {
            Some(items) => items,
            None => {
                let mut items = Vec::with_capacity(1);
                loop {
                    items.push(self.with_item()?);
                    if !self.eat(Tok::Comma) {
                        break;
                    }
                }
                self.expect(Tok::Colon)?;
                &*self.arena.alloc_slice_copy(&items)
            }
        };
        let type_comment = self.type_comment();
        let body = self.block()?;
        let kind = if is_async {
            StmtKind::AsyncWith { items, body, type_comment }
        } else {
            StmtKind::With { items, body, type_comment }
        };
        Ok(self.stmt(self.range_from(start), kind))
    }

    fn try_statement(&mut self) -> PResult<StmtRef<'a>> {
        let start = self.start();
        self.bump();
        let body = self.colon_block()?;
        let mut handlers = Vec::with_capacity(1);
        let mut star = None;
        while self.kind() == Tok::Except {
            let handler_start = self.start();
            self.bump();
            let this_star = self.eat(Tok::Star);
            if *star.get_or_insert(this_star) != this_star {
                return Err(Fail);
            }
            let mut name = None;
            let r#type = if self.kind() == Tok::Colon {
                if this_star {
                    return Err(Fail);
                }
                None
            } else {
                let from = self.pos;
                let e = self.expression_list()?;
                let bare = matches!(e.kind, ExprKind::Tuple { .. }) && !self.parenthesised_since(from);
                if bare {
                    self.need(14);
                }
                if self.kind() == Tok::As {
                    if bare {
                        return Err(Fail);
                    }
                    self.bump();
                    name = Some(self.name()?);
                }
                Some(e)
            };
            let body = self.colon_block()?;
            handlers.push(ExceptHandler { range: self.range_from(handler_start), r#type, name, body });
        }
        let orelse = if handlers.is_empty() { &[] } else { self.optional_else()? };
        let finalbody = if self.eat(Tok::Finally) {
            self.colon_block()?
        } else if handlers.is_empty() {
            return Err(Fail);
        } else {
            &[]
        };
        if star == Some(true) {
            self.need(11);
        }
        let handlers = self.arena.alloc_slice_copy(&handlers);
        let node = &*self.arena.alloc(Try { body, handlers, orelse, finalbody });
        let kind = if star == Some(true) { StmtKind::TryStar(node) } else { StmtKind::Try(node) };
        Ok(self.stmt(self.range_from(start), kind))
    }

    /// Whether the tokens from `from` up to here are one bracketed group.
    fn parenthesised_since(&self, from: usize) -> bool {
        let mut depth = 0;
        for i in from..self.pos {
            match self.toks.get(i).map(|t| t.kind) {
                Some(Tok::LPar | Tok::LSqb | Tok::LBrace) => depth += 1,
                Some(Tok::RPar | Tok::RSqb | Tok::RBrace) => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return i + 1 == self.pos;
            }
        }
        false
    }

    fn async_statement(&mut self, decorators: Exprs<'a>) -> PResult<StmtRef<'a>> {
        self.need(5);
        let start = self.start();
        self.bump();
        match self.kind() {
            Tok::Def => self.function(start, true, decorators),
            Tok::For if decorators.is_empty() => self.for_statement(start, true),
            Tok::With if decorators.is_empty() => self.with_statement(start, true),
            _ => Err(Fail),
        }
    }

    fn decorated(&mut self) -> PResult<StmtRef<'a>> {
        let mark = self.exprs.len();
        while self.eat(Tok::At) {
            let e = self.named_expression()?;
            self.exprs.push(e);
            self.expect(Tok::Newline)?;
        }
        let decorators = self.take_exprs(mark);
        match self.kind() {
            Tok::Def => {
                let start = self.start();
                self.function(start, false, decorators)
            }
            Tok::Async => self.async_statement(decorators),
            Tok::Class => self.class(decorators),
            _ => Err(Fail),
        }
    }

    fn function(&mut self, start: u32, is_async: bool, decorator_list: Exprs<'a>) -> PResult<StmtRef<'a>> {
        self.bump();
        let name = self.name()?;
        let type_params = self.type_params()?;
        self.expect(Tok::LPar)?;
        let args = self.parameters()?;
        self.expect(Tok::RPar)?;
        let returns = if self.eat(Tok::Arrow) { Some(self.expression()?) } else { None };
        self.expect(Tok::Colon)?;
        let mut type_comment = self.type_comment();
        if type_comment.is_none()
            && self.kind() == Tok::Newline
            && self.peek(1) == Tok::TypeComment
            && self.peek(2) == Tok::Newline
            && self.peek(3) == Tok::Indent
        {
            self.bump();
            type_comment = self.type_comment();
        } else if type_comment.is_some() && self.kind() == Tok::Newline && self.peek(1) == Tok::TypeComment {
            return Err(Fail);
        }
        let body = self.block()?;
        let node = &*self.arena.alloc(FunctionDef {
            name,
            args,
            body,
            decorator_list,
            returns,
            type_comment,
            type_params,
        });
        let kind = if is_async { StmtKind::AsyncFunctionDef(node) } else { StmtKind::FunctionDef(node) };
        Ok(self.stmt(self.range_from(start), kind))
    }

    fn class(&mut self, decorator_list: Exprs<'a>) -> PResult<StmtRef<'a>> {
        let start = self.start();
        self.bump();
        let name = self.name()?;
        let type_params = self.type_params()?;
        let (bases, keywords) =
            if self.kind() == Tok::LPar { self.call_arguments(false)? } else { (&[][..], &[][..]) };
        let body = self.colon_block()?;
        let node = &*self.arena.alloc(ClassDef { name, bases, keywords, body, decorator_list, type_params });
        Ok(self.stmt(self.range_from(start), StmtKind::ClassDef(node)))
    }

    fn match_statement(&mut self) -> PResult<StmtRef<'a>> {
        let start = self.start();
        self.bump();
        let subject_start = self.start();
        let star = self.kind() == Tok::Star;
        let first = self.star_named_expression()?;
        let subject = if self.kind() == Tok::Comma {
            let mark = self.exprs.len();
            self.exprs.push(first);
            while self.eat(Tok::Comma) {
                if self.kind() == Tok::Colon {
                    break;
                }
                let e = self.star_named_expression()?;
                self.exprs.push(e);
            }
            let elts = self.take_exprs(mark);
            self.expr(self.range_from(subject_start), ExprKind::Tuple { elts, ctx: ExprContext::Load })
        } else if star {
            return Err(Fail);
        } else {
            first
        };
        self.expect(Tok::Colon)?;
        self.expect(Tok::Newline)?;
        self.expect(Tok::Indent)?;
        self.need(10);
        self.enter()?;
        let mut cases = Vec::with_capacity(4);
        while !self.eat(Tok::Dedent) {
            let case_start = self.start();
            if !self.at_soft("case") {
                return Err(Fail);
            }
            self.bump();
            let pattern = self.patterns()?;
            let guard = if self.eat(Tok::If) { Some(self.named_expression()?) } else { None };
            let body = self.colon_block()?;
            cases.push(MatchCase { range: self.range_from(case_start), pattern, guard, body });
        }
        self.leave();
        let cases = self.arena.alloc_slice_copy(&cases);
        Ok(self.stmt(self.range_from(start), StmtKind::Match { subject, cases }))
    }

    /// `(argtypes) -> returns`
    pub(super) fn func_type(&mut self) -> PResult<Mod<'a>> {
        self.expect(Tok::LPar)?;
        let mark = self.exprs.len();
        let mut stage = 0;
        while self.kind() != Tok::RPar {
            match self.kind() {
                Tok::Star if stage == 0 => {
                    stage = 1;
                    self.bump();
                }
                Tok::DoubleStar if stage < 2 => {
                    stage = 2;
                    self.bump();
                }
                _ if stage == 0 => {}
                _ => return Err(Fail),
            }
            let e = self.expression()?;
            self.exprs.push(e);
            if !self.eat(Tok::Comma) {
                break;
            }
            if self.kind() == Tok::RPar {
                return Err(Fail);
            }
        }
        self.expect(Tok::RPar)?;
        self.expect(Tok::Arrow)?;
        let argtypes = self.take_exprs(mark);
        let returns = self.expression()?;
        while self.eat(Tok::Newline) {}
        if self.kind() != Tok::EndMarker {
            return Err(Fail);
        }
        Ok(Mod::FunctionType { argtypes, returns })
    }
}
