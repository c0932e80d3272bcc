//! The character sets behind the East Asian encodings: code to character and
//! back. The generated blob (`tools/generate_cjk.py` says what is in it) is
//! unpacked into tries when a set is asked for the first time.

use std::sync::OnceLock;

static BLOB: &[u8] = include_bytes!("../data/cjk.bin");

/// How many sets there are.
const SETS: usize = 15;
/// Values from here on are pairs of characters.
const PAIR: u32 = 0x110000;
/// Where they are in the other direction, behind all characters that there are in any set.
const PAIR_KEY: u32 = 0x30000;

/// The sets, in the order of the blob.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Set {
    /// Codes of GB 2312, KS X 1001 and the JIS sets are 0x2121..=0x7e7e.
    Gb2312,
    /// Those of GBK and all others with bytes above 0x7f are the two bytes as they are.
    Gbk,
    Gb18030,
    /// Codes of four bytes for the BMP, numbered; see [`four`].
    Gb18030Four,
    Ksx1001,
    Cp949,
    Johab,
    Big5,
    Cp950,
    Big5Hkscs,
    Jisx0208,
    Jisx0212,
    Jisx0213One,
    Jisx0213Two,
    Cp932,
}

/// The bits of a key within a page.
const PAGE_BITS: u32 = 6;
const PAGE: usize = 1 << PAGE_BITS;

/// Keys to values in pages; the first page is empty and stands for all that are missing.
struct Trie<T> {
    pages: Vec<u16>,
    cells: Vec<T>,
}

impl<T: Copy + Default + PartialEq> Trie<T> {
    fn new() -> Trie<T> {
        Trie { pages: Vec::new(), cells: vec![T::default(); PAGE] }
    }
    #[inline]
    fn get(&self, key: u32) -> T {
        let page = self.pages.get((key >> PAGE_BITS) as usize).copied().unwrap_or(0) as usize;
        self.cells.get(page * PAGE + key as usize % PAGE).copied().unwrap_or_default()
    }
    fn set(&mut self, key: u32, value: T) {
        let at = (key >> PAGE_BITS) as usize;
        if at >= self.pages.len() {
            self.pages.resize(at + 1, 0);
        }
        if self.pages[at] == 0 {
            self.pages[at] = (self.cells.len() / PAGE) as u16;
            self.cells.resize(self.cells.len() + PAGE, T::default());
        }
        self.cells[self.pages[at] as usize * PAGE + key as usize % PAGE] = value;
    }
    /// Calls `f` with all keys that have a value, in rising order.
    fn each(&self, mut f: impl FnMut(u32, T)) {
        for (at, &page) in self.pages.iter().enumerate().filter(|(_, page)| **page != 0) {
            for low in 0..PAGE {
                let value = self.cells[page as usize * PAGE + low];
                if value != T::default() {
                    f((at * PAGE + low) as u32, value);
                }
            }
        }
    }
    fn shrink(&mut self) {
        self.pages.shrink_to_fit();
        self.cells.shrink_to_fit();
    }
}

/// Reads the blob.
struct Reader {
    rest: &'static [u8],
}

impl Reader {
    /// At the beginning of a set, or of the pairs.
    fn at(which: usize) -> Reader {
        let start = crate::table::u32_at(BLOB, which * 4) as usize + (SETS + 1) * 4;
        Reader { rest: &BLOB[start..] }
    }
    fn number(&mut self) -> u32 {
        let (mut value, mut shift) = (0, 0);
        while let [byte, rest @ ..] = self.rest {
            self.rest = rest;
            value |= (*byte as u32 & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
            shift += 7;
        }
        value
    }
    fn difference(&mut self) -> u32 {
        let n = self.number();
        if n & 1 == 0 { n >> 1 } else { (n >> 1).wrapping_add(1).wrapping_neg() }
    }
    /// Calls `f` with the first key, the first value and the length of each piece
    /// of a list of runs in which the values rise by one.
    fn pieces(&mut self, mut f: impl FnMut(u32, u32, u32)) {
        let (mut key, mut value) = (0, 0u32);
        for _ in 0..self.number() {
            key += self.number();
            let head = self.number();
            let len = head >> 1;
            if head & 1 != 0 {
                value = value.wrapping_add(self.difference());
                f(key, value, len);
                value += len - 1;
            } else {
                for i in 0..len {
                    value = value.wrapping_add(self.difference());
                    f(key + i, value, 1);
                }
            }
            key += len;
        }
    }
    /// The same, key by key.
    fn entries(&mut self, mut f: impl FnMut(u32, u32)) {
        self.pieces(|key, value, len| (0..len).for_each(|i| f(key + i, value + i)));
    }
}

/// A set, unpacked.
pub(super) struct Table {
    decode: Trie<u32>,
    encode: Trie<u16>,
    /// With what pairs begin.
    starts: Vec<u32>,
}

/// What a code stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Decoded {
    One(u32),
    Two(u32, u32),
}

impl Table {
    /// The character of a code.
    #[inline]
    pub fn decode(&self, code: u32) -> Option<Decoded> {
        match self.decode.get(code) {
            0 => None,
            c if c < PAIR => Some(Decoded::One(c)),
            c => pairs().get((c - PAIR) as usize).map(|&(a, b)| Decoded::Two(a, b)),
        }
    }
    /// The code of a character.
    #[inline]
    pub fn encode(&self, c: u32) -> Option<u16> {
        if c < PAIR_KEY { self.code(c) } else { None }
    }
    #[inline]
    fn code(&self, key: u32) -> Option<u16> {
        match self.encode.get(key) {
            0 => None,
            code => Some(code),
        }
    }
    /// Does a pair of the set begin with this character?
    #[inline]
    pub fn starts_pair(&self, c: u32) -> bool {
        self.starts.contains(&c)
    }
    /// The code of two characters together.
    pub fn encode_pair(&self, a: u32, b: u32) -> Option<u16> {
        let at = pairs().iter().position(|pair| *pair == (a, b))?;
        self.code(PAIR_KEY + at as u32)
    }
}

fn pairs() -> &'static [(u32, u32)] {
    static PAIRS: OnceLock<Vec<(u32, u32)>> = OnceLock::new();
    PAIRS.get_or_init(|| {
        let mut reader = Reader::at(SETS);
        (0..reader.number()).map(|_| (reader.number(), reader.number())).collect()
    })
}

/// The decoding table of a set, and the reader behind it.
fn decoding(set: Set) -> (Trie<u32>, Reader) {
    let base = match set {
        Set::Gbk => Some((Set::Gb2312, 0x8080)),
        Set::Gb18030 => Some((Set::Gbk, 0)),
        Set::Cp949 => Some((Set::Ksx1001, 0x8080)),
        Set::Cp950 | Set::Big5Hkscs => Some((Set::Big5, 0)),
        Set::Jisx0213One => Some((Set::Jisx0208, 0)),
        _ => None,
    };
    let mut trie = Trie::new();
    if let Some((base, mask)) = base {
        decoding(base).0.each(|code, c| trie.set(code ^ mask, c));
    }
    let mut reader = Reader::at(set as usize);
    reader.entries(|code, c| trie.set(code, c));
    (trie, reader)
}

fn unpack(set: Set) -> Table {
    let (mut decode, mut reader) = decoding(set);
    let (mut encode, mut starts) = (Trie::new(), Vec::new());
    decode.each(|code, c| {
        if c >= PAIR {
            starts.extend(pairs().get((c - PAIR) as usize).map(|pair| pair.0));
            encode.set(c - PAIR + PAIR_KEY, code as u16);
        } else if encode.get(c) == 0 {
            encode.set(c, code as u16);
        }
    });
    reader.entries(|c, code| encode.set(c, code as u16));
    decode.shrink();
    encode.shrink();
    starts.dedup();
    Table { decode, encode, starts }
}

impl Set {
    /// The set's table.
    pub fn table(self) -> &'static Table {
        static TABLES: [OnceLock<Table>; SETS] = [const { OnceLock::new() }; SETS];
        TABLES[self as usize].get_or_init(|| unpack(self))
    }
}

/// Ranges of GB 18030's numbered codes: first number, first character, length.
pub(super) fn four() -> &'static [(u32, u32, u32)] {
    static RANGES: OnceLock<Vec<(u32, u32, u32)>> = OnceLock::new();
    RANGES.get_or_init(|| {
        let mut ranges = Vec::new();
        Reader::at(Set::Gb18030Four as usize).pieces(|n, c, len| ranges.push((n, c, len)));
        ranges
    })
}
