"""Calls that have ended, and a process that dies at a chosen operation."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dialerd.core.records import EventKind
from dialerd.store import cdr_files, exporting, wait
from dialerd.store.base import BaseStore
from dialerd.store.lmdb_store import LmdbStore
from tests.store.kit import call, events, filled_list, people, running, take


class KilledError(BaseException):
    """The process is gone at this point: nothing catches it."""


class Kills:
    """Ends the process at the nth of the operations that leave a trace."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = -1
        self.seen = 0
        for owner, name in (
            (os, "fsync"), (Path, "rename"), (os, "pwrite"), (os, "ftruncate"),
            (LmdbStore, "move_cursor"), (exporting, "sync_folder"), (Path, "unlink"),
        ):  # fmt: skip
            monkeypatch.setattr(owner, name, self.wrapped(getattr(owner, name)))
        monkeypatch.setattr(cdr_files, "sync_folder", exporting.sync_folder)

    def wrapped(self, real: Callable[..., object]) -> Callable[..., object]:
        def act(*args: object, **kwargs: object) -> object:
            self.seen += 1
            self.left -= 1
            if self.left == 0:  # before it
                raise KilledError
            found = real(*args, **kwargs)
            self.left -= 1
            if self.left == 0:  # after it
                if not isinstance(found, int | Path | None):
                    wait(found)  # a commit that nobody heard of
                raise KilledError
            return found

        return act


def ended(store: BaseStore, count: int) -> None:
    """So many calls more are over."""
    name = f"c{store.last_ended()}"
    list_id = filled_list(store, name, people(count, 84_912_000_000 + 1000 * store.last_ended()))
    campaign = running(store, list_id, name)
    for claim in take(store, campaign.campaign_id, count):
        call(store, claim, events=events(EventKind.DIALED, EventKind.DIGIT), keys="1")


def lines(folder: Path) -> list[int]:
    """The records of every file in their order, the one in use last."""
    files = sorted(folder.glob("*.jsonl"), key=lambda file: ("current" in file.name, file.name))
    return [json.loads(line)["seq"] for file in files for line in file.read_text().splitlines()]
