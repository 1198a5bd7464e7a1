"""One try to reach somebody, with everything that happened in it, as documents show it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from admin_http.documents import Document
from dialerd.core.control_base import Instant
from dialerd.core.records import Answerer, Attempt, CallEvent, Direction, EventKind, Outcome
from dialerd.store.export_text import talk_s


class Interaction(Document):
    """One thing that happened in a call."""

    at: Instant
    kind: EventKind
    detail: str


class TryInfo(Document):
    """One try; times are null where nothing of that kind happened. Costs and rules: the report."""

    id: int
    campaign: int
    lead: str
    attempt: int
    number: str | None
    direction: Direction
    outcome: Outcome | None
    trunk: str
    port: str
    rule: str
    dialed_at: Instant | None
    answered_at: Instant | None
    ended_at: Instant | None
    talk_s: float
    keys: str
    sip_code: int | None
    q850: int | None
    released_by: str
    call_id: str
    agent: str
    disposition: str
    answered_by: Answerer | None
    fields: dict[str, str]
    interactions: tuple[Interaction, ...] = ()


def moment(at_ms: int) -> datetime | None:
    """Unix ms as a time; 0 is none."""
    return datetime.fromtimestamp(at_ms / 1000, UTC) if at_ms > 0 else None


def number(phone: int) -> str | None:
    """As people write it; None where it was erased."""
    return f"+{phone}" if phone else None


def lead_name(campaign_id: int, lead_id: int) -> str:
    """What stands for a person of a campaign in addresses."""
    return f"{campaign_id}-{lead_id}"


def tried(a: Attempt, events: Sequence[CallEvent]) -> TryInfo:
    """The document of one."""
    return TryInfo(
        id=a.attempt_id,
        campaign=a.campaign_id,
        lead=lead_name(a.campaign_id, a.lead_id),
        attempt=a.number,
        number=number(a.phone),
        direction=a.direction,
        outcome=a.outcome,
        trunk=a.trunk,
        port=a.port,
        rule=a.rule,
        dialed_at=moment(a.begun_ms),
        answered_at=moment(a.answered_ms),
        ended_at=moment(a.ended_ms),
        talk_s=talk_s(a),
        keys=a.keys,
        sip_code=a.code or None,
        q850=a.q850 or None,
        released_by=a.released_by,
        call_id=a.call_id,
        agent=a.agent,
        disposition=a.disposition,
        answered_by=a.revised or a.answerer,
        fields=a.fields,
        interactions=tuple(interaction(event) for event in events),
    )


def interaction(event: CallEvent) -> Interaction:
    """The document of one."""
    at = datetime.fromtimestamp(max(event.at_ms, 0) / 1000, UTC)
    return Interaction(at=at, kind=event.kind, detail=event.detail)
