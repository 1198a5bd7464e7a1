"""What may be asked about the running of the daemon itself: how much it logs."""

from __future__ import annotations

from typing import Annotated, Literal, Protocol

from msgspec import Meta

from dialerd.core.control_base import Reply, Request

Level = Literal["debug", "info", "warning", "error"]


class SetLogLevel(Request["LogLevelInfo"]):
    """Log so much from now on, until a reload or the next start; None: as it is."""

    level: Level | None
    who: Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$(?!\n)")]


class LogLevelInfo(Reply):
    """How much is logged now."""

    level: Level


class OperateControl(Protocol):
    """The part of `dialerd.core.control.Control` about the daemon's own running."""

    async def log_level(self, request: SetLogLevel) -> LogLevelInfo:
        """How much is logged, changed or not."""
        ...
