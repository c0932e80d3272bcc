"""Generators and coroutines that delegate to one another: whoever looks at the
middle of a chain, closes it, throws into it or goes on in it by itself."""

import gc
import sys
import inspect
import types


def leaf(n):
    try:
        for i in range(n):
            got = yield i
            if got is not None:
                print("leaf got", got)
    finally:
        print("leaf ends")
    return "leaf's value"


def middle(inner, name):
    try:
        value = yield from inner
        print(name, "has", value)
        yield name + " on its own"
    except ValueError as error:
        print(name, "caught", error)
        yield name + " recovered"
    finally:
        print(name, "ends")
    return name + "'s value"


def build(n=3):
    a = leaf(n)
    b = middle(a, "b")
    c = middle(b, "c")
    d = middle(c, "d")
    return a, b, c, d


def states(*generators):
    return [inspect.getgeneratorstate(g)[4:] for g in generators]


print("-- through the head")
a, b, c, d = build()
print(next(d), d.send("x"), next(d))
print(states(a, b, c, d))
print([g.gi_yieldfrom is inner for g, inner in zip((b, c, d), (a, b, c))], a.gi_yieldfrom)
print(list(d))
print(states(a, b, c, d))

print("-- the middle by itself")
a, b, c, d = build(5)
print(next(d), next(d))
print(next(b), next(d), next(a), next(d, "end of d?"))
print(states(a, b, c, d))
print(list(d))

print("-- throw")
a, b, c, d = build()
print(next(d), next(d))
print(d.throw(ValueError("thrown")))
print(states(a, b, c, d))
print(list(d))

print("-- throw into the middle")
a, b, c, d = build()
next(d)
print(c.throw(ValueError("into c")))
print(states(a, b, c, d))
try:
    print(next(d))
except StopIteration as stop:
    print("stop", stop.value)

print("-- close")
a, b, c, d = build()
next(d), next(d)
d.close()
print(states(a, b, c, d))

print("-- drop")
a, b, c, d = build()
next(d), next(d)
del a, b, c
del d
gc.collect()

print("-- the inner one runs already")


def inner_runs():
    def inner():
        try:
            next(outer_generator)
        except ValueError as error:
            print(error)
        try:
            next(inner_generator)
        except ValueError as error:
            print(error)
        print(states(inner_generator, outer_generator), inner_generator.gi_running, outer_generator.gi_running)
        yield 1
        print(states(inner_generator, outer_generator), inner_generator.gi_running)
        yield 2

    def outer():
        yield from inner_generator

    inner_generator = inner()
    outer_generator = outer()
    print(list(outer_generator))


inner_runs()

print("-- frames")


def who():
    frame = sys._getframe(1)
    names = []
    while frame is not None and frame.f_code.co_name != "<module>":
        names.append(frame.f_code.co_name)
        frame = frame.f_back
    return names


def asks():
    yield who()
    yield who()
    yield sys._getframe()


def through(inner):
    yield from inner


inside = asks()
first = through(inside)
second = through(first)
print(next(second))
print(next(second))
frame = next(second)
print(frame.f_back, inside.gi_frame is frame, first.gi_frame.f_back)
try:
    frame.clear()
except RuntimeError as error:
    print(error)
print(next(second, "done"))

print("-- exceptions on the way and handled ones")


def raises(n):
    for i in range(n):
        yield i
    raise KeyError("from the leaf")


def catches(inner):
    try:
        yield from inner
    except KeyError as error:
        print("caught", error, sys.exception())
        yield sys.exception()
        yield "after"


outermost = through(through(catches(through(raises(2)))))
try:
    raise OSError("outside")
except OSError:
    for item in outermost:
        print(repr(item), repr(sys.exception()))

print("-- a tree")


class Tree:
    def __init__(self, n):
        self.left = Tree(n - 1) if n else None
        self.right = Tree(n - 2) if n > 1 else None
        self.value = n

    def __iter__(self):
        if self.left:
            yield from self.left
        yield self.value
        if self.right:
            yield from self.right


print(list(Tree(6)))
print(sum(Tree(12)))

print("-- depth")


def deep(n):
    if n:
        yield from deep(n - 1)
    else:
        while True:
            yield "bottom"


g = deep(300)
print([next(g) for _ in range(3)])
print(next(g, "over"))

print("-- coroutines")


@types.coroutine
def pause(value):
    return (yield value)


async def work(n):
    if n:
        return await work(n - 1) + 1
    total = 0
    for i in range(3):
        total += await pause(i)
    return total


coro = work(5)
sent = None
try:
    while True:
        got = coro.send(sent)
        print(got, inspect.getcoroutinestate(coro), coro.cr_await.cr_code.co_name)
        sent = got * 10 + 1
except StopIteration as stop:
    print(stop.value)

coro = work(2)
coro.send(None)
inner = coro.cr_await


async def awaits_again():
    await inner


try:
    awaits_again().send(None)
except RuntimeError as error:
    print(error)
try:
    coro.throw(ZeroDivisionError("thrown"))
except ZeroDivisionError as error:
    print(error, inspect.getcoroutinestate(coro), inspect.getcoroutinestate(inner))

print("-- an async generator at the head")


async def ticks():
    for i in range(3):
        await pause("tick")
        yield await work(1)


async def consume():
    async for item in ticks():
        print("item", item)


c = consume()
try:
    value = None
    while True:
        got = c.send(value)
        value = 1
except StopIteration:
    print("consumed")

print("-- two heads share a leaf")
shared = leaf(6)
one, two = middle(shared, "one"), middle(shared, "two")
print(next(one), next(two), next(one), next(two))
one.close()
print(next(two, "nothing"))
