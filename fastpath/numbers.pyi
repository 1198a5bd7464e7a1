"""Phone numbers: the one type that may be dialed, and the normaliser that alone can make it."""

from array import array
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, final

REASONS: tuple[str, ...]
"""Texts of the fixed reasons, `code: words`; reason 0 is the empty text."""

class Analysis(NamedTuple):
    """What a text turned out to be, and by which rule.

    `e164` and `national` are None when no number could be read, `carrier` when it is not known
    (landlines), `rule` when none matched, `reason` when the number may be dialed. A reason is
    `code: words`. `converted`: it was an old number.
    """

    input: str
    e164: str | None
    national: str | None
    carrier: str | None
    rule: str | None
    dialable: bool
    reason: str | None
    converted: bool

@final
class Number:
    """A dialable number. There is no public constructor: only `Numbering` makes one.

    Equality and hash are by `value`. ASCII digits only, so it can be written to a SIP or AT line as
    it is. It can be copied but not pickled: keep `value` and ask `Numbering.from_value`, which
    checks it again.
    """

    @property
    def value(self) -> int:
        """E.164 without the plus, as an integer: the store's key."""
    @property
    def digits(self) -> str:
        """E.164 without the plus."""
    @property
    def e164(self) -> str:
        """With the plus."""
    @property
    def national(self) -> str:
        """As people of the country write it: 0 and the significant number; abroad: 00 and all."""
    @property
    def carrier(self) -> str:
        """By prefix or override table; empty when unknown (landlines)."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Number: ...
    def __deepcopy__(self, memo: Any) -> Number: ...

@final
class Numbering:
    """A numbering plan compiled for speed. Immutable, so it may be shared by threads."""

    def __new__(cls, plan: Mapping[str, Any]) -> Numbering:
        """`plan` is what `dialerd.core.numbering.load_plan` returns."""
    @property
    def carriers(self) -> tuple[str, ...]:
        """Names by carrier index; index 0 is the unknown carrier, ""."""
    @property
    def rules(self) -> tuple[str, ...]:
        """Names by rule index; 0 is none."""
    @property
    def reasons(self) -> tuple[str, ...]:
        """Texts by reason index: `REASONS`, then one for each `[[never]]` of the plan."""
    def number(self, text: str) -> Number:
        """The dialable number in `text`; ValueError with the reason otherwise."""
    def from_value(self, value: int) -> Number:
        """From the store's key, checked again against plan and allow-list; ValueError otherwise."""
    def analyse(self, text: str) -> Analysis:
        """Everything there is to say about a text. Never raises on the content of the text."""
    def normalise_many(
        self, texts: Sequence[object]
    ) -> tuple[array[int], array[int], array[int], array[int]]:
        """Arrays (values u64, rules u16, reasons u8, carriers u16), one element for each text.

        A refused text has the value 0 and a reason above 0; what is not a str is refused too. Rule
        codes are for `rule_name`; reasons and carriers are indexes into the tuples above.
        """
    def is_conversion(self, code: int) -> bool:
        """Whether the rule behind a code reads an old number as the one of today."""
    def rule_name(self, code: int) -> str:
        """The rule behind a code: its name, then `+zero` (a 0 put back), `+ported` (override)."""
