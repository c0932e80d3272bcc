//! `_thread._local`: attributes that every thread has for itself.

use crate::names::name;
use crate::prelude::*;
use crate::types::weakref;
use std::cell::{Cell, RefCell};

/// Payload of `_thread._local`: constructor arguments for each thread's
/// `__init__`, and the attributes.
pub struct Local {
    args: Vec<Object>,
    kwnames: Vec<Object>,
    initialising: Cell<bool>,
    /// The address of a thread's state, and its dict.
    dicts: RefCell<Vec<(usize, Object)>>,
    /// Where the last dict asked for was.
    last: Cell<usize>,
}

impl NativeClass for Local {
    fn class() -> &'static Type {
        &LOCAL
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.args.iter().for_each(|a| visitor.visit_object(a));
        if let Ok(dicts) = self.dicts.try_borrow() {
            dicts.iter().for_each(|(_, dict)| visitor.visit_object(dict));
        }
    }
    fn clear(&self) {
        drop(self.dicts.try_borrow_mut().map(|mut dicts| std::mem::take(&mut *dicts)));
    }
}

impl Local {
    /// The thread's dict.
    fn get(&self, thread: usize) -> Option<Object> {
        let dicts = self.dicts.borrow();
        if let Some((of, dict)) = dicts.get(self.last.get())
            && *of == thread
        {
            return Some(dict.clone());
        }
        let at = dicts.iter().position(|(of, _)| *of == thread)?;
        self.last.set(at);
        dicts.get(at).map(|(_, dict)| dict.clone())
    }
    fn take(&self, thread: usize) -> Option<Object> {
        let mut dicts = self.dicts.borrow_mut();
        let at = dicts.iter().position(|(of, _)| *of == thread)?;
        Some(dicts.swap_remove(at).1)
    }
}

fn local_of(object: &Object) -> &Local {
    // SAFETY: used on _local objects only.
    unsafe { object.payload_unchecked() }
}

fn key(vm: &Vm) -> usize {
    vm as *const Vm as usize
}

/// The thread ends, and with it its attributes of all objects.
pub fn forget_thread(vm: &Vm) {
    // Destructors may make new ones.
    for _ in 0..16 {
        let used = std::mem::take(&mut *vm.locals.borrow_mut());
        if used.is_empty() {
            return;
        }
        for local in used.iter().filter_map(weakref::get) {
            drop(local_of(&local).take(key(vm)));
        }
    }
}

/// Has the thread remember that it has attributes of the object.
fn remember(vm: &Vm, object: &Object) -> Result<()> {
    let reference = weakref::new(vm, object)?;
    let mut used = vm.locals.borrow_mut();
    used.push(reference);
    if used.len() < 64 || !used.len().is_power_of_two() {
        return Ok(());
    }
    let all = std::mem::take(&mut *used);
    let (alive, dead): (Vec<Object>, Vec<Object>) =
        all.into_iter().partition(|reference| weakref::get(reference).is_some());
    *used = alive;
    drop(used);
    drop(dead);
    Ok(())
}

/// This thread's attribute dict of the object, made (and `__init__` run) if new.
fn local_dict(vm: &Vm, object: &Object) -> Result {
    let this = local_of(object);
    if let Some(found) = this.get(key(vm)) {
        return Ok(found);
    }
    let made = vm.new_dict();
    remember(vm, object)?;
    this.dicts.borrow_mut().push((key(vm), made.clone()));
    if let Some(init) = object.ty().slots().init
        && object.ty().slots().init.map(|f| f as usize)
            != crate::types::object::OBJECT.slots().init.map(|f| f as usize)
        && !this.initialising.get()
        && let Err(raised) = init(vm, object, &this.args, &this.kwnames)
    {
        let exception = vm.caught(raised);
        drop(this.take(key(vm)));
        return Err(vm.raise(exception));
    }
    Ok(made)
}

pub static LOCAL: Type = Type::new::<Local>(
    "_thread._local",
    &crate::types::object::OBJECT,
    type_flags::BASE | type_flags::HAVE_GC | type_flags::WEAKREFABLE,
    Slots {
        new: Some(|vm, class, args, kwnames| {
            let plain = class.slots().init.map(|f| f as usize)
                == crate::types::object::OBJECT.slots().init.map(|f| f as usize);
            if !args.is_empty() && plain {
                return Err(vm.type_error("Initialization arguments are not supported"));
            }
            let local = Local {
                args: args.to_vec(),
                kwnames: kwnames.to_vec(),
                initialising: Cell::new(true),
                dicts: RefCell::default(),
                last: Cell::new(0),
            };
            let made = vm.alloc(class, local);
            local_dict(vm, &made)?;
            local_of(&made).initialising.set(false);
            Ok(made)
        }),
        getattr: Some(|vm, object, attr| {
            let dict = local_dict(vm, object)?;
            if attr.value() == name::dict.value() {
                return Ok(dict);
            }
            let ty = object.ty();
            let found = ty.lookup_owned(vm, attr);
            if let Some(descr) = &found
                && descr.ty().slots().descr_set.is_some()
                && let Some(get) = descr.ty().slots().descr_get
            {
                return get(vm, descr, Some(object), Some(&ty.to_object()));
            }
            if let Some(value) = dict.downcast::<Dict>().map_or(Ok(None), |d| d.get(vm, attr))? {
                return Ok(value);
            }
            match found {
                Some(descr) => match descr.ty().slots().descr_get {
                    Some(get) => get(vm, &descr, Some(object), Some(&ty.to_object())),
                    None => Ok(descr),
                },
                None => Err(vm.no_attribute(object, attr)),
            }
        }),
        setattr: Some(|vm, object, attr, value| {
            let dict = local_dict(vm, object)?;
            if attr.value() == name::dict.value() {
                return Err(vm.attribute_error(
                    format!("'{}' object attribute '__dict__' is read-only", object.ty().full_name()),
                    object,
                    attr,
                ));
            }
            if let Some(descr) = object.ty().lookup_owned(vm, attr)
                && let Some(set) = descr.ty().slots().descr_set
            {
                return set(vm, &descr, object, value);
            }
            let Some(d) = dict.downcast::<Dict>() else { return Ok(()) };
            match value {
                Some(value) => d.set(vm, attr, value.clone()),
                None => match d.remove(vm, attr)? {
                    Some(_) => Ok(()),
                    None => Err(vm.no_attribute(object, attr)),
                },
            }
        }),
        ..Slots::EMPTY
    },
    &[],
    &[],
)
.with_doc("Thread-local data");
