//! Calling Python functions: binding arguments to parameters.

use super::frame::frame_flags;
use super::{copy_closure, push_frame, run};
use crate::prelude::*;
use crate::types::code::Code;
use crate::types::function::Function;
use crate::types::tuple;
use std::mem::MaybeUninit;
use taipan_bytecode::code_flags as co;

/// Call slot of functions: from native code into Python code.
pub fn call_function(vm: &Vm, callable: &Object, args: &[Object], kwnames: &[Object]) -> Result {
    // SAFETY: the window is free and becomes the callee's; `callable` is kept alive
    // by the caller.
    unsafe {
        let f = callable.payload_unchecked::<Function>();
        let code = f.code();
        let base = vm.free_window();
        if base.add(args.len() + code.registers) >= vm.stack_end {
            return Err(vm.recursion_error("maximum recursion depth exceeded"));
        }
        let mut filled = 0;
        if kwnames.is_empty() && args.len() == code.fast_argc {
            for arg in args {
                *base.add(filled) = arg.clone().into_value();
                filled += 1;
            }
        } else {
            for arg in args {
                *base.add(filled) = arg.clone().into_value();
                filled += 1;
            }
            filled = bind(vm, callable, f, base, args.len(), kwnames)?;
        }
        let _code_alive = f.code_object();
        let pushed = push_frame(vm, code, base, filled, callable.value(), frame_flags::ENTRY);
        let frame = match pushed {
            Ok(frame) => frame,
            Err(raised) => {
                drop_window(base, filled);
                return Err(raised);
            }
        };
        copy_closure(code, base, f.closure());
        run(vm, frame, false).map(|value| Object::from_owned(value))
    }
}

/// Drops `n` registers of a window, the last first.
///
/// # Safety
/// They hold owned values or no pointers.
pub(crate) unsafe fn drop_window(base: *mut Value, n: usize) {
    for i in (0..n).rev() {
        // SAFETY: says the caller.
        unsafe {
            let slot = base.add(i);
            if (*slot).is_ptr() {
                drop(Object::from_owned(std::mem::replace(&mut *slot, Value::UNBOUND)));
            }
        }
    }
}

/// Arranges `nargs` words at `base` (positional arguments, then the values of
/// `kwnames`) as the callee's parameters. Returns how many registers are filled.
/// On an error the words are gone.
///
/// # Safety
/// The words at `base` are owned; the window has room for all parameters.
pub(crate) unsafe fn bind(
    vm: &Vm,
    callable: &Object,
    f: &Function,
    base: *mut Value,
    nargs: usize,
    kwnames: &[Object],
) -> Result<usize> {
    // SAFETY: as the caller's.
    unsafe {
        let code = f.code();
        // Positional arguments only, some defaults missing: in place.
        if kwnames.is_empty()
            && code.kwonly == 0
            && !code.has_flag(co::VARARGS | co::VARKEYWORDS)
            && nargs <= code.argcount
        {
            let missing = code.argcount - nargs;
            if missing == 0 {
                return Ok(nargs);
            }
            if let Some(defaults) = f.defaults()
                && defaults.len() >= missing
            {
                let from = defaults.len() - missing;
                for (i, default) in defaults.items()[from..].iter().enumerate() {
                    *base.add(nargs + i) = default.clone().into_value();
                }
                return Ok(code.argcount);
            }
        }
        // What is too much for the others goes into `*args`, nothing into `**kwargs`.
        let has_rest = code.has_flag(co::VARARGS);
        if kwnames.is_empty()
            && code.kwonly == 0
            && nargs >= code.argcount
            && (has_rest || nargs == code.argcount)
        {
            let rest = has_rest.then(|| tuple::from_raw(vm, base.add(code.argcount), nargs - code.argcount));
            let names = code.has_flag(co::VARKEYWORDS).then(|| vm.new_dict());
            return Ok(place_rest(base, code.argcount, [rest, names], nargs));
        }
        if let Some(filled) = bind_quick(vm, f, code, base, nargs, kwnames) {
            return Ok(filled);
        }
        let mut given: Vec<Object> = Vec::with_capacity(nargs);
        for i in 0..nargs {
            given.push(Object::from_owned(std::mem::replace(&mut *base.add(i), Value::UNBOUND)));
        }
        let bound = bind_general(vm, callable, f, code, given, kwnames)?;
        let n = bound.len();
        for (i, value) in bound.into_iter().enumerate() {
            *base.add(i) = value.into_value();
        }
        Ok(n)
    }
}

/// Most parameters, and most keywords, that [`bind_quick`] handles.
const FEW: usize = 24;

/// The usual call with keywords, keyword-only defaults, `*args` or `**kwargs`: every name
/// is known by identity or surely none of a parameter, nothing is missing. None: somebody
/// else has to look, nothing has been moved. Runs no Python code.
///
/// # Safety
/// As [`bind`].
unsafe fn bind_quick(
    vm: &Vm,
    f: &Function,
    code: &Code,
    base: *mut Value,
    nargs: usize,
    kwnames: &[Object],
) -> Option<usize> {
    let named = code.argcount + code.kwonly;
    let npos = nargs - kwnames.len();
    let (has_rest, has_names) = (code.has_flag(co::VARARGS), code.has_flag(co::VARKEYWORDS));
    if named > FEW || kwnames.len() > FEW || npos > code.argcount && !has_rest {
        return None;
    }
    let direct = npos.min(code.argcount);
    // SAFETY: words are read first and moved only when nothing can fail any more.
    unsafe {
        let locals = &code.locals(vm)[..named];
        // The words of the parameters from `direct` on: those before are in their places.
        let mut words = [const { MaybeUninit::<Value>::uninit() }; FEW];
        for word in &mut words[direct..named] {
            word.write(Value::UNBOUND);
        }
        // Which keywords go into `**kwargs`.
        let mut unknown: u32 = 0;
        for (k, key) in kwnames.iter().enumerate() {
            match (code.posonly..named).find(|&i| locals[i].0.is(key.value())) {
                Some(i) if i < direct || !words[i].assume_init().is_unbound() => return None,
                Some(i) => _ = words[i].write(*base.add(npos + k)),
                // Interned names are equal only if they are the same.
                None if has_names && Str::is_unique(key) => unknown |= 1 << k,
                None => return None,
            }
        }
        let mut defaulted: u32 = 0;
        let defaults = f.defaults().map_or(&[] as &[Object], |d| d.items());
        for i in direct..named {
            if !words[i].assume_init().is_unbound() {
                continue;
            }
            defaulted |= 1 << i;
            words[i].write(if i < code.argcount {
                let back = code.argcount - i;
                if back > defaults.len() {
                    return None;
                }
                defaults[defaults.len() - back].value()
            } else {
                f.kwdefaults().downcast_exact::<Dict>()?.get_str(&locals[i].0)?
            });
        }
        let rest = has_rest.then(|| tuple::from_raw(vm, base.add(direct), npos - direct));
        let names = has_names.then(|| {
            let made = vm.new_dict();
            let dict = made.payload_unchecked::<Dict>();
            for (k, key) in kwnames.iter().enumerate().filter(|(k, _)| unknown & 1 << k != 0) {
                dict.set_str(vm, key, Object::from_owned(*base.add(npos + k)));
            }
            made
        });
        for i in direct..named {
            let word = words[i].assume_init();
            if defaulted & 1 << i != 0 {
                taipan_object::object::incref(word);
            }
            *base.add(i) = word;
        }
        Some(place_rest(base, named, [rest, names], nargs))
    }
}

/// Puts the values of `*args` and `**kwargs` behind the `filled` registers of the named
/// parameters. Returns how many registers are filled then.
///
/// # Safety
/// The window has room for them; what of the `nargs` words lies behind the named ones is
/// in the tuple and the dict already.
#[inline(always)]
unsafe fn place_rest(base: *mut Value, mut filled: usize, rest: [Option<Object>; 2], nargs: usize) -> usize {
    // SAFETY: says the caller.
    unsafe {
        for more in rest.into_iter().flatten() {
            *base.add(filled) = more.into_value();
            filled += 1;
        }
        for i in filled..nargs {
            *base.add(i) = Value::UNBOUND;
        }
    }
    filled
}

fn bind_general(
    vm: &Vm,
    callable: &Object,
    f: &Function,
    code: &Code,
    given: Vec<Object>,
    kwnames: &[Object],
) -> Result<Vec<Object>> {
    let _ = callable;
    let npos = given.len() - kwnames.len();
    let has_varargs = code.has_flag(co::VARARGS);
    let total = code.parameter_count();
    let named = code.argcount + code.kwonly;
    let mut out: Vec<Object> = vec![Object::UNBOUND; total];
    let mut given = given.into_iter();
    let mut extra = Vec::new();
    for i in 0..npos {
        let Some(arg) = given.next() else { break };
        if i < code.argcount {
            out[i] = arg;
        } else {
            extra.push(arg);
        }
    }
    let too_many = npos > code.argcount && !has_varargs;
    if has_varargs {
        out[named] = vm.tuple(std::mem::take(&mut extra));
    }
    let mut rest = None;
    if code.has_flag(co::VARKEYWORDS) {
        rest = Some(vm.new_dict());
    }
    for (key, value) in kwnames.iter().zip(given) {
        let position = (code.posonly..named)
            .find(|&i| code.locals(vm)[i].0.value() == key.value())
            .or_else(|| (code.posonly..named).find(|&i| vm.str_equal(&code.locals(vm)[i].0, key)));
        match position {
            Some(i) => {
                if !out[i].is_unbound() {
                    return Err(vm.type_error(format!(
                        "{}() got multiple values for argument '{}'",
                        qualname(vm, f),
                        vm.str_lossy(key)
                    )));
                }
                out[i] = value;
            }
            None => match &rest {
                Some(rest) => vm.set_item(rest, key, &value)?,
                None => return Err(unexpected_keyword(vm, f, code, key, kwnames)),
            },
        }
    }
    if too_many {
        return Err(too_many_positional(vm, f, code, npos, &out));
    }
    if let Some(rest) = rest {
        out[total - 1] = rest;
    }
    // Defaults.
    let defaults = f.defaults().map_or(&[] as &[Object], |d| d.items());
    let first_default = code.argcount.saturating_sub(defaults.len());
    let mut missing: Vec<String> = Vec::new();
    for (i, slot) in out.iter_mut().enumerate().take(code.argcount) {
        if slot.is_unbound() {
            if i >= first_default {
                *slot = defaults[i - first_default + defaults.len().saturating_sub(code.argcount)].clone();
            } else {
                missing.push(vm.str_lossy(&code.locals(vm)[i].0));
            }
        }
    }
    if !missing.is_empty() {
        return Err(missing_arguments(vm, f, "positional", &missing));
    }
    for i in code.argcount..named {
        if !out[i].is_unbound() {
            continue;
        }
        let default = match f.kwdefaults().downcast::<Dict>() {
            Some(d) => d.get(vm, &code.locals(vm)[i].0)?,
            None => None,
        };
        match default {
            Some(default) => out[i] = default,
            None => missing.push(vm.str_lossy(&code.locals(vm)[i].0)),
        }
    }
    if !missing.is_empty() {
        return Err(missing_arguments(vm, f, "keyword-only", &missing));
    }
    Ok(out)
}

fn qualname(vm: &Vm, f: &Function) -> String {
    let qualname = f.qualname.borrow().clone();
    vm.str_lossy(&qualname)
}

#[cold]
fn missing_arguments(vm: &Vm, f: &Function, kind: &str, names: &[String]) -> Raised {
    let quoted: Vec<String> = names.iter().map(|n| format!("'{n}'")).collect();
    let list = match quoted.as_slice() {
        [one] => one.clone(),
        [a, b] => format!("{a} and {b}"),
        [init @ .., last] => format!("{}, and {last}", init.join(", ")),
        [] => String::new(),
    };
    vm.type_error(format!(
        "{}() missing {} required {kind} argument{}: {list}",
        qualname(vm, f),
        names.len(),
        if names.len() == 1 { "" } else { "s" }
    ))
}

#[cold]
fn too_many_positional(vm: &Vm, f: &Function, code: &Code, given: usize, out: &[Object]) -> Raised {
    let kwonly_given =
        out[code.argcount..code.argcount + code.kwonly].iter().filter(|o| !o.is_unbound()).count();
    let defaults = f.defaults().map_or(0, |d| d.len());
    let (plural, expected) = if defaults > 0 {
        (true, format!("from {} to {}", code.argcount - defaults.min(code.argcount), code.argcount))
    } else {
        (code.argcount != 1, code.argcount.to_string())
    };
    let kwonly = if kwonly_given > 0 {
        format!(
            " positional argument{} (and {kwonly_given} keyword-only argument{})",
            if given != 1 { "s" } else { "" },
            if kwonly_given != 1 { "s" } else { "" }
        )
    } else {
        String::new()
    };
    vm.type_error(format!(
        "{}() takes {expected} positional argument{} but {given}{kwonly} {} given",
        qualname(vm, f),
        if plural { "s" } else { "" },
        if given == 1 && kwonly_given == 0 { "was" } else { "were" }
    ))
}

#[cold]
fn unexpected_keyword(vm: &Vm, f: &Function, code: &Code, key: &Object, kwnames: &[Object]) -> Raised {
    if key.downcast::<Str>().is_none() {
        return vm.type_error("keywords must be strings");
    }
    let conflicts: Vec<String> = code.locals(vm)[..code.posonly]
        .iter()
        .filter(|(name, _)| kwnames.iter().any(|k| vm.str_equal(k, name)))
        .map(|(name, _)| vm.str_lossy(name))
        .collect();
    if !conflicts.is_empty() {
        return vm.type_error(format!(
            "{}() got some positional-only arguments passed as keyword arguments: '{}'",
            qualname(vm, f),
            conflicts.join(", ")
        ));
    }
    let shown = vm.str_lossy(key);
    let candidates: Vec<String> = code.locals(vm)[code.posonly..code.argcount + code.kwonly]
        .iter()
        .map(|(name, _)| vm.str_lossy(name))
        .collect();
    let hint = match crate::suggest::closest(&shown, &candidates) {
        Some(best) => format!(". Did you mean '{best}'?"),
        None => String::new(),
    };
    vm.type_error(format!("{}() got an unexpected keyword argument '{shown}'{hint}", qualname(vm, f)))
}
