"""Hash functions: digests of all algorithms, states that are copied and fed in
pieces, BLAKE2's parameters, HMAC, key derivation, words of errors, threads."""
import hashlib
import hmac
import threading

import _hashlib
import _md5
import _sha2
import _sha3


def show(call):
    try:
        print(call())
    except Exception as e:
        print(type(e).__name__, e)


data = bytes(range(256)) * 37
for name in sorted(hashlib.algorithms_available):
    h = hashlib.new(name)
    for start in range(0, len(data), 1000):
        h.update(data[start:start + 1000])
    copied = h.copy()
    h.update(memoryview(b"more"))
    size = () if h.digest_size else (20,)
    print(name, h.name, h.digest_size, h.block_size, h.hexdigest(*size), copied.digest(*size) == hashlib.new(name, data).digest(*size))
for name in sorted(hashlib.algorithms_guaranteed):
    constructor = getattr(hashlib, name)
    show(lambda: constructor("text"))
    show(lambda: constructor(5))
    show(lambda: constructor(b"", string=b""))
    show(lambda: constructor(b"", unknown=1))
for constructor in _md5.md5, _sha2.sha384, _sha3.sha3_512:
    print(constructor(b"abc").hexdigest(), constructor(string=b"abc").name)
show(lambda: _sha3.shake_128(b"").digest(-1))
show(lambda: _sha3.shake_128(b"").digest(1 << 29))
for name in "SHA2-256", "sha-1", "SHA3_256", "nope", "md5\0", 5:
    show(lambda: _hashlib.new(name).name)

for constructor in hashlib.blake2b, hashlib.blake2s:
    tree = dict(digest_size=20, key=b"key", salt=b"salt", person=b"me", fanout=2, depth=3, leaf_size=4096,
                node_offset=77, node_depth=1, inner_size=20, last_node=True)
    print(constructor(data, **tree).hexdigest())
    for wrong in ("digest_size", 0), ("digest_size", 65), ("key", b"k" * 65), ("salt", b"s" * 17), ("person", b"p" * 17), \
            ("fanout", 256), ("depth", 0), ("leaf_size", 1 << 32), ("node_offset", 1 << 64), ("inner_size", 65), ("key", "k"):
        show(lambda: constructor(**dict([wrong])))

for name in "md5", "sha256", "sha3_384", "blake2b", "ripemd160":
    h = hmac.new(b"key" * 50, b"mess", name)
    h.update(b"age")
    print(h.name, h.digest_size, h.block_size, h.hexdigest(), hmac.digest(b"key" * 50, b"message", name) == h.digest())
show(lambda: hmac.new(b"k", b"m"))
show(lambda: hmac.new("k", b"m", "md5"))
show(lambda: hmac.digest(b"k", b"m", "nope"))
show(lambda: hmac.compare_digest("é", "é"))
show(lambda: hmac.compare_digest(b"same", bytearray(b"same")))

print(hashlib.pbkdf2_hmac("sha512", b"password", b"salt", 100, 100).hex())
show(lambda: hashlib.pbkdf2_hmac("sha1", b"p", b"s", 0))
show(lambda: hashlib.pbkdf2_hmac("sha1", b"p", b"s", 1, 0))
print(hashlib.scrypt(b"password", salt=b"NaCl", n=1024, r=8, p=16, dklen=64).hex())
for wrong in dict(n=3, r=1, p=1), dict(n=2, r=0, p=1), dict(n=1 << 20, r=8, p=1), dict(n=2, r=1, p=1, maxmem=-1):
    show(lambda: hashlib.scrypt(b"p", salt=b"s", **wrong))

shared = hashlib.sha256()
chunk = b"x" * 100_000


def feed():
    for _ in range(20):
        shared.update(chunk)


threads = [threading.Thread(target=feed) for _ in range(4)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(shared.digest() == hashlib.sha256(chunk * 80).digest())
