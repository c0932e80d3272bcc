# Elements, builders and parsers of xml.etree.ElementTree: words of errors, misbehaving children,
# targets of every kind, events, copies and states.
import copy
import gc
import io
import pickle
import re
import warnings
import weakref
import xml.etree.ElementTree as ET

warnings.simplefilter("ignore")
E = ET.Element


def show(value):
    if isinstance(value, E):
        return (show(value.tag), value.attrib, value.text, value.tail, [show(child) for child in value])
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


def t(f, *args, **kwargs):
    try:
        print("->", show(f(*args, **kwargs)))
    except Exception as error:
        print(type(error).__name__, error)


print("constructors")
t(E)
t(E, tag="x")
t(E, "a", "b")
t(E, "a", attrib="b")
t(E, "a", {"x": 1}, attrib={"y": 2})
t(E, "a", {}, 1)
t(E, "a", {"x": 1}, y=3)
t(E, "a", attrib={"y": 2}, z=1)
t(E, "a", None)
t(E.__new__, E, 1, 2, x=1)
t(ET.SubElement)
t(ET.SubElement, 1, 2)
t(ET.SubElement, E("a"), "b", 1)
t(ET.SubElement, E("a"), "b", {"x": 1}, y=2)
t(ET.SubElement, E("a"), "b", {"x": 1}, {"y": 1})
t(ET.SubElement, E("a"), "b", attrib={"x": 1}, y=2)
t(ET.SubElement, E("a"), "b", attrib=1)
t(ET.SubElement, E("a"), tag="b")
e = E("a", x="1")
e.append(E("c"))
e.__init__("z")
t(lambda: e)
e.__init__("z", y="2")
t(lambda: e)

print("children")
for f in (
    lambda: e.append("x"),
    lambda: e.extend(1),
    lambda: e.extend([1]),
    lambda: e.insert(0, 1),
    lambda: e.insert("x", E("a")),
    lambda: e.insert(2**70, E("a")),
    lambda: e.remove(1),
    lambda: e.remove(E("q")),
    lambda: e["x"],
    lambda: e[100],
    lambda: e[-100],
    lambda: e[2**70],
    lambda: e.__setitem__(0, 1),
    lambda: e.__setitem__(slice(0, 1), 1),
    lambda: e.__setitem__(slice(0, 1), [1]),
    lambda: e.__setitem__("x", 1),
    lambda: e.__delitem__("x"),
    lambda: e.__delitem__(100),
    lambda: e[::0],
    lambda: e.__setitem__(slice(None, None, 0), []),
):
    t(f)


def tags(e):
    print([child.tag for child in e])


e = E("r")
for c in "abcdef":
    ET.SubElement(e, c)
t(lambda: e.__setitem__(slice(0, 6, 2), [E("z")]))
t(lambda: e.__setitem__(slice(0, 6, 2), [E("z")] * 4))
del e[::2]
tags(e)
e[5:2] = [E("k")]
tags(e)
e[::-1] = list(e)
tags(e)
e[0:0] = e
tags(e)
del e[1::3]
tags(e)
del e[::-2]
tags(e)
e[::2] = (E("p"),)
tags(e)
e.insert(-1, E("i"))
e.insert(-100, E("j"))
e.insert(100, E("k"))
tags(e)
tags(e[::-2])
t(e.extend, (E("x"), 5))
tags(e)


def children():
    yield E("1")
    e.clear()
    yield E("2")


e[1:2] = children()
tags(e)
i = iter(e)
next(i)
del e[:]
print(type(i).__name__, list(i))


class Clears:
    def __eq__(self, other):
        e.clear()
        return True


e.append(E(Clears()))
print(e.find("b") is not None, len(e))
e.extend([E("x"), E("y")])


class ClearsToo(E):
    def __eq__(self, other):
        e.clear()
        return other.tag == "y"

    __hash__ = None


e[0] = ClearsToo("x")
t(e.remove, E("y"))
t(e.remove, E("z"))

print("attributes")
for name in ("tag", "text", "tail", "attrib"):
    t(delattr, e, name)
t(setattr, e, "attrib", 1)
t(setattr, e, "foo", 1)
t(lambda: e.nope)
d = {"k": 1}
e.attrib = d
print(e.attrib is d, e.keys(), e.items(), e.get("k"), e.get("q", default=5))
t(e.set, [], 1)
t(e.get)
e.clear()
e.set("q", 1)
print(d, e.attrib, E("a").attrib, E("a").items())


class Sub(E):
    pass


s = Sub("x")
print(repr(s).split(" at ")[0])
s.tag = s
t(repr, s)
print(type(s.makeelement("a", {})).__name__)
t(s.makeelement, "a", 1)
warnings.simplefilter("always")
with warnings.catch_warnings(record=True) as seen:
    print(bool(E("a")), bool(e), [str(w.message) for w in seen], [w.category.__name__ for w in seen])
warnings.simplefilter("ignore")

print("search and walks")
a = ET.XML("<a>1<b>2</b>3<c x='1'>4<b/>5</c>6</a>")
print([e.tag for e in a.iter()], [e.tag for e in a.iter("b")], [e.tag for e in a.iter("*")], list(a.iter(b"b")))
print(list(a.itertext()), a.findtext("b"), a.findtext("nope", 5), [e.tag for e in a.findall("b")])
print([e.tag for e in a.findall(".//b")], a.find("c/b").tag, a.find("{*}b").tag, a.find("*").tag)
t(a.find, 1)
t(a.findtext, None)
c = ET.Comment("comment")
c.tail = "T"
ET.SubElement(c, "q").text = "inside"
a.append(c)
a.append(E(5))
a[-1].text = "not shown"
a[-1].tail = "shown"
print(list(a.itertext()), list(a[1].itertext()))

print("copies and states")
a = E("a", x="1")
b = copy.copy(a)
b.attrib["x"] = "2"
print(a.attrib, type(copy.copy(s)).__name__)
a.text = [1]
b = copy.deepcopy(a)
print(b.text, b.text is a.text)
t(a.__deepcopy__, 1)
a.append(a)
t(copy.deepcopy, a)
del a[:]


class Odd(E):
    def __deepcopy__(self, memo):
        return 5


a.append(Odd("d"))
t(copy.deepcopy, a)
del a[:]
ET.SubElement(a, "b", k="v").tail = "t"
t(lambda: E("a", x="1").__getstate__())
t(lambda: pickle.loads(pickle.dumps(a)))
for state in (
    1,
    {},
    {"tag": 1, "z": 1},
    {"tag": 1, "_children": 1},
    {"tag": 1, "_children": [1]},
    {1: 1},
    {"tag": 2},
    {"tag": 1, "attrib": {}},
    {"tag": 1, "text": ["a", "b"], "_children": []},
    {"tag": 1, "text": ["a", 1]},
):
    t(a.__setstate__, state)
    t(lambda: a)
a.text = None

print("builders")
t(ET.TreeBuilder, 1, 2)
t(ET.TreeBuilder, foo=1)
b = ET.TreeBuilder()
t(b.close)
t(b.data, 1)
t(b.end, "a")
t(b.start, "a", 1)
d = {}
print(b.start("a", d).attrib is d)
t(b.data, 1)
t(b.end, "x")
t(b.start, "b", {})
t(b.close)
b = ET.TreeBuilder()
b.start("a", {})
b.data("x")
b.data(5)
r = b.end("a")
for f in (r.__copy__, lambda: r.text, lambda: ET.tostring(r), lambda: list(r.itertext())):
    t(f)


class Other:
    def __init__(self, *args):
        self.args, self.text, self.tail, self.children = args, None, None, []

    def append(self, child):
        self.children.append(child)


b = ET.TreeBuilder(Other)
e = b.start("a", {})
b.data("x")
b.data("y")
f = b.start("b", {"k": "v"})
b.data("z")
b.end("b")
b.data("T")
b.end("a")
print(e.args, e.text, e.children == [f], f.args, f.text, f.tail)
b = ET.TreeBuilder()
e = b.start("a", {})
e.text = 5
b.data("x")
t(b.end, "a")
seen = []
for insert in (False, True):
    b = ET.TreeBuilder(comment_factory=lambda text: seen.append(e.text) or ET.Comment(text), insert_comments=insert)
    e = b.start("a", {})
    b.data("one")
    c = b.comment("c")
    b.data("two")
    b.end("a")
    print(seen, e.text, c.tail, len(e))
t(b.pi, "x")
t(b.pi, "x", "y")
b = ET.TreeBuilder(comment_factory=lambda x: x, insert_comments=True)
t(b.comment, "x")
b.start("a", {})
t(b.comment, "x")

print("parsers")
t(ET.XMLParser, 1)
t(ET.XMLParser, encoding=1)
t(ET.XMLParser(encoding="nope").feed, "<a/>")
t(ET.XMLParser(encoding="nope").feed, b"<a/>")
p = ET.XMLParser()
t(p.feed, 1)
t(p.feed, "")
t(p.close)
t(setattr, p, "target", 1)
t(setattr, p, "version", 1)
p = ET.XMLParser.__new__(ET.XMLParser)
for f in (lambda: p.feed("x"), p.close, p.flush, lambda: p.target, lambda: p._setevents([], [])):
    t(f)


class Target:
    def start(self, *args):
        print("start", args)

    def data(self, *args):
        print("data", args)

    def start_ns(self, *args):
        print("start_ns", args)

    def end_ns(self, *args):
        print("end_ns", args)

    def comment(self, *args):
        print("comment", args)

    def pi(self, *args):
        print("pi", args)

    def doctype(self, *args):
        print("doctype", args)

    def end(self, *args):
        print("end", args)


DOCUMENT = """<!DOCTYPE a PUBLIC "p" "s" [<!ENTITY e "eee">]><a xmlns="u" xmlns:q="r" q:x="1" b="&lt;">x
y\xe9\u20ac\U0001f600&e;&amp;<!--c--><?t d?><?t2?><b xmlns=""/>&ext;<![CDATA[cd]]></a>"""
p = ET.XMLParser(target=Target())
t(p.feed, DOCUMENT)
t(p.close)
p = ET.XMLParser(target=Target())
p.entity["ext"] = "EXT"
for i in range(0, len(DOCUMENT), 7):
    p.feed(DOCUMENT[i : i + 7])
p = ET.XMLParser()
p.entity["ext"] = "EXT"
p.feed(DOCUMENT)
t(p.close)
p = ET.XMLParser(target=object())
p.feed("<a>x</a>")
t(p.close)
t(ET.fromstring, '<!DOCTYPE a SYSTEM "x"><a>&bar;</a>')
for text in ("<a>\n </b>", "", "<a", "<a/><b/>", "<a b='1' b='2'/>", "<a>&#0;</a>", "\ud800", "<p:a/>"):
    try:
        ET.fromstring(text)
    except ET.ParseError as error:
        print(error, error.code, error.position, error.lineno, error.args)
    except ValueError as error:
        print(type(error).__name__, error)


class Raises:
    def start(self, tag, attrib):
        print("start", tag)
        raise ValueError(tag)

    def data(self, data):
        print("data", data)


p = ET.XMLParser(target=Raises())
t(p.feed, "<a>x<b/>")
t(p.feed, "<c>y</c>")
t(p.feed, "z</a>")
t(p.close)


class WithDoctype(ET.XMLParser):
    def doctype(self, *args):
        print("not called")


warnings.simplefilter("always")
with warnings.catch_warnings(record=True) as seen:
    WithDoctype().feed("<!DOCTYPE a><a/>")
    print([str(w.message) for w in seen])
warnings.simplefilter("ignore")
for encoding in ("cp437", "iso-8859-15", "utf-16", "gbk", "undefined"):
    p = ET.XMLParser()
    try:
        data = ('<?xml version="1.0" encoding="%s"?><a>\xe9</a>' % encoding).encode(encoding)
    except UnicodeError:
        data = b'<?xml version="1.0" encoding="undefined"?><a/>'
    t(lambda: (p.feed(data), p.close().text))


class Reads:
    def __init__(self, *pieces):
        self.pieces = list(pieces)

    def read(self, n):
        return self.pieces.pop(0) if self.pieces else b""


for pieces in (("<a", "/>", ""), (b"<a/", bytearray(b"/>"), b">"), (b"<a/>", 5, b">")):
    t(ET.XMLParser()._parse_whole, Reads(*pieces))
t(ET.XMLParser()._parse_whole, 1)

print("events")
p = ET.XMLParser()
events = []
p._setevents(events, ["start", "end", "start-ns", "end-ns", "comment", "pi"])
p.feed('<a xmlns="u" xmlns:q="r" q:x="1">x<!--c--><?t d?><?t2?><b xmlns=""/></a>')
for event in events:
    print(show(event))
for args in ((1,), ([], 1), ([], [1]), ([], ["x"]), ([], [b"start"]), ([], "start")):
    t(p._setevents, *args)
t(ET.XMLParser(target=Target())._setevents, [], [])
p = ET.XMLPullParser(("start", b"end"))
p.feed("<a><b>")
print([(event, e.tag) for event, e in p.read_events()])
p.feed("</b></x>")
t(lambda: [(event, e.tag) for event, e in p.read_events()])
print([(event, e.tag, e.text) for event, e in ET.iterparse(io.BytesIO(b"<a>1<b>2</b></a>"))])

print("lifetimes")
a = E("a")
a.append(a)
a.attrib["self"] = a
w = weakref.ref(a)
del a
gc.collect()
print(w())
p = ET.XMLParser()
p.feed("<a>" * 200_000 + "</a>" * 200_000)
deep = p.close()
print(sum(1 for _ in deep.iter()))
t(copy.deepcopy, deep)
del deep, p
for o in (ET.TreeBuilder(), ET.XMLParser(), E("a").iter()):
    t(weakref.ref, o)
bomb = '<!DOCTYPE a [<!ENTITY x0 "xxxxxxxxxx">'
for i in range(12):
    bomb += '<!ENTITY x%d "%s">' % (i + 1, "&x%d;" % i * 10)
t(ET.fromstring, bomb + "]><a>&x12;</a>")
