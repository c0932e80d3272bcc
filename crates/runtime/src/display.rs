//! Showing tracebacks and exceptions without Python code: the last resort when
//! the `traceback` module cannot be used, and what unraisable exceptions get.

use crate::prelude::*;

/// Where text goes: a Python file, or the process's standard error.
pub struct Output {
    file: Option<Object>,
}

impl Output {
    /// `file` if there is one, else the standard error stream itself.
    pub fn of(_vm: &Vm, file: Option<&Object>) -> Output {
        Output { file: file.and_then(|f| f.some()).cloned() }
    }
    /// Writes text.
    pub fn write(&self, vm: &Vm, text: &str) -> Result<()> {
        match &self.file {
            Some(file) => vm.call_method(file, "write", &[vm.str(text)]).map(drop),
            None => {
                eprint_quietly(text);
                Ok(())
            }
        }
    }
    /// Flushes; failures are not interesting.
    pub fn flush(&self, vm: &Vm) {
        if let Some(file) = &self.file
            && let Err(raised) = vm.call_method(file, "flush", &[])
        {
            drop(vm.caught(raised));
        }
    }
}

/// Writes to the standard error stream; a closed one is no problem.
pub fn eprint_quietly(text: &str) {
    use std::io::Write;
    let _ = std::io::stderr().write_all(text.as_bytes());
}

fn attr(vm: &Vm, object: &Object, name: &str) -> Object {
    match vm.get_attr_str(object, name) {
        Ok(value) => value,
        Err(raised) => {
            drop(vm.caught(raised));
            Object::NONE
        }
    }
}

/// The traceback's lines as CPython's C code prints them, source lines included.
pub fn print_traceback(vm: &Vm, traceback: &Object, out: &Output) -> Result<()> {
    out.write(vm, "Traceback (most recent call last):\n")?;
    let mut entries = Vec::new();
    let mut next = traceback.clone();
    while !next.is_none() {
        let line = vm.to_i64(&attr(vm, &next, "tb_lineno")).unwrap_or_else(|raised| {
            drop(vm.caught(raised));
            0
        });
        let code = attr(vm, &attr(vm, &next, "tb_frame"), "f_code");
        let file = vm.str_lossy(&attr(vm, &code, "co_filename"));
        let name = vm.str_lossy(&attr(vm, &code, "co_name"));
        entries.push((file, line, name));
        next = attr(vm, &next, "tb_next");
    }
    let skipped = entries.len().saturating_sub(1000);
    let (mut last, mut repeats) = (None, 0usize);
    let repeated =
        |n: usize| format!("  [Previous line repeated {n} more time{}]\n", if n == 1 { "" } else { "s" });
    for entry in entries.iter().skip(skipped) {
        if last == Some(entry) {
            repeats += 1;
        } else {
            if repeats > 3 {
                out.write(vm, &repeated(repeats - 3))?;
            }
            (last, repeats) = (Some(entry), 1);
        }
        if repeats > 3 {
            continue;
        }
        let (file, line, name) = entry;
        out.write(vm, &format!("  File \"{file}\", line {line}, in {name}\n"))?;
        if let Some(text) = source_line(file, *line) {
            out.write(vm, &format!("    {text}\n"))?;
        }
    }
    if repeats > 3 {
        out.write(vm, &repeated(repeats - 3))?;
    }
    Ok(())
}

/// Line `number` of a source file, without indentation.
pub fn source_line(file: &str, number: i64) -> Option<String> {
    if file.starts_with('<') || number < 1 {
        return None;
    }
    let bytes = std::fs::read(file).ok()?;
    let line = bytes.split(|&b| b == b'\n').nth(number as usize - 1)?;
    let text = String::from_utf8_lossy(line);
    let text = text.trim_matches(|c| c == ' ' || c == '\t' || c == '\x0c' || c == '\r');
    if text.is_empty() { None } else { Some(text.to_string()) }
}

/// `module.Class: text` and a newline.
pub fn exception_line(vm: &Vm, class: &Object, value: &Object) -> String {
    let module = attr(vm, class, "__module__");
    let name = vm.str_lossy(&attr(vm, class, "__qualname__"));
    let module = vm.str_lossy(&module);
    let mut line = match module.as_str() {
        "builtins" | "__main__" => name,
        "" => format!("<unknown>.{name}"),
        _ => format!("{module}.{name}"),
    };
    if !value.is_none() {
        match vm.str_text(value) {
            Ok(text) if text.is_empty() => {}
            Ok(text) => {
                line.push_str(": ");
                line.push_str(&text);
            }
            Err(raised) => {
                drop(vm.caught(raised));
                line.push_str(": <exception str() failed>");
            }
        }
    }
    line.push('\n');
    line
}

/// An uncaught exception with its causes and contexts, without the `traceback` module.
pub fn print_exception(vm: &Vm, exception: &Object, out: &Output) -> Result<()> {
    let mut chain = vec![(exception.clone(), "")];
    // Innermost first; a loop in the chain ends it.
    while let Some((current, _)) = chain.last().cloned() {
        let Some(base) = current.downcast::<crate::types::exceptions::BaseException>() else { break };
        let (next, why) = if !base.cause().is_none() {
            (base.cause(), "\nThe above exception was the direct cause of the following exception:\n\n")
        } else if !base.context().is_none() && !base.suppress_context() {
            (base.context(), "\nDuring handling of the above exception, another exception occurred:\n\n")
        } else {
            break;
        };
        if chain.iter().any(|(seen, _)| seen.value() == next.value()) {
            break;
        }
        if let Some(last) = chain.last_mut() {
            last.1 = why;
        }
        chain.push((next, ""));
    }
    for (exception, why) in chain.iter().rev() {
        out.write(vm, why)?;
        if let Some(base) = exception.downcast::<crate::types::exceptions::BaseException>() {
            let traceback = base.traceback();
            if !traceback.is_none() {
                print_traceback(vm, &traceback, out)?;
            }
        }
        out.write(vm, &exception_line(vm, &exception.ty().to_object(), exception))?;
    }
    Ok(())
}

/// How error messages about calls name a callable: `module.qualname()`.
pub fn function_text(vm: &Vm, callable: &Object) -> String {
    let qualname = attr(vm, callable, "__qualname__");
    if qualname.downcast::<Str>().is_none() {
        return vm.str_text(callable).unwrap_or_else(|raised| {
            drop(vm.caught(raised));
            String::new()
        });
    }
    let qualname = vm.str_lossy(&qualname);
    let module = attr(vm, callable, "__module__");
    match module.downcast::<Str>() {
        Some(m) if !m.equals_text("builtins") => format!("{}.{qualname}()", vm.str_lossy(&module)),
        _ => format!("{qualname}()"),
    }
}
