"""Chains: what a step plays for one contact, what of it cannot be said, what is refused."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialerd.core.campaign_spec import CampaignSpec, spec_faults
from dialerd.core.chain import SILENCE, Chain, chain_faults, label, prompts_of
from dialerd.core.flow import FlowPlan, FlowRun
from dialerd.core.limits import CHAIN_MAX, PROMPT_CHARS_MAX
from dialerd.core.records import EventKind, Flow, FlowStep, Part
from dialerd.core.spec_settings import from_settings, to_settings
from dialerd.core.spoken import SayKind
from dialerd.core.step_spec import SaySpec, StepSpec, flow_of, played, steps_of

DUE = FlowStep(
    "due", "", {"1": "end"}, 5_000,
    parts=(
        Part("vi/due"),
        Part(say="money", value="{amount}"),
        Part("vi/on"),
        Part(say="date", value="{day}/{month}", region="south"),
    ),
)  # fmt: skip


def vi(*words: str) -> tuple[str, ...]:
    return tuple(f"vi/words/{word}" for word in words)


def test_a_contact_hears_its_own_values() -> None:
    found, unsaid = Chain(DUE).prompts({"amount": "105.000đ", "day": "4", "month": "12"})
    money = vi("mot", "tram", "linh", "nam", "nghin", "dong")
    date = vi("ngay", "mung", "bon", "thang", "muoi-huyen", "hai")
    assert found == ("vi/due", *money, "vi/on", *date)
    assert unsaid == []
    assert set(found) <= prompts_of(Flow((DUE,)))


def test_what_cannot_be_said_is_left_out_and_told() -> None:
    found, unsaid = Chain(DUE).prompts({"amount": "soon", "day": "4"})
    assert found == ("vi/due", "vi/on")
    assert unsaid == [
        "money {amount}: 'soon' is no number",
        "date {day}/{month}: the contact has no 'month'",
    ]


def test_a_chain_of_nothing_is_a_moment_of_silence() -> None:
    step = FlowStep("a", "", parts=(Part(say="digits", value="{code}"),))
    assert Chain(step).prompts({}) == ((SILENCE,), ["digits {code}: the contact has no 'code'"])
    assert SILENCE in prompts_of(Flow((step,)))


@pytest.mark.parametrize(("plays", "count"), [(1, 1), (3, 3), (10, 10)])
def test_a_chain_is_played_as_often_as_asked(plays: int, count: int) -> None:
    assert Chain(FlowStep("a", "x", plays=plays)).prompts({}) == (("x",) * count, [])
    step = FlowStep("a", "", parts=(Part("x"), Part("y")), plays=plays)
    assert Chain(step).prompts({})[0] == ("x", "y") * count


@given(
    st.lists(st.sampled_from(["p", "digits", "number", "money"]), min_size=1, max_size=16),
    st.integers(1, 10),
    st.text("0123456789", max_size=24),
)
def test_a_chain_is_never_longer_than_the_engine_takes(
    kinds: list[str], plays: int, value: str
) -> None:
    parts = tuple(Part("p") if k == "p" else Part(say=k, value="{v}") for k in kinds)
    found, unsaid = Chain(FlowStep("a", "", parts=parts, plays=plays)).prompts({"v": value})
    assert 1 <= len(found) <= CHAIN_MAX
    if len(found) == CHAIN_MAX and plays == 1:
        assert unsaid or len(found) == CHAIN_MAX


def test_too_long_a_chain_is_cut_and_told() -> None:
    parts = (Part(say="digits", value="{v}"),) * 6
    found, unsaid = Chain(FlowStep("a", "", parts=parts)).prompts({"v": "1" * 24})
    assert len(found) == CHAIN_MAX
    assert unsaid == ["more than 128 prompts in a chain"]


@pytest.mark.parametrize(
    ("plays", "pause_ms", "silent"), [(1, 400, 0), (2, 0, 0), (2, 400, 2), (3, 1000, 10)]
)
def test_silence_lies_between_two_plays(plays: int, pause_ms: int, silent: int) -> None:
    step = FlowStep("a", "hello", plays=plays, pause_ms=pause_ms)
    found, unsaid = Chain(step).prompts({})
    assert (found[0], found[-1], unsaid) == ("hello", "hello", [])
    assert found == ("hello", *(*(SILENCE,) * (pause_ms // 200), "hello") * (plays - 1))
    assert found.count(SILENCE) == silent
    assert prompts_of(Flow((step,))) == {"hello", *([SILENCE] if pause_ms else [])}
    assert flow_of(steps_of(Flow((step,)))) == Flow((step,))


@given(st.integers(1, 10), st.integers(0, 25), st.integers(1, 200))
def test_pauses_count_for_the_longest_chain(plays: int, pauses: int, parts: int) -> None:
    step = FlowStep("a", "", parts=(Part("x"),) * parts, plays=plays, pause_ms=200 * pauses)
    found, _ = Chain(step).prompts({})
    assert len(found) <= CHAIN_MAX
    assert found[0] == found[-1] == "x"


@pytest.mark.parametrize("pause_ms", [-200, 100, 201, 5200])
def test_a_pause_that_cannot_be_made_is_refused(pause_ms: int) -> None:
    ((place, text),) = chain_faults(FlowStep("a", "hello", pause_ms=pause_ms))
    assert place == ("pause_ms",)
    assert "a multiple of 200" in text
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"prompt": "hello", "pause_ms": pause_ms}, StepSpec)


def test_a_history_names_fields_and_never_values() -> None:
    assert label(DUE) == "vi/due + money {amount} + vi/on + date {day}/{month}"
    assert len(label(FlowStep("a", "", parts=(Part("x" * 100),) * 9))) == PROMPT_CHARS_MAX


@pytest.mark.parametrize(
    ("step", "where", "says"),
    [
        (FlowStep("a", ""), ("prompt",), "must be the name of a prompt"),
        (FlowStep("a", "x", plays=0), ("plays",), "must be 1 to 10"),
        (FlowStep("a", "x", plays=11), ("plays",), "must be 1 to 10"),
        (FlowStep("a", "x", parts=(Part("y"),)), ("chain",), "must stand alone"),
        (FlowStep("a", "", parts=(Part("y"),) * 17), ("chain",), "at most 16 parts"),
        (FlowStep("a", "", parts=(Part("y"), Part())), ("chain", 1), "the name of a prompt"),
        (FlowStep("a", "", parts=(Part(say="song"),)), ("chain", 0), "say must be one of number"),
        (FlowStep("a", "", parts=(Part(say="time", value="1:00", lang="fr"),)), ("chain", 0),
         "lang must be one of vi, en"),
        (FlowStep("a", "", parts=(Part(say="money", value="12 apples"),)), ("chain", 0),
         "no number"),
        (FlowStep("a", "", parts=(Part(say="money", value="{a"),)), ("chain", 0), "with {fields}"),
        (FlowStep("a", "", parts=(Part(say="money", value="{a}" * 30),)), ("chain", 0),
         "at most 64 characters"),
    ],
)  # fmt: skip
def test_what_no_call_could_play_is_refused(
    step: FlowStep, where: tuple[str | int, ...], says: str
) -> None:
    faults = list(chain_faults(step))
    assert [found for found, _ in faults] == [where]
    assert says in faults[0][1]


class Sink:
    def __init__(self) -> None:
        self.did: list[tuple[object, ...]] = []

    def play(self, prompts: tuple[str, ...], token: int) -> None:
        self.did.append(("play", prompts, token))

    def stop_play(self) -> None:
        self.did.append(("stop",))

    def record(self, kind: EventKind, detail: str, now_ns: int) -> None:
        self.did.append((kind, detail, now_ns // 1_000_000))

    def flow_over(self, now_ns: int) -> None:
        self.did.append(("over",))


def test_a_call_plays_the_chain_and_its_history_says_what_was_cut() -> None:
    sink = Sink()
    run = FlowRun(FlowPlan(Flow((DUE,))), sink, {"amount": "5", "day": "x", "month": "1"})
    run.start(1_000_000_000)
    run.key("1", 2_240_000_000)
    name = label(DUE)
    assert sink.did == [
        (EventKind.PROMPT_STARTED, name, 1000),
        (EventKind.UNSAID, "date {day}/{month}: 'x/1' is no date such as 2026-12-05 or 5/12/2026",
         1000),
        ("play", ("vi/due", *vi("nam", "dong"), "vi/on"), 1),
        (EventKind.PROMPT_CUT, f"{name}: 1240 ms", 2240),
        ("stop",),
        ("over",),
    ]  # fmt: skip


def test_without_barge_in_nothing_is_cut() -> None:
    sink = Sink()
    step = FlowStep("a", "p", {"1": "end"}, 1_000, barge_in=False)
    run = FlowRun(FlowPlan(Flow((step,))), sink)
    run.start(0)
    run.key("1", 500_000_000)
    run.played(1, 900_000_000)
    assert [entry[0] for entry in sink.did] == [
        EventKind.PROMPT_STARTED, "play", EventKind.PROMPT_ENDED, "over",
    ]  # fmt: skip


SPEC = CampaignSpec(
    name="tet", list="people", regime="loopback",
    steps=(
        StepSpec(
            chain=("vi/due", SaySpec(say=SayKind.MONEY, value="{amount}"), "vi/thanks"),
            plays=2,
        ),
    ),
)  # fmt: skip


def test_a_chain_is_written_kept_and_written_again() -> None:
    text = msgspec.json.encode(SPEC)
    assert msgspec.json.decode(text, type=CampaignSpec) == SPEC
    settings = to_settings(SPEC, {"people": 7})
    stored = msgspec.msgpack.decode(msgspec.msgpack.encode(settings), type=type(settings))
    assert from_settings(stored, {7: "people"}) == SPEC
    assert spec_faults(SPEC) == []
    assert played(SPEC.steps[0]) == "plays vi/due + money {amount} + vi/thanks (2 times)"


def test_a_step_stored_before_chains_is_read() -> None:
    old = msgspec.msgpack.encode(["a", "vi/welcome", {}, 0, "end", True])
    assert msgspec.msgpack.decode(old, type=FlowStep) == FlowStep("a", "vi/welcome")


def test_a_fault_of_a_part_has_its_place() -> None:
    step = StepSpec(chain=("vi/due", SaySpec(say=SayKind.DATE, value="31/2")))
    spec = msgspec.structs.replace(SPEC, steps=(step,))
    (fault,) = spec_faults(spec)
    assert fault.pointer == ("steps", 0, "chain", 1)


def test_a_chain_is_checked_a_part_at_a_time_without_harm() -> None:
    """msgspec 0.22 crashes on a union of a bounded text and a list: hence two keys, not one."""
    kinds = {field.name: field.type for field in msgspec.structs.fields(StepSpec)}
    for _ in range(200):
        assert msgspec.convert("vi/due", kinds["prompt"]) == "vi/due"
        for good in (["vi/due"], [{"say": "time", "value": "8h"}], []):
            assert len(msgspec.convert(good, kinds["chain"])) == len(good)
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(["../x"], kinds["chain"])


def test_of_a_secret_no_reason_repeats_the_value():
    step = FlowStep("a", "", parts=(Part(say="date", value="{code}"),))
    hidden = Chain(step).prompts({"code": "80135"}, frozenset({"code"}))[1]
    assert hidden == ["date {code}: a secret that cannot be said"]
    assert "80135" in Chain(step).prompts({"code": "80135"})[1][0]
