"""Classes that are changed while they are looked at, and odd slots."""


class Custom(type):
    ready = False

    def mro(cls):
        if Custom.ready:
            if cls.__name__ == "B1":
                B2.__bases__ = (B1,)
            if cls.__name__ == "B2":
                B1.__bases__ = (B2,)
        return type.mro(cls)


class A(metaclass=Custom):
    pass


class B1(A):
    pass


class B2(A):
    pass


Custom.ready = True
try:
    B1.__bases__ += ()
except TypeError as e:
    print("cycle:", e)
Custom.ready = False
print(B1.__bases__ == (A,), B2.__bases__ == (A,), [c.__name__ for c in B1.__mro__])


class Refuses(type):
    def mro(cls):
        if cls.__name__ == "Lower" and Refuses.refuse:
            raise ValueError("no MRO")
        return type.mro(cls)

    refuse = False


class Old(metaclass=Refuses):
    where = "old"


class New(metaclass=Refuses):
    where = "new"


class Upper(Old):
    pass


class Lower(Upper):
    pass


Refuses.refuse = True
try:
    Upper.__bases__ = (New,)
except ValueError as e:
    print(e)
print(Upper.__bases__, Upper.where, Lower.where, [c.__name__ for c in Upper.__mro__])
Refuses.refuse = False
Upper.__bases__ = (New,)
print(Upper.where, Lower.where, Old.__subclasses__(), New.__subclasses__() == [Upper])


class Name(str):
    pass


class Slotted:
    __slots__ = (Name("x"),)


s = Slotted()
s.x = 1
print(s.x, [type(n) for n in Slotted.__dict__ if n == "x"])


class Base:
    def __init__(self):
        self.b = 42


class Cell(Base):
    __slots__ = ["__classcell__"]

    def __init__(self):
        super().__init__()


c = Cell()
c.__classcell__ = 43
print(c.b, c.__classcell__, type(Cell.__dict__["__classcell__"]).__name__)

for error in (AttributeError, ValueError, KeyError):

    def refuse(self):
        raise error("x")

    class Compared:
        __eq__ = property(refuse)
        __lt__ = property(refuse)

    for operator in ("==", "<", "!="):
        try:
            print(operator, eval(f"Compared() {operator} Compared()"))
        except Exception as e:
            print(operator, repr(e))
