"""Many operations of bytes, bytearray and memoryview."""

state=[999]
def rnd(n):
    state[0]=(state[0]*6364136223846793005+1442695040888963407)&((1<<64)-1)
    return (state[0]>>33)%n
ALPH=[b'ab',b'aab \t\n',b'ab\xe9\xff',b'AB c\r\n\x0b',b"a'\"\\\x00"]
def rb(m=12):
    a=ALPH[rnd(len(ALPH))]
    b=bytes([a[rnd(len(a))] for _ in range(rnd(m))])
    return b
def ri():
    return [None,0,1,-1,2,-3,5,100,-100][rnd(9)]
def t(name,*a):
    try: r=getattr(a[0],name)(*a[1:])
    except Exception as e: r=(type(e).__name__,str(e))
    print(name,a,r)
    if type(a[0]) is bytearray: print(a[0])
for i in range(700):
    c=[bytes,bytearray][rnd(2)]
    s=c(rb(20)); x=[bytes,bytearray,memoryview][rnd(2)](rb(4)); y=[bytes,bytearray][rnd(2)](rb(4))
    k=rnd(34)
    if k==0: t('find',s,x,ri(),ri()); t('index',s,97,ri())
    elif k==1: t('rfind',s,x,ri(),ri()); t('rindex',s,97)
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
    elif k==14: t('join',s,[x,y,rb(3)])
    elif k==15: t('lower',s); t('upper',s); t('title',s); t('swapcase',s); t('capitalize',s)
    elif k==16:
        for n in 'isalpha isalnum isdigit isspace isupper islower istitle isascii'.split(): t(n,s)
    elif k==17: t('center',s,rnd(20),(bytes(x) or b' ')[:1]); t('ljust',s,rnd(20),b'x'); t('rjust',s,rnd(20)); t('zfill',s,rnd(15))
    elif k==18: t('expandtabs',s,rnd(9))
    elif k==19: t('__getitem__',s,slice(ri(),ri(),[None,1,2,-1,-2,3][rnd(6)]))
    elif k==20: t('__getitem__',s,rnd(20)-10)
    elif k==21: t('__contains__',s,x); t('__add__',s,x); t('__mul__',s,rnd(5)-1); t('__contains__',s,97)
    elif k==22: t('__lt__',s,x); t('__eq__',s,x); t('__ge__',s,x)
    elif k==23: t('translate',s,bytes.maketrans(x[:1],y[:1]) if len(x) and len(y) else None,b'ab')
    elif k==24: t('__repr__',s)
    elif k==25:
        for e in ['utf-8','utf-16','utf-32','ascii','latin-1']: 
            h=['strict','replace','ignore','backslashreplace','surrogateescape','surrogatepass'][rnd(6)]
            try: print(s,e,h,ascii(s.decode(e,h)))
            except Exception as ex: print(s,e,h,type(ex).__name__,ex)
    elif k==26: t('removeprefix',s,x); t('removesuffix',s,x)
    elif k==27: t('hex',s,':',rnd(7)-3); t('fromhex',c,s.hex(' '))
    elif k==28: t('__mod__',c(b'%s|%10s|%-6.2s|%r|%a|%5d'),(s,s,s,s,s,rnd(99)))
    elif k==29 and c is bytearray: t('__setitem__',s,slice(ri(),ri(),[None,None,None,1,2,-1,-2,3][rnd(8)]),x)
    elif k==30 and c is bytearray: t('__delitem__',s,slice(ri(),ri(),[None,None,None,1,2,-1,-2,3][rnd(8)]))
    elif k==31 and c is bytearray: t('insert',s,rnd(30)-15,65); t('pop',s,rnd(5)-2); t('remove',s,97); t('append',s,66); t('extend',s,[1,2]); t('reverse',s)
    elif k==32:
        m=memoryview(s)
        sl=slice(ri(),ri(),[None,1,2,-1,-2,3][rnd(6)])
        v=m[sl]; print(s,sl,v.tolist(),v.tobytes(),v.strides,v.shape,v==s[sl],v.hex(),v.c_contiguous,v.f_contiguous,v[::-1].tolist())
        if c is bytearray and len(v):
            v[rnd(len(v))]=7; 
            try: v[::2]=x
            except Exception as e: print(e)
            print(s)
    elif k==33:
        n=rnd(3)+1; mm=rnd(3)+1; m=memoryview(bytes(range(n*mm*2))).cast('B',[n,mm,2]); print(m.tolist(),m.tobytes('F'),m.shape,m.strides,m[rnd(n),rnd(mm),rnd(2)],m[::-1].tolist(),m[1:].tobytes(), m[::2].tobytes('F'))
