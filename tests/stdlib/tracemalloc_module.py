"""Where memory was allocated."""
import gc
import linecache
import os
import subprocess
import sys
import threading
import tracemalloc


def fails(function, *args):
    try:
        function(*args)
    except Exception as error:
        print(type(error).__name__, error)


def make(n):
    return bytes(n)


def line_of(traceback):
    return [(os.path.basename(frame.filename), linecache.getline(frame.filename, frame.lineno).strip())
            for frame in traceback]


for wrong in (0, -1, 1 << 16, 1 << 40, "a"):
    fails(tracemalloc.start, wrong)
print(tracemalloc.is_tracing(), tracemalloc.get_traceback_limit(), tracemalloc.get_traced_memory())
fails(tracemalloc.take_snapshot)
print(tracemalloc.get_object_traceback(object()))

before = make(1000)
tracemalloc.start(3)
tracemalloc.start(5)
print(tracemalloc.is_tracing(), tracemalloc.get_traceback_limit())
print(tracemalloc.get_object_traceback(before), tracemalloc.get_object_traceback(1))
data = make(100_000)
traceback = tracemalloc.get_object_traceback(data)
print(line_of(traceback), traceback.total_nframe)
things = [make(1000 + i) for i in range(50)]
print(line_of(tracemalloc.get_object_traceback(things[7])))

# Sizes: what goes is not counted any more.
size, peak = tracemalloc.get_traced_memory()
big = bytearray(1 << 20)
size1, peak1 = tracemalloc.get_traced_memory()
print((1 << 20) <= size1 - size < (1 << 20) + 1000, peak1 >= size1)
del big
size2, peak2 = tracemalloc.get_traced_memory()
print(abs(size2 - size) < 1000, peak2 >= peak1)
tracemalloc.reset_peak()
print(tracemalloc.get_traced_memory()[1] < peak2)

# What grows has the size that it has now.
grows = []
for i in range(10_000):
    grows.append(None)
trace = [t for t in tracemalloc.take_snapshot().traces
         if linecache.getline(t.traceback[-1].filename, t.traceback[-1].lineno).strip() == "grows.append(None)"]
print(len(trace), 80_000 <= trace[0].size < 120_000)

# Buffers count where they are made.
one = tracemalloc.take_snapshot()
table = {i: None for i in range(1000)}
letters = [str(i) * 10 for i in range(1000, 1100)]
two = tracemalloc.take_snapshot()
for stat in two.compare_to(one, "lineno")[:3]:
    text = linecache.getline(stat.traceback[0].filename, stat.traceback[0].lineno).strip()
    if text.startswith(("table", "letters")):
        print(text, stat.size_diff > 5000)
here = two.filter_traces([tracemalloc.Filter(True, __file__)])
nothing = two.filter_traces([tracemalloc.Filter(False, "*")])
print(len(here.traces) > 0, len(nothing.traces))
print(all(len(t.traceback) <= 3 for t in two.traces))

# Threads.
def work(out):
    out.append(make(5000))

out = []
thread = threading.Thread(target=work, args=(out,))
thread.start()
thread.join()
print(line_of(tracemalloc.get_object_traceback(out[0])))

# What a function makes before it begins belongs to its caller.
def outer(x):
    def inner():
        return x
    return inner

cell = outer(0).__closure__[0]
print(line_of(tracemalloc.get_object_traceback(cell))[-1])

# Garbage.
class Node:
    pass

for _ in range(100):
    a, b = Node(), Node()
    a.other, b.other = b, a
del a, b
gc.collect()
left = [t for t in tracemalloc.take_snapshot().traces
        if linecache.getline(t.traceback[-1].filename, t.traceback[-1].lineno).startswith("    a, b =")]
print(len(left) < 20)

print(tracemalloc.get_tracemalloc_memory() > 0)
tracemalloc.clear_traces()
print(tracemalloc.get_object_traceback(data), tracemalloc.get_traced_memory()[0] < 1000)
tracemalloc.stop()
print(tracemalloc.is_tracing(), tracemalloc.get_traced_memory(), tracemalloc.get_traceback_limit())
del data, things, grows, table, letters

# From the command line.
def run(*options, **environment):
    done = subprocess.run([sys.executable, *options, "-c", "import tracemalloc as t; print(t.is_tracing(), t.get_traceback_limit())"],
                          env=dict(os.environ, **environment), capture_output=True, text=True)
    print(done.returncode, done.stdout.strip(), done.stderr.strip().partition("\n")[0])

run()
run("-X", "tracemalloc")
run("-X", "tracemalloc=7")
run("-X", "tracemalloc=0")
run("-X", "tracemalloc=-1")
run("-X", "tracemalloc=x")
run(PYTHONTRACEMALLOC="3")
run(PYTHONTRACEMALLOC="no")

code = """
def f():
    return open(__file__)
f()
"""
name = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"unclosed_{os.getpid()}.py")
with open(name, "w") as file:
    file.write(code)
try:
    done = subprocess.run([sys.executable, "-X", "tracemalloc=2", "-W", "default", name], capture_output=True, text=True)
    print(done.stderr.replace(name, "FILE"))
finally:
    os.unlink(name)
