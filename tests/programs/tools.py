"""Modules of the library as programs: json, ast, tokenize, calendar and others."""
from support import directory, run

PROGRAM = '''\
"""Doc."""
import os
from dataclasses import dataclass
@dataclass
class P:
    """A point."""
    x: int
    y: int = 2
    def f(self, /, a: list[int], *args, k=1, **kw) -> "str":
        "Doc of f"
        return f"{self.x!r:>{a}} {k}"
async def g():
    async for x in y:
        await x
    yield 1
def m(x):
    match x:
        case {"a": [1, *r]} | P(x=3) if r: pass
        case _: return lambda: 0
type T[X: int] = list[X]
try:
    pass
except* ValueError as e: pass
'''

JSON = '{"b": [1, 2.5, {"é": "\\u00e9\\ud83d\\ude00"}], "a": null, "c": [], "d": {}, "e": 1e400, "f": -0}'

with directory(prog=PROGRAM, j_dot_json=JSON, l_dot_json='{"a": 1}\n{"b": [1,2]}\n', bad_dot_json='{"a": 1,}') as d:
    for options in ([], ["--sort-keys"], ["--no-ensure-ascii"], ["--indent", "2"], ["--tab"], ["--no-indent"], ["--compact"]):
        run("-m", "json.tool", *options, "j.json", cwd=d)
    run("-m", "json.tool", "--json-lines", "l.json", cwd=d)
    run("-m", "json", "bad.json", cwd=d)
    run("-m", "json.tool", "nope.json", cwd=d)
    run("-m", "json.tool", input='[1]', cwd=d)
    run("-m", "ast", "prog.py", cwd=d)
    run("-m", "ast", "-a", "--indent", "1", "prog.py", cwd=d)
    run("-m", "ast", "--feature-version", "3.9", "prog.py", cwd=d)
    run("-m", "ast", "-m", "eval", input="f'{a!r:>{w}}' + t'{b}'", cwd=d)
    run("-m", "tokenize", "prog.py", cwd=d)
    run("-m", "tokenize", "-e", "prog.py", cwd=d)
    run("-m", "symtable", "prog.py", cwd=d)
    run("-m", "pyclbr", "prog.py", cwd=d)
    run("-m", "inspect", "prog:P.f", cwd=d)
    run("-m", "inspect", "prog", cwd=d)
    run("-m", "inspect", "os:nope", cwd=d)
    run("-m", "pydoc", "prog", cwd=d)
    run("-m", "pydoc", "json.dumps", cwd=d)
    run("-m", "tabnanny", "-v", "prog.py", cwd=d)
    run("-m", "calendar", "2026", cwd=d)
    run("-m", "calendar", "-w", "3", "-l", "2", "2024", "2", cwd=d)
    run("-m", "base64", "-e", "j.json", cwd=d)
    run("-m", "quopri", "j.json", cwd=d)
    run("-m", "mimetypes", "-e", "text/html", cwd=d)
    run("-m", "prog", cwd=d)
    run("-m", "this", cwd=d)
    run("-c", "import os; os.makedirs('/proc/x/y')", cwd=d)
    run("-c", "import inspect, os, sys; print(repr(sys.path[0]), inspect.getsource(os.path.isabs))", cwd=d)
