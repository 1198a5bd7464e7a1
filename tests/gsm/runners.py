"""Ports on devices, driven by a loop, and what they told."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

from gsm import events as gsm
from gsm.io_port import PortRunner, device_opener
from gsm.port import Port
from gsm.settings import PortSettings

SETTINGS = PortSettings("slot")


class Told:
    """What a port told, and waiting for it."""

    def __init__(self) -> None:
        self.facts: list[gsm.Fact] = []

    def __call__(self, fact: gsm.Fact) -> None:
        self.facts.append(fact)

    @property
    def states(self) -> list[str]:
        return [fact.state for fact in self.facts if isinstance(fact, gsm.PortState)]

    async def until(self, done: Callable[[], object]) -> None:
        async with asyncio.timeout(100):
            while not done():  # noqa: ASYNC110 - of another program, which sets no event
                await asyncio.sleep(0.005)

    async def ready(self) -> None:
        await self.until(lambda: self.states and self.states[-1] == "ready")


def runner(device: str, told: Any, kind: type[Port] = Port) -> PortRunner:
    return PortRunner(
        "slot",
        lambda: kind(SETTINGS, (), (), random.Random(1)),
        device_opener(device),
        told,
        loop=asyncio.get_running_loop(),
    )


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        await work()

    asyncio.run(whole())
