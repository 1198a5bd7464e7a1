"""How a campaign works with agents, as people write it."""

import tomllib

import msgspec
import pytest

from dialerd.core.agent_records import AgentSettings, Meaning, OnMachine
from dialerd.core.agent_spec import AgentSpec, DispositionSpec, from_agents, to_agents
from dialerd.core.campaign_spec import CampaignSpec, spec_faults
from dialerd.core.records import DialMode
from dialerd.core.spec_settings import from_settings, to_settings
from dialerd.core.step_spec import StepSpec
from tests import tree

EVERYTHING = AgentSpec(
    members=("an", "sales"),
    preview_s=5,
    may_skip=True,
    abandon_target=0.01,
    lines_per_agent_max=2.0,
    grace_s=1.5,
    ring_agent_s=10,
    wrap_up_s=0,
    rest_s=5,
    lost_s=10,
    hand_over=True,
    dispositions=(DispositionSpec(name="later", meaning=Meaning.RETRY, gap_s=600),),
    overdue_s=60,
    left_prompt="vi/left",
    hold_prompt="music/hold",
    machines=True,
    verdict_s=2.0,
    window_s=3_600,
    unrecorded=("minh",),
    on_machine=OnMachine.LEAVE_MESSAGE,
    machine_prompt="vi/call-us",
    transfer_numbers=("+8424*",),
)


def spec(mode=DialMode.PREVIEW, **changes):
    return CampaignSpec(
        **({"name": "c", "list": "people", "regime": "vn-care", "mode": mode} | changes)
    )


def test_nothing_is_lost_on_the_way_to_the_store_and_back():
    whole = spec(agents=EVERYTHING)
    assert from_settings(to_settings(whole, {"people": 1}), {1: "people"}) == whole
    assert from_agents(to_agents(AgentSpec())) == AgentSpec()


def test_every_setting_can_be_written():
    settings, plain = to_agents(EVERYTHING), AgentSettings()
    fields = [field.name for field in msgspec.structs.fields(AgentSettings)]
    assert not [name for name in fields if getattr(settings, name) == getattr(plain, name)]


def test_the_defaults_are_those_of_the_record():
    assert to_agents(AgentSpec()) == AgentSettings()


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"mode": DialMode.BROADCAST}, ("steps",)),
        ({"steps": (StepSpec(prompt="hello"),)}, ("steps",)),
        ({"agents": AgentSpec(preview_s=0)}, ("agents", "preview_s")),
        ({"mode": DialMode.MANUAL, "agents": AgentSpec(may_skip=True)}, ("agents", "may_skip")),
        (
            {"agents": AgentSpec(dispositions=(DispositionSpec(name="a"),) * 2)},
            ("agents", "dispositions", 1, "name"),
        ),
        (
            {"agents": AgentSpec(on_machine=OnMachine.LEAVE_MESSAGE, machines=True)},
            ("agents", "machine_prompt"),
        ),
        ({"agents": AgentSpec(on_machine=OnMachine.CONNECT)}, ("agents", "machines")),
    ],
)
def test_what_does_not_fit(change, pointer):
    (fault,) = spec_faults(spec(**change))
    assert fault.pointer == pointer
    assert fault.text


def test_what_fits():
    assert spec_faults(spec(agents=EVERYTHING)) == []
    assert spec_faults(spec(DialMode.PREDICTIVE)) == []


@pytest.mark.parametrize(
    "change",
    [
        {"abandon_target": 0.5},
        {"grace_s": 0.0},
        {"left_prompt": "../x"},
        {"left_prompt": "a\nb"},
        {"dispositions": [{"name": "x", "meaning": "maybe"}]},
        {"members": ["a\u0000b"]},
        {"nobody": 1},
    ],
)
def test_what_is_refused(change):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(change, AgentSpec)


def test_the_documented_lists_and_numbers_are_right():
    page = (tree.ROOT / "docs" / "howto" / "lists-and-numbers.md").read_text(encoding="utf-8")
    bodies = [part.split("```")[0] for part in page.split("```ini\n")[1:]]
    found = msgspec.convert(tomllib.loads("".join(bodies)), CampaignSpec)
    assert [one.list for one in found.lists] == ["vip", "all"]
    assert [str(one) for one in found.next_number_on] == ["unreachable", "no_answer"]
    faults = [fault.pointer for fault in spec_faults(found)]
    assert ("list",) not in faults
    assert ("lists",) not in faults


def test_the_documented_campaign_is_right():
    page = (tree.ROOT / "docs" / "howto" / "work-with-agents.md").read_text(encoding="utf-8")
    body = page.split("```ini\n")[1].split("```")[0]
    found = msgspec.convert(tomllib.loads(body), CampaignSpec)
    assert spec_faults(found) == []
    assert {one.meaning for one in found.agents.dispositions} == set(Meaning)
