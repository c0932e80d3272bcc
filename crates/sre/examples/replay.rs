//! Repeats the questions that `tools/record.py` asked CPython, over every
//! width that can hold the subject, and reports where the answers differ.
//!
//!     cargo run --release --example replay -- FILE...

use taipan_sre::{Mode, Program, Scanner, State, Subject};

fn answer(program: &Program, state: &State) -> String {
    let mut parts: Vec<String> = state.spans(program).iter().map(|n| n.to_string()).collect();
    parts.push(state.lastindex().unwrap_or(0).to_string());
    parts.join(" ")
}

fn ask(program: &Program, mode: &str, subject: Subject<'_>, pos: usize, end: usize) -> String {
    let mut state = State::new();
    let mut go = || false;
    if mode == "i" {
        let mut scanner = Scanner::new(pos, end);
        let mut found = Vec::new();
        loop {
            match scanner.next(program, subject, Mode::Search, &mut state, &mut go) {
                Ok(true) => found.push(answer(program, &state)),
                Ok(false) => return found.join("/"),
                Err(abort) => return format!("{abort:?}"),
            }
        }
    }
    let mode = match mode {
        "s" => Mode::Search,
        "m" => Mode::Match,
        _ => Mode::FullMatch,
    };
    match program.run(subject, mode, pos, end, false, &mut state, &mut go) {
        Ok(true) => answer(program, &state),
        Ok(false) => "-".into(),
        Err(abort) => format!("{abort:?}"),
    }
}

fn main() {
    let (mut patterns, mut questions, mut differences) = (0, 0, 0);
    for path in std::env::args().skip(1) {
        let text = std::fs::read_to_string(&path).unwrap();
        let mut program = None;
        let mut shown = "";
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("P ") {
                let numbers: Vec<u32> = rest.split(' ').map(|n| n.parse().unwrap()).collect();
                patterns += 1;
                program = match Program::new(&numbers[2..], numbers[0], numbers[1] as usize) {
                    Ok(program) => Some(program),
                    Err(error) => {
                        differences += 1;
                        println!("REFUSED {error:?} {line}");
                        None
                    }
                };
            } else if line.starts_with('#') {
                shown = line;
            } else if let (Some(rest), Some(program)) = (line.strip_prefix("S "), &program) {
                let (question, expected) = rest.split_once(" =").unwrap();
                let expected = expected.strip_prefix(' ').unwrap_or(expected);
                let mut parts = question.split(' ');
                let mode = parts.next().unwrap();
                let pos: usize = parts.next().unwrap().parse().unwrap();
                let end: usize = parts.next().unwrap().parse().unwrap();
                let wide: Vec<u32> = parts
                    .next()
                    .unwrap_or("")
                    .split('.')
                    .filter(|h| !h.is_empty())
                    .map(|h| u32::from_str_radix(h, 16).unwrap())
                    .collect();
                let max = wide.iter().copied().max().unwrap_or(0);
                questions += 1;
                let narrow: Vec<u8> = wide.iter().map(|&c| c as u8).collect();
                let middle: Vec<u16> = wide.iter().map(|&c| c as u16).collect();
                let mut got = vec![ask(program, mode, Subject::U32(&wide), pos, end)];
                if max < 65536 {
                    got.push(ask(program, mode, Subject::U16(&middle), pos, end));
                }
                if max < 256 {
                    got.push(ask(program, mode, Subject::U8(&narrow), pos, end));
                }
                if got.iter().any(|g| g != expected) {
                    differences += 1;
                    if differences <= 20 {
                        println!("DIFF {shown}\n  {line}\n  got {got:?}");
                    }
                }
            }
        }
    }
    println!("patterns {patterns} questions {questions} differences {differences}");
    std::process::exit((differences != 0) as i32);
}
