"""faulthandler: stacks on request, by signal, after a time, and when a fatal error happens."""
import faulthandler
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

file = tempfile.TemporaryFile("w+", encoding="utf-8")


def show(title):
    file.seek(0)
    text = re.sub(r"0x[0-9a-f]+ \[[^\]]*\]", "0xID [NAME]", file.read())
    # Lines of the library move from release to release.
    text = re.sub(r'File ".*/threading.py", line \d+ in (\w+)', r"threading: \1", text)
    text = text.replace(__file__, "FILE")
    print(f"-- {title}\n{text}", end="")
    file.seek(0)
    file.truncate()


class Place:
    def method(self, **options):
        (lambda: faulthandler.dump_traceback(file, **options))()


faulthandler.dump_traceback(file=file.fileno(), all_threads=False)
show("this thread")
Place().method(all_threads=False)
show("deeper")
ready, over = threading.Event(), threading.Event()


def worker():
    ready.set()
    over.wait()


thread = threading.Thread(target=worker)
thread.start()
ready.wait()
time.sleep(0.1)
Place().method()
show("all threads")
faulthandler.dump_traceback_later(0.15, file=file)
time.sleep(0.6)
show("later")
faulthandler.dump_traceback_later(1000, file=file)
faulthandler.cancel_dump_traceback_later()
over.set()
thread.join()


def recurse(n):
    return recurse(n - 1) if n else faulthandler.dump_traceback(file, all_threads=False)


recurse(120)
file.seek(0)
print(len(file.readlines()))
file.seek(0)
file.truncate()


def on_signal(number, frame):
    print("Python's handler", number == signal.SIGUSR1)


signal.signal(signal.SIGUSR1, on_signal)
faulthandler.register(signal.SIGUSR1, file=file, all_threads=False, chain=True)
os.kill(os.getpid(), signal.SIGUSR1)
time.sleep(0.01)
show("signal")
print(faulthandler.unregister(signal.SIGUSR1), faulthandler.unregister(signal.SIGUSR1))
os.kill(os.getpid(), signal.SIGUSR1)
time.sleep(0.01)
show("no more")
print(faulthandler.is_enabled(), faulthandler.enable(file), faulthandler.is_enabled())
print(faulthandler.disable(), faulthandler.disable(), faulthandler.is_enabled())
for call in [
    lambda: faulthandler.dump_traceback_later("x"),
    lambda: faulthandler.dump_traceback_later(-1),
    lambda: faulthandler.dump_traceback_later(0),
    lambda: faulthandler.dump_traceback("x"),
    lambda: faulthandler.dump_traceback(-1),
    lambda: faulthandler.register(signal.SIGKILL),
    lambda: faulthandler.register(0),
    lambda: faulthandler.register(1000),
    lambda: faulthandler.register(signal.SIGSEGV),
]:
    try:
        call()
    except Exception as error:
        print(type(error).__name__, error)
for fault in ["faulthandler._sigsegv()", "faulthandler._read_null()", "faulthandler._sigabrt()", "faulthandler._sigfpe()", "os.kill(os.getpid(), 7)"]:
    program = f"import faulthandler, os\nfaulthandler.enable(c_stack=False)\ndef fé():\n    {fault}\nfé()\n"
    result = subprocess.run([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True)
    print(result.returncode, re.sub(r"0x[0-9a-f]+ \[[^\]]*\]", "0xID [NAME]", result.stderr))
for options, environment in [(["-X", "faulthandler"], {}), (["-X", "dev"], {}), ([], {"PYTHONFAULTHANDLER": "1"}), ([], {})]:
    program = "import faulthandler; print(faulthandler.is_enabled())"
    subprocess.run([sys.executable, *options, "-c", program], env=os.environ | environment)
# Without it, too, a signal of that kind ends the process.
print(subprocess.run([sys.executable, "-c", "import os; os.kill(os.getpid(), 11)"]).returncode)
