//! `_tokenize`: the token stream of `taipan-syntax` in the shape that
//! `Lib/tokenize.py` takes it.

use crate::prelude::*;
use std::cell::{Cell, RefCell};
use taipan_syntax::LineIndex;

/// Payload of `TokenizerIter`: the rows are made when the first is asked for.
pub struct Tokenizer {
    readline: Object,
    encoding: Object,
    extra: bool,
    rows: RefCell<Option<Vec<Object>>>,
    /// Raised after the rows.
    error: RefCell<Option<Object>>,
    next: Cell<usize>,
}

impl NativeClass for Tokenizer {
    fn class() -> &'static Type {
        &TOKENIZER
    }
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit_object(&self.readline);
        visitor.visit_object(&self.encoding);
        if let Ok(rows) = self.rows.try_borrow() {
            rows.iter().flatten().for_each(|row| visitor.visit_object(row));
        }
    }
}

static SIG: Sig = Sig::new("tokenizeriter(readline, /, *, encoding=None, extra_tokens)");

pub static TOKENIZER: Type = Type::new::<Tokenizer>(
    "_tokenize.TokenizerIter",
    &crate::types::object::OBJECT,
    type_flags::BASE | type_flags::HAVE_GC,
    Slots {
        new: Some(|vm, class, args, kwnames| {
            let args = SIG.bind(vm, args, kwnames)?;
            let extra = vm.is_true(&args[2])?;
            Ok(vm.alloc(
                class,
                Tokenizer {
                    readline: args[0].clone(),
                    encoding: args[1].clone(),
                    extra,
                    rows: RefCell::new(None),
                    error: RefCell::new(None),
                    next: Cell::new(0),
                },
            ))
        }),
        next: Some(next_token),
        ..Slots::EMPTY.iter(|_, t| Ok(t.clone()))
    },
    &[],
    &[],
);

fn this(object: &Object) -> &Tokenizer {
    // SAFETY: used on TokenizerIter only.
    unsafe { object.payload_unchecked() }
}

fn read_source(vm: &Vm, t: &Tokenizer) -> Result<String> {
    let mut source = String::new();
    loop {
        let line = match vm.call(&t.readline, &[]) {
            Ok(line) => line,
            Err(raised) if vm.raised_is(&exc::STOP_ITERATION) => {
                drop(vm.caught(raised));
                return Ok(source);
            }
            Err(raised) => return Err(raised),
        };
        let text = if line.downcast::<Str>().is_some() {
            vm.str_lossy(&line)
        } else {
            let encoding = if t.encoding.is_none() { vm.intern("utf-8") } else { t.encoding.clone() };
            let decoded = vm.call_method(&line, "decode", &[encoding, vm.intern("replace")])?;
            vm.str_lossy(&decoded)
        };
        if text.is_empty() {
            return Ok(source);
        }
        source.push_str(&text);
    }
}

fn number(kind: &str, operator: bool, keyword: bool) -> i64 {
    if operator {
        return 55;
    }
    if keyword {
        return 1;
    }
    match kind {
        "ENDMARKER" => 0,
        "NAME" => 1,
        "NUMBER" => 2,
        "STRING" => 3,
        "NEWLINE" => 4,
        "INDENT" => 5,
        "DEDENT" => 6,
        "FSTRING_START" => 59,
        "FSTRING_MIDDLE" => 60,
        "FSTRING_END" => 61,
        "TSTRING_START" => 62,
        "TSTRING_MIDDLE" => 63,
        "TSTRING_END" => 64,
        "COMMENT" | "TYPE_COMMENT" => 65,
        "NL" => 66,
        _ => 67,
    }
}

fn fill(vm: &Vm, t: &Tokenizer) -> Result<()> {
    let source = read_source(vm, t)?;
    let index = LineIndex::new(&source);
    let stream = taipan_syntax::tokenize(&source, t.extra);
    let lines: Vec<&str> = source.split_inclusive('\n').collect();
    let line_objects: Vec<Object> = lines.iter().map(|line| vm.str(line)).collect();
    let empty = vm.intern("");
    let position = |offset: u32| -> (i64, i64) {
        let (line, byte) = index.line_col(offset);
        let text = lines.get((line as usize).wrapping_sub(1)).copied().unwrap_or("");
        let column = text.get(..byte as usize).map_or(byte as usize, |head| head.chars().count());
        (line as i64, column as i64)
    };
    let mut rows = Vec::with_capacity(stream.tokens.len());
    for token in &stream.tokens {
        let kind = number(token.kind.text(), token.kind.is_operator(), token.kind.is_keyword());
        let text = source.get(token.start as usize..token.end as usize).unwrap_or("");
        let (start, mut end) = (position(token.start), position(token.end));
        if (kind == 4 || kind == 66) && !text.is_empty() {
            end = (start.0, start.1 + text.chars().count() as i64);
        }
        let line = line_objects.get((start.0 - 1).max(0) as usize).cloned().unwrap_or_else(|| empty.clone());
        let pair = |(a, b): (i64, i64)| vm.tuple(vec![vm.int(a), vm.int(b)]);
        rows.push(vm.tuple(vec![vm.int(kind), vm.str(text), pair(start), pair(end), line]));
    }
    if let Some(error) = &stream.error {
        let raised = crate::compile::syntax_error(vm, error, &vm.str("<string>"));
        drop(t.error.replace(Some(vm.caught(raised))));
    }
    drop(t.rows.replace(Some(rows)));
    Ok(())
}

fn next_token(vm: &Vm, object: &Object) -> Result<Option<Object>> {
    let t = this(object);
    let filled = t.rows.borrow().is_some();
    if !filled {
        fill(vm, t)?;
    }
    let i = t.next.get();
    let row = t.rows.borrow().as_ref().and_then(|rows| rows.get(i).cloned());
    t.next.set(i + 1);
    if row.is_none()
        && let Some(error) = t.error.take()
    {
        return Err(vm.raise(error));
    }
    Ok(row)
}

pub static MODULE: ModuleDef = ModuleDef {
    name: "_tokenize",
    doc: "The tokenizer, for the module tokenize.",
    functions: &[],
    types: &[&TOKENIZER],
    init: None,
};
