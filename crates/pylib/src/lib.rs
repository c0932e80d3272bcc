//! The Python half of the standard library, compiled at build time and
//! embedded. [`LIBRARY`] is what the import system runs; the sources are kept
//! compressed, for tracebacks and `inspect`.
//!
//! Nothing here is written by hand but `overlay/`: replacements for what the
//! `rustpython-pylib` crate changed for its own interpreter, and the importer.

#![forbid(unsafe_code)]

use taipan_runtime::prelude::*;
use taipan_runtime::types::code::Code;
use taipan_runtime::vm::{Apart, FrozenModule, Library};

static CODE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/code.bin"));
static DATA: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/data.bin"));

/// A file of the library.
pub struct File {
    /// Below the library's root.
    pub path: &'static str,
    pub size: usize,
    start: usize,
    end: usize,
}

include!(concat!(env!("OUT_DIR"), "/index.rs"));

/// The compiled library.
pub static LIBRARY: Library = Library { modules: MODULES, apart: Apart { near: NEAR, far: FAR } };

const fn part(start: usize, end: usize) -> &'static [u8] {
    CODE.split_at(end).0.split_at(start).1
}

/// The content of a file of the library.
pub fn read(path: &str) -> Option<Vec<u8>> {
    let i = FILES.binary_search_by(|f| f.path.cmp(path)).ok()?;
    let file = &FILES[i];
    miniz_oxide::inflate::decompress_to_vec_with_limit(DATA.get(file.start..file.end)?, file.size).ok()
}

/// The names in a directory of the library, none if there is no such directory.
fn names_in(path: &str) -> Vec<&'static str> {
    let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
    let mut names: Vec<&str> = FILES
        .iter()
        .filter_map(|f| f.path.strip_prefix(prefix.as_str()))
        .map(|rest| rest.split('/').next().unwrap_or(rest))
        .collect();
    names.dedup();
    names
}

/// The library as a directory of the file system.
struct Files;

impl taipan_host::embedded::Tree for Files {
    fn read(&self, path: &str) -> Option<Vec<u8>> {
        read(path)
    }
    fn size(&self, path: &str) -> Option<usize> {
        FILES.binary_search_by(|f| f.path.cmp(path)).ok().map(|i| FILES[i].size)
    }
    fn list(&self, path: &str) -> Option<Vec<String>> {
        let names = names_in(path);
        (!names.is_empty()).then(|| names.into_iter().map(String::from).collect())
    }
}

fn path_of(vm: &Vm, object: &Object) -> Result<String> {
    match object.downcast::<Str>() {
        Some(_) => Ok(vm.str_lossy(object)),
        None => Err(vm.type_error(format!("path must be str, not {}", object.ty().name()))),
    }
}

/// `_pylib`: what the importer in `overlay/_embedded.py` needs.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_pylib",
    doc: "The standard library inside the binary.",
    functions: &[
        MethodDef::new(
            "find(name, /)",
            |vm, args| {
                let name = path_of(vm, &args[0])?;
                match MODULES.binary_search_by(|m| m.name.cmp(name.as_str())) {
                    Ok(i) => Ok(vm.tuple(vec![vm.str(MODULES[i].path), Object::bool(MODULES[i].is_package)])),
                    Err(_) => Ok(Object::NONE),
                }
            },
            "(path, is_package) of a module, or None.",
        ),
        MethodDef::new(
            "code(name, root, /)",
            |vm, args| {
                let name = path_of(vm, &args[0])?;
                let root = path_of(vm, &args[1])?;
                taipan_runtime::import::frozen_code_below(vm, &name, &root)
            },
            "The code of a module, its file names below root.",
        ),
        MethodDef::new(
            "is_read(code, /)",
            |_, args| Ok(Object::bool(args[0].downcast::<Code>().is_some_and(|code| code.is_read()))),
            "Has the code run, or has something looked into it?",
        ),
        MethodDef::new(
            "data(path, /)",
            |vm, args| {
                let path = path_of(vm, &args[0])?;
                match read(&path) {
                    Some(bytes) => Ok(vm.bytes(&bytes)),
                    None => Err(vm.os_error(2, Some(&args[0]))),
                }
            },
            "The content of a file of the library.",
        ),
        MethodDef::new(
            "listdir(path, /)",
            |vm, args| {
                let names = names_in(&path_of(vm, &args[0])?);
                Ok(vm.list(names.into_iter().map(|n| vm.str(n)).collect()))
            },
            "Names in a directory of the library.",
        ),
        MethodDef::new(
            "mount(root, /)",
            |vm, args| {
                taipan_host::embedded::mount(&path_of(vm, &args[0])?, &Files);
                Ok(Object::NONE)
            },
            "Lets the library be seen as a directory of this name.",
        ),
        MethodDef::new(
            "exists(path, /)",
            |vm, args| {
                let path = path_of(vm, &args[0])?;
                let below = format!("{path}/");
                Ok(vm.int(if FILES.binary_search_by(|f| f.path.cmp(path.as_str())).is_ok() {
                    1
                } else if FILES.iter().any(|f| f.path.starts_with(&below)) {
                    2
                } else {
                    0
                }))
            },
            "1 for a file of the library, 2 for a directory, else 0.",
        ),
    ],
    types: &[],
    init: None,
};
