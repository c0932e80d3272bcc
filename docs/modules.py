"""Writes docs/modules.md: what the native modules stand on, how CPython's tests of them go, how fast they are.

    conform run --python taipan --tests "$(taipan docs/modules.py --tests)" --out results.json
    conform report results.json --files > results.txt
    bench run --set stdlib --interp base=cpython3.14 --interp taipan=... --json bench.json
    taipan docs/modules.py results.txt bench.json > docs/modules.md
"""

import json
import math
import statistics
import sys
from fnmatch import fnmatchcase

OWN = "own code"
# Modules, what they stand on, test files, benchmarks.
MODULES = [
    ("_io", OWN, "test_io test_io.* test_memoryio test_fileio test_bufio test_file test_univnewlines test_largefile", ""),
    ("posix, fcntl, pwd, grp, resource", "libc", "test_os test_os.* test_posix test_shutil test_stat test_fcntl test_ioctl test_pwd test_grp test_resource", "pathlib"),
    ("termios, pty, mmap, syslog, _locale", "libc", "test_termios test_tty test_pty test_openpty test_mmap test_syslog test_locale test__locale", ""),
    ("_posixsubprocess", "libc", "test_subprocess test_popen", ""),
    ("_sre", OWN, "test_re", "regex_compile regex_dna regex_effbot regex_v8"),
    ("_json", OWN, "test_json.*", "json_dumps json_loads"),
    ("_csv", OWN, "test_csv", ""),
    ("unicodedata, _codecs, _multibytecodec", "own tables of Unicode 16", "test_codecs test_codeccallbacks test_charmapcodec test_multibytecodec test_codecencodings_* test_codecmaps_* test_unicodedata test_ucn", ""),
    ("binascii", OWN, "test_binascii test_base64 test_quopri", "base64"),
    ("pyexpat, _elementtree", "libexpat", "test_pyexpat test_sax test_minidom test_pulldom test_xml_etree test_xml_etree_c", "xml_etree"),
    ("_tokenize, _symtable", OWN, "test_tokenize test_symtable", ""),
    ("_decimal", "own arithmetic on dashu-int", "test_decimal", "telco decimal_factorial decimal_pi"),
    ("math, cmath, _statistics, _random", "libm", "test_math test_cmath test_statistics test_random test_fractions", ""),
    ("_datetime, _zoneinfo, time", OWN, "test_datetime test_zoneinfo.* test_time test_strftime test_strptime test_calendar", ""),
    ("_pickle", OWN, "test_pickle test_picklebuffer test_pickletools test_shelve test_copyreg", "pickle pickle_dict pickle_list unpickle unpickle_list"),
    ("marshal, _struct, array", OWN, "test_marshal test_struct test_array", ""),
    ("_collections, _heapq, _bisect, _queue", OWN, "test_collections test_deque test_defaultdict test_ordered_dict test_heapq test_bisect test_queue", ""),
    ("itertools, _functools, _operator", OWN, "test_itertools test_functools test_operator", ""),
    ("_contextvars, _uuid, _lsprof", OWN, "test_context test_uuid test_cprofile", ""),
    ("zlib", "libz-rs-sys", "test_zlib test_gzip test_zipfile test_zipfile.* test_zipimport", ""),
    ("_bz2, _lzma, _zstd", "libbz2-rs-sys, liblzma-sys, zstd-sys", "test_bz2 test_lzma test_zstd test_tarfile", ""),
    ("_hashlib, _hmac and the hashes", "RustCrypto", "test_hashlib test_hmac test_secrets", ""),
    ("_sqlite3, _dbm", "SQLite (libsqlite3-sys, bundled)", "test_sqlite3.* test_dbm test_dbm_*", "sqlite_synth"),
    ("_ctypes", "libffi (bundled)", "", ""),
    ("_tracemalloc", OWN, "test_tracemalloc", ""),
    ("_asyncio", OWN, "test_asyncio.*", "async_generators async_tree async_tree_tg async_tree_eager async_tree_io asyncio_tcp"),
    ("_ssl", "OpenSSL 3", "test_ssl", "asyncio_tcp_ssl"),
    ("_socket, select", "libc", "test_socket test_select test_selectors test_poll test_epoll test_timeout", ""),
]


def tests():
    """The test files, for `conform run --tests`."""
    return ",".join(sorted({name for row in MODULES for name in row[2].split()}))


def scores(path):
    """The score of each test file: (passed, expected)."""
    found = {}
    for line in open(path, encoding="utf-8"):
        fields = line.split()
        if len(fields) >= 4 and fields[1].startswith("test") and fields[2].isdigit():
            found[fields[1]] = int(fields[3]), int(fields[2])
    return found


def ratios(path):
    """How many times as fast as the base each benchmark is."""
    found = {}
    with open(path, encoding="utf-8") as file:
        rows = json.load(file)["benchmarks"]
    for name, row in rows.items():
        if row["set"] != "stdlib":
            continue
        best = {}
        for interpreter, rounds in row["rounds"].items():
            times = [
                math.exp(statistics.fmean(math.log(statistics.median(part["values"])) for part in done["parts"].values()))
                for done in rounds if done.get("parts")
            ]
            if times:
                best[interpreter] = min(times)
        if len(best) == 2:
            base, other = best["base"], best[next(name for name in best if name != "base")]
            found[name] = base / other
    return found


def main():
    if sys.argv[1:] == ["--tests"]:
        print(tests())
        return
    score, ratio = scores(sys.argv[1]), ratios(sys.argv[2])
    print("# Native modules\n")
    print("Written by `docs/modules.py`, which says how. Tests: how many of those that CPython passes pass here. Speed: how many")
    print("times as fast as CPython 3.14, from one interleaved run on a shared machine. `test_ctypes` needs a library of CPython's own and is not among what is counted.\n")
    print("| modules | stand on | tests | benchmarks |")
    print("|---|---|---|---|")
    sums = [0, 0]
    for modules, backing, patterns, benchmarks in MODULES:
        files = [file for file in score if any(fnmatchcase(file, pattern) for pattern in patterns.split())]
        passed = sum(score[file][0] for file in files)
        expected = sum(score[file][1] for file in files)
        sums = [sums[0] + passed, sums[1] + expected]
        shown = f"{passed} of {expected} ({passed / expected:.1%})" if expected else "not run"
        speeds = ", ".join(f"{name} {ratio[name]:.2f}" for name in benchmarks.split() if name in ratio)
        print(f"| {modules} | {backing} | {shown} | {speeds} |")
    print(f"\nTogether: {sums[0]} of {sums[1]} ({sums[0] / sums[1]:.1%}).", end=" ")
    mean = math.exp(statistics.fmean(map(math.log, ratio.values())))
    print(f"All {len(ratio)} benchmarks of the set: {mean:.2f} in the geometric mean, the lowest {min(ratio.values()):.2f}.")


if __name__ == "__main__":
    main()
