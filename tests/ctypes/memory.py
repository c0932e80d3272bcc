"""ctypes: memory, who owns it and who keeps it alive."""
import array
import copy
import gc
import pickle
import weakref
from ctypes import *
from ctypes import _SimpleCData

# Layout.


class Bits(Structure):
    _fields_ = [("a", c_int, 3), ("b", c_uint, 5), ("c", c_longlong, 40), ("d", c_ubyte, 2), ("e", c_short)]


class BigBits(BigEndianStructure):
    _fields_ = [("a", c_int, 3), ("b", c_uint, 5), ("c", c_short), ("d", c_double)]


class Packed(Structure):
    _layout_, _pack_ = "ms", 1
    _fields_ = [("a", c_byte), ("b", c_int), ("c", c_double)]


class Aligned(Structure):
    _align_ = 64
    _fields_ = [("a", c_byte)]


class Inner(Union):
    _fields_ = [("number", c_uint), ("bytes", c_ubyte * 4)]


class Outer(Structure):
    _anonymous_ = ["inner"]
    _fields_ = [("tag", c_char), ("inner", Inner), ("tail", c_short)]


for kind in Bits, BigBits, Packed, Aligned, Inner, Outer:
    print(kind.__name__, sizeof(kind), alignment(kind), memoryview(kind()).format)
    for name, *_ in kind._fields_:
        print("   ", getattr(kind, name))
bits = Bits(-1, 31, -2, 7, -9)
print(bits.a, bits.b, bits.c, bits.d, bits.e, bytes(bits).hex())
big = BigBits(3, 17, -2, 1.5)
print(big.a, big.b, big.c, big.d, bytes(big).hex())
outer = Outer(b"x", Inner(0x01020304), 7)
outer.bytes[0] = 255
print(hex(outer.number), outer.inner.bytes[:], Outer.number, Outer.bytes.is_anonymous, Outer.inner.is_anonymous)

# Parts share the memory of the whole, and keep it.


class Node(Structure):
    pass


Node._fields_ = [("value", c_int), ("next", POINTER(Node)), ("name", c_char_p)]
chain = Node(1, pointer(Node(2, pointer(Node(3, None, b"three")), b"two")), b"one")
gc.collect()
node, seen = chain, []
while True:
    seen.append((node.value, node.name))
    if not node.next:
        break
    node = node.next.contents
print(seen)
matrix = (c_int * 3 * 2)((1, 2, 3), (4, 5, 6))
row = matrix[1]
row[0] = 44
print([list(r) for r in matrix], row._b_base_ is matrix, row._b_needsfree_, matrix._b_needsfree_)
texts = (c_char_p * 3)()
texts[0], texts[2] = b"first", b"third"
print(texts[:], texts._objects)
holder = (POINTER(c_int) * 2)()
holder[0] = pointer(c_int(5))
holder[1] = (c_int * 2)(6, 7)
gc.collect()
print(holder[0][0], holder[1][1], sorted(holder._objects))
p = pointer(c_int(1))
p.contents = c_int(2)
p[0] += 5
print(p.contents, bool(p), bool(POINTER(c_int)()))
q = cast(p, POINTER(c_ubyte))
print(q[0:4], cast(q, c_void_p).value == addressof(p.contents))

# Memory of others.
store = bytearray(b"abcdefgh")
number = c_uint.from_buffer(store, 2)
number.value = 0x5A5A5A5A
print(store, number._objects.__class__.__name__)
try:
    store.append(1)
except BufferError as error:
    print("BufferError", error)
del number
gc.collect()
store.append(1)
words = array.array("i", range(5))
view = (c_int * 5).from_buffer(words)
view[1:3] = [10, 20]
print(words, (c_int * 2).from_buffer_copy(words, 4)[:])
same = c_int.from_address(addressof(view))
same.value = 77
print(words[0])

# Sizes.
short = create_string_buffer(b"ab")
resize(short, 50)
print(sizeof(short), len(short), short.value, addressof(short) != 0)
part = (c_int * 2)(1, 2)
seen = memoryview(part)
resize(part, 4000)
print(part[:], seen[0:1].nbytes, sizeof(part))

# Copies.
original = Outer(b"q", Inner(9), 3)
original.note = "mine"
for twin in copy.copy(original), pickle.loads(pickle.dumps(original)):
    print(twin.tag, twin.number, twin.tail, twin.note)
try:
    pickle.dumps(p)
except ValueError as error:
    print(error)

# Objects.
thing = {"a": 1}
boxed = py_object(thing)
print(boxed.value is thing, boxed, py_object())


class Value(c_int):
    def __repr__(self):
        return f"Value({self.value})"


class Fields(Structure):
    _fields_ = [("v", Value), ("w", c_wchar * 4), ("c", c_char * 4)]


fields = Fields(Value(3), "wide", b"c\0x")
print(fields.v, fields.w, fields.c, bytes(fields)[-4:])
print((Value * 2)(Value(1), 2)[:])
print([kind(-1).value for kind in (c_uint8, c_uint16, c_uint32, c_uint64, c_size_t)])
print(c_uint32.__ctype_be__(1).value, bytes(c_uint32.__ctype_be__(1)), c_double.__ctype_be__(1.0))
print([c_longdouble(x).value for x in (0.1, -1e308, 5e-324, float("inf"), -0.0)])

# Types go when nobody needs them.


def temporary():
    class Local(Structure):
        _fields_ = [("a", c_int), ("b", POINTER(c_int))]

    return weakref.ref(type((Local * 4)()))


reference = temporary()
gc.collect()
print(reference())
