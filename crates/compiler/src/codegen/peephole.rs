//! Clean-up of a unit's instructions before assembly: jump threading, dead code,
//! positions for instructions without one, `Nop`s nobody needs, `Move` pairs.

// Several arrays run side by side under one index here.
#![allow(clippy::needless_range_loop)]

use super::*;
use taipan_bytecode::{LineNote, MAX_NOTES};

fn ends_flow(op: Opcode) -> bool {
    matches!(
        op,
        Opcode::Jump
            | Opcode::JumpBack
            | Opcode::Return
            | Opcode::ReturnConst
            | Opcode::Raise
            | Opcode::Reraise
    )
}

pub(super) fn run(g: &mut Codegen<'_, '_>, u: &mut Unit<'_>) {
    thread_jumps(u);
    let mut reachable = reach(u);
    copy_returns(u, &mut reachable);
    locate(u, &reachable);
    strip(g, u, &reachable);
    merge_moves(g, u);
}

fn target(u: &Unit<'_>, label: u32) -> usize {
    u.labels[label as usize] as usize
}

/// Skip what does nothing from `i` on.
fn landing(u: &Unit<'_>, mut i: usize) -> usize {
    while let Some(ins) = u.ins.get(i) {
        if ins.op == Opcode::Nop && ins.range == NO_LOCATION {
            i += 1;
        } else {
            break;
        }
    }
    i
}

fn thread_jumps(u: &mut Unit<'_>) {
    for i in 0..u.ins.len() {
        if !u.ins[i].op.is_jump() {
            continue;
        }
        for _ in 0..64 {
            let at = landing(u, target(u, u.ins[i].b));
            let Some(&next) = u.ins.get(at) else { break };
            if at == i || next.b == u.ins[i].b {
                break;
            }
            match next.op {
                Opcode::Jump => u.ins[i].b = next.b,
                Opcode::JumpBack if matches!(u.ins[i].op, Opcode::Jump | Opcode::JumpBack) => {
                    u.ins[i].b = next.b;
                    u.ins[i].op = Opcode::JumpBack;
                }
                _ => break,
            }
        }
        // What pointed backwards may point forwards now, and the other way round.
        if u.ins[i].op == Opcode::JumpBack && target(u, u.ins[i].b) > i {
            u.ins[i].op = Opcode::Jump;
        }
    }
}

fn reach(u: &Unit<'_>) -> Vec<bool> {
    let mut seen = vec![false; u.ins.len()];
    let mut work = vec![0usize];
    while let Some(mut i) = work.pop() {
        while i < u.ins.len() && !seen[i] {
            seen[i] = true;
            let ins = &u.ins[i];
            if ins.handler != 0 {
                work.push(target(u, u.handlers[ins.handler as usize].target.0));
            }
            if ins.op.is_jump() {
                work.push(target(u, ins.b));
            }
            if ins.op == Opcode::ForIter {
                work.push(target(u, ins.c));
            }
            if ends_flow(ins.op) {
                break;
            }
            i += 1;
        }
    }
    seen
}

/// The end of a unit without position that several jumps lead to (`return None`, what a
/// class does last) is copied for each of them, so that it is traced on the line of the
/// jump.
fn copy_returns(u: &mut Unit<'_>, reachable: &mut Vec<bool>) {
    let n = u.ins.len();
    let mut copies: Vec<(Range, usize, Label)> = Vec::new();
    let mut ends: Vec<Ins> = Vec::new();
    for i in 0..n {
        let ins = u.ins[i];
        if !reachable[i] || !ins.op.is_jump() || ins.range == NO_LOCATION && ins.op != Opcode::Jump {
            continue;
        }
        let at = landing(u, target(u, ins.b));
        let Some(length) = end_without_position(u, at) else { continue };
        if ins.op == Opcode::Jump && length == 1 {
            u.ins[i] = Ins { range: ins.range, ..u.ins[at] };
            continue;
        }
        let known = copies.iter().find(|c| c.0 == ins.range && c.1 == at && ins.range != NO_LOCATION);
        let label = match known {
            Some(c) => c.2,
            None => {
                u.labels.push((n + ends.len()) as u32);
                let label = Label(u.labels.len() as u32 - 1);
                copies.push((ins.range, at, label));
                ends.extend(u.ins[at..at + length].iter().map(|end| Ins { range: ins.range, ..*end }));
                label
            }
        };
        u.ins[i].b = label.0;
    }
    u.ins.extend(ends);
    *reachable = reach(u);
}

/// Length of the few instructions without position from `at` on that end with a return.
fn end_without_position(u: &Unit<'_>, at: usize) -> Option<usize> {
    for (i, ins) in u.ins.get(at..)?.iter().take(6).enumerate() {
        if ins.range != NO_LOCATION || ins.op.is_jump() {
            return None;
        }
        match ins.op {
            Opcode::ReturnConst => return Some(i + 1),
            Opcode::Return => return if i > 0 { Some(i + 1) } else { None },
            Opcode::StoreName | Opcode::Move => {}
            _ => return None,
        }
    }
    None
}

/// Instructions without a position take that of their only predecessor.
fn locate(u: &mut Unit<'_>, reachable: &[bool]) {
    let n = u.ins.len();
    // Number of jumps to each instruction, and the last of them.
    let mut jumps: Vec<(u32, usize)> = vec![(0, 0); n + 1];
    for i in 0..n {
        let ins = u.ins[i];
        if !reachable[i] {
            continue;
        }
        if ins.op.is_jump() {
            let t = target(u, ins.b);
            jumps[t] = (jumps[t].0 + 1, i);
        }
        if ins.op == Opcode::ForIter {
            let t = target(u, ins.c);
            jumps[t] = (jumps[t].0 + 1, i);
        }
        if ins.handler != 0 {
            // Handlers start without a position, whatever leads there.
            let t = target(u, u.handlers[ins.handler as usize].target.0);
            jumps[t].0 += 2;
        }
    }
    let mut previous: Option<usize> = None;
    for i in 0..n {
        if !reachable[i] {
            continue;
        }
        if u.ins[i].range == NO_LOCATION {
            let falls = previous.filter(|&p| !ends_flow(u.ins[p].op));
            match (falls, jumps[i]) {
                (Some(p), (0, _)) => u.ins[i].range = u.ins[p].range,
                (None, (1, j)) if j < i => u.ins[i].range = u.ins[j].range,
                _ => {}
            }
        }
        previous = Some(i);
    }
}

/// Remove unreachable instructions, useless `Nop`s, and jumps to the next instruction.
fn strip(g: &mut Codegen<'_, '_>, u: &mut Unit<'_>, reachable: &[bool]) {
    let n = u.ins.len();
    let mut keep = reachable.to_vec();
    let mut targeted = vec![false; n + 1];
    for i in 0..n {
        if !reachable[i] {
            continue;
        }
        let ins = &u.ins[i];
        if ins.op.is_jump() {
            targeted[target(u, ins.b)] = true;
        } else if ins.op == Opcode::ForIter {
            targeted[target(u, ins.c)] = true;
        }
        if ins.handler != 0 {
            targeted[target(u, u.handlers[ins.handler as usize].target.0)] = true;
        }
    }
    let next_kept = |keep: &[bool], from: usize| (from..n).find(|&j| keep[j]).unwrap_or(n);
    let mut previous_line = 0;
    for i in 0..n {
        if !keep[i] {
            continue;
        }
        let ins = u.ins[i];
        if targeted[i] {
            previous_line = 0;
        }
        if ins.op == Opcode::Jump {
            let t = target(u, ins.b);
            let next = next_kept(&keep, i + 1);
            if t > i && next_kept(&keep, t) == next && next < n {
                u.ins[i].op = Opcode::Nop;
            }
        }
        if u.ins[i].op == Opcode::Nop {
            let next = next_kept(&keep, i + 1);
            if ins.range == NO_LOCATION {
                keep[i] = !pass_on(u, &mut targeted, i, next);
                continue;
            }
            let line = g.line(ins.range);
            let next_line = match u.ins.get(next) {
                Some(next) if next.range != NO_LOCATION => g.line(next.range),
                _ => 0,
            };
            if line == previous_line || line == next_line {
                keep[i] = !pass_on(u, &mut targeted, i, next);
                continue;
            }
            if next < n && note_line(u, &mut targeted, i, next, line) {
                keep[i] = false;
                previous_line = line;
                continue;
            }
        }
        if ins.range != NO_LOCATION {
            previous_line = g.line(ins.range);
        }
        if ends_flow(u.ins[i].op) {
            previous_line = 0;
        }
    }
    compact(u, &keep);
}

/// The `Nop` at `i` goes; the jumps to it, and the notes there, belong to `next` from now
/// on. False: at `next` it could not be told any more whether control passed the notes.
fn pass_on(u: &mut Unit<'_>, targeted: &mut [bool], i: usize, next: usize) -> bool {
    // The newest are last.
    let notes = u.notes.iter().rev().take_while(|note| note.at as usize == i).count();
    let others = targeted[i + 1..=next].iter().any(|&t| t);
    if notes > 0 && others && targeted[i] {
        return false;
    }
    for note in u.notes.iter_mut().rev().take(notes) {
        note.at = next as u32;
        note.always &= !others;
    }
    targeted[next] |= targeted[i];
    true
}

/// Leaves a note of the line of the `Nop` at `i`, which control passes on its way to
/// `next`, if it can be told there whether control came by it.
fn note_line(u: &mut Unit<'_>, targeted: &mut [bool], i: usize, next: usize, line: u32) -> bool {
    let here = u.notes.iter().rev().take_while(|note| note.at as usize == i).count();
    let others = targeted[i + 1..=next].iter().any(|&t| t);
    if others && targeted[i] || here + 1 > MAX_NOTES || !pass_on(u, targeted, i, next) {
        return false;
    }
    u.notes.push(LineNote { at: next as u32, line, always: !others });
    true
}

fn compact(u: &mut Unit<'_>, keep: &[bool]) {
    let n = u.ins.len();
    let mut map = vec![0u32; n + 1];
    let mut count = 0;
    for i in 0..n {
        map[i] = count;
        count += keep[i] as u32;
    }
    map[n] = count;
    for l in &mut u.labels {
        if *l != u32::MAX {
            *l = map[*l as usize];
        }
    }
    for note in &mut u.notes {
        note.at = map[note.at as usize];
    }
    let mut i = 0;
    u.ins.retain(|_| {
        i += 1;
        keep[i - 1]
    });
}

fn merge_moves(g: &mut Codegen<'_, '_>, u: &mut Unit<'_>) {
    let n = u.ins.len();
    let mut targeted = vec![false; n + 1];
    for ins in &u.ins {
        if ins.op.is_jump() {
            targeted[target(u, ins.b)] = true;
        } else if ins.op == Opcode::ForIter {
            targeted[target(u, ins.c)] = true;
        }
        if ins.handler != 0 {
            targeted[target(u, u.handlers[ins.handler as usize].target.0)] = true;
        }
    }
    let mut noted = vec![false; n + 1];
    for note in &u.notes {
        noted[note.at as usize] = true;
    }
    // (flags, source) of a plain move or constant load
    let source = |ins: &Ins| match ins.op {
        Opcode::Move => Some((ins.flags, ins.b)),
        Opcode::LoadConst if ins.b < 0xf000 => Some((B_CONST, ins.b)),
        _ => None,
    };
    let mut keep = vec![true; n];
    let mut i = 0;
    while i + 1 < n {
        let (x, y) = (u.ins[i], u.ins[i + 1]);
        if let (Some((f, b)), Some((h, c))) = (source(&x), source(&y))
            && y.a == x.a + 1
            && x.handler == y.handler
            && !targeted[i + 1]
            && !noted[i + 1]
            && !(h & B_CONST == 0 && c == x.a)
            && !(f & B_CONST == 0 && b == y.a)
            && x.range != NO_LOCATION
            && y.range != NO_LOCATION
            && g.line(x.range) == g.line(y.range)
        {
            let mut flags = f;
            if h & B_TEMP != 0 {
                flags |= C_TEMP;
            }
            if h & B_CONST != 0 {
                flags |= C_CONST;
            }
            // The position of what can fail.
            let range = if f & B_CONST != 0 { y.range } else { x.range };
            u.ins[i] = Ins { op: Opcode::Move2, flags, b, c, range, ..x };
            keep[i + 1] = false;
            i += 2;
            continue;
        }
        i += 1;
    }
    compact(u, &keep);
}
