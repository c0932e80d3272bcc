//! `_pickle.Pickler` and its memo proxy.

use super::core::Core;
use super::memo::PickleMemo;
use super::state::{pickling_error, shown_type};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use taipan_runtime::lookup::{generic_getattr, generic_setattr};
use taipan_runtime::native::RawFn;
use taipan_runtime::prelude::*;
use taipan_runtime::slots::hash_unhashable;
use taipan_runtime::support::{allocate, check_positional, this};
use taipan_runtime::types::cell::ObjectCell;
use taipan_runtime::types::native_function::NativeFunction;
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::{dict, int, tuple};

/// Payload of `Pickler`.
pub struct Pickler {
    /// `__init__` makes a new one; whoever works with it keeps a share.
    core: RefCell<Rc<Core>>,
    /// `persistent_id` set on the instance.
    persistent_id: ObjectCell,
    running: Cell<bool>,
}

impl NativeClass for Pickler {
    fn class() -> &'static Type {
        &PICKLER
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.persistent_id.traverse(visitor);
        if let Ok(core) = self.core.try_borrow() {
            core.traverse(visitor);
        }
    }
    fn clear(&self) {
        self.persistent_id.clear();
        self.core().clear();
    }
}

impl Pickler {
    fn core(&self) -> Rc<Core> {
        self.core.borrow().clone()
    }
    fn check_idle(&self, vm: &Vm) -> Result<()> {
        if self.running.get() { Err(vm.runtime_error("Pickler object is already used")) } else { Ok(()) }
    }
}

/// A row for a method whose arguments are checked in other words.
pub const fn raw(sig: &'static str, code: RawFn, doc: &'static str) -> MethodDef {
    MethodDef { hide_signature: false, ..MethodDef::raw(sig, code, doc) }
}

const PERSISTENT_ID: &str = "persistent_id";

pub static PICKLER: Type = Type::new::<Pickler>(
    "_pickle.Pickler",
    &OBJECT,
    type_flags::BASE | type_flags::HAVE_GC,
    Slots {
        new: Some(|vm, class, _, _| {
            let nothing = Object::UNBOUND;
            let core = Core::new(vm, &vm.int(0), &Object::FALSE, &nothing)?;
            allocate(vm, class, Pickler {
                core: RefCell::new(Rc::new(core)),
                persistent_id: ObjectCell::EMPTY,
                running: Cell::new(false),
            })
        }),
        init: Some(init),
        getattr: Some(|vm, object, name| match this::<Pickler>(object).persistent_id.bound() {
            Some(found) if is_named(name, PERSISTENT_ID) => Ok(found),
            _ => generic_getattr(vm, object, name),
        }),
        setattr: Some(|vm, object, name, value| {
            if is_named(name, PERSISTENT_ID) {
                this::<Pickler>(object).persistent_id.set_option(value.cloned());
                return Ok(());
            }
            generic_setattr(vm, object, name, value)
        }),
        ..Slots::EMPTY
    },
    &[
        raw("persistent_id($self, obj, /)", |vm, args, kwnames| {
            check_positional(vm, PERSISTENT_ID, args.len() - 1, kwnames, (1, 1))?;
            Ok(Object::NONE)
        }, ""),
        raw("dump($self, obj, /)", dump, "Write a pickled representation of the given object to the open file."),
        MethodDef::new("clear_memo($self, /)", |_, args| {
            drop(this::<Pickler>(&args[0]).core().exchange_memo(PickleMemo::default()));
            Ok(Object::NONE)
        }, "Clears the pickler's \"memo\".\n\nThe memo is the data structure that remembers which objects the\npickler has already seen, so that shared or recursive objects are\npickled by reference and not by value.  This method is useful when\nre-using picklers."),
        MethodDef::new("__sizeof__($self, /)", |vm, args| {
            let memo = this::<Pickler>(&args[0]).core().memo_len();
            Ok(vm.usize(size_of::<Core>() + memo * 24))
        }, "Returns size in memory, in bytes."),
    ],
    &[
        GetSetDef::member("bin", |vm, object| Ok(vm.int(this::<Pickler>(object).core().binary.get() as i64)))
            .with_set(|vm, object, value| {
                this::<Pickler>(object).core().binary.set(number(vm, value)? != 0);
                Ok(())
            }),
        GetSetDef::member("fast", |vm, object| Ok(vm.int(this::<Pickler>(object).core().fast.get() as i64)))
            .with_set(|vm, object, value| {
                this::<Pickler>(object).core().fast.set(number(vm, value)?);
                Ok(())
            }),
        GetSetDef::member("dispatch_table", |vm, object| {
            let table = this::<Pickler>(object).core().dispatch_table.bound();
            table.ok_or_else(|| vm.no_attribute(object, &vm.intern("dispatch_table")))
        })
        .with_set(|vm, object, value| {
            let core = this::<Pickler>(object).core();
            if value.is_none() && core.dispatch_table.is_empty() {
                return Err(vm.error(&exc::ATTRIBUTE_ERROR, "dispatch_table"));
            }
            core.dispatch_table.set_option(value.cloned());
            Ok(())
        }),
        GetSetDef::new("memo", |vm, object| allocate(vm, &PICKLER_MEMO, PicklerMemo(object.clone())))
            .with_set(set_memo),
    ],
)
.with_doc("Pickler(file, protocol=None, fix_imports=True, buffer_callback=None)\n--\n\nThis takes a binary file for writing a pickle data stream.\n\nThe optional *protocol* argument tells the pickler to use the given\nprotocol; supported protocols are 0, 1, 2, 3, 4 and 5.  The default\nprotocol is 5. It was introduced in Python 3.8, and is incompatible\nwith previous versions.\n\nSpecifying a negative protocol version selects the highest protocol\nversion supported.  The higher the protocol used, the more recent the\nversion of Python needed to read the pickle produced.\n\nThe *file* argument must have a write() method that accepts a single\nbytes argument. It can thus be a file object opened for binary\nwriting, an io.BytesIO instance, or any other custom object that meets\nthis interface.\n\nIf *fix_imports* is True and protocol is less than 3, pickle will try\nto map the new Python 3 names to the old module names used in Python\n2, so that the pickle data stream is readable with Python 2.\n\nIf *buffer_callback* is None (the default), buffer views are\nserialized into *file* as part of the pickle stream.\n\nIf *buffer_callback* is not None, then it can be called any number\nof times with a buffer view.  If the callback returns a false value\n(such as None), the given buffer is out-of-band; otherwise the\nbuffer is serialized in-band, i.e. inside the pickle stream.\n\nIt is an error if *buffer_callback* is not None and *protocol*\nis None or smaller than 5.");

/// Is this the name of an attribute?
pub fn is_named(name: &Object, text: &str) -> bool {
    name.downcast::<Str>().is_some_and(|name| name.equals_text(text))
}

/// The value for a member that is a C int.
fn number(vm: &Vm, value: Option<&Object>) -> Result<i32> {
    match value {
        Some(value) => vm.to_plain_c_int(value),
        None => Err(vm.type_error("can't delete numeric/char attribute")),
    }
}

fn init(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    static SIG: Sig = Sig::new("Pickler(file, protocol=None, fix_imports=True, buffer_callback=None)");
    let bound = SIG.bind(vm, args, kwnames)?;
    let this = this::<Pickler>(object);
    this.check_idle(vm)?;
    let core = Core::new(vm, &bound[1], &bound[2], &bound[3])?;
    core.set_file(vm, &bound[0])?;
    if let Some(table) = vm.lookup_attr_str(object, "dispatch_table")? {
        core.dispatch_table.set(table);
    }
    this.check_idle(vm)?;
    let old = this.core.replace(Rc::new(core));
    drop(old);
    Ok(())
}

/// The method of an instance, unless it is the one that Pickler itself has.
pub fn overridden(vm: &Vm, object: &Object, name: &str, native: &'static Type) -> Result<Option<Object>> {
    let found = vm.lookup_attr_str(object, name)?;
    let is_native = |found: &Object| {
        found.downcast_exact::<NativeFunction>().is_some_and(|f| {
            f.owner.is_some_and(|owner| owner.is(native))
                && f.object.value() == object.value()
                && f.def.name() == name
        })
    };
    Ok(found.filter(|found| !is_native(found)))
}

fn dump(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    check_positional(vm, "dump", args.len() - 1, kwnames, (1, 1))?;
    let object = &args[0];
    let this = this::<Pickler>(object);
    let core = this.core();
    if core.write.is_empty() {
        let shown = shown_type(vm, object);
        let message = format!("Pickler.__init__() was not called by {shown}.__init__()");
        return Err(pickling_error(vm, message));
    }
    this.check_idle(vm)?;
    core.persistent_id.set_option(overridden(vm, object, PERSISTENT_ID, &PICKLER)?);
    core.reducer_override.set_option(vm.lookup_attr_str(object, "reducer_override")?);
    this.running.set(true);
    let done = core.dump(vm, &args[1]);
    this.running.set(false);
    core.persistent_id.clear();
    core.reducer_override.clear();
    done?;
    core.flush(vm)?;
    Ok(Object::NONE)
}

// ---- the memo ---------------------------------------------------------------------------

/// Payload of `PicklerMemoProxy`: the pickler.
pub struct PicklerMemo(Object);

impl NativeClass for PicklerMemo {
    fn class() -> &'static Type {
        &PICKLER_MEMO
    }
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit_object(&self.0);
    }
}

pub static PICKLER_MEMO: Type = Type::new::<PicklerMemo>(
    "_pickle.PicklerMemoProxy",
    &OBJECT,
    type_flags::HAVE_GC,
    Slots { hash: Some(hash_unhashable), ..Slots::EMPTY },
    &[
        MethodDef::new(
            "clear($self, /)",
            |_, args| {
                drop(memo_of(&args[0]).exchange_memo(PickleMemo::default()));
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
            "Implement pickle support.",
        ),
    ],
    &[],
);

fn memo_of(proxy: &Object) -> Rc<Core> {
    this::<Pickler>(&this::<PicklerMemo>(proxy).0).core()
}

/// `{id: (number, object)}`.
fn copy(vm: &Vm, proxy: &Object) -> Result {
    let entries = memo_of(proxy).memo_entries();
    let copied = vm.new_dict();
    for (object, number) in entries {
        let key = vm.u64(object.bits());
        vm.set_item(&copied, &key, &tuple::pair(vm, vm.int(number as i64), object))?;
    }
    Ok(copied)
}

fn set_memo(vm: &Vm, object: &Object, value: Option<&Object>) -> Result<()> {
    let Some(value) = value else { return Err(vm.type_error("attribute deletion is not supported")) };
    let mut memo = PickleMemo::default();
    let mut put = |object: &Object, number: u32| {
        if memo.put(object, number) { Ok(()) } else { Err(vm.memory_error()) }
    };
    if value.downcast::<PicklerMemo>().is_some() {
        let entries = memo_of(value).memo_entries();
        entries.iter().try_for_each(|(object, number)| put(object, *number))?;
    } else if let Some(values) = value.downcast::<Dict>() {
        for (_, value) in values.items() {
            let Some([number, object]) = value.downcast::<Tuple>().map(|pair| pair.items()) else {
                return Err(vm.type_error("'memo' values must be 2-item tuples"));
            };
            if !int::is_any_int(number) {
                return Err(vm.type_error("an integer is required"));
            }
            let number = vm.index_isize(number)?;
            let Ok(number) = u32::try_from(number) else {
                return Err(vm.overflow_error("memo number out of range"));
            };
            put(object, number)?;
        }
    } else {
        let shown = shown_type(vm, value);
        let message = format!("'memo' attribute must be a PicklerMemoProxy object or dict, not {shown}");
        return Err(vm.type_error(message));
    }
    let old = this::<Pickler>(object).core().exchange_memo(memo);
    drop(old);
    Ok(())
}
