//! TypeVar, ParamSpec, TypeVarTuple, TypeAliasType: not there yet.

use crate::prelude::*;

fn absent(vm: &Vm) -> Result {
    Err(vm.not_implemented_error("type parameters are not supported yet"))
}
pub fn make_typevar(vm: &Vm, _name: Object, _bound: Object, _constraints: Object) -> Result {
    absent(vm)
}
pub fn make_paramspec(vm: &Vm, _name: Object) -> Result {
    absent(vm)
}
pub fn make_typevartuple(vm: &Vm, _name: Object) -> Result {
    absent(vm)
}
pub fn subscript_generic(vm: &Vm, _params: Object) -> Result {
    absent(vm)
}
pub fn make_typealias(vm: &Vm, _name: Object, _params: Object, _value: Object) -> Result {
    absent(vm)
}
pub fn set_default(vm: &Vm, _param: Object, _default: Object) -> Result {
    absent(vm)
}
