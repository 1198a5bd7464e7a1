"""Agents of the running daemon: what they ask goes to the dialer, what they have is shown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from msgspec import structs

from dialerd.core.agent import OFFLINE, RESERVED, TALKING, WRAP_UP, Agent
from dialerd.core.agent_inputs import why_not_join
from dialerd.core.agents_view import AgentInfo, Card, TeamInfo, Work
from dialerd.core.campaign_spec import at_time
from dialerd.core.control import Conflict
from dialerd.core.dialer import Dialer
from dialerd.core.effects import AgentAnswer, ShowCard
from dialerd.core.events import AgentEvent
from dialerd.core.records import CampaignState
from dialerd.core.statistics import why_not
from dialerd.core.talk import HELD
from dialerd.core.team_figures import team_figures
from dialerd.shell.clock import Clock
from dialerd.shell.driver import Driver

_SHOWN = tuple(name for name in TeamInfo.__struct_fields__ if name != "campaign")
Publish = Callable[[str, dict[str, object]], None]


class AgentDesk:
    """See `dialerd.control.agents.AgentDesk`."""

    def __init__(self, driver: Driver, dialer: Dialer, clock: Clock, publish: Publish) -> None:
        """Hears from `driver` what agents are answered and shown; `publish` tells it on."""
        self._driver = driver
        self._dialer = dialer
        self._clock = clock
        self._publish = publish
        self._asked: dict[int, asyncio.Future[str]] = {}
        self._number = 0
        self._cards: dict[str, ShowCard] = {}
        driver.doing[AgentAnswer] = self._answered
        driver.doing[ShowCard] = self._show

    async def as_agent(self, event: AgentEvent) -> None:
        """Have an agent do something; Conflict with the dialer's words."""
        self._number += 1
        asked = self._asked[self._number] = asyncio.get_running_loop().create_future()
        self._driver.feed(structs.replace(event, ask=self._number))  # type: ignore[arg-type]
        refusal = await asked
        if refusal:
            raise Conflict(refusal)

    def agents(self) -> tuple[AgentInfo, ...]:
        """Every agent since the daemon started, by name."""
        agents = self._dialer.desk.team.agents
        return tuple(self._info(agents[name]) for name in sorted(agents))

    def agent(self, name: str) -> AgentInfo | None:
        """One of them; None: not since the daemon started."""
        found = self._dialer.desk.team.agents.get(name)
        return None if found is None else self._info(found)

    def teams(self) -> tuple[TeamInfo, ...]:
        """Every campaign with agents."""
        runs = self._dialer.floor.runs
        return tuple(
            TeamInfo(
                campaign=runs[one.campaign_id].settings.name,
                **{name: getattr(one, name) for name in _SHOWN},
            )
            for one in team_figures(self._dialer.desk, self._clock.now_ns())
        )

    def work(self, name: str, queues: tuple[str, ...]) -> tuple[Work, ...]:
        """The campaigns that an agent may join."""
        floor, now_ns = self._dialer.floor, self._clock.now_ns()
        agent = self._dialer.desk.team.agents.get(name)
        mine = agent.campaigns if agent is not None and agent.state is not OFFLINE else ()
        groups = queues or (agent.queues if agent is not None else ())
        return tuple(
            Work(
                campaign=run.settings.name,
                mode=run.settings.mode,
                joined=campaign_id in mine,
                why=why_not(floor, run, now_ns),
            )
            for campaign_id, run in floor.runs.items()
            if run.campaign.state is not CampaignState.FINISHED
            and not why_not_join(run, name, groups)
        )

    def _answered(self, effect: AgentAnswer) -> None:
        asked = self._asked.pop(effect.ask, None)
        if asked is not None and not asked.done():
            asked.set_result(effect.refusal)

    def _show(self, effect: ShowCard) -> None:
        self._cards[effect.agent] = effect
        card = self._card(effect)
        self._publish("card", {"agent": effect.agent} | structs.asdict(card))

    def _card(self, shown: ShowCard) -> Card:
        claim = shown.claim
        run = self._dialer.floor.runs.get(claim.campaign_id)
        return Card(
            campaign=run.settings.name if run is not None else str(claim.campaign_id),
            lead=claim.lead_id,
            attempt=claim.attempt_id,
            number=f"+{claim.phone}",
            carrier=claim.carrier,
            fields=claim.fields,
            tries=claim.number,
            dial_at=at_time(shown.dial_at_ms) if shown.dial_at_ms else None,
            may_skip=shown.may_skip,
            dialed=shown.dialed,
            promised=claim.callback.note if claim.callback is not None else "",
        )

    def _info(self, agent: Agent) -> AgentInfo:
        shown = self._cards.get(agent.name)
        has = agent.state in (RESERVED, TALKING, WRAP_UP) and shown is not None
        runs = self._dialer.floor.runs
        names = (runs[i].settings.name if i in runs else str(i) for i in agent.campaigns)
        since_ns = agent.since_ns + self._clock.offset_ns
        talk = agent.call.talk if agent.call is not None else None
        return AgentInfo(
            name=agent.name,
            state=agent.state,
            since=at_time(since_ns // 1_000_000),
            reason=agent.reason,
            phone=agent.phone,
            nailed_up=agent.nailed_up,
            on_phone=agent.leg_up,
            on_hold=talk is not None and talk.state is HELD,
            campaigns=tuple(names),
            queues=agent.queues,
            calls=agent.calls,
            card=self._card(shown) if has and shown is not None else None,
        )
