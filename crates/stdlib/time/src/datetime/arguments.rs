//! Arguments of the constructors, in the words of CPython's parser of formats:
//! a function without a name of its own is called "function" there.

use taipan_runtime::prelude::*;

/// What a constructor takes.
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
            let plural = if N == 1 { "" } else { "s" };
            return Err(
                self.error(vm, format!(" takes at most {N} {kind}argument{plural} ({} given)", args.len()))
            );
        }
        if given > self.positional {
            let most = self.positional;
            let word = if self.required == most { "exactly" } else { "at most" };
            return Err(self.error(vm, format!(" takes {word} {most} positional arguments ({given} given)")));
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
            if self.function.is_empty() {
                // CPython converts as it goes: a wrong argument comes before a missing one.
                for argument in out[..i].iter().flatten() {
                    c_int(vm, argument)?;
                }
            }
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

/// A field that is a C int.
#[inline]
pub fn int_or(vm: &Vm, argument: Option<&Object>, default: i32) -> Result<i32> {
    match argument {
        None => Ok(default),
        Some(object) if object.is_int() => match i32::try_from(object.as_int()) {
            Ok(n) => Ok(n),
            Err(_) => vm.to_c_int(object),
        },
        Some(object) => c_int(vm, object),
    }
}

/// An int through a C long, whose word comes first when it is too large.
pub fn c_int(vm: &Vm, object: &Object) -> Result<i32> {
    vm.to_c_int(&vm.int(vm.to_i64(object)?))
}

/// As [`int_or`] for arguments that are UNBOUND when not given.
#[inline]
pub fn given_or(vm: &Vm, argument: &Object, default: i32) -> Result<i32> {
    int_or(vm, argument.bound(), default)
}

/// The arguments behind self (or the class) of a method that takes none by name.
pub fn exactly<'a>(
    vm: &Vm,
    name: &str,
    wanted: usize,
    args: &'a [Object],
    kwnames: &[Object],
) -> Result<&'a [Object]> {
    if !kwnames.is_empty() {
        return Err(vm.type_error(format!("{name}() takes no keyword arguments")));
    }
    let given = &args[1.min(args.len())..];
    if given.len() != wanted {
        let plural = if wanted == 1 { "" } else { "s" };
        return Err(vm.type_error(format!(
            "{name}() takes exactly {wanted} argument{plural} ({} given)",
            given.len()
        )));
    }
    Ok(given)
}

/// An argument that must be a string.
pub fn text<'a>(vm: &Vm, function: &str, position: usize, object: &'a Object) -> Result<&'a Str> {
    match object.downcast::<Str>() {
        Some(text) => Ok(text),
        None => Err(taipan_runtime::support::bad_argument(
            vm,
            function,
            &format!("argument {position}"),
            "str",
            object,
        )),
    }
}

/// The class that a class method was called on.
pub fn class_of(object: &Object) -> &Type {
    match Type::of(object) {
        Some(class) => class,
        None => object.ty(),
    }
}
