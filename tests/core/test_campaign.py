"""The campaign gate, exhaustively: every pair of states and every action."""

import itertools

import pytest

from dialerd.core.campaign import ACTIONS, MOVES, action_target, allowed_actions, check_move
from dialerd.core.ports import ConflictError
from dialerd.core.records import CampaignState

LEGAL = {
    ("draft", "approved"),
    ("approved", "running"),
    ("running", "paused"),
    ("paused", "running"),
    ("approved", "finished"),
    ("running", "finished"),
    ("paused", "finished"),
}


@pytest.mark.parametrize(("before", "after"), list(itertools.product(CampaignState, repeat=2)))
def test_every_pair_of_states(before, after):
    if (str(before), str(after)) in LEGAL:
        check_move(before, after)
        return
    with pytest.raises(ConflictError) as refused:
        check_move(before, after)
    assert refused.value.allowed == allowed_actions(before)
    assert f"a {before} campaign cannot become {after}" in str(refused.value)


@pytest.mark.parametrize(
    ("before", "action"), list(itertools.product(CampaignState, sorted(ACTIONS)))
)
def test_every_action_in_every_state(before, action):
    if action in allowed_actions(before):
        after = action_target(before, action)
        assert MOVES[before, after] == action
        return
    with pytest.raises(ConflictError, match=f"cannot {action} an? {before} campaign") as refused:
        action_target(before, action)
    assert action not in refused.value.allowed


def test_allowed_actions_name_what_a_person_may_ask_for():
    assert allowed_actions(CampaignState.DRAFT) == ("approve",)
    assert allowed_actions(CampaignState.APPROVED) == ("start", "finish")
    assert allowed_actions(CampaignState.RUNNING) == ("pause", "finish")
    assert allowed_actions(CampaignState.PAUSED) == ("resume", "finish")
    assert allowed_actions(CampaignState.FINISHED) == ()


def test_unknown_action_is_refused_with_the_legal_ones():
    with pytest.raises(ConflictError, match="unknown action 'explode'; allowed now: approve") as no:
        action_target(CampaignState.DRAFT, "explode")
    assert no.value.allowed == ("approve",)


def test_finished_is_the_end():
    with pytest.raises(ConflictError, match="nothing is allowed any more"):
        action_target(CampaignState.FINISHED, "start")


def test_every_state_but_finished_can_reach_finished_and_dialing_needs_approval():
    reachable = {CampaignState.FINISHED}
    while True:
        more = {before for before, after in MOVES if after in reachable} | reachable
        if more == reachable:
            break
        reachable = more
    assert reachable == set(CampaignState)
    assert {before for before, after in MOVES if after is CampaignState.RUNNING} == {
        CampaignState.APPROVED,
        CampaignState.PAUSED,
    }
