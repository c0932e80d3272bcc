# What is said of a module that hides one of the library's, or of itself.
import os, subprocess, sys, tempfile

def last(directory, *arguments):
    result = subprocess.run([sys.executable, *arguments], cwd=directory, capture_output=True, text=True)
    lines = result.stderr.splitlines()
    print(arguments[0], lines[-1].replace(os.path.realpath(directory), 'DIR').replace(directory, 'DIR') if lines else 'fine')

for name in ('fractions', 'nobodys'):
    for text in (f'import {name}\n{name}.Fraction_', f'from {name} import Fraction_'):
        with tempfile.TemporaryDirectory() as directory:
            with open(os.path.join(directory, name + '.py'), 'w') as f:
                f.write(text)
            last(directory, name + '.py')
            last(directory, '-m', name)
            last(directory, '-c', f'import {name}')
            last(directory, '-P', '-c', 'import fractions')
try:
    from sys import nothing
except ImportError as e:
    print(e)
with tempfile.TemporaryDirectory() as directory:
    with open(os.path.join(directory, 'nul.py'), 'wb') as f:
        f.write(b'#\n  yy = \0 \n')
    last(directory, 'nul.py')
    for cookie in (b'nothing', b'nowhere'):
        with open(os.path.join(directory, 'coded.py'), 'wb') as f:
            f.write(b'# coding: ' + cookie + b'\n#\xa4\n')
        last(directory, 'coded.py')
