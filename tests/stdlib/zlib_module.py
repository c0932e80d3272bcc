"""zlib: streams that CPython made, round trips with every option, what
decompressor objects keep, copies, dictionaries, checksums, words of errors.
Compressed bytes are not shown: they may differ between implementations."""
import copy
import zlib

TEXT = b"hello world " * 20
GZIP = bytes.fromhex("1f8b0800000000000003cb48cdc9c95728cf2fca49010085114a0d0b000000")
RAW_WITH_DICTIONARY = zlib.compressobj(wbits=-15, zdict=b"hello world")
RAW_WITH_DICTIONARY = RAW_WITH_DICTIONARY.compress(TEXT) + RAW_WITH_DICTIONARY.flush()
c = zlib.compressobj(zdict=b"hello world")
WITH_DICTIONARY = c.compress(TEXT) + c.flush()
STREAM = zlib.compress(TEXT)
MANY = bytes(range(256)) * 500


def show(call):
    try:
        print(call())
    except Exception as e:
        print(type(e).__name__, e)


print(zlib.decompress(GZIP, 31), zlib.decompress(GZIP, 47), zlib.decompress(b"\x03\0", -15))
for damaged in b"", b"abc", STREAM[:-1], STREAM[:-1] + b"?", STREAM + b"tail", b"x\x9c\xff\xff", b"x\x9c\x07", b"x\x9c\x01\x05\0\0\0hello", WITH_DICTIONARY:
    show(lambda: len(zlib.decompress(damaged)))
for wbits in 7, 9, 16, -15, 31, 48:
    show(lambda: zlib.decompress(STREAM, wbits))
for options in dict(level=10), dict(method=7), dict(wbits=7), dict(memLevel=0), dict(strategy=5), dict(zdict="x"), dict(nope=1):
    show(lambda: zlib.compressobj(**options))
for level in -1, 0, 1, 6, 9:
    for strategy in range(5):
        for wbits in 9, 15, -9, -15, 25, 31:
            c = zlib.compressobj(level, zlib.DEFLATED, wbits, 8, strategy)
            packed = c.compress(MANY) + c.flush(zlib.Z_SYNC_FLUSH) + c.compress(TEXT) + c.flush()
            assert zlib.decompress(packed, wbits) == MANY + TEXT
show(lambda: c.flush())
show(lambda: c.compress(b"x"))
show(lambda: c.copy())
show(lambda: zlib.compress(b"x", 10))
show(lambda: zlib.compress())

d = zlib.decompressobj()
print(d.decompress(STREAM, 10), d.eof)
print(d.decompress(d.unconsumed_tail, 5), d.eof)
print(d.decompress(d.unconsumed_tail) == TEXT[15:], d.eof, d.unused_data)
print(d.decompress(b"more"), d.unused_data, d.flush(), d.unconsumed_tail)
show(lambda: d.decompress(b"again"))
show(lambda: d.copy())
show(lambda: d.flush(0))
show(lambda: d.decompress(STREAM, -1))
d = zlib.decompressobj()
first = b"".join(d.decompress(STREAM[i:i + 1]) for i in range(8))
for e in d.copy(), copy.copy(d), copy.deepcopy(d), d:
    print(first + e.decompress(STREAM[8:] + b"rest") == TEXT, e.unused_data)
print(zlib.decompressobj(zdict=b"hello world").decompress(WITH_DICTIONARY) == TEXT)
print(zlib.decompressobj(-15, b"hello world").decompress(RAW_WITH_DICTIONARY) == TEXT)
show(lambda: zlib.decompressobj(zdict=b"wrong").decompress(WITH_DICTIONARY))
show(lambda: zlib.decompressobj().decompress(WITH_DICTIONARY))
show(lambda: zlib.decompressobj(zdict="x"))
bomb = zlib.compress(bytes(5_000_000))
d = zlib.decompressobj()
size = len(d.decompress(bomb, 1000))
print(size, bool(d.unconsumed_tail))
while d.unconsumed_tail:
    size += len(d.decompress(d.unconsumed_tail, 100_000))
print(size + len(d.flush()), d.eof)

q = zlib._ZlibDecompressor()
print(q.needs_input, q.decompress(STREAM, 10), q.needs_input, q.eof)
print(q.decompress(b"", 0), q.decompress(b"tail") == TEXT[10:], q.needs_input, q.eof, q.unused_data)
show(lambda: q.decompress(b""))
packed, out, at, q = zlib.compress(MANY), b"", 0, zlib._ZlibDecompressor()
while not q.eof:
    feed, at = (packed[at:at + 7], at + 7) if q.needs_input else (b"", at)
    out += q.decompress(feed, 13)
print(out == MANY)

for checksum in zlib.crc32, zlib.adler32:
    print(checksum(b""), checksum(TEXT), checksum(TEXT, 1 << 40), checksum(MANY, checksum(TEXT)), checksum(b"a", -1), checksum(b"", 0xFFFFFFFF))
    show(lambda: checksum("x"))
    show(lambda: checksum())
