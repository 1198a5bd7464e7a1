"""What is known of one call."""

from __future__ import annotations

from gsm.causes import UNSEEN_LONG
from gsm.clcc import Listed
from gsm.events import By, Cause, Reached
from gsm.limits import MS, SECOND

DOUBTS_MAX = 4  # listings that deny an answer: no module is that late with its own calls
UNBORN = SECOND  # no network refuses a call that soon


class Call:
    """A call of a port, ours or theirs. Times are None while a thing has not happened."""

    __slots__ = (
        "alerting_ns", "answered_ns", "asked", "audio", "begun_ns", "by", "caller", "cause",
        "cleared", "code", "dialing_ns", "doubts", "ended_hint", "ended_ns", "guess", "hint_misses",
        "id", "incoming", "leg", "listed_once", "misses", "pending", "progress", "reached",
        "ring_ns", "ring_ns_max", "shown", "talk_s_max", "told", "told_answer", "warned",
        "why", "words",
    )  # fmt: skip

    def __init__(self, leg: int, now_ns: int, *, incoming: bool) -> None:
        """It begins now."""
        self.leg = leg
        self.incoming = incoming
        self.id: int | None = None
        self.begun_ns = now_ns
        self.dialing_ns: int | None = None
        self.alerting_ns: int | None = None
        self.answered_ns: int | None = None
        self.ended_ns: int | None = None
        self.ring_ns = now_ns  # the last sign of ringing of an incoming call
        self.talk_s_max = 0  # 0: it may last for ever
        self.ring_ns_max = 0
        self.caller = ""
        self.told = False  # an incoming call was told
        self.asked = False  # we want it to end
        self.cleared = False  # a listing after a hang-up had it no more
        self.by: By = "network"
        self.cause: Cause | None = None  # decided already: our own end of it
        self.code = 0
        self.words: Cause | None = None  # what a result code or report says
        self.why = ""
        self.misses = 0
        self.listed_once = False
        self.ended_hint = False
        self.hint_misses = 0  # listings that had it all the same
        self.pending = not incoming  # ATD has no final result yet: nothing can be listed
        self.shown = False  # a line that came unasked had it under way
        self.told_answer = ""  # "ours": by the final result of ATD, "hint": by a line unasked
        self.doubts = 0  # listings since then that knew nothing of the answer
        self.progress = False  # ATD was accepted, or a hint says that it is under way
        self.reached = ""
        self.guess: Reached | None = None  # what its end says; not told while its cause is unknown
        self.audio = False
        self.warned = False

    def is_listed(self, listed: list[Listed]) -> Listed | None:
        """This call in a listing: by its number there, else by its direction.

        The last line holds: a change that was told in the middle of the answer comes before it.
        """
        for each in reversed(listed):
            if self.id is not None and each.id == self.id and each.outgoing != self.incoming:
                return each
        for each in reversed(listed):
            if each.outgoing != self.incoming and each.state != "waiting":
                return each
        return None

    def believed(self) -> bool:
        """Whether it is answered, although one more listing has it as dialing, or has it not.

        The final result of ATD is no other call's. A line that came unasked may be: it is believed
        where nothing was listed ever, and nothing says that the call is over.
        """
        if not self.told_answer or self.answered_ns is not None or self.ended_hint or self.asked:
            return False
        self.doubts += 1
        if self.told_answer == "hint" and self.listed_once:
            return False
        return self.doubts >= DOUBTS_MAX

    def unborn(self) -> bool:
        """Whether the module refused ATD at once: what it reports is another call's end."""
        taken = self.incoming or self.progress or self.listed_once
        return not taken and self.ended_ns is not None and self.ended_ns - self.begun_ns < UNBORN

    def unseen(self) -> bool:
        """Whether it may have rung without a sign: ATD waits, or the modem cannot list."""
        return self.alerting_ns is None and not self.listed_once

    def may_have_rung(self, now_ns: int) -> bool:
        """Whether it was tried for so long without a sign that somebody's phone may have rung."""
        return self.unseen() and now_ns - self.begun_ns >= UNSEEN_LONG

    def rang_ns(self, end_ns: int) -> int | None:
        """How long it rang, None if it never did."""
        if self.alerting_ns is None:
            return None
        return (self.answered_ns or end_ns) - self.alerting_ns

    def ring_ms(self, end_ns: int) -> int:
        """The same in ms, 0 if it never did."""
        return (self.rang_ns(end_ns) or 0) // MS

    def talk_ms(self, end_ns: int) -> int:
        """How long people talked."""
        return 0 if self.answered_ns is None else max(0, end_ns - self.answered_ns) // MS
