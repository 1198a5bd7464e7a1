"""What may become of a webhook in the store, by whichever way it is asked for."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec
from msgspec.structs import replace

from admin_http.hooks.records import (
    DELIVERIES,
    DELIVERIES_KEPT,
    WEBHOOKS,
    WEBHOOKS_MAX,
    Delivery,
    HookName,
    HookUrl,
    Webhook,
    delivery_key,
)
from admin_http.hooks.signing import new_secret
from admin_http.people.store import Txn

PAUSED: Final = "by a person"


class HookError(Exception):
    """It cannot be done; one line that says why."""


class NoHookError(HookError):
    """There is none of that name."""


class PlainError(HookError):
    """Plain HTTP goes nowhere: no network is allowed."""


def check(name: str, url: str, *, plain: bool) -> None:
    """HookError for a name or an address that cannot be; `plain`: some go by plain HTTP."""
    for what, value, kind in (("name", name, HookName), ("url", url, HookUrl)):
        try:
            msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            raise HookError(f"{what}: {error}") from None
    check_plain(url, plain=plain)


def check_plain(url: str, *, plain: bool) -> None:
    """PlainError for an address without TLS where none may be."""
    if url.startswith("http:") and not plain:
        raise PlainError("url: https is needed; plain HTTP goes to [admin] webhook_networks")


def made(
    name: str, url: str, campaigns: tuple[int, ...], last: int, who: str, at: datetime
) -> Webhook:
    """A new one, which is told what ends after the record `last`."""
    return Webhook(
        name=name,
        url=url,
        secret=new_secret(),
        seq=last,
        created_at=at,
        who=who,
        campaigns=campaigns,
    )


def every(txn: Txn) -> list[Webhook]:
    """All of them by name."""
    return txn.scan(WEBHOOKS, WEBHOOKS_MAX)


def get(txn: Txn, name: str) -> Webhook:
    """One; NoHookError."""
    hook = txn.get(WEBHOOKS, name.encode("utf-8", "replace"))
    if hook is None:
        raise NoHookError(f"there is no webhook named {name!r:.80}")
    return hook


def tries(txn: Txn, name: str) -> list[Delivery]:
    """Those that are kept, oldest first."""
    return txn.scan(DELIVERIES, 2 * DELIVERIES_KEPT, prefix=delivery_key(name, 0)[:-8])


def add(txn: Txn, hook: Webhook) -> None:
    """One more; HookError."""
    if txn.get(WEBHOOKS, hook.name.encode()) is not None:
        raise HookError(f"there is a webhook named {hook.name!r} already")
    if txn.count(WEBHOOKS) >= WEBHOOKS_MAX:
        raise HookError(f"there are {WEBHOOKS_MAX} webhooks already; remove one")
    txn.put(WEBHOOKS, hook)


def pause(txn: Txn, name: str, why: str) -> Webhook:
    """Nothing is told while there is a reason why not; its tries begin anew. NoHookError."""
    hook = get(txn, name)
    paused = why and (hook.paused or why)
    changed = replace(hook, paused=paused, tries=0, failing_since=None)
    txn.put(WEBHOOKS, changed)
    return changed


def remove(txn: Txn, name: str) -> None:
    """Forget it and its tries; NoHookError."""
    get(txn, name)
    for one in tries(txn, name):
        txn.delete(DELIVERIES, delivery_key(name, one.number))
    txn.delete(WEBHOOKS, name.encode())
