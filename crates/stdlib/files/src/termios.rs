//! The module `termios`.

use crate::support::*;
use taipan_host::terminal::{self, Attributes};
use taipan_host::{Errno, libc};
use taipan_runtime::prelude::*;
use taipan_runtime::support::exception_class;
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::int;

pub static MODULE: ModuleDef = ModuleDef {
    name: "termios",
    doc: "Control of terminals. All functions take a descriptor first: an int, or an object\nwith fileno().",
    functions: &[
        MethodDef::new(
            "tcgetattr(fd, /)",
            tcgetattr,
            "The attributes of a terminal: [iflag, oflag, cflag, lflag, ispeed, ospeed, cc].",
        ),
        MethodDef::new(
            "tcsetattr(fd, when, attributes, /)",
            tcsetattr,
            "Sets the attributes of a terminal: at once, after output, or after output with\ninput thrown away.",
        ),
        MethodDef::new(
            "tcsendbreak(fd, duration, /)",
            |vm, args| {
                let (fd, duration) = (fileno_of(vm, &args[0])?, vm.to_plain_c_int(&args[1])?);
                done(vm, vm.without_gil(|| terminal::send_break(fd, duration)))
            },
            "Sends a break.",
        ),
        MethodDef::new(
            "tcdrain(fd, /)",
            |vm, args| {
                let fd = fileno_of(vm, &args[0])?;
                done(vm, vm.without_gil(|| terminal::drain(fd)))
            },
            "Waits until all output has gone out.",
        ),
        MethodDef::new(
            "tcflush(fd, queue, /)",
            |vm, args| {
                let (fd, queue) = (fileno_of(vm, &args[0])?, vm.to_plain_c_int(&args[1])?);
                done(vm, vm.without_gil(|| terminal::flush(fd, queue)))
            },
            "Throws away what waits for input, for output, or both.",
        ),
        MethodDef::new(
            "tcflow(fd, action, /)",
            |vm, args| {
                let (fd, action) = (fileno_of(vm, &args[0])?, vm.to_plain_c_int(&args[1])?);
                done(vm, vm.without_gil(|| terminal::flow(fd, action)))
            },
            "Stops or starts input or output.",
        ),
        MethodDef::new(
            "tcgetwinsize(fd, /)",
            |vm, args| {
                let fd = fileno_of(vm, &args[0])?;
                let size = checked(vm, terminal::window_size(fd))?;
                Ok(vm.tuple(vec![vm.int(size[0] as i64), vm.int(size[1] as i64)]))
            },
            "The size of the terminal: (rows, columns).",
        ),
        MethodDef::new(
            "tcsetwinsize(fd, winsize, /)",
            tcsetwinsize,
            "Sets the size of the terminal: (rows, columns).",
        ),
    ],
    types: &[],
    init: Some(|vm, module| {
        let class = error_class(vm)?;
        vm.set_attr_str(module, "error", &class)?;
        add_ints(vm, module, CONSTANTS)
    }),
};

const ERROR: &str = "termios.error";

fn error_class(vm: &Vm) -> Result {
    match vm.shared(ERROR) {
        Some(class) => Ok(class),
        None => exception_class(vm, ERROR, "termios", "error", &exc::EXCEPTION, None),
    }
}

fn error(vm: &Vm, e: Errno) -> Raised {
    raise_class(vm, error_class(vm), &[vm.int(e.0 as i64), vm.str(&e.text())])
}

fn checked<T>(vm: &Vm, result: taipan_host::Result<T>) -> Result<T> {
    result.map_err(|e| error(vm, e))
}

fn done(vm: &Vm, result: taipan_host::Result<()>) -> Result {
    checked(vm, result).map(|()| Object::NONE)
}

/// Index of the first special character that is a number in non-canonical mode.
const NUMBERS: [usize; 2] = [libc::VMIN, libc::VTIME];

fn tcgetattr(vm: &Vm, args: &[Object]) -> Result {
    let fd = fileno_of(vm, &args[0])?;
    let t = checked(vm, terminal::attributes(fd))?;
    let (ispeed, ospeed) = terminal::speeds(&t);
    let canonical = t.c_lflag & libc::ICANON != 0;
    let characters = t
        .c_cc
        .iter()
        .enumerate()
        .map(|(i, &c)| if !canonical && NUMBERS.contains(&i) { vm.int(c as i64) } else { vm.bytes(&[c]) })
        .collect();
    Ok(vm.list(vec![
        vm.int(t.c_iflag as i64),
        vm.int(t.c_oflag as i64),
        vm.int(t.c_cflag as i64),
        vm.int(t.c_lflag as i64),
        vm.int(ispeed as i64),
        vm.int(ospeed as i64),
        vm.list(characters),
    ]))
}

fn tcsetattr(vm: &Vm, args: &[Object]) -> Result {
    let fd = fileno_of(vm, &args[0])?;
    let when = vm.to_plain_c_int(&args[1])?;
    let items = match args[2].downcast::<List>() {
        Some(list) if list.len() == 7 => list.to_vec(),
        _ => return Err(vm.type_error("tcsetattr, arg 3: must be 7 element list")),
    };
    let number = |object: &Object| -> Result<u32> { Ok(vm.to_i64(object)? as u32) };
    // What is not set here stays as it is.
    let mut t: Attributes = checked(vm, terminal::attributes(fd))?;
    t.c_iflag = number(&items[0])?;
    t.c_oflag = number(&items[1])?;
    t.c_cflag = number(&items[2])?;
    t.c_lflag = number(&items[3])?;
    let (ispeed, ospeed) = (number(&items[4])?, number(&items[5])?);
    let characters = match items[6].downcast::<List>() {
        Some(list) if list.len() == libc::NCCS => list.to_vec(),
        _ => {
            return Err(
                vm.type_error(format!("tcsetattr: attributes[6] must be {} element list", libc::NCCS))
            );
        }
    };
    for (place, item) in t.c_cc.iter_mut().zip(&characters) {
        *place = match item.downcast::<Bytes>().map(|b| b.as_slice()) {
            Some(&[c]) => c,
            None if int::is_any_int(item) => vm.to_i64(item)? as u8,
            _ => {
                return Err(vm.type_error(
                    "tcsetattr: elements of attributes must be bytes objects of length 1 or integers",
                ));
            }
        };
    }
    checked(vm, terminal::set_speeds(&mut t, ispeed, ospeed))?;
    done(vm, vm.without_gil(|| terminal::set_attributes(fd, when, &t)))
}

fn tcsetwinsize(vm: &Vm, args: &[Object]) -> Result {
    let fd = fileno_of(vm, &args[0])?;
    let wrong = || vm.type_error("tcsetwinsize, arg 2: must be a two-item sequence");
    if !vm.is_sequence(&args[1]) {
        return Err(wrong());
    }
    let items = vm.collect(&args[1])?;
    let [rows, columns] = &items[..] else { return Err(wrong()) };
    let size = |object: &Object| -> Result<u16> {
        let n = vm.to_i64(object)?;
        u16::try_from(n).map_err(|_| vm.overflow_error("winsize value(s) out of range."))
    };
    let (rows, columns) = (size(rows)?, size(columns)?);
    let old = checked(vm, terminal::window_size(fd))?;
    done(vm, terminal::set_window_size(fd, [rows, columns, old[2], old[3]]))
}

/// Name and value.
pub const CONSTANTS: &[(&str, i64)] = &[
    ("B0", libc::B0 as i64),
    ("B1000000", libc::B1000000 as i64),
    ("B110", libc::B110 as i64),
    ("B115200", libc::B115200 as i64),
    ("B1152000", libc::B1152000 as i64),
    ("B1200", libc::B1200 as i64),
    ("B134", libc::B134 as i64),
    ("B150", libc::B150 as i64),
    ("B1500000", libc::B1500000 as i64),
    ("B1800", libc::B1800 as i64),
    ("B19200", libc::B19200 as i64),
    ("B200", libc::B200 as i64),
    ("B2000000", libc::B2000000 as i64),
    ("B230400", libc::B230400 as i64),
    ("B2400", libc::B2400 as i64),
    ("B2500000", libc::B2500000 as i64),
    ("B300", libc::B300 as i64),
    ("B3000000", libc::B3000000 as i64),
    ("B3500000", libc::B3500000 as i64),
    ("B38400", libc::B38400 as i64),
    ("B4000000", libc::B4000000 as i64),
    ("B460800", libc::B460800 as i64),
    ("B4800", libc::B4800 as i64),
    ("B50", libc::B50 as i64),
    ("B500000", libc::B500000 as i64),
    ("B57600", libc::B57600 as i64),
    ("B576000", libc::B576000 as i64),
    ("B600", libc::B600 as i64),
    ("B75", libc::B75 as i64),
    ("B921600", libc::B921600 as i64),
    ("B9600", libc::B9600 as i64),
    ("BRKINT", 2),
    ("BS0", 0),
    ("BS1", 0x2000),
    ("BSDLY", 0x2000),
    ("CBAUD", 0x100f),
    ("CBAUDEX", 0x1000),
    ("CDSUSP", 0x19),
    ("CEOF", 4),
    ("CEOL", 0),
    ("CEOT", 4),
    ("CERASE", 0x7f),
    ("CFLUSH", 0xf),
    ("CIBAUD", 0x100f0000),
    ("CINTR", 3),
    ("CKILL", 0x15),
    ("CLNEXT", 0x16),
    ("CLOCAL", 0x800),
    ("CQUIT", 0x1c),
    ("CR0", 0),
    ("CR1", 0x200),
    ("CR2", 0x400),
    ("CR3", 0x600),
    ("CRDLY", 0x600),
    ("CREAD", 0x80),
    ("CRPRNT", 0x12),
    ("CRTSCTS", 0x80000000),
    ("CS5", 0),
    ("CS6", 0x10),
    ("CS7", 0x20),
    ("CS8", 0x30),
    ("CSIZE", 0x30),
    ("CSTART", 0x11),
    ("CSTOP", 0x13),
    ("CSTOPB", 0x40),
    ("CSUSP", 0x1a),
    ("CWERASE", 0x17),
    ("ECHO", 8),
    ("ECHOCTL", 0x200),
    ("ECHOE", 0x10),
    ("ECHOK", 0x20),
    ("ECHOKE", 0x800),
    ("ECHONL", 0x40),
    ("ECHOPRT", 0x400),
    ("EXTA", libc::EXTA as i64),
    ("EXTB", libc::EXTB as i64),
    ("EXTPROC", 0x10000),
    ("FF0", 0),
    ("FF1", 0x8000),
    ("FFDLY", 0x8000),
    ("FIOASYNC", 0x5452),
    ("FIOCLEX", 0x5451),
    ("FIONBIO", 0x5421),
    ("FIONCLEX", 0x5450),
    ("FIONREAD", 0x541b),
    ("FLUSHO", 0x1000),
    ("HUPCL", 0x400),
    ("IBSHIFT", 0x10),
    ("ICANON", 2),
    ("ICRNL", 0x100),
    ("IEXTEN", 0x8000),
    ("IGNBRK", 1),
    ("IGNCR", 0x80),
    ("IGNPAR", 4),
    ("IMAXBEL", 0x2000),
    ("INLCR", 0x40),
    ("INPCK", 0x10),
    ("IOCSIZE_MASK", 0x3fff0000),
    ("IOCSIZE_SHIFT", 0x10),
    ("ISIG", 1),
    ("ISTRIP", 0x20),
    ("IUCLC", 0x200),
    ("IUTF8", 0x4000),
    ("IXANY", 0x800),
    ("IXOFF", 0x1000),
    ("IXON", 0x400),
    ("NCCS", 0x20),
    ("NL0", 0),
    ("NL1", 0x100),
    ("NLDLY", 0x100),
    ("NOFLSH", 0x80),
    ("N_MOUSE", 2),
    ("N_PPP", 3),
    ("N_SLIP", 1),
    ("N_STRIP", 4),
    ("N_TTY", 0),
    ("OCRNL", 8),
    ("OFDEL", 0x80),
    ("OFILL", 0x40),
    ("OLCUC", 2),
    ("ONLCR", 4),
    ("ONLRET", 0x20),
    ("ONOCR", 0x10),
    ("OPOST", 1),
    ("PARENB", 0x100),
    ("PARMRK", 8),
    ("PARODD", 0x200),
    ("PENDIN", 0x4000),
    ("TAB0", 0),
    ("TAB1", 0x800),
    ("TAB2", 0x1000),
    ("TAB3", 0x1800),
    ("TABDLY", 0x1800),
    ("TCFLSH", 0x540b),
    ("TCGETS", 0x5401),
    ("TCIFLUSH", 0),
    ("TCIOFF", 2),
    ("TCIOFLUSH", 2),
    ("TCION", 3),
    ("TCOFLUSH", 1),
    ("TCOOFF", 0),
    ("TCOON", 1),
    ("TCSADRAIN", 1),
    ("TCSAFLUSH", 2),
    ("TCSANOW", 0),
    ("TCSBRK", 0x5409),
    ("TCSBRKP", 0x5425),
    ("TCSETS", 0x5402),
    ("TCSETSF", 0x5404),
    ("TCSETSW", 0x5403),
    ("TCXONC", 0x540a),
    ("TIOCCONS", 0x541d),
    ("TIOCEXCL", 0x540c),
    ("TIOCGETD", 0x5424),
    ("TIOCGICOUNT", 0x545d),
    ("TIOCGLCKTRMIOS", 0x5456),
    ("TIOCGPGRP", 0x540f),
    ("TIOCGSERIAL", 0x541e),
    ("TIOCGSOFTCAR", 0x5419),
    ("TIOCGWINSZ", 0x5413),
    ("TIOCINQ", 0x541b),
    ("TIOCLINUX", 0x541c),
    ("TIOCMBIC", 0x5417),
    ("TIOCMBIS", 0x5416),
    ("TIOCMGET", 0x5415),
    ("TIOCMIWAIT", 0x545c),
    ("TIOCMSET", 0x5418),
    ("TIOCM_CAR", 0x40),
    ("TIOCM_CD", 0x40),
    ("TIOCM_CTS", 0x20),
    ("TIOCM_DSR", 0x100),
    ("TIOCM_DTR", 2),
    ("TIOCM_LE", 1),
    ("TIOCM_RI", 0x80),
    ("TIOCM_RNG", 0x80),
    ("TIOCM_RTS", 4),
    ("TIOCM_SR", 0x10),
    ("TIOCM_ST", 8),
    ("TIOCNOTTY", 0x5422),
    ("TIOCNXCL", 0x540d),
    ("TIOCOUTQ", 0x5411),
    ("TIOCPKT", 0x5420),
    ("TIOCPKT_DATA", 0),
    ("TIOCPKT_DOSTOP", 0x20),
    ("TIOCPKT_FLUSHREAD", 1),
    ("TIOCPKT_FLUSHWRITE", 2),
    ("TIOCPKT_NOSTOP", 0x10),
    ("TIOCPKT_START", 8),
    ("TIOCPKT_STOP", 4),
    ("TIOCSCTTY", 0x540e),
    ("TIOCSERCONFIG", 0x5453),
    ("TIOCSERGETLSR", 0x5459),
    ("TIOCSERGETMULTI", 0x545a),
    ("TIOCSERGSTRUCT", 0x5458),
    ("TIOCSERGWILD", 0x5454),
    ("TIOCSERSETMULTI", 0x545b),
    ("TIOCSERSWILD", 0x5455),
    ("TIOCSER_TEMT", 1),
    ("TIOCSETD", 0x5423),
    ("TIOCSLCKTRMIOS", 0x5457),
    ("TIOCSPGRP", 0x5410),
    ("TIOCSSERIAL", 0x541f),
    ("TIOCSSOFTCAR", 0x541a),
    ("TIOCSTI", 0x5412),
    ("TIOCSWINSZ", 0x5414),
    ("TOSTOP", 0x100),
    ("VDISCARD", 0xd),
    ("VEOF", 4),
    ("VEOL", 0xb),
    ("VEOL2", 0x10),
    ("VERASE", 2),
    ("VINTR", 0),
    ("VKILL", 3),
    ("VLNEXT", 0xf),
    ("VMIN", 6),
    ("VQUIT", 1),
    ("VREPRINT", 0xc),
    ("VSTART", 8),
    ("VSTOP", 9),
    ("VSUSP", 0xa),
    ("VSWTC", 7),
    ("VSWTCH", 7),
    ("VT0", 0),
    ("VT1", 0x4000),
    ("VTDLY", 0x4000),
    ("VTIME", 5),
    ("VWERASE", 0xe),
    ("XCASE", 4),
    ("XTABS", 0x1800),
    ("_POSIX_VDISABLE", 0),
];
