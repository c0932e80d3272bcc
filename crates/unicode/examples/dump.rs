//! Writes what this crate answers for every code point, one line each, for
//! `tools/compare.py` to compare with CPython. With the argument `text` it reads
//! lines of hexadecimal code points and writes their mappings and normal forms;
//! with `lookup` it reads names and writes what they stand for.

use std::io::{BufRead, BufWriter, Write};
use taipan_unicode::normalize::Form;
use taipan_unicode::*;

fn hex(chars: &[u32]) -> String {
    chars.iter().map(|c| format!("{c:X}")).collect::<Vec<_>>().join(" ")
}

fn number(value: Option<f64>) -> String {
    value.map_or("-".into(), |v| format!("{:016x}", v.to_bits()))
}

fn digit(value: Option<u32>) -> String {
    value.map_or("-".into(), |v| v.to_string())
}

const FORMS: [Form; 4] = [Form::Nfc, Form::Nfd, Form::Nfkc, Form::Nfkd];

fn main() {
    let mut out = BufWriter::new(std::io::stdout().lock());
    match std::env::args().nth(1).as_deref() {
        Some("text") => {
            for line in std::io::stdin().lock().lines() {
                let line = line.unwrap();
                let text: Vec<u32> =
                    line.split_whitespace().map(|h| u32::from_str_radix(h, 16).unwrap()).collect();
                let mut parts = vec![
                    hex(&lower(&text)),
                    hex(&upper(&text)),
                    hex(&title(&text)),
                    hex(&casefold(&text)),
                    hex(&capitalize(&text)),
                    hex(&swapcase(&text)),
                ];
                for form in FORMS {
                    parts.push(hex(&normalize::normalize(form, &text)));
                    parts.push((normalize::is_normalized(form, &text) as u8).to_string());
                    parts.push(hex(&ucd_3_2_0::normalize(form, &text)));
                }
                writeln!(out, "{}", parts.join(";")).unwrap();
            }
        }
        Some("lookup") => {
            for line in std::io::stdin().lock().lines() {
                let line = line.unwrap();
                let found = names::lookup(&line).map_or("-".into(), |c| hex(&c));
                let old = ucd_3_2_0::lookup(&line).map_or("-".into(), |c| hex(&[c]));
                writeln!(out, "{found};{old}").unwrap();
            }
        }
        _ => {
            for ch in 0..0x110000u32 {
                let flags = [
                    is_alpha(ch),
                    is_decimal(ch),
                    is_digit(ch),
                    is_numeric(ch),
                    is_alnum(ch),
                    is_lower(ch),
                    is_upper(ch),
                    is_title(ch),
                    is_space(ch),
                    is_printable(ch),
                    is_linebreak(ch),
                    is_cased(ch),
                    is_identifier([ch]),
                    is_identifier(['a' as u32, ch]),
                    database::mirrored(ch),
                    ucd_3_2_0::mirrored(ch),
                ];
                let flags: String = flags.iter().map(|f| if *f { '1' } else { '0' }).collect();
                write!(out, "{ch:X};{flags}").unwrap();
                for part in [to_lower(ch), to_upper(ch), to_title(ch), to_casefold(ch)] {
                    write!(out, ";{}", hex(&part)).unwrap();
                }
                let sigma = hex(&lower(&[65, ch, 0x3A3]));
                let sigma2 = hex(&lower(&[65, 0x3A3, ch]));
                write!(out, ";{};{sigma};{sigma2}", simple_lower(ch)).unwrap();
                for (d, g, n) in [
                    (decimal_value(ch), digit_value(ch), numeric_value(ch)),
                    (ucd_3_2_0::decimal_value(ch), ucd_3_2_0::digit_value(ch), ucd_3_2_0::numeric_value(ch)),
                ] {
                    write!(out, ";{};{};{}", digit(d), digit(g), number(n)).unwrap();
                }
                write!(
                    out,
                    ";{};{};{};{};{};{};{};{};{};{}",
                    database::category(ch),
                    database::bidirectional(ch),
                    database::combining(ch),
                    database::east_asian_width(ch),
                    database::decomposition(ch),
                    ucd_3_2_0::category(ch),
                    ucd_3_2_0::bidirectional(ch),
                    ucd_3_2_0::combining(ch),
                    ucd_3_2_0::east_asian_width(ch),
                    ucd_3_2_0::decomposition(ch),
                )
                .unwrap();
                for form in FORMS {
                    write!(
                        out,
                        ";{};{};{};{}",
                        hex(&normalize::normalize(form, &[ch])),
                        normalize::is_normalized(form, &[ch]) as u8,
                        hex(&ucd_3_2_0::normalize(form, &[ch])),
                        ucd_3_2_0::is_normalized(form, &[ch]) as u8,
                    )
                    .unwrap();
                }
                let name = names::name(ch).unwrap_or_default();
                if !name.is_empty() {
                    assert_eq!(names::lookup(&name), Some(vec![ch]));
                }
                writeln!(out, ";{name};{}", ucd_3_2_0::name(ch).unwrap_or_default()).unwrap();
            }
        }
    }
}
