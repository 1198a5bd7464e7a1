"""The carriers and the called people of a simulated day, and what the carriers write down.

A leg is a call as its carrier sees it, and stays in the ledger when it is over: the dialer has no
hand in it. What a person does is decided by seed, number and how often the number was called, so
that two ways of dialing the same list meet the same people.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

import msgspec

import dialerd.core.effects as fx
import dialerd.core.events as ev
from dialerd.core.records import Answerer, Outcome
from dialerd.lines.outcome_map import OutcomeMap
from dialerd.sim.day_clock import NS, VirtualClock
from dialerd.sim.day_driver import Driver
from dialerd.sim.day_scenario import LineTable, Scenario
from dialerd.sim.ledger import Call, Ended, Seen
from dialerd.sim.people import Fate, Manner, Person, Town, person

REFUSE_S: Final = (0.02, 0.3)  # how soon a carrier says no
RELEASE_S: Final = 0.03  # how soon it confirms a hang-up
SILENT_S: Final = 32.0  # 64*T1: the INVITE is given up (RFC 3261 section 17.1.1.2)
OLD_CALL_S: Final = 0.2  # how soon a new process ends a call of the one before
KEY_SOURCE: Final = "rfc4733"
GREETING_S: Final = 4.0  # what a machine still says when it was found out


class Leg:
    """One call at its carrier. Times are the world's monotonic ns; 0: it never came to that."""

    __slots__ = (
        "answered_ns", "at_ns", "attempt", "bridged", "by", "call_id", "code", "early", "ended_ns",
        "heard", "keys", "leg", "machine", "person", "phone", "playing", "port", "process", "q850",
        "rang_ns", "releasing", "said_ns", "silent", "trunk", "verdict",
    )  # fmt: skip

    def __init__(self, effect: fx.Dial, process: Driver, now_ns: int) -> None:
        """A new call, asked for by a process of the daemon."""
        self.leg = effect.leg
        self.attempt = effect.call
        self.trunk = effect.trunk
        self.port = effect.port
        self.phone = effect.number.value
        self.call_id = effect.call_id
        self.process: Driver | None = process  # None: it is gone
        self.person: Person | None = None
        self.at_ns = now_ns
        self.rang_ns = self.answered_ns = self.ended_ns = 0
        self.said_ns = 0  # when the first prompt began
        self.machine = False
        self.verdict: Answerer | None = None  # what the daemon was told of who answered
        self.code = self.q850 = 0
        self.by = ""  # who ended it, as the daemon is told
        self.keys = ""
        self.bridged = self.early = self.heard = self.releasing = self.silent = False
        self.playing = 0

    @property
    def up(self) -> bool:
        """Whether it has not ended."""
        return not self.ended_ns


class LineState:
    """How a trunk fares just now."""

    __slots__ = ("down", "hung", "map", "refusing", "table")

    def __init__(self, table: LineTable) -> None:
        """All is well."""
        self.table = table
        self.map = OutcomeMap(kind=table.kind.value)
        self.down = 0  # faults that are on it now
        self.refusing = 0
        self.hung: dict[str, int] = {}


class Carriers:
    """Every trunk of a scenario with the people behind them; the `Lines` of its driver."""

    def __init__(self, scenario: Scenario, seed: int, clock: VirtualClock) -> None:
        """Nobody is called yet."""
        self.scenario = scenario
        self.driver: Driver | None = None
        self.lines = {table.name: LineState(table) for table in scenario.trunk}
        self.ledger: list[Leg] = []
        self.on_gone: Callable[[int], None] = lambda _: None
        self.live: dict[int, Leg] = {}
        self._seed = seed
        self._clock = clock
        self._rng = random.Random(f"lines:{seed}")  # noqa: S311  a repeatable world
        self._tried: defaultdict[int, int] = defaultdict(int)
        self._hours = _Hours(scenario)
        words = ((c.abandoned_prompt, c.agents.left_prompt) for c in scenario.campaign)
        self._sorry = {word for pair in words for word in pair}  # no message of a campaign
        self._listens = any(c.agents.machines for c in scenario.campaign)
        self._seconds = scenario.prompts

    # -- what the driver asks --------------------------------------------------------------------

    def dial(self, effect: fx.Dial) -> None:
        """An INVITE arrives."""
        assert self.driver is not None  # noqa: S101 - who dials is there
        now_ns = self._clock.now_ns
        leg = Leg(effect, self.driver, now_ns)
        self.ledger.append(leg)
        self.live[leg.leg] = leg
        state = self.lines[leg.trunk]
        rng, table, after = self._rng, state.table, self._clock.after
        chance = rng.random()
        if state.down or (leg.port and state.hung.get(leg.port)) or chance < table.silent:
            leg.silent = True
            after(SILENT_S, self._gone, leg, 0, 0, "timeout")
            return
        if state.refusing or chance < table.silent + table.refuses:
            after(rng.uniform(*REFUSE_S), self._gone, leg, 503, 0, "them")
            return
        leg.person = who = self._person(leg)
        if who.alerts:
            after(who.setup_s, self._ring, leg)
        if who.fate is Fate.ANSWERS:
            after(who.final_s, self._answer, leg)
        else:
            after(who.final_s, self._gone, leg, who.code, who.q850, "them")

    def release(self, leg_id: int) -> None:
        """CANCEL or BYE. Who never said a word has to be waited for (RFC 3261 section 9.1)."""
        leg = self.live.get(leg_id)
        if leg is None or leg.releasing or leg.silent:
            return
        leg.releasing = True
        after = self._clock.after
        if leg.answered_ns:
            after(RELEASE_S, self._gone, leg, 200, 0, "us")
        elif leg.rang_ns and self._rng.random() < self.lines[leg.trunk].table.crossing:
            leg.releasing = False
            after(RELEASE_S / 3, self._answer, leg)
            after(2 * RELEASE_S, self._gone, leg, 200, 0, "us")
        else:
            after(RELEASE_S, self._gone, leg, 487, 0, "us")

    def play(self, effect: fx.Play) -> None:
        """Somebody hears prompts, and answers the first with the keys that are in them."""
        leg = self.live.get(effect.leg)
        if leg is None or leg.releasing:
            return
        first = not leg.heard
        leg.heard = leg.heard or not self._sorry.issuperset(effect.prompts)
        leg.said_ns = leg.said_ns or self._clock.now_ns
        leg.playing = effect.token
        seconds = sum(self._seconds.get(name, self.scenario.prompt_s) for name in effect.prompts)
        after = self._clock.after
        after(seconds, self._played, leg, effect.token)
        if first and leg.person is not None:
            for at_s, key in leg.person.keys:
                after(at_s, self._press, leg, key)

    def stop_play(self, leg_id: int) -> None:
        """A key cut the prompt."""
        leg = self.live.get(leg_id)
        if leg is not None:
            leg.playing = 0

    def kept(self, leg_id: int) -> None:
        """The 2xx of a leg gets its ACK: now the daemon goes on with it."""
        leg = self.live.get(leg_id)
        if leg is not None:
            self._tell(leg, ev.Answered(leg_id))
            if self._listens:
                self._listen(leg)

    def _listen(self, leg: Leg) -> None:
        """Who answered is found out from what is heard."""
        rng, answers = self._rng, self.scenario.answers
        if rng.random() >= answers.verdict_none:
            after_s = rng.lognormvariate(math.log(answers.verdict_s), answers.verdict_sigma)
            right = rng.random() >= answers.verdict_wrong
            who = Answerer.MACHINE if leg.machine is right else Answerer.HUMAN
            self._clock.after(after_s, self._judge, leg, who)

    def _judge(self, leg: Leg, who: Answerer) -> None:
        if not leg.ended_ns and not leg.releasing and leg.process is not None:
            leg.verdict = who
            self._tell(leg, ev.Verdict(leg.leg, who))
            if leg.machine:
                self._clock.after(GREETING_S, self._beep, leg)

    def _beep(self, leg: Leg) -> None:
        """A machine has said its say."""
        if not leg.ended_ns and not leg.releasing and leg.process is not None:
            self._tell(leg, ev.Sound(leg.leg, "beep"))

    def hang_up(self, leg_id: int) -> None:
        """The customer has talked enough."""
        leg = self.live.get(leg_id)
        if leg is not None:
            self._gone(leg, 200, 0, "them")

    # -- what a process leaves behind ------------------------------------------------------------

    def abandon(self) -> None:
        """The process is gone; its calls are not."""
        for leg in self.live.values():
            leg.process = None
            leg.playing = 0

    def end_old(self, leg_id: int) -> None:
        """A later process ends a call of the one before."""
        leg = self.live.get(leg_id)
        if leg is not None:
            self._clock.after(OLD_CALL_S, self.release, leg_id)

    # -- what carriers and people do -------------------------------------------------------------

    def _person(self, leg: Leg) -> Person:
        phone, trunk = leg.phone, leg.trunk
        tries = self._tried[phone]
        self._tried[phone] = tries + 1
        town = self._hours.town(self._clock)
        seed = (self._seed << 16) + tries
        who = person(town, seed, str(phone), trunk)
        machines = self.scenario.answers.machines
        if machines and who.manner is not None:
            ear = random.Random(f"machine:{self._seed}:{phone}")  # noqa: S311  repeatable
            leg.machine = ear.random() < machines
            if leg.machine:
                length_s = self.scenario.answers.machine_s
                who = msgspec.structs.replace(who, manner=Manner.WAITS, keys=(), leaves_s=length_s)
        return who

    def _tell(self, leg: Leg, event: ev.AnyEvent) -> None:
        if leg.process is not None:
            leg.process.feed(event)

    def _ring(self, leg: Leg) -> None:
        if leg.ended_ns or leg.releasing:
            return
        leg.rang_ns = self._clock.now_ns
        leg.early = leg.person is not None and leg.person.early_media
        if leg.process is not None:
            leg.process.keep(leg.attempt, leg.leg, waits=False)
        self._tell(leg, ev.Ringing(leg.leg, leg.early))

    def _answer(self, leg: Leg) -> None:
        if leg.ended_ns or leg.releasing or leg.answered_ns:
            return
        leg.answered_ns = self._clock.now_ns
        if leg.process is not None:
            leg.process.keep(leg.attempt, leg.leg, waits=True)
        if leg.person is not None:
            self._clock.after(leg.person.leaves_s, self._leave, leg)

    def _leave(self, leg: Leg) -> None:
        if not leg.bridged:  # else it is the talk that ends it
            self._gone(leg, 200, 0, "them")

    def _press(self, leg: Leg, key: str) -> None:
        if leg.ended_ns or leg.releasing:
            return
        leg.keys += key
        self._tell(leg, ev.Digit(leg.leg, key, KEY_SOURCE))

    def _played(self, leg: Leg, token: int) -> None:
        if not leg.ended_ns and leg.playing == token:
            self._tell(leg, ev.PlayEnded(leg.leg, token))

    def _gone(self, leg: Leg, code: int, q850: int, by: str) -> None:
        if leg.ended_ns or (leg.releasing and by == "them"):
            return
        leg.ended_ns = self._clock.now_ns
        leg.code, leg.q850, leg.by = code, q850, by
        del self.live[leg.leg]
        self.on_gone(leg.leg)
        if leg.process is None:
            return
        if leg.answered_ns:
            told = ev.Released(leg.leg, Outcome.ANSWERED, code, q850, by)
        else:
            read = self.lines[leg.trunk].map.read(
                code, q850, "", alerted=leg.rang_ns > 0, early=leg.early, by=by
            )
            told = ev.Released(leg.leg, read.outcome, code, q850, by, read.advance, read.trouble)
        leg.process.feed(told)


class _Hours:
    """The people of each local hour."""

    def __init__(self, scenario: Scenario) -> None:
        zone = scenario.start.tzinfo
        self._zone: tzinfo = zone if zone is not None else UTC
        self._town = scenario.people
        self._factors = {int(hour): factor for hour, factor in scenario.answers.by_hour.items()}
        self._until_ns = 0
        self._now = scenario.people

    def town(self, clock: VirtualClock) -> Town:
        """The people as they are now."""
        if self._factors and clock.now_ns >= self._until_ns:
            true_ns = clock.now_ns + clock.true_offset_ns
            at = datetime.fromtimestamp(true_ns // NS, self._zone)
            ends = at.replace(minute=0, second=0) + timedelta(hours=1)
            self._until_ns = round(ends.timestamp()) * NS - clock.true_offset_ns
            self._now = _scaled(self._town, self._factors.get(at.hour, 1.0))
        return self._now


def _scaled(town: Town, factor: float) -> Town:
    """As many more or fewer answer; the others do not."""
    shares = town.shares
    answers = min(shares.answers * factor, shares.answers + shares.no_answer)
    rest = shares.no_answer + shares.answers - answers
    changed = msgspec.structs.replace(shares, answers=answers, no_answer=rest)
    return msgspec.structs.replace(town, shares=changed)


def call_of(leg: Leg, clock: VirtualClock) -> Call:
    """A leg as the ledgers of the other simulated carriers have it."""
    offset_ns = clock.true_offset_ns

    def ms(at_ns: int) -> int:
        return (at_ns + offset_ns) // 1_000_000

    user = f"+{leg.phone}"
    seen = Seen(ms(leg.at_ns), leg.trunk, leg.call_id, user)
    if leg.up:
        return Call(seen)
    what = "answered" if leg.answered_ns else "cancelled" if leg.by == "us" else "rejected"
    by = {"us": "caller", "them": "called"}.get(leg.by, "timeout")
    ended = Ended(
        ms(leg.ended_ns),
        leg.trunk,
        leg.call_id,
        user,
        what,  # type: ignore[arg-type]
        by,  # type: ignore[arg-type]
        leg.code,
        leg.q850,
        (leg.rang_ns - leg.at_ns) // 1_000_000 if leg.rang_ns else 0,
        ms(leg.answered_ns) if leg.answered_ns else 0,
        leg.keys,
        int(leg.heard),
        int(leg.heard),
    )
    return Call(seen, ended)
