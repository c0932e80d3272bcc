//! The interactive interpreter: the library's `_pyrepl` on a terminal that can do
//! it, its `code` module everywhere else.

use std::io::IsTerminal;
use taipan_runtime::prelude::*;

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
    }
    let code = vm.import_module("code")?;
    let class = vm.get_attr_str(&code, "InteractiveConsole")?;
    let dict = taipan_runtime::types::module::dict_of(main);
    let names = [vm.intern("locals"), vm.intern("filename")];
    let console = vm.call_kw(&class, &[dict, vm.str("<stdin>")], &names)?;
    if !(std::io::stdin().is_terminal() && std::io::stdout().is_terminal()) {
        static READ: MethodDef = MethodDef::new("raw_input(prompt='', /)", read_after_prompt, "");
        let read = taipan_runtime::types::native_function::new_function(vm, &READ, Object::NONE);
        vm.set_attr_str(&console, "raw_input", &read)?;
    }
    let interact = vm.get_attr_str(&console, "interact")?;
    let names = [vm.intern("banner"), vm.intern("exitmsg")];
    vm.call_kw(&interact, &[vm.str(""), vm.str("")], &names).map(drop)
}

/// A line of standard input; the prompt goes to standard error, so that what a
/// program reads from the other end of a pipe is what its code printed.
fn read_after_prompt(vm: &Vm, args: &[Object]) -> Result {
    let stderr = vm.get_attr_str(&vm.import_module("sys")?, "stderr")?;
    vm.call_method(&stderr, "write", std::slice::from_ref(&args[0]))?;
    vm.call_method(&stderr, "flush", &[])?;
    let input = vm.get_attr_str(&vm.import_module("builtins")?, "input")?;
    vm.call(&input, &[])
}
