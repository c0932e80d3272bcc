"""One place of the program sees many kinds of objects, one after the other:
whatever form it was given for the first kind must not be wrong for the next."""

import sys


class Plain:
    def __init__(self, n=0):
        self.n = n

    def method(self, x, y=7):
        return ("method", self.n, x, y)

    def __getitem__(self, key):
        return ("item", self.n, key)

    def __call__(self, x):
        return ("called", self.n, x)

    def __del__(self):
        deaths.append(getattr(self, "n", None))


class Slotted:
    __slots__ = ("n", "method")

    def __init__(self, n):
        self.n = n
        self.method = lambda x, y=1: ("slot", x, y)


class Sub(list):
    def append(self, item):
        list.append(self, (item, item))

    def __getitem__(self, i):
        return ("sub", list.__getitem__(self, i))


deaths = []


def two(a, b=2):
    return (a, b)


def one(a):
    return a


def none():
    return "none"


def closure():
    free = "free"

    def inner(a):
        return (free, a)

    return inner


def call(f, *more):
    # One Call instruction for all of them.
    try:
        return f(5)
    except Exception as e:
        return f"{type(e).__name__}: {e}"


def call_in_generator(functions):
    for f in functions:
        try:
            yield f(5)
        except Exception as e:
            yield f"{type(e).__name__}: {e}"


print("-- calls")
kinds = [
    one, two, none, closure(), len, abs, hash, int, str, list, tuple, range, bool, float, type,
    Plain(1), Plain(2).method, Slotted(3).method, [1, 2].append, "a-b".split, {5: 6}.get, Plain,
    Slotted, print, 5, None, lambda *a: a, lambda **k: k, iter, sum, max, isinstance, repr, ord, chr,
]
for _ in range(3):
    for f in kinds:
        shown = call(f)
        if isinstance(shown, (Plain, Slotted)):
            shown = f"{type(shown).__name__}({shown.n})"
        if isinstance(shown, str) and " object at 0x" in shown:
            shown = shown.split(" object at ")[0]
        print(shown)
    kinds.reverse()
for shown in call_in_generator([one, two, none, closure(), len, abs, int, Plain(4), 5, list] * 2):
    print(shown)


def call_method(o):
    try:
        return o.method(1)
    except Exception as e:
        return f"{type(e).__name__}: {e}"


print("-- methods")
for o in [Plain(5), Slotted(6), Plain(7), 5, "x", Plain(8), Slotted(9), None]:
    print(call_method(o))


def natives(o):
    try:
        return (o.count("a"), o.index("b"))
    except Exception as e:
        return f"{type(e).__name__}: {e}"


for o in ["abab", ["a", "b"], ("b", "a"), b"ab", "aaa", [], ("a", "b", "a"), "ba", range(3)] * 2:
    print(natives(o))


def with_defaults(o, *args):
    try:
        return o.get("k"), o.get("k", 3)
    except Exception as e:
        return f"{type(e).__name__}: {e}"


class Get:
    def get(self, k, default="own"):
        return k, default


for o in [{"k": 1}, {}, Get(), {"k": 2}, 5, Get(), {}] * 2:
    print(with_defaults(o))


def loop(iterable):
    out = []
    try:
        for x in iterable:
            out.append(x)
    except Exception as e:
        out.append(f"{type(e).__name__}: {e}")
    return out


def generate(n):
    for i in range(n):
        yield i
    return "end"


def failing():
    yield 1
    raise ValueError("in the generator")


class Old:
    def __getitem__(self, i):
        if i == 3:
            raise IndexError
        return i * i


class Own:
    def __iter__(self):
        return self

    n = 0

    def __next__(self):
        self.n += 1
        if self.n > 2:
            raise StopIteration
        return self.n


print("-- loops")
for _ in range(2):
    for make in [
        lambda: [1, 2], lambda: (3, 4), lambda: range(3), lambda: generate(2), lambda: {1: 2},
        lambda: {5}, lambda: "ab", lambda: b"ab", lambda: Old(), lambda: Own(), lambda: failing(),
        lambda: range(2**70, 2**70 + 2), lambda: iter([]), lambda: zip("ab", [1, 2]), lambda: 5,
        lambda: enumerate("xy"), lambda: map(one, [1]), lambda: Sub([1]), lambda: {1: 2}.items(),
    ]:
        print(loop(make()))


def item(o, key):
    try:
        return o[key]
    except Exception as e:
        return f"{type(e).__name__}: {e}"


class Missing(dict):
    def __missing__(self, key):
        return ("missing", key)


print("-- items")
big = 2**80
for _ in range(2):
    for o, key in [
        ([1, 2, 3], 1), ([1, 2, 3], -1), ((4, 5), 0), ({1: "d"}, 1), ({1: "d"}, 2), ([1], 1), ((), 0),
        ([1, 2], slice(1)), ("text", 2), (b"text", 2), (Plain(10), 1), (Sub([7]), 0), (Missing(), 3),
        ([1, 2], True), ([1], big), ((1,), "x"), ([1], None), ({(1, 2): 3}, (1, 2)), ({}, []), (5, 0),
        (range(5), 3), ([1, 2, 3], -4), (list, int),
    ]:
        print(item(o, key))


def attribute(o):
    try:
        return o.n
    except Exception as e:
        return f"{type(e).__name__}: {e}"


print("-- attributes")
shadow = Plain(11)
shadow.__dict__["n"] = "in the dict"
empty = Plain(12)
del empty.n
Plain.late = "class"
for o in [Plain(13), Slotted(14), shadow, empty, Plain, 5, sys, Plain(15), Slotted.__new__(Slotted)] * 2:
    print(attribute(o))

print("-- comprehensions")


def comprehend(source):
    kept = [x for x in source if x]
    return [kept, [y + y for y in kept], [[z] for z in kept][:2]]


for source in [[0, 1, 2], (3, 0), range(4), generate(3), "ab"]:
    print(comprehend(source))

print("-- globals")


def read():
    return counter, len


counter = 1
print(read())
counter = 2
print(read())
len = "hidden"
print(read())
del len
print(read()[0], read()[1]([1]))
for i in range(40):
    globals()[f"more_{i}"] = i
counter = 3
print(read()[0])
del counter
try:
    read()
except NameError as e:
    print(e)

print("-- deaths", len(deaths) > 0)
deaths.clear()
x = Plain("first")
x = Plain("second")
print(deaths)
x = [Plain("in a list"), Plain("last in the list")]
x = None
print(deaths)
x = (Plain("in a tuple"), [Plain("deeper")])
del x
print(deaths)
