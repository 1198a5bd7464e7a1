"""Reads every record of a store's file and says what is wrong: `python -m dialerd.store.examine`.

A damaged page can take the process down that reads it (SIGSEGV, SIGBUS), so a file nobody vouches
for is read in a process of its own: `examine` starts one. Nobody may write to the file meanwhile.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from dialerd.core.ports import StoreError
from dialerd.store import schema
from dialerd.store.engine import TABLE_NAMES
from dialerd.store.fsck import END, problems
from dialerd.store.limits import PROBLEMS_MAX
from dialerd.store.lmdb_engine import LmdbEngine
from dialerd.store.reading import scan_all
from dialerd.store.unit import Unit

#: How the values of a table are read; those that are not named hold plain numbers, or nothing.
READ: Final[dict[str, Callable[[bytes], object]]] = {
    "lists": schema.LIST.unpack,
    "contacts": schema.CONTACT.unpack,
    "campaigns": schema.CAMPAIGN.unpack,
    "moves": schema.MOVE.unpack,
    "books": schema.BOOKS.unpack,
    "leads": schema.LEAD.unpack,
    "open": schema.OPEN.unpack,
    "attempts": schema.ATTEMPT.unpack,
    "events": schema.EVENTS.unpack,
    "caps": schema.unseal,
    "dnc": schema.DNC.unpack,
    "usage": schema.USAGE.unpack,
    "dialogs": schema.unseal,
    "old_calls": schema.OLD_CALL.unpack,
    "imports": schema.IMPORT.unpack,
}


class Findings(msgspec.Struct, frozen=True):
    """What was read, and what of it does not hold.

    Attributes:
        records: entries of each table.
        problems: the first PROBLEMS_MAX of them, one line each.
        more: how many there are beyond those.
        refused: why the file could not be read at all; then nothing else is known.
    """

    records: dict[str, int] = {}
    problems: list[str] = []
    more: int = 0
    refused: str = ""

    @property
    def sound(self) -> bool:
        """Nothing was found."""
        return not self.refused and not self.problems


def examine(file: Path) -> Findings:
    """Read a store's file in another process, whatever state the file is in."""
    found = subprocess.run(
        [sys.executable, "-m", "dialerd.store.examine", str(file)],
        capture_output=True, check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )  # fmt: skip
    if found.returncode < 0:
        name = signal.Signals(-found.returncode).name
        return Findings(refused=f"{file} is damaged: reading it ended by {name}")
    try:
        return msgspec.json.decode(found.stdout, type=Findings)
    except msgspec.DecodeError:
        lines = found.stderr.decode(errors="replace").strip().splitlines() or ["no output"]
        return Findings(refused=f"{file} cannot be read: {lines[-1]}")


def read_all(file: Path) -> Findings:
    """Read it in this process; see `examine`."""
    try:
        engine = LmdbEngine(file.parent, file=file)
    except StoreError as error:
        return Findings(refused=str(error))
    try:
        txn = engine.begin(write=False)
        try:
            return _findings(Unit(txn))
        finally:
            txn.abort()
    except (*engine.ERRORS, StoreError) as error:
        return Findings(refused=f"{file} is damaged: {error}")
    finally:
        engine.close()


def _findings(unit: Unit) -> Findings:
    records: dict[str, int] = {}
    found: list[str] = []
    for name in TABLE_NAMES:
        read, broken = _table(unit, name)
        records[name] = read
        found += broken
    if not found:  # the rules speak of records that can be read
        lines = problems(unit)
        found = list(islice(lines, PROBLEMS_MAX + 1))
        more = len(found) - PROBLEMS_MAX + sum(1 for _ in lines)
    else:
        more = len(found) - PROBLEMS_MAX
    return Findings(records, found[:PROBLEMS_MAX], max(0, more))


def _table(unit: Unit, name: str) -> tuple[int, list[str]]:
    """How many entries, and which of them cannot be read or are out of order."""
    table, unpack = getattr(unit.t, name), READ.get(name)
    read, broken, last = 0, [], b""
    for key, value in scan_all(table, b"", END):
        read += 1
        if read > 1 and key <= last:
            broken.append(f"{name}: {key.hex()} is out of order")
            break  # a tree that leads back to where it was has no end
        last = key
        try:
            if unpack is not None:
                unpack(value)
        except (StoreError, msgspec.DecodeError) as error:
            broken.append(f"{name}: {key.hex()}: {error}")
    if not broken and read != table.count():
        broken.append(f"{name}: {read} entries can be reached of {table.count()}")
    return read, broken


def main() -> None:
    """The findings as JSON on standard output."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m dialerd.store.examine FILE")
    sys.stdout.buffer.write(msgspec.json.encode(read_all(Path(sys.argv[1]))))


if __name__ == "__main__":
    main()
