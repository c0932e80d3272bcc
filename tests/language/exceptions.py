"""try, except, except*, finally, chaining, notes, groups, with."""

def kinds():
    for action in (lambda: 1 / 0, lambda: {}["k"], lambda: [][1], lambda: int("x"), lambda: None.a, lambda: undefined, lambda: "a" + 1, lambda: [] < 1):
        try:
            action()
        except (ZeroDivisionError, KeyError) as error:
            yield "first", type(error).__name__, str(error)
        except Exception as error:
            yield "other", type(error).__name__, str(error)
for row in kinds():
    print(*row)

def flow(n):
    try:
        if n == 0: return "returned"
        if n == 1: raise ValueError("one")
        if n == 2: raise KeyError("two")
    except ValueError as error:
        return f"handled {error}"
    else:
        return "else"
    finally:
        print("finally", n)
for n in (0, 1, 3):
    print(flow(n))
try:
    flow(2)
except KeyError as error:
    print("escaped", error)

try:
    try:
        raise ValueError("inner")
    except ValueError as error:
        raise RuntimeError("outer") from error
except RuntimeError as error:
    print(error, repr(error.__cause__), error.__context__ is error.__cause__, error.__suppress_context__)
try:
    try:
        raise ValueError("first")
    except ValueError:
        1 / 0
except ZeroDivisionError as error:
    print(repr(error.__context__))

error = ValueError("noted")
error.add_note("a note")
print(error.__notes__)

try:
    raise ExceptionGroup("many", [ValueError(1), TypeError(2), ExceptionGroup("deep", [ValueError(3), OSError(4)])])
except* ValueError as group:
    print("values", [str(e) for e in group.exceptions], group)
except* TypeError as group:
    print("types", group.exceptions)
except* OSError as group:
    print("os", group.exceptions)

class Manager:
    def __init__(self, swallow): self.swallow = swallow
    def __enter__(self): print("enter"); return self
    def __exit__(self, kind, value, tb):
        print("exit", kind and kind.__name__, value)
        return self.swallow
with Manager(True) as m:
    raise ValueError("swallowed")
with Manager(False), Manager(True):
    raise KeyError("inner swallowed")
try:
    with Manager(False):
        raise KeyError("kept")
except KeyError as error:
    print("got", error)
def early():
    with Manager(False):
        return "early"
print(early())
try:
    with 1: pass
except TypeError as error:
    print(error)
assert True
try:
    assert 1 == 2, "message"
except AssertionError as error:
    print("assertion", error)
class Custom(Exception):
    def __init__(self, a, b): super().__init__(a, b); self.a = a
    def __str__(self): return f"custom {self.a}"
try:
    raise Custom(1, 2)
except Custom as error:
    print(error, error.args, repr(error))
for bad in ("raise 1", "raise ValueError from 1", "raise"):
    try:
        exec(bad)
    except (TypeError, RuntimeError) as error:
        print(error)
