"""What the documents of several resources share: strict bases, references, pages."""

from __future__ import annotations

from typing import Annotated, Any, Final, Generic, TypeVar, dataclass_transform
from urllib.parse import urlencode

import msgspec
from msgspec import Meta

from admin_http.cursors import CURSOR_CHARS_MAX, Position, decode, encode
from admin_http.services import Call
from dialerd.core.control import CampaignRef
from dialerd.core.control_base import PAGE_MAX

T = TypeVar("T")

PAGE: Final = 100  # of what a list shows when nobody says how many


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of what only the HTTP API says."""


class OneCampaign(Document):
    """Which campaign."""

    campaign: CampaignRef


class Paging(Document):
    """Which page of a list."""

    after: Annotated[
        str,
        Meta(
            max_length=CURSOR_CHARS_MAX,
            pattern=r"^[A-Za-z0-9_-]*$(?!\n)",
            description="The `next` of the page before; empty: the first page.",
        ),
    ] = ""
    limit: Annotated[int, Meta(ge=1, le=PAGE_MAX)] = PAGE


class Page(Document, Generic[T]):
    """Some of a list; `next` is the `after` of the page behind it, null on the last."""

    items: tuple[T, ...]
    next: str | None = None


def behind(call: Call, query: Paging) -> Position:
    """Where this page of this list begins: empty, at its head; ProblemError 400."""
    return decode(call.route_name, query.after)


def page(call: Call, query: Paging, items: tuple[T, ...], at: Position | None) -> Page[T]:
    """A page of this list that ends `at` a place (None: the list's end), linked to the next."""
    if at is None:
        return Page(items=items)
    following = encode(call.route_name, at)
    more: dict[str, Any] = {**call.request.query, "after": following, "limit": query.limit}
    call.headers["Link"] = f'<{call.request.rel_url.raw_path}?{urlencode(more)}>; rel="next"'
    return Page(items=items, next=following)
