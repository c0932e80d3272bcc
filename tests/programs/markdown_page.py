# requires: /usr/lib/python3/dist-packages/Markdown-3.4.1.egg-info
"""Markdown and its extensions make HTML."""
import sys

# Debian's packages: their C parts are for another interpreter.
sys.path.append("/usr/lib/python3/dist-packages")
import markdown

text = """Title: X
Author: me

# Head *one* {#id1}

Para with **bold**, `code`, [link](http://x.org "t"), ![img](a.png), <http://auto.org> & "quotes" -- dash... a_b_c

* a
* b
    1. x
    2. y

> quote
> more

```python
def f(x):
    return {"a": x + 1}  # comment
```

    indented <b>

| a | b |
|---|:-:|
| 1 | 2 |

Term
: Def

Note[^1] and [[Wiki Page]].

[^1]: Foot.

*[HTML]: Hyper
HTML here

!!! note "T"
    body

## Sub

<div markdown="1">*x*</div>

***
[ref]: http://ref.org 'title'
See [ref].
"""
print(markdown.markdown(text))
md = markdown.Markdown(extensions=["extra", "toc", "admonition", "sane_lists", "smarty", "meta", "nl2br", "wikilinks"])
print(md.convert(text))
print(md.toc, md.Meta)
