"""A module without statements is one event of line 0."""
import sys


def tracer(frame, event, arg):
    print(event, frame.f_lineno)
    return tracer


for source in ("", "\n\n", "# nothing\n", '"""text"""\n', "x = 1\n"):
    code = compile(source, "f", "exec")
    print(repr(source), sorted({line for _, _, line in code.co_lines()}))
    sys.settrace(tracer)
    exec(code)
    sys.settrace(None)
