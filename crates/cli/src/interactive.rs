//! The interactive interpreter: the library's `_pyrepl` on a terminal that can do
//! it, lines of standard input with prompts on standard error everywhere else.

use std::io::{BufRead, IsTerminal};
use std::os::unix::ffi::OsStrExt;
use taipan_runtime::prelude::*;
use taipan_runtime::{compile, interp, start};

/// Is standard input something to talk with (or does `-i` say so)?
pub fn is_wanted(vm: &Vm) -> bool {
    vm.interp().config.interactive > 0 || std::io::stdin().is_terminal()
}

/// Was inspection after the program asked for, by `-i` or by the program itself
/// (`PYTHONINSPECT` in the environment at its end)?
pub fn inspects(vm: &Vm) -> bool {
    let config = &vm.interp().config;
    config.inspect > 0
        || !config.ignore_environment
            && std::env::var_os("PYTHONINSPECT").is_some_and(|value| !value.is_empty())
}

/// What CPython shows first: version, platform, what to type for help.
fn greet(vm: &Vm) -> Result<()> {
    let sys = vm.import_native("sys")?;
    let version = vm.str_lossy(&vm.get_attr_str(&sys, "version")?);
    let platform = vm.str_lossy(&vm.get_attr_str(&sys, "platform")?);
    eprintln!("Python {version} on {platform}");
    if !vm.interp().config.no_site {
        eprintln!("Type \"help\", \"copyright\", \"credits\" or \"license\" for more information.");
    }
    Ok(())
}

/// Reads, runs and prints until the input ends. `greeting`: show the header first.
pub fn run(vm: &Vm, main: &Object, greeting: bool) -> Result<()> {
    if greeting && !vm.interp().config.quiet {
        greet(vm)?;
    }
    let plain = std::env::var_os("PYTHON_BASIC_REPL").is_some_and(|value| !value.is_empty());
    if !plain && std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        let repl = vm.import_module("_pyrepl.main")?;
        if vm.is_true(&vm.get_attr_str(&repl, "CAN_USE_PYREPL")?)? {
            let console = vm.get_attr_str(&repl, "interactive_console")?;
            let names = [vm.intern("mainmodule"), vm.intern("quiet"), vm.intern("pythonstartup")];
            let args = [main.clone(), Object::TRUE, Object::TRUE];
            return vm.call_kw(&console, &args, &names).map(drop);
        }
        eprintln!("{}", vm.str_lossy(&vm.get_attr_str(&repl, "FAIL_REASON")?));
    }
    startup(vm, main)?;
    Conversation::new(vm, main)?.run()
}

/// `PYTHONSTARTUP` and `sys.__interactivehook__`; what they raise is shown.
fn startup(vm: &Vm, main: &Object) -> Result<()> {
    let config = &vm.interp().config;
    let file =
        std::env::var_os("PYTHONSTARTUP").filter(|file| !config.ignore_environment && !file.is_empty());
    if let Some(file) = file {
        match std::fs::read(&file) {
            Ok(source) => {
                let name = compile::surrogate_escaped(vm, file.as_bytes());
                let dict = taipan_runtime::types::module::dict_of(main);
                let done = compile::compile_bytes(vm, &source, &name, compile::Mode::Exec, -1)
                    .and_then(|code| interp::run_code(vm, &code, &dict, &dict));
                show(vm, done.map(drop))?;
            }
            Err(_) => eprintln!("Could not open PYTHONSTARTUP"),
        }
    }
    let sys = vm.import_native("sys")?;
    match vm.lookup_attr_str(&sys, "__interactivehook__")? {
        Some(hook) => {
            let done = vm.call(&hook, &[]).map(drop);
            show(vm, done)
        }
        None => Ok(()),
    }
}

/// Shows what was raised; a SystemExit is for the caller.
fn show(vm: &Vm, result: Result<()>) -> Result<()> {
    if let Err(raised) = result {
        let exception = vm.caught(raised);
        if exception.is_instance_of(&exc::SYSTEM_EXIT) {
            return Err(vm.raise(exception));
        }
        start::report_uncaught(vm, &exception);
    }
    flush(vm, "stderr");
    flush(vm, "stdout");
    Ok(())
}

fn flush(vm: &Vm, stream: &str) {
    let flushed = vm
        .import_native("sys")
        .and_then(|sys| vm.lookup_attr_str(&sys, stream))
        .and_then(|stream| stream.map_or(Ok(Object::NONE), |stream| vm.call_method(&stream, "flush", &[])));
    if flushed.is_err() {
        drop(vm.take_raised());
    }
}

/// `compile()` flags: the tree only; what `codeop` wants; all future statements.
const ONLY_AST: i64 = 0x400;
const FUTURES: i64 = 0x1fe_0000;

/// Statements read line by line from standard input, prompts on standard error.
struct Conversation<'a> {
    vm: &'a Vm,
    globals: Object,
    /// A `codeop.CommandCompiler` that makes trees: it knows when more is to come.
    commands: Object,
    compile: Object,
    linecache: Object,
    futures: i64,
    statements: usize,
}

impl<'a> Conversation<'a> {
    fn new(vm: &'a Vm, main: &Object) -> Result<Conversation<'a>> {
        let sys = vm.import_native("sys")?;
        for (name, prompt) in [("ps1", ">>> "), ("ps2", "... ")] {
            if vm.lookup_attr_str(&sys, name)?.is_none() {
                vm.set_attr_str(&sys, name, &vm.str(prompt))?;
            }
        }
        let codeop = vm.import_module("codeop")?;
        let commands = vm.call_method(&codeop, "CommandCompiler", &[])?;
        Ok(Conversation {
            vm,
            globals: taipan_runtime::types::module::dict_of(main),
            commands,
            compile: vm.interp().builtin(vm, "compile"),
            linecache: vm.import_module("linecache")?,
            futures: 0,
            statements: 0,
        })
    }

    fn run(mut self) -> Result<()> {
        loop {
            match self.statement() {
                Ok(true) => show(self.vm, Ok(()))?,
                Ok(false) => return Ok(()),
                Err(raised) => show(self.vm, Err(raised))?,
            }
        }
    }

    /// Reads and runs one statement; false at the end of the input.
    fn statement(&mut self) -> Result<bool> {
        let vm = self.vm;
        let mut source = String::new();
        let tree = loop {
            let line = self.line(if source.is_empty() { "ps1" } else { "ps2" })?;
            if line.is_empty() {
                eprintln!();
                if source.is_empty() {
                    return Ok(false);
                }
                break self.parse(&source)?;
            }
            source.push_str(&line);
            let Some(text) = source.strip_suffix('\n') else { continue };
            let compiler = vm.get_attr_str(&self.commands, "compiler")?;
            let flags = vm.to_i64(&vm.get_attr_str(&compiler, "flags")?)?;
            vm.set_attr_str(&compiler, "flags", &vm.int(flags | ONLY_AST | self.futures))?;
            match vm.call(&self.commands, &[vm.str(text), vm.str("<stdin>"), vm.str("single")]) {
                Ok(tree) if tree.is_none() => {}
                Ok(tree) => break tree,
                // Once more, without the frames of `codeop` and with the line's end.
                Err(raised) => {
                    let exception = vm.caught(raised);
                    if exception.is_instance_of(&exc::SYNTAX_ERROR) {
                        break self.parse(&source)?;
                    }
                    return Err(vm.raise(exception));
                }
            }
        };
        let name = vm.str(&format!("<stdin-{}>", self.statements));
        self.statements += 1;
        let args = [tree, name, vm.str("single"), vm.int(self.futures), Object::TRUE];
        let code = match vm.call(&self.compile, &args) {
            Ok(code) => code,
            Err(raised) => return Err(self.with_text(raised, &source)),
        };
        self.futures |= vm.to_i64(&vm.get_attr_str(&code, "co_flags")?)? & FUTURES;
        let known = [code.clone(), vm.str(&source), vm.str("<stdin>")];
        vm.call_method(&self.linecache, "_register_code", &known)?;
        interp::run_code(vm, &code, &self.globals, &self.globals)?;
        Ok(true)
    }

    /// The tree of a whole statement.
    fn parse(&self, source: &str) -> Result {
        let vm = self.vm;
        let flags = vm.int(ONLY_AST | self.futures);
        vm.call(&self.compile, &[vm.str(source), vm.str("<stdin>"), vm.str("single"), flags, Object::TRUE])
    }

    /// A SyntaxError of the compiler, which has seen a tree only, gets its line.
    fn with_text(&self, raised: Raised, source: &str) -> Raised {
        let vm = self.vm;
        let exception = vm.caught(raised);
        let added = (|| -> Result<()> {
            if exception.is_instance_of(&exc::SYNTAX_ERROR) && vm.get_attr_str(&exception, "text")?.is_none()
            {
                let number = vm.to_i64(&vm.get_attr_str(&exception, "lineno")?)?;
                let line = usize::try_from(number - 1).ok().and_then(|number| source.lines().nth(number));
                if let Some(line) = line {
                    vm.set_attr_str(&exception, "text", &vm.str(line))?;
                }
            }
            Ok(())
        })();
        if added.is_err() {
            drop(vm.take_raised());
        }
        vm.raise(exception)
    }

    /// The same from a terminal if `readline` was imported, as `site` does: with its editor and history.
    fn edited_line(&self, prompt: &str) -> Option<Result<String>> {
        let vm = self.vm;
        let modules = vm.interp().modules.clone();
        modules.downcast::<Dict>()?.get_text(vm, "readline")?;
        if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
            return None;
        }
        let input = vm.interp().builtin(vm, "input");
        Some(match vm.call(&input, &[vm.str(prompt)]) {
            Ok(line) => Ok(vm.str_lossy(&line) + "\n"),
            Err(raised) => match vm.swallow(Err::<Object, _>(raised), &exc::EOF_ERROR) {
                Ok(_) => Ok(String::new()),
                Err(raised) => Err(raised),
            },
        })
    }

    /// One line with its end; empty at the end of the input.
    fn line(&self, prompt: &str) -> Result<String> {
        let vm = self.vm;
        let sys = vm.import_native("sys")?;
        let prompt = match vm.lookup_attr_str(&sys, prompt)?.map(|prompt| vm.str_text(&prompt)) {
            Some(Ok(prompt)) => prompt,
            Some(Err(_)) => {
                drop(vm.take_raised());
                String::new()
            }
            None => String::new(),
        };
        flush(vm, "stdout");
        if let Some(line) = self.edited_line(&prompt) {
            return line;
        }
        eprint!("{prompt}");
        let mut line = Vec::new();
        loop {
            let read = vm.without_gil(|| {
                let mut input = std::io::stdin().lock();
                let available = input.fill_buf()?;
                let end = available.iter().position(|&byte| byte == b'\n').map(|at| at + 1);
                let taken = end.unwrap_or(available.len());
                line.extend_from_slice(&available[..taken]);
                input.consume(taken);
                Ok::<bool, std::io::Error>(end.is_some() || taken == 0)
            });
            match read {
                Ok(true) => return Ok(String::from_utf8_lossy(&line).into_owned()),
                Ok(false) => {}
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {
                    if let Err(raised) = vm.check_signals() {
                        eprintln!();
                        return Err(raised);
                    }
                }
                Err(_) => return Ok(String::new()),
            }
        }
    }
}
