//! Compiles the standard library: every module of `rustpython-pylib`'s Lib, with
//! the files of `overlay/` in front, into one blob of code and one of sources.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

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

fn compile(path: &str, source: &str) -> Result<Vec<u8>, String> {
    let filename = match path {
        "importlib/_bootstrap.py" => "<frozen importlib._bootstrap>".to_string(),
        "importlib/_bootstrap_external.py" => "<frozen importlib._bootstrap_external>".to_string(),
        // `_fix_filenames` of the importer puts the library's root before this.
        other => other.to_string(),
    };
    let options = taipan_compiler::Options { filename: &filename, ..Default::default() };
    match taipan_compiler::compile_source(source, taipan_syntax::Mode::Exec, &options) {
        Ok((code, _)) => Ok(taipan_bytecode::write(&code)),
        Err(error) => Err(format!("{path}: {error:?}")),
    }
}

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=overlay");
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
    let (mut code, mut data) = (Vec::new(), Vec::new());
    let mut modules: BTreeMap<String, String> = BTreeMap::new();
    let mut contents = String::from("pub static FILES: &[File] = &[\n");
    for (relative, path) in &files {
        let Ok(bytes) = std::fs::read(path) else { continue };
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
        let start = code.len();
        code.extend(compiled);
        let row = format!(
            "    FrozenModule {{ name: {name:?}, code: CODE.split_at({}).0.split_at({start}).1, is_package: {is_package}, path: {relative:?} }},\n",
            code.len()
        );
        modules.insert(name, row);
    }
    contents.push_str("];\n\npub static MODULES: &[FrozenModule] = &[\n");
    modules.values().for_each(|row| contents.push_str(row));
    contents.push_str("];\n");
    std::fs::write(out.join("code.bin"), code).expect("write code.bin");
    std::fs::write(out.join("data.bin"), data).expect("write data.bin");
    std::fs::write(out.join("index.rs"), contents).expect("write index.rs");
}
