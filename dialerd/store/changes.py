"""What people change beside the dialer: the content of drafts."""

from __future__ import annotations

import msgspec

from dialerd.core.ports import ConflictError
from dialerd.core.records import Campaign, CampaignSettings, CampaignState
from dialerd.store.campaigns import checked, record
from dialerd.store.lists import check_name
from dialerd.store.schema import number32
from dialerd.store.unit import Unit


def revise(
    unit: Unit, before: Campaign, settings: CampaignSettings, who: str, at_ms: int
) -> Campaign:
    """Other content for a draft that is still as it was; recorded as a move that goes nowhere."""
    campaign = unit.campaign(before.campaign_id)
    if campaign.state is not CampaignState.DRAFT:
        raise ConflictError(f"{campaign.settings.name!r} is {campaign.state}: no draft any more")
    if campaign.settings != before.settings:
        raise ConflictError(f"{campaign.settings.name!r} was changed meanwhile: read it again")
    old = before.settings.name
    key, settings = checked(unit, settings)
    if settings.name != old:
        if unit.t.names.get(key) is not None:
            raise ConflictError(f"there is a campaign named {settings.name!r} already")
        unit.t.names.delete(check_name(old, "campaign"))
        unit.t.names.put(key, number32(campaign.campaign_id))
    changed = msgspec.structs.replace(campaign, settings=settings)
    unit.put_campaign(changed)
    draft = CampaignState.DRAFT
    record(unit, changed, draft, draft, (who, at_ms, "changed"))
    return changed
