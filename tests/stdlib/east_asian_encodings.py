"""The codecs of several bytes a character: tables, errors, states, streams."""
import _multibytecodec
import codecs
import hashlib
import io

CODECS = """gb2312 gbk gb18030 hz big5hkscs iso2022_kr iso2022_jp iso2022_jp_1 iso2022_jp_2
    iso2022_jp_2004 iso2022_jp_3 iso2022_jp_ext shift_jis cp932 euc_jp shift_jis_2004
    euc_jis_2004 euc_jisx0213 shift_jisx0213 euc_kr cp949 johab big5 cp950""".split()


def shown(f, *args):
    try:
        return ascii(f(*args))
    except Exception as e:
        return f"{type(e).__name__}: {e}".encode("ascii", "backslashreplace").decode()


# Tables: all characters up to U+2FFFF where there are some, and all pairs of bytes.
TEXT = [chr(c) for c in (*range(0x80, 0xD800, 7), *range(0xE000, 0x10000, 5), *range(0x20000, 0x2A700, 31))]
for name in CODECS:
    there = hashlib.sha1()
    for c in TEXT:
        there.update(c.encode(name, "ignore") + b".")
    back = hashlib.sha1()
    for a in range(0x80, 0x100):
        for b in range(0x21, 0x100, 3):
            back.update(bytes((a, b)).decode(name, "replace").encode("utf-8") + b".")
    print(name, there.hexdigest()[:12], back.hexdigest()[:12])

# What is an error, how long it is, and what handlers make of it.
for name in CODECS:
    print(name)
    for data in (b"ab\xff", b"\x81", b"\x8f\xa1", b"\xa4\xd4\xa4\xa1", b"\x81\x30\x81", b"\x1b$B0l\x1b$(Z", b"~{R;~!", b"\xeb\x40"):
        print("   ", shown(data.decode, name), shown(data.decode, name, "replace"), shown(data.decode, name, "backslashreplace"))
    for text in ("\u4e00\uac02\ud800", "\u304b\u309a\xe6\u0300\xca\u0304", "~\\\xa5\u203e\uff5e"):
        print("   ", shown(text.encode, name), shown(text.encode, name, "replace"), shown(text.encode, name, "xmlcharrefreplace"))

# Handlers of our own.
for answer in (("\u4e00", 3), (b"\xff", -1), ("x", 9), ("x", -9), ("x", 1 << 70), ("x", 1.0), None, (1, 3)):
    codecs.register_error("ours", lambda e: answer)
    print(shown("ab\ud800".encode, "gbk", "ours") if answer != (b"\xff", -1) else "", shown(b"ab\xff".decode, "gbk", "ours"))

# States.
e = codecs.getincrementalencoder("euc_jis_2004")()
print(e.encode("\xe6"), hex(e.getstate()), shown(e.encode, "\ud800"), hex(e.getstate()), e.encode("\u0300"), e.getstate())
e.setstate(0xA6C302)
print(e.encode("", True))
for bad in (-1, 1 << 200, 9, 1.5, 2 | 0x41 << 8 | 0xFF << 16):
    print(shown(e.setstate, bad))
e = codecs.getincrementalencoder("iso2022_kr")()
print(e.encode("\uac00"), hex(e.getstate()), e.encode("a\n"), hex(e.getstate()), e.encode("\uac00", True), hex(e.getstate()))
d = codecs.getincrementaldecoder("iso2022_jp")()
for data in (b"\x1b", b"$", b"B0", b"l", b"\x1b(B", b"a\x1bA", b"b"):
    print(ascii(d.decode(data)), d.getstate())
d.setstate((b"\x1b$", 0x424242))
print(ascii(d.decode(b"B0l", True)), d.getstate())
for bad in (1, (), (b"", 1.0), (b"a" * 9, 1), (b"", -1), (b"", 1 << 64)):
    print(shown(d.setstate, bad))
print(shown(d.decode, b"\x1b(1234567890"), d.getstate())
print(e.errors, shown(setattr, e, "errors", None), shown(delattr, e, "errors"))

# Streams.
data = "\u4e00\n\u4e8c\u4e09\nabc".encode("gbk")
r = codecs.getreader("gbk")(io.BytesIO(data))
print(ascii(r.read(1)), ascii(r.readline()), ascii(r.readlines()), shown(r.read, "x"))
r = codecs.getreader("gbk")(io.BytesIO(b"a\x81"))
print(ascii(r.read(1)), shown(r.read), shown(r.read))
w = codecs.getwriter("iso2022_jp_2004")(io.BytesIO())
w.writelines(["\u4e00", "\xe6"])
print(w.stream.getvalue())
w.reset()
print(w.stream.getvalue(), shown(w.writelines, 5), shown(setattr, w, "stream", 1))
print(shown(_multibytecodec.MultibyteStreamReader, 1), shown(_multibytecodec.__create_codec, 1))
