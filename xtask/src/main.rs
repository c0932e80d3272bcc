//! The project's chores: `cargo xtask diff|record|ratchet|layout`.

mod layout;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_path_buf)
}

/// CPython 3.14: `$CPYTHON`, or the first that is found.
fn cpython() -> String {
    std::env::var("CPYTHON").unwrap_or_else(|_| {
        ["cpython3.14", "python3.14"]
            .into_iter()
            .find(|name| Command::new(name).arg("-V").output().is_ok())
            .unwrap_or("python3.14")
            .to_string()
    })
}

/// Taipan: `$TAIPAN`, or the release build.
fn taipan() -> String {
    std::env::var("TAIPAN").unwrap_or_else(|_| root().join("target/release/taipan").display().to_string())
}

fn execute(program: &str, file: &Path) -> Result<Output, String> {
    Command::new(program)
        .arg(file.file_name().unwrap_or_default())
        .current_dir(file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")))
        .env("PYTHONHASHSEED", "0")
        .env("PYTHONIOENCODING", "utf-8")
        .stdin(std::process::Stdio::null())
        .output()
        .map_err(|e| format!("{program}: {e}"))
}

fn shown(output: &Output) -> String {
    let status = output.status.code().map_or("signal".to_string(), |c| c.to_string());
    format!("{}[exit {status}]\n", String::from_utf8_lossy(&output.stdout))
}

fn diff(files: &[String]) -> Result<bool, String> {
    let mut same = true;
    for file in files {
        let path = Path::new(file);
        let (theirs, ours) = (execute(&cpython(), path)?, execute(&taipan(), path)?);
        let (expected, got) = (shown(&theirs), shown(&ours));
        if expected == got {
            println!("{file}: same");
            continue;
        }
        same = false;
        let line = expected.lines().zip(got.lines()).position(|(a, b)| a != b);
        let line = line.unwrap_or(expected.lines().count().min(got.lines().count()));
        println!("{file}: line {} differs", line + 1);
        println!("  cpython: {}", expected.lines().nth(line).unwrap_or("(nothing)"));
        println!("  taipan:  {}", got.lines().nth(line).unwrap_or("(nothing)"));
        let stderr = String::from_utf8_lossy(&ours.stderr);
        stderr.lines().rev().take(3).collect::<Vec<_>>().iter().rev().for_each(|l| println!("  | {l}"));
    }
    Ok(same)
}

fn record(files: &[String]) -> Result<bool, String> {
    for file in files {
        let path = Path::new(file);
        let output = execute(&cpython(), path)?;
        std::fs::write(path.with_extension("out"), shown(&output)).map_err(|e| e.to_string())?;
        let stderr = String::from_utf8_lossy(&output.stderr);
        if let Some(last) = stderr.lines().last()
            && !output.status.success()
        {
            std::fs::write(path.with_extension("err"), format!("{last}\n")).map_err(|e| e.to_string())?;
        }
        println!("{file}: recorded");
    }
    Ok(true)
}

/// Runs the listed tests of CPython's suite; fails if one of them does not pass.
/// `$CONFORM` names the driver, which takes `run --python P --tests LIST --out FILE`.
fn ratchet() -> Result<bool, String> {
    let driver =
        std::env::var("CONFORM").map_err(|_| "CONFORM does not name the conformance driver".to_string())?;
    let list = root().join("tests/conformance/passing.txt");
    let text = std::fs::read_to_string(&list).map_err(|e| format!("{}: {e}", list.display()))?;
    let mut files: Vec<&str> = text.lines().filter_map(|l| l.split_whitespace().next()).collect();
    files.dedup();
    let out = std::env::temp_dir().join("taipan-ratchet.json");
    let _ = std::fs::remove_file(&out);
    let status = Command::new(&driver)
        .args(["run", "--fresh", "--python", &taipan(), "--tests", &files.join(","), "--out"])
        .arg(&out)
        .status()
        .map_err(|e| e.to_string())?;
    let failing = Command::new(&driver).arg("fails").arg(&out).output().map_err(|e| e.to_string())?;
    let failing = String::from_utf8_lossy(&failing.stdout).into_owned();
    // Lines are `status<TAB>id`; tests of files that did not load are there as `absent`.
    let failing: std::collections::HashSet<&str> =
        failing.lines().filter_map(|l| l.split_once('\t')).map(|(_, id)| id).collect();
    let mut lost = 0;
    for line in text.lines() {
        let Some((file, id)) = line.split_once(' ') else { continue };
        if failing.contains(id) {
            println!("lost: {file} {id}");
            lost += 1;
        }
    }
    println!("{} tests on the list, {lost} lost", text.lines().count());
    Ok(status.success() && lost == 0)
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let result = match args.split_first() {
        Some((task, files)) if task == "diff" => diff(files),
        Some((task, files)) if task == "record" => record(files),
        Some((task, _)) if task == "ratchet" => ratchet(),
        Some((task, _)) if task == "layout" => layout::layout(),
        _ => Err("usage: cargo xtask diff FILE... | record FILE... | ratchet | layout".to_string()),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("xtask: {why}");
            ExitCode::FAILURE
        }
    }
}
