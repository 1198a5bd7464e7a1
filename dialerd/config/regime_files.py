"""The regimes of one's own: every `.toml` of a folder, each checked whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dialerd.core.regime_data import REGIMES, Regime
from dialerd.core.regime_file import RegimeSpec, to_regime
from dialerd.toml_load import Fault, read


def take_regimes(folder: Path) -> list[Regime]:
    """Read and register them, in the order of their names, so that one may build on another.

    Raises:
        TomlError: every fault of the first wrong file.
    """
    return [_take(path) for path in sorted(folder.glob("*.toml"))]


def _take(path: Path) -> Regime:
    def rules(spec: RegimeSpec) -> Iterator[Fault]:
        try:
            to_regime(spec)
        except ValueError as error:
            field, _, text = str(error).partition(": ")
            yield Fault((field,), text)

    regime = to_regime(read(path, RegimeSpec, rules=rules))
    REGIMES[regime.name] = regime
    return regime
