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
    let option = config.x_options.iter().rev().find(|o| *o == "utf8" || o.starts_with("utf8="));
    let asked = match option.map(|o| o.strip_prefix("utf8=").unwrap_or("1")) {
        Some("1") => Some(true),
        Some("0") => Some(false),
        Some(_) => refuse("-X utf8 option value"),
        None => match variable(config, c"PYTHONUTF8").as_deref() {
            Some(b"1") => Some(true),
            Some(b"0") => Some(false),
            Some(_) => refuse("PYTHONUTF8 environment variable value"),
            None => None,
        },
    };
    config.utf8_mode = asked.unwrap_or_else(|| is_plain(locale));
}

/// Ends the process, which was asked for neither UTF-8 mode nor none.
fn refuse(what: &str) -> ! {
    eprintln!("Fatal Python error: preconfig_init_utf8_mode: invalid {what}");
    eprintln!("Python runtime state: preinitializing\n");
    std::process::exit(1);
}
