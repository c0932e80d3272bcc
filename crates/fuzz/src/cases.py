"""What the targets json, pickle, xml and archive do with their data.

What they let out is a finding, but for RecursionError and MemoryError.
"""

import bz2
import collections
import copy
import gzip
import io
import json
import json.decoder
import json.scanner
import lzma
import pickle
import tarfile
import zipfile
import zlib
from compression import zstd
from xml.etree import ElementTree


class PythonDecoder(json.JSONDecoder):
    """The decoder without its native half."""

    def __init__(self, **options):
        super().__init__(**options)
        self.parse_string = json.decoder.py_scanstring
        self.scan_once = json.scanner.py_make_scanner(self)


def answer(function, *args):
    """The JSON text of what the function returns, or None if there is a ValueError."""
    try:
        return json.dumps(function(*args))
    except ValueError:
        return None


def json_case(data):
    try:
        json.loads(data)
    except Exception:
        pass
    text = data.decode("utf-8", "replace")
    for document in (text, data.decode("latin-1"), text + "\U0001f600"[len(text) % 2:]):
        for strict in (True, False):
            try:
                native = answer(json.JSONDecoder(strict=strict).decode, document)
                assert native == answer(PythonDecoder(strict=strict).decode, document), document
            except RecursionError:
                continue
            if native is not None:
                value = json.loads(native)
                assert json.dumps(value) == native, document
                for options in ({"ensure_ascii": False}, {"indent": 1, "sort_keys": True}, {"check_circular": False}):
                    again = json.dumps(value, **options)
                    assert json.dumps(json.loads(again), **options) == again, document


class Reader(io.RawIOBase):
    """A file that gives out what it has byte by byte to readline."""

    def __init__(self, data):
        self.data = io.BytesIO(data)

    def readinto(self, buffer):
        return self.data.readinto(buffer)

    def read(self, size=-1):
        return self.data.read(size)


class Restricted(pickle.Unpickler):
    """Nothing that a pickle could call runs a program or takes a size."""

    def find_class(self, module, name):
        if name in ("complex", "frozenset", "set", "list", "dict", "tuple"):
            return __builtins__[name]
        if name == "deque":
            return collections.deque
        if name.startswith("P"):
            # Anew every time, because pickles can set attributes of classes.
            return type("Plain", (), {"__slots__": ("slot", "__dict__")} if name == "PS" else {})
        raise pickle.UnpicklingError("not for pickles")

    def persistent_load(self, pid):
        return pid


def pickle_case(data):
    for file in (io.BytesIO(data), Reader(data), io.BufferedReader(io.BytesIO(data), 16)):
        try:
            buffers = (bytes(3), bytearray(3))
            value = Restricted(file, encoding="bytes" if len(data) % 2 else "latin-1", buffers=buffers).load()
        except Exception:
            continue
        for protocol in range(6):
            try:
                again = pickle.dumps(value, protocol)
            except Exception:
                continue
            # What refuses to be read: unhashable keys that were hashable, and depth.
            try:
                Restricted(io.BytesIO(again)).load()
            except (TypeError, RecursionError, pickle.UnpicklingError):
                pass


def pieces(data):
    """The data in pieces, whose length its first byte says."""
    size = 1 + (data[0] if data else 0) % 64
    return [data[i:i + size] for i in range(1, len(data), size)]


def whole_tree(data):
    builder = ElementTree.TreeBuilder(insert_comments=True, insert_pis=True)
    parser = ElementTree.XMLParser(target=builder)
    parser.entity['known'] = 'text'
    for piece in pieces(data):
        parser.feed(piece)
    tree = parser.close()
    list(tree.iter()), list(tree.itertext()), tree.findall('.//a'), tree.find('a'), tree[::-2]
    text = ElementTree.tostring(copy.deepcopy(tree), 'unicode')
    copied = copy.copy(tree)
    copied[1:1] = tree
    ElementTree.indent(copied)
    ElementTree.fromstring(text)


def pulled_tree(data):
    parser = ElementTree.XMLPullParser(('start', 'end', 'start-ns', 'end-ns', 'comment', 'pi'))
    for piece in pieces(data):
        parser.feed(piece)
        for event, element in parser.read_events():
            if event == 'end':
                element.clear()
    parser.close()


def xml_case(data):
    """Parses what most often is no XML."""
    for parse in (whole_tree, pulled_tree):
        try:
            parse(data)
        except Exception:
            pass


MOST = 1 << 16


def decompressed(data):
    """Every decompressor in two steps, none of which gives more than is asked for."""
    for make in (zlib.decompressobj, lambda: zlib.decompressobj(-15), bz2.BZ2Decompressor, lzma.LZMADecompressor,
                 zstd.ZstdDecompressor):
        decompressor = make()
        half = len(data) // 2
        for piece in (data[:half], data[half:]):
            try:
                out = decompressor.decompress(piece, MOST)
            except (zlib.error, OSError, lzma.LZMAError, zstd.ZstdError, EOFError, ValueError):
                break
            assert len(out) <= MOST, len(out)
            len(decompressor.unused_data)


def unzipped(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist()[:8]:
            with archive.open(info) as member:
                member.read(MOST)


def untarred(data):
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for _ in range(8):
            member = archive.next()
            if member is None:
                break
            if member.isreg():
                archive.extractfile(member).read(MOST)
            member.get_info()
            tarfile.data_filter(member, '/nowhere')


def ungzipped(data):
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        file.read(MOST)


def archive_case(data):
    """Takes the data for something compressed, and for an archive."""
    decompressed(data)
    for read in (unzipped, untarred, ungzipped):
        try:
            read(data)
        except (AssertionError, SystemError):
            raise
        except Exception:
            # Most inputs are no archive.
            pass
