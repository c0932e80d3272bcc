def f(self, a, *args, **kw):
    self.m(a, 1)
    g(a, k=1)
    return h(a, *args, x=1, **kw)
class C(B):
    def m(self):
        return super().m() + super().x
