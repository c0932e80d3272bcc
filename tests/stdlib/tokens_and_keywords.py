"""What `tokenize` lets through, and which misspelt keyword a syntax error is about."""
import io
import tokenize
import traceback


def tokens(source):
    print(repr(source))
    try:
        for t in tokenize.generate_tokens(io.StringIO(source).readline):
            print("  ", tokenize.tok_name[t.exact_type], repr(t.string), t.start, t.end, repr(t.line))
    except (SyntaxError, tokenize.TokenError) as e:
        print("  ", type(e).__name__, e.args)


for source in [
    "); x", "(]) x", "1 <> 2", "a\n#test", "a\n ", "if a:\n  b\n#c", "(a,\n#c", "(a,\n ", "{", "a # c",
    "01", "0_7", "1.0a", "1e", "1jx", "0x", "1_", "f'{a]}'", "if x:\n    a\n  b\n", "if x:\n\ta\n        b\n", "#x", " ",
]:
    tokens(source)

PROGRAMS = [
    "impor math\n", "whille True:\n  pass\n", "for x im n:\n  pass\n", "[123 fur x in y]\n", "if a:\n  b\nelso:\n  c\n",
    "def f():\n  yeld 1\n", "x = 1\ntyo:\n  pass\nexcept y:\n  pass\n", "classe A:\n  pass\n", "raisee ValueError(1)\n",
    "try:\n  a\nexcept E:\n  b\nf(a b)\n", "def f():\n  if a:\n    b\n  c d\n", "match a:\n  case 1:\n    b\nc d\n",
    "@d\nclass A: pass\nc d\n", "if a:\n  b c\n", "if a:\n  b\nelif c:\n  d e\n", "a = 1 = 2\n", "x y", "a\r\nb c",
]
for program in PROGRAMS:
    try:
        compile(program, "<program>", "exec")
    except SyntaxError as e:
        print(e._metadata, traceback.format_exception_only(e)[-1], end="")
        # The exception itself keeps its words.
        print("  ", e.msg)
