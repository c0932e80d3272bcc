# bz2, lzma and zstd: streams in pieces, limits, what follows the end, filters,
# dictionaries, and the archives that use them.
import bz2
import io
import lzma
import tarfile
import zipfile
from compression import zstd

DATA = b"".join(b"%d bottles of beer on the wall\n" % i for i in range(2000))


def pieces(decompressor, packed, size, limit):
    out, rest = [], [packed[i:i + size] for i in range(0, len(packed), size)]
    while not decompressor.eof:
        data = rest.pop(0) if decompressor.needs_input and rest else b""
        part = decompressor.decompress(data, limit)
        assert len(part) <= limit
        out.append(part)
    return b"".join(out), decompressor.unused_data + b"".join(rest)


for name, module, make in [
    ("bz2", bz2, bz2.BZ2Decompressor),
    ("lzma", lzma, lzma.LZMADecompressor),
    ("zstd", zstd, zstd.ZstdDecompressor),
]:
    packed = module.compress(DATA)
    print(name, len(packed) < len(DATA) // 5, module.decompress(packed) == DATA)
    out, rest = pieces(make(), packed + b"behind", 97, 1000)
    print(out == DATA, rest)
    d = make()
    try:
        d.decompress(b"not compressed at all")
    except Exception as e:
        print(type(e).__name__, e)
    try:
        print(module.decompress(packed[:-1]) == DATA)
    except Exception as e:
        print(type(e).__name__, e)
    print(module.decompress(packed + module.compress(b"more")) == DATA + b"more")

for options in [
    {"format": lzma.FORMAT_ALONE},
    {"format": lzma.FORMAT_XZ, "check": lzma.CHECK_SHA256, "preset": 1 | lzma.PRESET_EXTREME},
    {"format": lzma.FORMAT_XZ, "filters": [{"id": lzma.FILTER_DELTA, "dist": 4}, {"id": lzma.FILTER_LZMA2, "dict_size": 1 << 16}]},
]:
    d = lzma.LZMADecompressor()
    print(d.decompress(lzma.compress(DATA, **options)) == DATA, d.check)
chain = [{"id": lzma.FILTER_X86}, {"id": lzma.FILTER_LZMA2, "preset": 3}]
raw = lzma.compress(DATA, lzma.FORMAT_RAW, filters=chain)
print(lzma.decompress(raw, lzma.FORMAT_RAW, filters=chain) == DATA)
print(lzma._decode_filter_properties(lzma.FILTER_LZMA2, lzma._encode_filter_properties({"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20})))

samples = [b"the quick brown fox %d jumps over the lazy dog %d" % (i, i * 7) for i in range(300)]
d = zstd.train_dict(samples, 2048)
small = zstd.compress(samples[5], zstd_dict=d)
print(len(small) < len(zstd.compress(samples[5])), zstd.decompress(small, zstd_dict=d) == samples[5])
print(zstd.get_frame_info(small).dictionary_id == d.dict_id, zstd.get_frame_size(small) == len(small))
c = zstd.ZstdCompressor(options={zstd.CompressionParameter.checksum_flag: 1, zstd.CompressionParameter.compression_level: 5})
c.set_pledged_input_size(len(DATA))
frame = c.compress(DATA[:500]) + c.compress(DATA[500:], c.FLUSH_FRAME)
print(zstd.get_frame_info(frame), zstd.decompress(frame) == DATA)

for mode in "bz2", "xz", "zst", "gz":
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:" + mode) as tar:
        member = tarfile.TarInfo("beer.txt")
        member.size = len(DATA)
        tar.addfile(member, io.BytesIO(DATA))
    file.seek(0)
    with tarfile.open(fileobj=file) as tar:
        print(mode, tar.getnames(), tar.extractfile("beer.txt").read() == DATA)
for method in zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, zipfile.ZIP_ZSTANDARD:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as z:
        z.writestr("beer.txt", DATA)
    with zipfile.ZipFile(file) as z:
        print(method, z.testzip(), z.read("beer.txt") == DATA)
