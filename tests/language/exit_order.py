"""The end of a program: what it leaves open is written, although its functions
keep the module in a cycle; finalizers run in the order of the names."""
import io
import os
import subprocess
import sys
import tempfile

PROGRAM = """
import io

class Noted:
    def __init__(self, name):
        self.name = name
    def __del__(self):
        print("del", self.name, out.closed)

class Raw(io.FileIO):
    def close(self):
        print("raw", self.closed)
        super().close()

def function():
    return out

x, y, z = Noted("x"), Noted("y"), Noted("z")
own = Noted("own")
own.own = own
out = open({path!r}, "w")
out.write("written")
below = io.BufferedWriter(Raw({path!r} + "2", "w"))
below.write(b"this, too")
"""

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "file")
    done = subprocess.run([sys.executable, "-c", PROGRAM.format(path=path)], capture_output=True, text=True)
    print(done.stdout, done.stderr, sep="")
    for name in path, path + "2":
        with open(name) as file:
            print(repr(file.read()))
