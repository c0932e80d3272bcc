//! Assigning to `frame.f_lineno`: a trace function sends its frame to another line.
//!
//! The frame may go to every place whose temporaries are among those alive now, and
//! of the same kinds: into the body of a loop only from the body of a loop, and so on;
//! into the middle of an expression never.

use super::events::Event;
use super::frame::{Frame, frame_flags as ff};
use super::quick;
use crate::prelude::*;
use crate::types::code::Code;
use taipan_bytecode::temporaries::{Kind, Shape, consume, temporaries};
use taipan_bytecode::{Instruction, LocalKind, Opcode};

/// `frame.f_lineno = value`; `frame` is null if it does not run any more.
///
/// # Safety
/// `frame` is alive, or null.
pub unsafe fn set_line(vm: &Vm, frame: *mut Frame, value: &Object) -> Result<()> {
    if !value.is_int() {
        return Err(vm.value_error("lineno must be an integer"));
    }
    let event = vm.tracer.event();
    let is = |wanted: Event| event == wanted as i32;
    // SAFETY: says the caller.
    if event < 0 || frame.is_null() || unsafe { !(*frame).has(ff::SEEN) } {
        return Err(vm.value_error("f_lineno can only be set in a trace function"));
    }
    if is(Event::PyStart) {
        return Err(vm.value_error("can't jump from the 'call' trace event of a new frame"));
    }
    if is(Event::Call) || is(Event::CReturn) {
        return Err(vm.value_error("can't jump during a call"));
    }
    let fine =
        [Event::PyResume, Event::Line, Event::Jump, Event::BranchLeft, Event::BranchRight, Event::PyYield];
    if !fine.iter().any(|&event| is(event)) {
        return Err(vm.value_error("can only jump from a 'line' trace event"));
    }
    // SAFETY: the frame is alive and called a tracer; nobody else runs it.
    unsafe { jump(vm, frame, value.as_int()) }
}

/// The kinds of the live temporaries with their registers.
fn live(state: &[Kind], first: usize) -> Vec<(usize, Kind)> {
    let alive = state.iter().enumerate().filter(|(_, kind)| **kind != Kind::Dead);
    alive.map(|(i, kind)| (first + i, *kind)).collect()
}

/// Why control cannot go where `wanted` is alive.
fn refusal(wanted: &[(usize, Kind)]) -> &'static str {
    match wanted.last() {
        Some((_, Kind::Iterator)) => "can't jump into the body of a for loop",
        Some((_, Kind::Handled | Kind::Exception)) => {
            "can't jump into an 'except' block as there's no exception"
        }
        _ => "incompatible stacks",
    }
}

unsafe fn jump(vm: &Vm, frame: *mut Frame, line: i64) -> Result<()> {
    // SAFETY: says the caller.
    let code: &Code = unsafe { &*(*frame).code };
    if line < code.first_line as i64 {
        return Err(vm.value_error(format!("line {line} comes before the current code block")));
    }
    let lines = &code.places().lines;
    let begins = |i: usize| lines[i] != 0 && (i == 0 || lines[i - 1] != lines[i]);
    let mut beginnings: Vec<(usize, u32)> =
        (0..lines.len()).filter(|&i| begins(i)).map(|i| (i, lines[i])).collect();
    beginnings.extend(code.notes().iter().map(|note| (note.at as usize, note.line)));
    let known = beginnings.iter().map(|&(_, begun)| begun);
    let Some(target_line) = known.filter(|begun| *begun as i64 >= line).min() else {
        return Err(vm.value_error(format!("line {line} comes after the current code block")));
    };
    let instructions: Vec<Instruction> = code.words().iter().map(|ins| quick::generic(*ins)).collect();
    let argc = |cache: usize| code.call_arguments(cache);
    let shape = Shape { first_temp: code.first_temp, registers: code.registers, argc: &argc };
    let states = temporaries(&shape, &instructions, code.exceptions());
    // SAFETY: as above.
    let here = unsafe { (*frame).instruction_index() };
    let resumed = vm.tracer.event() == Event::PyResume as i32;
    let Some(mut state) = states.get(here + resumed as usize).cloned().flatten() else {
        return Err(vm.value_error("cannot jump from unreachable code"));
    };
    if vm.tracer.event() == Event::PyYield as i32 {
        consume(&shape, instructions[here], &mut state);
    }
    let have = live(&state, code.first_temp);
    let mut message = "cannot find bytecode for specified line";
    let mut best: Option<(usize, Vec<(usize, Kind)>)> = None;
    for &(i, _) in beginnings.iter().filter(|begun| begun.1 == target_line) {
        // The bottom of a loop is no beginning of a line.
        if lines[i] == target_line && instructions[i].opcode() == Some(Opcode::ForIter) {
            continue;
        }
        let Some(Some(state)) = states.get(i) else { continue };
        let wanted = live(state, code.first_temp);
        let fits = wanted.len() <= have.len()
            && wanted.iter().zip(&have).all(|(w, h)| w.1 == h.1 && w.1 != Kind::Value);
        if !fits {
            message = refusal(&wanted);
        } else if best.as_ref().is_none_or(|(_, known)| wanted.len() > known.len()) {
            best = Some((i, wanted));
        }
    }
    let Some((to, wanted)) = best else { return Err(vm.value_error(message)) };
    // SAFETY: registers are in range; each word is moved once.
    unsafe { bind_locals(vm, frame, code)? };
    let mut dead = Vec::new();
    // SAFETY: as above. Objects are dropped when everything is in order.
    unsafe {
        let base = (*frame).base;
        let take = |register: usize| std::mem::replace(&mut *base.add(register), Value::UNBOUND);
        // From the top down, so that the exception handled outermost is the last.
        for &(register, kind) in have[wanted.len()..].iter().rev() {
            let word = Object::from_owned(take(register));
            if kind == Kind::Handled && !word.is_unbound() {
                let item = &mut *vm.exc_info.get();
                dead.push(std::mem::replace(&mut item.value, word));
            } else {
                dead.push(word);
            }
        }
        let kept: Vec<Value> = have[..wanted.len()].iter().map(|&(register, _)| take(register)).collect();
        for register in code.first_temp..code.registers {
            dead.push(Object::from_owned(take(register)));
        }
        for (word, &(register, _)) in kept.into_iter().zip(&wanted) {
            *base.add(register) = word;
        }
        let start = code.instructions_ptr() as *const Instruction;
        (*frame).ip = start.add(to);
        vm.tracer.move_to(target_line);
    }
    drop(dead);
    Ok(())
}

/// Variables without a value get None: the code behind the jump may rely on them.
unsafe fn bind_locals(vm: &Vm, frame: *mut Frame, code: &Code) -> Result<()> {
    // SAFETY: named registers are in range.
    let unbound: Vec<usize> = code
        .variables()
        .iter()
        .enumerate()
        .filter(|(i, (_, kind))| {
            let plain = kind.contains(LocalKind::LOCAL) && !kind.contains(LocalKind::HIDDEN);
            plain && unsafe { (*(*frame).base.add(*i)).is_unbound() }
        })
        .map(|(i, _)| i)
        .collect();
    if unbound.is_empty() {
        return Ok(());
    }
    let plural = if unbound.len() == 1 { "" } else { "s" };
    vm.warn(&exc::RUNTIME_WARNING, &format!("assigning None to {} unbound local{plural}", unbound.len()), 1)?;
    for i in unbound {
        // SAFETY: as above.
        unsafe {
            let register = (*frame).base.add(i);
            if (*register).is_unbound() {
                *register = Value::NONE;
            }
        }
    }
    Ok(())
}
