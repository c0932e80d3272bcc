"""Items, containment and comparisons in every form of operands, with objects that have a say."""
def t(f, *args):
    try: return f(*args)
    except Exception as e: return f'{type(e).__name__}: {e}'

class Holder:
    def __init__(self, v): self.v = v
    def get(self): return self.v
    @classmethod
    def make(cls, v): return cls(v)
    @staticmethod
    def plain(v): return v

def items(l, i, h):
    out = []
    for _ in range(3):
        out += [l[i], l[0], l[-1], h.v[i], h.v[0], h.get()[i], h.get()[-1], h.v[i - 1], l[i - 1], (l, l)[1][i]]
    return out
print(items([1, 2, 3], 1, Holder([4, 5, 6]))); print(items((1, 2, 3), 2, Holder((4, 5, 6))))
print(items('abc', 1, Holder('def'))); print(items({0: 'a', 1: 'b', -1: 'c'}, 1, Holder({0: 'd', 1: 'e', -1: 'f'})))
def at(l, i): return l[i]
def first(l): return l[0]
def of(h, i): return h.v[i]
for l in ([], (), [1], (1,), [1, 2], {}, 'x', 5, None, range(3)):
    print([t(at, l, i) for i in (0, -1, 1, True, 2**70, 1.0, 'k', None, slice(None))], t(first, l), t(of, Holder(l), 0), t(of, Holder(l), 5))
class Dies:
    def __init__(self, name, log): self.name = name; self.log = log
    def __del__(self): self.log.append(self.name)
def deaths():
    log = []
    x = Dies('old', log)
    x = [Dies('a', log), Dies('b', log)][0]
    log.append('then')
    x = Holder(Dies('c', log)).v
    log.append('then')
    l = [Dies('d', log)]; l[0] = Dies('e', log); log.append('set')
    h = Holder(Dies('f', log)); h.v = Dies('g', log); log.append('stored')
    Holder(Dies('h', log)).v = 1; log.append('stored')
    for x in [Dies('i', log), Dies('j', log)]: log.append('loop')
    a, b = Dies('k', log), Dies('l', log)
    a, b = b, a
    a, b = [1, Dies('m', log)]
    log.append('end')
    return log
for _ in range(2): print(deaths())

class Eq:
    def __init__(self, answer): self.answer = answer
    def __eq__(self, other): return self.answer
    def __hash__(self): return 1
nan = float('nan')
def isin(x, c): return x in c
values = [1, True, 1.0, 'a', '', None, nan, (1,), b'a', Eq(True), Eq(False), 2**70]
containers = [[], [1], ['a'], [None, 'a', 1], [2.0, 1], [nan], (1, 'b', 'a'), (Eq(True), 2), [Eq(False), 1], {1: 2}, {'a'}, 'abc', range(2), [2**70], frozenset({'', 1})]
for v in values: print([t(isin, v, c) for c in containers])
def notin(): return 1 not in [2, 3], 'x' not in ('y', 'x'), 1 not in {1: 1}, [1] in [[1]], 'ab' in 'cabd'
print(notin())
def has(h, x): return x in h.v, x in h.get(), x not in (h.v, h.v)
print(has(Holder([1, 2]), 2), has(Holder(('a', 'b')), 'c'), has(Holder({'k': 1}), 'k'))
sets = [set(), {1}, {1, 2}, frozenset({1, 2}), {'a', 'b'}, frozenset('ab'), {(1, 2)}, {1.0, 2}, {Eq(True)}, {True, 2}]
for a in sets: print([''.join('01'[x] for x in (a <= b, a < b, a == b, a != b, a >= b, a > b)) for b in sets])
class S(set):
    def __le__(self, other): return 'mine'
print({1} <= S({1}), S({1}) <= {1}, S({1}) == {1}, t(lambda: {1} <= [1]), {1} == [1], {1}.issubset([1]))
tuples = [(), (1,), (1, 'a'), (1, 'b'), (True, 'a'), (1.0, 'a'), ('a', b'a'), (b'a', 'a'), (nan,), (nan, 1), ((1,),), (None,), (Eq(True), 1), (1, Eq(True))]
for a in tuples: print([''.join('01'[bool(x)] for x in (a == b, a != b)) for b in tuples])
words = ['', 'a', 'b', 'ab', '\xe9', '\u1234', '\U0001f600', 'a\0']
for a in words: print([''.join('01'[x] for x in (a == b, a != b, a < b, a <= b, a > b, a >= b)) for b in words])
o, p = object(), object()
print(o == o, o == p, o != p, o != o, t(lambda: o < p), o == 1, 1 == o, print == print, len == print, int == str, o == None, None == None, None != o)
def branch(a, b):
    if a == b: return 'same'
    if a is None or b is None: return 'none'
    return 'other' if a != b else 'odd'
print(branch('a', 'a'), branch('a', 'b'), branch(None, 1), branch((1, 'x'), (1, 'x')), branch({1}, {1}), branch(o, p))

d = {1: 'i', 'k': 's', (1, 2): 't', None: 'n', 1.5: 'f'}
print([d.get(k) for k in (1, True, 1.0, 'k', (1, 2), None, 1.5, 2, -1)], [d.get(k, 'x') for k in (2, 1)], t(d.get), t(d.get, 1, 2, 3), t(d.get, []), t(lambda: d.get(1, default=2)))
def calls(h, c):
    return [Holder.make(1).v, h.make(2).v, c.plain(3), h.plain(4), c.make(5).get(), (h.get)(), list(map(h.get.__call__, []))]
for _ in range(3): print(calls(Holder(9), Holder))
class Sub(Holder):
    def both(self): return super().make(1).__class__.__name__, super().get(), self.make(2).v
for _ in range(3): print(Sub(7).both())
m = Holder(8).get
class Has: pass
has_m = Has(); has_m.m = m; Has.c = Holder.make
for _ in range(3): print(has_m.m(), has_m.c(3).v, Has.c(4).v, t(lambda: has_m.m(1)))
for v in (5, 2.5, 'text', b'b', (1,), None, True):
    print([t(lambda: getattr(v, name)()) for name in ('bit_length', 'is_integer', 'upper', '__hash__' if v is not None else '__bool__')] if not isinstance(v, (str, bytes, tuple)) else v)
def methods(x): return x.bit_length() if isinstance(x, int) else x.is_integer()
print([methods(x) for x in (1, 2.0, 255, 2.5, True, 2**70)])
class Own:
    def m(self): return 'class'
a = Own(); b = Own(); b.__dict__['m'] = lambda: 'own'; c = Own(); c.__dict__
print([[x.m() for x in (a, b, c)] for _ in range(3)])
# Items of tuples are compared up to the first that differs, also where the lengths differ.
class Tells:
    def __eq__(self, other): print('eq', end=' '); return True
    __hash__ = object.__hash__
print((Tells(),) == (1, 2), (1, Tells()) != (2, 1, 3), (Tells(), 1) == (1,), (1, 2) == (1, 2, Tells()))
