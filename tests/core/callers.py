"""A world whose people call back: some while they are dialed, some twice, some give up at once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

import dialerd.core.effects as fx
import dialerd.core.events as ev
from dialerd.core.ports import StoreError
from dialerd.core.records import Outcome
from dialerd.store.ticket import wait
from tests.core.people import Dialed
from tests.core.world import World

OURS = "842873001234"


@dataclass
class Caller:
    """One call to us, as the caller's network saw it."""

    leg: int
    phone: int
    at_ns: int
    refused: int = 0
    gave_up: bool = False
    answered: Dialed | None = None
    over: bool = False


class Callers(World):
    """See the module's text. `rate`: calls to us in a second of its virtual time."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.callers: list[Caller] = []
        self.ringing: dict[int, Caller] = {}
        self.numbers: list[int] = []
        self.rate = 0.0
        self.gives_up = 0.1

    def crash(self) -> None:
        for caller in self.ringing.values():
            caller.over = True
        self.ringing.clear()
        super().crash()
        self.keep_calling()

    def keep_calling(self) -> None:
        if self.rate:
            self.at(self.rng.expovariate(self.rate), self.call_again)

    def call_again(self) -> None:
        self.call(self.rng.choice(self.numbers))
        self.keep_calling()

    def call(self, number: int, **changes) -> Caller:
        leg = -1 - len(self.callers)
        caller = Caller(leg, number, self.now_ns)
        self.callers.append(caller)
        self.ringing[leg] = caller
        fields = {"trunk": "any", "called": OURS, "caller": str(number), "call_id": f"{leg}@them"}
        if self.rng.random() < self.gives_up:
            self.at(self.rng.uniform(0.0, 0.03), self.give_up, caller)
        self.feed(ev.Incoming(leg, **(fields | changes)))
        return caller

    def give_up(self, caller: Caller) -> None:
        if caller.over or caller.answered is not None:
            return
        caller.gave_up = caller.over = True
        self.ringing.pop(caller.leg, None)
        self.feed(ev.Released(caller.leg, Outcome.NO_ANSWER, 487))

    def carry_out(self, effect) -> None:
        match effect:
            case fx.Refuse():
                self.refuse(effect)
            case fx.WantReturn():
                self.at(self.rng.uniform(*self.commit_ms) / 1e3, self.take_return, effect)
            case fx.Answer():
                self.answer(effect)
            case _:
                super().carry_out(effect)

    def refuse(self, effect) -> None:
        caller = self.ringing.pop(effect.leg, None)
        if caller is not None:
            assert not caller.over
            caller.refused, caller.over = effect.code, True

    def take_return(self, want) -> None:
        try:
            if self.rng.random() < self.faults.claim:
                raise StoreError("planted")
            found = wait(self.store.take_return(want.asked))
        except StoreError:
            self.feed(ev.ReturnFound(want.leg, None))
            return
        if found.claim is not None:
            self.begun.add(found.claim.attempt_id)
        self.feed(ev.ReturnFound(want.leg, found))

    def answer(self, effect) -> None:
        caller = self.ringing.pop(effect.leg, None)
        if caller is None:
            return  # gave up: told already
        wall_ns = self.now_ns + self.offset_ns
        leg = Dialed(self.now_ns, wall_ns, "any", caller.phone, effect.call, effect.leg, 0)
        leg.alerted = True
        caller.answered = self.people.legs[effect.leg] = leg
        self.at(0.02, self.confirm, leg)

    def confirm(self, leg: Dialed) -> None:
        """The ACK, and what follows an answer of anybody."""
        if self.rng.random() < 0.1:
            self.people.gone(leg, Outcome.ANSWERED, 200)
        else:
            self.people.answer(leg)


def judge_callers(world: Callers) -> None:
    """Each call to us has its one answer; nobody talks twice at once or is dialed meanwhile."""
    talks = [one.answered for one in world.callers if one.answered is not None]
    for caller in world.callers:
        assert caller.over or caller.answered is not None, f"seed {world.seed}: {caller}"
    legs = (*talks, *world.dials)  # of one that never confirms its end nobody knows it
    spans = sorted((leg.phone, leg.at_ns, 0 if leg.mute else leg.ended_ns) for leg in legs)
    for (phone, _, end_ns), (other, begin_ns, _) in pairwise(spans):
        assert phone != other or end_ns <= begin_ns, f"seed {world.seed}: {phone} twice at once"
    assert all(leg.ended_ns for leg in talks), f"seed {world.seed}: a call stayed up"
    attempts = Counter(leg.attempt for leg in talks)
    assert not attempts or attempts.most_common(1)[0][1] == 1
