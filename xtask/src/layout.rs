//! `cargo xtask layout`: what most programs use comes first in the binary, so that
//! few of its pages become resident. Runs a few programs under a release build and
//! writes two lists: `crates/pylib/first.txt`, modules and functions of the library,
//! and `crates/cli/first.ld`, a linker script that names functions of the binary.
//! Both only change the order of things; what they name and is not there is skipped.
//! Needs `valgrind` and `nm`.

use crate::{root, taipan};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::process::{Command, Stdio};

/// Programs in the order in which they count.
const COMMANDS: [&str; 8] = [
    "pass",
    "import asyncio, json, logging, typing, dataclasses, re",
    "import argparse, collections, contextlib, datetime, functools, itertools, os, pathlib, random, sys, time",
    "import json; print(json.dumps(json.loads('{\"a\": [1, 2.5, null, \"x\"]}'), indent=1, sort_keys=True))",
    "import re; print(re.sub(r'(\\w+) (\\w+)', r'\\2 \\1', 'hello big world'), re.findall('[a-c]+', 'abcdabc'))",
    "import threading; t = threading.Thread(target=print, args=(1,)); t.start(); t.join()",
    "import asyncio\nasync def main():\n    await asyncio.gather(asyncio.sleep(0), asyncio.sleep(0.001))\nasyncio.run(main())",
    "import socket, http.client, http.server, urllib.request, email.message, logging; logging.warning('x')",
];
const PROGRAMS: [&str; 8] = [
    "language/classes.py",
    "language/call_paths.py",
    "language/containers.py",
    "language/exceptions.py",
    "language/functions.py",
    "language/generators.py",
    "language/one_place_many_kinds.py",
    "language/strings.py",
];

/// Prints the modules that are loaded and the functions in them that ran.
const WALK: &str = r#"
def _walk():
    import sys, _pylib
    seen = set()
    def code(name, c):
        if not _pylib.is_read(c) or c in seen:
            return
        seen.add(c)
        if c.co_name != '<module>':
            print('@', name + ':' + c.co_qualname)
        for inner in c.co_consts:
            if type(inner) is type(c):
                code(name, inner)
    def look(name, value, depth):
        value = getattr(value, '__func__', value)
        value = getattr(value, 'fget', value)
        value = getattr(value, '__wrapped__', value)
        c = getattr(value, '__code__', None)
        if c is not None and getattr(value, '__module__', None) == name:
            code(name, c)
        elif isinstance(value, type) and value.__module__ == name and depth:
            for inner in list(vars(value).values()):
                look(name, inner, depth - 1)
    for name, module in list(sys.modules.items()):
        if _pylib.find(name):
            print('@', name)
            for value in list(vars(module).values()):
                look(name, value, 3)
_walk()
"#;

pub fn layout() -> Result<bool, String> {
    let programs: Vec<String> =
        COMMANDS.iter().map(|c| c.to_string()).chain(PROGRAMS.iter().map(read)).collect();
    let mut modules: Vec<String> = Vec::new();
    let mut functions: BTreeSet<String> = BTreeSet::new();
    let mut uses: HashMap<String, usize> = HashMap::new();
    let mut order: BTreeMap<String, usize> = BTreeMap::new();
    for (i, program) in programs.iter().enumerate() {
        let printed = run(Command::new(taipan()).arg("-c").arg(format!("{program}\n{WALK}")))?;
        for line in printed.lines().filter_map(|line| line.strip_prefix("@ ")) {
            if line.contains(':') {
                functions.insert(line.to_string());
            } else if !modules.iter().any(|m| m == line) {
                modules.push(line.to_string());
            }
        }
        let out = std::env::temp_dir().join("taipan-layout.callgrind");
        let out_file = format!("--callgrind-out-file={}", out.display());
        let mut valgrind = Command::new("valgrind");
        run(valgrind
            .args(["--tool=callgrind", "--demangle=no", &out_file])
            .arg(taipan())
            .args(["-c", program]))?;
        let profile = std::fs::read_to_string(&out).map_err(|e| e.to_string())?;
        for name in executed(&profile) {
            *uses.entry(name.clone()).or_default() += 1;
            order.entry(name).or_insert(i);
        }
    }
    // What starts before the importer is there is in no list of modules.
    let mut list = String::new();
    for line in ["_embedded", "importlib._bootstrap", "importlib._bootstrap_external"] {
        let _ = writeln!(list, "{line}");
    }
    modules.iter().for_each(|line| list.push_str(&format!("{line}\n")));
    functions.iter().for_each(|line| list.push_str(&format!("{line}\n")));
    std::fs::write(root().join("crates/pylib/first.txt"), list).map_err(|e| e.to_string())?;

    let mut names: Vec<(&String, &usize)> = order.iter().collect();
    names.sort_by_key(|(name, i)| (std::cmp::Reverse(uses[*name]), **i, *name));
    let mut script = String::from(
        "/* Functions that most programs use, those first that more of them use. Written by\n   `cargo xtask layout`. */\nSECTIONS {\n  .text.first : {\n",
    );
    for (name, _) in names {
        // Behind a name there may be the mark of a moved copy.
        let pattern = format!("{}*", without_hashes(name));
        let _ = writeln!(script, "    *(.text.{pattern})");
    }
    script.push_str("  }\n}\nINSERT BEFORE .text;\n");
    std::fs::write(root().join("crates/cli/first.ld"), script).map_err(|e| e.to_string())?;
    println!(
        "{} modules, {} functions of the library, {} of the binary",
        modules.len(),
        functions.len(),
        order.len()
    );
    Ok(true)
}

fn read(path: &&str) -> String {
    let path = root().join("tests").join(path);
    std::fs::read_to_string(path).unwrap_or_default()
}

fn run(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().map_err(|e| e.to_string())?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The Rust functions in a callgrind profile, marks of moved copies removed.
fn executed(profile: &str) -> BTreeSet<String> {
    let mut names: HashMap<&str, &str> = HashMap::new();
    let mut found = BTreeSet::new();
    for line in profile.lines() {
        let Some(rest) = line.strip_prefix("fn=").or_else(|| line.strip_prefix("cfn=")) else { continue };
        let (id, name) = rest.split_once(' ').unwrap_or((rest, ""));
        if !name.is_empty() {
            names.insert(id, name);
        }
        if line.starts_with("fn=")
            && let Some(name) = names.get(id)
            && (name.starts_with("_R") || name.starts_with("_ZN"))
        {
            let name = name.split(['\'']).next().unwrap_or(name);
            found.insert(name.split(".llvm.").next().unwrap_or(name).to_string());
        }
    }
    found
}

/// A mangled name with `*` for the hashes of crates, which depend on the compiler.
fn without_hashes(name: &str) -> String {
    let mut out = String::new();
    let mut rest = name;
    // `Cs`, a number of base 62, `_`, then the length of the crate's name.
    while let Some(at) = rest.find("Cs") {
        let (before, after) = rest.split_at(at + 2);
        out.push_str(before);
        let digits = after.bytes().take_while(u8::is_ascii_alphanumeric).count();
        let is_hash = digits > 8
            && after[digits..].starts_with('_')
            && after[digits + 1..].starts_with(|c: char| c.is_ascii_digit());
        rest = if is_hash { &after[digits..] } else { after };
        out.push_str(if is_hash { "*" } else { "" });
    }
    out + rest
}
