"""decimal: values, flags and errors of expressions, each on a line of its own;
then pseudo-random operands in contexts of all kinds."""
import _decimal as m
from decimal import *


class S(Decimal):
    pass


c = Context()
D = Decimal

EXPRESSIONS = r"""
Context(prec="x")
Context(prec=0)
Context(prec=10**30)
Context(rounding=3)
Context(rounding="x")
Context(Emin=1)
Context(Emax=-1)
Context(Emax="x")
Context(capitals=2)
Context(clamp=2)
Context(flags=3)
Context(traps=[3])
Context(traps=["x"])
Context(traps={})
Context(traps={Inexact:1})
Context(foo=3)
Context(1,2,3,4,5,6,7,8,9)
setattr(c,"prec","x")
setattr(c,"prec",0)
setattr(c,"prec",1.0)
setattr(c,"rounding",3)
setattr(c,"rounding","x")
setattr(c,"Emin",3)
setattr(c,"Emax",-3)
setattr(c,"capitals",3)
setattr(c,"capitals","x")
setattr(c,"clamp",3)
setattr(c,"foo",3)
setattr(c,"traps",3)
setattr(c,"flags",{})
setattr(c,"_traps",3)
setattr(c,"_flags",3)
delattr(c,"prec")
delattr(c,"traps")
delattr(c,"foo")
c.foo
c._traps
c._unsafe_setprec
c.flags[3]
c.flags[Inexact]
c.flags.__setitem__(3,4)
c.flags.__delitem__(Inexact)
c.flags
repr(c)
c.flags==c.traps
c.flags==3
c.flags<c.traps
len(c.flags)
list(c.flags)
c.flags.copy()
hash(c.flags)
type(c.flags)()
len(type(c.flags)())
repr(type(c.flags)())
m.SignalDict
c.copy()
c.__copy__()
c.__reduce__()
c.Etiny()
c.Etop()
c.radix()
c.clear_flags()
c.clear_traps()
hash(c)==0
c==c
c<c
c.create_decimal()
c.create_decimal("x")
c.create_decimal(1.5)
c.create_decimal([])
c.create_decimal_from_float("x")
c.create_decimal_from_float(1.1)
c.create_decimal_from_float(3)
c.add(1,"x")
c.add(1)
c.add(1,2.0)
c.add(1,2,3)
c.power(1,2,3)
c.power(a=1,b=2)
c.power(1,2,None)
c.power(1)
c.sqrt("x")
c.sqrt()
c.quantize(1,2)
c.abs(-1)
c.abs(-1.0)
c.canonical(3)
c.canonical(D(3))
c.is_nan(3)
c.is_nan("x")
c.is_canonical(3)
c.is_canonical(D(3))
c.radix(1)
c.number_class(3)
c.to_sci_string(3)
c.to_eng_string(D("1e5"))
c.copy_decimal(3)
c.copy_sign(1,-1)
c.same_quantum(1,D("1.0"))
c._apply(D("1.23"))
c._apply(3)
c.divmod(7,3)
c.logb(100)
c.fma(1,2,3)
c.fma(1,2)
getcontext(1)
setcontext(3)
setcontext(c)
setcontext(DefaultContext)
getcontext() is DefaultContext
getcontext().prec
localcontext(3)
localcontext(foo=3)
localcontext(c,prec="x")
localcontext(1,2)
IEEEContext(32)
IEEEContext(64)
IEEEContext(0)
IEEEContext(33)
IEEEContext(1024)
IEEEContext("x")
IEEEContext(-32)
IEEEContext(10**30)
D()
D("x")
D(" 1 ")
D("1_000")
D("_1")
D("1__0")
D("1_")
D("١٢")
D("1\u00a0")
D("")
D(None)
D([])
D(())
D((1,2))
D((0,(1,2),"x"))
D((2,(1,2),3))
D(("0",(1,2),3))
D((0,(1,12),3))
D((0,(1,-2),3))
D((0,("1",2),3))
D((0,3,3))
D((0,[1,2],3))
D([0,(1,2),3])
D((0,(),"F"))
D((1,(),"F"))
D((0,(1,2),"n"))
D((0,(1,2),"N"))
D((0,(),0))
D((0,(0,0,1),0))
D((0,(1,),10**30))
D((0,(1,),1.0))
D(1.1)
D(float("nan"))
D(float("-inf"))
D(-0.0)
D(True)
D(10**50)
D(3,c)
D(3,4)
D(3,None)
D(3,context=c)
D(value=3)
D(foo=3)
D(1,2,3)
D(1j)
D.from_float("x")
D.from_float(3)
D.from_float(1.1)
D.from_number("x")
D.from_number(1.5)
D.from_number(D(3))
S.from_number(3)
S.from_float(1.5)
S(3)+1
S(3)
-S(3)
D("1e1000000000000000000")
D("1e999999999999999999")
D("1e-1999999999999999997")
D("1e-1999999999999999998")
D("9"*60)+1
D(1)+1.0
D(1)+"x"
1+D(1)
1.0+D(1)
D(1)+1j
D(1)==1.0
D(1)==1
D(1)==1j
D(1)==1+1j
D(1)<1j
D(1)<"x"
D(1)=="x"
D(1)<1.5
D("nan")<1
D("nan")==1
D("snan")==1
D("snan")!=1
D("nan")==D("nan")
D("snan")<1
D(1)/0
D(0)/0
D(1)//0
D(1)%0
divmod(D(1),0)
divmod(D(0),0)
D("inf")-D("inf")
D("inf")*0
D(0)**0
D(0)**-1
D(-1)**D("0.5")
D(2)**D("0.5")
D(4)**D("0.5")
D(2)**100
D(2)**-3
D(10)**10**10
D(2)**D("1e30")
D("0.5")**D("1e30")
pow(D(2),3,5)
pow(D(2),-3,5)
pow(2,D(3),5)
pow(D(2),3,0)
pow(D(2),3,"x")
D(2)**"x"
2**D(3)
D(1).exp()
D(2).ln()
D(2).log10()
D(1000).log10()
D(0).ln()
D(-1).ln()
D(2).sqrt()
D(-2).sqrt()
D(16).sqrt()
D("0.0001").sqrt()
int(D("1.9"))
int(D("nan"))
int(D("inf"))
int(D("1e100"))
float(D("1.1"))
float(D("snan"))
float(D("nan"))
float(D("-inf"))
complex(D(1))
complex(D("nan"))
round(D("1.5"))
round(D("2.5"))
round(D("2.55"),1)
round(D("2.55"),"x")
round(D("2.55"),None)
round(D("nan"))
round(D("nan"),1)
round(D("inf"))
round(D(1),10**30)
round(D(1),100)
__import__("math").floor(D("-1.5"))
__import__("math").ceil(D("-1.5"))
__import__("math").trunc(D("-1.5"))
__import__("math").floor(D("inf"))
hash(D("1.5"))==hash(1.5)
hash(D("snan"))
hash(D("inf"))
hash(D("-inf"))
hash(D(10)**50)==hash(10**50)
hash(D("1e-5"))==hash(__import__("fractions").Fraction(1,10**5))
hash(D("1e1000000"))
D("1.20").as_tuple()
D("-inf").as_tuple()
D("nan12").as_tuple()
D("snan").as_tuple()
D("1.25").as_integer_ratio()
D("-1.25e10").as_integer_ratio()
D("nan").as_integer_ratio()
D("inf").as_integer_ratio()
D("1e5").to_eng_string()
D("1e5").to_eng_string(c)
D(1).to_eng_string(3)
D(1).quantize(D("0.01"))
D(1).quantize(D("0.01"),"x")
D(1).quantize(D("0.01"),rounding=ROUND_UP,context=c)
D(1).quantize(D("1e-100"))
D(1).quantize("x")
D(1).quantize()
D("1.5").to_integral(ROUND_UP)
D("1.5").to_integral_value(rounding="x")
D("1.5").to_integral_exact()
D(1).exp(3)
D(1).exp(context=None)
D(1).exp(foo=None)
D(1).exp(1,2)
D(1).compare(2)
D(1).compare("x")
D(1).compare_total("x")
D(1).max(2)
D(1).max(2.0)
D(1).fma(2,3)
D(1).fma(2)
D(1).logical_and(10)
D(1).logical_invert()
D(12).logical_invert()
D(1).rotate(1)
D(1).rotate(100)
D(1).shift(2)
D(1).scaleb(2)
D(1).scaleb("x")
D(1).next_plus()
D(1).next_minus()
D(1).next_toward(2)
D(1).same_quantum(2)
D("1.200").normalize()
D(1).number_class()
D(1).number_class(3)
D(1).is_normal()
D(1).is_normal(3)
D(1).is_zero()
D(1).is_zero(1)
D(1).adjusted()
D("inf").adjusted()
D(1).real
D(1).imag
D(1).foo
D(1).copy_sign(-1)
D(1).copy_sign("x")
D(1).__copy__()
D(1).__deepcopy__({})
D("1.1").__reduce__()
D(1).conjugate()
D(1).radix()
D(1).canonical()
D(1).__sizeof__()>50
D(1).__format__(3)
D(1).__format__("",3)
D(1).__format__("",{},3)
format(D("1234567.891"),",.2f")
format(D("1.5"),"z.0f")
format(D("1.5"),"foo")
format(D(1),"n")
D("1.5").__format__("n",{"decimal_point":"&","thousands_sep":"x","grouping":"\\3"})
D("15000").__format__("n",{"decimal_point":"&","thousands_sep":"x","grouping":"\\3"})
D("1.5").__format__("n",{"decimal_point":3})
str(D("1e5"))
repr(S("1.5"))
bool(D(0))
bool(D("nan"))
-D(0)
+D("-0")
abs(D("-1.5"))
abs(D("snan"))
m.DecimalTuple
Decimal.__doc__
m.DecimalTuple.__doc__
InvalidOperation.__doc__
D(10).remainder_near(3)
D(5).remainder_near(0)
D("1e50")%3
D("1e50")//3
D(7)//2
D(-7)//2
D(-7)%2
divmod(D(-7),2)
D(3).compare_signal(D("nan"))
"""

for line in EXPRESSIONS.strip().splitlines():
    try:
        result = ascii(eval(line))
    except Exception as e:
        result = f"{type(e).__name__}: {ascii(str(e))}"
    raised = [k.__name__ for k, v in getcontext().flags.items() if v]
    getcontext().clear_flags()
    print(ascii(line), "->", result, raised)

seed = 1


def number(n):
    global seed
    seed = seed * 48271 % 2147483647
    return seed % n


def operand(c):
    special = ["NaN", "sNaN12", "Infinity", "-Infinity", "0", "-0", "0E+5", "1", "-1.0"]
    if number(12) == 0:
        return special[number(len(special))]
    digits = "".join("0123456789959"[number(13)] for _ in range(1 + number(40)))
    return "-" * number(2) + digits + "E" + str(number(60) - 40)


UNARY = "exp ln log10 next_minus next_plus normalize sqrt logb abs minus plus to_integral_exact to_eng_string".split()
BINARY = """compare max min_mag next_toward remainder_near compare_total copy_sign rotate scaleb shift add subtract
multiply divide divide_int remainder quantize divmod power""".split()
MODES = [ROUND_CEILING, ROUND_FLOOR, ROUND_UP, ROUND_DOWN, ROUND_HALF_UP, ROUND_HALF_DOWN, ROUND_HALF_EVEN, ROUND_05UP]
for i in range(300):
    c = Context(prec=[1, 3, 9, 28][number(4)], Emin=[0, -9, -999][number(3)], Emax=[0, 9, 999][number(3)],
                rounding=MODES[number(8)], clamp=number(2), traps=[])
    a, b = Decimal(operand(c)), Decimal(operand(c))
    if number(3) == 0:
        b = Decimal(number(20) - 8)
    name = UNARY[number(len(UNARY))]
    print(name, a, "->", getattr(c, name)(a))
    name = BINARY[number(len(BINARY))]
    print(name, a, b, "->", getattr(c, name)(a, b), [s.__name__ for s, v in c.flags.items() if v])

for spec in ["", "010.3f", ",.2f", "*^20e", "+g", "%", ".0e", "=12", "E"]:
    print(spec, [format(D(x), spec) for x in ("0", "-1.5", "1234567.891", "1e-10", "NaN", "-Infinity", "9.995")])
