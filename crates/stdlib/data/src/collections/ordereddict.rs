//! `collections.OrderedDict`: a dict that can change its order. The order is
//! the dict's own; what is here are the operations that depend on it.

use super::ordereddict_views::{self as views, ODICT_ITEMS, ODICT_KEYS, ODICT_VALUES};
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, this};
use taipan_runtime::types::dict::DICT;
use taipan_runtime::types::dict_methods::dicts_equal;
use taipan_runtime::types::dict_views::{DictView, KEYS};
use taipan_runtime::types::object::{get_dict, set_dict};
use taipan_runtime::types::tuple;

/// Payload of OrderedDict: that of dict.
#[repr(C)]
pub struct OrderedDict {
    pub dict: Dict,
}

impl NativeClass for OrderedDict {
    fn class() -> &'static Type {
        &ORDERED_DICT
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.dict.traverse(visitor);
    }
    fn clear(&self) {
        self.dict.clear();
    }
}

pub static ORDERED_DICT: Type = Type::new::<OrderedDict>(
    "collections.OrderedDict",
    &DICT,
    type_flags::BASE | type_flags::HAVE_GC | type_flags::WEAKREFABLE | type_flags::MAPPING,
    Slots {
        new: Some(|vm, class, _, _| allocate(vm, class, OrderedDict { dict: Dict::new_payload() })),
        init: Some(|vm, object, args, kwnames| {
            let nargs = args.len() - kwnames.len();
            if nargs > 1 {
                return Err(vm.type_error(format!("expected at most 1 argument, got {nargs}")));
            }
            update(vm, object, args, kwnames)
        }),
        compare: Some(compare),
        hash: Some(taipan_runtime::slots::hash_unhashable),
        ..Slots::EMPTY
            .repr(repr)
            .iter(|vm, object| views::iterator(vm, object, KEYS, false))
            .binary(BinaryOp::Or, or)
            .inplace(BinaryOp::Or, |vm, object, other| {
                update_from(vm, object, other)?;
                Ok(object.clone())
            })
    },
    &[
        MethodDef::new("fromkeys($type, /, iterable, value=None)", from_keys, "Create a new ordered dictionary with keys from iterable and values set to value.").class_method(),
        MethodDef::new("__reduce__($self, /)", reduce, "Return state information for pickling"),
        MethodDef::new("setdefault($self, /, key, default=None)", set_default, "Insert key with a value of default if key is not in the dictionary.\n\nReturn the value for key if key is in the dictionary, else default."),
        MethodDef::new("pop($self, /, key, default=<unrepresentable>)", pop, "od.pop(key[,default]) -> v, remove specified key and return the corresponding value.\n\nIf the key is not found, return the default if given; otherwise,\nraise a KeyError."),
        MethodDef::new("popitem($self, /, last=True)", pop_item, "Remove and return a (key, value) pair from the dictionary.\n\nPairs are returned in LIFO order if last is true or FIFO order if false."),
        MethodDef::new("keys($self, /)", |vm, args| allocate(vm, &ODICT_KEYS, DictView { dict: args[0].clone() }), ""),
        MethodDef::new("values($self, /)", |vm, args| allocate(vm, &ODICT_VALUES, DictView { dict: args[0].clone() }), ""),
        MethodDef::new("items($self, /)", |vm, args| allocate(vm, &ODICT_ITEMS, DictView { dict: args[0].clone() }), ""),
        MethodDef::raw("update($self, /, *args, **kwargs)", |vm, args, kwnames| {
            let Some((object, rest)) = args.split_first() else { return Err(vm.type_error("update() needs an argument")) };
            let nargs = rest.len() - kwnames.len();
            if nargs > 1 {
                return Err(vm.type_error(format!("update() takes at most 1 positional argument ({nargs} given)")));
            }
            update(vm, object, rest, kwnames).map(|_| Object::NONE)
        }, ""),
        MethodDef::new("clear($self, /)", |_, args| {
            this::<OrderedDict>(&args[0]).dict.clear();
            Ok(Object::NONE)
        }, "Remove all items from ordered dict."),
        MethodDef::new("copy($self, /)", copy, "A shallow copy of ordered dict."),
        MethodDef::new("__reversed__($self, /)", |vm, args| views::iterator(vm, &args[0], KEYS, true), "od.__reversed__() <==> reversed(od)"),
        MethodDef::new("move_to_end($self, /, key, last=True)", move_to_end, "Move an existing element to the end (or beginning if last is false).\n\nRaise KeyError if the element does not exist."),
    ],
    &[GetSetDef::new("__dict__", get_dict).with_set(set_dict)],
)
.with_dict()
.with_doc("Dictionary that remembers insertion order");

fn set(vm: &Vm, object: &Object, key: &Object, value: &Object) -> Result<()> {
    if object.ty().is(&ORDERED_DICT) {
        return this::<OrderedDict>(object).dict.set(vm, key, value.clone());
    }
    vm.set_item(object, key, value)
}

/// Sets what an iterable of pairs has.
fn update_from_pairs(vm: &Vm, object: &Object, pairs: &Object) -> Result<()> {
    let iterator = vm.iter(pairs)?;
    while let Some(pair) = vm.next(&iterator)? {
        if let Some(tuple) = pair.downcast_exact::<Tuple>()
            && let [key, value] = tuple.items()
        {
            set(vm, object, key, value)?;
            continue;
        }
        let items = vm.iter(&pair)?;
        let missing = |vm: &Vm, n: usize| {
            vm.value_error(format!("need more than {n} value{} to unpack", if n == 1 { "" } else { "s" }))
        };
        let Some(key) = vm.next(&items)? else { return Err(missing(vm, 0)) };
        let Some(value) = vm.next(&items)? else { return Err(missing(vm, 1)) };
        if vm.next(&items)?.is_some() {
            return Err(vm.value_error("too many values to unpack (expected 2)"));
        }
        set(vm, object, &key, &value)?;
    }
    Ok(())
}

/// `update(other)` of mutable mappings: a dict, something with keys(), with
/// items(), or an iterable of pairs.
fn update_from(vm: &Vm, object: &Object, other: &Object) -> Result<()> {
    if let Some(dict) = other.downcast_exact::<Dict>() {
        for (key, value) in dict.items() {
            set(vm, object, &key, &value)?;
        }
        return Ok(());
    }
    if let Some(keys) = vm.lookup_attr_str(other, "keys")? {
        let keys = vm.call(&keys, &[])?;
        let iterator = vm.iter(&keys)?;
        while let Some(key) = vm.next(&iterator)? {
            let value = vm.get_item(other, &key)?;
            set(vm, object, &key, &value)?;
        }
        return Ok(());
    }
    if let Some(items) = vm.lookup_attr_str(other, "items")? {
        let items = vm.call(&items, &[])?;
        return update_from_pairs(vm, object, &items);
    }
    update_from_pairs(vm, object, other)
}

fn update(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    let (positional, values) = args.split_at(args.len() - kwnames.len());
    if let Some(other) = positional.first() {
        update_from(vm, object, other)?;
    }
    for (key, value) in kwnames.iter().zip(values) {
        set(vm, object, key, value)?;
    }
    Ok(())
}

fn compare(vm: &Vm, a: &Object, b: &Object, op: CompareOp) -> Result {
    let (Some(x), Some(y)) = (a.downcast::<OrderedDict>(), b.downcast::<Dict>()) else {
        return Ok(Object::NOT_IMPLEMENTED);
    };
    if !matches!(op, CompareOp::Eq | CompareOp::Ne) {
        return Ok(Object::NOT_IMPLEMENTED);
    }
    let mut equal = dicts_equal(vm, &x.dict, y)?;
    if equal && b.downcast::<OrderedDict>().is_some() {
        equal = same_order(vm, &x.dict, y)?;
    }
    Ok(Object::bool(equal == (op == CompareOp::Eq)))
}

fn same_order(vm: &Vm, x: &Dict, y: &Dict) -> Result<bool> {
    let (mut i, mut j) = (0, 0);
    let (x_changes, y_changes) = (x.changes(), y.changes());
    loop {
        let (p, q) = match (x.next_entry(&mut i), y.next_entry(&mut j)) {
            (Some((p, _)), Some((q, _))) => (p, q),
            (p, q) => return Ok(p.is_none() && q.is_none()),
        };
        if !vm.equal(&p, &q)? {
            return Ok(false);
        }
        if x.changes() != x_changes || y.changes() != y_changes {
            return Err(vm.runtime_error("OrderedDict mutated during iteration"));
        }
    }
}

fn repr(vm: &Vm, object: &Object) -> Result {
    let class = object.ty().name();
    if this::<OrderedDict>(object).dict.is_empty() {
        return Ok(vm.str(&format!("{class}()")));
    }
    let Some(_guard) = vm.enter_repr(object) else { return Ok(vm.intern("...")) };
    let copy = vm.new_dict();
    if let Some(d) = copy.downcast::<Dict>() {
        let source = &this::<OrderedDict>(object).dict;
        if object.ty().is(&ORDERED_DICT) && !runs_code(source) {
            d.merge(vm, source, true)?;
        } else {
            let items = vm.call_method(object, "items", &[])?;
            taipan_runtime::types::dict_methods::update_from_pairs(vm, d, &items)?;
        }
    }
    let mut out = taipan_runtime::types::str::Builder::new();
    out.push_str(class);
    out.push_str("(");
    out.push_object(&vm.repr(&copy)?);
    out.push_str(")");
    Ok(out.finish(vm))
}

fn or(vm: &Vm, a: &Object, b: &Object) -> Result {
    let (mine, other) = if a.downcast::<OrderedDict>().is_some() { (a, b) } else { (b, a) };
    if mine.downcast::<OrderedDict>().is_none() || other.downcast::<Dict>().is_none() {
        return Ok(Object::NOT_IMPLEMENTED);
    }
    let new = vm.call(&mine.ty().to_object(), std::slice::from_ref(a))?;
    update_from(vm, &new, b)?;
    Ok(new)
}

fn from_keys(vm: &Vm, args: &[Object]) -> Result {
    let new = vm.call(&args[0], &[])?;
    let iterator = vm.iter(&args[1])?;
    while let Some(key) = vm.next(&iterator)? {
        set(vm, &new, &key, &args[2])?;
    }
    Ok(new)
}

/// Is there a key whose hash and comparison are a program's? Such a key may not be found again.
fn runs_code(dict: &Dict) -> bool {
    let mut pos = 0;
    std::iter::from_fn(|| dict.next_entry(&mut pos)).any(|(key, _)| key.ty().is_heap())
}

fn copy(vm: &Vm, args: &[Object]) -> Result {
    let object = &args[0];
    let source = &this::<OrderedDict>(object).dict;
    if object.ty().is(&ORDERED_DICT) && !runs_code(source) {
        return allocate(vm, &ORDERED_DICT, OrderedDict { dict: source.copy_payload() });
    }
    let new = vm.call(&object.ty().to_object(), &[])?;
    let changes = source.changes();
    let mut pos = 0;
    while let Some((key, _)) = source.next_entry(&mut pos) {
        let value = vm.get_item(object, &key)?;
        set(vm, &new, &key, &value)?;
        if source.changes() != changes {
            return Err(vm.runtime_error("OrderedDict mutated during iteration"));
        }
    }
    Ok(new)
}

fn reduce(vm: &Vm, args: &[Object]) -> Result {
    let object = &args[0];
    let state = vm.call_method(object, "__getstate__", &[])?;
    let items = vm.call_method(object, "items", &[])?;
    let iterator = vm.iter(&items)?;
    let none = vm.tuple(Vec::new());
    Ok(tuple::from_array(vm, [object.ty().to_object(), none, state, Object::NONE, iterator]))
}

fn set_default(vm: &Vm, args: &[Object]) -> Result {
    let (object, key, default) = (&args[0], &args[1], &args[2]);
    if object.ty().is(&ORDERED_DICT) {
        return this::<OrderedDict>(object).dict.set_default(vm, key, default);
    }
    if vm.contains(object, key)? {
        return vm.get_item(object, key);
    }
    vm.set_item(object, key, default)?;
    Ok(default.clone())
}

fn pop(vm: &Vm, args: &[Object]) -> Result {
    match this::<OrderedDict>(&args[0]).dict.remove(vm, &args[1])? {
        Some(value) => Ok(value),
        None => args[2].bound().cloned().ok_or_else(|| vm.key_error(&args[1])),
    }
}

fn pop_item(vm: &Vm, args: &[Object]) -> Result {
    let last = vm.is_true(&args[1])?;
    let dict = &this::<OrderedDict>(&args[0]).dict;
    let popped = if last { dict.pop_last() } else { dict.first_position().map(|i| dict.remove_at(i)) };
    match popped {
        Some((key, value)) => Ok(tuple::from_array(vm, [key, value])),
        None => Err(vm.key_error(&vm.str("dictionary is empty"))),
    }
}

fn move_to_end(vm: &Vm, args: &[Object]) -> Result {
    let last = vm.is_true(&args[2])?;
    let dict = &this::<OrderedDict>(&args[0]).dict;
    let Some(i) = dict.position(vm, &args[1])? else { return Err(vm.key_error(&args[1])) };
    if if last { dict.move_to_end(i) } else { dict.move_to_front(i) } {
        Ok(Object::NONE)
    } else {
        Err(vm.memory_error())
    }
}
