"""Reads every record of a store's file and says what is wrong: `python -m dialerd.store.examine`.

First the file's pages as bytes, by py-lmdb's own verifier, which no damage can take down: every
page is in one tree or free, in order, and counted. Then, through LMDB, every record: its checksum,
that it lies under its own key, and that a search finds it. Last the rules between records (`fsck`).

LMDB trusts its pages: a damaged one can take down the process that reads it (SIGSEGV, SIGBUS,
abort). So all of this is done in a process of its own, which `examine` starts. Nobody may write to
the file meanwhile, unless it is `live`: then one transaction is read, pages are not looked at, and
what may be claimed comes first, by `first_look`, so that who would dial need not wait for the rest.
"""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

import msgspec
from lmdb.verify import VerifyError
from lmdb.verify import verify as structure

from dialerd.core.ports import StoreError
from dialerd.store import schema
from dialerd.store.engine import TABLE_NAMES
from dialerd.store.fsck import END, problems
from dialerd.store.limits import PROBLEMS_MAX, SCAN_PAGE
from dialerd.store.lmdb_engine import LmdbEngine, refuse_empty
from dialerd.store.unit import Unit

NICE: Final = 5  # beside a daemon that starts; as much more beside its calls
PAGE_BYTES_MAX: Final = 1 << 16  # the largest page of LMDB
# Where a head page of LMDB 0.9 (MDB_page, MDB_meta) tells the size of pages; last page and commit.
PAGE_BYTES_AT: Final = 40
END_AT: Final = 136
_end = struct.Struct("=QQ")

#: How the values of each table are read.
READ: Final[dict[str, Callable[[bytes], object]]] = {
    "meta": schema.read_u64,
    "lists": schema.LIST.unpack,
    "list_names": schema.read_u32,
    "contacts": schema.CONTACT.unpack,
    "phones": schema.read_u32,
    "campaigns": schema.CAMPAIGN.unpack,
    "names": schema.read_u32,
    "moves": schema.MOVE.unpack,
    "books": schema.BOOKS.unpack,
    "leads": schema.LEAD.unpack,
    "due": schema.read_nothing,
    "open": schema.OPEN.unpack,
    "attempts": schema.ATTEMPT.unpack,
    "events": schema.EVENTS.unpack,
    "caps": schema.unseal,
    "dnc": schema.DNC.unpack,
    "usage": schema.USAGE.unpack,
    "dialogs": schema.unseal,
    "old_calls": schema.OLD_CALL.unpack,
    "imports": schema.IMPORT.unpack,
    "ended": schema.unseal,
    "cursors": schema.CURSOR.unpack,
    "outbox": schema.OUTBOX.unpack,
    "hidden": schema.unseal,
    "audit": schema.AUDIT.unpack,
    "callbacks": schema.CALLBACK.unpack,
    "own_due": schema.read_nothing,
    "met": schema.MET.unpack,
    "notes": schema.NOTE.unpack,
    "agent_log": schema.AGENT_MOVE.unpack,
    "wrapping": schema.unseal,
    "standing": schema.STANDING.unpack,
    "scripts": schema.SCRIPT.unpack,
    "script_names": schema.read_u32,
    "flows": schema.FLOW.unpack,
    "flow_names": schema.read_u32,
    "sheets": schema.SHEET.unpack,
    "answers": schema.ANSWER.unpack,
    "over": schema.read_nothing,
    "sim_cards": schema.SIM_CARD.unpack,
    "texts": schema.SIM_TEXT.unpack,
    "texts_of": schema.read_u64,
}
#: The key that a record must lie under, or how that begins, where the record says so itself.
KEYED: Final[dict[str, Callable[[Any], bytes]]] = {
    "lists": lambda found: schema.list_key(found.list_id),
    "campaigns": lambda found: schema.campaign_key(found.campaign_id),
    "moves": lambda found: schema.campaign_key(found.campaign_id),
    "leads": lambda found: schema.lead_key(found.campaign_id, found.lead_id),
    "attempts": lambda found: schema.attempt_key(
        found.campaign_id, found.lead_id, found.attempt_id
    ),
    "scripts": lambda found: schema.version_key(found.script_id, found.version),
    "flows": lambda found: schema.version_key(found.flow_id, found.version),
    "dnc": lambda found: schema.phone_key(found.phone),
    "old_calls": lambda found: schema.open_key(found.attempt_id),
    "usage": lambda found: schema.usage_key(found.day, found.trunk, found.port),
    "callbacks": lambda found: schema.lead_key(found.campaign_id, found.lead_id),
    "met": lambda found: schema.campaign_key(found.campaign_id),
    "notes": lambda found: schema.note_key(found.phone, found.attempt_id),
    "agent_log": lambda found: schema.log_key(found.at_ms, found.seq),
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

    @property
    def first(self) -> str:
        """The first thing that was found."""
        return self.refused or next(iter(self.problems), "")


class Said(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of the process that examines.

    Attributes:
        part: how much of this part is read, 0 to 1.
        first: what `first_look` found, at its end.
        campaigns: of which it has read all that may be claimed.
        whole: what was found in everything, at the very end.
    """

    part: float = 0.0
    first: Findings | None = None
    campaigns: frozenset[int] = frozenset()
    whole: Findings | None = None


def examine(file: Path, *, live: bool = False) -> Findings:
    """Read a store's file in another process, whatever state the file is in.

    `live`: somebody has it open and writes to it.
    """
    return Examination(file, live=live).findings()


class Examination:
    """A process that examines a file; see `examine`."""

    def __init__(self, file: Path, *, live: bool = False) -> None:
        """Start it."""
        self._file = file
        self._process = subprocess.Popen(
            [sys.executable, "-m", "dialerd.store.examine", str(file), *(["live"] if live else [])],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )  # fmt: skip

    def stop(self) -> None:
        """Nobody waits for it any more."""
        self._process.kill()

    def said(self) -> Iterator[Said]:
        """What it says, as it comes; the last one has findings in everything."""
        whole = False
        with self._process as process:
            for line in process.stdout or ():
                try:
                    said = msgspec.json.decode(line, type=Said)
                except msgspec.DecodeError:  # killed in the middle of it
                    break
                whole = said.whole is not None
                yield said
            words = b"" if process.stderr is None else process.stderr.read()
        if not whole:
            yield Said(whole=Findings(refused=self._why(words)))

    def _why(self, words: bytes) -> str:
        code = self._process.returncode
        if code < 0:
            name = signal.Signals(-code).name
            return f"{self._file} is damaged: reading it ended by {name}"
        lines = words.decode(errors="replace").strip().splitlines() or ["no output"]
        return f"{self._file} cannot be read: {lines[-1]}"

    def findings(self) -> Findings:
        """Wait for its end."""
        found = Findings(refused="no output")
        for said in self.said():
            found = said.whole or found
        return found


def read_all(
    file: Path, *, live: bool = False, say: Callable[[Said], object] | None = None
) -> Findings:
    """Read it in this process; see `examine`. `say` is told of the parts of a live one."""
    try:
        broken = [] if live else pages(file)
        if broken:
            return Findings(problems=broken[:PROBLEMS_MAX], more=max(0, len(broken) - PROBLEMS_MAX))
        engine = LmdbEngine(file.parent, readonly=True, file=None if live else file)
    except StoreError as error:
        return Findings(refused=str(error))
    try:
        txn = engine.begin(write=False)
        try:
            if live and say is not None:
                from dialerd.store.first_look import in_parts

                return in_parts(txn, say)
            return findings_of(Unit(txn))
        finally:
            txn.abort()
    except (*engine.ERRORS, StoreError, struct.error) as error:  # a key of another length
        return Findings(refused=f"{file} is damaged: {error}")
    finally:
        engine.close()


def pages(file: Path) -> list[str]:
    """What is wrong with the pages of a file at rest; StoreError when it cannot be a store."""
    try:
        refuse_empty(file)
        broken: list[str] = structure(str(file), subdir=False)  # type: ignore[no-untyped-call]
        with file.open("rb") as read:
            heads = read.read(2 * PAGE_BYTES_MAX)
    except VerifyError as error:
        raise StoreError(f"{file} is damaged or not a store: {error}") from None
    except OSError as error:
        raise StoreError(f"cannot read {file}: {error.strerror}") from None
    page_bytes = int.from_bytes(heads[PAGE_BYTES_AT : PAGE_BYTES_AT + 4], sys.byteorder)
    ends = [_end.unpack_from(heads, at + END_AT) for at in (0, page_bytes)]
    (last_page, newest), (_, before) = max(ends, key=_commit), min(ends, key=_commit)
    size, whole = file.stat().st_size, (last_page + 1) * page_bytes
    if broken and size < whole:
        raise StoreError(f"{file} is cut off: {size} of {whole} bytes; restore a backup")
    # Commits write the two head pages in turn. Were one set back, the file would be one of before.
    if newest - before > 1:
        broken.insert(0, f"the head pages are of commits {before} and {newest}")
    return broken


def _commit(end: tuple[int, int]) -> int:
    return end[1]


def findings_of(unit: Unit) -> Findings:
    """Everything that one transaction sees, read and held against the rules."""
    return judged(unit, ((name, b"", END) for name in TABLE_NAMES), problems(unit))


def judged(
    unit: Unit, ranges: Iterable[tuple[str, bytes, bytes]], rules: Iterator[str]
) -> Findings:
    """Ranges of tables (name, first key, stop), and what the rules between records say of them."""
    records: dict[str, int] = {}
    found: list[str] = []
    for name, start, stop in ranges:
        broken: list[str] = []
        records[name] = records.get(name, 0) + _table(unit, name, broken, start, stop)
        found += broken
    if not found:  # the rules speak of records that can be read
        found = list(islice(rules, PROBLEMS_MAX + 1))
        more = len(found) - PROBLEMS_MAX + sum(1 for _ in rules)
    else:
        more = len(found) - PROBLEMS_MAX
    return Findings(records, found[:PROBLEMS_MAX], max(0, more))


def _table(unit: Unit, name: str, broken: list[str], start: bytes, stop: bytes) -> int:
    """How many entries; adds which of them cannot be read, are out of order or not found."""
    table, unpack, key_of = getattr(unit.t, name), READ[name], KEYED.get(name)
    read, last, whole = 0, b"", not start and stop == END
    while page := table.scan(start, stop, SCAN_PAGE):
        for key, value in page:
            read += 1
            if read > 1 and key <= last:
                broken.append(f"{name}: {key.hex()} is out of order")
                return read  # a tree that leads back to where it was has no end
            last = key
            try:
                record = unpack(value)
                if key_of is not None and not key.startswith(key_of(record)):
                    broken.append(f"{name}: {key.hex()}: a record of another key")
            except (StoreError, msgspec.DecodeError, struct.error) as error:
                broken.append(f"{name}: {key.hex()}: {error}")
        # A scan goes from page to page, a search by the keys on the way, which have no checksum.
        lost = [key for key, value in page if table.get(key) != value]
        broken += [f"{name}: {key.hex()} is not found by a search" for key in lost]
        start = last + b"\0"
    if whole and not broken and read != table.count():
        broken.append(f"{name}: {read} entries can be reached of {table.count()}")
    return read


def main() -> None:
    """Lines of `Said` on standard output, the last one with the findings."""
    if sys.argv[2:] not in ([], ["live"]) or len(sys.argv) < 2:
        sys.exit("usage: python -m dialerd.store.examine FILE [live]")
    live = len(sys.argv) > 2
    if live:
        os.nice(NICE)
    whole = read_all(Path(sys.argv[1]), live=live, say=_say)
    _say(Said(part=1.0, whole=whole))


def _say(said: Said) -> None:
    if said.first is not None:
        os.nice(NICE)
    sys.stdout.buffer.write(msgspec.json.encode(said) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
