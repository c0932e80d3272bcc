//! `binascii`: bytes as text of several kinds (base64, hexadecimal, uuencode,
//! quoted-printable), and the checksums that go with them.

use taipan_compression::zlib::crc32;
use taipan_runtime::buffer::Buffer;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{exception_class, raise_kept};
use taipan_runtime::types::bytes;
use taipan_runtime::types::bytes_methods::{hex_separator, hex_text};

const HEX_DOC: &str = "Hexadecimal representation of binary data.\n\n  sep\n    An optional single character or byte to separate hex bytes.\n  bytes_per_sep\n    How many bytes between separators.  Positive values count from the\n    right, negative values count from the left.\n\nThe return value is a bytes object.  This function is also\navailable as \"hexlify()\".\n\nExample:\n>>> binascii.b2a_hex(b'\\xb9\\x01\\xef')\nb'b901ef'\n>>> binascii.hexlify(b'\\xb9\\x01\\xef', ':')\nb'b9:01:ef'\n>>> binascii.b2a_hex(b'\\xb9\\x01\\xef', b'_', 2)\nb'b9_01ef'";

/// The module.
pub static BINASCII: ModuleDef = ModuleDef {
    name: "binascii",
    doc: "Conversion between binary data and ASCII",
    functions: &[
        MethodDef::new(
            "a2b_base64(data, /, *, strict_mode=False)",
            a2b_base64,
            "Decode a line of base64 data.\n\n  strict_mode\n    When set to True, bytes that are not part of the base64 standard are not allowed.\n    The same applies to excess data after padding (= / ==).",
        ),
        MethodDef::new("b2a_base64(data, /, *, newline=True)", b2a_base64, "Base64-code line of data."),
        MethodDef::new(
            "a2b_hex(hexstr, /)",
            a2b_hex,
            "Binary data of hexadecimal representation.\n\nhexstr must contain an even number of hex digits (upper or lower case).\nThis function is also available as \"unhexlify()\".",
        ),
        MethodDef::new(
            "unhexlify(hexstr, /)",
            a2b_hex,
            "Binary data of hexadecimal representation.\n\nhexstr must contain an even number of hex digits (upper or lower case).",
        ),
        MethodDef::new("b2a_hex(data, sep=<unrepresentable>, bytes_per_sep=1)", b2a_hex, HEX_DOC),
        MethodDef::new(
            "hexlify(data, sep=<unrepresentable>, bytes_per_sep=1)",
            b2a_hex,
            "Hexadecimal representation of binary data.\n\n  sep\n    An optional single character or byte to separate hex bytes.\n  bytes_per_sep\n    How many bytes between separators.  Positive values count from the\n    right, negative values count from the left.\n\nThe return value is a bytes object.  This function is also\navailable as \"b2a_hex()\".",
        ),
        MethodDef::new("a2b_uu(data, /)", a2b_uu, "Decode a line of uuencoded data."),
        MethodDef::new("b2a_uu(data, /, *, backtick=False)", b2a_uu, "Uuencode line of data."),
        MethodDef::new("a2b_qp(data, header=False)", a2b_qp, "Decode a string of qp-encoded data."),
        MethodDef::new(
            "b2a_qp(data, quotetabs=False, istext=True, header=False)",
            b2a_qp,
            "Encode a string using quoted-printable encoding.\n\nOn encoding, when istext is set, newlines are not encoded, and white\nspace at end of lines is.  When istext is not set, \\r and \\n (CR/LF)\nare both encoded.  When quotetabs is set, space and tabs are encoded.",
        ),
        MethodDef::new(
            "crc32(data, crc=0, /)",
            |vm, args| {
                let buffer = vm.bytes_like(&args[0], "crc32() argument 1")?;
                let start = vm.to_u32_wrapping(&args[1])?;
                Ok(vm.int(crc32(start, buffer.bytes()) as i64))
            },
            "Compute CRC-32 incrementally.",
        ),
        MethodDef::new(
            "crc_hqx(data, crc, /)",
            |vm, args| {
                let buffer = vm.bytes_like(&args[0], "crc_hqx() argument 1")?;
                let start = vm.to_u32_wrapping(&args[1])? & 0xffff;
                Ok(vm.int(buffer.bytes().iter().fold(start, |crc, &b| hqx_step(crc, b)) as i64))
            },
            "Compute CRC-CCITT incrementally.",
        ),
    ],
    types: &[],
    init: Some(|vm, module| {
        let error = exception_class(vm, ERROR, "binascii", "Error", &exc::VALUE_ERROR, None)?;
        vm.set_attr_str(module, "Error", &error)?;
        let incomplete =
            exception_class(vm, "binascii.Incomplete", "binascii", "Incomplete", &exc::EXCEPTION, None)?;
        vm.set_attr_str(module, "Incomplete", &incomplete)
    }),
};

const ERROR: &str = "binascii.Error";

fn error(vm: &Vm, message: impl AsRef<str>) -> Raised {
    raise_kept(vm, ERROR, message)
}

/// An argument of the decoders: an ASCII str or something with a buffer.
enum Ascii {
    Text(Object),
    Buffer(Buffer),
}

impl Ascii {
    fn of(vm: &Vm, object: &Object) -> Result<Ascii> {
        if let Some(s) = object.downcast::<Str>() {
            if !s.is_ascii() {
                return Err(vm.value_error("string argument should contain only ASCII characters"));
            }
            return Ok(Ascii::Text(object.clone()));
        }
        match vm.bytes_like(object, "") {
            Ok(buffer) => Ok(Ascii::Buffer(buffer)),
            Err(_) if !vm.is_bytes_like(object) => {
                drop(vm.take_raised());
                let shown = object.ty().name();
                Err(vm.type_error(format!("argument should be bytes, buffer or ASCII string, not '{shown}'")))
            }
            Err(raised) => Err(raised),
        }
    }
    fn bytes(&self) -> &[u8] {
        match self {
            Ascii::Text(object) => object.downcast::<Str>().map_or(&[], |s| s.raw_bytes()),
            Ascii::Buffer(buffer) => buffer.bytes(),
        }
    }
}

// ---- base64 -----------------------------------------------------------------------------

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

const VALUES: [u8; 256] = {
    let mut values = [0xff; 256];
    let mut i = 0;
    while i < 64 {
        values[ALPHABET[i] as usize] = i as u8;
        i += 1;
    }
    values
};

fn a2b_base64(vm: &Vm, args: &[Object]) -> Result {
    let data = Ascii::of(vm, &args[0])?;
    let strict = vm.is_true(&args[1])?;
    let text = data.bytes();
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    // Whole quads at once, as long as there is nothing special.
    let mut done = 0;
    for quad in text.chunks_exact(4) {
        let values = [
            VALUES[quad[0] as usize],
            VALUES[quad[1] as usize],
            VALUES[quad[2] as usize],
            VALUES[quad[3] as usize],
        ];
        if values.iter().any(|&v| v > 63) {
            break;
        }
        out.push(values[0] << 2 | values[1] >> 4);
        out.push(values[1] << 4 | values[2] >> 2);
        out.push(values[2] << 6 | values[3]);
        done += 4;
    }
    let one_too_many = |data: &[u8]| {
        error(
            vm,
            format!(
                "Invalid base64-encoded string: number of data characters ({}) cannot be 1 more than a multiple of 4",
                data.len() / 3 * 4 + 1
            ),
        )
    };
    let (mut position, mut pads, mut left, mut padded) = (0, 0, 0u8, false);
    for (i, &c) in text.iter().enumerate().skip(done) {
        if c == b'=' {
            padded = true;
            if strict && position == 1 {
                return Err(one_too_many(&out));
            }
            if strict && (position == 0 || position + pads >= 4) {
                let what = if i == 0 { "Leading" } else { "Excess" };
                return Err(error(vm, format!("{what} padding not allowed")));
            }
            if position >= 2 {
                pads += 1;
            }
            continue;
        }
        let value = VALUES[c as usize];
        if value > 63 {
            if strict {
                return Err(error(vm, "Only base64 data is allowed"));
            }
            continue;
        }
        if strict && padded {
            let complete = position + pads >= 4;
            return Err(error(
                vm,
                if complete { "Excess data after padding" } else { "Discontinuous padding not allowed" },
            ));
        }
        pads = 0;
        match position {
            0 => left = value,
            1 => {
                out.push(left << 2 | value >> 4);
                left = value & 15;
            }
            2 => {
                out.push(left << 4 | value >> 2);
                left = value & 3;
            }
            _ => out.push(left << 6 | value),
        }
        position = (position + 1) % 4;
    }
    match position {
        1 => Err(one_too_many(&out)),
        2 | 3 if position + pads < 4 => Err(error(vm, "Incorrect padding")),
        _ => bytes::new(vm, &out),
    }
}

fn b2a_base64(vm: &Vm, args: &[Object]) -> Result {
    let data = vm.bytes_like(&args[0], "b2a_base64() argument 1")?;
    let newline = vm.is_true(&args[1])?;
    let mut out = Vec::new();
    if out.try_reserve_exact(data.len().div_ceil(3).saturating_mul(4).saturating_add(1)).is_err() {
        return Err(vm.memory_error());
    }
    for chunk in data.bytes().chunks(3) {
        let byte = |i: usize| chunk.get(i).copied().unwrap_or(0) as u32;
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            let c = ALPHABET[(word >> (18 - 6 * i) & 63) as usize];
            out.push(if i <= chunk.len() { c } else { b'=' });
        }
    }
    if newline {
        out.push(b'\n');
    }
    bytes::new(vm, &out)
}

// ---- hexadecimal ------------------------------------------------------------------------

fn digit(c: u8) -> Option<u8> {
    (c as char).to_digit(16).map(|d| d as u8)
}

fn a2b_hex(vm: &Vm, args: &[Object]) -> Result {
    let data = Ascii::of(vm, &args[0])?;
    let (pairs, rest) = data.bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return Err(error(vm, "Odd-length string"));
    }
    let mut out = Vec::with_capacity(pairs.len());
    for [high, low] in pairs {
        match (digit(*high), digit(*low)) {
            (Some(high), Some(low)) => out.push(high << 4 | low),
            _ => return Err(error(vm, "Non-hexadecimal digit found")),
        }
    }
    bytes::new(vm, &out)
}

fn b2a_hex(vm: &Vm, args: &[Object]) -> Result {
    let data = vm.bytes_like(&args[0], "b2a_hex() argument 1")?;
    let group = vm.to_c_int(&args[2])?;
    let separator = match args[1].bound() {
        // Unlike bytes.hex(), any character of one byte will do.
        Some(separator) => match separator.downcast::<Str>() {
            Some(s) if s.len() == 1 && s.max_char() < 256 => Some(s.char_at(0) as u8),
            None => match separator.downcast::<bytes::Bytes>().map(|b| b.as_slice()) {
                Some(&[c]) => Some(c),
                _ => hex_separator(vm, separator)?,
            },
            _ => hex_separator(vm, separator)?,
        },
        None => None,
    };
    let text = hex_text(vm, data.bytes(), separator, group)?;
    match text.downcast::<Str>() {
        Some(s) => bytes::new(vm, s.raw_bytes()),
        None => Ok(text),
    }
}

// ---- uuencode ---------------------------------------------------------------------------

fn a2b_uu(vm: &Vm, args: &[Object]) -> Result {
    let data = Ascii::of(vm, &args[0])?;
    let Some((&first, mut rest)) = data.bytes().split_first() else {
        return Err(error(vm, "Missing length byte"));
    };
    let wanted = (first.wrapping_sub(b' ') & 63) as usize;
    let mut out = Vec::with_capacity(wanted);
    let (mut bits, mut held) = (0, 0u32);
    while out.len() < wanted {
        // Spaces at the end of a line may have got lost: nothing counts as zero.
        let value = match rest.split_first() {
            None => 0,
            Some((b'\n' | b'\r', tail)) => {
                rest = tail;
                0
            }
            Some((&c, tail)) => {
                rest = tail;
                if !(b' '..=b' ' + 64).contains(&c) {
                    return Err(error(vm, "Illegal char"));
                }
                (c - b' ') & 63
            }
        };
        held = held << 6 | value as u32;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    if rest.iter().any(|c| !matches!(c, b' ' | b'`' | b'\n' | b'\r')) {
        return Err(error(vm, "Trailing garbage"));
    }
    bytes::new(vm, &out)
}

fn b2a_uu(vm: &Vm, args: &[Object]) -> Result {
    let data = vm.bytes_like(&args[0], "b2a_uu() argument 1")?;
    let backtick = vm.is_true(&args[1])?;
    let data = data.bytes();
    if data.len() > 45 {
        return Err(error(vm, "At most 45 bytes at once"));
    }
    let shown = |n: u8| if n == 0 && backtick { b'`' } else { b' ' + n };
    let mut out = vec![shown(data.len() as u8)];
    for chunk in data.chunks(3) {
        let byte = |i: usize| chunk.get(i).copied().unwrap_or(0) as u32;
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        out.extend((0..4).map(|i| shown((word >> (18 - 6 * i) & 63) as u8)));
    }
    out.push(b'\n');
    bytes::new(vm, &out)
}

// ---- quoted-printable -------------------------------------------------------------------

fn a2b_qp(vm: &Vm, args: &[Object]) -> Result {
    let data = Ascii::of(vm, &args[0])?;
    let header = vm.is_true(&args[1])?;
    let text = data.bytes();
    let mut out = Vec::with_capacity(text.len());
    let mut i = 0;
    while let Some(&c) = text.get(i) {
        i += 1;
        if c == b'_' && header {
            out.push(b' ');
            continue;
        }
        if c != b'=' {
            out.push(c);
            continue;
        }
        match (text.get(i), text.get(i + 1)) {
            (None, _) => break,
            (Some(b'\n' | b'\r'), _) => {
                // A soft line break: on behind the next newline.
                let end = text[i..].iter().position(|&c| c == b'\n');
                i = end.map_or(text.len(), |n| i + n + 1);
            }
            (Some(b'='), _) => {
                out.push(b'=');
                i += 1;
            }
            (Some(&high), low) => match (digit(high), low.and_then(|&low| digit(low))) {
                (Some(high), Some(low)) => {
                    out.push(high << 4 | low);
                    i += 2;
                }
                _ => out.push(b'='),
            },
        }
    }
    bytes::new(vm, &out)
}

const MAX_LINE: usize = 76;

struct QuotedLine {
    out: Vec<u8>,
    line: usize,
    newline: &'static [u8],
}

impl QuotedLine {
    fn quote(&mut self, c: u8) {
        const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
        self.out.extend([b'=', DIGITS[(c >> 4) as usize], DIGITS[(c & 15) as usize]]);
    }
    fn soft_break(&mut self) {
        self.out.push(b'=');
        self.out.extend_from_slice(self.newline);
        self.line = 0;
    }
}

fn b2a_qp(vm: &Vm, args: &[Object]) -> Result {
    let data = vm.bytes_like(&args[0], "b2a_qp() argument 1")?;
    let (quote_tabs, is_text, header) = (vm.is_true(&args[1])?, vm.is_true(&args[2])?, vm.is_true(&args[3])?);
    let data = data.bytes();
    // The first line's end decides how all lines end.
    let first = data.iter().position(|&c| c == b'\n');
    let crlf = first.is_some_and(|i| i > 0 && data[i - 1] == b'\r');
    let mut w = QuotedLine {
        out: Vec::with_capacity(data.len()),
        line: 0,
        newline: if crlf { b"\r\n" } else { b"\n" },
    };
    let mut i = 0;
    while let Some(&c) = data.get(i) {
        let next = data.get(i + 1).copied();
        let lonely_dot = c == b'.' && w.line == 0 && matches!(next, None | Some(b'\n' | b'\r' | 0));
        let blank = c == b' ' || c == b'\t';
        let line_end = c == b'\n' || c == b'\r';
        let special = c > 126
            || c == b'='
            || header && c == b'_'
            || lonely_dot
            || !is_text && line_end
            || blank && next.is_none()
            || c < 33 && !line_end && (quote_tabs || !blank);
        if special {
            if w.line + 3 >= MAX_LINE {
                w.soft_break();
            }
            w.quote(c);
            w.line += 3;
            i += 1;
        } else if is_text && (c == b'\n' || c == b'\r' && next == Some(b'\n')) {
            w.line = 0;
            // White space at the end of a line would not survive.
            if let Some(&last @ (b' ' | b'\t')) = w.out.last() {
                w.out.pop();
                w.quote(last);
            }
            w.out.extend_from_slice(w.newline);
            i += if c == b'\r' { 2 } else { 1 };
        } else {
            if next.is_some_and(|next| next != b'\n') && w.line + 1 >= MAX_LINE {
                w.soft_break();
            }
            w.line += 1;
            w.out.push(if header && c == b' ' { b'_' } else { c });
            i += 1;
        }
    }
    bytes::new(vm, &w.out)
}

// ---- checksums --------------------------------------------------------------------------

fn hqx_step(crc: u32, byte: u8) -> u32 {
    let mut crc = crc ^ (byte as u32) << 8;
    for _ in 0..8 {
        crc = if crc & 0x8000 != 0 { crc << 1 ^ 0x1021 } else { crc << 1 };
    }
    crc & 0xffff
}
