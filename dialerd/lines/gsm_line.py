"""Ports of modem banks as lines: what their facts mean to the core.

A bank's legs are the core's; a port tells a leg's alerting, answer and end. How a call ended is
read into the same outcomes as a SIP answer:

    cause         outcome       another line   what it says of the port
    busy          busy          no             none: it speaks of the called person
    no_answer     no_answer     no             none
    rejected      declined      no             none
    unreachable   unreachable   no             none
    invalid       invalid       no             none
    congestion    failed        yes            full: the cell or the network has no room
    barred        failed        yes            fault: this SIM may not call there
    network       failed        yes            fault
    local         failed        yes            full: this port, not its bank
    cancelled     no_answer     no             none

Another line is tried only where nobody was alerted. A carrier's rule about the progress of a call
(`gsm.reachability`) says more than the network's silence: `unreachable` or `rejected` stands where
the cause alone is no answer or the network's fault.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from dialerd.core.effects import Dial
from dialerd.core.events import Answered, Released, Ringing
from dialerd.core.line_spec import Trouble
from dialerd.core.records import Outcome
from dialerd.lines.outcome_map import Reading
from dialerd.lines.rewriting import Rewrites, dialed
from gsm import events as gsm
from gsm.events import Cause
from gsm.number import DialString

CAUSES: Mapping[Cause, Reading] = MappingProxyType(
    {
        Cause.ANSWERED: Reading(Outcome.ANSWERED, False, Trouble.NONE),
        Cause.BUSY: Reading(Outcome.BUSY, False, Trouble.NONE),
        Cause.NO_ANSWER: Reading(Outcome.NO_ANSWER, False, Trouble.NONE),
        Cause.REJECTED: Reading(Outcome.DECLINED, False, Trouble.NONE),
        Cause.UNREACHABLE: Reading(Outcome.UNREACHABLE, False, Trouble.NONE),
        Cause.INVALID: Reading(Outcome.INVALID, False, Trouble.NONE),
        Cause.CONGESTION: Reading(Outcome.FAILED, True, Trouble.FULL),
        Cause.BARRED: Reading(Outcome.FAILED, True, Trouble.FAULT),
        Cause.NETWORK: Reading(Outcome.FAILED, True, Trouble.FAULT),
        Cause.LOCAL: Reading(Outcome.FAILED, True, Trouble.FULL),
        Cause.CANCELLED: Reading(Outcome.NO_ANSWER, False, Trouble.NONE),
    }
)
_VERDICTS: Mapping[str, Outcome] = MappingProxyType(
    {"unreachable": Outcome.UNREACHABLE, "rejected": Outcome.DECLINED}
)
_UNTOLD = frozenset({Cause.NO_ANSWER, Cause.NETWORK})  # causes that a verdict knows better than
_NO_RULES = Rewrites(())


class _Heard:
    """What was heard of a leg."""

    __slots__ = ("alerted", "answered", "incoming", "verdict")

    def __init__(self, *, incoming: bool = False) -> None:
        self.incoming = incoming
        self.alerted = False
        self.answered = False
        self.verdict = ""


class GsmLines:
    """Legs on ports of banks."""

    def __init__(self) -> None:
        """None yet."""
        self._legs: dict[int, _Heard] = {}

    def __len__(self) -> int:
        """Legs in use."""
        return len(self._legs)

    def dial(self, effect: Dial, number_format: str) -> DialString:
        """What is written behind ATD; from now on the leg is known. `gsm.number.RefusedError`."""
        text = DialString(dialed(effect.number, number_format, _NO_RULES))
        self._legs[effect.leg] = _Heard()
        return text

    def rings(self, leg: int) -> None:
        """Somebody calls a port: from now on the leg is known."""
        self._legs[leg] = _Heard(incoming=True)

    def forget(self, leg: int) -> None:
        """A call to us is refused: nothing is told of it any more."""
        self._legs.pop(leg, None)

    def answered(self, leg: int) -> bool:
        """Whether somebody answered on a leg."""
        return leg in self._legs and self._legs[leg].answered

    def known(self, leg: int) -> bool:
        """Whether a leg is one of ours and has not ended."""
        return leg in self._legs

    def refused(self, leg: int, *, fault: bool = False) -> Released:
        """The leg could not even be tried; `fault`: on no port of this bank."""
        self._legs.pop(leg, None)
        trouble = Trouble.FAULT if fault else Trouble.FULL
        return Released(leg, Outcome.FAILED, by="us", advance=True, trouble=trouble)

    def translate(self, fact: gsm.Fact) -> Ringing | Answered | Released | None:
        """The line event that a fact means, if any; after `Released` there are no more."""
        if not isinstance(fact, gsm.CallFact):
            return None
        heard = self._legs.get(fact.leg)
        if heard is None:
            return None
        match fact:
            case gsm.Alerting() if not (heard.alerted or heard.answered):
                heard.alerted = True
                return Ringing(fact.leg)
            case gsm.Answered() if not heard.answered:
                heard.answered = True
                return Answered(fact.leg)
            case gsm.Reached(verdict=verdict):
                heard.verdict = verdict
            case gsm.Ended():
                del self._legs[fact.leg]
                return _released(fact, heard)
            case _:
                pass
        return None


def outcome_of(cause: Cause) -> Outcome:
    """What a call that ended so has come to."""
    return CAUSES[cause].outcome


def _released(fact: gsm.Ended, heard: _Heard) -> Released:
    by = "us" if fact.by in {"us", "port"} else "them"
    if heard.answered or fact.cause is Cause.ANSWERED:
        return Released(fact.leg, Outcome.ANSWERED, 0, fact.code, by)
    if heard.incoming:  # there is no refusal to read
        return Released(fact.leg, Outcome.NO_ANSWER, 0, fact.code, by)
    read = CAUSES[fact.cause]
    overtaken = heard.alerted and heard.verdict == "unreachable"  # it rang after all, only late
    if fact.cause in _UNTOLD and heard.verdict in _VERDICTS and not overtaken:
        read = Reading(_VERDICTS[heard.verdict], False, Trouble.NONE)
    if heard.alerted:  # it did reach somebody
        read = Reading(read.outcome, False, Trouble.NONE)
    return Released(fact.leg, read.outcome, 0, fact.code, by, read.advance, read.trouble)
