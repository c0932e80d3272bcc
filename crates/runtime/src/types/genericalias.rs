//! types.GenericAlias: `list[int]`, and the substitution of type parameters
//! that it shares with `typing.Union` (`union.rs`).

use crate::names::name;
use crate::prelude::*;
use crate::types::cell::ObjectCell;
use crate::types::iterators;
use crate::types::{none, object, str, tuple};

/// Payload of types.GenericAlias.
pub struct GenericAlias {
    origin: ObjectCell,
    /// A tuple.
    args: ObjectCell,
    /// A tuple, made when asked for.
    parameters: ObjectCell,
    /// `*tuple[int]`.
    starred: bool,
}

impl NativeClass for GenericAlias {
    fn class() -> &'static Type {
        &GENERIC_ALIAS
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.origin.traverse(visitor);
        self.args.traverse(visitor);
        self.parameters.traverse(visitor);
    }
}

pub static GENERIC_ALIAS: Type = Type::new::<GenericAlias>(
    "types.GenericAlias",
    &object::OBJECT,
    type_flags::BASE | type_flags::HAVE_GC | type_flags::WEAKREFABLE,
    Slots {
        new: Some(alias_new),
        hash: Some(|vm, a| {
            let this = this(a);
            Ok(vm.hash(&this.origin.get())? ^ vm.hash(&this.args.get())?)
        }),
        call: Some(alias_call),
        getattr: Some(alias_getattr),
        compare: Some(alias_compare),
        getitem: Some(alias_getitem),
        ..Slots::EMPTY.repr(alias_repr).iter(alias_iter).binary(BinaryOp::Or, crate::types::union::or_types)
    },
    &[
        MethodDef::new(
            "__mro_entries__($self, bases, /)",
            |vm, args| Ok(vm.tuple(vec![this(&args[0]).origin.get()])),
            "",
        ),
        MethodDef::new(
            "__instancecheck__($self, instance, /)",
            |vm, _| Err(vm.type_error("isinstance() argument 2 cannot be a parameterized generic")),
            "",
        ),
        MethodDef::new(
            "__subclasscheck__($self, cls, /)",
            |vm, _| Err(vm.type_error("issubclass() argument 2 cannot be a parameterized generic")),
            "",
        ),
        MethodDef::new("__reduce__($self, /)", alias_reduce, ""),
        MethodDef::new("__dir__($self, /)", alias_dir, ""),
    ],
    &[
        GetSetDef::member("__origin__", |_, a| Ok(this(a).origin.get())),
        GetSetDef::member("__args__", |_, a| Ok(this(a).args.get())),
        GetSetDef::member("__unpacked__", |_, a| Ok(Object::bool(this(a).starred))),
        GetSetDef::new("__parameters__", |vm, a| parameters(vm, a))
            .with_doc("Type variables in the GenericAlias."),
        GetSetDef::new("__typing_unpacked_tuple_args__", |_, a| {
            let this = this(a);
            Ok(if this.starred && this.origin.value().is(tuple::TUPLE.value()) {
                this.args.get()
            } else {
                Object::NONE
            })
        }),
    ],
)
.with_doc("A class with type arguments, as list[int].");

/// Attributes of the alias itself; all others are the origin's.
const OWN_ATTRIBUTES: [&str; 9] = [
    "__class__",
    "__origin__",
    "__args__",
    "__unpacked__",
    "__parameters__",
    "__typing_unpacked_tuple_args__",
    "__mro_entries__",
    "__reduce_ex__",
    "__reduce__",
];
/// Attributes that are not the origin's either.
const BLOCKED_ATTRIBUTES: [&str; 3] = ["__bases__", "__copy__", "__deepcopy__"];

fn this(object: &Object) -> &GenericAlias {
    // SAFETY: slots and methods of GenericAlias are only called on its instances.
    unsafe { object.payload_unchecked() }
}

/// `origin[args]`; `args` is a tuple or a single argument.
pub fn new(vm: &Vm, origin: &Object, args: &Object) -> Result {
    make(vm, &GENERIC_ALIAS, origin, args, false)
}

/// The `__class_getitem__` of generic native classes.
pub fn class_getitem(vm: &Vm, args: &[Object]) -> Result {
    new(vm, &args[0], &args[1])
}

fn make(vm: &Vm, class: &Type, origin: &Object, args: &Object, starred: bool) -> Result {
    let args = if args.downcast::<Tuple>().is_some() { args.clone() } else { vm.tuple(vec![args.clone()]) };
    let payload = GenericAlias {
        origin: ObjectCell::new(origin.clone()),
        args: ObjectCell::new(args),
        parameters: ObjectCell::EMPTY,
        starred,
    };
    vm.try_alloc(class, payload).ok_or_else(|| vm.memory_error())
}

fn alias_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    if !kwnames.is_empty() {
        return Err(vm.type_error("GenericAlias() takes no keyword arguments"));
    }
    match args {
        [origin, args] => make(vm, class, origin, args, false),
        _ => Err(vm.type_error(format!("GenericAlias expected 2 arguments, got {}", args.len()))),
    }
}

/// Is it `something[...]` of this type?
pub fn is_alias(object: &Object) -> bool {
    object.downcast::<GenericAlias>().is_some()
}

fn items(tuple: &Object) -> &[Object] {
    tuple.downcast::<Tuple>().map_or(&[], |t| t.items())
}

// ---- text --------------------------------------------------------------------------------

/// A type as annotations show it: the name for classes, `...`, else the repr.
pub fn push_type_repr(vm: &Vm, out: &mut str::Builder, ty: &Object) -> Result<()> {
    if ty.is(Value::ELLIPSIS) {
        out.push_str("...");
        return Ok(());
    }
    if ty.value() == none::NONE_TYPE.value() {
        out.push_str("None");
        return Ok(());
    }
    let has_origin = vm.lookup_attr(ty, name::origin.object())?.is_some();
    if !(has_origin && vm.lookup_attr_str(ty, "__args__")?.is_some())
        && let Some(qualname) = vm.lookup_attr(ty, name::qualname.object())?
        && let Some(module) = vm.lookup_attr(ty, name::module.object())?
        && !module.is_none()
    {
        let module = vm.str_of(&module)?;
        if vm.str_lossy(&module) != "builtins" {
            out.push_object(&module);
            out.push_str(".");
        }
        out.push_object(&vm.str_of(&qualname)?);
        return Ok(());
    }
    out.push_object(&vm.repr(ty)?);
    Ok(())
}

fn alias_repr(vm: &Vm, alias: &Object) -> Result {
    let this = this(alias);
    let mut out = str::Builder::new();
    if this.starred {
        out.push_str("*");
    }
    push_type_repr(vm, &mut out, &this.origin.get())?;
    out.push_str("[");
    let args = this.args.get();
    for (i, arg) in items(&args).iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        let Some(list) = arg.downcast_exact::<List>() else {
            push_type_repr(vm, &mut out, arg)?;
            continue;
        };
        out.push_str("[");
        for j in 0..list.len() {
            if j > 0 {
                out.push_str(", ");
            }
            // A repr may have shortened the list.
            let Some(item) = list.get(j) else { return Err(vm.index_error("list index out of range")) };
            push_type_repr(vm, &mut out, &item)?;
        }
        out.push_str("]");
    }
    if items(&args).is_empty() {
        out.push_str("()");
    }
    out.push_str("]");
    Ok(out.finish(vm))
}

// ---- parameters ------------------------------------------------------------------------------

/// The items of a tuple or list.
fn tuple_or_list(object: &Object) -> Option<Vec<Object>> {
    if let Some(tuple) = object.downcast::<Tuple>() {
        return Some(tuple.items().to_vec());
    }
    object.downcast::<List>().map(|list| list.to_vec())
}

fn add_once(out: &mut Vec<Object>, item: &Object) {
    if !out.iter().any(|o| o.value() == item.value()) {
        out.push(item.clone());
    }
}

/// The type variables in type arguments, in order of appearance.
pub fn make_parameters(vm: &Vm, args: &[Object]) -> Result<Vec<Object>> {
    vm.check_native_stack("")?;
    let mut out = Vec::new();
    for arg in args {
        // A bare class's `__parameters__` is a descriptor.
        if Type::of(arg).is_some() {
            continue;
        }
        if vm.lookup_attr(arg, name::typing_subst.object())?.is_some() {
            add_once(&mut out, arg);
            continue;
        }
        match vm.lookup_attr(arg, name::parameters.object())? {
            Some(inner) => items(&inner).iter().for_each(|p| add_once(&mut out, p)),
            None => {
                if let Some(nested) = tuple_or_list(arg) {
                    make_parameters(vm, &nested)?.iter().for_each(|p| add_once(&mut out, p));
                }
            }
        }
    }
    Ok(out)
}

fn parameters(vm: &Vm, alias: &Object) -> Result {
    let this = this(alias);
    if let Some(parameters) = this.parameters.bound() {
        return Ok(parameters);
    }
    let args = this.args.get();
    let made = vm.tuple(make_parameters(vm, items(&args))?);
    this.parameters.set(made.clone());
    Ok(made)
}

/// The arguments of `*tuple[...]`, if that is what `item` is.
fn unpacked_tuple_args(vm: &Vm, item: &Object) -> Result<Option<Object>> {
    if let Some(alias) = item.downcast::<GenericAlias>()
        && alias.starred
        && alias.origin.value().is(tuple::TUPLE.value())
    {
        return Ok(Some(alias.args.get()));
    }
    Ok(vm.lookup_attr(item, name::unpacked.object())?.filter(|args| !args.is_none()))
}

/// The arguments of a subscription, with `*tuple[...]` unpacked.
fn unpack_args(vm: &Vm, item: &Object) -> Result {
    let given = match item.downcast::<Tuple>() {
        Some(tuple) => tuple.items().to_vec(),
        None => vec![item.clone()],
    };
    let mut out = Vec::with_capacity(given.len());
    for arg in given {
        if Type::of(&arg).is_none()
            && let Some(inner) = unpacked_tuple_args(vm, &arg)?
            && let Some(inner) = inner.downcast::<Tuple>()
            && !inner.items().last().is_some_and(|last| last.is(Value::ELLIPSIS))
        {
            out.extend_from_slice(inner.items());
            continue;
        }
        out.push(arg);
    }
    Ok(vm.tuple(out))
}

/// `generic[its own parameters, replaced]`.
fn substitute_in(vm: &Vm, generic: &Object, params: &[Object], values: &[Object]) -> Result {
    let Some(own) = vm.lookup_attr(generic, name::parameters.object())? else {
        return Ok(generic.clone());
    };
    let Some(own) = own.downcast::<Tuple>().filter(|t| !t.is_empty()) else {
        return Ok(generic.clone());
    };
    let mut out = Vec::with_capacity(own.len());
    for param in own.items() {
        match params.iter().position(|p| p.value() == param.value()) {
            Some(i) => {
                // A TypeVarTuple stands for several arguments.
                let iterable = param.ty().slots().unary[UnaryOp::Iter as usize].is_some();
                match values[i].downcast::<Tuple>() {
                    Some(several) if iterable => out.extend_from_slice(several.items()),
                    _ => out.push(values[i].clone()),
                }
            }
            None => out.push(param.clone()),
        }
    }
    vm.get_item(generic, &vm.tuple(out))
}

/// Type arguments `args` with the type variables `params` of `generic` replaced
/// by what `item` says (the subscript of `generic[item]`).
pub fn substitute(
    vm: &Vm,
    generic: &Object,
    args: &[Object],
    params: &[Object],
    item: &Object,
) -> Result<Vec<Object>> {
    vm.check_native_stack("")?;
    if params.is_empty() {
        return Err(vm.type_error(format!("{} is not a generic class", vm.repr_text(generic)?)));
    }
    let mut item = unpack_args(vm, item)?;
    for param in params {
        if let Some(prepare) = vm.lookup_attr(param, name::typing_prepare_subst.object())?
            && !prepare.is_none()
        {
            let given = if item.downcast::<Tuple>().is_some() { item } else { vm.tuple(vec![item]) };
            item = vm.call(&prepare, &[generic.clone(), given])?;
        }
    }
    let values = match item.downcast::<Tuple>() {
        Some(tuple) => tuple.items().to_vec(),
        None => vec![item.clone()],
    };
    if values.len() != params.len() {
        return Err(vm.type_error(format!(
            "Too {} arguments for {}; actual {}, expected {}",
            if values.len() > params.len() { "many" } else { "few" },
            vm.repr_text(generic)?,
            values.len(),
            params.len()
        )));
    }
    let mut out = Vec::with_capacity(args.len());
    for arg in args {
        if Type::of(arg).is_some() {
            out.push(arg.clone());
            continue;
        }
        if let Some(nested) = tuple_or_list(arg) {
            let nested = substitute(vm, generic, &nested, params, &item)?;
            let is_tuple = arg.downcast::<Tuple>().is_some();
            out.push(if is_tuple { vm.tuple(nested) } else { vm.list(nested) });
            continue;
        }
        let unpack = match vm.lookup_attr_str(arg, "__typing_is_unpacked_typevartuple__")? {
            Some(answer) => vm.is_true(&answer)?,
            None => false,
        };
        let replaced = match vm.lookup_attr(arg, name::typing_subst.object())? {
            Some(subst) => match params.iter().position(|p| p.value() == arg.value()) {
                Some(i) => vm.call(&subst, std::slice::from_ref(&values[i]))?,
                None => {
                    return Err(vm.type_error(format!(
                        "argument {} with __typing_subst__ was not found in __parameters__",
                        vm.repr_text(arg)?
                    )));
                }
            },
            None => substitute_in(vm, arg, params, &values)?,
        };
        if !unpack {
            out.push(replaced);
            continue;
        }
        match replaced.downcast::<Tuple>() {
            Some(several) => out.extend_from_slice(several.items()),
            None => {
                return Err(vm.type_error(format!(
                    "expected __typing_subst__ of {} objects to return a tuple, not {}",
                    arg.ty().full_name(),
                    replaced.ty().full_name()
                )));
            }
        }
    }
    Ok(out)
}

fn alias_getitem(vm: &Vm, alias: &Object, item: &Object) -> Result {
    let this = this(alias);
    let params = parameters(vm, alias)?;
    let args = this.args.get();
    let replaced = substitute(vm, alias, items(&args), items(&params), item)?;
    make(vm, &GENERIC_ALIAS, &this.origin.get(), &vm.tuple(replaced), this.starred)
}

// ---- behaviour -----------------------------------------------------------------------------------

fn alias_call(vm: &Vm, alias: &Object, args: &[Object], kwnames: &[Object]) -> Result {
    let made = vm.call_kw(&this(alias).origin.get(), args, kwnames)?;
    match vm.set_attr(&made, name::orig_class.object(), alias) {
        Err(_) if vm.raised_is(&exc::ATTRIBUTE_ERROR) || vm.raised_is(&exc::TYPE_ERROR) => {
            drop(vm.take_raised());
            Ok(made)
        }
        Err(raised) => Err(raised),
        Ok(()) => Ok(made),
    }
}

fn alias_getattr(vm: &Vm, alias: &Object, attr: &Object) -> Result {
    let own = attr.downcast::<Str>().is_none_or(|text| {
        text.as_ascii().is_some_and(|t| BLOCKED_ATTRIBUTES.contains(&t) || OWN_ATTRIBUTES.contains(&t))
    });
    if own {
        return crate::lookup::generic_getattr(vm, alias, attr);
    }
    vm.get_attr(&this(alias).origin.get(), attr)
}

fn alias_compare(vm: &Vm, a: &Object, b: &Object, op: CompareOp) -> Result {
    let (Some(x), Some(y)) = (a.downcast::<GenericAlias>(), b.downcast::<GenericAlias>()) else {
        return Ok(Object::NOT_IMPLEMENTED);
    };
    if op != CompareOp::Eq && op != CompareOp::Ne {
        return Ok(Object::NOT_IMPLEMENTED);
    }
    let equal = x.starred == y.starred
        && vm.equal(&x.origin.get(), &y.origin.get())?
        && vm.equal(&x.args.get(), &y.args.get())?;
    Ok(Object::bool(equal == (op == CompareOp::Eq)))
}

fn alias_reduce(vm: &Vm, args: &[Object]) -> Result {
    let this = this(&args[0]);
    if this.starred {
        let plain = make(vm, &GENERIC_ALIAS, &this.origin.get(), &this.args.get(), false)?;
        let next = iterators::builtin(vm, "next")?;
        let iterator = alias_iter(vm, &plain)?;
        return Ok(vm.tuple(vec![next, vm.tuple(vec![iterator])]));
    }
    let parts = vm.tuple(vec![this.origin.get(), this.args.get()]);
    Ok(vm.tuple(vec![GENERIC_ALIAS.to_object(), parts]))
}

fn alias_dir(vm: &Vm, args: &[Object]) -> Result {
    let names = match vm.call_special(&this(&args[0]).origin.get(), name::dir.object(), &[])? {
        Some(names) => names,
        None => vm.list(Vec::new()),
    };
    let mut names = vm.collect(&names)?;
    for own in OWN_ATTRIBUTES {
        let own = vm.intern(own);
        let mut known = false;
        for name in &names {
            known |= vm.equal(name, &own)?;
        }
        if !known {
            names.push(own);
        }
    }
    Ok(vm.list(names))
}

// ---- *tuple[int] -----------------------------------------------------------------------------------

/// Payload of the iterator that `*alias` steps through: it gives the starred alias once.
pub struct AliasIterator {
    alias: ObjectCell,
}

impl NativeClass for AliasIterator {
    fn class() -> &'static Type {
        &ALIAS_ITERATOR
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.alias.traverse(visitor)
    }
    fn clear(&self) {
        self.alias.clear()
    }
}

pub static ALIAS_ITERATOR: Type = Type::new::<AliasIterator>(
    "generic_alias_iterator",
    &object::OBJECT,
    type_flags::HAVE_GC,
    Slots { next: Some(iterator_next), ..Slots::EMPTY.iter(iterators::itself) },
    &[MethodDef::new("__reduce__($self, /)", iterator_reduce, "")],
    &[],
);

fn alias_iter(vm: &Vm, alias: &Object) -> Result {
    Ok(vm.alloc(&ALIAS_ITERATOR, AliasIterator { alias: ObjectCell::new(alias.clone()) }))
}

fn iterator_payload(object: &Object) -> &AliasIterator {
    // SAFETY: slots and methods of the iterator are only called on it.
    unsafe { object.payload_unchecked() }
}

fn iterator_next(vm: &Vm, iterator: &Object) -> Result<Option<Object>> {
    let alias = iterator_payload(iterator).alias.take();
    if alias.is_unbound() {
        return Ok(None);
    }
    let this = this(&alias);
    make(vm, &GENERIC_ALIAS, &this.origin.get(), &this.args.get(), true).map(Some)
}

fn iterator_reduce(vm: &Vm, args: &[Object]) -> Result {
    let iter = iterators::builtin(vm, "iter")?;
    let source = match iterator_payload(&args[0]).alias.bound() {
        Some(alias) => alias,
        None => vm.tuple(Vec::new()),
    };
    Ok(vm.tuple(vec![iter, vm.tuple(vec![source])]))
}
