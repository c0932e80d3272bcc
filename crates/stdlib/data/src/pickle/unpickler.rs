//! `_pickle.Unpickler` and its memo proxy.

use super::build::{find, no_persistent_load};
use super::input::Input;
use super::machine::{Machine, Settings};
use super::memo::LoadMemo;
use super::pickler::{is_named, overridden, raw};
use super::state::{State, shown_type, unpickling_error};
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use taipan_runtime::lookup::{generic_getattr, generic_setattr};
use taipan_runtime::prelude::*;
use taipan_runtime::slots::hash_unhashable;
use taipan_runtime::support::{allocate, check_positional, this};
use taipan_runtime::types::cell::ObjectCell;
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::str_methods::shown_type as short_type;
use taipan_runtime::types::{dict, int, tuple};

/// Payload of `Unpickler`.
pub struct Unpickler {
    /// `__init__` makes new ones; who works with them keeps a share.
    settings: RefCell<Rc<Settings>>,
    memo: RefCell<Rc<RefCell<LoadMemo>>>,
    /// Taken out while a pickle is loaded.
    input: RefCell<Input>,
    /// `persistent_load` set on the instance.
    persistent_load: ObjectCell,
    /// The protocol of the pickle loaded last.
    protocol: Cell<u8>,
    running: Cell<bool>,
}

impl NativeClass for Unpickler {
    fn class() -> &'static Type {
        &UNPICKLER
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.persistent_load.traverse(visitor);
        if let Ok(settings) = self.settings.try_borrow()
            && let Some(buffers) = &settings.buffers
        {
            visitor.visit_object(buffers);
        }
        if let Ok(memo) = self.memo.try_borrow()
            && let Ok(memo) = memo.try_borrow()
        {
            memo.visit(visitor);
        }
        if let Ok(input) = self.input.try_borrow() {
            input.visit(visitor);
        }
    }
    fn clear(&self) {
        self.persistent_load.clear();
        drop(self.memo().take());
        drop(self.input.take());
    }
}

impl Unpickler {
    fn settings(&self) -> Rc<Settings> {
        self.settings.borrow().clone()
    }
    fn memo(&self) -> Rc<RefCell<LoadMemo>> {
        self.memo.borrow().clone()
    }
    fn check_idle(&self, vm: &Vm) -> Result<()> {
        if self.running.get() { Err(vm.runtime_error("Unpickler object is already used")) } else { Ok(()) }
    }
}

const PERSISTENT_LOAD: &str = "persistent_load";
const FIND_CLASS: &str = "find_class";

pub static UNPICKLER: Type = Type::new::<Unpickler>(
    "_pickle.Unpickler",
    &OBJECT,
    type_flags::BASE | type_flags::HAVE_GC,
    Slots {
        new: Some(|vm, class, _, _| {
            let nothing = Object::UNBOUND;
            let settings = settings(vm, &Object::FALSE, &nothing, &nothing, &nothing)?;
            allocate(vm, class, Unpickler {
                settings: RefCell::new(Rc::new(settings)),
                memo: RefCell::default(),
                input: RefCell::default(),
                persistent_load: ObjectCell::EMPTY,
                protocol: Cell::new(0),
                running: Cell::new(false),
            })
        }),
        init: Some(init),
        getattr: Some(|vm, object, name| match this::<Unpickler>(object).persistent_load.bound() {
            Some(found) if is_named(name, PERSISTENT_LOAD) => Ok(found),
            _ => generic_getattr(vm, object, name),
        }),
        setattr: Some(|vm, object, name, value| {
            if is_named(name, PERSISTENT_LOAD) {
                this::<Unpickler>(object).persistent_load.set_option(value.cloned());
                return Ok(());
            }
            generic_setattr(vm, object, name, value)
        }),
        ..Slots::EMPTY
    },
    &[
        raw("persistent_load($self, pid, /)", |vm, args, kwnames| {
            check_positional(vm, PERSISTENT_LOAD, args.len() - 1, kwnames, (1, 1))?;
            Err(no_persistent_load(vm))
        }, ""),
        raw("load($self, /)", load, "Load a pickle.\n\nRead a pickled object representation from the open file object given\nin the constructor, and return the reconstituted object hierarchy\nspecified therein."),
        raw("find_class($self, module_name, global_name, /)", |vm, args, kwnames| {
            check_positional(vm, FIND_CLASS, args.len() - 1, kwnames, (2, 2))?;
            let this = this::<Unpickler>(&args[0]);
            let settings = this.settings();
            find(vm, &settings.others, this.protocol.get(), settings.fix_imports, &args[1], &args[2])
        }, "Return an object from a specified module.\n\nIf necessary, the module will be imported. Subclasses may override\nthis method (e.g. to restrict unpickling of arbitrary classes and\nfunctions).\n\nThis method is called whenever a class or a function object is\nneeded.  Both arguments passed are str objects."),
        MethodDef::new("__sizeof__($self, /)", |vm, args| {
            let used = this::<Unpickler>(&args[0]).memo().borrow().used();
            Ok(vm.usize(size_of::<Unpickler>() + used * 8))
        }, "Returns size in memory, in bytes."),
    ],
    &[GetSetDef::new("memo", |vm, object| allocate(vm, &UNPICKLER_MEMO, UnpicklerMemo(object.clone())))
        .with_set(set_memo)],
)
.with_doc("Unpickler(file, *, fix_imports=True, encoding='ASCII', errors='strict',\n          buffers=())\n--\n\nThis takes a binary file for reading a pickle data stream.\n\nThe protocol version of the pickle is detected automatically, so no\nprotocol argument is needed.  Bytes past the pickled object's\nrepresentation are ignored.\n\nThe argument *file* must have two methods, a read() method that takes\nan integer argument, and a readline() method that requires no\narguments.  Both methods should return bytes.  Thus *file* can be a\nbinary file object opened for reading, an io.BytesIO object, or any\nother custom object that meets this interface.\n\nOptional keyword arguments are *fix_imports*, *encoding* and *errors*,\nwhich are used to control compatibility support for pickle stream\ngenerated by Python 2.  If *fix_imports* is True, pickle will try to\nmap the old Python 2 names to the new names used in Python 3.  The\n*encoding* and *errors* tell pickle how to decode 8-bit string\ninstances pickled by Python 2; these default to 'ASCII' and 'strict',\nrespectively.  The *encoding* can be 'bytes' to read these 8-bit\nstring instances as bytes objects.");

/// Settings by the arguments, which are all checked; UNBOUND are the defaults.
pub fn settings(
    vm: &Vm,
    fix_imports: &Object,
    encoding: &Object,
    errors: &Object,
    buffers: &Object,
) -> Result<Settings> {
    let text = |object: &Object, default: &'static str| match object.bound() {
        Some(object) if !is_named(object, default) => Cow::Owned(vm.str_lossy(object)),
        _ => Cow::Borrowed(default),
    };
    Ok(Settings {
        others: State::of(vm)?,
        fix_imports: vm.is_true(fix_imports)?,
        encoding: text(encoding, "ASCII"),
        errors: text(errors, "strict"),
        buffers: match buffers.some() {
            Some(buffers) => Some(vm.iter(buffers)?),
            None => None,
        },
    })
}

/// Both must be str.
pub fn check_texts(vm: &Vm, function: &str, encoding: &Object, errors: &Object) -> Result<()> {
    for (name, object) in [("encoding", encoding), ("errors", errors)] {
        if !object.is_unbound() && object.downcast::<Str>().is_none() {
            let shown = short_type(object);
            return Err(vm.type_error(format!("{function}() argument '{name}' must be str, not {shown}")));
        }
    }
    Ok(())
}

fn init(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    static SIG: Sig =
        Sig::new("Unpickler(file, *, fix_imports=True, encoding='ASCII', errors='strict', buffers=<absent>)");
    let bound = SIG.bind(vm, args, kwnames)?;
    check_texts(vm, "Unpickler", &bound[2], &bound[3])?;
    let this = this::<Unpickler>(object);
    this.check_idle(vm)?;
    let input = Input::file(vm, &bound[0])?;
    let settings = settings(vm, &bound[1], &bound[2], &bound[3], &bound[4])?;
    this.check_idle(vm)?;
    let old = (
        this.input.replace(input),
        this.settings.replace(Rc::new(settings)),
        this.memo.replace(Rc::default()),
    );
    this.protocol.set(0);
    drop(old);
    Ok(())
}

fn load(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    check_positional(vm, "load", args.len() - 1, kwnames, (0, 0))?;
    let object = &args[0];
    let this = this::<Unpickler>(object);
    this.check_idle(vm)?;
    if !this.input.borrow().is_ready() {
        let shown = shown_type(vm, object);
        let message = format!("Unpickler.__init__() was not called by {shown}.__init__()");
        return Err(unpickling_error(vm, message));
    }
    let find_class = overridden(vm, object, FIND_CLASS, &UNPICKLER)?;
    let persistent_load = overridden(vm, object, PERSISTENT_LOAD, &UNPICKLER)?;
    this.check_idle(vm)?;
    this.running.set(true);
    let (settings, memo, input) = (this.settings(), this.memo(), this.input.take());
    let mut machine = Machine::new(vm, &settings, &memo, input);
    machine.find_class = find_class;
    machine.persistent_load = persistent_load;
    machine.owner = Some(&this.protocol);
    this.protocol.set(0);
    let loaded = machine.load();
    let input = std::mem::take(&mut machine.input);
    drop(machine);
    this.input.replace(input);
    this.running.set(false);
    loaded
}

// ---- the memo ---------------------------------------------------------------------------

/// Payload of `UnpicklerMemoProxy`: the unpickler.
pub struct UnpicklerMemo(Object);

impl NativeClass for UnpicklerMemo {
    fn class() -> &'static Type {
        &UNPICKLER_MEMO
    }
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit_object(&self.0);
    }
}

pub static UNPICKLER_MEMO: Type = Type::new::<UnpicklerMemo>(
    "_pickle.UnpicklerMemoProxy",
    &OBJECT,
    type_flags::HAVE_GC,
    Slots { hash: Some(hash_unhashable), ..Slots::EMPTY },
    &[
        MethodDef::new(
            "clear($self, /)",
            |_, args| {
                drop(memo_of(&args[0]).take());
                Ok(Object::NONE)
            },
            "Remove all items from memo.",
        ),
        MethodDef::new("copy($self, /)", |vm, args| copy(vm, &args[0]), "Copy the memo to a new object."),
        MethodDef::new(
            "__reduce__($self, /)",
            |vm, args| {
                let copied = copy(vm, &args[0])?;
                Ok(tuple::pair(vm, dict::DICT.to_object(), vm.tuple(vec![copied])))
            },
            "Implement pickling support.",
        ),
    ],
    &[],
);

fn memo_of(proxy: &Object) -> Rc<RefCell<LoadMemo>> {
    this::<Unpickler>(&this::<UnpicklerMemo>(proxy).0).memo()
}

/// `{number: object}`.
fn copy(vm: &Vm, proxy: &Object) -> Result {
    let items = memo_of(proxy).borrow().items();
    let copied = vm.new_dict();
    for (number, object) in items {
        vm.set_item(&copied, &vm.usize(number), &object)?;
    }
    Ok(copied)
}

fn set_memo(vm: &Vm, object: &Object, value: Option<&Object>) -> Result<()> {
    let Some(value) = value else { return Err(vm.type_error("attribute deletion is not supported")) };
    let mut memo = LoadMemo::default();
    if value.downcast::<UnpicklerMemo>().is_some() {
        for (number, object) in memo_of(value).borrow().items() {
            memo.put(number, object);
        }
    } else if let Some(entries) = value.downcast::<Dict>() {
        for (key, object) in entries.items() {
            if !int::is_any_int(&key) {
                return Err(vm.type_error("memo key must be integers"));
            }
            let Ok(number) = usize::try_from(vm.index_isize(&key)?) else {
                return Err(vm.value_error("memo key must be positive integers."));
            };
            drop(memo.put(number, object));
        }
    } else {
        let shown = shown_type(vm, value);
        let message = format!("'memo' attribute must be an UnpicklerMemoProxy object or dict, not {shown}");
        return Err(vm.type_error(message));
    }
    let old = this::<Unpickler>(object).memo().replace(memo);
    drop(old);
    Ok(())
}
