"""A numbering plan as tables: what a national significant number means.

For Cython only (see `plan.pxd`); Python reads numbers with `fastpath.numbers.Numbering`.
"""

from collections.abc import Mapping
from typing import Any, Self, final

__pyx_capi__: dict[str, object]

@final
class Plan:
    """The tables of one plan, filled once."""

    def __new__(cls, plan: Mapping[str, Any]) -> Self:
        """`plan` is what `dialerd.core.numbering.load_plan` returns; ValueError out of range."""
    @property
    def carriers(self) -> tuple[str, ...]:
        """Names by carrier index; index 0 is the unknown carrier, ""."""
    @property
    def rules(self) -> tuple[str, ...]:
        """Names by rule index; 0 is none, 1 a number of another country."""
