"""Whose a leg is, for lines of the log that know no more than its number."""

from __future__ import annotations

from typing import Any

from dialerd.core.dialer import Dialer
from dialerd.shell.calls import Calls


class CallIds:
    """Asked for a line of the log, never for a packet."""

    def __init__(self, calls: Calls, dialer: Dialer) -> None:
        """`calls` knows the attempt of a leg, `dialer` the claim of an attempt."""
        self._calls = calls
        self._dialer = dialer

    def __call__(self, leg: int) -> dict[str, Any]:
        """Attempt, lead and campaign, as far as they are known."""
        attempt = self._calls.attempt_of(leg)
        if attempt is None:
            return {}
        call = self._dialer.floor.calls.get(attempt)
        if call is None:
            return {"attempt": attempt}
        claim = call.claim
        return {"attempt": attempt, "lead": claim.lead_id, "campaign": claim.campaign_id}
