//! How the built-in types are pickled.

use super::buffer::PickleBuffer;
use super::core::Core;
use super::opcodes::*;
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
    pub(super) fn save_bool(&self, vm: &Vm, object: &Object) -> Result<()> {
        let truth = object.is(Value::TRUE);
        if self.protocol >= 2 {
            self.output.op(vm, if truth { NEWTRUE } else { NEWFALSE })
        } else {
            self.output.put(vm, if truth { b"I01\n" } else { b"I00\n" })
        }
    }

    /// An int of at most 62 bits.
    pub(super) fn save_small_int(&self, vm: &Vm, n: i64) -> Result<()> {
        let Ok(short) = i32::try_from(n) else { return self.save_long(vm, &vm.int(n)) };
        if !self.binary.get() {
            return self.output.put(vm, format!("I{n}\n").as_bytes());
        }
        let [a, b, c, d] = short.to_le_bytes();
        match n {
            0..=0xff => self.output.put(vm, &[BININT1, a]),
            0..=0xffff => self.output.put(vm, &[BININT2, a, b]),
            _ => self.output.put(vm, &[BININT, a, b, c, d]),
        }
    }

    pub(super) fn save_int(&self, vm: &Vm, object: &Object) -> Result<()> {
        match int::to_i64(object) {
            Some(n) => self.save_small_int(vm, n),
            None => self.save_long(vm, object),
        }
    }

    /// An int that does not fit 32 bits.
    fn save_long(&self, vm: &Vm, object: &Object) -> Result<()> {
        if self.protocol < 2 {
            let digits = vm.repr_text(object)?;
            return self.output.put(vm, format!("L{digits}L\n").as_bytes());
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
            Ok(short) => self.output.put(vm, &[LONG1, short])?,
            Err(_) => {
                let Ok(size) = i32::try_from(bytes.len()) else {
                    return Err(vm.overflow_error("int too large to pickle"));
                };
                let [a, b, c, d] = size.to_le_bytes();
                self.output.put(vm, &[LONG4, a, b, c, d])?;
            }
        }
        self.output.put(vm, &bytes)
    }

    pub(super) fn save_float(&self, vm: &Vm, object: &Object) -> Result<()> {
        if self.binary.get() {
            let x = float::as_f64(object).unwrap_or(0.0);
            let mut bytes = [BINFLOAT; 9];
            bytes[1..].copy_from_slice(&x.to_be_bytes());
            return self.output.put(vm, &bytes);
        }
        let text = vm.repr_text(object)?;
        self.output.put(vm, format!("F{text}\n").as_bytes())
    }

    // ---- strings ----------------------------------------------------------------------

    /// A header of `short` (if it may be used), `normal` or `long` with the size.
    fn data_header(
        &self,
        vm: &Vm,
        size: usize,
        (short, normal, long): (Option<u8>, u8, u8),
        what: &str,
    ) -> Result<Vec<u8>> {
        if let (Some(short), Ok(size)) = (short, u8::try_from(size)) {
            return Ok(vec![short, size]);
        }
        let mut header = Vec::with_capacity(9);
        if let Ok(size) = u32::try_from(size) {
            header.push(normal);
            header.extend(size.to_le_bytes());
        } else if self.protocol >= 4 {
            header.push(long);
            header.extend((size as u64).to_le_bytes());
        } else {
            let message =
                format!("serializing a {what} larger than 4 GiB requires pickle protocol 4 or higher");
            return Err(vm.overflow_error(message));
        }
        Ok(header)
    }

    pub(super) fn save_str(&self, vm: &Vm, object: &Object) -> Result<()> {
        let Some(text) = object.downcast::<Str>() else { return Ok(()) };
        if !self.binary.get() {
            self.output.put(vm, &escaped(text))?;
        } else {
            let encoded;
            let utf8 = match text.as_ascii() {
                Some(ascii) => ascii.as_bytes(),
                None => {
                    encoded = utf8::encode(vm, object, "surrogatepass")?;
                    &encoded
                }
            };
            let short = (self.protocol >= 4).then_some(SHORT_BINUNICODE);
            let header = self.data_header(vm, utf8.len(), (short, BINUNICODE, BINUNICODE8), "string")?;
            self.output.put_data(vm, &header, utf8, None)?;
        }
        self.memoize(vm, object)
    }

    /// The bytes as such, of a bytes object or of something else.
    fn put_bytes(&self, vm: &Vm, bytes: &[u8], payload: Option<&Object>) -> Result<()> {
        let kinds = (Some(SHORT_BINBYTES), BINBYTES, BINBYTES8);
        let header = self.data_header(vm, bytes.len(), kinds, "bytes object")?;
        self.output.put_data(vm, &header, bytes, payload)
    }

    pub(super) fn save_bytes(&self, vm: &Vm, object: &Object) -> Result<()> {
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
            return self.save_reduce(vm, &value, Some(object));
        }
        self.put_bytes(vm, bytes, Some(object))?;
        self.memoize(vm, object)
    }

    fn put_bytearray(&self, vm: &Vm, bytes: &[u8], payload: Option<&Object>) -> Result<()> {
        let mut header = [BYTEARRAY8; 9];
        header[1..].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.output.put_data(vm, &header, bytes, payload)
    }

    pub(super) fn save_bytearray(&self, vm: &Vm, object: &Object) -> Result<()> {
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
            return self.save_reduce(vm, &value, Some(object));
        }
        self.put_bytearray(vm, buffer.bytes(), Some(object))?;
        self.memoize(vm, object)
    }

    pub(super) fn save_picklebuffer(&self, vm: &Vm, object: &Object) -> Result<()> {
        if self.protocol < 5 {
            return Err(pickling_error(vm, "PickleBuffer can only be pickled with protocol >= 5"));
        }
        let Some(source) = object.downcast::<PickleBuffer>().map(|payload| payload.object(vm)) else {
            return Ok(());
        };
        let buffer = vm.buffer(&source?, flags::FULL_RO)?;
        let info = buffer.info();
        if !info.is_c_contiguous() && !info.is_f_contiguous() {
            let message = "PickleBuffer can not be pickled when pointing to a non-contiguous buffer";
            return Err(pickling_error(vm, message));
        }
        if let Some(callback) = self.buffer_callback.bound() {
            let answer = vm.call(&callback, std::slice::from_ref(object))?;
            if !vm.is_true(&answer)? {
                // Out of band.
                self.output.op(vm, NEXT_BUFFER)?;
                return if info.readonly { self.output.op(vm, READONLY_BUFFER) } else { Ok(()) };
            }
        }
        if info.readonly {
            self.put_bytes(vm, buffer.bytes(), None)?;
        } else {
            self.put_bytearray(vm, buffer.bytes(), None)?;
        }
        self.memoize(vm, object)
    }

    // ---- containers -------------------------------------------------------------------

    pub(super) fn save_tuple(&self, vm: &Vm, object: &Object) -> Result<()> {
        let Some(items) = object.downcast::<Tuple>().map(|tuple| tuple.items()) else { return Ok(()) };
        let n = items.len();
        if n == 0 {
            return if self.binary.get() {
                self.output.op(vm, EMPTY_TUPLE)
            } else {
                self.output.put(vm, &[MARK, TUPLE])
            };
        }
        let save_items = || {
            for (i, item) in items.iter().enumerate() {
                self.save(vm, item).map_err(|raised| noted(vm, raised, object, &format!("item {i}")))?;
            }
            Ok(())
        };
        // Saving the items may have saved the tuple itself, if it is recursive: then
        // what lies on the stack is thrown away.
        if n <= 3 && self.protocol >= 2 {
            save_items()?;
            if self.is_memoized(object) {
                self.output.put(vm, &[POP, POP, POP][..n])?;
                return self.get_from_memo(vm, object).map(drop);
            }
            self.output.op(vm, [TUPLE1, TUPLE2, TUPLE3][n - 1])?;
            return self.memoize(vm, object);
        }
        self.output.op(vm, MARK)?;
        save_items()?;
        if self.is_memoized(object) {
            if self.binary.get() {
                self.output.op(vm, POP_MARK)?;
            } else {
                // There is no POP_MARK: the items and the mark.
                for _ in 0..=n {
                    self.output.op(vm, POP)?;
                }
            }
            return self.get_from_memo(vm, object).map(drop);
        }
        self.output.op(vm, TUPLE)?;
        self.memoize(vm, object)
    }

    pub(super) fn save_list(&self, vm: &Vm, object: &Object) -> Result<()> {
        let Some(list) = object.downcast::<List>() else { return Ok(()) };
        self.enter_fast(vm, object)?;
        if self.binary.get() {
            self.output.op(vm, EMPTY_LIST)?;
        } else {
            self.output.put(vm, &[MARK, super::opcodes::LIST])?;
        }
        self.memoize(vm, object)?;
        if !list.is_empty() {
            if self.protocol >= 1 {
                self.put_list(vm, object, list)?;
            } else {
                let iterator = vm.iter(object)?;
                self.put_items(vm, &iterator, object)?;
            }
        }
        self.leave_fast(object);
        Ok(())
    }

    /// The items of an exact list, in batches. The list may change meanwhile.
    fn put_list(&self, vm: &Vm, object: &Object, list: &List) -> Result<()> {
        let save = |i: usize, item: &Object| {
            self.save(vm, item).map_err(|raised| noted(vm, raised, object, &format!("item {i}")))
        };
        if list.len() == 1
            && let Some(item) = list.get(0)
        {
            save(0, &item)?;
            return self.output.op(vm, APPEND);
        }
        let mut i = 0;
        while i < list.len() {
            self.output.op(vm, MARK)?;
            let end = i + BATCH_SIZE;
            while i < end
                && let Some(item) = list.get(i)
            {
                save(i, &item)?;
                i += 1;
            }
            self.output.op(vm, APPENDS)?;
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
                self.output.op(vm, APPEND)?;
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
                return self.output.op(vm, one);
            };
            self.output.op(vm, MARK)?;
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
            self.output.op(vm, many)?;
            if n < BATCH_SIZE {
                break;
            }
        }
        Ok(())
    }

    pub(super) fn save_dict(&self, vm: &Vm, object: &Object) -> Result<()> {
        let Some(dict) = object.downcast::<Dict>() else { return Ok(()) };
        self.enter_fast(vm, object)?;
        if self.binary.get() {
            self.output.op(vm, EMPTY_DICT)?;
        } else {
            self.output.put(vm, &[MARK, super::opcodes::DICT])?;
        }
        self.memoize(vm, object)?;
        if !dict.is_empty() {
            if self.protocol >= 1 {
                self.put_dict(vm, object, dict)?;
            } else {
                let items = vm.call_method(object, "items", &[])?;
                let iterator = vm.iter(&items)?;
                self.put_pairs(vm, &iterator, object)?;
            }
        }
        self.leave_fast(object);
        Ok(())
    }

    /// A value, its key being known for the note.
    fn save_dict_value(&self, vm: &Vm, key: &Object, value: &Object, owner: &Object) -> Result<()> {
        self.save(vm, value).map_err(|raised| {
            let exception = vm.caught(raised);
            match vm.repr_text(key) {
                Ok(shown) => noted(vm, vm.raise(exception), owner, &format!("item {shown}")),
                Err(raised) => raised,
            }
        })
    }

    /// The items of an exact dict, in batches; a last one may be empty.
    fn put_dict(&self, vm: &Vm, object: &Object, dict: &Dict) -> Result<()> {
        let size = dict.len();
        let mut position = 0;
        if size == 1
            && let Some((key, value)) = dict.next_entry(&mut position)
        {
            self.save(vm, &key)?;
            self.save_dict_value(vm, &key, &value, object)?;
            return self.output.op(vm, SETITEM);
        }
        loop {
            self.output.op(vm, MARK)?;
            let mut n = 0;
            while n < BATCH_SIZE
                && let Some((key, value)) = dict.next_entry(&mut position)
            {
                self.save(vm, &key)?;
                self.save_dict_value(vm, &key, &value, object)?;
                n += 1;
            }
            self.output.op(vm, SETITEMS)?;
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
                self.save_dict_value(vm, key, value, owner)
            }
            _ => Err(vm.type_error("dict items iterator must return 2-tuples")),
        };
        if self.protocol == 0 {
            while let Some(pair) = vm.next(iterator)? {
                save(&pair)?;
                self.output.op(vm, SETITEM)?;
            }
            return Ok(());
        }
        self.put_batches(vm, iterator, (SETITEM, SETITEMS), &mut save)
    }

    pub(super) fn save_set(&self, vm: &Vm, object: &Object) -> Result<()> {
        let Some(set) = SetObject::of(object) else { return Ok(()) };
        if self.protocol < 4 {
            return self.save_as_list(vm, &SET, object);
        }
        self.output.op(vm, EMPTY_SET)?;
        self.memoize(vm, object)?;
        let size = set.len();
        if size == 0 {
            return Ok(());
        }
        let mut position = 0;
        loop {
            self.output.op(vm, MARK)?;
            let mut n = 0;
            while n < BATCH_SIZE
                && let Some((item, _)) = set.next_entry(&mut position)
            {
                self.save_part(vm, &item, object, "element")?;
                n += 1;
            }
            self.output.op(vm, ADDITEMS)?;
            if set.len() != size {
                return Err(vm.runtime_error("set changed size during iteration"));
            }
            if n < BATCH_SIZE {
                return Ok(());
            }
        }
    }

    /// `set([...])`, for older readers.
    fn save_as_list(&self, vm: &Vm, class: &Type, object: &Object) -> Result<()> {
        let items = vm.list(vm.collect(object)?);
        let value = tuple::pair(vm, class.to_object(), vm.tuple(vec![items]));
        self.save_reduce(vm, &value, Some(object))
    }

    pub(super) fn save_frozenset(&self, vm: &Vm, object: &Object) -> Result<()> {
        if self.protocol < 4 {
            return self.save_as_list(vm, &FROZENSET, object);
        }
        self.enter_fast(vm, object)?;
        self.output.op(vm, MARK)?;
        let iterator = vm.iter(object)?;
        while let Some(item) = vm.next(&iterator)? {
            self.save_part(vm, &item, object, "element")?;
        }
        self.leave_fast(object);
        if self.is_memoized(object) {
            self.output.op(vm, POP_MARK)?;
            return self.get_from_memo(vm, object).map(drop);
        }
        self.output.op(vm, super::opcodes::FROZENSET)?;
        self.memoize(vm, object)
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
