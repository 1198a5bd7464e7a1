"""Which chores a configuration asks for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dialerd.config import Config, parse_zone
from dialerd.shell.chores import Chore
from dialerd.store.base import BaseStore
from dialerd.store.cdr_files import CdrFiles, CdrRules

Now = Callable[[], tuple[str, int]]  # the local day and Unix ms


def chores_of(config: Config, store: BaseStore, now: Now) -> dict[str, Chore]:
    """By their names in the log."""
    chores: dict[str, Chore] = {}
    if config.cdr.enabled:
        chores["[cdr]"] = _cdr(config, store, now)
    return chores


def _cdr(config: Config, store: BaseStore, now: Now) -> Chore:
    cdr = config.cdr
    folder = Path(cdr.folder) if cdr.folder else config.store.path / "cdr"
    rules = CdrRules(cdr.format.value, cdr.rotate_mb << 20, cdr.daily, cdr.keep)
    zone = parse_zone(config.dialing.zone)
    files = CdrFiles(store, folder, rules, lambda: zone)

    def write() -> str:
        files.write(*now())
        return ""

    return write
