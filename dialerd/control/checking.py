"""What the daemon, its prompts and its lines have against a campaign."""

from __future__ import annotations

from typing import Protocol

from dialerd.core.campaign_spec import CampaignSpec
from dialerd.core.control import FieldFault


class Knows(Protocol):
    """Whom to ask."""

    async def prompt_fault(self, name: str) -> str:
        """Why a campaign may not name this prompt; empty when it may."""
        ...

    def regime_fault(self, name: str) -> str:
        """Why no line of this daemon may dial under a regime; empty when one may."""
        ...


async def spec_refusals(spec: CampaignSpec, daemon: Knows) -> list[FieldFault]:
    """Prompts that are not there, and a regime that no line may dial under."""
    faults = [
        FieldFault(fault, f"/spec/steps/{index}/prompt")
        for index, step in enumerate(spec.steps)
        if (fault := await daemon.prompt_fault(step.prompt))
    ]
    if fault := daemon.regime_fault(spec.regime):
        faults.append(FieldFault(fault, "/spec/regime"))
    return faults


def regime_refusal(text: str) -> FieldFault:
    """`check_regime` begins its text with the field it means."""
    field, colon, rest = text.partition(": ")
    known = {"start_ms, end_ms": "start_at", "end_ms": "end_at"}
    if colon and " " not in known.get(field, field):
        return FieldFault(rest, "/spec/" + known.get(field, field).replace(".", "/"))
    return FieldFault(text, "/spec/regime")
