//! `CFuncPtr`: functions of libraries, at addresses, and made of callables.

use crate::call::{self, Manner};
use crate::callback::{self, Thunk};
use crate::cdata::{self, CDATA, data};
use crate::info::{self, Info, Kind, flag};
use crate::library;
use crate::memory::{CData, Place};
use crate::meta;
use crate::param;
use taipan_runtime::prelude::*;
use taipan_runtime::support::this;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::cell::ObjectCell;
use taipan_runtime::types::int;

/// The payload of functions.
#[repr(C)]
pub struct Function {
    data: CData,
    callable: ObjectCell,
    /// UNBOUND: what the class says. (None: none are known.)
    argtypes: ObjectCell,
    converters: ObjectCell,
    restype: ObjectCell,
    checker: ObjectCell,
    errcheck: ObjectCell,
    paramflags: ObjectCell,
}

impl NativeClass for Function {
    fn class() -> &'static Type {
        &FUNCTION
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.data.traverse(visitor);
        for cell in self.cells() {
            cell.traverse(visitor);
        }
    }
    fn clear(&self) {
        self.data.clear();
        for cell in self.cells() {
            cell.clear();
        }
    }
}

impl Function {
    fn cells(&self) -> [&ObjectCell; 7] {
        [
            &self.callable,
            &self.argtypes,
            &self.converters,
            &self.restype,
            &self.checker,
            &self.errcheck,
            &self.paramflags,
        ]
    }
}

pub static FUNCTION: Type = Type::new::<Function>(
    "_ctypes.CFuncPtr",
    &CDATA,
    type_flags::BASE,
    Slots {
        new: Some(new),
        call: Some(call),
        bool: Some(|vm, o| Ok(!cdata::enough(vm, o, 8)?.read_pointer().is_null())),
        ..Slots::EMPTY
            .repr(|vm, o| Ok(vm.str(&format!("<{} object at {:#x}>", o.ty().full_name(), o.bits()))))
    },
    &[],
    &[
        GetSetDef::new("errcheck", |_, o| Ok(own(o).errcheck.or_none()))
            .with_set(set_errcheck)
            .with_doc("a function to check for errors"),
        GetSetDef::new("restype", |vm, o| {
            Ok(prototype(vm, o)?.restype.bound().cloned().unwrap_or(Object::NONE))
        })
        .with_set(set_restype)
        .with_doc("specify the result type"),
        GetSetDef::new("argtypes", |vm, o| Ok(prototype(vm, o)?.argtypes))
            .with_set(set_argtypes)
            .with_doc("specify the argument types"),
    ],
)
.with_metatype(&meta::FUNCTION_TYPE)
.with_doc("Function Pointer");

fn own(object: &Object) -> &Function {
    this(object)
}

/// An object around a payload.
pub fn wrap(vm: &Vm, class: &Type, data: CData) -> Result {
    let function = Function {
        data,
        callable: ObjectCell::EMPTY,
        argtypes: ObjectCell::EMPTY,
        converters: ObjectCell::EMPTY,
        restype: ObjectCell::EMPTY,
        checker: ObjectCell::EMPTY,
        errcheck: ObjectCell::EMPTY,
        paramflags: ObjectCell::EMPTY,
    };
    vm.try_alloc(class, function).ok_or_else(|| vm.memory_error())
}

// ---- classes --------------------------------------------------------------------------

/// Initialises a class: `_flags_`, `_argtypes_`, `_restype_`.
pub fn init_class(vm: &Vm, class: &Object) -> Result<()> {
    let info = Info::new(Kind::Function);
    info.size.set(8);
    info.align.set(8);
    *info.format.borrow_mut() = "X{}".to_owned();
    let flags = vm.lookup_attr_str(class, "_flags_")?;
    let Some(flags) = flags.filter(int::is_any_int) else {
        return Err(vm.type_error("class must define _flags_ which must be an integer"));
    };
    info.flags.set(vm.to_u32_wrapping(&flags)? & 0xff | flag::IS_POINTER);
    if let Some(argtypes) = vm.lookup_attr_str(class, "_argtypes_")? {
        let (argtypes, converters) = converters(vm, &argtypes)?;
        info.argtypes.set(argtypes);
        info.converters.set(converters);
    }
    if let Some(restype) = vm.lookup_attr_str(class, "_restype_")? {
        if !is_result(vm, &restype) {
            return Err(vm.type_error("_restype_ must be a type, a callable, or None"));
        }
        info.checker.set_option(vm.lookup_attr_str(&restype, "_check_retval_")?);
        info.restype.set(restype);
    }
    info::install(vm, class, info)
}

fn is_result(vm: &Vm, restype: &Object) -> bool {
    restype.is_none() || info::of_class(restype).is_some() || vm.is_callable(restype)
}

/// The types of arguments as a tuple, and their `from_param`s.
fn converters(vm: &Vm, argtypes: &Object) -> Result<(Object, Object)> {
    if !vm.is_sequence(argtypes) {
        return Err(vm.type_error("_argtypes_ must be a sequence of types"));
    }
    let items = vm.collect(argtypes)?;
    if items.len() > MAX_ARGUMENTS {
        return Err(raise_argument_error(
            vm,
            &format!("_argtypes_ has too many arguments ({}), maximum is {MAX_ARGUMENTS}", items.len()),
        ));
    }
    let mut out = Vec::with_capacity(items.len());
    for (i, item) in items.iter().enumerate() {
        match vm.lookup_attr_str(item, "from_param")? {
            Some(converter) => out.push(converter),
            None => {
                return Err(vm.type_error(format!("item {} in _argtypes_ has no from_param method", i + 1)));
            }
        }
    }
    let types = if argtypes.downcast::<Tuple>().is_some() { argtypes.clone() } else { vm.tuple(items) };
    Ok((types, vm.tuple(out)))
}

// ---- attributes -----------------------------------------------------------------------

/// What is known of a function.
pub struct Prototype {
    pub flags: u32,
    /// None, or a tuple.
    pub argtypes: Object,
    pub converters: Object,
    /// UNBOUND: a C int, unnamed.
    pub restype: Object,
    pub checker: Option<Object>,
}

impl Default for Prototype {
    fn default() -> Prototype {
        Prototype {
            flags: 0,
            argtypes: Object::NONE,
            converters: Object::NONE,
            restype: Object::UNBOUND,
            checker: None,
        }
    }
}

fn prototype(vm: &Vm, object: &Object) -> Result<Prototype> {
    let (function, info) = (own(object), cdata::concrete(vm, object.ty())?);
    let own_args = !function.argtypes.is_empty();
    let own_result = !function.restype.is_empty();
    Ok(Prototype {
        flags: info.flags.get(),
        argtypes: if own_args { function.argtypes.get() } else { info.argtypes.or_none() },
        converters: if own_args { function.converters.or_none() } else { info.converters.or_none() },
        restype: if own_result { function.restype.get() } else { info.restype.get() },
        checker: if own_result { function.checker.bound() } else { info.checker.bound() },
    })
}

fn set_errcheck(vm: &Vm, object: &Object, value: Option<&Object>) -> Result<()> {
    if value.is_some_and(|value| !vm.is_callable(value)) {
        return Err(vm.type_error("the errcheck attribute must be callable"));
    }
    own(object).errcheck.set_option(value.cloned());
    Ok(())
}

fn set_restype(vm: &Vm, object: &Object, value: Option<&Object>) -> Result<()> {
    let function = own(object);
    let Some(value) = value else {
        function.restype.clear();
        function.checker.clear();
        return Ok(());
    };
    if !is_result(vm, value) {
        return Err(vm.type_error("restype must be a type, a callable, or None"));
    }
    function.checker.set_option(vm.lookup_attr_str(value, "_check_retval_")?);
    function.restype.set(value.clone());
    Ok(())
}

fn set_argtypes(vm: &Vm, object: &Object, value: Option<&Object>) -> Result<()> {
    let function = own(object);
    match value {
        Some(value) if !value.is_none() => {
            let (argtypes, converters) = converters(vm, value)?;
            let paramflags = function.paramflags.or_none();
            if let Some(types) = argtypes.downcast::<Tuple>() {
                check_paramflags(vm, types.items(), &paramflags)?;
            }
            function.argtypes.set(argtypes);
            function.converters.set(converters);
        }
        _ => {
            function.argtypes.clear();
            function.converters.clear();
        }
    }
    Ok(())
}

// ---- making ---------------------------------------------------------------------------

fn new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let args = &args[..args.len() - kwnames.len()];
    let Some(first) = args.first() else { return cdata::new(vm, class) };
    if first.downcast::<Tuple>().is_some() {
        return from_library(vm, class, args);
    }
    if args.len() > 1 {
        return Err(vm.type_error(format!("function takes exactly 1 argument ({} given)", args.len())));
    }
    if int::is_any_int(first) {
        let address = meta::address(vm, first)?;
        let object = cdata::new(vm, class)?;
        cdata::enough(vm, &object, 8)?.write_pointer(address);
        return Ok(object);
    }
    if !vm.is_callable(first) {
        return Err(vm.type_error("argument must be callable or integer function address"));
    }
    let info = cdata::concrete(vm, class)?;
    let argtypes = info.argtypes.or_none();
    let Some(types) = argtypes.downcast::<Tuple>() else {
        return Err(vm.type_error("cannot construct instance of this class: no argtypes"));
    };
    let thunk = callback::new(vm, first, types.items(), &info.restype.or_none(), info.flags.get())?;
    let object = cdata::new(vm, class)?;
    if let Some(thunk) = thunk.downcast_exact::<Thunk>() {
        cdata::enough(vm, &object, 8)?.write_pointer(thunk.code());
    }
    own(&object).callable.set(first.clone());
    keep(vm, &object, thunk);
    Ok(object)
}

/// What has to live as long as the function.
fn keep(vm: &Vm, object: &Object, what: Object) {
    let objects = vm.new_dict();
    if let Some(dict) = objects.downcast::<Dict>() {
        dict.set_text(vm, "0", what);
    }
    data(object).objects.set(objects);
}

/// `prototype((name, library)[, paramflags])`.
fn from_library(vm: &Vm, class: &Type, args: &[Object]) -> Result {
    if args.len() > 2 {
        return Err(vm.type_error(format!("function takes at most 2 arguments ({} given)", args.len())));
    }
    let spec = vm.collect(&args[0])?;
    let [name, dll] = spec.as_slice() else {
        return Err(vm.type_error("illegal func_spec argument"));
    };
    let text = match (name.downcast::<Str>(), name.downcast::<Bytes>()) {
        (Some(text), _) => text.to_wtf8(),
        (_, Some(bytes)) => bytes.as_slice().to_vec(),
        _ => return Err(vm.type_error("function name must be string, bytes object or integer")),
    };
    vm.audit("ctypes.dlsym", &[dll.clone(), name.clone()])?;
    let handle = library::handle_of(vm, dll)?;
    let address = library::symbol(vm, handle, &text, &exc::ATTRIBUTE_ERROR)?;
    let paramflags = args.get(1).cloned().unwrap_or(Object::NONE);
    let argtypes = cdata::concrete(vm, class)?.argtypes.or_none();
    if let Some(types) = argtypes.downcast::<Tuple>() {
        check_paramflags(vm, types.items(), &paramflags)?;
    }
    let object = cdata::new(vm, class)?;
    cdata::enough(vm, &object, 8)?.write_pointer(address);
    if !paramflags.is_none() {
        own(&object).paramflags.set(paramflags);
    }
    keep(vm, &object, dll.clone());
    Ok(object)
}

// ---- paramflags -----------------------------------------------------------------------

const IN: i32 = 1;
const OUT: i32 = 2;
const LCID: i32 = 4;

/// One item of paramflags: what the parameter is, its name and its default.
struct Param {
    flags: i32,
    name: Option<Object>,
    default: Option<Object>,
}

fn param_of(vm: &Vm, item: &Object) -> Result<Param> {
    let wrong = || vm.type_error("paramflags must be a sequence of (int [,string [,value]]) tuples");
    let Some(tuple) = item.downcast::<Tuple>() else { return Err(wrong()) };
    let items = tuple.items();
    let flags = match items.first() {
        Some(flags) if int::is_any_int(flags) && items.len() <= 3 => vm.to_c_int(flags)?,
        _ => return Err(wrong()),
    };
    let name = items.get(1).filter(|name| !name.is_none()).cloned();
    if name.as_ref().is_some_and(|name| name.downcast::<Str>().is_none()) {
        return Err(wrong());
    }
    Ok(Param { flags, name, default: items.get(2).cloned() })
}

fn check_paramflags(vm: &Vm, types: &[Object], paramflags: &Object) -> Result<()> {
    if paramflags.is_none() {
        return Ok(());
    }
    let Some(items) = paramflags.downcast::<Tuple>() else {
        return Err(vm.type_error("paramflags must be a tuple or None"));
    };
    if items.len() != types.len() {
        return Err(vm.value_error("paramflags must have the same length as argtypes"));
    }
    for (i, (item, class)) in items.items().iter().zip(types).enumerate() {
        let param = param_of(vm, item)?;
        match param.flags & (IN | OUT | LCID) {
            0 | IN => {}
            flags if flags == IN | LCID || flags == IN | OUT => {}
            OUT => check_out(vm, class, i + 1)?,
            _ => return Err(vm.type_error(format!("paramflag value {} not supported", param.flags))),
        }
    }
    Ok(())
}

fn check_out(vm: &Vm, class: &Object, number: usize) -> Result<()> {
    let fits = info::of_class(class).is_some_and(|info| match info.kind {
        Kind::Pointer | Kind::Array => true,
        Kind::Simple => b"PzZ".contains(&info.code),
        _ => false,
    });
    if fits {
        return Ok(());
    }
    let shown = Type::of(class).map_or(class.ty().full_name(), |ty| ty.full_name());
    Err(vm.type_error(format!("'out' parameter {number} must be a pointer type, not {shown}")))
}

/// Arguments of a call, completed by what paramflags say.
struct Arguments {
    values: Vec<Object>,
    /// Places among them whose values are results, and whether they went in, too.
    results: Vec<(usize, bool)>,
}

fn arguments(
    vm: &Vm,
    object: &Object,
    known: &Prototype,
    args: &[Object],
    kwnames: &[Object],
) -> Result<Arguments> {
    let (given, named) = args.split_at(args.len() - kwnames.len());
    let paramflags = own(object).paramflags.or_none();
    let flags = paramflags.downcast::<Tuple>().map_or(&[][..], |t| t.items());
    let types = known.argtypes.downcast::<Tuple>().map_or(&[][..], |t| t.items());
    if flags.is_empty() || known.argtypes.is_none() {
        return Ok(Arguments { values: given.to_vec(), results: Vec::new() });
    }
    let mut out = Arguments { values: Vec::with_capacity(flags.len()), results: Vec::new() };
    let mut used = 0;
    for (i, class) in types.iter().enumerate() {
        let Some(item) = flags.get(i) else {
            return Err(vm.value_error("paramflags must have the same length as argtypes"));
        };
        let Param { flags, name, default } = param_of(vm, item)?;
        let value = match flags & (IN | OUT | LCID) {
            f if f == IN | LCID => default.unwrap_or_else(|| vm.int(0)),
            f if f == 0 || f == IN || f == IN | OUT => {
                if f == IN | OUT {
                    out.results.push((i, true));
                }
                pick(vm, (given, named, kwnames), &mut used, name, default)?
            }
            OUT => {
                out.results.push((i, false));
                match default {
                    Some(default) => default,
                    None => room_for(vm, class)?,
                }
            }
            _ => return Err(vm.value_error(format!("paramflag {flags} not yet implemented"))),
        };
        out.values.push(value);
    }
    if args.len() != used {
        return Err(vm.type_error(format!("call takes exactly {used} arguments ({} given)", args.len())));
    }
    Ok(out)
}

/// The next argument, by position or by name, or its default.
fn pick(
    vm: &Vm,
    (given, named, kwnames): (&[Object], &[Object], &[Object]),
    used: &mut usize,
    name: Option<Object>,
    default: Option<Object>,
) -> Result {
    if let Some(value) = given.get(*used) {
        *used += 1;
        return Ok(value.clone());
    }
    if let Some(name) = &name {
        for (known, value) in kwnames.iter().zip(named) {
            if vm.str_equal(known, name) {
                *used += 1;
                return Ok(value.clone());
            }
        }
    }
    match (default, name) {
        (Some(default), _) => Ok(default),
        (None, Some(name)) => {
            Err(vm.type_error(format!("required argument '{}' missing", vm.str_lossy(&name))))
        }
        (None, None) => Err(vm.type_error("not enough arguments")),
    }
}

/// A new object for an argument that only comes out.
fn room_for(vm: &Vm, class: &Object) -> Result {
    let Some(info) = info::of_class(class) else {
        return Err(vm.runtime_error("NULL stgdict unexpected"));
    };
    match info.kind {
        Kind::Array => vm.call(class, &[]),
        Kind::Pointer => match info.item() {
            Some(target) => vm.call(&target, &[]),
            None => Err(vm.type_error("Cannot create instance: has no _type_")),
        },
        _ => Err(vm.type_error(format!(
            "{} 'out' parameter must be passed as default value",
            info::class_name(class)
        ))),
    }
}

// ---- calls ----------------------------------------------------------------------------

/// So many arguments a call may have.
pub const MAX_ARGUMENTS: usize = 1024;

/// Under which `ArgumentError` is kept.
pub const ARGUMENT_ERROR: &str = "ctypes.ArgumentError";

fn raise_argument_error(vm: &Vm, message: &str) -> Raised {
    taipan_runtime::support::raise_kept(vm, ARGUMENT_ERROR, message)
}

fn argument_failed(vm: &Vm, raised: Raised, number: usize) -> Raised {
    let class = vm.shared(ARGUMENT_ERROR);
    cdata::extend(vm, raised, &format!("argument {number}: "), class.as_ref().and_then(Type::of))
}

/// Calls the function at an address.
pub fn call_with(vm: &Vm, at: Place, values: &[Object], known: &Prototype) -> Result {
    if values.len() > MAX_ARGUMENTS {
        return Err(raise_argument_error(
            vm,
            &format!("too many arguments ({}), maximum is {MAX_ARGUMENTS}", values.len()),
        ));
    }
    if vm.interp().audited.get() {
        vm.audit("ctypes.call_function", &[vm.usize(at.address()), vm.tuple(values.to_vec())])?;
    }
    let converters = known.converters.downcast::<Tuple>().map_or(&[][..], |t| t.items());
    let mut ready = Vec::with_capacity(values.len());
    for (i, value) in values.iter().enumerate() {
        let converted = match converters.get(i) {
            Some(converter) => {
                let converted = vm.call(converter, std::slice::from_ref(value));
                converted.map_err(|raised| argument_failed(vm, raised, i + 1))?
            }
            None => value.clone(),
        };
        let arg = param::ready(vm, &converted, i + 1);
        ready.push((arg.map_err(|raised| argument_failed(vm, raised, i + 1))?, converted));
    }
    // What the converters made lives until the call is over.
    let (mut ready, _converted): (Vec<_>, Vec<_>) = ready.into_iter().unzip();
    let restype = &known.restype;
    let fixed = (!converters.is_empty()).then_some(converters.len());
    let manner = Manner { flags: known.flags, fixed };
    let mut returned = call::call(vm, at, manner, &mut ready, restype)?;
    if restype.is_unbound() {
        return Ok(vm.int(i32::from_ne_bytes(returned.place().read()) as i64));
    }
    call::result(vm, returned, restype, known.checker.as_ref())
}

fn call(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result {
    let known = prototype(vm, object)?;
    let arguments = arguments(vm, object, &known, args, kwnames)?;
    if let Some(converters) = known.converters.downcast::<Tuple>() {
        let (required, actual) = (converters.len(), arguments.values.len());
        let cdecl = known.flags & flag::CDECL != 0;
        if required > actual || !cdecl && required != actual {
            let least = if cdecl { "at least " } else { "" };
            let s = if required == 1 { "" } else { "s" };
            return Err(
                vm.type_error(format!("this function takes {least}{required} argument{s} ({actual} given)"))
            );
        }
    }
    let at = cdata::enough(vm, object, 8)?.read_pointer();
    // The function may be given other attributes, or go, while it runs.
    let _alive = object.clone();
    let result = call_with(vm, at, &arguments.values, &known)?;
    let errcheck = own(object).errcheck.or_none();
    if !errcheck.is_none() {
        let values = vm.tuple(arguments.values.clone());
        let checked = vm.call(&errcheck, &[result.clone(), object.clone(), values.clone()])?;
        if checked.value() != values.value() {
            return Ok(checked);
        }
    }
    results(vm, result, arguments)
}

/// The result of a call, or what has come out of its arguments.
fn results(vm: &Vm, result: Object, arguments: Arguments) -> Result {
    if arguments.results.is_empty() {
        return Ok(result);
    }
    let mut out = Vec::with_capacity(arguments.results.len());
    for (i, went_in) in arguments.results {
        let Some(value) = arguments.values.get(i) else { continue };
        out.push(if went_in {
            value.clone()
        } else {
            vm.call_method(value, "__ctypes_from_outparam__", &[])?
        });
    }
    match out.pop() {
        Some(only) if out.is_empty() => Ok(only),
        Some(last) => {
            out.push(last);
            Ok(vm.tuple(out))
        }
        None => Ok(result),
    }
}
