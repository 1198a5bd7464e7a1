"""What agents ask for, one function each. What is not possible now is a `Refusal` with words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from dialerd.core.agent import OFFLINE, PAUSED, READY, TALKING, WRAP_UP, Agent, Refusal
from dialerd.core.agent_call import AgentCall
from dialerd.core.agent_records import Note
from dialerd.core.agent_transfers import put_through
from dialerd.core.desk import Desk
from dialerd.core.disposing import disposal
from dialerd.core.effects import AgentAnswer, Notify, SendKeys, Write
from dialerd.core.events import (
    AgentBack,
    AgentDial,
    AgentDisposed,
    AgentEvent,
    AgentHangUp,
    AgentHeld,
    AgentJoined,
    AgentKeyed,
    AgentLoggedIn,
    AgentLoggedOut,
    AgentLost,
    AgentNoted,
    AgentPaused,
    AgentPickedUp,
    AgentReady,
    AgentResumed,
    AgentSkip,
    AgentTake,
    AgentTransferred,
)
from dialerd.core.floor import Floor
from dialerd.core.keys import unsendable
from dialerd.core.leads import Leads
from dialerd.core.limits import (
    AGENT_CAMPAIGNS_MAX,
    AGENT_NAME_CHARS_MAX,
    NOTE_CHARS_MAX,
    QUEUES_MAX,
    REASON_CHARS_MAX,
)
from dialerd.core.ops import Claim, Dispose, KeepNote
from dialerd.core.pacing import NS
from dialerd.core.records import CampaignState, DialMode, EventKind, LeadState
from dialerd.core.running import Run
from dialerd.core.statistics import why_not
from dialerd.core.talk import BRIDGED, HELD, Talk

NAMES_TOLD: Final = 5  #: members of a campaign in a refusal
_OTHER: Final = "the last customer is not called or disposed of yet"


def why_not_join(run: Run, name: str, queues: tuple[str, ...]) -> str:
    """Why an agent may not work in a campaign; empty when it may."""
    title, members = run.settings.name, run.settings.agents.members
    if run.settings.mode is DialMode.BROADCAST:
        return f"campaign {title!r} is a broadcast: it needs no agents"
    if members and name not in members and not set(queues) & set(members):
        names = ", ".join(members[:NAMES_TOLD]) + (" and others" * (len(members) > NAMES_TOLD))
        return f"campaign {title!r} is not yours: its agents and queues are {names}"
    return ""


class AgentInputs:
    """The door for what agents do."""

    __slots__ = ("_desk", "_floor", "_leads")

    def __init__(self, floor: Floor, leads: Leads, desk: Desk) -> None:
        """Of one dialer."""
        self._floor = floor
        self._leads = leads
        self._desk = desk

    def handle(self, event: AgentEvent, now_ns: int) -> None:
        """One input; answered when it asks for that."""
        refusal = ""
        self._desk.keeping.at_once = True
        try:
            _ACTS[type(event)](self, event, now_ns)
        except Refusal as error:
            refusal = str(error)
        out = self._floor.out
        if event.ask:
            out.append(AgentAnswer(event.ask, event.agent, refusal))
        elif refusal:
            data: dict[str, object] = {"agent": event.agent, "refused": refusal}
            out.append(Notify("agent", data))

    # -- coming and going ------------------------------------------------------------------------

    def _logged_in(self, event: AgentLoggedIn, now_ns: int) -> None:
        if not 0 < len(event.phone) <= 2 * AGENT_NAME_CHARS_MAX or not event.phone.isprintable():
            raise Refusal("a telephone is needed: an account of ours, or a number with a plus")
        desk = self._desk
        known = desk.team.agents.get(event.agent)
        if known is not None and (known.call is not None or known.card is not None):
            raise Refusal("you are in a call")
        queues = event.queues[:QUEUES_MAX]
        joined = self._joinable(event.agent, queues, event.campaigns)
        agent = desk.team.add(event.agent)
        if agent.state in (PAUSED, READY, WRAP_UP):  # again, perhaps from elsewhere
            desk.go(agent, "logout", now_ns)
        if (event.phone, event.nailed_up) != (agent.phone, agent.nailed_up):
            desk.phones.hang(agent)
        desk.team.unready(agent)
        agent.phone, agent.nailed_up, agent.queues = event.phone, event.nailed_up, queues
        agent.campaigns = joined
        agent.own.clear()
        desk.go(agent, "login", now_ns)
        desk.assign(now_ns)
        if agent.nailed_up and not agent.leg:
            desk.phones.ring(agent, now_ns)

    def _joined(self, event: AgentJoined, now_ns: int) -> None:
        agent = self._desk.team.of(event.agent)
        if agent.state is OFFLINE:
            raise Refusal("not logged in at a telephone")
        joined = self._joinable(agent.name, agent.queues, event.campaigns)
        self._desk.team.unready(agent)
        agent.campaigns = joined
        agent.own.clear()
        self._desk.keeping.moved(agent)
        self._desk.assign(now_ns)
        if agent.state is READY and agent.asked is None:
            self._desk.team.ready(agent)
            self._desk.look(agent, now_ns)

    def _joinable(
        self, name: str, queues: tuple[str, ...], wanted: tuple[int, ...]
    ) -> tuple[int, ...]:
        if len(wanted) > AGENT_CAMPAIGNS_MAX:
            raise Refusal(f"at most {AGENT_CAMPAIGNS_MAX} campaigns at once")
        for campaign_id in wanted:
            run = self._floor.runs.get(campaign_id)
            if run is None or run.campaign.state is CampaignState.FINISHED:
                raise Refusal(f"there is no campaign {campaign_id} to work in")
            if why := why_not_join(run, name, queues):
                raise Refusal(why)
        return tuple(dict.fromkeys(wanted))

    def _ready(self, event: AgentReady, now_ns: int) -> None:
        self._desk.go(self._desk.team.of(event.agent), "ready", now_ns)

    def _paused(self, event: AgentPaused, now_ns: int) -> None:
        agent = self._desk.team.of(event.agent)
        self._desk.go(agent, "pause", now_ns, event.reason[:REASON_CHARS_MAX])

    def _logged_out(self, event: AgentLoggedOut, now_ns: int) -> None:
        self._desk.go(self._desk.team.of(event.agent), "logout", now_ns)

    def _lost(self, event: AgentLost, now_ns: int) -> None:
        agent = self._desk.team.of(event.agent)
        if agent.run is None:
            graces = [
                run.settings.agents.lost_s
                for id_ in agent.campaigns
                if (run := self._floor.runs.get(id_)) is not None
            ]
            agent.grace_ns = max(graces, default=0) * NS
        self._desk.go(agent, "lost", now_ns)

    def _back(self, event: AgentBack, now_ns: int) -> None:
        self._desk.go(self._desk.team.of(event.agent), "back", now_ns)

    # -- customers -------------------------------------------------------------------------------

    def _take(self, event: AgentTake, now_ns: int) -> None:
        agent = self._desk.team.of(event.agent)
        if agent.card is not None or agent.call is not None or agent.owed is not None:
            raise Refusal(_OTHER)
        if agent.state is not READY:
            raise Refusal(f"not while you are {agent.state}")
        if agent.asked is not None:
            raise Refusal("a customer is on the way")
        run = self._floor.runs.get(event.campaign_id)
        if run is None or event.campaign_id not in agent.campaigns:
            raise Refusal("join the campaign first")
        if run.settings.mode is not DialMode.MANUAL:
            raise Refusal(f"campaign {run.settings.name!r} gives its customers by itself")
        self._may_dial(run, now_ns)
        self._desk.cards.ask(agent, run, own=False)

    def _may_dial(self, run: Run, now_ns: int) -> None:
        if not self._floor.may_dial(run, now_ns):
            why = why_not(self._floor, run, now_ns) or "not now"
            raise Refusal(f"campaign {run.settings.name!r} does not dial: {why}")

    def _with_card(self, event: AgentEvent) -> tuple[Agent, Run]:
        agent = self._desk.team.of(event.agent)
        if agent.card is None or agent.run is None:
            raise Refusal("there is no customer to call")
        if agent.card.wanted:
            raise Refusal("the customer is being called")
        return agent, agent.run

    def _dial(self, event: AgentDial, now_ns: int) -> None:
        agent, run = self._with_card(event)
        self._may_dial(run, now_ns)
        self._desk.cards.dial(agent, now_ns)
        self._desk.watch(agent)

    def _skip(self, event: AgentSkip, now_ns: int) -> None:
        agent, run = self._with_card(event)
        if run.settings.mode is not DialMode.PREVIEW or not run.settings.agents.may_skip:
            raise Refusal("this campaign skips nobody: only a preview with may_skip does")
        self._desk.cards.skip(agent, run, now_ns)

    def _hang_up(self, event: AgentHangUp, now_ns: int) -> None:
        agent = self._desk.team.of(event.agent)
        if agent.call is not None:
            self._desk.hang_up(agent, now_ns)
        elif agent.card is not None and agent.card.wanted:
            self._desk.cards.withdraw(agent, now_ns)
        else:
            raise Refusal("there is no call to end")

    def _talk(self, agent: Agent) -> tuple[AgentCall, Talk]:
        call = agent.call
        if agent.state is not TALKING or call is None or call.talk is None:
            raise Refusal("you talk with nobody")
        return call, call.talk

    def _held(self, event: AgentHeld, now_ns: int) -> None:
        call, talk = self._talk(self._desk.team.of(event.agent))
        if talk.state is HELD:
            raise Refusal("the customer waits already")
        talk.held(now_ns)
        self._desk.touch(call, now_ns)

    def _resumed(self, event: AgentResumed, now_ns: int) -> None:
        agent = self._desk.team.of(event.agent)
        call, talk = self._talk(agent)
        if talk.state is not HELD:
            raise Refusal("the customer does not wait")
        if not agent.leg_up:
            raise Refusal("your telephone is not up yet")
        self._desk.keep(call, now_ns)
        talk.up(now_ns)
        self._desk.touch(call, now_ns)

    def _transferred(self, event: AgentTransferred, now_ns: int) -> None:
        agent = self._desk.team.of(event.agent)
        call, talk = self._talk(agent)
        put_through(self._desk, self._leads.numbering, (agent, call, talk), event, now_ns)

    def _keyed(self, event: AgentKeyed, now_ns: int) -> None:
        agent = self._desk.team.of(event.agent)
        keys = event.digits.upper()
        if fault := unsendable(keys):
            raise Refusal(fault)
        call, talk = self._talk(agent)
        if talk.state is not BRIDGED:
            raise Refusal("the customer waits: resume first")
        call.record(EventKind.SENT_KEYS, f"{agent.name} {len(keys)}", now_ns)
        self._floor.out.append(SendKeys(call.claim.attempt_id, call.leg, keys))

    def _picked_up(self, event: AgentPickedUp, now_ns: int) -> None:
        self._desk.phones.pick_up(self._desk.team.of(event.agent), now_ns)

    # -- what came of them -----------------------------------------------------------------------

    def _claim(self, agent: Agent) -> Claim:
        """The customer that an agent has, or has just had."""
        if agent.card is not None:
            return agent.card.claim
        call = agent.call or agent.owed
        if call is None:
            raise Refusal("there is no customer to say that of")
        return call.claim

    def _disposed(self, event: AgentDisposed, now_ns: int) -> None:
        desk = self._desk
        agent = desk.team.of(event.agent)
        claim, run, call = self._claim(agent), agent.run, agent.call
        if run is None:
            raise Refusal("there is no customer to say that of")
        if call is not None and not call.connected_ms:
            raise Refusal("wait for the end of the call, or hang up")
        now_ms = self._floor.clock.ms(now_ns)
        op = disposal(run.settings, claim, event, now_ms)
        if event.note:
            self._keep_note(agent, claim, event.note, now_ms)
        self._booked(agent, run, op, now_ns)
        if agent.card is not None:
            desk.cards.take_back(agent)
            self._floor.out.append(Write(0, (op,)))
            desk.go(agent, "free", now_ns)
        elif call is not None:
            call.disposed = op
        elif agent.owed is not None:
            owed, agent.owed = agent.owed, None
            if isinstance(owed, AgentCall) and owed.agent_name != agent.name:
                self._said_before(agent, owed, op, now_ns)
            elif owed.over:
                owed.owes = False
                self._floor.out.append(Write(0, (op,)))
            else:
                owed.disposed = op
            if agent.state is WRAP_UP:
                desk.go(agent, "free", now_ns)

    def _said_before(self, agent: Agent, call: AgentCall, op: Dispose, now_ns: int) -> None:
        """Another agent has talked with the customer since."""
        words = call.said_before(op, now_ns)
        if call.over and words:  # its history is written
            note = call.notes.get(agent.name, "")
            text = call.noted(agent, f"{words}; {note}" if note else words)
            self._write_note(agent, call.claim, text, op.at_ms)

    def _booked(self, agent: Agent, run: Run, op: Dispose, now_ns: int) -> None:
        """When the lead may be wanted again."""
        campaign_id = run.campaign.campaign_id
        offset_ns = self._floor.clock.offset_ns
        if op.lead_state in (LeadState.RETRY, LeadState.CALLBACK, LeadState.RESTING):
            run.exhausted = False
            self._leads.ask_by(run, max(now_ns, op.due_s * NS - offset_ns))
        if op.callback is not None and op.callback.agent:
            due_ns = op.callback.due_s * NS - offset_ns
            agent.own[campaign_id] = min(agent.own.get(campaign_id, 0), due_ns)

    def _noted(self, event: AgentNoted, now_ns: int) -> None:
        agent = self._desk.team.of(event.agent)
        self._keep_note(agent, self._claim(agent), event.text, self._floor.clock.ms(now_ns))

    def _keep_note(self, agent: Agent, claim: Claim, text: str, now_ms: int) -> None:
        call = None if agent.card is not None else agent.call or agent.owed
        if isinstance(call, AgentCall):
            text = call.noted(agent, text)
        self._write_note(agent, claim, text, now_ms)

    def _write_note(self, agent: Agent, claim: Claim, text: str, now_ms: int) -> None:
        note = Note(
            claim.phone,
            claim.attempt_id,
            claim.campaign_id,
            claim.lead_id,
            agent.name,
            now_ms,
            text[:NOTE_CHARS_MAX],
        )
        self._desk.keeping.also(KeepNote(note))


_ACTS: Final[dict[type, Callable[[AgentInputs, Any, int], None]]] = {
    AgentLoggedIn: AgentInputs._logged_in,
    AgentJoined: AgentInputs._joined,
    AgentReady: AgentInputs._ready,
    AgentPaused: AgentInputs._paused,
    AgentLoggedOut: AgentInputs._logged_out,
    AgentLost: AgentInputs._lost,
    AgentBack: AgentInputs._back,
    AgentTake: AgentInputs._take,
    AgentDial: AgentInputs._dial,
    AgentSkip: AgentInputs._skip,
    AgentHangUp: AgentInputs._hang_up,
    AgentHeld: AgentInputs._held,
    AgentResumed: AgentInputs._resumed,
    AgentTransferred: AgentInputs._transferred,
    AgentKeyed: AgentInputs._keyed,
    AgentPickedUp: AgentInputs._picked_up,
    AgentDisposed: AgentInputs._disposed,
    AgentNoted: AgentInputs._noted,
}
