//! Recorded values and checksums. The checksums were recorded from a build that
//! `tools/compare.py` had found equal to CPython over every code point.

use taipan_unicode::normalize::{Form, QuickCheck, is_normalized, normalize, quick_check};
use taipan_unicode::*;

fn points(text: &str) -> Vec<u32> {
    text.chars().map(u32::from).collect()
}

struct Sum(u64);

impl Sum {
    fn add(&mut self, value: u64) {
        self.0 = (self.0 ^ value).wrapping_mul(0x100_0000_01b3).rotate_left(23);
    }
    fn text(&mut self, text: &str) {
        text.bytes().for_each(|b| self.add(b as u64));
    }
}

#[test]
fn checksums_over_all_code_points() {
    let (mut types, mut cases, mut data, mut spelt) = (Sum(1), Sum(1), Sum(1), Sum(1));
    for ch in 0..0x110000 {
        for flag in [
            is_alpha(ch),
            is_decimal(ch),
            is_digit(ch),
            is_numeric(ch),
            is_lower(ch),
            is_upper(ch),
            is_title(ch),
            is_space(ch),
            is_printable(ch),
            is_linebreak(ch),
            is_cased(ch),
            is_case_ignorable(ch),
            is_xid_start(ch),
            is_xid_continue(ch),
        ] {
            types.add(flag as u64);
        }
        types.add(numeric_value(ch).map_or(7, f64::to_bits));
        for part in [to_lower(ch), to_upper(ch), to_title(ch), to_casefold(ch)] {
            part.iter().for_each(|&c| cases.add(c as u64));
        }
        data.text(database::category(ch));
        data.text(database::bidirectional(ch));
        data.text(database::east_asian_width(ch));
        data.text(ucd_3_2_0::category(ch));
        data.add(database::combining(ch) as u64);
        if let Some(name) = names::name(ch) {
            spelt.text(&name);
        }
    }
    assert_eq!([types.0, cases.0, data.0, spelt.0], RECORDED);
}

const RECORDED: [u64; 4] = [
    8_800_471_295_258_967_839,
    17_776_579_522_856_532_277,
    5_780_475_381_972_202_311,
    12_031_219_904_018_644_056,
];

#[test]
fn mappings() {
    assert_eq!(to_upper('ß' as u32).as_slice(), points("SS"));
    assert_eq!(simple_upper('ß' as u32), 'S' as u32);
    assert_eq!(to_casefold('ß' as u32).as_slice(), points("ss"));
    assert_eq!(to_upper('ΐ' as u32).len(), 3);
    assert_eq!(lower(&points("ΑΣ ΑΣΑ Σ")), points("ας ασα σ"));
    assert_eq!(title(&points("they're ǆ")), points("They'Re ǅ"));
    assert_eq!(swapcase(&points("aBß")), points("AbSS"));
    assert_eq!(capitalize(&points("ǆX")), points("ǅx"));
}

#[test]
fn numbers() {
    assert_eq!(decimal_value('٣' as u32), Some(3));
    assert_eq!(digit_value('²' as u32), Some(2));
    assert_eq!(decimal_value('²' as u32), None);
    assert_eq!(numeric_value('⅓' as u32), Some(1.0 / 3.0));
    assert_eq!(numeric_value('兆' as u32), Some(1e6));
    assert_eq!(numeric_value('a' as u32), None);
}

#[test]
fn normal_forms() {
    assert_eq!(normalize(Form::Nfd, &points("é한")), points("e\u{301}\u{1112}\u{1161}\u{11ab}"));
    assert_eq!(normalize(Form::Nfc, &points("e\u{301}\u{1112}\u{1161}\u{11ab}")), points("é한"));
    assert_eq!(normalize(Form::Nfkc, &points("ﬁ①")), points("fi1"));
    assert_eq!(normalize(Form::Nfd, &points("a\u{301}\u{323}")), points("a\u{323}\u{301}"));
    assert!(is_normalized(Form::Nfc, &points("é")) && !is_normalized(Form::Nfd, &points("é")));
    assert_eq!(quick_check(Form::Nfc, points("e\u{301}")), QuickCheck::Maybe);
}

#[test]
fn naming() {
    assert_eq!(names::name(0x41).as_deref(), Some("LATIN CAPITAL LETTER A"));
    assert_eq!(names::name(0xD55C).as_deref(), Some("HANGUL SYLLABLE HAN"));
    assert_eq!(names::name(0x4E00).as_deref(), Some("CJK UNIFIED IDEOGRAPH-4E00"));
    assert_eq!(names::name(0), None);
    assert_eq!(names::lookup("latin small letter gha"), Some(vec![0x1A3]));
    assert_eq!(names::lookup("KEYCAP DIGIT ONE"), Some(vec![0x31, 0xFE0F, 0x20E3]));
    assert_eq!(names::lookup("TANGUT IDEOGRAPH-17000"), Some(vec![0x17000]));
    assert_eq!(names::name(0x17000), None);
    assert_eq!(names::lookup("NO SUCH NAME"), None);
    assert_eq!(names::lookup(""), None);
    assert_eq!(ucd_3_2_0::lookup("KEYCAP DIGIT ONE"), None);
}

#[test]
fn beyond_the_last_code_point() {
    for ch in [0x110000, u32::MAX] {
        assert!(!is_alpha(ch) && names::name(ch).is_none() && to_lower(ch).as_slice() == [ch]);
        assert_eq!(database::category(ch), "Cn");
    }
}
