"""`python -m asyncio`: statements, `await` outside of functions, errors, and the end."""
from support import run

run("-q", "-m", "asyncio", input="""\
x = 20
async def more(n): return x + n

await more(1)
print(__name__, "x" in globals(), locals() is globals())
await asyncio.sleep(0, "later")
[await more(i) for i in range(3)]
nothing
await nothing
exit(3)
""", PYTHON_BASIC_REPL="1")
run("-q", "-m", "asyncio", input="""\
import contextvars
v = contextvars.ContextVar("v", default=1)
async def change(): v.set(2)

await change()
v.get()
""", PYTHON_BASIC_REPL="1")
