"""Phone numbers: the one type that may be dialed, and the normaliser that alone can make it."""

from collections.abc import Mapping, Sequence
from typing import Any, final

import numpy as np

@final
class Number:
    """A dialable number. There is no public constructor: only `Numbering` makes one.

    Equality and hash are by `value`. ASCII digits only, so it can be written to a SIP or AT line as it is.
    """

    @property
    def value(self) -> int: """E.164 without the plus, as an integer: the store's key."""
    @property
    def digits(self) -> str: """E.164 without the plus."""
    @property
    def e164(self) -> str: """With the plus."""
    @property
    def national(self) -> str: """As people of the country write it: 0 and the significant number."""
    @property
    def carrier(self) -> str: """By prefix or override table; empty when unknown (landlines)."""

class Numbering:
    """A numbering plan compiled for speed."""

    def __init__(self, plan: Mapping[str, Any]) -> None: """`plan` is a checked plan of `conf/numbering/*.toml`."""
    def number(self, text: str) -> Number: """The dialable number in `text`; ValueError with the reason otherwise."""
    def from_value(self, value: int) -> Number: """From the store's key, checked again against plan and allow-list."""
