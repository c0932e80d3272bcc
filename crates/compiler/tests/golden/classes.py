@decorate
class C[T](Base, metaclass=M):
    "doc"
    field: T = 1
    if field:
        other: int
    def method(self, a: T = 2):
        self.attribute = __class__
        return lambda: a
type Alias[K] = dict[K, int]
