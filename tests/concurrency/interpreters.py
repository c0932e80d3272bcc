# Interpreters in one process: code, data, queues, errors, ends.
import threading
from concurrent import interpreters
from concurrent.futures import InterpreterPoolExecutor
import _interpreters


def show(call, *args, **kwargs):
    try:
        print(call.__name__, "->", call(*args, **kwargs))
    except Exception as error:
        print(call.__name__, "!!", type(error).__name__, str(error).partition("\n")[0], repr(error.__cause__))


def plain(a, b=2):
    return a, b


def double(x):
    return x * 2


def raises():
    raise ValueError("no")


def named(name):
    return globals().get(name, "nothing")


class Unpicklable:
    def __reduce__(self):
        raise TypeError

    def __repr__(self):
        return "<it>"


def main():
    one = interpreters.create()
    print(one, one.whence, interpreters.get_current(), interpreters.get_main().whence)
    one.exec("import sys; x = [1, 2, 3]; print(__name__, sorted(globals()))")
    one.exec("print(sum(x)); x.append('kept')")
    one.exec("print(x)")
    print(named("x"))
    one.prepare_main(n=1, text="a\u20ac\U0001f600\ud800", data=b"\0\xff", more=(None, True, 2.5, ("t",)), big=-(2**62))
    one.exec("print(n, ascii(text), data, more, big)")
    for bad in [1], {1}, 2**70, object, print:
        show(one.prepare_main, bad=bad)

    # What is called: functions without state go as code, others by name.
    show(one.call, double, 21)
    show(one.call, double, [1, {2: 3}])
    show(one.call, named, "n")
    show(one.call, len, "abc")
    show(one.call, raises)
    show(one.call, lambda: (lambda: 1)())
    local = 3
    show(one.call, lambda: local)
    show(one.exec, "1/0")
    show(one.exec, "x = (")
    show(one.exec, "raise SystemExit(3)")
    show(one.exec, "import threading; threading.Thread(target=print, daemon=True)")
    show(one.exec, "import os; os.fork()")
    show(one.exec, "import signal; signal.signal(signal.SIGINT, signal.SIG_DFL)")

    # Memory that two interpreters use.
    buffer = bytearray(b"0123456789")
    one.prepare_main(view=memoryview(buffer))
    one.exec("view[0:3] = b'abc'; print(view.nbytes, view.readonly, bytes(view[:5]))")
    print(bytes(buffer))
    show(buffer.append, 1)
    one.exec("del view")
    for _ in range(1000):
        pass  # the memory comes back where this interpreter looks after itself
    show(buffer.append, 33)
    print(bytes(buffer))

    # Queues.
    queue = interpreters.create_queue(3)
    for item in 1, [2, {3}], ("x", None):
        queue.put(item)
    print(queue.full(), queue.qsize())
    show(queue.put_nowait, 4)
    print([queue.get() for _ in range(3)], queue.empty())
    show(queue.get_nowait)
    show(queue.put, Unpicklable())
    one.prepare_main(queue=queue)
    one.exec("queue.put(queue); queue.put('from one')")
    print(queue.get() is queue, queue.get())
    one.exec("queue.put('left')")
    one.close()
    print(repr(queue.get()))
    show(one.exec, "1")
    show(interpreters.get_main().close)

    # In parallel: each has modules and types of its own, builtin types are the same.
    code = """
import collections, dataclasses, datetime, decimal, enum, json, re
@dataclasses.dataclass
class Point:
    x: int
    y: int = 0
class Colour(enum.Enum):
    RED = 1
total = 0
for i in range(300):
    p = dataclasses.replace(Point(i), y=i)
    d = json.loads(json.dumps({"p": [p.x, p.y], "c": Colour.RED.name}))
    total += sum(d["p"]) + len(re.findall(r"\\d", str(d)))
    class Local(dict): pass
    assert Local.__subclasses__() == [] and Local in dict.__subclasses__()
assert datetime.timezone.utc is datetime.UTC
out.put((name, total, str(decimal.Decimal(total) / 3)))
"""
    several = [interpreters.create() for _ in range(4)]
    for number, interp in enumerate(several):
        interp.prepare_main(name=number, out=queue, **{"code": code})
    threads = [threading.Thread(target=interp.exec, args=(code,)) for interp in several]
    for thread in threads:
        thread.start()
    results = sorted(queue.get() for _ in threads)
    for thread in threads:
        thread.join()
    for result in results:
        print(result)
    for interp in several:
        interp.close()
    print(interpreters.list_all())

    with InterpreterPoolExecutor(2) as pool:
        print(list(pool.map(pow, range(5), [3] * 5)))
        show(pool.submit(raises).result)
    print(_interpreters.capture_exception(KeyError("k")).formatted)


if __name__ == "__main__":
    main()
