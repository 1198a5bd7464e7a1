"""What is listened for on a leg, by trunk and campaign: made once, shared by their calls."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from dialerd.config import DetectionFiles
from dialerd.core.detection_records import CLASSIC, Detection
from dialerd.detect.model import load_model
from dialerd.lines.sip_trunk import SipTrunk
from dialerd.lines.sound_map import SoundMap
from dialerd.toml_load import TomlError
from fastpath.amd import Model
from fastpath.progress import Attention

log = logging.getLogger("dialerd.ears")

KEPT_MAX = 1_000  # attentions; there are as many as kinds of campaigns


class Ear(NamedTuple):
    """What is listened for, and what it means."""

    attention: Attention
    meaning: SoundMap


class Ears:
    """Those of all trunks."""

    def __init__(self) -> None:
        """With what comes with dialerd, before `configure`."""
        self._files = DetectionFiles()
        self._maps: dict[str, SoundMap] = {}
        self._kept: dict[tuple[object, ...], Attention] = {}

    def configure(self, files: DetectionFiles, trunks: Iterable[SipTrunk]) -> None:
        """Files and trunks as they are now; calls in progress go on as they began."""
        self._files = files
        self._maps = {trunk.name: SoundMap(trunk.sounds) for trunk in trunks}
        self._kept.clear()

    def of(self, trunk: str, detection: Detection | None) -> Ear | None:
        """What is listened for on a call; None: nothing at all."""
        if detection is None:
            return None
        return Ear(self._attention(detection), self._maps.get(trunk) or SoundMap())

    def _attention(self, detection: Detection) -> Attention:
        quiet_ms = int(detection.quiet_s * 1000)
        parameters = tuple(sorted(detection.classic.items()))
        key = (detection.detector, parameters, quiet_ms)
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= KEPT_MAX:
                self._kept.clear()
            classic = detection.detector == CLASSIC
            model = dict(parameters) if classic else self._model(detection.detector)
            found = self._kept[key] = Attention(model, quiet_ms=quiet_ms)
        return found

    def _model(self, name: str) -> Model:
        """A model by its name; where it cannot be read, dialerd's own."""
        if name:
            path = Path(self._files.models) / f"{name}.toml"
            try:
                return load_model(path)
            except TomlError as error:
                log.error("no model %r, dialerd's own is used: %s", name, error)
        return load_model()
