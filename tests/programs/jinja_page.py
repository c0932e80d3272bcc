# requires: /usr/lib/python3/dist-packages/Jinja2-3.1.2.egg-info
"""Jinja2: inheritance, macros, loops, filters, autoescape, errors."""
import sys

# Debian's packages: their C parts are for another interpreter.
sys.path.append("/usr/lib/python3/dist-packages")
import markupsafe
try:
    import markupsafe._speedups
except ImportError:
    print("MarkupSafe in Python")
import jinja2
from jinja2 import Environment, DictLoader, StrictUndefined, select_autoescape, TemplateSyntaxError, UndefinedError
T = {
 "base.html": """<!doctype html>
<title>{% block title %}Base{% endblock %}</title>
{% from "macros.html" import field, item as it with context %}
<body>{% block body %}{% endblock %}</body>
{%- include "foot.html" ignore missing %}
""",
 "macros.html": """{% macro field(name, value='', type='text') -%}
<input type="{{ type }}" name="{{ name }}" value="{{ value }}">{{ caller() if caller }}
{%- endmacro %}{% macro item(x) %}<li>{{ x|e }} {{ varargs }} {{ kwargs|dictsort }}</li>{% endmacro %}""",
 "foot.html": "<footer>{{ now }} {{ site|upper }}</footer>",
 "page.html": """{% extends "base.html" %}
{% from "macros.html" import field, item %}
{% block title %}{{ super() }} &ndash; {{ title }}{% endblock %}
{% block body %}
{% for u in users if u.age > 10 recursive %}
  {{ loop.index }}/{{ loop.length }} {{ loop.cycle('odd', 'even') }} {{ u.name|title }} {{ u['age'] }} {{ loop.last }} {{ loop.previtem.name if loop.previtem }}
  {% if u.kids %}<ul>{{ loop(u.kids) }}</ul>{% endif %}
{% else %}nobody{% endfor %}
{% set ns = namespace(n=0) %}{% for i in range(4) %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}
{{ field("q", "<&>") }}{% call field("z") %}body {{ title }}{% endcall %}
{{ item("<b>", 1, k=2) }}
{{ users|map(attribute='name')|join(', ') }} {{ users|groupby('age')|list|length }} {{ [3,1,2]|sort(reverse=true) }} {{ users|selectattr('age', 'gt', 30)|map(attribute='name')|list }}
{{ "%s-%05.1f"|format("a", 2.25) }} {{ 1234567|filesizeformat }} {{ "one two three four"|truncate(9) }} {{ "a b c"|wordcount }} {{ {"a":1,"b":[1,2]}|tojson }} {{ "x"|center(9) }} {{ "<p>hi</p>"|striptags }} {{ "http://e.org/ x"|urlize }} {{ [1,2,3,4,5]|batch(2,'-')|list }} {{ [1,2,3]|slice(2)|list }} {{ 2.5|round|int }} {{ "abc"|reverse }} {{ d|xmlattr }} {{ "a&b"|safe }} {{ undefined_thing|default("dflt") }} {{ "hello\nworld"|indent }} {{ 3 is odd }} {{ "x" in "xyz" }} {{ 7 // 2 }} {{ 2 ** 8 }} {{ "a" ~ 1 ~ none }}
{% filter upper %}filtered {{ title }}{% endfilter %}{% with a=1, b=2 %}{{ a + b }}{% endwith %}{% raw %}{{ raw }}{% endraw %}{# gone #}
{% trans %}Hello {{ title }}{% endtrans %}{% do 1 %}
{% endblock %}"""}
env = Environment(loader=DictLoader(T), autoescape=select_autoescape(), trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.i18n", "jinja2.ext.do", "jinja2.ext.loopcontrols"])
env.install_null_translations()
class U:
    def __init__(s, name, age, kids=()): s.name, s.age, s.kids = name, age, kids
print(env.get_template("page.html").render(users=[U("ann <x>", 30), U("bob", 5), U("cid", 40, [U("dee", 11)])], title="T & T", now="2026", site="ex", d={"class": "a\"b", "id": None}))
for src in ["{{ a.b.c }}", "{% for x in %}", "{{ 1/0 }}", "{% include 'nope' %}", "{% block %}", "{{ x|nofilter }}", "line\n{{ f() }}"]:
    import traceback
    try: print(Environment(undefined=StrictUndefined).from_string(src).render(a={}, f=lambda: {}["k"]))
    except Exception as e: print(type(e), e); print(traceback.format_exc().replace(__file__, "jinja_page.py"), end="")
print(env.compile("{% for x in y %}{{ x }}{% endfor %}", raw=True))
import asyncio
ae = Environment(enable_async=True)
async def agen():
    for i in range(3): yield i
print(asyncio.run(ae.from_string("{% for i in g %}{{ i }},{{ loop.last }} {% endfor %}").render_async(g=agen())))
from jinja2.sandbox import SandboxedEnvironment
try: SandboxedEnvironment().from_string("{{ ''.__class__.mro() }}").render()
except Exception as e: print(repr(e))
from jinja2.nativetypes import NativeEnvironment
print(NativeEnvironment().from_string("{{ [1,2] + x }}").render(x=[3]))
