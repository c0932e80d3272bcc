//! typing.Union, also known as types.UnionType: `int | str`.

use crate::prelude::*;
use crate::types::cell::ObjectCell;
use crate::types::genericalias::{self, push_type_repr};
use crate::types::set::{self, SetObject};
use crate::types::{iterators, none, object, str};

/// Payload of typing.Union.
pub struct Union {
    /// A tuple, without doubles.
    args: ObjectCell,
    /// A frozenset of the hashable ones.
    hashable: ObjectCell,
    /// A tuple of the others.
    unhashable: ObjectCell,
    /// Type variables, a tuple made when asked for.
    parameters: ObjectCell,
}

impl NativeClass for Union {
    fn class() -> &'static Type {
        &UNION
    }
    fn traverse(&self, visitor: &mut Visitor) {
        for field in [&self.args, &self.hashable, &self.unhashable, &self.parameters] {
            field.traverse(visitor);
        }
    }
}

pub static UNION: Type = Type::new::<Union>(
    "typing.Union",
    &object::OBJECT,
    type_flags::HAVE_GC
        | type_flags::WEAKREFABLE
        | type_flags::DISALLOW_INSTANTIATION
        | type_flags::ONLY_MAPPING,
    Slots {
        hash: Some(union_hash),
        compare: Some(union_compare),
        getitem: Some(union_getitem),
        ..Slots::EMPTY.repr(union_repr).binary(BinaryOp::Or, or_types)
    },
    &[
        MethodDef::new(
            "__mro_entries__($self, bases, /)",
            |vm, args| Err(vm.type_error(format!("Cannot subclass {}", vm.repr_text(&args[0])?))),
            "",
        ),
        MethodDef::new(
            "__class_getitem__($type, object, /)",
            |vm, args| from_args(vm, &args[1]),
            "See PEP 585",
        )
        .class_method(),
    ],
    &[
        GetSetDef::member("__args__", |_, u| Ok(this(u).args.get())),
        GetSetDef::new("__name__", |vm, _| Ok(vm.intern("Union"))).with_doc("Name of the type"),
        GetSetDef::new("__qualname__", |vm, _| Ok(vm.intern("Union"))).with_doc("Qualified name of the type"),
        GetSetDef::new("__origin__", |_, _| Ok(UNION.to_object())).with_doc("Always returns the type"),
        GetSetDef::new("__parameters__", |vm, u| parameters(vm, u))
            .with_doc("Type variables in the types.UnionType."),
    ],
)
.with_doc("Represent a union type\n\nE.g. for int | str");

fn this(object: &Object) -> &Union {
    // SAFETY: slots and methods of Union are only called on unions.
    unsafe { object.payload_unchecked() }
}

fn items(tuple: &Object) -> &[Object] {
    tuple.downcast::<Tuple>().map_or(&[], |t| t.items())
}

/// The members of a union as a tuple; None if it is none.
pub fn args_of(object: &Object) -> Option<Object> {
    object.downcast::<Union>().map(|union| union.args.get())
}

/// Collects members: flat, without doubles.
struct Builder {
    args: Vec<Object>,
    hashable: Object,
    unhashable: Vec<Object>,
}

impl Builder {
    fn new(vm: &Vm) -> Result<Builder> {
        let hashable = set::frozenset_from(vm, Vec::new())?;
        Ok(Builder { args: Vec::new(), hashable, unhashable: Vec::new() })
    }

    fn add(&mut self, vm: &Vm, member: &Object) -> Result<()> {
        if member.is_none() {
            return self.add_unchecked(vm, &none::NONE_TYPE.to_object());
        }
        if let Some(members) = args_of(member) {
            for member in items(&members) {
                self.add_unchecked(vm, member)?;
            }
            return Ok(());
        }
        if member.downcast::<Str>().is_some() {
            let import = iterators::builtin(vm, "__import__")?;
            let module = vm.call(&import, &[vm.intern("annotationlib")])?;
            let reference = vm.call_method(&module, "ForwardRef", std::slice::from_ref(member))?;
            return self.add_unchecked(vm, &reference);
        }
        self.add_unchecked(vm, member)
    }

    fn add_unchecked(&mut self, vm: &Vm, member: &Object) -> Result<()> {
        let hash = vm.hash(member);
        match vm.swallow(hash, &exc::TYPE_ERROR)? {
            Some(hash) => {
                if let Some(set) = SetObject::of(&self.hashable)
                    && !set.add_hashed(vm, member, hash)?
                {
                    return Ok(());
                }
            }
            None => {
                for known in &self.unhashable {
                    if vm.equal(known, member)? {
                        return Ok(());
                    }
                }
                self.unhashable.push(member.clone());
            }
        }
        self.args.push(member.clone());
        Ok(())
    }

    fn finish(self, vm: &Vm) -> Result {
        match self.args.as_slice() {
            [] => Err(vm.type_error("Cannot take a Union of no types.")),
            [only] => Ok(only.clone()),
            _ => Ok(vm.alloc(
                &UNION,
                Union {
                    args: ObjectCell::new(vm.tuple(self.args)),
                    hashable: ObjectCell::new(self.hashable),
                    unhashable: ObjectCell::new(vm.tuple(self.unhashable)),
                    parameters: ObjectCell::EMPTY,
                },
            )),
        }
    }
}

/// `typing.Union[args]`.
pub fn from_args(vm: &Vm, args: &Object) -> Result {
    let mut builder = Builder::new(vm)?;
    match args.downcast_exact::<Tuple>() {
        Some(tuple) => {
            for member in tuple.items() {
                builder.add(vm, member)?;
            }
        }
        None => builder.add(vm, args)?,
    }
    builder.finish(vm)
}

/// May it stand in `a | b` on its own account?
fn is_unionable(object: &Object) -> bool {
    object.is_none()
        || Type::of(object).is_some()
        || genericalias::is_alias(object)
        || object.ty().full_name() == "typing.TypeAliasType"
}

/// `a | b` of types, generic aliases and unions.
pub fn or_types(vm: &Vm, a: &Object, b: &Object) -> Result {
    let with_union = a.downcast::<Union>().is_some() || b.downcast::<Union>().is_some();
    if !with_union && !(is_unionable(a) && is_unionable(b)) {
        return Ok(Object::NOT_IMPLEMENTED);
    }
    let mut builder = Builder::new(vm)?;
    builder.add(vm, a)?;
    builder.add(vm, b)?;
    builder.finish(vm)
}

fn union_repr(vm: &Vm, union: &Object) -> Result {
    let args = this(union).args.get();
    let mut out = str::Builder::new();
    for (i, arg) in items(&args).iter().enumerate() {
        if i > 0 {
            out.push_str(" | ");
        }
        push_type_repr(vm, &mut out, arg)?;
    }
    Ok(out.finish(vm))
}

fn union_hash(vm: &Vm, union: &Object) -> Result<i64> {
    let unhashable = this(union).unhashable.get();
    let members = items(&unhashable);
    for member in members {
        vm.hash(member)?;
    }
    if !members.is_empty() {
        return Err(vm.type_error(format!(
            "union contains {} unhashable element{}",
            members.len(),
            crate::native::plural(members.len())
        )));
    }
    vm.hash(&this(union).hashable.get())
}

fn union_compare(vm: &Vm, a: &Object, b: &Object, op: CompareOp) -> Result {
    let (Some(x), Some(y)) = (a.downcast::<Union>(), b.downcast::<Union>()) else {
        return Ok(Object::NOT_IMPLEMENTED);
    };
    if op != CompareOp::Eq && op != CompareOp::Ne {
        return Ok(Object::NOT_IMPLEMENTED);
    }
    let equal = vm.equal(&x.hashable.get(), &y.hashable.get())? && {
        let (p, q) = (x.unhashable.get(), y.unhashable.get());
        let mut same = items(&p).len() == items(&q).len();
        for member in items(&p) {
            same = same && vm.contains(&q, member)?;
        }
        same
    };
    Ok(Object::bool(equal == (op == CompareOp::Eq)))
}

fn parameters(vm: &Vm, union: &Object) -> Result {
    let this = this(union);
    if let Some(known) = this.parameters.bound() {
        return Ok(known);
    }
    let args = this.args.get();
    let made = vm.tuple(genericalias::make_parameters(vm, items(&args))?);
    this.parameters.set(made.clone());
    Ok(made)
}

fn union_getitem(vm: &Vm, union: &Object, item: &Object) -> Result {
    let params = parameters(vm, union)?;
    let args = this(union).args.get();
    let replaced = genericalias::substitute(vm, union, items(&args), items(&params), item)?;
    from_args(vm, &vm.tuple(replaced))
}
