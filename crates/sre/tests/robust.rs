//! Damaged code lists must be refused or run without panicking; deep and
//! endless matches must stay within their limits; recorded cases must hold.

use taipan_sre::{Abort, Mode, Program, Scanner, State, Subject};

fn cases() -> &'static str {
    include_str!("cases.txt")
}

fn numbers(line: &str) -> Vec<u32> {
    line.split(' ').map(|n| n.parse().unwrap()).collect()
}

fn answer(program: &Program, state: &State) -> String {
    let mut parts: Vec<String> = state.spans(program).iter().map(|n| n.to_string()).collect();
    parts.push(state.lastindex().unwrap_or(0).to_string());
    parts.join(" ")
}

#[test]
fn recorded_cases() {
    let mut program = None;
    let mut asked = 0;
    for line in cases().lines() {
        if let Some(rest) = line.strip_prefix("P ") {
            let n = numbers(rest);
            program = Some(Program::new(&n[2..], n[0], n[1] as usize).unwrap());
        } else if let (Some(rest), Some(program)) = (line.strip_prefix("S "), &program) {
            let (question, expected) = rest.split_once(" =").unwrap();
            let q: Vec<&str> = question.split(' ').collect();
            let (pos, end) = (q[1].parse().unwrap(), q[2].parse().unwrap());
            let units: Vec<u32> = q[3]
                .split('.')
                .filter(|h| !h.is_empty())
                .map(|h| u32::from_str_radix(h, 16).unwrap())
                .collect();
            let bytes: Vec<u8> = units.iter().map(|&c| c as u8).collect();
            let narrow = units.iter().all(|&c| c < 256);
            let subject = if narrow { Subject::U8(&bytes) } else { Subject::U32(&units) };
            let mut state = State::new();
            let mut found = Vec::new();
            let mut go = || false;
            if q[0] == "i" {
                let mut scanner = Scanner::new(pos, end);
                while scanner.next(program, subject, Mode::Search, &mut state, &mut go).unwrap() {
                    found.push(answer(program, &state));
                }
            } else {
                let mode = match q[0] {
                    "s" => Mode::Search,
                    "m" => Mode::Match,
                    _ => Mode::FullMatch,
                };
                let hit = program.run(subject, mode, pos, end, false, &mut state, &mut go).unwrap();
                found.push(if hit { answer(program, &state) } else { "-".into() });
            }
            assert_eq!(found.join("/"), expected.trim_start(), "{line}");
            asked += 1;
        }
    }
    assert!(asked > 400);
}

#[test]
fn damaged_code() {
    let mut seed = 0x9E37_79B9_7F4A_7C15u64;
    let mut random = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 33) as usize % below.max(1)
    };
    let codes: Vec<Vec<u32>> = cases().lines().filter_map(|l| l.strip_prefix("P ")).map(numbers).collect();
    let wide: Vec<u32> = "aab\nABé ſK一𐐀ab".chars().map(u32::from).collect();
    let (mut accepted, rounds) = (0, 60_000);
    for _ in 0..rounds {
        let mut code = codes[random(codes.len())].clone();
        let groups = code[1] as usize;
        code.drain(..2);
        for _ in 0..1 + random(3) {
            let at = random(code.len());
            match random(4) {
                0 => code[at] = random(45) as u32,
                1 => code[at] = code[at].wrapping_add(random(5) as u32).wrapping_sub(2),
                2 => code[at] = if random(2) == 0 { u32::MAX } else { code[random(code.len())] },
                _ => {
                    code.remove(at);
                }
            }
            if code.is_empty() {
                break;
            }
        }
        let Ok(program) = Program::new(&code, 0, groups) else { continue };
        accepted += 1;
        for mode in [Mode::Search, Mode::Match, Mode::FullMatch] {
            for pos in [0, 3] {
                let mut state = State::with_stack_limit(1 << 16);
                let mut left = 4;
                let mut stop = || {
                    left -= 1;
                    left <= 0
                };
                let _ = program.run(Subject::U32(&wide), mode, pos, 9, true, &mut state, &mut stop);
                let _ = program.run(Subject::U8(b"aab\nAB x12"), mode, pos, 99, false, &mut state, &mut stop);
                let _ = program.run(Subject::U8(b"aab\nAB x12"), mode, pos, 1, false, &mut state, &mut stop);
            }
        }
    }
    assert!(accepted > rounds / 20, "{accepted}");
}

/// The recorded pattern that is shown like this.
fn recorded(shown: &str) -> Program {
    let lines: Vec<&str> = cases().lines().collect();
    let at = lines.iter().position(|l| l.starts_with(&format!("# '{shown}'"))).unwrap();
    let n = numbers(lines[at - 1].strip_prefix("P ").unwrap());
    Program::new(&n[2..], n[0], n[1] as usize).unwrap()
}

#[test]
fn long_subjects_need_no_native_stack() {
    let program = recorded("(?:(a)|(b)|x)*");
    let text = vec![b'x'; 2_000_000];
    let mut state = State::new();
    assert_eq!(program.find(Subject::U8(&text), Mode::Match, &mut state), Ok(true));
}

#[test]
fn the_stack_has_a_limit_and_the_match_can_be_interrupted() {
    let program = recorded("(?:(a)|(b)|x)*");
    let text = vec![b'a'; 100_000];
    let mut state = State::with_stack_limit(4096);
    assert_eq!(program.find(Subject::U8(&text), Mode::Match, &mut state), Err(Abort::OutOfMemory));
    let mut state = State::new();
    let mut asked = 0;
    let mut stop = || {
        asked += 1;
        asked == 3
    };
    let got = program.run(Subject::U8(&text), Mode::Match, 0, usize::MAX, false, &mut state, &mut stop);
    assert_eq!(got, Err(Abort::Interrupted));
}
