"""Answers about a campaign's people: who waits, why one is not dialed, who will be skipped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

from dialerd.control.daemon import Daemon
from dialerd.core.campaign_spec import at_time
from dialerd.core.control import ListProgress
from dialerd.core.limits import RANK_END
from dialerd.core.people_view import (
    CheckInfo,
    LeadInfo,
    LeadList,
    LeadPage,
    ListChecked,
    ListLeads,
    NumberInfo,
    Skipped,
    WhyInfo,
)
from dialerd.core.ports import Judged, LeadRow, Store
from dialerd.core.records import (
    IN_HAND,
    WAITING,
    Campaign,
    CampaignState,
    ContactList,
    Lead,
    LeadState,
)
from dialerd.core.regime import check_approval, find_regime, next_opening_ns
from dialerd.core.regime_data import Consent
from dialerd.core.rules import Rule, Verdict
from dialerd.core.why import Why, why_lead

CHUNK: Final = 200  # people judged between two turns of the calls
_WORDS: Final = {
    state: LeadList("waiting" if state is LeadState.RECHECK else state.name.lower())
    for state in LeadState
}
_STATES: Final = {word: state for state, word in _WORDS.items()}
_DATED: Final = frozenset(WAITING)
_MAYBE: Final = frozenset({*WAITING, *IN_HAND})


class People:
    """See the module's text."""

    def __init__(self, store: Store, daemon: Daemon) -> None:
        """Reads only."""
        self._store = store
        self._daemon = daemon

    def leads(self, campaign: Campaign, request: ListLeads) -> LeadPage:
        """A page of those in some states."""
        states = [_STATES[word] for word in dict.fromkeys(request.states)] or list(LeadState)
        rows, after = self._store.leads(
            campaign.campaign_id, states, bytes.fromhex(request.after), request.limit
        )
        names = {item.list_id: item.name for item in self._lists(campaign)}
        return LeadPage(items=tuple(_info(row, names) for row in rows), next=after.hex())

    async def by_list(self, campaign: Campaign) -> tuple[ListProgress, ...]:
        """The books of each list."""
        names = [item.name for item in self._lists(campaign)]
        counts: list[Counter[LeadState]] = [Counter() for _ in names]
        after = b""
        while True:
            found, after = self._store.counts_by_list(campaign.campaign_id, after)
            for total, more in zip(counts, found, strict=True):
                total.update(more)
            if not after:
                break
            await self._daemon.breathe()
        return tuple(
            ListProgress(
                list=name,
                audience=count.total(),
                leads={state.name.lower(): count[state] for state in LeadState},
                left=sum(count[state] for state in _MAYBE),
            )
            for name, count in zip(names, counts, strict=True)
        )

    def _lists(self, campaign: Campaign) -> list[ContactList]:
        settings = campaign.settings
        ids = [one.list_id for one in settings.lists] or [settings.list_id]
        by_id = {item.list_id: item for item in self._store.lists()}
        return [by_id[list_id] for list_id in ids]

    def why(self, campaign: Campaign, text: str) -> WhyInfo:
        """Why one is not dialed now."""
        phone = self._daemon.read_number(text)
        now_ms = self._daemon.now_ms()
        never = self._daemon.never(phone)
        found = self._store.judged(campaign.campaign_id, phone, now_ms)
        verdict = Verdict(Rule.NUMBER, 0, never) if never else found.verdict
        running = campaign.state is CampaignState.RUNNING
        halted = self._daemon.busy() or (self._daemon.why(campaign) if running else "")
        line = "" if never else self._daemon.no_line(campaign, phone, found.contact.carrier)
        zone = find_regime(campaign.settings.regime).zone
        why: Why = why_lead(found.lead, verdict, campaign.state, halted, line, zone)
        return WhyInfo(
            number=f"+{phone}",
            lead=found.lead.lead_id,
            state=_WORDS[found.lead.state],
            why=_of_other(found.lead, phone) + why.text,
            rule=why.rule,
            until=at_time(why.until_ms) if why.until_ms else None,
        )

    async def check(self, campaign: Campaign) -> CheckInfo:
        """Who will be skipped, judged at the moment of its start."""
        settings, now_ms = campaign.settings, self._daemon.now_ms()
        opening_ns = next_opening_ns(settings, max(now_ms, settings.start_ms) * 1_000_000)
        at_ms = now_ms if opening_ns is None else max(now_ms, opening_ns // 1_000_000)
        tally = _Tally(self._daemon, campaign)
        after = 0
        while True:
            found, after = self._store.judged_ahead(campaign.campaign_id, at_ms, after, CHUNK)
            for one in found:
                tally.add(one, never_opens=opening_ns is None)
            if not after:
                break
            await self._daemon.breathe()
        return CheckInfo(
            id=campaign.campaign_id,
            name=settings.name,
            at=None if opening_ns is None else at_time(at_ms),
            people=tally.people,
            callable=tally.people - tally.over - sum(tally.counts.values()),
            skipped_people=sum(tally.counts.values()),
            over=tally.over,
            skipped=tally.skipped(),
            warnings=tuple(_warnings(campaign, now_ms)),
            lists=self._checked(campaign, tally) if settings.lists else (),
        )

    def _checked(self, campaign: Campaign, tally: _Tally) -> tuple[ListChecked, ...]:
        sizes = {part.list_id: part.size for part in campaign.parts}
        return tuple(
            ListChecked(
                list=one.name,
                people=tally.by_list[one.list_id],
                callable=tally.callable[one.list_id],
                elsewhere=sizes.get(one.list_id, one.size) - tally.by_list[one.list_id],
            )
            for one in self._lists(campaign)
        )


class _Tally:
    """People counted by the reason that skips them."""

    def __init__(self, daemon: Daemon, campaign: Campaign) -> None:
        self._daemon = daemon
        self._campaign = campaign
        self.people = 0
        self.over = 0
        self.counts: Counter[str] = Counter()
        self._texts: dict[str, str] = {}
        self._until_ms: dict[str, int] = {}
        self._example: dict[str, str] = {}
        self.by_list: Counter[int] = Counter()
        self.callable: Counter[int] = Counter()

    def add(self, one: Judged, *, never_opens: bool) -> None:
        """Count one."""
        self.people += 1
        self.by_list[one.list_id] += 1
        lead = one.lead
        if not lead.phone:
            self._count("erased", "its number was erased", one)
        elif lead.state is LeadState.BLOCKED:
            self._count("blocked", "blocked before", one)
        elif lead.state not in _MAYBE:
            self.over += 1
        elif never := self._daemon.never(lead.phone):
            self._count("number", never, one)
        elif one.verdict is not None:
            rule = one.verdict.rule.name.lower()
            text = _TEXTS.get(one.verdict.rule, one.verdict.text)
            self._count(rule, text, one, one.verdict.until_ms)
        elif never_opens:
            self._count("hours", "its hours never open", one)
        elif why := self._daemon.no_route(self._campaign, lead.phone, one.contact.carrier):
            self._count("no_route", why, one)
        else:
            self.callable[one.list_id] += 1

    def _count(self, reason: str, text: str, one: Judged, until_ms: int = 0) -> None:
        self.counts[reason] += 1
        self._texts.setdefault(reason, text)
        self._example.setdefault(reason, f"+{one.lead.phone}" if one.lead.phone else "")
        self._until_ms[reason] = max(self._until_ms.get(reason, 0), until_ms)

    def skipped(self) -> tuple[Skipped, ...]:
        """By reason, the largest first."""
        return tuple(
            Skipped(
                reason=reason,
                people=people,
                text=self._texts[reason],
                until=at_time(self._until_ms[reason]) if self._until_ms[reason] else None,
                example=self._example[reason],
            )
            for reason, people in self.counts.most_common()
        )


_TEXTS: Final = {
    Rule.DO_NOT_CALL: "on a do-not-call list",
    Rule.CONSENT: "no consent in the list",
    Rule.HOURS: "its hours never open",
    Rule.REGIME_CAP: "called too recently for the regime",
    Rule.CAMPAIGN_CAP: "called too recently for the campaign's cap",
    Rule.SEQUENCE: "has not heard the message before this one, or too recently",
}


def _warnings(campaign: Campaign, now_ms: int) -> list[str]:
    """What a person should know before approving it."""
    settings = campaign.settings
    regime = find_regime(settings.regime)
    found = []
    try:
        check_approval(settings, now_ms)
    except ValueError as error:
        found.append(f"it cannot be approved so: {error}")
    if regime.consent is Consent.EXPECTED and not (settings.consent or settings.consent_column):
        found.append(f"no evidence of consent is named, which {regime.name} expects")
    if regime.brand and not settings.caller_name:
        found.append(f"no brand is named for the caller id, which {regime.name} expects")
    return found


def _of_other(lead: Lead, phone: int) -> str:
    """What stands before a sentence about another number of the same person."""
    if phone == lead.phone or not lead.phone:
        return ""
    over = any(one.phone == phone and one.over for one in lead.numbers)
    is_now = "is not dialed any more" if over else "waits"
    return f"this number {is_now}, +{lead.phone} of the same person comes first: "


def _info(row: LeadRow, names: Mapping[int, str]) -> LeadInfo:
    lead = row.lead
    dated = lead.due_s >= RANK_END and lead.state in _DATED
    return LeadInfo(
        lead=lead.lead_id,
        number=f"+{lead.phone}" if lead.phone else "",
        state=_WORDS[lead.state],
        attempts=lead.attempts,
        outcome=lead.outcome,
        due_at=at_time(lead.due_s * 1000) if dated else None,
        original=row.contact.original,
        fields=row.contact.fields,
        list=names.get(row.list_id, ""),
        numbers=tuple(
            NumberInfo(number=f"+{n.phone}", tries=sum(n.tries.values()), over=n.over)
            for n in lead.numbers
        ),
    )
