//! Parameters of functions and lambdas, arguments of calls, type parameters.

use super::{Fail, PResult, Parser};
use crate::ast::*;
use crate::lexer::Tok;

impl<'a> Parser<'a, '_> {
    /// Parameters of a `def`, up to the closing parenthesis.
    pub(super) fn parameters(&mut self) -> PResult<&'a Arguments<'a>> {
        self.parameter_list(Tok::RPar, true)
    }

    /// Parameters of a `lambda`, up to the colon.
    pub(super) fn lambda_parameters(&mut self) -> PResult<&'a Arguments<'a>> {
        self.parameter_list(Tok::Colon, false)
    }

    fn parameter(&mut self, annotated: bool, star: bool) -> PResult<Arg<'a>> {
        let start = self.start();
        let arg = self.name()?;
        let annotation = if annotated && self.eat(Tok::Colon) {
            if star && self.kind() == Tok::Star {
                Some(self.star_named_star()?)
            } else {
                Some(self.expression()?)
            }
        } else {
            None
        };
        Ok(Arg { range: self.range_from(start), arg, annotation, type_comment: None })
    }

    /// `*` with a `bitwise_or`.
    pub(super) fn star_named_star(&mut self) -> PResult<ExprRef<'a>> {
        let start = self.start();
        self.expect(Tok::Star)?;
        let value = self.bitwise(0)?;
        Ok(self.expr(self.range_from(start), ExprKind::Starred { value, ctx: ExprContext::Load }))
    }

    fn take_type_comment(&mut self) -> Option<&'a str> {
        let t = self.tok();
        if t.kind == Tok::TypeComment {
            self.bump();
            Some(self.text(t.start, t.end))
        } else {
            None
        }
    }

    fn parameter_list(&mut self, close: Tok, annotated: bool) -> PResult<&'a Arguments<'a>> {
        let start = self.start();
        if self.kind() == close {
            return Ok(self.arena.alloc(Arguments { range: Range::new(start, start), ..Default::default() }));
        }
        let mut posonly: Vec<Arg<'a>> = Vec::new();
        let mut args: Vec<Arg<'a>> = Vec::new();
        let mut kwonly: Vec<Arg<'a>> = Vec::new();
        let mut kw_defaults: Vec<Option<ExprRef<'a>>> = Vec::new();
        let mut vararg: Option<Arg<'a>> = None;
        let mut kwarg: Option<Arg<'a>> = None;
        let mark = self.exprs.len();
        let mut defaults = 0;
        let mut star = false;
        let mut slash = false;
        loop {
            match self.kind() {
                Tok::Slash if !star && !slash && !args.is_empty() => {
                    self.bump();
                    slash = true;
                    self.need(8);
                    posonly = std::mem::take(&mut args);
                }
                Tok::Star if !star => {
                    self.bump();
                    star = true;
                    if self.kind() == Tok::Comma {
                        // Something must follow a bare star.
                        if self.peek(1) != Tok::Name {
                            return Err(Fail);
                        }
                    } else {
                        let a = self.parameter(annotated, true)?;
                        vararg = Some(a);
                    }
                }
                Tok::DoubleStar => {
                    self.bump();
                    let mut a = self.parameter(annotated, false)?;
                    let mut comma = self.eat(Tok::Comma);
                    a.type_comment = self.take_type_comment();
                    comma |= self.kind() == close;
                    kwarg = Some(a);
                    if !comma || self.kind() != close {
                        return Err(Fail);
                    }
                    break;
                }
                Tok::Name => {
                    let a = self.parameter(annotated, false)?;
                    let default = if self.eat(Tok::Equal) { Some(self.expression()?) } else { None };
                    if star {
                        kwonly.push(a);
                        kw_defaults.push(default);
                    } else {
                        args.push(a);
                        match default {
                            Some(d) => {
                                self.exprs.push(d);
                                defaults += 1;
                            }
                            None if defaults > 0 => return Err(Fail),
                            None => {}
                        }
                    }
                }
                _ => return Err(Fail),
            }
            let comma = self.eat(Tok::Comma);
            if self.kind() == Tok::TypeComment {
                let comment = self.take_type_comment();
                let last = if star { kwonly.last_mut().or(vararg.as_mut()) } else { args.last_mut() };
                match last {
                    Some(a) => a.type_comment = comment,
                    None => return Err(Fail),
                }
            }
            if self.kind() == close {
                break;
            }
            if !comma {
                return Err(Fail);
            }
        }
        let defaults = self.take_exprs(mark);
        let arguments = Arguments {
            range: self.range_from(start),
            posonlyargs: self.arena.alloc_slice_copy(&posonly),
            args: self.arena.alloc_slice_copy(&args),
            vararg: vararg.map(|a| &*self.arena.alloc(a)),
            kwonlyargs: self.arena.alloc_slice_copy(&kwonly),
            kw_defaults: self.arena.alloc_slice_copy(&kw_defaults),
            kwarg: kwarg.map(|a| &*self.arena.alloc(a)),
            defaults,
        };
        Ok(self.arena.alloc(arguments))
    }

    /// `( arguments )` of a call or of a class definition (`call` is false there: no bare generator).
    pub(super) fn call_arguments(&mut self, call: bool) -> PResult<(Exprs<'a>, &'a [Keyword<'a>])> {
        let open = self.start();
        self.expect(Tok::LPar)?;
        if self.eat(Tok::RPar) {
            return Ok((&[], &[]));
        }
        self.enter()?;
        let mark = self.exprs.len();
        let mut keywords: Vec<Keyword<'a>> = Vec::new();
        let mut double = false;
        loop {
            match self.kind() {
                Tok::Star => {
                    if double {
                        return Err(Fail);
                    }
                    let e = self.starred_expression()?;
                    self.exprs.push(e);
                }
                Tok::DoubleStar => {
                    let start = self.start();
                    self.bump();
                    let value = self.expression()?;
                    keywords.push(Keyword { range: self.range_from(start), arg: None, value });
                    double = true;
                }
                Tok::Name if self.peek(1) == Tok::Equal => {
                    let start = self.start();
                    let name = self.name()?;
                    self.bump();
                    let value = self.expression()?;
                    keywords.push(Keyword { range: self.range_from(start), arg: Some(name), value });
                }
                _ => {
                    if !keywords.is_empty() {
                        return Err(Fail);
                    }
                    let e = self.named_expression()?;
                    match self.kind() {
                        Tok::For | Tok::Async => {
                            if !call || self.exprs.len() != mark {
                                return Err(Fail);
                            }
                            let generators = self.comprehensions()?;
                            self.expect(Tok::RPar)?;
                            let e = self
                                .expr(self.range_from(open), ExprKind::GeneratorExp { elt: e, generators });
                            self.exprs.push(e);
                            self.leave();
                            return Ok((self.take_exprs(mark), &[]));
                        }
                        Tok::Equal => return Err(Fail),
                        _ => self.exprs.push(e),
                    }
                }
            }
            if !self.eat(Tok::Comma) {
                break;
            }
            if self.kind() == Tok::RPar {
                break;
            }
        }
        self.expect(Tok::RPar)?;
        self.leave();
        let args = self.take_exprs(mark);
        Ok((args, self.arena.alloc_slice_copy(&keywords)))
    }

    /// `[T: bound = default, *Ts, **P]`, if there.
    pub(super) fn type_params(&mut self) -> PResult<&'a [TypeParam<'a>]> {
        if !self.eat(Tok::LSqb) {
            return Ok(&[]);
        }
        self.need(12);
        let mut out: Vec<TypeParam<'a>> = Vec::new();
        loop {
            let start = self.start();
            let kind = match self.kind() {
                Tok::Star => {
                    self.bump();
                    let name = self.name()?;
                    let default_value = if self.eat(Tok::Equal) {
                        Some(if self.kind() == Tok::Star {
                            self.star_named_star()?
                        } else {
                            self.expression()?
                        })
                    } else {
                        None
                    };
                    TypeParamKind::TypeVarTuple { name, default_value }
                }
                Tok::DoubleStar => {
                    self.bump();
                    let name = self.name()?;
                    let default_value = if self.eat(Tok::Equal) { Some(self.expression()?) } else { None };
                    TypeParamKind::ParamSpec { name, default_value }
                }
                _ => {
                    let name = self.name()?;
                    let bound = if self.eat(Tok::Colon) { Some(self.expression()?) } else { None };
                    let default_value = if self.eat(Tok::Equal) { Some(self.expression()?) } else { None };
                    TypeParamKind::TypeVar { name, bound, default_value }
                }
            };
            if matches!(
                kind,
                TypeParamKind::TypeVar { default_value: Some(_), .. }
                    | TypeParamKind::ParamSpec { default_value: Some(_), .. }
                    | TypeParamKind::TypeVarTuple { default_value: Some(_), .. }
            ) {
                self.need(13);
            }
            out.push(TypeParam { range: self.range_from(start), kind });
            if !self.eat(Tok::Comma) || self.kind() == Tok::RSqb {
                break;
            }
        }
        self.expect(Tok::RSqb)?;
        Ok(self.arena.alloc_slice_copy(&out))
    }
}
