"""The moves that a campaign makes by itself: it begins at its time, and ends when it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dialerd.core.campaign import EXHAUSTED
from dialerd.core.effects import MoveCampaign
from dialerd.core.list_records import Newcomers
from dialerd.core.pacing import NS
from dialerd.core.records import CampaignState

if TYPE_CHECKING:
    from dialerd.core.desk import Desk
    from dialerd.core.floor import Floor
    from dialerd.core.running import Run

_MOVE_GAP_NS: Final = 10 * NS  # between two requests to move a campaign


def start_if_due(floor: Floor, run: Run, now_ns: int) -> None:
    """An approved campaign with a start time begins by itself, when its hours first open."""
    waits = run.campaign.state is CampaignState.APPROVED and run.settings.start_ms
    if not waits or run.ended or floor.draining or not floor.store_ok or not floor.clock.known:
        return
    if run.open_at(now_ns + floor.clock.offset_ns):
        _ask(floor, run, CampaignState.RUNNING, "start time reached", now_ns)


def finish_if_over(floor: Floor, desk: Desk, run: Run, now_ns: int) -> None:
    """One past its end time, or with nobody left whom it could call, has finished."""
    if run.ended:
        reason = "end time reached"
    elif run.exhausted and run.running and run.settings.newcomers is not Newcomers.AWAIT:
        reason = EXHAUSTED
    else:
        return
    if run.live or run.held_count or (run.gate is not None and desk.busy(run)):
        return
    _ask(floor, run, CampaignState.FINISHED, reason, now_ns)


def _ask(floor: Floor, run: Run, after: CampaignState, reason: str, now_ns: int) -> None:
    if now_ns >= run.moved_ns + _MOVE_GAP_NS:
        run.moved_ns = now_ns
        floor.out.append(MoveCampaign(run.campaign.campaign_id, after, reason))
    floor.look_by(run.moved_ns + _MOVE_GAP_NS)
