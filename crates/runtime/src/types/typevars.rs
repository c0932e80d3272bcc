//! Type parameters: TypeVar, ParamSpec, TypeVarTuple, the `args` and `kwargs`
//! of a ParamSpec, NoDefault, and the evaluators of constant bounds.
//!
//! Bounds, constraints and defaults written in the syntax of PEP 695 are
//! functions, called when somebody asks for the value. Type aliases and Generic are
//! in `typealias`.

use crate::names::name;
use crate::prelude::*;
use crate::support::{allocate, this};
use crate::types::cell::ObjectCell;
use crate::types::genericalias::push_type_repr;
use crate::types::object::OBJECT;
use crate::types::str::Builder;
use crate::types::{tuple, union};

pub use crate::types::typealias::{make_typealias, subscript_generic};

/// Every type of this file and of `typealias`.
pub static TYPES: [&Type; 9] = [
    &TYPEVAR,
    &PARAMSPEC,
    &TYPEVARTUPLE,
    &PARAMSPEC_ARGS,
    &PARAMSPEC_KWARGS,
    &NO_DEFAULT_TYPE,
    &CONST_EVALUATOR,
    &crate::types::typealias::TYPE_ALIAS_TYPE,
    &crate::types::typealias::GENERIC,
];

const VAR: u8 = 0;
const SPEC: u8 = 1;
const TUPLE: u8 = 2;

/// Payload of the three kinds of type parameters.
pub struct TypeParam<const KIND: u8> {
    name: Object,
    bound: ObjectCell,
    evaluate_bound: ObjectCell,
    constraints: ObjectCell,
    evaluate_constraints: ObjectCell,
    default: ObjectCell,
    evaluate_default: ObjectCell,
    covariant: bool,
    contravariant: bool,
    infer_variance: bool,
}

impl<const KIND: u8> NativeClass for TypeParam<KIND> {
    fn class() -> &'static Type {
        match KIND {
            VAR => &TYPEVAR,
            SPEC => &PARAMSPEC,
            _ => &TYPEVARTUPLE,
        }
    }
    fn traverse(&self, visitor: &mut Visitor) {
        for cell in self.cells() {
            cell.traverse(visitor);
        }
    }
    fn clear(&self) {
        for cell in self.cells() {
            cell.clear();
        }
    }
}

impl<const KIND: u8> TypeParam<KIND> {
    fn named(name: Object) -> TypeParam<KIND> {
        TypeParam {
            name,
            bound: ObjectCell::EMPTY,
            evaluate_bound: ObjectCell::EMPTY,
            constraints: ObjectCell::EMPTY,
            evaluate_constraints: ObjectCell::EMPTY,
            default: ObjectCell::EMPTY,
            evaluate_default: ObjectCell::EMPTY,
            covariant: false,
            contravariant: false,
            infer_variance: true,
        }
    }
    fn cells(&self) -> [&ObjectCell; 6] {
        [
            &self.bound,
            &self.evaluate_bound,
            &self.constraints,
            &self.evaluate_constraints,
            &self.default,
            &self.evaluate_default,
        ]
    }
    fn default(&self, vm: &Vm) -> Result {
        let found = lazy(vm, &self.default, &self.evaluate_default)?;
        Ok(found.unwrap_or_else(|| no_default(vm)))
    }
    fn has_default(&self) -> bool {
        !self.evaluate_default.is_empty()
            || self.default.bound().is_some_and(|d| d.downcast_exact::<NoDefault>().is_none())
    }
}

/// A value that is there, or that its function gives now and for ever.
fn lazy(vm: &Vm, value: &ObjectCell, evaluate: &ObjectCell) -> Result<Option<Object>> {
    if let Some(value) = value.bound() {
        return Ok(Some(value));
    }
    let Some(function) = evaluate.bound() else { return Ok(None) };
    let result = vm.call(&function, &[vm.int(1)])?;
    value.set(result.clone());
    Ok(Some(result))
}

/// What evaluates: the function, or something that stands for a constant.
pub(crate) fn evaluator(vm: &Vm, value: &ObjectCell, evaluate: &ObjectCell) -> Result {
    if let Some(function) = evaluate.bound() {
        return Ok(function);
    }
    match value.bound() {
        Some(value) => allocate(vm, &CONST_EVALUATOR, ConstEvaluator { value }),
        None => Ok(Object::NONE),
    }
}

/// Calls a function of the module `typing`.
pub(crate) fn call_typing(vm: &Vm, function: &str, args: &[Object]) -> Result {
    let module = vm.import_module("typing")?;
    let function = vm.get_attr_str(&module, function)?;
    vm.call(&function, args)
}

/// `typing.Unpack[object]`.
pub(crate) fn unpack(vm: &Vm, object: &Object) -> Result {
    let module = vm.import_module("typing")?;
    let unpack = vm.get_attr_str(&module, "Unpack")?;
    vm.get_item(&unpack, object)
}

/// The iterator of what can be unpacked with a star.
pub(crate) fn unpacked_iterator(vm: &Vm, object: &Object) -> Result {
    let unpacked = unpack(vm, object)?;
    vm.iter(&tuple::from_array(vm, [unpacked]))
}

/// The name of the module whose code runs.
pub(crate) fn caller(vm: &Vm) -> Result {
    let sys = vm.interp().sys_dict.clone();
    match sys.downcast::<Dict>().and_then(|d| d.get_text(vm, "_getframemodulename")) {
        Some(function) => vm.call(&function, &[]),
        None => Ok(Object::NONE),
    }
}

pub(crate) fn check_name(vm: &Vm, function: &str, name: &Object) -> Result<()> {
    if name.downcast::<Str>().is_some() {
        return Ok(());
    }
    Err(vm.type_error(format!("{function}() argument 'name' must be str, not {}", shown_type(name))))
}

fn shown_type(object: &Object) -> &str {
    if object.is_none() { "None" } else { object.ty().name() }
}

/// A bound as `typing` checks it.
fn check_type(vm: &Vm, object: &Object, message: &str) -> Result {
    if object.is_none() {
        return Ok(crate::types::none::NONE_TYPE.to_object());
    }
    call_typing(vm, "_type_check", &[object.clone(), vm.str(message)])
}

fn readonly(vm: &Vm, _: &Object, _: Option<&Object>) -> Result<()> {
    Err(vm.error(&exc::ATTRIBUTE_ERROR, "readonly attribute"))
}

fn or(vm: &Vm, a: &Object, b: &Object) -> Result {
    union::from_args(vm, &tuple::from_array(vm, [a.clone(), b.clone()]))
}

fn repr<const KIND: u8>(vm: &Vm, object: &Object) -> Result {
    let this = this::<TypeParam<KIND>>(object);
    if KIND == TUPLE || this.infer_variance {
        return Ok(this.name.clone());
    }
    let sign = match (this.covariant, this.contravariant) {
        (true, _) => "+",
        (_, true) => "-",
        _ => "~",
    };
    let mut out = Builder::new();
    out.push_str(sign);
    out.push_object(&this.name);
    Ok(out.finish(vm))
}

const FLAGS: u64 = type_flags::HAVE_GC | type_flags::WEAKREFABLE;
const SUBST: &str = "__typing_subst__($self, arg, /)";
const PREPARE: &str = "__typing_prepare_subst__($self, alias, args, /)";
const ENTRIES: &str = "__mro_entries__($self, object, /)";

/// Attributes that all three kinds have.
macro_rules! common_getset {
    ($kind:ident $($rest:expr,)*) => {
        &[
            GetSetDef::new("__name__", |_, o| Ok(this::<TypeParam<$kind>>(o).name.clone())).with_set(readonly),
            GetSetDef::new("__default__", |vm, o| this::<TypeParam<$kind>>(o).default(vm)),
            GetSetDef::new("evaluate_default", |vm, o| {
                let this = this::<TypeParam<$kind>>(o);
                evaluator(vm, &this.default, &this.evaluate_default)
            }),
            $($rest,)*
        ]
    };
}

macro_rules! flag {
    ($kind:ident $text:literal $field:ident) => {
        GetSetDef::new($text, |_, o| Ok(Object::bool(this::<TypeParam<$kind>>(o).$field))).with_set(readonly)
    };
}

macro_rules! common_methods {
    ($kind:ident $($rest:expr,)*) => {
        &[
            MethodDef::new("__reduce__($self, /)", |_, args| Ok(this::<TypeParam<$kind>>(&args[0]).name.clone()), ""),
            MethodDef::new("has_default($self, /)", |_, args| Ok(Object::bool(this::<TypeParam<$kind>>(&args[0]).has_default())), ""),
            MethodDef::new(ENTRIES, |vm, args| {
                Err(vm.type_error(format!("Cannot subclass an instance of {}", args[0].ty().name())))
            }, ""),
            $($rest,)*
        ]
    };
}

// ---- TypeVar ----------------------------------------------------------------------------

pub static TYPEVAR: Type = Type::new::<TypeParam<VAR>>(
    "typing.TypeVar",
    &OBJECT,
    FLAGS,
    Slots { new: Some(typevar_new), ..Slots::EMPTY.repr(repr::<VAR>).binary(BinaryOp::Or, or) },
    common_methods! { VAR
        MethodDef::new(SUBST, |vm, args| call_typing(vm, "_typevar_subst", args), ""),
        MethodDef::new(PREPARE, typevar_prepare, ""),
    },
    common_getset! { VAR
        flag!(VAR "__covariant__" covariant),
        flag!(VAR "__contravariant__" contravariant),
        flag!(VAR "__infer_variance__" infer_variance),
        GetSetDef::new("__bound__", |vm, o| {
            let this = this::<TypeParam<VAR>>(o);
            Ok(lazy(vm, &this.bound, &this.evaluate_bound)?.unwrap_or(Object::NONE))
        }),
        GetSetDef::new("__constraints__", |vm, o| {
            let this = this::<TypeParam<VAR>>(o);
            Ok(lazy(vm, &this.constraints, &this.evaluate_constraints)?.unwrap_or_else(|| vm.tuple(Vec::new())))
        }),
        GetSetDef::new("evaluate_bound", |vm, o| {
            let this = this::<TypeParam<VAR>>(o);
            evaluator(vm, &this.bound, &this.evaluate_bound)
        }),
        GetSetDef::new("evaluate_constraints", |vm, o| {
            let this = this::<TypeParam<VAR>>(o);
            evaluator(vm, &this.constraints, &this.evaluate_constraints)
        }),
    },
)
.with_dict()
.with_doc("Type variable.\n\nA function or class with type parameters makes them: `class Sequence[T]: ...`;\nthe constructor TypeVar('T') is for code that does without that syntax. A type\nvariable may have an upper bound (`[T: int]`), or a tuple of constraints, of which\nit is one (`[T: (str, bytes)]`), and a default. Its variance is inferred unless\nit is made by calling TypeVar with covariant=True or contravariant=True.");

static TYPEVAR_SIG: Sig = Sig::new(
    "typevar(name, *constraints, bound=None, default=<missing>, covariant=False, contravariant=False, infer_variance=False)",
);

struct Variance {
    covariant: bool,
    contravariant: bool,
    infer: bool,
}

fn variance(vm: &Vm, flags: &[Object]) -> Result<Variance> {
    let [covariant, contravariant, infer] = flags else {
        return Err(vm.system_error("three flags expected"));
    };
    let out = Variance {
        covariant: vm.is_true(covariant)?,
        contravariant: vm.is_true(contravariant)?,
        infer: vm.is_true(infer)?,
    };
    if out.covariant && out.contravariant {
        return Err(vm.value_error("Bivariant types are not supported."));
    }
    if out.infer && (out.covariant || out.contravariant) {
        return Err(vm.value_error("Variance cannot be specified with infer_variance."));
    }
    Ok(out)
}

fn set_module(vm: &Vm, object: &Object) -> Result<()> {
    let module = caller(vm)?;
    vm.set_attr(object, name::module.object(), &module)
}

fn default_given(vm: &Vm, default: &Object) -> Object {
    default.bound().cloned().unwrap_or_else(|| no_default(vm))
}

fn typevar_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let bound = TYPEVAR_SIG.bind(vm, args, kwnames)?;
    check_name(vm, "typevar", &bound[0])?;
    let variance = variance(vm, &bound[4..])?;
    let mut out = TypeParam::<VAR>::named(bound[0].clone());
    (out.covariant, out.contravariant, out.infer_variance) =
        (variance.covariant, variance.contravariant, variance.infer);
    if let Some(upper) = bound[2].some() {
        out.bound = ObjectCell::new(check_type(vm, upper, "Bound must be a type.")?);
    }
    let constraints = bound[1].downcast::<Tuple>().map_or(0, |t| t.len());
    if constraints == 1 {
        return Err(vm.type_error("A single constraint is not allowed"));
    }
    if constraints > 0 && !out.bound.is_empty() {
        return Err(vm.type_error("Constraints cannot be combined with bound=..."));
    }
    if constraints > 0 {
        out.constraints = ObjectCell::new(bound[1].clone());
    }
    out.default = ObjectCell::new(default_given(vm, &bound[3]));
    let object = allocate(vm, class, out)?;
    set_module(vm, &object)?;
    Ok(object)
}

fn typevar_prepare(vm: &Vm, args: &[Object]) -> Result {
    let (param, alias, given) = (&args[0], &args[1], &args[2]);
    let params = vm.get_attr(alias, name::parameters.object())?;
    let len = vm.len(given)?;
    let params = vm.collect(&params)?;
    let mut index = None;
    for (i, candidate) in params.iter().enumerate() {
        if vm.equal(candidate, param)? {
            index = Some(i);
            break;
        }
    }
    let Some(index) = index else { return Err(vm.value_error("sequence.index(x): x not in sequence")) };
    if index < len {
        return Ok(given.clone());
    }
    let this = this::<TypeParam<VAR>>(param);
    if index == len {
        let default = this.default(vm)?;
        if default.downcast_exact::<NoDefault>().is_none() {
            let more = tuple::from_array(vm, [default]);
            return vm.binary(BinaryOp::Add, given, &more);
        }
    }
    let shown = vm.str_text(alias)?;
    let expected = index + 1;
    Err(vm.type_error(format!("Too few arguments for {shown}; actual {len}, expected at least {expected}")))
}

/// The type variable of `[T]`, `[T: bound]`, `[T: (constraints)]`; functions or None.
pub fn make_typevar(vm: &Vm, name: Object, bound: Object, constraints: Object) -> Result {
    let mut out = TypeParam::<VAR>::named(name);
    out.evaluate_bound = ObjectCell::new(bound.some().cloned().unwrap_or(Object::UNBOUND));
    out.evaluate_constraints = ObjectCell::new(constraints.some().cloned().unwrap_or(Object::UNBOUND));
    allocate(vm, &TYPEVAR, out)
}

// ---- ParamSpec --------------------------------------------------------------------------

pub static PARAMSPEC: Type = Type::new::<TypeParam<SPEC>>(
    "typing.ParamSpec",
    &OBJECT,
    FLAGS,
    Slots { new: Some(paramspec_new), ..Slots::EMPTY.repr(repr::<SPEC>).binary(BinaryOp::Or, or) },
    common_methods! { SPEC
        MethodDef::new(SUBST, |vm, args| call_typing(vm, "_paramspec_subst", args), ""),
        MethodDef::new(PREPARE, |vm, args| call_typing(vm, "_paramspec_prepare_subst", args), ""),
    },
    common_getset! { SPEC
        flag!(SPEC "__covariant__" covariant),
        flag!(SPEC "__contravariant__" contravariant),
        flag!(SPEC "__infer_variance__" infer_variance),
        GetSetDef::new("__bound__", |_, o| Ok(this::<TypeParam<SPEC>>(o).bound.or_none())).with_set(readonly),
        GetSetDef::new("args", |vm, o| allocate(vm, &PARAMSPEC_ARGS, Part::<true> { origin: o.clone() })).with_doc("Represents positional arguments."),
        GetSetDef::new("kwargs", |vm, o| allocate(vm, &PARAMSPEC_KWARGS, Part::<false> { origin: o.clone() })).with_doc("Represents keyword arguments."),
    },
)
.with_dict()
.with_doc("Parameter specification variable.\n\nStands for the parameters of a callable: `def add_logging[**P, T](f: Callable[P, T]) -> Callable[P, T]`.\nIts attributes args and kwargs annotate *args and **kwargs that take them over.\n\n    >>> P = ParamSpec('P')\n    >>> P.__name__, P.args.__origin__ is P\n    ('P', True)");

static PARAMSPEC_SIG: Sig = Sig::new(
    "paramspec(name, *, bound=None, default=<missing>, covariant=False, contravariant=False, infer_variance=False)",
);

fn paramspec_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let bound = PARAMSPEC_SIG.bind(vm, args, kwnames)?;
    check_name(vm, "paramspec", &bound[0])?;
    let variance = variance(vm, &bound[3..])?;
    let mut out = TypeParam::<SPEC>::named(bound[0].clone());
    (out.covariant, out.contravariant, out.infer_variance) =
        (variance.covariant, variance.contravariant, variance.infer);
    if let Some(upper) = bound[1].some() {
        out.bound = ObjectCell::new(upper.clone());
    }
    out.default = ObjectCell::new(default_given(vm, &bound[2]));
    let object = allocate(vm, class, out)?;
    set_module(vm, &object)?;
    Ok(object)
}

/// The parameter specification of `[**P]`.
pub fn make_paramspec(vm: &Vm, name: Object) -> Result {
    allocate(vm, &PARAMSPEC, TypeParam::<SPEC>::named(name))
}

/// Payload of ParamSpecArgs and ParamSpecKwargs.
pub struct Part<const ARGS: bool> {
    origin: Object,
}

impl<const ARGS: bool> NativeClass for Part<ARGS> {
    fn class() -> &'static Type {
        if ARGS { &PARAMSPEC_ARGS } else { &PARAMSPEC_KWARGS }
    }
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit_object(&self.origin);
    }
}

macro_rules! part_type {
    ($static:ident, $args:literal, $name:literal, $doc:literal) => {
        pub static $static: Type = Type::new::<Part<$args>>(
            $name,
            &OBJECT,
            FLAGS,
            Slots {
                new: Some(part_new::<$args>),
                compare: Some(part_compare::<$args>),
                hash: Some(crate::slots::hash_unhashable),
                ..Slots::EMPTY.repr(part_repr::<$args>)
            },
            &[MethodDef::new(
                ENTRIES,
                |vm, args| {
                    Err(vm.type_error(format!("Cannot subclass an instance of {}", args[0].ty().name())))
                },
                "",
            )],
            &[GetSetDef::new("__origin__", |_, o| Ok(this::<Part<$args>>(o).origin.clone()))
                .with_set(readonly)],
        )
        .with_doc($doc);
    };
}

part_type!(
    PARAMSPEC_ARGS,
    true,
    "typing.ParamSpecArgs",
    "The args for a ParamSpec object.\n\nGiven a ParamSpec object P, P.args returns an instance of ParamSpecArgs.\nIts __origin__ is P.\n\n    >>> P = ParamSpec('P')\n    >>> P.args.__origin__ is P\n    True"
);
part_type!(
    PARAMSPEC_KWARGS,
    false,
    "typing.ParamSpecKwargs",
    "The kwargs for a ParamSpec object.\n\nGiven a ParamSpec object P, P.kwargs returns an instance of ParamSpecKwargs.\nIts __origin__ is P.\n\n    >>> P = ParamSpec('P')\n    >>> P.kwargs.__origin__ is P\n    True"
);

static ARGS_SIG: Sig = Sig::new("paramspecargs(origin)");
static KWARGS_SIG: Sig = Sig::new("paramspeckwargs(origin)");

fn part_new<const ARGS: bool>(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let sig = if ARGS { &ARGS_SIG } else { &KWARGS_SIG };
    let origin = sig.bind(vm, args, kwnames)?[0].clone();
    allocate(vm, class, Part::<ARGS> { origin })
}

fn part_compare<const ARGS: bool>(vm: &Vm, a: &Object, b: &Object, op: CompareOp) -> Result {
    let (Some(x), Some(y)) = (a.downcast::<Part<ARGS>>(), b.downcast::<Part<ARGS>>()) else {
        return Ok(Object::NOT_IMPLEMENTED);
    };
    if !matches!(op, CompareOp::Eq | CompareOp::Ne) {
        return Ok(Object::NOT_IMPLEMENTED);
    }
    vm.compare(&x.origin, &y.origin, op)
}

fn part_repr<const ARGS: bool>(vm: &Vm, object: &Object) -> Result {
    let origin = &this::<Part<ARGS>>(object).origin;
    let mut out = Builder::new();
    match origin.downcast_exact::<TypeParam<SPEC>>() {
        Some(spec) => out.push_object(&spec.name),
        None => out.push_object(&vm.repr(origin)?),
    }
    out.push_str(if ARGS { ".args" } else { ".kwargs" });
    Ok(out.finish(vm))
}

// ---- TypeVarTuple -----------------------------------------------------------------------

pub static TYPEVARTUPLE: Type = Type::new::<TypeParam<TUPLE>>(
    "typing.TypeVarTuple",
    &OBJECT,
    FLAGS,
    Slots { new: Some(typevartuple_new), ..Slots::EMPTY.repr(repr::<TUPLE>).iter(unpacked_iterator) },
    common_methods! { TUPLE
        MethodDef::new(SUBST, |vm, _| Err(vm.type_error("Substitution of bare TypeVarTuple is not supported")), ""),
        MethodDef::new(PREPARE, |vm, args| call_typing(vm, "_typevartuple_prepare_subst", args), ""),
    },
    common_getset! { TUPLE },
)
.with_dict()
.with_doc("Type variable tuple. A specialized form of type variable that enables\nvariadic generics.\n\nIt is made by `[*Ts]` and stands for any number of types, which `*Ts` unpacks.");

static TYPEVARTUPLE_SIG: Sig = Sig::new("typevartuple(name, *, default=<missing>)");

fn typevartuple_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let bound = TYPEVARTUPLE_SIG.bind(vm, args, kwnames)?;
    check_name(vm, "typevartuple", &bound[0])?;
    let mut out = TypeParam::<TUPLE>::named(bound[0].clone());
    out.default = ObjectCell::new(default_given(vm, &bound[1]));
    let object = allocate(vm, class, out)?;
    set_module(vm, &object)?;
    Ok(object)
}

/// The type variable tuple of `[*Ts]`.
pub fn make_typevartuple(vm: &Vm, name: Object) -> Result {
    allocate(vm, &TYPEVARTUPLE, TypeParam::<TUPLE>::named(name))
}

/// Is it a TypeVarTuple?
pub fn is_typevartuple(object: &Object) -> bool {
    object.downcast_exact::<TypeParam<TUPLE>>().is_some()
}

/// Does a type parameter have a default? None: it is no type parameter.
pub(crate) fn has_default(object: &Object) -> Option<bool> {
    if let Some(param) = object.downcast::<TypeParam<VAR>>() {
        return Some(param.has_default());
    }
    if let Some(param) = object.downcast::<TypeParam<SPEC>>() {
        return Some(param.has_default());
    }
    object.downcast::<TypeParam<TUPLE>>().map(|param| param.has_default())
}

/// Gives a type parameter the function of its default.
pub fn set_default(vm: &Vm, param: Object, default: Object) -> Result {
    if let Some(var) = param.downcast_exact::<TypeParam<VAR>>() {
        var.evaluate_default.set(default);
    } else if let Some(spec) = param.downcast_exact::<TypeParam<SPEC>>() {
        spec.evaluate_default.set(default);
    } else if let Some(many) = param.downcast_exact::<TypeParam<TUPLE>>() {
        many.evaluate_default.set(default);
    } else {
        let shown = vm.repr_text(&param)?;
        return Err(vm.type_error(format!("Expected a type param, got {shown}")));
    }
    Ok(param)
}

// ---- NoDefault --------------------------------------------------------------------------

/// Payload of the one NoDefault.
pub struct NoDefault;

impl NativeClass for NoDefault {
    fn class() -> &'static Type {
        &NO_DEFAULT_TYPE
    }
}

pub static NO_DEFAULT_TYPE: Type = Type::new::<NoDefault>(
    "NoDefaultType",
    &OBJECT,
    0,
    Slots {
        new: Some(|vm, _, args, _| {
            if args.is_empty() {
                Ok(no_default(vm))
            } else {
                Err(vm.type_error("NoDefaultType takes no arguments"))
            }
        }),
        ..Slots::EMPTY.repr(|vm, _| Ok(vm.intern("typing.NoDefault")))
    },
    &[MethodDef::new("__reduce__($self, /)", |vm, _| Ok(vm.intern("NoDefault")), "")],
    &[],
)
.with_doc("NoDefaultType()\n--\n\nThe type of the NoDefault singleton.");

/// The NoDefault of this interpreter.
pub fn no_default(vm: &Vm) -> Object {
    match vm.shared("typing.NoDefault") {
        Some(found) => found,
        None => {
            let made = vm.alloc(&NO_DEFAULT_TYPE, NoDefault);
            vm.share("typing.NoDefault", made.clone());
            made
        }
    }
}

// ---- evaluators of constants ------------------------------------------------------------

/// Payload of _ConstEvaluator.
pub struct ConstEvaluator {
    value: Object,
}

impl NativeClass for ConstEvaluator {
    fn class() -> &'static Type {
        &CONST_EVALUATOR
    }
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit_object(&self.value);
    }
}

pub static CONST_EVALUATOR: Type = Type::new::<ConstEvaluator>(
    "_typing._ConstEvaluator",
    &OBJECT,
    type_flags::HAVE_GC | type_flags::DISALLOW_INSTANTIATION,
    Slots {
        call: Some(evaluator_call),
        ..Slots::EMPTY.repr(|vm, object| {
            let mut out = Builder::new();
            out.push_str("<constevaluator ");
            out.push_object(&vm.repr(&this::<ConstEvaluator>(object).value)?);
            out.push_str(">");
            Ok(out.finish(vm))
        })
    },
    &[],
    &[],
)
.with_doc("_ConstEvaluator()\n--\n\nInternal type for implementing evaluation functions.");

/// The format in which annotations come as source text.
const STRING_FORMAT: i32 = 4;

fn evaluator_call(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result {
    if !kwnames.is_empty() {
        return Err(vm.type_error("constevaluator.__call__() takes no keyword arguments"));
    }
    let [format] = args else {
        return Err(vm.type_error(format!(
            "constevaluator.__call__() takes exactly 1 argument ({} given)",
            args.len()
        )));
    };
    let value = &this::<ConstEvaluator>(object).value;
    if vm.to_c_int(format)? != STRING_FORMAT {
        return Ok(value.clone());
    }
    let mut out = Builder::new();
    match value.downcast::<Tuple>() {
        Some(items) => {
            out.push_str("(");
            for (i, item) in items.items().iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                push_type_repr(vm, &mut out, item)?;
            }
            out.push_str(")");
        }
        None => push_type_repr(vm, &mut out, value)?,
    }
    Ok(out.finish(vm))
}
