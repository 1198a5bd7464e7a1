"""What was heard in early media is no word about the call that was answered since."""

from __future__ import annotations

import pytest

from dialerd.core.events import AnyEvent, Sound
from dialerd.core.records import Outcome
from dialerd.detect.tone_plan import load_book
from dialerd.lines.sound_map import SoundMap
from dialerd.shell.ears import Ear
from dialerd.shell.media import Media
from dialerd.shell.prompt_table import Prompts
from fastpath.progress import KINDS, Attention
from fastpath.rtp import MediaEngine, SoundHeard
from tests.ports import media_ports

HERE = "127.0.0.1"
PORTS = media_ports()


@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize("heard_answered", [False, True])
def test_a_busy_tone_of_the_other_side_of_the_answer_is_left_out(
    answered: bool, heard_answered: bool
) -> None:
    """It is read from the ring behind the 200 that came meanwhile."""
    told: list[AnyEvent] = []
    engine = MediaEngine(streams_max=4)
    media = Media(engine, Prompts(engine, ()), HERE, HERE, PORTS, told.append)
    media.open(1)
    media.lend(1, Ear(Attention(book=load_book("us")), SoundMap(), early=True, only_sign=True))
    if answered:
        media.answered(1)
    heard = SoundHeard(0, KINDS.index("busy"), 0, 0, heard_answered, 0.9, 0, 7)
    media._sound(1, heard)
    assert len(told) == (answered == heard_answered)
    for one in told:
        assert isinstance(one, Sound)
        assert (one.outcome, one.only_sign) == (Outcome.BUSY, True)
    media.close(1)
