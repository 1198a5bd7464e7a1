"""What of flows and deeds is refused or told, and how people write them."""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

import msgspec
import pytest

from dialerd.core.deed_spec import deed_of, doing
from dialerd.core.deeds import due_at
from dialerd.core.flow_checks import END, fields_wanted, flow_faults, flow_notes
from dialerd.core.flow_records import (
    Assign,
    Case,
    Choose,
    Close,
    Deed,
    Flow,
    FlowStep,
    Forbid,
    Gather,
    Part,
    Promise,
    Tape,
    TargetKind,
    Transfer,
)
from dialerd.core.step_spec import StepSpec, flow_of, played, step_faults, steps_of

QUEUE = TargetKind.QUEUE


# -- what is refused -------------------------------------------------------------------------------


def faults(*steps: FlowStep) -> list[tuple[str, str]]:
    return [("/".join(map(str, pointer)), text) for pointer, text in flow_faults(Flow(steps))]


@pytest.mark.parametrize(
    ("deed", "place", "text"),
    [
        (Gather(""), "gather/field", "must be a name"),
        (Gather("a{b"), "gather/field", "must be a name"),
        (Gather("a", 1, 41), "gather/keys_max", "must be 1 to 40"),
        (Gather("a", 3, 2), "gather/keys_min", "must be 0 to keys_max"),
        (Gather("a", end_key="A"), "gather/end_key", "must be one key"),
        (Gather("a", first_ms=0), "gather/first_ms", "must be 1 to"),
        (Gather("a", tries=11), "gather/tries", "must be 1 to 10"),
        (Gather("a", again="a\n"), "gather/again", "must be the name of a prompt"),
        (Choose("a"), "choose/cases", "must be 1 to 100"),
        (Choose("a", (Case(END),)), "choose/cases/0", "says nothing"),
        (Choose("a", (Case(END, ("x",)),) * 2), "choose/cases/1", "is there already"),
        (Choose("a", (Case(END, less="x"),)), "choose/cases/0/less", "must be a number"),
        (Choose("a", (Case(END, least="5", less="5"),)), "choose/cases/0/less", "no number"),
        (Choose("a", (Case(END, ("x",), empty=True),)), "choose/cases/0/empty", "stands alone"),
        (Choose("a", (Case("gone", ("x",)),)), "choose/cases/0/to", "there is no step 'gone'"),
        (Assign("a", "{b"), "set/value", "must be at most"),
        (Tape(0), "record/seconds_max", "must be 1 to"),
        (Tape(9, "12"), "record/stop_key", "must be one key"),
        (Forbid(days=-1), "do_not_call/days", "must be 0 to"),
        (Promise(), "callback", "needs either minutes or at"),
        (Promise(5, "17:30"), "callback", "needs either minutes or at"),
        (Promise(at="25:00"), "callback/at", "must be a time of day"),
        (Transfer(QUEUE, ""), "transfer/queue", "must name somebody"),
        (Transfer(QUEUE, "a", ring_s_max=1), "transfer/ring_s_max", "must be 5 to"),
        (Close("a\n"), "result", "must be a printable name"),
    ],
)  # fmt: skip
def test_deeds_that_cannot_be_done_are_refused_with_the_place(
    deed: Deed, place: str, text: str
) -> None:
    found = faults(FlowStep("a", "", does=deed))
    assert [where for where, _ in found] == [f"steps/0/{place}"]
    assert text in found[0][1]


def test_a_step_that_does_something_takes_no_keys() -> None:
    assert faults(FlowStep("a", "p", {"1": END}, 1, does=Forbid()))[0][0] == "steps/0/keys"


def test_then_needs_something_that_is_done() -> None:
    assert faults(FlowStep("a", "p", then=END))[0][0] == "steps/0/then"


def test_a_step_without_prompt_must_do_something() -> None:
    assert faults(FlowStep("a", ""))[0][0] == "steps/0/prompt"


@pytest.mark.parametrize(
    ("steps", "place", "text"),
    [
        (  # nobody presses anything: menu, menu, menu
            (FlowStep("m", "p", {"1": END}, 1, otherwise="m"),),
            "steps/0/otherwise", "never ends: m - m",
        ),
        (
            (
                FlowStep("a", "", does=Assign("x", "1"), then="b"),
                FlowStep("b", "", does=Choose("x", (Case("a", ("1",)),))),
            ),
            "steps/0/otherwise", "never ends: a - b - a",
        ),
        (
            (FlowStep("a", "", does=Gather("x"), then=END, otherwise="a"),),
            "steps/0/otherwise", "never ends: a - a",
        ),
        (
            (
                FlowStep("a", "", does=Transfer(QUEUE, "x"), then="b"),
                FlowStep("b", "", does=Transfer(QUEUE, "y"), then="a"),
            ),
            "steps/0/otherwise", "never ends: a - b - a",
        ),
        (
            (FlowStep("a", "p", otherwise="a", visits_max=2, after_visits="a"),),
            "steps/0/after_visits", "a dead end: a - a",
        ),
        ((FlowStep("a", "p"), FlowStep("b", "p", otherwise="b")), "steps/1/id", "no key leads to"),
    ],
)  # fmt: skip
def test_loops_and_dead_ends_are_told(steps: tuple[FlowStep, ...], place: str, text: str) -> None:
    found = faults(*steps)
    assert found[0][0] == place
    assert text in found[0][1]


def test_a_round_that_somebody_must_keep_going_is_noted() -> None:
    menu = FlowStep("menu", "p", {"1": "more"}, 1_000)
    more = FlowStep("more", "q", {"9": "menu"}, 1_000)
    flow = Flow((menu, more))
    assert flow_faults(flow) == []
    (note,) = flow_notes(flow)
    assert note.pointer == ("steps", 0)
    assert "menu - more - menu" in note.text
    ended = Flow((msgspec.structs.replace(menu, visits_max=3), more))
    assert flow_faults(ended) == flow_notes(ended) == []


def test_fields_that_people_must_have() -> None:
    flow = Flow((
        FlowStep("a", "", does=Gather("pin"), then="b"),
        FlowStep("b", "", parts=(Part("", "money", "{amount}"),), does=Assign("t", "{pin}{name}"),
                 then="c"),
        FlowStep("c", "", does=Choose("level", (Case("d", ("1",)),))),
        FlowStep("d", "", does=Transfer(QUEUE, "{team}")),
    ))  # fmt: skip
    assert flow_faults(flow) == []
    assert [("/".join(map(str, where)), name) for where, name in fields_wanted(flow)] == [
        ("steps/1/chain/0/value", "amount"), ("steps/1/set/value", "name"),
        ("steps/2/choose/field", "level"), ("steps/3/transfer/queue", "team"),
    ]  # fmt: skip


# -- as people write it, and as it is stored -------------------------------------------------------

DEEDS: tuple[Deed, ...] = (
    Gather("pin", 4, 6, "*", 1_000, 2_000, 2, "again", secret=True),
    Choose("x", (Case(END, ("1",)), Case(END, ("2", "3")), Case(END, (), "1", "5"),
                 Case(END, empty=True))),
    Assign("x", "{y}"),
    Tape(5, "", beep=False),
    Forbid(campaign_only=True, days=7),
    Promise(at="17:30", agent="lan"),
    Transfer(TargetKind.NUMBER, "{boss}", "music/hold", 15),
    Transfer(TargetKind.AGENT, "lan"),
    Transfer(QUEUE, "sales"),
    Close("paid"),
)  # fmt: skip


@pytest.mark.parametrize("deed", DEEDS)
def test_a_deed_is_written_kept_and_written_again(deed: Deed) -> None:
    flow = Flow((FlowStep("a", "p", does=deed, visits_max=3),))
    assert flow_faults(flow) == []
    spec = steps_of(flow)
    again = msgspec.json.decode(msgspec.json.encode(spec), type=tuple[StepSpec, ...])
    assert flow_of(again) == flow
    assert step_faults(again) == []
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(flow), type=Flow) == flow
    assert deed_of(StepSpec(**doing(deed))) == deed
    assert played(spec[0]).startswith("plays p then does ")


def test_a_flow_stored_before_deeds_is_read() -> None:
    old = msgspec.msgpack.encode([[["a", "p", {"1": "end"}, 500, "end", True, [], 2, 400]]])
    assert msgspec.msgpack.decode(old, type=Flow) == Flow(
        (FlowStep("a", "p", {"1": END}, 500, plays=2, pause_ms=400),)
    )


def test_only_one_thing_a_step_and_one_target_a_transfer() -> None:
    two = msgspec.convert({"set": {"field": "a", "value": "1"}, "result": "paid"}, StepSpec)
    (fault,) = step_faults((two,))
    assert fault.pointer == ("steps", 0, "result")
    both = msgspec.convert({"transfer": {"queue": "a", "agent": "b"}}, StepSpec)
    assert step_faults((both,))[0].pointer == ("steps", 0, "transfer")
    assert step_faults((msgspec.convert({"transfer": {}}, StepSpec),))


@pytest.mark.parametrize(
    "step",
    [
        {"gather": {"field": "a\nb"}},
        {"gather": {"field": "a", "end_key": "##"}},
        {"choose": {"field": "a", "cases": []}},
        {"choose": {"field": "a", "cases": [{"to": "end", "less": "1e5"}]}},
        {"set": {"field": "{a}"}},
        {"record": {"seconds_max": 9999}},
        {"callback": {"minutes": -1}},
        {"transfer": {"queue": "a", "ring_s_max": 1}},
        {"result": ""},
        {"result": "a\r\nb"},
        {"then": "no such\n"},
    ],
)
def test_values_that_cannot_be_are_refused_by_their_type(step: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(step, StepSpec)


def test_times_of_day_jump_over_a_changed_clock() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    eve = 1_774_724_400  # 2026-03-28 20:00 +01, the night that clocks go forward
    assert due_at(Promise(at="08:00"), {}, eve, berlin) == eve + 11 * 3_600
    assert due_at(Promise(at="08:00"), {}, eve, UTC) == eve + 13 * 3_600
