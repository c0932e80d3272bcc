"""list, tuple, dict, set, slices, unpacking."""
l = [3, 1, 2]
l.append(4); l.extend([5, 6]); l.insert(0, 0); l.remove(1)
print(l, l.index(4), l.count(2), l.pop(), l.pop(0), l, sorted(l, reverse=True), l[::-1], l[1:3], l * 2, l + [9], 3 in l)
l.sort(key=lambda v: -v); print(l); l.reverse(); print(l)
l[1:2] = ["a", "b", "c"]; print(l); del l[::2]; print(l); l[:] = []; print(l)
t = (1, 2, 3)
print(t + (4,), t * 2, t[0], t[1:], t.index(2), t < (1, 3), (1,), (), hash(t) == hash((1, 2, 3)))
d = {"a": 1, "b": 2}
d["c"] = 3; d.update(d=4, e=5); del d["a"]
print(d, d.get("z"), d.get("z", 0), d.pop("b"), d.setdefault("q", []), list(d), list(d.values()), list(d.items()), "c" in d, len(d), d | {"c": 33}, {**d, "n": 1}, dict([("x", 1)], y=2), dict.fromkeys("ab", 0))
print(d.popitem(), d == {"c": 3, "d": 4, "e": 5}, d.keys() & {"c", "zz"}, {1: "a", 1.0: "b", True: "c"}, list(reversed(d)))
s = {1, 2, 3}
s.add(4); s.discard(1)
print(s & {2, 3}, s | {9}, s - {2}, s ^ {4, 5}, s <= {2, 3, 4, 5}, {1} < {1, 2}, len(s), frozenset([1, 2]) == {1, 2}, sorted(s))
a, (b, *c), d2 = 1, (2, 3, 4), 5
print(a, b, c, d2, [*range(3), *"ab"], {*[1], *[2]}, (*[], 1))
print(range(10)[2:8:3], list(range(10, 0, -3)), len(range(0, 100, 7)), 5 in range(10), range(3) == range(0, 3))
nested = []; nested.append(nested); print(nested); dd = {}; dd["me"] = dd; print(dd)
for bad in (lambda: [1][5], lambda: {}["k"], lambda: (1)[0], lambda: [1]["a"], lambda: {[]: 1}, lambda: [].pop(), lambda: [1, 2].remove(9), lambda: (lambda a, b: 0)(*1), lambda: {}.popitem(), lambda: [3, "a"].sort()):
    try:
        bad()
    except Exception as error:
        print(type(error).__name__, error)
try:
    a, b = 1, 2, 3
except ValueError as error:
    print(error)
try:
    a, b, *c = [1]
except ValueError as error:
    print(error)
try:
    for k in (m := {1: 1}): m[k + 1] = 1
except RuntimeError as error:
    print(error)
