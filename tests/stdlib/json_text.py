"""What json writes and reads at the edges: indentation of nothing, escapes, markers."""
import json

for value in ({b"a": 1}, {b"a": 1, "b": 2}, {"b": 2, b"a": 1}, {}, {"a": {b"x": 1}}, {"a": {}}, [], [[], ()], {1: {None: True, 2.5: [0]}}):
    for indent in (None, 0, 2, "\u20ac"):
        print(ascii(json.dumps(value, skipkeys=True, indent=indent)))

for text in ('"\\u0041', '"\\u004', '"\\u', '"\\ud834\\u', '"\\ud834\\udd1', '"\\ud834\\udd1e', '"\\', '"\\u004g"', '"\\u 123"',
             "01", "-", "-0", "1.", "1.e5", "1e", "-a", "[1,]", "[1 2]", '{"a" 1}', '{"a":1,}', '{"a', "[" + "9" * 18, "nul", '"a\x1fb"'):
    try:
        print(ascii(json.loads(text)))
    except ValueError as error:
        print(ascii(text), error)

# Runs of all lengths, with every kind of character at every place.
for n in range(20):
    for special in ('"', "\\", "\x1f", "\x7f", "\x80", "\xff", "\u20ac", "\U0001f600", "\n"):
        for at in {0, n // 2, n}:
            text = "x" * at + special + "y" * (n - at)
            for ensure in (True, False):
                again = json.dumps([text], ensure_ascii=ensure)
                assert json.loads(again) == [text], again
    for number in (10 ** n, -10 ** n, 10 ** n - 1):
        assert json.loads(json.dumps({"n": number})) == {"n": number}
print(json.dumps("\x00\x1f \x7f\x80\xff\u2028\ud800\U0001f600"), ascii(json.dumps("\x00\x7f\x80\xff\u2028", ensure_ascii=False)))


class Encoder(json.JSONEncoder):
    def default(self, value):
        if isinstance(value, set):
            return sorted(value)
        return super().default(value)


print(Encoder().encode({"s": {3, 1}, "t": [{2}, {2}]}))
deep = []
for _ in range(30):
    deep = [deep, {"k": deep}] if _ < 5 else [deep]
print(len(json.dumps(deep)))
for i in range(3):
    ring = {"a": [(1, {})]}
    inner = ring["a"][0][1]
    for _ in range(20 * i):
        inner["n"] = {}
        inner = inner["n"]
    inner["back"] = [ring, ring["a"], inner][i]
    try:
        json.dumps(ring)
    except ValueError as error:
        print(error, len(error.__notes__), error.__notes__[0], error.__notes__[-1])

# What a default function can see of the markers, and what a failure leaves.
seen = {}
encode = json.encoder.c_make_encoder(
    seen, lambda value: print(sorted(type(v).__name__ for v in seen.values())), json.encoder.encode_basestring_ascii,
    None, ":", ",", False, False, True)
print(encode([{"a": (1, object())}], 0), seen)
try:
    encode([{"a": ({1: {(): 1}},)}], 0)
except TypeError as error:
    print(error, sorted(type(v).__name__ for v in seen.values()))
