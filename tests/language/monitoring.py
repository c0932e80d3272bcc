# sys.setprofile and sys.monitoring: what is told of calls, returns, exceptions, lines and
# branches; local events, DISABLE, several tools, callbacks that fail; the profiler.
import sys

out = []


def profile(frame, event, arg):
    if event.startswith("c_"):
        arg = arg.__name__
    elif not isinstance(arg, (int, str, type(None))):
        arg = type(arg).__name__
    out.append((frame.f_code.co_name, event, arg))


class Adder:
    def __init__(self, x):
        self.x = x

    def __call__(self, y):
        return self.x + y

    def __getitem__(self, i):
        return i

    @property
    def half(self):
        return self.x / 2

    def __add__(self, other):
        return Adder(other)


def numbers():
    yield 1
    yield 2


def work(n):
    if n:
        return work(n - 1)
    text = "a".upper()
    Adder(1)(2)
    Adder(2)[0]
    Adder(3).half
    Adder(1) + 2
    list(numbers())
    sorted([2, 1], key=lambda x: x)
    "{}".format(1)
    len(*["x"])
    max(1, 2, key=abs)
    try:
        int("x")
    except ValueError:
        pass
    try:
        len(1)
    except TypeError:
        return text


sys.setprofile(profile)
work(1)
sys.setprofile(None)
for row in out:
    print(row)

print("--- monitoring")
E = sys.monitoring.events
m = sys.monitoring
TOOL = 3
m.use_tool_id(TOOL, "test")
names = [n for n in vars(E) if n not in ("NO_EVENTS", "BRANCH", "INSTRUCTION")]


def show(value):
    if isinstance(value, BaseException):
        return type(value).__name__
    if value is m.MISSING:
        return "MISSING"
    return getattr(value, "__name__", value if isinstance(value, (int, str, type(None))) else "...")


def record(function, *args, tools=(TOOL,), disable=()):
    rows = []

    def callback(name, tool):
        def call(code, *rest):
            if code.co_filename != __file__ or code.co_name == "record":
                return None
            if name == "LINE":
                rest = (rest[0] - code.co_firstlineno,)
            elif name in ("JUMP", "BRANCH_LEFT", "BRANCH_RIGHT"):
                rest = ()
            else:
                rest = tuple(show(r) for r in rest[1:])
            rows.append((tool, name, code.co_name, *rest))
            return m.DISABLE if name in disable else None
        return call

    wanted = 0
    for name in names:
        event = getattr(E, name)
        wanted |= event
        for tool in tools:
            m.register_callback(tool, event, callback(name, tool))
    for tool in tools:
        m.set_events(tool, wanted)
    try:
        function(*args)
    except Exception as e:
        rows.append(repr(e))
    for tool in tools:
        m.set_events(tool, 0)
        for name in names:
            m.register_callback(tool, getattr(E, name), None)
    print(function.__name__)
    for row in rows:
        print("  ", row)


def branches(n):
    if n > 1:
        x = 1
    for i in range(n):
        if i:
            x = 2
        x = 3
    while n:
        n -= 1
    return n


def calls():
    Adder(1)(2)
    len("a")
    "a".upper()
    try:
        int("x")
    except ValueError:
        return super


def raises():
    try:
        raise KeyError
    except IndexError:
        pass


def handles():
    try:
        raises()
    except KeyError:
        pass
    finally:
        x = 1


def generates():
    def g():
        try:
            x = yield 1
        except ValueError:
            yield 2
        return None

    def d():
        return (yield from g())
    it = d()
    next(it)
    it.throw(ValueError)
    list(it)
    for i in g():
        pass


record(branches, 2)
record(branches, 2, disable=("LINE", "CALL", "BRANCH_LEFT", "PY_START"))
m.restart_events()
record(calls)
record(handles)
record(generates)
m.use_tool_id(4, "other")
record(raises, tools=(TOOL, 4))
m.free_tool_id(4)
record(handles, disable=("RAISE",))

print("--- local events")
lines = []
m.register_callback(TOOL, E.LINE, lambda code, line: lines.append((code.co_name, line - code.co_firstlineno)))
m.set_local_events(TOOL, branches.__code__, E.LINE)
branches(1)
raises_too = branches(0)
print(lines, m.get_local_events(TOOL, branches.__code__), m.get_local_events(TOOL, calls.__code__))
m.set_local_events(TOOL, branches.__code__, 0)
del lines[:]
branches(1)
print(lines)

print("--- errors")


def bad(*args):
    raise RuntimeError("callback")


m.register_callback(TOOL, E.PY_RETURN, bad)
m.set_local_events(TOOL, branches.__code__, E.PY_RETURN)
try:
    branches(0)
except RuntimeError as e:
    print(e, e.__traceback__.tb_next.tb_frame.f_code.co_name)
m.clear_tool_id(TOOL)
print(branches(0), m.get_tool(TOOL), m.get_local_events(TOOL, branches.__code__))
m.free_tool_id(TOOL)
print(m.get_tool(TOOL))

print("--- profiler")
import _lsprof

profiler = _lsprof.Profiler()
profiler.enable()
work(1)
profiler.disable()


def name(code):
    return code if isinstance(code, str) else code.co_name


for row in sorted((name(e.code), e.callcount, e.reccallcount,
                   sorted((name(s.code), s.callcount, s.reccallcount) for s in e.calls or ()))
                  for e in profiler.getstats()):
    print(row)
ticks = iter(range(10000))
profiler = _lsprof.Profiler(lambda: next(ticks), 0.5, True, False)
profiler.enable(builtins=False)
work(2)
profiler.disable()
entry = next(e for e in profiler.getstats() if name(e.code) == "work")
print(entry.callcount, entry.reccallcount, entry.totaltime > entry.inlinetime > 0)
profiler.clear()
print(profiler.getstats())
