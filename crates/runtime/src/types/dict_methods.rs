//! dict, the methods: construction, updates, comparison, repr. The hash table
//! itself is in `dict`, views and iterators are in `dict_views`.
//!
//! No reference into the table is held while Python code may run: entries are
//! copied out by position, and the position is looked at again afterwards.

use crate::names::name;
use crate::prelude::*;
use crate::types::dict_views as views;
use crate::types::str;

pub use crate::types::dict_views::VIEW_TYPES;

/// The type `dict`.
pub static DICT: Type = Type::new::<Dict>(
    "dict",
    &crate::types::object::OBJECT,
    type_flags::BASE
        | type_flags::HAVE_GC
        | type_flags::DICT_SUBCLASS
        | type_flags::MAPPING
        | type_flags::MATCH_SELF,
    Slots {
        new: Some(dict_new),
        init: Some(dict_init),
        hash: Some(crate::slots::hash_unhashable),
        compare: Some(dict_compare),
        len: Some(|_, d| Ok(this(d).len())),
        getitem: Some(dict_getitem),
        setitem: Some(dict_setitem),
        contains: Some(|vm, d, key| this(d).contains(vm, key)),
        ..Slots::EMPTY
            .repr(dict_repr)
            .iter(|vm, d| Ok(views::iterator(vm, d, views::KEYS, false)))
            .binary(BinaryOp::Or, dict_or)
            .inplace(BinaryOp::Or, dict_ior)
    },
    &[
        MethodDef::new("__contains__($self, key, /)", |vm, args| this(&args[0]).contains(vm, &args[1]).map(Object::bool), "True if the dictionary has the specified key, else False."),
        MethodDef::new("__getitem__($self, key, /)", |vm, args| dict_getitem(vm, &args[0], &args[1]), "Return self[key]."),
        MethodDef::new("__sizeof__($self, /)", |vm, args| Ok(vm.usize(size(&args[0]))), "Return the size of the dict in memory."),
        MethodDef::new("get($self, key, default=None, /)", dict_get, "Return the value for key if key is in the dictionary, else default."),
        MethodDef::new("setdefault($self, key, default=None, /)", dict_setdefault, "Insert key with a value of default if key is not in the dictionary.\n\nReturn the value for key if key is in the dictionary, else default."),
        MethodDef::new("pop($self, key, default=<unrepresentable>, /)", dict_pop, "D.pop(k[,d]) -> v, remove specified key and return the corresponding value.\n\nIf the key is not found, return the default if given; otherwise,\nraise a KeyError."),
        MethodDef::new("popitem($self, /)", dict_popitem, "Remove and return a (key, value) pair as a 2-tuple.\n\nPairs are returned in LIFO (last-in, first-out) order.\nRaises KeyError if the dict is empty."),
        MethodDef::new("keys($self, /)", |vm, args| Ok(views::view(vm, &args[0], views::KEYS)), "Return a set-like object providing a view on the dict's keys."),
        MethodDef::new("items($self, /)", |vm, args| Ok(views::view(vm, &args[0], views::ITEMS)), "Return a set-like object providing a view on the dict's items."),
        MethodDef::new("values($self, /)", |vm, args| Ok(views::view(vm, &args[0], views::VALUES)), "Return an object providing a view on the dict's values."),
        MethodDef::raw("update($self, /, *args, **kwargs)", dict_update, "D.update([E, ]**F) -> None.  Update D from mapping/iterable E and F.\nIf E is present and has a .keys() method, then does:  for k in E.keys(): D[k] = E[k]\nIf E is present and lacks a .keys() method, then does:  for k, v in E: D[k] = v\nIn either case, this is followed by: for k in F:  D[k] = F[k]"),
        MethodDef::new("fromkeys($type, iterable, value=None, /)", dict_fromkeys, "Create a new dictionary with keys from iterable and values set to value.").class_method(),
        MethodDef::new("clear($self, /)", |_, args| {
            this(&args[0]).clear();
            Ok(Object::NONE)
        }, "Remove all items from the dict."),
        MethodDef::new("copy($self, /)", |vm, args| Ok(copy(vm, this(&args[0]))), "Return a shallow copy of the dict."),
        MethodDef::new("__reversed__($self, /)", |vm, args| Ok(views::iterator(vm, &args[0], views::KEYS, true)), "Return a reverse iterator over the dict keys."),
        MethodDef::new("__class_getitem__($type, object, /)", crate::types::genericalias::class_getitem, "See PEP 585").class_method(),
    ],
    &[],
)
.with_doc("dict() -> new empty dictionary\ndict(mapping) -> new dictionary initialized from a mapping object's\n    (key, value) pairs\ndict(iterable) -> new dictionary initialized as if via:\n    d = {}\n    for k, v in iterable:\n        d[k] = v\ndict(**kwargs) -> new dictionary initialized with the name=value pairs\n    in the keyword argument list.  For example:  dict(one=1, two=2)");

fn this(object: &Object) -> &Dict {
    // SAFETY: slots and methods of dict are only called on dicts.
    unsafe { object.payload_unchecked() }
}

/// A plain dict with the same entries.
pub fn copy(vm: &Vm, dict: &Dict) -> Object {
    vm.alloc_exact(&DICT, true, dict.copy_payload())
}

fn size(dict: &Object) -> usize {
    crate::alloc::own_size(dict) + this(dict).table_bytes()
}

fn dict_new(vm: &Vm, class: &Type, _args: &[Object], _kwnames: &[Object]) -> Result {
    vm.try_alloc(class, Dict::new_payload()).ok_or_else(|| vm.memory_error())
}

fn dict_init(vm: &Vm, dict: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    update_common(vm, dict, args, kwnames, "dict")
}

fn dict_update(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let Some((dict, rest)) = args.split_first() else {
        return Err(vm.type_error("unbound method dict.update() needs an argument"));
    };
    if dict.downcast::<Dict>().is_none() {
        return Err(vm.type_error(format!(
            "descriptor 'update' for 'dict' objects doesn't apply to a '{}' object",
            dict.ty().name()
        )));
    }
    update_common(vm, dict, rest, kwnames, "update")?;
    Ok(Object::NONE)
}

/// What `dict(...)` and `dict.update(...)` share.
fn update_common(vm: &Vm, dict: &Object, args: &[Object], kwnames: &[Object], what: &str) -> Result<()> {
    let (positional, keywords) = args.split_at(args.len() - kwnames.len());
    if positional.len() > 1 {
        return Err(vm.type_error(format!("{what} expected at most 1 argument, got {}", positional.len())));
    }
    if let Some(other) = positional.first() {
        update(vm, this(dict), other)?;
    }
    for (key, value) in kwnames.iter().zip(keywords) {
        this(dict).set(vm, key, value.clone())?;
    }
    Ok(())
}

/// `dict.update(other)`: a mapping, or an iterable of pairs.
pub fn update(vm: &Vm, dict: &Dict, other: &Object) -> Result<()> {
    if let Some(source) = other.downcast_exact::<Dict>() {
        return dict.merge(vm, source, true);
    }
    if vm.lookup_attr(other, name::keys.object())?.is_some() {
        return merge_mapping(vm, dict, other, true);
    }
    update_from_pairs(vm, dict, other)
}

/// `dict[k] = other[k] for k in other.keys()`.
pub fn merge_mapping(vm: &Vm, dict: &Dict, other: &Object, replace: bool) -> Result<()> {
    if let Some(source) = other.downcast::<Dict>()
        && vm.iterates_natively(other, &DICT)
    {
        return dict.merge(vm, source, replace);
    }
    let keys = mapping_keys(vm, other)?;
    for key in keys {
        if !replace && dict.contains(vm, &key)? {
            continue;
        }
        let value = vm.get_item(other, &key)?;
        dict.set(vm, &key, value)?;
    }
    Ok(())
}

/// The keys of any mapping, by its `keys` method.
pub fn mapping_keys(vm: &Vm, mapping: &Object) -> Result<Vec<Object>> {
    mapping_list(vm, mapping, "keys")
}

/// `list(mapping.method())`.
pub fn mapping_list(vm: &Vm, mapping: &Object, method: &str) -> Result<Vec<Object>> {
    let result = vm.call_method(mapping, method, &[])?;
    if result.downcast_exact::<List>().is_some() {
        return vm.collect(&result);
    }
    let iterator = match vm.iter(&result) {
        Ok(iterator) => iterator,
        Err(raised) if vm.raised_is(&exc::TYPE_ERROR) => {
            drop(vm.caught(raised));
            return Err(vm.type_error(format!(
                "{}.{method}() returned a non-iterable (type {})",
                mapping.ty().name(),
                result.ty().name()
            )));
        }
        Err(raised) => return Err(raised),
    };
    vm.collect(&iterator)
}

/// `for k, v in pairs: dict[k] = v`.
pub fn update_from_pairs(vm: &Vm, dict: &Dict, pairs: &Object) -> Result<()> {
    let iterator = vm.iter(pairs)?;
    let mut i = 0;
    while let Some(item) = vm.next(&iterator)? {
        let (key, value) = pair(vm, &item, i)?;
        dict.set(vm, &key, value)?;
        i += 1;
    }
    Ok(())
}

fn pair(vm: &Vm, item: &Object, i: usize) -> Result<(Object, Object)> {
    let wrong = |n: usize| {
        vm.value_error(format!("dictionary update sequence element #{i} has length {n}; 2 is required"))
    };
    if let Some(tuple) = item.downcast_exact::<Tuple>() {
        return match tuple.items() {
            [key, value] => Ok((key.clone(), value.clone())),
            items => Err(wrong(items.len())),
        };
    }
    let mut items = match sequence_items(vm, item) {
        Ok(items) => items,
        Err(raised) if vm.raised_is(&exc::TYPE_ERROR) => {
            let exception = vm.caught(raised);
            let note = format!("Cannot convert dictionary update sequence element #{i} to a sequence");
            vm.call_method(&exception, "add_note", &[vm.str(&note)])?;
            return Err(vm.raise(exception));
        }
        Err(raised) => return Err(raised),
    };
    if items.len() != 2 {
        return Err(wrong(items.len()));
    }
    match (items.pop(), items.pop()) {
        (Some(value), Some(key)) => Ok((key, value)),
        _ => Err(wrong(0)),
    }
}

fn sequence_items(vm: &Vm, item: &Object) -> Result<Vec<Object>> {
    if item.downcast::<List>().is_some() {
        return vm.collect(item);
    }
    match vm.iter(item) {
        Ok(iterator) => vm.collect(&iterator),
        Err(raised) if vm.raised_is(&exc::TYPE_ERROR) => {
            drop(vm.caught(raised));
            Err(vm.type_error("object is not iterable"))
        }
        Err(raised) => Err(raised),
    }
}

fn dict_getitem(vm: &Vm, dict: &Object, key: &Object) -> Result {
    if let Some(value) = this(dict).get(vm, key)? {
        return Ok(value);
    }
    if !dict.ty().is(&DICT)
        && let Some(value) = vm.call_special(dict, name::missing.object(), std::slice::from_ref(key))?
    {
        return Ok(value);
    }
    Err(vm.key_error(key))
}

fn dict_setitem(vm: &Vm, dict: &Object, key: &Object, value: Option<&Object>) -> Result<()> {
    match value {
        Some(value) => this(dict).set(vm, key, value.clone()),
        None => match this(dict).remove(vm, key)? {
            Some(old) => {
                drop(old);
                Ok(())
            }
            None => Err(vm.key_error(key)),
        },
    }
}

/// Parses its arguments itself: it is called more often than anything else.
fn dict_get(vm: &Vm, args: &[Object]) -> Result {
    Ok(this(&args[0]).get(vm, &args[1])?.unwrap_or_else(|| args[2].clone()))
}

fn dict_setdefault(vm: &Vm, args: &[Object]) -> Result {
    this(&args[0]).set_default(vm, &args[1], &args[2])
}

fn dict_pop(vm: &Vm, args: &[Object]) -> Result {
    let dict = this(&args[0]);
    if !dict.is_empty()
        && let Some(value) = dict.remove(vm, &args[1])?
    {
        return Ok(value);
    }
    match args[2].bound() {
        Some(default) => Ok(default.clone()),
        None => Err(vm.key_error(&args[1])),
    }
}

fn dict_popitem(vm: &Vm, args: &[Object]) -> Result {
    match this(&args[0]).pop_last() {
        Some((key, value)) => Ok(vm.tuple(vec![key, value])),
        None => Err(vm.key_error(&vm.str("popitem(): dictionary is empty"))),
    }
}

fn dict_fromkeys(vm: &Vm, args: &[Object]) -> Result {
    let value = &args[2];
    let result = vm.call(&args[0], &[])?;
    if let Some(dict) = result.downcast_exact::<Dict>() {
        if let Some(source) = args[1].downcast_exact::<Dict>()
            && dict.is_empty()
        {
            dict.reserve(source.len());
        }
        // Sets know the hashes.
        if let Some(set) = crate::types::set::SetObject::of(&args[1])
            && (args[1].ty().is(&crate::types::set::SET) || args[1].ty().is(&crate::types::set::FROZENSET))
        {
            let mut position = 0;
            while let Some((key, hash)) = set.next_entry(&mut position) {
                dict.set_with_hash(vm, &key, hash, value.clone())?;
            }
            return Ok(result);
        }
        let iterator = vm.iter(&args[1])?;
        while let Some(key) = vm.next(&iterator)? {
            dict.set(vm, &key, value.clone())?;
        }
        return Ok(result);
    }
    let iterator = vm.iter(&args[1])?;
    while let Some(key) = vm.next(&iterator)? {
        vm.set_item(&result, &key, value)?;
    }
    Ok(result)
}

fn dict_or(vm: &Vm, a: &Object, b: &Object) -> Result {
    let (Some(x), Some(_)) = (a.downcast::<Dict>(), b.downcast::<Dict>()) else {
        return Ok(Object::NOT_IMPLEMENTED);
    };
    let result = copy(vm, x);
    update(vm, this(&result), b)?;
    Ok(result)
}

fn dict_ior(vm: &Vm, a: &Object, b: &Object) -> Result {
    update(vm, this(a), b)?;
    Ok(a.clone())
}

fn dict_compare(vm: &Vm, a: &Object, b: &Object, op: CompareOp) -> Result {
    let (Some(x), Some(y)) = (a.downcast::<Dict>(), b.downcast::<Dict>()) else {
        return Ok(Object::NOT_IMPLEMENTED);
    };
    match op {
        CompareOp::Eq => dicts_equal(vm, x, y).map(Object::bool),
        CompareOp::Ne => dicts_equal(vm, x, y).map(|same| Object::bool(!same)),
        _ => Ok(Object::NOT_IMPLEMENTED),
    }
}

/// Same keys, equal values.
pub fn dicts_equal(vm: &Vm, a: &Dict, b: &Dict) -> Result<bool> {
    if a.len() != b.len() {
        return Ok(false);
    }
    let mut pos = 0;
    loop {
        let Some(entry) = a.entries().get(pos).copied() else { return Ok(true) };
        pos += 1;
        if entry.key.is_unbound() {
            continue;
        }
        // SAFETY: a live entry; owned while the comparison may run Python code.
        let (key, value) = unsafe { (Object::from_borrowed(entry.key), Object::from_borrowed(entry.value)) };
        let Some(other) = b.get_with_hash(vm, &key, entry.hash)? else { return Ok(false) };
        if !vm.equal(&value, &other)? {
            return Ok(false);
        }
    }
}

fn dict_repr(vm: &Vm, dict: &Object) -> Result {
    let d = this(dict);
    if d.is_empty() {
        return Ok(vm.intern("{}"));
    }
    let Some(_guard) = vm.enter_repr(dict) else { return Ok(vm.intern("{...}")) };
    let mut out = str::Builder::new();
    out.push_str("{");
    let (mut pos, mut first) = (0, true);
    while let Some((key, value)) = d.next_entry(&mut pos) {
        if !first {
            out.push_str(", ");
        }
        first = false;
        out.push_object(&vm.repr(&key)?);
        out.push_str(": ");
        out.push_object(&vm.repr(&value)?);
    }
    out.push_str("}");
    Ok(out.finish(vm))
}
