"""In which order variables, arguments and operands die."""
class D:
    def __init__(s,n): s.n=n
    def __del__(s): print(s.n,end=' ')
def locals_(p,q):
    a=D('a'); b=D('b'); c=D('c')
locals_(D('p'),D('q')); print()
def g(p):
    a=D('a'); b=D('b')
    def h(): return b
    yield 1
    c=D('c')
for _ in g(D('p')): pass
print()
it=g(D('p')); next(it); del it; print()
def r():
    a=D('a'); b=D('b'); raise ValueError
try: r()
except ValueError as e: pass
del_=None; print()
def k(*args,**kw): x=D('x')
k(D(1),D(2),z=D(3)); print()
def cc(p,q):
    def h(): return p
    a=D('a')
cc(D('p'),D('q')); print()
def f():
    object.__eq__(D('p'),D('q')); print()
    print(D('p') is None, D('q') is None, sep='', end=' '); print()
    max(D('p').n,D('q').n); print()
    import operator
    operator.is_(D('p'),D('q')); print()
    slice(D('p'),D('q'),D('r')); print()
    tuple((D('p'),D('q'))); print()
    [D('p'),D('q')]; print()
    {D('p'):D('q')}; print()
    x=[D('a'),D('b'),D('c')]; x.clear(); print()
    x=[D('a'),D('b'),D('c')]; x[:]=[]; print()
    x=[D('a'),D('b'),D('c')]; del x[0:2]; print()
    x={1:D('a'),2:D('b')}; x.clear(); print()
    x={D('s'),}; x=None; print()
    D('l') == D('r'); print()
    D('l') is D('r'); print()
    [D('l')][0] is D('r'); print()
    x=D; x.y=D('attr'); x.y=None; print()
    o=D('obj'); o.a=D('a'); o.b=D('b'); del o; print()
    dict(a=D('a'),b=D('b')); print()
    isinstance(D('p'),(int,)); print()
    (D('p'),D('q'))==(D('p2'),D('q2')); print()
f()
