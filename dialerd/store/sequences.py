"""Messages that follow one another: when somebody heard the campaign before this one."""

from __future__ import annotations

from typing import Final

from dialerd.core.frequency import FAR, HEARD
from dialerd.core.ports import NotFoundError
from dialerd.core.records import Campaign, CampaignState, LeadState
from dialerd.store import audience, caps
from dialerd.store.limits import SCAN_PAGE
from dialerd.store.schema import attempt_key
from dialerd.store.unit import Unit

NEVER: Final = -1
_OVER: Final = frozenset(
    {
        LeadState.DONE,
        LeadState.EXHAUSTED,
        LeadState.UNREACHABLE,
        LeadState.BLOCKED,
        LeadState.INTERRUPTED,
    }
)


def heard_ms(unit: Unit, campaign: Campaign, phone: int) -> int:
    """When a number last heard the message of the campaign before this one.

    0: not yet; -1: never, because it is not called there any more. What was heard is remembered by
    number (`caps`); whose message it was by the lead's attempts.
    """
    before = campaign.settings.after_campaign
    try:
        first_one = unit.campaign(before)
    except NotFoundError:
        return NEVER
    lead = audience.find(unit, first_one, phone)
    if lead is None:
        return NEVER
    lead_id = lead.lead_id
    first, stop = attempt_key(before, lead_id, 0), attempt_key(before, lead_id + 1, 0)
    scan = unit.t.attempts.scan(first, stop, SCAN_PAGE)
    theirs = {int.from_bytes(key[8:], "big") for key, _ in scan}
    phones = [one.phone for one in lead.numbers] or [phone]
    entries = [entry for one in phones for entry in caps.load(unit, one)]
    heard = [at for at, level, of in entries if level & FAR == HEARD and of in theirs]
    if heard:
        return max(heard)
    over = first_one.state is CampaignState.FINISHED or lead.state in _OVER
    return NEVER if over else 0
