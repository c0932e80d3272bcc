"""Addresses as text and bytes, numeric lookups, byte order."""

import socket


def outcome(function, *args, **kwargs):
    try:
        print(function.__name__, args, "->", function(*args, **kwargs))
    except Exception as e:
        print(function.__name__, args, type(e).__name__, e)


for text in ("127.0.0.1", "1.2", "0x7f.1", "1.2.3.4 x", "256.1.1.1", "", "\u0661.1.1.1"):
    outcome(socket.inet_aton, text)
for text in ("127.0.0.1", "1.2", "01.2.3.4", "::1"):
    outcome(socket.inet_pton, socket.AF_INET, text)
for text in ("::1", "::", "fe80::1%lo", "::ffff:1.2.3.4", "1:2:3:4:5:6:7:8", "1::2::3"):
    outcome(socket.inet_pton, socket.AF_INET6, text)
for packed in (bytes(16), bytes(15) + b"\1", bytes(10) + b"\xff\xff\1\2\3\4", bytes(12) + b"abcd", b"\1\0" * 8, b""):
    outcome(socket.inet_ntop, socket.AF_INET6, packed)
outcome(socket.inet_ntop, socket.AF_INET, bytearray(b"\1\2\3\4"))
outcome(socket.inet_ntop, 77, b"")
outcome(socket.inet_pton, 77, "")
outcome(socket.inet_ntoa, b"\xff\0\0\1")
outcome(socket.inet_ntoa, b"123")
outcome(socket.inet_ntoa, "1234")
for function in (socket.htons, socket.ntohs, socket.htonl, socket.ntohl):
    for number in (1, 0xfffe, 0x10000, -1, 1 << 32, 1.0):
        outcome(function, number)

outcome(socket.getaddrinfo, "127.0.0.1", 80, type=socket.SOCK_STREAM)
outcome(socket.getaddrinfo, b"::1", "443", socket.AF_INET6, socket.SOCK_DGRAM)
outcome(socket.getaddrinfo, "127.0.0.1", None, proto=socket.IPPROTO_TCP)
outcome(socket.getaddrinfo, "::1", 80, socket.AF_INET, flags=socket.AI_NUMERICHOST)
outcome(socket.getaddrinfo, "not numeric", 80, flags=socket.AI_NUMERICHOST)
outcome(socket.getaddrinfo, "127.0.0.1", "80x", flags=socket.AI_NUMERICSERV)
outcome(socket.getaddrinfo, None, None)
outcome(socket.getaddrinfo, 1, 2)
outcome(socket.getaddrinfo, "127.0.0.1", 1.5)
outcome(socket.getnameinfo, ("127.0.0.1", 80), socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)
outcome(socket.getnameinfo, ("::1", 80, 5, 0), socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)
outcome(socket.getnameinfo, ("127.0.0.1", 80, 1), 0)
outcome(socket.getnameinfo, ("::1", 80, 1 << 20), 0)
outcome(socket.getnameinfo, ("127.0.0.1",), 0)
outcome(socket.getnameinfo, "127.0.0.1", 0)
outcome(socket.gethostbyname, "127.0.0.1")
outcome(socket.gethostbyname, "")
outcome(socket.gethostbyname, "<broadcast>")
outcome(socket.gethostbyname, None)
outcome(socket.getservbyport, 70000)
outcome(socket.getservbyname, "no such service")
outcome(socket.getprotobyname, "no such protocol")
outcome(socket.if_nametoindex, "no such interface")
outcome(socket.if_indextoname, -1)
print(socket.if_indextoname(socket.if_nametoindex("lo")))
try:
    socket.getaddrinfo("127.0.0.1", 80, socket.AF_INET6, flags=socket.AI_NUMERICHOST)
except socket.gaierror as e:
    print(e.args, e.errno == socket.EAI_ADDRFAMILY, type(e).__mro__)
print(socket.herror.__mro__, socket.error is OSError, socket.timeout is TimeoutError)
