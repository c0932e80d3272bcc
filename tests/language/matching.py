"""match statements."""
class Point:
    __match_args__ = ("x", "y")
    def __init__(self, x, y): self.x, self.y = x, y

def what(v):
    match v:
        case 0 | 1: return "small"
        case int(n) if n < 0: return f"negative {n}"
        case "hello": return "greeting"
        case str(): return "text"
        case []: return "empty"
        case [x]: return f"one {x}"
        case [1, *rest]: return f"starts with 1, then {rest}"
        case [a, [b, c], *_]: return f"nested {a} {b} {c}"
        case {"type": "a", "v": val, **rest}: return f"a {val} {rest}"
        case {"k": [first, *_]}: return f"first {first}"
        case Point(0, 0): return "origin"
        case Point(x=0, y=yy): return f"on y axis {yy}"
        case Point(a, b) as p: return f"point {a} {b} {p.x}"
        case None: return "none"
        case True | False: return "bool"
        case float() as f: return f"float {f}"
        case _: return "other"
for v in (0, True, -5, 7, "hello", "x", [], [5], [1, 2, 3], [2, [3, 4], 5], {"type": "a", "v": 1, "z": 2}, {"k": "str"}, {"k": [9]},
          Point(0, 0), Point(0, 3), Point(1, 2), None, 2.5, (1, 2), {1, 2}, b"bytes"):
    print(what(v))
try:
    match 1:
        case Point(1, 2, 3): pass
    match Point(1, 2):
        case Point(1, 2, 3): pass
except TypeError as error:
    print(error)
