"""People who come into a campaign's lists after its approval, and are called by it all the same.

They become leads behind those that were frozen: of a single list by the number of their row, of
several in blocks of `ROOM` lead numbers, each of one list, which fill one behind the other. Who is
a lead by any list of the campaign becomes none again. All of it is read off the lists, so that it
may be done at any time, again and again: after a push, and at every start.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from dialerd.core.list_records import AudiencePart
from dialerd.core.ports import ConflictError
from dialerd.core.records import Campaign, Contact, Lead, LeadState
from dialerd.store import audience, campaigns
from dialerd.store.limits import STEP_ROWS
from dialerd.store.lists import get_list
from dialerd.store.schema import LEAD, ROW_MAX, due_key, lead_key
from dialerd.store.unit import More, Unit

ROOM: Final = 1 << 16
STEPS_MAX: Final = 32  # of one `Joining`: others have work for the thread that waits for it


def takers(unit: Unit, list_id: int) -> list[Campaign]:
    """The campaigns that call people who come into a list now."""
    return [
        campaign
        for campaign in campaigns.all_campaigns(unit)
        if audience.takes_newcomers(campaign) and list_id in audience.list_ids(campaign.settings)
    ]


def waiting(unit: Unit) -> list[int]:
    """The campaigns into whose lists people came who are not its leads yet."""
    return [
        campaign.campaign_id
        for campaign in campaigns.all_campaigns(unit)
        if audience.waiting(unit, campaign)
    ]


class Joining(NamedTuple):
    """Making leads of them, some rows per transaction; how many became leads is its result."""

    campaign_id: int
    done: int = 0
    left: int = STEPS_MAX

    def step(self, unit: Unit) -> int | More:
        """The next rows; More when some may be left and it was not long at it."""
        campaign = unit.campaign(self.campaign_id)
        if not audience.takes_newcomers(campaign) or not self.left:
            return self.done
        parts = audience.parts_of(unit, campaign)
        for list_id in audience.list_ids(campaign.settings):
            size, known = get_list(unit, list_id).size, audience.looked_at(campaign, parts, list_id)
            if size > known:
                more = _join(unit, campaign, parts, _block(campaign, parts, list_id, known, size))
                return More(self._replace(done=self.done + more, left=self.left - 1).step)
        return self.done


def _block(
    campaign: Campaign, parts: Sequence[AudiencePart], list_id: int, known: int, size: int
) -> AudiencePart:
    """Where the next rows of a list go, `size` the last of them."""
    size = min(size, known + STEP_ROWS)
    if not campaign.parts:
        return AudiencePart(list_id, 0, size)
    last = [part for part in parts if part.list_id == list_id][-1]
    if last.room and known < last.behind + last.room:
        return msgspec.structs.replace(last, size=min(size, last.behind + last.room))
    end = max(part.before + (part.room or part.size) for part in parts)
    if end + ROOM > ROW_MAX:
        raise ConflictError(f"campaign {campaign.settings.name!r} has no lead numbers left")
    return AudiencePart(list_id, end, min(size, known + ROOM), behind=known, room=ROOM)


def _join(
    unit: Unit, campaign: Campaign, parts: Sequence[AudiencePart], block: AudiencePart
) -> int:
    """Make leads of the rows of a block that are not known yet; how many."""
    campaign_id, rank = campaign.campaign_id, audience.late_rank(campaign.settings)
    known = audience.looked_at(campaign, parts, block.list_id)
    before = parts if campaign.parts else ()
    leads: list[tuple[Lead, Contact]] = []
    for row, contact in audience.people(unit, block, known, STEP_ROWS):
        number = campaign_id, block.lead(row)
        lead = audience.lead_for(unit, number, before, (row, contact))
        if lead is not None:
            leads.append((lead, contact))
    counts = unit.books(campaign_id).leads
    for one, contact in leads:
        due_s = rank(contact) if one.phone else 0
        lead = msgspec.structs.replace(one, due_s=due_s)
        counts[lead.state] += 1
        unit.t.leads.put(lead_key(campaign_id, lead.lead_id), LEAD.pack(lead))
        unit.t.due.put(due_key(campaign_id, lead.state, due_s, lead.lead_id), b"")
    grown = msgspec.structs.replace(campaign, audience=campaign.audience + len(leads))
    if campaign.parts:
        block = msgspec.structs.replace(block, people=block.people + len(leads))
        at = {part.before: place for place, part in enumerate(parts) if part.room}
        place = at.get(block.before, len(parts))
        grown = msgspec.structs.replace(grown, parts=(*parts[:place], block, *parts[place + 1 :]))
    unit.put_campaign(grown)
    return sum(lead.state is LeadState.READY for lead, _ in leads)
