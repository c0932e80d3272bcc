"""compileall, py_compile, zipfile, tarfile, zipapp, gzip; programs that are .pyc
files, zip files and directories."""
import os
from support import directory, plain, run

FILES = {
    "pkg_in___init__": "x = 1\n",
    "pkg_in___main__": "print('app', __name__, __package__, __file__)\n",
    "pkg_in_bad": "y = (\n",
    "pkg_in_a": '"doc"\nassert 1\n',
    "pkg_in_sub_in_m": "print(__name__, __file__, type(__loader__).__name__)\n",
}


def files(d):
    for where, directories, names in os.walk(d):
        directories.sort()
        for name in sorted(names):
            print(" ", plain(os.path.relpath(os.path.join(where, name), d)))


with directory(**FILES) as d:
    run("-m", "compileall", "pkg", cwd=d)
    files(d)
    run("-m", "compileall", "-q", "-f", "-b", "pkg/a.py", "pkg/sub", cwd=d)
    run("-m", "compileall", "-f", "-o", "0", "-o", "1", "-o", "2", "--hardlink-dupes", "pkg/a.py", cwd=d)
    run("-m", "compileall", "--invalidation-mode", "checked-hash", "-f", "pkg/a.py", cwd=d)
    run("-m", "compileall", "nope", cwd=d)
    files(d)
    run("pkg/sub/m.pyc", cwd=d)
    with open(os.path.join(d, "wrong.pyc"), "wb") as file:
        file.write(b"not compiled at all")
    run("wrong.pyc", cwd=d)
    run("-m", "py_compile", "pkg/a.py", "pkg/bad.py", cwd=d)
    run("-m", "py_compile", "-", input="pkg/a.py", cwd=d)
    run("-m", "zipfile", "-c", "z.zip", "pkg/a.py", "pkg/__init__.py", "pkg/__main__.py", cwd=d)
    run("-m", "zipfile", "-t", "z.zip", cwd=d)
    run("-m", "zipfile", "-e", "z.zip", "unzipped", cwd=d)
    files(os.path.join(d, "unzipped"))
    run("-m", "zipfile", "-l", "nope.zip", cwd=d)
    run("-m", "tarfile", "-c", "t.tgz", "pkg/a.py", cwd=d)
    run("-m", "tarfile", "-l", "t.tgz", cwd=d)
    run("-m", "tarfile", "-v", "-e", "t.tgz", "untarred", cwd=d)
    run("-m", "tarfile", "-t", "t.tgz", cwd=d)
    run("-m", "zipapp", "pkg", "-o", "app.pyz", "-p", "/usr/bin/env", cwd=d)
    run("-m", "zipapp", "--info", "app.pyz", cwd=d)
    run("app.pyz", cwd=d)
    run("pkg", cwd=d)
    run("-m", "pkg", cwd=d)
    run("-m", "pkg.a.b", cwd=d)
    run("-m", "gzip", "pkg/a.py", cwd=d)
    run("-m", "gzip", "-d", "pkg/a.py.gz", cwd=d)
    run("-i", "-q", "pkg/a.py", input="__doc__, [n for n in dir() if n == '__file__']\n", cwd=d)
