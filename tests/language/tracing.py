# sys.settrace: the lines of all kinds of statements, calls, returns, exceptions; jumps;
# what happens when a trace function fails or is changed.
import sys
import threading
import warnings


def record(function, *args):
    events = []

    def tracer(frame, event, arg):
        name = frame.f_code.co_name
        if name in ("record", "settrace"):
            return None
        shown = arg if event == "return" and not hasattr(arg, "__next__") else None
        if event == "exception":
            shown = arg[0].__name__
        if not isinstance(shown, (int, str, type(None))):
            shown = type(shown).__name__
        events.append((name, frame.f_lineno - function.__code__.co_firstlineno, event, shown))
        return tracer

    sys.settrace(tracer)
    try:
        function(*args)
    except Exception as e:
        events.append(type(e).__name__)
    finally:
        sys.settrace(None)
    print(function.__name__)
    for event in events:
        if event[0] != "tracer":
            print("  ", event)


def loops(n):
    for i in range(n):
        if i == 1:
            continue
        if i == 3:
            break
    else:
        n = 0
    while n:
        n -= 1
    else:
        pass
    for i in (1, 2): n += i
    while True:
        if n:
            break
    [x for x in (1, 2)]
    return n


def tries():
    try:
        try:
            pass
        except ValueError:
            print("never")
        else:
            x = 1
        finally:
            y = 2
        try:
            1 / 0
        except ZeroDivisionError as e:
            x = e
        finally:
            y = 3
        raise KeyError
    except (ValueError,
            KeyError):
        for i in range(2):
            try:
                continue
            finally:
                x = i


class Manager:
    def __enter__(self):
        return self

    def __exit__(self, *info):
        return True


def withs():
    with Manager() as a, \
            Manager() as b:
        x = 1
    with Manager():
        raise ValueError
    with Manager():
        return a


def generators():
    def inner():
        try:
            yield 1
            yield 2
        finally:
            x = 3
        return 4

    def outer():
        x = yield from inner()
        return x

    for i in outer():
        pass
    g = inner()
    next(g)
    g.close()
    g = inner()
    next(g)
    try:
        g.throw(ValueError)
    except ValueError:
        pass


def classes():
    def decorate(x):
        return x

    @decorate
    @decorate
    class A:
        """Text."""
        x = 1

        @decorate
        def f(self,
              a=len(
                  "x"),
              ):
            return a
    return A().f(
        1
    ) + A.f(
        None, a=2)


def matching(x):
    match x:
        case 1:
            return 1
        case [a, b] if a == b:
            return 2
        case {"k": v}:
            return v
        case _:
            pass


class Pause:
    def __await__(self):
        yield


async def waits():
    async def inner(x):
        await Pause()
        return x

    async def items():
        for i in range(2):
            yield i
    x = await inner(1)
    async for i in items():
        x += i
    return x


def awaits():
    c = waits()
    while True:
        try:
            c.send(None)
        except StopIteration as e:
            return e.value


def conditions(a, b):
    if a and \
            b:
        x = 1
    elif a or b:
        x = 2
    x = [a
         if b
         else 3]
    assert x, (
        "message")
    return not (
        a
        and b)


for function, args in [
    (loops, (5,)), (tries, ()), (withs, ()), (generators, ()), (classes, ()), (matching, (1,)),
    (matching, ([2, 2],)), (matching, ({"k": 3},)), (matching, (None,)), (awaits, ()), (conditions, (1, 0)),
    (conditions, (1, 1)),
]:
    record(function, *args)

print("--- jumps")


def jump(function, where, to):
    done = []

    def tracer(frame, event, arg):
        if frame.f_code is not function.__code__:
            return None
        if event == "line" and not done and frame.f_lineno - frame.f_code.co_firstlineno == where:
            done.append(1)
            frame.f_lineno = frame.f_code.co_firstlineno + to
        return tracer

    output = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        sys.settrace(tracer)
        try:
            function(output)
        except Exception as e:
            output.append(repr(e))
        finally:
            sys.settrace(None)
    print(where, to, output, [str(w.message) for w in caught])


def body(output):
    output.append(1)
    for i in (1, 2):
        output.append(3)
        output.append(4)
    try:
        output.append(6)
        output[100]
    except IndexError:
        output.append(9)
        output.append(10)
    with Manager():
        output.append(12)
        output.append(13)
    try:
        output.append(15)
    finally:
        output.append(17)
    output.append(18)


for where, to in [
    (1, 18), (3, 4), (4, 3), (4, 2), (3, 6), (1, 3), (6, 9), (9, 10), (10, 9), (9, 18), (10, 6), (12, 13), (13, 12),
    (12, 18), (1, 12), (13, 11), (15, 17), (17, 15), (18, 1), (3, 12), (1, 0), (1, -1), (1, 100), (1, 5),
]:
    jump(body, where, to)

print("--- errors")


def fails(frame, event, arg):
    if event == "line":
        raise RuntimeError("in the tracer")
    return fails


def simple():
    x = 1
    return x


sys.settrace(fails)
try:
    simple()
except RuntimeError as e:
    print(e, sys.gettrace())

seen = []


def changes(frame, event, arg):
    seen.append(event)
    if event == "line":
        return lambda frame, event, arg: seen.append(("local", event))
    return changes


sys.settrace(changes)
simple()
sys.settrace(None)
print(seen)


def switches(frame, event, arg):
    frame.f_trace_lines = False
    frame.f_trace_opcodes = False
    seen.append((event, frame.f_lineno - frame.f_code.co_firstlineno))
    return switches


seen = []
sys.settrace(switches)
simple()
sys.settrace(None)
print(seen)


def late():
    seen = []

    def local(frame, event, arg):
        seen.append((event, frame.f_lineno - frame.f_code.co_firstlineno))
        return local
    x = 1
    sys._getframe().f_trace = local
    sys.settrace(lambda *args: None)
    x = 2
    for i in range(2):
        x = i
    sys.settrace(None)
    print(seen)


late()

print("--- threads")
started, go = threading.Event(), threading.Event()
names = []


def wait():
    started.set()
    go.wait()
    called()


def called():
    pass


def note(frame, event, arg):
    if frame.f_code.co_name in ("called", "simple"):
        names.append((frame.f_code.co_name, event))
    return note


thread = threading.Thread(target=wait)
thread.start()
started.wait()
threading.settrace_all_threads(note)
go.set()
thread.join()
simple()
threading.settrace_all_threads(None)
simple()
print(names, threading.gettrace(), sys.gettrace())
threading.settrace(note)
del names[:]
thread = threading.Thread(target=simple)
thread.start()
thread.join()
threading.settrace(None)
print(names)
print(sys.call_tracing(lambda x: x + 1, (2,)))
