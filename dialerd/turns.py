"""How long the turns are that the scheduler gives to the calling thread.

Since Linux 6.12 a thread of the normal policy may name the length of its turns: one that asks for
short ones comes before one that computes, without more of the processor than its share and without
a privilege (sched_setattr(2)). So the admin process and imports hold up no call for a turn of
theirs, which is 3 ms and longer.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import struct
import sys
from typing import Final

SHORT_NS: Final = 100_000  # the shortest that the kernel takes
GIL_SWITCH_S: Final = 0.0005  # one thread must not hold up the others for Python's usual 5 ms
USUAL_NS: Final = 0  # what the kernel gives to everybody
_CALLS: Final = {"x86_64": (314, 315), "aarch64": (274, 275)}  # sched_setattr, sched_getattr
# struct sched_attr: size, policy, flags, nice, priority, runtime, deadline, period.
_ATTR: Final = struct.Struct("=IIQiIQQQ")


def take_short_turns() -> None:
    """Of this thread and its descendants, by the kernel and by the interpreter."""
    sys.setswitchinterval(GIL_SWITCH_S)
    take_turns(SHORT_NS)


def compute_aside() -> None:
    """Let the calling thread run only where nobody else wants to (SCHED_IDLE).

    Its processor counts as free when the kernel looks where to wake somebody. For work that holds
    no lock which others wait for: it may stand still for long, and cannot be called back.
    """
    with contextlib.suppress(OSError):  # a sandbox that forbids it: it is only as nice as it is
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def take_turns(turn_ns: int) -> bool:
    """Of the calling thread, and of threads and processes that it starts from now on.

    Whether the kernel has taken it: older ones do not know it, other policies have no turns.
    """
    numbers = _CALLS.get(platform.machine())
    if numbers is None or os.sched_getscheduler(0) != os.SCHED_OTHER:
        return False
    set_attr, get_attr = numbers
    call = ctypes.CDLL(None, use_errno=True).syscall
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    asked = ctypes.create_string_buffer(
        _ATTR.pack(_ATTR.size, os.SCHED_OTHER, 0, nice, 0, turn_ns, 0, 0)
    )
    if call(set_attr, 0, asked, 0):
        return False
    found = ctypes.create_string_buffer(_ATTR.size)
    if call(get_attr, 0, found, _ATTR.size, 0):
        return False
    given_ns: int = _ATTR.unpack(found.raw[: _ATTR.size])[5]
    return given_ns == turn_ns if turn_ns else given_ns > SHORT_NS
