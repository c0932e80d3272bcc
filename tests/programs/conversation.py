"""The interactive interpreter on a pipe."""
from support import directory, run

TYPED = r'''
print(1)
1+1
_
def f(x):
    return x / 0

f(1)
class A:
    pass

A()
if 1:
    print("a")
else:
    print("b")

x = [
1,
2]
x
"a\
b"
def (:
1 +
import nope
raise SystemExit(3) if 0 else ValueError("v")
import sys; sys.ps1 = "in> "
print("x", file=sys.stderr)
for i in range(2): i

try:
    1/0
except Exception as e:
    raise KeyError from e

  indented
None
"é"
import sys; [sys.ps2, __name__, __doc__, __file__ if "__file__" in dir() else None, sys.argv, sys.path[0]]
@
lambda: (yield)
x = 3; x; x
# comment

assert 0, "m"
"\x41\
b"
sys.last_value
sys.last_exc, sys.last_type
del sys.ps2
"x" is "y"
"\d"
await x
exit(4)
'''

with directory(prog="value = 3\nprint('ran')\n", fails="1/0\n", start="print('started')\n") as d:
    run("-i", "-q", input=TYPED, cwd=d)
    run("-i", "-q", cwd=d)
    run("-i", "-q", input="print(1)\n1+1", cwd=d)
    run("-i", "-q", input="def f():\n", cwd=d)
    run("-i", "-q", input="if 1:\n    print(2)\n", cwd=d)
    run("-i", "-q", input="from __future__ import annotations\ndef f(x: nope): pass\n\nf.__annotations__\n", cwd=d)
    run("-i", "prog.py", input="value\n", cwd=d)
    run("-i", "fails.py", input="1\n", cwd=d)
    run("-i", "-c", "a = 2", input="a\n", cwd=d)
    run("-q", input="1\nprint(2)\n", cwd=d)
    run("-", input="print(__name__)\n1/0\n", cwd=d)
    run("-q", "-i", input="", cwd=d, PYTHONSTARTUP=d + "/start.py")
