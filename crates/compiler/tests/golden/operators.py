def f(a, b):
    x = a + b * 2
    x += g(x, 1)
    a, b = b, a
    return -x if 0 < x <= b else not a
