"""Records what CPython's engine answers, for `examples/replay.rs` to repeat.

    cpython3.14 record.py own                > tests/cases.txt   (chosen patterns; in the repository)
    cpython3.14 record.py fuzz SEED COUNT    > /tmp/fuzz.txt     (random patterns and subjects)
    cpython3.14 record.py long SEED COUNT    > /tmp/long.txt     (the same over longer subjects)
    cpython3.14 record.py suite              > /tmp/suite.txt    (patterns of CPython's own tests; stays out)

Lines: `P flags groups code...` begins a pattern, `# text` shows it, and
`S mode pos endpos units = answer` is a question about it: mode s, m, f or i
(search, match, fullmatch, finditer); units in hexadecimal; an answer is `-` or the
spans of all groups and lastindex, several for finditer.
"""
import ast
import random
import re
import signal
import sys
import warnings
from re import _compiler, _parser

warnings.simplefilter("ignore")
out = sys.stdout


class Slow(Exception):
    pass


def alarm(*_):
    raise Slow


signal.signal(signal.SIGALRM, alarm)


def pattern(text, flags=0):
    """The compiled pattern and its `P` line, or None where it does not compile."""
    try:
        p = _parser.parse(text, flags)
        code = _compiler._code(p, flags)
        compiled = re.compile(text, flags)
    except (re.error, OverflowError, ValueError, RecursionError, TypeError):
        return None
    assert compiled.groups == p.state.groups - 1
    line = "P %d %d %s" % (compiled.flags, compiled.groups, " ".join("%d" % c for c in code))
    return compiled, line + "\n# " + ascii(text) + " " + str(flags)


def answer(m):
    if m is None:
        return "-"
    spans = [x for g in range(m.re.groups + 1) for x in m.span(g)]
    return " ".join(map(str, spans + [m.lastindex or 0]))


def units(s):
    return ".".join("%x" % (c if isinstance(c, int) else ord(c)) for c in s)


def ask(compiled, mode, s, pos, end):
    """One `S` line, or None where CPython takes too long."""
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        if mode == "i":
            got = "/".join(answer(m) for m in compiled.finditer(s, pos, end))
        else:
            got = answer({"s": compiled.search, "m": compiled.match, "f": compiled.fullmatch}[mode](s, pos, end))
    except (Slow, SystemError, MemoryError):
        return None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return "S %s %d %d %s = %s" % (mode, pos, end, units(s), got)


def emit(text, flags, subjects, modes="smfi", spots=False):
    made = pattern(text, flags)
    if made is None:
        return 0
    compiled, line = made
    lines = []
    for s in subjects:
        if isinstance(s, bytes) != isinstance(text, bytes):
            continue
        for mode in modes:
            pos, end = 0, len(s)
            if spots and random.random() < 0.25:
                pos, end = random.randrange(len(s) + 1), random.randrange(len(s) + 2)
            got = ask(compiled, mode, s, pos, end)
            if got:
                lines.append(got)
    if lines:
        out.write(line + "\n" + "\n".join(lines) + "\n")
    return len(lines)


# ------------------------------------------------------------------ random
ATOMS = list("abcabcabcABxyz01_ -\n") + ["é", "ß", "ſ", "K", "İ", "ı", "k", "K", "Σ", "ς", "σ", "µ", "μ", "Ā", "ā", "一", "𐐀", "𐐨", "٣", "\xa0", "\u2028", "\x85", "ǅ", "ΐ", "ΐ", "ﬅ", "ﬆ"]
BYTES = list("abcabcABxyz01_ -\n\xe9\xff\xa0\x85")


# A condition on the group it stands in: after backtracking CPython may see the end
# of the group as an abandoned attempt left it. Set to True to see those differences.
OPEN_CONDITIONS = False


class Gen:
    def __init__(self, r, binary):
        self.r, self.binary = r, binary
        self.alphabet = BYTES if binary else (ATOMS if r.random() < 0.5 else ATOMS[:20])
        if r.random() < 0.6:
            self.alphabet = r.sample(self.alphabet, 4) + ["a", "b"]
        self.groups = 0
        self.open = []

    def lit(self):
        return re.escape(self.r.choice(self.alphabet))

    def cls(self):
        r = self.r
        parts = []
        for _ in range(r.randrange(1, 5)):
            k = r.random()
            if k < 0.5:
                parts.append(self.lit())
            elif k < 0.75:
                a, b = sorted((r.choice(self.alphabet), r.choice(self.alphabet)))
                parts.append(re.escape(a) + "-" + re.escape(b))
            else:
                parts.append(r.choice([r"\d", r"\w", r"\s", r"\D", r"\W", r"\S"]))
        return "[" + r.choice(["", "", "^"]) + "".join(parts) + "]"

    def single(self):
        k = self.r.random()
        if k < 0.5:
            return self.lit()
        if k < 0.62:
            return "."
        if k < 0.85:
            return self.cls()
        return self.r.choice([r"\d", r"\w", r"\s", r"\D", r"\W", r"\S"])

    def quant(self):
        r = self.r
        q = r.choice(["*", "+", "?", "*", "+", "?", "{2}", "{1,2}", "{,2}", "{2,}", "{0}", "{1,3}", "{0,1}"])
        return q + r.choice(["", "", "", "?", "+"])

    def fixed(self):
        return "".join(self.single() for _ in range(self.r.randrange(1, 3)))

    def atom(self, depth):
        r = self.r
        k = r.random()
        if depth <= 0 or k < 0.45:
            return self.single()
        if k < 0.60:
            self.groups += 1
            n = self.groups
            self.open.append(n)
            body = self.alt(depth - 1)
            self.open.pop()
            return "(" + body + ")"
        if k < 0.72:
            return "(?:" + self.alt(depth - 1) + ")"
        if k < 0.77:
            return r.choice(["^", "$", r"\A", r"\Z", r"\b", r"\B", "$", r"\b"])
        if k < 0.82:
            return "(?" + r.choice("=!") + self.alt(depth - 1) + ")"
        if k < 0.85:
            return "(?<" + r.choice("=!") + self.fixed() + ")"
        if k < 0.89:
            return "(?>" + self.alt(depth - 1) + ")"
        if k < 0.94 and self.groups:
            n = r.randrange(1, self.groups + 1)
            return "(?:\\%d)" % n if n not in self.open else self.single()
        if k < 0.97 and self.groups:
            n = r.randrange(1, self.groups + 1)
            if n in self.open and not OPEN_CONDITIONS:
                return self.single()
            return "(?(%d)%s%s)" % (n, self.seq(depth - 1), r.choice(["", "|" + self.seq(depth - 1)]))
        if self.binary:
            return "(?i:" + self.alt(depth - 1) + ")"
        return "(?" + r.choice(["i", "s", "m", "-i", "a", "ai", "u"]) + ":" + self.alt(depth - 1) + ")"

    def seq(self, depth):
        r = self.r
        items = []
        for _ in range(r.choice([1, 1, 2, 2, 3, 4])):
            a = self.atom(depth)
            if r.random() < 0.4 and a not in ("^", "$", r"\A", r"\Z"):
                a += self.quant()
            items.append(a)
        return "".join(items)

    def alt(self, depth):
        return "|".join(self.seq(depth) for _ in range(self.r.choice([1, 1, 1, 2, 2, 3])))


def long(seed, count):
    """Simpler patterns over longer subjects, for the search accelerations."""
    r = random.Random(seed)
    random.seed(seed)
    done = 0
    while done < count:
        g = Gen(r, False)
        g.alphabet = r.sample(ATOMS[:20] if r.random() < 0.7 else ATOMS, r.choice([2, 3, 5]))
        text = g.alt(r.choice([1, 1, 2, 2, 3]))
        if r.random() < 0.4:
            text = g.single() + r.choice(["*", "+", "*?", "+?", "{2,}", "*+"]) + text
        if r.random() < 0.3:
            text += "".join(g.lit() for _ in range(r.randrange(1, 4)))
        if r.random() < 0.2:
            text = "(" + text + ")"
        flags = r.choice([0, 0, re.I, re.M, re.S, re.I | re.M | re.S])
        alphabet = g.alphabet + ["\n"]
        subjects = ["".join(r.choice(alphabet) for _ in range(r.choice([10, 40, 80, 150]))) for _ in range(3)]
        done += emit(text, flags, subjects, "si", r.random() < 0.3)


def fuzz(seed, count):
    r = random.Random(seed)
    random.seed(seed)
    done = 0
    while done < count:
        binary = r.random() < 0.2
        g = Gen(r, binary)
        text = g.alt(r.choice([1, 2, 2, 3, 3, 4]))
        if len(text) > 200:
            continue
        flags = 0
        for f in (re.I, re.M, re.S):
            if r.random() < 0.25:
                flags |= f
        if binary:
            if r.random() < 0.3:
                flags |= re.L
            text = text.encode("latin-1")
        elif r.random() < 0.15:
            flags |= re.A
        subjects = []
        for _ in range(3):
            s = "".join(r.choice(g.alphabet) for _ in range(r.choice([0, 1, 2, 3, 4, 5, 6, 8, 12, 20])))
            subjects.append(s.encode("latin-1") if binary else s)
        done += emit(text, flags, subjects, r.choice(["si", "mi", "fi", "smfi"]), True)


# ------------------------------------------------------------------ CPython's suite
def suite():
    from test import re_tests

    for t in re_tests.tests:
        for flags in (0, re.I, re.M, re.S, re.A):
            emit(t[0], flags, [t[1]])
            try:
                emit(t[0].encode("latin-1"), flags, [t[1].encode("latin-1")])
            except UnicodeEncodeError:
                pass
    import io
    import unittest

    import test.test_re as test_re

    seen = {}
    real = _compiler.compile

    def spy(p, flags=0):
        if isinstance(p, (str, bytes)):
            seen[p, int(flags)] = True
        return real(p, flags)

    _compiler.compile = spy
    re.purge()
    unittest.TextTestRunner(stream=io.StringIO()).run(unittest.defaultTestLoader.loadTestsFromModule(test_re))
    _compiler.compile = real
    strings = [
        n.value
        for n in ast.walk(ast.parse(open(test_re.__file__).read()))
        if isinstance(n, ast.Constant) and isinstance(n.value, (str, bytes)) and len(n.value) < 120
    ]
    strings = sorted(set(strings), key=ascii)
    r = random.Random(3)
    for p, flags in seen:
        if len(p) > 20000:
            continue
        emit(p, flags & ~re.DEBUG, r.sample(strings, 40), "si")


# ------------------------------------------------------------------ our own
OWN = [
    (r"abc", 0, ["abc", "xabcx", "ab", "ABC", "ababc"]),
    (r"a|b|cd", 0, ["cd", "xcdb", "", "dc"]),
    (r"(a)|(b)|(c)", 0, ["abc", "cb"]),
    (r"(?:(a)|(b)|x)*", 0, ["abx", "xxab", "ba"]),
    (r"(a*)(a*)b", 0, ["aaab", "aaa", "b"]),
    (r"(a+?)(a*)", 0, ["aaa", "ba"]),
    (r"((a)|b)*?c", 0, ["abac", "c", "ab"]),
    (r"(?:a|ab)(?:c|bcd)(d*)", 0, ["abcd", "acd"]),
    (r"(?>a+)b", 0, ["aaab", "aaa"]),
    (r"a*+a", 0, ["aaa", ""]),
    (r"(?:ab?)*+c", 0, ["abaac", "ab"]),
    (r"(?:a?)*+b", 0, ["aab", "aa"]),
    (r"(\w+)\s+\1", 0, ["the the", "the cat cat", "été été"]),
    (r"(?i)(\w+)\s+\1", 0, ["The tHE", "É é"]),
    (r"(a)?(?(1)b|c)", 0, ["ab", "c", "ac", "b"]),
    (r"(?=(a+))a*b\1", 0, ["baaabac"]),
    (r"(?<=ab)c|(?<!a)b", 0, ["abc", "b", "cb"]),
    (r"(?!ab)a.", 0, ["abac", "ab"]),
    (r"^\w+$", 8, ["one\ntwo\n", "\n", "a b"]),
    (r"^a|b$", 0, ["ab", "ba\n", "b\nb"]),
    (r"\Aab\Z", 0, ["ab", "ab\n"]),
    (r"\b\w", 0, ["hello world", "", "éa"]),
    (r"\B", 0, ["", "ab", " "]),
    (r".*foo", 0, ["xxfoo\nfoo", "fo\no"]),
    (r".*?,", 16, ["a\nb,c,d", ""]),
    (r"[^\n]*\n", 0, ["ab\ncd\nef"]),
    (r"\w+@\w+\.com", 0, ["aaa bb@cc.com", "a@b@c.com"]),
    (r"[à-ï]+", 2, ["ÀÉé", "xÏ"]),
    (r"[k-z]", 2, ["K", "ſ", "K"]),
    (r"straße|ς", 2, ["STRAßE", "Σ", "σ"]),
    (r"\d+", 0, ["٣4", "x1"]),
    (r"\d+", 256, ["٣4", "x1"]),
    (r"[^\W\d_]+", 0, ["été_1", "12"]),
    (r"[\U00010400-\U00010410一-龥]+", 0, ["a一二𐐀", "x"]),
    (r"a{2,3}", 0, ["aaaaaaa", "a"]),
    (r"(?:ab){2,3}?c", 0, ["ababc", "abababc", "abc"]),
    (r"(?:(a)b|a(c))+", 0, ["abac", "acab"]),
    (r"", 0, ["", "ab"]),
    (r"a*", 0, ["baac", ""]),
    (r"x*?", 0, ["axb"]),
    (r"(?:)*a|(b*)*", 0, ["a", "bb", "c"]),
    (r"((.)\2)+", 0, ["aabbc", "abba"]),
    (r"(?P<y>\d{4})-(?P<m>\d\d)", 0, ["on 2026-11-22", "20-1"]),
    (r'"(?:[^"\\]|\\.)*"', 0, ['say "a\\"b" now', '"open']),
    (rb"[\x80-\xff]+", 0, [b"a\xe9\xffb", b"a"]),
    (rb"\w+", 4 | 2, [b"aB\xe9_1"]),
    (rb"(?i)a[b-d]", 4, [b"AC ad", b"x"]),
]


def own():
    for text, flags, subjects in OWN:
        emit(text, flags, subjects)


if __name__ == "__main__":
    if sys.argv[1] == "own":
        own()
    elif sys.argv[1] == "fuzz":
        fuzz(int(sys.argv[2]), int(sys.argv[3]))
    elif sys.argv[1] == "long":
        long(int(sys.argv[2]), int(sys.argv[3]))
    else:
        suite()
