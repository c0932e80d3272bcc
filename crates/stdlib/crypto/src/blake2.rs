//! `_blake2`: BLAKE2b and BLAKE2s with key, salt, personalisation and the
//! parameters of tree hashing.

use crate::algorithm::{Algorithm, State};
use crate::arguments::{initial, unsigned};
use crate::hash::{HashObject, add_gil_minsize, kinds, new_object, update};
use taipan_runtime::prelude::*;
use taipan_runtime::sharing::complete;
use taipan_runtime::types::object::OBJECT;

/// What the two functions differ in.
struct Variant {
    name: &'static str,
    algorithm: Algorithm,
    digest_size: usize,
    key_size: usize,
    salt_size: usize,
    person_size: usize,
    /// Node offsets are smaller.
    max_offset: u64,
}

const B: Variant = Variant {
    name: "Blake2b",
    algorithm: Algorithm::Blake2b,
    digest_size: 64,
    key_size: 64,
    salt_size: 16,
    person_size: 16,
    max_offset: u64::MAX,
};

const S: Variant = Variant {
    name: "Blake2s",
    algorithm: Algorithm::Blake2s,
    digest_size: 32,
    key_size: 32,
    salt_size: 8,
    person_size: 8,
    max_offset: (1 << 48) - 1,
};

/// The parameters, in the order of the signature; checked.
struct Parameters {
    digest_size: usize,
    key: Vec<u8>,
    salt: Vec<u8>,
    person: Vec<u8>,
    fanout: u8,
    depth: u8,
    leaf_size: u32,
    node_offset: u64,
    node_depth: u8,
    inner_size: usize,
    last_node: bool,
}

/// Makes the state; the two crates have the same builder.
macro_rules! start {
    ($crate_:ident, $variant:ident, $p:expr) => {{
        let p = $p;
        let mut params = $crate_::Params::new();
        params
            .hash_length(p.digest_size)
            .key(&p.key)
            .salt(&p.salt)
            .personal(&p.person)
            .fanout(p.fanout)
            .max_depth(p.depth)
            .max_leaf_length(p.leaf_size)
            .node_offset(p.node_offset)
            .node_depth(p.node_depth)
            .inner_hash_length(p.inner_size)
            .last_node(p.last_node);
        State::$variant(params.to_state())
    }};
}

/// An int from 0 (or 1) to 255.
fn small(vm: &Vm, name: &str, n: i32, least: i32) -> Result<u8> {
    match u8::try_from(n) {
        Ok(small) if n >= least => Ok(small),
        _ => Err(vm.value_error(format!("{name} must be between {least} and 255"))),
    }
}

fn short_bytes(vm: &Vm, name: &str, object: &Object, max: usize) -> Result<Vec<u8>> {
    let buffer = vm.bytes_like(object, name)?;
    if buffer.len() > max {
        return Err(vm.value_error(format!("maximum {name} length is {max} bytes")));
    }
    Ok(buffer.bytes().to_vec())
}

fn new<const T: usize>(
    vm: &Vm,
    class: &Type,
    variant: &Variant,
    sig: &'static Sig,
    args: &[Object],
    kwnames: &[Object],
) -> Result {
    let bound = sig.bind(vm, args, kwnames)?;
    let [
        data,
        digest_size,
        key,
        salt,
        person,
        fanout,
        depth,
        leaf_size,
        node_offset,
        node_depth,
        inner_size,
        last_node,
        used_for_security,
        string,
    ] = &bound[..]
    else {
        return Err(vm.system_error("blake2: wrong signature"));
    };
    // First all conversions in order, then the checks of the values.
    let c_int = |object: &Object| vm.to_plain_c_int(object);
    let size = match digest_size.bound() {
        Some(object) => c_int(object)?,
        None => variant.digest_size as i32,
    };
    let bytes = [key, salt, person].map(|object| match object.bound() {
        Some(object) => vm.bytes_like(object, "").map(drop),
        None => Ok(()),
    });
    bytes.into_iter().collect::<Result<Vec<()>>>()?;
    let fanout = c_int(fanout)?;
    let depth = c_int(depth)?;
    let leaf_size = unsigned(vm, leaf_size, "unsigned long")?;
    let node_offset = unsigned(vm, node_offset, "unsigned long long")?;
    let node_depth = c_int(node_depth)?;
    let inner_size = c_int(inner_size)?;
    let last_node = vm.is_true(last_node)?;
    vm.is_true(used_for_security)?;
    let data = initial(vm, data, string)?;

    let max = variant.digest_size;
    if size < 1 || size as usize > max {
        let name = variant.name;
        let message = format!("digest_size for {name} must be between 1 and {max} bytes, here it is {size}");
        return Err(vm.value_error(message));
    }
    let optional = |name: &str, object: &Object, max: usize| match object.bound() {
        Some(object) => short_bytes(vm, name, object, max),
        None => Ok(Vec::new()),
    };
    let parameters = Parameters {
        digest_size: size as usize,
        salt: optional("salt", salt, variant.salt_size)?,
        person: optional("person", person, variant.person_size)?,
        fanout: small(vm, "fanout", fanout, 0)?,
        depth: small(vm, "depth", depth, 1)?,
        leaf_size: u32::try_from(leaf_size).map_err(|_| vm.overflow_error("leaf_size is too large"))?,
        node_offset: if node_offset <= variant.max_offset {
            node_offset
        } else {
            return Err(vm.overflow_error("node_offset is too large"));
        },
        node_depth: small(vm, "node_depth", node_depth, 0)?,
        inner_size: match usize::try_from(inner_size) {
            Ok(n) if n <= max => n,
            _ => return Err(vm.value_error(format!("inner_size must be between 0 and is {max}"))),
        },
        key: optional("key", key, variant.key_size)?,
        last_node,
    };
    let state = match variant.algorithm {
        Algorithm::Blake2s => start!(blake2s_simd, Blake2s, &parameters),
        _ => start!(blake2b_simd, Blake2b, &parameters),
    };
    new_object::<T>(vm, class, (variant.algorithm, parameters.digest_size, state), data)
}

impl<const T: usize> HashObject<T> {
    const BLAKE2_METHODS: &'static [MethodDef] = &[
        Self::COPY,
        Self::DIGEST,
        Self::HEXDIGEST,
        MethodDef::new(
            "update($self, data, /)",
            update::<T>,
            "Update this hash object's state with the provided bytes-like object.",
        ),
    ];
    const BLAKE2_ATTRIBUTES: &'static [GetSetDef] = &[Self::NAME, Self::BLOCK_SIZE, Self::DIGEST_SIZE];
}

macro_rules! blake2_type {
    ($static:ident, $variant:ident, $python:literal, $doc:literal) => {
        pub static $static: Type = Type::new::<HashObject<{ kinds::$static }>>(
            concat!("_blake2.", $python),
            &OBJECT,
            0,
            Slots {
                new: Some(|vm, class, args, kwnames| {
                    static SIG: Sig = Sig::new(concat!(
                        $python,
                        "(data=<absent>, *, digest_size=<absent>, key=<absent>, salt=<absent>, person=<absent>, \
                         fanout=1, depth=1, leaf_size=0, node_offset=0, node_depth=0, inner_size=0, \
                         last_node=False, usedforsecurity=True, string=<absent>)"
                    ));
                    new::<{ kinds::$static }>(vm, class, &$variant, &SIG, args, kwnames)
                }),
                ..Slots::EMPTY
            },
            HashObject::<{ kinds::$static }>::BLAKE2_METHODS,
            HashObject::<{ kinds::$static }>::BLAKE2_ATTRIBUTES,
        )
        .with_doc(concat!(
            $python,
            "(data=b'', *, digest_size=_blake2.",
            $python,
            ".MAX_DIGEST_SIZE,\n        key=b'', salt=b'', person=b'', fanout=1, depth=1, leaf_size=0,\n        node_offset=0, node_depth=0, inner_size=0, last_node=False,\n        usedforsecurity=True, string=None)\n--\n\n",
            $doc
        ));
    };
}

blake2_type!(BLAKE2B, B, "blake2b", "Return a new BLAKE2b hash object.");
blake2_type!(BLAKE2S, S, "blake2s", "Return a new BLAKE2s hash object.");

/// The module.
pub static BLAKE2_MODULE: ModuleDef = ModuleDef {
    name: "_blake2",
    doc: "_blake2b provides BLAKE2b for hashlib\n",
    functions: &[],
    types: &[&BLAKE2B, &BLAKE2S],
    init: Some(|vm, module| {
        add_gil_minsize(vm, module)?;
        for (class, prefix, variant) in [(&BLAKE2B, "BLAKE2B", &B), (&BLAKE2S, "BLAKE2S", &S)] {
            let sizes = [
                ("SALT_SIZE", variant.salt_size),
                ("PERSON_SIZE", variant.person_size),
                ("MAX_KEY_SIZE", variant.key_size),
                ("MAX_DIGEST_SIZE", variant.digest_size),
            ];
            complete(vm, class, || {
                sizes.iter().for_each(|&(name, value)| class.dict().set_text(vm, name, vm.usize(value)))
            });
            for (name, value) in sizes {
                vm.set_attr_str(module, &format!("{prefix}_{name}"), &vm.usize(value))?;
            }
        }
        Ok(())
    }),
};
