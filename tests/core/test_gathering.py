"""Keys gathered into fields: tries, early keys, secrets."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from dialerd.core.clock import NEVER
from dialerd.core.flow import GATHERING, OVER, PLAYING
from dialerd.core.flow_records import (
    Assign,
    Case,
    Choose,
    FlowStep,
    Gather,
    TargetKind,
    Transfer,
)
from tests.core.test_deeds import RIGHT, WRONG, begin, pressed
from tests.core.test_flow import MS

PIN = Gather("pin", 4, 6, first_ms=5_000, next_ms=2_000, tries=2, again="again")
ASK = FlowStep("ask", "enter", does=PIN, then="right", otherwise="wrong")


def asked(**changes: object) -> tuple[FlowStep, ...]:
    return msgspec.structs.replace(ASK, does=msgspec.structs.replace(PIN, **changes)), RIGHT, WRONG


def test_keys_are_gathered_up_to_the_end_key() -> None:
    run, sink = begin(*asked())
    run.played(1, 0)
    assert run.state is GATHERING
    assert run.deadline_ns == 5_000 * MS
    pressed(run, "1234", 1_000 * MS)
    assert run.deadline_ns == 3_000 * MS
    run.key("#", 2_000 * MS)
    assert sink.fields == {"pin": "1234"}
    assert sink.did[-3:] == ["field pin = 1234", "prompt_started thanks", "play thanks"]


def test_as_many_keys_as_there_may_be_need_no_end_key() -> None:
    run, sink = begin(*asked())
    run.played(1, 0)
    pressed(run, "1234567")  # the last one is nobody's
    assert sink.fields == {"pin": "123456"}
    assert sink.played_prompts() == ["enter", "thanks"]


def test_enough_keys_and_then_none_are_enough() -> None:
    run, sink = begin(*asked())
    run.played(1, 0)
    pressed(run, "12345", MS)
    run.tick(run.deadline_ns - 1)
    assert run.state is GATHERING
    run.tick(run.deadline_ns)
    assert sink.fields == {"pin": "12345"}


def test_too_few_keys_are_asked_for_again_and_then_given_up() -> None:
    run, sink = begin(*asked())
    run.played(1, 0)
    pressed(run, "12#")
    assert sink.did[-3:] == ["no_key try 1 of 2", "prompt_started enter", "play again enter"]
    run.played(1, 0)  # of the first prompt
    assert run.state is PLAYING
    run.played(2, 0)
    run.tick(run.deadline_ns)
    assert sink.fields == {}
    assert sink.did[-3:] == ["no_key try 2 of 2", "prompt_started sorry", "play sorry"]


def test_a_key_cuts_the_question_and_is_the_first_of_the_answer() -> None:
    run, sink = begin(*asked())
    pressed(run, "7", 300 * MS)
    assert sink.did[-2:] == ["prompt_cut enter: 300 ms", "stop"]
    pressed(run, "890#")
    assert sink.fields == {"pin": "7890"}


def test_without_barge_in_early_keys_wait_for_the_end_of_the_question() -> None:
    ask, *rest = asked()
    run, sink = begin(msgspec.structs.replace(ask, barge_in=False), *rest)
    pressed(run, "12345#")
    assert sink.played_prompts() == ["enter"]
    run.played(1, 0)
    assert sink.fields == {"pin": "12345"}


def test_keys_pressed_before_the_question_answer_it() -> None:
    intro = FlowStep("intro", "hello", otherwise="ask")
    run, sink = begin(intro, *asked())
    pressed(run, "4321#")
    run.played(1, 0)
    assert sink.fields == {"pin": "4321"}
    assert sink.played_prompts() == ["hello", "thanks"]


def test_early_keys_that_are_too_few_lead_to_a_new_question_which_the_rest_answers() -> None:
    intro = FlowStep("intro", "hello", otherwise="ask")
    run, sink = begin(intro, *asked())
    pressed(run, "1#4321#")
    run.played(1, 0)
    assert sink.played_prompts() == ["hello", "again enter"]
    run.played(2, 0)
    assert sink.fields == {"pin": "4321"}


def test_an_empty_answer_may_be_one() -> None:
    run, sink = begin(*asked(keys_min=0))
    run.played(1, 0)
    run.tick(run.deadline_ns)
    assert sink.fields == {"pin": ""}
    assert sink.played_prompts() == ["enter", "thanks"]


def test_silent_questions_are_tried_again_too() -> None:
    step = FlowStep("ask", "", does=Gather("n", tries=3), then="right", otherwise="wrong")
    run, sink = begin(step, RIGHT, WRONG)
    for at in range(3):
        assert run.state is GATHERING
        run.tick((at + 1) * 5_000 * MS)
    assert sink.played_prompts() == ["sorry"]


@given(st.lists(st.sampled_from("0123456789*#"), max_size=40), st.integers(1, 4))
def test_any_keys_end_in_a_field_that_fits_or_in_none(keys: list[str], tries: int) -> None:
    run, sink = begin(*asked(tries=tries))
    for key in keys:
        run.key(key, 0)
        run.played(sink.token, 0)
    for _ in range(3 * tries):
        run.played(sink.token, 0)
        run.tick(run.deadline_ns if run.deadline_ns != NEVER else 0)
    assert run.state is OVER
    assert all(4 <= len(value) <= 6 and "#" not in value for value in sink.fields.values())
    assert sink.played_prompts()[-1] == ("thanks" if sink.fields else "sorry")


# -- secrets ---------------------------------------------------------------------------------------


def test_keys_of_a_secret_are_hidden_wherever_they_may_become_its() -> None:
    intro = FlowStep("intro", "hello", otherwise="ask")
    run, _ = begin(intro, *asked(secret=True))
    assert run.hides("1")  # kept for the question that follows
    run.played(1, 0)
    assert run.hides("1")
    pressed(run, "1234#")
    assert run.state is PLAYING
    assert run.hides("1")  # of "thanks", where it would be kept
    open_, _ = begin(intro, *asked())
    assert not open_.hides("1")


def test_a_menu_before_a_secret_shows_the_keys_that_it_knows() -> None:
    menu = FlowStep("menu", "menu", {"1": "ask"}, 1_000)
    run, _ = begin(menu, *asked(secret=True))
    assert not run.hides("1")
    run.played(1, 0)
    assert not run.hides("1")
    assert not run.hides("5")


def test_a_secret_is_kept_as_x_and_so_is_what_is_made_of_it() -> None:
    copy = FlowStep("right", "", does=Assign("copy", "n{pin}"), then="check")
    check = FlowStep(
        "check", "", does=Choose("copy", (Case("good", ("n1234",)),)), otherwise="wrong"
    )
    run, sink = begin(asked(secret=True)[0], copy, check, FlowStep("good", "yes"), WRONG)
    run.played(1, 0)
    pressed(run, "1234#")
    assert sink.fields == {"pin": "xxxx", "copy": "xxxxx"}
    assert sink.played_prompts()[-1] == "yes"
    assert "1234" not in " ".join(sink.did)


def test_a_secret_number_that_a_call_is_transferred_to_is_hidden() -> None:
    deed = Transfer(TargetKind.NUMBER, "{pin}")
    run, sink = begin(asked(secret=True)[0], FlowStep("right", "", does=deed), WRONG)
    run.played(1, 0)
    pressed(run, "1234#")
    assert sink.did[-2:] == ["transfer number xxxx", "ask number 1234"]
