//! What is told of an exception to another interpreter.

use taipan_runtime::prelude::*;
use taipan_runtime::types::namespace;

/// A snapshot of an exception, without objects.
pub struct Failure {
    name: String,
    qualname: String,
    module: String,
    message: Option<String>,
    display: Option<String>,
}

impl Failure {
    pub fn of(vm: &Vm, exception: &Object) -> Failure {
        let class = exception.ty().to_object();
        let attribute = |name: &str| {
            let found = vm.get_attr_str(&class, name).ok().filter(|found| found.downcast::<Str>().is_some());
            drop(vm.take_raised());
            found.map_or_else(|| exception.ty().name().to_string(), |found| vm.str_lossy(&found))
        };
        let message = vm.str_text(exception).ok();
        let display = shown(vm, exception).ok();
        drop(vm.take_raised());
        Failure {
            name: attribute("__name__"),
            qualname: attribute("__qualname__"),
            module: attribute("__module__"),
            message,
            display,
        }
    }
    /// The name and what the exception says.
    pub fn formatted(&self) -> String {
        match &self.message {
            Some(message) => format!("{}: {message}", self.name),
            None => self.name.clone(),
        }
    }
    /// As causes tell it.
    pub fn summary(&self) -> String {
        self.display.clone().unwrap_or_else(|| self.formatted())
    }
    /// As a SimpleNamespace.
    pub fn object(&self, vm: &Vm) -> Object {
        let class = [
            ("__name__", vm.str(&self.name)),
            ("__qualname__", vm.str(&self.qualname)),
            ("__module__", vm.str(&self.module)),
        ];
        let text = |text: &Option<String>| text.as_ref().map_or(Object::NONE, |text| vm.str(text));
        let parts = [
            ("type", namespace::new(vm, &class)),
            ("msg", text(&self.message)),
            ("formatted", vm.str(&self.formatted())),
            ("errdisplay", text(&self.display)),
        ];
        namespace::new(vm, &parts)
    }
}

/// The traceback as text, without the end of the last line.
fn shown(vm: &Vm, exception: &Object) -> Result<String> {
    let module = vm.import_module("traceback")?;
    let lines = vm.call_method(&module, "format_exception", std::slice::from_ref(exception))?;
    let text = vm.call_method(&vm.str(""), "join", &[lines])?;
    let text = vm.str_lossy(&text);
    Ok(text.strip_suffix('\n').unwrap_or(&text).to_string())
}
