//! function and method: Python functions and their bindings.

use crate::names::name;
use crate::prelude::*;
use crate::types::code::Code;
use crate::types::mapping_builtins;
use std::cell::{Cell, RefCell, UnsafeCell};
use taipan_bytecode::code_flags;

/// Payload of Python functions. The loop reads the raw fields.
pub struct Function {
    pub code: Cell<Value>,
    pub globals: Object,
    pub builtins: Object,
    /// Tuple of defaults, or UNBOUND.
    pub defaults: UnsafeCell<Object>,
    /// Dict of keyword defaults, or UNBOUND.
    pub kwdefaults: UnsafeCell<Object>,
    /// Tuple of cells, or UNBOUND.
    pub closure: UnsafeCell<Object>,
    pub name: RefCell<Object>,
    pub qualname: RefCell<Object>,
    pub module: RefCell<Object>,
    /// UNBOUND: what the code says, see [`doc_of`].
    doc: RefCell<Object>,
    pub annotations: RefCell<Object>,
    pub annotate: RefCell<Object>,
    pub type_params: RefCell<Object>,
}

impl NativeClass for Function {
    fn class() -> &'static Type {
        &FUNCTION
    }
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit(self.code.get());
        visitor.visit_object(&self.globals);
        visitor.visit_object(&self.builtins);
        // SAFETY: the fields are replaced whole, never while somebody looks.
        unsafe {
            visitor.visit_object(&*self.defaults.get());
            visitor.visit_object(&*self.kwdefaults.get());
            visitor.visit_object(&*self.closure.get());
        }
        for field in [
            &self.name,
            &self.qualname,
            &self.module,
            &self.doc,
            &self.annotations,
            &self.annotate,
            &self.type_params,
        ] {
            visitor.visit_object(&field.borrow());
        }
    }
    fn clear(&self) {
        drop(self.set(&self.defaults, Object::UNBOUND));
        drop(self.set(&self.kwdefaults, Object::UNBOUND));
        drop(self.set(&self.closure, Object::UNBOUND));
        for field in [&self.module, &self.doc, &self.annotations, &self.annotate, &self.type_params] {
            drop(field.replace(Object::NONE));
        }
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        // SAFETY: the function owned its code.
        drop(unsafe { Object::from_owned(self.code.get()) });
    }
}

impl Function {
    #[inline(always)]
    pub fn code(&self) -> &Code {
        // SAFETY: the field always holds a code object, owned.
        unsafe { &(*(self.code.get().as_ptr() as *const crate::native::Payload<Code>)).data }
    }
    pub fn code_object(&self) -> Object {
        // SAFETY: owned by the function.
        unsafe { Object::from_borrowed(self.code.get()) }
    }
    #[inline(always)]
    pub fn defaults(&self) -> Option<&Tuple> {
        // SAFETY: replaced whole under the GIL.
        unsafe { (*self.defaults.get()).downcast::<Tuple>() }
    }
    pub fn kwdefaults(&self) -> &Object {
        // SAFETY: as above.
        unsafe { &*self.kwdefaults.get() }
    }
    #[inline(always)]
    pub fn closure(&self) -> &Object {
        // SAFETY: as above.
        unsafe { &*self.closure.get() }
    }
    /// Replaces a field; the old content comes back.
    pub fn set(&self, field: &UnsafeCell<Object>, value: Object) -> Object {
        // SAFETY: nobody holds a reference into the field across this.
        unsafe { std::mem::replace(&mut *field.get(), value) }
    }
}

/// The `__builtins__` that functions with these globals see: a dict. Without any they are those of
/// whoever asks.
pub fn builtins_of(vm: &Vm, globals: &Object) -> Object {
    let found = globals.downcast::<Dict>().and_then(|d| d.get_str_owned(name::builtins.object()));
    match found {
        Some(b) if b.downcast::<Dict>().is_some() => b,
        Some(b) if b.is_instance_of(&crate::types::module::MODULE) => crate::types::module::dict_of(&b),
        Some(mapping) => mapping_builtins::wrap(vm, mapping),
        None => running_builtins(vm),
    }
}

/// The builtins that the running code sees.
pub fn running_builtins(vm: &Vm) -> Object {
    // SAFETY: the running frame is alive and keeps its builtins alive.
    unsafe {
        match vm.frame.get().as_ref() {
            Some(frame) => Object::from_borrowed(frame.builtins()),
            None => vm.interp().builtins_dict(),
        }
    }
}

/// `__doc__`: the code's docstring until another is set.
fn doc_of(vm: &Vm, f: &Object) -> Object {
    if this(f).doc.borrow().is_unbound() {
        let code = this(f).code();
        let documented = code.has_flag(taipan_bytecode::code_flags::HAS_DOCSTRING);
        let doc = if documented { code.consts(vm).first().cloned() } else { None };
        this(f).doc.replace(doc.unwrap_or(Object::NONE));
    }
    this(f).doc.borrow().clone()
}

/// A function of a code object.
pub fn new(vm: &Vm, code: Object, globals: Object) -> Object {
    let builtins = builtins_of(vm, &globals);
    new_with(vm, code, globals, builtins)
}

/// As [`new`], with the builtins known already.
pub fn new_with(vm: &Vm, code: Object, globals: Object, builtins: Object) -> Object {
    let (func_name, qualname, doc) = match code.downcast::<Code>() {
        Some(c) => (c.name.clone(), c.qualname.clone(), Object::UNBOUND),
        None => (Object::NONE, Object::NONE, Object::NONE),
    };
    let module =
        globals.downcast::<Dict>().and_then(|d| d.get_str_owned(name::name.object())).unwrap_or(Object::NONE);
    let function = Function {
        code: Cell::new(code.into_value()),
        globals,
        builtins,
        defaults: UnsafeCell::new(Object::UNBOUND),
        kwdefaults: UnsafeCell::new(Object::UNBOUND),
        closure: UnsafeCell::new(Object::UNBOUND),
        name: RefCell::new(func_name),
        qualname: RefCell::new(qualname),
        module: RefCell::new(module),
        doc: RefCell::new(doc),
        annotations: RefCell::new(Object::UNBOUND),
        annotate: RefCell::new(Object::NONE),
        type_params: RefCell::new(Object::UNBOUND),
    };
    vm.alloc(&FUNCTION, function)
}

pub static FUNCTION: Type = Type::new::<Function>(
    "function",
    &crate::types::object::OBJECT,
    type_flags::HAVE_GC | type_flags::WEAKREFABLE | type_flags::METHOD_DESCRIPTOR,
    Slots {
        call: Some(crate::interp::call::call_function),
        descr_get: Some(|vm, f, object, _| {
            Ok(match object {
                Some(object) => new_method(vm, f.clone(), object.clone()),
                None => f.clone(),
            })
        }),
        new: Some(function_new),
        ..Slots::EMPTY.repr(|vm, f| {
            Ok(vm.str(&format!(
                "<function {} at {:#x}>",
                vm.str_lossy(&this(f).qualname.borrow()),
                f.as_ptr() as usize
            )))
        })
    },
    &[],
    &[
        GetSetDef::new("__code__", |_, f| Ok(this(f).code_object())).with_set(set_code),
        GetSetDef::member("__globals__", |_, f| Ok(this(f).globals.clone())),
        GetSetDef::member("__builtins__", |_, f| Ok(mapping_builtins::shown(&this(f).builtins))),
        GetSetDef::member("__closure__", |_, f| {
            Ok(this(f).closure().some().cloned().unwrap_or(Object::NONE))
        }),
        GetSetDef::new("__defaults__", |_, f| {
            // SAFETY: replaced whole under the GIL.
            Ok(unsafe { &*this(f).defaults.get() }.some().cloned().unwrap_or(Object::NONE))
        })
        .with_set(|vm, f, value| {
            let value = optional::<Tuple>(vm, value, "__defaults__ must be set to a tuple object")?;
            drop(this(f).set(&this(f).defaults, value));
            Ok(())
        }),
        GetSetDef::new("__kwdefaults__", |_, f| {
            Ok(this(f).kwdefaults().some().cloned().unwrap_or(Object::NONE))
        })
        .with_set(|vm, f, value| {
            let value = optional::<Dict>(vm, value, "__kwdefaults__ must be set to a dict object")?;
            drop(this(f).set(&this(f).kwdefaults, value));
            Ok(())
        }),
        GetSetDef::new("__name__", |_, f| Ok(this(f).name.borrow().clone())).with_set(|vm, f, value| {
            let value = string(vm, value, "__name__ must be set to a string object")?;
            drop(this(f).name.replace(value));
            Ok(())
        }),
        GetSetDef::new("__qualname__", |_, f| Ok(this(f).qualname.borrow().clone())).with_set(
            |vm, f, value| {
                let value = string(vm, value, "__qualname__ must be set to a string object")?;
                drop(this(f).qualname.replace(value));
                Ok(())
            },
        ),
        GetSetDef::new("__module__", |_, f| Ok(this(f).module.borrow().clone())).with_set(|_, f, value| {
            drop(this(f).module.replace(value.cloned().unwrap_or(Object::NONE)));
            Ok(())
        }),
        GetSetDef::new("__doc__", |vm, f| Ok(doc_of(vm, f))).with_set(|_, f, value| {
            drop(this(f).doc.replace(value.cloned().unwrap_or(Object::NONE)));
            Ok(())
        }),
        GetSetDef::new("__dict__", crate::types::object::get_dict).with_set(crate::types::object::set_dict),
        GetSetDef::new("__annotations__", get_annotations).with_set(|vm, f, value| {
            let value = optional::<Dict>(vm, value, "__annotations__ must be set to a dict object")?;
            drop(this(f).annotations.replace(value));
            drop(this(f).annotate.replace(Object::NONE));
            Ok(())
        }),
        GetSetDef::new("__annotate__", |_, f| Ok(this(f).annotate.borrow().clone())).with_set(
            |vm, f, value| {
                let Some(value) = value else {
                    return Err(vm.type_error("__annotate__ cannot be deleted"));
                };
                if !value.is_none() && !vm.is_callable(value) {
                    return Err(vm.type_error("__annotate__ must be callable or None"));
                }
                if !value.is_none() {
                    drop(this(f).annotations.replace(Object::UNBOUND));
                }
                drop(this(f).annotate.replace(value.clone()));
                Ok(())
            },
        ),
        GetSetDef::new("__type_params__", |vm, f| {
            let params = this(f).type_params.borrow().clone();
            Ok(if params.is_unbound() { vm.tuple(Vec::new()) } else { params })
        })
        .with_set(|vm, f, value| {
            let Some(value) = value.filter(|v| v.downcast::<Tuple>().is_some()) else {
                return Err(vm.type_error("__type_params__ must be set to a tuple"));
            };
            drop(this(f).type_params.replace(value.clone()));
            Ok(())
        }),
    ],
)
.with_dict();

fn this(object: &Object) -> &Function {
    // SAFETY: slots and methods of function are only called on functions.
    unsafe { object.payload_unchecked() }
}

fn optional<T: NativeClass>(vm: &Vm, value: Option<&Object>, message: &str) -> Result {
    match value {
        Some(v) if v.downcast::<T>().is_some() => Ok(v.clone()),
        Some(v) if !v.is_none() => Err(vm.type_error(message)),
        _ => Ok(Object::UNBOUND),
    }
}

fn string(vm: &Vm, value: Option<&Object>, message: &str) -> Result {
    match value {
        Some(v) if v.downcast::<Str>().is_some() => Ok(v.clone()),
        _ => Err(vm.type_error(message)),
    }
}

fn get_annotations(vm: &Vm, f: &Object) -> Result {
    let current = this(f).annotations.borrow().clone();
    if !current.is_unbound() {
        return Ok(current);
    }
    let annotate = this(f).annotate.borrow().clone();
    let made = if annotate.is_none() {
        vm.new_dict()
    } else {
        let made = vm.call(&annotate, &[vm.int(1)])?;
        if made.downcast::<Dict>().is_none() {
            return Err(
                vm.type_error(format!("__annotate__ returned non-dict of type '{}'", made.ty().name()))
            );
        }
        made
    };
    drop(this(f).annotations.replace(made.clone()));
    Ok(made)
}

fn set_code(vm: &Vm, f: &Object, value: Option<&Object>) -> Result<()> {
    let Some(value) = value.filter(|v| v.downcast::<Code>().is_some()) else {
        return Err(vm.type_error("__code__ must be set to a code object"));
    };
    let free = value.downcast::<Code>().map_or(0, |c| c.free_count());
    let have = this(f).closure().downcast::<Tuple>().map_or(0, |t| t.len());
    if free != have {
        return Err(vm.value_error(format!(
            "{}() requires a code object with {have} free vars, not {free}",
            vm.str_lossy(&this(f).name.borrow())
        )));
    }
    let kind = |code: &Code| {
        [code_flags::GENERATOR, code_flags::COROUTINE, code_flags::ASYNC_GENERATOR]
            .map(|flag| code.has_flag(flag))
    };
    if value.downcast::<Code>().is_some_and(|new| kind(new) != kind(this(f).code())) {
        let text = "Assigning a code object of non-matching type is deprecated (e.g., from a generator to a plain function)";
        vm.warn(&exc::DEPRECATION_WARNING, text, 1)?;
    }
    doc_of(vm, f);
    let old = this(f).code.replace(value.clone().into_value());
    // Frames borrow the code of the function that runs: the old code stays.
    if let Some(header) = Object::borrow_value(&old).header() {
        header.make_immortal();
    }
    Ok(())
}

static SIG: Sig = Sig::new("function(code, globals, name=None, argdefs=None, closure=None, kwdefaults=None)");

fn function_new(vm: &Vm, _class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let args = SIG.bind(vm, args, kwnames)?;
    let Some(code) = args[0].downcast::<Code>() else {
        return Err(
            vm.type_error(format!("function() argument 'code' must be code, not {}", args[0].ty().name()))
        );
    };
    if args[1].downcast::<Dict>().is_none() {
        return Err(
            vm.type_error(format!("function() argument 'globals' must be dict, not {}", args[1].ty().name()))
        );
    }
    if !args[2].is_none() && args[2].downcast::<Str>().is_none() {
        return Err(vm.type_error("arg 3 (name) must be None or string"));
    }
    if !args[3].is_none() && args[3].downcast::<Tuple>().is_none() {
        return Err(vm.type_error("arg 4 (defaults) must be None or tuple"));
    }
    let free = code.free_count();
    match args[4].downcast::<Tuple>() {
        None if free > 0 => return Err(vm.type_error("arg 5 (closure) must be tuple")),
        None if !args[4].is_none() => return Err(vm.type_error("arg 5 (closure) must be None or tuple")),
        Some(cells) => {
            if cells.len() != free {
                return Err(vm.value_error(format!(
                    "{} requires closure of length {free}, not {}",
                    vm.str_lossy(&code.name),
                    cells.len()
                )));
            }
            for cell in cells.items() {
                if !cell.is_instance_of(&crate::types::cell::CELL) {
                    return Err(
                        vm.type_error(format!("arg 5 (closure) expected cell, found {}", cell.ty().name()))
                    );
                }
            }
        }
        None => {}
    }
    if !args[5].is_none() && args[5].downcast::<Dict>().is_none() {
        return Err(vm.type_error("arg 6 (kwdefaults) must be None or dict"));
    }
    let function = new(vm, args[0].clone(), args[1].clone());
    let f = this(&function);
    if !args[2].is_none() {
        drop(f.name.replace(args[2].clone()));
    }
    let bound = |o: &Object| o.some().cloned().unwrap_or(Object::UNBOUND);
    drop(f.set(&f.defaults, bound(&args[3])));
    drop(f.set(&f.closure, bound(&args[4])));
    drop(f.set(&f.kwdefaults, bound(&args[5])));
    Ok(function)
}

/// Payload of bound methods.
pub struct Method {
    pub function: Object,
    pub object: Object,
}

impl NativeClass for Method {
    fn class() -> &'static Type {
        &METHOD
    }
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit_object(&self.function);
        visitor.visit_object(&self.object);
    }
}

#[inline]
pub fn new_method(vm: &Vm, function: Object, object: Object) -> Object {
    vm.alloc_exact(&METHOD, true, Method { function, object })
}

fn method(object: &Object) -> &Method {
    // SAFETY: slots and methods of method are only called on methods.
    unsafe { object.payload_unchecked() }
}

static METHOD_SIG: Sig = Sig::new("method(function, instance, /)");

pub static METHOD: Type = Type::new::<Method>(
    "method",
    &crate::types::object::OBJECT,
    type_flags::HAVE_GC | type_flags::WEAKREFABLE,
    Slots {
        call: Some(|vm, m, args, kwnames| {
            let m = method(m);
            vm.call_with_self(&m.function, &m.object, args, kwnames)
        }),
        getattr: Some(|vm, m, attr| {
            if let Some(found) = METHOD.lookup_owned(vm, attr) {
                return match found.ty().slots().descr_get {
                    Some(get) => get(vm, &found, Some(m), Some(&METHOD.to_object())),
                    None => Ok(found),
                };
            }
            vm.get_attr(&method(m).function, attr)
        }),
        compare: Some(|_, a, b, op| {
            let (Some(x), Some(y)) = (a.downcast::<Method>(), b.downcast::<Method>()) else {
                return Ok(Object::NOT_IMPLEMENTED);
            };
            if !matches!(op, CompareOp::Eq | CompareOp::Ne) {
                return Ok(Object::NOT_IMPLEMENTED);
            }
            let vm = Vm::current();
            let same = x.object.value() == y.object.value() && vm.equal(&x.function, &y.function)?;
            Ok(Object::bool(same == (op == CompareOp::Eq)))
        }),
        hash: Some(|vm, m| {
            let m = method(m);
            let hash = (m.object.bits() >> 4) as i64 ^ vm.hash(&m.function)?;
            Ok(if hash == -1 { -2 } else { hash })
        }),
        descr_get: Some(|_, m, _, _| Ok(m.clone())),
        new: Some(|vm, _, args, kwnames| {
            let args = METHOD_SIG.bind(vm, args, kwnames)?;
            if !vm.is_callable(&args[0]) {
                return Err(vm.type_error("first argument must be callable"));
            }
            if args[1].is_none() {
                return Err(vm.type_error("instance must not be None"));
            }
            Ok(new_method(vm, args[0].clone(), args[1].clone()))
        }),
        ..Slots::EMPTY.repr(|vm, m| {
            let m = method(m);
            let shown = match vm.lookup_attr(&m.function, name::qualname.object())? {
                Some(n) if n.downcast::<Str>().is_some() => vm.str_lossy(&n),
                _ => match vm.lookup_attr(&m.function, name::name.object())? {
                    Some(n) if n.downcast::<Str>().is_some() => vm.str_lossy(&n),
                    _ => "?".to_string(),
                },
            };
            let object = vm.repr_text(&m.object)?;
            Ok(vm.str(&format!("<bound method {shown} of {object}>")))
        })
    },
    &[MethodDef::new(
        "__reduce__($self, /)",
        |vm, args| {
            let m = method(&args[0]);
            let getattr = vm.interp().builtin(vm, "getattr");
            let func_name = vm.get_attr(&m.function, name::name.object())?;
            Ok(vm.tuple(vec![getattr, vm.tuple(vec![m.object.clone(), func_name])]))
        },
        "",
    )],
    &[
        GetSetDef::member("__func__", |_, m| Ok(method(m).function.clone())),
        GetSetDef::member("__self__", |_, m| Ok(method(m).object.clone())),
        GetSetDef::new("__doc__", |vm, m| vm.get_attr(&method(m).function, name::doc.object())),
    ],
)
.with_doc("Create a bound instance method object.");
