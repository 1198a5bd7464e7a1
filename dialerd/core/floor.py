"""What the parts of the dialer share: its campaigns, trunks, calls, clock, and effects."""

from __future__ import annotations

from dialerd.core.call import Call
from dialerd.core.clock import NEVER, WallClock
from dialerd.core.effects import AnyEffect, Notify
from dialerd.core.needs import TALKING, Need
from dialerd.core.ops import Claim
from dialerd.core.pacing import RateLimit
from dialerd.core.running import Run
from dialerd.core.selection import Route, Trunks
from dialerd.core.trunk import Trunk
from fastpath.numbers import Number


class Floor:
    """The dialing floor. Its deadlines are minima that their owners reset when they act."""

    __slots__ = (
        "calls",
        "calls_max",
        "clock",
        "dial_ns",
        "draining",
        "ending",
        "host",
        "house_ns",
        "leg",
        "limit",
        "media_max",
        "media_why",
        "out",
        "runs",
        "store_ok",
        "trunks",
    )

    def __init__(
        self, calls_per_s_max: float = 0.0, calls_max: int = 0, host: str = "dialerd"
    ) -> None:
        """Nothing to do yet. The limits are those of the whole daemon; 0 binds nothing."""
        self.host = host
        self.limit = RateLimit(calls_per_s_max)
        self.calls_max = calls_max
        self.media_max = 0  # what the media threads carry in time; 0 binds nothing
        self.media_why = ""
        self.clock = WallClock()
        self.trunks = Trunks()
        self.runs: dict[int, Run] = {}
        self.calls: dict[int, Call] = {}
        self.out: list[AnyEffect] = []
        self.leg = 0  # the number of the last one
        self.draining = False
        self.ending = False  # so is the process: no telephone is rung but for a call
        self.store_ok = True
        self.dial_ns = NEVER  # when a call could next be placed
        self.house_ns = NEVER  # when hours, leases or claims next need a look

    def may_dial(self, run: Run, now_ns: int) -> bool:
        """Whether the daemon, the gate and the hours let a campaign dial now."""
        return (
            run.running
            and self.store_ok
            and not self.draining
            and self.clock.known
            and run.open_at(now_ns + self.clock.offset_ns)
        )

    @property
    def full(self) -> bool:
        """Whether as many calls are in progress as the daemon may have, or its media carry."""
        return 0 < self.calls_max <= len(self.calls) or self.media_full

    @property
    def media_full(self) -> bool:
        """Whether one more call would make the others late."""
        return 0 < self.media_max <= len(self.calls)

    def room_ns(self, now_ns: int) -> int:
        """When the daemon's own limits let one more call start: 0 now, NEVER when one must end."""
        if self.full:
            return NEVER
        return self.limit.ready_ns if self.limit.ready_ns > now_ns else 0

    def route(self, run: Run, claim: Claim, number: Number) -> Route:
        """The trunks that may carry a claimed number."""
        return self.trunks.route(number, claim.carrier, loopback=run.loopback, needs=run.needs)

    def files_wanted(self) -> set[str]:
        """The prompts of running campaigns whose calls need no more than files and keys."""
        runs = (run for run in self.runs.values() if run.running)
        few = (run.needs.prompts for run in runs if not run.needs.of & ~Need.KEYS)
        return set().union(*few)

    def route_over(self, run: Run, claim: Claim, number: Number) -> Route:
        """Those that may carry somebody whom a person is put through to."""
        return self.trunks.route(number, claim.carrier, loopback=run.loopback, needs=TALKING)

    def next_leg(self) -> int:
        """The number of a new leg, of a customer's or an agent's."""
        self.leg += 1
        return self.leg

    def lines_free(self, *, loopback: bool) -> int:
        """How many more calls the trunks that are up, and the daemon, could carry now."""
        trunks = self.trunks.usable(loopback=loopback)
        free = sum(max(0, trunk.channels - trunk.in_use) for trunk in trunks)
        for most in (self.calls_max, self.media_max):
            if most:
                free = min(free, max(0, most - len(self.calls)))
        return free

    def tell(self, trunk: Trunk, now_ns: int) -> None:
        """Something about a trunk that a person should see."""
        breaker = trunk.breaker
        data: dict[str, object] = {
            "name": trunk.name,
            "up": trunk.up,
            "breaker": str(breaker.state_at(now_ns)),
            "reason": breaker.reason or trunk.why_down,
            "calls_per_s": round(trunk.pace.rate, 3),
            "registration": trunk.registration,
            "at_ms": self.clock.ms(now_ns),
        }
        self.out.append(Notify("trunk", data))

    def look_by(self, when_ns: int) -> None:
        """The house needs a look at `when_ns` or before."""
        self.house_ns = min(self.house_ns, when_ns)

    def look_now(self, now_ns: int) -> None:
        """Something changed for everybody."""
        self.house_ns = self.dial_ns = now_ns
