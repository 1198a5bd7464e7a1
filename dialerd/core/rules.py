"""Whether a person may be called now, by which rule not, and until when: the one order of rules.

| rule           | says no when                                                                   |
|----------------|--------------------------------------------------------------------------------|
| `NUMBER`       | the number is an emergency or premium one, or nowhere we may call              |
| `DO_NOT_CALL`  | it is on a do-not-call list that the regime heeds, or on the blacklist         |
| `CONSENT`      | the column of consents is empty for this person, or its day is none or to come |
| `HOURS`        | it is outside the hours of regime or campaign, where the person lives          |
| `REGIME_CAP`   | another campaign calls it just now; the regime's cap; the regime's lock-out    |
| `CAMPAIGN_CAP` | the campaign's cap                                                             |
| `SEQUENCE`     | the message before this one was not heard, or too short a time ago             |
| `RETRY_GAP`    | the lead is not due: a gap between tries, a callback, a rest                   |

The first that says no is the answer. A retry after no answer, a recheck of a phone that was off and
a callback that the customer asked for are exempt from the campaign's cap (unless
`cap_binds_retries`), and from nothing that stands before it.

Where they are judged: `NUMBER` at the import, and for every claimed lead by the numbering plan of
that moment; all others in the transaction that claims a lead; do-not-call, the campaign's state and
its hours once more when dialing begins. What was judged is kept with the attempt (`evidence`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from enum import IntEnum
from typing import Final, NamedTuple

import msgspec

from dialerd.core.days import read_day
from dialerd.core.frequency import Entry, eligible_ms, in_flight, unlocked_ms
from dialerd.core.limits import IN_FLIGHT_RETRY_S
from dialerd.core.records import BanList, CampaignSettings, DoNotCall, Outcome
from dialerd.core.regime import (
    Openings,
    effective_caps,
    find_regime,
    judged_by_lead,
    zones_of,
)


class Rule(IntEnum):
    """What may say no, in the order in which they are asked."""

    NUMBER = 1
    DO_NOT_CALL = 2
    CONSENT = 3
    HOURS = 4
    REGIME_CAP = 5
    CAMPAIGN_CAP = 6
    SEQUENCE = 7
    RETRY_GAP = 8


#: Outcomes after which a further call is a retry or recheck of the same attempt to reach somebody.
RETRIED: Final = frozenset(
    {
        Outcome.NO_ANSWER,
        Outcome.DECLINED,
        Outcome.BUSY,
        Outcome.UNREACHABLE,
        Outcome.FAILED,
        Outcome.CANCELLED,
        Outcome.MEDIA_TIMEOUT,
        Outcome.ABANDONED,
        Outcome.AGENT_LEFT,
        Outcome.MACHINE,
    }
)


class Person(msgspec.Struct, frozen=True, gc=False):
    """What is known of a lead and its number."""

    phone: int
    fields: Mapping[str, str]
    bans: Sequence[DoNotCall] = ()
    calls: Sequence[Entry] = ()  # earlier ones to the number, of all campaigns
    outcome: Outcome | None = None  # of the lead's last try
    callback: bool = False  # the customer asked for it
    due_ms: int = 0
    heard_ms: int = 0  # when the message before this one was heard; 0: not yet, -1: never will be
    never: str = ""  # why the numbering plan never lets it be dialed


class Verdict(NamedTuple):
    """Who says no. `until_ms` is when to ask again, Unix ms; 0: for good."""

    rule: Rule
    until_ms: int
    text: str


class Rules:
    """The rules of one campaign at one moment."""

    __slots__ = (
        "_again",
        "_alike",
        "_asked",
        "_fresh",
        "_openings",
        "_strangers",
        "_told",
        "by_lead",
        "campaign_id",
        "now_ms",
        "regime",
        "s",
    )

    def __init__(
        self, campaign_id: int, settings: CampaignSettings, now_ms: int, *, claims: bool = False
    ) -> None:
        """At `now_ms`, Unix milliseconds.

        Of a claim (`claims`) the dialer has judged the hours of the whole campaign by the wall
        clock; the claim's own clock is behind where that was moved forward, so they are not asked
        of again. Hours that differ from person to person are.
        """
        self.campaign_id = campaign_id
        self.s = settings
        self.now_ms = now_ms
        self.regime = find_regime(settings.regime)
        self.by_lead = judged_by_lead(settings)
        self._openings = Openings(settings)
        self._told: dict[tuple[bool, tuple[str, ...], str], str] = {}
        legal = self.regime.cap
        self._fresh = tuple(cap for cap in effective_caps(settings) if cap is not legal)
        self._again = self._fresh if settings.cap_binds_retries else ()
        idle = set() if settings.consent_column else {Rule.CONSENT}
        if not settings.after_campaign:
            idle.add(Rule.SEQUENCE)
        if claims:
            idle.add(Rule.RETRY_GAP)  # what is claimed is due
            if not self.by_lead:
                idle.add(Rule.HOURS)
        self._asked = tuple(one for one in _ORDER if one[0] not in idle)
        self._strangers = tuple(one for one in self._asked if one[0] not in _OF_KNOWN)
        self._alike = not (self.by_lead or settings.consent_column)  # one evidence fits all

    @property
    def reads_fields(self) -> bool:
        """Whether anything but the number matters of a contact."""
        return bool(self.s.zone_column or self.s.consent_column)

    def first(self, person: Person, *, after: Rule | None = None) -> Verdict | None:
        """The first rule (behind `after`) that says no; None: the person may be called now."""
        known = person.calls or person.bans or person.never
        for rule, ask in self._asked if known else self._strangers:
            if after is None or rule > after:
                found = ask(self, person)
                if found is not None:
                    return found
        return None

    def zones(self, person: Person) -> tuple[str, ...]:
        """Where the person lives, as far as that matters."""
        return zones_of(self.s, person.phone, person.fields) if self.by_lead else ()

    def evidence(self, person: Person) -> str:
        """By what a call to this person was allowed, for the record of the attempt."""
        again, s = is_again(person), self.s
        key: tuple[bool, tuple[str, ...], str]
        if self._alike:
            key = again, (), s.consent[:CONSENT_SHOWN_MAX]
        else:
            consent = person.fields.get(s.consent_column, "") if s.consent_column else s.consent
            consent = consent[:CONSENT_SHOWN_MAX]
            if s.consent_date_column:
                since = person.fields.get(s.consent_date_column, "")
                consent += f" of {since[:CONSENT_SHOWN_MAX]}"
            key = again, self.zones(person), consent
        found = self._told.get(key)
        if found is None:
            found = self._told[key] = self._evidence(*key)
        return found

    def _evidence(self, again: bool, zones: tuple[str, ...], consent: str) -> str:  # noqa: FBT001
        regime, cap = self.regime, self.regime.cap
        parts = [
            f"{regime.name} {regime.version}",
            f"not on {'+'.join(regime.lists)}",
            f"inside hours of {'+'.join(zones) or regime.zone}",
        ]
        if cap is not None:
            parts.append(f"inside {cap.calls_max}/{cap.window_s} s {cap.counts}")
        parts += [
            f"inside {cap.calls_max}/{cap.window_s} s {cap.counts} of the campaign"
            for cap in (self._again if again else self._fresh)
        ]
        if again and not self._again and self._fresh:
            parts.append("exempt from the campaign's cap: called again")
        if consent:
            parts.append(f"consent {consent}")
        return "; ".join(parts)

    # -- the rules -------------------------------------------------------------------------------

    def _number(self, person: Person) -> Verdict | None:
        return Verdict(Rule.NUMBER, 0, person.never) if person.never else None

    def _do_not_call(self, person: Person) -> Verdict | None:
        worst: DoNotCall | None = None
        for ban in person.bans:
            if not self.heeds(ban):
                continue
            if worst is None or not ban.until_ms or 0 < worst.until_ms < ban.until_ms:
                worst = ban
                if not ban.until_ms:
                    break
        if worst is None:
            return None
        since = datetime.fromtimestamp(worst.at_ms / 1000, UTC).astimezone(self.regime.zone)
        what = f"{_LISTS[worst.kind]}{' of this campaign' * bool(worst.campaign_id)}"
        what += f" since {since:%Y-%m-%d %H:%M}" + (f" ({worst.source})" if worst.source else "")
        return Verdict(Rule.DO_NOT_CALL, worst.until_ms, what)

    def heeds(self, ban: DoNotCall) -> bool:
        """Whether an entry keeps this campaign from calling its number now."""
        return (
            ban.kind in self.regime.lists
            and ban.campaign_id in (0, self.campaign_id)
            and not 0 < ban.until_ms <= self.now_ms
        )

    def _consent(self, person: Person) -> Verdict | None:
        column, dates = self.s.consent_column, self.s.consent_date_column
        if not person.fields.get(column, "").strip():
            return Verdict(Rule.CONSENT, 0, f"no consent: the column {column!r} is empty")
        if not dates:
            return None
        since = read_day(person.fields.get(dates, "").strip())
        if since is None:
            return Verdict(Rule.CONSENT, 0, f"no consent: the column {dates!r} holds no day")
        begins = datetime(since.year, since.month, since.day, tzinfo=self.regime.zone)
        until_ms = int(begins.timestamp() * 1000)
        if until_ms <= self.now_ms:
            return None
        return Verdict(Rule.CONSENT, until_ms, "no consent yet")

    def _hours(self, person: Person) -> Verdict | None:
        found = self._openings.at(self.now_ms * 1_000_000, self.zones(person))
        if found.open:
            return None
        if found.until_ns is None:
            return Verdict(Rule.HOURS, 0, "the campaign's end time is reached")
        return Verdict(Rule.HOURS, -(-found.until_ns // 1_000_000), "outside hours")

    def _regime_cap(self, person: Person) -> Verdict | None:
        if not person.calls:
            return None
        if in_flight(person.calls):
            again_ms = self.now_ms + IN_FLIGHT_RETRY_S * 1000
            return Verdict(Rule.REGIME_CAP, again_ms, "the number is being called just now")
        regime, calls = self.regime, person.calls
        caps = () if regime.cap is None else (regime.cap,)
        until_ms = eligible_ms(calls, caps, self.now_ms)
        if until_ms > self.now_ms:
            return Verdict(Rule.REGIME_CAP, until_ms, f"the cap of regime {regime.name}")
        until_ms = unlocked_ms(calls, regime.redial_s_min, regime.abandoned_redial_s, self.now_ms)
        if until_ms > self.now_ms:
            return Verdict(Rule.REGIME_CAP, until_ms, f"the lock-out of regime {regime.name}")
        return None

    def _campaign_cap(self, person: Person) -> Verdict | None:
        caps = self._again if is_again(person) else self._fresh
        if not caps or not person.calls:
            return None
        until_ms = eligible_ms(person.calls, caps, self.now_ms)
        if until_ms <= self.now_ms:
            return None
        return Verdict(Rule.CAMPAIGN_CAP, until_ms, "the campaign's cap")

    def _sequence(self, person: Person) -> Verdict | None:
        if person.heard_ms < 0:
            return Verdict(Rule.SEQUENCE, 0, "the message before this one was never heard")
        if not person.heard_ms:
            again_ms = self.now_ms + HEARD_LOOK_S * 1000
            return Verdict(Rule.SEQUENCE, again_ms, "the message before this one was not heard yet")
        until_ms = person.heard_ms + self.s.after_s * 1000
        if until_ms <= self.now_ms:
            return None
        return Verdict(Rule.SEQUENCE, until_ms, "the message before this one was heard just now")

    def _retry_gap(self, person: Person) -> Verdict | None:
        if person.due_ms <= self.now_ms:
            return None
        text = "a callback is booked: not due" if person.callback else "not due"
        return Verdict(Rule.RETRY_GAP, person.due_ms, text)


def is_again(person: Person) -> bool:
    """Whether a call now is a retry, a recheck or a callback that the customer asked for."""
    return person.callback or person.outcome in RETRIED


HEARD_LOOK_S: Final = 900  # how often a message that is still to be heard is asked for
CONSENT_SHOWN_MAX: Final = 100

_LISTS: Final = {
    BanList.OWN: "on the do-not-call list",
    BanList.REGISTER: "on the register of people who want no advertising",
    BanList.BLACKLIST: "on the blacklist",
}

_Ask = Callable[[Rules, Person], Verdict | None]
_ORDER: Final[tuple[tuple[Rule, _Ask], ...]] = (
    (Rule.NUMBER, Rules._number),
    (Rule.DO_NOT_CALL, Rules._do_not_call),
    (Rule.CONSENT, Rules._consent),
    (Rule.HOURS, Rules._hours),
    (Rule.REGIME_CAP, Rules._regime_cap),
    (Rule.CAMPAIGN_CAP, Rules._campaign_cap),
    (Rule.SEQUENCE, Rules._sequence),
    (Rule.RETRY_GAP, Rules._retry_gap),
)
# Of a number that is on no list, was never called and may be dialed these have nothing to say.
_OF_KNOWN: Final = frozenset({Rule.NUMBER, Rule.DO_NOT_CALL, Rule.REGIME_CAP, Rule.CAMPAIGN_CAP})
