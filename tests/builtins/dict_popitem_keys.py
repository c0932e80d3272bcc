"""popitem() between additions of ever new keys: lookups must still end."""
d = {}
for i in range(5000):
    d[i * 7919] = i
    assert d.popitem() == (i * 7919, i)
    assert (i * 31, i) not in d and str(i) not in d and i not in d
print(d)
d = dict.fromkeys(range(20))
for i in range(5000):
    d[("key", i)] = i
    d.popitem()
    assert ("key", i) not in d and ("other", i) not in d
print(len(d), list(d) == list(range(20)))
while d:
    d.popitem()
d["x"] = 1
print(d, d.copy(), dict(d) == d)
s = set()
for i in range(5000):
    s.add((i,))
    assert s.pop() == (i,)
    assert (i,) not in s and i not in s
t = set(range(20))
for i in range(5000):
    t.add(("a", i))
    t.discard(("a", i))
    assert ("b", i) not in t
print(s, len(t))
