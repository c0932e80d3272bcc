"""Classes: inheritance, super, descriptors, metaclasses, slots, hooks."""

class Base:
    kind = "base"
    def __init__(self, x):
        self.x = x
    def describe(self):
        return f"{type(self).__name__}({self.x})"
    @classmethod
    def make(cls, *args):
        return cls(*args)
    @staticmethod
    def helper(n):
        return n + 1
    @property
    def double(self):
        return self.x * 2
    @double.setter
    def double(self, value):
        self.x = value // 2

class Child(Base):
    kind = "child"
    def __init__(self, x, y):
        super().__init__(x)
        self.y = y
    def describe(self):
        return "child of " + super().describe()

c = Child.make(1, 2)
print(c.describe(), c.double, c.helper(1), c.kind, Child.__mro__)
c.double = 10
print(c.x, c.__dict__)

class A: 
    def who(self): return ["A"]
class B(A):
    def who(self): return ["B"] + super().who()
class C(A):
    def who(self): return ["C"] + super().who()
class D(B, C):
    def who(self): return ["D"] + super().who()
print(D().who(), [k.__name__ for k in D.__mro__])
try:
    class E(A, B): pass
except TypeError as error:
    print(error)

class Meta(type):
    def __prepare__(name, bases, **kw):
        print("prepare", name, kw)
        return {}
    def __new__(mcls, name, bases, ns, **kw):
        cls = super().__new__(mcls, name, bases, ns)
        cls.tag = kw.get("tag")
        return cls
    def __init__(cls, name, bases, ns, **kw):
        super().__init__(name, bases, ns)
    def __call__(cls, *args):
        print("making", cls.__name__)
        return super().__call__(*args)

class WithMeta(metaclass=Meta, tag=7):
    pass
print(type(WithMeta).__name__, WithMeta.tag, WithMeta())if False else print(type(WithMeta).__name__, WithMeta.tag)
WithMeta()

class Registry:
    known = []
    def __init_subclass__(cls, /, prefix="", **kw):
        super().__init_subclass__(**kw)
        cls.known.append(prefix + cls.__name__)
class Plug(Registry, prefix="p_"): pass
print(Registry.known)

class Field:
    def __set_name__(self, owner, name):
        self.name = name
    def __get__(self, obj, owner=None):
        return self if obj is None else obj.__dict__.get(self.name, "unset")
    def __set__(self, obj, value):
        obj.__dict__[self.name] = value * 2
class Model:
    a = Field()
m = Model()
print(m.a); m.a = 4; print(m.a, Model.a.name)

class Slotted:
    __slots__ = ("a", "b")
s = Slotted()
s.a = 1
print(s.a, hasattr(s, "__dict__"))
for attr in ("b", "z"):
    try:
        print(getattr(s, attr))
    except AttributeError as error:
        print(error)
try:
    s.z = 1
except AttributeError as error:
    print(error)

class Vec:
    def __init__(self, *v): self.v = v
    def __add__(self, o): return Vec(*(a + b for a, b in zip(self.v, o.v)))
    def __radd__(self, o): return self if o == 0 else NotImplemented
    def __mul__(self, k): return Vec(*(a * k for a in self.v))
    __rmul__ = __mul__
    def __eq__(self, o): return isinstance(o, Vec) and self.v == o.v
    def __hash__(self): return hash(self.v)
    def __getitem__(self, i): return self.v[i]
    def __len__(self): return len(self.v)
    def __contains__(self, x): return x in self.v
    def __bool__(self): return any(self.v)
    def __call__(self, *a): return a
    def __repr__(self): return f"Vec{self.v}"
    def __iter__(self): return iter(self.v)
    def __neg__(self): return self * -1
    def __matmul__(self, o): return sum(a * b for a, b in zip(self.v, o.v))
v = Vec(1, 2, 3)
print(v + v, sum([v, v]), 2 * v, v == Vec(1, 2, 3), v[1], v[-1], len(v), 2 in v, bool(Vec()), v(5), list(v), -v, v @ v)
try:
    v + 1
except AttributeError as error:
    print(error)
try:
    1 + Vec
except TypeError as error:
    print(error)

class Lazy:
    def __getattr__(self, name):
        if name.startswith("x"):
            return name.upper()
        raise AttributeError(name)
print(Lazy().xyz, hasattr(Lazy(), "abc"))
class Mangled:
    def __init__(self): self.__secret = 1
print(Mangled().__dict__)


class Keywords:
    """Names of keywords in calls are not mangled; those of parameters are."""

    def call(self):
        class Meta(type):
            def __new__(meta, name, bases, namespace, **more):
                print("class", more)
                return type.__new__(meta, name, bases, namespace)

        class Made(metaclass=Meta, __private=1):
            pass

        print(dict(__a=1), dict(**{"__b": 2}, __c=3), "{__d}".format(__d=4))
        try:
            self.takes(__e=5)
        except TypeError as e:
            print(e)

    def takes(self, __e):
        return __e


Keywords().call()
