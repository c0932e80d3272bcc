//! Small helpers for native modules in safe code: payload access, checks
//! of constructor arguments in CPython's words, allocation.

use crate::prelude::*;

/// The payload of an object that has it: slots and methods of a native type
/// are only ever called on its instances.
#[inline(always)]
pub fn this<T: NativeClass>(object: &Object) -> &T {
    match object.downcast::<T>() {
        Some(payload) => payload,
        None => wrong_payload(),
    }
}

#[cold]
#[inline(never)]
fn wrong_payload() -> ! {
    unreachable!("native method called on an object of another type")
}

/// Puts functions into a module.
pub fn add_functions(vm: &Vm, module: &Object, functions: &'static [MethodDef]) -> Result<()> {
    let module_name = vm.get_attr(module, crate::names::name::name.object())?;
    for def in functions {
        let function = crate::types::native_function::new_function(vm, def, module_name.clone());
        vm.set_attr_str(module, def.name(), &function)?;
    }
    Ok(())
}

/// A new object, or MemoryError.
#[inline]
pub fn allocate<T: NativeClass>(vm: &Vm, class: &Type, payload: T) -> Result {
    vm.try_alloc(class, payload).ok_or_else(|| vm.memory_error())
}

/// Is `class` the native type, or does it take its `__init__` from it? Then
/// `__new__` checks arguments; otherwise it lets Python's `__init__` have them.
pub fn checks_arguments(class: &Type, native: &'static Type) -> bool {
    class.is(native) || class.slots().init.map(|f| f as usize) == native.slots().init.map(|f| f as usize)
}

/// The positional arguments of a constructor that takes no keywords.
pub fn no_keywords<'a>(
    vm: &Vm,
    class: &Type,
    native: &'static Type,
    args: &'a [Object],
    kwnames: &[Object],
) -> Result<&'a [Object]> {
    if !kwnames.is_empty() && checks_arguments(class, native) {
        return Err(vm.type_error(format!("{}() takes no keyword arguments", native.name())));
    }
    Ok(&args[..args.len() - kwnames.len()])
}

/// Checks the number of positional arguments, as `PyArg_UnpackTuple` words it.
pub fn check_arity(vm: &Vm, name: &str, given: usize, least: usize, most: usize) -> Result<()> {
    if given >= least && given <= most {
        return Ok(());
    }
    let bound = if given < least { least } else { most };
    let word = if least == most {
        ""
    } else if given < least {
        "at least "
    } else {
        "at most "
    };
    let plural = if bound == 1 { "" } else { "s" };
    Err(vm.type_error(format!("{name} expected {word}{bound} argument{plural}, got {given}")))
}

/// "bad argument type" in the words of the argument clinic.
#[cold]
pub fn bad_argument(vm: &Vm, function: &str, which: &str, wanted: &str, object: &Object) -> Raised {
    let shown = if object.is_none() { "None" } else { object.ty().name() };
    vm.type_error(format!("{function}() {which} must be {wanted}, not {shown}"))
}

/// Setter of attributes that are plain read-only members in CPython.
pub fn readonly_member(vm: &Vm, _object: &Object, _value: Option<&Object>) -> Result<()> {
    Err(vm.error(&exc::ATTRIBUTE_ERROR, "readonly attribute"))
}

/// The type's name with its module, as reprs show it.
pub fn qualified_name(vm: &Vm, class: &Type) -> Result<String> {
    let class = class.to_object();
    let qualname = vm.str_text(&vm.get_attr_str(&class, "__qualname__")?)?;
    let module = vm.get_attr_str(&class, "__module__")?;
    if module.downcast::<Str>().is_none() {
        return Ok(qualname);
    }
    let module = vm.str_lossy(&module);
    Ok(if module == "builtins" || module == "__main__" { qualname } else { format!("{module}.{qualname}") })
}

/// Is the instance's `__dict__` empty (or is there none)?
pub fn has_no_attributes(vm: &Vm, object: &Object) -> bool {
    match crate::lookup::instance_dict(vm, object) {
        Some(dict) => dict.downcast::<Dict>().is_none_or(|d| d.is_empty()),
        None => true,
    }
}

/// The exception class of a native module, kept under `key` for [`raise_kept`];
/// made when the module is loaded for the first time.
pub fn exception_class(
    vm: &Vm,
    key: &'static str,
    module: &str,
    name: &str,
    base: &Type,
    doc: Option<&str>,
) -> Result {
    if let Some(class) = vm.shared(key) {
        return Ok(class);
    }
    let namespace = vm.new_dict();
    if let Some(d) = namespace.downcast::<Dict>() {
        d.set_text(vm, "__module__", vm.intern(module));
        if let Some(doc) = doc {
            d.set_text(vm, "__doc__", vm.str(doc));
        }
    }
    let bases = vm.tuple(vec![base.to_object()]);
    let class = vm.call(&crate::types::typ::TYPE.to_object(), &[vm.str(name), bases, namespace])?;
    vm.share(key, class.clone());
    Ok(class)
}

/// Raises the exception class kept under `key`, with a message.
#[cold]
pub fn raise_kept(vm: &Vm, key: &str, message: impl AsRef<str>) -> Raised {
    match vm.shared(key).as_ref().and_then(Type::of) {
        Some(class) => vm.error(class, message),
        None => vm.runtime_error(message),
    }
}

/// Compares in a time that depends on the length of `b` only.
fn same_bytes(a: &[u8], b: &[u8]) -> bool {
    let mut difference = (a.len() != b.len()) as u8;
    let other = if a.len() == b.len() { a } else { b };
    for (x, y) in other.iter().zip(b) {
        difference |= std::hint::black_box(x ^ y);
    }
    difference == 0
}

/// `compare_digest` of `_operator` and `_hashlib`: are these two ASCII strings,
/// or bytes-like objects, the same?
pub fn compare_digest(vm: &Vm, args: &[Object]) -> Result {
    let (a, b) = (&args[0], &args[1]);
    if let (Some(x), Some(y)) = (a.downcast::<Str>(), b.downcast::<Str>()) {
        let (Some(x), Some(y)) = (x.as_ascii(), y.as_ascii()) else {
            return Err(vm.type_error("comparing strings with non-ASCII characters is not supported"));
        };
        return Ok(Object::bool(same_bytes(x.as_bytes(), y.as_bytes())));
    }
    if !vm.is_bytes_like(a) && !vm.is_bytes_like(b) {
        return Err(vm.type_error(format!(
            "unsupported operand types(s) or combination of types: '{}' and '{}'",
            a.ty().name(),
            b.ty().name()
        )));
    }
    let (x, y) = (vm.bytes_like(a, "a")?, vm.bytes_like(b, "b")?);
    Ok(Object::bool(same_bytes(x.bytes(), y.bytes())))
}

/// Checks the arguments of a function whose parameters are all positional-only,
/// in the words that CPython has for those it calls with keywords: `total`
/// arguments, self not counted, the last ones for `kwnames`.
pub fn check_positional(
    vm: &Vm,
    name: &str,
    total: usize,
    kwnames: &[Object],
    (least, most): (usize, usize),
) -> Result<()> {
    let given = total - kwnames.len();
    if given < least {
        let word = if least == most { "exactly" } else { "at least" };
        let s = if least == 1 { "" } else { "s" };
        return Err(
            vm.type_error(format!("{name}() takes {word} {least} positional argument{s} ({given} given)"))
        );
    }
    if total > most {
        if most == 0 {
            return Err(vm.type_error(format!("{name}() takes no arguments")));
        }
        let s = if most == 1 { "" } else { "s" };
        return Err(vm.type_error(format!("{name}() takes at most {most} argument{s} ({total} given)")));
    }
    if let Some(keyword) = kwnames.first() {
        let shown = vm.str_lossy(keyword);
        return Err(vm.type_error(format!("{name}() got an unexpected keyword argument '{shown}'")));
    }
    Ok(())
}

/// The parameters of a constructor, or of another function, in the words of CPython's
/// parser of formats: a function without a name of its own is called "function" there.
pub struct Fields<const N: usize> {
    /// The name in messages; empty: there is none.
    pub function: &'static str,
    pub names: [&'static str; N],
    /// So many are required.
    pub required: usize,
    /// So many may be given by position.
    pub positional: usize,
}

impl<const N: usize> Fields<N> {
    /// The argument of every field, if there is one.
    pub fn bind<'a>(
        &self,
        vm: &Vm,
        args: &'a [Object],
        kwnames: &[Object],
    ) -> Result<[Option<&'a Object>; N]> {
        let mut out = [None; N];
        let given = args.len() - kwnames.len();
        if args.len() > N {
            let kind = if given == 0 { "keyword " } else { "" };
            return Err(self.error(
                vm,
                format!(
                    " takes at most {N} {kind}argument{} ({} given)",
                    crate::native::plural(N),
                    args.len()
                ),
            ));
        }
        if given > self.positional {
            let most = self.positional;
            let word = if self.required == most { "exactly" } else { "at most" };
            return Err(self.error(
                vm,
                format!(
                    " takes {word} {most} positional argument{} ({given} given)",
                    crate::native::plural(most)
                ),
            ));
        }
        for (slot, arg) in out.iter_mut().zip(&args[..given]) {
            *slot = Some(arg);
        }
        if kwnames.is_empty() && given >= self.required {
            return Ok(out);
        }
        let mut unexpected = None;
        let mut doubled = None;
        for (name, value) in kwnames.iter().zip(&args[given..]) {
            let text = vm.str_lossy(name);
            match self.names.iter().position(|n| *n == text) {
                Some(i) if i < given => doubled = doubled.or(Some(i)),
                Some(i) => out[i] = Some(value),
                None => unexpected = unexpected.or(Some(text)),
            }
        }
        if let Some(i) = (0..self.required).find(|&i| out[i].is_none()) {
            let name = self.names[i];
            return Err(self.error(vm, format!(" missing required argument '{name}' (pos {})", i + 1)));
        }
        if let Some(i) = doubled {
            let (name, shown) = (self.names[i], self.shown());
            return Err(vm.type_error(format!(
                "argument for {shown} given by name ('{name}') and position ({})",
                i + 1
            )));
        }
        if let Some(name) = unexpected {
            let this = if self.function.is_empty() { "this " } else { "" };
            return Err(
                vm.type_error(format!("{this}{} got an unexpected keyword argument '{name}'", self.shown()))
            );
        }
        Ok(out)
    }

    fn shown(&self) -> String {
        if self.function.is_empty() { "function".to_owned() } else { format!("{}()", self.function) }
    }

    #[cold]
    fn error(&self, vm: &Vm, what: String) -> Raised {
        vm.type_error(self.shown() + &what)
    }
}
