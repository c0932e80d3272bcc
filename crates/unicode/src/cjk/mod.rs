//! The East Asian encodings of several bytes a character, as CPython's codecs
//! have them: where a character ends, what is an error and how long it is, and
//! what is left over when input comes in pieces.
//!
//! A [`Codec`] works on as much input as it can and stops at a [`Fault`]; what
//! to do about it is for the caller. What it must know between two calls is in
//! a [`State`], whose bytes are those that `getstate` shows.

mod iso2022;
mod jis;
mod plain;
mod tables;

use iso2022::Iso2022;
use tables::Set;

/// The state of an encoder or a decoder.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct State(pub [u8; 8]);

/// Why a codec stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// So many bytes or characters cannot be converted.
    Invalid(usize),
    /// The input ends within a character.
    Incomplete,
    /// The state is one that the codec cannot come to.
    State,
}

/// Text to encode: its length and its characters.
pub struct Text<F> {
    pub len: usize,
    pub at: F,
}

/// What is encoded: the text, where the encoder is, and whether the text ends here.
struct Source<'a, F> {
    text: &'a Text<F>,
    at: &'a mut usize,
    last: bool,
}

impl<F: Fn(usize) -> u32> Source<'_, F> {
    /// The character that is next.
    #[inline]
    fn peek(&self) -> Option<u32> {
        self.ahead(0)
    }
    #[inline]
    fn ahead(&self, n: usize) -> Option<u32> {
        let at = *self.at + n;
        if at < self.text.len { Some((self.text.at)(at)) } else { None }
    }
    #[inline]
    fn skip(&mut self, n: usize) {
        *self.at += n;
    }
}

/// Bytes to decode.
struct Input<'a> {
    bytes: &'a [u8],
    at: &'a mut usize,
}

impl<'a> Input<'a> {
    #[inline]
    fn rest(&self) -> &'a [u8] {
        self.bytes.get(*self.at..).unwrap_or_default()
    }
    #[inline]
    fn skip(&mut self, n: usize) {
        *self.at += n;
    }
}

/// The ways of coding.
#[derive(Clone, Copy)]
enum Kind {
    /// ASCII and two bytes above 0x7f.
    Gb2312,
    EucKr,
    /// ASCII and two bytes that are the set's code.
    Double(Set),
    Gb18030,
    Hz,
    Cp932,
    ShiftJis,
    EucJp,
    /// The forms of JIS X 0213, of 2000 or of 2004.
    ShiftJisx0213(Edition),
    EucJisx0213(Edition),
    Iso2022(&'static Iso2022),
}

/// The editions of JIS X 0213.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Edition {
    Of2000,
    Of2004,
}

/// An encoding.
pub struct Codec {
    pub name: &'static str,
    kind: Kind,
}

const fn codec(name: &'static str, kind: Kind) -> Codec {
    Codec { name, kind }
}

/// Of mainland China.
pub static CN: [Codec; 4] = [
    codec("gb2312", Kind::Gb2312),
    codec("gbk", Kind::Double(Set::Gbk)),
    codec("gb18030", Kind::Gb18030),
    codec("hz", Kind::Hz),
];
/// Of Hong Kong.
pub static HK: [Codec; 1] = [codec("big5hkscs", Kind::Double(Set::Big5Hkscs))];
/// With escape sequences.
pub static ISO2022: [Codec; 7] = [
    codec("iso2022_kr", Kind::Iso2022(&iso2022::KR)),
    codec("iso2022_jp", Kind::Iso2022(&iso2022::JP)),
    codec("iso2022_jp_1", Kind::Iso2022(&iso2022::JP_1)),
    codec("iso2022_jp_2", Kind::Iso2022(&iso2022::JP_2)),
    codec("iso2022_jp_2004", Kind::Iso2022(&iso2022::JP_2004)),
    codec("iso2022_jp_3", Kind::Iso2022(&iso2022::JP_3)),
    codec("iso2022_jp_ext", Kind::Iso2022(&iso2022::JP_EXT)),
];
/// Of Japan.
pub static JP: [Codec; 7] = [
    codec("shift_jis", Kind::ShiftJis),
    codec("cp932", Kind::Cp932),
    codec("euc_jp", Kind::EucJp),
    codec("shift_jis_2004", Kind::ShiftJisx0213(Edition::Of2004)),
    codec("euc_jis_2004", Kind::EucJisx0213(Edition::Of2004)),
    codec("euc_jisx0213", Kind::EucJisx0213(Edition::Of2000)),
    codec("shift_jisx0213", Kind::ShiftJisx0213(Edition::Of2000)),
];
/// Of Korea.
pub static KR: [Codec; 3] = [
    codec("euc_kr", Kind::EucKr),
    codec("cp949", Kind::Double(Set::Cp949)),
    codec("johab", Kind::Double(Set::Johab)),
];
/// Of Taiwan.
pub static TW: [Codec; 2] =
    [codec("big5", Kind::Double(Set::Big5)), codec("cp950", Kind::Double(Set::Cp950))];

impl Codec {
    /// The state in which an encoder begins.
    pub fn encoder_start(&self) -> State {
        match self.kind {
            Kind::Iso2022(_) => iso2022::ENCODER_START,
            _ => State::default(),
        }
    }
    /// The state in which a decoder begins.
    pub fn decoder_start(&self) -> State {
        match self.kind {
            Kind::Iso2022(_) => iso2022::DECODER_START,
            _ => State::default(),
        }
    }
    /// Decodes from `at` on; `at` is then where it stopped.
    pub fn decode(
        &self,
        state: &mut State,
        bytes: &[u8],
        at: &mut usize,
        out: &mut impl FnMut(u32),
    ) -> Result<(), Fault> {
        let input = Input { bytes, at };
        match self.kind {
            Kind::Gb2312 => plain::decode_euc(Set::Gb2312, input, out),
            Kind::EucKr => plain::decode_euc_kr(input, out),
            Kind::Double(set) => plain::decode_double(set, input, out),
            Kind::Gb18030 => plain::decode_gb18030(input, out),
            Kind::Hz => plain::decode_hz(state, input, out),
            Kind::Cp932 => jis::decode_cp932(input, out),
            Kind::ShiftJis => jis::decode_shift_jis(input, out),
            Kind::EucJp => jis::decode_euc_jp(input, out),
            Kind::ShiftJisx0213(edition) => jis::decode_shift_jisx0213(edition, input, out),
            Kind::EucJisx0213(edition) => jis::decode_euc_jisx0213(edition, input, out),
            Kind::Iso2022(of) => iso2022::decode(of, state, input, out),
        }
    }
    /// Encodes from `at` on; `at` is then where it stopped. If the text does not end here
    /// (`last`), a character that may be half of a pair is [`Fault::Incomplete`].
    pub fn encode(
        &self,
        state: &mut State,
        text: &Text<impl Fn(usize) -> u32>,
        at: &mut usize,
        out: &mut Vec<u8>,
        last: bool,
    ) -> Result<(), Fault> {
        let source = Source { text, at, last };
        match self.kind {
            Kind::Gb2312 => plain::encode_euc(Set::Gb2312, source, out),
            Kind::EucKr => plain::encode_euc_kr(source, out),
            Kind::Double(set) => plain::encode_double(set, source, out),
            Kind::Gb18030 => plain::encode_gb18030(source, out),
            Kind::Hz => plain::encode_hz(state, source, out),
            Kind::Cp932 => jis::encode_cp932(source, out),
            Kind::ShiftJis => jis::encode_shift_jis(source, out),
            Kind::EucJp => jis::encode_euc_jp(source, out),
            Kind::ShiftJisx0213(edition) => jis::encode_shift_jisx0213(edition, source, out),
            Kind::EucJisx0213(edition) => jis::encode_euc_jisx0213(edition, source, out),
            Kind::Iso2022(of) => iso2022::encode(of, state, source, out),
        }
    }
    /// Takes an encoder back to its start, with the bytes that takes.
    pub fn reset_encoder(&self, state: &mut State, out: &mut Vec<u8>) {
        match self.kind {
            Kind::Hz => plain::reset_hz(state, out),
            Kind::Iso2022(_) => iso2022::reset(state, out),
            _ => {}
        }
    }
    /// Takes a decoder back to its start.
    pub fn reset_decoder(&self, state: &mut State) {
        match self.kind {
            Kind::Hz => *state = State::default(),
            Kind::Iso2022(_) => iso2022::reset_decoder(state),
            _ => {}
        }
    }
    /// Is ASCII text the same in this encoding, whatever comes before it?
    pub fn keeps_ascii(&self) -> bool {
        !matches!(self.kind, Kind::Hz | Kind::Iso2022(_) | Kind::ShiftJisx0213(_))
    }
}

/// The character or characters that a code stands for.
#[inline]
fn put(decoded: tables::Decoded, out: &mut impl FnMut(u32)) {
    match decoded {
        tables::Decoded::One(c) => out(c),
        tables::Decoded::Two(a, b) => {
            out(a);
            out(b);
        }
    }
}

#[inline]
fn put_code(code: u16, out: &mut Vec<u8>) {
    out.extend_from_slice(&code.to_be_bytes());
}

#[inline]
fn join(a: u8, b: u8) -> u32 {
    (a as u32) << 8 | b as u32
}

/// The code of what comes next in a set with pairs, and how many characters it takes.
/// None: the set has no such character.
#[inline]
fn with_pairs<F: Fn(usize) -> u32>(
    table: &tables::Table,
    c: u32,
    source: &Source<'_, F>,
) -> Result<Option<(u16, usize)>, Fault> {
    if table.starts_pair(c) {
        match source.ahead(1) {
            None if !source.last => return Err(Fault::Incomplete),
            None => {}
            Some(second) => {
                if let Some(code) = table.encode_pair(c, second) {
                    return Ok(Some((code, 2)));
                }
            }
        }
    }
    Ok(table.encode(c).map(|code| (code, 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a codec makes of two bytes it encodes to something it decodes the same way.
    #[test]
    fn there_and_back() {
        for codec in CN.iter().chain(&HK).chain(&JP).chain(&KR).chain(&TW) {
            let mut seen = 0;
            for pair in 0x8121..=0xffffu16 {
                let mut chars = Vec::new();
                let decode = |bytes: &[u8], out: &mut Vec<u32>| {
                    codec.decode(&mut codec.decoder_start(), bytes, &mut 0, &mut |c| out.push(c))
                };
                if decode(&pair.to_be_bytes(), &mut chars).is_err() {
                    continue;
                }
                seen += 1;
                let mut encoded = Vec::new();
                let text = Text { len: chars.len(), at: |i| chars[i] };
                let result = codec.encode(&mut codec.encoder_start(), &text, &mut 0, &mut encoded, true);
                // Some codes are only read.
                if result.is_ok() {
                    let mut again = Vec::new();
                    assert_eq!(decode(&encoded, &mut again), Ok(()), "{} {pair:x}", codec.name);
                    assert_eq!(chars, again, "{} {pair:x}", codec.name);
                }
            }
            assert!(seen > 6000 || codec.name == "hz", "{} {seen}", codec.name);
        }
    }

    /// Escape sequences may be cut anywhere.
    #[test]
    fn pieces() {
        let whole = b"\x1b$B0l\x1b&@\x1b$B0l\x1b(J\\\x1b(B!";
        for cut in 0..whole.len() {
            let (mut state, mut out, mut held) = (ISO2022[1].decoder_start(), Vec::new(), Vec::new());
            for piece in [&whole[..cut], &whole[cut..]] {
                held.extend_from_slice(piece);
                let mut at = 0;
                match ISO2022[1].decode(&mut state, &held, &mut at, &mut |c| out.push(c)) {
                    Ok(()) | Err(Fault::Incomplete) => held.drain(..at),
                    Err(fault) => panic!("{fault:?} at {cut}"),
                };
            }
            assert_eq!(out, [0x4e00, 0x4e00, 0xa5, 0x21], "{cut}");
        }
    }
}
