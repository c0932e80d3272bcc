"""A warning with the globals of the program's own module."""
import sys
import warnings

sys.stderr = sys.stdout
warnings.warn_explicit("eggs", UserWarning, "bar", 1, module_globals=globals())
