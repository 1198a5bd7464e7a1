"""Building blocks of the store's tests."""

from __future__ import annotations

from dialerd.core.ops import BeginDial, Claim, Finish
from dialerd.core.records import (
    CallEvent,
    Campaign,
    CampaignSettings,
    CampaignState,
    Contact,
    EventKind,
    Flow,
    FrequencyCap,
    LeadState,
    Outcome,
)
from dialerd.store import wait
from dialerd.store.base import BaseStore

NOW = 1_790_000_000_000  # Unix ms
FIRST = 84_912_000_000
NO_CAP = FrequencyCap(1, 0)


def people(count: int, first: int = FIRST) -> list[Contact]:
    return [
        Contact(first + i, f"0{first + i - 84 * 10**9}", "vina", {"name": f"Nguyễn {i}"})
        for i in range(count)
    ]


def filled_list(store: BaseStore, name: str, contacts: list[Contact]) -> int:
    made = wait(store.create_list(name, NOW))
    wait(store.add_contacts(made.list_id, contacts))
    return made.list_id


def draft(store: BaseStore, list_id: int, name: str = "spring", **settings) -> Campaign:
    settings = {"cap": NO_CAP, "regime": "loopback"} | settings
    made = CampaignSettings(name, list_id, Flow(()), **settings)
    return wait(store.create_campaign(made, "an", NOW))


def running(store: BaseStore, list_id: int, name: str = "spring", **settings) -> Campaign:
    campaign = draft(store, list_id, name, **settings)
    wait(store.move_campaign(campaign.campaign_id, CampaignState.APPROVED, "binh", NOW))
    return wait(store.move_campaign(campaign.campaign_id, CampaignState.RUNNING, "binh", NOW))


def take(store: BaseStore, campaign_id: int = 1, n: int = 100, now_ms: int = NOW) -> list[Claim]:
    return list(wait(store.claim(campaign_id, n, now_ms, 60)).claims)


def begin(attempt_id: int, at_ms: int = NOW, trunk: str = "a") -> BeginDial:
    return BeginDial(attempt_id, trunk, f"call-{attempt_id}-{trunk}", "weight", at_ms)


def finish(
    attempt_id: int,
    outcome: Outcome = Outcome.ANSWERED,
    lead_state: LeadState = LeadState.DONE,
    **more,
) -> Finish:
    more.setdefault("due_s", 0)
    more.setdefault("at_ms", NOW + 9_000)
    return Finish(attempt_id, outcome, lead_state, **more)


def events(*kinds: EventKind) -> tuple[CallEvent, ...]:
    return tuple(CallEvent(NOW + i, kind, str(i)) for i, kind in enumerate(kinds))


def call(store: BaseStore, claim: Claim, **more) -> None:
    """One whole attempt."""
    assert wait(store.apply([begin(claim.attempt_id), finish(claim.attempt_id, **more)])) == ()
