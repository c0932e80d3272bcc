//! TypeAliasType, which the `type` statement makes, and typing.Generic; also
//! the module `_typing`, which hands them and the type parameters to `typing`.

use crate::prelude::*;
use crate::support::{allocate, this};
use crate::types::cell::ObjectCell;
use crate::types::object::{OBJECT, Plain};
use crate::types::typevars::{
    PARAMSPEC, PARAMSPEC_ARGS, PARAMSPEC_KWARGS, TYPEVAR, TYPEVARTUPLE, caller, check_name, evaluator,
    has_default, is_typevartuple, no_default, unpack, unpacked_iterator,
};
use crate::types::{genericalias, union};

/// The module.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_typing",
    doc: "Primitives and accelerators for the typing module.\n",
    functions: &[MethodDef::new("_idfunc(x, /)", |_, args| Ok(args[0].clone()), "")],
    types: &[
        &TYPEVAR,
        &TYPEVARTUPLE,
        &PARAMSPEC,
        &PARAMSPEC_ARGS,
        &PARAMSPEC_KWARGS,
        &GENERIC,
        &TYPE_ALIAS_TYPE,
        &union::UNION,
    ],
    init: Some(|vm, module| {
        make_generic_ordinary(vm);
        vm.set_attr_str(module, "NoDefault", &no_default(vm))
    }),
};

// ---- TypeAliasType ------------------------------------------------------------------------

/// Payload of TypeAliasType.
pub struct TypeAlias {
    name: Object,
    /// A tuple, or UNBOUND.
    params: Object,
    value: ObjectCell,
    evaluate: ObjectCell,
    module: Object,
}

impl NativeClass for TypeAlias {
    fn class() -> &'static Type {
        &TYPE_ALIAS_TYPE
    }
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit_object(&self.params);
        visitor.visit_object(&self.module);
        self.value.traverse(visitor);
        self.evaluate.traverse(visitor);
    }
    fn clear(&self) {
        self.value.clear();
        self.evaluate.clear();
    }
}

fn readonly(vm: &Vm, _: &Object, _: Option<&Object>) -> Result<()> {
    Err(vm.error(&exc::ATTRIBUTE_ERROR, "readonly attribute"))
}

pub static TYPE_ALIAS_TYPE: Type = Type::new::<TypeAlias>(
    "typing.TypeAliasType",
    &OBJECT,
    type_flags::HAVE_GC | type_flags::WEAKREFABLE,
    Slots {
        new: Some(alias_new),
        getitem: Some(|vm, alias, args| {
            if this::<TypeAlias>(alias).params.is_unbound() {
                return Err(vm.type_error("Only generic type aliases are subscriptable"));
            }
            genericalias::new(vm, alias, args)
        }),
        ..Slots::EMPTY
            .repr(|_, alias| Ok(this::<TypeAlias>(alias).name.clone()))
            .iter(unpacked_iterator)
            .binary(BinaryOp::Or, union::or_types)
    },
    &[MethodDef::new("__reduce__($self, /)", |_, args| Ok(this::<TypeAlias>(&args[0]).name.clone()), "")],
    &[
        GetSetDef::new("__name__", |_, o| Ok(this::<TypeAlias>(o).name.clone())).with_set(readonly),
        GetSetDef::new("__parameters__", |vm, o| unpacked_params(vm, &params_of(vm, o))),
        GetSetDef::new("__type_params__", |vm, o| Ok(params_of(vm, o))),
        GetSetDef::new("__value__", |vm, o| {
            let this = this::<TypeAlias>(o);
            if let Some(value) = this.value.bound() {
                return Ok(value);
            }
            let value = vm.call(&this.evaluate.get(), &[vm.int(1)])?;
            this.value.set(value.clone());
            Ok(value)
        }),
        GetSetDef::new("evaluate_value", |vm, o| {
            let this = this::<TypeAlias>(o);
            evaluator(vm, &this.value, &this.evaluate)
        }),
        GetSetDef::new("__module__", |vm, o| {
            let this = this::<TypeAlias>(o);
            match this.evaluate.bound() {
                Some(function) => vm.get_attr_str(&function, "__module__"),
                None => Ok(this.module.clone()),
            }
        }),
    ],
)
.with_doc("Type alias.\n\nThe statement `type Alias = int` makes one. Its value is computed when\n__value__ is asked for. An alias with type parameters, `type ListOrSet[T] = list[T] | set[T]`,\ncan be subscripted.");

fn params_of(vm: &Vm, alias: &Object) -> Object {
    this::<TypeAlias>(alias).params.bound().cloned().unwrap_or_else(|| vm.tuple(Vec::new()))
}

/// The parameters, with TypeVarTuples unpacked.
fn unpacked_params(vm: &Vm, params: &Object) -> Result {
    let items = params.downcast::<Tuple>().map_or(&[][..], |t| t.items());
    if !items.iter().any(is_typevartuple) {
        return Ok(params.clone());
    }
    let mut out = Vec::with_capacity(items.len());
    for item in items {
        out.push(if is_typevartuple(item) { unpack(vm, item)? } else { item.clone() });
    }
    Ok(vm.tuple(out))
}

static SIG: Sig = Sig::new("typealias(name, value, *, type_params=<missing>)");

fn alias_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let bound = SIG.bind(vm, args, kwnames)?;
    check_name(vm, "typealias", &bound[0])?;
    let mut params = Object::UNBOUND;
    if let Some(given) = bound[2].bound() {
        let Some(items) = given.downcast::<Tuple>() else {
            return Err(vm.type_error("type_params must be a tuple"));
        };
        check_params(vm, items.items())?;
        if !items.is_empty() {
            params = given.clone();
        }
    }
    let payload = TypeAlias {
        name: bound[0].clone(),
        params,
        value: ObjectCell::new(bound[1].clone()),
        evaluate: ObjectCell::EMPTY,
        module: caller(vm)?,
    };
    allocate(vm, class, payload)
}

fn check_params(vm: &Vm, params: &[Object]) -> Result<()> {
    let mut after_default = false;
    for param in params {
        match has_default(param) {
            Some(true) => after_default = true,
            Some(false) if after_default => {
                let shown = vm.repr_text(param)?;
                return Err(vm.type_error(format!(
                    "non-default type parameter '{shown}' follows default type parameter"
                )));
            }
            Some(false) => {}
            None => {
                let shown = vm.repr_text(param)?;
                return Err(vm.type_error(format!("Expected a type param, got {shown}")));
            }
        }
    }
    Ok(())
}

/// The alias of a `type` statement: a tuple of parameters or None, and the
/// function of the value.
pub fn make_typealias(vm: &Vm, name: Object, params: Object, value: Object) -> Result {
    let payload = TypeAlias {
        name,
        params: params.some().cloned().unwrap_or(Object::UNBOUND),
        value: ObjectCell::EMPTY,
        evaluate: ObjectCell::new(value),
        module: Object::NONE,
    };
    allocate(vm, &TYPE_ALIAS_TYPE, payload)
}

// ---- Generic ------------------------------------------------------------------------------

pub static GENERIC: Type = Type::new::<Plain>(
    "typing.Generic",
    &OBJECT,
    type_flags::BASE,
    Slots::EMPTY,
    &[
        MethodDef::raw("__class_getitem__($type, /, *args, **kwargs)", |vm, args, kwnames| {
            call_with_class(vm, "_generic_class_getitem", args, kwnames)
        }, "Parameterizes a generic class.\n\nAt least, parameterizing a generic class is the *main* thing this\nmethod does. For example, for some generic class `Foo`, this is called\nwhen we do `Foo[int]` - there, with `cls=Foo` and `params=int`.\n\nHowever, note that this method is also called when defining generic\nclasses in the first place with `class Foo[T]: ...`.").class_method(),
        MethodDef::raw("__init_subclass__($type, /, *args, **kwargs)", |vm, args, kwnames| {
            call_with_class(vm, "_generic_init_subclass", args, kwnames)
        }, "Function to initialize subclasses.").class_method(),
    ],
    &[],
)
.with_doc("Abstract base class for generic types.\n\nOn Python 3.12 and newer, generic classes implicitly inherit from\nGeneric when they declare a parameter list after the class's name::\n\n    class Mapping[KT, VT]:\n        ...\n\nOn older versions of Python, however, generic classes have to\nexplicitly inherit from Generic.");

/// Generic is made and subclassed like any class without `__new__`.
fn make_generic_ordinary(vm: &Vm) {
    crate::sharing::complete(vm, &GENERIC, || {
        GENERIC.update_slots(|slots| slots.new = OBJECT.slots().new);
        GENERIC.flags.set(GENERIC.flags.get() & !type_flags::IMMUTABLE);
    });
}

fn call_with_class(vm: &Vm, function: &str, args: &[Object], kwnames: &[Object]) -> Result {
    let module = vm.import_module("typing")?;
    let function = vm.get_attr_str(&module, function)?;
    vm.call_kw(&function, args, kwnames)
}

/// `Generic[params]`, the base of `class C[params]`.
pub fn subscript_generic(vm: &Vm, params: Object) -> Result {
    let params = unpacked_params(vm, &params)?;
    let module = vm.import_module("typing")?;
    let alias = vm.get_attr_str(&module, "_GenericAlias")?;
    vm.call(&alias, &[GENERIC.to_object(), params])
}
