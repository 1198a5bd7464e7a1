"""One shift of a dialer's floor in virtual time: who answers, who talks, who is left waiting.

A world for any rule of pacing (`Rule`): it knows nothing of how a rule decides, and a rule sees no
more of it than a site sees. People are drawn by seed alone, so every rule calls the same list:
whether the n-th number answers, when, and for how long it talks is the same for all.

    agent idle --dials--> ringing --person--> waiting --agent--> talking --> wrap-up --> idle
                             |                   | patience, at most `grace_s`
                             +-- busy, no answer, machine       abandoned
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

_BLOCK = 1 << 15


class Rule(Protocol):
    """What decides: the pacer's own seam."""

    def dial_started(self, call: int, now: float, p: float | None = None) -> None: ...
    def call_ended(self, call: int, now: float, cause: str) -> None: ...
    def answered(self, call: int, now: float) -> None: ...
    def human_answered(self, call: int, now: float) -> None: ...
    def abandoned(self, call: int, now: float) -> None: ...
    def agent_ready(self, agent: int, now: float) -> None: ...
    def agent_reserved(self, agent: int, call: int, now: float) -> None: ...
    def agent_talking(self, agent: int, now: float) -> None: ...
    def agent_wrap_up(self, agent: int, now: float) -> None: ...
    def agent_left(self, agent: int, now: float) -> None: ...
    def dials(self, now: float, lines_free: int) -> int: ...


@dataclass(frozen=True, slots=True)
class Shift:
    """The list, the people and the agents of one shift; times in seconds, shares 0 to 1."""

    agents: int
    seconds: float = 4 * 3600.0
    human: float = 0.28  # of the calls, on average before `late`
    swing: float = 0.35  # how far it goes up and down,
    periods: float = 1.5  # how often
    wander: float = 0.08  # and by how much it strays (log) in `wander_s`
    wander_keep: float = 0.8
    wander_s: float = 300.0
    late: float = 0.65  # times this
    late_from: float = 0.55  # from this share of the shift on
    machine: float = 0.12  # voicemail
    machine_s: tuple[float, float] = (22.0, 30.0)
    quick: float = 0.20  # busy, or no such number
    quick_s: tuple[float, float] = (3.0, 7.0)
    ring_s: float = 32.5  # longest ring; what is not answered by then is not
    answer_min_s: float = 2.5
    answer_s: float = 9.0  # lognormal beyond the least
    answer_cv: float = 0.6
    verdict_s: tuple[float, float] = (0.0, 0.0)  # after the pick-up, person or machine
    talk_s: float = 90.0
    talk_cv: float = 1.2
    wrap_s: float = 15.0
    wrap_cv: float = 0.6
    patience_s: float = 10.0  # exponential,
    grace_s: float = 2.0  # and at most
    break_every_s: float = 0.0  # each agent; 0: no breaks
    break_s: float = 0.0
    lines_per_agent: float = 3.0
    tick_s: float = 1.0
    tell_p: bool = False  # the rule is given each lead's true chance
    spread: float = 0.0  # of the leads' log odds around the list's


@dataclass(slots=True)
class Result:
    """What became of the shift."""

    dials: int = 0
    humans: int = 0
    served: int = 0
    abandoned: int = 0
    busy_s: float = 0.0
    staffed_s: float = 0.0
    lines_max: int = 0
    batch_max: int = 0

    @property
    def utilisation(self) -> float:
        """Share of the agents' time in talk and wrap-up."""
        return self.busy_s / self.staffed_s

    @property
    def abandonment(self) -> float:
        """Share of the people who answered and found no agent."""
        return self.abandoned / max(1, self.humans)

    @property
    def wait_s(self) -> float:
        """How long an agent waits for a call."""
        return (self.staffed_s - self.busy_s) / max(1, self.served)


def _lognormal(rng: np.random.Generator, mean: float, cv: float) -> NDArray[np.float64]:
    square = math.log(1 + cv * cv)
    return rng.lognormal(math.log(mean) - square / 2, math.sqrt(square), _BLOCK)


class People:
    """The list: what the n-th call meets."""

    def __init__(self, shift: Shift, seed: int) -> None:
        """Everything by `seed`."""
        self.shift = shift
        self._rng = np.random.default_rng(seed)
        self._blocks: list[list[list[float]]] = []
        start = np.random.default_rng(seed + 7_000_000)
        self._phase = start.uniform(0, 2 * math.pi)
        level = 0.0
        self._levels: list[float] = []
        for _ in range(int(shift.seconds / shift.wander_s) + 2):
            self._levels.append(level)
            level = shift.wander_keep * level + float(start.normal(0, shift.wander))

    def chance(self, now: float) -> float:
        """The list's answer rate."""
        s = self.shift
        swing = 1 + s.swing * math.sin(2 * math.pi * s.periods * now / s.seconds + self._phase)
        late = s.late if now > s.late_from * s.seconds else 1.0
        level = math.exp(self._levels[min(int(now / s.wander_s), len(self._levels) - 1)])
        return min(0.95, s.human * swing * level * late)

    def draws(self, n: int) -> list[float]:
        """Of the n-th call: answers if below the chance, and when; quick end, machine, talk,
        wrap-up, patience, verdict, spread."""
        block, at = divmod(n, _BLOCK)
        while len(self._blocks) <= block:
            self._blocks.append(self._more())
        return self._blocks[block][at]

    def _more(self) -> list[list[float]]:
        s, rng = self.shift, self._rng
        columns = [
            rng.random(_BLOCK),
            s.answer_min_s + _lognormal(rng, s.answer_s, s.answer_cv),
            rng.uniform(*s.quick_s, _BLOCK),
            rng.uniform(*s.machine_s, _BLOCK),
            _lognormal(rng, s.talk_s, s.talk_cv),
            _lognormal(rng, s.wrap_s, s.wrap_cv),
            rng.exponential(s.patience_s, _BLOCK),
            rng.uniform(*s.verdict_s, _BLOCK),
            rng.normal(0, 1, _BLOCK),
        ]
        found: list[list[float]] = np.stack(columns, axis=1).tolist()
        return found


_TICK, _ANSWER, _HUMAN, _END, _PATIENCE, _TALKED, _WRAPPED, _BACK = range(8)


class Floor:
    """The agents and lines of one shift under one rule."""

    def __init__(self, shift: Shift, seed: int, rule: Rule) -> None:
        """Everybody idle at time 0."""
        self.shift = shift
        self.rule = rule
        self.people = People(shift, seed)
        self.result = Result()
        self._events: list[tuple[float, int, int, int]] = []
        self._order = 0
        self._idle: deque[int] = deque()
        self._since = [0.0] * shift.agents
        self._on_break: dict[int, float] = {}
        self._waiting: dict[int, float] = {}
        self._ends: dict[int, str] = {}
        self._lines = 0
        self._talk_of: dict[int, int] = {}
        self._break_due = [math.inf] * shift.agents
        if shift.break_every_s:
            rng = np.random.default_rng(seed + 9_000_000)
            self._break_due = rng.uniform(0, shift.break_every_s, shift.agents).tolist()
        self._does = {
            _TICK: self._tick,
            _ANSWER: self._answer,
            _HUMAN: self._human,
            _END: self._end,
            _PATIENCE: self._patience,
            _TALKED: self._talked,
            _WRAPPED: self._wrapped,
            _BACK: self._back,
        }

    def _at(self, when: float, kind: int, who: int) -> None:
        self._order += 1
        heapq.heappush(self._events, (when, self._order, kind, who))

    def run(self) -> Result:
        """The whole shift."""
        shift, result = self.shift, self.result
        for agent in range(shift.agents):
            self._idle.append(agent)
            self.rule.agent_ready(agent, 0.0)
        self._at(0.0, _TICK, 0)
        while self._events[0][0] < shift.seconds:
            now, _, kind, who = heapq.heappop(self._events)
            self._does[kind](who, now)
        result.staffed_s += shift.seconds * shift.agents
        for began in self._on_break.values():
            result.staffed_s -= shift.seconds - began
        idle = set(self._idle)
        for agent in range(shift.agents):
            if agent not in idle and agent not in self._on_break:
                result.busy_s += shift.seconds - self._since[agent]
        return result

    def _tick(self, _who: int, now: float) -> None:
        shift, result = self.shift, self.result
        free = int(shift.lines_per_agent * shift.agents) - self._lines
        wanted = max(0, min(free, self.rule.dials(now, free)))
        result.batch_max = max(result.batch_max, wanted)
        for _ in range(wanted):
            self._dial(now)
        result.lines_max = max(result.lines_max, self._lines)
        self._at(now + shift.tick_s, _TICK, 0)

    def _dial(self, now: float) -> None:
        s, call = self.shift, self.result.dials
        self.result.dials += 1
        self._lines += 1
        answers, answer_s, quick_s, machine_s, _, _, _, verdict_s, spread = self.people.draws(call)
        p = self.people.chance(now)
        if s.spread:
            odds = p / (1 - p) * math.exp(s.spread * spread)
            p = odds / (1 + odds)
        self.rule.dial_started(call, now, p if s.tell_p else None)
        if answers < p and answer_s < s.ring_s:
            if verdict_s > 0:
                self._at(now + answer_s, _ANSWER, call)
            self._at(now + answer_s + verdict_s, _HUMAN, call)
        elif answers < p + s.machine:
            self._ends[call] = "machine"
            if verdict_s > 0:
                self._at(now + machine_s, _ANSWER, call)
            self._at(now + machine_s + verdict_s, _END, call)
        elif answers < p + s.machine + s.quick:
            self._ends[call] = "busy"
            self._at(now + quick_s, _END, call)
        else:
            self._at(now + s.ring_s, _END, call)

    def _answer(self, call: int, now: float) -> None:
        self.rule.answered(call, now)

    def _human(self, call: int, now: float) -> None:
        self.result.humans += 1
        self.rule.human_answered(call, now)
        if self._idle:
            self._talk(self._idle.popleft(), call, now)
        else:
            self._waiting[call] = now
            patience_s = min(self.shift.grace_s, self.people.draws(call)[6])
            self._at(now + patience_s, _PATIENCE, call)

    def _end(self, call: int, now: float) -> None:
        self._lines -= 1
        self.rule.call_ended(call, now, self._ends.pop(call, "no_answer"))

    def _patience(self, call: int, now: float) -> None:
        if self._waiting.pop(call, None) is not None:
            self._lines -= 1
            self.result.abandoned += 1
            self.rule.abandoned(call, now)

    def _talk(self, agent: int, call: int, now: float) -> None:
        self._talk_of[agent] = call
        self._since[agent] = now
        self.rule.agent_reserved(agent, call, now)
        self.rule.agent_talking(agent, now)
        self._at(now + self.people.draws(call)[4], _TALKED, agent)

    def _talked(self, agent: int, now: float) -> None:
        self._lines -= 1
        self.rule.agent_wrap_up(agent, now)
        self._at(now + self.people.draws(self._talk_of[agent])[5], _WRAPPED, agent)

    def _wrapped(self, agent: int, now: float) -> None:
        self.result.busy_s += now - self._since[agent]
        self.result.served += 1
        self._free(agent, now)

    def _back(self, agent: int, now: float) -> None:
        self.result.staffed_s -= now - self._on_break.pop(agent)
        self._free(agent, now)

    def _free(self, agent: int, now: float) -> None:
        if now >= self._break_due[agent]:
            self._break_due[agent] = now + self.shift.break_every_s + self.shift.break_s
            self._on_break[agent] = now
            self.rule.agent_left(agent, now)
            self._at(now + self.shift.break_s, _BACK, agent)
            return
        self.rule.agent_ready(agent, now)
        if self._waiting:
            call = next(iter(self._waiting))
            del self._waiting[call]
            self._talk(agent, call, now)
        else:
            self._idle.append(agent)


def work(shift: Shift, seed: int, rule: Rule) -> Result:
    """One shift with these people under this rule."""
    return Floor(shift, seed, rule).run()
