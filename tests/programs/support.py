"""What the programs here share: runs the interpreter that runs them on other programs,
and prints what these print without what may differ (places, patch level, durations)."""
import contextlib
import os
import re
import subprocess
import sys
import tempfile

LIBRARY = os.path.dirname(os.__file__)


def plain(text, *places):
    for place in places:
        text = text.replace(place, "DIR")
    text = text.replace(LIBRARY, "LIB").replace(sys.executable, "python")
    # The reference has the library of a later patch release.
    text = re.sub(r'(File "(?:LIB/|<frozen importlib)[^"]*", line )\d+', r"\1N", text)
    text = re.sub(r"(cpython|taipan)-314", "TAG", text)
    text = re.sub(r"\bin \d+\.\d+s", "in Ns", text)
    return re.sub(r"0x[0-9a-f]+", "0xN", text)


def run(*args, input="", cwd=None, **env):
    """Runs the interpreter, prints the command, both its outputs and its status."""
    env = os.environ | {"PYTHON_COLORS": "0", "PYTHONIOENCODING": "utf-8"} | env
    done = subprocess.run([sys.executable, *args], input=input, cwd=cwd, env=env,
                          capture_output=True, encoding="utf-8", timeout=100)
    places = [place for place in (cwd,) if place]
    print("$", plain(" ".join(args), *places))
    print(plain(done.stdout, *places), end="")
    if done.stderr:
        print("-- stderr")
        print(plain(done.stderr, *places), end="")
    print("-- status", done.returncode)


@contextlib.contextmanager
def directory(**files):
    """A directory with files: `pkg_in_a` is pkg/a.py, `a_dot_txt` is a.txt."""
    with tempfile.TemporaryDirectory() as name:
        name = os.path.realpath(name)
        for key, text in files.items():
            stem, mark, suffix = key.rpartition("_dot_")
            path = os.path.join(name, (stem + "." + suffix if mark else key + ".py").replace("_in_", "/"))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        yield name
