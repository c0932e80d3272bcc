//! From a finished unit to a `CodeUnit`: numbers for registers, constants and caches,
//! jump distances, the exception table, positions.

use super::*;
use taipan_bytecode::{ExceptionEntry, Instruction, LocalKind, LocalName, Locations};

/// Does operand `c` of this instruction index the caches?
pub(super) fn has_cache(op: Opcode) -> bool {
    use Opcode::*;
    matches!(
        op,
        LoadGlobal
            | StoreGlobal
            | DeleteGlobal
            | LoadName
            | StoreName
            | DeleteName
            | LoadFromDictOrGlobals
            | LoadAttr
            | LoadMethod
            | StoreAttr
            | DeleteAttr
            | LoadSuperAttr
            | Call
            | CallMethod
            | CallKw
            | CallMethodKw
            | ImportName
            | ImportFrom
    )
}

/// Is the flags byte a count?
fn flags_are_count(op: Opcode) -> bool {
    use Opcode::*;
    matches!(op, Call | CallMethod | CallKw | CallMethodKw | MatchClass)
}

fn has_wide_constant(op: Opcode) -> bool {
    matches!(op, Opcode::LoadConst | Opcode::ReturnConst | Opcode::MakeFunction)
}

pub(super) fn assemble(g: &mut Codegen<'_, '_>, mut u: Unit<'_>) -> Result<CodeUnit> {
    if u.ins.len() > (1 << 24) || u.labels.len() > (1 << 24) {
        return overflow_error("code object is too large");
    }
    order_locals(&mut u);
    peephole::run(g, &mut u);
    let (constants, caches) = number_constants(&mut u)?;
    let (locals, registers) = number_registers(g, &mut u)?;
    let mut instructions = Vec::with_capacity(u.ins.len());
    let mut locations = Vec::with_capacity(u.ins.len());
    for i in 0..u.ins.len() {
        let ins = u.ins[i];
        instructions.push(encode(&u, i, &ins)?);
        locations.push(match ins.range {
            NO_LOCATION => Location::default(),
            range => g.location(range),
        });
    }
    let mut exceptions: Vec<ExceptionEntry> = Vec::new();
    for (i, ins) in u.ins.iter().enumerate() {
        if ins.handler == 0 {
            continue;
        }
        let handler = u.handlers[ins.handler as usize];
        let target = u.labels[handler.target.0 as usize];
        let Ok(depth) = u16::try_from(handler.depth as usize + locals.len()) else {
            return overflow_error("too many registers in a code object");
        };
        let i = i as u32;
        match exceptions.last_mut() {
            Some(last) if last.end == i && last.target == target && last.depth == depth => {
                last.end = i + 1;
            }
            _ => exceptions.push(ExceptionEntry { start: i, end: i + 1, target, depth }),
        }
    }
    Ok(CodeUnit {
        name: u.name.into(),
        qualname: u.qualname.into(),
        filename: g.filename.clone(),
        first_line: u.first_line,
        flags: u.flags,
        argcount: u.argcount,
        posonly: u.posonly,
        kwonly: u.kwonly,
        locals,
        registers,
        instructions,
        notes: u.notes,
        locations: Locations::new(u.first_line, &locations),
        exceptions,
        constants,
        caches,
    })
}

/// Put the locals into the order in which they were mentioned.
fn order_locals(u: &mut Unit<'_>) {
    let n = u.varnames.len();
    let mut position = vec![u32::MAX; n];
    let mut names = Vec::with_capacity(n);
    for i in std::mem::take(&mut u.mentioned).into_iter().chain(0..n as u32) {
        if position[i as usize] == u32::MAX {
            position[i as usize] = names.len() as u32;
            names.push(u.varnames[i as usize]);
        }
    }
    u.varnames = names;
    u.var_index = u.varnames.iter().enumerate().map(|(i, &n)| (n, i as u32)).collect();
    let place = |r: &mut u32| {
        if *r >> 24 == 1 {
            *r = LOCAL_BASE + position[(*r - LOCAL_BASE) as usize];
        }
    };
    for ins in &mut u.ins {
        place(&mut ins.a);
        place(&mut ins.b);
        place(&mut ins.c);
    }
}

/// Keep only the constants and caches that are used, in order of first use.
fn number_constants(u: &mut Unit<'_>) -> Result<(Vec<Constant>, Vec<CacheSpec>)> {
    let mut const_map = vec![u32::MAX; u.consts.list.len()];
    let mut order: Vec<u32> = Vec::new();
    let mut cache_map = vec![u32::MAX; u.caches.len()];
    let mut caches = Vec::new();
    let mut number = |i: u32| {
        let slot = &mut const_map[i as usize];
        if *slot == u32::MAX {
            *slot = order.len() as u32;
            order.push(i);
        }
        *slot
    };
    if u.has_docstring {
        number(0);
    }
    for ins in &mut u.ins {
        if !flags_are_count(ins.op) {
            if has_wide_constant(ins.op) {
                ins.b = number(ins.b);
            }
            if ins.flags & B_CONST != 0 {
                ins.b = number(ins.b);
            }
            if ins.flags & C_CONST != 0 {
                ins.c = number(ins.c);
            }
        }
        if has_cache(ins.op) {
            let slot = &mut cache_map[ins.c as usize];
            if *slot == u32::MAX {
                *slot = caches.len() as u32;
                caches.push(match u.caches[ins.c as usize] {
                    CacheSpec::Name(name) => CacheSpec::Name(number(name)),
                    CacheSpec::Call { argc, kwnames } => {
                        CacheSpec::Call { argc, kwnames: kwnames.map(&mut number) }
                    }
                });
            }
            ins.c = *slot;
        }
    }
    let mut list: Vec<Option<Constant>> = std::mem::take(&mut u.consts.list).into_iter().map(Some).collect();
    let constants = order.into_iter().filter_map(|i| list[i as usize].take()).collect();
    Ok((constants, caches))
}

/// Decide the order of the named registers and replace symbolic ones.
fn number_registers(g: &Codegen<'_, '_>, u: &mut Unit<'_>) -> Result<(Vec<LocalName>, u32)> {
    let mut locals = Vec::new();
    let text = |n: NameId| -> Box<str> { g.table.names.text(n).into() };
    for &name in &u.varnames {
        let mut kind = LocalKind::LOCAL;
        if u.cells.contains(&name) || u.comp_cells.contains(&name) {
            kind = kind.union(LocalKind::CELL);
        }
        locals.push(LocalName { name: text(name), kind });
    }
    let hidden = locals.len() as u32;
    for &(name, kind) in &u.hidden {
        locals.push(LocalName { name: text(name), kind: LocalKind(kind) });
    }
    let mut cells = Vec::new();
    for &name in &u.cells {
        if let Some(&i) = u.var_index.get(&name) {
            cells.push(i);
            continue;
        }
        cells.push(locals.len() as u32);
        locals.push(LocalName { name: text(name), kind: LocalKind::CELL });
    }
    let free = locals.len() as u32;
    for &name in &u.free {
        locals.push(LocalName { name: text(name), kind: LocalKind::FREE });
    }
    let first_temp = locals.len() as u32;
    let registers = first_temp + u.max_depth;
    if registers > 0xffff {
        return overflow_error("too many registers in a code object");
    }
    let place = |r: u32| match r >> 24 {
        0 => r,
        1 => r - LOCAL_BASE,
        2 => cells[(r - CELL_BASE) as usize],
        3 => r - FREE_BASE + free,
        4 => r - HIDDEN_BASE + hidden,
        _ => r - TEMP_BASE + first_temp,
    };
    for ins in &mut u.ins {
        ins.a = place(ins.a);
        if !ins.op.is_jump() {
            ins.b = place(ins.b);
        }
        if ins.op != Opcode::ForIter {
            ins.c = place(ins.c);
        }
    }
    Ok((locals, registers))
}

fn encode(u: &Unit<'_>, i: usize, ins: &Ins) -> Result<Instruction> {
    let small = |n: u32| match u16::try_from(n) {
        Ok(n) => Ok(n),
        Err(_) => overflow_error("code object has too many constants, names or calls"),
    };
    let a = small(ins.a)?;
    if ins.op.is_jump() {
        let distance = u.labels[ins.b as usize] as i32 - (i as i32 + 1);
        return Ok(Instruction::wide(ins.op, ins.flags, a, distance));
    }
    if has_wide_constant(ins.op) {
        return Ok(Instruction::wide(ins.op, ins.flags, a, ins.b as i32));
    }
    let c = match ins.op {
        Opcode::ForIter => i as u32 + 1 - u.labels[ins.c as usize],
        _ => ins.c,
    };
    Ok(Instruction::new(ins.op, ins.flags, a, small(ins.b)?, small(c)?))
}
