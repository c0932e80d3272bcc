"""Which value is asked when dicts are compared; a finalizer's weak reference to garbage."""
import collections
import gc
import weakref


class Value:
    def __init__(self, name):
        self.name = name

    def __eq__(self, other):
        print(self.name, "==", other.name)
        return True

    __hash__ = None


for make in (dict, collections.OrderedDict, collections.defaultdict):
    left, right = make(), make()
    left["a"], right["a"] = Value("left"), Value("right")
    print(left == right, left != right)


class Late:
    __slots__ = ("ref",)

    def __del__(self):
        print("late", self.ref())


class Cyclic(tuple):
    __slots__ = ()

    def __del__(self):
        global late
        self[1].ref = weakref.ref(self[0], lambda ref: print("not called"))
        del late


late = Late()


def func():
    pass


cyclic = tuple.__new__(Cyclic, (func, late))
func.__module__ = cyclic
del func, cyclic
gc.collect()

n = 0
print((b"x" * n) is (b"y" * n), (b"" * 5) is b"".join([]))
