"""A first program: classes, generators, f-strings, exceptions."""


class Greeter:
    def __init__(self, name):
        self.name = name

    def lines(self, count):
        for i in range(count):
            yield f"{i + 1}: hello, {self.name}"


for line in Greeter("backend").lines(3):
    print(line)

try:
    {}["missing"]
except KeyError as error:
    print("caught", repr(error))
