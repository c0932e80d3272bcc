//! Prints the token stream of a file: kind, line, column, end line, end column (byte columns).

use taipan_syntax::{Decoded, LineIndex, decode_source, tokenize};

fn main() {
    for path in std::env::args().skip(1) {
        let bytes = std::fs::read(&path).unwrap_or_default();
        let Ok(Decoded::Text(text)) = decode_source(&bytes) else { continue };
        let index = LineIndex::new(&text);
        let stream = tokenize(&text, true);
        println!("# {path}");
        for t in &stream.tokens {
            let kind = if t.kind.is_operator() {
                "OP"
            } else if t.kind.is_keyword() {
                "NAME"
            } else {
                t.kind.text()
            };
            let (l, c) = index.line_col(t.start);
            let (el, ec) = index.line_col(t.end);
            println!("{kind} {l} {c} {el} {ec}");
        }
        if let Some(e) = stream.error {
            println!("ERROR {e}");
        }
    }
}
