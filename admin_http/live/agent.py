"""The agent's socket: a whole working day over one WebSocket.

Messages are done one behind the other, each acked or refused; what happens to the agent comes
between. Whoever reads too slowly loses what waits and gets the present state instead; who takes no
byte for `STREAM_WRITE_S` is cut off. What may use it is looked at with every message.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from functools import cache
from typing import Annotated, Any, Final, cast

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web
from msgspec import Meta, structs

from admin_http.documents import Document
from admin_http.languages import preferred
from admin_http.limits import (
    AGENT_MESSAGE_BYTES_MAX,
    HEARTBEAT_S,
    SOCKETS_MAX,
    STREAM_WRITE_S,
)
from admin_http.live import agent_messages as say
from admin_http.live.desks import Desks
from admin_http.live.feed import Feed
from admin_http.people.access import filtered_to
from admin_http.people.admission import same_page
from admin_http.people.roles import Role
from admin_http.people.store import AdminError
from admin_http.problems import Problem, ProblemError, from_control
from admin_http.routes import ROUTES, Route, route
from admin_http.services import Call
from admin_http.tokens import Scope
from dialerd.control.hub import CORE, LOST, RESET
from dialerd.core.agent_records import AgentState
from dialerd.core.agents_view import (
    Act,
    AgentInfo,
    AgentName,
    AnyAct,
    AsAgent,
    Back,
    Card,
    ListAgents,
    ListWork,
    LogIn,
)
from dialerd.core.control import Conflict, ControlError, LiveEvent, NotFound
from dialerd.core.scripts_view import GetSheet, SaveAnswers

log = logging.getLogger(__name__)

AT_DESKS: Final = web.AppKey("desks", Desks)
REPLACED: Final = 4001  # a newer connection of the same agent
NOT_ALLOWED: Final = 4003  # the token, session or right is gone
BAD_MAX: Final = 20  # messages that cannot be read; then the connection is closed

_decode = msgspec.json.Decoder(say.ANY_MESSAGE).decode
_encode = msgspec.json.Encoder().encode


class _Named(msgspec.Struct):
    """What is tried to be read of a message that does not fit."""

    id: say.Id | None = None


class SocketQuestion(Document):
    """Whose socket, and what was seen before."""

    agent: Annotated[
        str, Meta(max_length=64, description="As whom; empty: as the agent that you are.")
    ] = ""
    last: Annotated[
        str,
        Meta(max_length=64, description="The last `at` that you saw: you get what you missed."),
    ] = ""


@route(
    "GET",
    "/v1/agent",
    Scope.AGENT,
    access=filtered_to(Role.AGENT),
    status=101,
    media=(),
    also=(404, 426),
    streams=True,
)
async def agent_socket(call: Call, query: SocketQuestion) -> web.StreamResponse:
    """An agent's working day over a WebSocket: see the how-to of the agent's socket.

    A newer socket of the same agent closes this one with 4001; 4003 says that the session or token
    is no longer good.
    """
    name = _whose(call, query.agent)
    _must_be_own_page(call)
    desks = call.request.app[AT_DESKS]
    if len(desks) >= SOCKETS_MAX:
        raise ProblemError(503, "too many sockets at once")
    socket = web.WebSocketResponse(
        heartbeat=HEARTBEAT_S, max_msg_size=AGENT_MESSAGE_BYTES_MAX, compress=False
    )
    if not socket.can_prepare(call.request).ok:
        raise ProblemError(426, "this is a WebSocket", headers={"Upgrade": "websocket"})
    await socket.prepare(call.request)
    return await _Connection(call, socket, name, desks).run(query.last)


def _whose(call: Call, wanted: str) -> str:
    """The agent whom somebody may work as; ProblemError."""
    name = wanted or call.known.agent
    if not name:
        raise ProblemError(400, "agent: name the agent")
    call.must_see_agent(name, f"there is no agent named {name!r:.80}")
    try:
        return msgspec.convert(name, AgentName)
    except msgspec.ValidationError:
        raise ProblemError(400, "agent: 1 to 64 printable characters") from None


def _must_be_own_page(call: Call) -> None:
    """Browsers say which page opens a socket, and send cookies for any; ProblemError 403."""
    if call.known.session and "Origin" not in call.request.headers:
        raise ProblemError(403, "a session needs the Origin of its page")
    same_page(call.request)


class _Frames(Feed):
    """What waits, a message each."""

    def pop(self) -> bytes:
        """The next message; empty when none waits."""
        if not self._queue:
            return b""
        text = self._queue.popleft()
        self.waiting_bytes -= len(text)
        return text


class _Connection:
    """One socket of an agent."""

    def __init__(self, call: Call, socket: web.WebSocketResponse, name: str, desks: Desks) -> None:
        self._call = call
        self._control = call.services.control
        self._socket = socket
        self._name = name
        self._desks = desks
        self._wake = asyncio.Event()
        self._frames = _Frames(self._wake.set)
        self._stale = True  # the present state is to be told
        self._bad = 0
        self._closing: asyncio.Task[bool] | None = None
        self._language = preferred(call.request.headers.get("Accept-Language", ""))

    # -- what comes ------------------------------------------------------------------------------

    def hear(self, event: LiveEvent) -> None:
        """One event of this agent, or one for all, at once."""
        if event.topic in (RESET, LOST):
            self._stale = True
            self._wake.set()
        elif event.topic == CORE:
            self._stale = self._stale or event.data["up"] is True
            self._frames.put(_encode(say.Core(up=event.data["up"] is True)))
        else:
            at = f"{self._call.services.relay.epoch}-{event.seq}"
            told = say.Event(at=at, at_ms=event.at_ms, topic=event.topic, data=event.data)
            self._frames.put(_encode(told))

    def replaced(self) -> None:
        """A newer one is there."""
        self._close(REPLACED, "a newer connection of this agent has taken over")

    def ends(self) -> None:
        """This process does."""
        self._close(WSCloseCode.GOING_AWAY, "come again")

    def _close(self, code: int, why: str) -> None:
        if self._closing is None:
            closing = self._socket.close(code=code, message=why.encode())
            self._closing = asyncio.create_task(closing)

    async def run(self, last: str) -> web.StreamResponse:
        """Until either side closes it."""
        self._stale = not last
        self._desks.sit_down(self._name, self, last)
        writer = asyncio.create_task(self._write())
        try:
            if last:
                await self._come_back()
            async for message in self._socket:
                if not await self._take(message.type, message.data):
                    break
                await asyncio.sleep(0)  # a flood of one agent: everybody else has a turn, too
        except (ConnectionError, TimeoutError):
            self._cut()
        finally:
            self._desks.stand_up(self._name, self)
            writer.cancel()
            rest = [writer] if self._closing is None else [writer, self._closing]
            await asyncio.gather(*rest, return_exceptions=True)
        return self._socket

    async def _come_back(self) -> None:
        """Before anything is asked: who was away for too long is lost until it is said."""
        try:
            await self._state_here()
        except ControlError:  # the snapshot says it, as soon as the daemon hears
            self._stale = True
            self._wake.set()

    def _cut(self) -> None:
        transport = self._call.request.transport
        if transport is not None:
            transport.abort()

    # -- what goes -------------------------------------------------------------------------------

    async def _write(self) -> None:
        """Events in their order; the present state where some are missing."""
        try:
            while True:
                self._wake.clear()
                if self._frames.lost():
                    await self._send_snapshot()
                while text := self._frames.pop():
                    await self._send(text)
                if self._stale:
                    await self._send_snapshot()
                elif not self._wake.is_set():
                    await self._sleep()
        except (ConnectionError, TimeoutError):
            self._cut()
        except Exception:  # a fault of ours: nobody stays at a socket that tells nothing more
            log.exception("the socket of agent %s", self._name)
            self._cut()

    async def _sleep(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HEARTBEAT_S):
                await self._wake.wait()
                return
        if not self._may():
            self._close(NOT_ALLOWED, "the session or token is no longer good")

    async def _send(self, text: bytes) -> None:
        async with asyncio.timeout(STREAM_WRITE_S):
            await self._socket.send_str(text.decode())

    async def _send_snapshot(self) -> None:
        self._stale = False
        at = self._call.services.relay.here()
        try:
            agent = await self._state_here()
            work = await self._control.call(ListWork(agent=self._name))
        except ControlError:
            await self._send(_encode(say.Core(up=False)))  # when it is back we are told
            return
        await self._send(_encode(say.Snapshot(at=at, agent=agent, work=work.items)))

    async def _state_here(self) -> AgentInfo | None:
        """Its state, which is not lost: somebody is here; ControlError."""
        agent = await self._state()
        if agent is None or agent.state is not AgentState.LOST:
            return agent
        try:
            return await self._control.call(AsAgent(agent=self._name, act=Back()))
        except Conflict:  # it was said meanwhile
            return await self._state()

    async def _state(self) -> AgentInfo | None:
        try:
            return (await self._control.call(ListAgents(name=self._name))).items[0]
        except NotFound:
            return None

    # -- what is asked ---------------------------------------------------------------------------

    def _may(self) -> bool:
        """Whether who opened it may still use it."""
        try:
            asker = self._call.services.door.admitted(self._call.request, _route())
        except (ProblemError, AdminError):  # what cannot be looked at is not allowed
            return False
        return asker is not None and asker.sees_agent(self._name)

    async def _take(self, kind: WSMsgType, data: Any) -> bool:
        """One message; False: it was the last."""
        if kind is WSMsgType.ERROR:  # too large, or no WebSocket any more: it is closed already
            return False
        if not self._may():
            self._close(NOT_ALLOWED, "the session or token is no longer good")
            return False
        try:
            if kind is not WSMsgType.TEXT:
                raise ProblemError(415, "send text, not bytes")
            message = _decode(data)
        except (msgspec.MsgspecError, ProblemError, UnicodeError, RecursionError) as error:
            self._bad += 1
            problem = error if isinstance(error, ProblemError) else ProblemError(422, str(error))
            await self._refuse(_id_of(data), problem)
            if self._bad >= BAD_MAX:
                self._close(WSCloseCode.POLICY_VIOLATION, "too many messages that cannot be read")
            return self._bad < BAD_MAX
        answer = self._desks.said(self._name, message.id)
        if answer is None:
            answer = await self._do(message.id, say.act_of(message))
        if answer is not None:
            await self._send(answer)
        return True

    async def _do(self, number: str, act: Act) -> bytes | None:
        """Do it, and what is answered; None: it was refused, and that is told."""
        try:
            wait_s = self._desks.rates.take(self._name, time.monotonic_ns())
            if wait_s:
                raise ProblemError(429, f"too many messages: wait {wait_s} s")
            ack = await self._done(number, act)
        except ControlError as error:
            await self._refuse(number, from_control(error))
            return None
        except ProblemError as problem:
            await self._refuse(number, problem)
            return None
        answer = _encode(ack)
        self._desks.remember(self._name, number, answer)
        return answer

    async def _done(self, number: str, act: Act) -> say.Ack:
        if isinstance(act, say.Resync):
            self._stale = True
            self._wake.set()
            return say.Ack(id=number)
        if isinstance(act, say.ShowSheet):
            card = await self._card()
            ask = GetSheet(campaign=card.campaign, lead=card.lead, attempt=card.attempt)
            sheet = await self._control.call(ask)
            return say.Ack(id=number, sheet=sheet)
        if isinstance(act, say.KeepAnswers):
            card = await self._card()
            keep = SaveAnswers(
                campaign=card.campaign,
                lead=card.lead,
                attempt=card.attempt,
                answers=act.answers,
                agent=self._name,
            )
            sheet = await self._control.call(keep)
            return say.Ack(id=number, sheet=sheet)
        if isinstance(act, LogIn):
            act = await self._with_queues(act)
        agent = await self._control.call(AsAgent(agent=self._name, act=cast("AnyAct", act)))
        return say.Ack(id=number, agent=agent)

    async def _card(self) -> Card:
        agent = await self._state()
        if agent is None or agent.card is None:
            raise ProblemError(409, "you have no customer")
        return agent.card

    async def _with_queues(self, act: LogIn) -> LogIn:
        """An agent is of the queues that staff has put it into: it does not choose them."""
        if self._call.known.is_staff:
            return act
        if act.queues:
            raise ProblemError(403, "queues are given by a supervisor: log in without them")
        before = await self._state()
        return act if before is None else structs.replace(act, queues=before.queues)

    async def _refuse(self, number: str | None, problem: ProblemError) -> None:
        document = msgspec.json.decode(problem.document("", "", self._language), type=Problem)
        await self._send(_encode(say.Refused(id=number, problem=document)))


def _id_of(data: Any) -> str | None:
    try:
        return msgspec.json.decode(data, type=_Named).id
    except (msgspec.MsgspecError, UnicodeError, TypeError, RecursionError):
        return None


@cache
def _route() -> Route:
    return next(one for one in ROUTES if one.handler is agent_socket)
