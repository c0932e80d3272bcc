"""The instruction table for `opcode` and `dis`.

The interpreter has it: names are CPython's where an instruction means the same.
Where an instruction of CPython's is several here, these are its specialisations.
A few names that programs look up stand there although no code contains them.
"""

import _opcode

opmap = {}
_specializations = {}
_specialized_opmap = {}

# By number: the name of the form of an instruction that is compiled.
_forms = {}

for _name, _number, _general, _form in _opcode._instructions():
    _forms[_number] = _form
    if _general == _name:
        opmap[_name] = _number
    else:
        _specializations.setdefault(_general, []).append(_name)
        _specialized_opmap[_name] = _number

del _name, _number, _general, _form, _opcode

HAVE_ARGUMENT = 1
MIN_INSTRUMENTED_OPCODE = 255
