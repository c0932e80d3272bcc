"""The very bytes of pickles in all protocols: sizes, frames, batches, the memo, files."""
import collections
import datetime
import hashlib
import io
import pickle


class Plain:
    def __init__(self, value):
        self.value = value


class Slotted:
    __slots__ = ("x", "y")

    def __init__(self):
        self.x, self.y = 1, 2

    def __getstate__(self):
        return None, {"x": self.x, "y": self.y}


class Failure(Exception):
    pass


class Bad:
    def __reduce__(self):
        raise Failure("no")




shared = "shared" * 3
loop = []
loop.append(loop)
knot = ([], 1)
knot[0].append(knot)
wide = ([], 1, 2, 3)
wide[0].append(wide)
table = {}
table[1] = table
VALUES = [
    None, True, False, 0, 255, 256, 65535, 65536, -1, 2**31 - 1, 2**31, -2**31, -2**31 - 1, 2**39 - 1, 2**39, -2**39, -2**39 - 1,
    2**61, 2**62, 2**63 - 1, 2**63, -2**63, -2**63 - 1, 2**2039, 2**2040, -2**2047, 1.5, -0.0, "", "a", "\xe9", "\ud800", "x" * 255,
    "x" * 256, "\u20ac" * 100, "\n\\\0\x1a", "\U0001d11e", b"", b"a", b"x" * 255, b"x" * 256, b"y" * 65535, b"y" * 65536, "z" * 65535,
    "z" * 65536, bytearray(b"abc"), bytearray(b"q" * 70000), (), (1,), (1, 2, 3), (1, 2, 3, 4), [], [1], list(range(1000)),
    list(range(1001)), [shared, shared, [shared]], {}, {1: 2}, {i: -i for i in range(1000)}, {i: -i for i in range(2001)},
    set(), {1}, frozenset([1]), (frozenset([5]),) * 2, loop, knot, wide, table, Plain(1), Plain([Plain(shared), shared]), Slotted(),
    [datetime.date(2020, 1, 1)] * 2, len, int, collections.OrderedDict(a=1), 1 + 2j, ..., type(None),
    [("k%d" % i, i, i * 1.5) for i in range(5000)], [[b"x" * (i * 7919 % 70000)] for i in range(20)],
]
for i, value in enumerate(VALUES):
    shown = []
    for protocol in range(6):
        data = pickle.dumps(value, protocol)
        file = io.BytesIO()
        sizes = []

        class File:
            def write(self, piece):
                sizes.append(len(piece))
                file.write(piece)

        pickle.dump(value, File(), protocol)
        twice = io.BytesIO()
        pickler = pickle.Pickler(twice, protocol)
        pickler.dump(value)
        pickler.dump(value)
        shown.append((len(data), hashlib.md5(data + twice.getvalue()).hexdigest()[:8], len(sizes), sizes[-1]))
        assert file.getvalue() == data
        pickle.loads(data)
    print(i, *shown)


class Persistent(pickle.Pickler):
    def persistent_id(self, value):
        if isinstance(value, int) and value % 7 == 3:
            return value if self.bin else str(value)


for protocol in range(6):
    file = io.BytesIO()
    Persistent(file, protocol).dump([list(range(30)), {3: 10}, (17, "a", 17)])
    print(hashlib.md5(file.getvalue()).hexdigest())
    for bad in ([1, Bad()], {1: Bad()}, {Bad(): 1}, (1, Bad()), (1, 2, 3, Bad()), {"k": [(Bad(),)]}, Plain(Bad()), {Bad()}):
        try:
            pickle.dumps(bad, protocol)
        except Failure as error:
            print(getattr(error, "__notes__", None))

deep = []
for _ in range(100000):
    deep = [deep]
try:
    pickle.dumps(deep)
except RecursionError:
    print("too deep")

pickler = pickle.Pickler(io.BytesIO())
names = ["ab", "cd"]
pickler.dump(names)
memo = pickler.memo.copy()
print(sorted((number, value) for number, value in memo.values()))
pickler.clear_memo()
print(pickler.memo.copy())
pickler.memo = memo
print(len(pickler.memo.copy()))


class Forgetful:
    def __reduce__(self):
        pickler.clear_memo()
        return int, ()


file = io.BytesIO()
pickler = pickle.Pickler(file)
pickler.dump([names, Forgetful(), names])
print(file.getvalue())
buffers = []
data = [pickle.PickleBuffer(b"abc"), pickle.PickleBuffer(bytearray(b"d" * 70000)), names]
for callback in (None, buffers.append):
    print(hashlib.md5(pickle.dumps(data, 5, buffer_callback=callback)).hexdigest(), len(buffers))
for data in (b"X\x04\x00otabc", b"\x8e\xff\xff\xff\xff\xff\xff\x00\x00a", b"\x8a\x05abc", b"r\xff\xff\xff\x7f.", b"(]K\x01e.", b"\x80\x04\x95\xff\0\0\0\0\0\0\0N."):
    for file in (io.BytesIO(data), io.BufferedReader(io.BytesIO(data), 16)):
        try:
            pickle.Unpickler(file).load()
        except Exception as error:
            print(type(error).__name__, error)
