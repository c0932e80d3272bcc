//! Bytes to source text: byte order mark, coding cookie, UTF-8 validation.
//!
//! UTF-8, ASCII and Latin-1 are decoded here; any other codec named by a PEP 263
//! cookie is handed back to the caller.

use std::borrow::Cow;

use crate::error::{ErrorKind, SyntaxError};

/// Outcome of [`decode_source`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decoded<'b> {
    /// The text, without byte order mark.
    Text(Cow<'b, str>),
    /// The cookie names a codec that the runtime has to supply.
    NeedsCodec {
        /// Name as written in the cookie.
        name: String,
    },
}

fn error(message: String, lineno: u32, offset: i32, end_offset: i32) -> SyntaxError {
    SyntaxError {
        kind: ErrorKind::Syntax,
        message,
        lineno,
        offset,
        end_lineno: lineno as i32,
        end_offset,
        text: None,
        context: None,
    }
}

/// The encoding named in a comment line, if any.
fn cookie(line: &[u8]) -> Option<String> {
    let blank = line.iter().position(|b| !matches!(b, b' ' | b'\t' | 0x0c))?;
    if line[blank] != b'#' {
        return None;
    }
    let mut i = blank;
    while i + 6 < line.len() {
        if line[i..].starts_with(b"coding") && matches!(line.get(i + 6), Some(b':' | b'=')) {
            let mut j = i + 7;
            while matches!(line.get(j), Some(b' ' | b'\t')) {
                j += 1;
            }
            let start = j;
            while line.get(j).is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')) {
                j += 1;
            }
            if j > start {
                return Some(String::from_utf8_lossy(&line[start..j]).into_owned());
            }
        }
        i += 1;
    }
    None
}

fn normal(name: &str) -> String {
    let lower: String =
        name.chars().take(12).map(|c| if c == '_' { '-' } else { c.to_ascii_lowercase() }).collect();
    let is = |s: &str| lower == s || lower.starts_with(&format!("{s}-"));
    if is("utf-8") {
        "utf-8".into()
    } else if is("latin-1") || is("iso-8859-1") || is("iso-latin-1") {
        "iso-8859-1".into()
    } else {
        name.to_string()
    }
}

/// Decode the bytes of a `compile()` argument or of a source file. (For a script file CPython names
/// the file in the message about bytes that are not UTF-8; that is for the caller to put in.)
pub fn decode_source(bytes: &[u8]) -> Result<Decoded<'_>, SyntaxError> {
    if memchr::memchr(0, bytes).is_some() {
        return Err(error("source code string cannot contain null bytes".into(), 0, 0, 0));
    }
    let (bom, body) = match bytes.strip_prefix(b"\xEF\xBB\xBF") {
        Some(rest) => (true, rest),
        None => (false, bytes),
    };
    let mut name = None;
    let mut rest = body;
    for _ in 0..2 {
        let len = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        let line = &rest[..len];
        if let Some(n) = cookie(line) {
            name = Some(n);
            break;
        }
        let first = line.iter().find(|b| !matches!(b, b' ' | b'\t' | 0x0c));
        if !matches!(first, None | Some(b'#')) || len == rest.len() {
            break;
        }
        let skip = if rest[len] == b'\r' && rest.get(len + 1) == Some(&b'\n') { 2 } else { 1 };
        rest = &rest[len + skip..];
    }
    let codec = name.as_deref().map(normal);
    if bom && codec.as_deref().is_some_and(|c| c != "utf-8") {
        let name = codec.unwrap_or_default();
        let lineno = 1 + body[..body.len() - rest.len()].iter().filter(|&&b| b == b'\n').count() as u32;
        let line = line_of(rest);
        let mut e =
            error(format!("encoding problem: {name} with BOM"), lineno, 0, line.chars().count() as i32);
        e.text = Some(line);
        return Err(e);
    }
    match codec.as_deref() {
        None | Some("utf-8") => match std::str::from_utf8(body) {
            Ok(s) => Ok(Decoded::Text(Cow::Borrowed(s))),
            Err(e) => Err(utf8_error(body, e.valid_up_to())),
        },
        Some("iso-8859-1") => Ok(Decoded::Text(if body.is_ascii() {
            Cow::Borrowed(std::str::from_utf8(body).unwrap_or(""))
        } else {
            Cow::Owned(body.iter().map(|&b| b as char).collect())
        })),
        Some(other) => {
            let lower = other.to_ascii_lowercase().replace('_', "-");
            if matches!(lower.as_str(), "utf8" | "u8" | "utf") {
                return Ok(match std::str::from_utf8(body) {
                    Ok(s) => Decoded::Text(Cow::Borrowed(s)),
                    // The codec machinery has its own words for this.
                    Err(_) => Decoded::NeedsCodec { name: other.to_string() },
                });
            }
            if matches!(lower.as_str(), "latin1" | "latin" | "l1" | "iso8859-1" | "cp819" | "8859") {
                return Ok(Decoded::Text(body.iter().map(|&b| b as char).collect::<String>().into()));
            }
            if matches!(lower.as_str(), "ascii" | "us-ascii") && body.is_ascii() {
                return Ok(Decoded::Text(Cow::Borrowed(std::str::from_utf8(body).unwrap_or(""))));
            }
            Ok(Decoded::NeedsCodec { name: other.to_string() })
        }
    }
}

/// The first line of `bytes`, as far as it can be read.
fn line_of(bytes: &[u8]) -> String {
    let len = memchr::memchr2(b'\n', b'\r', bytes).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..len]).into_owned()
}

/// CPython's message for bytes that are not UTF-8.
fn utf8_error(body: &[u8], at: usize) -> SyntaxError {
    let line_start = body[..at].iter().rposition(|&b| b == b'\n' || b == b'\r').map_or(0, |i| i + 1);
    let mut lineno = 1;
    let mut i = 0;
    while i < line_start {
        if body[i] == b'\n' || (body[i] == b'\r' && body.get(i + 1) != Some(&b'\n')) {
            lineno += 1;
        }
        i += 1;
    }
    let column = String::from_utf8_lossy(&body[line_start..at]).chars().count() as i32 + 1;
    let mut e = error(
        format!(
            "Non-UTF-8 code starting with '\\x{:02x}' on line {lineno}, but no encoding declared; \
             see https://peps.python.org/pep-0263/ for details",
            body[at]
        ),
        lineno,
        column,
        column,
    );
    e.text = Some(line_of(&body[line_start..]));
    e
}
