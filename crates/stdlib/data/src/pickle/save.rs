//! How the built-in types are pickled. All take the sink and the object; some
//! the object's slot in the memo, which is its own until something is entered.

use super::buffer::PickleBuffer;
use super::core::Core;
use super::memo::Looked;
use super::opcodes::*;
use super::output::Sink;
use super::state::{Other, noted, pickling_error};
use taipan_runtime::buffer::flags;
use taipan_runtime::codecs::utf8;
use taipan_runtime::prelude::*;
use taipan_runtime::types::bytearray::{BYTEARRAY, ByteArray};
use taipan_runtime::types::bytes::{BYTES, Bytes};
use taipan_runtime::types::set::{FROZENSET, SET, SetObject};
use taipan_runtime::types::str::{self, Kind};
use taipan_runtime::types::{float, int, none, tuple, typ};

impl Core {
    pub(super) fn save_bool(&self, vm: &Vm, out: &mut Sink, object: &Object) -> Result<()> {
        let truth = object.is(Value::TRUE);
        if self.protocol >= 2 {
            out.op(vm, if truth { NEWTRUE } else { NEWFALSE })
        } else {
            out.put(vm, if truth { *b"I01\n" } else { *b"I00\n" })
        }
    }

    /// An int of at most 62 bits.
    #[inline(always)]
    pub(super) fn save_small_int(&self, vm: &Vm, out: &mut Sink, n: i64) -> Result<()> {
        if (n as u64) < 0x100 && self.binary.get() {
            return out.put(vm, [BININT1, n as u8]);
        }
        self.save_wider_int(vm, out, n)
    }

    fn save_wider_int(&self, vm: &Vm, out: &mut Sink, n: i64) -> Result<()> {
        let Ok(short) = i32::try_from(n) else { return self.save_long(vm, out, &vm.int(n)) };
        if !self.binary.get() {
            return out.put_slice(vm, format!("I{n}\n").as_bytes());
        }
        let [a, b, c, d] = short.to_le_bytes();
        match n {
            0..=0xff => out.put(vm, [BININT1, a]),
            0..=0xffff => out.put(vm, [BININT2, a, b]),
            _ => out.put(vm, [BININT, a, b, c, d]),
        }
    }

    pub(super) fn save_int(&self, vm: &Vm, out: &mut Sink, object: &Object) -> Result<()> {
        match int::to_i64(object) {
            Some(n) => self.save_small_int(vm, out, n),
            None => self.save_long(vm, out, object),
        }
    }

    /// An int that does not fit 32 bits.
    fn save_long(&self, vm: &Vm, out: &mut Sink, object: &Object) -> Result<()> {
        if self.protocol < 2 {
            let digits = vm.repr_text(object)?;
            return out.put_slice(vm, format!("L{digits}L\n").as_bytes());
        }
        if let Some(n) = int::to_i64(object) {
            // As many bytes as it takes with the sign.
            let bytes = n.to_le_bytes();
            let unused = (n ^ n >> 63).leading_zeros().saturating_sub(1) as usize / 8;
            let size = bytes.len() - unused;
            out.put(vm, [LONG1, size as u8])?;
            return out.put_slice(vm, &bytes[..size]);
        }
        let Some(n) = int::to_big(object) else { return Ok(()) };
        // One bit more for the sign; a negative power of 256 needs none.
        let size = (n.bit_length() / 8 + 1) as usize;
        let Ok(mut bytes) = n.to_bytes(size, true, true) else { return Err(vm.memory_error()) };
        if let [.., before, 0xff] = bytes.as_slice()
            && before & 0x80 != 0
        {
            bytes.pop();
        }
        match u8::try_from(bytes.len()) {
            Ok(short) => out.put(vm, [LONG1, short])?,
            Err(_) => {
                let Ok(size) = i32::try_from(bytes.len()) else {
                    return Err(vm.overflow_error("int too large to pickle"));
                };
                let [a, b, c, d] = size.to_le_bytes();
                out.put(vm, [LONG4, a, b, c, d])?;
            }
        }
        out.put_slice(vm, &bytes)
    }

    pub(super) fn save_float(&self, vm: &Vm, out: &mut Sink, object: &Object) -> Result<()> {
        if self.binary.get() {
            let x = float::as_f64(object).unwrap_or(0.0);
            let mut bytes = [BINFLOAT; 9];
            bytes[1..].copy_from_slice(&x.to_be_bytes());
            return out.put(vm, bytes);
        }
        let text = vm.repr_text(object)?;
        out.put_slice(vm, format!("F{text}\n").as_bytes())
    }

    // ---- strings ----------------------------------------------------------------------

    /// Data behind a header of `short` (if it may be used), `normal` or `long` with
    /// the size.
    fn put_sized(
        &self,
        vm: &Vm,
        out: &mut Sink,
        data: &[u8],
        (short, normal, long): (Option<u8>, u8, u8),
        what: &str,
        payload: Option<&Object>,
    ) -> Result<()> {
        let size = data.len();
        if let (Some(short), Ok(size)) = (short, u8::try_from(size)) {
            return out.put_both(vm, [short, size], data);
        }
        let mut header = [0; 9];
        let header = if let Ok(size) = u32::try_from(size) {
            header[0] = normal;
            header[1..5].copy_from_slice(&size.to_le_bytes());
            &header[..5]
        } else if self.protocol >= 4 {
            header[0] = long;
            header[1..].copy_from_slice(&(size as u64).to_le_bytes());
            &header[..]
        } else {
            let message =
                format!("serializing a {what} larger than 4 GiB requires pickle protocol 4 or higher");
            return Err(vm.overflow_error(message));
        };
        self.put_data(vm, out, header, data, payload)
    }

    pub(super) fn save_str(&self, vm: &Vm, out: &mut Sink, object: &Object) -> Result<()> {
        let slot = match self.look(vm, out, object)? {
            Looked::Known(number) => return self.put_get(vm, out, number),
            Looked::Free(slot) => slot,
        };
        let Some(text) = object.downcast::<Str>() else { return Ok(()) };
        if self.protocol >= 4
            && self.binary.get()
            && let Some(ascii) = text.as_ascii()
            && let Ok(size) = u8::try_from(ascii.len())
        {
            out.put_both(vm, [SHORT_BINUNICODE, size], ascii.as_bytes())?;
            return self.memoize_at(vm, out, object, slot);
        }
        self.save_other_str(vm, out, object, text, slot)
    }

    /// A str that is long, not ASCII, or for an older reader.
    fn save_other_str(
        &self,
        vm: &Vm,
        out: &mut Sink,
        object: &Object,
        text: &Str,
        slot: usize,
    ) -> Result<()> {
        if !self.binary.get() {
            out.put_slice(vm, &escaped(text))?;
        } else {
            let encoded;
            let utf8 = match text.as_ascii() {
                Some(ascii) => ascii.as_bytes(),
                None => {
                    encoded = utf8::encode(vm, object, "surrogatepass")?;
                    &encoded
                }
            };
            if utf8.len() >= FRAME_SIZE_TARGET {
                // Python code may run, and use the slot for something else.
                self.put_sized(vm, out, utf8, (None, BINUNICODE, BINUNICODE8), "string", None)?;
                return self.memoize_in(vm, out, object);
            }
            let short = (self.protocol >= 4).then_some(SHORT_BINUNICODE);
            self.put_sized(vm, out, utf8, (short, BINUNICODE, BINUNICODE8), "string", None)?;
        }
        self.memoize_at(vm, out, object, slot)
    }

    /// The bytes as such, of a bytes object or of something else.
    fn put_bytes(&self, vm: &Vm, out: &mut Sink, bytes: &[u8], payload: Option<&Object>) -> Result<()> {
        let kinds = (Some(SHORT_BINBYTES), BINBYTES, BINBYTES8);
        self.put_sized(vm, out, bytes, kinds, "bytes object", payload)
    }

    pub(super) fn save_bytes(&self, vm: &Vm, out: &mut Sink, object: &Object) -> Result<()> {
        let Some(bytes) = object.downcast::<Bytes>().map(|bytes| bytes.as_slice()) else { return Ok(()) };
        if self.protocol < 3 {
            // Older readers get a str that they are to encode.
            let value = if bytes.is_empty() {
                tuple::pair(vm, BYTES.to_object(), vm.tuple(Vec::new()))
            } else {
                let text = str::from_latin1(vm, bytes);
                let args = tuple::pair(vm, text, vm.intern("latin1"));
                tuple::pair(vm, self.others.get(Other::Encode).clone(), args)
            };
            return self.aside(out, || self.save_reduce(vm, &value, Some(object)));
        }
        self.put_bytes(vm, out, bytes, Some(object))?;
        self.memoize_in(vm, out, object)
    }

    fn put_bytearray(&self, vm: &Vm, out: &mut Sink, bytes: &[u8], payload: Option<&Object>) -> Result<()> {
        let mut header = [BYTEARRAY8; 9];
        header[1..].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.put_data(vm, out, &header, bytes, payload)
    }

    pub(super) fn save_bytearray(&self, vm: &Vm, out: &mut Sink, object: &Object) -> Result<()> {
        if object.downcast::<ByteArray>().is_none() {
            return Ok(());
        }
        // The buffer keeps its size while Python code may look at it.
        let buffer = vm.bytes_like(object, "bytearray")?;
        if self.protocol < 5 {
            let args = match buffer.bytes() {
                [] => Vec::new(),
                bytes => vec![vm.bytes(bytes)],
            };
            drop(buffer);
            let value = tuple::pair(vm, BYTEARRAY.to_object(), vm.tuple(args));
            return self.aside(out, || self.save_reduce(vm, &value, Some(object)));
        }
        self.put_bytearray(vm, out, buffer.bytes(), Some(object))?;
        self.memoize_in(vm, out, object)
    }

    pub(super) fn save_picklebuffer(&self, vm: &Vm, out: &mut Sink, object: &Object) -> Result<()> {
        if self.protocol < 5 {
            return Err(pickling_error(vm, "PickleBuffer can only be pickled with protocol >= 5"));
        }
        let Some(source) = object.downcast::<PickleBuffer>().map(|payload| payload.object(vm)) else {
            return Ok(());
        };
        let source = source?;
        let buffer = self.aside(out, || vm.buffer(&source, flags::FULL_RO))?;
        let info = buffer.info();
        if !info.is_c_contiguous() && !info.is_f_contiguous() {
            let message = "PickleBuffer can not be pickled when pointing to a non-contiguous buffer";
            return Err(pickling_error(vm, message));
        }
        if let Some(callback) = self.buffer_callback.bound() {
            let in_band = self.aside(out, || {
                let answer = vm.call(&callback, std::slice::from_ref(object))?;
                vm.is_true(&answer)
            })?;
            if !in_band {
                out.op(vm, NEXT_BUFFER)?;
                return if info.readonly { out.op(vm, READONLY_BUFFER) } else { Ok(()) };
            }
        }
        if info.readonly {
            self.put_bytes(vm, out, buffer.bytes(), None)?;
        } else {
            self.put_bytearray(vm, out, buffer.bytes(), None)?;
        }
        self.memoize_in(vm, out, object)
    }

    // ---- containers -------------------------------------------------------------------

    /// An object is complete that may have been saved meanwhile, if it is recursive:
    /// then what lies on the stack is thrown away.
    fn memoize_once(
        &self,
        vm: &Vm,
        out: &mut Sink,
        object: &Object,
        opcode: u8,
        discard: impl FnOnce(&mut Sink) -> Result<()>,
    ) -> Result<()> {
        match out.memo.get(object) {
            Some(number) => {
                discard(out)?;
                self.put_get(vm, out, number)
            }
            None => {
                out.op(vm, opcode)?;
                self.memoize_in(vm, out, object)
            }
        }
    }

    pub(super) fn save_tuple(&self, vm: &Vm, out: &mut Sink, object: &Object) -> Result<()> {
        let Some(items) = object.downcast::<Tuple>().map(|tuple| tuple.items()) else { return Ok(()) };
        let n = items.len();
        if n == 0 {
            return if self.binary.get() { out.op(vm, EMPTY_TUPLE) } else { out.put(vm, [MARK, TUPLE]) };
        }
        let short = n <= 3 && self.protocol >= 2;
        if !short {
            out.op(vm, MARK)?;
        }
        for (i, item) in items.iter().enumerate() {
            if let Err(raised) = self.save_in(vm, out, item) {
                return Err(self.noted_in(vm, out, raised, object, format_args!("item {i}")));
            }
        }
        if short {
            return self.memoize_once(vm, out, object, [TUPLE1, TUPLE2, TUPLE3][n - 1], |out| {
                out.put_slice(vm, &[POP, POP, POP][..n])
            });
        }
        self.memoize_once(vm, out, object, TUPLE, |out| {
            if self.binary.get() {
                return out.op(vm, POP_MARK);
            }
            // There is no POP_MARK: the items and the mark.
            (0..=n).try_for_each(|_| out.op(vm, POP))
        })
    }

    pub(super) fn save_list(&self, vm: &Vm, out: &mut Sink, object: &Object, slot: usize) -> Result<()> {
        let Some(list) = object.downcast::<List>() else { return Ok(()) };
        self.enter_fast(vm, object)?;
        if self.binary.get() {
            out.op(vm, EMPTY_LIST)?;
        } else {
            out.put(vm, [MARK, super::opcodes::LIST])?;
        }
        self.memoize_at(vm, out, object, slot)?;
        if !list.is_empty() {
            self.put_list(vm, out, object, list)?;
        }
        self.leave_fast(object);
        Ok(())
    }

    /// The items of an exact list, in batches. The list may change meanwhile.
    fn put_list(&self, vm: &Vm, out: &mut Sink, object: &Object, list: &List) -> Result<()> {
        // One by one: in protocol 0, and if there is but one.
        let single = self.protocol == 0 || list.len() == 1;
        let mut i = 0;
        while i < list.len() {
            if !single {
                out.op(vm, MARK)?;
            }
            let end = i + if single { 1 } else { BATCH_SIZE };
            while i < end
                && let Some(item) = list.get(i)
            {
                if let Err(raised) = self.save_in(vm, out, &item) {
                    return Err(self.noted_in(vm, out, raised, object, format_args!("item {i}")));
                }
                i += 1;
            }
            out.op(vm, if single { APPEND } else { APPENDS })?;
            if single && self.protocol != 0 {
                break;
            }
        }
        Ok(())
    }

    /// The items of an iterator as those of a list.
    pub(super) fn put_items(&self, vm: &Vm, iterator: &Object, owner: &Object) -> Result<()> {
        let mut i = 0;
        let mut save = |item: &Object| {
            let saved = self.save(vm, item).map_err(|raised| noted(vm, raised, owner, &format!("item {i}")));
            i += 1;
            saved
        };
        if self.protocol == 0 {
            while let Some(item) = vm.next(iterator)? {
                save(&item)?;
                self.op(vm, APPEND)?;
            }
            return Ok(());
        }
        self.put_batches(vm, iterator, (APPEND, APPENDS), &mut save)
    }

    /// Batches of what an iterator gives; a batch of one goes without a mark.
    fn put_batches(
        &self,
        vm: &Vm,
        iterator: &Object,
        (one, many): (u8, u8),
        save: &mut dyn FnMut(&Object) -> Result<()>,
    ) -> Result<()> {
        while let Some(first) = vm.next(iterator)? {
            let Some(mut item) = vm.next(iterator)? else {
                save(&first)?;
                return self.op(vm, one);
            };
            self.op(vm, MARK)?;
            save(&first)?;
            let mut n = 1;
            loop {
                save(&item)?;
                n += 1;
                if n == BATCH_SIZE {
                    break;
                }
                match vm.next(iterator)? {
                    Some(next) => item = next,
                    None => break,
                }
            }
            self.op(vm, many)?;
            if n < BATCH_SIZE {
                break;
            }
        }
        Ok(())
    }

    pub(super) fn save_dict(&self, vm: &Vm, out: &mut Sink, object: &Object, slot: usize) -> Result<()> {
        let Some(dict) = object.downcast::<Dict>() else { return Ok(()) };
        self.enter_fast(vm, object)?;
        if self.binary.get() {
            out.op(vm, EMPTY_DICT)?;
        } else {
            out.put(vm, [MARK, super::opcodes::DICT])?;
        }
        self.memoize_at(vm, out, object, slot)?;
        if !dict.is_empty() {
            if self.protocol >= 1 {
                self.put_dict(vm, out, object, dict)?;
            } else {
                self.aside(out, || {
                    let items = vm.call_method(object, "items", &[])?;
                    let iterator = vm.iter(&items)?;
                    self.put_pairs(vm, &iterator, object)
                })?;
            }
        }
        self.leave_fast(object);
        Ok(())
    }

    /// The error of a value, whose key is in the note.
    #[cold]
    fn noted_value(&self, vm: &Vm, raised: Raised, key: &Object, owner: &Object) -> Raised {
        let exception = vm.caught(raised);
        match vm.repr_text(key) {
            Ok(shown) => noted(vm, vm.raise(exception), owner, &format!("item {shown}")),
            Err(raised) => raised,
        }
    }

    /// The items of an exact dict, in batches; a last one may be empty.
    fn put_dict(&self, vm: &Vm, out: &mut Sink, object: &Object, dict: &Dict) -> Result<()> {
        let size = dict.len();
        let mut position = 0;
        loop {
            if size != 1 {
                out.op(vm, MARK)?;
            }
            let mut n = 0;
            while n < BATCH_SIZE
                && let Some((key, value)) = dict.next_entry(&mut position)
            {
                self.save_in(vm, out, &key)?;
                if let Err(raised) = self.save_in(vm, out, &value) {
                    return Err(self.aside(out, || self.noted_value(vm, raised, &key, object)));
                }
                n += 1;
                if size == 1 {
                    return out.op(vm, SETITEM);
                }
            }
            out.op(vm, SETITEMS)?;
            if dict.len() != size {
                return Err(vm.runtime_error("dictionary changed size during iteration"));
            }
            if n < BATCH_SIZE {
                return Ok(());
            }
        }
    }

    /// Pairs of an iterator as items of a dict.
    pub(super) fn put_pairs(&self, vm: &Vm, iterator: &Object, owner: &Object) -> Result<()> {
        let mut save = |pair: &Object| match pair.downcast::<Tuple>().map(|pair| pair.items()) {
            Some([key, value]) => {
                self.save(vm, key)?;
                self.save(vm, value).map_err(|raised| self.noted_value(vm, raised, key, owner))
            }
            _ => Err(vm.type_error("dict items iterator must return 2-tuples")),
        };
        if self.protocol == 0 {
            while let Some(pair) = vm.next(iterator)? {
                save(&pair)?;
                self.op(vm, SETITEM)?;
            }
            return Ok(());
        }
        self.put_batches(vm, iterator, (SETITEM, SETITEMS), &mut save)
    }

    pub(super) fn save_set(&self, vm: &Vm, out: &mut Sink, object: &Object) -> Result<()> {
        let Some(set) = SetObject::of(object) else { return Ok(()) };
        if self.protocol < 4 {
            return self.save_as_list(vm, out, &SET, object);
        }
        out.op(vm, EMPTY_SET)?;
        self.memoize_in(vm, out, object)?;
        let size = set.len();
        if size == 0 {
            return Ok(());
        }
        let mut position = 0;
        loop {
            out.op(vm, MARK)?;
            let mut n = 0;
            while n < BATCH_SIZE
                && let Some((item, _)) = set.next_entry(&mut position)
            {
                if let Err(raised) = self.save_in(vm, out, &item) {
                    return Err(self.noted_in(vm, out, raised, object, format_args!("element")));
                }
                n += 1;
            }
            out.op(vm, ADDITEMS)?;
            if set.len() != size {
                return Err(vm.runtime_error("set changed size during iteration"));
            }
            if n < BATCH_SIZE {
                return Ok(());
            }
        }
    }

    /// `set([...])`, for older readers.
    fn save_as_list(&self, vm: &Vm, out: &mut Sink, class: &Type, object: &Object) -> Result<()> {
        let items = vm.list(vm.collect(object)?);
        let value = tuple::pair(vm, class.to_object(), vm.tuple(vec![items]));
        self.aside(out, || self.save_reduce(vm, &value, Some(object)))
    }

    pub(super) fn save_frozenset(&self, vm: &Vm, out: &mut Sink, object: &Object) -> Result<()> {
        let Some(set) = SetObject::of(object) else { return Ok(()) };
        if self.protocol < 4 {
            return self.save_as_list(vm, out, &FROZENSET, object);
        }
        self.enter_fast(vm, object)?;
        out.op(vm, MARK)?;
        let mut position = 0;
        while let Some((item, _)) = set.next_entry(&mut position) {
            if let Err(raised) = self.save_in(vm, out, &item) {
                return Err(self.noted_in(vm, out, raised, object, format_args!("element")));
            }
        }
        self.leave_fast(object);
        self.memoize_once(vm, out, object, super::opcodes::FROZENSET, |out| out.op(vm, POP_MARK))
    }

    /// A class that is nothing but a class.
    pub(super) fn save_type(&self, vm: &Vm, object: &Object) -> Result<()> {
        for (class, singleton) in [
            (&none::NONE_TYPE, Object::NONE),
            (&none::ELLIPSIS_TYPE, Object::ELLIPSIS),
            (&none::NOT_IMPLEMENTED_TYPE, Object::NOT_IMPLEMENTED),
        ] {
            if object.value() == class.value() {
                let args = vm.tuple(vec![singleton]);
                let value = tuple::pair(vm, typ::TYPE.to_object(), args);
                return self.save_reduce(vm, &value, Some(object));
            }
        }
        self.save_global(vm, object, None)
    }
}

/// UNICODE of protocol 0: characters that would end the line, and those beyond
/// Latin-1, are escaped.
fn escaped(text: &Str) -> Vec<u8> {
    use std::io::Write;
    let mut out = vec![UNICODE];
    let mut push = |c: u32| {
        // Writing to a vector does not fail.
        let _ = match c {
            0 | 10 | 13 | 0x1a | 0x5c => write!(out, "\\u{c:04x}"),
            0..0x100 => {
                out.push(c as u8);
                Ok(())
            }
            0x100..0x10000 => write!(out, "\\u{c:04x}"),
            _ => write!(out, "\\U{c:08x}"),
        };
    };
    match text.kind() {
        Kind::Latin1(units) => units.iter().for_each(|&c| push(c as u32)),
        _ => text.chars().for_each(push),
    }
    out.push(b'\n');
    out
}
