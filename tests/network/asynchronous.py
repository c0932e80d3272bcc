"""asyncio over loopback: streams, datagrams, cancellation, timeouts, groups."""

import asyncio
import contextvars
import os
import socket
import tempfile

name = contextvars.ContextVar("name", default="nobody")


async def serve(reader, writer):
    async for line in reader:
        writer.write(line.swapcase())
        await writer.drain()
    writer.close()
    await writer.wait_closed()


async def talk(reader, writer, count):
    answers = []
    for i in range(count):
        writer.write(b"Line %d\n" % i)
        await writer.drain()
        answers.append(await reader.readline())
    writer.write_eof()
    answers.append(await reader.read())
    writer.close()
    await writer.wait_closed()
    return answers


async def streams():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    async with server:
        talks = [talk(*await asyncio.open_connection(host, port), n) for n in (1, 3, 2)]
        print(await asyncio.gather(*talks))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "socket")
        async with await asyncio.start_unix_server(serve, path):
            print(await talk(*await asyncio.open_unix_connection(path), 2))


async def datagrams():
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    class Receiver(asyncio.DatagramProtocol):
        def datagram_received(self, data, address):
            done.set_result(data)

    transport, _ = await loop.create_datagram_endpoint(Receiver, ("127.0.0.1", 0))
    sender, _ = await loop.create_datagram_endpoint(
        asyncio.DatagramProtocol, remote_addr=transport.get_extra_info("sockname"))
    sender.sendto(b"datagram")
    print(await done)
    sender.close()
    transport.close()


async def low_level():
    loop = asyncio.get_running_loop()
    a, b = socket.socketpair()
    with a, b:
        a.setblocking(False)
        b.setblocking(False)
        receiving = asyncio.create_task(loop.sock_recv(a, 100))
        await asyncio.sleep(0)
        await loop.sock_sendall(b, b"bytes")
        print(await receiving)
        try:
            async with asyncio.timeout(0.01):
                await loop.sock_recv(a, 1)
        except TimeoutError as e:
            print("timeout", type(e.__cause__).__name__)


async def stubborn(log):
    try:
        await asyncio.sleep(10)
    except asyncio.CancelledError as e:
        log.append(e.args)
        raise
    finally:
        log.append(asyncio.current_task().cancelling())


async def cancellation():
    log = []
    task = asyncio.create_task(stubborn(log), name="stubborn")
    print(repr(task).partition(" coro=")[0], task.get_name(), len(asyncio.all_tasks()))
    await asyncio.sleep(0)
    print(task.cancel("enough"), task.done(), task.cancelling())
    try:
        await task
    except asyncio.CancelledError as e:
        print(e.args, task.cancelled(), log)
    print(task.cancel())
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(stubborn(log))
            group.create_task(asyncio.wait_for(asyncio.sleep(10), 0.01))
    except* TimeoutError as e:
        print(len(e.exceptions), log)
    future = asyncio.get_running_loop().create_future()
    future.add_done_callback(lambda f: print("callback", f))
    print(repr(future).split(' at ')[0], future.done())
    future.set_exception(KeyError("k"))
    try:
        await future
    except KeyError as e:
        print(repr(e), future.exception() is e)
    for call in (future.set_result, future.set_exception):
        try:
            call(1)
        except asyncio.InvalidStateError as e:
            print(type(e).__name__, e)
    await asyncio.sleep(0)


async def contexts():
    async def child():
        before = name.get()
        name.set("child")
        await asyncio.sleep(0)
        return before, name.get()

    name.set("parent")
    print(await asyncio.create_task(child()), name.get())
    print(await asyncio.create_task(child(), context=contextvars.Context()))
    print(await asyncio.to_thread(name.get))
    print(await asyncio.get_running_loop().run_in_executor(None, sum, (1, 2)))


async def wrong():
    loop = asyncio.get_running_loop()

    class Yields:
        def __init__(self, value):
            self.value = value

        def __await__(self):
            yield self.value

    async def await_it(value):
        await Yields(value)

    for value in (1, loop.create_future(), (x for x in ())):
        try:
            await asyncio.create_task(await_it(value), name="T")
        except RuntimeError as e:
            print(str(e).partition(" coro=")[0].partition(" at 0x")[0])

    async def me():
        await task

    task = asyncio.create_task(me(), name="me")
    try:
        await task
    except RuntimeError as e:
        print(str(e).partition(" coro=")[0])
    try:
        asyncio.create_task(5)
    except TypeError as e:
        print(e)


async def main():
    await streams()
    await datagrams()
    await low_level()
    await cancellation()
    await contexts()
    await wrong()


asyncio.run(main())
try:
    asyncio.get_running_loop()
except RuntimeError as e:
    print(e)
