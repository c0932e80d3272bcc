"""ctypes: Python functions that C calls."""
import gc
import sys
import threading
import weakref
from ctypes import *

libc = CDLL(None)
Compare = CFUNCTYPE(c_int, POINTER(c_int), POINTER(c_int))
numbers = (c_int * 8)(5, -3, 9, 0, 2, 2, -8, 7)
calls = []


@Compare
def compare(a, b):
    calls.append((a.contents.value, b[0]))
    return a[0] - b[0]


libc.qsort(numbers, len(numbers), sizeof(c_int), compare)
print(list(numbers), len(calls) > 7)

for kind, value in [
    (c_byte, -5), (c_ubyte, 250), (c_short, -300), (c_int, -70000), (c_uint, 2**32 - 1), (c_longlong, -(2**60)),
    (c_ulonglong, 2**64 - 1), (c_float, 0.5), (c_double, -1.25), (c_longdouble, 1.5), (c_bool, True), (c_char, b"x"),
    (c_wchar, "\U0001f40d"), (c_void_p, 4711), (c_char_p, b"text"), (c_wchar_p, "text"), (py_object, [1, 2]), (c_double_complex, 1 + 2j),
]:
    seen = []
    function = CFUNCTYPE(kind if kind not in (c_char_p, c_wchar_p) else c_int, kind)(lambda x: (seen.append(x), x if kind not in (c_char_p, c_wchar_p) else len(x))[1])
    print(kind.__name__, function(value), seen)


class Pair(Structure):
    _fields_ = [("a", c_int), ("b", c_double)]


class Big(Structure):
    _fields_ = [("items", c_long * 10)]


class Mixed(Union):
    _fields_ = [("number", c_int), ("real", c_double)]


print(CFUNCTYPE(c_double, Pair)(lambda p: p.a + p.b)(Pair(3, 0.5)))
print(CFUNCTYPE(c_long, Big, c_int)(lambda big, n: sum(big.items) * n)(Big((c_long * 10)(*range(10))), 2))
print(CFUNCTYPE(c_int, Mixed)(lambda u: u.number)(Mixed(number=42)))
print(CFUNCTYPE(c_double, Mixed)(lambda u: u.real)(Mixed(real=4.5)))
number = c_int(1)
CFUNCTYPE(None, POINTER(c_int))(lambda p: p.__setitem__(0, 99))(byref(number))
print(number)

# Exceptions go to the hook.


def hook(unraisable):
    print("unraisable:", type(unraisable.exc_value).__name__, unraisable.exc_value, "|", unraisable.err_msg.split(" <")[0])


sys.unraisablehook = hook
CFUNCTYPE(c_int, c_int)(lambda x: x // 0)(1)
CFUNCTYPE(c_int, c_int)(lambda x: "text")(1)
CFUNCTYPE(None, c_int)(lambda: None)(1)
try:
    CFUNCTYPE(Pair)(lambda: Pair())
except TypeError as error:
    print(error)
try:
    CFUNCTYPE(c_int)(5)
    CFUNCTYPE(c_int)("no function")
except TypeError as error:
    print(error)

# A thread of which Python knows nothing.
Start = CFUNCTYPE(c_void_p, c_void_p)
local = threading.local()
local.mine = "main"


@Start
def start(argument):
    print("on another thread:", threading.get_ident() != threading.main_thread().ident, hasattr(local, "mine"), argument)
    local.mine = "other"
    gc.collect()
    if argument == 3:
        raise ValueError("there")
    return sum(range(argument))


libc.pthread_join.argtypes = [c_ulong, POINTER(c_void_p)]
libc.pthread_create.argtypes = [POINTER(c_ulong), c_void_p, Start, c_void_p]
for argument in 10, 20, 3:
    ident, result = c_ulong(), c_void_p()
    print(libc.pthread_create(ident, None, start, argument), libc.pthread_join(ident, result), result.value if argument != 3 else "")
print(local.mine)

# errno belongs to Python while it runs.
Seen = CFUNCTYPE(c_int, c_int, use_errno=True)


@Seen
def sees(x):
    old = set_errno(x)
    return old


set_errno(5)
print(sees(6), get_errno())


# Functions and what they refer to are collected together.
class Holder:
    pass


holder = Holder()
holder.function = CFUNCTYPE(None)(lambda: holder)
reference = weakref.ref(holder)
del holder
gc.collect()
print(reference() is None or "alive by its cell")
