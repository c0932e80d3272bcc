# `__builtins__` that is no dict, inherited builtins, code of another kind,
# comprehensions in classes, truth asked once.
import types, warnings, functools

ns = {'__builtins__': types.MappingProxyType({'name': 1})}
print(eval('name', ns))
for source in ('other', 'import foo', 'class A: pass', '[].__iter__().__reduce__()'):
    try:
        exec(source, {'__builtins__': types.MappingProxyType({})})
    except Exception as e:
        print(type(e).__name__, e)
try:
    exec('print(1)', {'__builtins__': 123})
except TypeError as e:
    print(e)
ns = {'__builtins__': types.MappingProxyType({'__import__': lambda *args: args[0]})}
exec('import foo.bar', ns)
print(ns['foo'])
exec('def f(): return g', ns := {'__builtins__': types.MappingProxyType({'g': 5})})
print(ns['f'](), ns['f'].__builtins__)

safe = {'None': None, 'type': type}
exec('def f(): pass\ng = type(f)(f.__code__, {})', ns := {'__builtins__': safe})
print(ns['g'].__builtins__ is safe, ns['g'].__globals__)

def plain(): pass
def generator(): yield
with warnings.catch_warnings(record=True) as w:
    warnings.simplefilter('always')
    plain.__code__ = generator.__code__
    print(w[0].category.__name__, w[0].message)

class C:
    made = [lambda: __class__ for _ in [1]]
    try: [(lambda: __class__)() for _ in [1]]
    except NameError as e: print(e)
print(C.made[0]())
x = 3
def names():
    [x for x in [1]]
    return [x for _ in [1]]
print(names())
code = compile('y = 4', 'f', 'exec')
types.FunctionType(code, g := {})()
print(g['y'])

class Asked:
    def __init__(self, truth): self.truth, self.times = truth, 0
    def __bool__(self):
        self.times += 1
        return self.truth
from itertools import product
for truths in product([False, True], repeat=4):
    for f in (lambda a, b, c, d: a and b or c or d, lambda a, b, c, d: a or b and c or d,
              lambda a, b, c, d: (a or b) and (c or d), lambda a, b, c, d: (a and (b or c)) or d,
              lambda a, b, c, d: ((a and b) and c) and d, lambda a, b, c, d: (a.me() and b.me()) or (c.me() and d.me()) or None,
              lambda a, b, c, d: a.me() or ((b.me() and c.me()) or d.me()) and a or 7):
        values = [Asked(t) for t in truths]
        Asked.me = lambda self: self
        result = f(*values)
        print(values.index(result) if result in values else result, [v.times for v in values], end=' ')
    print()

class Evil:
    def __repr__(self):
        p.__setstate__((print, (), {'new': 1}, None))
        return 'Evil'
def f(): pass
p = functools.partial(len, Evil(), 2, old=3)
print(repr(p))
print(type(iter([1])).__name__)
for t in (int | str, types.UnionType):
    try: iter(t)
    except TypeError as e: print(e)

from collections import defaultdict
calls = []
def factory():
    calls.append(len(calls))
    if len(calls) == 1: d['key']
    return calls[-1]
d = defaultdict(factory)
print(d['key'], dict(d), calls)
exec("from __future__ import annotations\ndef f(a: 'inf', b: (1e1000, 'inf'), c: b'inf'): pass\nprint(f.__annotations__)")

print([(c := 1) for a, (*b, d[c], e.c) in ()])
for value in ('0', 'frozenset()'):
    try: exec(f'__conditional_annotations__ = {value}\nx: int', {})
    except TypeError as e: print(e)

class Base: pass
class Meta(type, Base): pass
class Made(metaclass=Meta): pass
class Module(types.ModuleType, Base): pass
for o in (Made, Module('x')):
    for f in (lambda: Base.__dict__['__dict__'].__set__(o, {}), lambda: setattr(o, '__dict__', {}), lambda: delattr(o, '__dict__')):
        try: f()
        except AttributeError as e: print(e)
class J: __slots__ = ['c', 'b']
class N(J): __slots__ = ['__weakref__']
for a, b in ((J, N), (N, J)):
    try: a().__class__ = b
    except TypeError as e: print(e)
