//! The handlers, by theme. Each gets the state and its instruction, and ends
//! with `Ok(())` for "on to the next instruction"; whatever may run Python code
//! saves `ip` first and goes through [`slow`], which takes ownership of what it
//! borrowed and stores its own result.
//!
//! SAFETY of all raw accesses below: frames, registers and code stay alive while
//! their frame runs; every register number is in range because the code was
//! verified; ownership of words follows the invariants of the instruction table.
#![allow(unsafe_op_in_unsafe_fn)]

pub(super) mod attributes;
pub(super) mod blocks;
pub(super) mod calls;
pub(super) mod control;
pub(super) mod items;
pub(super) mod names;
pub(super) mod operators;

use super::core::{At, Core, Done, Leave, incref, is_exact, payload, type_ptr};
use super::frame::{Frame, frame_flags as ff};
use super::slow;
use crate::prelude::*;
use crate::types::code::Cache;
use crate::types::dict::{DICT, Dict};
use crate::types::list::{LIST, List};
use crate::types::tuple::TUPLE;
use taipan_bytecode::instruction::flags as f;
use taipan_bytecode::{Instruction, Opcode};

/// What a handler for the usual case ends with when it is not.
const MISS: Done = Err(Leave::Miss);

/// A slow path that stores its own result.
macro_rules! slowly {
    ($m:ident, $call:expr) => {{
        $m.save();
        $call?;
        return Ok(());
    }};
}
use slowly;

/// A slow path that stores its own result, as the whole of a handler.
#[inline(always)]
pub(super) unsafe fn store_result(
    m: &mut Core,
    ins: At,
    slow: unsafe fn(&Vm, *mut Frame, Instruction) -> Result<()>,
) -> Done {
    slowly!(m, slow(m.vm, m.frame(), ins.word()))
}
