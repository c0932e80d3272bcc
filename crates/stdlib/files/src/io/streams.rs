//! The standard streams: `sys.stdin`, `sys.stdout`, `sys.stderr`.

use super::*;
use taipan_host::{environment, fd};

/// Makes the three streams, as the configuration, the locale and
/// PYTHONIOENCODING want them. A descriptor that is closed gives None.
pub fn make_std_streams(vm: &Vm) -> Result<()> {
    let (encoding, errors) = settings(vm);
    for (number, attr) in [(0, "stdin"), (1, "stdout"), (2, "stderr")] {
        let handler = if number == 2 { "backslashreplace" } else { &errors };
        let stream = if fd::is_inheritable(number).is_ok() {
            make(vm, number, attr, &encoding, handler)?
        } else {
            Object::NONE
        };
        let sys = vm.import_native("sys")?;
        vm.set_attr_str(&sys, attr, &stream)?;
        vm.set_attr_str(&sys, &format!("__{attr}__"), &stream)?;
    }
    Ok(())
}

/// Encoding and error handler of standard input and output.
fn settings(vm: &Vm) -> (String, String) {
    let config = &vm.interp().config;
    let (mut encoding, mut errors) = (String::new(), String::new());
    if !config.ignore_environment
        && let Some(value) = environment::variable(c"PYTHONIOENCODING")
    {
        let value = String::from_utf8_lossy(&value).into_owned();
        let (first, second) = value.split_once(':').unwrap_or((&value, ""));
        encoding = first.to_string();
        errors = second.to_string();
        if !encoding.is_empty() && errors.is_empty() {
            errors = "strict".to_string();
        }
    }
    if encoding.is_empty() {
        encoding = locale_encoding(vm);
        // Text that came in wrongly goes out as it was, where nothing better is known.
        if matches!(encoding.as_str(), "ANSI_X3.4-1968" | "ASCII" | "US-ASCII") {
            encoding = "utf-8".to_string();
        }
    }
    if errors.is_empty() {
        let locale = environment::set_locale(libc::LC_CTYPE, None);
        let plain = locale.is_none_or(|l| matches!(l.to_bytes(), b"C" | b"POSIX" | b"C.UTF-8" | b"C.utf8"));
        errors = if plain || config.utf8_mode { "surrogateescape" } else { "strict" }.to_string();
    }
    (codec::known_name(vm, &encoding), errors)
}

fn make(vm: &Vm, number: i32, attr: &str, encoding: &str, errors: &str) -> Result {
    let config = &vm.interp().config;
    let writes = number != 0;
    let raw = match file::open(
        vm,
        &vm.int(number as i64),
        if writes { "wb" } else { "rb" },
        false,
        &Object::NONE,
    ) {
        Ok(raw) => raw,
        Err(raised) if vm.raised_is(&exc::OS_ERROR) => {
            drop(vm.caught(raised));
            return Ok(Object::NONE);
        }
        Err(raised) => return Err(raised),
    };
    let shown = vm.str(&format!("<{attr}>"));
    vm.set_attr_str(&raw, "name", &shown)?;
    let terminal = fd::is_tty(number);
    let buffer = if config.unbuffered && writes {
        raw
    } else if writes {
        buffered::new_writer(vm, raw, DEFAULT_BUFFER_SIZE)?
    } else {
        buffered::new_reader(vm, raw, DEFAULT_BUFFER_SIZE)?
    };
    let line_buffering = !config.unbuffered && writes && (terminal || number == 2 || config.interactive > 0);
    let stream = text::new(
        vm,
        buffer,
        &text::Options {
            encoding: vm.str(encoding),
            errors: vm.str(errors),
            newline: if writes { vm.str("\n") } else { Object::NONE },
            line_buffering,
            write_through: config.unbuffered && writes,
        },
    )?;
    vm.set_attr_str(&stream, "mode", &vm.str(if writes { "w" } else { "r" }))?;
    Ok(stream)
}
