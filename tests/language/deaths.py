"""Objects die when CPython's do."""
import sys

log = []
class Noisy:
    def __init__(self, name): self.name = name
    def __del__(self): log.append(self.name)

def flush(label):
    print(label, log)
    log.clear()

def local():
    a = Noisy("local")
    flush("inside")
local(); flush("after return")
Noisy("temporary"); flush("temporary")
x = Noisy("one"); x = Noisy("two"); flush("rebound")
del x; flush("deleted")
l = [Noisy("item0"), Noisy("item1")]
l.pop(0); flush("popped")
l.clear(); flush("cleared")
def arg(a): a = None; flush("argument rebound")
arg(Noisy("argument")); flush("after call")
def ret(): return Noisy("returned")
ret(); flush("result dropped")
len([Noisy("in list")]); flush("after len")
(Noisy("left"), Noisy("right"))[0]; flush("tuple item")
for i in [Noisy("loop0"), Noisy("loop1")]:
    flush("loop body")
del i; flush("after loop")
def gen():
    a = Noisy("in generator")
    yield 1
    yield 2
g = gen(); next(g); del g; flush("generator dropped")
try:
    raise ValueError(Noisy("exception argument"))
except ValueError as e:
    pass
flush("after except")
d = {"k": Noisy("value")}
d["k"] = None; flush("dict value replaced")
class Cycle:
    def __del__(self): log.append("cycle")
c = Cycle(); c.me = c; del c; flush("cycle still there")
import gc; gc.collect(); flush("collected")
class Revive:
    def __del__(self): global saved; saved = self; log.append("revived")
r = Revive(); del r; flush("resurrection")
print(type(saved).__name__); del saved; flush("second death is silent")
deep = []
for _ in range(100000): deep = [deep]
del deep; print("deep list gone")
a = Noisy("swap a"); b = Noisy("swap b"); a, b = b, a; del a; flush("swapped"); del b; flush("both")
def closure():
    n = Noisy("captured")
    return lambda: n
k = closure(); flush("closure alive"); del k; flush("closure gone")
f"{Noisy('formatted').name}"; flush("formatted")
