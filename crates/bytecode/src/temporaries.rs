//! Which temporaries are alive before each instruction, and what they are for: what a
//! debugger must know to send a frame to another line.

use crate::code::ExceptionEntry;
use crate::instruction::{Instruction, flags};
use crate::opcode::Opcode;
use crate::operands::{Operands, Use, flags_are_count, operands};

/// What a temporary holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Dead,
    Value,
    /// What leaves a `with` block.
    Exit,
    /// The iterator of a loop.
    Iterator,
    /// The exception that was handled before the one that is handled now.
    Handled,
    /// An exception in its handler.
    Exception,
}

/// What is to be known of the code besides its instructions.
pub struct Shape<'c> {
    pub first_temp: usize,
    pub registers: usize,
    /// How many arguments a call has that uses this cache.
    pub argc: &'c dyn Fn(usize) -> u32,
}

/// For each instruction the kinds of the temporaries, from `first_temp` on; None: no
/// way leads there. The instructions are in their general forms.
pub fn temporaries(
    unit: &Shape,
    instructions: &[Instruction],
    exceptions: &[ExceptionEntry],
) -> Vec<Option<Box<[Kind]>>> {
    let first = unit.first_temp;
    let count = unit.registers.saturating_sub(first);
    let mut states: Vec<Option<Box<[Kind]>>> = vec![None; instructions.len()];
    let mut work = vec![(0usize, vec![Kind::Dead; count].into_boxed_slice())];
    while let Some((i, state)) = work.pop() {
        match states.get_mut(i) {
            Some(place) if place.is_none() => *place = Some(state.clone()),
            _ => continue,
        }
        let ins = instructions[i];
        let Some(op) = ins.opcode() else { continue };
        let index = i as u32;
        if let Some(entry) = exceptions.iter().rev().find(|e| e.start <= index && index < e.end) {
            let depth = (entry.depth as usize).saturating_sub(first);
            let mut caught = state.clone();
            caught.iter_mut().skip(depth).for_each(|kind| *kind = Kind::Dead);
            if let Some(kind) = caught.get_mut(depth) {
                *kind = Kind::Exception;
            }
            work.push((entry.target as usize, caught));
        }
        let mut next = state;
        kill(unit, ins, op, first, &mut next);
        let ended = next.clone();
        write(unit, ins, op, first, &mut next);
        match op {
            Opcode::Return | Opcode::ReturnConst | Opcode::Raise | Opcode::Reraise => continue,
            Opcode::ForIter => {
                work.push(((i + 1).saturating_sub(ins.c()), next));
                let mut ended = ended;
                if let Some(kind) = ins.a().checked_sub(first).and_then(|t| ended.get_mut(t)) {
                    *kind = Kind::Dead;
                }
                work.push((i + 1, ended));
                continue;
            }
            _ => {}
        }
        if arguments(unit, ins, op).jump {
            work.push(((i as i64 + 1 + ins.bc() as i64).max(0) as usize, next.clone()));
        }
        if !matches!(op, Opcode::Jump | Opcode::JumpBack) {
            work.push((i + 1, next));
        }
    }
    states
}

/// The temporaries that `ins` consumes die in `state`.
pub fn consume(unit: &Shape, ins: Instruction, state: &mut [Kind]) {
    if let Some(op) = ins.opcode() {
        kill(unit, ins, op, unit.first_temp, state);
    }
}

fn arguments(unit: &Shape, ins: Instruction, op: Opcode) -> Operands {
    let call = flags_are_count(op) && op != Opcode::MatchClass;
    let argc = if call { (unit.argc)(ins.c()) } else { 0 };
    operands(ins, op, argc)
}

/// The operands of `ins` that are registers: first of them, use, flag of its death.
fn registers(unit: &Shape, ins: Instruction, op: Opcode) -> [(usize, Use, bool); 3] {
    let o = arguments(unit, ins, op);
    let temp = |flag: u8| !flags_are_count(op) && ins.has(flag);
    if o.jump || o.constant {
        let none = (0, Use::No, false);
        return [(ins.a(), o.a, temp(flags::A_TEMP)), none, none];
    }
    [
        (ins.a(), o.a, temp(flags::A_TEMP)),
        (ins.b(), o.b, temp(flags::B_TEMP) && !ins.has(flags::B_CONST)),
        (ins.c(), o.c, temp(flags::C_TEMP) && !ins.has(flags::C_CONST)),
    ]
}

fn put(state: &mut [Kind], first: usize, register: usize, count: usize, kind: Kind) {
    for r in register..register + count {
        if let Some(place) = r.checked_sub(first).and_then(|t| state.get_mut(t)) {
            *place = kind;
        }
    }
}

fn kill(unit: &Shape, ins: Instruction, op: Opcode, first: usize, state: &mut [Kind]) {
    for (register, used, dies) in registers(unit, ins, op) {
        let count = match used {
            Use::Consume(n) => n as usize,
            Use::ReadWrite => 1,
            Use::Source if dies => 1,
            _ => 0,
        };
        put(state, first, register, count, Kind::Dead);
    }
}

fn write(unit: &Shape, ins: Instruction, op: Opcode, first: usize, state: &mut [Kind]) {
    let kind = match op {
        Opcode::GetIter | Opcode::GetAIter => Kind::Iterator,
        Opcode::LoadSpecial if ins.c() & 1 != 0 => Kind::Exit,
        Opcode::PushException => Kind::Handled,
        _ => Kind::Value,
    };
    for (register, used, _) in registers(unit, ins, op) {
        let count = match used {
            Use::Write | Use::ReadWrite => 1,
            Use::WritePair => 2,
            Use::WriteMany(n) => n as usize,
            _ => 0,
        };
        put(state, first, register, count, kind);
    }
}
