//! Small changes to files of the library: (file, what stands there once, what shall stand there).
//!
//! Files that need more are replaced by one in `overlay/`. A change whose text is not found stops the build, so
//! that a newer library says which changes it no longer needs.

pub const REPAIRS: &[(&str, &str, &str)] = &[
    // The library is not found by a finder of files.
    (
        "_pyrepl/_module_completer.py",
        "        return (isinstance(module_info.module_finder, FileFinder)\n                and module_info.module_finder.path == self._stdlib_path)\n",
        "        return getattr(module_info.module_finder, 'path', None) == self._stdlib_path\n",
    ),
    // Packages are where CPython has them.
    ("site.py", "    return 'RustPython' # XXX: RUSTPYTHON; for site-packages\n", "    return 'Python'\n"),
    (
        "site.py",
        "    # XXX: RUSTPYTHON\n    return f'{userbase}/lib/rustpython{version[0]}",
        "    return f'{userbase}/lib/python{version[0]}",
    ),
    (
        "sysconfig/__init__.py",
        "    return 'RustPython'  # XXX: RUSTPYTHON; For site-packages\n",
        "    return 'Python'\n",
    ),
    (
        "platform.py",
        "
        # XXX: RUSTPYTHON support
        if \"RustPython\" in sys_version:
            name = \"RustPython\"
        else:
            name = 'CPython'
",
        "        name = 'CPython'\n",
    ),
    // As CPython has it.
    (
        "ctypes/__init__.py",
        "
else:
    pythonapi = PyDLL(None)
",
        "
else:
    try:
        pythonapi = PyDLL(None)
    except OSError:
        pythonapi = None
",
    ),
    // A function made of a module's code has no namespace to store names in.
    ("asyncio/__main__.py", "import types\n", "import functools\n"),
    (
        "asyncio/__main__.py",
        "types.FunctionType(code, self.locals)",
        "functools.partial(eval, code, self.locals)",
    ),
    // The slots of handles, and the work on what is ready, are native.
    (
        "asyncio/events.py",
        r#"class Handle:
    """Object returned by callback registration methods."""

    __slots__ = ('_callback', '_args', '_cancelled', '_loop',
                 '_source_traceback', '_repr', '__weakref__',
                 '_context')

    def __init__(self, callback, args, loop, context=None):
        if context is None:
            context = contextvars.copy_context()
        self._context = context
        self._loop = loop
        self._callback = callback
        self._args = args
        self._cancelled = False
        self._repr = None
        if self._loop.get_debug():
            self._source_traceback = format_helpers.extract_stack(
                sys._getframe(1))
        else:
            self._source_traceback = None

"#,
        r#"class Handle(_Handle):
    """Object returned by callback registration methods."""

    __slots__ = ()

"#,
    ),
    ("asyncio/events.py", "import contextvars\n", "import contextvars\nfrom _asyncio import _Handle\n"),
    (
        "asyncio/base_events.py",
        "from . import constants\n",
        "from _asyncio import _adopt_loop, _run_ready\nfrom . import constants\n",
    ),
    (
        "asyncio/base_events.py",
        "        for i in range(ntodo):\n            handle = self._ready.popleft()\n",
        "        for i in range(_run_ready(self, ntodo)):\n            handle = self._ready.popleft()\n",
    ),
    (
        "asyncio/base_events.py",
        "        if self.is_running():
            self.call_soon_threadsafe(self._set_coroutine_origin_tracking, enabled)
",
        "        if self.is_running():
            self.call_soon_threadsafe(self._set_coroutine_origin_tracking, enabled)


_adopt_loop(BaseEventLoop, events.Handle)
",
    ),
    ("zipapp.py", "isinstance(new_archive, str):", "isinstance(new_archive, (str, os.PathLike)):"),
];

/// Functions whose work is done by native code here: (file, function at its top level, what stands in its place;
/// `{doc}` is its docstring).
pub const FUNCTIONS: &[(&str, &str, &str)] = &[
    ("copy.py", "_keep_alive", "from _copy import keep_alive as _keep_alive\n"),
    (
        "copy.py",
        "_deepcopy_list",
        "from _copy import Copier as _Copier
_copier = _Copier(deepcopy, _deepcopy_dispatch)
_deepcopy_list = _copier.list
",
    ),
    ("copy.py", "_deepcopy_tuple", "_deepcopy_tuple = _copier.tuple\n"),
    ("copy.py", "_deepcopy_dict", "_deepcopy_dict = _copier.dict\n"),
    ("inspect.py", "_check_instance", "from _inspect import static_attribute as _static_attribute\n\n"),
    ("inspect.py", "_check_class", ""),
    ("inspect.py", "_shadowed_dict", ""),
    ("inspect.py", "_shadowed_dict_from_weakref_mro_tuple", ""),
    (
        "inspect.py",
        "getattr_static",
        "def getattr_static(obj, attr, default=_sentinel):
{doc}
    found = _static_attribute(obj, attr, _sentinel)
    if found is not _sentinel:
        return found
    if default is not _sentinel:
        return default
    raise AttributeError(attr)
",
    ),
];
