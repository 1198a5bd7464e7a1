"""Requests about agents: campaigns by name become ids, what people write becomes events."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any, Final, Protocol

from msgspec import structs

from dialerd.core import agents_view as view
from dialerd.core import events as ev
from dialerd.core.agent_records import Callback
from dialerd.core.agents_view import (
    AgentInfo,
    AgentList,
    AsAgent,
    CallbackInfo,
    CallbackList,
    Card,
    Earlier,
    ListAgents,
    ListCallbacks,
    ListWork,
    TeamInfo,
    Work,
    WorkList,
)
from dialerd.core.campaign_spec import at_time
from dialerd.core.control_errors import NotFound
from dialerd.core.limits import CALLBACKS_READ_MAX, PAST_MAX
from dialerd.core.ports import Store
from dialerd.core.records import Campaign

Find = Callable[[str], Campaign]


class AgentDesk(Protocol):
    """What is needed of the running daemon."""

    def agents(self) -> tuple[AgentInfo, ...]:
        """Every agent since it started, by name."""
        ...

    def agent(self, name: str) -> AgentInfo | None:
        """One of them: what is asked with every act must not cost what all of them cost."""
        ...

    def teams(self) -> tuple[TeamInfo, ...]:
        """Every campaign with agents."""
        ...

    def work(self, name: str, queues: tuple[str, ...]) -> tuple[Work, ...]:
        """The campaigns that an agent may join."""
        ...

    async def as_agent(self, event: ev.AgentEvent) -> None:
        """Have an agent do something; Conflict with words when that is not possible."""
        ...


class AgentRequests:
    """The agents' part of the control service."""

    def __init__(
        self, desk: AgentDesk, find: Find, store: Store, now_ms: Callable[[], int]
    ) -> None:
        """`find` is a campaign by name or id; NotFound. `store` is only read."""
        self._desk = desk
        self._find = find
        self._store = store
        self._now_ms = now_ms
        self._pasts: dict[str, tuple[int, tuple[Earlier, ...]]] = {}  # of agents with a card

    async def agents(self, request: ListAgents) -> AgentList:
        """Where each stands; NotFound."""
        if request.name:
            return AgentList(items=(self._with_past(self._agent(request.name)),))
        return AgentList(items=self._desk.agents(), teams=self._desk.teams())

    def _agent(self, name: str) -> AgentInfo:
        found = self._desk.agent(name)
        if found is None:
            raise NotFound(f"agent {name!r} has not logged in since the daemon started")
        return found

    def _with_past(self, agent: AgentInfo) -> AgentInfo:
        """The customer on the card with what was before: of this agent's own customer only."""
        card = agent.card
        if card is None:
            self._pasts.pop(agent.name, None)
            return agent
        attempt, past = self._pasts.get(agent.name, (0, ()))
        if attempt != card.attempt:  # looked up once for each customer, however often it is shown
            past = self._past(card)
            self._pasts[agent.name] = card.attempt, past
        return structs.replace(agent, card=structs.replace(card, past=past))

    def _past(self, card: Card) -> tuple[Earlier, ...]:
        return tuple(
            Earlier(
                campaign=one.campaign,
                at=at_time(one.attempt.begun_ms),
                outcome=str(one.attempt.outcome),
                agent=one.attempt.agent,
                disposition=one.attempt.disposition,
                note=one.note,
            )
            for one in self._store.past(int(card.number.lstrip("+")), PAST_MAX)
            if one.attempt.outcome is not None
        )

    async def work(self, request: ListWork) -> WorkList:
        """Where that agent may work."""
        return WorkList(items=self._desk.work(request.agent, request.queues))

    async def promised(self, request: ListCallbacks) -> CallbackList:
        """The callbacks of a campaign; NotFound."""
        campaign_id = self._find(request.campaign).campaign_id
        pages = self._store.callbacks(campaign_id)
        found = list(islice((one for page in pages for one in page), CALLBACKS_READ_MAX))
        found.sort(key=lambda one: one.due_s)
        now_s = self._now_ms() // 1_000
        due = [one for one in found if one.due_s <= now_s]
        shown = (due if request.overdue else found)[: request.limit]
        items = tuple(callback_info(one, now_s) for one in shown)
        return CallbackList(items=items, total=len(found), overdue=len(due))

    async def as_agent(self, request: AsAgent) -> AgentInfo:
        """Do it, and tell where that agent stands then."""
        make = _EVENTS[type(request.act)]
        await self._desk.as_agent(make(self._find, request.agent, request.act))
        return self._agent(request.agent)


def callback_info(one: Callback, now_s: int) -> CallbackInfo:
    """As people are shown it."""
    return CallbackInfo(
        lead=one.lead_id,
        number=f"+{one.phone}",
        due=at_time(one.due_s * 1_000),
        overdue=one.due_s <= now_s,
        agent=one.agent,
        anybody_at=at_time(one.open_s * 1_000) if one.open_s else None,
        booked_at=at_time(one.booked_ms) if one.booked_ms else None,
        booked_by=one.booked_by,
        note=one.note,
    )


def _ids(find: Find, names: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(find(name).campaign_id for name in names)


def _log_in(find: Find, agent: str, act: view.LogIn) -> ev.AgentLoggedIn:
    campaigns = _ids(find, act.campaigns)
    return ev.AgentLoggedIn(agent, act.phone, campaigns, act.nailed_up, act.queues)


def _dispose(_find: Find, agent: str, act: view.Dispose) -> ev.AgentDisposed:
    at_s = 0 if act.callback_at is None else int(act.callback_at.timestamp())
    return ev.AgentDisposed(agent, act.disposition, at_s, act.to_me, act.do_not_call, act.note)


def _bare(event: type[ev.AgentEvent]) -> Callable[[Find, str, Any], ev.AgentEvent]:
    return lambda _find, agent, _act: event(agent)


_EVENTS: Final[dict[type[view.Act], Callable[[Find, str, Any], ev.AgentEvent]]] = {
    view.LogIn: _log_in,
    view.Join: lambda find, agent, act: ev.AgentJoined(agent, _ids(find, act.campaigns)),
    view.Ready: _bare(ev.AgentReady),
    view.Pause: lambda _find, agent, act: ev.AgentPaused(agent, act.reason),
    view.LogOut: _bare(ev.AgentLoggedOut),
    view.Lost: _bare(ev.AgentLost),
    view.Back: _bare(ev.AgentBack),
    view.Take: lambda find, agent, act: ev.AgentTake(agent, find(act.campaign).campaign_id),
    view.Dial: _bare(ev.AgentDial),
    view.Skip: _bare(ev.AgentSkip),
    view.HangUp: _bare(ev.AgentHangUp),
    view.Hold: _bare(ev.AgentHeld),
    view.Resume: _bare(ev.AgentResumed),
    view.Digits: lambda _find, agent, act: ev.AgentKeyed(agent, act.digits),
    view.Answer: _bare(ev.AgentPickedUp),
    view.PutThrough: lambda _find, agent, act: ev.AgentTransferred(
        agent, act.kind, act.target, act.ring_s_max
    ),
    view.Dispose: _dispose,
    view.WriteNote: lambda _find, agent, act: ev.AgentNoted(agent, act.text),
}
