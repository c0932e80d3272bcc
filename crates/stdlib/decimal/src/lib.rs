//! Taipan: the module `_decimal`.
//!
//! * `number`: decimal arithmetic without Python objects;
//! * `decimal`, `methods`: the type Decimal; `convert`: from and to other types;
//! * `context`, `context_methods`: contexts; `signals`: their exceptions.

#![forbid(unsafe_code)]

mod context;
mod context_methods;
mod convert;
mod decimal;
mod methods;
pub mod number;
mod signals;

use number::{MAX_EMAX, MAX_PREC, MIN_EMIN};
use taipan_runtime::prelude::*;

/// Keys of the class DecimalTuple, and of `numbers.Rational`.
const DECIMAL_TUPLE: &str = "decimal.DecimalTuple";
const RATIONAL: &str = "decimal: numbers.Rational";

static MODULE: ModuleDef = ModuleDef {
    name: "_decimal",
    doc: "C decimal arithmetic module",
    functions: &context::FUNCTIONS,
    types: &[&decimal::DECIMAL, &context::CONTEXT],
    init: Some(init),
};

fn init(vm: &Vm, module: &Object) -> Result<()> {
    signals::add_classes(vm, module)?;
    context::init(vm, module)?;
    let numbers = vm.import_module("numbers")?;
    vm.share(RATIONAL, vm.get_attr_str(&numbers, "Rational")?);
    let class = vm.get_attr_str(&numbers, "Number")?;
    vm.call_method(&class, "register", &[decimal::DECIMAL.to_object()])?;
    let named = match vm.shared(DECIMAL_TUPLE) {
        Some(named) => named,
        None => {
            let collections = vm.import_module("collections")?;
            let fields = [vm.str("DecimalTuple"), vm.str("sign digits exponent")];
            let named = vm.call_method(&collections, "namedtuple", &fields)?;
            vm.set_attr_str(&named, "__module__", &vm.intern("decimal"))?;
            named
        }
    };
    vm.set_attr_str(module, "DecimalTuple", &named)?;
    vm.share(DECIMAL_TUPLE, named);
    for (name, value) in [
        ("MAX_PREC", MAX_PREC),
        ("MAX_EMAX", MAX_EMAX),
        ("MIN_EMIN", MIN_EMIN),
        ("MIN_ETINY", MIN_EMIN - (MAX_PREC - 1)),
        ("IEEE_CONTEXT_MAX_BITS", 512),
    ] {
        vm.set_attr_str(module, name, &vm.int(value))?;
    }
    vm.set_attr_str(module, "HAVE_THREADS", &Object::TRUE)?;
    vm.set_attr_str(module, "HAVE_CONTEXTVAR", &Object::TRUE)?;
    vm.set_attr_str(module, "__version__", &vm.str("1.70"))?;
    vm.set_attr_str(module, "__libmpdec_version__", &vm.str("2.5.1"))
}

/// The modules of this crate.
pub fn modules() -> Vec<&'static ModuleDef> {
    vec![&MODULE]
}
