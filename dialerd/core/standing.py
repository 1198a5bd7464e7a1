"""What the next daemon is told of agents, and what this one does with what the last one told.

Every move of an agent is written (`Keeping`). What an agent did itself is on disk before it is
answered; what follows from calls is written with whatever is written next.

Told again (`restore`), an agent stands where it stood:

| it was                   | it is                                                                |
|--------------------------|----------------------------------------------------------------------|
| paused                   | paused, for the same reason                                          |
| ready, reserved          | ready; nailed up: as soon as its telephone is up again               |
| with a card              | with that card; a preview's time begins anew                         |
| talking, in wrap-up      | in wrap-up, for its call was cut off; where it goes after it is kept |
| lost                     | lost, with a grace of its own                                        |

Who has not moved for longer than a shift lasts is offline. A telephone of a shift that does not
answer, because it has yet to register with us, is rung again until the grace is over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dialerd.core.agent import (
    LOST,
    OFFLINE,
    PAUSED,
    PHONE,
    READY,
    RESERVED,
    REST,
    TALKING,
    WRAP_UP,
    Agent,
    Refusal,
)
from dialerd.core.agent_records import AgentState, Standing
from dialerd.core.disposing import nothing_said
from dialerd.core.effects import AnyEffect, ShowCard, Write, WriteLater
from dialerd.core.limits import AGENT_RETURN_S, AGENT_SHIFT_S_MAX
from dialerd.core.ops import AtWork, Claim, DialOp, Dispose, KeepAgent, ReleaseClaim
from dialerd.core.pacing import NS

if TYPE_CHECKING:
    from dialerd.core.desk import Desk
    from dialerd.core.running import Run

_TALKED: Final = (TALKING, WRAP_UP)
_SHORT: Final = (PHONE, REST)  # pauses that end by themselves


class Owed:
    """A call of the daemon before that its agent has yet to say something of."""

    __slots__ = ("claim", "disposed", "over", "owes")

    def __init__(self, claim: Claim) -> None:
        """It has ended."""
        self.claim = claim
        self.over = True
        self.owes = True
        self.disposed: Dispose | None = None


class Keeping:
    """What is to be written of agents."""

    __slots__ = ("_moved", "_ops", "_seq", "at_once")

    def __init__(self) -> None:
        """Nobody has moved."""
        self._moved: dict[str, Agent] = {}
        self._ops: list[DialOp] = []
        self._seq = 0
        self.at_once = False  # an agent waits for an answer

    def moved(self, agent: Agent) -> None:
        """Something of an agent has changed."""
        self._moved[agent.name] = agent

    def also(self, op: DialOp) -> None:
        """This is written with it."""
        self._ops.append(op)

    def flush(self, out: list[AnyEffect], at_ms: int, now_ns: int) -> None:
        """Have all of it written."""
        ops, at_once = self._ops, self.at_once
        if self._moved:
            self._seq += 1
            told = (_standing(one, at_ms, now_ns, self._seq) for one in self._moved.values())
            ops += [KeepAgent(one) for one in told]
        self.at_once = False
        if not ops:
            return
        out.append(Write(0, tuple(ops)) if at_once else WriteLater(tuple(ops)))
        self._ops, self._moved = [], {}


def _standing(agent: Agent, at_ms: int, now_ns: int, seq: int) -> Standing:
    work = agent.card or agent.call or agent.owed
    return Standing(
        agent.name,
        agent.phone,
        agent.nailed_up,
        agent.campaigns,
        agent.queues,
        agent.state,
        at_ms - (now_ns - agent.since_ns) // 1_000_000,
        agent.reason,
        agent.then,
        agent.then_reason,
        agent.was,
        work.claim.attempt_id if work is not None else 0,
        seq,
    )


def leave(desk: Desk) -> None:
    """The process ends: telephones of a shift that no call needs are hung up, and nobody moves."""
    desk.floor.ending = True
    for agent in desk.team.agents.values():
        if agent.call is None:
            desk.phones.hang(agent)


def restore(desk: Desk, at_work: tuple[AtWork, ...], now_ns: int) -> None:
    """Everybody of the daemon before, told once and before anything else of agents."""
    for one in at_work:
        try:
            _restore(desk, one.standing, one.claim, now_ns)
        except Refusal:  # more agents than there may be, or a name that is none
            _close(desk, one.standing, one.claim, now_ns)


def _restore(desk: Desk, told: Standing, claim: Claim | None, now_ns: int) -> None:
    floor = desk.floor
    agent = desk.team.add(told.agent)
    if agent.state is not OFFLINE:
        _close(desk, told, claim, now_ns)
        return
    agent.phone, agent.nailed_up, agent.queues = told.phone, told.nailed_up, told.queues
    agent.campaigns = tuple(id_ for id_ in told.campaigns if id_ in floor.runs)
    agent.then, agent.then_reason, agent.idle_ns = told.then, told.then_reason, now_ns
    stale = floor.clock.ms(now_ns) - told.since_ms > AGENT_SHIFT_S_MAX * 1_000
    mine = None if stale else _customer(desk, agent, told, claim, now_ns)
    if mine is None:
        _close(desk, told, claim, now_ns)
    agent.was = OFFLINE if stale else _stands(told, mine)
    if agent.was is OFFLINE:
        desk.keeping.moved(agent)
        desk.tell(agent, now_ns)
        return
    runs = [floor.runs[id_] for id_ in agent.campaigns]
    grace_s = max((run.settings.agents.lost_s for run in runs), default=0)
    agent.return_ns = now_ns + max(grace_s, AGENT_RETURN_S) * NS
    desk.go(agent, "restore", now_ns, told.reason)
    if agent.nailed_up and not agent.leg:
        desk.phones.ring(agent, now_ns)
    if agent.owed is not None:
        floor.out.append(ShowCard(agent.name, agent.owed.claim, dialed=True))
    elif mine is not None:
        desk.cards.lay(agent, mine, now_ns)
    if told.state is LOST:
        agent.grace_ns = grace_s * NS
        desk.go(agent, "lost", now_ns)


def _before(told: Standing) -> AgentState:
    return told.was if told.state is LOST else told.state


def _customer(
    desk: Desk, agent: Agent, told: Standing, claim: Claim | None, now_ns: int
) -> Run | None:
    """Give an agent its card back, or what it owes; the campaign of that."""
    run = desk.floor.runs.get(claim.campaign_id) if claim is not None else None
    if claim is None or run is None:
        return None
    if _before(told) in _TALKED:
        agent.owed = Owed(claim)
    elif not desk.cards.again(agent, run, claim, now_ns):
        return None
    agent.run = run
    desk.set_times(agent, run)
    return run


def _stands(told: Standing, mine: Run | None) -> AgentState:
    """Where an agent stands now that everything was cut off."""
    was = _before(told)
    if was is PAUSED:
        return READY if told.reason in _SHORT else PAUSED
    if mine is not None:
        return WRAP_UP if was in _TALKED else RESERVED
    return READY if told.then is READY or was not in _TALKED else told.then


def _close(desk: Desk, told: Standing, claim: Claim | None, now_ns: int) -> None:
    """Nobody is there any more to whom that customer could belong."""
    if claim is None:
        return
    at_ms = desk.floor.clock.ms(now_ns)
    if _before(told) in _TALKED:
        op: DialOp = nothing_said(claim, told.agent, at_ms)
    else:
        op = ReleaseClaim(claim.attempt_id, at_ms // 1000)
    desk.floor.out.append(Write(0, (op,)))
