# The directory of the library can be listed, and its files opened, wherever it lies.
import ast
import json
import os

root = os.path.dirname(ast.__file__)
names = os.listdir(root)
print("ast.py" in names, "json" in names, "nothing.py" in names)
print(os.path.isfile(ast.__file__), os.path.isdir(root), os.path.exists(root + "/nothing.py"))
print("decoder.py" in [e.name for e in os.scandir(os.path.dirname(json.__file__)) if e.is_file()])
with open(json.__file__, "rb") as file:
    content = file.read()
print(len(content) == os.stat(json.__file__).st_size, b"JSONDecoder" in content)
print(os.access(ast.__file__, os.R_OK), os.path.samefile(root, root + "/."), os.path.samefile(root, ast.__file__))
try:
    os.listdir(ast.__file__)
except OSError as error:
    print(type(error).__name__)
