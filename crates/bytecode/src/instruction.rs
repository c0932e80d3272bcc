//! One instruction is one 64-bit word: `op:8 flags:8 a:16 b:16 c:16`, the
//! opcode in the lowest byte. `b` and `c` together also serve as one signed
//! 32-bit operand (jumps) or an unsigned index (constants).

use crate::opcode::Opcode;

/// Bits of the flags byte. They mean the same on every instruction except the
/// call family and `MatchClass`, whose flags byte is a small count.
pub mod flags {
    /// Source operand `b` is a temporary and dies here.
    pub const B_TEMP: u8 = 1;
    /// Source operand `c` is a temporary and dies here.
    pub const C_TEMP: u8 = 2;
    /// `b` indexes the constants instead of the registers.
    pub const B_CONST: u8 = 4;
    /// `c` indexes the constants instead of the registers.
    pub const C_CONST: u8 = 8;
    /// Source operand `a` (of instructions that read `a`) dies here.
    pub const A_TEMP: u8 = 16;
    /// The next instruction is `JumpIfFalse`/`JumpIfTrue` with `A_TEMP` on the
    /// result of this one; a fast path may do both at once.
    pub const FUSED: u8 = 32;
    /// Meaning given by the instruction.
    pub const X: u8 = 64;
}

/// One instruction word. See the module text for the layout.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Instruction(pub u64);

impl Instruction {
    pub const fn new(op: Opcode, flags: u8, a: u16, b: u16, c: u16) -> Self {
        Self((op as u64) | (flags as u64) << 8 | (a as u64) << 16 | (b as u64) << 32 | (c as u64) << 48)
    }
    /// An instruction whose `b` and `c` are one 32-bit operand.
    pub const fn wide(op: Opcode, flags: u8, a: u16, bc: i32) -> Self {
        Self((op as u64) | (flags as u64) << 8 | (a as u64) << 16 | (bc as u32 as u64) << 32)
    }
    #[inline(always)]
    pub const fn op_byte(self) -> u8 {
        self.0 as u8
    }
    /// The opcode, if the byte names one.
    #[inline]
    pub fn opcode(self) -> Option<Opcode> {
        Opcode::from_byte(self.0 as u8)
    }
    #[inline(always)]
    pub const fn flags(self) -> u8 {
        (self.0 >> 8) as u8
    }
    #[inline(always)]
    pub const fn has(self, flag: u8) -> bool {
        self.0 & ((flag as u64) << 8) != 0
    }
    #[inline(always)]
    pub const fn a(self) -> usize {
        (self.0 >> 16) as u16 as usize
    }
    #[inline(always)]
    pub const fn b(self) -> usize {
        (self.0 >> 32) as u16 as usize
    }
    #[inline(always)]
    pub const fn c(self) -> usize {
        (self.0 >> 48) as usize
    }
    #[inline(always)]
    pub const fn bc(self) -> i32 {
        (self.0 >> 32) as i32
    }
    /// The same word with another opcode (quickening).
    #[inline(always)]
    pub const fn with_op(self, op: Opcode) -> Self {
        Self(self.0 & !0xff | op as u64)
    }
}

impl std::fmt::Debug for Instruction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.opcode() {
            Some(op) => write!(f, "{op:?}")?,
            None => write!(f, "op{}", self.op_byte())?,
        }
        write!(f, " f={:#x} a={} b={} c={}", self.flags(), self.a(), self.b(), self.c())
    }
}
