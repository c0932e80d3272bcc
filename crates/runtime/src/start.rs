//! Starting an interpreter: heap, types, builtins, `sys`, `importlib`.

use crate::interpreters::Isolation;
use crate::prelude::*;
use crate::types::{dict, module, str, tuple, typ};
use crate::vm::{Config, Library};
use std::cell::{Cell, RefCell, UnsafeCell};
use std::collections::HashMap;
use std::sync::Mutex;

/// Register stack of the main thread: reserved, touched only as far as used.
const MAIN_STACK: usize = 512 << 20;

/// What `sys` keeps of an exception that nobody caught: itself, its type, itself, its traceback.
const LAST: [&str; 4] = ["last_exc", "last_type", "last_value", "last_traceback"];

/// Under this the first entry of `sys.path` is kept: the script's directory, or what stands for it.
pub const FIRST_PATH: &str = "sys_path_0";

impl Interpreter {
    /// The object `builtins.name`.
    pub fn builtin(&self, vm: &Vm, name: &str) -> Object {
        let dict = self.builtins_dict();
        dict.downcast::<Dict>().and_then(|d| d.get_text(vm, name)).unwrap_or(Object::NONE)
    }
    /// The dict of the module `builtins`.
    pub fn builtins_dict(&self) -> Object {
        module::dict_of(&self.builtins)
    }
}

impl Vm {
    /// Is an asynchronous close under way? (Closed coroutines may be resumed quietly.)
    pub fn async_closing(&self) -> bool {
        false
    }
}

/// What a second interpreter takes over from the one that makes it.
pub(crate) struct Seed {
    id: i64,
    isolation: Isolation,
    config: Config,
    hash_key: (u64, u64),
    library: &'static Library,
    native_modules: HashMap<&'static str, &'static ModuleDef>,
    /// Shared objects: interned strings, the characters below 256, the empty tuple.
    names: Vec<Value>,
    latin1: Vec<Value>,
    empty_tuple: Value,
    opener: Option<fn(&Vm) -> Result<()>>,
    /// The script's directory, or what stands for it on `sys.path`.
    first_path: Option<String>,
}

impl Seed {
    /// Everything is shared by then.
    pub fn new(vm: &Vm, id: i64, isolation: Isolation) -> Seed {
        let interp = vm.interp();
        Seed {
            id,
            isolation,
            config: interp.config.clone(),
            hash_key: interp.hash_key,
            library: interp.library.get(),
            native_modules: interp.native_modules.borrow().clone(),
            names: str::immortals(vm),
            latin1: interp.latin1.borrow().iter().map(Object::value).collect(),
            empty_tuple: interp.empty_tuple.get(),
            opener: interp.opener.get(),
            first_path: vm.shared(FIRST_PATH).map(|path| vm.str_lossy(&path)),
        }
    }
}

/// The process's first interpreter with its main thread attached to the calling one.
/// `native_limit`: lowest address that the native stack may reach.
pub fn new_interpreter(
    config: Config,
    native_limit: usize,
    modules: Vec<&'static ModuleDef>,
    library: &'static Library,
) -> Option<&'static Vm> {
    let defs = crate::modules::all().into_iter().chain([&crate::import::MODULE]).chain(modules);
    let seed = Seed {
        id: 0,
        isolation: Isolation::LEGACY,
        hash_key: hash_key(&config),
        config,
        library,
        native_modules: defs.map(|def| (def.name, def)).collect(),
        names: Vec::new(),
        latin1: Vec::new(),
        empty_tuple: Value::UNBOUND,
        opener: None,
        first_path: None,
    };
    Some(Box::leak(build(seed, MAIN_STACK, native_limit)?))
}

/// An interpreter without library, and its first thread, attached to the calling one.
pub(crate) fn build(seed: Seed, stack: usize, native_limit: usize) -> Option<Box<Vm>> {
    let Seed {
        id,
        isolation,
        config,
        hash_key,
        library,
        native_modules,
        names,
        latin1,
        empty_tuple,
        opener,
        first_path,
    } = seed;
    let interp = Box::new(Interpreter {
        id,
        isolation,
        heap: crate::interpreters::used_heap().unwrap_or_else(taipan_object::Heap::new),
        modules: Object::NONE,
        builtins: Object::NONE,
        sys_dict: Object::NONE,
        interned: UnsafeCell::new(str::InternTable::default()),
        recursion_limit: Cell::new(1000),
        hash_key,
        next_dict_version: Cell::new(0),
        weakrefs: RefCell::default(),
        static_subclasses: RefCell::default(),
        gc: Default::default(),
        config,
        native_modules: RefCell::new(native_modules),
        library: Cell::new(library),
        method_cache: UnsafeCell::new(crate::lookup::new_cache()),
        latin1: RefCell::new(Vec::new()),
        short_bytes: RefCell::new(Vec::new()),
        empty_tuple: Cell::new(empty_tuple),
        attr_table: UnsafeCell::new(crate::interp::new_attr_table()),
        registry: RefCell::new(HashMap::default()),
        places: RefCell::new(Vec::new()),
        int_max_str_digits: Cell::new(4300),
        audited: Cell::new(false),
        gil: crate::gil::Gil::new_held(),
        signal_handler: Cell::new(None),
        pending_calls: Mutex::new(Vec::new()),
        threads: RefCell::default(),
        running: Default::default(),
        import_lock: crate::modules::thread::locks::RLock::new(),
        finalizing: Cell::new(false),
        monitoring: Default::default(),
        simulate_signal: Cell::new(None),
        opener: Cell::new(opener),
    });
    let interp: *mut Interpreter = Box::into_raw(interp);
    let own = Vm::new(interp, stack, native_limit)?;
    let vm = &*own;
    vm.attach();
    vm.set_listed(true);
    if latin1.is_empty() {
        bootstrap_types(vm);
    } else {
        let chars = latin1.iter().map(|&word| Object::borrow_value(&word).clone()).collect();
        *vm.interp().latin1.borrow_mut() = chars;
        str::adopt(vm, &names);
    }
    // SAFETY: no other reference into these fields exists yet.
    unsafe {
        (*interp).modules = vm.new_dict();
    }
    for ty in crate::types::registry() {
        typ::ready(vm, ty);
    }
    if vm.interp().empty_tuple.get().is_unbound() {
        tuple_singletons(vm);
    }
    let builtins = crate::builtins::build(vm);
    // SAFETY: as above.
    unsafe {
        (*interp).builtins = builtins.clone();
    }
    if let Some(import) =
        module::dict_of(&builtins).downcast::<Dict>().and_then(|d| d.get_text(vm, "__import__"))
    {
        vm.share("__import__", import);
    }
    let modules = vm.interp().modules.clone();
    if let Some(d) = modules.downcast::<Dict>() {
        d.set_text(vm, "builtins", builtins);
    }
    if let Some(path) = first_path {
        vm.share(FIRST_PATH, vm.str(&path));
    }
    Some(own)
}

/// `object`, `type`, `str`, `tuple` and `dict` need each other: names first.
fn bootstrap_types(vm: &Vm) {
    for ty in [
        &crate::types::object::OBJECT,
        &typ::TYPE,
        &str::STR,
        &tuple::TUPLE,
        &dict::DICT,
        &crate::types::native_function::METHOD_DESCRIPTOR,
    ] {
        ty.native.set(ty);
    }
    str::init(vm);
    crate::names::init(vm);
}

fn tuple_singletons(vm: &Vm) {
    if let Some(empty) = tuple::try_from_vec(vm, &tuple::TUPLE, Vec::new()) {
        if let Some(header) = empty.header() {
            header.make_immortal();
        }
        vm.interp().empty_tuple.set(empty.into_value());
    }
}

fn hash_key(config: &Config) -> (u64, u64) {
    let seed = if config.ignore_environment { None } else { std::env::var("PYTHONHASHSEED").ok() };
    match seed.as_deref() {
        Some(text) if text != "random" && !text.is_empty() => match text.parse::<u32>() {
            Ok(0) => (0, 0),
            Ok(seed) => {
                // The generator that CPython fills its key with for a fixed seed.
                let mut state = seed;
                let mut key = [0u8; 16];
                for byte in &mut key {
                    state = state.wrapping_mul(214013).wrapping_add(2531011);
                    *byte = (state >> 16) as u8;
                }
                let word = |range: std::ops::Range<usize>| {
                    key[range].iter().rev().fold(0u64, |acc, &b| acc << 8 | b as u64)
                };
                (word(0..8), word(8..16))
            }
            Err(_) => random_key(),
        },
        _ => random_key(),
    }
}

fn random_key() -> (u64, u64) {
    let mut bytes = [0u8; 16];
    // SAFETY: the buffer has the size given.
    unsafe { libc::getrandom(bytes.as_mut_ptr() as *mut _, 16, 0) };
    let word = |b: &[u8]| b.iter().fold(0u64, |acc, &x| acc << 8 | x as u64);
    (word(&bytes[..8]), word(&bytes[8..]))
}

/// Brings `importlib` up: the modules it needs, its two halves, its installation.
pub fn start_importlib(vm: &Vm) -> Result<()> {
    let sys = vm.import_native("sys")?;
    let imp = vm.import_native("_imp")?;
    for needed in ["_thread", "_warnings", "_weakref", "_io", "marshal", "posix"] {
        let _ = vm.import_native(needed)?;
    }
    let bootstrap = run_frozen(vm, "_frozen_importlib", "importlib._bootstrap")?;
    let install = vm.get_attr_str(&bootstrap, "_install")?;
    vm.call(&install, &[sys, imp])?;
    vm.share("importlib", bootstrap.clone());
    let external = vm.get_attr_str(&bootstrap, "_install_external_importers")?;
    vm.call(&external, &[])?;
    Ok(())
}

impl Vm {
    /// A native module, made if it is not there yet.
    pub fn import_native(&self, name: &str) -> Result {
        let modules = self.interp().modules.clone();
        if let Some(found) = modules.downcast::<Dict>().and_then(|d| d.get_text(self, name)) {
            return Ok(found);
        }
        match crate::import::create_native(self, name)? {
            Some(found) => Ok(found),
            None => Err(self.import_error(format!("No module named '{name}'"), &self.intern(name))),
        }
    }
}

/// Runs a frozen module's code as a module called `module_name`.
fn run_frozen(vm: &Vm, module_name: &str, frozen: &str) -> Result {
    let code = crate::import::frozen_code(vm, frozen)?;
    let made = module::new(vm, module_name);
    let dict = module::dict_of(&made);
    if let Some(d) = dict.downcast::<Dict>() {
        d.set_text(vm, "__builtins__", vm.interp().builtins.clone());
        d.set_text(vm, "__origname__", vm.intern(frozen));
    }
    vm.set_item(&vm.interp().modules.clone(), &vm.intern(module_name), &made)?;
    crate::interp::run_code(vm, &code, &dict, &dict)?;
    Ok(made)
}

/// Makes the standard library inside the binary importable.
pub fn install_embedded_library(vm: &Vm) -> Result<()> {
    let code = crate::import::frozen_code(vm, "_embedded")?;
    let made = module::new(vm, "_embedded");
    let dict = module::dict_of(&made);
    if let Some(d) = dict.downcast::<Dict>() {
        d.set_text(vm, "__builtins__", vm.interp().builtins.clone());
    }
    vm.import_native("_pylib")?;
    crate::interp::run_code(vm, &code, &dict, &dict)?;
    vm.share("embedded library", made);
    Ok(())
}

/// The status of a program that ended with KeyboardInterrupt: no exit status,
/// the process is to end by SIGINT.
pub const INTERRUPTED: i32 = i32::MIN;

/// Shows an uncaught exception by `sys.excepthook`; the exit status.
pub fn report_uncaught(vm: &Vm, exception: &Object) -> i32 {
    if exception.is_instance_of(&exc::SYSTEM_EXIT) {
        return exit_status(vm, exception);
    }
    let traceback = exception
        .downcast::<crate::types::exceptions::BaseException>()
        .map_or(Object::NONE, |e| e.traceback());
    let sys = vm.interp().modules.downcast::<Dict>().and_then(|d| d.get_text(vm, "sys"));
    let hook = match &sys {
        Some(sys) => {
            let kind = exception.ty().to_object();
            for (last, value) in LAST.into_iter().zip([exception, &kind, exception, &traceback]) {
                let _ = vm.set_attr_str(sys, last, value);
            }
            vm.lookup_attr_str(sys, "excepthook").ok().flatten()
        }
        None => None,
    };
    drop(vm.take_raised());
    let out = crate::display::Output::of(vm, None);
    let Some(hook) = hook else {
        let _ = crate::display::print_exception(vm, exception, &out);
        return 1;
    };
    let args = [exception.ty().to_object(), exception.clone(), traceback];
    if let Err(raised) = vm.call(&hook, &args) {
        let second = vm.caught(raised);
        if second.is_instance_of(&exc::SYSTEM_EXIT) {
            return exit_status(vm, &second);
        }
        crate::display::eprint_quietly("Error in sys.excepthook:\n");
        let _ = crate::display::print_exception(vm, &second, &out);
        crate::display::eprint_quietly("\nOriginal exception was:\n");
        let _ = crate::display::print_exception(vm, exception, &out);
    }
    if exception.is_instance_of(&exc::KEYBOARD_INTERRUPT) { INTERRUPTED } else { 1 }
}

/// What a SystemExit asks for; its message goes to stderr.
fn exit_status(vm: &Vm, exception: &Object) -> i32 {
    let code = vm.lookup_attr_str(exception, "code").ok().flatten().unwrap_or(Object::NONE);
    drop(vm.take_raised());
    if code.is_none() {
        return 0;
    }
    if code.is_instance_of(&crate::types::int::INT) {
        return crate::types::int::to_i64(&code).map_or(255, |n| (n & 0xff) as i32);
    }
    let text = vm.str_text(&code).unwrap_or_default();
    drop(vm.take_raised());
    let sys = vm.interp().modules.downcast::<Dict>().and_then(|d| d.get_text(vm, "sys"));
    let stderr =
        sys.and_then(|sys| vm.lookup_attr_str(&sys, "stderr").ok().flatten()).filter(|s| !s.is_none());
    let line = format!("{text}\n");
    match stderr {
        Some(stderr) => {
            if vm.call_method(&stderr, "write", &[vm.str(&line)]).is_err() {
                drop(vm.take_raised());
            }
        }
        None => crate::display::eprint_quietly(&line),
    }
    1
}

/// The end of the interpreter: threads, `atexit`, streams. The final status.
pub fn finalise(vm: &Vm, status: i32) -> i32 {
    let mut status = status;
    let modules = vm.interp().modules.clone();
    let get = |name: &str| modules.downcast::<Dict>().and_then(|d| d.get_text(vm, name));
    if let Some(threading) = get("threading")
        && let Err(raised) = vm.call_method(&threading, "_shutdown", &[])
    {
        let exception = vm.caught(raised);
        vm.raise(exception);
        vm.write_unraisable(&threading, "Exception ignored on threading shutdown");
    }
    if let Some(atexit) = get("atexit")
        && vm.call_method(&atexit, "_run_exitfuncs", &[]).is_err()
    {
        drop(vm.take_raised());
    }
    if vm.interp().id == 0 {
        crate::sampler::finish();
        crate::interpreters::destroy_rest(vm);
    }
    vm.begin_finalizing();
    if let Some(sys) = get("sys") {
        for (stream, fatal) in [("stdout", true), ("stderr", false)] {
            if let Ok(Some(file)) = vm.lookup_attr_str(&sys, stream)
                && !file.is_none()
            {
                let closed = vm.lookup_attr_str(&file, "closed").ok().flatten();
                let open = closed.is_none_or(|c| !vm.is_true(&c).unwrap_or(false));
                if open && vm.call_method(&file, "flush", &[]).is_err() && fatal {
                    vm.write_unraisable(&file, "Exception ignored while flushing sys.stdout");
                    status = 120;
                }
            }
            drop(vm.take_raised());
        }
    }
    clear_main(vm);
    status
}

/// Drops what the interpreter's own tables hold: its last objects die, but for cycles that natives keep.
pub(crate) fn empty(vm: &Vm) {
    let interp = vm.interp();
    drop(vm.unshare(crate::interpreters::SCRIPTS));
    if let Some(modules) = interp.modules.downcast::<Dict>() {
        let others =
            modules.items().into_iter().map(|(_, module)| module).filter(|module| {
                module.is_instance_of(&module::MODULE) && !module.is(interp.builtins.value())
            });
        let references: Vec<Object> =
            others.filter_map(|module| crate::types::weakref::new(vm, &module).ok()).collect();
        modules.clear();
        crate::gc::collect_at_exit(vm, None);
        for reference in references.iter().rev() {
            if let Some(module) = crate::types::weakref::get(reference) {
                clear_globals(vm, &module);
            }
        }
    }
    crate::gc::collect_at_exit(vm, None);
    drop(std::mem::take(&mut *interp.registry.borrow_mut()));
    drop(std::mem::take(&mut *interp.places.borrow_mut()));
    crate::gc::collect(vm, 2);
    if let Some(builtins) = interp.builtins_dict().downcast::<Dict>() {
        builtins.clear();
    }
    crate::gc::collect(vm, 2);
    // SAFETY: no lookup is under way.
    drop(unsafe { std::mem::replace(&mut *interp.method_cache.get(), crate::lookup::new_cache()) });
    drop(vm.take_raised());
}

/// Drops `__main__`, which as a rule takes its globals along: at once, or when
/// the collector finds their cycles. If somebody else has the module, it is
/// emptied.
fn clear_main(vm: &Vm) {
    let modules = vm.interp().modules.clone();
    let Some(d) = modules.downcast::<Dict>() else { return };
    if let Some(sys) = d.get_text(vm, "sys") {
        // The frames of an exception that ended the program go first.
        for last in LAST {
            let last = vm.intern(last);
            if matches!(vm.lookup_attr(&sys, &last), Ok(Some(_))) {
                let _ = vm.set_attr(&sys, &last, &Object::NONE);
            }
        }
        drop(vm.take_raised());
    }
    let Ok(Some(main)) = d.remove(vm, &vm.intern("__main__")) else { return };
    let reference = crate::types::weakref::new(vm, &main);
    // Not counted: it may go with the module.
    let globals = module::dict_of(&main).value();
    drop(main);
    crate::gc::collect_at_exit(vm, Some(globals));
    if let Some(main) = reference.ok().as_ref().and_then(crate::types::weakref::get) {
        clear_globals(vm, &main);
        crate::gc::collect_at_exit(vm, None);
    }
    drop(vm.take_raised());
    clear_modules(vm, d);
    if let Some(sys) = modules.downcast::<Dict>().and_then(|d| d.get_text(vm, "sys")) {
        for stream in ["stdout", "stderr"] {
            if let Ok(Some(file)) = vm.lookup_attr_str(&sys, stream)
                && !file.is_none()
            {
                let _ = vm.call_method(&file, "flush", &[]);
            }
            drop(vm.take_raised());
        }
    }
}

/// Drops the modules that are none of the library's, as a rule with their globals. Those
/// that somebody else has are emptied, the last one first.
fn clear_modules(vm: &Vm, modules: &Dict) {
    let root = vm.interp().sys_dict.downcast::<Dict>().and_then(|sys| sys.get_text(vm, "_stdlib_dir"));
    let Some(root) = root.map(|root| vm.str_lossy(&root)) else { return };
    let is_foreign = |module: &Object| {
        let dict = module.is_instance_of(&module::MODULE).then(|| module::dict_of(module));
        let file = dict.as_ref().and_then(|dict| dict.downcast::<Dict>()?.get_text(vm, "__file__"));
        file.is_some_and(|file| file.is_instance_of(&str::STR) && !vm.str_lossy(&file).starts_with(&*root))
    };
    let mut references = Vec::new();
    for (name, module) in modules.items() {
        if is_foreign(&module) {
            references.extend(crate::types::weakref::new(vm, &module));
            let _ = modules.remove(vm, &name);
        }
    }
    if references.is_empty() {
        return;
    }
    crate::gc::collect_at_exit(vm, None);
    let mut emptied = false;
    for reference in references.iter().rev() {
        if let Some(module) = crate::types::weakref::get(reference) {
            clear_globals(vm, &module);
            emptied = true;
        }
    }
    if emptied {
        crate::gc::collect_at_exit(vm, None);
    }
    drop(vm.take_raised());
}

/// Sets the globals of a module to None, in CPython's order: names with one
/// underscore first, then the rest.
fn clear_globals(vm: &Vm, module: &Object) {
    let dict = module::dict_of(module);
    let Some(d) = dict.downcast::<Dict>() else { return };
    for pass in 0..2 {
        for (key, value) in d.items() {
            let text = vm.str_lossy(&key);
            let single = text.starts_with('_') && !text[1..].starts_with('_');
            drop(value);
            if ((pass == 0 && single) || (pass == 1 && text != "__builtins__"))
                && d.set(vm, &key, Object::NONE).is_err()
            {
                drop(vm.take_raised());
            }
        }
    }
}
