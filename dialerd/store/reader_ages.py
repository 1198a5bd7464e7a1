"""Who reads for how long: a reader that does not end keeps every page that was replaced since.

LMDB tells of a reader which commit it sees, not since when. So each look remembers those that it
finds; a reader's age is known to the time between two looks.
"""

from __future__ import annotations

Reader = tuple[str, int]  # process and thread, as LMDB writes them, and the commit that is seen


def standing(table: str) -> list[Reader]:
    """Those of LMDB's table of readers (`pid thread txnid`) who are in the middle of reading."""
    found = []
    for line in table.splitlines()[1:]:
        who, _, seen = line.strip().rpartition(" ")
        if seen.isdigit():  # a dash: a free place
            found.append((who, int(seen)))
    return found


class ReaderAges:
    """The readers of one file."""

    def __init__(self) -> None:
        """Nobody reads."""
        self._since: dict[Reader, float] = {}

    def look(self, readers: list[Reader], last: int, now_s: float) -> dict[str, float]:
        """The oldest one's age in seconds, and behind how many commits one is at most."""
        self._since = {one: self._since.get(one, now_s) for one in readers}
        return {
            "reader_age_s": now_s - min(self._since.values(), default=now_s),
            "reader_behind": max((last - seen for _, seen in readers), default=0),
        }
