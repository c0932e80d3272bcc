//! The pickle machine: [`Machine`] has the stack with its marks, reads the
//! opcodes and does the simple ones. What calls, builds and imports is in
//! `build`.

use super::input::Input;
use super::memo::LoadMemo;
use super::opcodes::*;
use super::state::{State, unpickling_error};
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use taipan_numeric::BigInt;
use taipan_runtime::codecs::{self, escape, utf8};
use taipan_runtime::prelude::*;
use taipan_runtime::types::bytearray;
use taipan_runtime::types::bytes;
use taipan_runtime::types::int::{self, INT as INT_TYPE};
use taipan_runtime::types::memoryview::{self, MemoryView};
use taipan_runtime::types::set::{self, SetObject};
use taipan_runtime::types::{float, str, tuple};

/// Settings of an unpickler, and what its subclass has its own way of.
pub struct Settings {
    pub others: State,
    pub fix_imports: bool,
    pub encoding: Cow<'static, str>,
    pub errors: Cow<'static, str>,
    /// An iterator of out-of-band buffers.
    pub buffers: Option<Object>,
}

/// An unpickler at work.
pub struct Machine<'a> {
    pub vm: &'a Vm,
    pub settings: &'a Settings,
    pub memo: &'a RefCell<LoadMemo>,
    pub input: Input,
    /// Methods of a subclass, called instead of ours.
    pub find_class: Option<Object>,
    pub persistent_load: Option<Object>,
    pub stack: Vec<Object>,
    marks: Vec<usize>,
    /// Nothing below may be taken: the topmost mark.
    fence: usize,
    pub protocol: u8,
    /// Where an Unpickler wants to see the protocol.
    pub owner: Option<&'a Cell<u8>>,
}

/// More than any machine has.
const MAX_MEMORY: usize = 1 << 47;

impl<'a> Machine<'a> {
    pub fn new(vm: &'a Vm, settings: &'a Settings, memo: &'a RefCell<LoadMemo>, input: Input) -> Machine<'a> {
        Machine {
            vm,
            settings,
            memo,
            input,
            find_class: None,
            persistent_load: None,
            stack: Vec::with_capacity(64),
            marks: Vec::new(),
            fence: 0,
            protocol: 0,
            owner: None,
        }
    }

    /// Reads a pickle up to its STOP.
    pub fn load(&mut self) -> Result {
        let vm = self.vm;
        loop {
            let opcode = match self.input.byte(vm) {
                Ok(opcode) => opcode,
                Err(raised) => return Err(self.out_of_input(raised)),
            };
            if opcode == STOP {
                break;
            }
            self.step(opcode)?;
        }
        self.input.end_frame();
        self.input.skip_consumed(vm)?;
        self.pop()
    }

    #[cold]
    fn out_of_input(&self, raised: Raised) -> Raised {
        let class = self.vm.shared(super::state::UNPICKLING_ERROR);
        if class.as_ref().and_then(Type::of).is_some_and(|class| self.vm.raised_is(class)) {
            drop(self.vm.caught(raised));
            return self.vm.eof_error("Ran out of input");
        }
        raised
    }

    // ---- the stack --------------------------------------------------------------------

    #[cold]
    pub fn error(&self, message: impl AsRef<str>) -> Raised {
        unpickling_error(self.vm, message)
    }
    #[cold]
    pub fn underflow(&self) -> Raised {
        self.error(if self.marks.is_empty() { "unpickling stack underflow" } else { "unexpected MARK found" })
    }
    #[inline]
    pub fn push(&mut self, object: Object) -> Result<()> {
        if self.stack.len() == self.stack.capacity() && self.stack.try_reserve(1).is_err() {
            return Err(self.vm.memory_error());
        }
        self.stack.push(object);
        Ok(())
    }
    #[inline]
    pub fn pop(&mut self) -> Result {
        if self.stack.len() <= self.fence {
            return Err(self.underflow());
        }
        self.stack.pop().ok_or_else(|| self.underflow())
    }
    #[inline]
    pub fn top(&self) -> Result<&Object> {
        match self.stack.last() {
            Some(top) if self.stack.len() > self.fence => Ok(top),
            _ => Err(self.underflow()),
        }
    }
    fn mark(&mut self) -> Result<()> {
        if self.marks.try_reserve(1).is_err() {
            return Err(self.vm.memory_error());
        }
        self.fence = self.stack.len();
        self.marks.push(self.fence);
        Ok(())
    }
    /// Takes the topmost mark off; its position.
    pub fn take_mark(&mut self) -> Result<usize> {
        let Some(mark) = self.marks.pop() else { return Err(self.error("could not find MARK")) };
        self.fence = self.marks.last().copied().unwrap_or(0);
        Ok(mark)
    }
    /// The items from `start` on, which leave the stack.
    pub fn take_from(&mut self, start: usize) -> Result<Vec<Object>> {
        if start < self.fence || start > self.stack.len() {
            return Err(self.underflow());
        }
        Ok(self.stack.split_off(start))
    }
    fn take_marked(&mut self) -> Result<Vec<Object>> {
        let mark = self.take_mark()?;
        self.take_from(mark)
    }
    /// The container that items from `start` on belong to; None if there are no items.
    fn container(&self, start: usize) -> Result<Option<Object>> {
        if start > self.stack.len() || start <= self.fence {
            return Err(self.underflow());
        }
        Ok(if start == self.stack.len() { None } else { Some(self.stack[start - 1].clone()) })
    }

    // ---- numbers in the stream --------------------------------------------------------

    fn u32(&mut self) -> Result<usize> {
        Ok(u32::from_le_bytes(self.input.array(self.vm)?) as usize)
    }
    /// A size of eight bytes; OverflowError `what` if it can be none.
    fn u64(&mut self, what: &str) -> Result<usize> {
        let n = u64::from_le_bytes(self.input.array(self.vm)?);
        match isize::try_from(n) {
            Ok(n) => Ok(n as usize),
            Err(_) => {
                let most = isize::MAX;
                Err(self.vm.overflow_error(format!("{what} exceeds system's maximum size of {most} bytes")))
            }
        }
    }
    fn i32(&mut self) -> Result<i32> {
        Ok(i32::from_le_bytes(self.input.array(self.vm)?))
    }
    /// A line without its newline.
    pub fn line(&mut self) -> Result<Vec<u8>> {
        let mut line = self.input.line(self.vm)?;
        line.pop();
        Ok(line)
    }
    /// As [`Machine::line`], not empty.
    pub fn full_line(&mut self) -> Result<Vec<u8>> {
        let line = self.line()?;
        if line.is_empty() { Err(self.error("pickle data was truncated")) } else { Ok(line) }
    }
    /// An index written as text.
    fn text_index(&mut self) -> Result<isize> {
        let mut line = self.full_line()?;
        line.push(b'\n');
        let number = parse_int(self.vm, &line)?;
        self.vm.index_isize(&number)
    }

    // ---- the opcodes ------------------------------------------------------------------

    fn step(&mut self, opcode: u8) -> Result<()> {
        let vm = self.vm;
        match opcode {
            NONE => self.push(Object::NONE),
            NEWTRUE => self.push(Object::TRUE),
            NEWFALSE => self.push(Object::FALSE),
            BININT1 => {
                let n = self.input.byte(vm)?;
                self.push(vm.int(n as i64))
            }
            BININT2 => {
                let n = u16::from_le_bytes(self.input.array(vm)?);
                self.push(vm.int(n as i64))
            }
            BININT => {
                let n = self.i32()?;
                self.push(vm.int(n as i64))
            }
            INT => self.text_int(),
            LONG => {
                let mut line = self.full_line()?;
                match line.last() {
                    Some(b'L') => drop(line.pop()),
                    // What a complaint shows.
                    _ => line.push(b'\n'),
                }
                let number = parse_int(vm, &line)?;
                self.push(number)
            }
            LONG1 => {
                let size = self.input.byte(vm)?;
                self.long(size as usize)
            }
            LONG4 => match usize::try_from(self.i32()?) {
                Ok(size) => self.long(size),
                Err(_) => Err(self.error("LONG pickle has negative byte count")),
            },
            FLOAT => self.text_float(),
            BINFLOAT => {
                let x = f64::from_be_bytes(self.input.array(vm)?);
                self.push(vm.float(x))
            }
            SHORT_BINUNICODE => {
                let size = self.input.byte(vm)?;
                self.utf8(size as usize)
            }
            BINUNICODE => {
                let size = self.u32()?;
                self.utf8(size)
            }
            BINUNICODE8 => {
                let size = self.u64("BINUNICODE")?;
                self.utf8(size)
            }
            UNICODE => {
                let line = self.line()?;
                let (text, _) = escape::decode_raw(vm, &line, "strict", true)?;
                self.push(text)
            }
            SHORT_BINBYTES => {
                let size = self.input.byte(vm)?;
                self.bytes(size as usize)
            }
            BINBYTES => {
                let size = self.u32()?;
                self.bytes(size)
            }
            BINBYTES8 => {
                let size = self.u64("BINBYTES")?;
                self.bytes(size)
            }
            BYTEARRAY8 => {
                let size = self.u64("BYTEARRAY8")?;
                if size > MAX_MEMORY {
                    return Err(vm.memory_error());
                }
                let data = self.input.owned(vm, size)?;
                self.push(bytearray::from_vec(vm, data))
            }
            STRING => self.quoted_string(),
            SHORT_BINSTRING => {
                let size = self.input.byte(vm)?;
                self.old_string(size as usize)
            }
            BINSTRING => match usize::try_from(self.i32()?) {
                Ok(size) => self.old_string(size),
                Err(_) => Err(self.error("BINSTRING pickle has negative byte count")),
            },
            NEXT_BUFFER => self.next_buffer(),
            READONLY_BUFFER => self.readonly_buffer(),
            MARK => self.mark(),
            EMPTY_TUPLE => self.push(vm.tuple(Vec::new())),
            TUPLE1 => self.counted_tuple(1),
            TUPLE2 => self.counted_tuple(2),
            TUPLE3 => self.counted_tuple(3),
            TUPLE => {
                let items = self.take_marked()?;
                self.push(vm.tuple(items))
            }
            EMPTY_LIST => self.push(vm.list(Vec::new())),
            LIST => {
                let items = self.take_marked()?;
                self.push(vm.list(items))
            }
            EMPTY_DICT => self.push(vm.new_dict()),
            DICT => {
                let items = self.take_marked()?;
                if items.len() % 2 != 0 {
                    return Err(self.error("odd number of items for DICT"));
                }
                let dict = vm.new_dict();
                for pair in items.chunks_exact(2) {
                    vm.set_item(&dict, &pair[0], &pair[1])?;
                }
                self.push(dict)
            }
            EMPTY_SET => self.push(set::new(vm)),
            FROZENSET => {
                let items = self.take_marked()?;
                let frozen = set::frozenset_from(vm, items)?;
                self.push(frozen)
            }
            APPEND => {
                let Some(start) = self.stack.len().checked_sub(1) else { return Err(self.underflow()) };
                self.append_from(start)
            }
            APPENDS => {
                let start = self.take_mark()?;
                self.append_from(start)
            }
            SETITEM => {
                let Some(start) = self.stack.len().checked_sub(2) else { return Err(self.underflow()) };
                self.set_items_from(start)
            }
            SETITEMS => {
                let start = self.take_mark()?;
                self.set_items_from(start)
            }
            ADDITEMS => self.add_items(),
            MEMOIZE => {
                let number = self.memo.borrow().used();
                self.memoize(number)
            }
            BINPUT => {
                let number = self.input.byte(vm)?;
                self.memoize(number as usize)
            }
            LONG_BINPUT => {
                let number = self.u32()?;
                self.memoize(number)
            }
            PUT => {
                let number = self.text_index()?;
                match usize::try_from(number) {
                    Ok(number) => self.memoize(number),
                    Err(_) => Err(vm.value_error("negative PUT argument")),
                }
            }
            BINGET => {
                let number = self.input.byte(vm)?;
                self.get(number as isize)
            }
            LONG_BINGET => {
                let number = self.u32()?;
                self.get(number as isize)
            }
            GET => {
                let number = self.text_index()?;
                self.get(number)
            }
            POP => self.pop_one(),
            POP_MARK => {
                let items = self.take_marked()?;
                drop(items);
                Ok(())
            }
            DUP => {
                let top = self.top()?.clone();
                self.push(top)
            }
            FRAME => {
                let size = u64::from_le_bytes(self.input.array(vm)?);
                match isize::try_from(size) {
                    Ok(size) => self.input.frame(vm, size as usize),
                    Err(_) => {
                        let most = isize::MAX;
                        Err(vm
                            .overflow_error(format!("FRAME length exceeds system's maximum of {most} bytes")))
                    }
                }
            }
            PROTO => {
                let protocol = self.input.byte(vm)?;
                if protocol > HIGHEST_PROTOCOL {
                    return Err(vm.value_error(format!("unsupported pickle protocol: {protocol}")));
                }
                self.protocol = protocol;
                if let Some(owner) = self.owner {
                    owner.set(protocol);
                }
                Ok(())
            }
            GLOBAL => self.global(),
            STACK_GLOBAL => self.stack_global(),
            INST => self.inst(),
            OBJ => self.obj(),
            NEWOBJ => self.newobj(false),
            NEWOBJ_EX => self.newobj(true),
            REDUCE => self.reduce(),
            BUILD => self.build(),
            PERSID => self.persistent_text(),
            BINPERSID => self.persistent(),
            EXT1 => {
                let code = self.input.byte(vm)?;
                self.extension(code as i64)
            }
            EXT2 => {
                let code = u16::from_le_bytes(self.input.array(vm)?);
                self.extension(code as i64)
            }
            EXT4 => {
                let code = self.i32()?;
                self.extension(code as i64)
            }
            _ => Err(self.error(match opcode {
                b' '..=b'~' if opcode != b'\'' && opcode != b'\\' => {
                    format!("invalid load key, '{}'.", opcode as char)
                }
                _ => format!("invalid load key, '\\x{opcode:02x}'."),
            })),
        }
    }

    /// INT also stands for the truth values.
    fn text_int(&mut self) -> Result<()> {
        let line = self.full_line()?;
        let value = match line.as_slice() {
            b"00" => Object::FALSE,
            b"01" => Object::TRUE,
            line => match parse_int(self.vm, line) {
                Ok(number) => number,
                Err(raised) if self.vm.raised_is(&exc::VALUE_ERROR) => {
                    drop(self.vm.caught(raised));
                    return Err(self.vm.value_error("could not convert string to int"));
                }
                Err(raised) => return Err(raised),
            },
        };
        self.push(value)
    }
    fn long(&mut self, size: usize) -> Result<()> {
        let vm = self.vm;
        let number = match self.input.take(vm, size)? {
            bytes if bytes.len() <= 8 => {
                let fill = if bytes.last().is_some_and(|&b| b >= 0x80) { 0xff } else { 0 };
                let mut word = [fill; 8];
                word[..bytes.len()].copy_from_slice(bytes);
                vm.int(i64::from_le_bytes(word))
            }
            bytes => int::from_big(vm, BigInt::from_bytes(bytes, true, true)),
        };
        self.push(number)
    }
    fn text_float(&mut self) -> Result<()> {
        let line = self.full_line()?;
        let text = up_to_null(&line);
        let n = float_prefix(text);
        if n == 0 {
            let shown = String::from_utf8_lossy(text);
            return Err(self.vm.value_error(format!("could not convert string to float: '{shown}\n'")));
        }
        if n < text.len() {
            return Err(self.vm.value_error("could not convert string to float"));
        }
        let x = float::from_object(self.vm, &str::from_latin1(self.vm, text))?;
        if x.is_infinite() && text.iter().any(u8::is_ascii_digit) {
            let shown = String::from_utf8_lossy(text);
            return Err(self.vm.overflow_error(format!("value too large to convert to float: '{shown}\n'")));
        }
        self.push(self.vm.float(x))
    }
    fn utf8(&mut self, size: usize) -> Result<()> {
        let vm = self.vm;
        let bytes = self.input.take(vm, size)?;
        let text = if is_ascii(bytes) {
            str::from_known_ascii(vm, bytes)?
        } else {
            utf8::decode(vm, bytes, "surrogatepass", true)?.0
        };
        // What comes next nearly always.
        if self.input.skip(MEMOIZE) {
            let mut memo = self.memo.borrow_mut();
            let number = memo.used();
            let old = memo.put(number, text.clone());
            drop(memo);
            drop(old);
        }
        self.push(text)
    }
    fn bytes(&mut self, size: usize) -> Result<()> {
        let vm = self.vm;
        if size > isize::MAX as usize - 64 {
            return Err(vm.overflow_error("byte string is too large"));
        }
        if size > MAX_MEMORY {
            return Err(vm.memory_error());
        }
        let object = if size < 4096 || self.input.has(size) {
            bytes::new(vm, self.input.take(vm, size)?)?
        } else {
            bytes::new(vm, &self.input.owned(vm, size)?)?
        };
        self.push(object)
    }
    /// A str of Python 2: decoded, or bytes after all.
    fn push_decoded(&mut self, data: &[u8]) -> Result<()> {
        let vm = self.vm;
        let text = if self.settings.encoding == "bytes" {
            vm.bytes(data)
        } else {
            codecs::decode(vm, data, &self.settings.encoding, &self.settings.errors)?
        };
        self.push(text)
    }
    fn old_string(&mut self, size: usize) -> Result<()> {
        let data = self.input.owned(self.vm, size)?;
        self.push_decoded(&data)
    }
    fn quoted_string(&mut self) -> Result<()> {
        let line = self.line()?;
        let quoted = match line.as_slice() {
            [first @ (b'\'' | b'"'), inner @ .., last] if first == last => inner,
            _ => return Err(self.error("the STRING opcode argument must be quoted")),
        };
        let data = escape::unescape_bytes(self.vm, quoted, "strict")?;
        self.push_decoded(&data)
    }

    fn next_buffer(&mut self) -> Result<()> {
        let Some(buffers) = &self.settings.buffers else {
            return Err(
                self.error("pickle stream refers to out-of-band data but no *buffers* argument was given")
            );
        };
        match self.vm.next(buffers)? {
            Some(buffer) => self.push(buffer),
            None => Err(self.error("not enough out-of-band buffers")),
        }
    }
    fn readonly_buffer(&mut self) -> Result<()> {
        let vm = self.vm;
        let buffer = self.top()?.clone();
        if !vm.is_bytes_like(&buffer) {
            let shown = buffer.ty().name();
            return Err(vm.type_error(format!("memoryview: a bytes-like object is required, not '{shown}'")));
        }
        let view = memoryview::new(vm, &buffer)?;
        let readonly = vm.get_attr_str(&view, "readonly")?;
        if view.downcast::<MemoryView>().is_some() && !vm.is_true(&readonly)? {
            let view = vm.call_method(&view, "toreadonly", &[])?;
            if let Some(top) = self.stack.last_mut() {
                let old = std::mem::replace(top, view);
                drop(old);
            }
        }
        Ok(())
    }

    fn counted_tuple(&mut self, n: usize) -> Result<()> {
        let len = self.stack.len();
        if len < n || len - n < self.fence {
            return Err(self.underflow());
        }
        let made = tuple::from_slice(self.vm, &self.stack[len - n..]);
        self.stack.truncate(len - n);
        self.push(made)
    }
    fn pop_one(&mut self) -> Result<()> {
        // A mark on top is what POP takes then.
        if self.marks.last() == Some(&self.stack.len()) {
            return self.take_mark().map(drop);
        }
        self.pop().map(drop)
    }

    fn append_from(&mut self, start: usize) -> Result<()> {
        let vm = self.vm;
        let Some(container) = self.container(start)? else { return Ok(()) };
        if let Some(list) = container.downcast_exact::<List>() {
            let items = self.stack.drain(start..);
            let fits = list.with_items(|list| {
                let room =
                    list.try_reserve_exact(items.len().max(if list.is_empty() { 0 } else { list.len() / 8 }));
                if room.is_ok() {
                    list.extend(items);
                    return true;
                }
                false
            });
            return if fits { Ok(()) } else { Err(vm.memory_error()) };
        }
        if let Some(extend) = vm.lookup_attr_str(&container, "extend")? {
            let items = self.take_from(start)?;
            return vm.call(&extend, &[vm.list(items)]).map(drop);
        }
        let append = vm.get_attr_str(&container, "append")?;
        for item in self.take_from(start)? {
            vm.call(&append, &[item])?;
        }
        Ok(())
    }
    fn set_items_from(&mut self, start: usize) -> Result<()> {
        let vm = self.vm;
        let Some(container) = self.container(start)? else { return Ok(()) };
        let Some(dict) = container.downcast_exact::<Dict>() else {
            let items = self.take_from(start)?;
            if items.len() % 2 != 0 {
                return Err(self.error("odd number of items for SETITEMS"));
            }
            return items.chunks_exact(2).try_for_each(|pair| vm.set_item(&container, &pair[0], &pair[1]));
        };
        let count = self.stack.len() - start;
        if count % 2 != 0 {
            return Err(self.error("odd number of items for SETITEMS"));
        }
        if dict.is_empty() {
            dict.reserve(count / 2);
        }
        // Nobody else comes to the stack while keys are hashed and compared.
        for at in (start..self.stack.len()).step_by(2) {
            let value = std::mem::replace(&mut self.stack[at + 1], Object::UNBOUND);
            dict.set(vm, &self.stack[at], value)?;
        }
        self.stack.truncate(start);
        Ok(())
    }
    fn add_items(&mut self) -> Result<()> {
        let vm = self.vm;
        let start = self.take_mark()?;
        let Some(container) = self.container(start)? else { return Ok(()) };
        let items = self.take_from(start)?;
        if let Some(set) = SetObject::of(&container)
            && container.ty().has(type_flags::SET_SUBCLASS)
        {
            return items.iter().try_for_each(|item| set.add(vm, item).map(drop));
        }
        let add = vm.get_attr_str(&container, "add")?;
        for item in items {
            vm.call(&add, &[item])?;
        }
        Ok(())
    }

    #[inline(always)]
    fn memoize(&mut self, number: usize) -> Result<()> {
        let top = self.top()?.clone();
        let old = self.memo.borrow_mut().put(number, top);
        drop(old);
        Ok(())
    }
    #[inline(always)]
    fn get(&mut self, number: isize) -> Result<()> {
        let found = usize::try_from(number).ok().and_then(|number| self.memo.borrow().get(number).cloned());
        match found {
            Some(object) => self.push(object),
            None => Err(self.error(format!("Memo value not found at index {number}"))),
        }
    }
}

/// Is all of it ASCII? What is short is looked at at once.
#[inline(always)]
fn is_ascii(bytes: &[u8]) -> bool {
    match bytes.len() {
        0..16 => bytes.iter().fold(0, |all, b| all | b) < 0x80,
        _ => bytes.is_ascii(),
    }
}

/// C's idea of a string.
fn up_to_null(line: &[u8]) -> &[u8] {
    &line[..line.iter().position(|&b| b == 0).unwrap_or(line.len())]
}

/// How much of the text is a float.
fn float_prefix(text: &[u8]) -> usize {
    let digits = |from: usize| text[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let start = matches!(text.first(), Some(b'+' | b'-')) as usize;
    let word = text[start..].to_ascii_lowercase();
    for name in [&b"infinity"[..], b"inf", b"nan"] {
        if word.starts_with(name) {
            return start + name.len();
        }
    }
    let whole = digits(start);
    let mut end = start + whole;
    let mut fraction = 0;
    if text.get(end) == Some(&b'.') {
        fraction = digits(end + 1);
        if whole + fraction > 0 {
            end += 1 + fraction;
        }
    }
    if whole + fraction == 0 {
        return 0;
    }
    if matches!(text.get(end), Some(b'e' | b'E')) {
        let sign = matches!(text.get(end + 1), Some(b'+' | b'-')) as usize;
        let exponent = digits((end + 1 + sign).min(text.len()));
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    end
}

/// An int in decimal.
fn parse_int(vm: &Vm, digits: &[u8]) -> Result {
    let (text, _) = utf8::decode(vm, up_to_null(digits), "strict", true)?;
    vm.call(&INT_TYPE.to_object(), &[text])
}
