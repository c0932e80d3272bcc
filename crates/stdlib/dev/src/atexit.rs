//! `atexit`: functions to run when the interpreter ends. They are kept in a
//! list of (function, args, kwargs) tuples, the one to run first at its end.

use taipan_runtime::prelude::*;

/// The module.
pub static ATEXIT: ModuleDef = ModuleDef {
    name: "atexit",
    doc: "allow programmer to define multiple exit functions to be executed\nupon normal program termination.\n\nTwo public functions, register and unregister, are defined.\n",
    functions: &[
        MethodDef {
            hide_signature: false,
            ..MethodDef::raw(
                "register(func, /, *args, **kwargs)",
                register,
                "Register a function to be executed upon normal program termination\n\n    func - function to be called at exit\n    args - optional arguments to pass to func\n    kwargs - optional keyword arguments to pass to func\n\n    func is returned to facilitate usage as a decorator.",
            )
        },
        MethodDef::new(
            "_clear()",
            |vm, _| {
                drop(with_list(vm, std::mem::take));
                Ok(Object::NONE)
            },
            "Clear the list of previously registered exit functions.",
        ),
        MethodDef::new(
            "unregister(func, /)",
            unregister,
            "Unregister an exit function which was previously registered using\natexit.register\n\n    func - function to be unregistered",
        ),
        MethodDef::new(
            "_run_exitfuncs()",
            run,
            "Run all registered exit functions.\n\nIf a callback raises an exception, it is logged with sys.unraisablehook.",
        ),
        MethodDef::new(
            "_ncallbacks()",
            |vm, _| Ok(vm.usize(with_list(vm, |items| items.len()))),
            "Return the number of registered exit functions.",
        ),
    ],
    types: &[],
    init: None,
};

const KEY: &str = "atexit.callbacks";

/// Runs `f` on the registered functions; nothing of Python runs inside.
fn with_list<R: Default>(vm: &Vm, f: impl FnOnce(&mut Vec<Object>) -> R) -> R {
    let list = match vm.shared(KEY) {
        Some(list) => list,
        None => {
            let list = vm.list(Vec::new());
            vm.share(KEY, list.clone());
            list
        }
    };
    list.downcast::<List>().map_or_else(R::default, |list| list.with_items(f))
}

fn register(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let (positional, values) = args.split_at(args.len() - kwnames.len());
    let Some((function, rest)) = positional.split_first() else {
        return Err(vm.type_error("register() takes at least 1 argument (0 given)"));
    };
    if !vm.is_callable(function) {
        return Err(vm.type_error("the first argument must be callable"));
    }
    let kwargs = vm.new_dict();
    for (name, value) in kwnames.iter().zip(values) {
        vm.set_item(&kwargs, name, value)?;
    }
    let entry = vm.tuple(vec![function.clone(), vm.tuple(rest.to_vec()), kwargs]);
    with_list(vm, |items| items.push(entry));
    Ok(function.clone())
}

fn parts(entry: &Object) -> [Object; 3] {
    match entry.downcast::<Tuple>().map(|t| t.items()) {
        Some([function, args, kwargs]) => [function.clone(), args.clone(), kwargs.clone()],
        _ => [Object::NONE, Object::NONE, Object::NONE],
    }
}

fn unregister(vm: &Vm, args: &[Object]) -> Result {
    let entries = with_list(vm, |items| items.clone());
    for entry in entries {
        let [function, ..] = parts(&entry);
        if vm.equal(&function, &args[0])? {
            let gone = with_list(vm, |items| {
                let place = items.iter().position(|item| item.is(entry.value()))?;
                Some(items.remove(place))
            });
            drop(gone);
        }
    }
    Ok(Object::NONE)
}

fn run(vm: &Vm, _args: &[Object]) -> Result {
    while let Some(entry) = with_list(vm, |items| items.pop()) {
        let [function, args, kwargs] = parts(&entry);
        let mut all = args.downcast::<Tuple>().map_or_else(Vec::new, |t| t.items().to_vec());
        let mut names = Vec::new();
        for (name, value) in kwargs.downcast::<Dict>().map_or_else(Vec::new, |d| d.items()) {
            names.push(name);
            all.push(value);
        }
        if let Err(raised) = vm.call_kw(&function, &all, &names) {
            let exception = vm.caught(raised);
            let shown = vm.repr_text(&function).unwrap_or_else(|_| "<unprintable>".to_owned());
            vm.raise(exception);
            vm.write_unraisable(&Object::NONE, &format!("Exception ignored in atexit callback {shown}"));
        }
    }
    Ok(Object::NONE)
}
