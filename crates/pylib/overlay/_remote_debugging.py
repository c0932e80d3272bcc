"""What `asyncio.tools` imports to look into other processes.

Taipan's processes cannot be looked into from outside: there are the names, so
that `python -m asyncio` starts, and an error for whoever uses them.
"""
from collections import namedtuple

__all__ = ["FrameInfo", "RemoteUnwinder"]

FrameInfo = namedtuple("FrameInfo", "filename lineno funcname")


class RemoteUnwinder:
    """Raises NotImplementedError."""

    def __init__(self, pid, *, all_threads=False, only_active_thread=False, debug=False):
        raise NotImplementedError("remote debugging is not implemented")
