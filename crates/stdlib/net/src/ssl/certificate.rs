//! `Certificate`, and certificates as dicts.

use std::hash::{Hash, Hasher};
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, this};
use taipan_runtime::types::bytes;
use taipan_runtime::types::object::OBJECT;
use taipan_tls::{AlternativeName, Name};

/// Payload of `Certificate`.
pub struct Certificate(taipan_tls::Certificate);

impl NativeClass for Certificate {
    fn class() -> &'static Type {
        &CERTIFICATE
    }
}

const ENCODING_PEM: i32 = 1;
const ENCODING_DER: i32 = 2;

pub static CERTIFICATE: Type = Type::new::<Certificate>(
    "_ssl.Certificate",
    &OBJECT,
    type_flags::DISALLOW_INSTANTIATION | type_flags::IMMUTABLE,
    Slots {
        hash: Some(|_, object| {
            let mut hasher = std::hash::DefaultHasher::new();
            this::<Certificate>(object).0.name_hash().hash(&mut hasher);
            // -1 stands for an error in C.
            Ok((hasher.finish() as i64).max(i64::MIN + 1))
        }),
        compare: Some(|_, a, b, op| {
            let (Some(x), Some(y)) = (a.downcast::<Certificate>(), b.downcast::<Certificate>()) else {
                return Ok(Object::immediate(Value::NOT_IMPLEMENTED));
            };
            match op {
                CompareOp::Eq => Ok(Object::bool(x.0.is_same(&y.0))),
                CompareOp::Ne => Ok(Object::bool(!x.0.is_same(&y.0))),
                _ => Ok(Object::immediate(Value::NOT_IMPLEMENTED)),
            }
        }),
        ..Slots::EMPTY.repr(|vm, object| {
            let subject = this::<Certificate>(object).0.subject_line();
            Ok(vm.str(&format!("<_ssl.Certificate '{subject}'>")))
        })
    },
    &[
        MethodDef::new(
            "public_bytes($self, /, format=1)",
            |vm, args| {
                let certificate = &this::<Certificate>(&args[0]).0;
                match vm.to_plain_c_int(&args[1])? {
                    ENCODING_PEM => Ok(vm.str(&certificate.pem())),
                    ENCODING_DER => der(vm, certificate),
                    _ => Err(vm.value_error("Unsupported format")),
                }
            },
            "The certificate in PEM or DER.",
        ),
        MethodDef::new(
            "get_info($self, /)",
            |vm, args| decode(vm, &this::<Certificate>(&args[0]).0),
            "The certificate as a dict.",
        ),
    ],
    &[],
);

/// A certificate as an object.
pub fn wrap(vm: &Vm, certificate: taipan_tls::Certificate) -> Result {
    allocate(vm, &CERTIFICATE, Certificate(certificate))
}

/// Certificates as a list of objects.
pub fn wrap_all(vm: &Vm, certificates: Vec<taipan_tls::Certificate>) -> Result {
    let objects: Result<Vec<Object>> = certificates.into_iter().map(|c| wrap(vm, c)).collect();
    Ok(vm.list(objects?))
}

pub fn der(vm: &Vm, certificate: &taipan_tls::Certificate) -> Result {
    match certificate.der() {
        Some(der) => bytes::new(vm, &der),
        None => Err(vm.memory_error()),
    }
}

fn name(vm: &Vm, name: &Name) -> Object {
    let pair = |(what, value): &(String, String)| vm.tuple(vec![vm.str(what), vm.str(value)]);
    vm.tuple(name.iter().map(|set| vm.tuple(set.iter().map(pair).collect())).collect())
}

/// A certificate as a dict.
pub fn decode(vm: &Vm, certificate: &taipan_tls::Certificate) -> Result {
    let dict = vm.new_dict();
    let put = |key: &str, value: Object| vm.set_item(&dict, &vm.str(key), &value);
    put("subject", name(vm, &certificate.subject()))?;
    put("issuer", name(vm, &certificate.issuer()))?;
    put("version", vm.int(certificate.version()))?;
    put("serialNumber", vm.str(&certificate.serial()))?;
    put("notBefore", vm.str(&certificate.not_before()))?;
    put("notAfter", vm.str(&certificate.not_after()))?;
    let alternatives = certificate.alternative_names();
    if !alternatives.is_empty() {
        let show = |alternative: &AlternativeName| {
            vm.tuple(match alternative {
                AlternativeName::Directory(directory) => vec![vm.str("DirName"), name(vm, directory)],
                AlternativeName::Text(what, value) => {
                    vec![vm.str(what), vm.str(&String::from_utf8_lossy(value))]
                }
                AlternativeName::Other(what, value) => vec![vm.str(what), vm.str(value)],
            })
        };
        put("subjectAltName", vm.tuple(alternatives.iter().map(show).collect()))?;
    }
    for (key, addresses) in [
        ("OCSP", certificate.access(true)),
        ("caIssuers", certificate.access(false)),
        ("crlDistributionPoints", certificate.crl_points()),
    ] {
        if !addresses.is_empty() {
            put(key, vm.tuple(addresses.iter().map(|address| vm.str(address)).collect()))?;
        }
    }
    Ok(dict)
}
