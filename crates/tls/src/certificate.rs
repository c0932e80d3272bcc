//! X.509 certificates: reading them, and what Python shows of them.

use crate::{LibraryError, object_text, owned, raw};
use std::ffi::{CStr, c_int, c_void};
use std::ptr::{NonNull, null_mut};

/// A name: sets of pairs of what and value.
pub type Name = Vec<Vec<(String, String)>>;

/// Another name of the subject.
pub enum AlternativeName {
    Directory(Name),
    /// What it is ("DNS", ...) and its value.
    Text(&'static str, Vec<u8>),
    Other(String, String),
}

/// A certificate.
pub struct Certificate(NonNull<raw::X509>);

// SAFETY: reference counts are atomic, and certificates are not changed.
unsafe impl Send for Certificate {}

impl Drop for Certificate {
    fn drop(&mut self) {
        // SAFETY: a reference of our own.
        unsafe { raw::X509_free(self.0.as_ptr()) }
    }
}

/// A BIO in memory.
struct MemoryBio(*mut raw::BIO);

impl MemoryBio {
    fn new() -> MemoryBio {
        // SAFETY: null only without memory, which the calls below survive.
        MemoryBio(unsafe { raw::BIO_new(raw::BIO_s_mem()) })
    }
    fn text(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut room = [0u8; 4096];
        loop {
            if self.0.is_null() {
                return out;
            }
            // SAFETY: room for so many bytes.
            let count = unsafe { raw::BIO_read(self.0, room.as_mut_ptr().cast(), room.len() as c_int) };
            match usize::try_from(count) {
                Ok(count) if count > 0 => out.extend_from_slice(&room[..count.min(room.len())]),
                _ => return out,
            }
        }
    }
    fn string(&self) -> String {
        String::from_utf8_lossy(&self.text()).into_owned()
    }
}

impl Drop for MemoryBio {
    fn drop(&mut self) {
        // SAFETY: null is allowed.
        unsafe { raw::BIO_free(self.0) };
    }
}

unsafe extern "C" fn no_password(_: *mut std::ffi::c_char, _: c_int, _: c_int, _: *mut c_void) -> c_int {
    0
}

/// The items of a stack.
///
/// # Safety
/// Null or a stack of pointers to T.
unsafe fn items<T>(stack: *const raw::STACK) -> Vec<*mut T> {
    if stack.is_null() {
        return Vec::new();
    }
    // SAFETY: says the caller.
    unsafe { (0..raw::OPENSSL_sk_num(stack)).map(|i| raw::OPENSSL_sk_value(stack, i).cast()).collect() }
}

/// # Safety
/// A string of the library.
unsafe fn string_bytes(string: *const raw::ASN1_STRING) -> Vec<u8> {
    // SAFETY: says the caller.
    unsafe {
        let len = usize::try_from(raw::ASN1_STRING_length(string)).unwrap_or(0);
        let data = raw::ASN1_STRING_get0_data(string);
        if data.is_null() { Vec::new() } else { std::slice::from_raw_parts(data, len).to_vec() }
    }
}

/// # Safety
/// A name of the library.
unsafe fn name(name: *const raw::X509_NAME) -> Name {
    let mut out: Name = Vec::new();
    let mut last_set = -1;
    // SAFETY: says the caller; the UTF-8 is ours to free.
    unsafe {
        for i in 0..raw::X509_NAME_entry_count(name) {
            let entry = raw::X509_NAME_get_entry(name, i);
            let set = raw::X509_NAME_ENTRY_set(entry);
            let what = object_text(raw::X509_NAME_ENTRY_get_object(entry), true);
            let mut utf8 = null_mut();
            let len = raw::ASN1_STRING_to_UTF8(&mut utf8, raw::X509_NAME_ENTRY_get_data(entry));
            let value = match usize::try_from(len) {
                Ok(len) => {
                    let value = String::from_utf8_lossy(std::slice::from_raw_parts(utf8, len)).into_owned();
                    raw::CRYPTO_free(utf8.cast(), c"".as_ptr(), 0);
                    value
                }
                Err(_) => String::new(),
            };
            if set != last_set || out.is_empty() {
                out.push(Vec::new());
                last_set = set;
            }
            if let Some(pairs) = out.last_mut() {
                pairs.push((what, value));
            }
        }
    }
    out
}

const NID_SUBJECT_ALT_NAME: c_int = 85;
const NID_CRL_DISTRIBUTION_POINTS: c_int = 103;
const NID_INFO_ACCESS: c_int = 177;
pub const NID_OCSP: c_int = 178;
pub const NID_CA_ISSUERS: c_int = 179;

impl Certificate {
    /// # Safety
    /// Null or a certificate with a reference that becomes ours.
    pub(crate) unsafe fn from_owned(raw: *mut raw::X509) -> Option<Certificate> {
        NonNull::new(raw).map(Certificate)
    }
    /// # Safety
    /// Null or a certificate.
    pub(crate) unsafe fn from_borrowed(raw: *mut raw::X509) -> Option<Certificate> {
        let raw = NonNull::new(raw)?;
        // SAFETY: says the caller.
        unsafe { raw::X509_up_ref(raw.as_ptr()) };
        Some(Certificate(raw))
    }
    pub(crate) fn raw(&self) -> *mut raw::X509 {
        self.0.as_ptr()
    }
    /// # Safety
    /// Null or a stack of certificates.
    pub(crate) unsafe fn all(stack: *const raw::STACK) -> Vec<Certificate> {
        // SAFETY: says the caller.
        unsafe { items(stack).into_iter().filter_map(|raw| Certificate::from_borrowed(raw)).collect() }
    }
    /// The first certificate of a file. None: the file cannot be opened.
    pub fn from_file(path: &CStr) -> Option<Result<Certificate, LibraryError>> {
        crate::start();
        // SAFETY: a terminated name; the BIO is freed.
        unsafe {
            let bio = MemoryBio(raw::BIO_new_file(path.as_ptr(), c"rb".as_ptr()));
            if bio.0.is_null() {
                LibraryError::clear();
                return None;
            }
            let raw = raw::PEM_read_bio_X509_AUX(bio.0, null_mut(), Some(no_password), null_mut());
            Some(Certificate::from_owned(raw).ok_or_else(LibraryError::take))
        }
    }
    /// All certificates of some text or bytes.
    pub fn parse(data: &[u8], pem: bool) -> (Vec<Certificate>, LibraryError, bool) {
        crate::start();
        LibraryError::clear();
        let mut out = Vec::new();
        let len = c_int::try_from(data.len()).unwrap_or(0);
        // SAFETY: so many bytes, only read; they outlive the BIO.
        unsafe {
            let bio = MemoryBio(raw::BIO_new_mem_buf(data.as_ptr().cast(), len));
            while !bio.0.is_null() {
                let raw = if pem {
                    raw::PEM_read_bio_X509(bio.0, null_mut(), Some(no_password), null_mut())
                } else {
                    raw::d2i_X509_bio(bio.0, null_mut())
                };
                match Certificate::from_owned(raw) {
                    Some(certificate) => out.push(certificate),
                    None => break,
                }
            }
        }
        let error = LibraryError::take();
        let end = error.is_none() || if pem { error.is_end_of_pem() } else { error.is_end_of_der() };
        (out, error, end)
    }
    pub fn der(&self) -> Option<Vec<u8>> {
        let mut raw = null_mut();
        // SAFETY: the library allocates; the bytes are copied and freed.
        unsafe {
            let len = usize::try_from(raw::i2d_X509(self.raw(), &mut raw)).ok()?;
            if raw.is_null() {
                return None;
            }
            let out = std::slice::from_raw_parts(raw, len).to_vec();
            raw::CRYPTO_free(raw.cast(), c"".as_ptr(), 0);
            Some(out)
        }
    }
    pub fn pem(&self) -> String {
        let bio = MemoryBio::new();
        // SAFETY: a certificate and a BIO.
        unsafe { raw::PEM_write_bio_X509(bio.0, self.raw()) };
        bio.string()
    }
    // SAFETY of all below: a certificate; what is borrowed of it is copied at once.
    pub fn is_authority(&self) -> bool {
        unsafe { raw::X509_check_ca(self.raw()) != 0 }
    }
    pub fn is_same(&self, other: &Certificate) -> bool {
        unsafe { raw::X509_cmp(self.raw(), other.raw()) == 0 }
    }
    pub fn name_hash(&self) -> u64 {
        unsafe { raw::X509_subject_name_hash(self.raw()) }
    }
    pub fn subject(&self) -> Name {
        unsafe { name(raw::X509_get_subject_name(self.raw())) }
    }
    pub fn issuer(&self) -> Name {
        unsafe { name(raw::X509_get_issuer_name(self.raw())) }
    }
    /// The subject as one line.
    pub fn subject_line(&self) -> String {
        // XN_FLAG_RFC2253 without escaping of characters above ASCII.
        const FLAGS: u64 = 0x111_0317 & !4;
        let bio = MemoryBio::new();
        unsafe { raw::X509_NAME_print_ex(bio.0, raw::X509_get_subject_name(self.raw()), 0, FLAGS) };
        bio.string()
    }
    pub fn version(&self) -> i64 {
        unsafe { raw::X509_get_version(self.raw()) as i64 + 1 }
    }
    pub fn serial(&self) -> String {
        let bio = MemoryBio::new();
        unsafe { raw::i2a_ASN1_INTEGER(bio.0, raw::X509_get_serialNumber(self.raw())) };
        bio.string()
    }
    pub fn not_before(&self) -> String {
        let bio = MemoryBio::new();
        unsafe { raw::ASN1_TIME_print(bio.0, raw::X509_get0_notBefore(self.raw())) };
        bio.string()
    }
    pub fn not_after(&self) -> String {
        let bio = MemoryBio::new();
        unsafe { raw::ASN1_TIME_print(bio.0, raw::X509_get0_notAfter(self.raw())) };
        bio.string()
    }
    /// The other names of the subject.
    pub fn alternative_names(&self) -> Vec<AlternativeName> {
        let mut out = Vec::new();
        unsafe {
            let names: *mut raw::STACK =
                raw::X509_get_ext_d2i(self.raw(), NID_SUBJECT_ALT_NAME, null_mut(), null_mut()).cast();
            for general in items::<raw::GENERAL_NAME>(names) {
                let value = (*general).value;
                out.push(match (*general).kind {
                    4 => AlternativeName::Directory(name(value.cast())),
                    1 => AlternativeName::Text("email", string_bytes(value.cast())),
                    2 => AlternativeName::Text("DNS", string_bytes(value.cast())),
                    6 => AlternativeName::Text("URI", string_bytes(value.cast())),
                    8 => {
                        let bio = MemoryBio::new();
                        raw::i2a_ASN1_OBJECT(bio.0, value.cast());
                        AlternativeName::Text("Registered ID", bio.text())
                    }
                    7 => AlternativeName::Text("IP Address", address(&string_bytes(value.cast()))),
                    _ => {
                        let bio = MemoryBio::new();
                        raw::GENERAL_NAME_print(bio.0, general);
                        let text = bio.string();
                        let (what, value) = text.split_once(':').unwrap_or((&text, ""));
                        AlternativeName::Other(what.to_owned(), value.to_owned())
                    }
                });
            }
            if !names.is_null() {
                raw::GENERAL_NAMES_free(names);
            }
        }
        LibraryError::clear();
        out
    }
    /// Addresses (URIs) of OCSP servers, or of issuers' certificates.
    pub fn access(&self, ocsp: bool) -> Vec<String> {
        let wanted = if ocsp { NID_OCSP } else { NID_CA_ISSUERS };
        let mut out = Vec::new();
        unsafe {
            let all: *mut raw::STACK =
                raw::X509_get_ext_d2i(self.raw(), NID_INFO_ACCESS, null_mut(), null_mut()).cast();
            for description in items::<raw::ACCESS_DESCRIPTION>(all) {
                if raw::OBJ_obj2nid((*description).method) == wanted {
                    out.extend(uri((*description).location));
                }
            }
            if !all.is_null() {
                raw::AUTHORITY_INFO_ACCESS_free(all);
            }
        }
        LibraryError::clear();
        out
    }
    /// Addresses of lists of revoked certificates.
    pub fn crl_points(&self) -> Vec<String> {
        let mut out = Vec::new();
        unsafe {
            let all: *mut raw::STACK =
                raw::X509_get_ext_d2i(self.raw(), NID_CRL_DISTRIBUTION_POINTS, null_mut(), null_mut()).cast();
            for point in items::<raw::DIST_POINT>(all) {
                let point = (*point).point;
                // Names relative to the issuer's have another kind.
                if point.is_null() || (*point).kind != 0 {
                    continue;
                }
                for general in items::<raw::GENERAL_NAME>((*point).name) {
                    out.extend(uri(general));
                }
            }
            if !all.is_null() {
                raw::CRL_DIST_POINTS_free(all);
            }
        }
        LibraryError::clear();
        out
    }
}

/// # Safety
/// A general name.
unsafe fn uri(general: *const raw::GENERAL_NAME) -> Option<String> {
    // SAFETY: says the caller.
    unsafe {
        if general.is_null() || (*general).kind != 6 {
            return None;
        }
        Some(String::from_utf8_lossy(&string_bytes((*general).value.cast())).into_owned())
    }
}

/// An IP address as Python shows it.
fn address(bytes: &[u8]) -> Vec<u8> {
    match bytes {
        [a, b, c, d] => format!("{a}.{b}.{c}.{d}").into_bytes(),
        _ if bytes.len() == 16 => {
            let (pairs, _) = bytes.as_chunks::<2>();
            let words: Vec<String> =
                pairs.iter().map(|pair| format!("{:X}", u16::from_be_bytes(*pair))).collect();
            words.join(":").into_bytes()
        }
        _ => b"<invalid>".to_vec(),
    }
}

/// The library's name for a number.
pub(crate) fn long_name(number: c_int) -> Option<String> {
    if number == 0 {
        return None;
    }
    // SAFETY: a string constant.
    unsafe { owned(raw::OBJ_nid2ln(number)) }
}
