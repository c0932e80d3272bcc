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


def main():
    import os
    import pstats
    import sys
    from optparse import OptionParser

    parser = OptionParser(
        usage="cProfile.py [-o output_file_path] [-s sort] [-m module | scriptfile] [arg] ...")
    parser.allow_interspersed_args = False
    parser.add_option("-o", "--outfile", dest="outfile", default=None,
                      help="Save stats to <outfile>")
    parser.add_option("-s", "--sort", dest="sort", default=2, type="choice",
                      choices=sorted(pstats.Stats.sort_arg_dict_default),
                      help="Sort order when printing to stdout, based on pstats.Stats class")
    parser.add_option("-m", dest="module", action="store_true", default=False,
                      help="Profile a library module")

    if not sys.argv[1:]:
        parser.print_usage()
        sys.exit(2)

    options, args = parser.parse_args()
    sys.argv[:] = args

    # The program may change its directory.
    if options.outfile is not None:
        options.outfile = os.path.abspath(options.outfile)

    if not args:
        parser.print_usage()
        return parser

    if options.module:
        code = "run_module(modname, run_name='__main__')"
        globs = {"run_module": __import__("runpy").run_module, "modname": args[0]}
    else:
        program = args[0]
        sys.path.insert(0, os.path.dirname(program))
        with io.open_code(program) as file:
            code = compile(file.read(), program, "exec")
        module = __import__("types").ModuleType("__main__")
        # What unpickles or inspects finds the program's names there.
        sys.modules["__main__"] = module
        globs = module.__dict__
        globs.update({
            # Processes that this one starts find the program by its file.
            "__spec__": None,
            "__file__": program,
            "__name__": "__main__",
            "__package__": None,
            "__cached__": None,
        })

    try:
        runctx(code, globs, None, options.outfile, options.sort)
    except BrokenPipeError as exc:
        # Nobody reads any more: not while the interpreter ends either.
        sys.stdout = None
        sys.exit(exc.errno)
    return parser


if __name__ == "__main__":
    main()
