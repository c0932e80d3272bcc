//! `readline`: an editor of lines for `input()`, with history and completion.
//!
//! CPython has GNU readline here. This is a module of the same functions over an editor of our
//! own ([`session`]), whose keys ([`keys`]) are bound in GNU readline's language; vi mode, kill
//! rings and numeric arguments are not there. `input()` finds it as soon as it is imported.

mod history;
mod keys;
mod line;
mod session;

use crate::support::{fs_bytes, os};
use history::History;
use keys::Keys;
use line::Line;
use session::Session;
use std::cell::RefCell;
use std::ffi::{CStr, CString};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use taipan_host as host;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, this};
use taipan_runtime::types::cell::ObjectCell;
use taipan_runtime::types::native_function::new_function;
use taipan_runtime::types::object::OBJECT;

/// Where the state is kept, and the function that `input()` calls.
const STATE: &str = "readline";
const INPUT: &str = "readline.input";

const DELIMITERS: &str = " \t\n`~!@#$%^&*()-=+[{]}\\|;:'\",<>/?";

/// The version of GNU readline whose interface this is.
const VERSION: i64 = 0x0803;

/// What is edited and how.
pub struct Editor {
    line: Line,
    keys: Keys,
    history: History,
    killed: String,
    delims: String,
    /// The part of the line that is completed.
    begin: usize,
    end: usize,
    completion_type: i64,
    /// Lines that were read are added to the history.
    adds: bool,
    /// The most lines that are written to a file; negative: all.
    file_length: i32,
    /// The init file that was read last.
    init_file: Option<CString>,
}

/// Payload of the object that has it all.
pub struct State {
    editor: RefCell<Editor>,
    completer: ObjectCell,
    startup_hook: ObjectCell,
    pre_input_hook: ObjectCell,
    display_hook: ObjectCell,
}

impl NativeClass for State {
    fn class() -> &'static Type {
        &STATE_TYPE
    }
    fn traverse(&self, visitor: &mut Visitor) {
        for cell in [&self.completer, &self.startup_hook, &self.pre_input_hook, &self.display_hook] {
            cell.traverse(visitor);
        }
    }
}

static STATE_TYPE: Type = Type::new::<State>(
    "readline._state",
    &OBJECT,
    type_flags::DISALLOW_INSTANTIATION | type_flags::HAVE_GC,
    Slots::EMPTY,
    &[],
    &[],
);

impl State {
    /// Calls a hook; what it raises is dropped.
    fn run_hook(&self, vm: &Vm, hook: &ObjectCell) {
        if let Some(hook) = hook.bound() {
            if vm.call(&hook, &[]).is_err() {
                drop(vm.take_raised());
            }
            self.flush(vm);
        }
    }
    /// What Python code printed comes before what is shown next.
    fn flush(&self, vm: &Vm) {
        let flushed = vm
            .import_module("sys")
            .and_then(|sys| vm.get_attr_str(&sys, "stdout"))
            .and_then(|stdout| vm.call_method(&stdout, "flush", &[]));
        if flushed.is_err() {
            drop(vm.take_raised());
        }
    }
}

fn state(vm: &Vm) -> Result {
    vm.shared(STATE).ok_or_else(|| vm.system_error("readline is not initialised"))
}

/// Looks at the editor; `f` runs no Python code.
fn with<R>(vm: &Vm, f: impl FnOnce(&mut Editor) -> R) -> Result<R> {
    let state = state(vm)?;
    Ok(f(&mut this::<State>(&state).editor.borrow_mut()))
}

/// A str argument.
fn text(vm: &Vm, object: &Object) -> Result<String> {
    if object.downcast::<Str>().is_none() {
        return Err(vm.type_error("bad argument type for built-in operation"));
    }
    let text = vm.str_lossy(object);
    if text.contains('\0') {
        return Err(vm.value_error("embedded null character"));
    }
    Ok(text)
}

/// A file of the home directory.
fn home(file: &str) -> Option<CString> {
    let mut path = host::environment::variable(c"HOME").unwrap_or_default();
    path.push(b'/');
    path.extend_from_slice(file.as_bytes());
    CString::new(path).ok()
}

/// A file argument; None is a file of the home directory.
fn file(vm: &Vm, object: &Object, default: &str) -> Result<CString> {
    match object.some() {
        Some(object) => fs_bytes(vm, object),
        None => home(default).ok_or_else(|| vm.value_error("embedded null byte")),
    }
}

/// Sets or removes a function.
fn set_hook(vm: &Vm, function: &Object, name: &str, cell: fn(&State) -> &ObjectCell) -> Result {
    if !function.is_none() && !vm.is_callable(function) {
        return Err(vm.type_error(format!("{name}(func): argument not callable")));
    }
    let state = state(vm)?;
    cell(this(&state)).set_option(function.some().cloned());
    Ok(Object::NONE)
}

/// A place in the history.
fn position(vm: &Vm, object: &Object) -> Result<usize> {
    let n = vm.to_plain_c_int(object)?;
    usize::try_from(n).map_err(|_| vm.value_error("History index cannot be negative"))
}

#[cold]
fn no_item(vm: &Vm, i: usize) -> Raised {
    vm.value_error(format!("No history item at position {i}"))
}

/// Keeps a file to the length that was asked for.
fn shorten(vm: &Vm, path: &CStr) -> Result<()> {
    let length = with(vm, |editor| editor.file_length)?;
    if let Ok(length) = usize::try_from(length) {
        os(vm, history::shorten(path, length))?;
    }
    Ok(())
}

/// Reads an init file.
fn read_init(vm: &Vm, path: &CStr) -> Result<host::Result<()>> {
    let text = match history::init_text(path) {
        Ok(text) => text,
        Err(error) => return Ok(Err(error)),
    };
    with(vm, |editor| {
        for line in text.lines() {
            if let Err(words) = editor.keys.read(line) {
                eprintln!("readline: {words}");
            }
        }
        editor.history.limit = editor.keys.history_size;
        editor.history.trim();
        editor.init_file = Some(path.to_owned());
    })?;
    Ok(Ok(()))
}

/// One line at a time: `input()` in two threads.
static TURN: Mutex<()> = Mutex::new(());

fn turn(vm: &Vm) -> MutexGuard<'static, ()> {
    match TURN.try_lock() {
        Ok(guard) => guard,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => {
            vm.without_gil(|| TURN.lock().unwrap_or_else(PoisonError::into_inner))
        }
    }
}

/// Is the stream the terminal at this descriptor?
fn is_terminal(vm: &Vm, stream: &Object, fd: i64) -> Result<bool> {
    match vm.call_method(stream, "fileno", &[]) {
        Ok(number) => Ok(number.is_int() && number.as_int() == fd && host::fd::is_tty(fd as i32)),
        Err(_) if vm.raised_is(&exc::EXCEPTION) => {
            drop(vm.take_raised());
            Ok(false)
        }
        Err(raised) => Err(raised),
    }
}

static READ: MethodDef = MethodDef::new("_input(stdin, stdout, prompt, /)", input, "");

/// What `input()` calls: a line, or NotImplemented if there is no terminal to read it from.
fn input(vm: &Vm, args: &[Object]) -> Result {
    thread_local!(static READS: std::cell::Cell<bool> = const { std::cell::Cell::new(false) });
    if !is_terminal(vm, &args[0], 0)? || !is_terminal(vm, &args[1], 1)? {
        return Ok(Object::NOT_IMPLEMENTED);
    }
    // A completer that calls input().
    if READS.get() {
        return Err(vm.runtime_error("can't re-enter readline"));
    }
    let state = state(vm)?;
    let state = this::<State>(&state);
    let prompt = vm.str_lossy(&args[2]);
    let line = {
        let _turn = turn(vm);
        READS.set(true);
        let line = Session::new(vm, state, &prompt).read();
        READS.set(false);
        line?
    };
    let Some(line) = line else { return Err(vm.eof_error("")) };
    let mut editor = state.editor.borrow_mut();
    if editor.adds && !line.is_empty() && editor.history.last() != Some(&line) {
        editor.history.push(line.clone());
    }
    drop(editor);
    Ok(vm.str(&line))
}

const SET_COMPLETER_DOC: &str = "Set or remove the completer function.\n\nThe function is called as function(text, state),\nfor state in 0, 1, 2, ..., until it returns a non-string.\nIt should return the next possible completion starting with 'text'.";

/// The module.
pub static MODULE: ModuleDef = ModuleDef {
    name: "readline",
    doc: "Importing this module enables command line editing using GNU readline.",
    functions: &[
        MethodDef::new(
            "add_history(string, /)",
            |vm, args| {
                let line = text(vm, &args[0])?;
                with(vm, |editor| editor.history.push(line))?;
                Ok(Object::NONE)
            },
            "Add an item to the history buffer.",
        ),
        MethodDef::new(
            "append_history_file(nelements, filename=None, /)",
            |vm, args| {
                let n = usize::try_from(vm.to_plain_c_int(&args[0])?)
                    .map_err(|_| vm.value_error("nelements must be non-negative"))?;
                let path = file(vm, &args[1], ".history")?;
                let done = with(vm, |editor| editor.history.append(n, &path))?;
                os(vm, done)?;
                shorten(vm, &path).map(|()| Object::NONE)
            },
            "Append the last nelements items of the history list to file.\n\nThe default filename is ~/.history.",
        ),
        MethodDef::new(
            "clear_history()",
            |vm, _| with(vm, |editor| editor.history.clear()).map(|()| Object::NONE),
            "Clear the current readline history.",
        ),
        MethodDef::new(
            "get_begidx()",
            |vm, _| with(vm, |editor| editor.begin).map(|n| vm.usize(n)),
            "Get the beginning index of the completion scope.",
        ),
        MethodDef::new(
            "get_completer()",
            |vm, _| Ok(this::<State>(&state(vm)?).completer.or_none()),
            "Get the current completer function.",
        ),
        MethodDef::new(
            "get_completer_delims()",
            |vm, _| with(vm, |editor| editor.delims.clone()).map(|delims| vm.str(&delims)),
            "Get the word delimiters for completion.",
        ),
        MethodDef::new(
            "get_completion_type()",
            |vm, _| with(vm, |editor| editor.completion_type).map(|n| vm.int(n)),
            "Get the type of completion being attempted.",
        ),
        MethodDef::new(
            "get_current_history_length()",
            |vm, _| with(vm, |editor| editor.history.len()).map(|n| vm.usize(n)),
            "Return the current (not the maximum) length of history.",
        ),
        MethodDef::new(
            "get_endidx()",
            |vm, _| with(vm, |editor| editor.end).map(|n| vm.usize(n)),
            "Get the ending index of the completion scope.",
        ),
        MethodDef::new(
            "get_history_item(index, /)",
            |vm, args| {
                let i = vm.to_plain_c_int(&args[0])?;
                let i = usize::try_from(i).ok().and_then(|i| i.checked_sub(1));
                let item = with(vm, |editor| i.and_then(|i| editor.history.get(i).cloned()))?;
                Ok(item.map_or(Object::NONE, |item| vm.str(&item)))
            },
            "Return the current contents of history item at one-based index.",
        ),
        MethodDef::new(
            "get_history_length()",
            |vm, _| with(vm, |editor| editor.file_length).map(|n| vm.int(n as i64)),
            "Return the maximum number of lines that will be written to the history file.",
        ),
        MethodDef::new(
            "get_line_buffer()",
            |vm, _| with(vm, |editor| editor.line.text()).map(|text| vm.str(&text)),
            "Return the current contents of the line buffer.",
        ),
        MethodDef::new(
            "insert_text(string, /)",
            |vm, args| {
                let text = text(vm, &args[0])?;
                with(vm, |editor| editor.line.insert(&text)).map(|()| Object::NONE)
            },
            "Insert text into the line buffer at the cursor position.",
        ),
        MethodDef::new(
            "parse_and_bind(string, /)",
            |vm, args| {
                let line = text(vm, &args[0])?;
                if let Err(words) = with(vm, |editor| editor.keys.read(&line))? {
                    eprintln!("readline: {words}");
                }
                with(vm, |editor| {
                    editor.history.limit = editor.keys.history_size;
                    editor.history.trim();
                })?;
                Ok(Object::NONE)
            },
            "Execute the init line provided in the string argument.",
        ),
        MethodDef::new(
            "read_history_file(filename=None, /)",
            |vm, args| {
                let path = file(vm, &args[0], ".history")?;
                let done = with(vm, |editor| editor.history.load(&path))?;
                os(vm, done).map(|()| Object::NONE)
            },
            "Load a readline history file.\n\nThe default filename is ~/.history.",
        ),
        MethodDef::new(
            "read_init_file(filename=None, /)",
            |vm, args| {
                let last = with(vm, |editor| editor.init_file.clone())?;
                let path = match (args[0].some(), last) {
                    (None, Some(last)) => last,
                    _ => file(vm, &args[0], ".inputrc")?,
                };
                let done = read_init(vm, &path)?;
                os(vm, done).map(|()| Object::NONE)
            },
            "Execute a readline initialization file.\n\nThe default filename is the last filename used.",
        ),
        MethodDef::new(
            "redisplay()",
            |_, _| Ok(Object::NONE),
            "Change what's displayed on the screen to reflect contents of the line buffer.",
        ),
        MethodDef::new(
            "remove_history_item(pos, /)",
            |vm, args| {
                let i = position(vm, &args[0])?;
                match with(vm, |editor| editor.history.remove(i))? {
                    Some(_) => Ok(Object::NONE),
                    None => Err(no_item(vm, i)),
                }
            },
            "Remove history item given by its zero-based position.",
        ),
        MethodDef::new(
            "replace_history_item(pos, line, /)",
            |vm, args| {
                let i = position(vm, &args[0])?;
                let line = text(vm, &args[1])?;
                match with(vm, |editor| editor.history.replace(i, line))? {
                    true => Ok(Object::NONE),
                    false => Err(no_item(vm, i)),
                }
            },
            "Replaces history item given by its position with contents of line.\n\npos is zero-based.",
        ),
        MethodDef::new(
            "set_auto_history(enabled, /)",
            |vm, args| {
                let on = vm.is_true(&args[0])?;
                with(vm, |editor| editor.adds = on).map(|()| Object::NONE)
            },
            "Enables or disables automatic history.",
        ),
        MethodDef::new(
            "set_completer(function=None, /)",
            |vm, args| set_hook(vm, &args[0], "set_completer", |state| &state.completer),
            SET_COMPLETER_DOC,
        ),
        MethodDef::new(
            "set_completer_delims(string, /)",
            |vm, args| {
                let delims = text(vm, &args[0])?;
                with(vm, |editor| editor.delims = delims).map(|()| Object::NONE)
            },
            "Set the word delimiters for completion.",
        ),
        MethodDef::new(
            "set_completion_display_matches_hook(function=None, /)",
            |vm, args| {
                set_hook(vm, &args[0], "set_completion_display_matches_hook", |state| &state.display_hook)
            },
            "Set or remove the completion display function.\n\nThe function is called as\n  function(substitution, [matches], longest_match_length)\nonce each time matches need to be displayed.",
        ),
        MethodDef::new(
            "set_history_length(length, /)",
            |vm, args| {
                let n = vm.to_plain_c_int(&args[0])?;
                with(vm, |editor| editor.file_length = n).map(|()| Object::NONE)
            },
            "Set the maximal number of lines which will be written to the history file.\n\nA negative length is used to inhibit history truncation.",
        ),
        MethodDef::new(
            "set_pre_input_hook(function=None, /)",
            |vm, args| set_hook(vm, &args[0], "set_pre_input_hook", |state| &state.pre_input_hook),
            "Set or remove the function invoked by the rl_pre_input_hook callback.\n\nThe function is called with no arguments after the first prompt\nhas been printed and just before readline starts reading input\ncharacters.",
        ),
        MethodDef::new(
            "set_startup_hook(function=None, /)",
            |vm, args| set_hook(vm, &args[0], "set_startup_hook", |state| &state.startup_hook),
            "Set or remove the function invoked by the rl_startup_hook callback.\n\nThe function is called with no arguments just\nbefore readline prints the first prompt.",
        ),
        MethodDef::new(
            "write_history_file(filename=None, /)",
            |vm, args| {
                let path = file(vm, &args[0], ".history")?;
                let done = with(vm, |editor| editor.history.save(&path))?;
                os(vm, done)?;
                shorten(vm, &path).map(|()| Object::NONE)
            },
            "Save a readline history file.\n\nThe default filename is ~/.history.",
        ),
    ],
    types: &[&STATE_TYPE],
    init: Some(init),
};

fn init(vm: &Vm, module: &Object) -> Result<()> {
    vm.delete_attr(module, &vm.intern(STATE_TYPE.name()))?;
    vm.set_attr_str(module, "_READLINE_VERSION", &vm.int(VERSION))?;
    vm.set_attr_str(module, "_READLINE_RUNTIME_VERSION", &vm.int(VERSION))?;
    vm.set_attr_str(module, "_READLINE_LIBRARY_VERSION", &vm.str("8.3"))?;
    vm.set_attr_str(module, "backend", &vm.str("readline"))?;
    if vm.shared(STATE).is_some() {
        return Ok(());
    }
    let editor = Editor {
        line: Line::default(),
        keys: Keys::default(),
        history: History::default(),
        killed: String::new(),
        delims: DELIMITERS.to_owned(),
        begin: 0,
        end: 0,
        completion_type: 0,
        adds: true,
        file_length: -1,
        init_file: None,
    };
    let state = State {
        editor: RefCell::new(editor),
        completer: ObjectCell::EMPTY,
        startup_hook: ObjectCell::EMPTY,
        pre_input_hook: ObjectCell::EMPTY,
        display_hook: ObjectCell::EMPTY,
    };
    vm.share(STATE, allocate(vm, &STATE_TYPE, state)?);
    vm.share(INPUT, new_function(vm, &READ, vm.intern("readline")));
    // The init file of the user; there may be none.
    let path = host::environment::variable(c"INPUTRC").filter(|path| !path.is_empty());
    let path = path.map_or_else(|| home(".inputrc"), |path| CString::new(path).ok());
    if let Some(path) = path {
        _ = read_init(vm, &path)?;
    }
    Ok(())
}
