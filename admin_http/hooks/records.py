"""What is kept of webhooks, in the admin store."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from admin_http.people.store import Kind

WEBHOOKS_MAX: Final = 50  # one more is refused
DELIVERIES_KEPT: Final = 100  # of each webhook, the newest
DETAIL_CHARS_MAX: Final = 200

HookName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=64,
        pattern=r"^[a-z0-9][a-z0-9_.-]*$(?!\n)",
        extra={"hint": "small letters, digits, dot, dash, underscore"},
    ),
]
HookUrl = Annotated[
    str,
    Meta(
        min_length=9,
        max_length=2_000,
        pattern=r"^https?://[^\s\x00-\x1f\x7f@\\]+$(?!\n)",
        extra={"hint": "http:// or https://, without a user"},
    ),
]


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """One that is told. `seq` is the last record of what ended that it has taken."""

    name: HookName
    url: HookUrl
    secret: bytes
    seq: int
    created_at: datetime
    who: str
    campaigns: tuple[int, ...] = ()  # empty: all
    paused: str = ""  # why nothing is sent; empty: it is
    told: int = 0  # events that it has taken
    missed: int = 0  # records that were gone before they could be told
    tries: int = 0  # in vain, of the next event
    failing_since: datetime | None = None
    last_at: datetime | None = None
    last: str = ""  # how the last try went
    numbered: int = 0  # tries ever made: they number what is kept of them


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One try to tell one event."""

    webhook: str
    number: int
    event: str  # its id
    at: datetime
    ok: bool
    status: int  # of the answer; 0: none came
    took_ms: int
    detail: str = ""


def delivery_key(name: str, number: int) -> bytes:
    """By webhook, in the order of tries."""
    return name.encode() + b"\0" + number.to_bytes(8, "big")


WEBHOOKS: Final = Kind("webhooks", Webhook, lambda hook: hook.name.encode())
DELIVERIES: Final = Kind("deliveries", Delivery, lambda d: delivery_key(d.webhook, d.number))
