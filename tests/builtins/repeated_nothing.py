# Nothing, repeated as often as you like, takes no time.
from collections import deque
from array import array
for empty in ([], (), '', b'', bytearray(), deque(), array('i')):
    print(type(empty).__name__, empty * 2**62, 2**62 * empty)
    e = empty; e *= 2**62; print(e)

# The compiler does it for constants.
print(() * 2**62, 2**62 * (), "" * 2**62, b"" * 2**62)
