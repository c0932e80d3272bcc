//! `marshal`: values in CPython's format, code objects in ours inside of it.
//!
//! `Writer` is dumps, `Reader` loads. Both keep count of their depth, and the
//! reader believes no size before it has seen the bytes.

use std::collections::HashMap;
use taipan_numeric::BigInt;
use taipan_runtime::buffer::Buffer;
use taipan_runtime::prelude::*;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::code::CODE;
use taipan_runtime::types::float::FLOAT;
use taipan_runtime::types::int::IntView;
use taipan_runtime::types::slice::Slice;
use taipan_runtime::types::{code, code_unit, complex, dict, float, int, set, slice, str};

const VERSION: i64 = 5;
const MAX_DEPTH: usize = 2000;
const FLAG_REF: u8 = 0x80;

/// The module.
pub static MARSHAL: ModuleDef = ModuleDef {
    name: "marshal",
    doc: "This module contains functions that can read and write Python values in\na binary format. The format is specific to Python, but independent of\nmachine architecture issues.\n\nNot all Python object types are supported; in general, only objects\nwhose value is independent from a particular invocation of Python can be\nwritten and read.",
    functions: &[
        MethodDef::new("dump(value, file, version=5, /, *, allow_code=True)", dump, "Write the value on the open file.\n\n  value\n    Must be a supported type.\n  file\n    Must be a writeable binary file.\n  version\n    Indicates the data format that dump should use.\n  allow_code\n    Allow to write code objects.\n\nIf the value has (or contains an object that has) an unsupported type, a\nValueError exception is raised - but garbage data will also be written\nto the file. The object will not be properly read back by load()."),
        MethodDef::new("load(file, /, *, allow_code=True)", load, "Read one value from the open file and return it.\n\n  file\n    Must be readable binary file.\n  allow_code\n    Allow to load code objects.\n\nIf no valid value is read (e.g. because the data has a different Python\nversion's incompatible marshal format), raise EOFError, ValueError or\nTypeError.\n\nNote: If an object containing an unsupported type was marshalled with\ndump(), load() will substitute None for the unmarshallable type."),
        MethodDef::new("dumps(value, version=5, /, *, allow_code=True)", |vm, args| {
            let allow = vm.is_true(&args[2])?;
            let version = vm.to_c_int(&args[1])?;
            Ok(vm.bytes(&to_bytes(vm, &args[0], version as i64, allow)?))
        }, "Return the bytes object that would be written to a file by dump(value, file).\n\n  value\n    Must be a supported type.\n  version\n    Indicates the data format that dumps should use.\n  allow_code\n    Allow to write code objects.\n\nRaise a ValueError exception if value has (or contains an object that has) an\nunsupported type."),
        MethodDef::new("loads(bytes, /, *, allow_code=True)", |vm, args| {
            let allow = vm.is_true(&args[1])?;
            let buffer = vm.bytes_like(&args[0], "loads() argument")?;
            Reader::new(vm, Source::Bytes { buffer, pos: 0 }, allow).read()
        }, "Convert the bytes-like object to a value.\n\n  allow_code\n    Allow to load code objects.\n\nIf no valid value is found, raise EOFError, ValueError or TypeError.  Extra\nbytes in the input are ignored."),
    ],
    types: &[],
    init: Some(|vm, module| vm.set_attr_str(module, "version", &vm.int(VERSION))),
};

fn dump(vm: &Vm, args: &[Object]) -> Result {
    let allow = vm.is_true(&args[3])?;
    let version = vm.to_c_int(&args[2])?;
    let bytes = to_bytes(vm, &args[0], version as i64, allow)?;
    vm.call_method(&args[1], "write", &[vm.bytes(&bytes)])
}

fn load(vm: &Vm, args: &[Object]) -> Result {
    let allow = vm.is_true(&args[1])?;
    let probe = vm.call_method(&args[0], "read", &[vm.int(0)])?;
    if probe.downcast::<Bytes>().is_none() {
        return Err(vm.type_error(format!(
            "file.read() returned not bytes but {}",
            probe.ty().name()
        )));
    }
    Reader::new(vm, Source::File(args[0].clone()), allow).read()
}

// ---- writing --------------------------------------------------------------------------

struct Writer<'a> {
    vm: &'a Vm,
    out: Vec<u8>,
    version: i64,
    allow_code: bool,
    depth: usize,
    refs: HashMap<u64, u32>,
    /// Keeps the objects of `refs` alive, so that no address is used twice.
    kept: Vec<Object>,
}

/// The bytes of a value.
fn to_bytes(vm: &Vm, value: &Object, version: i64, allow_code: bool) -> Result<Vec<u8>> {
    let mut writer =
        Writer { vm, out: Vec::new(), version, allow_code, depth: 0, refs: HashMap::new(), kept: Vec::new() };
    writer.write(value)?;
    Ok(writer.out)
}

impl Writer<'_> {
    fn long(&mut self, n: i32) {
        self.out.extend(n.to_le_bytes());
    }
    fn size(&mut self, n: usize) -> Result<()> {
        match i32::try_from(n) {
            Ok(n) => {
                self.long(n);
                Ok(())
            }
            Err(_) => Err(self.unmarshallable()),
        }
    }
    fn sized(&mut self, bytes: &[u8]) -> Result<()> {
        self.size(bytes.len())?;
        self.out.extend_from_slice(bytes);
        Ok(())
    }
    fn unmarshallable(&self) -> Raised {
        self.vm.value_error("unmarshallable object")
    }
    /// Writes a reference to an object seen before; otherwise says which flag
    /// its type code gets.
    fn reference(&mut self, value: &Object) -> Option<u8> {
        if self.version < 3 {
            return Some(0);
        }
        let alone = value.header().is_some_and(|h| h.count() == 1) && !Str::is_interned(value);
        if alone {
            return Some(0);
        }
        if let Some(&n) = self.refs.get(&value.bits()) {
            self.out.push(b'r');
            self.long(n as i32);
            return None;
        }
        self.refs.insert(value.bits(), self.refs.len() as u32);
        self.kept.push(value.clone());
        Some(FLAG_REF)
    }
    fn write(&mut self, value: &Object) -> Result<()> {
        if self.depth >= MAX_DEPTH {
            return Err(self.vm.value_error("object too deeply nested to marshal"));
        }
        self.vm.check_native_stack(" while marshalling an object")?;
        let singleton = if value.is_none() {
            b'N'
        } else if value.is(Value::TRUE) {
            b'T'
        } else if value.is(Value::FALSE) {
            b'F'
        } else if value.is(Value::ELLIPSIS) {
            b'.'
        } else if value.is(exc::STOP_ITERATION.value()) {
            b'S'
        } else {
            0
        };
        if singleton != 0 {
            self.out.push(singleton);
            return Ok(());
        }
        let Some(flag) = self.reference(value) else { return Ok(()) };
        self.depth += 1;
        let result = self.write_complex(value, flag);
        self.depth -= 1;
        result
    }
    fn write_complex(&mut self, value: &Object, flag: u8) -> Result<()> {
        if int::is_exact(value) {
            self.write_int(value, flag);
            return Ok(());
        }
        if value.ty().is(&FLOAT) || value.is_float() {
            let x = float::as_f64(value).unwrap_or(0.0);
            self.out.push(if self.version > 1 { b'g' } else { b'f' } | flag);
            self.write_float(x);
            return Ok(());
        }
        if value.ty().is(&complex::COMPLEX) {
            let Some(z) = complex::as_complex(value) else { return Err(self.unmarshallable()) };
            self.out.push(if self.version > 1 { b'y' } else { b'x' } | flag);
            self.write_float(z.re);
            self.write_float(z.im);
            return Ok(());
        }
        if let Some(bytes) = value.downcast_exact::<Bytes>() {
            self.out.push(b's' | flag);
            return self.sized(bytes.as_slice());
        }
        if let Some(s) = value.downcast_exact::<Str>() {
            return self.write_str(value, s, flag);
        }
        if let Some(tuple) = value.downcast_exact::<Tuple>() {
            if self.version >= 4 && tuple.len() < 256 {
                self.out.push(b')' | flag);
                self.out.push(tuple.len() as u8);
            } else {
                self.out.push(b'(' | flag);
                self.size(tuple.len())?;
            }
            return tuple.items().iter().try_for_each(|item| self.write(item));
        }
        if let Some(list) = value.downcast_exact::<List>() {
            let len = list.len();
            self.out.push(b'[' | flag);
            self.size(len)?;
            for i in 0..len {
                let Some(item) = list.get(i) else {
                    return Err(self.vm.runtime_error("list changed size while marshalling"));
                };
                self.write_owned(item)?;
            }
            return Ok(());
        }
        if let Some(dict) = value.downcast_exact::<Dict>() {
            self.out.push(b'{' | flag);
            let mut pos = 0;
            while let Some((key, value)) = dict.next_entry(&mut pos) {
                self.write_owned(key)?;
                self.write_owned(value)?;
            }
            self.out.push(b'0');
            return Ok(());
        }
        if value.ty().is(&set::SET) || value.ty().is(&set::FROZENSET) {
            return self.write_set(value, flag);
        }
        if value.ty().is(&CODE) {
            if !self.allow_code {
                return Err(self.vm.value_error("marshalling code objects is disallowed"));
            }
            let Some(unit) = code_unit::to_unit(value) else { return Err(self.unmarshallable()) };
            self.out.push(b'c' | flag);
            return self.sized(&taipan_bytecode::write(&unit));
        }
        if self.vm.is_bytes_like(value) {
            let buffer = match self.vm.bytes_like(value, "") {
                Ok(buffer) => buffer,
                Err(_) => {
                    drop(self.vm.take_raised());
                    return Err(self.unmarshallable());
                }
            };
            self.out.push(b's' | flag);
            return self.sized(buffer.bytes());
        }
        if let Some(slice) = Slice::of(value)
            && self.version >= 5
        {
            self.out.push(b':' | flag);
            let parts = [slice.start.clone(), slice.stop.clone(), slice.step.clone()];
            return parts.into_iter().try_for_each(|part| self.write_owned(part));
        }
        Err(self.unmarshallable())
    }
    /// Writes an item of a container, whose own count is not to be noticed.
    fn write_owned(&mut self, item: Object) -> Result<()> {
        let value = item.value();
        let alone = item.header().is_some_and(|h| h.count() == 2);
        if alone && self.version >= 3 && !Str::is_interned(&item) {
            if self.depth >= MAX_DEPTH {
                return Err(self.vm.value_error("object too deeply nested to marshal"));
            }
            self.vm.check_native_stack(" while marshalling an object")?;
            debug_assert!(value.is_ptr());
            if item.is(exc::STOP_ITERATION.value()) {
                return self.write(&item);
            }
            self.depth += 1;
            let result = self.write_complex(&item, 0);
            self.depth -= 1;
            return result;
        }
        self.write(&item)
    }
    fn write_int(&mut self, value: &Object, flag: u8) {
        if let Some(IntView::Small(n)) = int::view(value)
            && let Ok(n) = i32::try_from(n)
        {
            self.out.push(b'i' | flag);
            self.long(n);
            return;
        }
        let n = int::to_big(value).unwrap_or_default();
        let magnitude = n.abs();
        let digits: Vec<u32> = magnitude.digits15().collect();
        self.out.push(b'l' | flag);
        let count = digits.len() as i32;
        self.long(if n.is_negative() { -count } else { count });
        for digit in digits {
            self.out.extend((digit as u16).to_le_bytes());
        }
    }
    fn write_float(&mut self, x: f64) {
        if self.version > 1 {
            self.out.extend(x.to_le_bytes());
            return;
        }
        let text = significant_digits(x);
        self.out.push(text.len() as u8);
        self.out.extend_from_slice(text.as_bytes());
    }
    fn write_str(&mut self, value: &Object, s: &Str, flag: u8) -> Result<()> {
        let interned = Str::is_interned(value);
        if self.version >= 4
            && let Some(text) = s.as_ascii()
        {
            if text.len() < 256 {
                self.out.push(if interned { b'Z' } else { b'z' } | flag);
                self.out.push(text.len() as u8);
                self.out.extend_from_slice(text.as_bytes());
                return Ok(());
            }
            self.out.push(if interned { b'A' } else { b'a' } | flag);
            return self.sized(text.as_bytes());
        }
        self.out.push(if self.version >= 3 && interned { b't' } else { b'u' } | flag);
        self.sized(&s.to_wtf8())
    }
    /// Elements in the order of their own bytes, so that equal sets give equal bytes.
    fn write_set(&mut self, value: &Object, flag: u8) -> Result<()> {
        let Some(set) = set::SetObject::of(value) else { return Err(self.unmarshallable()) };
        let items = set.to_vec();
        self.out.push(if value.ty().is(&set::FROZENSET) { b'>' } else { b'<' } | flag);
        self.size(items.len())?;
        let mut keyed = Vec::with_capacity(items.len());
        for item in items {
            keyed.push((to_bytes(self.vm, &item, self.version, self.allow_code)?, item));
        }
        keyed.sort_by(|a, b| a.0.cmp(&b.0));
        keyed.into_iter().try_for_each(|(_, item)| self.write_owned(item))
    }
}

/// The 17 significant digits of old versions of the format (`%.17g`).
fn significant_digits(x: f64) -> String {
    if !x.is_finite() {
        return if x.is_nan() { "nan".into() } else if x > 0.0 { "inf".into() } else { "-inf".into() };
    }
    let scientific = format!("{x:.16e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trimmed = |s: &str| match s.contains('.') {
        true => s.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => s.to_string(),
    };
    if (-4..17).contains(&exponent) {
        return trimmed(&format!("{x:.*}", (16 - exponent).max(0) as usize));
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", trimmed(digits), exponent.abs())
}

// ---- reading --------------------------------------------------------------------------

enum Source {
    Bytes { buffer: Buffer, pos: usize },
    File(Object),
}

struct Reader<'a> {
    vm: &'a Vm,
    source: Source,
    allow_code: bool,
    depth: usize,
    /// UNBOUND: reserved, not complete yet.
    refs: Vec<Object>,
}

impl<'a> Reader<'a> {
    fn new(vm: &'a Vm, source: Source, allow_code: bool) -> Reader<'a> {
        Reader { vm, source, allow_code, depth: 0, refs: Vec::new() }
    }
    fn bad(&self, what: &str) -> Raised {
        self.vm.value_error(format!("bad marshal data ({what})"))
    }
    fn too_short(&self) -> Raised {
        self.vm.eof_error("marshal data too short")
    }
    fn bytes(&mut self, n: usize) -> Result<Vec<u8>> {
        match &mut self.source {
            Source::Bytes { buffer, pos } => {
                let found = buffer.bytes().get(*pos..).and_then(|rest| rest.get(..n)).map(|b| b.to_vec());
                if found.is_some() {
                    *pos += n;
                }
                found.ok_or_else(|| self.too_short())
            }
            Source::File(file) => {
                let read = self.vm.call_method(file, "read", &[self.vm.usize(n)])?;
                let Some(bytes) = read.downcast::<Bytes>() else {
                    return Err(self.vm.type_error(format!(
                        "file.read() returned not bytes but {}",
                        read.ty().name()
                    )));
                };
                match bytes.len() {
                    len if len == n => Ok(bytes.as_slice().to_vec()),
                    len if len > n => Err(self.vm.value_error(format!(
                        "read() returned too much data: {n} bytes requested, {len} returned"
                    ))),
                    _ => Err(self.too_short()),
                }
            }
        }
    }
    fn byte(&mut self) -> Result<u8> {
        if let Source::Bytes { buffer, pos } = &mut self.source
            && let Some(&b) = buffer.bytes().get(*pos)
        {
            *pos += 1;
            return Ok(b);
        }
        Ok(self.bytes(1)?[0])
    }
    fn short(&mut self) -> Result<u16> {
        let b = self.bytes(2)?;
        Ok(u16::from_le_bytes([b[0], b[1]]))
    }
    fn long(&mut self) -> Result<i32> {
        let b = self.bytes(4)?;
        Ok(i32::from_le_bytes([b[0], b[1], b[2], b[3]]))
    }
    fn size(&mut self, what: &str) -> Result<usize> {
        let n = self.long()?;
        usize::try_from(n).map_err(|_| self.bad(what))
    }
    /// The value that stands here, of which there must be one.
    fn read(&mut self) -> Result {
        match self.object()? {
            Some(value) => Ok(value),
            None => Err(self.vm.type_error("NULL object in marshal data for object")),
        }
    }
    /// None: the end of a dict.
    fn object(&mut self) -> Result<Option<Object>> {
        let code = match self.byte() {
            Ok(code) => code,
            Err(_) if self.vm.raised_is(&exc::EOF_ERROR) => {
                drop(self.vm.take_raised());
                return Err(self.vm.eof_error("EOF read where object expected"));
            }
            Err(raised) => return Err(raised),
        };
        if self.depth >= MAX_DEPTH {
            return Err(self.vm.value_error("recursion limit exceeded"));
        }
        self.vm.check_native_stack(" while unmarshalling an object")?;
        self.depth += 1;
        let result = self.object_of(code & !FLAG_REF, code & FLAG_REF != 0);
        self.depth -= 1;
        result
    }
    fn keep(&mut self, value: Object, flagged: bool) -> Object {
        if flagged {
            self.refs.push(value.clone());
        }
        value
    }
    /// An item of a container.
    fn item(&mut self, container: &str) -> Result {
        match self.object()? {
            Some(value) => Ok(value),
            None => Err(self.vm.type_error(format!("NULL object in marshal data for {container}"))),
        }
    }
    fn items(&mut self, n: usize, container: &str) -> Result<Vec<Object>> {
        let mut out = Vec::with_capacity(n.min(4096));
        for _ in 0..n {
            out.push(self.item(container)?);
        }
        Ok(out)
    }
    fn reserve(&mut self, flagged: bool) -> usize {
        if flagged {
            self.refs.push(Object::UNBOUND);
        }
        self.refs.len().wrapping_sub(1)
    }
    fn complete(&mut self, index: usize, value: Object, flagged: bool) -> Object {
        if flagged && let Some(slot) = self.refs.get_mut(index) {
            *slot = value.clone();
        }
        value
    }
    fn object_of(&mut self, code: u8, flagged: bool) -> Result<Option<Object>> {
        let vm = self.vm;
        let value = match code {
            b'0' => return Ok(None),
            b'N' => Object::NONE,
            b'T' => Object::TRUE,
            b'F' => Object::FALSE,
            b'.' => Object::ELLIPSIS,
            b'S' => exc::STOP_ITERATION.to_object(),
            b'i' => {
                let n = self.long()?;
                self.keep(vm.int(n as i64), flagged)
            }
            b'I' => {
                let b = self.bytes(8)?;
                let n = i64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]);
                self.keep(vm.int(n), flagged)
            }
            b'l' => {
                let value = self.large_int()?;
                self.keep(value, flagged)
            }
            b'f' => {
                let x = self.text_float()?;
                self.keep(vm.float(x), flagged)
            }
            b'g' => {
                let x = self.float()?;
                self.keep(vm.float(x), flagged)
            }
            b'x' => {
                let (re, im) = (self.text_float()?, self.text_float()?);
                self.keep(complex::new(vm, re, im), flagged)
            }
            b'y' => {
                let (re, im) = (self.float()?, self.float()?);
                self.keep(complex::new(vm, re, im), flagged)
            }
            b's' => {
                let n = self.size("bytes object size out of range")?;
                let bytes = self.bytes(n)?;
                self.keep(vm.bytes(&bytes), flagged)
            }
            b'a' | b'A' | b'z' | b'Z' => {
                let n = if code == b'a' || code == b'A' {
                    self.size("string size out of range")?
                } else {
                    self.byte()? as usize
                };
                let bytes = self.bytes(n)?;
                let mut s = str::from_latin1(vm, &bytes);
                if code == b'A' || code == b'Z' {
                    s = vm.intern_object(&s);
                }
                self.keep(s, flagged)
            }
            b't' | b'u' => {
                let n = self.size("string size out of range")?;
                let bytes = self.bytes(n)?;
                let mut s = vm.call_method(&vm.bytes(&bytes), "decode", &[vm.str("utf-8"), vm.str("surrogatepass")])?;
                if code == b't' {
                    s = vm.intern_object(&s);
                }
                self.keep(s, flagged)
            }
            b'(' | b')' => {
                let n =
                    if code == b')' { self.byte()? as usize } else { self.size("tuple size out of range")? };
                let index = self.reserve(flagged);
                let items = self.items(n, "tuple")?;
                self.complete(index, vm.tuple(items), flagged)
            }
            b'[' => {
                let n = self.size("list size out of range")?;
                let list = self.keep(vm.list(Vec::new()), flagged);
                for _ in 0..n {
                    let item = self.item("list")?;
                    if let Some(list) = list.downcast::<List>() {
                        list.push(vm, item)?;
                    }
                }
                list
            }
            b'{' => {
                let dict = self.keep(dict::new(vm), flagged);
                while let Some(key) = self.object()? {
                    let Some(value) = self.object()? else { break };
                    vm.set_item(&dict, &key, &value)?;
                }
                dict
            }
            b'<' | b'>' => self.set(code == b'>', flagged)?,
            b':' => {
                let index = self.reserve(flagged);
                let (start, stop, step) = (self.read()?, self.read()?, self.read()?);
                self.complete(index, slice::new(vm, start, stop, step), flagged)
            }
            b'c' => {
                let index = self.reserve(flagged);
                let code = self.code()?;
                self.complete(index, code, flagged)
            }
            b'r' => {
                let n = self.long()?;
                let found = usize::try_from(n).ok().and_then(|n| self.refs.get(n)).cloned();
                match found {
                    Some(found) if !found.is_unbound() => found,
                    _ => return Err(self.bad("invalid reference")),
                }
            }
            _ => return Err(self.bad("unknown type code")),
        };
        Ok(Some(value))
    }
    fn set(&mut self, frozen: bool, flagged: bool) -> Result {
        let vm = self.vm;
        let n = self.size("set size out of range")?;
        if frozen {
            let index = self.reserve(flagged);
            let items = self.items(n, "set")?;
            let value = set::frozenset_from(vm, items)?;
            return Ok(self.complete(index, value, flagged));
        }
        let set = set::set_from(vm, Vec::new())?;
        let set = self.keep(set, flagged);
        for _ in 0..n {
            let item = self.item("set")?;
            if let Some(payload) = set::SetObject::of(&set) {
                payload.add(vm, &item)?;
            }
        }
        Ok(set)
    }
    fn large_int(&mut self) -> Result {
        let n = self.long()?;
        if n == i32::MIN {
            return Err(self.bad("long size out of range"));
        }
        let count = n.unsigned_abs() as usize;
        let mut digits = Vec::with_capacity(count.min(4096));
        for _ in 0..count {
            let digit = self.short()?;
            if digit > 0x7fff {
                return Err(self.bad("digit out of range in long"));
            }
            digits.push(digit as u32);
        }
        if digits.last() == Some(&0) {
            return Err(self.bad("unnormalized long data"));
        }
        Ok(int::from_big(self.vm, BigInt::from_digits(n < 0, 15, digits.into_iter())))
    }
    fn float(&mut self) -> Result<f64> {
        let b = self.bytes(8)?;
        Ok(f64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]))
    }
    fn text_float(&mut self) -> Result<f64> {
        let n = self.byte()? as usize;
        let bytes = self.bytes(n)?;
        let text = String::from_utf8_lossy(&bytes);
        taipan_numeric::float::parse(&text).map_err(|_| {
            let shown = self.vm.repr_text(&self.vm.str(&text)).unwrap_or_default();
            self.vm.value_error(format!("could not convert string to float: {shown}"))
        })
    }
    fn code(&mut self) -> Result {
        if !self.allow_code {
            return Err(self.vm.value_error("unmarshalling code objects is disallowed"));
        }
        let n = self.size("bytes object size out of range")?;
        let bytes = self.bytes(n)?;
        match taipan_bytecode::read(&bytes) {
            Ok(unit) if taipan_bytecode::verify(&unit).is_empty() => Ok(code::new(self.vm, unit)),
            Ok(_) => Err(self.bad("invalid code object")),
            Err(e) => Err(self.bad(&e.to_string())),
        }
    }
}
