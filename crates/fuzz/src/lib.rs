//! What the fuzzers do with an input: compile it, run the program that it stands for,
//! unmarshal it, read it as XML, JSON, a pickle or an archive. Each target returns whatever Python answers; a fault is a panic, a
//! signal, bytecode that does not pass the verifier, or a run without end.
//!
//! `fuzz/` hands these functions to libFuzzer; `tests/bounded.rs` gives them the corpus and
//! some thousand inputs of its own.

#![forbid(unsafe_code)]

pub mod generate;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use taipan_runtime::prelude::*;
use taipan_runtime::{compile, interp};

/// Bytes of native stack of the thread that works: what the command gives its main thread.
const STACK: usize = 256 << 20;
/// How much of it recursion may use, as in the command.
const RECURSION: usize = 16 << 20;

/// The way to a thread that works: what it shall do next, and whether that went well.
type Link<W> = Mutex<(Sender<W>, Receiver<bool>)>;

/// Starts a thread with a large stack that does what it is handed, one after the other.
fn start<C: 'static, W: Send + 'static>(set_up: fn() -> Option<C>, act: fn(&C, W)) -> Link<W> {
    let (send, receive) = channel::<W>();
    let (done, answer) = channel();
    let worker = move || {
        let Some(context) = set_up() else { return };
        for work in receive {
            let well = catch_unwind(AssertUnwindSafe(|| act(&context, work))).is_ok();
            if done.send(well).is_err() {
                return;
            }
        }
    };
    let started = std::thread::Builder::new().stack_size(STACK).spawn(worker);
    assert!(started.is_ok(), "a thread to work in");
    Mutex::new((send, answer))
}

/// Has the thread do something; a panic there is a panic here.
fn hand_over<W>(link: &Link<W>, work: W) {
    let link = link.lock().unwrap_or_else(PoisonError::into_inner);
    let well = link.0.send(work).is_ok() && link.1.recv().unwrap_or(false);
    assert!(well, "a panic");
}

type Work = Box<dyn FnOnce(&Vm) + Send>;

/// Runs work in the one thread that has the interpreter.
fn with_vm(work: impl FnOnce(&Vm) + Send + 'static) {
    static WORKER: OnceLock<Link<Work>> = OnceLock::new();
    let open = || {
        let marker = 0u8;
        let top = &raw const marker as usize;
        let config = taipan_runtime::vm::Config {
            no_site: true,
            warn_options: vec!["ignore".to_string()],
            ..Default::default()
        };
        let floor = top.saturating_sub(STACK - (1 << 20));
        let vm = taipan_cli::run::open(config, top.saturating_sub(RECURSION), floor).ok()?;
        vm.interp().recursion_limit.set(200);
        Some(vm)
    };
    let link = WORKER.get_or_init(|| start(open, |vm, work: Work| work(vm)));
    hand_over(link, Box::new(work));
}

/// Parses and compiles text in every mode; the code has to pass the verifier.
pub fn compile(data: &[u8]) {
    static WORKER: OnceLock<Link<String>> = OnceLock::new();
    let link = WORKER.get_or_init(|| start(|| Some(()), |(), text: String| compile_text(&text)));
    hand_over(link, String::from_utf8_lossy(data).into_owned());
}

fn compile_text(text: &str) {
    for mode in [taipan_syntax::Mode::Exec, taipan_syntax::Mode::Eval, taipan_syntax::Mode::Single] {
        let options = taipan_compiler::Options::default();
        if let Ok((code, _)) = taipan_compiler::compile_source(text, mode, &options) {
            let findings = taipan_bytecode::verify(&code);
            assert!(findings.is_empty(), "{}", findings[0]);
        }
    }
}

/// Runs the program that [`generate::program`] makes of the data: whatever it raises is
/// dropped, as is the module that it made.
pub fn run(data: &[u8]) {
    let source = generate::program(data);
    with_vm(move |vm| {
        let namespace = vm.new_dict();
        let result = compile::compile_bytes(vm, source.as_bytes(), &vm.str("<fuzz>"), compile::Mode::Exec, 0)
            .and_then(|code| {
                let builtins = vm.interp().builtins.clone();
                vm.set_item(&namespace, &vm.str("__builtins__"), &builtins)?;
                interp::run_code(vm, &code, &namespace, &namespace)
            });
        if let Err(raised) = result {
            drop(vm.caught(raised));
        }
        if let Some(dict) = namespace.downcast::<Dict>() {
            dict.clear();
        }
        drop(namespace);
        let collected = vm.import_module("gc").and_then(|gc| vm.call_method(&gc, "collect", &[]));
        if let Err(raised) = collected {
            drop(vm.caught(raised));
        }
    });
}

/// Unmarshals the data; what comes out is marshalled and unmarshalled again.
pub fn unmarshal(data: &[u8]) {
    let data = data.to_vec();
    with_vm(move |vm| {
        let round_trip = || {
            let marshal = vm.import_module("marshal")?;
            let object = vm.call_method(&marshal, "loads", &[vm.bytes(&data)])?;
            let again = vm.call_method(&marshal, "dumps", &[object])?;
            vm.call_method(&marshal, "loads", &[again])
        };
        if let Err(raised) = round_trip() {
            drop(vm.caught(raised));
        }
    });
}

/// Calls a function of `cases.py` with the data. What it raises is a fault, unless it is
/// that there was not enough stack or memory.
fn call_case(function: &'static str, data: &[u8]) {
    const CASES: &str = "fuzz cases";
    let data = data.to_vec();
    with_vm(move |vm| {
        let cases = || -> Result {
            if let Some(cases) = vm.shared(CASES) {
                return Ok(cases);
            }
            // Imports are deeper than what the targets may do.
            let limit = vm.interp().recursion_limit.replace(1000);
            let namespace = vm.new_dict();
            let source = include_bytes!("cases.py");
            let code = compile::compile_bytes(vm, source, &vm.str("<cases>"), compile::Mode::Exec, 0)?;
            let builtins = vm.get_attr(&vm.import_module("builtins")?, &vm.str("__dict__"))?;
            vm.set_item(&namespace, &vm.str("__builtins__"), &builtins)?;
            vm.set_item(&namespace, &vm.str("__name__"), &vm.str("cases"))?;
            interp::run_code(vm, &code, &namespace, &namespace)?;
            vm.interp().recursion_limit.set(limit);
            vm.share(CASES, namespace.clone());
            Ok(namespace)
        };
        let cases = cases().unwrap_or_else(|raised| {
            let exception = vm.caught(raised);
            panic!("cases.py: {}", vm.repr_text(&exception).unwrap_or_default());
        });
        let done = vm
            .get_item(&cases, &vm.str(function))
            .and_then(|function| vm.call(&function, &[vm.bytes(&data)]));
        if let Err(raised) = done {
            let bounds = vm.raised_is(&exc::RECURSION_ERROR) || vm.raised_is(&exc::MEMORY_ERROR);
            let exception = vm.caught(raised);
            assert!(bounds, "{}", vm.repr_text(&exception).unwrap_or_default());
        }
    });
}

/// Reads the data as JSON; the native and the Python decoder must agree, and what they
/// read must survive being written and read again.
pub fn json(data: &[u8]) {
    call_case("json_case", data);
}

/// Reads the data as a pickle that may call next to nothing; what comes out is pickled
/// in all protocols.
pub fn pickle(data: &[u8]) {
    call_case("pickle_case", data);
}

/// Feeds the data to the XML parsers in pieces; what comes out is walked, copied and
/// written.
pub fn xml(data: &[u8]) {
    call_case("xml_case", data);
}

/// Takes the data for compressed bytes, a zip, tar or gzip file.
pub fn archive(data: &[u8]) {
    call_case("archive_case", data);
}
