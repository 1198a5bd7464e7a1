"""Whether the last daemon on a data folder stopped as it should, and what follows if it did not.

A note lies in the folder while a daemon has the store. Whoever finds one knows that the daemon
before did not end by itself:

    who went down      the file                        it is examined
    the process        as the kernel has it: LMDB's    while the daemon starts and ends the calls of
                       commits are whole               before; a campaign's leads are claimed once
                                                       what it dials from is sound, while the rest
                                                       is read
    the machine        what the disk kept of it        before it is opened
    the process, not   may be what took it down        before it is opened
    yet vouched for

Always in a process of its own (`examine`). A store that is not sound is not dialed from.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from dialerd.core.ports import StoreFailedError
from dialerd.store.folder import LOCK_NAME, sync_folder
from dialerd.store.schema import StoreFormatError

if TYPE_CHECKING:  # what examines is a program of its own, and rarely needed here
    from dialerd.store.examine import Findings

log = logging.getLogger("dialerd.store")

READING: Final = (
    "the last daemon was killed or crashed: what is dialed from is read in %s, no lead is claimed "
    "meanwhile"
)
FIRST_SOUND: Final = (
    "what is dialed from was found sound: %d records read in %.1f s; the rest is read beside calls"
)
FOUND_SOUND: Final = "the store was found sound: %d records read in %.1f s"
BEFORE: Final = (
    "examining the store before it is opened: the machine went down, or what was open was not sound"
)
NOTE_NAME: Final = "daemon.running"
BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class Doubt(Enum):
    """Of a store that a daemon opens."""

    NONE = "none"
    WHILE_STARTING = "while starting"
    BEFORE_OPENING = "before opening"


class Note(msgspec.Struct, frozen=True):
    """What the note says: of which boot of the machine the daemon is, and if its store is sound."""

    boot: str
    vouched: bool


class RunNote:
    """The note of one data folder, whose lock we hold."""

    def __init__(self, folder: Path, boot: str | None = None) -> None:
        """Read the note that is there. `boot` names this boot of the machine; None: ask it."""
        self.path = folder / NOTE_NAME
        self._boot = _boot() if boot is None else boot
        self.doubt = self._read()

    def _read(self) -> Doubt:
        try:
            note = msgspec.json.decode(self.path.read_bytes(), type=Note)
        except FileNotFoundError:
            return Doubt.NONE
        except (OSError, msgspec.DecodeError):  # cut short, as a machine that goes down may
            return Doubt.BEFORE_OPENING
        same = note.boot == self._boot and note.vouched
        return Doubt.WHILE_STARTING if same else Doubt.BEFORE_OPENING

    def write(self, *, vouched: bool) -> None:
        """A daemon has the store from now on; durable.

        A full disk leaves the note that is there, or makes an empty one: its store is doubted.
        """
        part = self.path.with_suffix(".part")
        try:
            with part.open("wb") as file:
                file.write(msgspec.json.encode(Note(self._boot, vouched)))
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            if self.path.exists():
                with contextlib.suppress(OSError):
                    part.unlink()
                return
        with contextlib.suppress(OSError):
            part.replace(self.path)
            sync_folder(self.path.parent)

    def remove(self) -> None:
        """It stopped as it should."""
        with contextlib.suppress(OSError):
            self.path.unlink()


def _boot() -> str:
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return ""


class Vouching:
    """Examines the store of a daemon that is up; who would dial waits for it."""

    def __init__(self, file: Path, note: RunNote, refuse: Callable[[Findings], None]) -> None:
        """Begin. `refuse` is told, by a thread, of a store that is not sound."""
        from dialerd.store.examine import Examination

        self.first: Future[frozenset[int]] = Future()  # campaigns that may be dialed from
        self.done: Future[None] = Future()  # everything was read
        self.part = 0.0  # of what is being read now
        self._note = note
        self._refuse = refuse
        self._stopped = False
        log.warning(READING, file)
        self._examination = Examination(file, live=True)
        self._thread = threading.Thread(target=self._wait, name="store-vouching", daemon=True)
        self._thread.start()

    def waits(self, campaign_id: int) -> Future[None] | Future[frozenset[int]] | None:
        """What a claim for a campaign has to wait for; None: for nothing."""
        if self.done.done():
            return self.done if self.done.exception() else None
        if not self.first.done():
            return self.first
        return None if campaign_id in self.first.result() else self.done

    def words(self) -> str:
        """How far it is, for people; empty at its end."""
        if self.done.done():
            return ""
        behind = ", beside calls" if self.first.done() else "; no lead is claimed meanwhile"
        return f"examined after a stop that was none, {self.part:.0%}{behind}"

    def _wait(self) -> None:
        began_s = time.monotonic()
        for said in self._examination.said():
            self.part = said.part
            took_s = time.monotonic() - began_s
            if said.first is not None:
                log.warning(FIRST_SOUND, sum(said.first.records.values()), took_s)
                self.first.set_result(said.campaigns)
            if said.whole is not None:
                self._end(said.whole, took_s)

    def _end(self, findings: Findings, took_s: float) -> None:
        error: StoreFailedError | None = None
        if self._stopped:
            error = StoreFailedError("the store closes")
        elif findings.sound:
            self._note.write(vouched=True)
            log.warning(FOUND_SOUND, sum(findings.records.values()), took_s)
        else:
            self._refuse(findings)
            error = StoreFailedError(f"the store is not sound: {findings.first}")
        if error is None:
            self.done.set_result(None)
            return
        self.done.set_exception(error)
        if not self.first.done():
            self.first.set_exception(error)

    def stop(self) -> None:
        """The daemon ends: whoever waits hears that. Idempotent."""
        self._stopped = True
        self._examination.stop()
        self._thread.join()


def examiner(folder: Path) -> int:
    """The daemon that examines the store of a folder before it opens it; 0: none does.

    By what that one has written: to ask for its lock could keep it from a daemon that starts.
    """
    try:
        pid = int((folder / LOCK_NAME).read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return 0
    doubted = RunNote(folder).doubt is Doubt.BEFORE_OPENING
    return pid if doubted and b"dialerd" in command else 0


def look_first(folder: Path, file: Path, tell: Callable[[str], object]) -> None:
    """Examine a file that nobody has open; StoreFormatError when it is not sound.

    `tell` hears that it takes a while.
    """
    from dialerd.store.examine import examine

    tell(BEFORE)
    log.warning("%s was not closed by the last daemon; it is examined before it is opened", file)
    began_s = time.monotonic()
    findings = examine(file)
    if findings.sound:
        log.warning(FOUND_SOUND, sum(findings.records.values()), time.monotonic() - began_s)
    else:
        raise StoreFormatError(
            f"the store in {folder} is not sound after a crash: {findings.first}; "
            "`dialerd fsck` tells more, `dialerd restore` takes a backup back"
        )
