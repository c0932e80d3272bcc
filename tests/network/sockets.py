"""TCP and UDP over loopback: data, timeouts, non-blocking calls, errors in words."""

import errno
import gc
import io
import select
import socket
import threading
import warnings


def outcome(function, *args, **kwargs):
    try:
        print(function.__name__, "->", function(*args, **kwargs))
    except Exception as e:
        print(function.__name__, type(e).__name__, e)


def connected():
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        peer, address = server.accept()
        assert address == client.getsockname() and peer.getpeername() == address
    return client, peer


# ---- streams
a, b = connected()
print(a.family, a.type, a.proto, a.fileno() >= 0, a.gettimeout())
a.sendall(b"x" * 300_000 + b"end")
a.shutdown(socket.SHUT_WR)
received = bytearray()
while chunk := b.recv(65536):
    received += chunk
print(len(received), received[-3:], a.recv(0))
buffer = bytearray(8)
b.sendall(b"hello")
print(a.recv_into(buffer, 3), bytes(buffer), a.recv_into(memoryview(buffer)[4:]), bytes(buffer))
outcome(a.send, b"after shutdown")
b.close()
print(a.recv(1), b)
a.close()
outcome(a.recv, 1)
outcome(a.getsockname)

# ---- a thread on the other side
a, b = connected()


def echo():
    with b, b.makefile("rwb") as stream:
        for line in stream:
            stream.write(line.upper())
            stream.flush()


thread = threading.Thread(target=echo)
thread.start()
with a, a.makefile("rw", newline="\n") as stream:
    for line in ("one\n", "zwei\n", "tr\u00eas\n"):
        stream.write(line)
        stream.flush()
        print(ascii(stream.readline()))
    a.shutdown(socket.SHUT_WR)
    print(repr(stream.read()))
thread.join()

# ---- timeouts and non-blocking sockets
a, b = connected()
a.settimeout(0.01)
outcome(a.recv, 1)
try:
    a.recv(1)
except socket.timeout as e:
    print(e.args, e.errno, isinstance(e, TimeoutError), isinstance(e, OSError))
print(a.getblocking(), a.gettimeout(), a.timeout)
a.setblocking(False)
outcome(a.recv, 1)
outcome(a.recv_into, bytearray(1))
try:
    while True:
        a.send(b"y" * 65536)
except BlockingIOError as e:
    print(e.errno == errno.EAGAIN, select.select([], [a], [], 0)[1] == [])
a.settimeout(0.01)
outcome(a.sendall, b"y" * 65536)
print(a.getblocking(), a.gettimeout())
a.settimeout(None)
print(a.getblocking(), a.gettimeout())
a.close()
b.close()
for value in (-1, "a", float("nan"), 1e300, 1 << 80):
    with socket.socket() as s:
        outcome(s.settimeout, value)
socket.setdefaulttimeout(2.5)
with socket.socket() as s:
    print(s.gettimeout(), socket.getdefaulttimeout())
socket.setdefaulttimeout(None)

# ---- datagrams
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as a, socket.socket(type=socket.SOCK_DGRAM) as b:
    a.bind(("127.0.0.1", 0))
    b.bind(("localhost", 0))
    print(b.sendto(b"first", a.getsockname()), b.sendto(b"second", 0, a.getsockname()))
    data, address = a.recvfrom(100)
    print(data, address == b.getsockname())
    print(a.recvfrom_into(buffer)[0], buffer)
    b.connect(a.getsockname())
    b.send(b"0123456789")
    print(a.recv(4), b.getpeername() == a.getsockname())
    outcome(b.sendto, b"", None)

# ---- what cannot be
with socket.socket() as s:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = unused.getsockname()
    outcome(s.connect, nobody)
    print(errno.errorcode[s.connect_ex(nobody)])
    outcome(s.accept)
    for address in ("x", ("x",), ("127.0.0.1", "80"), ("127.0.0.1", 70000), (1, 2), ("a\0b", 1), ("127.0.0.1", 1, 2)):
        outcome(s.connect, address)
    outcome(s.bind, ("127.0.0.1", -1))
    outcome(s.recv, -1)
    outcome(s.recv)
    outcome(s.recv_into, b"")
    outcome(s.recv_into, bytearray(1), 2)
    outcome(s.sendto, b"")
    outcome(s.send, "text")
    outcome(s.getsockopt, 1)
    outcome(s.setsockopt, socket.SOL_SOCKET, socket.SO_REUSEADDR, 1.5)
    outcome(s.listen, -5)
outcome(socket.socket, 77)
outcome(socket.socket, fileno=-1)
outcome(socket.socket, fileno=0.5)

# ---- options
with socket.socket() as s:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    print(s.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, (0).to_bytes(4, "little"))
    print(s.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 4))
    print(s.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8))
    outcome(s.getsockopt, socket.SOL_SOCKET, socket.SO_LINGER, 2000)

# ---- objects
s = socket.socket()
again = socket.socket(fileno=s.detach())
print(s.fileno(), again.family, again.type, again.proto)
other = again.dup()
print(other.fileno() != again.fileno(), other.get_inheritable())
socket.close(other.detach())
again.close()
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    s = socket.socket()
    number = s.fileno()
    del s
    gc.collect()
    print([str(w.message).replace(f"fd={number}", "fd=N") for w in caught])
    outcome(io.open, number)
