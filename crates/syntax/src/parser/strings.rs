//! String literals: escapes, implicit concatenation, f-strings and t-strings.
//!
//! A literal without escapes is borrowed from the source. Text is WTF-8, so that
//! lone surrogates written as escapes survive.

use std::borrow::Cow;

use super::{Fail, PResult, Parser, RawWarning};
use crate::NameLookup;
use crate::ast::*;
use crate::lexer::{Tok, Token};

/// What a prefix says.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Prefix {
    pub raw: bool,
    pub bytes: bool,
    pub unicode: bool,
    /// Bytes before the first quote.
    pub len: usize,
    /// 1 or 3.
    pub quotes: usize,
}

/// Take the prefix and quotes of a literal apart.
pub(crate) fn prefix(text: &[u8]) -> Prefix {
    let mut p = Prefix::default();
    for &b in text {
        match b | 0x20 {
            b'r' => p.raw = true,
            b'b' => p.bytes = true,
            b'u' => p.unicode = true,
            b'f' | b't' => {}
            _ => break,
        }
        p.len += 1;
    }
    let q = text.get(p.len).copied();
    let triple = q.is_some() && text.get(p.len + 1).copied() == q && text.get(p.len + 2).copied() == q;
    p.quotes = if triple { 3 } else { 1 };
    p
}

/// Why a literal cannot be decoded: CPython's words.
pub(crate) type DecodeError = String;

fn push_code_point(out: &mut Vec<u8>, c: u32) {
    match char::from_u32(c) {
        Some(ch) => {
            let mut buf = [0; 4];
            out.extend_from_slice(ch.encode_utf8(&mut buf).as_bytes());
        }
        None => out.extend_from_slice(&[
            0xE0 | (c >> 12) as u8,
            0x80 | (c >> 6 & 0x3F) as u8,
            0x80 | (c & 0x3F) as u8,
        ]),
    }
}

fn hex(bytes: &[u8]) -> Option<u32> {
    let mut v: u32 = 0;
    for b in bytes {
        v = v.checked_mul(16)? + (*b as char).to_digit(16)?;
    }
    Some(v)
}

/// Position CPython's codec reports: it works on a copy in which non-ASCII characters (and a
/// backslash before one) were written as ten-byte escapes.
fn codec_position(body: &[u8], at: usize) -> usize {
    let mut n = 0;
    let mut i = 0;
    while i < at {
        let b = body[i];
        if b == b'\\' && i + 1 < body.len() && body[i + 1] >= 128 {
            n += 6;
            i += 1;
        } else if b >= 128 {
            n += 10;
            i += 1;
            while i < body.len() && body[i] & 0xC0 == 0x80 {
                i += 1;
            }
        } else {
            n += 1;
            i += 1;
        }
    }
    n
}

/// Decode the body of a literal. `warn` gets the byte offset in `body` and the text of each warning.
pub(crate) fn decode<'b>(
    body: &'b [u8],
    raw: bool,
    bytes: bool,
    lookup: Option<NameLookup>,
    warn: &mut dyn FnMut(usize, String),
) -> Result<Cow<'b, [u8]>, DecodeError> {
    let has_cr = memchr::memchr(b'\r', body).is_some();
    if (raw || memchr::memchr(b'\\', body).is_none()) && !has_cr {
        return Ok(Cow::Borrowed(body));
    }
    let mut out = Vec::with_capacity(body.len());
    let mut i = 0;
    // Only the first doubtful escape of a literal is reported.
    let mut warned = false;
    let mut warn = |at: usize, message: String| {
        if !std::mem::replace(&mut warned, true) {
            warn(at, message);
        }
    };
    let fail = |at: usize, end: usize, why: &str| -> DecodeError {
        let (from, to) = (codec_position(body, at), codec_position(body, end.min(body.len())));
        if to <= from + 1 {
            format!("(unicode error) 'unicodeescape' codec can't decode byte 0x5c in position {from}: {why}")
        } else {
            format!(
                "(unicode error) 'unicodeescape' codec can't decode bytes in position {from}-{}: {why}",
                to - 1
            )
        }
    };
    while let Some(&b) = body.get(i) {
        if b == b'\r' {
            out.push(b'\n');
            i += if body.get(i + 1) == Some(&b'\n') { 2 } else { 1 };
            continue;
        }
        if b != b'\\' || raw {
            out.push(b);
            i += 1;
            continue;
        }
        let start = i;
        i += 1;
        let Some(&c) = body.get(i) else {
            // Only before a brace of an f-string.
            warn(start, String::new());
            out.push(b'\\');
            break;
        };
        i += 1;
        match c {
            b'\n' => {}
            b'\r' => {
                if body.get(i) == Some(&b'\n') {
                    i += 1;
                }
            }
            b'\\' | b'\'' | b'"' => out.push(c),
            b'a' => out.push(7),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'v' => out.push(11),
            b'0'..=b'7' => {
                let mut v = u32::from(c - b'0');
                let mut n = 1;
                while n < 3
                    && let Some(&d @ b'0'..=b'7') = body.get(i)
                {
                    v = v * 8 + u32::from(d - b'0');
                    i += 1;
                    n += 1;
                }
                if v > 0o377 {
                    warn(start, octal_warning(v));
                }
                if bytes { out.push(v as u8) } else { push_code_point(&mut out, v) }
            }
            b'x' => {
                let digits = body.get(i..).unwrap_or(&[]);
                let n = digits.iter().take(2).take_while(|d| d.is_ascii_hexdigit()).count();
                if n < 2 {
                    return Err(if bytes {
                        format!("(value error) invalid \\x escape at position {start}")
                    } else {
                        fail(start, i + n, "truncated \\xXX escape")
                    });
                }
                let v = hex(&digits[..2]).unwrap_or(0);
                i += 2;
                if bytes { out.push(v as u8) } else { push_code_point(&mut out, v) }
            }
            b'u' | b'U' if !bytes => {
                let want = if c == b'u' { 4 } else { 8 };
                let digits = body.get(i..).unwrap_or(&[]);
                let n = digits.iter().take(want).take_while(|d| d.is_ascii_hexdigit()).count();
                if n < want {
                    let why =
                        if c == b'u' { "truncated \\uXXXX escape" } else { "truncated \\UXXXXXXXX escape" };
                    return Err(fail(start, i + n, why));
                }
                let v = hex(&digits[..want]).unwrap_or(u32::MAX);
                i += want;
                if v > 0x10FFFF {
                    return Err(fail(start, i, "illegal Unicode character"));
                }
                push_code_point(&mut out, v);
            }
            b'N' if !bytes => {
                let Some(lookup) = lookup else {
                    return Err(
                        "(unicode error) \\N escapes not supported (can't load unicodedata module)".into()
                    );
                };
                if body.get(i) != Some(&b'{') {
                    return Err(fail(start, i, "malformed \\N character escape"));
                }
                let rest = &body[i + 1..];
                let Some(close) = rest.iter().position(|&b| b == b'}') else {
                    return Err(fail(start, body.len(), "malformed \\N character escape"));
                };
                if close == 0 {
                    return Err(fail(start, i + 1, "malformed \\N character escape"));
                }
                let end = i + 1 + close + 1;
                let name = std::str::from_utf8(&rest[..close]).unwrap_or("");
                match lookup(name) {
                    Some(v) => push_code_point(&mut out, v),
                    None => return Err(fail(start, end, "unknown Unicode character name")),
                }
                i = end;
            }
            _ => {
                if c < 128 || bytes {
                    warn(start, brace_warning(c as char));
                }
                out.push(b'\\');
                i -= 1;
                if c < 128 {
                    out.push(c);
                    i += 1;
                }
            }
        }
    }
    Ok(Cow::Owned(out))
}

fn octal_warning(v: u32) -> String {
    format!(
        "\"\\{v:o}\" is an invalid octal escape sequence. Such sequences will not work in the future. \
         Did you mean \"\\\\{v:o}\"? A raw string is also an option."
    )
}

/// `\c` means nothing.
pub(crate) fn brace_warning(c: char) -> String {
    format!(
        "\"\\{c}\" is an invalid escape sequence. Such sequences will not work in the future. \
         Did you mean \"\\\\{c}\"? A raw string is also an option."
    )
}

impl<'a> Parser<'a, '_> {
    fn decode_at(&mut self, start: u32, end: u32, raw: bool, bytes: bool, base: u32) -> PResult<&'a [u8]> {
        let body = self.text(start, end).as_bytes();
        if bytes && !body.is_ascii() {
            return Err(Fail);
        }
        let src = self.src;
        let warnings = &mut self.warnings;
        let decoded = decode(body, raw, bytes, self.options.name_lookup, &mut |at, message| {
            let at = start + at as u32;
            let message = if message.is_empty() {
                let c = src.get(at as usize + 1..).and_then(|s| s.chars().next()).unwrap_or('{');
                brace_warning(c)
            } else {
                message
            };
            warnings.push(RawWarning { at, base, start, message });
        });
        match decoded {
            Ok(Cow::Borrowed(b)) => Ok(b),
            Ok(Cow::Owned(v)) => Ok(self.arena.alloc_slice_copy(&v)),
            Err(_) => Err(Fail),
        }
    }

    fn plain(&mut self, t: Token) -> PResult<(Prefix, &'a [u8])> {
        let p = prefix(self.text(t.start, t.end).as_bytes());
        let start = t.start + (p.len + p.quotes) as u32;
        let end = t.end - p.quotes as u32;
        let value = self.decode_at(start, end, p.raw, p.bytes, t.start)?;
        Ok((p, value))
    }

    fn str_node(&self, range: Range, value: &'a [u8], kind_u: bool) -> ExprRef<'a> {
        self.expr(range, ExprKind::Constant { value: Constant::Str { value, kind_u } })
    }

    /// One or more adjacent string literals.
    pub(super) fn strings(&mut self) -> PResult<ExprRef<'a>> {
        let first = self.tok();
        let is_string = |k: Tok| matches!(k, Tok::String | Tok::FStringStart | Tok::TStringStart);
        if first.kind == Tok::String && !is_string(self.peek(1)) {
            self.bump();
            let (p, value) = self.plain(first)?;
            let range = Range::new(first.start, first.end);
            return Ok(if p.bytes {
                self.expr(range, ExprKind::Constant { value: Constant::Bytes(value) })
            } else {
                self.str_node(range, value, p.unicode)
            });
        }
        let mark = self.exprs.len();
        let (mut formatted, mut template, mut plain, mut bytes, mut text) =
            (false, false, false, false, false);
        while is_string(self.kind()) {
            let t = self.tok();
            match t.kind {
                Tok::String => {
                    self.bump();
                    let (p, value) = self.plain(t)?;
                    plain = true;
                    let range = Range::new(t.start, t.end);
                    let e = if p.bytes {
                        bytes = true;
                        self.expr(range, ExprKind::Constant { value: Constant::Bytes(value) })
                    } else {
                        text = true;
                        self.str_node(range, value, p.unicode)
                    };
                    self.exprs.push(e);
                }
                Tok::FStringStart => {
                    formatted = true;
                    text = true;
                    self.fstring(false)?;
                }
                _ => {
                    template = true;
                    self.fstring(true)?;
                }
            }
        }
        if (bytes && text) || (template && (plain || formatted)) {
            return Err(Fail);
        }
        let range = self.range_from(first.start);
        if bytes {
            let mut all = Vec::new();
            for e in &self.exprs[mark..] {
                if let ExprKind::Constant { value: Constant::Bytes(b) } = e.kind {
                    all.extend_from_slice(b);
                }
            }
            self.exprs.truncate(mark);
            let value = self.arena.alloc_slice_copy(&all);
            return Ok(self.expr(range, ExprKind::Constant { value: Constant::Bytes(value) }));
        }
        if !formatted && !template {
            let mut all = Vec::new();
            let mut kind_u = None;
            for e in &self.exprs[mark..] {
                if let ExprKind::Constant { value: Constant::Str { value, kind_u: u } } = e.kind {
                    all.extend_from_slice(value);
                    kind_u.get_or_insert(u);
                }
            }
            self.exprs.truncate(mark);
            let value = self.arena.alloc_slice_copy(&all);
            return Ok(self.str_node(range, value, kind_u.unwrap_or(false)));
        }
        self.fold_constants(mark);
        let values = self.take_exprs(mark);
        Ok(self.expr(
            range,
            if template { ExprKind::TemplateStr { values } } else { ExprKind::JoinedStr { values } },
        ))
    }

    /// Drop empty string constants above `mark` and join neighbours.
    fn fold_constants(&mut self, mark: usize) {
        let items: Vec<ExprRef<'a>> = self.exprs.drain(mark..).collect();
        let as_text = |e: ExprRef<'a>| match e.kind {
            ExprKind::Constant { value: Constant::Str { value, kind_u } } => Some((value, kind_u)),
            _ => None,
        };
        let mut i = 0;
        while i < items.len() {
            let Some((value, kind_u)) = as_text(items[i]) else {
                self.exprs.push(items[i]);
                i += 1;
                continue;
            };
            if value.is_empty() {
                i += 1;
                continue;
            }
            let first = items[i];
            let mut last = first;
            let mut joined: Option<Vec<u8>> = None;
            i += 1;
            while let Some((more, _)) = items.get(i).and_then(|e| as_text(e)) {
                if !more.is_empty() {
                    joined.get_or_insert_with(|| value.to_vec()).extend_from_slice(more);
                    last = items[i];
                }
                i += 1;
            }
            let e = match joined {
                None => first,
                Some(v) => {
                    let v = self.arena.alloc_slice_copy(&v);
                    self.str_node(Range::new(first.range.start, last.range.end), v, kind_u)
                }
            };
            self.exprs.push(e);
        }
    }

    /// One f-string or t-string; its parts go to the expression stack.
    fn fstring(&mut self, template: bool) -> PResult<()> {
        self.enter()?;
        if template {
            self.need(14);
        }
        let open = self.tok();
        self.bump();
        let raw = self.text(open.start, open.end).bytes().any(|b| b | 0x20 == b'r');
        let end = if template { Tok::TStringEnd } else { Tok::FStringEnd };
        loop {
            let t = self.tok();
            match t.kind {
                Tok::FStringMiddle | Tok::TStringMiddle => {
                    self.bump();
                    let value = self.decode_at(t.start, t.end, raw, false, t.end)?;
                    let e = self.str_node(self.middle_range(t), value, false);
                    self.exprs.push(e);
                }
                Tok::LBrace => self.replacement_field(raw, template)?,
                k if k == end => {
                    self.bump();
                    break;
                }
                _ => return Err(Fail),
            }
        }
        self.leave();
        Ok(())
    }

    /// CPython counts a doubled brace's second half to the text before it.
    fn middle_range(&self, t: Token) -> Range {
        let bytes = self.src.as_bytes();
        let (last, next) = (bytes.get((t.end as usize).wrapping_sub(1)), bytes.get(t.end as usize));
        let doubled = last == next && matches!(next, Some(b'{' | b'}')) && self.start() != t.end;
        Range::new(t.start, t.end + u32::from(doubled))
    }

    /// `{expr=!conversion:spec}`
    fn replacement_field(&mut self, raw: bool, template: bool) -> PResult<()> {
        self.enter()?;
        let open = self.tok();
        self.bump();
        let value = self.annotated_rhs()?;
        let expr_end = self.start();
        let debug = self.eat(Tok::Equal);
        let mut conversion = -1;
        // End of the debug text, and the end CPython gives its node.
        let mut text_end = None;
        if self.kind() == Tok::Exclamation {
            let bang = self.tok();
            self.bump();
            let t = self.tok();
            if t.start != bang.end {
                return Err(Fail);
            }
            conversion = match self.name()? {
                "s" => 115,
                "r" => 114,
                "a" => 97,
                _ => return Err(Fail),
            };
            text_end = Some((bang.start, t.start.saturating_sub(1)));
        }
        let colon = self.tok();
        let mut format_spec = None;
        if self.eat(Tok::Colon) {
            text_end.get_or_insert((colon.start, colon.start));
            let mark = self.exprs.len();
            loop {
                let t = self.tok();
                match t.kind {
                    Tok::FStringMiddle | Tok::TStringMiddle => {
                        self.bump();
                        let value = self.decode_at(t.start, t.end, raw, false, t.end)?;
                        let e = self.str_node(Range::new(t.start, t.end), value, false);
                        self.exprs.push(e);
                    }
                    Tok::LBrace => self.replacement_field(raw, false)?,
                    _ => break,
                }
            }
            let spec_end = self.prev_end();
            self.fold_constants(mark);
            let values = self.take_exprs(mark);
            format_spec = Some(self.expr(Range::new(colon.start, spec_end), ExprKind::JoinedStr { values }));
        }
        let close = self.tok();
        self.expect(Tok::RBrace)?;
        let range = Range::new(open.start, close.end);
        if debug {
            let (end, node_end) = text_end.unwrap_or((close.start, close.start));
            let text = self.debug_text(open.end, end);
            let e = self.str_node(Range::new(open.end, node_end), text, false);
            self.exprs.push(e);
            if conversion == -1 && format_spec.is_none() {
                conversion = 114;
            }
        }
        let kind = if template {
            let text = self.debug_text(open.end, expr_end);
            ExprKind::Interpolation {
                value,
                str: Constant::Str { value: text, kind_u: false },
                conversion,
                format_spec,
            }
        } else {
            ExprKind::FormattedValue { value, conversion, format_spec }
        };
        let e = self.expr(range, kind);
        self.exprs.push(e);
        self.leave();
        Ok(())
    }

    /// Source text of a field, without comments and with plain line ends.
    fn debug_text(&self, start: u32, end: u32) -> &'a [u8] {
        let text = self.text(start, end).as_bytes();
        if memchr::memchr2(b'#', b'\r', text).is_none() {
            return text;
        }
        let mut out = Vec::with_capacity(text.len());
        let mut quote = 0;
        let mut i = 0;
        while let Some(&b) = text.get(i) {
            match b {
                b'\r' => {
                    if text.get(i + 1) != Some(&b'\n') {
                        out.push(b'\n');
                    }
                    i += 1;
                    continue;
                }
                b'\\' if quote != 0 => {
                    out.push(b);
                    i += 1;
                    if let Some(&next) = text.get(i) {
                        out.push(next);
                    }
                    i += 1;
                    continue;
                }
                b'"' | b'\'' if quote == 0 => quote = b,
                b'"' | b'\'' if quote == b => quote = 0,
                b'#' if quote == 0 => {
                    while text.get(i).is_some_and(|&b| b != b'\n' && b != b'\r') {
                        i += 1;
                    }
                    continue;
                }
                _ => {}
            }
            out.push(b);
            i += 1;
        }
        self.arena.alloc_slice_copy(&out)
    }
}
