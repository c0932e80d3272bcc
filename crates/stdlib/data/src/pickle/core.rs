//! The pickler itself: [`Core`] is its state, [`Core::save`] decides how an
//! object is written. The built-in types are in `save`, everything that goes
//! by `__reduce__` in `reduce`, and what is found by name in `global`.

use super::memo::PickleMemo;
use super::opcodes::*;
use super::output::Output;
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
    pub output: Output,
    pub memo: RefCell<PickleMemo>,
    pub buffer_callback: ObjectCell,
    pub dispatch_table: ObjectCell,
    pub persistent_id: ObjectCell,
    pub reducer_override: ObjectCell,
    nesting: Cell<i32>,
    /// Objects being saved in fast mode, below the limit.
    nested: RefCell<HashSet<u64>>,
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
            output: Output::default(),
            memo: RefCell::default(),
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
                self.output.write.set(write);
                Ok(())
            }
            None => Err(vm.type_error("file must have a 'write' attribute")),
        }
    }
    pub fn traverse(&self, visitor: &mut Visitor) {
        self.output.write.traverse(visitor);
        self.buffer_callback.traverse(visitor);
        self.dispatch_table.traverse(visitor);
        self.persistent_id.traverse(visitor);
        self.reducer_override.traverse(visitor);
        if let Ok(memo) = self.memo.try_borrow() {
            memo.entries().iter().for_each(|(object, _)| visitor.visit_object(object));
        }
    }
    pub fn clear(&self) {
        for cell in [
            &self.output.write,
            &self.buffer_callback,
            &self.dispatch_table,
            &self.persistent_id,
            &self.reducer_override,
        ] {
            cell.clear();
        }
        drop(self.memo.take());
    }

    /// Writes a whole pickle.
    pub fn dump(&self, vm: &Vm, object: &Object) -> Result<()> {
        self.output.clear();
        if self.protocol >= 2 {
            self.output.put(vm, &[PROTO, self.protocol])?;
            self.output.set_framing(self.protocol >= 4);
        }
        let done = self.save(vm, object).and_then(|()| self.output.op(vm, STOP));
        self.output.commit_frame();
        self.output.set_framing(false);
        done
    }

    // ---- the memo ---------------------------------------------------------------------

    pub fn is_memoized(&self, object: &Object) -> bool {
        self.memo.borrow().get(object).is_some()
    }
    /// Gets an object back from the memo; false if it is not there.
    #[inline]
    pub fn get_from_memo(&self, vm: &Vm, object: &Object) -> Result<bool> {
        let Some(number) = self.memo.borrow().get(object) else { return Ok(false) };
        if !self.binary.get() {
            self.output.put(vm, format!("g{number}\n").as_bytes())?;
        } else if let Ok(short) = u8::try_from(number) {
            self.output.put(vm, &[BINGET, short])?;
        } else {
            let [a, b, c, d] = number.to_le_bytes();
            self.output.put(vm, &[LONG_BINGET, a, b, c, d])?;
        }
        Ok(true)
    }
    /// Remembers an object that has just been written.
    #[inline]
    pub fn memoize(&self, vm: &Vm, object: &Object) -> Result<()> {
        if self.fast.get() != 0 {
            return Ok(());
        }
        let number = {
            let mut memo = self.memo.borrow_mut();
            let Ok(number) = u32::try_from(memo.len()) else { return Err(vm.memory_error()) };
            if !memo.put(object, number) {
                return Err(vm.memory_error());
            }
            number
        };
        if self.protocol >= 4 {
            return self.output.op(vm, MEMOIZE);
        }
        if !self.binary.get() {
            return self.output.put(vm, format!("p{number}\n").as_bytes());
        }
        match u8::try_from(number) {
            Ok(short) => self.output.put(vm, &[BINPUT, short]),
            Err(_) => {
                let [a, b, c, d] = number.to_le_bytes();
                self.output.put(vm, &[LONG_BINPUT, a, b, c, d])
            }
        }
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
    #[inline]
    pub fn save(&self, vm: &Vm, object: &Object) -> Result<()> {
        self.output.boundary(vm)?;
        if let Some(persistent_id) = self.persistent_id.bound()
            && self.save_persistent(vm, &persistent_id, object)?
        {
            return Ok(());
        }
        self.save_value(vm, object)
    }

    /// By its persistent id, if it has one.
    fn save_persistent(&self, vm: &Vm, persistent_id: &Object, object: &Object) -> Result<bool> {
        let id = vm.call(persistent_id, std::slice::from_ref(object))?;
        if id.is_none() {
            return Ok(false);
        }
        if self.binary.get() {
            // The id itself has none.
            self.output.boundary(vm)?;
            self.save_value(vm, &id)?;
            self.output.op(vm, BINPERSID)?;
            return Ok(true);
        }
        let text = vm.str_of(&id)?;
        let Some(ascii) = text.downcast::<Str>().and_then(|text| text.as_ascii()) else {
            return Err(pickling_error(vm, "persistent IDs in protocol 0 must be ASCII strings"));
        };
        self.output.put(vm, format!("P{ascii}\n").as_bytes())?;
        Ok(true)
    }

    fn save_value(&self, vm: &Vm, object: &Object) -> Result<()> {
        // Atoms have no place in the memo.
        if object.is_int() {
            return self.save_small_int(vm, object.as_int());
        }
        if object.is_none() {
            return self.output.op(vm, NONE);
        }
        if object.is_bool() {
            return self.save_bool(vm, object);
        }
        let ty = object.ty();
        if ty.is(&FLOAT) {
            return self.save_float(vm, object);
        }
        if ty.is(&INT) {
            return self.save_int(vm, object);
        }
        if self.get_from_memo(vm, object)? {
            return Ok(());
        }
        if ty.is(&STR) {
            return self.save_str(vm, object);
        }
        if ty.is(&BYTES) {
            return self.save_bytes(vm, object);
        }
        vm.check_native_stack(" while pickling an object")?;
        if ty.is(&DICT) {
            return self.save_dict(vm, object);
        }
        if ty.is(&TUPLE) {
            return self.save_tuple(vm, object);
        }
        if ty.is(&LIST) {
            return self.save_list(vm, object);
        }
        if ty.is(&SET) {
            return self.save_set(vm, object);
        }
        if ty.is(&FROZENSET) {
            return self.save_frozenset(vm, object);
        }
        if ty.is(&BYTEARRAY) {
            return self.save_bytearray(vm, object);
        }
        if ty.is(&super::buffer::PICKLE_BUFFER) {
            return self.save_picklebuffer(vm, object);
        }
        self.save_other(vm, object)
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

    /// As [`Core::save`], a failure being noted: `when serializing X what`.
    pub fn save_part(&self, vm: &Vm, part: &Object, owner: &Object, what: &str) -> Result<()> {
        self.save(vm, part).map_err(|raised| noted(vm, raised, owner, what))
    }

    /// PicklingError that came of another error.
    pub fn failed(&self, vm: &Vm, raised: Raised, message: impl AsRef<str>) -> Raised {
        in_context_of(vm, || pickling_error(vm, message), raised)
    }
}
