//! Readable text of a code object, for tests and `dis`.
//!
//! Locals appear by name, temporaries as `t0`, `t1`, …; `!` after an operand says that
//! it dies here; constants appear as their literal.

use crate::code::{CacheSpec, CodeUnit, Constant};
use crate::instruction::{Instruction, flags};
use crate::opcode::Opcode;
use crate::operands::{Use, flags_are_count, operands};
use std::fmt::Write;

/// The text of `code` and of the code objects inside it.
pub fn disassemble(code: &CodeUnit) -> String {
    let mut out = String::new();
    unit(code, &mut out);
    out
}

fn unit(code: &CodeUnit, out: &mut String) {
    let _ = writeln!(out, "code {} (line {}, {} registers)", code.qualname, code.first_line, code.registers);
    let n = code.instructions.len();
    let mut targets = vec![false; n + 1];
    for (i, ins) in code.instructions.iter().enumerate() {
        if let Some(slot) = jump_target(*ins, i).and_then(|t| targets.get_mut(t)) {
            *slot = true;
        }
    }
    for e in &code.exceptions {
        if let Some(slot) = targets.get_mut(e.target as usize) {
            *slot = true;
        }
    }
    let mut line = u32::MAX;
    for (i, ins) in code.instructions.iter().enumerate() {
        let at = code.locations.get(i).map_or(0, |l| l.line);
        let shown = if at == line || at == 0 { String::new() } else { at.to_string() };
        line = at;
        for note in code.notes.iter().filter(|note| note.at as usize == i) {
            let _ = writeln!(
                out,
                "{:>4}       ({})",
                note.line,
                if note.always { "always" } else { "from above" }
            );
        }
        let label = if targets[i] { format!("{i}:") } else { String::new() };
        let _ = writeln!(out, "{shown:>4} {label:>5} {}", instruction(code, i, *ins));
    }
    for e in &code.exceptions {
        let depth = register(code, e.depth as usize);
        let _ = writeln!(out, "  except {}..{} -> {} {depth}", e.start, e.end, e.target);
    }
    for c in &code.constants {
        if let Constant::Code(inner) = c {
            unit(inner, out);
        }
    }
}

fn jump_target(ins: Instruction, i: usize) -> Option<usize> {
    let op = ins.opcode()?;
    if op == Opcode::ForIter {
        return (i + 1).checked_sub(ins.c());
    }
    operands(ins, op, 0).jump.then(|| (i as i64 + 1 + ins.bc() as i64) as usize)
}

/// A register's name: of a local, or `t` and a number.
pub fn register(code: &CodeUnit, r: usize) -> String {
    match code.locals.get(r) {
        Some(local) => local.name.to_string(),
        None => format!("t{}", r - code.locals.len()),
    }
}

/// One instruction as text.
pub fn instruction(code: &CodeUnit, i: usize, ins: Instruction) -> String {
    let Some(op) = ins.opcode() else { return format!("{ins:?}") };
    let cache = code.caches.get(ins.c());
    let argc = match cache {
        Some(CacheSpec::Call { argc, .. }) if flags_are_count(op) && op != Opcode::MatchClass => *argc,
        _ => 0,
    };
    let o = operands(ins, op, argc);
    let mut text = format!("{op:?}");
    let mut parts: Vec<String> = Vec::new();
    let counted = flags_are_count(op);
    let range = |r: usize, n: u32| match n {
        0 => "()".to_string(),
        1 => format!("{}!", register(code, r)),
        n => format!("{}..{}!", register(code, r), register(code, r + n as usize - 1)),
    };
    let one = |r: usize, u: Use, temp: u8, constant: u8, parts: &mut Vec<String>| match u {
        Use::No => {}
        Use::Write | Use::Keep | Use::ReadWrite | Use::Clear => parts.push(register(code, r)),
        Use::WritePair | Use::KeepPair => {
            parts.push(format!("{}..{}", register(code, r), register(code, r + 1)));
        }
        Use::WriteMany(n) => parts.push(range(r, n).replace('!', "")),
        Use::Consume(n) => parts.push(range(r, n)),
        Use::Source if !counted && constant != 0 && ins.has(constant) => {
            parts.push(code.constants.get(r).map_or("?".into(), literal));
        }
        Use::Source => {
            let dies = if !counted && ins.has(temp) { "!" } else { "" };
            parts.push(format!("{}{dies}", register(code, r)));
        }
        Use::Cache => match code.caches.get(r) {
            Some(CacheSpec::Name(n)) => {
                parts.push(code.constants.get(*n as usize).map_or("?".into(), plain));
            }
            Some(CacheSpec::Call { kwnames: Some(k), .. }) => {
                parts.push(code.constants.get(*k as usize).map_or("?".into(), literal));
            }
            _ => {}
        },
        Use::Number => parts.push(r.to_string()),
    };
    one(ins.a(), o.a, flags::A_TEMP, 0, &mut parts);
    if o.constant {
        let c = code.constants.get(ins.bc() as u32 as usize);
        parts.push(c.map_or("?".into(), literal));
    } else if o.jump {
        parts.push(format!("-> {}", i as i64 + 1 + ins.bc() as i64));
    } else if op == Opcode::ForIter {
        one(ins.b(), o.b, 0, 0, &mut parts);
        parts.push(format!("-> {}", i as i64 + 1 - ins.c() as i64));
    } else {
        one(ins.b(), o.b, flags::B_TEMP, flags::B_CONST, &mut parts);
        one(ins.c(), o.c, flags::C_TEMP, flags::C_CONST, &mut parts);
    }
    if !parts.is_empty() {
        let _ = write!(text, " {}", parts.join(", "));
    }
    if op == Opcode::MatchClass {
        let _ = write!(text, " positional={}", ins.flags());
    } else if !counted {
        if ins.has(flags::FUSED) {
            text.push_str(match op {
                Opcode::Raise => " from",
                Opcode::LoadSuperAttr => " zero-argument",
                _ => " fused",
            });
        }
        if ins.has(flags::X) && op == Opcode::CallEx {
            text.push_str(" tuple");
        }
    }
    text
}

fn plain(c: &Constant) -> String {
    match c {
        Constant::Str(s) => String::from_utf8_lossy(s).into_owned(),
        c => literal(c),
    }
}

/// A constant as text.
pub fn literal(c: &Constant) -> String {
    let list = |items: &[Constant]| items.iter().map(literal).collect::<Vec<_>>().join(", ");
    match c {
        Constant::None => "None".into(),
        Constant::True => "True".into(),
        Constant::False => "False".into(),
        Constant::Ellipsis => "...".into(),
        Constant::Int(i) => i.to_string(),
        Constant::BigInt { negative, magnitude } => {
            let hex: String = magnitude.iter().rev().map(|b| format!("{b:02x}")).collect();
            format!("{}0x{hex}", if *negative { "-" } else { "" })
        }
        Constant::Float(f) => format!("{f:?}"),
        Constant::Complex(re, im) => format!("({re:?}+{im:?}j)"),
        Constant::Str(s) => format!("{:?}", String::from_utf8_lossy(s)),
        Constant::Bytes(s) => format!("b{:?}", String::from_utf8_lossy(s)),
        Constant::Tuple(items) if items.len() == 1 => format!("({},)", list(items)),
        Constant::Tuple(items) => format!("({})", list(items)),
        Constant::FrozenSet(items) => format!("frozenset({{{}}})", list(items)),
        Constant::Slice(items) => format!("slice({})", list(&items[..])),
        Constant::Code(code) => format!("<code {}>", code.qualname),
    }
}
