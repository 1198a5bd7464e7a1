"""What steps do besides playing, as a run carries it out."""

from __future__ import annotations

from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialerd.core.chain import BEEP
from dialerd.core.clock import NEVER
from dialerd.core.deeds import due_at, holds, number
from dialerd.core.flow import OVER, PLAYING, TALKING, TAPING, TRANSFERRING, FlowRun
from dialerd.core.flow_checks import END
from dialerd.core.flow_plan import FlowPlan
from dialerd.core.flow_records import (
    Assign,
    Case,
    Choose,
    Close,
    Flow,
    FlowStep,
    Forbid,
    Part,
    Promise,
    Tape,
    TargetKind,
    Transfer,
)
from dialerd.core.limits import FIELD_VALUE_CHARS_MAX, VISITS_MAX
from tests.core.test_flow import MS, Sink

QUEUE = TargetKind.QUEUE
RIGHT, WRONG = FlowStep("right", "thanks"), FlowStep("wrong", "sorry")


def begin(*steps: FlowStep, nobody: bool = False, **fields: str) -> tuple[FlowRun, Sink]:
    sink = Sink()
    sink.nobody = nobody
    run = sink.run = FlowRun(FlowPlan(Flow(steps)), sink, fields)
    run.start(0)
    return run, sink


def pressed(run: FlowRun, keys: str, now_ns: int = 0) -> None:
    for key in keys:
        run.key(key, now_ns)


# -- fields ----------------------------------------------------------------------------------------


def chosen(value: str, *cases: Case) -> str:
    steps = [FlowStep(case.to, case.to) for case in cases]
    step = FlowStep("start", "", does=Choose("level", cases), otherwise="else")
    _, sink = begin(step, *steps, FlowStep("else", "else"), level=value)
    assert f"chose level: {sink.played_prompts()[0]}" in sink.did
    return sink.played_prompts()[0]


@pytest.mark.parametrize(
    ("value", "to"),
    [
        ("gold", "one"), (" GOLD ", "one"), ("silver", "one"), ("bronze", "else"),
        ("9.5", "low"), ("10", "mid"), ("99,9", "mid"), ("100", "else"), ("", "none"),
        ("Vàng", "else"), ("nan", "else"), ("inf", "else"), ("1e3", "else"),
    ],
)  # fmt: skip
def test_a_value_leads_to_the_first_case_that_holds(value: str, to: str) -> None:
    cases = (
        Case("one", ("gold", "Silver")),
        Case("low", less="10"),
        Case("mid", least="10", less="100"),
        Case("none", empty=True),
    )
    assert chosen(value, *cases) == to


def test_a_field_that_nobody_has_is_empty() -> None:
    step = FlowStep("start", "", does=Choose("level", (Case("none", empty=True),)))
    _, sink = begin(step, FlowStep("none", "none"))
    assert sink.played_prompts() == ["none"]


def test_a_field_is_set_and_said_and_comes_before_the_column() -> None:
    said = FlowStep("say", "", parts=(Part("", "digits", "{code}"),))
    step = FlowStep("start", "", does=Assign("code", "{base}7{gone}"), then="say")
    _, sink = begin(step, said, base="12", code="9")
    assert sink.fields == {"code": "127"}
    assert len(sink.played_prompts()[0].split()) == 3


def test_a_value_that_is_set_is_cut() -> None:
    _, sink = begin(FlowStep("start", "", does=Assign("long", "{text}")), text="x" * 9_999)
    assert len(sink.fields["long"]) == FIELD_VALUE_CHARS_MAX


@given(st.text(max_size=12))
def test_numbers_are_read_or_not(text: str) -> None:
    found = number(text)
    assert found is None or found.is_finite()
    holds(Case("x", least="1"), text)


def test_a_comma_is_a_point() -> None:
    assert number(" 1,5 ") == Decimal("1.5")


# -- recording, do-not-call, callbacks, ends -------------------------------------------------------


def test_an_answer_is_recorded_behind_a_beep_until_the_key() -> None:
    run, sink = begin(
        FlowStep("say", "speak", does=Tape(20)),
    )
    assert sink.played_prompts() == [f"speak {BEEP}"]
    run.played(1, 0)
    assert run.state is TAPING
    assert run.deadline_ns == 20_000 * MS
    pressed(run, "12")
    assert run.state is TAPING
    run.key("#", MS)
    assert sink.did[-5:] == ["taping say", "tape say", "tape ends", "taped say", "over"]


def test_an_answer_ends_by_itself() -> None:
    run, sink = begin(FlowStep("say", "", does=Tape(20, beep=False)))
    assert sink.played_prompts() == []
    run.tick(20_000 * MS - 1)
    assert run.state is TAPING
    run.tick(20_000 * MS)
    assert sink.did[-3:] == ["tape ends", "taped say", "over"]


def test_a_beep_alone_is_a_prompt() -> None:
    _, sink = begin(FlowStep("say", "", does=Tape(20)))
    assert sink.did == [f"prompt_started {BEEP}", f"play {BEEP}"]


def test_do_not_call_then_a_result() -> None:
    forbid = FlowStep("no", "", does=Forbid(days=30), then="bye")
    run, sink = begin(forbid, FlowStep("bye", "goodbye", does=Close("refused")))
    assert sink.did == ["forbid 30", "prompt_started goodbye", "play goodbye"]
    run.played(1, 0)
    assert sink.did[-3:] == ["result refused", "close refused", "over"]


HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
NOON = 1_763_874_000  # 2025-11-23 12:00 +07


@pytest.mark.parametrize(
    ("deed", "seconds"),
    [
        (Promise(90), 5_400),
        (Promise(at="17:30"), 5 * 3_600 + 1_800),
        (Promise(at="1730"), 5 * 3_600 + 1_800),
        (Promise(at="8h30"), 20 * 3_600 + 1_800),
        (Promise(at="12:00"), 86_400),
        (Promise(at="{when}"), 3_600),
        (Promise(at="{gone}"), None),
        (Promise(at="2460"), None),
        (Promise(at="noon"), None),
    ],
)
def test_when_a_callback_is_due(deed: Promise, seconds: int | None) -> None:
    due_s = due_at(deed, {"when": "1300"}, NOON, HANOI)
    assert due_s == (None if seconds is None else NOON + seconds)


def test_a_callback_that_has_no_time_goes_on_otherwise() -> None:
    step = FlowStep("book", "", does=Promise(at="{when}"), then="right", otherwise="wrong")
    assert begin(step, RIGHT, WRONG, when="1700")[1].played_prompts() == ["thanks"]
    assert begin(step, RIGHT, WRONG, when="77")[1].played_prompts() == ["sorry"]


# -- transfers -------------------------------------------------------------------------------------

MOVE = FlowStep(
    "move", "hold-on", does=Transfer(QUEUE, "{team}", "music/hold", 20), otherwise="wrong"
)


def test_a_transfer_is_asked_for_connected_and_over() -> None:
    run, sink = begin(MOVE, WRONG, team="sales")
    run.played(1, 0)
    assert run.state is TRANSFERRING
    assert run.deadline_ns == 20_000 * MS
    assert sink.did[-2:] == ["transfer queue sales", "ask queue sales"]
    pressed(run, "123")
    run.connected(MS)
    assert run.state is TALKING
    assert run.deadline_ns == NEVER
    run.failed("late", MS)
    run.tick(10**15)
    assert run.state is TALKING
    run.parted(2 * MS)
    assert sink.did[-4:] == ["transferred", "parted", "prompt_started sorry", "play sorry"]


def test_a_transfer_that_fails_at_once_goes_on() -> None:
    run, sink = begin(MOVE, WRONG, nobody=True, team="sales")
    run.played(1, 0)
    assert sink.did[-4:] == [
        "ask queue sales", "transfer_failed nobody", "prompt_started sorry", "play sorry",
    ]  # fmt: skip


def test_a_transfer_that_nobody_takes_is_taken_back() -> None:
    run, sink = begin(MOVE, WRONG)
    run.played(1, 0)
    run.tick(20_000 * MS)
    assert "ask no more" in sink.did
    run.connected(20_001 * MS)  # too late
    assert sink.played_prompts()[-1] == "sorry"
    assert run.state is PLAYING


def test_after_the_other_side_has_left_the_flow_may_go_on() -> None:
    run, sink = begin(msgspec.structs.replace(MOVE, then="right"), RIGHT, WRONG)
    run.played(1, 0)
    run.connected(0)
    run.parted(0)
    assert sink.played_prompts()[-1] == "thanks"


# -- visits ----------------------------------------------------------------------------------------


def test_a_step_is_gone_into_as_often_as_it_says() -> None:
    menu = FlowStep(
        "menu", "menu", {"1": END}, 1_000, otherwise="menu", visits_max=3, after_visits="bye"
    )
    run, sink = begin(menu, FlowStep("bye", "goodbye"))
    for _ in range(3):
        run.played(sink.token, 0)
        run.tick(run.deadline_ns)
    assert sink.played_prompts() == ["menu", "menu", "menu", "goodbye"]


def test_steps_without_prompts_cannot_go_round_for_ever() -> None:
    one = FlowStep("one", "", does=Assign("n", "1"), then="two", visits_max=VISITS_MAX)
    two = FlowStep("two", "", does=Assign("n", "2"), then="one", visits_max=VISITS_MAX)
    run, sink = begin(one, two)
    assert run.state is OVER
    assert sink.over == 1
