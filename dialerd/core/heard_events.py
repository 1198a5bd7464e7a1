"""What was heard of a call: told by whoever listens, see `dialerd.core.hear_side`."""

from __future__ import annotations

from dialerd.core.event import Event
from dialerd.core.records import Answerer, Outcome


class Verdict(Event):
    """Who answered, found out from the audio after `Answered`; told only where somebody listens."""

    leg: int
    who: Answerer
    confidence: float = 1.0  # from 0 to 1
    late_ns: int = 0  # since it was sure


class Sound(Event):
    """Something was heard of the far end: before the answer, or after it.

    `kind` and `value` are words for people, such as "announcement" and "switched_off viettel";
    "beep" and "silence" end the greeting of a machine. `outcome` is what the line takes it for:
    what became of a call that was not answered, after the answer MACHINE for no person, anything
    else for a far end that is gone; None: it means nothing for the call. `only_sign`: the line
    tells in no other way that the far end is gone.
    """

    leg: int
    kind: str
    value: str = ""
    outcome: Outcome | None = None
    confidence: float = 1.0
    only_sign: bool = False
