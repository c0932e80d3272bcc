//! `Row`: a tuple whose items can be had by the names of their columns.

use super::cursor::{CURSOR, Cursor};
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, bad_argument, check_arity, no_keywords, this};
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::slice::Slice;

/// Payload of `Row`.
pub struct Row {
    data: Object,
    description: Object,
}

impl NativeClass for Row {
    fn class() -> &'static Type {
        &ROW
    }
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit(self.data.value());
        visitor.visit(self.description.value());
    }
}

pub static ROW: Type = Type::new::<Row>(
    "sqlite3.Row",
    &OBJECT,
    type_flags::BASE | type_flags::HAVE_GC,
    Slots {
        new: Some(new),
        hash: Some(|vm, row| {
            let row = this::<Row>(row);
            Ok(vm.hash(&row.description)? ^ vm.hash(&row.data)?)
        }),
        compare: Some(compare),
        len: Some(|vm, row| vm.len(&this::<Row>(row).data)),
        getitem: Some(get_item),
        ..Slots::EMPTY.iter(|vm, row| vm.iter(&this::<Row>(row).data))
    },
    &[MethodDef::new("keys($self, /)", keys, "The names of the columns.")],
    &[],
);

fn new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let args = no_keywords(vm, class, &ROW, args, kwnames)?;
    check_arity(vm, "Row", args.len(), 2, 2)?;
    let Some(cursor) = args[0].downcast::<Cursor>() else {
        return Err(bad_argument(vm, "Row", "argument 1", CURSOR.full_name(), &args[0]));
    };
    if args[1].downcast::<Tuple>().is_none() {
        return Err(bad_argument(vm, "Row", "argument 2", "tuple", &args[1]));
    }
    allocate(vm, class, Row { data: args[1].clone(), description: cursor.description.or_none() })
}

impl Row {
    /// The names of the columns, in order.
    fn names(&self) -> Vec<Object> {
        let columns = self.description.downcast::<Tuple>().map_or(&[][..], |columns| columns.items());
        columns
            .iter()
            .filter_map(|column| {
                column.downcast::<Tuple>().and_then(|column| column.items().first().cloned())
            })
            .collect()
    }
}

fn keys(vm: &Vm, args: &[Object]) -> Result {
    Ok(vm.list(this::<Row>(&args[0]).names()))
}

/// Are two names the same, but for the case of ASCII letters?
fn same_name(a: &Str, b: &Str) -> bool {
    let lower = |c: u32| if (0x41..=0x5a).contains(&c) { c + 0x20 } else { c };
    a.len() == b.len() && a.chars().zip(b.chars()).all(|(x, y)| lower(x) == lower(y))
}

fn get_item(vm: &Vm, object: &Object, key: &Object) -> Result {
    let row = this::<Row>(object);
    if taipan_runtime::types::int::is_any_int(key) {
        let mut i = vm.index_for_item(key)?;
        let items = row.data.downcast::<Tuple>().map_or(&[][..], |data| data.items());
        if i < 0 {
            i = i.saturating_add_unsigned(items.len());
        }
        let item = usize::try_from(i).ok().and_then(|i| items.get(i));
        return item.cloned().ok_or_else(|| vm.index_error("tuple index out of range"));
    }
    if let Some(wanted) = key.downcast::<Str>() {
        let place = row
            .names()
            .iter()
            .position(|name| name.downcast::<Str>().is_some_and(|name| same_name(name, wanted)));
        if row.description.is_none() {
            return Err(vm.index_error(format!("No item with key {}", vm.repr_text(key)?)));
        }
        let items = row.data.downcast::<Tuple>().map_or(&[][..], |data| data.items());
        let item = place.and_then(|i| items.get(i));
        return item.cloned().ok_or_else(|| vm.index_error("No item with that key"));
    }
    if Slice::of(key).is_some() {
        return vm.get_item(&row.data, key);
    }
    Err(vm.index_error("Index must be int or string"))
}

fn compare(vm: &Vm, a: &Object, b: &Object, op: CompareOp) -> Result {
    let (Some(x), Some(y)) = (a.downcast::<Row>(), b.downcast::<Row>()) else {
        return Ok(Object::immediate(Value::NOT_IMPLEMENTED));
    };
    if !matches!(op, CompareOp::Eq | CompareOp::Ne) {
        return Ok(Object::immediate(Value::NOT_IMPLEMENTED));
    }
    if vm.equal(&x.description, &y.description)? {
        return vm.compare(&x.data, &y.data, op);
    }
    Ok(Object::bool(matches!(op, CompareOp::Ne)))
}
