"""copy.deepcopy of containers: the memo, dispatch, sharing, cycles, changes on the way, errors."""
import copy, types

def show(f):
    try:
        print(f())
    except BaseException as e:
        print(type(e).__name__, e)

shared = [1, 'a', None]
x = {'l': shared, 't': (shared, 2), 'again': shared, (1, 2): {3: [4.5, b'x', True, 1j]}}
y = copy.deepcopy(x)
print(y == x, y is not x, y['l'] is y['again'], y['t'][0] is y['l'], y['l'] is not shared)
t = (1, ('a', (None,)), frozenset({1}))
print(copy.deepcopy(t) is t, copy.deepcopy((t, [])) [0] is t)
a = [1]
a.append(a)
b = copy.deepcopy(a)
print(b[1] is b, b is not a, len(b))
c = ([],)
c[0].append(c)
d = copy.deepcopy(c)
print(d is not c, d[0][0] is d)
e = {}
e['self'] = (e,)
f = copy.deepcopy(e)
print(f['self'][0] is f)

# The memo: ids of what was copied, and what is kept alive.
memo = {}
inner = [1]
out = [inner, inner, 'x']
copied = copy.deepcopy(out, memo)
print(memo[id(inner)] is copied[0], memo[id(out)] is copied, memo[id(memo)] == [inner, out])
print(copy.deepcopy(inner, {id(inner): 'known'}), copy.deepcopy([inner], {id(inner): None}))

class Memo:
    def __init__(self): self.d = {}
    def get(self, key, default=None): return self.d.get(key, default)
    def __getitem__(self, key): return self.d[key]
    def __setitem__(self, key, value): self.d[key] = value
m = Memo()
print(copy.deepcopy([inner, (inner,), {1: inner}], m), len(m.d))

class Node:
    def __init__(self, *items): self.items = list(items)
    def __deepcopy__(self, memo):
        return Node(*copy.deepcopy(self.items, memo), 'copied')
    def __repr__(self): return f'Node{self.items}'
print(copy.deepcopy([Node(1), (Node([2]),), {'k': Node()}]))

class Plain:
    def __init__(self): self.x = [1]; self.me = self
p = copy.deepcopy([Plain()])[0]
print(p.x, p.me is p)
class L(list): pass
l = L([[1], 2]); l.extra = {3}
k = copy.deepcopy([l])[0]
print(type(k).__name__, k, k.extra, k[0] is not l[0])

# Containers that change while they are copied.
class Grows:
    def __init__(self, to): self.to = to
    def __deepcopy__(self, memo):
        if len(self.to) < 4:
            self.to.append(7) if isinstance(self.to, list) else self.to.setdefault(len(self.to), 7)
        return 'grown'
g = []; g.append(Grows(g))
print(copy.deepcopy(g))
h = {}; h['a'] = Grows(h)
show(lambda: copy.deepcopy(h))

# The tables of the module decide.
copy._deepcopy_dispatch[list] = lambda x, memo: ['mine']
print(copy.deepcopy([1]), copy.deepcopy({'a': [1]}), copy.deepcopy(([1], 2)))
copy._deepcopy_dispatch[list] = copy._deepcopy_list
print(copy.deepcopy({'a': [1]}))
print(copy._deepcopy_list([1, [2]], {}, lambda x, memo: 'other'), copy._deepcopy_tuple((1, 2), {}, lambda x, memo: x))
print(copy._deepcopy_dict({1: 2}, {}, lambda x, memo: x + 1))

show(lambda: copy.deepcopy([1, (x for x in ())]))
show(lambda: copy.deepcopy({'a': types.SimpleNamespace(g=(i for i in ()))}))
class Bad:
    def __deepcopy__(self, memo): raise ValueError('no copy')
show(lambda: copy.deepcopy(({'x': [Bad()]},)))
show(lambda: copy.deepcopy({1: [2]}, memo=5))
deep = []
for _ in range(100): deep = [deep]
n = 0
copied = copy.deepcopy(deep)
while copied: copied = copied[0]; n += 1
print(n)
