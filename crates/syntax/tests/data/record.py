"""Records what CPython 3.14 does with the sources in *.in into trees.txt, errors.txt and warnings.txt,
and with those of the lists below into modes.txt and bytes.txt.

One source per line, with \\n, \\t, \\x0c and \\\\ for line end, tab, form feed and backslash.
Run with CPython 3.14 from any directory; the sources are our own.
"""

import ast
import os
import warnings

HERE = os.path.dirname(os.path.abspath(__file__))
ast.repr = ascii


LONG = ['('*201 + ')'*201, 'if 1:\\n' + ''.join(' '*i + 'if 1:\\n' for i in range(1, 101)) + ' '*101 + 'x']


def sources(name, more=()):
    with open(os.path.join(HERE, name + '.in'), encoding='utf-8') as f:
        lines = f.read().split('\n')[:-1]
    for line in lines + list(more):
        yield line, decode(line)


def decode(line):
    out = []
    i = 0
    while i < len(line):
        if line[i] == '\\' and i + 1 < len(line):
            c = line[i + 1]
            if c == 'n':
                out.append('\n')
            elif c == 't':
                out.append('\t')
            elif c == '\\':
                out.append('\\')
            elif line.startswith('x0c', i + 1):
                out.append('\f')
                i += 2
            else:
                out.append('\\' + c)
            i += 2
            continue
        out.append(line[i])
        i += 1
    return ''.join(out)


def escape(text):
    return text.replace('\\', '\\\\').replace('\n', '\\n').replace('\t', '\\t').replace('\f', '\\f')


def main():
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        with open(os.path.join(HERE, 'trees.txt'), 'w', encoding='utf-8') as out:
            for _, source in sources('trees'):
                tree = ast.parse(source)
                out.write('%s\n%s\n' % (escape(source), ast.dump(tree, include_attributes=True)))
        with open(os.path.join(HERE, 'errors.txt'), 'w', encoding='utf-8') as out:
            for _, source in sources('errors', LONG):
                try:
                    ast.parse(source)
                except SyntaxError as e:
                    fields = [type(e).__name__, e.msg, e.lineno, e.offset, e.end_lineno, e.end_offset]
                    out.write('\t'.join([escape(source)] + [escape(str(f)) for f in fields]
                                        + [escape(e.text)]) + '\n')
                else:
                    raise AssertionError(source)
    with open(os.path.join(HERE, 'warnings.txt'), 'w', encoding='utf-8') as out:
        for _, source in sources('warnings'):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter('always')
                ast.parse(source)
            seen = sorted('%d:%s' % (w.lineno, w.message) for w in caught)
            out.write('\t'.join([escape(source)] + [escape(w) for w in seen]) + '\n')



MODES = {
    'eval': ['a b', '', 'x +', 'x = 1', '\n', 'a\n ', '(1,', 'f(a b)', '  x', "'abc"],
    'single': ['x=1\ny=2', '', '\n', 'if 1: pass', 'if 1: pass\n', 'a\n ', 'x\n# c\n', 'def f():\n  x\n y', 'import'],
    'incomplete': ['x = (', 'if 1:', 'if 1:\n  x', "'''abc", "'abc", 'x = ', 'x = )', '1 +\n', 'def f():\n  x\n',
                   '@a', 'x = 5 +\\\n', 'a b', '!', 'while 1:\n', 'try: pass\n'],
}

BYTES = [b'x = 1\n', b'\xff', b'x = "\xff"\n', b'a\nb\nx = "\xc3"\n', b'# coding: utf-8\nx="\xff"', b'a\0b',
         b'\xef\xbb\xbf# coding: latin-1\n', b'\xef\xbb\xbfx = 1', b'# coding: latin-1\nx="\xff"',
         b'\xed\xa0\x80', b'\xf0\x9f\x98', b'# vim: set fileencoding=iso-8859-15 :\nx', b'#\n# -*- coding: koi8-r -*-\n',
         b'x\n# coding: koi8-r\n', b'# coding: ascii\nx']


def outcome(source, mode, flags):
    try:
        compile(source, '<x>', mode, flags | ast.PyCF_ONLY_AST)
    except SyntaxError as e:
        fields = [type(e).__name__, e.msg, e.lineno or 0, e.offset or 0, e.end_lineno or 0, e.end_offset or 0]
        return [escape(str(f)) for f in fields]
    return ['OK']


def more():
    with open(os.path.join(HERE, 'modes.txt'), 'w', encoding='utf-8') as out:
        for mode, items in MODES.items():
            for source in items:
                flags = 0x4000 | 0x200 if mode == 'incomplete' else 0
                fields = outcome(source, 'single' if mode == 'incomplete' else mode, flags)
                out.write('\t'.join([mode, escape(source)] + fields) + '\n')
    with open(os.path.join(HERE, 'bytes.txt'), 'w', encoding='utf-8') as out:
        for source in BYTES:
            out.write('\t'.join([source.hex()] + outcome(source, 'exec', 0)) + '\n')


main()
more()
