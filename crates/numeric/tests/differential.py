"""Compares taipan-numeric with CPython 3.14 on random values.

    python3.14 differential.py PATH_OF_diff_EXAMPLE COUNT [SEED] [GROUPS...]

Run by CPython 3.14, outside of the repository; see examples/diff.rs for the other
half. Prints the number of cases and of differences of every operation.
`record FILE` instead of COUNT writes a sample with its results.
"""
import math, cmath, random, struct, subprocess, sys, _random
sys.set_int_max_str_digits(0)
inf, nan = math.inf, math.nan
R = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)

def fb(v): return '%016x' % struct.unpack('<Q', struct.pack('<d', v))[0]
def show(v): return 'nan' if v != v else fb(v)
def hx(s): return s.encode('utf-8').hex()
def ih(v): return format(v, 'x')

def rint():
    k = R.random()
    if k < .2: v = R.randint(-20, 20)
    elif k < .35: v = (1 << R.choice([15, 30, 31, 52, 53, 54, 60, 61, 62, 63, 64, 65, 127, 128, 129, 192, 1023, 1024])) + R.randint(-2, 2)
    elif k < .6: v = R.getrandbits(R.randint(1, 64))
    elif k < .9: v = R.getrandbits(R.randint(1, 300))
    elif k < .99: v = R.getrandbits(R.randint(1, 3000))
    else: v = R.getrandbits(R.randint(1, 30000))
    if R.random() < .1: v &= ~((1 << R.randint(0, 100)) - 1)
    if R.random() < .1: v |= ((1 << R.randint(0, 100)) - 1)
    return -v if R.random() < .4 else v

SPECIAL = [0.0, -0.0, 1.0, -1.0, inf, -inf, nan, 5e-324, -5e-324, 2.2250738585072014e-308, 1.7976931348623157e308,
  -1.7976931348623157e308, .5, 1.5, 2.5, -.5, 1e16, 1e15, 1e-4, 1e-5, 9999999999999998.0, 123456789.0, 0.1, 1e22, 1e23, 2.0, 3.0, -2.0, .25]
def rflt(specials=.15):
    k = R.random()
    if k < specials: return R.choice(SPECIAL)
    if k < .35: return struct.unpack('<d', struct.pack('<Q', R.getrandbits(64)))[0]
    if k < .6: return R.uniform(-1, 1) * 10 ** R.randint(-20, 20)
    if k < .8: return round(R.uniform(-1000, 1000), R.randint(0, 6))
    if k < .9: return R.randint(-10**6, 10**6) / 2 ** R.randint(0, 12)
    return R.gauss(0, 3)
def small_float(): return R.choice([R.uniform(-10, 10), R.gauss(0, 2), R.uniform(-1, 1), R.randint(-40, 40) / 4, R.uniform(-700, 700), rflt()])

def spec():
    if R.random() < .02: return ''.join(R.choice('<>^=+- z#0,_.123bcdoxXneEfFgG%s\u00e9\u20ac') for _ in range(R.randint(0, 7)))
    p = lambda x: R.random() < x
    s = ''
    if p(.4):
        if p(.6): s += R.choice('*0 x\u00e9\u20ac\U0001f600')
        s += R.choice('<>^=')
    if p(.3): s += R.choice('+- ')
    if p(.2): s += 'z'
    if p(.25): s += '#'
    if p(.25): s += '0'
    if p(.5): s += str(R.randint(0, 40))
    if p(.25): s += R.choice(',_')
    if p(.4):
        s += '.'
        if p(.9): s += str(R.choice([0, 1, 2, 3, 5, 6, 10, 17, 30, R.randint(0, 1200) if p(.05) else 4]))
        if p(.3): s += R.choice(',_')
    if p(.75): s += R.choice('bcdoxXneEfFgG%s' if p(.5) else 'eEfFgG%nd')
    return s

def call(f):
    try: return '=' + f()
    except Exception as e: return '!' + str(e)

def intlit():
    s = R.choice(['%d' % rint(), hex(rint()), oct(rint()), bin(rint()), '0%d' % abs(rint()), format(rint(), '_'), format(rint(), '_x')])
    if R.random() < .3:
        i = R.randint(0, len(s)); s = s[:i] + R.choice('_ 0xXzb+-o1\x0b\n\x1c.') + s[i:]
    if R.random() < .2: s = ' ' + s + '\n'
    return s

def fltlit():
    v = rflt()
    s = R.choice([repr(v), '%.20e' % v, '%f' % v, '%.3g' % v, '%d.%de%d' % (R.randint(-99, 99), R.getrandbits(R.randint(1, 90)), R.randint(-400, 400)), R.choice(['inf', '-INF', '+Infinity', 'nan', '-nan', 'infinit', '', '.', 'e5', '1e', '1_0', '1__0', '_1', '1_', '1e1_0', '1_.5', '1._5', '.5', '5.', '1e400', '-1e-400'])])
    if R.random() < .25:
        i = R.randint(0, len(s)); s = s[:i] + R.choice('_ .e-+1x\t\x1f\x0c') + s[i:]
    if R.random() < .2: s = '\t' + s + ' '
    return s

def hexlit():
    s = R.choice([rflt().hex(), '%x.%xp%d' % (R.getrandbits(R.randint(1, 140)), R.getrandbits(R.randint(1, 140)), R.randint(-1200, 1100)), '0x.%xp%+d' % (R.getrandbits(60), R.randint(-1100, 1100)), '-0X%xP%d' % (R.getrandbits(70), R.randint(-1150, 1000)), '0x1.%013x8p-%d' % (R.getrandbits(52), R.randint(1015, 1080)), '0x', '.', '0x.p1', 'inf', '-nan', '1p', 'infinity', '+0x1', '1.8'])
    if R.random() < .15:
        i = R.randint(0, len(s)); s = s[:i] + R.choice('_ .p-+1x\t') + s[i:]
    return s

def pct():
    n = R.randint(1, 2); f = ''; args = []
    for _ in range(n):
        f += R.choice(['', 'a', '%%', '\u20ac']) + '%' + ''.join(R.choice('-+ #0') for _ in range(R.choice([0, 0, 1, 1, 2, 3])))
        k = R.random()
        if k < .5: f += str(R.randint(1, 25))
        elif k < .6: f += '*'; args.append(R.randint(-20, 20))
        k = R.random()
        if k < .4: f += '.' + R.choice(['', str(R.randint(0, 20)), '120'])
        elif k < .5: f += '.*'; args.append(R.randint(-5, 15))
        if R.random() < .1: f += R.choice('hlL')
        c = R.choice('diuoxXeEfFgGsc' if R.random() < .98 else 'qb%\u20acl.')
        f += c
        args.append(rint() if c in 'diuoxX' else rflt() if c in 'eEfFgG' else R.choice(['', 'x', 'h\u00e9llo', 'abcdefgh']) if c == 's' else R.choice('x\u00e9') if c == 'c' else 5)
        if c in 'diu' and R.random() < .2: args[-1] = rflt()
    if R.random() < .03: f = f[:-1]
    if R.random() < .03: args.append(1)
    enc = ['i' + ih(a) if isinstance(a, int) else 'f' + fb(a) if isinstance(a, float) else 's' + hx(a) for a in args]
    if any(isinstance(a, float) and not math.isfinite(a) for a in args) and any(c in f for c in 'diu'): return None
    return ('percent', hx(f), *enc), lambda: hx(f % tuple(args))

def fmt(kind):
    s = spec()
    if kind == 'i': v = rint(); e = ih(v)
    elif kind == 'f': v = rflt(); e = fb(v)
    elif kind == 'c': v = complex(rflt(), rflt()); e = fb(v.real) + ',' + fb(v.imag)
    else: v = R.choice(['', 'abc', 'h\u00e9', '\U0001f600x']); e = hx(v)
    return ('format', kind, e, hx(s)), lambda: hx(format(v, s))

def i2(op, f): return lambda: (lambda a, b: ((op, ih(a), ih(b)), lambda: f(a, b)))(rint(), rint())
def i1(op, f): return lambda: (lambda a: ((op, ih(a)), lambda: f(a)))(rint())
def f1(op, f, g=rflt): return lambda: (lambda a: ((op, fb(a)), lambda: f(a)))(g())
def f2(op, f, g=rflt): return lambda: (lambda a, b: ((op, fb(a), fb(b)), lambda: f(a, b)))(g(), g())
def i1n(op, f, n): return lambda: (lambda a, b: ((op, ih(a), str(b)), lambda: f(a, b)))(rint(), n())
def cmp(a, b): return (a > b) - (a < b)
def near():
    a = rint()
    try: b = math.nextafter(float(a), R.choice([inf, -inf, 0.0, float(a)])) + R.choice([0, .5])
    except OverflowError: b = rflt()
    return ('cmpf', ih(a), fb(b)), lambda: 'None' if b != b else 'Some(%d)' % cmp(a, b)
def powmod():
    a, b, c = rint(), rint(), rint()
    b = b if abs(b) < 1 << 200 else b & 0xffff
    return ('powmod', ih(a), ih(b), ih(c)), lambda: ih(pow(a, b, c))
def tobytes():
    a = rint(); n = R.choice([0, 1, 4, 8, (a.bit_length() + 7) // 8, a.bit_length() // 8 + 1, R.randint(0, 40)]); o = R.choice(['little', 'big']); s = R.random() < .5
    return ('tobytes', ih(a), str(n), o, str(s)), lambda: a.to_bytes(n, o, signed=s).hex()
def frombytes():
    b = R.randbytes(R.randint(0, 40)); o = R.choice(['little', 'big']); s = R.random() < .5
    return ('frombytes', b.hex(), o, str(s)), lambda: ih(int.from_bytes(b, o, signed=s))
def parse():
    s, base = intlit(), R.choice([0, 0, 10, 10, 16, 2, 8, R.randint(0, 37)])
    def f():
        try: return ih(int(s, base))
        except ValueError as e: raise ValueError(str(e).split(' with base')[0])
    return ('parse', hx(s), str(base)), f
def fparse():
    s = fltlit()
    def f():
        try: return show(float(s))
        except ValueError as e: raise ValueError(str(e).split(':')[0])
    return ('fparse', hx(s)), f
def fromhex():
    s = hexlit(); return ('fromhex', hx(s)), lambda: show(float.fromhex(s))
def small():
    e = lambda: max(-1 << 63, min((1 << 63) - 1, rint()))
    a, b = e(), e()
    def f():
        d = 'None' if b == 0 or (a == -1 << 63 and b == -1) else 'Some((%d, %d))' % divmod(a, b)
        return f'{ih(a+b)} {ih(a-b)} {ih(a*b)} {d}'
    return ('small', ih(a), ih(b)), f
def mt():
    a, k = rint(), R.randint(0, 200)
    def f():
        r = _random.Random(a); x = r.getrandbits(k)
        return f'{ih(x)} {show(r.random())} {r.getrandbits(7)} {show(r.random())}'
    return ('mt', ih(a), str(k)), f
def cn(op, f):
    def g():
        n = R.choice([R.randint(0, 80), R.randint(0, 2000), R.getrandbits(90)]); k = R.randint(0, min(n, 300)) if R.random() < .9 else R.randint(0, 50)
        if R.random() < .2 and n < 3000: k = n - k if n >= k else k
        return (op, ih(n), ih(k)), lambda: ih(f(n, k))
    return g
def fact():
    n = R.randint(0, 700); return ('factorial', str(n)), lambda: ih(math.factorial(n))
def rnd():
    a, n = rflt(), R.choice([0, 1, 2, 3, -1, -2, R.randint(-330, 330), R.randint(-20, 20)])
    if R.random() < .3: a = R.randint(-10**6, 10**6) / 8 * 10.0 ** R.randint(0, 10)
    return ('round', fb(a), str(n)), lambda: show(round(a, n))
def fixerr(f, a, b):
    def g():
        if b == 0: raise ZeroDivisionError('division by zero')
        return f()
    return g
def fdiv(op, f):
    def g():
        a, b = rflt(), rflt()
        return (op, fb(a), fb(b)), fixerr(lambda: f(a, b), a, b)
    return g
def fpow():
    a, b = R.choice([rflt, small_float])(), R.choice([rflt, small_float, lambda: float(R.randint(-9, 9))])()
    def f():
        if math.isfinite(a) and math.isfinite(b) and a < 0 and b != math.floor(b): raise ValueError('negative number to a fractional power')
        return show(a ** b)
    return ('fpow', fb(a), fb(b)), f
def ratio(a):
    if math.isinf(a): raise ValueError('cannot convert float infinity to integer')
    if a != a: raise ValueError('cannot convert float NaN to integer')
    return '%x %x' % a.as_integer_ratio()
def idiv(f):
    def g(a, b):
        if b == 0: raise ZeroDivisionError('division by zero')
        return f(a, b)
    return g
def isq(a):
    if a < 0: raise ValueError('argument must be nonnegative')
    return ih(math.isqrt(a))

GROUPS = {
 'int': [i2('add', lambda a, b: ih(a + b)), i2('sub', lambda a, b: ih(a - b)), i2('mul', lambda a, b: ih(a * b)),
  i2('floordiv', idiv(lambda a, b: ih(a // b))), i2('mod', idiv(lambda a, b: ih(a % b))), i2('divmod', idiv(lambda a, b: '%x %x' % divmod(a, b))),
  i2('truediv', idiv(lambda a, b: show(a / b))), i1('tofloat', lambda a: show(float(a))),
  i1n('pow', lambda a, b: ih(a ** b), lambda: R.randint(0, 12)), powmod,
  i1n('shl', lambda a, b: ih(a << b), lambda: R.randint(0, 300)), i1n('shr', lambda a, b: ih(a >> b), lambda: R.randint(0, 300)),
  i2('and', lambda a, b: ih(a & b)), i2('or', lambda a, b: ih(a | b)), i2('xor', lambda a, b: ih(a ^ b)), i1('not', lambda a: ih(~a)), i1('neg', lambda a: ih(-a)),
  i2('cmp', lambda a, b: str(cmp(a, b))), near, i1('bits', lambda a: f'{a.bit_length()} {a.bit_count()}'), i1('ihash', lambda a: str(hash(a))),
  i1('str', str), parse, tobytes, frombytes, i1('digits30', ih), i1('isqrt', isq), i2('gcd', lambda a, b: ih(math.gcd(a, b))),
  i2('lcm', lambda a, b: ih(math.lcm(a, b))), cn('comb', math.comb), cn('perm', math.perm), fact,
  i1n('iround', lambda a, b: ih(round(a, -b)), lambda: R.randint(0, 60)), small, mt],
 'float': [f1('repr', repr), fparse, f1('hex', float.hex), fromhex, f1('ratio', ratio), rnd, f1('roundint', lambda a: ih(round(a))),
  f1('toint', lambda a: ih(int(a))), f1('isint', lambda a: str(a.is_integer()).lower()), f1('fhash', lambda a: 'None' if a != a else f'Some({hash(a)})'),
  fdiv('ffloordiv', lambda a, b: show(a // b)), fdiv('fmod', lambda a, b: show(a % b)), fdiv('fdivmod', lambda a, b: '%s %s' % tuple(map(show, divmod(a, b)))), fpow],
 'format': [lambda: fmt('i'), lambda: fmt('f'), lambda: fmt('c'), lambda: fmt('s'), pct, pct],
}

def msg(f): return lambda *a: f(*a)
def mf(name, f): return lambda: (lambda a: (('math.' + name, fb(a)), lambda: show(f(a))))(R.choice([small_float, rflt])())
def m2(name, f): return lambda: (lambda a, b: (('math.' + name, fb(a), fb(b)), lambda: show(f(a, b))))(small_float(), small_float())
def sz(z): return show(z.real) + ' ' + show(z.imag)
def rz():
    k = R.random()
    if k < .25: return complex(R.choice(SPECIAL), R.choice(SPECIAL))
    g = R.choice([small_float, rflt, lambda: R.uniform(-2, 2)])
    return complex(g(), g())
def zb(z): return fb(z.real), fb(z.imag)
def cf(name, f): return lambda: (lambda z: (('cmath.' + name, *zb(z)), lambda: sz(f(z))))(rz())
def c2(op, f): return lambda: (lambda a, b: ((op, *zb(a), *zb(b)), lambda: sz(f(a, b))))(rz(), rz())
def cr(op, f): return lambda: (lambda a, b: ((op, *zb(a), fb(b)), lambda: sz(f(a, b))))(rz(), rflt())
def cpow():
    a, b = rz(), R.choice([rz, lambda: complex(R.randint(-110, 110), 0), lambda: complex(R.randint(-5, 5) / 2, 0)])()
    return ('cpow', *zb(a), *zb(b)), lambda: sz(a ** b)
def fs(op, f):
    def g():
        n = R.randint(0, 12); g = R.choice([small_float, rflt, lambda: R.gauss(0, 1), lambda: R.uniform(-1, 1) * 2.0 ** R.randint(-60, 60)])
        if R.random() < .9: h = g; g = lambda: (lambda v: v if math.isfinite(v) else 1.0)(h())
        a = [g() for _ in range(n)]
        if n > 3 and R.random() < .3: a[1] = -a[0]
        return (op, *map(fb, a)), lambda: show(f(a))
    return g
def sumprod():
    n = R.randint(1, 8); a = [R.gauss(0, 1) * 2.0 ** R.randint(-30, 30) for _ in range(n)]; b = [R.gauss(0, 1) * 2.0 ** R.randint(-30, 30) for _ in range(n)]
    return ('math.sumprod', *[fb(x) for p in zip(a, b) for x in p]), lambda: show(math.sumprod(a, b))
def fma():
    a, b, c = small_float(), small_float(), small_float(); return ('math.fma', fb(a), fb(b), fb(c)), lambda: show(math.fma(a, b, c))
def ldexp():
    a, n = rflt(), R.choice([R.randint(-2200, 2200), R.randint(-60, 60), 10**15, -10**15]); return ('math.ldexp', fb(a), str(n)), lambda: show(math.ldexp(a, n))
def nexta():
    a, b, n = rflt(), rflt(), R.choice([0, 1, 1, 2, R.getrandbits(60), R.randint(0, 9)])
    if R.random() < .2: a, b = R.choice([5e-324, -5e-324, 0.0, -0.0, 1e-323, -1e-323]), R.choice([1.0, -1.0, 0.0, -0.0])
    return ('math.nextafter', fb(a), fb(b), str(n)), lambda: show(math.nextafter(a, b, steps=n))
def isclose():
    a = rflt(); b = R.choice([a, a * (1 + R.uniform(-2e-9, 2e-9)), rflt()]); r, t = R.choice([1e-9, 0.0, 1e-3, -1.0 if R.random() < .1 else 2.0]), R.choice([0.0, 1e-5, inf])
    return ('math.isclose', fb(a), fb(b), fb(r), fb(t)), lambda: str(math.isclose(a, b, rel_tol=r, abs_tol=t)).lower()
def cparse():
    z = rz()
    s = R.choice([str(z), repr(z)[1:-1], fltlit() + fltlit() + 'j', fltlit() + R.choice('+-') + fltlit() + 'J', R.choice(['j', '-j', '1+j', ' ( 1 ) ', '(', '()', '', '+', '1e5-J', 'nan-infj'])])
    if R.random() < .15:
        i = R.randint(0, len(s)); s = s[:i] + R.choice('_ .j()+-1') + s[i:]
    def f():
        try: return sz(complex(s))
        except ValueError as e: raise ValueError(str(e).split(':')[0])
    return ('cparse', hx(s)), f
def il(op, f): return lambda: (lambda a: ((op, ih(a)), lambda: show(f(a))))(rint())
def fw(a): return show(a[0]) + ' ' + show(a[1])
GROUPS['math'] = [mf(n, getattr(math, n)) for n in 'acos asin atan acosh asinh atanh cbrt cos cosh erf erfc exp exp2 expm1 log1p sin sinh sqrt tan tanh gamma lgamma log log2 log10 ulp degrees radians'.split()] + \
 [m2(n, getattr(math, n)) for n in 'fmod remainder pow atan2 hypot'.split()] + [fs('math.hypot', lambda a: math.hypot(*a)), fs('math.fsum', math.fsum), fs('sum', lambda a: sum(a, 0.0)), sumprod, fma, ldexp, nexta, isclose,
  f1('math.frexp', lambda a: '%s %d' % (show(math.frexp(a)[0]), math.frexp(a)[1])), f1('math.modf', lambda a: fw(math.modf(a))), il('ilog', math.log), il('ilog2', math.log2), il('ilog10', math.log10)]
def chash(z): return str(hash(z))
def nonan(): 
    z = rz()
    return complex(1, 2) if z != z else z
GROUPS['complex'] = [c2('cadd', lambda a, b: a + b), c2('csub', lambda a, b: a - b), c2('cmul', lambda a, b: a * b), c2('cdiv', lambda a, b: a / b), cpow,
  cr('cradd', lambda a, b: a + b), cr('crsub', lambda a, b: a - b), cr('crmul', lambda a, b: a * b), cr('crdiv', lambda a, b: a / b), cr('rcsub', lambda a, b: b - a), cr('rcdiv', lambda a, b: b / a),
  lambda: (lambda z: (('cabs', *zb(z)), lambda: show(abs(z))))(rz()), lambda: (lambda z: (('crepr', *zb(z)), lambda: repr(z)))(rz()), lambda: (lambda z: (('chash', *zb(z)), lambda: chash(z)))(nonan()), cparse]
GROUPS['cmath'] = [cf(n, getattr(cmath, n)) for n in 'acos acosh asin asinh atan atanh cos cosh exp log log10 sin sinh sqrt tan tanh'.split()] + [
  lambda: (lambda a, b: (('cmath.rect', fb(a), fb(b)), lambda: sz(cmath.rect(a, b))))(small_float(), small_float()), lambda: (lambda z: (('cmath.polar', *zb(z)), lambda: fw(cmath.polar(z))))(rz()),
  c2('cmath.logbase', cmath.log)]
def main():
    exe, count = sys.argv[1], sys.argv[2]
    groups = sys.argv[4:] or list(GROUPS)
    record = None
    if count == 'record': record, groups, count = sys.argv[4], sys.argv[5:] or list(GROUPS), 12
    lines, want = [], []
    for g in groups:
        for gen in GROUPS[g]:
            for _ in range(int(count)):
                case = gen()
                if case is None: continue
                line = '\t'.join(case[0])
                if record and len(line) > 600: continue
                lines.append(line); want.append(call(case[1]))
    if record:
        with open(record, 'w') as f: f.writelines(f'{l}\t->\t{w}\n' for l, w in zip(lines, want) if '\n' not in w)
        return
    got = subprocess.run(exe.split(), input='\n'.join(lines) + '\n', capture_output=True, text=True)
    if got.returncode: print(got.stderr[-3000:])
    got = got.stdout.split('\n')
    total, bad, shown = {}, {}, {}
    for l, w, g in zip(lines, want, got):
        op = l.split('\t')[0]
        if op == 'format': op += l.split('\t')[1]
        total[op] = total.get(op, 0) + 1
        if w != g:
            bad[op] = bad.get(op, 0) + 1
            if shown.setdefault(op, 0) < 4:
                shown[op] += 1
                a = [bytes.fromhex(x).decode() if op[:6] in ('format', 'parse', 'fparse', 'fromhe', 'percen') and len(x) % 2 == 0 and all(c in '0123456789abcdef' for c in x) else x for x in l.split('\t')[1:]] if 0 else l.split('\t')[1:]
                print(op, a, 'CPython', w[:200], 'Taipan', g[:200])
    print(len(lines), 'cases;', sum(bad.values()), 'differences')
    print(' '.join(f'{k}:{bad.get(k, 0)}/{v}' for k, v in total.items()))
main()
