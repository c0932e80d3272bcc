# What was interned while a program ran dies with its last reference, and another string in its place is not taken for it.
import sys


class Box:
    pass


def names(n):
    box = Box()
    for i in range(n):
        name = f"made_up_{i}"
        setattr(box, name, i)
        assert getattr(box, name) == i
        delattr(box, name)
        assert not hasattr(Box, f"other_{i}")
    return len(vars(box))


before = sys.getunicodeinternedsize()
print(names(3000))
# The caches of attribute lookups hold some thousand names at most.
print(sys.getunicodeinternedsize() - before < 20000)

kept = [sys.intern(f"kept {i}") for i in range(1000)]
for i in range(20000):
    sys.intern(f"gone {i}")
print(all(sys.intern(f"kept {i}") is s for i, s in enumerate(kept)))
print(sys._is_interned(kept[0]), sys._is_interned("".join(["not ", "interned"])))

# Classes with made-up names, over and over: a stale entry of a cache would show.
for i in range(3000):
    cls = type(f"C{i}", (), {f"field_{i}": i})
    assert getattr(cls(), f"field_{i}") == i
    assert getattr(cls(), f"field_{i + 1}", None) is None
print("done")
