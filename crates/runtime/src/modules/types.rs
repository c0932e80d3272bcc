//! `_types`: the types that have no name in `builtins`.

use crate::prelude::*;
use crate::types::*;

/// `_types`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_types",
    doc: "Define names for built-in types.",
    functions: &[],
    types: &[],
    init: Some(|vm, module| {
        let types: [(&str, &'static Type); 26] = [
            ("AsyncGeneratorType", &async_generator::ASYNC_GENERATOR),
            ("BuiltinFunctionType", &native_function::BUILTIN_FUNCTION),
            ("BuiltinMethodType", &native_function::BUILTIN_FUNCTION),
            ("CapsuleType", &CAPSULE),
            ("CellType", &cell::CELL),
            ("ClassMethodDescriptorType", &native_function::CLASSMETHOD_DESCRIPTOR),
            ("CodeType", &code::CODE),
            ("CoroutineType", &generator::COROUTINE),
            ("EllipsisType", &none::ELLIPSIS_TYPE),
            ("FrameType", &traceback::FRAME),
            ("FunctionType", &function::FUNCTION),
            ("GeneratorType", &generator::GENERATOR),
            ("GenericAlias", &genericalias::GENERIC_ALIAS),
            ("GetSetDescriptorType", &native_function::GETSET_DESCRIPTOR),
            ("LambdaType", &function::FUNCTION),
            ("MappingProxyType", &mappingproxy::MAPPINGPROXY),
            ("MemberDescriptorType", &native_function::MEMBER_DESCRIPTOR),
            ("MethodDescriptorType", &native_function::METHOD_DESCRIPTOR),
            ("MethodType", &function::METHOD),
            ("MethodWrapperType", &native_function::METHOD_WRAPPER),
            ("ModuleType", &module::MODULE),
            ("NoneType", &none::NONE_TYPE),
            ("NotImplementedType", &none::NOT_IMPLEMENTED_TYPE),
            ("SimpleNamespace", &namespace::NAMESPACE),
            ("TracebackType", &traceback::TRACEBACK),
            ("UnionType", &union::UNION),
        ];
        for (attr, ty) in types {
            vm.set_attr_str(module, attr, &ty.to_object())?;
        }
        vm.set_attr_str(module, "WrapperDescriptorType", &native_function::SLOT_WRAPPER.to_object())
    }),
};

/// Payload of capsules: there are none yet, but programs name their type.
pub struct Capsule;

impl NativeClass for Capsule {
    fn class() -> &'static Type {
        &CAPSULE
    }
}

pub static CAPSULE: Type = Type::new::<Capsule>(
    "PyCapsule",
    &object::OBJECT,
    type_flags::DISALLOW_INSTANTIATION,
    Slots::EMPTY,
    &[],
    &[],
)
.with_doc("A pointer of an extension module.");
