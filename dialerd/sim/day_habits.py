"""What the agents of a simulated day do: click, talk, write up, take breaks, vanish."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final, Protocol

import dialerd.core.effects as fx
import dialerd.core.events as ev
from dialerd.sim.day_clock import VirtualClock
from dialerd.sim.day_ledger import Agent, Never, Promise, StaffLedger, Talk
from dialerd.sim.day_lines import Carriers

BREAK: Final = "break"
HANGS_UP: Final = 0.3  # share of talks that the agent ends
AWAY_S: Final = (1.0, 10.0)  # a page that is reloaded
BACK_S: Final = (40.0, 120.0)  # an agent who was gone
NOTICES_S: Final = (5.0, 40.0)  # until somebody sees that the telephone is not up
AGAIN_S: Final = (20.0, 60.0)  # until somebody dials again who was refused
PATIENCE_S: Final = (30.0, 70.0)  # until somebody asks again for a customer
TALKS_ON_S: Final = (20.0, 60.0)
BEHIND_S: Final = 5  # a callback is not booked for the very moment
AT_WORK: Final = frozenset({"ready", "phone", "rest", ""})


class Desk(Protocol):
    """Where an agent sits (`day_agents.Staff`)."""

    def feed(self, event: ev.AnyEvent) -> None:
        """Tell the daemon."""

    def begin_shift(self, agent: Agent) -> None:
        """Log in."""

    def fall(self, name: str) -> None:
        """The telephone dies."""


class Habits:
    """Of all agents."""

    def __init__(
        self,
        desk: Desk,
        clock: VirtualClock,
        carriers: Carriers,
        ledger: StaffLedger,
        rng: random.Random,
    ) -> None:
        """Nobody does anything yet."""
        self._desk = desk
        self._clock = clock
        self._carriers = carriers
        self._ledger = ledger
        self._rng = rng
        self._asks = 0
        self._then: dict[int, Callable[[str], None]] = {}

    def next_break(self, agent: Agent) -> None:
        """Choose when an agent wants one."""
        if agent.table.breaks_every_s:
            gap_s = self._rng.expovariate(1 / agent.table.breaks_every_s)
            agent.break_ns = self._clock.now_ns + round(gap_s * 1e9)

    # -- what they are told ----------------------------------------------------------------------

    def told(self, agent: Agent, data: dict[str, object]) -> None:
        """What an agent's page shows."""
        if "refused" in data:
            said = str(data["refused"])
            self._ledger.refused[said] = self._ledger.refused.get(said, 0) + 1
        elif "state" in data:
            self._ledger.moved(agent, str(data["state"]), self._clock.now_ns)
            agent.reason = str(data.get("reason", ""))
            _MOVED.get(agent.state, Habits._waits)(self, agent)

    def card(self, agent: Agent, effect: fx.ShowCard) -> None:
        """A customer: dial, another one, or say what came of it without a call."""
        agent.claim = effect.claim
        if effect.dialed:
            return
        rng, table = self._rng, agent.table
        chance, think_s = rng.random(), rng.expovariate(1 / table.think_s)
        if effect.may_skip and chance < table.skips:
            self._later(agent, think_s, self._skip)
        elif effect.dial_at_ms:  # it is dialed without a click
            return
        elif chance > 1.0 - table.undialed:
            self._later(agent, think_s, self._dispose)
        else:
            self._later(agent, think_s, self._dial)

    def answered(self, effect: fx.AgentAnswer) -> None:
        """Whether what an agent asked for was done."""
        then = self._then.pop(effect.ask, None)
        if then is not None:
            then(effect.refusal)

    # -- clicks ----------------------------------------------------------------------------------

    def _later(self, agent: Agent, after_s: float, work: Callable[[Agent], None]) -> None:
        """Do something unless the agent has moved meanwhile."""
        self._clock.after(after_s, self._if_still, agent, agent.turn, work)

    def _if_still(self, agent: Agent, turn: int, work: Callable[[Agent], None]) -> None:
        if agent.turn == turn:
            work(agent)

    def _ask(self, then: Callable[[str], None]) -> int:
        self._asks += 1
        self._then[self._asks] = then
        return self._asks

    def _waits(self, _: Agent) -> None:
        """Nothing to do just now."""

    def _is_ready(self, agent: Agent) -> None:
        if agent.manual:
            self._later(agent, self._rng.expovariate(1 / agent.table.think_s), self._take)

    def _take(self, agent: Agent) -> None:
        campaign = self._rng.choice(sorted(agent.manual))

        self._desk.feed(ev.AgentTake(agent.name, campaign))
        self._later(agent, self._rng.uniform(*PATIENCE_S), self._take)  # nothing has come
        if self._rng.random() < 0.1:  # somebody clicks twice
            self._desk.feed(ev.AgentTake(agent.name, campaign))

    def _dial(self, agent: Agent) -> None:
        self._desk.feed(ev.AgentDial(agent.name))
        # Where the campaign does not dial just now, the card is tried again.
        self._later(agent, self._rng.uniform(*AGAIN_S), self._dial_again)

    def _dial_again(self, agent: Agent) -> None:
        if agent.state == "reserved":
            self._desk.feed(ev.AgentDial(agent.name))

    def _skip(self, agent: Agent) -> None:
        self._desk.feed(ev.AgentSkip(agent.name, ask=self._settles(agent)))

    def _wraps_up(self, agent: Agent) -> None:
        rng, table = self._rng, agent.table
        if rng.random() >= table.silent:
            wrap_s = table.wrap_s * rng.lognormvariate(0.0, table.wrap_sigma)
            agent.wrap_s += wrap_s
            self._later(agent, wrap_s, self._dispose)

    def _is_paused(self, agent: Agent) -> None:
        if agent.reason == BREAK:
            agent.break_s += agent.table.break_s
            self.next_break(agent)
            self._later(agent, agent.table.break_s, self._ready)
        elif agent.reason not in AT_WORK:
            self._later(agent, self._rng.uniform(*NOTICES_S), self._ready)

    def _ready(self, agent: Agent) -> None:
        self._desk.feed(ev.AgentReady(agent.name))

    def _is_offline(self, agent: Agent) -> None:
        self._later(agent, self._rng.uniform(*BACK_S), self._desk.begin_shift)

    def _dispose(self, agent: Agent) -> None:
        """Say what came of a customer: in the wrap-up, or of a card that was never dialed."""
        rng, table, name = self._rng, agent.table, agent.name
        if self._clock.now_ns >= agent.break_ns:
            self._desk.feed(ev.AgentPaused(name, BREAK))
        fate = rng.random()
        if fate < table.callbacks:
            self._book(agent)
        elif fate < table.callbacks + table.never:
            self._never(agent)
        else:
            self._say_done(agent)

    def _say_done(self, agent: Agent) -> None:
        ask = self._settles(agent)
        self._desk.feed(ev.AgentDisposed(agent.name, "done", note="as agreed", ask=ask))

    def _settles(self, agent: Agent) -> int:
        """An answer that is waited for: a promise to that customer is the agent's own affair."""
        claim = agent.claim

        def then(refusal: str) -> None:
            if not refusal and claim is not None:
                said = (self._clock.now_ns, claim.campaign_id, claim.lead_id)
                self._ledger.settled.append(said)

        return self._ask(then)

    def _book(self, agent: Agent) -> None:
        rng, table, name = self._rng, agent.table, agent.name
        due_s = self._clock.true_ms // 1000 + BEHIND_S
        due_s += round(rng.expovariate(1 / table.callback_s))
        to_me = rng.random() >= table.callback_anybody
        claim = agent.claim
        if claim is None:
            return

        def then(refusal: str) -> None:
            if refusal:  # the daemon's clock is another one
                self._say_done(agent)
                return
            kept = Promise(
                name,
                claim.campaign_id,
                claim.lead_id,
                claim.phone,
                due_s,
                to_me,
                self._clock.now_ns,
            )
            self._ledger.promises.append(kept)

        ask = self._ask(then)
        self._desk.feed(ev.AgentDisposed(name, callback_s=due_s, to_me=to_me, ask=ask))

    def _never(self, agent: Agent) -> None:
        name, claim = agent.name, agent.claim
        if claim is None:
            return

        def then(refusal: str) -> None:
            if not refusal:
                self._ledger.nevers.append(Never(name, claim.phone, self._clock.now_ns))

        self._desk.feed(ev.AgentDisposed(name, do_not_call=True, ask=self._ask(then)))

    # -- talks -----------------------------------------------------------------------------------

    def end_talk(self, talk: Talk, agent: Agent, machine: bool) -> None:  # noqa: FBT001
        """A conversation is over, in one of the ways in which they end."""
        if talk.ended_ns:
            return
        rng, table, name = self._rng, agent.table, talk.agent
        fate = rng.random()
        if fate < table.vanishes:
            talk.fell = True
            self._desk.fall(name)
        elif fate < table.vanishes + table.reloads:
            talk.fell = True
            self._desk.feed(ev.AgentLost(name))
            self._clock.after(rng.uniform(*AWAY_S), self._desk.feed, ev.AgentBack(name))
            if rng.random() < 0.5:
                self._desk.fall(name)
            self._clock.after(rng.uniform(*TALKS_ON_S), self._hang_up, talk)
        elif fate < table.vanishes + table.reloads + table.gone:
            talk.fell = True
            self._desk.feed(ev.AgentLost(name))
            self._desk.fall(name)
        elif machine or rng.random() < HANGS_UP:
            self._desk.feed(ev.AgentHangUp(name))
        else:
            self._carriers.hang_up(talk.customer)

    def _hang_up(self, talk: Talk) -> None:
        if not talk.ended_ns:
            self._carriers.hang_up(talk.customer)


_MOVED: Final[dict[str, Callable[[Habits, Agent], None]]] = {
    "ready": Habits._is_ready,
    "wrap_up": Habits._wraps_up,
    "paused": Habits._is_paused,
    "offline": Habits._is_offline,
}
