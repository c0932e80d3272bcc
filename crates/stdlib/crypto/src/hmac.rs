//! `_hmac`: HMAC over the algorithms that Python always has; and
//! [`HmacObject`], the payload of its objects and of `_hashlib.HMAC`.

use crate::algorithm::{Algorithm, Hmac};
use crate::arguments::{Shared, input};
use crate::hash::add_gil_minsize;
use crate::hashlib::{self, one_shot};
use taipan_runtime::buffer::Buffer;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, exception_class, raise_kept, this};
use taipan_runtime::types::bytes_methods::hex_text;
use taipan_runtime::types::object::OBJECT;

/// Payload of HMAC objects, of `_hashlib` or of `_hmac`.
pub struct HmacObject<const OPENSSL: bool> {
    state: Shared<Hmac>,
    algorithm: Algorithm,
}

impl<const OPENSSL: bool> NativeClass for HmacObject<OPENSSL> {
    fn class() -> &'static Type {
        if OPENSSL { &hashlib::HMAC } else { &HMAC }
    }
}

impl<const OPENSSL: bool> HmacObject<OPENSSL> {
    pub const UPDATE: MethodDef = MethodDef::new(
        "update($self, /, msg)",
        |vm, args| {
            let message = input(vm, &args[1])?;
            this::<Self>(&args[0]).state.feed(vm, message.bytes(), Hmac::feed);
            Ok(Object::NONE)
        },
        if OPENSSL {
            "Update the HMAC object with msg."
        } else {
            "Update the HMAC object with the given message."
        },
    );
    pub const ATTRIBUTES: &'static [GetSetDef] = &[
        GetSetDef::new(
            "digest_size",
            |vm, object| Ok(vm.usize(this::<Self>(object).algorithm.digest_size())),
        ),
        GetSetDef::new("block_size", |vm, object| Ok(vm.usize(this::<Self>(object).algorithm.block_size()))),
        GetSetDef::new("name", |vm, object| {
            Ok(vm.str(&format!("hmac-{}", this::<Self>(object).algorithm.name())))
        }),
    ];

    /// A new object that has read the message. `algorithm` is not extendable.
    pub fn start(vm: &Vm, class: &Type, algorithm: Algorithm, key: &[u8], message: Option<Buffer>) -> Result {
        let state = Shared::new(Hmac::new(algorithm, key));
        if let Some(message) = message {
            state.feed(vm, message.bytes(), Hmac::feed);
        }
        allocate(vm, class, Self { state, algorithm })
    }
    pub fn digest(vm: &Vm, args: &[Object]) -> Result {
        Ok(vm.bytes(&this::<Self>(&args[0]).state.snapshot(vm).finish()))
    }
    pub fn hexdigest(vm: &Vm, args: &[Object]) -> Result {
        hex_text(vm, &this::<Self>(&args[0]).state.snapshot(vm).finish(), None, 0)
    }
    pub fn copy(vm: &Vm, args: &[Object]) -> Result {
        let this = this::<Self>(&args[0]);
        let state = Shared::new(this.state.snapshot(vm));
        allocate(vm, args[0].ty(), Self { state, algorithm: this.algorithm })
    }
    pub fn repr(vm: &Vm, object: &Object) -> Result {
        let name = this::<Self>(object).algorithm.name();
        Ok(vm.str(&format!("<{name} HMAC object @ {:#x}>", object.bits())))
    }
}

impl HmacObject<false> {
    const METHODS: &'static [MethodDef] = &[
        MethodDef {
            hide_signature: false,
            ..MethodDef::raw(
                "copy($self, /)",
                |vm, args, _| {
                    if args.len() > 1 {
                        return Err(vm.type_error("copy() takes no arguments"));
                    }
                    Self::copy(vm, args)
                },
                "Return a copy (\"clone\") of the HMAC object.",
            )
        },
        Self::UPDATE,
        MethodDef::new(
            "digest($self, /)",
            Self::digest,
            "Return the digest of the bytes passed to the update() method so far.\n\nThis method may raise a MemoryError.",
        ),
        MethodDef::new(
            "hexdigest($self, /)",
            Self::hexdigest,
            "Return hexadecimal digest of the bytes passed to the update() method so far.\n\nThis may be used to exchange the value safely in email or other\nnon-binary environments.\n\nThis method may raise a MemoryError.",
        ),
    ];
}

static HMAC: Type = Type::new::<HmacObject<false>>(
    "_hmac.HMAC",
    &OBJECT,
    type_flags::DISALLOW_INSTANTIATION,
    Slots::EMPTY.repr(HmacObject::<false>::repr),
    HmacObject::<false>::METHODS,
    HmacObject::<false>::ATTRIBUTES,
);

const UNKNOWN: &str = "_hmac.UnknownHashError";

/// The names of the algorithms known here, in lower case.
const NAMES: &[(&str, Algorithm)] = &[
    ("md5", Algorithm::Md5),
    ("sha1", Algorithm::Sha1),
    ("sha224", Algorithm::Sha224),
    ("sha256", Algorithm::Sha256),
    ("sha384", Algorithm::Sha384),
    ("sha512", Algorithm::Sha512),
    ("sha3_224", Algorithm::Sha3_224),
    ("sha3_256", Algorithm::Sha3_256),
    ("sha3_384", Algorithm::Sha3_384),
    ("sha3_512", Algorithm::Sha3_512),
    ("blake2s", Algorithm::Blake2s),
    ("blake2s_32", Algorithm::Blake2s),
    ("blake2b", Algorithm::Blake2b),
    ("blake2b_32", Algorithm::Blake2b),
];

fn by_name(vm: &Vm, digest: &Object) -> Result<Algorithm> {
    let name = digest.downcast::<Str>().and_then(|name| name.as_ascii()).map(str::to_ascii_lowercase);
    if let Some((_, found)) = NAMES.iter().find(|(known, _)| Some(*known) == name.as_deref()) {
        return Ok(*found);
    }
    let shown = vm.repr_text(digest)?;
    Err(raise_kept(vm, UNKNOWN, format!("unsupported hash type: {shown}")))
}

fn new(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    static SIG: Sig = Sig::new("new(key, msg=None, digestmod=<absent>)");
    let bound = SIG.bind(vm, args, kwnames)?;
    let Some(digestmod) = bound[2].bound() else {
        return Err(vm.type_error("new() missing 1 required argument 'digestmod'"));
    };
    let algorithm = by_name(vm, digestmod)?;
    let key = input(vm, &bound[0])?;
    if u32::try_from(key.len()).is_err() {
        return Err(vm.overflow_error("key length exceeds UINT32_MAX"));
    }
    let message = match bound[1].some() {
        Some(message) => Some(input(vm, message)?),
        None => None,
    };
    HmacObject::<false>::start(vm, &HMAC, algorithm, key.bytes(), message)
}

fn compute(vm: &Vm, algorithm: Algorithm, key: &Object, message: &Object) -> Result {
    let (key, message) = (input(vm, key)?, input(vm, message)?);
    for (what, buffer) in [("key", &key), ("message", &message)] {
        if u32::try_from(buffer.len()).is_err() {
            return Err(vm.overflow_error(format!("{what} length exceeds UINT32_MAX")));
        }
    }
    Ok(vm.bytes(&one_shot(vm, algorithm, key.bytes(), message.bytes())))
}

macro_rules! compute {
    ($name:literal, $algorithm:ident) => {
        MethodDef::new(
            concat!("compute_", $name, "(key, msg, /)"),
            |vm, args| compute(vm, Algorithm::$algorithm, &args[0], &args[1]),
            "",
        )
    };
}

/// The module.
pub static HMAC_MODULE: ModuleDef = ModuleDef {
    name: "_hmac",
    doc: "",
    functions: &[
        MethodDef {
            hide_signature: false,
            ..MethodDef::raw("new(key, msg=None, digestmod=None)", new, "Return a new HMAC object.")
        },
        MethodDef::new(
            "compute_digest(key, msg, digest)",
            |vm, args| compute(vm, by_name(vm, &args[2])?, &args[0], &args[1]),
            "",
        ),
        compute!("md5", Md5),
        compute!("sha1", Sha1),
        compute!("sha224", Sha224),
        compute!("sha256", Sha256),
        compute!("sha384", Sha384),
        compute!("sha512", Sha512),
        compute!("sha3_224", Sha3_224),
        compute!("sha3_256", Sha3_256),
        compute!("sha3_384", Sha3_384),
        compute!("sha3_512", Sha3_512),
        compute!("blake2s_32", Blake2s),
        compute!("blake2b_32", Blake2b),
    ],
    types: &[&HMAC],
    init: Some(|vm, module| {
        add_gil_minsize(vm, module)?;
        let error = exception_class(vm, UNKNOWN, "_hmac", "UnknownHashError", &exc::VALUE_ERROR, None)?;
        vm.set_attr_str(module, "UnknownHashError", &error)
    }),
};
