"""Natives that take all values of a generator: what runs in between sees nothing unusual."""
import sys, gc

def numbers(n, extra=()):
    for i in range(n): yield i
    yield from extra

print(sum(numbers(5)), sum(numbers(3, (0.5, 2))), sum(numbers(2, [2**61, 2**61, 2**62])), sum(numbers(2, [True, 1j])))
print(sum(numbers(3), 0.1), sum((x / 10 for x in range(10))), sum(([i] for i in range(3)), []))
print(any(x > 3 for x in numbers(5)), any(numbers(1)), all(numbers(3)), all(x < 9 for x in numbers(5)), any(x for x in (None, False, [], 'y')))
print(min(numbers(3)), max(numbers(4, (2.5,))), max(numbers(3, 'a')[0] if False else 7 for _ in 'a'), min((x for x in 'cab')), max((True, 0, 1)))
print(min([3, 1, 2]), max((1, 5, 5.0)), max({4, 9, 2}), min(frozenset({2**70, 3})), max([1, True]), min([True, 1]), max([0.0, 0]), min([0, 0.0]))
print(list(numbers(3, 'ab')), tuple(numbers(2)), sorted(numbers(3), reverse=True), set(numbers(20)) == set(range(20)), sorted({*numbers(3), *'ab'}, key=str))
print(''.join(str(x) for x in numbers(4)), dict((x, x) for x in numbers(2)), [*numbers(2), *numbers(1)])
out = [9]; out.extend(x * 2 for x in numbers(3)); out += (x for x in 'z'); print(out)
s = {1, 'a'}; s.update(x for x in (1, True, 1.0, 'a', 'b', 2**80)); print(len(s))

def fails(f):
    try: print('no error', f())
    except BaseException as e: print(type(e).__name__, e)
def raising():
    yield 1; yield 2
    raise ValueError('inside')
for f in (sum, list, set, any, max, sorted): fails(lambda: f(raising()))
fails(lambda: any(x == 2 for x in raising())); fails(lambda: sum(x for x in [1, 'a'])); fails(lambda: set([x] for x in 'a'))
fails(lambda: max(x for x in ())); fails(lambda: max(x for x in [1, 'a'])); fails(lambda: min([1, None]))

# Inside: the frames, the generator's own state, itself asked for more.
def looks():
    me = g
    yield me.gi_running
    yield sys._getframe().f_code.co_name
    try: next(me)
    except ValueError as e: yield str(e)
    yield me.gi_frame.f_lineno
g = looks(); print(list(g), g.gi_frame, g.gi_running)
def nested(n):
    if n: yield sum(nested(n - 1)); yield n
    else: yield 1
print(sum(nested(10)), sum(sum(x for x in range(i)) for i in range(10)))
class Hash:
    def __init__(self, gen): self.gen = gen
    def __hash__(self): states.append(next(self.gen, 'end')); return 1
    def __eq__(self, other): return True
states = []
def gives():
    yield Hash(gg); yield 5; yield Hash(gg); yield 6; yield 7
gg = gives(); print(len(set(gg)), states)
class Add:
    def __radd__(self, other): return other + next(ag)
def adding():
    yield 1; yield Add(); yield 10; yield 100
ag = adding(); print(sum(ag))
class Truth:
    def __bool__(self): return next(tg) == 3
def truths():
    yield None; yield Truth(); yield 3; yield 0
tg = truths(); print(any(tg), list(tg))

# A generator left in the middle goes on where it was.
h = numbers(6); print(any(x == 2 for x in h), list(h)); i = numbers(4); print(2 in i, next(i), sum(i))
def closing(log):
    try: yield 0; yield 5; yield 6
    finally: log.append('closed')
log = []; print(any(closing(log)), log)
def sends():
    got = yield 1
    print('got', got); got = yield 2
    print('got', got)
print(sum(sends()))
class Noisy:
    def __del__(self): print('gone')
def dies():
    x = Noisy(); yield 1
    x = None; yield 2
print(sum(dies()))
def inner():
    r = yield 1
    return r
def outer():
    r = yield from inner(); yield r
    yield from [2, 3]; yield from iter('x')
print(list(outer()), list(x for x in outer()), tuple(map(str, outer())))
async def agen():
    for i in range(3): yield i
async def main(): return sum([x async for x in agen()]), [y async for y in (x async for x in agen())]
try: main().send(None)
except StopIteration as e: print(e.value)
