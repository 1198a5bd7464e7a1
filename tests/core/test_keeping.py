"""Which interactions are written down, and which calls are recorded."""

from __future__ import annotations

import msgspec
import pytest

import dialerd.core.effects as fx
import dialerd.core.events as ev
from dialerd.core.keeping import ALWAYS, logged, recorded
from dialerd.core.records import LOG_ALL, CampaignSettings, EventKind, Flow, FlowStep, Outcome
from dialerd.core.spec_parts import LogKind
from tests.core.build import LEG, PHONE, T0, call, finishes, only
from tests.core.world import settings


def test_all_kinds_none_or_some() -> None:
    assert logged(settings()) is None
    assert logged(settings(log=("digit", LOG_ALL))) is None
    assert logged(settings(log=())) == ALWAYS
    assert logged(settings(log=("digit",))) == ALWAYS | {EventKind.DIGIT}


@pytest.mark.parametrize("kind", [LOG_ALL, *EventKind])
def test_people_name_kinds_as_histories_do(kind: str) -> None:
    assert msgspec.convert(str(kind), LogKind) == kind


@pytest.mark.parametrize("kind", ["", "ALL", "digits", "digit\n", "digit|all"])
def test_other_words_are_no_kinds(kind: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(kind, LogKind)


@pytest.mark.parametrize("share", [1, 25, 50, 99])
def test_a_share_is_that_share_of_any_row_of_attempts(share: int) -> None:
    some = settings(record=True, record_share=share)
    for first in (1, 1_000_000, 1 << 40):
        for step in (1, 100):
            n = sum(recorded(some, first + i * step) for i in range(10_000))
            assert abs(n - 100 * share) < 4 * (100 * share * (1 - share / 100)) ** 0.5 + 1


def test_the_same_attempt_gets_the_same_answer() -> None:
    some = settings(record=True, record_share=50)
    assert [recorded(some, i) for i in range(99)] == [recorded(some, i) for i in range(99)]


def test_all_or_none() -> None:
    assert all(recorded(settings(record=True), i) for i in range(99))
    assert not any(recorded(settings(record_share=50), i) for i in range(99))


def history(**changes: object) -> tuple[list[EventKind], str]:
    """Of a call in which somebody presses 1 and hangs up."""
    out: list[fx.AnyEffect] = []
    made = call(out, flow=Flow((FlowStep("menu", "menu", {"2": "end"}, 500),)), **changes)
    made.dial("a", "any", LEG, T0)
    for event in (
        ev.Ringing(LEG), ev.Answered(LEG), ev.Digit(LEG, "1", "info"),
        ev.Recorded(LEG, "d/x.wav", 1.0, 16_044, 2),
        ev.Released(LEG, Outcome.ANSWERED, by="them"),
    ):  # fmt: skip
        made.handle(event, T0)
    (end,) = finishes(out)
    return [event.kind for event in end.events], end.keys


def test_what_is_not_logged_is_not_in_the_history_nor_are_its_keys() -> None:
    kinds, keys = history()
    assert kinds == [
        EventKind.DIALED, EventKind.RINGING, EventKind.ANSWERED, EventKind.PROMPT_STARTED,
        EventKind.DIGIT, EventKind.RECORDED, EventKind.RELEASED,
    ]  # fmt: skip
    assert keys == "1"
    assert history(log=("digit",)) == ([EventKind.DIGIT, EventKind.RECORDED], "1")
    assert history(log=("released",)) == ([EventKind.RECORDED, EventKind.RELEASED], "")
    assert history(log=()) == ([EventKind.RECORDED], "")  # its file is found by it


@pytest.mark.parametrize(
    ("changes", "sound"),
    [
        ({}, (False, False)),
        ({"record_early": True}, (False, False)),
        ({"record": True}, (True, False)),
        ({"record": True, "record_early": True}, (True, True)),
    ],
)
def test_from_when_a_call_is_recorded(changes: dict[str, object], sound: tuple[bool, bool]) -> None:
    out: list[fx.AnyEffect] = []
    call(out, **changes).dial("a", "any", LEG, T0)
    (dial,) = only(out, fx.Dial)
    assert (dial.record, dial.early) == sound
    assert dial.number.value == PHONE


def test_a_recording_of_a_call_that_nobody_answered_is_in_its_history() -> None:
    out: list[fx.AnyEffect] = []
    made = call(out, record=True, record_early=True)
    made.dial("a", "any", LEG, T0)
    made.handle(ev.Ringing(LEG, early_media=True), T0)
    made.handle(ev.Recorded(LEG, "d/x.wav", 9.0, 144_044, 2), T0)
    made.handle(ev.Released(LEG, Outcome.BUSY, 486), T0)
    (end,) = finishes(out)
    assert EventKind.RECORDED in [event.kind for event in end.events]


def test_settings_stored_before_are_read() -> None:
    now = settings()
    old = msgspec.msgpack.decode(msgspec.msgpack.encode(now))[:-5]
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(old), type=CampaignSettings) == now
