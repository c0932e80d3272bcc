"""The interactive interpreter on a terminal: the console of the library's _pyrepl."""
import os
import pty
import re
import select
import sys
import time


def read(fd, until, output):
    """Reads until what is new ends with `until`; for a limited time."""
    end = time.monotonic() + 60
    new = b""
    while time.monotonic() < end:
        ready, _, _ = select.select([fd], [], [], 0.2)
        if ready:
            try:
                some = os.read(fd, 65536)
            except OSError:
                break
            if not some:
                break
            new += some
        shown = re.sub(rb"\x1b\[[0-9;?]*[@-~]|\x1b[=>]|\r", b"", new)
        if until is not None and not ready and shown.endswith(until):
            break
    output.append(new)


pid, fd = pty.fork()
if pid == 0:
    os.environ.update(TERM="xterm", PYTHON_COLORS="0", PYTHON_HISTORY="/dev/null", LC_ALL="C.UTF-8")
    os.execv(sys.executable, [sys.executable, "-q"])
output = []
read(fd, b">>> ", output)
for typed, answer in [
    (b"1+1\r", b"2\n>>> "),
    (b"def f(x):\r", b"...     "),
    (b"return x*2\r\r", b">>> "),
    (b"f(21)\r", b"42\n>>> "),
    (b"1/0\r", b"zero\n>>> "),
    (b"print('b')\x1bOD\x1bOD\x1bODa\r", b"ab\n>>> "),
    (b"_\r", b"42\n>>> "),
    (b"def (:\r", b"syntax\n>>> "),
    (b"\x03", b"KeyboardInterrupt\n>>> "),
    (b"\x04", None),
]:
    os.write(fd, typed)
    read(fd, answer, output)
_, status = os.waitpid(pid, 0)
text = b"".join(output).decode()
# What a line looks like while it is typed depends on how fast that is.
text = re.sub(r"\x1b\[[0-9;?]*[@-~]|\x1b[=>]|\r", "", text)
for line in text.splitlines():
    if not line.startswith((">>>", "...")):
        print(line)
print("status", os.waitstatus_to_exitcode(status))
