"""ctypes: data types. No function of a shared library is called here."""
import ctypes
import pickle
from ctypes import *


def tries(f):
    try:
        print(f())
    except Exception as error:
        print(type(error).__name__, error)


print(c_int(5), c_int(2**31), c_uint8(-1), c_double(1.5), c_bool(3), c_char(b"x"), c_wchar("é"), c_longlong(-(2**63)).value)
print(c_int(), c_char_p(b"abc").value, c_char_p(), c_void_p().value, py_object([1]).value, c_int(0) == c_int(0), bool(c_int(0)))
for kind in c_byte, c_short, c_int, c_long, c_size_t, c_float, c_double, c_char, c_wchar, c_void_p, c_bool:
    print(kind.__name__, sizeof(kind), alignment(kind), end="; ")
print()
tries(lambda: c_int("x"))
tries(lambda: c_int(1.5))
tries(lambda: c_char(b"xy"))
x = c_short(7)
x.value += 70000
print(x, bytes(x), memoryview(x).nbytes)


class Point(Structure):
    _fields_ = [("x", c_byte), ("y", c_double), ("name", c_char * 4)]


class Line(Structure):
    _fields_ = [("a", Point), ("b", Point), ("n", c_int16)]


class Both(Union):
    _fields_ = [("i", c_uint32), ("bytes", c_uint8 * 4), ("f", c_float)]


class Packed(Structure):
    _layout_ = "ms"
    _pack_ = 1
    _fields_ = [("a", c_char), ("b", c_int)]


class Big(BigEndianStructure):
    _fields_ = [("a", c_uint16), ("b", c_uint32)]


print(sizeof(Point), Point.y.offset, Point.name.size, alignment(Point), sizeof(Line), Line.n.offset, sizeof(Packed), Packed.b.offset)
p = Point(1, 2.5, b"ab")
print(p.x, p.y, p.name, bytes(p)[:1])
p.x = 300
line = Line(p, Point(y=4))
line.b.y += 1
line.a.x = 9
print(p.x, line.a.x, line.b.y, line.a.name, line.n)
u = Both(0x01020304)
print(list(u.bytes), u.i)
u.bytes[0] = 255
print(hex(u.i), bytes(Big(1, 2)), Big.from_buffer_copy(b"\0\5\0\0\0\0\0\6").b if sizeof(Big) == 8 else "")
tries(lambda: Point(1, 2, b"abcde"))
tries(lambda: Point(1, 2, b"a", 4))
a = (c_int * 5)(1, 2, 3)
a[-1] = 50
print(list(a), len(a), a[1:3], sizeof(a), sum(a), type(a).__name__, (c_int * 5) is type(a))
a[1:3] = [7, 8]
print(a[:], a[::-2])
tries(lambda: a[5])
tries(lambda: (c_int * 2)(1, 2, 3))
matrix = ((c_int * 2) * 3)((1, 2), (3, 4))
print([list(row) for row in matrix])
s = create_string_buffer(b"hey", 10)
print(s.value, s.raw, len(s), sizeof(s))
s.value = b"longer"
print(s.value, s[0], s[1:3])
w = create_unicode_buffer("hé", 5)
print(w.value, len(w), w[0])
q = pointer(c_int(42))
print(q.contents, q[0], bool(q), bool(POINTER(c_int)()), POINTER(c_int) is POINTER(c_int), type(q).__name__)
q[0] = 43
q.contents.value += 1
print(q.contents.value)
tries(lambda: POINTER(c_int)().contents)
pa = cast(a, POINTER(c_int))
print(pa[0], pa[4], pa[0:3])


class Node(Structure):
    pass


Node._fields_ = [("value", c_int), ("next", POINTER(Node))]
last = Node(2)
first = Node(1, pointer(last))
print(first.next.contents.value, bool(last.next))
memory = bytearray(8)
n = c_uint32.from_buffer(memory, 4)
n.value = 0x01020304
print(memory, c_uint16.from_buffer_copy(b"\1\2\3", 1).value)
tries(lambda: c_int.from_buffer(b"abcd"))
tries(lambda: c_int.from_buffer(bytearray(3)))
memset(addressof(a), 1, 8)
print(hex(a[0]), hex(a[1]), a[2])
memmove(s, b"moved\0", 6)
print(s.value, string_at(s), string_at(s, 3))
print(pickle.loads(pickle.dumps(p)).y, pickle.loads(pickle.dumps(c_int(3))))
callback = CFUNCTYPE(c_int, c_int)(lambda n: n * 2)
print(callback(21))
tries(lambda: ctypes.sizeof(5))


def work(value, array):
    with value.get_lock():
        value.value += 5
    for i in range(len(array)):
        array[i] *= 2


if __name__ == "__main__":
    from multiprocessing import get_context

    context = get_context("fork")
    value, array = context.Value("i", 7), context.Array("d", [1.5, 2.5])
    processes = [context.Process(target=work, args=(value, array)) for _ in range(3)]
    [process.start() for process in processes]
    [process.join() for process in processes]
    print(value.value, array[:], context.Value(c_double, 1.5, lock=False).value)
