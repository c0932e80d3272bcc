//! Compiles files, verifies them, and prints what can be compared with CPython:
//! `codeinfo info|check|dis|time FILE...`

use std::time::Instant;
use taipan_bytecode::{CodeUnit, Constant, LocalKind, disassemble, verify};
use taipan_compiler::{Options, compile_source};
use taipan_syntax::Mode;

fn main() {
    let work = || {
        let mut args = std::env::args().skip(1);
        let mode = args.next().unwrap_or_default();
        let (mut files, mut bytes, mut findings, mut errors) = (0, 0, 0, 0);
        let mut spent = std::time::Duration::ZERO;
        for file in args {
            let Ok(raw) = std::fs::read(&file) else { continue };
            let Ok(taipan_syntax::Decoded::Text(source)) = taipan_syntax::decode_source(&raw) else {
                println!("{file}\tDECODE");
                continue;
            };
            files += 1;
            bytes += source.len();
            let start = Instant::now();
            let options =
                Options { filename: &file, name_lookup: Some(|_| Some('x' as u32)), ..Options::default() };
            let result = compile_source(&source, Mode::Exec, &options);
            spent += start.elapsed();
            match (mode.as_str(), result) {
                ("time", Ok(_)) => {}
                ("errors", Err(e)) => {
                    let l = e.location.unwrap_or_default();
                    let at = format!("{}:{} {}:{}", l.line, l.column, l.end_line, l.end_column);
                    println!("{file}\t{}Error {at} {}\t", kind(&e), e.message);
                }
                ("errors", Ok((code, warnings))) => {
                    for f in verify(&code) {
                        println!("{file}\tFINDING {f}");
                    }
                    let mut all: Vec<String> =
                        warnings.iter().map(|w| format!("{} {}", w.location.line, w.message)).collect();
                    all.sort();
                    println!("{file}\tOK\t{}", all.join("; "));
                }
                (_, Err(e)) => {
                    errors += 1;
                    let l = e.location.unwrap_or_default();
                    println!("{file}\tERROR {} {}:{} {}", kind(&e), l.line, l.column, e.message);
                }
                ("info", Ok((code, warnings))) => {
                    for w in warnings {
                        println!("{file}\tWARN {}:{} {}", w.location.line, w.location.column, w.message);
                    }
                    info(&file, &code);
                }
                ("dis", Ok((code, _))) => print!("{}", disassemble(&code)),
                (_, Ok((code, _))) => {
                    let found = verify(&code);
                    findings += found.len();
                    for f in found {
                        println!("{file}\tFINDING {f}");
                    }
                    let bytes = taipan_bytecode::write(&code);
                    match taipan_bytecode::read(&bytes) {
                        Ok(back) if format!("{back:?}") == format!("{code:?}") => {}
                        _ => {
                            findings += 1;
                            println!("{file}\tFINDING does not survive serialisation");
                        }
                    }
                }
            }
        }
        eprintln!(
            "{files} files, {errors} errors, {findings} findings, {:.1} MB/s",
            bytes as f64 / 1e6 / spent.as_secs_f64().max(1e-9)
        );
    };
    let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(work);
    thread.expect("a thread").join().expect("no panic");
}

fn kind(e: &taipan_compiler::CompileError) -> String {
    format!("{:?}", e.kind)
}

fn info(file: &str, code: &CodeUnit) {
    let with = |kind: LocalKind| -> Vec<&str> {
        code.locals.iter().filter(|l| l.kind.contains(kind)).map(|l| &*l.name).collect()
    };
    println!(
        "{file}\t{}\t{}\t{}\t{:#x}\t{} {} {}\t{}\t{}\t{}",
        code.name,
        code.qualname,
        code.first_line,
        code.flags,
        code.argcount,
        code.posonly,
        code.kwonly,
        with(LocalKind::LOCAL).join(","),
        with(LocalKind::CELL).join(","),
        with(LocalKind::FREE).join(","),
    );
    for c in &code.constants {
        if let Constant::Code(inner) = c {
            info(file, inner);
        }
    }
}
