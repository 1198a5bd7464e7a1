"""Pacing rules of other dialers, written anew from what is published of them, behind our seam.

They see what the pacer sees. A rule acts as often as it does at home, whatever the shift's tick.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import deque
from typing import Literal

READY, BUSY, WRAP = "ready", "busy", "wrap"


class Seen(ABC):
    """What a site sees, counted; `n` is what a rule wants now."""

    every_s = 0.0

    def __init__(self, agents: int) -> None:
        self.size = agents
        self.now = 0.0
        self.agents: dict[int, tuple[str, float]] = {}
        self.ringing: dict[int, float] = {}
        self.waiting: dict[int, float] = {}
        self.started = self.people = self.lost = 0
        self.answer_s = 10.0  # from dialing to an answer,
        self.talk_s = 60.0  # and of talk, on average so far
        self._next = 0.0

    def dial_started(self, call: int, now: float, _p: float | None = None) -> None:
        self.ringing[call] = now
        self.started += 1

    def call_ended(self, call: int, _now: float, _cause: str) -> None:
        self.ringing.pop(call, None)
        self.waiting.pop(call, None)

    def answered(self, call: int, now: float) -> None:  # noqa: B027 - most rules do not look
        pass

    def human_answered(self, call: int, now: float) -> None:
        self.answer_s += (now - self.ringing.pop(call, now) - self.answer_s) / 100
        self.waiting[call] = now
        self.people += 1

    def abandoned(self, call: int, _now: float) -> None:
        self.waiting.pop(call, None)
        self.lost += 1

    def agent_ready(self, agent: int, now: float) -> None:
        self.agents[agent] = (READY, now)

    def agent_reserved(self, agent: int, call: int, now: float) -> None:
        self.waiting.pop(call, None)
        self.agents[agent] = (BUSY, now)

    def agent_talking(self, agent: int, now: float) -> None:
        self.agents[agent] = (BUSY, now)

    def agent_wrap_up(self, agent: int, now: float) -> None:
        self.talk_s += (now - self.agents[agent][1] - self.talk_s) / 100
        self.agents[agent] = (WRAP, now)

    def agent_left(self, agent: int, _now: float) -> None:
        self.agents.pop(agent, None)

    def count(self, *states: str) -> int:
        return sum(state in states for state, _ in self.agents.values())

    def dials(self, now: float, lines_free: int) -> int:
        self.now = now
        self.tick(now)
        if now < self._next:
            return 0
        self._next = now + self.every_s
        return max(0, min(self.wanted(), lines_free))

    def tick(self, now: float) -> None:  # noqa: B027 - nor learn by time
        pass

    @abstractmethod
    def wanted(self) -> int:
        """How many calls the rule wants to place now."""

    @property
    def drop_percent(self) -> float:
        return 100 * self.lost / max(1, self.people)


class FixedRatio(Seen):
    """So many lines for each idle agent; 1 is the progressive mode of every dialer."""

    def __init__(self, agents: int, ratio: float = 1.0) -> None:
        super().__init__(agents)
        self.ratio = ratio

    def wanted(self) -> int:
        return int(self.ratio * self.count(READY)) - len(self.ringing) - len(self.waiting)


class Vicidial(Seen):
    """AST_VDauto_dial.pl and AST_VDadapt.pl with their defaults.

    The level moves by idle agents over 15 s; the drop rate of the whole day only switches it down.
    """

    every_s = 2.5

    def __init__(
        self,
        agents: int,
        method: Literal["hard", "average", "tapered"] = "hard",
        level_max: float = 3.0,
        *,
        available_only: bool = False,
    ) -> None:
        super().__init__(agents)
        self.method = method
        self.level_max = level_max
        self.available_only = available_only
        self.level = 1.0
        self._ready: deque[int] = deque(maxlen=15)
        self._waiting: deque[int] = deque(maxlen=15)
        self._sampled = self._adapted = -1.0
        self._minute = (0.0, 0, 0)

    def tick(self, now: float) -> None:
        if now - self._sampled >= 1:
            self._sampled = now
            self._ready.append(self.count(READY))
            self._waiting.append(len(self.waiting))
        if now - self._adapted >= 15:
            self._adapted = now
            self._adapt(now)

    def _adapt(self, now: float) -> None:
        mean = sum(self._ready) / len(self._ready) - sum(self._waiting) / len(self._waiting)
        self.level = round(self.level * (1 + mean / max(1, len(self.agents))), 3)
        self.level = min(max(self.level, 1.0), self.level_max)
        began, people, lost = self._minute
        if now - began >= 60:
            few = self.people - people
            if few > 20 and self.lost - lost > few / 2:
                self.level = max(1.0, self.level / 2)
            self._minute = (now, self.people, self.lost)
        if self.started > 50 and self.drop_percent > 3:
            self.level = max(1.0, self.level * self._brake(now))

    def _brake(self, now: float) -> float:
        if self.method == "average":
            return 0.5
        if self.method == "tapered":  # digits of HHMM until 21:00; the shift ends then
            left = max(0.0, 4 * 3600 - now)
            return min(1.0, (left // 3600 * 100 + left % 3600 // 60) / 1000)
        return 0.0

    def wanted(self) -> int:
        busy = self.count(BUSY)
        agents = self.count(READY) + (0 if self.available_only else busy)
        goal = round(self.level * agents) + (busy if self.available_only else 0)
        return goal - len(self.ringing) - len(self.waiting) - busy


class Issabel(Seen):
    """Issabel's call centre on Asterisk, with overcommit: a queue of exponential services.

    CampaignProcess and Predictor: every 3 s the free agents and those who will be free with 97 %,
    less the calls under way, over the share answered in 30 min (20 % at least).
    """

    every_s = 3.0

    def __init__(self, agents: int) -> None:
        super().__init__(agents)
        self._past: deque[tuple[float, int, int]] = deque()

    def wanted(self) -> int:
        self._past.append((self.now, self.started, self.people))
        while self._past[0][0] < self.now - 1800:
            self._past.popleft()
        _, started, people = self._past[0]
        answered = (self.people - people) / max(1, self.started - started)
        soon = sum(
            1 - math.exp(-(self.now - since + self.answer_s) / self.talk_s) >= 0.97
            for state, since in self.agents.values()
            if state == BUSY
        )
        wanted = self.count(READY) + soon - len(self.waiting) - len(self.ringing)
        return round(wanted / max(answered, 0.2)) if wanted > 0 else 0


class Webitel(Seen):
    """Webitel's predictive factor, over each idle agent (how it meets agents is our assumption).

    Attempts per answer of an hour, raised while abandonment is below 2 %, 1 from 3 % on.
    """

    target, most, load = 2.0, 3.0, 10.0

    def __init__(self, agents: int) -> None:
        super().__init__(agents)
        self.over = 1.0
        self._viewed = 0.0

    def tick(self, now: float) -> None:
        if now - self._viewed < 30 or not self.people:
            return
        self._viewed = now
        a, over = self.drop_percent, self.started / self.people
        if a >= self.most:
            self.over = 1.0
        elif a < self.target:
            self.over = over + over * (self.target - a) * self.load / 100
        else:
            self.over = max(1.0, over * ((self.most - a) * (100 + self.load) / self.most) / 100)

    def wanted(self) -> int:
        return int(self.over * self.count(READY)) - len(self.ringing) - len(self.waiting)
