"""Leads in the dialer's hands: claiming them, giving them back, and clearing up after a crash.

Order of a claim: leads whose RETRY is due, then rechecks of phones that were off, then those whose
frequency cap has passed or whose rest is over, then fresh ones; within each by due time, then in
the order of the list. A retry keeps a moment that was chosen for that person; a fresh lead has none
to miss. Whether one may be dialed now is for `dialerd.core.rules` to say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from dialerd.core.limits import RANK_END
from dialerd.core.ops import Claim, ClaimBatch
from dialerd.core.ports import ConflictError, StoreError
from dialerd.core.records import (
    IN_HAND,
    WAITING,
    Attempt,
    Campaign,
    CampaignState,
    Direction,
    Lead,
    LeadState,
    Outcome,
)
from dialerd.core.rules import Person, Rule, Rules, Verdict
from dialerd.store import (
    audience,
    callbacks,
    caps,
    dialogs,
    donotcall,
    ended,
    lead_numbers,
    sequences,
    usage,
)
from dialerd.store.limits import CLAIM_MAX, EXAMINED_MAX, STEP_ROWS
from dialerd.store.schema import (
    ATTEMPT,
    DUE_MAX,
    LEAD,
    OPEN,
    OpenAttempt,
    attempt_key,
    due_key,
    lead_key,
    open_key,
    read_u64,
    seal,
    split_due,
)
from dialerd.store.unit import OUTCOME_INDEX, More, Unit

READY, CLAIMED, BLOCKED = LeadState.READY, LeadState.CLAIMED, LeadState.BLOCKED
CALLBACK: Final = LeadState.CALLBACK
LEASES_FROM: Final = b"leases_from_ms"  # no undialed claim's lease ends before; 0: none
NEXT_ATTEMPT: Final = b"next_attempt"
STATE_BYTES: Final = 5  # of a key of `due`, up to and with the state
Leave = tuple[frozenset[int], Mapping[int, Callable[[Attempt], Attempt]]]
NOTHING_LEFT: Final[Leave] = (frozenset(), {})


class _Batch:
    """A claim while it is made."""

    __slots__ = ("blocked", "campaign", "capped", "claims", "later", "lease_ms", "node", "rules")

    def __init__(self, campaign: Campaign, now_ms: int, lease_s: int, node: str) -> None:
        self.campaign = campaign
        self.node = node
        self.rules = Rules(campaign.campaign_id, campaign.settings, now_ms, claims=True)
        self.lease_ms = now_ms + lease_s * 1000
        self.claims: list[Claim] = []
        self.capped = 0
        self.blocked = 0
        self.later = 0  # outside hours where they live, or not due by another rule

    def judge(self, unit: Unit) -> Callable[[Lead], lead_numbers.Judged]:
        """Asks the rules about one number of a lead."""

        def ask(lead: Lead) -> lead_numbers.Judged:
            person = person_of(unit, self.campaign, lead, self.rules)
            return person, self.rules.first(person)

        return ask

    @property
    def set_aside(self) -> int:
        """How many leads were looked at and not claimed."""
        return self.capped + self.blocked + self.later


def claim(
    unit: Unit,
    campaign_id: int,
    n: int,
    now_ms: int,
    lease_s: int,
    node: str = "",
    agent: str = "",
    own: bool = False,  # noqa: FBT001, FBT002 - named at every call
) -> ClaimBatch:
    """Up to `n` due leads; see `Store.claim`. An agent's own callbacks come before all others.

    Leads on a do-not-call list become BLOCKED, or RESTING where that is for a while. Leads that a
    cap holds back become CAPPED, due when it allows them; a number that is in the dialer's hands
    already is looked at again a minute later. What is outside its hours stays what it is, due when
    they open. One claim sets aside a bounded number of leads: after that `next_due_s` is not in the
    future, and the next claim goes on.
    """
    campaign = unit.campaign(campaign_id)
    if campaign.state is not CampaignState.RUNNING:
        raise ConflictError(f"campaign {campaign.settings.name!r} is {campaign.state}, not running")
    if n < 0 or lease_s < 1:
        raise StoreError(f"a claim needs n and lease_s of at least 0 and 1, not {n} and {lease_s}")
    if 0 < unit.counter(LEASES_FROM) <= now_ms:
        _expire_leases(unit, now_ms)
    batch = _Batch(campaign, now_ms, lease_s, node)
    wanted = min(n, CLAIM_MAX)
    now_s = now_ms // 1000
    if agent:
        _take_own(unit, batch, agent, wanted)
    for state in () if own else WAITING:
        first, stop = due_key(campaign_id, state, 0, 0), due_key(campaign_id, state, now_s + 1, 0)
        while (room := wanted - len(batch.claims)) and batch.set_aside < EXAMINED_MAX:
            found = unit.t.due.scan(first, stop, room)
            for key, _ in found:
                _take(unit, batch, state, key)
            if len(found) < room:
                break
    if batch.claims:
        floor = unit.counter(LEASES_FROM)
        unit.set_counter(LEASES_FROM, min(floor or batch.lease_ms, batch.lease_ms))
    return ClaimBatch(
        campaign_id,
        tuple(batch.claims),
        batch.capped,
        batch.blocked,
        _next_due_s(unit, campaign_id),
        exhausted(unit, campaign),
        agent,
        callbacks.next_own_s(unit, agent, campaign_id) if agent else None,
    )


def _take_own(unit: Unit, batch: _Batch, agent: str, wanted: int) -> None:
    """Claim what an agent has promised by now."""
    campaign_id, now_s = batch.campaign.campaign_id, batch.rules.now_ms // 1000
    for lead_id in callbacks.own_due(unit, agent, campaign_id, now_s, EXAMINED_MAX):
        if len(batch.claims) >= wanted:
            return
        lead = LEAD.unpack(unit.t.leads.get(lead_key(campaign_id, lead_id)) or b"")
        due_at = due_key(campaign_id, lead.state, lead.due_s, lead_id)
        _take(unit, batch, lead.state, due_at)


def _take(unit: Unit, batch: _Batch, state: LeadState, key: bytes) -> None:
    """Claim the lead of one due entry, or set it aside."""
    t, rules = unit.t, batch.rules
    t.due.delete(key)
    kept_at = key[:4] + key[-4:]
    lead = LEAD.unpack(t.leads.get(kept_at) or b"")
    campaign_id, lead_id = lead.campaign_id, lead.lead_id
    person = person_of(unit, batch.campaign, lead, rules)
    verdict = rules.first(person)
    if verdict is not None and lead.numbers:
        lead, person, verdict = lead_numbers.choose(lead, batch.judge(unit), rules.now_ms)
    if verdict is not None:
        _set_aside(unit, batch, lead, verdict)
        if state is CALLBACK:
            _promise_later(unit, campaign_id, lead_id)
        return
    booked = callbacks.drop(unit, campaign_id, lead_id) if state is CALLBACK else None
    now_ms, phone = rules.now_ms, lead.phone
    attempt_id = unit.next_number(NEXT_ATTEMPT)
    number = lead.attempts + 1
    caps.save(unit, phone, [*person.calls, (now_ms, caps.RESERVED, attempt_id)])
    held = Lead(
        campaign_id, lead_id, lead.contact, phone, CLAIMED, lead.attempts,
        lead.due_s if lead.due_s < RANK_END else 0,  # its rank, should it be given back
        attempt_id, lead.outcome, lead.tries, lead.numbers,
    )  # fmt: skip
    t.leads.put(kept_at, LEAD.pack(held))
    evidence = rules.evidence(person)
    opened = OpenAttempt(
        campaign_id, lead_id, phone, number, now_ms, batch.lease_ms, batch.node, evidence, booked
    )
    t.open.put(open_key(attempt_id), OPEN.pack(opened))
    counts = unit.books(campaign_id).leads
    counts[state] -= 1
    counts[CLAIMED] += 1
    contact = audience.contact_of(unit, batch.campaign, lead)
    claimed = Claim(
        attempt_id, campaign_id, lead_id, phone, number,
        lead_numbers.carrier_of(contact, phone), contact.fields,
        booked, rules.zones(person), lead.tries, lead.numbers,
    )  # fmt: skip
    batch.claims.append(claimed)


def _promise_later(unit: Unit, campaign_id: int, lead_id: int) -> None:
    """A lead whose callback is due was set aside: it is promised for later, or not any more."""
    booked = callbacks.drop(unit, campaign_id, lead_id)
    lead = LEAD.unpack(unit.t.leads.get(lead_key(campaign_id, lead_id)) or b"")
    if booked is not None and lead.state is LeadState.CALLBACK:
        unit.t.due.delete(due_key(campaign_id, lead.state, lead.due_s, lead_id))
        put_back(unit, lead, lead.state, callbacks.again(unit, booked, lead.due_s))


def person_of(unit: Unit, campaign: Campaign, lead: Lead, rules: Rules, never: str = "") -> Person:
    """What the rules ask about a lead. One that is not due is not asked of here."""
    phone = lead.phone
    return Person(
        phone,
        audience.contact_of(unit, campaign, lead).fields if rules.reads_fields else {},
        donotcall.bans(unit, phone),
        dialogs.with_old_calls(unit, caps.load(unit, phone)),
        lead_numbers.outcome_of(lead) if lead.numbers else lead.outcome,
        lead.state is CALLBACK,
        0,  # due_ms
        sequences.heard_ms(unit, campaign, phone) if rules.s.after_campaign else 0,
        never,
    )


def _set_aside(unit: Unit, batch: _Batch, lead: Lead, verdict: Verdict) -> None:
    """What may not be dialed now waits until it may, or is out."""
    state = lead.state
    match verdict.rule:
        case Rule.REGIME_CAP | Rule.CAMPAIGN_CAP:
            batch.capped += 1
            state = state if state is CALLBACK else LeadState.CAPPED
        case Rule.DO_NOT_CALL if verdict.until_ms:
            batch.later += 1
            state = LeadState.RESTING
        case Rule.HOURS | Rule.SEQUENCE | Rule.CONSENT if verdict.until_ms:
            batch.later += 1
        case Rule.RETRY_GAP:  # its other number is not due
            batch.later += 1
            state = LeadState.RETRY
        case Rule.HOURS:  # past the campaign's end: what it is, until somebody looks
            batch.later += 1
            put_back(unit, lead, state, DUE_MAX)
            return
        case _:
            batch.blocked += 1
            state = BLOCKED
    if verdict.rule is Rule.DO_NOT_CALL:
        donotcall.count_hit(unit, batch.rules, lead.phone)
    put_back(unit, lead, state, -(-verdict.until_ms // 1000))


def put_back(unit: Unit, lead: Lead, state: LeadState, due_s: int, **changed: Any) -> None:
    """Let a lead stand in a state outside the dialer's hands; its old index entry is gone.

    Other fields of it may be `changed` as well.
    """
    due_s = min(max(due_s, 0), DUE_MAX - 1)
    campaign_id, lead_id = lead.campaign_id, lead.lead_id
    unit.books(campaign_id).move(lead.state, state)
    lead = msgspec.structs.replace(lead, state=state, due_s=due_s, **changed)
    unit.t.leads.put(lead_key(campaign_id, lead_id), LEAD.pack(lead))
    unit.t.due.put(due_key(campaign_id, state, due_s, lead_id), b"")


def _next_due_s(unit: Unit, campaign_id: int) -> int | None:
    """The due second of the first lead that waits."""
    earliest: int | None = None
    for state in WAITING:
        first = due_key(campaign_id, state, 0, 0)
        key = unit.t.due.seek(first)
        if key[:STATE_BYTES] == first[:STATE_BYTES]:
            due_s: int = split_due(key)[2]
            earliest = due_s if earliest is None else min(earliest, due_s)
    return earliest


def exhausted(unit: Unit, campaign: Campaign) -> bool:
    """Whether a campaign has no lead left that could ever be claimed, and none in our hands."""
    if any(unit.books(campaign.campaign_id).leads[state] for state in IN_HAND):
        return False
    if (next_due_s := _next_due_s(unit, campaign.campaign_id)) is None:
        return not audience.waiting(unit, campaign)  # people of its lists who are no leads yet
    return 0 < campaign.settings.end_ms <= next_due_s * 1000


def give_back(
    unit: Unit,
    attempt_id: int,
    held: OpenAttempt,
    state: LeadState | None,
    due_s: int,
    *,
    next_number: bool = False,
) -> None:
    """End a claim that was never dialed: the lead waits again (or as `state`), its cap is free.

    `next_number`: if the person has another one, the lead waits for that instead.
    """
    unit.t.open.delete(open_key(attempt_id))
    if held.direction is Direction.OVER:  # it has no lead
        return
    caps.settle(unit, held.phone, attempt_id, None, held.claimed_ms)
    lead = LEAD.unpack(unit.t.leads.get(lead_key(held.campaign_id, held.lead_id)) or b"")
    if next_number and held.callback is None and (other := lead_numbers.passed_over(lead, due_s)):
        put_back(unit, other, LeadState.RETRY if lead.attempts else READY, other.due_s)
        return
    waiting = LeadState.RETRY if lead.attempts else READY
    if lead.outcome is Outcome.UNREACHABLE:
        waiting = LeadState.RECHECK
    if waiting is READY and 0 < lead.due_s < RANK_END:
        due_s = lead.due_s
    if held.callback is not None and state is None:
        waiting, due_s = LeadState.CALLBACK, callbacks.again(unit, held.callback, due_s)
    put_back(unit, lead, waiting if state is None else state, due_s)


def let_return_go(unit: Unit, held: OpenAttempt, lead: Lead) -> None:
    """The lead of a customer who called back stands again where it stood."""
    due_s = held.due_s if held.callback is None else callbacks.book(unit, held.callback)
    speaks = lead.attempt_id  # whose agent may still say what becomes of the lead
    if held.after and unit.t.wrapping.get(open_key(speaks)) is None:
        speaks = held.after
    put_back(unit, lead, held.before, due_s, attempt_id=speaks)


def _expire_leases(unit: Unit, now_ms: int) -> None:
    """Give back what was claimed, never dialed, and is past its lease."""
    floor = 0
    for key, raw in unit.t.open.scan(b"", b"\xff" * 9, 1 << 30):
        held = OPEN.unpack(raw)
        if held.lease_ms > now_ms:
            floor = min(floor or held.lease_ms, held.lease_ms)
            continue
        attempt_id = read_u64(key)
        if unit.t.attempts.get(attempt_key(held.campaign_id, held.lead_id, attempt_id)):
            continue  # dialed: it ends with its call
        give_back(unit, attempt_id, held, None, now_ms // 1000)
    unit.set_counter(LEASES_FROM, floor)


def recover(
    unit: Unit,
    now_ms: int,
    node: str | None = None,
    start: bytes = b"",
    settled: int = 0,
    leave: Leave = NOTHING_LEFT,
) -> int | More:
    """Settle every open attempt of a daemon that is gone; see `Store.recover`.

    `leave` are claims that stay as they are, and who says what came of which call. A begun one
    counts as heard for every cap, because nobody knows how far it got.
    """
    rows = unit.t.open.scan(start, b"\xff" * 9, STEP_ROWS)
    for key, raw in rows:
        attempt_id, held = read_u64(key), OPEN.unpack(raw)
        if node not in {None, held.node} or attempt_id in leave[0]:
            continue
        settled += 1
        kept_at = attempt_key(held.campaign_id, held.lead_id, attempt_id)
        begun = unit.t.attempts.get(kept_at)
        if begun is None:
            give_back(unit, attempt_id, held, None, 0)
            continue
        unit.t.open.delete(key)
        dialed = ATTEMPT.unpack(begun)
        dialogs.leave_behind(unit, attempt_id, dialed.trunk)
        usage.add_cut_off(unit, dialed, now_ms)
        done = msgspec.structs.replace(dialed, outcome=Outcome.INTERRUPTED, ended_ms=now_ms)
        talked = leave[1].get(attempt_id)
        if talked is not None:
            done = talked(done)
        unit.t.attempts.put(kept_at, ATTEMPT.pack(done))
        ended.cut_off(unit, done)
        if talked is None:
            ended.record(unit, held.campaign_id, held.lead_id, attempt_id)
        else:
            unit.t.wrapping.put(kept_at[8:], seal(kept_at[:8]))
        if held.direction is Direction.OVER:
            continue
        back = held.direction is Direction.IN
        counts = not back or unit.campaign(held.campaign_id).settings.returns.counts
        caps.settle(unit, held.phone, attempt_id, caps.HEARD if counts else None, now_ms)
        lead = LEAD.unpack(unit.t.leads.get(lead_key(held.campaign_id, held.lead_id)) or b"")
        unit.books(held.campaign_id).outcomes[OUTCOME_INDEX[Outcome.INTERRUPTED]] += 1
        if back:  # who called us: nobody was disturbed
            let_return_go(unit, held, lead)
            continue
        put_back(unit, lead, LeadState.INTERRUPTED, 0, outcome=Outcome.INTERRUPTED)
    if len(rows) < STEP_ROWS:
        if node is None and not leave[0]:
            unit.set_counter(LEASES_FROM, 0)
        return settled
    return More(lambda later: recover(later, now_ms, node, rows[-1][0], settled, leave))
