"""What a flow asks of its call beyond sound, and what is kept: what answers a `FlowRun`.

Fields and the result go with the attempt's end. A do-not-call entry is written at once: somebody
who asks not to be called is not called again, whatever becomes of the call. Where the flow says
where its lead goes, an agent's operation says it to the store (`Dispose`), right behind the end:

| the flow            | the lead                                                          |
|---------------------|-------------------------------------------------------------------|
| do-not-call         | blocked, or resting until the entry is over                       |
| callback            | callback, of an agent until it is overdue, then anybody's         |
| nothing of that     | where the call's outcome puts it                                  |
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from dialerd.core.agent_records import Callback
from dialerd.core.deeds import due_at
from dialerd.core.disposing import NEVER_S, open_at
from dialerd.core.effects import AnyEffect, Tape, Write
from dialerd.core.flow import HIDDEN, FlowRun
from dialerd.core.flow_records import Forbid, Promise, Transfer
from dialerd.core.keeping import logged, recorded
from dialerd.core.limits import EVENTS_MAX, FLOW_FIELDS_MAX
from dialerd.core.ops import Ban, Claim, DialOp, Dispose, Finish
from dialerd.core.records import CallEvent, CampaignSettings, DoNotCall, EventKind, LeadState
from dialerd.core.regime import find_regime
from dialerd.core.zones import parse_zone

if TYPE_CHECKING:
    from dialerd.core.clock import WallClock
    from dialerd.core.flow_plan import FlowPlan
    from dialerd.core.greeted import Greeted
    from dialerd.core.talk import Talk

DAY_S: Final = 86_400


class FlowSide:
    """See the module's text; `Call` has the rest."""

    __slots__ = (
        "_booked", "_disposed", "_logged", "dropped", "events", "fields", "result", "unkept",
    )  # fmt: skip

    if TYPE_CHECKING:
        claim: Claim
        leg: int
        _out: list[AnyEffect]
        _settings: CampaignSettings
        _clock: WallClock
        _flow: FlowRun | Talk | Greeted

        _plan: FlowPlan | None

        def _ms(self, now_ns: int) -> int:
            """See `Call`."""

        def _save(self) -> None:
            """See `Call`."""

    def __init__(self, settings: CampaignSettings) -> None:
        self._logged = logged(settings)
        self.events: list[CallEvent] = []
        self.dropped = 0  # history lines past the limit
        self.fields: dict[str, str] = {}
        self.result = ""
        self.unkept = ""  # why no callback that is promised would be made
        self._booked: Callback | None = None
        self._disposed: tuple[LeadState, int] | None = None  # by a do-not-call entry

    def logs(self, kind: EventKind) -> bool:
        """Whether a line of this kind is written into the history."""
        return self._logged is None or kind in self._logged

    def record(self, kind: EventKind, detail: str, now_ns: int) -> None:
        """Add one line to the history."""
        if not self.logs(kind):
            return
        if len(self.events) < EVENTS_MAX:
            self.events.append(CallEvent(self._ms(now_ns), kind, detail))
        else:
            self.dropped += 1

    def _sound(self) -> tuple[bool, bool]:
        """Whether it is recorded, and that from the first sound on; with agents see `Bridge`."""
        record = self._plan is not None and recorded(self._settings, self.claim.attempt_id)
        return record, record and self._settings.record_early

    def keep_field(self, name: str, value: str) -> None:
        """Keep a field with the attempt; its line of the history is durable from now on."""
        if name in self.fields or len(self.fields) < FLOW_FIELDS_MAX:
            self.fields[name] = value
        self._save()

    def tape(self, name: str) -> None:
        """Record a part of the call."""
        self._out.append(Tape(self.claim.attempt_id, self.leg, name))

    def tape_end(self) -> None:
        """That was the part."""
        self._out.append(Tape(self.claim.attempt_id, self.leg, ""))

    def forbid(self, deed: Forbid, now_ns: int) -> None:
        """Put the number on the do-not-call list."""
        claim, now_ms = self.claim, self._clock.ms(now_ns)
        until_s = now_ms // 1000 + deed.days * DAY_S if deed.days else 0
        source = f"flow of {self._settings.name}"
        here = claim.campaign_id if deed.campaign_only else 0
        entry = DoNotCall(claim.phone, now_ms, source, campaign_id=here, until_ms=until_s * 1000)
        where = "in this campaign" if here else "in all campaigns"
        for_ = f"for {deed.days} days" if deed.days else "for good"
        self.record(EventKind.FORBIDDEN, f"{where}, {for_}", now_ns)
        if not deed.days:
            self._disposed = LeadState.BLOCKED, 0
        elif self._disposed is None or self._disposed[0] is not LeadState.BLOCKED:
            self._disposed = LeadState.RESTING, until_s
        self._out.append(Write(claim.attempt_id, (Ban(entry),)))
        self._save()

    def promise(self, deed: Promise, fields: Mapping[str, str], now_ns: int) -> bool:
        """Book a callback; False when there is no such time, or it would not be kept."""
        if self.unkept:
            self.record(EventKind.UNPROMISED, self.unkept, now_ns)
            return False
        claim, now_ms = self.claim, self._clock.ms(now_ns)
        due_s = due_at(deed, fields, now_ms // 1000, self._zone())
        if due_s is None:
            return False
        open_s = open_at(self._settings, due_s) if deed.agent else due_s
        self._booked = Callback(
            claim.campaign_id, claim.lead_id, claim.phone, due_s, deed.agent, open_s, now_ms,
            "flow", claim.attempt_id,
        )  # fmt: skip
        whose = f" by {deed.agent}" if deed.agent else ""
        self.record(EventKind.PROMISED, f"{due_s}{whose}", now_ns)
        self._save()
        return True

    def transfer(self, deed: Transfer, target: str, now_ns: int) -> None:  # noqa: ARG002
        """Connect the person with somebody: nobody can be reached from here yet."""
        if isinstance(self._flow, FlowRun):
            self._flow.failed(f"no way to a {deed.kind}", now_ns)

    def transfer_end(self, now_ns: int) -> None:
        """Nobody took it in time."""

    def close(self, result: str) -> None:
        """What came of the call."""
        self.result = result

    def _shown(self, key: str) -> str:
        """A key as it may be written down."""
        run = self._flow
        return HIDDEN if isinstance(run, FlowRun) and run.hides(key) else key

    def _zone(self) -> tzinfo:
        zones = self.claim.zones
        return parse_zone(zones[0]) if zones else find_regime(self._settings.regime).zone

    def _flow_ending(self, finish: Finish) -> tuple[DialOp, ...]:
        """The end of the attempt with what its flow says of the lead."""
        state, due_s = self._disposed or (None, 0)
        booked = None if self._disposed else self._booked
        if booked is not None:
            state, due_s = LeadState.CALLBACK, booked.open_s or NEVER_S
        if self.fields:
            finish = replace(finish, fields=self.fields)
        if state is None and not self.result:
            return (finish,)
        who, at_ms = finish.agent, finish.at_ms
        said = Dispose(finish.attempt_id, who, at_ms, self.result, state, due_s, booked)
        return replace(finish, wraps=True), said
