"""Threads: locks, data of their own, queues, exceptions, and how it all ends."""

import _thread
import gc
import os
import queue
import sys
import threading
import time
import weakref


def outcome(function, *args, **kwargs):
    try:
        print(getattr(function, "__name__", function), "->", function(*args, **kwargs))
    except BaseException as e:
        print(getattr(function, "__name__", function), type(e).__name__, e)


# ---- locks
for lock in (threading.Lock(), threading.RLock()):
    print(str(lock).partition(" object")[0], lock.locked())
    print(lock.acquire(), lock.locked(), lock.acquire(False) is (type(lock) is not _thread.lock))
    taken = []
    thread = threading.Thread(target=lambda: taken.append((lock.acquire(timeout=0.01), lock.acquire(False))))
    thread.start()
    thread.join()
    print(taken)
    if type(lock) is _thread.RLock:
        lock.release()
    lock.release()
    outcome(lock.release)
    for arguments in ((False, 1), (True, -2), (True, float("nan")), (True, 1e300), (True, "x"), (1, 2, 3)):
        outcome(lock.acquire, *arguments)
    with lock:
        print(lock.locked())

# Who waits gets its turn, though the lock is taken again and again.
lock, turns, stop = threading.Lock(), [], []


def greedy():
    while not stop:
        with lock:
            sum(range(1000))


hogs = [threading.Thread(target=greedy) for _ in range(2)]
for hog in hogs:
    hog.start()
for i in range(20):
    with lock:
        turns.append(i)
stop.append(True)
for hog in hogs:
    hog.join()
print(len(turns))

# Calls are places where another thread can take over.
ready = threading.Event()


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def busy():
    ready.set()
    while not stop:
        fib(15)


stop.clear()
thread = threading.Thread(target=busy)
thread.start()
ready.wait()
time.sleep(0.01)
stop.append(True)
thread.join()
print("interrupted")

# ---- data of one thread
local = threading.local()
local.x = "main"


class Counted(threading.local):
    made = 0

    def __init__(self, start):
        type(self).made += 1
        self.n = start


counted = Counted(5)
counted.n += 1


class Watched:
    pass


def use_local():
    outcome(getattr, local, "x")
    local.x = watched = Watched()
    references.append(weakref.ref(watched))
    print(counted.n, counted.__dict__)


references = []
thread = threading.Thread(target=use_local)
thread.start()
thread.join()
print(local.x, counted.n, Counted.made, references[0]())
outcome(setattr, local, "__dict__", {})
cycle = Watched()
cycle.local = threading.local()
cycle.local.back = cycle
reference = weakref.ref(cycle)
del cycle
gc.collect()
print(reference())

# ---- queues
for kind in (queue.SimpleQueue, queue.Queue):
    q = kind()
    outcome(q.get, False)
    outcome(q.get, True, 0.01)
    outcome(q.get, True, -1)
    results = []
    workers = [threading.Thread(target=lambda: results.extend(iter(q.get, None))) for _ in range(3)]
    for worker in workers:
        worker.start()
    for i in range(100):
        q.put(i)
    for worker in workers:
        q.put(None)
    for worker in workers:
        worker.join()
    print(sorted(results) == list(range(100)), q.qsize(), q.empty())

# ---- exceptions and handles
def fail():
    raise ValueError("in a thread")


hook, threading.excepthook = threading.excepthook, lambda args: print(args.exc_type, args.exc_value, args.thread.name)
thread = threading.Thread(target=fail, name="failing")
thread.start()
thread.join()
threading.excepthook = hook
outcome(thread.start)
outcome(threading.Thread().join)
outcome(threading.current_thread().join)
handle = _thread.start_joinable_thread(lambda: None)
handle.join()
print(handle.is_done(), handle.ident != 0)
outcome(_thread._ThreadHandle().join)
print(len(sys._current_frames()), threading.active_count())
box = []
thread = threading.Thread(target=lambda: (box.append(ready), ready.wait()))
ready.clear()
thread.start()
while not box:
    time.sleep(0.001)
frames = sys._current_frames()
print(len(frames), threading.get_ident() in frames, thread.ident in frames)
ready.set()
thread.join()

# ---- fork in the middle of it
thread = threading.Thread(target=ready.wait)
ready.clear()
thread.start()
import warnings
warnings.simplefilter("ignore")
pid = os.fork()
if pid == 0:
    alive = thread.is_alive(), threading.active_count(), len(sys._current_frames())
    os._exit(0 if alive == (False, 1, 1) else 1)
print(os.waitpid(pid, 0)[1])
ready.set()
thread.join()


def fork_here():
    pid = os.fork()
    if pid == 0:
        alive = threading.main_thread() is threading.current_thread(), threading.active_count()
        os._exit(0 if alive == (True, 1) else 1)
    print(os.waitpid(pid, 0)[1])


thread = threading.Thread(target=fork_here)
thread.start()
thread.join()


# ---- the end: threads that are no daemons are waited for
def late():
    time.sleep(0.05)
    print("late, but in time")


class AtEnd:
    def __del__(self):
        outcome(threading.Thread(target=print).start)
        print("the end")


at_end = AtEnd()
threading.Thread(target=late).start()
threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
print("main is done")
