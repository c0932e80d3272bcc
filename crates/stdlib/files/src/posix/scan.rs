//! `listdir`, `scandir` and the entries it yields.

use super::results::stat_result;
use crate::support::*;
use std::cell::{Cell, RefCell};
use std::ffi::CString;
use taipan_host::{self as host, Errno, fs, libc};
use taipan_runtime::prelude::*;
use taipan_runtime::types::cell::ObjectCell;

pub static FUNCTIONS: &[MethodDef] = &[
    MethodDef::new(
        "listdir(path=None)",
        listdir,
        "The names in a directory, in no particular order, without '.' and '..'.\n\nbytes if the path is bytes, else str. A descriptor of a directory will do.",
    ),
    MethodDef::new(
        "scandir(path=None)",
        scandir,
        "An iterator of the entries of a directory, as DirEntry objects.\n\nTheir names are bytes if the path is bytes, else str.",
    ),
];

/// Opens the directory of a path or descriptor (a copy of which is read).
fn open(vm: &Vm, path: &PathArg) -> Result<fs::Directory> {
    path.call(vm, || match path.target() {
        fs::Target::Path(p) => fs::Directory::open(p),
        fs::Target::Fd(fd) => {
            let copy = host::fd::dup(fd)?;
            fs::Directory::from_fd(copy).inspect_err(|_| {
                let _ = host::fd::close(copy);
            })
        }
    })
    .map_err(|raised| {
        // A descriptor's number is no file name.
        if path.fd().is_some() {
            let errno = vm
                .caught(raised)
                .downcast::<taipan_runtime::types::exceptions_os::OsError>()
                .and_then(|e| e.errno())
                .unwrap_or(0);
            return os_error(vm, Errno(errno as i32));
        }
        raised
    })
}

fn listdir(vm: &Vm, args: &[Object]) -> Result {
    let path = path_argument(vm, &args[0], "listdir", "path", PATH_FD_OR_NONE)?;
    vm.audit("os.listdir", &[if path.object.is_none() { vm.str(".") } else { path.object.clone() }])?;
    let mut directory = open(vm, &path)?;
    let names = path.call(vm, || {
        if path.fd().is_some() {
            directory.rewind();
        }
        let mut names = Vec::new();
        while let Some(entry) = directory.read()? {
            names.push(entry.name);
        }
        if path.fd().is_some() {
            // The position is shared with the caller's descriptor.
            directory.rewind();
        }
        Ok(names)
    })?;
    let mut out = Vec::with_capacity(names.len());
    for entry in &names {
        out.push(path.result(vm, entry.to_bytes())?);
    }
    Ok(vm.list(out))
}

// ---- scandir ----------------------------------------------------------------------------

/// Payload of the iterator.
pub struct ScandirIterator {
    directory: RefCell<Option<fs::Directory>>,
    path: PathArg,
}

impl NativeClass for ScandirIterator {
    fn class() -> &'static Type {
        &SCANDIR_ITERATOR
    }
}

pub static SCANDIR_ITERATOR: Type = Type::new::<ScandirIterator>(
    "posix.ScandirIterator",
    &taipan_runtime::types::object::OBJECT,
    type_flags::DISALLOW_INSTANTIATION,
    Slots { next: Some(next), del: Some(finalize), ..Slots::EMPTY.iter(|_, it| Ok(it.clone())) },
    &[
        MethodDef::new("__enter__($self, /)", |_, args| Ok(args[0].clone()), ""),
        MethodDef::raw("__exit__($self, *args)", |vm, args, _| close(vm, &args[0]), ""),
        MethodDef::new("close($self, /)", |vm, args| close(vm, &args[0]), "Closes a descriptor."),
    ],
    &[],
);

fn scandir(vm: &Vm, args: &[Object]) -> Result {
    let path = path_argument(vm, &args[0], "scandir", "path", PATH_FD_OR_NONE)?;
    vm.audit("os.scandir", &[if path.object.is_none() { vm.str(".") } else { path.object.clone() }])?;
    let mut directory = open(vm, &path)?;
    if path.fd().is_some() {
        directory.rewind();
    }
    Ok(vm.alloc(&SCANDIR_ITERATOR, ScandirIterator { directory: RefCell::new(Some(directory)), path }))
}

fn close(vm: &Vm, iterator: &Object) -> Result {
    if let Some(this) = iterator.downcast::<ScandirIterator>() {
        let taken = this.directory.borrow_mut().take();
        if let Some(mut directory) = taken {
            if this.path.fd().is_some() {
                directory.rewind();
            }
            vm.without_gil(|| drop(directory));
        }
    }
    Ok(Object::NONE)
}

fn finalize(vm: &Vm, iterator: &Object) -> Result<()> {
    let open = iterator.downcast::<ScandirIterator>().is_some_and(|this| this.directory.borrow().is_some());
    if open {
        let shown = vm.repr_text(iterator)?;
        let warned = vm.warn_resource(iterator, &format!("unclosed scandir iterator {shown}"));
        if warned.is_err() {
            vm.write_unraisable(iterator, "Exception ignored while finalizing scandir iterator");
        }
        close(vm, iterator)?;
    }
    Ok(())
}

fn next(vm: &Vm, iterator: &Object) -> Result<Option<Object>> {
    let Some(this) = iterator.downcast::<ScandirIterator>() else { return Ok(None) };
    let Some(mut directory) = this.directory.borrow_mut().take() else { return Ok(None) };
    let read = vm.without_gil(|| directory.read());
    match read {
        Ok(Some(entry)) => {
            *this.directory.borrow_mut() = Some(directory);
            new_entry(vm, &this.path, entry).map(Some)
        }
        Ok(None) => {
            if this.path.fd().is_some() {
                directory.rewind();
            }
            Ok(None)
        }
        Err(e) => Err(this.path.error(vm, e)),
    }
}

// ---- entries ------------------------------------------------------------------------------

/// Payload of `os.DirEntry`.
pub struct DirEntry {
    name: Object,
    path: Object,
    /// What the calls about the entry use: its path, or its name beside `dir`.
    place: CString,
    dir: Option<i32>,
    inode: u64,
    kind: u8,
    /// Cached results of stat(), with and without following.
    stat: ObjectCell,
    lstat: ObjectCell,
    mode: Cell<u32>,
}

impl NativeClass for DirEntry {
    fn class() -> &'static Type {
        &DIR_ENTRY
    }
}

pub static DIR_ENTRY: Type = Type::new::<DirEntry>(
    "posix.DirEntry",
    &taipan_runtime::types::object::OBJECT,
    type_flags::DISALLOW_INSTANTIATION,
    Slots {
        ..Slots::EMPTY.repr(|vm, entry| {
            let shown = vm.repr_text(&this(entry).name)?;
            Ok(vm.str(&format!("<DirEntry {shown}>")))
        })
    },
    &[
        MethodDef::new(
            "is_dir($self, /, *, follow_symlinks=True)",
            |vm, args| {
                let follow = flag(vm, &args[1])?;
                is_kind(vm, &args[0], follow, libc::S_IFDIR)
            },
            "Return True if the entry is a directory; cached per entry.",
        ),
        MethodDef::new(
            "is_file($self, /, *, follow_symlinks=True)",
            |vm, args| {
                let follow = flag(vm, &args[1])?;
                is_kind(vm, &args[0], follow, libc::S_IFREG)
            },
            "Return True if the entry is a file; cached per entry.",
        ),
        MethodDef::new(
            "is_symlink($self, /)",
            |vm, args| is_kind(vm, &args[0], false, libc::S_IFLNK),
            "Return True if the entry is a symbolic link; cached per entry.",
        ),
        MethodDef::new(
            "is_junction($self, /)",
            |_, _| Ok(Object::FALSE),
            "Return True if the entry is a junction; cached per entry.",
        ),
        MethodDef::new(
            "stat($self, /, *, follow_symlinks=True)",
            |vm, args| {
                let follow = flag(vm, &args[1])?;
                stat(vm, &args[0], follow)
            },
            "What the system knows about a path or descriptor, as a stat_result.\n\nA dir_fd is the directory that a relative path starts from. Without\nfollow_symlinks a symbolic link itself is looked at.",
        ),
        MethodDef::new(
            "inode($self, /)",
            |vm, args| Ok(vm.u64(this(&args[0]).inode)),
            "Return inode of the entry; cached per entry.",
        ),
        MethodDef::new(
            "__fspath__($self, /)",
            |_, args| Ok(this(&args[0]).path.clone()),
            "Returns the path for the entry.",
        ),
        MethodDef::new(
            "__class_getitem__($type, object, /)",
            taipan_runtime::types::genericalias::class_getitem,
            "See PEP 585",
        )
        .class_method(),
    ],
    &[
        GetSetDef::new("name", |_, entry| Ok(this(entry).name.clone()))
            .with_doc("the entry's base filename, relative to scandir() \"path\" argument"),
        GetSetDef::new("path", |_, entry| Ok(this(entry).path.clone()))
            .with_doc("the entry's full path name; equivalent to os.path.join(scandir_path, entry.name)"),
    ],
);

fn this(entry: &Object) -> &DirEntry {
    match entry.downcast::<DirEntry>() {
        Some(this) => this,
        // Methods of the type are only called on instances.
        None => unreachable!(),
    }
}

fn new_entry(vm: &Vm, directory: &PathArg, entry: fs::DirectoryEntry) -> Result {
    let shown = directory.result(vm, entry.name.to_bytes())?;
    let (path, place) = if directory.fd().is_some() {
        (shown.clone(), entry.name)
    } else {
        let mut full = directory.path().to_bytes().to_vec();
        if full.last() != Some(&b'/') {
            full.push(b'/');
        }
        full.extend_from_slice(entry.name.to_bytes());
        (directory.result(vm, &full)?, CString::new(full).unwrap_or_default())
    };
    Ok(vm.alloc(
        &DIR_ENTRY,
        DirEntry {
            name: shown,
            path,
            place,
            dir: directory.fd(),
            inode: entry.inode,
            kind: entry.kind,
            stat: ObjectCell::EMPTY,
            lstat: ObjectCell::EMPTY,
            mode: Cell::new(0),
        },
    ))
}

fn stat(vm: &Vm, entry: &Object, follow: bool) -> Result {
    let this = this(entry);
    let follow = follow && is_link(vm, entry)?;
    let cache = if follow { &this.stat } else { &this.lstat };
    if let Some(found) = cache.bound() {
        return Ok(found);
    }
    let st = vm
        .without_gil(|| fs::stat(this.dir, &this.place, follow))
        .map_err(|e| vm.os_error(e.0, Some(&this.path)))?;
    if !follow {
        this.mode.set(st.st_mode);
    }
    let result = stat_result(vm, &st)?;
    cache.set(result.clone());
    Ok(result)
}

fn is_link(vm: &Vm, entry: &Object) -> Result<bool> {
    let this = this(entry);
    if this.kind != libc::DT_UNKNOWN {
        return Ok(this.kind == libc::DT_LNK);
    }
    if this.mode.get() == 0 {
        stat_mode(vm, entry, false)?;
    }
    Ok(this.mode.get() & libc::S_IFMT == libc::S_IFLNK)
}

/// The mode by stat; 0 if there is no such file any more.
fn stat_mode(vm: &Vm, entry: &Object, follow: bool) -> Result<u32> {
    let this = this(entry);
    match vm.without_gil(|| fs::stat(this.dir, &this.place, follow)) {
        Ok(st) => {
            if !follow {
                this.mode.set(st.st_mode);
            }
            Ok(st.st_mode)
        }
        Err(Errno(libc::ENOENT)) => Ok(0),
        Err(e) => Err(vm.os_error(e.0, Some(&this.path))),
    }
}

fn is_kind(vm: &Vm, entry: &Object, follow: bool, wanted: u32) -> Result {
    let this = this(entry);
    let known = match this.kind {
        libc::DT_DIR => Some(libc::S_IFDIR),
        libc::DT_REG => Some(libc::S_IFREG),
        libc::DT_LNK if !follow => Some(libc::S_IFLNK),
        libc::DT_LNK | libc::DT_UNKNOWN => None,
        _ => Some(0),
    };
    let kind = match known {
        Some(kind) => kind,
        None => stat_mode(vm, entry, follow)? & libc::S_IFMT,
    };
    Ok(Object::bool(kind == wanted))
}
