"""What is listened for on a leg: shared where it is the same, and never nothing for a bad file."""

import logging

from dialerd.config import DetectionFiles
from dialerd.core.detection_records import CLASSIC, Detection
from dialerd.core.records import Outcome
from dialerd.detect.model import DEFAULT, load_model
from dialerd.lines.sip_trunk import SipTrunk
from dialerd.lines.sound_map import SoundRule
from dialerd.shell import ears as module
from dialerd.shell.ears import Ears


def test_calls_of_a_kind_share_what_they_listen_for():
    ears = Ears()
    one = ears.of("a", Detection())
    again = ears.of("b", Detection(beep_s_max=3.0))
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


def test_a_campaigns_own_model(tmp_path, caplog):
    (tmp_path / "vn.toml").write_bytes(DEFAULT.read_bytes())
    (tmp_path / "bad.toml").write_text("bias = 'x'")
    ears = Ears()
    ears.configure(DetectionFiles(models=tmp_path), [])
    assert ears.of("a", Detection(detector="vn")).attention.model is load_model(
        tmp_path / "vn.toml"
    )
    with caplog.at_level(logging.ERROR):
        for name in ("bad", "none"):
            assert ears.of("a", Detection(detector=name)).attention.model is load_model()
    assert len(caplog.records) == 2


def test_a_trunks_meaning_and_a_reload():
    ears = Ears()
    ears.configure(
        DetectionFiles(),
        [SipTrunk("a", "h", 5060, (), sounds=(SoundRule("busy", "", Outcome.UNREACHABLE),))],
    )
    before = ears.of("a", Detection())
    assert before.meaning.read("busy", "", answered=False) is Outcome.UNREACHABLE
    assert ears.of("z", Detection()).meaning.read("busy", "", answered=False) is Outcome.BUSY
    ears.configure(DetectionFiles(), [])
    after = ears.of("a", Detection())
    assert after.attention is not before.attention, "files may be others"
    assert after.meaning.read("busy", "", answered=False) is Outcome.BUSY


def test_what_is_kept_has_a_limit(monkeypatch):
    monkeypatch.setattr(module, "KEPT_MAX", 3)
    ears = Ears()
    for number in range(10):
        ears.of("a", Detection(detector=CLASSIC, classic={"greeting": number}))
        assert len(ears._kept) <= 3
