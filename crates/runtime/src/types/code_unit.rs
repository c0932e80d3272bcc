//! From a live code object back to the compiled unit it was made of, for
//! serialisation: constants become plain data again, quickened instructions
//! the general ones they came from.

use crate::interp::quick;
use crate::prelude::*;
use crate::types::code::Code;
use crate::types::int::IntView;
use crate::types::slice::Slice;
use crate::types::{bytes, complex, float, int, set};
use taipan_bytecode::{CodeUnit, Constant};

/// The unit; None if a constant is of a kind that code cannot have (as
/// `replace(co_consts=...)` lets in).
pub fn to_unit(code: &Object) -> Option<CodeUnit> {
    let payload = code.downcast::<Code>()?;
    let text = |o: &Object| o.downcast::<Str>().and_then(|s| s.to_utf8().map(|t| t.into_owned()));
    let mut unit = payload.unit.clone();
    unit.name = text(&payload.name)?.into();
    unit.qualname = text(&payload.qualname)?.into();
    unit.filename = text(&payload.filename)?.into();
    unit.flags = payload.flags.get();
    unit.instructions = payload.instructions().iter().map(|ins| quick::generic(*ins)).collect();
    unit.constants = payload.consts.iter().map(constant).collect::<Option<_>>()?;
    Some(unit)
}

fn constant(object: &Object) -> Option<Constant> {
    if object.is_none() {
        return Some(Constant::None);
    }
    if object.is_bool() {
        return Some(if object.is(Value::TRUE) { Constant::True } else { Constant::False });
    }
    if object.is(Value::ELLIPSIS) {
        return Some(Constant::Ellipsis);
    }
    if int::is_exact(object) {
        return Some(match int::view(object)? {
            IntView::Small(n) => Constant::Int(n),
            IntView::Big(n) => Constant::BigInt {
                negative: n.is_negative(),
                magnitude: n.abs().words().iter().flat_map(|w| w.to_le_bytes()).collect(),
            },
        });
    }
    if float::is_exact(object) {
        return float::as_f64(object).map(Constant::Float);
    }
    if let Some(s) = object.downcast_exact::<Str>() {
        return Some(Constant::Str(s.to_wtf8().into()));
    }
    if let Some(b) = object.downcast_exact::<bytes::Bytes>() {
        return Some(Constant::Bytes(b.as_slice().into()));
    }
    if let Some(t) = object.downcast_exact::<Tuple>() {
        return t.items().iter().map(constant).collect::<Option<Vec<_>>>().map(|v| Constant::Tuple(v.into()));
    }
    if object.ty().is(&complex::COMPLEX) {
        return complex::as_complex(object).map(|z| Constant::Complex(z.re, z.im));
    }
    if object.ty().is(&set::FROZENSET) {
        let items = set::SetObject::of(object)?.to_vec();
        return items.iter().map(constant).collect::<Option<Vec<_>>>().map(|v| Constant::FrozenSet(v.into()));
    }
    if let Some(slice) = Slice::of(object) {
        let parts = [constant(&slice.start)?, constant(&slice.stop)?, constant(&slice.step)?];
        return Some(Constant::Slice(Box::new(parts)));
    }
    to_unit(object).map(|unit| Constant::Code(Box::new(unit)))
}
