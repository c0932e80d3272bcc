//! `_tokenize`: the lexer's tokens as `tokenize` wants them. All lines are read
//! when the first token is asked for.

use std::cell::{Cell, RefCell};
use taipan_runtime::compile;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, this};
use taipan_runtime::types::cell::ObjectCell;
use taipan_runtime::types::object::OBJECT;
use taipan_syntax::{ErrorKind, LineIndex, SyntaxError, Tok, Token};

/// The module.
pub static TOKENIZE: ModuleDef = ModuleDef {
    name: "_tokenize",
    doc: "",
    functions: &[],
    types: &[&TOKENIZER_ITER],
    init: Some(|vm, module| vm.set_attr_str(module, "__doc__", &Object::NONE)),
};

/// Payload of TokenizerIter.
pub struct TokenizerIter {
    readline: ObjectCell,
    encoding: Option<String>,
    extra: bool,
    /// The tokens, once read.
    lexed: RefCell<Option<std::rc::Rc<Lexed>>>,
    position: Cell<usize>,
}

/// A source and its tokens.
struct Lexed {
    source: String,
    index: LineIndex,
    tokens: Vec<Token>,
    error: Option<SyntaxError>,
}

impl NativeClass for TokenizerIter {
    fn class() -> &'static Type {
        &TOKENIZER_ITER
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.readline.traverse(visitor);
    }
    fn clear(&self) {
        self.readline.clear();
    }
}

/// `TokenizerIter`.
pub static TOKENIZER_ITER: Type = Type::new::<TokenizerIter>(
    "_tokenize.TokenizerIter",
    &OBJECT,
    type_flags::BASE | type_flags::HAVE_GC,
    Slots { new: Some(new), next: Some(next), ..Slots::EMPTY.iter(|_, o| Ok(o.clone())) },
    &[],
    &[],
);

static SIG: Sig = Sig::new("tokenizeriter(readline, /, *, extra_tokens, encoding=None)");

fn new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let bound = SIG.bind(vm, args, kwnames)?;
    let encoding = match bound[2].some() {
        None => None,
        Some(name) if name.downcast::<Str>().is_some() => Some(vm.str_lossy(name)),
        Some(other) => {
            let name = other.ty().name();
            return Err(vm.type_error(format!("tokenizeriter() argument 'encoding' must be str, not {name}")));
        }
    };
    let made = TokenizerIter {
        readline: ObjectCell::new(bound[0].clone()),
        encoding,
        extra: vm.is_true(&bound[1])?,
        lexed: RefCell::new(None),
        position: Cell::new(0),
    };
    allocate(vm, class, made)
}

/// All lines that the function gives, joined.
fn read(vm: &Vm, readline: &Object, encoding: Option<&str>) -> Result<String> {
    let mut source = String::new();
    loop {
        let line = match vm.call(readline, &[]) {
            Ok(line) => line,
            Err(_) if vm.raised_is(&exc::STOP_ITERATION) => {
                drop(vm.take_raised());
                break;
            }
            Err(raised) => return Err(raised),
        };
        let line = match encoding {
            Some(encoding) => {
                if line.downcast::<taipan_runtime::types::bytes::Bytes>().is_none() {
                    return Err(vm.type_error("readline() returned a non-bytes object"));
                }
                vm.call_method(&line, "decode", &[vm.str(encoding), vm.intern("replace")])?
            }
            None if line.downcast::<Str>().is_none() => {
                return Err(vm.type_error("readline() returned a non-string object"));
            }
            None => line,
        };
        let text = vm.str_lossy(&line);
        if text.is_empty() {
            break;
        }
        source.push_str(&text);
    }
    Ok(source)
}

fn next(vm: &Vm, object: &Object) -> Result<Option<Object>> {
    let this = this::<TokenizerIter>(object);
    let known = this.lexed.borrow().clone();
    let lexed = match known {
        Some(lexed) => lexed,
        None => {
            let source = read(vm, &this.readline.get(), this.encoding.as_deref())?;
            let stream = taipan_syntax::tokenize(&source, this.extra);
            let index = LineIndex::new(&source);
            let made = std::rc::Rc::new(Lexed { source, index, tokens: stream.tokens, error: stream.error });
            this.lexed.replace(Some(made.clone()));
            made
        }
    };
    let i = this.position.get();
    this.position.set(i + 1);
    match lexed.tokens.get(i) {
        Some(token) if token.kind != Tok::Error || lexed.is_stray(*token) => {
            lexed.describe(vm, i, *token, this.extra).map(Some)
        }
        _ => match &lexed.error {
            Some(error) if i <= lexed.tokens.len() => {
                this.position.set(usize::MAX - 1);
                Err(lexed.raise(vm, error))
            }
            _ => {
                this.position.set(usize::MAX - 1);
                Ok(None)
            }
        },
    }
}

impl Lexed {
    /// Line, column in characters.
    fn place(&self, offset: u32) -> (i64, i64) {
        let (line, column) = self.index.line_col(offset);
        let start = (offset - column) as usize;
        let text = self.source.get(start..offset as usize).unwrap_or("");
        (line as i64, text.chars().count() as i64)
    }
    /// The text of the lines from one to another.
    fn lines(&self, first: i64, last: i64) -> &str {
        let start = self.index.line_start(first as u32).unwrap_or(self.source.len() as u32);
        let end = self.index.line_start(last as u32 + 1).unwrap_or(self.source.len() as u32);
        self.source.get(start as usize..end as usize).unwrap_or("")
    }

    fn describe(&self, vm: &Vm, i: usize, token: Token, extra: bool) -> Result {
        let mut text = self.source.get(token.start as usize..token.end as usize).unwrap_or("");
        let (mut start, mut end) = (self.place(token.start), self.place(token.end));
        let mut number = type_number(token.kind);
        if extra && (7..=54).contains(&number) {
            number = 55;
        }
        let mut line = None;
        match token.kind {
            Tok::Newline | Tok::Nl if extra => {
                // At the end of a source without a line end there is nothing to show.
                let width = if text.is_empty() { 1 } else { text.chars().count() as i64 };
                end = (start.0, start.1 + width);
            }
            Tok::Newline => {
                // A comment before the line end is taken for its text.
                let rest = self.source.get(token.start as usize..).unwrap_or("");
                text = if rest.starts_with('#') { rest.lines().next().unwrap_or("") } else { "" };
                end = (start.0, start.1 + text.chars().count() as i64);
            }
            Tok::Indent | Tok::Dedent => {
                // The line is that of the token that follows.
                let following = self
                    .tokens
                    .get(i..)
                    .and_then(|rest| rest.iter().find(|t| !matches!(t.kind, Tok::Indent | Tok::Dedent)));
                let place = self.place(following.map_or(token.start, |t| t.start));
                let at_end = following.is_some_and(|t| t.kind == Tok::EndMarker);
                let place = match at_end {
                    true => (self.last_line() + i64::from(extra), 0),
                    false => place,
                };
                text = "";
                if !extra {
                    line = at_end.then(|| self.last_code_line());
                    start = (place.0, -1);
                    end = start;
                } else if token.kind == Tok::Indent {
                    let whole = self.lines(place.0, place.0);
                    text = &whole[..whole.len() - whole.trim_start_matches([' ', '\t', '\x0c']).len()];
                    start = (place.0, 0);
                    end = place;
                } else {
                    start = place;
                    end = place;
                }
            }
            Tok::EndMarker => {
                text = "";
                start = if extra { (self.last_line() + 1, 0) } else { (self.last_line(), -1) };
                end = start;
                line = Some(if extra { "" } else { self.last_code_line() });
            }
            _ => {}
        }
        let line = line.unwrap_or_else(|| self.lines(start.0, end.0.max(start.0)));
        let pair = |p: (i64, i64)| vm.tuple(vec![vm.int(p.0), vm.int(p.1)]);
        Ok(vm.tuple(vec![vm.int(number), vm.str(text), pair(start), pair(end), vm.str(line)]))
    }

    /// A character that no token begins with, but that `tokenize` shows.
    fn is_stray(&self, token: Token) -> bool {
        matches!(self.source.as_bytes().get(token.start as usize), Some(b'?' | b'$' | b'`'))
    }
    /// The error at which the tokens end.
    fn raise(&self, vm: &Vm, error: &SyntaxError) -> Raised {
        let filename = vm.intern("<string>");
        if matches!(error.kind, ErrorKind::Indentation | ErrorKind::Tab) {
            let line = error.lineno as i64;
            let text = self.lines(line, line).trim_end_matches(['\n', '\r']);
            let offset = vm.usize(text.chars().count() + 1);
            let place = vec![filename, vm.int(line), offset, vm.str(text), Object::NONE, Object::NONE];
            let class = if error.kind == ErrorKind::Tab { &exc::TAB_ERROR } else { &exc::INDENTATION_ERROR };
            return vm.error_with(class, vec![vm.str(&error.message), vm.tuple(place)]);
        }
        if !error.message.ends_with("was never closed") && error.message != "unexpected EOF while parsing" {
            return compile::syntax_error(vm, error, &filename);
        }
        let raised = vm.error(&exc::SYNTAX_ERROR, "unexpected EOF in multi-line statement");
        let exception = vm.caught(raised);
        let line = vm.int(self.last_line());
        let place =
            [("filename", filename), ("lineno", line.clone()), ("offset", vm.int(0)), ("end_lineno", line)];
        for (name, value) in place {
            if let Err(raised) = vm.set_attr_str(&exception, name, &value) {
                return raised;
            }
        }
        vm.raise(exception)
    }

    /// The last line, if there is code in it.
    fn last_code_line(&self) -> &str {
        let n = self.last_line();
        let text = self.lines(n, n);
        let code = text.trim_start();
        if code.is_empty() || code.starts_with('#') { "" } else { text }
    }

    /// Number of the last line that has something in it.
    fn last_line(&self) -> i64 {
        let n = self.index.line_count() as i64;
        if self.lines(n, n).is_empty() { n - 1 } else { n }
    }
}

/// The number of a kind in the `token` module.
fn type_number(kind: Tok) -> i64 {
    if kind.is_keyword() {
        return 1;
    }
    const OPERATORS: [&str; 48] = [
        "(", ")", "[", "]", ":", ",", ";", "+", "-", "*", "/", "|", "&", "<", ">", "=", ".", "%", "{", "}",
        "==", "!=", "<=", ">=", "~", "^", "<<", ">>", "**", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=",
        "<<=", ">>=", "**=", "//", "//=", "@", "@=", "->", "...", ":=", "!",
    ];
    if kind == Tok::LessGreater {
        return 28;
    }
    if kind.is_operator() {
        let found = OPERATORS.iter().position(|op| *op == kind.text());
        return found.map_or(55, |i| i as i64 + 7);
    }
    match kind {
        Tok::EndMarker => 0,
        Tok::Name => 1,
        Tok::Number => 2,
        Tok::String => 3,
        Tok::Newline => 4,
        Tok::Indent => 5,
        Tok::Dedent => 6,
        Tok::TypeIgnore => 56,
        Tok::TypeComment => 57,
        Tok::FStringStart => 59,
        Tok::FStringMiddle => 60,
        Tok::FStringEnd => 61,
        Tok::TStringStart => 62,
        Tok::TStringMiddle => 63,
        Tok::TStringEnd => 64,
        Tok::Comment => 65,
        Tok::Nl => 66,
        Tok::Error => 55,
        _ => 67,
    }
}
