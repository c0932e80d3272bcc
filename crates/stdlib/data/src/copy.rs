//! `_copy`: the native half of `copy.deepcopy`, for lists, tuples and dicts.
//!
//! The Python function stays in charge: it looks at `__deepcopy__`, `__reduce_ex__` and
//! the tables of the module. A [`Copier`] gives it the entries of its dispatch table for
//! the three containers. They copy what lies directly in one another without a Python call
//! for each item, keep the memo exactly as the Python functions do, and go back to
//! `deepcopy` for every object of another type.

use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, this};
use taipan_runtime::types::cell::ObjectCell;
use taipan_runtime::types::native_function::NativeFunction;
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::{boolean, bytes, dict, float, int, list, str, tuple};

/// The module. CPython has none of this name.
pub static COPY: ModuleDef = ModuleDef {
    name: "_copy",
    doc: "Deep copies of lists, tuples and dicts.",
    functions: &[MethodDef::new(
        "keep_alive(x, memo, /)",
        |vm, args| keep_alive(vm, &args[0], &args[1]).map(|()| Object::NONE),
        "Keeps a reference to x in the memo.",
    )],
    types: &[&COPIER],
    init: None,
};

/// Payload of `_copy.Copier`: what to call for other objects, and the table that says
/// whose containers are ours to copy.
pub struct Copier {
    deepcopy: ObjectCell,
    dispatch: ObjectCell,
}

impl NativeClass for Copier {
    fn class() -> &'static Type {
        &COPIER
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.deepcopy.traverse(visitor);
        self.dispatch.traverse(visitor);
    }
    fn clear(&self) {
        self.deepcopy.clear();
        self.dispatch.clear();
    }
}

static NEW: Sig = Sig::new("Copier(deepcopy, dispatch, /)");

pub static COPIER: Type = Type::new::<Copier>(
    "_copy.Copier",
    &OBJECT,
    type_flags::HAVE_GC,
    Slots {
        new: Some(|vm, class, args, kwnames| {
            let args = NEW.bind(vm, args, kwnames)?;
            if args[1].downcast_exact::<Dict>().is_none() {
                return Err(vm.type_error("dispatch must be a dict"));
            }
            let copier = Copier {
                deepcopy: ObjectCell::new(args[0].clone()),
                dispatch: ObjectCell::new(args[1].clone()),
            };
            allocate(vm, class, copier)
        }),
        ..Slots::EMPTY
    },
    &[
        MethodDef::new(
            "list($self, x, memo, deepcopy=None, /)",
            |vm, args| Task::new(args).copy_list(vm, &args[1]),
            "A list of deep copies of the items.",
        ),
        MethodDef::new(
            "tuple($self, x, memo, deepcopy=None, /)",
            |vm, args| Task::new(args).copy_tuple(vm, &args[1]),
            "A tuple of deep copies of the items; x itself if they are the items.",
        ),
        MethodDef::new(
            "dict($self, x, memo, deepcopy=None, /)",
            |vm, args| Task::new(args).copy_dict(vm, &args[1]),
            "A dict of deep copies of keys and values.",
        ),
    ],
    &[],
)
.with_doc("Copies containers for copy.deepcopy.");

/// Objects that are their own deep copy and that are common.
#[inline]
fn is_plain(object: &Object) -> bool {
    if object.is_int() || object.is_float() {
        return true;
    }
    let ty = object.ty();
    ty.is(&str::STR)
        || object.is_none()
        || [&boolean::BOOL, &int::INT, &float::FLOAT, &bytes::BYTES].iter().any(|plain| ty.is(plain))
}

/// `id(object)`.
fn id(vm: &Vm, object: &Object) -> Object {
    vm.u64(object.bits())
}

/// Stores the reference that keeps `x` alive as long as the memo knows its address: in a
/// list under the memo's own address.
fn keep_alive(vm: &Vm, x: &Object, memo: &Object) -> Result<()> {
    let key = id(vm, memo);
    let kept = match memo.downcast_exact::<Dict>() {
        Some(memo) => memo.get(vm, &key)?,
        None => match vm.get_item(memo, &key) {
            Ok(kept) => Some(kept),
            Err(_) if vm.raised_is(&exc::KEY_ERROR) => {
                drop(vm.take_raised());
                None
            }
            Err(raised) => return Err(raised),
        },
    };
    match kept {
        None => vm.set_item(memo, &key, &vm.list(vec![x.clone()])),
        Some(kept) => match kept.downcast_exact::<List>() {
            Some(list) => list.push(vm, x.clone()),
            None => vm.call_method(&kept, "append", std::slice::from_ref(x)).map(drop),
        },
    }
}

/// One call of a method: copier and memo, and the function for other objects.
struct Task<'a> {
    copier: &'a Object,
    memo: &'a Object,
    /// Another function than the copier's was given: it has to see every item.
    other: Option<&'a Object>,
    deepcopy: Object,
}

impl<'a> Task<'a> {
    fn new(args: &'a [Object]) -> Task<'a> {
        let deepcopy = this::<Copier>(&args[0]).deepcopy.get();
        let other = args[3].some().filter(|given| !given.is(deepcopy.value()));
        Task { copier: &args[0], memo: &args[2], other, deepcopy }
    }

    /// Does the dispatch table still send this class to our copier?
    fn owns(&self, vm: &Vm, class: &Type) -> Result<bool> {
        let dispatch = this::<Copier>(self.copier).dispatch.get();
        let Some(dispatch) = dispatch.downcast_exact::<Dict>() else { return Ok(false) };
        let entry = dispatch.get(vm, &class.to_object())?;
        Ok(entry.is_some_and(|entry| {
            entry.downcast_exact::<NativeFunction>().is_some_and(|f| f.object.is(self.copier.value()))
        }))
    }

    /// `deepcopy(x, memo)`.
    fn copy(&self, vm: &Vm, x: &Object) -> Result {
        if let Some(other) = self.other {
            return vm.call(other, &[x.clone(), self.memo.clone()]);
        }
        if is_plain(x) {
            return Ok(x.clone());
        }
        let class = x.ty();
        let container = class.is(&list::LIST) || class.is(&dict::DICT) || class.is(&tuple::TUPLE);
        if !container || !self.owns(vm, class)? {
            return vm.call(&self.deepcopy, &[x.clone(), self.memo.clone()]);
        }
        vm.check_native_stack("")?;
        if let Some(known) = self.known(vm, x)? {
            return Ok(known);
        }
        let y = if class.is(&list::LIST) {
            self.copy_list(vm, x)?
        } else if class.is(&dict::DICT) {
            self.copy_dict(vm, x)?
        } else {
            self.copy_tuple(vm, x)?
        };
        if !y.is(x.value()) {
            self.remember(vm, x, &y)?;
            keep_alive(vm, x, self.memo)?;
        }
        Ok(y)
    }

    /// The copy that the memo has of `x`.
    fn known(&self, vm: &Vm, x: &Object) -> Result<Option<Object>> {
        let key = id(vm, x);
        if let Some(memo) = self.memo.downcast_exact::<Dict>() {
            return memo.get(vm, &key);
        }
        // The copier itself is nobody's copy.
        let found = vm.call_method(self.memo, "get", &[key, self.copier.clone()])?;
        Ok(Some(found).filter(|found| !found.is(self.copier.value())))
    }

    fn remember(&self, vm: &Vm, x: &Object, y: &Object) -> Result<()> {
        let key = id(vm, x);
        match self.memo.downcast_exact::<Dict>() {
            Some(memo) => memo.set(vm, &key, y.clone()),
            None => vm.set_item(self.memo, &key, y),
        }
    }

    fn copy_list(&self, vm: &Vm, x: &Object) -> Result {
        let Some(from) = x.downcast_exact::<List>() else {
            let copy = vm.list(Vec::new());
            self.remember(vm, x, &copy)?;
            vm.for_each(x, |item| this::<List>(&copy).push(vm, self.copy(vm, &item)?))?;
            return Ok(copy);
        };
        // Items in front that are their own copies, all at once.
        let mut start = Vec::new();
        let room = self.other.is_some()
            || from.with_items(|items| {
                let plain = items.iter().take_while(|item| is_plain(item)).count();
                let room = start.try_reserve_exact(items.len()).is_ok();
                if room {
                    start.extend_from_slice(&items[..plain]);
                }
                room
            });
        if !room {
            return Err(vm.memory_error());
        }
        let mut i = start.len();
        let copy = vm.list(start);
        self.remember(vm, x, &copy)?;
        // The list may change while an item is copied.
        while let Some(item) = from.get(i) {
            this::<List>(&copy).push(vm, self.copy(vm, &item)?)?;
            i += 1;
        }
        Ok(copy)
    }

    fn copy_tuple(&self, vm: &Vm, x: &Object) -> Result {
        let other;
        let items = match x.downcast::<Tuple>() {
            Some(from) => from.items(),
            None => {
                other = vm.collect(x)?;
                &other[..]
            }
        };
        let mut copies = Vec::with_capacity(items.len());
        for item in items {
            copies.push(self.copy(vm, item)?);
        }
        // The tuple may be in one of its items: then it has been copied by now.
        if let Some(known) = self.known(vm, x)? {
            return Ok(known);
        }
        let same = items.iter().zip(&copies).all(|(item, copy)| item.is(copy.value()));
        Ok(if same { x.clone() } else { vm.tuple(copies) })
    }

    fn copy_dict(&self, vm: &Vm, x: &Object) -> Result {
        let copy = vm.new_dict();
        self.remember(vm, x, &copy)?;
        let Some(from) = x.downcast_exact::<Dict>() else {
            let items = vm.call_method(x, "items", &[])?;
            vm.for_each(&items, |item| {
                let pair = vm.collect(&item)?;
                let [key, value] = &pair[..] else {
                    return Err(vm.value_error("items of a mapping must be pairs"));
                };
                self.copy_pair(vm, &copy, key, value)
            })?;
            return Ok(copy);
        };
        let (mut at, size) = (0, from.len());
        while let Some((key, value)) = from.next_entry(&mut at) {
            self.copy_pair(vm, &copy, &key, &value)?;
            if from.len() != size {
                return Err(vm.runtime_error("dictionary changed size during iteration"));
            }
        }
        Ok(copy)
    }

    fn copy_pair(&self, vm: &Vm, to: &Object, key: &Object, value: &Object) -> Result<()> {
        let value = self.copy(vm, value)?;
        let key = self.copy(vm, key)?;
        this::<Dict>(to).set(vm, &key, value)
    }
}
