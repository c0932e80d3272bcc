"""Many operations of str on many strings of all kinds."""

state=[12345]
def rnd(n):
    state[0]=(state[0]*6364136223846793005+1442695040888963407)&((1<<64)-1)
    return (state[0]>>33)%n
ALPH=['ab','aab \t\n','ab\xe9\xdf\xb5 ','ab\u0130\u03a3\u2028 ','a\U0001f600b\u0345 ','ABc\x85\x1c\r\n','\ud800a\udfff','ǅﬁΣςa']
def rs(m=12):
    a=ALPH[rnd(len(ALPH))]
    return ''.join([a[rnd(len(a))] for _ in range(rnd(m))])
def ri():
    return [None,0,1,-1,2,-3,5,100,-100][rnd(9)]
def show(x): 
    return ascii(x)
def t(name,*a):
    try: r=getattr(a[0],name)(*a[1:])
    except Exception as e: r=(type(e).__name__,str(e))
    print(name,show(a),show(r))
for i in range(700):
    s=rs(20); x=rs(4); y=rs(4)
    k=rnd(30)
    if k==0: t('find',s,x,ri(),ri())
    elif k==1: t('rfind',s,x,ri(),ri())
    elif k==2: t('count',s,x,ri(),ri())
    elif k==3: t('replace',s,x,y)
    elif k==4: t('replace',s,x,y,rnd(4)-1)
    elif k==5: t('split',s,x,rnd(4)-1)
    elif k==6: t('rsplit',s,x,rnd(4)-1)
    elif k==7: t('split',s,None,rnd(4)-1)
    elif k==8: t('rsplit',s,None,rnd(4)-1)
    elif k==9: t('splitlines',s,rnd(2))
    elif k==10: t('partition',s,x)
    elif k==11: t('rpartition',s,x)
    elif k==12: t('strip',s,x); t('strip',s); t('lstrip',s,x); t('rstrip',s)
    elif k==13: t('startswith',s,x,ri(),ri()); t('endswith',s,x,ri(),ri())
    elif k==14: t('join',s,[x,y,rs(3)])
    elif k==15: t('lower',s); t('upper',s); t('title',s); t('swapcase',s); t('capitalize',s); t('casefold',s)
    elif k==16:
        for n in 'isalpha isalnum isdigit isdecimal isnumeric isspace isupper islower istitle isprintable isidentifier isascii'.split(): t(n,s)
    elif k==17: t('center',s,rnd(20),(x or ' ')[0]); t('ljust',s,rnd(20),(x or ' ')[0]); t('rjust',s,rnd(20)); t('zfill',s,rnd(15))
    elif k==18: t('expandtabs',s,rnd(9))
    elif k==19: t('__getitem__',s,slice(ri(),ri(),[None,1,2,-1,-2,3][rnd(6)]))
    elif k==20: t('__getitem__',s,rnd(20)-10)
    elif k==21: t('__contains__',s,x); t('__add__',s,x); t('__mul__',s,rnd(5)-1)
    elif k==22: t('__lt__',s,x); t('__eq__',s,x); t('__ge__',s,x)
    elif k==23: t('translate',s,str.maketrans(x[:1],y[:1],'a') if len(x) and len(y) else {})
    elif k==24: t('__repr__',s); print(show(repr(s)), show(ascii(s)))
    elif k==25:
        for e in ['utf-8','utf-16','utf-32','ascii','latin-1']: 
            h=['strict','replace','ignore','backslashreplace','xmlcharrefreplace','namereplace','surrogateescape','surrogatepass'][rnd(8)]
            t('encode',s,e,h)
    elif k==26: t('removeprefix',s,x); t('removesuffix',s,x)
    elif k==27: t('__format__',s,['','>10','<10','^11','*^9','.3','5.2','é>8','\U0001f600^12','010','s','-','=5','5d'][rnd(14)])
    elif k==28: t('__mod__','%s|%10s|%-6.2s|%r|%a'+x.replace('%',''),(s,s,s,s,s))
    elif k==29: t('format','{}|{!r}|{:>8}|{:.2}|{{{}}}'+x.replace('{','').replace('}',''),s,s,s,s,x)
