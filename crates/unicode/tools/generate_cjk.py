"""Generator of the tables of the East Asian encodings (`src/data/cjk.bin`).

Run it under CPython 3.14:

    /opt/peers/bin/cpython3.14 crates/unicode/tools/generate_cjk.py

Every cell is asked from the interpreter's own codecs: each code of two bytes is
decoded, each code point encoded.  A character set is written as its decoding
table (perhaps as what differs from another set) and as the encodings that are
not its inverse, where the lowest code of a character counts.

Layout: where each set of SETS and the list of pairs begin (u32, behind this
list), then all numbers LEB128: for each set two lists of runs, code to
character and character to code.  A list is the number of its runs and then for
each: keys left out since the last run, twice the length plus one if the values
rise by one, and the first value or all of them, as differences (zigzag) to the
value before.  Value 0 takes a key out.  Values above 0x110000 are pairs of
characters: their numbers in a last list, of pairs.
"""
import os
import struct

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "..", "src", "data", "cjk.bin")
PAIR = 0x110000
pairs = []


def decoded(codec, data):
    try:
        return data.decode(codec)
    except UnicodeDecodeError:
        return None


def encoded(codec, text):
    try:
        return text.encode(codec)
    except UnicodeEncodeError:
        return None


def value(text):
    if len(text) == 1:
        return ord(text)
    first, second = text
    pair = (ord(first), ord(second))
    if pair not in pairs:
        pairs.append(pair)
    return PAIR + pairs.index(pair)


def rows(make, codec, mask):
    """Codes 0x2121..0x7e7e as `make` writes them."""
    out = {}
    for a in range(0x21, 0x7F):
        for b in range(0x21, 0x7F):
            text = decoded(codec, make(a | mask, b | mask))
            if text:
                out[a << 8 | b] = value(text)
    return out


def escaped(codec, escape):
    return rows(lambda a, b: escape + bytes((a, b)) + b"\x1b(B", codec, 0)


def double(codec):
    """All two-byte codes of a codec."""
    out = {}
    for a in range(0x80, 0x100):
        if decoded(codec, bytes((a,))) is not None:
            continue
        for b in range(0x100):
            text = decoded(codec, bytes((a, b)))
            if text:
                out[a << 8 | b] = value(text)
    return out


def encodings(codec, take):
    """Code of each character whose encoding `take` finds to belong to the set."""
    out = {}
    for c in range(0x80, 0x110000):
        data = encoded(codec, chr(c))
        code = data and take(data)
        if code:
            out[c] = code
    return out


def two(mask=0):
    # What follows 0x8e is half a katakana, and of no set.
    return lambda data: (data[0] << 8 | data[1]) ^ mask if len(data) == 2 and data[0] ^ mask >> 8 > 0x20 else None


def three(data):
    return (data[1] << 8 | data[2]) ^ 0x8080 if len(data) == 3 else None


def between(escape):
    """What stands between an escape sequence and the return to ASCII."""

    def take(data):
        if not data.startswith(escape):
            return None
        rest = data[len(escape) :].removesuffix(b"\x1b(B")
        return rest[0] << 8 | rest[1]

    return take


def four_bytes():
    """GB18030's codes of four bytes for the BMP, numbered from 81308130."""
    out, n = {}, 0
    for a in range(0x81, 0x85):
        for b in range(0x30, 0x3A):
            for c in range(0x81, 0xFF):
                for d in range(0x30, 0x3A):
                    text = decoded("gb18030", bytes((a, b, c, d)))
                    if text:
                        out[n] = ord(text)
                    n += 1
    return out


jis_2004_1 = encodings("euc_jis_2004", two(0x8080))

# Name, codes, characters, (set it is based on, mask of its codes).
SETS = [
    ("Gb2312", rows(lambda a, b: bytes((a, b)), "gb2312", 0x80), encodings("gb2312", two(0x8080)), None),
    ("Gbk", double("gbk"), encodings("gbk", two()), ("Gb2312", 0x8080)),
    ("Gb18030", double("gb18030"), encodings("gb18030", two()), ("Gbk", 0)),
    ("Gb18030Four", four_bytes(), None, None),
    ("Ksx1001", escaped("iso2022_kr", b"\x1b$)C\x0e"), encodings("euc_kr", two(0x8080)), None),
    ("Cp949", double("cp949"), encodings("cp949", two()), ("Ksx1001", 0x8080)),
    ("Johab", double("johab"), encodings("johab", two()), None),
    ("Big5", double("big5"), encodings("big5", two()), None),
    ("Cp950", double("cp950"), encodings("cp950", two()), ("Big5", 0)),
    ("Big5Hkscs", double("big5hkscs"), encodings("big5hkscs", two()), ("Big5", 0)),
    ("Jisx0208", escaped("iso2022_jp", b"\x1b$B"), encodings("iso2022_jp", between(b"\x1b$B")), None),
    ("Jisx0212", escaped("iso2022_jp_1", b"\x1b$(D"), encodings("euc_jp", three), None),
    ("Jisx0213One", escaped("iso2022_jp_2004", b"\x1b$(Q"), jis_2004_1, ("Jisx0208", 0)),
    ("Jisx0213Two", escaped("iso2022_jp_2004", b"\x1b$(P"), encodings("iso2022_jp_2004", between(b"\x1b$(P")), None),
    ("Cp932", double("cp932"), encodings("cp932", two()), None),
]


def varint(n):
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def zigzag(n):
    return varint(n << 1 if n >= 0 else (-n << 1) - 1)


def runs(table):
    """A table as a list of runs."""
    out, items = [], sorted(table.items())
    i, end, last = 0, 0, 0
    while i < len(items):
        key = items[i][0]
        j = i + 1
        while j < len(items) and items[j][0] == key + j - i:
            j += 1
        values = [v for _, v in items[i:j]]
        # Pieces that rise by one are worth a run of their own if they are long.
        k = 0
        while k < len(values):
            m = k + 1
            while m < len(values) and values[m] == values[m - 1] + 1:
                m += 1
            if m - k > 4 or m - k == len(values):
                stop, rising = m, 1
            else:
                stop, rising = k, 0
                while stop < len(values):
                    if values[stop : stop + 5] == list(range(values[stop], values[stop] + 5)):
                        break
                    stop += 1
            piece = values[k:stop]
            data = varint(key + k - end) + varint(len(piece) << 1 | rising) + zigzag(piece[0] - last)
            if rising:
                last = piece[-1]
            else:
                last = piece[0]
                for v in piece[1:]:
                    data += zigzag(v - last)
                    last = v
            out.append(data)
            end = key + stop
            k = stop
        i = j
    return varint(len(out)) + b"".join(out)


blob, offsets, done = b"", [], {}
for name, decode, encode, base in SETS:
    known = {}
    if base:
        known = {code ^ base[1]: c for code, c in done[base[0]].items()}
    changes = {code: decode.get(code, 0) for code in decode.keys() | known.keys() if decode.get(code) != known.get(code)}
    done[name] = decode
    inverse = {}
    for code, c in sorted(decode.items()):
        if c < PAIR:
            inverse.setdefault(c, code)
    if encode is None:
        # Its ranges are searched both ways.
        encode = inverse
    corrections = {c: encode.get(c, 0) for c in encode.keys() | inverse.keys() if encode.get(c) != inverse.get(c)}
    a, b = runs(changes), runs(corrections)
    print(f"{name:12} {len(decode):6} codes {len(a):7} bytes {len(corrections):6} corrections {len(b):6} bytes")
    offsets.append(len(blob))
    blob += a + b
offsets.append(len(blob))
blob += varint(len(pairs)) + b"".join(varint(a) + varint(b) for a, b in pairs)
blob = struct.pack(f"<{len(offsets)}I", *offsets) + blob
with open(OUT, "wb") as f:
    f.write(blob)
print(len(blob), "bytes")
