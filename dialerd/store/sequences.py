"""Messages that follow one another: when somebody heard the campaign before this one."""

from __future__ import annotations

from typing import Final

from dialerd.core.frequency import FAR, HEARD
from dialerd.core.ports import NotFoundError
from dialerd.core.records import Campaign, CampaignState, LeadState
from dialerd.store import caps
from dialerd.store.limits import SCAN_PAGE
from dialerd.store.schema import LEAD, attempt_key, lead_key, phone_list_key, read_u32
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
    row = unit.t.phones.get(phone_list_key(phone, first_one.settings.list_id))
    lead_id = 0 if row is None else read_u32(row)
    raw = unit.t.leads.get(lead_key(before, lead_id))
    if raw is None:
        return NEVER
    first, stop = attempt_key(before, lead_id, 0), attempt_key(before, lead_id + 1, 0)
    scan = unit.t.attempts.scan(first, stop, SCAN_PAGE)
    theirs = {int.from_bytes(key[8:], "big") for key, _ in scan}
    entries = caps.load(unit, phone)
    heard = [at for at, level, of in entries if level & FAR == HEARD and of in theirs]
    if heard:
        return max(heard)
    over = first_one.state is CampaignState.FINISHED or LEAD.unpack(raw).state in _OVER
    return NEVER if over else 0
