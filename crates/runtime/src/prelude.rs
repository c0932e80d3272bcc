//! What nearly every file of the runtime and of the native modules needs.

pub use crate::errors::exc;
pub use crate::native::{GetSetDef, MethodDef, ModuleDef, NativeClass, Sig, method_kind};
pub use crate::protocol::ObjectExt;
pub use crate::ty::{BinaryOp, CompareOp, Slots, Type, UnaryOp, type_flags};
pub use crate::types::dict::Dict;
pub use crate::types::list::List;
pub use crate::types::str::Str;
pub use crate::types::tuple::Tuple;
pub use crate::vm::{Interpreter, Raised, Result, Vm};
pub use taipan_object::{Header, Object, Value, Visitor};
