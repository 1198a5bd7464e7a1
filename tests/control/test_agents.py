"""What agents ask costs what that agent costs, however many others there are."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from dialerd.control.agents import AgentRequests
from dialerd.control.hub import EventHub
from dialerd.core.agents_view import AgentInfo, AsAgent, ListAgents, LogIn, Ready
from dialerd.core.control_errors import NotFound
from tests.control.team import team


class Counted:
    """A desk that counts the agents whom it was asked to describe."""

    def __init__(self, desk: Any) -> None:
        self._desk = desk
        self.described = 0

    def agents(self) -> tuple[AgentInfo, ...]:
        found: tuple[AgentInfo, ...] = self._desk.agents()
        self.described += len(found)
        return found

    def agent(self, name: str) -> AgentInfo | None:
        found: AgentInfo | None = self._desk.agent(name)
        self.described += 1
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._desk, name)


def test_an_act_describes_one_agent_of_many() -> None:
    async def scenario() -> None:
        desk = Counted(team(EventHub()))
        nothing: Any = None
        asked = AgentRequests(desk, nothing, nothing, lambda: 0)
        names = [f"a{number}" for number in range(50)]
        for name in names:
            await asked.as_agent(AsAgent(agent=name, act=LogIn(phone="+84912000000")))
        desk.described = 0
        stands = await asked.as_agent(AsAgent(agent="a7", act=Ready()))
        alone = await asked.agents(ListAgents(name="a7"))
        assert desk.described == 2
        assert alone.items == (stands,)
        everybody = (await asked.agents(ListAgents())).items
        assert [one.name for one in everybody] == sorted(names)
        assert stands in everybody
        with pytest.raises(NotFound, match="'nobody'"):
            await asked.agents(ListAgents(name="nobody"))

    asyncio.run(scenario())
