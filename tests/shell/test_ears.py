"""What is listened for on a leg: shared where it is the same, and never nothing for a bad file."""

import logging
from pathlib import Path

import numpy as np

from bench.answer_audio import recorded
from dialerd.config import Config, DetectionFiles, Kind, Trunk
from dialerd.config.trunk_tables import SoundKind, SoundMeaning
from dialerd.config.trunk_tables import SoundRule as Rule
from dialerd.core.detection_records import CLASSIC, Detection
from dialerd.core.records import Outcome
from dialerd.detect.bank_file import Kind as Announced
from dialerd.detect.bank_file import write_announcement
from dialerd.detect.bank_prints import prints_of
from dialerd.detect.model import DEFAULT, load_model
from dialerd.detect.tone_plan import load_book
from dialerd.shell import ears as module
from dialerd.shell.ear_files import read_ear_files
from dialerd.shell.ears import Ears
from fastpath.progress import CallProgress


def test_calls_of_a_kind_share_what_they_listen_for():
    ears = Ears()
    one = ears.of("a", Detection())
    again = ears.of("a", Detection(beep_s_max=3.0))
    other = ears.of("a", Detection(quiet_s=1.0))
    assert one.attention is again.attention
    assert one.attention is not other.attention
    assert one.attention.model is load_model()


def test_the_classic_rule_has_its_parameters():
    ears = Ears()
    slow = ears.of("a", Detection(detector=CLASSIC, classic={"greeting": 900}))
    usual = ears.of("a", Detection(detector=CLASSIC))
    assert slow.attention.model == {"greeting": 900}
    assert usual.attention.model == {}


def configure(ears, files, trunks):
    """As a reload does."""
    config = Config(detection=files, trunk=tuple(trunks))
    ears.configure(read_ear_files(config, Path("d.toml")), config.trunk)


def test_a_campaigns_own_model(tmp_path, caplog):
    (tmp_path / "vn.toml").write_bytes(DEFAULT.read_bytes())
    ears = Ears()
    configure(ears, DetectionFiles(models=tmp_path), [])
    assert ears.of("a", Detection(detector="vn")).attention.model is load_model(
        tmp_path / "vn.toml"
    )
    with caplog.at_level(logging.ERROR):
        assert ears.of("a", Detection(detector="none")).attention.model is load_model()
    assert "no detector 'none'" in caplog.text
    assert not ears.detector_fault("vn")
    assert not ears.detector_fault(CLASSIC)
    assert "known: classic, vn" in ears.detector_fault("nv")


def line(name="a", **more):
    return Trunk(name=name, host="192.0.2.1", **more)


BUSY = (Rule(kind=SoundKind.BUSY, outcome=SoundMeaning.UNREACHABLE),)


def test_a_trunks_meaning_and_a_reload():
    ears = Ears()
    configure(ears, DetectionFiles(), [line(sound=BUSY)])
    before = ears.of("a", Detection())
    assert before.meaning.read("busy", "", answered=False) is Outcome.UNREACHABLE
    assert ears.of("z", Detection()).meaning.read("busy", "", answered=False) is Outcome.BUSY
    configure(ears, DetectionFiles(), [line()])
    after = ears.of("a", Detection())
    assert after.attention is not before.attention, "files may be others"
    assert after.meaning.read("busy", "", answered=False) is Outcome.BUSY


def test_a_trunks_tones():
    ears = Ears()
    kind = Kind.FXO_GATEWAY
    configure(
        ears,
        DetectionFiles(),
        [line(), line("deaf", tones=""), line("vn", tones="vn us"), line("fxo", kind=kind)],
    )
    assert len(ears.of("a", None).attention.book) == len(load_book("all"))
    assert len(ears.of("vn", None).attention.book) == len(load_book("vn us"))
    assert ears.of("deaf", None) is None
    assert ears.of("deaf", Detection()).attention.book is None
    assert (ears.of("a", None).early, ears.of("a", None).late) == (True, False)
    assert ears.of("a", Detection()).late
    assert not ears.of("deaf", Detection()).early
    assert ears.of("fxo", None).late, "an analogue line says by a tone that it was hung up"


def test_a_bank_of_announcements(tmp_path, caplog):
    noise = np.random.default_rng(1).normal(0, 3_000, 40_000).astype(np.int16)
    found = write_announcement(
        tmp_path, prints_of(noise), label="off", kind=Announced.SWITCHED_OFF, carrier="x"
    )
    ears = Ears()
    trunks = [line(tones=""), line("deaf", tones="", announcements=False)]
    configure(ears, DetectionFiles(announcements=tmp_path), trunks)
    heard = ears.of("a", None)
    assert heard.attention.labels == ("switched_off:x:off",)
    assert (heard.early, heard.late) == (True, False)
    assert heard.meaning.read("announcement", heard.attention.labels[0], answered=False) is (
        Outcome.UNREACHABLE
    )
    assert ears.of("deaf", None) is None
    other = write_announcement(
        tmp_path, prints_of(noise[::-1]), label="busy", kind=Announced.BUSY, carrier="x"
    )
    found.write_text("label = 3")
    with caplog.at_level(logging.ERROR):
        configure(ears, DetectionFiles(announcements=tmp_path), trunks)
    assert f"{found}:1" in caplog.text
    assert ears.of("a", None).attention.labels == ("busy:x:busy",), "the others are heard"
    other.with_suffix(".prints").unlink()
    configure(ears, DetectionFiles(announcements=tmp_path), trunks)
    assert ears.of("a", None) is None


def test_what_is_kept_has_a_limit(monkeypatch):
    monkeypatch.setattr(module, "KEPT_MAX", 3)
    ears = Ears()
    for number in range(10):
        ears.of("a", Detection(detector=CLASSIC, classic={"greeting": number}))
        assert len(ears._kept) <= 3


def test_a_second_verdict_is_asked_for_by_the_campaign():
    """Campaigns that differ in nothing else do not share what they listen for."""
    word = [one.samples for one in recorded("held out") if one.kind == "word"][:40]
    parts = [part for one in word if len(one) > 4_000 for part in (one, np.zeros(1_800))]
    parts[1] = np.zeros(5_000)
    audio = np.rint(np.hstack(parts) * 32_767).astype(np.int16)
    ears, told = Ears(), {}
    for revise_s in (0.0, 7.0):
        ear = ears.of("a", Detection(revise_s=revise_s))
        heard = CallProgress(ear.attention, keys=False).hear(audio)
        told[revise_s] = [one.value for one in heard if one.kind == "answer"]
    assert told == {0.0: ["human"], 7.0: ["human", "machine"]}
