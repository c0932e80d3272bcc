def f(a, w):
    return f"{a!r:>{w}} and {a}", t"{a=} {w:x}"
