//! No input may panic or exhaust the stack: deep nesting and random damage.

use std::thread;

use taipan_syntax::{Bump, ErrorKind, Mode, Options, decode_source, parse, tokenize};

/// Run `f` with the stack that callers of the parser are asked to provide.
fn with_stack(f: impl FnOnce() + Send + 'static) {
    let t = thread::Builder::new().stack_size(32 << 20).spawn(f).expect("thread");
    if let Err(e) = t.join() {
        std::panic::resume_unwind(e);
    }
}

fn kind(source: &str) -> Option<ErrorKind> {
    parse(&Bump::new(), source, &Options::default()).err().map(|e| e.kind)
}

#[test]
fn long_chains_are_loops() {
    with_stack(|| {
        for unit in ["1+", "a.", "a or ", "a and ", "a < ", "a | ", "f(x)."] {
            assert_eq!(kind(&format!("{}a", unit.repeat(100_000))), None, "{unit}");
        }
        assert_eq!(kind(&format!("a{}", "[0]".repeat(100_000))), None);
        assert_eq!(kind(&format!("a{}", "(0)".repeat(100_000))), None);
        assert_eq!(kind(&format!("if a: b\n{}", "elif a: b\n".repeat(20_000))), None);
        assert_eq!(kind(&format!("x = [{}]", "1,".repeat(100_000))), None);
        assert_eq!(kind(&"'a' ".repeat(50_000)), None);
    });
}

#[test]
fn deep_nesting_is_an_error() {
    with_stack(|| {
        for (open, close) in
            [("-", ""), ("not ", ""), ("lambda: ", ""), ("1**", ""), ("1 if 1 else ", ""), ("~", "")]
        {
            let source = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
            assert_eq!(kind(&source), Some(ErrorKind::TooComplex), "{open}");
        }
        assert_eq!(kind(&format!("{}1{}", "(".repeat(200), ")".repeat(200))), None);
        let e = parse(&Bump::new(), &"(".repeat(201), &Options::default()).map(|_| ()).expect_err("too deep");
        assert_eq!(e.message, "too many nested parentheses");
        assert_eq!(kind(&"-".repeat(3000).as_str().to_owned().add("1")), None);
    });
}

trait Add {
    fn add(self, tail: &str) -> String;
}
impl Add for String {
    fn add(mut self, tail: &str) -> String {
        self.push_str(tail);
        self
    }
}

#[test]
fn deep_nesting_with_an_error_at_the_bottom() {
    with_stack(|| {
        for open in ["(", "[", "{", "f(", "{1:", "(lambda: (", "-", "not ", "lambda: ", "f'{"] {
            for n in [20, 60, 100, 199, 2000] {
                let _ = kind(&format!("{}a b", open.repeat(n)));
            }
        }
    });
}

struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % below.max(1)
    }
}

fn check(source: &str, mode: Mode) {
    let arena = Bump::new();
    let options = Options {
        mode,
        type_comments: source.len().is_multiple_of(2),
        allow_incomplete_input: source.len().is_multiple_of(3),
        ..Options::default()
    };
    if let Err(e) = parse(&arena, source, &options) {
        assert!(!e.message.is_empty());
        assert!(e.offset >= -1 && e.lineno as usize <= source.len() + 2, "{source:?} {e:?}");
    }
    let _ = tokenize(source, true);
}

#[test]
fn random_damage() {
    with_stack(|| {
        let data =
            [include_str!("data/trees.in"), include_str!("data/errors.in"), include_str!("data/warnings.in")];
        let lines: Vec<String> = data
            .iter()
            .flat_map(|d| d.lines())
            .map(|l| l.replace("\\n", "\n").replace("\\t", "\t"))
            .collect();
        let pieces = [
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            ":",
            "\n",
            "\r\n",
            "\r",
            "\n  ",
            "\t",
            "'",
            "\"",
            "'''",
            "f'",
            "t\"",
            "\\",
            "é",
            "€",
            "\u{10ffff}",
            "\u{feff}",
            "0x",
            "1e",
            "1_",
            ".",
            "=",
            ":=",
            "*",
            "**",
            "lambda",
            "async ",
            "match ",
            "case ",
            "type ",
            "if ",
            " for x in ",
            "\x0c",
            "#",
            "# type: int\n",
            "$",
            "!",
            "{{",
            "}}",
            "@",
            "\\N{",
            "\\x",
            ",",
            ";",
            "print ",
        ];
        let mut random = Random(0x9E37_79B9_7F4A_7C15);
        let rounds: usize = std::env::var("TAIPAN_FUZZ").ok().and_then(|s| s.parse().ok()).unwrap_or(20_000);
        for round in 0..rounds {
            let mut s = lines[random.next(lines.len())].clone();
            for _ in 0..=random.next(4) {
                let cut =
                    |s: &str, at: usize| (at..=s.len()).find(|&i| s.is_char_boundary(i)).unwrap_or(s.len());
                let a = cut(&s, random.next(s.len() + 1));
                match random.next(4) {
                    0 => s.insert_str(a, pieces[random.next(pieces.len())]),
                    1 => {
                        let b = cut(&s, a + random.next(4)).max(a);
                        s.replace_range(a..b.min(s.len()).max(a), "");
                    }
                    2 => {
                        let other = &lines[random.next(lines.len())];
                        let b = cut(other, random.next(other.len() + 1));
                        s.insert_str(a, &other[b..]);
                    }
                    _ => s.truncate(a),
                }
            }
            let mode = [Mode::Exec, Mode::Exec, Mode::Single, Mode::Eval, Mode::FuncType][round % 5];
            check(&s, mode);
            let mut bytes = s.into_bytes();
            if !bytes.is_empty() {
                let i = random.next(bytes.len());
                bytes[i] = random.next(256) as u8;
            }
            let _ = decode_source(&bytes);
        }
    });
}

/// Every file of a standard library parses: `TAIPAN_LIB=/usr/lib/python3.14 cargo test -- --ignored`.
#[test]
#[ignore = "needs a standard library"]
fn standard_library() {
    fn walk(dir: &std::path::Path, bad: &mut Vec<String>) {
        for e in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let p = e.path();
            if p.is_dir() {
                walk(&p, bad);
            } else if p.extension().is_some_and(|x| x == "py")
                && !p.file_name().is_some_and(|n| n.to_string_lossy().starts_with("bad"))
                && let Ok(bytes) = std::fs::read(&p)
                && let Ok(taipan_syntax::Decoded::Text(text)) = decode_source(&bytes)
            {
                let options = Options { name_lookup: Some(|_| Some(0x41)), ..Options::default() };
                if let Err(e) = parse(&Bump::new(), &text, &options) {
                    bad.push(format!("{}: {e}", p.display()));
                }
            }
        }
    }
    with_stack(|| {
        let Some(root) = std::env::var_os("TAIPAN_LIB") else { return };
        let mut bad = Vec::new();
        walk(root.as_ref(), &mut bad);
        assert!(bad.is_empty(), "{}", bad.join("\n"));
    });
}
