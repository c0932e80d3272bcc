"""Times CPython on the benchmark patterns and records them for `examples/bench.rs`.

    cpython3.14 crates/sre/tools/bench.py > /tmp/bench.txt
    cargo run --release --example bench -- /tmp/bench.txt

Lines: `P flags groups code...` and then
`B group name mode cpython_ns units`, mode `s` (search), `m` (match) or `a` (findall).
The patterns are in the style of the regex benchmarks of pyperformance.
"""
import random
import re
import time

from record import pattern, units

r = random.Random(7)


def text(n, words):
    return " ".join(r.choice(words) for _ in range(n))


html = "".join(
    '<div class="c%d" id=x%d><a href="http://www.example%d.com/p/%d?q=%d&r=a+b">Link %d</a> <b>bold &amp; text</b>\n</div>' % ((i,) * 6)
    for i in range(60)
)
agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"
cookie = "; ".join("key%d=value_%d%%20x" % (i, i) for i in range(20))
css = "".join(".c%d-x #id%d a:hover , ul > li.first { margin: 0 auto; color:#ff%02x00 }\n" % (i, i, i % 256) for i in range(40))
dna = "".join(
    ">%d some header\n" % i + "\n".join("".join(r.choice("acgt") for _ in range(60)) for _ in range(60)) + "\n" for i in range(25)
).encode()
words = text(3000, ["Python", "python", "Perl", "the", "été", "naïve", "x_1", "12", "foo.bar@example.com", "2026-11-22"])
wide = text(1500, ["一二三", "Python", "été", "Ωmega", "12", "𐐀", "日本語"])
log = "".join('10.0.%d.%d - - [22/Nov/2026:10:%02d:00 +0000] "GET /a/b%d.html?x=%d HTTP/1.1" 200 %d\n' % (i % 256, i % 251, i % 60, i, i, i * 7) for i in range(300))
n = 500
perl = [
    "-" * n + "Perl" + "-" * n,
    "P" * n + "Perl" + "P" * n,
    "-" * n + "PythonPython" + "-" * n,
    " " * n,
]
CASES = []
for p in [
    "Python|Perl", "(Python|Perl)", "(?:Python|Perl)", "Python", ".*Python", ".*Python.*", ".*(Python)", "(?:P|J)ython",
    "Perl$", "[a-z]+", "(.*)(.*)(.*)(.*)(.*)", "(P|p)(e|y)(r|t)", "(?i)python", "P+y", "-*P",
]:
    for k, s in enumerate(perl):
        CASES.append(("effbot", p, 0, "s", s))
for p in [
    "agggtaaa|tttaccct", "[cgt]gggtaaa|tttaccc[acg]", "a[act]ggtaaa|tttacc[agt]t", "ag[act]gtaaa|tttac[agt]ct",
    "agg[act]taaa|ttta[agt]cct", "aggg[acg]aaa|ttt[cgt]ccct", "agggt[cgt]aa|tt[acg]accct", "agggta[cgt]a|t[acg]taccct",
    "agggtaa[cgt]|[acg]ttaccct", ">.*\n|\n", "tHa[Nt]", "a(?:c|g)+t",
]:
    CASES.append(("dna", p.encode(), 0, "a", dna))
V8 = [
    (r"^ba", 0, "s", agent), (r"(((\w+):\/\/)([^\/:]*)(:(\d+))?)?([^#?]*)(\?([^#]*))?(#(.*))?", 0, "s", "http://www.example.com:80/a/b?c=d#e"),
    (r"^\s*(\S*(\s+\S+)*)\s*$", 0, "s", "  some text with spaces  "), (r"(\s)+e", 0, "a", agent), (r"[+, ]", 0, "a", cookie),
    (r"\b\w+\b", 0, "a", html), (r"<[^>]*>", 0, "a", html), (r'href="([^"]+)"', 0, "a", html), (r"&\w+;", 0, "a", html),
    (r"(?i)<div[^>]*>(.*?)</div>", re.S, "a", html), (r"(?:^|;)\s*key15=([^;]*)", 0, "s", cookie), (r"[^a-zA-Z0-9]+", 0, "a", cookie),
    (r"(\w+)=(\w+)", 0, "a", cookie), (r"(?i)webkit/(\d+\.\d+)", 0, "s", agent), (r"\.([\w-]+)|#([\w-]+)|(\w+)", 0, "a", css),
    (r"[ \t\n\r]*([{}:;,>])[ \t\n\r]*", 0, "a", css), (r"#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})", re.I, "a", css),
    (r"/\*(?:[^*]|\*[^/])*\*/", 0, "s", css), (r"^[.#]?\w+", re.M, "a", css), (r"\d+", 0, "a", html), (r"(?:\d+)\.(?:\d+)", 0, "a", agent),
    (r"\s+$", 0, "s", "x" + " " * 200 + "y"), (r"(a|b|c|d|e)+f", 0, "s", "abcdeabcdeabcde" * 10), (r"uggc://\w+", 0, "s", html),
]
for p, f, m, s in V8:
    CASES.append(("v8", p, f, m, s))
for p, f, m, s in [
    (r"[\w.]+@[\w.]+", 0, "a", words), (r"(?i)python", 0, "a", words), (r"\d{4}-\d\d-\d\d", 0, "a", words), (r"\w+", 0, "a", wide),
    (r"[一-龥]+", 0, "a", wide), (r"日本|Python", 0, "a", wide), (r"(\S+) - - \[([^\]]+)\] \"(\w+) (\S+) HTTP/[\d.]+\" (\d+) (\d+)", 0, "a", log),
    (r"^(\S+) .*?\"(GET|POST) ([^ ?]*)", re.M, "a", log), (r"(?:(?:a|b)*c)*d", 0, "s", "abcabc" * 200), (r"(x+x+)+y", 0, "s", "x" * 18),
    (r"([^,]*),([^,]*),([^,]*)", 0, "a", "one,two,three,four,five,six," * 300), (r"(?:\"(?:[^\"\\]|\\.)*\"|[^\s,])+", 0, "a", log),
]:
    CASES.append(("mix", p, f, m, s))


def clock(f, arg):
    count, best = 1, None
    while True:
        t = time.perf_counter_ns()
        for _ in range(count):
            f(arg)
        t = time.perf_counter_ns() - t
        if t > 5_000_000:
            break
        count *= 2
    for _ in range(5):
        t = time.perf_counter_ns()
        for _ in range(count):
            f(arg)
        t = (time.perf_counter_ns() - t) / count
        best = t if best is None else min(best, t)
    return best


last = None
for group, p, flags, mode, s in CASES:
    compiled, line = pattern(p, flags)
    if line != last:
        print(line)
        last = line
    f = {"s": compiled.search, "m": compiled.match, "a": compiled.findall}[mode]
    print("B", group, ascii(p).replace(" ", "␠"), mode, "%.0f" % clock(f, s), units(s))
