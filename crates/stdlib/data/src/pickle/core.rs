//! The pickler itself: [`Core`] is its state, [`Core::save_in`] decides how an
//! object is written. The built-in types are in `save`, everything that goes
//! by `__reduce__` in `reduce`, and what is found by name in `global`.
//!
//! Who writes built-in types takes the [`Sink`] out of the core and hands it
//! down, without looking into the cell again for every byte; it is put back
//! ([`Core::aside`]) before anything that may run Python code.

use super::memo::{Looked, PickleMemo};
use super::opcodes::*;
use super::output::Sink;
use super::state::{Other, State, in_context_of, noted, pickling_error, shown_type};
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use taipan_runtime::names::name;
use taipan_runtime::prelude::*;
use taipan_runtime::types::bytearray::BYTEARRAY;
use taipan_runtime::types::bytes::BYTES;
use taipan_runtime::types::cell::ObjectCell;
use taipan_runtime::types::dict::DICT;
use taipan_runtime::types::float::FLOAT;
use taipan_runtime::types::function::FUNCTION;
use taipan_runtime::types::int::INT;
use taipan_runtime::types::list::LIST;
use taipan_runtime::types::set::{FROZENSET, SET};
use taipan_runtime::types::str::STR;
use taipan_runtime::types::tuple::TUPLE;
use taipan_runtime::types::typ::TYPE;

/// In fast mode, from this depth on cycles are looked for.
const FAST_NESTING_LIMIT: i32 = 50;

/// A pickler's state. All fields can change while Python code runs.
pub struct Core {
    pub others: State,
    pub protocol: u8,
    /// Older protocols get the names that Python 2 had.
    pub fix_imports: bool,
    /// Binary opcodes may be used (`Pickler.bin`).
    pub binary: Cell<bool>,
    /// Nothing is memoized (`Pickler.fast`).
    pub fast: Cell<i32>,
    /// What is written, unless somebody has taken it.
    sink: RefCell<Sink>,
    /// The file's `write`; without it all stays in memory.
    pub write: ObjectCell,
    pub buffer_callback: ObjectCell,
    pub dispatch_table: ObjectCell,
    pub persistent_id: ObjectCell,
    pub reducer_override: ObjectCell,
    nesting: Cell<i32>,
    /// Objects being saved in fast mode, below the limit.
    nested: RefCell<HashSet<u64>>,
}

impl Drop for Core {
    fn drop(&mut self) {
        self.sink.take().recycle();
    }
}

impl Core {
    /// Checks the protocol, as all ways to a pickler do.
    pub fn new(vm: &Vm, protocol: &Object, fix_imports: &Object, buffer_callback: &Object) -> Result<Core> {
        let protocol = match protocol.some() {
            None => DEFAULT_PROTOCOL,
            Some(object) => {
                let n = vm.to_i64(object)?;
                match u8::try_from(n) {
                    Ok(n) if n <= HIGHEST_PROTOCOL => n,
                    _ if n < 0 => HIGHEST_PROTOCOL,
                    _ => {
                        let message = format!("pickle protocol must be <= {HIGHEST_PROTOCOL}");
                        return Err(vm.value_error(message));
                    }
                }
            }
        };
        let fix_imports = vm.is_true(fix_imports)?;
        let core = Core {
            others: State::of(vm)?,
            protocol,
            fix_imports: fix_imports && protocol < 3,
            binary: Cell::new(protocol > 0),
            fast: Cell::new(0),
            sink: RefCell::new(Sink::new()),
            write: ObjectCell::EMPTY,
            buffer_callback: ObjectCell::EMPTY,
            dispatch_table: ObjectCell::EMPTY,
            persistent_id: ObjectCell::EMPTY,
            reducer_override: ObjectCell::EMPTY,
            nesting: Cell::new(0),
            nested: RefCell::default(),
        };
        if let Some(callback) = buffer_callback.some() {
            if protocol < 5 {
                return Err(vm.value_error("buffer_callback needs protocol >= 5"));
            }
            core.buffer_callback.set(callback.clone());
        }
        Ok(core)
    }
    /// The file that the pickle goes to.
    pub fn set_file(&self, vm: &Vm, file: &Object) -> Result<()> {
        match vm.lookup_attr(file, name::write.object())? {
            Some(write) => {
                self.write.set(write);
                Ok(())
            }
            None => Err(vm.type_error("file must have a 'write' attribute")),
        }
    }
    pub fn traverse(&self, visitor: &mut Visitor) {
        self.write.traverse(visitor);
        self.buffer_callback.traverse(visitor);
        self.dispatch_table.traverse(visitor);
        self.persistent_id.traverse(visitor);
        self.reducer_override.traverse(visitor);
        if let Ok(sink) = self.sink.try_borrow() {
            sink.memo.entries().for_each(|(object, _)| visitor.visit_object(object));
        }
    }
    pub fn clear(&self) {
        for cell in [
            &self.write,
            &self.buffer_callback,
            &self.dispatch_table,
            &self.persistent_id,
            &self.reducer_override,
        ] {
            cell.clear();
        }
        drop(self.exchange_memo(PickleMemo::default()));
    }

    /// Writes a whole pickle.
    pub fn dump(&self, vm: &Vm, object: &Object) -> Result<()> {
        self.with_sink(|out| {
            out.clear();
            if self.protocol >= 2 {
                out.put(vm, [PROTO, self.protocol])?;
            }
            if self.protocol >= 4 {
                out.open_frame(vm)?;
            }
            let done = self.save_in(vm, out, object).and_then(|()| out.op(vm, STOP));
            out.close_frame();
            done
        })
    }
    /// The pickle as one bytes object.
    pub fn finish(&self, vm: &Vm) -> Result {
        self.with_sink(|out| out.finish(vm))
    }
    /// Gives what has been written to the file, if there is one.
    pub fn flush(&self, vm: &Vm) -> Result<()> {
        let Some(write) = self.write.bound() else { return Ok(()) };
        let bytes = self.finish(vm)?;
        vm.call(&write, &[bytes]).map(drop)
    }

    // ---- the sink ---------------------------------------------------------------------

    /// Lets somebody write who hands the sink down.
    fn with_sink<R>(&self, work: impl FnOnce(&mut Sink) -> R) -> R {
        let mut out = self.sink.take();
        let done = work(&mut out);
        let idle = self.sink.replace(out);
        drop(idle);
        done
    }
    /// Puts the sink back while something runs that looks for it there.
    pub fn aside<R>(&self, out: &mut Sink, work: impl FnOnce() -> R) -> R {
        let idle = self.sink.replace(std::mem::take(out));
        drop(idle);
        let done = work();
        *out = self.sink.take();
        done
    }
    pub fn put(&self, vm: &Vm, bytes: &[u8]) -> Result<()> {
        self.sink.borrow_mut().put_slice(vm, bytes)
    }
    pub fn op(&self, vm: &Vm, opcode: u8) -> Result<()> {
        self.sink.borrow_mut().op(vm, opcode)
    }
    /// As [`Core::save_in`].
    pub fn save(&self, vm: &Vm, object: &Object) -> Result<()> {
        self.with_sink(|out| self.save_in(vm, out, object))
    }
    /// The frame is full: another one begins.
    #[cold]
    fn next_frame(&self, vm: &Vm, out: &mut Sink) -> Result<()> {
        out.close_frame();
        if !self.write.is_empty() {
            self.aside(out, || self.flush(vm))?;
        }
        out.open_frame(vm)
    }
    /// A header and its data. Long data goes without a frame and, being
    /// `payload`, to the file without a copy.
    pub fn put_data(
        &self,
        vm: &Vm,
        out: &mut Sink,
        header: &[u8],
        data: &[u8],
        payload: Option<&Object>,
    ) -> Result<()> {
        if data.len() < FRAME_SIZE_TARGET {
            out.put_slice(vm, header)?;
            return out.put_slice(vm, data);
        }
        let framing = out.has_frame();
        out.close_frame();
        out.put_slice(vm, header)?;
        match self.write.bound() {
            Some(write) => self.aside(out, || {
                self.flush(vm)?;
                let payload = match payload {
                    Some(payload) => payload.clone(),
                    None => vm.bytes(data),
                };
                vm.call(&write, &[payload]).map(drop)
            })?,
            None => match payload.filter(|payload| payload.ty().is(&BYTES)) {
                Some(payload) => out.put_large(vm, payload)?,
                None => out.put_slice(vm, data)?,
            },
        }
        if framing { out.open_frame(vm) } else { Ok(()) }
    }

    // ---- the memo ---------------------------------------------------------------------

    /// How many objects there are in the memo.
    pub fn memo_len(&self) -> usize {
        self.sink.borrow().memo.len()
    }
    /// What the memo has, in order of entry.
    pub fn memo_entries(&self) -> Vec<(Object, u32)> {
        self.sink.borrow().memo.entries().map(|(object, number)| (object.clone(), number)).collect()
    }
    /// Puts another memo in place; the old one is to be dropped.
    pub fn exchange_memo(&self, memo: PickleMemo) -> PickleMemo {
        std::mem::replace(&mut self.sink.borrow_mut().memo, memo)
    }
    pub fn is_memoized(&self, object: &Object) -> bool {
        self.sink.borrow().memo.get(object).is_some()
    }
    /// Gets an object back from the memo; false if it is not there.
    pub fn get_from_memo(&self, vm: &Vm, object: &Object) -> Result<bool> {
        let mut out = self.sink.borrow_mut();
        match out.memo.get(object) {
            Some(number) => self.put_get(vm, &mut out, number).map(|()| true),
            None => Ok(false),
        }
    }
    /// Remembers an object that has just been written.
    pub fn memoize(&self, vm: &Vm, object: &Object) -> Result<()> {
        self.memoize_in(vm, &mut self.sink.borrow_mut(), object)
    }
    /// The opcode that gets object `number` from the memo.
    #[inline]
    pub(super) fn put_get(&self, vm: &Vm, out: &mut Sink, number: u32) -> Result<()> {
        self.put_number(vm, out, number, [b'g', BINGET, LONG_BINGET])
    }
    /// An opcode with a number of the memo: as text, in one byte, in four.
    fn put_number(&self, vm: &Vm, out: &mut Sink, number: u32, opcodes: [u8; 3]) -> Result<()> {
        let [text, short, long] = opcodes;
        if !self.binary.get() {
            return out.put_slice(vm, format!("{}{number}\n", text as char).as_bytes());
        }
        match u8::try_from(number) {
            Ok(byte) => out.put(vm, [short, byte]),
            Err(_) => {
                let [a, b, c, d] = number.to_le_bytes();
                out.put(vm, [long, a, b, c, d])
            }
        }
    }
    /// Is the object in the memo?
    #[inline(always)]
    pub(super) fn look(&self, vm: &Vm, out: &mut Sink, object: &Object) -> Result<Looked> {
        out.memo.look(object).ok_or_else(|| vm.memory_error())
    }
    /// As [`Core::memoize`].
    pub(super) fn memoize_in(&self, vm: &Vm, out: &mut Sink, object: &Object) -> Result<()> {
        if self.fast.get() != 0 {
            return Ok(());
        }
        match self.look(vm, out, object)? {
            Looked::Free(slot) => self.memoize_at(vm, out, object, slot),
            Looked::Known(_) => {
                let number = self.next_number(vm, out)?;
                if !out.memo.put(object, number) {
                    return Err(vm.memory_error());
                }
                self.put_memoize(vm, out, number)
            }
        }
    }
    /// Remembers an object that was not in the memo, whose slot is known.
    #[inline(always)]
    pub(super) fn memoize_at(&self, vm: &Vm, out: &mut Sink, object: &Object, slot: usize) -> Result<()> {
        if self.fast.get() != 0 {
            return Ok(());
        }
        let number = self.next_number(vm, out)?;
        out.memo.fill(slot, object, number);
        self.put_memoize(vm, out, number)
    }
    #[inline(always)]
    fn next_number(&self, vm: &Vm, out: &Sink) -> Result<u32> {
        u32::try_from(out.memo.len()).map_err(|_| vm.memory_error())
    }
    #[inline(always)]
    fn put_memoize(&self, vm: &Vm, out: &mut Sink, number: u32) -> Result<()> {
        if self.protocol >= 4 { out.op(vm, MEMOIZE) } else { self.put_put(vm, out, number) }
    }
    /// How protocols before 4 memoize.
    fn put_put(&self, vm: &Vm, out: &mut Sink, number: u32) -> Result<()> {
        self.put_number(vm, out, number, [b'p', BINPUT, LONG_BINPUT])
    }

    // ---- fast mode --------------------------------------------------------------------

    /// Before the items of a container in fast mode: without a memo only the
    /// nesting tells that there is a cycle.
    pub fn enter_fast(&self, vm: &Vm, object: &Object) -> Result<()> {
        if self.fast.get() == 0 {
            return Ok(());
        }
        self.nesting.set(self.nesting.get() + 1);
        if self.nesting.get() >= FAST_NESTING_LIMIT && !self.nested.borrow_mut().insert(object.bits()) {
            self.nesting.set(-1);
            let shown = shown_type(vm, object);
            return Err(vm.value_error(format!(
                "fast mode: can't pickle cyclic objects including object type {shown} at {:#x}",
                object.bits()
            )));
        }
        Ok(())
    }
    pub fn leave_fast(&self, object: &Object) {
        if self.fast.get() == 0 {
            return;
        }
        if self.nesting.get() >= FAST_NESTING_LIMIT {
            self.nested.borrow_mut().remove(&object.bits());
        }
        self.nesting.set(self.nesting.get() - 1);
    }

    // ---- saving -----------------------------------------------------------------------

    /// Writes an object.
    #[inline(always)]
    pub fn save_in(&self, vm: &Vm, out: &mut Sink, object: &Object) -> Result<()> {
        if out.is_full() {
            self.next_frame(vm, out)?;
        }
        if !self.persistent_id.is_empty() && self.save_persistent(vm, out, object)? {
            return Ok(());
        }
        // Atoms have no place in the memo.
        if object.is_int() {
            return self.save_small_int(vm, out, object.as_int());
        }
        if object.is_none() {
            return out.op(vm, NONE);
        }
        if object.ty().is(&STR) {
            return self.save_str(vm, out, object);
        }
        self.save_value(vm, out, object)
    }

    /// By its persistent id, if it has one.
    #[cold]
    fn save_persistent(&self, vm: &Vm, out: &mut Sink, object: &Object) -> Result<bool> {
        let Some(persistent_id) = self.persistent_id.bound() else { return Ok(false) };
        let id = self.aside(out, || vm.call(&persistent_id, std::slice::from_ref(object)))?;
        if id.is_none() {
            return Ok(false);
        }
        if self.binary.get() {
            // The id itself has none.
            if out.is_full() {
                self.next_frame(vm, out)?;
            }
            self.save_value(vm, out, &id)?;
            out.op(vm, BINPERSID)?;
            return Ok(true);
        }
        let text = self.aside(out, || vm.str_of(&id))?;
        let Some(ascii) = text.downcast::<Str>().and_then(|text| text.as_ascii()) else {
            return Err(pickling_error(vm, "persistent IDs in protocol 0 must be ASCII strings"));
        };
        out.put_slice(vm, format!("P{ascii}\n").as_bytes())?;
        Ok(true)
    }

    fn save_value(&self, vm: &Vm, out: &mut Sink, object: &Object) -> Result<()> {
        if object.is_int() {
            return self.save_small_int(vm, out, object.as_int());
        }
        if object.is_none() {
            return out.op(vm, NONE);
        }
        if object.is_bool() {
            return self.save_bool(vm, out, object);
        }
        let ty = object.ty();
        if ty.is(&FLOAT) {
            return self.save_float(vm, out, object);
        }
        if ty.is(&INT) {
            return self.save_int(vm, out, object);
        }
        if ty.is(&STR) {
            return self.save_str(vm, out, object);
        }
        let slot = match self.look(vm, out, object)? {
            Looked::Known(number) => return self.put_get(vm, out, number),
            Looked::Free(slot) => slot,
        };
        if ty.is(&BYTES) {
            return self.save_bytes(vm, out, object);
        }
        vm.check_native_stack(" while pickling an object")?;
        if ty.is(&DICT) {
            return self.save_dict(vm, out, object, slot);
        }
        if ty.is(&TUPLE) {
            return self.save_tuple(vm, out, object);
        }
        if ty.is(&LIST) {
            return self.save_list(vm, out, object, slot);
        }
        if ty.is(&SET) {
            return self.save_set(vm, out, object);
        }
        if ty.is(&FROZENSET) {
            return self.save_frozenset(vm, out, object);
        }
        if ty.is(&BYTEARRAY) {
            return self.save_bytearray(vm, out, object);
        }
        if ty.is(&super::buffer::PICKLE_BUFFER) {
            return self.save_picklebuffer(vm, out, object);
        }
        self.aside(out, || self.save_other(vm, object))
    }

    /// An object of no built-in type: somebody is asked how to do it.
    fn save_other(&self, vm: &Vm, object: &Object) -> Result<()> {
        let ty = object.ty();
        if let Some(reducer) = self.reducer_override.bound() {
            let value = vm.call(&reducer, std::slice::from_ref(object))?;
            if !value.is(Value::NOT_IMPLEMENTED) {
                return self.save_reduced(vm, object, &value);
            }
        }
        if ty.is(&TYPE) {
            return self.save_type(vm, object);
        }
        if ty.is(&FUNCTION) {
            return self.save_global(vm, object, None);
        }
        let class = ty.to_object();
        let reducer = match self.dispatch_table.bound() {
            None => self.others.look_up(vm, Other::DispatchTable, &class)?,
            Some(table) => {
                let found = vm.get_item(&table, &class);
                vm.swallow(found, &exc::KEY_ERROR)?
            }
        };
        let value = match reducer {
            Some(reducer) => vm.call(&reducer, std::slice::from_ref(object))?,
            None if Type::of(object).is_some() => return self.save_global(vm, object, None),
            // The common case, without a bound method.
            None if ty.has(type_flags::GENERIC_GETATTR)
                && ty.lookup_owned(vm, name::reduce_ex.object()).is_some() =>
            {
                vm.call_method_object(object, name::reduce_ex.object(), &[vm.int(self.protocol as i64)])?
            }
            None => match vm.lookup_attr(object, name::reduce_ex.object())? {
                Some(reduce) => vm.call(&reduce, &[vm.int(self.protocol as i64)])?,
                None => match vm.lookup_attr_str(object, "__reduce__")? {
                    Some(reduce) => vm.call(&reduce, &[])?,
                    None => {
                        let shown = shown_type(vm, object);
                        return Err(pickling_error(vm, format!("Can't pickle {shown} object")));
                    }
                },
            },
        };
        self.save_reduced(vm, object, &value)
    }

    /// What a reducer said.
    fn save_reduced(&self, vm: &Vm, object: &Object, value: &Object) -> Result<()> {
        if value.downcast::<Str>().is_some() {
            return self.save_global(vm, object, Some(value));
        }
        let result = match value.downcast::<Tuple>() {
            Some(_) => self.save_reduce(vm, value, Some(object)),
            None => {
                let shown = shown_type(vm, value);
                Err(pickling_error(vm, format!("__reduce__ must return a string or tuple, not {shown}")))
            }
        };
        result.map_err(|raised| noted(vm, raised, object, "object"))
    }

    /// The error of something in a container, with a note.
    #[cold]
    pub(super) fn noted_in(
        &self,
        vm: &Vm,
        out: &mut Sink,
        raised: Raised,
        owner: &Object,
        what: std::fmt::Arguments,
    ) -> Raised {
        self.aside(out, || noted(vm, raised, owner, &what.to_string()))
    }
    /// As [`Core::save`], a failure being noted: `when serializing X what`.
    pub fn save_part(&self, vm: &Vm, part: &Object, owner: &Object, what: &str) -> Result<()> {
        self.save(vm, part).map_err(|raised| noted(vm, raised, owner, what))
    }

    /// PicklingError that came of another error.
    pub fn failed(&self, vm: &Vm, raised: Raised, message: impl AsRef<str>) -> Raised {
        in_context_of(vm, || pickling_error(vm, message), raised)
    }
}
