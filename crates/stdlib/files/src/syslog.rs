//! `syslog`: messages for the system's log.

use std::ffi::CString;
use taipan_host::{libc, syslog};
use taipan_runtime::codecs;
use taipan_runtime::prelude::*;
use taipan_runtime::support::bad_argument;

const OPEN: &str = "syslog is open";

/// The module.
pub static SYSLOG: ModuleDef = ModuleDef {
    name: "syslog",
    doc: "",
    functions: &[
        MethodDef::new(
            "openlog(ident=<unrepresentable>, logoption=0, facility=LOG_USER)",
            open,
            "Say under which name, with which options and as what kind messages are written.",
        ),
        MethodDef::new(
            "closelog()",
            |vm, _| {
                vm.audit("syslog.closelog", &[])?;
                if is_open(vm) {
                    vm.without_gil(syslog::close);
                    vm.share(OPEN, Object::FALSE);
                }
                Ok(Object::NONE)
            },
            "Close the log and forget its name, options and kind.",
        ),
        MethodDef::raw(
            "syslog(...)",
            write,
            "syslog([priority=LOG_INFO,] message)\nWrite a message to the system's log.",
        ),
        MethodDef::new(
            "setlogmask(maskpri, /)",
            |vm, args| {
                let mask = vm.to_i64(&args[0])?;
                vm.audit("syslog.setlogmask", &[vm.int(mask)])?;
                Ok(vm.int(vm.without_gil(|| syslog::set_mask(mask as i32)) as i64))
            },
            "Set the mask of the priorities that are written; the mask before is returned.",
        ),
        MethodDef::new(
            "LOG_MASK(pri, /)",
            |vm, args| {
                let priority = vm.to_i64(&args[0])? as u32;
                Ok(vm.int(1i32.wrapping_shl(priority) as i64))
            },
            "The mask of one priority.",
        ),
        MethodDef::new(
            "LOG_UPTO(pri, /)",
            |vm, args| {
                let priority = (vm.to_i64(&args[0])? as u32).wrapping_add(1);
                Ok(vm.int(1i32.wrapping_shl(priority).wrapping_sub(1) as i64))
            },
            "The mask of a priority and all that are more urgent.",
        ),
    ],
    types: &[],
    init: Some(|vm, module| {
        vm.set_attr_str(module, "__doc__", &Object::NONE)?;
        for (name, value) in CONSTANTS {
            vm.set_attr_str(module, name, &vm.int(value as i64))?;
        }
        Ok(())
    }),
};

const CONSTANTS: [(&str, i32); 34] = [
    ("LOG_EMERG", libc::LOG_EMERG),
    ("LOG_ALERT", libc::LOG_ALERT),
    ("LOG_CRIT", libc::LOG_CRIT),
    ("LOG_ERR", libc::LOG_ERR),
    ("LOG_WARNING", libc::LOG_WARNING),
    ("LOG_NOTICE", libc::LOG_NOTICE),
    ("LOG_INFO", libc::LOG_INFO),
    ("LOG_DEBUG", libc::LOG_DEBUG),
    ("LOG_PID", libc::LOG_PID),
    ("LOG_CONS", libc::LOG_CONS),
    ("LOG_NDELAY", libc::LOG_NDELAY),
    ("LOG_ODELAY", libc::LOG_ODELAY),
    ("LOG_NOWAIT", libc::LOG_NOWAIT),
    ("LOG_PERROR", libc::LOG_PERROR),
    ("LOG_SYSLOG", libc::LOG_SYSLOG),
    ("LOG_CRON", libc::LOG_CRON),
    ("LOG_UUCP", libc::LOG_UUCP),
    ("LOG_NEWS", libc::LOG_NEWS),
    ("LOG_AUTHPRIV", libc::LOG_AUTHPRIV),
    ("LOG_FTP", libc::LOG_FTP),
    ("LOG_KERN", libc::LOG_KERN),
    ("LOG_USER", libc::LOG_USER),
    ("LOG_MAIL", libc::LOG_MAIL),
    ("LOG_DAEMON", libc::LOG_DAEMON),
    ("LOG_AUTH", libc::LOG_AUTH),
    ("LOG_LPR", libc::LOG_LPR),
    ("LOG_LOCAL0", libc::LOG_LOCAL0),
    ("LOG_LOCAL1", libc::LOG_LOCAL1),
    ("LOG_LOCAL2", libc::LOG_LOCAL2),
    ("LOG_LOCAL3", libc::LOG_LOCAL3),
    ("LOG_LOCAL4", libc::LOG_LOCAL4),
    ("LOG_LOCAL5", libc::LOG_LOCAL5),
    ("LOG_LOCAL6", libc::LOG_LOCAL6),
    ("LOG_LOCAL7", libc::LOG_LOCAL7),
];

fn is_open(vm: &Vm) -> bool {
    vm.shared(OPEN).is_some_and(|open| open.value() == Object::TRUE.value())
}

fn open(vm: &Vm, args: &[Object]) -> Result {
    let ident = args[0].bound().cloned();
    if let Some(ident) = &ident
        && ident.downcast::<Str>().is_none()
    {
        return Err(bad_argument(vm, "openlog", "argument 'ident'", "str", ident));
    }
    let options = vm.to_i64(&args[1])?;
    let facility = match args[2].bound() {
        Some(facility) => vm.to_i64(facility)?,
        None => libc::LOG_USER as i64,
    };
    open_as(vm, ident, options, facility)?;
    Ok(Object::NONE)
}

fn open_as(vm: &Vm, ident: Option<Object>, options: i64, facility: i64) -> Result<()> {
    let ident = ident.or_else(|| program(vm));
    let name = match &ident {
        Some(ident) => Some(c_string(&codecs::utf8::encode(vm, ident, "strict")?)),
        None => None,
    };
    let shown = ident.unwrap_or(Object::NONE);
    vm.audit("syslog.openlog", &[shown, vm.int(options), vm.int(facility)])?;
    vm.without_gil(move || syslog::open(name, options as i32, facility as i32))
        .map_err(|errno| vm.os_error(errno.0, None))?;
    vm.share(OPEN, Object::TRUE);
    Ok(())
}

/// The name of the program: the last part of `sys.argv[0]`, if it has one.
fn program(vm: &Vm) -> Option<Object> {
    let argv = vm.interp().sys_dict.downcast::<Dict>()?.get_text(vm, "argv")?;
    let first = argv.downcast::<List>()?.with_items(|items| items.first().cloned())?;
    let text = first.downcast::<Str>()?;
    let start = (0..text.len()).rev().find(|&i| text.char_at(i) == '/' as u32).map_or(0, |i| i + 1);
    if start < text.len() { Some(text.slice(vm, start, text.len())) } else { None }
}

/// Bytes up to the first null.
fn c_string(bytes: &[u8]) -> CString {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    CString::new(&bytes[..end]).unwrap_or_default()
}

fn write(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    if !kwnames.is_empty() {
        return Err(vm.type_error("syslog.syslog() takes no keyword arguments"));
    }
    let (priority, message, which) = match args {
        [message] => (libc::LOG_INFO, message, "argument 1"),
        [priority, message] => (vm.to_c_int(priority)?, message, "argument 2"),
        _ => return Err(vm.type_error("syslog.syslog requires 1 to 2 arguments")),
    };
    if message.downcast::<Str>().is_none() {
        return Err(bad_argument(vm, "syslog", which, "str", message));
    }
    let text = codecs::codec_name(vm, message)?;
    vm.audit("syslog.syslog", &[vm.int(priority as i64), message.clone()])?;
    if !is_open(vm) {
        open_as(vm, None, 0, libc::LOG_USER as i64)?;
    }
    let text = c_string(text.as_bytes());
    vm.without_gil(|| syslog::write(priority, &text)).map_err(|errno| vm.os_error(errno.0, None))?;
    Ok(Object::NONE)
}
