//! Prints trees as CPython's `ast.dump(tree, include_attributes=True)` does (with `ascii` for `repr`).
//!
//! `dump FILE` prints one file; `dump OUT_DIR ROOT` writes one file per `.py` below ROOT;
//! with `TIME=1`, `dump x ROOT` only parses everything and prints the speed.

#[path = "../tests/support/dumper.rs"]
mod dumper;

use std::path::{Path, PathBuf};

use taipan_syntax::{Bump, Decoded, Options, decode_source, parse};

fn dump(bytes: &[u8]) -> String {
    let text = match decode_source(bytes) {
        Ok(Decoded::Text(t)) => t,
        Ok(Decoded::NeedsCodec { name }) => return format!("NEEDS {name}"),
        Err(e) => return format!("ERROR {:?} {e}", e.kind),
    };
    let arena = Bump::new();
    match parse(
        &arena,
        &text,
        &Options {
            name_lookup: Some(names),
            type_comments: std::env::var_os("TYPE_COMMENTS").is_some(),
            ..Options::default()
        },
    ) {
        Ok(m) => dumper::dump_module(&m, &text),
        Err(e) => format!("ERROR {:?} {e}", e.kind),
    }
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

fn walk(dir: &Path, out: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for e in entries.flatten() {
        let p = e.path();
        if p.is_dir() {
            walk(&p, out);
        } else if p.extension().is_some_and(|x| x == "py") {
            out.push(p);
        }
    }
}

fn run() {
    let args: Vec<String> = std::env::args().collect();
    if args.len() == 2 {
        println!("{}", dump(&std::fs::read(&args[1]).unwrap_or_default()));
        return;
    }
    let root = Path::new(&args[2]);
    let mut files = Vec::new();
    walk(root, &mut files);
    files.sort();
    if std::env::var_os("TIME").is_some() {
        let sources: Vec<String> = files
            .iter()
            .filter_map(|f| match decode_source(&std::fs::read(f).ok()?).ok()? {
                Decoded::Text(t) => Some(t.into_owned()),
                Decoded::NeedsCodec { .. } => None,
            })
            .collect();
        let mut arena = Bump::new();
        let mut best = f64::INFINITY;
        let mut total = 0;
        for _ in 0..5 {
            total = 0;
            let t = std::time::Instant::now();
            for s in &sources {
                arena.reset();
                if parse(&arena, s, &Options::default()).is_ok() {
                    total += s.len();
                }
            }
            best = best.min(t.elapsed().as_secs_f64());
        }
        println!("{total} bytes, {best:.3} s, {:.1} MB/s", total as f64 / best / 1e6);
        return;
    }
    let mut errors = 0;
    for f in &files {
        let text = dump(&std::fs::read(f).unwrap_or_default());
        errors += text.starts_with("ERROR") as u32;
        let name = f.strip_prefix(root).unwrap_or(f).to_string_lossy().replace('/', "__");
        let _ = std::fs::write(Path::new(&args[1]).join(format!("{name}.txt")), text);
    }
    println!("{} files, {errors} errors", files.len());
}

fn main() {
    let t = std::thread::Builder::new().stack_size(64 << 20).spawn(run);
    if let Ok(t) = t {
        let _ = t.join();
    }
}
