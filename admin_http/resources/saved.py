"""What scripts and flows share: both are saved by version, and found by name."""

from __future__ import annotations

from itertools import islice
from typing import Final

from admin_http import cursors
from admin_http.documents import Document, Page, Paging, behind, page
from admin_http.services import Call
from dialerd.core.campaign_spec import at_time
from dialerd.core.control_base import Instant
from dialerd.core.flow_records import FlowVersion
from dialerd.core.script_records import ScriptVersion
from dialerd.core.scripts_view import SavedInfo, Version


class VersionQuestion(Document):
    """Which version."""

    version: Version = 0


NEWEST: Final = VersionQuestion()


class VersionInfo(Document):
    """One saving."""

    version: int
    at: Instant
    who: str


class Versions(Document):
    """All of them, oldest first."""

    items: tuple[VersionInfo, ...]


def version_info(saved: FlowVersion | ScriptVersion) -> VersionInfo:
    """The document of one."""
    return VersionInfo(version=saved.version, at=at_time(saved.at_ms), who=saved.who)


def named_page(call: Call, query: Paging, found: tuple[SavedInfo, ...]) -> Page[SavedInfo]:
    """A page of what is sorted by name."""
    after = cursors.text(behind(call, query))
    rest = list(islice((one for one in found if one.name > after), query.limit + 1))
    shown = tuple(rest[: query.limit])
    return page(call, query, shown, (shown[-1].name,) if len(rest) > query.limit else None)
