//! What went wrong, as the library tells it.

use crate::{owned, raw};

/// An entry of the library's queue of errors.
#[derive(Clone, Debug, Default)]
pub struct LibraryError {
    /// 0: there was none.
    pub code: u64,
    pub library: i32,
    pub reason: i32,
    /// The library's words.
    pub text: Option<String>,
}

const LIB_SYS: i32 = 2;
const LIB_X509: i32 = 11;
const LIB_SSL: i32 = 20;

impl LibraryError {
    /// The last entry; the queue is emptied.
    pub fn take() -> LibraryError {
        // SAFETY: calls about this thread's queue; a string constant.
        unsafe {
            let code = raw::ERR_peek_last_error();
            let text = owned(raw::ERR_reason_error_string(code));
            raw::ERR_clear_error();
            if code == 0 {
                return LibraryError::default();
            }
            // An error of the system has its number and a flag only.
            let (library, reason) = if code & 0x8000_0000 != 0 {
                (LIB_SYS, (code & 0x7fff_ffff) as i32)
            } else {
                (((code >> 23) & 0xff) as i32, (code & 0x7f_ffff) as i32)
            };
            LibraryError { code, library, reason, text }
        }
    }
    pub(crate) fn clear() {
        // SAFETY: a call about this thread's queue.
        unsafe { raw::ERR_clear_error() }
    }
    pub fn is_none(&self) -> bool {
        self.code == 0
    }
    /// The number of an error of the system.
    pub fn errno(&self) -> Option<i32> {
        (self.library == LIB_SYS).then_some(self.reason)
    }
    /// "SSL", "X509", ...
    pub fn library_name(&self) -> Option<&'static str> {
        Some(match self.library {
            LIB_SYS => "SYS",
            3 => "BN",
            4 => "RSA",
            5 => "DH",
            6 => "EVP",
            8 => "OBJ",
            9 => "PEM",
            10 => "DSA",
            LIB_X509 => "X509",
            13 => "ASN1",
            14 => "CONF",
            15 => "CRYPTO",
            16 => "EC",
            LIB_SSL => "SSL",
            32 => "BIO",
            33 => "PKCS7",
            34 => "X509V3",
            35 => "PKCS12",
            36 => "RAND",
            39 => "OCSP",
            40 => "UI",
            _ => return None,
        })
    }
    /// Reasons that all libraries have ("PEM lib") have a flag, and no constant.
    pub fn is_common(&self) -> bool {
        const FLAGS: i32 = 0x1f << 18;
        self.reason & FLAGS != 0
    }
    /// "CERTIFICATE_VERIFY_FAILED", ...: the words as a constant.
    pub fn reason_name(&self) -> Option<String> {
        if self.is_common() {
            return None;
        }
        let text = self.text.as_ref()?;
        let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
        Some(text.chars().map(letter).collect())
    }
    pub fn is_verify_failure(&self) -> bool {
        self.library == LIB_SSL && self.reason == 134
    }
    pub fn is_unexpected_eof(&self) -> bool {
        self.library == LIB_SSL && self.reason == 294
    }
    pub fn is_duplicate_certificate(&self) -> bool {
        self.library == LIB_X509 && self.reason == 101
    }
    pub(crate) fn is_end_of_pem(&self) -> bool {
        self.library == 9 && self.reason == 108
    }
    pub(crate) fn is_end_of_der(&self) -> bool {
        self.library == 13 && self.reason == 142
    }
}

/// A call on a connection that did not succeed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// `SSL_get_error`'s answer.
    pub kind: i32,
    /// What the call returned.
    pub result: i32,
    /// Of the transport's last call.
    pub errno: i32,
    pub error: LibraryError,
    /// The result of the verification, and its words.
    pub verify: i64,
}

/// The library's words for the result of a verification.
pub fn verify_text(code: i64) -> Option<String> {
    // SAFETY: a string constant.
    unsafe { owned(raw::X509_verify_cert_error_string(code)) }
}
