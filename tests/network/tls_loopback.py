# requires: /usr/include/openssl/ssl.h
# TLS on the loopback: HTTPS, verification and its failures, SNI, ALPN, certificates
# of clients, buffers instead of sockets, sessions, asyncio.
import asyncio
import http.server
import os
import socket
import ssl
import tempfile
import threading
import urllib.request

CA = """\
-----BEGIN CERTIFICATE-----
MIIBxzCCAW2gAwIBAgIUIKm0n3ixqNYXKmjbxXYZew8EfwEwCgYIKoZIzj0EAwIw
MDEVMBMGA1UECgwMVGFpcGFuIHRlc3RzMRcwFQYDVQQDDA5UZXN0IGF1dGhvcml0
eTAgFw0yNjExMjIxNzQ3MjNaGA8yMDgxMDgyNTE3NDcyM1owMDEVMBMGA1UECgwM
VGFpcGFuIHRlc3RzMRcwFQYDVQQDDA5UZXN0IGF1dGhvcml0eTBZMBMGByqGSM49
AgEGCCqGSM49AwEHA0IABEpTP/LJ0NDJskBpn8u3aL5T5hCFL4VbxDGjM54IvQ2y
A5SeYMjbKoQdoyg336Gq6gkMUu40lbMeDr1bXVVCVzajYzBhMB0GA1UdDgQWBBQp
barmcIKC5vKK+UpBjpnopl+SsDAfBgNVHSMEGDAWgBQpbarmcIKC5vKK+UpBjpno
pl+SsDAPBgNVHRMBAf8EBTADAQH/MA4GA1UdDwEB/wQEAwIBBjAKBggqhkjOPQQD
AgNIADBFAiEA/BJnIN3kqILNTzGpEjqeVOYVNB5OXz00/QoAnGy2I4ECIFxKfhzX
hG2Jv78ScDNGGsvXg59h5H2TafAtKCkugyRW
-----END CERTIFICATE-----
"""
SERVER = """\
-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIK/gU6snLSf3s8nrN0eGWpplXZQm3rsL2naVmnQPKN03oAoGCCqGSM49
AwEHoUQDQgAE7lOH06F38wg4PM3R1th2QIY4YxXYhEynmuHaUuMkHcEvBqWQpgMo
1ihsyYw2iBlIm8OC64vG/YknyIE3G2nGzg==
-----END EC PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIB4DCCAYWgAwIBAgIBAjAKBggqhkjOPQQDAjAwMRUwEwYDVQQKDAxUYWlwYW4g
dGVzdHMxFzAVBgNVBAMMDlRlc3QgYXV0aG9yaXR5MCAXDTI2MTEyMjE3NDcyM1oY
DzIwODEwODI1MTc0NzIzWjArMRUwEwYDVQQKDAxUYWlwYW4gdGVzdHMxEjAQBgNV
BAMMCWxvY2FsaG9zdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABO5Th9Ohd/MI
ODzN0dbYdkCGOGMV2IRMp5rh2lLjJB3BLwalkKYDKNYobMmMNogZSJvDguuLxv2J
J8iBNxtpxs6jgZIwgY8wGgYDVR0RBBMwEYIJbG9jYWxob3N0hwR/AAABMAwGA1Ud
EwEB/wQCMAAwDgYDVR0PAQH/BAQDAgeAMBMGA1UdJQQMMAoGCCsGAQUFBwMBMB0G
A1UdDgQWBBQ4AaJkqvfIjm710aam0Sj2Wo6IrzAfBgNVHSMEGDAWgBQpbarmcIKC
5vKK+UpBjpnopl+SsDAKBggqhkjOPQQDAgNJADBGAiEAxQ25+etaysyL1+Q7bvIN
tOuYmjFmmXVuexMxt5Er+t8CIQDDhr/NhBzD1sO1/LDJF+OjlSXCa8ABhH13wTrv
tT5/bw==
-----END CERTIFICATE-----
"""
CLIENT = """\
-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIFXsVuMuWv6YzJElmqH8xW9zYNm9nh+K0R12y7ZND89ZoAoGCCqGSM49
AwEHoUQDQgAERFkyQjNi9RCvyUd02fgTZCVYj/76EDFZwBSvx2Xy4kJb41fd0dUs
Zit5I8RxLZbZcCABUa3AsNjL1jU9q7QQbg==
-----END EC PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBvjCCAWSgAwIBAgIBAzAKBggqhkjOPQQDAjAwMRUwEwYDVQQKDAxUYWlwYW4g
dGVzdHMxFzAVBgNVBAMMDlRlc3QgYXV0aG9yaXR5MCAXDTI2MTEyMjE3NDcyM1oY
DzIwODEwODI1MTc0NzIzWjAoMRUwEwYDVQQKDAxUYWlwYW4gdGVzdHMxDzANBgNV
BAMMBnRlc3RlcjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABERZMkIzYvUQr8lH
dNn4E2QlWI/++hAxWcAUr8dl8uJCW+NX3dHVLGYreSPEcS2W2XAgAVGtwLDYy9Y1
Pau0EG6jdTBzMAwGA1UdEwEB/wQCMAAwDgYDVR0PAQH/BAQDAgeAMBMGA1UdJQQM
MAoGCCsGAQUFBwMCMB0GA1UdDgQWBBRIz86lPoDd3z/3iVigOLJhgVHfjjAfBgNV
HSMEGDAWgBQpbarmcIKC5vKK+UpBjpnopl+SsDAKBggqhkjOPQQDAgNIADBFAiB3
hqlSHFZUkprFZ0nmFuoNKMwA5K35CxwzlEDRTqWVYAIhAJumCA6kALjNI4rpYIyV
ZI+hd5MfNTbiw5RQT0Zf58ka
-----END CERTIFICATE-----
"""

folder = tempfile.TemporaryDirectory()


def file(name, text):
    path = os.path.join(folder.name, name)
    with open(path, "w") as f:
        f.write(text)
    return path


server_pem, client_pem = file("server.pem", SERVER), file("client.pem", CLIENT)


def server_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server_pem)
    return context


def client_context():
    return ssl.create_default_context(cadata=CA)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"hello {self.path}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def https():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = server_context().wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for host in "localhost", "127.0.0.1":
            url = f"https://{host}:{server.server_port}/{host}"
            with urllib.request.urlopen(url, context=client_context()) as r:
                print(r.status, r.read())
        try:
            urllib.request.urlopen(url, context=ssl.create_default_context(cafile=client_pem))
        except OSError as e:
            print(type(e.reason).__name__, e.reason.reason, e.reason.library, e.reason.verify_message)
        server.shutdown()


def talk(client, server, host="localhost", **options):
    """Both ends over buffers; they shake hands and say hello."""
    a, b = ssl.MemoryBIO(), ssl.MemoryBIO()
    c = client.wrap_bio(a, b, server_hostname=host, **options)
    s = server.wrap_bio(b, a, server_side=True)
    ends = [c, s]
    while ends:
        for end in list(ends):
            try:
                end.do_handshake()
                ends.remove(end)
            except ssl.SSLWantReadError:
                pass
    # Tickets of TLS 1.3 come with the first data.
    s.write(b"hello")
    assert c.read(100) == b"hello"
    c.write(b"x" * 40000)
    count = 0
    while count < 40000:
        count += len(s.read(100000))
    return c, s


def failure(client, server, host="localhost"):
    try:
        talk(client, server, host)
    except ssl.SSLError as e:
        print(type(e).__name__, e.reason, getattr(e, "verify_code", None), getattr(e, "verify_message", None))


def properties():
    client, server = client_context(), server_context()
    client.set_alpn_protocols(["h2", "http/1.1"])
    server.set_alpn_protocols(["http/1.1"])
    names = []
    server.sni_callback = lambda end, name, context: names.append((name, context is server))
    c, s = talk(client, server)
    print(c.version(), c.selected_alpn_protocol(), s.selected_alpn_protocol(), names)
    print(c.server_hostname, c.server_side, s.server_side, c.compression(), c.cipher()[1:])
    cert = c.getpeercert()
    print(cert["subject"], cert["issuer"], cert["subjectAltName"], cert["version"], cert["serialNumber"])
    print(ssl.cert_time_to_seconds(cert["notBefore"]) < ssl.cert_time_to_seconds(cert["notAfter"]))
    print(ssl.DER_cert_to_PEM_cert(c.getpeercert(True)) in SERVER, s.getpeercert())
    print([len(chain) for chain in (c.get_verified_chain(), c.get_unverified_chain())])
    failure(client_context(), server_context(), "example.org")
    failure(client_context(), server_context(), "127.0.0.2")
    failure(ssl.create_default_context(), server_context())
    old = client_context()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    new = server_context()
    new.minimum_version = ssl.TLSVersion.TLSv1_3
    failure(old, new)
    wants = server_context()
    wants.verify_mode = ssl.CERT_REQUIRED
    wants.load_verify_locations(cadata=CA)
    known = client_context()
    known.load_cert_chain(client_pem)
    known.maximum_version = ssl.TLSVersion.TLSv1_2
    c, s = talk(known, wants)
    print(c.version(), dict(pair[0] for pair in s.getpeercert()["subject"])["commonName"])
    failure(old, wants)
    again, t = talk(known, wants, session=c.session)
    print(again.session_reused, t.session_reused, again.session == c.session)
    print(c.get_channel_binding() == s.get_channel_binding() is not None)


def sockets():
    listener = socket.create_server(("127.0.0.1", 0))
    context = server_context()

    def serve():
        connection, _ = listener.accept()
        with context.wrap_socket(connection, server_side=True) as s:
            while data := s.recv(1000):
                s.sendall(data.upper())
            s.unwrap()

    thread = threading.Thread(target=serve)
    thread.start()
    with socket.create_connection(listener.getsockname()) as raw:
        s = client_context().wrap_socket(raw, server_hostname="localhost")
        s.settimeout(0.05)
        try:
            s.recv(1)
        except TimeoutError as e:
            print(type(e).__name__, e)
        s.settimeout(30)
        s.sendall(b"hello")
        buffer = bytearray(10)
        print(s.recv_into(buffer), buffer, s.pending())
        s.setblocking(False)
        try:
            s.recv(1)
        except ssl.SSLWantReadError as e:
            print(type(e).__name__, e.errno == ssl.SSL_ERROR_WANT_READ)
        s.setblocking(True)
        plain = s.unwrap()
        print(type(plain).__name__, plain.recv(10))
        plain.close()
    thread.join()
    listener.close()


async def streams():
    async def answer(reader, writer):
        writer.write((await reader.readline()).upper())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=server_context())
    port = server.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("localhost", port, ssl=client_context())
    writer.write(b"hello\n")
    print(await reader.read(), writer.get_extra_info("peercert")["subject"][-1])
    writer.close()
    await writer.wait_closed()
    server.close()


https()
properties()
sockets()
asyncio.run(streams())
folder.cleanup()
