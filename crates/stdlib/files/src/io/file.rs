//! `FileIO`: a raw stream over a descriptor.

use super::*;
use std::cell::Cell;
use taipan_host::{self as host, fd, fs};
use taipan_runtime::names::name;
use taipan_runtime::support::this;
use taipan_runtime::types::bytes;

/// Payload of FileIO.
pub struct FileIo {
    /// -1: closed.
    fd: Cell<i32>,
    created: Cell<bool>,
    readable: Cell<bool>,
    writable: Cell<bool>,
    appending: Cell<bool>,
    closefd: Cell<bool>,
    finalizing: Cell<bool>,
    /// None: not asked yet.
    seekable: Cell<Option<bool>>,
    block_size: Cell<i64>,
    /// Kind and size when opened, to save calls; forgotten when it changes.
    mode_at_open: Cell<u32>,
    size_at_open: Cell<i64>,
}

impl NativeClass for FileIo {
    fn class() -> &'static Type {
        &FILE_IO
    }
}

pub static FILE_IO: Type = Type::new::<FileIo>(
    "_io.FileIO",
    &base::RAW_IO_BASE,
    type_flags::BASE | type_flags::HAVE_GC | type_flags::WEAKREFABLE,
    Slots {
        new: Some(|vm, class, _, _| taipan_runtime::support::allocate(vm, class, FileIo::closed())),
        init: Some(init),
        ..Slots::EMPTY.repr(repr)
    },
    &[
        MethodDef::new("read($self, size=-1, /)", |vm, args| {
            let size = size_argument(vm, &args[1])?;
            read(vm, &args[0], size)
        }, "Reads up to size bytes with one call, until the end if size is negative.\n\nNone if nothing is there yet, b'' at the end."),
        MethodDef::new("readall($self, /)", |vm, args| readall(vm, &args[0]), "Reads until the end.\n\nNone if nothing is there yet."),
        MethodDef::new("readinto($self, buffer, /)", readinto, "Reads into a buffer with one call and returns how many bytes."),
        MethodDef::new("write($self, b, /)", write, "Writes bytes with one call and returns how many.\n\nNone if none could be written right now."),
        MethodDef::new("seek($self, pos, whence=0, /)", |vm, args| {
            let whence = vm.to_plain_c_int(&args[2])?;
            let f = open_file(vm, &args[0])?;
            let pos = offset_argument(vm, &args[1])?;
            seek(vm, f, pos, whence).map(|n| vm.int(n))
        }, "Goes to a position: from the start (whence 0), from here (1), from the end (2).\n\nReturns the new position."),
        MethodDef::new("tell($self, /)", |vm, args| {
            let f = open_file(vm, &args[0])?;
            seek(vm, f, 0, 1).map(|n| vm.int(n))
        }, "The position in the file."),
        MethodDef::new("truncate($self, size=None, /)", truncate, "Cuts or extends the file to a size; by default, at the position.\n\nThe position stays. Returns the size."),
        MethodDef::new("close($self, /)", |vm, args| close(vm, &args[0]), "Closes the file, and its descriptor unless closefd is False."),
        MethodDef::new("seekable($self, /)", |vm, args| {
            let f = open_file(vm, &args[0])?;
            Ok(Object::bool(is_seekable(vm, f)))
        }, "Can one seek?"),
        MethodDef::new("readable($self, /)", |vm, args| Ok(Object::bool(open_file(vm, &args[0])?.readable.get())), "Was it opened for reading?"),
        MethodDef::new("writable($self, /)", |vm, args| Ok(Object::bool(open_file(vm, &args[0])?.writable.get())), "Was it opened for writing?"),
        MethodDef::new("fileno($self, /)", |vm, args| Ok(vm.int(open_file(vm, &args[0])?.fd.get() as i64)), "The descriptor."),
        MethodDef::new("isatty($self, /)", |vm, args| {
            let number = open_file(vm, &args[0])?.fd.get();
            Ok(Object::bool(vm.without_gil(|| fd::is_tty(number))))
        }, "Is it a terminal?"),
        MethodDef::new("_isatty_open_only($self, /)", |vm, args| Ok(Object::bool(is_terminal(vm, &args[0])?)), ""),
        MethodDef::new("_dealloc_warn($self, object, /)", |vm, args| {
            dealloc_warn(vm, &args[0], &args[1]);
            Ok(Object::NONE)
        }, ""),
        MethodDef::new("__getstate__($self, /)", cannot_pickle, ""),
    ],
    &[
        GetSetDef::new("closed", |_, f| Ok(Object::bool(this::<FileIo>(f).fd.get() < 0))).with_doc("Is it closed?"),
        GetSetDef::new("closefd", |_, f| Ok(Object::bool(this::<FileIo>(f).closefd.get()))).with_doc("Is the descriptor closed with the file?"),
        GetSetDef::new("mode", |vm, f| Ok(vm.intern(this::<FileIo>(f).mode()))).with_doc("The mode as letters."),
        GetSetDef::new("_blksize", |vm, f| Ok(vm.int(this::<FileIo>(f).block_size.get()))),
        GetSetDef::new("_finalizing", |_, f| Ok(Object::bool(this::<FileIo>(f).finalizing.get()))).with_set(|vm, f, value| set_finalizing(vm, &this::<FileIo>(f).finalizing, value)),
    ],
)
.with_dict()
.with_doc("FileIO(file, mode='r', closefd=True, opener=None)\n--\n\nOpens a file.\n\nThe mode is 'r', 'w', 'x' or 'a', with '+' for reading and writing. The file is a\nname or a descriptor. An opener is called with the name and flags and returns a\ndescriptor.");

impl FileIo {
    fn closed() -> FileIo {
        FileIo {
            fd: Cell::new(-1),
            created: Cell::new(false),
            readable: Cell::new(false),
            writable: Cell::new(false),
            appending: Cell::new(false),
            closefd: Cell::new(true),
            finalizing: Cell::new(false),
            seekable: Cell::new(None),
            block_size: Cell::new(DEFAULT_BUFFER_SIZE as i64),
            mode_at_open: Cell::new(0),
            size_at_open: Cell::new(-1),
        }
    }
    fn mode(&self) -> &'static str {
        let readable = self.readable.get();
        if self.created.get() {
            if readable { "xb+" } else { "xb" }
        } else if self.appending.get() {
            if readable { "ab+" } else { "ab" }
        } else if readable {
            if self.writable.get() { "rb+" } else { "rb" }
        } else {
            "wb"
        }
    }
    /// The descriptor; None if closed.
    pub fn descriptor(&self) -> Option<i32> {
        let number = self.fd.get();
        if number < 0 { None } else { Some(number) }
    }
    pub fn is_readable(&self) -> bool {
        self.readable.get()
    }
    pub fn is_writable(&self) -> bool {
        self.writable.get()
    }
    fn forget_stat(&self) {
        self.mode_at_open.set(0);
        self.size_at_open.set(-1);
    }
}

// ---- opening --------------------------------------------------------------------------------

static SIG: Sig = Sig::new("FileIO(file, mode='r', closefd=True, opener=None)");

fn init(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result<()> {
    let args = SIG.bind(vm, args, kwnames)?;
    if args[1].downcast::<Str>().is_none() {
        return Err(
            vm.type_error(format!("FileIO() argument 'mode' must be str, not {}", shown_type(&args[1])))
        );
    }
    let mode = vm.str_lossy(&args[1]);
    let closefd = vm.is_true(&args[2])?;
    initialise(vm, object, &args[0], &mode, closefd, &args[3])
}

/// A new FileIO.
pub fn open(vm: &Vm, name: &Object, mode: &str, closefd: bool, opener: &Object) -> Result {
    let object = taipan_runtime::support::allocate(vm, &FILE_IO, FileIo::closed())?;
    initialise(vm, &object, name, mode, closefd, opener)?;
    Ok(object)
}

fn bad_mode(vm: &Vm) -> Raised {
    vm.value_error("Must have exactly one of create/read/write/append mode and at most one plus")
}

/// Sets what the mode says; the flags for `open(2)`.
fn parse(vm: &Vm, f: &FileIo, mode: &str) -> Result<i32> {
    let mut flags = 0;
    let (mut kinds, mut plus) = (0, 0);
    for c in mode.chars() {
        match c {
            'x' => {
                kinds += 1;
                f.created.set(true);
                f.writable.set(true);
                flags |= libc::O_EXCL | libc::O_CREAT;
            }
            'r' => {
                kinds += 1;
                f.readable.set(true);
            }
            'w' => {
                kinds += 1;
                f.writable.set(true);
                flags |= libc::O_CREAT | libc::O_TRUNC;
            }
            'a' => {
                kinds += 1;
                f.writable.set(true);
                f.appending.set(true);
                flags |= libc::O_APPEND | libc::O_CREAT;
            }
            'b' => {}
            '+' => {
                plus += 1;
                f.readable.set(true);
                f.writable.set(true);
            }
            _ => return Err(vm.value_error(format!("invalid mode: {mode}"))),
        }
        if kinds > 1 || plus > 1 {
            return Err(bad_mode(vm));
        }
    }
    if kinds == 0 {
        return Err(bad_mode(vm));
    }
    flags |= match (f.readable.get(), f.writable.get()) {
        (true, true) => libc::O_RDWR,
        (true, false) => libc::O_RDONLY,
        _ => libc::O_WRONLY,
    };
    Ok(flags | libc::O_CLOEXEC)
}

fn initialise(
    vm: &Vm,
    object: &Object,
    file: &Object,
    mode: &str,
    closefd: bool,
    opener: &Object,
) -> Result<()> {
    let f = this::<FileIo>(object);
    if f.fd.get() >= 0 {
        if f.closefd.get() {
            close_descriptor(vm, f)?;
        } else {
            f.fd.set(-1);
        }
    }
    if file.is_bool() {
        vm.warn(&exc::RUNTIME_WARNING, "bool is used as a file descriptor", 1)?;
    }
    let mut given = -1;
    if vm.is_index(file) {
        match vm.to_plain_c_int(file) {
            Ok(n) if n < 0 => return Err(vm.value_error("negative file descriptor")),
            Ok(n) => given = n,
            Err(raised) => drop(vm.caught(raised)),
        }
    }
    let path = if given < 0 { Some(fs_bytes(vm, file)?) } else { None };
    for flag in [&f.created, &f.readable, &f.writable, &f.appending] {
        flag.set(false);
    }
    f.seekable.set(None);
    let flags = parse(vm, f, mode)?;
    vm.audit("open", &[file.clone(), vm.str(mode), vm.int(flags as i64)])?;
    let own = match &path {
        None => {
            f.fd.set(given);
            f.closefd.set(closefd);
            false
        }
        Some(path) => {
            f.closefd.set(true);
            if !closefd {
                return Err(vm.value_error("Cannot use closefd=False with file name"));
            }
            if opener.is_none() {
                match retry(vm, || fs::open(None, path, flags, 0o666))? {
                    Ok(number) => f.fd.set(number),
                    Err(e) => return Err(vm.os_error(e.0, Some(file))),
                }
            } else {
                open_by(vm, f, file, flags, opener)?;
            }
            true
        }
    };
    let finished = finish_open(vm, object, f, file);
    if let Err(raised) = finished {
        if own {
            let exception = vm.caught(raised);
            let _ = close_descriptor(vm, f);
            return Err(vm.raise(exception));
        }
        f.fd.set(-1);
        return Err(raised);
    }
    Ok(())
}

fn open_by(vm: &Vm, f: &FileIo, file: &Object, flags: i32, opener: &Object) -> Result<()> {
    let number = vm.call(opener, &[file.clone(), vm.int(flags as i64)])?;
    if !int::is_any_int(&number) {
        return Err(vm.type_error("expected integer from opener"));
    }
    let number = vm.to_plain_c_int(&number)?;
    if number < 0 {
        return Err(vm.value_error(format!("opener returned {number}")));
    }
    fd::set_inheritable(number, false).map_err(|e| os_error(vm, e))?;
    f.fd.set(number);
    Ok(())
}

fn finish_open(vm: &Vm, object: &Object, f: &FileIo, file: &Object) -> Result<()> {
    let number = f.fd.get();
    match vm.without_gil(|| fs::fstat(number)) {
        Ok(st) => {
            if st.st_mode & libc::S_IFMT == libc::S_IFDIR {
                return Err(vm.os_error(libc::EISDIR, Some(file)));
            }
            if st.st_blksize > 1 {
                f.block_size.set(st.st_blksize as i64);
            }
            f.mode_at_open.set(st.st_mode);
            f.size_at_open.set(st.st_size);
        }
        Err(e @ Errno(libc::EBADF)) => return Err(os_error(vm, e)),
        Err(_) => f.forget_stat(),
    }
    vm.set_attr(object, name::name_plain.object(), file)?;
    if f.appending.get() {
        // So that tell() begins at the end; pipes have none.
        let number = f.fd.get();
        match vm.without_gil(|| fd::seek(number, 0, libc::SEEK_END)) {
            Ok(_) => f.seekable.set(Some(true)),
            Err(Errno(libc::ESPIPE)) => f.seekable.set(Some(false)),
            Err(e) => return Err(os_error(vm, e)),
        }
    }
    Ok(())
}

/// Is the file a terminal? Regular files are known not to be without asking.
pub fn is_terminal(vm: &Vm, file: &Object) -> Result<bool> {
    let f = open_file(vm, file)?;
    let mode = f.mode_at_open.get();
    if mode != 0 && mode & libc::S_IFMT != libc::S_IFCHR {
        return Ok(false);
    }
    let number = f.fd.get();
    Ok(vm.without_gil(|| fd::is_tty(number)))
}

pub fn block_size(file: &Object) -> i64 {
    file.downcast::<FileIo>().map_or(DEFAULT_BUFFER_SIZE as i64, |f| f.block_size.get())
}

// ---- using ------------------------------------------------------------------------------------

fn open_file<'a>(vm: &Vm, file: &'a Object) -> Result<&'a FileIo> {
    let f = this::<FileIo>(file);
    if f.fd.get() < 0 { Err(closed_error(vm)) } else { Ok(f) }
}

#[cold]
pub fn closed_error(vm: &Vm) -> Raised {
    vm.value_error("I/O operation on closed file")
}

fn check_mode(vm: &Vm, able: bool, action: &str) -> Result<()> {
    if able { Ok(()) } else { Err(unsupported(vm, &format!("File not open for {action}"))) }
}

/// What a read or write gives: None if it would block.
fn or_again<T>(vm: &Vm, result: host::Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(AGAIN) => Ok(None),
        Err(e) => Err(os_error(vm, e)),
    }
}

fn read(vm: &Vm, file: &Object, size: Option<usize>) -> Result {
    let f = open_file(vm, file)?;
    check_mode(vm, f.readable.get(), "reading")?;
    let Some(size) = size else { return readall(vm, file) };
    let mut out = Vec::new();
    let number = f.fd.get();
    let result = retry(vm, || fd::read_append(number, &mut out, size.min(fd::IO_MAX)))?;
    match or_again(vm, result)? {
        Some(_) => bytes::new(vm, &out),
        None => Ok(Object::NONE),
    }
}

fn readall(vm: &Vm, file: &Object) -> Result {
    let f = open_file(vm, file)?;
    check_mode(vm, f.readable.get(), "reading")?;
    match read_rest(vm, f)? {
        Some(out) => bytes::new(vm, &out),
        None => Ok(Object::NONE),
    }
}

/// Everything until the end; None if nothing is there yet.
pub fn read_rest(vm: &Vm, f: &FileIo) -> Result<Option<Vec<u8>>> {
    let number = f.fd.get();
    let mut out: Vec<u8> = Vec::new();
    // One byte more than is left, so that the end shows at the second call.
    let expected = match f.size_at_open.get() {
        size if size > 0 => {
            let at = fd::seek(number, 0, 1).unwrap_or(0);
            (size - at).max(0) as usize + 1
        }
        _ => DEFAULT_BUFFER_SIZE,
    };
    if out.try_reserve(expected).is_err() {
        return Err(vm.memory_error());
    }
    loop {
        let room = out.capacity() - out.len();
        let ask = if room == 0 { out.len().clamp(DEFAULT_BUFFER_SIZE, 64 << 20) } else { room };
        let result = retry(vm, || fd::read_append(number, &mut out, ask))?;
        match result {
            Ok(0) => return Ok(Some(out)),
            Ok(_) => {}
            Err(AGAIN) if out.is_empty() => return Ok(None),
            Err(AGAIN) => return Ok(Some(out)),
            Err(e) => return Err(os_error(vm, e)),
        }
    }
}

/// One read into a vector's tail; None if it would block.
pub fn read_append(vm: &Vm, f: &FileIo, out: &mut Vec<u8>, size: usize) -> Result<Option<usize>> {
    let Some(number) = f.descriptor() else { return Err(closed_error(vm)) };
    check_mode(vm, f.readable.get(), "reading")?;
    let result = retry(vm, || fd::read_append(number, out, size))?;
    or_again(vm, result)
}

/// One write; None if it would block.
pub fn write_bytes(vm: &Vm, f: &FileIo, data: &[u8]) -> Result<Option<usize>> {
    let Some(number) = f.descriptor() else { return Err(closed_error(vm)) };
    check_mode(vm, f.writable.get(), "writing")?;
    f.size_at_open.set(-1);
    let result = retry(vm, || fd::write(number, data))?;
    or_again(vm, result)
}

fn readinto(vm: &Vm, args: &[Object]) -> Result {
    let f = open_file(vm, &args[0])?;
    let buffer = vm.writable_bytes_like(&args[1], "readinto() argument 1")?;
    check_mode(vm, f.readable.get(), "reading")?;
    let number = f.fd.get();
    let result = retry(vm, || buffer.with_bytes_mut(|out| fd::read(number, out)))?;
    Ok(or_again(vm, result)?.map_or(Object::NONE, |n| vm.usize(n)))
}

fn write(vm: &Vm, args: &[Object]) -> Result {
    let f = open_file(vm, &args[0])?;
    check_mode(vm, f.writable.get(), "writing")?;
    let data = vm.bytes_like(&args[1], "b")?;
    Ok(write_bytes(vm, f, data.bytes())?.map_or(Object::NONE, |n| vm.usize(n)))
}

/// Seeks; the new position.
pub fn seek(vm: &Vm, f: &FileIo, pos: i64, whence: i32) -> Result<i64> {
    let Some(number) = f.descriptor() else { return Err(closed_error(vm)) };
    let result = vm.without_gil(|| fd::seek(number, pos, whence));
    if f.seekable.get().is_none() {
        f.seekable.set(Some(result.is_ok()));
    }
    os(vm, result)
}

pub fn is_seekable(vm: &Vm, f: &FileIo) -> bool {
    if let Some(known) = f.seekable.get() {
        return known;
    }
    let number = f.fd.get();
    let able = vm.without_gil(|| fd::seek(number, 0, 1)).is_ok();
    f.seekable.set(Some(able));
    able
}

fn truncate(vm: &Vm, args: &[Object]) -> Result {
    let f = open_file(vm, &args[0])?;
    check_mode(vm, f.writable.get(), "writing")?;
    let (size, shown) = match args[1].some() {
        Some(size) => (offset_argument(vm, size)?, size.clone()),
        None => {
            let at = seek(vm, f, 0, 1)?;
            (at, vm.int(at))
        }
    };
    f.size_at_open.set(-1);
    let number = f.fd.get();
    retry_os(vm, || fs::truncate(fs::Target::Fd(number), size))?;
    Ok(shown)
}

fn close_descriptor(vm: &Vm, f: &FileIo) -> Result<()> {
    let number = f.fd.replace(-1);
    if number < 0 {
        return Ok(());
    }
    match vm.without_gil(|| fd::close(number)) {
        // Linux has closed it all the same.
        Ok(()) | Err(Errno(libc::EINTR)) => Ok(()),
        Err(e) => Err(os_error(vm, e)),
    }
}

/// `FileIO.close`.
pub fn close(vm: &Vm, file: &Object) -> Result {
    let f = this::<FileIo>(file);
    let closed = base::close(vm, file);
    if !f.closefd.get() {
        f.fd.set(-1);
        return closed;
    }
    let first = if closed.is_err() { vm.take_raised() } else { None };
    if f.finalizing.get() {
        dealloc_warn(vm, file, file);
    }
    let second = close_descriptor(vm, f).map(|()| Object::NONE);
    base::finish_with(vm, first, second)
}

/// ResourceWarning about `source`, which is left to the collector unclosed.
pub fn dealloc_warn(vm: &Vm, file: &Object, source: &Object) {
    let Some(f) = file.downcast::<FileIo>() else { return };
    if f.fd.get() < 0 || !f.closefd.get() {
        return;
    }
    let raised = vm.take_raised();
    let warned =
        vm.repr_text(source).and_then(|shown| vm.warn_resource(source, &format!("unclosed file {shown}")));
    if warned.is_err() {
        // Turned into an error by a filter: shown, as there is nobody to catch it.
        if vm.raised_is(&exc::WARNING) {
            vm.write_unraisable(file, "Exception ignored in");
        } else {
            drop(vm.take_raised());
        }
    }
    vm.restore_raised(raised);
}

fn repr(vm: &Vm, file: &Object) -> Result {
    let f = this::<FileIo>(file);
    let class = file.ty().full_name().to_string();
    if f.fd.get() < 0 {
        return Ok(vm.str(&format!("<{class} [closed]>")));
    }
    let closefd = if f.closefd.get() { "True" } else { "False" };
    let Some(attr) = vm.lookup_attr(file, name::name_plain.object())? else {
        return Ok(vm.str(&format!("<{class} fd={} mode='{}' closefd={closefd}>", f.fd.get(), f.mode())));
    };
    let Some(_guard) = vm.enter_repr(file) else {
        return Err(vm.runtime_error(format!("reentrant call inside {class}.__repr__")));
    };
    let shown = vm.repr(&attr)?;
    let mut out = taipan_runtime::types::str::Builder::new();
    out.push_str(&format!("<{class} name="));
    out.push_object(&shown);
    out.push_str(&format!(" mode='{}' closefd={closefd}>", f.mode()));
    Ok(out.finish(vm))
}
