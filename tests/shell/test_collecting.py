"""What unanswered calls heard: kept, thrown away at an answer, counted, removed after its days."""

from __future__ import annotations

import stat
import wave
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from dialerd.config import Config, Trunk
from dialerd.config.schema import Recording, Store
from dialerd.core.keys import Dtmf
from dialerd.shell import collecting
from dialerd.shell.collecting import HEARD, Collector, prune
from dialerd.shell.media import Media
from dialerd.shell.prompt_table import Prompts
from fastpath.rtp import MediaEngine
from sip import sdp
from tests.ports import media_ports
from tests.waiting import until

HERE = "127.0.0.1"
PORTS = media_ports()


class Daemon:
    """What a collector sees of it."""

    def __init__(self, folder: Path, most: int = 3) -> None:
        self.engine = MediaEngine(priority=0, streams_max=16)
        self.engine.start()
        self.media = Media(
            self.engine, Prompts(self.engine, ()), HERE, HERE, PORTS, lambda _event: None
        )
        self.day = "2026-11-23"
        self.config = Config(
            store=Store(path=folder),
            trunk=(Trunk("viettel", HERE, collect_early_media=most), Trunk("other", HERE)),
        )
        made = self.media.collector = Collector(self.engine, lambda: self.config, lambda: self.day)
        self.close = made.close
        self.heard = folder / HEARD
        self._leg = 0

    @property
    def collector(self) -> Collector:
        found = self.media.collector
        assert isinstance(found, Collector)
        return found

    def call(self, trunk: str = "viettel") -> int:
        """A leg in early media, whose far end talks."""
        self._leg += 1
        self.media.open(self._leg, Dtmf.AUTO, f"{self._leg}@x")
        far = self.engine.open(HERE, *PORTS)
        port = self.media._streams[self._leg]
        self.engine.connect(far, HERE, self.engine.port(port), 0)
        prompt = self.engine.add_prompt(bytes(range(160)), bytes(range(160)))
        self.engine.play(far, prompt, 1, True)
        theirs = sdp.offer(HERE, self.engine.port(far), session_id=1)
        ours = sdp.offer(HERE, self.engine.port(port), session_id=1)
        assert self.media.connect(self._leg, ours, theirs)
        self.media.collect(self._leg, trunk)
        return self._leg

    def kept(self) -> list[str]:
        return sorted(path.name for path in self.heard.rglob("*.wav") if ".part" not in path.name)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    made = Daemon(tmp_path)
    yield made
    made.close()
    made.engine.stop()


def test_what_an_unanswered_call_heard_is_kept(daemon: Daemon) -> None:
    leg = daemon.call()
    part = daemon.heard / daemon.day / "viettel-1@x.part.wav"
    until(lambda: part.exists() and part.stat().st_size > 8_000)
    daemon.media.close(leg)
    until(lambda: daemon.kept() == ["viettel-1@x.wav"])
    path = daemon.heard / daemon.day / "viettel-1@x.wav"
    with wave.open(str(path)) as file:
        assert file.getnframes() > 1_600
        assert any(file.readframes(file.getnframes()))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(daemon.heard.stat().st_mode) == 0o700


def test_an_answer_throws_it_away(daemon: Daemon) -> None:
    leg = daemon.call()
    until(lambda: list(daemon.heard.rglob("*.part.wav")) != [])
    daemon.media.answered(leg)
    daemon.media.close(leg)
    until(lambda: not list(daemon.heard.rglob("*.wav")))
    assert (daemon.heard / daemon.day).is_dir()


def test_only_of_trunks_that_say_so_and_so_many_a_day(daemon: Daemon) -> None:
    daemon.media.close(daemon.call("other"))
    assert not daemon.heard.exists()
    for _ in range(5):
        daemon.media.close(daemon.call())
    until(lambda: len(daemon.kept()) == 3)
    daemon.day = "2026-11-24"
    daemon.media.close(daemon.call())
    until(lambda: len(daemon.kept()) == 4)
    assert (daemon.heard / "2026-11-24").is_dir()


def test_answered_calls_use_no_place_of_the_day_up(daemon: Daemon) -> None:
    for _ in range(5):
        leg = daemon.call()
        daemon.media.answered(leg)
        daemon.media.close(leg)
    assert daemon.collector._counts["viettel"] == 0
    daemon.media.close(daemon.call())
    until(lambda: len(daemon.kept()) == 1)
    assert daemon.collector._counts["viettel"] == 1
    assert not daemon.collector._begun


def test_a_trunk_whose_name_begins_another_is_counted_alone(tmp_path: Path) -> None:
    config = Config(trunk=(Trunk("viettel", HERE), Trunk("viettel-hcm", HERE)))
    for name in ("viettel-1", "viettel-hcm-1", "viettel-hcm-2"):
        (tmp_path / f"{name}.wav").write_bytes(b"x")
    assert collecting._counted(tmp_path, config) == {"viettel": 1, "viettel-hcm": 2}


def test_a_daemon_counts_what_the_one_before_kept(daemon: Daemon) -> None:
    home = daemon.heard / daemon.day
    home.mkdir(parents=True)
    for number in range(2):
        (home / f"viettel-old{number}.wav").write_bytes(b"x")
    for _ in range(3):
        daemon.media.close(daemon.call())
    until(lambda: len(daemon.kept()) == 3)
    assert daemon.collector._counts["viettel"] == 3


def test_a_limit_that_was_changed_holds_for_the_next_call(daemon: Daemon) -> None:
    daemon.config = msgspec.structs.replace(daemon.config, trunk=())
    assert not daemon.collector.begin(daemon.media._streams[daemon.call()], "viettel", "x")


def test_nothing_is_kept_beyond_the_size(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    recording = Recording(heard_mb_max=1)
    daemon.config = msgspec.structs.replace(daemon.config, recording=recording)
    pruned: list[int] = []
    monkeypatch.setattr(collecting, "prune", lambda *_: pruned.append(1) or (1 << 20))
    daemon.media.close(daemon.call())
    until(lambda: daemon.collector._bytes >= 1 << 20)
    before = daemon.collector._counts["viettel"]
    for _ in range(2):
        daemon.media.close(daemon.call())
    assert caplog.text.count("nothing more is kept") == 1
    assert daemon.collector._counts["viettel"] == before


def test_a_folder_that_cannot_be_is_told_and_calls_go_on(
    daemon: Daemon, caplog: pytest.LogCaptureFixture
) -> None:
    daemon.heard.parent.write_text("a file")
    daemon.media.close(daemon.call())
    assert "heard" in caplog.text


def test_old_days_are_removed(tmp_path: Path) -> None:
    for day in range(10, 20):
        (tmp_path / f"2026-11-{day}").mkdir()
        (tmp_path / f"2026-11-{day}" / "a.wav").write_bytes(bytes(4_096))
    assert prune(tmp_path, 3) >= 3 * 4_096
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "2026-11-17", "2026-11-18", "2026-11-19",
    ]  # fmt: skip
    assert prune(tmp_path / "none", 3) == 0
