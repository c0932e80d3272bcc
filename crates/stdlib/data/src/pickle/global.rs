//! Classes, functions and whatever else is pickled by module and name.

use super::core::Core;
use super::opcodes::*;
use super::state::{Other, pickling_error};
use taipan_runtime::codecs::{narrow, utf8};
use taipan_runtime::names::name;
use taipan_runtime::prelude::*;
use taipan_runtime::types::{int, tuple};

/// The object at the end of a dotted path; None if there is none.
pub fn follow(vm: &Vm, object: &Object, path: &[Object]) -> Result<Option<Object>> {
    let mut object = object.clone();
    for attribute in path {
        match vm.lookup_attr(&object, attribute)? {
            Some(found) => object = found,
            None => return Ok(None),
        }
    }
    Ok(Some(object))
}

/// The parts of a dotted name.
pub fn dotted(vm: &Vm, path: &Object) -> Result<Vec<Object>> {
    match path.downcast::<Str>().and_then(|text| text.as_ascii()) {
        Some(text) if !text.contains('.') => Ok(vec![path.clone()]),
        _ => vm.collect(&vm.call_method(path, "split", &[vm.intern(".")])?),
    }
}

/// Imports a module by its full name; the module itself comes back.
pub fn import(vm: &Vm, module: &Object) -> Result {
    vm.import(module, &Object::NONE, &Object::NONE, 0)?;
    vm.get_item(&vm.interp().modules.clone(), module)
}

impl Core {
    /// Writes an object by name: `given`, or that which it has itself.
    pub(super) fn save_global(&self, vm: &Vm, object: &Object, given: Option<&Object>) -> Result<()> {
        let full = match given {
            Some(given) => given.clone(),
            None => match vm.lookup_attr(object, name::qualname.object())? {
                Some(qualname) => qualname,
                None => vm.get_attr(object, name::name.object())?,
            },
        };
        let path = dotted(vm, &full)?;
        let module = self.module_of(vm, object, &full, &path)?;
        if self.protocol >= 2 && self.save_extension(vm, object, &module, &full)? {
            return Ok(());
        }
        if self.protocol >= 4 {
            self.save(vm, &module)?;
            self.save(vm, &full)?;
            self.op(vm, STACK_GLOBAL)?;
        } else if let [first, rest @ ..] = path.as_slice() {
            // getattr(getattr(first, ...), ...).
            let getattr = self.others.get(Other::GetAttr);
            for _ in rest {
                self.save(vm, getattr)?;
                if self.protocol < 2 {
                    self.op(vm, MARK)?;
                }
            }
            self.save_toplevel(vm, &module, first)?;
            for attribute in rest {
                self.save(vm, attribute)?;
                self.put(vm, &[if self.protocol < 2 { TUPLE } else { TUPLE2 }, REDUCE])?;
            }
        }
        self.memoize(vm, object)
    }

    /// By its number in the extension registry, if it has one.
    fn save_extension(&self, vm: &Vm, object: &Object, module: &Object, full: &Object) -> Result<bool> {
        let key = tuple::pair(vm, module.clone(), full.clone());
        let Some(code) = self.others.look_up(vm, Other::ExtensionRegistry, &key)? else { return Ok(false) };
        if !int::is_any_int(&code) {
            let (object, code) = (vm.repr_text(object)?, vm.repr_text(&code)?);
            let message = format!("Can't pickle {object}: extension code {code} isn't an integer");
            return Err(pickling_error(vm, message));
        }
        let number = int::to_i64(&code).and_then(|n| i32::try_from(n).ok()).filter(|&n| n > 0);
        let Some(number) = number else {
            let (object, code) = (vm.repr_text(object)?, vm.repr_text(&code)?);
            return Err(
                vm.runtime_error(format!("Can't pickle {object}: extension code {code} is out of range"))
            );
        };
        let [a, b, c, d] = number.to_le_bytes();
        match number {
            0..=0xff => self.put(vm, &[EXT1, a])?,
            0..=0xffff => self.put(vm, &[EXT2, a, b])?,
            _ => self.put(vm, &[EXT4, a, b, c, d])?,
        }
        Ok(true)
    }

    /// The name of the module in which the object is found by this path.
    fn module_of(&self, vm: &Vm, object: &Object, full: &Object, path: &[Object]) -> Result {
        let own = vm.lookup_attr(object, name::module.object())?.filter(|module| !module.is_none());
        if path.iter().any(|part| part.downcast::<Str>().is_some_and(|part| part.equals_text("<locals>"))) {
            let shown = vm.repr_text(object)?;
            return Err(pickling_error(vm, format!("Can't pickle local object {shown}")));
        }
        let module = match own {
            Some(module) => module,
            None => search(vm, object, path)?,
        };
        // Nobody has promised that it is really there.
        let loaded = match import(vm, &module) {
            Ok(loaded) => loaded,
            Err(raised)
                if [&exc::IMPORT_ERROR, &exc::VALUE_ERROR, &exc::KEY_ERROR]
                    .iter()
                    .any(|class| vm.raised_is(class)) =>
            {
                let exception = vm.caught(raised);
                let (shown, why) = (vm.repr_text(object)?, vm.str_text(&exception)?);
                let raised = vm.raise(exception);
                return Err(self.failed(vm, raised, format!("Can't pickle {shown}: {why}")));
            }
            Err(raised) => return Err(raised),
        };
        let found = path.iter().try_fold(loaded, |found, attribute| vm.get_attr(&found, attribute));
        if let Ok(found) = &found
            && found.value() == object.value()
        {
            return Ok(module);
        }
        let raised = match found {
            Ok(_) => None,
            Err(raised) if vm.raised_is(&exc::ATTRIBUTE_ERROR) => Some(vm.caught(raised)),
            Err(raised) => return Err(raised),
        };
        let what = if raised.is_some() { "it's not found as" } else { "it's not the same object as" };
        let shown = vm.repr_text(object)?;
        let (module, full) = (vm.str_text(&module)?, vm.str_text(full)?);
        let message = format!("Can't pickle {shown}: {what} {module}.{full}");
        Err(match raised {
            Some(exception) => self.failed(vm, vm.raise(exception), message),
            None => pickling_error(vm, message),
        })
    }

    /// GLOBAL: two lines of text. Python 2 may have other names for them.
    fn save_toplevel(&self, vm: &Vm, module: &Object, name: &Object) -> Result<()> {
        let (mut module, mut name) = (module.clone(), name.clone());
        if self.fix_imports {
            (module, name) = self.old_names(vm, module, name)?;
        }
        let encoded = |object: &Object, what: &str| -> Result<Vec<u8>> {
            let encoded = if self.protocol < 3 {
                narrow::encode(vm, object, "strict", narrow::ASCII)
            } else {
                utf8::encode(vm, object, "strict")
            };
            encoded.map_err(|raised| {
                if !vm.raised_is(&exc::UNICODE_ENCODE_ERROR) {
                    return raised;
                }
                let exception = vm.caught(raised);
                let shown = match vm.repr_text(object) {
                    Ok(shown) => shown,
                    Err(raised) => return raised,
                };
                let protocol = self.protocol;
                let message =
                    format!("can't pickle {what} identifier {shown} using pickle protocol {protocol}");
                self.failed(vm, vm.raise(exception), message)
            })
        };
        let mut line = vec![GLOBAL];
        line.extend(encoded(&module, "module")?);
        line.push(b'\n');
        line.extend(encoded(&name, "global")?);
        line.push(b'\n');
        self.put(vm, &line)
    }

    /// The names that Python 2 had.
    fn old_names(&self, vm: &Vm, module: Object, name: Object) -> Result<(Object, Object)> {
        let key = tuple::pair(vm, module.clone(), name.clone());
        if let Some(found) = self.others.look_up(vm, Other::ReverseNameMapping, &key)? {
            return match found.downcast::<Tuple>().map(|pair| pair.items()) {
                Some([module, name])
                    if [module, name].iter().all(|part| part.downcast::<Str>().is_some()) =>
                {
                    Ok((module.clone(), name.clone()))
                }
                _ => Err(vm.runtime_error(format!(
                    "_compat_pickle.REVERSE_NAME_MAPPING values should be 2-tuples, not {}",
                    found.ty().name()
                ))),
            };
        }
        match self.others.look_up(vm, Other::ReverseImportMapping, &module)? {
            Some(found) if found.downcast::<Str>().is_some() => Ok((found, name)),
            Some(found) => Err(vm.runtime_error(format!(
                "_compat_pickle.REVERSE_IMPORT_MAPPING values should be strings, not {}",
                found.ty().name()
            ))),
            None => Ok((module, name)),
        }
    }
}

/// Looks for the object in all modules there are, for want of a better clue.
fn search(vm: &Vm, object: &Object, path: &[Object]) -> Result {
    let modules = vm.interp().modules.clone();
    let entries = modules.downcast::<Dict>().map_or_else(Vec::new, |modules| modules.items());
    for (module_name, module) in entries {
        let main = module_name
            .downcast::<Str>()
            .is_some_and(|name| name.equals_text("__main__") || name.equals_text("__mp_main__"));
        if main || module.is_none() {
            continue;
        }
        if follow(vm, &module, path)?.is_some_and(|found| found.value() == object.value()) {
            return Ok(module_name);
        }
    }
    Ok(vm.intern("__main__"))
}
