"""Customers that are one agent's before they are dialed: asked for, shown, dialed or given back.

A card comes from a claim for that agent: a callback of its own that is due, else, in manual and
preview campaigns, whoever is next. It is leased for an hour, so that an agent may look at it. One
that is to be dialed, and that no line takes for a minute, goes back: the agent gets somebody else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dialerd.core.agent import READY, RESERVED, Agent
from dialerd.core.clock import NEVER
from dialerd.core.effects import Notify, ShowCard, WantLeads, Write
from dialerd.core.events import Claimed, ClaimFailed
from dialerd.core.floor import Floor
from dialerd.core.leads import Leads
from dialerd.core.limits import (
    AGENT_LEASE_S,
    ASK_GAP_NS,
    CARD_AGAIN_S,
    CARD_WAIT_S,
    LEASE_MARGIN_S,
)
from dialerd.core.ops import Claim, Dispose, ReleaseClaim
from dialerd.core.pacing import NS
from dialerd.core.records import DialMode, LeadState
from dialerd.core.running import Held, Run

if TYPE_CHECKING:
    from dialerd.core.desk import Desk


class Cards:
    """The cards of all agents."""

    __slots__ = ("_desk", "_floor", "_leads")

    def __init__(self, floor: Floor, leads: Leads, desk: Desk) -> None:
        """No card is out."""
        self._floor = floor
        self._leads = leads
        self._desk = desk

    # -- asking ----------------------------------------------------------------------------------

    def seek(self, agent: Agent, now_ns: int) -> bool:
        """Ask for a card of a ready agent; False when nothing is due for it now."""
        floor = self._floor
        next_ns = NEVER
        previews = []
        for campaign_id in agent.campaigns:
            run = floor.runs.get(campaign_id)
            if run is None or run.settings.mode is DialMode.MANUAL:
                continue
            if not floor.may_dial(run, now_ns):
                continue
            due_ns = agent.own.get(campaign_id, 0)
            if due_ns <= now_ns:
                self.ask(agent, run, own=True)
                return True
            next_ns = min(next_ns, due_ns)
            if run.settings.mode is DialMode.PREVIEW and not run.exhausted:
                previews.append(run)
        agent.deadline_ns = next_ns
        self._desk.watch(agent)
        for run in sorted(previews, key=lambda one: one.placed / max(1, one.settings.weight)):
            if run.ask_at_ns <= now_ns:
                self.ask(agent, run, own=False)
                return True
            floor.look_by(run.ask_at_ns)
        return False

    def ask(self, agent: Agent, run: Run, *, own: bool) -> None:
        """Claim a customer for an agent, who gets nothing else until the answer."""
        agent.asked, agent.asked_own = run, own
        agent.deadline_ns = NEVER
        self._desk.team.unready(agent)
        campaign_id = run.campaign.campaign_id
        self._floor.out.append(WantLeads(campaign_id, 1, agent.name, own, AGENT_LEASE_S))

    def claimed(self, event: Claimed, now_ns: int) -> None:
        """The answer: a card for the agent, if there is one and it still wants one."""
        batch, floor = event.batch, self._floor
        run, agent = floor.runs.get(batch.campaign_id), self._desk.team.agents.get(batch.agent)
        wanted = agent is not None and run is not None and agent.asked is run
        if not wanted or agent is None or run is None:
            self._release(batch.claims, now_ns)
            return
        own, agent.asked = agent.asked_own, None
        due_s = batch.own_due_s
        offset_ns = floor.clock.offset_ns
        agent.own[batch.campaign_id] = NEVER if due_s is None else due_s * NS - offset_ns
        run.next_due_s, run.exhausted = batch.next_due_s, batch.exhausted
        if not batch.claims and not own:
            run.ask_at_ns = self._leads.ask_again_ns(run, now_ns)
            floor.look_by(run.ask_at_ns)
            if run.settings.mode is DialMode.MANUAL:
                self._tell(agent, run, "empty", now_ns)
        if agent.state is not READY or not floor.may_dial(run, now_ns):
            self._release(batch.claims, now_ns)
            if agent.state is READY:
                self._again(agent, now_ns)
            return
        numbers = ((claim, self._leads.number(run, claim, now_ns)) for claim in batch.claims)
        found = next(((claim, number) for claim, number in numbers if number), None)
        if found is None:
            self._again(agent, now_ns)
            return
        claim, number = found
        lease_ns = now_ns + (AGENT_LEASE_S - LEASE_MARGIN_S) * NS
        self._show(agent, run, Held(claim, number, lease_ns), now_ns)

    def failed(self, event: ClaimFailed, now_ns: int) -> None:
        """The store could not claim."""
        run, agent = self._floor.runs.get(event.campaign_id), None
        agent = self._desk.team.agents.get(event.agent)
        if run is None or agent is None or agent.asked is not run:
            return
        agent.asked = None
        run.backs_off(now_ns)
        agent.own[event.campaign_id] = run.ask_at_ns
        self._floor.look_by(run.ask_at_ns)
        if agent.state is READY:
            self._again(agent, now_ns)

    def _again(self, agent: Agent, now_ns: int) -> None:
        self._desk.team.ready(agent)
        self._desk.look(agent, now_ns)
        self._desk.want_leads(agent, now_ns)

    def _tell(self, agent: Agent, run: Run, what: str, now_ns: int) -> None:
        """Why there is no card: nobody is left to call (`empty`), or no line to call by."""
        data: dict[str, object] = {
            "agent": agent.name,
            "campaign_id": run.campaign.campaign_id,
            what: True,
            "at_ms": self._floor.clock.ms(now_ns),
        }
        self._floor.out.append(Notify("card", data))

    # -- a card ----------------------------------------------------------------------------------

    def _show(self, agent: Agent, run: Run, card: Held, now_ns: int) -> None:
        self._desk.reserve(agent, run, now_ns)
        agent.card = card
        card.agent = agent
        self.lay(agent, run, now_ns)

    def again(self, agent: Agent, run: Run, claim: Claim, now_ns: int) -> bool:
        """The card of an agent, as it was before a restart; False: it is one no more."""
        number = self._leads.number(run, claim, now_ns)
        if number is None or not self._floor.may_dial(run, now_ns):
            return False
        lease_ns = now_ns + (AGENT_LEASE_S - LEASE_MARGIN_S) * NS
        agent.card = Held(claim, number, lease_ns)
        agent.card.agent = agent
        return True

    def lay(self, agent: Agent, run: Run, now_ns: int) -> None:
        """Show an agent its card."""
        card, settings = agent.card, run.settings
        if card is None:
            return
        dial_ms, may_skip = 0, False
        if settings.mode is DialMode.MANUAL:
            agent.deadline_ns = card.lease_ns
        elif settings.mode is DialMode.PREVIEW:
            agent.deadline_ns = now_ns + settings.agents.preview_s * NS
            dial_ms = self._floor.clock.ms(agent.deadline_ns)
            may_skip = settings.agents.may_skip
        self._floor.out.append(ShowCard(agent.name, card.claim, dial_ms, may_skip))
        self._desk.watch(agent)
        if agent.deadline_ns >= NEVER:  # a promise kept in another mode
            self.dial(agent, now_ns)

    def due(self, agent: Agent, now_ns: int) -> None:
        """The time of a card is over."""
        run, card = agent.run, agent.card
        if run is None or card is None:
            return
        if card.wanted:
            self._tell(agent, run, "no_line", now_ns)
            self.withdraw(agent, now_ns, CARD_AGAIN_S)
        elif run.settings.mode is DialMode.PREVIEW and card.lease_ns > now_ns:
            self.dial(agent, now_ns)
        else:
            self.withdraw(agent, now_ns)

    def dial(self, agent: Agent, now_ns: int) -> None:
        """Dial the customer on the card, once the agent is at the telephone."""
        card = agent.card
        if card is None or card.wanted:
            return
        card.wanted = True
        agent.deadline_ns = now_ns + CARD_WAIT_S * NS
        if agent.leg_up:
            self.at_phone(agent, now_ns)
        elif not agent.leg:
            self._desk.phones.ring(agent, now_ns)
        self._desk.watch(agent)

    def at_phone(self, agent: Agent, now_ns: int) -> None:
        """The agent's leg is up."""
        card, run = agent.card, agent.run
        if card is not None and run is not None and card.wanted and card not in run.bound:
            run.bound.append(card)
            self._floor.dial_ns = now_ns

    def take_back(self, agent: Agent) -> Claim | None:
        """The card of an agent is its no longer: the claim."""
        card, agent.card = agent.card, None
        if card is None:
            return None
        if agent.run is not None and card in agent.run.bound:
            agent.run.bound.remove(card)
        return card.claim

    def give_back(self, agent: Agent, now_ns: int, after_s: int = 0) -> None:
        """The customer is due again."""
        claim = self.take_back(agent)
        if claim is not None:
            self._release((claim,), now_ns, after_s)

    def withdraw(self, agent: Agent, now_ns: int, after_s: int = 0) -> None:
        """Give the card back, and the agent something else to do."""
        self.give_back(agent, now_ns, after_s)
        if agent.state is RESERVED:
            self._desk.go(agent, "free", now_ns)

    def skip(self, agent: Agent, run: Run, now_ns: int) -> None:
        """Somebody else now; this customer again after the campaign's gap, whatever its turn."""
        claim = self.take_back(agent)
        if claim is not None:
            now_ms, gap_s = self._floor.clock.ms(now_ns), run.settings.retry_gap_s
            due_s = now_ms // 1000 + gap_s
            if claim.callback is not None:
                op: ReleaseClaim | Dispose = ReleaseClaim(claim.attempt_id, due_s)
            else:
                op = Dispose(claim.attempt_id, agent.name, now_ms, "", LeadState.RETRY, due_s)
            self._floor.out.append(Write(0, (op,)))
            self.owes_again(claim)
            self._leads.ask_by(run, now_ns + gap_s * NS)
        self._desk.go(agent, "free", now_ns)

    def stop(self, run: Run, now_ns: int) -> None:
        """A campaign may not dial any more: its cards go back."""
        for agent in self._desk.team.agents.values():
            if agent.run is run and agent.card is not None:
                self.withdraw(agent, now_ns)

    def owes_again(self, claim: Claim) -> None:
        """A callback is not kept yet: its agent's next one is not known any more."""
        if claim.callback is not None:
            agent = self._desk.team.agents.get(claim.callback.agent)
            if agent is not None:
                agent.own.pop(claim.campaign_id, None)

    def _release(self, claims: tuple[Claim, ...], now_ns: int, after_s: int = 0) -> None:
        due_s = self._floor.clock.ms(now_ns) // 1000 + after_s
        ops = tuple(ReleaseClaim(claim.attempt_id, due_s) for claim in claims)
        for claim in claims:
            self.owes_again(claim)
        if ops:
            self._floor.out.append(Write(0, ops))
            self._floor.look_by(now_ns + ASK_GAP_NS)
