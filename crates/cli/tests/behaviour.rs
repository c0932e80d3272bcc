//! Runs every program below `tests/` and compares what it prints, and its exit
//! status, with what CPython 3.14 printed (`cargo xtask record`).
//!
//! `NAME.py` is the program, `NAME.out` the expected standard output followed by
//! a line `[exit N]`; `NAME.err`, where there is one, the expected last line of
//! standard error. A first line `# requires: PATH` is for what needs more than
//! the interpreter: without that path the program is not run.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

fn programs(dir: &Path, out: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            programs(&path, out);
        } else if path.extension().is_some_and(|e| e == "py") && path.with_extension("out").exists() {
            out.push(path);
        }
    }
}

/// What the program requires and is not there.
fn missing(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let required = text.lines().next()?.strip_prefix("# requires: ")?;
    (!Path::new(required).exists()).then(|| required.to_string())
}

fn run(path: &Path) -> Result<(), String> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_taipan"))
        .arg(path.file_name().unwrap_or_default())
        .current_dir(path.parent().unwrap_or(Path::new(".")))
        .env("PYTHONHASHSEED", "0")
        .env("PYTHONIOENCODING", "utf-8")
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .map_err(|e| e.to_string())?;
    let read = |stream: Option<Box<dyn std::io::Read + Send>>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            if let Some(mut stream) = stream {
                let _ = std::io::Read::read_to_end(&mut stream, &mut bytes);
            }
            String::from_utf8_lossy(&bytes).into_owned()
        })
    };
    let stdout = read(child.stdout.take().map(|s| Box::new(s) as _));
    let stderr = read(child.stderr.take().map(|s| Box::new(s) as _));
    let start = Instant::now();
    let status = loop {
        match child.try_wait().map_err(|e| e.to_string())? {
            Some(status) => break status,
            None if start.elapsed() > Duration::from_secs(120) => {
                let _ = child.kill();
                return Err("still running after 120 s".to_string());
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    let (stdout, stderr) = (stdout.join().unwrap_or_default(), stderr.join().unwrap_or_default());
    let status = status.code().map_or("signal".to_string(), |c| c.to_string());
    let got = format!("{stdout}[exit {status}]\n");
    let expected = std::fs::read_to_string(path.with_extension("out")).map_err(|e| e.to_string())?;
    if got != expected {
        let line = got.lines().zip(expected.lines()).position(|(a, b)| a != b);
        let line = line.unwrap_or(got.lines().count().min(expected.lines().count()));
        return Err(format!(
            "line {}:\n  expected: {}\n  got:      {}\n{stderr}",
            line + 1,
            expected.lines().nth(line).unwrap_or("(nothing)"),
            got.lines().nth(line).unwrap_or("(nothing)"),
        ));
    }
    if let Ok(expected) = std::fs::read_to_string(path.with_extension("err")) {
        let last = stderr.lines().last().unwrap_or_default();
        if last != expected.trim_end() {
            return Err(format!("last line of stderr:\n  expected: {expected}  got:      {last}"));
        }
    }
    Ok(())
}

#[test]
fn programs_print_what_cpython_prints() {
    // A shell's background job starts with Ctrl-C ignored, and its children would go on so.
    let interrupt = taipan_host::signal::set_disposition(2, taipan_host::signal::Disposition::Default);
    assert!(interrupt.is_ok(), "SIGINT can be set");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests");
    let mut all = Vec::new();
    programs(&root, &mut all);
    all.sort();
    assert!(!all.is_empty(), "no programs below {}", root.display());
    let failures = Mutex::new(Vec::new());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, |n| n.get()) {
            scope.spawn(|| {
                while let Some(path) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Some(missing) = missing(path) {
                        println!("skipped: {}: there is no {missing}", path.display());
                        continue;
                    }
                    if let Err(why) = run(path)
                        && let Ok(mut failures) = failures.lock()
                    {
                        let shown = path.strip_prefix(&root).unwrap_or(path).display().to_string();
                        failures.push(format!("{shown}: {why}"));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap_or_default();
    println!("{} programs, {} differ", all.len(), failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}
