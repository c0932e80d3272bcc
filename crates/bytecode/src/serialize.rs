//! Code objects as bytes, for `.pyc` files, `marshal` and the frozen library.
//!
//! Layout: `TPY`, a version byte, the file name, then one code unit: a head (what it
//! takes to make a function) and a body (what it takes to run it). Numbers are LEB128;
//! instructions are eight little-endian bytes each. Every nested code object is preceded
//! by its length, so that a reader may keep it and read its body when it is called:
//! [`head`] and [`body`] read one unit, [`read`] all of them. A library keeps the bodies
//! of its functions apart from its modules ([`write_apart`]). None of the readers
//! panics; they check structure, and [`crate::verify`] checks the rest.

use crate::code::*;
use crate::instruction::Instruction;
use std::rc::Rc;

/// Format version; changes whenever the instruction table does, or the code made of a source.
pub const VERSION: u8 = 7;
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
    whole(code, &mut |_, _| None)
}

/// The same, for a module of a library whose functions lie apart: `keep` is given every
/// function with its body and says where in [`Apart`] it put that.
pub fn write_apart(code: &CodeUnit, mut keep: impl FnMut(&CodeUnit, &[u8]) -> Place) -> Vec<u8> {
    whole(code, &mut |code, body| Some(keep(code, body)))
}

/// Where a body lies in [`Apart`].
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// Among those that most programs need.
    Near(usize),
    Far(usize),
}

/// Bodies that do not lie in the code units they belong to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Apart<'b> {
    pub near: &'b [u8],
    pub far: &'b [u8],
}

type Keep<'k> = &'k mut dyn FnMut(&CodeUnit, &[u8]) -> Option<Place>;

fn whole(code: &CodeUnit, keep: Keep) -> Vec<u8> {
    let mut out = Vec::with_capacity(code.instructions.len() * 12 + 64);
    out.extend(MAGIC);
    out.push(VERSION);
    blob(&mut out, code.filename.as_bytes());
    write_head(&mut out, code);
    write_body(&mut out, code, keep);
    out
}

fn blob(out: &mut Vec<u8>, bytes: &[u8]) {
    number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn write_head(out: &mut Vec<u8>, code: &CodeUnit) {
    blob(out, code.name.as_bytes());
    // A qualified name usually ends in the name.
    blob(out, code.qualname.as_bytes());
    let free_base = code.locals.iter().position(|l| l.kind.contains(LocalKind::FREE));
    let free_base = free_base.unwrap_or(code.locals.len()) as u32;
    let numbers = [code.first_line, code.flags, code.argcount, code.posonly, code.kwonly, code.registers];
    for n in numbers.into_iter().chain([code.locals.len() as u32, free_base]) {
        number(out, n as u64);
    }
}

fn write_body(out: &mut Vec<u8>, code: &CodeUnit, keep: Keep) {
    for local in &code.locals {
        out.push(local.kind.0);
        blob(out, local.name.as_bytes());
    }
    number(out, code.instructions.len() as u64);
    for ins in &code.instructions {
        out.extend(ins.0.to_le_bytes());
    }
    blob(out, code.locations.runs());
    number(out, code.notes.len() as u64);
    for note in &code.notes {
        number(out, (note.at as u64) << 1 | note.always as u64);
        number(out, note.line as u64);
    }
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
        constant(out, c, keep);
    }
}

fn constant(out: &mut Vec<u8>, c: &Constant, keep: Keep) {
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
            let name_like = s.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_');
            out.push(if name_like { b'n' } else { b's' });
            blob(out, s);
        }
        Constant::Bytes(s) => {
            out.push(b'b');
            blob(out, s);
        }
        Constant::Tuple(items) | Constant::FrozenSet(items) => {
            out.push(if matches!(c, Constant::Tuple(_)) { b'(' } else { b'{' });
            number(out, items.len() as u64);
            items.iter().for_each(|c| constant(out, c, keep));
        }
        Constant::Slice(items) => {
            out.push(b':');
            items.iter().for_each(|c| constant(out, c, keep));
        }
        Constant::Code(code) => {
            let (mut head, mut body) = (Vec::new(), Vec::new());
            write_head(&mut head, code);
            write_body(&mut body, code, keep);
            // What is not a function runs at once, and once.
            let place = if code.flags & code_flags::OPTIMIZED != 0 { keep(code, &body) } else { None };
            match place {
                Some(place) => {
                    out.push(b'K');
                    out.extend(head);
                    let (near, start) = match place {
                        Place::Near(start) => (1, start),
                        Place::Far(start) => (0, start),
                    };
                    number(out, (start as u64) << 1 | near);
                    number(out, body.len() as u64);
                }
                None => {
                    out.push(b'C');
                    out.extend(((head.len() + body.len()) as u32).to_le_bytes());
                    out.extend(head);
                    out.extend(body);
                }
            }
        }
    }
}

/// What it takes to make a function of a code unit; see [`crate::CodeUnit`].
#[derive(Clone, Copy, Debug)]
pub struct Head<'b> {
    pub name: &'b str,
    pub qualname: &'b str,
    pub first_line: u32,
    pub flags: u32,
    pub argcount: u32,
    pub posonly: u32,
    pub kwonly: u32,
    pub registers: u32,
    /// Number of named registers.
    pub locals: u32,
    /// The first of them that is a free variable; `locals` if none is.
    pub free_base: u32,
    pub body: &'b [u8],
}

/// What a head says of how the body is to be read.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub first_line: u32,
    pub locals: u32,
    pub free_base: u32,
}

impl Head<'_> {
    pub fn shape(&self) -> Shape {
        Shape { first_line: self.first_line, locals: self.locals, free_base: self.free_base }
    }
}

/// What it takes to run a code unit, its constants made by a [`Build`].
#[derive(Debug)]
pub struct Body<'b, C> {
    pub locals: Vec<(&'b str, LocalKind)>,
    pub instructions: Vec<Instruction>,
    pub locations: Locations<'b>,
    pub notes: Vec<LineNote>,
    pub exceptions: Vec<ExceptionEntry>,
    pub constants: Vec<C>,
    pub caches: Vec<CacheSpec>,
}

/// A constant without parts.
#[derive(Clone, Copy, Debug)]
pub enum Leaf<'b> {
    None,
    True,
    False,
    Ellipsis,
    Int(i64),
    /// Sign and magnitude, little-endian bytes.
    BigInt {
        negative: bool,
        magnitude: &'b [u8],
    },
    Float(f64),
    Complex(f64, f64),
    /// WTF-8.
    Str(&'b [u8]),
    /// A string of letters, digits and underscores.
    Name(&'b str),
    Bytes(&'b [u8]),
}

/// What a constant with parts is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    Tuple,
    FrozenSet,
    /// Of three parts.
    Slice,
}

/// Makes constants while a body is read.
pub trait Build<'b> {
    type Constant;
    fn leaf(&mut self, leaf: Leaf<'b>) -> Self::Constant;
    fn group(&mut self, group: Group, parts: Vec<Self::Constant>) -> Self::Constant;
    /// A nested code unit, `nesting` levels below the body that is read.
    fn code(&mut self, head: Head<'b>, nesting: u32) -> Result<Self::Constant, ReadError>;
}

/// The file name and the head of the outermost code unit in `bytes`.
pub fn head(bytes: &[u8]) -> Result<(&str, Head<'_>), ReadError> {
    if bytes.len() < 4 || &bytes[..3] != MAGIC || bytes[3] != VERSION {
        return Err(ReadError::Version);
    }
    let mut r = Reader { bytes: &bytes[4..], apart: Apart::default() };
    let filename = r.text()?;
    let head = r.head()?;
    Ok((filename, Head { body: r.bytes, ..head }))
}

/// The body that belongs to a head. `nesting` is the depth at which it lies.
pub fn body<'b, B: Build<'b>>(
    shape: Shape,
    bytes: &'b [u8],
    apart: Apart<'b>,
    nesting: u32,
    build: &mut B,
) -> Result<Body<'b, B::Constant>, ReadError> {
    let mut r = Reader { bytes, apart };
    let body = r.body(shape, nesting, build)?;
    if r.bytes.is_empty() { Ok(body) } else { Err(ReadError::Corrupt) }
}

/// The code object in `bytes`, with all that is nested in it.
pub fn read(bytes: &[u8]) -> Result<CodeUnit, ReadError> {
    let (filename, head) = head(bytes)?;
    unit_of(head, 0, &filename.into())
}

fn unit_of(head: Head<'_>, nesting: u32, filename: &Rc<str>) -> Result<CodeUnit, ReadError> {
    let body = body(head.shape(), head.body, Apart::default(), nesting, &mut Units { filename })?;
    Ok(CodeUnit {
        name: head.name.into(),
        qualname: head.qualname.into(),
        filename: filename.clone(),
        first_line: head.first_line,
        flags: head.flags,
        argcount: head.argcount,
        posonly: head.posonly,
        kwonly: head.kwonly,
        locals: body.locals.into_iter().map(|(name, kind)| LocalName { name: name.into(), kind }).collect(),
        registers: head.registers,
        instructions: body.instructions,
        locations: body.locations.into_owned(),
        notes: body.notes,
        exceptions: body.exceptions,
        constants: body.constants,
        caches: body.caches,
    })
}

/// Makes plain constants.
struct Units<'f> {
    filename: &'f Rc<str>,
}

impl<'b> Build<'b> for Units<'_> {
    type Constant = Constant;
    fn leaf(&mut self, leaf: Leaf<'b>) -> Constant {
        match leaf {
            Leaf::None => Constant::None,
            Leaf::True => Constant::True,
            Leaf::False => Constant::False,
            Leaf::Ellipsis => Constant::Ellipsis,
            Leaf::Int(n) => Constant::Int(n),
            Leaf::BigInt { negative, magnitude } => {
                Constant::BigInt { negative, magnitude: magnitude.into() }
            }
            Leaf::Float(x) => Constant::Float(x),
            Leaf::Complex(re, im) => Constant::Complex(re, im),
            Leaf::Str(s) => Constant::Str(s.into()),
            Leaf::Name(s) => Constant::Str(s.as_bytes().into()),
            Leaf::Bytes(s) => Constant::Bytes(s.into()),
        }
    }
    fn group(&mut self, group: Group, parts: Vec<Constant>) -> Constant {
        match (group, <[Constant; 3]>::try_from(parts)) {
            (Group::Slice, Ok(parts)) => Constant::Slice(Box::new(parts)),
            (Group::FrozenSet, Ok(parts)) => Constant::FrozenSet(parts.into()),
            (Group::FrozenSet, Err(parts)) => Constant::FrozenSet(parts.into()),
            (_, Ok(parts)) => Constant::Tuple(parts.into()),
            (_, Err(parts)) => Constant::Tuple(parts.into()),
        }
    }
    fn code(&mut self, head: Head<'b>, nesting: u32) -> Result<Constant, ReadError> {
        Ok(Constant::Code(Box::new(unit_of(head, nesting, self.filename)?)))
    }
}

struct Reader<'b> {
    bytes: &'b [u8],
    apart: Apart<'b>,
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

    /// A head, without the body.
    fn head(&mut self) -> Read<Head<'b>> {
        Ok(Head {
            name: self.text()?,
            qualname: self.text()?,
            first_line: self.small()?,
            flags: self.small()?,
            argcount: self.small()?,
            posonly: self.small()?,
            kwonly: self.small()?,
            registers: self.small()?,
            locals: self.small()?,
            free_base: self.small()?,
            body: &[],
        })
    }

    fn body<B: Build<'b>>(
        &mut self,
        shape: Shape,
        nesting: u32,
        build: &mut B,
    ) -> Read<Body<'b, B::Constant>> {
        if nesting > MAX_NESTING {
            return Err(ReadError::Corrupt);
        }
        let n = shape.locals as usize;
        if n > self.bytes.len() / 2 {
            return Err(ReadError::Corrupt);
        }
        let mut locals = Vec::with_capacity(n);
        for _ in 0..n {
            let kind = LocalKind(self.byte()?);
            locals.push((self.text()?, kind));
        }
        let free = locals.iter().position(|(_, kind)| kind.contains(LocalKind::FREE)).unwrap_or(n);
        if free != shape.free_base as usize {
            return Err(ReadError::Corrupt);
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
        let locations = Locations::from_parts(n as u32, shape.first_line, self.blob()?);
        let n = self.count(2)?;
        let mut notes = Vec::with_capacity(n);
        for _ in 0..n {
            let word = self.number()?;
            let at = u32::try_from(word >> 1).map_err(|_| ReadError::Corrupt)?;
            notes.push(LineNote { at, line: self.small()?, always: word & 1 != 0 });
        }
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
            constants.push(self.constant(nesting + 1, build)?);
        }
        Ok(Body { locals, instructions, locations, notes, exceptions, constants, caches })
    }

    fn constant<B: Build<'b>>(&mut self, nesting: u32, build: &mut B) -> Read<B::Constant> {
        if nesting > MAX_NESTING {
            return Err(ReadError::Corrupt);
        }
        let leaf = match self.byte()? {
            b'N' => Leaf::None,
            b'T' => Leaf::True,
            b'F' => Leaf::False,
            b'.' => Leaf::Ellipsis,
            b'i' => Leaf::Int(self.signed()?),
            tag @ (b'-' | b'+') => Leaf::BigInt { negative: tag == b'-', magnitude: self.blob()? },
            b'f' => Leaf::Float(f64::from_bits(self.word()?)),
            b'c' => Leaf::Complex(f64::from_bits(self.word()?), f64::from_bits(self.word()?)),
            b's' => Leaf::Str(self.blob()?),
            b'n' => Leaf::Name(self.text()?),
            b'b' => Leaf::Bytes(self.blob()?),
            b'(' => return self.group(Group::Tuple, nesting, build),
            b'{' => return self.group(Group::FrozenSet, nesting, build),
            b':' => return self.group(Group::Slice, nesting, build),
            b'C' => {
                let mut length = [0; 4];
                length.copy_from_slice(self.take(4)?);
                let inner = self.take(u32::from_le_bytes(length) as usize)?;
                let mut reader = Reader { bytes: inner, apart: self.apart };
                let head = reader.head()?;
                return build.code(Head { body: reader.bytes, ..head }, nesting + 1);
            }
            b'K' => {
                let head = self.head()?;
                let place = self.number()?;
                let store = if place & 1 != 0 { self.apart.near } else { self.apart.far };
                let (start, len) = (place >> 1, self.number()?);
                let body = start.checked_add(len).and_then(|end| store.get(start as usize..end as usize));
                let body = body.ok_or(ReadError::Corrupt)?;
                return build.code(Head { body, ..head }, nesting + 1);
            }
            _ => return Err(ReadError::Corrupt),
        };
        Ok(build.leaf(leaf))
    }

    fn group<B: Build<'b>>(&mut self, group: Group, nesting: u32, build: &mut B) -> Read<B::Constant> {
        let n = if group == Group::Slice { 3 } else { self.count(1)? };
        let mut parts = Vec::with_capacity(n);
        for _ in 0..n {
            parts.push(self.constant(nesting + 1, build)?);
        }
        Ok(build.group(group, parts))
    }
}
