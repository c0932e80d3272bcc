//! `atexit`: functions to be called when the interpreter ends. The runtime
//! calls `_run_exitfuncs` then.

use taipan_runtime::prelude::*;
use taipan_runtime::types::tuple;

/// Key of the interpreter's list: tuples (function, arguments, names of the last ones).
const CALLBACKS: &str = "atexit callbacks";

/// The module.
pub static ATEXIT: ModuleDef = ModuleDef {
    name: "atexit",
    doc: "allow programmer to define multiple exit functions to be executed\nupon normal program termination.\n\nTwo public functions, register and unregister, are defined.\n",
    functions: &[
        MethodDef::raw(
            "register(func, /, *args, **kwargs)",
            register,
            "Register a function to be executed upon normal program termination\n\n    func - function to be called at exit\n    args - optional arguments to pass to func\n    kwargs - optional keyword arguments to pass to func\n\n    func is returned to facilitate usage as a decorator.",
        ),
        MethodDef::new(
            "_clear()",
            |vm, _| {
                drop(callbacks(vm, |list| list.take()));
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
            |vm, _| Ok(vm.usize(callbacks(vm, List::len))),
            "Return the number of registered exit functions.",
        ),
    ],
    types: &[],
    init: None,
};

fn callbacks<R>(vm: &Vm, f: impl FnOnce(&List) -> R) -> R {
    let list = match vm.shared(CALLBACKS) {
        Some(list) => list,
        None => {
            let list = vm.list(Vec::new());
            vm.share(CALLBACKS, list.clone());
            list
        }
    };
    match list.downcast::<List>() {
        Some(list) => f(list),
        None => f(&List::payload(Vec::new())),
    }
}

fn register(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    if args.len() == kwnames.len() {
        return Err(vm.type_error("register() takes at least 1 argument (0 given)"));
    }
    if !vm.is_callable(&args[0]) {
        return Err(vm.type_error("the first argument must be callable"));
    }
    let call = [args[0].clone(), tuple::from_slice(vm, &args[1..]), tuple::from_slice(vm, kwnames)];
    let entry = tuple::from_array(vm, call);
    callbacks(vm, |list| list.push(vm, entry))?;
    Ok(args[0].clone())
}

fn function_of(entry: &Object) -> Object {
    entry.downcast::<Tuple>().and_then(|t| t.items().first().cloned()).unwrap_or(Object::NONE)
}

fn unregister(vm: &Vm, args: &[Object]) -> Result {
    for entry in callbacks(vm, List::to_vec) {
        if vm.equal(&function_of(&entry), &args[0])? {
            let removed = callbacks(vm, |list| {
                list.with_items(|items| {
                    items.iter().position(|item| item.is(entry.value())).map(|i| items.remove(i))
                })
            });
            drop(removed);
        }
    }
    Ok(Object::NONE)
}

fn run(vm: &Vm, _args: &[Object]) -> Result {
    while let Some(entry) = callbacks(vm, |list| list.with_items(|items| items.pop())) {
        let Some([function, args, names]) =
            entry.downcast::<Tuple>().and_then(|t| <&[Object; 3]>::try_from(t.items()).ok())
        else {
            continue;
        };
        let items = |o: &Object| o.downcast::<Tuple>().map_or(Vec::new(), |t| t.items().to_vec());
        if vm.call_kw(function, &items(args), &items(names)).is_err() {
            let shown = match vm.take_raised() {
                Some(exception) => {
                    let shown = vm.repr_text(function);
                    drop(vm.take_raised());
                    vm.raise(exception);
                    shown.unwrap_or_default()
                }
                None => String::new(),
            };
            vm.write_unraisable(&Object::NONE, &format!("Exception ignored in atexit callback {shown}"));
        }
    }
    Ok(Object::NONE)
}
