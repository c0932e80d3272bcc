//! The fast pass: recursive descent over the token vector.
//!
//! It builds the tree of a correct source and stops without a word at the first
//! thing it does not understand; wording is the business of the second pass
//! (`crate::diagnose`). Left-associative chains, trailers and `elif` ladders are
//! loops; everything that recurses is counted, so that no input can exhaust the
//! native stack.

mod arguments;
mod expressions;
mod numbers;
mod patterns;
mod statements;
pub(crate) mod strings;

use std::cell::Cell;

use bumpalo::Bump;

use crate::ast::{Expr, ExprKind, ExprRef, Mod, Range, Stmt, StmtKind, StmtRef, TypeIgnore};
use crate::lexer::{Lexed, Tok, Token};
use crate::{Mode, Options};

/// Deepest recursion of the parser.
pub(crate) const MAX_DEPTH: u32 = 6000;

/// The fast pass gave up; why is found out elsewhere.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fail;

pub(crate) type PResult<T> = Result<T, Fail>;

/// A warning with the byte it is about.
#[derive(Clone, Debug)]
pub(crate) struct RawWarning {
    pub at: u32,
    /// The reported line is that of this byte plus the line ends from `start` to `at`.
    pub base: u32,
    /// Where the literal begins.
    pub start: u32,
    pub message: String,
}

pub(crate) struct Parser<'a, 't> {
    pub(crate) arena: &'a Bump,
    pub(crate) src: &'a str,
    toks: &'t [Token],
    pos: usize,
    depth: u32,
    pub(crate) too_complex: bool,
    /// The constant that an identifier became by normalisation.
    pub(crate) constant_name: Cell<Option<&'static str>>,
    /// Newest minor version that the constructs met need.
    required: u8,
    /// `<>` instead of `!=`.
    flufl: bool,
    pub(crate) options: &'t Options,
    exprs: Vec<ExprRef<'a>>,
    stmts: Vec<StmtRef<'a>>,
    pub(crate) warnings: Vec<RawWarning>,
    /// A line began with `match` but was no match statement.
    soft_match_seen: bool,
    /// Token index from which the error pass has to start.
    pub(crate) top: Cell<usize>,
}

impl<'a, 't> Parser<'a, 't> {
    pub(crate) fn new(arena: &'a Bump, src: &'a str, toks: &'t [Token], options: &'t Options) -> Self {
        Parser {
            arena,
            src,
            toks,
            pos: 0,
            depth: 0,
            too_complex: false,
            constant_name: Cell::new(None),
            required: 0,
            flufl: options.barry_as_flufl,
            options,
            exprs: Vec::with_capacity(64),
            stmts: Vec::with_capacity(64),
            warnings: Vec::new(),
            soft_match_seen: false,
            top: Cell::new(0),
        }
    }

    /// Parse everything in the mode asked for.
    pub(crate) fn module(&mut self, lexed: &Lexed) -> PResult<Mod<'a>> {
        let module = self.any_module(lexed)?;
        if self.required > self.options.feature_version {
            self.top.set(0);
            return Err(Fail);
        }
        Ok(module)
    }

    /// Note that what was just met came with Python 3.`version`.
    #[inline(always)]
    fn need(&mut self, version: u8) {
        if version > self.required {
            self.required = version;
        }
    }

    fn any_module(&mut self, lexed: &Lexed) -> PResult<Mod<'a>> {
        match self.options.mode {
            Mode::Exec => {
                let mark = self.stmts.len();
                let mut previous = 0;
                while self.kind() != Tok::EndMarker {
                    // The error pass looks one statement back: rules there may look ahead.
                    if !self.soft_match_seen {
                        self.top.set(previous);
                    }
                    previous = self.pos;
                    self.statement()?;
                }
                let body = self.take_stmts(mark);
                let src = self.src;
                let mut ignores = Vec::new();
                if !lexed.type_ignores.is_empty() {
                    let index = crate::LineIndex::new(src);
                    for &(start, end) in &lexed.type_ignores {
                        ignores.push(TypeIgnore {
                            lineno: index.line(start),
                            tag: src.get(start as usize..end as usize).unwrap_or(""),
                        });
                    }
                }
                Ok(Mod::Module { body, type_ignores: self.arena.alloc_slice_copy(&ignores) })
            }
            Mode::Eval => {
                let body = self.expression_list()?;
                while self.eat(Tok::Newline) {}
                if self.kind() != Tok::EndMarker {
                    return Err(Fail);
                }
                Ok(Mod::Expression { body })
            }
            Mode::Single => {
                let mark = self.stmts.len();
                if self.kind() == Tok::EndMarker {
                    return Err(Fail);
                }
                if self.at_compound() {
                    // Closed by an empty line or the end of input.
                    let before = self.stmts.len();
                    self.statement()?;
                    let last = self.stmts.get(before).map(|s| s.kind);
                    if last.is_some_and(|k| k.is_compound()) {
                        self.expect(Tok::Newline)?;
                    }
                    while self.eat(Tok::Newline) {}
                    if self.kind() != Tok::EndMarker {
                        return Err(Fail);
                    }
                } else {
                    self.statement()?;
                    self.nothing_follows()?;
                }
                Ok(Mod::Interactive { body: self.take_stmts(mark) })
            }
            Mode::FuncType => self.func_type(),
        }
    }

    /// After an interactive simple statement only blanks and comments may come.
    fn nothing_follows(&self) -> PResult<()> {
        let from = self.pos.checked_sub(1).and_then(|i| self.toks.get(i)).map_or(0, |t| t.end);
        let mut rest = self.text(from, self.src.len() as u32);
        loop {
            rest = rest.trim_start_matches([' ', '\t', '\n', '\r', '\x0c']);
            if rest.is_empty() {
                return Ok(());
            }
            if !rest.starts_with('#') {
                return Err(Fail);
            }
            rest = rest.find(['\n', '\r']).map_or("", |i| &rest[i..]);
        }
    }

    // ----- tokens -----

    #[inline(always)]
    fn tok(&self) -> Token {
        match self.toks.get(self.pos) {
            Some(t) => *t,
            None => Token { kind: Tok::EndMarker, start: self.src.len() as u32, end: self.src.len() as u32 },
        }
    }

    #[inline(always)]
    fn kind(&self) -> Tok {
        match self.toks.get(self.pos) {
            Some(t) => t.kind,
            None => Tok::EndMarker,
        }
    }

    #[inline(always)]
    fn peek(&self, ahead: usize) -> Tok {
        match self.toks.get(self.pos + ahead) {
            Some(t) => t.kind,
            None => Tok::EndMarker,
        }
    }

    #[inline(always)]
    fn start(&self) -> u32 {
        self.tok().start
    }

    #[inline(always)]
    fn bump(&mut self) {
        self.pos += 1;
    }

    #[inline(always)]
    fn eat(&mut self, kind: Tok) -> bool {
        if self.kind() == kind {
            self.pos += 1;
            true
        } else {
            false
        }
    }

    #[inline(always)]
    fn expect(&mut self, kind: Tok) -> PResult<()> {
        if self.kind() == kind {
            self.pos += 1;
            Ok(())
        } else {
            Err(Fail)
        }
    }

    /// End of the last consumed token that is more than white space.
    #[inline]
    fn prev_end(&self) -> u32 {
        let mut i = self.pos;
        while i > 0 {
            i -= 1;
            let Some(t) = self.toks.get(i) else { break };
            if !matches!(t.kind, Tok::Newline | Tok::Indent | Tok::Dedent) {
                return t.end;
            }
        }
        0
    }

    #[inline]
    fn range_from(&self, start: u32) -> Range {
        Range { start, end: self.prev_end() }
    }

    /// Source text of a byte range.
    fn text(&self, start: u32, end: u32) -> &'a str {
        self.src.get(start as usize..end as usize).unwrap_or("")
    }

    /// Whether the current token is the soft keyword `word`.
    #[inline]
    fn at_soft(&self, word: &str) -> bool {
        let t = self.tok();
        t.kind == Tok::Name && self.text(t.start, t.end) == word
    }

    /// An identifier, normalised.
    #[inline]
    fn name(&mut self) -> PResult<&'a str> {
        let t = self.tok();
        if t.kind != Tok::Name {
            return Err(Fail);
        }
        self.pos += 1;
        Ok(self.identifier(t))
    }

    #[inline]
    fn identifier(&self, t: Token) -> &'a str {
        let text = self.text(t.start, t.end);
        if text.is_ascii() { text } else { self.normalise(text) }
    }

    #[cold]
    fn normalise(&self, text: &'a str) -> &'a str {
        use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};
        if is_nfkc_quick(text.chars()) == IsNormalized::Yes {
            return text;
        }
        let s: String = text.nfkc().collect();
        if let Some(name) = ["None", "True", "False"].into_iter().find(|name| *name == s) {
            self.constant_name.set(Some(name));
        }
        self.arena.alloc_str(&s)
    }

    // ----- nesting -----

    #[inline(always)]
    fn enter(&mut self) -> PResult<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            self.too_complex = true;
            return Err(Fail);
        }
        Ok(())
    }

    #[inline(always)]
    fn leave(&mut self) {
        self.depth -= 1;
    }

    // ----- nodes -----

    #[inline(always)]
    fn expr(&self, range: Range, kind: ExprKind<'a>) -> ExprRef<'a> {
        self.arena.alloc(Expr { range, kind })
    }

    #[inline(always)]
    fn stmt(&self, range: Range, kind: StmtKind<'a>) -> StmtRef<'a> {
        self.arena.alloc(Stmt { range, kind })
    }

    #[inline]
    fn take_exprs(&mut self, mark: usize) -> &'a [ExprRef<'a>] {
        let slice = self.arena.alloc_slice_copy(self.exprs.get(mark..).unwrap_or(&[]));
        self.exprs.truncate(mark);
        slice
    }

    #[inline]
    fn take_stmts(&mut self, mark: usize) -> &'a [StmtRef<'a>] {
        let slice = self.arena.alloc_slice_copy(self.stmts.get(mark..).unwrap_or(&[]));
        self.stmts.truncate(mark);
        slice
    }

    /// Try `f`; on failure go back to where we were.
    fn attempt<T>(&mut self, f: impl FnOnce(&mut Self) -> PResult<T>) -> Option<T> {
        let (pos, depth) = (self.pos, self.depth);
        let (exprs, stmts, warnings) = (self.exprs.len(), self.stmts.len(), self.warnings.len());
        match f(self) {
            Ok(v) => Some(v),
            Err(Fail) => {
                self.pos = pos;
                self.depth = depth;
                self.exprs.truncate(exprs);
                self.stmts.truncate(stmts);
                self.warnings.truncate(warnings);
                None
            }
        }
    }
}
