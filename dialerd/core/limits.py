"""The bounds of the dialing core, and what happens at each of them."""

from __future__ import annotations

from typing import Final

# Regimes and campaigns: settings past these are refused.
HOURS_MAX: Final = 50  # calling windows of one campaign
HORIZON_DAYS: Final = 8  # how far ahead an opening is looked for; a week and a day
CAP_CALLS_MAX: Final = 1_000
CAP_WINDOW_S_MAX: Final = 366 * 86_400
ATTEMPTS_MAX: Final = 100
RECHECKS_MAX: Final = 10
RETRY_GAP_S_MAX: Final = 90 * 86_400
RING_S_MIN: Final = 5
RING_S_MAX: Final = 180
CALLS_PER_S_MAX: Final = 10_000.0
NAME_CHARS_MAX: Final = 200

# Attempts.
OWN_FAULTS_MAX: Final = 3  # failed or cancelled tries beyond attempts_max; then exhausted
