//! `marshal`: values as bytes, in CPython's format (version 5) byte by byte.
//!
//! Only code objects differ: their type byte is followed by a length and the
//! form of `taipan_bytecode`, which is verified when it is read. Whatever the
//! input, reading ends in a value or an exception: counts are believed only as
//! far as there are bytes to back them, and nesting is limited.
//!
//! CPython marks an object as shared by its reference count. Here small words
//! (ints, floats) have none: equal ones count as one shared object, as equal
//! literals of one piece of code do there.

use crate::prelude::*;
use crate::types::code::{self, Code};
use crate::types::complex;
use crate::types::float;
use crate::types::int::{self, IntView};
use crate::types::set::{self, SetObject};
use crate::types::slice::{self, Slice};
use crate::types::str as text;
use crate::types::{bytearray, bytes::Bytes, memoryview};
use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// The newest format, and the default one.
const VERSION: i32 = 5;
/// Deepest nesting of values.
const MAX_DEPTH: u32 = 2000;
/// Set in a type byte: later the value may be referred to by number.
const FLAG_REF: u8 = 0x80;
/// Sizes have 31 bits.
const MAX_SIZE: usize = 0x7fff_ffff;
/// Largest piece read from a file at once, and most tuple items promised by one.
const CHUNK: usize = 1 << 20;

// ---- writing ---------------------------------------------------------------------------

/// Why a value cannot be written.
enum Refusal {
    Unmarshallable,
    TooDeep,
    CodeNotAllowed,
    Raised(Raised),
}

type Written = std::result::Result<(), Refusal>;

/// Spreads object words over the table.
#[derive(Default)]
struct WordHasher(u64);

impl Hasher for WordHasher {
    fn write(&mut self, bytes: &[u8]) {
        for &b in bytes {
            self.write_u64(u64::from(b));
        }
    }
    fn write_u64(&mut self, n: u64) {
        let mixed = (self.0 ^ n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ mixed >> 32;
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

struct Writer<'v> {
    vm: &'v Vm,
    out: Vec<u8>,
    version: i32,
    allow_code: bool,
    depth: u32,
    /// Numbers of the objects that may be referred to, by their words.
    numbers: HashMap<u64, u32, BuildHasherDefault<WordHasher>>,
    /// Keeps them alive, so that no other object gets such a word.
    shared: Vec<Object>,
}

impl<'v> Writer<'v> {
    fn new(vm: &'v Vm, version: i32, allow_code: bool, depth: u32) -> Self {
        Writer {
            vm,
            out: Vec::with_capacity(64),
            version,
            allow_code,
            depth,
            numbers: HashMap::default(),
            shared: Vec::new(),
        }
    }

    fn long(&mut self, n: i32) {
        self.out.extend(n.to_le_bytes());
    }

    fn size(&mut self, n: usize) -> Written {
        if n > MAX_SIZE {
            return Err(Refusal::Unmarshallable);
        }
        self.long(n as i32);
        Ok(())
    }

    fn sized(&mut self, bytes: &[u8]) -> Written {
        self.size(bytes.len())?;
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    /// Writes a reference and says None if the object was written before; else its flag.
    fn reference(&mut self, object: &Object, held: u32) -> Option<u8> {
        if self.version < 3 {
            return Some(0);
        }
        if let Some(header) = object.header()
            && header.count() == 1 + held
            && !(Str::is_interned(object))
        {
            return Some(0);
        }
        let number = self.shared.len() as u32;
        match self.numbers.entry(object.value().bits()) {
            std::collections::hash_map::Entry::Occupied(entry) => {
                let number = *entry.get();
                self.out.push(b'r');
                self.long(number as i32);
                None
            }
            std::collections::hash_map::Entry::Vacant(_) if number >= MAX_SIZE as u32 => Some(0),
            std::collections::hash_map::Entry::Vacant(entry) => {
                entry.insert(number);
                self.shared.push(object.clone());
                Some(FLAG_REF)
            }
        }
    }

    /// Writes a value to which the writer itself holds `held` references.
    fn object(&mut self, object: &Object, held: u32) -> Written {
        if self.depth >= MAX_DEPTH {
            return Err(Refusal::TooDeep);
        }
        self.vm.check_native_stack(" while marshalling an object").map_err(Refusal::Raised)?;
        if object.is_none() {
            self.out.push(b'N');
        } else if object.is(Value::TRUE) {
            self.out.push(b'T');
        } else if object.is(Value::FALSE) {
            self.out.push(b'F');
        } else if object.is(Object::ELLIPSIS.value()) {
            self.out.push(b'.');
        } else if Type::of(object).is_some_and(|t| t.is(&exc::STOP_ITERATION)) {
            self.out.push(b'S');
        } else if let Some(flag) = self.reference(object, held) {
            self.depth += 1;
            let written = self.contents(object, flag);
            self.depth -= 1;
            return written;
        }
        Ok(())
    }

    fn contents(&mut self, object: &Object, flag: u8) -> Written {
        if int::is_exact(object) {
            return self.int(object, flag);
        }
        if float::is_exact(object) {
            let x = float::as_f64(object).unwrap_or_default();
            return self.floats(flag, b'g', b'f', &[x]);
        }
        let ty = object.ty();
        if let Some(s) = object.downcast_exact::<Str>() {
            return self.text(object, s, flag);
        }
        if let Some(items) = object.downcast_exact::<Tuple>() {
            if self.version >= 4 && items.len() < 256 {
                self.out.extend([b')' | flag, items.len() as u8]);
            } else {
                self.out.push(b'(' | flag);
                self.size(items.len())?;
            }
            return items.items().iter().try_for_each(|item| self.object(item, 0));
        }
        if let Some(list) = object.downcast_exact::<List>() {
            let n = list.len();
            self.out.push(b'[' | flag);
            self.size(n)?;
            for i in 0..n {
                // Only an exporter of a buffer could have made the list shorter.
                let Some(item) = list.get(i) else { return Err(Refusal::Unmarshallable) };
                self.object(&item, 1)?;
            }
            return Ok(());
        }
        if let Some(dict) = object.downcast_exact::<Dict>() {
            self.out.push(b'{' | flag);
            let mut position = 0;
            while let Some((key, value)) = dict.next_entry(&mut position) {
                self.object(&key, 1)?;
                self.object(&value, 1)?;
            }
            self.out.push(b'0');
            return Ok(());
        }
        if let Some(bytes) = object.downcast_exact::<Bytes>() {
            self.out.push(b's' | flag);
            return self.sized(bytes.as_slice());
        }
        if ty.is(&complex::COMPLEX) {
            let Some(z) = complex::as_complex(object) else { return Err(Refusal::Unmarshallable) };
            return self.floats(flag, b'y', b'x', &[z.re, z.im]);
        }
        if ty.is(&set::SET) || ty.is(&set::FROZENSET) {
            return self.set(object, flag);
        }
        if let Some(code) = object.downcast_exact::<Code>() {
            if !self.allow_code {
                return Err(Refusal::CodeNotAllowed);
            }
            let Some(unit) = code.try_to_unit(self.vm) else { return Err(Refusal::Unmarshallable) };
            self.out.push(b'c' | flag);
            return self.sized(&taipan_bytecode::write(&unit));
        }
        if let Some(slice) = Slice::of(object) {
            if self.version < 5 {
                return Err(Refusal::Unmarshallable);
            }
            self.out.push(b':' | flag);
            return [&slice.start, &slice.stop, &slice.step]
                .into_iter()
                .try_for_each(|part| self.object(part, 0));
        }
        if self.vm.is_bytes_like(object) {
            return match self.vm.bytes_like(object, "") {
                Ok(buffer) => {
                    self.out.push(b's' | flag);
                    self.sized(buffer.bytes())
                }
                Err(raised) => {
                    drop(self.vm.caught(raised));
                    Err(Refusal::Unmarshallable)
                }
            };
        }
        Err(Refusal::Unmarshallable)
    }

    fn int(&mut self, object: &Object, flag: u8) -> Written {
        let Some(view) = int::view(object) else { return Err(Refusal::Unmarshallable) };
        if let IntView::Small(n) = view
            && let Ok(n) = i32::try_from(n)
        {
            self.out.push(b'i' | flag);
            self.long(n);
            return Ok(());
        }
        let big = view.to_big();
        let count = big.bit_length().div_ceil(15);
        if count > MAX_SIZE as u64 {
            return Err(Refusal::Unmarshallable);
        }
        self.out.push(b'l' | flag);
        self.long(if big.is_negative() { -(count as i32) } else { count as i32 });
        for digit in big.digits15() {
            self.out.extend((digit as u16).to_le_bytes());
        }
        Ok(())
    }

    /// A float or the two of a complex number; as text in the oldest formats.
    fn floats(&mut self, flag: u8, binary: u8, text: u8, parts: &[f64]) -> Written {
        let binary_form = self.version > 1;
        self.out.push(if binary_form { binary } else { text } | flag);
        for part in parts {
            if binary_form {
                self.out.extend(part.to_le_bytes());
            } else {
                let shown = seventeen_digits(*part);
                self.out.push(shown.len() as u8);
                self.out.extend_from_slice(shown.as_bytes());
            }
        }
        Ok(())
    }

    fn text(&mut self, object: &Object, s: &Str, flag: u8) -> Written {
        let interned = Str::is_interned(object);
        if self.version >= 4
            && let Some(ascii) = s.as_ascii()
        {
            if ascii.len() < 256 {
                self.out.extend([if interned { b'Z' } else { b'z' } | flag, ascii.len() as u8]);
                self.out.extend_from_slice(ascii.as_bytes());
                return Ok(());
            }
            self.out.push(if interned { b'A' } else { b'a' } | flag);
            return self.sized(ascii.as_bytes());
        }
        self.out.push(if self.version >= 3 && interned { b't' } else { b'u' } | flag);
        self.sized(&s.to_wtf8())
    }

    /// The items in the order of their bytes, so that equal sets look equal.
    fn set(&mut self, object: &Object, flag: u8) -> Written {
        let Some(set) = SetObject::of(object) else { return Err(Refusal::Unmarshallable) };
        let items = set.to_vec();
        self.out.push(if object.ty().is(&set::FROZENSET) { b'>' } else { b'<' } | flag);
        self.size(items.len())?;
        if items.len() < 2 {
            return items.iter().try_for_each(|item| match self.object(item, 0) {
                Err(Refusal::CodeNotAllowed | Refusal::TooDeep) => Err(Refusal::Unmarshallable),
                other => other,
            });
        }
        let mut pairs = Vec::with_capacity(items.len());
        for item in items {
            let mut inner = Writer::new(self.vm, self.version, self.allow_code, self.depth);
            inner.object(&item, 0).map_err(|refusal| match refusal {
                Refusal::Raised(raised) => Refusal::Raised(raised),
                _ => Refusal::Unmarshallable,
            })?;
            pairs.push((inner.out, item));
        }
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        pairs.iter().try_for_each(|(_, item)| self.object(item, 0))
    }
}

fn seventeen_digits(x: f64) -> String {
    use taipan_numeric::float_format::{FloatFormat, Kind, write};
    let mut shown = String::new();
    let format = FloatFormat {
        kind: Kind::General,
        precision: 17,
        upper: false,
        alternate: false,
        dot_zero: false,
        no_negative_zero: false,
    };
    write(&mut shown, x, &format);
    shown
}

/// The bytes of a value; the caller holds `held` references to it.
fn to_bytes(vm: &Vm, value: &Object, held: u32, version: &Object, allow_code: &Object) -> Result {
    let version = match version.bound() {
        Some(version) => vm.to_plain_c_int(version)?,
        None => VERSION,
    };
    let allow_code = vm.is_true(allow_code)?;
    vm.audit("marshal.dumps", &[value.clone(), vm.int(i64::from(version))])?;
    let mut writer = Writer::new(vm, version, allow_code, 0);
    match writer.object(value, held) {
        Ok(()) => crate::types::bytes::new(vm, &writer.out),
        Err(Refusal::Unmarshallable) => Err(vm.value_error("unmarshallable object")),
        Err(Refusal::TooDeep) => Err(vm.value_error("object too deeply nested to marshal")),
        Err(Refusal::CodeNotAllowed) => Err(vm.value_error("marshalling code objects is disallowed")),
        Err(Refusal::Raised(raised)) => Err(raised),
    }
}

// ---- reading ---------------------------------------------------------------------------

enum Source<'b> {
    /// What is left of the bytes.
    Memory(&'b [u8]),
    /// An object with `readinto()`.
    File(&'b Object),
}

struct Reader<'b> {
    vm: &'b Vm,
    source: Source<'b>,
    allow_code: bool,
    depth: u32,
    /// Values by number; UNBOUND: not complete yet.
    shared: Vec<Object>,
    /// Items that the tuples being read have still to get.
    promised: usize,
}

impl<'b> Reader<'b> {
    fn new(vm: &'b Vm, source: Source<'b>, allow_code: bool) -> Self {
        Reader { vm, source, allow_code, depth: 0, shared: Vec::new(), promised: 0 }
    }

    fn bad(&self, what: &str) -> Raised {
        self.vm.value_error(format!("bad marshal data ({what})"))
    }

    // ---- bytes -----------------------------------------------------------------

    fn take(&mut self, n: usize) -> Result<Cow<'b, [u8]>> {
        match &mut self.source {
            Source::Memory(rest) => {
                let Some((head, tail)) = rest.split_at_checked(n) else {
                    return Err(self.vm.eof_error("marshal data too short"));
                };
                *rest = tail;
                Ok(Cow::Borrowed(head))
            }
            Source::File(file) => {
                let file = *file;
                let mut all = self.read_into(file, n.min(CHUNK))?;
                while all.len() < n {
                    let more = self.read_into(file, (n - all.len()).min(CHUNK))?;
                    all.extend(more);
                }
                Ok(Cow::Owned(all))
            }
        }
    }

    fn read_into(&self, file: &Object, n: usize) -> Result<Vec<u8>> {
        let vm = self.vm;
        let room = bytearray::from_vec(vm, vec![0; n]);
        let view = memoryview::new(vm, &room)?;
        let count = vm.call_method(file, "readinto", &[view])?;
        let count = match int::to_i64(&count) {
            Some(count) => count,
            None => match vm.index_isize(&count) {
                Ok(count) => count as i64,
                Err(_) if vm.raised_is(&exc::INDEX_ERROR) || vm.raised_is(&exc::OVERFLOW_ERROR) => {
                    drop(vm.take_raised());
                    let shown = count.ty().name();
                    return Err(vm.value_error(format!("cannot fit '{shown}' into an index-sized integer")));
                }
                Err(raised) => return Err(raised),
            },
        };
        if count > n as i64 {
            return Err(vm.value_error(format!(
                "read() returned too much data: {n} bytes requested, {count} returned"
            )));
        }
        if count < n as i64 {
            return Err(vm.eof_error("EOF read where not expected"));
        }
        let filled = vm.bytes_like(&room, "")?;
        Ok(filled.bytes().to_vec())
    }

    fn byte(&mut self) -> Result<u8> {
        match &mut self.source {
            Source::Memory(rest) => match rest.split_first() {
                Some((&byte, tail)) => {
                    *rest = tail;
                    Ok(byte)
                }
                None => Err(self.vm.eof_error("EOF read where not expected")),
            },
            Source::File(_) => Ok(self.take(1)?.first().copied().unwrap_or_default()),
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut array = [0; N];
        let bytes = self.take(N)?;
        array.copy_from_slice(&bytes);
        Ok(array)
    }

    fn long(&mut self) -> Result<i32> {
        Ok(i32::from_le_bytes(self.array()?))
    }

    /// The size of a `what`.
    fn size(&mut self, what: &str) -> Result<usize> {
        let n = self.long()?;
        usize::try_from(n).map_err(|_| self.bad(&format!("{what} size out of range")))
    }

    // ---- references ----------------------------------------------------------------

    fn remember(&mut self, flagged: bool, object: Object) -> Object {
        if flagged {
            self.shared.push(object.clone());
        }
        object
    }

    fn reserve(&mut self, flagged: bool) -> Option<usize> {
        flagged.then(|| {
            self.shared.push(Object::UNBOUND);
            self.shared.len() - 1
        })
    }

    fn fulfil(&mut self, reserved: Option<usize>, object: Object) -> Object {
        if let Some(place) = reserved.and_then(|i| self.shared.get_mut(i)) {
            *place = object.clone();
        }
        object
    }

    // ---- values --------------------------------------------------------------------

    /// A value that must be there.
    fn value(&mut self, container: &str) -> Result {
        match self.object()? {
            Some(object) => Ok(object),
            None => Err(self.vm.type_error(format!("NULL object in marshal data for {container}"))),
        }
    }

    /// A value, or None for the mark that ends a dict.
    fn object(&mut self) -> Result<Option<Object>> {
        let byte = match self.byte() {
            Ok(byte) => byte,
            Err(raised) if self.vm.raised_is(&exc::EOF_ERROR) => {
                drop(self.vm.caught(raised));
                return Err(self.vm.eof_error("EOF read where object expected"));
            }
            Err(raised) => return Err(raised),
        };
        if self.depth >= MAX_DEPTH {
            return Err(self.vm.value_error("recursion limit exceeded"));
        }
        self.vm.check_native_stack(" while unmarshalling an object")?;
        self.depth += 1;
        let object = self.contents(byte & !FLAG_REF, byte & FLAG_REF != 0);
        self.depth -= 1;
        object
    }

    fn contents(&mut self, kind: u8, flagged: bool) -> Result<Option<Object>> {
        let vm = self.vm;
        let object = match kind {
            b'0' => return Ok(None),
            b'N' => Object::NONE,
            b'T' => Object::TRUE,
            b'F' => Object::FALSE,
            b'.' => Object::ELLIPSIS,
            b'S' => exc::STOP_ITERATION.to_object(),
            b'i' => {
                let n = self.long()?;
                self.remember(flagged, vm.int(i64::from(n)))
            }
            b'I' => {
                let n = i64::from_le_bytes(self.array()?);
                self.remember(flagged, vm.int(n))
            }
            b'l' => {
                let n = self.big_int()?;
                self.remember(flagged, n)
            }
            b'f' | b'g' => {
                let x = self.float(kind == b'g')?;
                self.remember(flagged, vm.float(x))
            }
            b'x' | b'y' => {
                let re = self.float(kind == b'y')?;
                let im = self.float(kind == b'y')?;
                self.remember(flagged, complex::new(vm, re, im))
            }
            b's' => {
                let n = self.size("bytes object")?;
                let bytes = self.take(n)?;
                let bytes = crate::types::bytes::new(vm, &bytes)?;
                self.remember(flagged, bytes)
            }
            b'a' | b'A' | b'z' | b'Z' => {
                let n = if matches!(kind, b'z' | b'Z') {
                    usize::from(self.byte()?)
                } else {
                    self.size("string")?
                };
                let bytes = self.take(n)?;
                let s = text::from_latin1(vm, &bytes);
                let s = if matches!(kind, b'A' | b'Z') { vm.intern_object(&s) } else { s };
                self.remember(flagged, s)
            }
            b't' | b'u' => {
                let n = self.size("string")?;
                let bytes = self.take(n)?;
                let s = match std::str::from_utf8(&bytes) {
                    Ok(valid) => text::from_text(vm, valid),
                    Err(_) => crate::codecs::decode(vm, &bytes, "utf-8", "surrogatepass")?,
                };
                let s = if kind == b't' { vm.intern_object(&s) } else { s };
                self.remember(flagged, s)
            }
            b')' => {
                let n = usize::from(self.byte()?);
                self.tuple(n, flagged)?
            }
            b'(' => {
                let n = self.size("tuple")?;
                self.tuple(n, flagged)?
            }
            b'[' => {
                let n = self.size("list")?;
                let list = vm.list(Vec::new());
                let list = self.remember(flagged, list);
                for _ in 0..n {
                    let item = self.value("list")?;
                    if let Some(items) = list.downcast::<List>() {
                        items.push(vm, item)?;
                    }
                }
                list
            }
            b'{' => {
                let dict = vm.new_dict();
                let dict = self.remember(flagged, dict);
                while let Some(key) = self.object()? {
                    let Some(value) = self.object()? else { break };
                    if let Some(entries) = dict.downcast::<Dict>() {
                        entries.set(vm, &key, value)?;
                    }
                }
                dict
            }
            b'<' => {
                let n = self.size("set")?;
                let items = set::new(vm);
                let items = self.remember(flagged, items);
                self.add_items(&items, n)?;
                items
            }
            b'>' => {
                let n = self.size("set")?;
                let reserved = self.reserve(flagged);
                let items = set::frozenset_from(vm, Vec::new())?;
                self.add_items(&items, n)?;
                self.fulfil(reserved, items)
            }
            b':' => {
                let reserved = self.reserve(flagged);
                let mut parts = [Object::NONE, Object::NONE, Object::NONE];
                for part in &mut parts {
                    match self.object()? {
                        Some(object) => *part = object,
                        None => return Ok(None),
                    }
                }
                let [start, stop, step] = parts;
                self.fulfil(reserved, slice::new(vm, start, stop, step))
            }
            b'c' => {
                if !self.allow_code {
                    return Err(vm.value_error("unmarshalling code objects is disallowed"));
                }
                let reserved = self.reserve(flagged);
                let n = self.size("code")?;
                let bytes = self.take(n)?;
                let unit = taipan_bytecode::read(&bytes).map_err(|e| self.bad(&e.to_string()))?;
                if !taipan_bytecode::verify(&unit).is_empty() {
                    return Err(self.bad("invalid code"));
                }
                self.fulfil(reserved, code::new(vm, unit))
            }
            b'r' => {
                let n = self.long()?;
                let object = usize::try_from(n).ok().and_then(|n| self.shared.get(n));
                match object.and_then(|object| object.bound()) {
                    Some(object) => object.clone(),
                    None => return Err(self.bad("invalid reference")),
                }
            }
            _ => return Err(self.bad("unknown type code")),
        };
        Ok(Some(object))
    }

    fn add_items(&mut self, items: &Object, n: usize) -> Result<()> {
        for _ in 0..n {
            let item = self.value("set")?;
            set::add_to(self.vm, items, item)?;
        }
        Ok(())
    }

    /// May as many more items be believed in? Each takes a byte at least.
    fn believable(&self, n: usize) -> bool {
        let most = match &self.source {
            Source::Memory(rest) => rest.len(),
            Source::File(_) => CHUNK,
        };
        n + self.promised <= most
    }

    fn tuple(&mut self, n: usize, flagged: bool) -> Result {
        let vm = self.vm;
        if n == 0 || !self.believable(n) {
            // Either nothing can refer to it, or the input ends before it does
            // (or it is huge and from a file; such a one must not contain itself).
            let reserved = self.reserve(flagged);
            let mut items = Vec::new();
            for _ in 0..n {
                items.push(self.value("tuple")?);
            }
            let tuple = vm.tuple(items);
            return Ok(self.fulfil(reserved, tuple));
        }
        self.promised += n;
        let tuple = if flagged { self.shared_tuple(n)? } else { vm.tuple(self.items(n)?) };
        Ok(tuple)
    }

    fn items(&mut self, n: usize) -> Result<Vec<Object>> {
        let mut items = Vec::with_capacity(n);
        for _ in 0..n {
            self.promised -= 1;
            items.push(self.value("tuple")?);
        }
        Ok(items)
    }

    /// A tuple that its own items may refer to: it is there first, and filled then.
    fn shared_tuple(&mut self, n: usize) -> Result {
        let tuple = self.vm.tuple(vec![Object::NONE; n]);
        self.shared.push(tuple.clone());
        let Some(items) = tuple.downcast_exact::<Tuple>() else {
            return Err(self.vm.system_error("a tuple was expected"));
        };
        for i in 0..n {
            self.promised -= 1;
            let item = self.value("tuple")?;
            // SAFETY: `i` is below the length. The old item is None, which needs no
            // release; no borrow of the items is alive across the write, because
            // nothing outside of this reader has been given the tuple.
            unsafe { items.items().as_ptr().cast_mut().add(i).write(item) }
        }
        Ok(tuple)
    }

    fn big_int(&mut self) -> Result {
        let n = self.long()?;
        if n == i32::MIN {
            return Err(self.bad("long size out of range"));
        }
        let count = n.unsigned_abs() as usize;
        let bytes = self.take(count * 2)?;
        let digits = || bytes.chunks_exact(2).map(|pair| u32::from(u16::from_le_bytes([pair[0], pair[1]])));
        if digits().any(|digit| digit > 0x7fff) {
            return Err(self.bad("digit out of range in long"));
        }
        if digits().next_back() == Some(0) {
            return Err(self.bad("unnormalized long data"));
        }
        Ok(int::from_big(self.vm, taipan_numeric::BigInt::from_digits(n < 0, 15, digits())))
    }

    fn float(&mut self, binary: bool) -> Result<f64> {
        if binary {
            return Ok(f64::from_le_bytes(self.array()?));
        }
        let n = usize::from(self.byte()?);
        let bytes = self.take(n)?;
        let end = bytes.iter().position(|&b| b == 0).unwrap_or(n);
        let shown = String::from_utf8_lossy(&bytes[..end]);
        let plain = !shown.contains(|c: char| c.is_whitespace() || c == '_' || c == '\x0b');
        match taipan_numeric::float::parse(&shown) {
            Ok(x) if plain => Ok(x),
            _ => Err(self.vm.value_error(format!("could not convert string to float: '{shown}'"))),
        }
    }
}

// ---- the module ------------------------------------------------------------------------

fn dumps(vm: &Vm, args: &[Object]) -> Result {
    to_bytes(vm, &args[0], 1, &args[1], &args[2])
}

fn dump(vm: &Vm, args: &[Object]) -> Result {
    let bytes = to_bytes(vm, &args[0], 1, &args[2], &args[3])?;
    vm.call_method(&args[1], "write", &[bytes])
}

fn loads(vm: &Vm, args: &[Object]) -> Result {
    let allow_code = vm.is_true(&args[1])?;
    let buffer = vm.bytes_like(&args[0], "loads() argument")?;
    vm.audit("marshal.loads", &[args[0].clone()])?;
    Reader::new(vm, Source::Memory(buffer.bytes()), allow_code).value("object")
}

fn load(vm: &Vm, args: &[Object]) -> Result {
    let allow_code = vm.is_true(&args[1])?;
    // Is it a binary file? It can be asked without taking anything from it.
    let nothing = vm.call_method(&args[0], "read", &[vm.int(0)])?;
    if nothing.downcast::<Bytes>().is_none() {
        let shown = nothing.ty().name();
        return Err(vm.type_error(format!("file.read() returned not bytes but {shown}")));
    }
    vm.audit("marshal.load", &[])?;
    Reader::new(vm, Source::File(&args[0]), allow_code).value("object")
}

pub static MODULE: ModuleDef = ModuleDef {
    name: "marshal",
    doc: "Values as bytes and back: None, bools, numbers, strings, bytes, tuples, lists,\nsets, dicts, slices and code objects, and what is made of them.\n\nThe format is Python's own and may change; do not read what you do not trust.\n\nversion -- the newest version of the format, which is written by default",
    functions: &[
        MethodDef::new(
            "dump(value, file, version=version, /, *, allow_code=True)",
            dump,
            "Write the value to the open binary file.",
        ),
        MethodDef::new(
            "load(file, /, *, allow_code=True)",
            load,
            "Read one value from the open binary file and return it.\n\nEOFError, ValueError or TypeError: there is no valid value.",
        ),
        MethodDef::new(
            "dumps(value, version=version, /, *, allow_code=True)",
            dumps,
            "Return the bytes that dump(value, file) would write.",
        ),
        MethodDef::new(
            "loads(bytes, /, *, allow_code=True)",
            loads,
            "Return the value that the bytes-like object begins with.\n\nEOFError, ValueError or TypeError: there is no valid value.",
        ),
    ],
    types: &[],
    init: Some(|vm, module| vm.set_attr_str(module, "version", &vm.int(i64::from(VERSION)))),
};
