"""What `sys.getsizeof` says grows as the objects do."""
import sys


def grows(make, counts):
    sizes = [sys.getsizeof(make(n)) for n in counts]
    return [b - a for a, b in zip(sizes, sizes[1:])]


print(grows(lambda n: (None,) * n, (1, 2, 10, 1000)))
print(grows(lambda n: [None] * n, (1, 2, 10, 1000)))
print(grows(lambda n: b"x" * n, (1, 2, 10, 1000)))
print(grows(lambda n: "x" * n, (1, 2, 10, 1000)))
print(grows(lambda n: "\u20ac" * n, (2, 10, 1000)))
print(grows(lambda n: "\U0001f600" * n, (2, 10, 1000)))


class Pair(tuple):
    __slots__ = ()


class Named(tuple):
    pass


print(grows(lambda n: Pair(range(n)), (1, 2, 10)), grows(lambda n: Named(range(n)), (1, 2, 10)))


class Slots:
    __slots__ = ("a",)


class MoreSlots(Slots):
    __slots__ = ("b", "c")


print(sys.getsizeof(MoreSlots()) - sys.getsizeof(Slots()))
print(sys.getsizeof(10**400) > sys.getsizeof(10**100) > sys.getsizeof(10**30))
print(sys.getsizeof(set(range(1000))) > sys.getsizeof(set()) + 8000)
print(sys.getsizeof(dict.fromkeys(range(1000))) > sys.getsizeof({}) + 16000)
print(sys.getsizeof(bytearray(1000)) >= 1000 + sys.getsizeof(bytearray()))
