"""Parameters of every kind, closures, decorators."""

def f(a, b=2, /, c=3, *args, d, e=5, **kw):
    return a, b, c, args, d, e, kw

print(f(1, d=4))
print(f(1, 20, 30, 40, 50, d=60, e=70, x=80))
for call in (lambda: f(), lambda: f(1), lambda: f(1, d=2, b=3), lambda: (lambda x: x)(1, 2), lambda: (lambda *, k: k)(z=1)):
    try:
        print(call())
    except TypeError as error:
        print("TypeError:", error)

def counter():
    n = 0
    def step(by=1):
        nonlocal n
        n += by
        return n
    return step

one, two = counter(), counter()
print(one(), one(5), two(), one.__closure__[0].cell_contents)

def trace(label):
    def wrap(function):
        def inner(*args, **kwargs):
            print(label, function.__name__, args, kwargs)
            return function(*args, **kwargs)
        return inner
    return wrap

@trace("outer")
@trace("inner")
def add(a, b=0):
    return a + b

print(add(1, b=2))
print((lambda *a, **k: (a, k))(*[1, 2], *(3,), **{"x": 1}, **{"y": 2}))
def recursive(n):
    return 1 if n == 0 else n * recursive(n - 1)
print(recursive(30))
try:
    (lambda g: g(g))(lambda g: g(g))
except RecursionError as error:
    print(error)
print(f.__defaults__, f.__kwdefaults__, f.__code__.co_varnames)
