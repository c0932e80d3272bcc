//! Options of our own: the sampling profiler (`-X prof=FILE`) and the bound on
//! memory (`-X memory=SIZE`).

use std::path::PathBuf;
use std::process::{Command, Output};

fn taipan(options: &[&str], code: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_taipan"))
        .args(options)
        .args(["-c", code])
        .output()
        .expect("the interpreter starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn file(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("taipan-{}-{name}", std::process::id()))
}

const BUSY: &str = "
import threading, time
def leaf(n):
    a = n * 3 + 1
    return a * a - n
def busy(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for i in range(100):
            leaf(i)
def waits():
    event.wait()
event = threading.Event()
thread = threading.Thread(target=waits)
thread.start()
busy(0.6)
event.set()
thread.join()
";

#[test]
fn profile_as_collapsed_stacks() {
    let path = file("stacks.folded");
    let out = taipan(&[&format!("-Xprof={}", path.display()), "-Xprof_rate=500"], BUSY);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let stacks = std::fs::read_to_string(&path).expect("the profile is written");
    let _ = std::fs::remove_file(&path);
    let count = |wanted: &[&str]| -> u64 {
        let lines = stacks.lines().filter(|line| wanted.iter().all(|part| line.contains(part)));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
    };
    // 300 samples were due; the machine may be busy with something else.
    let main = count(&["main thread;", ";busy (<string>:"]);
    let second = count(&["thread 2;", ";waits (<string>:12);", "[waiting]"]);
    assert!((150..=600).contains(&main), "{main} samples of busy in\n{stacks}");
    assert!((150..=600).contains(&second), "{second} samples of waits in\n{stacks}");
    assert!(count(&[";busy (<string>:10);leaf (<string>:"]) > 0, "{stacks}");
}

#[test]
fn profile_as_flame_graph() {
    let path = file("graph.svg");
    let out = taipan(&[&format!("-Xprof={}", path.display())], BUSY);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let graph = std::fs::read_to_string(&path).expect("the profile is written");
    let _ = std::fs::remove_file(&path);
    assert!(graph.starts_with("<?xml") && graph.ends_with("</svg>\n"), "{graph}");
    assert!(graph.contains("leaf (&lt;string&gt;:") && graph.contains("thread 2"), "{graph}");
}

#[test]
fn a_profile_survives_code_that_dies_and_children() {
    let path = file("dies.txt");
    let code = "
import os, time
end = time.monotonic() + 0.5
while time.monotonic() < end:
    space = {}
    exec('def f(n):\\n  x = 0\\n  for i in range(n): x += i\\n  return x\\nf(300)', space)
pid = os.fork()
if pid == 0:
    end = time.monotonic() + 0.1
    while time.monotonic() < end: exec('def f(): pass\\nf()')
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
";
    let out = taipan(&[&format!("-Xprof={}", path.display()), "-Xprof_rate=10000"], code);
    assert!(out.status.success(), "{}", text(&out.stderr));
    assert_eq!(text(&out.stdout), "7\n");
    let stacks = std::fs::read_to_string(&path).expect("the profile is written");
    let _ = std::fs::remove_file(&path);
    assert!(stacks.contains(";f (<string>:3) "), "{stacks}");
}

#[test]
fn memory_has_a_bound() {
    let code = "
kept = []
def fill(make):
    kept.clear()
    try:
        while True:
            kept.append(make(len(kept)))
    except MemoryError as error:
        count = len(kept)
        kept.clear()
        return count
def show(name, make, low, high):
    count = fill(make)
    print(name, low < count < high or count)
show('strings', lambda n: 'x' * 1000 + str(n), 30_000, 80_000)
show('pieces', lambda n: bytes(100_000), 300, 800)
show('again', lambda n: 'y' * 1000 + str(n), 30_000, 80_000)
show('objects', lambda n: [n], 300_000, 2_000_000)
for large in (lambda: bytes(1 << 30), lambda: [None] * (1 << 28), lambda: bytearray(1 << 30), lambda: 'z' * (1 << 30)):
    try:
        large()
    except MemoryError as error:
        print('MemoryError', error)
print(sum(range(1000)))
";
    let out = taipan(&["-Xmemory=64M"], code);
    assert_eq!(
        text(&out.stdout),
        "strings True\npieces True\nagain True\nobjects True\n\
         MemoryError \nMemoryError \nMemoryError \nMemoryError \n499500\n",
        "{}",
        text(&out.stderr)
    );
    assert!(out.status.success());
    for wrong in ["-Xmemory=x", "-Xmemory=0", "-Xmemory=", "-Xmemory=5T"] {
        assert_eq!(taipan(&[wrong], "").status.code(), Some(2), "{wrong}");
    }
}
