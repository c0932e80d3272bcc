//! `_contextvars`: context variables and the contexts that hold their values.
//!
//! A context keeps its values in a dict that copies share until one of them
//! changes; copying a context is therefore quick. The current context is in the
//! thread state; a thread that has none gets one when a variable is set.

use std::cell::Cell;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, this};
use taipan_runtime::types::cell::ObjectCell;
use taipan_runtime::types::genericalias::class_getitem;
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::{dict, typ};

/// The module.
pub static CONTEXTVARS: ModuleDef = ModuleDef {
    name: "_contextvars",
    doc: "Context Variables",
    functions: &[MethodDef::new("copy_context()", |vm, _| copy_of(vm, &current(vm)?), "")],
    types: &[&CONTEXT, &CONTEXT_VAR, &TOKEN],
    init: Some(|vm, _| {
        for ty in [&MISSING_TYPE, &KEYS, &VALUES, &ITEMS] {
            typ::ready(vm, ty);
        }
        TOKEN.dict().set_text(vm, "MISSING", missing(vm));
        TOKEN.modified();
        Ok(())
    }),
};

// ---- Context --------------------------------------------------------------------------

/// Payload of Context.
pub struct Context {
    /// A dict from variables to values.
    values: ObjectCell,
    /// Does no other context share `values`?
    owned: Cell<bool>,
    entered: Cell<bool>,
}

impl NativeClass for Context {
    fn class() -> &'static Type {
        &CONTEXT
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.values.traverse(visitor);
    }
    fn clear(&self) {
        self.values.clear();
    }
}

/// `Context`.
pub static CONTEXT: Type = Type::new::<Context>(
    "_contextvars.Context",
    &OBJECT,
    type_flags::HAVE_GC | type_flags::WEAKREFABLE,
    Slots {
        new: Some(context_new),
        hash: Some(taipan_runtime::slots::hash_unhashable),
        compare: Some(context_compare),
        len: Some(|_, o| Ok(pairs(o).len())),
        getitem: Some(|vm, o, key| match context_get(vm, o, key)? {
            Some(found) => Ok(found),
            None => Err(vm.key_error(key)),
        }),
        contains: Some(|vm, o, key| Ok(context_get(vm, o, key)?.is_some())),
        ..Slots::EMPTY.iter(|vm, o| view(vm, &KEYS, o))
    },
    &[
        MethodDef::new(
            "get($self, key, default=None, /)",
            |vm, args| Ok(context_get(vm, &args[0], &args[1])?.unwrap_or_else(|| args[2].clone())),
            "Return the value for `key` if `key` has the value in the context object.\n\nIf `key` does not exist, return `default`. If `default` is not given,\nreturn None.",
        ),
        MethodDef::new(
            "items($self, /)",
            |vm, args| view(vm, &ITEMS, &args[0]),
            "Return all variables and their values in the context object.\n\nThe result is returned as a list of 2-tuples (variable, value).",
        ),
        MethodDef::new(
            "keys($self, /)",
            |vm, args| view(vm, &KEYS, &args[0]),
            "Return a list of all variables in the context object.",
        ),
        MethodDef::new(
            "values($self, /)",
            |vm, args| view(vm, &VALUES, &args[0]),
            "Return a list of all variables' values in the context object.",
        ),
        MethodDef::new(
            "copy($self, /)",
            |vm, args| copy_of(vm, &args[0]),
            "Return a shallow copy of the context object.",
        ),
        MethodDef::raw("run($self, callable, /, *args, **kwargs)", context_run, ""),
    ],
    &[],
);

fn new_context(vm: &Vm, values: Object, owned: bool) -> Result {
    let values = ObjectCell::new(values);
    allocate(vm, &CONTEXT, Context { values, owned: Cell::new(owned), entered: Cell::new(false) })
}

fn context_new(vm: &Vm, _class: &Type, args: &[Object], _kwnames: &[Object]) -> Result {
    if !args.is_empty() {
        return Err(vm.type_error("Context() does not accept any arguments"));
    }
    new_context(vm, dict::new(vm), true)
}

/// The thread's context, made if there is none.
fn current(vm: &Vm) -> Result {
    let found = vm.context.borrow().clone();
    if found.downcast::<Context>().is_some() {
        return Ok(found);
    }
    let made = new_context(vm, dict::new(vm), true)?;
    let old = vm.context.replace(made.clone());
    drop(old);
    Ok(made)
}

fn copy_of(vm: &Vm, context: &Object) -> Result {
    let source = this::<Context>(context);
    source.owned.set(false);
    new_context(vm, source.values.get(), false)
}

/// Variables and values now in the context.
fn pairs(context: &Object) -> Vec<(Object, Object)> {
    this::<Context>(context).values.get().downcast::<Dict>().map_or_else(Vec::new, |d| d.items())
}

impl Context {
    fn get(&self, vm: &Vm, variable: &Object) -> Result<Option<Object>> {
        match self.values.get().downcast::<Dict>() {
            Some(values) => values.get(vm, variable),
            None => Ok(None),
        }
    }
    /// Gives the variable a value, or removes it.
    fn set(&self, vm: &Vm, variable: &Object, value: Option<Object>) -> Result<()> {
        if !self.owned.get() {
            let copy = dict::new(vm);
            if let (Some(to), Some(from)) = (copy.downcast::<Dict>(), self.values.get().downcast::<Dict>()) {
                to.merge(vm, from, true)?;
            }
            self.owned.set(true);
            self.values.set(copy);
        }
        let values = self.values.get();
        let Some(values) = values.downcast::<Dict>() else { return Ok(()) };
        match value {
            Some(value) => values.set(vm, variable, value),
            None => values.remove(vm, variable).map(drop),
        }
    }
}

fn context_get(vm: &Vm, context: &Object, key: &Object) -> Result<Option<Object>> {
    if key.downcast::<ContextVar>().is_none() {
        return Err(vm.type_error(format!("a ContextVar key was expected, got {}", vm.repr_text(key)?)));
    }
    this::<Context>(context).get(vm, key)
}

fn context_compare(vm: &Vm, a: &Object, b: &Object, op: CompareOp) -> Result {
    if !matches!(op, CompareOp::Eq | CompareOp::Ne) || b.downcast::<Context>().is_none() {
        return Ok(Object::NOT_IMPLEMENTED);
    }
    let left = pairs(a);
    let mut same = left.len() == pairs(b).len();
    for (variable, value) in left {
        if !same {
            break;
        }
        same = match this::<Context>(b).get(vm, &variable)? {
            Some(other) => vm.equal(&value, &other)?,
            None => false,
        };
    }
    Ok(Object::bool(same == (op == CompareOp::Eq)))
}

fn context_run(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let Some((context, rest)) = args.split_first() else { return Err(vm.type_error("run() needs an argument")) };
    let Some(payload) = context.downcast::<Context>() else {
        return Err(vm.type_error(format!(
            "descriptor 'run' for '_contextvars.Context' objects doesn't apply to a '{}' object",
            context.ty().full_name()
        )));
    };
    if rest.len() <= kwnames.len() {
        return Err(vm.type_error("run() missing 1 required positional argument"));
    }
    if payload.entered.get() {
        let shown = vm.repr_text(context)?;
        return Err(vm.runtime_error(format!("cannot enter context: {shown} is already entered")));
    }
    payload.entered.set(true);
    let previous = vm.context.replace(context.clone());
    let result = vm.call_kw(&rest[0], &rest[1..], kwnames);
    payload.entered.set(false);
    let ended = vm.context.replace(previous);
    if !ended.is(context.value()) {
        drop(vm.context.replace(ended));
        return Err(vm.runtime_error("cannot exit context: thread state references a different context object"));
    }
    result
}

// ---- views ----------------------------------------------------------------------------

/// Payload of the iterators over a context.
pub struct View {
    /// A tuple.
    items: ObjectCell,
    position: Cell<usize>,
}

impl NativeClass for View {
    fn class() -> &'static Type {
        &KEYS
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.items.traverse(visitor);
    }
    fn clear(&self) {
        self.items.clear();
    }
}

const VIEW_SLOTS: Slots = Slots {
    next: Some(view_next),
    len: Some(|_, o| Ok(this::<View>(o).items.get().downcast::<Tuple>().map_or(0, |t| t.len()))),
    ..Slots::EMPTY.iter(|_, o| Ok(o.clone()))
};
const VIEW_FLAGS: u64 = type_flags::HAVE_GC | type_flags::DISALLOW_INSTANTIATION;
static KEYS: Type = Type::new::<View>("keys", &OBJECT, VIEW_FLAGS | type_flags::BASE, VIEW_SLOTS, &[], &[]);
static VALUES: Type = Type::new::<View>("values", &KEYS, VIEW_FLAGS, VIEW_SLOTS, &[], &[]);
static ITEMS: Type = Type::new::<View>("items", &KEYS, VIEW_FLAGS, VIEW_SLOTS, &[], &[]);

fn view(vm: &Vm, class: &'static Type, context: &Object) -> Result {
    let items = pairs(context)
        .into_iter()
        .map(|(variable, value)| {
            if class.is(&KEYS) {
                variable
            } else if class.is(&VALUES) {
                value
            } else {
                vm.tuple(vec![variable, value])
            }
        })
        .collect();
    allocate(vm, class, View { items: ObjectCell::new(vm.tuple(items)), position: Cell::new(0) })
}

fn view_next(_vm: &Vm, object: &Object) -> Result<Option<Object>> {
    let this = this::<View>(object);
    let items = this.items.get();
    let found = items.downcast::<Tuple>().and_then(|t| t.items().get(this.position.get()).cloned());
    this.position.set(this.position.get() + found.is_some() as usize);
    Ok(found)
}

// ---- ContextVar -----------------------------------------------------------------------

/// Payload of ContextVar.
pub struct ContextVar {
    name: ObjectCell,
    default: ObjectCell,
}

impl NativeClass for ContextVar {
    fn class() -> &'static Type {
        &CONTEXT_VAR
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.name.traverse(visitor);
        self.default.traverse(visitor);
    }
    fn clear(&self) {
        self.default.clear();
    }
}

/// `ContextVar`.
pub static CONTEXT_VAR: Type = Type::new::<ContextVar>(
    "_contextvars.ContextVar",
    &OBJECT,
    type_flags::HAVE_GC,
    Slots { new: Some(var_new), ..Slots::EMPTY.repr(var_repr) },
    &[
        MethodDef::new(
            "get($self, default=<unrepresentable>, /)",
            var_get,
            "Return a value for the context variable for the current context.\n\nIf there is no value for the variable in the current context, the method will:\n * return the value of the default argument of the method, if provided; or\n * return the default value for the context variable, if it was created\n   with one; or\n * raise a LookupError.",
        ),
        MethodDef::new(
            "set($self, value, /)",
            var_set,
            "Call to set a new value for the context variable in the current context.\n\nThe required *value* argument is the new value for the context variable.\n\nReturns a Token object that can be used to restore the variable to its previous\nvalue via the `ContextVar.reset()` method.",
        ),
        MethodDef::new(
            "reset($self, token, /)",
            |vm, args| var_reset(vm, &args[0], &args[1]),
            "Reset the context variable.\n\nThe variable is reset to the value it had before the `ContextVar.set()` that\ncreated the token was used.",
        ),
        MethodDef::new("__class_getitem__($type, object, /)", class_getitem, "See PEP 585").class_method(),
    ],
    &[GetSetDef::member("name", |_, o| Ok(this::<ContextVar>(o).name.or_none()))],
);

static VAR_SIG: Sig = Sig::new("ContextVar(name, /, *, default=<unrepresentable>)");

fn var_new(vm: &Vm, _class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let positional = args.len() - kwnames.len();
    if positional > 1 {
        return Err(vm.type_error(format!("ContextVar() takes at most 1 positional argument ({positional} given)")));
    }
    let bound = VAR_SIG.bind(vm, args, kwnames)?;
    if bound[0].downcast::<Str>().is_none() {
        return Err(vm.type_error("context variable name must be a str"));
    }
    let (name, default) = (ObjectCell::new(bound[0].clone()), ObjectCell::new(bound[1].clone()));
    allocate(vm, &CONTEXT_VAR, ContextVar { name, default })
}

fn var_repr(vm: &Vm, object: &Object) -> Result {
    let Some(_guard) = vm.enter_repr(object) else { return Ok(vm.intern("...")) };
    let this = this::<ContextVar>(object);
    let mut out = taipan_runtime::types::str::Builder::new();
    out.push_str("<ContextVar name=");
    out.push_object(&vm.repr(&this.name.get())?);
    if let Some(default) = this.default.bound() {
        out.push_str(" default=");
        out.push_object(&vm.repr(&default)?);
    }
    out.push_str(&format!(" at {:#x}>", object.bits()));
    Ok(out.finish(vm))
}

fn var_get(vm: &Vm, args: &[Object]) -> Result {
    let context = vm.context.borrow().clone();
    if let Some(context) = context.downcast::<Context>()
        && let Some(found) = context.get(vm, &args[0])?
    {
        return Ok(found);
    }
    if let Some(default) = args[1].bound() {
        return Ok(default.clone());
    }
    match this::<ContextVar>(&args[0]).default.bound() {
        Some(default) => Ok(default),
        None => Err(vm.error_with(&exc::LOOKUP_ERROR, vec![args[0].clone()])),
    }
}

fn var_set(vm: &Vm, args: &[Object]) -> Result {
    let context = current(vm)?;
    let payload = this::<Context>(&context);
    let old = payload.get(vm, &args[0])?;
    payload.set(vm, &args[0], Some(args[1].clone()))?;
    let token = Token {
        context: ObjectCell::new(context.clone()),
        variable: ObjectCell::new(args[0].clone()),
        old: ObjectCell::new(old.unwrap_or(Object::UNBOUND)),
        used: Cell::new(false),
    };
    allocate(vm, &TOKEN, token)
}

fn var_reset(vm: &Vm, variable: &Object, token: &Object) -> Result {
    let Some(payload) = token.downcast::<Token>() else {
        return Err(vm.type_error(format!("expected an instance of Token, got {}", vm.repr_text(token)?)));
    };
    check_unused(vm, token)?;
    if !payload.variable.get().is(variable.value()) {
        let shown = vm.repr_text(token)?;
        return Err(vm.value_error(format!("{shown} was created by a different ContextVar")));
    }
    let context = current(vm)?;
    if !payload.context.get().is(context.value()) {
        let shown = vm.repr_text(token)?;
        return Err(vm.value_error(format!("{shown} was created in a different Context")));
    }
    payload.used.set(true);
    this::<Context>(&context).set(vm, variable, payload.old.bound())?;
    Ok(Object::NONE)
}

// ---- Token ----------------------------------------------------------------------------

/// Payload of Token.
pub struct Token {
    context: ObjectCell,
    variable: ObjectCell,
    /// Empty: the variable had no value.
    old: ObjectCell,
    used: Cell<bool>,
}

impl NativeClass for Token {
    fn class() -> &'static Type {
        &TOKEN
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.context.traverse(visitor);
        self.variable.traverse(visitor);
        self.old.traverse(visitor);
    }
    fn clear(&self) {
        self.context.clear();
        self.variable.clear();
        self.old.clear();
    }
}

/// `Token`.
pub static TOKEN: Type = Type::new::<Token>(
    "_contextvars.Token",
    &OBJECT,
    type_flags::HAVE_GC,
    Slots {
        new: Some(|vm, _, _, _| Err(vm.runtime_error("Tokens can only be created by ContextVars"))),
        hash: Some(taipan_runtime::slots::hash_unhashable),
        ..Slots::EMPTY.repr(token_repr)
    },
    &[
        MethodDef::new("__class_getitem__($type, object, /)", class_getitem, "See PEP 585").class_method(),
        MethodDef::new(
            "__enter__($self, /)",
            |vm, args| {
                check_unused(vm, &args[0])?;
                Ok(args[0].clone())
            },
            "Enter into Token context manager.",
        ),
        MethodDef::new(
            "__exit__($self, type, val, tb, /)",
            |vm, args| var_reset(vm, &this::<Token>(&args[0]).variable.get(), &args[0]),
            "Exit from Token context manager, restore the linked ContextVar.",
        ),
    ],
    &[
        GetSetDef::new("var", |_, o| Ok(this::<Token>(o).variable.or_none())),
        GetSetDef::new("old_value", |vm, o| Ok(this::<Token>(o).old.bound().unwrap_or_else(|| missing(vm)))),
    ],
);

fn check_unused(vm: &Vm, token: &Object) -> Result<()> {
    if !this::<Token>(token).used.get() {
        return Ok(());
    }
    let shown = vm.repr_text(token)?;
    Err(vm.runtime_error(format!("{shown} has already been used once")))
}

fn token_repr(vm: &Vm, object: &Object) -> Result {
    let this = this::<Token>(object);
    let mut out = taipan_runtime::types::str::Builder::new();
    out.push_str(if this.used.get() { "<Token used var=" } else { "<Token var=" });
    out.push_object(&vm.repr(&this.variable.or_none())?);
    out.push_str(&format!(" at {:#x}>", object.bits()));
    Ok(out.finish(vm))
}

/// Payload of `Token.MISSING`.
pub struct Missing;

impl NativeClass for Missing {
    fn class() -> &'static Type {
        &MISSING_TYPE
    }
}

static MISSING_TYPE: Type = Type::new::<Missing>(
    "Token.MISSING",
    &OBJECT,
    type_flags::DISALLOW_INSTANTIATION,
    Slots::EMPTY.repr(|vm, _| Ok(vm.intern("<Token.MISSING>"))),
    &[],
    &[],
);

/// `Token.MISSING` of this interpreter.
fn missing(vm: &Vm) -> Object {
    match vm.shared("_contextvars.MISSING") {
        Some(found) => found,
        None => {
            let made = vm.alloc(&MISSING_TYPE, Missing);
            vm.share("_contextvars.MISSING", made.clone());
            made
        }
    }
}
