"""zoneinfo: zones of TZ strings, without the files of the system."""
import io
import struct
import zoneinfo
from datetime import *

H=(b'TZif3'+b' '*15+struct.pack('>6l',0,0,0,0,0,0))*2
def mk(s): return zoneinfo.ZoneInfo.from_file(io.BytesIO(H+b'\n'+s+b'\n'),key=s.decode('latin1'))

ZONES = [b"EST5EDT,M3.2.0,M11.1.0", b"AAA4BBB,J60/2,J300/2", b"AAA4BBB,1/2,365/2:30:10", b"UTC0",
         b"<+03>-3:30<-05>5,M10.5.6/-167,M1.1.0/+167:59:59", b"AAA-23:59:59", b"IST-1GMT0,M10.5.0,M3.5.0/1"]
n = 1
for text in ZONES:
    zone = mk(text)
    for _ in range(12):
        n = n * 48271 % 2147483647
        at = datetime(1950 + n % 150, n // 7 % 12 + 1, n // 11 % 28 + 1, n // 13 % 24, n // 17 % 60, tzinfo=zone, fold=n & 1)
        back = at.astimezone(timezone.utc).astimezone(zone)
        print(at, at.tzname(), at.dst(), back, back.fold, hash(at) == hash(at.astimezone(timezone.utc)))

BAD = [b"EST", b"EST5EDT", b"EST5EDT,M3.2.0", b"EST5EDT,M13.2.0,M1.1.1", b"<>5", b"EST25", b"EST5EDT,M3.2.0,M11.1.0x"]
for text in BAD:
    try:
        print(mk(text))
    except ValueError as e:
        print(e)


class Sub(zoneinfo.ZoneInfo):
    pass


z = mk(b"EST5EDT,M3.2.0,M11.1.0")
for f in ("zoneinfo.ZoneInfo()", "z.utcoffset(None)", "mk(b'UTC0').utcoffset(None)", "z.fromutc(3)", "z.fromutc(datetime(1, 1, 1))",
          "z.key", "setattr(z, 'key', 3)", "zoneinfo.ZoneInfo.clear_cache(3)", "zoneinfo.ZoneInfo.clear_cache(only_keys=['x'])",
          "zoneinfo.ZoneInfo.from_file(io.BytesIO(b'foo'))", "z.__reduce__()", "repr(z)", "str(z)", "time(1, tzinfo=z).utcoffset()",
          "zoneinfo.ZoneInfo('no/such')", "Sub._weak_cache is zoneinfo.ZoneInfo", "Sub('no/such')"):
    try:
        print(f, "->", repr(eval(f)))
    except Exception as e:
        print(f, "->", type(e).__name__, e)
