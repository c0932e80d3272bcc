"""Generator of the Unicode tables of taipan-unicode.

Run it under CPython 3.14 (Unicode 16.0.0):

    /opt/peers/bin/cpython3.14 crates/unicode/tools/generate.py

Every value is asked from the running interpreter (``str`` methods and the
``unicodedata`` module), never from a remembered table, so the data is exact by
construction.  The one thing an interpreter cannot enumerate is the list of
name aliases and named sequences; ``alias_candidates.txt`` beside this script
holds the names to *ask* for, and only what the interpreter answers is kept.

The output is a set of little-endian blobs in ``../src/data`` and the small
``../src/generated.rs`` that gives their sizes and the string tables.
"""
import os
import re
import struct
import sys
import unicodedata as u
from collections import Counter

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "..", "src", "data")
N = 0x110000
assert u.unidata_version == "16.0.0", u.unidata_version
old = u.ucd_3_2_0

rust = [
    "//! Sizes and string tables of the generated data (see `tools/generate.py`).",
    "//! Generated file; do not edit.",
    "",
]
total = 0


def write(name, data):
    global total
    total += len(data)
    with open(os.path.join(OUT, name), "wb") as f:
        f.write(data)
    print(f"{name:28} {len(data):8}")


def const(name, value, ty="usize"):
    rust.append(f"pub(crate) const {name}: {ty} = {value};")


def trie(prefix, values):
    """Two-level trie: index1[cp >> SHIFT] -> block, index2[block << SHIFT | low] -> value."""
    best = None
    for shift in (4, 5, 6, 7, 8):
        size = 1 << shift
        blocks, index1, index2 = {}, [], []
        for i in range(0, N, size):
            block = tuple(values[i : i + size])
            if block not in blocks:
                blocks[block] = len(index2) >> shift
                index2.extend(block)
            index1.append(blocks[block])
        w1 = 1 if max(index1) < 256 else 2
        w2 = 1 if max(index2) < 256 else 2
        cost = len(index1) * w1 + len(index2) * w2
        # u16 everywhere in memory; prefer the smallest file.
        cost = (len(index1) + len(index2)) * 2
        if best is None or cost < best[0]:
            best = (cost, shift, index1, index2)
    _, shift, index1, index2 = best
    const(f"{prefix}_SHIFT", shift, "u32")
    const(f"{prefix}_LEN1", len(index1))
    const(f"{prefix}_LEN2", len(index2))
    write(
        f"{prefix.lower()}_index.bin",
        struct.pack(f"<{len(index1)}H", *index1) + struct.pack(f"<{len(index2)}H", *index2),
    )


chars = [chr(i) for i in range(N)]

# ---------------------------------------------------------------- numbers
numbers = {None: 0}


def number(value):
    if value is None:
        return 0
    return numbers.setdefault(value, len(numbers))


# ---------------------------------------------------------------- types
ALPHA, DECIMAL, DIGIT, NUMERIC = 1, 2, 4, 8
LOWER, UPPER, TITLE, SPACE = 16, 32, 64, 128
PRINTABLE, LINEBREAK, CASED, IGNORABLE = 256, 512, 1024, 2048
XID_START, XID_CONTINUE, SPECIAL = 4096, 8192, 16384
types, type_ids, special = [], {}, []
for i, c in enumerate(chars):
    lo, up, ti, fo = c.lower(), c.upper(), c.title(), c.casefold()
    f = 0
    f |= ALPHA * c.isalpha()
    f |= DECIMAL * c.isdecimal()
    f |= DIGIT * c.isdigit()
    f |= NUMERIC * c.isnumeric()
    f |= LOWER * c.islower()
    f |= UPPER * c.isupper()
    f |= TITLE * (u.category(c) == "Lt")
    f |= SPACE * c.isspace()
    f |= PRINTABLE * c.isprintable()
    f |= LINEBREAK * (len(("a" + c + "b").splitlines()) == 2)
    f |= CASED * ((c + "a").title()[-1] == "a")
    after = ("A" + c + "\u03a3").lower()[-1] == "\u03c2"
    alone = (c + "\u03a3").lower()[-1] == "\u03c2"
    f |= IGNORABLE * (after and not alone)
    f |= XID_START * (c.isidentifier() and c != "_")
    f |= XID_CONTINUE * ("a" + c).isidentifier()
    assert c.isalnum() == bool(f & (ALPHA | DECIMAL | DIGIT | NUMERIC))
    if max(map(len, (lo, up, ti, fo))) > 1:
        f |= SPECIAL
        special.append((i, lo, up, ti, fo))
    rec = (
        f,
        u.decimal(c, 255),
        u.digit(c, 255),
        number(u.numeric(c, None)),
        ord(lo[0]) - i,
        ord(up[0]) - i,
        ord(ti[0]) - i,
        ord(fo[0]) - i,
    )
    types.append(type_ids.setdefault(rec, len(type_ids)))
const("TYPE_RECORDS", len(type_ids))
write("type_records.bin", b"".join(struct.pack("<HBBBxxxiiii", *r) for r in type_ids))
trie("TYPE", types)
const("SPECIAL_LEN", len(special))
blob = b""
for i, *maps in special:
    blob += struct.pack("<I", i)
    for m in maps:
        cps = [ord(x) for x in m] + [0] * (3 - len(m))
        blob += struct.pack("<III", *cps)
write("special_case.bin", blob)

# ---------------------------------------------------------------- database
categories = sorted({u.category(c) for c in chars})
bidis = sorted({u.bidirectional(c) for c in chars} | {old.bidirectional(c) for c in chars})
widths = sorted({u.east_asian_width(c) for c in chars} | {old.east_asian_width(c) for c in chars})
rust.append("")
for nm, lst in (("CATEGORIES", categories), ("BIDI", bidis), ("WIDTHS", widths)):
    rust.append(f"pub(crate) static {nm}: [&str; {len(lst)}] = {str(lst).replace(chr(39), chr(34))};")

# composition pairs: canonical two-element decompositions that compose again
pairs = {}
for i, c in enumerate(chars):
    d = u.decomposition(c)
    if d and not d.startswith("<") and not 0xAC00 <= i <= 0xD7A3:
        parts = [int(x, 16) for x in d.split()]
        if len(parts) == 2 and u.normalize("NFC", c) == c:
            pairs[(parts[0], parts[1])] = i
seconds = {b for _, b in pairs}
seconds |= set(range(0x1161, 0x1176)) | set(range(0x11A8, 0x11C3))

db, db_ids, odb, odb_ids = [], {}, [], {}
for i, c in enumerate(chars):
    q = 1 * u.mirrored(c)
    if 0xD800 <= i < 0xE000:
        pass
    else:
        q |= 2 * (u.normalize("NFC", c) != c) | 8 * (u.normalize("NFD", c) != c)
        q |= 16 * (u.normalize("NFKC", c) != c) | 64 * (u.normalize("NFKD", c) != c)
        q |= (4 | 32) * (i in seconds)
    rec = (
        categories.index(u.category(c)),
        bidis.index(u.bidirectional(c)),
        u.combining(c),
        widths.index(u.east_asian_width(c)),
        q,
    )
    db.append(db_ids.setdefault(rec, len(db_ids)))
    rec = (
        categories.index(old.category(c)),
        bidis.index(old.bidirectional(c)),
        old.combining(c),
        widths.index(old.east_asian_width(c)),
        old.mirrored(c),
        old.decimal(c, 255),
        old.digit(c, 255),
        number(old.numeric(c, None)),
    )
    odb.append(odb_ids.setdefault(rec, len(odb_ids)))
const("DB_RECORDS", len(db_ids))
write("db_records.bin", b"".join(struct.pack("<BBBBB", *r) for r in db_ids))
trie("DB", db)
const("OLD_RECORDS", len(odb_ids))
write("old_records.bin", b"".join(struct.pack("<8B", *r) for r in odb_ids))
trie("OLD", odb)
write("numbers.bin", b"".join(struct.pack("<d", k or 0.0) for k in numbers))

# ---------------------------------------------------------------- decompositions
tags, dec_index, dec_data = [""], [], [0]
seen = {}
for i, c in enumerate(chars):
    d = u.decomposition(c)
    if 0xAC00 <= i <= 0xD7A3:
        k = i - 0xAC00  # arithmetic, not stored
        jamo = [0x1100 + k // 588, 0x1161 + k % 588 // 28] + [0x11A7 + k % 28] * (k % 28 > 0)
        assert d in ("", " ".join("%04X" % j for j in jamo)), d
        if i == 0xAC00:
            const("HANGUL_DECOMPOSITION", str(bool(d)).lower(), "bool")
        d = ""
    if not d:
        dec_index.append(0)
        continue
    if d not in seen:
        parts = d.split()
        tag = 0
        if parts[0][0] == "<":
            t = parts.pop(0)
            if t not in tags:
                tags.append(t)
            tag = tags.index(t)
        seen[d] = len(dec_data)
        dec_data.append(len(parts) | tag << 8)
        dec_data.extend(int(x, 16) for x in parts)
    dec_index.append(seen[d])
assert len(dec_data) < 65536
rust.append(f"pub(crate) static DECOMPOSITION_TAGS: [&str; {len(tags)}] = {str(tags).replace(chr(39), chr(34))};")
trie("DECOMP", dec_index)
const("DECOMP_DATA", len(dec_data))
write("decomp_data.bin", struct.pack(f"<{len(dec_data)}I", *dec_data))
const("COMPOSE_LEN", len(pairs))
write("compose.bin", b"".join(struct.pack("<III", a, b, pairs[a, b]) for a, b in sorted(pairs)))

# 3.2.0: decompositions that differ although the character is assigned there,
# and characters whose normalisation was corrected afterwards.
old_norm = []
for i, c in enumerate(chars):
    if old.category(c) == "Cn" or 0xD800 <= i < 0xE000:
        assert old.decomposition(c) == ""
        continue
    assert old.decomposition(c) == u.decomposition(c), hex(i)
    a = old.normalize("NFD", c)
    if a != u.normalize("NFD", c):
        assert len(a) == 1
        old_norm.append((i, ord(a)))
rust.append(f"pub(crate) static OLD_NORMALIZATION: [(u32, u32); {len(old_norm)}] = {old_norm};")

# ---------------------------------------------------------------- names
names = {i: u.name(c) for i, c in enumerate(chars) if u.name(c, None) is not None}
assert all(u.lookup(n) == chars[i] for i, n in names.items())
algorithmic, stored = [], {}
for i, n in names.items():
    if 0xAC00 <= i <= 0xD7A3:
        continue
    m = re.fullmatch(r"(.*-)([0-9A-F]{4,6})", n)
    if m and m[2] == "%04X" % i:
        if algorithmic and algorithmic[-1][1] == i - 1 and algorithmic[-1][2] == m[1]:
            algorithmic[-1][1] = i
        else:
            algorithmic.append([i, i, m[1], True])
        continue
    stored[i] = n


def asks(name):
    try:
        return u.lookup(name)
    except KeyError:
        return None


# Code points found by name although they answer no name themselves.
for i, c in enumerate(chars):
    if i in names or u.category(c) in ("Cn", "Cc", "Cs", "Co"):
        continue
    prefix = "TANGUT IDEOGRAPH-"
    assert asks(prefix + "%04X" % i) == c, hex(i)
    if algorithmic[-1][1] == i - 1 and algorithmic[-1][2] == prefix:
        algorithmic[-1][1] = i
    else:
        algorithmic.append([i, i, prefix, False])
rust.append("/// Ranges (first, last, prefix, answers a name) of names that end in the code point.")
rust.append(f"pub(crate) static ALGORITHMIC: [(u32, u32, &str, bool); {len(algorithmic)}] = [")
for a, b, p, own in algorithmic:
    rust.append(f'    (0x{a:X}, 0x{b:X}, "{p}", {str(own).lower()}),')
rust.append("];")

order = sorted(stored)
words = Counter(w for n in stored.values() for w in n.split(" "))
ranked = [w for w, _ in sorted(words.items(), key=lambda kv: (-kv[1], kv[0]))]
lead = 1
while (255 - lead) + lead * 256 < len(ranked):
    lead += 1
single = 255 - lead  # codes 1..=single are one byte; single+1..=255 lead two bytes; 0 ends
code = {}
for k, w in enumerate(ranked):
    if k < single:
        code[w] = bytes([k + 1])
    else:
        k -= single
        code[w] = bytes([single + 1 + (k >> 8), k & 255])
const("NAME_SINGLE", single)
const("NAME_WORDS", len(ranked))
const("NAME_COUNT", len(order))
assert len(order) < 65536
lex, lexoff = b"", []
for w in ranked:
    lexoff.append(len(lex))
    lex += w.encode("ascii")
lexoff.append(len(lex))
assert max(map(len, ranked)) < 256
# word offsets: one u32 per 16 words, one length byte per word
write("lexicon.bin", lex)
write("lexicon_lengths.bin", bytes(len(w) for w in ranked))
write("lexicon_offsets.bin", struct.pack(f"<{len(range(0, len(ranked), 16))}I", *[lexoff[k] for k in range(0, len(ranked), 16)]))
phrase, poff = b"", []
for k, i in enumerate(order):
    if k % 8 == 0:
        poff.append(len(phrase))
    phrase += b"".join(code[w] for w in stored[i].split(" ")) + b"\0"
write("names.bin", phrase)
write("names_offsets.bin", struct.pack(f"<{len(poff)}I", *poff))
runs = []
for k, i in enumerate(order):
    if runs and runs[-1][0] + runs[-1][1] == i:
        runs[-1][1] += 1
    else:
        runs.append([i, 1, k])
const("NAME_RUNS", len(runs))
write("names_runs.bin", b"".join(struct.pack("<III", *r) for r in runs))
perm = sorted(range(len(order)), key=lambda k: stored[order[k]])
write("names_sorted.bin", struct.pack(f"<{len(perm)}H", *perm))

known = set(names.values())
extra = {}
with open(os.path.join(HERE, "alias_candidates.txt")) as f:
    for line in f:
        n = line.strip()
        if n and n[0] != "#" and n not in known and asks(n) is not None:
            assert asks(n.lower()) == asks(n)
            extra[n] = asks(n)
lines = [n + ";" + " ".join("%04X" % ord(x) for x in extra[n]) for n in sorted(extra)]
print("aliases and sequences:", len(lines), "of them sequences:", sum(len(v) > 1 for v in extra.values()))
write("aliases.txt", ("\n".join(lines) + "\n").encode("ascii"))

with open(os.path.join(HERE, "..", "src", "generated.rs"), "w") as f:
    f.write("\n".join(rust) + "\n")
print("total", total, "records", len(type_ids), len(db_ids), len(odb_ids), "words", len(ranked), "names", len(order))
