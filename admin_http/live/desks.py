"""Who works by a socket: one for each agent, and what becomes of an agent whose socket is gone.

An agent has some seconds to come back before the dialer hears of it: a page that is loaded anew
loses no customer. Who works by a socket is kept in the admin store, so that it is told, too, of
those whose socket went with this process. What was acked is remembered for a while: a message that
is sent again, because its ack was lost with the connection, is answered and not done twice.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from typing import Any, Final, Protocol

import msgspec

from admin_http.limits import AGENT_RATE, ASKERS_MAX
from admin_http.live.relay import Relay
from admin_http.people.store import AdminError, AdminStore, Kind
from admin_http.rates import Buckets, Rate
from dialerd.control.io_client import ControlClient
from dialerd.core.agents_view import AsAgent, Lost
from dialerd.core.control import ControlError, ErrorKind, LiveEvent

RETURN_S: Final = 8.0  # an agent may be away for so long
RETRY_S: Final = 1.0
DONE_MAX: Final = 64  # acks that are remembered of an agent
TOPICS: Final = ("agent", "card")


class AtDesk(msgspec.Struct, frozen=True):
    """An agent who works by a socket."""

    agent: str


DESKS: Final = Kind("desks", AtDesk, lambda desk: desk.agent.encode())
DESKS_MAX: Final = 10_000


class Socket(Protocol):
    """An agent's connection."""

    def hear(self, event: LiveEvent) -> None:
        """One event of this agent, or one for all, at once."""

    def replaced(self) -> None:
        """A newer one is there."""

    def ends(self) -> None:
        """This process does."""


class Desks:
    """All of them."""

    def __init__(self, control: ControlClient, relay: Relay, admin: AdminStore) -> None:
        """Nobody is there."""
        self._control = control
        self._relay = relay
        self._admin = admin
        self._sockets: dict[str, Socket] = {}
        self._leaving: dict[str, asyncio.Task[None]] = {}
        self._done: OrderedDict[str, OrderedDict[str, bytes]] = OrderedDict()
        self._kept: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._leave: Callable[[], None] | None = None
        self._stopping = False
        self.rates = Buckets(Rate(*AGENT_RATE), ASKERS_MAX)  # of messages, by agent

    def __len__(self) -> int:
        """How many sockets there are."""
        return len(self._sockets)

    def start(self) -> None:
        """Follow events, and wait for those who worked by the process before."""
        self._leave = self._relay.subscribe(TOPICS, "", self._hear)
        with contextlib.suppress(AdminError), self._admin.read() as txn:  # it is told of elsewhere
            self._kept = {desk.agent for desk in txn.scan(DESKS, DESKS_MAX)}
        for name in self._kept:
            self._await_return(name)

    async def stop(self) -> None:
        """This process ends: nobody is told to be lost by that."""
        self._stopping = True
        if self._leave is not None:
            self._leave()
        for socket in tuple(self._sockets.values()):
            socket.ends()
        tasks = [*self._leaving.values(), *self._tasks]
        for task in self._leaving.values():
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _hear(self, event: LiveEvent) -> None:
        if event.topic not in TOPICS:  # for all: the daemon is there, or not, or anew
            for socket in tuple(self._sockets.values()):
                socket.hear(event)
            return
        found: Socket | None = self._sockets.get(str(event.data.get("agent")))
        if found is not None:
            found.hear(event)

    # -- coming and going ------------------------------------------------------------------------

    def sit_down(self, agent: str, socket: Socket, last: str) -> None:
        """A socket of an agent; it hears what came behind `last` (empty: it begins anew)."""
        before = self._sockets.get(agent)
        self._sockets[agent] = socket
        if before is not None:
            before.replaced()
        task = self._leaving.pop(agent, None)
        if task is not None:
            task.cancel()
        if agent not in self._kept:
            self._kept.add(agent)
            desk = AtDesk(agent)
            self._run(self._keep(lambda txn: txn.put(DESKS, desk)))
        if not last:
            self._done.pop(agent, None)  # a page that begins anew numbers its messages anew
        else:
            self._relay.subscribe(TOPICS, last, lambda event: _own(agent, event, socket))()

    def stand_up(self, agent: str, socket: Socket) -> None:
        """It is gone; the agent too, unless it comes back in time or by another one."""
        if self._sockets.get(agent) is socket:
            del self._sockets[agent]
            if not self._stopping:
                self._await_return(agent)

    def _await_return(self, agent: str) -> None:
        self._leaving[agent] = asyncio.create_task(self._lose(agent))

    async def _lose(self, agent: str) -> None:
        await asyncio.sleep(RETURN_S)
        while True:
            try:
                await self._control.call(AsAgent(agent=agent, act=Lost()))
                break
            except ControlError as error:
                if error.kind is not ErrorKind.UNAVAILABLE:
                    break  # it has logged out, or was lost before
            await asyncio.sleep(RETRY_S)
        self._leaving.pop(agent, None)
        self._kept.discard(agent)
        self._done.pop(agent, None)
        self._run(self._keep(lambda txn: txn.delete(DESKS, agent.encode())))

    async def _keep(self, work: Callable[[Any], object]) -> None:
        with contextlib.suppress(AdminError):  # then only a killed process leaves somebody unseen
            await self._admin.change(work)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- what was done already -------------------------------------------------------------------

    def said(self, agent: str, message: str) -> bytes | None:
        """How a message was answered; None when it is new."""
        done = self._done.get(agent)
        return None if done is None else done.get(message)

    def remember(self, agent: str, message: str, answer: bytes) -> None:
        """A message was done and answered."""
        done = self._done.setdefault(agent, OrderedDict())
        done[message] = answer
        while len(done) > DONE_MAX:
            done.popitem(last=False)


def _own(agent: str, event: LiveEvent, socket: Socket) -> None:
    if event.topic not in TOPICS or event.data.get("agent") == agent:
        socket.hear(event)
