"""Read a numbering plan from its file, with the same faults as every other TOML file of ours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from dialerd.core.numbering import Plan, PlanError, lay_out
from dialerd.toml_load import Fault, read
from fastpath.numbers import Numbering


def read_numbering(path: Path, destinations: Sequence[str] = ()) -> Numbering:
    """The compiled plan of a file; `destinations` (E.164, no plus) replace the plan's own.

    Raises:
        TomlError: every fault with file:line:column, the line, a caret and a suggestion.
    """

    def rules(plan: Plan) -> Iterator[Fault]:
        try:
            lay_out(plan, destinations)
        except PlanError as error:
            yield Fault(error.path, error.text)

    return Numbering(lay_out(read(path, Plan, rules=rules), destinations))
