//! The error rules that need more than a message: checks in code.

use super::compile::Target;
use super::engine::{Engine, Id, Match, Node, Stop};
use crate::error::ErrorKind;
use crate::lexer::{Tok, Token};
use crate::parser::strings::{decode, prefix};

impl Engine<'_> {
    fn tag(&self, id: Id) -> &'static str {
        self.nodes.get(id as usize).map_or("", |n| n.tag)
    }

    /// Parts of a display or call: children with lists unfolded and punctuation dropped.
    fn parts(&self, id: Id, out: &mut Vec<Id>) {
        let Some(n) = self.nodes.get(id as usize) else { return };
        for &k in &n.kids {
            match self.tag(k) {
                "*" => self.parts(k, out),
                "," | "(" | ")" | "[" | "]" | "{" | "}" => {}
                _ => out.push(k),
            }
        }
    }

    /// The part of `id` that cannot be assigned to (or deleted).
    fn bad_target(&self, target: Target, id: Id) -> Option<Id> {
        match self.tag(id) {
            "name" | "subscript" | "attribute" => None,
            "list" | "tuple" => {
                let mut parts = Vec::new();
                self.parts(id, &mut parts);
                parts.into_iter().find_map(|p| self.bad_target(target, p))
            }
            "starred" => {
                if target == Target::Del {
                    return Some(id);
                }
                let inner = *self.nodes.get(id as usize)?.kids.last()?;
                self.bad_target(target, inner)
            }
            "comparison" if target == Target::For => {
                let n = self.nodes.get(id as usize)?;
                let pair = *self.nodes.get(*n.kids.get(1)? as usize)?.kids.first()?;
                if self.token_of(pair, false)?.kind == Tok::In {
                    self.bad_target(target, *n.kids.first()?)
                } else {
                    None
                }
            }
            _ => Some(id),
        }
    }

    pub(super) fn check_target(&self, target: Target, id: Id) -> Result<(), Stop> {
        let Some(bad) = self.bad_target(target, id) else { return Ok(()) };
        let verb = if target == Target::Del { "delete" } else { "assign to" };
        self.fail(ErrorKind::Syntax, format!("cannot {verb} {}", self.tag(bad)), self.range(bad, bad))
    }

    fn add(&mut self, tag: &'static str, start: usize, kids: Vec<Id>) -> Match {
        self.nodes.push(Node { tag, start: start as u32, end: self.pos as u32, kids });
        Ok(Some(self.nodes.len() as Id - 1))
    }

    fn here_stop<T>(&self, message: &str) -> Result<T, Stop> {
        Err(Stop::Error(Box::new(self.here(ErrorKind::Syntax, message))))
    }

    /// Whether `id` is a bare `print` or `exec`.
    fn legacy(&self, id: Id) -> bool {
        self.tag(id) == "name"
            && self.token_of(id, false).is_some_and(|t| matches!(self.text(t), "print" | "exec"))
    }

    pub(super) fn perform(
        &mut self,
        name: &str,
        start: usize,
        kids: Vec<Id>,
        a: Option<Id>,
        b: Option<Id>,
    ) -> Match {
        let Some(a) = a else {
            if name == "mixed" {
                let id = self.add("*", start, kids)?;
                let place = id.map(|id| self.range(id, id));
                if let Some(place) = place {
                    return self.fail(
                        ErrorKind::Syntax,
                        "cannot mix t-string literals with string or bytes literals".into(),
                        place,
                    );
                }
            }
            return Ok(None);
        };
        let token = self.token_of(a, false);
        match (name, b) {
            ("missing_comma", Some(b)) => {
                let depth = self.pos.checked_sub(1).and_then(|i| self.levels.get(i)).copied().unwrap_or(0);
                if self.legacy(a) || depth == 0 {
                    return Ok(None);
                }
                if self.later_dict_key(a) {
                    return self.perform("colon_after_key", start, kids, Some(a), None);
                }
                let message = "invalid syntax. Perhaps you forgot a comma?".into();
                self.fail(ErrorKind::Syntax, message, self.range(a, b))
            }
            ("legacy", Some(b)) => {
                if !self.legacy(a) {
                    return Ok(None);
                }
                let word = token.map_or("", |t| self.text(t));
                let message = format!("Missing parentheses in call to '{word}'. Did you mean {word}(...)?");
                self.fail(ErrorKind::Syntax, message, self.range(a, b))
            }
            ("bound_star" | "bound_double", Some(b)) => {
                let what = if self.tag(b) == "tuple" { "constraints" } else { "bound" };
                let kind = if name == "bound_star" { "TypeVarTuple" } else { "ParamSpec" };
                Err(self.starting_from(a, format!("cannot use {what} with {kind}")))
            }
            ("nonparen_genexp", Some(b)) => {
                let mut parts = Vec::new();
                self.parts(a, &mut parts);
                parts.retain(|&p| !matches!(self.tag(p), "kw" | "kwstar"));
                if parts.len() <= 1 {
                    return Ok(None);
                }
                let last = parts[parts.len() - 1];
                let message = "Generator expression must be parenthesized".into();
                self.fail(ErrorKind::Syntax, message, self.range(last, b))
            }
            ("arguments_error", _) => {
                let mut parts = Vec::new();
                self.parts(a, &mut parts);
                let unpacking = parts.iter().any(|&p| self.tag(p) == "kwstar");
                self.here_stop(if unpacking {
                    "positional argument follows keyword argument unpacking"
                } else {
                    "positional argument follows keyword argument"
                })
            }
            ("colon_after_key", _) => {
                let mut place = self.range(a, a);
                if let Some(t) = self.token_of(a, true) {
                    let (_, col) = self.source.line_col(t.end);
                    place.col = i64::from(col);
                    place.end_col = 0;
                }
                self.fail(ErrorKind::Syntax, "':' expected after dictionary key".into(), place)
            }
            ("barry", _) => {
                let flufl = self.options.barry_as_flufl || token.is_some_and(|t| t.start > self.flufl_from);
                match (token.map(|t| t.kind), flufl) {
                    (Some(Tok::NotEqual), true) => {
                        self.here_stop("with Barry as BDFL, use '<>' instead of '!='")
                    }
                    (Some(Tok::LessGreater), false) => self.fail(
                        ErrorKind::Syntax,
                        "invalid syntax.  Maybe you meant '!=' instead of '<>'?".into(),
                        self.range(a, a),
                    ),
                    _ => Ok(Some(a)),
                }
            }
            ("real" | "imaginary", _) => {
                let imaginary = token.is_some_and(|t| self.text(t).ends_with(['j', 'J']));
                if imaginary == (name == "imaginary") {
                    return Ok(Some(a));
                }
                let message = format!("{name} number required in complex literal");
                self.fail(ErrorKind::Syntax, message, self.range(a, a))
            }
            ("number", _) => self.check_number(a, token),
            ("string", _) => self.check_string(a, token),
            ("middle", _) => self.check_middle(a, token),
            ("concat", _) => self.check_concatenation(start, a, kids),
            ("f_conversion" | "t_conversion", Some(b)) => {
                let letter = &name[..1];
                let (Some(bang), Some(conv)) = (token, self.token_of(b, false)) else { return Ok(None) };
                if bang.end != conv.start {
                    let message = format!(
                        "{letter}-string: conversion type must come right after the exclamation mark"
                    );
                    return self.fail(ErrorKind::Syntax, message, self.range(a, b));
                }
                let text = self.text(conv);
                if !matches!(text, "s" | "r" | "a") {
                    let message = format!(
                        "{letter}-string: invalid conversion character '{text}': expected 's', 'r', or 'a'"
                    );
                    return self.fail(ErrorKind::Syntax, message, self.range(b, b));
                }
                self.add("*", start, kids)
            }
            _ => Ok(None),
        }
    }

    /// Whether `id` starts a key of a dict display that is not its first.
    fn later_dict_key(&self, id: Id) -> bool {
        let Some(first) = self.nodes.get(id as usize).map(|n| n.start as usize) else { return false };
        let kind = |i: usize| self.lexed.tokens.get(i).map(|t| t.kind);
        let Some(mut i) = first.checked_sub(1).filter(|&i| kind(i) == Some(Tok::Comma)) else { return false };
        let Some(&level) = self.levels.get(i) else { return false };
        let mut colon = false;
        while let Some(j) = i.checked_sub(1) {
            i = j;
            match kind(i) {
                Some(Tok::LBrace) if self.levels.get(i) == Some(&level) => return colon,
                Some(Tok::LPar | Tok::LSqb) if self.levels.get(i) == Some(&level) => return false,
                Some(Tok::For | Tok::Lambda) if self.levels.get(i) == Some(&level) => return false,
                Some(Tok::Colon) if self.levels.get(i) == Some(&level) => colon = true,
                _ => {}
            }
        }
        false
    }

    fn check_number(&self, a: Id, token: Option<Token>) -> Match {
        let Some(t) = token else { return Ok(None) };
        let limit = self.options.int_max_str_digits as usize;
        let text = self.text(t);
        if self.options.feature_version < 6 && text.contains('_') {
            return self
                .here_stop("Underscores in numeric literals are only supported in Python 3.6 and greater");
        }
        if limit != 0 && text.len() > limit && text.bytes().all(|b| b.is_ascii_digit() || b == b'_') {
            let digits = text.bytes().filter(u8::is_ascii_digit).count();
            if digits > limit {
                let mut place = self.range(a, a);
                place.col = 0;
                place.end_col = 0;
                let message = format!(
                    "Exceeds the limit ({limit} digits) for integer string conversion: value has {digits} \
                     digits; use sys.set_int_max_str_digits() to increase the limit - Consider hexadecimal \
                     for huge integer literals to avoid decimal conversion limits."
                );
                return self.fail(ErrorKind::Syntax, message, place);
            }
        }
        Ok(Some(a))
    }

    fn check_string(&self, a: Id, token: Option<Token>) -> Match {
        let Some(t) = token else { return Ok(None) };
        let text = self.text(t).as_bytes();
        let p = prefix(text);
        let body = text.get(p.len + p.quotes..text.len().saturating_sub(p.quotes)).unwrap_or(&[]);
        if p.bytes && !body.is_ascii() {
            let message = "bytes can only contain ASCII literal characters".into();
            return self.fail(ErrorKind::Syntax, message, self.range(a, a));
        }
        match decode(body, p.raw, p.bytes, self.options.name_lookup, &mut |_, _| {}) {
            Ok(_) => Ok(Some(a)),
            Err(message) => self.here_stop(&message),
        }
    }

    /// Text of an f-string or t-string: raw if the innermost open string is.
    fn check_middle(&self, a: Id, token: Option<Token>) -> Match {
        let (Some(t), Some(n)) = (token, self.nodes.get(a as usize)) else { return Ok(None) };
        let mut open = 0;
        let mut raw = false;
        for t in self.lexed.tokens[..n.start as usize].iter().rev() {
            match t.kind {
                Tok::FStringEnd | Tok::TStringEnd => open += 1,
                Tok::FStringStart | Tok::TStringStart if open > 0 => open -= 1,
                Tok::FStringStart | Tok::TStringStart => {
                    raw = self.text(*t).bytes().any(|b| b | 0x20 == b'r');
                    break;
                }
                _ => {}
            }
        }
        match decode(self.text(t).as_bytes(), raw, false, self.options.name_lookup, &mut |_, _| {}) {
            Ok(_) => Ok(Some(a)),
            Err(message) => self.here_stop(&message),
        }
    }

    fn check_concatenation(&mut self, start: usize, a: Id, kids: Vec<Id>) -> Match {
        let parts = self.nodes.get(a as usize).map_or(Vec::new(), |n| n.kids.clone());
        let (mut bytes, mut text, mut formatted) = (false, false, false);
        for p in parts {
            if self.tag(p) == "f-string expression" {
                formatted = true;
                text = true;
            } else if let Some(t) = self.token_of(p, false) {
                if prefix(self.text(t).as_bytes()).bytes { bytes = true } else { text = true }
            }
        }
        if bytes && text {
            return self.here_stop("cannot mix bytes and nonbytes literals");
        }
        self.add(if formatted { "f-string expression" } else { "literal" }, start, kids)
    }
}
