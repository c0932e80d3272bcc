# requires: /usr/lib/python3/dist-packages/docutils-0.19.egg-info
"""docutils turns a document into HTML, LaTeX, a manual page and its own tree."""
import sys

# Debian's packages: their C parts are for another interpreter.
sys.path.append("/usr/lib/python3/dist-packages")
import docutils.core

TEXT = r"""=====
Title
=====
:Author: Me
:Date: 2026

.. contents::

Section *one*
=============
Para **bold** ``lit`` `link <http://x.org>`_ |sub| [1]_ [#a]_ [Cit]_ :sub:`2` :math:`x^2+\frac{a}{b}`

.. |sub| replace:: Replaced

* a

  * b
* c

1. x
#. y

Term : cls
  Def

-o FILE  option

.. code::
   :number-lines:

   def f(x):
       return "s"  # c

.. table:: Cap

   ===== =====
   a     b
   ===== =====
   1     2
   3
   ===== =====

+---+---+
| a | b |
+---+   |
| c |   |
+---+---+

.. note:: A note

.. image:: a.png
   :alt: x

.. math:: \sum_{i=0}^n x_i

| line
| block

Sub
---
>>> doctest
1

.. [1] Foot
.. [#a] Auto
.. [Cit] Cite

Unknown_ `bad

.. nodirective:: x

.. csv-table:: T
   :header: a,b

   1,"2 3"
"""
settings = {"_disable_config": True, "datestamp": None, "generator": None, "warning_stream": sys.stdout,
            "embed_stylesheet": False, "use_latex_citations": True, "legacy_column_widths": False}
for writer in ("html", "html5", "latex", "pseudoxml", "manpage"):
    print("==", writer)
    print(docutils.core.publish_string(TEXT, writer_name=writer, settings_overrides=settings).decode())
