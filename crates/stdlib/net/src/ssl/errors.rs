//! The exceptions of `ssl`, and the library's failures as exceptions.

use taipan_runtime::prelude::*;
use taipan_runtime::support::exception_class;
use taipan_runtime::types::exceptions;
use taipan_runtime::types::exceptions_os::OsError;
use taipan_tls::{Failure, LibraryError, kind, verify_text};

/// Keys of the classes that are made when the module is loaded.
pub const ZERO_RETURN: &str = "ssl.SSLZeroReturnError";
pub const WANT_READ: &str = "ssl.SSLWantReadError";
pub const WANT_WRITE: &str = "ssl.SSLWantWriteError";
pub const SYSCALL: &str = "ssl.SSLSyscallError";
pub const EOF: &str = "ssl.SSLEOFError";
pub const CERTIFICATE: &str = "ssl.SSLCertVerificationError";

/// Codes of errors that are not the library's.
pub const ERROR_EOF: i64 = 8;
pub const ERROR_INVALID: i64 = 10;

pub static SSL_ERROR: Type = Type::new::<OsError>(
    "ssl.SSLError",
    &exc::OS_ERROR,
    type_flags::BASE | type_flags::HAVE_GC | type_flags::EXCEPTION_SUBCLASS,
    Slots::EMPTY.str(|vm, error| {
        let text = vm.get_attr_str(error, "strerror")?;
        if text.downcast::<Str>().is_some() {
            return Ok(text);
        }
        vm.str_of(&vm.get_attr_str(error, "args")?)
    }),
    &[],
    &[],
)
.with_dict()
.with_doc("An error occurred in the SSL implementation.");

/// Makes the classes.
pub fn init(vm: &Vm, module: &Object) -> Result<()> {
    for (key, doc) in [
        (ZERO_RETURN, "SSL/TLS session closed cleanly."),
        (
            WANT_READ,
            "Non-blocking SSL socket needs to read more data\nbefore the requested operation can be completed.",
        ),
        (
            WANT_WRITE,
            "Non-blocking SSL socket needs to write more data\nbefore the requested operation can be completed.",
        ),
        (SYSCALL, "System error when attempting SSL operation."),
        (EOF, "SSL/TLS connection terminated abruptly."),
    ] {
        let name = key.trim_start_matches("ssl.");
        let class = exception_class(vm, key, "ssl", name, &SSL_ERROR, Some(doc))?;
        vm.set_attr_str(module, name, &class)?;
    }
    let class = match vm.shared(CERTIFICATE) {
        Some(class) => class,
        None => {
            let bases = vm.tuple(vec![SSL_ERROR.to_object(), exc::VALUE_ERROR.to_object()]);
            let namespace = vm.new_dict();
            vm.set_item(&namespace, &vm.str("__module__"), &vm.str("ssl"))?;
            vm.set_item(&namespace, &vm.str("__doc__"), &vm.str("A certificate could not be verified."))?;
            let metaclass = taipan_runtime::types::typ::TYPE.to_object();
            let class = vm.call(&metaclass, &[vm.str("SSLCertVerificationError"), bases, namespace])?;
            vm.share(CERTIFICATE, class.clone());
            class
        }
    };
    vm.set_attr_str(module, "SSLCertVerificationError", &class)
}

/// What is known of an error.
struct Report<'a> {
    class: Option<&'a str>,
    number: i64,
    /// Instead of the library's words.
    text: Option<String>,
    error: &'a LibraryError,
    /// Code and words of a verification.
    verify: Option<(i64, String)>,
    line: u32,
}

#[cold]
fn raise(vm: &Vm, report: Report) -> Raised {
    let Report { class, number, text, error, verify, line } = report;
    let (library, reason) = (error.library_name().filter(|_| !error.is_none()), error.reason_name());
    let text = text.or_else(|| error.text.clone()).unwrap_or_else(|| "unknown error".to_owned());
    let place = format!("(_ssl.c:{line})");
    let message = match (library, &reason, &verify) {
        (Some(library), Some(reason), Some((_, words))) => {
            format!("[{library}: {reason}] {text}: {words} {place}")
        }
        (Some(library), Some(reason), None) => format!("[{library}: {reason}] {text} {place}"),
        (Some(library), None, _) => format!("[{library}] {text} {place}"),
        _ => format!("{text} {place}"),
    };
    let build = || -> Result {
        let class = match class {
            Some(key) => vm.shared(key).ok_or_else(|| vm.system_error("_ssl is not initialised"))?,
            None => SSL_ERROR.to_object(),
        };
        let exception = vm.call(&class, &[vm.int(number), vm.str(&message)])?;
        let text = |text: Option<&str>| text.map_or(Object::NONE, |text| vm.str(text));
        exceptions::set_attr_quietly(vm, &exception, "reason", text(reason.as_deref()));
        exceptions::set_attr_quietly(vm, &exception, "library", text(library));
        if let Some((code, words)) = &verify {
            exceptions::set_attr_quietly(vm, &exception, "verify_code", vm.int(*code));
            exceptions::set_attr_quietly(vm, &exception, "verify_message", vm.str(words));
        }
        Ok(exception)
    };
    match build() {
        Ok(exception) => vm.raise_in_context(exception),
        Err(raised) => raised,
    }
}

/// The library's last error.
#[cold]
pub fn library(vm: &Vm, error: &LibraryError, line: u32) -> Raised {
    let number = if error.is_none() { 0 } else { error.reason as i64 };
    raise(vm, Report { class: None, number, text: None, error, verify: None, line })
}

/// An error in our own words.
#[cold]
pub fn plain(vm: &Vm, text: &str, line: u32) -> Raised {
    let error = LibraryError::default();
    raise(
        vm,
        Report { class: None, number: 0, text: Some(text.to_owned()), error: &error, verify: None, line },
    )
}

/// SSLError with a message only.
#[cold]
pub fn bare(vm: &Vm, text: &str) -> Raised {
    vm.error(&SSL_ERROR, text)
}

/// A call on a connection has failed. `host` is whom we expected.
#[cold]
pub fn failure(vm: &Vm, failure: &Failure, has_socket: bool, host: Option<&str>, line: u32) -> Raised {
    let error = &failure.error;
    let say = |class: &'static str, number: i32, text: &str| {
        raise(
            vm,
            Report {
                class: Some(class),
                number: number as i64,
                text: Some(text.to_owned()),
                error,
                verify: None,
                line,
            },
        )
    };
    match failure.kind {
        kind::ZERO_RETURN => say(ZERO_RETURN, kind::ZERO_RETURN, "TLS/SSL connection has been closed (EOF)"),
        kind::WANT_READ => say(WANT_READ, kind::WANT_READ, "The operation did not complete (read)"),
        kind::WANT_WRITE => say(WANT_WRITE, kind::WANT_WRITE, "The operation did not complete (write)"),
        kind::SYSCALL if error.is_none() => {
            if failure.result == 0 || !has_socket {
                say(EOF, ERROR_EOF as i32, "EOF occurred in violation of protocol")
            } else if failure.errno != 0 {
                vm.os_error(failure.errno, None)
            } else {
                say(EOF, ERROR_EOF as i32, "EOF occurred in violation of protocol")
            }
        }
        kind::SYSCALL => raise(
            vm,
            Report {
                class: Some(SYSCALL),
                number: kind::SYSCALL as i64,
                text: None,
                error,
                verify: None,
                line,
            },
        ),
        kind::SSL if error.is_none() => raise(
            vm,
            Report {
                class: None,
                number: kind::SSL as i64,
                text: Some("A failure in the SSL library occurred".to_owned()),
                error,
                verify: None,
                line,
            },
        ),
        kind::SSL if error.is_unexpected_eof() => {
            say(EOF, ERROR_EOF as i32, "EOF occurred in violation of protocol")
        }
        kind::SSL if error.is_verify_failure() => {
            let shown = host.unwrap_or("None");
            let words = match failure.verify {
                62 => format!("Hostname mismatch, certificate is not valid for '{shown}'."),
                64 => format!("IP address mismatch, certificate is not valid for '{shown}'."),
                code => verify_text(code).unwrap_or_default(),
            };
            let verify = Some((failure.verify, words));
            raise(
                vm,
                Report {
                    class: Some(CERTIFICATE),
                    number: kind::SSL as i64,
                    text: None,
                    error,
                    verify,
                    line,
                },
            )
        }
        kind::SSL => {
            raise(vm, Report { class: None, number: kind::SSL as i64, text: None, error, verify: None, line })
        }
        _ => raise(
            vm,
            Report {
                class: None,
                number: ERROR_INVALID,
                text: Some("Invalid error code".to_owned()),
                error,
                verify: None,
                line,
            },
        ),
    }
}
