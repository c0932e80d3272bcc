"""dis: what does not depend on the bytecode."""

import dis
import inspect
import io
import opcode
import os
import subprocess
import sys
import tempfile


def simple(a, b=2):
    c = a + b
    d = c * 2

    return d


def branches(items):
    total = 0
    for item in items:
        try:
            with item as value:
                total += value
        except OSError as error:
            print(error)
    return [x for x in items if x], total


def generator(n):
    while n:
        yield n
        n -= 1


class Box:
    limit = 3

    def get(self):
        return lambda: self.limit

    @classmethod
    def make(cls):
        return cls()

    @staticmethod
    def nothing():
        pass


print("== interface")
for name in ("dis", "disassemble", "distb", "show_code", "code_info", "get_instructions",
             "findlinestarts", "findlabels", "Bytecode", "Instruction", "Positions"):
    print(name, inspect.signature(getattr(dis, name)))
print(sorted(set(dis.__all__)))
print(dis.disco is dis.disassemble, dis.Instruction._fields)
print(dis.COMPILER_FLAG_NAMES, dis.cmp_op, dis.hasjabs)
print(dis.pretty_flags(0), dis.pretty_flags(3), dis.pretty_flags(0x2f | 1 << 29))

print("== tables agree")
print(dis.opmap is opcode.opmap, all(dis.opname[n] == name for name, n in dis.opmap.items()))
for name in ("RETURN_VALUE", "YIELD_VALUE", "LOAD_CONST", "LOAD_GLOBAL", "LOAD_ATTR", "CALL", "FOR_ITER",
             "EXTENDED_ARG", "BINARY_OP", "COMPARE_OP", "SEND", "NOP", "POP_TOP", "RERAISE"):
    print(name, name in dis.opmap, end="; ")
print()
print(dis.opmap["LOAD_CONST"] in dis.hasconst, dis.opmap["LOAD_GLOBAL"] in dis.hasname,
      dis.opmap["STORE_DEREF"] in dis.hasfree, dis.opmap["JUMP_FORWARD"] in dis.hasjrel,
      dis.opmap["COMPARE_OP"] in dis.hascompare, dis.opmap["LOAD_GLOBAL"] in dis.hasconst)

print("== instructions")
for code in (simple.__code__, branches.__code__, generator.__code__, Box.get.__code__):
    found = list(dis.get_instructions(code))
    print(code.co_name,
          [i.offset for i in found][:1],
          all(a.end_offset == b.start_offset for a, b in zip(found, found[1:])),
          found[-1].end_offset == len(code.co_code),
          {i.jump_target for i in found} - {None} <= {i.offset for i in found if i.is_jump_target},
          [i.label for i in found if i.label] == list(range(1, sum(i.is_jump_target for i in found) + 1)),
          set(dis.findlabels(code.co_code)) <= {i.offset for i in found if i.is_jump_target},
          all(i.opname == dis.opname[i.opcode] and i.oparg == i.arg for i in found),
          all(i.opname == i.baseopname and i.opcode == i.baseopcode for i in found),
          all(i.jump_target is None for i in found if i.opcode not in dis.hasjump))
first = simple.__code__.co_firstlineno
# CPython has an instruction on the line of `def`.
print([line - first for _, line in dis.findlinestarts(simple.__code__) if line > first])
print([i.line_number for i in dis.get_instructions(simple, first_line=100)
       if i.starts_line and i.line_number > 100])
print({i.positions.lineno - first for i in dis.get_instructions(simple)} - {0})
print(sorted({i.argval for i in dis.get_instructions("print(a.b, c)\ndel q") if i.opcode in dis.hasname}))
print([i.argval for i in dis.get_instructions("x[0] < y; x == y") if i.opname == "COMPARE_OP"])
print(dis.Positions(None, None, None, None) in [i.positions for i in dis.get_instructions(generator)],
      None in [line for _, line in dis.findlinestarts(generator.__code__)], dis.Positions(1))
print(all((i.arg is None) == (i.opcode not in dis.hasarg) for i in dis.get_instructions(branches)))
by_hand = dis.Instruction("NOP", dis.opmap["NOP"], None, None, "", 8, 8, True, 3)
print(by_hand._replace(opcode=0), str(by_hand).split(), by_hand.is_jump_target, by_hand.jump_target)
print(str(by_hand._replace(label=2)).split())

print("== closure variables")
print(sorted(inspect.getclosurevars(lambda: print(opcode.opmap.missing, nowhere.get())).unbound))


def text(function, *args, **kwargs):
    file = io.StringIO()
    function(*args, file=file, **kwargs)
    return file.getvalue()


def headings(shown):
    return [line.split(" at 0x")[0] for line in shown.splitlines() if line.startswith("Disassembly")]


print("== headings")
source = "def f():\n    class C:\n        def m(self): pass\n    return lambda: 1\n"
for depth in (None, 0, 1, 2):
    print(depth, headings(text(dis.dis, source, depth=depth)))
print(headings(text(dis.dis, Box)))
print(headings(text(dis.dis, Box())), repr(text(dis.dis, Box())))
print("ExceptionTable:" in text(dis.dis, branches), "ExceptionTable:" in text(dis.dis, simple))


def numbers(shown):
    return [line.split()[0] for line in shown.splitlines() if line[:4].strip() and line.split()[0].isdigit()]


print("== columns")
lines = numbers(text(dis.dis, simple))
print([int(n) - first for n in lines if int(n) > first])
print([n for n in numbers(text(dis.dis, "a\nb\n\n\nc")) if n != "0"])
print(numbers(text(dis.dis, "\n" * 12000 + "y"))[-1])
long = [line for line in text(dis.dis, branches, show_offsets=True).splitlines() if line and "-> " not in line]
offsets = [i.offset for i in dis.get_instructions(branches)]
print([next(int(w) for w in line[5:].split() if w.isdigit()) for line in long[:len(offsets)]] == offsets)
print([line.split()[0] for line in text(dis.dis, "y = (\n1 + x)", show_positions=True).splitlines()
       if "x" in line])
print(text(dis.disassemble, simple.__code__, 0).split()[1],
      text(dis.disassemble, simple.__code__).count("-->"))

print("== code_info")


def parameters(a, b, /, c, *d, e=1, **k):
    def inner():
        return x, a
    x = inner
    print(x, c.foo)


def without(info, *starts):
    """Leave out what depends on the compiler."""
    return [line for line in info.splitlines() if not line.startswith(("Stack size", "Filename", *starts))]


def sections(info):
    title, out = None, {}
    for line in info.splitlines():
        if line.endswith(":"):
            title = line
            out[title] = []
        elif title:
            out[title].append(line.split(": ", 1)[1])
    return out


shown = dis.code_info(parameters)
print("\n".join(without(shown)[:6]))
for title, items in sections(shown).items():
    if title != "Constants:":
        print(title, sorted(items))
print(without(dis.code_info("1 + a"))[:6], sections(dis.code_info("1 + a"))["Names:"])
print(without(dis.code_info(generator(1)))[:1], dis.code_info(generator(1)) == dis.code_info(generator))
print(text(dis.show_code, Box.make) == dis.code_info(Box.make) + "\n")
print(dis.Bytecode(simple).info() == dis.code_info(simple))

print("== Bytecode")
code = dis.Bytecode(simple)
print([i.opname for i in code] == [i.opname for i in dis.get_instructions(simple)],
      code.dis() == text(dis.dis, simple), code.codeobj is simple.__code__,
      code.first_line - first, code.current_offset, repr(code).split(" at ")[0])
print(dis.Bytecode(simple, first_line=5).first_line,
      [n for n in numbers(dis.Bytecode(simple, first_line=5).dis()) if n != "5"])


def fails():
    if simple(1):
        return 1 / 0


try:
    fails()
except ZeroDivisionError as error:
    caught = error.__traceback__
code = dis.Bytecode.from_traceback(caught)
print(code.codeobj.co_name, code.current_offset == caught.tb_next.tb_lasti, code.dis().count("-->"))
print([i.line_number - fails.__code__.co_firstlineno for i in code if i.offset == code.current_offset])
print(text(dis.distb, caught.tb_next) == code.dis())
sys.last_exc = caught and ZeroDivisionError().with_traceback(caught)
print(text(dis.distb) == code.dis(), text(dis.dis) == code.dis())
del sys.last_exc

print("== errors")
for function in (dis.dis, dis.code_info, dis.get_instructions, dis.Bytecode, dis.show_code,
                 dis.disassemble, dis.distb):
    for argument in (1, [], None, "x =", b"abc", Ellipsis):
        try:
            with open(os.devnull, "w") as null:
                sys.stdout, keep = null, sys.stdout
                try:
                    function(argument)
                finally:
                    sys.stdout = keep
        except Exception as error:
            print(function.__name__, repr(argument), type(error).__name__, error)
for call in ("dis.dis(1, 2)", "dis.findlabels()", "dis.Bytecode()", "dis.stack_effect(30000)",
             "list(dis.findlinestarts(1))"):
    try:
        eval(call)
    except Exception as error:
        print(call, type(error).__name__, error)

print("== tables of positions and handlers")
print(list(simple.__code__.replace(co_linetable=b"").co_lines()),
      {p for p in simple.__code__.replace(co_linetable=b"").co_positions()})
print(list(dis.findlinestarts(simple.__code__.replace(co_linetable=b""))))
moved = simple.__code__.replace(co_firstlineno=1001)
print([line for _, line in dis.findlinestarts(moved) if line > 1001])
again = branches.__code__.replace(co_linetable=branches.__code__.co_linetable)
print(again == branches.__code__, list(again.co_positions()) == list(branches.__code__.co_positions()))
entries = dis.Bytecode(branches).exception_entries
print(len(entries) > 2, simple.__code__.co_exceptiontable, dis.Bytecode(simple).exception_entries,
      all(e.start < e.end and e.target < len(branches.__code__.co_code) for e in entries),
      all(a.end <= b.start for a, b in zip(entries, entries[1:])))

print("== command line")
with tempfile.TemporaryDirectory() as folder:
    name = os.path.join(folder, "program.py")
    with open(name, "w") as file:
        file.write(source)

    def run(*args, **kwargs):
        return subprocess.run([sys.executable, "-m", "dis", *args], capture_output=True, text=True, **kwargs)

    print([line.replace(folder, "") for line in headings(run(name).stdout)])
    for options in ("-C", "-O", "-P", "-S", "-COPS"):
        done = run(options, name)
        print(options, done.returncode, len(headings(done.stdout)), repr(done.stderr))
    done = run(input="lambda: 1\n")
    print(done.returncode, headings(done.stdout), "<stdin>" in done.stdout)
    print(run("-", input="x =\n").stderr.splitlines()[-1])
    print(run(name + "x").stderr.splitlines()[-1].replace(folder, ""))
    print(run("--nothing").stderr.splitlines()[-1].split("-m ")[1])
