"""unicodedata: every property of every eleventh character, in both versions of
the database; names both ways; normal forms; the words of its errors."""
import binascii
import unicodedata
from unicodedata import ucd_3_2_0 as old

properties = "decimal digit numeric category bidirectional combining mirrored east_asian_width decomposition name"
for database in unicodedata, old:
    print(database.unidata_version)
    for name in properties.split():
        function = getattr(database, name)
        default = name in ("decimal", "digit", "numeric", "name")
        checksum = 0
        for code in range(0, 0x110000, 11):
            value = function(chr(code), None) if default else function(chr(code))
            checksum = binascii.crc32(repr(value).encode(), checksum)
        print(name, hex(checksum))
    for form in "NFC", "NFD", "NFKC", "NFKD":
        checksum = 0
        for code in range(0xA0, 0x30000, 11):
            text = "a" + chr(code) + "\u0323\u0307" + chr(code + 3)
            normal = database.normalize(form, text)
            assert database.is_normalized(form, normal)
            checksum = binascii.crc32(normal.encode("utf-8", "surrogatepass"), checksum)
        print(form, hex(checksum))
    for name in ("LATIN SMALL LETTER A", b"digit one", "LF", "KEYCAP DIGIT ONE", "HANGUL SYLLABLE GAGG",
                 "HANGUL SYLLABLE GAX", "CJK UNIFIED IDEOGRAPH-4E00", "CJK UNIFIED IDEOGRAPH-04E00", "nope",
                 "x" * 300, "\ud800", 5, bytearray(b"DIGIT ONE")):
        try:
            print(ascii(database.lookup(name)))
        except Exception as e:
            print(type(e).__name__, ascii(e))
    for call in (lambda: database.decimal("x"), lambda: database.digit("x"), lambda: database.numeric("x"),
                 lambda: database.name("\ue000"), lambda: database.name("ab"), lambda: database.category(b"a"),
                 lambda: database.category(), lambda: database.normalize("X", "a"), lambda: database.normalize("X", ""),
                 lambda: database.normalize(1, "a"), lambda: database.is_normalized("NFC", None),
                 lambda: database.numeric("x", default=1)):
        try:
            print(call())
        except Exception as e:
            print(type(e).__name__, e)


class Text(str):
    pass


for text in Text("abc"), Text(""), Text("e\u0301"):
    print(type(unicodedata.normalize("NFC", text)), ascii(unicodedata.normalize("NFC", text)))
try:
    unicodedata.UCD()
except TypeError as e:
    print(e)
