"""A simulated day: the daemon's own machines and store, in a world made of a scenario and a seed.

What runs is what the daemon runs: dialer, calls, flows, selection, pacing, the store's logic over
memory. Made up are the carriers and people (`day_lines`), the clock and the driver (`day_driver`)
and what goes wrong (`day_faults`). The same scenario and seed give the same day, to the last byte.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Final

import dialerd.core.events as ev
from dialerd.core.agent_records import AgentState
from dialerd.core.dialer import Dialer
from dialerd.core.limits import USAGE_DAYS_MAX
from dialerd.core.metering import DAY_NS
from dialerd.core.ops import OldCall
from dialerd.core.records import Campaign, CampaignState, Contact, DoNotCall
from dialerd.core.spec_settings import to_settings
from dialerd.core.team_books import counts_from
from dialerd.plan_file import read_numbering
from dialerd.sim import limits
from dialerd.sim.day_agents import Staff
from dialerd.sim.day_clock import NS, VirtualClock
from dialerd.sim.day_driver import Disk, Driver
from dialerd.sim.day_faults import Faults
from dialerd.sim.day_lines import Carriers
from dialerd.sim.day_scenario import PeopleList, Scenario
from dialerd.sim.lists import numbers
from dialerd.store.memory import MemoryStore
from dialerd.store.ticket import wait
from fastpath.numbers import Numbering

LEGS_OF_PROCESS: Final = 100_000_000  # each process numbers its legs from another hundred million
CHUNK: Final = 4_000
LOOK_EVERY: Final = 4_096  # steps between two looks at how far the day is
OLD_CALLS_S: Final = 1.0  # how often a new process looks what it has still to end
WHO: Final = "the day"
EMERGENCY: Final = (84111, 84112, 84113, 84114, 84115)
PREMIUM: Final = 841_900_000_000

Progress = Callable[[float, int], None]


def _quiet(_: float, __: int) -> None:
    pass


class Day:
    """One day of a scenario. `run` it once, then look at `store`, `carriers`, `faults`."""

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        *,
        numbering: Numbering | None = None,
        dialer: Callable[..., Dialer] = Dialer,
    ) -> None:
        """Lists are imported and campaigns drafted. `dialer` makes the machine to try."""
        self.scenario = scenario
        self.seed = seed
        self.clock = VirtualClock(round(scenario.start.timestamp()) * NS)
        self.store = MemoryStore()
        self.disk = Disk(scenario.commit_ms)
        self.carriers = Carriers(scenario, seed, self.clock)
        self.staff = Staff(scenario, seed, self.clock, self.carriers)
        self.carriers.on_gone = self.staff.customer_gone
        self.faults = Faults(scenario, seed, self.clock, self.carriers, self.disk)
        self.numbering = numbering or read_numbering(scenario.numbering)
        self.driver: Driver | None = None
        self.crashes: list[int] = []  # when, monotonic ns
        self.processes = 0
        self.events = 0
        self.over = False
        self.closed_ns = 0  # when the day's work was over
        self.columns: dict[str, dict[int, dict[str, str]]] = {}  # of lists that have any
        self.end_ns = self.clock.now_ns + round(scenario.hours * 3600 * NS)
        self._make = dialer
        self._rng = random.Random(f"day:{seed}")  # noqa: S311  a repeatable world
        self._old: list[OldCall] = []
        self._campaigns: dict[int, CampaignState] = {}
        self._fill()

    # -- before it begins ------------------------------------------------------------------------

    def _fill(self) -> None:
        """Lists, the do-not-call list, drafts of the campaigns."""
        source = numbers(self.seed)
        people: dict[str, list[tuple[int, str]]] = {}
        ids: dict[str, int] = {}
        at_ms = self.clock.true_ms
        for one in self.scenario.list:
            made = people[one.name] = self._people(one, source, people)
            ids[one.name] = wait(self.store.create_list(one.name, at_ms)).list_id
            columns = self.columns[one.name] = self._columns(one, [phone for phone, _ in made])
            for first in range(0, len(made), CHUNK):
                rows = [
                    Contact(phone, f"+{phone}", carrier, columns.get(phone, {}))
                    for phone, carrier in made[first : first + CHUNK]
                ]
                wait(self.store.add_contacts(ids[one.name], rows))
            self._do_not_call(one, [phone for phone, _ in made])
        campaigns: dict[str, int] = {}
        for spec in self.scenario.campaign:
            after = campaigns[spec.after] if spec.after else 0
            settings = to_settings(spec, ids, after)
            made_id = wait(self.store.create_campaign(settings, WHO, at_ms)).campaign_id
            campaigns[spec.name] = made_id
        self.staff.hire(campaigns, self.feed, self._not_over)

    def _people(
        self,
        one: PeopleList,
        source: Iterator[tuple[int, str]],
        earlier: dict[str, list[tuple[int, str]]],
    ) -> list[tuple[int, str]]:
        forbidden = round(one.people * one.forbidden)
        shared = round(one.people * one.shared) if one.shares else 0
        made = [(_forbidden(i), "") for i in range(forbidden)]
        if shared:
            made += self._rng.sample(earlier[one.shares], shared)
        made += [next(source) for _ in range(one.people - len(made))]
        self._rng.shuffle(made)
        return made

    def _columns(self, one: PeopleList, phones: list[int]) -> dict[int, dict[str, str]]:
        """What the further columns of a list say of each person."""
        if not one.columns:
            return {}
        drawn = [
            self._rng.choices(list(values), list(values.values()), k=len(phones))
            for values in one.columns.values()
        ]
        rows = zip(*drawn, strict=True)
        return {
            phone: dict(zip(one.columns, row, strict=True))
            for phone, row in zip(phones, rows, strict=True)
        }

    def _do_not_call(self, one: PeopleList, phones: list[int]) -> None:
        now, later = round(one.people * one.do_not_call), round(one.people * one.do_not_call_later)
        chosen = self._rng.sample(phones, now + later)
        at_ms = self.clock.true_ms
        wait(self.store.dnc_add([DoNotCall(phone, at_ms, "before") for phone in chosen[:now]]))
        for phone in chosen[now:]:
            self.clock.after(self._rng.uniform(0, self.scenario.hours * 3600), self.block, phone)

    def block(self, phone: int) -> None:
        """Somebody asks never to be called again; the dialer is not told."""
        wait(self.store.dnc_add([DoNotCall(phone, self.clock.true_ms, "during the day")]))

    # -- the daemon ------------------------------------------------------------------------------

    def boot(self) -> None:
        """A process of the daemon begins, in the daemon's own order."""
        scenario, clock = self.scenario, self.clock
        dialer = self._make(
            self.numbering,
            first_leg=1 + LEGS_OF_PROCESS * self.processes,
            confirms_dials=True,
            calls_per_s_max=scenario.calls_per_s_max,
            calls_max=scenario.calls_max,
        )
        self.processes += 1
        driver = self.driver = Driver(clock, dialer, self.store, self.disk, self._rng)
        driver.lines, driver.staff = self.carriers, self.staff
        self.carriers.driver = driver
        wait(self.store.recover(driver.wall_ms))
        day = clock.offset_ns // DAY_NS
        driver.start(
            ev.UsageKnown(tuple(self.store.usage(day - USAGE_DAYS_MAX))),
            ev.LinesChanged(tuple(line.spec() for line in scenario.trunk), self._utc_offset_s()),
        )
        for old in (before := self.store.old_calls()):
            self.carriers.end_old(int(old.line))
        self._old = before
        if before:
            clock.after(OLD_CALLS_S, self._old_calls, driver)
        for name, line in self.carriers.lines.items():
            if line.down:
                self.faults.notice_down(name, self)
        for campaign in self.store.campaigns():
            met = tuple(
                self.store.met(campaign.campaign_id, counts_from(campaign.settings, driver.wall_ms))
            )
            driver.feed(ev.CampaignChanged(campaign, met))
        if self.processes > 1:
            self.staff.log_in()

    def _not_over(self) -> set[int]:
        over = CampaignState.FINISHED
        return {one.campaign_id for one in self.store.campaigns() if one.state is not over}

    def _utc_offset_s(self) -> int:
        offset = self.scenario.start.utcoffset()
        return 0 if offset is None else round(offset.total_seconds())

    def _old_calls(self, driver: Driver) -> None:
        """What was ended of the calls of before is taken out of the store."""
        if driver.dead:
            return
        over = [old for old in self._old if int(old.line) not in self.carriers.live]
        wait(self.store.old_calls_ended([old.attempt_id for old in over]))
        self._old = [old for old in self._old if old not in over]
        if self._old:
            self.clock.after(OLD_CALLS_S, self._old_calls, driver)

    def crash(self, back_s: float) -> None:
        """The daemon is killed (signal 9). What is on the lines stays there."""
        if self.driver is None or self.driver.dead:
            return
        self.crashes.append(self.clock.now_ns)
        self.events += self.driver.events
        self.driver.kill()
        self.carriers.abandon()
        self.staff.cut_all()
        self.clock.after(back_s, self.boot)

    def feed(self, event: ev.AnyEvent) -> None:
        """Tell the daemon something, if there is one."""
        if self.driver is not None:
            self.driver.feed(event)

    def look_at_clock(self) -> None:
        """The daemon looks once a second."""
        if self.driver is not None and not self.driver.dead:
            self.driver.look_at_clock()

    # -- the day ---------------------------------------------------------------------------------

    def run(self, progress: Progress = _quiet) -> None:
        """The whole of it, to the end of its last call."""
        self.boot()
        assert self.driver is not None  # noqa: S101 - it was just booted
        for campaign in self.store.campaigns():
            self.driver.move(campaign.campaign_id, CampaignState.APPROVED, WHO)
            self.driver.move(campaign.campaign_id, CampaignState.RUNNING, WHO)
        self.staff.log_in()
        self.faults.begin(self)
        self._until(self.end_ns, self._finished, progress)
        self._close()
        self._until(self.clock.now_ns + limits.DRAIN_S_MAX * NS, self._settled, progress)
        self.over = True

    def _until(self, end_ns: int, done: Callable[[], bool], progress: Progress) -> None:
        """Let things happen until `end_ns`, or until all is done."""
        clock = self.clock
        start_ns = clock.now_ns
        steps = 0
        while clock.now_ns < end_ns:
            driver = self.driver
            assert driver is not None  # noqa: S101 - the day has begun
            event_ns = clock.due_ns()
            if min(event_ns, driver.due_ns) > end_ns:
                clock.now_ns = end_ns
                break
            if driver.due_ns < event_ns:
                clock.now_ns = max(clock.now_ns, driver.due_ns)
                driver.tick()
            else:
                clock.run_next()
            steps += 1
            if driver.notices:
                driver.notices.clear()
                if done():
                    break
            elif not steps % LOOK_EVERY:
                progress((clock.now_ns - start_ns) / (end_ns - start_ns), len(self.carriers.ledger))
                if done():
                    break

    def _finished(self) -> bool:
        return not self.carriers.live and all(
            one.state is CampaignState.FINISHED for one in self.store.campaigns()
        )

    def _close(self) -> None:
        """Nothing new is dialed and nothing goes wrong any more; a daemon that is down comes up."""
        self.faults.over = True
        self.disk.full = False
        self.closed_ns = self.clock.now_ns
        self._pause()

    def _pause(self) -> None:
        driver = self.driver
        assert driver is not None  # noqa: S101 - the day has begun
        if driver.dead:
            self.clock.after(1.0, self._pause)
            return
        for campaign in self.store.campaigns():
            if campaign.state is CampaignState.RUNNING:
                driver.move(campaign.campaign_id, CampaignState.PAUSED, WHO)

    def _settled(self) -> bool:
        driver = self.driver
        assert driver is not None  # noqa: S101 - the day has begun
        return (
            not driver.dead
            and not self.carriers.live
            and not self._old
            and driver.settled
            and driver.dialer.idle
            and not self._wrapping()
        )

    def _wrapping(self) -> bool:
        """Whether an agent is still to say what came of a call: its record waits for that."""
        driver = self.driver
        assert driver is not None  # noqa: S101 - the day has begun
        agents = driver.dialer.desk.team.agents.values()
        return any(agent.state is AgentState.WRAP_UP for agent in agents)

    def campaigns(self) -> list[Campaign]:
        """As they are now."""
        return self.store.campaigns()


def _forbidden(index: int) -> int:
    """A number that no plan lets anybody dial: emergency, then premium."""
    return EMERGENCY[index] if index < len(EMERGENCY) else PREMIUM + index
