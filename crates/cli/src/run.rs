//! From options to an exit status: start the interpreter, run the target,
//! report what it raised, shut down.

use crate::interactive;
use crate::options::{Options, Target};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use taipan_runtime::prelude::*;
use taipan_runtime::vm::Config;
use taipan_runtime::{compile, interp, start};

/// An interpreter with all modules and the library, its main thread attached to the
/// calling one; else an exit status, after a message. `native_limit` and `native_floor`:
/// the lowest addresses of the native stack for recursion, and for work of bounded depth.
pub fn open(
    mut config: Config,
    native_limit: usize,
    native_floor: usize,
) -> std::result::Result<&'static Vm, i32> {
    taipan_stdlib_files::prepare_process(&mut config);
    let mut modules = taipan_stdlib_files::modules();
    modules.extend(taipan_stdlib_compress::modules());
    modules.extend(taipan_stdlib_crypto::modules());
    modules.extend(taipan_stdlib_ctypes::modules());
    modules.extend(taipan_stdlib_data::modules());
    modules.extend(taipan_stdlib_db::modules());
    modules.extend(taipan_stdlib_decimal::modules());
    modules.extend(taipan_stdlib_dev::modules());
    modules.extend(taipan_stdlib_net::modules());
    modules.extend(taipan_stdlib_text::modules());
    modules.extend(taipan_stdlib_time::modules());
    modules.push(&taipan_pylib::MODULE);
    let Some(vm) = start::new_interpreter(config, native_limit, modules, &taipan_pylib::LIBRARY) else {
        eprintln!("Fatal Python error: cannot reserve memory for the interpreter");
        return Err(1);
    };
    vm.native_floor.set(native_floor);
    vm.interp().opener.set(Some(initialise_second));
    taipan_object::limit::tell(vm.breaker_word());
    taipan_runtime::gc::hold();
    let bare = std::env::var_os("TAIPAN_BARE").is_some();
    if !bare && let Err(raised) = initialise(vm) {
        let exception = vm.caught(raised);
        eprintln!("Fatal Python error: init_import_site: Failed to initialise the interpreter");
        let out = taipan_runtime::display::Output::of(vm, None);
        let _ = taipan_runtime::display::print_exception(vm, &exception, &out);
        return Err(1);
    }
    taipan_runtime::gc::release();
    taipan_host::memory::forget_program();
    Ok(vm)
}

/// Runs everything; the process's exit status.
pub fn run(options: Options, native_limit: usize, native_floor: usize) -> i32 {
    let vm = match open(options.config, native_limit, native_floor) {
        Ok(vm) => vm,
        Err(status) => return status,
    };
    let main = match main_module(vm) {
        Ok(main) => main,
        Err(raised) => return report(vm, raised),
    };
    if matches!(options.target, Target::Command(_) | Target::Stdin)
        && !vm.interp().config.safe_path
        && let Err(raised) = insert_path(vm, vm.str(""))
    {
        return report(vm, raised);
    }
    let result = match &options.target {
        Target::Command(source) => run_command(vm, source, &main),
        Target::Module(name) => run_module(vm, name),
        Target::File(path) => run_file(vm, path, &main, options.skip_first_line),
        Target::Stdin if interactive::is_wanted(vm) => interactive::run(vm, &main, true),
        Target::Stdin => {
            let mut source = Vec::new();
            let _ = std::io::Read::read_to_end(&mut std::io::stdin(), &mut source);
            run_source(vm, &source, "<stdin>", &main)
        }
    };
    let mut status = match result {
        Ok(()) => 0,
        Err(raised) => report(vm, raised),
    };
    if !matches!(options.target, Target::Stdin) && interactive::inspects(vm) {
        status = match interactive::run(vm, &main, false) {
            Ok(()) => 0,
            Err(raised) => report(vm, raised),
        };
    }
    drop(main);
    start::finalise(vm, status)
}

fn initialise(vm: &Vm) -> Result<()> {
    taipan_host::memory::forget_program();
    let frames = vm.interp().config.traced_frames;
    if frames > 0 {
        taipan_runtime::traces::start(vm, frames);
    }
    if let Some((file, rate)) = &vm.interp().config.profile
        && !taipan_runtime::sampler::start(vm, file.clone(), *rate)
    {
        return Err(vm.runtime_error("cannot start the sampling profiler"));
    }
    start::start_importlib(vm)?;
    start::install_embedded_library(vm)?;
    vm.import_module("encodings")?;
    taipan_stdlib_files::install_signal_handlers(vm)?;
    taipan_stdlib_files::make_std_streams(vm)?;
    let config = &vm.interp().config;
    if config.dev_mode
        || config.x_options.iter().any(|option| option == "faulthandler")
        || (!config.ignore_environment
            && std::env::var_os("PYTHONFAULTHANDLER").is_some_and(|v| !v.is_empty()))
    {
        let module = vm.import_module("faulthandler")?;
        vm.call_method(&module, "enable", &[])?;
    }
    if !vm.interp().config.warn_options.is_empty() {
        // It reads the options.
        vm.import_module("warnings")?;
    }
    if !vm.interp().config.no_site {
        vm.import_module("site")?;
    }
    Ok(())
}

/// What programs find in an interpreter that another one made.
fn initialise_second(vm: &Vm) -> Result<()> {
    taipan_runtime::gc::hold();
    start::start_importlib(vm)?;
    start::install_embedded_library(vm)?;
    vm.import_module("encodings")?;
    taipan_stdlib_files::make_std_streams(vm)?;
    main_module(vm)?;
    if !vm.interp().config.no_site {
        vm.import_module("site")?;
    }
    if let Some(path) = vm.shared(start::FIRST_PATH) {
        insert_path(vm, path)?;
    }
    taipan_runtime::gc::release();
    Ok(())
}

fn main_module(vm: &Vm) -> Result {
    let main = taipan_runtime::types::module::new(vm, "__main__");
    let dict = taipan_runtime::types::module::dict_of(&main);
    vm.set_item(&dict, &vm.intern("__builtins__"), &vm.interp().builtins.clone())?;
    if let Some(importlib) = vm.shared("importlib") {
        let importer = vm.get_attr_str(&importlib, "BuiltinImporter")?;
        vm.set_item(&dict, &vm.intern("__loader__"), &importer)?;
    }
    let modules = vm.interp().modules.clone();
    vm.set_item(&modules, &vm.intern("__main__"), &main)?;
    Ok(main)
}

/// `-c`: the lines of the command are there for tracebacks.
fn run_command(vm: &Vm, source: &str, main: &Object) -> Result<()> {
    let code = compile::compile_bytes(vm, source.as_bytes(), &vm.str("<string>"), compile::Mode::Exec, -1)?;
    let linecache = vm.import_module("linecache")?;
    vm.call_method(&linecache, "_register_code", &[code.clone(), vm.str(source), vm.str("<string>")])?;
    let dict = taipan_runtime::types::module::dict_of(main);
    interp::run_code(vm, &code, &dict, &dict).map(drop)
}

fn run_source(vm: &Vm, source: &[u8], filename: &str, main: &Object) -> Result<()> {
    let code = compile::compile_bytes(vm, source, &vm.str(filename), compile::Mode::Exec, -1)?;
    let dict = taipan_runtime::types::module::dict_of(main);
    interp::run_code(vm, &code, &dict, &dict).map(drop)
}

fn run_file(vm: &Vm, path: &std::ffi::OsStr, main: &Object, skip_first_line: bool) -> Result<()> {
    // As CPython: the absolute path, not normalised.
    let full = std::env::current_dir().map_or_else(|_| path.into(), |here| here.join(path));
    let shown = compile::surrogate_escaped(vm, full.as_os_str().as_bytes());
    let executable = vm.interp().config.executable.clone();
    let mut source = match std::fs::read(path) {
        Ok(source) if is_zip(&source) => return run_directory(vm, path),
        Ok(source) => source,
        Err(error) => {
            let directory = std::path::Path::new(path).is_dir();
            if directory && std::path::Path::new(path).join("__main__.py").exists() {
                return run_directory(vm, path);
            }
            let errno = error.raw_os_error().unwrap_or(2);
            if directory {
                eprintln!(
                    "{executable}: can't find '__main__' module in {}",
                    vm.repr_text(&absolute(vm, path))?
                );
                std::process::exit(1);
            }
            eprintln!(
                "{executable}: can't open file {}: [Errno {errno}] {}",
                vm.repr_text(&absolute(vm, path))?,
                taipan_runtime::errors::errno_text(errno)
            );
            std::process::exit(2);
        }
    };
    if !vm.interp().config.safe_path {
        let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.into());
        if let Some(parent) = real.parent() {
            insert_path(vm, compile::surrogate_escaped(vm, parent.as_os_str().as_bytes()))?;
        }
    }
    if skip_first_line {
        let end = source.iter().position(|&b| b == b'\n').unwrap_or(source.len());
        source.drain(..end);
    }
    let dict = taipan_runtime::types::module::dict_of(main);
    vm.set_item(&dict, &vm.intern("__file__"), &shown)?;
    vm.set_item(&dict, &vm.intern("__cached__"), &Object::NONE)?;
    let compiled = path.as_bytes().ends_with(b".pyc") || source.starts_with(&pyc_magic(vm)?[..2]);
    let code = if compiled {
        set_loader(vm, "SourcelessFileLoader", &dict, &shown);
        read_pyc(vm, &source)?
    } else {
        set_loader(vm, "SourceFileLoader", &dict, &shown);
        compile::compile_script(vm, &source, &shown)?
    };
    interp::run_code(vm, &code, &dict, &dict)?;
    for name in ["__file__", "__cached__"] {
        if vm.delete_item(&dict, &vm.intern(name)).is_err() {
            drop(vm.take_raised());
        }
    }
    Ok(())
}

/// Does a file end as zip files do: the record of the end, then a comment?
fn is_zip(file: &[u8]) -> bool {
    const RECORD: usize = 22;
    let tail = &file[file.len().saturating_sub(RECORD + 0xffff)..];
    tail.len() >= RECORD && tail[..tail.len() - RECORD + 4].windows(4).any(|bytes| bytes == b"PK\x05\x06")
}

/// The first four bytes of compiled files.
fn pyc_magic(vm: &Vm) -> Result<[u8; 4]> {
    let external = vm.import_module("_frozen_importlib_external")?;
    let magic = vm.get_attr_str(&external, "MAGIC_NUMBER")?;
    let bytes = magic.downcast::<taipan_runtime::types::bytes::Bytes>().map(|bytes| bytes.as_slice());
    Ok(bytes.and_then(|bytes| bytes.try_into().ok()).unwrap_or_default())
}

/// The code in a compiled file.
fn read_pyc(vm: &Vm, file: &[u8]) -> Result {
    if !file.starts_with(&pyc_magic(vm)?) {
        return Err(vm.runtime_error("Bad magic number in .pyc file"));
    }
    let marshal = vm.import_native("marshal")?;
    let code = vm.call_method(&marshal, "loads", &[vm.bytes(file.get(16..).unwrap_or_default())])?;
    if code.downcast::<taipan_runtime::types::code::Code>().is_none() {
        return Err(vm.runtime_error("Bad code object in .pyc file"));
    }
    Ok(code)
}

/// `__main__.__loader__` is an importlib loader of the script.
fn set_loader(vm: &Vm, class: &str, dict: &Object, path: &Object) {
    let made = (|| -> Result<()> {
        let external = vm.import_module("_frozen_importlib_external")?;
        let class = vm.get_attr_str(&external, class)?;
        let loader = vm.call(&class, &[vm.intern("__main__"), path.clone()])?;
        vm.set_item(dict, &vm.intern("__loader__"), &loader)
    })();
    if made.is_err() {
        drop(vm.take_raised());
    }
}

fn absolute(vm: &Vm, path: &std::ffi::OsStr) -> Object {
    let path = std::path::absolute(path).map(|p| p.into_os_string()).unwrap_or_else(|_| path.into());
    compile::surrogate_escaped(vm, &path.into_vec())
}

/// Puts the script's directory (or what stands for it) in front of `sys.path`.
fn insert_path(vm: &Vm, entry: Object) -> Result<()> {
    vm.share(start::FIRST_PATH, entry.clone());
    let sys = vm.import_native("sys")?;
    let path = vm.get_attr_str(&sys, "path")?;
    vm.call_method(&path, "insert", &[vm.int(0), entry]).map(drop)
}

fn run_directory(vm: &Vm, path: &std::ffi::OsStr) -> Result<()> {
    let full = std::env::current_dir().map_or_else(|_| path.into(), |here| here.join(path));
    insert_path(vm, compile::surrogate_escaped(vm, full.as_os_str().as_bytes()))?;
    let runpy = vm.import_module("runpy")?;
    vm.call_method(&runpy, "_run_module_as_main", &[vm.str("__main__"), Object::FALSE]).map(drop)
}

fn run_module(vm: &Vm, name: &str) -> Result<()> {
    if !vm.interp().config.safe_path {
        let here = std::env::current_dir().map(|d| d.into_os_string().into_vec()).unwrap_or_default();
        insert_path(vm, compile::surrogate_escaped(vm, &here))?;
    }
    let runpy = vm.import_module("runpy")?;
    vm.call_method(&runpy, "_run_module_as_main", &[vm.str(name)]).map(drop)
}

/// Shows an uncaught exception; the exit status it stands for.
fn report(vm: &Vm, raised: Raised) -> i32 {
    let exception = vm.caught(raised);
    start::report_uncaught(vm, &exception)
}
