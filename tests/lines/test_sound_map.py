"""What sounds of a line mean: the usual map, and a trunk's own rules over it."""

import pytest

from dialerd.core.records import Outcome
from dialerd.lines.sound_map import ANSWERED, EARLY, SoundMap, SoundRule


@pytest.mark.parametrize(
    ("kind", "value", "outcome"),
    [
        ("announcement", "switched_off:viettel:off-1", Outcome.UNREACHABLE),
        ("announcement", "invalid:vinaphone:no-such", Outcome.INVALID),
        ("announcement", "leave_message:viettel:voicemail", None),
        ("announcement", "other:x:y", None),
        ("busy", "", Outcome.BUSY),
        ("congestion", "us", Outcome.FAILED),
        ("sit", "vacant", Outcome.INVALID),
        ("sit", "no circuit carrier", Outcome.FAILED),
        ("sit", "reserved", None),
        ("sit", "itu", None),
        ("ringback", "", None),
        ("fax", "cng", None),
    ],
)
def test_before_the_answer(kind, value, outcome):
    assert SoundMap().read(kind, value, answered=False) is outcome


@pytest.mark.parametrize(
    ("kind", "value", "outcome"),
    [
        ("fax", "ced", Outcome.MACHINE),
        ("sit", "vacant", Outcome.MACHINE),
        ("busy", "", Outcome.BUSY),
        ("announcement", "switched_off:viettel:off-1", None),
        ("beep", "", None),
        ("silence", "", None),
    ],
)
def test_after_the_answer(kind, value, outcome):
    assert SoundMap().read(kind, value, answered=True) is outcome


def test_a_trunks_own_rules():
    own = SoundMap(
        [
            SoundRule("announcement", "busy", Outcome.UNREACHABLE),
            SoundRule("sit", "", Outcome.UNREACHABLE),
            SoundRule("busy"),
            SoundRule("busy", answered=True),
            SoundRule("music", "", Outcome.NO_ANSWER),
            SoundRule("music", "", Outcome.BUSY),
        ]
    )
    assert own.read("announcement", "busy:vina:1", answered=False) is Outcome.UNREACHABLE
    assert own.read("announcement", "invalid", answered=False) is Outcome.INVALID
    assert own.read("sit", "reserved", answered=False) is Outcome.UNREACHABLE
    assert own.read("sit", "vacant", answered=False) is Outcome.INVALID, "said more exactly"
    assert own.read("busy", "", answered=False) is None
    assert own.read("busy", "", answered=True) is None
    assert own.read("music", "", answered=False) is Outcome.BUSY, "the later rule"


def test_one_trunks_rules_are_no_others():
    SoundMap([SoundRule("busy", "", Outcome.FAILED)])
    assert SoundMap().read("busy", "", answered=False) is Outcome.BUSY
    assert EARLY["busy"] is ANSWERED["busy"] is Outcome.BUSY
