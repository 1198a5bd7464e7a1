"""The lines and people of a world: what becomes of a leg that is dialed, by chance and a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dialerd.core.events as ev
from dialerd.core.records import Outcome

if TYPE_CHECKING:
    from tests.core.world import World


@dataclass
class Faults:
    """Chances of what goes wrong."""

    line: float = 0.02  # a trunk refuses before alerting
    silent: float = 0.01  # nothing comes back at all
    mute: float = 0.0  # not even a release is confirmed
    crossing: float = 0.3  # our release meets an answer
    commit: float = 0.0  # a commit fails
    claim: float = 0.0


@dataclass
class Dialed:
    """What a carrier saw of one leg."""

    at_ns: int
    wall_ns: int
    trunk: str
    phone: int
    attempt: int
    leg: int
    campaign: int
    alerted: bool = False
    answered: bool = False
    answered_ns: int = 0
    heard: bool = False
    released: bool = False
    ended_ns: int = 0
    playing: int = 0
    mute: bool = False


@dataclass
class People:
    """Everybody who may be dialed, and the trunks that lead to them."""

    world: World
    faults: Faults
    rng: random.Random

    def __post_init__(self) -> None:
        self.dials: list[Dialed] = []  # every leg ever, in the order it was placed
        self.legs: dict[int, Dialed] = {}  # those that live

    def dial(self, effect) -> None:
        leg = Dialed(
            self.world.now_ns,
            self.world.now_ns + self.world.offset_ns,
            effect.trunk,
            effect.number.value,
            effect.call,
            effect.leg,
            self.world.campaign_of[effect.call],
        )
        self.dials.append(leg)
        self.legs[effect.leg] = leg
        fate, rng = self.rng.random(), self.rng
        if fate < self.faults.line:
            self.world.at(rng.uniform(0.01, 0.3), self.gone, leg, Outcome.FAILED, 503, "them", True)
        elif fate < self.faults.line + self.faults.silent + self.faults.mute:
            leg.mute = rng.random() < self.faults.mute / (self.faults.silent + self.faults.mute)
        elif fate < 0.10:
            self.world.at(rng.uniform(0.2, 3), self.gone, leg, Outcome.INVALID, 404)
        elif fate < 0.20:
            self.world.at(rng.uniform(0.2, 5), self.gone, leg, Outcome.UNREACHABLE, 480)
        elif fate < 0.30:
            self.world.at(rng.uniform(0.2, 3), self.gone, leg, Outcome.BUSY, 486)
        else:
            self.world.at(rng.uniform(0.3, 3), self.ring, leg, fate)

    def ring(self, leg: Dialed, fate: float) -> None:
        if leg.released:
            return
        leg.alerted = True
        self.world.feed(ev.Ringing(leg.leg, early_media=self.rng.random() < 0.2))
        if fate < 0.40:
            self.world.at(self.rng.uniform(1, 20), self.gone, leg, Outcome.DECLINED, 603)
        elif fate < 0.75:
            self.world.at(min(self.rng.lognormvariate(2.2, 0.7), 40), self.answer, leg)

    def answer(self, leg: Dialed) -> None:
        if leg.released:
            return
        leg.answered = True
        leg.answered_ns = self.world.now_ns
        self.world.feed(ev.Answered(leg.leg))
        if self.rng.random() < 0.5:
            self.world.at(self.rng.uniform(0.2, 8), self.press, leg)
        if self.rng.random() < 0.5:
            self.world.at(self.rng.uniform(0.1, 15), self.gone, leg, Outcome.ANSWERED, 200)

    def press(self, leg: Dialed) -> None:
        if leg.released:
            return
        self.world.feed(ev.Digit(leg.leg, self.rng.choice("0129*#")))
        if self.rng.random() < 0.6:
            self.world.at(self.rng.uniform(0.1, 4), self.press, leg)

    def play(self, effect) -> None:
        leg = self.legs.get(effect.leg)
        if leg is None or leg.released:
            return
        leg.heard = True
        leg.playing = effect.token
        self.world.at(self.rng.uniform(1, 6), self.played, leg, effect.token)

    def played(self, leg: Dialed, token: int) -> None:
        if not leg.released and leg.playing == token:
            self.world.feed(ev.PlayEnded(leg.leg, token))

    def release(self, leg_id: int) -> None:
        leg = self.legs.get(leg_id)
        if leg is None or leg.released or leg.mute:
            return
        if leg.alerted and not leg.answered and self.rng.random() < self.faults.crossing:
            self.world.at(0.01, self.answer, leg)
            self.world.at(0.05, self.gone, leg, Outcome.ANSWERED, 200, "us")
        elif not leg.alerted:
            self.world.at(0.03, self.gone, leg, Outcome.FAILED, 0, "us")
        else:
            outcome = Outcome.ANSWERED if leg.answered else Outcome.NO_ANSWER
            self.world.at(0.03, self.gone, leg, outcome, 200 if leg.answered else 487, "us")

    def gone(self, leg, outcome, code=0, by="them", advance=False) -> None:
        if leg.released:
            return
        leg.released = True
        leg.ended_ns = self.world.now_ns
        del self.legs[leg.leg]
        self.world.feed(ev.Released(leg.leg, outcome, code, by=by, advance=advance))

    def stop_play(self, leg_id: int) -> None:
        if leg_id in self.legs:
            self.legs[leg_id].playing = 0

    def cut_all(self) -> None:
        """The other end of every leg is gone."""
        for leg in self.legs.values():
            leg.released = True
            leg.ended_ns = self.world.now_ns
        self.legs.clear()
