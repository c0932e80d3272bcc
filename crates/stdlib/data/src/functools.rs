//! `_functools`: reduce, cmp_to_key and partial with its Placeholder. The
//! cache behind `functools.lru_cache` is in `lru_cache`.

use crate::lru_cache;
use std::cell::Cell;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, has_no_attributes, readonly_member, this};
use taipan_runtime::types::cell::ObjectCell;
use taipan_runtime::types::genericalias::class_getitem;
use taipan_runtime::types::object::{OBJECT, get_dict, set_dict};
use taipan_runtime::types::{function, tuple, typ};

/// The module.
pub static FUNCTOOLS: ModuleDef = ModuleDef {
    name: "_functools",
    doc: "Tools that operate on functions.",
    functions: &[
        MethodDef::new("cmp_to_key(mycmp)", cmp_to_key, "Convert a cmp= function into a key= function."),
        MethodDef::new(
            "reduce(function, iterable, /, initial=<unrepresentable>)",
            reduce,
            "Apply a function of two arguments cumulatively to the items of an iterable, from left to right.\n\nThis effectively reduces the iterable to a single value.",
        ),
    ],
    types: &[&PARTIAL, &PLACEHOLDER_TYPE, &lru_cache::LRU_CACHE_WRAPPER],
    init: Some(|vm, module| {
        typ::ready(vm, &KEY_WRAPPER);
        vm.set_attr_str(module, "Placeholder", &placeholder(vm))
    }),
};

// ---- reduce ---------------------------------------------------------------------------

fn reduce(vm: &Vm, args: &[Object]) -> Result {
    let (function, iterable) = (&args[0], &args[1]);
    let iterator = match vm.iter(iterable) {
        Ok(iterator) => iterator,
        Err(_) if vm.raised_is(&exc::TYPE_ERROR) => {
            drop(vm.take_raised());
            return Err(vm.type_error("reduce() arg 2 must support iteration"));
        }
        Err(raised) => return Err(raised),
    };
    let mut result = args[2].clone();
    while let Some(item) = vm.next(&iterator)? {
        result = if result.is_unbound() { item } else { vm.call(function, &[result, item])? };
    }
    if result.is_unbound() {
        return Err(vm.type_error("reduce() of empty iterable with no initial value"));
    }
    Ok(result)
}

// ---- cmp_to_key -----------------------------------------------------------------------

/// Payload of KeyWrapper: a key that compares by a function.
pub struct KeyWrapper {
    compare: ObjectCell,
    object: ObjectCell,
}

impl NativeClass for KeyWrapper {
    fn class() -> &'static Type {
        &KEY_WRAPPER
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.compare.traverse(visitor);
        self.object.traverse(visitor);
    }
    fn clear(&self) {
        self.compare.clear();
        self.object.clear();
    }
}

pub static KEY_WRAPPER: Type = Type::new::<KeyWrapper>(
    "functools.KeyWrapper",
    &OBJECT,
    type_flags::HAVE_GC | type_flags::DISALLOW_INSTANTIATION,
    Slots {
        call: Some(key_call),
        compare: Some(key_compare),
        hash: Some(taipan_runtime::slots::hash_unhashable),
        ..Slots::EMPTY
    },
    &[],
    &[
        GetSetDef::new("obj", |vm, object| {
            let this = this::<KeyWrapper>(object);
            match this.object.bound() {
                Some(found) => Ok(found),
                None => Err(vm.no_attribute(object, &vm.intern("obj"))),
            }
        })
        .with_set(|_, object, value| {
            this::<KeyWrapper>(object).object.set_option(value.cloned());
            Ok(())
        })
        .with_doc("Value wrapped by a key function."),
        GetSetDef::new("__text_signature__", |vm, _| Ok(vm.intern("(obj)"))),
    ],
);

fn cmp_to_key(vm: &Vm, args: &[Object]) -> Result {
    allocate(
        vm,
        &KEY_WRAPPER,
        KeyWrapper { compare: ObjectCell::new(args[0].clone()), object: ObjectCell::EMPTY },
    )
}

static KEY_SIG: Sig = Sig::new("K(obj)");

fn key_call(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result {
    let value = match args {
        [value] if kwnames.is_empty() => value.clone(),
        _ => KEY_SIG.bind(vm, args, kwnames)?.first().cloned().unwrap_or(Object::NONE),
    };
    let compare = ObjectCell::new(this::<KeyWrapper>(object).compare.get());
    allocate(vm, &KEY_WRAPPER, KeyWrapper { compare, object: ObjectCell::new(value) })
}

fn key_compare(vm: &Vm, a: &Object, b: &Object, op: CompareOp) -> Result {
    let (Some(x), Some(y)) = (a.downcast::<KeyWrapper>(), b.downcast::<KeyWrapper>()) else {
        return Err(vm.type_error("other argument must be K instance"));
    };
    let (Some(p), Some(q)) = (x.object.bound(), y.object.bound()) else {
        return Err(vm.error(&exc::ATTRIBUTE_ERROR, "object"));
    };
    let answer = vm.call(&x.compare.get(), &[p, q])?;
    vm.compare(&answer, &vm.int(0), op)
}

// ---- Placeholder ----------------------------------------------------------------------

/// Payload of the one Placeholder.
pub struct Placeholder;

impl NativeClass for Placeholder {
    fn class() -> &'static Type {
        &PLACEHOLDER_TYPE
    }
}

pub static PLACEHOLDER_TYPE: Type = Type::new::<Placeholder>(
    "functools._PlaceholderType",
    &OBJECT,
    0,
    Slots { new: Some(placeholder_new), ..Slots::EMPTY.repr(|vm, _| Ok(vm.intern("Placeholder"))) },
    &[MethodDef::new("__reduce__($self, /)", |vm, _| Ok(vm.intern("Placeholder")), "")],
    &[],
)
.with_doc("The type of the Placeholder singleton.\n\nUsed as a placeholder for partial arguments.");

/// The Placeholder of this interpreter.
fn placeholder(vm: &Vm) -> Object {
    match vm.shared("functools.Placeholder") {
        Some(found) => found,
        None => {
            let made = vm.alloc(&PLACEHOLDER_TYPE, Placeholder);
            vm.share("functools.Placeholder", made.clone());
            made
        }
    }
}

fn is_placeholder(object: &Object) -> bool {
    object.downcast_exact::<Placeholder>().is_some()
}

fn placeholder_new(vm: &Vm, _class: &Type, args: &[Object], _kwnames: &[Object]) -> Result {
    if !args.is_empty() {
        return Err(vm.type_error("PlaceholderType takes no arguments"));
    }
    Ok(placeholder(vm))
}

// ---- partial --------------------------------------------------------------------------

/// Payload of partial.
pub struct Partial {
    function: ObjectCell,
    /// A tuple.
    args: ObjectCell,
    /// A dict.
    keywords: ObjectCell,
    /// How many of `args` are Placeholders.
    holes: Cell<usize>,
}

impl NativeClass for Partial {
    fn class() -> &'static Type {
        &PARTIAL
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.function.traverse(visitor);
        self.args.traverse(visitor);
        self.keywords.traverse(visitor);
    }
    fn clear(&self) {
        self.function.clear();
        self.args.clear();
        self.keywords.clear();
    }
}

pub static PARTIAL: Type = Type::new::<Partial>(
    "functools.partial",
    &OBJECT,
    type_flags::BASE | type_flags::HAVE_GC | type_flags::WEAKREFABLE,
    Slots {
        new: Some(partial_new),
        call: Some(partial_call),
        descr_get: Some(|vm, partial, object, _| match object {
            Some(object) if !object.is_none() => Ok(function::new_method(vm, partial.clone(), object.clone())),
            _ => Ok(partial.clone()),
        }),
        ..Slots::EMPTY.repr(partial_repr)
    },
    &[
        MethodDef::new("__reduce__($self, /)", partial_reduce, ""),
        MethodDef::new("__setstate__($self, object, /)", partial_setstate, ""),
        MethodDef::new("__class_getitem__($type, object, /)", class_getitem, "See PEP 585").class_method(),
    ],
    &[
        GetSetDef::new("func", |_, o| Ok(this::<Partial>(o).function.or_none()))
            .with_set(readonly_member)
            .with_doc("function object to use in future partial calls"),
        GetSetDef::new("args", |_, o| Ok(this::<Partial>(o).args.or_none()))
            .with_set(readonly_member)
            .with_doc("tuple of arguments to future partial calls"),
        GetSetDef::new("keywords", |_, o| Ok(this::<Partial>(o).keywords.or_none()))
            .with_set(readonly_member)
            .with_doc("dictionary of keyword arguments to future partial calls"),
        GetSetDef::new("__dict__", get_dict).with_set(set_dict),
    ],
)
.with_dict()
.with_doc("partial(func, /, *args, **keywords)\n--\n\nCreate a new function with partial application of the given arguments\nand keywords.");

fn items(tuple: &Object) -> &[Object] {
    tuple.downcast::<Tuple>().map_or(&[], |t| t.items())
}

fn partial_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let nargs = args.len() - kwnames.len();
    if nargs < 1 {
        return Err(vm.type_error("type 'partial' takes at least one argument"));
    }
    let mut function = args[0].clone();
    if !vm.is_callable(&function) {
        return Err(vm.type_error("the first argument must be callable"));
    }
    let (given, values) = args[1..].split_at(nargs - 1);
    if given.last().is_some_and(is_placeholder) {
        return Err(vm.type_error("trailing Placeholders are not allowed"));
    }
    if values.iter().any(is_placeholder) {
        return Err(vm.type_error("Placeholder cannot be passed as a keyword argument"));
    }
    // A partial of a plain partial is one partial.
    let inner = function.clone();
    let inner = inner.downcast::<Partial>().filter(|_| {
        inner.ty().slots().call.map(|f| f as usize)
            == Some(partial_call as taipan_runtime::ty::CallFn as usize)
            && has_no_attributes(vm, &inner)
    });
    let mut all = Vec::new();
    let keywords = vm.new_dict();
    let Some(merged) = keywords.downcast::<Dict>() else { return Ok(Object::NONE) };
    let mut given = given.iter();
    if let Some(inner) = inner {
        function = inner.function.get();
        let own = inner.args.get();
        all.reserve(items(&own).len() + given.len());
        for item in items(&own) {
            if is_placeholder(item)
                && let Some(next) = given.next()
            {
                all.push(next.clone());
            } else {
                all.push(item.clone());
            }
        }
        let own = inner.keywords.get();
        if let Some(own) = own.downcast::<Dict>() {
            merged.merge(vm, own, true)?;
        }
    }
    all.extend(given.cloned());
    for (key, value) in kwnames.iter().zip(values) {
        merged.set(vm, key, value.clone())?;
    }
    let holes = all.iter().filter(|item| is_placeholder(item)).count();
    let payload = Partial {
        function: ObjectCell::new(function),
        args: ObjectCell::new(vm.tuple(all)),
        keywords: ObjectCell::new(keywords),
        holes: Cell::new(holes),
    };
    allocate(vm, class, payload)
}

fn partial_call(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result {
    let this = this::<Partial>(object);
    let function = this.function.get();
    let own = this.args.get();
    let own = items(&own);
    let keywords = this.keywords.get();
    let keywords = keywords.downcast::<Dict>().filter(|d| !d.is_empty());
    let (mut given, values) = args.split_at(args.len() - kwnames.len());
    if own.is_empty() && keywords.is_none() {
        return vm.call_kw(&function, args, kwnames);
    }
    let holes = this.holes.get();
    if given.len() < holes {
        return Err(vm.type_error(format!(
            "missing positional arguments in 'partial' call; expected at least {holes}, got {}",
            given.len()
        )));
    }
    let mut all = Vec::with_capacity(own.len() + args.len() + keywords.map_or(0, |d| d.len()));
    if holes == 0 {
        all.extend_from_slice(own);
    } else {
        for item in own {
            match given.split_first() {
                Some((first, rest)) if is_placeholder(item) => {
                    all.push(first.clone());
                    given = rest;
                }
                _ => all.push(item.clone()),
            }
        }
    }
    all.extend_from_slice(given);
    let Some(keywords) = keywords else {
        all.extend_from_slice(values);
        return vm.call_kw(&function, &all, kwnames);
    };
    // Ours first, in their places even where the caller's take over.
    let mut names = Vec::with_capacity(keywords.len() + kwnames.len());
    let mut taken = vec![false; kwnames.len()];
    for (key, value) in keywords.items() {
        let position = kwnames.iter().position(|name| name.is(key.value()) || vm.str_equal(name, &key));
        match position {
            Some(i) => {
                taken[i] = true;
                all.push(values[i].clone());
            }
            None => all.push(value),
        }
        if key.downcast::<Str>().is_none() {
            return Err(vm.type_error("keywords must be strings"));
        }
        names.push(key);
    }
    for (i, name) in kwnames.iter().enumerate().filter(|(i, _)| !taken[*i]) {
        names.push(name.clone());
        all.push(values[i].clone());
    }
    vm.call_kw(&function, &all, &names)
}

fn partial_repr(vm: &Vm, object: &Object) -> Result {
    let Some(_guard) = vm.enter_repr(object) else { return Ok(vm.intern("...")) };
    let this = this::<Partial>(object);
    let class = object.ty().to_object();
    let mut out = taipan_runtime::types::str::Builder::new();
    let module = vm.get_attr_str(&class, "__module__")?;
    out.push_object(&vm.str_of(&module)?);
    out.push_str(".");
    out.push_object(&vm.str_of(&vm.get_attr_str(&class, "__qualname__")?)?);
    out.push_str("(");
    let (function, args, keywords) = (this.function.get(), this.args.get(), this.keywords.get());
    out.push_object(&vm.repr(&function)?);
    for item in items(&args) {
        out.push_str(", ");
        out.push_object(&vm.repr(item)?);
    }
    if let Some(keywords) = keywords.downcast::<Dict>() {
        for (key, value) in keywords.items() {
            out.push_str(", ");
            out.push_object(&vm.str_of(&key)?);
            out.push_str("=");
            out.push_object(&vm.repr(&value)?);
        }
    }
    out.push_str(")");
    Ok(out.finish(vm))
}

fn partial_reduce(vm: &Vm, args: &[Object]) -> Result {
    let this = this::<Partial>(&args[0]);
    let dict = if has_no_attributes(vm, &args[0]) { Object::NONE } else { get_dict(vm, &args[0])? };
    let function = this.function.or_none();
    let state = tuple::from_array(vm, [function.clone(), this.args.or_none(), this.keywords.or_none(), dict]);
    let new_args = tuple::from_array(vm, [function]);
    Ok(tuple::from_array(vm, [args[0].ty().to_object(), new_args, state]))
}

fn partial_setstate(vm: &Vm, args: &[Object]) -> Result {
    let invalid = || vm.type_error("invalid partial state");
    let Some(state) = args[1].downcast::<Tuple>() else { return Err(invalid()) };
    let [function, own, keywords, dict] = state.items() else { return Err(invalid()) };
    if !vm.is_callable(function)
        || own.downcast::<Tuple>().is_none()
        || (!keywords.is_none() && keywords.downcast::<Dict>().is_none())
    {
        return Err(invalid());
    }
    if items(own).last().is_some_and(is_placeholder) {
        return Err(vm.type_error("trailing Placeholders are not allowed"));
    }
    let own =
        if own.downcast_exact::<Tuple>().is_some() { own.clone() } else { tuple::from_slice(vm, items(own)) };
    let keywords = match keywords.downcast::<Dict>() {
        None => vm.new_dict(),
        Some(_) if keywords.downcast_exact::<Dict>().is_some() => keywords.clone(),
        Some(d) => {
            let copy = vm.new_dict();
            if let Some(c) = copy.downcast::<Dict>() {
                c.merge(vm, d, true)?;
            }
            copy
        }
    };
    let this = this::<Partial>(&args[0]);
    this.holes.set(items(&own).iter().filter(|item| is_placeholder(item)).count());
    this.function.set(function.clone());
    this.args.set(own);
    this.keywords.set(keywords);
    if dict.is_none() {
        taipan_runtime::lookup::set_instance_dict(vm, &args[0], vm.new_dict());
    } else {
        set_dict(vm, &args[0], Some(dict))?;
    }
    Ok(Object::NONE)
}
