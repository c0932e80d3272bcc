"""CPU-bound work on one interpreter, then on two at once in the same process.

Prints the seconds of either and their ratio: 2 would be perfect on two cores. Each interpreter has its
own GIL (PEP 684), so the ratio is near the number of cores that are free.
"""

import sys
import threading
import time
from concurrent import interpreters

WORK = """
def work(n):
    total = 0
    for i in range(n):
        total = (total * 31 + i) % 1000003
    return total
"""


def main(steps=20_000_000, rounds=5):
    pair = [interpreters.create() for _ in range(2)]
    for interp in pair:
        interp.exec(WORK)
        interp.exec(f"work({steps // 100})")

    def timed(run):
        start = time.perf_counter()
        run()
        return time.perf_counter() - start

    def one_after_the_other():
        for _ in pair:
            pair[0].exec(f"work({steps})")

    def at_once():
        threads = [threading.Thread(target=interp.exec, args=(f"work({steps})",)) for interp in pair]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    best = 0.0
    for _ in range(rounds):
        alone, together = timed(one_after_the_other), timed(at_once)
        best = max(best, alone / together)
        print(f"one interpreter {alone:.3f} s, two {together:.3f} s: {alone / together:.2f}")
    print(f"best of {rounds}: {best:.2f}")
    for interp in pair:
        interp.close()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
