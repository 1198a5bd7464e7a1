"""A network that loses, doubles and reorders datagrams, by a seed, between two UDP peers.

The one we know stands at `front`, the other one sees it at `back`: what comes in on one leaves
by the other. Both have to name these ports as their own.
"""

from __future__ import annotations

import asyncio
import random

from tests.ports import free_port

HOST = "127.0.0.1"


class _Side(asyncio.DatagramProtocol):
    """One of the two sockets."""

    def __init__(self, network: Lossy, peer: int) -> None:
        self.network = network
        self.peer = (HOST, peer)  # who hears what this side sends
        self.other: _Side
        self.transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment] - uvloop's is no subclass

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.network.carry(data, self.other)


class Lossy:
    """`loss`, `double`: shares of all datagrams; `delay_s`: the longest way, so some overtake."""

    def __init__(self, seed: int, *, loss: float, double: float, delay_s: float) -> None:
        self._rng = random.Random(seed)
        self._loss, self._double, self._delay_s = loss, double, delay_s
        self.front, self.back = free_port(), free_port()
        self.lost = self.doubled = self.carried = 0
        self._sides: list[_Side] = []

    async def open(self, ours: int, theirs: int) -> None:
        """Stand between the peer at port `ours` and the one at `theirs`."""
        loop = asyncio.get_running_loop()
        front, back = _Side(self, ours), _Side(self, theirs)
        front.other, back.other = back, front
        for side, port in ((front, self.front), (back, self.back)):
            await loop.create_datagram_endpoint(lambda s=side: s, local_addr=(HOST, port))
            self._sides.append(side)

    def carry(self, data: bytes, side: _Side) -> None:
        """To the peer of `side`: not at all, once, or twice."""
        if self._rng.random() < self._loss:
            self.lost += 1
            return
        self.carried += 1
        copies = 2 if self._rng.random() < self._double else 1
        self.doubled += copies - 1
        for _ in range(copies):
            asyncio.get_running_loop().call_later(
                self._rng.random() * self._delay_s, self._send, side, data
            )

    @staticmethod
    def _send(side: _Side, data: bytes) -> None:
        if not side.transport.is_closing():
            side.transport.sendto(data, side.peer)

    def close(self) -> None:
        """Carry nothing any more."""
        for side in self._sides:
            side.transport.close()
