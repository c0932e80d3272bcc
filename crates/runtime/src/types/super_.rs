//! super: attribute lookup that starts behind a class in the MRO.

use crate::names::name;
use crate::prelude::*;
use crate::types::typ::TYPE;
use std::cell::RefCell;

/// Payload of super objects.
pub struct Super {
    state: RefCell<State>,
}

#[derive(Clone)]
struct State {
    /// The class behind which the lookup starts; UNBOUND before `__init__`.
    class: Object,
    /// The object (or class) the methods are bound to; UNBOUND if none.
    object: Object,
    /// The class whose MRO is searched; UNBOUND if unbound.
    object_type: Object,
}

impl NativeClass for Super {
    fn class() -> &'static Type {
        &SUPER
    }
    fn traverse(&self, visitor: &mut Visitor) {
        let state = self.state.borrow();
        visitor.visit_object(&state.class);
        visitor.visit_object(&state.object);
        visitor.visit_object(&state.object_type);
    }
}

pub static SUPER: Type = Type::new::<Super>(
    "super",
    &crate::types::object::OBJECT,
    type_flags::BASE | type_flags::HAVE_GC,
    Slots {
        getattr: Some(super_getattr),
        descr_get: Some(|vm, s, object, _| {
            let state = this(s).state.borrow().clone();
            let Some(object) = object else { return Ok(s.clone()) };
            if !state.object.is_unbound() {
                return Ok(s.clone());
            }
            if !s.ty().is(&SUPER) {
                return vm.call(&s.ty().to_object(), &[state.class.clone(), object.clone()]);
            }
            new(vm, &state.class, object)
        }),
        init: Some(super_init),
        new: Some(|vm, class, _, _| {
            let state = State { class: Object::UNBOUND, object: Object::UNBOUND, object_type: Object::UNBOUND };
            Ok(vm.alloc(class, Super { state: RefCell::new(state) }))
        }),
        ..Slots::EMPTY.repr(|vm, s| {
            let state = this(s).state.borrow().clone();
            let class = Type::of(&state.class).map_or("NULL".to_string(), |c| c.name().to_string());
            Ok(match Type::of(&state.object_type) {
                Some(t) => vm.str(&format!("<super: <class '{class}'>, <{} object>>", t.name())),
                None => vm.str(&format!("<super: <class '{class}'>, NULL>")),
            })
        })
    },
    &[],
    &[
        GetSetDef::new("__thisclass__", |_, s| Ok(this(s).state.borrow().class.bound().cloned().unwrap_or(Object::NONE))),
        GetSetDef::new("__self__", |_, s| Ok(this(s).state.borrow().object.bound().cloned().unwrap_or(Object::NONE))),
        GetSetDef::new("__self_class__", |_, s| {
            Ok(this(s).state.borrow().object_type.bound().cloned().unwrap_or(Object::NONE))
        }),
    ],
)
.with_doc("super() -> same as super(__class__, <first argument>)\nsuper(type) -> unbound super object\nsuper(type, obj) -> bound super object; requires isinstance(obj, type)\nsuper(type, type2) -> bound super object; requires issubclass(type2, type)\nTypical use to call a cooperative superclass method:\nclass C(B):\n    def meth(self, arg):\n        super().meth(arg)\nThis works for class methods too:\nclass C(B):\n    @classmethod\n    def cmeth(cls, arg):\n        super().cmeth(arg)\n");

fn this(object: &Object) -> &Super {
    // SAFETY: slots and methods of super are only called on super objects.
    unsafe { object.payload_unchecked() }
}

/// `super(class, object)`.
pub fn new(vm: &Vm, class: &Object, object: &Object) -> Result {
    let object_type = check(vm, class, object)?;
    let state = State { class: class.clone(), object: object.clone(), object_type };
    Ok(vm.alloc(&SUPER, Super { state: RefCell::new(state) }))
}

/// The class whose MRO counts for `super(class, object)`.
pub fn check(vm: &Vm, class: &Object, object: &Object) -> Result {
    let Some(ty) = Type::of(class) else {
        return Err(vm.type_error(format!("super() argument 1 must be a type, not {}", class.ty().name())));
    };
    if let Some(o) = Type::of(object)
        && o.is_subtype(ty)
    {
        return Ok(object.clone());
    }
    if object.ty().is_subtype(ty) {
        return Ok(object.ty().to_object());
    }
    if let Some(claimed) = vm.lookup_attr(object, name::class.object())?
        && let Some(c) = Type::of(&claimed)
        && c.is_subtype(ty)
    {
        return Ok(claimed);
    }
    let (what, shown) = match Type::of(object) {
        Some(o) => ("type", o.name()),
        None => ("instance of", object.ty().name()),
    };
    Err(vm.type_error(format!(
        "super(type, obj): obj ({what} {shown}) is not an instance or subtype of type ({}).",
        ty.name()
    )))
}

fn super_init(vm: &Vm, s: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    if !kwnames.is_empty() {
        return Err(vm.type_error("super() takes no keyword arguments"));
    }
    let (class, object) = match args {
        [] => crate::interp::super_arguments(vm)?,
        [class] => (class.clone(), Object::NONE),
        [class, object] => (class.clone(), object.clone()),
        _ => {
            return Err(vm.type_error(format!("super() expected at most 2 arguments, got {}", args.len())));
        }
    };
    if Type::of(&class).is_none() {
        return Err(vm.type_error(format!("super() argument 1 must be a type, not {}", class.ty().name())));
    }
    let state = if object.is_none() {
        State { class, object: Object::UNBOUND, object_type: Object::UNBOUND }
    } else {
        let object_type = check(vm, &class, &object)?;
        State { class, object, object_type }
    };
    let old = this(s).state.replace(state);
    drop(old);
    Ok(())
}

/// What `super(class, object).attr` finds in the MRO of `object_type`, unbound.
pub fn lookup(vm: &Vm, class: &Object, object_type: &Object, attr: &Object) -> Option<Object> {
    let start = Type::of(object_type)?;
    let mut behind = false;
    for candidate in start.mro() {
        if behind && let Some(found) = candidate.dict().get_str_owned(attr) {
            return Some(found);
        }
        if candidate.value() == class.value() {
            behind = true;
        }
    }
    let _ = vm;
    None
}

fn super_getattr(vm: &Vm, s: &Object, attr: &Object) -> Result {
    let state = this(s).state.borrow().clone();
    if !state.object_type.is_unbound()
        && !vm.str_equal(attr, name::class.object())
        && let Some(found) = lookup(vm, &state.class, &state.object_type, attr)
    {
        return match found.ty().slots().descr_get {
            Some(get) => {
                let bind = if state.object.value() == state.object_type.value() {
                    None
                } else {
                    Some(&state.object)
                };
                get(vm, &found, bind, Some(&state.object_type))
            }
            None => Ok(found),
        };
    }
    let _ = &TYPE;
    crate::lookup::generic_getattr(vm, s, attr)
}
