//! The numbers of SRE code lists, as `re/_constants.py` of CPython 3.14 has them.

/// The version of the code list format (`_sre.MAGIC`).
pub const MAGIC: u32 = 20230612;
/// The repeat count that stands for "without limit".
pub const MAXREPEAT: u32 = u32::MAX;
/// The largest number of groups.
pub const MAXGROUPS: u32 = 1_073_741_823;

/// The flags of a pattern (`re.IGNORECASE` and so on).
pub mod flag {
    /// `re.IGNORECASE`.
    pub const IGNORECASE: u32 = 2;
    /// `re.LOCALE`.
    pub const LOCALE: u32 = 4;
    /// `re.MULTILINE`.
    pub const MULTILINE: u32 = 8;
    /// `re.DOTALL`.
    pub const DOTALL: u32 = 16;
    /// `re.UNICODE`.
    pub const UNICODE: u32 = 32;
    /// `re.VERBOSE`.
    pub const VERBOSE: u32 = 64;
    /// `re.DEBUG`.
    pub const DEBUG: u32 = 128;
    /// `re.ASCII`.
    pub const ASCII: u32 = 256;
}

macro_rules! numbered {
    ($start:expr; $first:ident $(, $rest:ident)* $(,)?) => {
        pub(crate) const $first: u32 = $start;
        numbered!($start + 1; $($rest),*);
    };
    ($start:expr;) => {};
}

pub(crate) mod op {
    #![allow(dead_code)]
    numbered!(0; FAILURE, SUCCESS, ANY, ANY_ALL, ASSERT, ASSERT_NOT, AT, BRANCH, CATEGORY, CHARSET,
        BIGCHARSET, GROUPREF, GROUPREF_EXISTS, IN, INFO, JUMP, LITERAL, MARK, MAX_UNTIL, MIN_UNTIL,
        NOT_LITERAL, NEGATE, RANGE, REPEAT, REPEAT_ONE, SUBPATTERN, MIN_REPEAT_ONE, ATOMIC_GROUP,
        POSSESSIVE_REPEAT, POSSESSIVE_REPEAT_ONE, GROUPREF_IGNORE, IN_IGNORE, LITERAL_IGNORE,
        NOT_LITERAL_IGNORE, GROUPREF_LOC_IGNORE, IN_LOC_IGNORE, LITERAL_LOC_IGNORE,
        NOT_LITERAL_LOC_IGNORE, GROUPREF_UNI_IGNORE, IN_UNI_IGNORE, LITERAL_UNI_IGNORE,
        NOT_LITERAL_UNI_IGNORE, RANGE_UNI_IGNORE);
}

/// The number of category codes.
pub(crate) const CATEGORIES: u32 = 18;

/// The `AT` positions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum At {
    /// The beginning of the string.
    Beginning,
    /// The beginning of a line.
    BeginningLine,
    /// A word boundary, by the given word class.
    Boundary(Word),
    /// Not a word boundary.
    NonBoundary(Word),
    /// The end of the string, or before its last newline.
    End,
    /// The end of a line.
    EndLine,
    /// The end of the string.
    EndString,
}

/// The word class a boundary is judged by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Word {
    Ascii,
    Locale,
    Unicode,
}

impl At {
    pub(crate) fn from_code(code: u32) -> Option<At> {
        Some(match code {
            0 | 2 => At::Beginning,
            1 => At::BeginningLine,
            3 => At::Boundary(Word::Ascii),
            4 => At::NonBoundary(Word::Ascii),
            5 => At::End,
            6 => At::EndLine,
            7 => At::EndString,
            8 => At::Boundary(Word::Locale),
            9 => At::NonBoundary(Word::Locale),
            10 => At::Boundary(Word::Unicode),
            11 => At::NonBoundary(Word::Unicode),
            _ => return None,
        })
    }
}
