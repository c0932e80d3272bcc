//! BaseExceptionGroup and ExceptionGroup, and what `except*` needs of them:
//! [`match_star`] and [`prepare_reraise_star`].

use crate::names::name;
use crate::prelude::*;
use crate::types::cell::ObjectCell;
use crate::types::exceptions::{self, BaseException, base, payload, positional};
use crate::types::str;
use std::collections::HashSet;

/// Payload of exception groups.
#[repr(C)]
pub struct Group {
    base: BaseException,
    message: ObjectCell,
    /// A tuple of exceptions.
    excs: ObjectCell,
    /// How the argument looked at creation, if it was neither list nor tuple.
    shown: ObjectCell,
}

impl Group {
    /// The exceptions of the group.
    pub fn exceptions(&self) -> Vec<Object> {
        match self.excs.get().downcast::<Tuple>() {
            Some(tuple) => tuple.items().to_vec(),
            None => Vec::new(),
        }
    }
    pub fn message(&self) -> Object {
        self.message.or_none()
    }
}

impl NativeClass for Group {
    fn class() -> &'static Type {
        &exc::BASE_EXCEPTION_GROUP
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.base.traverse(visitor);
        self.message.traverse(visitor);
        self.excs.traverse(visitor);
        self.shown.traverse(visitor);
    }
    fn clear(&self) {
        self.base.clear();
        self.message.clear();
        self.excs.clear();
        self.shown.clear();
    }
}

pub(crate) const METHODS: &[MethodDef] = &[
    MethodDef::new(
        "__class_getitem__($type, object, /)",
        crate::types::genericalias::class_getitem,
        "See PEP 585",
    )
    .class_method(),
    MethodDef::new("derive($self, excs, /)", derive, ""),
    MethodDef::new("split($self, matcher, /)", split, ""),
    MethodDef::new("subgroup($self, matcher, /)", subgroup, ""),
];

pub(crate) const GETSET: &[GetSetDef] = &[
    GetSetDef::member("message", |_, g| Ok(payload::<Group>(g).message())).with_doc("exception message"),
    GetSetDef::member("exceptions", |_, g| Ok(payload::<Group>(g).excs.or_none()))
        .with_doc("nested exceptions"),
];

pub(crate) fn group_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let given = positional(args, kwnames);
    let [message, sequence] = given else {
        return Err(vm.type_error(format!(
            "BaseExceptionGroup.__new__() takes exactly 2 arguments ({} given)",
            given.len()
        )));
    };
    if message.downcast::<Str>().is_none() {
        return Err(vm.type_error(format!(
            "BaseExceptionGroup.__new__() argument 1 must be str, not {}",
            if message.is_none() { "None" } else { message.ty().name() }
        )));
    }
    if !vm.is_sequence(sequence) {
        return Err(vm.type_error("second argument (exceptions) must be a sequence"));
    }
    let shown = if sequence.downcast::<List>().is_some() || sequence.downcast::<Tuple>().is_some() {
        Object::UNBOUND
    } else {
        vm.repr(sequence)?
    };
    let items = vm.collect(sequence)?;
    if items.is_empty() {
        return Err(vm.value_error("second argument (exceptions) must be a non-empty sequence"));
    }
    let mut nested_base = false;
    for (i, item) in items.iter().enumerate() {
        if !item.is_instance_of(&exc::BASE_EXCEPTION) {
            return Err(
                vm.value_error(format!("Item {i} of second argument (exceptions) is not an exception"))
            );
        }
        nested_base |= !item.is_instance_of(&exc::EXCEPTION);
    }
    let mut class = class;
    if class.is(&exc::EXCEPTION_GROUP) {
        if nested_base {
            return Err(vm.type_error("Cannot nest BaseExceptions in an ExceptionGroup"));
        }
    } else if class.is(&exc::BASE_EXCEPTION_GROUP) {
        if !nested_base {
            class = &exc::EXCEPTION_GROUP;
        }
    } else if nested_base && class.is_subtype(&exc::EXCEPTION) {
        return Err(vm.type_error(format!("Cannot nest BaseExceptions in '{}'", class.name())));
    }
    let group = Group {
        base: BaseException::new(vm.tuple(given.to_vec())),
        message: ObjectCell::new(message.clone()),
        excs: ObjectCell::new(vm.tuple(items)),
        shown: ObjectCell::new(shown),
    };
    vm.try_alloc(class, group).ok_or_else(|| vm.memory_error())
}

pub(crate) fn group_init(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    exceptions::no_keywords(vm, object.ty(), kwnames)?;
    exceptions::set_args_if_new(vm, object, args);
    Ok(())
}

pub(crate) fn group_str(vm: &Vm, object: &Object) -> Result {
    let this = payload::<Group>(object);
    let count = this.exceptions().len();
    let mut out = str::Builder::new();
    out.push_object(&vm.str_of(&this.message())?);
    out.push_str(&format!(" ({count} sub-exception{})", crate::native::plural(count)));
    Ok(out.finish(vm))
}

pub(crate) fn group_repr(vm: &Vm, object: &Object) -> Result {
    let this = payload::<Group>(object);
    let excs = match this.shown.bound() {
        Some(shown) => shown,
        // As they were given.
        None if base(object).arg_items().get(1).is_some_and(|arg| arg.downcast::<List>().is_some()) => {
            vm.repr(&vm.list(this.exceptions()))?
        }
        None => vm.repr(&this.excs.or_none())?,
    };
    let mut out = str::Builder::new();
    out.push_str(object.ty().name());
    out.push_str("(");
    out.push_object(&vm.repr(&this.message())?);
    out.push_str(", ");
    out.push_object(&excs);
    out.push_str(")");
    Ok(out.finish(vm))
}

fn is_group(object: &Object) -> bool {
    object.is_instance_of(&exc::BASE_EXCEPTION_GROUP)
}

/// A BaseExceptionGroup (or ExceptionGroup) of these exceptions.
pub fn make(vm: &Vm, message: &Object, excs: Object) -> Result {
    vm.call(&exc::BASE_EXCEPTION_GROUP.to_object(), &[message.clone(), excs])
}

fn derive(vm: &Vm, args: &[Object]) -> Result {
    let message = payload::<Group>(&args[0]).message();
    make(vm, &message, args[1].clone())
}

// ---- splitting ------------------------------------------------------------------------

enum Matcher {
    /// A class or a tuple of classes.
    Class(Object),
    Predicate(Object),
    /// Leaf exceptions by identity.
    Ids(HashSet<u64>),
}

impl Matcher {
    fn of(vm: &Vm, value: &Object) -> Result<Matcher> {
        let is_class = |o: &Object| Type::of(o).is_some_and(|t| t.is_subtype(&exc::BASE_EXCEPTION));
        if Type::of(value).is_none() && vm.is_callable(value) {
            return Ok(Matcher::Predicate(value.clone()));
        }
        if is_class(value) || value.downcast_exact::<Tuple>().is_some_and(|t| t.items().iter().all(is_class))
        {
            return Ok(Matcher::Class(value.clone()));
        }
        Err(vm.type_error(
            "expected an exception type, a tuple of exception types, or a callable (other than a class)",
        ))
    }
    fn matches(&self, vm: &Vm, exception: &Object) -> Result<bool> {
        match self {
            Matcher::Class(class) => Ok(matches_class(exception, class)),
            Matcher::Predicate(f) => {
                let answer = vm.call(f, std::slice::from_ref(exception))?;
                vm.is_true(&answer)
            }
            Matcher::Ids(ids) => Ok(!is_group(exception) && ids.contains(&exception.bits())),
        }
    }
}

/// Is the exception an instance of the class or of one in the (nested) tuple,
/// as `except` sees it: without hooks?
pub fn matches_class(exception: &Object, class: &Object) -> bool {
    if let Some(ty) = Type::of(class) {
        return exception.ty().is_subtype(ty);
    }
    match class.downcast::<Tuple>() {
        Some(tuple) => tuple.items().iter().any(|item| matches_class(exception, item)),
        None => false,
    }
}

/// A group like `original` with these exceptions; None if there are none.
fn subset(vm: &Vm, original: &Object, excs: Vec<Object>) -> Result<Option<Object>> {
    if excs.is_empty() {
        return Ok(None);
    }
    let group = vm.call_method(original, "derive", &[vm.list(excs)])?;
    if !is_group(&group) {
        return Err(vm.type_error("derive must return an instance of BaseExceptionGroup"));
    }
    let (from, to) = (base(original), base(&group));
    let traceback = from.traceback();
    if !traceback.is_none() {
        to.set_traceback(traceback);
    }
    to.set_context(from.context());
    to.set_cause(from.cause());
    if let Some(notes) = vm.lookup_attr(original, name::notes.object())?
        && vm.is_sequence(&notes)
    {
        let copy = vm.collect(&notes)?;
        vm.set_attr(&group, name::notes.object(), &vm.list(copy))?;
    }
    Ok(Some(group))
}

/// The part that matches, and the rest if it is asked for.
fn split_recursive(
    vm: &Vm,
    exception: &Object,
    matcher: &Matcher,
    want_rest: bool,
) -> Result<(Option<Object>, Option<Object>)> {
    if matcher.matches(vm, exception)? {
        return Ok((Some(exception.clone()), None));
    }
    if !is_group(exception) {
        return Ok((None, want_rest.then(|| exception.clone())));
    }
    vm.check_native_stack(" in exceptiongroup_split_recursive")?;
    let (mut matched, mut rest) = (Vec::new(), Vec::new());
    for item in payload::<Group>(exception).exceptions() {
        let (yes, no) = split_recursive(vm, &item, matcher, want_rest)?;
        matched.extend(yes);
        rest.extend(no);
    }
    let matched = subset(vm, exception, matched)?;
    let rest = subset(vm, exception, rest)?;
    Ok((matched, rest))
}

fn split(vm: &Vm, args: &[Object]) -> Result {
    let matcher = Matcher::of(vm, &args[1])?;
    let (matched, rest) = split_recursive(vm, &args[0], &matcher, true)?;
    Ok(vm.tuple(vec![matched.unwrap_or(Object::NONE), rest.unwrap_or(Object::NONE)]))
}

fn subgroup(vm: &Vm, args: &[Object]) -> Result {
    let matcher = Matcher::of(vm, &args[1])?;
    let (matched, _) = split_recursive(vm, &args[0], &matcher, false)?;
    Ok(matched.unwrap_or(Object::NONE))
}

// ---- except* -----------------------------------------------------------------------------

/// `except* class:` checks its operand.
pub fn check_star_class(vm: &Vm, class: &Object) -> Result<()> {
    const NOT_A_CLASS: &str = "catching classes that do not inherit from BaseException is not allowed";
    let check = |item: &Object| match Type::of(item) {
        Some(ty) if ty.is_subtype(&exc::BASE_EXCEPTION_GROUP) => {
            Err(vm.type_error("catching ExceptionGroup with except* is not allowed. Use except instead."))
        }
        Some(ty) if ty.is_subtype(&exc::BASE_EXCEPTION) => Ok(()),
        _ => Err(vm.type_error(NOT_A_CLASS)),
    };
    match class.downcast::<Tuple>() {
        Some(tuple) => tuple.items().iter().try_for_each(check),
        None => check(class),
    }
}

/// What `except* class` takes of `exception`, and what it leaves (None for nothing).
pub fn match_star(vm: &Vm, exception: &Object, class: &Object) -> Result<(Object, Object)> {
    if exception.is_none() {
        return Ok((Object::NONE, Object::NONE));
    }
    if matches_class(exception, class) {
        if is_group(exception) {
            return Ok((exception.clone(), Object::NONE));
        }
        let wrapped = make(vm, &vm.intern(""), vm.tuple(vec![exception.clone()]))?;
        let frame = vm.frame.get();
        if !frame.is_null()
            && let Some(payload) = wrapped.downcast::<BaseException>()
        {
            // SAFETY: the current frame is alive; the loop has saved its position.
            payload.set_traceback(unsafe { crate::types::traceback::new_for_frame(vm, frame, Object::NONE) });
        }
        return Ok((wrapped, Object::NONE));
    }
    if !is_group(exception) {
        return Ok((Object::NONE, exception.clone()));
    }
    let pair = vm.call_method(exception, "split", std::slice::from_ref(class))?;
    let Some(items) = pair.downcast_exact::<Tuple>() else {
        return Err(vm.type_error(format!(
            "{}.split must return a tuple, not {}",
            exception.ty().name(),
            pair.ty().name()
        )));
    };
    match items.items() {
        [matched, rest, ..] => Ok((matched.clone(), rest.clone())),
        short => Err(vm.type_error(format!(
            "{}.split must return a 2-tuple, got tuple of size {}",
            exception.ty().name(),
            short.len()
        ))),
    }
}

fn collect_leaf_ids(vm: &Vm, exception: &Object, ids: &mut HashSet<u64>) -> Result<()> {
    if exception.is_none() {
        return Ok(());
    }
    if !is_group(exception) {
        ids.insert(exception.bits());
        return Ok(());
    }
    vm.check_native_stack(" in collect_exception_group_leaf_ids")?;
    for item in payload::<Group>(exception).exceptions() {
        collect_leaf_ids(vm, &item, ids)?;
    }
    Ok(())
}

/// Same traceback, cause and context: the exception was raised again, not anew.
fn same_metadata(a: &Object, b: &Object) -> bool {
    let (Some(x), Some(y)) = (a.downcast::<BaseException>(), b.downcast::<BaseException>()) else {
        return false;
    };
    x.traceback().value() == y.traceback().value()
        && x.cause().value() == y.cause().value()
        && x.context().value() == y.context().value()
}

pub use match_star as split_by_type;

/// At the end of a `try` with `except*` clauses: what to raise of the exceptions
/// in the list `excs` (raised, raised again or not handled; None for handled
/// ones), `original` being the one caught. None if nothing is left.
pub fn prepare_reraise_star(vm: &Vm, original: &Object, excs: &Object) -> Result {
    let items = vm.collect(excs)?;
    if items.is_empty() {
        return Ok(Object::NONE);
    }
    if !is_group(original) {
        // A naked exception: at most one clause has run.
        return Ok(items[0].clone());
    }
    let mut raised = Vec::new();
    let mut again = Vec::new();
    for item in items {
        if item.is_none() {
            continue;
        }
        if same_metadata(&item, original) {
            again.push(item);
        } else {
            raised.push(item);
        }
    }
    let mut ids = HashSet::new();
    for item in &again {
        collect_leaf_ids(vm, item, &mut ids)?;
    }
    let projection =
        if ids.is_empty() { None } else { split_recursive(vm, original, &Matcher::Ids(ids), false)?.0 };
    if raised.is_empty() {
        return Ok(projection.unwrap_or(Object::NONE));
    }
    raised.extend(projection);
    if let [only] = raised.as_slice() {
        return Ok(only.clone());
    }
    make(vm, &vm.intern(""), vm.list(raised))
}
