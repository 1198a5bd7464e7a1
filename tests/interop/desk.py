"""Our user agent with accounts or as a registrar, on a real socket, for peers we did not write."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from sip import sdp
from sip.accounts.registrar import Phones
from sip.endpoint import Endpoint
from sip.events import Account, Ended, Invite, SipEvent
from sip.transport.io_udp import udp_stack
from sip.transport.local import Local

HOST = "127.0.0.1"


class Desk:
    """An endpoint in a `with` block; it keeps what it is told."""

    def __init__(
        self,
        port: int,
        phones: Phones | None = None,
        react: Callable[[Desk, SipEvent], None] = lambda _desk, _event: None,
    ) -> None:
        side = "phone" if phones is not None else "trunk"
        local = Local(HOST, port, side=side)  # type: ignore[arg-type]
        self.endpoint = Endpoint(local, rng=random.Random(port), phones=phones)
        self.port = port
        self.react = react
        self.events: list[SipEvent] = []
        self._changed = asyncio.Event()
        loop = asyncio.get_running_loop()
        self.stack = udp_stack(self.endpoint, HOST, port, loop, self._told)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.stack.close()

    def _told(self, event: SipEvent) -> None:
        self.events.append(event)
        self.react(self, event)
        self._changed.set()

    @property
    def now_ns(self) -> int:
        return time.monotonic_ns()

    def flush(self) -> None:
        self.stack.flush()

    def register(self, account: Account) -> None:
        self.endpoint.register(account, self.now_ns)
        self.flush()

    def invite(self, request: Invite) -> None:
        self.endpoint.invite(request, self.now_ns)
        self.flush()

    def release(self, leg: int) -> None:
        self.endpoint.release(leg, self.now_ns, q850=16)
        self.flush()

    async def until(self, ready: Callable[[], object], seconds: float = 100) -> None:
        """Wait for something to have been told, or to have been received."""
        async with asyncio.timeout(seconds):
            while not ready():
                self._changed.clear()
                # Not everything that is waited for is an event: look again now and then.
                waiter = asyncio.ensure_future(self._changed.wait())
                await asyncio.wait([waiter], timeout=0.05)
                waiter.cancel()

    def state(self, name: str) -> str:
        found = self.endpoint.registration(name)
        return found.state if found is not None else "gone"

    def ended(self) -> list[Ended]:
        return [event for event in self.events if isinstance(event, Ended)]


def offer(leg: int) -> bytes:
    """A description nobody sends media for."""
    return sdp.offer(HOST, 30_000, session_id=leg)
