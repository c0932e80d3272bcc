"""Sequence or mapping, annotations beside a function of one's own, names nobody can hash."""
import collections.abc
import contextvars
import types


def kind(x):
    match x:
        case [*_]:
            return "sequence"
        case {}:
            return "mapping"


class Plain:
    pass


class M(Plain, collections.UserDict, collections.abc.Sequence):
    pass


class S(collections.UserList, dict, Plain):
    pass


print(kind(M()), kind(S()))


class Own:
    a: int

    def __annotate__(format):
        return {"a": str}


print(Own.__annotate__(1), Own.__dict__["__annotate_func__"](1), Own.__annotations__)
Own.__annotate__ = lambda format: {"b": 1}
print(Own.__annotate__(1), Own.__dict__["__annotate_func__"](1), Own.__annotations__)
Own.__annotations__ = {}
print([key for key in Own.__dict__ if "annot" in key])


def f() -> None:
    def nested() -> None:
        pass
    return nested


class Outer[T]:
    x: int

    def method[U](self, x: int):
        global elsewhere

        def elsewhere(x: T):
            pass


Outer().method(1)
for o in f, f(), Outer.method, Outer, elsewhere:
    print(o.__annotate__.__qualname__)


class Name(str):
    def __eq__(self, other):
        pass


class Parameter:
    def __repr__(self):
        return "Parameter()"


first, late = Parameter(), Parameter()
first.__typing_subst__ = lambda value: value
alias = types.GenericAlias(dict, (first, late))
print(alias.__parameters__)
late.__typing_subst__ = first.__typing_subst__
for work in lambda: contextvars.ContextVar(Name()), lambda: alias[0]:
    try:
        work()
    except TypeError as e:
        print(e)
