"""Which trunk carries a call, and why.

1. Only trunks that are up count, and under the loopback regime only loopback ones.
2. The longest prefix that a trunk claims and the number has; else the trunks that claim the
   number's carrier; else those that claim nothing. These are the route, and its name is the rule
   that explains the choice.
3. Of the route's trunks, the least used relative to channels x weight, then the one longest idle,
   among those with a free channel, within their calls per second, and not resting after failures.

A route is computed once per prefix or carrier when the lines change; the choice itself allocates
nothing and compares integers only, so that it can move to Cython as it stands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from dialerd.core.clock import NEVER
from dialerd.core.events import TrunkSpec
from dialerd.core.limits import CPS_MARGIN_NS, FAULTS_IN_A_ROW, REST_S_MAX, REST_S_MIN, TRUNKS_MAX
from dialerd.core.pacing import NS, RateLimit
from dialerd.core.records import Outcome
from fastpath.numbers import Number

_LONG_AGO: Final = -(1 << 62)


class Trunk:
    """One trunk's use. It outlives changes of its configuration, as its calls do."""

    __slots__ = (
        "capacity",
        "channels",
        "faults",
        "in_use",
        "limit",
        "name",
        "outcomes",
        "placed",
        "rest_until_ns",
        "rests",
        "spec",
        "trying",
        "used_ns",
    )

    def __init__(self, spec: TrunkSpec) -> None:
        """A trunk with nothing on it."""
        self.name = spec.name
        self.limit = RateLimit(spec.cps_max, CPS_MARGIN_NS)
        self.in_use = 0
        self.placed = 0
        self.used_ns = _LONG_AGO
        self.rest_until_ns = _LONG_AGO
        self.faults = 0
        self.rests = 0
        self.trying = False  # back from a rest: one call must get through before the next
        self.outcomes: Counter[Outcome] = Counter()
        self.configure(spec)

    def configure(self, spec: TrunkSpec) -> None:
        """New settings; channels in use and the last second's calls stay as they are."""
        if spec.cps_max != self.limit.rate:
            self.limit = self.limit.resized(spec.cps_max, CPS_MARGIN_NS)
        self.spec = spec
        self.channels = spec.channels if spec.up else 0
        self.capacity = max(1, self.channels * max(1, spec.weight))

    def take(self, now_ns: int, *, left: bool = True) -> int:
        """A call starts on it; `left` and the slot returned are those of `RateLimit.take`."""
        self.in_use += 1
        self.placed += 1
        self.used_ns = now_ns
        self.trying = self.rests > 0
        return self.limit.take(now_ns, left=left)

    def give_back(self, outcome: Outcome) -> None:
        """A call on it has ended."""
        self.in_use -= 1
        self.trying = False
        self.outcomes[outcome] += 1

    def faulted(self, now_ns: int) -> None:
        """It failed a call before anybody was alerted; many in a row and it rests, ever longer."""
        if now_ns < self.rest_until_ns:
            return  # of the calls that were under way when its rest began
        self.faults += 1
        if self.faults >= FAULTS_IN_A_ROW:
            self.rest_until_ns = now_ns + min(REST_S_MAX, REST_S_MIN << min(self.rests, 6)) * NS
            self.rests += 1
            self.faults = FAULTS_IN_A_ROW - 1  # after its rest one more failure sends it back

    def worked(self) -> None:
        """It got a call through to somebody."""
        self.faults = 0
        self.rests = 0
        self.trying = False


class Route:
    """The trunks that may carry one kind of number, under the rule that chose them."""

    __slots__ = ("rule", "trunks")

    def __init__(self, rule: str, trunks: Iterable[Trunk]) -> None:
        """`rule` is what a person reads: 'prefix 84903', 'carrier viettel', 'any'."""
        self.rule = rule
        self.trunks = tuple(trunks)

    def choose(self, now_ns: int, tried: frozenset[str] = frozenset()) -> Trunk | None:
        """The trunk for a call at `now_ns`, without those in `tried`; None when none is free."""
        best: Trunk | None = None
        for trunk in self.trunks:
            if (
                trunk.in_use >= trunk.channels
                or trunk.limit.ready_ns > now_ns
                or trunk.rest_until_ns > now_ns
                or trunk.trying
                or (tried and trunk.name in tried)
            ):
                continue
            if best is None:
                best = trunk
                continue
            load = trunk.in_use * best.capacity - best.in_use * trunk.capacity
            if load < 0 or (load == 0 and trunk.used_ns < best.used_ns):
                best = trunk
        return best

    def ready_ns(self, tried: frozenset[str] = frozenset()) -> int:
        """When the first trunk with a free channel may start a call; NEVER when all are full."""
        ready_ns = NEVER
        for trunk in self.trunks:
            free = trunk.in_use < trunk.channels and not trunk.trying
            if free and trunk.name not in tried:
                ready_ns = min(ready_ns, max(trunk.limit.ready_ns, trunk.rest_until_ns))
        return ready_ns

    def untried(self, tried: frozenset[str]) -> bool:
        """Whether it has a trunk that is not in `tried`."""
        return any(trunk.name not in tried for trunk in self.trunks)


class _Table:
    """The routes over one set of trunks."""

    __slots__ = ("by_any", "by_carrier", "by_prefix", "lengths")

    def __init__(self, trunks: list[Trunk]) -> None:
        prefixes: dict[str, list[Trunk]] = {}
        carriers: dict[str, list[Trunk]] = {}
        anything: list[Trunk] = []
        for trunk in trunks:
            for prefix in dict.fromkeys(trunk.spec.prefixes):
                prefixes.setdefault(prefix, []).append(trunk)
            for carrier in dict.fromkeys(trunk.spec.carriers):
                carriers.setdefault(carrier, []).append(trunk)
            if not trunk.spec.prefixes and not trunk.spec.carriers:
                anything.append(trunk)
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
    """All trunks, and the routes over them."""

    def __init__(self) -> None:
        """No trunks yet."""
        self.by_name: dict[str, Trunk] = {}
        self.listed: list[Trunk] = []
        self._all = _Table([])
        self._loopback = _Table([])

    def configure(self, specs: Iterable[TrunkSpec]) -> None:
        """The present set. Calls on a trunk that left it end by themselves."""
        self.listed = []
        for spec in list(specs)[:TRUNKS_MAX]:
            trunk = self.by_name.get(spec.name)
            if trunk is None:
                trunk = self.by_name[spec.name] = Trunk(spec)
            else:
                trunk.configure(spec)
            self.listed.append(trunk)
        listed = {trunk.name for trunk in self.listed}
        for name, trunk in list(self.by_name.items()):
            if name not in listed and not trunk.in_use:
                del self.by_name[name]
        usable = [trunk for trunk in self.listed if trunk.channels > 0]
        self._all = _Table(usable)
        self._loopback = _Table([trunk for trunk in usable if trunk.spec.loopback])

    def route(self, number: Number, carrier: str = "", *, loopback: bool = False) -> Route:
        """The trunks for a number. `carrier` is used when the number itself shows none.

        A route without trunks means that no line carries this number now.
        """
        table = self._loopback if loopback else self._all
        return table.route(number.digits, number.carrier or carrier)

    def usable(self, *, loopback: bool) -> list[Trunk]:
        """The trunks that a campaign may use at all."""
        return [t for t in self.listed if t.channels > 0 and (t.spec.loopback or not loopback)]

    def calls_per_s(self, *, loopback: bool) -> float:
        """What these trunks can start together; one without a limit counts as its channels."""
        return sum(t.spec.cps_max or t.channels for t in self.usable(loopback=loopback))
