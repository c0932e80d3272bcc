# dbm.ndbm: keys and values in a file.
import dbm
import dbm.ndbm
import os
import shelve
import tempfile

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "things")
    try:
        dbm.ndbm.open(path)
    except dbm.ndbm.error as e:
        print(type(e).__name__, e.errno, e.filename == path)
    with dbm.ndbm.open(path, "c") as db:
        print(bool(db), len(db), db.keys())
        db["a"] = "1"
        db[b"b"] = b"two"
        print(db["a"], db[b"b"], db.get("c"), db.get("c", 3), db.setdefault("c", b"3"))
        print(sorted(db.keys()), "a" in db, b"z" in db)
        del db["a"]
        for bad in lambda: db["a"], lambda: db[5], lambda: 5 in db, lambda: db.__setitem__("x", 5), lambda: iter(db):
            try:
                bad()
            except (KeyError, TypeError) as e:
                print(type(e).__name__, e)
    try:
        db.keys()
    except dbm.ndbm.error as e:
        print(e)
    with dbm.ndbm.open(path) as db:
        try:
            db["k"] = "v"
        except dbm.ndbm.error as e:
            print(e)
        print(sorted(db.keys()))
    print(dbm.whichdb(path))
    with dbm.ndbm.open(path, "n") as db, shelve.Shelf(db) as shelf:
        shelf["list"] = [1, 2, {"x": None}]
        print(dict(shelf))
