"""A class body that assigns __class__ while methods use super(): the name is an attribute, the cell is another thing."""


class Lazy:
    def method(self):
        return super().__repr__()[:4], __class__

    __class__ = property(lambda self: int)
    seen = __class__


lazy = Lazy()
print(lazy.__class__, type(lazy), isinstance(lazy, int), lazy.method(), isinstance(Lazy.__dict__["__class__"], property))
print(Lazy.seen is Lazy.__dict__["__class__"])


class Looks:
    try:
        __class__
    except NameError as error:
        print(error)

    def method(self):
        return __class__


print(Looks().method(), "__class__" in Looks.__dict__)


class Deletes:
    __class__ = 1
    del __class__

    def method(self):
        return __class__


print(Deletes().method(), "__class__" in Deletes.__dict__)


class Annotated:
    __class__: int = 3

    def method(self):
        return __class__


print(Annotated().method(), Annotated.__dict__["__class__"], Annotated.__annotations__)


class Loops:
    for __class__ in range(3):
        pass

    def method(self):
        return super(), [__class__ for _ in range(1)]


print(Loops.__dict__["__class__"])


class Function:
    def __class__(self):
        return 5

    def method(self):
        return __class__


print(Function.__dict__["__class__"](None), Function.method(None))


class Annotations:
    x: __class__
    __classdict__ = 4

    def method(self):
        return __class__


print(Annotations.__dict__["__classdict__"])
try:
    print(Annotations.__annotations__)
except NameError as error:
    print(error)


def outer():
    __class__ = "outer"

    class Inner:
        seen = __class__

        def method(self):
            return __class__

    return Inner


print(outer().seen, outer().method(None))


class Mutual:
    class __class__:
        pass

    def method(self):
        return __class__


print(Mutual.__dict__["__class__"], Mutual.method(None))
