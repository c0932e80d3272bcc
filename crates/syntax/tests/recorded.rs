//! Trees, errors and warnings against what CPython 3.14 did with the same sources (see `data/record.py`).

#[path = "support/dumper.rs"]
mod dumper;

use taipan_syntax::{
    Bump, Decoded, ErrorKind, Mode, Options, SyntaxError, decode_source, parse, parse_with_warnings,
};

fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('f') => out.push('\x0c'),
            Some(c) => out.push(c),
            None => {}
        }
    }
    out
}

fn class(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Indentation => "IndentationError",
        ErrorKind::Tab => "TabError",
        ErrorKind::IncompleteInput => "_IncompleteInputError",
        _ => "SyntaxError",
    }
}

fn fields(e: SyntaxError) -> Vec<String> {
    vec![
        class(e.kind).into(),
        e.message,
        e.lineno.to_string(),
        e.offset.to_string(),
        e.end_lineno.to_string(),
        e.end_offset.to_string(),
    ]
}

#[test]
fn modes() {
    with_stack(|| {
        let mut bad = Vec::new();
        for line in include_str!("data/modes.txt").lines() {
            let want: Vec<String> = line.split('\t').map(unescape).collect();
            let incomplete = want[0] == "incomplete";
            let options = Options {
                mode: if want[0] == "eval" { Mode::Eval } else { Mode::Single },
                allow_incomplete_input: incomplete,
                dont_imply_dedent: incomplete,
                ..Options::default()
            };
            let arena = Bump::new();
            let got = match parse(&arena, &want[1], &options) {
                Ok(_) => vec!["OK".to_string()],
                Err(e) => fields(e),
            };
            if got[..] != want[2..] {
                bad.push(format!("{want:?}\n  got  {got:?}"));
            }
        }
        assert!(bad.is_empty(), "{}", bad.join("\n"));
    });
}

#[test]
fn bytes() {
    let mut bad = Vec::new();
    for line in include_str!("data/bytes.txt").lines() {
        let want: Vec<String> = line.split('\t').map(unescape).collect();
        let source: Vec<u8> = (0..want[0].len() / 2)
            .map(|i| u8::from_str_radix(&want[0][2 * i..2 * i + 2], 16).unwrap_or(0))
            .collect();
        let got = match decode_source(&source) {
            // What another codec makes of it is the runtime's affair.
            Ok(Decoded::Text(_) | Decoded::NeedsCodec { .. }) => vec!["OK".to_string()],
            Err(e) => fields(e),
        };
        if got[..] != want[1..] {
            bad.push(format!("{want:?}\n  got  {got:?}"));
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

fn names(name: &str) -> Option<u32> {
    (name == "DIGIT ONE").then_some('1' as u32)
}

fn options() -> Options {
    Options { name_lookup: Some(names), ..Options::default() }
}

#[test]
fn trees() {
    let data = include_str!("data/trees.txt");
    let mut lines = data.lines();
    let mut bad = Vec::new();
    while let (Some(source), Some(want)) = (lines.next(), lines.next()) {
        let source = unescape(source);
        let arena = Bump::new();
        let got = match parse(&arena, &source, &options()) {
            Ok(m) => dumper::dump_module(&m, &source),
            Err(e) => format!("{e:?}"),
        };
        if got != want {
            bad.push(format!("{source:?}\n  want {want}\n  got  {got}"));
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// Run `f` with the stack that callers of the parser are asked to provide.
fn with_stack(f: impl FnOnce() + Send + 'static) {
    let t = std::thread::Builder::new().stack_size(32 << 20).spawn(f).expect("thread");
    if let Err(e) = t.join() {
        std::panic::resume_unwind(e);
    }
}

#[test]
fn errors() {
    with_stack(check_errors);
}

fn check_errors() {
    let mut bad = Vec::new();
    for line in include_str!("data/errors.txt").lines() {
        let fields: Vec<String> = line.split('\t').map(unescape).collect();
        let source = &fields[0];
        let arena = Bump::new();
        let Err(e) = parse(&arena, source, &options()) else {
            bad.push(format!("accepted {source:?}"));
            continue;
        };
        let class = match e.kind {
            ErrorKind::Indentation => "IndentationError",
            ErrorKind::Tab => "TabError",
            _ => "SyntaxError",
        };
        let got = [
            class.to_string(),
            e.message,
            e.lineno.to_string(),
            e.offset.to_string(),
            e.end_lineno.to_string(),
            e.end_offset.to_string(),
            e.text.unwrap_or_default(),
        ];
        if got[..] != fields[1..] {
            bad.push(format!("{source:?}\n  want {:?}\n  got  {got:?}", &fields[1..]));
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

#[test]
fn warnings() {
    let mut bad = Vec::new();
    for line in include_str!("data/warnings.txt").lines() {
        let fields: Vec<String> = line.split('\t').map(unescape).collect();
        let arena = Bump::new();
        let mut got: Vec<String> = match parse_with_warnings(&arena, &fields[0], &options()) {
            Ok(p) => p.warnings.iter().map(|w| format!("{}:{}", w.lineno, w.message)).collect(),
            Err(e) => vec![format!("{e:?}")],
        };
        got.sort();
        if got[..] != fields[1..] {
            bad.push(format!("{:?}\n  want {:?}\n  got  {got:?}", fields[0], &fields[1..]));
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}
