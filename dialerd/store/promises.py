"""Callbacks that people book, move and cancel beside the dialer's own."""

from __future__ import annotations

import msgspec

from dialerd.core.agent_records import Callback
from dialerd.core.ports import ConflictError, NotFoundError
from dialerd.core.records import IN_HAND, CampaignState, Lead, LeadState
from dialerd.store import callbacks
from dialerd.store.claims import put_back
from dialerd.store.schema import CALLBACK, LEAD, ROW_MAX, due_key, lead_key
from dialerd.store.unit import Unit

_END = b"\xff" * 9


def book(unit: Unit, booked: Callback, *, move: bool) -> Callback:
    """Promise a call in place of an earlier promise; with `move` only then."""
    campaign = unit.campaign(booked.campaign_id)
    if campaign.state in {CampaignState.DRAFT, CampaignState.FINISHED}:
        raise ConflictError(f"{campaign.settings.name!r} is {campaign.state}: it calls nobody")
    if move and of_lead(unit, booked.campaign_id, booked.lead_id) is None:
        raise NotFoundError(f"no callback of lead {booked.lead_id} is booked")
    lead = _free(unit, booked.campaign_id, booked.lead_id)
    if lead.state is LeadState.BLOCKED:
        raise ConflictError("this person is not to be called")
    if not lead.phone:
        raise ConflictError("this person's number was erased")
    kept = msgspec.structs.replace(booked, phone=lead.phone)
    _take_out(unit, lead)
    put_back(unit, lead, LeadState.CALLBACK, callbacks.book(unit, kept))
    return kept


def cancel(unit: Unit, campaign_id: int, lead_id: int, again_s: int | None) -> Callback:
    """Take a promise back; the lead is DONE, or waits again from a second on."""
    booked = of_lead(unit, campaign_id, lead_id)
    if booked is None:
        raise NotFoundError(f"no callback of lead {lead_id} is booked")
    lead = _free(unit, campaign_id, lead_id)
    _take_out(unit, lead)
    callbacks.drop(unit, campaign_id, lead_id)
    state = LeadState.DONE if again_s is None else LeadState.RETRY
    put_back(unit, lead, state, again_s or 0)
    return booked


def of_lead(unit: Unit, campaign_id: int, lead_id: int) -> Callback | None:
    """What was promised to a lead; NotFoundError when there is no such campaign."""
    unit.campaign(campaign_id)
    return callbacks.of_lead(unit, campaign_id, lead_id) if 0 < lead_id <= ROW_MAX else None


def page(unit: Unit, after: tuple[int, int], limit: int, campaign_id: int) -> list[Callback]:
    """The next promises behind a campaign and lead, of one campaign or (0) of all."""
    stop = _END
    if campaign_id:
        after = max(after, (campaign_id, 0))
        stop = lead_key(campaign_id + 1, 0)
    rows = unit.t.callbacks.scan(lead_key(*after) + b"\0", stop, limit)
    return [CALLBACK.unpack(raw) for _, raw in rows]


def _free(unit: Unit, campaign_id: int, lead_id: int) -> Lead:
    """A lead outside the dialer's hands."""
    raw = unit.t.leads.get(lead_key(campaign_id, lead_id)) if 0 < lead_id <= ROW_MAX else None
    if raw is None:
        raise NotFoundError(f"campaign {campaign_id} has no lead {lead_id}")
    lead = LEAD.unpack(raw)
    if lead.state in IN_HAND:
        raise ConflictError("this person is being called: try again when that is over")
    return lead


def _take_out(unit: Unit, lead: Lead) -> None:
    """Of the index; `put_back` puts it in anew."""
    unit.t.due.delete(due_key(lead.campaign_id, lead.state, lead.due_s, lead.lead_id))
