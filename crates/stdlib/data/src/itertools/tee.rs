//! `itertools.tee`: iterators that read one source through shared blocks of
//! items. A block goes away as soon as the last iterator has left it.

use super::itself;
use std::cell::{Cell, RefCell};
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, bad_argument, check_arity, no_keywords, this};
use taipan_runtime::types::cell::ObjectCell;
use taipan_runtime::types::object::OBJECT;

/// Items per block.
const BLOCK: usize = 57;

/// Payload of _tee_dataobject: a block.
pub struct Block {
    iterator: ObjectCell,
    values: RefCell<Vec<Object>>,
    next: ObjectCell,
    running: Cell<bool>,
}

impl NativeClass for Block {
    fn class() -> &'static Type {
        &TEE_DATAOBJECT
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.iterator.traverse(visitor);
        self.next.traverse(visitor);
        if let Ok(values) = self.values.try_borrow() {
            values.iter().for_each(|item| visitor.visit_object(item));
        }
    }
    fn clear(&self) {
        self.iterator.clear();
        let values = self.values.take();
        drop(values);
        self.next.clear();
    }
}

pub static TEE_DATAOBJECT: Type = Type::new::<Block>(
    "itertools._tee_dataobject",
    &OBJECT,
    type_flags::HAVE_GC,
    Slots { new: Some(block_new), ..Slots::EMPTY },
    &[],
    &[],
)
.with_doc("Items shared by several tee iterators.");

fn new_block(vm: &Vm, iterator: Object) -> Result {
    let payload = Block {
        iterator: ObjectCell::new(iterator),
        values: RefCell::new(Vec::new()),
        next: ObjectCell::EMPTY,
        running: Cell::new(false),
    };
    allocate(vm, &TEE_DATAOBJECT, payload)
}

fn block_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let args = no_keywords(vm, class, &TEE_DATAOBJECT, args, kwnames)?;
    check_arity(vm, "_tee_dataobject", args.len(), 3, 3)?;
    let Some(values) = args[1].downcast::<List>() else {
        return Err(bad_argument(vm, "teedataobject", "argument 2", "list", &args[1]));
    };
    let block = new_block(vm, args[0].clone())?;
    let values = values.to_vec();
    let invalid = || vm.value_error("Invalid arguments");
    if values.len() > BLOCK {
        return Err(invalid());
    }
    let full = values.len() == BLOCK;
    let payload = this::<Block>(&block);
    *payload.values.borrow_mut() = values;
    if full {
        if !args[2].is_none() {
            if args[2].downcast::<Block>().is_none() {
                return Err(invalid());
            }
            payload.next.set(args[2].clone());
        }
    } else if !args[2].is_none() {
        return Err(invalid());
    }
    Ok(block)
}

/// Item `i` of the block, read from the source if it is the next one.
fn block_item(vm: &Vm, block: &Block, i: usize) -> Result<Option<Object>> {
    if let Some(item) = block.values.borrow().get(i) {
        return Ok(Some(item.clone()));
    }
    if block.running.get() {
        return Err(vm.runtime_error("cannot re-enter the tee iterator"));
    }
    let iterator = block.iterator.get();
    if iterator.is_unbound() {
        return Ok(None);
    }
    block.running.set(true);
    let result = vm.next(&iterator);
    block.running.set(false);
    let Some(item) = result? else { return Ok(None) };
    block.values.borrow_mut().push(item.clone());
    Ok(Some(item))
}

fn following_block(vm: &Vm, block: &Block) -> Result {
    if block.next.is_empty() {
        let next = new_block(vm, block.iterator.get())?;
        block.next.set(next);
    }
    Ok(block.next.get())
}

/// Payload of _tee.
pub struct Tee {
    block: ObjectCell,
    index: Cell<usize>,
}

impl NativeClass for Tee {
    fn class() -> &'static Type {
        &TEE
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.block.traverse(visitor);
    }
    fn clear(&self) {
        self.block.clear();
    }
}

pub static TEE: Type = Type::new::<Tee>(
    "itertools._tee",
    &OBJECT,
    type_flags::HAVE_GC | type_flags::WEAKREFABLE,
    Slots { new: Some(tee_new), next: Some(tee_next), ..Slots::EMPTY.iter(itself) },
    &[MethodDef::new(
        "__copy__($self, /)",
        |vm, args| copy(vm, this::<Tee>(&args[0])),
        "Returns an independent iterator.",
    )],
    &[],
)
.with_doc("_tee(iterable, /)\n--\n\nAn iterator that can be copied.");

fn copy(vm: &Vm, tee: &Tee) -> Result {
    allocate(vm, &TEE, Tee { block: ObjectCell::new(tee.block.get()), index: Cell::new(tee.index.get()) })
}

fn from_iterable(vm: &Vm, iterable: &Object) -> Result {
    let iterator = vm.iter(iterable)?;
    if let Some(tee) = iterator.downcast::<Tee>() {
        return copy(vm, tee);
    }
    let block = new_block(vm, iterator)?;
    allocate(vm, &TEE, Tee { block: ObjectCell::new(block), index: Cell::new(0) })
}

fn tee_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let args = no_keywords(vm, class, &TEE, args, kwnames)?;
    check_arity(vm, "_tee", args.len(), 1, 1)?;
    from_iterable(vm, &args[0])
}

fn tee_next(vm: &Vm, object: &Object) -> Result<Option<Object>> {
    let this = this::<Tee>(object);
    let mut block = this.block.get();
    if this.index.get() >= BLOCK {
        let Some(payload) = block.downcast::<Block>() else { return Ok(None) };
        let next = following_block(vm, payload)?;
        this.block.set(next.clone());
        this.index.set(0);
        block = next;
    }
    let Some(payload) = block.downcast::<Block>() else { return Ok(None) };
    let item = block_item(vm, payload, this.index.get())?;
    if item.is_some() {
        this.index.set(this.index.get() + 1);
    }
    Ok(item)
}

/// `tee(iterable, n=2)`.
pub fn tee(vm: &Vm, args: &[Object]) -> Result {
    let n = vm.index_isize(&args[1])?;
    if n < 0 {
        return Err(vm.value_error("n must be >= 0"));
    }
    if n == 0 {
        return Ok(vm.tuple(Vec::new()));
    }
    let first = from_iterable(vm, &args[0])?;
    let mut out = Vec::new();
    if out.try_reserve_exact(n as usize).is_err() {
        return Err(vm.memory_error());
    }
    for _ in 1..n {
        out.push(copy(vm, this::<Tee>(&first))?);
    }
    out.insert(0, first);
    Ok(vm.tuple(out))
}
