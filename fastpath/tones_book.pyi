"""Tone plans, compiled: which frequencies in which rhythm mean what."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, final

KINDS: Final[tuple[str, ...]]
"""Of sounds: ringback, busy, congestion, dial, other, fax (these six a rule may have), sit, beep,
music, speech, silence."""
FAXES: Final[tuple[str, ...]]
"""cng: a fax calls; ced: one answers; bell: an old modem answers; ansam: a newer one."""
RULES_MAX: Final[int]
STEPS_MAX: Final[int]
HERTZ_MAX: Final[int]

@final
class ToneBook:
    """The rules that calls are heard with; read only, shared by threads. Fax tones are in all."""

    names: tuple[str, ...]

    def __new__(cls, rules: Iterable[Mapping[str, Any]]) -> ToneBook:
        """Each rule: name, kind, hertz (1 to 3), cadence_ms (on, off, ...; none: it never stops).

        And if they differ from the usual: sideband (Hz of modulation, 0), off (0.017, part
        of a frequency), slack (0.2, part of a time), bursts (heard before it is told: 1 when
        one lasts a second, else 2), lasting_ms (1000: what never stops is told then).

        ValueError: more than RULES_MAX rules, or one out of bounds.
        """

    def __len__(self) -> int: ...
