"""Webhooks: who is told of calls that are over, and how that goes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

from aiohttp import web
from msgspec import Meta
from msgspec.structs import replace

from admin_http import cursors
from admin_http.documents import Document, Page, Paging, behind, page
from admin_http.hooks import keeping
from admin_http.hooks.keeping import PAUSED, HookError, NoHookError
from admin_http.hooks.records import (
    DELIVERIES,
    WEBHOOKS,
    Delivery,
    HookName,
    HookUrl,
    Webhook,
    delivery_key,
)
from admin_http.hooks.sending import Sender
from admin_http.hooks.signing import shown
from admin_http.people.access import admins
from admin_http.people.store import Txn
from admin_http.problems import Fault, ProblemError
from admin_http.routes import route
from admin_http.services import Call
from admin_http.tokens import Scope
from dialerd.core.campaigns_view import CampaignRef
from dialerd.core.control import ControlError, ErrorKind, GetCampaign
from dialerd.core.control_base import Instant

SENDER: Final = web.AppKey("sender", Sender)
Campaigns = Annotated[tuple[CampaignRef, ...], Meta(max_length=100)]


class OneWebhook(Document):
    """Which one."""

    name: HookName


class WebhookContent(Document):
    """Where it goes, and what it is told: calls of these campaigns, empty: of all."""

    url: HookUrl
    campaigns: Campaigns = ()
    active: bool = True


class NewWebhook(Document):
    """One more."""

    name: HookName
    url: HookUrl
    campaigns: Campaigns = ()


class WebhookInfo(Document):
    """One webhook. `waiting` calls are over and not told yet; `paused` says why none is told.

    `tries` were in vain since `failing_since`; `missed` calls were removed from the store before
    they could be told.
    """

    name: str
    url: str
    campaigns: tuple[int, ...]
    created_at: Instant
    who: str
    paused: str
    waiting: int
    told: int
    missed: int
    tries: int
    failing_since: Instant | None
    last_at: Instant | None
    last: str


class WebhookMade(Document):
    """A new webhook; `secret` is shown this once."""

    webhook: WebhookInfo
    secret: str


class DeliveryInfo(Document):
    """One try; `status` 0: no answer came, and `detail` says why."""

    event: str
    at: Instant
    ok: bool
    status: int
    took_ms: int
    detail: str


@route("GET", "/v1/webhooks", Scope.OPERATE, access=admins)
async def webhooks(call: Call, query: Paging) -> Page[WebhookInfo]:
    """Every webhook by name."""
    after = cursors.text(behind(call, query))
    with call.services.admin.read() as txn:
        found = txn.scan(WEBHOOKS, query.limit + 1, after=after.encode())
    last = await _sender(call).last()
    items = tuple(_info(hook, last) for hook in found[: query.limit])
    more = len(found) > query.limit
    return page(call, query, items, (items[-1].name,) if more else None)


@route(
    "POST",
    "/v1/webhooks",
    Scope.OPERATE,
    access=admins,
    status=201,
    once=False,  # the answer holds the secret
    example={"name": "crm", "url": "https://crm.example.com/calls"},
)
async def create_webhook(call: Call, body: NewWebhook) -> WebhookMade:
    """Tell one more of every call that is over from now on."""
    sender = _sender(call)
    _refuse_plain(sender, body.url)
    campaigns = await _ids(call, body.campaigns)
    last = await sender.last()
    hook = keeping.made(body.name, body.url, campaigns, last, call.who, datetime.now(UTC))
    try:
        await call.services.admin.change(lambda txn: keeping.add(txn, hook))
    except HookError as error:
        raise ProblemError(409, str(error)) from None
    call.headers["Location"] = f"/v1/webhooks/{hook.name}"
    return WebhookMade(webhook=_info(hook, last), secret=shown(hook.secret))


@route("GET", "/v1/webhooks/{name}", Scope.OPERATE, access=admins)
async def webhook(call: Call, path: OneWebhook) -> WebhookInfo:
    """One webhook."""
    return _info(_found(call, path.name), await _sender(call).last())


@route(
    "PUT",
    "/v1/webhooks/{name}",
    Scope.OPERATE,
    access=admins,
    example={"url": "https://crm.example.com/calls", "active": True},
)
async def change_webhook(call: Call, path: OneWebhook, body: WebhookContent) -> WebhookInfo:
    """Send elsewhere, of other campaigns, pause it, or begin again after a pause."""
    sender = _sender(call)
    _refuse_plain(sender, body.url)
    campaigns = await _ids(call, body.campaigns)
    _found(call, path.name)
    sender.forget(path.name)

    def change(txn: Txn) -> Webhook:
        hook = keeping.pause(txn, path.name, "" if body.active else PAUSED)
        changed = replace(hook, url=body.url, campaigns=campaigns)
        txn.put(WEBHOOKS, changed)
        return changed

    try:
        changed = await call.services.admin.change(change)
    except NoHookError as error:  # removed meanwhile
        raise ProblemError(404, str(error)) from None
    sender.forget(path.name)  # one that was begun meanwhile with what it was before
    return _info(changed, await sender.last())


@route("DELETE", "/v1/webhooks/{name}", Scope.OPERATE, access=admins)
async def remove_webhook(call: Call, path: OneWebhook) -> WebhookInfo:
    """Tell it nothing more, and forget it; shows what it was."""
    found = _info(_found(call, path.name), await _sender(call).last())

    _sender(call).forget(path.name)
    try:
        await call.services.admin.change(lambda txn: keeping.remove(txn, path.name))
    except NoHookError as error:  # by somebody else meanwhile
        raise ProblemError(404, str(error)) from None
    _sender(call).forget(path.name)
    return found


@route("POST", "/v1/webhooks/{name}/test", Scope.OPERATE, access=admins)
async def test_webhook(call: Call, path: OneWebhook) -> DeliveryInfo:
    """Send an event of the type `test` now, and tell how that went; it is tried once."""
    return _delivery(await _sender(call).try_once(_found(call, path.name)))


@route("GET", "/v1/webhooks/{name}/deliveries", Scope.OPERATE, access=admins)
async def webhook_deliveries(call: Call, path: OneWebhook, query: Paging) -> Page[DeliveryInfo]:
    """The last hundred tries, oldest first."""
    _found(call, path.name)
    after = cursors.number(behind(call, query))
    prefix = delivery_key(path.name, 0)[:-8]
    with call.services.admin.read() as txn:
        start = delivery_key(path.name, after) if after else b""
        found = txn.scan(DELIVERIES, query.limit + 1, prefix=prefix, after=start)
    items = tuple(_delivery(one) for one in found[: query.limit])
    more = len(found) > query.limit
    return page(call, query, items, (found[query.limit - 1].number,) if more else None)


def _sender(call: Call) -> Sender:
    return call.request.app[SENDER]


def _found(call: Call, name: str) -> Webhook:
    with call.services.admin.read() as txn:
        try:
            return keeping.get(txn, name)
        except NoHookError as error:
            raise ProblemError(404, str(error)) from None


def _refuse_plain(sender: Sender, url: str) -> None:
    try:
        keeping.check_plain(url, plain=sender.reach.plain)
    except keeping.PlainError as error:
        fault = Fault(detail=str(error), pointer="/url")
        raise ProblemError(422, str(error), errors=(fault,)) from None


async def _ids(call: Call, names: tuple[str, ...]) -> tuple[int, ...]:
    found: list[int] = []
    for at, name in enumerate(names):
        try:
            found.append((await call.services.control.call(GetCampaign(campaign=name))).id)
        except ControlError as error:
            if error.kind is not ErrorKind.NOT_FOUND:
                raise
            fault = Fault(detail=error.text, pointer=f"/campaigns/{at}")
            raise ProblemError(422, error.text, errors=(fault,)) from None
    return tuple(dict.fromkeys(found))


def _info(hook: Webhook, last: int) -> WebhookInfo:
    return WebhookInfo(
        name=hook.name,
        url=hook.url,
        campaigns=hook.campaigns,
        created_at=hook.created_at,
        who=hook.who,
        paused=hook.paused,
        waiting=max(0, last - hook.seq),
        told=hook.told,
        missed=hook.missed,
        tries=hook.tries,
        failing_since=hook.failing_since,
        last_at=hook.last_at,
        last=hook.last,
    )


def _delivery(one: Delivery) -> DeliveryInfo:
    return DeliveryInfo(
        event=one.event,
        at=one.at,
        ok=one.ok,
        status=one.status,
        took_ms=one.took_ms,
        detail=one.detail,
    )
