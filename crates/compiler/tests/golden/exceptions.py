def f():
    try:
        g()
    except (A, B) as e:
        h(e)
    finally:
        done()
def star():
    try:
        g()
    except* A as e:
        h(e)
def manager(m):
    with m as x:
        return x.y
