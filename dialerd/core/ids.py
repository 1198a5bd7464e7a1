"""The Call-ID of a leg: it begins with the attempt, so that a ledger can group the legs of one try.

    00000000000004d2.17@dialerd
    attempt 1234 ----^  ^---- leg 17

An attempt that moves to another trunk has several Call-IDs with one prefix; a second call to the
same number has another prefix.
"""

from __future__ import annotations

import re
from typing import Final

_CALL_ID: Final = re.compile(r"\A([0-9a-f]{16})\.[0-9]{1,19}@[!-~]{1,255}\Z")


def call_id_for(attempt_id: int, leg: int, host: str = "dialerd") -> str:
    """The Call-ID of a leg of an attempt. `attempt_id` fits in 64 bits."""
    return f"{attempt_id:016x}.{leg}@{host}"


def attempt_of(call_id: str) -> int | None:
    """The attempt a Call-ID belongs to; None when it is not one of ours."""
    found = _CALL_ID.match(call_id)
    return int(found[1], 16) if found else None
