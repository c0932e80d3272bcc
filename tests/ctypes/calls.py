"""ctypes: calls of the C library's functions."""
import sys
import threading
from ctypes import *
from ctypes.util import find_library

libc, libm = CDLL(None), CDLL(find_library("m"))
print(find_library("c") is not None, find_library("no such library"), isinstance(libc._handle, int))
print(libc.abs(-5), libc.strlen(b"four"), libc.toupper(ord("a")), libc.wcslen("wide\U0001f40d"))

libc.strtod.restype = c_double
end = c_char_p()
print(libc.strtod(b"2.5rest", byref(end)), end.value)
libm.pow.argtypes, libm.pow.restype = [c_double, c_double], c_double
print(libm.pow(2, 0.5), libm.pow(c_double(3), 2))
libm.ldexpl.argtypes, libm.ldexpl.restype = [c_longdouble, c_int], c_longdouble
print(libm.ldexpl(1.25, 10))
libm.sqrtf.argtypes, libm.sqrtf.restype = [c_float], c_float
print(libm.sqrtf(2))
libm.csqrt.argtypes, libm.csqrt.restype = [c_double_complex], c_double_complex
print(libm.csqrt(-4), libm.csqrt(2j))

# Structures by value, as results.


class Div(Structure):
    _fields_ = [("quot", c_int), ("rem", c_int)]


class LDiv(Structure):
    _fields_ = [("quot", c_long), ("rem", c_long)]


libc.div.restype, libc.ldiv.restype = Div, LDiv
libc.ldiv.argtypes = [c_long, c_long]
d, l = libc.div(-17, 5), libc.ldiv(10**15 + 3, 10)
print(d.quot, d.rem, l.quot, l.rem)

# Variadic calls.
buffer = create_string_buffer(100)
print(libc.snprintf(buffer, c_size_t(len(buffer)), b"%d %s %.3f %c %ld|", 7, b"seven", c_double(7.77), ord("x"), c_long(2**40)), buffer.value)
libc.snprintf.argtypes = [c_char_p, c_size_t, c_char_p]
print(libc.snprintf(buffer, 10, b"%d-%d-%d-%d", 100, 200, 300, 400), buffer.value)

# errno.
own = CDLL(None, use_errno=True)
set_errno(0)
print(own.open(b"/no/such/file", 0), get_errno(), set_errno(7), get_errno())

# Results that are callables, checks of results.
libc.getenv.restype = c_char_p
print(libc.getenv(b"NO_SUCH_VARIABLE_HERE"))
prototype = CFUNCTYPE(c_int, c_int)
absolute = prototype(("abs", libc), ((1, "number", -3),))
print(absolute(), absolute(-4), absolute(number=-5))
absolute.errcheck = lambda result, function, arguments: (result, function is absolute, arguments)
print(absolute(-6))
twice = prototype(("abs", libc))
twice.restype = lambda n: n * 2
print(twice(-21))


class Odd(c_int):
    @classmethod
    def _check_retval_(cls, value):
        return "odd" if value.value % 2 else "even"


twice.restype = Odd
print(twice(-3), twice(4))

# Parameters that come out.
frexp = CFUNCTYPE(c_double, c_double, POINTER(c_int))(("frexp", libm), ((1, "x"), (2, "exponent")))
print(frexp(10))
frexp.errcheck = lambda result, function, arguments: (result, arguments[1].value)
print(frexp(10))


class Stand:
    def __init__(self, value):
        self._as_parameter_ = value


print(libc.abs(Stand(-9)), libm.pow(Stand(2.0), Stand(c_double(3))), libc.strlen(Stand(Stand(b"deep"))))
for arguments in (1.5,), (object(),), (2**80,), (Stand(2j),):
    try:
        print(libc.abs(*arguments))
    except ArgumentError as error:
        print(error)

# memmove, memset and their like.
a, b = create_string_buffer(b"0123456789"), create_string_buffer(11)
memmove(b, a, 5)
print(b.raw, string_at(addressof(a) + 3, 4), wstring_at("wide", 2))
memset(byref(a, 2), ord("x"), 3)
print(a.value, bytes(memoryview_at(addressof(a), 4)))

# Other threads run during a call.
ticks = 0
running = True


def tick():
    global ticks
    while running:
        ticks += 1


thread = threading.Thread(target=tick)
thread.start()
before = ticks
libc.usleep(50_000)
print(ticks > before)
running = False
thread.join()

events = []
sys.addaudithook(lambda event, args: events.append((event, len(args))) if event.startswith("ctypes.") else None)
CDLL(None).abs(-1)
addressof(c_int.from_buffer(bytearray(4)))
c_int.from_buffer_copy(bytes(8), 4)
string_at(b"text"), get_errno(), set_errno(0)
print(events)
try:
    print(pythonapi.No_Such_Function)
except AttributeError as error:
    print(str(error).split(": ")[1:])

# What there is of the C API.


class Stop(Exception):
    pass


def wait():
    try:
        while True:
            threading.Event().wait(0.01)
    except Stop:
        print("stopped")


thread = threading.Thread(target=wait)
thread.start()
print(pythonapi.PyThreadState_SetAsyncExc(c_ulong(thread.ident), py_object(Stop)))
thread.join()
print(pythonapi.PyThreadState_SetAsyncExc(c_ulong(12345), py_object(Stop)), pythonapi.Py_IsInitialized())


class View(Structure):
    _fields_ = [
        ("buf", c_void_p), ("obj", py_object), ("len", c_ssize_t), ("itemsize", c_ssize_t), ("readonly", c_int), ("ndim", c_int), ("format", c_char_p),
        ("shape", POINTER(c_ssize_t)), ("strides", POINTER(c_ssize_t)), ("suboffsets", POINTER(c_ssize_t)), ("internal", c_void_p),
    ]


view, owner = View(), bytearray(b"content")
print(pythonapi.PyObject_GetBuffer(py_object(owner), byref(view), 0x1C), view.len, view.ndim, view.shape[0], view.format, view.obj is owner, string_at(view.buf, 3))
try:
    owner.append(1)
except BufferError as error:
    print(error)
pythonapi.PyBuffer_Release(byref(view))
owner.append(1)
try:
    pythonapi.PyObject_GetBuffer(py_object(5), byref(view), 0)
except TypeError as error:
    print(error)
