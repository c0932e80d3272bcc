"""_pickle: what is written, what is read, who is asked, and what is said of it."""
import _pickle, collections, copyreg, enum, functools, io, pickle, re, sys


def show(label, obj, **kw):
    """All protocols; the pure Python pickler must agree."""
    for protocol in range(6):
        try:
            data = _pickle.dumps(obj, protocol, **kw)
        except Exception as e:
            print(label, protocol, failure(e))
            continue
        print(label, protocol, data if len(data) < 200 else (len(data), hash_of(data)),
              "" if data == pickle._dumps(obj, protocol, **kw) else "differs from pickle.py")
        back = _pickle.loads(data)
        if type(back) is not type(obj) or clean(back) != clean(obj):
            print("   ", type(back).__name__, clean(back)[:200])


def hash_of(data):
    import zlib
    return zlib.crc32(data)


def clean(x):
    return re.sub("0x[0-9a-f]+", "0x", repr(x) if not isinstance(x, str) else x)


def failure(e):
    return f"{type(e).__name__}: {clean(str(e))} {[clean(n) for n in getattr(e, '__notes__', [])]}"


def attempt(label, function, *args, **kw):
    try:
        print(label, clean(function(*args, **kw)))
    except Exception as e:
        print(label, failure(e))


class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y
    def __repr__(self):
        return f"Point({self.x!r}, {self.y!r})"
    class Inner:
        pass
    def method(self):
        return self.x


class Slots:
    __slots__ = ("a", "b")
    def __repr__(self):
        return f"Slots({getattr(self, 'a', None)}, {getattr(self, 'b', None)})"


class Keyword:
    def __new__(cls, *, k):
        self = object.__new__(cls)
        self.k = k
        return self
    def __getnewargs_ex__(self):
        return (), {"k": self.k}
    def __repr__(self):
        return f"Keyword({self.k})"


class Colour(enum.Enum):
    RED = 1


class Reduced:
    def __reduce__(self):
        return self.value


class Words(list):
    pass


Pair = collections.namedtuple("Pair", "a b")

for x in (None, True, 0, 255, 256, 65536, -1, 2**31, -2**31, 2**62, 2**2050, 1.5, -0.0, float("inf"), 1j, "",
          "a\\b\nc\0", "\u1234\ud800", "x" * 300, b"", b"\0\xff", bytearray(b"ab"), (), (1,), (1, 2, 3), (1, 2, 3, 4),
          [], [1], list(range(1001)), {}, {"a": 1}, dict.fromkeys(range(2001)), set(), {1}, frozenset([1]), ..., NotImplemented,
          int, type(None), len, [].append, dict.fromkeys, range(3), slice(1, 2), iter([1, 2]), ValueError("x"),
          collections.OrderedDict(a=1), collections.deque([1], 3), functools.partial(int, base=2), complex, sys,
          lambda: 1, (i for i in ()), Point.Inner, Point.method, Point(1, 2).method, Point(1, [2]), Keyword(k=3), Colour.RED, Pair(1, 2), object()):
    show(clean(ascii(x))[:30], x)

s = Slots()
s.a = 1
show("slots", s)
w = Words([1, 2])
w.extra = "more"
show("words", w)

# One object, one copy.
inner = [1]
show("shared", [inner, inner, (inner,)])
loop = []
loop.append(loop)
show("loop", loop)
knot = ([],)
knot[0].append(knot)
show("knot", knot)
p = Point(0, 0)
p.x = p
back = _pickle.loads(_pickle.dumps([p, p.__dict__]))
print(back[0].x is back[0], back[1] is back[0].__dict__)

# Reducers that say something strange.
for value in (5, "nope", (1,), (len,), (5, ()), (len, 5), (len, (), None, 5), (len, (), None, None, 5),
              (len, (), None, None, None, 5), (1, 2, 3, 4, 5, 6, 7), (len, ([],), 5), (lambda: 1, ()),
              (copyreg.__newobj__, ()), (copyreg.__newobj__, (int,)), (copyreg.__newobj_ex__, (1, 2, 3)),
              (list, (), None, iter([1, 2])), (dict, (), None, None, iter([(1, 2)])), (list, ([],), 7, None, None, print)):
    r = Reduced()
    r.value = value
    attempt(f"reduce {clean(value)}", _pickle.dumps, r, 4)
for x in ([lambda: 1], {"k": lambda: 1}, (1, [lambda: 1]), Point(1, lambda: 1)):
    attempt("note", _pickle.dumps, x)


class Own(_pickle.Pickler):
    def persistent_id(self, obj):
        return "the id" if obj == "outside" else None
    def reducer_override(self, obj):
        return (int, ("7",)) if isinstance(obj, Point) else NotImplemented


class Back(_pickle.Unpickler):
    def persistent_load(self, pid):
        return ("loaded", pid)
    def find_class(self, module, name):
        if name == "eval":
            raise _pickle.UnpicklingError("not that")
        return super().find_class(module, name)


f = io.BytesIO()
own = Own(f)
own.dump(["outside", Point(1, 2), "inside"])
own.dump("inside")
print(f.getvalue(), len(own.memo.copy()))
f.seek(0)
back = Back(f)
print(back.load(), back.load(), back.memo.copy())
attempt("end", back.load)
attempt("eval", Back(io.BytesIO(_pickle.dumps(eval))).load)
own.clear_memo()
table = _pickle.Pickler(io.BytesIO())
table.dispatch_table = {Point: lambda p: (Point, (p.y, p.x))}
table.dump(Point(1, 2))
attempt("no persistent_load", _pickle.loads, b"Pid\n.")
for bad in (b"", b".", b"K", b"N", b"N.rest", b"(.", b"0.", b"\x80\x09.", b"\xff.", b"I1x\n.", b"F?\n.", b"S'a\n.", b"Vabc", b"h\1.",
            b"j\0\0\0\0.", b"g5\n.", b"gx\n.", b"p1\n.", b"NNu.", b"](e.", b"}(N\x4e\x4eu.", b"N(e.", b"N(Nu.", b"cos\nnope\n.",
            b"cnope_\nx\n.", b"c__main__\nPoint\n)\x81.", b"K\1)\x81.", b"K\1)R.", b"K\1}b.", b"\x80\4\x95\xff\0\0\0\0\0\0\0N.",
            b"\x8c\5abc.", b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.", b"\x8b\xff\xff\xff\xff.", b"\x82\1.", b"\x97.", b"\x98.", b"]a.", b"\x85.", b"t.", b"l."):
    attempt(bad, _pickle.loads, bad)

# Buffers.
out = []
big = _pickle.PickleBuffer(bytearray(b"0123"))
data = _pickle.dumps([big, big], 5, buffer_callback=out.append)
print(data, len(out), bytes(out[0].raw()))
print(_pickle.loads(data, buffers=[b"wxyz", b"z"]))
print(_pickle.dumps(big, 5), _pickle.loads(_pickle.dumps(_pickle.PickleBuffer(b"ab"), 5)))
attempt("old protocol", _pickle.dumps, big, 4)
attempt("no buffers", _pickle.loads, data)
attempt("too few", _pickle.loads, data, buffers=[])
big.release()
attempt("released", _pickle.dumps, big, 5)

# Python 2.
print(_pickle.loads(b"S'a\\xff'\n.", encoding="latin1"), _pickle.loads(b"U\2a\xff.", encoding="bytes"),
      _pickle.loads(b"c__builtin__\nxrange\n(I3\ntR."), _pickle.dumps(range, 2), _pickle.dumps(range, 2, fix_imports=False))
attempt("ascii", _pickle.loads, b"U\1\xff.")

for args in ((), (1,), (object(),)):
    attempt(f"Pickler{clean(args)}", _pickle.Pickler, *args)
    attempt(f"Unpickler{clean(args)}", _pickle.Unpickler, *args)
attempt("protocol", _pickle.dumps, 1, 6)
attempt("callback", _pickle.dumps, 1, 3, buffer_callback=print)
attempt("str", _pickle.loads, "a")
