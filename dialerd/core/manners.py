"""What becomes of an answered call by who answered: one place for broadcasts and for agents."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dialerd.core.agent_records import OnMachine
from dialerd.core.records import Answerer, DialMode

if TYPE_CHECKING:
    from dialerd.core.records import CampaignSettings


class Manners(NamedTuple):
    """Those of one campaign; see `AgentSettings` and `Detection`."""

    on_machine: OnMachine
    on_unknown: OnMachine
    message: str
    verdict_s: float
    beep_s_max: float

    def towards(self, who: Answerer) -> OnMachine:
        """What becomes of a call; a person is connected."""
        if who is Answerer.HUMAN:
            return OnMachine.CONNECT
        return self.on_machine if who is Answerer.MACHINE else self.on_unknown


def listens(settings: CampaignSettings) -> bool:
    """Whether it is to be found out who answered."""
    broadcast = settings.mode is DialMode.BROADCAST
    return settings.detection.machines if broadcast else settings.agents.machines


def manners(settings: CampaignSettings) -> Manners:
    """How a campaign treats who answers."""
    detection = settings.detection
    broadcast = settings.mode is DialMode.BROADCAST
    of = detection if broadcast else settings.agents
    return Manners(
        of.on_machine, detection.on_unknown, of.machine_prompt, of.verdict_s, detection.beep_s_max
    )
