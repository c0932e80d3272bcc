//! Code objects as bytes, for `.pyc` files, `marshal` and the frozen library.
//!
//! Layout: `TPY`, a version byte, the file name, then one code unit. Numbers are LEB128;
//! instructions are eight little-endian bytes each. Every nested code object is preceded
//! by its length, so that a reader may skip it and come back when it is called.
//! [`read`] never panics; it checks structure, and [`crate::verify`] checks the rest.

use crate::code::*;
use crate::instruction::Instruction;
use std::rc::Rc;

/// Format version; changes whenever the instruction table does.
pub const VERSION: u8 = 2;
const MAGIC: &[u8; 3] = b"TPY";
/// Deepest nesting of constants and code that is read.
const MAX_NESTING: u32 = 200;

/// Why bytes could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadError {
    /// Not our format, or of another version.
    Version,
    /// Cut short or malformed.
    Corrupt,
}

impl std::fmt::Display for ReadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            ReadError::Version => "bytecode of another version",
            ReadError::Corrupt => "corrupt bytecode",
        })
    }
}

impl std::error::Error for ReadError {}

/// The bytes of a code object.
pub fn write(code: &CodeUnit) -> Vec<u8> {
    let mut out = Vec::with_capacity(code.instructions.len() * 12 + 64);
    out.extend(MAGIC);
    out.push(VERSION);
    blob(&mut out, code.filename.as_bytes());
    unit(&mut out, code);
    out
}

fn blob(out: &mut Vec<u8>, bytes: &[u8]) {
    number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn unit(out: &mut Vec<u8>, code: &CodeUnit) {
    blob(out, code.name.as_bytes());
    // A qualified name usually ends in the name.
    blob(out, code.qualname.as_bytes());
    for n in [code.first_line, code.flags, code.argcount, code.posonly, code.kwonly, code.registers] {
        number(out, n as u64);
    }
    number(out, code.locals.len() as u64);
    for local in &code.locals {
        out.push(local.kind.0);
        blob(out, local.name.as_bytes());
    }
    number(out, code.instructions.len() as u64);
    for ins in &code.instructions {
        out.extend(ins.0.to_le_bytes());
    }
    blob(out, code.locations.runs());
    number(out, code.exceptions.len() as u64);
    for e in &code.exceptions {
        for n in [e.start, e.end, e.target, e.depth as u32] {
            number(out, n as u64);
        }
    }
    number(out, code.caches.len() as u64);
    for cache in &code.caches {
        match cache {
            CacheSpec::Name(i) => number(out, (*i as u64) << 2),
            CacheSpec::Call { argc, kwnames: None } => number(out, (*argc as u64) << 2 | 1),
            CacheSpec::Call { argc, kwnames: Some(i) } => {
                number(out, (*argc as u64) << 2 | 2);
                number(out, *i as u64);
            }
        }
    }
    number(out, code.constants.len() as u64);
    for c in &code.constants {
        constant(out, c);
    }
}

fn constant(out: &mut Vec<u8>, c: &Constant) {
    match c {
        Constant::None => out.push(b'N'),
        Constant::True => out.push(b'T'),
        Constant::False => out.push(b'F'),
        Constant::Ellipsis => out.push(b'.'),
        Constant::Int(n) => {
            out.push(b'i');
            signed(out, *n);
        }
        Constant::BigInt { negative, magnitude } => {
            out.push(if *negative { b'-' } else { b'+' });
            blob(out, magnitude);
        }
        Constant::Float(f) => {
            out.push(b'f');
            out.extend(f.to_bits().to_le_bytes());
        }
        Constant::Complex(re, im) => {
            out.push(b'c');
            out.extend(re.to_bits().to_le_bytes());
            out.extend(im.to_bits().to_le_bytes());
        }
        Constant::Str(s) => {
            out.push(b's');
            blob(out, s);
        }
        Constant::Bytes(s) => {
            out.push(b'b');
            blob(out, s);
        }
        Constant::Tuple(items) | Constant::FrozenSet(items) => {
            out.push(if matches!(c, Constant::Tuple(_)) { b'(' } else { b'{' });
            number(out, items.len() as u64);
            items.iter().for_each(|c| constant(out, c));
        }
        Constant::Slice(items) => {
            out.push(b':');
            items.iter().for_each(|c| constant(out, c));
        }
        Constant::Code(code) => {
            out.push(b'C');
            let mut inner = Vec::new();
            unit(&mut inner, code);
            out.extend((inner.len() as u32).to_le_bytes());
            out.extend(inner);
        }
    }
}

/// The code object in `bytes`.
pub fn read(bytes: &[u8]) -> Result<CodeUnit, ReadError> {
    if bytes.len() < 4 || &bytes[..3] != MAGIC || bytes[3] != VERSION {
        return Err(ReadError::Version);
    }
    let mut r = Reader { bytes: &bytes[4..], filename: "".into() };
    r.filename = r.text()?.into();
    let code = r.unit(0)?;
    if r.bytes.is_empty() { Ok(code) } else { Err(ReadError::Corrupt) }
}

struct Reader<'b> {
    bytes: &'b [u8],
    filename: Rc<str>,
}

type Read<T> = Result<T, ReadError>;

impl<'b> Reader<'b> {
    fn take(&mut self, n: usize) -> Read<&'b [u8]> {
        let (head, tail) = self.bytes.split_at_checked(n).ok_or(ReadError::Corrupt)?;
        self.bytes = tail;
        Ok(head)
    }

    fn byte(&mut self) -> Read<u8> {
        Ok(self.take(1)?[0])
    }

    fn number(&mut self) -> Read<u64> {
        let mut n = 0u64;
        for shift in (0..64).step_by(7) {
            let b = self.byte()?;
            n |= ((b & 0x7f) as u64) << shift;
            if b < 0x80 {
                return Ok(n);
            }
        }
        Err(ReadError::Corrupt)
    }

    fn small(&mut self) -> Read<u32> {
        u32::try_from(self.number()?).map_err(|_| ReadError::Corrupt)
    }

    fn signed(&mut self) -> Read<i64> {
        let n = self.number()?;
        Ok((n >> 1) as i64 ^ -((n & 1) as i64))
    }

    /// A count of things that take at least `size` bytes each.
    fn count(&mut self, size: usize) -> Read<usize> {
        let n = self.number()?;
        if n > (self.bytes.len() / size.max(1)) as u64 { Err(ReadError::Corrupt) } else { Ok(n as usize) }
    }

    fn blob(&mut self) -> Read<&'b [u8]> {
        let n = self.count(1)?;
        self.take(n)
    }

    fn text(&mut self) -> Read<&'b str> {
        std::str::from_utf8(self.blob()?).map_err(|_| ReadError::Corrupt)
    }

    fn word(&mut self) -> Read<u64> {
        let mut word = [0; 8];
        word.copy_from_slice(self.take(8)?);
        Ok(u64::from_le_bytes(word))
    }

    fn unit(&mut self, nesting: u32) -> Read<CodeUnit> {
        if nesting > MAX_NESTING {
            return Err(ReadError::Corrupt);
        }
        let name = self.text()?.into();
        let qualname = self.text()?.into();
        let first_line = self.small()?;
        let flags = self.small()?;
        let argcount = self.small()?;
        let posonly = self.small()?;
        let kwonly = self.small()?;
        let registers = self.small()?;
        let n = self.count(2)?;
        let mut locals = Vec::with_capacity(n);
        for _ in 0..n {
            let kind = LocalKind(self.byte()?);
            locals.push(LocalName { name: self.text()?.into(), kind });
        }
        let n = self.count(8)?;
        let raw = self.take(n * 8)?;
        let instructions = raw
            .chunks_exact(8)
            .map(|c| {
                let mut word = [0; 8];
                word.copy_from_slice(c);
                Instruction(u64::from_le_bytes(word))
            })
            .collect();
        let locations = Locations::from_parts(n as u32, first_line, self.blob()?);
        let n = self.count(4)?;
        let mut exceptions = Vec::with_capacity(n);
        for _ in 0..n {
            let (start, end, target) = (self.small()?, self.small()?, self.small()?);
            let depth = u16::try_from(self.small()?).map_err(|_| ReadError::Corrupt)?;
            exceptions.push(ExceptionEntry { start, end, target, depth });
        }
        let n = self.count(1)?;
        let mut caches = Vec::with_capacity(n);
        for _ in 0..n {
            let word = self.number()?;
            let value = u32::try_from(word >> 2).map_err(|_| ReadError::Corrupt)?;
            caches.push(match word & 3 {
                0 => CacheSpec::Name(value),
                1 => CacheSpec::Call { argc: value, kwnames: None },
                2 => CacheSpec::Call { argc: value, kwnames: Some(self.small()?) },
                _ => return Err(ReadError::Corrupt),
            });
        }
        let n = self.count(1)?;
        let mut constants = Vec::with_capacity(n);
        for _ in 0..n {
            constants.push(self.constant(nesting + 1)?);
        }
        Ok(CodeUnit {
            name,
            qualname,
            filename: self.filename.clone(),
            first_line,
            flags,
            argcount,
            posonly,
            kwonly,
            locals,
            registers,
            instructions,
            locations,
            exceptions,
            constants,
            caches,
        })
    }

    fn constant(&mut self, nesting: u32) -> Read<Constant> {
        if nesting > MAX_NESTING {
            return Err(ReadError::Corrupt);
        }
        Ok(match self.byte()? {
            b'N' => Constant::None,
            b'T' => Constant::True,
            b'F' => Constant::False,
            b'.' => Constant::Ellipsis,
            b'i' => Constant::Int(self.signed()?),
            tag @ (b'-' | b'+') => Constant::BigInt { negative: tag == b'-', magnitude: self.blob()?.into() },
            b'f' => Constant::Float(f64::from_bits(self.word()?)),
            b'c' => Constant::Complex(f64::from_bits(self.word()?), f64::from_bits(self.word()?)),
            b's' => Constant::Str(self.blob()?.into()),
            b'b' => Constant::Bytes(self.blob()?.into()),
            tag @ (b'(' | b'{') => {
                let n = self.count(1)?;
                let mut items = Vec::with_capacity(n);
                for _ in 0..n {
                    items.push(self.constant(nesting + 1)?);
                }
                match tag {
                    b'(' => Constant::Tuple(items.into()),
                    _ => Constant::FrozenSet(items.into()),
                }
            }
            b':' => Constant::Slice(Box::new([
                self.constant(nesting + 1)?,
                self.constant(nesting + 1)?,
                self.constant(nesting + 1)?,
            ])),
            b'C' => {
                let mut length = [0; 4];
                length.copy_from_slice(self.take(4)?);
                let inner = self.take(u32::from_le_bytes(length) as usize)?;
                let mut reader = Reader { bytes: inner, filename: self.filename.clone() };
                let code = reader.unit(nesting + 1)?;
                if !reader.bytes.is_empty() {
                    return Err(ReadError::Corrupt);
                }
                Constant::Code(Box::new(code))
            }
            _ => return Err(ReadError::Corrupt),
        })
    }
}
