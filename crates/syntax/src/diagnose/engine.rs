//! A backtracking recogniser for the compiled grammar.
//!
//! Values are small nodes: a tag (CPython's name of the expression), the tokens
//! covered, the children. Memoisation follows CPython's choices rule by rule,
//! because which error is seen first depends on it.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::compile::{Action, Alt, Grammar, Item, grammar};
use super::{Place, Source, build};
use crate::Options;
use crate::error::{ErrorKind, SyntaxError};
use crate::lexer::{Lexed, Tok, Token};

/// Deepest recursion of rules.
const MAX_DEPTH: u32 = 30_000;

/// Why a walk ended early.
#[derive(Debug)]
pub(super) enum Stop {
    Error(Box<SyntaxError>),
    TooComplex,
}

pub(super) type Id = u32;
pub(super) type Match = Result<Option<Id>, Stop>;

/// Hash of a memo key: one multiplication is enough.
#[derive(Default)]
struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for &b in bytes {
            self.write_u64(u64::from(b));
        }
    }
    fn write_u64(&mut self, n: u64) {
        let m = (self.0 ^ n).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = m ^ (m >> 32);
    }
}

#[derive(Debug)]
pub(super) struct Node {
    pub tag: &'static str,
    /// Token indices: first, and one past the last.
    pub start: u32,
    pub end: u32,
    pub kids: Vec<Id>,
}

pub(super) struct Engine<'e> {
    grammar: &'static Grammar,
    pub source: &'e Source<'e>,
    pub lexed: &'e Lexed,
    pub levels: &'e [u16],
    pub options: &'e Options,
    first: usize,
    pub pos: usize,
    /// Tokens read so far.
    fill: usize,
    stopped: bool,
    invalid: bool,
    depth: u32,
    memo: HashMap<u64, (Option<Id>, u32), BuildHasherDefault<Mix>>,
    pub nodes: Vec<Node>,
    /// Byte offset of `from __future__ import barry_as_FLUFL`, if any.
    pub flufl_from: u32,
}

pub(super) type Captures = [Option<Id>; 2];

impl<'e> Engine<'e> {
    pub fn new(
        source: &'e Source<'e>,
        lexed: &'e Lexed,
        levels: &'e [u16],
        options: &'e Options,
        first: usize,
    ) -> Self {
        Engine {
            grammar: grammar(),
            source,
            lexed,
            levels,
            options,
            first,
            pos: first,
            fill: first,
            stopped: false,
            invalid: false,
            depth: 0,
            memo: HashMap::default(),
            nodes: Vec::new(),
            flufl_from: flufl_import(source.text, &lexed.tokens),
        }
    }

    /// Walk from the start; whether everything matched.
    pub fn run(&mut self, root: &str, invalid: bool) -> Result<bool, Stop> {
        self.pos = self.first;
        self.invalid = invalid;
        self.depth = 0;
        self.memo.clear();
        self.nodes.clear();
        match self.grammar.names.get(root) {
            Some(&r) => Ok(self.rule(r)?.is_some()),
            None => Ok(false),
        }
    }

    /// Last token read.
    pub fn last(&self) -> Option<Token> {
        self.lexed.tokens.get(self.fill.checked_sub(1)?).copied()
    }

    /// Whether the end of input was reached.
    pub fn read_all(&self) -> bool {
        // CPython's tokenizer notices the end when it looks one character past a token.
        let end = self.source.text.len() as u32;
        self.last().is_some_and(|t| {
            t.end == end
                && (t.start == t.end
                    || matches!(t.kind, Tok::Name | Tok::Number | Tok::Error)
                    || t.kind.is_keyword()
                    || (t.kind.is_operator() && t.end - t.start <= 2 && t.kind != Tok::LessGreater))
        })
    }

    /// Whether the lexer's error was met.
    pub fn lexer_stopped(&self) -> bool {
        self.stopped
    }

    /// Whether that error is about the end of input.
    pub fn lexer_at_end(&self) -> bool {
        self.lexed.error.as_ref().is_some_and(|e| e.at_end)
    }

    /// Token at `index`, reading on if need be.
    fn token(&mut self, index: usize) -> Result<Option<Token>, Stop> {
        match self.lexed.tokens.get(index) {
            Some(t) => {
                self.fill = self.fill.max(index + 1);
                Ok(Some(*t))
            }
            None => {
                if let Some(e) = &self.lexed.error {
                    self.stopped = true;
                    return Err(Stop::Error(Box::new(super::lexer_error_in(self.source, self.lexed, e))));
                }
                Ok(None)
            }
        }
    }

    fn node(&mut self, tag: &'static str, start: usize, kids: Vec<Id>) -> Id {
        let mut end = self.pos;
        while end > start + 1
            && self
                .lexed
                .tokens
                .get(end - 1)
                .is_some_and(|t| matches!(t.kind, Tok::Newline | Tok::Indent | Tok::Dedent))
        {
            end -= 1;
        }
        self.nodes.push(Node { tag, start: start as u32, end: end as u32, kids });
        self.nodes.len() as Id - 1
    }

    fn rule(&mut self, r: usize) -> Match {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Stop::TooComplex);
        }
        let grammar = self.grammar;
        let rule = &grammar.rules[r];
        let key = (self.pos as u64) << 16 | r as u64;
        if rule.memo || rule.left {
            self.token(self.pos)?;
            if let Some(&(id, end)) = self.memo.get(&key) {
                self.pos = end as usize;
                self.depth -= 1;
                return Ok(id);
            }
        }
        let result = if rule.left {
            let start = self.pos;
            let mut best = None;
            let mut end = start;
            loop {
                self.memo.insert(key, (best, end as u32));
                self.pos = start;
                let raw = self.alts(&rule.alts)?;
                if raw.is_none() || self.pos <= end {
                    break;
                }
                best = raw;
                end = self.pos;
            }
            self.pos = end;
            best
        } else {
            let saved = self.invalid;
            self.invalid &= !rule.quiet;
            let result = self.alts(&rule.alts)?;
            self.invalid = saved;
            if rule.memo {
                self.memo.insert(key, (result, self.pos as u32));
            }
            result
        };
        self.depth -= 1;
        Ok(result)
    }

    fn alts(&mut self, alts: &'static [Alt]) -> Match {
        let start = self.pos;
        for alt in alts {
            if alt.invalid && !self.invalid {
                continue;
            }
            self.pos = start;
            let mut captures: Captures = [None; 2];
            let mut kids = Vec::new();
            let mut cut = false;
            let mut matched = true;
            for item in &alt.items {
                if matches!(item, Item::Cut) {
                    cut = true;
                    continue;
                }
                match self.item(item, &mut captures)? {
                    Some(id) => {
                        if !matches!(item, Item::And(_) | Item::Not(_)) {
                            kids.push(id);
                        }
                    }
                    None => {
                        matched = false;
                        break;
                    }
                }
            }
            if matched {
                let value = self.act(alt, start, kids, &captures)?;
                if value.is_some() {
                    return Ok(value);
                }
            }
            if cut {
                break;
            }
        }
        self.pos = start;
        Ok(None)
    }

    fn take(&mut self, wanted: impl Fn(&Self, Token) -> bool) -> Match {
        let Some(t) = self.token(self.pos)? else { return Ok(None) };
        if !wanted(self, t) {
            return Ok(None);
        }
        let start = self.pos;
        self.pos += 1;
        self.nodes.push(Node {
            tag: token_name(t.kind),
            start: start as u32,
            end: self.pos as u32,
            kids: Vec::new(),
        });
        Ok(Some(self.nodes.len() as Id - 1))
    }

    fn item(&mut self, item: &'static Item, captures: &mut Captures) -> Match {
        match item {
            Item::Tok(kind) => self.take(|_, t| t.kind == *kind),
            Item::Soft(word) => self.take(|s, t| t.kind == Tok::Name && s.text(t) == *word),
            Item::AnySoft => {
                self.take(|s, t| t.kind == Tok::Name && matches!(s.text(t), "match" | "case" | "type" | "_"))
            }
            Item::Rule(r) => self.rule(*r),
            Item::Opt(x) => {
                let start = self.pos;
                match self.item(x, captures)? {
                    Some(id) => Ok(Some(id)),
                    None => {
                        self.pos = start;
                        Ok(Some(self.node("*", start, Vec::new())))
                    }
                }
            }
            Item::Star(x) | Item::Plus(x) => {
                let start = self.pos;
                let mut kids = Vec::new();
                loop {
                    let before = self.pos;
                    match self.item(x, captures)? {
                        Some(id) if self.pos > before => kids.push(id),
                        _ => {
                            self.pos = before;
                            break;
                        }
                    }
                }
                if kids.is_empty() && matches!(item, Item::Plus(_)) {
                    return Ok(None);
                }
                Ok(Some(self.node("*", start, kids)))
            }
            Item::Gather(x, sep) => {
                let start = self.pos;
                let Some(first) = self.item(x, captures)? else { return Ok(None) };
                let mut kids = vec![first];
                loop {
                    let before = self.pos;
                    if self.item(sep, captures)?.is_some()
                        && let Some(id) = self.item(x, captures)?
                    {
                        kids.push(id);
                        continue;
                    }
                    self.pos = before;
                    break;
                }
                Ok(Some(self.node("*", start, kids)))
            }
            Item::Group(alts) => {
                // Captures may stand within a group.
                if alts.len() == 1 && alts[0].items.iter().any(|i| matches!(i, Item::Capture(..))) {
                    let start = self.pos;
                    let mut kids = Vec::new();
                    for i in &alts[0].items {
                        match self.item(i, captures)? {
                            Some(id) => kids.push(id),
                            None => {
                                self.pos = start;
                                return Ok(None);
                            }
                        }
                    }
                    return Ok(Some(self.node("*", start, kids)));
                }
                self.alts(alts)
            }
            Item::And(x) | Item::Not(x) => {
                let start = self.pos;
                let found = self.item(x, captures)?.is_some();
                self.pos = start;
                if found == matches!(item, Item::And(_)) {
                    Ok(Some(self.node("*", start, Vec::new())))
                } else {
                    Ok(None)
                }
            }
            Item::Cut => Ok(None),
            Item::Force(kind) => {
                let Some(t) = self.token(self.pos)? else { return Ok(None) };
                if t.kind == *kind {
                    return self.take(|_, _| true);
                }
                Err(Stop::Error(Box::new(self.at_token(t, &format!("expected '{}'", kind.text())))))
            }
            Item::Capture(slot, x) => {
                let id = self.item(x, captures)?;
                captures[*slot] = id;
                Ok(id)
            }
        }
    }

    fn act(&mut self, alt: &'static Alt, start: usize, kids: Vec<Id>, captures: &Captures) -> Match {
        let get = |slot: usize| captures.get(slot).copied().flatten();
        Ok(match &alt.action {
            Action::Plain => {
                if let [only] = kids.as_slice() {
                    Some(*only)
                } else {
                    Some(self.node("*", start, kids))
                }
            }
            Action::Tag(tag) => Some(self.node(tag, start, kids)),
            Action::Take(slot) => slot.and_then(get),
            Action::Range(a, b, message) => match (get(*a), get(*b)) {
                (Some(a), Some(b)) => {
                    let message = self.format(message, Some(a));
                    let place = self.range(a, b);
                    return self.fail(ErrorKind::Syntax, message, place);
                }
                _ => None,
            },
            Action::Location(a, message) => match get(*a) {
                Some(a) => {
                    let message = self.format(message, Some(a));
                    let place = self.range(a, a);
                    return self.fail(ErrorKind::Syntax, message, place);
                }
                None => None,
            },
            Action::From(a, message) => match get(*a) {
                Some(a) => {
                    let message = self.format(message, Some(a));
                    return Err(self.starting_from(a, message));
                }
                None => None,
            },
            Action::Next(message) => {
                let message = self.format(message, None);
                self.token(self.pos)?;
                let t = self.lexed.tokens.get(self.pos).copied();
                let place = self.token_place(t);
                return self.fail(ErrorKind::Syntax, message, place);
            }
            Action::Here(message) => {
                let message = self.format(message, get(0));
                return Err(Stop::Error(Box::new(self.here(ErrorKind::Syntax, &message))));
            }
            Action::Indent(message) => {
                let message = self.format(message, get(0));
                return Err(Stop::Error(Box::new(self.here(ErrorKind::Indentation, &message))));
            }
            Action::Target(target, a) => {
                if let Some(a) = get(*a) {
                    self.check_target(*target, a)?;
                }
                None
            }
            Action::Version(version, tag, what) => {
                if self.options.feature_version < *version {
                    let message = format!("{what} only supported in Python 3.{version} and greater");
                    return Err(Stop::Error(Box::new(self.here(ErrorKind::Syntax, &message))));
                }
                if let ("*", [only]) = (*tag, kids.as_slice()) {
                    return Ok(Some(*only));
                }
                Some(self.node(tag, start, kids))
            }
            Action::Do(name) => return self.perform(name, start, kids, get(0), get(1)),
        })
    }

    // ----- reporting -----

    pub fn text(&self, t: Token) -> &'e str {
        self.source.text.get(t.start as usize..t.end as usize).unwrap_or("")
    }

    /// A token of a node: its first, or its last.
    pub fn token_of(&self, id: Id, last: bool) -> Option<Token> {
        let n = self.nodes.get(id as usize)?;
        let i = if last { (n.end as usize).checked_sub(1)? } else { n.start as usize };
        self.lexed.tokens.get(i).copied()
    }

    /// Where CPython puts a token; -1 columns for those without text.
    fn token_place(&self, t: Option<Token>) -> Place {
        let end = self.source.text.len() as u32;
        let t = t.unwrap_or(Token { kind: Tok::EndMarker, start: end, end });
        let (line, col) = self.source.line_col(t.start);
        if matches!(t.kind, Tok::Indent | Tok::Dedent | Tok::EndMarker)
            || (t.kind == Tok::Newline && t.start == end && self.options.mode == crate::Mode::Single)
        {
            return Place { line, col: i64::from(col), end_line: line, end_col: -1 };
        }
        if t.kind == Tok::Newline {
            let bare = self.text(t).trim_end_matches('\n').len() as u32;
            let (_, end_col) = self.source.line_col(t.start + bare);
            return Place { line, col: i64::from(col) + 1, end_line: line, end_col: i64::from(end_col) + 2 };
        }
        let (end_line, end_col) = self.source.line_col(t.end);
        Place { line, col: i64::from(col) + 1, end_line, end_col: i64::from(end_col) + 1 }
    }

    /// From the start of node `a` to the end of node `b`.
    pub fn range(&self, a: Id, b: Id) -> Place {
        let mut from = self.token_place(self.token_of(a, false));
        if from.end_col == -1 {
            from.col = 0;
        }
        let to = self.token_place(self.token_of(b, true));
        Place { end_line: to.end_line, end_col: to.end_col, ..from }
    }

    pub fn fail<T>(&self, kind: ErrorKind, message: String, place: Place) -> Result<T, Stop> {
        Err(Stop::Error(Box::new(build(self.source, kind, message, place, self.last()))))
    }

    /// An error about the last token read.
    pub fn here(&self, kind: ErrorKind, message: &str) -> SyntaxError {
        let mut place = self.token_place(self.last());
        if kind == ErrorKind::IncompleteInput && (self.stopped || self.source.text.is_empty()) {
            let at = match &self.lexed.error {
                Some(e) if !e.eof => e.at,
                _ => self.source.text.len() as u32,
            };
            let (line, col) = self.source.line_col(at);
            let line = if self.source.text.is_empty() { 0 } else { line };
            place = Place { line, col: i64::from(col), end_line: line, end_col: -1 };
        }
        build(self.source, kind, message.to_string(), place, self.last())
    }

    /// An error about `t`.
    pub fn at_token(&self, t: Token, message: &str) -> SyntaxError {
        let mut place = self.token_place(Some(t));
        if t.kind == Tok::LessGreater {
            place.end_col -= 1;
        }
        if place.end_col == -1 {
            place = Place { col: 0, end_col: 0, ..place };
        }
        build(self.source, ErrorKind::Syntax, message.to_string(), place, self.last())
    }

    /// An error from node `a` up to where the lexer stands.
    pub fn starting_from(&self, a: Id, message: String) -> Stop {
        let mut place = self.token_place(self.token_of(a, false));
        if let Some(t) = self.last() {
            if place.end_col == -1 {
                place.col = 0;
            }
            let (line, col) = if t.kind == Tok::Newline && t.end > t.start {
                let (line, col) = self.source.line_col(t.start);
                (line, col + 1)
            } else {
                self.source.line_col(t.end)
            };
            place.end_line = line;
            place.end_col = i64::from(col);
        }
        Stop::Error(Box::new(build(self.source, ErrorKind::Syntax, message, place, self.last())))
    }

    fn format(&self, message: &str, a: Option<Id>) -> String {
        let mut out = message.to_string();
        if let Some(a) = a
            && out.contains("{a")
            && let Some(t) = self.token_of(a, false)
        {
            out = out
                .replace("{a}", self.nodes.get(a as usize).map_or("", |n| n.tag))
                .replace("{a.text}", self.text(t))
                .replace("{a.line}", &self.source.line(t.start).to_string());
        }
        out
    }
}

/// Where `<>` takes over from `!=`.
fn flufl_import(text: &str, tokens: &[Token]) -> u32 {
    if !text.contains("barry_as_FLUFL") {
        return u32::MAX;
    }
    let word = |t: &Token| text.get(t.start as usize..t.end as usize).unwrap_or("");
    let mut future = false;
    for pair in tokens.windows(2) {
        match pair[0].kind {
            Tok::From => future = word(&pair[1]) == "__future__",
            Tok::Newline | Tok::Semi => future = false,
            _ if future && word(&pair[0]) == "barry_as_FLUFL" => return pair[0].start,
            _ => {}
        }
    }
    u32::MAX
}

/// CPython's name of a one-token expression.
fn token_name(kind: Tok) -> &'static str {
    match kind {
        Tok::Name => "name",
        Tok::Number | Tok::String => "literal",
        Tok::Ellipsis => "ellipsis",
        other => other.text(),
    }
}
