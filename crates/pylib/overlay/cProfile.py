"""Profiler for Python programs: `_lsprof` with the interface of `profile`.

The library that is embedded lacks this module; it was written for Taipan.
"""

__all__ = ["run", "runctx", "Profile"]

import _lsprof
import io
import profile as _pyprofile


def run(statement, filename=None, sort=-1):
    return _pyprofile._Utils(Profile).run(statement, filename, sort)


def runctx(statement, globals, locals, filename=None, sort=-1):
    return _pyprofile._Utils(Profile).runctx(statement, globals, locals, filename, sort)


run.__doc__ = _pyprofile.run.__doc__
runctx.__doc__ = _pyprofile.runctx.__doc__


class Profile(_lsprof.Profiler):
    """Profile(timer=None, timeunit=None, subcalls=True, builtins=True)

    A profiler that reads the given timer, or a fast clock of its own. For timers
    that return integers, `timeunit` says how many seconds one of them stands for.
    """

    # _lsprof counts; what follows prepares its numbers for pstats.

    def print_stats(self, sort=-1):
        import pstats
        order = sort if isinstance(sort, tuple) else (sort,)
        stats = pstats.Stats(self)
        stats.strip_dirs().sort_stats(*order).print_stats()

    def dump_stats(self, file):
        import marshal
        with open(file, "wb") as output:
            self.create_stats()
            marshal.dump(self.stats, output)

    def create_stats(self):
        self.disable()
        self.snapshot_stats()

    def snapshot_stats(self):
        entries = self.getstats()
        callers = {}
        self.stats = {}
        for entry in entries:
            mine = callers[id(entry.code)] = {}
            primitive = entry.callcount - entry.reccallcount
            self.stats[label(entry.code)] = (
                primitive, entry.callcount, entry.inlinetime, entry.totaltime, mine)
        for entry in entries:
            caller = label(entry.code)
            for sub in entry.calls or ():
                known = callers.get(id(sub.code))
                if known is None:
                    continue
                row = (sub.callcount, sub.callcount - sub.reccallcount, sub.inlinetime, sub.totaltime)
                if caller in known:
                    row = tuple(a + b for a, b in zip(known[caller], row))
                known[caller] = row

    # Profiling a statement, or one call.

    def run(self, cmd):
        import __main__
        namespace = __main__.__dict__
        return self.runctx(cmd, namespace, namespace)

    def runctx(self, cmd, globals, locals):
        # Not `with self`: the call of __exit__ would be counted.
        self.enable()
        try:
            exec(cmd, globals, locals)
        finally:
            self.disable()
        return self

    def runcall(self, func, /, *args, **kw):
        self.enable()
        try:
            return func(*args, **kw)
        finally:
            self.disable()

    def __enter__(self):
        self.enable()
        return self

    def __exit__(self, *exc_info):
        self.disable()


def label(code):
    """What pstats calls a function: (file, line, name)."""
    if isinstance(code, str):
        return ("~", 0, code)
    return (code.co_filename, code.co_firstlineno, code.co_name)


def _parser():
    from optparse import OptionParser
    from pstats import Stats

    parser = OptionParser(usage="cProfile.py [-o output_file_path] [-s sort] [-m module | scriptfile] [arg] ...")
    # What stands behind the program's name is the program's.
    parser.disable_interspersed_args()
    parser.add_option("-o", "--outfile", help="Save stats to <outfile>")
    parser.add_option("-s", "--sort", type="choice", choices=sorted(Stats.sort_arg_dict_default), default=2,
                      help="Sort order when printing to stdout, based on pstats.Stats class")
    parser.add_option("-m", dest="module", action="store_true", help="Profile a library module")
    return parser


def _program(path):
    """The code of a file and the namespace that it runs in, as `__main__`."""
    import sys
    import types

    with io.open_code(path) as file:
        code = compile(file.read(), path, "exec")
    # What unpickles or inspects finds the program's names in sys.modules.
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    vars(main).update(__file__=path, __spec__=None, __package__=None, __cached__=None)
    return code, vars(main)


def main():
    import os
    import runpy
    import sys

    parser = _parser()
    if len(sys.argv) < 2:
        parser.print_usage()
        raise SystemExit(2)
    options, rest = parser.parse_args()
    sys.argv = rest
    if not rest:
        parser.print_usage()
        return parser
    # The program may change its directory.
    outfile = options.outfile and os.path.abspath(options.outfile)
    if options.module:
        code, namespace = "start(name, run_name='__main__')", {"start": runpy.run_module, "name": rest[0]}
    else:
        sys.path.insert(0, os.path.dirname(rest[0]))
        code, namespace = _program(rest[0])
    try:
        runctx(code, namespace, None, outfile, options.sort)
    except BrokenPipeError as error:
        # Nobody reads any more: not while the interpreter ends either.
        sys.stdout = None
        raise SystemExit(error.errno)
    return parser


if __name__ == "__main__":
    main()
