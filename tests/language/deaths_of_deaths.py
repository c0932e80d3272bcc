# Finalizers that make what has a finalizer are bounded like any calls, and the
# frames of the exception that ends a program die before it does.
import sys
sys.unraisablehook = lambda args: print('ignored:', args.exc_type.__name__)
sys.setrecursionlimit(150)
count = 0
class Hydra(dict):
    def __del__(self):
        global count
        count += 1
        if count > 100_000: raise SystemExit
        assert Hydra(x=0)
def grow():
    one = Hydra()
grow()
print(100 < count < 200)

class Last:
    def __del__(self): print('dies')
def fail():
    last = Last()
    raise KeyError('the end')
fail()
