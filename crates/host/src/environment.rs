//! Environment variables of the process, and its locale.

use crate::error::{Errno, Result, done};
use crate::policy::{Access, check};
use std::ffi::{CStr, CString};

unsafe extern "C" {
    static environ: *const *const libc::c_char;
}

/// All variables as they stand in memory: `(name, value)`; entries without
/// `=` are left out.
pub fn variables() -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
    check(Access::Environment)?;
    let mut out = Vec::new();
    // SAFETY: the array ends with a null pointer; changes happen only through
    // this module, under the caller's lock.
    unsafe {
        let mut entry = environ;
        while !entry.is_null() && !(*entry).is_null() {
            let bytes = CStr::from_ptr(*entry).to_bytes();
            if let Some(i) = bytes.iter().position(|&b| b == b'=') {
                out.push((bytes[..i].to_vec(), bytes[i + 1..].to_vec()));
            }
            entry = entry.add(1);
        }
    }
    Ok(out)
}

/// The value of one variable.
pub fn variable(name: &CStr) -> Option<Vec<u8>> {
    check(Access::Environment).ok()?;
    // SAFETY: copied at once.
    unsafe {
        let value = libc::getenv(name.as_ptr());
        if value.is_null() { None } else { Some(CStr::from_ptr(value).to_bytes().to_vec()) }
    }
}

pub fn set(name: &CStr, value: &CStr) -> Result {
    check(Access::SetEnvironment)?;
    // SAFETY: both are C strings, copied by the call.
    done(unsafe { libc::setenv(name.as_ptr(), value.as_ptr(), 1) })
}

pub fn unset(name: &CStr) -> Result {
    check(Access::SetEnvironment)?;
    // SAFETY: a C string.
    done(unsafe { libc::unsetenv(name.as_ptr()) })
}

pub fn clear() -> Result {
    check(Access::SetEnvironment)?;
    // SAFETY: no arguments.
    done(unsafe { libc::clearenv() })
}

/// `setlocale(3)`: None as the locale asks only. None if it is refused.
pub fn set_locale(category: i32, locale: Option<&CStr>) -> Option<CString> {
    // SAFETY: the result is copied at once.
    unsafe {
        let found = libc::setlocale(category, locale.map_or(std::ptr::null(), |l| l.as_ptr()));
        if found.is_null() { None } else { Some(CStr::from_ptr(found).to_owned()) }
    }
}

/// `nl_langinfo(3)`.
pub fn language_info(item: i32) -> Vec<u8> {
    // SAFETY: the result is copied at once; never null.
    unsafe {
        let text = libc::nl_langinfo(item);
        if text.is_null() { Vec::new() } else { CStr::from_ptr(text).to_bytes().to_vec() }
    }
}

/// The fields of `localeconv(3)`.
pub struct LocaleConventions {
    pub texts: Vec<(&'static str, Vec<u8>)>,
    /// Lists of group sizes, as the C strings they are.
    pub groupings: Vec<(&'static str, Vec<u8>)>,
    pub numbers: Vec<(&'static str, i8)>,
}

pub fn locale_conventions() -> Result<LocaleConventions> {
    // SAFETY: the structure and its strings are copied at once.
    unsafe {
        let lc = libc::localeconv();
        if lc.is_null() {
            return Err(Errno(libc::EINVAL));
        }
        let lc = &*lc;
        let text = |p: *const libc::c_char| {
            if p.is_null() { Vec::new() } else { CStr::from_ptr(p).to_bytes().to_vec() }
        };
        Ok(LocaleConventions {
            texts: vec![
                ("decimal_point", text(lc.decimal_point)),
                ("thousands_sep", text(lc.thousands_sep)),
                ("int_curr_symbol", text(lc.int_curr_symbol)),
                ("currency_symbol", text(lc.currency_symbol)),
                ("mon_decimal_point", text(lc.mon_decimal_point)),
                ("mon_thousands_sep", text(lc.mon_thousands_sep)),
                ("positive_sign", text(lc.positive_sign)),
                ("negative_sign", text(lc.negative_sign)),
            ],
            groupings: vec![("grouping", text(lc.grouping)), ("mon_grouping", text(lc.mon_grouping))],
            numbers: vec![
                ("int_frac_digits", lc.int_frac_digits),
                ("frac_digits", lc.frac_digits),
                ("p_cs_precedes", lc.p_cs_precedes),
                ("p_sep_by_space", lc.p_sep_by_space),
                ("n_cs_precedes", lc.n_cs_precedes),
                ("n_sep_by_space", lc.n_sep_by_space),
                ("p_sign_posn", lc.p_sign_posn),
                ("n_sign_posn", lc.n_sign_posn),
            ],
        })
    }
}

/// `strcoll(3)` on byte strings in the locale's encoding.
pub fn collate(a: &CStr, b: &CStr) -> std::cmp::Ordering {
    // SAFETY: two C strings.
    unsafe { libc::strcoll(a.as_ptr(), b.as_ptr()) }.cmp(&0)
}

/// `strxfrm(3)`.
pub fn transform(text: &CStr) -> Vec<u8> {
    // SAFETY: the first call asks for the size, the second has room for it.
    unsafe {
        let n = libc::strxfrm(std::ptr::null_mut(), text.as_ptr(), 0);
        let mut out = vec![0u8; n + 1];
        libc::strxfrm(out.as_mut_ptr().cast(), text.as_ptr(), out.len());
        out.truncate(n);
        out
    }
}

// ---- message catalogues (libintl, part of the C library) ----------------------------------

unsafe extern "C" {
    fn gettext(message: *const libc::c_char) -> *mut libc::c_char;
    fn dgettext(domain: *const libc::c_char, message: *const libc::c_char) -> *mut libc::c_char;
    fn dcgettext(
        domain: *const libc::c_char,
        message: *const libc::c_char,
        category: libc::c_int,
    ) -> *mut libc::c_char;
    fn textdomain(domain: *const libc::c_char) -> *mut libc::c_char;
    fn bindtextdomain(domain: *const libc::c_char, directory: *const libc::c_char) -> *mut libc::c_char;
    fn bind_textdomain_codeset(
        domain: *const libc::c_char,
        codeset: *const libc::c_char,
    ) -> *mut libc::c_char;
}

/// A function of the message catalogues.
pub enum Catalogue<'a> {
    Message(&'a CStr),
    MessageIn(Option<&'a CStr>, &'a CStr),
    MessageInCategory(Option<&'a CStr>, &'a CStr, i32),
    /// The current domain; sets it.
    Domain(Option<&'a CStr>),
    Directory(&'a CStr, Option<&'a CStr>),
    Codeset(&'a CStr, Option<&'a CStr>),
}

/// Asks the message catalogues; None for "nothing bound".
pub fn catalogue(request: Catalogue<'_>) -> Result<Option<Vec<u8>>> {
    let pointer = |text: Option<&CStr>| text.map_or(std::ptr::null(), |t| t.as_ptr());
    Errno::clear();
    // SAFETY: C strings or null where the functions allow it; copied at once.
    unsafe {
        let found = match request {
            Catalogue::Message(message) => gettext(message.as_ptr()),
            Catalogue::MessageIn(domain, message) => dgettext(pointer(domain), message.as_ptr()),
            Catalogue::MessageInCategory(domain, message, category) => {
                dcgettext(pointer(domain), message.as_ptr(), category)
            }
            Catalogue::Domain(domain) => textdomain(pointer(domain)),
            Catalogue::Directory(domain, directory) => bindtextdomain(domain.as_ptr(), pointer(directory)),
            Catalogue::Codeset(domain, codeset) => bind_textdomain_codeset(domain.as_ptr(), pointer(codeset)),
        };
        if found.is_null() {
            let e = Errno::last();
            return if e.0 != 0 { Err(e) } else { Ok(None) };
        }
        Ok(Some(CStr::from_ptr(found).to_bytes().to_vec()))
    }
}
