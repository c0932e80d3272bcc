//! Sizes and string tables of the generated data (see `tools/generate.py`).
//! Generated file; do not edit.

pub(crate) const TYPE_RECORDS: usize = 522;
pub(crate) const TYPE_SHIFT: u32 = 6;
pub(crate) const TYPE_LEN1: usize = 17408;
pub(crate) const TYPE_LEN2: usize = 29952;
pub(crate) const SPECIAL_LEN: usize = 104;

pub(crate) static CATEGORIES: [&str; 30] = ["Cc", "Cf", "Cn", "Co", "Cs", "Ll", "Lm", "Lo", "Lt", "Lu", "Mc", "Me", "Mn", "Nd", "Nl", "No", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "Sc", "Sk", "Sm", "So", "Zl", "Zp", "Zs"];
pub(crate) static BIDI: [&str; 24] = ["", "AL", "AN", "B", "BN", "CS", "EN", "ES", "ET", "FSI", "L", "LRE", "LRI", "LRO", "NSM", "ON", "PDF", "PDI", "R", "RLE", "RLI", "RLO", "S", "WS"];
pub(crate) static WIDTHS: [&str; 6] = ["A", "F", "H", "N", "Na", "W"];
pub(crate) const DB_RECORDS: usize = 345;
pub(crate) const DB_SHIFT: u32 = 7;
pub(crate) const DB_LEN1: usize = 8704;
pub(crate) const DB_LEN2: usize = 37120;
pub(crate) const OLD_RECORDS: usize = 462;
pub(crate) const OLD_SHIFT: u32 = 7;
pub(crate) const OLD_LEN1: usize = 8704;
pub(crate) const OLD_LEN2: usize = 21760;
pub(crate) const HANGUL_DECOMPOSITION: bool = true;
pub(crate) static DECOMPOSITION_TAGS: [&str; 17] = ["", "<noBreak>", "<compat>", "<super>", "<fraction>", "<sub>", "<font>", "<circle>", "<wide>", "<vertical>", "<square>", "<isolated>", "<final>", "<initial>", "<medial>", "<small>", "<narrow>"];
pub(crate) const DECOMP_SHIFT: u32 = 8;
pub(crate) const DECOMP_LEN1: usize = 4352;
pub(crate) const DECOMP_LEN2: usize = 17408;
pub(crate) const DECOMP_DATA: usize = 12270;
pub(crate) const COMPOSE_LEN: usize = 961;
pub(crate) static OLD_NORMALIZATION: [(u32, u32); 5] = [(194664, 136042), (194676, 24371), (194847, 17323), (194911, 31406), (195007, 19799)];
/// Ranges (first, last, prefix, answers a name) of names that end in the code point.
pub(crate) static ALGORITHMIC: [(u32, u32, &str, bool); 19] = [
    (0x3400, 0x4DBF, "CJK UNIFIED IDEOGRAPH-", true),
    (0x4E00, 0x9FFF, "CJK UNIFIED IDEOGRAPH-", true),
    (0xF900, 0xFA6D, "CJK COMPATIBILITY IDEOGRAPH-", true),
    (0xFA70, 0xFAD9, "CJK COMPATIBILITY IDEOGRAPH-", true),
    (0x13460, 0x143FA, "EGYPTIAN HIEROGLYPH-", true),
    (0x18B00, 0x18CD5, "KHITAN SMALL SCRIPT CHARACTER-", true),
    (0x18CFF, 0x18CFF, "KHITAN SMALL SCRIPT CHARACTER-", true),
    (0x1B170, 0x1B2FB, "NUSHU CHARACTER-", true),
    (0x20000, 0x2A6DF, "CJK UNIFIED IDEOGRAPH-", true),
    (0x2A700, 0x2B739, "CJK UNIFIED IDEOGRAPH-", true),
    (0x2B740, 0x2B81D, "CJK UNIFIED IDEOGRAPH-", true),
    (0x2B820, 0x2CEA1, "CJK UNIFIED IDEOGRAPH-", true),
    (0x2CEB0, 0x2EBE0, "CJK UNIFIED IDEOGRAPH-", true),
    (0x2EBF0, 0x2EE5D, "CJK UNIFIED IDEOGRAPH-", true),
    (0x2F800, 0x2FA1D, "CJK COMPATIBILITY IDEOGRAPH-", true),
    (0x30000, 0x3134A, "CJK UNIFIED IDEOGRAPH-", true),
    (0x31350, 0x323AF, "CJK UNIFIED IDEOGRAPH-", true),
    (0x17000, 0x187F7, "TANGUT IDEOGRAPH-", false),
    (0x18D00, 0x18D08, "TANGUT IDEOGRAPH-", false),
];
pub(crate) const NAME_SINGLE: usize = 202;
pub(crate) const NAME_WORDS: usize = 13532;
pub(crate) const NAME_COUNT: usize = 34137;
pub(crate) const NAME_RUNS: usize = 716;
