"""Imports the standard library out of the binary.

The library's root is an ordinary entry of sys.path that happens to lie inside
the executable; a path hook turns it, and the directories of packages below
it, into finders.
"""
import sys
import _pylib
from _frozen_importlib import ModuleSpec, _call_with_frames_removed

ROOT = sys._stdlib_dir
_pylib.mount(ROOT)


class EmbeddedLoader:
    """Loads one module of the embedded library."""

    def __init__(self, name, path, is_package, key=None):
        self.name = name
        self.path = f"{ROOT}/{path}"
        self._key = key or name
        self._relative = path
        self._is_package = is_package

    def __eq__(self, other):
        return self.__class__ == other.__class__ and self.__dict__ == other.__dict__

    def __hash__(self):
        return hash(self.name) ^ hash(self.path)

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        _call_with_frames_removed(exec, self.get_code(self.name), module.__dict__)
        if self.name == "linecache":
            read_frozen(module)

    def get_code(self, fullname):
        return _pylib.code(self._key if fullname == self.name else fullname, ROOT)

    def get_source(self, fullname):
        return self.get_data(self.path).decode("utf-8").replace("\r\n", "\n")

    def get_filename(self, fullname=None):
        return self.path

    def is_package(self, fullname=None):
        return self._is_package

    def get_data(self, path):
        path = str(path)
        if path.startswith(ROOT + "/"):
            return _pylib.data(path[len(ROOT) + 1:])
        import io
        with io.open_code(path) as file:
            return file.read()

    def get_resource_reader(self, fullname):
        from importlib.readers import FileReader
        return FileReader(self)


def read_frozen(linecache):
    """Lets linecache find the source of modules that say `<frozen name>`.

    It looks for their `__file__`, and that lies inside the executable.
    """
    update = linecache.updatecache

    def updatecache(filename, module_globals=None):
        lines = update(filename, module_globals)
        if not lines and module_globals is not None and filename.startswith("<frozen "):
            loader = module_globals.get("__loader__")
            if isinstance(loader, EmbeddedLoader):
                source = loader.get_source(loader.name)
                lines = [line + "\n" for line in source.splitlines()]
                linecache.cache[filename] = (len(source), None, lines, loader.path)
        return lines

    updatecache.__doc__ = update.__doc__
    updatecache.__module__ = "linecache"
    updatecache.__qualname__ = "updatecache"
    linecache.updatecache = updatecache


class EmbeddedFinder:
    """Finds modules in one directory of the embedded library."""

    def __init__(self, path):
        self.path = path

    def find_spec(self, fullname, target=None):
        key = fullname
        found = _pylib.find(key)
        if found is None:
            # As finders of files, which look at the end of the name only.
            package = self.path[len(ROOT) + 1:].replace("/", ".")
            key = f"{package}.{fullname.rpartition('.')[2]}"
            found = package and _pylib.find(key)
            if not found:
                return None
        path, is_package = found
        parent = f"{ROOT}/{path}".rpartition("/")[0]
        if is_package:
            parent = parent.rpartition("/")[0]
        if parent != self.path:
            return None
        loader = EmbeddedLoader(fullname, path, is_package, key)
        spec = ModuleSpec(fullname, loader, origin=loader.path, is_package=is_package)
        spec._set_fileattr = True
        spec.cached = None
        if is_package:
            spec.submodule_search_locations = [loader.path.rpartition("/")[0]]
        return spec

    def invalidate_caches(self):
        pass

    def iter_modules(self, prefix=""):
        relative = self.path[len(ROOT):].lstrip("/")
        seen = set()
        for name in _pylib.listdir(relative):
            stem, dot, suffix = name.partition(".")
            if suffix == "py" and stem != "__init__":
                is_package = False
            elif not dot and _pylib.exists(f"{relative}/{name}/__init__.py".lstrip("/")):
                is_package = True
            else:
                continue
            if stem not in seen:
                seen.add(stem)
                yield prefix + stem, is_package


def path_hook(path):
    if path == ROOT or path.startswith(ROOT + "/"):
        if path == ROOT or _pylib.exists(path[len(ROOT) + 1:]) == 2:
            return EmbeddedFinder(path)
    raise ImportError("not in the embedded library", path=path)


def zip_hook(path):
    """Stands for `zipimporter` until a path leads through a file."""
    from _frozen_importlib_external import _path_isdir, _path_isfile
    name = path
    while name and not _path_isdir(name):
        if _path_isfile(name):
            from zipimport import zipimporter
            if zip_hook in sys.path_hooks:
                sys.path_hooks[sys.path_hooks.index(zip_hook)] = zipimporter
            return zipimporter(path)
        name = name.rpartition("/")[0]
    raise ImportError("not a zip file", path=path)


sys.path_hooks[:0] = [path_hook, zip_hook]

# Debuggers pass over it as over the rest of importlib.
__name__ = "importlib._embedded"
