"""Which trunk carries a call, and why.

1. Only trunks that are up count, and under the loopback regime only loopback ones.
2. The longest prefix that a trunk claims and the number has; else the trunks that claim the
   number's carrier; else those that claim nothing. These are the route, and its name is the rule
   that explains the choice. A port of a gateway claims by itself, or what its trunk claims.
3. Of the route's trunks, the least used relative to channels x weight, then the one longest idle,
   among those with a free channel and port, within their calls per second and their plan, and not
   resting.

A route is computed once per prefix or carrier when the lines change; the choice itself allocates
nothing and compares integers only, so that it can move to Cython as it stands.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from dialerd.core.clock import NEVER
from dialerd.core.gateway_port import Port, pick, ready_ns
from dialerd.core.limits import TRUNKS_MAX
from dialerd.core.line_spec import Line, PortSpec, TrunkSpec
from dialerd.core.metering import DAY_NS, Ledger, day_of
from dialerd.core.pacing import NS
from dialerd.core.records import Usage
from dialerd.core.trunk import Trunk
from fastpath.numbers import Number

Claim = tuple[Trunk, Port | None]
VIETNAM_S: Final = 7 * 3600


class Route:
    """The trunks that may carry one kind of number, under the rule that chose them."""

    __slots__ = ("ports", "rule", "trunks")

    def __init__(self, rule: str, claims: Iterable[Claim]) -> None:
        """`rule` is what a person reads: 'prefix 84903', 'carrier viettel', 'any'."""
        self.rule = rule
        found: dict[Trunk, list[Port]] = {}
        for trunk, port in claims:
            found.setdefault(trunk, []).extend([] if port is None else [port])
        self.trunks = tuple(found)
        self.ports = {trunk.name: tuple(ports) for trunk, ports in found.items() if ports}

    def choose(self, now_ns: int, tried: frozenset[str] = frozenset()) -> Trunk | None:
        """The trunk for a call at `now_ns`, without those in `tried`; None when none is free."""
        best: Trunk | None = None
        for trunk in self.trunks:
            if not trunk.open_at(now_ns) or (tried and trunk.name in tried):
                continue
            if trunk.ports and self.port(trunk, now_ns) is None:
                continue
            if best is None:
                best = trunk
                continue
            load = trunk.in_use * best.capacity - best.in_use * trunk.capacity
            if load < 0 or (load == 0 and trunk.used_ns < best.used_ns):
                best = trunk
        return best

    def port(self, trunk: Trunk, now_ns: int) -> Port | None:
        """The port of the chosen trunk; None when it has no ports."""
        return pick(self.ports.get(trunk.name, ()), now_ns)

    def ready_ns(self, tried: frozenset[str] = frozenset()) -> int:
        """When the first trunk with a free channel may start a call; NEVER when all are full."""
        soonest_ns = NEVER
        for trunk in self.trunks:
            if trunk.name not in tried:
                when_ns = trunk.ready_ns()
                if trunk.ports:
                    when_ns = max(when_ns, ready_ns(self.ports.get(trunk.name, ())))
                soonest_ns = min(soonest_ns, when_ns)
        return soonest_ns

    def untried(self, tried: frozenset[str]) -> bool:
        """Whether it has a trunk that is not in `tried`."""
        return any(trunk.name not in tried for trunk in self.trunks)


class _Table:
    """The routes over one set of trunks."""

    __slots__ = ("by_any", "by_carrier", "by_prefix", "lengths")

    def __init__(self, trunks: list[Trunk]) -> None:
        prefixes: dict[str, list[Claim]] = {}
        carriers: dict[str, list[Claim]] = {}
        anything: list[Claim] = []
        for trunk in trunks:
            for port in trunk.ports.values() or (None,):
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
        usable = [trunk for trunk in self.listed if trunk.channels > 0]
        self._all = _Table(usable)
        self._loopback = _Table([trunk for trunk in usable if trunk.spec.loopback])

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

    def route(self, number: Number, carrier: str = "", *, loopback: bool = False) -> Route:
        """The trunks for a number. `carrier` is used when the number itself shows none.

        A route without trunks means that no line carries this number now.
        """
        table = self._loopback if loopback else self._all
        return table.route(number.digits, number.carrier or carrier)

    def line(self, trunk: Trunk, port: Port | None) -> Line:
        """What a call has of its line."""
        plan = trunk.spec.plan if port is None else trunk.plan_of(port)
        return Line(port.name if port else "", trunk.call_s_max(port), plan, self.day)

    def usable(self, *, loopback: bool) -> list[Trunk]:
        """The trunks that a campaign may use at all."""
        return [t for t in self.listed if t.channels > 0 and (t.spec.loopback or not loopback)]

    def calls_per_s(self, *, loopback: bool) -> float:
        """What these trunks can start together; one without a limit counts as its channels."""
        return sum(t.spec.cps_max or t.channels for t in self.usable(loopback=loopback))
