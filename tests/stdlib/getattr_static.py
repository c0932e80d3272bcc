"""inspect.getattr_static, and isinstance of protocols, which asks it."""
import inspect, types
from typing import Protocol, runtime_checkable
from abc import ABCMeta
g = inspect.getattr_static
print(inspect.signature(g) if False else g.__doc__.split('\n')[0])

def show(*args):
    try:
        r = g(*args)
        print(type(r).__name__, r if isinstance(r, (int, str, type(None))) else '')
    except BaseException as e:
        print(type(e).__name__, e)

class A:
    x = 1
    def __init__(self): self.y = 2
    @property
    def p(self): raise RuntimeError('run')
    def __getattr__(self, name): raise RuntimeError('run')
    def __getattribute__(self, name): raise RuntimeError('run')
a = A()
for name in ('x', 'y', 'p', 'z', '__init__', '__class__', '__dict__'): show(a, name)
object.__setattr__(a, 'x', 3); show(a, 'x')
a.__dict__ if False else None
object.__getattribute__(a, '__dict__')['q'] = 4
show(a, 'q'); show(a, 'gone', 'default')

class Slots:
    __slots__ = ('s', 'unset')
    def __init__(self): self.s = 1
show(Slots(), 's'); show(Slots(), 'unset'); show(Slots(), 't')
class SlotDict:
    __slots__ = ('__dict__',)
d = SlotDict(); d.v = 5; show(d, 'v')
class Shadow:
    __dict__ = {'no': 1}
    def __init__(self): self.here = 1
show(Shadow(), 'here'); show(Shadow(), '__dict__')
class ShadowProperty:
    @property
    def __dict__(self): return {'a': 1}
show(ShadowProperty(), 'a')
class SlotShadow:
    __slots__ = ['__dict__x']

class Data:
    def __get__(self, o, t=None): return 'got'
    def __set__(self, o, v): pass
class NonData:
    def __get__(self, o, t=None): return 'got'
class Deletes:
    def __get__(self, o, t=None): return 'got'
    def __delete__(self, o): pass
class Holder:
    data, non, deletes = Data(), NonData(), Deletes()
h = Holder(); h.__dict__.update(data=1, non=2, deletes=3)
for name in ('data', 'non', 'deletes'): show(h, name)

class Meta(type):
    m = 'meta'
    def __getattribute__(cls, name): raise RuntimeError('run')
class WithMeta(metaclass=Meta):
    c = 'class'
show(WithMeta, 'c'); show(WithMeta, 'm'); show(WithMeta, 'n'); show(WithMeta, '__mro__'); show(Meta, 'm')
class Hides(type):
    __dict__ = {}
class Hidden(metaclass=Hides):
    c = 1
show(Hidden, 'c'); show(Hidden(), 'c')
class Sub(Hidden): pass
show(Sub(), 'c')
show(types, 'FunctionType'); show(types.ModuleType('m'), '__name__'); show(len, '__name__'); show(5, 'real'); show(None, 'x')
show(type, '__mro__'); show(object, '__class__'); show((lambda: 0), '__code__')
class D(dict): pass
dd = D(); dd.attr = 6; show(dd, 'attr'); show(dd, 'keys')
show(a, 5)
class NameSub(str): pass
show(h, NameSub('data')); show(Slots(), NameSub('s'))

@runtime_checkable
class HasX(Protocol):
    x: int
@runtime_checkable
class HasF(Protocol):
    def f(self) -> int: ...
class NoneF: f = None
class RealF:
    def f(self): return 1
class InstX:
    def __init__(self): self.x = 1
class PropX:
    @property
    def x(self): raise RuntimeError('run')
class Abc(metaclass=ABCMeta):
    x = 1
class Lazy:
    def __getattr__(self, name): return 1
for o in (NoneF(), RealF(), InstX(), PropX(), Abc(), Lazy(), 5, Slots()):
    print(type(o).__name__, isinstance(o, HasX), isinstance(o, HasF))
