"""Threads that take turns in the middle of destroying nested objects: what one of
them puts off, because it is deep, is not put off until all have ended."""

import sys
import threading
import time


class Link(list):
    made = []
    gone = []

    def __init__(self, inner):
        self[:] = inner
        Link.made.append(None)

    def __del__(self):
        Link.gone.append(None)
        # Lets the other thread go on.
        time.sleep(0.000001)


def nested(depth):
    link = Link([])
    for _ in range(depth):
        link = [Link([link])]


waiting = []


def work():
    for _ in range(40):
        nested(60)
        # One's own are gone, and of the other's not more than it holds at a time.
        waiting.append(len(Link.made) - len(Link.gone))


interval = sys.getswitchinterval()
sys.setswitchinterval(1e-5)
threads = [threading.Thread(target=work) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
sys.setswitchinterval(interval)
print(len(Link.made) == len(Link.gone) == 2 * 40 * 61)
print(max(waiting) < 5 * 61)
