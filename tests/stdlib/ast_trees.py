# Trees that compile() takes and gives back: checks, optimisation, copies.
import ast
def sub(src, mode='exec'):
    tree0=ast.parse(src,mode=mode)
    n=0
    for i,node in enumerate(ast.walk(tree0)):
        for f,v in ast.iter_fields(node):
            vs = v if isinstance(v,list) else [v]
            if any(isinstance(x,str) and x in('x','xx') for x in vs) and not isinstance(node, ast.Constant):
                tree=ast.parse(src,mode=mode)
                nd=list(ast.walk(tree))[i]
                if isinstance(v,list): setattr(nd,f,['True']*len(v))
                else: setattr(nd,f,'True')
                try: compile(tree,'<t>',mode); r='ok'
                except Exception as e: r=f'{type(e).__name__}: {e}'
                print(src.replace('\n','; ')[:40], type(node).__name__, f, r)
for s in ["global x","def f():\n x=1\n def g():\n  nonlocal x","a.x","a.x=1","f(x=1)","def f(x):pass","def f(a,/,x):pass","def f(*x):pass","def f(**x):pass","lambda x:1","class x[T]:pass","class A[x]:pass","def f[*x]():pass","def f[**x]():pass","from x import y","match a:\n case xx():pass","match a:\n case y(x=1):pass","match a:\n case x:pass","match a:\n case {**x}:pass","match a:\n case [*x]:pass","class A(x=1):pass","type x=1","del x","import a as x", "x:int=1","from y.x import z","import x.y","f'{x}'"]:
    sub(s)
for s in [b"Tru\xe1\xb5\x89", "Truᵉ=1", "a.Truᵉ", "def Truᵉ():pass", "f(Truᵉ=1)", "import Truᵉ","lambda Truᵉ:1"]:
    try: compile(s,'f','exec'); r='ok'
    except Exception as e: r=f'{type(e).__name__}: {e} {e.args}'
    print(s,r)

O=ast.PyCF_OPTIMIZED_AST
def show(src,opt=-1,fl=O):
    try: t=compile(src,'f','exec',fl,optimize=opt); print(repr(src),opt,ast.dump(t,include_attributes=len(src)<12))
    except Exception as e: print(src,type(e),e)
for s in ["'%s' % (a,)","'%s %r %a %%' % (a,b,c)","'%5.2f' % (a,)","'%5s|%-5r|%.3s|%-5.3a|%05s' % (a,b,c,d,e)","'%s' % a","'abc' % ()","'%s' % (*a,)","'%(a)s' % (b,)","'%s' % (1,2)","'%d' % (a,)","'' % ()", "'%%' % ()", "'%-s' % (a,)","'%+s' % (a,)","b'%s' % (a,)","'%s%s' % ('x',y)","'%5' % (a,)","'%.s'%(a,)","'%100s'%(a,)","'%1000s'%(a,)", "def f():\n 'a%s'%(b,)\n x","def f():\n 'a' % ()","def f():\n 'doc'\n 'a'","-1","1+2","not a","(1,2)","x in [1,2]","for x in [1,2]: pass","[1][0]","__debug__","del __debug__" , "match x:\n case -1: 1+1", "match x:\n case -1+2j: pass","match x:\n case {-1:y, 1-2j:z}: pass", "class A:\n def f(self):\n  'x'\n  return '%s'%(a,)","f'{a!s}' % (b,)","'%s' % (a,) % (b,)", "'%s' % ('%s' % (b,),)"]:
    for o in ((0,2) if 'def' in s or 'debug' in s else (0,)): show(s,o)
from_ = ast.parse("'%s' % (a,)\n__debug__")
from_.body[0].extra=1
t=compile(from_,'f','exec',O,optimize=1)
print(ast.dump(t), t is from_, t.body[0] is from_.body[0], hasattr(t.body[0],'extra'), ast.dump(from_))
t=compile(from_,'f','exec',ast.PyCF_ONLY_AST); print(t is from_)
n=ast.Expression(ast.Constant((1,frozenset({2}))), ); ast.fix_missing_locations(n)
t=compile(n,'f','eval',O); print(ast.dump(t), t.body.lineno, t.body is n.body)
class MyName(ast.Name): pass
n=ast.fix_missing_locations(ast.Expression(MyName('x')))
t=compile(n,'f','eval',O); print(ast.dump(t), vars(t.body))

for s in ["'doc'","'doc'\nx","'doc'\n'b'","class A:\n  '''d\n  '''","class A:\n  'd'\n  'e'","async def f():\n  'd'","from __future__ import annotations\ndef f(x:'%s'%(a,))->'%s'%(b,):pass\ny:'%s'%(a,)='%s'%(c,)\ndef g(*a:__debug__):pass","if 1:\n 'd'","lambda:'x'%()"]:
    for o in (0,2): print(ast.dump(compile(s,'f','exec',ast.PyCF_OPTIMIZED_AST,optimize=o),include_attributes=len(s)<20))
print(ast.dump(compile("'doc'",'f','single',ast.PyCF_OPTIMIZED_AST,optimize=2)))
def check(tree):
    tree = ast.fix_missing_locations(tree)
    try: compile(tree, 'f', 'exec'); print('ok')
    except Exception as e: print(type(e).__name__, e)
for a, b in [(10, 1), (-10, -11), (-5, -2), (-5, 1), (-3, -3)]:
    for names in [("lineno", "end_lineno"), ("col_offset", "end_col_offset")]:
        tree = ast.parse("a = 1")
        setattr(tree.body[0], names[0], a); setattr(tree.body[0], names[1], b)
        check(tree)
x, c = ast.Name('x', ast.Load()), ast.Constant
for p in [ast.MatchValue(c(...)), ast.MatchValue(c(True)), ast.MatchValue(c((1, 2))), ast.MatchValue(x), ast.MatchValue(c(-1)), ast.MatchValue(c(1+2j)),
          ast.MatchValue(ast.UnaryOp(ast.USub(), c(True))), ast.MatchValue(ast.UnaryOp(ast.Not(), c(1))), ast.MatchValue(ast.BinOp(c(1), ast.Add(), c(2))),
          ast.MatchValue(ast.BinOp(c(1), ast.Sub(), c(2j))), ast.MatchValue(ast.BinOp(c(1j), ast.Sub(), c(2j))), ast.MatchStar('x'), ast.MatchAs(None, '_'),
          ast.MatchSequence([ast.MatchStar('_')]), ast.MatchSequence([ast.MatchStar(None)]), ast.MatchMapping([c(1)], [ast.MatchStar(None)]),
          ast.MatchMapping([x], [ast.MatchAs()]), ast.MatchMapping([c(None)], [ast.MatchAs()]), ast.MatchClass(c(1), [], [], []), ast.MatchClass(x, [], ['True'], [ast.MatchAs()]),
          ast.MatchOr([ast.MatchAs()]), ast.MatchOr([ast.MatchStar(), ast.MatchAs()])]:
    check(ast.Module([ast.Match(x, [ast.match_case(p, None, [ast.Pass()])])], []))
check(ast.Module([ast.Try([ast.Pass()], [], [], [])], []))
check(ast.Module([ast.TypeAlias(c(1), [], x)], []))
check(ast.Module([ast.Expr(ast.NamedExpr(c(1), x))], []))
check(ast.Module([ast.Expr(ast.ListComp(ast.Name('y', ast.Store()), []))], []))
print(ast.cmpop.__doc__, ast.mod.__doc__, ast.excepthandler.__doc__, sep='\n')
node = ast.Name('x', ast.Load()); node.extra = 1
print(hasattr(node.__replace__(id='y'), 'extra'))
old = ast.AST._fields
del ast.AST._fields
for make in (lambda: ast.AST(), lambda: ast.AST(a=1)):
    try: make()
    except AttributeError as e: print(e)
ast.AST._fields = old
