"""What `dialerd campaign show` says of answers, and a report of who answered."""

from __future__ import annotations

import pytest

from dialerd.cli.campaign import _answers
from dialerd.core.agent_records import OnMachine
from dialerd.core.agent_spec import AgentSpec
from dialerd.core.campaign_spec import CampaignSpec
from dialerd.core.detection_spec import DetectionSpec
from dialerd.core.records import Answerer, Attempt, DialMode
from dialerd.store.report import ENDED_COLUMNS, attempt_json, ended

LEAVE, HANG_UP = OnMachine.LEAVE_MESSAGE, OnMachine.HANG_UP


def spec(mode: DialMode, detection: DetectionSpec, agents: AgentSpec | None = None) -> CampaignSpec:
    return CampaignSpec(
        name="c",
        list="l",
        regime="test",
        mode=mode,
        detection=detection,
        agents=agents or AgentSpec(),
    )


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (spec(DialMode.BROADCAST, DetectionSpec()), "everybody is taken for a person"),
        (
            spec(DialMode.PREDICTIVE, DetectionSpec(machines=True)),
            "everybody is taken for a person",
        ),
        (
            spec(DialMode.BROADCAST, DetectionSpec(machines=True, on_unknown=HANG_UP)),
            "told by dialerd's model while the flow plays; machines: connect; in doubt: hang up",
        ),
        (
            spec(
                DialMode.PREDICTIVE,
                DetectionSpec(detector="classic"),
                AgentSpec(machines=True, verdict_s=2.5, on_machine=LEAVE, machine_prompt="bye"),
            ),
            "told by the classic rule within 2.5 s; machines: leave message bye; in doubt: connect",
        ),
        (
            spec(DialMode.BROADCAST, DetectionSpec(machines=True, detector="vn", verdict_s=2.0)),
            "told by the model vn within 2 s; machines: connect; in doubt: connect",
        ),
    ],
)
def test_show_says_what_becomes_of_whom(one: CampaignSpec, said: str) -> None:
    assert _answers(one) == said


@pytest.mark.parametrize(
    ("first", "later", "told"),
    [
        (None, None, ""),
        (Answerer.UNKNOWN, None, "unknown"),
        (Answerer.HUMAN, Answerer.MACHINE, "machine"),
    ],
)
def test_a_report_has_the_later_verdict_and_the_first(
    first: Answerer | None, later: Answerer | None, told: str
) -> None:
    tried = Attempt(1, 1, 1, 84_912_000_000, 1, 1, answerer=first, revised=later)
    assert dict(zip(ENDED_COLUMNS, ended(tried), strict=True))["answered_by"] == told
    shown = attempt_json(tried, (), str)
    assert shown["answered_by"] == (told or None)
    assert shown["answered_by_first"] == first
