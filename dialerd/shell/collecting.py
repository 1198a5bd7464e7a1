"""What unanswered calls heard, kept for `dialerd announcements learn`: so many a day by trunk.

Recorded by the recorder of calls, into a folder of its own, from the first early media on; an
answer throws it away. Files go after some days; beyond a size nothing new is kept until they have.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

from dialerd.config import Config
from dialerd.shell.recordings import Recordings
from dialerd.store.recording_files import safe
from fastpath.rtp import MediaEngine

HEARD: Final = Path("announcements") / "heard"

log = logging.getLogger("dialerd.collecting")


class Collector:
    """Those of all trunks. It belongs to the event loop's thread; old files go in another one."""

    def __init__(
        self, engine: MediaEngine, config: Callable[[], Config], day: Callable[[], str]
    ) -> None:
        """`config` and `day` are asked for each call: both change."""
        self._engine = engine
        self._config = config
        self._day = day
        self._folder = config().store.path / HEARD
        self._recordings: Recordings | None = None
        self._today = ""
        self._counts: Counter[str] = Counter()  # by trunk, today
        self._begun: dict[int, tuple[str, str]] = {}  # day and trunk of a stream
        self._bytes = 0
        self._full = False

    def begin(self, stream: int, trunk: str, name: str) -> bool:
        """There is audio before the answer; False when it is not kept."""
        config = self._config()
        most = next((one.collect_early_media for one in config.trunk if one.name == trunk), 0)
        if not most:
            return False
        self._follow_day()
        if self._counts[trunk] >= most or self._is_full(config.recording.heard_mb_max << 20):
            return False
        kept = self._recordings or self._start(config)
        if kept is None or not kept.begin(stream, f"{safe(trunk)}-{name}"):
            return False
        self._counts[trunk] += 1
        self._begun[stream] = self._today, trunk
        return True

    def end(self, stream: int, *, answered: bool = False) -> None:
        """The stream is about to be closed, or the call was answered: then nothing is kept.

        An answered call gives its place of the day back: unanswered ones are what is counted.
        """
        if self._recordings is None:
            return
        day, trunk = self._begun.pop(stream, ("", ""))
        if answered and trunk and day == self._today:
            self._counts[trunk] -= 1
        done = self._recordings.end(stream, drop=answered)
        if done is not None and not answered:
            self._bytes += done.size

    def close(self) -> None:
        """End all and wait until they are written."""
        if self._recordings is not None:
            self._recordings.close()

    def _start(self, config: Config) -> Recordings | None:
        try:
            self._recordings = Recordings(
                self._folder, self._engine, day=self._day,
                free_bytes_min=config.recording.free_mb_min << 20,
            )  # fmt: skip
        except OSError as error:
            log.warning("%s: %s", self._folder, error)
        return self._recordings

    def _follow_day(self) -> None:
        """With each day counting begins anew, and what is too old goes."""
        today = self._day()
        if today == self._today:
            return
        self._today = today
        self._counts = _counted(self._folder / today, self._config())
        days = self._config().recording.heard_days
        threading.Thread(target=self._prune, args=(days,), name="heard", daemon=True).start()

    def _prune(self, days: int) -> None:
        self._bytes = prune(self._folder, days)

    def _is_full(self, most: int) -> bool:
        full = self._bytes >= most
        if full and not self._full:
            log.warning("%s holds %d MB: nothing more is kept", self._folder, self._bytes >> 20)
        self._full = full
        return full


def _counted(folder: Path, config: Config) -> Counter[str]:
    """How many of today a daemon before this one kept."""
    counts: Counter[str] = Counter()
    with contextlib.suppress(OSError):
        begins = {f"{safe(trunk.name)}-": trunk.name for trunk in config.trunk}
        longest = sorted(begins, key=len, reverse=True)  # "viettel-hcm-" is not "viettel-"
        for path in folder.iterdir():
            begin = next((one for one in longest if path.name.startswith(one)), None)
            if begin is not None:
                counts[begins[begin]] += 1
    return counts


def prune(folder: Path, days: int) -> int:
    """Remove what is older than the last `days` folders; how many bytes are left."""
    left = 0
    try:
        homes = sorted(path for path in folder.iterdir() if path.is_dir())
        for old in homes[:-days]:
            shutil.rmtree(old, ignore_errors=True)
        for home in homes[-days:]:
            left += sum(path.stat().st_blocks * 512 for path in home.iterdir())
    except OSError as error:
        if folder.exists():
            log.warning("%s: %s", folder, error)
    return left
