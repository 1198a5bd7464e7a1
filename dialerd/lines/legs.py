"""SIP legs as the core hears of them: what was heard of each, and what its next event tells."""

from __future__ import annotations

from dialerd.core.events import Answered, Released, Ringing
from dialerd.core.records import Outcome
from dialerd.lines.outcome_map import OutcomeMap
from sip.events import Accepted, Ended, Established, Provisional, SipEvent


class Heard:
    """What was heard of a leg, and what its next SIP event tells the core."""

    __slots__ = ("_map", "alerted", "answered", "early")

    def __init__(self, outcomes: OutcomeMap) -> None:
        """`outcomes` reads its refusal."""
        self._map = outcomes
        self.alerted = False
        self.answered = False
        self.early = False

    def translate(self, event: SipEvent) -> Ringing | Answered | Released | None:
        """The line event that a SIP event means, if any; after `Released` there are no more."""
        if isinstance(event, Provisional):
            return self._provisional(event)
        if isinstance(event, Accepted | Established):
            if self.answered:
                return None
            self.answered = True
            return Answered(event.leg)
        if isinstance(event, Ended):
            return self._released(event)
        return None

    def _provisional(self, event: Provisional) -> Ringing | None:
        """100 says nothing of the callee; 180 and 183 are told once each, audio in them is told."""
        if event.code <= 100 or self.answered:
            return None
        early = event.sdp is not None
        if self.alerted and (self.early or not early):
            return None
        self.alerted = True
        self.early = self.early or early
        return Ringing(event.leg, early_media=early)

    def _released(self, event: Ended) -> Released:
        code, q850, by = event.code, event.q850, event.by
        if event.answered or self.answered:
            return Released(event.leg, Outcome.ANSWERED, code, q850, by)
        read = self._map.read(
            code, q850, event.phrase, alerted=self.alerted, early=self.early, by=by
        )
        return Released(
            event.leg, read.outcome, code, q850, by, read.advance, read.trouble, event.retry_after_s
        )


class Caller(Heard):
    """What was heard of a leg that came to us: there is no refusal to read."""

    __slots__ = ()

    def _released(self, event: Ended) -> Released:
        outcome = Outcome.ANSWERED if event.answered or self.answered else Outcome.NO_ANSWER
        return Released(event.leg, outcome, event.code, event.q850, event.by)


class Legs:
    """Those of one kind of lines, by their numbers."""

    def __init__(self) -> None:
        """None yet."""
        self._legs: dict[int, Heard] = {}

    def __len__(self) -> int:
        """Legs in use."""
        return len(self._legs)

    def translate(self, event: SipEvent) -> Ringing | Answered | Released | None:
        """The line event that a SIP event means, if any. Events of unknown legs mean nothing."""
        heard = self._legs.get(event.leg)
        told = heard.translate(event) if heard is not None else None
        if isinstance(told, Released):
            del self._legs[event.leg]
        return told
