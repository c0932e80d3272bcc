"""pickle: bytes of every protocol, round trips, hooks, refusals."""
import _pickle
import collections
import io
import pickle
import sys


class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __eq__(self, other):
        return (self.x, self.y) == (other.x, other.y)


class WithState:
    __slots__ = ("a", "b")

    def __getstate__(self):
        return {"a": self.a}

    def __setstate__(self, state):
        self.a, self.b = state["a"], "restored"


class Reduced(list):
    def __reduce_ex__(self, protocol):
        return (Reduced, (), {"tag": protocol}, iter([1, 2]), None)


print(pickle.Pickler is _pickle.Pickler, pickle.DEFAULT_PROTOCOL, pickle.HIGHEST_PROTOCOL)
shared = [1]
values = [
    None, True, 0, 255, -1, 2**31, -2**31 - 1, 2**70, 1.5, float("inf"), 1j, "", "é\U0001f600", "a" * 300, b"", b"\x00" * 300,
    bytearray(b"ab"), (), (1,), (1, 2, 3, 4), [], [shared, shared], {}, {"k": [1, (2,)]}, {1}, frozenset({2}), range(3), slice(1, 2),
    len, str, collections.OrderedDict(a=1), Point(1, [2]), Ellipsis, NotImplemented,
]
for value in values:
    for protocol in range(6):
        data = pickle.dumps(value, protocol)
        back = pickle.loads(data)
        assert back == value or back is value, value
        assert type(back) is type(value)
    print(pickle.dumps(value, 0)[:40], pickle.dumps(value, 2).hex()[:80], pickle.dumps(value).hex()[:80])

cycle = []
cycle.append({"self": cycle})
back = pickle.loads(pickle.dumps(cycle))
print(back[0]["self"] is back)
w = WithState()
w.a, w.b = 1, 2
print(pickle.loads(pickle.dumps(w)).b)
r = pickle.loads(pickle.dumps(Reduced()))
print(r, r.tag)


class Refusing(pickle.Unpickler):
    def find_class(self, module, name):
        raise pickle.UnpicklingError(f"{module}.{name} is forbidden")


class Persistent(pickle.Pickler):
    def persistent_id(self, value):
        return "the shared one" if value is shared else None


for attempt in (
    lambda: Refusing(io.BytesIO(pickle.dumps(Point(1, 2)))).load(),
    lambda: pickle.loads(b""),
    lambda: pickle.loads(b"\x80\x09."),
    lambda: pickle.loads(b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7f"),
    lambda: pickle.loads(b"."),
    lambda: pickle.loads(b"cos\nno_such_name\n."),
    lambda: pickle.loads(b"I12x\n."),
    lambda: pickle.loads("text"),
    lambda: pickle.dumps(lambda: 0),
    lambda: pickle.dumps(sys),
    lambda: pickle.dumps(1, 99),
    lambda: pickle.dumps((x for x in ())),
):
    try:
        print(attempt())
    except Exception as e:
        print(type(e).__name__, str(e).replace(hex(id(attempt)), "ADDRESS").split(" at 0x")[0])

out = io.BytesIO()
Persistent(out).dump([shared, 1])


class Loading(pickle.Unpickler):
    def persistent_load(self, pid):
        return pid.upper()


print(Loading(io.BytesIO(out.getvalue())).load())
buffers = []
data = pickle.dumps(pickle.PickleBuffer(b"out of band"), 5, buffer_callback=buffers.append)
print(len(buffers), bytes(pickle.loads(data, buffers=buffers)))
deep = []
for _ in range(100_000):
    deep = [deep]
try:
    pickle.dumps(deep)
except RecursionError as e:
    print(type(e).__name__)
