//! Reads operations from standard input and writes their results: one half of the
//! differential test `tests/differential.py` against CPython.

#[path = "../tests/support/dispatch.rs"]
mod dispatch;
#[path = "../tests/support/dispatch_math.rs"]
mod dispatch_math;

use std::io::{BufRead, Write};

fn main() {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("input");
        writeln!(out, "{}", dispatch::evaluate(&line)).expect("output");
    }
}
