"""What is listened for on a leg, by trunk and campaign: made once, shared by their calls."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final, NamedTuple

from dialerd.config import Kind, Trunk
from dialerd.core.detection_records import CLASSIC, Detection
from dialerd.detect.bank import AnnouncementBank
from dialerd.detect.model import load_model
from dialerd.lines.sound_map import SoundMap, SoundRule
from dialerd.shell.ear_files import EarFiles
from fastpath.amd_forest import Model
from fastpath.progress import Attention
from fastpath.tones_book import ToneBook

log = logging.getLogger("dialerd.ears")

KEPT_MAX = 1_000  # attentions; there are as many as kinds of campaigns
TONES_MS: Final = 30_000  # after the answer: a fax, the beep behind a greeting, nobody there
ANALOGUE: Final = frozenset({Kind.FXO_GATEWAY})  # whose far end says by a tone that it has left


class Ear(NamedTuple):
    """What is listened for, and what it means; `early`: before the answer too.

    `only_sign`: a tone is all that says that the far end is gone.
    """

    attention: Attention
    meaning: SoundMap
    early: bool = False
    late: bool = True
    only_sign: bool = False


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
        self._files = EarFiles()
        self._lines: dict[str, _Line] = {}
        self._kept: dict[tuple[object, ...], Attention] = {}

    def configure(self, files: EarFiles, trunks: Iterable[Trunk]) -> None:
        """Files and trunks as they are now; calls in progress go on as they began."""
        for text in files.left_out:
            log.error("announcement not used: %s", text)
        self._files = files
        self._lines = {trunk.name: _line(trunk, files) for trunk in trunks}
        self._kept.clear()

    def detector_fault(self, name: str) -> str:
        """Why a campaign may not name this detector; empty when it may."""
        if name in ("", CLASSIC) or name in self._files.models:
            return ""
        known = ", ".join((CLASSIC, *self._files.models))
        return f"there is no detector {name!r} in [detection] models; known: {known}"

    def of(self, trunk: str, detection: Detection | None) -> Ear | None:
        """What is listened for on a call; None: nothing at all."""
        line = self._lines.get(trunk, _UNKNOWN)
        early = line.book is not None or line.bank is not None
        if detection is None and not early:
            return None
        attention = self._attention(trunk, line, detection)
        late = detection is not None or (line.book is not None and line.to_the_end)
        return Ear(attention, line.meaning, early, late, line.to_the_end)

    def _attention(self, trunk: str, line: _Line, detection: Detection | None) -> Attention:
        key: tuple[object, ...] = (trunk,)
        if detection is not None:
            parameters = tuple(sorted(detection.classic.items()))
            times = detection.quiet_s, detection.revise_s
            key = trunk, detection.detector, parameters, *times
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= KEPT_MAX:
                self._kept.clear()
            found = self._kept[key] = self._made(line, detection)
        return found

    def _made(self, line: _Line, detection: Detection | None) -> Attention:
        model: Model | dict[str, int] | None = None
        quiet_ms = revise_ms = 0
        if detection is not None:
            classic = detection.detector == CLASSIC
            model = detection.classic if classic else self._model(detection.detector)
            quiet_ms = int(detection.quiet_s * 1000)
            revise_ms = int(detection.revise_s * 1000)
        tones_ms = 0 if line.to_the_end else TONES_MS
        bank = line.bank
        return Attention(
            model,
            book=line.book,
            bank=None if bank is None else bank.prints,
            labels=() if bank is None else [entry.value for entry in bank.entries],
            quiet_ms=quiet_ms,
            tones_ms=tones_ms,
            revise_ms=revise_ms,
        )

    def _model(self, name: str) -> Model:
        """A model by its name; where its file is gone, dialerd's own."""
        if fault := self.detector_fault(name):
            log.error("%s: dialerd's own is used", fault)
        return self._files.models.get(name) or load_model()


def _line(trunk: Trunk, files: EarFiles) -> _Line:
    rules = (
        SoundRule(rule.kind.value, rule.value, rule.outcome.outcome, rule.answered)
        for rule in trunk.sound
    )
    bank = files.bank if trunk.announcements else None
    return _Line(SoundMap(rules), files.books.get(trunk.tones), bank, trunk.kind in ANALOGUE)
