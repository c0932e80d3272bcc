def f(a, b):
    while a and b is not None:
        if a == 1 or not b:
            continue
        if b in {1, 2}:
            break
        a = a and b
    return a
