"""Unix sockets: pairs, descriptors passed along, ancillary data, addresses."""

import array
import os
import socket
import tempfile

a, b = socket.socketpair()
print(a.family, a.type, repr(a.getsockname()), repr(b.getpeername()))

# ---- descriptors
reader, writer = os.pipe()
print(a.sendmsg([b"take ", b"this"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [reader]))]))
data, ancillary, flags, address = b.recvmsg(100, socket.CMSG_SPACE(4))
(level, kind, packed), = ancillary
print(data, level == socket.SOL_SOCKET, kind == socket.SCM_RIGHTS, len(packed), flags, address)
received = array.array("i", packed)[0]
os.write(writer, b"through the pipe")
print(received != reader, os.read(received, 100))
for number in (reader, writer, received):
    os.close(number)
socket.send_fds(a, [b"x"], [0, 1, 2])
data, numbers, flags, address = socket.recv_fds(b, 10, 5)
print(data, len(numbers), flags, address)
for number in numbers:
    os.close(number)

# ---- several buffers
first, second = bytearray(3), bytearray(10)
a.sendmsg((b"abc", memoryview(b"defg"), bytearray(b"h")))
print(b.recvmsg_into([first, second]), first, second)
a.sendmsg([b"no room"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0]))])
data, ancillary, flags, address = b.recvmsg(100)
print(data, ancillary, flags == socket.MSG_CTRUNC)


def outcome(function, *args):
    try:
        print(function.__name__, "->", function(*args))
    except Exception as e:
        print(function.__name__, type(e).__name__, e)


outcome(a.sendmsg, 1)
outcome(a.sendmsg, [1])
outcome(a.sendmsg, [b""], [1])
outcome(a.sendmsg, [b""], [(1, 2)])
outcome(a.sendmsg, [b""], [(1, 2, 3)])
outcome(b.recvmsg, -1)
outcome(b.recvmsg, 1, -1)
outcome(b.recvmsg_into, [b"constant"])
outcome(socket.CMSG_LEN, 10)
outcome(socket.CMSG_SPACE, 10)
outcome(socket.CMSG_SPACE, -1)
outcome(socket.CMSG_LEN, 1 << 40)
a.close()
b.close()

# ---- addresses
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "\u00e9")
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(path)
        server.listen()
        client.connect(os.fsencode(path))
        peer, address = server.accept()
        print(repr(address), os.path.basename(ascii(client.getpeername())))
        peer.close()
    with socket.socket(socket.AF_UNIX) as s:
        outcome(s.connect, path)
        outcome(s.bind, path)
        outcome(s.bind, "x" * 200)
        outcome(s.bind, 5)
        outcome(s.bind, ("x",))
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
    name = b"\0taipan-test-%d" % os.getpid()
    s.bind(name)
    print(s.getsockname() == name)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind("")
        other.sendto(b"hi", name)
        data, address = s.recvfrom(10)
        print(data, type(address), address[:1], len(address))
outcome(socket.socketpair, socket.AF_INET)
