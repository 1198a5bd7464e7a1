"""Public holidays: of which country, on which local day. The calendar is the `holidays` library's.

It knows the lunar ones (Tết, the Hung Kings' day) and the days that a government gave in exchange.
A country is its ISO 3166-1 code, with a subdivision behind a dash where that matters: "GB-ENG".
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache

YEARS_KEPT = 64


@lru_cache(maxsize=YEARS_KEPT)
def _of_year(country: str, year: int) -> dict[int, str]:
    """Local days (`date.toordinal()`) of one year, with their names."""
    from holidays import country_holidays  # here: it takes a tenth of a second

    code, _, part = country.partition("-")
    found = country_holidays(code, subdiv=part or None, years=year)
    return {day.toordinal(): name for day, name in found.items()}


def holiday(country: str, ordinal: int) -> str:
    """The name of the holiday on a day (`date.toordinal()`); empty when it is none.

    Raises:
        NotImplementedError: no such country is known.
    """
    return _of_year(country, date.fromordinal(ordinal).year).get(ordinal, "") if country else ""
