"""Coroutines, async generators, async with and for, without asyncio."""
class Wait:
    def __init__(self, v): self.v = v
    def __await__(self):
        got = yield self.v
        return got

async def step(n):
    r = await Wait(n)
    return r + 1

async def main():
    total = 0
    for i in range(3):
        total += await step(i)
    async with Ctx() as c:
        total += c
    async for v in agen(3):
        total += v
    total += sum([v async for v in agen(3)])
    return total

class Ctx:
    async def __aenter__(self):
        await Wait("enter"); return 100
    async def __aexit__(self, *exc):
        await Wait("exit")

async def agen(n):
    for i in range(n):
        await Wait(f"agen {i}")
        yield i * 10

def run(coro):
    value = None
    while True:
        try:
            sent = coro.send(value)
        except StopIteration as stop:
            return stop.value
        print("yielded", sent)
        value = sent if isinstance(sent, int) else 0
print(run(main()))

async def fails():
    try:
        await Wait(1)
    except ValueError as e:
        return f"caught {e}"
c = fails(); c.send(None)
try:
    c.throw(ValueError("thrown"))
except StopIteration as s:
    print(s.value)
try:
    c.send(None)
except RuntimeError as e:
    print(e)
try:
    async def bad(): await 1
    bad().send(None)
except TypeError as e:
    print(e)
