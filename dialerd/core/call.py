"""One attempt from its first dial to its one Finish.

    DIALING -> RINGING -> UP -> RELEASING -> ENDED, and ADVANCING when a line failed before anybody
    was alerted and another trunk may be tried for the same attempt.

Rules:
1. Record before ring: BeginDial is written in the batch that dials, for every leg.
2. Exactly one Finish per begun attempt, on the move to ENDED, whatever the order of events.
3. Every state but ENDED has a deadline, so a line that never answers anything ends too.
4. Who was answered is the line's word: a release of ours that crosses an answer is ANSWERED, unless
   we cut the call for its length or its dead media.
5. After a release of ours, keys and prompts mean nothing. The table is `dialerd.core.call_moves`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, get_args

from dialerd.core import limits
from dialerd.core.call_moves import MOVES, CallState
from dialerd.core.clock import NEVER, WallClock
from dialerd.core.effects import AnyEffect, Dial, Play, Release, StopPlay, Write
from dialerd.core.events import (
    Answered,
    Digit,
    LegEvent,
    MediaLost,
    PlayEnded,
    Recorded,
    Released,
    Ringing,
)
from dialerd.core.flow import FlowRun
from dialerd.core.flow_plan import FlowPlan
from dialerd.core.greeted import Greeted
from dialerd.core.hear_side import HearSide
from dialerd.core.ids import call_id_for
from dialerd.core.lead_numbers import ending
from dialerd.core.line_spec import LINE, Line, Trouble
from dialerd.core.metering import price_milli
from dialerd.core.ops import AppendEvents, BeginDial, Claim, DialOp, Finish
from dialerd.core.pacing import NS, RateLimit
from dialerd.core.records import (
    SPOKEN,
    CallEvent,
    CampaignSettings,
    Direction,
    EventKind,
    LeadState,
    Outcome,
    Usage,
)
from fastpath.numbers import Number

if TYPE_CHECKING:
    from dialerd.core.talk import Talk

_QUIET: Final = (Outcome.CANCELLED, Outcome.NO_ANSWER)
_CUT: Final = (Outcome.MEDIA_TIMEOUT, Outcome.TOO_LONG)  # why we ended an answered call

NEW, DIALING, RINGING, UP, RELEASING, ADVANCING, ENDED = CallState


class Call(HearSide):
    """The machine of one attempt. Its effects are appended to `out`, which its owner drains."""

    __slots__ = (
        "_alerts", "_clock", "_code", "_host", "_legs", "_offset_ns", "_out", "_plan",
        "_q850", "_saved", "_settings", "_up_until_ns", "_why", "answered_ms", "claim",
        "deadline_ns", "due_s", "heard", "incoming", "keys", "leg", "limit", "line",
        "next_state", "number", "outcome", "slot", "state", "strays", "timer_ns", "tried",
        "trunk", "used",
    )  # fmt: skip

    def __init__(
        self,
        claim: Claim,
        number: Number,
        settings: CampaignSettings,
        plan: FlowPlan | None,
        clock: WallClock,
        out: list[AnyEffect],
        *,
        host: str = "dialerd",
    ) -> None:
        """A call that is not dialed yet; `dial` begins it. `host` ends its Call-IDs.

        `plan` is the flow of a broadcast.
        """
        super().__init__(settings)
        self._host = host
        self.claim = claim
        self.incoming = claim.direction is Direction.IN
        self.number = number
        self._settings = settings
        self._plan = plan
        self._clock = clock
        self._out = out
        self._flow: FlowRun | Talk | Greeted  # once it was answered
        self._alerts = 0
        self._offset_ns = clock.offset_ns  # of its first dial: a clock step bends no history
        self._legs = 0
        self._saved = 0
        self._code = 0
        self._q850 = 0
        self._up_until_ns = NEVER
        self._why = Outcome.CANCELLED  # what a release of ours makes of a call nobody answered
        self.state = NEW
        self.leg = 0
        self.trunk = ""
        self.line = LINE
        self.used: Usage | None = None
        self.tried: frozenset[str] = frozenset()  # trunks that failed it
        self.keys = ""
        self.answered_ms = 0
        self.heard = False
        self.outcome: Outcome | None = None
        self.next_state: LeadState | None = None
        self.due_s = 0
        self.deadline_ns = NEVER
        self.timer_ns = NEVER  # the owner's: when it next looks at this call
        self.limit: RateLimit | None = None  # the owner's: where the open start of its leg is kept
        self.slot = 0
        self.strays = 0  # events that its state does not know

    # -- what the owner asks ---------------------------------------------------------------------

    def dial(self, trunk: str, rule: str, leg: int, now_ns: int, line: Line = LINE) -> None:
        """Place the first leg, or after `ADVANCING` the next one on another trunk."""
        if self.state is not NEW and self.state is not ADVANCING:
            raise AssertionError(f"dial() in state {self.state.name}")
        attempt_id = self.claim.attempt_id
        call_id = call_id_for(attempt_id, leg, self._host)
        kind = EventKind.DIALED if self.state is NEW else EventKind.ADVANCED
        if self.state is NEW:
            self._offset_ns = self._clock.offset_ns
        self.state = DIALING
        self.trunk = trunk
        self.leg = leg
        self._legs += 1
        self.deadline_ns = now_ns + self._settings.ring_s_max * NS
        self.record(kind, trunk, now_ns)
        self.line = line
        begin = BeginDial(
            attempt_id, trunk, call_id, rule, self._ms(now_ns),
            line.port, line.minute_milli, line.day,
        )  # fmt: skip
        self._out.append(Write(attempt_id, (begin,)))
        caller_id, sound = self._settings.caller_id, self._sound()
        self._out.append(
            Dial(
                attempt_id, leg, trunk, self.number, call_id, caller_id, line.port, *sound,
                caller_name=self._settings.caller_name, detection=self.detection(),
                ring_s_max=self._settings.ring_s_max,
            )
        )  # fmt: skip

    def hang_up(self, now_ns: int) -> None:
        """End it now, whatever it does (a drain, an emergency stop)."""
        if self.state is ADVANCING:
            self._end(Outcome.CANCELLED, now_ns, "us")
        elif self.state in (DIALING, RINGING, UP):
            self._release(Outcome.CANCELLED, now_ns)

    def give_up(self, now_ns: int) -> None:
        """No other trunk takes an advancing call: it has failed."""
        if self.state is ADVANCING:
            self._end(Outcome.FAILED, now_ns, "us")

    def dial_refused(self, now_ns: int) -> bool:
        """The store refused the batch that dials the present leg, so that leg does not exist.

        Returns:
            True when the attempt was never begun: there is no Finish, its claim must be given back.
            False when an earlier leg was dialed (it has failed), or the leg lives after all.
        """
        if self.state not in (DIALING, RELEASING) or self._alerts or self.answered_ms:
            return False
        if self._legs > 1:
            self._end(Outcome.FAILED, now_ns, "us")
            return False
        self.state = ENDED
        self.deadline_ns = NEVER
        return True

    def handle(self, event: LegEvent, now_ns: int) -> None:
        """One event of the present leg; one that the state does not know is counted."""
        action = _ACTIONS.get((self.state, type(event)))
        if action is None or event.leg != self.leg:
            self.strays += 1
            return
        action(self, event, now_ns)

    def tick(self, now_ns: int) -> None:
        """Do what is due at `now_ns`."""
        if now_ns >= self.deadline_ns:
            _TIMEOUTS[self.state](self, now_ns)

    # -- what its flow asks (FlowSink) -----------------------------------------------------------

    def play(self, prompts: tuple[str, ...], token: int) -> None:
        """Play prompts. From here on the customer has heard something."""
        self.heard = True
        self._out.append(Play(self.claim.attempt_id, self.leg, prompts, token))

    def stop_play(self) -> None:
        """A key cuts the prompt."""
        self._out.append(StopPlay(self.claim.attempt_id, self.leg))

    def flow_over(self, now_ns: int) -> None:
        """Nothing is left to say: hang up."""
        self._release(Outcome.ANSWERED, now_ns)

    # -- the table's actions ---------------------------------------------------------------------

    def _ringing(self, event: Ringing, now_ns: int) -> None:
        if self.state is DIALING:
            self.state = RINGING
            self.deadline_ns = now_ns + self._settings.ring_s_max * NS
        bit, kind = (2, EventKind.EARLY_MEDIA) if event.early_media else (1, EventKind.RINGING)
        if not self._alerts & bit:
            self._alerts |= bit
            self.record(kind, "", now_ns)

    def _answered(self, event: Answered, now_ns: int) -> None:
        self.state = UP
        self._up_until_ns = now_ns + self.line.call_s_max * NS
        self._answered_late(event, now_ns)
        self._flow = self._body()
        self._flow.start(now_ns)
        self._set_deadline()

    def _answered_late(self, _: Answered, now_ns: int) -> None:
        if not self.answered_ms:
            self.answered_ms = self._ms(now_ns)
            self.record(EventKind.ANSWERED, "", now_ns)

    def _digit(self, event: Digit, now_ns: int) -> None:
        self._pressed = True
        if len(self.keys) >= limits.KEYS_MAX:
            self.dropped += 1
            return
        shown = self._shown(event.digit)
        self.keys += shown if self.logs(EventKind.DIGIT) else ""
        self.record(EventKind.DIGIT, f"{shown} {event.source}".rstrip(), now_ns)
        self._save()
        self._flow.key(event.digit, now_ns)
        self._set_deadline()

    def _recorded(self, event: Recorded, now_ns: int) -> None:
        size = f"{event.size} bytes, {event.channels} channels"
        self.record(EventKind.RECORDED, f"{event.path} {event.seconds:.2f} s, {size}", now_ns)

    def _play_ended(self, event: PlayEnded, now_ns: int) -> None:
        self._flow.played(event.token, now_ns)
        self._set_deadline()

    def _up_time(self, now_ns: int) -> None:
        if now_ns >= self._up_until_ns:
            self._release(Outcome.TOO_LONG, now_ns)
        else:
            self._flow.tick(now_ns)
            self._set_deadline()

    def _media_lost(self, event: MediaLost, now_ns: int) -> None:
        self.answered_ms = self.answered_ms or self._ms(now_ns)  # else it is told instead
        self.record(EventKind.MEDIA_LOST, event.why, now_ns)
        self._release(Outcome.MEDIA_TIMEOUT, now_ns)

    def _ring_limit(self, now_ns: int) -> None:
        self._release(Outcome.NO_ANSWER, now_ns)

    def _released_dialing(self, event: Released, now_ns: int) -> None:
        # The trunk itself may take it in a moment: it is full, or was called too fast.
        again = event.trouble is Trouble.TOO_FAST or event.trouble is Trouble.FULL
        most = limits.RETURNS_MAX if again else limits.ADVANCES_MAX
        if not event.advance or self._legs > most or event.outcome in SPOKEN:
            self._released(event, now_ns)
            return
        self._code, self._q850 = event.code, event.q850
        if not again:
            self.tried |= {self.trunk}
        self.state = ADVANCING
        self.deadline_ns = now_ns + (limits.RETURN_S_MAX if again else limits.ADVANCE_S_MAX) * NS

    def _released(self, event: Released, now_ns: int) -> None:
        self._code, self._q850 = event.code, event.q850
        outcome = event.outcome
        if self.answered_ms or outcome in SPOKEN:
            outcome = self._spoken
            self.answered_ms = self.answered_ms or self._ms(now_ns)
        elif self.state is RELEASING and (event.by == "us" or outcome in _QUIET or self._audible):
            outcome = self._why  # else a busy or a decline crossed our release: its word stands
        self._end(outcome, now_ns, event.by)

    def _never_released(self, now_ns: int) -> None:
        silent = Outcome.FAILED if not self._alerts else self._why  # not one sign of life
        self._end(self._spoken if self.answered_ms else silent, now_ns, "timeout")

    # -- what `AgentCall` does otherwise ---------------------------------------------------------

    def _body(self) -> FlowRun | Talk | Greeted:
        return self._first()

    def _answered_as(self) -> Outcome:
        return self._ends_as

    def _ending(self, finish: Finish) -> tuple[DialOp, ...]:
        return self._flow_ending(finish)

    # -- helpers ---------------------------------------------------------------------------------
    @property
    def _spoken(self) -> Outcome:  # of an answered call
        return self._why if self._why in _CUT else self._answered_as()

    def _ms(self, now_ns: int) -> int:
        return (now_ns + self._offset_ns) // 1_000_000

    def _set_deadline(self) -> None:
        if self.state is UP:
            self.deadline_ns = min(self._up_until_ns, self._flow.deadline_ns)

    def _release(self, why: Outcome, now_ns: int) -> None:
        self._why = why
        self.state = RELEASING
        self.deadline_ns = now_ns + limits.RELEASE_S_MAX * NS
        self._out.append(Release(self.claim.attempt_id, self.leg))

    def _save(self) -> None:
        """Write the history so far: a key press must survive a crash in the middle of its call."""
        events = tuple(self.events[self._saved :])
        if events:
            append = AppendEvents(self.claim.attempt_id, self._saved, events)
            self._out.append(Write(self.claim.attempt_id, (append,)))
            self._saved = len(self.events)

    def _end(self, outcome: Outcome, now_ns: int, by: str) -> None:
        self.state = ENDED
        self.deadline_ns = NEVER
        self.outcome = outcome
        at_ms, now_s = self._ms(now_ns), self._clock.ms(now_ns) // 1000
        after = ending(self._settings, self.claim, outcome, now_s)
        self.next_state, self.due_s = after.state, after.due_s
        if self.logs(EventKind.RELEASED):
            self.events.append(CallEvent(at_ms, EventKind.RELEASED, f"by {by}"))
        self.used = self._used(at_ms)
        finish = Finish(
            self.claim.attempt_id,
            outcome,
            after.state,
            after.due_s,
            at_ms,
            self.answered_ms,
            self._code,
            self._q850,
            by,
            self.keys,
            self.heard,
            0,
            tuple(self.events),  # whole again: an append that the store refused is in it
            self.used,
            phone=after.phone,
            numbers=after.numbers,
            answerer=self.answerer,
            verdict_ms=self.verdict_ms,
            verdict_sure=self.verdict_sure,
            revised=self.revised,
            revised_ms=self.revised_ms,
        )
        self._out.append(Write(self.claim.attempt_id, self._ending(finish)))

    def _used(self, at_ms: int) -> Usage | None:
        """What an answered call used of its line."""
        if not self.answered_ms:
            return None
        line, seconds = self.line, max(0, -(-(at_ms - self.answered_ms) // 1000))
        cost = price_milli(line.plan, seconds)
        return Usage(self.trunk, line.account or line.port, line.day, 1, seconds, cost)


_EVENTS: Final[dict[str, type]] = {kind.__name__: kind for kind in get_args(LegEvent)}
_ACTIONS: Final[dict[tuple[CallState, type], Callable[[Call, LegEvent, int], None]]] = {
    (state, _EVENTS[trigger]): getattr(Call, method)
    for (state, trigger), (method, _) in MOVES.items()
    if trigger != "time"
}
_TIMEOUTS: Final[dict[CallState, Callable[[Call, int], None]]] = {
    state: getattr(Call, method)
    for (state, trigger), (method, _) in MOVES.items()
    if trigger == "time"
}
