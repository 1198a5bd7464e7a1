"""The SIP stack from plain settings: endpoint, transports, traces.

The daemon, `dialerd call` and `dialerd listen` build theirs here, so that all run the same.
"""

from __future__ import annotations

import asyncio
import errno
import random
import socket
from collections.abc import Callable
from typing import Literal

import msgspec

from dialerd.shell.clock import Clock
from dialerd.shell.ports import in_use
from dialerd.shell.tracing import Homer, Traces, TraceSettings, make_tracer
from sip.endpoint import Endpoint
from sip.events import SipEvent
from sip.io_stack import SipStack
from sip.io_udp import UdpTransport
from sip.local import Local, Transport, bracketed
from sip.trace import Tracer


class Bind(msgspec.Struct, frozen=True):
    """One transport: where it is bound, and the address that peers are shown (empty: the same).

    `port` 0 is any free one; `named` is what a person calls the setting, for errors.
    """

    host: str
    port: int
    transport: Transport = "udp"
    side: Literal["trunk", "phone"] = "trunk"
    advertised: str = ""
    named: str = "port"


class StackSettings(msgspec.Struct, frozen=True):
    """What a stack is built from. `trace` None keeps no messages."""

    binds: tuple[Bind, ...]
    user_agent: str = "dialerd"
    trace: TraceSettings | None = TraceSettings()


class BindError(OSError):
    """An address cannot be bound; one line for the user."""


class Stack:
    """Endpoint and transports, running. `on_event` hears of the legs and may be set later."""

    def __init__(
        self,
        settings: StackSettings,
        loop: asyncio.AbstractEventLoop,
        rng: random.Random,
        clock: Clock,
    ) -> None:
        """Bind everything at once; BindError."""
        self.binds = tuple(map(_settled, settings.binds))
        self.locals = tuple(
            Local(bind.advertised or bind.host, bind.port, bind.transport, bind.side)
            for bind in self.binds
        )
        self.endpoint = Endpoint(*self.locals, rng=rng, user_agent=settings.user_agent)
        self._drive = SipStack(self.endpoint, loop, _unheard)
        self._homer: Homer | None = None
        self.tracer: Tracer | None = None
        self.traces: Traces | None = None
        self.flush = self._drive.flush
        try:
            for flow, bind in enumerate(self.binds):
                self._bind(flow, bind)
            if settings.trace is not None:
                self._trace(settings.trace, loop, clock)
        except OSError:
            self.close()
            raise

    @property
    def on_event(self) -> Callable[[SipEvent], None]:
        """Who hears of the legs."""
        return self._drive.on_event

    @on_event.setter
    def on_event(self, hears: Callable[[SipEvent], None]) -> None:
        self._drive.on_event = hears

    def close(self) -> None:
        """Let go of the sockets. Nothing is sent any more."""
        if self._homer is not None:
            self._homer.close()
        self._drive.close()

    def statistics(self) -> dict[str, int]:
        """What every part counts."""
        counts = self._drive.statistics()
        if self.tracer is not None:
            counts |= {f"trace_{k}": v for k, v in self.tracer.statistics().items()}
        if self._homer is not None:
            counts |= self._homer.statistics()
        return counts

    def _bind(self, flow: int, bind: Bind) -> None:
        try:
            UdpTransport(self._drive, flow, bind.host, bind.port)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise BindError(in_use(bind.named, bind.host, bind.port)) from error
            at = f"{bracketed(bind.host)}:{bind.port}"
            raise BindError(f"{bind.named}: cannot bind {at}: {error.strerror}") from error

    def _trace(
        self, settings: TraceSettings, loop: asyncio.AbstractEventLoop, clock: Clock
    ) -> None:
        self.tracer = make_tracer(settings, self.locals)
        self.traces = Traces(self.tracer, clock)
        self._drive.tap = self.tracer.keep
        if settings.homer is not None:
            self._homer = Homer(settings.homer, settings, self.tracer, clock, loop)


def _settled(bind: Bind) -> Bind:
    """With a port: the endpoint must show the one it is reached at before it is bound."""
    if bind.port:
        return bind
    kind = socket.SOCK_DGRAM if bind.transport == "udp" else socket.SOCK_STREAM
    family = socket.AF_INET6 if ":" in bind.host else socket.AF_INET
    try:
        with socket.socket(family, kind) as probe:
            probe.bind((bind.host, 0))
            return msgspec.structs.replace(bind, port=int(probe.getsockname()[1]))
    except OSError as error:
        raise BindError(f"{bind.named}: cannot bind {bind.host}: {error.strerror}") from error


def _unheard(event: SipEvent) -> None:
    """Nobody listens yet."""
