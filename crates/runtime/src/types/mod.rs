//! The built-in types, one file each. The registry at the end is what makes
//! them ready.

pub mod async_generator;
pub mod boolean;
pub mod bytearray;
pub mod bytes;
pub mod bytes_format;
pub mod bytes_methods;
pub mod cell;
pub mod code;
mod code_tables;
pub mod complex;
pub mod descriptors;
pub mod dict;
pub mod dict_methods;
pub mod dict_views;
pub mod exception_group;
pub mod exceptions;
pub mod exceptions_fields;
pub mod exceptions_os;
pub mod float;
pub mod function;
pub mod generator;
pub mod genericalias;
pub mod int;
pub mod int_methods;
pub mod iterators;
pub mod list;
pub mod list_methods;
pub mod mapping_builtins;
pub mod mappingproxy;
pub mod memory_format;
pub mod memoryview;
pub mod module;
pub mod namespace;
pub mod native_function;
pub mod none;
pub mod object;
pub mod range;
pub mod set;
pub mod set_methods;
pub mod slice;
pub mod sort;
pub mod str;
pub mod str_case;
pub mod str_format;
pub mod str_methods;
pub mod str_search;
pub mod str_split;
pub mod str_units;
pub mod super_;
pub mod template;
pub mod traceback;
pub mod tuple;
pub mod typ;
pub mod typealias;
pub mod typevars;
pub mod union;
pub mod weakref;
pub mod zip_map;

use crate::prelude::*;

/// Every static type of the runtime. Bases before subtypes.
pub fn registry() -> Vec<&'static Type> {
    let mut all: Vec<&'static Type> = vec![
        &object::OBJECT,
        &typ::TYPE,
        &int::INT,
        &boolean::BOOL,
        &float::FLOAT,
        &complex::COMPLEX,
        &str::STR,
        &bytes::BYTES,
        &bytes::BYTES_ITERATOR,
        &bytearray::BYTEARRAY,
        &bytearray::BYTEARRAY_ITERATOR,
        &crate::buffer::BUFFER_WRAPPER,
        &crate::codecs::charmap::ENCODING_MAP,
        &tuple::TUPLE,
        &list::LIST,
        &dict::DICT,
        &none::NONE_TYPE,
        &none::NOT_IMPLEMENTED_TYPE,
        &none::ELLIPSIS_TYPE,
        &native_function::BUILTIN_FUNCTION,
        &native_function::METHOD_DESCRIPTOR,
        &native_function::CLASSMETHOD_DESCRIPTOR,
        &native_function::SLOT_WRAPPER,
        &native_function::METHOD_WRAPPER,
        &native_function::GETSET_DESCRIPTOR,
        &native_function::MEMBER_DESCRIPTOR,
        &function::FUNCTION,
        &mapping_builtins::MAPPING_BUILTINS,
        &function::METHOD,
        &code::CODE,
        &cell::CELL,
        &module::MODULE,
        &generator::GENERATOR,
        &generator::COROUTINE,
        &generator::COROUTINE_WRAPPER,
        &generator::ASYNC_GENERATOR,
        &generator::ASYNC_GEN_SEND,
        &generator::ASYNC_GEN_THROW,
        &generator::ASYNC_GEN_WRAPPED,
        &descriptors::PROPERTY,
        &descriptors::CLASSMETHOD,
        &descriptors::STATICMETHOD,
        &super_::SUPER,
        &slice::SLICE,
        &range::RANGE,
        &range::RANGE_ITERATOR,
        &range::LONG_RANGE_ITERATOR,
        &mappingproxy::MAPPINGPROXY,
        &genericalias::GENERIC_ALIAS,
        &traceback::TRACEBACK,
        &traceback::FRAME,
        &traceback::FRAME_LOCALS_PROXY,
        &template::INTERPOLATION,
        &template::TEMPLATE,
        &template::TEMPLATE_ITERATOR,
        &weakref::REFERENCE,
        &weakref::PROXY,
        &weakref::CALLABLE_PROXY,
        &genericalias::ALIAS_ITERATOR,
        &union::UNION,
        &namespace::NAMESPACE,
        &crate::structseq::FIELD,
        &set::SET,
        &set::FROZENSET,
        &crate::builtins::iteration::ANEXT_AWAITABLE,
        &crate::modules::types::CAPSULE,
    ];
    all.extend(str_methods::TYPES);
    all.extend(memoryview::TYPES);
    all.extend(iterators::TYPES);
    all.extend(dict::VIEW_TYPES);
    all.extend(typevars::TYPES);
    all.extend(exceptions::all());
    all
}
