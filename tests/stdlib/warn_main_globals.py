"""A warning with the globals of the program's own module."""
import sys
import warnings

sys.stderr = sys.stdout
warnings.warn_explicit("eggs", UserWarning, "bar", 1, module_globals=globals())
sys.stdout.flush()

import os
import subprocess

code = "import sys, warnings; sys.stderr = sys.stdout\nwarnings.warn_explicit('spam', UserWarning, 'bar', 1, module_globals=globals())"
print(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout)
