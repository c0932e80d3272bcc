//! The opcodes of the pickle machine that import, call and build.

use super::global::{dotted, import};
use super::machine::Machine;
use super::state::{Other, in_context_of};
use taipan_runtime::codecs::{narrow, utf8};
use taipan_runtime::lookup::instance_set;
use taipan_runtime::names::name;
use taipan_runtime::prelude::*;
use taipan_runtime::types::native_function::GETSET_DESCRIPTOR;
use taipan_runtime::types::tuple;

impl Machine<'_> {
    // ---- by name ----------------------------------------------------------------------

    /// Finds an object by module and name; a subclass may have its own way.
    fn find(&self, module: &Object, name: &Object) -> Result {
        match &self.find_class {
            Some(method) => self.vm.call(method, &[module.clone(), name.clone()]),
            None => find_class(self.vm, self, module, name),
        }
    }
    fn ascii(&self, line: &[u8]) -> Result {
        narrow::decode_ascii(self.vm, line, "strict")
    }
    pub(super) fn global(&mut self) -> Result<()> {
        let vm = self.vm;
        let module = utf8::decode(vm, &self.full_line()?, "strict", true)?.0;
        let name = utf8::decode(vm, &self.full_line()?, "strict", true)?.0;
        let found = self.find(&module, &name)?;
        self.push(found)
    }
    pub(super) fn stack_global(&mut self) -> Result<()> {
        let name = self.pop()?;
        let module = self.pop()?;
        if [&name, &module].iter().any(|object| object.downcast_exact::<Str>().is_none()) {
            return Err(self.error("STACK_GLOBAL requires str"));
        }
        let found = self.find(&module, &name)?;
        self.push(found)
    }

    /// An object by its number in the extension registry.
    pub(super) fn extension(&mut self, code: i64) -> Result<()> {
        let vm = self.vm;
        let others = &self.settings.others;
        if code <= 0 {
            return Err(self.error("EXT specifies code <= 0"));
        }
        let key = vm.int(code);
        if let Some(found) = others.look_up(vm, Other::ExtensionCache, &key)? {
            return self.push(found);
        }
        let Some(entry) = others.look_up(vm, Other::InvertedRegistry, &key)? else {
            return Err(vm.value_error(format!("unregistered extension code {code}")));
        };
        let found = match entry.downcast::<Tuple>().map(|pair| pair.items()) {
            Some([module, name]) if [module, name].iter().all(|part| part.downcast::<Str>().is_some()) => {
                self.find(module, name)?
            }
            _ => {
                let message = format!("_inverted_registry[{code}] isn't a 2-tuple of strings");
                return Err(vm.value_error(message));
            }
        };
        vm.set_item(others.get(Other::ExtensionCache), &key, &found)?;
        self.push(found)
    }

    // ---- persistent ids ---------------------------------------------------------------

    pub(super) fn persistent_text(&mut self) -> Result<()> {
        let vm = self.vm;
        let line = self.line()?;
        let id = match self.ascii(&line) {
            Ok(id) => id,
            Err(raised) if vm.raised_is(&exc::UNICODE_DECODE_ERROR) => {
                drop(vm.caught(raised));
                return Err(self.error("persistent IDs in protocol 0 must be ASCII strings"));
            }
            Err(raised) => return Err(raised),
        };
        self.load_persistent(id)
    }
    pub(super) fn persistent(&mut self) -> Result<()> {
        let id = self.pop()?;
        self.load_persistent(id)
    }
    fn load_persistent(&mut self, id: Object) -> Result<()> {
        let Some(load) = &self.persistent_load else { return Err(no_persistent_load(self.vm)) };
        let object = self.vm.call(load, &[id])?;
        self.push(object)
    }

    // ---- instances --------------------------------------------------------------------

    /// What INST and OBJ do: a call, or an instance without `__init__`.
    fn instantiate(&self, class: &Object, args: Vec<Object>) -> Result {
        let vm = self.vm;
        if args.is_empty()
            && Type::of(class).is_some()
            && vm.lookup_attr_str(class, "__getinitargs__")?.is_none()
        {
            return vm.call_method(class, "__new__", std::slice::from_ref(class));
        }
        vm.call(class, &args)
    }
    pub(super) fn inst(&mut self) -> Result<()> {
        let mark = self.take_mark()?;
        let (module, name) = (self.full_line()?, self.full_line()?);
        let (module, name) = (self.ascii(&module)?, self.ascii(&name)?);
        let class = self.find(&module, &name)?;
        let args = self.take_from(mark)?;
        let object = self.instantiate(&class, args)?;
        self.push(object)
    }
    pub(super) fn obj(&mut self) -> Result<()> {
        let mark = self.take_mark()?;
        if self.stack.len() <= mark {
            return Err(self.underflow());
        }
        let args = self.take_from(mark + 1)?;
        let class = self.pop()?;
        let object = self.instantiate(&class, args)?;
        self.push(object)
    }
    pub(super) fn newobj(&mut self, with_keywords: bool) -> Result<()> {
        let vm = self.vm;
        let opcode = if with_keywords { "NEWOBJ_EX" } else { "NEWOBJ" };
        let keywords = if with_keywords { Some(self.pop()?) } else { None };
        let args = self.pop()?;
        let class = self.pop()?;
        let wrong = |what: &str, wanted: &str, object: &Object| {
            let shown = super::state::shown_type(vm, object);
            self.error(format!("{opcode} {what} argument must be {wanted}, not {shown}"))
        };
        let Some(ty) = Type::of(&class) else { return Err(wrong("class", "a type", &class)) };
        let Some(new) = ty.slots().new.filter(|_| !ty.has(type_flags::DISALLOW_INSTANTIATION)) else {
            let shown = class.ty().full_name();
            return Err(self.error(format!("{opcode} class argument '{shown}' doesn't have __new__")));
        };
        let Some(positional) = args.downcast::<Tuple>() else { return Err(wrong("args", "a tuple", &args)) };
        let object = match &keywords {
            None => new(vm, ty, positional.items(), &[])?,
            Some(keywords) => {
                let Some(named) = keywords.downcast::<Dict>() else {
                    return Err(wrong("kwargs", "a dict", keywords));
                };
                let (names, values): (Vec<Object>, Vec<Object>) = named.items().into_iter().unzip();
                if names.iter().any(|name| name.downcast::<Str>().is_none()) {
                    return Err(vm.type_error("keywords must be strings"));
                }
                let all = [positional.items(), &values].concat();
                new(vm, ty, &all, &names)?
            }
        };
        self.push(object)
    }
    pub(super) fn reduce(&mut self) -> Result<()> {
        let args = self.pop()?;
        let callable = self.pop()?;
        let Some(items) = args.downcast::<Tuple>() else {
            return Err(self.vm.type_error("argument list must be a tuple"));
        };
        let object = self.vm.call(&callable, items.items())?;
        self.push(object)
    }

    /// Gives an instance its state.
    pub(super) fn build(&mut self) -> Result<()> {
        let vm = self.vm;
        if self.stack.len() < 2 {
            return Err(self.underflow());
        }
        let state = self.pop()?;
        let instance = self.top()?.clone();
        if let Some(set_state) = vm.lookup_attr_str(&instance, "__setstate__")? {
            return vm.call(&set_state, &[state]).map(drop);
        }
        let (state, slots) = match state.downcast::<Tuple>().map(|pair| pair.items()) {
            Some([state, slots]) => (state.clone(), Some(slots.clone())),
            _ => (state, None),
        };
        if !state.is_none() {
            let Some(attributes) = state.downcast::<Dict>() else {
                return Err(self.error("state is not a dictionary"));
            };
            let dict = if has_plain_dict(vm, &instance) {
                None
            } else {
                Some(vm.get_attr(&instance, name::dict.object())?)
            };
            let mut position = 0;
            while let Some((key, value)) = attributes.next_entry(&mut position) {
                // As names of attributes in programs are.
                let key = vm.intern_object(&key);
                match &dict {
                    Some(dict) => vm.set_item(dict, &key, &value)?,
                    None => drop(instance_set(vm, &instance, &key, Some(&value))?),
                }
            }
        }
        if let Some(slots) = slots {
            let Some(attributes) = slots.downcast::<Dict>() else {
                return Err(self.error("slot state is not a dictionary"));
            };
            let mut position = 0;
            while let Some((key, value)) = attributes.next_entry(&mut position) {
                check_name(vm, &key)?;
                vm.set_attr(&instance, &key, &value)?;
            }
        }
        Ok(())
    }
}

/// Is `__dict__` of the instance what it is for most classes, so that its
/// attributes can be stored where they belong?
fn has_plain_dict(vm: &Vm, instance: &Object) -> bool {
    let ty = instance.ty();
    ty.is_heap()
        && ty.has(type_flags::GENERIC_GETATTR)
        && ty.dict_offset.get() != 0
        && ty.lookup_owned(vm, name::dict.object()).is_some_and(|found| found.ty().is(&GETSET_DESCRIPTOR))
}

fn check_name(vm: &Vm, name: &Object) -> Result<()> {
    if name.downcast::<Str>().is_none() {
        let shown = name.ty().name();
        return Err(vm.type_error(format!("attribute name must be string, not '{shown}'")));
    }
    Ok(())
}

#[cold]
pub fn no_persistent_load(vm: &Vm) -> Raised {
    super::state::unpickling_error(
        vm,
        "A load persistent id instruction was encountered, but no persistent_load function was specified.",
    )
}

/// `Unpickler.find_class` itself.
pub fn find_class(vm: &Vm, machine: &Machine, module: &Object, name: &Object) -> Result {
    let settings = machine.settings;
    find(vm, &settings.others, machine.protocol, settings.fix_imports, module, name)
}

/// Imports the module and gets the object, by the names of this or the old Python.
pub fn find(
    vm: &Vm,
    others: &super::state::State,
    protocol: u8,
    fix_imports: bool,
    module: &Object,
    name: &Object,
) -> Result {
    vm.audit("pickle.find_class", &[module.clone(), name.clone()])?;
    let (mut module, mut name) = (module.clone(), name.clone());
    if protocol < 3 && fix_imports {
        let key = tuple::pair(vm, module.clone(), name.clone());
        if let Some(found) = others.look_up(vm, Other::NameMapping, &key)? {
            match found.downcast::<Tuple>().map(|pair| pair.items()) {
                Some([m, n]) if [m, n].iter().all(|part| part.downcast::<Str>().is_some()) => {
                    (module, name) = (m.clone(), n.clone());
                }
                _ => {
                    let shown = found.ty().name();
                    let message =
                        format!("_compat_pickle.NAME_MAPPING values should be 2-tuples, not {shown}");
                    return Err(vm.runtime_error(message));
                }
            }
        } else if let Some(found) = others.look_up(vm, Other::ImportMapping, &module)? {
            if found.downcast::<Str>().is_none() {
                let shown = found.ty().name();
                let message = format!("_compat_pickle.IMPORT_MAPPING values should be strings, not {shown}");
                return Err(vm.runtime_error(message));
            }
            module = found;
        }
    }
    let loaded = import(vm, &module)?;
    check_name(vm, &name)?;
    if protocol < 4 {
        return vm.get_attr(&loaded, &name);
    }
    let path = dotted(vm, &name)?;
    if path.len() == 1 {
        return vm.get_attr(&loaded, &name);
    }
    match path.iter().try_fold(loaded, |found, attribute| vm.get_attr(&found, attribute)) {
        Err(raised) if vm.raised_is(&exc::ATTRIBUTE_ERROR) => {
            let exception = vm.caught(raised);
            let (name, module) = (vm.repr_text(&name)?, vm.repr_text(&module)?);
            let message = format!("Can't resolve path {name} on module {module}");
            let raised = vm.raise(exception);
            Err(in_context_of(vm, || vm.error(&exc::ATTRIBUTE_ERROR, message), raised))
        }
        found => found,
    }
}
