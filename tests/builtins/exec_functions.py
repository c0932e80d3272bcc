"""`exec` and `eval` of functions' code: it has variables and arguments of its own."""
import types


def outer():
    seen = None

    def inner():
        nonlocal seen
        mine = 5
        told.append(sorted(locals().items()))
        seen = mine

    return inner.__code__


told = []
cell = types.CellType("before")
names = {"other": 1}
exec(outer(), {"told": told}, names, closure=(cell,))
print(told, cell.cell_contents, names)


def plain():
    z = 3
    print(locals())
    return z


exec(plain.__code__, {}, {"q": 2})
print(eval(plain.__code__, {"q": 2}))


def needs(x, *, y):
    return x


def takes(*args, x=1, **named):
    print(args, named)


for code in (needs.__code__, takes.__code__):
    try:
        exec(code)
    except TypeError as error:
        print(error)


def steps():
    yield from (1, 2)


print(list(eval(steps.__code__)))
print(sorted(eval("locals()", {}, {"a": 1})))
