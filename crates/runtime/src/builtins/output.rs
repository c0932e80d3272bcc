//! `print` and `input`.

use crate::names::name;
use crate::prelude::*;
use crate::types::str::Builder;

/// The functions of this file.
pub static FUNCTIONS: &[MethodDef] = &[
    MethodDef {
        hide_signature: false,
        ..MethodDef::raw(
            "print(*args, sep=' ', end='\\n', file=None, flush=False)",
            print,
            "Prints the values to a stream, or to sys.stdout by default.\n\n  sep\n    string inserted between values, default a space.\n  end\n    string appended after the last value, default a newline.\n  file\n    a file-like object (stream); defaults to the current sys.stdout.\n  flush\n    whether to forcibly flush the stream.",
        )
    },
    MethodDef::new(
        "input(prompt='', /)",
        input,
        "Read a string from standard input.  The trailing newline is stripped.\n\nThe prompt is printed first, without a newline.  At the end of the input\nEOFError is raised.",
    ),
];

/// A file object of `sys`: Err if it is lost, None if it is None.
fn stream(vm: &Vm, which: &Object, what: &str) -> Result<Option<Object>> {
    let found = vm.interp().sys_dict.downcast::<Dict>().and_then(|d| d.get_str_owned(which));
    match found {
        Some(file) if file.is_none() => Ok(None),
        Some(file) => Ok(Some(file)),
        None => Err(vm.runtime_error(format!("{what}lost sys.{}", vm.str_lossy(which)))),
    }
}

/// None for the default; checked to be a string.
fn text_option(vm: &Vm, value: &Object, what: &str) -> Result<Option<Object>> {
    if value.is_none() {
        return Ok(None);
    }
    if value.downcast::<Str>().is_none() {
        return Err(vm.type_error(format!("{what} must be None or a string, not {}", value.ty().name())));
    }
    Ok(Some(value.clone()))
}

fn print(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    let (values, options) = args.split_at(args.len() - kwnames.len());
    let (mut sep, mut end, mut file, mut flush) = (None, None, None, None);
    for (key, value) in kwnames.iter().zip(options) {
        let key = vm.str_lossy(key);
        match key.as_str() {
            "sep" => sep = Some(value),
            "end" => end = Some(value),
            "file" => file = value.some(),
            "flush" => flush = Some(value),
            _ => {
                return Err(vm.type_error(format!("print() got an unexpected keyword argument '{key}'")));
            }
        }
    }
    let file = match file {
        Some(file) => file.clone(),
        None => match stream(vm, name::stdout.object(), "")? {
            Some(file) => file,
            None => return Ok(Object::NONE),
        },
    };
    let sep = match sep {
        Some(value) => text_option(vm, value, "sep")?,
        None => None,
    };
    let end = match end {
        Some(value) => text_option(vm, value, "end")?,
        None => None,
    };
    let flush = match flush {
        Some(value) => vm.is_true(value)?,
        None => false,
    };
    let write = |text: &Object| {
        vm.call_method_object(&file, name::write.object(), std::slice::from_ref(text)).map(drop)
    };
    // One string and a newline, as most calls: still two writes, as programs
    // that replace sys.stdout see them.
    for (i, value) in values.iter().enumerate() {
        if i > 0 {
            match &sep {
                Some(sep) => write(sep)?,
                None => write(&crate::types::str::from_char(vm, 32))?,
            }
        }
        write(&vm.str_of(value)?)?;
    }
    match &end {
        Some(end) => write(end)?,
        None => write(&crate::types::str::from_char(vm, 10))?,
    }
    if flush {
        vm.call_method_object(&file, name::flush.object(), &[])?;
    }
    Ok(Object::NONE)
}

fn input(vm: &Vm, args: &[Object]) -> Result {
    let lost = |which: &str| vm.runtime_error(format!("input(): lost sys.{which}"));
    let stdin = stream(vm, name::stdin.object(), "input(): ")?.ok_or_else(|| lost("stdin"))?;
    let stdout = stream(vm, name::stdout.object(), "input(): ")?.ok_or_else(|| lost("stdout"))?;
    let stderr = stream(vm, name::stderr.object(), "input(): ")?.ok_or_else(|| lost("stderr"))?;
    vm.audit("builtins.input", &[args[0].clone()])?;
    quiet_flush(vm, &stderr);
    // The editor of lines, once `readline` is imported; it wants a terminal.
    if let Some(read) = vm.shared("readline.input") {
        quiet_flush(vm, &stdout);
        let prompt = vm.str_of(&args[0])?;
        let line = vm.call(&read, &[stdin.clone(), stdout.clone(), prompt])?;
        if !line.is(Value::NOT_IMPLEMENTED) {
            vm.audit("builtins.input/result", std::slice::from_ref(&line))?;
            return Ok(line);
        }
    }
    if !Str::is_empty_object(&args[0]) {
        let prompt = vm.str_of(&args[0])?;
        vm.call_method_object(&stdout, name::write.object(), &[prompt])?;
    }
    quiet_flush(vm, &stdout);
    let line = vm.call_method_object(&stdin, name::readline.object(), &[])?;
    let Some(text) = line.downcast::<Str>() else {
        return Err(vm.type_error("object.readline() returned non-string"));
    };
    if text.is_empty() {
        return Err(vm.eof_error("EOF when reading a line"));
    }
    let result = if text.char_at(text.len() - 1) == u32::from('\n') {
        let mut out = Builder::with_capacity(text.len());
        out.push_object(&text.slice(vm, 0, text.len() - 1));
        out.finish(vm)
    } else {
        line.clone()
    };
    vm.audit("builtins.input/result", &[result.clone()])?;
    Ok(result)
}

fn quiet_flush(vm: &Vm, file: &Object) {
    if let Err(raised) = vm.call_method_object(file, name::flush.object(), &[]) {
        drop(vm.caught(raised));
    }
}
