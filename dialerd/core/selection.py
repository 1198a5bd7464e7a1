"""Which trunk carries a call, and why.

1. Only trunks that are up count, and under the loopback regime only loopback ones.
2. The longest prefix that a trunk claims and the number has; else the trunks that claim the
   number's carrier; else those that claim nothing. These are the route, and its name is the rule
   that explains the choice. A port of a gateway claims by itself, or what its trunk claims.
3. Of the route's trunks those with a free channel and port, within their calls per second and
   their plan, and not resting. Of these, sound ones before those that failed twice in a row or get
   far fewer calls answered than their fellows (for `SUSPECT_S`: then they are tried again), then
   the cheapest minute, then the least used relative to channels x weight, then the longest idle.
4. Of its ports the cheapest, then the one that talked least today, then the longest idle.

A port that cannot do what a campaign's calls need (`needs`: hear keys, record, let people talk,
play prompts that are on it) is on no route of that campaign: it has routes of its own then.

A route is computed once per prefix or carrier when the lines change. Its trunks and ports stand in
a compiled `Choice`; what happens to one of them is told to it before the next choice, so a choice
looks at those that changed and not at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from dialerd.core.clock import NEVER
from dialerd.core.gateway_port import Port
from dialerd.core.limits import ASR_CALLS, ASR_SHARE, SUSPECT_S, TRUNKS_MAX
from dialerd.core.line_spec import Line, PortSpec, TrunkSpec
from dialerd.core.metering import DAY_NS, Ledger, day_of
from dialerd.core.needs import NOTHING, Needs
from dialerd.core.pacing import NS
from dialerd.core.records import Usage
from dialerd.core.trunk import Trunk
from fastpath.numbers import Number
from fastpath.select import Choice

Claim = tuple[Trunk, Port | None]
VIETNAM_S: Final = 7 * 3600
USE_BITS: Final = 32  # of a trunk's use as a whole number


class _Ports:
    """The ports of one trunk that a route may take."""

    __slots__ = ("choice", "ports", "stale")

    def __init__(self, trunk: Trunk, ports: tuple[Port, ...]) -> None:
        self.ports = ports
        self.choice = Choice(len(ports))
        self.stale = set(range(len(ports)))
        for at, port in enumerate(ports):
            trunk.watch_port(port, self.stale, at)

    def refresh(self, trunk: Trunk) -> None:
        """Tell the choice what changed."""
        while self.stale:
            at = self.stale.pop()
            port = self.ports[at]
            self.choice.set(
                at,
                NEVER if port.away or port.meter.blocked else port.ready_ns,
                cost=trunk.plan_of(port).minute_milli,
                load=port.meter.today.seconds,
                used_ns=port.used_ns,
            )


class Route:
    """The trunks that may carry one kind of number, under the rule that chose them."""

    __slots__ = ("_asr", "_choice", "_ports", "_stale", "ports", "rule", "trunks")

    def __init__(self, rule: str, claims: Iterable[Claim]) -> None:
        """`rule` is what a person reads: 'prefix 84903', 'carrier viettel', 'any'."""
        self.rule = rule
        found: dict[Trunk, list[Port]] = {}
        for trunk, port in claims:
            found.setdefault(trunk, []).extend([] if port is None else [port])
        self.trunks = tuple(found)
        self.ports = {trunk.name: tuple(ports) for trunk, ports in found.items() if ports}
        self._choice = Choice(len(self.trunks))
        self._stale = set(range(len(self.trunks)))
        self._asr = 0.0  # of its trunks, those in use weighing more
        self._ports = {
            trunk.name: _Ports(trunk, self.ports[trunk.name])
            for trunk in self.trunks
            if trunk.name in self.ports
        }
        for at, trunk in enumerate(self.trunks):
            trunk.watch(self._stale, at)

    def choose(self, now_ns: int, tried: frozenset[str] = frozenset()) -> Trunk | None:
        """The trunk for a call at `now_ns`, without those in `tried`; None when none is free."""
        self._refresh()
        if not tried:
            at = self._choice.best(now_ns)
        else:
            out = [at for at, trunk in enumerate(self.trunks) if trunk.name in tried]
            at = self._choice.best_but(now_ns, out)
        return None if at < 0 else self.trunks[at]

    def port(self, trunk: Trunk, now_ns: int) -> Port | None:
        """The port of the chosen trunk; None when it has no ports."""
        found = self._ports.get(trunk.name)
        if found is None:
            return None
        found.refresh(trunk)
        at = found.choice.best(now_ns)
        return None if at < 0 else found.ports[at]

    def ready_ns(self, tried: frozenset[str] = frozenset()) -> int:
        """When the first trunk with a free channel may start a call; NEVER when all are full."""
        self._refresh()
        if not tried:
            return min(self._choice.ready_ns(), NEVER)
        left = [at for at, trunk in enumerate(self.trunks) if trunk.name not in tried]
        return min((self._ready_ns(self.trunks[at]) for at in left), default=NEVER)

    def untried(self, tried: frozenset[str]) -> bool:
        """Whether it has a trunk that is not in `tried`."""
        return any(trunk.name not in tried for trunk in self.trunks)

    def explain(self, now_ns: int) -> list[str]:
        """Every trunk with a sentence: first those that may take a call, in the order they would.

        It asks for the whole order, so it is for people, not for each call.
        """
        self._refresh()
        order = self._choice.order(now_ns, len(self.trunks))
        said = [
            f"{self.trunks[at].name}: {self._standing(self.trunks[at], now_ns)}" for at in order
        ]
        for trunk in self.trunks:
            if not any(self.trunks[at] is trunk for at in order):
                why = trunk.why_not(now_ns)
                if not why and trunk.in_use >= trunk.channels:
                    why = "no free channel"
                elif not why and trunk.ready_ns() > now_ns:
                    why = "its calls a second are used up"
                said.append(f"{trunk.name}: {why or 'no free port'}")
        return said

    def _standing(self, trunk: Trunk, now_ns: int) -> str:
        """Why a trunk stands where it does among those that may take a call."""
        parts = [f"{trunk.in_use} of {trunk.channels} used"]
        if trunk.spec.plan.minute_milli:
            parts.append(f"{trunk.spec.plan.minute_milli / 1000:g} a minute")
        if self._sound_ns(trunk) > now_ns:
            parts.append("after the others: calls failed or were not answered lately")
        return ", ".join(parts)

    def _refresh(self) -> None:
        """Tell the choice what changed since the last one."""
        stale = self._stale
        while stale:
            at = stale.pop()
            trunk = self.trunks[at]
            self._asr += (trunk.asr - self._asr) / ASR_CALLS
            self._choice.set(
                at,
                self._ready_ns(trunk),
                self._sound_ns(trunk),
                trunk.spec.plan.minute_milli,
                (trunk.in_use << USE_BITS) // trunk.capacity,
                trunk.used_ns,
            )

    def _ready_ns(self, trunk: Trunk) -> int:
        when_ns = trunk.ready_ns()
        found = self._ports.get(trunk.name)
        if found is not None:
            found.refresh(trunk)
            when_ns = max(when_ns, found.choice.ready_ns())
        elif trunk.ports:
            return NEVER  # none of its ports takes these numbers
        return min(when_ns, NEVER)

    def _sound_ns(self, trunk: Trunk) -> int:
        """Until when it stands behind the others."""
        if trunk.ended_calls >= ASR_CALLS and trunk.asr < self._asr * ASR_SHARE:
            return max(trunk.sound_ns, trunk.used_ns + SUSPECT_S * NS)
        return trunk.sound_ns


class _Table:
    """The routes over one set of trunks."""

    __slots__ = ("by_any", "by_carrier", "by_prefix", "lengths")

    def __init__(self, trunks: list[Trunk], needs: Needs = NOTHING) -> None:
        prefixes: dict[str, list[Claim]] = {}
        carriers: dict[str, list[Claim]] = {}
        anything: list[Claim] = []
        for trunk in trunks:
            able = [p for p in trunk.ports.values() if p.can is None or not p.can.lacks(needs)]
            for port in able if trunk.ports else (None,):
                spec: PortSpec | TrunkSpec = trunk.spec
                if port is not None and (port.spec.prefixes or port.spec.carriers):
                    spec = port.spec
                for prefix in dict.fromkeys(spec.prefixes):
                    prefixes.setdefault(prefix, []).append((trunk, port))
                for carrier in dict.fromkeys(spec.carriers):
                    carriers.setdefault(carrier, []).append((trunk, port))
                if not spec.prefixes and not spec.carriers:
                    anything.append((trunk, port))
        self.by_prefix = {p: Route(f"prefix {p}", found) for p, found in prefixes.items()}
        self.by_carrier = {c: Route(f"carrier {c}", found) for c, found in carriers.items()}
        self.by_any = Route("any", anything)
        self.lengths = sorted({len(prefix) for prefix in prefixes}, reverse=True)

    def route(self, digits: str, carrier: str) -> Route:
        for length in self.lengths:
            found = self.by_prefix.get(digits[:length])
            if found is not None:
                return found
        return self.by_carrier.get(carrier, self.by_any)


class Trunks:
    """All trunks, the routes over them, and the books of what they used."""

    def __init__(self) -> None:
        """No trunks yet."""
        self.by_name: dict[str, Trunk] = {}
        self.listed: list[Trunk] = []
        self.ledger = Ledger()
        self.utc_offset_s = VIETNAM_S
        self.day = 0  # the local day; 0 while the clock is not known
        self._all = _Table([])
        self._loopback = _Table([])
        self._of_needs: dict[tuple[bool, Needs], _Table] = {}  # where some port cannot do all
        self._all_able = True

    def configure(self, specs: Iterable[TrunkSpec], utc_offset_s: int = VIETNAM_S) -> None:
        """The present set. Calls on a trunk that left it end by themselves."""
        self.utc_offset_s = utc_offset_s
        self.listed = []
        for spec in list(specs)[:TRUNKS_MAX]:
            trunk = self.by_name.get(spec.name)
            if trunk is None:
                trunk = self.by_name[spec.name] = Trunk(spec, self.ledger, self.day)
            else:
                trunk.configure(spec, self.day)
            self.listed.append(trunk)
        listed = {trunk.name for trunk in self.listed}
        for name, trunk in list(self.by_name.items()):
            if name not in listed and not trunk.in_use:
                del self.by_name[name]
        self.rebuild()

    def rebuild(self) -> None:
        """The routes anew: a trunk came, went, or is up or down."""
        for trunk in self.by_name.values():
            trunk.unwatch()
        usable = [trunk for trunk in self.listed if trunk.channels > 0]
        self._all = _Table(usable)
        self._loopback = _Table([trunk for trunk in usable if trunk.spec.loopback])
        self._of_needs.clear()
        self._all_able = all(p.can is None for trunk in usable for p in trunk.ports.values())

    def load(self, history: Iterable[Usage]) -> None:
        """What earlier runs used."""
        self.ledger.load(history)
        for trunk in self.by_name.values():
            trunk.configure(trunk.spec, self.day)

    def roll(self, now_ns: int, offset_ns: int) -> int:
        """Begin a new day when it has come; when the present one ends (monotonic)."""
        wall_ns = now_ns + offset_ns
        day = day_of(wall_ns, self.utc_offset_s)
        if day != self.day:
            self.day = day
            self.ledger.forget(day)
            for trunk in self.by_name.values():
                trunk.roll(day)
        return (day + 1) * DAY_NS - self.utc_offset_s * NS - offset_ns

    def route(
        self,
        number: Number,
        carrier: str = "",
        *,
        loopback: bool = False,
        needs: Needs = NOTHING,
    ) -> Route:
        """The trunks for a number. `carrier` is used when the number itself shows none.

        A route without trunks means that no line carries this number now.
        """
        table = self._loopback if loopback else self._all
        if not self._all_able and needs != NOTHING:
            table = self._of_needs.get((loopback, needs)) or self._lay_out(needs, loopback=loopback)
        return table.route(number.digits, number.carrier or carrier)

    def _lay_out(self, needs: Needs, *, loopback: bool) -> _Table:
        """Routes without the ports that cannot do it."""
        made = _Table(self.usable(loopback=loopback), needs)
        self._of_needs[loopback, needs] = made
        return made

    def line(self, trunk: Trunk, port: Port | None) -> Line:
        """What a call has of its line."""
        plan = trunk.spec.plan if port is None else trunk.plan_of(port)
        name, account = (port.name, port.account) if port else ("", "")
        return Line(name, trunk.call_s_max(port), plan, self.day, account)

    def usable(self, *, loopback: bool) -> list[Trunk]:
        """The trunks that a campaign may use at all."""
        return [t for t in self.listed if t.channels > 0 and (t.spec.loopback or not loopback)]

    def calls_per_s(self, *, loopback: bool) -> float:
        """What these trunks can start together; one without a limit counts as its channels."""
        return sum(t.spec.cps_max or t.channels for t in self.usable(loopback=loopback))
