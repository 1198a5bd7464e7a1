"""One trunk in use: its channels, its pace, its breaker, its ports, and what it may cost.

What the end of a call says of the trunk (`Trouble`):
- fault: counted by the breaker, or by the port that was asked for when the gateway itself answered;
- too fast: the pace is halved;
- full: no call for `FULL_S_MIN`, twice as long each time, until one of its own calls ends;
- none: the trunk did its work, whatever became of the call.
A Retry-After beside any of the first three is a rest of that length.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from dialerd.core.adaptive import Pace
from dialerd.core.breaker import Breaker, BreakerState
from dialerd.core.clock import NEVER
from dialerd.core.events import LineHealth, Released
from dialerd.core.gateway_port import Port
from dialerd.core.limits import ASR_CALLS, FULL_S_MAX, FULL_S_MIN, PORTS_MAX, SUSPECT_S
from dialerd.core.line_spec import PlanSpec, Trouble, TrunkSpec
from dialerd.core.metering import Ledger, Meter, longest_s
from dialerd.core.pacing import NS, RateLimit
from dialerd.core.records import Outcome, Usage

_LONG_AGO: Final = -(1 << 62)


class Trunk:
    """See the module's text. It outlives changes of its configuration, as its calls do."""

    __slots__ = (
        "_ledger", "_port_watchers", "_watchers", "alive", "asr", "breaker", "capacity", "channels",
        "ended_calls", "full_ns", "fulls", "in_use",
        "incoming",
        "meter", "name", "outcomes", "pace", "placed", "ports", "registered", "registration",
        "sound_ns", "spec", "used_ns", "why_down",
    )  # fmt: skip

    def __init__(self, spec: TrunkSpec, ledger: Ledger | None = None, day: int = 0) -> None:
        """A trunk with nothing on it."""
        self.name = spec.name
        self._ledger = Ledger() if ledger is None else ledger
        self.pace = Pace(spec.cps_max, spec.channels)
        self.breaker = Breaker()
        self.meter = Meter(spec.plan, self._ledger.days(spec.name))
        self.ports: dict[str, Port] = {}
        self.in_use = 0
        self.placed = 0
        self.incoming = 0  # calls to us
        self.used_ns = _LONG_AGO
        self.full_ns = _LONG_AGO  # until then it has no free channel
        self.fulls = 0
        self.alive = True  # as far as OPTIONS tell
        self.registered = not spec.registers
        self.registration = ""  # what a person reads of it
        self.why_down = ""
        self.sound_ns = _LONG_AGO  # until then other trunks are better
        self.asr = 0.0  # answered of the last calls
        self.ended_calls = 0
        self._watchers: list[tuple[set[int], int]] = []
        self._port_watchers: dict[str, list[tuple[set[int], int]]] = {}
        self.outcomes: Counter[Outcome] = Counter()
        self.configure(spec, day)

    def configure(self, spec: TrunkSpec, day: int = 0) -> None:
        """New settings; channels in use and the last second's calls stay as they are."""
        self.pace.configure(spec.cps_max, spec.channels)
        if not spec.registers:
            self.registered = True
        self.spec = spec
        self.meter.configure(spec.plan, self._ledger.days(spec.name), day)
        kept = self.ports
        self.ports = {}
        for one in spec.ports[:PORTS_MAX]:
            port = kept.get(one.name) or Port(one, self._ledger.days(spec.name, one.name))
            days = self._ledger.days(spec.name, port.account or one.name)
            port.configure(one, days, day)
            self.ports[one.name] = port
        channels = min(spec.channels, len(self.ports)) if self.ports else spec.channels
        self.channels = channels if spec.up and self.alive and self.registered else 0
        self.capacity = max(1, self.channels * max(1, spec.weight))
        self._all_changed()

    @property
    def limit(self) -> RateLimit:
        """Its present calls a second."""
        return self.pace.limit

    @property
    def up(self) -> bool:
        """Whether it carries calls at all."""
        return self.channels > 0

    # -- who chooses among trunks ----------------------------------------------------------------

    def watch(self, stale: set[int], at: int) -> None:
        """Put `at` into `stale` whenever something changes here."""
        self._watchers.append((stale, at))

    def watch_port(self, port: Port, stale: set[int], at: int) -> None:
        """The same of one port."""
        self._port_watchers.setdefault(port.name, []).append((stale, at))

    def unwatch(self) -> None:
        """Nobody chooses by what was laid out before."""
        self._watchers.clear()
        self._port_watchers.clear()

    def changed(self, port: str = "") -> None:
        """Something is different here: a choice has to look again."""
        for stale, at in self._watchers:
            stale.add(at)
        if port:
            for stale, at in self._port_watchers.get(port, ()):
                stale.add(at)

    # -- calls -----------------------------------------------------------------------------------

    def open_at(self, now_ns: int) -> bool:
        """Whether a call may start on it now, its ports aside."""
        breaker = self.breaker
        return not (
            self.in_use >= self.channels
            or self.pace.limit.ready_ns > now_ns
            or self.pace.pause_ns > now_ns
            or breaker.until_ns > now_ns
            or breaker.trying
            or self.full_ns > now_ns
            or self.meter.blocked
        )

    def ready_ns(self) -> int:
        """When a call may start on it, its ports aside; NEVER when that needs an event."""
        if self.in_use >= self.channels or self.breaker.trying or self.meter.blocked:
            return NEVER
        pace = self.pace
        return max(pace.limit.ready_ns, pace.pause_ns, self.breaker.until_ns, self.full_ns)

    def take(self, now_ns: int, port: Port | None = None, *, left: bool = True) -> int:
        """A call starts on it; `left` and the slot returned are those of `RateLimit.take`."""
        self.in_use += 1
        self.placed += 1
        self.used_ns = now_ns
        self.breaker.begun(now_ns)
        self.meter.begin()
        if port is not None:
            port.take(now_ns)
        slot = self.pace.take(now_ns, self.spec.channels, left=left)
        self.changed("" if port is None else port.name)
        return slot

    def call_s_max(self, port: Port | None) -> int:
        """How long a call on it may last."""
        return longest_s(self.spec.plan) if port is None else port.longest_s(self.spec.plan)

    def plan_of(self, port: Port) -> PlanSpec:
        """What a call on a port costs: by its own plan, or its trunk's when that has no price."""
        own = port.spec.plan
        return own if own.minute_milli or own.free_s else self.spec.plan

    @property
    def suspect(self) -> bool:
        """Whether a call that gets through would be news."""
        return bool(self.breaker.faults or self.breaker.rests or self.fulls or self.ports) or (
            self.breaker.state is not BreakerState.CLOSED
        )

    def give_back(
        self, outcome: Outcome, now_ns: int = 0, port: str = "", used: Usage | None = None
    ) -> None:
        """A call on it has ended."""
        self.in_use -= 1
        self.breaker.neutral()
        self.outcomes[outcome] += 1
        if outcome is not Outcome.FAILED:
            self.full_ns = _LONG_AGO  # a channel of its own is free again
        self.meter.end()
        found = self.ports.get(port) if port else None
        if found is not None and found.busy:
            found.give_back(now_ns)
        self.ended_calls += 1
        self.asr += ((used is not None) - self.asr) / min(self.ended_calls, ASR_CALLS)
        if used is not None:
            self._count(used, found)
        self.changed(port)

    def _count(self, used: Usage, port: Port | None) -> None:
        self._ledger.add(used)
        self.meter.used(used)
        if port is not None:
            port.answered += used.calls
            if used.port == (port.account or port.name):  # else its SIM was changed meanwhile
                port.meter.used(used)

    def came_in(self) -> None:
        """A call to us is on it: its channel is not ours to dial on."""
        self.in_use += 1
        self.changed()

    def went(self) -> None:
        """It is over."""
        self.in_use -= 1
        self.changed()

    # -- what is told of it ----------------------------------------------------------------------

    def ended(self, event: Released, port: str, now_ns: int) -> bool:
        """What the end of a leg says of it; whether a person should be told."""
        self.changed(port)
        trouble = event.trouble
        if trouble is None:
            trouble = Trouble.FAULT if event.advance else Trouble.NONE
        if trouble is Trouble.NONE:
            return self.worked(now_ns, port) if event.code and event.by == "them" else False
        changed = False
        if trouble is Trouble.FAULT and self.breaker.faults:  # the second in a row
            self.sound_ns = now_ns + SUSPECT_S * NS
        found = self.ports.get(port) if port else None
        modem = found is not None and found.spec.watched
        reason = f"{event.code}" if event.code else "a failed call" if modem else "no answer"
        if trouble is Trouble.TOO_FAST:
            changed = self.pace.slow(now_ns, self.spec.channels)
            self.breaker.neutral()
        elif found is not None and (event.code or modem):
            found.fault(reason, now_ns, event.retry_after_s, full=trouble is Trouble.FULL)
            self.breaker.neutral()
            return False
        elif trouble is Trouble.FULL:
            self._filled(now_ns)
            self.breaker.neutral()
        else:
            changed = self.breaker.fault(reason, now_ns, silent=not event.code)
        if event.retry_after_s:
            asked = f"{reason}, asked to wait {event.retry_after_s} s"
            changed = self.breaker.rest(asked, event.retry_after_s, now_ns) or changed
        return changed

    def _filled(self, now_ns: int) -> None:
        self.full_ns = now_ns + min(FULL_S_MAX, FULL_S_MIN << min(self.fulls, 5)) * NS
        self.fulls += 1

    def worked(self, now_ns: int, port: str = "") -> bool:
        """It got a call through to somebody; whether a person should be told."""
        self.changed(port)
        self.fulls = 0
        self.sound_ns = _LONG_AGO
        found = self.ports.get(port) if port else None
        if found is not None:
            found.success()
        return self.breaker.success(now_ns)

    def health(self, told: LineHealth, now_ns: int) -> bool:
        """What OPTIONS and REGISTER tell, and modems of their ports; whether routes change."""
        if told.port:
            return self._port_health(told)
        was = self.up
        if told.alive is not None:
            self.alive = told.alive
            if told.alive:
                self.breaker.heard_again(now_ns)
        if told.registered is not None:
            self.registered = told.registered or not self.spec.registers
            state = "registered" if told.registered else "not registered"
            self.registration = f"{state}: {told.why}" if told.why else state
        if self.alive and self.registered:
            self.why_down = ""
        elif told.alive is False or told.registered is False:
            self.why_down = told.why or self.registration or "no answer to OPTIONS"
        self.configure(self.spec, self.meter.day)
        return was != self.up

    def _port_health(self, told: LineHealth) -> bool:
        port = self.ports.get(told.port)
        if port is None:
            return False
        away = "" if told.alive else told.why or "its modem is not ready"
        account = told.account or port.account
        port.told(away, account, self._ledger.days(self.name, account or port.name))
        self.changed(port.name)
        before, port.can = port.can, told.can
        return before != told.can

    def why_not(self, now_ns: int) -> str:
        """Why no call may start on it now; empty when one may, or only its pace holds it."""
        if not self.spec.up or not self.up:
            return self.why_down or "down"
        if self.breaker.until_ns > now_ns:
            return f"rests after failures ({self.breaker.reason})"
        if self.breaker.trying:
            return "tried with one call after failures"
        if self.full_ns > now_ns:
            return "says it is full"
        return self.meter.blocked

    def roll(self, day: int) -> None:
        """It is another day."""
        self.meter.roll(day)
        for port in self.ports.values():
            port.meter.roll(day)
        self._all_changed()

    def _all_changed(self) -> None:
        self.changed()
        for port in self._port_watchers:
            self.changed(port)
