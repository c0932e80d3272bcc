"""Disassembler of this interpreter's code objects.

An instruction is a word of eight bytes: opcode, flags and three operands, most
of them registers. Operands are shown as an assignment or an expression: named
registers by name, temporaries as r5, constants by their repr, jumps by label.
`_opcode` knows what the operands of each instruction are.
"""

import collections
import io
import sys
import types

from _opcode import _caches, _decode
from _opcode_metadata import _forms
from opcode import *
from opcode import (
    __all__ as _opcodes_all,
    _intrinsic_1_descs,
    _intrinsic_2_descs,
    _nb_ops,
    _special_method_names,
    _specializations,
    _specialized_opmap,
)

__all__ = ["code_info", "dis", "disassemble", "distb", "disco",
           "findlinestarts", "findlabels", "show_code",
           "get_instructions", "Instruction", "Bytecode"] + _opcodes_all
del _opcodes_all

_WORD = 8
_OPNAME_WIDTH = 20
_NO_LINENO = "  --"

_have_code = (types.MethodType, types.FunctionType, types.CodeType,
              classmethod, staticmethod, type)

deoptmap = {special: general for general, forms in _specializations.items() for special in forms}
_all_opmap = {**opmap, **_specialized_opmap}
_all_opname = list(opname)
for _name, _number in _all_opmap.items():
    _all_opname[_number] = _name
del _name, _number

COMPILER_FLAG_NAMES = {
    1: "OPTIMIZED",
    2: "NEWLOCALS",
    4: "VARARGS",
    8: "VARKEYWORDS",
    16: "NESTED",
    32: "GENERATOR",
    64: "NOFREE",
    128: "COROUTINE",
    256: "ITERABLE_COROUTINE",
    512: "ASYNC_GENERATOR",
    0x4000000: "HAS_DOCSTRING",
    0x8000000: "METHOD",
}

# Signs of the operators, for the instructions that compute one.
_SIGNS = {
    "ADD": "+", "SUBTRACT": "-", "MULTIPLY": "*", "MATRIX_MULTIPLY": "@", "TRUE_DIVIDE": "/",
    "FLOOR_DIVIDE": "//", "MODULO": "%", "POWER": "**", "LSHIFT": "<<", "RSHIFT": ">>",
    "AND": "&", "OR": "|", "XOR": "^",
}
_OPERATORS = {"BINARY_" + name: sign for name, sign in _SIGNS.items()}
_OPERATORS |= {"INPLACE_" + name: sign + "=" for name, sign in _SIGNS.items()}
_OPERATORS |= {
    "COMPARE_LT": "<", "COMPARE_LE": "<=", "COMPARE_EQ": "==", "COMPARE_NE": "!=",
    "COMPARE_GT": ">", "COMPARE_GE": ">=", "COMPARE_IS": "is", "COMPARE_IS_NOT": "is not",
    "CONTAINS": "in", "CONTAINS_NOT": "not in",
}
_PREFIXES = {"UNARY_NEGATIVE": "-", "UNARY_POSITIVE": "+", "UNARY_INVERT": "~", "UNARY_NOT": "not "}
# Argument and what it stands for, of instructions that are one kind of CPython's.
_ARGUMENTS = {
    name: (nb, nb)
    for nb, (_, sign) in enumerate(_nb_ops)
    for name in _OPERATORS
    if name.startswith(("BINARY_", "INPLACE_")) and _OPERATORS[name] == sign
}
_ARGUMENTS["BINARY_SUBSCR"] = (len(_nb_ops) - 1,) * 2
_ARGUMENTS |= {
    name: (cmp_op.index(sign), sign)
    for name, sign in _OPERATORS.items() if name.startswith("COMPARE_") and sign in cmp_op
}
_ARGUMENTS |= {
    "COMPARE_IS": (0, 0), "COMPARE_IS_NOT": (1, 1), "CONTAINS": (0, 0), "CONTAINS_NOT": (1, 1),
    "LOAD_ASSERTION_ERROR": (0, AssertionError), "LOAD_COMMON_CONSTANT": (1, NotImplementedError),
}
_CALLS = {"CALL": 0, "CALL_KW": 0, "CALL_METHOD": 1, "CALL_METHOD_KW": 1}
_BACKWARD = {"JUMP_BACKWARD", "FOR_ITER"}
_NUMBER_NAMES = {
    "LOAD_SPECIAL": tuple(_special_method_names),
    "CALL_INTRINSIC_1": tuple(_intrinsic_1_descs),
    "CALL_INTRINSIC_2": tuple(_intrinsic_2_descs),
    "LOAD_COMMON_CONSTANT": ("NotImplementedError",),
    "CONVERT_VALUE": ("", "str", "repr", "ascii"),
}
_FUNCTION_ATTRIBUTES = {1: "defaults", 2: "kwdefaults", 4: "annotations", 8: "closure", 16: "annotate"}


# ---- finding code ------------------------------------------------------------------------

def _try_compile(source, name):
    """Compile as an expression if possible, else as statements."""
    try:
        return compile(source, name, "eval")
    except SyntaxError:
        pass
    return compile(source, name, "exec")


def _inner_code(x):
    """What a function, method or generator-like object runs; else the object."""
    x = getattr(x, "__func__", x)
    for name in ("__code__", "gi_code", "ag_code", "cr_code"):
        if hasattr(x, name):
            return getattr(x, name)
    return x


def _unknown(x):
    return TypeError(f"don't know how to disassemble {type(x).__name__} objects")


def _get_code_object(x):
    x = _inner_code(x)
    if isinstance(x, str):
        x = _try_compile(x, "<disassembly>")
    if not hasattr(x, "co_code"):
        raise _unknown(x)
    return x


def _get_code_array(co, adaptive):
    return co._co_code_adaptive if adaptive else co.co_code


def _deoptop(op):
    name = _all_opname[op]
    return opmap[deoptmap[name]] if name in deoptmap else op


# ---- instructions ------------------------------------------------------------------------

Positions = collections.namedtuple(
    "Positions", ("lineno", "end_lineno", "col_offset", "end_col_offset"), defaults=(None,) * 4)


_Instruction = collections.namedtuple(
    "_Instruction",
    ("opname", "opcode", "arg", "argval", "argrepr", "offset", "start_offset",
     "starts_line", "line_number", "label", "positions", "cache_info"),
    defaults=(None, None, None))

_Instruction.opname.__doc__ = "Name of the operation"
_Instruction.opcode.__doc__ = "Number of the operation"
_Instruction.arg.__doc__ = "Argument as a number, None if there is none"
_Instruction.argval.__doc__ = "What the argument stands for, if that is known; else the same as arg"
_Instruction.argrepr.__doc__ = "The operands as text"
_Instruction.offset.__doc__ = "Where the instruction begins, in bytes"
_Instruction.start_offset.__doc__ = "The same as offset: nothing is put before an instruction"
_Instruction.starts_line.__doc__ = "True if a line of source begins here"
_Instruction.line_number.__doc__ = "Line of source, None if there is none"
_Instruction.label.__doc__ = "Number of the label if something jumps here, else None"
_Instruction.positions.__doc__ = "The Positions that the instruction covers"
_Instruction.cache_info.__doc__ = "The operands as bytes, which lie where CPython has caches"


def _jump_offset(name, arg, offset):
    return offset + _WORD + _WORD * (-arg if name in _BACKWARD else arg)


class Instruction(_Instruction):
    """One operation of a code object.

    The fields are:
      opname - name of the operation
      opcode - its number
      arg - argument as a number, or None if there is none
      argval - what the argument stands for, if known; else the same as arg
      argrepr - all operands as text
      offset - where the instruction begins, in bytes
      start_offset - the same
      starts_line - True if a line of source begins here
      line_number - line of source, or None
      label - number of the label if something jumps here, or None
      positions - Positions of the source this comes from, or None
      cache_info - the three operands, which lie where CPython has caches
    """

    @classmethod
    def make(cls, opname, arg, argval, argrepr, offset, start_offset, starts_line,
             line_number, label=None, positions=None, cache_info=None):
        """An instruction of that name."""
        return cls(opname, _all_opmap[opname], arg, argval, argrepr, offset, start_offset,
                   starts_line, line_number, label, positions, cache_info)

    @property
    def oparg(self):
        """Another name of arg."""
        return self.arg

    @property
    def baseopcode(self):
        """Number of the general form of a specialised operation."""
        return _deoptop(self.opcode)

    @property
    def baseopname(self):
        """Name of the general form of a specialised operation."""
        return opname[self.baseopcode]

    @property
    def cache_offset(self):
        """Where the operands begin: behind opcode and flags."""
        return self.offset + 2

    @property
    def end_offset(self):
        """Where the next instruction begins."""
        return self.offset + _WORD

    @property
    def jump_target(self):
        """Offset that the instruction may jump to; None if it never jumps."""
        if self.arg is None or self.baseopcode not in hasjump:
            return None
        return _jump_offset(self.baseopname, self.arg, self.offset)

    @property
    def is_jump_target(self):
        """True if something jumps here."""
        return self.label is not None

    def __str__(self):
        output = io.StringIO()
        Formatter(file=output).print_instruction(self, False)
        return output.getvalue()


class _Operands:
    """The operands of one instruction, sorted by use."""

    def __init__(self, form, operands, reader):
        self.written, self.sources, self.numbers = [], [], []
        self.name = self.count = self.keywords = self.jump = None
        for use, first, count in operands:
            if use == "write" or use == "clear":
                self.written += map(reader.register, range(first, first + count))
            elif use == "read":
                self.sources += map(reader.register, range(first, first + count))
            elif use == "constant":
                self.sources.append(reader.constant(first)[1])
            elif use == "number":
                self.numbers.append(first)
            elif use == "jump":
                self.jump = -first if form in _BACKWARD else first
            elif form in _CALLS:
                self.count, self.keywords = reader.call(first)
            else:
                self.name = reader.name(first)


class _Reader:
    """Makes text of operands, with what a code object says about names and constants."""

    def __init__(self, co=None):
        self.co = co
        self.consts = co.co_consts if co is not None else None
        self.caches = _caches(co) if co is not None else ()
        self.names = {name: i for i, name in enumerate(co.co_names)} if co is not None else {}
        self.counts = tuple(row[0] if isinstance(row, tuple) else 0 for row in self.caches)

    def decode(self, code):
        """(offset, opcode, operands) of each instruction."""
        if len(code) % _WORD:
            raise IndexError("index out of range")
        for i, (op, operands) in enumerate(_decode(code, self.counts)):
            yield i * _WORD, op, operands

    def register(self, r):
        if self.co is not None:
            try:
                return self.co._varname_from_oparg(r)
            except IndexError:
                pass
        return f"r{r}"

    def constant(self, i):
        if self.consts is None or i >= len(self.consts):
            return i, f"const[{i}]"
        return self.consts[i], repr(self.consts[i])

    def name(self, i):
        return self.caches[i] if i < len(self.caches) else f"name[{i}]"

    def call(self, i):
        return self.caches[i] if i < len(self.caches) else (None, ())

    def describe(self, op, code, operands, offset, labels):
        """(arg, argval, argrepr) of an instruction."""
        form, general = _forms.get(op), _deoptop(op)
        o = _Operands(form, operands, self)
        # What counts as the argument: the most telling operand.
        arg = argval = None
        if form in _ARGUMENTS:
            arg, argval = _ARGUMENTS[form]
        elif form == "RAISE_VARARGS":
            arg = argval = len(o.sources)
        elif form is None:
            # RESUME, where a frame begins.
            return code[offset + 1], code[offset + 1], ""
        elif not operands:
            return None, None, ""
        elif o.jump is not None:
            arg, argval = o.jump, _jump_offset(form, o.jump, offset)
        elif o.name is not None:
            arg, argval = self.names.get(o.name, 0), o.name
        elif o.count is not None:
            arg = argval = o.count
        elif general in hasconst:
            arg = operands[-1][1]
            argval = self.constant(arg)[0]
        elif general in haslocal or general in hasfree:
            place = 1 if form.startswith("LOAD_") else 0
            arg = operands[place][1]
            argval = self.register(arg)
        elif o.numbers:
            arg = argval = o.numbers[0]
        return arg, argval, self.text(form, o, argval, labels)

    def text(self, name, o, argval, labels):
        """The operands as an assignment, or an expression."""
        sources = o.sources
        value = ", ".join(sources)
        if o.jump is not None:
            target = f"to L{labels[argval]}" if argval in labels else f"to {argval}"
            value = f"{value}, {target}" if value else target
            if name == "FOR_ITER":
                value = f"{', '.join(o.written)} = next {value}"
            return value
        if name in _OPERATORS and len(sources) == 2:
            if name.startswith("INPLACE_") and o.written == sources[:1]:
                o.written = []
            value = f"{sources[0]} {_OPERATORS[name]} {sources[1]}"
        elif name in _PREFIXES:
            value = _PREFIXES[name] + value
        elif name in _CALLS and sources:
            value = self.call_text(sources, o, _CALLS[name])
        elif name in ("STORE_ATTR", "DELETE_ATTR"):
            target = f"{sources[0]}.{o.name}"
            value = " = ".join([target, *sources[1:]])
        elif name in ("STORE_NAME", "STORE_GLOBAL"):
            value = f"{o.name} = {value}"
        elif name in ("LOAD_ATTR", "LOAD_METHOD", "IMPORT_FROM"):
            value = f"{value}.{o.name}"
        elif name == "LOAD_SUPER_ATTR":
            value = f"{sources[0]}({', '.join(sources[1:])}).{o.name}"
        elif name == "IMPORT_NAME":
            value = f"{o.name}, {value}"
        elif name in ("BINARY_SUBSCR", "DELETE_SUBSCR"):
            value = f"{sources[0]}[{sources[1]}]"
        elif name == "STORE_SUBSCR":
            value = f"{sources[0]}[{sources[1]}] = {sources[2]}"
        elif name == "BINARY_SLICE":
            value = f"{sources[0]}[{sources[1]}:{sources[2]}]"
        elif name == "STORE_SLICE":
            value = f"{sources[0]}[{sources[2]}:{sources[3]}] = {sources[1]}"
        elif name == "STORE_DEREF":
            value = " = ".join(sources)
        elif name == "RAISE_VARARGS" and len(sources) == 2:
            value = " from ".join(sources)
        elif o.name is not None:
            value = f"{value}, {o.name}" if value else o.name
        elif name == "SET_FUNCTION_ATTRIBUTE":
            attribute = _FUNCTION_ATTRIBUTES.get(o.numbers[0], o.numbers[0])
            value = f"{sources[0]}, {attribute} = {sources[1]}"
        elif name == "LOAD_ASSERTION_ERROR":
            value = "AssertionError"
        elif name in _NUMBER_NAMES:
            names, number = _NUMBER_NAMES[name], o.numbers[0]
            shown = names[number] if number < len(names) else str(number)
            value = f"{value}, {shown}" if value else shown
        elif name in ("UNPACK_EX", "GET_AWAITABLE", "MATCH_CLASS", "BUILD_INTERPOLATION"):
            value = ", ".join([*sources, *map(str, o.numbers)])
        if o.written:
            written = ", ".join(o.written)
            return f"{written} = {value}" if value else written
        return value

    @staticmethod
    def call_text(sources, o, implied):
        """A call: `r4(r5, r6, key=r7)`, `r4(r5; r6)` if r5 may be self."""
        function, *arguments = sources
        given = arguments[implied:]
        if o.keywords:
            named = given[len(given) - len(o.keywords):]
            given = given[:len(given) - len(o.keywords)]
            given += [f"{key}={source}" for key, source in zip(o.keywords, named)]
        given = ", ".join(given)
        if implied:
            given = f"{arguments[0]}; {given}" if given else arguments[0]
        return f"{function}({given})"


# ---- what is in a code object --------------------------------------------------------------

_ExceptionTableEntry = collections.namedtuple(
    "_ExceptionTableEntry", "start end target depth lasti")


def _parse_varint(iterator):
    byte = next(iterator)
    value = byte & 63
    while byte & 64:
        byte = next(iterator)
        value = value << 6 | byte & 63
    return value


def _parse_exception_table(code):
    """The entries of co_exceptiontable, as offsets in bytes."""
    iterator = iter(code.co_exceptiontable)
    entries = []
    try:
        while True:
            start = _parse_varint(iterator) * 2
            end = start + _parse_varint(iterator) * 2
            target = _parse_varint(iterator) * 2
            depth = _parse_varint(iterator)
            entries.append(_ExceptionTableEntry(start, end, target, depth >> 1, bool(depth & 1)))
    except StopIteration:
        return entries


def _unpack_opargs(code):
    """(offset, start offset, opcode, argument) of each instruction of a codestring."""
    reader = _Reader()
    for offset, op, operands in reader.decode(code):
        arg, _, _ = reader.describe(op, code, operands, offset, {})
        yield offset, offset, op, arg


def findlabels(code):
    """Offsets that instructions of the codestring jump to, in the order of the jumps."""
    labels = []
    for offset, _, op, arg in _unpack_opargs(code):
        if arg is not None and _deoptop(op) in hasjump:
            target = _jump_offset(opname[_deoptop(op)], arg, offset)
            if target not in labels:
                labels.append(target)
    return labels


def _make_labels_map(code, exception_entries=()):
    """Offset to number of label, numbered as they lie."""
    offsets = set(findlabels(code))
    for entry in exception_entries:
        offsets.update((entry.start, entry.end, entry.target))
    return {offset: i for i, offset in enumerate(sorted(offsets), 1)}


def findlinestarts(code):
    """Where lines of source begin in a code object: (offset, line) pairs.

    The line is None where instructions belong to none.
    """
    previous = ...
    for start, _, line in code.co_lines():
        if line != previous:
            previous = line
            yield start, line


def _find_imports(co):
    """(name, level, fromlist) of each import in the code."""
    held = {}
    reader = _Reader(co)
    for _, op, operands in reader.decode(co.co_code):
        if opname[op] == "IMPORT_NAME":
            level, fromlist, name = None, None, None
            for use, first, count in operands:
                if use == "read":
                    level, fromlist = held.get(first), held.get(first + 1)
                elif use == "cache":
                    name = reader.name(first)
            if isinstance(level, int) and (fromlist is None or isinstance(fromlist, tuple)):
                yield name, level, fromlist
            continue
        values = [reader.constant(first)[0] for use, first, _ in operands if use == "constant"]
        for use, first, count in operands:
            if use == "write":
                for i in range(count):
                    held[first + i] = values[i] if len(values) == count else ...


def _find_store_names(co):
    """Names that the code assigns as globals or in a namespace, each once."""
    seen = set()
    reader = _Reader(co)
    for _, op, operands in reader.decode(co.co_code):
        if opname[op] in ("STORE_NAME", "STORE_GLOBAL"):
            for use, first, _ in operands:
                if use == "cache" and (name := reader.name(first)) not in seen:
                    seen.add(name)
                    yield name


def pretty_flags(flags):
    """The names of co_flags, unnamed bits in hexadecimal."""
    names = []
    bit = 1
    while flags:
        if flags & bit:
            names.append(COMPILER_FLAG_NAMES.get(bit, hex(bit)))
            flags ^= bit
        bit <<= 1
    return ", ".join(names) or "0x0"


def _format_code_info(co):
    lines = [
        f"Name:              {co.co_name}",
        f"Filename:          {co.co_filename}",
        f"Argument count:    {co.co_argcount}",
        f"Positional-only arguments: {co.co_posonlyargcount}",
        f"Kw-only arguments: {co.co_kwonlyargcount}",
        f"Number of locals:  {co.co_nlocals}",
        f"Stack size:        {co.co_stacksize}",
        f"Flags:             {pretty_flags(co.co_flags)}",
    ]
    for title, items, show in (
        ("Constants", co.co_consts, repr),
        ("Names", co.co_names, str),
        ("Variable names", co.co_varnames, str),
        ("Cell variables", co.co_cellvars, str),
        ("Free variables", co.co_freevars, str),
    ):
        if items:
            lines.append(f"{title}:")
            lines += [f"{i:4d}: {show(item)}" for i, item in enumerate(items)]
    return "\n".join(lines)


def code_info(x):
    """Facts about a function, method, generator, string of source or code object."""
    return _format_code_info(_get_code_object(x))


def show_code(co, *, file=None):
    """Print what code_info() tells, to file or to standard output."""
    print(code_info(co), file=file)


# ---- instructions of a code object -----------------------------------------------------------

def _instructions(reader, code, labels, linestarts=None, line_offset=0, positions=None,
                  adaptive=False):
    """The Instruction objects of a codestring."""
    line = None
    shown = ...
    for offset, op, operands in reader.decode(code):
        arg, argval, argrepr = reader.describe(op, code, operands, offset, labels)
        starts = False
        if linestarts and offset in linestarts:
            line = linestarts[offset]
            starts = line != shown
            shown = line
        # There is a row for every two bytes of code.
        rows = [next(positions, ()) for _ in range(_WORD // 2)] if positions is not None else None
        shown_op = op if adaptive else _deoptop(op)
        yield Instruction(
            _all_opname[shown_op], shown_op, arg, argval, argrepr, offset, offset, starts,
            line + line_offset if line is not None else None,
            labels.get(offset), Positions(*rows[0]) if rows else None,
            [("operands", 3, bytes(code[offset + 2:offset + _WORD]))])


def _get_instructions(co, line_offset=0, adaptive=False, exceptions=None):
    code = _get_code_array(co, adaptive)
    if exceptions is None:
        exceptions = _parse_exception_table(co)
    return _instructions(
        _Reader(co), code, _make_labels_map(code, exceptions),
        dict(findlinestarts(co)), line_offset, iter(co.co_positions()), adaptive)


def get_instructions(x, *, first_line=None, show_caches=None, adaptive=False):
    """Iterate over the operations of a function, method, code object or string of source.

    *first_line* is the line to count from instead of the code's own. *show_caches*
    changes nothing: caches are not part of the code; with *adaptive*, specialised operations are shown as they are.
    """
    co = _get_code_object(x)
    line_offset = first_line - co.co_firstlineno if first_line is not None else 0
    return _get_instructions(co, line_offset, adaptive)


# ---- printing ----------------------------------------------------------------------------------

class Formatter:
    """Prints instructions in columns."""

    def __init__(self, file=None, lineno_width=0, offset_width=0, label_width=0,
                 *, show_positions=False):
        self.file = file
        self.lineno_width = lineno_width
        self.offset_width = offset_width
        self.label_width = label_width
        self.show_positions = show_positions

    def print_instruction(self, instr, mark_as_current=False):
        """One line; an empty one before it where a line of source begins."""
        if self.lineno_width and instr.starts_line and instr.offset > 0:
            print(file=self.file)
        fields = []
        if self.lineno_width:
            if self.show_positions:
                fields.append(_position_text(instr.positions).ljust(self.lineno_width))
            elif instr.starts_line:
                line = instr.line_number
                text = _NO_LINENO if line is None else str(line)
                fields.append(text.rjust(self.lineno_width))
            else:
                fields.append(" " * self.lineno_width)
        label = f"L{instr.label}:" if instr.label is not None else ""
        fields.append(label.rjust(self.label_width))
        if self.offset_width:
            fields.append(str(instr.offset).rjust(self.offset_width) + "  ")
        fields.append("-->" if mark_as_current else "   ")
        if instr.argrepr:
            fields.append(f"{instr.opname:<{_OPNAME_WIDTH}} {instr.argrepr}")
        else:
            fields.append(instr.opname)
        print(" ".join(fields).rstrip(), file=self.file)

    def print_exception_table(self, exception_entries, labels):
        """The handlers, by labels."""
        if not exception_entries:
            return
        print("ExceptionTable:", file=self.file)
        for start, end, target, depth, lasti in exception_entries:
            suffix = " lasti" if lasti else ""
            print(f"  L{labels[start]} to L{labels[end]} -> L{labels[target]} [{depth}]{suffix}",
                  file=self.file)


def _position_text(positions):
    if positions is None or positions.lineno is None:
        return _NO_LINENO
    line, end, column, end_column = ("?" if n is None else n for n in positions)
    if end == "?":
        end = line
    return f"{line}:{column}-{end}:{end_column}"


def _disassemble(co, lasti, file, *, adaptive, show_offsets, show_positions,
                 line_offset=0, exceptions=None):
    linestarts = dict(findlinestarts(co))
    if exceptions is None:
        exceptions = _parse_exception_table(co)
    code = _get_code_array(co, adaptive)
    labels = _make_labels_map(code, exceptions)
    lines = [line for line in linestarts.values() if line is not None]
    width = 0
    if lines and show_positions:
        texts = {_position_text(Positions(*row)) for row in co.co_positions()}
        width = max(map(len, texts), default=0) + 1
    elif lines:
        width = max(3, len(str(max(lines) + line_offset)))
        if len(lines) < len(linestarts):
            width = max(width, len(_NO_LINENO))
    formatter = Formatter(
        file, width, max(4, len(str(len(code)))) if show_offsets else 0,
        4 + len(str(len(labels))), show_positions=show_positions)
    _print_instructions(
        _instructions(_Reader(co), code, labels, linestarts, line_offset,
                      iter(co.co_positions()), adaptive),
        formatter, lasti)
    formatter.print_exception_table(exceptions, labels)


def _print_instructions(instructions, formatter, lasti):
    for instr in instructions:
        current = instr.offset <= lasti < instr.end_offset
        formatter.print_instruction(instr, current)


def disassemble(co, lasti=-1, *, file=None, show_caches=False, adaptive=False,
                show_offsets=False, show_positions=False):
    """Print the operations of a code object, the one at offset *lasti* marked."""
    _disassemble(co, lasti, file, adaptive=adaptive, show_offsets=show_offsets,
                 show_positions=show_positions)


disco = disassemble


def _disassemble_recursive(co, *, file=None, depth=None, **options):
    disassemble(co, file=file, **options)
    if depth is not None:
        if depth <= 0:
            return
        depth -= 1
    for constant in co.co_consts:
        if hasattr(constant, "co_code"):
            print(file=file)
            print(f"Disassembly of {constant!r}:", file=file)
            _disassemble_recursive(constant, file=file, depth=depth, **options)


def _disassemble_bytes(code, *, file=None, show_offsets=False):
    reader = _Reader()
    labels = _make_labels_map(code)
    formatter = Formatter(
        file, 0, max(4, len(str(len(code)))) if show_offsets else 0, 4 + len(str(len(labels))))
    _print_instructions(_instructions(reader, code, labels), formatter, -1)


def dis(x=None, *, file=None, depth=None, show_caches=False, adaptive=False,
        show_offsets=False, show_positions=False):
    """Disassemble a class, module, function, method, generator, string of source,
    code object or codestring; without an argument, the last traceback.

    Code inside the code is shown too, down to *depth* if that is not None.
    """
    options = dict(show_caches=show_caches, adaptive=adaptive, show_offsets=show_offsets,
                   show_positions=show_positions)
    if x is None:
        distb(file=file, **options)
        return
    x = _inner_code(x)
    if hasattr(x, "__dict__"):
        for name, value in sorted(x.__dict__.items()):
            if isinstance(value, _have_code):
                print(f"Disassembly of {name}:", file=file)
                try:
                    dis(value, file=file, depth=depth, **options)
                except TypeError as error:
                    print("Sorry:", error, file=file)
                print(file=file)
    elif hasattr(x, "co_code"):
        _disassemble_recursive(x, file=file, depth=depth, **options)
    elif isinstance(x, (bytes, bytearray)):
        _disassemble_bytes(x, file=file, show_offsets=show_offsets)
    elif isinstance(x, str):
        _disassemble_recursive(_try_compile(x, "<dis>"), file=file, depth=depth, **options)
    else:
        raise _unknown(x)


def distb(tb=None, *, file=None, show_caches=False, adaptive=False,
          show_offsets=False, show_positions=False):
    """Disassemble the innermost frame of a traceback (by default the last one)."""
    if tb is None:
        try:
            if hasattr(sys, "last_exc"):
                tb = sys.last_exc.__traceback__
            else:
                tb = sys.last_traceback
        except AttributeError:
            raise RuntimeError("no last traceback to disassemble") from None
        while tb.tb_next:
            tb = tb.tb_next
    disassemble(tb.tb_frame.f_code, tb.tb_lasti, file=file, show_caches=show_caches,
                adaptive=adaptive, show_offsets=show_offsets, show_positions=show_positions)


class Bytecode:
    """The operations of a function, method, string of source or code object.

    Iterating over it gives Instruction objects.
    """

    def __init__(self, x, *, first_line=None, current_offset=None, show_caches=False,
                 adaptive=False, show_offsets=False, show_positions=False):
        self.codeobj = co = _get_code_object(x)
        if first_line is None:
            self.first_line = co.co_firstlineno
            self._line_offset = 0
        else:
            self.first_line = first_line
            self._line_offset = first_line - co.co_firstlineno
        self._linestarts = dict(findlinestarts(co))
        self._original_object = x
        self.current_offset = current_offset
        self.exception_entries = _parse_exception_table(co)
        self.show_caches = show_caches
        self.adaptive = adaptive
        self.show_offsets = show_offsets
        self.show_positions = show_positions

    def __iter__(self):
        return _get_instructions(self.codeobj, self._line_offset, self.adaptive,
                                 self.exception_entries)

    def __repr__(self):
        return f"{type(self).__name__}({self._original_object!r})"

    @classmethod
    def from_traceback(cls, tb, *, show_caches=False, adaptive=False):
        """The code that the innermost frame of a traceback runs."""
        while tb.tb_next:
            tb = tb.tb_next
        return cls(tb.tb_frame.f_code, current_offset=tb.tb_lasti,
                   show_caches=show_caches, adaptive=adaptive)

    def info(self):
        """Facts about the code object."""
        return _format_code_info(self.codeobj)

    def dis(self):
        """The operations as text."""
        output = io.StringIO()
        lasti = -1 if self.current_offset is None else self.current_offset
        _disassemble(self.codeobj, lasti, output, adaptive=self.adaptive,
                     show_offsets=self.show_offsets, show_positions=self.show_positions,
                     line_offset=self._line_offset, exceptions=self.exception_entries)
        return output.getvalue()


def main(args=None):
    """The command line."""
    import argparse

    parser = argparse.ArgumentParser(color=True)
    for short, long, text in (
        ("-C", "--show-caches", "show inline caches"),
        ("-O", "--show-offsets", "show instruction offsets"),
        ("-P", "--show-positions", "show instruction positions"),
        ("-S", "--specialized", "show specialized bytecode"),
    ):
        parser.add_argument(short, long, action="store_true", help=text)
    parser.add_argument("infile", nargs="?", default="-")
    options = parser.parse_args(args)
    if options.infile == "-":
        name, source = "<stdin>", sys.stdin.buffer.read()
    else:
        name = options.infile
        with open(name, "rb") as infile:
            source = infile.read()
    dis(compile(source, name, "exec"), show_caches=options.show_caches,
        adaptive=options.specialized, show_offsets=options.show_offsets,
        show_positions=options.show_positions)


if __name__ == "__main__":
    main()
