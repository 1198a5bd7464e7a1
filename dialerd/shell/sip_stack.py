"""The SIP stack from plain settings: endpoint, transports, traces.

The daemon, `dialerd call` and `dialerd listen` build theirs here, so that all run the same.
"""

from __future__ import annotations

import asyncio
import errno
import random
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import msgspec

from dialerd.shell.clock import Clock
from dialerd.shell.ports import in_use
from dialerd.shell.tracing import Homer, Traces, TraceSettings, make_tracer
from sip.accounts.admission import Admission
from sip.accounts.registrar import Phones
from sip.endpoint import Endpoint
from sip.events import Address, SipEvent
from sip.tracing.trace import Tracer
from sip.transport.io_dns import DnsResolver
from sip.transport.io_stack import SipStack
from sip.transport.io_stream import StreamTransport
from sip.transport.io_targets import Targets
from sip.transport.io_tls import TlsOptions
from sip.transport.io_udp import UdpTransport
from sip.transport.local import Local, Transport, bracketed
from sip.transport.locate import wanted_of


class Bind(msgspec.Struct, frozen=True):
    """One transport: where it is bound, and the address that peers are shown (empty: the same).

    `port` 0 is any free one; `tls` is what a TLS transport shows and demands; `named` is what a
    person calls the setting, for errors.
    """

    host: str
    port: int
    transport: Transport = "udp"
    side: Literal["trunk", "phone"] = "trunk"
    advertised: str = ""
    tls: TlsOptions = TlsOptions()
    named: str = "port"


class DnsSettings(msgspec.Struct, frozen=True):
    """Name servers (none: the system's), the time for one question, the penalty of what failed."""

    servers: tuple[str | tuple[str, int], ...] = ()
    timeout_ms: int = 2_000
    penalty_s: int = 60

    def resolver(self) -> DnsResolver:
        """Asks them."""
        return DnsResolver(self.servers, timeout_ms=self.timeout_ms)


class StackSettings(msgspec.Struct, frozen=True):
    """What a stack is built from.

    Attributes:
        trace: how messages are kept; None: they are not.
        phones: accounts of the telephones' side; None: there is no such side.
        sources: networks by trunk that are heard on the trunks' side; None: everybody.
        dns: how names are looked up.
    """

    binds: tuple[Bind, ...]
    user_agent: str = "dialerd"
    trace: TraceSettings | None = TraceSettings()
    phones: Phones | None = None
    sources: Mapping[str, Sequence[str]] | None = None
    dns: DnsSettings = DnsSettings()


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
            Local(
                bind.advertised or bind.host,
                bind.port,
                bind.transport,
                bind.side,
                v6=":" in bind.host,
            )
            for bind in self.binds
        )
        self.admission = Admission(settings.sources)
        guarded = settings.phones is not None or settings.sources is not None
        self.endpoint = Endpoint(
            *self.locals,
            rng=rng,
            user_agent=settings.user_agent,
            phones=settings.phones,
            admission=self.admission if guarded else None,
        )
        self._drive = SipStack(self.endpoint, loop, _unheard)
        dns = settings.dns
        self.targets = Targets(self._drive, dns.resolver(), rng, penalty_s=dns.penalty_s)
        if guarded:
            self._drive.admits = self._admits
        self._loop = loop
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

    def expect(self, target: Address, name: str) -> None:
        """Whose certificate answers there, over TLS, when nobody has looked the name up."""
        transport = self._drive.transports.get(target[2])
        if isinstance(transport, StreamTransport):
            transport.expect(target[0], target[1], name, firm=False)

    async def find(self, uri: str) -> tuple[Address, ...]:
        """Where a SIP URI leads by our transports, in the order in which to try (RFC 3263)."""
        found: asyncio.Future[tuple[Address, ...]] = self._loop.create_future()

        def then(addresses: tuple[Address, ...]) -> None:
            if not found.done():
                found.set_result(addresses)

        self.targets.find(wanted_of(uri), 0, then)
        return await found

    def _admits(self, source: Address) -> bool:
        """Whether a stranger may open a connection."""
        phones = self.locals[source[2]].side == "phone"
        return self.admission.admit(source, time.monotonic_ns(), phones=phones)

    def _bind(self, flow: int, bind: Bind) -> None:
        try:
            if bind.transport == "udp":
                UdpTransport(self._drive, flow, bind.host, bind.port)
            else:
                tls = bind.tls if bind.transport == "tls" else None
                StreamTransport(self._drive, flow, bind.host, bind.port, tls)
        except ssl.SSLError as error:
            raise BindError(f"{bind.named}: not a certificate and its key: {error}") from error
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                kind = "udp" if bind.transport == "udp" else "tcp"
                raise BindError(in_use(bind.named, bind.host, bind.port, kind)) from error
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
