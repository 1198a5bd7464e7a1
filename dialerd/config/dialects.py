"""Dialects of modems and what carriers say, read from their files with faults by line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from dialerd.toml_faults import Fault
from dialerd.toml_load import read
from gsm.carrier import Carrier, Carriers
from gsm.dialect import Dialect
from gsm.dialect_check import carrier_faults, faults

SHIPPED: Final = Path(__file__).parents[2] / "conf" / "gsm"
FILES_MAX: Final = 200


class Dialects(NamedTuple):
    """What a folder holds, each in the order of its files' names."""

    dialects: tuple[Dialect, ...]
    carriers: tuple[Carrier, ...]


def read_dialects(folder: Path = SHIPPED) -> Dialects:
    """All of a folder: a dialect in each `*.toml`, carriers in each `carriers/*.toml`.

    Raises:
        TomlError: every fault of the first file that has one, with file:line:column.
    """
    dialects = tuple(read(path, Dialect, rules=_dialect_faults) for path in _files(folder))
    found = (read(path, Carriers, rules=_carrier_faults) for path in _files(folder / "carriers"))
    return Dialects(dialects, tuple(one for each in found for one in each.whole()))


def names_in(folder: Path) -> list[str]:
    """The dialects of a folder by the names of their files."""
    return [path.stem for path in _files(folder)]


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.toml"))[:FILES_MAX]


def _dialect_faults(dialect: Dialect) -> Iterator[Fault]:
    return (Fault(path, text) for path, text in faults(dialect))


def _carrier_faults(carriers: Carriers) -> Iterator[Fault]:
    return (Fault(path, text) for path, text in carrier_faults(carriers))
