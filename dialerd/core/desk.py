"""Agents at work: their moves and what follows, their telephones, their customers.

The machine of one agent is `dialerd.core.agent`, what agents ask for `dialerd.core.agent_inputs`.
Whatever moves an agent goes through `go`, so that ready lists, pacers, books and timers are told
each time.

A ready agent gets, in this order: a customer who waits; a callback of its own that is due; a card
of a preview campaign; else it is there for progressive and predictive campaigns.
"""

from __future__ import annotations

from heapq import heappop, heappush

from dialerd.core.agent import (
    LOST,
    OFFLINE,
    PAUSED,
    PHONE,
    READY,
    RESERVED,
    TALKING,
    WRAP_UP,
    Agent,
    ns,
)
from dialerd.core.agent_call import AgentCall
from dialerd.core.agent_phones import Phones
from dialerd.core.agent_records import AgentMove
from dialerd.core.answering import Answering
from dialerd.core.cards import Cards
from dialerd.core.clock import NEVER
from dialerd.core.disposing import nothing_said
from dialerd.core.effects import Notify, ShowCard, Write
from dialerd.core.floor import Floor
from dialerd.core.leads import Leads
from dialerd.core.modes import cause
from dialerd.core.ops import LogAgent
from dialerd.core.pacing import NS
from dialerd.core.placing import Placing
from dialerd.core.records import DialMode, Outcome
from dialerd.core.running import Run
from dialerd.core.standing import Keeping


class Desk(Answering):
    """All agents, and the customers that are theirs. It is the `Reception` of all talks."""

    __slots__ = (
        "_log", "_placing", "_timers", "cards", "keeping", "phones",
    )  # fmt: skip

    def __init__(self, floor: Floor, leads: Leads, placing: Placing) -> None:
        """Nobody is there."""
        super().__init__(floor)
        self._placing = placing
        self.phones = Phones(floor, self)
        self.cards = Cards(floor, leads, self)
        self.keeping = Keeping()
        self._timers: list[tuple[int, int]] = []  # (when, agent); a stale entry finds nothing due
        self._log = 0

    # -- moves -----------------------------------------------------------------------------------

    def go(self, agent: Agent, trigger: str, now_ns: int, reason: str = "") -> None:
        """Move an agent, and do what follows; Refusal when its state does not know the trigger."""
        before, told = agent.state, agent.reason
        agent.go(trigger, now_ns, reason)
        self.keeping.moved(agent)
        state = agent.state
        if state is before and agent.reason == told:
            self.watch(agent)
            return
        if before is READY:
            self.team.unready(agent)
        self.tell(agent, now_ns)
        if (agent.card or agent.call) and state not in (RESERVED, TALKING, WRAP_UP):
            self._drop_work(agent, now_ns)
        if state not in (WRAP_UP, LOST, TALKING):
            self._close_wrap_up(agent, now_ns)
        if state in (OFFLINE, PAUSED):
            self._leg_after(agent, now_ns)
        elif state is TALKING and not agent.leg and agent.call is not None:
            self.phones.ring(agent, now_ns, agent.call.claim.attempt_id)  # back, the leg is not
        if state in (OFFLINE, LOST) or before is OFFLINE:
            self.homes.assign(now_ns)
        run = agent.run
        if state in (READY, PAUSED, OFFLINE) and run is not None:
            agent.run = None
            run.unsure = True
            self.floor.look_by(now_ns)  # perhaps that was the last of it
        self.homes.tell(agent, now_ns)
        if state is READY:
            self.team.ready(agent)
            self.look(agent, now_ns)
            self.want_leads(agent, now_ns)
        self.watch(agent)

    def tell(self, agent: Agent, now_ns: int) -> None:
        """The history and the live stream."""
        at_ms = self.floor.clock.ms(now_ns)
        campaign_id = agent.run.campaign.campaign_id if agent.run else 0
        attempt_id = agent.call.claim.attempt_id if agent.call else 0
        self._log = (self._log + 1) & 0xFFFF_FFFF
        move = AgentMove(
            agent.name, at_ms, agent.state, agent.reason, campaign_id, attempt_id, self._log
        )
        self.keeping.also(LogAgent(move))
        data: dict[str, object] = {
            "agent": agent.name,
            "state": str(agent.state),
            "reason": agent.reason,
            "campaign_id": campaign_id,
            "call": attempt_id,
            "at_ms": at_ms,
        }
        self.floor.out.append(Notify("agent", data))

    def _drop_work(self, agent: Agent, now_ns: int) -> None:
        """It went away from a card or a call."""
        if agent.card is not None:
            self.cards.give_back(agent, now_ns)
        call = agent.call
        if call is None or (agent.state is LOST and agent.was is TALKING):
            return  # the conversation goes on
        self.let_call_go(agent, call, now_ns)

    def let_call_go(self, agent: Agent, call: AgentCall, now_ns: int) -> None:
        """The agent is not of this call any more: another one may be, or nobody."""
        agent.call = None
        call.agent = None
        self.keep(call, now_ns)
        if call.talk is None or not call.talk.waits:  # else it has not talked with this one yet
            call.owes = False
        if call.talk is not None:
            call.talk.gone(now_ns)
            self.touch(call, now_ns)

    def _close_wrap_up(self, agent: Agent, now_ns: int) -> None:
        """Who did not say what came of the last call will not any more."""
        call, agent.owed = agent.owed, None
        if call is None:
            return
        said = nothing_said(call.claim, agent.name, self.floor.clock.ms(now_ns))
        if isinstance(call, AgentCall):
            if call.agent_name != agent.name:
                return  # another one has talked since, and is asked
            said = call.earlier or said
        if not call.over:
            call.disposed = call.disposed or said
        elif call.owes:
            call.owes = False
            self.floor.out.append(Write(0, (said,)))

    def _leg_after(self, agent: Agent, now_ns: int) -> None:
        """The telephone of one who takes no calls now."""
        if agent.state is OFFLINE or not agent.nailed_up:
            self.phones.hang(agent)
        elif agent.reason == PHONE and not agent.leg:
            self.phones.ring(agent, now_ns)

    # -- time ------------------------------------------------------------------------------------

    def watch(self, agent: Agent) -> None:
        """Look at an agent again when something of it is due."""
        due = min(agent.deadline_ns, agent.ring_ns)
        if due < agent.timer_ns:
            agent.timer_ns = due
            heappush(self._timers, (due, agent.number))

    def deadline_ns(self) -> int:
        """When the next agent has something to do."""
        return self._timers[0][0] if self._timers else NEVER

    def tick(self, now_ns: int) -> None:
        """Wrap-ups, rests, graces, cards and rings that are over."""
        timers = self._timers
        while timers and timers[0][0] <= now_ns:
            when, number = heappop(timers)
            agent = self.team.numbered(number)
            if agent.timer_ns == when:
                agent.timer_ns = NEVER
            if agent.ring_ns <= now_ns:
                self.phones.refused(agent, now_ns)
            if agent.deadline_ns <= now_ns:
                agent.deadline_ns = NEVER
                self._due(agent, now_ns)
            self.watch(agent)

    def _due(self, agent: Agent, now_ns: int) -> None:
        if agent.state is READY:
            self.look(agent, now_ns)
        elif agent.state is RESERVED:
            self.cards.due(agent, now_ns)
        elif agent.can("time"):
            self.go(agent, "time", now_ns)

    # -- calls -----------------------------------------------------------------------------------

    def hang_up(self, agent: Agent, now_ns: int) -> None:
        """The agent ends its call."""
        call = agent.call
        if call is None:
            return
        if call.talk is not None and agent.state is TALKING:
            self._talked(agent, call, now_ns)
            call.talk.hung_up(now_ns)
        else:
            call.hang_up(now_ns)
        self.touch(call, now_ns)

    def touch(self, call: AgentCall, now_ns: int) -> None:
        """A call's talk was moved from here: its deadline is another one."""
        call.look()
        self._placing.after(call, now_ns)

    def begun(self, call: AgentCall, run: Run, now_ns: int) -> None:
        """A call of a campaign is being placed; its agent, if it has one, is reserved for it."""
        gate, agent = run.gate, call.agent
        if gate is not None and gate.pacer is not None:
            gate.pacer.dial_started(call.claim.attempt_id, now_ns / NS)
        if agent is None:
            return
        agent.call = call
        if agent.state is READY:
            agent.run = run
            self.set_times(agent, run)
            self.go(agent, "reserve", now_ns)
            self.floor.out.append(ShowCard(agent.name, call.claim, dialed=True))
        else:
            agent.card = None
            agent.deadline_ns = NEVER
            self.homes.tell(agent, now_ns)

    def reserve(self, agent: Agent, run: Run, now_ns: int) -> None:
        """A ready agent is of this campaign until its card or call is over."""
        agent.run = run
        self.set_times(agent, run)
        self.go(agent, "reserve", now_ns)

    def set_times(self, agent: Agent, run: Run) -> None:
        """As its campaign says."""
        s = run.settings.agents
        agent.wrap_ns, agent.rest_ns, agent.grace_ns = ns(s.wrap_up_s), ns(s.rest_s), ns(s.lost_s)

    def staffed(self, place: int | str) -> bool:
        """Whether somebody is at work who takes the customers of a place."""
        return self.team.staffed(place)

    def seek(self, call: AgentCall, now_ns: int) -> None:
        """The longest idle agent now, or the next one who is ready."""
        but = call.passed_by
        agent = self.team.first(call.place, up=True, but=but)
        agent = agent or self.team.first(call.place, but=but)
        if agent is None:
            self.team.wait(call)
        else:
            self._give(agent, call, now_ns)

    def _give(self, agent: Agent, call: AgentCall, now_ns: int) -> None:
        run = self.floor.runs[call.claim.campaign_id]
        agent.call = call
        self.reserve(agent, run, now_ns)
        self.floor.out.append(ShowCard(agent.name, call.claim, dialed=True))
        if not agent.leg:
            self.phones.ring(agent, now_ns, call.claim.attempt_id)
        if call.talk is not None:
            call.talk.give(agent, now_ns)

    def let_go(self, call: AgentCall, now_ns: int) -> None:
        """Its agent is free, or, while its telephone rings, as soon as that is answered."""
        agent, call.agent = call.agent, None
        if agent is None or agent.call is not call:
            return
        agent.call = None
        if agent.state is RESERVED and (agent.leg_up or not agent.leg):
            self.go(agent, "free", now_ns)

    def unserved(self, call: AgentCall, now_ns: int) -> None:
        """A customer has waited long enough."""
        self.team.forget(call)
        self.let_go(call, now_ns)
        self.count_unserved(call, now_ns)

    def connected(self, call: AgentCall, now_ns: int) -> None:
        """The agent of a call and its customer hear each other."""
        if not call.counted:
            call.counted = True
            self.books_of(call.claim.campaign_id).connected(now_ns, now_ns - call.human_ns)
        agent = call.agent
        if agent is not None and agent.can("connect"):
            self.go(agent, "connect", now_ns)

    def passed(self, call: AgentCall, now_ns: int) -> None:
        """Its agent has put the customer through: time to say what came of it so far."""
        agent, call.agent = call.agent, None
        call.passed_by = agent
        if agent is not None and agent.call is call:
            self._talked(agent, call, now_ns)

    def put_through(self, call: AgentCall, number: str, now_ns: int) -> None:
        """Dial a number for the customer of an agent, who lets it wait meanwhile."""
        self._placing.parties.dial(call, number, now_ns)

    def dials_for(self, call: AgentCall) -> bool:
        """Whether a number is being found or dialed for a customer."""
        return self._placing.parties.dials_for(call)

    def keep(self, call: AgentCall, now_ns: int) -> None:
        """Nobody is dialed for a customer any more."""
        self._placing.parties.drop(call, now_ns)

    def _talked(self, agent: Agent, call: AgentCall, now_ns: int) -> None:
        """The conversation is over: time to say what came of it."""
        agent.call = None
        if call.disposed is None:
            agent.owed = call
        if agent.can("over"):
            self.go(agent, "over", now_ns)
        if not agent.nailed_up or self.floor.ending:
            self.phones.hang(agent)
        if agent.state is WRAP_UP and call.disposed is not None:
            self.go(agent, "free", now_ns)

    def ended(self, call: AgentCall, run: Run, now_ns: int) -> None:
        """A call has ended, however it did."""
        if call.talk is None and call.outcome is Outcome.ABANDONED:
            self.human(call, now_ns)  # picked up in the moment in which we gave up
            self.count_unserved(call, now_ns)
        elif call.talk is not None and call.talk.waits:
            self.team.forget(call)
            self.count_unserved(call, now_ns)
        gate = run.gate
        told = call.human_ms or call.incoming or (
            call.talk is not None and call.spoken is Outcome.MACHINE
        )  # fmt: skip
        if gate is not None and gate.pacer is not None and not told:
            gate.pacer.call_ended(call.claim.attempt_id, now_ns / NS, cause(call.outcome))
        if call.outcome is None:  # never dialed: the store has it back
            self.cards.owes_again(call.claim)
        agent = call.agent
        if agent is None or agent.call is not call:
            return
        if agent.state in (TALKING, LOST):
            self._talked(agent, call, now_ns)
        else:
            self.let_go(call, now_ns)
            kept = agent.nailed_up or run.settings.mode is DialMode.PROGRESSIVE
            if self.floor.ending or (agent.leg_up and not kept):
                self.phones.hang(agent)

    # -- work ------------------------------------------------------------------------------------

    def look(self, agent: Agent, now_ns: int) -> None:
        """A ready agent: the next thing to do for it."""
        if agent.state is not READY or agent.asked is not None:
            return
        call = self.team.longest_waiting(agent)
        if call is not None:
            self._give(agent, call, now_ns)
            self.touch(call, now_ns)
        elif not self.cards.seek(agent, now_ns):
            self.floor.dial_ns = now_ns

    def want_leads(self, agent: Agent, now_ns: int) -> None:
        """One more is ready: campaigns that claim ahead of their agents may need more leads."""
        for campaign_id in agent.campaigns:
            run = self.floor.runs.get(campaign_id)
            if run is not None and not (run.held_count or run.asked or run.exhausted):
                self.floor.look_by(max(now_ns, run.ask_at_ns))

    def arm(self, run: Run, now_ns: int) -> None:
        """Progressive: ring the telephones of ready agents, as many as there are leads for."""
        wanted = run.held_count
        for agent in self.team.idle(run.campaign.campaign_id)[:wanted]:
            if not agent.leg:
                agent.run = run
                self.phones.ring(agent, now_ns)

    def house(self, run: Run, now_ns: int) -> None:
        """A campaign may have become able to give its agents work, or unable."""
        floor = self.floor
        wall_ns = now_ns + floor.clock.offset_ns
        if floor.draining or not run.running or (floor.clock.known and not run.open_at(wall_ns)):
            self.cards.stop(run, now_ns)
            return
        for agent in self.team.idle(run.campaign.campaign_id):
            self.look(agent, now_ns)

    def assign(self, now_ns: int) -> None:
        """Campaigns started, stopped, or their agents changed."""
        self.homes.assign(now_ns)

    def busy(self, run: Run) -> bool:
        """Whether some agent still has to do with a campaign."""
        return any(
            a.asked is run or (a.run is run and (a.card or a.call or a.owed))
            for a in self.team.agents.values()
        )
