"""The present state of topics, for a reader that has nothing to go on from."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import msgspec

from admin_http.people import sight
from admin_http.people.asker import Asker
from dialerd.control.io_client import ControlClient
from dialerd.core.agents_view import ListAgents
from dialerd.core.control import GetStatus, ListCampaigns
from dialerd.core.control_base import PAGE_MAX, Request
from dialerd.core.lines_view import ListTrunks
from dialerd.core.ports_view import ListPorts

FRESH_S: Final = 0.25  # a crowd that comes back together asks the daemon once
STATUS: Final[Request[Any]] = GetStatus()
# A topic, what its state is called, and how the daemon is asked for it.
STATES: Final[dict[str, tuple[str, Request[Any]]]] = {
    "campaign": ("campaigns", ListCampaigns(limit=PAGE_MAX)),
    "agent": ("agents", ListAgents()),
    "trunk": ("trunks", ListTrunks()),
    "port": ("ports", ListPorts()),
}


class Snapshots:
    """Asks the daemon, for as many as want to know at the same time."""

    def __init__(self, control: ControlClient) -> None:
        """Nothing is asked yet."""
        self._control = control
        self._kept: dict[str, tuple[float, asyncio.Task[bytes]]] = {}

    async def of(self, topics: tuple[str, ...], asker: Asker) -> bytes:
        """One JSON object: the status, and the state of these topics (none: of all), as seen.

        Raises:
            ControlError: the daemon cannot be asked.
        """
        wanted = [("status", STATUS)]
        wanted += [state for topic, state in STATES.items() if not topics or topic in topics]
        shown = sight.states(asker, tuple(name for name, _ in wanted))
        parts = {
            name: msgspec.Raw(sight.of_state(asker, await self._part(name, request)))
            for name, request in wanted
            if name in shown
        }
        return msgspec.json.encode(parts)

    async def _part(self, name: str, request: Request[Any]) -> bytes:
        now_s = asyncio.get_running_loop().time()
        asked_s, task = self._kept.get(name, (0.0, None))
        if task is None or now_s - asked_s > FRESH_S or task.cancelled():
            task = asyncio.create_task(self._ask(request))
            task.add_done_callback(_looked_at)
            self._kept[name] = (now_s, task)
        return await asyncio.shield(task)

    async def _ask(self, request: Request[Any]) -> bytes:
        return msgspec.json.encode(await self._control.call(request))


def _looked_at(task: asyncio.Task[bytes]) -> None:
    """Who asked may have left meanwhile: a refusal is then nobody's."""
    if not task.cancelled():
        task.exception()
