"""The campaign gate: the states of a campaign, the moves between them, and who may ask for which.

    draft --approve--> approved --start--> running <--pause/resume--> paused
                          |                   |                         |
                          +------finish-------+----------finish---------+--> finished

Nothing is dialed in any state but RUNNING. Approval freezes settings and audience (but for people
who come into its lists later, where the settings take them), so there is no way back to DRAFT;
FINISHED is the end. A campaign that was never started has nothing to pause.
"""

from __future__ import annotations

from typing import Final

from dialerd.core.ports import ConflictError
from dialerd.core.records import CampaignState

EXHAUSTED: Final = "list exhausted"  # why one has finished by itself
DRAFT: Final = CampaignState.DRAFT
APPROVED: Final = CampaignState.APPROVED
RUNNING: Final = CampaignState.RUNNING
PAUSED: Final = CampaignState.PAUSED
FINISHED: Final = CampaignState.FINISHED

# (before, after) -> the action that a person asks for. Everything not in it is refused.
MOVES: Final[dict[tuple[CampaignState, CampaignState], str]] = {
    (DRAFT, APPROVED): "approve",
    (APPROVED, RUNNING): "start",
    (RUNNING, PAUSED): "pause",
    (PAUSED, RUNNING): "resume",
    (APPROVED, FINISHED): "finish",
    (RUNNING, FINISHED): "finish",
    (PAUSED, FINISHED): "finish",
}

# Where each action leads, from whatever state allows it.
ACTIONS: Final[dict[str, CampaignState]] = {action: after for (_, after), action in MOVES.items()}


def allowed_actions(state: CampaignState) -> tuple[str, ...]:
    """The names of the actions that are legal in `state`, in the order of the table."""
    return tuple(action for (before, _), action in MOVES.items() if before is state)


def check_move(before: CampaignState, after: CampaignState) -> None:
    """Refuse a move that is not in the table.

    Raises:
        ConflictError: with the legal actions of `before` in `.allowed`.
    """
    if (before, after) in MOVES:
        return
    raise _refusal(before, f"a {before} campaign cannot become {after}")


def action_target(before: CampaignState, action: str) -> CampaignState:
    """The state that `action` leads to from `before`.

    Raises:
        ConflictError: unknown action, or not legal now; `.allowed` lists the legal ones.
    """
    for (state, after), name in MOVES.items():
        if state is before and name == action:
            return after
    known = action in ACTIONS
    article = "an" if before is CampaignState.APPROVED else "a"
    text = f"cannot {action} {article} {before} campaign" if known else f"unknown action {action!r}"
    raise _refusal(before, text)


def _refusal(before: CampaignState, text: str) -> ConflictError:
    allowed = allowed_actions(before)
    hint = f"allowed now: {', '.join(allowed)}" if allowed else "nothing is allowed any more"
    return ConflictError(f"{text}; {hint}", allowed)
