# A pool of connections that threads share, and what Python code SQLite calls.
import queue
import sqlite3
import tempfile
import threading
from contextlib import contextmanager


class Pool:
    def __init__(self, path, size):
        self.free = queue.Queue()
        for _ in range(size):
            c = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=30)
            c.execute("PRAGMA journal_mode=WAL")
            c.create_function("double", 1, lambda x: x * 2, deterministic=True)
            self.free.put(c)

    @contextmanager
    def connection(self):
        c = self.free.get()
        try:
            yield c
        finally:
            self.free.put(c)

    def close(self):
        while not self.free.empty():
            self.free.get().close()


def pool_in_threads():
    with tempfile.TemporaryDirectory() as folder:
        pool = Pool(folder + "/pool.db", 3)
        with pool.connection() as c:
            c.execute("CREATE TABLE t(thread INTEGER, n INTEGER, d INTEGER)")
        errors = []

        def work(k):
            try:
                for n in range(40):
                    with pool.connection() as c:
                        c.execute("BEGIN IMMEDIATE")
                        c.execute("INSERT INTO t VALUES (?, ?, double(?))", (k, n, n))
                        c.execute("COMMIT")
                        c.execute("SELECT count(*) FROM t WHERE thread = :k", {"k": k}).fetchone()
            except Exception as e:
                errors.append(e)

        threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        with pool.connection() as c:
            print(errors, c.execute("SELECT count(*), sum(n), sum(d) FROM t").fetchone())
            print(c.execute("SELECT thread, count(*) FROM t GROUP BY thread ORDER BY 1").fetchall())
        pool.close()


def other_thread():
    c = sqlite3.connect(":memory:")
    seen = []

    def use():
        try:
            c.execute("select 1")
        except sqlite3.ProgrammingError as e:
            seen.append(str(e).split(".")[0])

    t = threading.Thread(target=use)
    t.start()
    t.join()
    print(seen)
    c.close()


class Longest:
    def __init__(self):
        self.best = ""

    def step(self, text):
        self.best = max(self.best, text, key=len)

    def finalize(self):
        return self.best


class Window(Longest):
    def __init__(self):
        self.items = []

    def step(self, text):
        self.items.append(text)

    def inverse(self, text):
        self.items.remove(text)

    def value(self):
        return max(self.items, key=len)

    finalize = value


class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __conform__(self, protocol):
        if protocol is sqlite3.PrepareProtocol:
            return f"{self.x};{self.y}"

    def __repr__(self):
        return f"Point({self.x}, {self.y})"


def called_from_sql():
    c = sqlite3.connect(":memory:", detect_types=sqlite3.PARSE_DECLTYPES | sqlite3.PARSE_COLNAMES)
    sqlite3.register_converter("point", lambda b: Point(*map(int, b.split(b";"))))
    c.create_aggregate("longest", 1, Longest)
    c.create_window_function("wlongest", 1, Window)
    c.create_collation("backwards", lambda a, b: (a[::-1] > b[::-1]) - (a[::-1] < b[::-1]))
    c.execute("CREATE TABLE t(name TEXT, p point)")
    c.executemany("INSERT INTO t VALUES (?, ?)", [("ab", Point(1, 2)), ("abz", Point(3, 4)), ("cda", None)])
    print(c.execute("SELECT longest(name) FROM t").fetchone())
    print(c.execute("SELECT longest(name) FROM t WHERE 0").fetchone())
    print(c.execute(
        "SELECT wlongest(name) OVER (ORDER BY name ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t").fetchall())
    print([r[0] for r in c.execute("SELECT name FROM t ORDER BY name COLLATE backwards")])
    print(c.execute('SELECT p, name AS "name [point]" FROM t WHERE 0').description)
    print([r[0] for r in c.execute("SELECT p FROM t")])
    c.row_factory = sqlite3.Row
    row = c.execute("SELECT name, p FROM t").fetchone()
    print(row.keys(), row["NAME"], tuple(row), row[-1])
    c.row_factory = None
    statements = []
    c.set_trace_callback(statements.append)
    with c:
        c.execute("DELETE FROM t WHERE name = ?", ("ab",))
    c.set_trace_callback(None)
    print(statements)
    c.set_authorizer(lambda action, *rest: sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_DELETE else sqlite3.SQLITE_OK)
    try:
        c.execute("DELETE FROM t")
    except sqlite3.DatabaseError as e:
        print(type(e).__name__, e, e.sqlite_errorname)
    c.set_authorizer(None)
    c.set_progress_handler(lambda: True, 1)
    try:
        c.execute("SELECT * FROM t").fetchall()
    except sqlite3.OperationalError as e:
        print(e, e.sqlite_errorname, e.sqlite_errorcode)
    c.set_progress_handler(None, 1)
    copy = sqlite3.connect(":memory:")
    steps = []
    c.backup(copy, pages=1, progress=lambda *state: steps.append(state))
    print(len(steps) > 0, copy.execute("SELECT name FROM t").fetchall())
    data = copy.serialize()
    copy.execute("DELETE FROM t")
    copy.commit()
    copy.deserialize(data)
    print(copy.execute("SELECT name FROM t").fetchall())
    copy.execute("CREATE TABLE b(data)")
    copy.execute("INSERT INTO b VALUES (zeroblob(8))")
    with copy.blobopen("b", "data", 1) as blob:
        blob.write(b"abc")
        blob[4] = 0x7a
        blob[5:7] = b"yx"
        blob.seek(0)
        print(blob.read(), len(blob), blob[4], blob[::3])
    copy.commit()
    copy.close()
    c.close()
    try:
        c.execute("select 1")
    except sqlite3.ProgrammingError as e:
        print(e)


pool_in_threads()
other_thread()
called_from_sql()
