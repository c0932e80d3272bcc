//! The exceptions of the module, and raising them for the conditions that a
//! context traps.

use crate::number::flags;
use taipan_runtime::prelude::*;

/// A signal: its class, and the conditions it stands for.
pub struct Signal {
    pub name: &'static str,
    /// Where the class is kept.
    key: &'static str,
    pub conditions: u32,
}

const fn signal(name: &'static str, key: &'static str, conditions: u32) -> Signal {
    Signal { name, key, conditions }
}

/// In the order of CPython, which is that of the keys of signal dicts.
pub static SIGNALS: [Signal; 9] = [
    signal("InvalidOperation", "decimal.InvalidOperation", flags::ANY_INVALID),
    signal("FloatOperation", "decimal.FloatOperation", flags::FLOAT_OPERATION),
    signal("DivisionByZero", "decimal.DivisionByZero", flags::DIVISION_BY_ZERO),
    signal("Overflow", "decimal.Overflow", flags::OVERFLOW),
    signal("Underflow", "decimal.Underflow", flags::UNDERFLOW),
    signal("Subnormal", "decimal.Subnormal", flags::SUBNORMAL),
    signal("Inexact", "decimal.Inexact", flags::INEXACT),
    signal("Rounded", "decimal.Rounded", flags::ROUNDED),
    signal("Clamped", "decimal.Clamped", flags::CLAMPED),
];

/// What an invalid operation is in particular.
static INVALID: [Signal; 5] = [
    signal("InvalidOperation", "decimal.InvalidOperation", flags::INVALID_OPERATION),
    signal("ConversionSyntax", "decimal.ConversionSyntax", flags::CONVERSION_SYNTAX),
    signal("DivisionImpossible", "decimal.DivisionImpossible", flags::DIVISION_IMPOSSIBLE),
    signal("DivisionUndefined", "decimal.DivisionUndefined", flags::DIVISION_UNDEFINED),
    signal("InvalidContext", "decimal.InvalidContext", flags::INVALID_CONTEXT),
];

impl Signal {
    pub fn class(&self, vm: &Vm) -> Object {
        vm.shared(self.key).unwrap_or(Object::NONE)
    }
}

/// The signal of an exception class.
pub fn of_class(vm: &Vm, class: &Object) -> Result<&'static Signal> {
    for signal in &SIGNALS {
        if signal.class(vm).is(class.value()) {
            return Ok(signal);
        }
    }
    const MESSAGE: &str = "valid values for signals are:\n  [InvalidOperation, FloatOperation, DivisionByZero,\n   Overflow, Underflow, Subnormal, Inexact, Rounded,\n   Clamped]";
    Err(vm.key_error(&vm.str(MESSAGE)))
}

/// The classes of the conditions that have been met.
pub fn list(vm: &Vm, status: u32, in_particular: bool) -> Object {
    let (first, rest) = SIGNALS.split_at(1);
    let heads = if in_particular { &INVALID[..] } else { first };
    let met = heads.iter().chain(rest).filter(|signal| status & signal.conditions != 0);
    vm.list(met.map(|signal| signal.class(vm)).collect())
}

/// The exception for trapped conditions.
#[cold]
pub fn raise(vm: &Vm, trapped: u32) -> Raised {
    let class = SIGNALS.iter().find(|signal| trapped & signal.conditions != 0).map(|signal| signal.class(vm));
    match class.as_ref().and_then(Type::of) {
        Some(class) => vm.error_with(class, vec![list(vm, trapped, true)]),
        None => vm.system_error("no exception for the conditions of a decimal operation"),
    }
}

/// Makes the classes and puts them into the module.
pub fn add_classes(vm: &Vm, module: &Object) -> Result<()> {
    let make = |name: &str, key: &'static str, bases: Vec<Object>| -> Result {
        let namespace = vm.new_dict();
        if let Some(d) = namespace.downcast::<Dict>() {
            d.set_text(vm, "__module__", vm.intern("decimal"));
        }
        let metaclass = taipan_runtime::types::typ::TYPE.to_object();
        let class = match vm.shared(key) {
            Some(class) => class,
            None => vm.call(&metaclass, &[vm.str(name), vm.tuple(bases), namespace])?,
        };
        vm.share(key, class.clone());
        vm.set_attr_str(module, name, &class)?;
        Ok(class)
    };
    let base = make("DecimalException", "decimal.DecimalException", vec![exc::ARITHMETIC_ERROR.to_object()])?;
    let get = |key: &str| vm.shared(key).unwrap_or(Object::NONE);
    for name in [6, 7, 8, 5, 0, 2, 1, 3, 4] {
        let Signal { name, key, .. } = SIGNALS[name];
        let bases = match name {
            "FloatOperation" => vec![base.clone(), exc::TYPE_ERROR.to_object()],
            "DivisionByZero" => vec![base.clone(), exc::ZERO_DIVISION_ERROR.to_object()],
            "Overflow" => vec![get("decimal.Inexact"), get("decimal.Rounded")],
            "Underflow" => vec![get("decimal.Inexact"), get("decimal.Rounded"), get("decimal.Subnormal")],
            _ => vec![base.clone()],
        };
        make(name, key, bases)?;
    }
    let invalid = get("decimal.InvalidOperation");
    for Signal { name, key, .. } in &INVALID[1..] {
        let mut bases = vec![invalid.clone()];
        if *name == "DivisionUndefined" {
            bases.push(exc::ZERO_DIVISION_ERROR.to_object());
        }
        make(name, key, bases)?;
    }
    Ok(())
}
