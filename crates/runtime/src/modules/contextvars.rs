//! The module `_contextvars`: context variables, contexts, tokens.
//!
//! A context's values lie in a dict. Copies of a context share the dict until
//! one of them changes: then it takes a dict of its own.

use crate::prelude::*;
use crate::types::cell::ObjectCell;
use crate::types::{genericalias, iterators, str};
use std::cell::{Cell, UnsafeCell};

/// The module `_contextvars`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_contextvars",
    doc: "Context Variables",
    functions: &[MethodDef::new("copy_context()", |vm, _| Ok(copy(vm, current(vm))), "")],
    types: &[&CONTEXT, &CONTEXT_VAR, &TOKEN, &TOKEN_MISSING],
    init: Some(init),
};

fn init(vm: &Vm, module: &Object) -> Result<()> {
    let dict = crate::types::module::dict_of(module);
    if let Some(d) = dict.downcast::<Dict>() {
        drop(d.remove_str(&vm.intern("MISSING")));
    }
    let missing = missing(vm);
    crate::sharing::complete(vm, &TOKEN, || TOKEN.dict().set_text(vm, "MISSING", missing));
    Ok(())
}

// ---- contexts -------------------------------------------------------------------------

/// Payload of contexts.
pub struct Context {
    /// ContextVar -> value; shared with copies that have not changed since.
    values: UnsafeCell<Object>,
    entered: Cell<bool>,
}

impl NativeClass for Context {
    fn class() -> &'static Type {
        &CONTEXT
    }
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit_object(self.values());
    }
    fn clear(&self) {
        drop(self.replace_values(Object::NONE));
    }
}

impl Context {
    fn values(&self) -> &Object {
        // SAFETY: replaced only by `replace_values`; callers clone what they
        // keep while Python code may run.
        unsafe { &*self.values.get() }
    }
    fn replace_values(&self, values: Object) -> Object {
        // SAFETY: as above; the old dict dies with the caller's handle.
        unsafe { std::mem::replace(&mut *self.values.get(), values) }
    }
    fn get(&self, vm: &Vm, var: &Object) -> Result<Option<Object>> {
        match self.values().downcast::<Dict>() {
            Some(d) => d.get(vm, var),
            None => Ok(None),
        }
    }
    /// The dict, this context's alone, for a change.
    fn own_values(&self, vm: &Vm) -> Object {
        let values = self.values().clone();
        // One count is the context's, one is `values`.
        if values.header().is_some_and(|header| header.count() == 2) {
            return values;
        }
        let own = match values.downcast::<Dict>() {
            Some(d) => crate::types::dict_methods::copy(vm, d),
            None => vm.new_dict(),
        };
        drop(self.replace_values(own.clone()));
        own
    }
    fn set(&self, vm: &Vm, var: &Object, value: Object) -> Result<()> {
        match self.own_values(vm).downcast::<Dict>() {
            Some(d) => d.set(vm, var, value),
            None => Ok(()),
        }
    }
    fn remove(&self, vm: &Vm, var: &Object) -> Result<()> {
        match self.own_values(vm).downcast::<Dict>() {
            Some(d) => d.remove(vm, var).map(drop),
            None => Ok(()),
        }
    }
}

/// The type `_contextvars.Context`.
pub static CONTEXT: Type = Type::new::<Context>(
    "_contextvars.Context",
    &crate::types::object::OBJECT,
    type_flags::HAVE_GC | type_flags::WEAKREFABLE,
    Slots {
        new: Some(|vm, _, args, _| {
            if !args.is_empty() {
                return Err(vm.type_error("Context() does not accept any arguments"));
            }
            Ok(new_context(vm, vm.new_dict()))
        }),
        hash: Some(crate::slots::hash_unhashable),
        compare: Some(context_compare),
        len: Some(|vm, context| vm.len(this(context).values())),
        getitem: Some(|vm, context, key| {
            check_key(vm, key)?;
            match this(context).get(vm, key)? {
                Some(value) => Ok(value),
                None => Err(vm.key_error(key)),
            }
        }),
        contains: Some(|vm, context, key| {
            check_key(vm, key)?;
            Ok(this(context).get(vm, key)?.is_some())
        }),
        ..Slots::EMPTY.iter(|vm, context| view(vm, context, "keys"))
    },
    &[
        MethodDef::new(
            "get($self, key, default=None, /)",
            |vm, args| {
                check_key(vm, &args[1])?;
                Ok(this(&args[0]).get(vm, &args[1])?.unwrap_or_else(|| args[2].clone()))
            },
            "Return the value for `key` if `key` has the value in the context object.\n\nIf `key` does not exist, return `default`. If `default` is not given,\nreturn None.",
        ),
        MethodDef::new(
            "keys($self, /)",
            |vm, args| view(vm, &args[0], "keys"),
            "Return a list of all variables in the context object.",
        ),
        MethodDef::new(
            "values($self, /)",
            |vm, args| view(vm, &args[0], "values"),
            "Return a list of all variables' values in the context object.",
        ),
        MethodDef::new(
            "items($self, /)",
            |vm, args| view(vm, &args[0], "items"),
            "Return a list of all variables and their values in the context object.",
        ),
        MethodDef::new(
            "copy($self, /)",
            |vm, args| Ok(copy(vm, args[0].clone())),
            "Return a shallow copy of the context object.",
        ),
        MethodDef::raw("run($self, callable, /, *args, **kwargs)", context_run, ""),
    ],
    &[],
);

fn this(context: &Object) -> &Context {
    // SAFETY: only called on contexts.
    unsafe { context.payload_unchecked() }
}

fn new_context(vm: &Vm, values: Object) -> Object {
    vm.alloc(&CONTEXT, Context { values: UnsafeCell::new(values), entered: Cell::new(false) })
}

/// The running thread's context.
pub fn current(vm: &Vm) -> Object {
    let context = vm.context.borrow().clone();
    if !context.is_none() {
        return context;
    }
    let context = new_context(vm, vm.new_dict());
    this(&context).entered.set(true);
    *vm.context.borrow_mut() = context.clone();
    context
}

/// A copy of a context (`copy_context()`).
pub fn copy(vm: &Vm, context: Object) -> Object {
    new_context(vm, this(&context).values().clone())
}

/// Enters a context: it is the thread's until [`leave`].
pub fn enter(vm: &Vm, context: &Object) -> Result {
    if this(context).entered.replace(true) {
        let shown = vm.repr_text(context)?;
        return Err(vm.runtime_error(format!("cannot enter context: {shown} is already entered")));
    }
    let previous = current(vm);
    *vm.context.borrow_mut() = context.clone();
    Ok(previous)
}

/// As `enter`; None if it is no context, or one that is entered already.
pub fn enter_exact(vm: &Vm, context: &Object) -> Option<Object> {
    let free = context.ty().is(&CONTEXT) && !this(context).entered.replace(true);
    free.then(|| std::mem::replace(&mut *vm.context.borrow_mut(), context.clone()))
}

/// Goes back to the context that `enter` returned.
pub fn leave(vm: &Vm, context: &Object, previous: Object) {
    this(context).entered.set(false);
    let old = vm.context.replace(previous);
    drop(old);
}

fn context_run(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let [context, rest @ ..] = args else {
        return Err(vm.type_error("unbound method Context.run() needs an argument"));
    };
    if rest.len() <= kwnames.len() {
        return Err(vm.type_error("run() missing 1 required positional argument"));
    }
    let previous = enter(vm, context)?;
    let result = vm.call_kw(&rest[0], &rest[1..], kwnames);
    let pending = if result.is_err() { vm.take_raised() } else { None };
    leave(vm, context, previous);
    if pending.is_some() {
        vm.restore_raised(pending);
    }
    result
}

fn check_key(vm: &Vm, key: &Object) -> Result<()> {
    if key.ty().is(&CONTEXT_VAR) {
        return Ok(());
    }
    let shown = vm.repr_text(key)?;
    Err(vm.type_error(format!("a ContextVar key was expected, got {shown}")))
}

/// An iterator over what the dict's method gives now.
fn view(vm: &Vm, context: &Object, method: &str) -> Result {
    let values = this(context).values().clone();
    let items = vm.call_method(&values, method, &[])?;
    let items = vm.collect(&items)?;
    Ok(iterators::list_iterator(vm, vm.list(items)))
}

fn context_compare(vm: &Vm, a: &Object, b: &Object, op: CompareOp) -> Result {
    let (Some(x), Some(y)) = (a.downcast::<Context>(), b.downcast::<Context>()) else {
        return Ok(Object::NOT_IMPLEMENTED);
    };
    if !matches!(op, CompareOp::Eq | CompareOp::Ne) {
        return Ok(Object::NOT_IMPLEMENTED);
    }
    let (x, y) = (x.values().clone(), y.values().clone());
    let same = vm.equal(&x, &y)?;
    Ok(Object::bool(same == (op == CompareOp::Eq)))
}

// ---- variables --------------------------------------------------------------------------

/// Payload of context variables.
pub struct ContextVar {
    name: Object,
    /// UNBOUND: none.
    default: ObjectCell,
    /// Where the variable was found last: the version of the dict, and the position there.
    found: Cell<(u32, u32)>,
}

impl NativeClass for ContextVar {
    fn class() -> &'static Type {
        &CONTEXT_VAR
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.default.traverse(visitor);
    }
    fn clear(&self) {
        self.default.clear();
    }
}

/// The type `_contextvars.ContextVar`.
pub static CONTEXT_VAR: Type = Type::new::<ContextVar>(
    "_contextvars.ContextVar",
    &crate::types::object::OBJECT,
    type_flags::HAVE_GC,
    Slots { new: Some(var_new), ..Slots::EMPTY.repr(var_repr) },
    &[
        MethodDef::new(
            "get($self, default=<unrepresentable>, /)",
            |vm, args| match get(vm, &args[0], args[1].bound())? {
                Some(value) => Ok(value),
                None => Err(vm.error_with(&exc::LOOKUP_ERROR, vec![args[0].clone()])),
            },
            "Return a value for the context variable for the current context.\n\nWithout a value there, the default given here, or else that of the\nvariable, is returned; without either a LookupError is raised.",
        ),
        MethodDef::new(
            "set($self, value, /)",
            |vm, args| set(vm, &args[0], args[1].clone()),
            "Call to set a new value for the context variable in the current context.\n\nReturns a Token object that can be used to restore the variable to its\nprevious value via the `ContextVar.reset()` method.",
        ),
        MethodDef::new(
            "reset($self, token, /)",
            |vm, args| {
                reset(vm, &args[0], &args[1])?;
                Ok(Object::NONE)
            },
            "Reset the context variable.\n\nThe variable is restored to the value it had before the `ContextVar.set()`\nthat created the token was used.",
        ),
        MethodDef::new("__class_getitem__($type, object, /)", genericalias::class_getitem, "See PEP 585")
            .class_method(),
    ],
    &[GetSetDef::new("name", |_, var| Ok(var_of(var).name.clone()))],
);

fn var_of(var: &Object) -> &ContextVar {
    // SAFETY: only called on context variables.
    unsafe { var.payload_unchecked() }
}

fn var_new(vm: &Vm, _class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let positional = args.len() - kwnames.len();
    if args.len() > 2 {
        return Err(vm.type_error(format!("ContextVar() takes at most 2 arguments ({} given)", args.len())));
    }
    if positional > 1 {
        return Err(
            vm.type_error(format!("ContextVar() takes at most 1 positional argument ({positional} given)"))
        );
    }
    if positional < 1 {
        return Err(vm.type_error("ContextVar() takes exactly 1 positional argument (0 given)"));
    }
    let default = ObjectCell::EMPTY;
    for (key, value) in kwnames.iter().zip(&args[positional..]) {
        if vm.str_lossy(key) != "default" {
            return Err(vm.type_error(format!(
                "ContextVar() got an unexpected keyword argument '{}'",
                vm.str_lossy(key)
            )));
        }
        default.set(value.clone());
    }
    if args[0].downcast::<Str>().is_none() {
        return Err(vm.type_error("context variable name must be a str"));
    }
    vm.hash(&args[0])?;
    Ok(vm.alloc(&CONTEXT_VAR, ContextVar { name: args[0].clone(), default, found: Cell::default() }))
}

fn var_repr(vm: &Vm, var: &Object) -> Result {
    let this = var_of(var);
    let mut out = str::Builder::new();
    out.push_str("<ContextVar name=");
    out.push_object(&vm.repr(&this.name)?);
    if let Some(default) = this.default.bound() {
        out.push_str(" default=");
        out.push_object(&vm.repr(&default)?);
    }
    out.push_str(&format!(" at {:#x}>", var.bits()));
    Ok(out.finish(vm))
}

/// `var.get(default)`; None if there is neither a value nor a default.
pub fn get(vm: &Vm, var: &Object, default: Option<&Object>) -> Result<Option<Object>> {
    let context = vm.context.borrow();
    let values = context.downcast::<Context>().and_then(|context| context.values().downcast::<Dict>());
    if let Some(values) = values
        && let Some(value) = find(vm, values, var)
    {
        return Ok(Some(value));
    }
    Ok(default.cloned().or_else(|| var_of(var).default.bound()))
}

/// The value of a variable in a dict of a context, where it most likely is at the place
/// of the last time.
fn find(vm: &Vm, values: &Dict, var: &Object) -> Option<Object> {
    let (version, position) = var_of(var).found.get();
    let mut position = position as usize;
    if version == 0 || version != values.version() {
        // Variables are equal to themselves only: no Python code runs.
        position = values.position(vm, var).ok()??;
        var_of(var).found.set((values.version_tag(vm), position as u32));
    }
    // SAFETY: a live entry.
    values.entries().get(position).map(|entry| unsafe { Object::from_borrowed(entry.value) })
}

/// `var.set(value)`: a token.
pub fn set(vm: &Vm, var: &Object, value: Object) -> Result {
    let context = current(vm);
    let old = this(&context).get(vm, var)?;
    this(&context).set(vm, var, value)?;
    let token = Token {
        context: ObjectCell::EMPTY,
        var: ObjectCell::EMPTY,
        old: ObjectCell::EMPTY,
        used: Cell::new(false),
    };
    token.context.set(context);
    token.var.set(var.clone());
    token.old.set_option(old);
    Ok(vm.alloc(&TOKEN, token))
}

/// `var.reset(token)`.
pub fn reset(vm: &Vm, var: &Object, token: &Object) -> Result<()> {
    let Some(t) = token.downcast::<Token>() else {
        let shown = vm.repr_text(token)?;
        return Err(vm.type_error(format!("expected an instance of Token, got {shown}")));
    };
    if t.used.get() {
        let shown = vm.repr_text(token)?;
        return Err(vm.runtime_error(format!("{shown} has already been used once")));
    }
    if t.var.value() != var.value() {
        let shown = vm.repr_text(token)?;
        return Err(vm.value_error(format!("{shown} was created by a different ContextVar")));
    }
    let context = current(vm);
    if t.context.value() != context.value() {
        let shown = vm.repr_text(token)?;
        return Err(vm.value_error(format!("{shown} was created in a different Context")));
    }
    t.used.set(true);
    match t.old.bound() {
        Some(old) => this(&context).set(vm, var, old),
        None => this(&context).remove(vm, var),
    }
}

// ---- tokens --------------------------------------------------------------------------------

/// Payload of tokens.
pub struct Token {
    context: ObjectCell,
    var: ObjectCell,
    /// Empty: there was no value.
    old: ObjectCell,
    used: Cell<bool>,
}

impl NativeClass for Token {
    fn class() -> &'static Type {
        &TOKEN
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.context.traverse(visitor);
        self.var.traverse(visitor);
        self.old.traverse(visitor);
    }
    fn clear(&self) {
        self.context.clear();
        self.var.clear();
        self.old.clear();
    }
}

/// The type `_contextvars.Token`.
pub static TOKEN: Type = Type::new::<Token>(
    "_contextvars.Token",
    &crate::types::object::OBJECT,
    type_flags::HAVE_GC,
    Slots {
        new: Some(|vm, _, _, _| Err(vm.runtime_error("Tokens can only be created by ContextVars"))),
        hash: Some(crate::slots::hash_unhashable),
        ..Slots::EMPTY.repr(token_repr)
    },
    &[
        MethodDef::new(
            "__enter__($self, /)",
            |_, args| Ok(args[0].clone()),
            "Enter into Token context manager.",
        ),
        MethodDef::new(
            "__exit__($self, type, value, traceback, /)",
            |vm, args| {
                reset(vm, &token_of(&args[0]).var.get(), &args[0])?;
                Ok(Object::NONE)
            },
            "Exit from Token context manager, restore the linked ContextVar.",
        ),
        MethodDef::new("__class_getitem__($type, object, /)", genericalias::class_getitem, "See PEP 585")
            .class_method(),
    ],
    &[
        GetSetDef::new("var", |_, token| Ok(token_of(token).var.get())),
        GetSetDef::new("old_value", |vm, token| {
            Ok(token_of(token).old.bound().unwrap_or_else(|| missing(vm)))
        }),
    ],
);

fn token_of(token: &Object) -> &Token {
    // SAFETY: only called on tokens.
    unsafe { token.payload_unchecked() }
}

fn token_repr(vm: &Vm, token: &Object) -> Result {
    let this = token_of(token);
    let mut out = str::Builder::new();
    out.push_str(if this.used.get() { "<Token used var=" } else { "<Token var=" });
    out.push_object(&vm.repr(&this.var.get())?);
    out.push_str(&format!(" at {:#x}>", token.bits()));
    Ok(out.finish(vm))
}

/// Payload of `Token.MISSING`.
pub struct Missing;

impl NativeClass for Missing {
    fn class() -> &'static Type {
        &TOKEN_MISSING
    }
}

/// The type of `Token.MISSING`.
pub static TOKEN_MISSING: Type = Type::new::<Missing>(
    "Token.MISSING",
    &crate::types::object::OBJECT,
    type_flags::DISALLOW_INSTANTIATION,
    Slots::EMPTY.repr(|vm, _| Ok(vm.intern("<Token.MISSING>"))),
    &[],
    &[],
);

fn missing(vm: &Vm) -> Object {
    TOKEN.dict().get_text(vm, "MISSING").unwrap_or_else(|| vm.alloc(&TOKEN_MISSING, Missing))
}
