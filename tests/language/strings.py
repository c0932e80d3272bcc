"""f-strings, formatting, methods."""
name, n, x = "world", 42, 3.14159
print(f"hello {name!r:>10}|{n:05d}|{x:.2f}|{x:{n//8}.{1+1}f}|{n=}|{x = :.1f}|{'nested ' + f'{n}'}")
print(f"{n:#x} {n:b} {n:,} {1234567.891:,.2f} {n:+} {'abc':*^9} {0.1+0.2} {1e100} {1e16} {-0.0} {float('inf')}")
print("%s %r %d %5.2f %x %-5s| %05d %%" % ("a", "b", 3, 4.567, 255, "l", 42))
print("{0} {1} {0} {k} {l[1]} {o.real}".format(1, 2, k=3, l=[4, 5], o=6))
s = "The quick brown fox"
print(s.upper(), s.lower(), s.title(), s.swapcase(), s.split(), s.split("q"), s.find("quick"), s.replace("quick", "slow"), s[::-1], s[4:9], s[-3:])
print("a,b,,c".split(","), " x ".strip(), "xxabcxx".strip("x"), "abc".center(9, "-"), "abc".zfill(5), "a\tb".expandtabs(4), "ab\ncd\r\nef".splitlines())
print("é".encode(), b"\xc3\xa9".decode(), "ß".upper(), "ǅ".lower(), "straße".casefold(), "abc" < "abd", "a" * 3, "abc".index("c"), "b" in "abc")
print("abc".isalpha(), "123".isdigit(), "".isalpha(), "a1".isalnum(), " ".isspace(), "Abc".istitle(), "abc".startswith(("x", "a")), "abc".partition("b"), "a-b-c".rsplit("-", 1))
print(repr("tab\t nl\n quote' uni\u1234 \x00 \ud800 \U0001f600"), ascii("é😀"), "-".join("abc"), "abc".translate({97: "X", 98: None}))
print(b"bytes".upper(), bytes([1, 2, 255]), bytearray(b"ab"), b"a,b".split(b","), b"abc"[1], b"abc"[1:], b"%d" % 5, bytes.fromhex("00ff"), b"\x01".hex())
for bad in (lambda: "a" + 1, lambda: "%d" % "x", lambda: "{}".format(), lambda: "abc".index("z"), lambda: f"{1:z}", lambda: "é".encode("ascii"), lambda: b"\xff".decode()):
    try:
        bad()
    except Exception as error:
        print(type(error).__name__, error)
t = t"hello {name} {n:>5}"
print(t.strings, [i.expression for i in t.interpolations], t.values)
