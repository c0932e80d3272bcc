"""Waits that come to an end although something on the way goes wrong or missing."""
import asyncio
import concurrent.futures
import contextlib
import io
import logging
import logging.config
import logging.handlers
import os
import signal
import socket
import sys
import tempfile
import threading

GRANDCHILD = """
import subprocess, sys
subprocess.run([sys.executable, "-c",
                "import sys; print('ready', flush=True); sys.stdin.read()"])
"""


async def empty_pieces():
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=ours)
    writer.writelines([b"some", b"", memoryview(b"thing"), b""])
    writer.close()
    await writer.wait_closed()
    print(theirs.recv(100))
    theirs.close()
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=ours)
    writer.writelines([b"", b""])
    writer.close()
    await writer.wait_closed()
    print(theirs.recv(100))
    theirs.close()


async def failing_callback():
    told = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda loop, context: told.append(context))

    def connected(reader, writer):
        raise LookupError("nobody at home")

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        print(await reader.read())
        writer.close()
        await writer.wait_closed()
    print([(context["message"], context["exception"]) for context in told])


async def open_pipe():
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", GRANDCHILD, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    waiting = asyncio.create_task(process.wait())
    print(await process.stdout.readline())
    process.kill()
    print(await waiting == -signal.SIGKILL)
    process.stdin.close()
    print(await process.stdout.read())


async def factory_fails():
    listener = socket.create_server(("127.0.0.1", 0))
    ours = socket.create_connection(listener.getsockname())
    ours.setblocking(False)

    def factory():
        raise LookupError("no protocol")

    try:
        await asyncio.get_running_loop().create_connection(factory, sock=ours)
    except LookupError as error:
        print(error, ours.fileno())
    listener.close()


def few_tasks_each():
    with concurrent.futures.ProcessPoolExecutor(2, max_tasks_per_child=2) as pool:
        print([future.result() for future in [pool.submit(abs, -i) for i in range(9)]])
        print(pool.submit(abs, -9).result())
    pool = concurrent.futures.ProcessPoolExecutor(1)
    futures = [pool.submit(signal.pause), pool.submit(abs, -1)]
    next(iter(pool._processes.values())).terminate()
    errors = [future.exception() for future in futures]
    print([type(error).__name__ for error in errors], errors[0] is errors[1])
    pool.shutdown()


class Leaving(logging.Handler):
    def emit(self, record):
        print("leaving")
        logger.removeHandler(self)


class Staying(logging.Handler):
    def emit(self, record):
        print("staying")


def logs():
    global logger
    threading.excepthook = lambda args: print(args.exc_type.__name__)
    listener = logging.config.listen(-1)
    listener.start()
    listener.ready.wait()
    listener.join()
    logger = logging.Logger("here")
    logger.addHandler(Leaving())
    logger.addHandler(Staying())
    logger.error("now")
    with tempfile.TemporaryDirectory() as place, contextlib.redirect_stderr(io.StringIO()) as err:
        handler = logging.FileHandler(os.path.join(place, "missing", "log"), delay=True)
        handler.handle(logging.makeLogRecord({"msg": "lost"}))
        handler.close()
    print("FileNotFoundError" in err.getvalue())


def main():
    for test in (empty_pieces, failing_callback, open_pipe, factory_fails):
        print(f"-- {test.__name__}")
        asyncio.run(test())
    for test in (few_tasks_each, logs):
        print(f"-- {test.__name__}")
        test()


if __name__ == "__main__":
    main()
