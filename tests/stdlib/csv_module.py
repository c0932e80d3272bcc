"""csv: random rows through reader and writer under random dialects; the checks
of Dialect; the registry; a reader that its own iterator advances."""
import csv
import random

import _csv

ALPHABET = [",", ";", '"', "'", "\\", "\n", "\r", " ", "a", "b", "1", ".5", "\0", "\xe9", "\u0100", "\U0001f600", "xxx"]
rng = random.Random(14)


class Sink:
    def write(self, text):
        written.append(text)
        return len(text)


def options():
    choices = dict(
        delimiter=[",", ";", "a", "\xe9", " "], quotechar=['"', "'", None, "\u0100"], escapechar=["\\", None, "b", '"'],
        quoting=range(6), doublequote=[True, False], skipinitialspace=[True, False], strict=[True, False],
        lineterminator=["\n", "", "#", "ab"])
    return {name: rng.choice(values) for name, values in choices.items() if rng.random() < 0.4}


for _ in range(1500):
    chosen, written = options(), []
    lines = ["".join(rng.choices(ALPHABET, k=rng.randrange(12))) + rng.choice(["", "\n", "\r\n"]) for _ in range(rng.randrange(4))]
    rows = [[rng.choice(["", None, 1, 2.5, True, "".join(rng.choices(ALPHABET, k=rng.randrange(6)))]) for _ in range(rng.randrange(4))] for _ in range(2)]
    try:
        reader, writer = csv.reader(lines, **chosen), csv.writer(Sink(), **chosen)
    except (TypeError, ValueError) as e:
        print(ascii(chosen), e)
        continue
    read = []
    while len(read) < 9:
        try:
            read.append(next(reader))
        except StopIteration:
            break
        except (csv.Error, ValueError) as e:
            read.append(str(e))
    for row in rows:
        try:
            writer.writerow(row)
        except csv.Error as e:
            written.append(str(e))
    print(ascii(read), reader.line_num, ascii(written))


def show(call):
    try:
        print(call())
    except Exception as e:
        print(type(e).__name__, e)


for option, value in [("delimiter", ""), ("delimiter", 5), ("delimiter", "\n"), ("delimiter", '"'), ("escapechar", "ab"),
                      ("quotechar", ""), ("quotechar", None), ("quoting", 6), ("quoting", True), ("quoting", 1 << 70),
                      ("lineterminator", None), ("lineterminator", 'x"'), ("strict", []), ("unknown", 1)]:
    show(lambda: _csv.Dialect(**{option: value}).quoting)
csv.register_dialect("pipes", delimiter="|", quoting=csv.QUOTE_ALL)
show(csv.list_dialects)
show(lambda: csv.get_dialect("pipes").delimiter)
show(lambda: csv.unregister_dialect("pipes"))
show(lambda: csv.get_dialect("pipes"))
show(lambda: csv.get_dialect([]))
show(lambda: csv.register_dialect(5))
show(lambda: csv.field_size_limit(5))
show(lambda: next(csv.reader(["123456"])))
show(lambda: csv.field_size_limit("x"))
csv.field_size_limit(131072)
show(lambda: csv.reader())
show(lambda: csv.reader(5))
show(lambda: list(csv.reader([b"a"])))
show(lambda: csv.writer(5))
show(lambda: csv.writer(Sink()).writerow(5))


class Meddler:
    calls = 0

    def __iter__(self):
        return self

    def __next__(self):
        self.calls += 1
        if self.calls == 2:
            next(meddled)
        return 'a,"b' if self.calls == 1 else "c,d"


meddled = csv.reader(Meddler())
show(lambda: next(meddled))
