"""What people write and what the store keeps say the same."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from dialerd.core.agent_spec import AgentSpec
from dialerd.core.campaign_spec import (
    CampaignSpec,
    CapSpec,
    HoursSpec,
    ListSpec,
    NumberOutcome,
    RetrySpec,
    Weekday,
    spec_faults,
)
from dialerd.core.detection_spec import REVISE_S, DetectionSpec, from_detection, to_detection
from dialerd.core.list_records import ListMix
from dialerd.core.records import CapCounts, DialMode
from dialerd.core.return_records import ReturnAnswer
from dialerd.core.return_spec import ReturnSpec
from dialerd.core.spec_settings import from_settings, to_settings
from dialerd.core.step_spec import StepSpec

FLOW = ReturnAnswer.FLOW
EVERYTHING = CampaignSpec(
    log=("digit",),
    record_share=30,
    record_early=True,
    recordings_days=90,
    events_days=0,
    name="autumn",
    lists=(ListSpec(list="vip", weight=3), ListSpec(list="people")),
    mix=ListMix.ORDER,
    next_number_on=(NumberOutcome.NO_ANSWER, NumberOutcome.BUSY),
    next_number_gap_s=5,
    consent_date_column="agreed on",
    regime="vn-care",
    steps=(
        StepSpec(prompt="hello", keys={"1": "more"}, wait_ms=4_000, barge_in=False),
        StepSpec(prompt="more", id="more", otherwise="start"),
    ),
    caller_id="+842873001234",
    hours=(HoursSpec(start="08:30", end="24:00", days=(Weekday.MON, Weekday.SUN)),),
    cap=CapSpec(calls_max=2, window_s=3_600, counts=CapCounts.ATTEMPTED),
    attempts_max=3,
    retry_gap_s=60,
    rechecks_max=2,
    recheck_gap_s=120,
    ring_s_max=20,
    calls_per_s_max=2.5,
    start_at=datetime(2026, 12, 1, 1, 0, 0, 250_000, UTC),
    end_at=datetime(2026, 12, 2, tzinfo=UTC),
    record=True,
    skip_holidays=True,
    zone_column="zone",
    consent="form 7, 2026",
    consent_column="agreed",
    caller_name="ACME",
    abandoned_prompt="sorry",
    cap_binds_retries=True,
    retries={"busy": RetrySpec(gap_s=300, tries_max=2)},
    rest_s=86_400,
    weight=3,
    after="summer",
    after_s=3_600,
    priority_column="vip",
    script="survey",
    flow_column="product",
    flows={"loan": "loan-flow"},
    detection=DetectionSpec(
        detector="classic",
        classic={"greeting": 900},
        on_unknown="leave_message",
        beep_s_max=9.0,
        quiet_s=1.0,
        revise_s=5.0,
        machines=True,
        verdict_s=2.0,
        on_machine="leave_message",
        machine_prompt="call-us",
    ),
    returns=ReturnSpec(answer=ReturnAnswer.AGENTS, queue="care", hold_prompt="music", days=9),
)


LISTS = {"vip": 8, "people": 7}
NAMES = {number: name for name, number in LISTS.items()}


@pytest.mark.parametrize(
    ("spec", "revise_s"),
    [
        (DetectionSpec(), 0.0),
        (DetectionSpec(machines=True), REVISE_S),
        (DetectionSpec(machines=True, revise_s=0.0), 0.0),
        (DetectionSpec(revise_s=4.0), 4.0),
    ],
)
def test_a_broadcast_asks_for_a_second_verdict_unless_it_says_otherwise(spec, revise_s):
    kept = to_detection(spec)
    assert kept.revise_s == revise_s
    assert from_detection(kept) == spec


def test_nothing_is_lost_on_the_way_to_the_store_and_back():
    settings = to_settings(EVERYTHING, LISTS, 4)
    assert from_settings(settings, NAMES, "summer") == EVERYTHING
    assert from_settings(settings, NAMES).after == "4"


@pytest.mark.parametrize(
    ("returns", "where"),
    [
        ({"answer": FLOW}, ("returns", "flow")),
        ({"answer": FLOW, "flow": "x", "steps": (StepSpec(prompt="a"),)}, ("returns", "flow")),
        ({"answer": ReturnAnswer.MESSAGE, "flow": "x"}, ("returns", "flow")),
        (
            {"answer": FLOW, "steps": (StepSpec(prompt="a", otherwise="gone"),)},
            ("returns", "steps", 0, "otherwise"),
        ),
    ],
)
def test_what_who_calls_back_gets_must_fit(returns, where):
    spec = msgspec.structs.replace(EVERYTHING, returns=ReturnSpec(**returns))
    assert [fault.pointer for fault in spec_faults(spec)] == [where]


def test_agents_have_no_message_of_their_campaign_for_who_calls_back():
    spec = CampaignSpec(
        name="a",
        list="p",
        regime="loopback",
        mode=DialMode.MANUAL,
        returns=ReturnSpec(answer=ReturnAnswer.MESSAGE),
    )
    assert [fault.pointer for fault in spec_faults(spec)] == [("returns", "answer")]


def test_every_setting_can_be_written():
    """A setting of the core that no spec can reach would be dead."""
    settings = to_settings(EVERYTHING, LISTS, 4)
    same = {
        field.name
        for field in msgspec.structs.fields(settings)
        if getattr(settings, field.name) == field.default
    }
    assert same <= {
        "mode",
        "agents",  # have their own tests
        *("flow_name", "script_version", "flow_version"),  # instead of steps; the store's
    }


@pytest.mark.parametrize(
    ("step", "pointer"),
    [
        ({"keys": {"1": "nowhere"}, "wait_ms": 1}, ("steps", 0, "keys", "1")),
        ({"otherwise": "nowhere"}, ("steps", 0, "otherwise")),
        ({"id": "end"}, ("steps", 0, "id")),
        ({"keys": {"1": "end"}, "barge_in": False}, ("steps", 0, "wait_ms")),
    ],
)
def test_what_could_not_run_is_found_before_it_is_saved(step, pointer):
    spec = msgspec.structs.replace(EVERYTHING, steps=(StepSpec(prompt="hello", **step),))
    assert [fault.pointer for fault in spec_faults(spec)] == [pointer]


@pytest.mark.parametrize(
    ("mode", "detection", "agents", "where"),
    [
        ("broadcast", {"on_machine": "hang_up"}, {}, ("detection",)),
        ("broadcast", {"detector": "vn"}, {}, ("detection",)),
        (
            "broadcast",
            {"machines": True, "on_machine": "leave_message"},
            {},
            ("detection", "machine_prompt"),
        ),
        ("broadcast", {"machines": True, "classic": {"greeting": 1}}, {}, ("detection", "classic")),
        (
            "broadcast",
            {"machines": True, "on_unknown": "leave_message"},
            {},
            ("detection", "on_unknown"),
        ),
        (
            "predictive",
            {"machines": True},
            {"machines": True},
            ("detection", "machines"),
        ),
        ("predictive", {"quiet_s": 1.0}, {}, ("detection",)),
        ("predictive", {"quiet_s": 1.0}, {"machines": True}, None),
        ("broadcast", {"machines": True, "verdict_s": 1.5}, {}, None),
    ],
)
def test_how_machines_are_found_out_must_fit(mode, detection, agents, where):
    spec = CampaignSpec(
        name="a",
        list="p",
        regime="loopback",
        mode=DialMode(mode),
        steps=(StepSpec(prompt="a"),) if mode == "broadcast" else (),
        agents=AgentSpec(**agents),
        detection=msgspec.convert(detection, DetectionSpec),
    )
    assert [fault.pointer for fault in spec_faults(spec)] == ([where] if where else [])


@pytest.mark.parametrize(
    "text", ['{"classic": {"loudness": 1}}', '{"detector": "../x"}', '{"quiet_s": 31}']
)
def test_what_is_no_detection_is_refused(text):
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(text, type=DetectionSpec)
