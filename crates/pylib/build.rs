//! Compiles the standard library: every module of `rustpython-pylib`'s Lib, with
//! the files of `overlay/` in front, into one blob of code and one of sources.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use taipan_bytecode::{CodeUnit, Place};

#[path = "repairs.rs"]
mod repairs;
#[path = "updates.rs"]
mod updates;

/// Directories of Lib that no program needs from inside the binary.
const LEFT_OUT: [&str; 6] = ["test", "idlelib", "tkinter", "turtledemo", "__pycache__", "lib2to3"];

fn collect(root: &Path, dir: &Path, out: &mut BTreeMap<String, PathBuf>) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            if !LEFT_OUT.contains(&name.as_str()) {
                collect(root, &path, out);
            }
            continue;
        }
        if let Ok(relative) = path.strip_prefix(root) {
            out.insert(relative.to_string_lossy().into_owned(), path.clone());
        }
    }
}

fn compile(path: &str, source: &str) -> Result<CodeUnit, String> {
    let filename = match path {
        "importlib/_bootstrap.py" => "<frozen importlib._bootstrap>".to_string(),
        "importlib/_bootstrap_external.py" => "<frozen importlib._bootstrap_external>".to_string(),
        // `_fix_filenames` of the importer puts the library's root before this.
        other => other.to_string(),
    };
    let options = taipan_compiler::Options { filename: &filename, ..Default::default() };
    match taipan_compiler::compile_source(source, taipan_syntax::Mode::Exec, &options) {
        Ok((code, _)) => Ok(code),
        Err(error) => Err(format!("{path}: {error:?}")),
    }
}

/// What most programs use of the library, from `first.txt`: modules in the order in
/// which they are imported, functions as `module:qualname`. It lies together in the
/// binary, so that few pages of it become resident.
#[derive(Default)]
struct First {
    modules: Vec<String>,
    functions: HashSet<String>,
}

impl First {
    fn read() -> First {
        let mut first = First::default();
        for line in std::fs::read_to_string("first.txt").unwrap_or_default().lines() {
            match line.contains(':') {
                true => _ = first.functions.insert(line.to_string()),
                false => first.modules.push(line.to_string()),
            }
        }
        first
    }
}

/// The content of a file after the changes that are written down for it.
fn repair(relative: &str, bytes: Vec<u8>) -> Vec<u8> {
    let here = |change: &&(&str, &str, &str)| change.0 == relative;
    let mut changes = repairs::REPAIRS.iter().chain(updates::UPDATES).filter(here).peekable();
    let mut functions = repairs::FUNCTIONS.iter().filter(here).peekable();
    if changes.peek().is_none() && functions.peek().is_none() {
        return bytes;
    }
    let mut text = String::from_utf8(bytes).expect("a source is UTF-8");
    for (_, old, new) in changes {
        assert_eq!(text.matches(old).count(), 1, "{relative}: {old:?} is not there once");
        text = text.replace(old, new);
    }
    for (_, name, new) in functions {
        let (from, to) = function(&text, name).unwrap_or_else(|| panic!("{relative}: no function {name}"));
        let doc = text[from..to].split("\"\"\"").nth(1).map(|doc| format!("    \"\"\"{doc}\"\"\""));
        text.replace_range(from..to, &new.replace("{doc}", &doc.unwrap_or_default()));
    }
    text.into_bytes()
}

/// Where a function at the top level of a file stands, decorators and all.
fn function(text: &str, name: &str) -> Option<(usize, usize)> {
    let head = text.find(&format!("\ndef {name}("))? + 1;
    let inside = |line: &str| line.starts_with([' ', '\n', ')']);
    let mut lines = text[head..].split_inclusive('\n');
    let first = lines.next()?.len();
    let rest: usize = lines.take_while(|line| inside(line)).map(str::len).sum();
    let decorators = text[..head].split_inclusive('\n').rev().take_while(|line| line.starts_with('@'));
    Some((head - decorators.map(str::len).sum::<usize>(), head + first + rest))
}

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=overlay");
    println!("cargo:rerun-if-changed=first.txt");
    println!("cargo:rerun-if-changed=repairs.rs");
    println!("cargo:rerun-if-changed=updates.rs");
    let lib = Path::new(rustpython_pylib::LIB_PATH);
    let mut files = BTreeMap::new();
    collect(lib, lib, &mut files);
    collect(Path::new("overlay"), Path::new("overlay"), &mut files);
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let worker = std::thread::Builder::new().stack_size(256 << 20).spawn(move || build(files, out));
    match worker.map(|w| w.join()) {
        Ok(Ok(())) => {}
        _ => panic!("compiling the standard library failed"),
    }
}

fn build(files: BTreeMap<String, PathBuf>, out: PathBuf) {
    let first = First::read();
    let mut data = Vec::new();
    // Modules without the bodies of their functions, and those.
    let mut modules: BTreeMap<String, (Vec<u8>, bool, String)> = BTreeMap::new();
    let (mut near, mut far) = (Vec::new(), Vec::new());
    let mut contents = String::from("pub static FILES: &[File] = &[\n");
    for (relative, path) in &files {
        let Ok(bytes) = std::fs::read(path) else { continue };
        let bytes = repair(relative, bytes);
        let start = data.len();
        data.extend(miniz_oxide::deflate::compress_to_vec(&bytes, 8));
        let _ = writeln!(
            contents,
            "    File {{ path: {relative:?}, size: {}, start: {start}, end: {} }},",
            bytes.len(),
            data.len()
        );
        let Some(stem) = relative.strip_suffix(".py") else { continue };
        let Ok(source) = String::from_utf8(bytes) else { continue };
        let compiled = match compile(relative, &source) {
            Ok(compiled) => compiled,
            Err(error) => {
                // Templates that are no modules are data files only.
                println!("cargo:warning=not compiled: {error}");
                continue;
            }
        };
        let (name, is_package) = match stem.strip_suffix("/__init__") {
            Some(package) => (package.replace('/', "."), true),
            None => (stem.replace('/', "."), false),
        };
        let outer = taipan_bytecode::write_apart(&compiled, |code, body| {
            let is_first = first.functions.contains(&format!("{name}:{}", code.qualname));
            let store = if is_first { &mut near } else { &mut far };
            let start = store.len();
            store.extend_from_slice(body);
            if is_first { Place::Near(start) } else { Place::Far(start) }
        });
        modules.insert(name, (outer, is_package, relative.clone()));
    }
    let mut code = Vec::new();
    let mut places = BTreeMap::new();
    for name in first.modules.iter().chain(modules.keys()) {
        if let Some((outer, ..)) = modules.get(name)
            && !places.contains_key(name)
        {
            places.insert(name, (code.len(), code.len() + outer.len()));
            code.extend_from_slice(outer);
        }
    }
    contents.push_str("];\n\nstatic MODULES: &[FrozenModule] = &[\n");
    for (name, (_, is_package, path)) in &modules {
        let (start, end) = places[name];
        let _ = writeln!(
            contents,
            "    FrozenModule {{ name: {name:?}, code: part({start}, {end}), is_package: {is_package}, path: {path:?} }},"
        );
    }
    contents.push_str("];\n\n");
    for (name, store) in [("NEAR", near), ("FAR", far)] {
        let start = code.len();
        code.extend(store);
        let _ = writeln!(contents, "static {name}: &[u8] = part({start}, {});", code.len());
    }
    std::fs::write(out.join("code.bin"), code).expect("write code.bin");
    std::fs::write(out.join("data.bin"), data).expect("write data.bin");
    std::fs::write(out.join("index.rs"), contents).expect("write index.rs");
}
