"""The keys of one call as one row, whatever ways they come by.

A gateway may tell one press three times: as an event in RTP (RFC 4733), as tones that it let
through in the audio, and by SIP INFO. What a press is, in this order:

    its way is none that the call hears keys by                  unwanted
    the same key came by another way within WINDOW_NS, and that
    one was not told by this way yet                             again
    tones, in a call where events or INFO tell keys              doubted: only tones can be a voice
    more than KEYS_MAX were told                                 flood
    else                                                         key

So the first way that tells a press gives it its time, and each way accounts for a press once: the
same key twice is two keys, by any number of ways.
"""

from __future__ import annotations

from collections import deque
from enum import StrEnum
from typing import Final, Literal

from dialerd.core.limits import SENT_KEYS_MAX

WINDOW_NS: Final = 2_000_000_000  # an INFO may be sent again after 0.5 s and 1.5 s (RFC 3261)
TOLD_MAX: Final = 32  # presses remembered
KEYS_MAX: Final = 1_000  # of one call
SENT: Final = frozenset("0123456789*#ABCD")  # what may be sent

Verdict = Literal["key", "again", "doubted", "unwanted", "flood"]


class Dtmf(StrEnum):
    """How the keys of a call travel."""

    AUTO = "auto"
    RFC4733 = "rfc4733"
    INBAND = "inband"
    INFO = "info"
    ALL = "all"

    @property
    def offers_events(self) -> bool:
        """Whether telephone-event is in our descriptions."""
        return self in {Dtmf.AUTO, Dtmf.RFC4733, Dtmf.ALL}

    def hears_tones(self, *, events: bool) -> bool:
        """Whether the audio is searched; `events`: the peer agreed on RFC 4733."""
        return self in {Dtmf.INBAND, Dtmf.ALL} or (self is Dtmf.AUTO and not events)


class _Press:
    """A key that was told, and by which ways."""

    __slots__ = ("at_ns", "digit", "ways")

    def __init__(self, digit: str, way: str, at_ns: int) -> None:
        self.digit = digit
        self.at_ns = at_ns
        self.ways = {way}


class Keys:
    """One call's keys."""

    def __init__(self, dtmf: Dtmf = Dtmf.AUTO) -> None:
        """Nothing was pressed yet."""
        self.dtmf = dtmf
        self.told = 0
        self._lately: deque[_Press] = deque(maxlen=TOLD_MAX)
        self._sure = False  # keys came by a way that no voice can imitate

    def press(self, digit: str, way: str, at_ns: int) -> Verdict:
        """A key came by "rfc4733", "inband" or "info"; `at_ns` is when it was pressed."""
        if self.dtmf not in {Dtmf.AUTO, Dtmf.ALL} and way != self.dtmf:
            return "unwanted"
        for press in self._lately:
            near = abs(at_ns - press.at_ns) <= WINDOW_NS
            if near and press.digit == digit and way not in press.ways:
                press.ways.add(way)
                self._sure = self._sure or way != Dtmf.INBAND
                return "again"
        if way == Dtmf.INBAND and self._sure:
            return "doubted"
        if self.told >= KEYS_MAX:
            return "flood"
        self.told += 1
        self._sure = self._sure or way != Dtmf.INBAND
        self._lately.append(_Press(digit, way, at_ns))
        return "key"


def unsendable(keys: str) -> str:
    """Why keys in capitals cannot be sent; empty: they can."""
    if 0 < len(keys) <= SENT_KEYS_MAX and SENT.issuperset(keys):
        return ""
    return f"keys are 1 to {SENT_KEYS_MAX} of 0-9 * # A-D"
