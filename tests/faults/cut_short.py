"""Long operations on a data folder, killed by SIGKILL before each of the steps that leave a trace.

    python -m tests.faults.cut_short OPERATION FOLDER

FOLDER holds `before`, what the operation begins with. For every step there is, a copy of it is
worked on by a child that kills itself there: no handler runs, nothing is put away. Then a child
looks at what it left, and another does the whole operation again and looks at the end. A line of
JSON says how many steps there were and what was found wrong.

A commit is one step: what is inside of it the explorer takes apart.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from dialerd.store import copies, open_store, wait
from dialerd.store.examine import Findings, findings_of
from dialerd.store.lmdb_engine import LmdbEngine
from dialerd.store.retention import Days, Retention
from dialerd.store.unit import Unit
from tests.faults.spread import say
from tests.store.kit import FIRST, NOW

DAY_MS = 86_400_000
STEPS = ("open", "write", "fsync", "rename", "replace", "link", "unlink", "ftruncate")
STEPS_MAX = 400
OK, BAD = 0, 1


class Told(msgspec.Struct):
    """What came of one operation."""

    steps: int = 0  # at which it was killed
    faults: list[str] = []


class Trap:
    """Ends this process before the nth step."""

    def __init__(self, nth: int) -> None:
        self.left = nth
        for name in STEPS:
            setattr(os, name, self._before(getattr(os, name)))
        begin = LmdbEngine.begin

        def counted(engine: LmdbEngine, *, write: bool) -> Any:
            if write:
                self._pass()
            return begin(engine, write=write)

        LmdbEngine.begin = counted  # type: ignore[method-assign]

    def _before(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def act(*args: Any, **named: Any) -> Any:
            self._pass()
            return real(*args, **named)

        return act

    def _pass(self) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class Operation(NamedTuple):
    """What is done, what must hold wherever it was killed, and what must hold at its end."""

    run: Callable[[Path], None]
    anywhere: Callable[[Path], str]
    end: Callable[[Path], str]


def near(file: Path) -> Findings:
    """As `examine`, in this process: it has no damaged file to fear."""
    engine = LmdbEngine(file.parent, file=file)
    try:
        txn = engine.begin(write=False)
        try:
            return findings_of(Unit(txn))
        finally:
            txn.abort()
    finally:
        engine.close()


def sound(folder: Path) -> str:
    """What is wrong with the store of a data folder."""
    found = near(folder / "store" / "data.mdb")
    return "" if found.sound else found.first


# -- backup and restore


def back_up(folder: Path) -> None:
    """Into a folder for a nightly job."""
    target = folder / "backups"
    target.mkdir(exist_ok=True)
    copies.backup(folder, target)
    copies.prune(target, 2)


def backups(folder: Path) -> str:
    """Whatever has the name of a backup is one."""
    for file in (folder / "backups").glob("dialerd-*.mdb"):
        found = copies.verify(file)
        if not found.sound:
            return f"{file.name}: {found.first}"
    return sound(folder)


def backed_up(folder: Path) -> str:
    """There is a new one, and nothing else was left."""
    names = sorted(file.name for file in (folder / "backups").iterdir())
    whole = [name for name in names if name.endswith(".mdb")]
    left = [name for name in names if name.startswith(".") or "part" in name]
    return backups(folder) or (f"left over: {left}" if left or not whole else "")


def restore(folder: Path) -> None:
    """The backup that lies in the folder."""
    copies.restore(folder / "backup.mdb", folder)


def old_or_new(folder: Path) -> str:
    """There is a sound store at every moment: the one of before, or that of the backup."""
    fault = sound(folder)
    if fault:
        return fault
    store = open_store(folder, readonly=True)
    try:
        names = [found.name for found in store.lists()]
    finally:
        store.close()
    return "" if names in (["a"], ["a", "later"]) else f"lists: {names}"


def restored(folder: Path) -> str:
    """It is the backup's, and the one of before was kept."""
    kept = list((folder / "store").glob("data.mdb.before-*"))
    store = open_store(folder, readonly=True)
    try:
        names = [found.name for found in store.lists()]
    finally:
        store.close()
    if names != ["a"] or not kept:
        return f"lists: {names}, kept: {kept}"
    left = [file.name for file in (folder / "store").iterdir() if "part" in file.name]
    return f"left over: {left}" if left else sound(folder)


# -- an older format


def migrate(folder: Path) -> None:
    """By opening it."""
    open_store(folder).close()


def readable(folder: Path) -> str:
    """Every call of before is there, whichever format the file has by now."""
    store = open_store(folder, readonly=True)
    try:
        attempts = sum(len(row.attempts) for rows in store.report(1) for row in rows)
    finally:
        store.close()
    file = folder / "store" / "data.mdb"
    with file.open("rb") as read:
        if not read.read(64).strip(b"\0"):
            return "the file is empty"
    return "" if attempts == MIGRATED_ATTEMPTS else f"{attempts} attempts"


def migrated(folder: Path) -> str:
    """Today's, with a copy of what it was."""
    copy = folder / "store" / "data.mdb.format-1"
    return readable(folder) or sound(folder) or ("" if copy.exists() else "there is no copy")


MIGRATED_ATTEMPTS = 7

# -- retention and erasure


def retain(folder: Path) -> None:
    """All of it goes."""
    store = open_store(folder, linger_s=0.0)
    days = Days(recordings=1, events=1, people=1, agents=1, ended=1)
    now_ms = NOW + 400 * DAY_MS
    work = Retention(store, folder / "recordings", days, {}, now_ms=now_ms, secret=bytes(32))
    for _ in work.steps():
        pass
    store.close()


def retained(folder: Path) -> str:
    """No interaction, recording, person or record of what ended is left."""
    store = open_store(folder, readonly=True)
    try:
        rows = [row for rows in store.report(1) for row in rows]
        events = sum(len(events) for row in rows for _, events in row.attempts)
        named = sum(1 for row in rows if row.lead.phone)
        ended = store.ended(0, 1)
    finally:
        store.close()
    files = [file for file in (folder / "recordings").rglob("*") if file.is_file()]
    if events or named or ended or files:
        return f"{events} events, {named} people, {len(ended)} records, {len(files)} files left"
    return sound(folder)


def erase(folder: Path) -> None:
    """One number, as its command does."""
    from dialerd.store.recording_files import files_of, remove

    store = open_store(folder, linger_s=0.0)
    remove(files_of(folder / "recordings", store.about(FIRST).recordings))
    wait(store.erase(FIRST, "an", NOW))
    store.close()


def erased_or_whole(folder: Path) -> str:
    """What leads to a recording is there as long as the recording is."""
    store = open_store(folder, readonly=True)
    try:
        found = store.about(FIRST)
    finally:
        store.close()
    left = [file.name for file in (folder / "recordings").rglob(f"{FIRST}*")]
    if left and not found.recordings:
        return f"nothing leads to {left}"
    return sound(folder)


def erased(folder: Path) -> str:
    """It is gone, and was told once."""
    store = open_store(folder, readonly=True)
    try:
        found, lines = store.about(FIRST), len(store.audit())
    finally:
        store.close()
    if found.listed or found.tried or lines != 1:
        return f"{found}, {lines} lines"
    return erased_or_whole(folder)


OPERATIONS = {
    "backup": Operation(back_up, backups, backed_up),
    "restore": Operation(restore, old_or_new, restored),
    "migration": Operation(migrate, readable, migrated),
    "retention": Operation(retain, sound, retained),
    "erasure": Operation(erase, erased_or_whole, erased),
}


# -- every step of one


def child(work: Callable[[], str]) -> tuple[int, str]:
    """In a process of its own: the signal that ended it or 0, and what it found wrong."""
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            fault = work()
        except BaseException as error:
            fault = f"{type(error).__name__}: {error}"
        os.set_blocking(write, False)
        REAL_WRITE(write, fault.encode()[:4000])
        os._exit(OK if not fault else BAD)
    os.close(write)
    with open(read, "rb") as said:
        fault = said.read().decode("utf-8", "replace")
    _, status = os.waitpid(pid, 0)
    return (os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0), fault


REAL_WRITE = os.write


def trapped(operation: Operation, folder: Path, nth: int) -> str:
    """In a child: the operation until its nth step."""
    Trap(nth)
    operation.run(folder)
    return ""


def checked(operation: Operation, folder: Path) -> str:
    """In a child: once more, to its end."""
    operation.run(folder)
    return operation.end(folder)


def every_step(operation: Operation, folder: Path) -> Told:
    """Kill it everywhere."""
    told = Told()
    for nth in range(1, STEPS_MAX):
        work = folder / "work"
        shutil.copytree(folder / "before", work)
        ended, fault = child(lambda work=work, nth=nth: trapped(operation, work, nth))  # type: ignore[misc]
        killed = ended == signal.SIGKILL
        for what, look in (
            ("after", lambda work=work: operation.anywhere(work)),
            ("at the end", lambda work=work: checked(operation, work)),
        ):
            if fault or (ended and not killed):
                break
            ended, fault = child(look)
            fault = fault and f"{what}: {fault}"
        if fault or (ended and not killed):
            told.faults.append(f"step {nth}: {fault or f'signal {ended}'}")
        shutil.rmtree(work)
        if not killed:
            break
        told.steps += 1
    return told


def main() -> None:
    """One operation."""
    copies.examine = near  # type: ignore[assignment]
    say(every_step(OPERATIONS[sys.argv[1]], Path(sys.argv[2])))


if __name__ == "__main__":
    main()
