"""Agents at work without lines or store: the real dialer behind the real desk."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from dialerd.control.hub import EventHub
from dialerd.core.dialer import Dialer
from dialerd.core.effects import Notify
from dialerd.shell.agent_desk import AgentDesk
from dialerd.shell.clock import Clock
from tests.core.world import NUMBERING


class _Driver:
    """Feeds the dialer; of its effects only what agents are told is carried out."""

    def __init__(self, dialer: Dialer, hub: EventHub) -> None:
        self.doing: dict[type, Callable[[Any], None]] = {}
        self._dialer = dialer
        self._hub = hub

    def feed(self, event: Any) -> None:
        self._dialer.handle(event, time.monotonic_ns())
        for effect in self._dialer.drain():
            if isinstance(effect, Notify):
                self._hub.publish(effect.topic, effect.data, 1)
            elif type(effect) in self.doing:
                self.doing[type(effect)](effect)


def team(hub: EventHub) -> AgentDesk:
    """A desk at which anybody may log in, in no campaign."""
    dialer = Dialer(NUMBERING)
    driver: Any = _Driver(dialer, hub)
    return AgentDesk(driver, dialer, Clock(), lambda topic, data: hub.publish(topic, data, 1))
