# requires: /usr/include/expat.h
# pyexpat: every kind of event; and what stands on it.
import io
import xml.dom.minidom
import xml.etree.ElementTree as ET
import xml.sax
from xml.parsers import expat

DOCUMENT = b"""<?xml version="1.0" encoding="iso-8859-1" standalone="no"?>
<!DOCTYPE r SYSTEM "r.dtd" [
<!NOTATION n PUBLIC "pub">
<!ENTITY e "value">
<!ENTITY x SYSTEM "x.xml">
<!ENTITY u SYSTEM "u.gif" NDATA n>
<!ELEMENT r (a|(b,c?)*)+>
<!ATTLIST r k CDATA "dflt" m NMTOKEN #REQUIRED>
]>
<r m="1" xmlns:p="urn:p"><!-- hi --><?pi data?><p:a q='&lt;'>t\xe9xt &e; more</p:a><![CDATA[<raw>]]>&x;</r>
"""


def events(**options):
    p = expat.ParserCreate(**options)
    p.SetBase("base")
    p.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_UNLESS_STANDALONE)
    for name in dir(p):
        if name.endswith("Handler") and "Default" not in name:
            def handler(*args, name=name):
                context = args[0] if args else None
                if name == "ExternalEntityRefHandler":
                    # Its parts come in no particular order.
                    args = context and sorted(context.split("\f")), *args[1:]
                print(name[:-7], *args, p.CurrentLineNumber, p.CurrentColumnNumber)
                if name == "ExternalEntityRefHandler":
                    if context:
                        sub = p.ExternalEntityParserCreate(context)
                        sub.Parse("<sub/>tail", True)
                return 1
            setattr(p, name, handler)
    return p


p = events(namespace_separator=" ")
p.buffer_text = True
for i in range(0, len(DOCUMENT), 7):
    p.Parse(DOCUMENT[i:i + 7])
print(p.Parse(b"", True))

p = expat.ParserCreate()
p.ordered_attributes = p.specified_attributes = True
p.StartElementHandler = print
p.DefaultHandler = lambda d: print("default", repr(d), p.GetInputContext()[:5])
p.Parse("<!DOCTYPE a [<!ATTLIST a z CDATA 'd'>]><a b='1' c='2'>&amp;é</a>", True)

for bad in ["<a>", "<a></b>", "<a b='1' b='2'/>", "<a>&nope;</a>", "text", "<a/><b/>", "<\x00"]:
    try:
        expat.ParserCreate().Parse(bad, True)
    except expat.ExpatError as e:
        print(e, e.code, e.lineno, e.offset, expat.errors.messages[e.code] == expat.ErrorString(e.code))


class Stop(Exception):
    pass


def stop(*args):
    raise Stop(args)


p = expat.ParserCreate()
p.StartElementHandler = stop
try:
    p.Parse("<a><b/></a>", True)
except Stop as e:
    print("stopped", e.args, p.StartElementHandler)

p = expat.ParserCreate()
p.SetBillionLaughsAttackProtectionActivationThreshold(100)
p.SetBillionLaughsAttackProtectionMaximumAmplification(2.0)
laughs = "".join(f'<!ENTITY l{i + 1} "{f"&l{i};" * 10}">' for i in range(6))
try:
    p.Parse(f'<!DOCTYPE r [<!ENTITY l0 "ha">{laughs}]><r>&l6;</r>', True)
except expat.ExpatError as e:
    print(e.code, expat.ErrorString(e.code))

text = DOCUMENT.decode("latin-1").replace("&x;", "")
root = ET.fromstring(text)
print(ET.tostring(root, encoding="unicode"))
print([e.tag for e in root.iter()], root[0].attrib, root.get("k"))
print([(event, e.tag) for event, e in ET.iterparse(io.BytesIO(b"<a><b/><c>x</c></a>"), ("start", "end"))])
document = xml.dom.minidom.parseString("<a><b c='d'>text</b><!--n--></a>")
print(document.documentElement.toprettyxml(indent=" "))


class Handler(xml.sax.ContentHandler):
    def startElement(self, name, attrs):
        print("start", name, dict(attrs))

    def characters(self, content):
        print("characters", content)


xml.sax.parseString(b"<a x='1'>hello</a>", Handler())
