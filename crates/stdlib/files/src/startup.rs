//! What has to happen to the process before an interpreter starts: the
//! locale, and the decision for UTF-8 mode (PEP 538, PEP 540).

use std::ffi::{CStr, CString};
use taipan_host::{environment, libc};
use taipan_runtime::vm::Config;

/// Locales that the C locale is replaced by, the first that exists.
const TARGETS: [&CStr; 3] = [c"C.UTF-8", c"C.utf8", c"UTF-8"];

fn variable(config: &Config, name: &CStr) -> Option<Vec<u8>> {
    if config.ignore_environment { None } else { environment::variable(name).filter(|v| !v.is_empty()) }
}

fn is_plain(locale: Option<CString>) -> bool {
    locale.is_none_or(|l| matches!(l.to_bytes(), b"C" | b"POSIX"))
}

/// Takes over the user's locale for characters; where that is the C locale,
/// a UTF-8 one, and UTF-8 mode if there is none.
pub fn prepare_process(config: &mut Config) {
    let mut locale = environment::set_locale(libc::LC_CTYPE, Some(c""));
    let coerce = variable(config, c"PYTHONCOERCECLOCALE");
    if is_plain(locale.clone())
        && coerce.as_deref() != Some(b"0")
        && !config.isolated
        && environment::variable(c"LC_ALL").is_none_or(|v| v.is_empty())
    {
        for target in TARGETS {
            if environment::set_locale(libc::LC_CTYPE, Some(target)).is_some() {
                // Child processes are to agree with us.
                let _ = environment::set(c"LC_CTYPE", target);
                locale = environment::set_locale(libc::LC_CTYPE, Some(c""));
                break;
            }
        }
    }
    let asked = config.x_options.iter().rev().find_map(|o| match o.as_str() {
        "utf8" | "utf8=1" => Some(true),
        "utf8=0" => Some(false),
        _ => None,
    });
    let asked = asked.or_else(|| match variable(config, c"PYTHONUTF8").as_deref() {
        Some(b"1") => Some(true),
        Some(b"0") => Some(false),
        _ => None,
    });
    config.utf8_mode = asked.unwrap_or_else(|| is_plain(locale));
}
