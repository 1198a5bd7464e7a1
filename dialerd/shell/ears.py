"""What is listened for on a leg, by trunk and campaign: made once, shared by their calls."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from dialerd.config import DetectionFiles, Kind, Trunk
from dialerd.core.detection_records import CLASSIC, Detection
from dialerd.detect.bank import AnnouncementBank, load_bank
from dialerd.detect.model import load_model
from dialerd.detect.tone_plan import load_book
from dialerd.lines.sound_map import SoundMap, SoundRule
from dialerd.toml_load import TomlError
from fastpath.amd import Model
from fastpath.progress import Attention
from fastpath.tones_book import ToneBook

log = logging.getLogger("dialerd.ears")

KEPT_MAX = 1_000  # attentions; there are as many as kinds of campaigns
TONES_MS: Final = 30_000  # after the answer: a fax, the beep behind a greeting, nobody there
ANALOGUE: Final = frozenset({Kind.FXO_GATEWAY})  # whose far end says by a tone that it has left

T = TypeVar("T")


class Ear(NamedTuple):
    """What is listened for, and what it means; `early`: before the answer too."""

    attention: Attention
    meaning: SoundMap
    early: bool = False
    late: bool = True


class _Line(NamedTuple):
    """What holds for a trunk."""

    meaning: SoundMap
    book: ToneBook | None = None
    bank: AnnouncementBank | None = None
    to_the_end: bool = False


_UNKNOWN: Final = _Line(SoundMap())


class Ears:
    """Those of all trunks."""

    def __init__(self) -> None:
        """With what comes with dialerd, before `configure`."""
        self._files = DetectionFiles()
        self._lines: dict[str, _Line] = {}
        self._kept: dict[tuple[object, ...], Attention] = {}

    def configure(self, files: DetectionFiles, trunks: Iterable[Trunk]) -> None:
        """Files and trunks as they are now; calls in progress go on as they began."""
        for cache in (load_model, load_book, load_bank):
            cache.cache_clear()  # a file may be another by now
        self._files = files
        bank = _read(load_bank, Path(files.announcements), "announcements")
        bank = bank if bank is not None and len(bank) else None
        self._lines = {trunk.name: _line(trunk, bank) for trunk in trunks}
        self._kept.clear()

    def of(self, trunk: str, detection: Detection | None) -> Ear | None:
        """What is listened for on a call; None: nothing at all."""
        line = self._lines.get(trunk, _UNKNOWN)
        early = line.book is not None or line.bank is not None
        if detection is None and not early:
            return None
        attention = self._attention(trunk, line, detection)
        late = detection is not None or (line.book is not None and line.to_the_end)
        return Ear(attention, line.meaning, early=early, late=late)

    def _attention(self, trunk: str, line: _Line, detection: Detection | None) -> Attention:
        key: tuple[object, ...] = (trunk,)
        if detection is not None:
            quiet_ms = int(detection.quiet_s * 1000)
            parameters = tuple(sorted(detection.classic.items()))
            key = trunk, detection.detector, parameters, quiet_ms
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= KEPT_MAX:
                self._kept.clear()
            found = self._kept[key] = self._made(line, detection)
        return found

    def _made(self, line: _Line, detection: Detection | None) -> Attention:
        model: Model | dict[str, int] | None = None
        quiet_ms = 0
        if detection is not None:
            classic = detection.detector == CLASSIC
            model = detection.classic if classic else self._model(detection.detector)
            quiet_ms = int(detection.quiet_s * 1000)
        tones_ms = 0 if line.to_the_end else TONES_MS
        bank = line.bank
        return Attention(
            model,
            book=line.book,
            bank=None if bank is None else bank.prints,
            labels=() if bank is None else [entry.value for entry in bank.entries],
            quiet_ms=quiet_ms,
            tones_ms=tones_ms,
        )

    def _model(self, name: str) -> Model:
        """A model by its name; where it cannot be read, dialerd's own."""
        if not name:
            return load_model()
        path = Path(self._files.models) / f"{name}.toml"
        return _read(load_model, path, f"model {name!r}") or load_model()


def _line(trunk: Trunk, bank: AnnouncementBank | None) -> _Line:
    rules = (
        SoundRule(rule.kind.value, rule.value, rule.outcome.outcome, rule.answered)
        for rule in trunk.sound
    )
    book = _read(load_book, trunk.tones, f"tones of trunk {trunk.name!r}") if trunk.tones else None
    bank = bank if trunk.announcements else None
    return _Line(SoundMap(rules), book, bank, trunk.kind in ANALOGUE)


def _read(reader: Callable[..., T], what: object, name: str) -> T | None:
    """What a file says; None when it says nothing that can be used."""
    try:
        return reader(what)
    except TomlError as error:
        log.error("%s: not used: %s", name, error)
        return None
