"""From what is heard on a line (its kind and value) to what that means for the call.

Before the answer a meaning is the outcome of the attempt: the call is hung up with it at once.
After the answer MACHINE says that no person is there, anything else that the far end is gone. A
trunk's own rules come first, because networks differ: on one "the number is busy" is busy, on
another it is said of telephones that are off.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from dialerd.core.records import Outcome

EARLY: Final[Mapping[str, Outcome]] = MappingProxyType(
    {
        "announcement:switched_off": Outcome.UNREACHABLE,
        "announcement:unreachable": Outcome.UNREACHABLE,
        "announcement:invalid": Outcome.INVALID,
        "announcement:blocked": Outcome.UNREACHABLE,  # the carrier has locked the number
        "announcement:busy": Outcome.BUSY,
        "announcement:no_credit": Outcome.FAILED,  # ours
        "busy": Outcome.BUSY,
        "congestion": Outcome.FAILED,
        "sit:intercept": Outcome.INVALID,  # the number changed
        "sit:vacant": Outcome.INVALID,
        "sit:ineffective": Outcome.INVALID,  # dialed in a way that leads nowhere
        "sit:reorder": Outcome.FAILED,
        "sit:reorder carrier": Outcome.FAILED,
        "sit:no circuit": Outcome.FAILED,
        "sit:no circuit carrier": Outcome.FAILED,
    }
)
"""What ends a call that nobody has answered: kind, or kind and value.

The special information tone of ITU-T E.180 has one form and says that words follow: those tell.
"""

ANSWERED: Final[Mapping[str, Outcome]] = MappingProxyType(
    {
        "fax": Outcome.MACHINE,
        "sit": Outcome.MACHINE,
        "busy": Outcome.BUSY,
        "congestion": Outcome.BUSY,
    }
)
"""The same of one that was answered."""


class SoundRule(msgspec.Struct, frozen=True):
    """One of a trunk's own. `outcome` None: it means nothing. `value` empty: any."""

    kind: str
    value: str = ""
    outcome: Outcome | None = None
    answered: bool = False


class SoundMap:
    """What sounds mean on one trunk."""

    __slots__ = ("_maps",)

    def __init__(self, rules: Iterable[SoundRule] = ()) -> None:
        """Later rules win."""
        self._maps: tuple[dict[str, Outcome | None], dict[str, Outcome | None]] = (
            dict(EARLY),
            dict(ANSWERED),
        )
        for rule in rules:
            name = f"{rule.kind}:{rule.value}" if rule.value else rule.kind
            self._maps[rule.answered][name] = rule.outcome

    def read(self, kind: str, value: str, *, answered: bool) -> Outcome | None:
        """What it means; of an announcement `value` begins with its class and a colon."""
        known = self._maps[answered]
        exact = f"{kind}:{value.partition(':')[0]}"
        return known[exact] if exact in known else known.get(kind)
