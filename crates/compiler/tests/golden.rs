//! Golden tests: each `golden/*.py` and the disassembly it compiles to beside it.
//! `UPDATE=1 cargo test` rewrites the disassemblies, to be reviewed like code.

use std::path::Path;
use taipan_bytecode::{disassemble, read, verify, write};
use taipan_compiler::{Options, compile_source};
use taipan_syntax::Mode;

#[test]
fn code_is_as_recorded() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut wrong = Vec::new();
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    for file in files.into_iter().filter(|f| f.extension().is_some_and(|e| e == "py")) {
        let source = std::fs::read_to_string(&file).unwrap();
        let (code, _) = compile_source(&source, Mode::Exec, &Options::default()).unwrap();
        assert_eq!(verify(&code), [], "{}", file.display());
        let text = disassemble(&code);
        let golden = file.with_extension("txt");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&golden, &text).unwrap();
        }
        if std::fs::read_to_string(&golden).unwrap_or_default() != text {
            wrong.push(format!("{}:\n{text}", golden.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every code object survives being written and read.
#[test]
fn serialisation_round_trips() {
    let source = include_str!("golden/classes.py");
    let (code, _) = compile_source(source, Mode::Exec, &Options::default()).unwrap();
    assert_eq!(read(&write(&code)).unwrap(), code);
}

/// Damaged bytes are refused, or make code that `verify` can judge; nothing panics.
#[test]
fn damaged_bytes_do_no_harm() {
    let source = concat!(include_str!("golden/patterns.py"), include_str!("golden/exceptions.py"));
    let (code, _) = compile_source(source, Mode::Exec, &Options::default()).unwrap();
    let good = write(&code);
    let mut seed = 12345u64;
    for round in 0..20_000 {
        let mut bad = good.clone();
        for _ in 0..1 + round % 3 {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let at = (seed >> 33) as usize % bad.len();
            bad[at] = (seed >> 20) as u8;
        }
        bad.truncate(bad.len() - (round % 7) * (round % 2));
        if let Ok(code) = read(&bad) {
            let _ = verify(&code);
        }
    }
}
