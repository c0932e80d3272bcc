//! The module `_stat`: constants of file modes and the functions that take
//! modes apart.

use crate::support::add_ints;
use taipan_runtime::prelude::*;
use taipan_runtime::types::str;

/// The part of a mode that says what kind of file it is.
fn format(mode: u32) -> u32 {
    mode & 0o170000
}

macro_rules! kind {
    ($sig:literal, $kind:expr, $doc:literal) => {
        MethodDef::new($sig, |vm, args| Ok(Object::bool(format(mode(vm, &args[0])?) == $kind)), $doc)
    };
}

/// A kind that Linux does not have.
const NEVER: u32 = u32::MAX;

pub static MODULE: ModuleDef = ModuleDef {
    name: "_stat",
    doc: "File modes: constants S_IF*, S_IR*..., UF_*, SF_*, indices ST_*, and the tests S_IS*.",
    functions: &[
        kind!("S_ISDIR(object, /)", 0o040000, "Is it the mode of a directory?"),
        kind!("S_ISCHR(object, /)", 0o020000, "Is it the mode of a character device?"),
        kind!("S_ISBLK(object, /)", 0o060000, "Is it the mode of a block device?"),
        kind!("S_ISREG(object, /)", 0o100000, "Is it the mode of a regular file?"),
        kind!("S_ISFIFO(object, /)", 0o010000, "Is it the mode of a named pipe?"),
        kind!("S_ISLNK(object, /)", 0o120000, "Is it the mode of a symbolic link?"),
        kind!("S_ISSOCK(object, /)", 0o140000, "Is it the mode of a socket?"),
        kind!("S_ISDOOR(object, /)", NEVER, "Is it the mode of a door?"),
        kind!("S_ISPORT(object, /)", NEVER, "Is it the mode of an event port?"),
        kind!("S_ISWHT(object, /)", NEVER, "Is it the mode of a whiteout?"),
        MethodDef::new(
            "S_IMODE(object, /)",
            |vm, args| Ok(vm.int((mode(vm, &args[0])? & 0o7777) as i64)),
            "The permission bits of the mode.",
        ),
        MethodDef::new(
            "S_IFMT(object, /)",
            |vm, args| Ok(vm.int((mode(vm, &args[0])? & 0o170000) as i64)),
            "The bits of the mode that say what kind of file it is.",
        ),
        MethodDef::new("filemode(object, /)", filemode, "The mode as ten characters: -rwxrwxrwx."),
    ],
    types: &[],
    init: Some(|vm, module| add_ints(vm, module, CONSTANTS)),
};

fn mode(vm: &Vm, object: &Object) -> Result<u32> {
    let n = vm.to_u64(object)?;
    u32::try_from(n).map_err(|_| vm.overflow_error("mode out of range"))
}

fn filemode(vm: &Vm, args: &[Object]) -> Result {
    let mode = mode(vm, &args[0])?;
    let mut out = [b'-'; 10];
    out[0] = match mode & 0o170000 {
        0o100000 => b'-',
        0o040000 => b'd',
        0o120000 => b'l',
        0o060000 => b'b',
        0o020000 => b'c',
        0o010000 => b'p',
        0o140000 => b's',
        _ => b'?',
    };
    for (i, c) in b"rwxrwxrwx".iter().enumerate() {
        if mode >> (8 - i) & 1 == 1 {
            out[i + 1] = *c;
        }
    }
    // The places of x show setuid, setgid and sticky as well.
    for (place, bit, both, alone) in
        [(3, 0o4000, b's', b'S'), (6, 0o2000, b's', b'S'), (9, 0o1000, b't', b'T')]
    {
        if mode & bit != 0 {
            out[place] = if out[place] == b'x' { both } else { alone };
        }
    }
    Ok(str::from_latin1(vm, &out))
}

const CONSTANTS: &[(&str, i64)] = &[
    ("SF_APPEND", 262144),
    ("SF_ARCHIVED", 65536),
    ("SF_DATALESS", 1073741824),
    ("SF_FIRMLINK", 8388608),
    ("SF_IMMUTABLE", 131072),
    ("SF_NOUNLINK", 1048576),
    ("SF_SETTABLE", 4294901760),
    ("SF_SNAPSHOT", 2097152),
    ("ST_ATIME", 7),
    ("ST_CTIME", 9),
    ("ST_DEV", 2),
    ("ST_GID", 5),
    ("ST_INO", 1),
    ("ST_MODE", 0),
    ("ST_MTIME", 8),
    ("ST_NLINK", 3),
    ("ST_SIZE", 6),
    ("ST_UID", 4),
    ("S_ENFMT", 1024),
    ("S_IEXEC", 64),
    ("S_IFBLK", 24576),
    ("S_IFCHR", 8192),
    ("S_IFDIR", 16384),
    ("S_IFDOOR", 0),
    ("S_IFIFO", 4096),
    ("S_IFLNK", 40960),
    ("S_IFPORT", 0),
    ("S_IFREG", 32768),
    ("S_IFSOCK", 49152),
    ("S_IFWHT", 0),
    ("S_IREAD", 256),
    ("S_IRGRP", 32),
    ("S_IROTH", 4),
    ("S_IRUSR", 256),
    ("S_IRWXG", 56),
    ("S_IRWXO", 7),
    ("S_IRWXU", 448),
    ("S_ISGID", 1024),
    ("S_ISUID", 2048),
    ("S_ISVTX", 512),
    ("S_IWGRP", 16),
    ("S_IWOTH", 2),
    ("S_IWRITE", 128),
    ("S_IWUSR", 128),
    ("S_IXGRP", 8),
    ("S_IXOTH", 1),
    ("S_IXUSR", 64),
    ("UF_APPEND", 4),
    ("UF_COMPRESSED", 32),
    ("UF_DATAVAULT", 128),
    ("UF_HIDDEN", 32768),
    ("UF_IMMUTABLE", 2),
    ("UF_NODUMP", 1),
    ("UF_NOUNLINK", 16),
    ("UF_OPAQUE", 8),
    ("UF_SETTABLE", 65535),
    ("UF_TRACKED", 64),
];
