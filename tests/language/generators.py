"""Generators, yield from, send, throw, close; comprehensions."""

def gen():
    try:
        x = yield 1
        print("got", x)
        y = yield x * 2
        print("got", y)
        return "done"
    except ValueError as error:
        print("thrown", error)
        yield "recovered"
    finally:
        print("cleanup")
g = gen()
print(next(g), g.send(5))
try:
    g.send(6)
except StopIteration as stop:
    print("value", stop.value)
g = gen()
next(g)
print(g.throw(ValueError("boom")))
g.close()
g = gen(); next(g); g.close()

def inner():
    result = yield "inner 1"
    print("inner got", result)
    return "inner result"
def outer():
    value = yield from inner()
    print("outer got", value)
    yield from [10, 20]
    yield from (c for c in "xy")
o = outer()
print(next(o), o.send("hello"), list(o))

def fib():
    a, b = 0, 1
    while True:
        yield a
        a, b = b, a + b
f = fib()
print([next(f) for _ in range(10)])
print([x * y for x in range(3) for y in range(3) if x != y])
print({x: x ** 2 for x in range(4)}, {x % 3 for x in range(9)}, list(x for x in "abc"))
print([[j for j in range(i)] for i in range(4)])
x = "outer"
print([x for x in range(3)], x)
print([y := 5, y ** 2], y)
def bad():
    raise StopIteration("no")
    yield
try:
    next(bad())
except RuntimeError as error:
    print(error, repr(error.__cause__))
try:
    g = fib(); g.send(1)
except TypeError as error:
    print(error)
class It:
    def __init__(self, n): self.n = n
    def __iter__(self): return self
    def __next__(self):
        if self.n == 0: raise StopIteration
        self.n -= 1
        return self.n
print(list(It(3)), sum(It(4)), max(It(5)), sorted(It(3)), tuple(It(2)), *It(2))
a, *b, c = It(5)
print(a, b, c)
print(list(map(lambda x, y: x + y, [1, 2], [3, 4])), list(zip("ab", [1, 2, 3])), list(enumerate("ab", 1)), list(filter(None, [0, 1, 2])), list(reversed([1, 2, 3])))
