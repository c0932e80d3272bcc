//! Builtin functions about iteration: aiter, all, anext, any, iter, len, next,
//! sorted.

use crate::names::name;
use crate::prelude::*;
use crate::slots::{set_stop_value, take_stop_value};
use crate::types::cell::ObjectCell;
use crate::types::{iterators, zip_map};

/// The functions, for the `builtins` module.
pub const FUNCTIONS: &[MethodDef] = &[
    MethodDef::new(
        "aiter(async_iterable, /)",
        aiter,
        "Return an asynchronous iterator for an asynchronous iterable.",
    ),
    MethodDef::new("all(iterable, /)", all, "Return True if every item is true (or there is none)."),
    MethodDef::new(
        "anext(aiterator, default=<unrepresentable>, /)",
        anext,
        "Return an awaitable for the next item of an asynchronous iterator.\n\nWith a default, that comes when the iterator has ended, instead of StopAsyncIteration.",
    ),
    MethodDef::new("any(iterable, /)", any, "Return True if some item is true."),
    MethodDef {
        hide_signature: true,
        ..MethodDef::new(
            "iter(object, sentinel=<unrepresentable>, /)",
            iter,
            "iter(iterable) -> iterator\niter(callable, sentinel) -> iterator\n\nThe second form calls the callable until it returns the sentinel.",
        )
    },
    MethodDef::new(
        "len(obj, /)",
        |vm, args| vm.len(&args[0]).map(|n| vm.usize(n)),
        "Return the number of items in a container.",
    ),
    MethodDef {
        hide_signature: true,
        ..MethodDef::new(
            "next(iterator, default=<unrepresentable>, /)",
            next,
            "next(iterator[, default])\n\nReturn the next item. With a default, that comes when the iterator has\nended, instead of StopIteration.",
        )
    },
    MethodDef {
        hide_signature: false,
        ..MethodDef::raw(
            "sorted(iterable, /, *, key=None, reverse=False)",
            sorted,
            "Return a new list of all items in ascending order.\n\nkey computes what to compare; reverse asks for descending order.",
        )
    },
];

fn all(vm: &Vm, args: &[Object]) -> Result {
    let iterator = vm.iter(&args[0])?;
    while let Some(item) =
        vm.next_untaken(&iterator, &mut |item| Some(item).filter(|item| !item.is(Value::TRUE)))?
    {
        if !vm.is_true(&item)? {
            return Ok(Object::FALSE);
        }
    }
    Ok(Object::TRUE)
}

fn any(vm: &Vm, args: &[Object]) -> Result {
    let iterator = vm.iter(&args[0])?;
    let mut take = |item: Object| Some(item).filter(|item| !item.is(Value::FALSE) && !item.is_none());
    while let Some(item) = vm.next_untaken(&iterator, &mut take)? {
        if vm.is_true(&item)? {
            return Ok(Object::TRUE);
        }
    }
    Ok(Object::FALSE)
}

fn iter(vm: &Vm, args: &[Object]) -> Result {
    let Some(sentinel) = args[1].bound() else { return vm.iter(&args[0]) };
    if !vm.is_callable(&args[0]) {
        return Err(vm.type_error("iter(v, w): v must be callable"));
    }
    Ok(zip_map::callable_iterator(vm, args[0].clone(), sentinel.clone()))
}

fn next(vm: &Vm, args: &[Object]) -> Result {
    let Some(step) = args[0].ty().slots().next else {
        return Err(vm.type_error_of(&args[0], "is not an iterator"));
    };
    // What an earlier loop left behind is not ours.
    drop(take_stop_value(vm));
    let result = step(vm, &args[0]);
    match args[1].bound() {
        None => match result? {
            Some(item) => Ok(item),
            None => Err(vm.stop_iteration(take_stop_value(vm))),
        },
        Some(default) => match vm.swallow(result, &exc::STOP_ITERATION)? {
            Some(Some(item)) => Ok(item),
            _ => {
                drop(take_stop_value(vm));
                Ok(default.clone())
            }
        },
    }
}

fn sorted(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let (positional, options) = args.split_at(args.len() - kwnames.len());
    let [iterable] = positional else {
        return Err(vm.type_error(format!("sorted expected 1 argument, got {}", positional.len())));
    };
    let list = vm.list(vm.collect(iterable)?);
    let sort = vm.get_attr(&list, name::sort.object())?;
    vm.call_kw(&sort, options, kwnames)?;
    Ok(list)
}

// ---- asynchronous iterators ---------------------------------------------------------------

fn aiter(vm: &Vm, args: &[Object]) -> Result {
    let Some(make) = args[0].ty().slots().unary[UnaryOp::AIter as usize] else {
        return Err(vm.type_error_of(&args[0], "is not an async iterable"));
    };
    let iterator = make(vm, &args[0])?;
    if iterator.ty().slots().unary[UnaryOp::ANext as usize].is_none() {
        return Err(vm.type_error(format!(
            "aiter() returned not an async iterator of type '{}'",
            iterator.ty().full_name()
        )));
    }
    Ok(iterator)
}

fn anext(vm: &Vm, args: &[Object]) -> Result {
    let Some(step) = args[0].ty().slots().unary[UnaryOp::ANext as usize] else {
        return Err(vm.type_error_of(&args[0], "is not an async iterator"));
    };
    let awaitable = step(vm, &args[0])?;
    let Some(default) = args[1].bound() else { return Ok(awaitable) };
    Ok(vm.alloc(
        &ANEXT_AWAITABLE,
        AnextAwaitable { wrapped: ObjectCell::new(awaitable), default: ObjectCell::new(default.clone()) },
    ))
}

/// Payload of what `anext(iterator, default)` returns.
pub struct AnextAwaitable {
    wrapped: ObjectCell,
    default: ObjectCell,
}

impl NativeClass for AnextAwaitable {
    fn class() -> &'static Type {
        &ANEXT_AWAITABLE
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.wrapped.traverse(visitor);
        self.default.traverse(visitor);
    }
    fn clear(&self) {
        self.wrapped.clear();
        self.default.clear();
    }
}

pub static ANEXT_AWAITABLE: Type = Type::new::<AnextAwaitable>(
    "anext_awaitable",
    &crate::types::object::OBJECT,
    type_flags::HAVE_GC,
    Slots {
        next: Some(awaitable_next),
        ..Slots::EMPTY.iter(iterators::itself).unary(UnaryOp::Await, iterators::itself)
    },
    &[
        MethodDef::raw("send(arg)", |vm, args, _| forward(vm, args, "send"), ""),
        MethodDef::raw("throw(typ[, val[, tb]])", |vm, args, _| forward(vm, args, "throw"), ""),
        MethodDef::raw("close()", |vm, args, _| forward(vm, args, "close"), ""),
    ],
    &[],
);

fn this(object: &Object) -> &AnextAwaitable {
    // SAFETY: slots and methods of the awaitable are only called on it.
    unsafe { object.payload_unchecked() }
}

/// The iterator behind the wrapped awaitable.
fn inner_iterator(vm: &Vm, object: &Object) -> Result {
    let iterator = crate::interp::awaitable_iterator(vm, &this(object).wrapped.get())?;
    if iterator.ty().slots().next.is_some() {
        return Ok(iterator);
    }
    // Of the possible results only coroutines are no iterators.
    let Some(make) = iterator.ty().slots().unary[UnaryOp::Await as usize] else { return Ok(iterator) };
    let made = make(vm, &iterator)?;
    if made.ty().slots().next.is_none() {
        return Err(vm.type_error(format!("{} is not an iterable", "__await__")));
    }
    Ok(made)
}

fn awaitable_next(vm: &Vm, object: &Object) -> Result<Option<Object>> {
    let iterator = inner_iterator(vm, object)?;
    match vm.next(&iterator) {
        Err(_) if vm.raised_is(&exc::STOP_ASYNC_ITERATION) => {
            drop(vm.take_raised());
            set_stop_value(vm, this(object).default.get());
            Ok(None)
        }
        result => result,
    }
}

fn forward(vm: &Vm, args: &[Object], method: &str) -> Result {
    let iterator = inner_iterator(vm, &args[0])?;
    match vm.call_method(&iterator, method, &args[1..]) {
        Err(_) if vm.raised_is(&exc::STOP_ASYNC_ITERATION) => {
            drop(vm.take_raised());
            Err(vm.stop_iteration(this(&args[0]).default.get()))
        }
        result => result,
    }
}
