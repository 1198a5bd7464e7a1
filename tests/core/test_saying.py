"""A message that silence or waiting began, and the beep that comes after all."""

import pytest

import dialerd.core.effects as fx
import dialerd.core.events as ev
from tests.core.test_hearing import LEAVE, LEG, MACHINE, NS, T0, answered, only, sound


@pytest.mark.parametrize("first", ["silence", "time"])
def test_a_message_that_silence_began_is_begun_anew_behind_the_beep(first):
    """A greeting with a long pause goes on, and only what is behind the beep is kept."""
    out = []
    one = answered(out, on_machine=LEAVE, machine_prompt="call-us", beep_s_max=6.0)
    one.handle(ev.Verdict(LEG, MACHINE), T0 + 2 * NS)
    if first == "silence":
        sound(one, "silence", at_s=4.0)
    else:
        one.tick(T0 + 9 * NS)
    begun = only(out, fx.Play)[-1]
    assert begun.prompts == ("call-us",)
    sound(one, "beep", at_s=10.0)
    anew = only(out, fx.Play)[-1]
    assert anew.prompts == ("call-us",)
    assert anew is not begun
    sound(one, "beep", at_s=11.0)
    assert only(out, fx.Play)[-1] is anew, "once"
    one.handle(ev.PlayEnded(LEG, begun.token), T0 + 12 * NS)
    assert not only(out, fx.Release), "the end of the one that was stopped"
    one.handle(ev.PlayEnded(LEG, anew.token), T0 + 14 * NS)
    assert len(only(out, fx.Release)) == 1
