"""Compares taipan-unicode with the CPython this script runs under.

    cargo build --release --example dump -p taipan-unicode
    cpython3.14 crates/unicode/tools/compare.py $CARGO_TARGET_DIR/release/examples/dump [count]

Every code point, every property; then `count` random strings for the string
mappings and normal forms; then names, aliases, sequences and damaged names.
"""
import _sre
import os
import random
import struct
import subprocess
import sys
import unicodedata as u

dump = sys.argv[1]
count = int(sys.argv[2]) if len(sys.argv) > 2 else 200_000
old = u.ucd_3_2_0
FORMS = ("NFC", "NFD", "NFKC", "NFKD")


def hx(s):
    return " ".join("%X" % ord(c) for c in s)


def num(v):
    return "-" if v is None else "%016x" % struct.unpack("<Q", struct.pack("<d", v))[0]


def dig(v):
    return "-" if v is None else str(v)


def point(i):
    c = chr(i)
    flags = (
        c.isalpha(), c.isdecimal(), c.isdigit(), c.isnumeric(), c.isalnum(), c.islower(), c.isupper(),
        u.category(c) == "Lt", c.isspace(), c.isprintable(), len(("a" + c + "b").splitlines()) == 2,
        (c + "a").title()[-1] == "a", c.isidentifier(), ("a" + c).isidentifier(), u.mirrored(c), old.mirrored(c),
    )
    assert c.istitle() == (u.category(c) == "Lt" or c.isupper())
    p = ["%X" % i, "".join("1" if f else "0" for f in flags)]
    p += [hx(c.lower()), hx(c.upper()), hx(c.title()), hx(c.casefold())]
    p += [str(_sre.unicode_tolower(i)), hx(("A" + c + "\u03a3").lower()), hx(("A\u03a3" + c).lower())]
    for d in (u, old):
        p += [dig(d.decimal(c, None)), dig(d.digit(c, None)), num(d.numeric(c, None))]
    for d in (u, old):
        p += [d.category(c), d.bidirectional(c), str(d.combining(c)), d.east_asian_width(c), d.decomposition(c)]
    for f in FORMS:
        for d in (u, old):
            p += [hx(d.normalize(f, c)), "%d" % d.is_normalized(f, c)]
    p += [u.name(c, ""), old.name(c, "")]
    return ";".join(p)


def talk(mode, lines):
    path = "/tmp/taipan-unicode-compare.txt"
    with open(path, "w") as f:
        f.write("\n".join(lines) + "\n")
    with open(path) as f:
        return subprocess.run([dump, mode], stdin=f, capture_output=True, text=True, check=True).stdout.split("\n")


bad = 0


def differ(what, mine, theirs):
    global bad
    if mine != theirs:
        bad += 1
        if bad < 20:
            print("DIFF", what, "\n  ours ", mine, "\n  theirs", theirs)


got = subprocess.run([dump], capture_output=True, text=True, check=True).stdout.split("\n")
for i in range(0x110000):
    differ("%X" % i, got[i], point(i))
print("code points: 1114112, differences:", bad)

random.seed(16)
marks = [i for i in range(0x110000) if u.combining(chr(i))]
decomp = [i for i in range(0x110000) if u.decomposition(chr(i)) and not 0xAC00 <= i < 0xD7A4]
cased = [i for i in range(0x110000) if chr(i).lower() != chr(i) or chr(i).upper() != chr(i)]
parts = sorted({ord(x) for i in decomp for x in u.normalize("NFD", chr(i))})
pools = [marks, decomp, cased, parts, list(range(0x1100, 0x1200)), list(range(0xAC00, 0xAC60)), [0x3A3, 0x3C3, 0x27, 0xAD, 65, 97, 32]]
texts = []
for _ in range(count):
    pick = random.sample(pools, 3)
    s = "".join(chr(random.choice(random.choice(pick))) for _ in range(random.randrange(1, 12)))
    texts.append("".join(c for c in s if not 0xD800 <= ord(c) < 0xE000))
got = talk("text", [hx(s) for s in texts])
for s, g in zip(texts, got):
    p = [hx(x) for x in (s.lower(), s.upper(), s.title(), s.casefold(), s.capitalize(), s.swapcase())]
    for f in FORMS:
        p += [hx(u.normalize(f, s)), "%d" % u.is_normalized(f, s), hx(old.normalize(f, s))]
    differ(hx(s), g, ";".join(p))
print("strings:", count, "differences so far:", bad)

here = os.path.dirname(os.path.abspath(__file__))
names = [line.strip() for line in open(os.path.join(here, "alias_candidates.txt"))][1:]
real = [u.name(chr(i)) for i in range(0x110000) if u.name(chr(i), None)]
names += random.sample(real, 20000) + [n.lower() for n in random.sample(real, 5000)]
for n in random.sample(real, 20000):
    k = random.randrange(len(n))
    names.append(random.choice([n[:k], n[k:], n[:k] + n[k + 1 :], n + " ", n[:k] + "A" + n[k:], n[:k] + " " + n[k:]]))
names += ["TANGUT IDEOGRAPH-%X" % i for i in range(0x16FF0, 0x18E00)]
names += ["CJK UNIFIED IDEOGRAPH-%X" % i for i in range(0x3300, 0xA100, 7)]
names += ["HANGUL SYLLABLE " + a + b + c for a in ("", "G", "GG", "SS", "K", "X") for b in ("A", "WAE", "YEO", "I", "") for c in ("", "G", "LG", "H", "Q")]
got = talk("lookup", names)


def ask(d, n):
    try:
        return hx(d.lookup(n))
    except KeyError:
        return "-"


for n, g in zip(names, got):
    differ(repr(n), g, ask(u, n) + ";" + ask(old, n))
print("names:", len(names), "differences in all:", bad)
sys.exit(bad != 0)
