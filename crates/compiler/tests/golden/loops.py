def f(items):
    for i in items:
        if i:
            break
    else:
        pass
    for a, b.c in items:
        print(a)
    return [x * y for x in items for y in x if y]
[hidden for hidden in range(3)]
