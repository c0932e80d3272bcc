"""importlib.resources for packages of the embedded library."""
import io
import _pylib
from importlib.resources.abc import Traversable, TraversableResources


class Node(Traversable):
    """A file or directory inside the binary."""

    def __init__(self, path):
        self._path = path

    @property
    def name(self):
        return self._path.rpartition("/")[2]

    def iterdir(self):
        for name in _pylib.listdir(self._path):
            yield Node(f"{self._path}/{name}")

    def is_dir(self):
        return _pylib.exists(self._path) == 2

    def is_file(self):
        return _pylib.exists(self._path) == 1

    def joinpath(self, *parts):
        path = self._path
        for part in parts:
            for piece in str(part).split("/"):
                path = f"{path}/{piece}"
        return Node(path)

    __truediv__ = joinpath

    def read_bytes(self):
        return _pylib.data(self._path)

    def open(self, mode="r", *args, **kwargs):
        stream = io.BytesIO(self.read_bytes())
        if "b" in mode:
            return stream
        return io.TextIOWrapper(stream, *args, **kwargs)

    def read_text(self, encoding=None, errors=None):
        return self.open(encoding=encoding or "utf-8", errors=errors).read()


class Reader(TraversableResources):
    def __init__(self, loader):
        self._directory = loader._relative.rpartition("/")[0]

    def files(self):
        return Node(self._directory)
