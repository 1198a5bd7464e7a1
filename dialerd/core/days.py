"""Days as people write them."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

_FORMS: Final = (
    re.compile(r"(?P<y>[0-9]{4})-(?P<m>[0-9]{1,2})-(?P<d>[0-9]{1,2})"),
    re.compile(r"(?P<d>[0-9]{1,2})[/.-](?P<m>[0-9]{1,2})[/.-](?P<y>[0-9]{4})"),
)


def read_day(text: str) -> date | None:
    """A day with its year, the year or the day first; None: it is none."""
    for form in _FORMS:
        found = form.fullmatch(text)
        if found is not None:
            try:
                return date(int(found["y"]), int(found["m"]), int(found["d"]))
            except ValueError:
                break
    return None
