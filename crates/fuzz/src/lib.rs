//! What the fuzzers do with an input: compile it, run the program that it stands for,
//! unmarshal it. Each target returns whatever Python answers; a fault is a panic, a
//! signal, bytecode that does not pass the verifier, or a run without end.
//!
//! `fuzz/` hands these functions to libFuzzer; `tests/bounded.rs` gives them the corpus and
//! some thousand inputs of its own.

#![forbid(unsafe_code)]

pub mod generate;

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, OnceLock};
use taipan_runtime::prelude::*;
use taipan_runtime::{compile, interp};

/// Bytes of native stack of the thread that works: what the command gives its main thread.
const STACK: usize = 256 << 20;
/// How much of it recursion may use, as in the command.
const RECURSION: usize = 16 << 20;

type Work = Box<dyn FnOnce(&Vm) + Send>;

/// Runs work in the one thread that has the interpreter, which is opened by the first
/// that asks; a panic there is a panic here.
fn with_vm(work: impl FnOnce(&Vm) + Send + 'static) {
    static TO_WORKER: OnceLock<Mutex<(Sender<Work>, Receiver<bool>)>> = OnceLock::new();
    let link = TO_WORKER.get_or_init(|| {
        let (send, receive) = channel::<Work>();
        let (done, answer) = channel();
        let worker = move || {
            let marker = 0u8;
            let top = &raw const marker as usize;
            let config = taipan_runtime::vm::Config {
                no_site: true,
                warn_options: vec!["ignore".to_string()],
                ..Default::default()
            };
            let floor = top.saturating_sub(STACK - (1 << 20));
            let Ok(vm) = taipan_cli::run::open(config, top.saturating_sub(RECURSION), floor) else { return };
            vm.interp().recursion_limit.set(200);
            for work in receive {
                let well = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(vm))).is_ok();
                if done.send(well).is_err() {
                    return;
                }
            }
        };
        let started = std::thread::Builder::new().stack_size(STACK).spawn(worker);
        assert!(started.is_ok(), "a thread for the interpreter");
        Mutex::new((send, answer))
    });
    let link = link.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let well = link.0.send(Box::new(work)).is_ok() && link.1.recv().unwrap_or(false);
    assert!(well, "the interpreter panicked");
}

/// Parses and compiles text in every mode; the code has to pass the verifier.
pub fn compile(data: &[u8]) {
    let text = String::from_utf8_lossy(data).into_owned();
    // The compiler needs more stack than a test's thread has.
    let work = move || {
        for mode in [taipan_syntax::Mode::Exec, taipan_syntax::Mode::Eval, taipan_syntax::Mode::Single] {
            let options = taipan_compiler::Options::default();
            if let Ok((code, _)) = taipan_compiler::compile_source(&text, mode, &options) {
                let findings = taipan_bytecode::verify(&code);
                assert!(findings.is_empty(), "{}", findings[0]);
            }
        }
    };
    static WORKER: OnceLock<Mutex<(Sender<Box<dyn FnOnce() + Send>>, Receiver<bool>)>> = OnceLock::new();
    let link = WORKER.get_or_init(|| {
        let (send, receive) = channel::<Box<dyn FnOnce() + Send>>();
        let (done, answer) = channel();
        let started = std::thread::Builder::new().stack_size(STACK).spawn(move || {
            for work in receive {
                let well = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_ok();
                if done.send(well).is_err() {
                    return;
                }
            }
        });
        assert!(started.is_ok(), "a thread for the compiler");
        Mutex::new((send, answer))
    });
    let link = link.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let well = link.0.send(Box::new(work)).is_ok() && link.1.recv().unwrap_or(false);
    assert!(well, "the compiler panicked");
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
