"""A function that raises StopIteration inside an iterator of natives ends that iterator, whoever asks it."""
import itertools, functools
def stop(x):
    if x>2: raise StopIteration('v')
    return x
R=range(6)
def t(f):
    try: print(f())
    except BaseException as e: print(type(e).__name__, e)
t(lambda: list(map(stop,R))); t(lambda: [x for x in map(stop,R)]); t(lambda: tuple(filter(stop,R))); t(lambda: sum(map(stop,R))); t(lambda: list(itertools.starmap(stop,[(1,),(5,)]))); t(lambda: list(itertools.takewhile(stop,R))); t(lambda: list(itertools.accumulate(R,lambda a,b: stop(b)))); t(lambda: [*map(stop,R)]); t(lambda: dict(enumerate(map(stop,R)))); t(lambda: list(zip(R,map(stop,R)))); t(lambda: next(map(stop,[5]))); t(lambda: next(map(stop,[5]),'d')); t(lambda: max(map(stop,R))); t(lambda: set(map(stop,R))); t(lambda: ''.join(map(lambda x: str(stop(x)),R))); t(lambda: list(itertools.groupby(R,stop))[0][0]); t(lambda: any(x>5 for x in map(stop,R)))
def unp(): a,*b=map(stop,R); return a,b
t(unp); t(lambda: sorted(map(stop,R))); t(lambda: list(itertools.chain(map(stop,R),[9]))); t(lambda: list(itertools.islice(map(stop,R),5))); t(lambda: functools.reduce(lambda a,b:a+b,map(stop,R)))
def g(): yield from map(stop,R)
t(lambda: list(g()))
def g2():
    for x in map(stop,R): yield x
    yield 'end'
t(lambda: list(g2()))
t(lambda: list(iter(lambda: stop(5),None))); t(lambda: 4 in map(stop,R)); t(lambda: bytes(map(stop,R))); t(lambda: list(map(stop,map(stop,R)))); t(lambda: [].extend(map(stop,R))); t(lambda: list(itertools.dropwhile(stop,[5,6]))); t(lambda: list(itertools.filterfalse(stop,R))); t(lambda: list(itertools.compress(R,map(stop,R)))); t(lambda: list(reversed([1,2])))
async def co(): return [x for x in map(stop,R)]
import asyncio; t(lambda: asyncio.run(co()))
class A:
    def __getitem__(s,i): return stop(i)
t(lambda: list(A())); t(lambda: print(*map(stop,R))); t(lambda: dict.fromkeys(map(stop,R))); t(lambda: list(enumerate(map(stop,R)))); t(lambda: {}.update(map(lambda x:(stop(x),1),R))); t(lambda: list(itertools.zip_longest(R,map(stop,R))))
t(lambda: list(itertools.product(map(stop,R),[1]))); t(lambda: all(map(stop,[1,5]))); t(lambda: min(map(stop,[5]),default='d')); t(lambda: __import__('collections').deque(map(stop,R))); t(lambda: __import__('collections').Counter(map(stop,R))); t(lambda: iter(map(stop,[5])).__next__())
