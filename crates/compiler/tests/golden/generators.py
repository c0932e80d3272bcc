def gen(it):
    x = yield 1
    yield from it
async def co(a):
    async with a as b:
        await b
    async for x in b:
        pass
    return [y async for y in a]
