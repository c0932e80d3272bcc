//! Taipan: the regular expression engine behind Python's `_sre`.
//!
//! It executes the code lists that CPython 3.14's `re/_compiler.py` produces
//! (SRE magic 20230612). [`Program::new`] validates a code list completely and
//! decodes it once into an internal instruction array with resolved jump
//! targets, 256-entry character tables and first-character sets; the matcher
//! ([`Program::run`], [`Scanner`]) works over one-, two- and four-byte code
//! units with an explicit, bounded backtracking stack, so that no subject and
//! no code list can exhaust the native stack or read out of bounds.
//!
//! * `constants`: the numbers of the code list;
//! * `charset`: one-character classes;
//! * `decode`: validation and translation;
//! * `analyse`: first sets and the search plan;
//! * `exec`: the backtracking machine;
//! * `search`: finding the first match and stepping over a subject.

#![forbid(unsafe_code)]

mod analyse;
mod charset;
mod constants;
mod decode;
mod exec;
mod search;

pub use constants::{MAGIC, MAXGROUPS, MAXREPEAT, flag};
pub use decode::{CodeError, Program};
pub use exec::{Abort, DEFAULT_STACK_BYTES, State};
pub use search::{Mode, Scanner, Subject};

/// The case folding of one character that `_sre.ascii_tolower` gives.
pub fn ascii_tolower(ch: u32) -> u32 {
    charset::Fold::Ascii.lower(ch)
}

/// The case folding of one character that `_sre.unicode_tolower` gives.
pub fn unicode_tolower(ch: u32) -> u32 {
    taipan_unicode::simple_lower(ch)
}

/// `_sre.ascii_iscased`.
pub fn ascii_iscased(ch: u32) -> bool {
    ch < 128 && (ch as u8).is_ascii_alphabetic()
}

/// `_sre.unicode_iscased`.
pub fn unicode_iscased(ch: u32) -> bool {
    let lower = taipan_unicode::simple_lower(ch);
    ch != lower || ch != taipan_unicode::simple_upper(ch)
}
