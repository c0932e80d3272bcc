"""The data types of ctypes: what can be had without calling functions of shared libraries.

Simple types, arrays, structures, unions and pointers to them work on memory of Python's own (bytearrays, and
whatever has a writable buffer). Nothing is loaded and nothing foreign is called: dlopen() knows no library,
functions made from prototypes raise NotImplementedError when they are called, and so does whatever would need the
real address of something. addressof() gives numbers that name memory to memset(), memmove(), string_at() and cast().
"""
import struct as _struct
import sys as _sys

__version__ = "1.1.0"
RTLD_LOCAL, RTLD_GLOBAL = 0, 256
FUNCFLAG_CDECL, FUNCFLAG_PYTHONAPI, FUNCFLAG_USE_ERRNO, FUNCFLAG_USE_LASTERROR = 1, 4, 8, 16
SIZEOF_TIME_T = 8
CTYPES_MAX_ARGCOUNT = 1024

_errno = 0


class ArgumentError(Exception):
    pass


def get_errno():
    return _errno


def set_errno(value):
    global _errno
    old, _errno = _errno, value
    return old


def _foreign(*args):
    raise NotImplementedError("functions of shared libraries cannot be called")


class _Address(int):
    """A number that stands for memory."""

    def __new__(cls, owner, view):
        self = super().__new__(cls, id(owner))
        self.owner, self.view = owner, view
        return self


class CField:
    """Descriptor of a field of a structure or union."""

    def __init__(self, name, type, byte_size, byte_offset, index, anonymous=False):
        self.name, self.type, self.index = name, type, index
        self.byte_size, self.byte_offset, self.size, self.offset = byte_size, byte_offset, byte_size, byte_offset
        self.bit_size, self.bit_offset = byte_size * 8, 0
        self.is_bitfield, self.is_anonymous = False, anonymous

    def __get__(self, instance, owner=None):
        if instance is None:
            return self
        return _get(instance, self.type, self.byte_offset, self.index)

    def __set__(self, instance, value):
        if not isinstance(instance, _CData):
            raise TypeError("not a ctype instance")
        _set(instance, self.type, self.byte_offset, self.index, value)

    def __repr__(self):
        return f"<ctypes.CField {self.name!r} type={self.type.__name__}, ofs={self.byte_offset}, size={self.byte_size}>"


def _get(owner, kind, offset, index):
    """The value of the part at `offset`: a Python value for simple types themselves, else an object that shares it."""
    item = kind._at(owner, offset, index)
    if _is_plain(kind):
        return item._read()
    # Fields that are texts are read as such.
    return item.value if isinstance(owner, _Fields) and getattr(kind, "_is_text_", False) else item


def _set(owner, kind, offset, index, value):
    item = kind._at(owner, offset, index)
    if isinstance(value, kind):
        item._mem[:] = value._mem
        item._keep(value._objects if value._objects is not None else value)
    elif _is_simple(kind):
        item._write(value)
    elif getattr(kind, "_is_text_", False) and isinstance(value, bytes | str):
        if len(value) > len(item):
            raise ValueError(f"{type(value).__name__} too long ({len(value)}, maximum length {len(item)})")
        item.value = value
    elif issubclass(kind, Array | Structure | Union) and isinstance(value, tuple):
        item._mem[:] = kind(*value)._mem
    elif issubclass(kind, _Pointer) and value is None:
        item._mem[:] = bytes(8)
        item._target = None
    elif issubclass(kind, _Pointer) and isinstance(value, Array) and value._type_ is kind._type_:
        item._point(value)
    else:
        raise TypeError(f"expected {kind.__name__} instance, got {type(value).__name__}")


def _is_simple(kind):
    return issubclass(kind, _SimpleCData)


def _is_plain(kind):
    return kind.__base__ is _SimpleCData


class _CDataType(type):
    """What the types of data have in common."""

    def __mul__(cls, length):
        if not isinstance(length, int):
            raise TypeError(f"can't multiply sequence by non-int of type {type(length).__name__!r}")
        if length < 0:
            raise ValueError(f"Array length must be >= 0, not {length}")
        key = (cls, length)
        if key not in _arrays:
            _arrays[key] = _ArrayType(f"{cls.__name__}_Array_{length}", (Array,), {"_type_": cls, "_length_": length})
        return _arrays[key]

    __rmul__ = __mul__

    def _at(cls, owner, offset, index):
        self = cls.__new__(cls)
        self._mem = owner._mem[offset : offset + cls._size_]
        self._b_base_, self._b_index = owner, index
        return self

    def from_buffer(cls, source, offset=0, /):
        view = memoryview(source)
        if view.readonly:
            raise TypeError("underlying buffer is not writable")
        view = view.cast("B") if view.nbytes else view
        _check_room(cls, view, offset)
        self = cls.__new__(cls)
        self._mem = view[offset : offset + cls._size_]
        self._objects = view
        return self

    def from_buffer_copy(cls, source, offset=0, /):
        view = memoryview(source).cast("B")
        _check_room(cls, view, offset)
        self = cls.__new__(cls)
        self._mem[:] = view[offset : offset + cls._size_]
        return self

    def from_address(cls, address, /):
        if isinstance(address, _Address) and len(address.view) >= cls._size_:
            self = cls.__new__(cls)
            self._mem, self._objects = address.view[: cls._size_], address.owner
            return self
        raise NotImplementedError("memory at an address cannot be read")

    def from_param(cls, value, /):
        if isinstance(value, cls):
            return value
        if hasattr(value, "_as_parameter_"):
            return cls.from_param(value._as_parameter_)
        if _is_simple(cls):
            try:
                return cls(value)
            except TypeError:
                raise TypeError(f"'{type(value).__name__}' object cannot be interpreted as ctypes.{cls.__name__}") from None
        raise TypeError(f"expected {cls.__name__} instance instead of {type(value).__name__}")

    def in_dll(cls, library, name, /):
        raise ValueError(f"undefined symbol: {name}")


def _check_room(cls, view, offset):
    if offset < 0:
        raise ValueError("offset cannot be negative")
    if offset + cls._size_ > view.nbytes:
        message = "Buffer size too small ({} instead of at least {} bytes)"
        raise ValueError(message.format(view.nbytes, offset + cls._size_))


_arrays = {}


class _CData(metaclass=_CDataType):
    __slots__ = ("_mem", "_b_base_", "_b_index", "_objects", "__weakref__")

    def __new__(cls, *args, **kwargs):
        if not hasattr(cls, "_size_"):
            raise TypeError("abstract class")
        self = super().__new__(cls)
        self._mem = memoryview(bytearray(cls._size_))
        self._b_base_ = self._objects = None
        self._b_index = 0
        return self

    @property
    def _b_needsfree_(self):
        return self._b_base_ is None

    def _keep(self, what):
        """Keeps alive what this memory refers to."""
        root, key = self, ""
        while root._b_base_ is not None:
            key = f"{root._b_index:x}" if not key else f"{key}:{root._b_index:x}"
            root = root._b_base_
        if what is None or not key:
            root._objects = what
        else:
            if not isinstance(root._objects, dict):
                root._objects = {}
            root._objects[key] = what

    def __buffer__(self, flags):
        return self._mem

    def __eq__(self, other):
        return self is other

    __hash__ = object.__hash__

    def __reduce__(self):
        if getattr(type(self), "_has_pointer_", False):
            raise ValueError("ctypes objects containing pointers cannot be pickled")
        return _rebuild, (type(self), getattr(self, "__dict__", {}), bytes(self._mem))

    __ctypes_from_outparam__ = property(lambda self: lambda: self)


def _rebuild(cls, attributes, content):
    self = cls.__new__(cls)
    if attributes:
        self.__dict__.update(attributes)
    self._mem[:] = content
    return self


# ---- simple types ------------------------------------------------------------------------------

_SIZES = dict(c=1, b=1, B=1, h=2, H=2, i=4, I=4, l=8, L=8, q=8, Q=8, f=4, d=8, g=16, P=8, O=8, z=8, Z=8, u=4, F=8, D=16, G=32)
_SIZES["?"] = 1
_NUMBERS = frozenset("bBhHiIlLqQ")
_CODES = dict(b="b", B="B", h="h", H="H", i="i", I="I", l="q", L="Q", q="q", Q="Q", f="f", d="d", P="Q")
_CODES["?"] = "?"


class _SimpleType(_CDataType):
    def __new__(meta, name, bases, namespace, swapped=False):
        cls = super().__new__(meta, name, bases, namespace)
        code = getattr(cls, "_type_", None)
        if code is None:
            if name != "_SimpleCData":
                raise AttributeError("class must define a '_type_' attribute")
            return cls
        if not isinstance(code, str):
            raise TypeError("class must define a '_type_' string attribute")
        if len(code) != 1:
            raise ValueError("class must define a '_type_' attribute which must be a string of length 1")
        if code not in _SIZES:
            raise AttributeError(f"class must define a '_type_' attribute which must be\na single character string containing one of '{''.join(_SIZES)}'.")
        cls._size_ = _SIZES[code]
        cls._align_ = {"F": 4, "D": 8, "G": 16}.get(code, cls._size_)
        cls._swapped_ = swapped
        cls._has_pointer_ = code in "PzZO"
        if not swapped and bases[0] is _SimpleCData and (code in _NUMBERS or code in "fd"):
            mine, other = ("__ctype_le__", "__ctype_be__")[:: 1 if _sys.byteorder == "little" else -1]
            setattr(cls, mine, cls)
            other_cls = _SimpleType(name, bases, dict(namespace), swapped=True)
            setattr(cls, other, other_cls)
            setattr(other_cls, other, other_cls)
            setattr(other_cls, mine, cls)
        elif code in "cB?b" and bases[0] is _SimpleCData:
            cls.__ctype_le__ = cls.__ctype_be__ = cls
        return cls

    def __init__(cls, name, bases, namespace, swapped=False):
        super().__init__(name, bases, namespace)


class _SimpleCData(_CData, metaclass=_SimpleType):
    __slots__ = ("_referent",)

    def __init__(self, value=None):
        self._referent = None
        if value is not None:
            self._write(value)

    @property
    def value(self):
        return self._read()

    @value.setter
    def value(self, value):
        self._write(value)

    def _pack(self):
        order = "<>"[_sys.byteorder == "big"] if not self._swapped_ else "<>"[_sys.byteorder == "little"]
        return order + _CODES[self._type_]

    def _read(self):
        code = self._type_
        if code == "c":
            return bytes(self._mem)
        if code == "u":
            return chr(int.from_bytes(self._mem, _sys.byteorder))
        if code in "zZO":
            referent = getattr(self, "_referent", None)
            if referent is None and self._b_base_ is not None:
                root = self
                key = []
                while root._b_base_ is not None:
                    key.append(f"{root._b_index:x}")
                    root = root._b_base_
                objects = root._objects
                referent = objects.get(":".join(key)) if isinstance(objects, dict) else None
            if code == "O" and referent is None:
                raise ValueError("PyObject is NULL")
            return referent[0] if code == "O" else referent
        if code in "FDG":
            half = {"F": "f", "D": "d"}.get(code)
            if half is None:
                raise NotImplementedError("complex numbers of long doubles")
            return complex(*_struct.unpack("=2" + half, self._mem))
        if code == "g":
            return _struct.unpack_from("=d", self._mem)[0]
        value = _struct.unpack(self._pack(), self._mem)[0]
        return None if code == "P" and value == 0 else value

    def _write(self, value):
        code = self._type_
        if code in _NUMBERS:
            if isinstance(value, float) or not hasattr(value, "__index__"):
                raise TypeError(f"'{type(value).__name__}' object cannot be interpreted as an integer")
            size = self._size_ * 8
            number = value.__index__() & ((1 << size) - 1)
            order = _sys.byteorder if not self._swapped_ else {"little": "big", "big": "little"}[_sys.byteorder]
            self._mem[:] = number.to_bytes(self._size_, order)
        elif code in "fd":
            if not isinstance(value, float | int) and not hasattr(value, "__float__"):
                raise TypeError(f"must be real number, not {type(value).__name__}")
            self._mem[:] = _struct.pack(self._pack(), value)
        elif code == "g":
            self._mem[:8] = _struct.pack("=d", value)
        elif code == "?":
            self._mem[0] = bool(value)
        elif code == "c":
            if isinstance(value, int) and 0 <= value < 256:
                value = bytes([value])
            if not isinstance(value, bytes | bytearray) or len(value) != 1:
                what = f"{type(value).__name__} of length {len(value)}" if hasattr(value, "__len__") else type(value).__name__
                raise TypeError(f"one character bytes, bytearray, or an integer in range(256) expected, not {what}")
            self._mem[:] = value
        elif code == "u":
            if not isinstance(value, str):
                raise TypeError(f"a unicode character expected, not instance of {type(value).__name__}")
            if len(value) != 1:
                raise TypeError(f"a unicode character expected, not a string of length {len(value)}")
            self._mem[:] = ord(value).to_bytes(4, _sys.byteorder)
        elif code == "P":
            if value is None:
                value = 0
            if not isinstance(value, int):
                raise TypeError("cannot be converted to pointer")
            self._referent = value
            self._mem[:] = (value & ((1 << 64) - 1)).to_bytes(8, _sys.byteorder)
        elif code in "zZ":
            wanted = bytes if code == "z" else str
            if value is not None and not isinstance(value, wanted):
                expected = "bytes or integer address" if code == "z" else "unicode string or integer address"
                raise TypeError(f"{expected} expected instead of {type(value).__name__} instance")
            self._refer(value)
        elif code == "O":
            self._refer((value,))
        else:
            half = {"F": "f", "D": "d"}.get(code)
            if half is None:
                raise NotImplementedError("complex numbers of long doubles")
            value = complex(value)
            self._mem[:] = _struct.pack("=2" + half, value.real, value.imag)

    def _refer(self, value):
        self._referent = value
        self._mem[:] = (0 if value is None else id(value)).to_bytes(8, _sys.byteorder)
        if self._b_base_ is not None:
            self._keep(value)
        else:
            self._objects = value

    def __bool__(self):
        return any(self._mem)

    def __repr__(self):
        if type(self).__base__ is not _SimpleCData:
            return object.__repr__(self)
        return f"{type(self).__name__}({self.value!r})"


# ---- arrays ------------------------------------------------------------------------------------


class _ArrayType(_CDataType):
    def __new__(meta, name, bases, namespace):
        cls = super().__new__(meta, name, bases, namespace)
        if name == "Array" and not bases[0].__name__ == "Array" and "_type_" not in namespace:
            return cls
        length, kind = getattr(cls, "_length_", None), getattr(cls, "_type_", None)
        if length is None:
            raise AttributeError("class must define a '_length_' attribute")
        if not isinstance(length, int):
            raise TypeError("The '_length_' attribute must be an integer")
        if length < 0:
            raise ValueError("The '_length_' attribute must not be negative")
        if kind is None:
            raise AttributeError("class must define a '_type_' attribute")
        cls._size_, cls._align_ = kind._size_ * length, kind._align_
        if cls._size_ > _sys.maxsize:
            raise OverflowError("array too large")
        cls._has_pointer_ = getattr(kind, "_has_pointer_", False)
        if _is_simple(kind) and kind._type_ == "c":
            cls._is_text_ = True
            cls.value = property(_characters, _set_characters)
            cls.raw = property(lambda self: bytes(self._mem), _set_raw)
        elif _is_simple(kind) and kind._type_ == "u":
            cls._is_text_ = True
            cls.value = property(_text, _set_text)
        return cls


def _characters(self):
    return bytes(self._mem).split(b"\0", 1)[0]


def _set_characters(self, value):
    if not isinstance(value, bytes):
        raise TypeError(f"bytes expected instead of {type(value).__name__} instance")
    if len(value) > len(self):
        raise ValueError("byte string too long")
    self._mem[: len(value)] = value
    if len(value) < len(self):
        self._mem[len(value)] = 0


def _set_raw(self, value):
    value = bytes(value)
    if len(value) > len(self):
        raise ValueError("byte string too long")
    self._mem[: len(value)] = value


def _text(self):
    return "".join(self[:]).split("\0", 1)[0]


def _set_text(self, value):
    if not isinstance(value, str):
        raise TypeError(f"unicode string expected instead of {type(value).__name__} instance")
    if len(value) > len(self):
        raise ValueError("string too long")
    for i, c in enumerate(value):
        self[i] = c
    if len(value) < len(self):
        self[len(value)] = "\0"


class Array(_CData, metaclass=_ArrayType):
    def __init__(self, *items):
        if len(items) > self._length_:
            raise IndexError("invalid index")
        for i, item in enumerate(items):
            self[i] = item

    def __len__(self):
        return self._length_

    def _index(self, i):
        i = i.__index__()
        if i < 0:
            i += self._length_
        if not 0 <= i < self._length_:
            raise IndexError("invalid index")
        return i

    def __getitem__(self, i):
        kind = self._type_
        if isinstance(i, slice):
            items = [_get(self, kind, k * kind._size_, k) for k in range(*i.indices(self._length_))]
            code = kind._type_ if _is_simple(kind) else None
            return b"".join(items) if code == "c" else "".join(items) if code == "u" else items
        i = self._index(i)
        return _get(self, kind, i * kind._size_, i)

    def __setitem__(self, i, value):
        kind = self._type_
        if isinstance(i, slice):
            places = range(*i.indices(self._length_))
            if len(places) != len(value):
                raise ValueError("Can only assign sequence of same size")
            for k, item in zip(places, value):
                _set(self, kind, k * kind._size_, k, item)
            return
        i = self._index(i)
        _set(self, kind, i * kind._size_, i, value)

    def __delitem__(self, i):
        raise TypeError("Array does not support item deletion")

    def __iter__(self):
        for i in range(self._length_):
            yield self[i]

    __class_getitem__ = classmethod(__import__("types").GenericAlias)


# ---- structures and unions ---------------------------------------------------------------------


class _FieldsType(_CDataType):
    def __new__(meta, name, bases, namespace):
        cls = super().__new__(meta, name, bases, namespace)
        if "_fields_" in namespace:
            cls._fields_ = namespace["_fields_"]
        elif bases[0] is not _CData and not hasattr(cls, "_size_"):
            cls._size_, cls._align_, cls._names_ = 0, 1, ()
        return cls

    def __setattr__(cls, name, value):
        super().__setattr__(name, value)
        if name == "_fields_":
            cls._lay_out(value)

    def _lay_out(cls, fields):
        base = cls.__mro__[1]
        size, align = getattr(base, "_size_", 0), getattr(base, "_align_", 1)
        names = list(getattr(base, "_names_", ()))
        pack, least = getattr(cls, "_pack_", None), getattr(cls, "_align_at_least_", 1)
        pointers = getattr(base, "_has_pointer_", False)
        anonymous = getattr(cls, "_anonymous_", ())
        total = size
        for index, field in enumerate(fields, len(names)):
            if not isinstance(field, tuple) or len(field) < 2 or not isinstance(field[0], str):
                raise TypeError("_fields_ must be a sequence of (name, C type) pairs")
            if len(field) > 2:
                raise NotImplementedError("bit fields")
            name, kind = field
            if not isinstance(kind, _CDataType):
                raise TypeError("second item in _fields_ tuple must be a C type")
            wanted = min(kind._align_, pack) if pack else kind._align_
            align = max(align, wanted)
            pointers |= getattr(kind, "_has_pointer_", False)
            if cls._is_union_:
                offset, total = 0, max(total, kind._size_)
            else:
                offset = -(-total // wanted) * wanted
                total = offset + kind._size_
            descriptor = CField(name, kind, kind._size_, offset, index, name in anonymous)
            type.__setattr__(cls, name, descriptor)
            names.append(name)
        align = max(align, least)
        type.__setattr__(cls, "_size_", -(-total // align) * align)
        type.__setattr__(cls, "_align_", align)
        type.__setattr__(cls, "_names_", tuple(names))
        type.__setattr__(cls, "_has_pointer_", pointers)
        for name in anonymous:
            outer = cls.__dict__.get(name)
            if outer is None:
                raise AttributeError(name)
            for inner in outer.type._names_:
                if inner not in cls.__dict__:
                    type.__setattr__(cls, inner, _Inner(name, inner))


class _Inner:
    """A field of an anonymous field."""

    def __init__(self, outer, inner):
        self.outer, self.inner = outer, inner

    def __get__(self, instance, owner=None):
        return self if instance is None else getattr(getattr(instance, self.outer), self.inner)

    def __set__(self, instance, value):
        setattr(getattr(instance, self.outer), self.inner, value)


class _Fields(_CData, metaclass=_FieldsType):
    _is_union_ = False

    def __init__(self, *args, **kwargs):
        names = self._names_
        if len(args) > len(names):
            raise TypeError("too many initializers")
        for name, value in zip(names, args):
            if name in kwargs:
                raise TypeError(f"duplicate values for field {name!r}")
            setattr(self, name, value)
        for name, value in kwargs.items():
            setattr(self, name, value)


class _StructureType(_FieldsType):
    pass


class _UnionType(_FieldsType):
    pass


class Structure(_Fields, metaclass=_StructureType):
    pass


class Union(_Fields, metaclass=_UnionType):
    _is_union_ = True


for _abstract in _Fields, Structure, Union:
    if hasattr(_abstract, "_size_"):
        type.__delattr__(_abstract, "_size_") if "_size_" in _abstract.__dict__ else None
del _abstract


# ---- pointers ----------------------------------------------------------------------------------


class _PointerType(_CDataType):
    def __new__(meta, name, bases, namespace):
        cls = super().__new__(meta, name, bases, namespace)
        cls._size_ = cls._align_ = 8
        cls._has_pointer_ = True
        if "_type_" in namespace:
            if not isinstance(namespace["_type_"], type):
                raise TypeError("_type_ must have storage info")
            if "__pointer_type__" not in namespace["_type_"].__dict__:
                type.__setattr__(namespace["_type_"], "__pointer_type__", cls)
        return cls

    def set_type(cls, kind, /):
        cls._type_ = kind


class _Pointer(_CData, metaclass=_PointerType):
    __slots__ = ("_target",)

    def __init__(self, target=None):
        if not hasattr(self, "_type_"):
            raise TypeError("Cannot create instance: has no _type_")
        self._target = None
        if target is not None:
            if not isinstance(target, self._type_):
                raise TypeError(f"expected {self._type_.__name__} instead of {type(target).__name__}")
            self._point(target)

    def _point(self, target):
        self._target = target
        self._mem[:] = id(target).to_bytes(8, _sys.byteorder)
        if self._b_base_ is None:
            self._objects = {"1": target}
        else:
            self._keep(target)

    def _aim(self):
        target = getattr(self, "_target", None)
        if target is None and self._b_base_ is not None:
            root, key = self, []
            while root._b_base_ is not None:
                key.append(f"{root._b_index:x}")
                root = root._b_base_
            target = root._objects.get(":".join(key)) if isinstance(root._objects, dict) else None
            if isinstance(target, dict):
                target = target.get("1")
        if target is None:
            if any(self._mem):
                raise NotImplementedError("memory at an address cannot be read")
            raise ValueError("NULL pointer access")
        return target

    @property
    def contents(self):
        target = self._aim()
        if isinstance(target, self._type_):
            return target
        return self._type_._at(target, 0, 0)

    @contents.setter
    def contents(self, value):
        if not isinstance(value, self._type_):
            raise TypeError(f"expected {self._type_.__name__} instead of {type(value).__name__}")
        self._point(value)

    def _place(self, i):
        """The object whose memory has item `i`, and where in it."""
        target, size = self._aim(), self._type_._size_
        offset = i * size
        while (offset < 0 or offset + size > len(target._mem)) and isinstance(target._b_base_, Array):
            offset += target._b_index * size
            target = target._b_base_
        if offset < 0 or offset + size > len(target._mem):
            raise NotImplementedError("memory behind an object cannot be read")
        return target, offset

    def __getitem__(self, i):
        if isinstance(i, slice):
            if i.stop is None:
                raise ValueError("slice stop is required")
            items = [self[k] for k in range(i.start or 0, i.stop, i.step or 1)]
            code = self._type_._type_ if _is_simple(self._type_) else None
            return b"".join(items) if code == "c" else "".join(items) if code == "u" else items
        target, offset = self._place(i.__index__())
        return _get(target, self._type_, offset, i)

    def __setitem__(self, i, value):
        target, offset = self._place(i.__index__())
        _set(target, self._type_, offset, i, value)

    def __bool__(self):
        return any(self._mem)


def POINTER(kind):
    import ctypes
    return ctypes.POINTER(kind)


def pointer(target):
    return POINTER(type(target))(target)


class CArgObject:
    """What byref() gives."""

    def __init__(self, target, offset):
        self._obj, self._offset = target, offset

    def __repr__(self):
        return f"<cparam 'P' ({id(self._obj):#x})>"


def byref(target, offset=0, /):
    if not isinstance(target, _CData):
        raise TypeError(f"byref() argument must be a ctypes instance, not '{type(target).__name__}'")
    return CArgObject(target, offset)


# ---- functions on data -------------------------------------------------------------------------


def sizeof(target, /):
    if isinstance(target, type) and issubclass(target, _CData) and hasattr(target, "_size_"):
        return target._size_
    if isinstance(target, _CData):
        return len(target._mem)
    raise TypeError("this type has no size")


def alignment(target, /):
    if isinstance(target, _CData) or isinstance(target, type) and issubclass(target, _CData) and hasattr(target, "_size_"):
        return target._align_
    raise TypeError("no alignment info")


def addressof(target, /):
    if not isinstance(target, _CData):
        raise TypeError("invalid type")
    return _Address(target, target._mem)


def resize(target, size, /):
    if not isinstance(target, _CData):
        raise TypeError("excepted ctypes instance")
    if size < target._size_:
        raise ValueError(f"minimum size is {target._size_}")
    if target._b_base_ is not None:
        raise ValueError("Memory cannot be resized because this object doesn't own it")
    memory = bytearray(size)
    memory[: len(target._mem)] = target._mem
    target._mem = memoryview(memory)


def buffer_info(kind, /):
    shape = []
    while issubclass(kind, Array):
        shape.append(kind._length_)
        kind = kind._type_
    code = "<" + {"z": "z", "?": "?"}.get(kind._type_, kind._type_) if _is_simple(kind) else "B"
    return code, len(shape), tuple(shape)


def dlopen(name, flag=RTLD_LOCAL, /):
    if name is None:
        return 0
    raise OSError(f"{_sys.modules['os'].fsdecode(name)}: shared libraries cannot be loaded")


def dlsym(handle, name, /):
    raise OSError(f"undefined symbol: {name}")


def dlclose(handle, /):
    return 0


# ---- functions ---------------------------------------------------------------------------------


def _view(place, writable=False):
    if isinstance(place, _Address):
        return place.view
    if isinstance(place, CArgObject):
        return place._obj._mem[place._offset :]
    if isinstance(place, _Pointer):
        return place._aim()._mem
    if isinstance(place, _CData):
        if _is_simple(type(place)) and place._type_ in "zP":
            value = place._referent
            return _view(value) if not isinstance(value, bytes) else memoryview(value + b"\0")
        return place._mem
    if isinstance(place, bytes) and not writable:
        return memoryview(place + b"\0")
    raise NotImplementedError("memory at an address cannot be read")


def _memmove(target, source, count):
    target_view, source_view = _view(target, True), _view(source)
    if count > len(target_view) or count > len(source_view):
        raise NotImplementedError("memory behind an object cannot be read")
    target_view[:count] = bytes(source_view[:count])
    return target


def _memset(target, byte, count):
    view = _view(target, True)
    if count > len(view):
        raise NotImplementedError("memory behind an object cannot be read")
    view[:count] = bytes([byte & 255]) * count
    return target


def _string_at(place, size=-1):
    view = bytes(_view(place))
    return view.split(b"\0", 1)[0] if size == -1 else view[:size]


def _cast(target, source, kind):
    if not issubclass(kind, _Pointer | CFuncPtr) and not (_is_simple(kind) and kind._type_ in "sPzUZ"):
        raise TypeError(f"cast() argument 2 must be a pointer, not {kind.__name__}")
    if source is None or target is None:
        return kind()
    if isinstance(source, CArgObject):
        source = source._obj
    if isinstance(source, _Address):
        source = source.owner
    if isinstance(source, int):
        result = kind()
        result._mem[:] = source.to_bytes(8, _sys.byteorder)
        return result
    if _is_simple(kind):
        result = kind()
        if kind._type_ == "P":
            result._write(_Address(source, source._mem))
        elif kind._type_ == "z":
            result._write(source if isinstance(source, bytes) else _string_at(source))
        else:
            raise NotImplementedError("casts to wide strings")
        return result
    if isinstance(source, _Pointer):
        source = source._aim()
    result = kind()
    if issubclass(kind, _Pointer) and isinstance(source, _CData):
        result._point(source)
        return result
    raise NotImplementedError("casts of this kind")


_memmove_addr, _memset_addr, _string_at_addr, _cast_addr, _wstring_at_addr, _memoryview_at_addr = range(1, 7)
_OWN = {_memmove_addr: _memmove, _memset_addr: _memset, _string_at_addr: _string_at, _cast_addr: _cast}


class _FunctionType(_CDataType):
    def __new__(meta, name, bases, namespace):
        cls = super().__new__(meta, name, bases, namespace)
        cls._size_ = cls._align_ = 8
        cls._has_pointer_ = True
        if bases[0] is not _CData and not isinstance(getattr(cls, "_flags_", None), int):
            raise TypeError("class must define _flags_ which must be an integer")
        return cls


class CFuncPtr(_CData, metaclass=_FunctionType):
    def __init__(self, source=None, flags=None):
        self._call = _foreign
        if isinstance(source, tuple):
            raise AttributeError(f"undefined symbol: {source[0]}")
        if isinstance(source, int):
            self._call = _OWN.get(source, _foreign)
        elif callable(source):
            # Python functions can be called back by nobody but Python.
            self._call = source
        elif source is not None:
            raise TypeError("argument must be callable or integer function address")
        self._given = source is not None
        self.restype, self.argtypes = getattr(self, "_restype_", None), getattr(self, "_argtypes_", None)
        self.errcheck = None

    def __call__(self, *args, **kwargs):
        return self._call(*args, **kwargs)

    def __bool__(self):
        return self._given

    def __repr__(self):
        return f"<{type(self).__name__} object at {id(self):#x}>"


def call_function(address, arguments, /):
    _foreign()


call_cdeclfunction = call_function


def PyObj_FromPtr(address, /):
    raise NotImplementedError("memory at an address cannot be read")


def Py_INCREF(target, /):
    return target


Py_DECREF = Py_INCREF
