//! Prints the error tuple of each source on standard input.
//!
//! One source per line: a mode (`exec`, `eval`, `single`, `incomplete`), a space, the UTF-8 text in
//! hexadecimal. One line of output each: `OK`, or class, message, lineno, offset, end_lineno,
//! end_offset and text separated by tabs (message and text in hexadecimal).

use std::io::{BufRead, Write};

use taipan_syntax::{Bump, ErrorKind, Mode, Options, parse};

fn unhex(s: &str) -> Vec<u8> {
    (0..s.len() / 2).filter_map(|i| u8::from_str_radix(s.get(2 * i..2 * i + 2)?, 16).ok()).collect()
}

/// `\N{}` names from the file given in `UNICODE_NAMES` (lines of `hex;NAME`).
fn names(name: &str) -> Option<u32> {
    use std::collections::HashMap;
    use std::sync::OnceLock;
    static NAMES: OnceLock<HashMap<String, u32>> = OnceLock::new();
    let map = NAMES.get_or_init(|| {
        let path = std::env::var("UNICODE_NAMES").unwrap_or_default();
        std::fs::read_to_string(path)
            .unwrap_or_default()
            .lines()
            .filter_map(|l| l.split_once(';'))
            .filter_map(|(h, n)| Some((n.to_string(), u32::from_str_radix(h, 16).ok()?)))
            .collect()
    });
    map.get(&name.to_uppercase()).copied()
}

fn hex(s: &str) -> String {
    s.bytes().map(|b| format!("{b:02x}")).collect()
}

fn run() {
    let stdin = std::io::stdin();
    let mut out = std::io::BufWriter::new(std::io::stdout());
    for line in stdin.lock().lines().map_while(Result::ok) {
        let (mode, text) = line.split_once(' ').unwrap_or((&line, ""));
        let text = String::from_utf8(unhex(text)).unwrap_or_default();
        let mut options = Options { name_lookup: Some(names), ..Options::default() };
        match mode {
            "eval" => options.mode = Mode::Eval,
            "single" => options.mode = Mode::Single,
            "func_type" => options.mode = Mode::FuncType,
            "types" => options.type_comments = true,
            v if v.starts_with('3') => options.feature_version = v[1..].parse().unwrap_or(14),
            "incomplete" => {
                options.mode = Mode::Single;
                options.allow_incomplete_input = true;
                options.dont_imply_dedent = true;
            }
            _ => {}
        }
        let arena = Bump::new();
        let _ = match parse(&arena, &text, &options) {
            Ok(_) => writeln!(out, "OK"),
            Err(e) => {
                let class = match e.kind {
                    ErrorKind::Syntax | ErrorKind::Value | ErrorKind::ConstantName => "SyntaxError",
                    ErrorKind::Indentation => "IndentationError",
                    ErrorKind::Tab => "TabError",
                    ErrorKind::IncompleteInput => "_IncompleteInputError",
                    ErrorKind::TooComplex => "MemoryError",
                };
                writeln!(
                    out,
                    "{class}\t{}\t{}\t{}\t{}\t{}\t{}",
                    hex(&e.message),
                    e.lineno,
                    e.offset,
                    e.end_lineno,
                    e.end_offset,
                    e.text.as_deref().map_or("-".into(), hex)
                )
            }
        };
    }
}

fn main() {
    if let Ok(t) = std::thread::Builder::new().stack_size(256 << 20).spawn(run) {
        let _ = t.join();
    }
}
