//! Times this engine on the patterns that `tools/bench.py` recorded and compares
//! with the times CPython needed. The time of one operation here has no
//! Python objects in it: a search or all matches with the spans of their groups.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Instant;
use taipan_sre::{Mode, Program, Scanner, State, Subject};

fn operate(program: &Program, mode: &str, subject: Subject<'_>) -> usize {
    let mut state = State::new();
    if mode == "a" {
        let mut scanner = Scanner::new(0, usize::MAX);
        let mut sum = 0;
        while scanner.next(program, subject, Mode::Search, &mut state, &mut || false).unwrap() {
            for group in 0..=program.groups() {
                sum += state.span(group).map_or(0, |(a, b)| b - a);
            }
        }
        return sum;
    }
    let mode = if mode == "s" { Mode::Search } else { Mode::Match };
    program.find(subject, mode, &mut state).unwrap() as usize
}

fn main() {
    let path = std::env::args().nth(1).expect("the file of tools/bench.py");
    let only = std::env::args().nth(2);
    let text = std::fs::read_to_string(path).unwrap();
    let mut program = None;
    let mut groups: BTreeMap<String, (f64, u32)> = BTreeMap::new();
    let mut compile = (0u128, 0u32);
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("P ") {
            let n: Vec<u32> = rest.split(' ').map(|n| n.parse().unwrap()).collect();
            let start = Instant::now();
            for _ in 0..20 {
                black_box(Program::new(&n[2..], n[0], n[1] as usize).unwrap());
            }
            compile = (compile.0 + start.elapsed().as_nanos() / 20, compile.1 + 1);
            program = Some(Program::new(&n[2..], n[0], n[1] as usize).unwrap());
        } else if let (Some(rest), Some(program)) = (line.strip_prefix("B "), &program) {
            let parts: Vec<&str> = rest.split(' ').collect();
            if only.as_ref().is_some_and(|o| !rest.contains(o.as_str())) {
                continue;
            }
            let cpython: f64 = parts[3].parse().unwrap();
            let wide: Vec<u32> = parts[4]
                .split('.')
                .filter(|h| !h.is_empty())
                .map(|h| u32::from_str_radix(h, 16).unwrap())
                .collect();
            let max = wide.iter().copied().max().unwrap_or(0);
            let narrow: Vec<u8> = wide.iter().map(|&c| c as u8).collect();
            let middle: Vec<u16> = wide.iter().map(|&c| c as u16).collect();
            let subject = match max {
                0..256 => Subject::U8(&narrow),
                256..65536 => Subject::U16(&middle),
                _ => Subject::U32(&wide),
            };
            let mut best = f64::MAX;
            let mut count = 1u32;
            for _ in 0..20 {
                let start = Instant::now();
                for _ in 0..count {
                    black_box(operate(program, parts[2], subject));
                }
                let time = start.elapsed().as_nanos() as f64;
                best = best.min(time / count as f64);
                if time < 2e6 {
                    count *= 2;
                }
            }
            let ratio = cpython / best;
            println!(
                "{:7} {:60.60} {:>11.0} ns  CPython {:>11.0} ns  x{ratio:.2}",
                parts[0], parts[1], best, cpython
            );
            let entry = groups.entry(parts[0].to_string()).or_default();
            entry.0 += ratio.ln();
            entry.1 += 1;
        }
    }
    for (group, (sum, count)) in groups {
        println!("{group}: geometric mean of the ratios {:.2} ({count} cases)", (sum / count as f64).exp());
    }
    println!("Program::new: {} ns on average", compile.0 / compile.1.max(1) as u128);
}
