"""Every way a call reaches a Python function, from functions and from generators."""
import gc
import weakref


def plain(a, b=2, c=3):
    return (a, b, c)


class Thing:
    def __init__(self, x, y=10):
        self.x = x
        self.y = y

    def method(self, a, b="b"):
        return (self.x, a, b)

    @property
    def both(self):
        return self.x + self.y

    def __getitem__(self, key):
        if key == "raise":
            raise KeyError(key)
        return (self.x, key)

    def __call__(self, *args, **kwargs):
        return (self.x, args, sorted(kwargs.items()))


class Other(Thing):
    extra = "other"

    def method(self, a, b="o"):
        return ("other", a, b)


def calls(thing):
    bound = thing.method
    adder = lambda n, m=1: n + m + thing.x
    yield plain(1)
    yield plain(1, 5)
    yield plain(1, 5, 6)
    yield plain(1, c=9)
    yield bound(1)
    yield bound(1, 2)
    yield thing.method("z")
    yield thing.both
    yield thing["k"], thing[1], thing[None]
    yield thing(1, 2, k=3)
    yield Thing(4).both, Thing(4, 5).both
    yield adder(1), adder(1, 2)
    yield [plain(i, *[i]) for i in range(2)]
    yield str.upper("x"), "a,b".split(","), [3, 1, 2].index(1)


def collect(thing):
    return list(calls(thing))


for thing in (Thing(1), Other(2), Thing(3, 4)):
    direct = collect(thing)
    print(direct)
    print(direct == [x for x in calls(thing)])

for wrong in ("plain()", "plain(1, 2, 3, 4)", "Thing()", "Thing(1).method()", "Thing(1).method(1, 2, 3)", "plain(b=1)", "Thing(1)['raise']"):
    try:
        eval(wrong)
    except (TypeError, KeyError) as e:
        print(wrong, type(e).__name__, e)

# Attributes of many classes at one place: loads, methods, stores.
classes = [type(f"C{i}", (), {"__init__": lambda self, i=i: setattr(self, "v", i), "get": lambda self, i=i: (i, self.v)}) for i in range(70)]
objects = [c() for c in classes]
total = 0
for _ in range(5):
    for o in objects:
        o.v = o.v + 1
        total += o.v + o.get()[0]
print(total)
classes[3].get = lambda self: ("changed", 0)
print(objects[3].get(), objects[4].get())
objects[5].get = lambda: "own"
print([o.get() for o in objects[4:7]])
objects[6].__dict__["get"] = lambda: "in dict"
print(objects[6].get(), objects[7].get())


class Slotted:
    __slots__ = ("v", "w")


s = Slotted()
for o in [s, objects[0]] * 3:
    o.v = 1
    print(o.v, end=" ")
del s.v
try:
    s.v
except AttributeError as e:
    print(e)


# Deaths during unpacking and calls.
class Noisy:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        print("del", self.name)


def unpack():
    a, b = Noisy("a1"), Noisy("b1")
    pair = [Noisy("a2"), Noisy("b2")]
    a, b = pair
    print("unpacked")
    pair = None
    a, b, c, d = 1, 2, 3, 4
    print(a, b, c, d)
    x = (1, (2, 3))
    x, (y, z) = x
    print(x, y, z)


unpack()


# Closing generators, with and without somebody to notice.
def quiet():
    noisy = Noisy("local of quiet")
    yield 1
    yield 2


def minding():
    try:
        yield 1
    except GeneratorExit:
        print("exit seen")
        raise
    finally:
        print("finally")


def outer():
    yield from minding()


for make in (quiet, minding, outer):
    g = make()
    print(next(g), any(x == 1 for x in make()))
    g.close()
    print("closed", list(g))

r = weakref.ref(Thing(1))
print(r() is None)
cycle = quiet()
next(cycle)
box = [cycle]
box.append(box)
del cycle, box
gc.collect()


# Slices.
data = list(range(10))
text = "hällo wörld"
for lo, hi in ((None, None), (0, 3), (-3, None), (5, 2), (-100, 100), (3, -3)):
    print(data[lo:hi], text[lo:hi], tuple(data)[lo:hi], b"bytes"[lo:hi], range(10)[lo:hi], range(10, 0, -2)[lo:hi])
data[2:4] = [20, 30]
data[5:5] = data[:2]
data[-2:] = []
data[:3] = data
print(data)


class Index:
    def __index__(self):
        data.clear()
        return 1


print(data[Index():3], data)
print(range(5)[::2], range(5)[::-1], range(2**70)[5:2**65:2**40])
