# OrderedDict with keys whose hash or comparison a program changes.
from collections import OrderedDict

class Moving:
    def __init__(self): self.n = 0
    def __hash__(self):
        self.n += 1
        return self.n * 1000003
    def __repr__(self): return 'Moving'

od = OrderedDict()
for i in range(3): od[Moving()] = i
for f in (lambda: list(od.values()), lambda: list(od.items()), lambda: repr(od), od.copy):
    try: print(f())
    except KeyError as e: print('KeyError', e)
for f in (lambda: list(od), lambda: list(od.keys())):
    try: print(f())
    except KeyError as e: print("KeyError", e)

class Key:
    armed, calls = False, 0
    def __hash__(self): return 1
    def __eq__(self, other):
        if Key.armed:
            Key.calls += 1
            if Key.calls == 2: od.clear()
        return self is other

od = OrderedDict()
od[Key()] = 1
od[Key()] = 2
Key.armed = True
try: od.copy()
except RuntimeError as e: print(e)

class Deleting:
    count = 0
    def __hash__(self): return 7
    def __eq__(self, other):
        if Deleting.count == 0: del a[key]
        Deleting.count += 1
        return True

key = Deleting()
a = OrderedDict.fromkeys((0, key, 4.2))
b = OrderedDict.fromkeys((0, Deleting(), 4.2))
print(a != b, Deleting.count, a)
