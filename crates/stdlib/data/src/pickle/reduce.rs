//! Objects that say by `__reduce__` how they are made again: a callable and
//! its arguments, then state, items and a setter of the state.

use super::core::Core;
use super::opcodes::*;
use super::state::{Other, noted, pickling_error, shown_type};
use taipan_runtime::names::name;
use taipan_runtime::prelude::*;

/// How the object is to be made.
#[derive(Clone, Copy, PartialEq)]
enum Maker {
    Call,
    NewObj,
    NewObjEx,
}

impl Core {
    /// Writes what a reducer returned (a tuple) for an object.
    pub(super) fn save_reduce(&self, vm: &Vm, value: &Object, object: Option<&Object>) -> Result<()> {
        let items = value.downcast::<Tuple>().map_or(&[][..], |tuple| tuple.items());
        if !(2..=6).contains(&items.len()) {
            let message = "tuple returned by __reduce__ must contain 2 through 6 elements";
            return Err(pickling_error(vm, message));
        }
        let [callable, args] = &items[..2] else { return Ok(()) };
        let optional = |i: usize| items.get(i).and_then(|item| item.some());
        let wrong = |which: &str, wanted: &str, item: &Object| {
            let shown = shown_type(vm, item);
            let message =
                format!("{which} item of the tuple returned by __reduce__ must be {wanted}, not {shown}");
            Err(pickling_error(vm, message))
        };
        if !vm.is_callable(callable) {
            return wrong("first", "callable", callable);
        }
        if args.downcast::<Tuple>().is_none() {
            return wrong("second", "a tuple", args);
        }
        for (i, which) in [(3, "fourth"), (4, "fifth")] {
            if let Some(iterator) = optional(i)
                && iterator.ty().slots().next.is_none()
            {
                return wrong(which, "an iterator", iterator);
            }
        }
        if let Some(setter) = optional(5)
            && !vm.is_callable(setter)
        {
            return wrong("sixth", "callable", setter);
        }

        // What notes are about: the object, or the tuple if there is none.
        let owner = object.unwrap_or(value);
        match self.maker(vm, callable)? {
            Maker::NewObjEx => self.save_newobj_ex(vm, args, owner)?,
            Maker::NewObj => self.save_newobj(vm, args, owner, object)?,
            Maker::Call => {
                self.save_part(vm, callable, owner, "reconstructor")?;
                self.save_part(vm, args, owner, "reconstructor arguments")?;
                self.op(vm, REDUCE)?;
            }
        }
        if let Some(object) = object {
            // A recursive object may have been saved meanwhile.
            if self.is_memoized(object) {
                self.op(vm, POP)?;
                return self.get_from_memo(vm, object).map(drop);
            }
            self.memoize(vm, object)?;
        }
        if let Some(items) = optional(3) {
            self.put_items(vm, items, owner)?;
        }
        if let Some(pairs) = optional(4) {
            self.put_pairs(vm, pairs, owner)?;
        }
        let Some(state) = optional(2) else { return Ok(()) };
        let Some(setter) = optional(5) else {
            self.save_part(vm, state, owner, "state")?;
            return self.op(vm, BUILD);
        };
        // The setter is called with object and state, and its result forgotten.
        self.save_part(vm, setter, owner, "state setter")?;
        self.save(vm, owner)?;
        self.save_part(vm, state, owner, "state")?;
        self.put(vm, &[TUPLE2, REDUCE, POP])
    }

    /// From protocol 2 on, functions of two names stand for opcodes.
    fn maker(&self, vm: &Vm, callable: &Object) -> Result<Maker> {
        if self.protocol < 2 {
            return Ok(Maker::Call);
        }
        let Some(found) = vm.lookup_attr(callable, name::name.object())? else { return Ok(Maker::Call) };
        Ok(match found.downcast::<Str>().and_then(|name| name.as_ascii()) {
            Some("__newobj__") => Maker::NewObj,
            Some("__newobj_ex__") => Maker::NewObjEx,
            _ => Maker::Call,
        })
    }

    /// The class must be that of the object.
    fn check_class(&self, vm: &Vm, function: &str, class: &Object, object: Option<&Object>) -> Result<()> {
        if Type::of(class).is_none() {
            let shown = shown_type(vm, class);
            let message = format!("first argument to {function}() must be a class, not {shown}");
            return Err(pickling_error(vm, message));
        }
        let Some(object) = object else { return Ok(()) };
        let own = vm.get_attr(object, name::class.object())?;
        if own.value() != class.value() {
            let (own, class) = (vm.repr_text(&own)?, vm.repr_text(class)?);
            let message = format!("first argument to {function}() must be {own}, not {class}");
            return Err(pickling_error(vm, message));
        }
        Ok(())
    }

    fn save_newobj(&self, vm: &Vm, args: &Object, owner: &Object, object: Option<&Object>) -> Result<()> {
        let args = args.downcast::<Tuple>().map_or(&[][..], |tuple| tuple.items());
        let Some((class, rest)) = args.split_first() else {
            return Err(pickling_error(vm, "__newobj__ expected at least 1 argument, got 0"));
        };
        self.check_class(vm, "__newobj__", class, object)?;
        self.save_part(vm, class, owner, "class")?;
        self.save_part(vm, &vm.tuple(rest.to_vec()), owner, "__new__ arguments")?;
        self.op(vm, NEWOBJ)
    }

    fn save_newobj_ex(&self, vm: &Vm, args: &Object, owner: &Object) -> Result<()> {
        let args = args.downcast::<Tuple>().map_or(&[][..], |tuple| tuple.items());
        let [class, args, keywords] = args else {
            let message = format!("__newobj_ex__ expected 3 arguments, got {}", args.len());
            return Err(pickling_error(vm, message));
        };
        self.check_class(vm, "__newobj_ex__", class, None)?;
        let wrong = |which: &str, wanted: &str, item: &Object| {
            let shown = shown_type(vm, item);
            let message = format!("{which} argument to __newobj_ex__() must be {wanted}, not {shown}");
            Err(pickling_error(vm, message))
        };
        let Some(positional) = args.downcast::<Tuple>() else { return wrong("second", "a tuple", args) };
        let Some(named) = keywords.downcast::<Dict>() else { return wrong("third", "a dict", keywords) };
        if self.protocol >= 4 {
            self.save_part(vm, class, owner, "class")?;
            self.save_part(vm, args, owner, "__new__ arguments")?;
            self.save_part(vm, keywords, owner, "__new__ arguments")?;
            return self.op(vm, NEWOBJ_EX);
        }
        // `partial(cls.__new__, cls, *args, **kwargs)()`.
        let mut all = vec![vm.get_attr_str(class, "__new__")?, class.clone()];
        all.extend_from_slice(positional.items());
        let (names, values): (Vec<Object>, Vec<Object>) = named.items().into_iter().unzip();
        if names.iter().any(|name| name.downcast::<Str>().is_none()) {
            return Err(vm.type_error("keywords must be strings"));
        }
        all.extend(values);
        let partial = vm.call_kw(self.others.get(Other::Partial), &all, &names)?;
        self.save(vm, &partial).map_err(|raised| noted(vm, raised, owner, "reconstructor"))?;
        self.save(vm, &vm.tuple(Vec::new()))?;
        self.op(vm, REDUCE)
    }
}
