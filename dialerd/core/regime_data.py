"""Regimes as data: the legal rules that campaigns run under, each with where it is written.

This table is what dialerd makes of the sources named beside it; it is no legal advice. A rule that
changes gets its new value and a new `version` here: calls that were made keep the version they were
made under. Files of `[dialing] regimes` add regimes of one's own (`dialerd.core.regime_file`).
"""

from __future__ import annotations

from datetime import timedelta, timezone, tzinfo
from enum import StrEnum
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from dialerd.core.records import BanList, CapCounts, FrequencyCap, Hours

VIETNAM: Final = timezone(timedelta(hours=7), "+07:00")  # no daylight saving since 1975
DAY_S: Final = 86_400
OWN: Final = (BanList.OWN, BanList.BLACKLIST)
ALL: Final = (BanList.REGISTER, *OWN)


class ShareOver(StrEnum):
    """Over what a share of abandoned calls is reckoned."""

    DAY = "day"  # local midnight to midnight
    ROLLING = "rolling"  # the last `window_s`


class Abandonment(NamedTuple):
    """A call is abandoned when a person answered and no agent was there within `grace_ms`.

    The share is abandoned calls / calls that a person answered, of one campaign. `message` says
    that such a person must hear who called and why (`abandoned_prompt`), within `grace_ms` too.
    """

    share_max: float = 0.03
    over: ShareOver = ShareOver.DAY
    window_s: int = DAY_S
    grace_ms: int = 2_000
    from_greeting: bool = False  # the grace begins at the end of the person's greeting
    message: bool = False


class Consent(StrEnum):
    """Whether people must have agreed before they are called."""

    NONE = "none"
    EXPECTED = "expected"  # by law; where no evidence is named, approval says so and goes on
    REQUIRED = "required"  # no approval without naming the evidence


class Regime(NamedTuple):
    """One set of legal rules.

    `zone` is where its hours are local; with `local_to_lead` they are judged where the called
    person lives. `holidays` is the country whose public holidays campaigns may skip, and
    `holidays_closed` says that they always do. `redial_s_min` is the least time between two calls
    to one number, `abandoned_redial_s` that after an abandoned one.
    """

    name: str
    text: str
    zone: tzinfo
    hours: tuple[Hours, ...] = ()  # empty: any hour, as far as the regime is concerned
    cap: FrequencyCap | None = None
    own_hours_required: bool = False
    loopback_only: bool = False
    version: str = "1"
    sources: tuple[str, ...] = ()
    local_to_lead: bool = False
    holidays: str = "VN"
    holidays_closed: bool = False
    ring_s_min: int = 0
    redial_s_min: int = 0
    abandoned_redial_s: int = 0
    abandonment: Abandonment = Abandonment()
    lists: tuple[BanList, ...] = OWN  # which do-not-call lists keep it from calling
    consent: Consent = Consent.NONE
    brand: bool = False  # the caller id must be registered to a brand


REGIMES: Final[dict[str, Regime]] = {
    regime.name: regime
    for regime in (
        Regime(
            "vn-advertising",
            "advertising in Vietnam: 08:00-17:00, one call per number in 24 hours",
            VIETNAM,
            hours=(Hours(8 * 60, 17 * 60),),
            cap=FrequencyCap(calls_max=1, window_s=DAY_S, counts=CapCounts.ATTEMPTED),
            version="2020-10-01",
            sources=(
                "Decree 91/2020/ND-CP, article 13: with prior consent, no number of the register",
                "Decree 91/2020/ND-CP, article 13: 08:00-17:00, one call to a number in 24 hours,"
                " a brand name as caller id; it names no weekday and no holiday",
                "abandonment: the decree names no share; 3 % of a day is ours",
                "checked 2026-11 against published summaries of the decree: consent, register, one"
                " call in 24 hours, brand name; the hours stood in none that we could read",
            ),
            lists=ALL,
            consent=Consent.REQUIRED,
            brand=True,
        ),
        Regime(
            "vn-care",
            "care of existing customers in Vietnam: the campaign sets its own hours",
            VIETNAM,
            own_hours_required=True,
            version="2020-10-01",
            sources=("Decree 91/2020/ND-CP, article 3: care of customers is no advertising",),
        ),
        Regime(
            "uk-ofcom",
            "marketing in the United Kingdom: 3 % abandoned in 24 hours, answered within 2 s",
            ZoneInfo("Europe/London"),
            hours=(Hours(8 * 60, 21 * 60, (0, 1, 2, 3, 4)), Hours(9 * 60, 20 * 60, (5, 6))),
            version="2010-10-01",
            sources=(
                "Ofcom, statement of policy on persistent misuse, 2010: 3 % of live calls in 24"
                " hours; information message within 2 s; 15 s of ringing; no call for 72 hours"
                " after an abandoned one (the statement of 2016 names no share any more)",
                "hours: the industry's code (DMA), not law",
                "PECR 2003, regulations 19 and 21: consent for recorded messages; TPS; live calls"
                " to others need none by regulation 21: to ask for it of all is stricter, and ours",
                "checked 2026-11: regulation 21 in its wording and the guidance of the ICO; 3 %,"
                " 15 s and 72 hours by published summaries of the statement of 2010, and that the"
                " one of 2016, in force since 2017-03-01, dropped the 3 %; the code's hours were"
                " not found",
            ),
            holidays="GB",
            ring_s_min=15,
            abandoned_redial_s=72 * 3_600,
            abandonment=Abandonment(message=True),
            lists=ALL,
            consent=Consent.REQUIRED,
        ),
        Regime(
            "us-tcpa",
            "telemarketing in the United States: 8-21 where the person lives, 3 % in 30 days",
            ZoneInfo("America/New_York"),
            hours=(Hours(8 * 60, 21 * 60),),
            version="2013-10-16",
            sources=(
                "47 CFR 64.1200(c)(1): 8 a.m. to 9 p.m. local time at the called party's location",
                "47 CFR 64.1200(a)(2),(3): prior express written consent for recorded messages",
                "47 CFR 64.1200(a)(6): 15 seconds or four rings",
                "47 CFR 64.1200(a)(7), 16 CFR 310.4(b)(4): 3 % of calls answered by a person, each"
                " campaign, each 30 days; agent or message within 2 s of the person's greeting",
                "47 CFR 64.1200(c)(2),(d): national and own do-not-call lists",
                "holidays: several states forbid calls on legal holidays; one regime for all",
                "checked 2026-11: hours, ringing, 3 % in 30 days, 2 s from the end of the greeting"
                " and the message, by what the FTC and others say of the rule; the states'"
                " holidays were not checked one by one",
            ),
            local_to_lead=True,
            holidays="US",
            holidays_closed=True,
            ring_s_min=15,
            abandonment=Abandonment(
                over=ShareOver.ROLLING, window_s=30 * DAY_S, from_greeting=True, message=True
            ),
            lists=ALL,
            consent=Consent.REQUIRED,
        ),
        Regime(
            "loopback",
            "simulated lines on this machine only: any hour",
            VIETNAM,
            loopback_only=True,
        ),
    )
}

SHIPPED: Final = frozenset(REGIMES)
