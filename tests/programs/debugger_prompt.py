"""The debugger's prompt: `breakpoint()` there, functions that are defined there, and what cannot be compiled."""
from support import directory, run

with directory(main_dot_py="""\
def work(n):
    breakpoint()
    return n + 1


work(1)
""") as place:
    run("main.py", cwd=place, input="""\
breakpoint()
p n + 41
def twice(x):
    return x * 2

twice(n)
m = twice(20)
[twice(k) for k in range(m, m + 2)]
break 3, 1 +
p m
c
""")
