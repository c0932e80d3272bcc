//! `_hashlib`: what CPython gets from OpenSSL, from our own algorithms: hash
//! objects by name, HMAC, key derivation, comparison in constant time.

use crate::algorithm::{Algorithm, Hmac};
use crate::arguments::{GIL_MINSIZE, initial, input};
use crate::hash::{HashObject, add_gil_minsize, kinds, start, update};
use crate::hmac::HmacObject;
use crate::sha3::extended_digest;
use crate::{kdf, openssl_names};
use taipan_runtime::prelude::*;
use taipan_runtime::support::{compare_digest, exception_class, raise_kept, this};
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::str_methods::shown_type;
use taipan_runtime::types::{mappingproxy, set};

const UNSUPPORTED: &str = "_hashlib.UnsupportedDigestmodError";
const CONSTRUCTORS: &str = "_hashlib._constructors";

const HASH_KIND: usize = kinds::HASH;

macro_rules! hash_doc {
    ($length:literal) => {
        concat!(
            "HASH(name, string=b\"\")\n--\n\nA hash is an object used to calculate a checksum of a string of information.\n\nMethods:\n\nupdate() -- updates the current digest with an additional string\ndigest(",
            $length,
            ") -- return the current digest value\nhexdigest(",
            $length,
            ") -- return the current digest as a string of hexadecimal digits\ncopy() -- return a copy of the current hash object\n\nAttributes:\n\nname -- the hash algorithm being used by this object\ndigest_size -- number of bytes in this hashes output"
        )
    };
}

fn hash_repr(vm: &Vm, object: &Object) -> Result {
    let name = this::<HashObject<HASH_KIND>>(object).algorithm.name();
    Ok(vm.str(&format!("<{name} {} object @ {:#x}>", object.ty().full_name(), object.bits())))
}

/// `_hashlib.HASH`.
pub static HASH: Type = Type::new::<HashObject<HASH_KIND>>(
    "_hashlib.HASH",
    &OBJECT,
    type_flags::BASE | type_flags::DISALLOW_INSTANTIATION,
    Slots::EMPTY.repr(hash_repr),
    &[
        MethodDef::new(
            "update($self, obj, /)",
            update::<HASH_KIND>,
            "Update this hash object's state with the provided string.",
        ),
        HashObject::<HASH_KIND>::DIGEST,
        HashObject::<HASH_KIND>::HEXDIGEST,
        HashObject::<HASH_KIND>::COPY,
    ],
    &[
        HashObject::<HASH_KIND>::DIGEST_SIZE,
        HashObject::<HASH_KIND>::BLOCK_SIZE,
        HashObject::<HASH_KIND>::NAME,
    ],
)
.with_doc(hash_doc!(""));

/// `_hashlib.HASHXOF`.
pub static HASHXOF: Type = Type::new::<HashObject<HASH_KIND>>(
    "_hashlib.HASHXOF",
    &HASH,
    type_flags::BASE | type_flags::DISALLOW_INSTANTIATION,
    Slots::EMPTY.repr(hash_repr),
    &[
        MethodDef::new(
            "digest($self, /, length)",
            |vm, args| xof_digest(vm, args, false),
            "Return the digest value as a bytes object.",
        ),
        MethodDef::new(
            "hexdigest($self, /, length)",
            |vm, args| xof_digest(vm, args, true),
            "Return the digest value as a string of hexadecimal digits.",
        ),
    ],
    &[HashObject::<HASH_KIND>::DIGEST_SIZE],
)
.with_doc(hash_doc!("length"));

fn xof_digest(vm: &Vm, args: &[Object], as_hex: bool) -> Result {
    let length = vm.index_isize(&args[1])?;
    match usize::try_from(length) {
        Ok(length) => extended_digest::<HASH_KIND>(vm, &args[0], length, as_hex),
        Err(_) if as_hex => Err(vm.memory_error()),
        Err(_) => Err(vm.system_error("Negative size passed to PyBytes_FromStringAndSize")),
    }
}

/// Raises `UnsupportedDigestmodError`.
#[cold]
fn unsupported(vm: &Vm) -> Raised {
    raise_kept(vm, UNSUPPORTED, "[digital envelope routines] unsupported")
}

/// The algorithm of a name (a str without null characters).
fn by_name(vm: &Vm, name: &Object) -> Result<Algorithm> {
    let utf8 = taipan_runtime::codecs::utf8::encode(vm, name, "strict")?;
    if utf8.contains(&0) {
        return Err(vm.value_error("embedded null character"));
    }
    std::str::from_utf8(&utf8).ok().and_then(openssl_names::find).ok_or_else(|| unsupported(vm))
}

/// The algorithm of a `name` argument of `function`.
pub fn name_argument(vm: &Vm, function: &str, argument: &str, object: &Object) -> Result<Algorithm> {
    if object.downcast::<Str>().is_none() {
        let shown = shown_type(object);
        return Err(vm.type_error(format!("{function}() argument '{argument}' must be str, not {shown}")));
    }
    by_name(vm, object)
}

/// The algorithm of a `digestmod`: a name or one of our constructors.
fn by_digestmod(vm: &Vm, digestmod: &Object) -> Result<Algorithm> {
    if digestmod.downcast::<Str>().is_some() {
        return by_name(vm, digestmod);
    }
    if let Some(table) = vm.shared(CONSTRUCTORS)
        && let Some(table) = table.downcast::<Dict>()
        && let Some(name) = table.get(vm, digestmod)?
    {
        return by_name(vm, &name);
    }
    let shown = vm.repr_text(digestmod)?;
    Err(raise_kept(vm, UNSUPPORTED, format!("Unsupported digestmod {shown}")))
}

fn new_hash(vm: &Vm, algorithm: Algorithm, data: &Object, string: &Object) -> Result {
    let data = initial(vm, data, string)?;
    let class = if algorithm.is_extendable() { &HASHXOF } else { &HASH };
    start::<HASH_KIND>(vm, class, algorithm, data)
}

fn new(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    static SIG: Sig = Sig::new("new(name, data=<absent>, *, usedforsecurity=True, string=<absent>)");
    let bound = SIG.bind(vm, args, kwnames)?;
    if bound[0].downcast::<Str>().is_none() {
        let shown = shown_type(&bound[0]);
        return Err(vm.type_error(format!("new() argument 'name' must be str, not {shown}")));
    }
    vm.is_true(&bound[2])?;
    let algorithm = by_name(vm, &bound[0])?;
    new_hash(vm, algorithm, &bound[1], &bound[3])
}

/// `openssl_NAME`: `shown` is the name in the docstring, `gap` what stands
/// before the last parameter.
macro_rules! constructor {
    ($name:literal, $algorithm:ident, $gap:literal, $shown:literal) => {
        MethodDef {
            hide_signature: false,
            ..MethodDef::raw(
                concat!("openssl_", $name, "(data=b'', *, usedforsecurity=True,", $gap, "string=None)"),
                |vm, args, kwnames| {
                    static SIG: Sig = Sig::new(concat!(
                        "openssl_",
                        $name,
                        "(data=<absent>, *, usedforsecurity=True, string=<absent>)"
                    ));
                    let bound = SIG.bind(vm, args, kwnames)?;
                    vm.is_true(&bound[1])?;
                    new_hash(vm, Algorithm::$algorithm, &bound[0], &bound[2])
                },
                concat!("Returns a ", $shown, " hash object; optionally initialized with a string"),
            )
        }
    };
}

/// The constructors that have a function of their own.
const CONSTRUCTED: &[Algorithm] = &[
    Algorithm::Md5,
    Algorithm::Sha1,
    Algorithm::Sha224,
    Algorithm::Sha256,
    Algorithm::Sha384,
    Algorithm::Sha512,
    Algorithm::Sha3_224,
    Algorithm::Sha3_256,
    Algorithm::Sha3_384,
    Algorithm::Sha3_512,
    Algorithm::Shake128,
    Algorithm::Shake256,
];

// ---- HMAC -------------------------------------------------------------------------------

impl HmacObject<true> {
    const METHODS: &'static [MethodDef] = &[
        Self::UPDATE,
        MethodDef::new(
            "digest($self, /)",
            Self::digest,
            "Return the digest of the bytes passed to the update() method so far.",
        ),
        MethodDef::new(
            "hexdigest($self, /)",
            Self::hexdigest,
            "Return hexadecimal digest of the bytes passed to the update() method so far.\n\nThis may be used to exchange the value safely in email or other\nnon-binary environments.",
        ),
        MethodDef::new("copy($self, /)", Self::copy, "Return a copy (\"clone\") of the HMAC object."),
    ];
}

/// `_hashlib.HMAC`.
pub static HMAC: Type = Type::new::<HmacObject<true>>(
    "_hashlib.HMAC",
    &OBJECT,
    type_flags::DISALLOW_INSTANTIATION,
    Slots::EMPTY.repr(HmacObject::<true>::repr),
    HmacObject::<true>::METHODS,
    HmacObject::<true>::ATTRIBUTES,
)
.with_doc("The object used to calculate HMAC of a message.\n\nMethods:\n\nupdate() -- updates the current digest with an additional string\ndigest() -- return the current digest value\nhexdigest() -- return the current digest as a string of hexadecimal digits\ncopy() -- return a copy of the current hash object\n\nAttributes:\n\nname -- the name, including the hash algorithm used by this object\ndigest_size -- number of bytes in digest() output\n");

/// HMAC of an extendable function is not defined.
fn check_fixed(vm: &Vm, algorithm: Algorithm) -> Result<()> {
    if algorithm.is_extendable() {
        return Err(vm.value_error("no reason supplied"));
    }
    Ok(())
}

fn hmac_new(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    static SIG: Sig = Sig::new("hmac_new(key, msg=<absent>, digestmod=<absent>)");
    let bound = SIG.bind(vm, args, kwnames)?;
    let key = vm.bytes_like(&bound[0], "hmac_new() argument 'key'")?;
    if key.len() > i32::MAX as usize {
        return Err(vm.overflow_error("key is too long."));
    }
    let Some(digestmod) = bound[2].bound() else {
        return Err(vm.type_error("Missing required parameter 'digestmod'."));
    };
    let algorithm = by_digestmod(vm, digestmod)?;
    check_fixed(vm, algorithm)?;
    let message = match bound[1].some() {
        Some(message) => Some(input(vm, message)?),
        None => None,
    };
    HmacObject::<true>::start(vm, &HMAC, algorithm, key.bytes(), message)
}

fn hmac_digest(vm: &Vm, args: &[Object]) -> Result {
    let key = vm.bytes_like(&args[0], "hmac_digest() argument 'key'")?;
    let message = vm.bytes_like(&args[1], "hmac_digest() argument 'msg'")?;
    let algorithm = by_digestmod(vm, &args[2])?;
    if key.len() > i32::MAX as usize {
        return Err(vm.overflow_error("key is too long."));
    }
    if message.len() > i32::MAX as usize {
        return Err(vm.overflow_error("msg is too long."));
    }
    check_fixed(vm, algorithm)?;
    Ok(vm.bytes(&one_shot(vm, algorithm, key.bytes(), message.bytes())))
}

/// HMAC at once, without the GIL if there is much to do.
pub fn one_shot(vm: &Vm, algorithm: Algorithm, key: &[u8], message: &[u8]) -> Vec<u8> {
    let work = || {
        let mut hmac = Hmac::new(algorithm, key);
        hmac.feed(message);
        hmac.finish()
    };
    if key.len().max(message.len()) < GIL_MINSIZE { work() } else { vm.without_gil(work) }
}

// ---- the module -------------------------------------------------------------------------

fn init(vm: &Vm, module: &Object) -> Result<()> {
    add_gil_minsize(vm, module)?;
    let error =
        exception_class(vm, UNSUPPORTED, "_hashlib", "UnsupportedDigestmodError", &exc::VALUE_ERROR, None)?;
    vm.set_attr_str(module, "UnsupportedDigestmodError", &error)?;
    let names = Algorithm::ALL.iter().map(|algorithm| vm.intern(algorithm.name())).collect();
    vm.set_attr_str(module, "openssl_md_meth_names", &set::frozenset_from(vm, names)?)?;
    let table = vm.new_dict();
    for algorithm in CONSTRUCTED {
        let function = vm.get_attr_str(module, &format!("openssl_{}", algorithm.name()))?;
        vm.set_item(&table, &function, &vm.intern(algorithm.name()))?;
    }
    vm.set_attr_str(module, "_constructors", &mappingproxy::new(vm, &table))?;
    vm.share(CONSTRUCTORS, table);
    Ok(())
}

/// The module.
pub static HASHLIB: ModuleDef = ModuleDef {
    name: "_hashlib",
    doc: "OpenSSL interface for hashlib module",
    functions: &[
        MethodDef {
            hide_signature: false,
            ..MethodDef::raw(
                "new(name, data=b'', *, usedforsecurity=True, string=None)",
                new,
                "Return a new hash object using the named algorithm.\n\nAn optional string argument may be provided and will be\nautomatically hashed.\n\nThe MD5 and SHA1 algorithms are always supported.",
            )
        },
        constructor!("md5", Md5, " ", "md5"),
        constructor!("sha1", Sha1, " ", "sha1"),
        constructor!("sha224", Sha224, "\n               ", "sha224"),
        constructor!("sha256", Sha256, "\n               ", "sha256"),
        constructor!("sha384", Sha384, "\n               ", "sha384"),
        constructor!("sha512", Sha512, "\n               ", "sha512"),
        constructor!("sha3_224", Sha3_224, "\n                 ", "sha3-224"),
        constructor!("sha3_256", Sha3_256, "\n                 ", "sha3-256"),
        constructor!("sha3_384", Sha3_384, "\n                 ", "sha3-384"),
        constructor!("sha3_512", Sha3_512, "\n                 ", "sha3-512"),
        constructor!("shake_128", Shake128, "\n                  ", "shake-128 variable"),
        constructor!("shake_256", Shake256, "\n                  ", "shake-256 variable"),
        MethodDef::new(
            "pbkdf2_hmac(hash_name, password, salt, iterations,\n            dklen=None)",
            kdf::pbkdf2_hmac,
            "Password based key derivation function 2 (PKCS #5 v2.0) with HMAC as pseudorandom function.",
        ),
        MethodDef::new(
            "scrypt(password, *, salt, n, r, p, maxmem=0, dklen=64)",
            kdf::scrypt,
            "scrypt password-based key derivation function.",
        ),
        MethodDef {
            hide_signature: false,
            ..MethodDef::raw("hmac_new(key, msg=b'', digestmod=None)", hmac_new, "Return a new hmac object.")
        },
        MethodDef::new("hmac_digest(key, msg, digest)", hmac_digest, "Single-shot HMAC."),
        MethodDef::new(
            "get_fips_mode()",
            |vm, _| Ok(vm.int(0)),
            "Determine the OpenSSL FIPS mode of operation.\n\nFor OpenSSL 3.0.0 and newer it returns the state of the default provider\nin the default OSSL context. It's not quite the same as FIPS_mode() but\ngood enough for unittests.\n\nEffectively any non-zero return value indicates FIPS mode;\nvalues other than 1 may have additional significance.",
        ),
        MethodDef::new(
            "compare_digest(a, b, /)",
            compare_digest,
            "Return 'a == b'.\n\nThis function uses an approach designed to prevent\ntiming analysis, making it appropriate for cryptography.\n\na and b must both be of the same type: either str (ASCII only),\nor any bytes-like object.\n\nNote: If a and b are of different lengths, or if an error occurs,\na timing attack could theoretically reveal information about the\ntypes and lengths of a and b--but not their values.",
        ),
    ],
    types: &[&HASH, &HASHXOF, &HMAC],
    init: Some(init),
};
