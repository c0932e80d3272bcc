def f(subject):
    match subject:
        case [1, x, *rest] if x:
            return rest
        case {"k": v, **others}:
            return others
        case Point(x, y=None) | Line(x):
            pass
        case _:
            return None
