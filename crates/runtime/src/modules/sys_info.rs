//! What `sys` tells about the interpreter: versions, limits, flags, names.

use crate::prelude::*;
use crate::structseq::{self, StructDef};
use crate::types::namespace;

/// The version of the language and of the library that is built in.
pub const VERSION: (i64, i64, i64) = (3, 14, 0);
/// `sys.api_version`.
pub const API_VERSION: i64 = 1013;
/// `sys.implementation.cache_tag`.
pub const CACHE_TAG: &str = "taipan-314";
/// Our own version.
pub const TAIPAN_VERSION: &str = env!("CARGO_PKG_VERSION");

/// `sys.version`.
pub fn version_text() -> String {
    let (major, minor, micro) = VERSION;
    format!("{major}.{minor}.{micro} (main, Jan  1 2026, 00:00:00) [Taipan {TAIPAN_VERSION}]")
}

/// `sys.hexversion`.
pub fn hex_version() -> i64 {
    VERSION.0 << 24 | VERSION.1 << 16 | VERSION.2 << 8 | 0xf0
}

static VERSION_INFO: StructDef = StructDef::new(
    "sys.version_info",
    "sys.version_info\n\nVersion information as a named tuple.",
    &[
        ("major", "Major release number"),
        ("minor", "Minor release number"),
        ("micro", "Patch release number"),
        ("releaselevel", "'alpha', 'beta', 'candidate', or 'final'"),
        ("serial", "Serial release number"),
    ],
)
.without_constructor();

static FLAGS: StructDef = StructDef::new(
    "sys.flags",
    "sys.flags\n\nFlags provided through command line arguments or environment vars.",
    &[
        ("debug", "-d"),
        ("inspect", "-i"),
        ("interactive", "-i"),
        ("optimize", "-O or -OO"),
        ("dont_write_bytecode", "-B"),
        ("no_user_site", "-s"),
        ("no_site", "-S"),
        ("ignore_environment", "-E"),
        ("verbose", "-v"),
        ("bytes_warning", "-b"),
        ("quiet", "-q"),
        ("hash_randomization", "-R"),
        ("isolated", "-I"),
        ("dev_mode", "-X dev"),
        ("utf8_mode", "-X utf8"),
        ("warn_default_encoding", "-X warn_default_encoding"),
        ("safe_path", "-P"),
        ("int_max_str_digits", "-X int_max_str_digits"),
        ("gil", "-X gil"),
        ("thread_inherit_context", "-X thread_inherit_context"),
        ("context_aware_warnings", "-X context_aware_warnings"),
    ],
)
.with_sequence(18)
.without_constructor();

static FLOAT_INFO: StructDef = StructDef::new(
    "sys.float_info",
    "sys.float_info\n\nThe properties of the float type, as float.h of C names them.",
    &[
        ("max", "DBL_MAX -- maximum representable finite float"),
        ("max_exp", "DBL_MAX_EXP -- maximum int e such that radix**(e-1) is representable"),
        ("max_10_exp", "DBL_MAX_10_EXP -- maximum int e such that 10**e is representable"),
        ("min", "DBL_MIN -- Minimum positive normalized float"),
        ("min_exp", "DBL_MIN_EXP -- minimum int e such that radix**(e-1) is a normalized float"),
        ("min_10_exp", "DBL_MIN_10_EXP -- minimum int e such that 10**e is a normalized float"),
        ("dig", "DBL_DIG -- decimal digits that survive a round trip"),
        ("mant_dig", "DBL_MANT_DIG -- mantissa digits"),
        ("epsilon", "DBL_EPSILON -- Difference between 1 and the next representable float"),
        ("radix", "FLT_RADIX -- radix of exponent"),
        ("rounds", "FLT_ROUNDS -- rounding mode used for arithmetic operations"),
    ],
);

static INT_INFO: StructDef = StructDef::new(
    "sys.int_info",
    "sys.int_info\n\nInformation about the internal representation of ints.",
    &[
        ("bits_per_digit", "size of a digit in bits"),
        ("sizeof_digit", "size in bytes of the C type used to represent a digit"),
        ("default_max_str_digits", "maximum string conversion digits limitation"),
        ("str_digits_check_threshold", "minimum positive value for int_max_str_digits"),
    ],
);

static HASH_INFO: StructDef = StructDef::new(
    "sys.hash_info",
    "hash_info\n\nParameters of the hashing of numbers and strings.",
    &[
        ("width", "width of the type used for hashing, in bits"),
        ("modulus", "prime number giving the modulus on which the hash function is based"),
        ("inf", "value to be used for hash of a positive infinity"),
        ("nan", "value to be used for hash of a nan"),
        ("imag", "multiplier used for the imaginary part of a complex number"),
        ("algorithm", "name of the algorithm for hashing of str, bytes and memoryviews"),
        ("hash_bits", "internal output size of hash algorithm"),
        ("seed_bits", "seed size of hash algorithm"),
        ("cutoff", "small string optimization cutoff"),
    ],
);

static THREAD_INFO: StructDef = StructDef::new(
    "sys.thread_info",
    "sys.thread_info\n\nInformation about the thread implementation.",
    &[
        ("name", "name of the thread implementation"),
        ("lock", "name of the lock implementation"),
        ("version", "name and version of the thread library"),
    ],
);

/// `sys.flags`, as the configuration and the settings are now.
pub fn flags(vm: &Vm) -> Result {
    let c = &vm.interp().config;
    let int = |n: i64| vm.int(n);
    let bit = |b: bool| vm.int(b as i64);
    let values = vec![
        int(c.debug),
        int(c.inspect),
        int(c.interactive),
        int(c.optimize),
        bit(c.dont_write_bytecode),
        bit(c.no_user_site),
        bit(c.no_site),
        bit(c.ignore_environment),
        int(c.verbose),
        int(c.bytes_warning),
        bit(c.quiet),
        bit(c.hash_randomization),
        bit(c.isolated),
        Object::bool(c.dev_mode),
        bit(c.utf8_mode),
        bit(c.warn_default_encoding),
        Object::bool(c.safe_path),
        int(vm.interp().int_max_str_digits.get()),
        int(1),
        int(0),
        int(0),
    ];
    structseq::new(vm, &FLAGS, values)
}

fn x_options(vm: &Vm) -> Object {
    let options = vm.new_dict();
    if let Some(d) = options.downcast::<Dict>() {
        for option in &vm.interp().config.x_options {
            match option.split_once('=') {
                Some((key, value)) => d.set_text(vm, key, vm.str(value)),
                None => d.set_text(vm, option, Object::TRUE),
            }
        }
    }
    options
}

fn os_list(vm: &Vm, items: &[std::ffi::OsString]) -> Object {
    use std::os::unix::ffi::OsStrExt;
    vm.list(items.iter().map(|s| crate::compile::surrogate_escaped(vm, s.as_bytes())).collect())
}

/// "NPTL 2.40", if the C library is GNU's.
#[cfg(target_env = "gnu")]
fn thread_library(vm: &Vm) -> Object {
    // SAFETY: a static string of the C library's.
    let version = unsafe { std::ffi::CStr::from_ptr(libc::gnu_get_libc_version()) };
    vm.str(&format!("NPTL {}", version.to_string_lossy()))
}

#[cfg(not(target_env = "gnu"))]
fn thread_library(_vm: &Vm) -> Object {
    Object::NONE
}

/// Puts all the constants into the module.
pub fn add_to(vm: &Vm, module: &Object) -> Result<()> {
    let set = |name: &str, value: Object| vm.set_attr_str(module, name, &value);
    let (major, minor, micro) = VERSION;
    let version_info = structseq::new(
        vm,
        &VERSION_INFO,
        vec![vm.int(major), vm.int(minor), vm.int(micro), vm.intern("final"), vm.int(0)],
    )?;
    set("version", vm.str(&version_text()))?;
    set("version_info", version_info.clone())?;
    set("hexversion", vm.int(hex_version()))?;
    set("api_version", vm.int(API_VERSION))?;
    set("_git", vm.tuple(vec![vm.str("Taipan"), vm.str(""), vm.str("")]))?;
    set("_framework", vm.str(""))?;
    set("abiflags", vm.str(""))?;
    set("copyright", vm.str("Copyright (c) the Taipan developers.\nThe Python standard library is\nCopyright (c) 2001 Python Software Foundation.\nAll Rights Reserved."))?;
    set("byteorder", vm.intern(if cfg!(target_endian = "little") { "little" } else { "big" }))?;
    set("platform", vm.intern(if cfg!(target_os = "macos") { "darwin" } else { std::env::consts::OS }))?;
    set("platlibdir", vm.intern("lib"))?;
    set("maxsize", vm.int(i64::MAX))?;
    set("maxunicode", vm.int(0x10ffff))?;
    set("float_repr_style", vm.intern("short"))?;
    set("flags", flags(vm)?)?;
    let multiarch = format!("{}-linux-gnu", std::env::consts::ARCH);
    let implementation = namespace::new(
        vm,
        &[
            ("name", vm.intern("taipan")),
            ("cache_tag", vm.intern(CACHE_TAG)),
            ("version", version_info),
            ("hexversion", vm.int(hex_version())),
            ("_multiarch", vm.str(&multiarch)),
            ("supports_isolated_interpreters", Object::TRUE),
        ],
    );
    set("implementation", implementation)?;
    let float_info = vec![
        vm.float(f64::MAX),
        vm.int(1024),
        vm.int(308),
        vm.float(f64::MIN_POSITIVE),
        vm.int(-1021),
        vm.int(-307),
        vm.int(15),
        vm.int(53),
        vm.float(f64::EPSILON),
        vm.int(2),
        vm.int(1),
    ];
    set("float_info", structseq::new(vm, &FLOAT_INFO, float_info)?)?;
    let int_info = vec![vm.int(30), vm.int(4), vm.int(4300), vm.int(640)];
    set("int_info", structseq::new(vm, &INT_INFO, int_info)?)?;
    let hash_info = vec![
        vm.int(64),
        vm.int((1 << 61) - 1),
        vm.int(314159),
        vm.int(0),
        vm.int(1000003),
        vm.intern("siphash13"),
        vm.int(64),
        vm.int(128),
        vm.int(0),
    ];
    set("hash_info", structseq::new(vm, &HASH_INFO, hash_info)?)?;
    let thread_info = vec![vm.intern("pthread"), vm.intern("semaphore"), thread_library(vm)];
    set("thread_info", structseq::new(vm, &THREAD_INFO, thread_info)?)?;

    // The command line and the places of things.
    let config = &vm.interp().config;
    set("argv", os_list(vm, &config.argv))?;
    set("orig_argv", os_list(vm, &config.orig_argv))?;
    set("executable", vm.str(&config.executable))?;
    let python_home = std::env::var("PYTHONHOME").ok().filter(|_| !config.ignore_environment);
    let places = super::sys_places::find(&config.executable, python_home.as_deref());
    set("_base_executable", vm.str(&places.base_executable))?;
    set("prefix", vm.str(&places.prefix))?;
    set("exec_prefix", vm.str(&places.exec_prefix))?;
    set("base_prefix", vm.str(&places.base_prefix))?;
    set("base_exec_prefix", vm.str(&places.base_exec_prefix))?;
    set("_home", places.home.as_deref().map_or(Object::NONE, |home| vm.str(home)))?;
    let library = vm.str(&format!("{}/lib/python3.14", places.base_prefix.trim_end_matches('/')));
    set("_stdlib_dir", library.clone())?;
    set("pycache_prefix", Object::NONE)?;
    set("dont_write_bytecode", Object::bool(config.dont_write_bytecode))?;
    set("warnoptions", vm.list(config.warn_options.iter().map(|s| vm.str(s)).collect()))?;
    set("_xoptions", x_options(vm))?;
    let mut path: Vec<Object> = Vec::new();
    if !config.ignore_environment
        && let Some(entries) = std::env::var_os("PYTHONPATH").filter(|p| !p.is_empty())
    {
        for entry in std::os::unix::ffi::OsStrExt::as_bytes(entries.as_os_str()).split(|&b| b == b':') {
            path.push(crate::compile::surrogate_escaped(vm, entry));
        }
    }
    path.push(library);
    set("path", vm.list(path))?;
    set("meta_path", vm.list(Vec::new()))?;
    set("path_hooks", vm.list(Vec::new()))?;
    set("path_importer_cache", vm.new_dict())?;
    let names: Vec<Object> = STDLIB_MODULE_NAMES.split_whitespace().map(|name| vm.intern(name)).collect();
    set("stdlib_module_names", crate::types::set::frozenset_from(vm, names)?)?;
    let mut builtin: Vec<&'static str> = vm.interp().native_modules.borrow().keys().copied().collect();
    if !builtin.contains(&"builtins") {
        builtin.push("builtins");
    }
    builtin.sort_unstable();
    set("builtin_module_names", vm.tuple(builtin.into_iter().map(|name| vm.intern(name)).collect()))
}

/// `sys.stdlib_module_names`.
const STDLIB_MODULE_NAMES: &str = "\
     __future__ _abc _aix_support _android_support _apple_support _ast _ast_unparse _asyncio _bisect \
     _blake2 _bz2 _codecs _codecs_cn _codecs_hk _codecs_iso2022 _codecs_jp _codecs_kr _codecs_tw \
     _collections _collections_abc _colorize _compat_pickle _contextvars _csv _ctypes _curses \
     _curses_panel _datetime _dbm _decimal _elementtree _frozen_importlib _frozen_importlib_external \
     _functools _gdbm _hashlib _heapq _hmac _imp _interpchannels _interpqueues _interpreters _io \
     _ios_support _json _locale _lsprof _lzma _markupbase _md5 _multibytecodec _multiprocessing _opcode \
     _opcode_metadata _operator _osx_support _overlapped _pickle _posixshmem _posixsubprocess _py_abc \
     _py_warnings _pydatetime _pydecimal _pyio _pylong _pyrepl _queue _random _remote_debugging _scproxy \
     _sha1 _sha2 _sha3 _signal _sitebuiltins _socket _sqlite3 _sre _ssl _stat _statistics _string \
     _strptime _struct _suggestions _symtable _sysconfig _thread _threading_local _tkinter _tokenize \
     _tracemalloc _types _typing _uuid _warnings _weakref _weakrefset _winapi _wmi _zoneinfo _zstd abc \
     annotationlib antigravity argparse array ast asyncio atexit base64 bdb binascii bisect builtins bz2 \
     cProfile calendar cmath cmd code codecs codeop collections colorsys compileall compression \
     concurrent configparser contextlib contextvars copy copyreg csv ctypes curses dataclasses datetime \
     dbm decimal difflib dis doctest email encodings ensurepip enum errno faulthandler fcntl filecmp \
     fileinput fnmatch fractions ftplib functools gc genericpath getopt getpass gettext glob graphlib grp \
     gzip hashlib heapq hmac html http idlelib imaplib importlib inspect io ipaddress itertools json \
     keyword linecache locale logging lzma mailbox marshal math mimetypes mmap modulefinder msvcrt \
     multiprocessing netrc nt ntpath nturl2path numbers opcode operator optparse os pathlib pdb pickle \
     pickletools pkgutil platform plistlib poplib posix posixpath pprint profile pstats pty pwd \
     py_compile pyclbr pydoc pydoc_data pyexpat queue quopri random re readline reprlib resource \
     rlcompleter runpy sched secrets select selectors shelve shlex shutil signal site smtplib socket \
     socketserver sqlite3 sre_compile sre_constants sre_parse ssl stat statistics string stringprep \
     struct subprocess symtable sys sysconfig syslog tabnanny tarfile tempfile termios textwrap this \
     threading time timeit tkinter token tokenize tomllib trace traceback tracemalloc tty turtle \
     turtledemo types typing unicodedata unittest urllib uuid venv warnings wave weakref webbrowser \
     winreg winsound wsgiref xml xmlrpc zipapp zipfile zipimport zlib zoneinfo";
